"""Physical units of a material: carriers, layers, what is left over, and every unit that an energy comes in.

Expected numbers are worked out by hand from scipy.constants, in SI units: nothing here goes through pint.
"""

import functools
import re
import warnings

import numpy as np
import pint
import pytest
import xarray as xr
from scipy import constants as si

import xglass as xg
from xglass.units.parameters import parameter

# pint carries hbar as a rounded decimal of 10 digits
DIGITS = 1e-9
CONDUCTANCE = si.e**2 / si.hbar
SPACING = 0.7e-9


def named(value, unit, name):
    return xr.DataArray(value, name=name, attrs={"units": unit})


SIGMA = named(2.0, "e^2 a^2/hbar", "dc_conductivity")
RHO = named(0.5, "hbar/(e^2 a^2)", "resistivity")
SHEET = named(2.0, "e^2/hbar", "dc_conductivity")
BULK = named(2.0, "e^2/(hbar a)", "dc_conductivity")


# --- carriers and layers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "siemens", "unit", "inverse"),
    [  # 2 e^2 a^2/hbar times n, in SI units, over the unit that is quoted
        ({"density": "1e21 cm^-3"}, 2 * CONDUCTANCE * SPACING**2 * 1e27 / 100, "S/cm", "microohm cm"),
        ({"density": "1e27/m^3"}, 2 * CONDUCTANCE * SPACING**2 * 1e27 / 100, "S/cm", "microohm cm"),
        ({"density": "0.1 a^-3"}, 2 * CONDUCTANCE * 0.1 / SPACING / 100, "S/cm", "microohm cm"),
        ({"density": "1e14 cm^-2"}, 2 * CONDUCTANCE * SPACING**2 * 1e18, "siemens", "ohm"),
        ({"density": "0.1 a^-2"}, 2 * CONDUCTANCE * 0.1, "siemens", "ohm"),
        (
            {"density": "1e14 cm^-2", "layer": "1.2 nm"},
            2 * CONDUCTANCE * SPACING**2 * 1e18 / 1.2e-9 / 100,
            "S/cm",
            "microohm cm",
        ),
        ({"density": "1e6 cm^-1"}, 2 * CONDUCTANCE * SPACING**2 * 1e8 / 1e-9, "S nm", "ohm/nm"),
        ({}, 2 * CONDUCTANCE * SPACING**2 / 1e-18, "S nm^2", "ohm/nm^2"),
    ],
)
def test_carriers_make_a_material_of_a_particle(arguments, siemens, unit, inverse):
    physical = xg.units.to_physical(SIGMA, spacing="0.7 nm", **arguments)
    assert physical.attrs["units"] == unit
    assert float(physical) == pytest.approx(siemens, rel=DIGITS)
    rho = xg.units.to_physical(RHO, spacing="0.7 nm", **arguments)
    assert rho.attrs["units"] == inverse
    micro = 1e6 if inverse == "microohm cm" else 1.0
    assert float(rho) == pytest.approx(micro / siemens, rel=DIGITS)


def test_a_resistivity_worked_out():
    """1e21 carriers in a cm^3 on chains of 0.7 nm, 2 e^2 a^2/hbar each: 2.434e-4 S x 2 x 0.49 nm^2 / nm^3."""
    rho = xg.units.to_physical(RHO, spacing="0.7 nm", density="1e21 cm^-3")
    assert float(rho) == pytest.approx(419.207745, rel=1e-8)  # microohm cm


def test_layers_and_bulk_need_no_carriers():
    for quantity, arguments in ((SHEET, {"layer": "1.2 nm"}), (BULK, {"spacing": "1.2 nm"})):
        physical = xg.units.to_physical(quantity, **arguments)
        assert float(physical) == pytest.approx(2 * CONDUCTANCE / 1.2e-9 / 100, rel=DIGITS)
        assert physical.attrs["units"] == "S/cm"


@pytest.mark.parametrize(
    ("unit", "arguments", "expected", "wanted"),
    [
        ("tc e^2 a^2/hbar^2", {"density": "1e21 cm^-3"}, CONDUCTANCE * SPACING**2 * 1e27 / 100, "S/(cm fs)"),
        ("tc e^2 a^2/hbar^2", {"density": "1e14 cm^-2"}, CONDUCTANCE * SPACING**2 * 1e18, "S/fs"),
        (
            "tc e^2 a^2/hbar^2",
            {"density": "1e14 cm^-2", "layer": "1 nm"},
            CONDUCTANCE * SPACING**2 * 1e18 / 1e-7,
            "S/(cm fs)",
        ),
        ("tc e^2 a^2/hbar^2", {"density": "1e6 cm^-1"}, CONDUCTANCE * SPACING**2 * 1e17, "S nm/fs"),
        ("Vc e^2/hbar^2", {"layer": "1 nm"}, CONDUCTANCE / 1e-7, "S/(cm fs)"),
        ("Vc e^2/hbar^2", {}, CONDUCTANCE, "S/fs"),
    ],
)
def test_weights_follow_their_conductivity(unit, arguments, expected, wanted):
    weight = named(3.0, unit, "spectral_weight")
    physical = xg.units.to_physical(weight, scale="0.1 eV", spacing="0.7 nm", **arguments)
    assert physical.attrs["units"] == wanted
    per_femtosecond = 0.1 * si.e / si.hbar * 1e-15
    assert float(physical) == pytest.approx(3.0 * expected * per_femtosecond, rel=DIGITS)


@functools.cache
def solution():
    tls = xg.electron_tls(xg.lattice.chain(3), g=1.0, omega0=0.5, scale="0.12 eV")
    grid = {"frequency": [0.0, 0.5], "broadening": [0.2, 0.4]}
    return xg.ftlm(tls, T=[0.5, 1.0], **grid, random_vectors=3, seed=1).compute()


def test_a_whole_solution_is_converted_with_its_errors():
    """All that is per particle by one factor, energies and temperatures by their own."""
    physical = xg.units.to_physical(solution(), spacing="0.7 nm", density="1e21 cm^-3")
    factor = CONDUCTANCE * SPACING**2 * 1e27 / 100
    for name in ("optical_conductivity", "optical_conductivity_stderr"):
        assert physical[name].attrs["units"] == "S/cm"
        np.testing.assert_allclose(physical[name], factor * solution()[name], rtol=DIGITS)
    for name in ("total_weight", "total_weight_stderr"):
        assert physical[name].attrs["units"] == "S/(cm fs)"
    np.testing.assert_allclose(physical["kinetic_energy"], 120.0 * solution()["kinetic_energy"], rtol=1e-13)
    assert not {"a", "Vc", "tc"} & {
        word for x in physical.variables.values() for word in str(x.attrs.get("units")).split()
    }
    rho = xg.units.to_physical(xg.resistivity(solution()), spacing="0.7 nm", density="1e21 cm^-3")
    assert {array.attrs["units"] for array in rho.data_vars.values()} == {"microohm cm"}
    sigma = physical["optical_conductivity"].sel(frequency=0)
    np.testing.assert_allclose(rho["resistivity"], 1e6 / sigma, rtol=1e-12)
    error = physical["optical_conductivity_stderr"].sel(frequency=0)
    np.testing.assert_allclose(rho["resistivity_stderr"], 1e6 * error / sigma**2, rtol=1e-12)
    mu = xg.units.to_physical(xg.mobility(solution()), spacing="0.7 nm")
    drude = si.e * 1e21 * mu["mobility"]  # sigma = n e mu, in S/cm with n in 1/cm^3
    np.testing.assert_allclose(sigma, drude, rtol=DIGITS)


def test_moments_of_what_is_per_particle():
    sigma = xr.DataArray([1.0, 2.0, 4.0], dims="realization", name="dc_conductivity")
    moments = xg.ops.moments(sigma.assign_attrs(SIGMA.attrs), dim="realization", order=2)
    physical = xg.units.to_physical(moments, spacing="0.7 nm", density="1e21 cm^-3")
    assert physical.attrs["base_units"] == "S/cm"
    factor = CONDUCTANCE * SPACING**2 * 1e27 / 100
    np.testing.assert_allclose(physical, moments * [factor, factor**2], rtol=3 * DIGITS)


def test_conversion_with_carriers_is_lazy(no_compute):
    lazy = SIGMA.expand_dims(T=3).chunk(T=1)
    with no_compute:
        physical = xg.units.to_physical(lazy, spacing="0.7 nm", density="1e21 cm^-3")
    assert physical.chunks == ((1, 1, 1),)


@pytest.mark.parametrize(
    ("quantity", "arguments", "message"),
    [
        (
            SHEET,
            {"density": "1e21 cm^-3"},
            r"density belongs to .* per particle \(e\^2 a\^2/hbar\), and there",
        ),
        (BULK, {"density": "1e21 cm^-3", "spacing": "1 nm"}, "density belongs to .* leave it out"),
        (
            named(1.0, "e a^2/hbar", "mobility"),
            {"density": "1e21 cm^-3", "spacing": "1 nm"},
            "density belongs",
        ),
        (SIGMA, {"density": "1e21 cm^-3"}, r"density = 1e\+21 / cm \*\* 3 .*; pass spacing='0.5 nm'"),
        (SIGMA, {"density": "0.1 a^-3"}, r"pass spacing='0.5 nm'"),
        (
            SIGMA,
            {"density": "1e21 cm^-3", "layer": "1 nm", "spacing": "1 nm"},
            r"layer has no use beside density = 1e\+21 / cm \*\* 3, .*leave one out",
        ),
        (
            SIGMA,
            {"density": "1e6 cm^-1", "layer": "1 nm", "spacing": "1 nm"},
            "layer has no use beside density = 1e\\+06 / cm",
        ),
        (
            SIGMA,
            {"layer": "1 nm", "spacing": "1 nm"},
            "layer makes .* per particle; pass density='1e21 cm\\^-3'",
        ),
        (SIGMA, {"density": 1e21}, r"density must be a positive number of carriers .* got 1e\+21"),
        (SIGMA, {"density": "0 cm^-3"}, "density must be a positive number"),
        (SIGMA, {"density": "-1e21 cm^-3"}, "density must be a positive number"),
        (SIGMA, {"density": "nan cm^-3"}, "density must be a positive number"),
        (SIGMA, {"density": "3 meV"}, "density must be .*'1e21 cm\\^-3', '1e14 cm\\^-2' or '0.1 a\\^-3'"),
        (SIGMA, {"density": "1 mol/l"}, "density must be a positive number"),
        (SIGMA, {"density": pint.UnitRegistry().Quantity([1.0, 2.0], "1/cm^3")}, "density must be"),
        (SIGMA, {"density": "1e21 per cmm^3"}, "density: .* 'cmm' .*is no unit"),
    ],
)
def test_carriers_and_layers_that_contradict_are_refused(quantity, arguments, message):
    with pytest.raises(ValueError, match=message):
        xg.units.to_physical(quantity, **arguments)


# --- what is left over --------------------------------------------------------------------------------------


def left(obj, **arguments):
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        xg.units.to_physical(obj, scale="0.35 eV", **arguments)
    return [str(one.message) for one in seen]


@pytest.mark.parametrize(
    ("make", "names"),
    [
        (lambda: xg.testing.tiny_glass(), ["'position' (a)", "'torus' (a)", "'bond_vector' (a)"]),
        (lambda: xg.testing.tiny_run(), ["'position' (a)", "'torus' (a)", "'bond_vector' (a)"]),
        (lambda: xg.testing.tiny_run()["electrostatic_energy"], []),
        (lambda: xg.electrostatic_potential(xg.testing.tiny_run()), []),
        (lambda: xg.structure_factor(xg.testing.tiny_run()), ["'qx' (1/a)", "'qy' (1/a)"]),
        (lambda: xg.lattice.triangular(4)["position"], ["'position' (a)"]),
        (lambda: SIGMA, ["'dc_conductivity' (e^2 a^2/hbar)"]),
        (lambda: RHO, ["'resistivity' (hbar/(e^2 a^2))"]),
        (lambda: SHEET, []),
        (lambda: BULK, ["'dc_conductivity' (e^2/(hbar a))"]),
        (lambda: named(1.0, "e a^2/hbar", "mobility"), ["'mobility' (e a^2/hbar)"]),
        (lambda: named(1.0, "tc a^2/hbar", "diffusivity"), ["'diffusivity' ("]),
        (lambda: named(1.0, "tc e^2 a^2/hbar^2", "spectral_weight"), ["'spectral_weight' ("]),
        (lambda: xg.ops.moments(SIGMA.expand_dims(x=3), dim="x"), ["'moments' (e^2 a^2/hbar)"]),
        (lambda: xg.resistivity(solution()), ["'resistivity' (", "'resistivity_stderr' ("]),
    ],
)
def test_what_stays_in_lattice_spacings_is_said(make, names):
    messages = left(make())
    assert len(messages) == bool(names)
    for name in names:
        assert name in messages[0]
    if names:
        assert len(re.findall(r"'\w+' \(", messages[0])) == len(names), messages
        assert "lattice spacing a, whose length is not known; pass spacing='0.5 nm' (say)" in messages[0]
    assert left(make(), spacing="0.5 nm") == []


def test_the_warning_points_to_the_call():
    with pytest.warns(UserWarning, match="'dc_conductivity'") as seen:
        xg.units.to_physical(SIGMA)
    assert seen[0].filename == __file__


def test_coordinates_of_ones_own_that_stay_are_said():
    E = xg.testing.tiny_run()["electrostatic_energy"]
    own = E.assign_coords(height=("sweep", np.arange(E.sizes["sweep"]), {"units": "Vc"}))
    with pytest.warns(UserWarning, match=r"coordinates 'height' \(Vc\) stay as they are.*or drop them"):
        physical = xg.units.to_physical(own, scale="0.35 eV")
    assert physical["height"].attrs["units"] == "Vc"
    assert left(E.assign_coords(height=own["height"].assign_attrs(units="m"))) == []


# --- every unit that an energy comes in ---------------------------------------------------------------------

#: One energy of 2 meV, written in every way.
JOULE = 2e-3 * si.e
WRITTEN = {
    "meV": JOULE / si.e * 1e3,
    "eV": JOULE / si.e,
    "ueV": JOULE / si.e * 1e6,
    "J": JOULE,
    "zJ": JOULE * 1e21,
    "K": JOULE / si.k,
    "nK": JOULE / si.k * 1e9,
    "mK": JOULE / si.k * 1e3,
    "kelvin": JOULE / si.k,
    "cm^-1": JOULE / (si.h * si.c) / 100,
    "1/cm": JOULE / (si.h * si.c) / 100,
    "/cm": JOULE / (si.h * si.c) / 100,
    "cm⁻¹": JOULE / (si.h * si.c) / 100,
    "cm**-1": JOULE / (si.h * si.c) / 100,
    "Hz": JOULE / si.h,
    "kHz": JOULE / si.h / 1e3,
    "THz": JOULE / si.h / 1e12,
    "rad/s": JOULE / si.hbar,
    "kJ/mol": JOULE * si.N_A / 1e3,
    "kcal/mol": JOULE * si.N_A / 4184.0,
}


@pytest.mark.parametrize("unit", WRITTEN)
def test_an_energy_comes_in_any_unit(unit):
    text = f"{WRITTEN[unit]!r} {unit}"
    assert float(parameter("T", text, scale=350.0)) == pytest.approx(2 / 350, rel=DIGITS)
    assert float(xg.units.scale_coordinate(text)) == pytest.approx(2.0, rel=DIGITS)
    physical = xg.units.to_physical(named(0.5, "Vc", "barrier"), scale=text)
    assert float(physical) == pytest.approx(1.0, rel=DIGITS)
    if unit != "/cm":
        quantity = pint.UnitRegistry().Quantity(np.array([1.0, 2.0]) * WRITTEN[unit], unit)
        np.testing.assert_allclose(parameter("T", quantity, scale=350.0), [2 / 350, 4 / 350], rtol=DIGITS)
        array = xr.DataArray(np.array([1.0, 2.0]) * WRITTEN[unit], dims="T", attrs={"units": unit})
        np.testing.assert_allclose(parameter("T", array, scale=350.0), [2 / 350, 4 / 350], rtol=DIGITS)


def test_every_argument_that_is_an_energy_takes_wave_numbers():
    """8 cm^-1 is h c 800/m; the energy unit of the model is 2 meV."""
    t = si.h * si.c * 800.0 / JOULE
    one = f"{1.0 / t * 8.0!r} cm^-1"  # one energy unit
    chain = xg.lattice.chain(3)
    tls = xg.electron_tls(chain, g="8 cm^-1", omega0="8 cm^-1", g_z="8 cm^-1", t=one, scale="2 meV")
    for name in ("g", "omega0", "g_z"):
        assert float(tls[name]) == pytest.approx(t, rel=DIGITS)
    assert float(tls["t"]) == pytest.approx(1.0, rel=DIGITS)
    grid = {"T": "8 cm^-1", "frequency": ["0 cm^-1", "8 cm^-1"], "broadening": "8 cm^-1"}
    solution = xg.exact(tls, **grid)
    np.testing.assert_allclose(solution["frequency"], [0.0, t], rtol=DIGITS)
    for name in ("T", "broadening"):
        assert float(solution[name]) == pytest.approx(t, rel=DIGITS)
    local = xg.dmft(tls, T=one, frequency=[0.0], energy=["-8 cm^-1", "8 cm^-1"])
    np.testing.assert_allclose(local["energy"], [-t, t], rtol=DIGITS)
    sigma = solution["optical_conductivity"]
    assert float(xg.spectral_weight(sigma, cutoff="4 cm^-1")["cutoff"]) == pytest.approx(t / 2, rel=DIGITS)
    w = np.linspace(0.0, 4.0, 41)
    shape = xr.DataArray(w / (1.0 + w**2), dims="frequency", coords={"frequency": w, "T": 1.0, "scale": 2.0})
    shape = shape.rename("optical_conductivity").assign_attrs(SIGMA.attrs).assign_coords(t=1.0)
    relaxed = xg.relaxation_time_approximation(shape, rate="8 cm^-1")
    assert float(relaxed["rate"]) == pytest.approx(t, rel=DIGITS)
    femtoseconds = si.hbar / JOULE * 1e15
    moved = xg.mean_square_displacement(shape, time=[f"{femtoseconds!r} fs", 2.0])
    np.testing.assert_allclose(moved["time"], [1.0, 2.0], rtol=DIGITS)
    ends = (0.5, "12 cm^-1")
    xr.testing.assert_identical(
        xg.peak_frequency(shape, window=ends), xg.peak_frequency(shape, window=(0.5, 1.5 * t))
    )
    glass = xg.charge_glass(xg.lattice.square(2), hopping={"x": "8 cm^-1", "y": "2 K"}, scale="2 meV")
    assert float(glass["hopping"].max()) == pytest.approx(t, rel=DIGITS)


def test_what_comes_out_goes_in_again():
    """Every parameter of a solution, as text of its number and unit, and as the array that it is."""
    physical = xg.units.to_physical(solution(), spacing="0.7 nm")
    for name in ("T", "frequency", "broadening", "g", "g_z", "omega0", "t"):
        inside, outside = solution()[name], physical[name]
        texts = [f"{x!r} {outside.attrs['units']}" for x in np.atleast_1d(outside.values).tolist()]
        again = parameter(name, texts, scale=120.0, energy="tc")
        np.testing.assert_allclose(again, np.atleast_1d(inside), rtol=2e-12)
        array = outside.drop_vars([*outside.coords])
        np.testing.assert_allclose(parameter(name, array, scale=120.0, energy="tc"), inside, rtol=2e-12)
    time = named(3.0, "hbar/tc", "time")
    fs = xg.units.to_physical(time, scale="0.12 eV")
    again = parameter("time", f"{float(fs)!r} {fs.attrs['units']}", scale=120.0, energy="tc")
    assert float(again) == pytest.approx(3.0, rel=2e-12)
    scale = physical["scale"]
    assert float(xg.units.scale_coordinate(f"{float(scale)!r} {scale.attrs['units']}")) == 120.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("30 degC", r"T: '30 degC' does not count from absolute zero; write '303.15 K'"),
        ("86 degF", r"T: '86 degF' does not count from absolute zero; write '303.15 K'"),
        ("30 °C", "write '303.15 K'"),
        ("3 dBm", "'3 dBm' does not count from absolute zero; write it in K or meV"),
        (
            "5 foo/bar",
            r"T: '5 foo/bar' is not a number with a unit: 'foo' is no unit; write for example '30 K'",
        ),
        ("5 foo/baz", r"'foo' and 'baz' are no units; write"),
        ("3 mevv", r"'mevv' \('meV'\?\) is no unit; write for example"),
        ("3 mev", r"'mev' \('meV'\?\) is no unit"),
        ("0.35 ev", r"'ev' \('eV'\?\) is no unit"),
        ("30 Kelvin", r"'Kelvin' \('kelvin'\?\) is no unit"),
        ("3 eV +", r"'eV \+' is no unit"),
        ("1,5 K", r"'1,5 K' is not a number with a unit: ',5 K' is no unit"),  # pint would read 15 K
        ("30 000 K", r"'000 K' is no unit"),
        ("2*pi*5 kHz", r"'pi\*5 kHz' is no unit"),
        ("3*4 meV", r"'4 meV' is no unit"),
        ("K", r"T: 'K' is not a number with a unit; write for example"),
        ("__import__('os')", "is not a number with a unit"),
    ],
)
def test_the_part_that_is_no_unit_is_named(text, message):
    with pytest.raises(ValueError, match=message):
        parameter("T", text, scale=350.0)
    with pytest.raises(ValueError, match=message.replace("T: ", "scale: ")):
        xg.units.scale_coordinate(text)


def test_degrees_celsius_are_refused_in_every_form():
    """As 30 degC in attrs they were 274.15 times 30."""
    ureg = pint.UnitRegistry()
    for value in (
        ureg.Quantity(30.0, "degC"),
        ureg.Quantity(np.array([30.0, 40.0]), "degC"),
        [ureg.Quantity(30.0, "degC")],
        xr.DataArray([30.0, 40.0], dims="T", attrs={"units": "degC"}),
    ):
        with pytest.raises(ValueError, match=r"does not count from absolute zero; write"):
            parameter("T", value, scale=350.0)


def test_the_unit_of_a_variable_that_cannot_be_read_is_named():
    with pytest.raises(
        ValueError, match=r"the unit 'Vc/bananas' of 'x' cannot be read: 'bananas' is no unit"
    ):
        xg.units.to_physical(named(1.0, "Vc/bananas", "x"), units="Vc/bananas", scale="1 eV")

"""Units: parameters in, physical units out, against numbers worked out by hand from CODATA."""

import dask.array
import numpy as np
import pint
import pytest
import xarray as xr

import xglass as xg
from xglass.units.parameters import parameter

# CODATA 2018, exact by the definition of the SI, in J, s, C: nothing here goes through pint
PLANCK = 6.62607015e-34
HBAR = PLANCK / (2 * np.pi)
CHARGE = 1.602176634e-19
BOLTZMANN = 1.380649e-23
LIGHT = 299792458.0
MEV_IN_KELVIN = CHARGE * 1e-3 / BOLTZMANN  # 11.60451812
# pint carries hbar and k_B in eV as rounded decimals of 12 digits or so
DIGITS = 1e-10


def quantity(value, unit, name="x", **coords):
    return xr.DataArray(value, name=name, attrs={"units": unit}, coords=coords)


def out(value, unit, name="x", **arguments):
    own = {"units": unit} if name == "x" else {}
    result = xg.units.to_physical(quantity(value, unit, name), **own, **arguments)
    return float(result), result.attrs["units"]


# --- out ----------------------------------------------------------------------------------------------------


def test_numbers_by_hand():
    """The scale of the charge-glass paper, V = 0.35 eV, written out."""
    value, unit = out(0.05, "Vc", "T", scale="0.35 eV")
    assert unit == "K"
    assert value == pytest.approx(203.0790671, rel=1e-9)  # 17.5 meV x 11.604518 K/meV
    assert value == pytest.approx(17.5 * MEV_IN_KELVIN, rel=DIGITS)
    assert out(0.12, "Vc", "t_p", scale="0.35 eV") == (pytest.approx(42.0, rel=1e-14), "meV")
    value, unit = out(1.0, "hbar/e^2", "resistivity", layer="10 angstrom")
    assert unit == "microohm cm"
    assert value == pytest.approx(410.8235902, rel=1e-9)
    assert value == pytest.approx(HBAR / CHARGE**2 * 1e-9 * 1e8, rel=DIGITS)  # ohm m -> microohm cm
    value, unit = out(1.0, "e^2/hbar", "optical_conductivity", layer="10 angstrom")
    assert unit == "S/cm"
    assert value == pytest.approx(2434.134806, rel=1e-9)
    assert value == pytest.approx(CHARGE**2 / HBAR / 1e-9 / 100, rel=DIGITS)
    value, unit = out(1.0, "e*a^2/hbar", "mobility", spacing="0.7 nm")
    assert unit == "cm^2/(V s)"
    assert value == pytest.approx(CHARGE * 0.7e-9**2 / HBAR * 1e4, rel=DIGITS)
    assert value == pytest.approx(7.444410495, rel=1e-9)
    value, unit = out(0.1, "Vc", "frequency", scale="0.35 eV")
    assert unit == "1/cm"
    assert value == pytest.approx(35e-3 * CHARGE / (PLANCK * LIGHT) / 100, rel=DIGITS)
    assert value == pytest.approx(282.2940378, rel=1e-9)


@pytest.mark.parametrize(
    ("unit", "arguments", "expected", "target"),
    [
        ("Vc", {"scale": "0.35 eV"}, 350.0, "meV"),
        ("tc", {"scale": "100 meV"}, 100.0, "meV"),
        ("Vc^2", {"scale": "10 meV"}, 100.0, "meV^2"),
        ("1/Vc", {"scale": "10 meV"}, 0.1, "1/meV"),
        ("a", {"spacing": "5 angstrom"}, 0.5, "nm"),
        ("1/a", {"spacing": "5 angstrom"}, 2.0, "1/nm"),
        ("Vc/a", {"scale": "10 meV", "spacing": "0.5 nm"}, 20.0, "meV/nm"),
        ("hbar/e^2", {}, HBAR / CHARGE**2, "ohm"),
        (
            "e^2/(hbar*a)",
            {"spacing": "1 nm"},
            CHARGE**2 / HBAR * 1e7,
            "S/cm",
        ),  # three dimensions need no layer
        ("hbar*a/e^2", {"spacing": "1 nm"}, HBAR / CHARGE**2 * 0.1, "microohm cm"),
        ("sweep", {"scale": "10 meV", "spacing": "1 nm"}, 1.0, "sweep"),
        ("1", {"scale": "10 meV"}, 1.0, "1"),
    ],
)
def test_every_dimension(unit, arguments, expected, target):
    value, found = out(1.0, unit, **arguments)
    assert found == target
    assert value == pytest.approx(expected, rel=DIGITS)


def test_conductivities_without_a_layer_stay_those_of_a_sheet():
    value, unit = out(1.0, "e^2/hbar")
    assert value == pytest.approx(CHARGE**2 / HBAR, rel=DIGITS)
    assert xg.units.registry.Unit(unit) == xg.units.registry.Unit("siemens")


def test_mobilities_without_a_spacing_keep_their_unit():
    with pytest.warns(UserWarning, match=r"to_physical: 'x' \(e\*a\^2/hbar\) stays in .*spacing a"):
        value, unit = out(2.0, "e*a^2/hbar")
    assert value == 2.0
    assert unit == "e*a^2/hbar"
    assert out(2.0, unit, spacing="0.7 nm")[0] == pytest.approx(2 * 7.444410495, rel=1e-9)


def test_temperatures_are_kelvin_whatever_carries_them():
    for name in ("T", "temperature", "vogel_temperature", "vogel_temperature_stderr"):
        assert out(0.1, "Vc", name, scale="0.35 eV") == (pytest.approx(35 * MEV_IN_KELVIN, rel=DIGITS), "K")
    for name in ("barrier", "barrier_stderr", "t_p", "electrostatic_energy", "strength", "J"):
        assert out(0.1, "Vc", name, scale="0.35 eV") == (pytest.approx(35.0), "meV")


def test_a_model_converts_by_its_own_scale():
    model = xg.charge_glass(xg.lattice.triangular(4), t_p=0.12, eta=[-1.0, -0.5], scale="0.35 eV")
    physical = xg.units.to_physical(model, spacing="0.5 nm")
    units = {str(name): coord.attrs.get("units") for name, coord in physical.coords.items()}
    assert {units[name] for name in ("t_p", "hopping", "interaction", "site_energy", "scale")} == {"meV"}
    assert {units[name] for name in ("position", "torus", "bond_vector")} == {"nm"}
    assert {units[name] for name in ("cells", "bond_source")} == {"1"}
    assert {units[name] for name in ("eta", "filling")} == {None}
    np.testing.assert_allclose(physical["interaction"], 350 * model["interaction"], rtol=1e-14)
    np.testing.assert_allclose(physical["position"], 0.5 * model["position"], rtol=1e-14)
    assert float(physical["scale"]) == 350.0
    assert physical["bond_source"].dtype.kind == "i"
    assert physical["bond_kind"].dtype.kind == "U"
    assert {name: coord.dims for name, coord in physical.coords.items()} == {
        name: coord.dims for name, coord in model.coords.items()
    }
    overridden = xg.units.to_physical(model, scale="0.1 eV", spacing="0.5 nm")
    assert float(overridden["t_p"]) == pytest.approx(12.0)
    assert model["t_p"].attrs["units"] == "Vc"  # the model itself is left alone
    assert float(model["t_p"]) == 0.12


def test_dataset_variables_and_dimension_coordinates():
    tau = xr.Dataset(
        {
            "barrier": ("eta", [0.1, 0.2], {"units": "Vc", "long_name": "energy barrier"}),
            "tau": (("T", "eta"), np.ones((2, 2)), {"units": "sweep"}),
        },
        coords={"T": ("T", [0.05, 0.1], {"units": "Vc"}), "eta": ("eta", [1.0, 2.0], {"units": "1"})},
    )
    physical = xg.units.to_physical(tau, scale="0.35 eV")
    np.testing.assert_allclose(physical["barrier"], [35, 70])
    assert physical["barrier"].attrs == {"units": "meV", "long_name": "energy barrier"}
    np.testing.assert_allclose(physical["T"], np.array([17.5, 35]) * MEV_IN_KELVIN, rtol=DIGITS)
    assert physical.indexes["T"].equals(physical["T"].to_index())
    assert physical["tau"].attrs["units"] == "sweep"
    np.testing.assert_array_equal(physical["tau"]["T"], physical["T"])
    assert tau["T"].values.tolist() == [0.05, 0.1]


def test_stacked_points_are_refused():
    tau = xr.DataArray(
        np.arange(4.0).reshape(2, 2),
        dims=("T", "eta"),
        name="tau",
        coords={"T": ("T", [0.05, 0.1], {"units": "Vc"}), "eta": ("eta", [1.0, 2.0], {"units": "1"})},
        attrs={"units": "sweep"},
    )
    with pytest.raises(ValueError, match="unstack"):
        xg.units.to_physical(tau.stack(point=("T", "eta")), scale="0.35 eV")


def test_conversion_is_lazy(no_compute):
    run = xg.testing.tiny_run()
    energies = dask.array.ones((4, 3), chunks=2)
    data = xr.Dataset(
        {"electrostatic_energy": (("walker", "sweep"), energies, {"units": "Vc"})},
        coords={"temperature": (("walker", "sweep"), energies, {"units": "Vc"})},
    )
    with no_compute:
        lazy = xg.units.to_physical(run, scale="0.35 eV", spacing="1 nm")
        also = xg.units.to_physical(data, scale="0.35 eV")
        single = xg.units.to_physical(run["electrostatic_energy"], scale="0.35 eV")
    for name in ("electrostatic_energy", "occupation"):
        assert lazy[name].chunks == run[name].chunks
    assert also["temperature"].chunks is not None
    assert single.chunks is not None
    np.testing.assert_allclose(also["temperature"].compute(), 350 * MEV_IN_KELVIN, rtol=DIGITS)
    computed = run.compute()
    np.testing.assert_allclose(
        lazy["electrostatic_energy"].compute(), 350 * computed["electrostatic_energy"], rtol=1e-14
    )
    assert lazy["occupation"].dtype == np.int8


def test_physical_units_are_left_alone():
    """What is in physical units already is not converted again, into others."""
    once = xg.units.to_physical(
        xr.Dataset(
            {
                "barrier": ("T", [1.0, 2.0], {"units": "Vc"}),
                "mobility": ("T", [1.0, 2.0], {"units": "e*a^2/hbar"}),
            },
            coords={
                "T": ("T", [0.1, 0.2], {"units": "Vc"}),
                "frequency": ("frequency", [0.1, 0.2], {"units": "Vc"}),
                "position": ("site", [1.0], {"units": "a"}),
                "qx": ("q", [1.0], {"units": "1/a"}),
            },
        ),
        scale="0.35 eV",
        spacing="1 nm",
    )
    expected = {
        "barrier": "meV",
        "mobility": "cm^2/(V s)",
        "T": "K",
        "frequency": "1/cm",
        "position": "nm",
        "qx": "1/nm",
    }
    assert {name: variable.attrs["units"] for name, variable in once.variables.items()} == expected
    twice = xg.units.to_physical(once, scale="0.35 eV", spacing="1 nm")
    assert {name: variable.attrs["units"] for name, variable in twice.variables.items()} == expected
    xr.testing.assert_allclose(twice, once, rtol=1e-14)


@pytest.mark.parametrize(
    ("unit", "arguments", "message"),
    [
        ("Vc", {}, r"to_physical: 'x' is in Vc; pass scale='0.35 eV'"),
        ("tc", {"spacing": "1 nm"}, r"to_physical: 'x' is in tc; pass scale="),
        (
            "a",
            {"spacing": 0.5},
            "spacing must be a (positive )?length with its unit, such as '10 angstrom', got 0.5",
        ),
        ("a", {"spacing": "3 meV"}, "spacing must be a (positive )?length with its unit"),
        ("a", {"spacing": "wide"}, "spacing: 'wide' is not a number with a unit"),
        ("a", {"spacing": "0 nm"}, "spacing must be"),
        ("hbar/e^2", {"layer": 10}, "layer must be a (positive )?length with its unit"),
        ("hbar/e^2", {"layer": "10 K"}, "layer must be a (positive )?length with its unit"),
        ("hbar/e^2", {"layer": "-1 nm"}, "layer must be"),
        ("hbar/e^2", {"layer": pint.UnitRegistry().Quantity([1.0, 2.0], "nm")}, "layer must be"),
        ("Vc", {"scale": 0.35}, "scale must be one energy with its unit, such as '0.35 eV', got 0.35"),
        ("Vc", {"scale": "30 m"}, "scale must be one energy with its unit"),
        ("Vc", {"scale": "0 eV"}, "scale must be > 0"),
        ("parsec_per_banana", {}, "'x' .*parsec_per_banana"),
    ],
)
def test_refusals_say_what_to_pass(unit, arguments, message):
    with pytest.raises(ValueError, match=message):
        xg.units.to_physical(quantity(1.0, unit), units=unit, **arguments)


def energy():
    return xg.testing.tiny_run()["electrostatic_energy"].compute()


@pytest.mark.parametrize(
    "own",
    [
        lambda: energy() / energy()["T"] ** 2,
        lambda: (energy() ** 2).rename("heat"),
        lambda: energy().rename("overlap"),
        lambda: (energy() / energy()["T"] ** 2).rename("heat").to_dataset(),
    ],
)
def test_numbers_of_ones_own_need_their_unit(own):
    """xarray keeps the units of E in E/T^2."""
    data = own()
    name = data.name if isinstance(data, xr.DataArray) else "heat"
    data = (
        data.assign_attrs(units="Vc")
        if isinstance(data, xr.DataArray)
        else data.map(lambda x: x.assign_attrs(units="Vc"))
    )
    with pytest.raises(ValueError, match=rf"to_physical: '{name}' says it is in Vc.*units='Vc'"):
        xg.units.to_physical(data, scale="0.35 eV")


def test_the_unit_that_is_said_is_taken():
    data = (energy() / energy()["T"] ** 2).assign_attrs(units="Vc")
    result = xg.units.to_physical(data, scale="0.35 eV", units="1/Vc")
    assert result.attrs["units"] == "1/meV"
    np.testing.assert_allclose(result, data / 350.0, rtol=1e-14)
    square = xg.units.to_physical(energy() ** 2, scale="0.35 eV", units="Vc^2")
    np.testing.assert_allclose(square, energy() ** 2 * 350.0**2, rtol=1e-14)
    for wrong in (data.to_dataset(name="heat"), data):
        with pytest.raises(TypeError, match="units is the unit of one DataArray"):
            xg.units.to_physical(wrong, scale="0.35 eV", units="Vc" if wrong is not data else 3.0)


def test_moments_scale_with_their_power():
    moments = xg.ops.moments(energy(), dim="sweep", order=3)
    physical = xg.units.to_physical(moments, scale="0.35 eV")
    np.testing.assert_allclose(physical, moments * 350.0 ** moments["moment"], rtol=1e-12)
    assert physical.attrs["base_units"] == "meV"
    np.testing.assert_allclose(xg.units.to_physical(physical, scale="0.35 eV"), physical)
    second = xg.units.to_physical(moments.sel(moment=2), scale="0.35 eV")
    np.testing.assert_allclose(second, moments.sel(moment=2) * 350.0**2, rtol=1e-12)
    with pytest.raises(ValueError, match="lost its coordinate 'moment'"):
        xg.units.to_physical(moments.sel(moment=2, drop=True), scale="0.35 eV")


def test_several_scales_at_once_are_refused_in_words():
    lattice = xg.lattice.triangular(4)
    models = [xg.charge_glass(lattice, t_p=0.1, scale=scale) for scale in ("0.35 eV", "0.4 eV")]
    both = xr.concat(models, dim="scale", coords="different", compat="equals")
    with pytest.raises(ValueError, match="scale"):
        xg.units.to_physical(both)


# --- in -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("30 K", 30 / MEV_IN_KELVIN / 350),
        ("30 kelvin", 30 / MEV_IN_KELVIN / 350),
        ("2 meV", 2 / 350),
        ("0.002 eV", 2 / 350),
        ("3.5e-22 J", 3.5e-19 / CHARGE / 350),
        ("0.05 Vc", 0.05),
        (0.05, 0.05),
        (["30 K", "2 meV", 0.05], [30 / MEV_IN_KELVIN / 350, 2 / 350, 0.05]),
        (("30 K",), [30 / MEV_IN_KELVIN / 350]),
    ],
)
def test_energies_and_temperatures_come_in(value, expected):
    result = parameter("T", value, scale=350.0)
    np.testing.assert_allclose(result, expected, rtol=DIGITS)
    assert result.attrs["units"] == "Vc"
    assert result.name == "T"
    assert result.dims == (("T",) if isinstance(expected, list) else ())


def quantities(ureg):
    """The same two temperatures in every form that a Quantity can take."""
    yield ureg.Quantity([30.0, 60.0], "kelvin")
    yield ureg.Quantity(np.array([30, 60]), "kelvin")
    yield ureg.Quantity(np.array([30.0, 60.0]), "K")
    yield [ureg.Quantity(30, "K"), ureg.Quantity(60.0, "K")]
    yield [ureg.Quantity(30, "K"), "60 K"]
    yield ureg.Quantity(np.array([30.0, 60.0]) / MEV_IN_KELVIN, "meV")


@pytest.mark.parametrize("default_format", ["", "~", "~P", "P", "C", "L", "~Lx"])
def test_quantities_of_any_registry_are_accepted(default_format):
    """However that registry likes to print its units."""
    ureg = pint.UnitRegistry()
    ureg.formatter.default_format = default_format
    for value in quantities(ureg):
        np.testing.assert_allclose(
            parameter("T", value, scale=350.0), np.array([30, 60]) / MEV_IN_KELVIN / 350, rtol=DIGITS
        )


def test_single_precision_quantities_mean_what_they_print():
    """float32(0.1) is 0.1, with a unit as without: the value is a random key."""
    ureg = pint.UnitRegistry()
    exact = float(parameter("T", "30.1 K", scale=350.0))
    assert float(parameter("T", ureg.Quantity(np.float32(30.1), "K"), scale=350.0)) == exact
    assert parameter("T", ureg.Quantity(np.float32([30.1]), "K"), scale=350.0).values.tolist() == [exact]
    array = xr.DataArray(np.float32([30.1]), dims="T", attrs={"units": "K"})
    assert parameter("T", array, scale=350.0).values.tolist() == [exact]
    assert float(parameter("T", np.float32(0.1))) == 0.1


@pytest.mark.parametrize(
    ("name", "value", "scale", "message"),
    [
        (
            "T",
            "3 m",
            350.0,
            r"T came as 3 m of dimension \[length\]; pass an energy or a temperature \('2 meV', '30 "
            r"K'\), or a plain number in Vc",
        ),
        ("T", "3 tc", 350.0, "T came as 3 tc .*pass an energy or a temperature"),
        ("T", "3", 350.0, "T came as 3 .*dimensionless; pass an energy or a temperature"),
        ("T", "3 K", None, "T came as 3 K, but the model has no energy scale; pass scale='0.35 eV'"),
        ("T", "3 meV", None, "T came as 3 meV, but the model has no energy scale"),
        ("T", "warm", 350.0, "T: 'warm' is not a number with a unit; write for example '30 K' or '0.35 eV'"),
        ("T", "3 bananas", 350.0, "T: '3 bananas' is not a number with a unit"),
        ("T", "", 350.0, "T"),
        ("eta", "3 K", 350.0, "eta came as 3 K .*; pass a plain number"),
        ("filling", "1 nm", 350.0, "filling came as 1 nm .*; pass a plain number"),
        (
            "gate_distance",
            "1 nm",
            350.0,
            "gate_distance came as 1 nm .*; pass a plain number in lattice spacings",
        ),
    ],
)
def test_other_dimensions_are_refused_in_a_sentence(name, value, scale, message):
    with pytest.raises(ValueError, match=message):
        parameter(name, value, scale=scale)
    with pytest.raises(ValueError, match=message):
        parameter(name, [value], scale=scale)


def test_attributes_of_a_data_array_are_its_unit():
    T = xr.DataArray([17.5, 35.0], dims="T", attrs={"units": "meV"})
    np.testing.assert_allclose(parameter("T", T, scale=350.0), [0.05, 0.1])
    assert parameter("T", T.assign_attrs(units="Vc"), scale=350.0).values.tolist() == [17.5, 35.0]
    assert parameter("T", T.drop_attrs(), scale=350.0).values.tolist() == [17.5, 35.0]
    for unit, message in (("m", "T came as 1 m"), ("tc", "T came as 1 tc"), ("banana", "T: .*banana")):
        with pytest.raises(ValueError, match=message):
            parameter("T", T.assign_attrs(units=unit), scale=350.0)
    with pytest.raises(ValueError, match="no energy scale"):
        parameter("T", T)


@pytest.mark.parametrize("name", ["T", "t_p"])
def test_round_trip(name):
    """Out in physical units and in again: the same canonical values, so the same trajectories."""
    values = np.array([0.02, 0.05, 1 / 3, 0.1])
    inside = parameter(name, values, scale=350.0)
    outside = xg.units.to_physical(inside, scale="0.35 eV")
    assert outside.attrs["units"] == {"T": "K", "t_p": "meV"}[name]
    again = parameter(name, outside, scale=350.0)
    np.testing.assert_allclose(again, inside, rtol=2e-12)  # one unit of the twelfth digit
    assert again.attrs == inside.attrs
    texts = parameter(name, [f"{x:.13g} {outside.attrs['units']}" for x in outside.values], scale=350.0)
    np.testing.assert_allclose(texts, inside, rtol=2e-12)


def test_round_trip_of_a_length_and_a_model():
    model = xg.charge_glass(xg.lattice.triangular(4), t_p="42 meV", scale="0.35 eV")
    physical = xg.units.to_physical(model, spacing="0.5 nm")
    assert float(physical["t_p"]) == pytest.approx(42.0, rel=1e-12)
    back = xg.charge_glass(
        xg.lattice.triangular(4),
        t_p=physical["t_p"].drop_vars(list(model["t_p"].coords)),
        scale="0.35 eV",
    )
    assert float(back["t_p"]) == 0.12


# --- the registry -------------------------------------------------------------------------------------------


def test_the_registry_is_our_own():
    """pint's application registry knows nothing of us, and ours is one object."""
    application = pint.get_application_registry()
    before = application.get()
    assert xg.units.registry is xg.units.registry
    xg.units.to_physical(quantity(1.0, "Vc", "T"), scale="0.35 eV")
    assert pint.get_application_registry().get() is before
    assert before is not xg.units.registry
    for name in ("Vc", "tc", "sweep"):
        assert str(xg.units.registry.Unit(name))
        for other in (before, pint.UnitRegistry()):
            with pytest.raises(pint.UndefinedUnitError):
                other.Unit(name)
    assert before.Quantity(1, "a").to("day").magnitude == pytest.approx(365.25)  # there it is still the year


def test_model_units_are_dimensions_of_their_own():
    ureg = xg.units.registry
    for one, other in (
        ("Vc", "tc"),
        ("Vc", "meV"),
        ("tc", "K"),
        ("a", "nm"),
        ("a", "day"),
        ("sweep", "s"),
        ("Vc", "volt"),
    ):
        assert not ureg.Quantity(1, one).is_compatible_with(other)
        with pytest.raises(pint.DimensionalityError):
            ureg.Quantity(1, one) + ureg.Quantity(1, other)
    assert ureg.Quantity(1, "e").to("coulomb").magnitude == pytest.approx(CHARGE, rel=1e-12)
    assert ureg.Quantity(1, "hbar").to("J s").magnitude == pytest.approx(HBAR, rel=1e-9)


def test_only_two_names_are_made_on_first_use():
    with pytest.raises(AttributeError, match="xglass.units.*no_such_name"):
        _ = xg.units.no_such_name


def test_registered_units_are_known():
    for variable in xg.variables.REGISTRY.values():
        for energy in ("Vc", "tc"):
            unit = variable.unit.format(E=energy)
            assert unit == "1" or xg.units.registry.Unit(unit)


@pytest.mark.parametrize(
    ("name", "unit", "wanted", "factor"),
    [  # e^2/hbar = 2.434e-4 S, hbar/(0.1 eV) = 6.582 fs, e a^2/hbar = 7.444 cm^2/(V s) at a = 0.7 nm
        ("dc_conductivity", "e^2 a^2/hbar", "S nm^2", 2.4341348e-4 * 0.49),
        ("resistivity", "hbar/(e^2 a^2)", "ohm/nm^2", 1 / (2.4341348e-4 * 0.49)),
        ("mobility", "e a^2/hbar", "cm^2/(V s)", 7.4444),
        ("spectral_weight", "tc e^2 a^2/hbar^2", "S nm^2/fs", 2.4341348e-4 * 0.49 / 6.58211957),
        ("time", "hbar/tc", "fs", 6.58211957),
        ("diffusivity", "tc a^2/hbar", "cm^2/s", 0.49 / 6.58211957 * 10),
        ("mean_square_displacement", "a^2", "nm^2", 0.49),
        ("density_of_states", "1/tc", "1/meV", 0.01),
    ],
)
def test_transport_in_physical_units(name, unit, wanted, factor):
    quantity = xr.DataArray(2.0, name=name, attrs={"units": unit})
    physical = xg.units.to_physical(quantity, scale="0.1 eV", spacing="0.7 nm")
    assert physical.attrs["units"] == wanted
    assert float(physical) == pytest.approx(2.0 * factor, rel=1e-5)


def test_the_scale_of_a_model_is_a_number_in_mev_or_none():
    lattice = xg.lattice.triangular(2)
    glass = xg.charge_glass(lattice, t_p=0.1, scale="0.35 eV")
    assert xg.units.scale_of(glass) == xg.units.scale_of(glass["hopping"]) == 350.0
    assert xg.units.scale_of(xg.charge_glass(lattice, t_p=0.1)) is None

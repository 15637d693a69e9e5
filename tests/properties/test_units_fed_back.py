"""What was converted to physical units is refused, or gives the converted result: for every public function.

f(to_physical(x)) = to_physical(f(x)), or a sentence that names what came too early. A new function fails here
until it has a call below, or a reason why there is none.
"""

import functools
import inspect
import re
from types import ModuleType

import matplotlib.pyplot as pyplot
import numpy as np
import pytest
import xarray as xr

import xglass as xg

#: Energies alone are converted on purpose.
pytestmark = pytest.mark.filterwarnings("ignore:to_physical.*in units of the lattice spacing:UserWarning")

registry = xg.units.registry


def public_functions():
    """Every function that a user can reach: the names of the package and of its public modules."""
    found = {}
    for name in xg.__all__:
        member = getattr(xg, name)
        inner = {f"{name}.{key}": getattr(member, key) for key in getattr(member, "__all__", [])}
        found |= inner if isinstance(member, ModuleType) else {name: member}
    return sorted(name for name, member in found.items() if inspect.isfunction(member))


# --- data to convert ---------------------------------------------------------------------------------------


@functools.cache
def lattice():
    return xg.lattice.triangular(4)


@functools.cache
def glass():
    return xg.testing.tiny_glass(scale="0.35 eV")


@functools.cache
def run():
    return xg.testing.tiny_run(glass()).compute()


@functools.cache
def ramped():
    ramp = xr.DataArray([1.0, 1.2, 1.4], dims="sweep")
    model = glass().isel(eta=0)
    return xg.metropolis(model, T=0.05, walker=2, sweep=2, ramp=ramp, seed=7, weight="classical").compute()


def electron(**parameters):
    return xg.electron_tls(
        xg.lattice.chain(4), **({"g": 1.0, "omega0": 0.2, "scale": "0.12 eV"} | parameters)
    )


@functools.cache
def solution():
    grid = {"T": [0.5, 1.0], "frequency": np.linspace(0.0, 4.0, 41), "broadening": 0.2}
    return xg.exact(electron(g=0.7), **grid).compute()


def sigma():
    return solution()["optical_conductivity"]


@functools.cache
def static():
    """A displaced Drude peak, frozen."""
    w = sigma()["frequency"]
    shape = 0.1 * w / (1.0 + (w / 0.8) ** 2) ** 2
    return (sigma() * 0.0 + shape).rename("optical_conductivity").assign_attrs(sigma().attrs)


@functools.cache
def relaxed():
    return xg.relaxation_time_approximation(static(), rate=0.3, correlation="symmetrised").drop_vars("rate")


@functools.cache
def mean_field():
    tls = electron(g=0.1, omega0=1.0)
    grid = {"frequency": [0.0], "energy": np.linspace(-3.0, 3.0, 7)}
    return xg.dmft(tls, T=[0.2, 0.4], **grid).drop_vars("total_weight").compute()


def cavity():
    return xg.cavity_glass(xg.lattice.square(4), filling=[0.3, 0.5], omega0=0.4, scale="0.12 eV")


@functools.cache
def bubble():
    return xg.particle_hole_bubble(cavity(), T=0.5, matsubara=[0, 1]).compute()


def modes():
    """Couplings of atoms to modes, in the unit of a model."""
    return xr.DataArray([[0.5, 1.0], [1.5, -0.5]], dims=("site", "mode"), name="mode_frequency").assign_attrs(
        units="tc"
    )


def spectrum():
    options = {"frequency": [0.0, 1.0], "broadening": 6.0}
    return xg.real_frequency_response(cavity(), T=0.5, J=2.0, **options).compute()


@functools.cache
def saddle():
    return xg.saddle_point(cavity(), T=0.5, J=[1.0, 5.0], matsubara=[0, 1]).compute()


def transitions():
    line = xg.critical_coupling(cavity().isel(filling=0), T=[0.3, 0.4, 0.5, 0.6])
    return line["critical_coupling"].compute()


def inverse():
    """1/chi0, in the unit that it has."""
    return (1.0 / bubble()["susceptibility"].isel(matsubara=0)).assign_attrs(units="tc").rename("energy")


@functools.cache
def tau():
    T = xr.DataArray([0.03, 0.04, 0.06, 0.08, 0.1], dims="T", attrs=xg.variables.attributes("T"))
    values = (3.0 * np.exp(0.1 / (T - 0.01))).assign_coords(T=T, scale=350.0)
    return values.rename("tau").assign_attrs(xg.variables.attributes("tau"))


@functools.cache
def peak():
    return xg.fits.displaced_drude(static())


@functools.cache
def diagonalized():
    return xg.diagonalize(run()).compute()


def correlation():
    return xg.autocorrelation(run(), waiting_time=0)


def edges(x):
    """Edges of bins that go with the values, whatever their unit."""
    return (
        float(x.min()) + (float(x.max()) - float(x.min())) * np.array([-0.013, 0.217, 0.531, 1.017])
    ).tolist()


GRID = {"T": [0.5], "frequency": [0.0, 0.5], "broadening": 0.1}
SAMPLED = GRID | {"random_vectors": 1, "seed": 1}
SHORT = {"T": [0.05, 0.1], "walker": 3, "sweep": 1, "seed": 7}
POTENTIALS = {
    "coulomb": lambda x: xg.coulomb(x),
    "lattice.coulomb": lambda x: xg.lattice.coulomb(x),
    "lattice.yukawa": lambda x: xg.lattice.yukawa(x, length=0.5),
    "lattice.power_law": lambda x: xg.lattice.power_law(x, exponent=3.0),
}
SPECTRAL = {
    "dc_conductivity": xg.dc_conductivity,
    "resistivity": xg.resistivity,
    "spectral_weight": xg.spectral_weight,
    "peak_frequency": xg.peak_frequency,
    "localization_length": xg.localization_length,
    "diffusivity": lambda x: xg.diffusivity(x, time=1.0),
    "mean_square_displacement": lambda x: xg.mean_square_displacement(x, time=1.0),
    "transient_localization_length": lambda x: xg.transient_localization_length(x, rate=0.3),
}
MOMENTA = xr.DataArray([[0.0, 0.0], [1.0, 0.5]], dims=("momentum", "axis"))
LEVELS = {"energy": [-0.5, 0.0, 0.5], "broadening": 0.1}
STATES = {
    "density_of_states": lambda x: xg.density_of_states(x, **LEVELS),
    "spectral_function": lambda x: xg.spectral_function(x, momentum=MOMENTA, **LEVELS),
    "inverse_participation_ratio": xg.inverse_participation_ratio,
    "gap_ratio": lambda x: xg.gap_ratio(x, window=(-0.5, 0.5)),
    "local_density": xg.local_density,
}
CONFIGURATIONS = {
    "electrostatic_energy": xg.electrostatic_energy,
    "electrostatic_potential": xg.electrostatic_potential,
    "kinetic_energy": xg.kinetic_energy,
    "local_density": xg.local_density,
    "optical_conductivity": lambda x: xg.optical_conductivity(x, frequency=[0.0, 0.5], broadening=0.1),
    "stripe_order": xg.stripe_order,
    "structure_factor": xg.structure_factor,
    "order_parameter": lambda x: xg.order_parameter(x, q=[np.pi, 0.0]),
    "occupied_neighbours": xg.occupied_neighbours,
    "defect_density": xg.defect_density,
    "local_stripe_order": xg.local_stripe_order,
    "stripe_crossings": xg.stripe_crossings,
    "chi4": lambda x: xg.chi4(x, waiting_time=0),
    "autocorrelation": lambda x: xg.autocorrelation(x, waiting_time=0),
    "overlap": lambda x: xg.overlap(x, x),
}
DILUTE = ("fraction", "self_energy", "scattering_rate", "boltzmann_mobility", "band_edge_mobility")

#: Name of a function -> calls: where the data come from, and what is done with them. All are converted.
CALLS = {
    **{name: [((lattice,), call)] for name, call in POTENTIALS.items()},
    **{name: [((sigma,), call)] for name, call in SPECTRAL.items()},
    **{name: [((run,), call)] for name, call in CONFIGURATIONS.items()},
    **{f"dilute_defects.{name}": [((mean_field,), getattr(xg.dilute_defects, name))] for name in DILUTE},
    **{name: [((run,), call), ((diagonalized,), call)] for name, call in STATES.items()},
    "diagonalize": [((run,), xg.diagonalize)],
    "kinetic_energy": [((run,), xg.kinetic_energy), ((ramped,), xg.kinetic_energy)],
    "local_density": [(source, xg.local_density) for source in ((run,), (ramped,), (diagonalized,))],
    "mobility": [
        ((sigma,), xg.mobility),
        ((solution,), xg.mobility),
        ((mean_field,), xg.mobility),
    ],
    "resistivity": [
        ((solution,), xg.resistivity),
        ((mean_field,), xg.resistivity),
        ((sigma,), xg.resistivity),
        ((lambda: xg.dc_conductivity(sigma()),), xg.resistivity),
        ((lambda: mean_field()["mobility"],), xg.resistivity),
    ],
    "cavity_glass": [((lattice,), lambda x: xg.cavity_glass(x, filling=0.3))],
    "particle_hole_bubble": [((cavity,), lambda x: xg.particle_hole_bubble(x, T=0.5, matsubara=[0, 1]))],
    "greedy": [((glass,), lambda x: xg.greedy(x, walker=2, seed=1))],
    "replica_exchange": [
        ((glass,), lambda x: xg.replica_exchange(x, T=[0.1, 0.2], walker=1, sweep=2, seed=1))
    ],
    "real_frequency_response": [
        (
            (cavity,),
            lambda x: xg.real_frequency_response(x, T=0.5, J=2.0, frequency=[0.0, 1.0], broadening=6.0),
        )
    ],
    "metallic_glass.scattered_light": [
        ((spectrum,), lambda x: xg.metallic_glass.scattered_light(x["local_structure_factor"], omega0=20.0))
    ],
    "saddle_point": [((cavity,), lambda x: xg.saddle_point(x, T=0.5, J=[1.0, 9.0], matsubara=[0, 1]))],
    "critical_coupling": [((cavity,), lambda x: xg.critical_coupling(x, T=0.5))],
    "density_response": [((saddle,), xg.density_response)],
    "fermion_scattering_rate": [((saddle,), xg.fermion_scattering_rate)],
    "fermion_self_energy": [((saddle,), xg.fermion_self_energy)],
    "glass_susceptibility": [((saddle,), xg.glass_susceptibility)],
    "fits.zero_temperature": [((transitions,), xg.fits.zero_temperature)],
    "metallic_glass.mediated_coupling": [
        (
            (lambda: bubble()["matsubara_frequency"],),
            lambda x: xg.metallic_glass.mediated_coupling(x, v=1.0, omega0=0.3),
        )
    ],
    "metallic_glass.closed_form_response": [
        ((inverse,), lambda x: xg.metallic_glass.closed_form_response(x, lagrange_multiplier=0.1, J=1.0))
    ],
    "metallic_glass.distance_to_transition": [
        ((inverse,), lambda x: xg.metallic_glass.distance_to_transition(x, lagrange_multiplier=0.1, J=1.0))
    ],
    "metallic_glass.square_root_scale": [
        ((inverse,), lambda x: xg.metallic_glass.square_root_scale(x, 1.0 + 0.0 * x, z=0.1, dim=("qx", "qy")))
    ],
    "metallic_glass.square_root_prefactor": [
        (
            (lambda: xg.metallic_glass.square_root_scale(inverse(), inverse(), z=0.1, dim=("qx", "qy")),),
            lambda x: xg.metallic_glass.square_root_prefactor(x, J=1.0),
        )
    ],
    "metallic_glass.self_energy_parts": [
        (
            (lambda: xg.fermion_self_energy(saddle())["fermion_matsubara_frequency"],),
            lambda x: xg.metallic_glass.self_energy_parts(
                x, local_density_response=0.1, square_root_prefactor=0.1, J=1.0, density_of_states=0.1
            ),
        )
    ],
    "charge_glass": [((lattice,), lambda x: xg.charge_glass(x, t_p=0.1))],
    "electron_tls": [((lambda: xg.lattice.chain(4),), lambda x: xg.electron_tls(x, g=1.0, omega0=0.2))],
    "cavity_couplings": [
        (
            (modes,),
            lambda x: xg.cavity_couplings(coupling=x, pump=1.0, detuning=1.0, mode_frequency=1.0),
        )
    ],
    "cavity_site_energy": [
        ((modes,), lambda x: xg.cavity_site_energy(coupling=x, pump=1.0, detuning=1.0)),
    ],
    "random_couplings": [((lattice,), lambda x: xg.random_couplings(x, realization=1, seed=1))],
    "random_site_energy": [
        (
            (lattice,),
            lambda x: xg.random_site_energy(x, strength=1.0, convention="std", realization=1, seed=1),
        )
    ],
    "random_parameter": [
        ((lattice,), lambda x: xg.random_parameter(x, "g", low=0.0, high=1.0, realization=1, seed=1))
    ],
    "metropolis": [
        ((glass,), lambda x: xg.metropolis(x, **SHORT)),
        ((run,), lambda x: xg.metropolis(glass(), **SHORT, start=x)),
    ],
    "metropolis_counters": [((glass,), lambda x: xg.metropolis_counters(x, **SHORT))],
    "exact": [
        ((electron,), lambda x: xg.exact(x, **GRID)),
        # only what is not required was converted: site energies of their own
        (
            (lambda: electron(site_energy=xr.DataArray(np.eye(4)[0], dims="site")),),
            lambda x: xg.exact(x, **GRID),
        ),
    ],
    "ftlm": [((electron,), lambda x: xg.ftlm(x, **SAMPLED))],
    "typicality": [((electron,), lambda x: xg.typicality(x, **SAMPLED))],
    "dmft": [
        ((electron,), lambda x: xg.dmft(x, T=0.5, frequency=[0.0], energy=[0.0]).drop_vars("total_weight"))
    ],
    "static_disorder": [
        ((electron,), lambda x: xg.static_disorder(x, **GRID, sites=8, realization=2, seed=1))
    ],
    "sum_rule": [((solution,), xg.sum_rule), ((run,), xg.sum_rule)],
    "boltzmann_conductivity": [
        ((glass,), lambda x: xg.boltzmann_conductivity(x, T=0.1, frequency=[0.0], rate=0.1, momenta=4))
    ],
    "irreversibility_temperature": [
        (
            (tau, lambda: 0.0 * tau() + 1.0),
            lambda a, b: xg.irreversibility_temperature(a, b.rename("tau"), factor=10.0),
        )
    ],
    "relaxation_time_approximation": [
        ((static,), lambda x: xg.relaxation_time_approximation(x, rate=0.3)),
        ((static,), lambda x: xg.relaxation_time_approximation(x, rate=0.3, correlation="symmetrised")),
    ],
    "fits.relaxation_rate": [
        ((relaxed, static), xg.fits.relaxation_rate),
        ((lambda: xg.dc_conductivity(relaxed()), static), xg.fits.relaxation_rate),
    ],
    "fits.displaced_drude": [((static,), xg.fits.displaced_drude)],
    "fits.displaced_drude_conductivity": [
        (
            (lambda: peak()["amplitude"], lambda: peak()["peak_frequency"]),
            lambda a, p: xg.fits.displaced_drude_conductivity(a, p, rate=0.1),
        )
    ],
    "fits.arrhenius": [((tau,), xg.fits.arrhenius)],
    "fits.vogel_fulcher": [((tau,), xg.fits.vogel_fulcher)],
    "fits.variable_range_hopping": [((tau,), xg.fits.variable_range_hopping)],
    "fits.power_law": [((tau,), lambda x: xg.fits.power_law(x, dim="T"))],
    "fits.stretched_exponential": [((correlation,), xg.fits.stretched_exponential)],
    "ops.histogram": [
        (
            (lambda: run()["electrostatic_energy"],),
            lambda x: xg.ops.histogram(x, bins=edges(x), dim="sweep", density=True),
        )
    ],
    "ops.correlation": [
        ((lambda: run()["electrostatic_energy"],), lambda x: xg.ops.correlation(x, dim="sweep"))
    ],
    "ops.jumps": [
        (
            (lambda: run()["electrostatic_energy"],),
            lambda x: xg.ops.jumps(x, dim="sweep", window=1, threshold=1.0, noise=0.01 * x.std().item()),
        )
    ],
    "ops.moments": [((lambda: run()["electrostatic_energy"],), lambda x: xg.ops.moments(x, dim="sweep"))],
    "units.to_physical": [((run,), xg.units.to_physical), ((sigma,), xg.units.to_physical)],
}

#: Functions without a call, with the reason.
APART = {
    **dict.fromkeys(["chain", "square", "triangular", "cubic", "from_cell"], "takes no data"),
    "confocal_modes": "takes lengths, and gives no energy",
    "distance_to_sk": "gives ratios, and J in the unit of what it takes",
    "jackknife": "below: as the function that is given",
    "bootstrap": "below: as the function that is given",
    "units.parameter": "an edge where units come in: tests/test_units.py",
    "units.scale_coordinate": "takes one Quantity",
    "units.scale_of": "the scale is in meV always",
    "units.canonical": "takes numbers",
    "mott_ioffe_regel": "reads no energy",
    "units.coulomb_energy": "takes one length",
    "show_versions": "takes no data",
    "units.text": "writes either unit beside the number",
}
ROOMS_APART = (
    "checks.",
    "variables.",
    "testing.",
    "store.",
    "plot.",
)  # workshop; keeps data as they are; below


def test_every_public_function_has_a_call_or_a_reason():
    wanted = [name for name in public_functions() if not name.startswith(ROOMS_APART)]
    apart = {f"lattice.{name}" if hasattr(xg.lattice, name) else name for name in APART}
    assert not apart & {*CALLS}
    assert sorted({*CALLS} | apart) == wanted


SPACINGS = {"energies": {}, "energies and lengths": {"spacing": "0.55 nm"}}


def same_unit(a, b):
    one, other = (x.attrs.get("units", "1") for x in (a, b))
    return one == other or registry.Unit(one) == registry.Unit(other)


def assert_same(result, expected):
    """The same names, numbers and units, those of coordinates too."""
    if isinstance(result, xr.DataArray):
        result, expected = (x.to_dataset(name="result") for x in (result, expected))
    assert {*result.variables} == {*expected.variables}
    for name, variable in expected.variables.items():
        found = result.variables[name]
        assert found.dims == variable.dims, name
        if variable.dtype.kind in "fc":
            np.testing.assert_allclose(found.values, variable.values, rtol=1e-9, atol=1e-12, err_msg=name)
            assert same_unit(found, variable), (name, found.attrs, variable.attrs)
        else:
            np.testing.assert_array_equal(found.values, variable.values, err_msg=name)


def refused_or_same(call, data, **lengths):
    """Whether physical data are refused; if not, they must give the physical result."""
    right = call(*data)
    right = right.compute() if hasattr(right, "compute") else right
    converted = [xg.units.to_physical(x, **lengths, **scale_for(x)) for x in data]
    if all(x.identical(y) for x, y in zip(data, converted, strict=True)):
        return False  # nothing there to convert
    message = None
    try:
        result = call(*converted)
    except ValueError as refusal:
        message = str(refusal)
    if message is None:
        assert_same(result.compute(), xg.units.to_physical(right, **lengths, **scale_for(right)))
        return False
    assert "is in" in message
    assert "apply to_physical to the result of" in message
    return True


def scale_for(x):
    return {} if "scale" in x.coords else {"scale": "0.35 eV"}


@pytest.mark.parametrize("lengths", SPACINGS)
@pytest.mark.parametrize(
    ("name", "number"), [(name, k) for name, calls in CALLS.items() for k in range(len(calls))]
)
def test_physical_data_are_refused_or_give_the_physical_result(name, number, lengths):
    sources, call = CALLS[name][number]
    refused_or_same(call, [source() for source in sources], **SPACINGS[lengths])


#: What the property would also let pass: that of two the first is right by chance.
REFUSED = [
    "localization_length",
    "sum_rule",
    "spectral_weight",
    "relaxation_time_approximation",
    "fits.displaced_drude",
    "fits.relaxation_rate",
    "exact",
    "ftlm",
    "typicality",
    "dmft",
    "static_disorder",
    "real_frequency_response",
    "saddle_point",
    "critical_coupling",
    "density_response",
    "fermion_scattering_rate",
    "fermion_self_energy",
    "glass_susceptibility",
    "dilute_defects.fraction",
    "dilute_defects.self_energy",
    "dilute_defects.scattering_rate",
    "dilute_defects.boltzmann_mobility",
    "dilute_defects.band_edge_mobility",
    "kinetic_energy",
    "diagonalize",
    "density_of_states",
    "gap_ratio",
    "spectral_function",
    "metropolis",
]


@pytest.mark.parametrize("name", REFUSED)
def test_what_reads_an_energy_says_so_by_its_name(name):
    for sources, call in CALLS[name]:
        data = [xg.units.to_physical(source()) for source in sources]
        with pytest.raises(ValueError, match=rf"{name.split('.')[-1]}.*: '\w+' is in .*apply to_physical"):
            call(*data)


@pytest.mark.parametrize("part", ["frequency", "T", "t", "optical_conductivity"])
def test_one_converted_part_is_enough(part):
    """And so is the unit of another model, which is a number of the same kind and another size."""
    for unit in ("meV", "K", "1/cm", "S nm^2"):
        mixed = sigma().assign_attrs(units=unit) if part == sigma().name else with_unit(sigma(), part, unit)
        with pytest.raises(ValueError, match=rf"localization_length: .* is in {re.escape(unit)}; apply"):
            xg.localization_length(mixed)
    if part != sigma().name:
        with pytest.raises(ValueError, match="localization_length: '.*' is in Vc.* two models|is in tc and"):
            xg.localization_length(with_unit(sigma(), part, "Vc"))


def with_unit(array, name, unit):
    return array.assign_coords({name: array[name].assign_attrs(units=unit)})


@pytest.mark.parametrize("name", ["t", "g", "omega0", "g_z", "site_energy"])
def test_one_converted_parameter_of_a_model_is_enough(name):
    model = electron(site_energy=xr.DataArray(np.eye(4)[0], dims="site"))
    for unit, message in (("meV", "exact: '.*' is in meV; apply"), ("Vc", "exact: .*units of two models")):
        with pytest.raises(ValueError, match=message):
            xg.exact(with_unit(model, name, unit), **GRID)


def test_plain_numbers_are_in_the_unit_of_the_model():
    bare = sigma().drop_attrs(deep=True)
    np.testing.assert_array_equal(xg.localization_length(bare), xg.localization_length(sigma()))


def test_errors_in_another_unit_than_their_values_are_refused():
    error = (0.01 * static()).assign_attrs(static().attrs)
    rho = tau().assign_attrs(units="hbar/e^2").rename("resistivity")
    with pytest.raises(ValueError, match="arrhenius: 'stderr' is in ohm and 'tau' in hbar/e.2; apply"):
        xg.fits.arrhenius(rho, stderr=rho.assign_attrs(units="ohm"))
    with pytest.raises(ValueError, match="displaced_drude: '.*' is in"):
        xg.fits.displaced_drude(static(), stderr=xg.units.to_physical(error))


def test_units_that_arithmetic_left_behind_are_no_reason_to_refuse():
    """The error of 1/x by hand is said to be in the unit of x."""
    rho = tau().assign_attrs(units="hbar/e^2")
    assert bool(xg.fits.arrhenius(rho, stderr=(0.01 * rho).assign_attrs(units="e^2/hbar"))["success"])


def test_measured_temperatures_give_barriers_in_millielectronvolts():
    physical = xg.units.to_physical(tau())
    assert physical["T"].attrs["units"] == "K"
    fit = xg.fits.vogel_fulcher(physical)
    units = {name: fit[name].attrs["units"] for name in ("barrier", "vogel_temperature", "prefactor")}
    assert units == {"barrier": "meV", "vogel_temperature": "K", "prefactor": "sweep"}
    assert float(fit["barrier"]) == pytest.approx(35.0, rel=1e-6)
    with pytest.raises(ValueError, match="power_law: 'T' is in K; apply to_physical"):
        xg.fits.power_law(physical, dim="T")


# --- resampling ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("resample", [xg.jackknife, functools.partial(xg.bootstrap, resamples=5, seed=1)])
def test_resampling_is_as_the_function_it_is_given(resample):
    def mean(x):
        return resample(lambda part: part.mean("walker", keep_attrs=True), x, dim="walker")

    assert not refused_or_same(mean, [run()["electrostatic_energy"]])
    assert not refused_or_same(mean, [run()["T"] * run()["acceptance"].rename("overlap")])

    def energy(x):
        return resample(lambda part: xg.kinetic_energy(part).mean("walker"), x, dim="walker")

    assert refused_or_same(energy, [run()])


# --- plots --------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def _close():
    yield
    pyplot.close("all")


def activated():
    values = (3.0 * np.exp(0.1 / tau()["T"])).rename("tau")
    return values.assign_attrs(tau().attrs)


def drawn(ax):
    """The points, and the line of the fit at its two ends."""
    points, line = ax.lines[0], ax.lines[-1]
    return points.get_xydata(), line.get_xydata()


def test_plot_arrhenius_draws_the_line_through_the_points():
    """Points against 1/K and a barrier in meV: exp(barrier / T) with k_B between them."""
    fit = xg.fits.arrhenius(activated())
    physical = [xg.units.to_physical(x) for x in (activated(), fit)]
    for data, law in ([activated(), fit], physical, [physical[0], xg.fits.arrhenius(physical[0])]):
        points, line = drawn(xg.plot.arrhenius(data, fit=law))
        low, high = points[np.argmin(points[:, 0])], points[np.argmax(points[:, 0])]
        np.testing.assert_allclose(line, [low, high], rtol=1e-6)


def test_plot_refuses_one_converted_part():
    fit = xg.fits.arrhenius(activated())
    physical = xg.units.to_physical(activated())
    with pytest.raises(
        ValueError, match="arrhenius: 'barrier' is in Vc and 'T' in K; apply to_physical to both"
    ):
        xg.plot.arrhenius(physical, fit=fit)
    with pytest.raises(
        ValueError, match="arrhenius: 'barrier' is in meV and 'T' in Vc; apply to_physical to b"
    ):
        xg.plot.arrhenius(activated(), fit=xg.units.to_physical(fit))
    energy = run()["electrostatic_energy"].isel(T=0, eta=0, walker=0)
    for arguments in (
        {"stderr": xg.units.to_physical(energy)},
        {"band": (energy, xg.units.to_physical(energy))},
    ):
        with pytest.raises(ValueError, match="curves: '(stderr|high)' is in meV and 'data' in Vc; apply"):
            xg.plot.curves(energy, x="sweep", **arguments)
    C = correlation().isel(T=0, eta=0, waiting_time=0).mean("walker", keep_attrs=True)
    law = xr.Dataset({"tau": 3.0, "exponent": 0.5, "amplitude": 0.25})
    law["tau"].attrs["units"] = "fs"
    with pytest.raises(ValueError, match="relaxation: 'tau' is in fs and 'lag' in sweep; apply"):
        xg.plot.relaxation(C, fit=law)


def test_plots_of_lattices_take_nanometres():
    physical = xg.units.to_physical(run().isel(T=0, eta=0, walker=0, sweep=-1), spacing="0.55 nm")
    assert physical["position"].attrs["units"] == "nm"
    xg.plot.lattice(physical)
    xg.plot.charge_map(physical, physical["occupation"])

"""A revision rises with the numbers: one small result of every operation, and the revision that computed it.

The numbers stand in revisions.json. Who changes what an operation computes raises its revision where it is
named, writes a line under Numerics in the changelog, and has the file written anew:

    python tests/test_revisions.py

which refuses numbers that changed under an old revision. Whole numbers are compared exactly, floats to 1e-10
of the largest of their array, as ``xg.store.verify`` does across processors. The last bits belong to the
processor and its libraries, and a test of them would fail on the next machine; a change of method is larger.
(Inputs that differ in their last bit move these results by at most 1e-11, those of wider tolerance by 4e-11.)
Inputs are written out by hand, so that a change of one operation shows in its own numbers alone.
"""

import functools
import importlib
import json
import pkgutil
import sys
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

import xglass as xg
from xglass.engine.core.operations import known
from xglass.lattice.waves import wave_vectors
from xglass.store import provenance

FILE = Path(__file__).parent / "revisions.json"
TOLERANCE = 1e-10

#: A few numbers are enough here, and too few for physics.
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*times the rate apart:UserWarning"),
    pytest.mark.filterwarnings("ignore:.*keeps too few:UserWarning"),
]

#: A difference quotient of eigenvalues, and an integral over a grid that is refined until it is good enough.
TOLERANCES = {"exact.stiffness": 1e-9, "dmft.total_weight": 1e-9}

# -- inputs, lazy, of a few numbers ------------------------------------------------------------------

LATTICE = xg.lattice.triangular(4)
DISTANCE = np.abs(np.arange(16)[:, None] - np.arange(16))
U = xr.DataArray(1.0 / (1.0 + np.minimum(DISTANCE, 16 - DISTANCE)), dims=("site", "site2"))
ENERGIES = xr.DataArray(0.01 * (3 * np.arange(16) % 7), dims="site")
GLASS = xg.charge_glass(LATTICE, t_p=0.12, eta=-0.5, interaction=U, site_energy=ENERGIES)
STRIPES = np.arange(16) // 4 % 2


@functools.cache
def states():
    """Two walkers and three sweeps, as a solver would give them."""
    moved = [[np.roll(STRIPES, 3 * walker + sweep) for sweep in range(3)] for walker in range(2)]
    moved[1][2][[0, 1, 2, 3]] = moved[1][2][[3, 0, 2, 1]]
    occupation = xr.DataArray(np.array(moved, dtype=np.int8), dims=("walker", "sweep", "site"))
    run = GLASS.assign(occupation=occupation.chunk(walker=1))
    return run.assign_coords(T=0.1, walker=[0, 1], sweep=[0, 1, 2])


def apart():
    """The same, where the second walker ends as it began."""
    run = states().compute()
    run["occupation"][1, 2] = run["occupation"][1, 0]
    return run.chunk(walker=1)


def coupled():
    """A liquid and a glass in a cavity of two fillings."""
    model = xg.cavity_glass(xg.lattice.cubic(4), filling=[0.3, 0.45], omega0=2.0)
    return xg.saddle_point(model, T=0.5, J=[2.0, 9.0], matsubara=[0, 1])


@functools.cache
def sigma():
    """A displaced peak over frequency at two temperatures."""
    w = np.linspace(0.0, 2.0, 21)
    values = np.array([[0.1], [0.3]]) + np.array([[1.0], [1.5]]) * w / (1.0 + 4.0 * w**2)
    coords = {"T": [0.5, 1.0], "frequency": w, "t": 1.0}
    array = xr.DataArray(values, dims=("T", "frequency"), coords=coords, name="optical_conductivity")
    return array.assign_attrs(units="e^2 a^2/hbar").chunk(T=1)


def relaxed():
    """What fits of a rate find again."""
    w = sigma()["frequency"]
    return sigma() * (1.0 - 0.1 * w / 2.0) + 0.05


def curve(dim, x, values, wave=0.02):
    """A law with some structure of its own, so that errors and chi2 are not zero."""
    y = np.asarray(values) * (1.0 + wave * np.cos(7.0 * np.arange(len(x))))
    return xr.DataArray(y, dims=dim, coords={dim: x}).expand_dims(walker=2).chunk(walker=1)


T = np.linspace(0.05, 0.1, 6)
LAGS = np.arange(12.0)


def laws(tau):
    """The three that share an operation."""
    fits = {
        "arrhenius": xg.fits.arrhenius(tau),
        "vogel_fulcher": xg.fits.vogel_fulcher(tau),
        "power_law": xg.fits.power_law(tau, dim="T"),
    }
    return xr.Dataset({f"{law}_{k}": v.variable for law, fit in fits.items() for k, v in fit.items()})


def chain(**parameters):
    return xg.electron_tls(xg.lattice.chain(3), **{"g": [0.5, 1.0], "omega0": 0.4} | parameters)


GRID = {"T": [0.5, 1.0], "frequency": [0.0, 0.5, 1.0], "broadening": 0.2}
VECTORS = {"random_vectors": 2, "seed": 5, "precision": "double"}
MEAN_FIELD = {"T": [0.3, 1.0], "frequency": [0.0, 0.5], "energy": [-1.5, 0.0, 0.5]}


@functools.cache
def local():
    return xg.dmft(chain(g=[0.3]), **MEAN_FIELD)


def frozen(**options):
    return xg.static_disorder(chain(omega0=0.0), sites=6, realization=3, seed=3, **GRID, **options)


# -- a chain that ends in the operation --------------------------------------------------------------

SOLVED = ["optical_conductivity", "kinetic_energy"]
SPREAD = [f"{name}_stderr" for name in SOLVED]
WEIGHTS = {"total_weight": 3, "kinetic_energy": -5, "stiffness": 1}
CASES = {
    "metropolis": lambda: xg.metropolis(GLASS, T=[0.1, 0.3], walker=2, sweep=3, weight="free_energy", seed=7),
    "kubo": lambda: xg.optical_conductivity(
        states(), frequency=np.linspace(0.0, 2.0, 5), broadening=0.1, direction=["x", "xy"]
    ),
    "kubo.sum_rule": lambda: 1.0 + xg.sum_rule(states(), direction=["x", "xy"]),
    "boltzmann": lambda: xg.boltzmann_conductivity(
        xg.charge_glass(LATTICE, t_p=0.12, eta=-0.5, interaction=None).assign_coords(
            T=xr.DataArray([0.1, 0.2], dims="point").chunk(1)
        ),
        frequency=[0.0, 0.1],
        rate=[0.1, 0.2],
        direction=["x", "xy"],
        momenta=8,
    ),
    "irreversibility_temperature": lambda: xg.irreversibility_temperature(
        xr.DataArray([3.0, 2.0, 1.0], dims="T", coords={"T": [0.1, 0.2, 0.3]}).chunk(),
        xr.DataArray([1.0, 1.0, 1.0], dims="T", coords={"T": [0.1, 0.2, 0.3]}),
        factor=1.5,
    ),
    "exact": lambda: xg.exact(chain(), **GRID)[[*SOLVED, "log_partition_function", "filter_exponent"]],
    "exact.truncated_weight": lambda: xg.exact(chain(), **GRID, max_excitations=2)["truncated_weight"],
    "exact.stiffness": lambda: xg.exact(chain(), **GRID)["stiffness"],
    "ftlm": lambda: xg.ftlm(chain(), **GRID, **VECTORS)[SOLVED],
    "typicality": lambda: xg.typicality(chain(), **GRID, **VECTORS)[SOLVED],
    "random_vectors.truncated_weight": lambda: xg.ftlm(chain(), **GRID, **VECTORS, max_excitations=2)[
        "truncated_weight"
    ],
    "random_vectors.annealed": lambda: xg.ftlm(
        chain(g=xr.DataArray([0.5, 1.0, 1.2], dims="realization")), **GRID, **VECTORS, average="annealed"
    )[SPREAD],
    "random_vectors.averages": lambda: xg.ftlm(chain(), **GRID, **VECTORS)[SPREAD],
    "dmft": lambda: xg.dmft(chain(), **MEAN_FIELD)[["optical_conductivity", "mobility", "self_energy"]],
    "dmft.total_weight": lambda: xg.dmft(chain(), **MEAN_FIELD)["total_weight"],
    "dmft.ground_state_energy": lambda: xg.dmft(chain(), **MEAN_FIELD)["ground_state_energy"],
    "static_disorder": lambda: frozen(average=None)[SOLVED],
    "static_disorder.annealed": lambda: frozen()[[*SOLVED, *SPREAD]],
    "static_disorder.annealed_logarithm": lambda: frozen()["log_partition_function_stderr"],
    "electrostatic_potential": lambda: xg.electrostatic_potential(states()),
    "electrostatic_energy": lambda: xg.electrostatic_energy(states()),
    "kinetic_energy": lambda: xg.kinetic_energy(states()),
    "local_density": lambda: xg.local_density(states().isel(sweep=[2])),
    "diagonalize": lambda: xg.diagonalize(states().isel(sweep=[2]))[["eigenvalue"]],
    "diagonalize.levels": lambda: xg.gap_ratio(states(), window=(-0.5, 0.5)),
    "diagonalize.chemical_potential": lambda: xg.diagonalize(states())[["chemical_potential"]],
    "density_of_states": lambda: xg.density_of_states(
        states().isel(sweep=[2]), energy=[-0.3, 0.1, 0.2], broadening=0.1
    ),
    "spectral_function": lambda: xg.spectral_function(
        states().isel(sweep=[2]),
        momentum=xr.DataArray([[0.7, 0.2], [0.0, 1.0]], dims=("momentum", "axis")),
        energy=[-0.3, 0.1, 0.2],
        broadening=0.1,
        filter="lorentzian",
    ),
    "inverse_participation_ratio": lambda: xg.inverse_participation_ratio(states().isel(sweep=[2])),
    "gap_ratio": lambda: xg.gap_ratio(states().isel(sweep=[2])),
    "chi4": lambda: xg.chi4(apart(), waiting_time=0),
    "occupied_neighbours": lambda: xg.occupied_neighbours(states().isel(sweep=[2])),
    "defect_density": lambda: xg.defect_density(states(), coordination=3),
    "local_stripe_order": lambda: xg.local_stripe_order(states().isel(sweep=[2])),
    "stripe_crossings": lambda: xg.stripe_crossings(states().isel(sweep=[0, 2])),
    "overlap": lambda: xg.autocorrelation(states(), waiting_time=[0, 1]),
    "structure_factor": lambda: xg.structure_factor(
        states().isel(sweep=[2]), q=xr.DataArray(wave_vectors(LATTICE), dims=("q", "axis"))
    ),
    "structure_factor.torus": lambda: xg.structure_factor(states().isel(sweep=[2])),
    "relaxation_time_approximation": lambda: xg.relaxation_time_approximation(
        sigma(), rate=[0.1, 0.3], correlation="symmetrised"
    ),
    "transient_localization_length": lambda: xg.transient_localization_length(sigma(), rate=[0.1, 0.3]),
    "mean_square_displacement": lambda: xg.mean_square_displacement(sigma(), time=[0.5, 2.0]),
    "diffusivity": lambda: xg.diffusivity(sigma(), time=[0.5, 2.0]),
    "spectral_weight": lambda: xg.spectral_weight(sigma(), cutoff=[0.33, np.inf]),
    "peak_frequency": lambda: xg.peak_frequency(sigma()),
    "resistivity": lambda: xg.resistivity(sigma()),
    "resistivity.stderr": lambda: xg.resistivity(
        xr.Dataset({"optical_conductivity": sigma(), "optical_conductivity_stderr": 0.1 * sigma()})
    )[["resistivity_stderr"]],
    "sum_rule": lambda: xg.sum_rule(
        xr.Dataset({name: k * sigma()[:, k].drop_vars("frequency") for name, k in WEIGHTS.items()})
    ),
    "ops.correlation": lambda: xg.ops.correlation(
        curve("sweep", LAGS, LAGS**2 % 5), dim="sweep", lag=[0.0, 1.0, 4.0]
    ),
    "ops.jumps": lambda: xg.ops.jumps(
        curve("sweep", LAGS, LAGS**2 % 5), dim="sweep", window=2, threshold=1.0, noise=0.5
    ),
    "ops.jumps.noise": lambda: xg.ops.jumps(
        curve("sweep", LAGS, LAGS**2 % 5), dim="sweep", window=1, threshold=1.0
    ),
    "ops.histogram": lambda: xg.ops.histogram(
        curve("sweep", LAGS, LAGS**2 % 5), bins=4, range=(0.0, 5.0), dim="sweep"
    ),
    "fits.stretched_exponential": lambda: xg.fits.stretched_exponential(
        curve("lag", LAGS, 0.25 * np.exp(-((LAGS / 4.0) ** 0.7)))
    ),
    "fits.law": lambda: laws(curve("T", T, 3.0 * np.exp(0.3 / (T - 0.01)))),
    "fits.variable_range_hopping": lambda: xg.fits.variable_range_hopping(
        curve("T", T, 3.0 * np.exp((0.3 / T) ** 0.5)), exponent=[0.5, 1.0]
    ),
    "fits.relaxation_rate": lambda: xg.fits.relaxation_rate(relaxed(), sigma()),
    "fits.relaxation_rate.static": lambda: xg.fits.relaxation_rate(
        xg.dc_conductivity(sigma()) + 0.05, sigma(), stderr=0.01 * xg.dc_conductivity(sigma())
    ),
    "fits.displaced_drude": lambda: xg.fits.displaced_drude(sigma()),
    "fits.displaced_drude_conductivity": lambda: xg.fits.displaced_drude_conductivity(
        sigma()[:, 2], sigma()[:, 4], rate=[0.0, 0.1]
    ),
    "particle_hole_bubble": lambda: xg.particle_hole_bubble(
        xg.cavity_glass(xg.lattice.cubic(4), filling=[0.3, 0.45]), T=[0.2, 0.5], matsubara=[0, 1]
    )[["susceptibility"]].isel(qx=1),
    "real_frequency_response": lambda: xg.real_frequency_response(
        xg.cavity_glass(xg.lattice.cubic(4), filling=0.3, omega0=[2.0, 8.0]),
        T=0.5,
        J=[2.0, 9.0],
        frequency=[-1.0, 0.0, 2.0],
        broadening=[6.0, 8.0],
    ).drop_vars("residual"),
    "saddle_point": lambda: coupled().drop_vars("residual"),
    "critical_coupling": lambda: xg.critical_coupling(
        xg.cavity_glass(xg.lattice.cubic(4), filling=[0.3, 0.45]), T=0.5
    )[["critical_coupling", "lagrange_multiplier", "local_density_response", "nesting_clamp"]],
    "fits.zero_temperature": lambda: xg.fits.zero_temperature(
        curve("T", T, 4.0 + T).rename("critical_coupling").assign_coords(filling=0.3)
    ),
    "density_response": lambda: xg.density_response(coupled()).isel(qx=1),
    "fermion_scattering_rate": lambda: xg.fermion_scattering_rate(coupled()),
    "fermion_self_energy": lambda: xg.fermion_self_energy(coupled(), fermion_matsubara=2),
    "critical_coupling.error": lambda: xg.critical_coupling(
        xg.cavity_glass(xg.lattice.cubic(4), filling=[0.3, 0.45]), T=0.5
    )[["critical_coupling_error"]],
    "metallic_glass.mediated_coupling": lambda: xg.metallic_glass.mediated_coupling(
        curve("T", T, T), v=0.3, omega0=0.2
    ),
    "metallic_glass.closed_form_response": lambda: xg.metallic_glass.closed_form_response(
        curve("T", T, 3.0 + T), lagrange_multiplier=0.2, J=1.3
    ),
    "metallic_glass.distance_to_transition": lambda: xg.metallic_glass.distance_to_transition(
        curve("T", T, 3.0 + T), lagrange_multiplier=0.2, J=1.3
    ),
    "metallic_glass.square_root_scale": lambda: xg.metallic_glass.square_root_scale(
        curve("T", T, 3.0 + T), curve("T", T, 0.5 + T), z=-0.4, dim="T"
    ),
    "dilute_defects.fraction": lambda: xg.dilute_defects.fraction(
        chain(omega0=xr.DataArray([0.2, 1.0], dims="point")).chunk(point=1), T=[0.0, 0.5]
    ),
    "dilute_defects.self_energy": lambda: xg.dilute_defects.self_energy(local()),
    "dilute_defects.scattering_rate": lambda: xg.dilute_defects.scattering_rate(local()),
    "dilute_defects.boltzmann_mobility": lambda: xg.dilute_defects.boltzmann_mobility(local()),
    "dilute_defects.band_edge_mobility": lambda: xg.dilute_defects.band_edge_mobility(local()),
}


# -- what they compute, and what they computed -------------------------------------------------------


def case(name):
    """The lazy result of a case."""
    result = CASES[name]()
    return result if isinstance(result, xr.Dataset) else result.to_dataset(name="result")


@functools.cache
def computed(name):
    """Variable -> its numbers in a row, to twelve digits."""
    numbers = {}
    for variable, array in case(name).compute(scheduler="sync").data_vars.items():
        values = np.atleast_1d(array.values)
        values = values.view(np.float64) if values.dtype.kind == "c" else values
        exact = values.dtype.kind in "iub"
        numbers[variable] = [int(v) if exact else float(f"{v:.12g}") for v in values.ravel()]
    return numbers


def same(now, then, tolerance=TOLERANCE):
    """Whether two results agree, as on two processors."""
    if [*now] != [*then] or any(len(now[k]) != len(then[k]) for k in now):
        return False
    return all(close(now[name], then[name], tolerance) for name in now)


def close(now, then, tolerance):
    """Whether whole numbers are equal, and floats so nearly."""
    if all(isinstance(x, int) for x in (*now, *then)):
        return now == then
    a, b = np.array(now, dtype=float), np.array(then, dtype=float)
    largest = float(np.max(np.abs(b), initial=0.0, where=np.isfinite(b)))
    return np.allclose(a, b, rtol=0.0, atol=tolerance * largest, equal_nan=True)


@functools.cache
def functions():
    """Name -> function of all operations of the package."""
    found = {}
    for module in pkgutil.walk_packages(xg.__path__, "xglass."):
        if not module.name.endswith("__main__"):
            members = vars(importlib.import_module(module.name)).values()
            found |= {known(member)[0]: member for member in members if known(member) is not None}
    return found


def revision(name):
    """The revision of an operation."""
    return known(functions()[name])[1]


RECORD = json.loads(FILE.read_text()) if FILE.exists() else {}


def test_every_operation_has_a_result():
    assert sorted(CASES) == sorted(functions())
    assert sorted(RECORD) == sorted(functions()), "write them by python tests/test_revisions.py"


@pytest.mark.parametrize("name", CASES)
def test_numbers_change_with_a_revision_only(name):
    assert name in provenance.revisions(case(name)), "the chain does not go through the operation"
    then = RECORD[name]
    assert then["revision"] == revision(name), "write the numbers by python tests/test_revisions.py"
    assert same(computed(name), then["values"], TOLERANCES.get(name, TOLERANCE)), (
        f"{name} computes other numbers (or one of its inputs does); if that is meant, raise the revision of "
        "the operation, say so in the changelog under Numerics, and run python tests/test_revisions.py"
    )


class Patched(Exception):
    """Raised by what a test has put in the place of an operation."""


@pytest.mark.parametrize("name", CASES)
def test_an_operation_is_looked_up_when_it_is_applied(name, monkeypatch):
    """Tests break or count an operation by its place; one that was kept aside would run unpatched."""

    def patched(*_, **__):
        raise Patched

    function = functions()[name]
    monkeypatch.setattr(sys.modules[function.__module__], function.__qualname__, patched)
    with pytest.raises(Patched):
        case(name).compute(scheduler="sync")


@pytest.mark.parametrize(("factor", "alike"), [(1.0, True), (1.0 + 1e-12, True), (1.0 + 1e-9, False)])
def test_a_change_is_seen(factor, alike):
    name = "exact"
    changed = {k: [factor * x for x in v] for k, v in computed(name).items()}
    assert same(changed, computed(name)) is alike


def test_whole_numbers_and_missing_ones_are_compared():
    assert same({"x": [1, 2]}, {"x": [1, 2]})
    assert not same({"x": [1, 2]}, {"x": [1, 3]})
    assert not same({"x": [10**12]}, {"x": [10**12 + 1]})
    assert same({"x": [np.nan, 1.0]}, {"x": [np.nan, 1.0]})
    assert not same({"x": [np.nan, 1.0]}, {"x": [0.0, 1.0]})
    assert not same({"x": [np.inf]}, {"x": [1.0]})
    assert not same({"x": [1.0]}, {"y": [1.0]})


def write():
    """Write the numbers of new revisions; refuse others under an old one."""
    record = {}
    for name in CASES:
        then, now = RECORD.get(name), {"revision": revision(name), "values": computed(name)}
        kept = then is not None and then["revision"] == revision(name)
        if kept and not same(now["values"], then["values"], TOLERANCES.get(name, TOLERANCE)):
            sys.exit(
                f"{name}: other numbers, and revision {revision(name)} as before; raise it where it is named"
            )
        record[name] = then if kept else now
    lines = [f"{json.dumps(name)}: {json.dumps(entry)}" for name, entry in record.items()]
    FILE.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    write()

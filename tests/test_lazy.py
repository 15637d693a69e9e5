"""Nothing computes inside a chain: every public function has an entry below, and one without fails."""

import functools
import inspect
import pickle
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import cloudpickle
import numpy as np
import pytest
import xarray as xr

import xglass as xg
from xglass.engine.core.operations import known
from xglass.store import provenance

ROOT = Path(__file__).resolve().parents[1]


def correlation(run):
    return xg.autocorrelation(run, waiting_time=[0, 1])


def mean_over_walkers(x):
    return x.mean("walker")


def temperatures(run):
    """Something positive along T, to be fitted."""
    return 1.0 + run["acceptance"].isel(sweep=-1).mean("walker")


def uncut(x, dim="T"):
    """All temperatures in one block, where there are blocks, or all entries of another dimension."""
    return x.chunk({dim: -1}) if x.chunks else x


def more_temperatures(run):
    """The same at four of them."""
    cold = temperatures(run)
    return xr.concat([cold, 0.5 * cold.assign_coords(T=4.0 * cold["T"])], dim="T")


MOMENTA = xr.DataArray([[0.0, 0.0], [1.0, 0.5]], dims=("momentum", "axis"))
GRID = {"T": [0.5, 1.0], "frequency": [0.0, 0.5, 1.0], "broadening": 0.1}


def electron():
    return xg.electron_tls(xg.lattice.chain(3), g=[0.5, 1.0], omega0=0.2)


def cavity():
    return xg.cavity_glass(xg.lattice.square(4), filling=[0.3, 0.4, 0.5])


def coupled(run):
    """A saddle point as lazy as the run."""
    chunks = "auto" if run["occupation"].chunks else None
    return xg.saddle_point(cavity(), T=[0.2, 0.4], J=[1.0, 5.0], matsubara=[0, 1], chunks=chunks)


def conductivity(run):
    """A spectrum with a displaced peak, as lazy as the run."""
    w = xr.DataArray(
        np.linspace(0.0, 2.0, 21), dims="frequency", coords={"frequency": np.linspace(0.0, 2.0, 21)}
    )
    sigma = temperatures(run) * (0.1 + w / (1 + 4 * w**2)).assign_coords(t=1.0)
    return sigma.rename("optical_conductivity").assign_attrs(units="e^2 a^2/hbar")


def relaxed(run):
    return xg.relaxation_time_approximation(conductivity(run), rate=0.3, correlation="symmetrised")


def weights(run):
    return xr.Dataset(
        {
            "total_weight": temperatures(run),
            "kinetic_energy": -temperatures(run),
            "stiffness": temperatures(run),
        }
    )


def mean_field(run):
    """A mean field solution, as lazy as the run."""
    grid = {"T": [0.5, 1.0], "frequency": [0.0], "energy": np.linspace(-3.0, 3.0, 13)}
    return xg.dmft(electron(), **grid, chunks="auto" if run["acceptance"].chunks else None)


#: A model in, a lazy result out; with chunks=None one that is there.
SOLVERS = {
    "exact": lambda **options: xg.exact(electron(), **GRID, **options),
    "ftlm": lambda **options: xg.ftlm(electron(), **GRID, random_vectors=2, seed=1, **options),
    "typicality": lambda **options: xg.typicality(electron(), **GRID, random_vectors=2, seed=1, **options),
    "dmft": lambda **options: xg.dmft(electron(), T=[0.5, 1.0], frequency=[0.0, 0.5, 1.0], **options),
    "static_disorder": lambda **options: xg.static_disorder(
        electron(), **GRID, sites=8, realization=4, seed=1, **options
    ),
    "particle_hole_bubble": lambda **options: xg.particle_hole_bubble(
        cavity(), T=[0.2, 0.4], matsubara=[0, 1], **options
    ),
    "real_frequency_response": lambda **options: xg.real_frequency_response(
        cavity(), T=[0.2, 0.4], J=[1.0, 5.0], frequency=[0.0, 1.0], broadening=6.0, **options
    ),
    "saddle_point": lambda **options: xg.saddle_point(
        cavity(), T=[0.2, 0.4], J=[1.0, 5.0], matsubara=[0, 1], **options
    ),
    "critical_coupling": lambda **options: xg.critical_coupling(cavity(), T=[0.2, 0.4], **options),
}

#: What may be cut and what may not, where these are not g and frequency.
CUTS = {
    "particle_hole_bubble": ("filling", "qx"),
    "real_frequency_response": ("filling", "J"),
    "saddle_point": ("filling", "J"),
    "critical_coupling": ("filling", "matsubara"),
}

#: Lazy run in, lazy result out.
LAZY = {
    "metropolis": lambda run: xg.metropolis(run, T=[0.05, 0.1], walker=3, sweep=3, seed=7, start=run),
    "metropolis_counters": lambda run: xg.metropolis_counters(
        run, T=[0.05, 0.1], walker=3, sweep=3, seed=7, start=run
    ),
    "greedy": lambda run: xg.greedy(run, walker=2, seed=1),
    "replica_exchange": lambda run: xg.replica_exchange(run, T=[0.05, 0.1], walker=3, sweep=3, seed=8),
    "autocorrelation": correlation,
    "chi4": lambda run: xg.chi4(run, waiting_time=[0, 1]),
    "overlap": lambda run: xg.overlap(run, run),
    "stripe_order": lambda run: xg.stripe_order(run),
    "structure_factor": lambda run: xg.structure_factor(run),
    "order_parameter": lambda run: xg.order_parameter(run, q=[np.pi, 0.0]),
    "occupied_neighbours": lambda run: xg.occupied_neighbours(run),
    "defect_density": lambda run: xg.defect_density(run),
    "local_stripe_order": lambda run: xg.local_stripe_order(run),
    "stripe_crossings": lambda run: xg.stripe_crossings(run),
    "electrostatic_energy": lambda run: xg.electrostatic_energy(run),
    "electrostatic_potential": lambda run: xg.electrostatic_potential(run),
    "kinetic_energy": lambda run: xg.kinetic_energy(run),
    "local_density": lambda run: xg.local_density(run),
    "optical_conductivity": lambda run: xg.optical_conductivity(
        run, frequency=np.linspace(0.0, 2.0, 11), broadening=0.1, direction=["x", "y"]
    ),
    "diagonalize": lambda run: xg.diagonalize(run),
    "density_of_states": lambda run: xg.density_of_states(run, energy=[-1.0, 0.0, 1.0], broadening=0.1),
    "spectral_function": lambda run: xg.spectral_function(
        xg.diagonalize(run), momentum=MOMENTA, energy=[-1.0, 0.0, 1.0], broadening=[0.1, 0.2]
    ),
    "inverse_participation_ratio": lambda run: xg.inverse_participation_ratio(run),
    "gap_ratio": lambda run: xg.gap_ratio(run, window=(-0.5, 0.5)),
    "irreversibility_temperature": lambda run: xg.irreversibility_temperature(
        uncut(temperatures(run)) ** 2, uncut(temperatures(run)), factor=1.1
    ),
    "metallic_glass.mediated_coupling": lambda run: xg.metallic_glass.mediated_coupling(
        temperatures(run), v=1.0, omega0=[0.5, 1.0]
    ),
    "metallic_glass.closed_form_response": lambda run: xg.metallic_glass.closed_form_response(
        3.0 * temperatures(run), lagrange_multiplier=0.1, J=1.0
    ),
    "metallic_glass.distance_to_transition": lambda run: xg.metallic_glass.distance_to_transition(
        3.0 * temperatures(run), lagrange_multiplier=0.1, J=1.0
    ),
    "metallic_glass.square_root_scale": lambda run: xg.metallic_glass.square_root_scale(
        3.0 * temperatures(run), temperatures(run), z=0.1, dim="T"
    ),
    "metallic_glass.self_energy_parts": lambda run: xg.metallic_glass.self_energy_parts(
        0.1,
        local_density_response=coupled(run)["local_density_response"],
        square_root_prefactor=0.1 * coupled(run)["edwards_anderson"],
        J=2.0,
        density_of_states=0.1,
    ),
    "metallic_glass.scattered_light": lambda run: xg.metallic_glass.scattered_light(
        temperatures(run).rename(T="frequency"), omega0=2.0
    ),
    "metallic_glass.square_root_prefactor": lambda run: xg.metallic_glass.square_root_prefactor(
        temperatures(run), J=1.0
    ),
    "density_response": lambda run: xg.density_response(coupled(run)),
    "fermion_scattering_rate": lambda run: xg.fermion_scattering_rate(coupled(run)),
    "fermion_self_energy": lambda run: xg.fermion_self_energy(coupled(run)),
    "glass_susceptibility": lambda run: xg.glass_susceptibility(coupled(run)),
    "fits.zero_temperature": lambda run: xg.fits.zero_temperature(
        more_temperatures(run).rename("critical_coupling").assign_coords(filling=0.3)
    ),
    "jackknife": lambda run: xg.jackknife(mean_over_walkers, correlation(run), dim="walker"),
    "bootstrap": lambda run: xg.bootstrap(
        mean_over_walkers, correlation(run), dim="walker", resamples=4, seed=1
    ),
    "ops.histogram": lambda run: xg.ops.histogram(
        xg.local_density(run), bins=4, range=(0, 1), dim=["site", "sweep"]
    ),
    "ops.jumps": lambda run: xg.ops.jumps(
        uncut(run["electrostatic_energy"], "sweep"), dim="sweep", window=1, threshold=3.0
    ),
    "ops.moments": lambda run: xg.ops.moments(run["electrostatic_energy"], dim="sweep"),
    "ops.correlation": lambda run: xg.ops.correlation(
        run["electrostatic_energy"].chunk(sweep=-1), dim="sweep"
    ),
    "fits.stretched_exponential": lambda run: xg.fits.stretched_exponential(correlation(run).chunk(lag=-1)),
    "fits.arrhenius": lambda run: xg.fits.arrhenius(temperatures(run).chunk(T=-1)),
    "fits.vogel_fulcher": lambda run: xg.fits.vogel_fulcher(more_temperatures(run).chunk(T=-1)),
    "fits.power_law": lambda run: xg.fits.power_law(temperatures(run).chunk(T=-1), dim="T"),
    "dc_conductivity": lambda run: xg.dc_conductivity(conductivity(run)),
    "mobility": lambda run: xg.mobility(conductivity(run)),
    "resistivity": lambda run: xg.resistivity(conductivity(run)),
    "spectral_weight": lambda run: xg.spectral_weight(conductivity(run), cutoff=[0.25, np.inf]),
    "peak_frequency": lambda run: xg.peak_frequency(conductivity(run)),
    "localization_length": lambda run: xg.localization_length(conductivity(run)),
    "sum_rule": lambda run: xg.sum_rule(weights(run)),
    "relaxation_time_approximation": lambda run: xg.relaxation_time_approximation(
        conductivity(run), rate=[0.3, 0.4], correlation="symmetrised"
    ),
    "mean_square_displacement": lambda run: xg.mean_square_displacement(conductivity(run), time=[1.0, 2.0]),
    "diffusivity": lambda run: xg.diffusivity(conductivity(run), time=1.0),
    "transient_localization_length": lambda run: xg.transient_localization_length(
        conductivity(run), rate=0.3
    ),
    "fits.variable_range_hopping": lambda run: xg.fits.variable_range_hopping(
        1 / temperatures(run), exponent=[0.5, 1.0]
    ),
    "fits.relaxation_rate": lambda run: xg.fits.relaxation_rate(relaxed(run), conductivity(run)),
    "fits.displaced_drude": lambda run: xg.fits.displaced_drude(conductivity(run)),
    "fits.displaced_drude_conductivity": lambda run: xg.fits.displaced_drude_conductivity(
        temperatures(run), 2 * temperatures(run), rate=[0.1, 0.2]
    ),
    "dilute_defects.boltzmann_mobility": lambda run: xg.dilute_defects.boltzmann_mobility(mean_field(run)),
    "dilute_defects.band_edge_mobility": lambda run: xg.dilute_defects.band_edge_mobility(mean_field(run)),
    "dilute_defects.self_energy": lambda run: xg.dilute_defects.self_energy(mean_field(run)),
    "dilute_defects.scattering_rate": lambda run: xg.dilute_defects.scattering_rate(mean_field(run)),
    "units.to_physical": lambda run: xg.units.to_physical(run, scale="0.35 eV", spacing="0.5 nm"),
    "variables.stamp": lambda run: xg.variables.stamp(run),
    "testing.tiny_run": lambda run: xg.testing.tiny_run(xg.testing.tiny_glass()),
}

#: Lazy data in, an answer about its labels out: nothing may compute, and there is nothing to be lazy.
ABOUT_LABELS = {
    "checks.require": lambda run: xg.checks.require(run, "occupation", caller="test"),
    "checks.uncut": lambda run: xg.checks.uncut(run["occupation"], ("site",), caller="test"),
    "variables.energy_unit": lambda run: xg.variables.energy_unit(run),
    "checks.aligned": lambda run: xg.checks.aligned("test", a=run["occupation"], b=run["acceptance"]),
    "checks.in_model_units": lambda run: xg.checks.in_model_units("test", x=run["acceptance"]),
    "checks.both_or_neither": lambda run: xg.checks.both_or_neither(
        "test", "x", run["acceptance"], stderr=run["acceptance"]
    ),
    "checks.in_label_order": lambda run: xg.checks.in_label_order("x", run["occupation"]),
    "checks.no_override": lambda run: xg.checks.no_override("test", "x", T=(run["T"], run["T"])),
    "checks.array": lambda run: xg.checks.array("test", "x", run["occupation"]),
    "checks.real_array": lambda run: xg.checks.real_array("test", "x", run["occupation"]),
    "units.scale_of": lambda run: xg.units.scale_of(run),
    "checks.described": lambda run: xg.checks.described(run),
    "checks.model_of": lambda run: xg.checks.model_of(run),
    "checks.eager": lambda run: xg.checks.eager(run.chunk(sweep=2), "position"),
}

#: Eager by definition, with the reason. What takes no data cannot compute any.
EAGER = {
    **dict.fromkeys(
        ["lattice.chain", "lattice.square", "lattice.triangular", "lattice.cubic", "lattice.from_cell"],
        "geometry from a few numbers",
    ),
    **dict.fromkeys(
        ["coulomb", "lattice.coulomb", "lattice.yukawa", "lattice.power_law"],
        "interactions are coordinates of models: eager",
    ),
    **dict.fromkeys(
        [
            "charge_glass",
            "electron_tls",
            "cavity_glass",
            "cavity_couplings",
            "cavity_site_energy",
            "confocal_modes",
            "distance_to_sk",
            "random_couplings",
            "random_parameter",
            "random_site_energy",
            "testing.tiny_glass",
        ],
        "models are parameters: eager",
    ),
    **dict.fromkeys(
        ["units.parameter", "units.scale_coordinate", "units.canonical"],
        "parameters are eager; lazy ones are refused",
    ),
    **dict.fromkeys(
        ["dilute_defects.fraction", "boltzmann_conductivity", "mott_ioffe_regel", "units.coulomb_energy"],
        "functions of parameters",
    ),
    "units.text": "a printed number is the end of a chain",
    "show_versions": "takes no data",
    **dict.fromkeys(
        [
            "variables.attributes",
            "checks.realizations",
            "checks.extra",
            "checks.refuse",
            "checks.seed",
            "checks.whole_number",
        ],
        "take a name or a number",
    ),
    **dict.fromkeys(
        ["testing.forbid_compute", "testing.count_computes", "testing.chunkings"], "tools of tests"
    ),
    **dict.fromkeys(["store.evaluate", "store.verify"], "computing is what they are for"),
    **dict.fromkeys(
        ["store.load", "store.progress", "store.failures"],
        "read a store; tests/store shows that nothing computes",
    ),
    **dict.fromkeys(
        [
            "plot.relaxation",
            "plot.style",
            "plot.arrhenius",
            "plot.curves",
            "plot.histogram",
            "plot.label",
            "plot.lattice",
            "plot.charge_map",
        ],
        "drawing is the end of a chain",
    ),
}


def public_functions():
    """Every function that a user can reach: the names of the package and of its public modules."""
    found = {}
    for name in xg.__all__:
        member = getattr(xg, name)
        if isinstance(member, ModuleType):
            found |= {f"{name}.{inner}": getattr(member, inner) for inner in member.__all__}
        else:
            found[name] = member
    return sorted(
        name
        for name, member in found.items()
        if callable(member) and not inspect.isclass(member) and name != "units.registry"
    )


#: How a user may have cut the run.
CHUNKED = {
    "auto": {},
    "T": {"chunks": {"T": 1}},
    "walker": {"chunks": {"walker": 2, "eta": 1}},
}


@pytest.mark.parametrize("name", public_functions())
def test_every_public_function_is_listed(name):
    listed = [table for table in (LAZY, SOLVERS, ABOUT_LABELS, EAGER) if name in table]
    assert len(listed) == 1, (
        f"xg.{name} stands in {len(listed)} of LAZY, SOLVERS, ABOUT_LABELS, EAGER; write a call that "
        "shows it is lazy"
    )


def test_nothing_is_listed_that_is_not_there():
    assert sorted([*LAZY, *SOLVERS, *ABOUT_LABELS, *EAGER]) == public_functions()


def dask_backed(result):
    arrays = result.data_vars.values() if isinstance(result, xr.Dataset) else [result]
    return [array.chunks is not None for array in arrays]


@pytest.mark.parametrize("chunks", CHUNKED)
@pytest.mark.parametrize("name", LAZY)
def test_lazy_in_lazy_out(name, chunks):
    with xg.testing.forbid_compute():
        run = xg.testing.tiny_run(**CHUNKED[chunks])
        result = LAZY[name](run)
        repr(result)  # what a notebook does
    assert dask_backed(result)
    assert all(dask_backed(result)), name
    computed = result.compute(scheduler="sync")
    for declared, real in zip(
        variables(result), variables(computed), strict=True
    ):  # what was promised is what comes
        assert declared.name == real.name
        assert declared.dims == real.dims
        assert declared.shape == real.shape
        assert declared.dtype == real.dtype
        assert declared.attrs == real.attrs


def variables(result):
    return list(result.data_vars.values()) if isinstance(result, xr.Dataset) else [result]


@functools.cache
def simulated():
    """The run itself, in memory."""
    return xg.testing.tiny_run().compute(scheduler="sync")


@pytest.mark.parametrize("name", [n for n in LAZY if n != "testing.tiny_run"])
def test_a_run_chunked_as_a_whole(name):
    """Dataset.chunk makes the coordinates of the model lazy, too, as does a file that is opened lazily."""
    run = simulated().chunk(sweep=2, T=1)
    assert run["position"].chunks is not None
    with xg.testing.forbid_compute():
        result = LAZY[name](run)
    assert all(dask_backed(result))
    expected = LAZY[name](simulated())
    for a, b in zip(
        variables(result.compute(scheduler="sync")),
        variables(expected.compute(scheduler="sync")),
        strict=True,
    ):
        if name != "bootstrap":
            np.testing.assert_allclose(
                a.transpose(*b.dims).values, b.values, rtol=0, atol=1e-10, equal_nan=True
            )


@pytest.mark.parametrize("name", SOLVERS)
def test_solvers_are_lazy(name):
    with xg.testing.forbid_compute():
        result = SOLVERS[name]()
        repr(result)
    assert all(dask_backed(result))
    computed = result.compute(scheduler="sync")
    now = SOLVERS[name](chunks=None)
    assert not any(dask_backed(now))
    xr.testing.assert_identical(computed, now)
    for declared, real in zip(variables(result), variables(computed), strict=True):
        assert (declared.name, declared.dims, declared.shape, declared.dtype) == (
            real.name,
            real.dims,
            real.shape,
            real.dtype,
        )
        assert declared.attrs == real.attrs == xg.variables.attributes(declared.name, energy="tc")
    pickled = functions_of(result)
    for function, data in pickled.items():
        assert len(data) < 500, f"{function}: {len(data)} bytes"
        assert b"numba" not in data, function


@pytest.mark.parametrize("name", SOLVERS)
def test_chunks_of_solvers(name):
    """Any cut along parameters gives the same; what cannot be cut is named."""
    parameter, core = CUTS.get(name, ("g", "frequency"))
    whole = SOLVERS[name](chunks={parameter: 2})
    xr.testing.assert_identical(whole.compute(scheduler="sync"), SOLVERS[name](chunks=None))
    with pytest.raises(ValueError, match="chunks must be 'auto', a dict .* or None, got 'all'"):
        SOLVERS[name](chunks="all")
    with pytest.raises(ValueError, match=f"chunks: '{core}' cannot be chunked"):
        SOLVERS[name](chunks={core: 1})
    with pytest.raises(ValueError, match="whole number"):
        SOLVERS[name](chunks={parameter: 0})


@pytest.mark.parametrize("name", ABOUT_LABELS)
def test_questions_about_labels(name):
    with xg.testing.forbid_compute():
        ABOUT_LABELS[name](xg.testing.tiny_run())


def test_models_are_eager():
    with xg.testing.forbid_compute():
        model = xg.charge_glass(
            xg.lattice.triangular(4),
            t_p=[0.1, 0.2],
            interaction=xg.random_couplings(16, realization=2, seed=1),
        )
    assert all(coord.chunks is None for coord in model.coords.values())


def test_a_whole_chain_computes_once():
    """From the Hamiltonian to a barrier: nothing before the end, and one pass over the graph at the end."""
    with xg.testing.forbid_compute():
        run = xg.testing.tiny_run(T=[0.05, 0.1, 0.2, 0.3], weight="classical", walker=6, sweep=12)
        C = xg.autocorrelation(run, waiting_time=2)
        tau = xg.jackknife(
            lambda C: xg.fits.stretched_exponential(C.mean("walker")), C, dim="walker", blocks=3
        )
        barrier = xg.fits.arrhenius(
            tau["relaxation_time_1e"].chunk(T=-1), stderr=tau["relaxation_time_1e_stderr"].chunk(T=-1)
        )
        assert all(dask_backed(tau)) and all(dask_backed(barrier))  # noqa: PT018
    with xg.testing.count_computes() as count:
        barrier.compute()
    assert count == [1]


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in LAZY
        if not name.startswith(("metropolis", "replica_exchange", "greedy", "testing.", "fits."))
        and name != "ops.correlation"
    ],
)
def test_eager_in_eager_out(name):
    """Data that are there stay there: no graph is made of them (what is left out chunks by itself above)."""
    assert not any(dask_backed(LAZY[name](xg.testing.tiny_run(chunks=None))))


def test_the_guard_guards():
    run = xg.testing.tiny_run()
    with xg.testing.forbid_compute():
        for compute in (
            lambda: run.compute(),
            lambda: run["occupation"].values,
            lambda: float(run["acceptance"].sum()),
        ):
            with pytest.raises(xg.testing.Computed):
                compute()
    with xg.testing.count_computes() as count:
        run.compute()
        run["acceptance"].compute()
    assert count == [2]


# -- what is sent to workers ------------------------------------------------------------------------


def functions_of(result):
    """Every distinct function in the graph of a result, with its options, pickled."""
    tasks = result.__dask_graph__().values()
    found = {repr(task.func): task.func for task in tasks if hasattr(task, "func")}
    return {name: cloudpickle.dumps(function) for name, function in found.items()}


@pytest.mark.parametrize("name", LAZY)
def test_blocks_are_plain_functions(name):
    """Pickled by name, in less than 500 bytes, and without a compiled kernel:
    workers import what they need.
    """
    pickled = functions_of(LAZY[name](xg.testing.tiny_run(chunks={"T": 1})))
    assert pickled
    for function, data in pickled.items():
        assert len(data) < 500, f"{function}: {len(data)} bytes"
        assert b"numba" not in data, function


@pytest.mark.parametrize("name", [*SOLVERS, *LAZY])
def test_what_dask_sees_of_ours_is_an_operation(name):
    """Functions and objects of xglass in a graph have names of their own, or files would name them."""
    result = SOLVERS[name]() if name in SOLVERS else LAZY[name](xg.testing.tiny_run(chunks={"T": 1}))
    data = result if isinstance(result, xr.Dataset) else result.to_dataset(name="result")
    for leaf in provenance.leaves(data):
        leaf = getattr(leaf, "value", leaf)  # data stand in a node of their own
        place = getattr(leaf, "__module__", None) or type(leaf).__module__
        assert not place.startswith("xglass") or known(leaf) is not None, leaf
    assert provenance.revisions(data)


@pytest.mark.parametrize("name", [*LAZY, *SOLVERS])
def test_a_result_that_travelled_is_that_of_data_in_memory(name):
    """A pickled lazy result equals itself, and the eager one, label by label and bit by bit."""
    if name in SOLVERS:
        lazy, eager = SOLVERS[name](), SOLVERS[name](chunks=None)
    else:
        lazy, eager = (LAZY[name](xg.testing.tiny_run(**kind)) for kind in ({}, {"chunks": None}))
        eager = eager.compute(scheduler="sync")
    travelled = cloudpickle.loads(cloudpickle.dumps(lazy))
    assert all(dask_backed(travelled))
    travelled = travelled.compute(scheduler="sync")
    xr.testing.assert_identical(travelled, eager)
    xr.testing.assert_identical(pickle.loads(pickle.dumps(travelled)), eager)


def test_the_ordered_start_is_a_block_too():
    with xg.testing.forbid_compute():
        run = xg.testing.tiny_run(start="ordered", chunks={"eta": 1})
    assert all(len(data) < 500 for data in functions_of(run).values())


def test_a_graph_travels_to_another_process(tmp_path):
    """Pickled here, computed there, bit for bit: another interpreter, which has imported nothing of ours."""
    run = xg.testing.tiny_run(chunks={"T": 1})
    chain = xr.Dataset(
        {"occupation": run["occupation"], "kinetic": xg.kinetic_energy(run), "C": correlation(run)}
    )
    (tmp_path / "graph").write_bytes(cloudpickle.dumps(chain))
    code = (
        "import pickle, sys\n"
        "chain = pickle.load(open(sys.argv[1], 'rb'))\n"
        "assert 'numba' not in sys.modules\n"
        "result = chain.compute(scheduler='sync')\n"
        "pickle.dump({name: result[name].values for name in result.data_vars}, open(sys.argv[2], 'wb'))\n"
    )
    subprocess.run(
        [sys.executable, "-c", code, tmp_path / "graph", tmp_path / "result"], check=True, cwd=ROOT
    )
    there = cloudpickle.loads((tmp_path / "result").read_bytes())
    for name, values in there.items():
        np.testing.assert_array_equal(values, chain[name].compute(scheduler="sync").values)


def test_graphs_stay_small():
    """1000 parameter points, one task each: 14 graph entries a point for a run of four variables,
    26 for two waiting times.
    """
    model = xg.testing.tiny_glass(eta=np.linspace(-1.0, -0.1, 10))
    arguments = {"T": np.linspace(0.02, 0.1, 100), "walker": 4, "sweep": 10, "seed": 1}
    with xg.testing.forbid_compute():
        run = xg.metropolis(model, chunks={"T": 1, "eta": 1}, **arguments)
        assert run["occupation"].data.npartitions == 1000
        assert len(run.__dask_graph__()) < 16_000
        assert len(xg.kinetic_energy(run).__dask_graph__()) < 16_000
        assert len(correlation(run).__dask_graph__()) < 30_000
        auto = xg.metropolis(model, weight="classical", **arguments)  # a millisecond of work
        assert auto["occupation"].data.npartitions == 1
        assert len(correlation(auto).__dask_graph__()) < 100
        many = xg.metropolis(model, **(arguments | {"walker": 1000, "sweep": 1000}))
        assert many["occupation"].data.npartitions <= 20_000


def test_the_graph_holds_no_copy_per_point():
    """The interaction is in the graph once, not once per point:
    what travels does not grow with N^2 times the points.
    """
    glass = xg.charge_glass(xg.lattice.triangular(8), t_p=0.1, eta=np.linspace(-1.0, -0.1, 50))
    with xg.testing.forbid_compute():
        run = xg.metropolis(glass, T=[0.05, 0.1], walker=2, sweep=2, seed=1, chunks={"eta": 1, "T": 1})
    assert run["occupation"].data.npartitions == 100
    one = 8 * 64**2
    assert len(cloudpickle.dumps(run["occupation"].data)) < 4 * one + 100 * 3000

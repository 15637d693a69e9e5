"""Levels, states and densities of quantum particles in frozen charges, against dense formulas."""

import functools

import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr
from scipy.linalg import expm
from scipy.optimize import brentq

import xglass as xg
from xglass.engine.charge import one_body_kernels
from xglass.lattice.waves import wave_vectors
from xglass.solvers.one_body import states_of

GRID = np.linspace(-3.0, 3.0, 25)
T = 0.2


def honeycomb(L):
    root = np.sqrt(3.0)
    bonds = [(0, 1, (0, 0), "z"), (1, 0, (0, 1), "y"), (1, 0, (-1, 1), "x")]
    cell = [[root, 0.0], [root / 2, 1.5]]
    return xg.lattice.from_cell(cell, shape=(L, L), basis=[[0.0, 0.0], [0.0, 1.0]], bonds=bonds)


def pairs(sites):
    """A repulsion that falls with the difference of numbers, with a term of its own on the diagonal."""
    difference = np.abs(np.subtract.outer(np.arange(sites), np.arange(sites)))
    return xr.DataArray(1.0 / (1.5 + difference), dims=("site", "site2"))


def of_lattice(lattice, hopping, filling=0.5, **others):
    sites = lattice.sizes["site"]
    energies = xr.DataArray(np.random.default_rng(3).normal(0.0, 0.3, sites), dims="site")
    parameters = {"interaction": pairs(sites), "site_energy": energies, "filling": filling} | others
    return xg.charge_glass(lattice, hopping=hopping, **parameters)


#: A pair of sites, which the chain of two would join twice.
PAIR = xr.DataArray([0.3, 0.0], dims="bond")
MODELS = {
    "dimer": lambda: of_lattice(xg.lattice.chain(2), PAIR),
    "ring of four": lambda: of_lattice(xg.lattice.chain(4), {"x": -0.4}, 0.25),
    "triangular": lambda: xg.charge_glass(xg.lattice.triangular(4), t_p=0.12, eta=-0.4),
    "honeycomb": lambda: of_lattice(honeycomb(3), {"x": 0.2, "y": 0.1, "z": -0.3}, centred=True),
    "cubic": lambda: of_lattice(xg.lattice.cubic(3), {"x": 0.2, "y": 0.1, "z": -0.3}, 1.0 / 3.0),
}


@functools.cache
def run_of(name):
    """Three random configurations of a model."""
    model = MODELS[name]()
    sites = model.sizes["site"]
    particles = round(float(model["filling"]) * sites)
    rng = np.random.default_rng(11)
    occupied = np.array([rng.permutation(sites) < particles for _ in range(3)]).astype(np.int8)
    return model.assign(occupation=(("walker", "site"), occupied)).assign_coords(T=T, walker=range(3))


@functools.cache
def dense(name):
    """(walker) matrices K and H, mu from all levels, in plain loops."""
    run = run_of(name)
    sites = run.sizes["site"]
    K = np.zeros((sites, sites))
    for bond in range(run.sizes["bond"]):
        i, j = int(run["bond_source"][bond]), int(run["bond_target"][bond])
        K[i, j] += float(run["hopping"][bond])
        K[j, i] += float(run["hopping"][bond])
    filling = float(run["filling"])
    result = []
    for n in run["occupation"].values:
        phi = run["interaction"].values @ (n - filling * bool(run["centred"])) + run["site_energy"].values
        H = K + np.diag(phi)
        levels = np.linalg.eigvalsh(H)
        particles = round(filling * sites)
        mu = brentq(
            lambda m, e=levels, p=particles: (1 / (1 + np.exp((e - m) / T))).sum() - p, -9, 9, xtol=1e-15
        )
        result.append((K, H, mu))
    return result


def resolvent(H, mu, broadening):
    """(energy) the matrix -Im (e + mu + i b - H)^-1 / pi."""
    one = np.eye(len(H))
    return np.array([-np.linalg.inv((e + mu + 1j * broadening) * one - H).imag / np.pi for e in GRID])


@pytest.mark.parametrize("name", MODELS)
def test_levels_and_states_solve_the_eigenproblem(name):
    states = xg.diagonalize(run_of(name))
    sites = states.sizes["site"]
    for walker, (_, H, mu) in enumerate(dense(name)):
        e, U = (states[k].values[walker] for k in ("eigenvalue", "eigenvector"))
        assert (np.diff(e) >= 0.0).all()
        np.testing.assert_allclose(H @ U, U * e, rtol=0, atol=1e-12)
        np.testing.assert_allclose(U.T @ U, np.eye(sites), rtol=0, atol=1e-12)
        np.testing.assert_allclose(float(states["chemical_potential"][walker]), mu, rtol=0, atol=1e-12)
    alone = states_of(run_of(name), None, "test", vectors=False)
    assert "eigenvector" not in alone
    np.testing.assert_allclose(alone["eigenvalue"], states["eigenvalue"], rtol=0, atol=1e-13)


@pytest.mark.parametrize("name", MODELS)
def test_thermal_averages_are_those_of_the_density_matrix(name):
    run = run_of(name)
    density, kinetic = xg.local_density(run), xg.kinetic_energy(run)
    for walker, (K, H, mu) in enumerate(dense(name)):
        matrix = np.linalg.inv(np.eye(len(H)) + expm((H - mu * np.eye(len(H))) / T))
        np.testing.assert_allclose(density[walker], np.diag(matrix), rtol=0, atol=1e-12)
        np.testing.assert_allclose(float(kinetic[walker]), (K * matrix).sum(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("name", MODELS)
def test_spectra_are_those_of_the_resolvent(name):
    run = run_of(name)
    axes = run.sizes["axis"]
    momentum = xr.DataArray(np.random.default_rng(5).normal(size=(4, axes)), dims=("momentum", "axis"))
    grid = {"energy": GRID, "broadening": 0.15, "filter": "lorentzian"}
    N, A = xg.density_of_states(run, **grid), xg.spectral_function(run, momentum=momentum, **grid)
    waves = np.exp(1j * momentum.values @ run["position"].values.T) / np.sqrt(run.sizes["site"])
    for walker, (_, H, mu) in enumerate(dense(name)):
        G = resolvent(H, mu, 0.15)
        np.testing.assert_allclose(N[walker], np.trace(G, axis1=1, axis2=2) / len(H), rtol=0, atol=1e-12)
        expected = np.einsum("ki,eij,kj->ke", waves.conj(), G, waves).real
        np.testing.assert_allclose(A[walker], expected, rtol=0, atol=1e-12)
    np.testing.assert_array_equal(A["qx"], momentum[:, 0])


@pytest.mark.parametrize("name", MODELS)
def test_gaussians_participation_and_gaps(name):
    run = run_of(name)
    wide = np.array([0.003, 0.15])
    N = xg.density_of_states(run, energy=GRID, broadening=wide)
    P, r = xg.inverse_participation_ratio(run), xg.gap_ratio(run, window=(-0.4, 0.9))
    for walker, (_, H, mu) in enumerate(dense(name)):
        e, U = np.linalg.eigh(H)
        for k, width in enumerate(wide):
            x = (GRID[:, None] - (e - mu)) / width
            lines = np.exp(-0.5 * x**2).mean(axis=1) / (np.sqrt(2 * np.pi) * width)
            np.testing.assert_allclose(N[walker, k], lines, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(P[walker], (U**4).sum(axis=0), rtol=0, atol=1e-12)
        ratios = []
        for n in range(1, len(e) - 1):
            if -0.4 <= e[n] - mu <= 0.9:
                s, t = e[n] - e[n - 1], e[n + 1] - e[n]
                ratios.append(min(s, t) / max(s, t))
        expected = np.mean(ratios) if ratios else np.nan
        np.testing.assert_allclose(float(r[walker]), expected, rtol=1e-10)


@pytest.mark.parametrize("filter", ["gaussian", "lorentzian"])
def test_sums_over_the_zone_and_over_energies(filter):
    states = xg.diagonalize(run_of("triangular"))
    momentum = xr.DataArray(wave_vectors(states), dims=("momentum", "axis"))
    grid = {"energy": GRID, "broadening": 0.1, "filter": filter}
    A, N = xg.spectral_function(states, momentum=momentum, **grid), xg.density_of_states(states, **grid)
    np.testing.assert_allclose(A.sum("momentum"), 16 * N, rtol=0, atol=1e-12)
    assert float(A.min()) >= 0.0
    if filter == "gaussian":
        grid["energy"] = np.linspace(-6.0, 6.0, 601)
        A, N = xg.spectral_function(states, momentum=momentum, **grid), xg.density_of_states(states, **grid)
        np.testing.assert_allclose(A.integrate("energy"), 1.0, rtol=0, atol=1e-12)
        np.testing.assert_allclose(N.integrate("energy"), 1.0, rtol=0, atol=1e-12)


def test_a_shift_of_the_lattice_shifts_the_densities_and_nothing_else():
    glass = xg.charge_glass(xg.lattice.triangular(4), t_p=0.12, eta=-0.4)
    one = run_of("triangular").assign_coords(interaction=glass["interaction"])
    moved = one.assign(occupation=one["occupation"].copy(data=np.roll(one["occupation"].values, 4, axis=1)))
    momentum = xr.DataArray(wave_vectors(one), dims=("momentum", "axis"))
    grid = {"energy": GRID, "broadening": 0.1}
    np.testing.assert_allclose(
        xg.local_density(moved), np.roll(xg.local_density(one), 4, axis=1), rtol=0, atol=1e-12
    )
    for observable in (
        lambda x: xg.density_of_states(x, **grid),
        lambda x: xg.spectral_function(x, momentum=momentum, **grid),
        xg.inverse_participation_ratio,
        xg.gap_ratio,
    ):
        np.testing.assert_allclose(observable(moved), observable(one), rtol=0, atol=1e-10)


# -- what is solved, and how often -------------------------------------------------------------------


@pytest.fixture
def solved(monkeypatch):
    """Number of configurations that each kernel has solved."""
    count = {"eigenstates": 0, "levels": 0}

    def counting(name):
        kernel = getattr(one_body_kernels, name)

        def counted(hopping, potentials, *results):
            count[name] += len(potentials)
            kernel(hopping, potentials, *results)

        return counted

    for name in count:
        monkeypatch.setattr(one_body_kernels, name, counting(name))
    return count


def several(data):
    momentum = xr.DataArray([[0.0, 0.0]], dims=("momentum", "axis"))
    grid = {"energy": GRID, "broadening": 0.1}
    return [
        xg.local_density(data),
        xg.density_of_states(data, **grid),
        xg.inverse_participation_ratio(data),
        xg.gap_ratio(data),
        xg.spectral_function(data, momentum=momentum, **grid),
    ]


def test_observables_of_one_dataset_solve_once(solved):
    run = xg.testing.tiny_run(chunks={"T": 1, "walker": 2})
    with xg.testing.forbid_compute():
        lazy = several(xg.diagonalize(run))
    together = dask.compute(*lazy, scheduler="sync")
    configurations = run["occupation"].size // 16
    assert solved == {"eigenstates": configurations, "levels": 0}
    for one, other in zip(together, several(run), strict=True):  # what each finds for itself
        np.testing.assert_allclose(one, other.compute(scheduler="sync"), rtol=0, atol=1e-11)
        assert one.attrs == other.attrs
        assert one.dims == other.dims
        assert {*one.coords} == {*other.coords}


def test_what_needs_no_states_solves_for_none(solved):
    run = run_of("triangular")
    xg.density_of_states(run, energy=GRID, broadening=0.1)
    xg.gap_ratio(run)
    assert solved == {"eigenstates": 0, "levels": 6}


def test_temperatures_share_one_solution(solved):
    run = run_of("triangular")
    states = xg.diagonalize(run, T=[0.1, 0.2, 0.4])
    density = xg.local_density(states)
    assert solved["eigenstates"] == 3
    assert states["chemical_potential"].dims == ("T", "walker")
    assert density.dims == ("T", "walker", "site")
    xr.testing.assert_allclose(density, xg.local_density(run, T=[0.1, 0.2, 0.4]), rtol=0, atol=1e-14)
    np.testing.assert_allclose(density[1], xg.local_density(run), rtol=0, atol=1e-14)
    alone = xg.diagonalize(run.drop_vars("T"))
    assert "chemical_potential" not in alone
    np.testing.assert_array_equal(xg.local_density(alone, T=0.2), xg.local_density(run))


@pytest.mark.parametrize("chunks", [{"T": 1, "walker": 2}, {"walker": 1, "sweep": 2}])
def test_numbers_do_not_depend_on_chunks(chunks):
    run = xg.testing.tiny_run().compute(scheduler="sync")
    for one, other in zip(several(run), several(run.chunk(chunks)), strict=True):
        assert one.chunks is None
        assert other.chunks is not None
        xr.testing.assert_identical(one, other.compute(scheduler="sync"))


def lazy_run(walkers, sweeps, chunks, side=12):
    glass = xg.charge_glass(xg.lattice.triangular(side), t_p=0.12)
    empty = da.zeros((walkers, sweeps, side**2), dtype=np.int8, chunks=(*chunks, -1))
    return glass.assign(occupation=(("walker", "sweep", "site"), empty)).assign_coords(T=0.1)


@pytest.mark.parametrize("chunks", [(100, 100), (1, 100), (30, 7), (3, 1)])
def test_states_of_a_block_stay_within_64_megabytes(chunks):
    run = lazy_run(100, 100, chunks)
    U = xg.diagonalize(run)["eigenvector"]
    largest = np.prod([max(blocks) for blocks in U.chunks]) * 8
    assert largest <= 64e6
    assert largest > 20e6 or largest == np.prod(chunks) * 8 * 144**2  # cut no finer than need be
    for ours, theirs in zip(U.chunks, run["occupation"].chunks, strict=False):
        assert {*np.cumsum(theirs)} <= {*np.cumsum(ours)}
    blocks = xg.inverse_participation_ratio(run).chunks
    assert blocks[:2] == U.chunks[:2]


def test_many_configurations_in_memory_are_solved_block_by_block(monkeypatch):
    from xglass.solvers import tasks

    run = run_of("triangular")
    whole = several(run)
    monkeypatch.setattr(tasks, "TASK_BYTES", 8.0 * 16**2)
    assert states_of(run, None, "test")["eigenvector"].chunks[0] == (1, 1, 1)
    for one, other in zip(several(run), whole, strict=True):
        xr.testing.assert_identical(one, other)
    xr.testing.assert_identical(xg.diagonalize(run), xg.diagonalize(run.chunk()).compute(scheduler="sync"))


def test_a_configuration_that_is_not_there_yet():
    run = run_of("triangular")
    run = run.assign(occupation=run["occupation"].copy())
    run["occupation"][1] = np.iinfo(np.int8).min
    for result, whole in zip(several(run), several(run_of("triangular")), strict=True):
        assert np.isnan(result[1]).all()
        np.testing.assert_array_equal(result[[0, 2]], whole[[0, 2]])


# -- models without interaction ----------------------------------------------------------------------


def anderson(**parameters):
    square = xg.lattice.square(4)
    energies = xg.random_site_energy(square, strength=2.0, convention="width", realization=3, seed=1)
    defaults = {"hopping": {"x": -1.0, "y": -1.0}, "interaction": None, "site_energy": energies}
    return xg.charge_glass(square, **(defaults | parameters))


def test_free_particles_need_no_configuration():
    model = anderson(filling=[0.3, 0.5])
    states = xg.diagonalize(model, T=[0.1, 1.0])
    assert states["eigenvalue"].dims == ("realization", "state")
    assert states["chemical_potential"].dims == ("T", "realization", "filling")
    f = 1.0 / (1.0 + np.exp((states["eigenvalue"] - states["chemical_potential"]) / states["T"]))
    np.testing.assert_allclose(
        f.sum("state"), (16 * model["filling"]).broadcast_like(f.sum("state")), rtol=1e-12
    )
    np.testing.assert_allclose(xg.local_density(states).mean("site").isel(filling=0), 0.3, rtol=1e-12)
    without = xg.diagonalize(model)
    assert "chemical_potential" not in without
    xr.testing.assert_identical(
        xg.inverse_participation_ratio(model), xg.inverse_participation_ratio(without)
    )
    assert xg.gap_ratio(model).dims == ("realization",)
    lazy = xg.diagonalize(model.chunk(realization=1))
    assert lazy["eigenvector"].chunks is not None
    xr.testing.assert_equal(lazy.compute(scheduler="sync"), without)


def test_a_run_of_free_particles_has_the_states_of_its_model():
    model = anderson().isel(realization=0)
    occupation = xr.DataArray(np.arange(16) % 2, dims="site").astype(np.int8)
    run = model.assign(occupation=occupation.expand_dims(walker=2)).assign_coords(T=0.3)
    np.testing.assert_array_equal(
        xg.local_density(run).isel(walker=1), xg.local_density(xg.diagonalize(model, T=0.3))
    )


# -- parameters and units ----------------------------------------------------------------------------


def test_grids_come_in_every_form():
    glass = xg.testing.tiny_glass(scale="0.35 eV")
    run = xg.testing.tiny_run(glass).compute(scheduler="sync")
    one = xg.density_of_states(run, energy=[-1.0, 1.0], broadening=0.2)
    other = xg.density_of_states(run, energy=["-0.35 eV", "0.35 eV"], broadening="70 meV")
    xr.testing.assert_allclose(one, other)
    assert one.attrs["units"] == "1/Vc"
    swept = xg.density_of_states(run, energy=[-1.0, 1.0], broadening=[0.1, 0.2])
    assert swept.dims == ("eta", "T", "walker", "sweep", "broadening", "energy")
    np.testing.assert_array_equal(swept.sel(broadening=0.2), one)
    along = xg.density_of_states(run, energy=[-1.0, 1.0], broadening=0.1 + 0.1 * (run["eta"] == -1.0))
    assert along.dims == one.dims
    np.testing.assert_array_equal(along.isel(eta=0), one.isel(eta=0))
    np.testing.assert_array_equal(along.isel(eta=1), swept.sel(broadening=0.1).isel(eta=1))
    assert xg.density_of_states(run, energy=0.0, broadening=0.1).sizes["energy"] == 1
    windows = [(-0.5, 1.0), ("-175 meV", "350 meV"), (-0.5, 350 * xg.units.registry("meV"))]
    first, *others = (xg.gap_ratio(run, window=window) for window in windows)
    for result in others:
        xr.testing.assert_identical(result, first)
    assert np.isnan(xg.gap_ratio(run, window=(50.0, 51.0))).all()
    xr.testing.assert_identical(xg.gap_ratio(run, window=(-np.inf, np.inf)), xg.gap_ratio(run))


def test_two_lines_make_the_distributions_of_the_paper():
    run = xg.testing.tiny_run()
    everything = ["walker", "sweep", "site"]
    density, phi = xg.local_density(run), xg.electrostatic_potential(run)
    P = xg.ops.histogram(density, bins=51, range=(0.0, 1.0), dim=everything, density=True)
    np.testing.assert_allclose((P * (P["bin_right"] - P["bin_left"])).sum("bin"), 1.0, rtol=1e-12)
    assert float(P["bin"][25]) == pytest.approx(0.5)  # n = 1/2 by symmetry stands within a bin
    P = xg.ops.histogram(phi - phi.mean("site"), bins=51, range=(-2, 2), dim=everything, density=True)
    assert float((P * P["bin"]).sum("bin").max()) == pytest.approx(0.0, abs=0.04)
    between = ((density > 0.3) & (density < 0.7)).mean(everything)
    counted = xg.ops.histogram(density, bins=[0.3, 0.7], dim=everything).isel(bin=0)
    np.testing.assert_allclose(between * density[0, 0].size, counted)


# -- refusals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("observable", [xg.diagonalize, xg.local_density, xg.inverse_participation_ratio])
def test_a_model_with_an_interaction_has_no_potential_yet(observable):
    with pytest.raises(
        KeyError, match="a model of charge_glass has no 'occupation'; give the result of metro"
    ):
        observable(xg.testing.tiny_glass())


def call(data, **arguments):
    return xg.density_of_states(data, **({"energy": GRID, "broadening": 0.1} | arguments))


def waves(*shape, dims=("momentum", "axis")):
    return xr.DataArray(np.ones(shape), dims=dims)


REFUSALS = {
    "a mean of occupations": (
        TypeError,
        "local_density: occupation has type float64",
        lambda run: xg.local_density(run.mean("walker")),
    ),
    "a mean of states": (
        ValueError,
        "eigenvector must be normalised over site.*average the result",
        lambda run: xg.inverse_participation_ratio(xg.diagonalize(run).mean("walker")),
    ),
    "some of the states": (
        ValueError,
        "density_of_states: the Dataset holds 3 states and 16 sites; select",
        lambda run: call(xg.diagonalize(run).isel(state=slice(3))),
    ),
    "states in chunks": (
        ValueError,
        "gap_ratio: dimension 'state' is split",
        lambda run: xg.gap_ratio(xg.diagonalize(run).chunk(state=4)),
    ),
    "no states": (
        KeyError,
        "local_density: the result of diagonalize for charge_glass has no 'eigenvector'",
        lambda run: xg.local_density(xg.diagonalize(run).drop_vars("eigenvector")),
    ),
    "no temperature": (
        KeyError,
        "density_of_states: a Dataset of charge_glass has no temperature 'T'.*diagonalize",
        lambda run: call(run.drop_vars("T")),
    ),
    "no temperature of states": (
        KeyError,
        "gap_ratio: the result of diagonalize for charge_glass has no temperature 'T'",
        lambda run: xg.gap_ratio(xg.diagonalize(run.drop_vars("T")), window=(-1, 1)),
    ),
    "no temperature of a model": (
        KeyError,
        "density_of_states: a model of charge_glass has no temperature 'T'.*xg.diagonalize",
        lambda run: call(anderson()),
    ),
    "another temperature": (
        ValueError,
        "local_density: T = 0.5 is not that of the Dataset, which has the coordinate T = 0.2",
        lambda run: xg.local_density(xg.diagonalize(run), T=0.5),
    ),
    "a temperature along T": (
        ValueError,
        "diagonalize: T= replaces the temperature of a run at one temperature",
        lambda run: xg.diagonalize(run.expand_dims(T=[0.1, 0.2]), T=0.3),
    ),
    "T = 0": (ValueError, "T must be > 0", lambda run: xg.diagonalize(run, T=0.0)),
    "broadening 0": (ValueError, "broadening must be > 0, got 0", lambda run: call(run, broadening=0.0)),
    "broadening of a foreign length": (
        ValueError,
        "density_of_states: run and broadening must have the same labels",
        lambda run: call(
            run.expand_dims(eta=[1.0, 2.0]), broadening=xr.DataArray([0.1, 0.2, 0.3], dims="eta")
        ),
    ),
    "energies that fall": (ValueError, "energy must be one rising", lambda run: call(run, energy=[1.0, 0.0])),
    "an unknown filter": (
        ValueError,
        "density_of_states: filter must be 'gaussian' or 'lorentzian', got 'box'",
        lambda run: call(run, filter="box"),
    ),
    "momenta without dims": (
        TypeError,
        "spectral_function: momentum must be a DataArray, got list",
        lambda run: xg.spectral_function(run, momentum=[[0.0, 0.0]], energy=GRID, broadening=0.1),
    ),
    "momenta of another dimension": (
        ValueError,
        "spectral_function: momentum has dimensions .*with 2 components along 'axis'",
        lambda run: xg.spectral_function(run, momentum=waves(2, 3), energy=GRID, broadening=0.1),
    ),
    **{
        f"a window {window!r}": (
            ValueError,
            r"gap_ratio: window must be \(lowest, highest\) energy relative to mu, rising, got ",
            lambda run, window=window: xg.gap_ratio(run, window=window),
        )
        for window in (
            (1.0, -1.0),
            (0.0, 0.0),
            1.0,
            (1.0,),
            (0.0, 1.0, 2.0),
            "12",
            (np.nan, 1.0),
            (None, 1.0),
        )
    },
}


@pytest.mark.parametrize("case", REFUSALS)
def test_bad_input_is_refused(case):
    error, message, function = REFUSALS[case]
    with pytest.raises(error, match=message):
        function(run_of("triangular"))

"""Few excitations: which configurations are kept, what they weigh, and what is said of it."""

import warnings

import numpy as np
import pytest
import xarray as xr

import xglass as xg
from xglass.engine.tls import operators as engine
from xglass.solvers.ring import ring

from .test_tls_exact import operators

N = 4
CHAIN = xg.lattice.chain(N)
VECTORS = {"random_vectors": 30, "seed": 3, "precision": "double"}
SOLVERS = {"exact": {}, "ftlm": VECTORS, "typicality": VECTORS}
FEW = {name: dict(options, random_vectors=3) if options else {} for name, options in SOLVERS.items()}
NAMES = [
    "optical_conductivity",
    "kinetic_energy",
    "log_partition_function",
    "total_weight",
    "truncated_weight",
]
GRID = {"T": [0.4, 0.9], "frequency": [0.0, 0.7, 2.0], "broadening": 0.2}
few = pytest.mark.filterwarnings("ignore:.*keeps too few:UserWarning")
cold = pytest.mark.filterwarnings("ignore:.*below omega0:UserWarning")

SITES = {
    "all above": {"omega0": np.full(N, 0.6), "g_z": np.full(N, 0.2)},
    "all below": {"omega0": np.full(N, -0.6), "g_z": np.full(N, 0.2)},
    "both": {"omega0": np.array([0.9, -0.6, -0.8, 0.7]), "g_z": np.array([0.2, 0.3, -0.1, 0.0])},
}


def projected(kept, theta, *, omega0, g_z, g):
    """Averages by eigenstates of Kronecker products, projected on the configurations with few excitations.

    A two-level system is excited where it is in the upper of its two states, whichever that is.
    """
    energy = np.array([0.0, 0.3, -0.2, 0.1])
    kinetic, H, J = operators(N, theta, t=np.ones(N), g=g, g_z=g_z, omega0=omega0, energy=energy)
    up = np.stack([np.arange(2**N) >> (N - 1 - j) & 1 for j in range(N)])  # the first factor counts most
    excited = (up == (omega0 > 0.0)[:, None]).sum(axis=0)
    inside, shell = np.tile(excited <= kept, N), np.tile(excited == kept, N)
    kinetic, H, J = (matrix[np.ix_(inside, inside)] for matrix in (kinetic, H, J))
    E, U = np.linalg.eigh(H)
    result = {name: [] for name in NAMES}
    strength, gap = np.abs(U.conj().T @ J @ U) ** 2, E[None, :] - E[:, None]
    for T in GRID["T"]:
        p = np.exp(-(E - E[0]) / T)
        Z = p.sum()
        with np.errstate(divide="ignore", invalid="ignore"):
            ratio = np.where(np.abs(gap) < 1e-9, p[:, None] / T, (p[:, None] - p[None, :]) / gap)
        stick = np.pi * strength * ratio / Z
        gauss = [np.exp(-0.5 * ((w - gap) / 0.2) ** 2) / np.sqrt(2 * np.pi) / 0.2 for w in GRID["frequency"]]
        result["optical_conductivity"].append([(stick * G).sum() for G in gauss])
        result["total_weight"].append(stick.sum() / 2)
        result["kinetic_energy"].append((p * (U.conj() * (kinetic @ U)).sum(axis=0).real).sum() / Z)
        result["log_partition_function"].append(np.log(Z) - E[0] / T)
        result["truncated_weight"].append((p * (np.abs(U[shell[inside]]) ** 2).sum(axis=0)).sum() / Z)
    return {name: np.array(values) for name, values in result.items()}


@few
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("kept", [1, 2])
@pytest.mark.parametrize("kind", SITES)
def test_what_is_kept_is_lowest(kind, kept, solver):
    """Splittings of any sign, static couplings and a flux, against the projected Hamiltonian.

    Random vectors: 30, |z| < 6 in 14 values fails once in 10^5 seeds.
    """
    sites, g = SITES[kind], np.array([1.1, 0.9, 1.0, 0.8])
    over = {name: xr.DataArray(values, dims="site") for name, values in sites.items()}
    energy = xr.DataArray([0.0, 0.3, -0.2, 0.1], dims="site")
    model = xg.electron_tls(CHAIN, g=xr.DataArray(g, dims="site"), site_energy=energy, **over)
    result = getattr(xg, solver)(model, **GRID, **SOLVERS[solver], max_excitations=kept, twist=0.4)
    result = result.compute()
    for name, values in projected(kept, 0.4, **sites, g=g).items():
        if solver == "exact":
            np.testing.assert_allclose(result[name], values, rtol=0, atol=1e-10 * np.abs(values).max())
            continue
        error = result[f"{name}_stderr"].values
        assert (np.abs(result[name].values - values) < 6.0 * error).all(), name
        assert (error < 0.2 * np.abs(values).max()).all(), name


@few
@pytest.mark.parametrize("solver", SOLVERS)
def test_blocks_keep_what_rows_keep(solver):
    """Equal sites, by momenta: the mirror image of positive splittings, in the usual order of dimensions.

    Random vectors: 20, |z| < 7 in 84 values of Student's t with 57 degrees of freedom fails once in 10^6
    seeds.
    """
    vectors = {"random_vectors": 20} if SOLVERS[solver] else {}
    grid = {**GRID, "max_excitations": 1}
    sweep = xg.electron_tls(CHAIN, g=1.0, omega0=[-0.6, 0.6], g_z=[0.2, 0.0])
    both = getattr(xg, solver)(sweep, **grid, **SOLVERS[solver] | vectors).compute()
    assert both["kinetic_energy"].dims == ("g_z", "omega0", "T")
    for omega0, g_z in ((-0.6, [-0.2, 0.0]), (0.6, [0.2, 0.0])):
        positive = xg.exact(xg.electron_tls(CHAIN, g=1.0, omega0=0.6, g_z=g_z), **grid)[NAMES].compute()
        for name in NAMES:
            ours, values = both[name].sel(omega0=omega0).values, positive[name].values
            if solver == "exact":
                np.testing.assert_allclose(ours, values, rtol=0, atol=1e-11 * np.abs(values).max())
            else:
                error = both[f"{name}_stderr"].sel(omega0=omega0).values
                assert (np.abs(ours - values) < 7.0 * error).all(), name


@few
def test_points_of_both_signs_have_vectors_of_their_own():
    model = xg.electron_tls(CHAIN, g=1.0, omega0=[-0.6, 0.6])
    one = xg.ftlm(model, **GRID, random_vectors=2, seed=1, max_excitations=2, chunks=None)["kinetic_energy"]
    assert not np.isclose(one.isel(omega0=0), one.isel(omega0=1), rtol=1e-9).any()


def test_positive_splittings_are_what_they_were():
    """What a store knows a chain by does not change for them, so that no revision rises."""
    model = xg.electron_tls(CHAIN, g=[0.5, 1.0], omega0=[0.0, 0.6], g_z=0.2)
    options = {"caller": "exact", "momentum": "all", "twist": None, "average": None}
    whole, part = (ring(model, max_excitations=n, **options).inputs() for n in (None, 2))
    for name, (array, core) in whole.items():
        assert part[name][1] == core
        xr.testing.assert_identical(part[name][0], array)


@cold
@pytest.mark.parametrize("solver", SOLVERS)
def test_where_all_are_kept_nothing_weighs(solver):
    model = xg.electron_tls(CHAIN, g=1.0, omega0=-0.5)
    result = getattr(xg, solver)(model, **GRID, **FEW[solver], max_excitations=N)["truncated_weight"]
    assert (result.compute() == 0.0).all()
    assert "truncated_weight" not in getattr(xg, solver)(model, **GRID, **FEW[solver])


@few
@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("average", ["annealed", "quenched"])
def test_weights_are_averaged_as_all_else_is(solver, average):
    energy = xg.random_site_energy(CHAIN, strength=2.0, convention="width", realization=3, seed=1)
    model = xg.electron_tls(CHAIN, g=1.0, omega0=0.9, site_energy=energy)
    names = ["truncated_weight", "log_partition_function"]
    options = {**GRID, **FEW[solver], "max_excitations": 1}
    every = getattr(xg, solver)(model, **options, average=None)[names].compute()
    assert every["truncated_weight"].dims == ("realization", "T")
    z = xr.ones_like(every["truncated_weight"])
    if average == "annealed":
        z = np.exp(every["log_partition_function"] - every["log_partition_function"].max("realization"))
    result = getattr(xg, solver)(model, **options, average=average)["truncated_weight"].compute()
    expected = (every["truncated_weight"] * z).sum("realization") / z.sum("realization")
    # without a flux ftlm has real vectors, and ln Z comes from others than the weight
    np.testing.assert_allclose(result, expected, rtol=0.1 if solver == "ftlm" else 1e-9)


@few
def test_weights_are_lazy_and_errors_true():
    """25 seeds of 4 vectors against the diagonalisation, with 9 degrees of freedom: the mean square of z is
    9/7, within 0.35 and 3.5 but for once in 10^4.
    """
    model = xg.electron_tls(CHAIN, g=1.0, omega0=0.9)
    options = {"T": 0.5, "frequency": [0.0], "broadening": 0.3, "max_excitations": 1}
    truth = float(xg.exact(model, **options)["truncated_weight"])
    z = []
    for seed in range(25):
        result = xg.ftlm(model, **options, random_vectors=4, seed=seed)
        assert result["truncated_weight"].chunks is not None
        weight, error = (float(result[f"truncated_weight{end}"].compute()) for end in ("", "_stderr"))
        assert 0.0 < weight < 1.0
        z.append((weight - truth) / error)
    assert 0.35 < np.mean(np.square(z)) < 3.5


# -- before anything is computed ---------------------------------------------------------------------


def free(splittings, T):
    """Weight of the states with n excitations among those with at most n, by enumeration."""
    states = (np.arange(2 ** len(splittings))[:, None] >> np.arange(len(splittings))) & 1
    weight = np.exp(-(states @ np.abs(splittings)) / T)
    number = states.sum(axis=1)
    return [weight[number == n].sum() / weight[number <= n].sum() for n in range(len(splittings) + 1)]


@pytest.mark.parametrize("splittings", [np.full(5, 0.7), np.array([0.1, 2.0, 0.0, 0.9, 3.0])])
def test_free_weights(splittings):
    T = np.array([0.2, 1.0, 30.0])
    expected = [free(splittings, temperature) for temperature in T]
    np.testing.assert_allclose(engine.free_shells(splittings, T), expected, rtol=1e-13)


@pytest.mark.parametrize("solver", SOLVERS)
def test_a_bad_truncation_is_said_at_the_call(solver):
    sweep = xg.electron_tls(xg.lattice.chain(8), g=1.0, omega0=[-1.0, 2.0])
    weights = np.array(free(np.full(8, 1.0), 0.5))  # the worse of both
    assert weights[2] > 0.01 > weights[4] > 1e-4
    enough = int(np.flatnonzero(weights <= 0.01)[0])
    options = {"T": [0.25, 0.5], "frequency": [0.0], "broadening": 0.2, **SOLVERS[solver]}
    text = (
        rf"{solver}: max_excitations = 2 .* at T up to 0.5: .* {100 * weights[2]:.2g} % .*={enough} or more"
    )
    with pytest.warns(UserWarning, match=text) as caught:
        getattr(xg, solver)(sweep, **options, max_excitations=2)
    assert len(caught) == 1
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        getattr(xg, solver)(sweep, **options, max_excitations=enough)
        getattr(xg, solver)(sweep, **options, max_excitations=8)
    with pytest.warns(UserWarning, match="leave max_excitations out"):
        getattr(xg, solver)(sweep, **options | {"T": 50.0}, max_excitations=7 if solver == "exact" else 6)


def test_the_slowest_of_sites_that_differ_counts():
    omega0 = xr.DataArray([3.0, 3.0, 0.1, 3.0], dims="site")
    model = xg.electron_tls(CHAIN, g=1.0, omega0=omega0)
    kept = free(omega0.values, 0.4)[1]
    with pytest.warns(UserWarning, match=rf"{100 * kept:.2g} % of the thermal weight"):
        xg.exact(model, T=0.4, frequency=[0.0], broadening=0.2, max_excitations=1)


# -- a flux through the ring -------------------------------------------------------------------------


def test_a_flux_makes_a_static_limit_of_frozen_levels():
    """8 sites: more than six times what the ring's own momenta give."""
    model = xg.electron_tls(xg.lattice.chain(8), g=1.0, omega0=[0.02, 0.6])
    options = {"T": 1.0, "frequency": [0.0], "broadening": 0.02}
    twists = np.pi * (np.arange(9) + 0.5) / 9
    own, twisted = (xg.exact(model, **options, momentum=k) for k in ("all", twists))
    assert "twist_limited" not in own
    assert twisted["twist_limited"].values.tolist() == [True, False]
    own, twisted = (part["optical_conductivity"].compute().isel(frequency=0) for part in (own, twisted))
    assert float((twisted / own)[0]) > 6.0
    assert float((twisted / own)[1]) < 2.0


@cold
@pytest.mark.parametrize("solver", SOLVERS)
def test_what_a_flux_limits_is_flagged(solver):
    """Below half of the distance of the levels, 2 t / N; not where time reversal holds."""
    options = {**GRID, **FEW[solver]}
    solve = getattr(xg, solver)
    sweep = xg.electron_tls(CHAIN, g=1.0, omega0=[-0.49, 0.51], t=[1.0, -2.0])
    flagged = solve(sweep, **options, momentum=[0.1, 0.4])["twist_limited"]
    assert flagged.dims == ("t", "omega0")
    assert flagged.values.tolist() == [[True, False], [True, True]]
    assert flagged.attrs["long_name"].startswith("whether the static limit")
    for momentum in ("all", [0.0, np.pi / 2], np.pi / 4):
        assert "twist_limited" not in solve(sweep, **options, momentum=momentum)
    omega0 = xr.DataArray([[0.2, 0.9, 0.2, 0.9], [0.1, 0.5, 0.9, 0.3]], dims=("realization", "site"))
    model = xg.electron_tls(CHAIN, g=1.0, omega0=omega0)
    for average, expected in ((None, [False, True]), ("quenched", True), ("annealed", True)):
        flagged = solve(model, **options, twist=[0.0, 1.0], average=average)["twist_limited"]
        assert flagged.values.tolist() == expected
    assert "twist_limited" not in solve(model, **options, twist=[0.0, np.pi], average=None)


def test_flags_are_stored(tmp_path):
    model = xg.electron_tls(CHAIN, g=1.0, omega0=[0.1, 1.0])
    result = xg.exact(model, **GRID, momentum=[0.1, 0.4])[["kinetic_energy", "twist_limited"]]
    assert result["twist_limited"].chunks == ((1, 1),)
    stored = xg.store.evaluate(result, tmp_path / "flags", progress=False)
    xr.testing.assert_identical(stored["twist_limited"].compute(), result["twist_limited"].compute())
    assert xg.store.progress(tmp_path / "flags").total == 2

"""The dynamical susceptibility against plain loops, and where all of its variance is known: configurations
without any memory, whose overlap is hypergeometric.
"""

import itertools

import numpy as np
import pytest
import xarray as xr

import xglass as xg


def of(occupation, lattice, filling=0.5):
    """A run (walker, sweep, site)."""
    n = np.asarray(occupation, dtype=np.int8)
    model = xg.charge_glass(lattice, interaction=None, filling=filling)
    labels = {"walker": np.arange(n.shape[0]), "sweep": np.arange(n.shape[1])}
    return model.assign(occupation=(("walker", "sweep", "site"), n)).assign_coords(labels)


def drawn(walkers=6, sweeps=7, seed=1):
    n = np.random.default_rng(seed).integers(0, 2, (walkers, sweeps, 16))
    return of(n, xg.lattice.triangular(4), filling=0.4)


def loops(run, waiting, lag):
    """N times the unbiased variance over walkers, by the definition."""
    n, values = run["occupation"].values.astype(float) - float(run["filling"]), []
    for walker in n:
        values.append(
            sum(a * b for a, b in zip(walker[waiting], walker[waiting + lag], strict=True)) / n.shape[2]
        )
    mean = sum(values) / len(values)
    return n.shape[2] * sum((value - mean) ** 2 for value in values) / (len(values) - 1)


@pytest.mark.parametrize("walkers", [2, 3, 6])
def test_chi4_is_the_variance_over_walkers(walkers):
    run = drawn(walkers)
    chi = xg.chi4(run, waiting_time=[0, 2, 3])
    assert chi.dims == ("waiting_time", "lag")
    assert chi["lag"].values.tolist() == [0, 1, 2, 3]
    for waiting in (0, 2, 3):
        for lag in range(4):
            found = float(chi.sel(waiting_time=waiting, lag=lag))
            assert found == pytest.approx(loops(run, waiting, lag), rel=1e-12)
    assert chi.attrs["units"] == "1"


@pytest.mark.parametrize(("sites", "particles"), [(4, 2), (6, 2), (6, 3)])
def test_without_memory_the_overlap_is_hypergeometric(sites, particles):
    """All pairs of configurations once: n^2 (1 - n)^2 N / (N - 1), the variance of all, not of a sample."""
    states = np.array([[site in chosen for site in range(sites)]
                       for chosen in itertools.combinations(range(sites), particles)])  # fmt: skip
    pairs = np.array(list(itertools.product(states, states)))
    filling = particles / sites
    run = of(pairs, xg.lattice.chain(sites), filling=filling)
    chi = xg.chi4(run, waiting_time=0)
    known = (filling * (1 - filling)) ** 2 * sites / (sites - 1) * len(pairs) / (len(pairs) - 1)
    np.testing.assert_allclose(chi.values.ravel(), [0.0, known], rtol=1e-10, atol=1e-25)


def test_without_memory_the_structure_factor_is_left():
    """(1/N) sum_q S(q)^2, with S of all 12870 states by their weights, against 40000 independent pairs. Their
    overlap has a kurtosis of 3.3, so that its variance is known to 0.76 %: five of these are allowed.
    """
    glass = xg.charge_glass(xg.lattice.triangular(4), self_image="include")
    chosen = np.array(list(itertools.combinations(range(16), 8)))
    n = np.zeros((len(chosen), 16), dtype=np.int8)
    np.put_along_axis(n, chosen, 1, axis=1)
    every = glass.assign(occupation=(("walker", "site"), n))
    energy = xg.electrostatic_energy(every).values
    weight = np.exp(-(energy - energy.min()) / 0.1)
    weight /= weight.sum()
    S = weight @ xg.structure_factor(every).values
    drawn = np.random.default_rng(3).choice(len(n), size=(40_000, 2), p=weight)
    chi = xg.chi4(of(n[drawn], xg.lattice.triangular(4)), waiting_time=0)
    left = (S**2).sum() / 16
    assert left > 1.5 / 16  # correlations count
    assert float(chi.sel(lag=1)[0]) == pytest.approx(left, rel=0.038)


def test_regions_that_flip_as_one_add_their_sites():
    """Half of all walkers reverse a block of b pairs, all others nothing: C jumps by what 2 b sites hold."""
    n = np.tile(np.arange(16) % 2, (8, 2, 1))
    for block in (1, 3):
        moved = n.copy()
        moved[::2, 1, : 2 * block] ^= 1
        C = np.where(np.arange(8) % 2, 0.25, 0.25 - 2 * block / 32)
        chi = xg.chi4(of(moved, xg.lattice.triangular(4)), waiting_time=0)
        assert float(chi.sel(lag=1)[0]) == pytest.approx(16 * C.var(ddof=1), rel=1e-12)


def test_errors_come_from_leaving_out_walkers():
    run = drawn(40)
    found = xg.jackknife(lambda r: xg.chi4(r, waiting_time=2), run, dim="walker", blocks=40).isel(
        waiting_time=0
    )
    without = [xg.chi4(run.drop_isel(walker=k), waiting_time=2)[0] for k in range(40)]
    without = np.array(without)
    known = np.sqrt(39 * without.var(axis=0))  # the rule of the jackknife
    np.testing.assert_allclose(found["chi4_stderr"], known, rtol=1e-9)
    xr.testing.assert_identical(found["chi4"].drop_attrs(), xg.chi4(run, waiting_time=2)[0].drop_attrs())


def test_bits_do_not_depend_on_chunks():
    run = drawn(7)
    whole = xg.chi4(run, waiting_time=[1, 2])
    for chunks in ({}, {"walker": 1}, {"walker": 3, "sweep": 2}):
        lazy = xg.chi4(run.chunk(chunks), waiting_time=[1, 2])
        assert lazy.chunks is not None
        xr.testing.assert_identical(lazy.compute(scheduler="sync"), whole)


def test_missing_walkers_are_passed_over():
    run, missing = drawn(5), np.iinfo(np.int8).min
    run["occupation"][1] = missing
    run["occupation"][2, 5:] = missing
    chi = xg.chi4(run, waiting_time=0)[0]
    early, late = run.drop_isel(walker=1), run.drop_isel(walker=[1, 2])
    np.testing.assert_allclose(chi[:5], xg.chi4(early, waiting_time=0)[0, :5], rtol=1e-12)
    np.testing.assert_allclose(chi[5:], xg.chi4(late, waiting_time=0)[0, 5:], rtol=1e-12)
    run["occupation"][1:4] = missing  # two are left
    assert xg.chi4(run, waiting_time=0).notnull().all()
    run["occupation"][0] = missing
    assert xg.chi4(run, waiting_time=0).isnull().all()


@pytest.mark.parametrize(
    "run",
    [drawn(1), drawn(3).isel(walker=0), drawn(3).isel(walker=0, drop=True)],
    ids=["one", "chosen", "none"],
)
def test_one_walker_has_no_variance(run):
    with pytest.raises(ValueError, match="chi4: the variance over walkers needs two of them.*walker=2"):
        xg.chi4(run, waiting_time=0)


@pytest.mark.parametrize("function", [xg.chi4, xg.autocorrelation])
def test_walkers_of_replica_exchange_are_no_trajectories(function):
    run = drawn().assign_attrs(solver="replica_exchange")
    with pytest.raises(
        ValueError, match=rf"{function.__name__}: the run is one of replica_exchange.*metropolis"
    ):
        function(run, waiting_time=0)


def test_refusals_name_the_function():
    with pytest.raises(KeyError, match="waiting_time: sweeps .*99.* are not stored"):
        xg.chi4(drawn(), waiting_time=99)
    with pytest.raises(ValueError, match="chi4: the run has no dimension 'sweep'"):
        xg.chi4(drawn().isel(sweep=0), waiting_time=0)

"""Replica exchange against sums over all configurations, and as the same chain however it is cut."""

import itertools
import math

import numpy as np
import pytest
import xarray as xr

import xglass as xg
from xglass.engine.charge.replica_exchange_kernels import exchanged
from xglass.messages import NotFoundError

LATTICE = xg.lattice.triangular(4)
T = [0.06, 0.1, 0.2]


def glass(**arguments):
    return xg.charge_glass(LATTICE, filling=3 / 16, t_p=0.12, eta=-0.5, self_image="include", **arguments)


def every_configuration(model):
    """The model with all configurations of three particles as walkers."""
    rows = np.zeros((math.comb(16, 3), 16), dtype=np.int8)
    for row, sites in zip(rows, itertools.combinations(range(16), 3), strict=True):
        row[list(sites)] = 1
    return model.assign(occupation=(("walker", "site"), rows))


def gained(model, temperature):
    """F[K + phi] - F[phi] of every configuration, F = Omega + mu N by bisection for mu, level by level."""
    H = np.zeros((16, 16))
    for i, j, t in zip(*(model[n].values for n in ("bond_source", "bond_target", "hopping")), strict=True):
        H[i, j] += t
        H[j, i] += t

    def F(levels):
        low, high = levels.min() - 60 * temperature, levels.max() + 60 * temperature
        for _ in range(200):
            mu = 0.5 * (low + high)
            number = (1.0 / (1.0 + np.exp(np.clip((levels - mu) / temperature, -700, 700)))).sum()
            low, high = (mu, high) if number < 3.0 else (low, mu)
        return mu * 3.0 - temperature * np.logaddexp(0.0, (mu - levels) / temperature).sum()

    phi = xg.electrostatic_potential(model).values
    return np.array([F(np.linalg.eigvalsh(H + np.diag(row))) - F(row) for row in phi])


def exact(weight, model):
    """Means of E, E^2 and <K> over all configurations, at each temperature."""
    full = every_configuration(model)
    E = xg.electrostatic_energy(full).values
    means = []
    for temperature in T:
        K = xg.kinetic_energy(full, T=temperature).values
        part = {"classical": 0.0, "kinetic": K}.get(weight)
        W = E + (gained(full, temperature) if part is None else part)
        p = np.exp(-(W - W.min()) / temperature)
        p /= p.sum()
        means.append([p @ E, p @ E**2, p @ K])
    return np.array(means)


@pytest.mark.parametrize("weight", ["classical", "kinetic", "free_energy"])
def test_every_temperature_is_in_equilibrium(weight):
    """Nine numbers at 4.6 standard errors of 48 independent ladders: a false alarm in 2e5 for Gaussians.

    At 47 degrees of freedom Student's t is beyond 5.5 errors once in 6e5: 2e-5 with all nine. The errors are
    below 2 per cent, and an exchange that left out the temperature of a weight would be off by more.
    """
    model = glass()
    run = xg.replica_exchange(model, T=T, walker=48, sweep=120, every=2, weight=weight, seed=11).compute()
    late = run.sel(sweep=slice(40, None))
    E = late["electrostatic_energy"]
    K = xg.kinetic_energy(late)
    known = exact(weight, model)
    for column, data in enumerate((E, E**2, K)):
        walkers = data.mean("sweep").transpose("T", "walker").values
        mean, error = walkers.mean(axis=1), walkers.std(axis=1, ddof=1) / 48**0.5
        assert (error < 0.02 * abs(known[:, column])).all()
        assert (abs(mean - known[:, column]) < 5.5 * error).all()
    share = run["exchange_acceptance"].values
    assert (share[:2] > 0.2).all()
    assert np.isnan(share[2])


def test_exchange_is_that_of_the_weights():
    """Between the numbers on both sides of min(1, exp ...), written out from four weights."""
    rng = np.random.default_rng(5)
    for _ in range(200):
        E, own, crossed = rng.normal(size=(3, 2))
        t1, t2 = rng.uniform(0.3, 2.0, 2)
        W = {
            (0, 0): E[0] + own[0],
            (1, 1): E[1] + own[1],
            (0, 1): E[0] + crossed[0],
            (1, 0): E[1] + crossed[1],
        }
        p = min(1.0, math.exp(-(W[1, 0] - W[0, 0]) / t1 - (W[0, 1] - W[1, 1]) / t2))
        arguments = (tuple(E), tuple(own), crossed, (t1, t2))
        assert exchanged(*arguments, p * (1.0 - 1e-9))
        if p < 1.0:
            assert not exchanged(*arguments, p * (1.0 + 1e-9))


def run_of(sweep=12, **arguments):
    options = {"T": T, "walker": 3, "every": 2, "exchange_every": 3, "seed": 7, "weight": "kinetic"}
    return xg.replica_exchange(glass(), sweep=sweep, **(options | arguments))


@pytest.mark.parametrize("weight", ["classical", "kinetic", "free_energy"])
def test_continued_is_unbroken(weight):
    whole = run_of(24, weight=weight).compute()
    first = run_of(10, weight=weight).compute()
    second = run_of(14, weight=weight, start=first).compute()
    for name in {*whole.data_vars} - {"exchange_acceptance"}:
        xr.testing.assert_identical(whole[name].sel(sweep=slice(11, None)), second[name])
    assert second.attrs["ladder"] == "0.06 0.1 0.2"
    assert second["sweep"].values.tolist() == [*range(12, 25, 2)]


def test_chunks_and_the_order_of_temperatures_change_no_bit():
    model = (
        glass()
        .drop_vars(["t_p", "eta"])
        .assign_coords(hopping=glass()["hopping"] * xr.DataArray([0.5, 1.0], dims="x"))
    )
    options = {"walker": 4, "sweep": 6, "seed": 3}
    whole = xg.replica_exchange(model, T=T, chunks=None, **options)
    cut = xg.replica_exchange(model, T=T, chunks={"walker": 1, "x": 1}, **options)
    assert cut["occupation"].chunks[0] == (1, 1)
    xr.testing.assert_identical(cut.compute(), whole)
    some = xg.replica_exchange(model, T=T, chunks=None, **(options | {"walker": [2, 0]}))
    xr.testing.assert_identical(some["occupation"], whole["occupation"].sel(walker=[2, 0]))
    turned = xg.replica_exchange(model, T=T[::-1], chunks=None, **options)
    xr.testing.assert_identical(turned["occupation"].sel(T=T), whole["occupation"])
    np.testing.assert_array_equal(turned["exchange_acceptance"].sel(T=T), whole["exchange_acceptance"])
    assert whole["occupation"].dims == ("x", "T", "walker", "sweep", "site")


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_the_share_of_exchanges_has_the_same_bits_however_walkers_are_cut(size):
    """Of 37 sweeps and 11 walkers, whose shares are no binary fractions: a mean of them would round."""
    options = {"T": [*T, 0.3], "walker": 11, "sweep": 37, "seed": 3, "weight": "classical"}
    whole = xg.replica_exchange(glass(), chunks=None, **options)
    cut = xg.replica_exchange(glass(), chunks={"walker": size}, **options).compute()
    xr.testing.assert_identical(cut, whole)
    tries = np.array([18, 19, 18]) * 11
    accepted = whole["exchange_acceptance"].values[:3] * tries
    np.testing.assert_allclose(accepted, accepted.round(), atol=1e-9)
    assert np.isnan(whole["exchange_acceptance"].values[3])


def test_few_sweeps_may_follow_a_run_whose_exchanges_are_rare():
    whole = run_of(12, exchange_every=6).compute()
    first = run_of(10, exchange_every=6).compute()
    after = run_of(2, exchange_every=6, start=first).compute()
    xr.testing.assert_identical(whole["occupation"].sel(sweep=[12]), after["occupation"])


def test_what_is_stored_is_a_function_of_the_configuration():
    """E and <K> of the stored occupations, whatever way they came."""
    run = run_of(30, exchange_every=1).compute()
    assert float(run["exchange_acceptance"][:2].min()) > 0.1
    np.testing.assert_allclose(xg.electrostatic_energy(run), run["electrostatic_energy"], atol=1e-12)
    np.testing.assert_allclose(xg.kinetic_energy(run), run["kinetic_energy"], atol=1e-12)
    assert np.isnan(run["acceptance"].isel(sweep=0)).all()
    assert bool((run["acceptance"].isel(sweep=slice(1, None)) <= 1.0).all())


def test_cold_walkers_are_freed_by_warm_ones():
    """At a temperature where the plain chain stays in its start, exchanges bring others."""
    start = xr.DataArray(np.repeat([1, 0], 8).astype(np.int8).reshape(2, 8).T.ravel(), dims="site")
    model = xg.charge_glass(LATTICE, hopping={"c": 0.0, "p": 0.0}, self_image="include")
    start = start.assign_coords(T=0.5)  # that of the run from which it came
    options = {"walker": 8, "sweep": 200, "weight": "classical", "seed": 5, "start": start}
    alone = xg.metropolis(model, T=0.02, **options).compute()
    ladder = xg.replica_exchange(model, T=[0.02, 0.035, 0.06, 0.1, 0.2], **options).compute().sel(T=0.02)

    def different(run):
        return np.unique(run["occupation"].values.reshape(-1, 16), axis=0).shape[0]

    assert different(ladder) > 2 * different(alone)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"T": 0.1}, ValueError, "at least two temperatures"),
        ({"T": [0.1]}, ValueError, "at least two temperatures"),
        ({"T": [0.1, 0.2, 0.1]}, ValueError, "T repeats"),
        ({"chunks": {"T": 1}}, ValueError, "'T' cannot be chunked"),
        ({"start": "ordered"}, ValueError, "start must be 'random'"),
        ({"exchange_every": 0}, ValueError, "exchange_every"),
        ({"exchange_every": 13}, ValueError, "tries no exchange"),
        ({"every": 13}, ValueError, "stores nothing"),
        ({"weight": "thermal"}, ValueError, "weight must be one of"),
        ({"ramp": None}, TypeError, "ramp"),
    ],
)
def test_bad_input(arguments, error, message):
    with pytest.raises(error, match=message):
        run_of(**arguments)


def test_parameters_along_the_ladder_are_refused():
    model = glass().drop_vars(["t_p", "eta"])
    along = xr.DataArray([0.5, 1.0], dims="T", coords={"T": [0.1, 0.2]})
    model = model.assign_coords(hopping=model["hopping"] * along)
    with pytest.raises(ValueError, match="hopping depends on T"):
        xg.replica_exchange(model, T=[0.1, 0.2], walker=1, sweep=2, seed=1)


def test_only_the_whole_ladder_goes_on():
    run = run_of().compute()
    part = run.sel(T=[0.06, 0.1])
    with pytest.raises(ValueError, match=r"has ladder = '0\.06 0\.1 0\.2', not '0\.06 0\.1'"):
        run_of(T=[0.06, 0.1], start=part)
    with pytest.raises(ValueError, match="exchange_every = 3, not 2"):
        run_of(exchange_every=2, start=run)
    plain = xg.metropolis(glass(), T=T, walker=3, sweep=4, seed=7).compute()
    with pytest.raises(ValueError, match="has solver = 'metropolis', not 'replica_exchange'"):
        run_of(start=plain)
    with pytest.raises(ValueError, match="solver = 'replica_exchange', not 'metropolis'"):
        xg.metropolis(glass(), T=T, walker=3, sweep=4, seed=7, start=run)


def test_two_times_of_a_walker_are_refused():
    run = run_of()
    for function in (xg.autocorrelation, xg.chi4):
        with pytest.raises(ValueError, match="walkers pass configurations on to other temperatures"):
            function(run, waiting_time=2)
    follow = run.compute()["occupation"].isel(sweep=-1, drop=True)
    after = xg.metropolis(glass(), T=T, walker=3, sweep=4, seed=8, start=follow)
    assert xg.autocorrelation(after, waiting_time=0).sizes["lag"] == 5
    with pytest.raises(NotFoundError, match="give a model of charge_glass"):
        xg.replica_exchange(
            xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=1.0), T=T, walker=1, sweep=1, seed=1
        )


def test_a_store_holds_a_ladder_and_does_not_grow(tmp_path):
    path = tmp_path / "ladder.zarr"
    run = run_of(chunks={"walker": 1})
    stored = xg.store.evaluate(run, path, progress=False)
    xr.testing.assert_identical(stored.compute(), run.compute())
    with pytest.raises(ValueError, match="ladder"):
        xg.store.evaluate(run_of(T=[*T, 0.3], chunks={"walker": 1}), path, progress=False)
    with pytest.raises(ValueError, match="sweep|grow"):
        xg.store.evaluate(run_of(16, chunks={"walker": 1}), path, progress=False)

"""Quenches against all configurations and all moves."""

import itertools

import numpy as np
import pytest
import xarray as xr

import xglass as xg


def sample(realization=2, **arguments):
    lattice = xg.lattice.square(4, 3)
    U = xg.random_couplings(lattice, J=1.0, realization=realization, seed=3)
    eps = xg.random_site_energy(
        lattice, strength=0.3, distribution="gaussian", convention="std", realization=realization, seed=4
    )
    return xg.charge_glass(
        lattice, hopping={"x": 0.0, "y": 0.0}, interaction=U, site_energy=eps, centred=True, **arguments
    )


def energies(model, states):
    """E of configurations (state, site), every pair written out."""
    U = model["interaction"].values - np.diag(np.diag(model["interaction"].values))
    dn = states - float(model["filling"])
    return 0.5 * np.einsum("si,ij,sj->s", dn, U, dn) + states @ model["site_energy"].values


def stable(model, moves):
    """All configurations, as tuples, whose energy no single move lowers."""
    rows = np.array(
        [[k in sites for k in range(12)] for sites in itertools.combinations(range(12), 6)], dtype=int
    )
    E = dict(zip(map(tuple, rows.tolist()), energies(model, rows), strict=True))
    ends = {*zip(model["bond_source"].values.tolist(), model["bond_target"].values.tolist(), strict=True)}
    pairs = [*itertools.combinations(range(12), 2)] if moves == "exchange" else ends
    found = set()
    for row, energy in E.items():
        swapped = []
        for i, j in pairs:
            if row[i] != row[j]:
                other = list(row)
                other[i], other[j] = other[j], other[i]
                swapped.append(E[tuple(other)])
        if min(swapped) >= energy:
            found.add(row)
    return found


@pytest.mark.parametrize("moves", ["exchange", "neighbour"])
def test_only_states_that_no_single_move_lowers_are_found(moves):
    """And with a hundred random starts all of those that exchanges have, the ground state among them."""
    model = sample()
    states = xg.greedy(model, walker=100, moves=moves, seed=1).compute()
    for r in range(2):
        one, possible = model.isel(realization=r), stable(model.isel(realization=r), moves)
        rows = states["occupation"].isel(realization=r).transpose("walker", "site").values
        found = {*map(tuple, rows.tolist())}
        assert found <= possible
        assert len(possible) >= 2 if moves == "neighbour" else possible
        if moves == "exchange":
            assert min(energies(one, np.array([*possible]))) == pytest.approx(
                float(states["electrostatic_energy"].isel(realization=r).min()), abs=1e-12
            )
        E = states["electrostatic_energy"].isel(realization=r)
        np.testing.assert_allclose(E, energies(one, rows), atol=1e-12)
        np.testing.assert_allclose(E, xg.electrostatic_energy(states).isel(realization=r), atol=1e-12)


def test_energy_falls_and_a_stable_state_stays():
    model = sample()
    first = xg.metropolis(
        model, T=[0.1, 0.5], walker=5, sweep=4, weight="classical", moves="exchange", seed=2
    )
    first = first.compute()
    states = xg.greedy(model, start=first, seed=1).compute()
    assert states["occupation"].dims == ("realization", "T", "walker", "site")
    before = first["electrostatic_energy"].isel(sweep=-1, drop=True)
    change = states["electrostatic_energy"] - before
    assert float(change.max()) <= 0.0
    assert float(change.min()) < -0.1
    again = xg.greedy(model, start=states["occupation"], seed=9).compute()
    xr.testing.assert_equal(again["occupation"], states["occupation"])
    assert bool((states["occupation"].sum("site") == 6).all())


def test_starts_walkers_and_chunks():
    model = sample()
    whole = xg.greedy(model, walker=4, seed=1, chunks=None)
    cut = xg.greedy(model, walker=4, seed=1, chunks={"walker": 1})
    assert cut["occupation"].chunks is not None
    xr.testing.assert_identical(cut.compute(), whole)
    some = xg.greedy(model, walker=[3, 1], seed=1, chunks=None)
    xr.testing.assert_identical(some["occupation"], whole["occupation"].sel(walker=[3, 1]))
    assert not whole.equals(xg.greedy(model, walker=4, seed=2, chunks=None))
    pattern = xr.DataArray(np.tile([1, 0], 6), dims="site")
    one = xg.greedy(model, start=pattern, seed=1).compute()
    assert one["occupation"].sizes == {"realization": 2, "walker": 1, "site": 12}


def test_stripes_are_stable_and_random_starts_end_above_them():
    lattice = xg.lattice.triangular(24)
    model = xg.charge_glass(lattice, hopping={"c": 0.0, "p": 0.0})
    states = xg.greedy(model, walker=2, moves="neighbour", seed=3).compute()
    again = xg.greedy(model, start=states["occupation"], moves="neighbour", seed=3).compute()
    assert again["occupation"].equals(states["occupation"])
    ordered = xg.metropolis(model, T=0.01, walker=1, sweep=1, start="ordered", weight="classical", seed=1)
    stripe = ordered["occupation"].isel(sweep=0, drop=True).compute()
    kept = xg.greedy(model, start=stripe, seed=1).compute()
    assert bool((kept["occupation"] == stripe).all())
    assert float(states["electrostatic_energy"].min()) > float(kept["electrostatic_energy"].item())


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"moves": "both"}, ValueError, "moves must be one of"),
        ({"start": "ordered"}, ValueError, "start must be 'random'"),
        ({"start": xr.DataArray(np.zeros(12, int), dims="site")}, ValueError, "particles"),
        ({"start": xr.DataArray(np.ones(5, int), dims="site")}, ValueError, "5 sites"),
        ({"walker": 0}, ValueError, "walker"),
        ({"seed": -1}, ValueError, "seed"),
    ],
)
def test_bad_input(arguments, error, message):
    with pytest.raises(error, match=message):
        xg.greedy(sample(), **({"seed": 1} | arguments))
    with pytest.raises(ValueError, match="whole number"):
        xg.greedy(sample(filling=0.3), seed=1)
    with pytest.raises(KeyError, match="give a model of charge_glass"):
        xg.greedy(xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=1.0), seed=1)


def test_the_last_sweep_of_a_run_must_be_told():
    model = sample(realization=1)
    run = xg.metropolis(model, T=0.5, walker=2, sweep=3, weight="classical", moves="exchange", seed=2)
    run = run.compute()
    with pytest.raises(ValueError, match=r"not in order; write \.sortby"):
        xg.greedy(model, start=run.isel(sweep=slice(None, None, -1)), seed=1)
    with pytest.raises(ValueError, match="the run has no sweep"):
        xg.greedy(model, start=run.isel(sweep=[]), seed=1)
    one = xg.greedy(model, start=run.isel(sweep=2), seed=1).compute()
    last = xg.greedy(model, start=run.isel(sweep=slice(2, 3)), seed=1).compute()
    xr.testing.assert_equal(one["occupation"], last["occupation"])

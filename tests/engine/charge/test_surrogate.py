"""Estimates of a change of <K>, and the chain that was asked to use them."""

from __future__ import annotations

from functools import partial

import numpy as np
import pytest
import xarray as xr

import xglass as xg
from xglass.engine.charge import metropolis as engine
from xglass.engine.charge import surrogate
from xglass.engine.charge import surrogate_kernels as kernels
from xglass.engine.charge.metropolis import neighbour_table
from xglass.engine.charge.one_body import hopping_matrix
from xglass.engine.core.blas import single_thread
from xglass.solvers.metropolis import rerun

RUN = {"T": 0.05, "walker": 2, "sweep": 8, "seed": 4, "chunks": None}
SHORT = {"window": 0.1, "audit": 0.25}
COMPARED = ("occupation", "electrostatic_energy", "kinetic_energy")


def glass(side=6, eta=-1.0):
    return xg.charge_glass(xg.lattice.triangular(side), t_p=0.12, eta=eta, self_image="include")


def bonds(model):
    return model["bond_source"].values, model["bond_target"].values


def matrix_of(model):
    return hopping_matrix(model["hopping"].values, *bonds(model), model.sizes["site"])


def assert_same_bits(one, other):
    for name in COMPARED:
        assert one[name].values.tobytes() == other[name].values.tobytes()


def room_of(model, phi):
    room = surrogate.response_room(*neighbour_table(*bonds(model), model.sizes["site"]), wanted=True)
    kernels.begin(phi, room)
    return room


def solved(K, phi, T, *, particles=None, mu=None):
    """<K>, N and mu at fixed N or mu, by bisection on dense levels."""
    levels, states = np.linalg.eigh(K + np.diag(phi))
    low, high = (mu, mu) if particles is None else (levels[0] - 10.0, levels[-1] + 10.0)
    for _ in range(100):
        mu = 0.5 * (low + high)
        f = 0.5 * (1.0 - np.tanh(0.5 * (levels - mu) / T))
        if particles is not None:
            low, high = (low, mu) if f.sum() > particles else (mu, high)
    return float(f @ np.einsum("in,ij,jn->n", states, K, states)), float(f.sum()), mu


def test_distance_by_bonds():
    distance = surrogate.graph_distance(*neighbour_table(*bonds(glass(8)), 64))
    np.testing.assert_array_equal(distance, distance.T)
    assert np.bincount(distance[0])[:4].tolist() == [1, 6, 12, 18]
    apart = surrogate.graph_distance(*neighbour_table(np.array([0, 2]), np.array([1, 3]), 4))
    assert apart.tolist() == [[0, 1, 4, 4], [1, 0, 4, 4], [4, 4, 0, 1], [4, 4, 1, 0]]


@pytest.mark.parametrize("pair", [(0, 1), (0, 27)])
def test_nearest_sites(pair):
    distance = surrogate.graph_distance(*neighbour_table(*bonds(glass(8)), 64))
    sites = np.full(20, -1)
    kernels.nearest(distance, *pair, sites)
    away = np.minimum(*distance[list(pair)])
    assert len(set(sites.tolist())) == 20
    assert away[sites].max() <= np.delete(away, sites).min()
    assert sites[:2].tolist() == list(pair)


@pytest.mark.parametrize("T", [0.03, 0.2])
def test_response_against_differences(T):
    """Derivatives of <K> and N by potentials, and by mu: central differences, to 1e-4 of the largest."""
    model = glass()
    K, rng = matrix_of(model), np.random.default_rng(1)
    phi, h = rng.normal(0.0, 0.4, 36), 1e-5
    room = room_of(model, phi)
    moved = phi + rng.normal(0.0, 0.1, 36)
    with single_thread():
        kernels.estimated_change(0, 1, K, moved, T, 18, room, np.empty((36, 36)))
    mu = room[3][kernels.MU]
    assert mu == pytest.approx(solved(K, phi, T, particles=18)[2], abs=1e-9)
    wanted = np.empty((2, 36))
    for i in range(36):
        ahead, behind = (solved(K, phi + s * h * np.eye(36)[i], T, mu=mu) for s in (1.0, -1.0))
        wanted[:, i] = [(ahead[q] - behind[q]) / (2.0 * h) for q in (0, 1)]
    np.testing.assert_allclose(room[1][kernels.KINETIC_SLOPE], wanted[0], atol=1e-4 * abs(wanted[0]).max())
    np.testing.assert_allclose(room[1][kernels.NUMBER_SLOPE], wanted[1], atol=1e-4 * abs(wanted[1]).max())
    ahead, behind = (solved(K, phi, T, mu=mu + s * h) for s in (1.0, -1.0))
    assert room[3][kernels.KINETIC_PER_MU] == pytest.approx((ahead[0] - behind[0]) / (2.0 * h), rel=1e-4)
    assert room[3][kernels.NUMBER_PER_MU] == pytest.approx((ahead[1] - behind[1]) / (2.0 * h), rel=1e-4)


@pytest.mark.parametrize(("eta", "T"), [(-1.0, 0.03), (-1.0, 0.1), (-0.1, 0.05)])
def test_estimates_are_as_good_as_stated(eta, T):
    """Moves of a relaxed state at L = 12, where <K> changes by 0.1 on average."""
    model = xg.charge_glass(xg.lattice.triangular(12), t_p=0.12, eta=eta)
    run = xg.metropolis(model, T=T, walker=1, sweep=30, every=30, weight="classical", seed=1, chunks=None)
    n, K, u = run["occupation"].values[0, -1].astype(float), matrix_of(model), model["interaction"].values
    room, work, errors, changes = room_of(model, u @ n), np.empty((144, 144)), [], []
    before = solved(K, u @ n, T, particles=72)[0]
    for i, j in np.stack(bonds(model), axis=1)[::6]:
        if n[i] != n[j]:
            after = n.copy()
            after[[i, j]] = n[[j, i]]
            with single_thread():
                estimate, _ = kernels.estimated_change(i, j, K, u @ after, T, 72, room, work)
                changes.append(solved(K, u @ after, T, particles=72)[0] - before)
            errors.append(estimate - changes[-1])
    assert len(errors) > 30
    assert np.std(changes) > 0.07
    assert np.std(errors) < 0.05
    assert np.abs(errors).max() < 0.15


def test_a_lattice_within_the_cluster_is_nearly_exact():
    """Only the shift of mu is linear there."""
    model = glass(4)
    K, u, n = matrix_of(model), model["interaction"].values, np.arange(16) % 2.0
    room, work, T = room_of(model, u @ n), np.empty((16, 16)), 0.1
    before = solved(K, u @ n, T, particles=8)[0]
    for j in (0, 2, 4):
        after = n.copy()
        after[[1, j]] = n[[j, 1]]
        estimate, _ = kernels.estimated_change(1, j, K, u @ after, T, 8, room, work)
        assert estimate == pytest.approx(solved(K, u @ after, T, particles=8)[0] - before, abs=3e-3)


def test_audits_of_all_give_the_plain_chain():
    model = glass()
    plain = xg.metropolis(model, **RUN)
    assert_same_bits(xg.metropolis(model, shortcut={"window": 0.1, "audit": 1.0}, **RUN), plain)
    work = xg.metropolis_counters(model, shortcut={"window": 0.1, "audit": 1.0}, **RUN).sum()
    assert work["audits"] > 150
    assert work["estimated_rejections"] == 0
    assert work["audit_disagreements"] == 0


def test_disagreements_are_seen(monkeypatch):
    """If no <K> could fall, many a move would be rejected that passes: audits find and undo it."""
    model, changed = glass(), {"window": 1e-9, "audit": 1.0}
    monkeypatch.setattr(engine, "WIDEST", 0.0)
    assert xg.metropolis_counters(model, shortcut=changed, **RUN)["audit_disagreements"].sum() > 4
    assert_same_bits(xg.metropolis(model, shortcut=changed, **RUN), xg.metropolis(model, **RUN))
    unseen = xg.metropolis(model, shortcut=changed | {"audit": 0.0}, **RUN)
    assert (unseen["occupation"] != xg.metropolis(model, **RUN)["occupation"]).any()


def test_the_fraction_of_audits():
    """Within five standard deviations: a false alarm in 10^6."""
    work = xg.metropolis_counters(glass(), shortcut=SHORT, **(RUN | {"walker": 8, "sweep": 20})).sum()
    audits, number = int(work["audits"]), int(work["audits"] + work["estimated_rejections"])
    assert number > 1000
    assert abs(audits - 0.25 * number) < 5.0 * np.sqrt(0.25 * 0.75 * number)
    # where estimates reject there are fewer proofs
    assert work["proved_rejections"] < audits + work["active_attempts"] / 3


@pytest.mark.parametrize("moves", ["neighbour", "exchange"])
def test_a_shortened_run_goes_on_bit_for_bit(monkeypatch, moves):
    """Also where estimates are often wrong, and what is remembered often right."""
    monkeypatch.setattr(engine, "WIDEST", 0.0)
    changed = {"shortcut": {"window": 1e-6, "audit": 0.3}, "moves": moves, "T": 0.1, "walker": 8}
    model = xg.charge_glass(xg.lattice.triangular(4), t_p=0.3, eta=-1.0, self_image="include")
    arguments = RUN | changed
    whole = xg.metropolis(model, **(arguments | {"sweep": 60}))
    parts = [xg.metropolis(model, **(arguments | {"sweep": 20}))]
    for _ in range(2):
        parts.append(xg.metropolis(parts[-1], start=parts[-1], **(arguments | {"sweep": 20})))
    assert_same_bits(xr.concat(parts, "sweep", data_vars="minimal"), whole)


def test_a_run_says_that_it_was_shortened():
    model = glass(4)
    run = xg.metropolis(model, shortcut=SHORT, **RUN)
    assert run.attrs["shortcut_window"] == 0.1
    assert run.attrs["shortcut_audit"] == 0.25
    again = rerun(run)
    assert again.attrs == run.attrs
    assert_same_bits(again, run)
    plain = xg.metropolis(model, **RUN)
    assert not {"shortcut_window", "shortcut_audit"} & {*plain.attrs}
    with pytest.raises(ValueError, match="start.*made with a shortcut, which is not asked for"):
        xg.metropolis(run, start=run, **RUN)
    with pytest.raises(ValueError, match="start.*made without the shortcut"):
        xg.metropolis(plain, start=plain, shortcut=SHORT, **RUN)
    with pytest.raises(ValueError, match=r"start.*shortcut_window = 0.1, not 0.2"):
        xg.metropolis(run, start=run, shortcut=SHORT | {"window": 0.2}, **RUN)


def test_a_store_holds_the_one_or_the_other(tmp_path):
    lazy = RUN | {"chunks": {"walker": 1}}
    run, plain = (partial(xg.metropolis, glass(4), **lazy)(shortcut=s) for s in (SHORT, None))
    stored = xg.store.evaluate(run, tmp_path / "short")
    assert_same_bits(stored, xg.metropolis(glass(4), shortcut=SHORT, **RUN))
    with pytest.raises(ValueError, match="shortcut_window"):
        xg.store.evaluate(plain, tmp_path / "short")
    xg.store.evaluate(plain, tmp_path / "plain")
    with pytest.raises(ValueError, match="shortcut_window"):
        xg.store.evaluate(run, tmp_path / "plain")


@pytest.mark.parametrize(
    ("shortcut", "message"),
    [
        ({"window": 0.1}, "shortcut.*'audit'"),
        ({"window": 0.1, "audit": 0.1, "bound": 1.0}, "shortcut.*got.*bound"),
        (0.1, "shortcut.*got 0.1"),
        ({"window": 0.0, "audit": 0.1}, "window > 0.*got"),
        ({"window": -0.1, "audit": 0.1}, "window > 0.*got"),
        ({"window": float("nan"), "audit": 0.1}, "window > 0.*got"),
        ({"window": "wide", "audit": 0.1}, "window > 0.*got"),
        ({"window": 0.1, "audit": 1.5}, "between 0 and 1.*got"),
        ({"window": 0.1, "audit": True}, "between 0 and 1.*got"),
    ],
)
def test_refused_shortcuts(shortcut, message):
    with pytest.raises(ValueError, match=message):
        xg.metropolis(glass(4), shortcut=shortcut, **RUN)


@pytest.mark.parametrize("weight", ["classical", "free_energy"])
def test_estimates_are_of_the_kinetic_energy(weight):
    with pytest.raises(ValueError, match=f"shortcut.*weight='{weight}'"):
        xg.metropolis_counters(glass(4), shortcut=SHORT, weight=weight, **RUN)

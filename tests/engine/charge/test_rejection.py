"""Proofs of rejection: the bounds against eigenvalues, and the chain that uses them against the plain one."""

from __future__ import annotations

import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import xarray as xr

import xglass as xg
from xglass.engine.charge import metropolis as engine
from xglass.engine.charge import one_body_kernels as one_body
from xglass.engine.charge import rejection
from xglass.engine.charge import rejection_kernels as kernels
from xglass.engine.charge.one_body import hopping_matrix
from xglass.engine.core.blas import single_thread
from xglass.solvers import metropolis as solver

COMPARED = ["occupation", "electrostatic_energy", "kinetic_energy", "acceptance"]


def counted(model, *, plain, **arguments):
    """A run with its counters, by the plain chain or by proofs."""
    given = {
        "moves": "neighbour",
        "weight": "kinetic",
        "start": "random",
        "every": 1,
        "ramp": None,
        "shortcut": None,
    } | arguments
    with pytest.MonkeyPatch.context() as patch:
        if plain:
            patch.setattr(engine, "simulate", partial(engine.simulate, plain=True))
        return solver._simulate(model, chunks=None, **given)


def assert_same_bits(model, **arguments):
    """The chain with proofs gives what the plain one does, bit for bit; returns what it counted."""
    fast, plain = (counted(model, plain=plain, **arguments) for plain in (False, True))
    for name in COMPARED:
        xr.testing.assert_identical(fast[name], plain[name])
        assert fast[name].values.tobytes() == plain[name].values.tobytes()
    assert (plain["cache_hits"] == 0).all()
    assert (plain["proved_rejections"] == 0).all()
    after = fast.isel(sweep=slice(1, None))
    decided = after["solves"] + after["cache_hits"] + after["proved_rejections"]
    np.testing.assert_array_equal(decided, plain["solves"].isel(sweep=slice(1, None)))
    return fast[solver.COUNTERS].sum()


def matrix_of(model):
    return hopping_matrix(
        *(model[name].values for name in ("hopping", "bond_source", "bond_target")), model.sizes["site"]
    )


@pytest.mark.parametrize("order", rejection.ORDERS)
def test_poles_give_the_fermi_function_as_far_as_stated(order):
    poles, residues = rejection.fermi_poles(order)
    assert len(poles) == order // 2
    x = np.linspace(0.0, rejection.RANGE * order**2, 20_001)[:, None]
    f = 0.5 - (residues * 2.0 * x / (x**2 + poles**2)).sum(axis=1)
    np.testing.assert_allclose(f, 1.0 / (np.exp(x[:, 0]) + 1.0), rtol=0.0, atol=2e-14)
    logarithm = 0.5 * x[:, 0] - np.log(2.0) - (residues * np.log1p((x / poles) ** 2)).sum(axis=1)
    np.testing.assert_allclose(logarithm, -np.log1p(np.exp(-x[:, 0])), rtol=0.0, atol=3e-12)


@pytest.mark.parametrize("sites", [2, 5, 36, 70])
@pytest.mark.parametrize("order", [24, 64])
def test_grand_potential_of_a_tridiagonal_matrix(sites, order):
    rng = np.random.default_rng(sites)
    K = rng.normal(0.0, 0.1, (sites, sites))
    K += K.T
    phi, t, mu = rng.normal(0.0, 0.3, sites), 0.1, 0.07
    (lapack, options, vectors, room, info, *_), work = rejection.proof_tools(K), np.empty((sites, sites))
    kernels.tridiagonal(lapack, K, 1.5, phi, 0.2, options, work, *vectors, room, info)
    assert info[0] == 0
    omega, number = kernels.grand_potential(
        vectors[0], vectors[1], mu, t, *rejection.fermi_poles(order), np.empty((7, order // 2))
    )
    x = (np.linalg.eigvalsh(1.5 * K + np.diag(phi - 0.2)) - mu) / t
    assert omega == pytest.approx(-t * np.logaddexp(0.0, -x).sum(), abs=1e-12 * sites)
    assert number == pytest.approx((1.0 / (np.exp(x) + 1.0)).sum(), abs=1e-13 * sites)


#: Lattice side, eta, T: metallic and gapped, hot and cold, up to the widest expansion.
POINTS = [
    (4, -1.0, 0.1),
    (6, -1.0, 0.03),
    (6, -0.1, 0.008),
    (12, -1.0, 0.05),
    (12, -0.1, 0.03),
    (6, 0.5, 3.0),
]


@pytest.mark.parametrize(("side", "eta", "T"), POINTS)
def test_bounds_lie_closely_below_what_a_full_solve_finds(side, eta, T):
    """Distances of <K> met are about STEP F''/2; errors of F are a thirtieth of the stated at most."""
    model = xg.charge_glass(xg.lattice.triangular(side), t_p=0.12, eta=eta, self_image="include")
    sites, K, u = side**2, matrix_of(model), model["interaction"].values
    tools, work, guess = rejection.proof_tools(K), np.empty((sites, sites)), np.zeros(2)
    terms, pivots = rejection.fermi_poles(96), np.empty((7, 48))
    rng = np.random.default_rng(side)
    particles = sites // 2
    stripes = np.arange(sites) // side % 2
    for draw in range(20 if side == 12 else 60):
        n = stripes if draw % 4 == 0 else rng.permutation(stripes)
        phi = u @ n + (0.3 if draw % 2 else 0.0) * rng.normal(size=sites)
        with single_thread():
            kinetic = one_body.kinetic_energy(K, phi, T, particles, work)
            gained = one_body.kinetic_free_energy(K, phi, T, particles, work)
            below = kernels.quantum_bound(True, K, phi, T, particles, guess, tools, work)
            assert 0.0 < kinetic - below < 2e-3
            below = kernels.quantum_bound(False, K, phi, T, particles, guess, tools, work)
            levels = np.linalg.eigvalsh(K + np.diag(phi))
        backward = 16.0 * sites**2 * 2.0**-53 * np.hypot(np.linalg.norm(phi), np.linalg.norm(K))
        stated = np.sqrt(particles) * backward + 1e-11 * sites * T
        assert 0.0 < gained - below < 2.1 * stated + 1e-8 * T + 1e-12 * sites
        mu = guess[0]
        found, number = kernels.grand_potential(tools[2][0], tools[2][1], mu - phi.mean(), T, *terms, pivots)
        x = (levels - mu) / T
        assert abs(found + T * np.logaddexp(0.0, -x).sum()) < 0.05 * stated
        assert abs(number - (1.0 / (np.exp(x) + 1.0)).sum()) < kernels.COUNT * sites


def test_what_no_expansion_reaches_is_not_bounded():
    model = xg.testing.tiny_glass(eta=-1.0)
    K, phi = matrix_of(model), np.linspace(0.0, 1.0, 16)
    arguments = (8, np.zeros(2), rejection.proof_tools(K), np.empty((16, 16)))
    assert kernels.quantum_bound(True, K, phi, 0.01, *arguments) > -10.0
    assert kernels.quantum_bound(True, K, phi, 1e-4, *arguments) == -np.inf
    phi[3] = np.nan
    assert not kernels.quantum_bound(True, K, phi, 0.01, *arguments) > -np.inf


def test_memory_tells_configurations_apart_that_share_a_slot():
    memory = rejection.empty_memory(70, slots=1)
    one, two = np.zeros((2, 70), dtype=np.int8)
    one[[0, 69]], two[[0, 68]] = 1, 1
    keys = np.empty((2, 2), dtype=np.uint64)
    hashes = [kernels.pack(n, key) for n, key in zip((one, two), keys, strict=True)]
    assert [int(word) for word in keys[0]] == [1, 1 << 5]
    assert kernels.recall(memory, hashes[0], keys[0])[0] == kernels.NOTHING
    kernels.remember(memory, hashes[0], keys[0], kernels.EXACT, -1.5)
    assert kernels.recall(memory, hashes[0], keys[0]) == (kernels.EXACT, -1.5)
    assert kernels.recall(memory, hashes[1], keys[1])[0] == kernels.NOTHING
    kernels.remember(memory, hashes[1], keys[1], kernels.BOUND, -2.5)
    assert kernels.recall(memory, hashes[1], keys[1]) == (kernels.BOUND, -2.5)
    assert kernels.recall(memory, hashes[0], keys[0])[0] == kernels.NOTHING


CASES = [
    (side, T, eta, start, weight)
    for side, temperatures in ((4, (0.02, 0.1)), (6, (0.03, 0.05)))
    for T in temperatures
    for eta in (-1.0, -0.1)
    for start in ("random", "ordered")
    for weight in ("kinetic", "free_energy")
]


@pytest.mark.parametrize(("side", "T", "eta", "start", "weight"), CASES)
def test_same_bits_as_the_plain_chain(side, T, eta, start, weight):
    model = xg.charge_glass(xg.lattice.triangular(side), t_p=0.12, eta=eta, self_image="include")
    work = assert_same_bits(model, T=T, walker=2, sweep=12, start=start, weight=weight, seed=3)
    assert work["proved_rejections"] > 0
    assert work["cache_hits"] > 0


@pytest.mark.parametrize("eta", [-1.0, -0.1])
@pytest.mark.parametrize("weight", ["kinetic", "free_energy"])
def test_same_bits_as_the_plain_chain_on_the_lattice_of_the_paper(eta, weight):
    model = xg.charge_glass(xg.lattice.triangular(12), t_p=0.12, eta=eta)
    work = assert_same_bits(model, T=0.05, walker=1, sweep=2, weight=weight, seed=1)
    # a bound that is too low is no proof, and the chain no faster
    assert work["proved_rejections"] > 0.5 * work["active_attempts"]


@pytest.mark.parametrize("weight", ["kinetic", "free_energy"])
def test_same_bits_on_a_ramp_and_with_disorder(weight):
    """Memory holds for one temperature, and one realization."""
    model = xg.charge_glass(
        xg.lattice.triangular(4),
        t_p=[0.0, 0.12],
        eta=-1.0,
        self_image="include",
        site_energy=xr.DataArray(
            np.random.default_rng(1).normal(0, 0.1, (2, 16)), dims=("realization", "site")
        ),
    )
    ramp = xr.DataArray([1.0] * 4 + [0.8] * 3 + [1.0] * 3, dims="sweep")
    work = assert_same_bits(
        model, T=[0.05, 0.2], walker=2, sweep=9, moves="exchange", weight=weight, ramp=ramp, every=3, seed=5
    )
    assert work["cache_hits"] > 0


def test_cached_kernels_find_lapack_in_every_process():
    code = (
        "import xglass as xg\n"
        "model = xg.testing.tiny_glass(eta=-1.0)\n"
        "run = xg.metropolis(model, T=0.1, walker=1, sweep=4, seed=2, chunks=None)\n"
        "print(run['kinetic_energy'].values.tobytes().hex())"
    )
    there = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    here = xg.metropolis(xg.testing.tiny_glass(eta=-1.0), T=0.1, walker=1, sweep=4, seed=2, chunks=None)
    assert there.stdout.strip() == here["kinetic_energy"].values.tobytes().hex()

"""Runs: what the physics fixes, what the contract promises, and averages against exact enumeration."""

from itertools import combinations

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit
from scipy.stats import chi2, norm

import xglass as xg
from xglass.variables import REGISTRY, attributes

WEIGHTS = ("classical", "kinetic", "free_energy")
# Probability that a right library fails a statistical test of this file, over all seeds; the two-sided normal
# bound of one test:
ALARM, TESTS = 1e-4, 16
BOUND = float(norm.isf(ALARM / TESTS / 2))  # 4.6


def honeycomb(shape):
    s = np.sqrt(3)
    bonds = [(0, 1, (0, 0), "z"), (1, 0, (0, 1), "y"), (1, 0, (-1, 1), "x")]
    return xg.lattice.from_cell([[s, 0], [s / 2, 1.5]], shape=shape, basis=[[0, 0], [0, 1]], bonds=bonds)


def lieb(shape):
    """A square lattice with a site on every bond: four neighbours on the corners, two elsewhere."""
    bonds = [(0, 1, (0, 0), "x"), (1, 0, (1, 0), "x"), (0, 2, (0, 0), "y"), (2, 0, (0, 1), "y")]
    return xg.lattice.from_cell(np.eye(2), shape=shape, basis=[[0, 0], [0.5, 0], [0, 0.5]], bonds=bonds)


def with_occupation(model, n, T):
    """A model with configurations put in, as if a run had made them."""
    dims = ("walker", "site")[-n.ndim :]
    return model.assign(occupation=(dims, n.astype(np.int8))).assign_coords(T=T)


def all_configurations(sites, particles):
    table = np.zeros((len(list(combinations(range(sites), particles))), sites), dtype=np.int8)
    np.put_along_axis(table, np.array(list(combinations(range(sites), particles))), 1, axis=1)
    return table


def hopping_matrix(model):
    K = np.zeros((model.sizes["site"],) * 2)
    for i, j, t in zip(
        *(model[name].values for name in ("bond_source", "bond_target", "hopping")), strict=True
    ):
        K[i, j] += t
        K[j, i] += t
    return K


def weights_of(model, n, T, weight):
    """E and <K> of configurations (c, site), written down once more."""
    U, eps = model["interaction"].values, model["site_energy"].values
    pairs = U - np.diag(np.diagonal(U))
    E = 0.5 * np.einsum("ci,ij,cj->c", n, pairs, n) + n @ eps
    if weight == "classical":
        return E, np.zeros(len(n))
    K, kinetic = hopping_matrix(model), np.empty(len(n))
    for c, row in enumerate(n):
        levels, vectors = np.linalg.eigh(K + np.diag(row @ U + eps))
        low, high = levels[0] - 1, levels[-1] + 1
        for _ in range(60):
            mu = (low + high) / 2
            low, high = (mu, high) if expit((mu - levels) / T).sum() < row.sum() else (low, mu)
        kinetic[c] = np.einsum("in,n,jn,ij->", vectors, expit((mu - levels) / T), vectors, K)
    return E, kinetic


# -- symmetries of the model ------------------------------------------------------------------------


@pytest.mark.parametrize("self_image", ["include", "exclude", -0.2])
@pytest.mark.parametrize("centred", [False, True])
@settings(max_examples=6)
@given(seed=st.integers(0, 2**32), eta=st.floats(-1.5, 1.5), particles=st.integers(3, 13))
def test_particles_and_holes(self_image, centred, seed, eta, particles):
    """(eta, n) and (-eta, 1 - n): the same <K>, the same E up to sum_j V_ij (N/2 - particles),
    for even sides.
    """
    rng = np.random.default_rng(seed)
    n = rng.permuted(np.tile(np.arange(16) < particles, (3, 1)), axis=1).astype(np.int8)
    options = {"t_p": 0.12, "self_image": self_image, "centred": centred}
    lattice = xg.lattice.triangular(4)
    charges = with_occupation(xg.charge_glass(lattice, eta=eta, filling=particles / 16, **options), n, 0.05)
    holes = with_occupation(
        xg.charge_glass(lattice, eta=-eta, filling=1 - particles / 16, **options), 1 - n, 0.05
    )
    row = charges["interaction"].values[0, 1:].sum()
    shift = 0.0 if centred else row * (8 - particles)
    np.testing.assert_allclose(
        xg.electrostatic_energy(holes) - shift, xg.electrostatic_energy(charges), rtol=0, atol=1e-12 * 16
    )
    np.testing.assert_allclose(xg.kinetic_energy(holes), xg.kinetic_energy(charges), rtol=0, atol=1e-11)
    np.testing.assert_allclose(xg.local_density(holes), 1 - xg.local_density(charges), rtol=0, atol=1e-10)


def test_particles_and_holes_of_the_chain():
    """The same through the solver: both start from given charges, one from their holes."""
    n = xg.testing.tiny_run(sweep=1, chunks=None)["occupation"].isel(eta=0, T=0, sweep=0, drop=True)
    runs = [
        xg.metropolis(
            xg.testing.tiny_glass(eta=eta, self_image="exclude"),
            T=0.05,
            walker=3,
            sweep=1,
            start=start,
            seed=1,
            chunks=None,
        )
        for eta, start in ((-0.3, n), (0.3, 1 - n))
    ]
    for name in ("electrostatic_energy", "kinetic_energy"):
        a, b = (run[name].isel(sweep=0).values for run in runs)
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-12)


def test_an_odd_side_has_no_such_symmetry():
    """So the test above tests something: on 3 x 3 no gauge turns eta into -eta."""
    n = np.array([1, 0, 0, 1, 0, 1, 0, 0, 1])
    lattice = xg.lattice.triangular(3)
    a = xg.kinetic_energy(with_occupation(xg.charge_glass(lattice, t_p=0.2, eta=0.5, filling=4 / 9), n, 0.05))
    b = xg.kinetic_energy(
        with_occupation(xg.charge_glass(lattice, t_p=0.2, eta=-0.5, filling=5 / 9), 1 - n, 0.05)
    )
    assert abs(float(a - b)) > 1e-3


@pytest.mark.parametrize("weight", ["kinetic", "free_energy"])
@pytest.mark.parametrize("moves", ["neighbour", "exchange"])
def test_without_hopping_the_chain_is_classical(weight, moves):
    model = xg.testing.tiny_glass(eta=[-1.0, 0.5], t_p=0.0)
    arguments = {"T": [0.03, 0.1], "walker": 4, "sweep": 15, "moves": moves, "seed": 5, "chunks": None}
    quantum = xg.metropolis(model, weight=weight, **arguments)
    classical = xg.metropolis(model, weight="classical", **arguments)
    assert not quantum["kinetic_energy"].values.any()  # exactly zero
    xr.testing.assert_identical(
        quantum.drop_vars("kinetic_energy").assign_attrs(weight="classical"), classical
    )
    assert float(classical["acceptance"][..., 1:].mean()) > 0.01


def test_small_hopping_is_of_second_order():
    t_p = [1e-3, 2e-3, 4e-3]
    model = xg.charge_glass(xg.lattice.triangular(4), t_p=t_p, eta=-0.5, self_image="include")
    stripes = (np.arange(16) // 4 % 2 == 0).astype(np.int8)
    K = xg.kinetic_energy(with_occupation(model, stripes, 0.02)).values
    np.testing.assert_allclose(K / K[0], [1, 4, 16], rtol=1e-3)


# -- what every run obeys ---------------------------------------------------------------------------

LATTICES = {
    "chain": lambda: (xg.lattice.chain(6), {"x": 0.3}),
    "square": lambda: (xg.lattice.square(4, 2), {"x": 0.2, "y": -0.1}),
    "triangular": lambda: (xg.lattice.triangular(2, 4), {"c": 0.1, "p": 0.2}),
    "cubic": lambda: (xg.lattice.cubic(2), {"x": 0.1, "y": 0.1, "z": 0.2}),
    "honeycomb": lambda: (honeycomb((2, 2)), {"x": 0.2, "y": 0.2, "z": 0.3}),
    "lieb": lambda: (lieb((2, 2)), {"x": 0.2, "y": 0.3}),
}


@pytest.mark.parametrize("weight", WEIGHTS)
@pytest.mark.parametrize("name", LATTICES)
def test_every_lattice_runs(name, weight):
    lattice, hopping = LATTICES[name]()
    model = xg.charge_glass(lattice, hopping=hopping)
    run = xg.metropolis(model, T=0.2, walker=2, sweep=4, weight=weight, seed=3, chunks=None)
    sites = lattice.sizes["site"]
    assert set(np.unique(run["occupation"])) == {0, 1}
    assert (run["occupation"].sum("site") == sites // 2).all()
    assert (abs(xg.electrostatic_energy(run) - run["electrostatic_energy"]) < 1e-12 * sites).all()
    if weight != "classical":
        assert (run["kinetic_energy"] < 0).all()
        assert (abs(xg.kinetic_energy(run) - run["kinetic_energy"]) < 1e-11).all()
    # one sweep changes at most 2 N entries, and none without an accepted attempt
    moved = (run["occupation"].astype(int).diff("sweep") != 0).sum("site")
    assert (moved <= 2 * sites * run["acceptance"].isel(sweep=slice(1, None))).all()


@settings(max_examples=15)
@given(
    particles=st.integers(1, 15),
    t_p=st.floats(-0.5, 0.5),
    eta=st.floats(-2, 2),
    T=st.floats(0.01, 2),
    weight=st.sampled_from(WEIGHTS),
    moves=st.sampled_from(["neighbour", "exchange"]),
    seed=st.integers(0, 2**64 - 1),
)
def test_particles_are_conserved_and_hopping_gains_energy(particles, t_p, eta, T, weight, moves, seed):
    model = xg.charge_glass(xg.lattice.triangular(4), t_p=t_p, eta=eta, filling=particles / 16)
    run = xg.metropolis(model, T=T, walker=2, sweep=3, weight=weight, moves=moves, seed=seed, chunks=None)
    assert (run["occupation"].sum("site") == particles).all()
    assert run["acceptance"].isel(sweep=0).isnull().all()
    fractions = run["acceptance"].isel(sweep=slice(1, None))
    assert ((fractions >= 0) & (fractions <= 1)).all()
    assert ("kinetic_energy" in run) == (weight != "classical")
    if weight != "classical":
        assert (run["kinetic_energy"] <= 1e-12).all()


def test_acceptance_is_accepted_per_attempt_since_the_last_stored_sweep():
    model = xg.testing.tiny_glass()
    arguments = {"T": [0.1, 0.3], "walker": 2, "sweep": 12, "weight": "classical", "seed": 2, "chunks": None}
    fine, coarse = (xg.metropolis(model, every=every, **arguments) for every in (1, 4))
    assert coarse["sweep"].values.tolist() == [0, 4, 8, 12]
    means = fine["acceptance"].isel(sweep=slice(1, None)).coarsen(sweep=4).mean()
    np.testing.assert_allclose(coarse["acceptance"].isel(sweep=slice(1, None)), means, rtol=1e-14)
    whole = fine["acceptance"].isel(sweep=slice(1, None)) * 16
    np.testing.assert_allclose(whole, whole.round(), atol=1e-12)  # of N attempts
    xr.testing.assert_equal(fine["occupation"].sel(sweep=coarse["sweep"]), coarse["occupation"])
    hot = xg.metropolis(model, T=1e6, walker=4, sweep=20, weight="classical", seed=2, chunks=None)
    active = xg.metropolis_counters(model, T=1e6, walker=4, sweep=20, weight="classical", seed=2, chunks=None)
    np.testing.assert_allclose(
        hot["acceptance"][..., 1:], active["active_attempts"][..., 1:] / 16
    )  # all active ones, and null attempts count


def test_a_last_sweep_that_is_not_stored_is_not_simulated():
    model = xg.testing.tiny_glass(eta=-1.0)
    arguments = {"T": 0.1, "walker": 1, "every": 3, "seed": 2, "weight": "classical", "chunks": None}
    seven, six = xg.metropolis(model, sweep=7, **arguments), xg.metropolis(model, sweep=6, **arguments)
    assert seven["sweep"].values.tolist() == [0, 3, 6]
    xr.testing.assert_identical(seven, six)


# -- dims, units, names -----------------------------------------------------------------------------


@pytest.mark.parametrize("chunks", ["auto", None])
def test_dims_and_attributes(chunks):
    lattice = xg.lattice.triangular(4)
    U = xg.random_couplings(lattice, J=[0.5, 1.0], realization=2, seed=1)
    eps = xg.random_site_energy(lattice, strength=0.1, convention="std", realization=2, seed=1)
    model = xg.charge_glass(
        lattice, t_p=[0.1, 0.2], eta=[-1.0, -0.5], interaction=U, site_energy=eps, filling=[0.25, 0.5]
    )
    ramp = xr.DataArray([2.0, 1.5, 1.0], dims="sweep")
    run = xg.metropolis(model, T=[0.1, 0.2, 0.3], walker=[4, 2], sweep=2, ramp=ramp, seed=1, chunks=chunks)
    point = {"t_p": 2, "eta": 2, "J": 2, "realization": 2, "filling": 2, "T": 3}
    for name, variable in run.data_vars.items():
        core = REGISTRY[name].dims
        assert variable.dims[-len(core) :] == core
        assert {d: variable.sizes[d] for d in variable.dims[: -len(core)]} == point
        assert variable.sizes["walker"] == 2
        assert (variable.chunks is None) == (chunks is None)
    assert list(run.data_vars) == ["occupation", "electrostatic_energy", "kinetic_energy", "acceptance"]
    assert run["occupation"].dtype == np.int8
    assert {run[name].dtype for name in run.data_vars if name != "occupation"} == {np.dtype(float)}
    for name, variable in run.variables.items():
        assert name in REGISTRY, f"{name} is not in the registry"
        seed = {"seed": "1"} if name == "occupation" else {}  # for who starts from it
        assert variable.attrs == attributes(name) | seed, name
    assert run["occupation"].attrs["units"] == run["acceptance"].attrs["units"] == "1"
    assert (
        run["electrostatic_energy"].attrs["units"]
        == run["T"].attrs["units"]
        == run["temperature"].attrs["units"]
        == "Vc"
    )
    for name in model.coords:  # the model comes along, eager
        xr.testing.assert_equal(run[name].variable, model[name].variable)
        assert run[name].chunks is None
    assert run["temperature"].dims == ("T", "sweep")
    np.testing.assert_allclose(run["temperature"], np.outer([0.1, 0.2, 0.3], [2, 1.5, 1.0]), rtol=1e-15)
    assert run["walker"].values.tolist() == [4, 2]


def test_provenance_is_attributes():
    run = xg.testing.tiny_run(seed=2**64 - 1, moves="exchange")
    assert run.attrs == {
        "solver": "metropolis",
        "weight": "kinetic",
        "moves": "exchange",
        "seed": str(2**64 - 1),
        "rule_version": 1,
        "start": "random",
        "every": 1,
    }
    assert int(run.attrs["seed"]) == 2**64 - 1


def test_scalar_parameters_make_no_dimension():
    run = xg.metropolis(xg.testing.tiny_glass(eta=-1.0), T=0.1, walker=2, sweep=1, seed=1)
    assert run["occupation"].dims == ("walker", "sweep", "site")
    assert run["T"].ndim == run["eta"].ndim == run["filling"].ndim == 0
    assert run["walker"].values.tolist() == [0, 1]


def test_a_run_is_a_model():
    """Solvers read the coords: a run stands for its model, whatever was selected of it since."""
    model = xg.testing.tiny_glass()
    first = xg.metropolis(
        model, T=[0.1, 0.2], walker=5, sweep=3, ramp=xr.DataArray([2.0, 1.5, 1.2, 1.0], dims="sweep"), seed=1
    )
    arguments = {"T": 0.05, "walker": 2, "sweep": 2, "seed": 3, "chunks": None}
    again = xg.metropolis(first, **arguments)
    xr.testing.assert_identical(again, xg.metropolis(model, **arguments))
    xr.testing.assert_identical(xg.metropolis(first.isel(walker=0, sweep=1), **arguments), again)
    xr.testing.assert_identical(xg.metropolis(first.mean(["walker", "sweep"]), **arguments), again)


def test_counters():
    model = xg.testing.tiny_glass()
    arguments = {"T": [0.05, 0.1], "walker": 2, "sweep": 6, "seed": 3}
    work = xg.metropolis_counters(model, every=2, **arguments)
    assert [*work.data_vars] == [
        "active_attempts",
        "solves",
        "cache_hits",
        "proved_rejections",
        "estimated_rejections",
        "audits",
        "audit_disagreements",
    ]
    for name, variable in work.data_vars.items():
        assert variable.dims == ("eta", "T", "walker", "sweep")
        assert variable.dtype.kind == "i"
        assert variable.attrs == attributes(name)
    work = work.compute()
    assert (work["active_attempts"].isel(sweep=0) == 0).all()
    fine = xg.metropolis_counters(model, chunks=None, **arguments)
    sums = fine.isel(sweep=slice(1, None)).coarsen(sweep=2).sum()
    for name in work.data_vars:
        np.testing.assert_array_equal(work[name].isel(sweep=slice(1, None)), sums[name])
    accepted = xg.metropolis(model, chunks=None, **arguments)["acceptance"].isel(sweep=slice(1, None)) * 16
    assert (accepted <= fine["active_attempts"].isel(sweep=slice(1, None)) + 1e-12).all()
    assert not set(work.data_vars) & set(xg.metropolis(model, **arguments).variables)


# -- starts -----------------------------------------------------------------------------------------


def test_the_random_start_is_uniform():
    """All 20 configurations of 3 particles on 6 sites, 40 000 independent walkers;
    chi-square at ALARM / TESTS.
    """
    model = xg.charge_glass(xg.lattice.chain(6))
    run = xg.metropolis(model, T=0.1, walker=40_000, sweep=1, weight="classical", seed=11, chunks=None)
    codes = run["occupation"].isel(sweep=0).values @ (1 << np.arange(6))
    counts = np.bincount(codes, minlength=64)[
        [sum(1 << i for i in sites) for sites in combinations(range(6), 3)]
    ]
    assert counts.sum() == 40_000
    assert ((counts - 2000) ** 2 / 2000).sum() < chi2.isf(ALARM / TESTS, 19)


@pytest.mark.parametrize("particles", [1, 5, 15])
def test_the_random_start_favours_no_site(particles):
    """Any filling: each site is taken in the same fraction of 20 000 walkers,
    and pairs of sites as often as they should be.
    """
    model = xg.charge_glass(xg.lattice.triangular(4), filling=particles / 16)
    n = (
        xg.metropolis(model, T=0.1, walker=20_000, sweep=1, weight="classical", seed=12, chunks=None)[
            "occupation"
        ]
        .isel(sweep=0)
        .values
    )
    f = particles / 16
    bound = norm.isf(ALARM / TESTS / 2 / 16)
    assert (abs(n.mean(axis=0) - f) < bound * np.sqrt(f * (1 - f) / 20_000)).all()
    pairs, p = (n[:, :-1] & n[:, 1:]).mean(axis=0), f * (particles - 1) / 15
    assert (abs(pairs - p) <= bound * np.sqrt(p * (1 - p) / 20_000)).all()


def patterns(kind, cells):
    """Stripe states by the index of their lattice line: horizontal, the other two."""
    i, j = np.arange(cells[0] * cells[1]) % cells[0], np.arange(cells[0] * cells[1]) // cells[0]
    found = {"horizontal": j, "first": i, "second": i + j}
    fits = {
        "horizontal": cells[1] % 2 == 0,
        "first": cells[0] % 2 == 0,
        "second": cells[0] % 2 == cells[1] % 2 == 0,
    }
    return {name: (line % 2 == 0).astype(np.int8) for name, line in found.items() if fits[name]}


@pytest.mark.parametrize(
    ("kind", "cells"),
    [
        ("triangular", (4, 4)),
        ("triangular", (4, 6)),
        ("triangular", (6, 4)),
        ("triangular", (4, 3)),
        ("square", (4, 4)),
        ("square", (4, 3)),
    ],
)
@pytest.mark.parametrize("T", [0.05, 0.3])
def test_the_ordered_start(kind, cells, T):
    """The pattern of lowest E, of these that of lowest <K>, of these the horizontal one:
    against energies written down here.
    """
    lattice = getattr(xg.lattice, kind)(*cells)
    rows = [(0.1, 0.1), (0.1, -0.05), (0.2, 0.1), (-0.02, 0.15)]
    kinds = ("p", "c") if kind == "triangular" else ("x", "y")
    for strengths in rows:
        model = xg.charge_glass(
            lattice, hopping=dict(zip(kinds, strengths, strict=True)), self_image="include"
        )
        chosen = xg.metropolis(model, T=T, walker=2, sweep=1, start="ordered", seed=1, chunks=None)[
            "occupation"
        ].isel(sweep=0)
        table = patterns(kind, cells)
        E, K = weights_of(model, np.array(list(table.values()), dtype=float), T, "kinetic")
        tie = 1e-9 * lattice.sizes["site"]
        tied = np.flatnonzero(E < E.min() + tie)
        best = tied[np.flatnonzero(K[tied] < K[tied].min() + tie)[0]]
        expected = list(table.values())[best]
        for walker in range(2):
            np.testing.assert_array_equal(chosen[walker], expected)
        assert int(chosen[0].sum()) == cells[0] * cells[1] // 2


def test_ordered_ties_go_to_the_horizontal_stripe():
    """Without hopping, and with the three directions equivalent at |eta| = 1; elsewhere <K> decides alone."""
    n = {}
    for eta in (-1.0, 1.0, -0.1, -0.9, -1.5):
        run = xg.metropolis(
            xg.testing.tiny_glass(eta=eta), T=0.05, walker=1, sweep=1, start="ordered", seed=1, chunks=None
        )
        n[eta] = xg.stripe_order(run).isel(walker=0, sweep=0).round(9)
    free = xg.metropolis(
        xg.testing.tiny_glass(t_p=0.0), T=0.05, walker=1, sweep=1, start="ordered", seed=1, chunks=None
    )
    assert (xg.stripe_order(free).isel(sweep=0).sel(orientation="horizontal") > 0.999).all()
    for eta in (-1.0, 1.0, -0.1, -0.9):
        assert n[eta].values.tolist() == [1, 0, 0]
    assert (
        float(n[-1.5].sel(orientation="horizontal")) == 0
    )  # the stripe turns where hopping along it is the stronger one


def test_the_ordered_start_of_the_square_lattice_follows_the_interaction():
    """Coulomb: checkerboard.

    Repulsion of next-nearest neighbours: stripes, along the weaker hopping or horizontal on a tie.
    """
    lattice = xg.lattice.square(4)
    position = lattice["position"].values
    apart = np.abs(position[:, None] - position[None])
    apart = np.minimum(apart, 4 - apart)
    diagonal = xr.DataArray((apart == 1).all(axis=-1).astype(float), dims=("site", "site2"))
    expected = {
        ("coulomb", 0.1, 0.1): "diagonal",
        ("diagonal", 0.1, 0.1): "horizontal",
        ("diagonal", 0.0, 0.0): "horizontal",
    }
    expected |= {("diagonal", 0.1, 0.2): "horizontal", ("diagonal", 0.2, 0.1): "vertical"}
    for (interaction, x, y), orientation in expected.items():
        U = "coulomb" if interaction == "coulomb" else diagonal
        model = xg.charge_glass(lattice, hopping={"x": x, "y": y}, interaction=U)
        run = xg.metropolis(model, T=0.1, walker=1, sweep=1, start="ordered", seed=1, chunks=None)
        order = xg.stripe_order(run).isel(walker=0, sweep=0)
        assert str(order.idxmax("orientation").item()) == orientation
        assert float(order.max()) == pytest.approx(1)


def test_a_start_may_be_any_array_of_occupations():
    model = xg.testing.tiny_glass()
    base = np.array([1, 1, 0, 0] * 4)
    arguments = {"T": [0.05, 0.1], "sweep": 2, "seed": 1, "chunks": None}
    one = xr.DataArray(base, dims="site")
    run = xg.metropolis(model, walker=2, start=one, **arguments)
    assert (run["occupation"].isel(sweep=0) == one).all()
    for kind in (bool, np.uint8, np.int64, np.int8):
        xr.testing.assert_identical(xg.metropolis(model, walker=2, start=one.astype(kind), **arguments), run)
    # over walkers, by label, in any order and with more than are asked for
    table = np.array([np.roll(base, k) for k in range(4)])
    many = xr.DataArray(table, dims=("walker", "site"), coords={"walker": [0, 5, 7, 2]})
    run = xg.metropolis(model, walker=[2, 5], start=many.transpose("site", "walker"), **arguments)
    for walker, row in ((2, 3), (5, 1)):
        assert (run["occupation"].sel(walker=walker).isel(sweep=0) == table[row]).all()
    # without labels, by position; over parameters too
    run = xg.metropolis(
        model, walker=[9, 8, 7, 6], start=xr.DataArray(table, dims=("walker", "site")), **arguments
    )
    assert (run["occupation"].isel(sweep=0).transpose(..., "walker", "site") == table).all()
    by_T = xr.DataArray(table[:2], dims=("T", "site"), coords={"T": [0.1, 0.05]})
    run = xg.metropolis(model, walker=2, start=by_T, **arguments)
    assert (run["occupation"].isel(sweep=0).sel(T=0.05) == table[1]).all()


@pytest.mark.parametrize("chunks", ["auto", None])
def test_a_lazy_start(chunks):
    """However it is chunked, along sites too; chunks=None computes it."""
    model = xg.testing.tiny_glass()
    arguments = {"T": 0.1, "walker": 4, "sweep": 2, "seed": 1, "chunks": chunks}
    table = xr.DataArray(np.array([np.roll([1, 1, 0, 0] * 4, k) for k in range(4)]), dims=("walker", "site"))
    run = xg.metropolis(model, start=table.chunk(site=4, walker=1), **arguments)
    assert (run["occupation"].chunks is None) == (chunks is None)
    eager = xg.metropolis(model, start=table, **(arguments | {"chunks": None}))
    xr.testing.assert_identical(
        run.compute(), eager.drop_vars("start")
    )  # coordinates are eager, so a lazy start is none


def test_continuing_a_lazy_run_now():
    first = xg.testing.tiny_run()
    second = xg.testing.tiny_run(start=first, chunks=None)
    assert second["occupation"].chunks is None
    xr.testing.assert_identical(second, xg.testing.tiny_run(start=first.compute()).compute())


def test_a_wrong_lazy_start_is_found_when_it_is_computed():
    one = xr.DataArray([1, 1, 0, 0] * 3 + [1, 1, 1, 0], dims="site").chunk(site=4)
    run = xg.testing.tiny_run(start=one)
    with pytest.raises(ValueError, match="8 particles"):
        run.compute(scheduler="sync")


# -- averages against exact enumeration -------------------------------------------------------------

# Sweeps: what is left of the random start, from the exact transition matrices, is below 0.05 standard errors
# everywhere.
CASES = {  # lattice, hopping, particles, weight, moves, T, walkers, sweeps
    "triangular": (xg.lattice.triangular(4), 0.0, 8, "classical", "neighbour", 0.25, 8000, 25),
    "square": (xg.lattice.square(4), 0.0, 5, "classical", "exchange", 0.15, 8000, 25),
    "lieb": (lieb((2, 2)), 0.0, 4, "classical", "neighbour", 0.4, 16_000, 40),
    "lieb, quantum": (lieb((2, 2)), 0.4, 4, "kinetic", "exchange", 0.4, 4000, 16),
}


@pytest.mark.parametrize("case", CASES)
def test_averages_equal_exact_enumeration(case):
    """Disorder on every site, last sweep of independent walkers; energies and site occupations, |z| <= BOUND
    with exact variances.

    Alarms: ALARM / TESTS for each energy, as much for the sites together (Bonferroni). What must not pass is
    asserted, too: by more than the bound the energies differ from those at a temperature 7 % off (classical),
    or of a chain without <K> or with the free energy's half of it (quantum).
    """
    lattice, t, particles, weight, moves, T, walkers, sweeps = CASES[case]
    sites = lattice.sizes["site"]
    eps = xg.random_site_energy(lattice, strength=0.2, convention="std", realization=1, seed=8).isel(
        realization=0, drop=True
    )
    hopping = {kind: t for kind in np.unique(lattice["bond_kind"])}
    model = xg.charge_glass(lattice, hopping=hopping, site_energy=eps, filling=particles / sites)
    n = all_configurations(sites, particles)
    E, K = weights_of(model, n.astype(float), T, weight)

    def law(T=T, part=1.0):
        p = np.exp(-(E + part * K - (E + part * K).min()) / T)
        return p / p.sum()

    p = law()
    run = xg.metropolis(
        model,
        T=T,
        walker=walkers,
        sweep=sweeps,
        every=sweeps,
        weight=weight,
        moves=moves,
        seed=21,
        chunks=None,
    )
    run = run.isel(sweep=-1)

    observed = {"electrostatic_energy": E} | ({"kinetic_energy": K} if weight == "kinetic" else {})
    for name, values in observed.items():
        stderr = np.sqrt((p @ values**2 - (p @ values) ** 2) / walkers)
        assert abs(float(run[name].mean()) - p @ values) < BOUND * stderr
        wrong = [law(T * 1.07), law(T / 1.07)] if weight == "classical" else [law(part=0.0), law(part=0.5)]
        if weight == "classical" or name == "kinetic_energy":
            assert all(abs(q @ values - p @ values) > 1.5 * BOUND * stderr for q in wrong)

    density = p @ n
    error = np.sqrt(density * (1 - density) / walkers)
    assert (
        abs(run["occupation"].mean("walker").values - density) < norm.isf(ALARM / TESTS / 2 / sites) * error
    ).all()
    assert density.std() > 0.02  # the sites do differ: by far more than the errors


# -- chunks -----------------------------------------------------------------------------------------


def test_auto_chunks_hold_a_second_of_work():
    """Small work is one task; large work is cut, along walkers last, into tasks of about a second."""
    small = xg.metropolis(xg.testing.tiny_glass(), T=[0.05, 0.1], walker=3, sweep=4, seed=1)
    assert small["occupation"].data.numblocks == (1,) * 5
    glass = xg.charge_glass(xg.lattice.triangular(12), t_p=0.12, eta=[-1.0, -0.5, -0.1])
    large = xg.metropolis(glass, T=np.linspace(0.02, 0.1, 9), walker=100, sweep=450, seed=7)
    assert large["occupation"].data.numblocks == (3, 9, 100, 1, 1)  # a trajectory is never cut
    classical = xg.metropolis(
        glass, T=np.linspace(0.02, 0.1, 9), walker=100, sweep=450, weight="classical", seed=7
    )
    assert classical["occupation"].data.npartitions < 27
    for run in (small, large, classical):  # and not more than 64 MB
        assert np.prod([max(sizes) for sizes in run["occupation"].chunks]) < 64e6

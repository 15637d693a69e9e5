"""A trajectory is a function of its identity: how it is cut, scheduled, extended,
stopped or listed changes no bit.
"""

from functools import cache

import hypothesis
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import xglass as xg

ETA, T, WALKERS, SWEEPS = [-1.0, -0.5], [0.05, 0.08, 0.1], 3, 4
WEIGHTS = ("classical", "kinetic", "free_energy")
FEWER = hypothesis.settings(max_examples=max(8, hypothesis.settings.default.max_examples // 2))

weights = st.sampled_from(WEIGHTS)


def run(weight="kinetic", eta=ETA, **arguments):
    defaults = {"T": T, "walker": WALKERS, "sweep": SWEEPS, "seed": 7, "weight": weight}
    return xg.metropolis(xg.testing.tiny_glass(eta=eta), **(defaults | arguments))


@cache
def reference(weight):
    """The whole run, in one piece."""
    return run(weight, chunks=None)


def same_bits(found, expected):
    """Equal names, labels and attributes, and equal bytes: not even a zero may change its sign."""
    found, expected = found.compute(scheduler="synchronous"), expected.compute(scheduler="synchronous")
    xr.testing.assert_identical(found, expected)
    if isinstance(expected, xr.DataArray):
        found, expected = found.to_dataset(), expected.to_dataset()
    for name in expected.variables:
        assert found[name].dtype == expected[name].dtype
        assert found[name].dims == expected[name].dims
        if expected[name].dtype.kind in "if":
            assert (
                np.ascontiguousarray(found[name].values).tobytes()
                == np.ascontiguousarray(expected[name].values).tobytes()
            ), name


def subset(values):
    """Some of the values, at least one, in any order."""
    return st.permutations(values).flatmap(
        lambda order: st.integers(1, len(order)).map(lambda n: list(order[:n]))
    )


# -- how the work is cut and who does it ------------------------------------------------------------


@FEWER
@given(
    chunks=xg.testing.chunkings({"eta": 2, "T": 3, "walker": 3}),
    weight=weights,
    scheduler=st.sampled_from(["threads", "sync"]),
)
def test_chunks_and_schedulers(chunks, weight, scheduler):
    lazy = run(weight, chunks=chunks)
    assert lazy["occupation"].chunksizes["T"][0] == chunks["T"]
    assert lazy["occupation"].chunksizes["walker"][0] == chunks["walker"]
    same_bits(lazy.compute(scheduler=scheduler), reference(weight))


@pytest.mark.parametrize("chunks", ["auto", {"walker": 2}, {"T": -1}])
def test_partial_chunks(chunks):
    same_bits(run("kinetic", chunks=chunks), reference("kinetic"))


def test_many_threads_at_once():
    lazy = run("kinetic", chunks={"eta": 1, "T": 1, "walker": 1})
    same_bits(lazy.compute(scheduler="threads", num_workers=8), reference("kinetic"))


def test_one_variable_or_one_point_of_a_lazy_run():
    """What is not asked for is not needed for the rest."""
    lazy = run("kinetic", chunks={"T": 2, "walker": 2})
    same_bits(
        lazy["kinetic_energy"].isel(T=1, walker=[2]),
        reference("kinetic")["kinetic_energy"].isel(T=1, walker=[2]),
    )


def test_distributed_processes():
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1"
        ) as cluster,
        Client(cluster),
    ):
        for weight in WEIGHTS:
            lazy = run(weight, chunks={"eta": 1, "T": 2, "walker": 1})
            xr.testing.assert_identical(lazy.compute(), reference(weight))
            observed = xg.kinetic_energy(lazy).compute()
            xr.testing.assert_identical(observed, xg.kinetic_energy(reference(weight)))


# -- what else is in the sweep ----------------------------------------------------------------------


@FEWER
@given(eta=subset(ETA), temperatures=subset(T), walkers=subset(range(WALKERS)), weight=weights)
def test_a_part_is_a_slice_of_the_whole(eta, temperatures, walkers, weight):
    """Fewer points, in another order: the same trajectories."""
    part = run(weight, eta=eta, T=temperatures, walker=walkers)
    same_bits(part, reference(weight).sel(eta=eta, T=temperatures, walker=walkers))


@pytest.mark.parametrize("weight", WEIGHTS)
def test_scalars_and_zipped_parameters(weight):
    whole = reference(weight)
    same_bits(run(weight, eta=-0.5, T=0.08, walker=[2]), whole.sel(eta=-0.5, T=0.08, walker=[2]))
    eta, temperature = xr.DataArray([-0.5, -1.0], dims="point"), xr.DataArray([0.1, 0.05], dims="point")
    zipped = run(weight, eta=eta, T=temperature)
    assert zipped["occupation"].dims == ("point", "walker", "sweep", "site")
    for name in zipped.data_vars:
        picked = whole[name].sel(eta=eta, T=temperature).transpose("point", ...)
        np.testing.assert_array_equal(zipped[name].values, picked.values)


@FEWER
@given(
    more_T=st.lists(st.sampled_from([0.03, 0.2, 0.5, 1.0]), max_size=2, unique=True),
    walkers=st.integers(WALKERS, 6),
    sweeps=st.integers(SWEEPS, 8),
    weight=weights,
)
def test_extension_keeps_what_was_there(more_T, walkers, sweeps, weight):
    extended = run(weight, T=[*more_T, *T], walker=walkers, sweep=sweeps)
    same_bits(extended.sel(T=T, walker=range(WALKERS), sweep=slice(0, SWEEPS)), reference(weight))


def test_extension_in_disorder_and_in_a_dimension_of_the_user():
    lattice = xg.lattice.triangular(4)

    def disordered(realization, distances):
        eps = xg.random_site_energy(lattice, strength=0.4, convention="std", realization=realization, seed=1)
        U = xg.coulomb(lattice, self_image="include", gate_distance=distances)
        model = xg.charge_glass(lattice, t_p=0.1, interaction=U, site_energy=eps)
        return xg.metropolis(model, T=0.1, walker=2, sweep=3, seed=5, chunks={"realization": 1})

    part, whole = disordered([4, 1], [2.0]), disordered(6, [0.5, 2.0])
    assert whole["occupation"].dims[:2] in (
        ("gate_distance", "realization"),
        ("realization", "gate_distance"),
    )
    picked = whole.sel(realization=[4, 1], gate_distance=[2.0])
    for name in part.data_vars:
        np.testing.assert_array_equal(part[name].values, picked[name].transpose(*part[name].dims).values)
    a, b = whole["occupation"].isel(sweep=0, gate_distance=0).sel(realization=[1, 4])
    assert not np.array_equal(a, b)  # another realization, another stream


# -- stopping and going on --------------------------------------------------------------------------


@FEWER
@given(
    pieces=st.lists(st.integers(1, 3), min_size=2, max_size=4),
    every=st.integers(1, 3),
    ramped=st.booleans(),
    weight=weights,
    moves=st.sampled_from(["neighbour", "exchange"]),
    stored=st.booleans(),
)
def test_a_stopped_run_goes_on(pieces, every, ramped, weight, moves, stored):
    """Any number of stops, anywhere, from lazy or stored pieces: put together they are the unbroken run."""
    total = every * sum(pieces)
    ramp = xr.DataArray(np.geomspace(4.0, 0.7, total + 1), dims="sweep") if ramped else None
    arguments = {"every": every, "ramp": ramp, "moves": moves, "T": T[:2], "walker": 2}
    unbroken = run(weight, sweep=total, **arguments)
    parts = [run(weight, sweep=every * pieces[0], **arguments)]
    for piece in pieces[1:]:
        last = parts[-1].compute(scheduler="sync") if stored else parts[-1]
        parts.append(run(weight, sweep=every * piece, start=last, **arguments))
    assert [part.sizes["sweep"] for part in parts] == [pieces[0] + 1, *pieces[1:]]
    same_bits(xr.concat(parts, "sweep", data_vars="minimal"), unbroken)


def test_a_continued_part_of_the_walkers_and_points():
    """Continue what is of interest only: labels, not positions, say who goes on."""
    unbroken = run("kinetic", sweep=7)
    first = run("kinetic", sweep=3)
    second = run("kinetic", eta=[-0.5], T=[0.1, 0.05], walker=[2, 0], sweep=4, start=first)
    same_bits(second, unbroken.sel(eta=[-0.5], T=[0.1, 0.05], walker=[2, 0]).isel(sweep=slice(4, None)))


@hypothesis.settings(max_examples=9)
@given(weight=weights, at=st.integers(1, 4), seed=st.integers(0, 2**64 - 1))
def test_the_future_is_a_function_of_configuration_and_sweep(weight, at, seed):
    """Whatever led to a configuration (another seed, weight, temperature, moves),
    its future from a sweep on is the same.
    """
    history = {"eta": [-0.8], "T": [1.0], "walker": [9], "seed": seed, "moves": "exchange"}
    stranger = run("classical", sweep=at, **history, chunks=None).isel(eta=0, T=0, walker=0)
    configuration = stranger["occupation"].isel(sweep=-1)
    arguments = {"eta": -0.5, "T": 0.1, "walker": [4], "sweep": 4, "chunks": None}
    # a run is continued with itself only: one that was, until the stranger's configurations, another
    own = run(weight, **(arguments | {"sweep": at}))
    own = own.assign(occupation=stranger["occupation"].variable)
    futures = []
    for path in ("whole", "last", "bare"):
        start = own
        if path == "last":  # the last stored sweep is all that is read
            start = own.isel(sweep=[-1])
        elif path == "bare":  # no energies: nothing else enters
            start = own.drop_vars([name for name in own.data_vars if name != "occupation"]).isel(sweep=[-1])
        futures.append(run(weight, start=start, **arguments))
    for other in futures[1:]:
        same_bits(other, futures[0])
    # and the future after one more stop, of which the second part sees only this
    halves = [run(weight, start=start, **(arguments | {"sweep": 2}))]
    halves.append(run(weight, start=halves[0], **(arguments | {"sweep": 2})))
    same_bits(xr.concat(halves, "sweep", data_vars="minimal"), futures[0])
    assert futures[0]["sweep"].values.tolist() == [at + 1, at + 2, at + 3, at + 4]
    assert run(weight, start=configuration, **arguments)["sweep"].values.tolist() == [
        0,
        1,
        2,
        3,
        4,
    ]  # a DataArray starts at 0


@pytest.mark.parametrize("weight", WEIGHTS)
def test_recurring_configurations_have_equal_energies(weight):
    """Energies belong to configurations: at 16 sites some recur, reached on different paths,
    and every bit of E is the same.
    """
    long = run(weight, eta=-0.5, T=0.1, walker=8, sweep=40 if weight == "classical" else 12, chunks=None)
    n = long["occupation"].values.reshape(-1, 16)
    energy, seen, recurred = long["electrostatic_energy"].values.ravel(), {}, 0
    for row, e in zip(n, energy, strict=True):
        recurred += row.tobytes() in seen
        assert seen.setdefault(row.tobytes(), e) == e
    assert recurred > 5


# -- identity ---------------------------------------------------------------------------------------


def start_of(lattice=xg.lattice.triangular(6), *, walker=(0,), T=0.1, seed=7, realization=None, **model):
    """The random start of one trajectory: the first thing that its stream decides.

    9 x 10^9 configurations at half filling.
    """
    if realization is not None:
        model["site_energy"] = xg.random_site_energy(
            lattice, strength=0.0, convention="std", realization=[realization], seed=0
        )
    glass = xg.charge_glass(lattice, interaction=None, **({"t_p": 0.1, "eta": -0.5} | model))
    options = {"sweep": 1, "weight": "classical", "seed": seed, "chunks": None}
    return (
        xg.metropolis(glass, T=T, walker=list(walker), **options)["occupation"].isel(sweep=0).values.tobytes()
    )


def test_everything_in_the_identity_makes_another_stream():
    """Neighbouring seeds, walkers, temperatures and parameters, also those that share digits: 26 identities,
    26 starts.
    """
    others = [{"seed": s} for s in (0, 8, 2**32 + 7, 2**63 + 7, 2**64 - 1)]
    others += [{"walker": (w,)} for w in (1, 2, 7, 2**32, 2**63 - 1)]
    others += [{"T": t} for t in (0.2, 0.101, 0.1 + 1e-11, 0.12)]
    others += [{"eta": e} for e in (0.5, -0.51, 0.0, 1.0)]
    others += [{"t_p": t} for t in (-0.1, 0.0, 0.2)]
    others += [{"t_p": 0.5, "eta": -0.1}]  # the same numbers, other places
    others += [{"realization": r} for r in (1, 2)]
    starts = [start_of(**other) for other in [{}, *others]]
    assert len(set(starts)) == len(starts)
    assert start_of(filling=0.25) not in starts
    assert start_of(realization=0) == start_of()  # no realization counts as 0


def test_hopping_of_every_bond_is_in_the_identity():
    lattice = xg.lattice.square(6)

    def start(hopping):
        glass = xg.charge_glass(lattice, hopping=hopping, interaction=None)
        run = xg.metropolis(glass, T=0.1, walker=1, sweep=1, weight="classical", seed=1, chunks=None)
        return run["occupation"].isel(sweep=0).values.tobytes()

    per_bond = xr.DataArray(np.full(72, 0.1), dims="bond")
    last = per_bond.copy()
    last[-1] = 0.2
    starts = [
        start({"x": 0.1, "y": 0.1}),
        start({"x": 0.1, "y": 0.2}),
        start({"x": 0.2, "y": 0.1}),
        start(last),
    ]
    assert len(set(starts)) == 4
    assert start(per_bond) == starts[0]  # how it was written does not matter


def test_what_is_not_in_the_identity():
    """Weight, moves, ramp, every, the number of sweeps, the interaction and chunks: the same random start."""
    first = reference("kinetic")["occupation"].isel(sweep=0)
    ramp = xr.DataArray(np.linspace(2.0, 1.0, 9), dims="sweep")
    for changed in (
        {"weight": "classical"},
        {"weight": "free_energy"},
        {"moves": "exchange"},
        {"ramp": ramp, "sweep": 8},
        {"every": 2},
        {"sweep": 6},
    ):
        other = run(**changed)["occupation"].isel(sweep=0).drop_vars("temperature", errors="ignore")
        xr.testing.assert_equal(other.compute(), first)
    model = xg.testing.tiny_glass(eta=ETA, self_image="exclude")
    other = xg.metropolis(model, T=T, walker=WALKERS, sweep=1, seed=7)["occupation"].isel(sweep=0)
    np.testing.assert_array_equal(other.values, first.values)


TENTH = [
    np.float32(0.1),
    np.float64(0.1),
    0.1 + 1e-15,
    0.3 - 0.2,
    np.array(0.1, dtype=np.float32),
    xr.DataArray(0.1),
    xr.DataArray(np.float32(0.1)),
    "100 meV",
    "0.1 eV",
    "0.1 Vc",
]


@pytest.mark.parametrize("temperature", TENTH, ids=repr)
def test_one_temperature_written_in_many_ways(temperature):
    model = xg.testing.tiny_glass(eta=-0.5, scale="1 eV")
    arguments = {"walker": 2, "sweep": 3, "seed": 3}
    same_bits(xg.metropolis(model, T=temperature, **arguments), xg.metropolis(model, T=0.1, **arguments))


@given(value=st.floats(1e-6, 1e6), error=st.floats(-1e-14, 1e-14))
def test_canonical_values_are_stable(value, error):
    """Twelve digits: rounding errors of arithmetic vanish, except on the edge between two of them;
    float32 is its own decimal.
    """
    digits = float(f"{value:.10g}")
    assert xg.units.canonical(digits * (1 + error)) == xg.units.canonical(digits) == digits
    assert xg.units.canonical(xg.units.canonical(value)) == xg.units.canonical(value)
    single = np.float32(value)
    assert xg.units.canonical(single) == float(str(single))


def test_sequences_of_single_precision_and_negative_zero():
    arguments = {"sweep": 2, "walker": 1}
    same_bits(run("kinetic", T=np.array(T, dtype=np.float32), **arguments), run("kinetic", T=T, **arguments))
    same_bits(run("kinetic", eta=[-0.0], **arguments), run("kinetic", eta=[0.0], **arguments))
    same_bits(run("kinetic", T=[1], **arguments), run("kinetic", T=[1.0], **arguments))

"""A stored run grows: what was computed stays as it is, only what is new is simulated,
and the whole is the run of one call.
"""

import functools
import itertools
import shutil
from functools import partial

import dask
import numpy as np
import pytest
import xarray as xr
import zarr
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import xglass as xg
from xglass.engine.charge import metropolis, metropolis_kernels
from xglass.store import disk, growth

SMALL = {"T": [0.05, 0.1], "walker": 2, "sweep": 2}
LARGE = {"T": [0.05, 0.1, 0.2], "walker": 3, "sweep": 4}


def glass(**parameters):
    return xg.testing.tiny_glass(**({"eta": -0.5} | parameters))


def run(model=None, **arguments):
    """A classical run at one anisotropy, in tasks of one temperature and two walkers."""
    model = glass() if model is None else model
    return xg.testing.tiny_run(
        model, **({"weight": "classical", "chunks": {"T": 1, "walker": 2}} | SMALL | arguments)
    )


def evaluate(data, path, **options):
    return xg.store.evaluate(data, path, progress=False, **options)


def same(found, expected):
    """Equal labels, attributes and bits."""
    found, expected = (data.compute(scheduler="sync") for data in (found, expected))
    xr.testing.assert_identical(found, expected)
    for name in expected.variables:
        assert found[name].dtype == expected[name].dtype, name
        if expected[name].dtype.kind in "if":
            a, b = (
                np.ascontiguousarray(data[name].transpose(*expected[name].dims).values)
                for data in (found, expected)
            )
            assert a.tobytes() == b.tobytes(), name


@functools.cache
def whole():
    """What all that grow to LARGE must be: the run of one call, in memory."""
    return run(**LARGE).compute(scheduler="sync")


def files(path):
    """Content and time of every file of a store."""
    return {
        f.relative_to(path): (f.read_bytes(), f.stat().st_mtime_ns) for f in path.rglob("*") if f.is_file()
    }


def unchanged(before, after):
    """Nothing that was there is gone or rewritten."""
    assert [str(name) for name in before if after.get(name) != before[name]] == []


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    path = tmp_path_factory.mktemp("base") / "run.zarr"
    evaluate(run(), path)
    return path


@pytest.fixture
def copied(base, tmp_path):
    """A store of its own that holds run()."""
    shutil.copytree(base, tmp_path / "run.zarr")
    return tmp_path / "run.zarr"


@pytest.fixture
def work(monkeypatch):
    """What is simulated: (temperature, sweeps before, sweeps, streams of the walkers) for every point,
    and a 1 for every call of the kernel.
    """
    points, calls = [], []
    advance, table = metropolis_kernels.trajectories, metropolis.neighbour_table

    def counted(seed, stream, first_sweep, continued, every, temperature, *rest):
        points.append((float(temperature[0]), first_sweep, len(temperature) - 1, tuple(stream.tolist())))
        return advance(seed, stream, first_sweep, continued, every, temperature, *rest)

    def counted_table(*arguments):
        calls.append(1)
        return table(*arguments)

    monkeypatch.setattr(
        metropolis_kernels, "trajectories", counted
    )  # imported when the kernel runs: the graph and its names stay the same
    monkeypatch.setattr(
        metropolis, "neighbour_table", counted_table
    )  # called once by every call of the kernel
    return points, calls


def steps(points):
    """Every simulated (stream of a walker, sweep); the stream is that of a walker at its parameters."""
    return [
        (stream, first + s)
        for _, first, sweeps, streams in points
        for stream in streams
        for s in range(1, sweeps + 1)
    ]


# -- several calls are one ---------------------------------------------------------------------------


@pytest.mark.parametrize("order", [*itertools.permutations(["T", "walker", "sweep"])])
def test_growth_in_three_calls_is_one_run(order, copied, work):
    arguments, points = dict(SMALL), work[0]
    before = files(copied)
    for dim in order:
        arguments[dim] = LARGE[dim]
        returned = evaluate(run(**arguments), copied)
    unchanged(before, files(copied))
    new = steps(points)
    assert len(new) == len(set(new)) == 3 * 3 * 4 - 2 * 2 * 2  # every new step once, no old one
    same(returned, whole())
    xr.testing.assert_identical(returned, xg.store.load(copied))


def test_growth_in_everything_at_once(copied, work):
    points, calls = work
    before, regions = files(copied), xg.store.progress(copied)
    assert regions.done == regions.total == 2
    evaluate(run(**LARGE), copied)
    unchanged(before, files(copied))
    assert len(steps(points)) == len(set(steps(points))) == 3 * 3 * 4 - 2 * 2 * 2
    after = xg.store.progress(copied)
    assert after.done == after.total == 2 + len(calls)
    assert (
        len(calls) == 2 + 2 + 2
    )  # sweeps and a walker of two old temperatures, two blocks of walkers of a new one
    same(xg.store.load(copied), whole())
    points.clear()
    evaluate(run(**LARGE), copied)
    assert points == []


def test_new_labels_between_the_old_ones_and_in_any_order(tmp_path, work):
    path, wanted = tmp_path / "run.zarr", [0.07, 0.1, 0.05, 0.2]
    same(evaluate(run(T=[0.1, 0.05]), path), run(T=[0.1, 0.05]))
    work[0].clear()
    found = evaluate(run(T=wanted), path)
    assert sorted(T for T, *_ in work[0]) == [0.07, 0.2]
    same(found, run(T=wanted))
    assert xg.store.load(path)["T"].values.tolist() == wanted
    same(evaluate(run(T=wanted, walker=[5, 1, 3, 0]), path), run(T=wanted, walker=[5, 1, 3, 0]))
    assert xg.store.verify(path, fraction=1.0) == xg.store.progress(path).total


@pytest.mark.parametrize("grown", ["T", "sweep"])
def test_growth_along_one_dimension_with_another_in_a_new_order(grown, copied):
    """Labels, not places, say which new number belongs to which old one."""
    asked = run(**SMALL | {grown: LARGE[grown], "walker": [1, 0]})
    same(evaluate(asked, copied), asked)
    same(xg.store.load(copied), asked)


def test_growth_in_two_dimensions_with_both_in_a_new_order(copied):
    asked = run(T=[0.2, 0.1, 0.05], walker=[2, 1, 0], sweep=4)
    same(evaluate(asked, copied), asked)


LATTICE = xg.lattice.triangular(4)
STRIPES = xr.DataArray((np.arange(16) // 4 % 2).astype(np.int8), dims="site")
FOUR = xr.DataArray(
    np.array([np.roll(STRIPES, k) for k in range(4)]), dims=("walker", "site"), coords={"walker": range(4)}
)
RAMP = xr.DataArray(np.geomspace(4.0, 1.0, 10), dims="sweep")
POINTS = {"eta": [-1.0, -0.5, -0.2], "T": [0.1, 0.05, 0.2], "name": ["a", "b", "c"]}


def site_energies(realization):
    eps = xg.random_site_energy(LATTICE, strength=0.4, convention="std", realization=realization, seed=1)
    return run(glass(site_energy=eps))


def couplings(realization):
    U = xg.random_couplings(16, realization=realization, seed=1)
    return run(xg.charge_glass(LATTICE, interaction=U))


def zipped(n, **arguments):
    """Parameters that change together, over a dimension of the user's."""
    eta, T = (
        xr.DataArray(POINTS[k][:n], dims="point", coords={"point": POINTS["name"][:n]}) for k in ("eta", "T")
    )
    return xg.testing.tiny_run(
        glass(eta=eta), T=T, walker=2, weight="classical", chunks={"point": 1}, **arguments
    )


def screened(distances, **arguments):
    U = xg.coulomb(LATTICE, self_image="include", gate_distance=distances)
    return run(xg.charge_glass(LATTICE, t_p=0.1, interaction=U, scale="0.35 eV"), **arguments)


#: name -> the runs that are asked for one after the other
GROWING = {
    "eta": [partial(run, glass(eta=[-0.5])), partial(run, glass(eta=[-1.0, -0.5, 0.3]), walker=3)],
    "t_p, with its weight": [
        partial(run, glass(t_p=t_p), T=0.1, weight="kinetic", chunks={"t_p": 1})
        for t_p in ([0.1], [0.2, 0.1])
    ],
    "filling": [partial(run, glass(filling=[0.5])), partial(run, glass(filling=[0.25, 0.5]), sweep=4)],
    "site energies": [partial(site_energies, 1), partial(site_energies, [4, 0, 1])],
    "couplings": [partial(couplings, [3]), partial(couplings, [0, 3])],
    "gate distance": [partial(screened, [2.0]), partial(screened, [0.5, 2.0], sweep=3)],
    "zipped": [partial(zipped, 2, sweep=2), partial(zipped, 3, sweep=4)],
    "every": [partial(run, sweep=5, every=2), partial(run, sweep=9, every=2, walker=3)],
    "ramp": [partial(run, sweep=n, every=3, ramp=RAMP, T=T) for n, T in ((4, [0.05]), (9, [0.1, 0.05]))],
    "ordered": [partial(run, start="ordered"), partial(run, start="ordered", T=[0.05, 0.1, 0.2], sweep=4)],
    "start over site": [partial(run, start=STRIPES), partial(run, start=STRIPES, walker=3)],
    "start over walker and site": [partial(run, start=FOUR), partial(run, start=FOUR, walker=4, sweep=4)],
    "exchange": [partial(run, moves="exchange"), partial(run, moves="exchange", sweep=3)],
}


@pytest.mark.parametrize("name", GROWING)
def test_growth_of_every_kind(name, tmp_path, work):
    path, points, totals = tmp_path / "run.zarr", work[0], [0]
    for make in GROWING[name]:
        asked, before = make(), files(path)
        found = evaluate(asked, path)
        unchanged(before, files(path))
        totals.append(xg.store.progress(path).total)
    assert sorted(set(totals)) == totals, "it did not grow"
    simulated = sorted(steps(points))
    points.clear()
    expected = asked.compute(scheduler="sync")
    assert simulated == sorted(steps(points))  # in several calls just what one call takes
    same(found, expected)
    assert xg.store.verify(path) == 1


@settings(max_examples=3, phases=[Phase.explicit, Phase.reuse, Phase.generate])  # to shrink it takes minutes
@given(
    calls=st.lists(
        st.tuples(
            st.sets(st.sampled_from([0.05, 0.07, 0.1, 0.3])),
            st.sets(st.integers(0, 3)),
            st.integers(0, 2),
            st.randoms(),
        ),
        min_size=2,
        max_size=3,
    ),
    chunks=xg.testing.chunkings({"T": 2, "walker": 3}),
)
def test_any_sequence_of_growth(calls, chunks, tmp_path_factory):
    path = tmp_path_factory.mktemp("growth") / "run.zarr"
    temperatures, walkers, sweeps = {0.1}, {1}, 1
    for T, walker, sweep, random in calls:
        temperatures, walkers, sweeps = temperatures | T, walkers | walker, sweeps + sweep
        labels = [random.sample(sorted(values), len(values)) for values in (temperatures, walkers)]
        asked = run(T=labels[0], walker=labels[1], sweep=sweeps, chunks=chunks)
        found = evaluate(asked, path)
    same(found, asked)


# -- less, or something else -------------------------------------------------------------------------


def test_less_than_what_is_stored_is_a_part_of_it(copied, work):
    before = files(copied)
    parts = [run(T=[0.1], walker=[1], sweep=1), run(T=[0.1, 0.05]), run()]
    found = [evaluate(part, copied) for part in parts]
    assert work[1] == []
    assert files(copied) == before
    for a, b in zip(found, parts, strict=True):
        same(a, b)
    same(xg.store.load(copied), run())  # what is stored is still the whole


def test_a_part_that_the_store_gave_is_there_already(copied, work):
    part = evaluate(run(T=[0.1, 0.05], walker=[1]), copied)
    same(evaluate(part, copied), part)
    assert evaluate(xg.store.load(copied), copied).identical(xg.store.load(copied))
    assert work[1] == []


def test_other_chunks_are_the_same_run(copied, work):
    before = files(copied)
    assert evaluate(run(chunks={"walker": 1}), copied).identical(xg.store.load(copied))
    assert evaluate(run(chunks="auto"), copied).identical(xg.store.load(copied))
    assert work[1] == []
    unchanged(before, files(copied))
    same(evaluate(run(chunks={"walker": 1}, **LARGE), copied), whole())


OTHER = {
    "seed": (partial(run, seed=8), "seed: the store has '7', you ask for '8'"),
    "weight": (partial(run, weight="kinetic"), "weight: the store has 'classical', you ask for 'kinetic'"),
    "moves": (partial(run, moves="exchange"), "moves: the store has 'neighbour', you ask for 'exchange'"),
    "every": (partial(run, every=2), "every: the store has 1, you ask for 2"),
    "start": (partial(run, start="ordered"), "start: the store has 'random', you ask for 'ordered'"),
    "given start": (partial(run, start=STRIPES), "start: the store has 'random', you ask for 'given'"),
    "ramp": (partial(run, ramp=RAMP), "ramp"),
    "t_p": (partial(run, glass(t_p=0.2)), "t_p: the store has 0.12, you ask for 0.2"),
    "eta as a dimension": (partial(run, glass(eta=[-0.5])), "dimensions: "),
    "lattice": (
        lambda: run(xg.charge_glass(xg.lattice.square(4), hopping={"x": 0.1, "y": 0.1})),
        "bond: the store has 48 entries, you ask for 32|bond_kind",
    ),
    "interaction": (partial(run, glass(self_image="exclude")), "interaction: "),
    "site energies": (partial(run, glass(site_energy=0.1 * STRIPES)), "site_energy: "),
    "more and less": (
        partial(run, T=[0.1, 0.2], walker=3),
        r"more .*T: \[0.2\].*walker: \[2\].* less .*T: \[0.05\]",
    ),
    "more temperatures, fewer walkers": (
        partial(run, T=[0.05, 0.1, 0.2], walker=1),
        r"more .*T: \[0.2\].* less .*walker: \[1\]",
    ),
    "nothing in common": (partial(run, T=[0.3]), r"T: the store has \[0.05, 0.1\], you ask for \[0.3\]"),
    "an observable": (lambda: xg.autocorrelation(run(), waiting_time=0), "Dataset|occupation"),
    "a selection": (lambda: run().isel(walker=[0]), r"walker: the store has \[0, 1\]"),
}


@pytest.mark.parametrize("name", OTHER)
def test_something_else_is_refused_and_nothing_touched(name, base):
    asked, message = OTHER[name]
    before = files(base)
    with pytest.raises(
        ValueError, match=rf"(?s)holds something else and was not touched.*differs:\n.*({message})"
    ):
        evaluate(asked(), base)
    assert files(base) == before


def test_another_given_start_or_ramp_is_refused(tmp_path):
    path = tmp_path / "run.zarr"
    evaluate(run(start=FOUR, ramp=RAMP), path)
    before = files(path)
    other = FOUR.copy()
    other[1] = FOUR[0]
    for arguments, message in (
        ({"start": other, "ramp": RAMP}, "start: "),
        ({"start": FOUR, "ramp": RAMP**2}, "ramp: "),
    ):
        with pytest.raises(ValueError, match=message):
            evaluate(run(**arguments, walker=3), path)
    assert files(path) == before
    same(evaluate(run(start=FOUR, ramp=RAMP, walker=4), path), run(start=FOUR, ramp=RAMP, walker=4))


# -- after interruptions, by several jobs ------------------------------------------------------------


def break_at(monkeypatch, temperature):
    """Regions at a temperature fail."""
    advance = metropolis_kernels.trajectories

    def broken(seed, stream, first_sweep, continued, every, temperatures, *rest):
        if temperatures[0] == temperature:
            raise RuntimeError("the machine is on fire")
        return advance(seed, stream, first_sweep, continued, every, temperatures, *rest)

    monkeypatch.setattr(metropolis_kernels, "trajectories", broken)


def test_growth_after_an_unfinished_base_completes_it(tmp_path, monkeypatch, work):
    path = tmp_path / "run.zarr"
    with monkeypatch.context() as patch:
        break_at(patch, 0.1)
        with pytest.raises(xg.store.EvaluationError, match=r"1 of 2 regions .*failed"):
            evaluate(run(), path)
    assert [f["parameters"]["T"] for f in xg.store.failures(path)] == [0.1]
    before, points = files(path), work[0]
    points.clear()
    same(evaluate(run(**LARGE), path), whole())
    unchanged({k: v for k, v in before.items() if not {"error", "unfinished"} & {*k.parts}}, files(path))
    assert xg.store.failures(path) == []
    assert xg.store.progress(path).fraction == 1.0


def test_the_base_comes_first(tmp_path, monkeypatch, work):
    """What is left of the base is simulated before the sweeps that continue it, and only once."""
    path = tmp_path / "run.zarr"
    with monkeypatch.context() as patch:
        break_at(patch, 0.1)
        with pytest.raises(xg.store.EvaluationError):
            evaluate(run(), path)
    work[0].clear()
    with dask.config.set(num_workers=2):
        evaluate(run(sweep=4), path)
    at_break = [(first, sweeps) for T, first, sweeps, _ in work[0] if T == 0.1]
    assert at_break == [(0, 2), (2, 2)]
    assert [(first, sweeps) for T, first, sweeps, _ in work[0] if T == 0.05] == [(2, 2)]


def test_growth_that_failed_goes_on(copied, monkeypatch):
    with monkeypatch.context() as patch:
        break_at(patch, 0.2)
        with pytest.raises(xg.store.EvaluationError):
            evaluate(run(**LARGE), copied)
    with pytest.raises(ValueError, match="2 of 8 regions are missing"):
        xg.store.load(copied)
    partly = xg.store.load(copied, partial=True).compute()
    assert partly["done"].sel(T=[0.05, 0.1]).all()
    assert not partly["done"].sel(T=0.2).any()
    same(partly.sel(T=[0.05, 0.1]).drop_vars("done"), run(**(LARGE | {"T": [0.05, 0.1]})))
    same(
        evaluate(run(**LARGE | {"T": [0.2, 0.05, 0.1, 0.3]}), copied),
        run(**LARGE | {"T": [0.2, 0.05, 0.1, 0.3]}),
    )


def test_growth_by_several_jobs(copied, work):
    for k in (1, 2, 3):
        found = evaluate(run(**LARGE), copied, shard=f"{k}/3")
    assert len(work[1]) == 6
    same(found, whole())
    xr.testing.assert_identical(found, xg.store.load(copied))


@pytest.mark.parametrize("chunks", [{"T": 1, "walker": 2}, {"T": 2, "walker": 2}], ids=str)
def test_jobs_that_grow_an_unfinished_base(chunks, tmp_path):
    """Sweeps go on from regions that another job has still to compute: each job does what it can,
    and none fails.
    """
    path = tmp_path / "run.zarr"
    evaluate(run(), path, shard="2/2")
    for k in (2, 1, 2):
        found = evaluate(run(sweep=4, chunks=chunks), path, shard=f"{k}/2")
    same(found, run(sweep=4))


# -- verification of grown stores --------------------------------------------------------------------


@pytest.fixture(scope="module")
def large(base, tmp_path_factory):
    path = tmp_path_factory.mktemp("large") / "run.zarr"
    shutil.copytree(base, path)
    evaluate(run(**LARGE), path)
    return path


@pytest.fixture
def grown(large, tmp_path):
    """A store of its own that holds run() and has grown to run(**LARGE)."""
    shutil.copytree(large, tmp_path / "run.zarr")
    return tmp_path / "run.zarr"


def test_grown_stores_are_verified_without_data(grown, work):
    total = xg.store.progress(grown).total
    before = files(grown)
    assert xg.store.verify(grown, fraction=1.0) == total == len(work[1])
    assert xg.store.verify(grown) == 1
    assert xg.store.verify(grown, fraction=0.5, data=run(**LARGE)) == total // 2
    with pytest.raises(ValueError, match="seed"):
        xg.store.verify(grown, data=run(**LARGE, seed=9))
    assert files(grown) == before
    assert {xg.store.verify(grown, fraction=0.25, seed=seed) for seed in range(2)} == {2}


@pytest.mark.parametrize("part", [0, 1, 2, 3])
def test_a_wrong_number_with_a_right_digest_is_found(part, grown):
    """A region as if another physics had made it: checksums and marks fit, the numbers do not."""
    piece = disk.parts(grown)[part]
    index = next(iter(piece.grid))
    blocks = piece.read(index)
    blocks["electrostatic_energy"].flat[-1] += 1e-9
    piece.write(index, blocks)
    same_labels = xg.store.load(grown).compute()  # nothing to be seen
    assert same_labels.sizes["walker"] == 3
    evaluate(run(**LARGE), grown)
    with pytest.raises(
        ValueError, match=r"verify: .* regions .* differ:\n.*electrostatic_energy is computed otherwise"
    ):
        xg.store.verify(grown, fraction=1.0)


def test_a_mark_that_does_not_match_is_found_and_taken_back(grown, work):
    piece = disk.parts(grown)[1]
    index = next(iter(piece.grid))
    zarr.open_array(grown / "growth-1" / "regions" / "done", mode="r+")[index] = 12345
    with pytest.raises(
        ValueError, match="1 of .* regions .*\n.*its numbers do not match its digest; call evaluate again"
    ):
        xg.store.verify(grown, fraction=1.0)
    state = xg.store.progress(grown)
    assert state.total - state.done == 1
    work[1].clear()
    evaluate(run(**LARGE), grown)
    assert work[1] == [1]
    assert xg.store.verify(grown, fraction=1.0) == state.total


def test_a_growth_is_a_run_from_the_solver(grown):
    """The pieces are described such that each can be made again:
    their lazy runs are those that were stored.
    """
    parts = disk.parts(grown)
    assert [part.growth and part.growth["along"] for part in parts] == [None, "sweep", "T", "walker"]
    for k, part in enumerate(parts):
        again = growth.simulated(parts, k)
        same(again, part.lazy(f"test-{k}", complete=True))

"""Regions: every block function runs once, every region is whole chunks on disk,
and nothing is merged without need.
"""

import dask.array as da
import numpy as np
import pytest
import xarray as xr
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import xglass as xg
from xglass.engine.charge import metropolis
from xglass.store import disk
from xglass.store.regions import CHUNK_BYTES, Regions

CALLS = []


def counted(block):
    CALLS.append(block.shape)
    return block + 0.5


def counted_pair(a):
    CALLS.append(a.shape)
    return a + 1.0, a.astype(np.int64)


def stored_energy(block):
    """As counted, with a name such as those of dask's own tasks that fetch."""
    CALLS.append(block.shape)
    return 2.0 * block


def lazy(dims, shape, chunks, function=counted):
    """Numbers that a counted function makes, block by block."""
    start = da.from_array(np.arange(np.prod(shape), dtype=float).reshape(shape), chunks=chunks)
    return xr.DataArray(start.map_blocks(function, dtype=float, meta=np.empty((0,) * len(shape))), dims=dims)


def bounds(data):
    return Regions(data if isinstance(data, xr.Dataset) else data.to_dataset(name="v")).grid.bounds


def checked(data, path):
    """(Part, calls of block functions) of data that are evaluated,
    after a look at the numbers and the chunks.
    """
    CALLS.clear()
    found = xg.store.evaluate(data, path, progress=False)
    calls = len(CALLS)
    xr.testing.assert_identical(found.compute(scheduler="sync"), data.compute(scheduler="sync"))
    (part,) = disk.parts(path)
    files = [file for index in part.grid for _, file in part.chunk_files(index)]
    assert len(files) == len(set(files)), "two regions write to one chunk"
    there = {
        file
        for name in part.names
        for file in (path / name).rglob("*")
        if file.is_file() and file.name != "zarr.json"
    }
    assert set(files) == there
    return part, calls


@pytest.fixture
def evaluated(tmp_path):
    return lambda data: checked(data, tmp_path / "data.zarr")


@pytest.fixture
def kernels(monkeypatch):
    """A 1 for every call of the solver's kernel."""
    calls, table = [], metropolis.neighbour_table
    monkeypatch.setattr(
        metropolis, "neighbour_table", lambda *arguments: calls.append(1) or table(*arguments)
    )
    return calls


def run(**arguments):
    return xg.testing.tiny_run(
        xg.testing.tiny_glass(eta=-0.5), **({"weight": "classical", "chunks": {"T": 1}} | arguments)
    )


# -- the grid ----------------------------------------------------------------------------------------


def test_the_coarse_and_the_fine_share_the_coarse_grid(evaluated):
    data = xr.Dataset(
        {
            "fine": lazy(["x", "y"], (8, 6), (1, 2)),
            "coarse": lazy(["y", "x"], (6, 8), (6, 4)),
            "irregular": lazy(["x"], (8,), ((2, 2, 3, 1),)),
        }
    )
    part, calls = evaluated(data)
    assert part.grid.bounds == {"x": (0, 4, 8), "y": (0, 6)}
    assert calls == 24 + 2 + 4


def test_what_lacks_a_dimension_is_written_with_its_first_region(evaluated):
    data = xr.Dataset(
        {"a": lazy(["x", "y"], (4, 6), (2, 2)), "b": lazy(["x"], (4,), (2,)), "c": lazy([], (), ())}
    )
    part, calls = evaluated(data)
    assert part.grid.shape == (2, 3)
    assert calls == 6 + 2 + 1
    written = {index: {name for name, _ in part.chunk_files(index)} for index in part.grid}
    assert written[0, 0] == {"a", "b", "c"}
    assert written[1, 0] == {"a", "b"}
    assert {names for index, names in ((i, tuple(n)) for i, n in written.items()) if index[1] > 0} == {("a",)}


@settings(max_examples=10, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(data=st.data())
def test_any_chunks_of_any_variables(data, tmp_path_factory):
    sizes = {dim: data.draw(st.integers(1, 7), label=dim) for dim in "xyz"}
    variables = {}
    for k in range(data.draw(st.integers(2, 3))):
        dims = data.draw(st.permutations("xyz"))[: data.draw(st.integers(0, 3))]
        cuts = [data.draw(st.sets(st.integers(1, max(1, sizes[dim] - 1)))) for dim in dims]
        chunks = tuple(
            tuple(np.diff(sorted({0, sizes[d]} | {c for c in cut if c < sizes[d]})).tolist())
            for d, cut in zip(dims, cuts, strict=True)
        )
        variables[f"v{k}"] = lazy(dims, tuple(sizes[d] for d in dims), chunks) * (k + 1.0)
    distinct = {
        next(k for k in v.data.dask.layers if k.startswith("counted")): v.data.npartitions
        for v in variables.values()
    }
    path = tmp_path_factory.mktemp("chunks") / "data.zarr"
    _, calls = checked(xr.Dataset(variables), path)
    assert calls == sum(distinct.values())  # equal arrays are one


# -- nothing runs twice ------------------------------------------------------------------------------


def test_a_kernel_with_several_outputs_runs_once_a_block(evaluated):
    start = xr.DataArray(da.from_array(np.arange(12.0).reshape(4, 3), chunks=(1, 3)), dims=["x", "y"])
    pair = xr.apply_ufunc(
        counted_pair,
        start,
        input_core_dims=[["y"]],
        output_core_dims=[["y"], ["y"]],
        dask="parallelized",
        output_dtypes=[float, int],
    )
    part, calls = evaluated(xr.Dataset(dict(zip("ab", pair, strict=True))))
    assert part.grid.shape == (4, 1)
    assert calls == 4


def averaged(run):
    x = run["electrostatic_energy"]
    return xr.Dataset({"x": x, "mean": x.mean("walker")})


SHARED = {
    "concat of two observables": lambda run: xr.concat(
        [run["electrostatic_energy"], run["acceptance"].rename("electrostatic_energy")],
        "kind",
        coords="minimal",
        compat="override",
    ).rename("both"),
    "deviations from the mean": lambda run: (
        run["electrostatic_energy"] - run["electrostatic_energy"].mean("walker")
    ),
    "with its mean": averaged,
    "with a total": lambda run: averaged(run).assign(total=run["acceptance"].sum()),
    "shifted": lambda run: (
        run["electrostatic_energy"] - run["electrostatic_energy"].roll(T=1, roll_coords=False)
    ),
    "shared behind the first block": lambda run: xr.concat(
        [
            run["electrostatic_energy"].isel(T=[0]),
            (run["electrostatic_energy"] - run["electrostatic_energy"].mean("walker")).isel(T=[1]),
        ],
        "T",
    ),
}


@pytest.mark.parametrize("name", SHARED)
def test_the_simulation_runs_once_for_all_that_share_it(name, tmp_path, kernels):
    asked = SHARED[name](run(chunks={"T": 1, "walker": 1}))
    found = xg.store.evaluate(asked, tmp_path / "data.zarr", progress=False)
    assert len(kernels) == 6
    xr.testing.assert_identical(found.compute(scheduler="sync"), asked.compute(scheduler="sync"))


def test_blocks_that_share_across_the_diagonal_run_once(evaluated):
    """x + x.T: block (0, 1) and block (1, 0) need the same two."""
    x = lazy(["x", "y"], (4, 4), (2, 2))
    _, calls = evaluated((x + xr.DataArray(x.data.T, dims=["x", "y"])).to_dataset(name="v"))
    assert calls == 4


@pytest.mark.parametrize("place", ["tests.somewhere", "xglass.engine"])
def test_work_is_not_taken_for_fetching_by_its_name(place, evaluated, monkeypatch):
    monkeypatch.setattr(stored_energy, "__module__", place)
    x = lazy(["x"], (6,), (2,), function=stored_energy)
    _, calls = evaluated(xr.concat([x, -x], "kind").to_dataset(name="v"))
    assert calls == 3


def test_only_what_is_shared_is_merged():
    x = lazy(["x", "y"], (4, 6), (1, 2))
    assert bounds(x - x.mean("y")) == {"x": (0, 1, 2, 3, 4), "y": (0, 6)}
    pairs = xr.concat([x.isel(x=slice(0, 2)) - x.isel(x=slice(0, 2)).mean("x"), x.isel(x=slice(2, 4))], "x")
    assert bounds(pairs)["x"] == (0, 2, 3, 4)


# -- nothing is merged without need ------------------------------------------------------------------


def test_blocks_of_a_run_keep_their_regions():
    with xg.testing.forbid_compute():
        whole = run(chunks={"T": 1, "walker": 1})
        assert Regions(whole).grid.shape == (2, 3, 1, 1)
        disordered = xg.testing.tiny_run(
            xg.testing.tiny_glass(
                site_energy=xg.random_site_energy(16, strength=0.1, convention="std", realization=2, seed=1),
                eta=[-1.0, -0.5],
            ),
            chunks={"realization": 1, "eta": 1, "T": 1, "walker": 1},
        )
        assert Regions(disordered).grid.size == 2 * 2 * 2 * 3
        observables = xr.Dataset(
            {"C": xg.autocorrelation(whole, waiting_time=1), "K": xg.kinetic_energy(whole)}
        )
        assert {dim: len(b) - 1 for dim, b in bounds(observables).items() if dim in ("T", "walker")} == {
            "T": 2,
            "walker": 3,
        }


def test_fits_of_runs_keep_one_region_for_each_temperature(tmp_path, kernels):
    long = run(walker=4, sweep=8)
    C = xg.autocorrelation(long, waiting_time=1)
    tau = xg.jackknife(lambda C: xg.fits.stretched_exponential(C.mean("walker")), C, dim="walker", blocks=2)
    assert bounds(tau)["T"] == (0, 1, 2)
    xg.store.evaluate(tau, tmp_path / "tau.zarr", progress=False)
    assert len(kernels) == 2
    assert xg.store.progress(tmp_path / "tau.zarr").total == 2


def test_a_shared_input_is_no_shared_work(tmp_path):
    """Numbers in memory, or of another store, may be fetched twice."""
    x = lazy(["x", "y"], (4, 6), (1, 6))
    stored = xg.store.evaluate(x.rename("v"), tmp_path / "x.zarr", progress=False)
    common = xr.DataArray(da.from_array(np.arange(6.0), chunks=3), dims="y").chunk(y=-1)
    assert bounds(x + common)["x"] == (0, 1, 2, 3, 4)
    assert bounds(x + stored.isel(x=0))["x"] == (0, 1, 2, 3, 4)


# -- chunks on disk ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        ((4, 4, 2), 4),
        ((2, 1, 2, 2, 3), 1),
        ((99, 99, 99, 3), 99),
        ((6, 9, 3), 3),
        ((100, 37), 100),
        ((64, 63), 64),
        ((7,), 7),
    ],
)
def test_irregular_chunks_are_written_in_their_common_size(chunks, expected):
    regions = Regions(xr.Dataset({"v": ("x", da.zeros(sum(chunks), chunks=(chunks,)))}))
    assert regions.chunk_shape("v") == (expected,)
    assert regions.grid.bounds["x"] == (0, *np.cumsum(chunks).tolist())


def test_pieces_put_together_and_selections_are_stored(evaluated):
    x, y = lazy(["x"], (7,), (3,)), lazy(["x"], (5,), (2,))
    part, calls = evaluated(xr.concat([x.isel(x=slice(1, None)), y], "x").to_dataset(name="v"))
    assert part.grid.bounds["x"] == (0, 2, 5, 6, 8, 10, 11)
    assert calls == 3 + 3


def test_chunks_without_a_common_size_are_refused(tmp_path):
    x = xr.DataArray(da.zeros(400, chunks=100), dims="x", name="energy").isel(x=slice(1, None))
    with pytest.raises(
        ValueError,
        match=r"'energy' is split along 'x' in chunks \(99, 100, 100, 100\).*write \.chunk\(x=100\)",
    ):
        xg.store.evaluate(x, tmp_path / "x.zarr", progress=False)
    assert not (tmp_path / "x.zarr").exists()
    xg.store.evaluate(x.chunk(x=100), tmp_path / "x.zarr", progress=False)


def test_unknown_chunks_are_refused(tmp_path):
    x = da.arange(10, chunks=5)
    with pytest.raises(
        ValueError, match=r"chunks of 'x' along 'i' have unknown sizes; write \.data\.compute_chunk_sizes"
    ):
        xg.store.evaluate(xr.DataArray(x[x > 3], dims="i", name="x"), tmp_path / "x.zarr", progress=False)


@pytest.mark.parametrize(
    ("shape", "chunks", "dtype"),
    [
        ((2**14, 2**14), -1, "f8"),
        ((10_007, 10_007), -1, "f8"),
        ((2 * 10_001, 10_001), (10_001, 10_001), "f8"),
        ((4, 5, 30_000_001), (1, 5, -1), "i1"),
        ((3, 90_000_000), (3, 30_000_000), "c16"),
        ((8_000_000,), -1, "f8"),
    ],
)
def test_huge_blocks_are_cut_on_disk(shape, chunks, dtype):
    dims = [f"d{k}" for k in range(len(shape))]
    with xg.testing.forbid_compute():
        regions = Regions(xr.Dataset({"x": (dims, da.zeros(shape, chunks=chunks, dtype=dtype))}))
        cut = regions.chunk_shape("x")
    assert np.prod(cut) * np.dtype(dtype).itemsize <= CHUNK_BYTES
    assert np.prod(cut) * np.dtype(dtype).itemsize > CHUNK_BYTES / 16  # and no smaller than need be
    for dim, size in zip(dims, cut, strict=True):
        assert all(bound % size == 0 for bound in regions.grid.bounds[dim][:-1])

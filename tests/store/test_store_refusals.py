"""What a store cannot hold or find is said before anything is written, with the way out."""

import dask.array as da
import numpy as np
import pytest
import xarray as xr

import xglass as xg


def lazy(**variables):
    """One lazy variable, and what else is given."""
    return xr.Dataset({"energy": ("x", da.arange(4.0, chunks=2)), **variables})


def evaluate(data, path, **options):
    return xg.store.evaluate(data, path, progress=False, **options)


LAZY = lazy()


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """A finished store of what no solver made."""
    path = tmp_path_factory.mktemp("store") / "energy.zarr"
    evaluate(LAZY, path)
    return path


# -- paths -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("use", ["evaluate", "load", "progress", "failures", "verify"])
@pytest.mark.parametrize(
    ("path", "error", "message"),
    [
        ("", ValueError, "path is empty; write the name of a folder"),
        ("  ", ValueError, "path is empty"),
        (5, TypeError, "path must be the name of a folder such as 'run.zarr', got int"),
        (None, TypeError, "path must be .* got NoneType"),
        (b"run.zarr", TypeError, "path must be .* got bytes"),
        (
            "s3://bucket/run.zarr",
            ValueError,
            "path must be a folder of this machine, got 's3://bucket/run.zarr'",
        ),
        ("file", ValueError, "is a file; write the name of a folder"),
        ("store/inside", ValueError, "lies inside another store, '.*'; choose a folder outside"),
        ("store/energy", ValueError, "lies inside another store"),
        (
            "other",
            ValueError,
            r"holds other files \(notes.txt\) and is no store of xglass; choose another folder",
        ),
        ("foreign", ValueError, "is no store of xglass"),
    ],
)
def test_paths_that_cannot_be_stores(use, path, error, message, tmp_path, store, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("text")
    (tmp_path / "store").symlink_to(store)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").write_text("text")
    if path == "foreign":
        xr.Dataset({"x": ("i", [1.0])}).to_zarr(tmp_path / "foreign", consolidated=False, zarr_format=3)
    before = sorted(map(str, tmp_path.rglob("*")))
    arguments = (LAZY, path) if use == "evaluate" else (path,)
    with pytest.raises(error, match=message):
        getattr(xg.store, use)(*arguments)
    assert sorted(map(str, tmp_path.rglob("*"))) == before


@pytest.mark.parametrize("use", ["load", "progress", "failures", "verify"])
def test_nothing_is_there(use, tmp_path):
    with pytest.raises(
        FileNotFoundError, match="there is no store '.*run.zarr'; make one by xg.store.evaluate"
    ):
        getattr(xg.store, use)(tmp_path / "run.zarr")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileNotFoundError, match="there is no store"):
        getattr(xg.store, use)(tmp_path / "empty")
    assert [entry.name for entry in tmp_path.iterdir()] == ["empty"]


def test_an_empty_folder_and_a_home_folder_become_stores(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "empty").mkdir()
    evaluate(LAZY, tmp_path / "empty")
    evaluate(LAZY, "~/new/folders/energy.zarr")
    assert xg.store.progress(tmp_path / "new" / "folders" / "energy.zarr").fraction == 1.0


# -- data --------------------------------------------------------------------------------------------

RUN = xg.testing.tiny_run(weight="classical", chunks={"T": 1})
DATA = {
    "numbers in memory": (
        lambda: LAZY.compute(),
        TypeError,
        r"data are already computed; save them with data.to_zarr\(path, consolidated=False\).*chunks='auto'",
    ),
    "an array in memory": (lambda: LAZY["energy"].compute(), TypeError, "already computed"),
    "nothing": (lambda: xr.Dataset(), TypeError, "already computed|nothing"),
    "coordinates only": (lambda: xr.Dataset(coords=RUN.coords), TypeError, "already computed|nothing"),
    "numpy": (lambda: np.zeros(3), TypeError, "data must be a lazy Dataset or DataArray, got ndarray"),
    "dask": (lambda: da.zeros(3), TypeError, "data must be a lazy Dataset or DataArray, got Array"),
    "a path": (lambda: "run.zarr", TypeError, "data must be a lazy Dataset or DataArray, got str"),
    "a dictionary": (lambda: {"x": LAZY["energy"]}, TypeError, "got dict"),
    "lazy coordinates": (
        lambda: lazy().assign_coords(label=("x", da.arange(4, chunks=2))),
        TypeError,
        r"the parameters \['label'\] are dask arrays .*must be in memory; write data.assign_coords",
    ),
    "a run chunked as a whole": (
        lambda: RUN.chunk(sweep=2),
        TypeError,
        "the parameters .*'hopping'.* are dask arrays",
    ),
    "objects": (
        lambda: lazy(note=("x", np.array([1, "a", None, {}], dtype=object))),
        TypeError,
        "'note' is of type object",
    ),
    "lazy objects": (
        lambda: LAZY.astype(object),
        TypeError,
        "'energy' is of type object; a store holds numbers",
    ),
    "strings as data": (
        lambda: lazy(note=("x", list("abcd"))),
        TypeError,
        "'note' is of type <U1; .* convert or drop it",
    ),
    "dates": (
        lambda: lazy().assign_coords(day=("x", np.arange(4).astype("M8[ns]"))),
        TypeError,
        r"'day' is of type datetime64\[ns\]; .* convert or drop it",
    ),
    "durations": (lambda: (LAZY * 1e9).astype("m8[ns]"), TypeError, "'energy' is of type timedelta64"),
    "mixed objects": (
        lambda: lazy().assign_coords(note=("x", np.array([1, "a", 2, "b"], dtype=object))),
        TypeError,
        "'note' is of type object",
    ),
    "bytes": (
        lambda: lazy().assign_coords(note=("x", np.array([b"a"] * 4))),
        TypeError,
        r"'note' is of type \|S1",
    ),
    "name done": (
        lambda: LAZY.rename(energy="done"),
        ValueError,
        "'done' cannot be the name of a stored variable; rename it",
    ),
    "coordinate done": (
        lambda: lazy().assign_coords(done=1),
        ValueError,
        "from a store that is not finished",
    ),
    "name regions": (lambda: LAZY.rename(energy="regions"), ValueError, "'regions' cannot be the name"),
    "name growth": (lambda: LAZY.rename(energy="growth-1"), ValueError, "'growth-1' cannot be the name"),
    "name of metadata": (
        lambda: LAZY.rename(energy="zarr.json"),
        ValueError,
        "'zarr.json' cannot be the name",
    ),
    "name with a slash": (lambda: LAZY.rename(energy="a/b"), ValueError, "'a/b' cannot be the name"),
    "hidden name": (lambda: LAZY.rename(energy=".a"), ValueError, "'.a' cannot be the name"),
    "empty name": (lambda: LAZY.rename(energy=""), ValueError, "'' cannot be the name"),
    "name that is a number": (lambda: LAZY.rename(energy=5), ValueError, "5 cannot be the name"),
    "reserved name of an array": (
        lambda: LAZY["energy"].rename("done"),
        ValueError,
        "'done' cannot be the name",
    ),
    "empty": (
        lambda: LAZY.isel(x=slice(0)),
        ValueError,
        r"'energy' is empty: it has shape \(0,\) along \('x',\)",
    ),
    "empty array": (lambda: RUN["acceptance"].isel(T=[]), ValueError, "is empty: it has shape .* along"),
    "empty coordinate": (
        lambda: lazy().assign_coords(note=("y", np.zeros(0))),
        ValueError,
        "'note' is empty",
    ),
}


@pytest.mark.parametrize("name", DATA)
def test_data_that_cannot_be_stored(name, tmp_path):
    make, error, message = DATA[name]
    data = make()
    with pytest.raises(error, match=message), xg.testing.forbid_compute():
        evaluate(data, tmp_path / "data.zarr")
    assert [*tmp_path.iterdir()] == []


# -- options -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "shard",
    ["a/b", "3/2", "0/0", "1", 5, "-1/2", "1/2/3", "", "1/", "/2", " 1/2", "1/2\n", "1.0/2", (1, 2), 0, True],
)
def test_malformed_shards(shard, tmp_path):
    with pytest.raises(ValueError, match="shard must be 'i/n' with 1 <= i <= n, such as '2/8', got"):
        evaluate(LAZY, tmp_path / "data.zarr", shard=shard)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize("progress", [1, 0, None, "yes"])
def test_progress_is_true_or_false(progress, tmp_path):
    with pytest.raises(TypeError, match=f"progress must be True or False, got {progress!r}"):
        xg.store.evaluate(LAZY, tmp_path / "data.zarr", progress=progress)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.parametrize(
    "fraction", [0, 0.0, -0.1, 1.1, 2, float("nan"), float("inf"), True, "0.1", None, 1j]
)
def test_the_fraction_to_verify_lies_between_0_and_1(fraction, store):
    with pytest.raises(ValueError, match=r"fraction must be a number in \(0, 1\], got "):
        xg.store.verify(store, fraction, data=LAZY)


@pytest.mark.parametrize(
    ("seed", "error"), [(-1, ValueError), (0.5, ValueError), ("a", TypeError), (2**64 + 1, ValueError)]
)
def test_the_seed_of_a_sample_is_a_whole_number(seed, error, store):
    with pytest.raises(error, match="seed"):
        xg.store.verify(store, data=LAZY, seed=seed)


def test_what_no_solver_made_is_verified_with_its_data_only(store):
    with pytest.raises(ValueError, match="no run straight from a solver, .*; pass data="):
        xg.store.verify(store)
    assert xg.store.verify(store, 1, data=LAZY) == 2
    assert xg.store.verify(store, np.float64(0.5), data=LAZY) == 1
    with pytest.raises(ValueError, match="holds something else"):
        xg.store.verify(store, data=LAZY + 1)
    with pytest.raises(TypeError, match="data must be a lazy Dataset"):
        xg.store.verify(store, data=np.zeros(4))


def test_nothing_done_is_nothing_to_verify(tmp_path):
    evaluate(LAZY["energy"].chunk(x=-1), tmp_path / "data.zarr", shard="1/2")
    with pytest.raises(ValueError, match="no region of '.*data.zarr' is done yet; call evaluate first"):
        xg.store.verify(tmp_path / "data.zarr", data=LAZY["energy"].chunk(x=-1))


@pytest.mark.parametrize("attrs", [{"model": object()}, {"table": xr.DataArray([1.0])}])
def test_attributes_that_no_metadata_can_hold_are_refused_by_name(attrs, tmp_path):
    with pytest.raises((TypeError, ValueError), match=next(iter(attrs))):
        evaluate(LAZY["energy"].assign_attrs(attrs), tmp_path / "data.zarr")
    assert [*tmp_path.iterdir()] == []

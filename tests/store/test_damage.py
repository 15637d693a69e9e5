"""Whatever happens to a store, what it gives is right or refused: full disks, broken bits, foreign files,
crafted files, interruptions.
"""

import contextlib
import dataclasses
import errno
import json
import os
import pickle
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import dask
import numcodecs
import numcodecs.pickles
import numpy as np
import pytest
import xarray as xr
import zarr
import zarr.registry
from zarr.abc.codec import BytesBytesCodec
from zarr.storage import LocalStore

import xglass as xg
from xglass.store import __main__ as command
from xglass.store import disk

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "store_kills.py"
REGIONS, FIELDS = 6, 2
#: Every metadata file of a store of lazy().
METADATA = [
    "zarr.json",
    *(f"{name}/zarr.json" for name in ("n", "e", "T", "field", "regions", "regions/done", "regions/error")),
]


class State:
    """What the mock has started, and where it is to raise."""

    started: list[int] = []
    raising: dict[int, Exception] = {}


def occupations(label):
    State.started += label.ravel().tolist()
    for k in label.ravel().tolist():
        if k in State.raising:
            raise State.raising[k]
    return (label[..., None] + np.arange(16)).astype(np.int8) % 2


def energies(label):
    return np.sqrt(label[..., None] + np.arange(8.0))


def lazy(offset=0):
    """Six regions over two dimensions, each of an int8 and a float64."""
    label = xr.DataArray(
        np.arange(offset, REGIONS + offset).reshape(-1, FIELDS), {"T": [0.1, 0.2, 0.3], "field": [5, 7]}
    )
    apply = {"dask": "parallelized", "output_core_dims": [["site"]]}
    label = label.chunk(T=1, field=1)
    n = xr.apply_ufunc(
        occupations,
        label,
        output_dtypes=[np.int8],
        dask_gufunc_kwargs={"output_sizes": {"site": 16}},
        **apply,
    )
    e = xr.apply_ufunc(
        energies,
        label,
        output_dtypes=[float],
        dask_gufunc_kwargs={"output_sizes": {"level": 8}},
        **apply | {"output_core_dims": [["level"]]},
    )
    return xr.Dataset({"n": n, "e": e}, attrs={"title": "mock"})


@pytest.fixture(autouse=True)
def _state():
    State.started, State.raising = [], {}
    with dask.config.set(num_workers=2):
        yield


@pytest.fixture(scope="module")
def want():
    with dask.config.set(scheduler="synchronous"):
        return lazy().compute()


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.zarr"


@pytest.fixture
def half(path):
    """A store of which the regions 0, 2, 4 are done."""
    evaluate(path, shard="2/2")
    assert sorted(State.started) == [0, 2, 4]
    return path


@pytest.fixture
def full(path):
    evaluate(path)
    return path


def evaluate(path, **arguments):
    """Evaluate the mock, with the log of starts beginning anew."""
    State.started = []
    return xg.store.evaluate(lazy(), path, progress=False, **arguments)


def files(path):
    """Content and time of every file, so that a file written anew with the same bytes counts too."""
    return {
        str(f.relative_to(path)): (f.read_bytes(), f.stat().st_mtime_ns)
        for f in sorted(path.rglob("*"))
        if f.is_file()
    }


def marked(path):
    """Which regions are done, by the files of their marks."""
    names = (
        file.name.split(".")
        for file in (path / "regions" / "done").glob("c.*")
        if not file.name.endswith(".partial")
    )
    return sorted(int(name[1]) * FIELDS + int(name[2]) for name in names)


def same(stored, want):
    stored = stored.compute()
    xr.testing.assert_identical(stored, want)
    assert all(stored[name].values.tobytes() == want[name].values.tobytes() for name in want.variables)


def finish(path, want, todo):
    """Evaluate what is left: exactly ``todo``, and all is right."""
    same(evaluate(path), want)
    assert sorted(State.started) == sorted(todo)
    assert marked(path) == [*range(REGIONS)]
    same(xg.store.load(path), want)


def child(code, *arguments, **options):
    """Run code in another process that may import store_kills."""
    start = f"import sys; sys.path.insert(0, {str(SCRIPT.parent)!r})\n"
    return subprocess.Popen(
        [sys.executable, "-c", start + code, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **options,
    )


def output(process, code=0):
    """What a child has printed."""
    try:
        out, err = process.communicate(timeout=60)
    finally:
        process.kill()
    assert process.returncode == code, f"{out[-2000:]}\n{err[-4000:]}"
    return out, err


# --- the disk refuses ---------------------------------------------------------------------------------------


class Full:
    """A disk that is full after so many files."""

    def __init__(self, monkeypatch, number=errno.ENOSPC):
        self.left, self.calls, original = 10**9, 0, LocalStore.set

        async def set(store, key, value, *rest, **more):
            self.calls += 1
            self.left -= 1
            if self.left < 0:
                raise OSError(number, os.strerror(number))
            return await original(store, key, value, *rest, **more)

        monkeypatch.setattr(LocalStore, "set", set)


def test_a_full_disk_at_any_file_leaves_a_store_that_goes_on(monkeypatch, tmp_path, want):
    full = Full(monkeypatch)
    evaluate(tmp_path / "whole.zarr")
    total, full.left, full.calls = full.calls, 10**9, 0
    assert total > 3 * REGIONS, "chunks of two variables, marks and metadata"
    seen = set()
    for room in sorted({*range(0, total, 4), *range(total - 6, total)}):
        path, full.left = tmp_path / f"{room}.zarr", room
        with pytest.raises(OSError, match=re.escape(str(path))) as refused:
            evaluate(path)
        assert refused.value.errno == errno.ENOSPC, room
        full.left, done = 10**9, []
        if path.exists():
            done = marked(path)
            assert f"{len(done)} of {REGIONS} regions" in str(refused.value), room
            assert xg.store.progress(path).done == len(done)
            stored = xg.store.load(path, partial=True).compute()
            for k in done:
                place = {"T": k // FIELDS, "field": k % FIELDS}
                assert all(
                    stored[v].isel(place).values.tobytes() == want[v].isel(place).values.tobytes()
                    for v in ("n", "e")
                )
        assert not [entry.name for entry in tmp_path.iterdir() if entry.name.endswith(".partial")], room
        seen.add(len(done) if path.exists() else "no store")
        finish(path, want, {*range(REGIONS)} - {*done})
    assert {"no store", 0, 1, REGIONS - 1} <= seen, "the disk was full in all stages"


def test_a_full_disk_while_an_error_is_recorded_is_said(monkeypatch, half, want):
    State.raising = {1: RuntimeError("bad luck")}
    full = Full(monkeypatch)
    full.left = 0
    with pytest.raises(OSError, match=re.escape(str(half))) as refused:
        evaluate(half)
    assert refused.value.errno == errno.ENOSPC
    State.raising, full.left = {}, 10**9
    finish(half, want, [1, 3, 5])


LIMIT = """
import resource, signal, numpy as np, xarray as xr, xglass as xg, dask
started = []
def work(label):
    started.append(int(label.ravel()[0]))
    draw = np.random.default_rng(started[-1]).random
    values = draw((1, 20000)) if started[-1] % 2 else np.zeros((1, 20000))
    return values
def lazy():
    label = xr.DataArray(np.arange(6), dims="T").chunk(T=1)
    return xr.apply_ufunc(work, label, output_core_dims=[["x"]], dask="parallelized", output_dtypes=[float],
                          dask_gufunc_kwargs={"output_sizes": {"x": 20000}})
def limited(size):
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    try:
        xg.store.evaluate(lazy(), path, progress=False)
    except OSError as error:
        print(error.errno, error)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
path = sys.argv[1]
dask.config.set(num_workers=2)
import os
limited(64)
print(os.listdir(os.path.dirname(path)))
limited(100_000)
state = xg.store.progress(path)
done = set(np.flatnonzero(xg.store.load(path, partial=True)["done"].values).tolist())
print(state.done, len(done), done <= {0, 2, 4})
started.clear()
got = xg.store.evaluate(lazy(), path, progress=False).compute()
print(set(started) == set(range(6)) - done, got.values.tobytes() == lazy().compute().values.tobytes())
"""


def test_a_quota_is_an_error_with_its_number_and_the_next_call_goes_on(tmp_path):
    path = tmp_path / "run.zarr"
    creation, left, region, state, end = output(child(LIMIT, path))[0].splitlines()
    assert creation.startswith(str(errno.EFBIG))
    assert str(path) in creation
    assert left == "[]", "nothing is left of a store that could not be made"
    assert region.startswith(str(errno.EFBIG))
    done, also, right = state.split()
    assert done == also
    assert right == "True"
    assert str(path) in region
    assert f"{done} of 6 regions" in region
    assert end == "True True"


READ_ONLY = """
import os, tempfile, dask, store_kills, xglass as xg
# whoever may not write may not be able to import either: everything before
with tempfile.TemporaryDirectory() as own:
    again = xg.store.evaluate(store_kills.lazy(1, 2, 0.0), f"{own}/s.zarr", progress=False)
    xg.store.verify(f"{own}/s.zarr", data=store_kills.lazy(1, 2, 0.0))
    try:
        xg.store.evaluate(store_kills.lazy(1, 1, 0.0), f"{own}/s.zarr", progress=False)
    except ValueError:
        pass
if os.getuid() == 0:
    os.setgroups([]); os.setgid(65534); os.setuid(65534)  # permissions do not hold root back
folder = sys.argv[1]
data = store_kills.lazy(1, 2, 0.0)
for name in ("half", "new"):
    try:
        xg.store.evaluate(data, f"{folder}/{name}.zarr", progress=False)
    except BaseException as error:
        print(name, isinstance(error, OSError) and error.errno, " ".join(str(error).split()))
half = xg.store.load(f"{folder}/half.zarr", partial=True)["n"]
print(xg.store.progress(f"{folder}/half.zarr").done, half.count().compute().item())
full = xg.store.evaluate(data, f"{folder}/full.zarr", progress=False)
verified = xg.store.verify(f"{folder}/full.zarr", 1.0, data=data)
print(full.identical(xg.store.load(f"{folder}/full.zarr")), verified)
"""


@pytest.mark.skipif(not hasattr(os, "getuid"), reason="permissions of POSIX")
def test_a_folder_that_may_not_be_written_is_said_and_finished_stores_in_it_are_read(tmp_path):
    make = "import store_kills, xglass as xg\nfor name, shard in (('half', '1/2'), ('full', None)):\n"
    make += (
        "    xg.store.evaluate(store_kills.lazy(1, 2, 0.0), f'{sys.argv[1]}/{name}.zarr', "
        "progress=False, shard=shard)"
    )
    folder = Path(tempfile.mkdtemp(prefix="xglass-"))  # not below tmp_path, which others may not enter
    try:
        output(child(make, folder))
        for place in (folder, *folder.rglob("*")):
            place.chmod(0o555 if place.is_dir() else 0o444)
        before = files(folder)
        half, new, state, full = output(child(READ_ONLY, folder))[0].splitlines()
        assert files(folder) == before
    finally:
        for place in (folder, *(p for p in folder.rglob("*") if p.is_dir())):
            place.chmod(0o755)
        shutil.rmtree(folder)
    for line, name in ((half, "half"), (new, "new")):
        assert line.startswith(f"{name} {errno.EACCES} "), line
        assert f"{folder}/{name}.zarr" in line
    assert "1 of 2 regions" in half
    assert state.startswith("1 ")
    assert full == "True 2"


def test_a_read_only_file_system_is_said(monkeypatch, half, want):
    full = Full(monkeypatch, errno.EROFS)
    full.left = 0
    with pytest.raises(OSError, match=f"{re.escape(str(half))}.*3 of 6") as refused:
        evaluate(half)
    assert refused.value.errno == errno.EROFS
    full.left = 10**9
    finish(half, want, [1, 3, 5])


# --- the path is taken --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("other", "difference"),
    [
        (lambda: lazy(offset=100), "values of an input array"),
        (lambda: lazy().assign_attrs(title="another"), r"title: the store has 'mock', you ask for 'another'"),
        (
            lambda: lazy().assign_coords(T=[0.1, 0.2, 0.4]),
            r"T: the store has \[0.1, 0.2, 0.3\], you ask for \[0.1, 0.2, 0.4\]",
        ),
        (lambda: lazy().drop_vars("e"), r"e: the store has"),
        (lambda: lazy()["n"], r"kind: the store has 'Dataset', you ask for 'DataArray'"),
        (lambda: lazy().chunk(T=3), r"chunks of n: the store has \[\[1, 1, 1\]|rechunk"),
        (lambda: xg.testing.tiny_run(), "T: the store has"),
    ],
    ids=["values", "attrs", "coords", "variables", "kind", "chunks", "run"],
)
def test_a_store_of_other_data_is_refused_with_what_differs_and_not_touched(half, other, difference):
    before = files(half)
    with pytest.raises(ValueError, match=f"(?s){re.escape(str(half))}.*{difference}"):
        xg.store.evaluate(other(), half, progress=False)
    assert files(half) == before


@pytest.mark.parametrize("kind", ["files", "zarr group", "xarray", "zarr 2", "file", "inside"])
def test_what_is_no_store_is_refused_and_not_touched(path, kind, want):
    place = path
    if kind == "files":
        path.mkdir()
        (path / "thesis.tex").write_text("years")
    elif kind == "file":
        path.write_text("years")
    elif kind == "xarray":
        want.to_zarr(path, consolidated=False)
    else:
        zarr.open_group(path, mode="w", zarr_format=2 if kind == "zarr 2" else 3).create_array(
            "x", data=np.arange(3)
        )
        place = path / "x" / "run.zarr" if kind == "inside" else path
    before = files(path.parent)
    for function in (evaluate, xg.store.load, xg.store.progress, xg.store.failures, xg.store.verify):
        with pytest.raises(ValueError, match=re.escape(str(path))):
            function(place)
    assert files(path.parent) == before


# --- broken bits --------------------------------------------------------------------------------------------


def flip(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


#: What happens to files.
HARM = {
    "flipped": flip,
    "cut": lambda file: file.write_bytes(file.read_bytes()[: file.stat().st_size // 2]),
    "empty": lambda file: file.write_bytes(b""),
    "gone": lambda file: file.unlink(),
}


def chunk_of(path, name, k):
    (file,) = (path / name / "c" / str(k // FIELDS) / str(k % FIELDS)).iterdir()
    return file


@pytest.mark.parametrize("name", ["n", "e"])
@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_chunk_is_an_error_and_just_its_region_is_computed_again(full, want, harm, name):
    HARM[harm](chunk_of(full, name, 3))
    stored = xg.store.load(full)
    with pytest.raises(ValueError) as refused:
        stored.compute()
    for word in (str(full), repr(name), "'T': 0.2", "'field': 7"):
        assert word in str(refused.value)
    for partial in (False, True):
        with pytest.raises(ValueError, match=re.escape(str(full))):
            xg.store.load(full, partial=partial)[name].isel(T=1, field=1).compute()
    same(stored.isel(T=[0, 2]), want.isel(T=[0, 2]))
    with pytest.warns(UserWarning, match="1 regions are damaged|1 region is damaged") as warned:
        again = evaluate(full)
    (warning,) = warned
    for word in (str(full), repr(name), "'T': 0.2", "'field': 7"):
        assert word in str(warning.message)
    assert State.started == [3]
    same(again, want)
    finish(full, want, [])


def test_parts_of_a_store_are_read_as_those_of_memory(full, want):
    stored = xg.store.load(full)
    for part in (
        lambda x: x.isel(T=1),
        lambda x: x.isel(T=-1, field=0),
        lambda x: x.sel(T=0.2, field=7),
        lambda x: x.isel(T=[2, 0]),
        lambda x: x.isel(field=slice(None, None, -1)),
        lambda x: x.isel(site=[3, 1]).isel(T=0),
        lambda x: x.isel(T=slice(0, 0)),
    ):
        same(part(stored), part(want))


@pytest.mark.parametrize("harm", HARM)
def test_verify_reports_a_damaged_chunk_and_takes_its_mark_back(full, want, harm):
    assert xg.store.verify(full, 1.0, data=lazy()) == REGIONS
    HARM[harm](chunk_of(full, "e", 3))
    with pytest.raises(ValueError, match=r"1 of 6 regions.*\n.*'T': 0.2, 'field': 7.*damaged") as refused:
        xg.store.verify(full, 1.0, data=lazy())
    assert str(full) in str(refused.value)
    assert marked(full) == [0, 1, 2, 4, 5]
    finish(full, want, [3])


def test_verify_finds_whole_chunks_with_other_numbers(full, want):
    """A chunk with a right checksum from elsewhere: only the digest tells."""
    shutil.copy(chunk_of(full, "e", 2), chunk_of(full, "e", 3))
    with pytest.raises(ValueError, match="'T': 0.2, 'field': 7.*damaged"):
        xg.store.verify(full, 1.0, data=lazy())
    finish(full, want, [3])


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_mark_is_no_mark_or_found(full, want, harm):
    """A mark that was cut off, as by a loss of power, says nothing; one with other bits is told by verify."""
    HARM[harm](full / "regions" / "done" / "c.1.1.0.0")
    if harm == "flipped":
        with pytest.raises(ValueError, match="'T': 0.2, 'field': 7"):
            xg.store.verify(full, 1.0, data=lazy())
    assert xg.store.progress(full).done == 5
    with pytest.raises(ValueError, match="1 of 6 regions"):
        xg.store.load(full)
    finish(full, want, [3])


def test_a_mark_that_vanishes_while_marks_are_read_is_no_mark(full, want):
    """Another process, or verify itself, may take marks back between the listing of a folder and the reading
    of a file.
    """
    mark = full / "regions" / "done" / "c.1.1.0.0"
    mark.unlink()
    mark.symlink_to("nowhere")  # listed, and not there when it is read
    assert xg.store.progress(full).done == 5
    assert xg.store.load(full, partial=True)["done"].sum() == 5
    finish(full, want, [3])


def test_verify_reports_all_that_is_damaged(full, want):
    for k in range(REGIONS):
        flip(chunk_of(full, "e", k))
    with pytest.raises(ValueError, match="6 of 6 regions"):
        xg.store.verify(full, 1.0, data=lazy())
    assert marked(full) == []
    finish(full, want, range(REGIONS))


@pytest.mark.parametrize("harm", ["empty", "cut"])
def test_a_region_that_a_loss_of_power_took_with_its_mark_is_computed_again(full, want, harm):
    """Files are not forced to the disk: after a loss of power those written last may be short,
    marks and chunks alike.
    """
    for file in (full / "regions" / "done" / "c.1.1.0.0", chunk_of(full, "n", 3), chunk_of(full, "e", 3)):
        HARM[harm](file)
    finish(full, want, [3])


@pytest.mark.parametrize("harm", HARM)
def test_a_damaged_coordinate_is_refused(full, want, harm):
    file = full / "T" / "c" / "0"
    content = file.read_bytes()
    HARM[harm](file)
    before = files(full)
    for function in (xg.store.load, evaluate):
        with pytest.raises(ValueError, match=rf"{re.escape(str(full))}.*\bT\b|coordinate"):
            function(full)
        assert files(full) == before
    file.write_bytes(content)
    finish(full, want, [])


@pytest.mark.parametrize("harm", ["cut", "empty", "garbage", "other", "gone"])
@pytest.mark.parametrize("name", METADATA)
def test_damaged_metadata_are_refused_by_name_and_nothing_is_changed(half, want, name, harm):
    file = half / name
    content = file.read_bytes()
    match harm:
        case "garbage":
            file.write_bytes(b"\xff\x00" * 20)
        case "other":
            file.write_text("{}")
        case _:
            HARM[harm](file)
    before = files(half)
    for function in (evaluate, lambda path: xg.store.load(path, partial=True)):
        with pytest.raises(ValueError) as refused:
            function(half)
        assert str(half) in str(refused.value)
        parts = name.split("/")
        assert "zarr.json" in str(refused.value) or (
            len(parts) > 1 and parts[-2] in str(refused.value).replace(str(half), "")
        )
        assert files(half) == before
    file.write_bytes(content)
    finish(half, want, [1, 3, 5])


@pytest.mark.parametrize("harm", ["cut", "gone"])
def test_damaged_metadata_of_a_growth_are_refused(path, harm):
    def run(**more):
        return xg.testing.tiny_run(T=[0.1], **more)

    xg.store.evaluate(run(), path, progress=False)
    grown = xg.store.evaluate(run(walker=5), path, progress=False).compute()
    file = path / "growth-1" / "zarr.json"
    content = file.read_bytes()
    HARM[harm](file)
    before = files(path)
    for function in (
        xg.store.load,
        xg.store.progress,
        lambda path: xg.store.evaluate(run(walker=5), path, progress=False),
    ):
        with pytest.raises(ValueError, match="growth-1"):
            function(path)
        assert files(path) == before
    file.write_bytes(content)
    same(xg.store.load(path), grown)


# --- other versions -----------------------------------------------------------------------------------------


def edit(file, **attributes):
    meta = json.loads(file.read_text())
    meta["attributes"] |= attributes
    file.write_text(json.dumps(meta))


@pytest.mark.parametrize("version", [99, "1", None])
def test_a_store_of_another_format_is_refused(half, version):
    edit(half / "zarr.json", xglass_store=version)
    before = files(half)
    for function in (evaluate, xg.store.load, xg.store.progress, xg.store.failures, xg.store.verify):
        with pytest.raises(ValueError, match=f"format {version!r}"):
            function(half)
    assert files(half) == before


# --- a store is data ----------------------------------------------------------------------------------------


class Payload:
    """Makes a file when it is unpickled."""

    def __init__(self, file):
        self.file = file

    def __reduce__(self):
        return Path.touch, (Path(self.file),)


@dataclasses.dataclass(frozen=True)
class Trap(BytesBytesCodec):
    """A codec of some plugin that executes what it decodes."""

    is_fixed_size = False

    @classmethod
    def from_dict(cls, data):
        return cls()

    def to_dict(self):
        return {"name": "trap"}

    async def _decode_single(self, chunk, spec):
        pickle.loads(chunk.to_bytes())
        return chunk


@pytest.fixture
def trap(monkeypatch, tmp_path):
    """A file that whatever is executed makes.

    Everything that could be executed is allowed to be: only xglass stands in between.
    """
    zarr.registry.register_codec("trap", Trap)
    monkeypatch.setattr(numcodecs.pickles, "ALLOW_UNSAFE_PICKLE_DECODE", True)
    return tmp_path / "trapped"


def crafted_codec(store, name, payload, codec):
    """An array of zarr 3 that asks for a codec."""
    file = store / name / "zarr.json"
    meta = json.loads(file.read_text())
    meta["codecs"].append({"name": codec, "configuration": {"id": "pickle"}})
    file.write_text(json.dumps(meta))
    for chunk in [f for f in file.parent.rglob("*") if f.is_file() and f != file]:
        chunk.write_bytes(payload)


def crafted_v2(store, name, payload, _):
    """An array of zarr 2 with pickled objects."""
    meta = json.loads((store / name / "zarr.json").read_text())
    (store / name / "zarr.json").unlink()
    chunks = meta["chunk_grid"]["configuration"]["chunk_shape"]
    old = {
        "zarr_format": 2,
        "shape": meta["shape"],
        "chunks": chunks,
        "dtype": "|O",
        "fill_value": "",
        "order": "C",
    }
    old |= {"compressor": None, "filters": [{"id": "vlen-utf8"}, {"id": "pickle", "protocol": 5}]}
    (store / name / ".zarray").write_text(json.dumps(old))
    (store / name / ".zattrs").write_text(
        json.dumps({"_ARRAY_DIMENSIONS": meta.get("dimension_names") or []})
    )
    (store / name / ".".join("0" * len(chunks))).write_bytes(payload)


def crafted_consolidated(store, name, payload, codec):
    """Consolidated metadata in the root that tell otherwise than the arrays."""
    crafted_codec(store, name, payload, codec)
    meta, root = (
        json.loads((store / name / "zarr.json").read_text()),
        json.loads((store / "zarr.json").read_text()),
    )
    root["consolidated_metadata"] = {"kind": "inline", "must_understand": False, "metadata": {name: meta}}
    (store / "zarr.json").write_text(json.dumps(root))


@pytest.mark.parametrize("name", ["n", "T", "regions/done", "regions/error"])
@pytest.mark.parametrize(
    ("craft", "codec"),
    [
        (crafted_codec, "trap"),
        (crafted_codec, "numcodecs.pickle"),
        (crafted_v2, ""),
        (crafted_consolidated, "trap"),
    ],
)
def test_nothing_in_a_store_is_executed(half, trap, craft, codec, name):
    craft(half, name, pickle.dumps(Payload(str(trap))), codec)
    before = files(half)
    with pytest.raises(ValueError, match=re.escape(str(half))):
        evaluate(half)
    for function in (
        lambda path: xg.store.load(path, partial=True).compute(),
        xg.store.progress,
        xg.store.failures,
        lambda path: xg.store.verify(path, 1.0, data=lazy()),
    ):
        # what does not need the array need not look at it
        with (
            pytest.raises(ValueError, match=re.escape(str(half)))
            if craft is not crafted_v2
            else contextlib.suppress(ValueError)
        ):
            function(half)
    assert not trap.exists(), "something of the store was executed"
    assert files(half) == before


@pytest.mark.parametrize("craft", [crafted_codec, crafted_v2])
@pytest.mark.parametrize("name", ["n", "T"])
def test_zarr_itself_falls_into_these_traps(half, trap, craft, name):
    craft(half, name, pickle.dumps(Payload(str(trap))), "trap")
    with (
        warnings.catch_warnings(),
        contextlib.suppress(Exception),
    ):  # what was unpickled is no array: too late
        warnings.simplefilter("ignore")
        zarr.open_array(half / name, mode="r", zarr_format=2 if craft is crafted_v2 else 3)[:]
    assert trap.exists(), "the test above is void"


def test_a_nested_array_beside_the_data_is_not_opened(half, want, trap):
    (half / "more").mkdir()
    (half / "more" / "zarr.json").write_text(
        json.dumps({"zarr_format": 3, "node_type": "group", "attributes": {}})
    )
    shutil.copytree(half / "T", half / "more" / "T")
    crafted_codec(half, "more/T", pickle.dumps(Payload(str(trap))), "trap")
    finish(half, want, [1, 3, 5])
    assert not trap.exists()


def test_code_in_attributes_and_records_is_text(half, want, trap, damage):
    damage.unseal(half)
    code = f"__import__('pathlib').Path({str(trap)!r}).touch()"
    described = json.loads(json.loads((half / "zarr.json").read_text())["attributes"]["xglass_provenance"])
    edit(
        half / "zarr.json",
        xglass_provenance=json.dumps(described | {"attributes": {"code": code, "title": "{0.__class__}"}}),
        code=code,
        title="{0.__class__}",
        xglass_code=f"!!python/object/apply:os.system ['touch {trap}']",
    )
    edit(half / "n" / "zarr.json", units=code, dtype=code)
    edit(half / "T" / "zarr.json", units=f"days since {code}", calendar=code)
    (half / "regions" / "error" / "c.0.1.0.0.0").write_bytes(
        pickle.dumps(Payload(str(trap))).ljust(disk.ERROR_BYTES, b"\0")
    )
    stored = xg.store.load(half, partial=True)
    np.testing.assert_array_equal(stored["T"].values, want["T"].values)
    assert stored.attrs["code"] == code
    assert "xglass_code" not in stored.attrs
    repr(stored)
    stored.compute()
    assert xg.store.failures(half) == []
    command.main(["progress", str(half)])
    evaluate(half)
    assert not trap.exists()


# --- what killed processes leave ----------------------------------------------------------------------------


def leave(path):
    """What a kill leaves behind: half a chunk, half a mark, half a growth."""
    left = [
        path / "n" / "c" / "0" / "1" / "0.1f.partial",
        path / "regions" / "done" / "c.0.1f.partial",
        path / ".growth-1.1f.partial",
    ]
    for file in left:
        file.parent.mkdir(parents=True, exist_ok=True)
        if file.name.startswith(".growth"):
            file.mkdir()
            (file / "zarr.json").write_text(
                json.dumps({"zarr_format": 3, "node_type": "group", "attributes": {}})
            )
            (file / "n").mkdir()
        else:
            file.write_bytes(b"half")
    return left


HOLD = """
from xglass.store import folders
from pathlib import Path
with folders.occupied(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_left_over_files_are_swept_unless_another_process_is_at_the_store(half, want):
    holder = child(HOLD, half)
    try:
        assert holder.stdout.readline() == "held\n"
        left = leave(half)
        assert marked(half) == [0, 2, 4]
        assert xg.store.load(half, partial=True)["done"].sum() == xg.store.progress(half).done == 3
        finish(half, want, [1, 3, 5])
        assert all(file.exists() for file in left), "these may be what the other process writes"
    finally:
        holder.kill()  # its lock goes with it
        holder.communicate()
    finish(half, want, [])
    assert not any(file.exists() for file in left)
    assert not [*half.rglob("*.partial")]


@pytest.mark.parametrize("state", ["new", "half"])
def test_what_is_left_of_a_killed_creation_is_swept(request, path, state):
    if state == "half":
        request.getfixturevalue("half")
    young, old = (path.parent / f".{path.name}.{letter * 32}.partial" for letter in "ab")
    for folder in (young, old):
        folder.mkdir()
        (folder / "zarr.json").write_text("{}")
    os.utime(old, (time.time() - 7200,) * 2)
    evaluate(path)
    assert not young.exists(), "the store is there, so that whoever makes it just now comes too late"
    assert not old.exists()


# --- interruptions and errors -------------------------------------------------------------------------------

INTERRUPTED = """
import dask, signal, store_kills, xglass as xg
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs are born without
dask.config.set(num_workers=2)
data = store_kills.lazy(2, 10, 0.05)
try:
    xg.store.evaluate(data, sys.argv[1], progress=False)
    print("finished")
except KeyboardInterrupt as error:
    print("KeyboardInterrupt:", error)
"""


def test_ctrl_c_finishes_what_is_in_progress_and_says_how_far_it_is(path):
    log = path.with_name("log")
    environment = {**os.environ, "XGLASS_KILLS_LOG": str(log)}

    def started():
        return [int(line.split()[1]) for line in log.read_text().splitlines()] if log.exists() else []

    process, deadline = child(INTERRUPTED, path, env=environment), time.monotonic() + 60
    try:
        while len(started()) < 5 and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.005)
        process.send_signal(signal.SIGINT)
        begin = time.monotonic()
        out, err = output(process)
        assert time.monotonic() - begin < 3.0, "a region takes 0.1 s"
    finally:
        process.kill()
    done = np.flatnonzero(xg.store.load(path, partial=True)["done"].transpose("T", "field").values)
    assert re.search(
        rf"KeyboardInterrupt: {len(done) // 2} of 20 regions are stored; call evaluate again", out
    ), out
    assert "stopping after" in err
    assert sorted(started()) == sorted(done.tolist()), "what was started is stored"
    assert 2 < len(done) < 40
    out, _ = output(child(INTERRUPTED, path, env=environment))
    assert out == "finished\n"
    assert sorted(started()) == [*range(40)], "every block was started once"


def test_a_region_that_raises_does_not_stop_the_others(path, want, capsys):
    State.raising = {
        3: ZeroDivisionError("no \N{GREEK SMALL LETTER ETA} here"),
        4: FileNotFoundError(2, "no such input"),
    }
    with pytest.raises(xg.store.EvaluationError) as failed:
        evaluate(path)
    assert sorted(State.started) == [*range(REGIONS)], "an OSError of the computation is no full disk"
    assert marked(path) == [0, 1, 2, 5]
    for word in (
        f"2 of {REGIONS}",
        str(path),
        "'T': 0.2, 'field': 7",
        "ZeroDivisionError: no η here",
        "'T': 0.3",
        "no such input",
    ):
        assert word in str(failed.value)
    first, second = xg.store.failures(path)
    assert first == {
        "region": [1, 1, 0, 0],
        "parameters": {"T": 0.2, "field": 7},
        "error": "ZeroDivisionError: no η here",
    }
    assert second["parameters"] == {"T": 0.3, "field": 5}
    assert xg.store.progress(path)[:3] == (4, REGIONS, 2)
    with pytest.raises(ValueError, match="2 of 6 regions are missing \\(2 failed\\)"):
        xg.store.load(path)
    result = subprocess.run(
        [sys.executable, "-m", "xglass.store", "progress", str(path)], capture_output=True, text=True
    )
    assert result.returncode == 1
    assert "4 of 6 regions done (67 %), 2 failed" in result.stdout
    assert "failed at {'T': 0.2, 'field': 7}: ZeroDivisionError: no η here" in result.stdout

    State.raising.pop(3)
    with pytest.raises(xg.store.EvaluationError, match=f"1 of {REGIONS}"):
        evaluate(path)
    assert sorted(State.started) == [3, 4]
    assert [record["region"] for record in xg.store.failures(path)] == [[2, 0, 0, 0]]
    State.raising = {}
    finish(path, want, [4])
    assert xg.store.failures(path) == []
    assert not [*(path / "regions" / "error").glob("c.*")]
    assert command.main(["progress", str(path)]) == 0
    assert "6 of 6 regions done (100 %)\n" in capsys.readouterr().out


def test_an_endless_message_is_cut(path):
    State.raising = {3: RuntimeError("\N{SNOWMAN}" * 100_000)}
    with pytest.raises(xg.store.EvaluationError):
        evaluate(path)
    (record,) = xg.store.failures(path)
    assert record["error"].startswith("RuntimeError: \N{SNOWMAN}")
    assert record["parameters"] == {"T": 0.2, "field": 7}
    assert (path / "regions" / "error" / "c.1.1.0.0.0").stat().st_size == disk.ERROR_BYTES

"""A store on disk: zarr groups that xarray opens too, a mark for every finished region, and nothing that is
executed.

A store is one part, or several after it has grown: the folder itself and ``growth-1``, ``growth-2``, ... in
it. Each part is a zarr group with the data, the coordinates and a group ``regions`` of two arrays over the
grid of regions: ``done`` (digest of the region, 0 before it is written) and ``error`` (JSON as bytes).
"""

from __future__ import annotations

import bisect
import contextlib
import errno
import functools
import itertools
import json
import math
import os
import platform
import re
import threading
import time
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import dask.array as da
import numpy as np
import xarray as xr
import zarr
import zarr.errors
from zarr.core.buffer.cpu import Buffer
from zarr.core.sync import sync

from xglass.store import chunks, folders, seal, unfinished
from xglass.store.provenance import plain
from xglass.store.regions import Grid, Index

FORMAT = 1
ERROR_BYTES = 4096
#: Seconds by which the clocks of machines may differ that write one store.
CLOCKS = 300.0
#: How lazy arrays are called that may hold what is not computed yet.
PARTIAL = "store-partial"
#: Codecs that a store may name: pure transformations of bytes. Anything else in the metadata is refused
#: before it is loaded.
CODECS = {"bytes", "blosc", "zstd", "crc32c"}


class Part:
    """One part of a store."""

    def __init__(self, path: Path) -> None:
        self.path = path
        meta = folders.metadata(path / "zarr.json")
        if not meta:
            raise ValueError(
                f"store: metadata {str(path / 'zarr.json')!r} are lost; restore this file or evaluate "
                "to another path"
            )
        self.attributes: dict[str, Any] = folders.attributes_of(meta)
        if self.attributes.get("xglass_store") != FORMAT:
            raise ValueError(
                f"store {str(path)!r} has format {self.attributes.get('xglass_store')!r}, this "
                f"version of xglass reads {FORMAT}"
            )
        self.seal = seal.checked(path, self.attributes)
        file = path / "zarr.json"
        try:
            self.provenance: dict[str, Any] = json.loads(self.attributes["xglass_provenance"])
            self.growth: dict[str, Any] | None = json.loads(self.attributes.get("xglass_growth", "null"))
            if self.seal is None and (wrong := seal.contradiction(self.attributes, self.provenance)):
                raise ValueError(wrong)
            self.names = [*self.provenance["variables"]]
            self._values = {**self.provenance["parameters"], **self.provenance["computed"]}
            for name in (*self.names, *self._values, "regions", "regions/done", "regions/error"):
                file = path / name / "zarr.json"
                _check(folders.metadata(file))
            marks = folders.metadata(path / "regions" / "done" / "zarr.json")["attributes"]
            file = path / "regions" / "done" / "zarr.json"
            self.grid = Grid(
                {dim: tuple(bounds) for dim, bounds in zip(marks["dims"], marks["bounds"], strict=True)}
            )
            # open now: what is damaged is found before anything is computed
            if self.marks["done"].shape != self.grid.shape:
                raise ValueError("the bounds of regions are not what their marks are made for")
            for name, array in self.provenance["variables"].items():
                file = path / name / "zarr.json"
                if wrong := seal.misfit(folders.metadata(file), array, self.grid.bounds):
                    raise ValueError(wrong)
            self.arrays  # noqa: B018
        except Exception as error:  # whatever zarr and JSON make of damaged metadata
            if isinstance(error, ValueError) and str(error).startswith("store"):
                raise
            reason = f"lost or empty ({error})" if isinstance(error, KeyError) else f"damaged ({error})"
            raise ValueError(
                f"store: metadata {str(file)!r} are {reason}; restore this file or evaluate to another path"
            ) from error

    def __reduce__(self) -> tuple[Any, ...]:
        return reopened, (self.path, self.provenance["fingerprint"])

    @functools.cached_property
    def arrays(self) -> dict[str, zarr.Array[Any]]:
        """The variables that are cut in regions."""
        group = self._group(self.path)
        return {name: self._array(group, name) for name in self.names}

    @functools.cached_property
    def marks(self) -> dict[str, zarr.Array[Any]]:
        """``done`` and ``error``."""
        group = self._group(self.path / "regions")
        return {name: self._array(group, name) for name in ("done", "error")}

    def _group(self, path: Path) -> zarr.Group:
        return zarr.open_group(path, mode="r+", use_consolidated=False, zarr_format=3)

    def _array(self, group: zarr.Group, name: str) -> zarr.Array[Any]:
        try:
            array = group[name]
        except KeyError:
            array = None
        if not isinstance(array, zarr.Array):
            raise ValueError(f"store {str(self.path)!r}: the variable {name!r} is gone; restore its folder")
        return array

    @functools.cached_property
    def described(self) -> xr.Dataset:
        """Coordinates, attributes and eager variables, in memory."""
        try:
            variables = {name: self._variable(name) for name in self._values}
            for name, value in self._values.items():
                if json.dumps(plain(variables[name].values)) != json.dumps(value):
                    raise ValueError(f"{name!r} is not what was stored")
            own = {
                k: v for k, v in self.attributes.items() if not k.startswith("xglass_") and k != "coordinates"
            }
            coords = {name: variables.pop(name) for name in self.provenance["parameters"]}
            return xr.Dataset(variables, coords, own)
        except Exception as error:
            raise ValueError(
                f"store {str(self.path)!r}: coordinates cannot be read ({error}); restore their folders or "
                "evaluate to another path"
            ) from error

    def _variable(self, name: str) -> xr.Variable:
        """A coordinate, or an eager variable, in memory."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", zarr.errors.UnstableSpecificationWarning)
            array = self._array(self._group(self.path), name)
            attributes = {k: v for k, v in array.attrs.items() if k != "coordinates"}
            dims = folders.metadata(self.path / name / "zarr.json").get("dimension_names") or ()
            return xr.Variable(dims, np.asarray(array[...]), attributes)

    def done(self) -> np.ndarray:
        """The digests over the grid, 0 where a region is not done.

        Reads the files of marks themselves: a hundred times faster.
        """
        marks = np.zeros(self.grid.shape, dtype=np.uint64)
        for index, file in self._files("done"):
            marks[index] = _mark(file)
        return marks

    def is_done(self, index: Index) -> bool:
        """Whether a region is done, asked of the disk."""
        return _mark(self._file("done", index)) != 0

    def times(self) -> list[float]:
        """When regions were finished, in order; dates before the store or after today are no dates."""
        times = []
        for _, file in self._files("done"):
            with contextlib.suppress(FileNotFoundError):
                times.append(os.stat(file).st_mtime)
        begin, now = os.stat(self.path / "regions" / "done" / "zarr.json").st_mtime, time.time()
        return sorted(date for date in times if begin - CLOCKS <= date <= now + CLOCKS)

    def _file(self, mark: str, index: Index) -> str:
        key = ["c", *map(str, index), *(["0"] if mark == "error" else [])]
        return f"{self.path}/regions/{mark}/{'.'.join(key)}"

    def _files(self, mark: str) -> Iterator[tuple[Index, str]]:
        """(index, file) of the regions that have a mark of this name."""
        expected = {self._file(mark, index).rpartition("/")[2]: index for index in self.grid}
        with contextlib.suppress(FileNotFoundError), os.scandir(self.path / "regions" / mark) as entries:
            for entry in entries:
                if entry.name in expected:
                    yield expected[entry.name], entry.path

    def write(self, index: Index, blocks: dict[str, np.ndarray]) -> None:
        """Write the blocks of a region, and then its mark."""
        for name, block in blocks.items():
            where = self.grid.slices(index, self.dims(name))
            assert where is not None, "a block is written with its own region only"
            self._write(name, where, block)
        self.forget(index, "error")
        self.marks["done"][index] = chunks.digest(blocks)

    def _write(self, name: str, where: tuple[slice, ...], block: np.ndarray) -> None:
        """Write a block, whole chunks; also those of nothing but the fill value:
        that one is not there means that it was lost.
        """
        array = self.arrays[name]
        for place in self._places(name, where):
            corner = [p * size for p, size in zip(place, array.chunks, strict=True)]
            inside = tuple(
                slice(c - w.start, min(c + size, w.stop) - w.start)
                for c, size, w in zip(corner, array.chunks, where, strict=True)
            )
            content = chunks.encode(block[inside], array.chunks)
            sync(array.store.set("/".join([array.path, "c", *map(str, place)]), Buffer.from_bytes(content)))

    def dims(self, name: str) -> tuple[str, ...]:
        """The dimensions of a variable."""
        return tuple(self.provenance["variables"][name]["dims"])

    def fail(self, index: Index, message: str) -> None:
        """Record why a region could not be computed, and at which parameters."""
        record: dict[str, Any] = {"region": list(index), "parameters": self.labels(index), "error": message}
        while len(text := json.dumps(record, default=str).encode()) > ERROR_BYTES:
            record["error"] = record["error"][: len(record["error"]) // 2]
            if not record["error"]:
                record["parameters"] = {}
        self.marks["error"][index] = np.frombuffer(text.ljust(ERROR_BYTES, b"\0"), dtype=np.uint8)

    def failures(self) -> list[dict[str, Any]]:
        """The records of regions that failed and are not done."""
        records = []
        for _, file in sorted(self._files("error")):
            with contextlib.suppress(ValueError, OSError):
                records.append(json.loads(Path(file).read_bytes().rstrip(b"\0")))
        return records

    def forget(self, index: Index, mark: str) -> None:
        """Take back a mark of a region."""
        if mark == "done":
            unfinished.hide(self.path)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._file(mark, index))
        if mark == "done":
            unfinished.hide(self.path)  # another process may have seen all marks and have shown it meanwhile

    def labels(self, index: Index) -> dict[str, Any]:
        """What a region is of: label, or first and last label,
        along every dimension that is cut or has one entry.
        """
        found: dict[str, Any] = {}
        for (dim, bounds), i in zip(self.grid.bounds.items(), index, strict=True):
            if len(bounds) > 2 or bounds[-1] == 1:
                first, last = bounds[i], bounds[i + 1] - 1
                values = self.described[dim].values if dim in self.described.coords else np.arange(bounds[-1])
                found[dim] = (
                    values[first].item() if first == last else [values[first].item(), values[last].item()]
                )
        return found

    def chunk_files(self, index: Index) -> Iterator[tuple[str, Path]]:
        """(variable, file) of every chunk of a region."""
        for name in self.names:
            if (where := self.grid.slices(index, self.dims(name))) is not None:
                yield from ((name, file) for file in self.covering(name, where))

    def covering(self, name: str, where: tuple[slice, ...]) -> Iterator[Path]:
        """The files of the chunks that cover a part of a variable."""
        return (self._chunk(name, place) for place in self._places(name, where))

    def _chunk(self, name: str, place: Index) -> Path:
        """The file of a chunk."""
        return self.path.joinpath(name, "c", *map(str, place))

    def _places(self, name: str, where: tuple[slice, ...]) -> Iterator[Index]:
        """The indices of the chunks that cover a part of a variable."""
        sizes = self.arrays[name].chunks
        return itertools.product(
            *(range(w.start // size, -(-w.stop // size)) for w, size in zip(where, sizes, strict=True))
        )

    def damage(self, index: Index) -> str | None:
        """Why a finished region cannot be trusted, or None: the checksums of its chunks are compared,
        not its numbers.

        ValueError for a whole chunk that the metadata do not fit: to compute it again would not mend those.
        """
        for name, file in self.chunk_files(index):
            try:
                content = file.read_bytes()
            except OSError as error:
                return f"a chunk of {name!r} cannot be read ({error})"
            if wrong := chunks.checksum(content):
                return f"a chunk of {name!r} is damaged, {wrong} ({file})"
            if wrong := chunks.wrong_size(content, self.nbytes(name)):
                raise ValueError(
                    f"store {str(self.path)!r}: the metadata of {name!r} do not fit its chunk {str(file)!r}, "
                    f"{wrong}; restore its zarr.json, or delete that chunk"
                )
        return None

    def nbytes(self, name: str) -> int:
        """The size of the numbers of a chunk."""
        return math.prod(self.arrays[name].chunks) * self.arrays[name].dtype.itemsize

    def read(self, index: Index) -> dict[str, np.ndarray]:
        """The blocks of a region as they are stored."""
        places = ((name, self.grid.slices(index, self.dims(name))) for name in self.names)
        return {name: self.box(name, where, whole=True) for name, where in places if where is not None}

    def box(self, name: str, where: tuple[slice, ...], *, whole: bool) -> np.ndarray:
        """A part of a variable, decoded in the thread that asks.

        ``whole``: whether a chunk that is not there is an error; otherwise it reads as missing.
        """
        places = [*self._places(name, where)]
        if len(places) == 1:
            return self._within(name, places[0], where, whole=whole)[0]
        array = self.arrays[name]
        block = np.empty(tuple(part.stop - part.start for part in where), dtype=array.dtype)
        for place in places:
            numbers, inside = self._within(name, place, where, whole=whole)
            block[inside] = numbers
        return block

    def _within(
        self, name: str, place: Index, where: tuple[slice, ...], *, whole: bool
    ) -> tuple[np.ndarray, tuple[slice, ...]]:
        """What a chunk holds of a part of a variable, and where in the part that is."""
        array = self.arrays[name]
        corner = [p * size for p, size in zip(place, array.chunks, strict=True)]
        bounds = [
            (max(c, part.start), min(c + size, part.stop))
            for c, size, part in zip(corner, array.chunks, where, strict=True)
        ]
        inside = tuple(slice(a - w.start, b - w.start) for (a, b), w in zip(bounds, where, strict=True))
        try:
            content = self._chunk(name, place).read_bytes()
        except FileNotFoundError:
            if whole:
                raise
            shape = tuple(b - a for a, b in bounds)
            return np.full(shape, chunks.missing(array.dtype), dtype=array.dtype), inside
        inner = tuple(slice(a - c, b - c) for (a, b), c in zip(bounds, corner, strict=True))
        return chunks.decode(content, array.chunks, array.dtype)[inner], inside

    def lazy(self, token: str, *, complete: bool) -> xr.Dataset:
        """The stored data as dask arrays, one dask chunk for every chunk on disk;
        names derive from ``token``.
        """
        data, label = self.described, "store" if complete or self.done().all() else PARTIAL
        for name in self.names:
            array = self.arrays[name]
            stored = StoredArray(self, name, complete=complete)
            chunked = da.from_array(
                stored,
                chunks=array.chunks,
                name=f"{label}-{token}-{name}",
                fancy=False,
                meta=np.empty((0,) * array.ndim, array.dtype),
            )
            data = data.assign({name: (self.dims(name), chunked, self._attributes(name))})
        return data

    def _attributes(self, name: str) -> dict[str, Any]:
        return {k: v for k, v in self.arrays[name].attrs.items() if k != "coordinates"}


def _mark(file: str) -> int:
    """The digest in a mark; 0 if there is none, or not a whole one, as a loss of power may leave."""
    try:
        with open(file, "rb") as mark:
            content = mark.read()
    except FileNotFoundError:  # or taken back since the folder was read
        return 0
    return int.from_bytes(content, "little") if len(content) == 8 else 0


_opening = threading.Lock()


def reopened(path: Path, fingerprint: str) -> Part:
    """The part of a store that another process has sent: by name, and this process opens it once."""
    with _opening:
        return _kept(path, fingerprint)


@functools.lru_cache(maxsize=64)
def _kept(path: Path, fingerprint: str) -> Part:
    if not (path / "zarr.json").exists():
        reason = f"it is not there on {platform.node()!r}, and all workers must see the folder"
        raise FileNotFoundError(errno.ENOENT, reason)
    part = Part(path)
    if part.provenance["fingerprint"] != fingerprint:
        raise ValueError(f"store {str(path)!r} holds other data than it did; load it anew")
    return part


class NotDone(ValueError):
    """A region that is not computed yet was read."""


class StoredArray:
    """An array on disk as dask slices it: what cannot be read is an error that says where, never a number.

    ``complete``: whether regions that are not done are an error too; otherwise they read as missing.
    """

    def __init__(self, part: Part, name: str, *, complete: bool) -> None:
        self.part, self.name, self.complete = part, name, complete
        array = part.arrays[name]
        self.shape, self.dtype, self.ndim = array.shape, array.dtype, array.ndim

    def __getitem__(self, key: tuple[int | slice, ...]) -> np.ndarray:
        steps = [
            range(*part.indices(size)) if isinstance(part, slice) else range(size)[part : part + 1 or None]
            for part, size in zip(key, self.shape, strict=True)
        ]
        box = tuple(slice(min(r), max(r) + 1) if r else slice(0, 0) for r in steps)
        for file in self.part.covering(self.name, box):
            if not file.exists():
                self._refuse_missing(box, file)
        try:
            block = self.part.box(self.name, box, whole=self.complete)
        except MemoryError:
            raise
        except Exception as error:
            raise ValueError(
                f"store {str(self.part.path)!r}: {self.name!r} cannot be read at {self._labels(box)}: "
                f"{str(error).rstrip('.')}. Call evaluate "
                f"again, which computes what is damaged anew, or restore the file"
            ) from error
        for axis, (part, r) in enumerate(zip(key, steps, strict=True)):
            if isinstance(part, slice) and r.step < 0:
                block = np.flip(block, axis)
        inside = tuple(
            slice(None, None, abs(r.step)) if isinstance(part, slice) else 0
            for part, r in zip(key, steps, strict=True)
        )
        return block[inside]

    def _refuse_missing(self, box: tuple[slice, ...], file: Path) -> None:
        """Raise unless the region of a missing chunk is not done and may be missing."""
        if not (self.part.path / "zarr.json").exists():
            raise ValueError(
                f"store {str(self.part.path)!r} is gone, moved or deleted; load it from where it is now"
            )
        for index in self._regions(box):
            done = self.part.is_done(index)
            if done and any(file == own for _, own in self.part.chunk_files(index)):
                raise ValueError(
                    f"store {str(self.part.path)!r}: {self.name!r} cannot be read at "
                    f"{self.part.labels(index)}: a chunk is gone ({file}). "
                    f"Call evaluate again, which computes it anew"
                )
            if self.complete and not done:
                raise NotDone(
                    f"store {str(self.part.path)!r}: {self.name!r} is not computed yet at "
                    f"{self.part.labels(index)}"
                )

    def _regions(self, box: tuple[slice, ...]) -> Iterator[Index]:
        """The regions with which a part of the variable is written."""
        place = dict(zip(self.part.dims(self.name), box, strict=True))
        ranges = []
        for dim, bounds in self.part.grid.bounds.items():
            part = place.get(dim, slice(0, 1))
            ranges.append(
                range(bisect.bisect_right(bounds, part.start) - 1, bisect.bisect_left(bounds, part.stop))
            )
        return itertools.product(*ranges)

    def _labels(self, where: tuple[slice, ...]) -> dict[str, Any]:
        index = next(self._regions(where), None)
        return self.part.labels(index) if index is not None else {}


def _check(meta: dict[str, Any]) -> None:
    """Refuse metadata that would have more than plain numbers decoded: a store is data, and opening one runs
    nothing of it.

    KeyError or ValueError, to be named by the caller.
    """
    if meta["node_type"] == "group":
        return
    codecs = {codec["name"] for codec in meta["codecs"]}
    if meta["zarr_format"] != 3 or meta["chunk_grid"]["name"] != "regular" or not codecs <= CODECS:
        raise ValueError(
            f"it asks for {sorted(codecs - CODECS) or 'another format'}, which xglass never writes; "
            "not opened"
        )


def parts(path: Path, known: Sequence[Part] = ()) -> list[Part]:
    """All parts of a store, in the order in which it grew; those that are ``known`` are not opened again."""
    grown = sum(
        re.fullmatch(r"growth-[0-9]+", entry.name) is not None and entry.is_dir()
        for entry in os.scandir(path)
    )
    paths = [path, *(path / f"growth-{k + 1}" for k in range(grown))]
    found = [*known, *(Part(part) for part in paths[len(known) :])]
    seal.refuse_foreign(path, [part.seal for part in found])
    return found

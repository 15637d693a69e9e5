"""How lazy data are cut into regions: pieces that are computed in one task and written as whole chunks."""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import dask
import dask.core
import numpy as np
import xarray as xr
from dask.highlevelgraph import HighLevelGraph
from dask.utils import key_split

#: Tasks of these libraries that only fetch or rearrange what is there; everything else counts as work that
#: must not be done twice.
LIBRARIES = ("_operator", "builtins", "dask", "numpy", "operator", "xarray")
FETCHING = (
    "array",
    "astype",
    "broadcast_to",
    "concatenate",
    "getitem",
    "original",
    "open_",
    "rechunk-",
    "reshape",
    "shuffle",
    "store",
    "transpose",
    "xarray",
)

#: A chunk on disk is at most this large where a region can be cut, and a region is at most so many chunks of
#: a variable.
CHUNK_BYTES, CHUNKS_PER_BLOCK = 16e6, 64

Index = tuple[int, ...]


@dataclass(frozen=True)
class Grid:
    """Where regions begin and end: for every dimension the bounds 0, ..., length."""

    bounds: dict[str, tuple[int, ...]]

    @property
    def shape(self) -> tuple[int, ...]:
        """Number of regions along each dimension."""
        return tuple(len(bounds) - 1 for bounds in self.bounds.values())

    @property
    def size(self) -> int:
        """Number of regions."""
        return math.prod(self.shape)

    def __iter__(self) -> Iterator[Index]:
        return itertools.product(*map(range, self.shape))

    def slices(self, index: Index, dims: Iterable[str]) -> tuple[slice, ...] | None:
        """Part of an array with these dimensions that is written with a region; None if it is written with
        another.

        An array that lacks a dimension belongs to that dimension's first regions.
        """
        place = dict(zip(self.bounds, index, strict=True))
        dims = tuple(dims)
        if any(i for dim, i in place.items() if dim not in dims):
            return None
        return tuple(slice(self.bounds[dim][place[dim]], self.bounds[dim][place[dim] + 1]) for dim in dims)

    def around(self, index: Index, most: int) -> tuple[range, ...]:
        """Along every dimension the indices of the block of at most so many regions to which a region
        belongs.
        """
        found = []
        for i, length in zip(reversed(index), reversed(self.shape), strict=True):
            size = min(length, most)
            first = i // size * size
            found.append(range(first, min(first + size, length)))
            most = max(1, most // size)
        return tuple(reversed(found))

    def cut(self, places: Iterable[range]) -> tuple[Grid, dict[str, slice]]:
        """A block of regions as a grid of its own, and where the block is."""
        bounds, where = {}, {}
        for (dim, all_bounds), along in zip(self.bounds.items(), places, strict=True):
            kept = all_bounds[along.start : along.stop + 1]
            bounds[dim] = tuple(bound - kept[0] for bound in kept)
            where[dim] = slice(kept[0], kept[-1])
        return Grid(bounds), where


class Regions:
    """The regions of a Dataset: their grid, and for each the few tasks that it needs.

    ``grid``: where they begin and end, if that is known.
    """

    def __init__(self, data: xr.Dataset, grid: Grid | None = None) -> None:
        self.variables = {
            str(name): variable for name, variable in data.data_vars.items() if variable.chunks is not None
        }
        if grid is not None:
            self._cut(grid)
            return
        bounds = {}
        for dim in dict.fromkeys(str(dim) for variable in self.variables.values() for dim in variable.dims):
            cuts = [_cuts(variable, dim) for variable in self.variables.values() if dim in variable.dims]
            bounds[dim] = tuple(sorted(set.intersection(*map(set, cuts))))
        self._cut(Grid(bounds))
        merged = self._without_shared_work()
        if merged != self.grid.bounds:
            self._cut(Grid(merged))

    def _cut(self, grid: Grid) -> None:
        self.grid = grid
        sizes = {dim: tuple(np.diff(bounds).tolist()) for dim, bounds in grid.bounds.items()}
        self.arrays = {
            name: variable.data.rechunk(tuple(sizes[str(dim)] for dim in variable.dims))
            for name, variable in self.variables.items()
        }
        self._graph = HighLevelGraph.merge(*(array.dask for array in self.arrays.values())).to_dict()
        self._dependencies, _ = dask.core.get_deps(self._graph)

    def _without_shared_work(self) -> dict[str, tuple[int, ...]]:
        """The bounds without those that would have a task run on both of their sides."""
        first: dict[Any, Index] = {}
        last: dict[Any, Index] = {}
        fetching: dict[Any, bool] = {}
        for index in self.grid:
            for key in self.tasks(index):
                if not self._fetches(key, fetching):
                    first[key] = tuple(map(min, first.get(key, index), index))
                    last[key] = tuple(map(max, last.get(key, index), index))
        kept = {dim: np.ones(len(bounds), dtype=bool) for dim, bounds in self.grid.bounds.items()}
        for key, lowest in first.items():
            for keep, low, high in zip(kept.values(), lowest, last[key], strict=True):
                if low < high:
                    keep[low + 1 : high + 1] = False
        return {
            dim: tuple(bound for bound, keep in zip(bounds, kept[dim], strict=True) if keep)
            for dim, bounds in self.grid.bounds.items()
        }

    def _fetches(self, key: Any, known: dict[Any, bool]) -> bool:
        """Whether a task, with all that it needs, does no more than fetch and rearrange data."""
        stack = [key]
        while stack:
            top = stack[-1]
            if _works(top, self._graph[top]):
                known[top] = False
            if top in known:
                stack.pop()
            elif missing := [k for k in self._dependencies[top] if k not in known]:
                stack += missing
            else:
                known[top] = all(known[k] for k in self._dependencies[top])
        return known[key]

    def keys(self, index: Index) -> dict[str, tuple[Any, ...]]:
        """Variable -> key of its block, for the variables that are written with this region."""
        place = dict(zip(self.grid.bounds, index, strict=True))
        return {
            name: (array.name, *(place[str(dim)] for dim in self.variables[name].dims))
            for name, array in self.arrays.items()
            if self.grid.slices(index, map(str, self.variables[name].dims)) is not None
        }

    def tasks(self, index: Index) -> dict[Any, Any]:
        """The tasks that a region needs, and no others."""
        graph: dict[Any, Any] = {}
        stack: list[Any] = [*self.keys(index).values()]
        while stack:
            key = stack.pop()
            if key not in graph:
                graph[key] = self._graph[key]
                stack.extend(self._dependencies[key])
        return graph

    def chunk_shape(self, name: str) -> tuple[int, ...]:
        """The chunks of a variable on disk: regular, and such that every region is whole chunks."""
        variable = self.variables[name]
        shape, blocks = [], []
        for dim in map(str, variable.dims):
            inner = _cuts(variable, dim)[1:-1]
            shape.append(math.gcd(*inner) if inner else variable.sizes[dim])
            blocks.append(max(variable.chunksizes[dim]))
            if -(-blocks[-1] // shape[-1]) > CHUNKS_PER_BLOCK:
                raise ValueError(
                    f"evaluate: {name!r} is split along {dim!r} in chunks "
                    f"{_sizes_shown(variable.chunksizes[dim])}, which have no common size to "
                    f"write them in; write .chunk({dim}={blocks[-1]}) on that variable before "
                    "evaluate, or select after it"
                )
        while math.prod(shape) * variable.dtype.itemsize > CHUNK_BYTES:
            for axis, dim in enumerate(map(str, variable.dims)):
                if shape[axis] > 1 and (len(self.grid.bounds[dim]) == 2 or shape[axis] % 2 == 0):
                    shape[axis] = -(-shape[axis] // 2)
                    break
            else:
                break
        for size, dim in zip(shape, map(str, variable.dims), strict=True):
            assert all(bound % size == 0 for bound in self.grid.bounds[dim][:-1]), (
                "a region must be whole chunks"
            )
        return tuple(shape)


def compute(
    graph: dict[Any, Any],
    keys: dict[str, tuple[Any, ...]],
    expected: dict[str, tuple[tuple[int, ...], Any]],
    get: Callable[..., Any],
) -> dict[str, np.ndarray]:
    """The blocks of one region, checked against the shapes and types that its lazy arrays declare."""
    blocks = {name: np.asarray(block) for name, block in zip(keys, get(graph, [*keys.values()]), strict=True)}
    for name, block in blocks.items():
        shape, dtype = expected[name]
        if block.shape != shape or block.dtype != dtype:
            raise ValueError(
                f"{name} came out as {block.dtype} {block.shape} where {dtype} {shape} was declared"
            )
    return blocks


def _cuts(variable: xr.DataArray, dim: str) -> list[int]:
    """0, ..., length: where the chunks of a variable begin and end along a dimension."""
    sizes = variable.chunksizes[dim]
    if any(math.isnan(size) for size in sizes):
        raise ValueError(
            f"evaluate: the chunks of {variable.name!r} along {dim!r} have unknown sizes; write "
            ".data.compute_chunk_sizes() before it"
        )
    return [0, *itertools.accumulate(size for size in sizes if size)]


def _works(key: Any, node: Any) -> bool:
    """Whether a node of a graph calls something that does more than fetch or rearrange data."""
    function = node[0] if isinstance(node, tuple) and dask.core.istask(node) else getattr(node, "func", None)
    while isinstance(function, functools.partial):
        function = function.func
    if function is None:  # data, or another name for a node
        return False
    module = getattr(function, "__module__", None) or "builtins"
    return not (key_split(key).startswith(FETCHING) and module.split(".")[0] in LIBRARIES)


def _sizes_shown(sizes: tuple[int, ...]) -> str:
    return str(sizes) if len(sizes) <= 6 else f"({', '.join(map(str, sizes[:5]))}, ...)"

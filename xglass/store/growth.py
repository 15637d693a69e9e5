"""Runs that grow: what is new in the run that is asked for, and how each piece is simulated again.

By the identity of trajectories a run of more temperatures, walkers, parameters or sweeps contains the smaller
one bit for bit. So the new part is the difference of two boxes in the space of labels, cut into smaller
boxes.
"""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from xglass.solvers.metropolis import rerun
from xglass.store.disk import Part
from xglass.variables import attributes

#: Dimensions that a solver adds and never cuts.
SIMULATED = ("sweep", "site")


def chunks(data: xr.Dataset) -> dict[str, int]:
    """The chunks of a run as its solver takes them."""
    return {str(dim): max(sizes) for dim, sizes in data.chunksizes.items() if dim not in SIMULATED}


def combined(parts: list[Part], *, complete: bool, marked: bool = False) -> xr.Dataset:
    """All parts of a store as one lazy Dataset, in the order of labels that was asked for last.

    ``complete``: whether what is not done is an error when it is read; ``marked``: with a coordinate ``done``
    over what is cut in regions.
    """
    token = hashlib.blake2b(digest_size=16)
    for part in parts:
        token.update(part.provenance["fingerprint"].encode() + part.done().tobytes())
    token.update(bytes([complete]))  # what is not done reads otherwise
    pieces = [part.lazy(f"{token.hexdigest()}-{k}", complete=complete) for k, part in enumerate(parts)]
    if marked:
        cut = {dim for part in parts for dim, bounds in part.grid.bounds.items() if len(bounds) > 2}
        cut |= {part.growth["along"] for part in parts if part.growth is not None}
        pieces = [
            piece.assign_coords(done=_done(part, cut)) for part, piece in zip(parts, pieces, strict=True)
        ]
    return join(parts, pieces)


def _done(part: Part, cut: set[str]) -> tuple[list[str], np.ndarray, dict[str, str]]:
    """What is done, label by label along the dimensions that are cut."""
    flags = part.done() != 0
    for axis, bounds in enumerate(part.grid.bounds.values()):
        flags = np.repeat(flags, np.diff(bounds), axis=axis)
    dims = [dim for dim in part.grid.bounds if dim in cut]
    flags = flags[tuple(slice(None) if dim in cut else 0 for dim in part.grid.bounds)]
    return dims, flags, attributes("done")


def join(parts: list[Part], data: list[xr.Dataset]) -> xr.Dataset:
    """Put the pieces of a store together; ``data`` holds one Dataset for each part."""
    whole = data[0]
    for part, piece in zip(parts[1:], data[1:], strict=True):
        assert part.growth is not None
        whole = in_order(
            whole, {dim: labels for dim, labels in order(piece).items() if dim != part.growth["along"]}
        )
        names = [name for name, variable in whole.variables.items() if part.growth["along"] in variable.dims]
        whole = xr.concat(
            [whole, piece],
            dim=part.growth["along"],
            data_vars="minimal",
            coords=[name for name in names if name in whole.coords],
            compat="override",
            join="override",
            combine_attrs="override",
        )
        whole = in_order(whole, part.growth["order"])
    return whole


def in_order(data: xr.Dataset, order: dict[str, Any]) -> xr.Dataset:
    """Select labels in a given order, where the data have them in another."""
    wanted = {dim: labels for dim, labels in order.items() if not data.indexes[dim].equals(pd.Index(labels))}
    return (
        data.isel({dim: data.indexes[dim].get_indexer(labels) for dim, labels in wanted.items()})
        if wanted
        else data
    )


def order(data: xr.Dataset) -> dict[str, list[Any]]:
    """The labels along every dimension that has some, as JSON has them."""
    return {str(dim): data[dim].values.tolist() for dim in data.dims if dim in data.indexes and dim != "site"}


def new_box(stored: xr.Dataset, asked: xr.Dataset) -> tuple[str, xr.Dataset] | None:
    """The next piece of ``asked`` that ``stored`` lacks, and the dimension along which it continues the
    store; None at the end.

    First the sweeps that stored trajectories lack, then trajectories of new labels, one dimension after
    another, with all their sweeps.
    """
    growing = sorted((dim for dim in asked.indexes if dim in asked.dims), key=lambda dim: dim != "sweep")
    for dim in growing:
        new = ~asked.indexes[dim].isin(stored.indexes[dim])
        if new.any():
            inside = {d: asked.indexes[d].isin(stored.indexes[d]) for d in growing}
            return str(dim), asked.isel({**inside, dim: new})
    return None


def asked_for(part: Part, labels: dict[str, Any]) -> np.ndarray:
    """Over the grid of a part, whether a region holds something of what is asked for."""
    wanted = np.ones(part.grid.shape, dtype=bool)
    for axis, (dim, bounds) in enumerate(part.grid.bounds.items()):
        if dim in labels and dim in part.described.indexes:
            inside = part.described.indexes[dim].isin(labels[dim])
            hits = np.array([inside[a:b].any() for a, b in itertools.pairwise(bounds)])
            wanted &= hits.reshape([-1 if k == axis else 1 for k in range(wanted.ndim)])
    return wanted


def simulated(parts: list[Part], k: int, where: dict[str, slice] | None = None) -> xr.Dataset:
    """The lazy run of one part, or of a piece of it, made from what the store says about it."""
    part = parts[k]
    described = part.described if where is None else part.described.isel(where)
    chunks = {
        dim: int(np.diff(bounds).max()) for dim, bounds in part.grid.bounds.items() if dim not in SIMULATED
    }
    if part.growth is None:
        return rerun(described, chunks=chunks)
    return box_run(parts[:k], described, part.growth["along"], chunks)


def box_run(before: list[Part], described: xr.Dataset, along: str, chunks: dict[str, int]) -> xr.Dataset:
    """The lazy run of a box that continues a store along a dimension;
    added sweeps begin from the last stored state.
    """
    if along != "sweep":
        return rerun(described, chunks=chunks)
    return rerun(described, start=combined(before, complete=True), chunks=chunks)

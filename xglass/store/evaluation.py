"""Evaluate lazy data into a store: every region once, whatever happens in between."""

from __future__ import annotations

import concurrent.futures
import json
import logging
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import xarray as xr

from xglass.engine.core.blas import single_thread
from xglass.messages import public, warn
from xglass.store import bars, creation, disk, folders, growth, matching, pools, unfinished, workers
from xglass.store.disk import Part
from xglass.store.reading import loaded, progress_of
from xglass.store.regions import Index, Regions
from xglass.variables.registry import Labelled

logger = logging.getLogger(__name__)


class EvaluationError(RuntimeError):
    """Some regions could not be computed; the others are stored, and the next call tries again."""


@public
def evaluate(
    data: Labelled,
    path: str | os.PathLike[str],
    *,
    progress: bool = True,
    shard: str | None = None,
) -> Labelled:
    """Compute lazy data region by region into a store on disk; stop it as you like, call it again, and it
    goes on.

    A region is one block of the chunk grid that all variables share, computed in one task and written as
    whole chunks; a mark with a digest of its numbers is written last. What is marked is never computed again:
    its checksums are compared, and only what is damaged is done anew.

    A run straight from a solver may grow: ask for more temperatures, walkers, sweeps or values of other
    parameters at the same path, and only what is new is computed; more sweeps continue the stored
    trajectories. Anything else must be the very same chain of operations on the same input, or it is refused
    with what differs and the store is left as it was.

    Parameters
    ----------
    data : Dataset or DataArray
        Lazy data: a run, observables, fits of runs, spectra. Coordinates must be in memory.
    path : str or path
        Folder of this machine, new or a store of the same data.
    progress : bool, default True
        Whether to show progress on standard error: a bar on a terminal or in a notebook, in a file a line
        every half minute. ``XGLASS_PROGRESS=off`` in the environment shows none.
    shard : str, optional
        "i/n" computes the i-th of n shares of the regions, for array jobs; i counts from 1 (or from 0: i/n
        and 0/n for i = n are the same share). All jobs may run at once.

    Returns
    -------
    Dataset or DataArray
        The stored data, lazy, as from :func:`load`; the part that was asked for where the store holds more,
        and the unfinished data of ``load(path, partial=True)`` where other shares are missing.

    Raises
    ------
    TypeError, ValueError
        Data already computed, parameters that are dask arrays, names or types that cannot be stored, a path
        that is a file, holds other files or another store, lies inside a store or is damaged, a malformed
        shard.
    EvaluationError
        If regions failed; the others are stored. Lists errors and parameters; see :func:`failures`. Or if the
        scheduler of a cluster is gone or its client was closed; says how many regions are stored.
    RuntimeError
        In a fork of a process that had computed, where threads may be waited for that do not exist.
    OSError
        The store cannot be written. It stays valid; call again when there is room.

    Notes
    -----
    Threads of the local machine by default; dask's settings (``scheduler``, ``num_workers``) and a
    ``distributed.Client`` are followed, as in ``compute``. Memory: one region for each thread. Overhead: a
    few milliseconds for a region with four variables. Where tasks are shared between blocks, as by a mean
    over a dimension that other variables keep, the blocks are merged into one region, so that nothing is
    simulated twice; a region must fit in memory. With a cluster the folder must be visible to all workers; a
    region of a run is a few hundred bytes on its way to them, of anything else its part of the graph.

    Examples
    --------
    >>> import tempfile
    >>> import xglass as xg
    >>> path = tempfile.mkdtemp() + "/run.zarr"
    >>> run = xg.store.evaluate(xg.testing.tiny_run(), path, progress=False)
    >>> run.chunks is not None, xg.store.progress(path).fraction
    (True, 1.0)
    >>> more = xg.store.evaluate(
    ...     xg.testing.tiny_run(walker=5), path, progress=False
    ... )  # computes walkers 3 and 4
    >>> more.sizes["walker"]
    5
    """
    pools.refuse_fork("evaluate")
    dataset = matching.storable(data)
    share = _share(shard)
    folder = folders.local_path(path)
    shown = bars.switched_on(progress)
    described = matching.description(data, dataset)
    run = described["solver_run"]
    regions: Regions | None = None
    if not folders.exists(folder):
        regions = Regions(dataset)
        creation.create(folder, dataset, regions, _attributes(described))
    with folders.occupied(folder):
        parts = disk.parts(folder)
        if matching.given_by(
            growth.combined(parts, complete=True), dataset
        ):  # what this store gave, evaluated once more
            return data
        matching.refuse_other(parts, dataset, described, folder)
        if run:
            parts = _grown(folder, parts, dataset, described)

        def lazy(k: int) -> Regions:
            if k == 0 and regions is not None:
                return regions
            return Regions(growth.simulated(parts, k) if run else dataset)

        wanted = [growth.asked_for(part, growth.order(dataset) if run else {}) for part in parts]
        try:
            _complete(folder, parts, wanted, lazy, share, shown, run=run)
        except pools.Lost as lost:
            state = progress_of(parts)
            raise EvaluationError(
                f"{lost}; {state.done} of {state.total} regions of {str(folder)!r} are stored, call evaluate "
                "again with a client of a running cluster, or without one"
            ) from lost
    complete = all(part.done()[mask].all() for part, mask in zip(parts, wanted, strict=True))
    if not complete:  # other jobs have their shares still to do
        result = loaded(parts, partial=True)
    elif run:  # whatever else was begun there
        result = growth.in_order(growth.combined(parts, complete=True), growth.order(dataset))
    else:
        result = loaded(parts, partial=False)
    return cast(Labelled, result)  # a store keeps which of the two it was given


def _share(shard: object) -> tuple[int, int]:
    """(i, n) of "i/n", i modulo n."""
    if shard is None:
        return 0, 1
    match = re.fullmatch(r"([0-9]+)/([0-9]+)", shard) if isinstance(shard, str) else None
    if match is None or not 0 <= int(match[1]) <= int(match[2]) or int(match[2]) == 0:
        raise ValueError(f"shard must be 'i/n' with 1 <= i <= n, such as '2/8', got {shard!r}")
    return int(match[1]) % int(match[2]), int(match[2])


def _attributes(description: dict[str, Any], grown: dict[str, Any] | None = None) -> dict[str, Any]:
    return {
        "xglass_provenance": json.dumps(description),
        "xglass_fingerprint": description["fingerprint"],
        "xglass_identity_version": description["identity_version"],
        **({"xglass_growth": json.dumps(grown)} if grown is not None else {}),
    }


def _grown(folder: Path, parts: list[Part], data: xr.Dataset, asked: dict[str, Any]) -> list[Part]:
    """The parts of a store after it was given all that the run asks for."""
    while (box := growth.new_box(stored := growth.combined(parts, complete=False), data)) is not None:
        along, described = box
        run = growth.box_run(parts, described, along, growth.chunks(data))
        order = {
            dim: [label for label in labels if dim == along or label in stored.indexes[dim]]
            for dim, labels in growth.order(data).items()
        }
        grown = {"along": along, "order": order}
        creation.create(
            folder / f"growth-{len(parts)}",
            run,
            Regions(run),
            _attributes(matching.description(run, run), grown),
        )
        parts = disk.parts(folder, parts)
        matching.refuse_other(
            parts, data, asked, folder
        )  # another process may have let it grow meanwhile, and elsewhere
    return parts


def _complete(
    folder: Path,
    parts: list[Part],
    wanted: list[np.ndarray],
    lazy: Callable[[int], Regions],
    share: tuple[int, int],
    shown: bool,
    *,
    run: bool,
) -> None:
    """Compute what is missing of a share of the regions that are wanted;
    raises at the end if regions failed.
    """
    own = [
        [index for k, index in enumerate(part.grid) if k % share[1] == share[0] and mask[index]]
        for part, mask in zip(parts, wanted, strict=True)
    ]
    todo = []
    for part, indices in zip(parts, own, strict=True):
        marks = part.done()
        _withdraw_damaged(part, [index for index in indices if marks[index]])
        marks = part.done()
        todo.append([index for index in indices if not marks[index]])
    if any(todo) and (changes := matching.environment_changes(parts[0].provenance)):
        warn(
            f"store {str(folder)!r} was begun elsewhere, the last bits of new regions may differ: "
            f"{'; '.join(changes)}"
        )
    total, missing = sum(map(len, own)), sum(map(len, todo))
    logger.info("%s: %d of %d regions to compute", folder, missing, total)
    failed: list[str] = []
    waiting = 0
    with (
        single_thread(),
        bars.bar(folder.name, total - missing, total, shown=shown) as bar,
    ):
        for k, (part, indices) in enumerate(zip(parts, todo, strict=True)):
            if indices:
                unfinished.hide(part.path)
                regions = lazy(k)
                assert regions.grid == part.grid, "the store was cut in other regions"
                lines, waits = workers.work(parts[: k + 1], regions, indices, bar, run=run)
                failed, waiting = failed + lines, waiting + waits
            unfinished.settle(part)
    if waiting and share[1] == 1 and not failed:
        raise EvaluationError(
            f"{waiting} regions of {str(folder)!r} go on from regions that were lost meanwhile; call "
            "evaluate again"
        )
    if failed:
        raise EvaluationError(_failures(folder, failed, total))


def _failures(folder: Path, failed: list[str], total: int) -> str:
    """What to tell of regions that failed: the first of them, and what to do."""
    more = [f"and {len(failed) - 10} more, see xg.store.failures"] if len(failed) > 10 else []
    shown = "\n  ".join(failed[:10] + more)
    return (
        f"{len(failed)} of {total} regions of {str(folder)!r} failed, the others are stored; call "
        f"evaluate again to retry them, or load(path, partial=True) for what is there:\n  {shown}"
    )


def _withdraw_damaged(part: Part, indices: list[Index]) -> None:
    """Check the stored regions; marks of damaged ones are taken back and named in a warning."""
    with concurrent.futures.ThreadPoolExecutor(pools.number()) as pool:
        reasons = [
            (index, reason)
            for index, reason in zip(indices, pool.map(part.damage, indices), strict=True)
            if reason
        ]
    for index, _ in reasons:
        part.forget(index, "done")
    if reasons:
        lines = "\n  ".join(f"{part.labels(index)}: {reason}" for index, reason in reasons[:10])
        warn(
            f"store {str(part.path)!r}: "
            f"{'1 region is' if len(reasons) == 1 else f'{len(reasons)} regions are'} damaged and "
            f"computed again:\n  {lines}"
        )

"""Is a store what it should be: compute a sample of it again."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import os

import dask
import numpy as np
import xarray as xr

from xglass import checks
from xglass.engine.core.blas import single_thread
from xglass.messages import public
from xglass.store import chunks, growth, matching, pools, provenance, workers
from xglass.store.disk import Part
from xglass.store.reading import opened
from xglass.store.regions import Index, Regions, compute


@public
def verify(
    path: str | os.PathLike[str],
    fraction: float = 0.1,
    *,
    data: xr.Dataset | xr.DataArray | None = None,
    seed: int = 0,
) -> int:
    """Compute a random sample of the finished regions again and compare: the store against its marks, and
    against the physics.

    On the processor and with the versions that made the store, numbers must agree bit for bit; elsewhere
    whole numbers bit for bit and floats to 1e-10. Marks of damaged regions are taken back, so that the next
    :func:`evaluate` computes them.

    Parameters
    ----------
    path : str or path
        A store that :func:`evaluate` made.
    fraction : float, default 0.1
        Share of the finished regions to draw, 0 < fraction <= 1; at least one is drawn.
    data : Dataset or DataArray, optional
        The lazy data that were evaluated; not needed for runs straight from a solver, which are made anew
        from what the store says.
    seed : int, default 0
        Chooses the sample.

    Returns
    -------
    int
        The number of regions compared, all of which agree.

    Raises
    ------
    ValueError
        Regions differ (which, and how), nothing is done yet, ``data`` are needed or others than those stored,
        fraction out of range.
    FileNotFoundError
        There is no store.
    RuntimeError
        In a fork of a process that had computed, as :func:`evaluate`.

    Examples
    --------
    >>> import tempfile
    >>> import xglass as xg
    >>> path = tempfile.mkdtemp() + "/run.zarr"
    >>> _ = xg.store.evaluate(xg.testing.tiny_run(chunks={"T": 1}), path, progress=False)
    >>> xg.store.verify(path, fraction=1.0)
    2
    """
    pools.refuse_fork("verify")
    parts = opened(path)
    folder, first = parts[0].path, parts[0].provenance
    if isinstance(fraction, bool) or not isinstance(fraction, (int, float)) or not 0.0 < fraction <= 1.0:
        raise ValueError(f"fraction must be a number in (0, 1], got {fraction!r}")
    draw = np.random.Generator(np.random.Philox(key=checks.seed(seed)))
    run = first.get("solver_run", False)
    dataset = None
    if data is not None:
        dataset = matching.storable(data)
        matching.refuse_other(parts, dataset, matching.description(data, dataset), folder)
    elif run:
        matching.refuse_other_revisions(parts[0], provenance.revisions(growth.simulated(parts, 0)))
    else:
        raise ValueError(
            "verify: these data are no run straight from a solver, which could be made anew from the "
            "store; pass data="
        )
    same = not matching.environment_changes(first)
    marks = [part.done() for part in parts]
    done = [(k, index) for k, part in enumerate(parts) for index in np.argwhere(marks[k])]
    if not done:
        raise ValueError(f"verify: no region of {str(folder)!r} is done yet; call evaluate first")
    chosen = sorted(draw.choice(len(done), size=max(1, round(fraction * len(done))), replace=False))
    lines = []
    with single_thread(), concurrent.futures.ThreadPoolExecutor(pools.number()) as pool:
        for k, part in enumerate(parts):
            indices = [tuple(map(int, done[c][1])) for c in chosen if done[c][0] == k]
            if indices:
                regions = Regions(growth.simulated(parts, k) if run or dataset is None else dataset)
                compared = functools.partial(_compared, part, regions, marks[k], same)
                lines += [line for line in pool.map(compared, indices) if line]
    if lines:
        raise ValueError(
            f"verify: {len(lines)} of {len(chosen)} regions of {str(folder)!r} differ:\n  "
            + "\n  ".join(lines[:12])
        )
    return len(chosen)


def _compared(part: Part, regions: Regions, marks: np.ndarray, same: bool, index: Index) -> str | None:
    """How a stored region differs from what it should be, or None."""
    where, mark = part.labels(index), int(marks[index])
    again = compute(regions.tasks(index), regions.keys(index), workers.expected(part, index), dask.get)
    try:
        stored = part.read(index)
        damaged = None if chunks.digest(stored) == mark else "its numbers do not match its digest"
    except MemoryError:
        raise
    except Exception as error:  # whatever zarr and its codecs raise on damaged bytes
        damaged = f"it cannot be read ({error})"
    if damaged:
        with contextlib.suppress(OSError):
            part.forget(index, "done")
        return f"{where}: damaged, {damaged}; call evaluate again"
    if chunks.digest(again) == mark:
        return None
    for name, block in stored.items():
        exact = same or block.dtype.kind not in "fc"
        if not (np.array_equal if exact else _close)(block, again[name]):
            return f"{where}: {name} is computed otherwise now"
    return None if not same else f"{where}: computed with other bits now (NaN or signs of zeros)"


def _close(a: np.ndarray, b: np.ndarray) -> bool:
    return np.allclose(
        a,
        b,
        rtol=1e-10,
        atol=1e-10 * float(np.max(np.abs(b), initial=0.0, where=np.isfinite(b))),
        equal_nan=True,
    )

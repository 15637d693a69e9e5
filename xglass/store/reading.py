"""Looking at a store: what it holds, how far it is, what has failed."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import numpy as np
import xarray as xr

from xglass.messages import public
from xglass.store import disk, folders, growth, seal
from xglass.store.disk import Part


class Progress(NamedTuple):
    """How far an evaluation is: regions done, all of them, those whose last attempt failed, a guess at the
    seconds left, and whether metadata and coordinates are sealed.
    """

    done: int
    total: int
    failed: int
    seconds_left: float
    sealed: bool = True

    @property
    def fraction(self) -> float:
        """Share of the regions that are done, between 0 and 1."""
        return self.done / self.total

    def __str__(self) -> str:
        left = (
            ""
            if np.isnan(self.seconds_left) or self.seconds_left < 1.0
            else f", about {_duration(self.seconds_left)} left"
        )
        failed = f", {self.failed} failed" if self.failed else ""
        unsealed = "" if self.sealed else f"; unsealed: {seal.UNSEALED}"
        return (
            f"{self.done} of {self.total} regions done ({100 * self.fraction:.0f} %){failed}{left}{unsealed}"
        )


@public
def load(path: str | os.PathLike[str], *, partial: bool = False) -> xr.Dataset | xr.DataArray:
    """What a store holds, lazy: nothing but metadata, coordinates and marks is read.

    Parameters
    ----------
    path : str or path
        A store that :func:`evaluate` made.
    partial : bool, default False
        Whether to give unfinished data, too. They have a coordinate ``done``; what is not done reads as NaN,
        whole numbers as the lowest of their type (observables of such configurations are NaN), flags as
        False.

    Returns
    -------
    Dataset or DataArray
        As it was given to :func:`evaluate`: dimensions, coordinates, attributes and types; one dask chunk for
        every chunk on disk. Reading a damaged or lost chunk raises ValueError with its place. Opening a store
        runs nothing of its content.

    Raises
    ------
    FileNotFoundError
        There is no store.
    ValueError
        It is unfinished (how much is missing), damaged, or no store.

    Examples
    --------
    >>> import tempfile
    >>> import xglass as xg
    >>> path = tempfile.mkdtemp() + "/energy.zarr"
    >>> energy = xg.testing.tiny_run()["electrostatic_energy"].mean("sweep")
    >>> _ = xg.store.evaluate(energy, path, progress=False)
    >>> xg.store.load(path).dims
    ('eta', 'T', 'walker')
    """
    return loaded(opened(path), partial=partial)


def loaded(parts: list[Part], *, partial: bool) -> xr.Dataset | xr.DataArray:
    """What the parts of a store hold, as :func:`load` gives it."""
    state = progress_of(parts)
    if state.fraction < 1.0 and not partial:
        whole = [part for part in parts if part.done().all()]
        grown = (
            f" (all in its growth: to give that up, delete the folders growth-{len(whole)} and up)"
            if parts[: len(whole)] == whole != []
            else ""
        )
        raise ValueError(
            f"store {str(parts[0].path)!r} is unfinished: {state.total - state.done} of {state.total} "
            "regions are missing"
            f"{f' ({state.failed} failed)' if state.failed else ''}{grown}; call evaluate again, or "
            "load(path, partial=True) for what is there"
        )
    data = growth.combined(parts, complete=not partial, marked=bool(partial))
    if parts[0].provenance["kind"] == "Dataset":
        return data
    (name,) = data.data_vars
    return data[name].rename(parts[0].provenance["name"])


@public
def progress(path: str | os.PathLike[str]) -> Progress:
    """How far the evaluation of a store is; from any process, at any time.

    Parameters
    ----------
    path : str or path
        A store that :func:`evaluate` made, finished or not, also while it is being evaluated.

    Returns
    -------
    Progress
        ``done``, ``total`` and ``failed`` regions, ``fraction`` done, and ``seconds_left``, judged by the
        pace of the last regions (NaN before there is one); ``sealed`` is False for a store made before
        metadata and coordinates had digests. The same from the command line: ``python -m xglass.store
        progress PATH``.

    Raises
    ------
    FileNotFoundError, ValueError
        As :func:`load`.

    Examples
    --------
    >>> import tempfile
    >>> import xglass as xg
    >>> path = tempfile.mkdtemp() + "/run.zarr"
    >>> _ = xg.store.evaluate(xg.testing.tiny_run(), path, progress=False)
    >>> print(xg.store.progress(path))
    1 of 1 regions done (100 %)
    """
    return progress_of(opened(path))


@public
def failures(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """The regions whose last attempt failed: index, parameters (a label, or the first and the last) and
    error.

    Parameters
    ----------
    path : str or path
        A store that :func:`evaluate` made.

    Returns
    -------
    list
        A dictionary with "region", "parameters" and "error" for each; a region is taken off the list when it
        succeeds.

    Raises
    ------
    FileNotFoundError, ValueError
        As :func:`load`.

    Examples
    --------
    >>> import tempfile
    >>> import xglass as xg
    >>> path = tempfile.mkdtemp() + "/run.zarr"
    >>> _ = xg.store.evaluate(xg.testing.tiny_run(), path, progress=False)
    >>> xg.store.failures(path)
    []
    """
    return [record for part in opened(path) for record in part.failures()]


def opened(path: str | os.PathLike[str]) -> list[Part]:
    """The parts of the store that a user names."""
    folder = folders.local_path(path)
    if not folders.exists(folder):
        raise FileNotFoundError(
            f"path: there is no store {str(folder)!r}; make one by xg.store.evaluate(data, path)"
        )
    return disk.parts(folder)


def progress_of(parts: list[Part]) -> Progress:
    """Progress of all parts together."""
    total, done = (
        sum(part.grid.size for part in parts),
        sum(int(np.count_nonzero(part.done())) for part in parts),
    )
    times = np.sort([time for part in parts for time in part.times()])
    gaps = np.diff(times[-50:])
    gaps = (
        gaps[gaps <= 20 * np.median(gaps) + 1e-3] if gaps.size else gaps
    )  # a pause between two calls is no pace
    left = (total - done) * float(gaps.mean()) if gaps.size else (0.0 if done == total else np.nan)
    sealed = all(part.seal is not None for part in parts)
    return Progress(done, total, sum(len(part.failures()) for part in parts), left, sealed)


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}"
    return f"{seconds:.0f} s"

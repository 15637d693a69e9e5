"""Correlations of occupations 0 and 1."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from xglass.engine.core.blas import single_thread
from xglass.engine.core.operations import operation
from xglass.engine.core.points import points

#: What an occupation reads as that a store lacks so far: the lowest number of its type.
MISSING = np.iinfo(np.int8).min


def configurations(occupation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return occupations (..., site), empty where they are missing, and (...) whether they are there.

    ValueError if they are not all 0 or 1, as after a sum over walkers.
    """
    missing = (occupation == MISSING).any(axis=-1)
    if missing.any():
        occupation = np.where(missing[..., None], np.zeros_like(occupation), occupation)
    if ((occupation != 0) & (occupation != 1)).any():
        raise ValueError(
            f"occupation must be 0 or 1, got values from {occupation.min()} to {occupation.max()}; "
            "sum or average the result instead"
        )
    return occupation, ~missing


def blanked(result: np.ndarray, there: np.ndarray) -> np.ndarray:
    """The result, with NaN where its configuration is missing."""
    return result if there.all() else np.where(there, result, np.nan)


def blocks(rows: int, length: int) -> Iterator[slice]:
    """Cut rows so that a block of them takes about 2 MB as numbers: what is made in between stays small."""
    size = max(1, 250_000 // length)
    return (slice(first, min(first + size, rows)) for first in range(0, rows, size))


@operation("overlap")
def overlap(a: np.ndarray, b: np.ndarray, filling: np.ndarray) -> np.ndarray:
    """(...) (1/N) sum_i (a_i - n)(b_i - n) of configurations (..., site), from whole-number counts."""
    sites = a.shape[-1]
    (a, there_a), (b, there_b) = configurations(a), configurations(b)
    both = (a & b).sum(axis=-1, dtype=np.int64)
    ones = a.sum(axis=-1, dtype=np.int64) + b.sum(axis=-1, dtype=np.int64)
    return blanked((both - filling * ones) / sites + filling**2, there_a & there_b)


@operation("structure_factor")
def structure_factor(occupation: np.ndarray, filling: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """(..., q) (1/N) |sum_i (n_i - n) exp(-i phase_iq)|^2 of configurations (..., site), phases (site, q)."""
    occupation, there = configurations(occupation)
    sites = occupation.shape[-1]
    phase = phase.reshape(sites, -1)
    shape, (rows, mean) = points((occupation, filling), (1, 0))
    rows, mean = rows.reshape(-1, sites), mean.ravel()
    result = np.empty((len(rows), phase.shape[1]))
    waves = np.cos(phase), np.sin(phase)
    with single_thread():
        for part in blocks(len(rows), sites):
            # one row each: bits must not depend on chunks
            deviation = (rows[part] - mean[part, None])[:, None, :]
            result[part] = sum((deviation @ wave)[:, 0] ** 2 for wave in waves) / sites
    return blanked(result.reshape(*shape, -1), there[..., None])

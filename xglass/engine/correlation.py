"""Correlations of occupations 0 and 1."""

from __future__ import annotations

import numpy as np

from xglass.engine.blas import single_thread

#: What an occupation reads as that a store lacks so far: the lowest number of its type.
MISSING = np.iinfo(np.int8).min


def configurations(occupation: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Occupations (..., site), empty where they are missing, and (...) whether they are there.

    ValueError if they are not all 0 or 1, as after a sum over walkers.
    """
    missing = (occupation == MISSING).any(axis=-1)
    if missing.any():
        occupation = np.where(missing[..., None], np.zeros_like(occupation), occupation)
    if ((occupation != 0) & (occupation != 1)).any():
        raise ValueError(
            f"occupation must be 0 or 1, got values from {occupation.min()} to {occupation.max()}; sum or average the result instead"
        )
    return occupation, ~missing


def overlap(a: np.ndarray, b: np.ndarray, filling: np.ndarray) -> np.ndarray:
    """(...) (1/N) sum_i (a_i - n)(b_i - n) of configurations (..., site), from whole-number counts."""
    sites = a.shape[-1]
    (a, there_a), (b, there_b) = configurations(a), configurations(b)
    both = (a & b).sum(axis=-1, dtype=np.int64)
    ones = a.sum(axis=-1, dtype=np.int64) + b.sum(axis=-1, dtype=np.int64)
    return np.where(there_a & there_b, (both - filling * ones) / sites + filling**2, np.nan)


def structure_factor(occupation: np.ndarray, filling: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """(..., q) (1/N) |sum_i (n_i - n) exp(-i phase_iq)|^2 of configurations (..., site) and phases (site, q)."""
    occupation, there = configurations(occupation)
    deviation = (occupation - np.asarray(filling)[..., None])[..., None, :]  # one row each: bits must not depend on chunks
    phase = phase.reshape(phase.shape[-2:])
    with single_thread():
        real, imaginary = deviation @ np.cos(phase), deviation @ np.sin(phase)
    return np.where(there[..., None], (real**2 + imaginary**2)[..., 0, :] / occupation.shape[-1], np.nan)

"""Correlations of occupations 0 and 1."""

from __future__ import annotations

import numpy as np

from xglass.engine.blas import single_thread


def binary(occupation: np.ndarray) -> np.ndarray:
    """The occupations themselves; ValueError if they are not all 0 or 1, as after a sum over walkers."""
    if ((occupation != 0) & (occupation != 1)).any():
        raise ValueError(
            f"occupation must be 0 or 1, got values from {occupation.min()} to {occupation.max()}; sum or average the result instead"
        )
    return occupation


def overlap(a: np.ndarray, b: np.ndarray, filling: np.ndarray) -> np.ndarray:
    """(...) (1/N) sum_i (a_i - n)(b_i - n) of configurations (..., site), from whole-number counts."""
    sites = a.shape[-1]
    a, b = binary(a), binary(b)
    both = (a & b).sum(axis=-1, dtype=np.int64)
    ones = a.sum(axis=-1, dtype=np.int64) + b.sum(axis=-1, dtype=np.int64)
    return (both - filling * ones) / sites + filling**2


def structure_factor(occupation: np.ndarray, filling: np.ndarray, phase: np.ndarray) -> np.ndarray:
    """(..., q) (1/N) |sum_i (n_i - n) exp(-i phase_iq)|^2 of configurations (..., site) and phases (site, q)."""
    deviation = (binary(occupation) - np.asarray(filling)[..., None])[
        ..., None, :
    ]  # one row each: bits must not depend on chunks
    phase = phase.reshape(phase.shape[-2:])
    with single_thread():
        real, imaginary = deviation @ np.cos(phase), deviation @ np.sin(phase)
    return (real**2 + imaginary**2)[..., 0, :] / occupation.shape[-1]

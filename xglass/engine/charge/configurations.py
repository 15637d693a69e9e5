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


@operation("chi4")
def fluctuations(correlation: np.ndarray, *, sites: int) -> np.ndarray:
    """(...) sites times the unbiased variance of correlations (..., walker), NaN where one is missing."""
    there = np.isfinite(correlation)
    count = there.sum(axis=-1)
    walkers = np.where(count > 1, count, np.nan)  # one alone has no variance
    kept = np.where(there, correlation, 0.0)
    mean = kept.sum(axis=-1) / walkers
    deviation = np.where(there, kept - mean[..., None], 0.0)
    return np.asarray(sites * (deviation**2).sum(axis=-1) / (walkers - 1.0))


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


@operation("structure_factor.torus")
def torus_structure_factor(
    occupation: np.ndarray, filling: np.ndarray, weights: np.ndarray, *, cells: tuple[int, ...]
) -> np.ndarray:
    """(..., q) what :func:`structure_factor` is, at waves of the torus, by Fourier transforms over its cells.

    The amplitude is sum_s w_s(q) F_s(q): F_s transforms the sites s of all cells, and the weights
    (q, sublattice) are exp(-i q R_s) with R_s in the first cell. Sites are numbered with the sublattice
    fastest, then along the first period; the waves of each zone likewise, zone after zone.
    """
    occupation, there = configurations(occupation)
    sites, count, sublattices = occupation.shape[-1], int(np.prod(cells)), weights.shape[-1]
    weights = weights.reshape(-1, count, sublattices)
    shape, (rows, mean) = points((occupation, filling), (1, 0))
    rows, mean = rows.reshape(-1, sites), mean.ravel()
    result = np.empty((len(rows), len(weights), count))
    half, mirrored = _half_of_waves(cells)
    # the other half is complex conjugate, which the weights are instead
    imaginary = np.where(mirrored[:, None], -weights.imag, weights.imag)
    axes = tuple(range(2, 2 + len(cells)))
    for part in blocks(len(rows), 2 * sites):
        # numpy transforms row by row, and every product below is rounded by itself (which complex products
        # are not): bits must not depend on chunks
        deviation = rows[part] - mean[part, None]
        grids = np.moveaxis(deviation.reshape(-1, *cells[::-1], sublattices), -1, 1)
        waves = np.fft.rfftn(grids, axes=axes).reshape(len(deviation), sublattices, -1)
        for zone, (u, v) in enumerate(zip(weights.real, imaginary, strict=True)):
            if sublattices == 1:  # all weights have modulus 1
                power = waves.real[:, 0] ** 2 + waves.imag[:, 0] ** 2
                result[part, zone] = np.take(power, half, axis=-1) / sites
                continue
            amplitude = np.take(waves, half, axis=-1)
            x = [u[:, s] * amplitude.real[:, s] - v[:, s] * amplitude.imag[:, s] for s in range(sublattices)]
            y = [u[:, s] * amplitude.imag[:, s] + v[:, s] * amplitude.real[:, s] for s in range(sublattices)]
            result[part, zone] = (sum(x) ** 2 + sum(y) ** 2) / sites
    return blanked(result.reshape(*shape, -1), there[..., None])


def _half_of_waves(cells: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """(cell) where each wave stands among those that a real transform keeps, and whether as its inverse."""
    sizes = np.array(cells[::-1])
    waves = np.indices(cells[::-1]).reshape(len(sizes), -1)
    mirrored = waves[-1] > cells[0] // 2
    waves = np.where(mirrored, -waves % sizes[:, None], waves)
    half = np.ravel_multi_index(tuple(waves), (*sizes[:-1], cells[0] // 2 + 1))
    return np.asarray(half), mirrored

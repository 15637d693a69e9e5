"""Spectra of sticks under a filter: on uniform frequencies by Fourier transforms, else stick by stick.

Sticks are shared among the points of a comb, a grid that is finer than the filter is wide, and the comb is
convolved with the filter once, however many sticks there are.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass

import numpy as np
from scipy import fft

#: Points of the comb within the width of a filter: errors are then below 1e-12 of the largest value.
FINENESS = {"lorentzian": 24, "gaussian": 10}

#: Work of the two ways, in units of one stick at one frequency: of a point that is transformed, and of a
#: stick that is shared.
TRANSFORMED, SHARED = 20, 60

#: Largest departure of frequencies from equal steps, in widths of the filter. What rounding to 12 digits
#: makes of a uniform grid is followed to first order, which leaves a hundredth of it.
UNIFORM = 1e-8


@dataclass(frozen=True)
class Comb:
    """Points at origin, origin + step, ...; the frequencies lie on every ``finer``-th of its steps.

    All are plain numbers, so that combs of many configurations share the transform of their filter.
    """

    origin: float
    step: float
    points: int
    finer: int


def spectrum(
    places: np.ndarray,
    weights: np.ndarray,
    frequency: np.ndarray,
    width: float,
    kind: str,
    *,
    even: bool = False,
) -> np.ndarray:
    """Sum filters about sticks.

    Parameters
    ----------
    places : ndarray
        (stick,) where they stand.
    weights : ndarray
        (curve, stick) their weights: several spectra of the same sticks.
    frequency : ndarray
        (frequency,) rising.
    width : float
        Half width of a Lorentzian, standard deviation of a Gaussian.
    kind : {"lorentzian", "gaussian"}
        The filter, of integral 1.
    even : bool
        Whether every stick has a mirror image at the opposite place.

    Returns
    -------
    ndarray
        (curve, frequency).
    """
    from xglass.engine.core import filters_kernels

    if places.size == 0:
        return np.zeros((len(weights), frequency.size))
    comb = _comb(places, frequency, width, kind, even)
    if comb is None:
        if even:
            places, weights = np.r_[places, -places], np.concatenate([weights, weights], axis=1)
        direct = {"lorentzian": filters_kernels.lorentzians, "gaussian": filters_kernels.gaussians}[kind]
        result = np.zeros((len(weights), frequency.size))
        direct(places, weights, frequency, width, result)
        return result
    shares = np.zeros((len(weights), comb.points))
    filters_kernels.share(places, weights, comb.origin, comb.step, shares)
    if even:
        shares += shares[:, ::-1].copy()
    away = frequency - _uniform(frequency)
    return _convolved(shares, comb, float(frequency[0]), away, width, kind)


def _uniform(frequency: np.ndarray) -> np.ndarray:
    """Return frequencies in equal steps between the same ends."""
    step = (frequency[-1] - frequency[0]) / (frequency.size - 1)
    return frequency[0] + step * np.arange(frequency.size)


def binned(places: np.ndarray, weights: np.ndarray, bins: int, step: float) -> np.ndarray:
    """(curve, bin) weight of sticks at 0 or above in bins about 0, step, ..., over their width."""
    from xglass.engine.core import filters_kernels

    result = np.zeros((len(weights), bins))
    filters_kernels.bins(places, weights, step, result)
    return result / step


def _comb(places: np.ndarray, frequency: np.ndarray, width: float, kind: str, even: bool) -> Comb | None:
    """The comb of these sticks, or None where the direct sum is less work."""
    from xglass.engine.core.filters_kernels import SHARING

    if frequency.size < 2 or np.abs(frequency - _uniform(frequency)).max() > UNIFORM * width:
        return None
    step = (frequency[-1] - frequency[0]) / (frequency.size - 1)
    finer = math.ceil(FINENESS[kind] * step / width)
    fine = float(step / finer)

    # in steps of the comb from frequency 0: neighbours in a chain of configurations get the same comb
    margin = SHARING
    low = math.floor(places.min() / fine / 64) * 64 - margin
    high = math.ceil(places.max() / fine / 64) * 64 + margin
    if even:
        low = min(low, -high)
        high = -low
    points = high - low + 1
    size = points + finer * (frequency.size - 1)
    if TRANSFORMED * size + SHARED * places.size > (1 + even) * places.size * frequency.size:
        return None
    return Comb(low * fine, fine, points, finer)


def _convolved(
    shares: np.ndarray, comb: Comb, first: float, away: np.ndarray, width: float, kind: str
) -> np.ndarray:
    """(curve, frequency) filter convolved with the (curve, point) shares of a comb.

    ``away`` is what frequencies are off equal steps: the slope, from a step of the comb, makes up for it.
    """
    last = comb.finer * (away.size - 1)
    size = fft.next_fast_len(comb.points + last + 2, real=True)
    transform = _transform(comb, first, last, size, width, kind)
    result = fft.irfft(fft.rfft(shares, size, axis=-1) * transform, size, axis=-1)
    # what comes before the filter covers the whole comb is wrapped around; one more step at either end
    here = comb.points + np.arange(0, last + 1, comb.finer)
    slope = (result[:, here + 1] - result[:, here - 1]) / (2.0 * comb.step)
    return result[:, here] + slope * away


@functools.lru_cache(16)
def _transform(comb: Comb, first: float, last: int, size: int, width: float, kind: str) -> np.ndarray:
    """Fourier transform of the filter, at the distances of all frequencies from all points of the comb."""
    away = (first - comb.origin) + comb.step * np.arange(-comb.points, last + 2)
    if kind == "gaussian":
        shape = np.exp(-0.5 * (away / width) ** 2) / (math.sqrt(2.0 * math.pi) * width)
    else:
        shape = width / (math.pi * (away**2 + width**2))
    transform = fft.rfft(shape, size)
    transform.setflags(write=False)
    return transform

"""Where two curves part, and where one of them jumps."""

from __future__ import annotations

import math

import numpy as np

from xglass.engine.core.operations import operation
from xglass.engine.core.points import over_points

#: Median size of a difference of two standard normal numbers: 2^(1/2) times the third quartile of one.
MEDIAN_OF_DIFFERENCES = 0.9538725524


@operation("irreversibility_temperature")
def parting(a: np.ndarray, b: np.ndarray, x: np.ndarray, *, factor: float) -> np.ndarray:
    """(...) from the highest x (x,) downwards, the first at which a/b or b/a of (..., x) reaches ``factor``.

    NaN where there is none, or where the ratio is as large at the highest x already. Points at which one of
    the two is not positive and finite are left out.
    """

    def at_point(a: np.ndarray, b: np.ndarray) -> float:
        there = (a > 0.0) & (b > 0.0) & np.isfinite(a + b)
        places, apart = x[there], np.abs(np.log(a[there] / b[there])) - math.log(factor)
        parted = np.flatnonzero(apart >= 0.0)
        if parted.size == 0 or parted[-1] == places.size - 1:
            return math.nan
        k = parted[-1]
        return float(places[k] + (places[k + 1] - places[k]) * apart[k] / (apart[k] - apart[k + 1]))

    return over_points(at_point, (a, b), 1, float)


@operation("ops.jumps.noise")
def noise_of_differences(x: np.ndarray) -> np.ndarray:
    """(...) standard deviation of white noise whose differences along the last axis have this median size."""
    return np.asarray(np.median(np.abs(np.diff(x, axis=-1)), axis=-1) / MEDIAN_OF_DIFFERENCES)


@operation("ops.jumps")
def change_points(x: np.ndarray, noise: np.ndarray, *, window: int, threshold: float) -> np.ndarray:
    """(..., n) step of the mean over ``window`` points, from those before each point to it and those after.

    Kept where it exceeds ``threshold`` standard deviations of what white noise of that size gives, and the
    steps less than a window before and after, the first of equals; 0 elsewhere, NaN for series with a NaN.
    """
    means = np.lib.stride_tricks.sliding_window_view(x.astype(np.float64), window, axis=-1).mean(axis=-1)
    steps = means[..., window:] - means[..., :-window]  # of the points window, ..., n - window
    size = np.abs(steps)
    kept = size > threshold * math.sqrt(2.0 / window) * noise[..., None]
    for shift in range(1, min(window, size.shape[-1])):
        kept[..., shift:] &= size[..., shift:] > size[..., :-shift]
        kept[..., :-shift] &= size[..., :-shift] >= size[..., shift:]
    result = np.zeros(x.shape)
    result[..., window : x.shape[-1] - window + 1] = np.where(kept, steps, 0.0)
    return np.where(np.isnan(x).any(axis=-1, keepdims=True), np.nan, result)

"""Where two curves part."""

from __future__ import annotations

import math

import numpy as np

from xglass.engine.core.operations import operation
from xglass.engine.core.points import over_points


@operation("irreversibility_temperature")
def parting(a: np.ndarray, b: np.ndarray, x: np.ndarray, *, factor: float) -> np.ndarray:
    """(...) from the highest x (x,) downwards, the first at which a/b or b/a of (..., x) reaches ``factor``.

    NaN where there is none, or where the ratio is as large at the highest x already. Points at which one of
    the two is not positive are left out.
    """

    def at_point(a: np.ndarray, b: np.ndarray) -> float:
        there = (a > 0.0) & (b > 0.0)
        places, apart = x[there], np.abs(np.log(a[there] / b[there])) - math.log(factor)
        parted = np.flatnonzero(apart >= 0.0)
        if parted.size == 0 or parted[-1] == places.size - 1:
            return math.nan
        k = parted[-1]
        return float(places[k] + (places[k + 1] - places[k]) * apart[k] / (apart[k] - apart[k + 1]))

    return over_points(at_point, (a, b), 1, float)

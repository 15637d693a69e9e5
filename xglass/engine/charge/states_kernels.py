"""Kernels of one-body states; the states (state, site) row by row."""

from __future__ import annotations

import numpy as np

from xglass.engine.charge.one_body_kernels import fermi
from xglass.engine.core.jit import kernel


@kernel
def density(states, levels, mu, temperature):
    """(site) thermal density sum_n f_n |U_in|^2."""
    out = np.zeros(states.shape[1])
    for n in range(levels.size):
        f = fermi((levels[n] - mu) / temperature)
        for i in range(out.size):
            out[i] += f * states[n, i] * states[n, i]
    return out


@kernel
def participation(states):
    """(state) inverse participation ratio sum_i |U_in|^4."""
    out = np.empty(states.shape[0])
    for n in range(out.size):
        # four sums beside each other do not wait for each other
        a, b, c, d = 0.0, 0.0, 0.0, 0.0
        whole = 4 * (states.shape[1] // 4)
        for i in range(0, whole, 4):
            a += states[n, i] ** 4
            b += states[n, i + 1] ** 4
            c += states[n, i + 2] ** 4
            d += states[n, i + 3] ** 4
        for i in range(whole, states.shape[1]):
            a += states[n, i] ** 4
        out[n] = (a + b) + (c + d)
    return out


@kernel
def gap_ratio(levels, low, high):
    """Mean of min/max of the gaps on the two sides of a level, over levels from low to high that have two.

    Gaps below rounding are zero, and a level between two of them has no ratio. NaN where no level is left.
    """
    total, number = 0.0, 0
    rounding = 1e-14 * levels.size * max(abs(levels[0]), abs(levels[-1]))
    for n in range(1, levels.size - 1):
        if low <= levels[n] <= high:
            below, above = levels[n] - levels[n - 1], levels[n + 1] - levels[n]
            larger, smaller = max(below, above), min(below, above)
            if larger > rounding:
                total += smaller / larger if smaller > rounding else 0.0
                number += 1
    return total / number if number else np.nan

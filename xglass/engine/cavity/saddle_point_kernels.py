"""The saddle point of the cavity glass: kernels of its scalar reduction.

At a frequency all that the equations know of the bubble is the distribution of its values over wave vectors:
chi (q,) with weights (q,), of which x = 1/chi is never formed, since chi may be 0. With the shift z of x,

    g(z) = int_q 1/(x + z) = int_q chi / (1 + z chi),   -g'(z) = int_q (chi / (1 + z chi))^2

Physical are shifts with 1 + z chi > 0 everywhere, where g falls and is convex; at others sums are NaN.
"""

from __future__ import annotations

import math

import numpy as np

from xglass.engine.core.jit import quiet_kernel as kernel

#: Most steps of Newton's method, which needs some ten: from the right of a convex function it cannot miss.
STEPS = 200

#: Rounding of a shift, relative to the terms of its equation.
ROUNDING = 4e-16


@kernel
def recurrence(values, weight, size):
    """Return diagonal and off-diagonal of the Jacobi matrix of a measure: three-term recurrence of its
    orthogonal polynomials (Stieltjes), for values in [0, 1].

    Where the measure has fewer points than ``size`` the rest of the matrix is 0, and apart.
    """
    diagonal, beside = np.zeros(size), np.zeros(size - 1)
    before, here = np.zeros(values.size), np.ones(values.size)
    norm, mean = 0.0, 0.0
    for i in range(values.size):
        norm += weight[i]
        mean += weight[i] * values[i]
    first, ratio = norm, 0.0
    for k in range(size):
        diagonal[k] = mean / norm
        if k == size - 1:
            break
        following, mean = 0.0, 0.0
        for i in range(values.size):
            p = (values[i] - diagonal[k]) * here[i] - ratio * before[i]
            before[i], here[i] = here[i], p
            following += weight[i] * p * p
            mean += weight[i] * values[i] * p * p
        # squares of polynomials of leading coefficient 1 on [0, 1] fall as 16^-k: far below all is rounding
        if following <= 1e-28 * first * 16.0 ** (-k):
            break
        ratio = following / norm
        beside[k] = math.sqrt(ratio)
        norm = following
    return diagonal, beside


@kernel
def powers(shift, chi, weight):
    """Return the sums over q of 1/(x + z), 1/(x + z)^2, 1/(x + z)^3, and of 1/x - 1/(x + z) over z."""
    first, second, third, lost = 0.0, 0.0, 0.0, 0.0
    for i in range(chi.size):
        denominator = 1.0 + shift * chi[i]
        if denominator <= 0.0:
            return math.nan, math.nan, math.nan, math.nan
        term = chi[i] / denominator
        first += weight[i] * term
        second += weight[i] * term * term
        third += weight[i] * term * term * term
        lost += weight[i] * chi[i] * term
    return first, second, third, lost


@kernel
def marginal_shift(coupling, highest, least, chi, weight):
    """Return the shift at which J^2 int (x + z)^-2 = 1, the edge of stability.

    (int (x + z)^-2)^(-1/2) is concave in z, so that Newton's method climbs to J from the left without passing
    it; ``least`` weight at the ``highest`` chi says where it starts.
    """
    z = -1.0 / highest + coupling * math.sqrt(least)
    for _ in range(STEPS):
        _, second, third, _ = powers(z, chi, weight)
        step = (coupling * math.sqrt(second) - 1.0) * second / third
        z += step
        if step <= ROUNDING * (abs(z) + coupling):
            break
    return z


@kernel
def largest_shift(square, level, chi, weight):
    """Return the largest z of z + J^2 g(z) = level, NaN if there is none.

    The left side is convex and lies above z: Newton's method falls from z = level to its largest root, and
    to no other.
    """
    z = level
    for _ in range(STEPS):
        first, second, _, _ = powers(z, chi, weight)
        slope = 1.0 - square * second
        if not slope > 0.0:
            return math.nan
        step = (z + square * first - level) / slope
        z -= step
        if step <= ROUNDING * (abs(z) + square * first):
            break
    return z


@kernel
def excess(shift, square, ratio, source, total, chi_static, weight_static, chi, weight):
    """Return sum over frequencies of D - D0, at a shift of Omega = 0 and J(0)^2.

    D - D0 = -z int_q chi / (x + z), each frequency at the shift that belongs to the same multiplier; weights
    ``total`` make the sum one over all frequencies. ``ratio`` is [J(Omega)/J(0)]^2, ``source`` what the level
    of a frequency is over that of Omega = 0.
    """
    first, _, _, lost = powers(shift, chi_static, weight_static)
    level = shift + square * first
    result = -total[0] * shift * lost
    for m in range(1, total.size):
        z = largest_shift(square * ratio[m], level * source[m], chi[m], weight[m])
        result -= total[m] * z * powers(z, chi[m], weight[m])[3]
    return result


@kernel
def shifts(shift, square, ratio, source, chi_static, weight_static, chi, weight):
    """Return the shift at every frequency, that of Omega = 0 given."""
    result = np.empty(ratio.size)
    level = shift + square * powers(shift, chi_static, weight_static)[0]
    for m in range(ratio.size):
        if m > 0:
            result[m] = largest_shift(square * ratio[m], level * source[m], chi[m], weight[m])
        else:
            result[m] = shift
    return result


@kernel
def sums(shift, chi_static, weight_static, chi, weight):
    """Return :func:`powers` (4, m) at every frequency, of shifts (m,)."""
    result = np.empty((4, shift.size))
    for m in range(shift.size):
        result[:, m] = (
            powers(shift[m], chi[m], weight[m]) if m > 0 else powers(shift[m], chi_static, weight_static)
        )
    return result

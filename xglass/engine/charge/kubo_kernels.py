"""Currents between one-body states, and the weight that every pair of states has in a conductivity.

The velocity of H = K + diag(phi) along axis a is v_a = i [H, r_a] = i A_a, where A_a = t_ij (r_j - r_i)_a,
with r_j - r_i the vector of the bond, is real and antisymmetric. So are its elements M_a = U^T A_a U between
real eigenstates, and <n|v_a|m><m|v_b|n> = M_a[n, m] M_b[n, m].
"""

from __future__ import annotations

import math

import numpy as np

from xglass.engine.charge.one_body_kernels import fermi
from xglass.engine.core.jit import inline, kernel

#: Product of an occupied and an empty share below which a pair is left out.
NEGLIGIBLE = 1e-20


@kernel
def currents(vectors, source, target, flow, moved, out):
    """(state, state) M = U^T A U of (site, state) ``vectors`` in C order; ``flow`` is t r_a of every bond."""
    moved[:] = 0.0
    for b in range(source.size):
        i, j, amplitude = source[b], target[b], flow[b]
        if amplitude != 0.0:
            for n in range(moved.shape[1]):
                moved[i, n] += amplitude * vectors[j, n]
                moved[j, n] -= amplitude * vectors[i, n]
    out[:] = np.dot(vectors.T, moved)


@inline
def _ratio(occupied_n, empty_n, occupied_m, empty_m, gap, temperature):
    """(f_n - f_m) / (e_m - e_n) from occupied and empty shares: by their difference unless that cancels."""
    scaled = gap / temperature
    if scaled > 1e-3:
        return (occupied_n * empty_m - occupied_m * empty_n) / gap
    if scaled > 0.0:
        return occupied_n * empty_m * -math.expm1(-scaled) / gap
    return occupied_n * empty_m / temperature


@kernel
def pair_weights(levels, elements, mu, temperature, terms, factors, gaps, weights):
    """Fill gaps and (direction, pair) weights of all pairs n < m that carry weight; return their number.

    The weight is sum over terms of factor (f_n - f_m) / gap M_a M_b, where a term is (direction, a, b). A
    degenerate pair has its limit, f (1 - f) / T.
    """
    size, count = levels.size, 0
    occupied, empty = np.empty(size), np.empty(size)
    for n in range(size):
        # both by themselves: 1 - f has no digits where f is nearly 1
        occupied[n] = fermi((levels[n] - mu) / temperature)
        empty[n] = fermi((mu - levels[n]) / temperature)
    for n in range(size):
        for m in range(n + 1, size):
            if occupied[n] * empty[m] < NEGLIGIBLE:
                continue
            gap = levels[m] - levels[n]
            ratio = _ratio(occupied[n], empty[n], occupied[m], empty[m], gap, temperature)
            gaps[count] = gap
            for d in range(weights.shape[0]):
                weights[d, count] = 0.0
            for k in range(factors.size):
                pair = elements[terms[k, 1], n, m] * elements[terms[k, 2], n, m]
                weights[terms[k, 0], count] += factors[k] * ratio * pair
            count += 1
    return count

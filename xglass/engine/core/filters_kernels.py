"""Sticks shared among the points of a uniform grid, and sticks smoothed one by one."""

from __future__ import annotations

import math

import numpy as np

from xglass.engine.core.jit import kernel

#: Points that share a stick: Lagrange interpolation, in the place of the stick, of what smooths it.
SHARING = 12

#: Where a Gaussian is dropped, in standard deviations: there it has fallen to 1e-16 of its maximum.
FADED = 8.6


@kernel
def share(places, weights, origin, step, out):
    """Add (curve, stick) weights to ``out`` (curve, point), on points at origin, origin + step, ...

    The sum of a smooth function over the points, weighted by what they hold, is its sum over the sticks.
    """
    norm = np.empty(SHARING)
    for i in range(SHARING):
        norm[i] = 1.0
        for j in range(SHARING):
            if j != i:
                norm[i] /= i - j
    before, after = np.empty(SHARING), np.empty(SHARING)
    before[0], after[SHARING - 1] = 1.0, 1.0

    for s in range(places.size):
        # the stick lies between the two points in the middle
        place = (places[s] - origin) / step
        first = int(math.floor(place)) - SHARING // 2 + 1
        x = place - first

        # Lagrange polynomials: products of the distances to all points but one
        for i in range(1, SHARING):
            before[i] = before[i - 1] * (x - (i - 1))
            after[SHARING - 1 - i] = after[SHARING - i] * (x - (SHARING - i))
        for i in range(SHARING):
            before[i] *= after[i] * norm[i]
        for c in range(weights.shape[0]):
            weight = weights[c, s]
            for i in range(SHARING):
                out[c, first + i] += weight * before[i]
        before[0] = 1.0


@kernel
def lorentzians(places, weights, frequency, width, out):
    """Add Lorentzians of half width ``width`` about all sticks to ``out`` (curve, frequency)."""
    values, square = np.empty(frequency.size), width * width
    for s in range(places.size):
        place = places[s]
        for w in range(frequency.size):
            away = frequency[w] - place
            values[w] = (width / math.pi) / (away * away + square)
        for c in range(weights.shape[0]):
            weight = weights[c, s]
            for w in range(frequency.size):
                out[c, w] += weight * values[w]


@kernel
def gaussians(places, weights, frequency, width, out):
    """Add Gaussians of standard deviation ``width`` about all sticks to ``out`` (curve, frequency)."""
    norm = 1.0 / (math.sqrt(2.0 * math.pi) * width)
    for s in range(places.size):
        first = np.searchsorted(frequency, places[s] - FADED * width)
        last = np.searchsorted(frequency, places[s] + FADED * width)
        for w in range(first, last):
            value = norm * math.exp(-0.5 * ((frequency[w] - places[s]) / width) ** 2)
            for c in range(weights.shape[0]):
                out[c, w] += weights[c, s] * value


@kernel
def bins(places, weights, step, out):
    """Add sticks at 0 or above to bins of width ``step`` about 0, step, ... of ``out`` (curve, bin).

    What lies beyond the last bin is left out.
    """
    for s in range(places.size):
        b = int(places[s] / step + 0.5)
        if b < out.shape[1]:
            for c in range(weights.shape[0]):
                out[c, b] += weights[c, s]

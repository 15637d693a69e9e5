"""Spectra from sticks: Gaussians one by one, bins, or an auxiliary grid that is smoothed once for all.

Sticks of eigenstates n, m stand at +-(E_m - E_n), each pair once, with the weight

    pi |J_nm|^2 (e^{-b E_n} - e^{-b E_m}) / (E_m - E_n)

over Z. Three kernels go through all pairs, each with a loop of its own: a generator of pairs takes twice to
five times as long, an array of the weights of a pair a fifth longer.
"""

from __future__ import annotations

import math

import numpy as np

from xglass.engine.core.jit import inline, kernel

#: Points of the auxiliary grid that share a stick: Lagrange interpolation of the Gaussian in the place of the
#: stick.
POINTS = 8

#: Standard deviations that a Gaussian reaches: exp(-8.6^2 / 2) < 1e-16.
REACH = 8.6

#: Strength below which a stick is left out.
NOTHING = 1e-300


@inline
def _ratio(lower, upper, gap, beta):
    """(e^{-b E_n} - e^{-b E_m}) / (E_m - E_n) from both factors: by their difference unless that cancels."""
    scaled = beta * gap
    if scaled > 1e-3:
        return (lower - upper) / gap
    if scaled > 0.0:
        return lower * (-math.expm1(-scaled)) / gap
    return lower * beta


@kernel
def add_spectrum(energies, strengths, ground, temperatures, frequencies, broadenings, out, static, total):
    """Add Gaussians about all sticks to ``out`` (T, broadening, frequency).

    Weights are relative to e^{-b ground}. ``static`` (T, broadening, 2) receives the value at w = 0 and minus
    its derivative with respect to ln broadening, ``total`` (T) half the sum of all sticks: the integral over
    positive frequencies.
    """
    size = energies.size
    weight = np.empty(temperatures.size)
    for n in range(size):
        for m in range(n, size):
            strength = strengths[n, m]
            if strength < NOTHING:
                continue

            # weight at every temperature
            gap = energies[m] - energies[n]
            for k in range(temperatures.size):
                beta = 1.0 / temperatures[k]
                ratio = -math.expm1(-beta * gap) / gap if gap > 1e-12 * temperatures[k] else beta
                weight[k] = math.pi * strength * ratio * math.exp(-beta * (energies[n] - ground))
                total[k] += weight[k] * (1.0 if m > n else 0.5)

            for b in range(broadenings.size):
                width = broadenings[b]
                reach, norm = REACH * width, 1.0 / (math.sqrt(2.0 * math.pi) * width)

                # at zero frequency
                if gap < reach:
                    at_zero = norm * math.exp(-0.5 * (gap / width) ** 2) * (2.0 if m > n else 1.0)
                    for k in range(temperatures.size):
                        static[k, b, 0] += weight[k] * at_zero
                        static[k, b, 1] += weight[k] * at_zero * (1.0 - (gap / width) ** 2)

                # at all frequencies; the pair (m, n) is the same stick at the opposite frequency
                for side in range(2 if m > n else 1):
                    centre = gap if side == 0 else -gap
                    first = np.searchsorted(frequencies, centre - reach)
                    last = np.searchsorted(frequencies, centre + reach)
                    for w in range(first, last):
                        value = norm * math.exp(-0.5 * ((frequencies[w] - centre) / width) ** 2)
                        for k in range(temperatures.size):
                            out[k, b, w] += weight[k] * value


@kernel
def add_binned(energies, strengths, boltzmann, temperatures, step, out, total):
    """Add all sticks to bins of width ``step`` about 0, step, ... in ``out`` (T, bin), over that width.

    ``strengths`` symmetric; ``boltzmann`` (T, n). A stick within half a step of 0 comes with its mirror
    image. ``total`` (T): weight at positive frequencies.
    """
    for n in range(energies.size):
        for m in range(n, energies.size):
            strength = strengths[n, m]
            if strength < NOTHING:
                continue
            gap = energies[m] - energies[n]
            b = int(gap / step + 0.5)
            both = 1.0 if m == n or b > 0 else 2.0
            for k in range(temperatures.size):
                ratio = _ratio(boltzmann[k, n], boltzmann[k, m], gap, 1.0 / temperatures[k])
                weight = math.pi * strength * ratio
                total[k] += weight if m > n else 0.5 * weight
                if b < out.shape[1]:
                    out[k, b] += both * weight / step


@kernel
def add_gridded(energies, strengths, boltzmann, temperatures, step, out, total):
    """Spread all sticks over an auxiliary grid: point i of ``out`` (point, T) is at (i - POINTS) step."""
    share, norm = np.empty(POINTS), np.empty(POINTS)
    for i in range(POINTS):
        norm[i] = 1.0
        for j in range(POINTS):
            if j != i:
                norm[i] *= i - j

    for n in range(energies.size):
        for m in range(n, energies.size):
            strength = strengths[n, m]
            if strength < NOTHING:
                continue

            # shares of the points about the stick
            gap = energies[m] - energies[n]
            first = int(gap / step) - POINTS // 2 + 1
            x = gap / step - first
            for i in range(POINTS):
                product = 1.0
                for j in range(POINTS):
                    if j != i:
                        product *= x - j
                share[i] = product / norm[i]

            for k in range(temperatures.size):
                ratio = _ratio(boltzmann[k, n], boltzmann[k, m], gap, 1.0 / temperatures[k])
                weight = math.pi * strength * ratio
                if m == n:
                    weight *= 0.5  # it has no mirror image
                total[k] += weight
                for i in range(POINTS):
                    out[first + POINTS + i, k] += weight * share[i]


@kernel
def spread(energies, others, amplitudes, boltzmann, step, out):
    """Add sticks of amplitude (i, j) at |others_j - energies_i| to ``out`` (point, T).

    Point k stands at (k - 1) step, and four points share a stick.
    """
    for i in range(energies.size):
        for j in range(others.size):
            place = abs(others[j] - energies[i]) / step
            k = int(place)
            x = place - k
            for n in range(4):
                if n == 0:
                    share = -x * (x - 1.0) * (x - 2.0) / 6.0
                elif n == 1:
                    share = (x + 1.0) * (x - 1.0) * (x - 2.0) / 2.0
                elif n == 2:
                    share = -(x + 1.0) * x * (x - 2.0) / 2.0
                else:
                    share = (x + 1.0) * x * (x - 1.0) / 6.0
                share *= amplitudes[i, j]
                for m in range(boltzmann.shape[1]):
                    out[k + n, m] += share * boltzmann[i, m]


@kernel
def smooth(histogram, offset, step, frequency, broadening, out):
    """Add Gaussians about grid points and their mirror images to ``out`` (T, broadening, frequency).

    Point k of ``histogram`` (point, T) stands at (k - offset) step.
    """
    points, temperatures = histogram.shape
    sums = np.empty(temperatures)
    for b in range(broadening.size):
        width = broadening[b]
        reach, norm = REACH * width, 1.0 / (math.sqrt(2.0 * math.pi) * width)
        for w in range(frequency.size):
            sums[:] = 0.0
            for side in range(2):
                centre = frequency[w] if side == 0 else -frequency[w]
                first = max(0, int(math.ceil((centre - reach) / step)) + offset)
                last = min(points, int(math.floor((centre + reach) / step)) + offset + 1)
                for k in range(first, last):
                    value = norm * math.exp(-0.5 * (((k - offset) * step - centre) / width) ** 2)
                    for n in range(temperatures):
                        sums[n] += value * histogram[k, n]
            for n in range(temperatures):
                out[n, b, w] += sums[n]

"""Spectra from the sticks between all pairs of eigenstates."""

from __future__ import annotations

import math

import numpy as np

from xglass.engine.jit import kernel


@kernel
def add_spectrum(energies, strengths, ground, temperatures, frequencies, broadenings, out):
    """Add pi sum_{nm} |J_nm|^2 (e^{-b E_n} - e^{-b E_m}) / (E_m - E_n) Gauss(w - (E_m - E_n)) to out (T, broadening, frequency)."""
    size = energies.size
    weight = np.empty(temperatures.size)
    for n in range(size):
        for m in range(n, size):
            strength = strengths[n, m]
            if strength < 1e-300:
                continue
            gap = energies[m] - energies[n]
            for k in range(temperatures.size):
                beta = 1.0 / temperatures[k]
                ratio = -math.expm1(-beta * gap) / gap if gap > 1e-12 * temperatures[k] else beta
                weight[k] = math.pi * strength * ratio * math.exp(-beta * (energies[n] - ground))
            for b in range(broadenings.size):
                width = broadenings[b]
                reach, norm = 8.6 * width, 1.0 / (math.sqrt(2.0 * math.pi) * width)  # exp(-8.6^2 / 2) < 1e-16
                for side in range(2 if m > n else 1):  # the pair (m, n) is the same stick at the opposite frequency
                    centre = gap if side == 0 else -gap
                    first = np.searchsorted(frequencies, centre - reach)
                    last = np.searchsorted(frequencies, centre + reach)
                    for w in range(first, last):
                        value = norm * math.exp(-0.5 * ((frequencies[w] - centre) / width) ** 2)
                        for k in range(temperatures.size):
                            out[k, b, w] += weight[k] * value

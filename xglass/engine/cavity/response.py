"""What saddle points of the cavity glass say of densities and of fermions.

A saddle point is solved again where it is needed, which takes a small part of the time of its bubble.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from xglass.engine.cavity.bubble import Bubble, fermi_function
from xglass.engine.cavity.matsubara import Basis
from xglass.engine.cavity.solutions import at_points
from xglass.engine.core.blas import single_thread
from xglass.engine.core.operations import operation

__all__ = ["density_responses", "scattering_rates", "self_energies"]


def __dir__() -> list[str]:
    return __all__


@operation("density_response")
def density_responses(
    hopping: np.ndarray,
    filling: np.ndarray,
    T: np.ndarray,
    J: np.ndarray,
    omega0: np.ndarray,
    *,
    own: int,
    offsets: Sequence[Sequence[int]],
    cells: tuple[int, ...],
    matsubara: Sequence[int],
    constraint: str,
) -> np.ndarray:
    """(..., own, m, qx, ...) 1 / (x + z) at frequencies of these numbers and all wave vectors of the torus.

    The arguments are those of :func:`xglass.engine.cavity.solutions.saddle_points`.
    """
    grid = {"offsets": offsets, "cells": cells, "matsubara": matsubara}
    shape, each = at_points(hopping, filling, T, J, omega0, own, **grid)
    result = np.empty((*shape, len(matsubara), *cells))
    for fermions, couplings in each:
        chi0, index = fermions.bubble.at(np.asarray(matsubara)), fermions.bubble.band.grid.index()
        for place, strength, mode in couplings:
            equations, _, _, found = fermions.saddle(strength, mode, None, constraint)
            shift = found.shift[fermions.rows(equations.measure)][:, None]
            np.take(chi0 / (1.0 + shift * chi0), index, axis=1, out=result[place])
    return result


@operation("fermion_self_energy")
def self_energies(
    hopping: np.ndarray,
    filling: np.ndarray,
    T: np.ndarray,
    J: np.ndarray,
    omega0: np.ndarray,
    *,
    own: int,
    offsets: Sequence[Sequence[int]],
    cells: tuple[int, ...],
    numbers: Sequence[int],
    approximation: str | None,
    constraint: str,
) -> np.ndarray:
    """(..., own, n) J^2 T sum D G + J^2 q_EA G, Eq. (49), at fermionic frequencies of these numbers."""
    shape, each = at_points(hopping, filling, T, J, omega0, own, offsets=offsets, cells=cells)
    result = np.empty((*shape, len(numbers)), dtype=np.complex128)
    for fermions, couplings in each:
        for place, strength, mode in couplings:
            equations, _, frozen, found = fermions.saddle(strength, mode, approximation, constraint)
            basis = fermions.basis(fermions.doublings(strength, mode))
            rank = basis.frequencies.size
            coupled = strength**2 * equations.ratio[:rank] * found.response[:rank]
            static = strength**2 * frozen
            result[place] = _self_energy(fermions.bubble, basis, coupled, static, np.asarray(numbers))
    return result


@operation("fermion_scattering_rate")
def scattering_rates(
    hopping: np.ndarray,
    filling: np.ndarray,
    T: np.ndarray,
    J: np.ndarray,
    omega0: np.ndarray,
    *,
    own: int,
    offsets: Sequence[Sequence[int]],
    cells: tuple[int, ...],
    approximation: str | None,
    constraint: str,
    frozen: bool,
) -> np.ndarray:
    """(..., own) -Sigma / T at half the period of imaginary time, J^2 [D(tau) + q_EA] |G(tau)| / T, or that
    without q_EA.
    """
    shape, each = at_points(hopping, filling, T, J, omega0, own, offsets=offsets, cells=cells)
    result = np.empty(shape)
    for fermions, couplings in each:
        bubble = fermions.bubble
        green = (bubble.band.grid.weight / (2.0 * np.cosh(0.5 * bubble.x))).sum()
        for place, strength, mode in couplings:
            equations, _, static, found = fermions.saddle(strength, mode, approximation, constraint)
            basis = fermions.basis(fermions.doublings(strength, mode))
            rank = basis.frequencies.size
            with single_thread():
                middle = basis.to_times([0.5])[0] @ (equations.ratio[:rank] * found.response[:rank])
            result[place] = strength**2 * (middle + frozen * static / bubble.T) * green
    return result


def _self_energy(
    bubble: Bubble, basis: Basis, coupled: np.ndarray, static: float, numbers: np.ndarray
) -> np.ndarray:
    """Eq. (49) from J^2 D at the frequencies of a basis and the static J^2 q_EA.

    J^2 D is a sum of oscillators of energies X, and the sum of one over all frequencies is closed:

        T sum 2 X / (X^2 + Omega^2) / (i w + i Omega - xi)
            = (b + f) / (i w + X - xi) + (b + 1 - f) / (i w - X - xi),   b = 1 / (e^(X/T) - 1)

    Times tanh(X / 2T), as the basis has it, b is 1 / (e^(X/T) + 1), which stays finite at X = 0.
    """
    with single_thread():
        strength = basis.strengths(coupled)
    T, x, weight = bubble.T, bubble.x, bubble.band.grid.weight
    energy = basis.energies[:, None]
    half, boson = np.tanh(0.5 * energy), fermi_function(energy)
    f = fermi_function(x)
    absorbed, emitted = (boson + half * f) * weight, (boson + half * (1.0 - f)) * weight
    result = np.empty(numbers.size, dtype=np.complex128)
    for i, w in enumerate(1j * (2.0 * numbers + 1.0) * np.pi):  # everything in T
        poles = (absorbed / (w + energy - x) + emitted / (w - energy - x)).sum(axis=1)
        result[i] = (strength * poles).sum() + static / T * (weight / (w - x)).sum()
    return result

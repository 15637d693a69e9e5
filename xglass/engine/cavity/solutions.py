"""Saddle points and transitions at arrays of points: the plain functions that dask calls.

The couplings of a point share its bubble: their dimensions come last, so that no task solves one twice.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from xglass.engine.cavity.saddle_point import GOOD, Fermions, Saddle
from xglass.engine.core.operations import operation
from xglass.engine.core.points import points

__all__ = ["GOOD", "at_points", "saddle_points", "transition_errors", "transitions"]


def __dir__() -> list[str]:
    return __all__


#: Couplings that share a bubble: each with its place in the results, J and omega0.
Couplings: TypeAlias = Iterator[tuple[tuple[int, ...], float, float]]


def at_points(
    hopping: np.ndarray,
    filling: np.ndarray,
    T: np.ndarray,
    J: np.ndarray,
    omega0: np.ndarray,
    own: int,
    **of: Any,
) -> tuple[tuple[int, ...], Iterator[tuple[Fermions, Couplings]]]:
    """Shape (..., own) of the couplings J and omega0; the fermions of each point (...), and its couplings.

    ``own`` is the number of dimensions of couplings alone, ``of`` what else makes :class:`Fermions`.
    """
    J, omega0 = np.broadcast_arrays(J, omega0)
    shape, (hopping, filling, T, J, omega0) = points((hopping, filling, T, J, omega0), (1, 0, 0, own, own))
    several = J.shape[len(shape) :]

    def each() -> Iterator[tuple[Fermions, Couplings]]:
        for p in np.ndindex(shape):
            places = ((*p, *c) for c in np.ndindex(several))
            fermions = Fermions(hopping[p], float(filling[p]), float(T[p]), **of)
            yield fermions, ((place, float(J[place]), float(omega0[place])) for place in places)

    return (*shape, *several), each()


@operation("saddle_point")
def saddle_points(
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
    approximation: str | None,
    constraint: str,
) -> tuple[np.ndarray, ...]:
    """Saddle points (..., own), of couplings J and omega0 (..., own) that share the bubble of a point (...).

    Returns D and stability (..., own, m) at frequencies of these numbers, lambda, q_EA, the free energy,
    whether converged, and the residual.
    """
    grid = {"offsets": offsets, "cells": cells, "matsubara": matsubara}
    shape, each = at_points(hopping, filling, T, J, omega0, own, **grid)
    fields, numbers = np.empty((*shape, 2, len(matsubara))), np.empty((*shape, 4))
    for fermions, couplings in each:
        for place, strength, mode in couplings:
            equations, _, frozen, found = fermions.saddle(strength, mode, approximation, constraint)
            rows = fermions.rows(equations.measure)
            fields[place] = found.response[rows], found.stability[rows]
            functional = constraint == "lambda" or mode == math.inf
            numbers[place] = (
                _multiplier(found, strength, constraint),
                frozen,
                found.free_energy if functional else math.nan,
                found.residual,
            )
    multiplier, frozen_, energy, residual = np.moveaxis(numbers, -1, 0)
    return *np.moveaxis(fields, -2, 0), multiplier, frozen_, energy, residual < GOOD, residual


@operation("critical_coupling")
def transitions(
    hopping: np.ndarray,
    filling: np.ndarray,
    T: np.ndarray,
    omega0: np.ndarray,
    *,
    own: int,
    offsets: Sequence[Sequence[int]],
    cells: tuple[int, ...],
    approximation: str | None,
    constraint: str,
) -> tuple[np.ndarray, ...]:
    """(..., own) J_c, lambda, D(0), 1 + z0 / x_min and the residual, of modes omega0 (..., own)."""
    shape, (hopping, filling, T, omega0) = points((hopping, filling, T, omega0), (1, 0, 0, own))
    modes = omega0.shape[len(shape) :]
    result = np.empty((5, *shape, *modes))
    for p in np.ndindex(shape):
        point = Fermions(hopping[p], float(filling[p]), float(T[p]), offsets=offsets, cells=cells)
        for c in np.ndindex(modes):
            result[(slice(None), *p, *c)] = _transition(
                point, float(omega0[p + c]), approximation, constraint
            )
    return tuple(result)


def _transition(
    point: Fermions, omega0: float, approximation: str | None, constraint: str
) -> tuple[float, float, float, float, float]:
    """The transition of one point."""
    if approximation == "bare":
        measure = point.measure(0)
        second = np.einsum("q,q->", measure.chi_static**2, measure.weight_static)
        return 1.0 / math.sqrt(second), 0.0, float(measure.bare[0]), 1.0, 0.0
    equations, J, _, found = point.transition(omega0, approximation, constraint)
    return (
        J,
        _multiplier(found, J, constraint),
        float(found.response[0]),
        1.0 + float(found.shift[0]) / equations.measure.lowest,
        found.residual,
    )


def _multiplier(found: Saddle, J: float, constraint: str) -> float:
    """Lambda of Eq. (38), or of Eq. (A25)."""
    return found.level / (2.0 if constraint == "lambda" else J * J)


@operation("critical_coupling.error")
def transition_errors(
    hopping: np.ndarray,
    filling: np.ndarray,
    T: np.ndarray,
    omega0: np.ndarray,
    J: np.ndarray,
    *,
    own: int,
    cells: tuple[int, ...],
    **settings: object,
) -> np.ndarray:
    """(..., own) how far J_c lies from that of a grid of three quarters of the cells; NaN without one."""
    smaller = tuple(max(2 * (3 * n // 8), 2) if n > 2 else n for n in cells)
    if smaller == cells:
        return np.full_like(J, math.nan)
    coarse = transitions(hopping, filling, T, omega0, own=own, cells=smaller, **settings)[0]  # type: ignore[arg-type]
    return np.abs(J - coarse)

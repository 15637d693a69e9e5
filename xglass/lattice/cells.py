"""Periodic lattices from their unit cells.

Sites are numbered with the basis fastest, then the first period, then the second, then the third.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xglass.checks import whole_number
from xglass.messages import public
from xglass.variables import stamp

__all__ = ["cell_index", "cell_number", "chain", "cubic", "from_cell", "square", "triangular"]


def __dir__() -> list[str]:
    return __all__


#: One bond of a cell: (basis site of the source, basis site of the target, cell offset of the target, kind).
Bond = tuple[int, int, Sequence[int], str]


@public
def from_cell(
    vectors: npt.ArrayLike, *, shape: Sequence[int], basis: npt.ArrayLike | None = None, bonds: Sequence[Bond]
) -> xr.Dataset:
    """A lattice from its unit cell, repeated on a torus.

    Parameters
    ----------
    vectors : (d, d) array_like
        Cell vectors, one for each row, in a; d = 1, 2 or 3.
    shape : sequence of int
        Number of cells along each vector.
    basis : (b, d) array_like, optional
        Cartesian positions of the sites of one cell in a; default one site at the origin.
    bonds : sequence of tuple
        Each bond of a cell once, in either direction: (basis site of the source, basis site of the target,
        cell offset of the target, kind).

    Returns
    -------
    Dataset
        With coords ``position(site, axis)``, ``torus(period, axis)``, ``cells(period)``,
        ``bond_source(bond)``, ``bond_target(bond)``, ``bond_vector(bond, axis)`` (true vectors, never
        wrapped) and ``bond_kind(bond)``.

    Raises
    ------
    TypeError, ValueError
        Vectors that do not span the space, shapes below 1, sites within 1e-6 a of each other, bonds that name
        no site or no cell, a bond given twice.

    Examples
    --------
    A honeycomb lattice:

    >>> import numpy as np, xglass as xg
    >>> s = np.sqrt(3)
    >>> honeycomb = xg.lattice.from_cell(
    ...     [[s, 0], [s / 2, 1.5]],
    ...     shape=(4, 4),
    ...     basis=[[0, 0], [0, 1]],
    ...     bonds=[(0, 1, (0, 0), "z"), (1, 0, (0, 1), "y"), (1, 0, (-1, 1), "x")],
    ... )
    >>> honeycomb.sizes["site"], honeycomb.sizes["bond"]
    (32, 48)
    """
    cell, cells, sites = _checked_cell(vectors, shape, basis)
    d = len(cells)
    _check_bonds(bonds, len(sites), d)

    index = cell_index(cells)
    origin = index @ cell
    position = (origin[:, None, :] + sites).reshape(-1, d)
    number = np.arange(len(index)).reshape(cells[::-1])  # of every cell, the first period fastest
    ends = np.empty((2, len(index), len(bonds)), dtype=np.int64)
    for b, (first, second, offset, _) in enumerate(bonds):  # the bonds of one cell, not of all
        there = np.roll(number, [-int(step) for step in reversed(offset)], axis=range(d))
        ends[0, :, b] = len(sites) * number.ravel() + first
        ends[1, :, b] = len(sites) * there.ravel() + second
    vector = np.empty((len(index), len(bonds), d))
    vector[:] = [
        np.asarray(offset) @ cell + sites[second] - sites[first] for first, second, offset, _ in bonds
    ]
    names = np.array([str(name) for *_, name in bonds])

    return stamp(
        xr.Dataset(
            coords={
                "axis": list("xyz"[:d]),
                "position": (("site", "axis"), position),
                "torus": (("period", "axis"), np.asarray(cells)[:, None] * cell),
                "cells": ("period", np.asarray(cells)),
                "bond_source": ("bond", ends[0].ravel()),
                "bond_target": ("bond", ends[1].ravel()),
                "bond_vector": (("bond", "axis"), vector.reshape(-1, d)),
                "bond_kind": ("bond", np.broadcast_to(names, (len(index), len(bonds))).reshape(-1)),
            }
        )
    )


def _checked_cell(
    vectors: Any, shape: Sequence[int], basis: Any
) -> tuple[np.ndarray, tuple[int, ...], np.ndarray]:
    """Cell vectors as rows, numbers of cells, and positions in a cell."""
    cell = _array("vectors", vectors)
    d = cell.shape[0] if cell.ndim == 2 else 0
    if (
        d not in (1, 2, 3)
        or cell.shape != (d, d)
        or not np.isfinite(cell).all()
        or abs(np.linalg.det(cell)) < 1e-12
    ):
        raise ValueError(f"vectors must be 1, 2 or 3 finite rows that span the space, got {vectors!r}")
    if len(shape) != d:
        raise ValueError(f"shape must have {d} entries, one per cell vector, got {shape!r}")
    cells = tuple(whole_number("shape", n) for n in shape)
    sites = np.zeros((1, d)) if basis is None else _array("basis", basis)
    if sites.ndim != 2 or sites.shape[1] != d or not np.isfinite(sites).all():
        raise ValueError(f"basis must be (sites of a cell, {d}) finite positions, got shape {sites.shape}")
    # closer than this no two sites are meant to be apart: 1/r of them is above all other energies
    offsets = sites[:, None, :] - sites
    fractional = offsets @ np.linalg.inv(cell)
    distinct = np.linalg.norm((fractional - np.rint(fractional)) @ cell, axis=-1) + np.eye(len(sites)) > 1e-6
    if not distinct.all():
        raise ValueError(f"basis places two sites of the cell on the same point: {sites.tolist()}")
    return cell, cells, sites


def _check_bonds(bonds: Sequence[Bond], sites: int, d: int) -> None:
    """Raise ValueError for bonds that name no site, no cell, the same site twice, or a bond once more."""
    if not len(bonds):
        raise ValueError("bonds is empty; give at least one bond of the cell (its hopping may be 0)")
    known: dict[tuple[int, int, tuple[int, ...]], Bond] = {}
    for bond in bonds:
        if len(bond) != 4 or not (0 <= bond[0] < sites and 0 <= bond[1] < sites) or len(bond[2]) != d:
            raise ValueError(
                f"bonds: {bond!r} is not (source, target, cell offset of {d} entries, kind) with "
                f"sites below {sites}"
            )
        numbers = (bond[0], bond[1], *bond[2])
        if not all(np.isfinite(x) and int(x) == x for x in numbers) or (
            bond[0] == bond[1] and not any(bond[2])
        ):
            raise ValueError(
                f"bonds: {bond!r} leads from a site to itself, or by a fraction of a cell; its offset "
                "must be whole numbers"
            )
        source, target, *offset = (int(x) for x in numbers)
        back = (target, source, tuple(-x for x in offset))
        if (same := known.get((source, target, tuple(offset)), known.get(back))) is not None:
            raise ValueError(
                f"bonds: {bond!r} is the bond {same!r} again, and would double its hopping; give each bond "
                "once, in one of its directions"
            )
        known[source, target, tuple(offset)] = bond


def _array(name: str, value: Any) -> np.ndarray:
    try:
        return np.array(value, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be rows of real numbers, got {value!r}") from error


def cell_index(cells: Sequence[int]) -> np.ndarray:
    """(cell, period) indices of all cells, the first period fastest."""
    return np.stack(np.meshgrid(*[np.arange(n) for n in reversed(cells)], indexing="ij"), axis=-1).reshape(
        -1, len(cells)
    )[:, ::-1]


def cell_number(index: np.ndarray, cells: Sequence[int]) -> np.ndarray:
    """Inverse of :func:`cell_index`, periodic."""
    return np.ravel_multi_index(tuple(np.moveaxis(index[..., ::-1] % cells[::-1], -1, 0)), tuple(cells[::-1]))


def _side(name: str, value: object) -> int:
    return whole_number(name, value, minimum=2)


@public
def chain(N: int) -> xr.Dataset:
    """A ring of N sites with bonds of kind "x": site = i at position i (a).

    Parameters
    ----------
    N : int
        Number of sites, at least 2.

    Returns
    -------
    Dataset
        A lattice, see :func:`from_cell`.

    Raises
    ------
    TypeError, ValueError
        N is not a whole number >= 2.

    Examples
    --------
    >>> import xglass as xg
    >>> dict(xg.lattice.chain(8).sizes)["bond"]
    8
    """
    return from_cell([[1.0]], shape=(_side("N", N),), bonds=[(0, 0, (1,), "x")])


@public
def square(L: int, Ly: int | None = None) -> xr.Dataset:
    """An L x Ly square lattice with bonds of kind "x" and "y": site = i + L j at (i, j).

    Parameters
    ----------
    L, Ly : int
        Sides, at least 2; Ly = L by default.

    Returns
    -------
    Dataset
        A lattice, see :func:`from_cell`.

    Raises
    ------
    TypeError, ValueError
        A side that is not a whole number >= 2.

    Examples
    --------
    >>> import xglass as xg
    >>> xg.lattice.square(4, 6).sizes["site"]
    24
    """
    shape = (_side("L", L), _side("Ly", L if Ly is None else Ly))
    return from_cell(np.eye(2), shape=shape, bonds=[(0, 0, (1, 0), "x"), (0, 0, (0, 1), "y")])


@public
def triangular(L: int, Ly: int | None = None) -> xr.Dataset:
    """An L x Ly triangular lattice: site = i + L j at i (1, 0) + j (1/2, sqrt(3)/2).

    Bonds of kind "c" run along (1, 0), bonds of kind "p" along the two diagonals (1/2, sqrt(3)/2) and (-1/2,
    sqrt(3)/2): the hopping integrals t_c and t_p of Fratini et al., SciPost Phys. 14, 124 (2023), Fig. 1.

    Parameters
    ----------
    L, Ly : int
        Sides, at least 2; Ly = L by default.

    Returns
    -------
    Dataset
        A lattice, see :func:`from_cell`.

    Raises
    ------
    TypeError, ValueError
        A side that is not a whole number >= 2.

    Examples
    --------
    >>> import xglass as xg
    >>> lattice = xg.lattice.triangular(12)
    >>> lattice.sizes["site"], lattice.sizes["bond"]
    (144, 432)
    """
    shape = (_side("L", L), _side("Ly", L if Ly is None else Ly))
    bonds: list[Bond] = [(0, 0, (1, 0), "c"), (0, 0, (0, 1), "p"), (0, 0, (-1, 1), "p")]
    return from_cell([[1.0, 0.0], [0.5, np.sqrt(3) / 2]], shape=shape, bonds=bonds)


@public
def cubic(L: int) -> xr.Dataset:
    """An L x L x L cubic lattice with bonds of kind "x", "y", "z": site = i + L j + L^2 k at (i, j, k).

    Parameters
    ----------
    L : int
        Side, at least 2.

    Returns
    -------
    Dataset
        A lattice, see :func:`from_cell`.

    Raises
    ------
    TypeError, ValueError
        A side that is not a whole number >= 2.

    Examples
    --------
    >>> import xglass as xg
    >>> xg.lattice.cubic(4).sizes["bond"]
    192
    """
    side = _side("L", L)
    bonds: list[Bond] = [(0, 0, (1, 0, 0), "x"), (0, 0, (0, 1, 0), "y"), (0, 0, (0, 0, 1), "z")]
    return from_cell(np.eye(3), shape=(side,) * 3, bonds=bonds)

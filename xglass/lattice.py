"""Geometry of periodic lattices, and pair interactions on them.

A lattice is a Dataset of coordinates over ``site`` and ``bond``; lengths are in the lattice spacing ``a``.
Every lattice is a torus. Sites are numbered with the basis fastest, then the first period, then the second,
then the third.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xglass.checks import eager, refuse, require, whole_number
from xglass.engine.core import ewald
from xglass.units import Parameter, parameter
from xglass.variables import attributes, stamp

__all__ = ["chain", "coulomb", "cubic", "from_cell", "power_law", "square", "triangular", "yukawa"]


def __dir__() -> list[str]:
    return __all__


#: One bond of a cell: (basis site of the source, basis site of the target, cell offset of the target, kind).
Bond = tuple[int, int, Sequence[int], str]


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

    index = _cell_index(cells)
    origin = index @ cell
    position = (origin[:, None, :] + sites).reshape(-1, d)
    source, target, vector, kind = [], [], [], []
    for first, second, offset, name in bonds:  # a loop over the bonds of one cell, not over sites
        source.append(len(sites) * np.arange(len(index)) + first)
        target.append(len(sites) * _cell_number(index + np.asarray(offset), cells) + second)
        vector.append(
            np.broadcast_to(np.asarray(offset) @ cell + sites[second] - sites[first], (len(index), d))
        )
        kind.append(np.full(len(index), str(name)))

    def gathered(parts: list[np.ndarray]) -> np.ndarray:
        return np.stack(parts, axis=1).reshape(-1, *parts[0].shape[1:])

    return stamp(
        xr.Dataset(
            coords={
                "axis": list("xyz"[:d]),
                "position": (("site", "axis"), position),
                "torus": (("period", "axis"), np.asarray(cells)[:, None] * cell),
                "cells": ("period", np.asarray(cells)),
                "bond_source": ("bond", gathered(source)),
                "bond_target": ("bond", gathered(target)),
                "bond_vector": (("bond", "axis"), gathered(vector)),
                "bond_kind": ("bond", gathered(kind)),
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


def _cell_index(cells: Sequence[int]) -> np.ndarray:
    """(cell, period) indices of all cells, the first period fastest."""
    return np.stack(np.meshgrid(*[np.arange(n) for n in reversed(cells)], indexing="ij"), axis=-1).reshape(
        -1, len(cells)
    )[:, ::-1]


def _cell_number(index: np.ndarray, cells: Sequence[int]) -> np.ndarray:
    """Inverse of :func:`_cell_index`, periodic."""
    return np.ravel_multi_index(tuple(np.moveaxis(index[..., ::-1] % cells[::-1], -1, 0)), tuple(cells[::-1]))


def _side(name: str, value: object) -> int:
    return whole_number(name, value, minimum=2)


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


def _interaction(
    lattice: xr.Dataset,
    function: Callable[..., np.ndarray],
    self_image: object,
    *,
    caller: str,
    swept: xr.DataArray | None = None,
) -> xr.DataArray:
    """The lattice sum ``function(displacement, periods[, value of swept])`` between all sites, with the
    chosen diagonal.

    Summed once per displacement from the first cell and spread by translation, so that translations and the
    exchange of both sites are symmetries of the bits, not only of the formula.
    """
    require(lattice, "position", "torus", "cells", caller=caller)
    cells = [int(n) for n in eager(lattice, "cells")]
    index = _cell_index(cells)
    sites, basis = lattice.sizes["site"], lattice.sizes["site"] // len(index)
    if basis * len(index) != sites:
        raise ValueError(
            f"{caller}: the lattice holds {sites} sites for {len(index)} cells; pass the whole lattice"
        )
    require_whole(lattice, "cells", caller=caller)
    position, periods = eager(lattice, "position"), eager(lattice, "torus")
    displacement = (position[None, :, :] - position[:basis, None, :]).reshape(-1, len(cells))
    offset = _cell_number(index[None, :, :] - index[:, None, :], cells)

    def matrix(*value: float) -> np.ndarray:
        first = function(displacement, periods, *value).reshape(basis, len(index), basis)
        spread = first[:, offset, :].transpose(1, 0, 2, 3).reshape(sites, sites)
        return 0.5 * (spread + spread.T)

    if swept is None:
        result = xr.DataArray(matrix(), dims=("site", "site2"))
    else:
        values = np.stack([matrix(value) for value in swept.values.ravel()]).reshape(
            *swept.shape, sites, sites
        )
        result = xr.DataArray(values, dims=(*swept.dims, "site", "site2"), coords=swept.coords).assign_coords(
            {str(swept.name): swept}
        )
    diagonal = np.einsum("...ii->...i", result.values)  # a view
    if self_image == "exclude":
        diagonal[...] = 0.0
    elif (
        isinstance(self_image, (int, float, np.number))
        and not isinstance(self_image, bool)
        and np.isfinite(self_image)
    ):
        diagonal[...] = float(self_image)
    elif self_image != "include":
        raise ValueError(f"self_image must be 'exclude', 'include' or a finite number, got {self_image!r}")
    return result.rename("interaction").assign_attrs(attributes("interaction"), lattice=lattice_mark(lattice))


def coulomb(
    lattice: xr.Dataset,
    *,
    self_image: str | float = "exclude",
    gate_distance: Parameter | None = None,
    gates: int = 2,
) -> xr.DataArray:
    r"""Coulomb interaction 1/r of point charges on the torus, with a neutral background.

    In the plane it is the Ewald sum of the three-dimensional 1/r with zero average over the cell (A the area,
    G reciprocal vectors):

    .. math::

        V(r) = \sum_R \frac{\mathrm{erfc}(\alpha |r + R|)}{|r + R|}
        + \frac{2\pi}{A} \sum_{G \neq 0} \frac{\mathrm{erfc}(G / 2\alpha)}{G} \cos(G r)
        - \frac{2\sqrt\pi}{\alpha A}

    On the three-dimensional torus the last two terms have :math:`4\pi e^{-G^2/4\alpha^2} / (\Omega G^2)` and
    :math:`-\pi / (\alpha^2 \Omega)` instead; the average is zero again. On a ring the background is a line of
    charge from which the stretch :math:`|x| < a` around the particle is cut out (psi the digamma function):

    .. math::

        V(x) = \lim_{X \to \infty} \Big[\sum_{|x + R| < X} \frac{1}{|x + R|} - \frac{2}{L} \ln X\Big]
        = -\frac{\psi(x/L) + \psi(1 - x/L)}{L} - \frac{2}{L} \ln L

    With ``gate_distance`` d, in the plane only, metallic plates screen it; the average over the cell is zero.
    Two plates at d and -d give the first sum, over all whole k, one plate at d the second:

    .. math::

        \sum_k (-1)^k \sum_R \frac{1}{\sqrt{|r + R|^2 + (2 d k)^2}}, \qquad
        \sum_R \Big[\frac{1}{|r + R|} - \frac{1}{\sqrt{|r + R|^2 + (2 d)^2}}\Big]

    Parameters
    ----------
    lattice : Dataset
        A lattice with N sites.
    self_image : {"exclude", "include"} or float
        The diagonal, which enters the potential of an occupied site but no energy: 0; the potential V_s of a
        particle's own images, those in the gates among them; or this number.
    gate_distance : number, sequence or DataArray, optional
        Distance of the gates in a, positive; may be swept. Default: no gates.
    gates : {2, 1}
        Number of plates.

    Returns
    -------
    DataArray
        ``interaction(..., site, site2)`` in Vc. Costs O(N) lattice sums (milliseconds at N = 144) and 8 N^2
        bytes.

    Raises
    ------
    ValueError
        Gates outside the plane, gate distances <= 0, another number of gates, an unknown ``self_image``.

    Examples
    --------
    >>> import xglass as xg
    >>> V = xg.lattice.coulomb(xg.lattice.triangular(12))
    >>> print(f"{float(V[0, 1]):.10f}")
    0.6504817397
    """
    if isinstance(gates, bool) or gates not in (1, 2):
        raise ValueError(f"gates must be 1 or 2, got {gates!r}")
    require(lattice, "position", "torus", "cells", caller="coulomb")
    plane = lattice.sizes.get("axis") == 2
    if gate_distance is None:
        return _interaction(
            lattice,
            ewald.layer if plane else lambda r, A: ewald.power_law(r, A, 1.0),
            self_image,
            caller="coulomb",
        )
    if not plane:
        raise ValueError(
            f"gate_distance needs a two-dimensional lattice, got {lattice.sizes.get('axis')} "
            "dimensions; leave it out"
        )
    distance = parameter("gate_distance", gate_distance, above=0.0)
    return _interaction(
        lattice,
        lambda r, A, d: ewald.gated_layer(r, A, d, gates),
        self_image,
        caller="coulomb",
        swept=distance,
    )


def yukawa(lattice: xr.Dataset, *, length: Parameter, self_image: str | float = "exclude") -> xr.DataArray:
    """Screened interaction exp(-r/length)/r, summed over all images.

    Parameters
    ----------
    lattice : Dataset
        A lattice with N sites.
    length : number, sequence or DataArray
        Screening length in a, positive; may be swept.
    self_image : {"exclude", "include"} or float
        The diagonal, as for :func:`coulomb`.

    Returns
    -------
    DataArray
        ``interaction(..., site, site2)`` in Vc. Costs N times the images within 38 lengths.

    Raises
    ------
    ValueError
        A length that is not positive, or so long that more than ten million image terms would be summed.

    Examples
    --------
    >>> import xglass as xg
    >>> U = xg.lattice.yukawa(xg.lattice.square(8), length=0.5)
    >>> print(f"{float(U[0, 1]):.4f}")
    0.1353
    """
    lengths = parameter("length", length, above=0.0)
    require(lattice, "position", "torus", "cells", caller="yukawa")
    d, longest = lattice.sizes["axis"], float(lengths.max())
    images = (
        lattice.sizes["site"]
        * (2 * ewald.CUTOFF**2 * longest) ** d
        / abs(np.linalg.det(eager(lattice, "torus")))
    )
    if images > 1e7:
        raise ValueError(
            f"length = {longest:g} needs {images:.0e} image terms; use coulomb (its limit) or lengths "
            f"below {longest * (1e7 / images) ** (1 / d):.3g}"
        )
    return _interaction(lattice, ewald.yukawa, self_image, caller="yukawa", swept=lengths)


def power_law(
    lattice: xr.Dataset, *, exponent: Parameter, self_image: str | float = "exclude"
) -> xr.DataArray:
    """Interaction 1/r^exponent on the torus, by Ewald's method in any dimension.

    For exponents above the dimension d the sum over images; below it with a neutralising background (zero
    average over the cell); at exponent = d the background is cut out within one lattice spacing of the
    particle. Exponent 1 is :func:`coulomb`.

    Parameters
    ----------
    lattice : Dataset
        A lattice with N sites.
    exponent : number, sequence or DataArray
        Positive; may be swept.
    self_image : {"exclude", "include"} or float
        The diagonal, as for :func:`coulomb`.

    Returns
    -------
    DataArray
        ``interaction(..., site, site2)`` in Vc.

    Raises
    ------
    ValueError
        An exponent that is not positive, or so high that 1/r^exponent of sites closer than a is beyond the
        range of numbers.

    Examples
    --------
    >>> import xglass as xg
    >>> dipoles = xg.lattice.power_law(xg.lattice.triangular(12), exponent=3)
    >>> print(f"{float(dipoles[0, 1]):.4f}")
    1.0064
    """
    exponents = parameter("exponent", exponent, above=0.0)
    result = _interaction(lattice, ewald.power_law, self_image, caller="power_law", swept=exponents)
    if not np.isfinite(result.values).all():
        raise ValueError(
            f"power_law: exponent = {float(exponents.max()):g} takes 1/r^exponent of the closest sites "
            "beyond the range of numbers; write a lower exponent, or longer cell vectors"
        )
    return result


def wave_vectors(lattice: xr.Dataset) -> np.ndarray:
    """(q, axis) wave vectors of the torus, one per cell, each the shortest of its class:
    the first Brillouin zone.
    """
    cells = [int(n) for n in eager(lattice, "cells")]
    periods = eager(lattice, "torus")
    waves = _cell_index(cells) @ (2 * np.pi * np.linalg.inv(periods).T)
    return ewald.nearest_image(waves, 2 * np.pi * np.linalg.inv(periods / np.asarray(cells)[:, None]).T)


def stripes(lattice: xr.Dataset) -> tuple[list[str], np.ndarray]:
    """The names and wave vectors (orientation, axis) of the stripe states.

    Stripes have halves of reciprocal vectors, those that fit the torus.

    Along the rows of a triangular lattice: "horizontal", "diagonal_1" (along (1/2, sqrt(3)/2)), "diagonal_2"
    (along (-1/2, sqrt(3)/2)). Square: "horizontal", "vertical" and "diagonal" (the checkerboard). Elsewhere
    the components in units of the reciprocal vectors, such as "(1/2, 0, 0)".
    """
    cells = eager(lattice, "cells")
    cell = eager(lattice, "torus") / cells[:, None]
    d = len(cells)
    halves = [
        h
        for h in itertools.product((0, 1), repeat=d)
        if any(h) and all(n % 2 == 0 for n, x in zip(cells, h, strict=True) if x)
    ]
    halves.sort(
        key=lambda h: h[::-1] != (1,) + (0,) * (d - 1)
    )  # the horizontal stripe, alternating along the last period, leads
    names = {h: "(" + ", ".join("1/2" if x else "0" for x in h) + ")" for h in halves}
    gram = cell @ cell.T
    if d == 2 and np.allclose(np.diag(gram), 1.0) and lattice.sizes["site"] == np.prod(cells):
        if abs(gram[0, 1] - 0.5) < 1e-9:
            names.update({(0, 1): "horizontal", (1, 0): "diagonal_1", (1, 1): "diagonal_2"})
        elif abs(gram[0, 1]) < 1e-9:
            names.update({(0, 1): "horizontal", (1, 0): "vertical", (1, 1): "diagonal"})
    kept = [names[h] for h in halves]
    return kept, np.array(halves, dtype=float).reshape(-1, d) @ (np.pi * np.linalg.inv(cell).T)


#: What is read by the numbers of sites and bonds: whoever needs it needs both in the order of the lattice.
NUMBERED = {"interaction", "hopping", "bond_kind", "bond_source", "cells"}


def require_whole(data: xr.Dataset, *names: str, caller: str) -> None:
    """Check as :func:`xglass.checks.require`, and that sites and bonds are those of the lattice, in order."""
    require(data, *names, caller=caller)
    numbered = bool(NUMBERED & {*names})
    in_order = not numbered or _sites_are_in_order(data)
    refuse(
        caller,
        (
            not in_order,
            "sites do not stand in the order of their lattice; some were selected or reordered. "
            f"Apply {caller} first, then reorder its result",
        ),
        (
            numbered and in_order and not _bonds_join_their_sites(data),
            "bonds do not join the sites they name; sites or bonds were reordered. "
            f"Apply {caller} first, then reorder its result",
        ),
        (
            "hopping" in names and in_order and not _cells_are_alike(data),
            f"the Dataset holds {data.sizes.get('bond')} bonds, which is not the same number in each of its "
            "cells; an isel over bond has lost some. Pass the whole model",
        ),
    )


def _sites_are_in_order(data: xr.Dataset) -> bool:
    """Whether sites are numbered with the basis fastest, then the first period, as all arrays assume."""
    for dim in ("site", "site2", "bond"):
        if dim in data.variables and not np.array_equal(data[dim].values, np.arange(data.sizes[dim])):
            return False
    if any(name not in data.variables for name in ("position", "torus", "cells")):
        return True  # nothing to compare
    cells, position = eager(data, "cells"), eager(data, "position")
    index = _cell_index([int(n) for n in cells])
    if len(position) % len(index):
        return False
    origin = index @ (eager(data, "torus") / cells[:, None])
    basis = position.reshape(len(index), -1, len(cells)) - origin[:, None, :]
    return np.allclose(basis, basis[0], rtol=0, atol=1e-6)


def lattice_mark(lattice: xr.Dataset) -> str:
    """What tells the sites of one lattice from those of another: a digest of where they are."""
    position, torus = eager(lattice, "position"), eager(lattice, "torus")
    numbers = np.concatenate([(position - position[0]).ravel(), torus.ravel()])
    return hashlib.blake2b((np.rint(numbers * 1e6) + 0.0).tobytes(), digest_size=8).hexdigest()


def _bonds_join_their_sites(data: xr.Dataset) -> bool:
    """Whether each bond leads from its first site to its second, or to an image of it."""
    names = ("bond_source", "bond_target", "bond_vector", "position", "torus")
    if any(name not in data.variables for name in names) or "axis" not in data["bond_vector"].dims:
        return True  # nothing to compare
    position, vector = eager(data, "position"), eager(data, "bond_vector")
    closing = position[eager(data, "bond_source")] + vector - position[eager(data, "bond_target")]
    windings = closing @ np.linalg.inv(eager(data, "torus"))
    return np.allclose(windings, np.rint(windings), rtol=0, atol=1e-6)


def _cells_are_alike(data: xr.Dataset) -> bool:
    """Whether as many bonds begin in each cell as in any other."""
    if "cells" not in data.coords:
        return True
    cells = int(np.prod(eager(data, "cells")))
    sources = np.bincount(eager(data, "bond_source") * cells // data.sizes["site"], minlength=cells)
    return bool((sources == sources[0]).all())

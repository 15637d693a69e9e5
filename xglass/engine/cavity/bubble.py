"""The particle-hole bubble of a band on the grid of its torus: all wave vectors and frequencies at once.

    chi0(q, i Omega) = 1/N sum_k [f(xi_k) - f(xi_k+q)] D / (Omega^2 + D^2),   D = xi_k+q - xi_k

(Mueller, Strack and Sachdev, Phys. Rev. A 86, 023604 (2012), Eq. 36, with the sign of <n n>: chi0 >= 0) is
the transform of a product in real space and imaginary time. With the parts of holes and of particles

    a(tau, r) = 1/N sum_k cos(k r) (1 - f) e^(-xi tau),   b(tau, r) = 1/N sum_k cos(k r) f e^(xi tau)

    chi0(q, tau) = sum_r cos(q r) a(tau, r) b(tau, r)

at the few times of :mod:`xglass.engine.cavity.matsubara`; tau up to 1/(2T) suffices, by symmetry.

What depends on a wave vector is kept at the *irreducible* ones, (..., q): its mean over the zone is
``values @ band.grid.weight``, and ``values[..., band.grid.index()]`` has all of them.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

import numpy as np

from xglass.engine.cavity.grids import AnyGrid, CubicGrid, InversionGrid
from xglass.engine.cavity.matsubara import Basis, basis_of
from xglass.engine.core.blas import single_thread
from xglass.engine.core.operations import operation
from xglass.engine.core.points import points

__all__ = [
    "Band",
    "Bubble",
    "band",
    "basis_for",
    "fermi_level",
    "chi0_of",
    "imaginary_time",
    "fermi_function",
    "susceptibility",
]


def __dir__() -> list[str]:
    return __all__


#: Largest energy of the basis over the width of the band: that of pairs is 1, and interactions raise it.
WIDTHS = 2.0


#: Precision of the basis for what is returned: chi0 to 1e-11 and better.
BUBBLE_EPS = 1e-13


@operation("particle_hole_bubble")
def susceptibility(
    hopping: np.ndarray,
    filling: np.ndarray,
    T: np.ndarray,
    *,
    offsets: Sequence[Sequence[int]],
    cells: tuple[int, ...],
    matsubara: Sequence[int],
) -> np.ndarray:
    """(..., m, qx, ...) chi0 at all wave vectors of the torus; hopping is (..., bond)."""
    shape, views = points((hopping, filling, T), (1, 0, 0))
    result = np.empty((*shape, len(matsubara), *cells))
    for p in np.ndindex(shape):
        values, n, warmth = (view[p] for view in views)
        one = band(values, np.asarray(offsets), cells)
        chi = chi0_of(
            one, float(n), float(warmth), np.asarray(matsubara), basis_for(one, float(warmth), BUBBLE_EPS)
        )
        np.take(chi, one.grid.index(), axis=1, out=result[p])
    return result


@dataclasses.dataclass(frozen=True)
class Band:
    """A band at the irreducible wave vectors of its grid.

    Attributes
    ----------
    grid : CubicGrid or InversionGrid
        With ``weight`` (q,) and ``index()``.
    energy : (q,) ndarray
        eps_k, around which the chemical potential is counted.
    """

    grid: AnyGrid
    energy: np.ndarray

    @property
    def width(self) -> float:
        """Highest less lowest energy."""
        return float(self.energy.max() - self.energy.min())


def band(hopping: np.ndarray, offsets: np.ndarray, cells: Sequence[int]) -> Band:
    """The band of a lattice of one site a cell, eps_k = 2 sum_b t_b cos(k R_b).

    Parameters
    ----------
    hopping : (bond,) ndarray
        Of the bonds of one cell; enters H as +t_b.
    offsets : (bond, period) ndarray of int
        Cells from one end of each bond to the other.
    cells : sequence of int
        Of the torus.

    Returns
    -------
    Band
        On a CubicGrid where it can be, otherwise on an InversionGrid.
    """
    cells = tuple(int(n) for n in cells)
    if _is_hypercubic(hopping, offsets, cells):
        grid: AnyGrid = _cubic(len(cells), cells[0])
        wave = np.cos(2.0 * np.pi * grid.numbers / cells[0])  # type: ignore[union-attr]
        return Band(grid, 2.0 * float(hopping[0]) * wave.sum(axis=1))
    grid = InversionGrid(cells)
    numbers = np.indices((*cells[:-1], grid.half)).reshape(len(cells), -1)
    energy = np.zeros(numbers.shape[1])
    for value, offset in zip(hopping, offsets, strict=True):
        turns = sum(
            (int(step) * number % n) / n for step, number, n in zip(offset, numbers, cells, strict=True)
        )
        energy += 2.0 * value * np.cos(2.0 * np.pi * turns)
    return Band(grid, energy)


def _is_hypercubic(hopping: np.ndarray, offsets: np.ndarray, cells: tuple[int, ...]) -> bool:
    """Whether bonds lead one cell along each period, all alike, on a torus of equal even sides."""
    steps = sorted(map(tuple, np.abs(offsets).tolist()))
    along = sorted(map(tuple, np.eye(len(cells), dtype=int).tolist()))
    return steps == along and len({*cells}) == 1 and cells[0] % 2 == 0 and len({*hopping.tolist()}) == 1


@functools.lru_cache(maxsize=8)
def _cubic(dimension: int, side: int) -> CubicGrid:
    return CubicGrid(dimension, side)


def fermi_level(band: Band, filling: float, T: float) -> float:
    """The mu at which the mean of f over the grid is the filling, to rounding: Newton within a bracket."""
    reach = T * (np.log(filling) - np.log1p(-filling))
    low, high = float(band.energy.min()) + reach, float(band.energy.max()) + reach
    mu = 0.5 * (low + high)
    for _ in range(200):
        f = fermi_function((band.energy - mu) / T)
        excess = float(f @ band.grid.weight) - filling
        low, high = (low, mu) if excess > 0.0 else (mu, high)
        slope = float((f * (1.0 - f)) @ band.grid.weight) / T
        step = mu - excess / slope if slope > 0.0 else low
        step = step if low < step < high else 0.5 * (low + high)
        if step == mu or abs(step - mu) <= 1e-15 * (abs(mu) + T):
            break
        mu = step
    return mu


def fermi_function(x: np.ndarray) -> np.ndarray:
    """The Fermi function 1 / (e^x + 1), without overflow."""
    from scipy.special import expit

    return expit(-x)


def basis_for(band: Band, T: float, eps: float) -> Basis:
    """The basis for the response of a band: its cutoff is ``WIDTHS`` widths, which chi0 and D share."""
    return basis_of(max(WIDTHS * band.width / T, 1.0), eps)


@dataclasses.dataclass(frozen=True)
class Bubble:
    """chi0 of a band at one filling and temperature, by its values at the times of a basis.

    Attributes
    ----------
    band : Band
    T : float
    x : (q,) ndarray
        (eps_k - mu) / T.
    basis : Basis
    times : (time, q) ndarray
        chi0(q, tau) at the times of the basis.
    """

    band: Band
    T: float
    x: np.ndarray
    basis: Basis
    times: np.ndarray

    @classmethod
    def of(cls, band: Band, filling: float, T: float, basis: Basis) -> Bubble:
        """Compute the values at all times, which is all the work there is."""
        x = (band.energy - fermi_level(band, filling, T)) / T
        with single_thread():
            return cls(band, T, x, basis, imaginary_time(band.grid, x, basis.times))

    def at(self, matsubara: np.ndarray) -> np.ndarray:
        """(m, q) chi0 at the irreducible wave vectors and frequencies 2 pi m T of these numbers.

        At q = 0 it is the isothermal limit: the mean of f (1 - f) / T at m = 0, exactly 0 at all others.
        """
        with single_thread():
            chi = self.basis.from_times(matsubara) @ self.times
        # what vanishes identically (no width along q) is of either sign by rounding
        chi = np.maximum(chi, 0.0) / self.T
        f = fermi_function(self.x)
        isothermal = float((f * (1.0 - f)) @ self.band.grid.weight) / self.T
        chi[:, 0] = np.where(np.asarray(matsubara) == 0, isothermal, 0.0)
        return chi


def chi0_of(band: Band, filling: float, T: float, matsubara: np.ndarray, basis: Basis) -> np.ndarray:
    """(m, q) :meth:`Bubble.at` of one point."""
    return Bubble.of(band, filling, T, basis).at(matsubara)


def imaginary_time(grid: AnyGrid, x: np.ndarray, times: np.ndarray) -> np.ndarray:
    """(time, q) chi0(q, tau) at tau T in [0, 1/2], of energies x = (eps - mu) / T."""
    u = np.asarray(times)[:, None]
    # f e^(x u) and (1 - f) e^(-x u) are e^(-(1-u) |x|) and e^(-u |x|) over 1 + e^(-|x|), or the other way
    # round: of u <= 1/2 one exponential, and nothing overflows
    size = np.abs(x)
    whole = np.exp(-size)
    slow = np.exp(-size * u)
    fast = whole / np.maximum(slow, np.finfo(float).tiny)
    slow /= 1.0 + whole
    fast /= 1.0 + whole
    particles, holes = np.where(x > 0.0, fast, slow), np.where(x > 0.0, slow, fast)
    return grid.transform(grid.transform(particles) * grid.transform(holes)) / float(grid.size) ** 2

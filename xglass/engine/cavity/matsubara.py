"""A symmetric discrete Lehmann basis: response functions of imaginary time from a few of their values.

A density response is even in frequency, and a superposition of oscillators of energies x >= 0 (in T),

    F(u) = sum_x g_x K(x, u),   K = cosh(x (1/2 - u)) / cosh(x / 2),   u = tau T in [0, 1]

    F(m) = int_0^1 du cos(2 pi m u) F(u) = sum_x g_x 2 x tanh(x / 2) / (x^2 + (2 pi m)^2)

To a given precision the kernel has a small rank: some twenty energies, times in [0, 1/2] and whole-number
frequencies stand for all of them, chosen by pivoted QR. (Kaye, Chen and Parcollet, Phys. Rev. B 105, 235115
(2022), here for even functions, which takes half of the energies.) Sums over all Matsubara frequencies are
values at u = 0: they have no cut-off and no tail.
"""

from __future__ import annotations

import functools

import numpy as np

__all__ = ["Basis", "basis_of"]


def __dir__() -> list[str]:
    return __all__


#: Gauss nodes in a panel of energies or times; panels double in length away from zero.
NODES = 16


class Basis:
    """Energies, times and frequencies that stand for all, and the matrices between them.

    Of a function F(tau) of energies below ``cutoff`` T, with F(i Omega_m) = int_0^(1/T) dtau cos(Omega_m tau)
    F(tau), Omega_m = 2 pi m T:

    * ``F(m) = basis.from_times(m) @ F(basis.times) / T`` from values at ``tau = basis.times / T``;
    * ``F(m) = basis.from_frequencies(m) @ F(basis.frequencies)`` from values at Omega_m of these numbers;
    * ``F(tau=u/T) = T * basis.to_times(u) @ F(basis.frequencies)``;
    * ``T sum over all m of F(m) = F(tau=0) = T * basis.total @ F(basis.frequencies)``.

    Parameters
    ----------
    cutoff : float
        Largest energy of the functions, in T.
    eps : float
        Precision relative to the largest value of the kernel.

    Attributes
    ----------
    energies : (rank,) ndarray
        Rising, in T.
    times : (rank,) ndarray
        tau T in [0, 1/2], rising.
    frequencies : (rank,) ndarray of int
        Numbers m of Matsubara frequencies, rising; the first is 0.
    total : (rank,) ndarray
        Weights of a sum over all Matsubara frequencies.
    """

    def __init__(self, cutoff: float, eps: float) -> None:
        from scipy.linalg import qr

        energies = _panels(1.0, cutoff)
        # the kernel changes within 1/cutoff of u = 0
        times = np.concatenate([[0.0], 0.5 * _panels(1.0, cutoff) / cutoff])
        kernel = _at_times(times, energies)
        _, triangle, order = qr(kernel, mode="economic", pivoting=True)
        size = abs(np.diag(triangle))
        self.rank = int((size > eps * size[0]).sum())
        self.energies = np.sort(energies[order[: self.rank]])

        _, order = qr(_at_times(times, self.energies).T, mode="r", pivoting=True)
        self.times = np.sort(times[order[: self.rank]])
        numbers = _numbers(cutoff)
        _, order = qr(_at_frequencies(numbers, self.energies).T, mode="r", pivoting=True)
        self.frequencies = np.sort(numbers[order[: self.rank]])
        self.total = self.to_times([0.0])[0]

    def from_times(self, matsubara: np.ndarray) -> np.ndarray:
        """(m, rank) matrix from values at the times to T F at frequencies of these numbers."""
        return _interpolation(_at_times(self.times, self.energies), _at_frequencies(matsubara, self.energies))

    def from_frequencies(self, matsubara: np.ndarray) -> np.ndarray:
        """(m, rank) matrix from values at the frequencies to those at frequencies of these numbers."""
        return _interpolation(
            _at_frequencies(self.frequencies, self.energies), _at_frequencies(matsubara, self.energies)
        )

    def strengths(self, values: np.ndarray) -> np.ndarray:
        """(rank, ...) g_x of a function, from its values (rank, ...) at the frequencies."""
        return np.linalg.solve(_at_frequencies(self.frequencies, self.energies), values)

    def to_times(self, times: np.ndarray | list[float]) -> np.ndarray:
        """(time, rank) matrix from values at the frequencies to F / T at times tau T in [0, 1]."""
        return _interpolation(
            _at_frequencies(self.frequencies, self.energies), _at_times(np.asarray(times), self.energies)
        )


@functools.lru_cache(maxsize=64)
def basis_of(cutoff: float, eps: float) -> Basis:
    """Return the basis of a cutoff and a precision, made once."""
    return Basis(cutoff, eps)


def _panels(first: float, last: float) -> np.ndarray:
    """Gauss nodes in panels [0, first], [first, 2 first], [2 first, 4 first], ... up to ``last``; and 0."""
    doublings = max(int(np.ceil(np.log2(last / first))), 0)
    ends = np.concatenate([[0.0], last * 0.5 ** np.arange(doublings, -1, -1.0)])
    node = 0.5 * (1.0 + np.polynomial.legendre.leggauss(NODES)[0])
    inside = ends[:-1, None] + np.diff(ends)[:, None] * node
    return np.concatenate([[0.0], inside.ravel(), [last]])


def _numbers(cutoff: float) -> np.ndarray:
    """Whole numbers to choose frequencies from: all of the first, then 5 % apart, well beyond the cutoff."""
    last = 32.0 + 2.0 * cutoff
    sparse = np.geomspace(32.0, last, int(np.log(last / 32.0) / 0.05) + 2)
    return np.unique(np.concatenate([np.arange(32), np.rint(sparse).astype(np.int64)]))


def _at_times(times: np.ndarray, energies: np.ndarray) -> np.ndarray:
    """(time, energy) K(x, u), without overflow."""
    u = np.asarray(times)[:, None]
    return (np.exp(-energies * u) + np.exp(-energies * (1.0 - u))) / (1.0 + np.exp(-energies))


def _at_frequencies(matsubara: np.ndarray, energies: np.ndarray) -> np.ndarray:
    """(m, energy) of the kernel at frequencies; an energy of 0 is there at m = 0 alone."""
    frequency = 2.0 * np.pi * np.asarray(matsubara, dtype=np.float64)[:, None]
    square = np.where((energies == 0.0) & (frequency == 0.0), 1.0, energies**2 + frequency**2)
    full = 2.0 * energies * np.tanh(0.5 * energies) / square
    return np.where((energies == 0.0) & (frequency == 0.0), 1.0, full)


def _interpolation(given: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Matrix from values at given points to those at wanted ones, both (point, energy)."""
    return np.linalg.solve(given.T, wanted.T).T

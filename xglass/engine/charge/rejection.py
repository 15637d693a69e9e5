"""What a proof of rejection needs: an expansion of the Fermi function, room to work in, and its error.

Statement of the error. All bounds are worst cases; what is met is smaller by orders of magnitude.

1. The tridiagonal matrix that LAPACK's dsytrd returns is that of H + E with ||E||_F <= 16 n^2 u ||H||_F, u =
   2^-53 (2 n reflections, each backward stable to a small multiple of n u; Higham, Accuracy and Stability of
   Numerical Algorithms, 2nd ed., Lemma 19.3). The same is granted to the eigenproblem that the full solve
   computes.
2. |F[H + E] - F[H]| <= max |tr rho E| over 0 <= rho <= 1 of trace N, at most sqrt(N) ||E||_F.
3. The pivots of a shifted tridiagonal matrix, without pivoting since their imaginary parts only grow, are
   exact for entries changed by a few u: less than the room left in 1. Each factor of a determinant adds a
   few u, and there are n sum_p R_p of them in Omega/T (588 n at 24 poles): with the error of the expansion,
   below 1e-12 for every level, at most 1e-11 n T.
4. <K> from eigenvectors of H + E differs by at most (1 + sqrt(n)) ||E||_F ||K||_F/(4 T): the Fermi function
   has slope 1/(4 T), and mu moves by at most the largest eigenvalue of E. That the eigenvectors are
   orthogonal to rounding only, and phi is summed with them, adds (1 + sqrt(n)) ||E||_F.
5. Sums, differences and quotients of a decision rise with their arguments, rounded as they are, and so does
   exp to a few u, for which 1e-12 of the bound is taken off. So a bound below what the full solve returns
   rejects nothing that its number would accept.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

#: Orders of the expansion of the Fermi function, and where it holds: to 1e-12 in the logarithm for |e - mu|
#: <= 0.05 order^2 T.
ORDERS = (16, 24, 32, 48, 64, 96)
RANGE = 0.05

#: Configurations that a walker remembers, a power of two.
REMEMBERED = 2**14


def fermi_poles(order: int) -> tuple[np.ndarray, np.ndarray]:
    """Return poles z and residues R (order / 2,) of f(x) = 1/2 - sum_p R_p 2 x/(x^2 + z_p^2).

    The continued fraction of tanh, cut after ``order`` terms: the poles are the inverse eigenvalues of a
    symmetric tridiagonal matrix (Ozaki, Phys. Rev. B 75, 035123 (2007)).
    """
    k = np.arange(1, order)
    beside = 0.5 / np.sqrt((2.0 * k - 1.0) * (2.0 * k + 1.0))
    levels, vectors = np.linalg.eigh(np.diag(beside, 1) + np.diag(beside, -1))
    b, first = levels[order // 2 :][::-1], vectors[0, order // 2 :][::-1]
    return 1.0 / b, 0.25 * (first / b) ** 2


@functools.cache
def _expansions() -> tuple[np.ndarray, ...]:
    """Join poles and residues of all orders one after another, where each begins, and how far it holds."""
    parts = [fermi_poles(order) for order in ORDERS]
    starts = np.cumsum([0, *(len(poles) for poles, _ in parts)])
    limits = np.array([RANGE * order**2 for order in ORDERS])
    return (*(np.concatenate(p) for p in zip(*parts, strict=True)), starts, limits)


@functools.cache
def _dsytrd() -> int:
    """Find the address of LAPACK's dsytrd in this process."""
    import ctypes

    from scipy.linalg import cython_lapack

    capsule = cython_lapack.__pyx_capi__["dsytrd"]
    name, pointer = ctypes.pythonapi.PyCapsule_GetName, ctypes.pythonapi.PyCapsule_GetPointer
    name.restype, name.argtypes = ctypes.c_char_p, [ctypes.py_object]
    pointer.restype, pointer.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return int(pointer(capsule, name(capsule)))


def proof_tools(hopping: np.ndarray) -> tuple[Any, ...]:
    """Return the tools of :func:`quantum_bound` for a (site, site) matrix of K, for one thread."""
    sites = len(hopping)
    # few sites: LAPACK's unblocked reduction, which it takes when there is no room for blocks, is the faster
    size = 64 * sites if sites > 64 else 1
    options = np.array([ord("U"), sites, size], dtype=np.int32)
    return (
        _dsytrd(),
        options,
        np.zeros((3, sites)),
        np.empty(size),
        np.zeros(1, dtype=np.int32),
        _expansions(),
        np.empty((7, max(ORDERS) // 2)),
        float(np.linalg.norm(hopping)),
    )


def empty_memory(sites: int, slots: int = REMEMBERED) -> tuple[np.ndarray, ...]:
    """Return a memory of no configuration yet: keys (slot, word), values (slot,) and kinds (slot,)."""
    return (
        np.zeros((slots, (sites + 63) // 64), dtype=np.uint64),
        np.zeros(slots),
        np.zeros(slots, dtype=np.int8),
    )

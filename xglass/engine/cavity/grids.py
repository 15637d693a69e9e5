"""Sums of even functions over the wave vectors of a torus, on those wave vectors that symmetry leaves.

A grid offers

* ``weight`` (q,): how many of the N wave vectors each of the irreducible ones stands for, over N;
* ``transform(values)`` (row, q) -> (row, q): the sum over all k of cos(k r) values(k), at the irreducible r,
  which have the numbers of the q. Twice applied it is N times the identity;
* ``index()`` (m_x, m_y, ...): of each wave vector q = 2 pi m / L of the torus the irreducible one.

The first irreducible wave vector is 0.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

__all__ = ["CubicGrid", "AnyGrid", "InversionGrid"]


def __dir__() -> list[str]:
    return __all__


#: Largest side of the cube at which products of matrices are quicker than fast transforms.
PRODUCTS = 192

#: Blocks in a triangle of wave vectors: more leave out more, in smaller products.
BLOCKS = 8


class CubicGrid:
    """Functions with the symmetry of the chain, the square or the cube, of an even side L.

    Irreducible are ``0 <= m_x <= m_y <= m_z <= L/2``, the first the slowest; ``numbers`` (q, axis).
    """

    def __init__(self, dimension: int, side: int) -> None:
        self.shape, self.size, self.half = (side,) * dimension, side**dimension, side // 2 + 1
        box = np.indices((self.half,) * dimension).reshape(dimension, -1)
        self.numbers = box[:, (np.diff(box, axis=0) >= 0).all(axis=0)].T
        #: (m_x, m_y, ...) up to L/2, in any order -> the irreducible one
        self.place = np.empty((self.half,) * dimension, dtype=np.int32)
        for order in itertools.permutations(range(dimension)):
            self.place[tuple(self.numbers[:, order].T)] = np.arange(len(self.numbers))
        once = np.where(np.arange(self.half) % (side // 2) == 0, 1.0, 2.0)
        images = once
        for _ in range(dimension - 1):
            images = np.multiply.outer(images, once)
        self.weight = np.bincount(self.place.ravel(), images.ravel()) / self.size
        self._products = _CubicProducts(self, once) if dimension == 3 and side <= PRODUCTS else None

    def transform(self, values: np.ndarray) -> np.ndarray:
        """(row, q) sums over all k of cos(k r) values(k)."""
        if self._products is not None:
            return self._products(values)
        return np.array([self.transform_fast(row) for row in values])

    def transform_fast(self, values: np.ndarray) -> np.ndarray:
        """(q,) the same of one function by fast cosine transforms."""
        from scipy.fft import dctn

        return dctn(values[self.place], type=1)[tuple(self.numbers.T)]

    def index(self) -> np.ndarray:
        """Of every wave vector of the torus the irreducible one."""
        number = np.arange(self.shape[0])
        return self.place[np.ix_(*(np.minimum(number, self.shape[0] - number),) * len(self.shape))]


class _CubicProducts:
    """The cosine transform on a cube by products of matrices, each on what the symmetry leaves of it.

    With M = L/2 + 1 the three products of a cube take 3 M^4 multiplications. Of a symmetric function the
    first is needed at pairs x <= y, the second at ky <= kz, for the function of (ky, kz) is symmetric again,
    and the third at kx <= ky <= kz: M^4 (1/2 + 1/2 + 1/6).
    """

    def __init__(self, grid: CubicGrid, once: np.ndarray) -> None:
        half = self.half = grid.half
        number = np.arange(half)
        self.cosine = once * np.cos(2.0 * np.pi * (np.outer(number, number) % grid.shape[0]) / grid.shape[0])
        first, second = np.triu_indices(half)
        self.pair = np.empty((half, half), dtype=np.int32)
        self.pair[first, second] = self.pair[second, first] = np.arange(len(first))
        self.columns = grid.place[:, first, second]  # (z, pair)
        x, y, z = grid.numbers.T
        self.corner = ((y * half + z) * half + x).astype(np.int32)[None]  # in (ky, kz, kx)
        edges = np.rint(np.linspace(0, half, min(BLOCKS, half) + 1)).astype(int)
        self.blocks = [*itertools.pairwise(edges.tolist())]

    def __call__(self, values: np.ndarray) -> np.ndarray:
        from xglass.engine.cavity.grids_kernels import gather, unfold

        half, cosine = self.half, self.cosine
        result = np.empty(values.shape)
        columns, planes = np.empty(self.columns.shape), np.empty(self.columns.shape)
        cube, turned = np.empty((half,) * 3), np.zeros((half,) * 3)
        for row, out in zip(values, result, strict=True):
            # along z, for pairs of x and y
            gather(row, self.columns, columns)
            np.matmul(cosine, columns, out=planes)
            # along y, up to ky = kz
            unfold(planes, self.pair, cube)
            for low, high in self.blocks:
                part = cosine[:high] @ cube[:, low:high].reshape(half, -1)
                turned[:high, low:high] = part.reshape(high, high - low, half)
            # along x, up to kx = ky, for pairs of ky and kz
            for low, high in self.blocks:
                np.matmul(turned[low:high, low:], cosine[:high].T, out=cube[low:high, low:, :high])
            gather(cube.ravel(), self.corner, out[None])
        return result


class InversionGrid:
    """Even functions on the torus of any lattice of one site a cell, of any numbers of cells.

    Irreducible are the last numbers m from 0 to L/2, the first period the slowest.
    """

    def __init__(self, cells: Sequence[int]) -> None:
        self.shape = tuple(cells)
        self.size = int(np.prod(self.shape))
        self.half = self.shape[-1] // 2 + 1
        number = np.arange(self.half)
        once = np.where((number == 0) | (2 * number == self.shape[-1]), 1.0, 2.0)
        self.weight = np.broadcast_to(once, (*self.shape[:-1], self.half)).ravel() / self.size

    def transform(self, values: np.ndarray) -> np.ndarray:
        """(row, q) sums over all k of cos(k r) values(k)."""
        from scipy.fft import irfftn

        result = np.empty(values.shape)
        for row, out in zip(values, result, strict=True):
            # as the values are real and even, so is their transform
            whole = irfftn(row.reshape(*self.shape[:-1], self.half), s=self.shape, norm="forward")
            out[:] = whole[..., : self.half].ravel()
        return result

    def index(self) -> np.ndarray:
        """Of every wave vector of the torus the irreducible one."""
        numbers = np.indices(self.shape)
        later = numbers[-1] >= self.half
        numbers = np.where(later, -numbers % np.reshape(self.shape, (-1,) + (1,) * len(self.shape)), numbers)
        return np.ravel_multi_index(tuple(numbers), (*self.shape[:-1], self.half))


#: Either.
AnyGrid = CubicGrid | InversionGrid

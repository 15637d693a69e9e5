"""Symmetric functions on a cube: kernels that copy them between the forms that products of matrices take."""

from __future__ import annotations

from xglass.engine.core.jit import kernel


@kernel
def gather(values, place, out):
    """Fill ``out`` with ``values`` at the places of each of its entries."""
    for row in range(out.shape[0]):
        for column in range(out.shape[1]):
            out[row, column] = values[place[row, column]]


@kernel
def unfold(planes, pair, out):
    """Fill (y, kz, x) ``out`` from (kz, pair) ``planes``, with the number of the pair of every y and x."""
    for k in range(planes.shape[0]):
        for y in range(pair.shape[0]):
            for x in range(pair.shape[1]):
                out[y, k, x] = planes[k, pair[y, x]]

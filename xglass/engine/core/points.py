"""From one parameter point to arrays of them.

Leading dimensions of arrays are loops over points and broadcast against each other as always in numpy; the
last ``core`` dimensions of an array (site, temperature, frequency) belong to one point and go to a function
as a whole. So what is applied to blocks of labelled arrays can be written for a single point.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy as np
import numpy.typing as npt

#: What a function returns at one point: the type of a number, or type and shape of an array.
Kind = type | tuple[type, tuple[int, ...]]


def points(
    arrays: Sequence[npt.ArrayLike], core: int | Sequence[int]
) -> tuple[tuple[int, ...], list[np.ndarray]]:
    """Broadcast the leading dimensions of arrays against each other.

    Parameters
    ----------
    arrays : sequence of array_like
        Arrays over points and core dimensions.
    core : int or sequence of int
        Number of core dimensions: the same for all arrays, or one number for each.

    Returns
    -------
    shape : tuple of int
        Shape of the points. ``for p in np.ndindex(shape)`` visits all of them.
    arrays : list of ndarray
        Read-only views of all at all points: ``array[p]`` is the part that belongs to point p.

    Examples
    --------
    >>> spectrum, T = np.ones((3, 1, 50)), np.array([0.1, 0.2])
    >>> shape, (spectrum, T) = points((spectrum, T), (1, 0))
    >>> shape, spectrum.shape, T.shape
    ((3, 2), (3, 2, 50), (3, 2))
    """
    full = [np.asarray(array) for array in arrays]
    cores = [core] * len(full) if isinstance(core, int) else core
    split = [array.ndim - last for array, last in zip(full, cores, strict=True)]
    shape = np.broadcast_shapes(*(array.shape[:n] for array, n in zip(full, split, strict=True)))
    # read-only even where nothing is broadcast: a kernel is compiled once more for arrays that can be written
    return shape, [
        np.broadcast_to(array, shape + array.shape[n:]) for array, n in zip(full, split, strict=True)
    ]


@overload
def over_points(
    function: Callable[..., Any], arrays: Sequence[npt.ArrayLike], core: int | Sequence[int], out: Kind
) -> np.ndarray: ...


@overload
def over_points(
    function: Callable[..., Any],
    arrays: Sequence[npt.ArrayLike],
    core: int | Sequence[int],
    out: list[Kind],
) -> tuple[np.ndarray, ...]: ...


def over_points(
    function: Callable[..., Any],
    arrays: Sequence[npt.ArrayLike],
    core: int | Sequence[int],
    out: Kind | list[Kind],
) -> np.ndarray | tuple[np.ndarray, ...]:
    """Call a function at every point of arrays, and collect its results in arrays over points.

    Parameters
    ----------
    function : callable
        Function of one point: takes, for each array, a number or (with core dimensions) a read-only view.
    arrays : sequence of array_like
        Arrays over points and core dimensions.
    core : int or sequence of int
        Number of core dimensions: the same for all arrays, or one number for each.
    out : type, (type, shape), or list of these
        What the function returns: a number of that type, an array of that type and shape, or several of them.

    Returns
    -------
    ndarray, or tuple of ndarray if ``out`` is a list
        Results over points and the dimensions of their own.

    Examples
    --------
    >>> over_points(max, ([1.0, 3.0], [[2.0], [4.0]]), 0, float)
    array([[2., 3.],
           [4., 4.]])
    >>> extremes = lambda row, scale: (scale * row.min(), scale * row.max())
    >>> over_points(extremes, (np.arange(6.0).reshape(2, 3), 10.0), (1, 0), [float, float])
    (array([ 0., 30.]), array([20., 50.]))
    >>> over_points(np.cumsum, (np.arange(6).reshape(2, 3),), 1, (int, (3,)))
    array([[ 0,  1,  3],
           [ 3,  7, 12]])
    """
    shape, views = points(arrays, core)
    parts = [view.item if view.ndim == len(shape) else view.__getitem__ for view in views]
    results = tuple(np.empty(shape, dtype) for dtype in (out if isinstance(out, list) else [out]))
    for p in np.ndindex(shape):
        values = function(*(part(p) for part in parts))
        for result, value in zip(results, values if isinstance(out, list) else (values,), strict=True):
            result[p] = value
    return results if isinstance(out, list) else results[0]

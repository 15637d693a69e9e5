"""Wave vectors of a torus, and those of its stripe states."""

from __future__ import annotations

import itertools

import numpy as np
import xarray as xr

from xglass.checks import eager
from xglass.engine.core import ewald
from xglass.lattice.cells import cell_index

__all__ = ["stripes", "wave_vectors", "zone_vectors"]


def __dir__() -> list[str]:
    return __all__


#: The largest denominator of positions in a cell that are taken for fractions of it.
DENOMINATORS = 12


def wave_vectors(lattice: xr.Dataset) -> np.ndarray:
    """(q, axis) wave vectors of the torus, one per cell, each the shortest of its class:
    the first Brillouin zone.
    """
    cells = [int(n) for n in eager(lattice, "cells")]
    periods = eager(lattice, "torus")
    waves = cell_index(cells) @ (2 * np.pi * np.linalg.inv(periods).T)
    return ewald.nearest_image(waves, 2 * np.pi * np.linalg.inv(periods / np.asarray(cells)[:, None]).T)


def zone_vectors(lattice: xr.Dataset, zones: int | None, *, caller: str) -> np.ndarray:
    """(zone, cell, axis) the wave vectors of the torus, each wave by its shortest vectors.

    A wave of the cells has one vector in every zone; they differ by reciprocal vectors G of the cell, which
    sites in the cell tell apart by their phases exp(-i G R_s). Each set of phases comes by its shortest
    vector before any comes again, and the first zone holds the shortest of all. Without ``zones`` each comes
    once: for sites at rational positions they are finitely many, and the vectors are the first zone of the
    finer lattice on which all sites lie. Raises ValueError for other positions.
    """
    first, cells = wave_vectors(lattice), eager(lattice, "cells")
    reciprocal = 2 * np.pi * np.linalg.inv(eager(lattice, "torus") / cells[:, None]).T
    unseen = _unseen_waves(lattice)
    if unseen is None and zones is None:
        raise ValueError(
            f"{caller}: the sites of a cell stand at no fractions of it with denominators up to "
            f"{DENOMINATORS}, so that no number of zones has all of their phases; give zones=, or the wave "
            "vectors q="
        )
    if unseen is None:
        unseen = np.eye(len(cells), dtype=int)
    steps = np.array([*itertools.product(*(range(n) for n in np.diag(unseen)))])
    zones = len(steps) if zones is None else zones
    if zones == len(steps) == 1:
        return first[None]
    depth = -(-zones // len(steps))  # how often a set of phases comes

    finer = ewald.reduced(unseen @ reciprocal)
    offsets = ewald.nearest_image(steps @ reciprocal, finer)
    longest = np.linalg.norm(first, axis=-1).max() + np.linalg.norm(offsets, axis=-1).max()
    # of the images of a vector at least ``depth`` are no further from it than the second term, so that none
    # of the shortest is beyond both
    reach = 2 * longest + (depth // 2) * np.linalg.norm(finer, axis=-1).min()
    images = ewald.lattice_vectors(finer, reach)
    images = images[np.linalg.norm(images, axis=-1).argsort(kind="stable")]  # zero leads
    vectors = np.array([_shortest(first + offset + images[:, None], depth) for offset in offsets])
    return _shortest(vectors, len(steps)).swapaxes(0, 1).reshape(-1, *first.shape)[:zones]


def _unseen_waves(lattice: xr.Dataset) -> np.ndarray | None:
    """(vector, period) a triangular basis of the reciprocal vectors that have phase 1 on all sites of a cell.

    In whole numbers of those of the cell; None where positions are not rational in it.
    """
    cells, position = eager(lattice, "cells"), eager(lattice, "position")
    cell, sites = eager(lattice, "torus") / cells[:, None], len(position) // int(np.prod(cells))
    fractions = (position[:sites] - position[0]) @ np.linalg.inv(cell)
    multiples = np.arange(1, DENOMINATORS + 1)[:, None, None] * fractions
    whole = (abs(multiples - np.rint(multiples)) < 1e-6).all(axis=1)
    if not whole.any(axis=0).all():
        return None
    denominators = 1 + whole.argmax(axis=0)
    common = int(np.lcm.reduce(denominators))
    turns = np.rint(fractions * denominators).astype(int) * (common // denominators)
    rows = []
    for k, denominator in enumerate(denominators):  # the smallest step along k that others can make up for
        waves = np.indices((denominator, *denominators[k + 1 :])).reshape(len(cells) - k, -1).T
        waves[waves[:, 0] == 0, 0] = denominator
        unseen = waves[(waves @ turns[:, k:].T % common == 0).all(axis=1)]
        rows.append(np.pad(unseen[unseen[:, 0].argmin()], (k, 0)))
    return np.array(rows)


def _shortest(vectors: np.ndarray, count: int) -> np.ndarray:
    """The ``count`` shortest of vectors (choice, ..., axis), in order of their lengths."""
    order = np.linalg.norm(vectors, axis=-1).round(9).argsort(axis=0, kind="stable")[:count]
    return np.take_along_axis(vectors, order[..., None], axis=0)


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

"""Wave vectors of a torus, and those of its stripe states."""

from __future__ import annotations

import itertools

import numpy as np
import xarray as xr

from xglass.checks import eager
from xglass.engine.core import ewald
from xglass.lattice.cells import cell_index

__all__ = ["stripes", "wave_vectors"]


def __dir__() -> list[str]:
    return __all__


def wave_vectors(lattice: xr.Dataset) -> np.ndarray:
    """(q, axis) wave vectors of the torus, one per cell, each the shortest of its class:
    the first Brillouin zone.
    """
    cells = [int(n) for n in eager(lattice, "cells")]
    periods = eager(lattice, "torus")
    waves = cell_index(cells) @ (2 * np.pi * np.linalg.inv(periods).T)
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

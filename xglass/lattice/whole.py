"""Whether data still hold their whole lattice, sites and bonds in order; and which lattice it is."""

from __future__ import annotations

import hashlib

import numpy as np
import xarray as xr

from xglass.checks import eager, refuse, require
from xglass.lattice.cells import cell_index

__all__ = ["lattice_mark", "require_whole"]


def __dir__() -> list[str]:
    return __all__


#: What is read by the numbers of sites and bonds: whoever needs it needs both in the order of the lattice.
NUMBERED = {"interaction", "hopping", "bond_kind", "bond_source", "cells"}
#: What needs every bond.
BONDED = {"hopping", "bond_kind", "bond_source"}
#: So many bonds are looked at together, which keeps their differences in the cache.
BLOCK = 1 << 14


def require_whole(data: xr.Dataset, *names: str, caller: str, physical: bool = False) -> None:
    """Check as :func:`xglass.checks.require`, and that sites and bonds are those of the lattice, in order."""
    require(data, *names, caller=caller, physical=physical)
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
            bool(BONDED & {*names}) and in_order and not _cells_are_alike(data),
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
    index = cell_index([int(n) for n in cells])
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
    position, source, target, vector = (
        eager(data, name) for name in ("position", "bond_source", "bond_target", "bond_vector")
    )
    inverse = np.linalg.inv(eager(data, "torus"))
    for begin in range(0, len(source), BLOCK):
        some = slice(begin, begin + BLOCK)
        windings = (position[source[some]] + vector[some] - position[target[some]]) @ inverse
        windings -= np.rint(windings)
        if not abs(windings).max() <= 1e-6:  # nor a NaN
            return False
    return True


def _cells_are_alike(data: xr.Dataset) -> bool:
    """Whether as many bonds begin in each cell as in any other."""
    if "cells" not in data.coords:
        return True
    cells = int(np.prod(eager(data, "cells")))
    sources = np.bincount(eager(data, "bond_source") * cells // data.sizes["site"], minlength=cells)
    return bool((sources == sources[0]).all())

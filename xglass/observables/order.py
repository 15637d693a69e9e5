"""How configurations order: the structure of the charges."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence

import numpy as np
import xarray as xr

from xglass.checks import array, eager, refuse, whole_number
from xglass.engine.charge import configurations
from xglass.lattice.waves import stripes, zone_vectors
from xglass.messages import public
from xglass.observables.common import components, labelled, own_waves
from xglass.solvers.one_body import occupations
from xglass.solvers.tasks import Input
from xglass.variables import stamp

__all__ = ["order_parameter", "stripe_order", "structure_factor"]


def __dir__() -> list[str]:
    return __all__


def _occupations(run: xr.Dataset, caller: str) -> xr.DataArray:
    return occupations(run, "position", "torus", "cells", caller=caller)


def _summed(
    occupation: xr.DataArray, run: xr.Dataset, position: np.ndarray, waves: xr.DataArray
) -> xr.DataArray:
    """(..., dim) structure factor at any waves (dim, axis), by the sum over sites."""
    dim = str(waves.dims[0])
    phase = xr.DataArray(position @ waves.values.T, dims=("site", dim))
    inputs: list[Input] = [(occupation, ["site"]), (run["filling"], []), (phase, ["site", dim])]
    return labelled(configurations.structure_factor, inputs, [dim])


def _of_torus(occupation: xr.DataArray, run: xr.Dataset, waves: np.ndarray) -> xr.DataArray:
    """(..., q) structure factor at the waves (zone, cell, axis) of the torus, by Fourier transforms."""
    cells = tuple(int(n) for n in eager(run, "cells"))
    inside = eager(run, "position")[: run.sizes["site"] // int(np.prod(cells))]
    phases = (waves @ inside.T).reshape(-1, len(inside))
    weights = xr.DataArray(np.exp(-1j * phases), dims=("q", "sublattice"))
    inputs: list[Input] = [(occupation, ["site"]), (run["filling"], []), (weights, ["q", "sublattice"])]
    return labelled(configurations.torus_structure_factor, inputs, ["q"], cells=cells)


@public
def structure_factor(
    run: xr.Dataset, *, q: xr.DataArray | None = None, zones: int | None = None
) -> xr.DataArray:
    """Structure factor S(q) = (1/N) |sum_i dn_i exp(-i q R_i)|^2, with dn = n - filling.

    Parameters
    ----------
    run : Dataset
        Run with ``occupation(..., site)`` and the coords of the lattice; may be chunked along all but site.
    q : DataArray, optional
        Wave vectors (q, axis) in 1/a, any of them. Default: all waves that fit the torus, in as many zones as
        sublattices can be told apart by: one zone where a cell has one site, three on the honeycomb and four
        on the kagome lattice. Further ones repeat the same numbers.
    zones : int, optional
        How many zones instead. The first is the Brillouin zone, where charge that orders within a cell may
        not show; each further one adds, for every wave, the next shortest vector on which phases of the
        sublattices differ.

    Returns
    -------
    DataArray
        ``structure_factor(..., q)``, a pure number, with coords ``qx(q)``, ``qy(q)``, ... in 1/a, zone after
        zone. Fourier transforms, N log N operations for each configuration; 2 N for each vector of ``q``. The
        result has 8 bytes for each wave where occupations have one for each site, so reduce it early.

    Raises
    ------
    TypeError
        If the occupations are averages, or ``q`` is no DataArray of real numbers.
    ValueError
        For ``q`` of other dimensions, together with ``zones``, or in a physical unit; without both where
        positions in a cell are no fractions of it (denominators up to 12); for sites in another order.
    KeyError
        Where the lattice was dropped.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(4), self_image="include")
    >>> run = xg.metropolis(glass, T=0.1, walker=3, sweep=10, weight="classical", seed=7)
    >>> S = xg.structure_factor(run).mean(["walker", "sweep"])
    >>> S.dims, round(float(S.sum()), 9)  # the sum over q is N filling (1 - filling)
    (('q',), 4.0)
    """
    occupation = _occupations(run, "structure_factor")
    if q is not None:
        refuse("structure_factor", (zones is not None, "q and zones both say which waves; give one of them"))
        array("structure_factor", "q", q, over=" over (q, axis)")
        waves = own_waves("structure_factor", "q", q, run, ("q", "axis"))
        result = _summed(occupation, run, eager(run, "position"), waves)
        result = result.assign_coords(dict(waves.coords) | components(waves.values))
    else:
        count = None if zones is None else whole_number("zones", zones)
        vectors = zone_vectors(run, count, caller="structure_factor")
        result = _of_torus(occupation, run, vectors)
        result = result.assign_coords(components(vectors.reshape(-1, vectors.shape[-1])))
    return stamp(result.rename("structure_factor"))


@public
def order_parameter(run: xr.Dataset, *, q: Sequence[float] | np.ndarray | xr.DataArray) -> xr.DataArray:
    """Order parameter |sum_i dn_i exp(-i q R_i)| / (N filling) of charge order with a given wave vector.

    It is the root of S(q) / N, divided by the filling; in a crystal it does not depend on the size. Order of
    the sites within a cell has wave vectors beyond the first zone, the reciprocal vectors among them.

    Parameters
    ----------
    run : Dataset
        Run with ``occupation(..., site)`` and the coords of the lattice; may be chunked along all but site.
    q : sequence of float or DataArray
        One wave vector, its components along x, y, z in 1/a, or a DataArray (axis) or (q, axis).

    Returns
    -------
    DataArray
        ``order_parameter(...)``, a pure number, or ``order_parameter(..., q)``, with coords ``qx``, ``qy``,
        ... in 1/a.

    Raises
    ------
    TypeError
        If the occupations are averages, or ``q`` holds no real numbers.
    ValueError
        For ``q`` of other dimensions or lengths or in a physical unit, and for sites in another order.
    KeyError
        Where the lattice was dropped.

    Examples
    --------
    The checkerboard:

    >>> import numpy as np, xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.square(4))
    >>> run = xg.metropolis(glass, T=0.01, walker=1, sweep=2, weight="classical", start="ordered", seed=7)
    >>> round(float(xg.order_parameter(run, q=[np.pi, np.pi])[0, 0]), 9)
    1.0

    Threefold order of the triangular lattice, one of three sublattices occupied: a corner of the zone.

    >>> row, column = np.divmod(np.arange(36), 6)
    >>> crystal = xg.charge_glass(xg.lattice.triangular(6), filling=1 / 3)
    >>> crystal = crystal.assign(occupation=("site", ((column - row) % 3 == 0).astype(int)))
    >>> round(float(xg.order_parameter(crystal, q=[4 * np.pi / 3, 0.0])), 9)
    1.0
    """
    occupation = _occupations(run, "order_parameter")
    if not isinstance(q, xr.DataArray):
        numbers = np.asarray(q)
        if numbers.ndim != 1 or numbers.dtype.kind not in "iuf":
            raise TypeError(
                f"order_parameter: q must be one wave vector, its {run.sizes['axis']} components as numbers, "
                f"or a DataArray over (q, axis), got {q!r}"
            )
        q = xr.DataArray(numbers, dims="axis")
    dims = ("q", "axis") if "q" in q.dims else ("axis",)
    waves = own_waves("order_parameter", "q", q, run, dims)
    several = waves if "q" in waves.dims else waves.expand_dims("q")
    result = _summed(occupation, run, eager(run, "position"), several)
    if "q" not in waves.dims:
        result = result.isel(q=0)
    result = (result / run.sizes["site"]) ** 0.5 / run["filling"]
    result = result.assign_coords(dict(waves.coords) | components(waves.values))
    return stamp(result.transpose(..., *dims[:-1]).rename("order_parameter"))


@public
def stripe_order(run: xr.Dataset) -> xr.DataArray:
    """Stripe order parameter of each orientation.

    Psi_o = sqrt(S(q_o)/N)/filling at the wave vectors q_o that are half a reciprocal vector; 1 in the perfect
    stripe at filling 1/2. Where a cell has several sites S(q_o) is the sum of those of the sublattices, each
    by itself: that of a stripe is the same whatever the order within a cell. Order that repeats in each cell
    is no stripe; see :func:`order_parameter`.

    Parameters
    ----------
    run : Dataset
        Run with ``occupation(..., site)`` and the coords of the lattice; may be chunked along all but site.

    Returns
    -------
    DataArray
        ``stripe_order(..., orientation)``, a pure number; labels "horizontal", "diagonal_1", "diagonal_2" on
        the triangular lattice, "horizontal", "vertical", "diagonal" (the checkerboard) on the square one.

    Raises
    ------
    ValueError
        If no stripe fits the torus (all sides odd), and for sites in another order.
    TypeError
        If the occupations are averages.
    KeyError
        Where the lattice was dropped.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(4), t_p=0.12, self_image="include")
    >>> run = xg.metropolis(glass, T=0.01, walker=1, sweep=2, start="ordered", seed=7)
    >>> print(xg.stripe_order(run).isel(walker=0, sweep=0).round(6).values)
    [1. 0. 0.]
    """
    occupation = _occupations(run, "stripe_order")
    names, vectors = stripes(run)
    if not names:
        raise ValueError(
            f"stripe_order: no stripe fits a torus of {run['cells'].values.tolist()} cells; take an even side"
        )
    waves = xr.DataArray(vectors, dims=("orientation", "axis"))
    sublattices = run.sizes["site"] // int(np.prod(eager(run, "cells")))
    parts = [occupation.isel(site=slice(s, None, sublattices)) for s in range(sublattices)]
    parts = [
        _summed(part, run, eager(run, "position")[s::sublattices], waves) for s, part in enumerate(parts)
    ]
    result = functools.reduce(operator.add, parts)
    result = (result / run.sizes["site"]) ** 0.5 / run["filling"]
    result = result.assign_coords(orientation=names).transpose(..., "orientation")
    return stamp(result.rename("stripe_order"))

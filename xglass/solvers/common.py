"""The edge that the solvers of one electron share: what they read from the model, and their grids."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from xglass.checks import eager, require
from xglass.lattice.whole import require_whole
from xglass.models.common import temperature, with_coordinates, with_labels
from xglass.solvers.tasks import Input
from xglass.units.parameters import Frequencies, Parameter, parameter, scale_of
from xglass.variables import energy_unit, stamp

#: Parameters of :func:`electron_tls`, in the order in which engines take them.
PARAMETERS = ("t", "g", "g_z", "omega0", "site_energy")


@dataclass(frozen=True)
class Grids:
    """Temperatures, frequencies and widths of the filter (None: there is none) of a solution."""

    T: xr.DataArray
    frequency: xr.DataArray
    broadening: xr.DataArray | None

    def narrowest(self) -> float:
        """Smallest width of the filter; 0 if there is none."""
        return 0.0 if self.broadening is None else float(self.broadening.min())

    def inputs(self) -> dict[str, Input]:
        """Return temperatures (..., T) and one-dimensional grids, as engines take them, without labels."""
        width = np.zeros(1) if self.broadening is None else np.atleast_1d(self.broadening.values)
        return {
            "T": (along_t(self.T), ["T"]),
            "frequency": (xr.DataArray(self.frequency.values, dims="frequency"), ["frequency"]),
            "broadening": (xr.DataArray(width, dims="broadening"), ["broadening"]),
        }


def electron(model: xr.Dataset, caller: str) -> tuple[xr.Dataset, int, set[str]]:
    """The model without what an earlier solver added, its number of sites,
    and the parameters that differ from site to site.
    """
    given = [name for name in PARAMETERS if name in model] if isinstance(model, xr.Dataset) else []
    require(model, "t", "g", "omega0", "g_z", "cells", *given, caller=caller)
    _whole_ring(model, caller)
    model = model.coords.to_dataset().drop_vars(["T", "frequency", "broadening", "energy"], errors="ignore")
    model = with_labels(model, caller)
    over_sites = {name for name in PARAMETERS if name in model and {"site", "bond"} & {*model[name].dims}}
    return model, int(model["cells"].prod()), over_sites


def grids(model: xr.Dataset, *, T: Parameter, frequency: Frequencies, broadening: Parameter | None) -> Grids:
    """The grids that a solver was given, checked; a broadening of None is none."""
    width = None if broadening is None else widths(broadening, model)
    warmth = temperatures(T, model)
    if "realization" in warmth.dims:
        raise ValueError(
            f"T has dimensions {warmth.dims}, and realizations are averaged at one temperature; give "
            "all of them the same T, or rename the dimension"
        )
    return Grids(warmth, rising("frequency", frequency, model), width)


def along_t(temperature: xr.DataArray) -> xr.DataArray:
    """Return temperatures as engines take them, (..., T)."""
    array = xr.DataArray(temperature.variable)
    return array.transpose(..., "T") if "T" in array.dims else array.expand_dims("T", axis=-1)


def temperatures(T: Parameter, model: xr.Dataset, *, zero: bool = False) -> xr.DataArray:
    """Temperature in tc, > 0 (or 0 where that has a meaning)."""
    return temperature(T, model, energy="tc", zero=zero)


def rising(name: str, value: Any, model: xr.Dataset) -> xr.DataArray:
    """A grid that rises, one-dimensional."""
    grid = parameter(name, value, scale=scale_of(model), energy=energy_unit(model))
    if grid.ndim > 1 or (grid.ndim == 1 and (grid.dims != (name,) or (np.diff(grid.values) <= 0.0).any())):
        raise ValueError(
            f"{name} must be one rising sequence, got dimensions {grid.dims} and values "
            f"{grid.values.tolist()[:6]}"
        )
    return grid if grid.ndim else grid.expand_dims(name).assign_coords({name: [float(grid)]})


def uniform_from_zero(grid: np.ndarray, caller: str) -> None:
    """Raise if frequencies are no centres of bins of one width, the first about 0."""
    if (
        grid.size < 2
        or grid[0] != 0.0
        or not np.allclose(np.diff(grid), grid[-1] / (grid.size - 1), rtol=1e-6, atol=0.0)
    ):
        raise ValueError(
            f"{caller}: broadening=None counts weight in bins of equal width from 0, got frequency "
            f"{grid.tolist()[:6]}; "
            "pass a grid such as np.linspace(0, 6, 1201), or a broadening"
        )


def widths(broadening: Parameter, model: xr.Dataset) -> xr.DataArray:
    """Standard deviation of the filter: a number or one sequence."""
    width = parameter("broadening", broadening, scale=scale_of(model), energy="tc", above=0.0)
    if width.dims not in ((), ("broadening",)):
        raise ValueError(f"broadening must be a number or one sequence, got dimensions {width.dims}")
    return width


def assembled(
    model: xr.Dataset, results: dict[str, xr.DataArray], attrs: dict[str, Any], grids: Grids
) -> xr.Dataset:
    """The Dataset of a solver, its dimensions in the order of the contract.

    Dimensions that were made for a single temperature or broadening go.
    """
    width = grids.broadening
    solution = with_coordinates(model, grids.T, *([] if width is None else [width]), grids.frequency)
    several = width is not None and width.ndim
    for name, result in results.items():
        result = result if "T" in grids.T.dims or "T" not in result.dims else result.isel(T=0)
        result = result if several or "broadening" not in result.dims else result.isel(broadening=0)
        last = [dim for dim in ("T", "broadening", "frequency") if dim in result.dims]
        solution = solution.assign({name: result.transpose(..., *last).variable})
    if "filter_exponent" in solution:
        solution["filter_limited"] = solution["filter_exponent"] > 0.5
    solution.attrs = attrs
    return stamp(solution, energy="tc")


def memory_limit(needed: float, what: str, advice: str) -> None:
    """Raise if a task cannot fit in the memory of this machine."""
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > there:
        raise ValueError(
            f"{what} takes {needed / 2**30:.3g} GiB, this machine has {there / 2**30:.3g}; {advice}"
        )


def _whole_ring(model: xr.Dataset, caller: str) -> None:
    """Refuse a model of which sites were selected or reordered."""
    for dim in ("site", "bond"):
        if model.sizes.get(dim, 0) != int(model["cells"].prod()):
            raise ValueError(
                f"{caller}: the model holds {model.sizes.get(dim, 0)} of its "
                f"{int(model['cells'].prod())} {dim}s; pass all of it"
            )
    require_whole(model, "cells", "bond_source", caller=caller)
    if not np.array_equal(eager(model, "bond_source"), np.arange(model.sizes["bond"])):
        raise ValueError(
            f"{caller}: the bonds of the ring were reordered; pass the model as electron_tls makes it, with "
            "bond i from site i"
        )

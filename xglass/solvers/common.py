"""The edge that the solvers of one electron share: what they read from the model, and their grids."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from typing import Any

import numpy as np
import xarray as xr

from xglass.checks import require, whole_number
from xglass.units import parameter
from xglass.variables import stamp

#: Parameters of :func:`electron_tls`, in the order in which engines take them.
PARAMETERS = ("t", "g", "g_z", "omega0", "site_energy")

#: Sites whose configurations are numbers of 64 bits.
LARGEST = 62


def electron(model: xr.Dataset, caller: str) -> tuple[xr.Dataset, int, set[str]]:
    """The model without what an earlier solver added, its number of sites,
    and the parameters that differ from site to site.
    """
    require(model, "t", "g", "omega0", "g_z", "cells", caller=caller)
    _whole_ring(model, caller)
    model = model.coords.to_dataset().drop_vars(["T", "frequency", "broadening", "energy"], errors="ignore")
    over_sites = {name for name in PARAMETERS if name in model and {"site", "bond"} & {*model[name].dims}}
    return model, int(model["cells"].prod()), over_sites


def model_scale(model: xr.Dataset) -> float | None:
    """The energy unit in meV, or None."""
    return float(model["scale"]) if "scale" in model.coords else None


def along_t(temperature: xr.DataArray) -> xr.DataArray:
    """Temperatures as engines take them, (..., T)."""
    array = xr.DataArray(temperature.variable)
    return array.transpose(..., "T") if "T" in array.dims else array.expand_dims("T", axis=-1)


def temperatures(T: Any, model: xr.Dataset, *, zero: bool = False) -> xr.DataArray:
    """Temperature in tc, > 0 (or 0 where that has a meaning)."""
    return parameter("T", T, scale=model_scale(model), energy="tc", above=0.0, zero=zero)


def rising(name: str, value: Any, model: xr.Dataset) -> xr.DataArray:
    """A grid that rises, one-dimensional."""
    grid = parameter(name, value, scale=model_scale(model), energy="tc")
    if grid.ndim > 1 or (grid.ndim == 1 and (grid.dims != (name,) or (np.diff(grid.values) <= 0.0).any())):
        raise ValueError(
            f"{name} must be one rising sequence, got dimensions {grid.dims} and values "
            f"{grid.values.tolist()[:6]}"
        )
    return grid if grid.ndim else grid.expand_dims(name).assign_coords({name: [float(grid)]})


def widths(broadening: Any, model: xr.Dataset) -> xr.DataArray:
    """Standard deviation of the filter: a number or one sequence."""
    width = parameter("broadening", broadening, scale=model_scale(model), energy="tc", above=0.0)
    if width.dims not in ((), ("broadening",)):
        raise ValueError(f"broadening must be a number or one sequence, got dimensions {width.dims}")
    return width


def sectors(momentum: Any, twist: Any, sites: int, over_sites: set[str]) -> tuple[np.ndarray, np.ndarray]:
    """Momenta, or fluxes where sites differ, over which is averaged, and their weights.

    K and -K have the same spectrum, so that of the ring's own momenta half is enough.
    """
    if over_sites:
        if not (isinstance(momentum, str) and momentum == "all"):
            raise ValueError(
                f"momentum: {sorted(over_sites)} differ from site to site, so that momentum is not "
                "conserved; average over twist instead"
            )
        return _listed("twist", 0.0 if twist is None else twist)
    if twist is not None:
        raise ValueError(
            f"twist is for models whose sites differ; here write momentum=(2 pi n + twist) / {sites} "
            f"for n = 0 ... {sites - 1}"
        )
    if not isinstance(momentum, str):
        return _listed("momentum", momentum)
    if momentum != "all":
        raise ValueError(f"momentum must be 'all' or an array of momenta, got {momentum!r}")
    number = np.arange(sites // 2 + 1)
    return 2.0 * np.pi * number / sites, np.where((number == 0) | (2 * number == sites), 1.0, 2.0)


def _listed(name: str, value: Any) -> tuple[np.ndarray, np.ndarray]:
    grid = parameter(name, value)
    if grid.ndim > 1:
        raise ValueError(f"{name} must be a number or one sequence, got dimensions {grid.dims}")
    return np.atleast_1d(grid.values), np.ones(grid.size)


def site_values(model: xr.Dataset, sites: int, over_sites: set[str]) -> dict[str, xr.DataArray]:
    """Every parameter as (...), or as (..., site) where sites differ (a bond stands with its first site)."""
    values = {}
    for name in PARAMETERS:
        value = xr.DataArray(model[name].variable if name in model else xr.Variable((), 0.0))
        if over_sites:
            value = value.rename(bond="site") if "bond" in value.dims else value
            value = value if "site" in value.dims else value.expand_dims(site=sites, axis=-1)
        values[name] = value.transpose(..., "site") if over_sites else value
    return values


def with_coordinates(model: xr.Dataset, *parts: xr.DataArray) -> xr.Dataset:
    """The model with temperatures and grids as coordinates."""
    for part in parts:
        try:
            model = xr.merge(
                [model, part.coords.to_dataset()], join="exact", compat="equals", combine_attrs="override"
            )
            model = model.assign_coords({str(part.name): part.variable})
        except (ValueError, xr.MergeError) as error:
            raise ValueError(f"{part.name} does not fit the parameters of the model: {error}") from error
    return model


def assembled(
    model: xr.Dataset,
    results: dict[str, xr.DataArray],
    attrs: dict[str, Any],
    *,
    temperature: xr.DataArray,
    frequencies: xr.DataArray,
    width: xr.DataArray | None,
) -> xr.Dataset:
    """The Dataset of a solver: dimensions that were made for a single temperature or broadening go,
    the order is that of the contract.
    """
    solution = with_coordinates(model, temperature, *([] if width is None else [width]), frequencies)
    for name, result in results.items():
        result = result if "T" in temperature.dims or "T" not in result.dims else result.isel(T=0)
        several = width is not None and width.ndim
        result = result if several or "broadening" not in result.dims else result.isel(broadening=0)
        last = [dim for dim in ("T", "broadening", "frequency") if dim in result.dims]
        solution = solution.assign({name: result.transpose(..., *last).variable})
    if "filter_exponent" in solution:
        solution["filter_limited"] = solution["filter_exponent"] > 0.5
    solution.attrs = attrs
    return stamp(solution, energy="tc")


def chosen_chunks(chunks: Any, free: Iterable[str]) -> dict[str, int] | None:
    """Sizes of chunks that were asked for; none of them with "auto"; None: compute now."""
    if chunks is None or (isinstance(chunks, str) and chunks == "auto"):
        return None if chunks is None else {}
    if not isinstance(chunks, dict):
        raise ValueError(f"chunks must be 'auto', a dict {{dimension: size}} or None, got {chunks!r}")
    free = sorted(set(free))
    for dim, size in chunks.items():
        if dim not in free:
            raise ValueError(f"chunks: {dim!r} cannot be chunked; dimensions to chunk are {free}")
        if size != -1:
            whole_number(f"chunks[{dim!r}]", size)
    return dict(chunks)


def memory_limit(needed: float, what: str, advice: str) -> None:
    """Refuse what the machine would only kill later."""
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > there:
        raise ValueError(
            f"{what} takes {needed / 2**30:.3g} GiB, this machine has {there / 2**30:.3g}; {advice}"
        )


def _whole_ring(model: xr.Dataset, caller: str) -> None:
    """Refuse a model of which sites were selected."""
    for dim in ("site", "bond"):
        if model.sizes.get(dim, 0) != int(model["cells"].prod()):
            raise ValueError(
                f"{caller}: the model holds {model.sizes.get(dim, 0)} of its "
                f"{int(model['cells'].prod())} {dim}s; pass all of it"
            )


def kept_states(sites: int, max_excitations: int | None) -> int:
    """Number of configurations of the two-level systems that are kept."""
    if sites > LARGEST:
        raise ValueError(
            f"the model has {sites} sites; configurations are numbers of 64 bits, take at most {LARGEST}"
        )
    if max_excitations is None:
        return 2**sites
    return sum(
        math.comb(sites, k)
        for k in range(min(sites, whole_number("max_excitations", max_excitations, minimum=0)) + 1)
    )


def check_average(average: str | None) -> None:
    """Refuse an unknown kind of average over realizations."""
    if average not in ("annealed", "quenched", None):
        raise ValueError(f"average must be 'annealed', 'quenched' or None, got {average!r}")


def over_realizations(results: dict[str, xr.DataArray], average: str | None) -> dict[str, xr.DataArray]:
    """Thermal averages over realizations: with their partition functions as weights (annealed),
    or all alike (quenched).
    """
    log_z = results["log_partition_function"]
    if average is None or "realization" not in log_z.dims:
        return results
    if average == "quenched":
        return {
            name: result.mean("realization") if "realization" in result.dims else result
            for name, result in results.items()
        }
    top = log_z.max("realization")
    boltzmann: xr.DataArray = xr.apply_ufunc(np.exp, log_z - top, dask="allowed")
    averaged = {
        name: (result * boltzmann).sum("realization") / boltzmann.sum("realization")
        for name, result in results.items()
    }
    averaged["log_partition_function"] = (
        xr.apply_ufunc(np.log, boltzmann.mean("realization"), dask="allowed") + top
    )
    return {
        name: averaged[name].transpose(*(d for d in result.dims if d != "realization"))
        for name, result in results.items()
    }


def without_realization(model: xr.Dataset) -> xr.Dataset:
    """The model after an average: what differed from realization to realization is gone."""
    names = [name for name, coord in model.coords.items() if "realization" in coord.dims]
    return model.drop_vars(
        [*names, *(["realization"] if "realization" in model.coords and "realization" not in names else [])]
    )

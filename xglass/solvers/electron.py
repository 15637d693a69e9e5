"""One electron and two-level systems: thermal averages and spectra."""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import xarray as xr

from xglass.engine import tls as engine
from xglass.units import parameter
from xglass.variables import require, stamp

__all__ = ["exact"]

#: Complex (d, d) matrices that a full diagonalisation of dimension d holds at once.
MATRICES = 7


def exact(
    model: xr.Dataset,
    *,
    T: Any,
    frequency: Any,
    broadening: Any,
    momentum: str | Any = "all",
    twist: float | None = None,
    chunks: str | None = "auto",
) -> xr.Dataset:
    r"""Thermal averages and optical conductivity of :func:`electron_tls` by full diagonalisation.

    .. math:: \sigma(\omega) = \frac{\pi}{Z} \sum_{nm} |J_{nm}|^2 \frac{e^{-\beta E_n} - e^{-\beta E_m}}{E_m - E_n} \delta(\omega - E_m + E_n)

    per particle, an even function, in which every delta function is a Gaussian (on the even function, so that the sum rule and positivity
    stay): Kubo formula of Rammal, Ciuchi and Fratini. Numerators and Z are summed over momenta apart.

    Parameters
    ----------
    model : Dataset of :func:`electron_tls`.
    T : temperature in tc, > 0: a number, a sequence (dimension ``T``), a DataArray or Quantities. All temperatures come from one pass.
    frequency : frequencies in tc, rising; a sequence or DataArray over ``frequency``.
    broadening : standard deviation of the Gaussian in tc, > 0; several are a dimension.
    momentum : "all", the N momenta of the ring, or an array of any momenta, over which is averaged: a fine grid over
        [0, pi] is the average over twisted boundary conditions. For models with arrays over site or bond see ``twist``.
    twist : flux through the ring for models without momentum blocks; default 0.
    chunks : "auto" (lazy, a task for every parameter point) or None (compute now).

    Returns
    -------
    Dataset with ``optical_conductivity(..., T, frequency)`` in e^2 a^2/hbar per particle, ``kinetic_energy(..., T)`` = <H_hop> and
    ``log_partition_function(..., T)`` of the one-electron space of N 2^N states; coords of the model.

    Raises
    ------
    ValueError, TypeError naming the argument: T or broadening not > 0, frequencies that do not rise, momenta for a model
    with disorder, a block that does not fit in memory (with its size).

    Notes
    -----
    Dimension d = 2^N in each of N/2 + 1 blocks, or N 2^N with disorder: 16 d^2 bytes a matrix, d^3 operations. N = 10 takes seconds, N = 12 minutes.

    Examples
    --------
    >>> import xglass as xg
    >>> tls = xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=0.2)
    >>> result = xg.exact(tls, T=[0.5, 1.0], frequency=[0.0, 0.5, 1.0], broadening=0.1)
    >>> result["optical_conductivity"].dims
    ('T', 'frequency')
    """
    require(model, "t", "g", "omega0", "g_z", caller="exact")
    model = model.coords.to_dataset().drop_vars(["T", "frequency", "broadening"], errors="ignore")
    scale = float(model["scale"]) if "scale" in model else None
    sites = int(model["cells"].prod())
    temperature = parameter("T", T, scale=scale, energy="tc", above=0.0)
    frequencies, width = (
        _rising("frequency", frequency, scale),
        parameter("broadening", broadening, scale=scale, energy="tc", above=0.0),
    )
    if width.dims not in ((), ("broadening",)):
        raise ValueError(f"broadening must be a number or one sequence, got dimensions {width.dims}")
    disorder = {name for name in ("t", "g", "omega0", "g_z") if {"site", "bond"} & {*model[name].dims}} | {"site_energy"} & {
        *model.coords
    }
    momenta, weights = _momenta(momentum, sites, disorder)
    _fits_memory(sites * 2**sites if disorder else 2**sites, sites)
    if twist is not None and not disorder:
        raise ValueError(
            f"twist belongs to models with disorder; here write momentum=(2 pi n + {twist!r}) / {sites} for n = 0 ... {sites - 1}"
        )
    flux = 0.0 if twist is None else float(parameter("twist", twist))

    inputs: dict[str, tuple[xr.DataArray, list[str]]] = {}
    for name in ("t", "g", "g_z", "omega0", "site_energy"):
        value = xr.DataArray(model[name].variable if name in model else xr.Variable((), 0.0))
        if disorder:  # one value for every site, wherever they came from
            value = value.rename(bond="site") if "bond" in value.dims else value
            value = value if "site" in value.dims else value.expand_dims(site=sites, axis=-1)
        inputs[name] = (value, ["site"] if disorder else [])
    swept = temperature.dims == ("T",)
    inputs["T"] = (
        xr.DataArray(temperature.variable) if swept else xr.DataArray(temperature.variable).expand_dims("T", axis=-1),
        ["T"],
    )
    inputs["frequency"] = (xr.DataArray(frequencies.values, dims="frequency"), ["frequency"])
    inputs["broadening"] = (xr.DataArray(np.atleast_1d(width.values), dims="broadening"), ["broadening"])
    inputs["momentum"] = (xr.DataArray(momenta, dims="momentum"), ["momentum"])
    inputs["weight"] = (xr.DataArray(weights, dims="momentum"), ["momentum"])
    arrays = [
        array if chunks is None else array.chunk({d: 1 for d in array.dims if d not in core}) for array, core in inputs.values()
    ]
    outputs = {
        "optical_conductivity": ["T", "broadening", "frequency"],
        "kinetic_energy": ["T"],
        "log_partition_function": ["T"],
    }
    results = xr.apply_ufunc(
        engine.spectra,
        *arrays,
        kwargs={"sites": sites, "disorder": bool(disorder), "twist": flux},
        input_core_dims=[core for _, core in inputs.values()],
        output_core_dims=list(outputs.values()),
        dask="parallelized",
        output_dtypes=[np.float64] * 3,
    )
    model = _with_coordinates(model, temperature, width, frequencies)
    for name, result in zip(outputs, results, strict=True):
        result = result if swept else result.isel(T=0)
        result = result if width.dims or "broadening" not in result.dims else result.isel(broadening=0)
        model = model.assign({name: result.variable})
    model.attrs = {"solver": "exact"}
    return stamp(model, energy="tc")


def _with_coordinates(model: xr.Dataset, *parts: xr.DataArray) -> xr.Dataset:
    for part in parts:
        try:
            model = xr.merge([model, part.coords.to_dataset()], join="exact", compat="equals", combine_attrs="override")
            model = model.assign_coords({str(part.name): part.variable})
        except (ValueError, xr.MergeError) as error:
            raise ValueError(f"{part.name} does not fit the parameters of the model: {error}") from error
    return model


def _rising(name: str, value: Any, scale: float | None) -> xr.DataArray:
    """A grid that rises, one-dimensional."""
    grid = parameter(name, value, scale=scale, energy="tc")
    if grid.ndim > 1 or (grid.ndim == 1 and (grid.dims != (name,) or (np.diff(grid.values) <= 0.0).any())):
        raise ValueError(f"{name} must be one rising sequence, got dimensions {grid.dims} and values {grid.values.tolist()[:6]}")
    return grid if grid.ndim else grid.expand_dims(name)


def _momenta(momentum: Any, sites: int, disorder: set[str]) -> tuple[np.ndarray, np.ndarray]:
    """Momenta and their weights; K and -K have the same spectrum, so the ring's own are halved."""
    if isinstance(momentum, str):
        if momentum != "all":
            raise ValueError(f"momentum must be 'all' or an array of momenta, got {momentum!r}")
        number = np.arange(sites // 2 + 1)
        return 2.0 * np.pi * number / sites, np.where((number == 0) | (2 * number == sites), 1.0, 2.0)
    if disorder:
        raise ValueError(
            f"momentum: {sorted(disorder)} differ from site to site, so that momentum is not conserved; average over twist instead"
        )
    grid = parameter("momentum", momentum)
    if grid.ndim > 1:
        raise ValueError(f"momentum must be 'all', a number or one sequence, got dimensions {grid.dims}")
    return np.atleast_1d(grid.values), np.ones(grid.size)


def _fits_memory(dimension: int, sites: int) -> None:
    """Refuse what would only be killed later."""
    needed, there = MATRICES * 16 * dimension**2, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > there:
        raise ValueError(
            f"exact: a Hamiltonian of dimension {dimension} ({sites} sites) takes {needed / 2**30:.3g} GiB, this machine has {there / 2**30:.3g}; "
            f"take fewer sites"
        )

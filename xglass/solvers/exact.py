"""One electron and two-level systems: thermal averages and spectra by full diagonalisation."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from xglass.engine.tls import dense as engine
from xglass.solvers import common

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
    twist: Any = None,
    max_excitations: int | None = None,
    average: str | None = "annealed",
    chunks: str | dict[str, int] | None = "auto",
) -> xr.Dataset:
    r"""Thermal averages and optical conductivity of :func:`electron_tls` by full diagonalisation.

    .. math:: \sigma(\omega) = \frac{\pi}{Z} \sum_{nm} |J_{nm}|^2 \frac{e^{-\beta E_n} - e^{-\beta E_m}}{E_m -
    E_n} \delta(\omega - E_m + E_n)

    per particle, an even function, in which every delta function is a Gaussian (on the even function, so that
    the sum rule and positivity stay): Kubo formula of Rammal, Ciuchi and Fratini. Numerators and Z are summed
    over momenta apart.

    Parameters
    ----------
    model : Dataset of :func:`electron_tls` with N sites.
    T : temperature in tc, > 0: a number, a sequence (dimension ``T``), a DataArray or Quantities. All
        temperatures come from one pass.
    frequency : frequencies in tc, rising; a sequence or DataArray over ``frequency``.
    broadening : standard deviation of the Gaussian in tc, > 0; several are a dimension.
    momentum : "all", the N momenta of the ring, or an array of any momenta, over which is averaged: a fine
        grid over [0, pi] is the average over twisted boundary conditions (a number of them that divides N or
        is a multiple of it repeats few twists: take N + 1). For models with arrays over site or bond see
        ``twist``.
    twist : flux through the ring for models without momentum blocks; several are averaged over; default 0.
    max_excitations : keep only configurations with at most so many excited two-level systems; default all.
        Right at T well below omega0; compare with one less.
    average : over ``realization``: "annealed" divides the sum of numerators by the sum of Z, as for static
        two-level systems that are part of the thermal average; "quenched" averages the results; None keeps
        the dimension (for :func:`jackknife`, say).
    chunks : "auto" (lazy, a task for every parameter point), {parameter dimension: size}, or None (compute
        now).

    Returns
    -------
    Dataset with ``optical_conductivity(..., T, frequency)`` in e^2 a^2/hbar per particle,
    ``kinetic_energy(..., T)`` = <H_hop>, ``log_partition_function(..., T)`` of the space of one electron;
    ``total_weight(..., T)``, the integral over all positive frequencies before the filter, ``stiffness(...,
    T)`` of the finite ring (both for :func:`sum_rule`), ``filter_exponent(..., T)``, which is 1 where
    sigma(0) is the filter's alone (it scales as 1/broadening), and ``filter_limited``, whether it is above
    1/2; coords of the model.

    Raises
    ------
    ValueError, TypeError naming the argument: T or broadening not > 0, frequencies that do not rise, momenta
    for a model with disorder, max_excitations < 0, a block that does not fit in memory (with its size).

    Notes
    -----
    Dimension d = 2^N in each of N/2 + 1 blocks, or N 2^N with disorder: 16 d^2 bytes a matrix, d^3
    operations. N = 10 takes seconds, N = 12 minutes. ``stiffness`` is a difference quotient of eigenvalues,
    good to 1e-9 of itself or of the total weight between T = 0.05 t and 100 t. It costs more than all the
    rest and is computed only where it is asked for: store or compute the variables that are wanted.

    Examples
    --------
    >>> import xglass as xg
    >>> tls = xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=0.2)
    >>> result = xg.exact(tls, T=[0.5, 1.0], frequency=[0.0, 0.5, 1.0], broadening=0.1)
    >>> result["optical_conductivity"].dims
    ('T', 'frequency')
    """
    model, sites, over_sites = common.electron(model, "exact")
    temperature, frequencies = common.temperatures(T, model), common.rising("frequency", frequency, model)
    width = common.widths(broadening, model)
    numbers, weights = common.sectors(momentum, twist, sites, over_sites)
    kept = common.kept_states(sites, max_excitations)
    common.check_average(average)
    dimension = kept * (sites if over_sites else 1)
    common.memory_limit(
        MATRICES * 16.0 * dimension**2,
        f"exact: a Hamiltonian of dimension {dimension} ({sites} sites)",
        "take fewer sites, max_excitations, or xg.ftlm",
    )
    inputs = [
        (value, ["site"] if over_sites else [])
        for value in common.site_values(model, sites, over_sites).values()
    ]
    inputs.append((common.along_t(temperature), ["T"]))
    grids = [(xr.DataArray(frequencies.values, dims="frequency"), ["frequency"])]
    grids.append((xr.DataArray(np.atleast_1d(width.values), dims="broadening"), ["broadening"]))
    settings = {
        "numbers": tuple(map(float, numbers)),
        "weights": tuple(map(float, weights)),
        "sites": sites,
        "disorder": bool(over_sites),
        "max_excitations": None if max_excitations is None else int(max_excitations),
    }

    sizes = common.chosen_chunks(
        chunks, (str(d) for array, core in inputs for d in array.dims if d not in core)
    )

    def applied(function: Any, inputs: list[tuple[xr.DataArray, list[str]]], outputs: list[list[str]]) -> Any:
        lazy = [
            array
            if sizes is None
            else array.chunk({d: sizes.get(str(d), 1) for d in array.dims if d not in core})
            for array, core in inputs
        ]
        return xr.apply_ufunc(
            function,
            *lazy,
            kwargs=settings,
            input_core_dims=[core for _, core in inputs],
            output_core_dims=outputs,
            dask="parallelized",
            output_dtypes=[np.float64] * len(outputs),
        )

    outputs = {
        "optical_conductivity": ["T", "broadening", "frequency"],
        "filter_exponent": ["T", "broadening"],
        "kinetic_energy": ["T"],
        "total_weight": ["T"],
        "log_partition_function": ["T"],
    }
    results = dict(zip(outputs, applied(engine.spectra, inputs + grids, list(outputs.values())), strict=True))
    results["stiffness"] = applied(engine.stiffness, inputs, [["T"]])
    results = common.over_realizations(results, average)
    if average is not None:
        model = common.without_realization(model)
    return common.assembled(
        model, results, {"solver": "exact"}, temperature=temperature, frequencies=frequencies, width=width
    )

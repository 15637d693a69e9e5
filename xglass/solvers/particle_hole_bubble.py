"""The density response of free fermions on the grid of their lattice."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from xglass.checks import eager, refuse, require, whole_number
from xglass.engine.cavity import bubble as engine
from xglass.messages import public
from xglass.models.common import temperature, with_coordinates, with_labels
from xglass.solvers import tasks
from xglass.solvers.tasks import Input
from xglass.units.parameters import Chunks, Parameter
from xglass.variables import stamp

__all__ = ["particle_hole_bubble"]


def __dir__() -> list[str]:
    return __all__


#: Seconds that a point of so many sites takes for every one of them.
SECONDS = 5e-7


@public
def particle_hole_bubble(
    model: xr.Dataset, *, T: Parameter, matsubara: npt.ArrayLike | xr.DataArray, chunks: Chunks = "auto"
) -> xr.Dataset:
    r"""Density response of free fermions at all wave vectors of the torus, in imaginary frequency.

    .. math::

        \chi_0(q, i\Omega) = \frac{1}{N} \sum_k (f_k - f_{k+q}) \frac{D}{\Omega^2 + D^2},
        \quad D = \xi_{k+q} - \xi_k, \quad \Omega_m = 2 \pi m T

    Eq. (36) of Mueller, Strack and Sachdev, Phys. Rev. A 86, 023604 (2012), with the sign of the density
    correlation: chi0 >= 0. The chemical potential is that of the same grid, so that the mean over q of
    :math:`T \sum_m \chi_0` is n (1 - n) exactly. Pairs of equal energy count by their isothermal limit,
    f (1 - f) / T at m = 0 and nothing at any other: at q = 0 all of them.

    Parameters
    ----------
    model : Dataset
        Model of :func:`cavity_glass`, with site_energy_std = 0.
    T : float, sequence, DataArray or Quantity
        Temperature in tc, > 0.
    matsubara : int, sequence or DataArray
        Numbers m >= 0 of the Matsubara frequencies; a sequence is the dimension ``matsubara``. There is no
        largest.
    chunks : {"auto"}, dict or None
        "auto" (lazy, tasks of about a second), {parameter dimension: size}, or None (compute now).

    Returns
    -------
    Dataset
        ``susceptibility(..., matsubara, qx[, qy[, qz]])`` in 1/tc, with coords ``qx`` = 2 pi m_x / L_x in
        [0, 2 pi), ..., and ``matsubara_frequency(T, matsubara)``, and those of the model. Where cells are no
        cubes, qx is the phase from one cell to the next along the first cell vector, and so on.

    Raises
    ------
    TypeError, KeyError, ValueError
        Naming the argument: another model, T not > 0, numbers of frequencies that are negative, repeated or
        not whole, site_energy_std > 0, bonds that were reordered.

    Notes
    -----
    The error is below 1e-11 / tc. chi0 falls as 1 / Omega^2, so that relative to it the error grows.
    Time goes as N log N at some twenty imaginary times: 0.05 s for 64^3 sites. On hypercubic lattices of
    equal bonds and equal, even sides it is several times shorter than on others.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.cavity_glass(xg.lattice.square(16), filling=0.3)
    >>> chi = xg.particle_hole_bubble(glass, T=[0.2, 0.4], matsubara=[0, 1])["susceptibility"]
    >>> chi.sizes["qx"], bool((chi.sel(qx=0, qy=0, matsubara=1) == 0).all())
    (16, True)
    """
    model, inputs, settings = bubble_inputs(model, T, caller="particle_hole_bubble")
    numbers = matsubara_numbers("particle_hole_bubble", matsubara)
    cells = settings["cells"]
    waves = [f"q{axis}" for axis in "xyz"[: len(cells)]]
    sites = int(np.prod(cells))
    plan = tasks.planned(
        chunks,
        tasks.loops(inputs.values()),
        caller="particle_hole_bubble",
        seconds=SECONDS * sites,
        nbytes=8.0 * sites * numbers.size,
    )
    settings |= {"matsubara": tuple(int(m) for m in numbers.values.ravel())}
    results = tasks.applied(
        engine.susceptibility,
        inputs,
        {"susceptibility": (["matsubara", *waves], np.float64)},
        plan,
        settings=settings,
        sizes={"matsubara": numbers.size, **dict(zip(waves, cells, strict=True))},
    )
    chi = results["susceptibility"]
    chi = chi if numbers.ndim else chi.isel(matsubara=0)
    solution = with_frequencies(model, numbers)
    solution = solution.assign_coords(
        {wave: 2.0 * np.pi * np.arange(n) / n for wave, n in zip(waves, cells, strict=True)}
    )
    last = [dim for dim in ("matsubara", *waves) if dim in chi.dims]
    solution = solution.assign(susceptibility=chi.transpose(..., *last).variable)
    solution.attrs = {"solver": "particle_hole_bubble"}
    return stamp(solution, energy="tc")


def bubble_inputs(
    model: xr.Dataset, T: Parameter, *, caller: str
) -> tuple[xr.Dataset, dict[str, Input], dict[str, Any]]:
    """The model with its temperature, and inputs and settings from which the engine makes a Band.

    The inputs are hopping of the bonds of one cell, filling and T, in this order; the settings the offsets of
    those bonds and the cells.
    """
    needed = ("site_energy_std", "hopping", "filling", "cells", "bond_source", "bond_target")
    require(model, *needed, caller=caller)
    model = model.coords.to_dataset().drop_vars(["T", "matsubara", "matsubara_frequency"], errors="ignore")
    model = with_labels(model, caller)
    cells = tuple(int(n) for n in eager(model, "cells"))
    sites = int(np.prod(cells))
    first = model.sizes["bond"] // sites
    sources = eager(model, "bond_source")
    refuse(
        caller,
        (
            first * sites != model.sizes["bond"]
            or not np.array_equal(sources, np.repeat(range(sites), first)),
            "bonds were reordered or left out; pass the model as cavity_glass makes it",
        ),
        (
            bool((eager(model, "site_energy_std") != 0.0).any()),
            "site_energy_std > 0: wave vectors are those of a clean band; give a model with "
            "site_energy_std=0",
        ),
    )
    hopping = xr.DataArray(eager(model, "hopping"), dims=model["hopping"].dims)
    one_cell = hopping.isel(bond=slice(0, first))
    alike = hopping.values.reshape(*hopping.shape[:-1], sites, first) == one_cell.values[..., None, :]
    refuse(caller, (not alike.all(), "hopping differs from cell to cell; a band needs the same in all"))
    model = with_coordinates(model, temperature(T, model, energy="tc"))
    inputs: dict[str, Input] = {
        "hopping": (one_cell, ["bond"]),
        "filling": (model["filling"], []),
        "T": (model["T"], []),
    }
    return model, inputs, {"offsets": _offsets(eager(model, "bond_target")[:first], cells), "cells": cells}


def _offsets(targets: np.ndarray, cells: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
    """Whole cells from the first one to those in which its bonds end, the nearest of the images."""
    index = np.stack(np.unravel_index(targets, cells[::-1])[::-1], axis=-1)
    half = np.asarray(cells) // 2
    return tuple(tuple(int(x) for x in row) for row in (index + half) % np.asarray(cells) - half)


def matsubara_numbers(caller: str, matsubara: Any) -> xr.DataArray:
    """The numbers of Matsubara frequencies, checked: one, or several over ``matsubara``."""
    if isinstance(matsubara, xr.DataArray) and matsubara.dims not in ((), ("matsubara",)):
        raise ValueError(f"{caller}: matsubara has dimensions {matsubara.dims}; give one sequence of numbers")
    given = np.asarray(matsubara)
    if given.ndim > 1 or not given.size:
        raise ValueError(f"{caller}: matsubara must be a number or one sequence, got shape {given.shape}")
    numbers = [
        whole_number(f"{caller}: matsubara", m, minimum=0, maximum=2**53) for m in given.ravel().tolist()
    ]
    if len({*numbers}) < len(numbers):
        raise ValueError(f"{caller}: matsubara repeats numbers: {numbers[:8]}; each may stand once")
    values = np.array(numbers, dtype=np.int64)
    if not given.ndim:
        return xr.DataArray(values[0], name="matsubara")
    return xr.DataArray(values, dims="matsubara", name="matsubara").assign_coords(matsubara=values)


def with_frequencies(model: xr.Dataset, numbers: xr.DataArray) -> xr.Dataset:
    """The model, which has T, with the Matsubara frequencies of these numbers."""
    frequency = 2.0 * np.pi * (xr.Variable(model["T"].dims, model["T"].values) * numbers.variable)
    return model.assign_coords(matsubara=numbers.variable, matsubara_frequency=frequency)

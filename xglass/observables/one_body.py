"""Thermal one-body averages of configurations: quantum particles in the potential of the charges."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import xarray as xr

from xglass.checks import require
from xglass.engine.charge import one_body as engine
from xglass.messages import public
from xglass.observables.common import labelled, occupations, replaced_temperature
from xglass.solvers.tasks import Input
from xglass.units.parameters import Parameter
from xglass.variables import energy_unit, stamp

__all__ = ["kinetic_energy", "local_density"]


def __dir__() -> list[str]:
    return __all__


def inputs(run: xr.Dataset, T: Parameter | None, *, caller: str) -> dict[str, Input]:
    """What engines take of a run: its configurations, the Hamiltonian K + diag(phi), the temperature.

    A temperature that is given replaces that of the run.
    """
    needed = ("interaction", "site_energy", "centred", "hopping", "bond_source", "bond_target")
    occupation = occupations(run, *needed, caller=caller)
    if T is None:
        name = "temperature" if "temperature" in run.coords else "T"
        require(run, "T", name, caller=caller)
        temperature = run[name]
    else:
        occupation, temperature = replaced_temperature(
            occupation, T, caller, what="run", energy=energy_unit(run), along_t=False, model=run
        )
    return {
        "occupation": (occupation, ["site"]),
        "hopping": (run["hopping"], ["bond"]),
        "interaction": (run["interaction"], ["site", "site2"]),
        "site_energy": (run["site_energy"], ["site"]),
        "filling": (run["filling"], []),
        "reference": (run["filling"] * run["centred"], []),
        "temperature": (temperature, []),
        "bond_source": (run["bond_source"], ["bond"]),
        "bond_target": (run["bond_target"], ["bond"]),
    }


def _thermal(
    function: Callable[..., Any],
    run: xr.Dataset,
    name: str,
    T: Parameter | None,
    core: list[str] | None = None,
) -> xr.DataArray:
    given = inputs(run, T, caller=name)
    result = labelled(function, given.values(), core)
    if T is not None:
        temperature, _ = given["temperature"]
        result = result.assign_coords(T=temperature.variable).transpose(*temperature.dims, ...)
    return stamp(result.rename(name), energy=energy_unit(run))


@public
def kinetic_energy(run: xr.Dataset, *, T: Parameter | None = None) -> xr.DataArray:
    """Thermal kinetic energy of every configuration, recomputed.

    <K> = sum_n f_n e_n - sum_i phi_i sum_n f_n |U_in|^2 of H = K + diag(phi) at temperature T
    (``temperature`` of a ramp) and mean particle number N n (Fratini et al., SciPost Phys. 14, 124 (2023),
    section 2).

    Parameters
    ----------
    run : Dataset
        Run with ``occupation(..., site)``, ``T`` and the coords of the model; may be chunked along all but
        site.
    T : number, sequence, DataArray or Quantity, optional
        Temperature to use instead of the one of the run, in Vc, for runs without dimension ``T``; may be
        swept.

    Returns
    -------
    DataArray
        ``kinetic_energy(...)`` in Vc, of the whole system, <= 0. Costs one N x N eigenproblem per
        configuration (about 1 ms at N = 144).

    Raises
    ------
    TypeError
        If the occupations are averages.
    KeyError, ValueError
        Where a part of the model was dropped.

    Examples
    --------
    >>> import numpy as np, xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(4), t_p=0.1, self_image="include")
    >>> run = xg.metropolis(glass, T=0.1, walker=2, sweep=3, seed=7)
    >>> bool(np.allclose(xg.kinetic_energy(run), run["kinetic_energy"]))
    True
    """
    return _thermal(engine.kinetic_energy, run, "kinetic_energy", T)


@public
def local_density(run: xr.Dataset, *, T: Parameter | None = None) -> xr.DataArray:
    """Thermal density of the quantum particles on every site.

    <n_i> = sum_n f_n |U_in|^2 of H = K + diag(phi): how far the charges spread from their classical positions
    (Fratini et al., SciPost Phys. 14, 124 (2023), Figs. 3b, c and 5a).

    Parameters
    ----------
    run : Dataset
        Run with ``occupation(..., site)``, ``T`` and the coords of the model; may be chunked along all but
        site.
    T : number, sequence, DataArray or Quantity, optional
        Temperature to use instead of the one of the run, in Vc, for runs without dimension ``T``; may be
        swept.

    Returns
    -------
    DataArray
        ``local_density(..., site)``, a pure number in (0, 1). Costs one N x N eigenproblem per configuration.

    Raises
    ------
    TypeError
        If the occupations are averages.
    KeyError, ValueError
        Where a part of the model was dropped.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(4), t_p=0.1, self_image="include")
    >>> run = xg.metropolis(glass, T=0.1, walker=2, sweep=3, seed=7)
    >>> print(f"{float(xg.local_density(run).isel(walker=0, sweep=-1).sum()):.9f}")
    8.000000000
    """
    return _thermal(engine.local_density, run, "local_density", T, ["site"])

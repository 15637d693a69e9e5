"""Potentials, energies and densities of configurations."""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from xglass.checks import require
from xglass.engine.charge import potential
from xglass.observables.common import replaced_temperature
from xglass.observables.glass import occupations
from xglass.variables import energy_unit, stamp

__all__ = ["electrostatic_energy", "electrostatic_potential", "kinetic_energy", "local_density"]

_FIELDS = ("interaction", "site_energy", "centred")


def _electrostatic(run: xr.Dataset, name: str, caller: str) -> xr.DataArray:
    occupation = occupations(run, *_FIELDS, caller=caller)
    local = name == "electrostatic_potential"
    result = xr.apply_ufunc(
        potential.potential if local else potential.electrostatic_energy,
        occupation,
        run["interaction"],
        run["site_energy"],
        run["filling"] * run["centred"],
        input_core_dims=[["site"], ["site", "site2"], ["site"], []],
        output_core_dims=[["site"]] if local else [[]],
        join="exact",
        dask="parallelized",
        output_dtypes=[np.float64],
    )
    return stamp(result.rename(name), energy=energy_unit(run))


def electrostatic_energy(run: xr.Dataset) -> xr.DataArray:
    """Electrostatic energy of every configuration, recomputed.

    E = 1/2 sum_{i != j} U_ij n_i n_j + sum_i eps_i n_i (n - filling in the first sum for a centred model);
    the pairs of Eq. (1) of Fratini et al., SciPost Phys. 14, 124 (2023), without the self-image term.

    Parameters
    ----------
    run : Dataset
        Run with ``occupation(..., site)`` and the coords of the model; may be chunked along all but site.

    Returns
    -------
    DataArray
        ``electrostatic_energy(...)`` in Vc, of the whole system. Costs N^2 per configuration.

    Raises
    ------
    TypeError
        If the occupations are averages.
    KeyError, ValueError
        Where a part of the model was dropped.

    Examples
    --------
    >>> import numpy as np, xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(4), self_image="include")
    >>> run = xg.metropolis(glass, T=0.1, walker=3, sweep=10, weight="classical", seed=7)
    >>> bool(np.allclose(xg.electrostatic_energy(run), run["electrostatic_energy"]))
    True
    """
    return _electrostatic(run, "electrostatic_energy", "electrostatic_energy")


def electrostatic_potential(run: xr.Dataset) -> xr.DataArray:
    """Potential that the quantum particles of a configuration feel.

    phi_i = sum_j U_ij n_j + eps_i, the diagonal (self-image) term of U included (n - filling for a centred
    model).

    Parameters
    ----------
    run : Dataset
        Run with ``occupation(..., site)`` and the coords of the model; may be chunked along all but site.

    Returns
    -------
    DataArray
        ``electrostatic_potential(..., site)`` in Vc: 8 times the memory of the occupations. Costs N^2 per
        configuration.

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
    >>> run = xg.metropolis(glass, T=0.01, walker=1, sweep=2, start="ordered", seed=7)
    >>> phi = xg.electrostatic_potential(run).isel(walker=0, sweep=0)
    >>> print(f"{float(phi.max() - phi.min()):.6f}")  # the stripe gap
    1.404474
    """
    return _electrostatic(run, "electrostatic_potential", "electrostatic_potential")


def _thermal(run: xr.Dataset, name: str, T: Any) -> xr.DataArray:
    occupation = occupations(run, *_FIELDS, "hopping", "bond_source", "bond_target", caller=name)
    if T is None:
        require(run, "T", caller=name)
        temperature = run["temperature" if "temperature" in run.coords else "T"]
    else:
        occupation, temperature = replaced_temperature(
            occupation, T, name, what="run", energy=energy_unit(run), along_t=False
        )
    local = name == "local_density"
    result = xr.apply_ufunc(
        potential.local_density if local else potential.kinetic_energy,
        occupation,
        run["hopping"],
        run["interaction"],
        run["site_energy"],
        run["filling"],
        run["filling"] * run["centred"],
        temperature,
        run["bond_source"],
        run["bond_target"],
        input_core_dims=[["site"], ["bond"], ["site", "site2"], ["site"], [], [], [], ["bond"], ["bond"]],
        output_core_dims=[["site"]] if local else [[]],
        join="exact",
        dask="parallelized",
        output_dtypes=[np.float64],
    )
    if T is not None:
        result = result.assign_coords(T=temperature.variable).transpose(*temperature.dims, ...)
    return stamp(result.rename(name), energy=energy_unit(run))


def kinetic_energy(run: xr.Dataset, *, T: Any = None) -> xr.DataArray:
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
    return _thermal(run, "kinetic_energy", T)


def local_density(run: xr.Dataset, *, T: Any = None) -> xr.DataArray:
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
    return _thermal(run, "local_density", T)

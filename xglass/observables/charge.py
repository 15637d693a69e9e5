"""Energies and potentials of configurations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import xarray as xr

from xglass.engine.charge import potential
from xglass.messages import public
from xglass.observables.common import labelled
from xglass.solvers.one_body import occupations
from xglass.solvers.tasks import Input
from xglass.variables import energy_unit, stamp

__all__ = ["electrostatic_energy", "electrostatic_potential"]


def __dir__() -> list[str]:
    return __all__


def _electrostatic(
    function: Callable[..., Any], run: xr.Dataset, name: str, core: list[str] | None = None
) -> xr.DataArray:
    occupation = occupations(run, "interaction", "site_energy", "centred", caller=name)
    inputs: list[Input] = [
        (occupation, ["site"]),
        (run["interaction"], ["site", "site2"]),
        (run["site_energy"], ["site"]),
        (run["filling"] * run["centred"], []),
    ]
    return stamp(labelled(function, inputs, core).rename(name), energy=energy_unit(run))


@public
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
    return _electrostatic(potential.electrostatic_energy, run, "electrostatic_energy")


@public
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
    return _electrostatic(potential.potential, run, "electrostatic_potential", ["site"])

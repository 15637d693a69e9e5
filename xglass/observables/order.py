"""How configurations order: the structure of the charges."""

from __future__ import annotations

import numpy as np
import xarray as xr

from xglass.checks import eager, require
from xglass.engine.charge import configurations
from xglass.lattice.waves import stripes, wave_vectors
from xglass.observables.common import labelled, occupations
from xglass.solvers.tasks import Input
from xglass.variables import stamp

__all__ = ["stripe_order", "structure_factor"]


def __dir__() -> list[str]:
    return __all__


def _structure(run: xr.Dataset, waves: np.ndarray, dim: str, caller: str) -> xr.DataArray:
    occupation = occupations(run, "position", "torus", "cells", caller=caller)
    phase = xr.DataArray(eager(run, "position") @ waves.T, dims=("site", dim))
    inputs: list[Input] = [(occupation, ["site"]), (run["filling"], []), (phase, ["site", dim])]
    return labelled(configurations.structure_factor, inputs, [dim])


def structure_factor(run: xr.Dataset) -> xr.DataArray:
    """Structure factor on the wave vectors of the torus.

    S(q) = (1/N) |sum_i dn_i exp(-i q R_i)|^2, dn = n - filling.

    Parameters
    ----------
    run : Dataset
        Run with ``occupation(..., site)`` and the coords of the lattice; may be chunked along all but site.

    Returns
    -------
    DataArray
        ``structure_factor(..., q)``, a pure number, with coords ``qx(q)``, ``qy(q)``, ... in 1/a in the first
        Brillouin zone. Costs 2 N^2 multiplications per configuration; the result is 8 times the size of the
        occupations, so reduce it early.

    Raises
    ------
    TypeError
        If the occupations are averages.
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
    require(run, "position", "torus", "cells", caller="structure_factor")
    waves = wave_vectors(run)
    result = _structure(run, waves, "q", "structure_factor")
    components = {f"q{axis}": ("q", waves[:, k]) for k, axis in enumerate("xyz"[: waves.shape[1]])}
    return stamp(result.assign_coords(components).rename("structure_factor"))


def stripe_order(run: xr.Dataset) -> xr.DataArray:
    """Stripe order parameter of each orientation.

    Psi_o = sqrt(S(q_o)/N)/filling at the wave vectors q_o that are half a reciprocal vector; 1 in the perfect
    stripe at filling 1/2.

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
        If no stripe fits the torus (all sides odd).
    TypeError
        If the occupations are averages.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(4), t_p=0.12, self_image="include")
    >>> run = xg.metropolis(glass, T=0.01, walker=1, sweep=2, start="ordered", seed=7)
    >>> print(xg.stripe_order(run).isel(walker=0, sweep=0).round(6).values)
    [1. 0. 0.]
    """
    require(run, "position", "torus", "cells", caller="stripe_order")
    names, waves = stripes(run)
    if not names:
        raise ValueError(
            f"stripe_order: no stripe fits a torus of {run['cells'].values.tolist()} cells; take an even side"
        )
    result = _structure(run, waves, "orientation", "stripe_order").assign_coords(orientation=names)
    return stamp(
        ((result / run.sizes["site"]) ** 0.5 / run["filling"])
        .transpose(..., "orientation")
        .rename("stripe_order")
    )

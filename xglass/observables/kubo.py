"""Optical conductivity of charges: quantum particles between the states of every configuration."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from xglass.checks import aligned, eager, refuse
from xglass.engine.charge import kubo as engine
from xglass.lattice.whole import require_whole
from xglass.messages import public
from xglass.observables.common import of_states
from xglass.solvers.common import rising, uniform_from_zero
from xglass.solvers.one_body import as_given, states_of, temperature_of
from xglass.solvers.tasks import Input
from xglass.units.parameters import Frequencies, Parameter, parameter, scale_of
from xglass.variables import energy_unit, stamp

__all__ = ["optical_conductivity", "sum_rule_of_states"]


def __dir__() -> list[str]:
    return __all__


#: Unit of a conductivity by the number of axes: of a chain, a layer, a bulk.
UNITS = {1: "e^2 a/hbar", 2: "e^2/hbar", 3: "e^2/(hbar a)"}

#: Filters by name.
FILTERS = ("lorentzian", "gaussian")


@public
def optical_conductivity(
    run: xr.Dataset,
    *,
    frequency: Frequencies,
    broadening: Parameter | None,
    filter: str = "lorentzian",
    direction: str | Sequence[str] = "mean",
    T: Parameter | None = None,
) -> xr.DataArray:
    r"""Optical conductivity of every configuration, by the formula of Kubo and Greenwood.

    .. math::
        \sigma_{ab}(\omega) = \frac{\pi}{V} \sum_{n \ne m} \frac{f_n - f_m}{e_m - e_n}
        \langle n|v_a|m\rangle \langle m|v_b|n\rangle \, \delta(\omega - (e_m - e_n))

    of H = K + diag(phi), with v = i [H, r] from the vectors of the bonds, V the volume of the torus, and
    Fermi functions at temperature T and mean particle number N n (Fratini et al., SciPost Phys. 14, 124
    (2023), section 2 and Fig. 5c). Degenerate pairs have their limit. The weight of the stiffness of the
    finite torus, at frequency 0, is left out (see :func:`sum_rule`). Average sigma over configurations
    first, then invert it: see :func:`resistivity`.

    Parameters
    ----------
    run : Dataset
        Run with ``occupation(..., site)`` and the coords of the model, the Dataset of :func:`diagonalize`, or
        a model without interaction; may be chunked along all but site.
    frequency : float, sequence, DataArray or Quantity
        Frequencies in the energy unit of the model, rising, >= 0. Uniform ones are fastest.
    broadening : float, sequence, DataArray, Quantity or None
        Width of the filter, > 0: half width at half maximum of a Lorentzian, standard deviation of a
        Gaussian, on the full even spectrum. A sequence is a dimension; a DataArray may lie over dimensions of
        the run (``0.2 * run["t_p"]``). None: the exact weight in bins about uniform frequencies from 0, over
        their step, as :func:`relaxation_time_approximation` and sum rules need it; the first bin reaches from
        -step/2 to step/2 and holds degenerate pairs.
    filter : {"lorentzian", "gaussian"}
        Shape of the filter; of no meaning for bins.
    direction : str or sequence of str
        "mean" (of all axes), "x", "y", "z", or two of these letters; a sequence is a dimension.
    T : float, sequence, DataArray or Quantity, optional
        Temperature to use instead of that of the run, in its energy unit.

    Returns
    -------
    DataArray
        ``optical_conductivity(..., [broadening,] [direction,] frequency)``, even in frequency, in e^2 a/hbar
        of a chain, e^2/hbar of a layer, e^2/(hbar a) in three dimensions; exact to 1e-10 of its largest
        value. Costs about as much as the eigenproblems.

    Raises
    ------
    TypeError
        If the occupations are averages.
    KeyError, ValueError
        Frequencies that are negative or do not rise, broadening <= 0, bins on frequencies that are not
        uniform from 0, an unknown filter or direction, a run without hopping or T, no configuration.

    Examples
    --------
    >>> import numpy as np, xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(4), t_p=0.1, eta=-1.0, self_image="include")
    >>> run = xg.metropolis(glass, T=0.05, walker=2, sweep=3, seed=7)
    >>> w = np.linspace(0.0, 2.0, 201)
    >>> sigma = xg.optical_conductivity(run, frequency=w, broadening=0.2 * run["t_p"], direction=["x", "y"])
    >>> sigma.dims, sigma.attrs["units"]
    (('walker', 'sweep', 'direction', 'frequency'), 'e^2/hbar')
    """
    caller = "optical_conductivity"
    refuse(caller, (filter not in FILTERS, f"filter must be one of {FILTERS}, got {filter!r}"))
    states = _states(run, T, caller)
    axes = states.sizes["axis"]
    names = directions_of(direction, axes, caller)
    grid = frequencies_of(frequency, states, caller)
    several = False
    if broadening is None:
        uniform_from_zero(grid.values, caller)
        width, kind = xr.DataArray([0.0], dims="broadening"), "bins"
    else:
        given = parameter(
            "broadening", broadening, scale=scale_of(states), energy=energy_unit(states), above=0.0
        )
        aligned(caller, run=states, broadening=given)
        several, kind = "broadening" in given.dims, filter
        width = given if several else given.expand_dims("broadening", axis=-1)
    result = of_states(
        engine.conductivity,
        [
            *_inputs(states),
            (xr.DataArray(grid.values, dims="frequency"), ["frequency"]),
            (width, ["broadening"]),
        ],
        ["broadening", "direction", "frequency"],
        sizes={"direction": len(names)},
        directions=names,
        filter=kind,
    )
    # a temperature that was given comes first, as a parameter
    own = ("broadening", "direction", "frequency")
    result = result.transpose(*states["chemical_potential"].dims, ..., *own)
    result = result.assign_coords(frequency=grid["frequency"].variable)
    if not several:
        result = result.isel(broadening=0, drop=True)
    if broadening is not None:
        result = result.assign_coords(broadening=given.variable)
    result = along_directions(result, direction, names)
    result = stamp(result.rename(caller), energy=energy_unit(states), optical_conductivity=UNITS[axes])
    return as_given(result.assign_attrs(filter=kind), run)


def sum_rule_of_states(run: xr.Dataset, direction: str | Sequence[str]) -> xr.DataArray:
    """Violation of the sum rule of every configuration, for :func:`sum_rule`."""
    states = _states(run, None, "sum_rule")
    names = directions_of(direction, states.sizes["axis"], "sum_rule")
    result = of_states(
        engine.imbalance,
        _inputs(states),
        ["direction"],
        sizes={"direction": len(names)},
        directions=names,
    )
    result = stamp(along_directions(result, direction, names).rename("sum_rule"), energy=energy_unit(states))
    return as_given(result, run)


def _states(run: xr.Dataset, T: Parameter | None, caller: str) -> xr.Dataset:
    """Return states of every configuration with the bonds between their sites and what makes them thermal."""
    states = states_of(run, T, caller)
    require_whole(states, "hopping", "bond_source", "bond_target", "bond_vector", "torus", caller=caller)
    refuse(
        caller,
        (
            not eager(states, "hopping").any(),
            "the hopping is 0 on every bond, and nothing moves; give charge_glass t_p= or hopping=",
        ),
        (0 in states["chemical_potential"].shape, "the run holds no configuration; a selection left none"),
    )
    return states


def _inputs(states: xr.Dataset) -> list[Input]:
    """What the engine takes of states, up to its frequencies."""
    temperature, volume = temperature_of(states), abs(np.linalg.det(eager(states, "torus")))
    assert temperature is not None
    return [
        (states["eigenvalue"], ["state"]),
        (states["eigenvector"], ["site", "state"]),
        (states["chemical_potential"], []),
        (temperature, []),
        (states["hopping"], ["bond"]),
        (states["bond_source"], ["bond"]),
        (states["bond_target"], ["bond"]),
        (states["bond_vector"], ["bond", "axis"]),
        (xr.DataArray(volume), []),
    ]


def directions_of(direction: Any, axes: int, caller: str) -> tuple[str, ...]:
    """Return names of the asked components of the tensor."""
    letters = engine.AXES[:axes]
    known = ["mean", *letters, *(a + b for a in letters for b in letters if a != b)]
    names = [direction] if isinstance(direction, str) else [*np.atleast_1d(np.asarray(direction)).tolist()]
    wrong = [name for name in names if name not in known]
    refuse(
        caller,
        (bool(wrong) or not names, f"direction must be among {known}, got {direction!r}"),
        (len(set(names)) != len(names), f"direction repeats a name: {direction!r}"),
    )
    return tuple(names)


def along_directions(result: xr.DataArray, direction: Any, names: tuple[str, ...]) -> xr.DataArray:
    """The result with the dimension of directions only if several were asked for."""
    if isinstance(direction, str):
        return result.isel(direction=0, drop=True).assign_coords(direction=direction)
    return result.assign_coords(direction=[*names])


def frequencies_of(frequency: Frequencies, data: xr.Dataset, caller: str) -> xr.DataArray:
    """Return frequencies that rise from 0 or above."""
    grid = rising("frequency", frequency, data)
    refuse(
        caller,
        (
            float(grid[0]) < 0.0,
            f"frequency must be >= 0, got {float(grid[0]):g}; the conductivity is even in frequency",
        ),
    )
    return grid

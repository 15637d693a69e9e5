"""Quantum particles in the potential of the charges: thermal averages, spectra and states."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import xarray as xr

from xglass.checks import aligned, eager, refuse, require
from xglass.engine.charge import one_body as engine
from xglass.engine.charge import states as formulas
from xglass.messages import public
from xglass.observables.common import components, labelled, of_states, own_waves
from xglass.solvers.common import rising
from xglass.solvers.one_body import as_given, inputs, states_of, temperature_of
from xglass.solvers.tasks import Input
from xglass.units.parameters import Frequencies, Parameter, parameter, scale_of
from xglass.variables import energy_unit, stamp

__all__ = [
    "density_of_states",
    "gap_ratio",
    "inverse_participation_ratio",
    "kinetic_energy",
    "local_density",
    "spectral_function",
]


def __dir__() -> list[str]:
    return __all__


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
    given = inputs(run, T, caller="kinetic_energy")
    order = ("occupation", "hopping", "interaction", "site_energy", "filling", "reference", "temperature")
    result = labelled(engine.kinetic_energy, [given[k] for k in (*order, "bond_source", "bond_target")])
    if T is not None:
        temperature, _ = given["temperature"]
        result = result.transpose(*temperature.dims, ...)
    return stamp(result.rename("kinetic_energy"), energy=energy_unit(run))


@public
def local_density(run: xr.Dataset, *, T: Parameter | None = None) -> xr.DataArray:
    """Thermal density of the quantum particles on every site.

    <n_i> = sum_n f_n |U_in|^2 of H = K + diag(phi): how far the charges spread from their classical positions
    (Fratini et al., SciPost Phys. 14, 124 (2023), Figs. 3b, c and 5a).

    Parameters
    ----------
    run : Dataset
        Run with ``occupation(..., site)``, ``T`` and the coords of the model, which may be chunked along all
        but site; or the Dataset of :func:`diagonalize`, or a model without interaction.
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
    states = states_of(run, T, "local_density")
    temperature = temperature_of(states)
    assert temperature is not None
    given: list[Input] = [
        (states["eigenvector"], ["site", "state"]),
        (states["eigenvalue"], ["state"]),
        (states["chemical_potential"], []),
        (temperature, []),
    ]
    order = states["chemical_potential"].dims
    return _result("local_density", formulas.local_density, given, run, order, ["site"])


@public
def density_of_states(
    run: xr.Dataset, *, energy: Frequencies, broadening: Parameter, filter: str = "gaussian"
) -> xr.DataArray:
    """Density of states of the quantum particles, per site, zero of energy at the chemical potential.

    N(e) = (1/N) sum_n delta(e - (e_n - mu)) with every level broadened.

    Parameters
    ----------
    run : Dataset
        Run with ``occupation(..., site)``, ``T`` and the coords of the model, which may be chunked along all
        but site; or the Dataset of :func:`diagonalize`, or a model without interaction that has a ``T``.
    energy : number, sequence, DataArray or Quantity
        Energies relative to mu in Vc, rising.
    broadening : number, sequence, DataArray or Quantity
        Standard deviation of the Gaussian, or half width at half maximum of the Lorentzian, in Vc. A sequence
        is a dimension ``broadening``; a DataArray may lie over parameters of the run.
    filter : {"gaussian", "lorentzian"}
        Form of a broadened level.

    Returns
    -------
    DataArray
        ``density_of_states(..., energy)`` in 1/Vc; its integral over all energies is 1. Levels alone are
        solved for, unless the Dataset of :func:`diagonalize` has the states anyway.

    Raises
    ------
    TypeError
        If the occupations are averages.
    KeyError, ValueError
        Where a part of the model or the temperature was dropped; for energies that do not rise, a broadening
        that is not > 0, an unknown filter.

    Examples
    --------
    >>> import numpy as np, xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(4), t_p=0.1, self_image="include")
    >>> run = xg.metropolis(glass, T=0.1, walker=2, sweep=3, seed=7)
    >>> N = xg.density_of_states(run, energy=np.linspace(-3, 3, 301), broadening=0.05)
    >>> N.dims, round(float(N.mean(["walker", "sweep"]).integrate("energy")), 9)
    (('walker', 'sweep', 'energy'), 1.0)
    """
    states = states_of(run, None, "density_of_states", vectors=False)
    grid, width = _spectral_grids("density_of_states", states, energy, broadening, filter)
    given: list[Input] = [
        (states["eigenvalue"], ["state"]),
        (states["chemical_potential"], []),
        (width, []),
        (xr.DataArray(grid.values, dims="energy"), ["energy"]),
    ]
    order = (*states["chemical_potential"].dims, *_own(width, states))
    result = _result(
        "density_of_states", formulas.density_of_states, given, run, order, ["energy"], filter=filter
    )
    return _on_grids(result, grid, width, energy_unit(run))


@public
def spectral_function(
    run: xr.Dataset,
    *,
    momentum: xr.DataArray,
    energy: Frequencies,
    broadening: Parameter,
    filter: str = "gaussian",
) -> xr.DataArray:
    """Spectral function of one particle, at momenta along a path of the zone say.

    A(k, e) = sum_n |<k|n>|^2 delta(e - (e_n - mu)) with plane waves <i|k> = N^-1/2 exp(i k R_i), every level
    broadened, zero of energy at the chemical potential. Its integral over energy is 1 for any momentum, and
    where a cell has one site its sum over the N momenta of the torus is N times the density of states.

    Parameters
    ----------
    run : Dataset
        Run with ``occupation(..., site)``, ``T`` and the coords of the model, which may be chunked along all
        but site; or the Dataset of :func:`diagonalize`, or a model without interaction that has a ``T``.
    momentum : DataArray
        Momenta (momentum, axis) in 1/a, any of them; those of the torus do not mix sites by its shape.
    energy : number, sequence, DataArray or Quantity
        Energies relative to mu in Vc, rising.
    broadening : number, sequence, DataArray or Quantity
        Standard deviation of the Gaussian, or half width at half maximum of the Lorentzian, in Vc. A sequence
        is a dimension ``broadening``; a DataArray may lie over parameters of the run.
    filter : {"gaussian", "lorentzian"}
        Form of a broadened level.

    Returns
    -------
    DataArray
        ``spectral_function(..., momentum, energy)`` in 1/Vc, with the coords that ``momentum`` has along its
        own dimension, and its components ``qx``, ``qy``, ...

    Raises
    ------
    TypeError
        If the occupations are averages, or ``momentum`` is no DataArray of real numbers.
    KeyError, ValueError
        Where a part of the model or the temperature was dropped; for momenta of other dimensions, energies
        that do not rise, a broadening that is not > 0, an unknown filter.

    Examples
    --------
    A free ring has one level for each momentum, here seen from mu = 0:

    >>> import numpy as np, xarray as xr, xglass as xg
    >>> ring = xg.charge_glass(xg.lattice.chain(8), hopping={"x": -1.0}, interaction=None)
    >>> k = xr.DataArray([[0.0], [np.pi / 2], [np.pi]], dims=("momentum", "axis"))
    >>> states = xg.diagonalize(ring, T=0.1)
    >>> A = xg.spectral_function(states, momentum=k, energy=np.linspace(-3, 3, 61), broadening=0.1)
    >>> print(A.idxmax("energy").round(6).values + 0.0)
    [-2.  0.  2.]
    """
    caller = "spectral_function"
    states = states_of(run, None, caller)
    require(states, "position", caller=caller)
    waves = own_waves(caller, "momentum", momentum, states, ("momentum", "axis"))
    grid, width = _spectral_grids(caller, states, energy, broadening, filter)
    phase = xr.DataArray(waves.values @ eager(states, "position").T, dims=("momentum", "site"))
    given: list[Input] = [
        (states["eigenvector"], ["site", "state"]),
        (states["eigenvalue"], ["state"]),
        (states["chemical_potential"], []),
        (width, []),
        (phase, ["momentum", "site"]),
        (xr.DataArray(grid.values, dims="energy"), ["energy"]),
    ]
    order = (*states["chemical_potential"].dims, *_own(width, states))
    core = ["momentum", "energy"]
    result = _result(caller, formulas.spectral_function, given, run, order, core, filter=filter)
    result = result.assign_coords(dict(waves.coords) | components(waves.values, "momentum"))
    return _on_grids(result, grid, width, energy_unit(run))


@public
def inverse_participation_ratio(run: xr.Dataset) -> xr.DataArray:
    """Inverse participation ratio of every state.

    P_n^-1 = sum_i |U_in|^4: 1 for a state on one site, 1/N for one that is spread evenly over N.

    Parameters
    ----------
    run : Dataset
        Run with ``occupation(..., site)`` and the coords of the model, which may be chunked along all but
        site; or the Dataset of :func:`diagonalize`, or a model without interaction.

    Returns
    -------
    DataArray
        ``inverse_participation_ratio(..., state)``, a pure number, in the order of rising levels.

    Raises
    ------
    TypeError
        If the occupations are averages.
    KeyError, ValueError
        Where a part of the model was dropped.

    Notes
    -----
    Within a degenerate level, such as of a clean crystal, it depends on the basis, which is accidental.

    Examples
    --------
    >>> import xglass as xg
    >>> energies = xg.random_site_energy(
    ...     xg.lattice.square(6), strength=50.0, convention="width", realization=4, seed=1
    ... )
    >>> anderson = xg.charge_glass(
    ...     xg.lattice.square(6), hopping={"x": -1.0, "y": -1.0}, interaction=None, site_energy=energies
    ... )
    >>> ratio = xg.inverse_participation_ratio(anderson)
    >>> dict(ratio.sizes), bool(ratio.mean() > 0.5)
    ({'realization': 4, 'state': 36}, True)
    """
    states = states_of(run, None, "inverse_participation_ratio", thermal=False)
    given: list[Input] = [(states["eigenvector"], ["site", "state"])]
    order = states["eigenvalue"].dims[:-1]
    return _result(
        "inverse_participation_ratio", formulas.inverse_participation_ratio, given, run, order, ["state"]
    )


@public
def gap_ratio(run: xr.Dataset, *, window: tuple[Any, Any] | None = None) -> xr.DataArray:
    """Mean ratio of adjacent gaps between levels.

    r_n = min(s_n, s_n-1) / max(s_n, s_n-1) with s_n = e_n+1 - e_n, averaged over the levels in a window that
    have a neighbour on either side: 2 ln 2 - 1 = 0.386 for independent levels of localized states, 0.531 for
    those that repel as eigenvalues of random real matrices do (Oganesyan and Huse, Phys. Rev. B 75, 155111
    (2007); Atas et al., Phys. Rev. Lett. 110, 084101 (2013)).

    Parameters
    ----------
    run : Dataset
        Run with ``occupation(..., site)``, ``T`` and the coords of the model, which may be chunked along all
        but site; or the Dataset of :func:`diagonalize`, or a model without interaction.
    window : (number, number), optional
        Lowest and highest energy of the levels, relative to mu, in Vc or with a unit; the neighbours may lie
        outside. Default: all, for which no temperature is needed.

    Returns
    -------
    DataArray
        ``gap_ratio(...)`` of every configuration, a pure number; NaN where the window holds no level.

    Raises
    ------
    TypeError
        If the occupations are averages.
    KeyError, ValueError
        Where a part of the model or, with a window, the temperature was dropped; if ``window`` is not two
        rising numbers.

    Notes
    -----
    Symmetries mix independent levels, and degenerate ones have no gaps: levels between two vanishing gaps are
    left out.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(6), t_p=0.1, self_image="include")
    >>> run = xg.metropolis(glass, T=0.1, walker=4, sweep=3, weight="classical", seed=7)
    >>> r = xg.gap_ratio(run, window=(-1.0, 1.0))
    >>> r.dims, bool(0.3 < r.mean() < 0.6)
    (('walker', 'sweep'), True)
    """
    states = states_of(run, None, "gap_ratio", vectors=False, thermal=window is not None)
    low, high = xr.DataArray(-np.inf), xr.DataArray(np.inf)
    order = states["eigenvalue"].dims[:-1]
    if window is not None:
        mu = states["chemical_potential"]
        low, high = (mu + edge for edge in _window("gap_ratio", window, states))
        order = mu.dims
    given: list[Input] = [(states["eigenvalue"], ["state"]), (low, []), (high, [])]
    return _result("gap_ratio", formulas.gap_ratio, given, run, order)


def _result(
    name: str,
    function: Any,
    given: list[Input],
    run: xr.Dataset,
    order: tuple[Any, ...],
    core: list[str] | None = None,
    **settings: Any,
) -> xr.DataArray:
    """An observable of states: lazy if the run is, its dimensions in the order of the run's."""
    result = of_states(function, given, core, **settings).transpose(*order, ...)
    return as_given(stamp(result.rename(name), energy=energy_unit(run)), run)


def _spectral_grids(
    caller: str, states: xr.Dataset, energy: Frequencies, broadening: Parameter, filter: str
) -> tuple[xr.DataArray, xr.DataArray]:
    """Return energies and widths."""
    refuse(
        caller,
        (
            not isinstance(filter, str) or filter not in ("gaussian", "lorentzian"),
            f"filter must be 'gaussian' or 'lorentzian', got {filter!r}",
        ),
    )
    unit = energy_unit(states)
    grid = rising("energy", energy, states)
    width = parameter("broadening", broadening, scale=scale_of(states), energy=unit, above=0.0)
    refuse(caller, ("energy" in width.dims, "broadening must not lie over 'energy'"))
    aligned(caller, run=states, broadening=width)
    # only its own labels: what it brings along is the run's
    return grid, width.drop_vars([name for name in width.coords if name not in width.dims])


def _own(width: xr.DataArray, states: xr.Dataset) -> list[Any]:
    """The dimensions that the broadening has besides those of the data."""
    return [dim for dim in width.dims if dim not in states["chemical_potential"].dims]


def _on_grids(result: xr.DataArray, grid: xr.DataArray, width: xr.DataArray, unit: str) -> xr.DataArray:
    """The result with its energies and broadening."""
    result = result.assign_coords(energy=grid["energy"].variable, broadening=width.variable)
    return stamp(result, energy=unit)


def _window(caller: str, window: Any, states: xr.Dataset) -> tuple[float, float]:
    """Two rising energies, infinite perhaps."""
    try:
        ends = [*window]
    except TypeError:
        ends = []
    if isinstance(window, (str, dict)) or len(ends) != 2:
        ends = [math.nan, math.nan]
    for k, end in enumerate(ends):
        if isinstance(end, str) or hasattr(end, "magnitude"):
            ends[k] = parameter("energy", end, scale=scale_of(states), energy=energy_unit(states))
    try:
        low, high = (float(end) for end in ends)
    except (TypeError, ValueError):
        low, high = math.nan, math.nan
    refuse(
        caller,
        (
            not low < high,
            f"window must be (lowest, highest) energy relative to mu, rising, got {window!r}",
        ),
    )
    return low, high

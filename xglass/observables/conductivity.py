"""What a conductivity says: its static limit, its weight, its peak."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import xarray as xr

from xglass.checks import aligned, described, in_model_units, model_of, refuse, require
from xglass.engine.core import conductivity
from xglass.messages import NotFoundError, public, warn
from xglass.observables import common
from xglass.observables.kubo import sum_rule_of_states
from xglass.units.parameters import Parameter, Value
from xglass.variables.registry import Labelled, energy_unit, stamp

__all__ = [
    "dc_conductivity",
    "localization_length",
    "mobility",
    "peak_frequency",
    "resistivity",
    "spectral_weight",
    "sum_rule",
]


def __dir__() -> list[str]:
    return __all__


@public
def dc_conductivity(sigma: xr.DataArray) -> xr.DataArray:
    """Conductivity at zero frequency.

    The entry at frequency 0, of a spectrum with a filter of finite width: it means something where it does
    not change with that width (``filter_exponent`` of the solvers near 0). Section III A of Rammal, Ciuchi
    and Fratini.

    Parameters
    ----------
    sigma : DataArray
        ``optical_conductivity(..., frequency)``, or its ``_stderr``; frequency uncut.

    Returns
    -------
    DataArray
        ``dc_conductivity(...)`` (``dc_conductivity_stderr`` of a standard error) in the unit of ``sigma``.

    Raises
    ------
    TypeError
        If it is no DataArray.
    ValueError
        Without dimension ``frequency`` or without frequency 0.

    Examples
    --------
    >>> import xglass as xg
    >>> tls = xg.electron_tls(xg.lattice.chain(3), g=1.0, omega0=0.2)
    >>> result = xg.exact(tls, T=[0.5, 1.0], frequency=[0.0, 0.5], broadening=0.1)
    >>> xg.dc_conductivity(result["optical_conductivity"]).dims
    ('T',)
    """
    grid = common.grid(sigma, "dc_conductivity", error=True)
    there = np.flatnonzero(grid == 0.0)
    if there.size == 0:
        raise ValueError(
            f"dc_conductivity: frequency runs from {grid[0]:g} to {grid[-1]:g} and 0 is not among its "
            "values; "
            "compute sigma on a grid that has 0, such as np.linspace(0, 6, 1201)"
        )
    result = sigma.isel(frequency=int(there[0]), drop=True)
    name = "dc_conductivity_stderr" if str(sigma.name).endswith("_stderr") else "dc_conductivity"
    return stamp(
        result.rename(name),
        energy=common.spectral_unit(sigma),
        **common.unit_of(name, sigma, common.PER_PARTICLE),
    )


@public
def mobility(sigma: Labelled) -> Labelled:
    """Mobility: the conductivity per particle at zero frequency, in e a^2/hbar.

    The same number as :func:`dc_conductivity`, which is in e^2 a^2/hbar. :func:`xglass.units.to_physical`
    with ``spacing`` makes cm^2/(V s) of it.

    Parameters
    ----------
    sigma : DataArray or Dataset
        ``optical_conductivity(..., frequency)`` per particle with 0 among its frequencies, or its
        ``_stderr``, or a static value (``dc_conductivity``, ``mobility``) without that dimension. Or the
        whole Dataset of a solver: the value with its error, where the solver gives one.

    Returns
    -------
    DataArray or Dataset
        ``mobility(...)`` (``mobility_stderr`` of a standard error). Of a Dataset one with ``mobility`` and,
        if there is an error, ``mobility_stderr``; the ``mobility`` of :func:`dmft` is handed on.

    Raises
    ------
    TypeError, KeyError, ValueError
        As :func:`resistivity`; a conductivity of a layer or of the bulk, which is not per particle.

    Examples
    --------
    >>> import xglass as xg
    >>> tls = xg.electron_tls(xg.lattice.chain(3), g=1.0, omega0=0.2, scale="0.1 eV")
    >>> result = xg.exact(tls, T=1.0, frequency=[0.0, 0.5], broadening=0.1)
    >>> mu = xg.mobility(result["optical_conductivity"])
    >>> bool(mu == xg.dc_conductivity(result["optical_conductivity"])), mu.attrs["units"]
    (True, 'e a^2/hbar')
    >>> xg.units.to_physical(mu, spacing="0.7 nm").attrs["units"]
    'cm^2/(V s)'
    """
    if isinstance(sigma, xr.Dataset):
        value, error = _with_error(sigma, "mobility")
        parts = [_mobility(value)] if error is None else [_mobility(value), _mobility(error)]
        return xr.Dataset({str(part.name): part for part in parts})
    return _mobility(sigma)


def _mobility(sigma: xr.DataArray) -> xr.DataArray:
    """The mobility of a conductivity per particle, or its error."""
    direct = _static(sigma, "mobility")
    if str(direct.attrs.get("units", common.PER_PARTICLE)) != common.MOBILITY:
        common.per_particle(direct, "mobility")
    end = "_stderr" if str(direct.name).endswith("_stderr") else ""
    return stamp(direct.rename(f"mobility{end}"), energy=common.spectral_unit(direct))


@public
def resistivity(sigma: Labelled) -> Labelled:
    r"""Resistivity: the inverse of the conductivity at zero frequency.

    rho = 1 / sigma(omega -> 0), section III A of Rammal, Ciuchi and Fratini; quote it with the broadening of
    ``sigma``. Its error is that of the conductivity, propagated,

    .. math:: \delta\rho = \delta\sigma / \sigma^2

    which holds where the error is small against the value. Where it is not, take xg.jackknife around the
    average and the inverse.

    Parameters
    ----------
    sigma : DataArray or Dataset
        ``optical_conductivity(..., frequency)`` with 0 among its frequencies, or a static value
        (``dc_conductivity`` or ``mobility``) without that dimension. Or the whole Dataset of a solver, for
        the resistivity with its error.

    Returns
    -------
    DataArray or Dataset
        ``resistivity(...)`` in the inverse of the unit of ``sigma``: "hbar/(e^2 a^2)" per particle,
        "hbar/e^2" per layer. Infinite where the conductivity is 0. :func:`xglass.units.to_physical` reads
        both. Of a Dataset one with ``resistivity`` and ``resistivity_stderr``, for every filter if there are
        several; without the latter where a solver has no statistical error (:func:`exact`, :func:`dmft`). Of
        :func:`dmft` it is the inverse of its ``mobility``, whatever the frequencies.

    Raises
    ------
    TypeError
        If it is neither a DataArray nor a Dataset.
    KeyError
        For a Dataset without a conductivity.
    ValueError
        Without dimension ``frequency`` or without frequency 0; a standard error alone, of which the inverse
        is none; what was converted to physical units.

    Warns
    -----
    UserWarning
        Where ``sigma`` still has ``walker`` or ``sweep``: the mean of 1/sigma is not 1/mean, and larger.

    Examples
    --------
    >>> import xarray as xr, xglass as xg
    >>> sigma = xr.DataArray(
    ...     [0.5, 1.0], dims="frequency", coords={"frequency": [0.0, 0.1]}, attrs={"units": "e^2/hbar"}
    ... )
    >>> rho = xg.resistivity(sigma)
    >>> float(rho), rho.attrs["units"]
    (2.0, 'hbar/e^2')
    >>> error = 0.05 + 0.0 * sigma
    >>> both = xr.Dataset({"optical_conductivity": sigma, "optical_conductivity_stderr": error})
    >>> float(xg.resistivity(both)["resistivity_stderr"])  # 0.05 / 0.5^2
    0.2
    """
    if isinstance(sigma, xr.Dataset):
        value, error = _with_error(sigma, "resistivity")
        _warn_of_trajectories(value)
        rho = _inverse(value)
        if error is None:
            return rho.to_dataset()
        spread = common.labelled(conductivity.error_of_inverse, [(value, []), (error, [])])
        spread = spread.rename("resistivity_stderr")
        unit = str(rho.attrs["units"])
        return rho.to_dataset().assign(
            resistivity_stderr=stamp(spread, energy=common.spectral_unit(value), resistivity=unit)
        )
    common.no_error(sigma, "resistivity")
    direct = _static(sigma, "resistivity")
    _warn_of_trajectories(direct)
    return _inverse(direct)


#: Where a solver's Dataset holds its static limit, the most direct first.
STATIC_LIMITS = ("mobility", "dc_conductivity", "optical_conductivity")


def _with_error(solution: xr.Dataset, caller: str) -> tuple[xr.DataArray, xr.DataArray | None]:
    """The static limit of a solution, and its error where there is one."""
    name = next((name for name in STATIC_LIMITS if name in solution), "optical_conductivity")
    if name not in solution and model_of(solution) == "charge_glass":
        raise NotFoundError(
            f"{caller}: {described(solution)} has no {name!r}, which depends on a filter; write "
            f"xg.optical_conductivity(run, ...) and give {caller} its mean over walkers and sweeps"
        )
    require(solution, name, caller=caller)
    error = solution.get(f"{name}_stderr")
    return _static(solution[name], caller), None if error is None else _static(error, caller)


def _static(sigma: xr.DataArray, caller: str) -> xr.DataArray:
    """The static limit of a spectrum; what is one already as it is."""
    common.checked_sigma(sigma, caller)
    known = str(sigma.name).removesuffix("_stderr") in ("dc_conductivity", "mobility")
    return sigma if known and "frequency" not in sigma.dims else dc_conductivity(sigma)


def _inverse(direct: xr.DataArray) -> xr.DataArray:
    """1 / sigma in its own unit."""
    given = str(direct.attrs.get("units", common.PER_PARTICLE))
    unit = common.inverse_unit(common.PER_PARTICLE if given == common.MOBILITY else given)
    result = common.labelled(conductivity.inverse, [(direct, [])])
    return stamp(result.rename("resistivity"), energy=common.spectral_unit(direct), resistivity=unit)


def _warn_of_trajectories(direct: xr.DataArray) -> None:
    """Warn where a mean of inverses is about to be taken."""
    if several := [dim for dim in ("walker", "sweep") if dim in direct.dims]:
        warn(
            f"resistivity: sigma still has {several}, and the mean of 1/sigma is larger than 1/mean, by 2 to "
            f"45 % where it was measured; write .mean({several}) before it, inside xg.jackknife for errors"
        )


@public
def spectral_weight(sigma: xr.DataArray, *, cutoff: Parameter = np.inf) -> xr.DataArray:
    r"""Integrated conductivity, Eq. (2) of Rammal, Ciuchi and Fratini.

    .. math:: \mathrm{SW}(\Lambda) = \int_0^\Lambda \sigma(\omega)\, d\omega

    of the straight lines between the points, the last cell in part. Up to the end of the grid that is the
    trapezoidal rule, which for an even function with a Gaussian filter is exact to rounding once the step is
    below the width of the filter, and for weights per bin (``broadening=None``) is their sum. A rule of
    higher order would be neither, since sigma with an exact static limit has no more smoothness than its
    filter.

    Parameters
    ----------
    sigma : DataArray
        ``optical_conductivity(..., frequency)`` from frequency 0; frequency uncut.
    cutoff : number, sequence, DataArray or Quantity, default infinity
        Upper end in the unit of frequency, within the grid: a number, a sequence (dimension ``cutoff``), a
        DataArray or Quantity. Infinite: the whole grid.

    Returns
    -------
    DataArray
        ``spectral_weight(...[, cutoff])`` in the unit of ``sigma`` times that of frequency over hbar. What
        lies above the grid is not counted: compare with ``total_weight`` of the solver.

    Raises
    ------
    TypeError, ValueError
        The message names the argument: frequencies that do not begin at 0, a cutoff beyond the last of them.

    Warns
    -----
    UserWarning
        Where frequencies stand more than 1.6 broadenings apart (0.8 of a Lorentzian), with the size of the
        error.

    Examples
    --------
    >>> import numpy as np, xarray as xr, xglass as xg
    >>> w = np.linspace(0.0, 1.0, 11)
    >>> sigma = xr.DataArray(2.0 * w, dims="frequency", coords={"frequency": w}, name="optical_conductivity")
    >>> xg.spectral_weight(sigma, cutoff=[0.25, np.inf]).values.round(12)
    array([0.0625, 1.    ])
    """
    grid = common.grid(sigma, "spectral_weight", from_zero=True)
    limit = common.cutoffs(cutoff, sigma)
    beyond = limit.values[np.isfinite(limit.values) & (limit.values > grid[-1] * (1.0 + 1e-12))]
    if beyond.size:
        raise ValueError(
            f"spectral_weight: cutoff {beyond[0]:g} lies above the last frequency {grid[-1]:g}; "
            "compute sigma on a longer grid, or write cutoff=np.inf for all there is"
        )
    aligned("spectral_weight", sigma=sigma, cutoff=limit)
    common.warn_of_coarse_steps(sigma, "spectral_weight", upto=float(limit.max()))
    result = common.labelled(
        conductivity.weight_below,
        [(sigma, ["frequency"]), (limit, []), (xr.DataArray(grid, dims="frequency"), ["frequency"])],
    )
    energy, unit = common.spectral_unit(sigma), str(sigma.attrs.get("units", common.PER_PARTICLE))
    ours = unit.endswith(("/hbar", "/(hbar a)"))
    weight = f"{energy} {unit.replace('hbar', 'hbar^2')}" if ours else f"({unit})*{energy}"
    result = result.assign_coords(cutoff=limit.variable).rename("spectral_weight")
    return stamp(result, energy=energy, spectral_weight=weight)


@public
def peak_frequency(sigma: xr.DataArray, *, window: tuple[Value, Value] | None = None) -> xr.DataArray:
    """Position of the displaced Drude peak: the highest local maximum away from zero frequency.

    omega_L of section III of Rammal, Ciuchi and Fratini. A maximum has lower points on either side, so that
    neither the Drude peak at 0 nor the end of the grid is one; its position is the vertex of the parabola
    through three points.

    Parameters
    ----------
    sigma : DataArray
        ``optical_conductivity(..., frequency)``; frequency uncut. Noise makes maxima, too: broaden it away
        first. An error by :func:`jackknife` is too large where several maxima compete, between which the
        highest jumps.
    window : tuple of two floats or Quantities, optional
        Lowest and highest frequency between which to look; default all.

    Returns
    -------
    DataArray
        ``peak_frequency(...)`` in the unit of frequency; NaN where there is no maximum.

    Raises
    ------
    TypeError, ValueError
        The message names the argument.

    Warns
    -----
    UserWarning
        Where frequencies stand more than 1.6 broadenings apart (0.8 of a Lorentzian), with the size of the
        error.

    Examples
    --------
    >>> import numpy as np, xarray as xr, xglass as xg
    >>> w = np.linspace(0.0, 2.0, 41)
    >>> sigma = xr.DataArray(
    ...     w / (1 + (w / 0.5) ** 2), dims="frequency", coords={"frequency": w}, name="optical_conductivity"
    ... )
    >>> print(f"{float(xg.peak_frequency(sigma)):.3f}")
    0.502
    """
    return _peak(sigma, window, "peak_frequency")


def _peak(sigma: xr.DataArray, window: tuple[Value, Value] | None, caller: str) -> xr.DataArray:
    grid = common.grid(sigma, caller)
    low, high = (0.0, float("inf")) if window is None else common.checked_window(window, sigma, caller)
    common.warn_of_coarse_peaks(sigma, caller)
    result = common.labelled(
        conductivity.peaks,
        [(sigma, ["frequency"]), (xr.DataArray(grid, dims="frequency"), ["frequency"])],
        window=(low, high),
    )
    unit = str(sigma["frequency"].attrs.get("units", common.spectral_unit(sigma)))
    return stamp(result.rename("peak_frequency"), energy=common.spectral_unit(sigma), peak_frequency=unit)


@public
def localization_length(sigma: xr.DataArray, *, window: tuple[Value, Value] | None = None) -> xr.DataArray:
    r"""Localization length from the position of the displaced Drude peak.

    .. math:: L / a = \sqrt{2 t / \omega_L}

    an estimate, section III A of Rammal, Ciuchi and Fratini (their refs. 6 and 7). For what follows from the
    current correlation function itself see :func:`transient_localization_length`.

    Parameters
    ----------
    sigma : DataArray
        ``optical_conductivity(..., frequency)`` of :func:`electron_tls`, with its coordinate ``t``.
    window : tuple of two floats or Quantities, optional
        As in :func:`peak_frequency`.

    Returns
    -------
    DataArray
        ``localization_length(...)`` in a; NaN where there is no peak.

    Raises
    ------
    KeyError
        Without coordinate ``t``.
    ValueError
        Where ``t`` differs from bond to bond.

    Warns
    -----
    UserWarning
        Where frequencies stand more than 1.6 broadenings apart (0.8 of a Lorentzian), as
        :func:`peak_frequency`.

    Examples
    --------
    >>> import numpy as np, xarray as xr, xglass as xg
    >>> w = np.linspace(0.0, 2.0, 41)
    >>> sigma = xr.DataArray(
    ...     w / (1 + 4 * w**2),
    ...     dims="frequency",
    ...     coords={"frequency": w, "t": 1.0},
    ...     name="optical_conductivity",
    ... )
    >>> print(f"{float(xg.localization_length(sigma)):.2f}")  # the square root of 2 / 0.5
    2.00
    """
    common.checked_sigma(sigma, "localization_length")
    if "t" not in sigma.coords:
        raise NotFoundError(
            "localization_length: sigma has no coordinate 't', the hopping integral; write "
            ".assign_coords(t=1.0)"
        )
    hopping = sigma["t"]
    if "bond" in hopping.dims:
        raise ValueError(
            "localization_length: the hopping integral t differs from bond to bond; write "
            ".assign_coords(t=...) with one value"
        )
    peak = _peak(sigma, window, "localization_length")
    result = (2.0 * abs(hopping) / peak) ** 0.5
    return stamp(
        result.transpose(*peak.dims, ...).rename("localization_length"), energy=common.spectral_unit(sigma)
    )


@public
def sum_rule(run_or_solution: xr.Dataset, *, direction: str | Sequence[str] = "mean") -> xr.DataArray:
    r"""Violation of the sum rule of the conductivity, relative to its terms.

    For one electron coupled to two-level systems, per particle (Maldague, Phys. Rev. B 16, 2437 (1977)),

    .. math:: \int_0^\infty \sigma(\omega)\, d\omega = \frac{\pi}{2} \langle -H_\mathrm{hop}\rangle +
        \frac{\pi T}{2} \frac{Z''}{Z} .

    The second term is the stiffness of a finite ring; it vanishes for long rings and in an average over
    twisted boundary conditions, and is taken as 0 for solvers that do not report it. For charges, of every
    configuration,

    .. math:: \int_0^\infty \sigma_{ab}(\omega)\, d\omega + \frac{\pi}{2V}
        \frac{\partial^2 F}{\partial A_a \partial A_b} = -\frac{\pi}{2V} \sum_\mathrm{bonds} r_a r_b
        \langle t (c^+_i c_j + \mathrm{h.c.}) \rangle

    with all pairs of states, degenerate ones included, on the left. The stiffness of the torus is taken by
    its own route, from finite differences of F with phases exp(i A r) on all bonds: on small tori it is
    large, and of either sign.

    Parameters
    ----------
    run_or_solution : Dataset
        Solution of a solver, with ``total_weight``, ``kinetic_energy`` and, of a finite ring, ``stiffness``;
        or a run of charges or the Dataset of :func:`diagonalize`.
    direction : str or sequence of str
        Directions of charges, as for :func:`optical_conductivity`.

    Returns
    -------
    DataArray
        ``sum_rule(..., [direction])``, left side minus right side over the total weight, of charges over the
        largest of the three terms; 0 is exact. NaN where there is no weight (two sites without a twist have
        no current). Of charges it costs some twenty eigenproblems a configuration.

    Raises
    ------
    TypeError
        If it is no Dataset.
    KeyError
        Where one of the terms is missing.
    ValueError
        For an unknown direction, or another one than "mean" or "x" of a ring.

    Examples
    --------
    >>> import xglass as xg
    >>> tls = xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=0.2)
    >>> result = xg.exact(tls, T=0.5, frequency=[0.0, 1.0], broadening=0.1)
    >>> bool(abs(xg.sum_rule(result)) < 1e-9)
    True
    >>> glass = xg.charge_glass(xg.lattice.triangular(4), t_p=0.1, self_image="include")
    >>> run = xg.metropolis(glass, T=0.1, walker=1, sweep=1, seed=7)
    >>> bool(abs(xg.sum_rule(run, direction=["x", "y"])).max() < 1e-8)
    True
    """
    whole = isinstance(run_or_solution, xr.Dataset) and "total_weight" not in run_or_solution
    if whole and model_of(run_or_solution) == "charge_glass":
        return sum_rule_of_states(run_or_solution, direction)
    solution = run_or_solution
    require(solution, "total_weight", "kinetic_energy", caller="sum_rule")
    refuse(
        "sum_rule",
        (direction not in ("mean", "x"), f"direction of a ring is 'mean' or 'x', got {direction!r}"),
    )
    terms = ("total_weight", "kinetic_energy", *(["stiffness"] if "stiffness" in solution else []))
    in_model_units("sum_rule", **{name: solution.variables[name] for name in terms})
    result = common.labelled(
        conductivity.violation,
        [
            (solution["total_weight"], []),
            (solution["kinetic_energy"], []),
            (solution.get("stiffness", xr.DataArray(0.0)), []),
        ],
    )
    return stamp(result.rename("sum_rule"), energy=energy_unit(solution))

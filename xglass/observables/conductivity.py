"""What a conductivity says: its static limit, its weight, its peak,
and the motion of the particle behind it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import xarray as xr

from xglass.checks import aligned
from xglass.engine.core import conductivity
from xglass.observables import common
from xglass.units import parameter
from xglass.variables import energy_unit, stamp

__all__ = [
    "dc_conductivity",
    "diffusivity",
    "localization_length",
    "mean_square_displacement",
    "peak_frequency",
    "relaxation_time_approximation",
    "resistivity",
    "spectral_weight",
    "sum_rule",
    "transient_localization_length",
]


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
    grid = common.grid(sigma, "dc_conductivity")
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
        energy=common.energy_unit(sigma),
        **common.unit_of(name, sigma, common.PER_PARTICLE),
    )


def resistivity(sigma: xr.DataArray) -> xr.DataArray:
    """Resistivity: the inverse of the conductivity at zero frequency.

    rho = 1 / sigma(omega -> 0), section III A of Rammal, Ciuchi and Fratini; quote it with the broadening of
    ``sigma``.

    Parameters
    ----------
    sigma : DataArray
        ``optical_conductivity(..., frequency)`` with 0 among its frequencies, or a static value
        (``dc_conductivity`` or ``mobility``) without that dimension.

    Returns
    -------
    DataArray
        ``resistivity(...)`` in the inverse of the unit of ``sigma``: "hbar/(e^2 a^2)" per particle,
        "hbar/e^2" per layer. Infinite where the conductivity is 0. :func:`xglass.units.to_physical` reads
        both.

    Raises
    ------
    TypeError, ValueError
        As :func:`dc_conductivity`.

    Examples
    --------
    >>> import xarray as xr, xglass as xg
    >>> sigma = xr.DataArray(
    ...     [0.5, 1.0], dims="frequency", coords={"frequency": [0.0, 0.1]}, attrs={"units": "e^2/hbar"}
    ... )
    >>> rho = xg.resistivity(sigma)
    >>> float(rho), rho.attrs["units"]
    (2.0, 'hbar/e^2')
    """
    static = (
        isinstance(sigma, xr.DataArray)
        and "frequency" not in sigma.dims
        and sigma.name in ("dc_conductivity", "mobility")
    )
    direct = sigma if static else dc_conductivity(sigma)
    result = xr.apply_ufunc(conductivity.inverse, direct, dask="parallelized", output_dtypes=[np.float64])
    given = str(direct.attrs.get("units", common.PER_PARTICLE))
    unit = common.inverse_unit(common.PER_PARTICLE if given == common.MOBILITY else given)
    return stamp(result.rename("resistivity"), energy=common.energy_unit(sigma), resistivity=unit)


def spectral_weight(sigma: xr.DataArray, *, cutoff: Any = np.inf) -> xr.DataArray:
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
    result = xr.apply_ufunc(
        conductivity.weight_below,
        sigma,
        limit,
        xr.DataArray(grid, dims="frequency"),
        input_core_dims=[["frequency"], [], ["frequency"]],
        join="exact",
        dask="parallelized",
        output_dtypes=[np.float64],
    )
    energy, unit = common.energy_unit(sigma), str(sigma.attrs.get("units", common.PER_PARTICLE))
    weight = f"{energy} {unit}^2" if unit.endswith("/hbar") else f"({unit})*{energy}"
    result = result.assign_coords(cutoff=limit.variable).rename("spectral_weight")
    return stamp(result, energy=energy, spectral_weight=weight)


def peak_frequency(sigma: xr.DataArray, *, window: tuple[float, float] | None = None) -> xr.DataArray:
    """Position of the displaced Drude peak: the highest local maximum away from zero frequency.

    omega_L of section III of Rammal, Ciuchi and Fratini. A maximum has lower points on either side, so that
    neither the Drude peak at 0 nor the end of the grid is one; its position is the vertex of the parabola
    through three points.

    Parameters
    ----------
    sigma : DataArray
        ``optical_conductivity(..., frequency)``; frequency uncut. Noise makes maxima, too: broaden it away
        first.
    window : tuple of two floats, optional
        Lowest and highest frequency between which to look; default all.

    Returns
    -------
    DataArray
        ``peak_frequency(...)`` in the unit of frequency; NaN where there is no maximum.

    Raises
    ------
    TypeError, ValueError
        The message names the argument.

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
    grid = common.grid(sigma, "peak_frequency")
    low, high = (0.0, float("inf")) if window is None else common.checked_window(window, "peak_frequency")
    result = xr.apply_ufunc(
        conductivity.peaks,
        sigma,
        xr.DataArray(grid, dims="frequency"),
        input_core_dims=[["frequency"], ["frequency"]],
        kwargs={"window": (low, high)},
        dask="parallelized",
        output_dtypes=[np.float64],
    )
    unit = str(sigma["frequency"].attrs.get("units", common.energy_unit(sigma)))
    return stamp(result.rename("peak_frequency"), energy=common.energy_unit(sigma), peak_frequency=unit)


def localization_length(sigma: xr.DataArray, *, window: tuple[float, float] | None = None) -> xr.DataArray:
    r"""Localization length from the position of the displaced Drude peak.

    .. math:: L / a = \sqrt{2 t / \omega_L}

    an estimate, section III A of Rammal, Ciuchi and Fratini (their refs. 6 and 7). For what follows from the
    current correlation function itself see :func:`transient_localization_length`.

    Parameters
    ----------
    sigma : DataArray
        ``optical_conductivity(..., frequency)`` of :func:`electron_tls`, with its coordinate ``t``.
    window : tuple of two floats, optional
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
    peak = peak_frequency(sigma, window=window)
    if "t" not in sigma.coords:
        raise KeyError(
            "localization_length: sigma has no coordinate 't', the hopping integral; write "
            ".assign_coords(t=1.0)"
        )
    hopping = sigma["t"]
    if "bond" in hopping.dims:
        raise ValueError(
            "localization_length: the hopping integral t differs from bond to bond; write "
            ".assign_coords(t=...) with one value"
        )
    result = (2.0 * abs(hopping) / peak) ** 0.5
    return stamp(
        result.transpose(*peak.dims, ...).rename("localization_length"), energy=common.energy_unit(sigma)
    )


def sum_rule(solution: xr.Dataset) -> xr.DataArray:
    r"""Violation of the sum rule of the conductivity, relative to the total weight.

    .. math:: \int_0^\infty \sigma(\omega)\, d\omega = \frac{\pi}{2} \langle -H_\mathrm{hop}\rangle +
        \frac{\pi T}{2} \frac{Z''}{Z}

    per particle (Maldague, Phys. Rev. B 16, 2437 (1977)). The second term is the stiffness of a finite ring;
    it vanishes for long rings and in an average over twisted boundary conditions, and is taken as 0 for
    solvers that do not report it.

    Parameters
    ----------
    solution : Dataset
        Solution of a solver, with ``total_weight``, ``kinetic_energy`` and, of a finite ring, ``stiffness``.

    Returns
    -------
    DataArray
        ``sum_rule(...)``: (left side - right side) / left side; 0 is exact. NaN where there is no weight (two
        sites without a twist have no current).

    Raises
    ------
    TypeError
        If it is no Dataset.
    KeyError
        Where one of the terms is missing.

    Examples
    --------
    >>> import xglass as xg
    >>> tls = xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=0.2)
    >>> result = xg.exact(tls, T=0.5, frequency=[0.0, 1.0], broadening=0.1)
    >>> bool(abs(xg.sum_rule(result)) < 1e-9)
    True
    """
    if not isinstance(solution, xr.Dataset):
        raise TypeError(f"sum_rule: solution must be the Dataset of a solver, got {type(solution).__name__}")
    for name in ("total_weight", "kinetic_energy"):
        if name not in solution:
            raise KeyError(
                f"sum_rule: the Dataset has no {name!r}; pass the whole result of exact, ftlm, dmft "
                "or static_disorder"
            )
    result = xr.apply_ufunc(
        conductivity.violation,
        solution["total_weight"],
        solution["kinetic_energy"],
        solution.get("stiffness", xr.DataArray(0.0)),
        join="exact",
        dask="parallelized",
        output_dtypes=[np.float64],
    )
    return stamp(result.rename("sum_rule"), energy=energy_unit(solution))


def relaxation_time_approximation(
    sigma: xr.DataArray, *, rate: Any, correlation: str = "conductivity", T: Any = None
) -> xr.DataArray:
    r"""Conductivity of a system whose disorder relaxes, from that of frozen disorder: a Lorentzian
    convolution.

    The current correlation function of the reference is multiplied by :math:`e^{-p|t|}`. "symmetrised" is Eq.
    (3) of Rammal, Ciuchi and Fratini,

    .. math:: \sigma^\mathrm{RTA}(\omega) = \frac{\tanh(\omega/2T)}{\pi \omega} \int_{-\infty}^{\infty}
        \frac{\omega'}{\tanh(\omega'/2T)} \frac{p}{(\omega - \omega')^2 + p^2}\, \sigma(\omega')\, d\omega'

    whose limit at :math:`\omega = 0` is their Eq. (4); "conductivity" leaves out the thermal factors, as for
    the charge glass (Fratini et al., SciPost Phys. 14, 124 (2023)). The first conserves the integral of the
    symmetrised correlation function, the second that of sigma.

    Parameters
    ----------
    sigma : DataArray
        ``optical_conductivity(..., frequency)`` of the frozen reference on a uniform grid from 0, such as
        :func:`static_disorder` with ``broadening=None`` (weights per bin; a filter of finite width adds to
        the rate). Weight above the grid is lost.
    rate : number, sequence, DataArray or Quantity
        Half width p of the Lorentzian, >= 0, in the unit of frequency: a number, a sequence (dimension
        ``rate``), a DataArray (``tls["omega0"]`` keeps the dimension omega0) or Quantities.
    correlation : str, default "conductivity"
        "conductivity" or "symmetrised".
    T : number, sequence, DataArray or Quantity, optional
        Temperature; default the coordinate of ``sigma``. Only "symmetrised" needs it.

    Returns
    -------
    DataArray
        ``optical_conductivity(..., [rate,] frequency)`` on the same grid, in the unit of ``sigma``, with
        coordinate ``rate``.

    Raises
    ------
    TypeError, ValueError
        The message names the argument: a grid that is not uniform from 0, a negative rate, no temperature.

    Notes
    -----
    Entries are means over bins centred on the frequencies; the Lorentzian is integrated over each bin in
    closed form, so that weight is conserved to rounding (counted to infinity) for every rate, however small.
    By FFT: 2 ms for 10^4 frequencies. All dimensions but frequency may be chunked.

    Examples
    --------
    >>> import numpy as np, xarray as xr, xglass as xg
    >>> w = np.linspace(0.0, 5.0, 501)
    >>> static = xr.DataArray(
    ...     w / (1 + (w / 0.5) ** 2) ** 2,
    ...     dims="frequency",
    ...     coords={"frequency": w, "T": 1.0},
    ...     name="optical_conductivity",
    ... )
    >>> xg.dc_conductivity(
    ...     xg.relaxation_time_approximation(static, rate=[0.0, 0.05], correlation="symmetrised")
    ... ).values.round(3)
    array([0.   , 0.059])
    """
    caller = "relaxation_time_approximation"
    symmetrised = common.checked_correlation(correlation, caller)
    step = common.uniform_step(sigma, caller)
    sigma, temperature = (
        common.at_temperature(sigma, T, caller)
        if symmetrised or T is not None
        else (sigma, xr.DataArray(1.0))
    )
    width = common.relaxation_rate(rate, sigma, caller, zero=True)
    result = xr.apply_ufunc(
        conductivity.relaxed,
        sigma,
        temperature,
        width,
        input_core_dims=[["frequency"], [], []],
        output_core_dims=[["frequency"]],
        kwargs={"step": step, "symmetrised": symmetrised},
        join="exact",
        dask="parallelized",
        output_dtypes=[np.float64],
    )
    result = result.assign_coords(rate=width.variable).rename("optical_conductivity")
    return stamp(
        result,
        energy=common.energy_unit(sigma),
        **common.unit_of("optical_conductivity", sigma, common.PER_PARTICLE),
    )


def mean_square_displacement(sigma: xr.DataArray, *, time: Any, T: Any = None) -> xr.DataArray:
    r"""How far the particle has spread after a time.

    .. math:: \Delta x^2(t) = \frac{2}{\pi} \int_0^\infty \sigma(\omega) \coth\!\Big(\frac{\omega}{2T}\Big)
        \frac{1 - \cos \omega t}{\omega}\, d\omega

    the double integral of :math:`d^2 \Delta x^2 / dt^2 = 2\, \mathrm{Re}\, \langle J(t) J(0)\rangle` (section
    IV of Rammal, Ciuchi and Fratini and their refs. 5, 22). Ballistic at short times; localized particles
    stop.

    Parameters
    ----------
    sigma : DataArray
        ``optical_conductivity(..., frequency)`` per particle on a uniform grid from 0, as in
        :func:`relaxation_time_approximation`. A filter of width d makes a localized particle diffuse after a
        time 1/d.
    time : number or sequence
        Times >= 0 in hbar over the unit of frequency: a number or a sequence (dimension ``time``).
    T : number, sequence, DataArray or Quantity, optional
        Temperature; default the coordinate of ``sigma``.

    Returns
    -------
    DataArray
        ``mean_square_displacement(...[, time])`` in a^2.

    Raises
    ------
    TypeError, ValueError
        The message names the argument: a conductivity that is not per particle, a grid that is not uniform
        from 0, no temperature.

    Notes
    -----
    :math:`\sigma \omega \coth` is taken as constant within each bin, and the oscillating factor integrated
    over it exactly: right at all times up to pi / step; later up to an echo, of relative size step / 2 pi in
    D and far less in the displacement. Cost one sine integral per time and frequency.

    Examples
    --------
    >>> import numpy as np, xarray as xr, xglass as xg
    >>> w = np.linspace(0.0, 50.0, 5001)
    >>> drude = xr.DataArray(
    ...     1 / (1 + w**2), dims="frequency", coords={"frequency": w, "T": 100.0}, name="optical_conductivity"
    ... )
    >>> print(f"{xg.mean_square_displacement(drude, time=10.0).item():.0f}")  # 2 T (t - 1 + e^-t)
    1800
    """
    return _in_time("mean_square_displacement", conductivity.displacement, sigma, time, T)


def diffusivity(sigma: xr.DataArray, *, time: Any, T: Any = None) -> xr.DataArray:
    r"""Time-dependent diffusivity of the particle.

    .. math:: D(t) = \frac12 \frac{d}{dt} \Delta x^2(t) = \frac1\pi \int_0^\infty \sigma(\omega)
        \coth\!\Big(\frac{\omega}{2T}\Big) \sin(\omega t)\, d\omega

    with :math:`D(\infty) = T \sigma(0)`, the relation of Einstein. Arguments, accuracy and cost as
    :func:`mean_square_displacement`.

    Parameters
    ----------
    sigma : DataArray
        ``optical_conductivity(..., frequency)`` per particle on a uniform grid from 0.
    time : number or sequence
        Times >= 0: a number or a sequence (dimension ``time``).
    T : number, sequence, DataArray or Quantity, optional
        Temperature; default the coordinate of ``sigma``.

    Returns
    -------
    DataArray
        ``diffusivity(...[, time])`` in a^2 times the unit of frequency over hbar.

    Raises
    ------
    TypeError, ValueError
        As :func:`mean_square_displacement`.

    Examples
    --------
    >>> import numpy as np, xarray as xr, xglass as xg
    >>> w = np.linspace(0.0, 50.0, 5001)
    >>> drude = xr.DataArray(
    ...     1 / (1 + w**2), dims="frequency", coords={"frequency": w, "T": 100.0}, name="optical_conductivity"
    ... )
    >>> print(f"{xg.diffusivity(drude, time=10.0).item():.1f}")  # T sigma(0)
    100.0
    """
    return _in_time("diffusivity", conductivity.diffusion, sigma, time, T)


def transient_localization_length(sigma: xr.DataArray, *, rate: Any, T: Any = None) -> xr.DataArray:
    r"""How far the particle spreads within the life time of a frozen landscape.

    .. math:: L^2(p) = p \int_0^\infty e^{-pt} \Delta x^2(t)\, dt = \frac{2}{\pi} \int_0^\infty \sigma(\omega)
        \coth\!\Big(\frac{\omega}{2T}\Big) \frac{\omega}{\omega^2 + p^2}\, d\omega

    so that the mobility of Eq. (4) of Rammal, Ciuchi and Fratini is :math:`\mu = p L^2(p) / 2T` (their refs.
    5, 22).

    Parameters
    ----------
    sigma : DataArray
        ``optical_conductivity(..., frequency)`` per particle on a uniform grid from 0, of the frozen
        reference (:func:`static_disorder` with ``broadening=None``).
    rate : number, sequence, DataArray or Quantity
        Relaxation rate p > 0, as in :func:`relaxation_time_approximation`.
    T : number, sequence, DataArray or Quantity, optional
        Temperature; default the coordinate of ``sigma``.

    Returns
    -------
    DataArray
        ``transient_localization_length(...[, rate])`` in a.

    Raises
    ------
    TypeError, ValueError
        As :func:`mean_square_displacement`; a rate that is not > 0.

    Examples
    --------
    >>> import numpy as np, xarray as xr, xglass as xg
    >>> w = np.linspace(0.0, 5.0, 501)
    >>> static = xr.DataArray(
    ...     w / (1 + w**4), dims="frequency", coords={"frequency": w, "T": 1.0}, name="optical_conductivity"
    ... )
    >>> print(f"{xg.transient_localization_length(static, rate=0.05).item():.3f}")
    1.973
    """
    caller = "transient_localization_length"
    common.per_particle(sigma, caller)
    step = common.uniform_step(sigma, caller)
    sigma, temperature = common.at_temperature(sigma, T, caller)
    width = common.relaxation_rate(rate, sigma, caller)
    result = xr.apply_ufunc(
        conductivity.transient_length,
        sigma,
        temperature,
        width,
        input_core_dims=[["frequency"], [], []],
        kwargs={"step": step},
        join="exact",
        dask="parallelized",
        output_dtypes=[np.float64],
    )
    return stamp(result.assign_coords(rate=width.variable).rename(caller), energy=common.energy_unit(sigma))


def _in_time(name: str, function: Any, sigma: xr.DataArray, time: Any, T: Any) -> xr.DataArray:
    common.per_particle(sigma, name)
    step = common.uniform_step(sigma, name)
    sigma, temperature = common.at_temperature(sigma, T, name)
    times = parameter("time", time, energy=common.energy_unit(sigma), above=0.0, zero=True)
    if times.dims not in ((), ("time",)):
        raise ValueError(f"{name}: time must be a number or one sequence, got dimensions {times.dims}")
    result = xr.apply_ufunc(
        function,
        sigma,
        temperature,
        times if times.ndim else times.expand_dims("time"),
        input_core_dims=[["frequency"], [], ["time"]],
        output_core_dims=[["time"]],
        kwargs={"step": step},
        join="exact",
        dask="parallelized",
        output_dtypes=[np.float64],
    )
    result = (result if times.ndim else result.isel(time=0, drop=True)).assign_coords(time=times.variable)
    return stamp(result.rename(name), energy=common.energy_unit(sigma))

"""Relaxation rates behind a conductivity, and the analytic form of a displaced Drude peak."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import xarray as xr

from xglass import checks
from xglass.checks import aligned, in_model_units, uncut
from xglass.engine.core import conductivity
from xglass.engine.core.operations import operation
from xglass.engine.core.points import over_points
from xglass.fits.common import fit_slices, minimise, nothing, over_slices, report, unit_of_chi2, unpacked
from xglass.messages import public
from xglass.observables import common
from xglass.units.parameters import Parameter, Value, parameter, scale_of
from xglass.variables.registry import Floats, stamp

#: Trial rates of the scan before each fit, evenly in ln p from a quarter of a bin to the end of the grid.
TRIALS = 60


@public
def relaxation_rate(
    sigma: xr.DataArray,
    static: xr.DataArray,
    *,
    correlation: str = "symmetrised",
    T: Parameter | None = None,
    stderr: xr.DataArray | None = None,
    window: tuple[Value, Value] | None = None,
) -> xr.Dataset:
    r"""Rate with which the relaxation-time approximation describes a conductivity best.

    Least squares over p of :math:`\sigma(\omega) - \sigma^\mathrm{RTA}_p(\omega)`, Eq. (3) of Rammal, Ciuchi
    and Fratini (who set p = omega0), or, of a static value, the solution of Eq. (4): the lowest p that gives
    it, on the side of slow relaxation.

    Parameters
    ----------
    sigma : DataArray
        With dimensions (..., frequency), or static values without that dimension
        (:func:`xglass.dc_conductivity`).
    static : DataArray
        The frozen reference ``optical_conductivity(..., frequency)`` on a uniform grid from 0, as for
        :func:`xglass.relaxation_time_approximation`; the frequencies of ``sigma`` must be among its own. A
        spectrum with a filter is compared best with a reference with the same filter.
    correlation : str, default "symmetrised"
        As in :func:`xglass.relaxation_time_approximation`.
    T : number, sequence, DataArray or Quantity, optional
        Temperature; default the coordinate of ``static``, from which it must not differ. Not needed for
        "conductivity".
    stderr : DataArray, optional
        Standard errors of ``sigma`` (dims of ``sigma``): weights, and makes the error absolute.
    window : tuple of two floats or Quantities, optional
        Lowest and highest frequency that are fitted; default all.

    Returns
    -------
    Dataset
        With dimensions (...): ``rate`` and ``rate_stderr`` in the unit of frequency, ``chi2`` (weighted where
        ``stderr`` was given) and ``success``, which is False, and the rest NaN, where no rate between a
        quarter of a bin and the end of the grid is best.

    Raises
    ------
    TypeError, ValueError
        The message names the argument: frequencies of ``sigma`` that ``static`` has not, temperatures that
        differ, a dimension ``rate``.

    Warns
    -----
    UserWarning
        Where the frequencies of ``static`` stand more than 1.6 broadenings apart (0.8 of a Lorentzian), with
        the size of the error.

    Notes
    -----
    Without ``stderr`` the error comes from the scatter about the fit (NaN for a static value). It takes the
    points as independent, which on a grid finer than the filter they are not, and the reference as exact:
    its bins must be narrower than the rate, as for :func:`xglass.relaxation_time_approximation`.
    About 0.02 s a spectrum of 1000 frequencies. All dimensions but frequency may be chunked.

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
    >>> sigma = xg.relaxation_time_approximation(static, rate=0.05, correlation="symmetrised")
    >>> print(f"{xg.fits.relaxation_rate(xg.dc_conductivity(sigma), static)['rate'].item():.6f}")
    0.050000
    """
    caller = "relaxation_rate"
    symmetrised = common.checked_correlation(correlation, caller)
    step = common.uniform_step(static, caller)
    common.warn_of_coarse_steps(static, caller)
    checks.array(caller, "sigma", sigma)
    in_model_units(caller, static=static, sigma=sigma)
    if stderr is not None:
        checks.array(caller, "stderr", stderr)
        in_model_units(caller, stderr=stderr)
    sigma, static = _without_rate("sigma", sigma, caller), _without_rate("static", static, caller)
    if symmetrised or T is not None:
        static, temperature = common.at_temperature(static, T, caller)
        _same_temperature(sigma, temperature, caller)
    else:
        temperature = xr.DataArray(1.0)
    settings = {"step": step, "symmetrised": symmetrised, "absolute": stderr is not None}
    spectral = "frequency" in sigma.dims
    sigma, stderr = _in_window(sigma, stderr, window, caller)
    error = _errors_of(sigma, stderr, caller)
    reference = static.rename(frequency="_static").drop_vars("_static")
    aligned(caller, sigma=sigma, static=reference, stderr=error)
    core = ["frequency"] if spectral else []
    given: list[tuple[xr.DataArray, list[str]]] = [
        (sigma, core),
        (reference, ["_static"]),
        (temperature, []),
        (error, core),
    ]
    if spectral:
        points = _positions(common.grid(sigma, caller), static["frequency"].size, step, caller)
        uncut(error, ("frequency",), caller=caller)
        given.append((xr.DataArray(points, dims="frequency"), core))
    table = xr.apply_ufunc(
        _rates_of_spectra if spectral else _rates_of_values,
        *(array for array, _ in given),
        input_core_dims=[dims for _, dims in given],
        output_core_dims=[["_result"]],
        kwargs=settings,
        join="exact",
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"_result": 4}},
        keep_attrs="override",
    )
    fit = unpacked(table, ["rate"])
    energy, unit = common.spectral_unit(static), str(sigma.attrs.get("units", common.PER_PARTICLE))
    width = str(static["frequency"].attrs.get("units", energy))
    return stamp(fit, energy=energy, rate=width, chi2=unit_of_chi2(unit, stderr))


def _without_rate(name: str, array: xr.DataArray, caller: str) -> xr.DataArray:
    """The array without a coordinate of the name that the result will have."""
    if "rate" in array.dims:
        raise ValueError(
            f"{caller}: {name} has a dimension 'rate', the name of the result; write "
            ".rename(rate='given_rate') before it"
        )
    return array.drop_vars("rate", errors="ignore")


def _in_window(
    sigma: xr.DataArray, stderr: xr.DataArray | None, window: tuple[Value, Value] | None, caller: str
) -> tuple[xr.DataArray, xr.DataArray | None]:
    """The part of a spectrum and of its errors that is fitted."""
    if window is None:
        return sigma, stderr
    if "frequency" not in sigma.dims:
        raise ValueError(f"{caller}: window={window!r} selects frequencies, and sigma has none; leave it out")
    low, high = common.checked_window(window, sigma, caller)
    grid = sigma["frequency"].values
    sigma = sigma.isel(frequency=np.flatnonzero((grid >= low) & (grid <= high)))
    if stderr is not None and "frequency" in stderr.dims:
        stderr = stderr.sel(frequency=sigma["frequency"])
    return sigma, stderr


def _errors_of(sigma: xr.DataArray, stderr: xr.DataArray | None, caller: str) -> xr.DataArray:
    """Standard errors over the frequencies of ``sigma``; 1 where none are given."""
    error = xr.DataArray(1.0) if stderr is None else stderr.drop_vars("rate", errors="ignore")
    if not {*error.dims} <= {*sigma.dims}:
        raise ValueError(f"{caller}: stderr has dimensions {error.dims}, more than {sigma.dims} of sigma")
    if "frequency" in sigma.dims and "frequency" not in error.dims:
        error = error.expand_dims(frequency=sigma["frequency"].values, axis=-1)
    return error


@public
def displaced_drude(
    static: xr.DataArray, *, window: tuple[Value, Value] | None = None, stderr: xr.DataArray | None = None
) -> xr.Dataset:
    r"""Displaced Drude peak of a frozen reference, in the form that makes the relaxation-time approximation
    analytic.

    .. math:: \sigma_\mathrm{static}(\omega) = \frac{\pi}{2} \frac{A\, |\omega|}{1 + \omega^2 / \bar\omega^2}

    above Eq. (5) of Rammal, Ciuchi and Fratini; :func:`displaced_drude_conductivity` goes on from there.

    Parameters
    ----------
    static : DataArray
        ``optical_conductivity(..., frequency)``.
    window : tuple of two floats or Quantities, optional
        Lowest and highest frequency that are fitted; default from 0 to 1.5 times the frequency around which
        the data (averaged from 0.8 to 1.25 times each frequency, so that noise decides nothing) are largest:
        the form is not meant for what lies far above the peak. Fits over other windows move the peak by a
        fifth.
    stderr : DataArray, optional
        Standard errors of ``static``; weights the points, and makes the errors absolute.

    Returns
    -------
    Dataset
        With dimensions (...): ``amplitude`` A in the unit of ``static`` per unit of frequency,
        ``peak_frequency`` (the peak of the form), each with ``_stderr``; ``chi2`` and ``success``.

    Raises
    ------
    TypeError, ValueError
        As :func:`stretched_exponential`, with frequency in the place of lag.

    Notes
    -----
    Levenberg-Marquardt, a few ms a fit. The form is a caricature, so the errors without ``stderr`` measure
    how bad it is; neighbouring frequencies of one disorder average are correlated.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> w = np.linspace(0.0, 2.0, 201)
    >>> static = xr.DataArray(
    ...     np.pi / 2 * 3.0 * w / (1 + (w / 0.4) ** 2), dims="frequency", coords={"frequency": w}
    ... )
    >>> fit = displaced_drude(static)
    >>> print(f"{fit['amplitude'].item():.6f} {fit['peak_frequency'].item():.6f}")
    3.000000 0.400000
    """
    ends = None if window is None else common.checked_window(window, static, "displaced_drude")
    for name, array in {"static": static, "stderr": stderr}.items():
        if isinstance(array, xr.DataArray):  # what else it may be is said below
            in_model_units("displaced_drude", **{name: array})
    names = ["amplitude", "peak_frequency"]
    fit = fit_slices(
        "displaced_drude", "static", _peaked, names, static, "frequency", None, stderr, window=ends
    )
    energy, unit = common.spectral_unit(static), str(static.attrs.get("units", common.PER_PARTICLE))
    width = str(static["frequency"].attrs.get("units", energy))
    return stamp(
        fit,
        energy=energy,
        amplitude=f"({unit})/{width}",
        peak_frequency=width,
        chi2=unit_of_chi2(unit, stderr),
    )


@public
def displaced_drude_conductivity(
    amplitude: xr.DataArray, peak_frequency: xr.DataArray, *, rate: Parameter
) -> xr.DataArray:
    r"""Static conductivity of a displaced Drude peak in the relaxation-time approximation, at temperatures
    above the peak.

    .. math:: \sigma_\mathrm{dc} = A\, p\, \frac{\ln(\bar\omega / p)}{1 - (p / \bar\omega)^2}

    Eq. (5) of Rammal, Ciuchi and Fratini: their Eq. (4) for the form of :func:`displaced_drude`. Its limit at
    p = peak frequency, A p / 2, is taken; at low temperature Eq. (4) lies above it (by 4 % at p = 0.02 and 9
    % at p = 0.1 for T = 0.5, peak at 0.375).

    Parameters
    ----------
    amplitude, peak_frequency : DataArray
        As from :func:`displaced_drude`.
    rate : number, sequence, DataArray or Quantity
        Relaxation rate p >= 0, such as ``tls["omega0"]``: a number, a sequence (dimension ``rate``) or a
        DataArray.

    Returns
    -------
    DataArray
        ``dc_conductivity(...)`` in the unit of amplitude times that of ``peak_frequency``.

    Raises
    ------
    TypeError, ValueError
        The message names the argument.

    Examples
    --------
    >>> import xarray as xr
    >>> sigma = displaced_drude_conductivity(xr.DataArray(2.0), xr.DataArray(0.4), rate=[0.1, 0.4])
    >>> sigma.values.round(4)
    array([0.2957, 0.4   ])
    """
    for name, array in (("amplitude", amplitude), ("peak_frequency", peak_frequency)):
        checks.array("displaced_drude_conductivity", name, array)
    in_model_units("displaced_drude_conductivity", amplitude=amplitude, peak_frequency=peak_frequency)
    energy = str(peak_frequency.attrs.get("units", common.spectral_unit(peak_frequency)))
    width = parameter("rate", rate, scale=scale_of(peak_frequency), energy=energy, above=0.0, zero=True)
    aligned("displaced_drude_conductivity", amplitude=amplitude, peak_frequency=peak_frequency, rate=width)
    result = xr.apply_ufunc(
        _relaxed_peak,
        amplitude,
        peak_frequency,
        width,
        join="exact",
        dask="parallelized",
        output_dtypes=[np.float64],
    )
    unit = (
        str(amplitude.attrs.get("units", "")).removesuffix(f"/{energy}").removeprefix("(").removesuffix(")")
        or common.PER_PARTICLE
    )
    return stamp(
        result.assign_coords(rate=width.variable).rename("dc_conductivity"),
        energy=energy,
        dc_conductivity=unit,
    )


@operation("fits.displaced_drude_conductivity")
def _relaxed_peak(amplitude: Floats, peak: Floats, rate: Floats) -> Floats:
    """Eq. (5), with ln(wbar / p) = -ln(1 - d) / 2 where d = 1 - (p / wbar)^2."""
    d = 1.0 - (rate / peak) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(d == 0.0, 1.0, -np.log1p(-d) / d)
        return np.where(rate == 0.0, 0.0, 0.5 * amplitude * rate * ratio)  # Eq. (5)


def _same_temperature(sigma: xr.DataArray, temperature: xr.DataArray, caller: str) -> None:
    """Refuse a spectrum of one temperature beside a reference of another, or of several."""
    if "T" not in sigma.coords or ("T" in sigma.dims and "T" in temperature.dims):
        return  # labels along a shared dimension are compared by the alignment
    own, temperature = (
        array.compute(scheduler="synchronous") for array in (sigma["T"], temperature)
    )  # coordinates: no results
    if own.dims != temperature.dims or not np.array_equal(own.values, temperature.values):
        raise ValueError(
            f"{caller}: sigma is at T = {own.values.tolist()} and static at T = "
            f"{temperature.values.tolist()}; select the same by .sel(T=...)"
        )


def _positions(grid: Floats, size: int, step: float, caller: str) -> np.ndarray:
    """Where the frequencies of a spectrum stand on the grid of the reference."""
    index = np.rint(grid / step)
    bad = (np.abs(grid / step - index) > 1e-6) | (index < 0) | (index >= size)
    if bad.any():
        raise ValueError(
            f"{caller}: frequency {grid[bad][0]:g} of sigma is not on the grid of static, 0 to "
            f"{step * (size - 1):g} in steps of {step:g}; "
            "compute both on one grid"
        )
    return index.astype(np.int64)


def _trial_rates(size: int, step: float) -> Floats:
    return np.asarray(np.geomspace(0.25 * step, step * (size - 1), TRIALS))


@operation("fits.relaxation_rate")
def _rates_of_spectra(
    sigma: Floats, static: Floats, T: Floats, error: Floats, points: np.ndarray, **settings: Any
) -> Floats:
    """(..., result) for spectra (..., frequency) and references (..., frequency of their own)."""
    fit = functools.partial(_rate_of_spectrum, points=points, **settings)
    return over_points(fit, (sigma, static, T, error), (1, 1, 0, 1), (float, (4,)))


@operation("fits.relaxation_rate.static")
def _rates_of_values(sigma: Floats, static: Floats, T: Floats, error: Floats, **settings: Any) -> Floats:
    """(..., result) for static values (...)."""
    fit = functools.partial(_rate_of_value, **settings)
    return over_points(fit, (sigma, static, T, error), (0, 1, 0, 0), (float, (4,)))


def _rate_of_spectrum(
    sigma: Floats,
    static: Floats,
    T: float,
    error: Floats,
    points: np.ndarray,
    *,
    step: float,
    symmetrised: bool,
    absolute: bool,
) -> Floats:
    """Value, error, chi2, 1 of one spectrum."""
    from scipy import optimize

    keep = np.isfinite(sigma) & np.isfinite(error) & (error > 0)
    if keep.sum() < 2 or not np.isfinite(static).all() or not T > 0:
        return nothing(1)
    sigma, error, points = sigma[keep], error[keep], points[keep]

    def model(p: Floats) -> tuple[Floats, Floats]:
        rate = float(np.exp(p[0]))
        value, slope = conductivity.relaxed_once(static, T, rate, step, symmetrised, slope=True)
        return value[points], (rate * slope[points])[:, None]

    def chi2(log_rate: float) -> float:
        return float((((sigma - model(np.array([log_rate]))[0]) / error) ** 2).sum())

    trial = np.log(_trial_rates(static.size, step))
    best = int(np.argmin([chi2(x) for x in trial]))
    if best in (0, trial.size - 1):
        return nothing(1)
    start = optimize.minimize_scalar(
        chi2, bounds=(trial[best - 1], trial[best + 1]), method="bounded", options={"xatol": 1e-4}
    ).x
    p = minimise(model, np.array([start]), sigma, error, bounded=0, lower=trial[0], upper=trial[-1])
    if p is None:
        return nothing(1)
    values, jacobian = model(p)
    return report(p, jacobian / error[:, None], (sigma - values) / error, absolute, logarithm=0)


def _rate_of_value(
    sigma: float, static: Floats, T: float, error: float, *, step: float, symmetrised: bool, absolute: bool
) -> Floats:
    """Value, error, 0, 1 of one static value."""
    from scipy import optimize

    if not np.isfinite(sigma) or not np.isfinite(static).all() or not T > 0:
        return nothing(1)

    def excess(log_rate: float) -> float:
        return conductivity.relaxed_static(static, T, float(np.exp(log_rate)), step, symmetrised)[0] - sigma

    trial = np.log(_trial_rates(static.size, step))
    signs = np.array([excess(x) for x in trial]) > 0
    above = np.flatnonzero(signs)
    if above.size == 0 or above[0] == 0:
        return nothing(1)
    found = float(np.exp(optimize.brentq(excess, trial[above[0] - 1], trial[above[0]], xtol=1e-14)))
    slope = conductivity.relaxed_static(static, T, found, step, symmetrised)[1]
    return np.array([found, error / abs(slope) if absolute and error > 0 else np.nan, 0.0, 1.0])


@operation("fits.displaced_drude")
@over_slices
def _peaked(
    w: Floats, y: Floats, error: Floats, *, absolute: bool, window: tuple[float, float] | None
) -> Floats:
    """One displaced Drude peak, in the form that :func:`fit_slices` wants."""
    keep = np.isfinite(w) & (w > 0) & np.isfinite(y) & np.isfinite(error) & (error > 0)
    w, y, error = (np.asarray(v[keep], dtype=np.float64) for v in (w, y, error))
    if y.size == 0:
        return nothing(2)
    if window is None:
        window = (0.0, 1.5 * _broad_maximum(w, y))
    low, high = window
    inside = (w >= low) & (w <= high)
    w, y, error = w[inside], y[inside], error[inside]
    if y.size <= 2 or not y.max() > 0:
        return nothing(2)

    def model(p: Floats) -> tuple[Floats, Floats]:
        ratio = (w * np.exp(-p[1])) ** 2
        value = 0.5 * np.pi * np.exp(p[0]) * w / (1.0 + ratio)
        return value, np.stack([value, 2.0 * value * ratio / (1.0 + ratio)], axis=1)

    top = int(np.argmax(y))  # there the form is (pi / 4) A wbar
    with np.errstate(all="ignore"):
        start = np.log([4.0 * y[top] / (np.pi * w[top]), w[top]])
        p = minimise(model, start, y, error, bounded=1, lower=-np.inf, upper=np.inf)
        if p is None:
            return nothing(2)
        values, jacobian = model(p)
        return report(p, jacobian / error[:, None], (y - values) / error, absolute, logarithm=[0, 1])


def _broad_maximum(w: Floats, y: Floats) -> float:
    """Frequency around which the mean of the data over a range in proportion to it is largest."""
    below = np.concatenate([[0.0], np.cumsum(0.5 * (y[1:] + y[:-1]) * np.diff(w))])
    low, high = np.maximum(0.8 * w, w[0]), np.minimum(1.25 * w, w[-1])
    with np.errstate(all="ignore"):
        mean = np.where(high > low, (np.interp(high, w, below) - np.interp(low, w, below)) / (high - low), y)
    return float(w[np.argmax(mean)])

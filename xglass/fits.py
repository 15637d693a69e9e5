"""Fits along one dimension: DataArray -> Dataset of parameters with errors.

All fits share the same form. Points that are NaN or infinite are left out; a fit that cannot be made (too few points, no decay,
no convergence) is an answer, not an exception: ``success`` is False and every parameter NaN. The errors beside the parameters
come from the covariance matrix of the fit, which takes the points as independent. **Lags of one trajectory are correlated, and
so are temperatures that share random numbers: such errors are honest only through** :func:`xglass.jackknife` **or**
:func:`xglass.bootstrap` over independent walkers, which replace them.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import xarray as xr

from xglass.variables import energy_unit, stamp, uncut

__all__ = ["arrhenius", "power_law", "stretched_exponential", "vogel_fulcher"]

Floats = npt.NDArray[np.float64]
Model = Callable[[Floats], tuple[Floats, Floats]]  # parameters -> values (n,), Jacobian (n, parameters)
Law = Literal["arrhenius", "vogel_fulcher", "power_law"]

# By how much chi^2 (in units of its value per degree of freedom) a decay must beat a constant to be called one. Independent noise
# around a constant passes in less than one case of a thousand.
_RESOLVED = 16.0


def stretched_exponential(
    C: xr.DataArray, *, dim: Hashable = "lag", stderr: xr.DataArray | None = None, offset: bool = False
) -> xr.Dataset:
    r"""Relaxation time of a correlation function by a stretched exponential, and without a model.

    .. math:: C(t) = C_0\, e^{-(t/\tau)^\alpha}\; [+\, C_\infty], \qquad 0 < \alpha \le 1, \qquad C(\tau_{1/e}) = C(0)/e

    the form of Fratini et al., SciPost Phys. 14, 124 (2023), Fig. 2. Only points with t > 0 are fitted: C(0) is exact by construction
    (n(1 - n) for occupations), carries no noise and no information on the decay, and with a free :math:`C_0` (what is lost within the first
    sweep is no part of the slow relaxation) it is not a point of the curve. :math:`\tau_{1/e}` is read off the data: the first fall to
    1/e of their value at lag 0, linear in (t, ln C) between the bracketing lags; it is the more stable of the two times.

    Parameters
    ----------
    C : DataArray (..., lag); average over walkers before, inside a jackknife.
    dim : the dimension of times; needs a coordinate.
    stderr : standard errors of C (dims of C); weights, and makes the errors absolute. Where not finite and positive, not fitted.
    offset : add a free constant :math:`C_\infty`.

    Returns
    -------
    Dataset (...) : ``tau``, ``exponent``, ``amplitude``, ``offset`` (if asked), ``relaxation_time_1e``, each with ``_stderr``; ``chi2``
    (weighted where ``stderr`` was given) and ``success``. Times in the unit of the coordinate (default "sweep"), amplitudes in that of C.
    Without a lag 0 the value at 0 is the fitted one. ``relaxation_time_1e`` is NaN if the data do not reach 1/e; its error
    is propagated from ``stderr`` at the two bracketing lags, and NaN without.

    Raises
    ------
    TypeError : C or ``stderr`` is no DataArray of real numbers.
    ValueError : ``dim`` missing, without coordinate or split in chunks; ``stderr`` with other dims or labels.

    Notes
    -----
    Without ``stderr`` the covariance is scaled by chi^2 per degree of freedom. **Lags of one trajectory are correlated: fit errors are
    honest only through jackknife or bootstrap over walkers.** Where noise prefers :math:`\alpha > 1` the result is the
    fit with :math:`\alpha = 1`; its errors are those of free parameters. ``success`` is False, and every parameter NaN, with fewer
    finite points than parameters + 1, for data that rise or are flat within their scatter, and without convergence; a 1/e time that the
    data show is kept.

    Levenberg-Marquardt with analytic Jacobian, about 1 ms and a few kB a fit of 60 lags. Rounding of C by 1e-16 changes the result by 1e-13. All dimensions but ``dim`` may be chunked.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> lag = np.arange(0, 60)
    >>> C = xr.DataArray(0.25 * np.exp(-((lag / 8.0) ** 0.5)), dims="lag", coords={"lag": lag})
    >>> fit = stretched_exponential(C)
    >>> print(f"{fit['tau'].item():.3f} {fit['exponent'].item():.3f} {fit['relaxation_time_1e'].item():.2f}")
    8.000 0.500 8.00
    """
    names = ["tau", "exponent", "amplitude", *(["offset"] if offset else []), "relaxation_time_1e"]
    fit = _fit("stretched_exponential", "C", _stretched, names, C, dim, None, stderr, offset=bool(offset))
    time, unit = C[dim].attrs.get("units", "sweep"), str(C.attrs.get("units", "1"))
    chi2 = "1" if stderr is not None or unit == "1" else f"({unit})**2"
    return stamp(fit, energy=energy_unit(C), tau=time, relaxation_time_1e=time, amplitude=unit, offset=unit, chi2=chi2)


def arrhenius(
    tau: xr.DataArray, *, dim: Hashable = "T", x: xr.DataArray | None = None, stderr: xr.DataArray | None = None
) -> xr.Dataset:
    r"""Energy barrier of an activated time.

    .. math:: \ln\tau = \ln\tau_0 + \Delta / T

    by linear regression in 1/T, with weights from ``stderr / tau`` (Fratini et al., SciPost Phys. 14, 124 (2023), Fig. 2).

    Parameters
    ----------
    tau : DataArray (..., T).
    dim : the dimension along which temperature changes.
    x : the temperatures, if they are not the coordinate of ``dim``; may have further dims, must have ``dim``.
    stderr : standard errors of ``tau`` (dims of ``tau``).

    Returns
    -------
    Dataset (...) : ``barrier`` (unit of the temperature, default "Vc"), ``prefactor`` (unit of ``tau``, default "sweep"), each with ``_stderr``;
    ``chi2`` (of ln tau; weighted where ``stderr`` was given) and ``success``.

    Raises
    ------
    TypeError : an argument is no DataArray of real numbers.
    ValueError : ``dim`` missing or without coordinate (and no ``x``); ``x`` without ``dim``; ``stderr`` with other dims or labels.

    Notes
    -----
    Points are left out where ``tau`` or the temperature is NaN or <= 0, or ``stderr`` not finite and positive; at least three must remain,
    else ``success`` is False and the rest NaN. With ``stderr`` the errors are absolute, without they come from the scatter about the line
    (n - 2 degrees of freedom). **They are honest only for independent points**: lags of one trajectory are correlated,
    and temperatures may be; then use jackknife or bootstrap over walkers around the whole chain. About 0.2 ms a fit; any dimension
    may be chunked (``dim`` is joined).

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> T = np.array([0.02, 0.04, 0.06, 0.1])
    >>> tau = xr.DataArray(3.0 * np.exp(0.1 / T), dims="T", coords={"T": T})
    >>> print(f"{arrhenius(tau)['barrier'].item():.6f}")
    0.100000
    """
    return _thermal("arrhenius", ["prefactor", "barrier"], tau, dim, x, stderr)


def vogel_fulcher(
    tau: xr.DataArray, *, dim: Hashable = "T", x: xr.DataArray | None = None, stderr: xr.DataArray | None = None
) -> xr.Dataset:
    r"""Vogel-Fulcher-Tammann law of a time that diverges at a finite temperature.

    .. math:: \ln\tau = \ln\tau_0 + B / (T - T_0), \qquad 0 \le T_0 < \min T

    The generalisation of :func:`arrhenius` (:math:`T_0 = 0`; data that prefer a negative :math:`T_0` get 0, with the errors of a free
    one), with the same chunking.

    Parameters
    ----------
    tau : DataArray (..., T); NaN and points that are not positive are left out.
    dim : the dimension of temperatures.
    x : DataArray of temperatures to use instead of the coordinate of ``dim``.
    stderr : standard errors of tau; weights the points, and makes the errors absolute.

    Returns
    -------
    Dataset (...) : ``barrier`` (B) and ``vogel_temperature`` in the unit of the temperature (default "Vc"), ``prefactor`` in that of ``tau`` (default
    "sweep"), each with ``_stderr``; ``chi2`` and ``success``. At least four points must remain, else ``success`` is False and the rest NaN;
    likewise where :math:`T_0` runs into the lowest temperature.

    Notes
    -----
    Scan of :math:`T_0` with the line solved exactly for each, then Levenberg-Marquardt: about 0.5 ms a fit. **Lags of one trajectory
    are correlated: fit errors are honest only through jackknife or bootstrap.**

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> T = np.linspace(0.04, 0.1, 7)
    >>> tau = xr.DataArray(3.0 * np.exp(0.1 / (T - 0.02)), dims="T", coords={"T": T})
    >>> print(f"{vogel_fulcher(tau)['vogel_temperature'].item():.6f}")
    0.020000
    """
    return _thermal("vogel_fulcher", ["prefactor", "barrier", "vogel_temperature"], tau, dim, x, stderr)


def power_law(y: xr.DataArray, *, dim: Hashable, x: xr.DataArray | None = None, stderr: xr.DataArray | None = None) -> xr.Dataset:
    r"""Exponent of a power law.

    .. math:: y = A\, x^\gamma

    by linear regression of ln y in ln x, with weights from ``stderr / y``; chunking and cost as in :func:`arrhenius`.

    Parameters
    ----------
    y : DataArray (..., dim), positive where it counts: other points are left out, at least three must remain.
    dim : the dimension to fit along.
    x : DataArray of abscissae to use instead of the coordinate of ``dim``; positive.
    stderr : standard errors of y; weights the points, and makes the errors absolute.

    Returns
    -------
    Dataset (...) : ``exponent`` and ``amplitude`` (y at one unit of x, in the unit of y), each with ``_stderr``; ``chi2`` (of ln y), ``success``.

    Notes
    -----
    **Lags of one trajectory are correlated: fit errors are honest only through jackknife or bootstrap.**

    Examples
    --------
    >>> import xarray as xr
    >>> y = xr.DataArray([2.0, 8.0, 32.0, 128.0], dims="L", coords={"L": [1, 2, 4, 8]})
    >>> print(f"{power_law(y, dim='L')['exponent'].item():.6f}")
    2.000000
    """
    fit = _fit("power_law", "y", _logarithmic, ["amplitude", "exponent"], y, dim, x, stderr, law="power_law")
    return stamp(fit, energy=energy_unit(y), amplitude=str(y.attrs.get("units", "1")))


def _thermal(
    law: Law, names: list[str], tau: xr.DataArray, dim: Hashable, x: xr.DataArray | None, stderr: xr.DataArray | None
) -> xr.Dataset:
    fit = _fit(law, "tau", _logarithmic, names, tau, dim, x, stderr, law=law)
    energy = str((tau[dim] if x is None else x).attrs.get("units", "Vc"))
    return stamp(fit, energy=energy, prefactor=str(tau.attrs.get("units", "sweep")))


def _fit(
    caller: str,
    argument: str,
    worker: Callable[..., Floats],
    names: list[str],
    y: xr.DataArray,
    dim: Hashable,
    x: xr.DataArray | None,
    stderr: xr.DataArray | None,
    **options: Any,
) -> xr.Dataset:
    """Check the arguments, send every slice through ``worker`` and name what it returns.

    ``worker(x, y, error, absolute, **options)`` gives (value, error) of each name, then chi2 and success, as one vector.
    """
    given: dict[str, Any] = {argument: y} | ({} if x is None else {"x": x}) | ({} if stderr is None else {"stderr": stderr})
    for name, array in given.items():
        if not isinstance(array, xr.DataArray):
            hint = f"; pick one variable, {name}['...']" if isinstance(array, xr.Dataset) else "; give it dims and coords"
            raise TypeError(f"{caller}: {name} must be a DataArray, got {type(array).__name__}{hint}")
        if array.dtype.kind not in "biuf":
            raise TypeError(
                f"{caller}: {name} must hold real numbers, got {array.dtype}; write .real or .astype(float) before it"
            )
        if dim not in array.dims and name != "stderr":
            raise ValueError(
                f"{caller}: {name} has dimensions {array.dims} and needs dim={dim!r}; name the dimension to fit along by dim=..."
            )
    if x is None:
        if dim not in y.coords:
            raise ValueError(f"{caller}: {argument} has no coordinate {dim!r} to fit against; write .assign_coords({dim}=...)")
        x = y[dim]
        if x.dtype.kind not in "biuf":
            raise TypeError(f"{caller}: the coordinate {dim!r} must hold real numbers, got {x.dtype}")
    if stderr is not None and not set(stderr.dims) <= set(y.dims):
        raise ValueError(
            f"{caller}: stderr has dimensions {stderr.dims}, more than {y.dims} of {argument}; reduce both over the same dimensions"
        )
    for name, array in given.items():
        try:
            xr.align(y, array, join="exact")
        except ValueError as mismatch:
            raise ValueError(
                f"{caller}: {name} and {argument} carry different labels; select the same ones with xr.align before it ({mismatch})"
            ) from mismatch
    if stderr is None:
        error = xr.ones_like(x, dtype=np.float64)  # a stand-in, so that the worker has one form
    else:
        error = stderr if dim in stderr.dims else stderr.expand_dims({dim: y.sizes[dim]})
    arrays = [x, y, error]
    if worker is _logarithmic:  # a few numbers, and runs are cut along T: joined here. Lags are many; the caller shall see a cut
        arrays = [array.chunk({dim: -1}) if array.chunks else array for array in arrays]
    for array in arrays:
        uncut(array, (str(dim),), caller=caller)
    size = 2 * len(names) + 2
    table = xr.apply_ufunc(
        worker,
        *arrays,
        input_core_dims=[[dim]] * 3,
        output_core_dims=[["_result"]],
        kwargs={"absolute": stderr is not None, **options},
        vectorize=True,
        join="exact",
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"_result": size}},
        keep_attrs="override",  # keeps the attributes of coordinates; those of results are stamped by the caller
    )
    columns = [column for name in names for column in (name, f"{name}_stderr")] + ["chi2"]
    fit = {column: table.isel(_result=i) for i, column in enumerate(columns)}
    return xr.Dataset({**fit, "success": table.isel(_result=-1) == 1})


def _stretched(t: Floats, y: Floats, error: Floats, *, absolute: bool, offset: bool) -> Floats:
    """One stretched exponential, in the form that :func:`_fit` wants."""
    keep = np.isfinite(t) & np.isfinite(y)
    t, y, error = (np.asarray(v[keep], dtype=np.float64)[np.argsort(t[keep], kind="stable")] for v in (t, y, error))
    fitted = (t > 0) & np.isfinite(error) & (error > 0)
    log_t, data, sigma = np.log(t[fitted]), y[fitted], error[fitted]
    parameters = 4 if offset else 3
    failed = _nothing(parameters + 1)
    if data.size <= parameters or np.ptp(data) == 0:
        return failed
    measured = error if absolute else np.full_like(y, np.nan)
    if t[0] == 0:  # the 1/e time is read off the data and stands whatever becomes of the fit
        failed[-4:-2] = _time_1e(t, y, measured, np.nan)

    def model(p: Floats) -> tuple[Floats, Floats]:
        u = log_t - p[0]
        power = np.exp(np.clip(p[1] * u, -700.0, 300.0))  # (t / tau)^alpha; trial steps may go far out
        decay = np.exp(-power)
        slope = p[2] * decay * power
        columns = [slope * p[1], -slope * u, decay] + ([np.ones_like(decay)] if offset else [])
        return p[2] * decay + (p[3] if offset else 0.0), np.stack(columns, axis=1)

    start = _stretched_start(log_t, data, y[0] if t[0] == 0 else None, offset)
    with np.errstate(all="ignore"):
        p = _minimise(model, start, data, sigma, bounded=1, lower=0.0, upper=1.0)
        if p is None or not p[1] > 0:
            return failed
        values, jacobian = model(p)
        residual = (data - values) / sigma
        constant = (data - np.average(data, weights=sigma**-2)) / sigma
        scale = 1.0 if absolute else residual @ residual / (data.size - parameters)
        at_zero = p[2] + (p[3] if offset else 0.0)
        # A fit that is no better than a constant, or whose modulus grows, has found no decay.
        if not constant @ constant - residual @ residual > _RESOLVED * scale or not p[2] * at_zero > 0:
            return failed
        result = _report(p, jacobian / sigma[:, None], residual, absolute, logarithm=0)
        time = _time_1e(t, y, measured, at_zero)
    return failed if np.isnan(result[0]) else np.concatenate([result[:-2], time, result[-2:]])


def _stretched_start(log_t: Floats, y: Floats, at_zero: float | None, offset: bool) -> Floats:
    """Starting values from the straight line ln(-ln(C / C0)) = alpha (ln t - ln tau)."""
    first = y[0] if at_zero is None else at_zero
    # Without a lag 0 the amplitude lies above the first point; the plateau lies beyond the last one.
    floor = y[-1] - 0.05 * (first - y[-1]) if offset else 0.0
    top = floor + (first - floor) * (1.05 if at_zero is None else 1.0)
    if top == floor:
        return np.array([log_t.mean(), 0.7, 1.0, 0.0][: 4 if offset else 3])
    ratio = (y - floor) / (top - floor)
    inside = (ratio > 0.02) & (ratio < 0.98)  # elsewhere the double logarithm magnifies noise
    if inside.sum() < 2:
        inside = (ratio > 0) & (ratio < 1)
    log_tau, alpha = float(np.median(log_t)), 0.7
    if inside.sum() >= 2 and np.ptp(log_t[inside]) > 0:
        intercept, slope, _ = _line(log_t[inside], np.log(-np.log(ratio[inside])), np.ones(int(inside.sum())))
        alpha = float(np.clip(slope, 0.2, 1.0))
        # The centre of the data is on the line whatever becomes of the slope.
        centre = log_t[inside].mean()
        log_tau = float(np.clip(centre - (intercept + slope * centre) / alpha, log_t[0] - 3, log_t[-1] + 10))
    return np.array([log_tau, alpha, top - floor, floor][: 4 if offset else 3])


def _time_1e(t: Floats, y: Floats, error: Floats, fitted: float) -> Floats:
    """First fall of the data to 1/e of their value at lag 0 (else of the fitted one), with its error."""
    first = y[0] if t[0] == 0 else fitted
    t, relative, error = t[t >= 0], (y / first)[t >= 0], np.abs(error / first)[t >= 0]
    below = np.flatnonzero(relative <= np.exp(-1.0))
    if below.size == 0 or below[0] == 0:  # not reached, or the data begin below
        return np.array([np.nan, np.nan])
    pair = [below[0] - 1, below[0]]
    (t1, t2), (c1, c2), (s1, s2) = t[pair], relative[pair], error[pair]
    level, d1, d2 = np.exp(-1.0), 1.0, 1.0
    if c2 > 0:  # linear in ln C; a value that has fallen through zero has no logarithm, and is joined by a line in C
        d1, d2 = 1 / c1, 1 / c2
        c1, c2, level = np.log(c1), np.log(c2), -1.0
    gradient = (t2 - t1) / (c1 - c2) ** 2 * np.array([(level - c2) * d1 * s1, (c1 - level) * d2 * s2])
    return np.array([t1 + (t2 - t1) * (c1 - level) / (c1 - c2), np.hypot(*gradient)])


def _logarithmic(x: Floats, y: Floats, error: Floats, *, absolute: bool, law: Law) -> Floats:
    """One fit of ln y: a line in 1/x or ln x, or the Vogel-Fulcher law; see :func:`_fit` for the form of the result."""
    parameters = 3 if law == "vogel_fulcher" else 2
    with np.errstate(all="ignore"):
        keep = np.isfinite(x) & (x > 0) & np.isfinite(y) & (y > 0) & np.isfinite(error) & (error > 0)
        x, y, error = (np.asarray(v[keep], dtype=np.float64) for v in (x, y, error))
        data, sigma = np.log(y), (error / y if absolute else np.ones_like(y))
        if data.size <= parameters or np.ptp(x) == 0:
            return _nothing(parameters)
        if law != "vogel_fulcher":
            u = np.log(x) if law == "power_law" else 1 / x
            intercept, slope, _ = _line(u, data, sigma)
            p, values = np.array([intercept, slope]), intercept + slope * u
            jacobian = np.stack([np.ones_like(u), u], axis=1)
        else:

            def model(p: Floats) -> tuple[Floats, Floats]:
                u = 1 / (x - p[2])
                return p[0] + p[1] * u, np.stack([np.ones_like(u), u, p[1] * u**2], axis=1)

            trial = x.min() * np.linspace(0, 1, 64, endpoint=False)
            intercepts, slopes, chi2 = _line(1 / (x - trial[:, None]), data, sigma)
            best = int(np.argmin(chi2))
            start = np.array([intercepts[best], slopes[best], trial[best]])
            found = _minimise(model, start, data, sigma, bounded=2, lower=0.0, upper=np.inf)
            if found is None or not found[2] < x.min():
                return _nothing(parameters)
            p, (values, jacobian) = found, model(found)
        return _report(p, jacobian / sigma[:, None], (data - values) / sigma, absolute, logarithm=0)


def _line(u: Floats, v: Floats, sigma: Floats) -> tuple[Any, Any, Any]:
    """Weighted regression v = intercept + slope u along the last axis: intercept, slope, chi2."""
    weight = sigma**-2 / np.sum(sigma**-2)
    centre, mean = np.sum(weight * u, axis=-1, keepdims=True), np.sum(weight * v)
    slope = np.sum(weight * (u - centre) * (v - mean), axis=-1) / np.sum(weight * (u - centre) ** 2, axis=-1)
    intercept = mean - slope * centre[..., 0]
    residual = v - intercept[..., None] - slope[..., None] * u
    return intercept, slope, np.sum((residual / sigma) ** 2, axis=-1)


def _minimise(
    model: Model, start: Floats, y: Floats, sigma: Floats, *, bounded: int, lower: float, upper: float
) -> Floats | None:
    """Weighted least squares with bounds on one parameter, or None without convergence.

    The free problem is solved by MINPACK, several times faster than a solver that knows bounds (and safe under threads).
    If its minimum lies beyond a bound, the constrained one lies on it, and the parameter is held there.
    """
    from scipy import optimize

    leastsq: Any = optimize.leastsq  # its stubs know no closures

    def solve(p: Floats, free: npt.NDArray[np.bool_]) -> tuple[Floats, bool]:
        def place(q: Floats) -> Floats:
            full = p.copy()
            full[free] = q
            return full

        q, _, _, _, flag = leastsq(
            lambda q: (model(place(q))[0] - y) / sigma,
            p[free],
            Dfun=lambda q: model(place(q))[1][:, free] / sigma[:, None],
            full_output=True,
            ftol=1e-12,
            xtol=1e-12,
            maxfev=120,
        )
        # 1-4: converged; 6-8: converged as far as rounding allows; 5: out of steps
        if flag not in (1, 2, 3, 4, 6, 7, 8) or not np.isfinite(q).all():
            return place(q), False
        # MINPACK stops where chi^2 no longer changes, half of the digits before the parameters do. Gauss-Newton steps need
        # no chi^2 and find the others, so that rounding of the data (another chunking, another machine) stays rounding.
        for _ in range(3):
            values, jacobian = model(place(q))
            residual, slopes = (y - values) / sigma, jacobian[:, free] / sigma[:, None]
            if not np.isfinite(slopes).all():
                break
            step = np.linalg.lstsq(slopes, residual)[0]
            if not np.linalg.norm(slopes @ step) < 1e-3 * np.linalg.norm(residual):
                break
            q = q + step
        return place(q), True

    free = np.ones(start.size, dtype=bool)
    p, converged = solve(start, free)
    inside = np.clip(p[bounded], lower, upper)
    if np.isfinite(p).all() and p[bounded] != inside:  # beyond, or on its way to infinity
        free[bounded], p[bounded] = False, inside
        p, converged = solve(p, free)
    return p if converged else None


def _report(p: Floats, jacobian: Floats, residual: Floats, absolute: bool, *, logarithm: int) -> Floats:
    """(value, error) of every parameter, chi2, 1; all NaN where the data do not determine the parameters.

    ``jacobian`` and ``residual`` come divided by the errors; parameter number ``logarithm`` is reported as its exponential.
    """
    n, k = jacobian.shape
    chi2 = float(residual @ residual)
    norm = np.linalg.norm(jacobian, axis=0)
    if not np.isfinite(jacobian).all() or not (norm > 0).all():
        return _nothing(k)
    # Columns of length one: what remains of the condition number is degeneracy, not a choice of units.
    _, singular, rows = np.linalg.svd(jacobian / norm, full_matrices=False)
    if singular[-1] < 1e-10 * singular[0]:
        return _nothing(k)
    errors = np.sqrt(np.sum((rows / singular[:, None]) ** 2, axis=0)) / norm
    if not absolute:
        errors *= np.sqrt(chi2 / (n - k))
    values = p.copy()
    values[logarithm] = np.exp(p[logarithm])
    errors[logarithm] *= values[logarithm]
    result = np.concatenate([np.stack([values, errors], axis=1).ravel(), [chi2, 1.0]])
    return result if np.isfinite(result).all() and values[logarithm] > 0 else _nothing(k)


def _nothing(parameters: int) -> Floats:
    """The result of a fit that could not be made."""
    return np.append(np.full(2 * parameters + 1, np.nan), 0.0)

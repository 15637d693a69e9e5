"""Relaxation times of correlation functions."""

from __future__ import annotations

from collections.abc import Hashable

import numpy as np
import xarray as xr

from xglass.engine.core.operations import operation
from xglass.fits.common import fit_slices, line, minimise, nothing, over_slices, report, unit_of_chi2
from xglass.variables import Floats, energy_unit, stamp

# By how much chi^2 (in units of its value per degree of freedom) a decay must beat a constant to be called
# one. Independent noise around a constant passes in less than one case of a thousand.
_RESOLVED = 16.0


def stretched_exponential(
    C: xr.DataArray, *, dim: Hashable = "lag", stderr: xr.DataArray | None = None, offset: bool = False
) -> xr.Dataset:
    r"""Relaxation time of a correlation function by a stretched exponential, and without a model.

    .. math:: C(t) = C_0\, e^{-(t/\tau)^\alpha}\; [+\, C_\infty], \qquad 0 < \alpha \le 1, \qquad
        C(\tau_{1/e}) = C(0)/e

    the form of Fratini et al., SciPost Phys. 14, 124 (2023), Fig. 2. Only points with t > 0 are fitted: C(0)
    is exact by construction (n(1 - n) for occupations), carries no noise and no information on the decay, and
    with a free :math:`C_0` (what is lost within the first sweep is no part of the slow relaxation) it is not
    a point of the curve. :math:`\tau_{1/e}` is read off the data: the first fall to 1/e of their value at lag
    0, linear in (t, ln C) between the bracketing lags; it is the more stable of the two times.

    Parameters
    ----------
    C : DataArray
        With dimensions (..., lag); average over walkers before, inside a jackknife.
    dim : str, default "lag"
        The dimension of times; needs a coordinate.
    stderr : DataArray, optional
        Standard errors of C (dims of C); weights, and makes the errors absolute. Where not finite and
        positive, not fitted.
    offset : bool, default False
        Add a free constant :math:`C_\infty`.

    Returns
    -------
    Dataset
        With dimensions (...): ``tau``, ``exponent``, ``amplitude``, ``offset`` (if asked),
        ``relaxation_time_1e``, each with ``_stderr``; ``chi2`` (weighted where ``stderr`` was given) and
        ``success``. Times in the unit of the coordinate (default "sweep"), amplitudes in that of C. Without a
        lag 0 the value at 0 is the fitted one. ``relaxation_time_1e`` is NaN if the data do not reach 1/e;
        its error is propagated from ``stderr`` at the two bracketing lags, and NaN without.

    Raises
    ------
    TypeError
        C or ``stderr`` is no DataArray of real numbers.
    ValueError
        ``dim`` missing, without coordinate or split in chunks; ``stderr`` with other dims or labels.

    Notes
    -----
    Without ``stderr`` the covariance is scaled by chi^2 per degree of freedom. **Lags of one trajectory are
    correlated: fit errors are honest only through jackknife or bootstrap over walkers.** Where noise prefers
    :math:`\alpha > 1` the result is the fit with :math:`\alpha = 1`; its errors are those of free parameters.
    ``success`` is False, and every parameter NaN, with fewer finite points than parameters + 1, for data that
    rise or are flat within their scatter, and without convergence; a 1/e time that the data show is kept.

    Levenberg-Marquardt with analytic Jacobian, about 1 ms and a few kB a fit of 60 lags. Rounding of C by
    1e-16 changes the result by 1e-13. All dimensions but ``dim`` may be chunked.

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
    fit = fit_slices(
        "stretched_exponential", "C", _stretched, names, C, dim, None, stderr, offset=bool(offset)
    )
    time, unit = C[dim].attrs.get("units", "sweep"), str(C.attrs.get("units", "1"))
    return stamp(
        fit,
        energy=energy_unit(C),
        tau=time,
        relaxation_time_1e=time,
        amplitude=unit,
        offset=unit,
        chi2=unit_of_chi2(unit, stderr),
    )


@operation("fits.stretched_exponential")
@over_slices
def _stretched(t: Floats, y: Floats, error: Floats, *, absolute: bool, offset: bool) -> Floats:
    """One stretched exponential, in the form that :func:`fit_slices` wants."""
    keep = np.isfinite(t) & np.isfinite(y)
    t, y, error = (
        np.asarray(v[keep], dtype=np.float64)[np.argsort(t[keep], kind="stable")] for v in (t, y, error)
    )
    fitted = (t > 0) & np.isfinite(error) & (error > 0)
    log_t, data, sigma = np.log(t[fitted]), y[fitted], error[fitted]
    parameters = 4 if offset else 3
    failed = nothing(parameters + 1)
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
        p = minimise(model, start, data, sigma, bounded=1, lower=0.0, upper=1.0)
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
        result = report(p, jacobian / sigma[:, None], residual, absolute, logarithm=0)
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
        intercept, slope, _ = line(log_t[inside], np.log(-np.log(ratio[inside])), np.ones(int(inside.sum())))
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
    if (
        c2 > 0
    ):  # linear in ln C; a value that has fallen through zero has no logarithm, and is joined by a line in C
        d1, d2 = 1 / c1, 1 / c2
        c1, c2, level = np.log(c1), np.log(c2), -1.0
    gradient = (t2 - t1) / (c1 - c2) ** 2 * np.array([(level - c2) * d1 * s1, (c1 - level) * d2 * s2])
    return np.array([t1 + (t2 - t1) * (c1 - level) / (c1 - c2), np.hypot(*gradient)])

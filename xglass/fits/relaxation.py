"""Relaxation times of correlation functions."""

from __future__ import annotations

import dataclasses
from collections.abc import Hashable
from typing import Literal

import numpy as np
import xarray as xr

from xglass.engine.core.operations import operation
from xglass.fits.common import fit_slices, line, minimise, nothing, over_slices, report, unit_of_chi2
from xglass.messages import public
from xglass.variables.registry import Floats, energy_unit, stamp

# By how much chi^2 (in units of its value per degree of freedom) a decay must beat a constant to be called
# one. Independent noise around a constant passes in less than one case of a thousand.
_RESOLVED = 16.0

Amplitude = float | Literal["bounded", "free"]


@public
def stretched_exponential(
    C: xr.DataArray,
    *,
    dim: Hashable = "lag",
    stderr: xr.DataArray | None = None,
    offset: bool = False,
    amplitude: Amplitude = "bounded",
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
    amplitude : "bounded", "free" or number, default "bounded"
        "bounded": :math:`C_0`, and the curve at lag 0, are at most C at lag 0 (free where there is none); a
        number is taken for :math:`C_0`. A free amplitude may run away, with tau to 0.

    Returns
    -------
    Dataset
        With dimensions (...): ``tau``, ``exponent``, ``amplitude``, ``offset`` (if asked),
        ``relaxation_time_1e``, each with ``_stderr``; ``chi2`` (weighted where ``stderr`` was given),
        ``degrees_of_freedom``, ``at_bound`` (the exponent is 1 or the amplitude is C at lag 0) and
        ``success``. Times in the unit of the coordinate (default "sweep"), amplitudes in that of C. Without a
        lag 0 the value at 0 is the fitted one. ``relaxation_time_1e`` is NaN if the data do not reach 1/e;
        its error is propagated from ``stderr`` at the two bracketing lags, and NaN without.

    Raises
    ------
    TypeError
        C or ``stderr`` is no DataArray of real numbers.
    ValueError
        ``amplitude`` neither of the words nor a number other than 0;
        ``dim`` missing, without coordinate or split in chunks; ``stderr`` with other dims or labels.

    Notes
    -----
    Without ``stderr`` the covariance is scaled by chi^2 per degree of freedom. **Lags of one trajectory are
    correlated: fit errors are honest only through jackknife or bootstrap over walkers.** Where noise prefers
    :math:`\alpha > 1` the result is the fit with :math:`\alpha = 1`, and no parameter has an error. An
    amplitude that is given or on its bound has none, and the others have theirs with that amplitude: C at
    lag 0 is known, and mean curves of many walkers lie there too.
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
        "stretched_exponential",
        "C",
        _stretched,
        names,
        C,
        dim,
        None,
        stderr,
        extras=("degrees_of_freedom", "at_bound"),
        offset=bool(offset),
        amplitude=_amplitude(amplitude),
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


def _amplitude(value: object) -> Amplitude:
    """The checked argument."""
    if isinstance(value, (int, float, np.number)) and not isinstance(
        value, (bool, complex, np.complexfloating)
    ):
        if np.isfinite(value) and value != 0:
            return float(value)
    elif value == "bounded" or value == "free":
        return value
    raise ValueError(
        "stretched_exponential: amplitude must be 'bounded' (at most C at lag 0), 'free' or a number other "
        f"than 0, got {value!r}"
    )


@dataclasses.dataclass(frozen=True)
class _Curve:
    """The points of one fit: a stretched exponential of the parameters ln tau, alpha, C_0[, C_inf]."""

    log_t: Floats
    data: Floats
    sigma: Floats
    offset: bool

    def model(self, p: Floats) -> tuple[Floats, Floats]:
        """Return values and Jacobian."""
        u = self.log_t - p[0]
        power = np.exp(np.clip(p[1] * u, -700.0, 300.0))  # (t / tau)^alpha; trial steps may go far out
        decay = np.exp(-power)
        slope = p[2] * decay * power
        columns = [slope * p[1], -slope * u, decay] + ([np.ones_like(decay)] if self.offset else [])
        return p[2] * decay + (p[3] if self.offset else 0.0), np.stack(columns, axis=1)

    def solved(self, start: Floats, base: Floats, directions: Floats) -> Floats | None:
        """Best parameters among ``base + directions q`` with 0 <= alpha <= 1, or None."""

        def restricted(q: Floats) -> tuple[Floats, Floats]:
            values, jacobian = self.model(base + directions @ q)
            return values, jacobian @ directions

        first = directions.T @ (start - base)  # an entry of q is one of the parameters
        q = minimise(restricted, first, self.data, self.sigma, bounded=1, lower=0.0, upper=1.0)
        return None if q is None or not q[1] > 0 else base + directions @ q

    def chi2(self, p: Floats) -> float:
        return float(np.sum(((self.data - self.model(p)[0]) / self.sigma) ** 2))

    def fitted(self, amplitude: Amplitude, at_zero: float | None) -> tuple[Floats, Floats] | None:
        """Best parameters, and the directions in which they are free; or None.

        The free fit, unless its amplitude is too large: then the best of those on a bound.
        """
        start = _stretched_start(self.log_t, self.data, at_zero, self.offset)
        every, origin = np.eye(start.size), np.zeros(start.size)
        given = np.delete(every, 2, axis=1)
        if not isinstance(amplitude, str):
            p = self.solved(start, amplitude * every[2], given)
            return None if p is None else (p, given)
        if amplitude == "free" or not at_zero:
            p = self.solved(start, origin, every)
            return None if p is None else (p, every)
        p = self.solved(start, at_zero * every[2], given)
        if p is not None and not self.offset and self._wants_more(p, at_zero):
            return p, given
        found = [(self.solved(start, origin, every), every), (p, given)]
        if self.offset:  # C_0 + C_inf, the curve at lag 0, is no larger either
            sum_given = given - np.outer(every[2], [0.0, 0.0, 1.0])
            found.append((self.solved(start, at_zero * every[2], sum_given), sum_given))
        possible = [(q, free) for q, free in found if q is not None and self._below(q, at_zero)]
        return min(possible, key=lambda one: self.chi2(one[0]), default=None)

    def _wants_more(self, p: Floats, at_zero: float) -> bool:
        """Whether chi2 clearly falls where the amplitude, on its bound, would grow."""
        values, jacobian = self.model(p)
        residual, slope = (self.data - values) / self.sigma, jacobian[:, 2] / self.sigma
        size = float(np.linalg.norm(residual))
        exact = 1e-9 * float(np.linalg.norm(self.data / self.sigma))
        along = float(np.sign(at_zero) * (residual @ slope))
        return size > exact and along > 1e-3 * size * float(np.linalg.norm(slope))

    def _below(self, p: Floats, at_zero: float) -> bool:
        """Whether amplitude, and curve at lag 0, are no larger than the value there."""
        return bool(max(p[2] / at_zero, p[2:].sum() / at_zero) <= 1.0 + 1e-9)


@operation("fits.stretched_exponential", revision=2)
@over_slices
def _stretched(
    t: Floats, y: Floats, error: Floats, *, absolute: bool, offset: bool, amplitude: Amplitude
) -> Floats:
    """One stretched exponential, in the form that :func:`fit_slices` wants."""
    keep = np.isfinite(t) & np.isfinite(y)
    t, y, error = (
        np.asarray(v[keep], dtype=np.float64)[np.argsort(t[keep], kind="stable")] for v in (t, y, error)
    )
    fitted = (t > 0) & np.isfinite(error) & (error > 0)
    curve = _Curve(np.log(t[fitted]), y[fitted], error[fitted], offset)
    freedom = max(curve.data.size - (2 + offset + isinstance(amplitude, str)), 0)
    failed = nothing(4 + offset, freedom, 0.0)
    if freedom == 0 or np.ptp(curve.data) == 0:
        return failed
    at_zero = y[0] if t[0] == 0 else None
    measured = error if absolute else np.full_like(y, np.nan)
    times = slice(2 * (3 + offset), 2 * (4 + offset))
    if at_zero is not None:  # the 1/e time is read off the data and stands whatever becomes of the fit
        failed[times] = _time_1e(t, y, measured, np.nan)
    with np.errstate(all="ignore"):
        found = curve.fitted(amplitude, at_zero)
        if found is None:
            return failed
        p, directions = found
        values, jacobian = curve.model(p)
        residual = (curve.data - values) / curve.sigma
        constant = (curve.data - np.average(curve.data, weights=curve.sigma**-2)) / curve.sigma
        scale = 1.0 if absolute else residual @ residual / freedom
        # A fit that is no better than a constant, or whose modulus grows, has found no decay.
        if not constant @ constant - residual @ residual > _RESOLVED * scale or not p[2] * p[2:].sum() > 0:
            return failed
        slopes = jacobian / curve.sigma[:, None]
        result = report(p, slopes, residual, absolute, logarithm=0, directions=directions, freedom=freedom)
        time = _time_1e(t, y, measured, p[2:].sum())
    if np.isnan(result[0]):
        return failed
    bounds = [p[1] == 1.0, isinstance(amplitude, str) and directions.shape[1] < p.size]
    if bounds[0]:  # noise prefers more than the form allows, and the scatter on the bound is too small
        result[1 : 2 * p.size : 2] = np.nan
    return np.concatenate([result[:-2], time, [result[-2], freedom, float(any(bounds)), 1.0]])


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

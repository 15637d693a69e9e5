"""Laws of temperature, and power laws: fits of logarithms."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Literal

import numpy as np
import xarray as xr

from xglass.checks import aligned, in_model_units
from xglass.engine.core.operations import operation
from xglass.fits.common import fit_slices, line, minimise, nothing, over_slices, report
from xglass.messages import public
from xglass.units.parameters import Parameter, parameter
from xglass.units.physical import quoted
from xglass.variables.registry import ENERGIES, Floats, energy_unit, stamp

Law = Literal["arrhenius", "vogel_fulcher", "power_law"]

#: What these fits say of their points.
COUNTED = ("points", "degrees_of_freedom", "p_value")


@public
def arrhenius(
    tau: xr.DataArray,
    *,
    dim: Hashable = "T",
    x: xr.DataArray | None = None,
    stderr: xr.DataArray | None = None,
) -> xr.Dataset:
    r"""Energy barrier of an activated time.

    .. math:: \ln\tau = \ln\tau_0 + \Delta / T

    by linear regression in 1/T, with weights from ``stderr / tau`` (Fratini et al., SciPost Phys. 14, 124
    (2023), Fig. 2).

    Parameters
    ----------
    tau : DataArray
        With dimensions (..., T).
    dim : str, default "T"
        The dimension along which temperature changes.
    x : DataArray, optional
        The temperatures, if they are not the coordinate of ``dim``; may have further dims, must have ``dim``.
    stderr : DataArray, optional
        Standard errors of ``tau`` (dims of ``tau``).

    Returns
    -------
    Dataset
        With dimensions (...): ``barrier`` (unit of the temperature, default "Vc"; meV where that is K),
        ``prefactor`` (unit of ``tau``, default "sweep"), each with ``_stderr``; ``chi2`` (of ln tau; weighted
        where ``stderr`` was given), ``points`` that were fitted, ``degrees_of_freedom``, ``p_value`` (the
        probability of a larger chi2 if law and errors are right; NaN without ``stderr``) and ``success``.

    Raises
    ------
    TypeError
        An argument is no DataArray of real numbers.
    ValueError
        ``dim`` missing, without coordinate (and no ``x``) or with fewer entries than the law has parameters;
        ``x`` without ``dim``; ``stderr`` with other dims or labels.

    Notes
    -----
    Points are left out where ``tau`` or the temperature is NaN or <= 0, or ``stderr`` not finite and
    positive; at least three must remain, else ``success`` is False and the rest NaN. With ``stderr`` the
    errors are absolute, without they come from the scatter about the line (n - 2 degrees of freedom). **They
    are honest only for independent points**: lags of one trajectory are correlated, and temperatures may be;
    then use jackknife or bootstrap over walkers around the whole chain. About 0.2 ms a fit; any dimension may
    be chunked (``dim`` is joined).

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> T = np.array([0.02, 0.04, 0.06, 0.1])
    >>> tau = xr.DataArray(3.0 * np.exp(0.1 / T), dims="T", coords={"T": T})
    >>> print(f"{arrhenius(tau)['barrier'].item():.6f}")
    0.100000
    """
    return _law("arrhenius", ["prefactor", "barrier"], tau, dim, x, stderr)


@public
def vogel_fulcher(
    tau: xr.DataArray,
    *,
    dim: Hashable = "T",
    x: xr.DataArray | None = None,
    stderr: xr.DataArray | None = None,
) -> xr.Dataset:
    r"""Vogel-Fulcher-Tammann law of a time that diverges at a finite temperature.

    .. math:: \ln\tau = \ln\tau_0 + B / (T - T_0), \qquad 0 \le T_0 < \min T

    The generalisation of :func:`arrhenius` (:math:`T_0 = 0`; data that prefer a negative :math:`T_0` get 0,
    the rest with the errors of a free one), with the same chunking.

    Parameters
    ----------
    tau : DataArray
        With dimensions (..., T); NaN and points that are not positive are left out.
    dim : str, default "T"
        The dimension of temperatures.
    x : DataArray, optional
        Temperatures to use instead of the coordinate of ``dim``.
    stderr : DataArray, optional
        Standard errors of tau; weights the points, and makes the errors absolute.

    Returns
    -------
    Dataset
        With dimensions (...): ``barrier`` (B) and ``vogel_temperature`` in the unit of the temperature
        (default "Vc"), ``prefactor`` in that of ``tau`` (default "sweep"), each with ``_stderr``; ``chi2``,
        ``points``, ``degrees_of_freedom``, ``p_value`` and ``success`` as from :func:`arrhenius`. At least
        four points must remain, else ``success`` is False and the rest NaN; likewise where :math:`T_0` runs
        into the lowest temperature. A :math:`T_0` on its bound, 0, has the error NaN.

    Raises
    ------
    TypeError, ValueError
        As :func:`arrhenius`.

    Notes
    -----
    Scan of :math:`T_0` with the line solved exactly for each, then Levenberg-Marquardt: about 0.5 ms a fit.
    **Lags of one trajectory are correlated: fit errors are honest only through jackknife or bootstrap.**

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> T = np.linspace(0.04, 0.1, 7)
    >>> tau = xr.DataArray(3.0 * np.exp(0.1 / (T - 0.02)), dims="T", coords={"T": T})
    >>> print(f"{vogel_fulcher(tau)['vogel_temperature'].item():.6f}")
    0.020000
    """
    return _law("vogel_fulcher", ["prefactor", "barrier", "vogel_temperature"], tau, dim, x, stderr)


@public
def power_law(
    y: xr.DataArray, *, dim: Hashable, x: xr.DataArray | None = None, stderr: xr.DataArray | None = None
) -> xr.Dataset:
    r"""Exponent of a power law.

    .. math:: y = A\, x^\gamma

    by linear regression of ln y in ln x, with weights from ``stderr / y``; chunking and cost as in
    :func:`arrhenius`.

    Parameters
    ----------
    y : DataArray
        With dimensions (..., dim), positive where it counts: other points are left out, at least three must
        remain.
    dim : str
        The dimension to fit along.
    x : DataArray, optional
        Abscissae to use instead of the coordinate of ``dim``; positive. In units of a model or plain numbers:
        the amplitude means y at one of them.
    stderr : DataArray, optional
        Standard errors of y; weights the points, and makes the errors absolute.

    Returns
    -------
    Dataset
        With dimensions (...): ``exponent`` and ``amplitude`` (y at one unit of x, in the unit of y), each
        with ``_stderr``; ``chi2`` (of ln y), ``points``, ``degrees_of_freedom``, ``p_value`` and ``success``
        as from :func:`arrhenius`.

    Raises
    ------
    TypeError, ValueError
        As :func:`arrhenius`.

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
    abscissa = y.coords.get(dim) if x is None and isinstance(y, xr.DataArray) else x
    if isinstance(abscissa, xr.DataArray):  # what else it may be is said below
        in_model_units("power_law", **{"x" if x is not None else str(dim): abscissa.variable})
    names = ["amplitude", "exponent"]
    fit = fit_slices(
        "power_law", "y", _of_log, names, y, dim, x, stderr, join=True, extras=COUNTED, law="power_law"
    )
    return stamp(fit, energy=energy_unit(y), amplitude=str(y.attrs.get("units", "1")))


@public
def variable_range_hopping(
    rho: xr.DataArray,
    *,
    dim: Hashable = "T",
    exponent: Parameter = 0.5,
    x: xr.DataArray | None = None,
    stderr: xr.DataArray | None = None,
) -> xr.Dataset:
    r"""Variable range hopping, or an activated law, from a resistivity; and which of them the data prefer.

    .. math:: \ln\rho = \ln\rho_0 + (T_0 / T)^s

    with s given: 1/(d + 1) of Mott in d dimensions, 1/2 of Efros and Shklovskii (a Coulomb gap), 1 of
    Arrhenius (refs. 34-36 of Rammal, Ciuchi and Fratini). Linear regression in :math:`T^{-s}`, with weights
    from ``stderr / rho``.

    Laws are compared by the criterion of Akaike, ``aic`` = chi2 + 2 k with errors given, and n ln(chi2 / n) +
    2 k without (k = 2 parameters, n points): the lowest is preferred, and a difference d makes the other law
    less likely by :math:`e^{-d/2}`.

    Parameters
    ----------
    rho : DataArray
        With dimensions (..., T), positive where it counts.
    dim : str, default "T"
        The dimension along which temperature changes.
    exponent : number or sequence, default 0.5
        Exponent s > 0; a sequence, as in ``[1, 1/2, 1/3, 1/4]``, is a dimension ``exponent``.
    x : DataArray, optional
        Temperatures to use instead of the coordinate of ``dim``.
    stderr : DataArray, optional
        Standard errors of ``rho``; weights the points, and makes the errors absolute.

    Returns
    -------
    Dataset
        With dimensions (...[, exponent]): ``hopping_temperature`` (T_0, unit of the temperature),
        ``prefactor`` (unit of ``rho``), each with ``_stderr``; ``chi2`` (of ln rho), ``aic`` and ``success``,
        which is False where rho does not fall with temperature; the parameters are then NaN, chi2 and ``aic``
        those of the line.

    Raises
    ------
    TypeError, ValueError
        As :func:`arrhenius`; an exponent that is not > 0.

    Notes
    -----
    At least three points; about 0.2 ms a fit; any dimension may be chunked. **Honest only for points with
    independent errors**, else use the jackknife.

    Examples
    --------
    >>> import numpy as np, xarray as xr
    >>> T = np.geomspace(0.05, 0.5, 9)
    >>> rho = xr.DataArray(2.0 * np.exp((3.0 / T) ** 0.5), dims="T", coords={"T": T})
    >>> fit = variable_range_hopping(rho, exponent=[1.0, 0.5, 1 / 3])
    >>> print(f"{fit['hopping_temperature'].sel(exponent=0.5).item():.6f} {fit['aic'].idxmin().item():.1f}")
    3.000000 0.5
    """
    power = parameter("exponent", exponent, above=0.0)
    if isinstance(rho, xr.DataArray):  # what else it may be is said below
        aligned("variable_range_hopping", rho=rho, exponent=power)
    names = ["prefactor", "hopping_temperature", "aic"]
    fit = fit_slices(
        "variable_range_hopping", "rho", _hopping, names, rho, dim, x, stderr, join=True, beside=(power,)
    )
    fit = fit.drop_vars("aic_stderr").assign_coords(exponent=power.variable)
    return _in_units(fit, rho[dim] if x is None else x, prefactor=str(rho.attrs.get("units", "1")))


def _law(
    law: Law,
    names: list[str],
    tau: xr.DataArray,
    dim: Hashable,
    x: xr.DataArray | None,
    stderr: xr.DataArray | None,
) -> xr.Dataset:
    fit = fit_slices(law, "tau", _of_log, names, tau, dim, x, stderr, join=True, extras=COUNTED, law=law)
    return _in_units(fit, tau[dim] if x is None else x, prefactor=str(tau.attrs.get("units", "sweep")))


def _in_units(fit: xr.Dataset, temperature: xr.DataArray, *, prefactor: str) -> xr.Dataset:
    """The fit with its attributes; barriers from measured temperatures, in K say, are quoted in meV."""
    energy = str(temperature.attrs.get("units", "Vc"))
    fit = stamp(fit, energy=energy, prefactor=prefactor)
    return fit if energy in ENERGIES else quoted(fit)


@operation("fits.law", revision=2)
@over_slices
def _of_log(x: Floats, y: Floats, error: Floats, *, absolute: bool, law: Law) -> Floats:
    """One fit of ln y: a line in 1/x or ln x, or the Vogel-Fulcher law;
    see :func:`fit_slices` for the form of the result.
    """
    from scipy import special

    parameters = 3 if law == "vogel_fulcher" else 2
    with np.errstate(all="ignore"):
        x, data, sigma = _logarithms(x, y, error, absolute)
        failed = nothing(parameters, data.size, max(data.size - parameters, 0), np.nan)
        if data.size <= parameters or np.ptp(x) == 0:
            return failed
        if law == "vogel_fulcher":
            found = _vogel_fulcher(x, data, sigma)
        else:
            found = _straight(np.log(x) if law == "power_law" else 1 / x, data, sigma)
        if found is None:
            return failed
        p, values, jacobian = found
        result = report(p, jacobian / sigma[:, None], (data - values) / sigma, absolute, logarithm=0)
        if np.isnan(result[0]):
            return failed
        if parameters == 3 and p[2] == 0.0:  # a temperature on its bound has no error of both signs
            result[5] = np.nan
        freedom = data.size - parameters
        chance = special.chdtrc(freedom, result[-2]) if absolute else np.nan  # of a larger chi2
        return np.concatenate([result[:-1], [data.size, freedom, chance, 1.0]])


def _logarithms(x: Floats, y: Floats, error: Floats, absolute: bool) -> tuple[Floats, Floats, Floats]:
    """The points that count, finite and positive, as x, ln y and the errors of ln y."""
    keep = np.isfinite(x) & (x > 0) & np.isfinite(y) & (y > 0) & np.isfinite(error) & (error > 0)
    x, y, error = (np.asarray(v[keep], dtype=np.float64) for v in (x, y, error))
    return x, np.log(y), (error / y if absolute else np.ones_like(y))


def _straight(u: Floats, data: Floats, sigma: Floats) -> tuple[Floats, Floats, Floats]:
    """Parameters, values and Jacobian of a line in u."""
    intercept, slope, _ = line(u, data, sigma)
    return np.array([intercept, slope]), intercept + slope * u, np.stack([np.ones_like(u), u], axis=1)


def _vogel_fulcher(x: Floats, data: Floats, sigma: Floats) -> tuple[Floats, Floats, Floats] | None:
    """Parameters, values and Jacobian of ln y = ln y_0 + B / (x - x_0), or None.

    For each x_0 the rest is a line, so that a scan of x_0 finds where to start.
    """

    def model(p: Floats) -> tuple[Floats, Floats]:
        u = 1 / (x - p[2])
        return p[0] + p[1] * u, np.stack([np.ones_like(u), u, p[1] * u**2], axis=1)

    trial = x.min() * np.linspace(0, 1, 64, endpoint=False)
    intercepts, slopes, chi2 = line(1 / (x - trial[:, None]), data, sigma)
    best = int(np.argmin(chi2))
    start = np.array([intercepts[best], slopes[best], trial[best]])
    p = minimise(model, start, data, sigma, bounded=2, lower=0.0, upper=np.inf)
    return None if p is None or not p[2] < x.min() else (p, *model(p))


@operation("fits.variable_range_hopping")
@over_slices
def _hopping(x: Floats, y: Floats, error: Floats, power: Floats, *, absolute: bool) -> Floats:
    """ln y against x to the power -s, as :func:`_of_log`;
    value and (empty) error of the criterion come before chi2.
    """
    with np.errstate(all="ignore"):
        x, data, sigma = _logarithms(x, y, error, absolute)
        if data.size <= 2 or np.ptp(x) == 0:
            return nothing(3)
        middle = np.exp(np.log(x).mean())
        u = (x / middle) ** -power  # of order one, whatever the unit of T
        intercept, slope, chi2 = line(u, data, sigma)
        aic = (chi2 if absolute else data.size * np.log(chi2 / data.size)) + 4.0
        tail = np.array([aic, np.nan, chi2])
        # T_0 = middle slope^(1/s), of which the logarithm is reported; d ln T_0 = d slope / (s slope)
        p = np.array([intercept, np.log(middle) + np.log(slope) / power])
        jacobian = np.stack([np.ones_like(u), u * power * slope], axis=1) / sigma[:, None]
        result = report(p, jacobian, (data - intercept - slope * u) / sigma, absolute, logarithm=[0, 1])
        return np.concatenate([result[:4], tail, result[-1:]])

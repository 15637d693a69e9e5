"""Curves: labelled data over a coordinate, with error bands and fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from xglass.checks import aligned, both_or_neither, refuse
from xglass.messages import public
from xglass.plot.common import (
    apart,
    chosen,
    computed,
    each,
    finish,
    looks,
    whole_names,
    without_single,
)
from xglass.plot.labels import label, unit_symbol
from xglass.plot.styles import axes
from xglass.units.quantities import ratio

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.lines import Line2D

__all__ = ["arrhenius", "curves", "relaxation"]


def __dir__() -> list[str]:
    return __all__


def _parameters(fit: xr.Dataset | None, *names: str) -> dict[str, xr.DataArray]:
    """Those parameters of a fit that are there."""
    return {} if fit is None else {name: fit[name] for name in names if name in fit}


def _checked(
    caller: str,
    name: str,
    array: xr.DataArray,
    stderr: xr.DataArray | None,
    fit: xr.Dataset | None,
    *parameters: str,
) -> None:
    """Refuse errors or a fit of other labels or units; ``parameters`` are in the unit of the array."""
    parts = {key: part for key, part in {"stderr": stderr, "fit": fit}.items() if part is not None}
    aligned(caller, **{name: array}, **parts)
    both_or_neither(caller, name, array, stderr=stderr, **_parameters(fit, *parameters))


def _factor(caller: str, name: str, array: xr.DataArray, owner: str, reference: xr.DataArray) -> float:
    """What takes an array to the unit of another; 1 where one of them is a plain number."""
    own, wanted = (str(x.attrs.get("units", "1")) for x in (array, reference))
    factor = 1.0 if {own, wanted} & {"1", ""} else ratio(own, wanted)
    advice = "apply to_physical to both, with the same arguments, or to neither"
    refuse(caller, (factor is None, f"{name!r} is in {own} and {owner!r} in {wanted}; {advice}"))
    return float(factor or 1.0)


@public
def curves(
    data: xr.DataArray | xr.Dataset,
    *,
    x: str | None = None,
    variable: str | None = None,
    stderr: xr.DataArray | None = None,
    band: tuple[xr.DataArray, xr.DataArray] | None = None,
    hue: str | None = None,
    ax: Axes | None = None,
    **style: Any,
) -> Axes:
    """Draw curves with bands for their errors: a spectrum against frequency, say.

    Parameters
    ----------
    data : DataArray or Dataset
        Over ``x`` and at most one more dimension. A Dataset brings its errors: the ``x_stderr`` beside ``x``.
    x : str, optional
        Name of the dimension along the axis; default the only one besides ``hue``.
    variable : str, optional
        Which variable of a Dataset to draw; default the only one, or the only one that has errors beside it.
    stderr : DataArray, optional
        Standard errors, a band of one of them on either side.
    band : tuple of two DataArrays, optional
        Lower and upper bounds instead, such as results with another filter.
    hue : str, optional
        Name of the other dimension; default whichever it is. Three and more numbers get sequential colours.
    ax : matplotlib.axes.Axes, optional
        Axes to draw in, whose cycle of colours goes on; default new ones.
    **style : Any
        Passed on to matplotlib's plot (linestyle, marker, color, label, ...).

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in.

    Raises
    ------
    TypeError
        For what is neither a DataArray nor a Dataset.
    ValueError
        For more dimensions than can be drawn, for errors with other labels, and for a Dataset of which the
        variable to draw is not said.

    Examples
    --------
    >>> import numpy as np, xglass as xg
    >>> tls = xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=0.2)
    >>> w = np.linspace(0, 4, 41)
    >>> result = xg.ftlm(tls, T=[0.5, 1.0], frequency=w, broadening=0.2, random_vectors=2, seed=1)
    >>> ax = xg.plot.curves(result, variable="optical_conductivity", x="frequency")
    """
    array, errors = chosen("curves", data, variable, stderr, x, hue)
    refuse("curves", (stderr is not None and band is not None, "stderr and band both say how wide; give one"))
    x = _along("curves", array, x, hue)
    dim = apart("curves", array, x, hue)
    if band is None:
        parts = {} if errors is None else {"stderr": errors}
    else:
        parts = {name: without_single(part, x, hue) for name, part in zip(("low", "high"), band, strict=True)}
    both_or_neither("curves", "data", array, **parts)
    aligned("curves", data=array, **parts)
    array, *bounds = computed(array, *parts.values())
    ax = axes(ax)
    _draw(ax, array, x, dim, bounds, whole_names(style))
    return ax


def _along(caller: str, array: xr.DataArray, x: str | None, hue: str | None) -> str:
    """The dimension along the axis: the one that was named, or the only one."""
    rest = [str(dim) for dim in array.dims if dim != hue]
    if x is None and len(rest) != 1:
        example = f", such as x={rest[-1]!r}" if rest else ""
        raise ValueError(f"{caller}: got dimensions {array.dims}; say which of them the axis has{example}")
    return rest[0] if x is None else x


def _draw(
    ax: Axes,
    array: xr.DataArray,
    x: str,
    dim: str | None,
    width: list[xr.DataArray],
    style: dict[str, Any],
) -> list[Line2D]:
    """Draw a curve for each value of ``dim``, as wide as its error or its two bounds; return the curves."""
    bounds = [array - width[0], array + width[0]] if len(width) == 1 else width
    bands = list(zip(*(each(bound, dim) for bound in bounds), strict=True))
    lines: list[Line2D] = []
    for k, (curve, look) in enumerate(zip(each(array, dim), looks(array, dim, style), strict=True)):
        lines += ax.plot(array[x].values, curve.values, **look)
        if bands:
            low, high = (bound.values for bound in bands[k])
            ax.fill_between(array[x].values, low, high, color=lines[-1].get_color(), alpha=0.25, linewidth=0)
    ax.set_xlabel(label(array[x]))
    finish(ax, array, dim, style)
    return lines


@public
def relaxation(
    C: xr.DataArray | xr.Dataset,
    *,
    fit: xr.Dataset | None = None,
    variable: str | None = None,
    stderr: xr.DataArray | None = None,
    hue: str | None = None,
    ax: Axes | None = None,
    **style: Any,
) -> Axes:
    """Draw correlation functions against lag, with their stretched-exponential fits dashed.

    Parameters
    ----------
    C : DataArray or Dataset
        Over ``lag`` and at most one more dimension, averaged over walkers. A Dataset brings its errors, as
        that of ``xg.jackknife(lambda C: C.mean("walker"), C, dim="walker")`` does.
    fit : Dataset, optional
        Result of :func:`xglass.fits.stretched_exponential` over the same other dimension.
    variable : str, optional
        Which variable of a Dataset to draw; default the only one, or the only one that has errors beside it.
    stderr : DataArray, optional
        Standard errors of C, drawn as bands.
    hue : str, optional
        Name of the other dimension; default whichever it is.
    ax : matplotlib.axes.Axes, optional
        Axes to draw in, whose cycle of colours goes on; default new ones.
    **style : Any
        Passed on to matplotlib's plot (linestyle, marker, color, label, ...), for the data.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in, logarithmic in lag (lag 0 is left out).

    Raises
    ------
    TypeError
        For what is neither a DataArray nor a Dataset.
    ValueError
        For more dimensions than can be drawn, and for a fit or errors with other labels.

    Examples
    --------
    >>> import xglass as xg
    >>> run = xg.testing.tiny_run(sweep=20)
    >>> C = xg.autocorrelation(run.isel(eta=0), waiting_time=0)
    >>> mean = xg.jackknife(lambda C: C.mean("walker"), C, dim="walker")
    >>> ax = xg.plot.relaxation(mean)
    """
    array, errors = chosen("relaxation", C, variable, stderr, "lag", hue)
    fit = without_single(fit, hue)
    dim = apart("relaxation", array, "lag", hue)
    _checked("relaxation", "C", array, errors, fit, "amplitude", "offset")
    both_or_neither("relaxation", "lag", array["lag"], **_parameters(fit, "tau"))
    array, errors, fit = computed(array, errors, fit)
    late = np.flatnonzero(array["lag"].values > 0)
    width = [] if errors is None else [errors.isel(lag=late)]
    ax = axes(ax)
    lines = _draw(ax, array.isel(lag=late), "lag", dim, width, whole_names(style))
    if fit is not None and late.size:
        lag = array["lag"].values[late]
        t = np.geomspace(lag.min(), lag.max(), 200)
        for line, law in zip(lines, each(fit, dim), strict=True):
            decay = np.exp(-((t / float(law["tau"])) ** float(law["exponent"])))
            plateau = float(law["offset"]) if "offset" in law else 0.0
            drawn = float(law["amplitude"]) * decay + plateau
            ax.plot(t, drawn, color=line.get_color(), linestyle="--", linewidth=0.8)
    ax.set_xscale("log")
    return ax


@public
def arrhenius(
    tau: xr.DataArray | xr.Dataset,
    *,
    variable: str | None = None,
    stderr: xr.DataArray | None = None,
    fit: xr.Dataset | None = None,
    dim: str = "T",
    hue: str | None = None,
    ax: Axes | None = None,
    **style: Any,
) -> Axes:
    """Draw relaxation times, on a logarithmic axis, against the inverse temperature.

    Parameters
    ----------
    tau : DataArray or Dataset
        Over ``dim`` and at most one more dimension; NaN is left out. A Dataset brings its errors: that of
        :func:`xglass.fits.stretched_exponential`, say.
    variable : str, optional
        Which variable of a Dataset to draw; default ``relaxation_time_1e`` where there is one, else the only
        one, or the only one that has errors beside it.
    stderr : DataArray, optional
        Standard errors, drawn as bars.
    fit : Dataset, optional
        Result of :func:`xglass.fits.arrhenius` over the same other dimension, drawn as lines.
    dim : str, default "T"
        The temperature.
    hue : str, optional
        Name of the other dimension; default whichever it is.
    ax : matplotlib.axes.Axes, optional
        Axes to draw in, whose cycle of colours goes on; default new ones.
    **style : Any
        Passed on to matplotlib's errorbar (marker, color, label, ...).

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in.

    Raises
    ------
    TypeError
        For what is neither a DataArray nor a Dataset.
    ValueError
        For more dimensions than can be drawn, for a fit or errors with other labels, and for a Dataset of
        which the variable to draw is not said.

    Examples
    --------
    >>> import numpy as np, xarray as xr, xglass as xg
    >>> T = np.array([0.05, 0.07, 0.1])
    >>> tau = xr.DataArray(np.exp(0.1 / T), dims="T", coords={"T": T}, name="tau")
    >>> ax = xg.plot.arrhenius(tau, fit=xg.fits.arrhenius(tau))
    """
    if variable is None and isinstance(tau, xr.Dataset) and "relaxation_time_1e" in tau:
        variable = "relaxation_time_1e"
    array, errors = chosen("arrhenius", tau, variable, stderr, dim, hue)
    fit = without_single(fit, hue)
    hue = apart("arrhenius", array, dim, hue)
    _checked("arrhenius", "tau", array, errors, fit, "prefactor")
    temperature = array[dim]
    barrier = 1.0 if fit is None else _factor("arrhenius", "barrier", fit["barrier"], dim, temperature)
    array, errors, fit = computed(array, errors, fit)
    ax = axes(ax)
    inverse = 1.0 / temperature.values
    span = np.array([inverse.min(), inverse.max()])
    style = {"marker": "o", "linestyle": "none"} | whole_names(style)
    for k, (curve, look) in enumerate(zip(each(array, hue), looks(array, hue, style), strict=True)):
        bars = None if errors is None else each(errors, hue)[k].values
        points = ax.errorbar(inverse, curve.values, yerr=bars, **look)
        if fit is not None:
            law = each(fit, hue)[k]
            drawn = float(law["prefactor"]) * np.exp(barrier * float(law["barrier"]) * span)
            ax.plot(span, drawn, color=points[0].get_color(), linewidth=0.8)
    ax.set_yscale("log")
    unit = str(temperature.attrs.get("units", "1"))
    unit = "" if unit in ("1", "") else f" ({unit_symbol(f'1/{unit}')})"
    ax.set_xlabel(f"$1/{temperature.attrs.get('symbol', dim)}${unit}")
    return finish(ax, array, hue, style)

"""Curves: labelled data over a coordinate, with error bands and fits."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from xglass.checks import aligned, both_or_neither, refuse
from xglass.messages import public
from xglass.plot.styles import PALETTE, axes, label, matplotlib_part, unit_symbol
from xglass.units.quantities import ratio

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["arrhenius", "curves", "relaxation"]


def __dir__() -> list[str]:
    return __all__


def _curves(
    array: xr.DataArray, x: str, hue: str | None, caller: str
) -> tuple[str | None, list[xr.DataArray]]:
    """One curve per value of the remaining dimension, which ``hue`` may name."""
    rest = [str(d) for d in array.dims if d != x]
    if x not in array.dims or len(rest) > 1 or (hue is not None and rest != [hue]):
        raise ValueError(
            f"{caller}: got dimensions {array.dims}; it draws {x!r} and at most one "
            f"more{f', {hue!r}' if hue else ''}: select or average the others"
        )
    return (
        (rest[0], [array.isel({rest[0]: k}) for k in range(array.sizes[rest[0]])])
        if rest
        else (None, [array])
    )


def _parts(fit: xr.Dataset | None, *names: str) -> dict[str, xr.DataArray]:
    """Those parameters of a fit that are there."""
    return {} if fit is None else {name: fit[name] for name in names if name in fit}


def _factor(caller: str, name: str, array: xr.DataArray, owner: str, reference: xr.DataArray) -> float:
    """What takes an array to the unit of another; 1 where one of them is a plain number."""
    own, wanted = (str(x.attrs.get("units", "1")) for x in (array, reference))
    factor = 1.0 if {own, wanted} & {"1", ""} else ratio(own, wanted)
    advice = "apply to_physical to both, with the same arguments, or to neither"
    refuse(caller, (factor is None, f"{name!r} is in {own} and {owner!r} in {wanted}; {advice}"))
    return float(factor or 1.0)


def _colours(array: xr.DataArray, dim: str | None, count: int) -> list[Any]:
    """A sequential palette for an ordered (numerical) parameter, the qualitative one else."""
    if dim is not None and dim in array.coords and array[dim].dtype.kind in "iuf" and count > 2:
        return [matplotlib_part().colormaps["viridis"](0.9 * k / (count - 1)) for k in range(count)]
    return list(itertools.islice(itertools.cycle(PALETTE), count))


def _name(curve: xr.DataArray, dim: str | None) -> str | None:
    if dim is None or dim not in curve.coords:
        return None
    value = curve[dim]
    text = f"{value.item():g}" if value.dtype.kind in "iuf" else str(value.item())
    return (
        f"${value.attrs['symbol']} = {text}$"
        if value.attrs.get("symbol") and value.dtype.kind in "iuf"
        else text
    )


@public
def curves(
    array: xr.DataArray,
    *,
    x: str,
    stderr: xr.DataArray | None = None,
    band: tuple[xr.DataArray, xr.DataArray] | None = None,
    hue: str | None = None,
    ax: Axes | None = None,
    **style: Any,
) -> Axes:
    """Draw curves with bands for their errors: a spectrum against frequency, say.

    Parameters
    ----------
    array : DataArray
        Over ``x`` and at most one more dimension.
    x : str
        Name of the dimension along the axis.
    stderr : DataArray, optional
        Standard errors, a band of one of them on either side.
    band : tuple of two DataArrays, optional
        Lower and upper bounds instead, such as results with another filter.
    hue : str, optional
        Name of the other dimension; default whichever it is. Numbers get sequential colours and a legend.
    ax : matplotlib.axes.Axes, optional
        Axes to draw in; default new ones.
    **style : Any
        Passed on to matplotlib's plot (linestyle, marker, color, label, ...).

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in.

    Raises
    ------
    ValueError
        For more dimensions than can be drawn, and for errors with other labels.

    Examples
    --------
    >>> import numpy as np, xglass as xg
    >>> tls = xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=0.2)
    >>> result = xg.exact(tls, T=[0.5, 1.0], frequency=np.linspace(0, 4, 41), broadening=0.2)
    >>> ax = xg.plot.curves(result["optical_conductivity"], x="frequency")
    """
    bounds = (
        {"stderr": stderr} if stderr is not None else dict(zip(("low", "high"), band or (), strict=False))
    )
    both_or_neither("curves", "array", array, **bounds)
    low, high = (
        (array - stderr, array + stderr) if stderr is not None else band if band is not None else (None, None)
    )
    aligned(
        "curves",
        array=array,
        **{name: part for name, part in {"low": low, "high": high}.items() if part is not None},
    )
    ax = axes(ax)
    dim, lines = _curves(array, x, hue, "curves")
    for k, (curve, colour) in enumerate(zip(lines, _colours(array, dim, len(lines)), strict=True)):
        (line,) = ax.plot(
            array[x].values, curve.values, **({"color": colour, "label": _name(curve, dim)} | style)
        )
        if low is not None and high is not None:
            bottom, top = ((part if dim is None else part.isel({dim: k})).values for part in (low, high))
            ax.fill_between(array[x].values, bottom, top, color=line.get_color(), alpha=0.25, linewidth=0)
    ax.set_xlabel(label(array[x]))
    ax.set_ylabel(label(array))
    if dim is not None and "label" not in style:
        ax.legend()
    return ax


@public
def relaxation(
    C: xr.DataArray,
    *,
    fit: xr.Dataset | None = None,
    stderr: xr.DataArray | None = None,
    hue: str | None = None,
    ax: Axes | None = None,
) -> Axes:
    """Draw correlation functions against lag, with their stretched-exponential fits dashed.

    Parameters
    ----------
    C : DataArray
        Over ``lag`` and at most one more dimension, averaged over walkers.
    fit : Dataset, optional
        Result of :func:`xglass.fits.stretched_exponential` over the same other dimension.
    stderr : DataArray, optional
        Standard errors of C, drawn as bands.
    hue : str, optional
        Name of the other dimension; default whichever it is.
    ax : matplotlib.axes.Axes, optional
        Axes to draw in; default new ones.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in, logarithmic in lag (lag 0 is left out).

    Raises
    ------
    ValueError
        For more dimensions than can be drawn.

    Examples
    --------
    >>> import xglass as xg
    >>> run = xg.testing.tiny_run(sweep=20)
    >>> C = xg.autocorrelation(run.isel(eta=0), waiting_time=0).squeeze("waiting_time").mean("walker")
    >>> ax = xg.plot.relaxation(C)
    """
    aligned("relaxation", C=C, **{k: v for k, v in {"stderr": stderr, "fit": fit}.items() if v is not None})
    both_or_neither("relaxation", "C", C, stderr=stderr, **_parts(fit, "amplitude", "offset"))
    both_or_neither("relaxation", "lag", C["lag"], **_parts(fit, "tau"))
    dim, _ = _curves(C, "lag", hue, "relaxation")
    late = C["lag"].values > 0
    ax = curves(
        C.isel(lag=late), x="lag", stderr=None if stderr is None else stderr.isel(lag=late), hue=hue, ax=ax
    )
    if fit is not None:
        x = C["lag"].values[late]
        count = 1 if dim is None else C.sizes[dim]
        for k, colour in enumerate(_colours(C, dim, count)):
            part = fit if dim is None else fit.isel({dim: k})
            offset = float(part["offset"]) if "offset" in part else 0.0
            drawn = (
                float(part["amplitude"]) * np.exp(-((x / float(part["tau"])) ** float(part["exponent"])))
                + offset
            )
            ax.plot(x, drawn, color=colour, linestyle="--", linewidth=0.8)
    ax.set_xscale("log")
    return ax


@public
def arrhenius(
    tau: xr.DataArray,
    *,
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
    tau : DataArray
        Over ``dim`` and at most one more dimension; NaN is left out.
    stderr : DataArray, optional
        Standard errors, drawn as bars.
    fit : Dataset, optional
        Result of :func:`xglass.fits.arrhenius` over the same other dimension, drawn as lines.
    dim : str, default "T"
        The temperature.
    hue : str, optional
        Name of the other dimension; default whichever it is.
    ax : matplotlib.axes.Axes, optional
        Axes to draw in; default new ones.
    **style : Any
        Passed on to matplotlib's errorbar (marker, color, label, ...).

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in.

    Raises
    ------
    ValueError
        For more dimensions than can be drawn.

    Examples
    --------
    >>> import numpy as np, xarray as xr, xglass as xg
    >>> T = np.array([0.05, 0.07, 0.1])
    >>> tau = xr.DataArray(np.exp(0.1 / T), dims="T", coords={"T": T}, name="tau")
    >>> ax = xg.plot.arrhenius(tau, fit=xg.fits.arrhenius(tau))
    """
    aligned(
        "arrhenius", tau=tau, **{k: v for k, v in {"stderr": stderr, "fit": fit}.items() if v is not None}
    )
    both_or_neither("arrhenius", "tau", tau, stderr=stderr, **_parts(fit, "prefactor"))
    barrier = 1.0 if fit is None else _factor("arrhenius", "barrier", fit["barrier"], dim, tau[dim])
    ax = axes(ax)
    hue, curves = _curves(tau, dim, hue, "arrhenius")
    inverse = 1.0 / tau[dim].values
    span = np.array([inverse.min(), inverse.max()])
    for k, (curve, colour) in enumerate(zip(curves, _colours(tau, hue, len(curves)), strict=True)):
        error = None if stderr is None else (stderr if hue is None else stderr.isel({hue: k})).values
        options = {"marker": "o", "linestyle": "none", "color": colour, "label": _name(curve, hue)} | style
        ax.errorbar(inverse, curve.values, yerr=error, **options)
        if fit is not None:
            part = fit if hue is None else fit.isel({hue: k})
            ax.plot(
                span,
                float(part["prefactor"]) * np.exp(barrier * float(part["barrier"]) * span),
                color=options["color"],
                linewidth=0.8,
            )
    ax.set_yscale("log")
    unit = tau[dim].attrs.get("units", "1")
    ax.set_xlabel(
        f"$1/{tau[dim].attrs.get('symbol', dim)}$" + (f" (1/{unit_symbol(unit)})" if unit != "1" else "")
    )
    ax.set_ylabel(label(tau))
    if hue is not None:
        ax.legend()
    return ax

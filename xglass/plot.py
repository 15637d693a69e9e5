"""Labelled arrays in, matplotlib axes out.

Labels and units come from attributes; nothing is computed but the drawn curve of a fit.
"""

from __future__ import annotations

import contextlib
import itertools
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from xglass.checks import aligned, both_or_neither, extra, in_label_order, refuse
from xglass.lattice.whole import require_whole
from xglass.units.quantities import ratio

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["arrhenius", "charge_map", "curves", "label", "lattice", "relaxation", "style"]


def __dir__() -> list[str]:
    return __all__


#: Okabe and Ito's palette without its yellow: told apart by every kind of colour vision, and in grey.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

#: Figures of one journal column.
STYLE: dict[str, Any] = {
    "figure.figsize": (3.4, 2.6),
    "figure.dpi": 120,
    "figure.constrained_layout.use": True,
    "font.size": 8,
    "axes.labelsize": 8,
    "axes.titlesize": 8,
    "axes.prop_cycle": f"cycler(color={list(PALETTE)})",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "legend.handlelength": 1.4,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "errorbar.capsize": 1.5,
    "image.cmap": "viridis",
    "mathtext.fontset": "stix",
    "svg.fonttype": "none",
    "svg.hashsalt": "xglass",
}


def style() -> contextlib.ExitStack:
    """Set matplotlib to the look of the figures of this documentation: one journal column, a safe palette.

    Returns
    -------
    contextlib.ExitStack
        A context at whose end the settings are again what they were before; without ``with`` they stay.

    Examples
    --------
    >>> import matplotlib, xglass as xg
    >>> before = matplotlib.rcParams["font.size"]
    >>> with xg.plot.style():
    ...     matplotlib.rcParams["font.size"]
    8.0
    >>> matplotlib.rcParams["font.size"] == before
    True
    """
    parameters: Any = _matplotlib().rcParams
    restore = contextlib.ExitStack()
    restore.callback(parameters.update, {key: parameters[key] for key in STYLE})
    parameters.update(STYLE)
    return restore


def _matplotlib(part: str = "") -> Any:
    """Return matplotlib, or a module of it."""
    return extra(f"matplotlib{part}", "viz", caller="plot")


def _axes(ax: Axes | None) -> Axes:
    plt = _matplotlib(".pyplot")
    return plt.subplots()[1] if ax is None else ax


def label(array: xr.DataArray) -> str:
    r"""Label an axis for an array: its symbol (or long name) and unit, from its attributes.

    Parameters
    ----------
    array : DataArray
        Any DataArray of xglass.

    Returns
    -------
    str
        Text with LaTeX, for matplotlib.

    Raises
    ------
    AttributeError
        If it has no attributes.

    Examples
    --------
    >>> import xglass as xg
    >>> xg.plot.label(xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=0.2)["omega0"])
    '$\\omega_0$ ($t$)'
    """
    symbol, unit = array.attrs.get("symbol"), array.attrs.get("units", "1")
    text = f"${symbol}$" if symbol else str(array.attrs.get("long_name", array.name or ""))
    return text if unit in ("1", "") else f"{text} ({unit_symbol(unit)})"


#: Units of models in formulas; what holds anything else is a physical unit and stays upright.
SYMBOLS = {"Vc": "V", "tc": "t", "a": "a", "e": "e", "hbar": r"\hbar"}


def unit_symbol(unit: str) -> str:
    """A unit as it is set in a label: those of models as formulas."""
    names = re.findall(r"[A-Za-z]+", unit)
    if not set(names) <= set(SYMBOLS):
        return unit
    return "$" + re.sub(r"[A-Za-z]+", lambda name: SYMBOLS[name.group()] + " ", unit).strip() + "$"


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
        return [_matplotlib().colormaps["viridis"](0.9 * k / (count - 1)) for k in range(count)]
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
    ax = _axes(ax)
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
    ax = _axes(ax)
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


def _plane(lattice: xr.Dataset, *needed: str, caller: str) -> np.ndarray:
    """The positions of a lattice in the plane whose sites and bonds stand in order."""
    require_whole(lattice, "position", "torus", "cells", *needed, caller=caller, physical=True)
    if lattice.sizes["axis"] != 2:
        raise ValueError(f"{caller}: draws two-dimensional lattices, got {lattice.sizes['axis']} dimensions")
    return lattice["position"].values


def _of_sites(name: str, array: xr.DataArray, sites: int) -> xr.DataArray:
    """What has one entry for each site, in the order of the lattice."""
    if array.dims != ("site",) or array.size != sites:
        raise ValueError(
            f"plot.charge_map: {name} must have the dimension 'site' with {sites} entries, got "
            f"{dict(array.sizes)}; select one configuration"
        )
    return in_label_order(f"plot.charge_map: {name}", array)


def _frame(ax: Axes) -> Axes:
    ax.set_aspect("equal")
    ax.set_axis_off()
    ax.autoscale_view()
    return ax


def lattice(lattice: xr.Dataset, *, ax: Axes | None = None) -> Axes:
    """Draw the sites and bonds of a two-dimensional lattice, a colour for each kind of bond.

    Parameters
    ----------
    lattice : Dataset
        Lattice, model or run.
    ax : matplotlib.axes.Axes, optional
        Axes to draw in; default new ones.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in; bonds that cross the boundary of the torus are stubs from their source.

    Raises
    ------
    ValueError
        For lattices that are not two-dimensional, or whose sites or bonds were reordered.
    KeyError
        Where the geometry was dropped.

    Examples
    --------
    >>> import xglass as xg
    >>> ax = xg.plot.lattice(xg.lattice.triangular(4))
    """
    collections = _matplotlib(".collections")
    bonds = ("bond_source", "bond_target", "bond_vector", "bond_kind")
    position = _plane(lattice, *bonds, caller="plot.lattice")
    ax = _axes(ax)
    source, vector = lattice["bond_source"].values, lattice["bond_vector"].values
    inside = (
        np.linalg.norm(position[source] + vector - position[lattice["bond_target"].values], axis=1) < 1e-9
    )
    ends = position[source] + np.where(inside[:, None], vector, 0.4 * vector)
    segments, kinds = np.stack([position[source], ends], axis=1), lattice["bond_kind"].values
    for kind, colour in zip(np.unique(kinds), itertools.cycle(PALETTE)):
        ax.add_collection(
            collections.LineCollection(
                list(segments[kinds == kind]), colors=colour, linewidths=1.5, label=str(kind), zorder=1
            )
        )
    ax.scatter(position[:, 0], position[:, 1], s=30, color="black", zorder=2)
    ax.legend(
        title=lattice["bond_kind"].attrs.get("long_name", "bond"), loc="upper left", bbox_to_anchor=(1.0, 1.0)
    )
    return _frame(ax)


def charge_map(
    lattice: xr.Dataset,
    charge: xr.DataArray,
    *,
    potential: xr.DataArray | None = None,
    ax: Axes | None = None,
    colorbar: bool = True,
) -> Axes:
    """Draw the charges of one configuration as disks, on a map of the electrostatic potential.

    As Figs. 3b, c of Fratini et al., SciPost Phys. 14, 124 (2023): the radius of a disk is proportional to
    the charge.

    Parameters
    ----------
    lattice : Dataset
        Two-dimensional lattice, model or run.
    charge : DataArray
        Over ``site``: an occupation or a local density; labels of sites are followed.
    potential : DataArray, optional
        Over ``site``, drawn as the colour of the Voronoi cell of each site.
    ax : matplotlib.axes.Axes, optional
        Axes to draw in; default new ones.
    colorbar : bool, default True
        Whether a potential gets its colour bar.

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in.

    Raises
    ------
    ValueError
        For arrays that have other dimensions than ``site`` or other labels of sites, and for lattices that
        are not two-dimensional, or whose sites were reordered.

    Examples
    --------
    >>> import xglass as xg
    >>> run = xg.testing.tiny_run().isel(eta=0, T=0, walker=0, sweep=-1)
    >>> ax = xg.plot.charge_map(run, xg.local_density(run), potential=xg.electrostatic_potential(run))
    """
    collections = _matplotlib(".collections")
    from scipy.spatial import Voronoi

    position = _plane(lattice, "bond_vector", caller="plot.charge_map")
    charge = _of_sites("charge", charge, len(position))
    potential = None if potential is None else _of_sites("potential", potential, len(position))
    ax = _axes(ax)
    if potential is not None:
        shifts = (
            np.array(list(itertools.product((0, 1, -1), repeat=2))) @ lattice["torus"].values
        )  # periodic images close the cells
        cells = Voronoi((position + shifts[:, None, :]).reshape(-1, 2))
        polygons = [cells.vertices[cells.regions[cells.point_region[i]]] for i in range(len(position))]
        background = collections.PolyCollection(
            polygons, array=potential.values, cmap="Blues_r", edgecolors="face", linewidths=0.3, zorder=1
        )
        ax.add_collection(background)
        if colorbar:
            ax.figure.colorbar(background, ax=ax, label=label(potential), shrink=0.8)
    nearest = np.linalg.norm(lattice["bond_vector"].values, axis=1).min()
    diameters = 0.9 * nearest * charge.values.astype(float)
    disks = collections.EllipseCollection(
        diameters,
        diameters,
        np.zeros_like(diameters),
        units="x",
        offsets=position,
        offset_transform=ax.transData,
        facecolors="#E69F00",
        edgecolors="black",
        linewidths=0.4,
        zorder=2,
    )
    ax.add_collection(disks)
    return _frame(ax)

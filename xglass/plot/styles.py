"""How figures look: the style of one journal column, labels from attributes, and axes to draw on."""

from __future__ import annotations

import contextlib
import re
from typing import TYPE_CHECKING, Any

import xarray as xr

from xglass.checks import extra
from xglass.messages import public

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["axes", "label", "matplotlib_part", "style", "unit_symbol"]


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


@public
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
    parameters: Any = matplotlib_part().rcParams
    restore = contextlib.ExitStack()
    restore.callback(parameters.update, {key: parameters[key] for key in STYLE})
    parameters.update(STYLE)
    return restore


def matplotlib_part(part: str = "") -> Any:
    """Return matplotlib, or a module of it."""
    return extra(f"matplotlib{part}", "viz", caller="plot")


def axes(ax: Axes | None) -> Axes:
    """Return axes to draw on: those that were given, or new ones."""
    plt = matplotlib_part(".pyplot")
    return plt.subplots()[1] if ax is None else ax


@public
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

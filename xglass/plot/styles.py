"""How figures look: the style of one journal column, and axes to draw on."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from xglass.checks import extra
from xglass.messages import public

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["axes", "matplotlib_part", "style"]


def __dir__() -> list[str]:
    return __all__


#: Okabe and Ito's palette without its yellow: told apart by every kind of colour vision, and in grey.
PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")

#: Figures of one journal column.
STYLE: dict[str, Any] = {
    "figure.figsize": (3.4, 2.6),
    "figure.dpi": 120,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 200,
    "font.family": ["STIXGeneral", "DejaVu Sans"],  # words, numbers and formulas in one face
    "mathtext.fontset": "stix",
    "axes.formatter.use_mathtext": True,
    "font.size": 9,
    "axes.labelsize": 9,
    "axes.titlesize": 9,
    "axes.prop_cycle": f"cycler(color={list(PALETTE)})",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "legend.fontsize": 8,
    "legend.title_fontsize": 8,
    "legend.frameon": False,
    "legend.handlelength": 1.4,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.direction": "in",
    "ytick.direction": "in",
    "lines.linewidth": 1.2,
    "lines.markersize": 3.5,
    "errorbar.capsize": 1.5,
    "image.cmap": "viridis",
    "svg.fonttype": "none",
    "svg.hashsalt": "xglass",
}


@public
def style() -> contextlib.AbstractContextManager[Any]:
    """Set matplotlib to the look of the figures of this documentation: one journal column, a safe palette.

    Call it once, at the head of a script or notebook, or write ``with xg.plot.style():`` around a figure.

    Returns
    -------
    contextlib.AbstractContextManager
        A context at whose end the settings are again what they were before; without ``with`` they stay.

    Examples
    --------
    >>> import matplotlib, xglass as xg
    >>> before = matplotlib.rcParams["font.size"]
    >>> with xg.plot.style():
    ...     matplotlib.rcParams["font.size"]
    9.0
    >>> matplotlib.rcParams["font.size"] == before
    True
    """
    parameters: Any = matplotlib_part().rcParams
    restore = _Restore()
    restore.callback(parameters.update, {key: parameters[key] for key in STYLE})
    parameters.update(STYLE)
    return restore


class _Restore(contextlib.ExitStack):
    """What ``style`` returns. A notebook shows it where the call is the last line of a cell."""

    def __repr__(self) -> str:
        return "figures of one journal column; `with xg.plot.style():` for those of one block"


def matplotlib_part(part: str = "") -> Any:
    """Return matplotlib, or a module of it."""
    return extra(f"matplotlib{part}", "viz", caller="plot")


def axes(ax: Axes | None) -> Axes:
    """Return axes to draw on: those that were given, or new ones, whose labels always have room."""
    return matplotlib_part(".pyplot").subplots(layout="constrained")[1] if ax is None else ax

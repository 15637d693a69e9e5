"""Histograms: how the values of a quantity are distributed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from xglass import ops
from xglass.checks import real_array, refuse
from xglass.messages import public
from xglass.plot.common import apart, chosen, computed, each, finish, looks, whole_names
from xglass.plot.labels import label
from xglass.plot.styles import axes
from xglass.variables.registry import Floats

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["histogram"]


def __dir__() -> list[str]:
    return __all__


@public
def histogram(
    data: xr.DataArray | xr.Dataset,
    *,
    variable: str | None = None,
    bins: int | Sequence[float] | Floats = 30,
    range: tuple[float, float] | None = None,
    density: bool = True,
    hue: str | None = None,
    ax: Axes | None = None,
    **style: Any,
) -> Axes:
    """Draw how the values of a quantity are distributed, over walkers and sweeps, say.

    Parameters
    ----------
    data : DataArray or Dataset
        Values, which are counted over all dimensions but ``hue``; or a result of
        :func:`xglass.ops.histogram`, over ``bin`` and at most one more dimension.
    variable : str, optional
        Which variable of a Dataset to draw; default the only one.
    bins : int or sequence of float, default 30
        Number of equal bins over ``range``, or their edges.
    range : (float, float), optional
        Lowest and highest edge; default from the least to the largest value.
    density : bool, default True
        Whether the area is one, rather than the number of values.
    hue : str, optional
        Dimension each value of which has a histogram of its own, all with the same bins. Three and more
        numbers get sequential colours.
    ax : matplotlib.axes.Axes, optional
        Axes to draw in, whose cycle of colours goes on; default new ones.
    **style : Any
        Passed on to matplotlib's stairs (fill, linestyle, color, label, ...).

    Returns
    -------
    matplotlib.axes.Axes
        The axes drawn in, with the symbol and the unit of the quantity.

    Raises
    ------
    TypeError
        For what is neither a DataArray nor a Dataset, and for values that are not real numbers.
    ValueError
        If there is no finite value, if dimensions do not fit, or bins are not as they must be.

    Examples
    --------
    >>> import xglass as xg
    >>> run = xg.testing.tiny_run(sweep=20).isel(eta=0)
    >>> ax = xg.plot.histogram(run, variable="electrostatic_energy", hue="T", bins=12)
    """
    array, _ = chosen("histogram", data, variable, None, None, hue)
    if "bin" not in array.dims:
        array = _counted(array, bins, range, density, hue)
    dim = apart("histogram", array, "bin", hue)
    (array,) = computed(array)
    ax = axes(ax)
    style = whole_names(style, "patches.Patch")
    edges = np.append(array["bin_left"].values, array["bin_right"].values[-1])
    for counts, look in zip(each(array, dim), looks(array, dim, style), strict=True):
        ax.stairs(counts.values, edges, **look)
    ax.set_xlabel(label(array["bin"]))
    finish(ax, array, dim, style)
    if array.name == "histogram":
        ax.set_ylabel("counts")
    return ax


def _counted(
    array: xr.DataArray,
    bins: int | Sequence[float] | Floats,
    range: tuple[float, float] | None,
    density: bool,
    hue: str | None,
) -> xr.DataArray:
    """The histogram over all dimensions but one; by default from the least to the largest value."""
    real_array("histogram", "data", array)
    missing = f"got dimensions {array.dims}, and hue={hue!r} is none of them"
    refuse("histogram", (hue is not None and hue not in array.dims, missing))
    (array,) = computed(array)
    if range is None and np.ndim(bins) == 0:
        values = array.values[np.isfinite(array.values)].astype(float)
        refuse("histogram", (values.size == 0, f"{array.name or 'data'} has no finite value to count"))
        low, high = values.min(), values.max()
        range = (low, high) if low < high else (low - 0.5, high + 0.5)
    dims = [dim for dim in array.dims if dim != hue]
    return ops.histogram(array, bins=bins, range=range, dim=dims, density=density)

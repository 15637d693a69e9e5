"""What the functions of this room share: which part of the data is drawn, how it looks, and its legend."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import dask
import numpy as np
import xarray as xr

from xglass.checks import refuse
from xglass.plot.labels import label, quantity
from xglass.plot.styles import matplotlib_part

if TYPE_CHECKING:
    from matplotlib.axes import Axes

__all__ = ["apart", "chosen", "computed", "each", "finish", "looks", "whole_names", "without_single"]


def __dir__() -> list[str]:
    return __all__


def chosen(
    caller: str,
    data: xr.DataArray | xr.Dataset,
    variable: str | None,
    stderr: xr.DataArray | None,
    x: str | None,
    hue: str | None,
) -> tuple[xr.DataArray, xr.DataArray | None]:
    """A DataArray with the errors that were given, or a variable of a Dataset with those beside it."""
    if isinstance(data, xr.DataArray):
        refuse(
            caller, (variable is not None, f"variable={variable!r} chooses from a Dataset, got a DataArray")
        )
        return without_single(data, x, hue), without_single(stderr, x, hue)
    if not isinstance(data, xr.Dataset):
        raise TypeError(f"{caller}: draws a DataArray or a Dataset, got {type(data).__name__}")
    there = [str(name) for name, array in data.data_vars.items() if x is None or x in array.dims]
    quantities = [name for name in there if not name.endswith("_stderr")]
    names = [name for name in quantities if f"{name}_stderr" in there] or quantities
    if variable is None and len(names) != 1:
        over = "" if x is None else f" over {x!r}"
        held = f"holds {', '.join(names)}{over}" if names else f"holds nothing{over}"
        raise ValueError(f"{caller}: the Dataset {held}; choose by variable={(names or ['name'])[0]!r}")
    name = names[0] if variable is None else variable
    refuse(caller, (name not in data, f"variable must be one of {', '.join(quantities)}, got {name!r}"))
    beside = data.get(f"{name}_stderr") if stderr is None else stderr
    return without_single(data[name], x, hue), without_single(beside, x, hue)


def without_single(obj: Any, *kept: str | None) -> Any:
    """An array or fit without dimensions of one value, such as that of a single waiting time."""
    if obj is None:
        return None
    return obj.squeeze([dim for dim, size in obj.sizes.items() if size == 1 and dim not in kept])


def computed(*parts: Any) -> tuple[Any, ...]:
    """All that is drawn, computed together: a value and its error come from one simulation."""
    found: tuple[Any, ...] = dask.compute(*parts)
    return found


def apart(caller: str, array: xr.DataArray, x: str, hue: str | None) -> str | None:
    """The dimension each value of which has a curve: the one besides x, which ``hue`` may name."""
    rest = [str(dim) for dim in array.dims if dim != x]
    if x not in array.dims or len(rest) > 1 or (hue is not None and rest != [hue]):
        raise ValueError(
            f"{caller}: got dimensions {array.dims}; it draws {x!r} and at most one "
            f"more{f', {hue!r}' if hue else ''}: select or average the others"
        )
    return rest[0] if rest else None


def each(obj: Any, dim: str | None) -> list[Any]:
    """The parts of an array or a fit, one for each curve."""
    return [obj] if dim is None else [obj.isel({dim: k}) for k in range(obj.sizes[dim])]


def whole_names(style: dict[str, Any], artist: str = "lines.Line2D") -> dict[str, Any]:
    """Name the properties of a matplotlib artist in full: ``color`` for ``c``."""
    module, _, kind = artist.partition(".")
    names: dict[str, Any] = matplotlib_part(".cbook").normalize_kwargs(
        style, getattr(matplotlib_part(f".{module}"), kind)
    )
    return names


def looks(array: xr.DataArray, dim: str | None, style: dict[str, Any]) -> list[dict[str, Any]]:
    """Label and colour of each curve, beneath what the caller wants.

    Three and more numbers have sequential colours. Other curves are left to the cycle of the axes, which goes
    on from one call to the next.
    """
    if dim is None:
        return [style]
    count = array.sizes[dim]
    if dim not in array.coords:
        return [style] * count
    own: list[dict[str, Any]] = [{"label": quantity(value)} for value in array[dim]]
    if array[dim].dtype.kind in "iuf" and count > 2:
        colours = matplotlib_part().colormaps["viridis"](np.linspace(0.0, 0.9, count))
        own = [look | {"color": tuple(colour)} for look, colour in zip(own, colours, strict=True)]
    return [look | style for look in own]


def finish(ax: Axes, array: xr.DataArray, dim: str | None, style: dict[str, Any]) -> Axes:
    """The axes with the label of what is drawn, and a legend of its curves."""
    ax.set_ylabel(label(array))
    if dim is not None and dim in array.coords and "label" not in style:
        ax.legend()
    return ax

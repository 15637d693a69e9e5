"""Results as they are quoted in a sentence: a number, its error and their unit."""

from __future__ import annotations

import math

import numpy as np
import xarray as xr

from xglass.checks import refuse
from xglass.messages import public

__all__ = ["text"]


def __dir__() -> list[str]:
    return __all__


@public
def text(data: xr.Dataset, name: str) -> str:
    """A variable with its standard error and its unit, such as "59(11) meV".

    The digits in brackets are the error in the last digits of the number, two of them; an error that is no
    fraction of one keeps its point, as in "3.4(1.2)". The printed form of a Dataset leaves units out.

    Parameters
    ----------
    data : Dataset
        With the variable and, beside it, its error: a fit, what the jackknife or the bootstrap returned, or a
        solution; in units of the model or physical ones.
    name : str
        The variable; the one of its error is ``name_stderr``.

    Returns
    -------
    str
        One line, or one for each point where the variable has dimensions, headed by the coordinates of that
        point. An error that is not known is "nan", as it is in the data. Lazy data are computed.

    Raises
    ------
    TypeError
        What is no Dataset, or a variable of something else than real numbers.
    ValueError
        The variable or its error is not there, or they differ in unit.

    Examples
    --------
    >>> import xarray as xr, xglass as xg
    >>> T = xr.DataArray([0.05, 0.1], dims="T", name="T", attrs={"units": "Vc"})
    >>> tau = xr.DataArray([40.2, 5.31], dims="T", coords={"T": T}, name="tau", attrs={"units": "sweep"})
    >>> times = xr.Dataset({"tau": tau, "tau_stderr": 0.03 * tau})
    >>> print(xg.units.text(times, "tau"))
    T = 0.05 Vc: 40.2(1.2) sweep
    T = 0.1 Vc: 5.31(16) sweep
    """
    if not isinstance(data, xr.Dataset):
        raise TypeError(
            "text: give the Dataset that holds a variable and its error, and the name of the variable; got a "
            f"{type(data).__name__}"
        )
    there = [str(key) for key in data.variables if f"{key}_stderr" in data.variables]
    for wanted in (name, f"{name}_stderr"):
        refuse(
            "text",
            (
                wanted not in data.variables,
                f"the Dataset has no {wanted!r}; with an error beside them it has {there}",
            ),
        )
    value, error = data[name], data[f"{name}_stderr"]
    for array in (value, error):
        if array.dtype.kind not in "iuf":
            raise TypeError(f"text: {array.name!r} must be real numbers, got {array.dtype}")
    unit, other = (array.attrs.get("units", "1") for array in (value, error))
    refuse("text", (unit != other, f"{name!r} is in {unit} and {error.name!r} in {other}; convert both"))
    value, error = xr.broadcast(value.compute(), error.compute())
    lines = []
    for index in np.ndindex(value.shape):
        point = value[index]
        where = ", ".join(_place(value, dim, k) for dim, k in zip(value.dims, index, strict=True))
        number = _number(float(point), float(error[index])) + _suffix(unit)
        lines.append(f"{where}: {number}" if where else number)
    return "\n".join(lines)


def _suffix(unit: str) -> str:
    """A unit after its number; pure numbers have none."""
    return "" if unit in ("", "1") else f" {unit}"


def _place(array: xr.DataArray, dim: object, k: int) -> str:
    """Where a point lies along a dimension: ``T = 30 K``."""
    if dim not in array.coords:
        return f"{dim} {k}"
    label = array.coords[dim].values[k]
    shown = f"{label:g}" if isinstance(label, (int, float, np.number)) else str(label)
    return f"{dim} = {shown}{_suffix(array.coords[dim].attrs.get('units', '1'))}"


def _number(value: float, error: float) -> str:
    """A number with its error in brackets, "59(11)"."""
    if not (math.isfinite(value) and math.isfinite(error) and error > 0):
        return f"{value:.4g}({error:.4g})"
    top = math.floor(math.log10(max(abs(value), error)))
    power = top if not -4 <= top < 6 else 0  # far from one in powers of ten, as print does
    value, error = value / 10.0**power, error / 10.0**power
    decimals = 1 - int(f"{error:.1e}".partition("e")[2])  # of the rounded error: 0.0996 is 0.10
    number, digits = (f"{round(x, decimals):.{max(decimals, 0)}f}" for x in (value, error))
    digits = digits.removeprefix("0.").lstrip("0")  # 0.0042 counts in last digits, 1.2 as it stands
    return f"{number}({digits})" + (f"e{power}" if power else "")

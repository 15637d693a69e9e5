"""Parameters as they enter: numbers, sequences, labelled arrays, Quantities and texts with a unit."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import xarray as xr

from xglass.checks import in_label_order
from xglass.messages import public
from xglass.units.quantities import (
    as_energy,
    as_quantity,
    as_unit,
    canonical,
    in_model_unit,
    refuse_another_zero,
    shortened,
    unit_registry,
)
from xglass.variables.registry import NATURAL, REGISTRY, attributes

if TYPE_CHECKING:
    import pint

__all__ = ["parameter", "scale_coordinate", "scale_of"]


def __dir__() -> list[str]:
    return __all__


#: One value of a parameter: a number in the unit of the model, or a Quantity or text with a unit of its own.
Value: TypeAlias = "float | np.integer | np.floating | str | pint.Quantity"

#: A parameter as :func:`parameter` takes it: one value, a sequence (a dimension of its name), or labelled.
Parameter: TypeAlias = "Value | Sequence[Value] | np.ndarray | xr.DataArray"

#: Frequencies, energies or times: one rising sequence.
Frequencies: TypeAlias = "Value | Sequence[Value] | np.ndarray | xr.DataArray"

#: A number of walkers or realizations, or the label of each.
Labels: TypeAlias = "int | np.integer | Sequence[int] | np.ndarray | xr.DataArray"

#: How work is cut: "auto", sizes by dimension, or None: compute now.
Chunks: TypeAlias = "str | dict[str, int] | None"

#: Dimensions that a parameter may not carry: they are made by lattices, solvers and observables.
NEVER_OF_PARAMETERS = (
    "site",
    "site2",
    "bond",
    "walker",
    "sweep",
    "axis",
    "period",
    "lag",
    "waiting_time",
    "frequency",
    "q",
)


def _numbers(name: str, value: object, unit: str, scale: float | None) -> np.ndarray:
    """Finite float64 values (float32 kept for :func:`canonical`) of a scalar, a sequence,
    a Quantity or a string.
    """
    if isinstance(value, (str,)) or hasattr(value, "magnitude"):
        quantity = as_quantity(name, value)
        value = value if quantity is None else in_model_unit(name, quantity, unit, scale)
    elif isinstance(value, Sequence) and any(isinstance(x, str) or hasattr(x, "magnitude") for x in value):
        value = [float(_numbers(name, x, unit, scale)) for x in value]
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be real numbers, got {shortened(value)}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got {shortened(value)}")
    return array


@public
def parameter(
    name: str,
    value: object,
    *,
    scale: float | None = None,
    energy: str = "Vc",
    above: float = -math.inf,
    below: float = math.inf,
    zero: bool = False,
    core: tuple[str, ...] = (),
) -> xr.DataArray:
    """A parameter as a DataArray of canonical values in the unit of the model: the edge where all parameters
    enter.

    Parameters
    ----------
    name : str
        The registered name; also the dimension that a sequence becomes.
    value : number, sequence, DataArray, Quantity or str
        A DataArray keeps its dims; a text is a number with a unit.
    scale : float, optional
        Energy unit of the model in meV.
    energy : str
        Name of the energy unit of the model.
    above, below : float
        Open interval in which all values must lie.
    zero : bool
        Whether the value 0 is allowed besides.
    core : tuple of str
        Dimensions the parameter has by definition (``site``, ``bond``); then ``value`` must be a DataArray.

    Returns
    -------
    DataArray
        Eager, of its name and with its attributes.

    Raises
    ------
    TypeError
        What is no real number.
    ValueError
        Values that are not finite or out of range, dask-backed parameters, empty or repeated values, and
        Quantities of another dimension.
    """
    unit = REGISTRY[name].unit.format(E=energy)
    if isinstance(value, xr.DataArray):
        result = _labelled(name, value, scale, energy, core)
    elif core:
        raise TypeError(
            f"{name} must be a DataArray with dimensions (..., {', '.join(core)}), got {type(value).__name__}"
        )
    else:
        if (
            isinstance(value, Iterable)
            and not isinstance(value, (str, Sequence, np.ndarray))
            and not hasattr(value, "magnitude")
        ):
            raise TypeError(
                f"{name} must be a number, a sequence, a DataArray or a Quantity, got {shortened(value)}"
            )
        numbers = canonical(_numbers(name, value, unit, scale))
        if numbers.ndim > 1:
            raise ValueError(
                f"{name} has shape {numbers.shape}; a sequence must be one-dimensional, pass a "
                "DataArray with named dims"
            )
        result = xr.DataArray(numbers, dims=(name,) * numbers.ndim)
    if result.size == 0:
        raise ValueError(f"{name} is empty; pass at least one value")
    if not ((result.values > above) & (result.values < below) | (zero & (result.values == 0.0))).all():
        interval = (
            f"> {above:g}"
            if below == math.inf
            else f"< {below:g}"
            if above == -math.inf
            else f"in ({above:g}, {below:g})"
        )
        raise ValueError(f"{name} must be {interval}{' or 0' if zero else ''}, got {shortened(value)}")
    if result.dims == (name,):
        if np.unique(result.values).size != result.size:
            raise ValueError(f"{name} repeats values: {shortened(value)}; each may stand once")
        result = result.assign_coords({name: result.values})
        result[name].attrs = attributes(name, energy=energy)
    result.name, result.attrs = name, attributes(name, energy=energy)
    return result


def _labelled(
    name: str, value: xr.DataArray, scale: float | None, energy: str, core: tuple[str, ...]
) -> xr.DataArray:
    """A labelled parameter in the unit of the model, with the labels that it brings along."""
    if value.chunks is not None:
        raise ValueError(f"{name} is lazy (dask-backed); parameters are eager, pass {name}.compute()")
    missing = [dim for dim in core if dim not in value.dims]
    if missing:
        raise ValueError(
            f"{name} has dimensions {value.dims} and lacks {missing}; its dims must be (..., "
            f"{', '.join(core)})"
        )
    alien = [dim for dim in value.dims if dim in NEVER_OF_PARAMETERS and dim not in (*core, name)]
    if alien:
        raise ValueError(
            f"{name} has dimensions {value.dims}; {alien} cannot be dimensions of this parameter, "
            "rename or drop them"
        )
    value = in_label_order(name, value)
    numbers = _in_unit_of_model(name, value, scale, energy)
    # fields over sites are computed, not typed, and enter no random key: they keep all their digits
    numbers = numbers.astype(np.float64) if "site" in core else canonical(numbers)
    # such as J of random couplings
    kept = {k: v for k, v in value.coords.items() if not set(v.dims) & set(core) and k != name}
    labels = {str(k): _label(str(k), coord, scale, energy) for k, coord in kept.items()}
    coords = {k: label for k, label in labels.items() if label is not None}
    return xr.DataArray(numbers, dims=value.dims, coords=coords).transpose(..., *core)


def _in_unit_of_model(name: str, value: xr.DataArray, scale: float | None, energy: str) -> np.ndarray:
    """The numbers of a registered parameter in the unit of the model, in whatever unit they say they are."""
    unit = REGISTRY[name].unit.format(E=energy)
    numbers = _numbers(name, value.values, unit, scale)
    if numbers.dtype == np.float32:
        numbers = canonical(numbers)
    given = value.attrs.get("units", unit)
    if given in (unit, "1", ""):
        return numbers
    what = f"its unit, attrs['units'] = {given!r},"
    one = unit_registry().Quantity(np.ones(1, int), as_unit(name, str(given), what=f"{what} cannot be read"))
    refuse_another_zero(name, one, what=what)
    return numbers * float(in_model_unit(name, one[0], unit, scale))


def _label(name: str, coord: xr.DataArray, scale: float | None, energy: str) -> xr.Variable | None:
    """What a parameter brings along, so that it matches that of the model: in its unit and, if it is one of
    its own dimension, canonical; None for a length in nm, say, which cannot be.
    """
    physical = not {*re.findall(r"[^\W\d_]+", str(coord.attrs.get("units", "1")))} <= NATURAL
    if physical and name in REGISTRY and name != "scale":
        try:
            numbers = canonical(_in_unit_of_model(name, coord, scale, energy))
        except ValueError:
            return None
        return xr.Variable(coord.dims, numbers, attributes(name, energy=energy))
    if coord.dims == (name,) and coord.dtype.kind == "f":
        return xr.Variable(coord.dims, canonical(coord.values), coord.attrs)
    return coord.variable


@public
def scale_coordinate(scale: object) -> xr.DataArray:
    """The energy unit of a model as a scalar coordinate in meV: from eV, K, 1/cm, kHz, kJ/mol, ..."""
    quantity = as_quantity("scale", scale)
    energy = None if quantity is None or np.ndim(quantity.magnitude) else as_energy(quantity)
    if energy is None:
        raise ValueError(f"scale must be one energy with its unit, such as '0.35 eV', got {shortened(scale)}")
    return parameter("scale", energy, above=0.0)


@public
def scale_of(obj: xr.DataArray | xr.Dataset) -> float | None:
    """The energy unit of a model in meV, or None where it has none."""
    return float(obj.coords["scale"].compute(scheduler="synchronous")) if "scale" in obj.coords else None

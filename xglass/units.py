"""Units at the edges: Quantities in, physical units out. The only module that touches pint.

Inside xglass arrays are plain numbers in the unit of the model, with the unit's name in ``attrs["units"]``.
The registry is our own (pint's global one is untouched): the energy units ``Vc`` and ``tc``, the lattice
spacing ``a`` and the Monte Carlo ``sweep`` are base dimensions of their own, so that nothing mixes a model
energy with a milli-electronvolt by accident.
"""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import xarray as xr

from xglass.checks import in_label_order
from xglass.variables import INHERITING, REGISTRY, Labelled, attributes

if TYPE_CHECKING:
    import pint

__all__ = ["canonical", "parameter", "registry", "scale_coordinate", "scale_of", "to_physical"]


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


_one_builds = threading.Lock()


def _registry() -> pint.UnitRegistry:
    with _one_builds:  # two threads at once would build two registries, whose Quantities do not mix
        return _built_registry()


@functools.cache
def _built_registry() -> pint.UnitRegistry:
    import pint

    ureg: pint.UnitRegistry = pint.UnitRegistry(on_redefinition="ignore")
    ureg.define("coulomb_energy_unit = [coulomb_energy] = Vc")
    ureg.define("hopping_energy_unit = [hopping_energy] = tc")
    ureg.define("lattice_spacing = [lattice_length] = a")
    ureg.define("sweep = [monte_carlo_time]")
    return ureg


def __getattr__(
    name: str,
) -> Any:  # the registry is built on first use: pint costs more to import than xglass
    if name == "registry":
        return _registry()
    raise AttributeError(f"module 'xglass.units' has no attribute {name!r}")


def _quantity(name: str, value: object) -> pint.Quantity | None:
    """``value`` as a Quantity of our registry, or None if it is a plain number or array."""
    import pint

    if isinstance(value, str):
        try:
            return _registry().Quantity(value)
        except Exception as error:
            raise ValueError(
                f"{name}: {value!r} is not a number with a unit; write for example '30 K' or '0.35 eV'"
            ) from error
    if isinstance(value, pint.Quantity):  # a Quantity of any registry, ours included
        magnitude = value.magnitude
        if (
            getattr(magnitude, "dtype", None) == np.float32
        ):  # through the shortest decimal form, before any factor
            magnitude = canonical(magnitude)
        return _registry().Quantity(magnitude, _registry().UnitsContainer(dict(value.unit_items())))
    return None


def _in_model_unit(name: str, quantity: pint.Quantity, unit: str, scale: float | None) -> Any:
    """Magnitude of ``quantity`` in the model unit ``unit``;
    ``scale`` is the energy unit of the model in meV.
    """
    ureg = _registry()
    wanted = ureg.Unit("" if unit == "1" else unit)
    if quantity.is_compatible_with(wanted):
        return quantity.to(wanted).magnitude
    energies = ("Vc", "tc")
    if unit in energies:
        if quantity.is_compatible_with("meV") or quantity.is_compatible_with("kelvin"):
            if scale is None:
                raise ValueError(
                    f"{name} came as {quantity:~}, but the model has no energy scale; pass "
                    "scale='0.35 eV' (say) to the model, "
                    f"or a plain number in {unit}"
                )
            if quantity.is_compatible_with("kelvin"):
                quantity = quantity.to("kelvin")  # so that degrees Celsius count from absolute zero
            with ureg.context("boltzmann"):
                return quantity.to("meV").magnitude / scale
        advice = f"an energy or a temperature ('2 meV', '30 K'), or a plain number in {unit}"
    elif unit == "a":
        advice = "a plain number in lattice spacings"
    else:
        advice = "a plain number"
    raise ValueError(f"{name} came as {quantity:~} of dimension {quantity.dimensionality}; pass {advice}")


def _numbers(name: str, value: object, unit: str, scale: float | None) -> np.ndarray:
    """Finite float64 values (float32 kept for :func:`canonical`) of a scalar, a sequence,
    a Quantity or a string.
    """
    if isinstance(value, (str,)) or hasattr(value, "magnitude"):
        quantity = _quantity(name, value)
        value = value if quantity is None else _in_model_unit(name, quantity, unit, scale)
    elif isinstance(value, Sequence) and any(isinstance(x, str) or hasattr(x, "magnitude") for x in value):
        value = [float(_numbers(name, x, unit, scale)) for x in value]
    array = np.asarray(value)
    if array.dtype.kind not in "iuf":
        raise TypeError(f"{name} must be real numbers, got {_short(value)}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got {_short(value)}")
    return array


def _short(value: object) -> str:
    text = " ".join(repr(value).split())
    return text if len(text) < 80 else text[:77] + "..."


def canonical(values: object) -> np.ndarray:
    """Round to 12 significant digits: the value that is the coordinate, the physics and the random key.

    Single precision goes through its shortest decimal form, so float32(0.1) means 0.1. Negative zero becomes
    zero.
    """
    array = np.asarray(values)
    texts = (
        (str(x) for x in array.ravel())
        if array.dtype == np.float32
        else (f"{float(x):.12g}" for x in array.ravel())
    )
    return np.array([float(f"{float(text):.12g}") + 0.0 for text in texts], dtype=np.float64).reshape(
        array.shape
    )


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
        result = _labelled(name, value, unit, scale, core)
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
                f"{name} must be a number, a sequence, a DataArray or a Quantity, got {_short(value)}"
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
        raise ValueError(f"{name} must be {interval}{' or 0' if zero else ''}, got {_short(value)}")
    if result.dims == (name,):
        if np.unique(result.values).size != result.size:
            raise ValueError(f"{name} repeats values: {_short(value)}; each may stand once")
        result = result.assign_coords({name: result.values})
        result[name].attrs = attributes(name, energy=energy)
    result.name, result.attrs = name, attributes(name, energy=energy)
    return result


def _labelled(
    name: str, value: xr.DataArray, unit: str, scale: float | None, core: tuple[str, ...]
) -> xr.DataArray:
    if value.chunks is not None:
        raise ValueError(f"{name} is lazy (dask-backed); parameters are eager, pass {name}.compute()")
    missing = [dim for dim in core if dim not in value.dims]
    if missing:
        raise ValueError(
            f"{name} has dimensions {value.dims} and lacks {missing}; its dims must be (..., "
            f"{', '.join(core)})"
        )
    alien = [dim for dim in value.dims if dim in NEVER_OF_PARAMETERS and dim not in core]
    if alien:
        raise ValueError(
            f"{name} has dimensions {value.dims}; {alien} cannot be dimensions of this parameter, "
            "rename or drop them"
        )
    value = in_label_order(name, value)
    numbers = _numbers(name, value.values, unit, scale)
    if numbers.dtype == np.float32:
        numbers = canonical(numbers)
    given = value.attrs.get("units", unit)
    if given not in (unit, "1", ""):
        ratio = _quantity(name, f"1 {given}")
        assert ratio is not None
        numbers = numbers * _in_model_unit(name, ratio, unit, scale)
    # fields over sites are computed, not typed, and enter no random key: they keep all their digits
    numbers = numbers.astype(np.float64) if "site" in core else canonical(numbers)
    for dim in (
        value.dims
    ):  # a coordinate that is itself a parameter is canonical too: labels must match across objects
        if dim in value.indexes and value[dim].dtype.kind == "f":
            value = value.assign_coords({dim: canonical(value[dim].values)})
    keep = {
        k: v for k, v in value.coords.items() if not set(v.dims) & set(core) and k != name
    }  # such as J of random couplings
    return xr.DataArray(numbers, dims=value.dims, coords=keep).transpose(..., *core)


def scale_coordinate(scale: object) -> xr.DataArray:
    """The energy unit of a model as a scalar coordinate in meV."""
    quantity = _quantity("scale", scale)
    if quantity is None or np.ndim(quantity.magnitude) or not quantity.is_compatible_with("meV"):
        raise ValueError(f"scale must be one energy with its unit, such as '0.35 eV', got {_short(scale)}")
    return parameter("scale", quantity.to("meV").magnitude, above=0.0)


def scale_of(obj: xr.DataArray | xr.Dataset) -> float | None:
    """The energy unit of a model in meV, or None where it has none."""
    return float(obj.coords["scale"].compute(scheduler="synchronous")) if "scale" in obj.coords else None


def to_physical(
    obj: Labelled,
    *,
    scale: Value | None = None,
    spacing: Value | None = None,
    layer: Value | None = None,
    units: str | None = None,
) -> Labelled:
    """Convert model units to physical ones, lazily, variable by variable, by their ``units`` attributes.

    xarray carries attributes through arithmetic: ``E / T**2`` says Vc. Variables are therefore converted by
    their registered names and the units that belong to these; for other numbers say the unit by ``units``.
    **What keeps its name cannot be told apart**: ``E**2`` and ``E.var()`` are still called as ``E``, and are
    converted as an energy. Give their unit too.

    Parameters
    ----------
    obj : DataArray or Dataset
        What xglass returned.
    scale : Quantity or str, optional
        Energy unit of the model, such as "0.35 eV"; default the ``scale`` coordinate that the model left.
    spacing : Quantity or str, optional
        Lattice spacing, such as "0.5 nm"; without it lengths stay in ``a``.
    layer : Quantity or str, optional
        Distance between layers, such as "10 angstrom": turns a sheet resistivity into a bulk one.
    units : str, optional
        Unit of a DataArray of your own, such as "1/Vc" for ``E / T**2``; replaces its attribute.

    Returns
    -------
    DataArray or Dataset
        The same labels with energies in meV, temperatures in K, frequencies in 1/cm, lengths in nm,
        resistivities in microohm cm (``layer`` given, else ohm per square), conductivities in S/cm,
        mobilities in cm^2/(V s); ``units`` attributes say which.

    Raises
    ------
    ValueError
        Energies are to be converted and no scale is known, an argument has the wrong dimension, or nothing
        but an attribute says what a variable is. Coords of other names are left as they are.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(4), t_p=0.12, scale="0.35 eV")
    >>> float(xg.units.to_physical(glass)["t_p"])
    42.0
    """
    if not isinstance(obj, (xr.DataArray, xr.Dataset)):
        raise TypeError(
            f"to_physical: obj must be a DataArray or Dataset of xglass, got {type(obj).__name__}"
        )
    if units is not None:
        if not isinstance(obj, xr.DataArray) or not isinstance(units, str):
            raise TypeError(
                "to_physical: units is the unit of one DataArray, such as units='Vc^2', got "
                f"{_short(units)} for a {type(obj).__name__}; pick one variable"
            )
        obj = obj.assign_attrs(units=units)
    if stacked := [str(dim) for dim, index in obj.indexes.items() if index.nlevels > 1]:
        raise ValueError(
            f"to_physical: {stacked} are stacked; write .unstack() before it, the values of a stacked "
            "index cannot be converted"
        )
    if scale is None and "scale" in obj.coords:
        if obj.coords["scale"].ndim:
            raise ValueError(
                "to_physical: the object holds several scales; select one, or pass scale='0.35 eV' (say)"
            )
        scale = f"{float(obj.coords['scale'])!r} meV"
    sizes = {"a": _length("spacing", spacing)}
    sizes["Vc"] = sizes["tc"] = (
        None if scale is None else _registry().Quantity(float(scale_coordinate(scale)), "meV")
    )
    thickness = _length("layer", layer)
    given = {str(obj.name): obj} if isinstance(obj, xr.DataArray) else dict(obj.data_vars)
    if units is None:
        for name, array in given.items():
            _refuse_unknown(str(name), array)
    coords = {
        name: _converted(str(name), coord, sizes, thickness) if _known(str(name), coord) else coord
        for name, coord in obj.coords.items()
    }
    changed = {name: (c.dims, c.data, c.attrs) for name, c in coords.items() if c is not obj.coords[name]}
    if isinstance(obj, xr.DataArray):
        return _converted(str(obj.name), obj, sizes, thickness).assign_coords(changed)
    variables = {
        name: _converted(str(name), array, sizes, thickness) for name, array in obj.data_vars.items()
    }
    return obj.assign(variables).assign_coords(changed)


def _known(name: str, array: xr.DataArray) -> bool:
    """Whether the name says what is in this unit: a pure number, or a registered variable that has it."""
    base, unit = name.removesuffix("_stderr"), str(array.attrs.get("units", "1"))
    if unit in ("", "1") or base in INHERITING:
        return True
    if base not in REGISTRY:
        return False
    registered = {REGISTRY[base].unit.format(E=energy) for energy in ("Vc", "tc")}
    # however they are written, "e*a^2/hbar" say
    return unit in registered or any(ratio(unit, other) == 1.0 for other in registered - {"1"})


def _natural(unit: str) -> bool:
    """Whether a unit holds one of the model's; what cannot be read does not."""
    own = {factor for factor, _ in _registry().Quantity(1.0, "Vc * tc * a * e * hbar").unit_items()}
    try:
        return bool(own & {factor for factor, _ in _registry().Quantity(1.0, unit).unit_items()})
    except Exception:  # said where it is converted
        return False


def _refuse_unknown(name: str, array: xr.DataArray) -> None:
    """Raise ValueError for numbers that nothing but an attribute calls energies."""
    unit = str(array.attrs.get("units", "1"))
    if array.dtype.kind in "iufc" and unit not in ("", "1") and _natural(unit) and not _known(name, array):
        raise ValueError(
            f"to_physical: {name!r} says it is in {unit}, and is no variable of xglass with that unit; "
            f"attributes survive arithmetic: say what it is by units={unit!r} (of one DataArray), or drop it"
        )


def _converted(
    name: str, array: xr.DataArray, sizes: dict[str, pint.Quantity | None], thickness: pint.Quantity | None
) -> xr.DataArray:
    """The array in its physical unit; itself where it is in none of the model's units."""
    if name == "moments" and "base_units" in array.attrs:
        return _converted_moments(array, sizes, thickness)
    unit = array.attrs.get("units", "1")
    if array.dtype.kind not in "iufc" or unit in ("", "1"):
        return array
    ureg = _registry()
    try:
        quantity = ureg.Quantity(1.0, unit)
    except Exception as error:
        raise ValueError(
            f"to_physical: {name!r} has units {unit!r}, which cannot be read; set its attrs['units']"
        ) from error
    if not _natural(unit):
        return array  # physical already
    quantity = _of_layer(_without_model_units(name, quantity, unit, sizes), thickness)
    target = _target(name, quantity)
    if target is None and quantity.units == ureg.Unit(unit):
        return array
    if target is None:
        target = f"{quantity.units:~C}".replace("**", "^")
    with ureg.context("boltzmann", "spectroscopy"):
        factor = float(quantity.to(target).magnitude)
    return (array * factor).assign_attrs(array.attrs | {"units": target})


def _converted_moments(
    array: xr.DataArray, sizes: dict[str, pint.Quantity | None], thickness: pint.Quantity | None
) -> xr.DataArray:
    """Convert moments, in powers of the physical unit of the first."""
    if "moment" not in array.coords:
        raise ValueError(
            "to_physical: 'moments' lost its coordinate 'moment', the power of its unit; "
            "apply to_physical before that is dropped"
        )
    one = xr.DataArray(1.0, attrs={"units": array.attrs["base_units"]})
    first = _converted("moments", one, sizes, thickness)
    base = {"base_units": first.attrs["units"]}
    return (array * float(first) ** array["moment"]).assign_attrs(array.attrs | base)


def ratio(unit: str, other: str) -> float | None:
    """How many of ``other`` make one ``unit`` (temperatures are energies); None if they do not compare."""
    if unit == other:
        return 1.0
    import pint

    try:
        with _registry().context("boltzmann"):
            return float(_registry().Quantity(1.0, unit).to(other).magnitude)
    except (pint.PintError, ValueError, TypeError):
        return None


def quoted(data: xr.Dataset) -> xr.Dataset:
    """Physical energies in the units of :func:`to_physical`: a barrier from temperatures in K is in meV."""
    result = {}
    for name, array in data.data_vars.items():
        result[name] = array
        registered = REGISTRY.get(str(name).removesuffix("_stderr"))
        if registered is not None and registered.unit == "{E}":
            target = _target(str(name), _registry().Quantity(1.0, "meV"))
            factor = None if target is None else ratio(str(array.attrs["units"]), target)
            if factor is not None:
                result[name] = (array * factor).assign_attrs(array.attrs | {"units": target})
    return data.assign(result)


def _without_model_units(
    name: str, quantity: pint.Quantity, unit: str, sizes: dict[str, pint.Quantity | None]
) -> pint.Quantity:
    """The quantity with the model's energy and length replaced by what they are; a length may stay ``a``."""
    for symbol in ("Vc", "tc", "a"):
        own = _registry().Quantity(1.0, symbol)
        (dimension,) = own.dimensionality
        power, size = quantity.dimensionality.get(dimension, 0), sizes[symbol]
        if power and size is not None:
            quantity = (quantity * (size / own) ** power).to_reduced_units()
        elif power and symbol != "a":
            raise ValueError(
                f"to_physical: {name!r} is in {unit}; pass scale='0.35 eV' (say), the energy unit of the "
                "model"
            )
    return quantity


def _of_layer(quantity: pint.Quantity, thickness: pint.Quantity | None) -> pint.Quantity:
    """A resistivity or conductivity of a layer as one of the bulk, where the distance of layers is known."""
    if thickness is not None and quantity.is_compatible_with("ohm"):
        return quantity * thickness
    if thickness is not None and quantity.is_compatible_with("siemens"):
        return quantity / thickness
    return quantity


def _length(name: str, value: object | None) -> pint.Quantity | None:
    """A positive length as a Quantity, or None."""
    if value is None:
        return None
    length = _quantity(name, value)
    if (
        length is None
        or not length.is_compatible_with("nm")
        or np.ndim(length.magnitude)
        or not 0 < length.magnitude < math.inf
    ):
        raise ValueError(
            f"{name} must be a positive length with its unit, such as '10 angstrom', got {_short(value)}"
        )
    return length


def _target(name: str, quantity: pint.Quantity) -> str | None:
    """The physical unit that a quantity of this name and dimension is quoted in."""
    if quantity.is_compatible_with("meV"):
        by_name = {"T": "K", "temperature": "K", "vogel_temperature": "K", "frequency": "1/cm"}
        return by_name.get(name.removesuffix("_stderr"), "meV")
    for unit in (
        "nm",
        "nm^2",
        "1/nm",
        "microohm cm",
        "S/cm",
        "ohm",
        "siemens",
        "cm^2/(V s)",
        "fs",
        "cm^2/s",
        "1/meV",
        "S nm^2",
        "ohm/nm^2",
        "S nm^2/fs",
    ):
        if quantity.is_compatible_with(unit):
            return unit
    return None

"""Physical units as they leave: meV, K, 1/cm, nm, microohm cm, cm^2/(V s)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import xarray as xr

from xglass.messages import public
from xglass.units.parameters import Value, scale_coordinate
from xglass.units.quantities import as_length, ratio, shortened, unit_registry
from xglass.variables import INHERITING, REGISTRY, Labelled

if TYPE_CHECKING:
    import pint

__all__ = ["quoted", "to_physical"]


def __dir__() -> list[str]:
    return __all__


@public
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
                f"{shortened(units)} for a {type(obj).__name__}; pick one variable"
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
    sizes = {"a": as_length("spacing", spacing)}
    sizes["Vc"] = sizes["tc"] = (
        None if scale is None else unit_registry().Quantity(float(scale_coordinate(scale)), "meV")
    )
    thickness = as_length("layer", layer)
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
    own = {factor for factor, _ in unit_registry().Quantity(1.0, "Vc * tc * a * e * hbar").unit_items()}
    try:
        return bool(own & {factor for factor, _ in unit_registry().Quantity(1.0, unit).unit_items()})
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
    ureg = unit_registry()
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


def quoted(data: xr.Dataset) -> xr.Dataset:
    """Physical energies in the units of :func:`to_physical`: a barrier from temperatures in K is in meV."""
    result = {}
    for name, array in data.data_vars.items():
        result[name] = array
        registered = REGISTRY.get(str(name).removesuffix("_stderr"))
        if registered is not None and registered.unit == "{E}":
            target = _target(str(name), unit_registry().Quantity(1.0, "meV"))
            factor = None if target is None else ratio(str(array.attrs["units"]), target)
            if factor is not None:
                result[name] = (array * factor).assign_attrs(array.attrs | {"units": target})
    return data.assign(result)


def _without_model_units(
    name: str, quantity: pint.Quantity, unit: str, sizes: dict[str, pint.Quantity | None]
) -> pint.Quantity:
    """The quantity with the model's energy and length replaced by what they are; a length may stay ``a``."""
    for symbol in ("Vc", "tc", "a"):
        own = unit_registry().Quantity(1.0, symbol)
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

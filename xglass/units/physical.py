"""Physical units as they leave: meV, K, 1/cm, nm, microohm cm, cm^2/(V s)."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr

from xglass.checks import refuse
from xglass.messages import public, warn
from xglass.units.parameters import Value, scale_coordinate
from xglass.units.quantities import (
    as_length,
    as_quantity,
    as_unit,
    number_of,
    ratio,
    shortened,
    unit_registry,
)
from xglass.variables.registry import ENERGIES, INHERITING, REGISTRY, Labelled

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
    density: Value | None = None,
    units: str | None = None,
) -> Labelled:
    r"""Convert model units to physical ones, lazily, variable by variable, by their ``units`` attributes.

    xarray carries attributes through arithmetic: ``E / T**2`` says Vc. Variables are therefore converted by
    their registered names and the units that belong to these; for other numbers say the unit by ``units``.
    **What keeps its name cannot be told apart**: ``E**2`` and ``E.var()`` are still called as ``E``, and are
    converted as an energy. Give their unit too.

    The conductivity of one electron is in e^2 a^2/hbar per particle. That of a material is

    .. math:: \sigma_\mathrm{bulk} = n\, \sigma, \quad [\sigma] = e^2 a^2 / \hbar

    with n the ``density`` of carriers so few that they do not feel each other, and a the ``spacing``. The
    conductivity of a layer, in e^2/hbar, is that of the bulk once it is divided by the distance of ``layer``
    and layer; one of the bulk, in e^2/(hbar a), needs ``spacing`` alone.

    Parameters
    ----------
    obj : DataArray or Dataset
        What xglass returned.
    scale : Quantity or str, optional
        Energy unit of the model, such as "0.35 eV" (K, 1/cm, kHz, kJ/mol, J, ... likewise); default the
        ``scale`` coordinate that the model left.
    spacing : Quantity or str, optional
        Lattice spacing, such as "0.5 nm"; without it lengths stay in ``a``, with a warning.
    layer : Quantity or str, optional
        Distance between layers, such as "10 angstrom": turns a sheet resistivity into a bulk one.
    density : Quantity or str, optional
        Carriers in a volume, "1e21 cm^-3", for conductivities and resistivities per particle. Carriers in an
        area, "1e14 cm^-2", make a sheet of them, and with ``layer`` the bulk; carriers on a length,
        "1e6 cm^-1", the conductivity of a single chain. Carriers for each site are "0.1 a^-3" (or a^-2,
        a^-1).
    units : str, optional
        Unit of a DataArray of your own, such as "1/Vc" for ``E / T**2``; replaces its attribute.

    Returns
    -------
    DataArray or Dataset
        The same labels with energies in meV, temperatures in K, frequencies in 1/cm, lengths in nm,
        mobilities in cm^2/(V s); resistivities in microohm cm (bulk), ohm (of a square), ohm/nm (of a chain)
        or ohm/nm^2 (per particle); conductivities in S/cm, S, S nm or S nm^2. ``units`` attributes say which,
        and single values come in again: "8 1/cm", "30 K".

    Raises
    ------
    ValueError
        Energies are to be converted and no scale is known, an argument has the wrong dimension, ``density``
        where nothing is per particle or without ``spacing``, ``layer`` where it has no use beside a
        ``density`` or what is per particle, or nothing but an attribute says what a variable is. Coords of
        other names are left as they are.

    Warns
    -----
    UserWarning
        For variables and coordinates that stay in the lattice spacing, by their names.

    Examples
    --------
    >>> import xglass as xg
    >>> glass = xg.charge_glass(xg.lattice.triangular(4), t_p=0.12, scale="0.35 eV")
    >>> float(xg.units.to_physical(glass, spacing="0.5 nm")["t_p"])
    42.0

    The resistivity of electrons on chains, a nanometre cubed for each:

    >>> tls = xg.electron_tls(xg.lattice.chain(3), g=1.0, omega0=0.5, scale="0.1 eV")
    >>> rho = xg.resistivity(xg.exact(tls, T=1.0, frequency=[0.0, 0.5], broadening=0.2))["resistivity"]
    >>> xg.units.to_physical(rho, spacing="0.7 nm", density="1e21 cm^-3").attrs["units"]
    'microohm cm'
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
    sizes = Sizes(
        energy=_energy(obj, scale),
        spacing=as_length("spacing", spacing),
        layer=as_length("layer", layer),
        density=_density(density),
    )
    given: dict[Hashable, xr.DataArray]
    given = {obj.name: obj} if isinstance(obj, xr.DataArray) else dict(obj.data_vars)
    if units is None:
        for name, array in given.items():
            _refuse_unknown(str(name), array)
    labels = {name: coord for name, coord in obj.coords.items() if _known(str(name), coord)}
    _warn_of_strangers({name: coord for name, coord in obj.coords.items() if name not in labels})
    found: dict[Hashable, Conversion] = _conversions(given, sizes)
    of_labels: dict[Hashable, Conversion] = _conversions(labels, sizes)
    _refuse_unused(sizes, [*found.values(), *of_labels.values()])
    _warn_of_lengths(of_labels | found)
    coords = {name: _applied(obj.coords[name], each) for name, each in of_labels.items()}
    changed = {name: (coord.dims, coord.data, coord.attrs) for name, coord in coords.items()}
    if isinstance(obj, xr.DataArray):
        result = _applied(obj, found[obj.name]) if found else obj
        return result.assign_coords(changed)
    variables = {name: _applied(obj[name], each) for name, each in found.items()}
    return obj.assign(variables).assign_coords(changed)


@dataclass(frozen=True)
class Sizes:
    """What is known of a material: the energy unit of its model, lattice, layers, carriers."""

    energy: pint.Quantity | None
    spacing: pint.Quantity | None
    layer: pint.Quantity | None
    density: pint.Quantity | None

    def of(self, symbol: str) -> pint.Quantity | None:
        """The size of a unit of the model."""
        return self.energy if symbol in ENERGIES else self.spacing


@dataclass(frozen=True)
class Conversion:
    """Factor and unit of one variable, and what it has to do with the arguments."""

    factor: float
    unit: str
    per_particle: bool
    layered: bool
    in_spacings: bool


def _energy(obj: xr.DataArray | xr.Dataset, scale: Value | None) -> pint.Quantity | None:
    """The energy unit of the model: as given, else as the model left it."""
    if scale is None and "scale" in obj.coords:
        if obj.coords["scale"].ndim:
            raise ValueError(
                "to_physical: the object holds several scales; select one, or pass scale='0.35 eV' (say)"
            )
        scale = f"{float(obj.coords['scale'])!r} meV"
    return None if scale is None else unit_registry().Quantity(float(scale_coordinate(scale)), "meV")


def _density(value: Value | None) -> pint.Quantity | None:
    """Density of carriers in a volume, an area or on a length, or None."""
    if value is None:
        return None
    density = as_quantity("density", value)
    of_what = [f"1/{unit}{power}" for unit in ("cm", "a") for power in ("^3", "^2", "")]
    if (
        density is None
        or not any(density.is_compatible_with(unit) for unit in of_what)
        or np.ndim(density.magnitude)
        or not 0 < density.magnitude < np.inf
    ):
        raise ValueError(
            "density must be a positive number of carriers in a volume, an area or on a length, such as "
            f"'1e21 cm^-3', '1e14 cm^-2' or '0.1 a^-3', got {shortened(value)}"
        )
    return density


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


def _in_model_units(array: xr.DataArray) -> bool:
    """Whether these are numbers that say they are in units of a model."""
    unit = str(array.attrs.get("units", "1"))
    return array.dtype.kind in "iufc" and unit not in ("", "1") and _natural(unit)


def _refuse_unknown(name: str, array: xr.DataArray) -> None:
    """Raise ValueError for numbers that nothing but an attribute calls energies."""
    unit = str(array.attrs.get("units", "1"))
    if _in_model_units(array) and not _known(name, array):
        raise ValueError(
            f"to_physical: {name!r} says it is in {unit}, and is no variable of xglass with that unit; "
            f"attributes survive arithmetic: say what it is by units={unit!r} (of one DataArray), or drop it"
        )


def _conversions(arrays: Mapping[Hashable, xr.DataArray], sizes: Sizes) -> dict[Hashable, Conversion]:
    """How variables are converted: those that are in units of the model."""
    found = {name: _conversion(str(name), array, sizes) for name, array in arrays.items()}
    return {name: each for name, each in found.items() if each is not None}


def _conversion(name: str, array: xr.DataArray, sizes: Sizes) -> Conversion | None:
    """How a variable is converted; None where it is in none of the model's units."""
    unit = str(array.attrs.get("base_units" if name == "moments" else "units", "1"))
    if array.dtype.kind not in "iufc" or unit in ("", "1"):
        return None
    read = as_unit("to_physical", unit, what=f"the unit {unit!r} of {name!r} cannot be read")
    if not _natural(unit):
        return None  # physical already
    quantity = unit_registry().Quantity(1.0, read)
    carriers = _carriers(quantity)
    if carriers and sizes.density is not None:
        quantity = quantity * sizes.density**carriers
    quantity = _without_model_units(name, quantity, unit, sizes)
    sheets = _sheets(quantity)
    if sheets and sizes.layer is not None:
        quantity = quantity / sizes.layer**sheets
    target = _target(name, quantity)
    if target is None:
        target = unit if quantity.units == read else f"{quantity.units:~C}".replace("**", "^")
    factor = number_of(target, quantity)
    assert factor is not None
    return Conversion(
        factor=factor,
        unit=target,
        per_particle=bool(carriers),
        layered=bool(sheets),
        in_spacings="[lattice_length]" in quantity.dimensionality,
    )


def _applied(array: xr.DataArray, conversion: Conversion) -> xr.DataArray:
    """The array in its physical unit; moments in powers of that of the first."""
    if array.name == "moments" and "base_units" in array.attrs:
        if "moment" not in array.coords:
            raise ValueError(
                "to_physical: 'moments' lost its coordinate 'moment', the power of its unit; "
                "apply to_physical before that is dropped"
            )
        powers = conversion.factor ** array["moment"]
        return (array * powers).assign_attrs(array.attrs | {"base_units": conversion.unit})
    if conversion.unit == array.attrs["units"]:
        return array
    return (array * conversion.factor).assign_attrs(array.attrs | {"units": conversion.unit})


def _refuse_unused(sizes: Sizes, conversions: list[Conversion]) -> None:
    """Raise ValueError for a density or a layer that nothing can be done with."""
    per_particle = [each for each in conversions if each.per_particle]
    layered = any(each.layered for each in conversions)
    density, layer = sizes.density is not None, sizes.layer is not None
    given = f"density = {sizes.density:.6g~}" if density else ""
    refuse(
        "to_physical",
        (
            density and not per_particle,
            "density belongs to conductivities and resistivities per particle (e^2 a^2/hbar), and there is "
            "none here; leave it out",
        ),
        (
            density and any(each.in_spacings for each in per_particle),
            f"a conductivity per particle is in e^2 a^2/hbar, and {given} makes that of a material of it by "
            "the lattice spacing a; pass spacing='0.5 nm' (say)",
        ),
        (
            layer and density and not layered,
            f"layer has no use beside {given}, which does not make sheets; leave one out, or give the "
            "carriers in the area of a layer, density='1e14 cm^-2' (say)",
        ),
        (
            layer and bool(per_particle) and not layered,
            "layer makes a bulk of sheets, and what is here is per particle; pass density='1e21 cm^-3' (say) "
            "in its place, or the carriers of a layer, density='1e14 cm^-2', too",
        ),
    )


def _warn_of_lengths(conversions: dict[Hashable, Conversion]) -> None:
    """Warn of what is left in the spacing of a lattice that was not given."""
    left = [f"{name!r} ({each.unit})" for name, each in conversions.items() if each.in_spacings]
    if left:
        warn(
            f"to_physical: {', '.join(left)} {'stay' if len(left) > 1 else 'stays'} in units of the lattice "
            "spacing a, whose length is not known; pass spacing='0.5 nm' (say), or drop what is not wanted"
        )


def _warn_of_strangers(coords: dict[Hashable, xr.DataArray]) -> None:
    """Warn of coordinates in units of the model that nothing but an attribute says."""
    left = [f"{name!r} ({coord.attrs['units']})" for name, coord in coords.items() if _in_model_units(coord)]
    if left:
        warn(
            f"to_physical: coordinates {', '.join(left)} stay as they are, for xglass has none of that name "
            "in that unit; convert them apart (units= says the unit of one DataArray), or drop them"
        )


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


def _without_model_units(name: str, quantity: pint.Quantity, unit: str, sizes: Sizes) -> pint.Quantity:
    """The quantity with the model's energy and length replaced by what they are; a length may stay ``a``."""
    for symbol in ("Vc", "tc", "a"):
        own = unit_registry().Quantity(1.0, symbol)
        (dimension,) = own.dimensionality
        power, size = quantity.dimensionality.get(dimension, 0), sizes.of(symbol)
        if power and size is not None:
            quantity = (quantity * (size / own) ** power).to_reduced_units()
        elif power and symbol != "a":
            raise ValueError(
                f"to_physical: {name!r} is in {unit}; pass scale='0.35 eV' (say), the energy unit of the "
                "model"
            )
    return quantity


def _conductances(quantity: pint.Quantity) -> int:
    """1 of what is a conductivity, or one times energies, times, lengths; -1 of a resistivity; else 0."""
    power = quantity.dimensionality.get("[current]", 0)
    return 1 if power == 2 else -1 if power == -2 else 0


def _carriers(quantity: pint.Quantity) -> int:
    """1 of what has e^2 a^2 and is therefore per particle, -1 of its inverse, else 0."""
    power = _conductances(quantity)
    return power if quantity.dimensionality.get("[lattice_length]", 0) == 2 * power else 0


def _sheets(quantity: pint.Quantity) -> int:
    """1 of what is in siemens, or in siemens and times: of a sheet; -1 of its inverse, else 0."""
    power = _conductances(quantity)
    rest = (quantity / unit_registry().Quantity(1.0, "siemens") ** power).dimensionality
    return power if {*rest} <= {"[time]"} else 0


def _target(name: str, quantity: pint.Quantity) -> str | None:
    """The physical unit that a quantity of this name and dimension is quoted in."""
    if quantity.is_compatible_with("meV"):
        by_name = {"T": "K", "temperature": "K", "vogel_temperature": "K", "frequency": "1/cm"}
        return by_name.get(name.removesuffix("_stderr"), "meV")
    return next((unit for unit in TARGETS if quantity.is_compatible_with(unit)), None)


#: Physical units that are quoted, by their dimension.
TARGETS = (
    "nm",
    "nm^2",
    "1/nm",
    "microohm cm",
    "S/cm",
    "S/(cm fs)",
    "ohm",
    "siemens",
    "S/fs",
    "ohm/nm",
    "S nm",
    "S nm/fs",
    "ohm/nm^2",
    "S nm^2",
    "S nm^2/fs",
    "cm^2/(V s)",
    "fs",
    "cm^2/s",
    "1/meV",
)

"""What models share: how one begins from a lattice, takes its parameters one by one, and ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr

from xglass.checks import aligned, eager
from xglass.lattice.whole import require_whole
from xglass.messages import warn
from xglass.units.parameters import Parameter, Value, parameter, scale_coordinate, scale_of
from xglass.variables import stamp

#: What a model takes from the lattice. The rest, of a model or run given as lattice, it makes anew.
GEOMETRY = ("axis", "position", "torus", "cells", "bond_source", "bond_target", "bond_vector", "bond_kind")

#: Coords that random arrays bring along, as plain numbers in the energy unit of whichever model takes them.
STRENGTHS = ("J", "strength")


#: A temperature of so many times all energies of a model together is far beyond them: no Boltzmann factor
#: differs from 1 by more than 10 %, and studies of the limit of high temperature end there.
BEYOND = 10.0

#: Lowest temperature, in all energies of a model together, that may be meant by a number of kelvin: at a
#: thousandth of them everything has long been in its ground state.
FROZEN = 1e-3


def geometry(lattice: xr.Dataset, *, scale: Value | None, caller: str) -> xr.Dataset:
    """A model without parameters: its lattice, and its energy unit where one is given."""
    require_whole(lattice, "position", "torus", "bond_kind", caller=caller)
    model = xr.Dataset(
        coords={name: lattice.coords[name].variable for name in GEOMETRY if name in lattice.coords}
    )
    return model if scale is None else model.assign_coords(scale=scale_coordinate(scale))


def with_coordinates(model: xr.Dataset, *parts: xr.DataArray) -> xr.Dataset:
    """The model with more parameters, temperatures or grids, by their names.

    What they bring along (labels of realizations, a swept distance) comes too. Raises ValueError if its
    labels or values are not those of the model.
    """
    for part in parts:
        try:
            model = xr.merge(
                [model, part.coords.to_dataset()], join="exact", compat="equals", combine_attrs="override"
            )
            model = model.assign_coords({str(part.name): part.variable})
        except (ValueError, xr.MergeError) as error:
            raise ValueError(f"{part.name} does not fit the parameters of the model: {error}") from error
    return model


def kinds_of_bonds(lattice: xr.Dataset) -> list[str]:
    """Return the kinds of bonds that a lattice has."""
    return [str(kind) for kind in np.unique(lattice["bond_kind"].values)]


def hopping_by_kind(
    lattice: xr.Dataset, hopping: Mapping[str, Parameter], *, scale: float | None, energy: str, caller: str
) -> xr.DataArray:
    """(..., bond) the hopping of every bond from {kind: value}, which has each kind of the lattice."""
    kinds = kinds_of_bonds(lattice)
    unknown, missing = [k for k in hopping if k not in kinds], [k for k in kinds if k not in hopping]
    if unknown or missing:
        raise ValueError(
            f"hopping: {'unknown' if unknown else 'missing'} kinds of bonds {unknown or missing}; "
            f"this lattice has {kinds}, give each a value"
        )
    values = {
        kind: parameter("hopping", value, scale=scale, energy=energy) for kind, value in hopping.items()
    }
    for kind, value in values.items():
        if "hopping" in value.dims:
            raise ValueError(
                f"hopping[{kind!r}] is a sequence; to sweep it pass a DataArray with a named dimension"
            )
    aligned(caller, **{f"hopping[{kind!r}]": value for kind, value in values.items()})
    zero = xr.DataArray(np.zeros(lattice.sizes["bond"]), dims="bond")
    kind_of = lattice["bond_kind"].drop_vars("bond_kind", errors="ignore").variable
    return sum((xr.DataArray(kind_of == kind) * value for kind, value in values.items()), zero)


def temperature(
    T: Parameter, data: xr.DataArray | xr.Dataset, *, energy: str, zero: bool = False
) -> xr.DataArray:
    """Take temperatures as they enter beside a model, or data of one: > 0, or 0 where that has a meaning.

    Warns of numbers that are far beyond all energies of the model, and would lie within them if they were
    kelvin. Of several all must: a sweep that begins within the energies is in their unit.
    """
    scale = scale_of(data)
    result = parameter("T", T, scale=scale, energy=energy, above=0.0, zero=zero)
    if scale is None or _said_with_unit(T):
        return result
    low, high = float(result.min()), float(result.max())
    largest, kelvin = _energies(data), float(parameter("T", "1 K", scale=scale, energy=energy))
    if 0.0 < BEYOND * largest < low and FROZEN * largest < low * kelvin and high * kelvin < largest:
        warn(
            f"T = {low:g} is in {energy}, far beyond the energies of the model ({largest:.2g} {energy} "
            f"together); as kelvin it would be {low * kelvin:.2g} {energy}, within them. Write T='{low:g} K' "
            f"if kelvin are meant, T='{low:g} {energy}' if not"
        )
    return result


def _said_with_unit(T: Parameter) -> bool:
    """Whether a text, a Quantity or an attribute names a unit."""
    if isinstance(T, xr.DataArray):
        return T.attrs.get("units", "1") not in ("1", "")
    values = T if isinstance(T, Sequence) and not isinstance(T, str) else [T]
    return any(isinstance(value, str) or hasattr(value, "magnitude") for value in values)


def _energies(data: xr.DataArray | xr.Dataset) -> float:
    """The energies of a model together, each at its largest; 0 where the data do not have them all.

    Hopping counts with half the width of its band, the interaction with its strongest pair. The unit
    is one of them by its meaning, also where a small lattice screens it.
    """
    if not {"t", "interaction", "site_energy_std"} & {*data.coords}:
        return 0.0
    energies = []
    for name in ("t", "g", "g_z", "omega0", "site_energy", "hopping", "interaction"):
        if name in data.coords:
            values = abs(data.coords[name].compute(scheduler="synchronous").variable)
            if name == "hopping":
                values = 2.0 / data.sizes["site"] * values.sum("bond")
            if name == "interaction":
                values = values * (1.0 - np.eye(data.sizes["site"]))
            energies.append(float(values.max()) * (2.0 if name == "t" else 1.0))
    return max(1.0, sum(energies))


def stamped(model: xr.Dataset, *, energy: str) -> xr.Dataset:
    """The model with the attributes of all its coords; strengths of disorder are in its energy unit now."""
    strengths = {name: model[name].drop_attrs() for name in STRENGTHS if name in model.coords}
    return stamp(model.assign_coords(strengths), energy=energy)


def with_labels(model: xr.Dataset, caller: str) -> xr.Dataset:
    """The model with a label for every realization: 0, 1, ... where it came without.

    The label is what random numbers of a realization are drawn by, so that two of one label are one sample.
    Raises TypeError for labels that are no whole numbers, ValueError for those that are negative or repeated.
    """
    if "realization" in model.dims and "realization" not in model.coords:
        return model.assign_coords(realization=np.arange(model.sizes["realization"]))
    if "realization" not in model.coords:
        return model
    labels = eager(model, "realization")
    advice = "; write .assign_coords(realization=range(...)), a label of its own for each"
    if labels.dtype.kind not in "iu":
        raise TypeError(
            f"{caller}: realization must be whole numbers >= 0, got labels of type {labels.dtype}{advice}"
        )
    # over another dimension, where several parameters share a realization, labels may stand more than once
    values, counts = np.unique(labels, return_counts=True)
    repeated = values[counts > 1] if "realization" in model.dims else values[:0]
    if repeated.size:
        raise ValueError(
            f"{caller}: realization repeats labels {repeated.tolist()[:6]}, whose samples would share their "
            f"random numbers{advice}"
        )
    if values.size and (values[0] < 0 or values[-1] >= 2**63):
        raise ValueError(
            f"{caller}: realization must be whole numbers >= 0, got {labels.ravel().tolist()[:6]}{advice}"
        )
    return model


def check_size(name: str, array: xr.DataArray, dim: str, size: int) -> None:
    """Raise ValueError if an array over ``dim`` does not fit the lattice."""
    if array.sizes[dim] != size:
        raise ValueError(f"{name} has {array.sizes[dim]} entries along {dim!r}, the lattice has {size}")

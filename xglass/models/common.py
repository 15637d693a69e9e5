"""What models share: the geometry they take over, and how a parameter joins the others."""

from __future__ import annotations

import xarray as xr

from xglass.variables import attributes

# : What a model takes from the lattice it is given; the rest (of a model or run given as lattice) is its own
# to make.
GEOMETRY = ("axis", "position", "torus", "cells", "bond_source", "bond_target", "bond_vector", "bond_kind")

#: Coords that random arrays bring along.
STRENGTHS = ("J", "strength")


def with_parameter(model: xr.Dataset, name: str, part: xr.DataArray, energy: str = "Vc") -> xr.Dataset:
    """The model with one more parameter, and with the coords that it brings (realization labels, a swept
    distance).

    Raises if they clash with those that are there.
    """
    try:
        model = xr.merge(
            [model, part.coords.to_dataset()], join="exact", compat="equals", combine_attrs="override"
        )
        for strength in set(STRENGTHS) & set(part.coords):
            model.coords[strength].attrs = attributes(strength, energy=energy)
        return model.assign_coords({name: part.variable})
    except (ValueError, xr.MergeError) as error:
        raise ValueError(f"{name} does not fit the other parameters of the model: {error}") from error


def check_size(name: str, array: xr.DataArray, dim: str, size: int) -> None:
    """Raise if an array over ``dim`` does not fit the lattice."""
    if array.sizes[dim] != size:
        raise ValueError(f"{name} has {array.sizes[dim]} entries along {dim!r}, the lattice has {size}")

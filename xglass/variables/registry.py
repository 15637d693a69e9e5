"""The registry, and the attributes that it gives to data."""

from __future__ import annotations

from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt
import xarray as xr

from xglass.messages import NotFoundError, public
from xglass.variables.entries import Variable
from xglass.variables.models import OF_MODELS
from xglass.variables.results import OF_RESULTS

#: Names of the energy unit of a model.
ENERGIES = frozenset({"Vc", "tc"})

#: Words that the units of models are made of; any other is physical.
NATURAL = ENERGIES | {"a", "e", "hbar", "sweep"}

#: A function of either returns the same.
Labelled = TypeVar("Labelled", xr.DataArray, xr.Dataset)
Data: TypeAlias = xr.DataArray | xr.Dataset
Floats: TypeAlias = npt.NDArray[np.float64]


#: Every name, in the order in which titles list coordinates.
REGISTRY: dict[str, Variable] = {variable.name: variable for variable in (*OF_MODELS, *OF_RESULTS)}

#: Names whose results are in the unit of what they were made of, whatever the registry says of most.
INHERITING = frozenset(
    "amplitude bin bin_left bin_right chi2 correlation dc_conductivity density jumps lag offset "
    "optical_conductivity prefactor relaxation_time_1e resistivity spectral_weight tau".split()
)


@public
def attributes(name: str, *, energy: str = "Vc") -> dict[str, str]:
    """Return the attributes ``units``, ``long_name`` and ``symbol`` of a registered name.

    A dimension or parameter that is a pure number has no unit, for titles and axes of xarray's plots would
    say "[1]" behind it; a result has the unit "1". ``x_stderr`` is derived from ``x``. Raises KeyError for a
    name that is not registered.
    """
    base = name.removesuffix("_stderr")
    if base not in REGISTRY:
        raise NotFoundError(f"{name!r} is not a registered variable; register it in xglass/variables")
    entry = REGISTRY[base]
    long_name, symbol = entry.definition.split(":")[0], entry.symbol
    if base != name:
        long_name, symbol = f"standard error of the {long_name}", rf"\delta {symbol}"
    bare = entry.unit == "1" and entry.kind in ("dimension", "parameter")
    unit = {} if bare else {"units": entry.unit.format(E=energy)}
    return unit | {"long_name": long_name, "symbol": symbol}


@public
def stamp(obj: Labelled, *, energy: str = "Vc", **units: str) -> Labelled:
    """Set the registered attributes of a DataArray (by its name) or of every variable of a Dataset.

    xarray carries attributes through arithmetic, so whatever was inherited is replaced.
    ``units`` overrides the unit of single variables (a fit inherits the unit of what it fits).
    Registered coordinates that have no attributes yet receive theirs. Those of a single value come last, in
    the order of the registry: titles of xarray's plots list them as they stand and end after 50 letters, so
    that they name what was selected from the result, then temperature and parameters.
    """
    obj = obj.copy(deep=False)
    results = (
        {str(k): v for k, v in obj.data_vars.items()} if isinstance(obj, xr.Dataset) else {str(obj.name): obj}
    )
    bare = {
        str(k): v for k, v in obj.coords.items() if not v.attrs and str(k).removesuffix("_stderr") in REGISTRY
    }
    for name, variable in {**results, **bare}.items():
        variable.attrs = attributes(name, energy=energy)
        unit = units.get(name, units.get(name.removesuffix("_stderr")))
        if unit is not None:
            variable.attrs["units"] = unit
    if isinstance(obj, xr.DataArray):
        obj.attrs = results[str(obj.name)].attrs
    else:
        obj = obj.assign(results)
    obj = obj.assign_coords({name: variable for name, variable in bare.items()})
    constants = {
        name: obj.coords[name].variable
        for name in REGISTRY
        if name in obj.coords and not obj.coords[name].dims
    }
    return obj.drop_vars(constants).assign_coords(constants)


@public
def energy_unit(obj: xr.DataArray | xr.Dataset) -> str:
    """Unit of the model's energies, read from whichever energy the object carries."""
    for name in ("hopping", "interaction", "T", "t_p", "t", "electrostatic_energy"):
        if name in obj.coords or (isinstance(obj, xr.Dataset) and name in obj):
            return str(obj[name].attrs.get("units", "Vc"))
    return "Vc"

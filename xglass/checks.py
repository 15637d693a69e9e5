"""Checks of arguments: what refuses bad input before any work, in words that say what to do.

What concerns a single room (the geometry of a lattice, the grids of a solver) is checked there.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from xglass.messages import NotFoundError, elsewhere, public
from xglass.variables.registry import ENERGIES, NATURAL, REGISTRY

__all__ = [
    "aligned",
    "array",
    "both_or_neither",
    "described",
    "eager",
    "extra",
    "in_label_order",
    "in_model_units",
    "model_of",
    "no_override",
    "real_array",
    "realizations",
    "refuse",
    "require",
    "seed",
    "uncut",
    "whole_number",
]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # a checker of types knows which names there are
    __getattr__ = elsewhere(__name__)


@public
def refuse(caller: str, *refusals: tuple[bool, str]) -> None:
    """Raise ValueError with the message of the first condition that holds."""
    for holds, message in refusals:
        if holds:
            raise ValueError(f"{caller}: {message}")


#: Every model with the solvers that take it.
SOLVERS = {
    "charge_glass": ("metropolis",),
    "electron_tls": ("exact", "ftlm", "typicality", "dmft", "static_disorder"),
    "cavity_glass": (
        "particle_hole_bubble",
        "saddle_point",
        "critical_coupling",
        "real_frequency_response",
    ),
}

#: What is in the data of one model only: its own parameters, and what only its solvers add.
MARKS = {
    "charge_glass": {"hopping", "interaction", "filling", "centred", "occupation"},
    "electron_tls": {"t", "g", "g_z", "omega0", "total_weight", "optical_conductivity"},
    "cavity_glass": {
        "hopping",
        "filling",
        "site_energy_std",
        "matsubara_frequency",
        "susceptibility",
        "edwards_anderson",
        "critical_coupling",
    },
}


#: The solvers that give what not all solvers of its model give.
GIVEN_BY = {"edwards_anderson": ("saddle_point",)}


@public
def model_of(data: xr.Dataset) -> str | None:
    """Name the model that a Dataset is, or was made of; None for a lattice and for a model of one's own."""
    marks = {model: len(names & {*map(str, data.variables)}) for model, names in MARKS.items()}
    model = max(marks, key=lambda name: marks[name])
    return model if marks[model] else None


@public
def described(data: xr.Dataset) -> str:
    """Say what a Dataset is, for messages: a model of electron_tls, the result of dmft for electron_tls."""
    model, solver = model_of(data), data.attrs.get("solver")
    if model is None:
        kinds = {REGISTRY[str(name)].kind if name in REGISTRY else "" for name in data.variables}
        bare = "position" in data.variables and kinds <= {"dimension", "geometry"}
        return "a lattice without a model" if bare else "a Dataset"
    if not data.data_vars:
        return f"a model of {model}"
    return f"the result of {solver} for {model}" if solver else f"a Dataset of {model}"


def _either(names: Iterable[str]) -> str:
    """Return a list in words: exact, ftlm or dmft."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def _solved_by(solver: str) -> str | None:
    """The model that a solver takes; None for what is no solver."""
    return next((model for model, solvers in SOLVERS.items() if solver in solvers), None)


def _taken_by(caller: str) -> str:
    model = _solved_by(caller)
    return f"a model of {model}" if model else "a lattice, model or run"


def _not_there(data: xr.Dataset, name: str, caller: str) -> str:
    """What the Dataset without a variable is, and what to give instead."""
    came, takes = model_of(data), _solved_by(caller)
    kind = REGISTRY[name].kind if name in REGISTRY else ""
    needed = takes or next((model for model, marks in MARKS.items() if name in marks), None)
    simulated = takes is None and kind in ("simulated", "observable")
    if needed is None and came is not None and not data.data_vars and kind != "geometry":
        needed, simulated = came, True  # what all solvers add, such as T
    lacks = f"{described(data).replace('a Dataset', 'the Dataset')} has no {name!r}"
    solvers = GIVEN_BY.get(name, SOLVERS.get(str(needed), ()))
    never_had = name in GIVEN_BY and data.attrs.get("solver") not in (None, *solvers)
    if needed is None or (came == needed and (data.data_vars or not simulated) and not never_had):
        return (
            f"{lacks}; it is lost by drop_vars, by a reduction over one of its dimensions or by picking "
            f"single variables: apply {caller} before that, or pass the whole Dataset"
        )
    instead = f"a model of {needed}"
    if simulated:
        instead = f"the result of {_either(solvers)} for {needed}"
    if came is None:
        return f"{lacks}; give {instead} (xg.{needed}(lattice, ...))"
    return f"{lacks}; give {instead}" + (
        f"; {came} is solved by {_either(SOLVERS[came])}" if came != needed else ""
    )


def _words(unit: object) -> set[str]:
    """The names of which a unit is made."""
    return set(re.findall(r"[^\W\d_]+", str(unit)))


@public
def both_or_neither(caller: str, owner: str, reference: xr.DataArray, **arrays: xr.DataArray | None) -> None:
    """Refuse two parts of one thing, a value and its error, of which only one is in physical units.

    No more is asked: xarray carries units through arithmetic, so that 1/x may be said to be in that of x.
    """
    wanted = reference.attrs.get("units", "1")
    for name, array in arrays.items():
        own = wanted if array is None else array.attrs.get("units", "1")
        one = (_words(own) <= NATURAL) != (_words(wanted) <= NATURAL)
        advice = "apply to_physical to both, with the same arguments, or to neither"
        refuse(
            caller,
            (
                one and bool(_words(own) and _words(wanted)),
                f"{name!r} is in {own} and {owner!r} in {wanted}; {advice}",
            ),
        )


@public
def in_model_units(caller: str, **arrays: xr.DataArray | xr.Variable) -> None:
    """Refuse what is in physical units, or in the energy units of two models.

    A DataArray counts with its own unit and with those of its registered coords. What has no unit, or "1", is
    a plain number in the unit of the model.
    """
    units = [(name, array.attrs.get("units", "1")) for name, array in arrays.items()]
    for array in arrays.values():
        coords = array.coords if isinstance(array, xr.DataArray) else {}
        # the scale is the one energy of a model that is physical
        units += [
            (str(k), c.attrs.get("units", "1")) for k, c in coords.items() if k in REGISTRY and k != "scale"
        ]
    energies: dict[str, str] = {}
    for name, unit in units:
        for energy in _words(unit) & ENERGIES:
            energies.setdefault(energy, name)
        refuse(
            caller,
            (
                not _words(unit) <= NATURAL,
                f"{name!r} is in {unit}; apply to_physical to the result of {caller}, not before it",
            ),
            (
                len(energies) > 1,
                " and ".join(f"{name!r} is in {energy}" for energy, name in energies.items())
                + ", the energy units of two models; give data of one model",
            ),
        )


@public
def require(data: xr.Dataset, *names: str, caller: str, physical: bool = False) -> None:
    """Check that a Dataset carries variables with their registered dimensions, in units of the model.

    Raises TypeError for something else than a Dataset, KeyError for a missing variable, with the model that
    came and the solvers that take it, and ValueError for a missing dimension, with the kind of operation
    that drops it. ValueError
    also for variables that were converted, unless they may be in ``physical`` units.
    What needs the bonds of a model takes :func:`xglass.lattice.require_whole` instead.
    """
    if not isinstance(data, xr.Dataset):
        raise TypeError(f"{caller}: give the Dataset of {_taken_by(caller)}, not {type(data).__name__}")
    if missing := [name for name in names if name not in data.variables]:
        raise NotFoundError(f"{caller}: {_not_there(data, missing[0], caller)}")
    for name in names:
        dims = data[name].dims
        lacking = [dim for dim in REGISTRY[name].dims if dim not in (*dims, "walker", "sweep")]
        refuse(
            caller,
            (
                bool(lacking),
                f"{name!r} has dimensions {dims} and lacks {lacking}; an isel, mean or sum over {lacking} "
                f"came too early. Apply {caller} first, then reduce its result",
            ),
        )
    if not physical:
        in_model_units(caller, **{name: data.variables[name] for name in names})
    selected, whole = data.sizes.get("site"), data.sizes.get("site2")
    refuse(
        caller,
        (
            whole is not None and selected != whole,
            f"the Dataset holds {selected} of {whole} sites; select sites on the result of {caller}, not "
            "before it",
        ),
    )


@public
def array(caller: str, name: str, x: object, *, over: str = "") -> None:
    """Raise TypeError for what is no DataArray."""
    if not isinstance(x, xr.DataArray):
        got, hint = type(x).__name__, "give it dims and coords"
        if isinstance(x, xr.Dataset):
            hint, what = f"pick one variable, {name}['...']", described(x)
            got += "" if what == "a Dataset" else f" ({what})"
            if not x.data_vars:
                model = model_of(x)
                solved = (
                    f"solve it by {_either(SOLVERS[model])}" if model else "make a model of it, solve that"
                )
                hint = f"{solved} and pick one variable"
        raise TypeError(f"{caller}: {name} must be a DataArray{over}, got {got}; {hint}")


@public
def real_array(caller: str, name: str, x: Any) -> None:
    """Raise TypeError for what is no DataArray of real numbers."""
    array(caller, name, x)
    if x.dtype.kind not in "biuf":
        raise TypeError(
            f"{caller}: {name} must hold real numbers, got {x.dtype}; write .real or .astype(float) before it"
        )


@public
def uncut(array: xr.DataArray, dims: tuple[str, ...], *, caller: str) -> None:
    """Refuse core dimensions that dask has split in chunks, or that are not there."""
    for dim in dims:
        if dim not in array.dims:
            raise ValueError(
                f"{caller}: {array.name or 'the array'} has dimensions {array.dims} and needs {dim!r}"
            )
        if len(array.variable.chunksizes.get(dim, ())) > 1:
            raise ValueError(
                f"{caller}: dimension {dim!r} is split in chunks {array.variable.chunksizes[dim]}; write "
                f".chunk({dim}=-1) before it"
            )


@public
def aligned(caller: str, **arrays: xr.DataArray | xr.Dataset) -> None:
    """Refuse arrays that share a dimension with different labels or lengths; the message names them."""
    try:
        xr.align(*arrays.values(), join="exact")
    except ValueError as error:
        raise ValueError(
            f"{caller}: {' and '.join(arrays)} must have the same labels along dimensions they share: {error}"
        ) from error


@public
def in_label_order(name: str, array: xr.DataArray) -> xr.DataArray:
    """The array with its entries along sites or bonds in the order of the lattice, by their labels.

    Labels that come along number the entries from 0, and are followed. Where there are none the entries stand
    in order already. Raises ValueError for other labels.
    """
    for dim in (dim for dim in ("site", "site2", "bond") if dim in array.coords and dim in array.dims):
        labels, wanted = array[dim].values, np.arange(array.sizes[dim])
        if labels.dtype.kind not in "iuf" or not np.array_equal(np.sort(labels), wanted):
            raise ValueError(
                f"{name} has labels {few(labels)} along {dim!r}, and must have each of 0 ... "
                f"{len(wanted) - 1} once; give all of it with the numbers of the lattice, or write "
                f".drop_vars({dim!r}) if it stands in the order of the lattice"
            )
        if not np.array_equal(labels, wanted):
            array = array.isel({dim: np.argsort(labels)})
    return array


def few(labels: Any) -> str:
    """The first labels of an array or index, for messages."""
    return str(labels[:6].tolist()).rstrip("]") + (", ...]" if len(labels) > 6 else "]")


@public
def eager(data: xr.Dataset, name: str) -> np.ndarray:
    """A coordinate of the model as an array, also where a chunked or stored Dataset holds it lazily.

    Parameters are eager by definition; fetching them is no computation of results, so it goes around the
    user's scheduler.
    """
    return data[name].compute(scheduler="synchronous").values


@public
def no_override(caller: str, data: str, **pairs: tuple[xr.DataArray | None, xr.DataArray]) -> None:
    """Refuse an argument that differs from the coordinate of the data that it would override.

    ``pairs`` are (coordinate or None, argument) by name; they may differ by rounding.
    """
    for name, (own, given) in pairs.items():
        if own is None:
            continue
        one, other = (xr.DataArray(part.variable).compute(scheduler="synchronous") for part in (own, given))
        alike = all(one.sizes[dim] == other.sizes[dim] for dim in {*one.dims} & {*other.dims})
        if alike and np.isclose(*xr.broadcast(one, other), rtol=1e-11, atol=0.0).all():
            continue
        raise ValueError(
            f"{caller}: {name} = {_several(other)} is not that of {data}, which has the coordinate {name} = "
            f"{_several(one)}; leave out {name}=, or write .drop_vars({name!r}) where it means nothing"
        )


def _several(values: xr.DataArray) -> str:
    """Return the first numbers of an array as text."""
    return ", ".join(f"{value:g}" for value in values.values.ravel()[:3]) + ", ..." * (values.size > 3)


@public
def extra(module: str, name: str, *, caller: str) -> Any:
    """Import a module that an extra of ours brings; where it is missing the error says how to install it."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        package = module.partition(".")[0]
        if error.name != package:  # it is there, and something else is missing
            raise
        raise ModuleNotFoundError(
            f'{caller} needs {package}, which is not installed; write pip install "xglass[{name}]"',
            name=package,
        ) from error


@public
def whole_number(name: str, value: object, *, minimum: int = 1, maximum: int | None = None) -> int:
    """A whole number as int. Raises TypeError for what is no number, ValueError outside the range."""
    wanted = f"a whole number >= {minimum}" + (f" and < {maximum}" if maximum is not None else "")
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, (int, np.integer, float, np.floating)):
        raise TypeError(f"{name} must be {wanted}, got {value!r}")
    if (
        (isinstance(value, (float, np.floating)) and not np.isfinite(value))
        or int(value) != value
        or value < minimum
        or (maximum is not None and value >= maximum)
    ):
        raise ValueError(f"{name} must be {wanted}, got {value!r}")
    return int(value)


@public
def seed(value: object, *, name: str = "seed") -> int:
    """A seed, 0 <= seed < 2^64. Raises as :func:`whole_number`."""
    return whole_number(name, value, minimum=0, maximum=2**64)


@public
def realizations(realization: object) -> np.ndarray:
    """Number realizations of disorder: by a count or by labels, whole numbers >= 0.

    Raises ValueError for no label and for doubles.
    """
    if np.ndim(realization) == 0:  # type: ignore[arg-type]
        return np.arange(whole_number("realization", realization))
    given = [
        whole_number("realization", label, minimum=0, maximum=2**63)
        for label in np.asarray(realization).tolist()
    ]
    if not given or len(set(given)) != len(given):
        raise ValueError(f"realization must be a count or distinct labels >= 0, got {realization!r}")
    return np.array(given, dtype=np.int64)

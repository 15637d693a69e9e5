"""Checks of arguments: what refuses bad input before any work, in words that say what to do.

What concerns a single room (the geometry of a lattice, the grids of a solver) is checked there.
"""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np
import xarray as xr

from xglass.variables import REGISTRY

__all__ = [
    "aligned",
    "array",
    "eager",
    "extra",
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


def refuse(caller: str, *refusals: tuple[bool, str]) -> None:
    """Raise ValueError with the message of the first condition that holds."""
    for holds, message in refusals:
        if holds:
            raise ValueError(f"{caller}: {message}")


def require(data: xr.Dataset, *names: str, caller: str) -> None:
    """Check that a Dataset carries variables with their registered dimensions.

    Raises TypeError for something else than a Dataset, KeyError for a missing variable and ValueError
    for a missing dimension; each names what was dropped and the kind of operation that drops it.
    What needs the bonds of a model takes :func:`xglass.lattice.require_whole` instead.
    """
    if not isinstance(data, xr.Dataset):
        raise TypeError(f"{caller}: give the Dataset of a lattice, model or run, not {type(data).__name__}")
    if missing := [name for name in names if name not in data.variables]:
        raise KeyError(
            f"{caller}: the Dataset has no {missing[0]!r}. A lattice gets it from a model (charge_glass, "
            "electron_tls), a model from a solver; it is lost by drop_vars, by a reduction over one of "
            f"its dimensions or by picking single variables: apply {caller} before that, or pass the whole "
            "Dataset"
        )
    for name in names:
        dims, unit = data[name].dims, data[name].attrs.get("units", "Vc")
        lacking = [dim for dim in REGISTRY[name].dims if dim not in (*dims, "walker", "sweep")]
        refuse(
            caller,
            (
                bool(lacking),
                f"{name!r} has dimensions {dims} and lacks {lacking}; an isel, mean or sum over {lacking} "
                f"came too early. Apply {caller} first, then reduce its result",
            ),
            (
                name in ("hopping", "interaction") and unit not in ("Vc", "tc"),
                f"{name!r} is in {unit}; apply to_physical to the result of {caller}, not before it",
            ),
        )
    selected, whole = data.sizes.get("site"), data.sizes.get("site2")
    refuse(
        caller,
        (
            whole is not None and selected != whole,
            f"the Dataset holds {selected} of {whole} sites; select sites on the result of {caller}, not "
            "before it",
        ),
    )


def array(caller: str, name: str, x: object, *, over: str = "") -> None:
    """Raise TypeError for what is no DataArray."""
    if not isinstance(x, xr.DataArray):
        hint = f"pick one variable, {name}['...']" if isinstance(x, xr.Dataset) else "give it dims and coords"
        raise TypeError(f"{caller}: {name} must be a DataArray{over}, got {type(x).__name__}; {hint}")


def real_array(caller: str, name: str, x: Any) -> None:
    """Raise TypeError for what is no DataArray of real numbers."""
    array(caller, name, x)
    if x.dtype.kind not in "biuf":
        raise TypeError(
            f"{caller}: {name} must hold real numbers, got {x.dtype}; write .real or .astype(float) before it"
        )


def uncut(array: xr.DataArray, dims: tuple[str, ...], *, caller: str) -> None:
    """Refuse core dimensions that dask has split in chunks, or that are not there."""
    for dim in dims:
        if dim not in array.dims:
            raise ValueError(
                f"{caller}: {array.name or 'the array'} has dimensions {array.dims} and needs {dim!r}"
            )
        if len(array.chunksizes.get(dim, ())) > 1:
            raise ValueError(
                f"{caller}: dimension {dim!r} is split in chunks {array.chunksizes[dim]}; write "
                f".chunk({dim}=-1) before it"
            )


def aligned(caller: str, **arrays: xr.DataArray | xr.Dataset) -> None:
    """Refuse arrays that share a dimension with different labels or lengths; the message names them."""
    try:
        xr.align(*arrays.values(), join="exact")
    except ValueError as error:
        raise ValueError(
            f"{caller}: {' and '.join(arrays)} must have the same labels along dimensions they share: {error}"
        ) from error


def eager(data: xr.Dataset, name: str) -> np.ndarray:
    """A coordinate of the model as an array, also where a chunked or stored Dataset holds it lazily.

    Parameters are eager by definition; fetching them is no computation of results, so it goes around the
    user's scheduler.
    """
    return data[name].compute(scheduler="synchronous").values


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


def seed(value: object, *, name: str = "seed") -> int:
    """A seed, 0 <= seed < 2^64. Raises as :func:`whole_number`."""
    return whole_number(name, value, minimum=0, maximum=2**64)


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

"""What can be stored, and whether it is what a store holds.

A run straight from its solver is known by its coords and attrs: by the identity of trajectories it is a part
of the stored run, or the stored run a part of it. All other data are known by the fingerprint of their chain,
into which operations enter by name and revision, and never by the place of their code.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from xglass.checks import few
from xglass.solvers.metropolis import rerun
from xglass.store import chunks, disk, growth, provenance
from xglass.store.disk import Part

#: Kinds of coordinates that can be stored, and names that the store needs for itself.
STORABLE, RESERVED = chunks.KINDS + "U", ("done", "regions", "unfinished", "zarr.json")

#: Attributes that zarr and xarray need for themselves.
RESERVED_ATTRIBUTES = ("coordinates", "dtype", "_FillValue")

#: When data are refused, with which error, and what is said.
Rule = tuple[Callable[..., bool], type[Exception], str]


# -- what can be stored ------------------------------------------------------------------------------


def storable(data: object) -> xr.Dataset:
    """Return the data as a Dataset that can be stored; raise TypeError or ValueError if they cannot be."""
    dataset = _with_strings(_as_dataset(data))
    lazy = [str(name) for name, coord in dataset.coords.items() if coord.chunks is not None]
    _refuse(OF_DATA, data=dataset, lazy=lazy)
    for name, variable in dataset.variables.items():
        kinds = chunks.KINDS if name in dataset.data_vars else STORABLE
        _refuse(OF_VARIABLES, name=name, variable=variable, kinds=kinds)
    owners = {"the data": dataset.attrs} | {repr(k): v.attrs for k, v in dataset.variables.items()}
    for owner, attrs in owners.items():
        for key, value in attrs.items():
            _refuse(OF_ATTRIBUTES, key=key, value=value, owner=owner, kind=type(value).__name__)
    return dataset


def _as_dataset(data: object) -> xr.Dataset:
    if isinstance(data, xr.Dataset):
        return data
    if not isinstance(data, xr.DataArray):
        raise TypeError(f"evaluate: data must be a lazy Dataset or DataArray, got {type(data).__name__}")
    if data.name is not None and not isinstance(data.name, str):
        raise TypeError(
            f"evaluate: the name {data.name!r} of the DataArray must be a string; write data.rename('...')"
        )
    taken = data.name is None or data.name in data.coords or data.name in data.dims
    return data.to_dataset(name="result" if taken else data.name)


def _with_strings(data: xr.Dataset) -> xr.Dataset:
    """Turn coordinates of objects that are all strings into strings."""
    for name, coord in data.coords.items():
        objects = coord.chunks is None and coord.dtype.kind in "OT"
        if objects and all(isinstance(value, str) for value in coord.values.ravel()):
            data = data.assign_coords({name: coord.astype(str)})
    return data


def _refuse(rules: Iterable[Rule], **what: Any) -> None:
    """Raise the error of the first rule that applies."""
    for applies, error, message in rules:
        if applies(**what):
            raise error(f"evaluate: {message.format(**what)}")


def _unfinished(data: xr.Dataset, **_: Any) -> bool:
    graphs = [variable.data.dask for variable in data.data_vars.values() if variable.chunks is not None]
    layers = (str(layer) for graph in graphs for layer in graph.layers)
    return "done" in data.coords or any(name.startswith(f"original-{disk.PARTIAL}") for name in layers)


def _no_name(name: Any, **_: Any) -> bool:
    return (
        not isinstance(name, str)
        or not re.fullmatch(r"[^/\\.][^/\\]*", name)
        or name in RESERVED
        or name.startswith("growth-")
        or name.endswith(".partial")
    )


def _no_key(key: Any, **_: Any) -> bool:
    return not isinstance(key, str) or key in RESERVED_ATTRIBUTES or key.startswith("xglass_")


def _no_json(value: Any, **_: Any) -> bool:
    try:
        json.dumps(value, default=lambda item: item.tolist())
    except (TypeError, AttributeError, ValueError):
        return True
    return False


OF_DATA: list[Rule] = [
    (
        lambda data, lazy: not data.data_vars,
        TypeError,
        "the Dataset has no variables, only coordinates; there is nothing to compute",
    ),
    (
        _unfinished,
        ValueError,
        "the data come from a store that is not finished; evaluate that one first, then load it without "
        "partial=True",
    ),
    (
        lambda data, lazy: all(variable.chunks is None for variable in data.data_vars.values()),
        TypeError,
        "data are already computed; save them with data.to_zarr(path, consolidated=False) and read them with "
        "xr.open_zarr, or give the lazy result (a solver's with chunks='auto')",
    ),
    (
        lambda data, lazy: bool(lazy),
        TypeError,
        "the parameters {lazy} are dask arrays (Dataset.chunk makes them so) and must be in memory; write "
        "data.assign_coords({{name: coord.compute() for name, coord in data.coords.items()}}), or chunk a "
        "variable by data.assign(x=data['x'].chunk(...))",
    ),
]

OF_VARIABLES: list[Rule] = [
    (
        lambda name, variable, kinds: variable.dtype.kind not in kinds,
        TypeError,
        "{name!r} is of type {variable.dtype}; a store holds numbers (and coordinates of strings): "
        "convert or drop it",
    ),
    (_no_name, ValueError, "{name!r} cannot be the name of a stored variable; rename it"),
    (
        lambda name, variable, kinds: 0 in variable.shape,
        ValueError,
        "{name!r} is empty: it has shape {variable.shape} along {variable.dims}",
    ),
]

OF_ATTRIBUTES: list[Rule] = [
    (
        _no_key,
        ValueError,
        "the attribute {key!r} of {owner} has a name that the store needs for itself; rename or delete it",
    ),
    (
        _no_json,
        TypeError,
        "the attribute {key!r} of {owner} is no number, text or list of these, but {kind}",
    ),
]


# -- is it what the store holds ----------------------------------------------------------------------


def description(data: xr.Dataset | xr.DataArray, dataset: xr.Dataset) -> dict[str, Any]:
    """What is known of data, with the Dataset that is stored for them."""
    name, array = (data.name, True) if isinstance(data, xr.DataArray) else (None, False)
    return provenance.describe(dataset, name=name, array=array) | {"solver_run": from_solver(dataset)}


def from_solver(data: xr.Dataset) -> bool:
    """Whether data are just what their own coords and attrs describe:
    a run that nothing was done to since its solver.
    """
    if data.attrs.get("solver") != "metropolis":
        return False
    try:
        return _same_arrays(rerun(data, chunks=growth.chunks(data)), data)
    except (KeyError, TypeError, ValueError):
        return False


def given_by(stored: xr.Dataset, data: xr.Dataset) -> bool:
    """Whether data are what a store gave, whole or the part that was asked for."""
    labels = growth.order(data)
    held, given = stored.indexes, data.indexes
    inside = all(
        dim in held
        and (
            held[dim].equals(given[dim])
            or (held[dim].is_unique and held[dim].isin(given[dim]).sum() == len(given[dim]))
        )
        for dim in labels
    )
    return inside and _same_arrays(growth.in_order(stored, labels), data)


def _same_arrays(a: xr.Dataset, b: xr.Dataset) -> bool:
    """Whether two Datasets hold the same: dask names equal arrays equally,
    and what is in memory is compared.
    """
    if {*a.data_vars} != {*b.data_vars} or any(
        (a[name].chunks is None) != (b[name].chunks is None) for name in a.data_vars
    ):
        return False
    return all(
        a[name].equals(b[name]) if a[name].chunks is None else a[name].data.name == b[name].data.name
        for name in a.data_vars
    )


def refuse_other(parts: list[Part], data: xr.Dataset, asked: dict[str, Any], folder: Path) -> None:
    """Raise ValueError with what differs unless the store holds these data,
    or a run of which they are more or less.
    """
    first = parts[0].provenance
    same = first["fingerprint"] == provenance.fingerprint(data, first.get("identity_version"))
    refuse_other_revisions(parts[0], asked["revisions"])
    if first.get("solver_run") and asked["solver_run"]:
        lines = provenance.compare(
            {"variables": sorted(first["variables"])}, {"variables": sorted(asked["variables"])}
        )
        lines += compare_runs(growth.combined(parts, complete=False), data)
        for own in (
            part.provenance["attributes"] for part in parts
        ):  # a growth knows those of its solver only
            lines += provenance.compare(own, {k: v for k, v in asked["attributes"].items() if k in own})
        lines = list(dict.fromkeys(lines))
        if lines and same:
            raise ValueError(
                f"store {str(folder)!r}: by its fingerprint it holds this run, by its metadata another one "
                f"({lines[0]}); they are damaged, restore them or evaluate to another path"
            )
    elif same:
        return
    else:
        lines = _compared_chains(first, asked, folder)
        if data.attrs.get("solver") and first["attributes"].get("solver"):
            lines.append(
                "a run grows when it comes straight from its solver: not one that was selected from, "
                "or that goes on from another run"
            )
    if lines:
        shown = "\n  ".join(lines[:12] + ([f"and {len(lines) - 12} more"] if len(lines) > 12 else []))
        raise ValueError(
            f"store {str(folder)!r} holds something else and was not touched; choose another path. "
            f"What differs:\n  {shown}"
        )


def _compared_chains(stored: dict[str, Any], asked: dict[str, Any], folder: Path) -> list[str]:
    """Return lines for what tells two chains apart, whose fingerprints differ.

    Fingerprints by another rule differ always, and say nothing; where all else agrees, that is the reason.
    """
    if stored.get("identity_version") == asked["identity_version"]:
        return provenance.differences(stored, asked) or [
            "something without a name: the values of an input array (of a store that has grown "
            "since?), the code of a function, or an "
            "object or delayed task that is another one at every start (what is stored can be read "
            "by load(path, partial=True))"
        ]
    # operations without a rule are named after private functions; how "auto" cuts may have changed since, and
    # solvers may have learnt to say more in attributes and parameters
    sides = [
        side
        | {"operations": [], "variables": {k: v | {"chunks": []} for k, v in side["variables"].items()}}
        | {
            section: {k: v for k, v in side[section].items() if k in stored[section]}
            for section in ("attributes", "parameters")
        }
        for side in (stored, asked)
    ]
    if lines := provenance.differences(*sides):
        return lines
    known = "was made before operations were named"
    if "identity_version" in stored:
        known = f"knows operations by rule {stored['identity_version']}, not {asked['identity_version']}"
    raise ValueError(
        f"store {str(folder)!r} {known}, so that nothing proves it to hold these very data; evaluate to "
        "another path (load still reads this one)"
    )


def refuse_other_revisions(part: Part, asked: dict[str, int]) -> None:
    """Raise ValueError if an operation computed the stored numbers otherwise than it would now.

    All operations had revision 1 when stores did not record any.
    """
    stored = part.provenance.get("revisions", dict.fromkeys(asked, 1))
    if changed := [name for name in asked if stored.get(name, asked[name]) != asked[name]]:
        lines = [f"{name}: revision {stored[name]} there, {asked[name]} in this xglass" for name in changed]
        raise ValueError(
            f"store {str(part.path)!r} holds numbers that are computed otherwise now ({'; '.join(lines)}), "
            "and the two are not to be mixed; evaluate to another path (load still reads this one)"
        )


def environment_changes(stored: dict[str, Any]) -> list[str]:
    """Say which versions and processor are not those of the store."""
    now = provenance.environment()
    return provenance.compare(
        {**stored["versions"], "cpu": stored["cpu"]}, {**now["versions"], "cpu": now["cpu"]}
    )


# -- two runs ----------------------------------------------------------------------------------------


def compare_runs(stored: xr.Dataset, asked: xr.Dataset) -> list[str]:
    """What keeps two runs from being parts of one: lines for people,
    empty if the larger contains the smaller.
    """
    lines = provenance.compare(
        *({str(k): provenance.plain(v) for k, v in side.attrs.items()} for side in (stored, asked))
    )
    lines += [f"{name}: the store has none" for name in asked.coords if name not in stored.coords]
    lines += [
        f"{name}: the store has it, you ask for none" for name in stored.coords if name not in asked.coords
    ]
    if {*stored.dims} != {*asked.dims}:
        return [*lines, f"dimensions: the store has {[*stored.sizes]}, you ask for {[*asked.sizes]}"]
    different, common = _compared_labels(stored, asked)
    lines += different
    return lines or _compared_parameters(stored, asked, common)


def _compared_labels(stored: xr.Dataset, asked: xr.Dataset) -> tuple[list[str], dict[str, Any]]:
    """A line for labels with which no run is a part of the other, and the labels that both have."""
    lines: list[str] = []
    added, dropped, common = [], [], {}
    for dim in map(str, asked.dims):
        if dim not in asked.indexes or dim not in stored.indexes:
            if stored.sizes[dim] != asked.sizes[dim] or (dim in asked.indexes) != (dim in stored.indexes):
                lines.append(
                    f"{dim}: the store has {stored.sizes[dim]} entries, you ask for "
                    f"{asked.sizes[dim]}; without labels nothing can grow"
                )
            continue
        old, new = stored.indexes[dim], asked.indexes[dim]
        if not (old.is_unique and new.is_unique):
            lines += [] if old.equals(new) else [f"{dim}: labels that repeat cannot grow"]
            continue
        common[dim] = old[old.isin(new)]
        if len(common[dim]) == 0:
            lines += provenance.compare({dim: old.tolist()}, {dim: new.tolist()})
        added += [f"{dim}: {few(new[~new.isin(old)])}"] if not new.isin(old).all() else []
        dropped += [f"{dim}: {few(old[~old.isin(new)])}"] if not old.isin(new).all() else []
    if added and dropped and not lines:
        lines.append(
            f"you ask for more ({'; '.join(added)}) and for less ({'; '.join(dropped)}) than the "
            "store has; ask for what is stored and more"
        )
    return lines, common


def _compared_parameters(stored: xr.Dataset, asked: xr.Dataset, common: dict[str, Any]) -> list[str]:
    """A line for each of the coordinates that have other values at the labels that both runs have."""
    lines: list[str] = []
    sides = [
        data.isel({dim: data.indexes[dim].get_indexer(labels) for dim, labels in common.items()})
        for data in (stored, asked)
    ]
    for name in map(str, sides[1].coords):
        a, b = (side[name].values for side in sides)
        if a.shape != b.shape or not np.array_equal(a, b, equal_nan=a.dtype.kind in "fc"):
            lines += provenance.compare({name: provenance.plain(a)}, {name: provenance.plain(b)}) or [
                f"{name}: has other values"
            ]
    return lines

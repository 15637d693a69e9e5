"""What a store holds, in words that can be compared: fingerprint, parameters, operations, versions."""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import json
import platform
from collections.abc import Hashable, Iterable, Iterator
from pathlib import Path
from typing import Any

import dask.base
import numpy as np
import xarray as xr
from dask.blockwise import Blockwise
from dask.highlevelgraph import HighLevelGraph

from xglass.engine.core.operations import IDENTITY_VERSION, known
from xglass.engine.core.streams import COMPUTING

PACKAGES = ("xglass", *COMPUTING, "dask", "xarray", "zarr")


def describe(data: xr.Dataset, *, name: Hashable | None, array: bool) -> dict[str, Any]:
    """Everything by which two evaluations are told apart, ready for JSON."""
    lazy = {str(k): v for k, v in data.data_vars.items() if v.chunks is not None}
    return {
        "kind": "DataArray" if array else "Dataset",
        "name": name,
        "fingerprint": fingerprint(data),
        "identity_version": IDENTITY_VERSION,
        "revisions": revisions(data),
        "attributes": {str(k): plain(v) for k, v in data.attrs.items()},
        "parameters": {str(k): plain(v.values) for k, v in data.coords.items()},
        "variables": {
            name: {
                "dims": [*map(str, v.dims)],
                "type": str(v.dtype),
                "chunks": [list(c) for c in v.data.chunks],
            }
            for name, v in lazy.items()
        },
        "computed": {str(k): plain(v.values) for k, v in data.data_vars.items() if v.chunks is None},
        "operations": operations(data),
        **environment(),
    }


def fingerprint(data: xr.Dataset, rule: int | None = IDENTITY_VERSION) -> str:
    """The dask token of data; since rule 2 without what axes are called, which no number depends on."""
    bare = data.copy(deep=False)
    for variable in bare.variables.values() if rule is not None and rule >= 2 else ():
        variable.attrs = {
            key: value
            for key, value in variable.attrs.items()
            if key not in ("long_name", "symbol") and (key, value) != ("units", "1")
        }
    token: str = dask.base.tokenize(bare)
    return token


def environment() -> dict[str, Any]:
    """The versions and the processor, on which the last bits of floating-point numbers depend."""
    versions = {package: importlib.metadata.version(package) for package in PACKAGES}
    return {"versions": {"python": platform.python_version(), **versions}, "cpu": _cpu()}


@functools.cache
def _cpu() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or platform.machine()


def plain(value: Any) -> Any:
    """A value as JSON has it; arrays of more than 64 entries by shape and digest."""
    array = np.asarray(value)
    if array.dtype.kind in "biufU" and array.size <= 64:
        return array.tolist()
    if array.dtype.kind in "biufcU":
        return {
            "shape": list(array.shape),
            "digest": hashlib.blake2b(np.ascontiguousarray(array).tobytes(), digest_size=8).hexdigest(),
        }
    return str(value)


def operations(data: xr.Dataset) -> list[list[Any]]:
    """[function, {argument: value}] of every step of the lazy chain, as far as arguments are numbers or
    names. An operation of ours goes by its public name.
    """
    found = []
    for layer in _layers(data):
        task = getattr(layer, "task", None) or next(iter(layer.values()), None)
        function = getattr(task, "func", None)
        if function is None:
            continue
        arguments = {str(k): v for k, v in enumerate(getattr(task, "args", ()))} | dict(
            getattr(task, "kwargs", None) or {}
        )
        while isinstance(function, functools.partial):
            arguments |= {str(k): v for k, v in enumerate(function.args)} | function.keywords
            function = function.func
        arguments |= {
            str(k): v for k, (v, place) in enumerate(getattr(layer, "indices", ())) if place is None
        }
        named = {k: v for k, v in arguments.items() if isinstance(v, (bool, int, float, str))}
        found.append([getattr(function, "__name__", type(function).__name__), named])
    return sorted(found, key=str)


def revisions(data: xr.Dataset) -> dict[str, int]:
    """Name -> revision of the operations of ours in a lazy chain."""
    return dict(sorted({name for leaf in leaves(data) if (name := known(leaf)) is not None}))


def leaves(data: xr.Dataset) -> Iterator[Any]:
    """The functions in the graph of lazy data and what they are given, down to what cannot be taken apart."""
    for layer in _layers(data):
        tasks = [layer.task] if isinstance(layer, Blockwise) else layer.values()
        for task in tasks:
            yield from _leaves(task)


def _leaves(node: Any) -> Iterator[Any]:
    """Tasks, partial functions and containers taken apart; dask keeps fused tasks in the arguments of one."""
    if hasattr(node, "func"):
        options = getattr(node, "keywords", None) or getattr(node, "kwargs", None) or {}
        inner: Any = (node.func, *getattr(node, "args", ()), *options.values())
    elif isinstance(node, dict):
        inner = node.values()
    elif isinstance(node, (tuple, list)):
        inner = node
    else:
        yield node
        return
    for part in inner:
        yield from _leaves(part)


def _layers(data: xr.Dataset) -> Iterable[Any]:
    graphs = [v.data.dask for v in data.data_vars.values() if v.chunks is not None]
    return HighLevelGraph.merge(*graphs).layers.values()


def differences(stored: dict[str, Any], asked: dict[str, Any]) -> list[str]:
    """What tells two descriptions apart, one line each."""
    lines = []
    for key in ("kind", "name"):
        if _text(stored.get(key)) != _text(asked.get(key)):
            lines.append(_line(key, stored.get(key), asked.get(key)))
    for section in ("attributes", "parameters", "computed"):
        lines += compare(stored.get(section, {}), asked.get(section, {}))
    forms = [
        {k: f"{v['type']} {tuple(v['dims'])}" for k, v in side.get("variables", {}).items()}
        for side in (stored, asked)
    ]
    lines += compare(*forms)
    named, numbers = _operations_that_differ(stored.get("operations", []), asked.get("operations", []))
    lines += named
    if not lines:
        lines += compare(
            *(
                {f"chunks of {k}": v["chunks"] for k, v in side.get("variables", {}).items()}
                for side in (stored, asked)
            )
        )
    lines = lines or numbers
    return list(dict.fromkeys(lines))


def compare(stored: dict[str, Any], asked: dict[str, Any]) -> list[str]:
    """A line for each of the entries of two dictionaries that differ."""
    return [
        _line(key, stored.get(key, "nothing"), asked.get(key, "nothing"))
        for key in {**stored, **asked}
        if _text(stored.get(key)) != _text(asked.get(key))
    ]


def _operations_that_differ(stored: list[list[Any]], asked: list[list[Any]]) -> tuple[list[str], list[str]]:
    """A line for each of the arguments that differ, and lines for operations that one side has more of."""
    arguments, numbers = [], []
    for name in dict.fromkeys(operation for operation, _ in [*stored, *asked]):
        old, new = ([values for operation, values in side if operation == name] for side in (stored, asked))
        if len(old) != len(new) and not name.startswith(("get", "_get", "concatenate")):
            numbers.append(f"{name}: the store has {len(old)} of it, you ask for {len(new)}")
        elif len(old) == len(new):
            arguments += [line for a, b in zip(old, new, strict=True) for line in compare(a, b)]
    return arguments, numbers


def _line(what: str, stored: Any, asked: Any) -> str:
    return f"{what}: the store has {_shown(stored)}, you ask for {_shown(asked)}"


def _text(value: Any) -> str:
    """A value as it stands in JSON, where tuples are lists and NaN is itself."""
    return json.dumps(value, default=str)


def _shown(value: Any) -> str:
    if isinstance(value, dict) and "digest" in value:
        return f"other values of shape {tuple(value['shape'])}"
    text = str(value) if not isinstance(value, str) else repr(value)
    return text if len(text) <= 160 else text[:150] + " ..."

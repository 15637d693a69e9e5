"""The bits of some hundred results: what a change of form must leave as they are.

Run it with the checkout to look at on the path; it takes 80 s on one core, and the time to compile::

    PYTHONPATH=checkout python tests/benchmarks/bits.py record reference.json
    PYTHONPATH=other_checkout python tests/benchmarks/bits.py compare reference.json

``compare`` exits with 1 where values, types, dimensions, attributes or the set of variables differ, or where
a case fails. Attributes are listed apart, and those of a version left out. All NaN are alike; -0 and 0 are
not. What can be computed in several ways (at once, lazily in chunks) must have the same bits in each. Only
the public interface is used; the cases stand in bits_cases.py. Bits depend on the processor and on numpy,
scipy and numba: compare on the machine that recorded.
"""

from __future__ import annotations

import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import hashlib
import importlib.metadata
import json
import pathlib
import sys
import time
import warnings
from typing import Any

import dask
import numpy as np
import xarray as xr
from bits_cases import CASES

import xglass as xg


def readable(attrs: dict[Any, Any]) -> dict[str, str]:
    """Attributes as text, without those of a version."""
    return {str(key): repr(value) for key, value in sorted(attrs.items()) if not str(key).endswith("version")}


def reduced(variable: xr.Variable) -> dict[str, Any]:
    """What is compared of one variable; the sum of its finite values is for the reader."""
    values = np.ascontiguousarray(variable.values)
    total = None
    if values.dtype.kind in "fc":  # a complex number as two real ones
        values = values.reshape(-1).view(values.real.dtype)
        values = np.where(np.isnan(values), np.array(np.nan, values.dtype), values)
    if values.dtype.kind in "biuf":
        total = float(values[np.isfinite(values)].sum(dtype=np.float64))
    content = repr(values.tolist()).encode() if values.dtype.kind == "O" else values.tobytes()
    return {
        "dtype": str(variable.dtype),
        "dims": [str(dim) for dim in variable.dims],
        "shape": list(variable.shape),
        "sha256": hashlib.sha256(content).hexdigest(),
        "attrs": readable(variable.attrs),
        "sum": total,
    }


def digest(result: Any) -> dict[str, Any]:
    """What is compared of a Dataset or DataArray, several by name (dict), or one in several ways (list)."""
    if isinstance(result, dict):
        parts = {name: digest(part) for name, part in result.items()}
        return {f"{name}: {key}": entry for name, part in parts.items() for key, entry in part.items()}
    if isinstance(result, list):
        first, *others = (digest(way) for way in result)
        for number, other in enumerate(others, start=1):
            values, attrs = differences(first, other)
            if values or attrs:
                raise AssertionError(f"way {number} of computing it differs: {'; '.join(values + attrs)}")
        return first
    entries = {}
    for name, coord in result.coords.items():
        entries[f"{'index' if name in result.indexes else 'coord'} {name}"] = reduced(coord.variable)
    if isinstance(result, xr.DataArray):
        return {str(result.name): reduced(result.variable)} | entries
    entries |= {str(name): reduced(array.variable) for name, array in result.data_vars.items()}
    return entries | {"the Dataset": {"attrs": readable(result.attrs)}}


def differences(before: dict[str, Any], after: dict[str, Any]) -> tuple[list[str], list[str]]:
    """Sentences on the values, and on the attributes, that differ."""
    values, attrs = [], []
    for name in {**before, **after}:
        if name not in before or name not in after:
            values.append(f"{name}: only {'before' if name in before else 'after'}")
            continue
        old, new = before[name], after[name]
        for key in ("dtype", "dims", "shape"):
            if old.get(key) != new.get(key):
                values.append(f"{name}: {key} was {old.get(key)}, is {new.get(key)}")
        if old.get("sha256") != new.get("sha256"):
            values.append(f"{name}: bits differ, sum was {old.get('sum')!r}, is {new.get('sum')!r}")
        for key in {**old["attrs"], **new["attrs"]}:
            if old["attrs"].get(key) != new["attrs"].get(key):
                attrs.append(f"{name}: {key!r} was {old['attrs'].get(key)}, is {new['attrs'].get(key)}")
    return values, attrs


def computed(name: str) -> dict[str, Any]:
    """The digest of a case."""
    with warnings.catch_warnings(), dask.config.set(scheduler="synchronous"):
        warnings.simplefilter("ignore")
        return digest(CASES[name]())


def compared(before: dict[str, dict[str, Any]]) -> int:
    """Compute every case again and say what differs; the number of cases that do."""
    names, different, of_attrs = [*{**before, **CASES}], 0, []
    for name in names:
        values, attrs = [], []
        if name not in before or name not in CASES:
            values = [f"only in the {'file' if name in before else 'table of cases'}"]
        else:
            try:
                values, attrs = differences(before[name], computed(name))
            except Exception as error:  # one case that fails must not hide the others
                values = [f"{type(error).__name__}: {error}"]
        different += bool(values or attrs)
        of_attrs += [f"{name}: {sentence}" for sentence in attrs]
        print(
            f"{'different' if values else 'attributes' if attrs else 'identical':10} {name}",
            *values,
            sep="\n    ",
            flush=True,
        )
    print(f"{len(of_attrs)} attributes differ", *of_attrs, sep="\n    ")
    print(f"{different} of {len(names)} cases differ")
    return different


def main() -> int:
    """Record or compare."""
    parser = argparse.ArgumentParser(description="Record or compare the bits of results of xglass.")
    parser.add_argument("command", choices=("record", "compare"))
    parser.add_argument("file", type=pathlib.Path)
    options, start = parser.parse_args(), time.perf_counter()
    packages = {name: importlib.metadata.version(name) for name in ("numpy", "scipy", "numba", "xarray")}
    print(f"xglass of {pathlib.Path(xg.__file__).parent}", flush=True)
    different = 0
    if options.command == "record":
        record = {"packages": packages, "cases": {name: computed(name) for name in CASES}}
        options.file.write_text(json.dumps(record, indent=1))
    else:
        record = json.loads(options.file.read_text())
        if record["packages"] != packages:
            print(f"packages were {record['packages']}, are {packages}: differences may be theirs")
        different = compared(record["cases"])
    print(f"{len(CASES)} cases, {time.perf_counter() - start:.0f} s")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())

"""Random damage to the metadata of stores: python tests/benchmarks/store_damage.py [--flips 400]
[--truncations 100] [--aims 8] [--seed 0] [--unsealed]

One bit of a file of metadata or coordinates is turned, or the file is cut off, and then everything that looks
at a store is asked: progress, failures, load, verify, evaluate of what is stored, of another seed, and of
more. Each answer is refused by an error that names the store, or it is right to the last bit and attribute.
Whatever else it is, it is wrong without a word, or a bare exception of somebody else's, and the exit status
is 1. tests/store/test_seal.py is the short form.
"""

from __future__ import annotations

import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
import collections
import json
import random
import re
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dask
import numpy as np
import xarray as xr

import xglass as xg

Data = xr.Dataset | xr.DataArray
#: What an answer may be, from good to bad.
HARMLESS, REFUSED, SILENT, BARE = "harmless", "refused by name", "SILENT", "BARE EXCEPTION"
SEVERITY = (HARMLESS, REFUSED, SILENT, BARE)
SEED, OTHER_SEED = 7, 5  # one bit of their digits tells them apart


def run(**arguments: Any) -> xr.Dataset:
    """A run of the 4 x 4 glass in tasks of one temperature."""
    defaults = {"weight": "classical", "chunks": {"T": 1}, "walker": 2, "sweep": 3, "seed": SEED}
    return xg.testing.tiny_run(xg.testing.tiny_glass(eta=-0.5), **defaults | arguments)


def rows() -> xr.Dataset:
    """Twelve rows of 41 numbers in two chunks, of a chain that no solver made."""
    label = xr.DataArray(np.arange(12.0), {"row": np.arange(12)}).chunk(row=6)
    return xr.Dataset({"value": np.sqrt(label + xr.DataArray(np.arange(41.0), dims="column"))})


@dataclass
class Store:
    """A store to damage, what it should give, and what is asked of it."""

    name: str
    asked: Callable[[], Data]
    larger: Callable[[], Data] | None = None
    other: Callable[[], Data] | None = None
    shard: str | None = None
    before: Callable[[], Data] | None = None  # what it held before it grew

    def make(self, path: Path) -> None:
        """Make it, and compute what is right."""
        if self.before is not None:
            evaluate(self.before(), path)
        evaluate(self.asked(), path, shard=self.shard)
        self.stored = in_memory(xg.store.load(path, partial=self.shard is not None))
        self.progress = tuple(xg.store.progress(path))[:3]
        made = {name: None if make is None else make() for name, make in self.chains().items()}
        self.lazy = {name: data for name, data in made.items() if data is not None}
        self.right = {name: in_memory(data) for name, data in self.lazy.items() if name != "other"}

    def chains(self) -> dict[str, Callable[[], Data] | None]:
        """What it is asked for."""
        return {"asked": self.asked, "larger": self.larger, "other": self.other}


STORES = [
    Store(
        "grown run",
        lambda: run(sweep=5, walker=3),
        lambda: run(sweep=5, walker=3, T=[0.05, 0.1, 0.2]),
        lambda: run(seed=OTHER_SEED, sweep=5, walker=3),
        before=run,
    ),
    Store("half a run", run, lambda: run(walker=3), lambda: run(seed=OTHER_SEED), shard="1/2"),
    Store("numbers", rows, other=lambda: rows() + 1.0),
]


def evaluate(data: Data, path: Path, **options: Any) -> Data:
    return xg.store.evaluate(data, path, progress=False, **options)


def in_memory(data: Data) -> xr.Dataset:
    """Everything, computed in this thread."""
    computed = data.compute(scheduler="synchronous")
    return computed.to_dataset(name="value") if isinstance(computed, xr.DataArray) else computed


def difference(found: xr.Dataset, right: xr.Dataset) -> str | None:
    """What of the labels, attributes, types or bits is not as it should be."""
    if {*map(str, found.variables)} != {*map(str, right.variables)}:
        return f"variables {sorted({*map(str, found.variables)} ^ {*map(str, right.variables)})}"
    for name, variable in right.variables.items():
        other = found[name].variable
        if other.dims != variable.dims or other.dtype != variable.dtype or other.shape != variable.shape:
            return f"form of {name}"
        if np.ascontiguousarray(other.values).tobytes() != np.ascontiguousarray(variable.values).tobytes():
            return f"{np.count_nonzero(other.values != variable.values)} numbers of {name}"
    if not found.identical(right):
        return "attributes"
    return None


def questions(store: Store, path: Path) -> Iterator[tuple[str, Callable[[], str | None]]]:
    """(what is asked, function that says what is wrong with the answer)."""

    def compared(name: str) -> Callable[[], str | None]:
        return lambda: difference(in_memory(evaluate(store.lazy[name], path)), store.right[name])

    def loaded() -> str | None:
        return difference(in_memory(xg.store.load(path, partial=store.shard is not None)), store.stored)

    def refused() -> str:
        evaluate(store.lazy["other"], path)
        return "other data were accepted"

    def progress() -> str | None:
        return None if tuple(xg.store.progress(path))[:3] == store.progress else "progress"

    def failures() -> str | None:
        return "failures" if xg.store.failures(path) else None

    def verified() -> str | None:
        xg.store.verify(path, 0.1, data=None if store.larger else store.lazy["asked"])
        return None

    yield "progress", progress
    yield "failures", failures
    yield "load", loaded
    yield "verify", verified
    yield "other", refused
    yield "evaluate", compared("asked")
    if "larger" in store.lazy:
        yield "grow", compared("larger")


def outcome(store: Store, path: Path) -> tuple[str, list[str]]:
    """The worst answer of a damaged store, and what was bad."""
    worst, notes = HARMLESS, []
    for what, ask in questions(store, path):
        before = content(path)
        try:
            wrong = ask()
            kind = SILENT if wrong else HARMLESS
        except (ValueError, OSError, xg.store.EvaluationError) as error:
            named = str(path) in str(error)
            kind = (HARMLESS if what == "other" else REFUSED) if named else BARE
            wrong = None if named else f"{type(error).__name__}: {error}"
            if named and what != "verify" and content(path) != before:
                kind, wrong = SILENT, f"refused, and changed the store ({error})"
        except Exception as error:
            kind, wrong = BARE, f"{type(error).__name__}: {error}"
        if wrong:
            notes.append(f"{what}: {kind}: {wrong.splitlines()[0][:160]}")
        worst = max(worst, kind, key=SEVERITY.index)
    return worst, notes


def content(path: Path, but: Path | None = None) -> dict[str, tuple[int, int]]:
    """Time and size of every file but one."""
    stats = ((file, file.stat()) for file in path.rglob("*") if file.is_file() and file != but)
    return {str(file): (stat.st_mtime_ns, stat.st_size) for file, stat in stats}


def fixed(path: Path) -> list[Path]:
    """The files that say what a store is: metadata and coordinates, of all its parts."""
    files = []
    for part in (path, *path.glob("growth-*")):
        provenance = json.loads(
            json.loads((part / "zarr.json").read_text())["attributes"]["xglass_provenance"]
        )
        arrays = [part / name for name in (*provenance["variables"], "regions/done", "regions/error")]
        coordinates = [part / name for name in (*provenance["parameters"], *provenance["computed"])]
        files += [part / "zarr.json", part / "regions" / "zarr.json"]
        files += [array / "zarr.json" for array in arrays]
        files += [file for array in coordinates for file in array.rglob("*") if file.is_file()]
    return sorted(files)


#: The damage that a case does to the content of a file.
Harm = Callable[[bytes], bytes]


def flipped(place: int, bit: int) -> Harm:
    return lambda content: content[:place] + bytes([content[place] ^ (1 << bit)]) + content[place + 1 :]


def aimed(draw: random.Random, path: Path, number: int) -> list[tuple[Path, Harm]]:
    """Flips that leave JSON valid and say something else: so many of a seed, and of a shape."""
    seeds, numbers = [], []
    for file in (file for file in fixed(path) if file.name == "zarr.json"):
        text = file.read_text()
        seeds += [(file, flipped(match.end() - 1, 1)) for match in re.finditer(rf"\bseed\W+{SEED}", text)]
        for match in re.finditer(r'"(?:chunk_shape|shape)": \[([^]]*)\]', text):
            digits = re.finditer(r"\b[0-7]", match[1])  # whose second bit leads to another
            numbers += [(file, flipped(match.start(1) + digit.start(), 1)) for digit in digits]
    return [case for cases in (seeds, numbers) for case in draw.sample(cases, min(number, len(cases)))]


def random_flip(draw: random.Random, path: Path) -> tuple[Path, Harm]:
    """One bit: half of the time of any byte of all, else of a byte of any file."""
    files = fixed(path)
    sizes = [file.stat().st_size for file in files] if draw.random() < 0.5 else None
    (file,) = draw.choices(files, sizes)
    return file, flipped(draw.randrange(file.stat().st_size), draw.randrange(8))


def random_cut(draw: random.Random, path: Path) -> tuple[Path, Harm]:
    """A file that ends too early."""
    file = draw.choice(fixed(path))
    length = draw.randrange(file.stat().st_size)
    return file, lambda content: content[:length]


def unseal(path: Path) -> None:
    """Make of a store one that was made before metadata were sealed."""
    for part in (path, *path.glob("growth-*")):
        for file, key in ((part / "zarr.json", "xglass_sealed"), (part / "regions" / "zarr.json", "seal")):
            meta = json.loads(file.read_text())
            meta.get("attributes", {}).pop(key, None)
            file.write_text(json.dumps(meta))


def torture(
    folder: Path, *, flips: int, truncations: int, aims: int, seed: int = 0, unsealed: bool = False
) -> tuple[collections.Counter[str], list[str]]:
    """Damage, ask, restore; how often which outcome came, and a line for each bad one."""
    counts: collections.Counter[str] = collections.Counter()
    lines: list[str] = []
    with warnings.catch_warnings(), dask.config.set(num_workers=2):
        warnings.simplefilter(
            "ignore"
        )  # that a damaged region is computed again, and what zarr says of files
        for k, store in enumerate(STORES):
            pristine = folder / store.name / "pristine.zarr"
            store.make(pristine)
            if unsealed:
                unseal(pristine)
            draw = random.Random(f"{seed} {store.name}")
            share = range(k, flips, len(STORES)), range(k, truncations, len(STORES))
            cases = [random_flip(draw, pristine) for _ in share[0]]
            cases += [random_cut(draw, pristine) for _ in share[1]]
            kinds = ["flip"] * len(share[0]) + ["truncation"] * len(share[1])
            more = aimed(draw, pristine, aims)
            for kind, (file, harm) in zip(kinds + ["aimed flip"] * len(more), cases + more, strict=True):
                path = folder / store.name / "damaged.zarr"
                if not path.exists():
                    shutil.copytree(pristine, path)
                name = file.relative_to(pristine)
                before = content(path, but=path / name)
                (path / name).write_bytes(harm(file.read_bytes()))
                found, notes = outcome(store, path)
                counts[f"{kind}: {found}"] += 1
                lines += [f"{store.name}, {kind} of {name}: {note}" for note in notes]
                (path / name).write_bytes(file.read_bytes())
                if content(path, but=path / name) != before:  # it was finished, or has grown
                    shutil.rmtree(path)
    return counts, lines


def closing(counts: collections.Counter[str]) -> str:
    """The counts in one line."""
    parts = []
    for kind in ("flip", "truncation", "aimed flip"):
        found = {name: counts[f"{kind}: {name}"] for name in SEVERITY}
        if total := sum(found.values()):
            parts.append(f"{total} {kind}s: {', '.join(f'{n} {name}' for name, n in found.items())}")
    return "; ".join(parts)


def bad(counts: collections.Counter[str]) -> int:
    """How many cases were wrong without a word, or a bare exception."""
    return sum(n for name, n in counts.items() if name.endswith((SILENT, BARE)))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--flips", type=int, default=400)
    parser.add_argument("--truncations", type=int, default=100)
    parser.add_argument("--aims", type=int, default=8, help="flips of seeds, and of shapes, in each store")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--unsealed", action="store_true", help="stores as they were before they had a seal")
    options = parser.parse_args()
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        counts, lines = torture(
            Path(name),
            flips=options.flips,
            truncations=options.truncations,
            aims=options.aims,
            seed=options.seed,
            unsealed=options.unsealed,
        )
    print(*lines, sep="\n")
    print(f"{closing(counts)} ({time.monotonic() - begin:.0f} s)")
    return 1 if bad(counts) else 0


if __name__ == "__main__":
    sys.exit(main())

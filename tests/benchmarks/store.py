"""Cost of the store in time, memory and disk: python tests/benchmarks/store.py [overhead work memory
streaming compression]

Times are ratios of sides that take turns, or the best of several rounds. Memory is that of child processes,
each step on its own: the peak in /proc/self/status is set back before it. (ru_maxrss would not do: a child
begins with the peak of whoever started it.)
"""

from __future__ import annotations

import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import contextlib
import functools
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import dask
import dask.array as da
import numpy as np
import xarray as xr

import xglass as xg

ROUNDS, MB = 3, 2**20
THREADS = {"scheduler": "threads", "num_workers": 2}


def row(what: str, value: float, unit: str, limit: str = "") -> None:
    print(f"{what:<72} {value:10.3g} {unit:<10} {limit}", flush=True)


@contextlib.contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as path:
        yield Path(path)


def seconds(function: Callable[[], object], clock: Callable[[], float] = time.perf_counter) -> float:
    begin = clock()
    function()
    return clock() - begin


# --- time ---------------------------------------------------------------------------------------------------


def overhead() -> None:
    """Everything but the work: ten thousand regions that cost nothing, from the lazy data to the store."""
    ones = xr.Dataset({"x": (("a", "b"), da.ones((100, 100), chunks=1))})
    glass = xg.charge_glass(xg.lattice.triangular(4))
    run = functools.partial(
        xg.metropolis, glass, walker=100, sweep=4, weight="classical", seed=1, chunks={"T": 1, "walker": 1}
    )
    small = run(T=[0.1, 0.2])
    with folder() as path, dask.config.set(**THREADS):
        small.compute()  # compiles
        for name, data in (
            ("one variable", ones),
            ("a run, four variables", run(T=np.linspace(0.05, 0.1, 100))),
        ):
            bare = seconds(lambda d=data: dask.compute(d))
            store = path / name
            total = seconds(lambda d=data, s=store: xg.store.evaluate(d, s, progress=False))
            row(f"{name}: evaluate, per region", total / 10.0, "ms", "<= 10")
            row("  dask.compute of the same, per region", bare / 10.0, "ms")
            for what, function in (
                ("load", lambda s=store: xg.store.load(s)),
                ("progress", lambda s=store: xg.store.progress(s)),
                (
                    "evaluate once more, nothing to do",
                    lambda d=data, s=store: xg.store.evaluate(d, s, progress=False),
                ),
            ):
                row(f"  {what}", min(seconds(function) for _ in range(ROUNDS)), "s")


def work() -> None:
    """Tasks of a second of real work: what the store adds to plain dask on two threads."""
    glass = xg.charge_glass(xg.lattice.triangular(12))
    run = functools.partial(
        xg.metropolis, glass, T=0.1, every=20, weight="classical", seed=1, chunks={"walker": 1}
    )
    run(walker=1, sweep=40).compute()
    sweeps = 20 * int(
        1.0 / seconds(lambda: run(walker=1, sweep=20_000).compute()) * 1000
    )  # a second of this machine, now
    data = run(walker=24, sweep=sweeps)
    times = []
    with folder() as path, dask.config.set(**THREADS):
        for r in range(ROUNDS):
            pair = []
            for side in (
                lambda: dask.compute(data),
                lambda r=r: xg.store.evaluate(data, path / str(r), progress=False),
            ):
                processor = time.process_time()
                wall = seconds(side)
                pair.append((wall, time.process_time() - processor))
            times.append(pair)
    plain, stored = (np.min([pair[k] for pair in times], axis=0) for k in (0, 1))
    row("24 equal tasks on two threads, dask.compute: per task and thread", plain[0] / 12, "s", "about 1")
    row("  evaluate / dask.compute, wall time", stored[0] / plain[0], "x", "<= 1.03")
    row("  evaluate / dask.compute, processor time", stored[1] / plain[1], "x")


# --- memory: these functions run in children ----------------------------------------------------------------


def lazy_run(megabytes: float, regions: int, sweep: int | None = None) -> xr.Dataset:
    """A run whose chunks of occupation have this size: 8 walkers each."""
    frames = int(megabytes * MB) // (144 * 8)
    glass = xg.charge_glass(xg.lattice.triangular(12))
    return xg.metropolis(
        glass,
        T=0.1,
        walker=8 * regions,
        sweep=sweep or frames - 1,
        weight="classical",
        seed=1,
        chunks={"walker": 8},
    )


def imitation(megabytes: float, regions: int) -> xr.Dataset:
    """The same without the work: coords of a run, half-filled configurations that repeat.

    For tests of nothing but memory.
    """
    run = lazy_run(megabytes, regions)
    pattern = np.random.default_rng(1).permuted(np.tile(np.arange(144) % 2, (64, 1)), axis=1).astype(np.int8)

    def states(chunk: np.ndarray) -> np.ndarray:  # chunk: (walker, 1, 1) labels
        shape = (len(chunk), run.sizes["sweep"])
        return pattern[(np.arange(shape[1]) + 7 * chunk[:, :, 0]) % 64]

    def energies(chunk: np.ndarray) -> np.ndarray:
        return np.cos(np.arange(run.sizes["sweep"]) * (1.0 + chunk[:, :, 0]))

    labels = da.from_array(run["walker"].values[:, None, None], chunks=(8, 1, 1))
    size = run.sizes["sweep"]
    return (
        run.coords.to_dataset()
        .assign(
            occupation=(
                ("walker", "sweep", "site"),
                labels.map_blocks(states, chunks=(8, size, 144), dtype=np.int8),
            ),
            electrostatic_energy=(
                ("walker", "sweep"),
                labels.map_blocks(energies, drop_axis=2, chunks=(8, size), dtype=np.float64),
            ),
        )
        .transpose("walker", "sweep", "site", ...)
    )


def autocorrelation(run: xr.Dataset) -> xr.DataArray:
    last = run.sizes["sweep"] - 1
    return xg.autocorrelation(
        run, waiting_time=[last // 10, last // 4], lag=np.unique(np.geomspace(1, last // 2, 20).astype(int))
    )


def energy_histogram(energy: xr.DataArray) -> xr.DataArray:
    return xg.ops.histogram(energy, bins=100, range=(-20, 20), dim=["walker", "sweep"])


def in_sweeps(run: xr.Dataset) -> xr.Dataset:
    """Cut along the sweeps after the fact."""
    return run.assign(occupation=run["occupation"].chunk(sweep=-(-run.sizes["sweep"] // 8)))


def mean_over_walkers(x: xr.DataArray) -> xr.DataArray:
    return x.mean("walker")


REDUCTIONS: dict[str, Callable[[xr.Dataset], xr.DataArray | xr.Dataset]] = {
    "autocorrelation": lambda run: autocorrelation(run).mean("walker"),
    "structure_factor": lambda run: xg.structure_factor(run).mean(["walker", "sweep"]),
    "histogram": lambda run: energy_histogram(run["electrostatic_energy"]),
    "histogram of recomputed energies": lambda run: energy_histogram(xg.electrostatic_energy(run)),
    "moments": lambda run: xg.ops.moments(run["electrostatic_energy"], dim=["walker", "sweep"]),
    "jackknife": lambda run: xg.jackknife(mean_over_walkers, autocorrelation(run), dim="walker"),
}
#: For tests: every sixteenth state, which reads as much and computes less; few groups, which make a small
# graph.
SHORT: dict[str, Callable[[xr.Dataset], xr.DataArray | xr.Dataset]] = {
    **{
        f"thinned {name}": lambda run, f=REDUCTIONS[name]: f(run.isel(sweep=slice(None, None, 16)))
        for name in ("structure_factor", "histogram of recomputed energies")
    },
    "moments of every walker": lambda run: xg.ops.moments(run["electrostatic_energy"], dim="sweep"),
    "jackknife of 5 groups": lambda run: xg.jackknife(
        mean_over_walkers, autocorrelation(run), dim="walker", blocks=5
    ),
}
CUT = {
    f"{name}, cut in sweeps": lambda run, f=function: f(in_sweeps(run))
    for name, function in REDUCTIONS.items()
}
EVALUATIONS: dict[str, Callable[[float, int, str], object]] = {
    "evaluate": lambda mb, regions, path: xg.store.evaluate(lazy_run(mb, regions), path, progress=False),
    "evaluate imitation": lambda mb, regions, path: xg.store.evaluate(
        imitation(mb, regions), path, progress=False
    ),
    "evaluate in two growths": lambda mb, regions, path: [
        xg.store.evaluate(lazy_run(mb, regions, sweep), path, progress=False)
        for last in [lazy_run(mb, 1).sizes["sweep"] - 1]
        for sweep in (last // 3, 2 * last // 3, last)
    ],
}


def status(field: str) -> float:
    """MB of a line in /proc/self/status."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith(field))
    return int(line.split()[1]) / 1024


def child(megabytes: str, path: str, limit: str, *steps: str) -> None:
    """Steps "regions:name" on the stores ``path/regions``; prints {step: [peak in MB, seconds]}.

    ``limit``: MB of data beyond what is held after imports and a tiny run, 0 for none.
    """
    glass = xg.charge_glass(xg.lattice.triangular(4))
    tiny = xg.metropolis(glass, T=0.1, walker=16, sweep=9, weight="classical", seed=1, chunks={"walker": 8})
    with folder() as warm:  # compiles, imports and starts the threads that are there in every run
        stored = xg.store.evaluate(tiny, warm / "warm", progress=False)
        for function in REDUCTIONS.values():
            function(stored).compute()
    figures: dict[str, list[float | str]] = {"start": [status("VmHWM"), 0.0]}
    if float(limit):
        most = int((status("VmData") + float(limit)) * MB)
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    for step in steps:
        regions, _, name = step.partition(":")
        store = f"{path}/{regions}"
        Path("/proc/self/clear_refs").write_text("5")  # sets VmHWM back to what is held now
        begin = time.perf_counter()
        try:
            if name in EVALUATIONS:
                EVALUATIONS[name](float(megabytes), int(regions), store)
            elif name == "everything at once":  # the control: what the limit is there to refuse
                xg.store.load(store)["occupation"].compute()
            else:
                (REDUCTIONS | SHORT | CUT)[name](xg.store.load(store)).compute()
            figures[step] = [status("VmHWM"), time.perf_counter() - begin]
        except (
            MemoryError,
            ValueError,
        ) as error:  # reading a store tells where it failed, and why as the cause
            if not isinstance(error, MemoryError) and not isinstance(error.__cause__, MemoryError):
                raise
            figures[step] = ["MemoryError", time.perf_counter() - begin]
    print(json.dumps(figures))


def measured(megabytes: float, path: Path, steps: list[str], limit: float = 0) -> dict[str, list]:
    """What a child reports."""
    arguments = ["--child", str(megabytes), str(path), str(limit), *steps]
    done = subprocess.run(
        [sys.executable, __file__, *arguments],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        env=os.environ | {"DASK_NUM_WORKERS": "2"},
    )
    return json.loads(done.stdout)


def memory() -> None:
    """Peaks of two runs that differ by a factor of ten: everything in one process,
    and every reduction in a fresh one.
    """
    size, regions = 16, (10, 100)
    names = ["evaluate", *REDUCTIONS]
    with folder() as path:
        small, large = (measured(size, path, [f"{n}:{name}" for name in names]) for n in regions)
        row(f"peak after imports and a tiny run; chunks of {size} MB, two threads", small["start"][0], "MB")
        peaks = []
        for figures, n in ((small, regions[0]), (large, regions[1])):
            peaks.append(max((figures[f"{n}:{name}"][0], name) for name in names))
            row(f"evaluate and all reductions, {n} regions: peak, in {peaks[-1][1]}", peaks[-1][0], "MB")
        row("  ten times the regions: more by", (peaks[1][0] - peaks[0][0]) / size, "chunks", "<= 3")
        for name in names:
            (a, _), (b, t) = small[f"{regions[0]}:{name}"], large[f"{regions[1]}:{name}"]
            row(f"{name}: peak of {regions[0]} regions", a, "MB")
            row(f"  of {regions[1]} regions ({t:.0f} s), more by", (b - a) / size, "chunks")
            if name != "evaluate":
                a, b = (measured(size, path, [f"{n}:{name}"])[f"{n}:{name}"][0] for n in regions)
                row("  in a fresh process, more by", (b - a) / size, "chunks")


def streaming() -> None:
    """Runs that do not fit in the memory that there is."""
    size, regions, limit = 4, 200, 500
    for how in ("evaluate", "evaluate in two growths"):
        with folder() as path:
            print(f"{how}: {size * regions} MB of occupations, {limit} MB allowed", flush=True)
            figures = measured(
                size,
                path,
                [f"{regions}:{name}" for name in [how, *REDUCTIONS, *(CUT if how == "evaluate" else {})]],
                limit,
            )
            control = f"{regions}:everything at once"
            figures[control] = measured(size, path, [control], limit)[control]
            for step, (value, t) in figures.items():
                wanted = "must be refused" if step == control else ""
                print(
                    f"  {step:<62} {value if isinstance(value, str) else f'{value:.0f} MB':>15} "
                    f"{t:9.1f} s  {wanted}",
                    flush=True,
                )


# --- disk ---------------------------------------------------------------------------------------------------


def compression() -> None:
    """Bits on disk."""
    glass = xg.charge_glass(xg.lattice.triangular(12))
    for T in (0.05, 0.3):
        run = xg.metropolis(
            glass, T=T, walker=16, sweep=9999, weight="classical", seed=1, chunks={"walker": 8}
        )
        with folder() as path:
            stored = xg.store.evaluate(run, path / "ours", progress=False).compute()
            with warnings.catch_warnings():  # about coordinates of strings, which are not what is measured
                warnings.simplefilter("ignore")
                stored.drop_encoding().chunk(walker=8).to_zarr(
                    path / "default", consolidated=False, zarr_format=3
                )

            def size(store: str, name: str, path: Path = path) -> int:
                return sum(
                    file.stat().st_size for file in (path / store / name / "c").rglob("*") if file.is_file()
                )

            for name, scale, unit, raw in (
                ("occupation", 8, "bits/site", 8),
                ("electrostatic_energy", 1, "B/state", 8),
            ):
                for store in ("ours", "default"):
                    figure = scale * size(store, name) / stored[name].size
                    row(
                        f"T = {T}, {name}: {'evaluate' if store == 'ours' else '  codec of zarr'}",
                        figure,
                        unit,
                        f"raw {raw}",
                    )


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        child(*sys.argv[2:])
    else:
        for part in (overhead, work, memory, streaming, compression):
            if not sys.argv[1:] or part.__name__ in sys.argv[1:]:
                part()

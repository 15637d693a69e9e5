"""Random kill -9 of evaluations: python tests/benchmarks/store_kills.py [--kills 50] [--regions 200]
[--shards 1|2] [--metropolis]

A child evaluates a lazy Dataset into a store and is killed at random moments, the first time while it makes
the store; another one goes on. After every kill no chunk is torn, and what is marked done is right bit for
bit and never started again. At the end the store is that of an unbroken evaluation, file by file.
tests/store/test_kills.py is the short form.
"""

from __future__ import annotations

import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
import collections
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dask
import google_crc32c
import numpy as np
import xarray as xr

import xglass as xg

THREADS, COLUMNS, BLOCKS, SITES, LEVELS = 2, 10, 2, 256, 128
#: Work of a block.
SECONDS = 0.015
#: Where a child logs what it starts. Not an argument: that would make it part of what is evaluated.
LOG, PATIENCE = "XGLASS_KILLS_LOG", 120.0


def occupations(label: np.ndarray, seconds: float) -> np.ndarray:
    """Random occupations; says which block it starts, and then works for a while."""
    if label.size and LOG in os.environ:
        descriptor = os.open(os.environ[LOG], os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.write(descriptor, b"".join(b"start %d\n" % k for k in label.ravel()))
        os.close(descriptor)
    time.sleep(seconds * label.size)
    blocks = [
        np.random.Generator(np.random.Philox(key=int(k))).integers(0, 2, SITES, np.int8)
        for k in label.ravel()
    ]
    return np.array(blocks, np.int8).reshape(*label.shape, SITES)


def energies(n: np.ndarray) -> np.ndarray:
    """Floats of which every bit depends on the occupations."""
    return np.cumsum(np.sqrt(1.0 + np.cumsum(n, axis=-1)[..., :LEVELS]), axis=-1)


def lazy(rows: int = 20, columns: int = COLUMNS, seconds: float = SECONDS) -> xr.Dataset:
    """``rows * columns`` regions of two blocks of an int8 and one of a float64."""
    label = xr.DataArray(
        np.arange(rows * columns * BLOCKS).reshape(rows, -1),
        {"T": 0.1 * np.arange(1, rows + 1), "field": np.arange(columns * BLOCKS)},
    )
    n = xr.apply_ufunc(
        occupations,
        label.chunk(T=1, field=1),
        kwargs={"seconds": seconds},
        output_core_dims=[["site"]],
        dask="parallelized",
        output_dtypes=[np.int8],
        dask_gufunc_kwargs={"output_sizes": {"site": SITES}},
    )
    e = xr.apply_ufunc(
        energies,
        n.chunk(field=BLOCKS),
        input_core_dims=[["site"]],
        output_core_dims=[["level"]],
        dask="parallelized",
        output_dtypes=[np.float64],
        dask_gufunc_kwargs={"output_sizes": {"level": LEVELS}},
    )
    return xr.Dataset({"n": n, "e": e})


def simulated(rows: int) -> xr.Dataset:
    """A real run, of as many regions."""
    T = np.linspace(0.05, 0.2, rows)
    return xg.testing.tiny_run(T=T, walker=COLUMNS, sweep=3000, chunks={"T": 1, "walker": 1, "eta": 2})


def child(path: Path, log: Path, rows: int, metropolis: bool, shard: str | None) -> subprocess.Popen[bytes]:
    """A process that evaluates."""
    command = [sys.executable, __file__, "--child", str(path), "--regions", str(rows * COLUMNS)]
    command += ["--metropolis"] * metropolis + (["--shard", shard] if shard else [])
    return subprocess.Popen(command, env={**os.environ, LOG: str(log)})


def work(path: Path, log: Path | None, rows: int, metropolis: bool, shard: str | None) -> None:
    """What a child does."""
    if log is not None:
        os.environ[LOG] = str(log)
    with dask.config.set(num_workers=THREADS):
        data = simulated(rows) if metropolis else lazy(rows)
        xg.store.evaluate(data, path, progress=False, shard=shard)


def finish(process: subprocess.Popen[bytes]) -> None:
    """Wait for a child that nobody kills."""
    try:
        assert process.wait(PATIENCE) == 0, "an evaluation that was not killed has failed"
    finally:
        process.kill()


def unbroken(path: Path, rows: int, metropolis: bool = False) -> Path:
    """The store as it should be."""
    finish(child(path, path.with_name("log-unbroken"), rows, metropolis, None))
    return path


def files(path: Path) -> dict[str, bytes]:
    """All files of a store with their content."""
    return {str(file.relative_to(path)): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def started(folder: Path) -> list[int]:
    """The blocks of all logs, file by file."""
    return [
        int(line.split()[1])
        for log in sorted(folder.glob("log-[0-9]*"))
        for line in log.read_text().splitlines()
    ]


def torn(path: Path) -> list[str]:
    """Chunks and marks that are there under their names and are not whole."""
    found = []
    for file in (file for name in ("n", "e", "occupation") for file in path.glob(f"{name}/c/**/*")):
        if file.is_file() and not file.name.endswith(".partial"):
            content = file.read_bytes()
            if len(content) < 4 or int.from_bytes(content[-4:], "little") != google_crc32c.value(
                content[:-4]
            ):
                found.append(str(file))
    marks = [file for file in path.glob("regions/done/c.*") if not file.name.endswith(".partial")]
    return found + [str(file) for file in marks if len(file.read_bytes()) != 8]


def check(path: Path, want: xr.Dataset) -> xr.DataArray:
    """What is done, after it was compared: bit for bit where it is marked."""
    assert not (found := torn(path)), found
    stored = xg.store.load(path, partial=True)
    done = stored["done"]
    stored = stored.drop_vars("done").compute(scheduler="synchronous")
    for name, values in stored.data_vars.items():
        dims = [dim for dim in done.dims if dim in values.dims]
        marked = done.all([dim for dim in done.dims if dim not in dims]).transpose(*dims)
        a, b = (x.transpose(*dims, ...).values[marked.values] for x in (values, want[name]))
        assert a.dtype == b.dtype, name
        assert a.tobytes() == b.tobytes(), f"{name} is marked done and wrong"
    return done


class Slot:
    """One child at a time, with the log of its shard."""

    def __init__(self, folder: Path, k: int, shards: int) -> None:
        self.log, self.shard = folder / f"log-{k}", f"{k + 1}/{shards}" if shards > 1 else None
        self.process: subprocess.Popen[bytes] | None = None
        self.finished = False

    def size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0

    def start(self, path: Path, rows: int, metropolis: bool) -> None:
        self.before, self.since, self.kill_at = self.size(), time.monotonic(), float("inf")
        self.aimed, self.delay = False, 0.0
        self.process = child(path, self.log, rows, metropolis, self.shard)


def torture(
    folder: Path,
    reference: Path,
    *,
    kills: int,
    rows: int,
    shards: int = 1,
    metropolis: bool = False,
    seed: int | None = None,
) -> dict[str, int]:
    """Kill until there were so many; raises AssertionError for whatever does not hold. Gives figures."""
    draw = random.Random(seed)
    want = xg.store.load(reference).compute()
    whole = files(reference)
    window = 1.6 * rows * COLUMNS * 2.7 * SECONDS / THREADS / kills  # spreads the kills over the evaluation
    figures = collections.Counter(kills=0, stores=0, regions=0, starts=0, extra=0)
    while figures["kills"] < kills:
        store = folder / f"round-{figures['stores']}" / "store.zarr"
        store.parent.mkdir()
        killed = _round(store, want, kills - figures["kills"], window, rows, shards, metropolis, draw)
        # Left-over files are swept by the first who is alone at the store, and there is nothing else to do.
        before = started(store.parent)
        finish(child(store, store.parent / "log-9", rows, metropolis, None))
        assert started(store.parent) == before, "a finished store was computed again"
        left = [str(file) for file in store.rglob("*.partial")]
        assert not left, left
        now = files(store)
        assert now.keys() == whole.keys(), now.keys() ^ whole.keys()
        assert not (differ := [name for name in whole if now[name] != whole[name]]), differ
        xr.testing.assert_identical(xg.store.load(store).compute(), want)
        times = collections.Counter(
            before
        )  # how often each block was started; a region begins with any of its blocks
        extra = sum(
            max(times[k] for k in range(r, r + BLOCKS)) - 1
            for r in range(0, rows * COLUMNS * BLOCKS, BLOCKS)
            if not metropolis
        )
        assert extra <= THREADS * killed, f"{extra} regions were started again after {killed} kills"
        figures.update(kills=killed, stores=1, regions=rows * COLUMNS, starts=len(before), extra=extra)
        figures["left beside"] += len(list(store.parent.glob(".*.partial")))
    return dict(figures)


def _round(
    store: Path,
    want: xr.Dataset,
    kills: int,
    window: float,
    rows: int,
    shards: int,
    metropolis: bool,
    draw: random.Random,
) -> int:
    """Evaluate one store with at most so many kills; gives how many there were."""
    slots, killed, done_before = [Slot(store.parent, k, shards) for k in range(shards)], 0, None
    closed: list[
        tuple[set[int], dict[Path, int]]
    ] = []  # the blocks that were done at a kill, and the sizes of the logs then
    try:
        while not all(slot.finished for slot in slots):
            for slot in slots:
                now = time.monotonic()
                if slot.finished:
                    continue
                if slot.process is None:
                    slot.start(store, rows, metropolis)
                    marks = len(list(store.glob("regions/done/c.*")))
                    continue
                assert slot.process is not None
                if (code := slot.process.poll()) is not None:
                    assert code == 0, f"an evaluation that was not killed has ended with {code}"
                    slot.finished = True
                    continue
                assert now - slot.since < PATIENCE, "nothing happens"
                if killed >= kills:
                    continue
                if slot.kill_at == float("inf"):
                    if killed == 0 and any(store.parent.glob(".*.partial")):  # the store is being made
                        slot.kill_at = now + draw.uniform(0.0, 0.05)
                    elif slot.size() > slot.before or (
                        metropolis and len(list(store.glob("regions/done/c.*"))) > marks
                    ):
                        slot.kill_at = now + (slot.delay if slot.aimed else draw.uniform(0.0, window))
                if now < slot.kill_at:
                    continue
                if not slot.aimed:  # every other kill waits for the next region and hits while it is written
                    slot.aimed = True
                    if draw.random() < 0.5:
                        slot.before, slot.kill_at, slot.delay = (
                            slot.size(),
                            float("inf"),
                            draw.uniform(SECONDS, 3.0 * SECONDS),
                        )
                        continue
                slot.process.kill()
                slot.process.wait()
                slot.process, killed = None, killed + 1
                if (store / "zarr.json").exists():
                    done = check(store, want)
                    assert done_before is None or not (done_before & ~done).any(), (
                        "what was done is not any more"
                    )
                    done_before = done
                    if not metropolis:
                        blocks = {*np.flatnonzero(done.transpose("T", "field").values).tolist()}
                        closed.append((blocks, {s.log: s.size() for s in slots}))
            time.sleep(0.002)
    finally:
        for slot in slots:
            if slot.process is not None:
                slot.process.kill()
                slot.process.wait()
    for blocks, sizes in closed:
        for log, size in sizes.items():
            later = (
                {int(line.split()[1]) for line in log.read_bytes()[size:].decode().splitlines()}
                if log.exists()
                else set()
            )
            assert not later & blocks, f"done at a kill and started again: blocks {sorted(later & blocks)}"
    return killed


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--regions", type=int, default=200, help=f"a multiple of {COLUMNS}")
    parser.add_argument("--shards", type=int, choices=[1, 2])
    parser.add_argument(
        "--metropolis",
        action="store_true",
        help="a real run instead of a mock; what it starts is not counted",
    )
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--shard", help=argparse.SUPPRESS)
    options = parser.parse_args()
    rows = options.regions // COLUMNS
    if options.child:
        work(options.child, None, rows, options.metropolis, options.shard)
        return
    for shards in [options.shards] if options.shards else [1, 2]:
        with tempfile.TemporaryDirectory() as name:
            begin = time.monotonic()
            reference = unbroken(Path(name) / "unbroken.zarr", rows, options.metropolis)
            figures = torture(
                Path(name),
                reference,
                kills=options.kills,
                rows=rows,
                shards=shards,
                metropolis=options.metropolis,
            )
            print(
                f"{shards} shard(s): {', '.join(f'{key} {value}' for key, value in figures.items())}; "
                f"{THREADS} threads; every store "
                f"equals the unbroken one byte for byte; {time.monotonic() - begin:.0f} s",
                flush=True,
            )


if __name__ == "__main__":
    main()

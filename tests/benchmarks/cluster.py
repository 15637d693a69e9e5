"""Regions on a dask cluster: python tests/benchmarks/cluster.py [bytes adaptive death]

What is sent for a region, how many workers of an adaptive cluster come to be used, and how long after the
death of its scheduler the call ends.
"""

from __future__ import annotations

import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import contextlib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import cloudpickle
import dask.array as da
import numpy as np
import xarray as xr
from distributed import Client, LocalCluster
from store import folder, row, seconds

import xglass as xg
from xglass.store import workers
from xglass.store.reading import opened
from xglass.store.regions import Regions

LOCAL = {"host": "127.0.0.1", "dashboard_address": ":0"}


def waiting(number: int, pause: float) -> xr.DataArray:
    """So many regions that do nothing for so many seconds."""

    def block(x: np.ndarray) -> np.ndarray:
        import time

        time.sleep(pause)
        return x

    return xr.DataArray(da.arange(number, chunks=1).map_blocks(block, dtype=int), dims="k", name="k")


@contextlib.contextmanager
def watched(every: float, look: object) -> Iterator[list]:
    """What a function gives, every so many seconds, while something else is done."""
    over, seen = threading.Event(), []

    def watch() -> None:
        while not over.wait(every):
            seen.append(look())

    thread = threading.Thread(target=watch)
    thread.start()
    yield seen
    over.set()
    thread.join()


def bytes_sent() -> None:
    """A region of a run: what its graph has, and what is sent; and the time to make it again."""
    for L in (12, 24, 32):
        glass = xg.charge_glass(xg.lattice.triangular(L))
        options = {"weight": "classical", "seed": 1, "chunks": {"T": 1, "walker": 1}}
        run = xg.metropolis(glass, T=np.linspace(0.05, 0.1, 10), walker=100, sweep=1, **options)
        with folder() as path:
            xg.store.evaluate(run, path / "run.zarr", progress=False, shard="1/1000")
            (part,) = opened(path / "run.zarr")
            index = (0,) * len(part.grid.shape)
            row(
                f"L = {L}: bytes of the graph of a region",
                len(cloudpickle.dumps(Regions(run).tasks(index))),
                "B",
            )
            sent = cloudpickle.dumps((workers._region_of_run, ((part,), index)))
            row("  bytes sent for a region", len(sent), "B", "< 10000")
            around = part.grid.around(index, workers.TOGETHER)
            row(
                "  to make 256 regions again",
                seconds(lambda p=part, a=around: workers._regions((p,), a)),
                "s",
            )


def adaptive() -> None:
    """80 regions of half a second on a cluster that may have between no and eight workers."""
    for name, evaluate in (
        ("evaluate", lambda data, path: xg.store.evaluate(data, path, progress=False)),
        ("compute", lambda data, path: data.compute()),
    ):
        with (
            folder() as path,
            LocalCluster(
                n_workers=0, threads_per_worker=1, processes=False, protocol="tcp://", **LOCAL
            ) as cluster,
            Client(cluster),
        ):
            cluster.adapt(minimum=0, maximum=8)
            with watched(0.1, lambda c=cluster: len(c.scheduler.workers)) as seen:
                time_taken = seconds(lambda e=evaluate, p=path: e(waiting(80, 0.5), p / "data.zarr"))
            row(f"80 regions of .5 s, cluster.adapt(0, 8), {name}", time_taken, "s")
            row("  workers reached", max(seen), "", "8")


def death() -> None:
    """From kill -9 of the scheduler, in its own process, to the error."""
    with tempfile.TemporaryDirectory() as path:
        file, running = f"{path}/scheduler.json", []
        for name, options in (("scheduler", ["--port", "0"]), ("worker", ["--no-nanny", "--nthreads", "2"])):
            command = [
                sys.executable,
                "-m",
                f"distributed.cli.dask_{name}",
                "--no-dashboard",
                "--host",
                "127.0.0.1",
            ]
            quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
            running.append(subprocess.Popen([*command, "--scheduler-file", file, *options], **quiet))
        while not Path(file).exists():
            time.sleep(0.1)
        client, killed = Client(scheduler_file=file), []

        def kill() -> None:
            killed.append(time.perf_counter())
            running[0].kill()

        client.wait_for_workers(1)
        store = Path(f"{path}/data.zarr")

        def later() -> None:
            while not any(store.glob("regions/done/c.*")):
                time.sleep(0.05)
            time.sleep(3.0)
            kill()

        threading.Thread(target=later).start()
        try:
            xg.store.evaluate(waiting(40, 0.4), store, progress=False)
        except xg.store.EvaluationError as error:
            row("from the scheduler's death to the error", time.perf_counter() - killed[0], "s", "<= 30")
            print(f"  {error}")
            print(f"  recorded as failed: {len(xg.store.failures(store))}")
        client.close(timeout=1)
        for process in running:
            process.kill()
            process.wait()


PARTS = {"bytes": bytes_sent, "adaptive": adaptive, "death": death}

if __name__ == "__main__":
    for name in sys.argv[1:] or PARTS:
        PARTS[name]()

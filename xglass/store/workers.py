"""Who computes the regions: threads of this machine, or whatever dask is set to."""

from __future__ import annotations

import concurrent.futures
import contextlib
import multiprocessing
import sys
from collections.abc import Callable, Iterator
from typing import Any

import cloudpickle
import dask
import dask.base
import dask.multiprocessing
import dask.threaded
import numpy as np
from dask.system import CPU_COUNT

from xglass.checks import extra
from xglass.store.disk import NotDone, Part
from xglass.store.reading import progress_of
from xglass.store.regions import Index, Regions, compute

#: Why a region is put off that is neither done nor failed.
WAITS = "waits for what another job computes"


def work(part: Part, regions: Regions, indices: list[Index], bar: Any) -> tuple[list[str], int]:
    """Compute regions on all workers; returns a line for every one that failed,
    and how many have to wait for another job.
    """
    failed: list[str] = []
    waiting = 0
    with _executor() as (pool, workers, get):
        if get is None:  # more workers than regions: they share the work inside of each
            threads = workers // len(indices)
            get = _threaded(threads) if threads > 1 else dask.get
        queue, running = iter(indices), dict[concurrent.futures.Future[str | None], Index]()
        try:
            while True:
                while len(running) < 2 * workers and (index := next(queue, None)) is not None:
                    task = (part, index, regions.tasks(index), regions.keys(index), get)
                    running[pool.submit(_region, *task)] = index
                if not running:
                    return failed, waiting
                finished, _ = concurrent.futures.wait(running, return_when=concurrent.futures.FIRST_COMPLETED)
                for future in finished:
                    index = running.pop(future)
                    reason = _outcome(future, part, index)
                    if reason == WAITS:
                        waiting += 1
                    elif reason:
                        failed.append(f"{part.labels(index)}: {reason}")
                        bar.set_postfix(failed=len(failed))
                    bar.update(0 if reason else 1)
        except KeyboardInterrupt:
            bar.clear()
            print(
                f"stopping after the {sum(f.running() for f in running)} regions that are being computed",
                file=sys.stderr,
            )
            pool.shutdown(wait=True, cancel_futures=True)
            state = progress_of([part])
            raise KeyboardInterrupt(
                f"{state.done} of {state.total} regions are stored; call evaluate again to go on"
            ) from None
        except OSError as error:
            pool.shutdown(wait=True, cancel_futures=True)
            state = progress_of([part])
            message = (
                f"store {str(part.path)!r} cannot be written: {error.strerror or error}; {state.done} "
                f"of {state.total} regions are done and "
                f"valid, call evaluate again when it can be written"
            )
            raise (OSError(message) if error.errno is None else OSError(error.errno, message)) from error


def _region(
    part: Part, index: Index, graph: dict[Any, Any], keys: dict[str, Any], get: Callable[..., Any]
) -> str | None:
    """Compute and write one region; returns why it could not be computed. What the disk refuses is raised."""
    if part.is_done(index):  # another process was quicker
        return None
    try:
        blocks = compute(graph, keys, expected(part, index), get)
    except NotDone:
        return WAITS
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        part.fail(index, reason)
        return reason
    part.write(index, blocks)
    return None


def expected(part: Part, index: Index) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    """Shape and type of every block of a region."""
    places = ((name, part.grid.slices(index, part.dims(name))) for name in part.names)
    return {
        name: (tuple(s.stop - s.start for s in where), part.arrays[name].dtype)
        for name, where in places
        if where is not None
    }


def _outcome(future: concurrent.futures.Future[str | None], part: Part, index: Index) -> str | None:
    """Why a region failed, or None; raises what the disk has refused."""
    try:
        error = future.exception()
    except concurrent.futures.CancelledError as cancelled:  # by the cluster
        error = cancelled
    if error is None:
        return future.result()
    if isinstance(error, OSError) or not isinstance(error, Exception):
        raise error
    reason = f"{type(error).__name__}: {error}"  # the worker is gone, or the task could not be sent to it
    part.fail(index, reason)
    return reason


def number() -> int:
    """How many regions this machine computes at once."""
    return int(dask.config.get("num_workers", None) or CPU_COUNT)


def _threaded(threads: int) -> Callable[..., Any]:
    def get(graph: Any, keys: Any) -> Any:
        return dask.threaded.get(graph, keys, num_workers=threads)

    return get


class _Inline(concurrent.futures.Executor):
    """Runs everything at once, in the calling thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
        future: concurrent.futures.Future[Any] = concurrent.futures.Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class _Elsewhere(concurrent.futures.Executor):
    """A pool of other processes that is sent bytes: functions without a name arrive,
    and no cluster takes the tasks in them for its own.
    """

    def __init__(self, pool: concurrent.futures.Executor) -> None:
        self._pool = pool

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> concurrent.futures.Future[Any]:
        return self._pool.submit(_unpacked, cloudpickle.dumps((fn, args, kwargs)))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._pool.shutdown(wait=wait, cancel_futures=cancel_futures)


def _unpacked(packed: bytes) -> Any:
    function, args, kwargs = cloudpickle.loads(packed)
    return function(*args, **kwargs)


@contextlib.contextmanager
def _executor() -> Iterator[tuple[concurrent.futures.Executor, int, Callable[..., Any] | None]]:
    """(pool, number of workers, dask's get inside a region or None to choose): as dask would compute here."""
    try:
        scheduler = dask.base.get_scheduler()
    except (ImportError, RuntimeError):  # dask says that no client is active
        extra("distributed", "distributed", caller="store.evaluate on the cluster that dask is set to")
        raise
    client: Any = getattr(scheduler, "__self__", None)
    if hasattr(client, "get_executor"):
        yield _Elsewhere(client.get_executor(pure=False)), max(1, sum(client.nthreads().values())), dask.get
    elif scheduler is None or scheduler is dask.threaded.get:
        with concurrent.futures.ThreadPoolExecutor(number(), thread_name_prefix="xglass-store") as threads:
            yield threads, number(), None
    elif scheduler is dask.multiprocessing.get:
        with concurrent.futures.ProcessPoolExecutor(
            number(), mp_context=multiprocessing.get_context("spawn")
        ) as processes:
            yield _Elsewhere(processes), number(), dask.get
    else:
        yield _Inline(), 1, scheduler

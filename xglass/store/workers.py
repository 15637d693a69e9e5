"""Who computes the regions is given them one by one, and what becomes of each is told."""

from __future__ import annotations

import collections
import contextlib
import functools
import queue
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import cloudpickle
import dask
import dask.threaded
import numpy as np

from xglass.store import growth, matching, pools, provenance
from xglass.store.disk import NotDone, Part
from xglass.store.reading import progress_of
from xglass.store.regions import Index, Regions, compute

#: Why a region is put off that is neither done nor failed.
WAITS = "waits for what another job computes"

#: How often a region is given to a cluster that takes it back each time.
OFTEN = 3

#: A worker that makes regions of a run again makes so many neighbours at once, and keeps so many of these.
TOGETHER, KEPT = 256, 4


def work(
    parts: list[Part], regions: Regions, indices: list[Index], bar: Any, *, run: bool
) -> tuple[list[str], int]:
    """Compute regions of the last of some parts; returns a line for every one that failed, and how many have
    to wait for another job.

    ``run``: whether the parts are those of a run, which can be made again from them. Raises
    :class:`pools.Lost` if nobody computes any more.
    """
    part = parts[-1]
    with pools.current() as pool:
        crew = _Crew(pool, parts, regions, indices, bar, run=run)
        try:
            crew.work()
        except KeyboardInterrupt:
            bar.clear()
            begun = pool.withdraw(crew.running)
            print(f"stopping after the {len(begun)} regions that are being computed", file=sys.stderr)
            pool.wait(begun)
            state = progress_of([part])
            raise KeyboardInterrupt(
                f"{state.done} of {state.total} regions are stored; call evaluate again to go on"
            ) from None
        except OSError as error:
            with contextlib.suppress(pools.Lost):
                pool.wait(pool.withdraw(crew.running))
            state = progress_of([part])
            message = (
                f"store {str(part.path)!r} cannot be written: {error.strerror or error}; {state.done} "
                f"of {state.total} regions are done and "
                f"valid, call evaluate again when it can be written"
            )
            raise (OSError(message) if error.errno is None else OSError(error.errno, message)) from error
        return crew.failed, crew.waiting


@dataclass(frozen=True)
class _Task:
    """What computes a region, and how many bytes of it lie with whoever waits for a worker."""

    index: Index
    function: Callable[..., Any]
    arguments: tuple[Any, ...]
    size: int = 0


class _Crew:
    """The regions that are to be computed, those in flight, and what became of the others."""

    def __init__(
        self,
        pool: pools.Pool,
        parts: list[Part],
        regions: Regions,
        indices: list[Index],
        bar: Any,
        *,
        run: bool,
    ) -> None:
        self.pool, self.parts, self.part, self.regions = pool, parts, parts[-1], regions
        self.bar, self.run = bar, run
        self.get = pool.get
        if self.get is None:  # more workers than regions: they share the work inside of each
            threads = pool.workers // len(indices)
            self.get = _threaded(threads) if threads > 1 else dask.get
        self.todo = collections.deque(indices)
        self.next: _Task | None = None
        self.running: dict[Future[str | None], _Task] = {}
        self.finished: queue.SimpleQueue[Future[str | None]] = queue.SimpleQueue()
        #: Regions that may have ended their worker, and the one that is tried again with nothing beside it.
        self.suspects: collections.deque[Index] = collections.deque()
        self.alone: Index | None = None
        self.returned: collections.Counter[Index] = collections.Counter()
        self.failed: list[str] = []
        self.waiting = 0

    def work(self) -> None:
        """Until every region is done, has failed or waits for another job."""
        while True:
            self.pool.look()
            self._send()
            if not self.running:
                return
            with contextlib.suppress(queue.Empty):
                self._settle(self.finished.get(timeout=self.pool.patience))
                while True:
                    self._settle(self.finished.get_nowait())

    def _send(self) -> None:
        """Send as many regions as may be in flight."""
        room, size = self.pool.room(), sum(task.size for task in self.running.values())
        while len(self.running) < room and (self.next or self.todo):
            task = self.next or self._task(self.todo.popleft())
            if self.running and size + task.size > pools.MOST_BYTES:
                self.next = task
                return
            self.next = None
            self._submit(task)
            size += task.size
        if self.suspects and not self.running:
            self.alone = self.suspects.popleft()
            self._submit(self._task(self.alone))

    def _submit(self, task: _Task) -> None:
        future = self.pool.submit(task.function, *task.arguments)
        self.running[future] = task
        future.add_done_callback(self.finished.put)

    def _task(self, index: Index) -> _Task:
        """Elsewhere the store is there too, and a run is made again from it; else the graph is sent."""
        function: Callable[..., Any] = _region
        arguments: tuple[Any, ...]
        if self.run and self.pool.elsewhere:
            function, arguments = _region_of_run, (tuple(self.parts), index)
        else:
            tasks, keys = self.regions.tasks(index), self.regions.keys(index)
            arguments = (self.part, index, tasks, keys, self.get)
        if not self.pool.elsewhere:
            return _Task(index, function, arguments)
        content = cloudpickle.dumps((function, arguments))
        return _Task(index, pools.call_packed, (content,), len(content))

    def _settle(self, future: Future[str | None]) -> None:
        """Note what became of a region. Raises what the disk has refused."""
        index = self.running.pop(future).index
        try:
            reason = self.pool.result(future)
        except pools.Gone as gone:
            if gone.suspect and index != self.alone:
                self.suspects.append(index)
                return
            self.returned[index] += 1
            if not gone.suspect and self.returned[index] <= OFTEN:
                self.todo.append(index)
                return
            reason = self._failed(index, str(gone))
        except OSError:
            raise
        except Exception as error:  # it could not be sent, or not be taken out there
            reason = self._failed(index, f"{type(error).__name__}: {error}")
        if reason == WAITS:
            self.waiting += 1
        elif reason:
            self.failed.append(f"{self.part.labels(index)}: {reason}")
            self.bar.set_postfix(failed=len(self.failed))
        self.bar.update(0 if reason else 1)

    def _failed(self, index: Index, reason: str) -> str:
        self.part.fail(index, reason)
        return reason


# -- what is called for a region, here or elsewhere --------------------------------------------------


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


def _region_of_run(parts: tuple[Part, ...], index: Index) -> str | None:
    """The same for a region of a run, which is made again from what the store says of it."""
    around = parts[-1].grid.around(index, TOGETHER)
    with _making:
        regions = _regions(parts, around)
    inside = tuple(i - places.start for i, places in zip(index, around, strict=True))
    return _region(parts[-1], index, regions.tasks(inside), regions.keys(inside), dask.get)


_making = threading.Lock()


@functools.lru_cache(maxsize=KEPT)
def _regions(parts: tuple[Part, ...], around: tuple[range, ...]) -> Regions:
    """Neighbouring regions of a run; the threads of a worker share them."""
    grid, where = parts[-1].grid.cut(around)
    run = growth.simulated([*parts], len(parts) - 1, where)
    matching.refuse_other_revisions(
        parts[-1], provenance.revisions(run)
    )  # the worker may have another xglass
    return Regions(run, grid)


def expected(part: Part, index: Index) -> dict[str, tuple[tuple[int, ...], np.dtype]]:
    """Shape and type of every block of a region."""
    places = ((name, part.grid.slices(index, part.dims(name))) for name in part.names)
    return {
        name: (tuple(s.stop - s.start for s in where), part.arrays[name].dtype)
        for name, where in places
        if where is not None
    }


def _threaded(threads: int) -> Callable[..., Any]:
    def get(graph: Any, keys: Any) -> Any:
        return dask.threaded.get(graph, keys, num_workers=threads)

    return get

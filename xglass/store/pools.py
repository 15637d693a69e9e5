"""Where regions are computed: in threads of this process, or wherever else dask is set to compute."""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import logging
import math
import multiprocessing
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import cloudpickle
import dask
import dask.base
import dask.multiprocessing
import dask.threaded
from dask.system import CPU_COUNT

from xglass.checks import extra
from xglass.engine.core.blas import single_thread
from xglass.engine.core.forks import lost_threads
from xglass.messages import warn

logger = logging.getLogger(__name__)

#: Least number of regions that a cluster is given at once, how many it is given for each thread it has now,
#: and how many bytes all of them together may be. An adaptive cluster grows by what it is behind with.
LEAST, FOR_A_THREAD, MOST_BYTES = 64, 4, 64_000_000

#: Seconds between two looks at a cluster, for which a scheduler may take to answer one, and after which it
#: is said that there are no workers. A scheduler is gone that twice did not answer, for twice this time.
LOOK, ANSWER, WITHOUT_WORKERS = 0.5, 10.0, 30.0


class Lost(Exception):
    """Whoever computes the regions is gone; the message says who, as the beginning of a sentence."""


class Gone(Exception):
    """The worker of a region is gone, and nothing is known of it. ``suspect``: it may be why."""

    def __init__(self, message: str, *, suspect: bool) -> None:
        super().__init__(message)
        self.suspect = suspect


class Pool:
    """Takes functions and gives futures."""

    #: Whether functions and their arguments go to another process, as bytes.
    elsewhere = False
    #: Seconds after which :meth:`look` wants to be called though nothing came back; None: never.
    patience: float | None = None

    def __init__(self, workers: int, get: Callable[..., Any] | None) -> None:
        #: How many regions are computed at once.
        self.workers = workers
        #: How dask computes inside a region; None: the more threads, the fewer regions there are.
        self.get = get

    def room(self) -> int:
        """How many regions may be in flight now."""
        return 2 * self.workers

    def look(self) -> None:
        """Raise :class:`Lost` if nobody computes any more."""

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        """Run a function of arguments, now or later."""
        raise NotImplementedError

    def result(self, future: Future[Any]) -> Any:
        """What a function gave or raised, when it is there; :class:`Gone` if that will never be known."""
        return future.result()

    def withdraw(self, futures: Iterable[Future[Any]]) -> list[Future[Any]]:
        """Take back what was not begun; returns what was."""
        return [future for future in futures if not future.cancel()]

    def wait(self, begun: Iterable[Future[Any]]) -> None:
        """Wait for what cannot be taken back."""
        begun = [*begun]
        while concurrent.futures.wait(begun, timeout=self.patience).not_done:
            self.look()

    def close(self) -> None:
        """Let go of all that the pool holds."""


class _Inline(Pool):
    """Runs everything at once, in the calling thread."""

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            future.set_result(function(*args))
        except Exception as error:
            future.set_exception(error)
        return future


class _Threads(Pool):
    """Threads of this process."""

    def __init__(self, workers: int, get: Callable[..., Any] | None) -> None:
        super().__init__(workers, get)
        self._pool = concurrent.futures.ThreadPoolExecutor(workers, thread_name_prefix="xglass-store")

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        return self._pool.submit(function, *args)

    def close(self) -> None:
        self._pool.shutdown()


class _Processes(Pool):
    """Processes of this machine, started afresh: forks would wait for threads of this one."""

    elsewhere = True

    def __init__(self, workers: int, get: Callable[..., Any] | None) -> None:
        super().__init__(workers, get)
        self._pool = self._started()

    def _started(self) -> concurrent.futures.ProcessPoolExecutor:
        return concurrent.futures.ProcessPoolExecutor(self.workers, multiprocessing.get_context("spawn"))

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        try:
            return self._pool.submit(function, *args)
        except BrokenProcessPool:  # as it stays once one of its processes has ended
            self._pool.shutdown()
            self._pool = self._started()
            return self._pool.submit(function, *args)

    def result(self, future: Future[Any]) -> Any:
        try:
            return future.result()
        except BrokenProcessPool as error:
            raise Gone(f"its process ended ({error})", suspect=True) from None

    def close(self) -> None:
        self._pool.shutdown()


class _Cluster(Pool):
    """The workers of a dask cluster, by its client: those that are there now, and those that come later."""

    elsewhere, patience = True, LOOK

    def __init__(self, client: Any, get: Callable[..., Any] | None) -> None:
        super().__init__(1, get)
        self._client, self._address = client, client.scheduler.address
        self._there: dict[Future[Any], Any] = {}  # the cluster forgets what nobody holds
        self._looked, self._answered, self._unanswered = -math.inf, time.monotonic(), 0
        self._alone: float | None = None  # since when there are no workers
        self.look()
        self._seceded = self._secede()

    def room(self) -> int:
        return max(LEAST, FOR_A_THREAD * self.workers)

    def look(self) -> None:
        """Ask the scheduler how many threads there are; no answer, twice and for long, is an answer, too."""
        if self._client.status != "running":
            raise Lost(self._why())
        if time.monotonic() < self._looked + LOOK:
            return
        try:
            threads = self._client.nthreads(callback_timeout=ANSWER)
        except Exception as error:  # whatever a connection raises that breaks, or a client that is closed
            self._looked, self._unanswered = time.monotonic(), self._unanswered + 1
            silent = self._unanswered > 1 and self._looked >= self._answered + 2 * ANSWER
            if self._client.status != "running" or silent:
                raise Lost(self._why()) from error
            return
        self._looked = self._answered = time.monotonic()
        self._unanswered = 0
        self.workers = sum(threads.values())
        if threads:
            self._alone = None
        elif self._alone is None:
            self._alone = self._looked
        elif self._looked > self._alone + WITHOUT_WORKERS:
            self._alone = math.inf
            warn(f"the scheduler {self._address} has no workers; regions wait for the first that comes")

    def _why(self) -> str:
        if self._client.status in ("closing", "closed") and self._unanswered == 0:
            return f"the client of the scheduler {self._address} was closed"
        return f"the scheduler {self._address} is gone or cannot be reached"

    def submit(self, function: Callable[..., Any], *args: Any) -> Future[Any]:
        future: Future[Any] = Future()
        try:
            there = self._client.submit(function, *args, key=f"xglass-{uuid.uuid4().hex}", pure=False)
        except Exception as error:
            raise Lost(self._why()) from error
        self._there[future] = there
        there.add_done_callback(functools.partial(self._settle, future))
        return future

    def _settle(self, future: Future[Any], there: Any) -> None:
        """Pass on what became of a task. This runs in a thread of distributed."""
        try:
            error = there.exception(timeout=ANSWER) if there.status == "error" else None
            if there.status == "finished":  # what gives nothing need not be fetched
                future.set_result(None if there.type is type(None) else there.result(timeout=ANSWER))
            elif error is None:
                future.set_exception(Gone("the cluster took it back", suspect=False))
            elif type(error).__module__.startswith("distributed"):
                future.set_exception(Gone(f"{type(error).__name__}: {error}", suspect=True))
            else:
                future.set_exception(error)
        except Exception as error:  # what was to be fetched is there no more
            future.set_exception(Gone(f"{type(error).__name__}: {error}", suspect=False))

    def result(self, future: Future[Any]) -> Any:
        self._there.pop(future, None)
        return future.result()

    def withdraw(self, futures: Iterable[Future[Any]]) -> list[Future[Any]]:
        futures = [future for future in futures if not future.done()]
        client = self._client
        try:
            begun = client.sync(client.scheduler.processing, workers=None, callback_timeout=ANSWER)
            keys = {key for keys in begun.values() for key in keys}
            waiting = {future for future in futures if self._there[future].key not in keys}
            client.cancel([self._there[future] for future in waiting])
        except Exception as error:
            raise Lost(self._why()) from error
        return [future for future in futures if future not in waiting]

    def _secede(self) -> bool:
        """Give up the place of a caller that is a task of a cluster itself, and would wait for its own."""
        from distributed import secede

        try:
            secede()
        except Exception:  # it is none
            return False
        return True

    def close(self) -> None:
        self._there.clear()
        if self._seceded:
            from distributed import rejoin

            rejoin()


def call_packed(content: bytes) -> Any:
    """Call a function in another process, where nobody holds BLAS at one thread for it."""
    with single_thread():
        function, args = cloudpickle.loads(content)
        return function(*args)


def number() -> int:
    """How many regions this machine computes at once."""
    return int(dask.config.get("num_workers", None) or CPU_COUNT)


@contextlib.contextmanager
def current() -> Iterator[Pool]:
    """The pool in which dask would compute here."""
    try:
        scheduler = dask.base.get_scheduler()
    except (ImportError, RuntimeError):  # dask says that no client is active
        extra("distributed", "distributed", caller="store.evaluate on the cluster that dask is set to")
        raise
    client: Any = getattr(scheduler, "__self__", None)
    pool: Pool
    if hasattr(client, "get_executor"):
        pool, where = _Cluster(client, dask.get), "threads of a cluster"
    elif scheduler is None or scheduler is dask.threaded.get:
        pool, where = _Threads(number(), None), "threads"
    elif scheduler is dask.multiprocessing.get:
        pool, where = _Processes(number(), dask.get), "processes"
    else:
        pool, where = _Inline(1, scheduler), "thread, the calling one"
    logger.info("regions are computed by %d %s", pool.workers, where)
    try:
        yield pool
    finally:
        pool.close()


def refuse_fork(caller: str) -> None:
    """Raise where computing may wait for ever: in a fork of a process that had computed before."""
    if names := lost_threads():
        shown = ", ".join([*names[:3], "..."] if len(names) > 3 else names)
        raise RuntimeError(
            f"{caller}: this process is a fork of one that had computed, and may wait for ever for threads "
            f"that exist in that one only ({shown}); start processes by "
            "multiprocessing.get_context('spawn') or 'forkserver', or call it in the parent, which uses all "
            "cores"
        )

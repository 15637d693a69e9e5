"""Whether this process is the fork of one whose pools had threads.

A fork has the memory of its parent, and one thread. Pools and locks that are in that memory wait for threads
that do not exist. Python has no question that tells such a process from any other, so it is remembered when
it is made.
"""

from __future__ import annotations

import os
import threading

#: How threads are called that belong to pools: of dask and concurrent.futures, of zarr and asyncio, of
#: distributed, of stores. Others (a notebook has several) hold nothing that a computation waits for.
POOLS = ("ThreadPoolExecutor", "zarr_io", "asyncio_", "IO loop", "Dask-", "xglass-")

_running: tuple[str, ...] = ()
_lost: tuple[str, ...] = ()


def lost_threads() -> tuple[str, ...]:
    """Return the names of the threads of pools that the parent had at the fork; mostly there are none."""
    return _lost


def _remember() -> None:
    global _running
    _running = tuple(thread.name for thread in threading.enumerate() if thread.name.startswith(POOLS))


def _inherit() -> None:
    global _lost
    _lost = _lost or _running


if hasattr(os, "register_at_fork"):  # there are no forks elsewhere
    os.register_at_fork(before=_remember, after_in_child=_inherit)

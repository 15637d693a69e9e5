"""One BLAS thread while anything of ours computes: parallelism belongs to dask.

``threadpool_limits`` restores on exit what it found on entry, which is wrong when two threads of one process
enter and leave in turn. Here the first that enters sets the limit and the last that leaves takes it back.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

from xglass.engine.core import forks  # noqa: F401  # from the first computation on, forks are remembered

_lock = threading.Lock()
_inside = 0
_controller: Any = None
_limits: Any = None


@contextlib.contextmanager
def single_thread() -> Iterator[None]:
    """Hold all BLAS libraries of the process at one thread; may be entered from many threads at once."""
    global _inside, _controller, _limits
    with _lock:
        if _inside == 0:
            if _controller is None:
                # the LAPACK that kernels call must be loaded to be seen
                import scipy.linalg.cython_lapack  # noqa: F401
                from threadpoolctl import ThreadpoolController

                _controller = ThreadpoolController()
            _take_control()
            _limits = _controller.limit(limits=1, user_api="blas")
            _limits.__enter__()
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0:
                _take_control()
                _limits.__exit__(None, None, None)


def _take_control() -> None:
    """Let this thread set limits: from 3.8 on threadpoolctl ignores, silently, all but the first that did.

    Without it the limit would not be set where the main thread once set one, nor be taken back where another
    thread leaves last.
    """
    for library in _controller.lib_controllers:
        if hasattr(library, "clear_controlling_thread"):
            library.clear_controlling_thread(force=True)

"""The one decorator for kernels: compiled without the interpreter lock and cached on disk.

numba stamps a cached kernel with the hash of its own file only: if kernel f in one file calls g in another
and g changes, f would go on with the old g. So the cache folder is keyed on the sources of all kernels.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import logging
import os
import pathlib
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numba
from numba import types
from numba.extending import intrinsic

__all__ = ["cache_folder", "inline", "intrinsic", "kernel", "quiet_kernel", "types"]


def __dir__() -> list[str]:
    return __all__


logger = logging.getLogger(__name__)


def _roots() -> Iterator[pathlib.Path]:
    """Yield folders that may hold ours, the best first; what this system cannot name is left out."""
    wishes = (os.environ.get(name) for name in ("XGLASS_CACHE", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME"))
    chosen = next((wish for wish in wishes if wish), None)
    if chosen is not None:
        yield pathlib.Path(chosen) / "xglass"
    else:
        with contextlib.suppress(RuntimeError):  # no HOME, and a user without an entry in passwd
            yield pathlib.Path.home() / ".cache" / "xglass"
    user = os.getuid() if hasattr(os, "getuid") else None
    with contextlib.suppress(OSError):  # nothing that could hold temporary files
        yield pathlib.Path(tempfile.gettempdir()) / f"xglass-{user}"


def cache_folder() -> str:
    """Folder of the kernels that are compiled from these sources, or "" if none can be written."""
    engine = pathlib.Path(__file__).parents[1]
    digest = hashlib.sha256(f"{numba.__version__}|{sys.version_info[:2]}".encode())
    for path in sorted(engine.rglob("*.py")):
        digest.update(path.relative_to(engine).as_posix().encode() + b"\0" + path.read_bytes())
    for root in _roots():
        folder = root / digest.hexdigest()[:16]
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            # cached kernels are executed: never take those of another user
            own = not hasattr(os, "getuid") or folder.stat().st_uid == os.getuid()
        except OSError:
            continue
        if own and os.access(folder, os.W_OK):
            return str(folder)
    return ""


@functools.cache
def _say_in_memory() -> None:
    """Warn, once in a process, that what is compiled is lost with it."""
    warnings.warn(
        "xglass: compiled kernels cannot be kept, since no folder for them can be written; every process "
        "compiles them anew. Results are the same. Set XGLASS_CACHE to a folder that can be written",
        RuntimeWarning,
        stacklevel=2,
    )


class _Lenient:
    """numba's cache of one kernel, where nothing but time is at stake.

    A kernel that cannot be read is compiled again, and one that cannot be written stays in memory: the disk
    may be full, and the folder damaged or taken away, long after it was chosen.
    """

    def __init__(self, cache: Any, name: str) -> None:
        self._cache, self.name = cache, name

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cache, name)

    def load_overload(self, signature: Any, context: Any) -> Any:
        """Return a kernel from the folder, or None."""
        try:
            return self._cache.load_overload(signature, context)
        except Exception:  # whatever unpickling damaged bytes may raise
            with contextlib.suppress(Exception):
                self._cache.flush()  # a damaged index would also refuse what is written next
            return None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Write a kernel to the folder, if that can be."""
        logger.info("compiled %s", self.name)
        try:
            self._cache.save_overload(signature, compiled)
        except Exception:
            _say_in_memory()


_FOLDER = cache_folder()


def _compiled(function: Callable[..., Any], **options: Any) -> Any:
    if _FOLDER:
        # numba reads it when it decorates; kernels of the user's own keep their folder
        before = numba.config.CACHE_DIR
        numba.config.CACHE_DIR = _FOLDER
        try:
            dispatcher = numba.njit(nogil=True, cache=True, **options)(function)
            # where that folder is gone numba takes another, in which old physics may lie
            if str(dispatcher._cache.cache_path).startswith(_FOLDER):
                dispatcher._cache = _Lenient(dispatcher._cache, function.__name__)
                return dispatcher
        except RuntimeError:  # or it finds none
            pass
        finally:
            numba.config.CACHE_DIR = before
    _say_in_memory()
    return numba.njit(nogil=True, **options)(function)


def kernel(function: Callable[..., Any]) -> Any:
    """Compile ``function``."""
    return _compiled(function)


def quiet_kernel(function: Callable[..., Any]) -> Any:
    """Compile ``function``; what it divides by zero is infinite or NaN, as in numpy, and no error."""
    return _compiled(function, error_model="numpy")


def inline(function: Callable[..., Any]) -> Any:
    """Compile ``function`` into its callers."""
    return _compiled(function, inline="always")

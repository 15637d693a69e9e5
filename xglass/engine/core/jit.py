"""The one decorator for kernels: compiled without the interpreter lock and cached on disk.

numba stamps a cached kernel with the hash of its own file only: if kernel f in one file calls g in another
and g changes, f would go on with the old g. So the cache folder is keyed on the sources of all kernels.
"""

from __future__ import annotations

import hashlib
import os
import pathlib
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import numba
from numba import types
from numba.extending import intrinsic

__all__ = ["inline", "intrinsic", "kernel", "types"]


def __dir__() -> list[str]:
    return __all__


def _cache_folder() -> str:
    engine = pathlib.Path(__file__).parents[1]
    digest = hashlib.sha256(f"{numba.__version__}|{sys.version_info[:2]}".encode())
    for path in sorted(engine.rglob("*.py")):
        digest.update(path.relative_to(engine).as_posix().encode() + b"\0" + path.read_bytes())
    user = os.getuid() if hasattr(os, "getuid") else None
    wishes = (os.environ.get(name) for name in ("XGLASS_CACHE", "NUMBA_CACHE_DIR", "XDG_CACHE_HOME"))
    chosen = next((wish for wish in wishes if wish), pathlib.Path.home() / ".cache")
    for root in (pathlib.Path(chosen) / "xglass", pathlib.Path(tempfile.gettempdir()) / f"xglass-{user}"):
        folder = root / digest.hexdigest()[:16]
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError:
            continue
        # cached kernels are executed: never take those of another user
        if os.access(folder, os.W_OK) and user in (None, folder.stat().st_uid):
            return str(folder)
    return ""


_FOLDER = _cache_folder()


def _compiled(function: Callable[..., Any], **options: Any) -> Any:
    # numba reads it when it decorates; kernels of the user's own keep their folder
    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = _FOLDER or before
    try:
        return numba.njit(nogil=True, cache=True, **options)(function)
    finally:
        numba.config.CACHE_DIR = before


def kernel(function: Callable[..., Any]) -> Any:
    """Compile ``function``."""
    return _compiled(function)


def inline(function: Callable[..., Any]) -> Any:
    """Compile ``function`` into its callers."""
    return _compiled(function, inline="always")

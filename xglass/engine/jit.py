"""The one decorator for kernels: compiled without the interpreter lock and cached on disk.

numba stamps a cached kernel with the hash of its own file only: if kernel f in one file calls g in another and g changes,
f would go on with the old g. So the cache folder is keyed on the sources of all kernels.
"""

from __future__ import annotations

import functools
import hashlib
import os
import pathlib
import sys
import tempfile

import numba


def _cache_folder() -> str:
    here = pathlib.Path(__file__).parent
    digest = hashlib.sha256(f"{numba.__version__}|{sys.version_info[:2]}".encode())
    for path in sorted(here.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    chosen = os.environ.get("XGLASS_CACHE") or os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache"
    for root in (pathlib.Path(chosen) / "xglass", pathlib.Path(tempfile.gettempdir()) / f"xglass-{os.getuid()}"):
        folder = root / digest.hexdigest()[:16]
        try:
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError:
            continue
        if (
            os.access(folder, os.W_OK) and folder.stat().st_uid == os.getuid()
        ):  # cached kernels are executed: never another user's
            return str(folder)
    return ""


if not os.environ.get("NUMBA_CACHE_DIR"):  # the user's own choice wins
    numba.config.CACHE_DIR = _cache_folder()

kernel = functools.partial(numba.njit, nogil=True, cache=True)
inline = functools.partial(numba.njit, nogil=True, cache=True, inline="always")

"""The folder of a store: whether a path can be one, who is at it,
and what a killed process has left there.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def local_path(path: Any) -> Path:
    """The folder that ``path`` names, absolute. Raises TypeError or ValueError for what cannot be one."""
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path must be the name of a folder such as 'run.zarr', got {type(path).__name__}")
    text = os.fspath(path)
    if not text or not text.strip():
        raise ValueError("path is empty; write the name of a folder such as 'run.zarr'")
    if "://" in text:
        raise ValueError(
            f"path must be a folder of this machine, got {text!r}; copy the finished store to where "
            "it is wanted"
        )
    try:
        folder = Path(text).expanduser().resolve()
    except (OSError, RuntimeError, ValueError) as error:  # links in a circle, no such user, a zero byte
        raise ValueError(f"path: {text!r} names no folder: {error}") from error
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"path: {text!r} is a file; write the name of a folder that is new or a store")
    for above in folder.parents:
        if above.is_file():
            raise ValueError(f"path: {text!r} lies inside the file {str(above)!r}; choose a folder")
        if any((above / name).exists() for name in ("zarr.json", ".zgroup", ".zarray")):
            raise ValueError(
                f"path: {text!r} lies inside another store, {str(above)!r}; choose a folder outside of it"
            )
    return folder


def exists(path: Path) -> bool:
    """Whether there is a store; False for nothing or an empty folder. Raises ValueError for anything else."""
    if not path.exists() or not any(path.iterdir()):
        return False
    if "xglass_store" not in attributes_of(metadata(path / "zarr.json")):
        found = sorted(entry.name for entry in path.iterdir())
        if "regions" in found:
            raise ValueError(
                f"store: metadata {str(path / 'zarr.json')!r} are lost; restore this file or evaluate "
                "to another path"
            )
        raise ValueError(
            f"path: {str(path)!r} holds other files "
            f"({', '.join(found[:5])}{', ...' if len(found) > 5 else ''}) and is no store of xglass; "
            f"choose another folder"
        )
    return True


def metadata(file: Path) -> dict[str, Any]:
    """Metadata; empty if there is none, ValueError if it is damaged."""
    try:
        text = file.read_text()
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"store: metadata {str(file)!r} cannot be read: {error}") from error
    try:
        content = json.loads(text)
    except ValueError as error:
        raise ValueError(
            f"store: metadata {str(file)!r} is damaged ({error}); restore this file from a copy or "
            "evaluate to another path"
        ) from error
    if not isinstance(content, dict):
        raise ValueError(
            f"store: metadata {str(file)!r} is damaged (no JSON object); restore this file or "
            "evaluate to another path"
        )
    return content


def attributes_of(meta: dict[str, Any]) -> dict[str, Any]:
    """The attributes in metadata; empty if there are none."""
    found = meta.get("attributes")
    return found if isinstance(found, dict) else {}


@contextlib.contextmanager
def occupied(path: Path) -> Iterator[None]:
    """Share a lock on a store while it is evaluated, after sweeping it if nobody else is at it.

    The lock goes with the process, however it ends.
    """
    try:
        import fcntl
    except ImportError:  # no such locks on this system: left-over files stay, which does no harm
        yield
        return
    descriptor = os.open(path, os.O_RDONLY)
    try:
        with contextlib.suppress(OSError):  # somebody is at it, or the file system has no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            sweep(path)
        with contextlib.suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_SH)
        yield
    finally:
        os.close(descriptor)


def sweep(path: Path) -> None:
    """Remove files that a killed process has left half-written, in a store and beside it."""
    own = re.compile(
        rf"\.{re.escape(path.name)}\.[0-9a-f]{{32}}\.partial"
    )  # not those of a neighbour whose name begins alike
    for left in [entry.path for entry in os.scandir(path.parent) if own.fullmatch(entry.name)]:
        shutil.rmtree(left, ignore_errors=True)
    for folder, names, files in os.walk(path):
        for name in [n for n in names if n.endswith(".partial")]:
            names.remove(name)
            shutil.rmtree(os.path.join(folder, name), ignore_errors=True)
        for name in files:
            if name.endswith(".partial"):
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(folder, name))


def remove(folder: Path) -> None:
    """Remove a folder into which zarr's other threads may still write."""
    for _ in range(50):
        shutil.rmtree(folder, ignore_errors=True)
        if not folder.exists():
            return
        time.sleep(0.01)

"""What keeps other programs from reading an unfinished part as if it were whole.

Zarr reads a chunk that is not there as the fill value, and whole numbers and flags have none that says
"missing": plain xarray would show occupations of -128. So as long as regions of a part are missing there is
an array beside the others which asks for a codec that does not exist. Every reader of zarr has to fail at
that, and the name of the codec says why. It goes when the last region is done.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import uuid
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from xglass.store.disk import Part

NAME = "unfinished"
#: The codec, as zarr names it in its error.
CODEC = "unfinished store: call evaluate again, or xglass.store.load(path, partial=True) for what is there"
METADATA: dict[str, Any] = {
    "zarr_format": 3,
    "node_type": "array",
    "shape": [],
    "data_type": "bool",
    "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": []}},
    "chunk_key_encoding": {"name": "default", "configuration": {"separator": "/"}},
    "fill_value": False,
    "codecs": [{"name": "bytes"}, {"name": CODEC}],
    "attributes": {},
    "dimension_names": [],
}


def hide(part: Path) -> None:
    """Have others fail to open a part."""
    file = part / NAME / "zarr.json"
    while not file.exists():
        with contextlib.suppress(FileNotFoundError):  # another process has just taken the folder away
            file.parent.mkdir(exist_ok=True)
            temporary = file.with_name(f"{file.name}.{uuid.uuid4().hex}.partial")
            temporary.write_text(json.dumps(METADATA))
            temporary.rename(file)


def show(part: Path) -> None:
    """Let others open a part."""
    gone = part / f".{NAME}.{uuid.uuid4().hex}.partial"  # swept, should we be killed before it is removed
    with contextlib.suppress(OSError):  # another process was quicker, or nobody may write here
        (part / NAME).rename(gone)
        shutil.rmtree(gone, ignore_errors=True)


def settle(part: Part) -> None:
    """Let others open a part if it is finished, and only then, as far as we may write."""
    with contextlib.suppress(OSError):
        if part.done().all():
            show(part.path)
        if not part.done().all():  # asked again: another process may have found damage meanwhile
            hide(part.path)

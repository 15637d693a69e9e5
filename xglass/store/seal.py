"""The seal of a part: digests of everything about it that never changes.

Chunks of numbers have checksums, and a region a mark. What says how to read them, metadata and coordinates,
is written once, when the part is made. A digest of every such file stands in the attributes of ``regions``:
the seal, written into the part before the part gets its name, so that there is none without it, whatever is
killed. The attribute ``xglass_sealed`` of the part says that there is a seal, so that it cannot be lost
unnoticed, and the seal of a growth names the part that it continues.

Stores of before have no seal. Of those only what stands twice in them can be compared.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from xglass.store import chunks, folders
from xglass.store.provenance import plain

#: The attribute of a part that says by which rule it is sealed, and the attribute of ``regions`` that is the
#: seal.
MARK, KEY, RULE = "xglass_sealed", "seal", 1

#: What is said of stores without one.
UNSEALED = "it was made before stores were sealed, so that damage to its metadata may go unseen"

#: What a description of data must have, and of what type.
DESCRIBED: dict[str, type | tuple[type, ...]] = {
    "kind": str,
    "name": (str, type(None)),
    "fingerprint": str,
    "attributes": dict,
    "parameters": dict,
    "variables": dict,
    "computed": dict,
    "operations": list,
    "versions": dict,
    "cpu": str,
}


class Seal(NamedTuple):
    """The digest of a seal, and that of the part which this one continues."""

    digest: str
    after: str | None


def write(part: Path, after: str | None) -> None:
    """Seal a part that has all its files but chunks and marks."""
    files = {file.relative_to(part).as_posix(): _digest(file.read_bytes()) for file in _files(part)}
    content: dict[str, Any] = {"files": dict(sorted(files.items())), "after": after}
    content["digest"] = _of(content)
    file = part / "regions" / "zarr.json"
    meta = folders.metadata(file)
    file.write_text(json.dumps({**meta, "attributes": {KEY: content}}))


def before(part: Path) -> str | None:
    """The digest of the seal of the part that this one continues; None if that has none, or this is the
    first.
    """
    if (growth := re.fullmatch(r"growth-([0-9]+)", part.name)) is None:
        return None
    number = int(growth[1]) - 1
    seal = _stored(part.parent / f"growth-{number}" if number else part.parent)
    return None if seal is None else seal["digest"]


def checked(part: Path, attributes: dict[str, Any]) -> Seal | None:
    """The seal of a part, after all files were compared with it; None for a part of before.

    ValueError, which names the file, for whatever is not as it was.
    """
    seal = _stored(part)
    if seal is None:
        if MARK in attributes:
            raise _damaged(part, "regions/zarr.json", "its seal is gone")
        return None
    if attributes.get(MARK, RULE) != RULE:
        raise ValueError(
            f"store {str(part)!r} is sealed by rule {attributes[MARK]!r}, this version of xglass reads {RULE}"
        )
    for name, digest in seal["files"].items():
        try:
            content = (part / name).read_bytes()
        except OSError as error:
            gone = isinstance(error, (FileNotFoundError, NotADirectoryError))
            raise _damaged(part, name, "the file is lost" if gone else str(error)) from error
        if _digest(content) != digest:
            raise _damaged(part, name, "not what was written when the store was made")
    return Seal(seal["digest"], seal["after"])


def refuse_foreign(path: Path, seals: list[Seal | None]) -> None:
    """Raise ValueError unless every part of a store continues the one before it."""
    for k, (previous, own) in enumerate(zip(seals, seals[1:], strict=False), 1):
        if (None if own is None else own.after) != (None if previous is None else previous.digest):
            raise ValueError(
                f"store {str(path)!r}: the part growth-{k} does not go on from what is before it, it is of "
                f"another store or of an earlier state of this one; delete the folders growth-{k} and up, "
                "and call evaluate again"
            )


def _files(part: Path) -> Iterator[Path]:
    """The files that never change."""
    for folder, _, names in os.walk(part):
        files = (Path(folder, name) for name in names)
        yield from (file for file in files if file != part / "regions" / "zarr.json")


def _stored(part: Path) -> dict[str, Any] | None:
    """The seal as it stands on disk, after a look at its own digest."""
    attributes = folders.attributes_of(folders.metadata(part / "regions" / "zarr.json"))
    if KEY not in attributes:
        return None
    seal = attributes[KEY]
    if not (
        isinstance(seal, dict) and isinstance(seal.get("files"), dict) and seal.get("digest") == _of(seal)
    ):
        raise _damaged(part, "regions/zarr.json", "not what was written when the store was made")
    return seal


def _of(seal: dict[str, Any]) -> str:
    """The digest of a seal, whatever the form in which JSON stands."""
    return _digest(json.dumps({**seal, "digest": None}, sort_keys=True).encode())


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def _damaged(part: Path, name: str, reason: str) -> ValueError:
    what = "metadata" if name.endswith("zarr.json") else "coordinates"
    return ValueError(
        f"store: {what} {str(part / name)!r} are damaged ({reason}); restore this file from a copy, or "
        "evaluate to another path"
    )


# -- stores without a seal ---------------------------------------------------------------------------


def contradiction(attributes: dict[str, Any], described: dict[str, Any]) -> str | None:
    """What in the attributes of a part contradicts the description that stands there, too; or None."""
    for key, kind in DESCRIBED.items():
        if not isinstance(described.get(key), kind):
            return f"the description lacks {key!r}"
    for key in ("fingerprint", "identity_version"):
        if attributes.get(f"xglass_{key}") != described.get(key):
            return f"two values of {key!r}"
    own = {k: v for k, v in attributes.items() if not k.startswith("xglass_") and k != "coordinates"}
    if own.keys() != described["attributes"].keys():
        return f"attributes {sorted(own.keys() ^ described['attributes'].keys())}"
    for key, value in own.items():
        if not isinstance(value, (bool, int, float, str)):
            continue  # of lists and tables JSON does not keep the type, by which they are described
        if json.dumps(plain(value)) != json.dumps(described["attributes"][key]):
            return f"two values of {key!r}: {value!r} and {described['attributes'][key]!r}"
    return None


def misfit(meta: dict[str, Any], described: dict[str, Any], bounds: dict[str, tuple[int, ...]]) -> str | None:
    """What in the metadata of a variable contradicts the description of the data, or the regions; or None."""
    codecs = [codec["name"] for codec in meta["codecs"]]
    for what, found, right in (
        ("shape", meta["shape"], [*map(sum, described["chunks"])]),
        ("data_type", meta["data_type"], described["type"]),
        ("dimension_names", meta.get("dimension_names") or [], described["dims"]),
        ("codecs", codecs, chunks.PACKED),
    ):
        if found != right:
            return f"{what} {found} where {right} is described"
    for dim, size in zip(described["dims"], meta["chunk_grid"]["configuration"]["chunk_shape"], strict=True):
        if size < 1 or any(bound % size for bound in bounds[dim][:-1]):
            return f"chunks of {size} along {dim!r}, of which no region is made"
    return None

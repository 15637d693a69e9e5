"""Numbers as bytes: how chunks are packed, and how damage is told from numbers.

Chunks are packed and unpacked here, in the thread that computes or asks for them, as zarr's own codecs would.
zarr does it in threads of its own, of which there are more than regions in work, and each keeps the memory of
a chunk or two.
"""

from __future__ import annotations

import hashlib
from typing import Any

import google_crc32c
import numcodecs
import numcodecs.blosc
import numpy as np
from zarr.codecs import BloscCodec, Crc32cCodec, ZstdCodec

#: Kinds of numbers that a store holds, and the level of compression.
KINDS, LEVEL = "biufc", 5
#: The codecs of numbers, as metadata name them.
PACKED = ["bytes", "blosc", "crc32c"]


def encoding(dtype: np.dtype) -> dict[str, Any]:
    """How zarr is to store numbers of a type (or, coordinates only, text)."""
    # Measured on runs of the 12 x 12 glass: occupations take 1.0 bit a site at T = 0.3 and 0.5 at T = 0.05
    # with the bits of a byte regrouped, floats shrink by a quarter with bytes regrouped; higher levels cost
    # ten times the time for a few per cent. The checksum makes damage an error rather than a number.
    if dtype.kind in KINDS:
        names: dict[int, Any] = {numcodecs.Blosc.SHUFFLE: "shuffle", numcodecs.Blosc.BITSHUFFLE: "bitshuffle"}
        packed = BloscCodec(
            cname="zstd", clevel=LEVEL, shuffle=names[_shuffle(dtype)], typesize=dtype.itemsize
        )
        return {"compressors": (packed, Crc32cCodec()), "_FillValue": None}
    return {"compressors": (ZstdCodec(level=3), Crc32cCodec()), "_FillValue": None}


def _shuffle(dtype: np.dtype) -> int:
    return int(numcodecs.Blosc.BITSHUFFLE if dtype.itemsize == 1 else numcodecs.Blosc.SHUFFLE)


def missing(dtype: np.dtype) -> Any:
    """What a number that is not there yet reads as: NaN, or the lowest whole number of the type (the highest,
    if unsigned).
    """
    if dtype.kind in "iu":
        return np.iinfo(dtype).min if dtype.kind == "i" else np.iinfo(dtype).max
    return dtype.type(np.nan) if dtype.kind in "fc" else dtype.type(0)


def encode(block: np.ndarray, shape: tuple[int, ...]) -> bytes:
    """A chunk of a given shape as it stands on disk: the block, filled up at the end of a dimension, packed,
    and its checksum.
    """
    if block.shape != shape:
        padded = np.full(shape, missing(block.dtype), dtype=block.dtype)
        padded[tuple(slice(0, n) for n in block.shape)] = block
        block = padded
    packed = numcodecs.Blosc("zstd", clevel=LEVEL, shuffle=_shuffle(block.dtype)).encode(
        np.ascontiguousarray(block)
    )
    return b"".join([packed, google_crc32c.value(packed).to_bytes(4, "little")])


def decode(content: bytes, shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """The numbers of a chunk; ValueError if its checksum is wrong, or it holds another number of them."""
    block = np.empty(shape, dtype=dtype)
    if wrong := checksum(content) or wrong_size(content, block.nbytes):
        raise ValueError(wrong)
    numcodecs.blosc.decompress(memoryview(content)[:-4], block)
    return block


def checksum(content: bytes) -> str | None:
    """What is wrong with a chunk, which ends in the checksum of the rest; or None."""
    if len(content) < 4:
        return "it is cut off"
    stored, computed = int.from_bytes(content[-4:], "little"), google_crc32c.value(content[:-4])
    return None if stored == computed else f"its checksum is {computed:08x} where {stored:08x} is stored"


def wrong_size(content: bytes, nbytes: int) -> str | None:
    """What is wrong with a whole chunk of which so many bytes are asked for; or None."""
    # Bytes 4 to 7 of what was packed are its size. Where that is smaller than the buffer, the rest of the
    # buffer would stay whatever it was.
    held = int.from_bytes(content[4:8], "little") if len(content) >= 20 else 0
    return None if held == nbytes else f"it holds {held} bytes of numbers where {nbytes} are asked for"


def digest(blocks: dict[str, np.ndarray]) -> int:
    """64-bit BLAKE2b of the numbers of a region, never 0."""
    total = hashlib.blake2b(digest_size=8)
    for name in sorted(blocks):
        total.update(np.ascontiguousarray(blocks[name]).data.cast("B") if blocks[name].size else b"")
    return int.from_bytes(total.digest(), "little") or 1

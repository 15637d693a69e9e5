"""The identity of a trajectory, hashed to the number of its random stream."""

from __future__ import annotations

import hashlib
import struct

import numpy as np

#: Enters every stream: a change of what the draws mean gets a new number.
RULE_VERSION = 1

#: Packages on whose versions the last bits of all numbers depend, besides the processor.
COMPUTING = ("numpy", "scipy", "numba")


def streams(walker: np.ndarray, realization: int, labels: np.ndarray) -> np.ndarray:
    """Return the stream numbers of walkers at one parameter point.

    64-bit BLAKE2b of (rule version, walker, realization, float64 bits of the labels), all little-endian. The
    labels are the canonical T, eta, t_p (or the hopping of every bond) and filling, in this order.

    Parameters
    ----------
    walker : ndarray of int64
        Identifiers (walker,).
    realization : int
        Label of the disorder realization, 0 where there is none.
    labels : ndarray of float64
        Labels (label,).

    Returns
    -------
    ndarray of uint64
        Numbers (walker,).
    """
    tail = struct.pack("<q", int(realization)) + np.ascontiguousarray(labels, dtype="<f8").tobytes()
    digests = (
        hashlib.blake2b(struct.pack("<qq", RULE_VERSION, int(w)) + tail, digest_size=8).digest()
        for w in walker
    )
    return np.frombuffer(b"".join(digests), dtype="<u8").astype(np.uint64)

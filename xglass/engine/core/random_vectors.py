"""Random vectors that estimate traces, and the number of the stream from which each is drawn."""

from __future__ import annotations

import hashlib
import struct

import numpy as np

#: Enters every stream of random vectors: a change of what the draws mean gets a new number.
VECTOR_RULE_VERSION = 1

#: Keeps the streams of random vectors apart from those of trajectories.
TAG = b"random vector of a trace"


def stream(vector: int, realization: int, labels: np.ndarray) -> np.uint64:
    """Return the stream number of one random vector.

    BLAKE2b of (tag, rule version, vector, realization, float64 bits of the labels), all little-endian. The
    labels are the number of sites, the canonical parameters of the Hamiltonian and its momentum or twist;
    temperature, precision, number of Lanczos steps and frequencies are not among them.
    """
    text = (
        TAG
        + struct.pack("<qqq", VECTOR_RULE_VERSION, int(vector), int(realization))
        + np.ascontiguousarray(labels, "<f8").tobytes()
    )
    return np.frombuffer(hashlib.blake2b(text, digest_size=8).digest(), dtype="<u8").astype(np.uint64)[0]


def random_vector(seed: int, number: np.uint64, dimension: int, dtype: np.dtype) -> np.ndarray:
    """Return independent entries of modulus 1: of {1, i, -1, -i}, or of {1, -1} where vectors are real.

    <r|A|r> then has the variance sum_{m != n} |A_mn|^2 (twice that for real vectors), the least that
    independent entries allow: Gaussian entries add the squares of the diagonal (measured at 8 and 10 sites:
    errors of sigma 1 to 8 % larger, those of Z up to three times). Such entries are exact in single
    precision.
    """
    from xglass.engine.core.philox import fill_phases

    phases = np.empty(dimension, dtype=np.complex128)
    fill_phases(np.uint64(seed), number, phases)
    if dtype.kind == "c":
        return phases.astype(dtype)
    return (phases.real + phases.imag).astype(dtype)

"""Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror and Shaw, SC 2011).

Key = seed, counter = (draw, stream): every number is a function of (seed, stream, draw) and there is no state
to keep.
"""

from __future__ import annotations

import numpy as np

from xglass.engine.core.jit import inline, kernel

_M0, _M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
_W0, _W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
_LOW, HALF_WORD = np.uint64(0xFFFFFFFF), np.uint64(32)

#: Draws of the random start: above all draws of the sweeps, which count attempts from 0.
START = np.uint64(1 << 63)


@inline
def philox(c0, c1, c2, c3, k0, k1):
    """One block: four 32-bit words (held in uint64) of a 128-bit counter and a 64-bit key."""
    for _ in range(10):
        p0, p1 = _M0 * c0, _M1 * c2
        c0, c1, c2, c3 = (p1 >> HALF_WORD) ^ c1 ^ k0, p1 & _LOW, (p0 >> HALF_WORD) ^ c3 ^ k1, p0 & _LOW
        k0, k1 = (k0 + _W0) & _LOW, (k1 + _W1) & _LOW
    return c0, c1, c2, c3


@kernel
def fill(seed, stream, first, a, b, u):
    """Fill in draws first, first + 1, ...: two words of 32 bits, and a uniform in [0, 1) of 53 bits."""
    k0, k1 = seed & _LOW, seed >> HALF_WORD
    s0, s1 = stream & _LOW, stream >> HALF_WORD
    for n in range(u.size):
        draw = first + np.uint64(n)
        w0, w1, w2, w3 = philox(draw & _LOW, draw >> HALF_WORD, s0, s1, k0, k1)
        a[n] = w0
        b[n] = w1
        # 53 bits split as 27 + 26: products and sums of int64 are exact in float64
        u[n] = (np.int64(w2 >> np.uint64(5)) * 67108864.0 + np.int64(w3 >> np.uint64(6))) * (
            1.0 / 9007199254740992.0
        )


@kernel
def fill_phases(seed, stream, out):
    """Fill in random powers of i, complex: two bits each, and so 64 of them to a block."""
    k0, k1 = seed & _LOW, seed >> HALF_WORD
    s0, s1 = stream & _LOW, stream >> HALF_WORD
    words = np.empty(4, dtype=np.uint64)
    for start in range(0, out.size, 64):
        draw = np.uint64(start // 64)
        words[0], words[1], words[2], words[3] = philox(draw & _LOW, draw >> HALF_WORD, s0, s1, k0, k1)
        for n in range(start, min(start + 64, out.size)):
            word = words[(n - start) // 16]
            words[(n - start) // 16] = word >> np.uint64(2)
            power = np.int64(word & np.uint64(3))
            out[n] = 1j**0 if power == 0 else 1j if power == 1 else -1.0 + 0j if power == 2 else -1j

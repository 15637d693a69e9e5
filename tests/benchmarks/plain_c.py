"""The classical chain beside a plain C version of the same move: python tests/benchmarks/plain_c.py

Processor time, the best of several rounds in which the two take turns; both go through the same trajectory,
to the last bit. It takes a C compiler, ``cc``.
"""

from __future__ import annotations

import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import ctypes
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from timing import interleaved

import xglass as xg
from xglass.engine.charge import metropolis
from xglass.engine.charge.metropolis_kernels import trajectories
from xglass.engine.charge.rejection import empty_memory, proof_tools

SEED, STREAM, T = 7, 11, 0.05

SOURCE = r"""
#include <math.h>
#include <stdint.h>

static void philox(uint64_t draw, uint64_t stream, uint64_t seed, uint32_t *out) {
    uint64_t low = 0xffffffff, c0 = draw & low, c1 = draw >> 32, c2 = stream & low, c3 = stream >> 32;
    uint64_t k0 = seed & low, k1 = seed >> 32;
    for (int r = 0; r < 10; r++) {
        uint64_t p0 = 0xD2511F53ull * c0, p1 = 0xCD9E8D57ull * c2;
        c0 = ((p1 >> 32) ^ c1 ^ k0) & low, c1 = p1 & low;
        c2 = ((p0 >> 32) ^ c3 ^ k1) & low, c3 = p0 & low;
        k0 = (k0 + 0x9E3779B9ull) & low, k1 = (k1 + 0xBB67AE85ull) & low;
    }
    out[0] = c0, out[1] = c1, out[2] = c2, out[3] = c3;
}

void sweeps(uint64_t seed, uint64_t stream, int64_t n, int64_t count, int8_t *occupied, int64_t *phi,
            const int64_t *coupling, double unit, double t, const int64_t *neighbour, int64_t degree) {
    for (int64_t k = 0; k < n * count; k++) {
        uint32_t word[4];
        philox(k, stream, seed, word);
        int64_t i = ((uint64_t)word[0] * n) >> 32;
        int64_t j = neighbour[i * degree + (((uint64_t)word[1] * degree) >> 32)];
        if (occupied[i] == occupied[j]) continue;
        if (occupied[j]) { int64_t swap = i; i = j; j = swap; }
        double u = ((word[2] >> 5) * 67108864.0 + (word[3] >> 6)) / 9007199254740992.0;
        double change = (phi[j] - phi[i] - coupling[i * n + j]) * unit;
        if (change > 0.0 && u >= exp(-change / t)) continue;
        const int64_t *plus = coupling + j * n, *minus = coupling + i * n;
        for (int64_t m = 0; m < n; m++) phi[m] += plus[m] - minus[m];
        occupied[i] = 0, occupied[j] = 1;
    }
}
"""


def compiled(folder: Path) -> ctypes.CDLL:
    """The C version, optimised for this machine."""
    (folder / "chain.c").write_text(SOURCE)
    library = folder / "chain.so"
    options = ["-O3", "-march=native", "-shared", "-fPIC"]
    subprocess.run(["cc", *options, "-o", library, folder / "chain.c", "-lm"], check=True)
    return ctypes.CDLL(str(library))


def compared(side: int, count: int, library: ctypes.CDLL) -> tuple[float, float]:
    """Seconds of so many sweeps in C, and ours."""
    glass = xg.charge_glass(xg.lattice.triangular(side))
    sites, zero = side**2, np.zeros(side**2)
    run = xg.metropolis(glass, T=T, walker=1, sweep=30, every=30, weight="classical", seed=3, chunks=None)
    start, U = run["occupation"].values[0, -1], glass["interaction"].values
    matrix, base, unit = metropolis.fixed_point(U, zero)
    pieces = metropolis.pieces(U, zero)[0]
    ends = glass["bond_source"].values, glass["bond_target"].values
    table, degree = metropolis.neighbour_table(*ends, sites)
    hopping = np.zeros((sites, sites))
    state, other = np.empty((2, 1, sites), dtype=np.int8)
    rules = (table, degree, 0, 0, False, proof_tools(hopping), empty_memory(sites, 1))

    def plain() -> None:
        state[0] = start
        phi = base + matrix @ start.astype(np.int64)
        data = [array.ctypes.data_as(ctypes.c_void_p) for array in (state, phi, matrix)]
        library.sweeps(
            *map(ctypes.c_uint64, (SEED, STREAM)), *map(ctypes.c_int64, (sites, count)), *data,
            *map(ctypes.c_double, (unit, T)), table.ctypes.data_as(ctypes.c_void_p), ctypes.c_int64(6),
        )  # fmt: skip

    def ours() -> None:
        other[0] = start
        frames = np.empty((1, 1, sites), np.int8), np.empty((1, 1)), np.empty((1, 1))
        times = (0, True, count, np.full(count + 1, T))
        fields = (pieces, base, np.zeros(2), unit, hopping)
        stream = np.array([STREAM], np.uint64)
        counters = np.empty((1, 1, 5), np.int64)
        trajectories(np.uint64(SEED), stream, *times, *fields, *rules, other, *frames, counters)

    slow, fast = interleaved(plain, ours, rounds=7)
    assert (state == other).all()
    return slow, fast


def main() -> None:
    """Microseconds of a sweep, and the ratio."""
    with tempfile.TemporaryDirectory() as folder:
        library = compiled(Path(folder))
    print("  L    C (us a sweep)   ours   ratio")
    for side, count in ((12, 20000), (24, 3000), (48, 400)):
        slow, fast = compared(side, count, library)
        print(f"{side:3d} {1e6 * slow / count:17.2f} {1e6 * fast / count:6.2f} {fast / slow:7.2f}")


if __name__ == "__main__":
    main()

"""Cost of one electron with two-level systems: python tests/benchmarks/two_level_systems.py [matvec sigma
large quspin]

One thread, process time, sides that are compared take turns and the best of several rounds counts. ``quspin``
wants that package (pip install quspin, in an environment of its own, with this project and numba, scipy,
threadpoolctl on the path).
"""

from __future__ import annotations

import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import argparse
import math
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import scipy.linalg

from xglass.engine.core.blas import single_thread
from xglass.engine.core.random_vectors import random_vector
from xglass.engine.tls import lanczos, operators

#: Fig. 1 of Rammal, Ciuchi and Fratini: temperatures, and the slowest splitting that is asked for here.
T = np.array([0.2, 0.5, 1.0, 1.5, 2.0, 5.0])
OMEGA0, BROADENING = 0.1, 0.04
FREQUENCY = np.linspace(0.0, 5.0, 501)


def row(what: str, value: float, unit: str, limit: str = "") -> None:
    print(f"{what:<86} {value:10.4g} {unit:<8} {limit}", flush=True)


def turns(
    functions: dict[str, Callable[[], object]], rounds: int = 7, least: float = 0.02
) -> dict[str, float]:
    """Seconds of process time of each, the best of rounds in which they take turns;
    short ones are repeated within a round.
    """
    times = {name: math.inf for name in functions}
    repeats = {}
    for name, function in functions.items():
        function()
        begin = time.process_time()
        function()
        repeats[name] = max(1, int(least / max(time.process_time() - begin, 1e-6)))
    for _ in range(rounds):
        for name, function in functions.items():
            begin = time.process_time()
            for _ in range(repeats[name]):
                function()
            times[name] = min(times[name], (time.process_time() - begin) / repeats[name])
    return times


def block(sites: int, precision: str, number: int = 3) -> operators.Block:
    return operators.Block(sites, 2.0 * math.pi * number / sites, 1.0, 1.0, 0.0, OMEGA0, precision)


def random(operator: operators.Block | operators.Rows, seed: int = 1) -> np.ndarray:
    return random_vector(seed, np.uint64(7), operator.dimension, operator.dtype)


# --- H v ----------------------------------------------------------------------------------------------------


def memory_rate() -> float:
    """GB/s, read and written, of the copy of an array that fits into no cache."""
    one = np.random.default_rng(0).random(2**25)
    two = one.copy()
    return 2 * one.nbytes / turns({"copy": lambda: np.copyto(two, one)}, rounds=5)["copy"] / 1e9


def matvec() -> None:
    """H v in one block beside a copy of the same vectors, in caches and, with long arrays, from memory."""
    memory = memory_rate()
    row("copy of 256 MiB, read and written", memory, "GB/s")
    for sites in (12, 14, 16, 18):
        elements = {}
        for precision in ("double", "single"):
            operator = block(sites, precision)
            v = random(operator)
            out, copied = np.empty_like(v), np.empty_like(v)
            sides = {
                "H v": lambda o=operator, v=v, out=out: o.apply(v, out),
                "J v": lambda o=operator, v=v, out=out: o.current(v, out),
                "copy": lambda v=v, copied=copied: np.copyto(copied, v),
            }
            times = turns(sides)
            elements[precision] = times["H v"]
            rates = {name: 2 * v.nbytes / seconds / 1e9 for name, seconds in times.items()}
            row(f"N = {sites} {v.dtype}: H v", times["H v"] * 1e6, "us")
            row("  per element", times["H v"] / v.size * 1e9, "ns")
            row("  v read and out written", rates["H v"], "GB/s")
            limit = ">= 1" if sites == 16 and precision == "double" else ""
            row("  relative to the copy of 256 MiB", rates["H v"] / memory, "x", limit)
            row("  relative to the copy of the same vectors", rates["H v"] / rates["copy"], "x")
            row("  J v", times["J v"] * 1e6, "us")
        row(
            f"N = {sites}: elements per second, complex64 / complex128",
            elements["double"] / elements["single"],
            "x",
            ">= 1.5" if sites == 16 else "",
        )


# --- sigma of one random vector -----------------------------------------------------------------------------


class Recipe:
    """M = 1200 in complex128 as one would write it down: all vectors of both runs, then J,
    then one complex product. Buffers are reused.
    """

    def __init__(self, operator: operators.Block, steps: int) -> None:
        self.operator, self.steps = operator, steps
        self.V, self.W, self.JW = (
            np.zeros((steps, operator.dimension), dtype=np.complex128) for _ in range(3)
        )

    def run(self, start: np.ndarray, vectors: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        diagonal, sides = np.zeros(self.steps), np.zeros(self.steps)
        work = np.empty_like(start)
        vectors[0] = start / np.linalg.norm(start)
        for n in range(self.steps):
            self.operator.apply(vectors[n], work)
            diagonal[n] = np.vdot(vectors[n], work).real
            work -= diagonal[n] * vectors[n]
            if n:
                work -= sides[n - 1] * vectors[n - 1]
            sides[n] = np.linalg.norm(work)
            if n + 1 < self.steps:
                np.divide(work, sides[n], out=vectors[n + 1])
        return scipy.linalg.eigh_tridiagonal(diagonal, sides[:-1])

    def sticks(self, r: np.ndarray) -> lanczos.Sticks:
        energies, states = self.run(r, self.V)
        start = np.empty_like(r)
        self.operator.current(r, start)
        others, mates = self.run(start, self.W)
        for n in range(self.steps):
            self.operator.current(self.W[n], self.JW[n])
        matrix = states.T @ (self.V.conj() @ self.JW.T) @ mates
        norm = np.linalg.norm(r)
        amplitudes = np.outer(states[0], mates[0] * np.linalg.norm(start) / norm) * matrix.real
        return lanczos.Sticks(energies, states[0] ** 2, np.zeros(self.steps), others, amplitudes)


def conductivity(found: lanczos.Sticks, dimension: int) -> np.ndarray:
    sums = lanczos.thermal(found, dimension, T, FREQUENCY, np.array([BROADENING]))
    return sums[:, 5:] / sums[:, :1]


def sigma(rounds: int) -> None:
    """One random vector at N = 16, all temperatures of Fig. 1, beside the recipe of the paper."""
    double, single = block(16, "double"), block(16, "single")
    steps = operators.resolving(single.half_width, BROADENING, 1.0)
    r = random(double)
    r32 = random(single)
    buffers = {p.precision: lanczos.Buffers.of(p, steps) for p in (single, double)}
    recipe = Recipe(double, 1200)
    found = {}

    def ours(operator: operators.Block, r: np.ndarray) -> None:
        found[operator.precision] = conductivity(
            lanczos.sticks(operator, r, steps, buffers[operator.precision]), r.size
        )

    def theirs() -> None:
        found["recipe"] = conductivity(recipe.sticks(r), r.size)

    with single_thread():
        times = turns({"single": lambda: ours(single, r32), "double": lambda: ours(double, r)}, rounds=5)
        again = turns({"recipe": theirs, "single": lambda: ours(single, r32)}, rounds=rounds)
    best = min(times["single"], again["single"])
    row(
        f"N = 16, broadening {BROADENING}, {steps} steps, single precision, {T.size} temperatures",
        best,
        "s",
        "about 0.3 (0.25)",
    )
    row("  double precision", times["double"], "s")
    row("  recipe: 1200 steps, complex128, all vectors, one product", again["recipe"], "s")
    row("  ratio", again["recipe"] / best, "x", ">= 50")
    for name in ("single", "double"):
        off = np.abs(found[name] - found["recipe"]).max(axis=1) / found["recipe"].max(axis=1)
        row(
            f"  {name}: distance from the recipe in units of the peak, largest of all T",
            off.max(),
            "",
            "<= 1e-3",
        )


def eighteen() -> None:
    """Time of one vector at N = 18."""
    operator = block(18, "single")
    steps = operators.resolving(operator.half_width, BROADENING, 1.0)
    r, buffers = random(operator), lanczos.Buffers.of(operator, steps)
    with single_thread():
        times = turns(
            {"N = 18": lambda: conductivity(lanczos.sticks(operator, r, steps, buffers), r.size)}, rounds=3
        )
    row(f"N = 18, {steps} steps, single precision", times["N = 18"], "s", "about 1.3")


def large() -> None:
    """Longer rings: time at N = 18, memory at N = 20 (in a process of its own)."""
    eighteen()
    subprocess.run([sys.executable, __file__, "twenty"], check=True)


def twenty() -> None:
    """Memory of one task, run in a process of its own, whose peak is set back:
    a child begins with that of its parent.
    """
    Path("/proc/self/clear_refs").write_text("5")
    operator = block(20, "single")
    steps = operators.resolving(operator.half_width, BROADENING, 1.0)
    begin = time.process_time()
    with single_thread():
        conductivity(
            lanczos.sticks(operator, random(operator), steps, lanczos.Buffers.of(operator, steps)),
            operator.dimension,
        )
    row(f"N = 20, {steps} steps, single precision, fresh memory", time.process_time() - begin, "s")
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    row("  peak memory", float(status["VmHWM"].split()[0]) / 2**20, "GiB", "< 8")


# --- beside QuSpin ------------------------------------------------------------------------------------------


def quspin(sites: int) -> None:
    """H v and the whole of sigma, in the space of one electron without twist; QuSpin with its tensor basis
    and its lanczos_full.

    QuSpin has no symmetry under a common shift of electron and two-level systems in a tensor basis, so that a
    user works with real vectors of N 2^N entries. "Equal variance": one such vector knows as much (variance 2
    Tr A^2) as one complex vector in every momentum 0 ... pi, with weights 1, 2, ..., 2, 1.
    """
    from quspin.basis import spin_basis_1d, spinless_fermion_basis_1d, tensor_basis
    from quspin.operators import hamiltonian
    from quspin.tools.lanczos import lanczos_full

    basis = tensor_basis(spinless_fermion_basis_1d(sites, Nf=1), spin_basis_1d(sites, pauli=1))
    hops = [[1.0, (j + 1) % sites, j] for j in range(sites)]
    back = [[1.0, j, (j + 1) % sites] for j in range(sites)]

    def built(terms: list[list[object]], dtype: type) -> object:
        return hamiltonian(
            terms, [], basis=basis, dtype=dtype, check_herm=False, check_symm=False, check_pcon=False
        )

    def scaled(factor: float, terms: list[list[float]]) -> list[list[float]]:
        return [[factor * term[0], *term[1:]] for term in terms]

    own = [["|z", [[0.5 * OMEGA0, j] for j in range(sites)]], ["n|x", [[-1.0, j, j] for j in range(sites)]]]
    H = built([["+-|", scaled(-1.0, hops)], ["+-|", scaled(-1.0, back)], *own], np.float64)
    H_complex = built([["+-|", scaled(-1.0, hops)], ["+-|", scaled(-1.0, back)], *own], np.complex128)
    K = built([["+-|", scaled(-1.0, hops)], ["+-|", scaled(1.0, back)]], np.float64)  # J = i K

    zeros = np.zeros(sites)
    rows = operators.Rows(
        sites, 0.0, np.ones(sites), np.ones(sites), zeros, np.full(sites, OMEGA0), zeros, "double"
    )
    blocks = {p: [block(sites, p, n) for n in range(sites)] for p in ("double", "single")}
    generator = np.random.default_rng(1)
    x = generator.normal(size=H.Ns)
    y, z, w = (
        np.empty_like(x),
        np.empty_like(x),
        generator.normal(size=H.Ns) + 1j * generator.normal(size=H.Ns),
    )
    out = np.empty_like(w)
    parts = {p: [(o, random(o), np.empty(o.dimension, dtype=o.dtype)) for o in blocks[p]] for p in blocks}
    csr = H.tocsr()

    def all_momenta(precision: str) -> None:
        for operator, v, result in parts[precision]:
            operator.apply(v, result)

    times = turns(
        {
            "quspin real": lambda: H.dot(x, out=y, overwrite_out=True, check=False),
            "scipy real": lambda: csr @ x,
            "ours real": lambda: rows.apply(x, z),
            "quspin complex": lambda: H_complex.dot(w, out=out, overwrite_out=True, check=False),
            "ours double": lambda: all_momenta("double"),
            "ours single": lambda: all_momenta("single"),
        }
    )
    row(f"N = {sites}: H v, whole space, real: QuSpin", times["quspin real"] * 1e3, "ms")
    row("  scipy CSR", times["scipy real"] * 1e3, "ms")
    row("  ours, rows", times["ours real"] * 1e3, "ms")
    row("  ratio, QuSpin / ours", times["quspin real"] / times["ours real"], "x", ">= 4")
    row(
        f"N = {sites}: H v, as many complex numbers: QuSpin, whole space", times["quspin complex"] * 1e3, "ms"
    )
    row("  ours, N momentum blocks, complex128", times["ours double"] * 1e3, "ms")
    row("  ratio", times["quspin complex"] / times["ours double"], "x", ">= 4")
    row("  ratio with complex64", times["quspin complex"] / times["ours single"], "x")

    steps = operators.resolving(blocks["double"][0].half_width, BROADENING, 1.0)
    start = np.sign(generator.normal(size=H.Ns))
    peers = {"double": (H, K), "single": tuple(operator.astype(np.float32) for operator in (H, K))}
    held = {p: [np.zeros((steps, H.Ns), dtype=H_p.dtype) for _ in range(2)] for p, (H_p, _) in peers.items()}
    found: dict[str, np.ndarray] = {}

    def theirs(precision: str) -> None:
        (H, K), (V, W) = peers[precision], held[precision]
        r = (start / math.sqrt(H.Ns)).astype(V.dtype)
        energies, states, _ = lanczos_full(H, r, steps, full_ortho=False, out=V)
        flow = K.dot(r)
        size = float(np.linalg.norm(flow))
        others, mates, _ = lanczos_full(H, (flow / size).astype(V.dtype), steps, full_ortho=False, out=W)
        matrix = states.T @ (V @ K.dot(W.T)) @ mates
        amplitudes = -size * np.outer(states[0], mates[0]).astype(np.float64) * matrix
        weights = states[0].astype(np.float64) ** 2
        result = lanczos.Sticks(
            energies.astype(np.float64), weights, np.zeros(steps), others.astype(np.float64), amplitudes
        )
        found[precision] = conductivity(result, H.Ns)

    buffers = {p: lanczos.Buffers.of(blocks[p][0], steps) for p in blocks}
    count = sites // 2 + 1

    def ours(precision: str, seed: int = 1) -> np.ndarray:
        weights = np.where((np.arange(count) == 0) | (2 * np.arange(count) == sites), 1.0, 2.0)
        runs = []
        for n in range(count):
            operator = blocks[precision][n]
            r = random_vector(seed, np.uint64(n), operator.dimension, operator.dtype)
            sticks = lanczos.sticks(operator, r, steps, buffers[precision])
            sums = lanczos.thermal(sticks, operator.dimension, T, FREQUENCY, np.array([BROADENING]))
            runs.append((weights[n], sticks.energies[0], sums))
        ground = min(run[1] for run in runs)
        total = sum(weight * np.exp(-(energy - ground) / T)[:, None] * sums for weight, energy, sums in runs)
        return total[:, 5:] / total[:, :1]

    with single_thread():
        times = turns(
            {
                f"{who} {p}": lambda f=f, p=p: f(p)
                for p in ("double", "single")
                for who, f in (("quspin", theirs), ("ours", ours))
            },
            rounds=3,
        )
        spread = np.std([ours("single", seed) for seed in range(8)], axis=0, ddof=1)
        mean = np.mean([ours("single", seed) for seed in range(8)], axis=0)
    row(
        f"N = {sites}: sigma, {steps} steps, {T.size} temperatures: QuSpin, one real vector, float64",
        times["quspin double"],
        "s",
    )
    row("  QuSpin, float32", times["quspin single"], "s")
    row(f"  ours, one complex vector in each of {count} momenta, complex128", times["ours double"], "s")
    row("  ours, complex64 (what ftlm does)", times["ours single"], "s")
    row(
        "  ratio, QuSpin's float64 / our complex64",
        times["quspin double"] / times["ours single"],
        "x",
        ">= 3",
    )
    for p in ("double", "single"):
        row(f"  ratio, both in {p} precision", times[f"quspin {p}"] / times[f"ours {p}"], "x")
    z = (found["double"] - mean) / spread / math.sqrt(1.0 + 1.0 / 8.0)
    row(
        "  QuSpin's sigma against the mean of 8 of ours: rms deviation in their standard deviations",
        float(np.sqrt((z**2).mean())),
        "",
        "about 1",
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "what",
        nargs="*",
        default=["matvec", "sigma", "large"],
        choices=["matvec", "sigma", "large", "quspin", "twenty"],
    )
    parser.add_argument("--rounds", type=int, default=1, help="rounds of the long recipe (about 15 s each)")
    parser.add_argument("--sites", type=int, default=14, help="sites for quspin")
    options = parser.parse_args()
    actions: dict[str, Callable[[], None]] = {
        "matvec": matvec,
        "sigma": lambda: sigma(options.rounds),
        "large": large,
        "twenty": twenty,
        "quspin": lambda: quspin(options.sites),
    }
    for name in options.what:
        actions[name]()


if __name__ == "__main__":
    main()

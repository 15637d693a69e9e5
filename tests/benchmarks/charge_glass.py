"""Ratios of the charge-glass kernels against their peers and limits, interleaved in one run: python
tests/benchmarks/charge_glass.py

Each figure is the best of several rounds; the two sides of a ratio take turns, so that a slow moment of the
machine hits both. Kernels are timed in processor time, everything with more than one process in wall time.
"""

from __future__ import annotations

import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import subprocess
import sys
import tempfile
import time
from functools import partial

import dask
import numba
import numpy as np
import xarray as xr
from timing import interleaved

import xglass as xg
from xglass.engine.charge import configurations, kubo
from xglass.engine.charge import metropolis as engine
from xglass.engine.charge.metropolis import neighbour_table
from xglass.engine.charge.one_body import hopping_matrix
from xglass.lattice.waves import wave_vectors

ROUNDS = 5


def row(what: str, value: float, unit: str, limit: str) -> None:
    print(f"{what:<66} {value:10.3g} {unit:<10} {limit}", flush=True)


def numpy_sweeps(model: object, T: float, sweeps: int, seed: int, *, ahead: bool) -> np.ndarray:
    """The classical chain with numpy, each move vectorised over sites;
    ``ahead`` draws the random numbers of a sweep at once.
    """
    V = model["interaction"].values  # type: ignore[index]
    sites = len(V)
    bonds = (model["bond_source"].values, model["bond_target"].values)  # type: ignore[index]
    table, degree = neighbour_table(*bonds, sites)
    rng = np.random.default_rng(seed)
    n = np.zeros(sites, dtype=np.int8)
    n[rng.permutation(sites)[: sites // 2]] = 1
    phi = V @ n
    for _ in range(sweeps):
        if ahead:
            first = rng.integers(sites, size=sites)
            draws = zip(first, table[first, rng.integers(6, size=sites)], rng.random(sites), strict=True)
        else:
            draws = (
                (i := rng.integers(sites), table[i, rng.integers(6)], rng.random()) for _ in range(sites)
            )
        for i, j, x in draws:
            if n[i] == n[j]:
                continue
            if n[j]:
                i, j = j, i
            change = phi[j] - phi[i] - V[i, j]
            if change <= 0 or x < np.exp(-change / T):
                n[i], n[j] = 0, 1
                phi += V[j] - V[i]
    return n


def classical() -> None:
    glass = xg.charge_glass(xg.lattice.triangular(12))

    def ours() -> None:
        xg.metropolis(
            glass, T=0.05, walker=1, sweep=20000, every=20000, weight="classical", seed=1, chunks=None
        )

    def peer(ahead: bool) -> None:
        numpy_sweeps(glass, 0.05, 40, 1, ahead=ahead)

    kernel, per_move, ahead = interleaved(ours, lambda: peer(False), lambda: peer(True))
    row("classical sweep, L = 12, T = 0.05, one thread", kernel / 20000 * 1e6, "us", "about 25")
    row("  numpy, every move on its own / xglass", (per_move / 40) / (kernel / 20000), "x", ">= 100")
    row("  numpy, random numbers of a sweep drawn at once / xglass", (ahead / 40) / (kernel / 20000), "x", "")


@numba.njit(nogil=True)
def bare_eigh(matrices: np.ndarray) -> float:
    total = 0.0
    for k in range(len(matrices)):
        levels, vectors = np.linalg.eigh(matrices[k])
        total += levels[0] + vectors[0, 0]
    return total


@numba.njit(nogil=True)
def bare_eigvalsh(matrices: np.ndarray) -> float:
    total = 0.0
    for k in range(len(matrices)):
        total += np.linalg.eigvalsh(matrices[k])[0]
    return total


def plainly(model: xr.Dataset, **arguments: object) -> xr.Dataset:
    """The run that solves the eigenproblem of every active attempt."""
    simulate = engine.simulate
    engine.simulate = partial(simulate, plain=True)  # type: ignore[assignment]
    try:
        return xg.metropolis(model, **arguments)  # type: ignore[arg-type]
    finally:
        engine.simulate = simulate


def quantum() -> None:
    for side, sweeps in ((6, 200), (12, 4)):
        glass = xg.charge_glass(xg.lattice.triangular(side), t_p=0.12, eta=-1.0, self_image="include")
        K = hopping_matrix(
            glass["hopping"].values, glass["bond_source"].values, glass["bond_target"].values, side**2
        )
        for weight, bare in (("kinetic", bare_eigh), ("free_energy", bare_eigvalsh)):
            arguments = {
                "T": 0.05,
                "walker": 1,
                "sweep": sweeps,
                "weight": weight,
                "seed": 1,
                "chunks": None,
                "every": sweeps,
            }
            active = int(xg.metropolis_counters(glass, **arguments)["active_attempts"].sum())
            solves = active + (1 if weight == "kinetic" else 3)
            run = xg.metropolis(glass, **(arguments | {"every": 1}))
            matrices = K + np.stack([np.diag(phi) for phi in xg.electrostatic_potential(run).values[0]])
            matrices = matrices[
                np.arange(solves) % len(matrices)
            ]  # as many, and of the chain's own potentials
            chain, limit = interleaved(
                lambda g=glass, a=arguments: plainly(g, **a), lambda b=bare, m=matrices: b(m), rounds=6
            )
            row(f"plain {weight} chain, L = {side}: time per eigenproblem", chain / solves * 1e3, "ms", "")
            row(
                "  chain / bare eigen-decompositions",
                chain / limit,
                "x",
                "<= 1.15" if weight == "kinetic" else "",
            )


def relaxed(side: int, eta: float, T: float) -> tuple[xr.Dataset, xr.DataArray]:
    """The model, and a state after 20 classical and 30 quantum sweeps."""
    glass = xg.charge_glass(xg.lattice.triangular(side), t_p=0.12, eta=eta)
    start: str | xr.DataArray = "random"
    for weight, sweeps in (("classical", 20), ("kinetic", 30)):
        arguments = {"T": T, "walker": 1, "sweep": sweeps, "every": sweeps, "seed": sweeps, "chunks": None}
        run = xg.metropolis(glass, weight=weight, start=start, **arguments)
        start = run["occupation"].isel(sweep=-1, drop=True)
    return glass, start  # type: ignore[return-value]


POINTS_OF_CHAIN = [(eta, T) for eta in (-1.0, -0.1) for T in (0.03, 0.05, 0.1)]


def proofs() -> None:
    """The plain chain over that with proofs and memory, from relaxed states."""
    cases = [(12, *point, weight) for weight in ("kinetic", "free_energy") for point in POINTS_OF_CHAIN]
    cases += [(20, -1.0, 0.03, "kinetic"), (20, -1.0, 0.05, "kinetic"), (6, -1.0, 0.05, "kinetic")]
    limits = {0.03: ">= 1.6", 0.05: ">= 1.45", 0.1: ">= 1.25"}
    for side, eta, T, weight in cases:
        glass, start = relaxed(side, eta, T)
        sweeps = {6: 100, 12: 10, 20: 2}[side]
        arguments = {"T": T, "walker": 1, "sweep": sweeps, "every": sweeps, "seed": 9, "chunks": None}
        arguments |= {"start": start, "weight": weight}
        times = interleaved(
            partial(xg.metropolis, glass, **arguments), partial(plainly, glass, **arguments), rounds=3
        )
        limit = limits[T] if weight == "kinetic" and side > 6 else ""
        row(f"plain / proved, L = {side}, eta = {eta}, T = {T}, {weight}", times[1] / times[0], "x", limit)
    glass = xg.charge_glass(xg.lattice.triangular(12), t_p=0.12, eta=-0.1)
    arguments = {
        "T": 0.03,
        "walker": 1,
        "sweep": 30,
        "every": 30,
        "start": "ordered",
        "seed": 9,
        "chunks": None,
    }
    times = interleaved(
        partial(xg.metropolis, glass, **arguments), partial(plainly, glass, **arguments), rounds=2
    )
    row("plain / proved, L = 12, ordered, eta = -0.1, T = 0.03", times[1] / times[0], "x", ">= 10")


def estimates() -> None:
    """The plain chain over that with a shortcut, from relaxed states, and audits of all that it rejects."""
    shortcut = {"window": 0.1, "audit": 0.05}
    limits = {-1.0: (">= 3.2", ">= 2.3", ">= 1.8"), -0.1: (">= 5", ">= 2.9", ">= 1.9")}
    for eta, T in POINTS_OF_CHAIN:
        glass, start = relaxed(12, eta, T)
        arguments = {"T": T, "walker": 1, "sweep": 10, "every": 10, "seed": 9, "chunks": None, "start": start}
        short, plain = interleaved(
            partial(xg.metropolis, glass, shortcut=shortcut, **arguments),
            partial(plainly, glass, **arguments),
            rounds=2,
        )
        limit = limits[eta][(0.03, 0.05, 0.1).index(T)]
        row(f"plain / estimated, L = 12, eta = {eta}, T = {T}", plain / short, "x", limit)
        audits, wrong = 0, 0
        arguments |= {"sweep": 20, "every": 20, "shortcut": shortcut | {"audit": 1.0}}
        while audits < 10_000:
            work = xg.metropolis_counters(glass, **arguments).sum()
            run = xg.metropolis(glass, **arguments)
            audits, wrong = audits + int(work["audits"]), wrong + int(work["audit_disagreements"])
            # in order all is known soon: begin anew
            last = run["occupation"].isel(sweep=-1, drop=True)
            start = last if work["solves"] > 40 else "random"
            arguments |= {"start": start, "seed": arguments["seed"] + 1}  # type: ignore[operator]
        row(f"  wrong of {audits} audited rejections", wrong, "", "0")


def audit() -> None:
    """Every decision of 10^4 proved rejections for each point against the plain chain: some minutes."""
    for eta, T in POINTS_OF_CHAIN:
        glass, start = relaxed(12, eta, T)
        arguments = {"T": T, "walker": 1, "sweep": 30, "seed": 9, "chunks": None}
        proved, sweeps, same = 0, 0, True
        while proved < 10_000:
            work = xg.metropolis_counters(glass, start=start, **arguments)
            run, twin = (chain(glass, start=start, **arguments) for chain in (xg.metropolis, plainly))
            for name in ("occupation", "electrostatic_energy", "kinetic_energy"):
                same &= run[name].values.tobytes() == twin[name].values.tobytes()
            before, proved = proved, proved + int(work["proved_rejections"].sum())
            if proved < before + 300:  # order: what is to be decided is known, begin anew
                start = "random"
            else:
                start = run["occupation"].isel(sweep=-1, drop=True)
            arguments["seed"], sweeps = arguments["seed"] + 1, sweeps + 30  # type: ignore[operator]
        row(f"audit, eta = {eta}, T = {T}: proved in {sweeps} sweeps, same bits {same}", proved, "", "True")


def growth() -> None:
    """Processor time of a sweep against the size, and its local exponent in L, eta = -1, T = 0.05."""
    before: dict[str, tuple[int, float]] = {}
    for side, sweeps in ((6, 100), (12, 8), (20, 1)):
        glass, start = relaxed(side, -1.0, 0.05)
        arguments = {"T": 0.05, "walker": 1, "sweep": sweeps, "every": sweeps, "seed": 9, "chunks": None}
        arguments |= {"start": start}
        chains = {"proved": xg.metropolis, "plain": plainly}
        times = interleaved(*(partial(chain, glass, **arguments) for chain in chains.values()), rounds=2)
        for name, seconds in zip(chains, times, strict=True):
            row(f"{name}, L = {side}: a sweep", 1e3 * seconds / sweeps, "ms", "")
            if name in before:
                smaller, time = before[name]
                exponent = np.log(seconds / sweeps / time) / np.log(side / smaller)
                row(f"  exponent in L from {smaller} to {side}", exponent, "", "")
            before[name] = side, seconds / sweeps


def states() -> None:
    """Densities, density of states and participation from one diagonalize, against its decompositions."""
    glass = xg.charge_glass(xg.lattice.triangular(12), t_p=0.12, eta=-1.0, self_image="include")
    run = xg.metropolis(glass, T=0.05, walker=20, sweep=49, weight="classical", seed=1, chunks=None)
    K = hopping_matrix(glass["hopping"].values, glass["bond_source"].values, glass["bond_target"].values, 144)
    matrices = K + xg.electrostatic_potential(run).values[..., None] * np.eye(144)
    matrices = matrices.reshape(-1, 144, 144)
    run["occupation"] = run["occupation"].chunk(walker=2)
    lines = {"energy": np.linspace(-2.0, 2.0, 401), "broadening": 0.02}

    def ours() -> None:
        solved = xg.diagonalize(run)
        spectrum = xg.density_of_states(solved, **lines)
        parts = (xg.local_density(solved), spectrum, xg.inverse_participation_ratio(solved))
        dask.compute(*parts, scheduler="sync")

    def levels() -> None:
        xg.density_of_states(run, **lines).compute(scheduler="sync")

    observed, vectors, spectrum, values = interleaved(
        ours, lambda: bare_eigh(matrices), levels, lambda: bare_eigvalsh(matrices)
    )
    row("1000 eigen-decompositions, L = 12", vectors, "s", "")
    row("  densities, density of states and participation / them", observed / vectors, "x", "<= 1.15")
    row("  density of states alone / eigenvalues alone", spectrum / values, "x", "")


def structure() -> None:
    """Fourier transforms against the sum over sites, at the waves of the torus."""
    for side, walkers in ((12, 4000), (24, 800), (48, 200)):
        lattice = xg.lattice.triangular(side)
        n = np.random.default_rng(1).integers(0, 2, (walkers, side**2)).astype(np.int8)
        filling, weights = np.float64(0.5), np.ones((side**2, 1), dtype=complex)
        phase = lattice["position"].values @ wave_vectors(lattice).T
        fast, direct = interleaved(
            partial(configurations.torus_structure_factor, n, filling, weights, cells=(side, side)),
            partial(configurations.structure_factor, n, filling, phase),
            rounds=2,
        )
        row(f"structure factor, L = {side}: time per configuration", fast / walkers * 1e6, "us", "")
        row("  sum over sites / Fourier transforms", direct / fast, "x", ">= 100" if side == 48 else "")


def conductivity() -> None:
    """Two directions of sigma at 600 frequencies beside the eigenproblem, and numpy's loop over pairs."""
    print("\noptical conductivity, triangular 12 x 12, x and y at 600 frequencies, width 0.2 t_p")
    model = xg.charge_glass(xg.lattice.triangular(12), t_p=0.12, eta=-1.0)
    run = xg.metropolis(model, T=0.05, walker=1, sweep=20, weight="classical", seed=3, chunks=None)
    states = xg.diagonalize(run.isel(walker=0, sweep=-1))
    levels, vectors, mu = (
        states[name].values for name in ("eigenvalue", "eigenvector", "chemical_potential")
    )
    bonds = [model[name].values for name in ("hopping", "bond_source", "bond_target", "bond_vector")]
    volume = np.abs(np.linalg.det(model["torus"].values))
    matrix = (vectors * levels) @ vectors.T
    frequency = np.linspace(0.0, 1.5, 600)

    def sigma(grid: np.ndarray = frequency) -> np.ndarray:
        given = (levels, vectors, mu, 0.05, *bonds, volume, grid, np.array([0.024]))
        return kubo.conductivity(*given, directions=("x", "y"), filter="lorentzian")[0]

    def looped() -> np.ndarray:
        f = 1.0 / (np.exp((levels - mu) / 0.05) + 1.0)
        hopping, source, target, vector = bonds
        out = np.zeros((2, frequency.size))
        for axis in range(2):
            current = np.zeros_like(matrix)
            np.add.at(current, (source, target), hopping * vector[:, axis])
            np.add.at(current, (target, source), -hopping * vector[:, axis])
            element = vectors.T @ current @ vectors
            for n in range(levels.size):
                for m in range(n + 1, levels.size):
                    gap = levels[m] - levels[n]
                    weight = np.pi / volume * (f[n] - f[m]) / gap * element[n, m] ** 2
                    out[axis] += weight * 0.024 / np.pi / ((frequency - gap) ** 2 + 0.024**2)
                    out[axis] += weight * 0.024 / np.pi / ((frequency + gap) ** 2 + 0.024**2)
        return out

    solve, ours, plain = interleaved(lambda: np.linalg.eigh(matrix), sigma, looped, rounds=3)
    row("eigen-decomposition", 1e3 * solve, "ms", "")
    row("sigma over the eigen-decomposition it needs", ours / solve, "", "<= 3")
    row("both together over the eigen-decomposition", 1.0 + ours / solve, "", "<= 3")
    row("numpy's loop over pairs, over sigma", plain / ours, "", ">= 10")
    row(
        "largest error against that loop, of the largest value",
        np.abs(sigma() - looped()).max() / sigma().max(),
        "",
        "<= 1e-10",
    )


def graph() -> None:
    glass = xg.charge_glass(
        xg.lattice.triangular(6), t_p=0.12, eta=np.linspace(-1, 1, 40), self_image="include"
    )
    arguments = {"T": np.linspace(0.02, 0.1, 25), "walker": 100, "sweep": 450, "seed": 1}
    (seconds,) = interleaved(lambda: xg.metropolis(glass, **arguments), clock=time.perf_counter)
    run = xg.metropolis(glass, **arguments)
    row("graph of 1000 parameter points", seconds, "s", "< 1")
    row("  tasks", len(dict(run["occupation"].__dask_graph__())), "", "")


POINTS = {"T": [0.05, 0.06, 0.07, 0.08, 0.09, 0.10], "walker": 2, "sweep": 250, "seed": 1}
GLASS = "xg.charge_glass(xg.lattice.triangular(6), t_p=0.12, eta=-1.0, self_image='include')"


def dask_overhead() -> None:
    glass = xg.charge_glass(xg.lattice.triangular(6), t_p=0.12, eta=-1.0, self_image="include")
    lazy = xg.metropolis(glass, **POINTS, chunks={"T": 1, "walker": 1})

    def bare() -> None:
        for T in POINTS["T"]:
            for walker in range(POINTS["walker"]):
                xg.metropolis(glass, **(POINTS | {"T": T, "walker": [walker]}), chunks=None)

    def scheduled() -> None:
        dask.compute(lazy, scheduler="sync")

    loop, ours = interleaved(bare, scheduled, rounds=3)
    row("bare loop over the kernels: time per task", loop / 12, "s", "")
    row("  dask / bare loop", ours / loop, "x", "<= 1.1")


# Walkers at one temperature are equal work: what is compared is the speed, not how well six of one kind fill
# two workers.
EQUAL = {"T": 0.05, "sweep": 250, "seed": 1}
WORKER = f"""
import sys, time
import xglass as xg
glass = {GLASS}
walkers = range(int(sys.argv[1]), 12, 2)
xg.metropolis(glass, **({EQUAL!r} | {{"sweep": 1}}), walker=walkers, chunks=None)
print("ready", flush=True)
sys.stdin.readline()
for walker in walkers:
    xg.metropolis(glass, **{EQUAL!r}, walker=[walker], chunks=None)
print("done", flush=True)
"""


def two_workers() -> None:
    glass = xg.charge_glass(xg.lattice.triangular(6), t_p=0.12, eta=-1.0, self_image="include")
    lazy = xg.metropolis(glass, **EQUAL, walker=12, chunks={"walker": 1})

    def threads() -> float:
        begin = time.perf_counter()
        dask.compute(lazy, scheduler="threads", num_workers=2)
        return time.perf_counter() - begin

    def processes() -> float:
        both = [
            subprocess.Popen(
                [sys.executable, "-c", WORKER, str(k)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for k in (0, 1)
        ]
        for process in both:
            process.stdout.readline()  # type: ignore[union-attr]
        begin = time.perf_counter()
        for process in both:
            process.stdin.write("go\n")  # type: ignore[union-attr]
            process.stdin.flush()  # type: ignore[union-attr]
        for process in both:
            process.stdout.readline()  # type: ignore[union-attr]
        seconds = time.perf_counter() - begin
        for process in both:
            process.wait()
        return seconds

    threads()
    times = [(threads(), processes()) for _ in range(ROUNDS)]
    row("two bare processes", min(b for _, b in times), "s", "")
    row(
        "  speed of two dask threads / two bare processes",
        min(b for _, b in times) / min(a for a, _ in times),
        "x",
        ">= 0.95",
    )


def child(code: str, **environment: str) -> float:
    """Seconds that a fresh interpreter reports."""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ | environment
    )
    return float(done.stdout)


def start_up() -> None:
    imports = "import time; begin = time.perf_counter(); import {}; print(time.perf_counter() - begin)"
    pairs = [
        (child(imports.format("xarray")), child(imports.format("xarray, xglass"))) for _ in range(ROUNDS)
    ]
    row(
        "import xglass beyond import xarray",
        min(b for _, b in pairs) - min(a for a, _ in pairs),
        "s",
        "<= 0.3",
    )
    first = (
        "import time; import xglass as xg\n"
        f"glass = {GLASS}\n"
        "begin = time.perf_counter()\n"
        "for weight in ('classical', 'kinetic'):\n"
        "    C = xg.autocorrelation(xg.metropolis(glass, T=0.1, walker=2, sweep=3, weight=weight, "
        "seed=1), waiting_time=1).compute()\n"
        "print(time.perf_counter() - begin)"
    )
    row("first call from a warm cache", min(child(first) for _ in range(ROUNDS)), "s", "<= 1.5")
    with tempfile.TemporaryDirectory() as folder:
        row("cold compile of what the main recipe needs", child(first, XGLASS_CACHE=folder), "s", "<= 20")


if __name__ == "__main__":
    chosen = sys.argv[1:]
    for part in (
        classical,
        quantum,
        proofs,
        audit,
        growth,
        estimates,
        states,
        structure,
        conductivity,
        graph,
        dask_overhead,
        two_workers,
        start_up,
    ):
        if not chosen or part.__name__ in chosen:
            part()

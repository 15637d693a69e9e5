"""Compile every kernel once, before anything runs in parallel: ``python -m xglass.compile``.

Kernels are compiled when they are first called and kept on disk after that. Processes that start together on
an empty cache would each compile all that they use; run this once before them, on the machine where they run.

The jobs are the smallest that reach every kernel with every type of its arguments. They go through the public
functions, so that what is compiled is what users call.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import xarray as xr

import xglass as xg


def charges() -> Iterator[Any]:
    """Every weight and every set of moves; densities, energies and spectra of what they visit."""
    glass = xg.testing.tiny_glass(eta=-1.0)
    for weight, moves in itertools.product(
        ["classical", "kinetic", "free_energy"], ["neighbour", "exchange"]
    ):
        arguments: dict[str, Any] = {"T": 0.1, "walker": 1, "sweep": 2, "seed": 1, "weight": weight}
        yield xg.metropolis(glass, moves=moves, **arguments)
        yield xg.metropolis_counters(glass, moves=moves, **arguments)
    shortcut = {"window": 0.1, "audit": 0.5}
    yield xg.metropolis(glass, T=0.1, walker=1, sweep=2, seed=1, shortcut=shortcut)
    ladder: dict[str, Any] = {"T": [0.08, 0.1], "walker": 1, "sweep": 1, "seed": 1}
    yield xg.replica_exchange(glass, weight="kinetic", **ladder)
    yield xg.greedy(glass, walker=1, seed=1)
    yield xg.testing.tiny_run(glass, start="ordered")  # which of the stripes has the lowest kinetic energy
    run = xg.testing.tiny_run(glass).compute()
    yield from (xg.kinetic_energy(run), xg.local_density(run), xg.electrostatic_potential(run))
    yield from (xg.electrostatic_energy(run), xg.structure_factor(run), xg.stripe_order(run))
    yield from (xg.defect_density(run), xg.stripe_crossings(run))
    momentum = xr.DataArray([[0.0, 1.0]], dims=("momentum", "axis"))
    for form in ("gaussian", "lorentzian"):
        lines: dict[str, Any] = {"energy": [-1.0, 0.0], "broadening": 0.1, "filter": form}
        yield xg.density_of_states(run, **lines)
        yield xg.spectral_function(run, momentum=momentum, **lines)
    yield from (xg.inverse_participation_ratio(run), xg.gap_ratio(run))
    # few frequencies stick by stick, many by a comb
    for frequency in ([0.0, 0.5], np.linspace(0.0, 2.0, 2001)):
        for form in ("gaussian", "lorentzian"):
            yield xg.optical_conductivity(run, frequency=frequency, broadening=0.5, filter=form)
        yield xg.optical_conductivity(run, frequency=frequency, broadening=None)


def models() -> Iterator[Any]:
    """One electron on a ring: in blocks of momentum, short and long, truncated, and without translations."""
    for sites in (4, 6):
        ring = xg.lattice.chain(sites)
        energies = xg.random_site_energy(ring, strength=0.5, convention="width", realization=1, seed=1)
        yield xg.electron_tls(ring, g=1.0, omega0=0.5), {}
        yield xg.electron_tls(ring, g=1.0, omega0=0.5, g_z=0.3), {"momentum": [0.3]}
        yield xg.electron_tls(ring, g=1.0, omega0=5.0), {"max_excitations": 2}
        yield xg.electron_tls(ring, g=1.0, omega0=0.5, site_energy=energies), {"average": "annealed"}


def electrons() -> Iterator[Any]:
    """Every solver of the electron, in both precisions."""
    grid: dict[str, Any] = {"T": 1.0, "frequency": [0.0, 0.5], "broadening": 0.3}
    for model, arguments in models():
        yield xg.exact(model, **grid, **arguments)
        for precision in ("single", "double"):
            vectors: dict[str, Any] = {"random_vectors": 2, "seed": 1, "precision": precision}
            yield xg.ftlm(model, **grid, **vectors, **arguments)
            yield xg.typicality(model, **grid, **vectors, **arguments)


def fields() -> Iterator[Any]:
    """Mean field theory, at zero temperature too, and frozen two-level systems."""
    model = xg.electron_tls(xg.lattice.chain(6), g=1.0, omega0=0.5)
    energy = np.linspace(-4.0, 4.0, 9)
    yield xg.dmft(model, T=[0.0, 1.0], frequency=[0.0, 0.5], energy=energy)
    static: dict[str, Any] = {"sites": 8, "realization": 2, "seed": 1}
    yield xg.static_disorder(model, T=1.0, frequency=np.linspace(0.0, 4.0, 9), broadening=None, **static)
    yield xg.static_disorder(model, T=1.0, frequency=[0.0, 0.5], broadening=0.3, **static)


def cavities() -> Iterator[Any]:
    """The saddle point in weak and in strong coupling: with Gauss nodes and with all wave vectors."""
    model = xg.cavity_glass(xg.lattice.cubic(4), filling=0.4)
    yield xg.saddle_point(model, T=0.5, J=[1.0, 100.0])
    yield xg.saddle_point(model, T=0.5, J=[1.0, 100.0], approximation="local")
    yield xg.critical_coupling(model, T=0.5)


#: What is compiled -> results that need it, each of them lazy.
JOBS: dict[str, Callable[[], Iterator[Any]]] = {
    "charge glass": charges,
    "electron and two-level systems": electrons,
    "mean field and frozen disorder": fields,
    "fermions in a cavity": cavities,
}


def warm() -> None:
    """Run all jobs, and say how long each took."""
    for name, job in JOBS.items():
        begun = time.perf_counter()
        for result in job():
            result.compute(scheduler="synchronous")
        print(f"{name}: {time.perf_counter() - begun:.1f} s", flush=True)


if __name__ == "__main__":
    warm()

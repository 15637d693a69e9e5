"""Cost of dynamical mean field theory, and the static alloy beside gftool, interleaved in one run: python
tests/benchmarks/mean_field.py

Processor time, the best of several rounds in which the two sides of a ratio take turns.
"""

from __future__ import annotations

import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import functools

import gftool
import numpy as np
from timing import interleaved

import xglass as xg
from xglass.engine.tls.dmft_lattices import Chain, extent, static_self_energy


def points() -> None:
    """One parameter point: 301 frequencies, 2001 energies, total weight."""
    print("omega0   T      seconds   mobility         sum rule   residual")
    w = np.linspace(0.0, 6.0, 301)
    for omega0, T in [
        (0.0, 1.0),
        (1e-8, 1.0),
        (1e-6, 0.05),
        (1e-4, 1.0),
        (1e-4, 0.05),
        (1e-3, 1.0),
        (3e-3, 0.05),
        (0.01, 0.2),
        (0.02, 0.2),
        (0.05, 1.0),
        (0.2, 0.2),
        (0.5, 0.2),
        (0.5, 1.0),
        (1.0, 0.5),
        (2.0, 1.0),
        (2.0, 0.5),
        (2.0, 0.2),
    ]:
        model = xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=omega0)
        run = functools.partial(xg.dmft, model, T=T, frequency=w, chunks=None)
        (seconds,) = interleaved(run, rounds=2)
        result = run()
        rule = float(result["total_weight"] / (-0.5 * np.pi * result["kinetic_energy"])) - 1.0
        print(
            f"{omega0:<8g} {T:<6g} {seconds:7.3f}   {float(result['mobility']):<15.8g}  {rule:8.1e}   "
            f"{float(result['residual']):8.1e}",
            flush=True,
        )


def alloy() -> None:
    """401 energies of the static alloy; gftool at 0.01 above the real axis, ours on it."""
    energy = np.linspace(-3.5, 3.5, 401)
    hilbert = functools.partial(gftool.onedim_gf_z, half_bandwidth=2.0)
    sites, half = np.array([-1.0, 1.0]), np.array([0.5, 0.5])
    lattice = Chain(1.0)
    ladder = extent(1.0, 1.0, 0.0, 0.0, 1.0, -3.5, 3.5, 2.0)
    peer, ours = interleaved(
        lambda: gftool.cpa.solve_root(
            energy + 0.01j, e_onsite=sites, concentration=half, hilbert_trafo=hilbert
        ),
        lambda: static_self_energy(lattice, ladder, energy),
        rounds=7,
    )
    print(
        f"static alloy, 401 energies: gftool.cpa.solve_root {peer:.4f} s, here {ours:.4f} s, ratio "
        f"{peer / ours:.1f}"
    )


if __name__ == "__main__":
    points()
    alloy()

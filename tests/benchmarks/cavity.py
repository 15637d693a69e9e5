"""Cost of the particle-hole bubble, beside that by fast cosine transforms, interleaved in one run: python
tests/benchmarks/cavity.py

Processor time, the best of several rounds in which the two sides of a ratio take turns. All of one point is
timed: chemical potential, Fermi functions and transforms to some twenty frequencies, which give J_c to 1e-8
of its grid; the basis and the tables of a grid, which all points share, are made before.
"""

from __future__ import annotations

import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import sys
from unittest.mock import patch

import numpy as np
from timing import interleaved

from xglass.engine.cavity import saddle_point
from xglass.engine.cavity.bubble import Band, band, basis_for, chi0_of
from xglass.engine.cavity.grids import CubicGrid
from xglass.engine.cavity.real_frequency import local_response, retarded_bubble

ROUNDS = 5


def fast_transforms(side: int) -> Band:
    """The band of the cube whose transforms are scipy's dctn."""
    grid = CubicGrid(3, side)
    grid._products = None
    return Band(grid, -2.0 * np.cos(2.0 * np.pi * grid.numbers / side).sum(axis=1))


def cube() -> None:
    """One point of the cube, and cost against L^d log L for every imaginary time."""
    print("  L     T  times  seconds  dctn: seconds  ratio   ns / (N log2 N) and time: products   dctn")
    for side, T in [(16, 0.4), (32, 0.2), (64, 0.1), (96, 0.07), (128, 0.05)]:
        one, other = band(-np.ones(3), np.eye(3, dtype=int), (side,) * 3), fast_transforms(side)
        basis = basis_for(one, T, 1e-9)

        def solved(of: Band, T: float = T) -> np.ndarray:
            basis = basis_for(of, T, 1e-9)
            return chi0_of(of, 0.3, T, basis.frequencies, basis)

        rounds = ROUNDS if side < 100 else 2
        fast, slow = interleaved(
            lambda one=one: solved(one), lambda other=other: solved(other), rounds=rounds
        )
        unit = 1e9 / (side**3 * np.log2(side**3) * basis.rank)
        print(
            f"{side:3d} {T:5.2f} {basis.rank:6d} {fast:8.4f} {slow:14.4f} {slow / fast:6.2f}"
            f"{fast * unit:45.3f} {slow * unit:6.3f}"
        )


def transitions() -> None:
    """A whole J_c point, beside that with scipy's dctn in its bubble."""
    print("  L     T      J_c  seconds  dctn: seconds  ratio")
    for side, T in [(32, 0.2), (64, 0.1), (96, 0.07), (128, 0.05)]:
        cells = (side,) * 3
        ours, other = band(-np.ones(3), np.eye(3, dtype=int), cells), fast_transforms(side)

        def point(of: Band, T: float = T, cells: tuple[int, ...] = cells) -> float:
            with patch.object(saddle_point, "band", lambda *_: of):
                one = saddle_point.Fermions(-np.ones(3), 0.3, T, offsets=np.eye(3, dtype=int), cells=cells)
            return one.transition(np.inf, None, "lambda")[1]

        J = point(ours)
        assert abs(point(other) / J - 1.0) < 1e-9
        rounds = ROUNDS if side < 100 else 2
        fast, slow = interleaved(
            lambda ours=ours: point(ours), lambda other=other: point(other), rounds=rounds
        )
        print(f"{side:3d} {T:5.2f} {J:8.5f} {fast:8.4f} {slow:14.4f} {slow / fast:6.2f}")


def real_frequencies() -> None:
    """Sixty frequencies, at the broadening that the echo leaves, and D of three couplings."""
    print("  L  broadening  seconds of the bubble  D of three couplings")
    for side, eta in [(32, 0.6), (64, 0.3)]:
        one = saddle_point.Fermions(-np.ones(3), 0.3, 0.1, offsets=np.eye(3, dtype=int), cells=(side,) * 3)
        z = np.linspace(0.05, 12.0, 60) + 1j * eta
        levels = [(J, one.saddle(J, np.inf, None, "lambda")[3].level) for J in (2.0, 4.0, 6.0)]
        chi, weight = retarded_bubble(one.bubble, z), one.bubble.band.grid.weight

        def local(chi: np.ndarray = chi, weight: np.ndarray = weight, levels: list = levels) -> None:
            for J, level in levels:
                for row in chi:
                    local_response(row, weight, level, complex(J * J), 0j, half_plane=True)

        bubble, rest = interleaved(lambda one=one, z=z: retarded_bubble(one.bubble, z), local, rounds=2)
        print(f"{side:3d} {eta:11.2f} {bubble:22.2f} {rest:21.3f}")


def lattices() -> None:
    """The same point where symmetry is not used: anisotropic, triangular, and in one and two dimensions."""
    print("lattice                 sites   seconds   ns / (N log2 N) and time")
    unit3, unit2 = np.eye(3, dtype=int), np.eye(2, dtype=int)
    diagonals = np.array([[1, 0], [0, 1], [-1, 1]])
    cases = {
        "cubic, anisotropic": (np.array([-1.0, -1.0, -0.5]), unit3, (64,) * 3),
        "triangular": (np.array([0.3, -1.0, -1.0]), diagonals, (256, 256)),
        "square": (-np.ones(2), unit2, (256, 256)),
        "chain": (-np.ones(1), np.eye(1, dtype=int), (4096,)),
    }
    for name, (hopping, offsets, cells) in cases.items():
        one = band(hopping, offsets, cells)
        basis = basis_for(one, 0.1, 1e-9)
        (seconds,) = interleaved(
            lambda one=one, basis=basis: chi0_of(one, 0.3, 0.1, basis.frequencies, basis), rounds=2
        )
        sites = one.grid.size
        cost = 1e9 * seconds / (sites * np.log2(sites) * basis.rank)
        print(f"{name:20s} {sites:8d} {seconds:9.4f} {cost:10.3f}")


PARTS = {"cube": cube, "transitions": transitions, "real": real_frequencies, "lattices": lattices}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()

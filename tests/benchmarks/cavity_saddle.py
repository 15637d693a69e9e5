"""Cost of the cavity glass beside its bubble, and of a general solver of the same equations: python
tests/benchmarks/cavity_saddle.py

Processor time, the best of several rounds in which the sides of a ratio take turns; the basis and the tables
of a grid, which all points share, are made before.
"""

from __future__ import annotations

import os

for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

import math
import sys
import time

import numpy as np
from scipy.optimize import root
from timing import interleaved

from xglass.engine.cavity.saddle_point import Equations, Fermions

ROUNDS = 5
HOPPING, OFFSETS = -np.ones(3), np.eye(3, dtype=int)


def fermions(side: int, T: float, filling: float = 0.3, matsubara: range = range(0)) -> Fermions:
    return Fermions(HOPPING, filling, T, offsets=OFFSETS, cells=(side,) * 3, matsubara=matsubara)


def transitions() -> None:
    """A transition with everything it needs, and what of it is not the bubble."""
    print("  L     T      J_c  seconds  bubble's share  J_c alone (ms)")
    for side, T in [(32, 0.2), (64, 0.1), (96, 0.07), (128, 0.05)]:
        rounds = ROUNDS if side < 100 else 2
        J = fermions(side, T).transition(math.inf, None, "lambda")[1]

        def point(side: int = side, T: float = T) -> object:
            return fermions(side, T).transition(math.inf, None, "lambda")

        def bubble(side: int = side, T: float = T) -> object:
            return fermions(side, T)

        equations = Equations.of(fermions(side, T).measure(0), math.inf, "lambda")
        whole, part, alone = interleaved(point, bubble, equations.critical, rounds=rounds)
        print(f"{side:3d} {T:5.2f} {J:8.5f} {whole:8.4f} {part / whole:15.2f} {1e3 * alone:15.2f}")


def couplings() -> None:
    """Fifty couplings at one point: what they cost beyond its bubble."""
    print("  L     T  J up to  seconds beyond the bubble")
    for side, T in [(64, 0.1), (128, 0.05)]:
        for last in (8.0, 20.0):

            def all_(side: int = side, T: float = T, last: float = last) -> None:
                one = fermions(side, T, matsubara=range(21))
                for J in np.linspace(last / 50, last, 50):
                    one.saddle(J, math.inf, None, "lambda")

            rounds = ROUNDS if side < 100 else 2
            whole, bubble = interleaved(all_, lambda side=side, T=T: fermions(side, T), rounds=rounds)
            print(f"{side:3d} {T:5.2f} {last:8.0f} {whole - bubble:12.4f}")


def general() -> None:
    """Powell's hybrid method for all D, lambda and J at once on the same bubble, from random starts."""
    one = fermions(24, 0.2)
    measure = one.measure(0)
    rank = measure.total.size
    chi, weight = one.bubble.at(measure.matsubara), measure.weight_static
    right = one.transition(math.inf, None, "lambda")[1]

    def equations(unknown: np.ndarray) -> np.ndarray:
        D, multiplier, J = unknown[:rank], unknown[rank], unknown[rank + 1]
        term = chi / (1.0 + (2.0 * multiplier - J**2 * D)[:, None] * chi)
        return np.array(
            [*(term @ weight - D), measure.total @ (D - measure.bare), 1.0 - J**2 * (term[0] ** 2 @ weight)]
        )

    random, found, wrong, failed, begin = np.random.default_rng(1), 0, 0, 0, time.process_time()
    with np.errstate(all="ignore"):
        for _ in range(20):
            start = [*(measure.bare * random.uniform(0.5, 1.5)), *random.uniform([0.0, 1.0], [4.0, 8.0])]
            solution = root(equations, start, method="hybr")
            good = abs(solution.x[-1] / right - 1.0) < 1e-6
            found += solution.success and good
            wrong += solution.success and not good
            failed += not solution.success
    seconds = (time.process_time() - begin) / 20
    (alone,) = interleaved(Equations.of(measure, math.inf, "lambda").critical)
    print("Powell's hybrid method from 20 starts: right, wrong but said to be right, failed; ms each, ours")
    print(f"{found} {wrong} {failed}; {1e3 * seconds:.1f} {1e3 * alone:.2f}")


PARTS = {"transitions": transitions, "couplings": couplings, "general": general}

if __name__ == "__main__":
    for part in sys.argv[1:] or PARTS:
        PARTS[part]()

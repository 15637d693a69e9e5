"""Density response of the cavity glass at real frequencies, by real time and without a continuation.

Above the real axis the bubble is the transform of a commutator,

    chi0(q, z) = int_0^inf dt e^(izt) c(q, t),   c(q, t) = 2 Im 1/N sum_k f_k e^(-i xi_k t) e^(i xi_(k+q) t)

(Mueller, Strack and Sachdev, Phys. Rev. A 86, 023604 (2012), Eq. 36, at z = i Omega_m that of imaginary
time), and c is a product in real space: five cosine transforms for every time. The saddle point gives lambda,
and D(z) solves Eq. 38,

    D(z) = int_q 1 / (1/chi0(q, z) + 2 lambda - J(z)^2 D(z)),   J(z) = J omega0^2 / (omega0^2 - z^2).

For Re z > 0 the imaginary parts of chi0 and D are positive. With a static J the right side maps the upper
half plane of D into itself, so that its fixed point there is unique, whatever finds it. With a J that
depends on frequency it is followed from high above the real axis. Random couplings have eigenvalues m of both
signs, and photons of the wrong sign may grow, z^2 = omega0^2 - J omega0^2 m chi(z) with m < 0: D then has a
cut above the real axis, below which there is no response. Of two roots of Eq. 38 at most one has |J(z)|^2
int_q |chi(q, z)|^2 < 1, by their difference and Schwarz's inequality: one followed through the cut has not.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from xglass.engine.cavity.bubble import Bubble, fermi_function
from xglass.engine.cavity.solutions import GOOD, at_points
from xglass.engine.core.blas import single_thread
from xglass.engine.core.operations import operation

__all__ = ["GOOD", "echo", "local_response", "responses", "retarded_bubble"]


def __dir__() -> list[str]:
    return __all__


#: What is left of the integrand where an integral over time ends.
DAMPED = 1e-13

#: Nodes of a panel of times, and the largest phase that turns within it.
NODES, TURN = 64, 140.0

#: Steps of Newton's method and of damped iteration; the residual, relative to D, that ends them, and the one
#: below which what no longer falls is rounding.
STEPS, DONE, ROUNDING = 1000, 1e-14, 1e-11

#: Heights above the real axis from which a root is followed: the highest over all energies, and the ratio of
#: one to the next.
HIGHEST, RATIO = 8.0, 1.25

#: Numbers that the bubbles of one pass over the times may hold.
MOST_NUMBERS = 3e7

#: A frequency of 0 has S as its limit: of frequencies that are this part of the broadening.
NEAR = 1e-4


def echo(hopping: np.ndarray, offsets: np.ndarray, cells: Sequence[int]) -> float:
    """Return the time at which what leaves a site has gone half around the torus and meets itself."""
    speed = np.abs(np.asarray(offsets)).T @ (2.0 * np.abs(hopping))
    return float(min(0.5 * n / v for n, v in zip(cells, speed, strict=True) if v > 0.0))


def retarded_bubble(bubble: Bubble, z: np.ndarray) -> np.ndarray:
    """(z, q) chi0 at the irreducible wave vectors and complex frequencies of positive imaginary part.

    Gauss-Legendre panels up to the time at which the slowest factor e^(izt) has decayed; all frequencies
    share them. At q = 0 nothing moves and chi0 is 0.
    """
    grid, x = bubble.band.grid, bubble.x * bubble.T
    f, z = fermi_function(bubble.x), np.asarray(z, dtype=np.complex128)
    result = np.zeros((z.size, x.size), dtype=np.complex128)
    node, weight = np.polynomial.legendre.leggauss(NODES)
    with single_thread():
        for begin, length in _panels(z, bubble.band.width):
            here = np.exp(-z.imag * begin) > DAMPED
            t = begin + 0.5 * length * (1.0 + node)
            factor = np.exp(1j * z[here, None] * t) * (0.5 * length * weight)
            commutator = _commutator(grid, x, f, t)
            result.real[here] += factor.real @ commutator
            result.imag[here] += factor.imag @ commutator
    result[:, 0] = 0.0
    return result


def _panels(z: np.ndarray, width: float) -> Iterator[tuple[float, float]]:
    """Begin and length of panels in which no integrand turns, or decays, too much; short ones come first.

    At time t what decays faster than 1/t is gone.
    """
    decades, fastest = -float(np.log(DAMPED)), width + float(np.abs(z.real).max())
    begin, last, steepest = 0.0, decades / float(z.imag.min()), float(z.imag.max())
    while begin < last:
        alive = min(steepest, decades / begin) if begin > 0.0 else steepest
        length = min(TURN / (fastest + alive), last - begin)
        yield begin, length
        begin += length


def _commutator(grid: object, x: np.ndarray, f: np.ndarray, times: np.ndarray) -> np.ndarray:
    """(time, q) c(q, t)."""
    phase = times[:, None] * x
    even, odd = np.cos(phase), np.sin(phase)
    transform = grid.transform  # type: ignore[attr-defined]
    product = transform(f * even) * transform(odd) - transform(f * odd) * transform(even)
    return 2.0 * transform(product) / float(grid.size) ** 2  # type: ignore[attr-defined]


def local_response(
    chi: np.ndarray, weight: np.ndarray, level: float, square: complex, guess: complex, *, half_plane: bool
) -> tuple[complex, float]:
    """D and its relative residual at one frequency, from chi0 (q,), 2 lambda and J(z)^2.

    Newton's method where it leads on, and half a step of the iteration where it does not. ``half_plane`` says
    that the root is the one above the real axis: steps that leave it are none.
    """

    def image(D: complex) -> tuple[complex, complex, float]:
        term = chi / (1.0 + (level - square * D) * chi)
        there = complex(weight @ term)
        return there, complex(square * (weight @ (term * term))), abs(there - D) / abs(there)

    D = guess
    there, slope, wrong = image(D)
    for _ in range(STEPS):
        if wrong <= DONE or not np.isfinite(wrong):
            break
        candidate = D + (there - D) / (1.0 - slope)
        if candidate.imag > 0.0 or not half_plane:
            following = image(candidate)
            if following[2] < wrong:
                D, (there, slope, wrong) = candidate, following
                continue
        if wrong < ROUNDING:  # nothing leads on any more
            break
        D = 0.5 * (D + there)
        there, slope, wrong = image(D)
    return D, wrong


@operation("real_frequency_response")
def responses(
    hopping: np.ndarray,
    filling: np.ndarray,
    T: np.ndarray,
    J: np.ndarray,
    omega0: np.ndarray,
    broadening: np.ndarray,
    frequency: np.ndarray,
    *,
    own: int,
    offsets: Sequence[Sequence[int]],
    cells: tuple[int, ...],
    path: Sequence[Sequence[int]],
) -> tuple[np.ndarray, ...]:
    """Response at couplings J and omega0 (..., own), broadenings (b,) and frequencies (w,).

    Returns D (..., own, b, w), its S and that at the wave vectors of a path (..., own, b, w, q), lambda,
    q_EA and the largest residual (..., own).
    """
    shape, each = at_points(hopping, filling, T, J, omega0, own, offsets=offsets, cells=cells)
    grid = (*shape, broadening.size, frequency.size)
    local, noise = np.empty(grid, dtype=np.complex128), np.empty(grid)
    paths, worst = np.empty((*grid, len(path))), np.zeros(shape)
    level, frozen = np.empty(shape), np.empty(shape)
    for fermions, couplings in each:
        bubble, several = fermions.bubble, [*couplings]
        for place, strength, mode in several:
            _, _, frozen[place], found = fermions.saddle(strength, mode, None, "lambda")
            level[place], worst[place] = found.level, found.residual
        columns = bubble.band.grid.index()[tuple(np.transpose(path))]
        static = all(mode == np.inf for _, _, mode in several)
        for (b, w), z, rows in _bubbles(bubble, broadening, frequency, static):
            for place, strength, mode in several:
                D, chi, wrong = _followed(
                    z, rows, bubble.band.grid.weight, strength, mode, float(level[place])
                )
                sign = 1.0 if frequency[w] >= 0.0 else -1.0
                local[(*place, b, w)] = complex(D.real, sign * D.imag if frequency[w] != 0.0 else 0.0)
                factor = _fluctuations(float(frequency[w]), z[-1].real, bubble.T)
                noise[(*place, b, w)] = factor * D.imag
                paths[(*place, b, w)] = factor * chi[columns].imag
                worst[place] = max(worst[place], wrong)
    return local, noise, paths, 0.5 * level, frozen, worst


#: Place of a frequency, the heights from which it is followed, the lowest last, and the bubbles at them.
Followed = tuple[tuple[int, int], np.ndarray, np.ndarray]


def _bubbles(
    bubble: Bubble, broadening: np.ndarray, frequency: np.ndarray, static: bool
) -> Iterator[Followed]:
    """The bubble at every frequency and broadening, and above it where J depends on frequency."""
    places = [*np.ndindex(broadening.size, frequency.size)]

    def heights(b: int, w: int) -> np.ndarray:
        eta, omega = float(broadening[b]), abs(float(frequency[w])) or NEAR * float(broadening[b])
        top = HIGHEST * (bubble.band.width + omega)
        steps = 0 if static else max(int(np.ceil(np.log(top / eta) / np.log(RATIO))), 0)
        return omega + 1j * eta * RATIO ** np.arange(steps, -1, -1)

    ladders = [heights(*place) for place in places]
    several = max(int(MOST_NUMBERS / (bubble.x.size * max(map(len, ladders)))), 1)
    for begin in range(0, len(places), several):
        some = slice(begin, begin + several)
        rows = retarded_bubble(bubble, np.concatenate(ladders[some]))
        ends = np.cumsum([len(ladder) for ladder in ladders[some]])[:-1]
        yield from zip(places[some], ladders[some], np.split(rows, ends), strict=True)


def _followed(
    z: np.ndarray, rows: np.ndarray, weight: np.ndarray, J: float, omega0: float, level: float
) -> tuple[complex, np.ndarray, float]:
    """D, the response (q,) and the residual at the last of the heights; NaN, inf below a mode that grows."""
    D, wrong, square, response = 0j, 0.0, complex(J * J), rows[-1]
    for height, chi in zip(z, rows, strict=True):
        if omega0 < np.inf:
            square = (J / (1.0 - (height / omega0) ** 2)) ** 2
        D, wrong = local_response(chi, weight, level, square, D, half_plane=omega0 == np.inf)
        response = chi / (1.0 + (level - square * D) * chi)
        # not below 1: a mode that grows, and no response below it
        if not abs(square) * (weight @ np.abs(response) ** 2) < 1.0:
            return complex(np.nan, np.nan), np.full(chi.shape, np.nan, dtype=np.complex128), np.inf
    return D, response, wrong


def _fluctuations(frequency: float, near: float, T: float) -> float:
    """What S is over Im chi at the absolute value of a frequency, 2 / (1 - e^(-w/T)); at 0 the limit."""
    if frequency == 0.0:
        return 2.0 * T / near
    x = abs(frequency) / T
    return float(-2.0 / np.expm1(-x) * (1.0 if frequency > 0.0 else np.exp(-x)))

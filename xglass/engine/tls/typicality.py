r"""Thermal typical states evolved in time: the current correlation of one electron on a ring.

With |r> a random vector whose entries have modulus 1, and E the lower bound of the spectrum,

    |phi> = e^{-b (H - E) / 2} |r>,   |psi> = J |phi>,
    Z e^{bE} = <phi|phi>,   Z e^{bE} C(t) = <phi(t)| J |psi(t)>

in the mean over |r>, where |x(t)> = e^{-iHt} |x> and C(t) = <J(t) J>. C(t) and C(-t), which is its complex
conjugate only in the mean, are both measured: what is left at a frequency then comes from pairs of states at
that frequency, as it does in the exact sum, so that a small sigma beside a high peak is not buried under the
errors of the peak. The filtered sigma is a sum over pairs of states (l, m) with x = E_m - E_l,

    sigma(w) = sum c_lm f_w(x),   f_w(x) = pi tanh(b x / 2) / x [G(w - x) + G(w + x)],
    C(t) = sum c_lm cos(x t),

and f_w is smooth, so a cosine series in times n dt represents it to rounding. The series reaches as far as
the Gaussian and the poles of the tanh at x = +- i pi T demand, and no further.

Exponentials are Chebyshev series with Bessel functions as coefficients,

    e^{-z x} = sum_n (2 - delta_n0) (-1)^n I_n(z) T_n(x),
    e^{-i z x} = sum_n (2 - delta_n0) (-i)^n J_n(z) T_n(x).

(Tal-Ezer and Kosloff, J. Chem. Phys. 81, 3967 (1984); typicality: Iitaka and Ebisuzaki, Phys. Rev. Lett. 90,
047203 (2003).)
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from scipy import fft, special

from xglass.engine.core.blas import single_thread
from xglass.engine.core.operations import operation
from xglass.engine.core.random_vectors import random_vector
from xglass.engine.tls.averages import Columns
from xglass.engine.tls.operators import Operator, walk

#: A place among the results, and the operator and the stream of random numbers that belong there.
Place = tuple[int, ...]
Visit = tuple[Place, Operator, np.uint64]

#: The cosine series ends where its coefficients have fallen to e^-20; in single precision, whose rounding is
#: larger, to e^-15.
DECAY = {"single": 15.0, "double": 20.0}

#: Chebyshev series end where all that is left is below this.
NEGLECTED = {"single": 1e-8, "double": 1e-15}

#: Width times length in time of the edge beyond the spectrum where a series may do as it likes.
EDGE = 60.0

#: Samples in time for each run of the Chebyshev recursion: many need fewer orders each, but more sums over
#: them.
SAMPLES = 8

#: Temperature, in half widths, of the state whose energy is the reference.
COLD = 0.02

#: Largest exponent b half_width / 2 of a step in imaginary time: rounding grows by its exponential at most.
COOLING = 8.0


@dataclass(frozen=True)
class Clock:
    """Samples at 0, step, ..., times step, and the points of the frequency grid on which their cosine series
    is taken.
    """

    step: float
    times: int
    points: int


def half_width(operator: Operator) -> float:
    """Return half the width of the spectrum, never so small that rounding of the centre would count."""
    return max(operator.half_width, 1e-3 * abs(operator.centre), 1e-6)


def duration(T: float, width: float, decay: float) -> float:
    """Return the time when the transform of f_w, a Gaussian folded with e^{-pi T t}, is down to e^-decay."""
    pole = math.pi * T
    gaussian = math.sqrt(2.0 * decay) / width
    return gaussian if gaussian <= pole / width**2 else decay / pole + 0.5 * pole / width**2


def clock(half: float, T: float, broadening: np.ndarray, precision: str) -> Clock:
    """Return times that represent all f_w on |x| <= 2 half: Nyquist's step for that band and its edge."""
    reach = duration(T, float(broadening.min()), DECAY[precision])
    step = 2.0 * math.pi / (4.0 * half + EDGE / reach)
    times = math.ceil(reach / step)
    return Clock(step, times, fft.next_fast_len(2 * times + 2, real=True))


def samples(dimension: int) -> int:
    """Return the samples in time for each Chebyshev series: one where vectors are long, as all are held."""
    return SAMPLES if dimension < 2**20 else 1


def applications(half: float, dimension: int, T: float, broadening: np.ndarray, precision: str) -> float:
    """Return how often H is applied to one random vector at one temperature, for a spectrum this wide."""
    tolerance = NEGLECTED[precision]
    ticks, held = clock(half, T, broadening, precision), samples(dimension)
    angle = half * ticks.step * held
    evolving = _orders(2.0 * special.jv(np.arange(int(angle) + 60), angle), tolerance) - 1
    steps, coefficients = _cooling(half, T)
    cooling = _orders(coefficients, tolerance) - 1
    # both states, forward and backward in time
    return 4.0 * math.ceil(ticks.times / held) * evolving + float(steps) * cooling


def _cooling(half: float, T: float) -> tuple[int, np.ndarray]:
    """Return steps in imaginary time that cool to T, and the Chebyshev coefficients of each."""
    exponent = 0.5 * half / T
    steps = math.ceil(exponent / COOLING)
    n = np.arange(200)
    return steps, np.where(n == 0, 1.0, 2.0) * (-1.0) ** n * special.ive(n, exponent / steps)


class Evolution:
    """Chebyshev series of one operator. Buffers are kept: fresh pages cost more than the arithmetic."""

    def __init__(self, operator: Operator) -> None:
        self.operator = operator
        self.half, self.centre, self.dimension = half_width(operator), operator.centre, operator.dimension
        self.real = operator.real
        self.complex = operator.complex_type
        self.tolerance = NEGLECTED[operator.precision]

        held = samples(self.dimension)
        self.polynomials = np.empty((0, self.dimension), dtype=self.complex)
        self.left = np.empty((held, self.dimension), dtype=self.complex)
        self.right = np.empty((held, self.dimension), dtype=self.complex)
        self.odd = np.empty((held, 2 * self.dimension), dtype=self.real)
        self.flow = np.empty(self.dimension, dtype=self.complex)

    def _expand(self, start: np.ndarray, orders: int) -> np.ndarray:
        """T_n(h) |start>, n < orders, with h = (H - centre) / half; (order, pairs of real numbers)."""
        if len(self.polynomials) < orders:
            self.polynomials = np.empty((orders, self.dimension), dtype=self.complex)
        V, step = self.polynomials, self.operator.step
        V[0] = start
        if orders > 1:
            step(V[0], V[1], 1.0 / self.half, -self.centre / self.half, 0.0)
        for n in range(2, orders):
            V[n] = V[n - 2]
            step(V[n - 1], V[n], 2.0 / self.half, -2.0 * self.centre / self.half, -1.0)
        return V[:orders].view(self.real)

    def cooled(self, r: np.ndarray, T: float) -> tuple[np.ndarray, float]:
        """Return e^{-(H - centre) / 2T} |r> normalised, and the logarithm of its squared norm."""
        exponent = 0.5 * self.half / T
        steps, coefficients = _cooling(self.half, T)
        orders = _orders(coefficients, self.tolerance)
        row = coefficients[None, :orders].astype(self.real)
        phi = r.astype(self.complex)
        log_norm = 0.0
        for _ in range(steps):
            phi = (row @ self._expand(phi, orders)).view(self.complex)[0]
            square = _square(phi)
            phi *= self.real.type(1.0 / math.sqrt(square))
            log_norm += math.log(square)
        return phi, log_norm + 2.0 * exponent  # ive is I e^{-z}: so far it was e^{-(H - centre + half) / 2T}

    @cached_property
    def reference(self) -> float:
        """An energy near the ground state, which keeps Boltzmann factors in range: always of one vector."""
        cold, _ = self.cooled(random_vector(0, np.uint64(0), self.dimension, self.complex), COLD * self.half)
        applied = self.operator.step(cold, self.flow, 1.0, -self.centre, 0.0)
        return self.centre + float(np.dot(cold.view(self.real), applied.view(self.real)))

    def partition(self, log_norm: float, T: float) -> float:
        """Return Z relative to the reference, from the logarithm of a squared norm after cooling."""
        return math.exp(log_norm + (self.reference - self.centre) / T)

    def correlation(self, phi: np.ndarray, step: float, times: int) -> np.ndarray:
        """Return Re [C(t) + C(-t)] / 2 at t = 0, step, ..., times step, for a normalised |phi>."""
        psi = self.operator.current(phi, np.empty_like(phi))
        C = np.zeros(times + 1)
        C[0] = _square(psi)
        held = len(self.left)
        even, odd = self._phases(self.half * step * np.arange(1, held + 1))
        for signed in (odd, -odd):  # forward and backward in time
            first, second = phi, psi
            for start in range(0, times, held):
                first = self._evolved(first, even, signed, self.left)
                second = self._evolved(second, even, signed, self.right)
                for k in range(min(held, times - start)):
                    self.operator.current(self.right[k], self.flow)
                    overlap = np.dot(self.left[k].view(self.real), self.flow.view(self.real))
                    C[start + 1 + k] += 0.5 * float(overlap)
        return C

    def _phases(self, angles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Chebyshev coefficients of e^{-i angle h}: those of even orders, and i times those of odd orders."""
        n = np.arange(int(angles[-1]) + 60)
        coefficients = np.where(n == 0, 1.0, 2.0) * special.jv(n, angles[:, None])
        coefficients[:, 2::4] *= -1.0
        coefficients[:, 3::4] *= -1.0
        orders = _orders(np.abs(coefficients).max(axis=0), self.tolerance)
        even = np.ascontiguousarray(coefficients[:, :orders:2], dtype=self.real)
        odd = np.ascontiguousarray(coefficients[:, 1:orders:2], dtype=self.real)
        return even, odd

    def _evolved(self, start: np.ndarray, even: np.ndarray, odd: np.ndarray, out: np.ndarray) -> np.ndarray:
        """e^{-iHt} |start> at every sample, apart from the phase of the centre; returns the last."""
        from xglass.engine.tls.typicality_kernels import turned

        V = self._expand(start, even.shape[1] + odd.shape[1])
        np.matmul(even, V[0::2], out=out.view(self.real))
        np.matmul(odd, V[1::2], out=self.odd)
        turned(out.view(self.real).reshape(-1), self.odd.reshape(-1))
        return out[-1]


def _orders(coefficients: np.ndarray, tolerance: float) -> int:
    """Number of orders beyond which all coefficients together stay below the tolerance."""
    tails = np.abs(coefficients)[::-1].cumsum()[::-1]
    return int(np.count_nonzero(tails > tolerance))


def _square(v: np.ndarray) -> float:
    return float(np.square(v.view(v.real.dtype), dtype=np.float64).sum())


def filtered(
    C: np.ndarray, ticks: Clock, half: float, T: float, frequency: np.ndarray, broadening: np.ndarray
) -> tuple[float, np.ndarray, np.ndarray]:
    """Return what the samples C of a correlation function say of sigma.

    Total weight; (2, broadening) static value, and the same sum with (x / broadening)^2 inside; (broadening,
    frequency) sigma. The cosine series of a function f is its transform on a grid of frequencies: so C is
    transformed once and serves all f.
    """
    from xglass.engine.core.line_spectra import smooth

    period = 2.0 * math.pi / ticks.step
    edge = period - 4.0 * half
    padded = np.zeros(ticks.points)
    padded[: C.size] = C
    folded = (2.0 * fft.rfft(padded).real - C[0]) / ticks.points
    grid = period / ticks.points
    number = np.arange(int((period - 2.0 * half) / grid) + 1)
    x = number * grid
    weight = math.pi * 0.5 / T * _tanh_ratio(0.5 * x / T)
    # 1 on |x| <= 2 half, 0 beyond period - 2 half, where the series repeats
    weight *= 0.5 * special.erfc((x - 2.0 * half - 0.5 * edge) * 8.4 / edge)
    weight *= folded[np.minimum(number, ticks.points - number)]
    weight[1:] *= 2.0  # x and -x

    gauss = (x[:, None] / broadening) ** 2
    near = 2.0 * np.exp(-0.5 * gauss) / (math.sqrt(2.0 * math.pi) * broadening)
    static = np.stack([weight @ near, weight @ (near * gauss)])
    sigma = np.zeros((1, broadening.size, frequency.size))
    histogram = np.concatenate([[0.0], weight])[:, None]  # entry k stands at (k - 1) grid
    smooth(histogram, 1, grid, frequency, broadening, sigma)
    return float(weight.sum()), static, sigma[0]


def _tanh_ratio(x: np.ndarray) -> np.ndarray:
    """tanh(x) / x."""
    small = np.abs(x) < 1e-6
    return np.where(small, 1.0, np.tanh(x) / np.where(small, 1.0, x))


def thermal(
    evolution: Evolution, r: np.ndarray, T: np.ndarray, frequency: np.ndarray, broadening: np.ndarray
) -> tuple[np.ndarray, float]:
    """Return what a vector gives, (T, column), and the energy that it is relative to.

    The columns are those of :func:`xglass.engine.tls.lanczos.thermal`.
    """
    columns = Columns(broadening.size, frequency.size)
    result = np.empty((T.size, columns.size))
    reference = evolution.reference
    for row, temperature in zip(result, map(float, T), strict=True):
        phi, log_norm = evolution.cooled(r, temperature)
        hops = evolution.operator.hopping(phi, evolution.flow)
        kinetic = float(np.dot(phi.view(evolution.real), hops.view(evolution.real)))
        ticks = clock(evolution.half, temperature, broadening, evolution.operator.precision)
        C = evolution.correlation(phi, ticks.step, ticks.times)
        total, static, sigma = filtered(C, ticks, evolution.half, temperature, frequency, broadening)
        z = evolution.partition(log_norm, temperature)
        row[columns.Z] = z
        row[columns.KINETIC] = z * kinetic
        row[columns.TOTAL] = z * total
        row[columns.static], row[columns.second] = z * static
        row[columns.sigma] = z * sigma.ravel()
    return result, reference


@operation("typicality")
def numerators(
    t: np.ndarray,
    g: np.ndarray,
    g_z: np.ndarray,
    omega0: np.ndarray,
    site_energy: np.ndarray,
    realization: np.ndarray,
    number: np.ndarray,
    label: np.ndarray,
    vector: np.ndarray,
    T: np.ndarray,
    frequency: np.ndarray,
    broadening: np.ndarray,
    *,
    seed: int,
    **hamiltonian: Any,
) -> tuple[np.ndarray, np.ndarray]:
    """Return numerators (..., T, column) of every vector, and the energies (...) that they are relative to.

    Arguments are those of :func:`xglass.engine.tls.lanczos.numerators`, and the random vectors are the same,
    but always complex.
    """
    T, visits = walk((t, g, g_z, omega0, site_energy), realization, number, label, vector, T, **hamiltonian)
    frequency, broadening = np.ascontiguousarray(frequency), np.ascontiguousarray(broadening)
    sums = np.empty((*T.shape, Columns(broadening.size, frequency.size).size))
    energies = np.empty(T.shape[:-1])

    def visit(p: Place, evolution: Evolution, r: np.ndarray) -> None:
        sums[p], energies[p] = thermal(evolution, r, T[p], frequency, broadening)

    _visited(visits, seed, visit)
    return sums, energies


def _visited(
    visits: Iterator[Visit], seed: int, visit: Callable[[Place, Evolution, np.ndarray], None]
) -> None:
    """Call ``visit`` with each place, its evolution and its random vector, on one thread of BLAS.

    Vectors of one operator share its evolution, whose buffers go before others are made.
    """
    evolution: Evolution | None = None
    with single_thread():
        for p, operator, stream in visits:
            if evolution is None or evolution.operator is not operator:
                evolution = None
                evolution = Evolution(operator)
            visit(p, evolution, random_vector(seed, stream, evolution.dimension, evolution.complex))


@operation("random_vectors.truncated_weight")
def shell_numerators(
    t: np.ndarray,
    g: np.ndarray,
    g_z: np.ndarray,
    omega0: np.ndarray,
    site_energy: np.ndarray,
    realization: np.ndarray,
    number: np.ndarray,
    label: np.ndarray,
    vector: np.ndarray,
    T: np.ndarray,
    *,
    seed: int,
    **hamiltonian: Any,
) -> tuple[np.ndarray, np.ndarray]:
    """Return what random vectors tell of the highest kept shell of excitations, as :func:`numerators` does.

    The numerators are those of an average without a spectrum; its weight stands where Z <H_hop> would.
    """
    T, visits = walk((t, g, g_z, omega0, site_energy), realization, number, label, vector, T, **hamiltonian)
    columns = Columns(1, 0)
    sums, energies = np.zeros((*T.shape, columns.size)), np.empty(T.shape[:-1])

    def visit(p: Place, evolution: Evolution, r: np.ndarray) -> None:
        operator = evolution.operator
        for row, temperature in zip(sums[p], map(float, T[p]), strict=True):
            phi, log_norm = evolution.cooled(r, temperature)
            row[columns.Z] = evolution.partition(log_norm, temperature)
            inside = phi.reshape(-1, operator.kept)[:, operator.highest]
            row[columns.KINETIC] = row[columns.Z] * _square(np.ascontiguousarray(inside))
        energies[p] = evolution.reference

    _visited(visits, seed, visit)
    return sums, energies

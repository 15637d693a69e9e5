"""The saddle point of the cavity glass: Eqs. (38) to (40) and (43) of Mueller, Strack and Sachdev.

With x = 1/chi0(q, Omega) and one shift z(Omega) = 2 lambda - J(Omega)^2 D(Omega) for all wave vectors,

    D(Omega) = int_q 1 / (x + z),    T sum_Omega D(Omega) + q_EA = n (1 - n),
    q_EA (1 - J^2 int_q (x + z)^-2) = 0  at Omega = 0

Given lambda every frequency is an equation of its own, z + J(Omega)^2 g(z) = 2 lambda, with g(z) = int_q
1/(x + z): the left side is convex, and physical is its largest root. What remains is one number, the shift z0
of Omega = 0. In the glass J gives it; in the liquid the constraint does, and at the transition both, with J.
Since the bare response obeys the constraint on the same grid, it is T sum (D - D0) + q_EA = 0, whose terms
fall as Omega^-4, and a basis of some twenty frequencies does the sum over all.

Constraint "lambda_J2" is that of Eq. (A25): z = J(Omega)^2 (lambda - D). In both z + J(Omega)^2 D is a number,
the level, times 1 or [J(Omega)/J(0)]^2.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable

import numpy as np

from xglass.engine.cavity.matsubara import Basis
from xglass.engine.core.blas import single_thread

__all__ = ["Measure", "Saddle", "at_coupling", "compressed", "critical", "local"]

#: Nearest that a search for the transition comes to the largest shift that is physical: 1 + z0 / x_min.
NEAREST = 1e-12

#: Farthest that a search goes, in the scale of its unknown.
FARTHEST = 1e6

#: Gauss nodes of the distribution of chi0 over wave vectors, at Omega > 0: good to rounding.
NODES = 8


@dataclasses.dataclass(frozen=True)
class Measure:
    """The values of chi0 at some frequencies, and how often they occur: all that saddle points know of it.

    Attributes
    ----------
    T : float
        Temperature.
    matsubara : (m,) ndarray of int
        Numbers of the frequencies, rising, the first 0.
    total : (m,) ndarray
        Weights of a sum over all Matsubara frequencies; 0 at frequencies that were only asked for.
    chi_static, weight_static : (q,) ndarray
        At Omega = 0, every wave vector.
    chi, weight : (m, node) ndarray
        At all others; the first row is not used.
    """

    T: float
    matsubara: np.ndarray
    total: np.ndarray
    chi_static: np.ndarray
    weight_static: np.ndarray
    chi: np.ndarray
    weight: np.ndarray

    def sums(self, shift: np.ndarray) -> np.ndarray:
        """(4, m) :func:`moments` at every frequency, of shifts (m,)."""
        from xglass.engine.cavity.saddle_point_kernels import moments

        rows = [(self.chi_static, self.weight_static), *zip(self.chi[1:], self.weight[1:], strict=True)]
        return np.array([moments(z, *row) for z, row in zip(shift, rows, strict=True)]).T

    @functools.cached_property
    def bare(self) -> np.ndarray:
        """(m,) D0: mean over wave vectors of chi0."""
        result = np.einsum("mn,mn->m", self.chi, self.weight)
        result[0] = float(self.chi_static @ self.weight_static)
        return result

    @functools.cached_property
    def highest(self) -> float:
        """Largest chi0 at Omega = 0: shifts of Omega = 0 lie above -1 over it."""
        return float(self.chi_static.max())


def compressed(
    T: float, basis: Basis, matsubara: np.ndarray, chi0: np.ndarray, weight: np.ndarray
) -> Measure:
    """Measure of chi0 (m, q) at frequencies of these numbers, which hold those of the basis."""
    from xglass.engine.cavity.saddle_point_kernels import recurrence

    nodes, weights = np.zeros((len(chi0), NODES)), np.zeros((len(chi0), NODES))
    for m in range(1, len(chi0)):
        scale = float(chi0[m].max())
        if scale > 0.0:
            diagonal, beside = recurrence(chi0[m] / scale, weight, NODES)
            with single_thread():
                value, vector = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, -1))
            nodes[m], weights[m] = scale * np.maximum(value, 0.0), vector[0] ** 2
    return Measure(T, matsubara, _total(basis, matsubara), chi0[0], weight, nodes, weights)


def local(measure: Measure) -> Measure:
    """The approximation x = 1/D0(Omega): all wave vectors alike."""
    bare = measure.bare
    return dataclasses.replace(
        measure, chi_static=bare[:1], weight_static=np.ones(1), chi=bare[:, None], weight=np.ones((bare.size, 1))
    )


def _total(basis: Basis, matsubara: np.ndarray) -> np.ndarray:
    """Weights of a sum over all frequencies, at frequencies that hold those of the basis."""
    total = np.zeros(matsubara.size)
    total[np.searchsorted(matsubara, basis.frequencies)] = basis.total
    return total


@dataclasses.dataclass(frozen=True)
class Equations:
    """The equations of one measure and one J(Omega).

    Attributes
    ----------
    measure : Measure
    ratio : (m,) ndarray
        [J(Omega)/J(0)]^2.
    source : (m,) ndarray
        z + J(Omega)^2 D over its value at Omega = 0: 1, or the ratio where lambda comes with J(Omega)^2.
    """

    measure: Measure
    ratio: np.ndarray
    source: np.ndarray

    @classmethod
    def of(cls, measure: Measure, omega0: float, constraint: str) -> Equations:
        """``omega0`` of the modes; infinite where J does not depend on frequency."""
        frequency = 2.0 * np.pi * measure.T * measure.matsubara
        ratio = 1.0 / (1.0 + (frequency / omega0) ** 2) ** 2  # Eq. (11)
        return cls(measure, ratio, ratio if constraint == "lambda_J2" else np.ones_like(ratio))

    def excess(self, shift: float, square: float) -> float:
        """T sum over all frequencies of D - D0, at a shift of Omega = 0 and J^2."""
        from xglass.engine.cavity.saddle_point_kernels import excess

        m = self.measure
        arrays = (self.ratio, self.source, m.total, m.chi_static, m.weight_static, m.chi, m.weight)
        return m.T * float(excess(shift, square, *arrays))

    def shifts(self, shift: float, square: float) -> np.ndarray:
        """(m,) shifts of all frequencies."""
        from xglass.engine.cavity.saddle_point_kernels import shifts

        m = self.measure
        arrays = (self.ratio, self.source, m.chi_static, m.weight_static, m.chi, m.weight)
        return np.asarray(shifts(shift, square, *arrays))

    def critical(self) -> tuple[float, float]:
        """J and the shift of Omega = 0 where the liquid becomes a glass, Eqs. (39) and (43).

        Along the edge of stability, J^2 = 1 / int (x + z0)^-2, the excess falls with z0 and passes 0 once.
        z0 may come within 1e-3 of -x_min and closer, where the band is nested, hence the logarithm.
        """
        lowest = 1.0 / self.measure.highest

        def square(distance: float) -> float:
            return 1.0 / self._static(lowest * math.expm1(distance))[1]

        root = _root(
            lambda distance: self.excess(lowest * math.expm1(distance), square(distance)),
            start=0.0,
            step=math.log(2.0),
            least=math.log(NEAREST),
        )
        return math.sqrt(square(root)), lowest * math.expm1(root)

    def at(self, J: float) -> tuple[float, float]:
        """The shift of Omega = 0 and q_EA at a coupling.

        Where the constraint leaves weight over at the edge of stability, that weight is frozen: a glass, no
        root at all. In the liquid z0 / J^2 is the unknown, which is of the order of D0 also for J -> 0.
        """
        from xglass.engine.cavity.saddle_point_kernels import marginal_shift

        m, square = self.measure, J * J
        least = float(m.weight_static[int(np.argmax(m.chi_static))])
        edge = float(marginal_shift(J, m.highest, least, m.chi_static, m.weight_static))
        frozen = -self.excess(edge, square)
        if frozen >= 0.0:
            return edge, frozen
        step = float(m.bare[0])
        root = _root(
            lambda z: self.excess(square * z, square), start=max(0.0, edge / square), step=step, least=edge / square
        )
        return square * root, 0.0

    def _static(self, shift: float) -> tuple[float, ...]:
        """Sums over wave vectors at Omega = 0."""
        from xglass.engine.cavity.saddle_point_kernels import moments

        return tuple(moments(shift, self.measure.chi_static, self.measure.weight_static))


def _root(function: Callable[[float], float], *, start: float, step: float, least: float) -> float:
    """The zero of a falling function above ``least``: steps that double until it lies between two, then Brent.

    NaN where there is none, or the function is not defined.
    """
    from scipy.optimize import brentq

    here, value = start, function(start)
    while value != 0.0:
        if not math.isfinite(value) or (value < 0.0 and here <= least) or abs(here) > FARTHEST * step:
            return math.nan
        there = here + step if value > 0.0 else max(here - step, least)
        following = function(there)
        if following * value <= 0.0:
            return float(brentq(function, here, there, xtol=1e-16 * step, rtol=4 * np.finfo(float).eps))
        here, value, step = there, following, 2.0 * step
    return here


@dataclasses.dataclass(frozen=True)
class Saddle:
    """A saddle point.

    Attributes
    ----------
    response, stability : (m,) ndarray
        D and 1 - J(Omega)^2 int (x + z)^-2 at all frequencies of the measure.
    multiplier : float
        lambda of Eq. (38), or that of Eq. (A25).
    edwards_anderson, free_energy, residual : float
    """

    response: np.ndarray
    stability: np.ndarray
    multiplier: float
    edwards_anderson: float
    free_energy: float
    residual: float


def saddle(equations: Equations, J: float, shift: float, frozen: float) -> Saddle:
    """What a saddle point is, from J and the shift of Omega = 0: all sums, and how well they hold."""
    m, coupling = equations.measure, J * J * equations.ratio
    shift_ = equations.shifts(shift, J * J)
    response, second, _, lost = m.sums(shift_)
    stability = 1.0 - coupling * second
    level = shift + J * J * response[0]
    again = m.sums(level * equations.source - coupling * response)[0]
    variance = m.T * float(m.total @ m.bare)  # n (1 - n)
    broken = m.T * float(m.total @ (-shift_ * lost)) + frozen
    residual = max(float((abs(again - response) / response).max()), abs(broken) / variance)
    return Saddle(response, stability, level, frozen, _free_energy(equations, J, shift_, response), residual)


def _free_energy(equations: Equations, J: float, shift: np.ndarray, response: np.ndarray) -> float:
    """Eq. (34) less its value at J = 0, on shell: F(J) - F(0) per site.

    T sum [J(Omega)^2 D^2 / 4 + int (ln(1 + z chi) - 2 lambda chi) / 2]; terms in q_EA cancel.
    """
    m = equations.measure
    own = 0.25 * J * J * equations.ratio * response * (response - 2.0 * m.bare)
    kernel = 0.5 * np.einsum("mn,mn->m", m.weight, _log_rest(shift[:, None] * m.chi))
    kernel[0] = 0.5 * float(m.weight_static @ _log_rest(shift[0] * m.chi_static))
    return m.T * float(m.total @ (own + kernel))


def _log_rest(x: np.ndarray) -> np.ndarray:
    """ln(1 + x) - x."""
    return np.log1p(x) - x

"""The saddle point of the cavity glass: Eqs. (38) to (40) and (43) of Mueller, Strack and Sachdev.

With x = 1/chi0(q, Omega) and one shift z(Omega) = 2 lambda - J(Omega)^2 D(Omega) for all wave vectors,

    D(Omega) = int_q 1 / (x + z),    T sum_Omega D(Omega) + q_EA = n (1 - n),
    q_EA (1 - J^2 int_q (x + z)^-2) = 0  at Omega = 0

Given lambda every frequency is an equation of its own, z + J(Omega)^2 g(z) = 2 lambda with g(z) = int_q
1/(x + z): the left side is convex, and its largest root is the physical one. One number remains, the shift z0
of Omega = 0. In the glass J fixes it; in the liquid the constraint does, and at the transition both, with J.
The bare response obeys the constraint on the same grid. Hence it reads T sum (D - D0) + q_EA = 0, whose terms
fall as Omega^-4, and some twenty frequencies of a basis stand for the sum over all.

Constraint "lambda_J2" is that of Eq. (A25), z = J(Omega)^2 (lambda - D). With either, z + J(Omega)^2 D is one
number, the level, times 1 or [J(Omega)/J(0)]^2.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Callable, Sequence

import numpy as np

from xglass.engine.cavity.bubble import WIDTHS, Bubble, band, basis_for, fermi_function
from xglass.engine.cavity.matsubara import Basis, basis_of
from xglass.engine.core.blas import single_thread

__all__ = ["GOOD", "Equations", "Fermions", "Measure", "Saddle", "saddle"]


def __dir__() -> list[str]:
    return __all__


#: Precision of the basis: J_c changes by less than 1e-10 of itself when it is finer.
PRECISION = 1e-11

#: Gauss nodes of the distribution of chi0 over wave vectors, at Omega > 0, and the largest z chi0 up to which
#: they are good to 1e-12: to rounding at the transition, while far above it every wave vector is kept.
NODES, STRONGEST = 12, 2.0

#: Nearest that a search for the transition comes to the lowest shift that is physical, in 1 + z0 / x_min.
NEAREST = 1e-12

#: Farthest that a search goes, in the scale of its unknown.
FARTHEST = 1e6

#: Largest residual of a solution that has converged.
GOOD = 1e-10


# -- the distribution of chi0 over wave vectors -----------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Measure:
    """The values of chi0 at some frequencies and how often they occur: all that saddle points know of it.

    Attributes
    ----------
    T : float
    matsubara : (m,) ndarray of int
        Numbers of the frequencies: those of a basis, the first of which is 0, then what else is asked for.
    total : (basis,) ndarray
        Weights of a sum over all Matsubara frequencies, at those of the basis.
    chi_static, weight_static : (q,) ndarray
        At Omega = 0, of every wave vector.
    chi, weight : (m, node) ndarray
        At Omega > 0: a Gauss rule, or every wave vector. The first row is 0.
    """

    T: float
    matsubara: np.ndarray
    total: np.ndarray
    chi_static: np.ndarray
    weight_static: np.ndarray
    chi: np.ndarray
    weight: np.ndarray

    @functools.cached_property
    def bare(self) -> np.ndarray:
        """(m,) D0, the mean of chi0 over wave vectors."""
        result = np.einsum("mn,mn->m", self.chi, self.weight)
        result[0] = np.einsum("q,q->", self.chi_static, self.weight_static)
        return result

    def summed(self, values: np.ndarray) -> float:
        """T sum over all Matsubara frequencies."""
        return self.T * float(self.total @ values[: self.total.size])

    @functools.cached_property
    def lowest(self) -> float:
        """x_min at Omega = 0: shifts of Omega = 0 lie above -x_min."""
        return 1.0 / float(self.chi_static.max())

    def local(self) -> Measure:
        """Return the approximation x = 1/D0(Omega): all wave vectors alike."""
        one, bare = np.ones((self.bare.size, 1)), self.bare[:, None]
        return dataclasses.replace(self, chi_static=bare[0], weight_static=one[0], chi=bare, weight=one)


def gauss(chi: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(m, node) values and weights that stand for those of chi (m, q)."""
    from xglass.engine.cavity.saddle_point_kernels import recurrence

    nodes, weights = np.zeros((2, len(chi), NODES))
    for m, row in enumerate(chi):
        scale = float(row.max())
        if scale > 0.0:
            diagonal, beside = recurrence(row / scale, weight, NODES)
            with single_thread():
                value, vector = np.linalg.eigh(np.diag(diagonal) + np.diag(beside, -1))
            nodes[m], weights[m] = scale * np.maximum(value, 0.0), vector[0] ** 2
    return nodes, weights


# -- the equations ----------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Equations:
    """The equations of a measure and a J(Omega).

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

    @property
    def static(self) -> tuple[np.ndarray, np.ndarray]:
        """The values and weights of chi0 at Omega = 0."""
        return self.measure.chi_static, self.measure.weight_static

    def excess(self, shift: float, square: float) -> float:
        """T sum over all frequencies of D - D0, at a shift of Omega = 0 and J^2."""
        from xglass.engine.cavity.saddle_point_kernels import excess

        m = self.measure
        arrays = (self.ratio, self.source, m.total, *self.static, m.chi, m.weight)
        return m.T * float(excess(shift, square, *arrays))

    def critical(self) -> tuple[float, float]:
        """J and the shift of Omega = 0 where the liquid becomes a glass, Eqs. (39) and (43).

        Along the edge of stability, J^2 = 1 / int (x + z0)^-2, the excess falls with z0 and passes 0 once.
        The unknown is ln(1 + z0 / x_min): where bands are nested z0 comes close to -x_min.
        """
        from xglass.engine.cavity.saddle_point_kernels import powers

        def shift(distance: float) -> float:
            return self.measure.lowest * math.expm1(distance)

        def square(distance: float) -> float:
            return 1.0 / float(powers(shift(distance), *self.static)[1])

        least = math.log(NEAREST)
        root = _root(
            lambda d: self.excess(shift(d), square(d)),
            start=0.0,
            step=math.log(2.0),
            least=least,
            undefined=-1.0,
        )
        return (math.sqrt(square(root)), shift(root)) if math.isfinite(root) else (math.nan, math.nan)

    def at(self, J: float) -> tuple[float, float]:
        """The shift of Omega = 0 and q_EA at a coupling.

        What the constraint leaves over at the edge of stability is frozen: a glass, and nothing to search
        for. In the liquid z0 / J^2 is the unknown, which is of the order of D0 also for J -> 0.
        """
        from xglass.engine.cavity.saddle_point_kernels import marginal_shift

        m, square = self.measure, J * J
        least = float(m.weight_static[int(np.argmax(m.chi_static))])
        edge = float(marginal_shift(J, 1.0 / m.lowest, least, *self.static))
        frozen = -self.excess(edge, square)
        if frozen >= 0.0:
            return edge, frozen
        root = _root(
            lambda z: self.excess(square * z, square),
            start=max(0.0, edge / square),
            step=float(m.bare[0]),
            least=edge / square,
            undefined=1.0,
        )
        return square * root, 0.0


def _root(
    function: Callable[[float], float], *, start: float, step: float, least: float, undefined: float
) -> float:
    """The zero above ``least`` of a function that falls: steps that double until it is passed, then Brent.

    Where the function is NaN it counts as ``undefined``: on that side there are no solutions. NaN where there
    is no zero, be it that the function ends before one.
    """
    from scipy.optimize import brentq

    def defined(x: float) -> float:
        y = function(x)
        return undefined if math.isnan(y) else y

    unit, here, value = step, start, defined(start)
    while value != 0.0:
        if here <= least if value < 0.0 else here > FARTHEST * unit:
            return math.nan
        there = here + step if value > 0.0 else max(here - step, least)
        following = defined(there)
        if following * value <= 0.0:
            root = float(brentq(defined, here, there, xtol=1e-16 * unit, rtol=4 * np.finfo(float).eps))
            return root if abs(defined(root)) < GOOD else math.nan
        here, value, step = there, following, 2.0 * step
    return here


# -- what a saddle point is -------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Saddle:
    """A saddle point, at all frequencies of its measure.

    Attributes
    ----------
    shift, response, stability : (m,) ndarray
        z, D and 1 - J(Omega)^2 int (x + z)^-2.
    level : float
        z + J^2 D at Omega = 0.
    free_energy : float
        F(J) - F(0) per site, Eq. (34).
    residual : float
        Largest of those of all equations, relative.
    """

    shift: np.ndarray
    response: np.ndarray
    stability: np.ndarray
    level: float
    free_energy: float
    residual: float


def saddle(equations: Equations, J: float, shift: float, frozen: float, marginal: bool) -> Saddle:
    """Return the saddle point of a coupling, the shift of Omega = 0 and q_EA, and how well equations hold."""
    from xglass.engine.cavity.saddle_point_kernels import shifts, sums

    m, square = equations.measure, J * J * equations.ratio
    if not math.isfinite(shift):
        none = np.full(m.matsubara.size, math.nan)
        return Saddle(none, none, none, math.nan, math.nan, math.nan)
    z = shifts(shift, J * J, equations.ratio, equations.source, *equations.static, m.chi, m.weight)
    response, second, _, lost = sums(z, *equations.static, m.chi, m.weight)
    level = shift + J * J * response[0]
    again = sums(level * equations.source - square * response, *equations.static, m.chi, m.weight)[0]
    there = response > 0.0
    wrong = [
        float(np.max(np.abs(again - response)[there] / response[there])),
        abs(m.summed(z * lost) - frozen) / m.summed(m.bare),
    ]
    stability = 1.0 - square * second
    if marginal:  # Eq. (40): what rounding leaves of 0 counts as residual
        wrong.append(abs(stability[0]))
        stability[0] = 0.0
    return Saddle(z, response, stability, level, _free_energy(equations, square, z, response), max(wrong))


def _free_energy(equations: Equations, square: np.ndarray, z: np.ndarray, response: np.ndarray) -> float:
    """Eq. (34) less its value at J = 0, on shell.

    T sum [J(Omega)^2 D^2 / 4 + int (ln(1 + z chi) - 2 lambda chi) / 2]; the terms in q_EA cancel.
    """
    m = equations.measure
    terms = 0.25 * square * response * (response - 2.0 * m.bare)
    terms += 0.5 * np.einsum("mn,mn->m", m.weight, _log_rest(z[:, None] * m.chi))
    terms[0] += 0.5 * np.einsum("q,q->", m.weight_static, _log_rest(z[0] * m.chi_static))
    return m.summed(terms)


def _log_rest(y: np.ndarray) -> np.ndarray:
    """ln(1 + y) - y."""
    return np.log1p(y) - y


#: Equations, J, q_EA and the saddle point that they have.
Solved = tuple[Equations, float, float, Saddle]


class Fermions:
    """A band at one filling and temperature: its bubble once, and saddle points for whatever is asked.

    Interactions raise the energies of density fluctuations, those of collective ones as the square root of J,
    and modes of the cavity have energies of their own. Where these leave the basis of the bubble, its cutoff
    is doubled until they do not; the values at imaginary times serve all the same.

    Parameters
    ----------
    hopping : (bond,) ndarray
        As for :func:`band`.
    filling : float
        Particles per site.
    T : float
        Temperature.
    offsets : sequence of sequences of int
        As for :func:`band`.
    cells : tuple of int
        As for :func:`band`.
    matsubara : sequence of int
        Numbers of the frequencies at which results are wanted.
    """

    def __init__(
        self,
        hopping: np.ndarray,
        filling: float,
        T: float,
        *,
        offsets: Sequence[Sequence[int]],
        cells: tuple[int, ...],
        matsubara: Sequence[int] = (),
    ) -> None:
        one = band(hopping, np.asarray(offsets), cells)
        self.T, self.filling = T, filling
        self.bubble = Bubble.of(one, filling, T, basis_for(one, T, PRECISION))
        self.asked = np.asarray(matsubara, dtype=np.int64)
        self._measures: dict[tuple[int, bool], Measure] = {}
        # int_q Omega^2 chi0 of the highest frequencies is at most this, by particles as by holes
        reach = one.energy.max() - one.energy, one.energy - one.energy.min()
        f = fermi_function(self.bubble.x)
        self.inertia = 2.0 * min(
            float((part * far) @ one.grid.weight) for part, far in zip((f, 1.0 - f), reach, strict=True)
        )

    def doublings(self, J: float, omega0: float) -> int:
        """How often the cutoff of the bubble is doubled for a coupling and the frequency of the modes."""
        width = self.bubble.band.width
        energy = math.sqrt(width**2 + 2.0 * J * self.inertia + (omega0**2 if omega0 < math.inf else 0.0))
        beyond = 1.2 * energy / max(WIDTHS * width, self.T)
        return math.ceil(math.log2(beyond)) if beyond > 1.0 else 0

    def measure(self, doublings: int, approximation: str | None = None, *, whole: bool = False) -> Measure:
        """The measure at the frequencies of a basis and those that were asked for."""
        if (doublings, whole) not in self._measures:
            measured = self._measured(doublings, whole)
            self._measures[doublings, whole] = measured.local() if approximation == "local" else measured
        return self._measures[doublings, whole]

    def _measured(self, doublings: int, whole: bool) -> Measure:
        basis, weight = self.basis(doublings), self.bubble.band.grid.weight
        # a product for each: what is asked for has no say in the bits of the rest
        asked = self.asked[~np.isin(self.asked, basis.frequencies)]
        chi, more = self.bubble.at(basis.frequencies), self.bubble.at(asked)
        if whole:
            nodes = np.concatenate([chi, more])
            weights = np.tile(weight, (len(nodes), 1))
        else:
            parts = zip(gauss(chi, weight), gauss(more, weight), strict=True)
            nodes, weights = (np.concatenate(part) for part in parts)
        nodes[0] = 0.0
        return Measure(
            self.T,
            np.concatenate([basis.frequencies, asked]),
            basis.total,
            chi[0],
            weight,
            nodes,
            weights,
        )

    def saddle(self, J: float, omega0: float, approximation: str | None, constraint: str) -> Solved:
        """The saddle point at a coupling."""

        def solved(whole: bool) -> Solved:
            measure = self.measure(self.doublings(J, omega0), approximation, whole=whole)
            equations = Equations.of(measure, omega0, constraint)
            shift, frozen = equations.at(J)
            return equations, J, frozen, saddle(equations, J, shift, frozen, marginal=frozen > 0.0)

        return self._sharp(solved, approximation)

    def transition(self, omega0: float, approximation: str | None, constraint: str) -> Solved:
        """The saddle point at the transition."""

        def solved(whole: bool) -> Solved:
            J, doublings, needed = 0.0, -1, self.doublings(0.0, omega0)
            while doublings < needed:
                doublings = needed
                measure = self.measure(doublings, approximation, whole=whole)
                equations = Equations.of(measure, omega0, constraint)
                J, shift = equations.critical()
                needed = self.doublings(J, omega0) if math.isfinite(J) else doublings
            return equations, J, 0.0, saddle(equations, J, shift, 0.0, marginal=True)

        return self._sharp(solved, approximation)

    @staticmethod
    def _sharp(solved: Callable[[bool], Solved], approximation: str | None) -> Solved:
        """What a function solves, with all wave vectors where Gauss nodes are too few."""
        equations, J, frozen, found = solved(False)
        strength = (found.shift * equations.measure.chi.max(axis=1))[1:].max()
        return (
            solved(True) if approximation is None and strength > STRONGEST else (equations, J, frozen, found)
        )

    def basis(self, doublings: int) -> Basis:
        """The basis of the bubble, or one of a higher cutoff."""
        cutoff = max(WIDTHS * self.bubble.band.width / self.T, 1.0) * 2.0**doublings
        return basis_of(cutoff, PRECISION)

    def rows(self, measure: Measure) -> np.ndarray:
        """(asked,) rows of a measure."""
        order = np.argsort(measure.matsubara)
        return order[np.searchsorted(measure.matsubara, self.asked, sorter=order)]

"""Dynamical mean field theory of one electron and two-level systems: from ladders to spectra and transport.

The self-energy is held as Legendre series on panels that divide the first rung of the ladder; a panel belongs
to all rungs at once. Panels are halved until the self-energy, the Green function and both integrands with
their Boltzmann factors are resolved on every rung that counts. (Rammal, Ciuchi and Fratini, appendix A;
energies from all two-level systems down.)
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.polynomial import legendre as series

from xglass.engine.core.operations import operation
from xglass.engine.core.points import Kind, over_points
from xglass.engine.tls.dmft_lattices import (
    Chain,
    Ladder,
    Lattice,
    Transform,
    Transformed,
    cold,
    extent,
    free,
    ground_state_energy,
    image,
    static_self_energy,
)

#: Orders of the Legendre series on a panel.
ORDER = 16
NODES, GAUSS_WEIGHTS = series.leggauss(ORDER)
_POLYNOMIALS = series.legvander(NODES, ORDER - 1)
_ANALYSIS = _POLYNOMIALS.T * GAUSS_WEIGHTS * (np.arange(ORDER)[:, None] + 0.5)
#: Gauss rules of 16, 7 and 3 nodes, the shorter ones filled up with zeros.
_RULES = np.array([[np.pad(part, (0, ORDER - n)) for part in series.leggauss(n)] for n in (ORDER, 7, 3)])
#: Most halvings of a panel.
HALVINGS = 44
#: Most work on one point: iterations of a rung (some 50 ns each), and nodes of the frequency integral times
#: rungs (some 100 ns each).
MOST_ITERATIONS = 100_000_000
MOST_NODES = 60_000_000
#: Least density of states that a ladder determines: imaginary parts below are differences of numbers at the
#: end of the range.
LEAST = 1e-250
#: Largest violation of the sum rule with which a total weight is given, and largest residual with which
#: thermal quantities are.
VIOLATION, WRONG = 1e-5, 1e-4
#: Share of the total weight that an interval of frequency may be wrong by.
TOLERANCE = 1e-7
#: Least weight of a subband between two nodes for which a panel is halved.
HIDDEN = 1e-9
#: Most omega0 / T: below, the smallest imaginary parts leave the range of numbers.
COLDEST = 100.0
#: Logarithms of what is integrated, with its Boltzmann factor: from the least that counts (less would lose
#: digits) to that below which products stay within the range; no peak is that much higher than the first
#: sampling, its width would be e^-200.
FAINT, BRIGHT = -300.0, 200.0


class Panel(NamedTuple):
    """A panel of the first rung, and what the self-energy on it and on all rungs above amounts to."""

    left: float
    right: float
    series: np.ndarray  #: (rung, order) of the self-energy
    integrals: np.ndarray  #: (quantity), those of Integrands, over all rungs
    weights: np.ndarray  #: (rung) int e^{-beta (nu - reference)} N
    share: np.ndarray  #: (rung) of the integrals, the largest over those that are refined
    tail: np.ndarray  #: (rung) share of the last Legendre coefficients, the worst of all functions
    hidden: bool  #: whether a subband lies between two nodes
    residual: float  #: of the equations, and what series do not resolve, relative, times the share
    lit: np.ndarray  #: (rung) with states, or at least with a series that holds


class Samples(NamedTuple):
    """Functions of energy at the nodes of panels, (panel, node, rung)."""

    nu: np.ndarray  #: (panel, node) energies of the first rung
    residual: np.ndarray  #: (panel, node) of the equations
    sigma: np.ndarray
    z: np.ndarray  #: nu - Sigma
    states: np.ndarray
    kinetic: np.ndarray
    transport: np.ndarray
    log: np.ndarray  #: of e^{-beta nu} N, -inf where there are no states


class Integrands(NamedTuple):
    """What thermal averages integrate, (panel, node, rung)."""

    weight: np.ndarray  #: e^{-beta (nu - reference)} N
    kinetic: np.ndarray  #: of the kinetic energy, with the same factor
    transport: np.ndarray  #: D, with the same factor
    states: np.ndarray  #: N itself


@dataclass
class Solution:
    """The self-energy of one point as Legendre series, with the integrals that its panels were made for."""

    ladder: Ladder
    edges: np.ndarray  #: (panel + 1) of the first rung
    coefficients: np.ndarray  #: (panel, rung, order)
    reference: float  #: energy at which the Boltzmann factor is 1
    first: int  #: rungs first ... last - 1 hold all thermal weight
    last: int
    shares: np.ndarray  #: (panel) of the integrals, the largest over all of them
    weights: np.ndarray  #: (panel, rung) int e^{-beta (nu - reference)} N
    lit: np.ndarray  #: (panel, rung) with states, or at least with a series that holds
    norm: float  #: int e^{-beta (nu - reference)} N
    kinetic: float  #: int of the kinetic energy, with the same factor
    transport: float  #: int of D, with the same factor
    residual: float  #: of the equations, in the mean over the integrals, with what panels do not resolve


def _tails(values: np.ndarray, scale: np.ndarray | None = None) -> np.ndarray:
    """Return the share of the last two Legendre coefficients, (panel, rung).

    Values are (panel, node, rung), on their own scale or that of others.
    """
    last = np.abs(np.einsum("jn,pnk->pjk", _ANALYSIS[-2:], values)).sum(axis=1)
    most = np.abs(values if scale is None else scale).max(axis=1)
    return last / np.where(most > 0.0, most, 1.0)


def _halved(intervals: np.ndarray) -> np.ndarray:
    """Halve intervals (interval, end): all left halves, then all right ones."""
    middle = 0.5 * intervals.sum(axis=1)
    left = np.stack([intervals[:, 0], middle], axis=1)
    return np.concatenate([left, np.stack([middle, intervals[:, 1]], axis=1)])


def coarse(lattice: Lattice, ladder: Ladder) -> np.ndarray:
    """Begin with panels as wide as the temperature and the coupling allow: their ends (panel, 2)."""
    size = math.hypot(ladder.g, ladder.g_z)
    widest = min(4.0 * ladder.T, 0.5 * lattice.half_band, max(size, 0.25 * lattice.half_band))
    pieces = max(1, math.ceil(ladder.period / widest))
    grid = ladder.bottom + ladder.period * np.linspace(0.0, 1.0, pieces + 1)
    return np.stack([grid[:-1], grid[1:]], axis=1)


def sampled(lattice: Lattice, ladder: Ladder, ends: np.ndarray) -> Samples:
    """Solve the ladders at the nodes of panels with these ends (panel, 2)."""
    half = 0.5 * (ends[:, 1] - ends[:, 0])
    nu = 0.5 * ends.sum(axis=1)[:, None] + half[:, None] * NODES
    sigma, residual = lattice.self_energy(ladder, nu.ravel())
    sigma = sigma.reshape(*nu.shape, ladder.rungs)
    energy = nu[:, :, None] + ladder.spacing * np.arange(ladder.rungs)
    z = energy - sigma
    states, kinetic, transport = lattice.densities(z)
    # Below the spectrum states fall from rung to rung by e^{-omega0/T} and more; what follows a rung too
    # small to tell is no state
    dark = (states < LEAST) & (energy < -lattice.half_band - math.hypot(ladder.g, ladder.g_z))
    below = np.logical_or.accumulate(dark[..., ::-1], axis=2)[..., ::-1]
    states = np.where(below | (states < LEAST), 0.0, states)
    there = states > 0.0
    log = np.where(there, np.log(np.where(there, states, 1.0)) - 1.0 / ladder.T * energy, -np.inf)
    return Samples(nu, residual.reshape(nu.shape), sigma, z, states, kinetic, transport, log)


def weighted(samples: Samples, exponent: np.ndarray) -> Integrands:
    """Return the integrands, from the logarithm of the first."""
    there = (samples.states > 0.0) & (exponent > FAINT)
    weight = np.where(there, np.exp(np.clip(exponent, FAINT, BRIGHT)), 0.0)
    divisor = np.where(samples.states > 0.0, samples.states, 1.0)
    ratio = weight / divisor
    transport = weight * np.where(there, samples.transport / divisor, 0.0)
    return Integrands(weight, samples.kinetic * ratio, transport, samples.states)


def measured(
    lattice: Lattice, ends: np.ndarray, samples: Samples, integrands: Integrands, done: list[Panel]
) -> list[Panel]:
    """Return panels with their series and integrals, of which the shares are those of all, with ``done``."""
    half = 0.5 * (ends[:, 1] - ends[:, 0])
    integrals = (half[:, None, None] * GAUSS_WEIGHTS[:, None] * np.stack(integrands)).sum(axis=2)
    integrals = np.nan_to_num(integrals, posinf=0.0)  # (quantity, panel, rung)
    totals = np.abs(integrals).sum(axis=(1, 2))
    totals = totals + sum(np.nan_to_num(np.abs(panel.integrals)) for panel in done)
    # of a given lattice D is a numerical derivative, and panels do not resolve its noise
    own = isinstance(lattice, Chain)
    refined = [0, 2, 3] if own else [0, 3]
    share = np.abs(integrals[refined]) / np.maximum(totals[refined], 1e-300)[:, None, None]
    share = share.max(axis=0)
    # what the series miss
    sigma, green = samples.sigma, lattice.green(samples.z)
    of_sigma = [_tails(sigma.imag), _tails(sigma.real, sigma)]
    tails = [*of_sigma, _tails(integrands.weight), _tails(integrands.states), _tails(green.real, green)]
    if own:
        tails.append(_tails(integrands.transport))
    tail = np.max(tails, axis=0)
    missing = np.where(tail > lattice.resolved, tail * share, 0.0).sum(axis=1)
    residual = samples.residual.max(axis=1) * share.sum(axis=1) + missing
    # a pole of Sigma on a rung without states: its series means nothing, and must not make any
    lit = (np.max(of_sigma, axis=0) < 1e-4) | (share > lattice.negligible)
    # z rises through the band between two nodes: a narrow subband (where it falls, Sigma has a pole, and
    # there are no states)
    step, rise = np.diff(samples.nu, axis=1)[:, :, None], np.diff(samples.z.real, axis=1)
    below, above = samples.z.real[:, :-1] < -lattice.half_band, samples.z.real[:, 1:] > lattice.half_band
    hidden = np.any(below & above & (step > HIDDEN * rise), axis=(1, 2))
    series_of = np.einsum("jn,pnk->pkj", _ANALYSIS, sigma)
    return [
        Panel(
            left=ends[p, 0],
            right=ends[p, 1],
            series=series_of[p],
            integrals=integrals[:, p].sum(axis=1),
            weights=integrals[0, p],
            share=share[p],
            tail=tail[p],
            hidden=hidden[p],
            residual=residual[p],
            lit=lit[p],
        )
        for p in range(len(ends))
    ]


def resolved(panels: list[Panel], lattice: Lattice) -> np.ndarray:
    """Whether panels need not be halved, (panel)."""
    tail, share = np.array([panel.tail for panel in panels]), np.array([panel.share for panel in panels])
    half = np.array([0.5 * (panel.right - panel.left) for panel in panels])
    rounding = 3e-15 * lattice.half_band / half[:, None]  # of energies, on a panel of this width
    rough = tail > np.maximum(lattice.resolved, rounding)
    rough &= (tail * share > lattice.negligible) & (share > lattice.negligible)
    return ~(rough.any(axis=1) | np.array([panel.hidden for panel in panels]))


def joined(panels: list[Panel], *, ladder: Ladder, reference: float, lost: float) -> Solution:
    """Return the solution on panels that are resolved; ``lost`` is added to its residual."""
    panels = sorted(panels, key=lambda panel: panel.left)
    integrals = np.array([panel.integrals for panel in panels])
    total = np.sum(integrals, axis=0)
    weights = np.array([panel.weights for panel in panels])
    heavy = np.flatnonzero(np.sum(weights, axis=0) > 1e-14 * total[0])
    return Solution(
        ladder=ladder,
        edges=np.array([*(panel.left for panel in panels), ladder.bottom + ladder.period]),
        coefficients=np.array([panel.series for panel in panels]),
        reference=reference,
        first=int(heavy[0]),
        last=int(heavy[-1]) + 1,
        shares=np.max(np.abs(integrals) / np.maximum(np.abs(total), 1e-300), axis=1),
        weights=weights,
        lit=np.array([panel.lit for panel in panels]),
        norm=float(total[0]),
        kinetic=float(total[1]),
        transport=float(total[2]),
        residual=float(sum(panel.residual for panel in panels)) + lost,
    )


def solved(lattice: Lattice, ladder: Ladder) -> Solution:
    """Solve one point, T > 0, on panels that resolve Sigma, the Green function and thermal integrands."""
    beta = 1.0 / ladder.T
    pending, done = coarse(lattice, ladder), list[Panel]()
    reference, lost = math.nan, 0.0
    for halving in range(HALVINGS + 1):
        samples = sampled(lattice, ladder, pending)
        if math.isnan(reference):
            reference = -float(samples.log.max()) / beta
        exponent = samples.log + beta * reference
        if (exponent > BRIGHT).any():
            lost = math.inf
        panels = measured(lattice, pending, samples, weighted(samples, exponent), done)
        fine = resolved(panels, lattice)
        if halving == HALVINGS or lattice.work > MOST_ITERATIONS:
            fine[:] = True  # what is not resolved counts in the residual
        done += [panels[p] for p in np.flatnonzero(fine)]
        if fine.all():
            break
        pending = _halved(pending[~fine])
    return joined(done, ladder=ladder, reference=reference, lost=lost)


def spectrum(
    lattice: Lattice, solution: Solution, frequency: np.ndarray, heavy: np.ndarray | None = None
) -> np.ndarray:
    """Return the optical conductivity per particle at frequencies of either sign: sigma is even.

    ``heavy`` (panel, rung) says where the thermal weight is held to lie, in place of all rungs that hold any.
    """
    ladder, omega = solution.ladder, np.abs(frequency)
    beta = 1.0 / ladder.T
    if isinstance(lattice, Chain):
        from xglass.engine.tls import dmft_kernels

        out, lit = np.empty(omega.size), solution.lit
        panels = dmft_kernels.Series(
            edges=solution.edges,
            coefficients=solution.coefficients,
            shares=solution.shares,
            heavy=lit if heavy is None else heavy & lit,
            lit=lit,
        )
        point = dmft_kernels.Point(
            spacing=ladder.spacing,
            t=ladder.t,
            beta=beta,
            reference=solution.reference,
            first=solution.first,
            last=solution.last,
        )
        dmft_kernels.spectrum(np.ascontiguousarray(omega), panels, point, _RULES, _ANALYSIS[-2:].copy(), out)
    else:
        out = np.array([_bubbles(lattice, solution, w) for w in omega])
    with np.errstate(invalid="ignore"):
        factor = np.where(omega > 0.0, -np.expm1(-beta * omega) / np.where(omega > 0.0, omega, 1.0), beta)
    sigma = np.pi * factor * out / solution.norm
    return np.where(omega > 0.0, sigma, np.pi * beta * solution.transport / solution.norm)


def _bubbles(lattice: Transformed, solution: Solution, omega: float) -> float:
    """Integrate e^{-beta (nu - reference)} B(nu, nu + w) over nu, of a given lattice and at one frequency.

    This is dmft_kernels.spectrum in numpy, without its search for narrow peaks.
    """
    ladder, edges = solution.ladder, solution.edges
    jump = math.floor(omega / ladder.spacing) if ladder.spacing else 0
    rest = omega - jump * ladder.spacing
    shifted = edges - rest
    cuts = np.concatenate([edges, shifted, shifted + ladder.period if ladder.spacing else []])
    cuts = np.unique(cuts[(cuts >= edges[0]) & (cuts <= edges[-1])])
    half = 0.5 * np.diff(cuts)
    x = (0.5 * (cuts[1:] + cuts[:-1])[:, None] + half[:, None] * NODES).ravel()
    weights = (half[:, None] * GAUSS_WEIGHTS).ravel()
    rungs = np.arange(solution.first, solution.last)
    lift = ((x + rest >= edges[-1]) & (ladder.spacing > 0.0)).astype(int)
    inside = x + rest - lift * ladder.period <= edges[-1]
    x, weights, lift = x[inside], weights[inside], lift[inside]

    def sigma(offset: np.ndarray, rung: np.ndarray) -> np.ndarray:
        panel = np.clip(np.searchsorted(edges, offset) - 1, 0, edges.size - 2)
        left, right = edges[panel], edges[panel + 1]
        values = series.legvander((2.0 * offset - left - right) / (right - left), ORDER - 1)
        picked = solution.coefficients[panel[:, None], np.minimum(rung, ladder.rungs - 1)]
        result = np.einsum("xi,xki->xk", values, picked)
        return result.real + 1j * np.minimum(result.imag, 0.0)

    upper = rungs + jump + lift[:, None]
    nu = x[:, None] + rungs * ladder.spacing
    one = nu - sigma(x, np.broadcast_to(rungs, nu.shape))
    two = nu + omega - sigma(x + rest - lift * ladder.period, upper)
    panel = np.clip(
        np.searchsorted(edges, np.stack([x, x + rest - lift * ladder.period])) - 1, 0, edges.size - 2
    )
    there = (upper < ladder.rungs) & solution.lit[panel[0][:, None], rungs]
    there &= solution.lit[panel[1][:, None], np.minimum(upper, ladder.rungs - 1)]
    values = np.where(there, lattice.bubble(one, two), 0.0)
    boltzmann = np.exp(np.minimum(-(nu - solution.reference) / ladder.T, 700.0))
    return float((weights[:, None] * boltzmann * values).sum())


def _hiding_places(lattice: Lattice, solution: Solution, width: float) -> np.ndarray:
    """Return frequencies between which the conductivity may hide narrow peaks.

    These are the ends of the differences of bands, and multiples of omega0. Bands are runs of energies with a
    density of states over 1e-3 of its largest, thermal ones hold over 1e-6 of the thermal weight.
    """
    ladder, edges = solution.ladder, solution.edges
    lift = ladder.spacing * np.arange(ladder.rungs)
    ends = np.stack([edges[:-1], edges[1:]])[:, :, None] + lift  # (end, panel, rung)
    sigma = np.einsum("ni,pki->npk", _POLYNOMIALS, solution.coefficients)
    nodes = 0.5 * (ends[0] + ends[1]) + 0.5 * (ends[1] - ends[0]) * NODES[:, None, None]
    states = np.abs(lattice.densities(nodes - sigma.real - 1j * np.minimum(sigma.imag, 0.0))[0]).max(axis=0)
    states = np.where(solution.lit, states, 0.0).ravel("F")
    weight = solution.weights.ravel("F")
    ends = ends.reshape(2, -1, order="F")

    def runs(there: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        turns = np.diff(np.concatenate([[False], there, [False]]).astype(int))
        return ends[0][turns[:-1] == 1], ends[1][turns[1:] == -1]

    low, high = runs(states > 1e-3 * min(1.0 / lattice.half_band, states.max()))
    bottom, top = runs(weight > 1e-6 * solution.norm)
    if low.size * bottom.size > 4096:
        low, high = low[:1], high[-1:]
    least = (low - top[:, None]).ravel()
    most = (high - bottom[:, None]).ravel()
    order = np.argsort(least)
    least, reach = least[order], np.maximum.accumulate(most[order])
    first = np.append(True, least[1:] > reach[:-1])  # differences that overlap are one
    pieces = np.concatenate([least[first], reach[np.append(first[1:], True)]])
    if ladder.spacing:
        pieces = np.append(pieces, ladder.spacing * np.arange(1, 1 + min(8, int(width / ladder.spacing))))
    pieces = np.sort(pieces[(pieces > 0.0) & (pieces < width)])
    return pieces[np.append(True, np.diff(pieces) > 1e-6 * width)] if pieces.size else pieces


def total_weight(lattice: Lattice, solution: Solution) -> float:
    """Integrate sigma over w > 0, by halving intervals of frequency until sigma is a polynomial on each.

    NaN where that takes more work than MOST_NODES, or where the sum rule int sigma = (pi/2) <-K> says that a
    narrow peak was missed.
    """
    ladder = solution.ladder
    expected = -0.5 * np.pi * solution.kinetic / solution.norm
    width = max(ladder.period, 1e-3) * (ladder.rungs - solution.first)
    # about the width of a Drude peak of that height and all weight
    drude = -0.5 * ladder.T * solution.kinetic / solution.transport
    if not drude >= 1e-11 * lattice.half_band:  # closer than energies are to one another in double precision
        return np.nan
    count = max(9, math.ceil(math.log(width / min(drude, 0.5 * width)) / math.log(4.0)))
    grid = np.append(0.0, np.geomspace(min(drude, 0.5 * width), width, count))
    cuts = np.union1d(grid, _hiding_places(lattice, solution, width))
    pending = np.stack([cuts[:-1], cuts[1:]], axis=1)
    heavy = solution.weights > 1e-12 * solution.norm
    each, spent = 2 * ORDER * ORDER * int(np.count_nonzero(heavy)), 0
    total = 0.0
    while True:
        spent += each * len(pending)
        if spent > MOST_NODES:
            return np.nan
        half = 0.5 * (pending[:, 1] - pending[:, 0])
        nodes = 0.5 * pending.sum(axis=1)[:, None] + half[:, None] * NODES
        values = spectrum(lattice, solution, nodes.ravel(), heavy).reshape(nodes.shape)
        parts = half * (values @ GAUSS_WEIGHTS)
        share = np.abs(parts) / max(abs(total) + np.abs(parts).sum(), expected)
        rough = _tails(values[:, :, None])[:, 0] * share > TOLERANCE
        rough &= half > 1e-13 * lattice.half_band
        total += parts[~rough].sum()
        if not rough.any():
            break
        pending = _halved(pending[rough])
    return float(total) if abs(total - expected) <= VIOLATION * expected else np.nan


def one_particle(
    lattice: Lattice, ladder: Ladder, solution: Solution | None, energy: np.ndarray
) -> tuple[np.ndarray, float]:
    """Return Sigma at the energies asked for, and the residual of its equation there.

    From the series at nu and nu +- omega0, once more through the equations of the impurity; where these do
    not agree, from a ladder of its own.
    """
    if ladder.g == 0.0 == ladder.g_z:
        return np.zeros(energy.size, np.complex128), 0.0
    if ladder.omega0 == 0.0:
        sigma, residual = static_self_energy(lattice, ladder, energy)
        return sigma, float(np.mean(residual))
    if solution is None:
        return cold(lattice, ladder, energy)[0][-1], 0.0
    place = (energy - ladder.bottom) / ladder.spacing
    rung = np.floor(place).astype(int)
    offset = ladder.bottom + (place - rung) * ladder.spacing
    panel = np.clip(np.searchsorted(solution.edges, offset) - 1, 0, solution.edges.size - 2)
    left, right = solution.edges[panel], solution.edges[panel + 1]
    polynomials = series.legvander((2.0 * offset - left - right) / (right - left), ORDER - 1)
    found: list[np.ndarray] = []
    baths: list[np.ndarray] = []
    for shift in (-1, 0, 1):
        k = np.clip(rung + shift, 0, ladder.rungs - 1)
        value = np.einsum("ei,ei->e", polynomials, solution.coefficients[panel, k])
        value = value.real + 1j * np.minimum(value.imag, 0.0)
        nu = energy + shift * ladder.spacing
        found.append(value)
        baths.append(lattice.inverse_bath(nu, nu - value))
    result = image(baths[0], baths[1], baths[2], ladder.g, ladder.g_z, ladder.p, ladder.q)
    residual = np.abs(result - found[1]) / (math.hypot(ladder.g, ladder.g_z) + np.abs(result))
    bad = np.flatnonzero((residual > 1e-10) | (rung < 1) | (rung > ladder.rungs - 2))
    if bad.size:
        exact, left_over = lattice.self_energy(ladder, offset[bad])
        result[bad] = exact[np.arange(bad.size), np.clip(rung[bad], 0, ladder.rungs - 1)]
        residual[bad] = np.minimum(left_over, 1.0)
    return result, float(np.mean(residual))


def _lattice(t: float, hilbert: Transform | None, vertex: Transform | None = None) -> Lattice:
    """Return the lattice: the chain where no other is given."""
    return Chain(abs(t)) if hilbert is None else Transformed(hilbert, vertex)


def point(
    t: float,
    g: float,
    g_z: float,
    omega0: float,
    T: float,
    *,
    frequency: np.ndarray,
    energy: np.ndarray,
    hilbert: Transform | None,
    vertex: Transform | None,
) -> tuple[np.ndarray | float | bool, ...]:
    """Solve one point: sigma, mobility, <K>, states, rate, Sigma, G, converged, residual."""
    lattice = _lattice(t, hilbert, vertex)
    lowest, highest = energy.min(), energy.max()
    ladder = extent(abs(t), g, g_z, omega0, T, lowest - omega0, highest + omega0, lattice.half_band)
    sigma, mobility, kinetic = np.full(frequency.size, np.nan), np.nan, np.nan
    solution, residual = None, 0.0
    if g == 0.0 and (g_z == 0.0 or (T == 0.0 and omega0 > 0.0)):
        kinetic, mobility = free(lattice, T), np.inf
        sigma = np.where(frequency == 0.0, np.inf, 0.0)
    elif T > 0.0 and omega0 > COLDEST * T:  # what is thermal is NaN, Sigma that of T = 0
        ladder = extent(abs(t), g, g_z, omega0, 0.0, lowest, highest, lattice.half_band)
        residual = np.nan
    elif T > 0.0:
        solution = solved(lattice, ladder)
        residual = solution.residual
        if residual < WRONG:
            kinetic = solution.kinetic / solution.norm
        if lattice.transport and residual < WRONG:
            sigma = spectrum(lattice, solution, frequency)
            mobility = np.pi / T * solution.transport / solution.norm
    elif omega0 > 0.0:
        mobility = np.inf
    if not lattice.transport:
        sigma, mobility = np.full(frequency.size, np.nan), np.nan
    self_energy, own = one_particle(lattice, ladder, solution, energy)
    green = lattice.green(energy - self_energy)
    residual = max(residual, own)
    states, rate = -green.imag / np.pi, -self_energy.imag
    return sigma, mobility, kinetic, states, rate, self_energy, green, residual < 1e-7, residual


def weight(
    t: float,
    g: float,
    g_z: float,
    omega0: float,
    T: float,
    *,
    hilbert: Transform | None,
    vertex: Transform | None,
) -> float:
    """Return the total weight of one point."""
    lattice = _lattice(t, hilbert, vertex)
    ladder = extent(abs(t), g, g_z, omega0, T, 0.0, 0.0, lattice.half_band)
    if g == 0.0 and (g_z == 0.0 or (T == 0.0 and omega0 > 0.0)):
        return -0.5 * np.pi * free(lattice, T) if hilbert is None else np.nan
    if T == 0.0 or omega0 > COLDEST * T or not lattice.transport:
        return np.nan
    solution = solved(lattice, ladder)
    return total_weight(lattice, solution) if solution.residual < WRONG else np.nan


def ground_state(t: float, g: float, g_z: float, omega0: float, *, hilbert: Transform | None) -> float:
    """Return the ground state energy of one point."""
    lattice = _lattice(t, hilbert)
    return ground_state_energy(lattice, extent(abs(t), g, g_z, omega0, 0.0, 0.0, 0.0, lattice.half_band))


def baths(t: float, g: float, g_z: float, omega0: float, T: float, energy: np.ndarray) -> np.ndarray:
    """Return 1/G0 (3, energy) of one point of the chain at energy - omega0, energy and energy + omega0."""
    lattice = Chain(abs(t))
    lowest, highest = energy.min() - 2.0 * omega0, energy.max() + 2.0 * omega0
    ladder = extent(abs(t), g, g_z, omega0, T, lowest, highest, 2.0 * abs(t))
    solution = solved(lattice, ladder) if T > 0.0 and (g or g_z) and omega0 <= COLDEST * T else None
    shifted = (energy + k * omega0 for k in (-1, 0, 1))
    return np.array(
        [lattice.inverse_bath(nu, nu - one_particle(lattice, ladder, solution, nu)[0]) for nu in shifted]
    )


def quasiparticle_mobility(t: float, g: float, g_z: float, omega0: float, T: float) -> float:
    """Return the mobility of Eq. (A20) of one point of the chain; T > 0."""
    if not T > 0.0 or omega0 > COLDEST * T:
        return np.nan
    lattice = Chain(abs(t))
    ladder = extent(abs(t), g, g_z, omega0, T, 0.0, 0.0, lattice.half_band)
    if g == 0.0 == g_z:
        return np.inf
    solution = solved(lattice, ladder)
    if not solution.residual < WRONG:
        return np.nan
    left, right = solution.edges[:-1], solution.edges[1:]
    centre, half = 0.5 * (left + right)[:, None], 0.5 * (right - left)[:, None]
    sigma = np.einsum("ni,pki->pnk", _POLYNOMIALS, solution.coefficients)
    nu = (centre + half * NODES)[:, :, None] + ladder.spacing * np.arange(ladder.rungs)
    bare = nu - sigma.real
    speed = np.sqrt(np.maximum(lattice.half_band**2 - bare**2, 0.0))  # phi = speed^2, N = 1 / (pi speed)
    inside = (speed > 0.0) & (sigma.imag < 0.0)
    boltzmann = np.exp(np.where(inside, -(nu - solution.reference) / T, -np.inf))
    weights = (half * GAUSS_WEIGHTS)[:, :, None] * boltzmann
    with np.errstate(divide="ignore", invalid="ignore"):
        moved = np.where(inside, weights * speed / -sigma.imag, 0.0).sum()
        norm = np.where(inside, weights / speed, 0.0).sum()
    return float(moved / norm / (2.0 * T))  # Eq. (A20)


# --- arrays of points --------------------------------------------------------------------------------------


@operation("dmft", revision=2)
def mean_field(
    t: np.ndarray,
    g: np.ndarray,
    g_z: np.ndarray,
    omega0: np.ndarray,
    T: np.ndarray,
    frequency: np.ndarray,
    energy: np.ndarray,
    *,
    hilbert: Transform | None = None,
    vertex: Transform | None = None,
) -> tuple[np.ndarray, ...]:
    """All of :func:`point` for parameters (...); grids last."""
    function = functools.partial(point, frequency=frequency, energy=energy, hilbert=hilbert, vertex=vertex)
    real, complex_ = (float, (energy.size,)), (complex, (energy.size,))
    out: list[Kind] = [
        (float, (frequency.size,)),
        float,
        float,
        real,
        real,
        complex_,
        complex_,
        bool,
        float,
    ]
    return over_points(function, (t, g, g_z, omega0, T), 0, out)


@operation("dmft.total_weight")
def weights(
    t: np.ndarray,
    g: np.ndarray,
    g_z: np.ndarray,
    omega0: np.ndarray,
    T: np.ndarray,
    *,
    hilbert: Transform | None = None,
    vertex: Transform | None = None,
) -> np.ndarray:
    """Total weights for parameters (...)."""
    function = functools.partial(weight, hilbert=hilbert, vertex=vertex)
    return over_points(function, (t, g, g_z, omega0, T), 0, float)


@operation("dmft.ground_state_energy")
def ground_states(
    t: np.ndarray, g: np.ndarray, g_z: np.ndarray, omega0: np.ndarray, *, hilbert: Transform | None = None
) -> np.ndarray:
    """Ground state energies for parameters (...)."""
    return over_points(functools.partial(ground_state, hilbert=hilbert), (t, g, g_z, omega0), 0, float)


def bath(
    t: np.ndarray, g: np.ndarray, g_z: np.ndarray, omega0: np.ndarray, T: np.ndarray, energy: np.ndarray
) -> np.ndarray:
    """1/G0 (..., 3, energy) at energy - omega0, energy and energy + omega0, on the chain."""
    out = (complex, (3, energy.shape[-1]))
    return over_points(baths, (t, g, g_z, omega0, T, energy), (0, 0, 0, 0, 0, 1), out)


def boltzmann(t: np.ndarray, g: np.ndarray, g_z: np.ndarray, omega0: np.ndarray, T: np.ndarray) -> np.ndarray:
    """Mobility of Eq. (A20) for parameters (...), with the scattering rate of the full solution; T > 0."""
    return over_points(quasiparticle_mobility, (t, g, g_z, omega0, T), 0, float)

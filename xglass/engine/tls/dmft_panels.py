"""Dynamical mean field theory: the self-energy as Legendre series on panels.

Panels divide the first rung of the ladder; a panel belongs to all rungs at once. They are halved until the
self-energy, the Green function and both integrands with their Boltzmann factors are resolved on every rung
that counts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.polynomial import legendre as series

from xglass.engine.tls.dmft_lattices import Chain, Ladder, Lattice

#: Orders of the Legendre series on a panel.
ORDER = 16
NODES, GAUSS_WEIGHTS = series.leggauss(ORDER)
POLYNOMIALS = series.legvander(NODES, ORDER - 1)
ANALYSIS = POLYNOMIALS.T * GAUSS_WEIGHTS * (np.arange(ORDER)[:, None] + 0.5)

#: Most halvings of a panel.
HALVINGS = 44

#: Least density of states that a ladder determines: imaginary parts below are differences of numbers at the
#: end of the range.
LEAST = 1e-250

#: Least weight of a subband between two nodes for which a panel is halved.
HIDDEN = 1e-9

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


def tail_shares(values: np.ndarray, scale: np.ndarray | None = None) -> np.ndarray:
    """Return the share of the last two Legendre coefficients, (panel, rung).

    Values are (panel, node, rung), on their own scale or that of others.
    """
    last = np.abs(np.einsum("jn,pnk->pjk", ANALYSIS[-2:], values)).sum(axis=1)
    most = np.abs(values if scale is None else scale).max(axis=1)
    return last / np.where(most > 0.0, most, 1.0)


def halved(intervals: np.ndarray) -> np.ndarray:
    """Halve intervals (interval, end): all left halves, then all right ones."""
    middle = 0.5 * intervals.sum(axis=1)
    left = np.stack([intervals[:, 0], middle], axis=1)
    return np.concatenate([left, np.stack([middle, intervals[:, 1]], axis=1)])


def coarse(lattice: Lattice, ladder: Ladder) -> np.ndarray:
    """Begin with panels as wide as the temperature and the coupling allow: their ends (panel, 2).

    Or with those that resolve the self-energy, where these are known; integrands have them halved.
    """
    if isinstance(lattice, Chain) and lattice.edges is not None:
        return np.stack([lattice.edges[:-1], lattice.edges[1:]], axis=1)
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


@np.errstate(invalid="ignore")  # a node on a pole of Sigma
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
    of_sigma = [tail_shares(sigma.imag), tail_shares(sigma.real, sigma)]
    tails = [
        *of_sigma,
        tail_shares(integrands.weight),
        tail_shares(integrands.states),
        tail_shares(green.real, green),
    ]
    if own:
        tails.append(tail_shares(integrands.transport))
    tail = np.nan_to_num(np.max(tails, axis=0), nan=1.0)  # a node on a pole of Sigma resolves nothing
    missing = np.where(tail > lattice.resolved, tail * share, 0.0).sum(axis=1)
    residual = samples.residual.max(axis=1) * share.sum(axis=1) + missing
    # a pole of Sigma on a rung without states: its series means nothing, and must not make any
    lit = (np.max(of_sigma, axis=0) < 1e-4) | (share > lattice.negligible)
    # z rises through the band between two nodes: a narrow subband (where it falls, Sigma has a pole, and
    # there are no states)
    step, rise = np.diff(samples.nu, axis=1)[:, :, None], np.diff(samples.z.real, axis=1)
    below, above = samples.z.real[:, :-1] < -lattice.half_band, samples.z.real[:, 1:] > lattice.half_band
    hidden = np.any(below & above & (step > HIDDEN * rise), axis=(1, 2))
    series_of = np.einsum("jn,pnk->pkj", ANALYSIS, sigma)
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
        if halving == HALVINGS or lattice.work > lattice.most:
            fine[:] = True  # what is not resolved counts in the residual
        done += [panels[p] for p in np.flatnonzero(fine)]
        if fine.all():
            break
        pending = halved(pending[~fine])
    solution = joined(done, ladder=ladder, reference=reference, lost=lost)
    solution.residual += lattice.hidden(ladder, reference) / solution.norm
    return solution

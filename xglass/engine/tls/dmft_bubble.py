"""Dynamical mean field theory: the conductivity as an integral over pairs of energies, and its weight."""

from __future__ import annotations

import math

import numpy as np
from numpy.polynomial import legendre as series

from xglass.engine.tls.dmft_lattices import Chain, Lattice, Transformed
from xglass.engine.tls.dmft_panels import (
    ANALYSIS,
    GAUSS_WEIGHTS,
    NODES,
    ORDER,
    POLYNOMIALS,
    Solution,
    halved,
    tail_shares,
)

#: Gauss rules of 16, 7 and 3 nodes, the shorter ones filled up with zeros.
_RULES = np.array([[np.pad(part, (0, ORDER - n)) for part in series.leggauss(n)] for n in (ORDER, 7, 3)])

#: Most work on one total weight: nodes of the frequency integral times rungs (some 100 ns each).
MOST_NODES = 60_000_000

#: Largest violation of the sum rule with which a total weight is given.
VIOLATION = 1e-5

#: Share of the total weight that an interval of frequency may be wrong by.
TOLERANCE = 1e-7


def spectrum(
    lattice: Lattice, solution: Solution, frequency: np.ndarray, heavy: np.ndarray | None = None
) -> np.ndarray:
    """Return the optical conductivity per particle at frequencies of either sign: sigma is even.

    ``heavy`` (panel, rung) says where the thermal weight is held to lie, in place of all rungs that hold any.
    """
    ladder, omega = solution.ladder, np.abs(frequency)
    beta = 1.0 / ladder.T
    if isinstance(lattice, Chain):
        from xglass.engine.tls import dmft_bubble_kernels as kernels

        out, lit = np.empty(omega.size), solution.lit
        panels = kernels.Series(
            edges=solution.edges,
            coefficients=solution.coefficients,
            shares=solution.shares,
            heavy=lit if heavy is None else heavy & lit,
            lit=lit,
        )
        point = kernels.Point(
            spacing=ladder.spacing,
            t=ladder.t,
            beta=beta,
            reference=solution.reference,
            first=solution.first,
            last=solution.last,
        )
        kernels.spectrum(np.ascontiguousarray(omega), panels, point, _RULES, ANALYSIS[-2:].copy(), out)
    else:
        out = np.array([_bubbles(lattice, solution, w) for w in omega])
    with np.errstate(invalid="ignore"):
        factor = np.where(omega > 0.0, -np.expm1(-beta * omega) / np.where(omega > 0.0, omega, 1.0), beta)
    sigma = np.pi * factor * out / solution.norm
    return np.where(omega > 0.0, sigma, np.pi * beta * solution.transport / solution.norm)


def _bubbles(lattice: Transformed, solution: Solution, omega: float) -> float:
    """Integrate e^{-beta (nu - reference)} B(nu, nu + w) over nu, of a given lattice and at one frequency.

    This is dmft_bubble_kernels.spectrum in numpy, without its search for narrow peaks.
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
    sigma = np.einsum("ni,pki->npk", POLYNOMIALS, solution.coefficients)
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
        rough = tail_shares(values[:, :, None])[:, 0] * share > TOLERANCE
        rough &= half > 1e-13 * lattice.half_band
        total += parts[~rough].sum()
        if not rough.any():
            break
        pending = halved(pending[rough])
    return float(total) if abs(total - expected) <= VIOLATION * expected else np.nan

"""Dynamical mean field theory of one electron and two-level systems: from ladders of energies to spectra and
transport.

The self-energy is held as Legendre series on panels that divide the first rung of the ladder; a panel belongs
to all rungs at once. Panels are halved until the self-energy, the Green function and both integrands with
their Boltzmann factors are resolved on every rung that counts. (Rammal, Ciuchi and Fratini, appendix A;
energies from all two-level systems down.)
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre as series

from xglass.engine.tls import dmft_kernels
from xglass.engine.tls.dmft_lattices import (
    Chain,
    Ladder,
    Transform,
    Transformed,
    cold,
    extent,
    free,
    ground_state_energy,
    image,
)

#: Orders of the Legendre series on a panel.
ORDER = 16
NODES, WEIGHTS = series.leggauss(ORDER)
_POLYNOMIALS = series.legvander(NODES, ORDER - 1)
_ANALYSIS = _POLYNOMIALS.T * WEIGHTS * (np.arange(ORDER)[:, None] + 0.5)
#: Gauss rules of 16, 7 and 3 nodes, the shorter ones filled up with zeros.
_RULES = np.array([[np.pad(part, (0, ORDER - n)) for part in series.leggauss(n)] for n in (ORDER, 7, 3)])
#: Most halvings of a panel.
HALVINGS = 44
# : Most work on one point: iterations of a rung (some 50 ns each), and nodes of the frequency integral times
# rungs (some 100 ns each).
MOST_ITERATIONS = 100_000_000
MOST_NODES = 60_000_000
# : Least density of states that a ladder determines: imaginary parts below are differences of numbers at the
# end of the range.
LEAST = 1e-250
# : Largest violation of the sum rule with which a total weight is given, and largest residual with which
# thermal quantities are.
VIOLATION, WRONG = 1e-5, 1e-4
#: Share of the total weight that an interval of frequency may be wrong by.
TOLERANCE = 1e-7
#: Least weight of a subband between two nodes for which a panel is halved.
HIDDEN = 1e-9
#: Most omega0 / T: below, the smallest imaginary parts leave the range of numbers.
COLDEST = 100.0


@dataclass
class Solution:
    """The self-energy of one point as Legendre series on panels,
    with the integrals that its panels were made for.
    """

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
    # : of the equations, relative, in the mean over the integrals, with what the panels do not resolve
    residual: float


def _tails(values: np.ndarray, scale: np.ndarray | None = None) -> np.ndarray:
    """Share of the last two Legendre coefficients, (panel, rung), of values (panel, node,
    rung) on their own scale or that of others.
    """
    last = np.abs(np.einsum("jn,pnk->pjk", _ANALYSIS[-2:], values)).sum(axis=1)
    most = np.abs(values if scale is None else scale).max(axis=1)
    return last / np.where(most > 0.0, most, 1.0)


def solved(lattice: Chain | Transformed, ladder: Ladder) -> Solution:
    """Self-energy on panels that resolve it, the Green function and the thermal integrands. T > 0."""
    beta, rungs = 1.0 / ladder.T, np.arange(ladder.rungs)
    size = math.hypot(ladder.g, ladder.g_z)
    pieces = max(
        1,
        math.ceil(
            ladder.period / min(4.0 * ladder.T, 0.5 * lattice.half_band, max(size, 0.25 * lattice.half_band))
        ),
    )
    grid = ladder.bottom + ladder.period * np.linspace(0.0, 1.0, pieces + 1)
    pending = np.stack([grid[:-1], grid[1:]], axis=1)
    done: list[tuple[np.ndarray, ...]] = []
    reference, lost = math.nan, 0.0
    for halving in range(HALVINGS + 1):
        half = 0.5 * (pending[:, 1] - pending[:, 0])
        nu = 0.5 * pending.sum(axis=1)[:, None] + half[:, None] * NODES
        sigma, residual = lattice.self_energy(ladder, nu.ravel())
        sigma = sigma.reshape(*nu.shape, ladder.rungs)
        energy = nu[:, :, None] + ladder.spacing * rungs
        z = energy - sigma
        states, kinetic, transport = lattice.densities(z)
        # Below the spectrum states fall from rung to rung by e^{-omega0/T} and more; what follows a rung too
        # small to tell is no state
        dark = (states < LEAST) & (energy < -lattice.half_band - size)
        states = np.where(
            np.logical_or.accumulate(dark[..., ::-1], axis=2)[..., ::-1] | (states < LEAST), 0.0, states
        )
        there = states > 0.0
        divisor = np.where(there, states, 1.0)
        log = np.where(there, np.log(divisor) - beta * energy, -np.inf)
        if math.isnan(reference):
            reference = -float(log.max()) / beta
        # From e^-300, the least that counts (less would lose digits), to e^200, below which products stay
        # within the range; no peak is that much higher than the first sampling: its width would be e^-200
        exponent = log + beta * reference
        there &= exponent > -300.0
        clipped = bool((exponent > 200.0).any())
        weight = np.where(there, np.exp(np.clip(exponent, -300.0, 200.0)), 0.0)
        ratio = weight / divisor
        moved = weight * np.where(there, transport / divisor, 0.0)
        integrals = (
            half[:, None, None] * WEIGHTS[:, None] * np.stack([weight, kinetic * ratio, moved, states])
        )
        shares = integrals.sum(axis=2)  # (quantity, panel, rung)
        shares = np.nan_to_num(shares, posinf=0.0)
        totals = np.abs(shares).sum(axis=(1, 2)) + sum(np.nan_to_num(np.abs(part[2])) for part in done)
        green = lattice.green(z)
        tails = [_tails(part) for part in (sigma.imag, weight, states)] + [
            _tails(f.real, f) for f in (sigma, green)
        ]
        if isinstance(lattice, Chain):
            tails.append(_tails(moved))
        worst = np.max(tails, axis=0)
        kinds = [0, 2, 3] if isinstance(lattice, Chain) else [0, 3]
        share = (np.abs(shares[kinds]) / np.maximum(totals[kinds], 1e-300)[:, None, None]).max(axis=0)
        rounding = 3e-15 * lattice.half_band / half[:, None]  # of energies, on a panel of this width
        rough = (
            (worst > np.maximum(lattice.resolved, rounding))
            & (worst * share > lattice.negligible)
            & (share > lattice.negligible)
        ).any(axis=1)
        # z rises through the band between two nodes: a narrow subband (where it falls, Sigma has a pole, and
        # there are no states)
        step, rise = np.diff(nu, axis=1)[:, :, None], np.diff(z.real, axis=1)
        hidden = (
            (z.real[:, :-1] < -lattice.half_band)
            & (z.real[:, 1:] > lattice.half_band)
            & (step > HIDDEN * rise)
        )
        rough |= hidden.any(axis=(1, 2))
        if halving == HALVINGS or lattice.work > MOST_ITERATIONS:
            rough[:] = False  # what is not resolved counts in the residual
        series_of = np.einsum("jn,pnk->pkj", _ANALYSIS, sigma)
        lost += math.inf if clipped else 0.0
        left = residual.reshape(nu.shape).max(axis=1) * share.sum(axis=1) + np.where(
            worst > lattice.resolved, worst * share, 0.0
        ).sum(axis=1)
        # a pole of Sigma on a rung without states: its series means nothing, and must not make any
        lit = (np.max([tails[0], tails[3]], axis=0) < 1e-4) | (share > lattice.negligible)
        fine = ~rough
        for p in np.flatnonzero(fine):
            done.append((pending[p], series_of[p], shares[:, p].sum(axis=1), shares[0, p], left[p], lit[p]))
        if not rough.any():
            break
        middle = 0.5 * pending[rough].sum(axis=1)
        pending = np.concatenate(
            [np.stack([pending[rough, 0], middle], axis=1), np.stack([middle, pending[rough, 1]], axis=1)]
        )
    done.sort(key=lambda part: part[0][0])
    total = np.sum([part[2] for part in done], axis=0)
    heavy = np.flatnonzero(np.sum([part[3] for part in done], axis=0) > 1e-14 * total[0])
    return Solution(
        ladder,
        np.array([part[0][0] for part in done] + [ladder.bottom + ladder.period]),
        np.array([part[1] for part in done]),
        reference,
        int(heavy[0]),
        int(heavy[-1]) + 1,
        np.array([np.max(np.abs(part[2]) / np.maximum(np.abs(total), 1e-300)) for part in done]),
        np.array([part[3] for part in done]),
        np.array([part[5] for part in done]),
        float(total[0]),
        float(total[1]),
        float(total[2]),
        float(sum(part[4] for part in done)) + lost,
    )


def spectrum(
    lattice: Chain | Transformed, solution: Solution, frequency: np.ndarray, heavy: np.ndarray | None = None
) -> np.ndarray:
    """Optical conductivity per particle at frequencies of either sign: sigma is even.

    ``heavy`` (panel, rung): where the thermal weight is held to lie, in place of all of the rungs that hold
    any.
    """
    ladder, omega = solution.ladder, np.abs(frequency)
    beta = 1.0 / ladder.T
    if isinstance(lattice, Chain):
        out = np.empty(omega.size)
        lit = solution.lit
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
    """Int e^{-beta (nu - reference)} B(nu, nu + w) dnu of a given lattice:
    the integral of dmft_kernels.spectrum at one frequency.
    """
    ladder, edges = solution.ladder, solution.edges
    jump = math.floor(omega / ladder.spacing) if ladder.spacing else 0
    rest = omega - jump * ladder.spacing
    shifted = edges - rest
    cuts = np.concatenate([edges, shifted, shifted + ladder.period if ladder.spacing else []])
    cuts = np.unique(cuts[(cuts >= edges[0]) & (cuts <= edges[-1])])
    half = 0.5 * np.diff(cuts)
    x = (0.5 * (cuts[1:] + cuts[:-1])[:, None] + half[:, None] * NODES).ravel()
    weights = (half[:, None] * WEIGHTS).ravel()
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


def _cuts(lattice: Chain | Transformed, solution: Solution, width: float) -> np.ndarray:
    """Frequencies between which the conductivity may hide narrow peaks: ends of the differences of bands, and
    multiples of omega0.

    Bands are runs of energies with a density of states over 1e-3 of its largest, thermal ones hold over 1e-6
    of the thermal weight.
    """
    ladder, edges = solution.ladder, solution.edges
    ends = np.stack([edges[:-1], edges[1:]])[:, :, None] + ladder.spacing * np.arange(
        ladder.rungs
    )  # (end, panel, rung)
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


def total_weight(lattice: Chain | Transformed, solution: Solution) -> float:
    """Int_0^inf sigma dw, by halving intervals of frequency until sigma is a polynomial on each.

    NaN where that takes more work than MOST_NODES, or where the sum rule int sigma = (pi/2) <-K> says that a
    narrow peak was missed.
    """
    ladder = solution.ladder
    expected = -0.5 * np.pi * solution.kinetic / solution.norm
    width = max(ladder.period, 1e-3) * (ladder.rungs - solution.first)
    drude = (
        -0.5 * ladder.T * solution.kinetic / solution.transport
    )  # about the width of a Drude peak of that height and all weight
    if not drude >= 1e-11 * lattice.half_band:  # closer than energies are to one another in double precision
        return np.nan
    count = max(9, math.ceil(math.log(width / min(drude, 0.5 * width)) / math.log(4.0)))
    grid = np.append(0.0, np.geomspace(min(drude, 0.5 * width), width, count))
    cuts = np.union1d(grid, _cuts(lattice, solution, width))
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
        parts = half * (values @ WEIGHTS)
        share = np.abs(parts) / max(abs(total) + np.abs(parts).sum(), expected)
        rough = _tails(values[:, :, None])[:, 0] * share > TOLERANCE
        rough &= half > 1e-13 * lattice.half_band
        total += parts[~rough].sum()
        if not rough.any():
            break
        middle = 0.5 * pending[rough].sum(axis=1)
        pending = np.concatenate(
            [np.stack([pending[rough, 0], middle], axis=1), np.stack([middle, pending[rough, 1]], axis=1)]
        )
    return float(total) if abs(total - expected) <= VIOLATION * expected else np.nan


def one_particle(
    lattice: Chain | Transformed, ladder: Ladder, solution: Solution | None, energy: np.ndarray
) -> tuple[np.ndarray, float]:
    """Sigma at the energies asked for, and the residual of its equation there.

    From the series at nu and nu +- omega0, once more through the equations of the impurity; where these do
    not agree, from a ladder of its own.
    """
    if ladder.omega0 == 0.0 or ladder.g == 0.0 == ladder.g_z:
        if ladder.g == 0.0 == ladder.g_z:
            return np.zeros(energy.size, np.complex128), 0.0
        sigma, residual = lattice.self_energy(ladder, np.ascontiguousarray(energy))
        return sigma[:, 0], float(np.mean(residual))
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


def point(
    t: float,
    g: float,
    g_z: float,
    omega0: float,
    T: float,
    frequency: np.ndarray,
    energy: np.ndarray,
    hilbert: Transform | None,
    vertex: Transform | None,
) -> tuple[np.ndarray, float, float, np.ndarray, np.ndarray, bool, float]:
    """(sigma, mobility, <K>, Sigma, G, converged, residual) of one point."""
    lattice = Chain(abs(t)) if hilbert is None else Transformed(hilbert, vertex)
    ladder = extent(
        abs(t), g, g_z, omega0, T, energy.min() - omega0, energy.max() + omega0, lattice.half_band
    )
    sigma, mobility, kinetic = np.full(frequency.size, np.nan), np.nan, np.nan
    solution, residual = None, 0.0
    if g == 0.0 and (g_z == 0.0 or (T == 0.0 and omega0 > 0.0)):
        kinetic, mobility = free(lattice, T), np.inf
        sigma = np.where(frequency == 0.0, np.inf, 0.0)
    elif T > 0.0 and omega0 > COLDEST * T:
        self_energy, own = one_particle(
            lattice,
            extent(abs(t), g, g_z, omega0, 0.0, energy.min(), energy.max(), lattice.half_band),
            None,
            energy,
        )
        return sigma, mobility, kinetic, self_energy, lattice.green(energy - self_energy), False, np.nan
    elif T > 0.0:
        solution = solved(lattice, ladder)
        residual = solution.residual
        if residual < WRONG:
            kinetic = solution.kinetic / solution.norm
        if lattice.transport and residual < WRONG:
            sigma, mobility = (
                spectrum(lattice, solution, frequency),
                np.pi / T * solution.transport / solution.norm,
            )
    elif omega0 > 0.0:
        mobility = np.inf
    if not lattice.transport:
        sigma, mobility = np.full(frequency.size, np.nan), np.nan
    self_energy, own = one_particle(lattice, ladder, solution, energy)
    z = energy - self_energy
    residual = max(residual, own)
    return sigma, mobility, kinetic, self_energy, lattice.green(z), residual < 1e-7, residual


def weight(
    t: float,
    g: float,
    g_z: float,
    omega0: float,
    T: float,
    hilbert: Transform | None,
    vertex: Transform | None,
) -> float:
    """Total weight of one point."""
    lattice = Chain(abs(t)) if hilbert is None else Transformed(hilbert, vertex)
    ladder = extent(abs(t), g, g_z, omega0, T, 0.0, 0.0, lattice.half_band)
    if g == 0.0 and (g_z == 0.0 or (T == 0.0 and omega0 > 0.0)):
        return -0.5 * np.pi * free(lattice, T) if hilbert is None else np.nan
    if T == 0.0 or omega0 > COLDEST * T or not lattice.transport:
        return np.nan
    solution = solved(lattice, ladder)
    return total_weight(lattice, solution) if solution.residual < WRONG else np.nan


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
    """All of :func:`point` for parameters (...), with density of states and scattering rate; grids last."""
    values = np.broadcast_arrays(t, g, g_z, omega0, T)
    shape = values[0].shape
    sigma = np.empty((*shape, frequency.size))
    scalars = np.empty((3, *shape))
    self_energy, green = (np.empty((*shape, energy.size), np.complex128) for _ in range(2))
    converged = np.empty(shape, dtype=bool)
    for p in np.ndindex(shape):
        t_, g_, g_z_, omega_, T_ = (float(value[p]) for value in values)
        here = point(t_, g_, g_z_, omega_, T_, frequency, energy, hilbert, vertex)
        sigma[p], self_energy[p], green[p], converged[p] = here[0], here[3], here[4], here[5]
        scalars[(slice(None), *p)] = here[1], here[2], here[6]
    return (
        sigma,
        *scalars[:2],
        -green.imag / np.pi,
        -self_energy.imag,
        self_energy,
        green,
        converged,
        scalars[2],
    )


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
    values = np.broadcast_arrays(t, g, g_z, omega0, T)
    result = np.empty(values[0].shape)
    for p in np.ndindex(result.shape):
        t_, g_, g_z_, omega_, T_ = (float(value[p]) for value in values)
        result[p] = weight(t_, g_, g_z_, omega_, T_, hilbert, vertex)
    return result


def ground_states(
    t: np.ndarray, g: np.ndarray, g_z: np.ndarray, omega0: np.ndarray, *, hilbert: Transform | None = None
) -> np.ndarray:
    """Ground state energies for parameters (...)."""
    values = np.broadcast_arrays(t, g, g_z, omega0)
    result = np.empty(values[0].shape)
    for p in np.ndindex(result.shape):
        t_, g_, g_z_, omega_ = (float(value[p]) for value in values)
        lattice = Chain(abs(t_)) if hilbert is None else Transformed(hilbert, None)
        result[p] = ground_state_energy(
            lattice, extent(abs(t_), g_, g_z_, omega_, 0.0, 0.0, 0.0, lattice.half_band)
        )
    return result


def bath(
    t: np.ndarray, g: np.ndarray, g_z: np.ndarray, omega0: np.ndarray, T: np.ndarray, energy: np.ndarray
) -> np.ndarray:
    """1/G0 (..., 3, energy) at energy - omega0, energy and energy + omega0, on the chain; ``energy`` (...,
    energy).
    """
    values = np.broadcast_arrays(t, g, g_z, omega0, T)
    energy = np.broadcast_to(energy, values[0].shape + energy.shape[-1:])
    result = np.empty((*values[0].shape, 3, energy.shape[-1]), np.complex128)
    for p in np.ndindex(values[0].shape):
        t_, g_, g_z_, omega_, T_ = (float(value[p]) for value in values)
        lattice = Chain(abs(t_))
        ladder = extent(
            abs(t_),
            g_,
            g_z_,
            omega_,
            T_,
            energy[p].min() - 2.0 * omega_,
            energy[p].max() + 2.0 * omega_,
            2.0 * abs(t_),
        )
        solution = solved(lattice, ladder) if T_ > 0.0 and (g_ or g_z_) and omega_ <= COLDEST * T_ else None
        for k in range(3):
            nu = energy[p] + (k - 1) * omega_
            result[p][k] = lattice.inverse_bath(nu, nu - one_particle(lattice, ladder, solution, nu)[0])
    return result


def boltzmann(t: np.ndarray, g: np.ndarray, g_z: np.ndarray, omega0: np.ndarray, T: np.ndarray) -> np.ndarray:
    """Mobility of Eq.

    (A20) for parameters (...), with the scattering rate of the full solution, on the chain; T > 0.
    """
    values = np.broadcast_arrays(t, g, g_z, omega0, T)
    result = np.full(values[0].shape, np.nan)
    for p in np.ndindex(result.shape):
        t_, g_, g_z_, omega_, T_ = (float(value[p]) for value in values)
        if not T_ > 0.0 or omega_ > COLDEST * T_:
            continue
        lattice = Chain(abs(t_))
        ladder = extent(abs(t_), g_, g_z_, omega_, T_, 0.0, 0.0, lattice.half_band)
        if g_ == 0.0 == g_z_:
            result[p] = np.inf
            continue
        solution = solved(lattice, ladder)
        if not solution.residual < WRONG:
            continue
        left, right = solution.edges[:-1], solution.edges[1:]
        sigma = np.einsum("ni,pki->pnk", _POLYNOMIALS, solution.coefficients)
        nu = (0.5 * (left + right)[:, None] + 0.5 * (right - left)[:, None] * NODES)[
            :, :, None
        ] + ladder.spacing * np.arange(ladder.rungs)
        bare = nu - sigma.real
        speed = np.sqrt(np.maximum(lattice.half_band**2 - bare**2, 0.0))  # phi = speed^2, N = 1 / (pi speed)
        inside = (speed > 0.0) & (sigma.imag < 0.0)
        weights = (0.5 * (right - left)[:, None] * WEIGHTS)[:, :, None] * np.exp(
            np.where(inside, -(nu - solution.reference) / T_, -np.inf)
        )
        with np.errstate(divide="ignore", invalid="ignore"):
            moved = np.where(inside, weights * speed / -sigma.imag, 0.0).sum()
            norm = np.where(inside, weights / speed, 0.0).sum()
        result[p] = moved / norm / (2.0 * T_)  # Eq. (A20)
    return result

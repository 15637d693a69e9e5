"""Dynamical mean field theory of one electron and two-level systems: what is asked for of each point.

(Rammal, Ciuchi and Fratini, appendix A; energies from all two-level systems down.)
"""

from __future__ import annotations

import dataclasses
import functools
import math

import numpy as np
from numpy.polynomial import legendre as series

from xglass.engine.core.operations import operation
from xglass.engine.core.points import Kind, over_points
from xglass.engine.tls.dmft_bubble import spectrum, total_weight
from xglass.engine.tls.dmft_lattices import (
    MOST_RUNGS,
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
from xglass.engine.tls.dmft_panels import GAUSS_WEIGHTS, NODES, ORDER, POLYNOMIALS, Solution, solved
from xglass.engine.tls.dmft_slow import SlowChain

#: Largest residual with which thermal quantities are given.
WRONG = 1e-4

#: Most omega0 / T: below, the smallest imaginary parts leave the range of numbers.
COLDEST = 100.0
#: Largest residual of a solution that has converged.
CONVERGED = 1e-7
#: Most rungs of a ladder that is preferred to the solution at all energies at once, and of one that is solved
#: where the latter is not found: longer ones do not end within the bound on work.
LONG, LONGEST = 600, 1200
#: Least T, in omega0, at which the solution at all energies holds the states that weigh most.
LEAST_T = 1.5
#: Largest omega0, in t and in T, of which the thermal weights are all that counts: the systems are static.
STATIC = 1e-9


def one_particle(
    lattice: Lattice, ladder: Ladder, solution: Solution | None, energy: np.ndarray
) -> tuple[np.ndarray, float]:
    """Return Sigma at the energies asked for, and the residual of its equation there.

    From the series at nu and nu +- omega0, once more through the equations of the impurity; where these do
    not agree, from a ladder of its own.
    """
    if ladder.g == 0.0 == ladder.g_z:
        return np.zeros(energy.size, np.complex128), 0.0
    if ladder.spacing == 0.0:
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
        better = ~(left_over >= 1.0)  # those that were solved
        result[bad[better]] = exact[better, np.clip(rung[bad[better]], 0, ladder.rungs - 1)]
        residual[bad] = np.minimum(left_over, 1.0)
    return result, float(np.mean(residual))


def solution_of(lattice: Lattice, ladder: Ladder) -> tuple[Lattice, Ladder, Solution | None]:
    """Solve one point at T > 0, and say by which lattice and ladder; None where there is no solution.

    Long ladders of the chain give way to all energies at once.
    """
    if ladder.rungs <= LONG:
        return lattice, ladder, solved(lattice, ladder)
    if not isinstance(lattice, Chain):
        if ladder.rungs > MOST_RUNGS:
            raise ValueError(
                f"dmft: omega0 = {ladder.omega0:g} divides the spectrum into {ladder.rungs} steps, at most "
                f"{MOST_RUNGS} of a given lattice are held; write omega0=0 for its static limit, or ask for "
                "energies nearer to the band"
            )
        return lattice, ladder, solved(lattice, ladder)
    width = ladder.omega0 * ladder.rungs
    margin = 0.25 * (lattice.half_band + math.hypot(ladder.g, ladder.g_z))  # tails of the band end before
    whole = dataclasses.replace(ladder, bottom=ladder.bottom - margin, period=width + 2.0 * margin, rungs=1)
    if ladder.g == 0.0 or ladder.omega0 < STATIC * min(ladder.t, ladder.T):
        return lattice, whole, solved(lattice, whole)
    slow = SlowChain(whole)
    solution = solved(slow, whole) if slow.found and ladder.T > LEAST_T * ladder.omega0 else None
    if ladder.rungs <= LONGEST and (solution is None or solution.residual >= CONVERGED):
        return lattice, ladder, solved(lattice, ladder)
    return slow, whole, solution


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
        lattice, ladder, solution = solution_of(lattice, ladder)
        residual = solution.residual if solution else np.inf
        if solution and residual < WRONG:
            kinetic = solution.kinetic / solution.norm
        if solution and lattice.transport and residual < WRONG:
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
    return sigma, mobility, kinetic, states, rate, self_energy, green, residual < CONVERGED, residual


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
    lattice, _, solution = solution_of(lattice, ladder)
    return total_weight(lattice, solution) if solution and solution.residual < WRONG else np.nan


def ground_state(t: float, g: float, g_z: float, omega0: float, *, hilbert: Transform | None) -> float:
    """Return the ground state energy of one point."""
    lattice = _lattice(t, hilbert)
    return ground_state_energy(lattice, extent(abs(t), g, g_z, omega0, 0.0, 0.0, 0.0, lattice.half_band))


def baths(t: float, g: float, g_z: float, omega0: float, T: float, energy: np.ndarray) -> np.ndarray:
    """Return 1/G0 (3, energy) of one point of the chain at energy - omega0, energy and energy + omega0."""
    lattice: Lattice = Chain(abs(t))
    lowest, highest = energy.min() - 2.0 * omega0, energy.max() + 2.0 * omega0
    ladder = extent(abs(t), g, g_z, omega0, T, lowest, highest, 2.0 * abs(t))
    solution = None
    if T > 0.0 and (g or g_z) and omega0 <= COLDEST * T:
        lattice, ladder, solution = solution_of(lattice, ladder)
    shifted = (energy + k * omega0 for k in (-1, 0, 1))
    return np.array(
        [lattice.inverse_bath(nu, nu - one_particle(lattice, ladder, solution, nu)[0]) for nu in shifted]
    )


def quasiparticle_mobility(t: float, g: float, g_z: float, omega0: float, T: float) -> float:
    """Return the mobility of Eq. (A20) of one point of the chain; T > 0."""
    if not T > 0.0 or omega0 > COLDEST * T:
        return np.nan
    lattice: Lattice = Chain(abs(t))
    ladder = extent(abs(t), g, g_z, omega0, T, 0.0, 0.0, lattice.half_band)
    if g == 0.0 == g_z:
        return np.inf
    lattice, ladder, solution = solution_of(lattice, ladder)
    if not solution or not solution.residual < WRONG:
        return np.nan
    left, right = solution.edges[:-1], solution.edges[1:]
    centre, half = 0.5 * (left + right)[:, None], 0.5 * (right - left)[:, None]
    sigma = np.einsum("ni,pki->pnk", POLYNOMIALS, solution.coefficients)
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


@operation("dmft", revision=4)
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


@operation("dmft.total_weight", revision=2)
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

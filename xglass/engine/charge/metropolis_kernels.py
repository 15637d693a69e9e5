"""The Monte Carlo chain: one Metropolis trajectory after another.

Potentials and energies are kept in fixed point, as whole multiples of a power of two. Sums of integers are
exact, so the potential is a function of the configuration and not of the path that led there: a chain that is
stopped, stored and continued goes on bit for bit, and nothing has to be rebuilt.
"""

from __future__ import annotations

import math

import numpy as np

from xglass.engine.charge.one_body_kernels import kinetic_energy, kinetic_free_energy, kinetic_states
from xglass.engine.charge.rejection_kernels import (
    BOUND,
    EXACT,
    NOTHING,
    SEEN,
    pack,
    quantum_bound,
    recall,
    remember,
)
from xglass.engine.charge.surrogate_kernels import begin, estimated_change, keep_states
from xglass.engine.core.jit import inline, kernel
from xglass.engine.core.philox import HALF_WORD, START, fill

CLASSICAL, KINETIC, FREE_ENERGY = 0, 1, 2
NEIGHBOUR, EXCHANGE = 0, 1
#: Places of the counters.
ACCEPTED, ACTIVE, SOLVED, RECALLED, PROVED, ESTIMATED, AUDITED, DISAGREED = range(8)


@kernel
def random_configuration(seed, stream, particles, out):
    """Uniform over the configurations with ``particles`` ones: selection sampling along the sites."""
    n = out.size
    a, b, u = np.empty(n, np.uint64), np.empty(n, np.uint64), np.empty(n, np.float64)
    fill(seed, stream, START, a, b, u)
    left = particles
    for i in range(n):
        if u[i] * (n - i) < left:
            out[i] = 1
            left -= 1
        else:
            out[i] = 0


@inline
def rejected(change, temperature, u):
    """u >= exp(-change/T); most often known from exp(-x) < 1/(1 + x + x^2/2) without the exponential."""
    if change <= 0.0:
        return False
    x = change / temperature
    return u * (1.0 + x + 0.5 * x * x) > 1.0 + 1e-12 or u >= math.exp(-x)


@inline
def proposal(a, b, sites, moves, neighbours, degree):
    """Two sites from two 32-bit words: any and one of its neighbours, or any two."""
    i = np.int64((a * np.uint64(sites)) >> HALF_WORD)
    if moves == NEIGHBOUR:
        return i, neighbours[i, np.int64((b * np.uint64(degree[i])) >> HALF_WORD)]
    j = np.int64((b * np.uint64(sites - 1)) >> HALF_WORD)
    return i, j + (j >= i)


@inline
def pair(coupling, i, j):
    """U_ij of couplings in pieces, see :func:`xglass.engine.charge.metropolis.pieces`."""
    numbers, where, line, place = coupling
    return numbers[where[i, line[j]] + place[j]]


@inline
def hop(phi, coupling, i, j):
    """Change the potential as a particle that goes from i to j does."""
    numbers, where, line, place = coupling
    length = where.shape[0] // where.shape[1]
    for r in range(where.shape[1]):
        part = phi[r * length : (r + 1) * length]
        gone, come = where[i, r], where[j, r]
        minus, plus = numbers[gone : gone + length], numbers[come : come + length]
        for m in range(length):
            part[m] += plus[m] - minus[m]


@kernel
def classical_sweep(n, phi, coupling, unit, t, neighbours, degree, moves, a, b, u):
    """One sweep with weight E, in place.

    Returns accepted moves, active attempts and twice the change of energy.
    """
    sites = n.size
    accepted, active, twice = 0, 0, np.int64(0)
    for k in range(sites):
        i, j = proposal(a[k], b[k], sites, moves, neighbours, degree)
        if n[i] == n[j]:
            continue
        if n[j]:
            i, j = j, i  # the particle hops from i to j
        active += 1
        step = phi[j] - phi[i] - pair(coupling, i, j)
        if rejected(step * unit, t, u[k]):
            continue
        hop(phi, coupling, i, j)
        n[i], n[j] = 0, 1
        twice += 2 * step
        accepted += 1
    return accepted, active, twice


@kernel
def gain(weight, hopping, phi, unit, diagonal, n, t, particles, potential, work):
    """The quantum part of the weight, <K> or F[K + phi] - F[phi],
    of configuration ``n`` with fixed-point potential ``phi``.
    """
    for m in range(n.size):
        potential[m] = phi[m] * unit + diagonal[n[m]]
    if weight == KINETIC:
        return kinetic_energy(hopping, potential, t, particles, work)
    return kinetic_free_energy(hopping, potential, t, particles, work)


@kernel
def quantum_sweep(
    n,
    phi,
    coupling,
    unit,
    t,
    neighbours,
    degree,
    moves,
    a,
    b,
    u,
    weight,
    hopping,
    diagonal,
    particles,
    extra,
    moved,
    potential,
    work,
):
    """One sweep with a quantum weight, in place; ``extra`` is the quantum part of the weight of ``n``.

    Returns accepted moves, active attempts, twice the change of energy and the new ``extra``.
    """
    sites = n.size
    accepted, active, twice = 0, 0, np.int64(0)
    for k in range(sites):
        i, j = proposal(a[k], b[k], sites, moves, neighbours, degree)
        if n[i] == n[j]:
            continue
        if n[j]:
            i, j = j, i
        active += 1
        step = phi[j] - phi[i] - pair(coupling, i, j)
        moved[:] = phi
        hop(moved, coupling, i, j)
        n[i], n[j] = 0, 1
        proposed = gain(weight, hopping, moved, unit, diagonal, n, t, particles, potential, work)
        if rejected(step * unit + (proposed - extra), t, u[k]):
            n[i], n[j] = 1, 0
            continue
        phi[:] = moved
        extra = proposed
        twice += 2 * step
        accepted += 1
    return accepted, active, twice, extra


@inline
def picked(a, b, fraction):
    """Whether an attempt is among the ``fraction`` that is audited: by a hash of its two random words."""
    mixed = (a ^ (b << HALF_WORD)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0xBF58476D1CE4E5B9)
    return np.float64(mixed >> np.uint64(11)) * 2.0**-53 < fraction


@kernel
def proved(
    weight, attempt, hopping, potential, t, particles, work, tools, memory, hashed, key, guess, counts
):
    """Whether a bound rejects an ``attempt``, (dE, the quantum part before, u); it is remembered."""
    change, extra, u = attempt
    value = quantum_bound(weight == KINETIC, hopping, potential, t, particles, guess, tools, work)
    if not rejected(change + (value - extra), t, u):
        return False
    remember(memory, hashed, key, BOUND, value)
    counts[PROVED] += 1
    return True


@kernel
def far_from_passing(i, j, attempt, hopping, potential, t, particles, shortcut, room, work, audited, counts):
    """Whether an ``attempt`` would be rejected if its <K> were lower by ``window`` than estimated, or had
    fallen by as much as it ever does; ``shortcut`` is (window, fraction of audits, that largest change).
    """
    change, _, u = attempt
    far = rejected(change - shortcut[2], t, u)
    if not far:
        estimate, solves = estimated_change(i, j, hopping, potential, t, particles, room, work)
        counts[SOLVED] += solves
        far = rejected(change + estimate - shortcut[0], t, u)
    if far and audited:
        counts[AUDITED] += 1
    elif far:
        counts[ESTIMATED] += 1
    return far


@kernel
def proved_sweep(
    n,
    phi,
    coupling,
    unit,
    t,
    neighbours,
    degree,
    moves,
    a,
    b,
    u,
    weight,
    hopping,
    diagonal,
    particles,
    extra,
    moved,
    potential,
    work,
    tools,
    memory,
    key,
    guess,
    shortcut,
    room,
    counts,
):
    """What :func:`quantum_sweep` does, bit for bit, with fewer eigenproblems.

    The random number of an attempt is known before the attempt is judged, so that a move needs no more than
    a proof that it is rejected: a lower bound on its weight that already rejects it. What the bound leaves
    open, and every accepted move, is solved as ever. ``memory`` holds what is known of configurations at
    this temperature; ``guess`` is where the search for mu begins.

    With a ``shortcut``, as for :func:`far_from_passing`, estimates reject as well; ``room`` is theirs. Memory
    and proofs then only say sooner what a solve would, and estimates are asked whatever is remembered, so
    that decisions are still a function of the configuration.

    Returns accepted moves, active attempts, twice the change of energy and the new ``extra``; adds to
    ``counts`` what was done.
    """
    sites, short = n.size, shortcut[0] > 0.0
    accepted, active, twice = 0, 0, np.int64(0)
    circumstances = (hopping, potential, t, particles)
    for k in range(sites):
        i, j = proposal(a[k], b[k], sites, moves, neighbours, degree)
        if n[i] == n[j]:
            continue
        if n[j]:
            i, j = j, i
        active += 1
        step = phi[j] - phi[i] - pair(coupling, i, j)
        n[i], n[j] = 0, 1
        hashed = pack(n, key)
        known, value = recall(memory, hashed, key)
        if (known == EXACT or known == BOUND) and rejected(step * unit + (value - extra), t, u[k]):
            n[i], n[j] = 1, 0
            counts[RECALLED] += 1
            continue
        moved[:] = phi
        hop(moved, coupling, i, j)
        for m in range(sites):
            potential[m] = moved[m] * unit + diagonal[n[m]]
        spared, audited, fresh, attempt = False, False, False, (step * unit, extra, u[k])
        # where the electrostatic energy alone lets the move pass, it most often does: no proof is tried
        if rejected(step * unit, t, u[k]):
            # what an estimate rejected before and comes back is worth a proof; else estimates come first
            unknown, first = known == NOTHING or known == SEEN, not short or known == SEEN
            if unknown and first:
                spared = proved(
                    weight, attempt, *circumstances, work, tools, memory, hashed, key, guess, counts
                )
            if short and not spared:
                audited = picked(a[k], b[k], shortcut[1])
                if far_from_passing(i, j, attempt, *circumstances, shortcut, room, work, audited, counts):
                    spared = not audited
                    if spared and known == NOTHING:
                        remember(memory, hashed, key, SEEN, 0.0)
                else:
                    audited = False
            if unknown and not first and not spared:
                spared = proved(
                    weight, attempt, *circumstances, work, tools, memory, hashed, key, guess, counts
                )
        if not spared and known == EXACT:
            counts[RECALLED] += 1
        elif not spared:
            if short:
                value, levels, states, mu = kinetic_states(*circumstances, work)
                fresh = True
            else:
                value = gain(weight, hopping, moved, unit, diagonal, n, t, particles, potential, work)
            remember(memory, hashed, key, EXACT, value)
            counts[SOLVED] += 1
            spared = rejected(step * unit + (value - extra), t, u[k])
        if spared:
            n[i], n[j] = 1, 0
            continue
        counts[DISAGREED] += audited
        phi[:] = moved
        extra = value
        if short:
            begin(potential, room)
            if fresh:
                keep_states(levels, states, mu, room)
        twice += 2 * step
        accepted += 1
    return accepted, active, twice, extra


@kernel
def potential_of(n, coupling, base, phi):
    """Fixed-point potential of a configuration into ``phi``; returns particles and twice the energy.

    E = 1/2 sum_i n_i (base_i + phi_i): its double is a whole number.
    """
    particles, twice = 0, np.int64(0)
    for i in range(n.size):
        phi[i] = base[i]
        particles += n[i]
    for i in range(n.size):
        if n[i]:
            for j in range(n.size):
                phi[j] += pair(coupling, i, j)
    for i in range(n.size):
        if n[i]:
            twice += base[i] + phi[i]
    return particles, twice


@kernel
def trajectories(
    seed,
    streams,
    first_sweep,
    continued,
    every,
    temperature,
    coupling,
    base,
    diagonal,
    unit,
    hopping,
    neighbours,
    degree,
    weight,
    moves,
    proofs,
    tools,
    memory,
    shortcut,
    room,
    state,
    occupation,
    energy,
    kinetic,
    counters,
):
    """Run every walker of one parameter point.

    Parameters
    ----------
    seed, streams : uint64, (walker,) uint64
        Key and stream numbers of the random draws.
    first_sweep : int
        Number of the sweep that ``state`` was left after.
    continued : bool
        Whether the start is another run's last state, and so not stored again.
    every : int
        Sweeps between stored states: first_sweep + every, first_sweep + 2 every, ... follow the start.
    temperature : (sweeps + 1,) float64
        Temperature of sweep first_sweep + k at index k; index 0 is the start's.
    coupling, base : ((...), (site, piece)) and (site,) int64
        U_ij without diagonal, in pieces, and the potential of the empty lattice, in ``unit``.
    diagonal : (2,) float64
        What an empty and an occupied site add to their own potential (the self-image term).
    unit : float
        The power of two that one step of the fixed point stands for.
    hopping : (site, site) float64
        Matrix of K.
    neighbours, degree : (site, largest degree) and (site,) int64
        Table of neighbours, and how many of a row are some.
    weight, moves : int
        Numbers of the rules.
    proofs : bool
        Whether rejections may be proved and configurations remembered: the same results from less work.
    tools, memory : tuple
        As from :func:`xglass.engine.charge.rejection.proof_tools` and ``empty_memory``.
    shortcut : tuple
        Window of estimates, 0 for none; fraction of audits; largest change of <K>.
    room : tuple
        As from :func:`xglass.engine.charge.surrogate.response_room`.
    state : (walker, site) int8
        The start; left as the last state.
    occupation, energy, kinetic : (walker, frame, site), (walker, frame) and (walker, frame)
        Outputs.
    counters : (walker, frame, 8) int64
        Output: accepted, active attempts, eigenproblems, attempts decided from memory, rejections proved,
        rejections by estimates, their audits and those that disagreed, since the last frame.
    """
    walkers, sites = state.shape
    sweeps = temperature.size - 1
    a, b, u = np.empty(sites, np.uint64), np.empty(sites, np.uint64), np.empty(sites, np.float64)
    phi, moved = np.empty(sites, np.int64), np.empty(sites, np.int64)
    potential, work = np.empty(sites), np.empty((sites, sites))
    key, guess, counts = np.empty(memory[0].shape[1], np.uint64), np.zeros(2), np.zeros(8, np.int64)
    table, draws, space = (neighbours, degree, moves), (a, b, u), (moved, potential, work)
    means = (tools, memory, key, guess, shortcut, room)
    for w in range(walkers):
        n = state[w]
        particles, twice_energy = potential_of(n, coupling, base, phi)
        extra, known = 0.0, -1.0  # the quantum part of the weight, and the temperature it was taken at
        quantum = (weight, hopping, diagonal, particles)
        guess[:] = 0.0
        counts[:] = 0
        frame = 0
        for s in range(sweeps + 1):
            t = temperature[s]
            if weight != CLASSICAL and t != known:
                extra = gain(weight, hopping, phi, unit, diagonal, n, t, particles, potential, work)
                known = t
                counts[SOLVED] += 1
                memory[2][:] = NOTHING
                if shortcut[0] > 0.0:
                    begin(potential, room)
            if s > 0:
                fill(seed, streams[w], np.uint64(first_sweep + s - 1) * np.uint64(sites), a, b, u)
                if weight == CLASSICAL:
                    done, tried, twice = classical_sweep(n, phi, coupling, unit, t, *table, *draws)
                elif proofs:
                    done, tried, twice, extra = proved_sweep(
                        n, phi, coupling, unit, t, *table, *draws, *quantum, extra, *space, *means, counts
                    )
                else:
                    done, tried, twice, extra = quantum_sweep(
                        n, phi, coupling, unit, t, *table, *draws, *quantum, extra, *space
                    )
                    counts[SOLVED] += tried
                counts[ACCEPTED] += done
                counts[ACTIVE] += tried
                twice_energy += twice
            if s % every == 0 and (s > 0 or not continued):
                occupation[w, frame] = n
                energy[w, frame] = twice_energy * unit * 0.5
                if weight == KINETIC:
                    kinetic[w, frame] = extra
                elif weight == FREE_ENERGY:
                    kinetic[w, frame] = gain(
                        KINETIC, hopping, phi, unit, diagonal, n, t, particles, potential, work
                    )
                    counts[SOLVED] += 1
                counters[w, frame] = counts
                counts[:] = 0
                frame += 1

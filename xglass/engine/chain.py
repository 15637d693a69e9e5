"""The Monte Carlo chain: one Metropolis trajectory after another.

Potentials and energies are kept in fixed point, as whole multiples of a power of two. Sums of integers are exact, so the
potential is a function of the configuration and not of the path that led there: a chain that is stopped, stored and
continued goes on bit for bit, and nothing has to be rebuilt.
"""

from __future__ import annotations

import math

import numpy as np

from xglass.engine.jit import kernel
from xglass.engine.philox import START, fill
from xglass.engine.thermal import kinetic_energy, kinetic_free_energy

CLASSICAL, KINETIC, FREE_ENERGY = 0, 1, 2
NEIGHBOUR, EXCHANGE = 0, 1
_32 = np.uint64(32)


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


@kernel
def chain(
    seed,
    streams,
    first_sweep,
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
    state,
    occupation,
    energy,
    kinetic,
    counters,
):
    """Run every walker of one parameter point.

    Parameters
    ----------
    seed, streams : key and (walker,) stream numbers of the random draws.
    first_sweep : number of the sweep that ``state`` was left after.
    every : sweeps between stored states; the stored states are those after first_sweep + every, first_sweep + 2 every, ...
        and, when first_sweep is 0, the start before them.
    temperature : (sweeps + 1,) temperature of sweep first_sweep + k at index k; index 0 is the start's.
    coupling, base : (site, site), (site,) int64: U_ij without diagonal, and the potential of the empty lattice, in ``unit``.
    diagonal : (2,) what an empty and an occupied site add to their own potential (the self-image term).
    unit : the power of two that one step of the fixed point stands for.
    hopping : (site, site) float64.
    neighbours, degree : (site, largest degree), (site,) int64.
    state : (walker, site) int8, the start; left as the last state.
    occupation, energy, kinetic : outputs (walker, frame, site), (walker, frame), (walker, frame).
    counters : output (walker, frame, 3) int64: accepted, active attempts, eigenproblems since the last frame.
    """
    walkers, sites = state.shape
    sweeps = temperature.size - 1
    a, b, u = np.empty(sites, np.uint64), np.empty(sites, np.uint64), np.empty(sites, np.float64)
    phi, moved = np.empty(sites, np.int64), np.empty(sites, np.int64)
    potential, work = np.empty(sites), np.empty((sites, sites))
    for w in range(walkers):
        n = state[w]
        particles = 0
        for i in range(sites):
            phi[i] = base[i]
            particles += n[i]
        for i in range(sites):
            if n[i]:
                for j in range(sites):
                    phi[j] += coupling[i, j]
        twice_energy = np.int64(0)  # E = 1/2 sum_i n_i (base_i + phi_i): its double is a whole number
        for i in range(sites):
            if n[i]:
                twice_energy += base[i] + phi[i]
        extra = 0.0  # the quantum part of the weight, of the present state at temperature ``known``
        known = -1.0
        accepted, active, solves = 0, 0, 0
        frame = 0
        for s in range(sweeps + 1):
            t = temperature[s]
            if weight != CLASSICAL and t != known:
                for i in range(sites):
                    potential[i] = phi[i] * unit + diagonal[n[i]]
                if weight == KINETIC:
                    extra = kinetic_energy(hopping, potential, t, particles, work)
                else:
                    extra = kinetic_free_energy(hopping, potential, t, particles, work)
                known = t
                solves += 1
            if s > 0:
                fill(seed, streams[w], np.uint64(first_sweep + s - 1) * np.uint64(sites), a, b, u)
                for k in range(sites):
                    i = np.int64((a[k] * np.uint64(sites)) >> _32)
                    if moves == NEIGHBOUR:
                        j = neighbours[i, np.int64((b[k] * np.uint64(degree[i])) >> _32)]
                    else:
                        j = np.int64((b[k] * np.uint64(sites - 1)) >> _32)
                        j += j >= i
                    if n[i] == n[j]:
                        continue
                    if n[j]:
                        i, j = j, i  # the particle hops from i to j
                    active += 1
                    step = phi[j] - phi[i] - coupling[i, j]
                    if weight == CLASSICAL:
                        change = step * unit
                        if change > 0.0 and u[k] >= math.exp(-change / t):
                            continue
                        for m in range(sites):
                            phi[m] += coupling[j, m] - coupling[i, m]
                    else:
                        n[i], n[j] = 0, 1
                        for m in range(sites):
                            moved[m] = phi[m] + coupling[j, m] - coupling[i, m]
                            potential[m] = moved[m] * unit + diagonal[n[m]]
                        if weight == KINETIC:
                            proposed = kinetic_energy(hopping, potential, t, particles, work)
                        else:
                            proposed = kinetic_free_energy(hopping, potential, t, particles, work)
                        solves += 1
                        change = step * unit + (proposed - extra)
                        if change > 0.0 and u[k] >= math.exp(-change / t):
                            n[i], n[j] = 1, 0
                            continue
                        extra = proposed
                        phi, moved = moved, phi
                    n[i], n[j] = 0, 1
                    twice_energy += 2 * step
                    accepted += 1
            if s % every == 0 and (s > 0 or first_sweep == 0):
                occupation[w, frame] = n
                energy[w, frame] = twice_energy * unit * 0.5
                if weight == KINETIC:
                    kinetic[w, frame] = extra
                elif weight == FREE_ENERGY:
                    for i in range(sites):
                        potential[i] = phi[i] * unit + diagonal[n[i]]
                    kinetic[w, frame] = kinetic_energy(hopping, potential, t, particles, work)
                    solves += 1
                counters[w, frame, 0] = accepted
                counters[w, frame, 1] = active
                counters[w, frame, 2] = solves
                accepted, active, solves = 0, 0, 0
                frame += 1

"""An estimate of how a move changes <K>: a cluster around it solved, the rest by linear response.

It has no bound on its error and decides only where it was asked to; :mod:`xglass.engine.charge.rejection` is
what proves.
"""

from __future__ import annotations

import numpy as np

from xglass.engine.charge.one_body_kernels import fermi, kinetic_states
from xglass.engine.core.jit import kernel

#: Places in the (4, site) and the (5,) array of the room.
PHI, KINETIC_SLOPE, NUMBER_SLOPE, LEVELS = range(4)
MU, NUMBER_PER_MU, KINETIC_PER_MU, STATES, RESPONSE = range(5)


@kernel
def begin(potential, room):
    """Begin anew with a state of this potential."""
    room[1][PHI] = potential
    room[3][:] = 0.0


@kernel
def keep_states(levels, vectors, mu, room):
    """Keep the states of a configuration that a move leads to."""
    _, rows, states, numbers, _ = room
    rows[LEVELS] = levels
    states[:] = vectors
    numbers[MU], numbers[STATES], numbers[RESPONSE] = mu, 1.0, 0.0


@kernel
def _respond(hopping, t, particles, room, work):
    """Response of <K> and N to potentials and to mu, at fixed mu; returns eigenproblems solved."""
    _, rows, states, numbers, _ = room
    n, solves = hopping.shape[0], 0
    if numbers[STATES] == 0.0:
        _, levels, vectors, mu = kinetic_states(hopping, rows[PHI], t, particles, work)
        keep_states(levels, vectors, mu, room)
        solves = 1
    mu, levels = numbers[MU], rows[LEVELS]
    turned = np.zeros((n, n), np.float32)  # K times the states
    for i in range(n):
        for j in range(n):
            if hopping[i, j] != 0.0:
                strength = np.float32(hopping[i, j])
                for m in range(n):
                    turned[i, m] += strength * states[j, m]
    elements = np.dot(states.T, turned)
    f, slopes = np.empty(n), np.empty(n)
    for m in range(n):
        f[m] = fermi((levels[m] - mu) / t)
        slopes[m] = f[m] * (1.0 - f[m]) / t
    numbers[NUMBER_PER_MU], numbers[KINETIC_PER_MU] = 0.0, 0.0
    for m in range(n):
        slope = slopes[m]
        numbers[NUMBER_PER_MU] += slope
        numbers[KINETIC_PER_MU] += slope * elements[m, m]
        elements[m, m] *= np.float32(-slope)
        for k in range(m):
            away = levels[m] - levels[k]
            ratio = (f[m] - f[k]) / away if away > 1e-6 * t else -slope
            elements[m, k] *= np.float32(ratio)
    for m in range(n):
        for k in range(m):
            elements[k, m] = elements[m, k]
    turned = np.dot(states, elements)
    for i in range(n):
        kinetic, number = 0.0, 0.0
        for m in range(n):
            kinetic += turned[i, m] * states[i, m]
            number -= slopes[m] * states[i, m] * states[i, m]
        rows[KINETIC_SLOPE, i], rows[NUMBER_SLOPE, i] = kinetic, number
    numbers[RESPONSE] = 1.0
    return solves


@kernel
def nearest(distance, i, j, sites):
    """Fill ``sites`` with those nearest to i or j, by bonds."""
    found = 0
    for ring in range(distance.shape[0] + 1):
        for s in range(distance.shape[0]):
            if min(distance[i, s], distance[j, s]) == ring:
                sites[found] = s
                found += 1
                if found == sites.size:
                    return


@kernel
def _cluster(hopping, potential, sites, mu, t, matrix):
    """N, <K> and their derivatives by mu of some sites alone."""
    size = sites.size
    for k in range(size):
        for m in range(size):
            matrix[k, m] = hopping[sites[k], sites[m]]
        matrix[k, k] += potential[sites[k]]
    levels, vectors = np.linalg.eigh(matrix)
    number, kinetic, number_slope, kinetic_slope = 0.0, 0.0, 0.0, 0.0
    for m in range(size):
        f = fermi((levels[m] - mu) / t)
        slope = f * (1.0 - f) / t
        element = levels[m]
        for k in range(size):
            element -= potential[sites[k]] * vectors[k, m] * vectors[k, m]
        number += f
        kinetic += f * element
        number_slope += slope
        kinetic_slope += slope * element
    return number, kinetic, number_slope, kinetic_slope


@kernel
def estimated_change(i, j, hopping, potential, t, particles, room, work):
    """Estimate the change of <K> when a particle goes from i to j, which makes the potential ``potential``.

    The sites nearest to the move are solved alone before and after it, at the mu of the state; all others
    add dK/dphi dphi; and mu moves so that the number of particles stays. Returns the estimate and the
    eigenproblems that the response took.
    """
    distance, rows, _, numbers, matrices = room
    solves = _respond(hopping, t, particles, room, work) if numbers[RESPONSE] == 0.0 else 0
    n, mu = potential.size, numbers[MU]
    sites = np.empty(matrices.shape[1], np.int64)
    nearest(distance, i, j, sites)
    before = _cluster(hopping, rows[PHI], sites, mu, t, matrices[0])
    after = _cluster(hopping, potential, sites, mu, t, matrices[1])
    number, kinetic = after[0] - before[0], after[1] - before[1]
    inside = np.zeros(n, np.bool_)
    inside[sites] = True
    for s in range(n):
        if not inside[s]:
            change = potential[s] - rows[PHI, s]
            number += rows[NUMBER_SLOPE, s] * change
            kinetic += rows[KINETIC_SLOPE, s] * change
    stiffness = numbers[NUMBER_PER_MU] + after[2] - before[2]
    # in a gap nothing answers to mu, and nothing needs to
    shift = min(max(-number / max(stiffness, 1e-9 / t), -5.0 * t), 5.0 * t)
    return kinetic + shift * (numbers[KINETIC_PER_MU] + after[3] - before[3]), solves

"""One-body quantum statistics of a configuration: fermions in K + diag(phi) at fixed mean particle number.

H = K + diag(phi); f_n the Fermi function of level e_n with mu such that sum_n f_n = N; F = Omega + mu N.
<K> = sum_n f_n (e_n - sum_i phi_i |U_in|^2) = dF[lambda K + phi]/dlambda at lambda = 1.
"""

from __future__ import annotations

import math

import numpy as np

from xglass.engine.core.jit import inline, kernel


@inline
def fermi(x):
    """1 / (exp(x) + 1) without overflow."""
    t = math.exp(-abs(x))
    return t / (1.0 + t) if x > 0.0 else 1.0 / (1.0 + t)


@kernel
def chemical_potential(levels, temperature, particles):
    """Mu with sum of Fermi functions = particles; ``levels`` ascending, 0 < particles < number of levels.

    A number that is not whole is a mean like any other; the search begins between the levels next to it. In a
    gap at low temperature any mu of the plateau is as good as another (the sum is flat to rounding): the
    answer is meant for F, densities and <K>, which do not depend on it there.
    """
    low, high = levels[0] - 50.0 * temperature, levels[-1] + 50.0 * temperature
    below = min(max(int(particles), 1), max(levels.size - 1, 1))
    mu = 0.5 * (levels[below - 1] + levels[min(below, levels.size - 1)])
    for _ in range(200):
        excess, slope = -1.0 * particles, 0.0
        for e in levels:
            f = fermi((e - mu) / temperature)
            excess += f
            slope += f * (1.0 - f)
        slope /= temperature
        if abs(excess) <= 1e-14 * particles:
            break
        if excess > 0.0:
            high = mu
        else:
            low = mu
        step = mu - excess / slope if slope > 0.0 else low
        if not low < step < high:
            step = 0.5 * (low + high)
        if step == mu:
            break
        mu = step
    return mu


@kernel
def free_energy(levels, temperature, particles):
    """F = Omega + mu N of levels in ascending order."""
    mu = chemical_potential(levels, temperature, particles)
    omega = 0.0
    for e in levels:
        x = (e - mu) / temperature
        omega -= temperature * math.log1p(math.exp(-abs(x))) - min(e - mu, 0.0)
    return omega + mu * particles


@kernel
def _hamiltonian(hopping, potential, work):
    for i in range(potential.size):
        for j in range(potential.size):
            work[i, j] = hopping[i, j]
        work[i, i] += potential[i]
    return work


@kernel
def kinetic_free_energy(hopping, potential, temperature, particles, work):
    """F[K + phi] - F[phi]: what the hopping gains at fixed mean particle number."""
    levels = np.linalg.eigvalsh(_hamiltonian(hopping, potential, work))
    return free_energy(levels, temperature, particles) - free_energy(
        np.sort(potential), temperature, particles
    )


@kernel
def kinetic_states(hopping, potential, temperature, particles, work):
    """Thermal <K>, levels, vectors and mu. State by state, so that without hopping every term vanishes
    exactly.
    """
    levels, vectors = np.linalg.eigh(_hamiltonian(hopping, potential, work))
    mu = chemical_potential(levels, temperature, particles)
    total = 0.0
    for n in range(levels.size):
        f = fermi((levels[n] - mu) / temperature)
        electrostatic = 0.0
        for i in range(potential.size):
            electrostatic += potential[i] * vectors[i, n] * vectors[i, n]
        total += f * (levels[n] - electrostatic)
    return total, levels, vectors, mu


@kernel
def kinetic_energy(hopping, potential, temperature, particles, work):
    """Thermal <K>."""
    return kinetic_states(hopping, potential, temperature, particles, work)[0]


@kernel
def kinetic_energies(hopping, potentials, temperatures, particles, out):
    """<K> of (configuration, site) potentials, into (configuration,) ``out``."""
    work = np.empty_like(hopping)
    for c in range(out.size):
        out[c] = kinetic_energy(hopping, potentials[c], temperatures[c], particles[c], work)


@kernel
def eigenstates(hopping, potentials, levels, states):
    """Find levels, rising, and their states of (configuration, site) potentials, into (configuration,
    state) ``levels`` and (configuration, state, site) ``states``.
    """
    work = np.empty_like(hopping)
    for c in range(levels.shape[0]):
        energies, vectors = np.linalg.eigh(_hamiltonian(hopping, potentials[c], work))
        levels[c] = energies
        states[c] = vectors.T


@kernel
def levels(hopping, potentials, out):
    """Find levels, rising, of (configuration, site) potentials, into (configuration, state) ``out``."""
    work = np.empty_like(hopping)
    for c in range(out.shape[0]):
        out[c] = np.linalg.eigvalsh(_hamiltonian(hopping, potentials[c], work))

"""One electron on a ring of two-level systems: Hamiltonian, current and spectra, by full diagonalisation.

H = -t sum_j (c^+_{j+1} c_j + h.c.) + sum_j (omega0_j / 2) sz_j - sum_j n_j (g_j sx_j + g_z_j sz_j) + sum_j eps_j n_j. Bit j of a configuration is
1 where the two-level system j is excited (sz = +1).

Where all sites are alike, total momentum is conserved. In the frame of the electron bit m is the two-level system at distance m from it, and
a hop of the electron shifts all bits: with K the momentum and L the shift, (L s)_m = s_{m+1},

    H_K = -t (e^{-iK} L + e^{iK} L^+) + (omega0/2) sum_m sz_m - g sx_0 - g_z sz_0,   J_K = dH_K/dK = i t (e^{-iK} L - e^{iK} L^+).

K is continuous: a flux theta through the ring shifts it by theta / N. (Rammal, Ciuchi, Fratini, Eq. (1) and appendix.)
"""

from __future__ import annotations

import numpy as np

from xglass.engine.blas import single_thread


def excitations(sites: int) -> np.ndarray:
    """(2^sites, sites) sz of every two-level system in every configuration: -1 down, +1 up."""
    states = np.arange(2**sites)
    return (2 * (states[:, None] >> np.arange(sites) & 1) - 1).astype(np.float64)


def shift(sites: int) -> np.ndarray:
    """(2^sites,) configuration i' with (L v)[i] = v[i']: all bits rotated to the left."""
    states = np.arange(2**sites)
    return (states << 1 & (2**sites - 1)) | states >> (sites - 1)


def block(
    momentum: float, t: float, g: float, g_z: float, omega0: float, sites: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Dense (hopping, rest, current) of the block of one momentum; complex, (2^sites, 2^sites). H = hopping + rest."""
    dimension, rows = 2**sites, np.arange(2**sites)
    left = np.zeros((dimension, dimension), dtype=np.complex128)
    left[rows, shift(sites)] += np.exp(-1j * momentum)
    hopping, current = -t * (left + left.conj().T), 1j * t * (left - left.conj().T)
    spins = excitations(sites)
    rest = np.zeros((dimension, dimension))
    rest[rows, rows] += 0.5 * omega0 * spins.sum(axis=1) - g_z * spins[:, 0]
    rest[rows, rows ^ 1] -= g
    return hopping, rest, current


def whole(
    twist: float, t: np.ndarray, g: np.ndarray, g_z: np.ndarray, omega0: np.ndarray, site_energy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Dense (hopping, rest, current) for sites that differ; all (N 2^N, N 2^N), the electron's site first. t of bond (j, j+1) in t[j]."""
    sites = g.size
    dimension, spins = 2**sites, excitations(sites)
    rows = np.arange(dimension)
    shape = (sites, dimension, sites, dimension)
    hopping, current = np.zeros(shape, dtype=np.complex128), np.zeros(shape, dtype=np.complex128)
    rest = np.zeros(shape)
    for j in range(sites):
        to, phase = (j + 1) % sites, np.exp(1j * twist / sites)
        hopping[to, rows, j, rows] -= t[j] * phase
        hopping[j, rows, to, rows] -= t[j] * np.conj(phase)
        current[to, rows, j, rows] -= 1j * t[j] * phase
        current[j, rows, to, rows] += 1j * t[j] * np.conj(phase)
        rest[j, rows, j, rows] += 0.5 * spins @ omega0 - g_z[j] * spins[:, j] + site_energy[j]
        rest[j, rows, j, rows ^ (1 << j)] -= g[j]
    full = (sites * dimension, sites * dimension)
    return hopping.reshape(full), rest.reshape(full), current.reshape(full)


def diagonalised(
    hopping: np.ndarray, rest: np.ndarray, current: np.ndarray, T: np.ndarray, frequency: np.ndarray, broadening: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Traces over one Hamiltonian: (ground energy, Z, Z <H_hop>, Z sigma(T, broadening, frequency)), weights relative to the ground energy."""
    from xglass.engine.sticks import add_spectrum

    with single_thread():
        energies, states = np.linalg.eigh(hopping + rest)
        strengths = np.abs(states.conj().T @ current @ states) ** 2
        kinetic = np.einsum("in,ij,jn->n", states.conj(), hopping, states, optimize=True).real
    boltzmann = np.exp(-(energies - energies[0]) / T[:, None])
    sigma = np.zeros((T.size, broadening.size, frequency.size))
    add_spectrum(energies, strengths, energies[0], T, frequency, broadening, sigma)
    return energies[0], boltzmann.sum(axis=1), boltzmann @ kinetic, sigma


def spectra(
    t: np.ndarray,
    g: np.ndarray,
    g_z: np.ndarray,
    omega0: np.ndarray,
    site_energy: np.ndarray,
    T: np.ndarray,
    frequency: np.ndarray,
    broadening: np.ndarray,
    momentum: np.ndarray,
    weight: np.ndarray,
    *,
    sites: int,
    disorder: bool,
    twist: float,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """sigma (..., T, broadening, frequency), <H_hop> (..., T) and ln Z (..., T); parameters (...) or, with disorder, (..., site).

    Numerators and Z are summed over momenta before they are divided; Z is that of all N 2^N states whatever the momenta.
    """
    own = 1 if disorder else 0
    given = (t, g, g_z, omega0, site_energy)
    shape = np.broadcast_shapes(*(array.shape[: array.ndim - own] for array in given), T.shape[:-1])
    given = tuple(np.broadcast_to(array, shape + array.shape[array.ndim - own :]) for array in given)
    T = np.broadcast_to(T, shape + T.shape[-1:])
    sigma = np.empty((*T.shape, broadening.size, frequency.size))
    kinetic, log_z = np.empty(T.shape), np.empty(T.shape)
    frequency, broadening = np.ascontiguousarray(frequency), np.ascontiguousarray(broadening)
    for p in np.ndindex(shape):
        values, beta = [array[p] for array in given], np.ascontiguousarray(T[p])
        if disorder:
            blocks, weights, states = [whole(twist, *values)], np.ones(1), 1.0
        else:
            blocks, weights, states = (block(K, *values[:4], sites) for K in momentum), weight, sites / weight.sum()
        parts = [diagonalised(*matrices, beta, frequency, broadening) for matrices in blocks]
        ground = min(part[0] for part in parts)
        factors = [w * np.exp(-(part[0] - ground) / beta) for w, part in zip(weights, parts, strict=True)]
        z = sum(factor * part[1] for factor, part in zip(factors, parts, strict=True))
        kinetic[p] = sum(factor * part[2] for factor, part in zip(factors, parts, strict=True)) / z
        sigma[p] = sum(factor[:, None, None] * part[3] for factor, part in zip(factors, parts, strict=True)) / z[:, None, None]
        log_z[p] = np.log(z * states) - ground / beta
    return sigma, kinetic, log_z

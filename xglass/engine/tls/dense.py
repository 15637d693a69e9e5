"""One electron on a ring of two-level systems: Hamiltonian, current and spectra, by full diagonalisation.

H = -t sum_j (c^+_{j+1} c_j + h.c.) + sum_j (omega0_j / 2) sz_j - sum_j n_j (g_j sx_j + g_z_j sz_j) + sum_j
eps_j n_j. Bit j of a configuration is 1 where the two-level system j is excited (sz = +1).

Where all sites are alike, total momentum is conserved. In the frame of the electron bit m is the two-level
system at distance m from it, and a hop of the electron shifts all bits: with K the momentum and L the shift,
(L s)_m = s_{m+1},

    H_K = -t (e^{-iK} L + e^{iK} L^+) + (omega0/2) sum_m sz_m - g sx_0 - g_z sz_0,   J_K = dH_K/dK = i t
    (e^{-iK} L - e^{iK} L^+).

K is continuous: a flux theta through the ring shifts it by theta / N. (Rammal, Ciuchi, Fratini, Eq. (1) and
appendix.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from xglass.engine.core.blas import single_thread
from xglass.engine.core.operations import operation
from xglass.engine.core.points import Kind, over_points

#: Dense Hamiltonian in its parts: hopping, all the rest, and the current.
Matrices = tuple[np.ndarray, np.ndarray, np.ndarray]


def spin_configurations(sites: int, max_excitations: int | None = None) -> np.ndarray:
    """Return (state,) configurations of the two-level systems with at most so many excited, rising."""
    if max_excitations is None or max_excitations >= sites:
        return np.arange(2**sites)
    layers = [np.zeros(1, dtype=np.int64)]
    for _ in range(max_excitations):  # one more excitation, above the highest
        tops = np.array([int(state).bit_length() for state in layers[-1]])
        layers.append(np.concatenate([layers[-1][tops <= bit] | 1 << bit for bit in range(sites)]))
    return np.sort(np.concatenate(layers))


def highest_shell(states: np.ndarray, sites: int, max_excitations: int) -> np.ndarray:
    """Return (state,) whether as many two-level systems are excited as may be; none where all may be."""
    most = (np.bitwise_count(states) == max_excitations) & (max_excitations < sites)
    return np.asarray(most, dtype=bool)


def excitations(states: np.ndarray, sites: int) -> np.ndarray:
    """Return (state, site) sz of every two-level system in every configuration: -1 down, +1 up."""
    return (2 * (states[:, None] >> np.arange(sites) & 1) - 1).astype(np.float64)


def rotated(states: np.ndarray, sites: int) -> np.ndarray:
    """Return configurations s' with (L v)[s] = v[s']: all bits one place to the left."""
    return (states << 1 & (2**sites - 1)) | states >> (sites - 1)


def flipped(states: np.ndarray, bit: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns of the flip of one bit among the given configurations."""
    target = states ^ 1 << bit
    column = np.minimum(np.searchsorted(states, target), states.size - 1)
    row = np.flatnonzero(states[column] == target)
    return row, column[row]


def block(
    momentum: float,
    t: float,
    g: float,
    g_z: float,
    omega0: float,
    sites: int,
    max_excitations: int | None = None,
) -> Matrices:
    """Return hopping, rest and current in the block of one momentum; (state, state)."""
    states = spin_configurations(sites, max_excitations)
    rows = np.arange(states.size)
    spins = excitations(states, sites)
    left = np.zeros((states.size, states.size), dtype=np.complex128)
    left[rows, np.searchsorted(states, rotated(states, sites))] += np.exp(-1j * momentum)
    rest = np.zeros(left.shape)
    rest[rows, rows] += 0.5 * omega0 * spins.sum(axis=1) - g_z * spins[:, 0]
    rest[flipped(states, 0)] -= g
    return -t * (left + left.conj().T), rest, 1j * t * (left - left.conj().T)


def whole(
    twist: float,
    t: np.ndarray,
    g: np.ndarray,
    g_z: np.ndarray,
    omega0: np.ndarray,
    site_energy: np.ndarray,
    max_excitations: int | None = None,
) -> Matrices:
    """Return hopping, rest and current for sites that differ; (site x state, site x state).

    The site of the electron comes first. The bond (j, j + 1) has the hopping t[j].
    """
    sites = g.size
    states = spin_configurations(sites, max_excitations)
    rows = np.arange(states.size)
    spins = excitations(states, sites)
    shape = (sites, states.size, sites, states.size)
    hopping, current = np.zeros(shape, dtype=np.complex128), np.zeros(shape, dtype=np.complex128)
    rest = np.zeros(shape)
    phase = np.exp(1j * twist / sites)
    for j in range(sites):
        to = (j + 1) % sites
        hopping[to, rows, j, rows] -= t[j] * phase
        hopping[j, rows, to, rows] -= t[j] * np.conj(phase)
        current[to, rows, j, rows] -= 1j * t[j] * phase
        current[j, rows, to, rows] += 1j * t[j] * np.conj(phase)
        rest[j, rows, j, rows] += 0.5 * spins @ omega0 - g_z[j] * spins[:, j] + site_energy[j]
        row, column = flipped(states, j)
        rest[j, row, j, column] -= g[j]
    full = (sites * states.size, sites * states.size)
    return hopping.reshape(full), rest.reshape(full), current.reshape(full)


def sector(
    number: float, values: Sequence[Any], disorder: bool, sites: int, max_excitations: int | None
) -> Matrices:
    """Return the matrices of one momentum, or of one flux where sites differ.

    ``values`` are t, g, g_z, omega0, site_energy: numbers or, with disorder, arrays (site).
    """
    t, g, g_z, omega0, site_energy = values
    if disorder:
        return whole(number, t, g, g_z, omega0, site_energy, max_excitations)
    return block(number, t, g, g_z, omega0, sites, max_excitations)


@operation("exact")
def spectra(
    t: np.ndarray,
    g: np.ndarray,
    g_z: np.ndarray,
    omega0: np.ndarray,
    site_energy: np.ndarray,
    T: np.ndarray,
    frequency: np.ndarray,
    broadening: np.ndarray,
    *,
    numbers: tuple[float, ...],
    weights: tuple[float, ...],
    sites: int,
    disorder: bool,
    max_excitations: int | None,
) -> tuple[np.ndarray, ...]:
    """Return spectra from all eigenstates.

    Parameters (...) or, with disorder, (..., site). Numerators and Z are summed over momenta (fluxes)
    ``numbers`` before they are divided; Z is that of the whole space of one electron, whatever the momenta.

    Returns sigma (..., T, broadening, frequency), filter exponent (..., T, broadening), <H_hop>, total weight
    and ln Z (..., T).
    """
    frequency, broadening = np.ascontiguousarray(frequency), np.ascontiguousarray(broadening)

    def at_point(*point: Any) -> tuple[np.ndarray, ...]:
        *values, temperatures = point
        temperatures = np.ascontiguousarray(temperatures)
        sectors = []
        for number in numbers:
            matrices = sector(number, values, disorder, sites, max_excitations)
            sectors.append(_sums(matrices, temperatures, frequency, broadening))

        # Z and numerators of all sectors, relative to one energy
        ground = min(lowest for lowest, _ in sectors)
        factors = [
            weight * np.exp(-(lowest - ground) / temperatures)
            for weight, (lowest, _) in zip(weights, sectors, strict=True)
        ]
        z, hop, total, static, sigma = (
            sum(
                factor.reshape(-1, *[1] * (part.ndim - 1)) * part
                for factor, part in zip(factors, parts, strict=True)
            )
            for parts in zip(*(sums for _, sums in sectors), strict=True)
        )

        # averages
        with np.errstate(invalid="ignore"):  # no weight near zero at all: no exponent
            exponent = static[..., 1] / static[..., 0]
        log_z = np.log(z * (1 if disorder else sites) / sum(weights)) - ground / temperatures
        return sigma / z[:, None, None], exponent, hop / z, total / z, log_z

    grid = (T.shape[-1], broadening.size, frequency.size)
    out: list[Kind] = [(float, grid), (float, grid[:2]), *[(float, grid[:1])] * 3]
    core = [1 if disorder else 0] * 5 + [1]
    return over_points(at_point, (t, g, g_z, omega0, site_energy, T), core, out)


def _sums(
    matrices: Matrices, temperatures: np.ndarray, frequency: np.ndarray, broadening: np.ndarray
) -> tuple[float, list[np.ndarray]]:
    """Lowest energy of a sector, and what is summed over sectors, relative to that energy.

    Z, and Z times <H_hop>, total weight, sigma(0) with its derivative in the broadening, and sigma.
    """
    from xglass.engine.core.line_spectra import add_spectrum

    hopping, rest, current = matrices
    with single_thread():
        energies, states = np.linalg.eigh(hopping + rest)
        strengths = np.abs(states.conj().T @ current @ states) ** 2
        hops = np.einsum("in,in->n", states.conj(), hopping @ states).real
    boltzmann = np.exp(-(energies - energies[0]) / temperatures[:, None])
    sigma = np.zeros((temperatures.size, broadening.size, frequency.size))
    static, total = np.zeros((temperatures.size, broadening.size, 2)), np.zeros(temperatures.size)
    ground = energies[0]
    add_spectrum(energies, strengths, ground, temperatures, frequency, broadening, sigma, static, total)
    return ground, [boltzmann.sum(axis=1), boltzmann @ hops, total, static, sigma]


@operation("exact.truncated_weight")
def shell_weight(
    t: np.ndarray,
    g: np.ndarray,
    g_z: np.ndarray,
    omega0: np.ndarray,
    site_energy: np.ndarray,
    T: np.ndarray,
    *,
    numbers: tuple[float, ...],
    weights: tuple[float, ...],
    sites: int,
    disorder: bool,
    max_excitations: int,
) -> np.ndarray:
    """Return (..., T) the thermal weight of the highest shell of excitations that is kept."""
    states = spin_configurations(sites, max_excitations)
    shell = np.tile(highest_shell(states, sites, max_excitations), sites if disorder else 1)

    def at_point(*point: Any) -> np.ndarray:
        *values, temperatures = point
        sectors = []
        for number in numbers:
            hopping, rest, _ = sector(number, values, disorder, sites, max_excitations)
            with single_thread():
                energies, vectors = np.linalg.eigh(hopping + rest)
            sectors.append((energies, (np.abs(vectors[shell]) ** 2).sum(axis=0)))
        ground = min(energies[0] for energies, _ in sectors)
        z, inside = np.zeros(temperatures.shape), np.zeros(temperatures.shape)
        for weight, (energies, parts) in zip(weights, sectors, strict=True):
            boltzmann = weight * np.exp(-(energies - ground) / temperatures[:, None])
            z += boltzmann.sum(axis=1)
            inside += (boltzmann * parts).sum(axis=1)
        return inside / z

    core = [1 if disorder else 0] * 5 + [1]
    return over_points(at_point, (t, g, g_z, omega0, site_energy, T), core, (float, T.shape[-1:]))


#: Second derivative by central differences of eighth order: weights of f(0), f(h) + f(-h), f(2h) + f(-2h) ...
STENCIL = (-205 / 72, 8 / 5, -1 / 5, 8 / 315, -1 / 560)


@operation("exact.stiffness")
def stiffness(
    t: np.ndarray,
    g: np.ndarray,
    g_z: np.ndarray,
    omega0: np.ndarray,
    site_energy: np.ndarray,
    T: np.ndarray,
    *,
    numbers: tuple[float, ...],
    weights: tuple[float, ...],
    sites: int,
    disorder: bool,
    max_excitations: int | None,
) -> np.ndarray:
    """Return (pi T / 2) Z'' / Z (..., T), Z'' the second derivative in a shift of all momenta.

    It comes from eigenvalues at shifted momenta. Perturbation theory would give the same from matrix elements
    of the current, but then the sum rule that this completes could not fail.
    """
    scale = sites if disorder else 1  # a momentum K is a flux K N

    def at_point(*point: Any) -> np.ndarray:
        *values, temperatures = point

        def levels(shift: float) -> list[np.ndarray]:
            """Return energies of all momenta, shifted."""
            sectors = []
            for number in numbers:
                hopping, rest, _ = sector(number + shift * scale, values, disorder, sites, max_excitations)
                with single_thread():
                    sectors.append(np.linalg.eigvalsh(hopping + rest))
            return sectors

        result = np.empty(temperatures.shape)
        hop = 2.0 * float(np.abs(values[0]).max())
        for chosen in _similar(temperatures):
            ratio = hop / float(temperatures[chosen].min())
            # Z(K) varies on the scale of sqrt(T / 2t), of T / 2t where the ground state moves with K, and of
            # 1: eighth order leaves some 1e-10 of it
            h = min(0.06 / np.sqrt(1.0 + ratio), 0.2 / max(ratio, 1e-300))
            result[chosen] = _second_derivative(levels, weights, temperatures[chosen], h)
        return result

    core = [1 if disorder else 0] * 5 + [1]
    return over_points(at_point, (t, g, g_z, omega0, site_energy, T), core, (float, T.shape[-1:]))


def _similar(T: np.ndarray) -> list[np.ndarray]:
    """Return indices of temperatures within a factor of two of each other.

    Each group gets a step of its own, or rounding would spoil the highest.
    """
    order = np.argsort(T)
    groups: list[list[int]] = []
    for k in order:
        if not groups or T[k] > 2.0 * T[groups[-1][0]]:
            groups.append([])
        groups[-1].append(int(k))
    return [np.array(group) for group in groups]


def _second_derivative(
    levels: Callable[[float], list[np.ndarray]],
    weights: tuple[float, ...],
    temperatures: np.ndarray,
    h: float,
) -> np.ndarray:
    """(pi T / 2) Z'' / Z from energies at shifts 0, +-h, +-2h, ..."""
    centre = levels(0.0)
    ground = min(energies[0] for energies in centre)

    def z(sectors: list[np.ndarray]) -> np.ndarray:
        terms = [
            w * np.exp(-(energies - ground) / temperatures[:, None]).sum(axis=1)
            for w, energies in zip(weights, sectors, strict=True)
        ]
        return np.sum(terms, axis=0)

    z0 = z(centre)
    second = STENCIL[0] * z0
    for step, weight in enumerate(STENCIL[1:], start=1):
        second = second + weight * (z(levels(step * h)) + z(levels(-step * h)))
    return 0.5 * np.pi * temperatures * second / h**2 / z0

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

from collections.abc import Callable

import numpy as np

from xglass.engine.core.blas import single_thread
from xglass.engine.core.operations import operation

#: Dense Hamiltonian in its parts: hopping, all the rest, and the current.
Matrices = tuple[np.ndarray, np.ndarray, np.ndarray]


def configurations(sites: int, max_excitations: int | None = None) -> np.ndarray:
    """(state,) configurations of the two-level systems with at most so many of them excited, rising."""
    if max_excitations is None or max_excitations >= sites:
        return np.arange(2**sites)
    found = np.zeros(1, dtype=np.int64)
    layer = found
    for _ in range(max_excitations):  # one more excitation, above the highest
        tops = np.array([int(state).bit_length() for state in layer])
        layer = np.concatenate([layer[tops <= bit] | 1 << bit for bit in range(sites)])
        found = np.concatenate([found, layer])
    return np.sort(found)


def excitations(states: np.ndarray, sites: int) -> np.ndarray:
    """(state, site) sz of every two-level system in every configuration: -1 down, +1 up."""
    return (2 * (states[:, None] >> np.arange(sites) & 1) - 1).astype(np.float64)


def rotated(states: np.ndarray, sites: int) -> np.ndarray:
    """Configurations s' with (L v)[s] = v[s']: all bits one place to the left."""
    return (states << 1 & (2**sites - 1)) | states >> (sites - 1)


def flipped(states: np.ndarray, bit: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the flip of one bit, among the given configurations."""
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
    """Hopping, rest and current in the block of one momentum; (state, state)."""
    states = configurations(sites, max_excitations)
    rows, spins = np.arange(states.size), excitations(states, sites)
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
    """Hopping, rest and current for sites that differ; (site x state, site x state),
    the electron's site first. t of bond (j, j+1) in t[j].
    """
    sites = g.size
    states = configurations(sites, max_excitations)
    rows, spins = np.arange(states.size), excitations(states, sites)
    shape = (sites, states.size, sites, states.size)
    hopping, current = np.zeros(shape, dtype=np.complex128), np.zeros(shape, dtype=np.complex128)
    rest = np.zeros(shape)
    for j in range(sites):
        to, phase = (j + 1) % sites, np.exp(1j * twist / sites)
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
    number: float, values: list[np.ndarray], disorder: bool, sites: int, max_excitations: int | None
) -> Matrices:
    """Matrices of one momentum, or of one flux where sites differ."""
    if disorder:
        t, g, g_z, omega0, site_energy = values
        return whole(number, t, g, g_z, omega0, site_energy, max_excitations)
    numbers = [float(value) for value in values]
    return block(number, numbers[0], numbers[1], numbers[2], numbers[3], sites, max_excitations)


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
    """Sigma (..., T, broadening, frequency), filter exponent (..., T, broadening), <H_hop>, total weight and
    ln Z (..., T).

    Parameters (...) or, with disorder, (..., site). Numerators and Z are summed over momenta (fluxes)
    ``numbers`` before they are divided; Z is that of the whole space of one electron, whatever the momenta.
    """
    from xglass.engine.core.line_spectra import add_spectrum

    shape, given, T = _points((t, g, g_z, omega0, site_energy), T, disorder)
    sigma = np.empty((*T.shape, broadening.size, frequency.size))
    exponent = np.empty((*T.shape, broadening.size))
    kinetic, total, log_z = (np.empty(T.shape) for _ in range(3))
    frequency, broadening = np.ascontiguousarray(frequency), np.ascontiguousarray(broadening)
    for p in np.ndindex(shape):
        temperatures = np.ascontiguousarray(T[p])
        parts: list[tuple[float, list[np.ndarray]]] = []
        for number in numbers:
            hopping, rest, current = sector(
                number, [array[p] for array in given], disorder, sites, max_excitations
            )
            with single_thread():
                energies, states = np.linalg.eigh(hopping + rest)
                strengths = np.abs(states.conj().T @ current @ states) ** 2
                hops = np.einsum("in,in->n", states.conj(), hopping @ states).real
            boltzmann = np.exp(-(energies - energies[0]) / temperatures[:, None])
            spectrum = np.zeros((temperatures.size, broadening.size, frequency.size))
            static, integral = np.zeros((temperatures.size, broadening.size, 2)), np.zeros(temperatures.size)
            add_spectrum(
                energies,
                strengths,
                energies[0],
                temperatures,
                frequency,
                broadening,
                spectrum,
                static,
                integral,
            )
            parts.append((energies[0], [boltzmann.sum(axis=1), boltzmann @ hops, integral, static, spectrum]))
        ground = min(energy for energy, _ in parts)
        z, hop, integral, static, spectrum = (
            sum(
                w * np.exp(-(energy - ground) / temperatures).reshape(-1, *[1] * (sums[k].ndim - 1)) * sums[k]
                for w, (energy, sums) in zip(weights, parts, strict=True)
            )
            for k in range(5)
        )
        kinetic[p], total[p], sigma[p] = hop / z, integral / z, spectrum / z[:, None, None]
        with np.errstate(invalid="ignore"):  # no weight near zero at all: no exponent
            exponent[p] = static[..., 1] / static[..., 0]
        log_z[p] = np.log(z * (1 if disorder else sites) / sum(weights)) - ground / temperatures
    return sigma, exponent, kinetic, total, log_z


# : Central differences of eighth order for the second derivative: weights of f(0), f(h) + f(-h), f(2h) +
# f(-2h), ...
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
    """(pi T / 2) Z'' / Z (..., T), Z'' the second derivative with respect to a shift of all momenta, from
    eigenvalues at shifted momenta.

    Perturbation theory would give the same from matrix elements of the current, but then the sum rule that
    this completes could not fail.
    """
    shape, given, T = _points((t, g, g_z, omega0, site_energy), T, disorder)
    result = np.empty(T.shape)
    scale = sites if disorder else 1  # a momentum K is a flux K N
    for p in np.ndindex(shape):
        values = [array[p] for array in given]
        hop = 2.0 * float(np.abs(values[0]).max())
        for chosen in _similar(T[p]):
            temperatures = T[p][chosen]
            ratio = hop / float(temperatures.min())
            # Z(K) varies on the scale of sqrt(T / 2t), of T / 2t where the ground state moves with K, and of
            # 1: eighth order leaves some 1e-10 of it
            h = min(0.06 / np.sqrt(1.0 + ratio), 0.2 / max(ratio, 1e-300))

            def energies(step: int, values: list[np.ndarray] = values, h: float = h) -> list[np.ndarray]:
                found = []
                for number in numbers:
                    hopping, rest, _ = sector(
                        number + step * h * scale, values, disorder, sites, max_excitations
                    )
                    with single_thread():
                        found.append(np.linalg.eigvalsh(hopping + rest))
                return found

            result[p][chosen] = _second_derivative(energies, weights, temperatures, h)
    return result


def _similar(T: np.ndarray) -> list[np.ndarray]:
    """Indices of temperatures within a factor of two of each other: each group gets a step of its own,
    or rounding would spoil the highest.
    """
    order = np.argsort(T)
    groups: list[list[int]] = []
    for k in order:
        if not groups or T[k] > 2.0 * T[groups[-1][0]]:
            groups.append([])
        groups[-1].append(int(k))
    return [np.array(group) for group in groups]


def _second_derivative(
    energies: Callable[[int], list[np.ndarray]],
    weights: tuple[float, ...],
    temperatures: np.ndarray,
    h: float,
) -> np.ndarray:
    centre = energies(0)
    ground = min(levels[0] for levels in centre)

    def z(sectors: list[np.ndarray]) -> np.ndarray:
        terms = [
            w * np.exp(-(levels - ground) / temperatures[:, None]).sum(axis=1)
            for w, levels in zip(weights, sectors, strict=True)
        ]
        return np.sum(terms, axis=0)

    z0 = z(centre)
    second = STENCIL[0] * z0
    for step, weight in enumerate(STENCIL[1:], start=1):
        second = second + weight * (z(energies(step)) + z(energies(-step)))
    return 0.5 * np.pi * temperatures * second / h**2 / z0


def _points(
    given: tuple[np.ndarray, ...], T: np.ndarray, disorder: bool
) -> tuple[tuple[int, ...], tuple[np.ndarray, ...], np.ndarray]:
    """Shape of the parameter points, and parameters and temperatures at all of them."""
    own = 1 if disorder else 0
    shape = np.broadcast_shapes(*(array.shape[: array.ndim - own] for array in given), T.shape[:-1])
    points = tuple(np.broadcast_to(array, shape + array.shape[array.ndim - own :]) for array in given)
    return shape, points, np.broadcast_to(T, shape + T.shape[-1:])

"""Ladders of energies and the lattices on which they stand, for dynamical mean field theory.

A lattice enters by functions of z = nu - Sigma: the Green function, 1/G0, and the densities that thermal
averages integrate. (Rammal, Ciuchi and Fratini, appendix A; energies from all two-level systems down.)
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial import legendre as series

#: Rungs beyond the edge after which every ladder has forgotten where it ends.
MOST_RUNGS = 100_000
#: Rungs below an energy from which the recursion at T = 0 begins.
COLD_RUNGS = 4096
#: Most work on one point, in iterations of one rung of the chain (some 50 ns each).
MOST_WORK = 100_000_000

Transform = Callable[[np.ndarray], np.ndarray]


@dataclass
class Ladder:
    """Parameters of one point and the extent of its ladder."""

    t: float
    g: float
    g_z: float
    omega0: float
    T: float
    bottom: float
    period: float
    rungs: int

    @property
    def p(self) -> float:
        """Thermal weight of a two-level system that is down."""
        return (
            1.0 / (1.0 + math.exp(-self.omega0 / self.T))
            if self.T > 0.0
            else (0.5 if self.omega0 == 0.0 else 1.0)
        )

    @property
    def q(self) -> float:
        """Thermal weight of a two-level system that is excited: not 1 - p, which is lost beside 1."""
        return (
            math.exp(-self.omega0 / self.T) * self.p if self.T > 0.0 else (0.5 if self.omega0 == 0.0 else 0.0)
        )

    @property
    def spacing(self) -> float:
        """From rung to rung; 0 of a ladder of one rung, which holds all energies at once."""
        return self.omega0 if self.rungs > 1 else 0.0


def extent(
    t: float, g: float, g_z: float, omega0: float, T: float, lowest: float, highest: float, half_band: float
) -> Ladder:
    """Return the ladder that holds all states and the energies asked for.

    It has rungs enough that its ends are forgotten.
    """
    edge = half_band + math.hypot(g, g_z)
    if omega0 == 0.0:
        low, high = min(-1.05 * edge, lowest), max(1.05 * edge, highest)
        return Ladder(t, g, g_z, omega0, T, low, high - low, 1)
    steps, log = 0, 0.0
    # each rung beyond the edge carries (g G)^2 of the one before
    while log > -42.0 and steps < MOST_RUNGS and g != 0.0:
        steps += 1
        away = edge + steps * omega0 - abs(g_z)
        log += min(0.0, math.log(g * g / max(away * away - half_band**2, 1e-300)))
    low, high = min(-edge, lowest) - (steps + 1) * omega0, max(edge, highest) + (steps + 1) * omega0
    return Ladder(t, g, g_z, omega0, T, low, omega0, math.ceil((high - low) / omega0) + 1)


def image(
    below: np.ndarray, here: np.ndarray, above: np.ndarray, g: float, g_z: float, p: float, q: float
) -> np.ndarray:
    """Return the self-energy from 1/G0 at nu - omega0, nu and nu + omega0: Eq. (A6), in numpy.

    This is dmft_kernels.impurity for arrays, rounded otherwise in the last digit: every imaginary part a sum
    of terms of one sign.
    """
    s, r = g_z + g * g / (below + g_z), -g_z + g * g / (above - g_z)
    v = here - p * r - q * s
    sizes = (
        p * q * np.abs(s - r) ** 2 * here.imag
        - p * np.abs(here - r) ** 2 * s.imag
        - q * np.abs(here - s) ** 2 * r.imag
    )
    return (p * s + q * r + p * q * (s - r) ** 2 / v).real - 1j * sizes / np.abs(v) ** 2


class Chain:
    """The chain of Eq. (1): local functions of z = nu - Sigma in closed form.

    They are those of w = 2t / (z + sqrt(z - 2t) sqrt(z + 2t)).
    """

    transport, resolved, negligible = True, 1e-8, 1e-10

    def __init__(self, t: float, most: int = MOST_WORK) -> None:
        self.t, self.half_band, self.lower_edge = t, 2.0 * t, -2.0 * t
        self.work, self.most = 0, most  #: iterations of one rung so far, and at most
        self.edges: np.ndarray | None = None  #: of panels that resolve what is known already

    def self_energy(self, ladder: Ladder, bottom: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return Sigma (ladder, rung) and the residual (ladder)."""
        sigma, residual = self._solved(ladder, bottom)
        singular = np.flatnonzero(~np.isfinite(sigma).all(axis=1))
        if singular.size:  # exactly on a pole, or on the edge of a band: beside it
            beside = bottom[singular] + 1e-13 * self.half_band
            sigma[singular], residual[singular] = self._solved(ladder, beside)
            residual[~np.isfinite(sigma).all(axis=1)] = np.inf
        return sigma, residual

    def _solved(self, ladder: Ladder, bottom: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return what the kernel makes of ladders, NaN and all."""
        from xglass.engine.tls import dmft_kernels

        sigma, residual = np.empty((bottom.size, ladder.rungs), dtype=np.complex128), np.empty(bottom.size)
        iterations = dmft_kernels.solve(
            bottom,
            ladder.spacing,
            ladder.rungs,
            ladder.t,
            ladder.g,
            ladder.g_z,
            ladder.p,
            ladder.q,
            0.5,
            max(self.most - self.work, 0) // ladder.rungs,
            sigma,
            residual,
        )
        self.work += iterations * ladder.rungs
        return sigma, residual

    def disk(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The variable w, and 1 - |w|^2 without cancellation; w = 0 where z is infinite."""
        far = np.isinf(z)
        z = np.where(far, 4.0 * self.t, z)
        root = np.sqrt(z - 2.0 * self.t) * np.sqrt(z + 2.0 * self.t)
        with np.errstate(invalid="ignore"):  # NaN where there is no solution
            w = np.where(far, 0.0, 2.0 * self.t / (z + root))
        size = w.real**2 + w.imag**2
        inside = (size > 0.5) & (w.imag < 0.0)
        return w, np.where(inside, z.imag * size / np.where(inside, -self.t * w.imag, 1.0), 1.0 - size)

    def hidden(self, ladder: Ladder, reference: float) -> float:
        """Return the thermal weight that a solution may miss: none, of ladders."""
        return 0.0

    def green(self, z: np.ndarray) -> np.ndarray:
        """Local Green function G = w / (t (1 - w^2)) = 1 / (sqrt(z - 2t) sqrt(z + 2t)).

        At the edges of the band it is infinite in both parts, as just above the real axis.
        """
        w, _ = self.disk(z)
        down = self.t * np.abs(1.0 - w * w) ** 2
        edge = down == 0.0
        parts = w.real * (1.0 - np.abs(w) ** 2) + 1j * w.imag * (1.0 + np.abs(w) ** 2)
        with np.errstate(invalid="ignore"):
            green = parts / np.where(edge, 1.0, down)
        return np.where(
            edge, np.where(w.real > 0.0, complex(np.inf, -np.inf), complex(-np.inf, -np.inf)), green
        )

    def inverse_bath(self, nu: np.ndarray, z: np.ndarray) -> np.ndarray:
        """1/G0 = nu - 2 t w."""
        return nu - 2.0 * self.t * self.disk(z)[0]

    def densities(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of an energy: states (Eq. A16), their kinetic energy, and D of Eq. (A15)."""
        w, inside = self.disk(z)
        size, down = np.abs(w) ** 2, np.abs(1.0 - w * w) ** 2
        with np.errstate(divide="ignore", invalid="ignore"):
            states = -w.imag * (1.0 + size) / (np.pi * self.t * down)
            kinetic = -4.0 * w.real * w.imag / (np.pi * down)
            transport = 2.0 / np.pi**2 * w.imag**2 * (1.0 + size) / (down * inside)
        there = (z.imag > 0.0) & np.isfinite(states) & np.isfinite(kinetic) & np.isfinite(transport)
        return np.where(there, states, 0.0), np.where(there, kinetic, 0.0), np.where(there, transport, 0.0)


class Transformed:
    """Any lattice, by the Hilbert transform of its density of states N.

    Where transport is wanted, that of N phi is given too.
    """

    resolved, negligible = 1e-7, 1e-9

    def __init__(self, hilbert: Transform, vertex: Transform | None) -> None:
        self.hilbert, self.vertex, self.transport = hilbert, vertex, vertex is not None
        self.work, self.most = 0, MOST_WORK  #: iterations of one rung, in units of those of the chain
        far = 1e3j
        tail = far * complex(self.at(np.array([far]))[0])  # 1 + m1 / z + m2 / z^2: the first moments of N
        if not abs(tail - 1.0) < 0.1:
            raise ValueError(
                "hilbert must be that of a density of states normalised to one; z hilbert(z) at z = "
                f"{far} is {tail:.6g}"
            )
        mean, second = -1e3 * tail.imag, 1e6 * (1.0 - tail.real)
        twice = -2e3 * complex(2.0 * far * self.at(np.array([2.0 * far]))[0]).imag
        self.mean = (4.0 * twice - mean) / 3.0  #: first moment of N, freed from the third
        self.half_band = abs(mean) + 4.0 * math.sqrt(max(second - mean**2, 1e-12))
        grid = np.linspace(-self.half_band, self.half_band, 4001)
        filled = np.flatnonzero(self._filled(grid))
        if filled.size == 0:
            raise ValueError(
                "hilbert has no density of states: -Im hilbert(e + i0) / pi must be positive in the band"
            )
        low, high = grid[max(filled[0] - 1, 0)], grid[filled[0]]
        for _ in range(50):
            middle = 0.5 * (low + high)
            low, high = (low, middle) if self._filled(np.array([middle]))[0] else (middle, high)
        self.lower_edge = high

    def _filled(self, energy: np.ndarray) -> np.ndarray:
        return -self.at(energy + 0j).imag > 1e-6 / getattr(self, "half_band", 1.0)

    def at(self, z: np.ndarray, transform: Transform | None = None) -> np.ndarray:
        """A transform at z, just above the real axis where z lies on it; 0 where z is infinite."""
        call = self.hilbert if transform is None else transform
        far = np.isinf(z)
        z = np.where(far, 1j, z)
        value = np.asarray(call(z.real + 1j * np.maximum(z.imag, 1e-14)), dtype=np.complex128)
        if value.shape != z.shape:
            raise ValueError(
                f"hilbert and vertex must return an array of the shape of z, {z.shape}, got {value.shape}"
            )
        return np.where(far, 0.0, value.real + 1j * np.minimum(value.imag, 0.0))

    @np.errstate(divide="ignore", invalid="ignore", over="ignore")  # at poles
    def self_energy(self, ladder: Ladder, bottom: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return Sigma (ladder, rung) and the residual (ladder).

        Damped iteration of all ladders that have not converged. At a pole Sigma is -i infinity, as just above
        the real axis, with the residual 1: rounding hides from a numerical transform how near the pole is.
        """
        nu = bottom[:, None] + ladder.spacing * np.arange(-1, ladder.rungs + 1)
        mean, size = ladder.g_z * (ladder.p - ladder.q), math.hypot(ladder.g, ladder.g_z)
        sigma = np.full(nu.shape, mean - 0.5j * size)
        residual, left = np.full(bottom.size, np.inf), np.arange(bottom.size)
        for _ in range(5000):
            self.work += 5 * left.size * ladder.rungs
            u = self.inverse_bath(nu[left], nu[left] - sigma[left])
            new = sigma[left]
            if ladder.spacing:
                # beyond the ends: the first terms at large energy
                far = mean + (size**2 - mean**2) / (nu[left] - mean)
                new[:, [0, -1]] = far[:, [0, -1]]
                new[:, 1:-1] = image(
                    u[:, :-2], u[:, 1:-1], u[:, 2:], ladder.g, ladder.g_z, ladder.p, ladder.q
                )
            else:
                new = image(u, u, u, ladder.g, ladder.g_z, ladder.p, ladder.q)
            change = np.abs(new - sigma[left])[:, 1:-1] / (size + np.abs(new[:, 1:-1]) + 1e-300)
            residual[left] = change.max(axis=1)
            sigma[left] = 0.5 * (sigma[left] + new)
            left = left[residual[left] > 1e-12]
            if left.size == 0 or self.work > self.most:  # the residual says so
                break
        sigma = sigma[:, 1:-1]
        lost = ~np.isfinite(sigma)
        sigma[lost], residual[lost.any(axis=1)] = complex(0.0, -np.inf), 1.0
        return sigma, residual

    def hidden(self, ladder: Ladder, reference: float) -> float:
        """Return the thermal weight that a solution may miss: none, of ladders."""
        return 0.0

    def green(self, z: np.ndarray) -> np.ndarray:
        """Local Green function."""
        return self.at(z)

    def inverse_bath(self, nu: np.ndarray, z: np.ndarray) -> np.ndarray:
        """1/G0 = 1/G + Sigma, its imaginary part not negative."""
        far = np.isinf(z)
        with np.errstate(divide="ignore", invalid="ignore"):
            inverse = np.where(far, nu - self.mean, 1.0 / self.at(z) + nu - z)
        return inverse.real + 1j * np.maximum(inverse.imag, 0.0)

    def densities(self, z: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Of an energy: states (Eq. A16), their kinetic energy, and D of Eq. (A15), NaN without a vertex."""
        green = self.at(z)
        z = np.where(np.isinf(z), 1j, z)  # a pole of Sigma, where all are 0
        states, kinetic = -green.imag / np.pi, -(z * green).imag / np.pi
        if self.vertex is None:
            return states, kinetic, np.full(z.shape, np.nan)
        rate = np.maximum(z.imag, 1e-14)
        step = 0.12 * rate  # the transform is analytic above the real axis, on a scale of the height
        slope = (
            sum(
                factor * (self.at(z + k * step, self.vertex) - self.at(z - k * step, self.vertex))
                for k, factor in ((1, 0.8), (2, -0.2), (3, 4.0 / 105.0), (4, -1.0 / 280.0))
            )
            / step
        )
        transport = np.maximum(slope.real - self.at(z, self.vertex).imag / rate, 0.0) / (2.0 * np.pi**2)
        # outside the band it falls with the square of the rate
        return states, kinetic, np.where(rate > 1e-8, transport, 0.0)

    def bubble(self, one: np.ndarray, two: np.ndarray) -> np.ndarray:
        """Int N phi A(z) A(z') of pairs of energies."""
        assert self.vertex is not None
        first, second = self.at(one, self.vertex), self.at(two, self.vertex)
        apart = two - one
        apart = np.where(np.abs(apart) > 1e-9, apart, 1e-9)
        return ((first - second.conj()) / (two.conj() - one) - (first - second) / apart).real / (
            2.0 * np.pi**2
        )


Lattice = Chain | Transformed


def cold(lattice: Lattice, ladder: Ladder, energy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return Sigma and 1/G0 (rung, energy) at T = 0.

    On the rungs below each energy and on its own, the last: a recursion upwards, which forgets its
    beginning.
    """
    rungs = min(math.ceil((energy.max() - ladder.bottom) / ladder.omega0) + 1, COLD_RUNGS)
    sigma, bath = np.empty((rungs, energy.size), np.complex128), np.empty((rungs, energy.size), np.complex128)
    size = math.hypot(ladder.g, ladder.g_z)
    for k in range(rungs):
        nu = energy - (rungs - 1 - k) * ladder.omega0
        if k == 0:
            sigma[k] = ladder.g_z + ladder.g**2 / (nu - size)
        else:
            below = bath[k - 1] + ladder.g_z
            pole = below == 0.0
            below[pole] = 1.0
            sigma[k] = ladder.g_z + ladder.g**2 * (below.real - 1j * below.imag) / np.abs(below) ** 2
            sigma[k][pole] = complex(0.0, -np.inf)  # as just above the real axis
        bath[k] = lattice.inverse_bath(nu, nu - sigma[k])
    return sigma, bath


def static_self_energy(lattice: Lattice, ladder: Ladder, energy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sigma of static two-level systems, omega0 = 0, and its residual: the coherent potential approximation.

    For the chain it is a cubic equation, 2 t^2 w^3 - 3 t nu w^2 + (nu^2 + 2 t^2 - g^2 - g_z^2) w = t nu. Its
    root w = 0, a pole of Sigma, lies at nu = 0 and nowhere else, and is the causal one where the alloy has a
    gap: Sigma is there -i infinity, as just above the real axis.
    """
    sigma, residual = lattice.self_energy(ladder, np.ascontiguousarray(energy, dtype=np.float64))
    sigma = sigma[:, 0]
    if (
        ladder.omega0 == 0.0
        and isinstance(lattice, Chain)
        and ladder.g**2 + ladder.g_z**2 >= 2.0 * ladder.t**2
    ):
        pole = np.abs(energy) < 1e-100 * ladder.t
        sigma[pole], residual[pole] = complex(0.0, -np.inf), 0.0
    return sigma, residual


def ground_state_energy(lattice: Lattice, ladder: Ladder) -> float:
    """Lowest energy of the electron at T = 0, where z = nu - Sigma reaches the lower edge of the band."""
    low, high = -lattice.half_band - math.hypot(ladder.g, ladder.g_z), lattice.half_band + abs(ladder.g_z)
    if ladder.g == 0.0 and (ladder.g_z == 0.0 or ladder.omega0 > 0.0):
        return lattice.lower_edge + ladder.g_z

    def filled(energy: np.ndarray) -> np.ndarray:
        if ladder.omega0 == 0.0:
            return -static_self_energy(lattice, ladder, energy)[0].imag > 1e-7 * (
                abs(ladder.g) + abs(ladder.g_z)
            )
        sigma, _ = cold(lattice, ladder, energy)
        offsets = np.arange(sigma.shape[0] - 1, -1, -1)[:, None] * ladder.omega0
        return ((energy - offsets - sigma).real > lattice.lower_edge).any(axis=0)

    for _ in range(9):
        grid = np.linspace(low, high, 65)
        first = int(np.argmax(filled(grid)))
        low, high = grid[max(first - 1, 0)], grid[first]
    return 0.5 * (low + high)


def free(lattice: Lattice, T: float) -> float:
    """<K> of the free electron."""
    nodes, weights = series.leggauss(400)
    if isinstance(lattice, Chain):
        energy, density = -2.0 * lattice.t * np.cos(0.5 * np.pi * (nodes + 1.0)), weights
    else:
        energy = lattice.half_band * nodes
        density = -lattice.at(energy + 0j).imag * weights
    if T == 0.0:
        return lattice.lower_edge
    boltzmann = density * np.exp(-(energy - energy.min()) / T)
    return float((energy * boltzmann).sum() / boltzmann.sum())

"""The charge-glass Monte Carlo as an exact Markov chain on a small torus: the second route, with no code of
xglass in it.

A 4 x 4 torus with 8 particles has 12870 configurations, so a single Metropolis attempt is one sparse matrix
P, and everything the walkers sample is a matrix product: p_k = p_0 P^(N k) is the law of the configuration
after k sweeps, P^(N t) n_i is what site i holds on average t sweeps later, and P split into diagonal and
off-diagonal part counts the accepted moves. No random number is drawn.

The ingredients are also computed in another way than a simulation would. The Coulomb potential of the torus
is the Gaussian representation of 1/r integrated by the trapezoidal rule in log s (no erfc, no splitting
parameter). E is the full double sum of every configuration, never an increment. F = Omega + mu N comes from
eigenvalues only, with mu the maximum of a concave function, and <K> = dF/dlambda of lambda K + phi by
extrapolated central differences, never from eigenvectors or densities. Units: V = a = k_B = 1. Sites s = i +
Lx j; periods Lx a1 and Ly a2.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations

import numpy as np
from scipy import sparse
from scipy.special import expit

CELL = {
    "triangular": np.array([[1.0, 0.0], [0.5, np.sqrt(0.75)]]),
    "square": np.eye(2),
}
STEPS = {  # kind of bond -> steps (di, dj), each bond once
    "triangular": [("c", 1, 0), ("p", 0, 1), ("p", -1, 1)],
    "square": [("x", 1, 0), ("y", 0, 1)],
}


@dataclass(frozen=True)
class Glass:
    """A torus, its particles and its hopping; hashable, so that tables are computed once per session."""

    kind: str = "triangular"
    shape: tuple[int, int] = (4, 4)
    particles: int = 8
    hopping: tuple[tuple[str, float], ...] = (("c", -0.06), ("p", 0.12))
    self_image: str | float = "include"

    @property
    def sites(self) -> int:
        return self.shape[0] * self.shape[1]

    def index(self, i: np.ndarray, j: np.ndarray) -> np.ndarray:
        """Site number of the cell (i, j), wrapped onto the torus."""
        return i % self.shape[0] + self.shape[0] * (j % self.shape[1])

    @cached_property
    def cells(self) -> tuple[np.ndarray, np.ndarray]:
        """(i, j) of every site, in the order of the sites."""
        return tuple(np.divmod(np.arange(self.sites), self.shape[0])[::-1])

    @cached_property
    def bonds(self) -> list[tuple[str, int, int]]:
        """(kind, source, target), every bond once."""
        i, j = self.cells
        return [
            (kind, s, t)
            for kind, di, dj in STEPS[self.kind]
            for s, t in enumerate(self.index(i + di, j + dj))
        ]

    @cached_property
    def kinetic_matrix(self) -> np.ndarray:
        """K_ij = +t_ij; on narrow tori two bonds join the same sites, and add."""
        matrix, hopping = np.zeros((self.sites, self.sites)), dict(self.hopping)
        for kind, s, t in self.bonds:
            matrix[s, t] += hopping[kind]
            matrix[t, s] += hopping[kind]
        return matrix

    @cached_property
    def coulomb(self) -> tuple[np.ndarray, float]:
        """V_ij with a zero diagonal, and V_s."""
        i, j = self.cells
        cell = CELL[self.kind]
        by_site = torus_potential(np.stack([i, j], axis=1) @ cell, np.array(self.shape)[:, None] * cell)
        between = self.index(i[None, :] - i[:, None], j[None, :] - j[:, None])
        return np.where(between == 0, 0.0, by_site[between]), float(by_site[0])

    @cached_property
    def potential_matrix(self) -> np.ndarray:
        """W: V_ij and, on the diagonal, what a particle contributes to its own potential."""
        pairs, self_image = self.coulomb
        named = {"exclude": 0.0, "include": self_image}
        return pairs + named.get(self.self_image, self.self_image) * np.eye(self.sites)

    @cached_property
    def occupations(self) -> np.ndarray:
        """Every configuration, (configuration, site) of 0 and 1."""
        occupied = np.array(list(combinations(range(self.sites), self.particles)))
        table = np.zeros((len(occupied), self.sites))
        np.put_along_axis(table, occupied, 1.0, axis=1)
        return table

    @cached_property
    def _row(self) -> np.ndarray:
        row = np.full(2**self.sites, -1)
        row[self._code(self.occupations)] = np.arange(len(self.occupations))
        return row

    def _code(self, occupation: np.ndarray) -> np.ndarray:
        return np.asarray(occupation).astype(np.int64) @ (1 << np.arange(self.sites))

    def find(self, occupation: np.ndarray) -> np.ndarray:
        """Rows of `occupations` (..., site) in the list of configurations; -1 for a wrong particle number."""
        return self._row[self._code(occupation)]

    @cached_property
    def orbit(self) -> np.ndarray:
        """A label per configuration, equal for configurations joined by a translation or by inversion."""
        i, j = self.cells
        images = [
            self.find(self.occupations[:, self.index(sign * i + a, sign * j + b)])
            for sign in (1, -1)
            for a in range(self.shape[0])
            for b in range(self.shape[1])
        ]
        return np.unique(np.min(images, axis=0), return_inverse=True)[1]


def torus_potential(displacement: np.ndarray, periods: np.ndarray, reach: int = 7) -> np.ndarray:
    """1/r summed over a 2D torus with a neutralising background; at zero displacement without the charge's
    own 1/r.

    V(r) = pi^(-1/2) int_0^inf ds s^(-1/2) [sum_R exp(-s |r + R|^2) - pi / (A s)], and Poisson's sum of the
    same Gaussians at small s. With s = exp(u)/A the integrand is analytic for |Im u| < pi/2 and the
    trapezoidal rule of step h errs by exp(-pi^2/h).
    """
    area = abs(np.linalg.det(periods))
    images = np.stack(np.meshgrid(*[np.arange(-reach, reach + 1)] * 2, indexing="ij"), axis=-1).reshape(-1, 2)
    real = np.sum((displacement[:, None] + images @ periods) ** 2, axis=-1)
    own = real < 1e-12 * area
    waves = images[np.any(images != 0, axis=1)] @ (2 * np.pi * np.linalg.inv(periods).T)
    cosine = np.cos(displacement @ waves.T)
    total, h = np.zeros(len(displacement)), 0.2
    for s in np.exp(h * np.arange(-400, 401)) / area:  # the slowest end decays as s^(-1/2)
        if s < np.pi / area:
            bracket = np.pi / (area * s) * (cosine @ np.exp(-np.sum(waves**2, axis=1) / (4 * s))) - own.any(
                axis=1
            )
        else:
            bracket = np.where(own, 0.0, np.exp(-s * real)).sum(axis=1) - np.pi / (area * s)
        total += h * np.sqrt(s / np.pi) * bracket
    return total


def free_energy(levels: np.ndarray, T: float, particles: float) -> np.ndarray:
    """F = Omega + mu N of free fermions, mu such that <N> = particles. Omega + mu N is concave in mu and
    largest there, so an error of mu enters squared and 40 bisections give F to rounding.
    """
    low, high = levels.min(axis=-1) - 40 * T, levels.max(axis=-1) + 40 * T
    for _ in range(40):
        mu = 0.5 * (low + high)
        few = expit((mu[..., None] - levels) / T).sum(axis=-1) < particles
        low, high = np.where(few, mu, low), np.where(few, high, mu)
    return mu * particles - T * np.logaddexp(0.0, (mu[..., None] - levels) / T).sum(axis=-1)


@dataclass(frozen=True)
class Energies:
    """What every configuration weighs, one number each."""

    electrostatic: np.ndarray
    kinetic: np.ndarray
    hopping_free_energy: np.ndarray  # F[K + phi] - F[phi]

    def weight(self, rule: str) -> np.ndarray:
        added = {"classical": 0.0, "kinetic": self.kinetic, "free_energy": self.hopping_free_energy}
        return self.electrostatic + added[rule]


def energies_of(glass: Glass, n: np.ndarray, T: float, step: float = 0.04) -> Energies:
    """Energies of configurations `n` (configuration, site) with fermions at temperature T.

    <K> by central differences at step, step/2, step/4 with two Richardson steps: the error is O(step^6) plus
    rounding / step.
    """
    hopping, (pairs, _) = glass.kinetic_matrix, glass.coulomb
    potential = n @ glass.potential_matrix
    site_energy = potential[:, :, None] * np.eye(glass.sites)

    def F(strength: float) -> np.ndarray:
        return free_energy(np.linalg.eigvalsh(strength * hopping + site_energy), T, glass.particles)

    coarse, medium, fine = ((F(1 + h) - F(1 - h)) / (2 * h) for h in (step, step / 2, step / 4))
    first, second = (4 * medium - coarse) / 3, (4 * fine - medium) / 3
    return Energies(
        electrostatic=0.5 * np.einsum("ci,ij,cj->c", n, pairs, n, optimize=True),
        kinetic=(16 * second - first) / 15,
        hopping_free_energy=F(1.0) - free_energy(potential, T, glass.particles),
    )


@cache
def energies(glass: Glass, T: float) -> Energies:
    """Energies of all configurations, in their order, evaluated once per class of equal ones."""
    _, one_of_class = np.unique(glass.orbit, return_index=True)
    evaluated = energies_of(glass, glass.occupations[one_of_class], T)
    return Energies(**{name: values[glass.orbit] for name, values in vars(evaluated).items()})


def metropolis_rule(difference: np.ndarray, T: float) -> np.ndarray:
    return np.exp(-np.maximum(difference, 0.0) / T)


def proposals(glass: Glass, moves: str) -> dict[tuple[int, int], float]:
    """Probability that one attempt draws the pair {i, j}, in either order."""
    if moves == "exchange":
        return {pair: 2 / (glass.sites * (glass.sites - 1)) for pair in combinations(range(glass.sites), 2)}
    drawn: dict[tuple[int, int], float] = {}
    for (
        _,
        s,
        t,
    ) in glass.bonds:  # every site has the same number of bonds: site, then neighbour = one of all bonds
        pair = (min(s, t), max(s, t))
        drawn[pair] = drawn.get(pair, 0.0) + 1 / len(glass.bonds)
    return drawn


class Chain:
    """The law of the walkers, attempt by attempt."""

    def __init__(
        self,
        glass: Glass,
        T: float,
        weight: np.ndarray,
        drawn: dict[tuple[int, int], float],
        *,
        start: np.ndarray | None = None,
        excess: np.ndarray | None = None,
        accept: Callable[[np.ndarray, float], np.ndarray] = metropolis_rule,
    ):
        """`weight` of every configuration, `drawn` as from proposals; `start` is one configuration, or None
        for all alike.

        `excess[i, j]`, added to the weight difference of a swap, and another `accept` make a chain that is
        wrong on purpose.
        """
        self.glass, self.weight = glass, weight
        n = glass.occupations
        rows, columns, values = [], [], []
        for (i, j), probability in drawn.items():
            source = np.flatnonzero(n[:, i] != n[:, j])
            swapped = n[source]
            swapped[:, [i, j]] = swapped[:, [j, i]]
            target = glass.find(swapped)
            difference = weight[target] - weight[source] + (0.0 if excess is None else excess[i, j])
            rows.append(source)
            columns.append(target)
            values.append(probability * accept(difference, T))
        self.moved = sparse.coo_array(
            (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), shape=(len(n), len(n))
        ).tocsr()
        self.accepted = self.moved.sum(axis=1)  # probability that an attempt is accepted
        self.attempt = (self.moved + sparse.diags_array(1 - self.accepted)).tocsr()
        self._onward, self._moved_onward = self.attempt.T.tocsr(), self.moved.T.tocsr()
        first = np.full(len(n), 1 / len(n)) if start is None else np.eye(1, len(n), glass.find(start))[0]
        self._laws = [first]
        self._futures = [n - glass.particles / glass.sites]

    def law(self, sweep: int) -> np.ndarray:
        """Probability of every configuration at a sweep."""
        while len(self._laws) <= sweep:
            law = self._laws[-1]
            for _ in range(self.glass.sites):
                law = self._onward @ law
            self._laws.append(law)
        return self._laws[sweep]

    def autocorrelation(self, waiting_time: int, lag: int) -> float:
        """(1/N) sum_i <dn_i(waiting_time) dn_i(waiting_time + lag)>."""
        while len(self._futures) <= lag:
            self._futures.append(self.ahead(self._futures[-1], self.glass.sites))
        return float(self.law(waiting_time) @ (self._futures[0] * self._futures[lag]).mean(axis=1))

    def ahead(self, values: np.ndarray, attempts: int) -> np.ndarray:
        """Mean of a function of the configuration some attempts later, given the configuration now."""
        for _ in range(attempts):
            values = self.attempt @ values
        return values

    def accepted_ahead(self, attempts: int) -> tuple[np.ndarray, np.ndarray]:
        """Mean and mean square of the number of accepted attempts among the next ones,
        given the configuration now.
        """
        mean, square = np.zeros((2, len(self.weight)))
        for _ in range(attempts):
            mean, square = (
                self.accepted + self.attempt @ mean,
                self.accepted + 2 * self.moved @ mean + self.attempt @ square,
            )
        return mean, square

    def accepted_attempts(self, first: int, last: int) -> np.ndarray:
        """Probability of 0, 1, 2, ... accepted attempts between two sweeps."""
        attempts = self.glass.sites * (last - first)
        joint = np.zeros((len(self.weight), attempts + 1))
        joint[:, 0] = self.law(first)
        for done in range(attempts):  # after `done` attempts at most that many were accepted
            held = joint[:, : done + 1]
            gained = self._moved_onward @ held
            held *= (1 - self.accepted)[:, None]
            joint[:, 1 : done + 2] += gained
        return joint.sum(axis=0)


@cache
def chain(glass: Glass, T: float, weight: str, moves: str) -> Chain:
    """The chain as specified, from the random start."""
    return Chain(glass, T, energies(glass, T).weight(weight), proposals(glass, moves))


def moments(law: np.ndarray, values: np.ndarray) -> tuple[float, float, float]:
    """Mean, variance and fourth central moment of a function of the configuration."""
    mean = law @ values
    return float(mean), float(law @ (values - mean) ** 2), float(law @ (values - mean) ** 4)


def bins(order: np.ndarray, law: np.ndarray, smallest: float) -> np.ndarray:
    """A bin per atom of the law: atoms joined in this order until their probability reaches `smallest`;
    the last bin takes the rest.
    """
    label, current, mass, last = np.empty(len(law), dtype=int), 0, 0.0, law.sum() - smallest
    for atom, total in zip(order, np.cumsum(law[order]), strict=True):
        label[atom] = current
        mass += law[atom]
        if mass >= smallest and total <= last:
            current, mass = current + 1, 0.0
    return label

"""The charge glass as a quantum many-body problem on a small torus, without approximation, and what the
classical charges with static electrons of the Monte Carlo make of it, without a random number.

The many-body side is full diagonalisation of H = sum_b t_b (c+_i c_j + h.c.) + 1/2 sum_ij V_ij n_i n_j at a
fixed number of spinless fermions: 12870 states on 4 x 4 sites, 16 momenta of some 810. States are ordered
products of c+ over rising site numbers, so that an operator takes a sign for every particle it passes.
Inversion times complex conjugation keeps every momentum and commutes with H and with the current: in a basis
that it keeps as well all blocks are real. Momenta that inversion or the mirror x -> -x joins have the same
levels and the same |<n|J_a|m>|^2, and one of them is done for all.

The other side enumerates the configurations with the weights of the chain (exact_chain.py) and sums one-body
densities, bond averages and Kubo lines over them. Both sides hand their conductivity over as lines at w >= 0
and share nothing but the Lorentzian. Units: V = a = e = hbar = k_B = 1; sigma in e^2/hbar. No code of xglass.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np
from scipy import sparse
from scipy.special import expit

from .exact_chain import CELL, STEPS, Glass, energies

POINT_GROUP = {"inversion": np.array([[-1, 0], [0, -1]]), "mirror": np.array([[-1, -1], [0, 1]])}


def area(glass: Glass) -> float:
    return glass.sites * float(np.linalg.det(CELL[glass.kind]))


def bond_vectors(glass: Glass) -> np.ndarray:
    """(bond, axis), in the order of glass.bonds; never wrapped."""
    steps = [np.array([di, dj]) @ CELL[glass.kind] for _, di, dj in STEPS[glass.kind]]
    return np.repeat(steps, glass.sites, axis=0)


def phases(glass: Glass) -> np.ndarray:
    """(momentum, translation) exp(-i k r); translations and momenta are numbered like sites."""
    i, j = glass.cells
    turns = np.outer(i, i) / glass.shape[0] + np.outer(j, j) / glass.shape[1]
    return np.exp(-2j * np.pi * turns)


def apart(glass: Glass, n: np.ndarray) -> np.ndarray:
    """(configuration, translation) (1/N) sum_i n_i n_(i + r) of configurations."""
    i, j = glass.cells
    images = [n[:, glass.index(i + a, j + b)] for a, b in zip(i, j, strict=True)]
    return np.stack([(n * image).mean(axis=1) for image in images], axis=1)


@dataclass
class Lines:
    """A conductivity as lines: positions w >= 0 and weights of sum_l weight_l delta(w - w_l) + its mirror
    image, which together are the even function.
    """

    position: np.ndarray
    weight: np.ndarray

    def total(self) -> float:
        """The integral over w > 0; a line at 0 counts half of the even function, like every other."""
        return float(self.weight.sum())

    def lorentzian(self, frequency: np.ndarray, broadening: float) -> np.ndarray:
        def line(x: np.ndarray) -> np.ndarray:
            return broadening / np.pi / (x**2 + broadening**2)

        far = frequency[:, None] - self.position, frequency[:, None] + self.position
        return sum(line(x) for x in far) @ self.weight


def lines(position: np.ndarray, weight: np.ndarray, step: float = 2e-4) -> Lines:
    """Lines gathered on a grid, each shared by its two neighbours so that its first moment stays: a
    Lorentzian of width g changes by (step/g)^2/4 of its height, at most.
    """
    cell, share = np.divmod(position.ravel() / step, 1.0)
    cell = cell.astype(int)
    counts = [np.bincount(cell, weight.ravel() * (1 - share), cell.max() + 2)]
    counts += [np.bincount(cell + 1, weight.ravel() * share, cell.max() + 2)]
    return Lines(step * np.arange(cell.max() + 2), counts[0] + counts[1])


# ---- many particles


@dataclass
class Block:
    """Levels of one momentum: energies, diagonal averages and the squared current between them."""

    weight: int  # momenta that have these levels
    energy: np.ndarray
    electrostatic: np.ndarray
    f_sum: np.ndarray  # (axis, level) <sum_b (r_b)_a^2 K_b>
    pairs: np.ndarray  # (translation, level) <(1/N) sum_i n_i n_(i + r)>
    current: np.ndarray  # (axis, level, level) |<n|J_a|m>|^2


class Space:
    """All configurations of a torus as quantum states, and what symmetry does with them."""

    def __init__(self, glass: Glass):
        self.glass, self.n = glass, glass.occupations.astype(int)
        i, j = glass.cells
        self.translations = [self.permuted(glass.index(i + a, j + b)) for a, b in zip(i, j, strict=True)]
        self._bases: dict[int, sparse.csc_array] = {}

    def _operator(self, row: np.ndarray, column: np.ndarray, value: np.ndarray) -> sparse.csr_array:
        return sparse.coo_array((value, (row, column)), shape=(len(self.n),) * 2).tocsr()

    def permuted(self, to: np.ndarray) -> sparse.csr_array:
        """The operator that carries a particle at site s to site to[s]: one sign for each pair whose order
        changes.
        """
        image = np.empty_like(self.n)
        image[:, to] = self.n
        crossed = np.triu(to[:, None] > to[None, :])
        sign = 1 - 2 * (np.einsum("ci,ci->c", self.n @ crossed, self.n) % 2)
        return self._operator(self.glass.find(image), np.arange(len(self.n)), sign)

    @cached_property
    def hops(self) -> list[sparse.csr_array]:
        """c+_target c_source of every bond, signs included."""
        hops = []
        for _, s, t in self.glass.bonds:
            column = np.flatnonzero((self.n[:, s] == 1) & (self.n[:, t] == 0))
            moved = self.n[column]
            moved[:, [s, t]] = moved[:, [t, s]]
            low, high = min(s, t), max(s, t)
            sign = 1 - 2 * (moved[:, low + 1 : high].sum(axis=1) % 2)
            hops.append(self._operator(self.glass.find(moved), column, sign))
        return hops

    def basis(self, momentum: int) -> sparse.csc_array:
        """Orthonormal columns of one momentum that inversion times complex conjugation keeps."""
        if momentum not in self._bases:
            self._bases[momentum] = self._basis(phases(self.glass)[momentum])
        return self._bases[momentum]

    @cached_property
    def first(self) -> np.ndarray:
        """One configuration of each class that translations and inversion join."""
        return np.unique(self.glass.orbit, return_index=True)[1]

    def _basis(self, phase: np.ndarray) -> sparse.csc_array:
        i, j = self.glass.cells
        seeds = [moved.tocsc()[:, self.first] for moved in self.translations]
        vectors = sum(complex(p) * seed for p, seed in zip(phase, seeds, strict=True))
        images = self.permuted(self.glass.index(-i, -j)) @ vectors.conj()
        both = (vectors + images).tocsc(), (1j * (vectors - images)).tocsc()
        norms = np.array([abs(part).power(2).sum(axis=0) for part in both]) ** 0.5
        overlap = abs(both[0].conj().multiply(both[1]).sum(axis=0))
        # They are orthogonal, or, where inversion is a translation, the same vector: then the longer one.
        keep = (norms > 1e-6) & ((overlap < 1e-6) | (norms == norms.max(axis=0)))
        columns = [part[:, k] / norm[k] for part, k, norm in zip(both, keep, norms, strict=True)]
        return sparse.hstack(columns).tocsc()

    def block(self, momentum: int, operator: sparse.csr_array) -> np.ndarray:
        """An operator that keeps the momentum, among its states; real and symmetric.

        It suffices to know where it leads the first configuration of each class: there at most two columns
        are not zero, and they are orthogonal to each other as 1 and i.
        """
        basis = self.basis(momentum)
        there = basis.tocsr()[self.first].tocoo()
        order = np.argsort(there.coords[1], kind="stable")
        row, value = there.coords[0][order], there.data[order]
        assert len(row) == basis.shape[1]
        reached = (operator[self.first] @ basis)[row]
        block = (sparse.diags_array(value.conj() / abs(value) ** 2) @ reached).real.toarray()
        assert abs(block - block.T).max() < 1e-12
        return block


@cache
def space(kind: str, shape: tuple[int, int], particles: int) -> Space:
    """States know nothing of energies."""
    return Space(Glass(kind=kind, shape=shape, particles=particles))


class ManyBody:
    """The Hamiltonian of a Glass in the space of all its configurations."""

    def __init__(self, glass: Glass, pairs: np.ndarray | None = None):
        """`pairs`: V_ij in the place of the Coulomb interaction, whose diagonal plays no role."""
        self.glass, self.space = glass, space(glass.kind, glass.shape, glass.particles)
        self.interaction = glass.coulomb[0] if pairs is None else pairs
        n = self.space.n
        self.electrostatic = 0.5 * np.einsum("ci,ci->c", n @ self.interaction, n)

    def over_bonds(self, factor: np.ndarray) -> sparse.csr_array:
        """sum_b t_b factor_b c+_target c_source + h.c."""
        hopping = dict(self.glass.hopping)
        values = zip(self.glass.bonds, factor, self.space.hops, strict=True)
        total = sum(complex(hopping[kind] * f) * hop for (kind, _, _), f, hop in values)
        return (total + total.conj().T).tocsr()

    def hamiltonian(self, twist: tuple[float, float] = (0.0, 0.0)) -> sparse.csr_array:
        """H, with exp(i twist.r_b) on every bond."""
        kinetic = self.over_bonds(np.exp(1j * bond_vectors(self.glass) @ np.array(twist)))
        return (kinetic + sparse.diags_array(self.electrostatic)).tocsr()

    def current(self, axis: int) -> sparse.csr_array:
        """J = dH/d(twist): i sum_b t_b (r_b)_a (c+_target c_source - h.c.)."""
        return self.over_bonds(1j * bond_vectors(self.glass)[:, axis])

    @cached_property
    def symmetries(self) -> dict[str, np.ndarray]:
        """Site permutations of the point group that this torus has."""
        cells = np.stack(self.glass.cells)
        found = {name: self.glass.index(*(matrix @ cells)) for name, matrix in POINT_GROUP.items()}
        kept = self.interaction, self.glass.kinetic_matrix
        return {
            name: to
            for name, to in found.items()
            if all(np.allclose(matrix[np.ix_(to, to)], matrix, rtol=0, atol=1e-9) for matrix in kept)
        }

    @cached_property
    def momenta(self) -> dict[int, int]:
        """One momentum of every class of equal ones, and how many there are in it."""
        table, label = phases(self.glass), np.arange(self.glass.sites)
        for _ in self.symmetries:  # the classes of a group of two generators close after two rounds
            for to in self.symmetries.values():
                same = abs(table[:, None, to] - table[None, :, :]).max(axis=-1) < 1e-9
                label = np.minimum(label, label[np.argmax(same, axis=0)])
        return {int(k): int(m) for k, m in zip(*np.unique(label, return_counts=True), strict=True)}

    def blocks(self) -> list[Block]:
        operators = [self.current(a) for a in range(2)]
        operators += [self.over_bonds(bond_vectors(self.glass)[:, a] ** 2) for a in range(2)]
        H, result = self.hamiltonian(), []
        pairs = apart(self.glass, self.space.n)
        for to in self.symmetries.values():  # the momenta that are left out have the images of these
            pairs = (pairs + pairs[:, to]) / 2
        for momentum, weight in self.momenta.items():
            energy, vectors = np.linalg.eigh(self.space.block(momentum, H))
            # Diagonal operators that translations and inversion keep are diagonal in the basis.
            diagonal = np.column_stack([self.electrostatic, pairs])
            means = (abs(self.space.basis(momentum)).power(2).T @ diagonal).T @ vectors**2
            applied = [sparse.csr_array(self.space.block(momentum, part)) @ vectors for part in operators]
            f_sum = np.array([(vectors * column).sum(axis=0) for column in applied[2:]])
            current = np.array([vectors.T @ column for column in applied[:2]]) ** 2
            result.append(Block(weight, energy, means[0], f_sum, means[1:], current))
        return result

    def log_partition(self, T: float, twist: tuple[float, float] = (0.0, 0.0)) -> float:
        """ln Z with a twist, by eigenvalues only. A twist and its opposite have the same Z but exchange the
        momenta of a class, so both enter.
        """
        exponents, signs = [], (1, -1) if any(twist) else (1,)
        for sign in signs:
            H = self.hamiltonian((sign * twist[0], sign * twist[1]))
            for momentum, weight in self.momenta.items():
                energy = np.linalg.eigvalsh(self.space.block(momentum, H))
                exponents.append(np.log(weight / len(signs)) - energy / T)
        return float(np.logaddexp.reduce(np.concatenate(exponents)))


@cache
def levels(glass: Glass) -> list[Block]:
    """One diagonalisation of a Glass for all temperatures; the diagonal of the potential plays no role."""
    return ManyBody(glass).blocks()


@dataclass
class Averages:
    """Thermal averages of either side, per torus (energies) or per site (the rest)."""

    energy: float
    electrostatic: float
    kinetic: float
    f_sum: np.ndarray  # (axis) -(pi / 2 area) <sum_b (r_b)_a^2 K_b>
    structure: np.ndarray  # (momentum) S(q), numbered like sites
    conductivity: list[Lines]  # of x and y; empty if it was not asked for


def structure_factor(glass: Glass, pairs: np.ndarray) -> np.ndarray:
    """S(q) of (translation) <n_i n_(i+r)> averaged over i."""
    return (phases(glass) @ (pairs - (glass.particles / glass.sites) ** 2)).real


def exact(glass: Glass, T: float, blocks: list[Block] | None = None, *, optical: bool = True) -> Averages:
    """What quantum statistical mechanics says, canonical; without the conductivity if not `optical`."""
    blocks = levels(glass) if blocks is None else blocks
    lowest = min(block.energy[0] for block in blocks)
    boltzmann = [block.weight * np.exp((lowest - block.energy) / T) for block in blocks]
    Z = sum(part.sum() for part in boltzmann)

    def mean(name: str) -> np.ndarray:
        parts = zip(boltzmann, blocks, strict=True)
        return sum((getattr(block, name) * part).sum(axis=-1) for part, block in parts) / Z

    position, weight = [], []
    for part, block in zip(boltzmann, blocks, strict=True) if optical else ():
        n, m = np.triu_indices(len(part))
        w, p = block.energy[m] - block.energy[n], part[n] / Z
        # Every pair and its mirror image: (p_n - p_m)/w, and p_n/T where w = 0; the diagonal has no image.
        other = w > 1e-10
        slope = np.where(other, -np.expm1(-w / T) / np.where(other, w, 1.0), 1 / T)
        position.append(w)
        weight.append(np.pi / area(glass) * p * slope * np.where(n == m, 0.5, 1.0) * block.current[:, n, m])
    conductivity = [lines(np.concatenate(position), part) for part in np.hstack(weight)] if optical else []
    energy, electrostatic = float(mean("energy")), float(mean("electrostatic"))
    return Averages(
        energy=energy,
        electrostatic=electrostatic,
        kinetic=energy - electrostatic,
        f_sum=-np.pi / (2 * area(glass)) * mean("f_sum"),
        structure=structure_factor(glass, mean("pairs")),
        conductivity=conductivity,
    )


# ---- classical charges and static electrons


@cache
def _electrons(glass: Glass, T: float) -> tuple[np.ndarray, ...]:
    """One-body averages of one configuration of every class: (class, kind of average), and the Kubo lines.

    f_sum (class, axis); pairs of the electrons (class, translation); w and strength (class, [axis,] n, m).
    """
    one = np.unique(glass.orbit, return_index=True)[1]
    n, hopping = glass.occupations[one], glass.kinetic_matrix
    e, U = np.linalg.eigh(hopping + (n @ glass.potential_matrix)[:, :, None] * np.eye(glass.sites))
    low, high = e[:, 0] - 40 * T, e[:, -1] + 40 * T
    for _ in range(100):
        mu = 0.5 * (low + high)
        few = expit((mu[:, None] - e) / T).sum(axis=1) < glass.particles
        low, high = np.where(few, mu, low), np.where(few, high, mu)
    f = expit((mu[:, None] - e) / T)
    rho = np.einsum("csn,cn,ctn->cst", U, f, U, optimize=True)
    source, target = np.array([(s, t) for _, s, t in glass.bonds]).T
    t_b = np.array([dict(glass.hopping)[kind] for kind, _, _ in glass.bonds])
    r_b = bond_vectors(glass)
    f_sum = 2 * (rho[:, source, target] * t_b) @ r_b**2
    # Wick: <n_i n_j> = rho_ii rho_jj + delta_ij rho_ii - rho_ij^2
    density = np.einsum("css->cs", rho)
    wick = density[:, :, None] * density[:, None, :] + density[:, :, None] * np.eye(glass.sites) - rho**2
    i, j = glass.cells
    sites = np.arange(glass.sites)
    pairs = [wick[:, sites, glass.index(i + a, j + b)].mean(axis=1) for a, b in zip(i, j, strict=True)]
    w = e[:, None, :] - e[:, :, None]
    apart = abs(w) > 1e-10
    slope = np.where(apart, f[:, :, None] - f[:, None, :], (f * (1 - f) / T)[:, :, None])
    factor = np.pi / area(glass) / 2 * slope / np.where(apart, w, 1.0)
    strength = []
    for a in range(2):
        A = np.zeros_like(hopping)
        np.add.at(A, (source, target), t_b * r_b[:, a])
        np.add.at(A, (target, source), -t_b * r_b[:, a])
        strength.append(factor * np.einsum("csn,st,ctm->cnm", U, A, U, optimize=True) ** 2)
    return f_sum, np.array(pairs).T, abs(w), np.stack(strength, axis=1)


def static(glass: Glass, T: float, rule: str, spread: bool = True) -> Averages:
    """The averages that the Monte Carlo converges to: over configurations with the weight `rule`.

    energy = E + <K>. `spread`: densities of the electrons in S(q), else the classical charges.
    """
    energy = energies(glass, T)
    weight = energy.weight(rule)
    law = np.exp((weight.min() - weight) / T)
    law /= law.sum()
    of_class = np.bincount(glass.orbit, law)
    f_sum, pairs, w, strength = _electrons(glass, T)
    if not spread:
        pairs = law @ apart(glass, glass.occupations)
    else:
        pairs = of_class @ pairs
    electrostatic, kinetic = float(law @ energy.electrostatic), float(law @ energy.kinetic)
    return Averages(
        energy=electrostatic + kinetic,
        electrostatic=electrostatic,
        kinetic=kinetic,
        f_sum=-np.pi / (2 * area(glass)) * (of_class @ f_sum),
        structure=structure_factor(glass, pairs),
        conductivity=[lines(w, of_class[:, None, None] * strength[:, a]) for a in range(2)],
    )

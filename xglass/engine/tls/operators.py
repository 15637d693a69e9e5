"""One electron on a ring of two-level systems: Hamiltonian and current without matrices.

Formulas and the meaning of bits are those of :mod:`xglass.engine.tls.dense`, whose dense matrices these
operators equal.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from types import ModuleType

import numpy as np

from xglass.engine.core.points import over_points, points
from xglass.engine.core.random_vectors import stream
from xglass.engine.tls.dense import highest_shell, rotated, spin_configurations

#: Bounds of the spectrum are widened by this much: rounding must not carry a Chebyshev recursion beyond them.
MARGIN = 1e-5

#: Rings of fewer sites are shorter than the vectors of a processor; they go by tables of indices.
SMALLEST = 5

#: Most Lanczos steps, in dimensions of the space: without reorthogonalisation a space is not exhausted after
#: as many steps as it has dimensions, but after twice as many.
MOST = 2

#: Lanczos steps that any smooth function of the energy takes.
LEAST_STEPS = 30

#: Bits whose energies stand in one table, small enough for the first cache.
LOW_BITS = 8


def _excited(states: np.ndarray) -> np.ndarray:
    """Number of excited two-level systems."""
    return np.bitwise_count(states.astype(np.uint64)).astype(np.int64)


def _flips(states: np.ndarray, bit: int) -> np.ndarray:
    """Return where each configuration goes when a bit flips; itself where that is not kept."""
    target = states ^ (1 << bit)
    place = np.minimum(np.searchsorted(states, target), states.size - 1)
    return np.where(states[place] == target, place, np.arange(states.size)).astype(np.int32)


def _local_range(omega0: np.ndarray, site: int, g: float, g_z: float, most: int) -> tuple[float, float]:
    """Return the lowest and highest energy of all two-level systems while the electron is on ``site``.

    At most ``most`` of them are excited.
    """
    # with n = 0, 1, ... of the others excited
    others = np.sort(np.delete(omega0, site))
    least = np.concatenate([[0.0], np.cumsum(others)])[: most + 1] - 0.5 * others.sum()
    largest = np.concatenate([[0.0], np.cumsum(others[::-1])])[: most + 1] - 0.5 * others.sum()
    half = 0.5 * omega0[site] - g_z
    split = math.hypot(half, g)
    low, high = [least.min() - half], [largest.max() - half]
    if most > 0:  # with one excitation to spare the two-level system of the electron has both its states
        low.append(least[:most].min() - split)
        high.append(largest[:most].max() + split)
    return min(low), max(high)


class _Operator(ABC):
    """What both operators share: ``out = H v`` and the like, into a buffer that must not be that of v."""

    sites: int
    precision: str
    max_excitations: int | None

    #: J^2 over the square of the matrix that ``current`` applies: -1 where vectors are real and J is i times
    #: a real matrix.
    current_square = 1.0

    @cached_property
    def _kernels(self) -> ModuleType:
        """Compiled loops, imported late: who asks for bounds and dimensions need not compute anything."""
        from xglass.engine.tls import operator_kernels

        return operator_kernels

    @cached_property
    def real(self) -> np.dtype:
        """Type of real numbers in this precision."""
        return np.dtype(np.float32 if self.precision == "single" else np.float64)

    @cached_property
    def complex_type(self) -> np.dtype:
        """Type of complex numbers in this precision."""
        return np.dtype(np.complex64 if self.precision == "single" else np.complex128)

    @cached_property
    def dtype(self) -> np.dtype:
        """Type of the entries of vectors."""
        return self.complex_type

    @cached_property
    def most(self) -> int:
        """Largest number of excited two-level systems."""
        return self.sites if self.max_excitations is None else min(self.max_excitations, self.sites)

    @property
    def tabulated(self) -> bool:
        """Whether the kernels go by tables of indices."""
        return self.most < self.sites or self.sites < SMALLEST

    @cached_property
    def states(self) -> np.ndarray:
        """Return the configurations that are kept, rising."""
        return spin_configurations(self.sites, self.most)

    @cached_property
    def highest(self) -> np.ndarray:
        """Return which of them are in the highest shell of excitations that is kept; none if all are."""
        return highest_shell(self.states, self.sites, self.most)

    @cached_property
    def kept(self) -> int:
        """Their number."""
        return sum(math.comb(self.sites, n) for n in range(self.most + 1))

    @property
    @abstractmethod
    def bounds(self) -> tuple[float, float]:
        """The spectrum lies between these."""

    @property
    def centre(self) -> float:
        """Middle of the bounds."""
        return 0.5 * sum(self.bounds)

    @property
    def half_width(self) -> float:
        """Half the distance of the bounds, and a little more."""
        return 0.5 * (self.bounds[1] - self.bounds[0]) * (1.0 + MARGIN) + 1e-12

    @abstractmethod
    def step(self, v: np.ndarray, out: np.ndarray, a: float, b: float, c: float) -> np.ndarray:
        """``out = a H v + b v + c out``; with c = 0 the old ``out`` is not read."""

    def apply(self, v: np.ndarray, out: np.ndarray) -> np.ndarray:
        """``out = H v``."""
        return self.step(v, out, 1.0, 0.0, 0.0)

    @abstractmethod
    def current(self, v: np.ndarray, out: np.ndarray) -> np.ndarray:
        """``out = J v``."""

    @abstractmethod
    def hopping(self, v: np.ndarray, out: np.ndarray) -> np.ndarray:
        """``out = H_hop v``."""

    def lanczos(self, v: np.ndarray, out: np.ndarray, flow: np.ndarray | None = None) -> float:
        """``out = H v``, and ``flow = J v`` where asked for; return Re <v|H v>."""
        self.apply(v, out)
        if flow is not None:
            self.current(v, flow)
        return float(np.vdot(v, out).real)


@dataclass(frozen=True)
class Block(_Operator):
    """H_K and J_K of one momentum, on complex vectors over the configurations of the two-level systems."""

    sites: int
    momentum: float
    t: float
    g: float
    g_z: float
    omega0: float
    precision: str = "double"
    max_excitations: int | None = None

    @cached_property
    def dimension(self) -> int:
        """Length of vectors."""
        return self.kept

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """The spectrum lies between these: that of the two-level systems, with 2t on both sides."""
        low, high = _local_range(np.full(self.sites, self.omega0), 0, self.g, self.g_z, self.most)
        return low - 2.0 * abs(self.t), high + 2.0 * abs(self.t)

    def _diagonal(self, states: np.ndarray) -> np.ndarray:
        return 0.5 * self.omega0 * (2 * _excited(states) - self.sites) - self.g_z * (2 * (states & 1) - 1)

    @cached_property
    def _halves(self) -> tuple[np.ndarray, np.ndarray]:
        """Return energies of the low bits (each twice) and the high bits; their sums are the diagonal."""
        low_bits = min(LOW_BITS, self.sites - 1)
        high = self.omega0 * _excited(np.arange(2 ** (self.sites - low_bits)))
        return np.repeat(self._diagonal(np.arange(2**low_bits)), 2).astype(self.real), high.astype(self.real)

    @cached_property
    def _tables(self) -> tuple[np.ndarray, ...]:
        """Return indices of L, L^+ and the flip among kept configurations, the flip's weight, diagonal."""
        left = np.searchsorted(self.states, rotated(self.states, self.sites)).astype(np.int32)
        flip = _flips(self.states, 0)
        weight = np.where(flip == np.arange(flip.size), 0.0, -self.g)
        return (
            left,
            np.argsort(left).astype(np.int32),
            flip,
            weight.astype(self.real),
            self._diagonal(self.states).astype(self.real),
        )

    def _amplitude(self, factor: complex) -> tuple[np.generic, np.generic]:
        """Real and imaginary part of the amplitude of L; that of L^+ is the conjugate."""
        value = factor * self.t * np.exp(-1j * self.momentum)
        return self.real.type(value.real), self.real.type(value.imag)

    @cached_property
    def _hop(self) -> tuple[np.generic, np.generic]:
        return self._amplitude(-1.0)

    @cached_property
    def _flow(self) -> tuple[np.generic, np.generic]:
        return self._amplitude(1j)

    @cached_property
    def _flip(self) -> np.generic:
        return self.real.type(-self.g)

    def step(self, v: np.ndarray, out: np.ndarray, a: float, b: float, c: float) -> np.ndarray:
        """``out = a H v + b v + c out``; with c = 0 the old ``out`` is not read."""
        real = self.real.type
        if self.tabulated:
            forth = self.dtype.type(complex(*self._hop))
            self._kernels.table_step(v, out, forth, np.conj(forth), *self._tables, real(a), real(b), real(c))
        else:
            vectors = v.view(self.real), out.view(self.real)
            self._kernels.block_step(
                *vectors, *self._hop, self._flip, *self._halves, real(a), real(b), real(c)
            )
        return out

    def current(self, v: np.ndarray, out: np.ndarray) -> np.ndarray:
        """``out = J v``."""
        return self._shifts(v, out, self._flow)

    def hopping(self, v: np.ndarray, out: np.ndarray) -> np.ndarray:
        """``out = H_hop v``."""
        return self._shifts(v, out, self._hop)

    def _shifts(self, v: np.ndarray, out: np.ndarray, amplitude: tuple[np.generic, np.generic]) -> np.ndarray:
        if self.tabulated:
            forth = self.dtype.type(complex(*amplitude))
            self._kernels.table_shifts(v, out, forth, np.conj(forth), *self._tables[:2])
        else:
            self._kernels.block_shifts(v.view(self.real), out.view(self.real), *amplitude)
        return out

    def lanczos(self, v: np.ndarray, out: np.ndarray, flow: np.ndarray | None = None) -> float:
        """``out = H v``, and ``flow = J v`` where asked for; return Re <v|H v>. One pass over v."""
        if self.tabulated:
            return super().lanczos(v, out, flow)
        vectors = v.view(self.real), out.view(self.real)
        local = self._flip, *self._halves
        if flow is None:
            return float(self._kernels.block_lanczos(*vectors, *self._hop, *local))
        return float(
            self._kernels.block_lanczos_flow(*vectors, flow.view(self.real), *self._hop, *self._flow, *local)
        )


@dataclass(frozen=True, eq=False)
class Rows(_Operator):
    """H and J of sites that differ, on vectors v[site of the electron, configuration], flattened.

    Without a twist H is real and J = i times a real matrix: on real vectors (``dtype``) ``current`` applies
    that real matrix, and ``current_square`` is -1; on complex vectors of the same precision all methods do
    what they say.
    """

    sites: int
    twist: float
    t: np.ndarray
    g: np.ndarray
    g_z: np.ndarray
    omega0: np.ndarray
    site_energy: np.ndarray
    precision: str = "double"
    max_excitations: int | None = None

    @cached_property
    def dtype(self) -> np.dtype:
        """Type of the entries of vectors: real without a twist."""
        return self.real if self.twist == 0.0 else self.complex_type

    @property
    def current_square(self) -> float:  # type: ignore[override]
        """-1 where ``current`` leaves out a factor i."""
        return -1.0 if self.dtype.kind == "f" else 1.0

    @cached_property
    def dimension(self) -> int:
        """Length of vectors."""
        return self.sites * self.kept

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """The spectrum lies between these: Gershgorin's circles about the rows of the electron."""
        t = np.abs(self.t)
        reach = t + np.roll(t, 1)
        rows = [_local_range(self.omega0, j, self.g[j], self.g_z[j], self.most) for j in range(self.sites)]
        low, high = (np.array(ends) + self.site_energy for ends in zip(*rows, strict=True))
        return float((low - reach).min()), float((high + reach).max())

    @cached_property
    def _diagonal(self) -> np.ndarray:
        """Energy of the two-level systems in every kept configuration, without the electron."""
        energy = np.zeros(self.kept)
        for m in range(self.sites):
            energy += 0.5 * self.omega0[m] * (2 * (self.states >> m & 1) - 1)
        return energy.astype(self.real)

    @cached_property
    def _doubled(self) -> np.ndarray:
        return np.repeat(self._diagonal, 2)

    @cached_property
    def _flip_table(self) -> np.ndarray:
        """(site, kept configuration) where the flip of each site leads."""
        return np.stack([_flips(self.states, j) for j in range(self.sites)])

    @cached_property
    def _site_arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        return self.g.astype(self.real), self.g_z.astype(self.real), self.site_energy.astype(self.real)

    @cached_property
    def _amplitudes(self) -> dict[tuple[complex, str], np.ndarray]:
        return {}

    def _hops(self, factor: complex, dtype: np.dtype) -> np.ndarray:
        """(site,) amplitude of the hop from each site to the next."""
        key = (factor, dtype.char)
        if key not in self._amplitudes:
            values = factor * np.exp(1j * self.twist / self.sites) * self.t
            self._amplitudes[key] = (values.real if dtype.kind == "f" else values).astype(dtype)
        return self._amplitudes[key]

    def step(self, v: np.ndarray, out: np.ndarray, a: float, b: float, c: float) -> np.ndarray:
        """``out = a H v + b v + c out``; with c = 0 the old ``out`` is not read."""
        factors = self.real.type(a), self.real.type(b), self.real.type(c)
        hop = self._hops(-1.0, v.dtype)
        if self.tabulated:
            rows = v.reshape(self.sites, -1), out.reshape(self.sites, -1)
            tables = self._diagonal, self._flip_table, self.states
            self._kernels.table_row_step(*rows, hop, *self._site_arrays, *tables, *factors)
        elif v.dtype.kind == "f":
            self._kernels.row_step(
                v, out, 1, hop, np.zeros_like(hop), *self._site_arrays, self._diagonal, *factors
            )
        else:
            pairs = v.view(self.real), out.view(self.real)
            parts = hop.real.copy(), hop.imag.copy()
            self._kernels.row_step(*pairs, 2, *parts, *self._site_arrays, self._doubled, *factors)
        return out

    def current(self, v: np.ndarray, out: np.ndarray) -> np.ndarray:
        """``out = J v``, for real v without the factor i."""
        if v.dtype.kind == "f":
            return self._shifts(v, out, self._hops(-1.0, v.dtype), -1.0)
        return self._shifts(v, out, self._hops(-1j, v.dtype), 1.0)

    def hopping(self, v: np.ndarray, out: np.ndarray) -> np.ndarray:
        """``out = H_hop v``."""
        return self._shifts(v, out, self._hops(-1.0, v.dtype), 1.0)

    def _shifts(self, v: np.ndarray, out: np.ndarray, hop: np.ndarray, parity: float) -> np.ndarray:
        rows = v.reshape(self.sites, -1), out.reshape(self.sites, -1)
        self._kernels.row_shifts(*rows, hop, self.real.type(parity))
        return out


#: The Hamiltonian of one momentum, or of one flux where sites differ.
Operator = Block | Rows


def operator(
    number: float,
    values: Iterable[np.ndarray],
    sites: int,
    disorder: bool,
    precision: str,
    max_excitations: int | None,
) -> Operator:
    """Return the operator of one momentum or flux.

    ``values`` are t, g, g_z, omega0, site_energy: numbers or, with disorder, arrays (site).
    """
    t, g, g_z, omega0, site_energy = values
    if disorder:
        return Rows(sites, number, t, g, g_z, omega0, site_energy, precision, max_excitations)
    return Block(sites, number, float(t), float(g), float(g_z), float(omega0), precision, max_excitations)


def walk(
    values: tuple[np.ndarray, ...],
    realization: np.ndarray,
    number: np.ndarray,
    label: np.ndarray,
    vector: np.ndarray,
    T: np.ndarray,
    *,
    sites: int,
    disorder: bool,
    precision: str,
    max_excitations: int | None,
) -> tuple[np.ndarray, Iterator[tuple[tuple[int, ...], Operator, np.uint64]]]:
    """Visit all points, momenta and random vectors.

    Returns temperatures (..., T) of all, and for each its index, operator and stream of random numbers.
    Operators are the same object as long as the Hamiltonian is the same: what belongs to one can be kept.

    ``values`` are t, g, g_z, omega0, site_energy, (...) or, with disorder, (..., site); ``number`` holds
    momenta (fluxes where sites differ), ``label`` their canonical values.
    """
    core = 1 if disorder else 0
    loops = (realization, number, label, vector)
    shape, arrays = points((*values, *loops, T), [core] * len(values) + [0] * len(loops) + [1])
    *parameters, realization, number, label, vector, T = arrays
    form = (len(values), sites) if disorder else (len(values),)

    @lru_cache(1)
    def operator_of(number: float, bits: bytes) -> Operator:
        """Return the bits of arrays, which have no hash themselves."""
        return operator(
            number, np.frombuffer(bits).reshape(form), sites, disorder, precision, max_excitations
        )

    def visits() -> Iterator[tuple[tuple[int, ...], Operator, np.uint64]]:
        for p in np.ndindex(shape):
            hamiltonian = np.stack([array[p] for array in parameters]).astype(np.float64)
            labels = np.concatenate([[sites], hamiltonian.ravel(), [label[p]]])
            visited = operator_of(float(number[p]), hamiltonian.tobytes())
            yield p, visited, stream(int(vector[p]), int(realization[p]), labels)

    return T, visits()


def widest(values: tuple[np.ndarray, ...], sites: int, disorder: bool, max_excitations: int | None) -> float:
    """Return the largest half width of the spectrum at all points (...) or, with disorder, (..., site)."""

    def half_width(*values: np.ndarray) -> float:
        return operator(0.0, values, sites, disorder, "double", max_excitations).half_width

    return float(over_points(half_width, values, 1 if disorder else 0, float).max())


def free_shells(splitting: np.ndarray, T: np.ndarray) -> np.ndarray:
    """(..., shell) weight of the states with n = 0, 1, ... excitations among those with at most n.

    Of free two-level systems with ``splitting`` (..., site) >= 0 at T (...): elementary symmetric polynomials
    of their Boltzmann factors, and the sums of these.
    """

    def at_point(splitting: np.ndarray, T: float) -> np.ndarray:
        shells = np.zeros(splitting.size + 1)
        shells[0] = 1.0
        for factor in np.exp(-splitting / T):
            shells[1:] += factor * shells[:-1]
        return shells / np.cumsum(shells)

    return over_points(at_point, (splitting, T), (1, 0), (float, (splitting.shape[-1] + 1,)))


def resolving(half_width: float, broadening: float, T: float) -> int:
    """Return how many Lanczos steps resolve a filter, and the Boltzmann factor where the filter is wide.

    The first is the time 1 / broadening times the spread of the spectrum, with the factor that holds in
    practice. A Krylov space knows the edges of the spectrum best, so a Boltzmann factor takes the square root
    of half_width / T only. Both were found against many more steps, to 1e-3 of the errors.
    """
    thermal = 6.0 * math.sqrt(half_width / T)
    return max(LEAST_STEPS, math.ceil(2.0 * half_width / broadening - 1e-9), math.ceil(thermal))

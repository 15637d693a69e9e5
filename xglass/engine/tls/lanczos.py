r"""Finite-temperature Lanczos: correlation functions of the current from two Krylov spaces.

With |r> a normalised random vector in a space of dimension d, psi_i the Ritz vectors (eigenvalues e_i) of the
Krylov space of |r> and psi~_j those (e~_j) of J|r>, (Jaklic and Prelovsek, Adv. Phys. 49, 1 (2000); Rammal,
Ciuchi and Fratini, appendix)

    Z = d sum_i e^{-b e_i} |<r|psi_i>|^2,
    Z C(w) = d sum_ij e^{-b e_i} <r|psi_i> <psi_i|J|psi~_j> <psi~_j|J|r> delta(w - e~_j + e_i),
    sigma(w) = pi tanh(b w / 2) / w [C(w) + C(-w)].

The last line equals pi (1 - e^{-bw}) / w C(w) for the exact C, which obeys C(-w) = e^{-bw} C(w); it is linear
in C, so its mean over |r> is the same, it is even by construction and, unlike the plain mean of both signs,
no Boltzmann factor in it is larger than 1.

C is real, and the Ritz coefficients are, so only the real part of <v_m|J|w_n> is wanted: the product of real
matrices of twice the length, a quarter of the work of complex ones with both parts.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.linalg

from xglass.engine.core.blas import single_thread
from xglass.engine.core.jit import kernel
from xglass.engine.core.line_spectra import smooth, spread
from xglass.engine.core.philox import philox
from xglass.engine.tls import operator_kernels
from xglass.engine.tls.operators import FINE, MOST, Block, Rows, operator, resolving

#: Enters every stream of random vectors: a change of what the draws mean gets a new number.
RULE_VERSION = 1

#: Keeps the streams of random vectors apart from those of trajectories.
TAG = b"random vector of a trace"

#: Most vectors J w that are held at once: fewer make the product of matrices slower, more take memory.
COLUMNS = 96

Operator = Block | Rows


def stream(vector: int, realization: int, labels: np.ndarray) -> np.uint64:
    """Stream number of one random vector: BLAKE2b of (tag, rule version, vector, realization, float64 bits of
    the labels).

    The labels are the number of sites, the canonical parameters of the Hamiltonian and its momentum or twist:
    not T, precision, lanczos_steps or frequencies.
    """
    text = (
        TAG
        + struct.pack("<qqq", RULE_VERSION, int(vector), int(realization))
        + np.ascontiguousarray(labels, "<f8").tobytes()
    )
    return np.frombuffer(hashlib.blake2b(text, digest_size=8).digest(), dtype="<u8").astype(np.uint64)[0]


@kernel
def _signs(seed, number, out):
    """Entries 1, i, -1 or -i from two bits each (complex), 64 to a block of the generator."""
    low, bits = np.uint64(0xFFFFFFFF), np.uint64(2)
    k0, k1 = seed & low, seed >> np.uint64(32)
    s0, s1 = number & low, number >> np.uint64(32)
    words = np.empty(4, dtype=np.uint64)
    for start in range(0, out.size, 64):
        draw = np.uint64(start // 64)
        words[0], words[1], words[2], words[3] = philox(draw & low, draw >> np.uint64(32), s0, s1, k0, k1)
        for n in range(start, min(start + 64, out.size)):
            word = words[(n - start) // 16]
            words[(n - start) // 16] = word >> bits
            quarter = np.int64(word & np.uint64(3))
            out[n] = 1j**0 if quarter == 0 else 1j if quarter == 1 else -1.0 + 0j if quarter == 2 else -1j


def random_vector(seed: int, number: np.uint64, dimension: int, dtype: np.dtype) -> np.ndarray:
    """Independent entries of modulus 1: of {1, i, -1, -i}, or of {1, -1} where vectors are real.

    <r|A|r> then has the variance sum_{m != n} |A_mn|^2 (twice that for real vectors), the least for
    independent entries: Gaussian entries add the squares of the diagonal (measured at 8 and 10 sites: errors
    of sigma 1 to 8 % larger, of Z up to three times). Such entries are exact in single precision.
    """
    phases = np.empty(dimension, dtype=np.complex128)
    _signs(np.uint64(seed), number, phases)
    if dtype.kind == "c":
        return phases.astype(dtype)
    return (phases.real + phases.imag).astype(dtype)


@dataclass(frozen=True)
class Buffers:
    """Memory of a task, reused by all its vectors: fresh pages cost more than the arithmetic."""

    vectors: np.ndarray
    flows: np.ndarray
    turns: np.ndarray

    @classmethod
    def of(cls, operator: Operator, steps: int) -> Buffers:
        """For so many steps with this operator."""
        shapes = ((rows, operator.dimension) for rows in (steps, min(steps, COLUMNS), 3))
        return cls(*(np.empty(shape, dtype=operator.dtype) for shape in shapes))


@dataclass(frozen=True)
class Sticks:
    """What a random vector knows: Ritz values from |r>, their weights in Z and in Z <H_hop>,
    Ritz values from J|r> and amplitudes (i, j).
    """

    energies: np.ndarray
    weights: np.ndarray
    kinetic: np.ndarray
    others: np.ndarray
    amplitudes: np.ndarray


class _Recursion:
    """Lanczos steps without reorthogonalisation.

    Vectors stay as the recursion leaves them; ``scales`` would make them normalised.
    """

    def __init__(self, operator: Operator, norm: float) -> None:
        self.operator = operator
        self.diagonal: list[float] = []
        self.sides: list[float] = []
        self.scales = [1.0 / norm]
        # below this an invariant subspace is exhausted: what is left of H v is rounding
        self.least = 32.0 * np.finfo(operator.real).eps * (abs(operator.centre) + operator.half_width)

    def step(
        self, u: np.ndarray, before: np.ndarray, out: np.ndarray, flow: np.ndarray | None = None
    ) -> bool:
        """One step from u and the vector before it to ``out``; False where there is no next vector."""
        real, scale = self.operator.real, self.scales[-1]
        alpha = scale**2 * self.operator.lanczos(u, out, flow)
        self.diagonal.append(alpha)
        past = -self.scales[-2] / scale if len(self.scales) > 1 else 0.0
        factors = (real.type(x) for x in (scale, -alpha * scale, past))
        beta = float(
            np.sqrt(operator_kernels.mixed(out.view(real), u.view(real), before.view(real), *factors))
        )
        if beta <= self.least:
            return False
        self.sides.append(beta)
        self.scales.append(1.0 / beta)
        return True

    def ritz(self) -> tuple[np.ndarray, np.ndarray]:
        """Ritz values, and coefficients (step, Ritz vector) for vectors as the recursion left them."""
        steps = len(self.diagonal)
        energies, states = scipy.linalg.eigh_tridiagonal(
            np.array(self.diagonal), np.array(self.sides[: steps - 1])
        )
        return energies, states * np.array(self.scales[:steps])[:, None]


def sticks(operator: Operator, r: np.ndarray, steps: int, buffers: Buffers) -> Sticks:
    """Two Lanczos runs, from |r> and from J|r>, and the matrix of J between them.

    r has entries of modulus 1.
    """
    dimension, real = operator.dimension, operator.real
    steps = min(steps, MOST * dimension)
    V, flows = (
        buffers.vectors[:steps].view(real),
        buffers.flows[: -(-steps // -(-steps // COLUMNS))],
    )  # blocks of equal size
    norm = float(np.sqrt(dimension))
    first = _Recursion(operator, norm)
    u = buffers.vectors[0]
    u[:] = r
    for n in range(steps):  # the last step only finishes the diagonal
        following = buffers.vectors[n + 1] if n + 1 < steps else buffers.turns[0]
        if not first.step(buffers.vectors[n], buffers.vectors[max(n - 1, 0)], following):
            break
    kept = len(first.diagonal)
    energies, states = first.ritz()
    V = V[:kept]

    def products(rows: np.ndarray) -> np.ndarray:
        return V @ rows.view(real).T  # Re <v|...>: real and imaginary parts are more entries of real vectors

    operator.hopping(r, flows[0])
    hopping = products(flows[:1])[:, 0].astype(np.float64)
    weights, kinetic = (states[0] * norm) ** 2, (states[0] * norm) * (states.T @ hopping) / norm
    empty = Sticks(energies, weights, kinetic, np.zeros(0), np.zeros((kept, 0)))

    turns = [*buffers.turns]
    operator.current(r, turns[0])
    size = float(np.sqrt(np.square(turns[0].view(real), dtype=np.float64).sum()))
    if size <= norm * first.least:
        return empty
    second, parts, held = _Recursion(operator, size), [], 0
    for n in range(steps):
        more = second.step(turns[n % 3], turns[(n - 1) % 3 if n else 0], turns[(n + 1) % 3], flows[held])
        held += 1
        if held == len(flows) or n + 1 == steps or not more:
            parts.append(products(flows[:held]).astype(np.float64))
            held = 0
        if not more:
            break
    others, mates = second.ritz()
    matrix = states.T @ np.concatenate(parts, axis=1) @ mates
    # <r|psi_i> = states[0] norm, <psi~_j|J|r> = mates[0] size^2 / norm
    amplitudes = operator.current_square * np.outer(states[0] * norm, mates[0] * size**2 / norm) * matrix
    return Sticks(energies, weights, kinetic, others, amplitudes)


def columns(frequencies: int, broadenings: int) -> int:
    """Length of what one vector contributes at one temperature, see :func:`thermal`."""
    return 3 + 2 * broadenings + broadenings * frequencies


def thermal(
    found: Sticks, dimension: int, T: np.ndarray, frequency: np.ndarray, broadening: np.ndarray
) -> np.ndarray:
    """(T, column) numerators, weights relative to the lowest Ritz value, in units of one state.

    Columns: Z; Z <H_hop>; Z times the total weight; for every broadening Z sigma(0) and the same sum with (x
    / broadening)^2 inside, whose ratio is the derivative with respect to the broadening; Z sigma (broadening,
    frequency).
    """
    boltzmann = np.exp(-(found.energies[:, None] - found.energies[0]) / T)
    result = np.zeros((T.size, columns(frequency.size, broadening.size)))
    result[:, 0], result[:, 1] = (
        dimension * (found.weights @ boltzmann),
        dimension * (found.kinetic @ boltzmann),
    )
    if found.others.size == 0:
        return result
    step = broadening.min() / FINE
    span = max(found.others[-1] - found.energies[0], found.energies[-1] - found.others[0], 0.0)
    histogram = np.zeros((int(span / step) + 5, T.size))
    spread(found.energies, found.others, found.amplitudes, boltzmann, step, histogram)
    x = (np.arange(len(histogram)) - 1.0)[:, None] * step
    near = np.abs(x) < 1e-6 * T
    with np.errstate(invalid="ignore", divide="ignore"):
        histogram *= dimension * np.pi * np.where(near, 0.5 / T, np.tanh(0.5 * x / T) / x)
    result[:, 2] = histogram.sum(axis=0)
    gauss = (x / broadening) ** 2
    weighted = 2.0 * np.exp(-0.5 * gauss) / (np.sqrt(2.0 * np.pi) * broadening)
    size = broadening.size
    result[:, 3 : 3 + size] = histogram.T @ weighted
    result[:, 3 + size : 3 + 2 * size] = histogram.T @ (weighted * gauss)
    spectrum = np.zeros((T.size, size, frequency.size))
    smooth(histogram, 1, step, frequency, broadening, spectrum)
    result[:, 3 + 2 * size :] = spectrum.reshape(T.size, -1)
    return result


def walk(
    given: tuple[np.ndarray, ...],
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
    """Temperatures (..., T) of all points, momenta and vectors; and for each its index, operator and stream
    of random numbers.

    ``given`` are t, g, g_z, omega0, site_energy, (...) or, with disorder, (..., site); ``number`` holds
    momenta (fluxes where sites differ), ``label`` their canonical values. As long as the Hamiltonian stays
    the same so does the operator.
    """
    own = 1 if disorder else 0
    loops = [array.shape[: array.ndim - own] for array in given] + [
        a.shape for a in (realization, number, label, vector)
    ]
    shape = np.broadcast_shapes(*loops, T.shape[:-1])
    points = [np.broadcast_to(array, shape + array.shape[array.ndim - own :]) for array in given]
    realization, number, label, vector = (
        np.broadcast_to(array, shape) for array in (realization, number, label, vector)
    )

    def walked() -> Iterator[tuple[tuple[int, ...], Operator, np.uint64]]:
        point: tuple[object, ...] = ()
        for p in np.ndindex(shape):
            here = tuple(array[p] for array in points)
            if point != (point := (number[p], *(array.tobytes() for array in here))):
                problem = operator(float(number[p]), here, sites, disorder, precision, max_excitations)
            labels = np.concatenate([[sites], *(np.ravel(array) for array in (*here, label[p]))])
            yield p, problem, stream(int(vector[p]), int(realization[p]), labels)

    return np.broadcast_to(T, shape + T.shape[-1:]), walked()


def numerators(
    t: np.ndarray,
    g: np.ndarray,
    g_z: np.ndarray,
    omega0: np.ndarray,
    site_energy: np.ndarray,
    realization: np.ndarray,
    number: np.ndarray,
    label: np.ndarray,
    vector: np.ndarray,
    T: np.ndarray,
    frequency: np.ndarray,
    broadening: np.ndarray,
    *,
    steps: int | None,
    seed: int,
    **hamiltonian: Any,
) -> tuple[np.ndarray, np.ndarray]:
    """Numerators (..., T, column) of :func:`thermal` and the energies (...) they are relative to,
    for all that :func:`walk` visits.
    """
    T, points = walk((t, g, g_z, omega0, site_energy), realization, number, label, vector, T, **hamiltonian)
    frequency, broadening = np.ascontiguousarray(frequency), np.ascontiguousarray(broadening)
    sums, energies = np.empty((*T.shape, columns(frequency.size, broadening.size))), np.empty(T.shape[:-1])
    buffers: Buffers | None = None
    with single_thread():
        for p, problem, number_of_stream in points:
            wanted = (
                resolving(problem.half_width, float(broadening.min()), float(T[p].min()))
                if steps is None
                else steps
            )
            wanted = min(wanted, MOST * problem.dimension)
            if buffers is None or len(buffers.vectors) < wanted or buffers.vectors.dtype != problem.dtype:
                buffers = None  # before others are made
                buffers = Buffers.of(problem, wanted)
            r = random_vector(seed, number_of_stream, problem.dimension, problem.dtype)
            found = sticks(problem, r, wanted, buffers)
            sums[p] = thermal(found, problem.dimension, np.ascontiguousarray(T[p]), frequency, broadening)
            energies[p] = found.energies[0]
    return sums, energies


# --- averages over vectors, momenta and realizations --------------------------------------------------------


def _ratios(sums: np.ndarray, broadenings: int) -> np.ndarray:
    """Averages (T, column) from sums (T, column) of :func:`thermal`: ln Z, <H_hop>, total weight,
    filter exponents, sigma.
    """
    result = np.empty((len(sums), sums.shape[1] - broadenings))
    first, second = sums[:, 3 : 3 + broadenings], sums[:, 3 + broadenings : 3 + 2 * broadenings]
    with np.errstate(
        invalid="ignore", divide="ignore"
    ):  # noise may make Z or sigma(0) of a few vectors vanish
        result[:, 0] = np.log(sums[:, 0])
        result[:, 1:3] = sums[:, 1:3] / sums[:, :1]
        result[:, 3 : 3 + broadenings] = 1.0 - second / first
        result[:, 3 + broadenings :] = sums[:, 3 + 2 * broadenings :] / sums[:, :1]
    return result


def _annealed(
    sums: np.ndarray, energies: np.ndarray, T: np.ndarray, weights: np.ndarray, broadenings: int
) -> tuple[np.ndarray, np.ndarray]:
    """Ratios of sums (stratum, vector, T, column),
    and their errors from leaving out one vector of one stratum at a time.
    """
    strata, vectors = energies.shape
    ground = energies.min()
    factors = weights[:, None, None] * np.exp(-(energies[:, :, None] - ground) / T[:, None, :])
    total = np.zeros(sums.shape[2:])
    for h in range(strata):
        for i in range(vectors):
            total += factors[h, i, :, None] * sums[h, i] / vectors
    value = _ratios(total, broadenings)
    variance = np.full(value.shape, np.nan if vectors == 1 else 0.0)
    for h in range(strata if vectors > 1 else 0):
        mean = sum(factors[h, i, :, None] * sums[h, i] for i in range(vectors)) / vectors
        first, second = np.zeros(value.shape), np.zeros(value.shape)
        for i in range(vectors):
            change = (
                _ratios(total + (mean - factors[h, i, :, None] * sums[h, i]) / (vectors - 1), broadenings)
                - value
            )
            first += change
            second += change**2
        variance += (vectors - 1) / vectors * np.maximum(second - first**2 / vectors, 0.0)
    value[:, 0] -= ground / T[0]
    return value, np.sqrt(variance)


def averages(
    sums: np.ndarray,
    energies: np.ndarray,
    T: np.ndarray,
    weights: np.ndarray,
    *,
    states: float,
    broadenings: int,
    quenched: bool,
) -> tuple[np.ndarray, ...]:
    """Thermal averages and their errors from numerators (..., realization, sector, vector, T, column).

    ``energies`` (..., realization, sector, vector) are those that the numerators are relative to, T has (...,
    realization, T). The sums over sectors, with ``weights`` (sector), and vectors are divided by that of Z;
    ``states`` copies of a sector make the space. Realizations are summed over before (annealed) or averaged
    over after the division (quenched, with the scatter of realizations as error where there are several).
    Returns, each followed by its error: ln Z (..., T), <H_hop>, total weight, filter exponent (..., T,
    broadening) and sigma (..., T, broadening, frequency).
    """
    shape, (realizations, sectors, vectors) = energies.shape[:-3], energies.shape[-3:]
    T = np.broadcast_to(T, (*shape, realizations, T.shape[-1]))
    frequencies = (sums.shape[-1] - 3) // broadenings - 2
    values = np.empty((*shape, T.shape[-1], sums.shape[-1] - broadenings))
    errors = np.empty(values.shape)
    weights = weights * states / weights.sum()
    for p in np.ndindex(shape):
        if quenched and realizations > 1:
            each = np.stack(
                [
                    _annealed(
                        sums[p][r], energies[p][r], np.tile(T[p][r], (sectors, 1)), weights, broadenings
                    )[0]
                    for r in range(realizations)
                ]
            )
            values[p], errors[p] = each.mean(axis=0), each.std(axis=0, ddof=1) / np.sqrt(realizations)
            continue
        strata = realizations * sectors
        values[p], errors[p] = _annealed(
            sums[p].reshape(strata, vectors, *sums.shape[-2:]),
            energies[p].reshape(strata, vectors),
            np.repeat(T[p], sectors, axis=0),
            np.tile(weights, realizations) / realizations,
            broadenings,
        )
    grid = (*values.shape[:-1], broadenings, frequencies)
    split = [
        [
            array[..., 0],
            array[..., 1],
            array[..., 2],
            array[..., 3 : 3 + broadenings],
            array[..., 3 + broadenings :].reshape(grid),
        ]
        for array in (values, errors)
    ]
    return tuple(array for pair in zip(*split, strict=True) for array in pair)

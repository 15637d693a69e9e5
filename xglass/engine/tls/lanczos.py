r"""Finite-temperature Lanczos: correlation functions of the current from two Krylov spaces.

With |r> a normalised random vector in a space of dimension d, psi_i the Ritz vectors (eigenvalues e_i) of the
Krylov space of |r> and psi~_j those (e~_j) of J|r>,

    Z = d sum_i e^{-b e_i} |<r|psi_i>|^2,
    Z C(w) = d sum_ij e^{-b e_i} <r|psi_i> <psi_i|J|psi~_j> <psi~_j|J|r> delta(w - e~_j + e_i),
    sigma(w) = pi tanh(b w / 2) / w [C(w) + C(-w)].

(Jaklic and Prelovsek, Adv. Phys. 49, 1 (2000); Rammal, Ciuchi and Fratini, appendix.) The last line equals pi
(1 - e^{-bw}) / w C(w) for the exact C, which obeys C(-w) = e^{-bw} C(w). It is linear in C, so its mean over
|r> is the same; it is even by construction and, unlike the plain mean of both signs, has no Boltzmann factor
above 1.

C is real, and the Ritz coefficients are, so only the real part of <v_m|J|w_n> is wanted: the product of real
matrices of twice the length, a quarter of the work of complex ones with both parts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from xglass.engine.core.blas import single_thread
from xglass.engine.core.operations import operation
from xglass.engine.core.random_vectors import random_vector
from xglass.engine.tls.averages import Columns
from xglass.engine.tls.operators import MOST, Operator, resolving, walk

#: Most vectors J w that are held at once: fewer make the product of matrices slower, more take memory.
FLOWS = 96

#: Steps of the grid of sticks in the smallest broadening.
STICK_STEPS = 20


@dataclass(frozen=True)
class Buffers:
    """Memory of a task, reused by all its vectors: fresh pages cost more than the arithmetic."""

    vectors: np.ndarray
    flows: np.ndarray
    turns: np.ndarray

    @classmethod
    def of(cls, operator: Operator, steps: int) -> Buffers:
        """Return buffers for so many steps with this operator."""
        shapes = ((rows, operator.dimension) for rows in (steps, min(steps, FLOWS), 3))
        return cls(*(np.empty(shape, dtype=operator.dtype) for shape in shapes))


@dataclass(frozen=True)
class Sticks:
    """What a random vector knows of the spectrum.

    Ritz values from |r>, their weights in Z and in Z <H_hop>, Ritz values from J|r> and amplitudes (i, j).
    """

    energies: np.ndarray
    weights: np.ndarray
    kinetic: np.ndarray
    others: np.ndarray
    amplitudes: np.ndarray


class _Recursion:
    """Lanczos steps without reorthogonalisation; vectors stay as they come, ``scales`` normalises them."""

    def __init__(self, operator: Operator, norm: float) -> None:
        from xglass.engine.tls.lanczos_kernels import mixed

        self.operator, self._mixed = operator, mixed
        self.diagonal: list[float] = []
        self.sides: list[float] = []
        self.scales = [1.0 / norm]
        # below this an invariant subspace is exhausted: what is left of H v is rounding
        self.least = 32.0 * np.finfo(operator.real).eps * (abs(operator.centre) + operator.half_width)

    def step(
        self, u: np.ndarray, before: np.ndarray, out: np.ndarray, flow: np.ndarray | None = None
    ) -> bool:
        """Go from u and the vector before it to ``out``; return whether there is a next vector."""
        real, scale = self.operator.real, self.scales[-1]
        alpha = scale**2 * self.operator.lanczos(u, out, flow)
        self.diagonal.append(alpha)
        past = -self.scales[-2] / scale if len(self.scales) > 1 else 0.0
        factors = (real.type(x) for x in (scale, -alpha * scale, past))
        beta = float(np.sqrt(self._mixed(out.view(real), u.view(real), before.view(real), *factors)))
        if beta <= self.least:
            return False
        self.sides.append(beta)
        self.scales.append(1.0 / beta)
        return True

    def ritz(self) -> tuple[np.ndarray, np.ndarray]:
        """Return Ritz values, and coefficients (step, Ritz vector) for vectors as the recursion left them."""
        from scipy.linalg import eigh_tridiagonal

        steps = len(self.diagonal)
        energies, states = eigh_tridiagonal(np.array(self.diagonal), np.array(self.sides[: steps - 1]))
        return energies, states * np.array(self.scales[:steps])[:, None]


def sticks(operator: Operator, r: np.ndarray, steps: int, buffers: Buffers) -> Sticks:
    """Run from |r>, whose entries have modulus 1, and from J|r>; take the matrix of J between both spaces."""
    real = operator.real
    steps = min(steps, MOST * operator.dimension)
    norm = float(np.sqrt(operator.dimension))

    # the Krylov space of |r>: all its vectors are kept
    first = _Recursion(operator, norm)
    vectors = buffers.vectors[:steps]
    vectors[0] = r
    for n in range(steps):  # the last step only finishes the diagonal
        following = vectors[n + 1] if n + 1 < steps else buffers.turns[0]
        if not first.step(vectors[n], vectors[max(n - 1, 0)], following):
            break
    energies, states = first.ritz()
    bras = vectors[: energies.size].view(real)
    from_r = states[0] * norm  # <r|psi_i>
    operator.hopping(r, buffers.flows[0])
    kinetic = from_r * (states.T @ _overlaps(bras, buffers.flows[:1])[:, 0]) / norm

    # the Krylov space of J|r>: its vectors take turns
    start = operator.current(r, buffers.turns[0])
    size = float(np.sqrt(np.square(start.view(real), dtype=np.float64).sum()))
    if size <= norm * first.least:
        return Sticks(energies, from_r**2, kinetic, np.zeros(0), np.zeros((energies.size, 0)))
    second = _Recursion(operator, size)
    matrix = _flow_matrix(second, bras, steps, buffers)
    others, mates = second.ritz()
    to_r = mates[0] * size**2 / norm  # <psi~_j|J|r>
    amplitudes = operator.current_square * np.outer(from_r, to_r) * (states.T @ matrix @ mates)
    return Sticks(energies, from_r**2, kinetic, others, amplitudes)


def _overlaps(bras: np.ndarray, kets: np.ndarray) -> np.ndarray:
    """Re <v_m|w_n>: real and imaginary parts are just more entries of real vectors."""
    return (bras @ kets.view(bras.dtype).T).astype(np.float64)


def _flow_matrix(recursion: _Recursion, bras: np.ndarray, steps: int, buffers: Buffers) -> np.ndarray:
    """Re <v_m|J|w_n>, with w_n the vectors of a recursion from the first of ``buffers.turns``."""
    turns = buffers.turns
    blocks = math.ceil(steps / FLOWS)
    flows = buffers.flows[: math.ceil(steps / blocks)]  # blocks of equal size
    parts, held = [], 0
    for n in range(steps):
        before = turns[(n - 1) % 3] if n else turns[0]
        more = recursion.step(turns[n % 3], before, turns[(n + 1) % 3], flows[held])
        held += 1
        if held == len(flows) or n + 1 == steps or not more:
            parts.append(_overlaps(bras, flows[:held]))
            held = 0
        if not more:
            break
    return np.concatenate(parts, axis=1)


def thermal(
    ritz: Sticks, dimension: int, T: np.ndarray, frequency: np.ndarray, broadening: np.ndarray
) -> np.ndarray:
    """Return what a vector gives, (T, column): relative to the lowest Ritz value, in units of one state."""
    from xglass.engine.core.line_spectra import smooth, spread

    columns = Columns(broadening.size, frequency.size)
    boltzmann = np.exp(-(ritz.energies[:, None] - ritz.energies[0]) / T)
    result = np.zeros((T.size, columns.size))
    result[:, columns.Z] = dimension * (ritz.weights @ boltzmann)
    result[:, columns.KINETIC] = dimension * (ritz.kinetic @ boltzmann)
    if ritz.others.size == 0:
        return result

    # sticks on a grid of differences of energy, weighted with pi tanh(b x / 2) / x
    step = broadening.min() / STICK_STEPS
    span = max(ritz.others[-1] - ritz.energies[0], ritz.energies[-1] - ritz.others[0], 0.0)
    histogram = np.zeros((int(span / step) + 5, T.size))
    spread(ritz.energies, ritz.others, ritz.amplitudes, boltzmann, step, histogram)
    x = (np.arange(len(histogram)) - 1.0)[:, None] * step
    near = np.abs(x) < 1e-6 * T
    with np.errstate(invalid="ignore", divide="ignore"):
        histogram *= dimension * np.pi * np.where(near, 0.5 / T, np.tanh(0.5 * x / T) / x)
    result[:, columns.TOTAL] = histogram.sum(axis=0)

    # the filter at zero frequency, and at all others
    gauss = (x / broadening) ** 2
    weighted = 2.0 * np.exp(-0.5 * gauss) / (np.sqrt(2.0 * np.pi) * broadening)
    result[:, columns.static] = histogram.T @ weighted
    result[:, columns.second] = histogram.T @ (weighted * gauss)
    spectrum = np.zeros((T.size, broadening.size, frequency.size))
    smooth(histogram, 1, step, frequency, broadening, spectrum)
    result[:, columns.sigma] = spectrum.reshape(T.size, -1)
    return result


@operation("ftlm")
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
    """Return numerators (..., T, column) of every vector, and the energies (...) that they are relative to.

    Arguments up to ``T``, and ``hamiltonian``, are those of :func:`xglass.engine.tls.operators.walk`;
    ``steps`` Lanczos steps are taken, by default as many as resolve the smallest broadening.
    """
    T, visits = walk((t, g, g_z, omega0, site_energy), realization, number, label, vector, T, **hamiltonian)
    frequency, broadening = np.ascontiguousarray(frequency), np.ascontiguousarray(broadening)
    sums = np.empty((*T.shape, Columns(broadening.size, frequency.size).size))
    energies = np.empty(T.shape[:-1])
    buffers: Buffers | None = None
    with single_thread():
        for p, operator, stream in visits:
            wanted = steps
            if wanted is None:
                wanted = resolving(operator.half_width, float(broadening.min()), float(T[p].min()))
            wanted = min(wanted, MOST * operator.dimension)
            if buffers is None or len(buffers.vectors) < wanted or buffers.vectors.dtype != operator.dtype:
                buffers = None  # before others are made
                buffers = Buffers.of(operator, wanted)
            r = random_vector(seed, stream, operator.dimension, operator.dtype)
            ritz = sticks(operator, r, wanted, buffers)
            sums[p] = thermal(ritz, operator.dimension, np.ascontiguousarray(T[p]), frequency, broadening)
            energies[p] = ritz.energies[0]
    return sums, energies

r"""Conductivity of one-body states by the formula of Kubo and Greenwood.

.. math::
    \sigma_{ab}(\omega) = \frac{\pi}{V} \sum_{n \ne m} \frac{f_n - f_m}{e_m - e_n}
    \langle n|v_a|m\rangle \langle m|v_b|n\rangle \, \delta(\omega - (e_m - e_n))

Arrays broadcast over their leading dimensions; the core dimensions (site, state, bond) are last.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import expit

from xglass.engine.charge.one_body import hopping_matrix
from xglass.engine.core.blas import single_thread
from xglass.engine.core.filters import binned, spectrum
from xglass.engine.core.operations import operation
from xglass.engine.core.points import over_points

#: Components of the conductivity tensor by the name of their direction.
AXES = "xyz"

#: Second derivative by even differences of order 10: weights of the function at 0, 1, ... 5 steps.
DIFFERENCES = (-5269 / 1800, 10 / 3, -10 / 21, 5 / 63, -5 / 504, 1 / 1575)


def terms_of(directions: tuple[str, ...], axes: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the terms (term, 3) of directions, each (direction, a, b) of a tensor, and their factors."""
    terms, factors = [], []
    for d, name in enumerate(directions):
        pairs = (
            [(a, a) for a in range(axes)] if name == "mean" else [(AXES.index(name[0]), AXES.index(name[-1]))]
        )
        terms += [(d, *pair) for pair in pairs]
        factors += [1.0 / len(pairs)] * len(pairs)
    return np.array(terms, dtype=np.int64), np.array(factors)


@operation("kubo")
def conductivity(
    levels: np.ndarray,
    vectors: np.ndarray,
    mu: np.ndarray,
    temperature: np.ndarray,
    hopping: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
    vector: np.ndarray,
    volume: np.ndarray,
    frequency: np.ndarray,
    broadening: np.ndarray,
    *,
    directions: tuple[str, ...],
    filter: str,
) -> np.ndarray:
    """Return the conductivity (..., broadening, direction, frequency) of states.

    Parameters
    ----------
    levels, vectors : ndarray
        (..., state) rising and (..., site, state).
    mu, temperature : ndarray
        (...) chemical potential, NaN where there are no states, and temperature.
    hopping, source, target, vector : ndarray
        (..., bond) amplitudes, (bond,) ends and (bond, axis) vectors of the bonds.
    volume : ndarray
        (...) of the torus.
    frequency, broadening : ndarray
        (frequency,) rising, and (..., broadening) widths; one of any value for bins.
    directions : tuple of str
        "mean", "x", "y", "z", or two of the letters.
    filter : {"lorentzian", "gaussian", "bins"}
        "bins": weight about every one of uniform frequencies from 0, over their step.

    Returns
    -------
    ndarray
        NaN where there are no states.
    """
    terms, factors = terms_of(directions, vector.shape[-1])

    def point(e, u, mu, T, t, V, widths):  # type: ignore[no-untyped-def]
        if math.isnan(mu):
            return np.nan
        elements = _elements(u, t, source, target, vector)
        gaps, weights = _sticks(e, elements, mu, T, terms, factors)
        weights = weights * (math.pi / V)
        if filter == "bins":
            step = frequency[-1] / (frequency.size - 1)
            result = binned(gaps, weights, frequency.size, step)
            result[:, 0] *= 2.0  # a pair and its mirror image
            return result[None]
        spectra = [spectrum(gaps, weights, frequency, float(w), filter, even=True) for w in widths]
        return np.stack(spectra)

    shape = (broadening.shape[-1], len(directions), frequency.size)
    arrays = (levels, vectors, mu, temperature, hopping, volume, broadening)
    with single_thread():
        return over_points(point, arrays, (1, 2, 0, 0, 1, 0, 1), (float, shape))


def _elements(
    vectors: np.ndarray, hopping: np.ndarray, source: np.ndarray, target: np.ndarray, vector: np.ndarray
) -> np.ndarray:
    """(axis, state, state) currents between states."""
    from xglass.engine.charge.kubo_kernels import currents

    vectors = np.ascontiguousarray(vectors)
    elements, moved = np.empty((vector.shape[-1], *vectors.shape)), np.empty_like(vectors)
    for axis, element in enumerate(elements):
        currents(vectors, source, target, hopping * vector[:, axis], moved, element)
    return elements


def _sticks(
    levels: np.ndarray,
    elements: np.ndarray,
    mu: float,
    temperature: float,
    terms: np.ndarray,
    factors: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """(pair,) gaps and (direction, pair) weights, without pi / V, of all pairs that carry weight."""
    from xglass.engine.charge.kubo_kernels import pair_weights

    pairs = levels.size * (levels.size - 1) // 2
    gaps, weights = np.empty(pairs), np.empty((terms[-1, 0] + 1, pairs))
    count = pair_weights(levels, elements, mu, temperature, terms, factors, gaps, weights)
    return gaps[:count], weights[:, :count]


@operation("kubo.sum_rule")
def imbalance(
    levels: np.ndarray,
    vectors: np.ndarray,
    mu: np.ndarray,
    temperature: np.ndarray,
    hopping: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
    vector: np.ndarray,
    volume: np.ndarray,
    *,
    directions: tuple[str, ...],
) -> np.ndarray:
    r"""Return how far the sum rule is missed, (..., direction), relative to the largest of its terms.

    The weight at positive frequencies of all pairs, degenerate ones included, and the stiffness of the torus
    are together

    .. math:: -\frac{\pi}{2V} \sum_\mathrm{bonds} r_a r_b t \langle c^+_i c_j + \mathrm{h.c.}\rangle .

    The stiffness is (pi / 2V) d^2 F / dA_a dA_b of bonds with phases exp(i A r), by differences of F.
    Parameters as for :func:`conductivity`.
    """
    terms, factors = terms_of(directions, vector.shape[-1])

    def point(e, u, mu, T, t, V):  # type: ignore[no-untyped-def]
        if math.isnan(mu):
            return np.nan
        _, weights = _sticks(e, _elements(u, t, source, target, vector), mu, T, terms, factors)
        bonds = 2.0 * t * np.einsum("bn,bn,n->b", u[source], u[target], expit((mu - e) / T))
        tensor = {(int(a), int(b)) for _, a, b in terms}
        stiffness = _stiffness(e, u, mu, T, (t, source, target, vector), tensor)
        # of an off-diagonal part all terms may vanish: it is compared with the diagonal ones
        kinetic = -0.5 * np.einsum("b,ba,bc->ac", bonds, vector, vector)
        scales = np.sqrt(np.abs(np.outer(np.diagonal(kinetic), np.diagonal(kinetic))))
        result = np.zeros(len(directions))
        for d in range(len(directions)):
            own = [(a, b, factor) for (k, a, b), factor in zip(terms, factors, strict=True) if k == d]
            parts = [
                weights[d].sum(),
                sum(0.5 * factor * stiffness[a, b] for a, b, factor in own),
                -sum(factor * kinetic[a, b] for a, b, factor in own),
            ]
            scale = max(*np.abs(parts), *(scales[a, b] for a, b, _ in own))
            result[d] = sum(parts) / scale if scale > 0.0 else 0.0
        return result

    arrays = (levels, vectors, mu, temperature, hopping, volume)
    with single_thread():
        return over_points(point, arrays, (1, 2, 0, 0, 1, 0), (float, (len(directions),)))


def _stiffness(
    levels: np.ndarray,
    vectors: np.ndarray,
    mu: float,
    temperature: float,
    bonds: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    pairs: set[tuple[int, int]],
) -> dict[tuple[int, int], float]:
    """Second derivatives of F, at fixed number of particles, with respect to twists along pairs of axes.

    The number does not change with a twist to first order, so that they are those of Omega at fixed mu.
    """
    hopping, source, target, vector = bonds
    sites, axes = vectors.shape[0], vector.shape[-1]
    kinetic = hopping_matrix(hopping, source, target, sites)
    potential = np.diagonal((vectors * levels) @ vectors.T - kinetic)
    # five steps stay within the width of a zone of momenta, and move no level by more than some T
    within = min(
        0.2 / sites ** (1.0 / axes), 0.3 * temperature * sites / max(4.0 * np.abs(hopping).sum(), 1e-300)
    )
    step = within / np.abs(vector).max()

    def omega(twist: np.ndarray) -> float:
        """Grand potential with a phase on every bond."""
        matrix = np.diag(potential).astype(np.complex128)
        np.add.at(matrix, (source, target), hopping * np.exp(1j * (vector @ twist)))
        np.add.at(matrix, (target, source), hopping * np.exp(-1j * (vector @ twist)))
        return float(-temperature * np.logaddexp(0.0, (mu - np.linalg.eigvalsh(matrix)) / temperature).sum())

    def curvature(*directed: tuple[int, float]) -> float:
        """Second derivative along a sum of axes; even in the twist, as hopping is real."""
        along = np.zeros(axes)
        for axis, sign in directed:
            along[axis] += sign
        values = np.array([omega(k * step * along) for k in range(len(DIFFERENCES))])
        return float(np.dot(DIFFERENCES, values - values[0])) / step**2

    return {
        (a, b): curvature((a, 1.0))
        if a == b
        else (curvature((a, 1.0), (b, 1.0)) - curvature((a, 1.0), (b, -1.0))) / 4.0
        for a, b in pairs
    }

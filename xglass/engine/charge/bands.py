"""Bands of a translation-invariant hopping, and what electrons that scatter at one rate conduct in them."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit

from xglass.engine.charge.kubo import terms_of
from xglass.engine.core.operations import operation
from xglass.engine.core.points import over_points

#: Momenta that are diagonalised at a time.
TOGETHER = 4096


def bloch_waves(vectors: np.ndarray, momenta: int) -> np.ndarray:
    """(k, axis) a uniform grid in the zone of cell vectors (vector, axis), ``momenta`` along each of them."""
    axes = len(vectors)
    fractions = np.indices((momenta,) * axes).reshape(axes, -1).T / momenta
    return fractions @ (2.0 * np.pi * np.linalg.inv(vectors).T)


def bands(
    waves: np.ndarray,
    hopping: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
    vector: np.ndarray,
    site_energy: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """(k, band) energies and (k, axis, band) velocities dE/dk of bonds that begin in one cell.

    Sources and targets are sublattices. A site carries exp(i k r) of its own place, so that H depends on k
    through the vectors of the bonds alone.
    """
    sublattices, axes = site_energy.size, vector.shape[-1]
    energy = np.empty((len(waves), sublattices))
    velocity = np.empty((len(waves), axes, sublattices))
    for first in range(0, len(waves), TOGETHER):
        part = slice(first, first + TOGETHER)
        amplitude = hopping * np.exp(1j * waves[part] @ vector.T)
        h = np.zeros((len(amplitude), sublattices, sublattices), dtype=np.complex128)
        slope = np.zeros((len(amplitude), axes, sublattices, sublattices), dtype=np.complex128)
        h += np.diag(site_energy)
        for b in range(hopping.size):
            i, j = source[b], target[b]
            h[:, i, j] += amplitude[:, b]
            h[:, j, i] += amplitude[:, b].conj()
            for axis in range(axes):
                slope[:, axis, i, j] += 1j * vector[b, axis] * amplitude[:, b]
                slope[:, axis, j, i] -= 1j * vector[b, axis] * amplitude[:, b].conj()
        energy[part], states = np.linalg.eigh(h)
        # Hellmann and Feynman
        velocity[part] = np.einsum("kin,kaij,kjn->kan", states.conj(), slope, states, optimize=True).real
    return energy, velocity


@operation("boltzmann")
def conductivity(
    hopping: np.ndarray,
    site_energy: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
    vector: np.ndarray,
    cell: np.ndarray,
    filling: np.ndarray,
    temperature: np.ndarray,
    rate: np.ndarray,
    frequency: np.ndarray,
    *,
    momenta: int,
    directions: tuple[str, ...],
) -> np.ndarray:
    """(..., direction, frequency) (1/V) sum_k v_a v_b (-df/dE) rate / (rate^2 + w^2).

    Bonds and site energies are those of one cell, with ``cell`` (period, axis) its vectors; directions as for
    :func:`xglass.engine.charge.kubo.conductivity`.
    """
    terms, factors = terms_of(directions, vector.shape[-1])
    waves, volume = bloch_waves(cell, momenta), abs(np.linalg.det(cell))

    def point(t: np.ndarray, own: np.ndarray, n: float, T: float, gamma: float) -> np.ndarray:
        energy, velocity = bands(waves, t, source, target, vector, own)
        levels, wanted = energy.ravel(), n * own.size

        def excess(mu: float) -> float:
            return float(expit((mu - levels) / T).sum()) / len(waves) - wanted

        reach = 50.0 * T + 1e-12
        mu = brentq(excess, levels.min() - reach, levels.max() + reach, xtol=1e-14, rtol=1e-14)
        x = (energy - mu) / T
        slope = expit(x) * expit(-x) / T
        weights = np.zeros(len(directions))
        for (d, a, b), factor in zip(terms, factors, strict=True):
            weights[d] += factor * float((velocity[:, a] * velocity[:, b] * slope).sum())
        drude = gamma / (gamma**2 + frequency**2)
        return (weights / (len(waves) * volume))[:, None] * drude

    arrays, shape = (hopping, site_energy, filling, temperature, rate), (len(directions), frequency.size)
    return over_points(point, arrays, (1, 1, 0, 0, 0), (float, shape))

"""What is read off one-body states: densities, spectra, how far states extend, how levels repel.

Levels are (..., state), states (..., site, state); other leading dimensions broadcast against theirs.
"""

from __future__ import annotations

import numpy as np

from xglass.engine.core.blas import single_thread
from xglass.engine.core.filters import spectrum
from xglass.engine.core.operations import operation
from xglass.engine.core.points import over_points


def rows(vectors: np.ndarray) -> np.ndarray:
    """(..., state, site) the states, each in one piece, which is how they stand in memory already.

    ValueError if they are not normalised, as after a mean over walkers.
    """
    states = np.ascontiguousarray(np.swapaxes(vectors, -1, -2))
    norms = (states[..., 0, :] ** 2).sum(axis=-1)
    if (np.abs(norms - 1.0) > 1e-6).any():
        raise ValueError(
            f"eigenvector must be normalised over site, got norms from {np.nanmin(norms):.6g} to "
            f"{np.nanmax(norms):.6g}; a mean or a sum of states is no state: average the result instead"
        )
    return states


@operation("local_density")
def local_density(
    vectors: np.ndarray, levels: np.ndarray, mu: np.ndarray, temperature: np.ndarray
) -> np.ndarray:
    """(..., site) thermal densities sum_n f_n |U_in|^2."""
    from xglass.engine.charge.states_kernels import density

    arrays, sites = (rows(vectors), levels, mu, temperature), vectors.shape[-2]
    return over_points(density, arrays, (2, 1, 0, 0), (float, (sites,)))


@operation("inverse_participation_ratio")
def inverse_participation_ratio(vectors: np.ndarray) -> np.ndarray:
    """(..., state) sum_i |U_in|^4: one over the number of sites on which a state lives."""
    from xglass.engine.charge.states_kernels import participation

    return over_points(participation, (rows(vectors),), 2, (float, vectors.shape[-1:]))


@operation("density_of_states")
def density_of_states(
    levels: np.ndarray, mu: np.ndarray, width: np.ndarray, energy: np.ndarray, *, filter: str
) -> np.ndarray:
    """(..., energy) density of states per site at energies relative to mu, on a rising grid."""

    def at_point(levels: np.ndarray, mu: float, width: float) -> np.ndarray | float:
        if np.isnan(mu):
            return np.nan
        share = np.full((1, levels.size), 1.0 / levels.size)
        return spectrum(levels - mu, share, energy, width, filter)[0]

    return over_points(at_point, (levels, mu, width), (1, 0, 0), (float, energy.shape))


@operation("spectral_function")
def spectral_function(
    vectors: np.ndarray,
    levels: np.ndarray,
    mu: np.ndarray,
    width: np.ndarray,
    phase: np.ndarray,
    energy: np.ndarray,
    *,
    filter: str,
) -> np.ndarray:
    """(..., momentum, energy) sum_n |<k|n>|^2 delta(energy - (e_n - mu)), phases k r_i (momentum, site)."""
    # <k|n> = N^-1/2 sum_i exp(-i k r_i) U_in
    scale = 1.0 / np.sqrt(phase.shape[-1])
    waves = scale * np.cos(phase), scale * np.sin(phase)

    def weights(states: np.ndarray) -> np.ndarray:
        return sum((wave @ states.T) ** 2 for wave in waves)

    def at_point(weight: np.ndarray, levels: np.ndarray, mu: float, width: float) -> np.ndarray | float:
        return np.nan if np.isnan(mu) else spectrum(levels - mu, weight, energy, width, filter)

    with single_thread():  # one matrix at a time: bits must not depend on chunks
        projections = over_points(weights, (rows(vectors),), 2, (float, (len(phase), vectors.shape[-1])))
        arrays, size = (projections, levels, mu, width), (len(phase), energy.size)
        return over_points(at_point, arrays, (2, 1, 0, 0), (float, size))


@operation("gap_ratio")
def gap_ratio(levels: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """(...) mean ratio of adjacent gaps of the levels from low to high."""
    from xglass.engine.charge.states_kernels import gap_ratio as kernel

    return over_points(kernel, (levels, low, high), (1, 0, 0), float)

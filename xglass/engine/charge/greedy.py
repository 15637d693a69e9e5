"""Blocks of quenches: the plain function that dask calls, around the compiled descent."""

from __future__ import annotations

import numpy as np

from xglass.engine.charge.metropolis import (
    MOVES,
    empty_potential,
    energy_of_reference,
    first_states,
    neighbour_table,
    pieces,
)
from xglass.engine.core.operations import operation
from xglass.engine.core.points import points
from xglass.engine.core.streams import streams

__all__ = ["quenches"]


def __dir__() -> list[str]:
    return __all__


@operation("greedy")
def quenches(
    interaction: np.ndarray,
    site_energy: np.ndarray,
    reference: np.ndarray,
    labels: np.ndarray,
    realization: np.ndarray,
    walker: np.ndarray,
    start: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
    *,
    seed: int,
    moves: str,
) -> tuple[np.ndarray, np.ndarray]:
    """Occupation (..., walker, site) int8 and energy (..., walker) of states that no single move lowers.

    Parameters are those of :func:`xglass.engine.charge.metropolis.simulate`; of ``labels`` (..., label) the
    last is the filling, and ``start`` (..., site) is random where there is one along site.
    """
    from xglass.engine.charge.greedy_kernels import descend

    sites = site_energy.shape[-1]
    shape, (interaction, site_energy, reference, labels, realization, walker, start) = points(
        (interaction, site_energy, reference, labels, realization, walker, start), (2, 1, 0, 1, 0, 0, 1)
    )
    occupation, energy = np.empty((*shape, sites), dtype=np.int8), np.empty(shape)
    neighbours = neighbour_table(source, target, sites)
    for p in np.ndindex(shape[:-1]):
        one = (*p, 0)  # parameters are the same for all walkers
        u, ref = interaction[one], float(reference[one])
        stream = streams(walker[p], int(realization[one]), labels[one])
        given = start[p] if start.shape[-1] == sites else None
        particles = round(float(labels[one][-1]) * sites)
        state = first_states(given, np.uint64(seed), stream, particles, sites)
        coupling, base, unit = pieces(u, empty_potential(u, site_energy[one], ref))
        twice = np.empty(len(state), dtype=np.int64)
        descend(coupling, base, *neighbours, MOVES[moves], state, twice)
        occupation[p], energy[p] = state, 0.5 * unit * twice + energy_of_reference(u, ref)
    return occupation, energy

"""Blocks of ladders of temperatures: the plain function that dask calls, around the compiled chains."""

from __future__ import annotations

import numpy as np

from xglass.engine.charge.metropolis import (
    MOVES,
    WEIGHTS,
    empty_potential,
    energy_of_reference,
    first_states,
    neighbour_table,
    pieces,
    self_potential,
)
from xglass.engine.charge.one_body import hopping_matrix
from xglass.engine.charge.rejection import empty_memory, proof_tools
from xglass.engine.charge.surrogate import response_room
from xglass.engine.core.blas import single_thread
from xglass.engine.core.operations import operation
from xglass.engine.core.points import points
from xglass.engine.core.streams import streams

__all__ = ["ladders"]


def __dir__() -> list[str]:
    return __all__


#: Configurations that a walker remembers at each of its temperatures.
REMEMBERED_EACH = 4096


@operation("replica_exchange")
def ladders(
    hopping: np.ndarray,
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
    first_sweep: int,
    continued: bool,
    sweeps: int,
    frames: int,
    every: int,
    exchange_every: int,
    weight: str,
    moves: str,
) -> tuple[np.ndarray, ...]:
    """A block of ladders.

    Parameters
    ----------
    hopping, interaction, site_energy, reference
        As for :func:`xglass.engine.charge.metropolis.simulate`.
    labels : ndarray
        (..., T, label) values that name the trajectories: the temperature is the first, the filling the last.
    realization, walker
        As for ``simulate``.
    start : ndarray
        (..., T, site) int8 configurations to start from; random where there is one along site.
    source, target
        As for ``simulate``.
    seed, first_sweep, continued, sweeps, frames, every, exchange_every, weight, moves
        As for the solver; a continued run stores no frame of its first sweep.

    Returns
    -------
    tuple of ndarray
        Occupation (..., walker, T, frame, site) int8; energy, kinetic and acceptance (..., walker, T, frame)
        float64; exchanges with the next temperature that were accepted, and tried, (..., walker, T, 2) int64.
        The order along T is that of ``labels``.
    """
    from xglass.engine.charge.replica_exchange_kernels import run_ladders

    sites, steps = site_energy.shape[-1], labels.shape[-2]
    shape, (hopping, interaction, site_energy, reference, labels, realization, walker, start) = points(
        (hopping, interaction, site_energy, reference, labels, realization, walker, start),
        (1, 2, 1, 0, 2, 0, 0, 2),
    )
    grid = (*shape, steps)
    occupation, energy = np.empty((*grid, frames, sites), dtype=np.int8), np.empty((*grid, frames))
    kinetic, accepted = np.empty((*grid, frames)), np.empty((*grid, frames), dtype=np.int64)
    exchanges = np.empty((*grid, 2), dtype=np.int64)
    recorded = (occupation, energy, kinetic, accepted, exchanges)
    key, neighbours = np.uint64(seed), neighbour_table(source, target, sites)
    rules = (WEIGHTS[weight], MOVES[moves])
    with single_thread():
        for p in np.ndindex(shape[:-1]):
            one = (*p, 0)  # parameters are the same for all walkers
            u, own, ref = interaction[one], site_energy[one], float(reference[one])
            matrix = hopping_matrix(hopping[one], source, target, sites)
            rising = np.argsort(labels[one][:, 0])
            named = labels[one][rising]
            stream, between = _streams(walker[p], int(realization[one]), named)
            given = start[p][:, rising] if start.shape[-1] == sites else None
            state = first_states(given, key, stream, round(float(named[0, -1]) * sites), sites)
            coupling, base, unit = pieces(u, empty_potential(u, own, ref))
            fields = (coupling, base, self_potential(u, ref), unit, matrix)
            times = (first_sweep, continued, every, exchange_every, sweeps, named[:, 0].copy())
            means = (proof_tools(matrix), _memories(sites, steps), response_room(*neighbours, wanted=False))
            results = [array[p][:, rising] for array in recorded]
            run_ladders(key, stream, between, *times, *fields, *neighbours, *rules, *means, state, *results)
            for array, result in zip(recorded, results, strict=True):
                array[p][:, rising] = result
            energy[p] += energy_of_reference(u, ref)
    acceptance = accepted / (every * sites)
    if not continued:
        acceptance[..., 0] = np.nan
    return occupation, energy, kinetic, acceptance, exchanges


def _memories(sites: int, steps: int) -> tuple[np.ndarray, ...]:
    """What is known of configurations, for every temperature."""
    return tuple(np.repeat(part[None], steps, axis=0) for part in empty_memory(sites, REMEMBERED_EACH))


def _streams(walker: np.ndarray, realization: int, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Stream numbers (walker, T) of sweeps and (walker,) of exchanges, of labels (T, label) in rising order.

    The whole ladder enters, so that no trajectory is one of another ladder, nor one of a single temperature;
    and a number that is no temperature tells exchanges apart.
    """
    ladder = labels[:, 0]
    sweeps = [streams(walker, realization, np.concatenate([one, ladder])) for one in labels]
    between = streams(walker, realization, np.concatenate([[-1.0], labels[0, 1:], ladder]))
    return np.stack(sweeps, axis=1), between

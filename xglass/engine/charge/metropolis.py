"""Blocks of Monte Carlo trajectories: the plain functions that dask calls, around the compiled chain.

The leading dimensions of all inputs broadcast against each other; walkers are the last of them.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from xglass.engine.charge.one_body import hopping_matrix
from xglass.engine.charge.potential import electrostatic_energy, potential
from xglass.engine.charge.rejection import REMEMBERED, empty_memory, proof_tools
from xglass.engine.charge.surrogate import WIDEST, response_room
from xglass.engine.core.blas import single_thread
from xglass.engine.core.operations import operation
from xglass.engine.core.points import over_points, points
from xglass.engine.core.streams import streams

WEIGHTS = {"classical": 0, "kinetic": 1, "free_energy": 2}
MOVES = {"neighbour": 0, "exchange": 1}

#: Sites from which on couplings that do not change with translations are kept as N numbers: the matrix of
#: fewer lies in the cache.
FEW = 1000

#: Rows of the interaction that are looked at together.
ROWS_TOGETHER = 256


def fixed_point(interaction: np.ndarray, base: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Off-diagonal interaction and potential of the empty lattice as int64 in units of a power of two.

    The unit is the finest with which the sum of all potentials, twice over, still fits: about 1e-15 of the
    interaction at 144 sites. Returns (coupling, base, unit).
    """
    shift = _binary_digits(interaction, base)
    return _whole_matrix(interaction, shift), _whole(base, shift), 2.0**-shift


def _binary_digits(interaction: np.ndarray, base: np.ndarray) -> int:
    """How many of them whole numbers have behind the point."""
    largest = 0.0
    for begin in range(0, base.size, ROWS_TOGETHER):  # the matrix may be too large for a copy
        some = slice(begin, begin + ROWS_TOGETHER)
        block = np.abs(interaction[some])
        block[np.arange(len(block)), np.arange(begin, begin + len(block))] = 0.0
        largest = max(largest, float((block.sum(axis=1) + np.abs(base[some])).max()))
    largest *= 4.0 * base.size
    return 62 - int(np.ceil(np.log2(largest))) if largest > 0.0 else 0


def _whole(values: np.ndarray, shift: int) -> np.ndarray:
    return np.rint(np.ldexp(np.asarray(values, dtype=np.float64), shift)).astype(np.int64)


def _whole_matrix(interaction: np.ndarray, shift: int) -> np.ndarray:
    """Whole numbers of a matrix without its diagonal, which may be far above the rest."""
    coupling = np.array(interaction, dtype=np.float64)
    np.fill_diagonal(coupling, 0.0)
    return _whole(coupling, shift)


def pieces(interaction: np.ndarray, base: np.ndarray) -> tuple[tuple[np.ndarray, ...], np.ndarray, float]:
    """Like :func:`fixed_point`, with the coupling as the chain reads it: (numbers, where, line, place).

    Of site i the row of couplings is made of pieces of equal length, ``numbers[where[i, r]:]`` with r rising;
    site j stands in the piece ``line[j]`` at ``place[j]``.
    Where the interaction does not change with translations, N numbers hold all pieces, each row of the
    lattice twice, so that none has to be read around the torus. Otherwise the matrix is one piece for each
    site. Both hold the same numbers.
    """
    sites = base.size
    shift = _binary_digits(interaction, base)
    row = _row_length(interaction) if sites >= FEW else None
    if row is None:
        numbers, where = _whole_matrix(interaction, shift).ravel(), sites * np.arange(sites)[:, None]
        line, place = np.divmod(np.arange(sites), sites)
    else:
        first = np.concatenate([[0.0], interaction[0, 1:]])
        first = _whole(first, shift).reshape(-1, row)
        numbers = np.tile(first, 2).ravel()
        line, place = np.divmod(np.arange(sites), row)
        lines = np.arange(len(first))
        where = (lines - line[:, None]) % len(first) * (2 * row) + row - place[:, None]
    return (numbers, where, line, place), _whole(base, shift), 2.0**-shift


def _row_length(interaction: np.ndarray) -> int | None:
    """Find the sites in a row of the lattice, if the interaction depends on the displacement alone."""
    sites = len(interaction)
    for row in (n for n in range(sites, 1, -1) if sites % n == 0):
        first = interaction[0].reshape(-1, row)
        if all(_moved_along(first, i, interaction[i]) for i in (1, row % sites, *range(sites))):
            return row
    return None


def _moved_along(first: np.ndarray, site: int, row: np.ndarray) -> bool:
    """Whether the couplings of a site are those of the first, moved."""
    line, place = divmod(site, first.shape[1])
    return np.array_equal(np.roll(first, (line, place), axis=(0, 1)).ravel(), row)


def fixed_point_units(interaction: np.ndarray, site_energy: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Return the units (...) in which :func:`fixed_point` holds the energies of these parameters.

    They are 0 where all energies are.
    """

    def unit(u: np.ndarray, own: np.ndarray, ref: float) -> float:
        coupling, base, size = fixed_point(u, empty_potential(u, own, float(ref)))
        return size if coupling.any() or base.any() else 0.0

    return over_points(unit, (interaction, site_energy, reference), (2, 1, 0), float)


def neighbour_table(source: np.ndarray, target: np.ndarray, sites: int) -> tuple[np.ndarray, np.ndarray]:
    """(site, largest degree) table of neighbours, one entry per bond end, and (site,) degrees."""
    ends, others = np.concatenate([source, target]), np.concatenate([target, source])
    order = np.argsort(ends, kind="stable")
    degree = np.bincount(ends, minlength=sites)
    table = np.zeros((sites, max(int(degree.max(initial=0)), 1)), dtype=np.int64)
    table[ends[order], np.arange(ends.size) - np.repeat(np.cumsum(degree) - degree, degree)] = others[order]
    return table, degree.astype(np.int64)


def empty_potential(interaction: np.ndarray, site_energy: np.ndarray, reference: float) -> np.ndarray:
    """Potential of the empty lattice: site energies and, for centred interactions,
    -reference sum_{j != i} U_ij.
    """
    if reference == 0.0:
        return np.array(site_energy, dtype=np.float64)
    return site_energy - reference * (interaction.sum(axis=-1) - np.diagonal(interaction, axis1=-2, axis2=-1))


def self_potential(interaction: np.ndarray, reference: float) -> np.ndarray:
    """(2,) what an empty and an occupied site add to their own potential."""
    return interaction[0, 0] * (np.array([0.0, 1.0]) - reference)


def energy_of_reference(interaction: np.ndarray, reference: float) -> float:
    """1/2 reference^2 sum_{i != j} U_ij: the constant that a centred interaction adds to E."""
    return 0.5 * reference**2 * float(interaction.sum() - np.trace(interaction))


@operation("metropolis")
def simulate(
    hopping: np.ndarray,
    interaction: np.ndarray,
    site_energy: np.ndarray,
    reference: np.ndarray,
    labels: np.ndarray,
    realization: np.ndarray,
    walker: np.ndarray,
    start: np.ndarray,
    patterns: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
    ramp: np.ndarray,
    *,
    seed: int,
    first_sweep: int,
    continued: bool,
    frames: int,
    every: int,
    weight: str,
    moves: str,
    shortcut: tuple[float, float] | None = None,
    plain: bool = False,
) -> tuple[np.ndarray, ...]:
    """A block of trajectories.

    Parameters
    ----------
    hopping, interaction, site_energy : ndarray
        (..., bond), (..., site, site) and (..., site) parameters.
    reference : ndarray
        (...) density from which interactions are counted.
    labels : ndarray
        (..., label) values that name a trajectory: the temperature is the first, the filling the last.
    realization, walker : ndarray
        (...) identities; walkers are the last dimension.
    start : ndarray
        (..., site) int8 configurations to start from; unused with size 1 along site (dask has no empty
        chunks).
    patterns : ndarray
        (pattern, site) int8, the best of which is the start, see :func:`ordered`; unused with size 1 along
        site. Without either the start is random.
    source, target : ndarray
        (bond,) int64.
    ramp : ndarray
        (sweeps + 1,) factor on the temperature.
    seed, first_sweep, continued, frames, every, weight, moves
        As for the solver; a continued run stores no frame of its first sweep.
    shortcut : tuple of float, optional
        Window (> 0) and fraction of audits of estimates that may reject; only with weight "kinetic".
    plain : bool
        Solve the eigenproblem of every active attempt: the same trajectories with more work, to compare with.

    Returns
    -------
    tuple of ndarray
        Occupation (..., walker, frame, site) int8; energy, kinetic, acceptance (..., walker, frame) float64;
        active attempts, eigenproblems, attempts decided from memory, rejections proved, rejections by
        estimates, their audits and those that disagreed since the last frame (..., walker, frame) int64.
    """
    from xglass.engine.charge.metropolis_kernels import trajectories

    sites = site_energy.shape[-1]
    shape, (hopping, interaction, site_energy, reference, labels, realization, walker, start) = points(
        (hopping, interaction, site_energy, reference, labels, realization, walker, start),
        (1, 2, 1, 0, 1, 0, 0, 1),
    )
    occupation = np.empty((*shape, frames, sites), dtype=np.int8)
    energy, kinetic = np.empty((*shape, frames)), np.zeros((*shape, frames))
    counters = np.empty((*shape, frames, 8), dtype=np.int64)
    key, neighbours = np.uint64(seed), neighbour_table(source, target, sites)
    room = response_room(*neighbours, wanted=shortcut is not None)
    with single_thread():
        for p in np.ndindex(shape[:-1]):
            one = (*p, 0)  # parameters are the same for all walkers
            matrix = hopping_matrix(hopping[one], source, target, sites)
            u, own, ref = interaction[one], site_energy[one], float(reference[one])
            temperature = labels[one][0] * ramp
            particles = round(float(labels[one][-1]) * sites)
            stream = streams(walker[p], int(realization[one]), labels[one])
            first = start[p] if start.shape[-1] == sites else None
            if patterns.shape[-1] == sites:
                first = ordered(matrix, u, own, ref, float(temperature[0]), patterns)
            state = first_states(first, key, stream, particles, sites)
            coupling, base, unit = pieces(u, empty_potential(u, own, ref))
            fields = (coupling, base, self_potential(u, ref), unit, matrix)
            results = (occupation[p], energy[p], kinetic[p], counters[p])
            rules = (WEIGHTS[weight], MOVES[moves], *_means(matrix, shortcut, plain=plain), room)
            times = (first_sweep, continued, every, temperature)
            trajectories(key, stream, *times, *fields, *neighbours, *rules, state, *results)
            energy[p] += energy_of_reference(u, ref)
    acceptance = counters[..., 0] / (every * sites)
    if not continued:
        acceptance[..., 0] = np.nan
    return occupation, energy, kinetic, acceptance, *np.moveaxis(counters[..., 1:], -1, 0)


def _means(hopping: np.ndarray, shortcut: tuple[float, float] | None, *, plain: bool) -> tuple[Any, ...]:
    """Return the means by which the kernel decides: proofs, with their tools and memory, and estimates."""
    window, audit = shortcut or (0.0, 0.0)
    memory = empty_memory(len(hopping), 1 if plain else REMEMBERED)
    return not plain, proof_tools(hopping), memory, (window, audit, WIDEST * float(np.abs(hopping).max()))


def first_states(
    first: np.ndarray | None, key: np.uint64, stream: np.ndarray, particles: int, sites: int
) -> np.ndarray:
    """(..., site) configurations to start from: those given, or random ones of each stream (...)."""
    from xglass.engine.charge.metropolis_kernels import random_configuration

    state = np.empty((*stream.shape, sites), dtype=np.int8)
    if first is None:
        for place in np.ndindex(stream.shape):
            random_configuration(key, stream[place], particles, state[place])
    else:
        state[:] = first
    if ((state != 0) & (state != 1)).any() or (state.sum(axis=-1) != particles).any():
        raise ValueError(f"start: every configuration must hold {particles} particles as occupations 0 or 1")
    return state


def ordered(
    hopping: np.ndarray,
    interaction: np.ndarray,
    site_energy: np.ndarray,
    reference: float,
    temperature: float,
    patterns: np.ndarray,
) -> np.ndarray:
    """The pattern of lowest electrostatic energy; ties (1e-9 a site) go to the lowest <K>, then to the first.

    Parameters: hopping (site, site), interaction (site, site), site_energy (site,), patterns (pattern, site).
    Returns (site,).
    """
    from xglass.engine.charge.one_body_kernels import kinetic_energies

    tolerance = 1e-9 * patterns.shape[-1]
    energy = electrostatic_energy(patterns, interaction, site_energy, np.asarray(reference))
    tied = patterns[energy <= energy.min() + tolerance]
    phi = potential(tied, interaction, site_energy, np.asarray(reference))
    kinetic = np.empty(len(tied))
    kinetic_energies(
        hopping, phi, np.full(len(tied), temperature), tied.sum(axis=-1, dtype=np.int64), kinetic
    )
    return tied[np.flatnonzero(kinetic <= kinetic.min() + tolerance)[0]]

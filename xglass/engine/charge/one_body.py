"""One-body problems of given configurations: fermions in K + diag(phi).

Arrays broadcast over their leading dimensions; the core dimensions (site, bond, state) are last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from xglass.engine.charge.configurations import blanked, configurations
from xglass.engine.charge.potential import potential
from xglass.engine.core.blas import single_thread
from xglass.engine.core.operations import operation
from xglass.engine.core.points import over_points, points

#: What fills arrays of results from (site, site) K, rows of phi, and numbers that belong to each row.
Kernel = Callable[..., None]


def hopping_matrix(hopping: np.ndarray, source: np.ndarray, target: np.ndarray, sites: int) -> np.ndarray:
    """(site, site) matrix of K; bonds that wrap onto the same pair add up."""
    matrix = np.zeros((sites, sites))
    np.add.at(matrix, (source, target), hopping)
    np.add.at(matrix, (target, source), hopping)
    return matrix


@operation("diagonalize")
def diagonalize(
    occupation: np.ndarray,
    hopping: np.ndarray,
    interaction: np.ndarray,
    site_energy: np.ndarray,
    reference: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """(..., state) levels, rising, and (..., site, state) states of configurations (..., site).

    In memory each state is one piece; so it comes from LAPACK, and so it is summed over sites.
    """
    from xglass.engine.charge.one_body_kernels import eigenstates

    fields, sites = (occupation, interaction, site_energy, reference), occupation.shape[-1]
    levels, states = _solved(eigenstates, [(sites,), (sites, sites)], fields, (hopping, source, target), ())
    return levels, np.swapaxes(states, -1, -2)


@operation("diagonalize.levels")
def eigenvalues(
    occupation: np.ndarray,
    hopping: np.ndarray,
    interaction: np.ndarray,
    site_energy: np.ndarray,
    reference: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
) -> np.ndarray:
    """(..., state) levels alone, at less than half the price of the states."""
    from xglass.engine.charge.one_body_kernels import levels

    fields, sites = (occupation, interaction, site_energy, reference), occupation.shape[-1]
    return _solved(levels, [(sites,)], fields, (hopping, source, target), ())[0]


@operation("diagonalize.chemical_potential")
def chemical_potential(levels: np.ndarray, filling: np.ndarray, temperature: np.ndarray) -> np.ndarray:
    """(...) mu at which levels (..., state) hold filling N particles in the mean."""
    from xglass.engine.charge import one_body_kernels as kernels

    particles = np.asarray(filling * levels.shape[-1], dtype=np.float64)
    whole = np.rint(particles)  # 1/3 was rounded to twelve digits
    particles = np.where(np.abs(particles - whole) < 1e-6, whole, particles)
    there = ~np.isnan(levels[..., 0])
    mu = over_points(kernels.chemical_potential, (levels, temperature, particles), (1, 0, 0), float)
    return blanked(mu, there)


@operation("kinetic_energy")
def kinetic_energy(
    occupation: np.ndarray,
    hopping: np.ndarray,
    interaction: np.ndarray,
    site_energy: np.ndarray,
    filling: np.ndarray,
    reference: np.ndarray,
    temperature: np.ndarray,
    source: np.ndarray,
    target: np.ndarray,
) -> np.ndarray:
    """(...) thermal <K> of configurations (..., site)."""
    from xglass.engine.charge.one_body_kernels import kinetic_energies

    fields = (occupation, interaction, site_energy, reference)
    particles = np.rint(filling * occupation.shape[-1]).astype(np.int64)
    return _solved(kinetic_energies, [()], fields, (hopping, source, target), (temperature, particles))[0]


def _solved(
    kernel: Kernel,
    cores: Sequence[tuple[int, ...]],
    fields: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    bonds: tuple[np.ndarray, np.ndarray, np.ndarray],
    numbers: tuple[np.ndarray, ...],
) -> tuple[np.ndarray, ...]:
    """Run a kernel on every configuration: those with the same hopping share its matrix and one call.

    ``cores`` are the shapes of its results; ``fields`` make the potential: occupation, interaction, site
    energy, reference; ``bonds`` the hopping: its values, sources and targets; ``numbers`` belong to each
    configuration, T and the number of particles.
    """
    occupation, there = configurations(fields[0])
    phi = potential(occupation, *fields[1:])
    hopping, source, target = bonds
    sites = occupation.shape[-1]
    shape, (phi, _, *parts) = points((phi, hopping, *numbers), (1, 1, *(0 for _ in numbers)))
    out = [np.empty(shape + core) for core in cores]
    hopping = hopping.reshape((1,) * (len(shape) - hopping.ndim + 1) + hopping.shape)
    with single_thread():
        for p in np.ndindex(hopping.shape[:-1]):
            part = tuple(slice(None) if n == 1 else i for i, n in zip(p, hopping.shape, strict=False))
            # a copy where hopping varies along an inner loop, else the result itself
            results = [array[part].reshape(-1, *core) for array, core in zip(out, cores, strict=True)]
            kernel(
                hopping_matrix(hopping[p], source, target, sites),
                np.ascontiguousarray(phi[part]).reshape(-1, sites),
                *(np.ascontiguousarray(number[part]).ravel() for number in parts),
                *results,
            )
            for array, result in zip(out, results, strict=True):
                if not np.may_share_memory(array, result):
                    array[part] = result.reshape(array[part].shape)
    there = np.broadcast_to(there, shape)
    return tuple(
        blanked(array, there.reshape(shape + (1,) * len(core)))
        for array, core in zip(out, cores, strict=True)
    )

"""Thermal one-body averages of given configurations: fermions in K + diag(phi).

Arrays broadcast over their leading dimensions; the core dimensions (site, bond) are last.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from xglass.engine.charge.configurations import blanked, configurations
from xglass.engine.charge.potential import potential
from xglass.engine.core.blas import single_thread
from xglass.engine.core.operations import operation
from xglass.engine.core.points import points

#: What fills matrices and vectors of results from (site, site) K and rows of phi, T and particle numbers.
Kernel = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray], None]


def hopping_matrix(hopping: np.ndarray, source: np.ndarray, target: np.ndarray, sites: int) -> np.ndarray:
    """(site, site) matrix of K; bonds that wrap onto the same pair add up."""
    matrix = np.zeros((sites, sites))
    np.add.at(matrix, (source, target), hopping)
    np.add.at(matrix, (target, source), hopping)
    return matrix


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
    return _averages(kinetic_energies, (), fields, (hopping, source, target), filling, temperature)


@operation("local_density")
def local_density(
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
    """(..., site) thermal densities of configurations (..., site)."""
    from xglass.engine.charge.one_body_kernels import densities

    fields = (occupation, interaction, site_energy, reference)
    sites = occupation.shape[-1:]
    return _averages(densities, sites, fields, (hopping, source, target), filling, temperature)


def _averages(
    kernel: Kernel,
    core: tuple[int, ...],
    fields: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray],
    bonds: tuple[np.ndarray, np.ndarray, np.ndarray],
    filling: np.ndarray,
    temperature: np.ndarray,
) -> np.ndarray:
    """Run a kernel on every configuration: those with the same hopping share its matrix and one call.

    ``fields`` make the potential: occupation, interaction, site energy, reference; ``bonds`` the hopping:
    its values, sources and targets.
    """
    occupation, there = configurations(fields[0])
    phi = potential(occupation, *fields[1:])
    hopping, source, target = bonds
    sites = occupation.shape[-1]
    shape, (phi, _, filling, temperature) = points((phi, hopping, filling, temperature), (1, 1, 0, 0))
    particles = np.rint(filling * sites).astype(np.int64)
    out = np.empty(shape + core)
    hopping = hopping.reshape((1,) * (len(shape) - hopping.ndim + 1) + hopping.shape)
    with single_thread():
        for p in np.ndindex(hopping.shape[:-1]):
            part = tuple(slice(None) if n == 1 else i for i, n in zip(p, hopping.shape, strict=False))
            result = np.empty(out[part].shape).reshape(-1, *core)
            kernel(
                hopping_matrix(hopping[p], source, target, sites),
                np.ascontiguousarray(phi[part]).reshape(-1, sites),
                np.ascontiguousarray(temperature[part]).ravel(),
                np.ascontiguousarray(particles[part]).ravel(),
                result,
            )
            out[part] = result.reshape(out[part].shape)
    return blanked(out, np.broadcast_to(there, shape).reshape(shape + (1,) * len(core)))

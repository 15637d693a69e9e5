"""Potentials, energies and thermal one-body averages of given configurations.

Arrays broadcast over their leading dimensions; the core dimensions (site, bond) are last.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from xglass.engine.charge.configurations import blanked, blocks, configurations
from xglass.engine.core.blas import single_thread
from xglass.engine.core.operations import operation


def hopping_matrix(hopping: np.ndarray, source: np.ndarray, target: np.ndarray, sites: int) -> np.ndarray:
    """(site, site) matrix of K; bonds that wrap onto the same pair add up."""
    matrix = np.zeros((sites, sites))
    np.add.at(matrix, (source, target), hopping)
    np.add.at(matrix, (target, source), hopping)
    return matrix


def _field(deviation: np.ndarray, interaction: np.ndarray) -> np.ndarray:
    """sum_j U_ij dn_j, one configuration at a time:
    in a product of many rows BLAS rounds a row by how many there are.
    """
    with single_thread():
        return (deviation[..., None, :] @ interaction)[..., 0, :]


@operation("electrostatic_potential")
def potential(
    occupation: np.ndarray, interaction: np.ndarray, site_energy: np.ndarray, reference: np.ndarray
) -> np.ndarray:
    """(..., site) phi_i = sum_j U_ij (n_j - reference) + eps_i, the diagonal of U included."""
    occupation, there = configurations(occupation)
    return blanked(
        _field(occupation - np.asarray(reference)[..., None], interaction) + site_energy, there[..., None]
    )


@operation("electrostatic_energy")
def electrostatic_energy(
    occupation: np.ndarray, interaction: np.ndarray, site_energy: np.ndarray, reference: np.ndarray
) -> np.ndarray:
    """(...) E = 1/2 sum_{i != j} U_ij (n_i - reference)(n_j - reference) + sum_i eps_i n_i."""
    fields = ((interaction, 3), (site_energy, 2), (np.asarray(reference), 1))
    if occupation.ndim > 1 and all(
        field.ndim < axis or field.shape[-axis] == 1 for field, axis in fields
    ):  # the same along sweep
        parts = [*blocks(occupation.shape[-2], occupation.size // max(occupation.shape[-2], 1))]
        if len(parts) > 1:
            pieces = (
                electrostatic_energy(occupation[..., part, :], interaction, site_energy, reference)
                for part in parts
            )
            return np.concatenate([*pieces], axis=-1)
    occupation, there = configurations(occupation)
    deviation = occupation - np.asarray(reference)[..., None]
    pairs = _field(deviation, interaction) - deviation * np.einsum("...ii->...i", interaction)
    return blanked(0.5 * (pairs * deviation).sum(axis=-1) + (occupation * site_energy).sum(axis=-1), there)


@operation("kinetic_energy")
def kinetic_energy(*arrays: np.ndarray) -> np.ndarray:
    """(...) thermal <K>; arguments as :func:`_thermal`."""
    from xglass.engine.charge.one_body_kernels import kinetic_energies

    return _thermal(kinetic_energies, (), *arrays)


@operation("local_density")
def local_density(*arrays: np.ndarray) -> np.ndarray:
    """(..., site) thermal densities; arguments as :func:`_thermal`."""
    from xglass.engine.charge.one_body_kernels import densities

    return _thermal(densities, arrays[0].shape[-1:], *arrays)


def _thermal(
    kernel: Callable[..., None],
    core: tuple[int, ...],
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
    """Run a thermal kernel on every configuration: points that share the hopping go together."""
    occupation, there = configurations(occupation)
    phi = potential(occupation, interaction, site_energy, reference)
    sites = occupation.shape[-1]
    shape = np.broadcast_shapes(phi.shape[:-1], hopping.shape[:-1], filling.shape, temperature.shape)
    phi = np.broadcast_to(phi, (*shape, sites))
    temperature = np.broadcast_to(temperature, shape)
    particles = np.rint(np.broadcast_to(filling, shape) * sites).astype(np.int64)
    out = np.empty(shape + core)
    hopping = hopping.reshape((1,) * (len(shape) - hopping.ndim + 1) + hopping.shape)
    with single_thread():
        for p in np.ndindex(hopping.shape[:-1]):
            part: Any = tuple(
                slice(None) if n == 1 else i for i, n in zip(p, hopping.shape[:-1], strict=True)
            )
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

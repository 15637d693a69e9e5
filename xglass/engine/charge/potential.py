"""Potentials and electrostatic energies of given configurations.

Arrays broadcast over their leading dimensions; the core dimensions (site) are last.
"""

from __future__ import annotations

import numpy as np

from xglass.engine.charge.configurations import blanked, blocks, configurations
from xglass.engine.core.blas import single_thread
from xglass.engine.core.operations import operation


def _field(deviation: np.ndarray, interaction: np.ndarray) -> np.ndarray:
    """sum_j U_ij dn_j, one configuration at a time.

    In a product of many rows BLAS rounds a row by how many there are.
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

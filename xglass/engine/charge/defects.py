"""What the neighbours of each site say: how many are occupied, and which stripe they continue.

Everything is counted in whole numbers, so that no bit depends on how configurations are cut into blocks.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from xglass.engine.charge.configurations import blanked, blocks, configurations
from xglass.engine.core.operations import operation


def _joined(source: np.ndarray, target: np.ndarray, weight: np.ndarray, sites: int) -> sparse.csr_array:
    """(site, site) sums of the weights of the bonds that join two sites, in whole numbers."""
    ends = np.concatenate([source, target]), np.concatenate([target, source])
    return sparse.csr_array((np.tile(weight, 2).astype(np.int32), ends), shape=(sites, sites))


def _sums(matrix: sparse.csr_array, rows: np.ndarray) -> np.ndarray:
    """(row, site) sums over the neighbours of each site of what rows (row, site) hold there."""
    return (matrix @ rows.T.astype(np.int32)).T  # type: ignore[no-any-return]


@operation("occupied_neighbours")
def neighbour_counts(occupation: np.ndarray, source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(..., site) number of occupied sites that a bond joins to each site, of configurations (..., site)."""
    occupation, there = configurations(occupation)
    sites = occupation.shape[-1]
    matrix, rows = _joined(source, target, np.ones(source.size), sites), occupation.reshape(-1, sites)
    result = np.empty(rows.shape)
    for part in blocks(len(rows), sites):
        result[part] = _sums(matrix, rows[part])
    return blanked(result.reshape(occupation.shape), there[..., None])


@operation("defect_density")
def share_of_sites(
    occupation: np.ndarray, source: np.ndarray, target: np.ndarray, *, coordination: int
) -> np.ndarray:
    """(...) fraction of the sites that have so many occupied neighbours."""
    occupation, there = configurations(occupation)
    sites = occupation.shape[-1]
    matrix, rows = _joined(source, target, np.ones(source.size), sites), occupation.reshape(-1, sites)
    result = np.empty(len(rows))
    for part in blocks(len(rows), sites):
        result[part] = (_sums(matrix, rows[part]) == coordination).sum(axis=-1) / sites
    return blanked(result.reshape(there.shape), there)


def _agreement(
    rows: np.ndarray, source: np.ndarray, target: np.ndarray, signs: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(row, site, orientation) bonds that continue a stripe less those that do not, and (site) all bonds."""
    spins, sites = 2 * rows.astype(np.int32) - 1, rows.shape[-1]
    fields = [_sums(_joined(source, target, sign, sites), spins) for sign in signs.T]
    return spins[..., None] * np.stack(fields, axis=-1), np.bincount(np.r_[source, target], minlength=sites)


@operation("local_stripe_order")
def continued_stripes(
    occupation: np.ndarray, source: np.ndarray, target: np.ndarray, signs: np.ndarray
) -> np.ndarray:
    """(..., site, orientation) mean of s_i s_j over the bonds of each site, with the sign (bond, orientation)
    that s_i s_j has in the perfect stripe.
    """
    occupation, there = configurations(occupation)
    sites, kinds = occupation.shape[-1], signs.shape[-1]
    rows = occupation.reshape(-1, sites)
    result = np.empty((len(rows), sites, kinds))
    for part in blocks(len(rows), sites * kinds):
        agreement, bonds = _agreement(rows[part], source, target, signs)
        result[part] = agreement / bonds[:, None]
    return blanked(result.reshape(*occupation.shape, kinds), there[..., None, None])


def _of_shell(source: np.ndarray, target: np.ndarray, sites: int, shell: int) -> sparse.csr_array:
    """(site, site) 1 for sites that so many bonds lead to, and no fewer."""
    bonds = _joined(source, target, np.ones(source.size), sites)
    ring = within = sparse.eye_array(sites, dtype=np.int32, format="csr")
    for _ in range(shell):
        ring = (((ring @ bonds) > 0) > (within > 0)).astype(np.int32)
        within = within + ring
    return ring


@operation("stripe_crossings")
def orientations(
    occupation: np.ndarray, source: np.ndarray, target: np.ndarray, signs: np.ndarray, *, shell: int
) -> np.ndarray:
    """(..., site) number of orientations that sites at a distance of so many bonds belong to.

    A site belongs to an orientation if more than three quarters of its bonds continue that stripe, and fewer
    every other one.
    """
    occupation, there = configurations(occupation)
    sites, kinds = occupation.shape[-1], signs.shape[-1]
    rows, ring = occupation.reshape(-1, sites), _of_shell(source, target, sites, shell)
    result = np.zeros(rows.shape)
    for part in blocks(len(rows), sites * kinds):
        agreement, bonds = _agreement(rows[part], source, target, signs)
        best = agreement.max(axis=-1, keepdims=True)
        leading = (agreement == best) & (2 * best > bonds[:, None])
        leading &= leading.sum(axis=-1, keepdims=True) == 1
        for kind in range(kinds):
            result[part] += _sums(ring, leading[..., kind]) > 0
    return blanked(result.reshape(occupation.shape), there[..., None])

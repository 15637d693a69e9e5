"""Quenches to states that no single move lowers: kernel."""

from __future__ import annotations

from xglass.engine.charge.metropolis_kernels import NEIGHBOUR, hop, pair, potential_of
from xglass.engine.core.jit import inline, kernel


@inline
def gain_of_pair(n, phi, coupling, i, j):
    """Change of the energy by a move of a particle between two sites, whichever holds it; whole numbers."""
    if n[j]:
        i, j = j, i
    return phi[j] - phi[i] - pair(coupling, i, j)


@kernel
def best_partner(n, phi, coupling, i, neighbours, degree, moves):
    """The site with which site i exchanges at the lowest energy, and the change of it; -1 without one."""
    best, partner = 0, -1
    if moves == NEIGHBOUR:
        for k in range(degree[i]):
            j = neighbours[i, k]
            if n[i] != n[j]:
                change = gain_of_pair(n, phi, coupling, i, j)
                if partner < 0 or change < best:
                    best, partner = change, j
    else:
        for j in range(n.size):
            if n[i] != n[j]:
                change = gain_of_pair(n, phi, coupling, i, j)
                if partner < 0 or change < best:
                    best, partner = change, j
    return partner, best


@kernel
def descend(coupling, base, neighbours, degree, moves, state, twice):
    """Lower each configuration by the best move of one site after another until none lowers it.

    A site is asked for its best partner and moves if that lowers the energy; when all sites have been asked
    since the last move, no move lowers. Energies are whole numbers and fall with every move, so that it ends.

    Parameters
    ----------
    coupling, base : tuple, (site,) int64
        As from :func:`xglass.engine.charge.metropolis.pieces`.
    neighbours, degree : (site, largest degree) and (site,) int64
        Table of neighbours.
    moves : int
        Number of the rule.
    state : (walker, site) int8
        Configurations; changed in place.
    twice : (walker,) int64
        Output: twice their energies.
    """
    phi = base.copy()
    for w in range(state.shape[0]):
        n = state[w]
        _, twice[w] = potential_of(n, coupling, base, phi)
        asked, i = 0, 0
        while asked < n.size:
            j, change = best_partner(n, phi, coupling, i, neighbours, degree, moves)
            if j >= 0 and change < 0:
                start, end = (i, j) if n[i] else (j, i)
                hop(phi, coupling, start, end)
                n[start], n[end] = 0, 1
                twice[w] += 2 * change
                asked = 0
            else:
                asked += 1
                i = (i + 1) % n.size

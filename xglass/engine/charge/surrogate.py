"""What an estimate of a change of <K> needs: sites near the move, and room for the response of the state."""

from __future__ import annotations

import numpy as np

#: Sites whose change is solved and not expanded.
CLUSTER = 32

#: No change of <K> is taken to exceed this many of the largest |t_ij|; the largest met is 4.4.
WIDEST = 6.5


def graph_distance(neighbours: np.ndarray, degree: np.ndarray) -> np.ndarray:
    """Count the bonds (site, site) of the shortest way; as many as there are sites where there is none."""
    sites = len(degree)
    linked = np.zeros((sites, sites), dtype=bool)
    for i in range(sites):
        linked[i, neighbours[i, : degree[i]]] = True
    distance = np.where(np.eye(sites, dtype=bool), 0, sites)
    front, steps = np.eye(sites, dtype=bool), 0
    while front.any():
        steps += 1
        front = (front.astype(np.float32) @ linked > 0.0) & (distance == sites)
        distance[front] = steps
    return distance.astype(np.int64)


def response_room(neighbours: np.ndarray, degree: np.ndarray, *, wanted: bool) -> tuple[np.ndarray, ...]:
    """Return what :func:`estimated_change` works in; of no size where no estimate is wanted.

    Distances, (4, site) potential, dK/dphi, dN/dphi and levels, (site, state) vectors, (5,) mu, dN/dmu,
    dK/dmu and whether vectors and response are those of the state, and (2, cluster, cluster) matrices. The
    vectors are in single precision, which halves the time that the response takes.
    """
    sites = len(degree) if wanted else 0
    size = min(CLUSTER, sites)
    return (
        graph_distance(neighbours[:sites], degree[:sites]),
        np.zeros((4, sites)),
        np.zeros((sites, sites), dtype=np.float32),
        np.zeros(5),
        np.zeros((2, size, size)),
    )

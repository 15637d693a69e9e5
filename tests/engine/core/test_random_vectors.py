"""Random vectors of traces: their entries, and the streams from which they come."""

import numpy as np

from xglass.engine.core.random_vectors import random_vector, stream


def test_random_vectors():
    """Entries of modulus 1, the same in both precisions, all four phases equally often,
    uncorrelated between streams.
    """
    n = 2**16
    vectors = [
        random_vector(7, stream(v, 0, np.array([label])), n, np.dtype(complex))
        for v in (0, 1)
        for label in (0.1, 0.2)
    ]
    for v in vectors:
        assert (abs(v) == 1.0).all()
        counts = np.array([(v == phase).sum() for phase in (1, 1j, -1, -1j)])
        assert (
            (counts - n / 4) ** 2 / (n / 4)
        ).sum() < 24.0  # chi^2 of 3 degrees of freedom: 3e-5, four times
    overlaps = [abs(np.vdot(a, b)) ** 2 / n for k, a in enumerate(vectors) for b in vectors[:k]]
    assert max(overlaps) < 12.0  # exponential of mean 1: 6e-6 each
    again = random_vector(7, stream(0, 0, np.array([0.1])), 1000, np.dtype(np.complex64))
    assert (again == vectors[0][:1000]).all()
    signs = random_vector(7, stream(0, 0, np.array([0.1])), n, np.dtype(np.float32))
    assert set(np.unique(signs)) == {-1.0, 1.0}
    assert abs(signs.sum()) < 4.5 * np.sqrt(n)


def test_streams_are_what_they_were():
    """Other numbers are another rule: they need a new VECTOR_RULE_VERSION and a line in the changelog."""
    number = stream(2, 5, np.array([8.0, 1.0, 0.1]))
    assert int(number) == 3740429627829941675
    powers = [2, 0, 0, 1, 2, 0, 2, 1]
    assert random_vector(3, number, 8, np.dtype(complex)).tolist() == [1j**n for n in powers]

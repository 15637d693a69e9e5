"""The basis against kernels that are written out, and what it takes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xglass.engine.cavity.matsubara import Basis, basis_of

#: Everywhere, and far beyond the frequencies of the basis.
NUMBERS = np.r_[0:40, 100, 1000, 100_000]
TIMES = np.linspace(0.0, 1.0, 101)


def oscillators(energies, weights):
    """F at frequencies and at times, of a few energies in T, by the formulas of a text book."""

    def of_frequency(m):
        frequency = 2 * np.pi * np.asarray(m, dtype=float)[:, None]
        return (2 * energies * np.tanh(energies / 2) / (energies**2 + frequency**2)) @ weights

    def of_time(u):
        u = np.asarray(u)[:, None]
        return (np.cosh(energies * (0.5 - u)) / np.cosh(energies / 2)) @ weights

    return of_frequency, of_time


@pytest.mark.parametrize("eps", [1e-9, 1e-13])
@given(
    cutoff=st.floats(1.0, 600.0),
    parts=st.lists(st.tuples(st.floats(1e-6, 1.0), st.floats(-1.0, 1.0)), min_size=1, max_size=8),
)
@settings(max_examples=30, deadline=None)
def test_all_values_follow_from_those_of_the_basis(eps, cutoff, parts):
    cutoff = float(f"{cutoff:.3g}")
    basis = basis_of(cutoff, eps)
    share, weights = np.array(parts).T
    of_frequency, of_time = oscillators(cutoff * share, weights)
    # an interpolation of positive and negative weights, whose sum may be small: relative to their size
    allowed = (3.0 * eps + 3e-13) * abs(weights).sum()
    known = of_frequency(basis.frequencies)
    np.testing.assert_allclose(
        basis.from_frequencies(NUMBERS) @ known, of_frequency(NUMBERS), rtol=0, atol=allowed
    )
    np.testing.assert_allclose(
        basis.from_times(NUMBERS) @ of_time(basis.times), of_frequency(NUMBERS), rtol=0, atol=allowed
    )
    # sums of frequencies: what rounds off is amplified by the number of those that matter
    np.testing.assert_allclose(
        basis.to_times(TIMES) @ known, of_time(TIMES), rtol=0, atol=allowed * (1.0 + cutoff)
    )
    assert basis.total @ known == pytest.approx(weights.sum(), abs=allowed * (1.0 + cutoff))


def test_constant_in_time_is_there_at_frequency_zero_alone():
    basis = Basis(50.0, 1e-12)
    found = basis.from_times(NUMBERS) @ np.ones(basis.rank)
    np.testing.assert_allclose(found, NUMBERS == 0, rtol=0, atol=1e-12)
    assert basis.total @ (basis.frequencies == 0) == pytest.approx(1.0, abs=1e-11)


def test_what_it_takes():
    """18 times and frequencies at a band of 240 T for nine digits; few more for a lower temperature."""
    most = {(240.0, 1e-9): 18, (240.0, 1e-13): 24, (480.0, 1e-9): 21, (2400.0, 1e-9): 28}
    for (cutoff, eps), rank in most.items():
        assert Basis(cutoff, eps).rank <= rank
    basis = Basis(240.0, 1e-9)
    assert basis.energies.shape == basis.times.shape == basis.frequencies.shape == (basis.rank,)
    assert basis.frequencies[0] == 0
    for nodes in (basis.energies, basis.times, basis.frequencies):
        assert (np.diff(nodes) > 0).all()
    assert basis.times[-1] <= 0.5


def test_more_digits_cost_no_stability():
    """No weight of an interpolation is large, so that rounding of values is not amplified."""
    for cutoff in (3.0, 240.0, 2400.0):
        basis = Basis(cutoff, 1e-13)
        assert abs(basis.from_frequencies(NUMBERS)).sum(axis=1).max() < 50.0
        assert abs(basis.from_times(NUMBERS)).sum(axis=1).max() < 50.0

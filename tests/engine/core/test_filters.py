"""Sticks under a filter: the comb and its Fourier transform against sums written out."""

import numpy as np
import pytest

from xglass.engine.core import filters
from xglass.units.quantities import canonical

UNIFORM = np.linspace(0.0, 1.5, 301)
GRIDS = {
    "uniform": UNIFORM,
    "rounded to twelve digits": canonical(np.linspace(0.0, 1.7, 271)),
    "from a positive frequency": np.linspace(0.7, 0.9, 101),
    "not uniform": np.r_[0.0, np.geomspace(1e-3, 2.0, 90)],
    "a single frequency": np.array([0.3]),
}
SHAPES = {
    "lorentzian": lambda x, w: w / np.pi / (x**2 + w**2),
    "gaussian": lambda x, w: np.exp(-0.5 * (x / w) ** 2) / (np.sqrt(2.0 * np.pi) * w),
}


def sticks(number: int, curves: int = 2, seed: int = 5) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    places = np.r_[0.0, 2.9, 3.1 * rng.random(number - 2)]  # at the origin, and beyond the frequencies
    return places, rng.normal(size=(curves, number))


def written_out(places, weights, frequency, width, kind, even):
    sides = (places, -places) if even else (places,)
    return sum(weights @ SHAPES[kind](frequency - side[:, None], width) for side in sides)


@pytest.mark.parametrize("even", [True, False])
@pytest.mark.parametrize("width", [0.3, 0.024, 0.004])
@pytest.mark.parametrize("kind", SHAPES)
@pytest.mark.parametrize("grid", GRIDS)
def test_spectra_are_sums_of_filters(grid, kind, width, even):
    places, weights = sticks(2500)
    found = filters.spectrum(places, weights, GRIDS[grid], width, kind, even=even)
    wanted = written_out(places, weights, GRIDS[grid], width, kind, even)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-11 * np.abs(wanted).max())


@pytest.mark.parametrize("kind", SHAPES)
def test_both_ways_agree(kind, monkeypatch):
    places, weights = sticks(300)
    found = []
    for price in (0.0, np.inf):
        monkeypatch.setattr(filters, "TRANSFORMED", price)
        monkeypatch.setattr(filters, "SHARED", 0.0)
        assert (filters._comb(places, UNIFORM, 0.02, kind, True) is None) == (price > 0.0)
        found.append(filters.spectrum(places, weights, UNIFORM, 0.02, kind, even=True))
    np.testing.assert_allclose(*found, rtol=0, atol=1e-11 * np.abs(found[1]).max())


def test_sticks_of_many_configurations_are_summed_one_by_one():
    """What a configuration has does not depend on those before it, whose transform of the filter is kept."""
    alone = filters.spectrum(*sticks(2000), UNIFORM, 0.02, "lorentzian", even=True)
    for seed in range(20):
        filters.spectrum(*sticks(2000, seed=seed), UNIFORM, 0.02 + 1e-3 * seed, "gaussian", even=True)
    np.testing.assert_array_equal(
        alone, filters.spectrum(*sticks(2000), UNIFORM, 0.02, "lorentzian", even=True)
    )


def test_nothing_gives_nothing():
    empty = filters.spectrum(np.empty(0), np.empty((2, 0)), UNIFORM, 0.1, "lorentzian", even=True)
    np.testing.assert_array_equal(empty, np.zeros((2, UNIFORM.size)))


def test_bins_hold_what_lies_within_half_a_step():
    places, weights = np.array([0.0, 0.049, 0.051, 0.149, 0.96]), np.array([[1.0, 2.0, 4.0, 8.0, 16.0]])
    found = filters.binned(places, weights, 10, 0.1)
    np.testing.assert_allclose(found, [[30.0, 120.0, 0, 0, 0, 0, 0, 0, 0, 0]])  # the last lies beyond

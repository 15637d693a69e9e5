"""Transforms on irreducible wave vectors against those of all."""

import numpy as np
import pytest

from xglass.engine.cavity import grids
from xglass.engine.cavity.bubble import band, basis_for, chi0_of, fermi_function, fermi_level
from xglass.engine.cavity.grids import CubicGrid, InversionGrid

GRIDS = {
    **{
        f"cubic {d}, {L}": CubicGrid(d, L)
        for d, L in [(1, 2), (1, 8), (2, 2), (2, 10), (3, 2), (3, 4), (3, 14)]
    },
    **{
        f"inversion {cells}": InversionGrid(cells)
        for cells in [(5,), (8,), (3, 4), (6, 5), (4, 2, 3), (3, 3, 6)]
    },
}


@pytest.mark.parametrize("name", GRIDS)
def test_transform_is_that_of_all_wave_vectors(name):
    grid = GRIDS[name]
    values = np.random.default_rng(3).normal(size=(3, grid.weight.size))
    full = values[:, grid.index()]
    assert full.shape == (3, *grid.shape)
    if isinstance(grid, InversionGrid):  # even on the planes that inversion maps on themselves
        axes = range(1, full.ndim)
        full = full + np.roll(np.flip(full, axes), 1, axes)
        where = np.unravel_index(np.unique(grid.index(), return_index=True)[1], grid.shape)
        values = full[(slice(None), *where)]
    expected = np.fft.fftn(full, axes=range(1, full.ndim))
    np.testing.assert_allclose(expected.imag, 0.0, atol=1e-10)
    found = grid.transform(values)
    np.testing.assert_allclose(found[:, grid.index()], expected.real, rtol=0, atol=1e-11 * grid.size)
    np.testing.assert_allclose(grid.transform(found), grid.size * values, rtol=0, atol=1e-11 * grid.size)


@pytest.mark.parametrize("name", GRIDS)
def test_weights_count_wave_vectors(name):
    grid = GRIDS[name]
    counts = np.bincount(grid.index().ravel(), minlength=grid.weight.size)
    np.testing.assert_allclose(grid.weight * grid.size, counts, rtol=1e-14)
    assert grid.index().ravel()[0] == 0
    assert (grid.index() == 0).sum() == 1


def test_number_of_irreducible_wave_vectors():
    assert CubicGrid(3, 128).weight.size == 47905
    assert InversionGrid((4, 6, 8)).weight.size == 4 * 6 * 5


def test_fast_transforms_beyond_the_side_of_products(monkeypatch):
    one = GRIDS["cubic 3, 14"]
    values = np.random.default_rng(4).normal(size=(2, one.weight.size))
    monkeypatch.setattr(grids, "PRODUCTS", 12)
    other = CubicGrid(3, 14)
    assert other._products is None
    np.testing.assert_allclose(other.transform(values), one.transform(values), rtol=0, atol=1e-9)


@pytest.mark.parametrize(
    ("filling", "T"), [(0.3, 0.1), (1e-6, 0.02), (1 - 1e-9, 0.5), (0.5, 1e-3), (0.5, 100.0)]
)
def test_chemical_potential_is_that_of_the_grid(filling, T):
    one = band(-np.ones(3), np.eye(3, dtype=int), (16,) * 3)
    mu = fermi_level(one, filling, T)
    f = fermi_function((one.energy - mu) / T)
    # a last bit of mu is worth dn/dmu of it
    slope = (f * (1 - f)) @ one.grid.weight / T
    assert abs(f @ one.grid.weight - filling) < 1e-15 + 4e-15 * slope * (abs(mu) + T)


def test_rounding_in_filling_moves_mu_alone():
    """Particle-hole symmetry of the band: mu(1 - n) = -mu(n)."""
    one = band(-np.ones(2), np.eye(2, dtype=int), (12, 12))
    for n in (0.1, 0.25, 0.45):
        up, down = (fermi_level(one, filling, 0.3) for filling in (n, 1 - n))
        assert up == pytest.approx(-down, abs=1e-13)


def test_no_width_no_response():
    """A band without hopping: chi0 is n (1 - n) / T at frequency 0, and nothing at any other."""
    flat = band(np.zeros(2), np.eye(2, dtype=int), (4, 4))
    chi = chi0_of(flat, 0.3, 0.2, np.array([0, 1, 5]), basis_for(flat, 0.2, 1e-13))
    np.testing.assert_allclose(chi[0], 0.21 / 0.2, rtol=1e-12)
    np.testing.assert_allclose(chi[1:], 0.0, atol=1e-13)


def test_fast_path_is_taken_where_it_may():
    bonds = np.eye(3, dtype=int)
    assert isinstance(band(-np.ones(3), -bonds[::-1], (4, 4, 4)).grid, CubicGrid)
    for hopping, offsets, cells in [
        (np.array([1.0, 1.0, 0.9]), bonds, (4, 4, 4)),
        (np.ones(3), bonds, (4, 4, 6)),
        (np.ones(3), bonds, (5, 5, 5)),
        (np.ones(3), 2 * bonds, (8, 8, 8)),
        (np.ones(4), np.array([*bonds, [1, 1, 1]]), (4, 4, 4)),
    ]:
        assert isinstance(band(hopping, offsets, cells).grid, InversionGrid)

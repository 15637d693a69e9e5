"""What is known of quantum particles in frozen charges, free bands and random potentials."""

import numpy as np
import pytest
import xarray as xr

import xglass as xg
from xglass.engine.charge import states
from xglass.lattice.waves import wave_vectors


def stripes(t_p, eta=-1.0, side=4):
    glass = xg.charge_glass(xg.lattice.triangular(side), t_p=t_p, eta=eta, self_image="include")
    return xg.metropolis(
        glass, T=0.01, walker=1, sweep=1, start="ordered", weight="classical", seed=1, chunks=None
    )


@pytest.mark.parametrize("side", [4, 6])
def test_density_that_leaks_from_stripes(side):
    """delta -> 4 t_p^2 / gap^2: a charge has four empty neighbours, one gap above it. eta does not enter."""
    deviations = []
    for t_p in (0.04, 0.02, 0.01):
        run = stripes(t_p, side=side).isel(walker=0, sweep=0)
        phi, density = xg.electrostatic_potential(run), xg.local_density(run)
        gap = float(phi.max() - phi.min())
        assert gap == pytest.approx(1.404474, abs=1e-6)
        delta = 1.0 - density.values[run["occupation"].values == 1]
        np.testing.assert_allclose(density.values[run["occupation"].values == 0], delta, rtol=0, atol=1e-12)
        deviations.append(np.abs(delta / (4 * t_p**2 / gap**2) - 1.0).max())
    assert deviations[-1] < 2e-3
    ratios = np.array(deviations[:-1]) / np.array(deviations[1:])
    np.testing.assert_allclose(ratios, 4.0, rtol=0.05)  # the next order is t_p^2 smaller


def test_particle_hole_map():
    """n -> 1 - n with eta -> -eta mirrors densities and spectra and keeps <K>."""
    rng = np.random.default_rng(8)
    occupied = np.array([rng.permutation(16) < 8 for _ in range(5)]).astype(np.int8)
    results = []
    for eta, n in ((-0.6, occupied), (0.6, 1 - occupied)):
        glass = xg.charge_glass(xg.lattice.triangular(4), t_p=0.15, eta=eta)
        run = glass.assign(occupation=(("walker", "site"), n)).assign_coords(T=0.2)
        solved = xg.diagonalize(run)
        grid = {"energy": np.linspace(-2.0, 2.0, 41), "broadening": 0.1}
        density = xg.local_density(solved)
        P = xg.ops.histogram(density, bins=51, range=(0, 1), dim=["walker", "site"])
        r = xg.gap_ratio(solved, window=(-0.7, 0.7))
        N, ipr = xg.density_of_states(solved, **grid), xg.inverse_participation_ratio(solved)
        results.append([x.values for x in (density, P, N, ipr, xg.kinetic_energy(run), r)])
    one, other = results
    np.testing.assert_allclose(one[0], 1.0 - other[0], rtol=0, atol=1e-12)
    np.testing.assert_array_equal(one[1], other[1][::-1])
    for a, b in zip(one[2:4], other[2:4], strict=True):
        np.testing.assert_allclose(a, b[:, ::-1], rtol=0, atol=1e-11)
    for a, b in zip(one[4:], other[4:], strict=True):
        np.testing.assert_allclose(a, b, rtol=0, atol=1e-11)


def test_a_free_band_is_its_dispersion():
    """2 t_c cos k1 + 2 t_p (cos k2 + cos (k2 - k1)), and one line at every momentum of the torus."""
    lattice = xg.lattice.triangular(6)
    t_p, eta, width = 0.2, -0.5, 0.02
    model = xg.charge_glass(lattice, t_p=t_p, eta=eta, interaction=None)
    solved = xg.diagonalize(model, T=0.1)
    k = wave_vectors(lattice)
    one, two = k @ [1.0, 0.0], k @ [0.5, np.sqrt(0.75)]
    band = 2 * eta * t_p * np.cos(one) + 2 * t_p * (np.cos(two) + np.cos(two - one))
    np.testing.assert_allclose(solved["eigenvalue"], np.sort(band), rtol=0, atol=1e-13)
    mu = float(solved["chemical_potential"])
    assert (1 / (1 + np.exp((band - mu) / 0.1))).sum() == pytest.approx(18.0, rel=1e-12)
    momentum = xr.DataArray(k, dims=("momentum", "axis"))
    energy = np.linspace(-1.5, 1.5, 151)
    A = xg.spectral_function(solved, momentum=momentum, energy=energy, broadening=width)
    lines = np.exp(-0.5 * ((energy - (band[:, None] - mu)) / width) ** 2) / (np.sqrt(2 * np.pi) * width)
    np.testing.assert_allclose(A, lines, rtol=0, atol=1e-10)
    np.testing.assert_allclose(xg.local_density(solved), 0.5, rtol=0, atol=1e-12)


def test_levels_repel_or_do_not():
    """Random real matrices .5307 (Atas et al.), independent levels 2 ln 2 - 1; 5 standard errors, about .25
    for one ratio."""
    rng = np.random.default_rng(4)
    a = rng.normal(size=(60, 80, 80))
    levels = np.linalg.eigvalsh(a + np.swapaxes(a, 1, 2))
    low, high = np.full(60, -8.0), np.full(60, 8.0)
    found = states.gap_ratio(levels, low, high).mean()
    number = ((levels > -8.0) & (levels < 8.0)).sum()
    assert abs(found - 0.5307) < 5 * 0.25 / np.sqrt(number) < 0.05
    localized = xg.charge_glass(
        xg.lattice.chain(100),
        hopping={"x": -1.0},
        interaction=None,
        site_energy=xg.random_site_energy(
            xg.lattice.chain(100), strength=100.0, convention="width", realization=40, seed=2
        ),
    )
    ratio = float(xg.gap_ratio(localized).mean())
    assert (
        abs(ratio - (2 * np.log(2) - 1)) < 5 * 0.28 / np.sqrt(40 * 98) + 0.01 < 0.04
    )  # hopping repels a little
    assert float(xg.inverse_participation_ratio(localized).mean()) > 0.9

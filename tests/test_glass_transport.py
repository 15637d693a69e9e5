"""Conductivities of a charge glass, from labelled array to resistivity: units, relaxation, ramps, peaks."""

import warnings

import numpy as np
import pytest
import xarray as xr
from scipy import constants as si

import xglass as xg

G0 = si.e**2 / si.hbar  # siemens
SCALE = "0.35 eV"


def named(values, frequency, unit="e^2/hbar", **coords):
    """A conductivity over frequency in Vc."""
    return xr.DataArray(
        values,
        dims="frequency",
        coords={"frequency": ("frequency", frequency, {"units": "Vc"})} | coords,
        name="optical_conductivity",
        attrs={"units": unit},
    )


# sticks, their bins, and what a Lorentzian makes of them

RATE, TEMPERATURE = 0.1, 0.2


def relaxed(w, places, weights, symmetrised):
    """Lorentzians about sticks of either sign: independent of any grid."""

    def factor(x):
        return np.where(x == 0.0, 2.0 * TEMPERATURE, x / np.tanh(x / (2 * TEMPERATURE) + (x == 0.0)))

    sigma = np.zeros_like(w)
    for sign in (1.0, -1.0):
        lines = RATE / np.pi / ((w[:, None] - sign * places) ** 2 + RATE**2)
        sigma += lines @ (weights * (factor(places) if symmetrised else 1.0))
    return sigma / factor(w) if symmetrised else sigma


def binned(places, weights, step, end=6.0):
    """The weight of sticks at positive frequencies per bin, over the width of the bin."""
    w = step * np.arange(round(end / step) + 1)
    inside = np.bincount(np.rint(places / step).astype(int), weights, w.size) / step
    inside[0] *= 2.0  # half of the first bin lies at negative frequencies
    return named(inside, w, T=TEMPERATURE)


def worst(places, weights, step, correlation):
    rta = xg.relaxation_time_approximation(
        binned(places, weights, step), rate=RATE, correlation=correlation
    ).sel(frequency=slice(0, 2))
    exact = relaxed(rta["frequency"].values, places, weights, correlation == "symmetrised")
    return float(abs(rta - exact).max() / exact.max())


@pytest.mark.parametrize("correlation", ["conductivity", "symmetrised"])
def test_a_rate_on_bins_is_a_broadening_of_sticks_to_second_order(correlation):
    """Sticks in the middle of their bins, and a band of very many anywhere; few elsewhere, to first order."""
    middle = (np.array([0.24, 0.8, 1.28]), np.array([1.0, 0.5, 2.0]))
    places = np.linspace(0.1, 1.4, 400001)
    band = (places, (places - 0.1) * (1.4 - places) / places.size)
    for sticks in (middle, band):
        wide, narrow = (worst(*sticks, step, correlation) for step in (0.04, 0.02))
        assert 3.5 < wide / narrow < 4.5
        assert narrow < 0.25 * (0.02 / RATE) ** 2
    slope = 3.0**1.5 / 8.0 / RATE  # the largest of a Lorentzian of height 1
    few = (np.array([0.25, 0.83, 1.31]), np.array([1.0, 0.5, 2.0]))
    assert 1e-3 < worst(*few, 0.02, correlation) < 2.0 * slope * 0.01


def run(**options):
    glass = xg.charge_glass(
        xg.lattice.triangular(4), t_p=[0.06, 0.12], eta=-1.0, self_image="include", scale=SCALE
    )
    fixed = {"T": [0.05, 0.1], "walker": 3, "sweep": 4, "weight": "classical", "seed": 3, "chunks": None}
    return xg.metropolis(glass, **fixed | options)


W = np.linspace(0.0, 3.0, 601)


def test_a_rate_may_follow_the_hopping_or_be_swept():
    charges = run()
    bins = xg.optical_conductivity(charges, frequency=W, broadening=None).mean(["walker", "sweep"])
    assert bins.attrs["filter"] == "bins"
    follows = xg.relaxation_time_approximation(bins, rate=0.2 * charges["t_p"])
    assert {*follows.dims} == {"t_p", "T", "frequency"}
    swept = xg.relaxation_time_approximation(bins, rate=[0.012, 0.024])
    assert swept.sizes["rate"] == 2
    for t_p, rate in ((0.06, 0.012), (0.12, 0.024)):
        np.testing.assert_allclose(
            follows.sel(t_p=t_p), swept.sel(t_p=t_p, rate=rate).transpose("T", ...), rtol=1e-9
        )


RAMP = xr.DataArray([2.0, 1.75, 1.5, 1.25, 1.0], dims="sweep", coords={"sweep": np.arange(5)})


def test_thermal_factors_are_those_of_the_temperature_of_a_ramp():
    """T of a ramped run is where the ramp ends, or what it is relative to: never that of a sweep."""
    bins = xg.optical_conductivity(run(ramp=RAMP), frequency=W, broadening=None)
    options = {"rate": 0.024, "correlation": "symmetrised"}
    together = xg.relaxation_time_approximation(bins, **options)
    for k, ramp in enumerate(RAMP.values):
        bare = bins.isel(sweep=k, T=1).drop_vars(["T", "temperature"])
        alone = xg.relaxation_time_approximation(bare, T=0.1 * ramp, **options)
        np.testing.assert_allclose(together.isel(sweep=k, T=1), alone, rtol=1e-12)
    one = bins.isel(sweep=0, T=1)
    with pytest.raises(ValueError, match=r"temperature of each sweep of a ramp.*drop_vars\('temperature'\)"):
        xg.relaxation_time_approximation(one, T=0.1, **options)
    with pytest.raises(ValueError, match="sigma has no coordinate 'T'"):
        xg.relaxation_time_approximation(one.drop_vars(["T", "temperature"]), **options)


def test_the_clean_band_has_the_temperature_of_a_ramp():
    options = {"frequency": [0.0, 0.1], "rate": 0.024, "momenta": 32}
    ramped = xg.boltzmann_conductivity(run(ramp=RAMP), **options)
    assert "temperature" in ramped.coords
    alone = xg.boltzmann_conductivity(run().isel(T=0), T=0.1 * RAMP.values, **options)
    np.testing.assert_allclose(
        ramped.isel(T=1).transpose("sweep", ...), alone.transpose("T", ...), rtol=1e-12
    )


# units


def test_ten_lines_from_a_run_to_microohm_cm_against_kelvin():
    charges = run()
    sigma = xg.optical_conductivity(charges, frequency=W, broadening=0.2 * charges["t_p"])
    rho = xg.jackknife(lambda s: xg.resistivity(s.mean(["walker", "sweep"])), sigma, dim="walker", blocks=3)
    assert rho["resistivity"].attrs["units"] == "hbar/e^2"
    mean = sigma.mean(["walker", "sweep"]).sel(frequency=0.0)
    np.testing.assert_allclose(rho["resistivity"], 1.0 / mean, rtol=1e-12)
    # jackknife by hand, through the inverse
    left = [1.0 / sigma.isel(frequency=0).drop_sel(walker=k).mean(["walker", "sweep"]) for k in range(3)]
    error = np.sqrt(2.0 * np.var([x.values for x in left], axis=0))
    np.testing.assert_allclose(rho["resistivity_stderr"], error, rtol=1e-9)
    physical = xg.units.to_physical(rho, layer="10 angstrom")
    for name in ("resistivity", "resistivity_stderr"):
        assert physical[name].attrs["units"] == "microohm cm"
        np.testing.assert_allclose(physical[name], rho[name] / G0 * 1e-9 * 1e8, rtol=1e-9)
    assert physical["T"].attrs["units"] == "K"
    np.testing.assert_allclose(physical["T"], charges["T"] * 0.35 * si.e / si.k, rtol=1e-9)
    with pytest.raises(ValueError, match="is in Vc; pass scale="):
        xg.units.to_physical(rho.drop_vars("scale"), layer="10 angstrom")


PER_SECOND = 0.35 * si.e / si.hbar * 1e-15  # Vc/hbar in 1/fs
A = 5e-10

GEOMETRIES = {
    "chain": ("e^2 a/hbar", {}, ("hbar/(e^2 a)", "ohm/nm", 1 / G0 / A * 1e-9), ("S nm/fs", G0 * A * 1e9)),
    "layer": (
        "e^2/hbar",
        {"layer": "10 angstrom"},
        ("hbar/e^2", "microohm cm", 1e-9 / G0 * 1e8),
        ("S/(cm fs)", G0 / 1e-9 * 1e-2),
    ),
    "crystal": (
        "e^2/(hbar a)",
        {},
        ("hbar a/e^2", "microohm cm", A / G0 * 1e8),
        ("S/(cm fs)", G0 / A * 1e-2),
    ),
}


@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_units_of_chain_layer_and_crystal(geometry):
    unit, options, (inverse, ohm, of_rho), (weight_unit, of_weight) = GEOMETRIES[geometry]
    w = np.linspace(0.0, 1.0, 11)
    sigma = named(np.full(11, 0.5), w, unit, T=0.1, scale=350.0)
    sigma["T"].attrs["units"], sigma["scale"].attrs["units"] = "Vc", "meV"
    rho, weight = xg.resistivity(sigma), xg.spectral_weight(sigma)
    assert (rho.attrs["units"], float(rho)) == (inverse, 2.0)
    assert xg.dc_conductivity(sigma).attrs["units"] == unit
    assert xg.peak_frequency(sigma).attrs["units"] == "Vc"
    there = xg.units.to_physical(rho, spacing="0.5 nm", **options)
    assert there.attrs["units"] == ohm
    np.testing.assert_allclose(there, 2.0 * of_rho, rtol=1e-9)
    there = xg.units.to_physical(weight, spacing="0.5 nm", **options)
    assert there.attrs["units"] == weight_unit
    np.testing.assert_allclose(there, 0.5 * of_weight * PER_SECOND, rtol=1e-9)


def test_the_resistivity_of_trajectories_warns_and_is_larger():
    charges = run()
    sigma = xg.optical_conductivity(charges, frequency=[0.0], broadening=0.024)
    with pytest.warns(UserWarning, match=r"resistivity: sigma still has \['walker', 'sweep'\]"):
        single = xg.resistivity(sigma).mean(["walker", "sweep"])
    assert (single > xg.resistivity(sigma.mean(["walker", "sweep"]))).all()


# grids that are coarser than a Lorentzian


def line(w, place, width=0.1):
    sigma = named(width / np.pi / ((w - place) ** 2 + width**2), w, broadening=width)
    return sigma.assign_attrs(filter="lorentzian")


@pytest.mark.parametrize("ratio", [1.0, 2.0, 5.0])
def test_a_lorentzian_counts_wrong_by_what_is_said(ratio):
    """At a point of the grid, where it is worst: all terms of Poisson's sum."""
    h = 0.1 * ratio
    w = h * np.arange(200001)
    said = 2.0 / np.expm1(2.0 * np.pi / ratio)
    with pytest.warns(UserWarning, match=f"{ratio:g} broadenings apart.*up to {100 * said:.2g} %"):
        weight = float(xg.spectral_weight(line(w, w[100000])))
    assert weight - 1.0 == pytest.approx(said, rel=1e-3, abs=2e-5)


@pytest.mark.parametrize("ratio", [0.9, 1.2, 2.0, 4.0, 8.0])
def test_the_peak_of_a_lorentzian_is_found_as_well_as_is_said(ratio):
    h = 0.1 * ratio
    w = h * np.arange(12)
    offsets = np.linspace(-0.495, 0.495, 100)
    sigma = xr.concat([line(w, h * (6 + s)) for s in offsets], "offset").assign_attrs(filter="lorentzian")
    with pytest.warns(UserWarning, match="peak_frequency: .* broadenings apart") as caught:
        found = xg.peak_frequency(sigma).values
    said = float(str(caught[0].message).split("found to ")[1].split()[0])
    error = np.abs(found / h - 6 - offsets).max()
    assert 0.85 * said < error < 1.02 * said  # two digits are printed


def test_a_fine_grid_of_a_lorentzian_is_silent():
    w = 0.08 * np.arange(4000)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        weight = float(xg.spectral_weight(line(w, 160.0)))
        xg.peak_frequency(line(w, 160.0))
    assert abs(weight - 1.0) < 2e-3  # 8e-4 of steps, the rest of the tail beyond the grid


# two peaks of one conductivity


def test_windows_tell_the_displaced_drude_from_the_charge_order_peak():
    """And their errors by jackknife are the scatter of 24 sets of walkers (chance 1e-4 outside)."""
    sets, walkers = 24, 30
    glass = xg.charge_glass(xg.lattice.triangular(6), t_p=0.12, eta=-1.0, self_image="include")
    charges = xg.metropolis(
        glass, T=0.15, walker=sets * walkers, sweep=20, every=20, weight="classical", seed=3, chunks=None
    ).isel(sweep=-1)
    w = np.linspace(0.0, 2.4, 121)
    sigma = xg.optical_conductivity(charges, frequency=w, broadening=glass["t_p"])
    for window, low, high in (((0.05, 0.7), 0.2, 0.32), (("0.8 Vc", "2 Vc"), 1.2, 1.45)):

        def peak(s, window=window):
            return xg.peak_frequency(s.mean("walker"), window=window)

        # near 2 t_p, and near the gap of the stripes, 1.404 with the image term
        assert low < float(peak(sigma)) < high
        values, errors = [], []
        for k in range(sets):
            part = sigma.isel(walker=slice(k * walkers, (k + 1) * walkers))
            result = xg.jackknife(peak, part, dim="walker", blocks=10)
            values.append(float(result["peak_frequency"]))
            errors.append(float(result["peak_frequency_stderr"]))
        # scatter of 24 values: chi squared of 23 degrees, .48 to 1.60; and the error has one of 9 for each
        assert 0.45 < np.sqrt(np.mean(np.square(errors))) / np.std(values, ddof=1) < 2.2
        assert np.sqrt(np.mean(np.square(errors))) < 0.03
    assert np.isnan(peak(sigma, (2.2, 2.4)))  # nothing but a wing

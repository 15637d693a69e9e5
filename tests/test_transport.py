"""Transport observables: against closed forms, quadrature of the printed equations,
and time evolution by dense matrices.
"""

import re
import warnings

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate

import xglass as xg

bounded = settings(max_examples=25, deadline=None, derandomize=True, database=None)
UNIT = "e^2 a^2/hbar"


def spectrum(values, w, T=0.7, t=1.0, unit=UNIT, **coords):
    return xr.DataArray(
        values,
        dims="frequency",
        coords={
            "frequency": ("frequency", w, {"units": "tc"}),
            "T": ((), T, {"units": "tc"}),
            "t": t,
            **coords,
        },
        attrs={"units": unit},
        name="optical_conductivity",
    )


def smooth(w):
    """A displaced Drude peak on a broad one: even, integrable, known everywhere."""
    return 0.4 / (1 + w**2) ** 2 + w**2 / (0.1 + w**4) ** 1.5


W = np.linspace(0.0, 30.0, 6001)
SIGMA = spectrum(smooth(W), W)


# static limit


def test_static_limit_and_resistivity():
    assert float(xg.dc_conductivity(SIGMA)) == smooth(0.0)
    rho = xg.resistivity(SIGMA)
    assert float(rho) == pytest.approx(2.5, rel=1e-15)
    assert rho.attrs["units"] == "hbar/(e^2 a^2)"
    assert float(xg.resistivity(xg.dc_conductivity(SIGMA))) == float(rho)
    mobility = xr.DataArray([2.0, 0.0], dims="T", name="mobility", attrs={"units": "e a^2/hbar"})
    np.testing.assert_array_equal(xg.resistivity(mobility), [0.5, np.inf])
    assert xg.resistivity(mobility).attrs["units"] == "hbar/(e^2 a^2)"
    error = xg.dc_conductivity(SIGMA.rename("optical_conductivity_stderr"))
    assert (error.name, error.attrs["long_name"]) == (
        "dc_conductivity_stderr",
        "standard error of the static conductivity",
    )


@pytest.mark.parametrize(
    "function",
    [
        xg.resistivity,
        xg.spectral_weight,
        xg.peak_frequency,
        xg.localization_length,
        lambda error: xg.relaxation_time_approximation(error, rate=0.1),
        lambda error: xg.transient_localization_length(error, rate=0.1),
        lambda error: xg.mean_square_displacement(error, time=1.0),
        lambda error: xg.diffusivity(error, time=1.0),
        lambda error: xg.fits.relaxation_rate(xg.dc_conductivity(SIGMA), error),
    ],
)
def test_nothing_but_a_value_at_a_frequency_is_taken_of_a_standard_error(function):
    error = SIGMA.rename("optical_conductivity_stderr")
    with pytest.raises(ValueError, match=r"sigma is the standard error 'optical_conductivity_stderr'"):
        function(error)
    function(SIGMA)


def test_the_inverse_of_an_error_is_no_resistivity():
    for error in (
        xg.dc_conductivity(SIGMA.rename("optical_conductivity_stderr")),
        xr.DataArray([2.0, 0.1], dims="T", name="mobility_stderr"),
    ):
        with pytest.raises(ValueError, match=rf"resistivity: sigma is the standard error '{error.name}'"):
            xg.resistivity(error)


def solved(name="optical_conductivity", error=0.02, broadening=(0.1, 0.2)):
    """What a solver gives: values and errors for two temperatures and two filters."""
    w = np.array([0.0, 0.5])
    values = np.array([[0.5, 0.4], [2.0, 1.6]])[:, :, None] * (1.0 + w)
    coords = {"T": [0.5, 1.0], "broadening": list(broadening), "frequency": w, "t": 1.0, "scale": 100.0}
    sigma = xr.DataArray(values, dims=("T", "broadening", "frequency"), coords=coords)
    sigma = sigma.assign_attrs(units="e^2 a^2/hbar")
    solution = xr.Dataset({name: sigma, f"{name}_stderr": error * sigma.assign_attrs(sigma.attrs)})
    return solution.assign(kinetic_energy=-sigma.isel(frequency=0, drop=True))


def test_resistivity_of_a_solution_has_its_error_for_every_filter():
    rho = xg.resistivity(solved())
    assert {*rho.data_vars} == {"resistivity", "resistivity_stderr"}
    assert rho["resistivity"].dims == rho["resistivity_stderr"].dims == ("T", "broadening")
    np.testing.assert_allclose(rho["resistivity"], [[2.0, 2.5], [0.5, 0.625]], rtol=1e-15)
    np.testing.assert_allclose(rho["resistivity_stderr"], 0.02 * rho["resistivity"], rtol=1e-14)
    assert {rho[name].attrs["units"] for name in rho.data_vars} == {"hbar/(e^2 a^2)"}
    assert rho["resistivity_stderr"].attrs["long_name"] == "standard error of the resistivity"
    assert {"T", "broadening", "t", "scale"} <= {*rho.coords}
    physical = xg.units.to_physical(rho, spacing="0.5 nm")
    np.testing.assert_allclose(physical["resistivity_stderr"], 0.02 * physical["resistivity"], rtol=1e-13)


def test_the_error_of_a_resistivity_is_the_scatter_of_inverses():
    """Against many conductivities with the noise that they say they have, at 2 %: 1/sigma is linear there."""
    draws = 0.5 * (1.0 + 0.02 * np.random.default_rng(5).standard_normal(200_000))
    rho = xg.resistivity(solved().isel(T=0, broadening=0))
    assert float(rho["resistivity_stderr"]) == pytest.approx(np.std(1.0 / draws), rel=0.01)


def test_resistivity_of_solvers_without_statistical_error():
    tls = xg.electron_tls(xg.lattice.chain(3), g=1.0, omega0=0.5)
    exact = xg.exact(tls, T=[0.5, 1.0], frequency=[0.0, 0.5], broadening=[0.1, 0.2])
    rho = xg.resistivity(exact)
    assert {*rho.data_vars} == {"resistivity"}
    xr.testing.assert_identical(rho["resistivity"], xg.resistivity(exact["optical_conductivity"]))
    local = xg.dmft(tls, T=[0.5, 1.0], frequency=[0.3], energy=[0.0])  # 0 is not among them
    rho = xg.resistivity(local)
    assert {*rho.data_vars} == {"resistivity"}
    xr.testing.assert_identical(rho["resistivity"], xg.resistivity(local["mobility"]))
    xr.testing.assert_identical(xg.mobility(local)["mobility"], local["mobility"])
    noisy = xg.ftlm(
        tls, T=0.5, frequency=[0.0, 0.5], broadening=0.3, random_vectors=4, momentum=[0.3], seed=1
    ).compute()
    rho = xg.resistivity(noisy)
    sigma, error = (noisy[f"optical_conductivity{end}"][0] for end in ("", "_stderr"))
    np.testing.assert_allclose(rho["resistivity_stderr"], error / sigma**2, rtol=1e-14)
    assert float(error) > 0.0


def test_no_error_is_claimed_where_the_conductivity_is_zero():
    rho = xg.resistivity(solved() * xr.DataArray([0.0, 1.0], dims="T"))
    assert np.isinf(rho["resistivity"][0]).all()
    assert np.isnan(rho["resistivity_stderr"][0]).all()
    assert np.isfinite(rho["resistivity_stderr"][1]).all()


def test_mobility_is_the_conductivity_of_a_particle():
    for name in ("optical_conductivity", "dc_conductivity", "mobility"):
        whole = solved() if name == "optical_conductivity" else solved().isel(frequency=0, drop=True)
        unit = "e a^2/hbar" if name == "mobility" else "e^2 a^2/hbar"
        ends = ("", "_stderr")
        whole = xr.Dataset(
            {f"{name}{end}": whole[f"optical_conductivity{end}"].assign_attrs(units=unit) for end in ends}
        )
        mu = xg.mobility(whole)
        assert {*mu.data_vars} == {"mobility", "mobility_stderr"}
        np.testing.assert_array_equal(mu["mobility"], [[0.5, 0.4], [2.0, 1.6]])
        np.testing.assert_allclose(mu["mobility_stderr"], 0.02 * mu["mobility"], rtol=1e-15)
        for end in ends:
            assert mu[f"mobility{end}"].attrs["units"] == "e a^2/hbar"
            xr.testing.assert_identical(xg.mobility(whole[f"{name}{end}"]), mu[f"mobility{end}"])
        xr.testing.assert_allclose(xg.resistivity(mu), xg.resistivity(whole), rtol=1e-14)
    layer = spectrum([2.0, 1.0], [0.0, 1.0], unit="e^2/hbar")
    with pytest.raises(ValueError, match=r"mobility: sigma is in e\^2/hbar and must be .* per particle"):
        xg.mobility(layer)


@pytest.mark.parametrize("function", [xg.resistivity, xg.mobility])
def test_a_solution_without_a_conductivity_is_refused(function):
    with pytest.raises(KeyError, match=rf"{function.__name__}: .* has no 'optical_conductivity'"):
        function(solved()[["kinetic_energy"]])
    with pytest.raises(ValueError, match="frequency runs from 0.5 to 0.5 and 0 is not among its values"):
        function(solved().isel(frequency=[1]))
    with pytest.raises(TypeError, match="sigma must be a DataArray"):
        function(3.0)
    for part in ("optical_conductivity", "optical_conductivity_stderr"):
        mixed = solved().assign({part: solved()[part].assign_attrs(units="S nm^2")})
        with pytest.raises(ValueError, match=rf"{function.__name__}: .* is in S nm.2; apply to_physical to"):
            function(mixed)


@pytest.mark.parametrize("dims", [["walker"], ["sweep"], ["walker", "sweep"]])
def test_the_resistivity_of_single_trajectories_warns(dims):
    """The mean of 1/sigma over 0.5 and 2 is 1.25, and 1/mean is 0.8."""
    sigma = solved()["optical_conductivity"].rename(T=dims[0])
    sigma = sigma.expand_dims(dims[1:])
    for data in (sigma, xg.dc_conductivity(sigma), sigma.to_dataset()):
        with pytest.warns(
            UserWarning, match=r"mean of 1/sigma is larger than 1/mean.*write \.mean\(\['"
        ) as seen:
            rho = xg.resistivity(data)
        assert seen[0].filename == __file__
        rho = rho["resistivity"] if isinstance(rho, xr.Dataset) else rho
        assert float(rho.mean(dims)[0]) == 1.25
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            right = xg.resistivity(data.mean(dims, keep_attrs=True))
            xg.mobility(data)
        assert float((right["resistivity"] if isinstance(right, xr.Dataset) else right)[0]) == 0.8


#: Functions of a spectrum at a temperature.
AT_T = [
    lambda sigma, **T: xg.relaxation_time_approximation(sigma, rate=0.1, correlation="symmetrised", **T),
    lambda sigma, **T: xg.relaxation_time_approximation(sigma, rate=0.1, **T),
    lambda sigma, **T: xg.transient_localization_length(sigma, rate=0.1, **T),
    lambda sigma, **T: xg.mean_square_displacement(sigma, time=1.0, **T),
    lambda sigma, **T: xg.diffusivity(sigma, time=1.0, **T),
    lambda sigma, **T: xg.fits.relaxation_rate(
        xg.dc_conductivity(sigma), sigma, correlation="symmetrised", **T
    ),
]


@pytest.mark.parametrize("function", AT_T)
def test_a_temperature_that_is_not_that_of_the_spectrum_is_refused(function):
    own = float(SIGMA["T"])
    xr.testing.assert_equal(function(SIGMA), function(SIGMA, T=own))
    xr.testing.assert_equal(function(SIGMA), function(SIGMA, T=own * (1.0 + 1e-13)))
    for other in (own * (1.0 + 1e-9), [own, 2 * own], xr.DataArray([own / 2] * 2, dims="x")):
        with pytest.raises(ValueError, match=r"T = .* is not that of sigma, which has the coordinate T = "):
            function(SIGMA, T=other)
    function(SIGMA.drop_vars("T"), T=2 * own)


def test_a_rate_does_not_override_that_of_a_spectrum():
    once = xg.relaxation_time_approximation(SIGMA, rate=0.1)
    for rate in (0.2, [0.1, 0.2]):
        with pytest.raises(ValueError, match=r"rate = .* not that of sigma, .* coordinate rate = 0.1; leave"):
            xg.relaxation_time_approximation(once, rate=rate)
        with pytest.raises(ValueError, match=r"transient_localization_length: rate = "):
            xg.transient_localization_length(once, rate=rate)
    xg.relaxation_time_approximation(once.drop_vars("rate"), rate=0.2)


def test_defects_are_those_of_the_temperature_of_a_solution():
    model = xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=2.0)
    solution = xg.exact(model, T=[0.5, 1.0], frequency=[0.0], broadening=0.1)
    own = xg.dilute_defects.fraction(solution)
    xr.testing.assert_identical(xg.dilute_defects.fraction(solution, T=[0.5, 1.0]), own)
    for other in ([0.5, 1.1], [0.5], 0.5):
        with pytest.raises(ValueError, match=r"dilute_defects.fraction: T = .* not that of the Dataset"):
            xg.dilute_defects.fraction(solution, T=other)


def test_resistivities_become_physical():
    """h / e^2 = 25.8 kOhm, and one layer in 10 Angstrom: rho = d / sigma."""
    sheet = xg.resistivity(spectrum([2.0, 1.0], [0.0, 1.0], unit="e^2/hbar"))
    assert sheet.attrs["units"] == "hbar/e^2"
    ohm = xg.units.to_physical(sheet, scale="0.1 eV")
    assert float(ohm) == pytest.approx(0.5 * 25812.80745 / (2 * np.pi), rel=1e-9)
    bulk = xg.units.to_physical(sheet, scale="0.1 eV", layer="10 angstrom")
    assert bulk.attrs["units"] == "microohm cm"
    assert float(bulk) == pytest.approx(float(ohm) * 1e-7 * 1e6, rel=1e-9)
    one = xg.units.to_physical(xg.resistivity(SIGMA), scale="0.1 eV", spacing="0.5 nm")
    registry = xg.units.registry
    expected = registry.Quantity(2.5, "hbar/e^2") / registry.Quantity(0.5, "nm") ** 2
    assert registry.Quantity(float(one), one.attrs["units"]).to("ohm/nm^2").magnitude == pytest.approx(
        expected.to("ohm/nm^2").magnitude
    )


# weight


@bounded
@given(cutoff=st.floats(0.0, 1.0), seed=st.integers(0, 100))
def test_weight_of_straight_lines(cutoff, seed):
    draw = np.random.default_rng(seed)
    w = np.concatenate([[0.0], np.sort(draw.uniform(0.01, 2.0, 12)), [2.1]])
    y = draw.normal(size=14)
    fine = np.unique(np.concatenate([w, np.linspace(0.0, 2.1 * cutoff, 30)]))
    fine = fine[fine <= 2.1 * cutoff]
    expected = integrate.trapezoid(np.interp(fine, w, y), fine)
    assert float(xg.spectral_weight(spectrum(y, w), cutoff=2.1 * cutoff)) == pytest.approx(
        expected, abs=1e-11
    )


def test_weights_up_to_several_cutoffs():
    both = xr.concat([SIGMA, 3.0 * SIGMA], xr.DataArray([0.1, 0.2], dims="g", name="g"))
    weight = xg.spectral_weight(both, cutoff=[0.25, 1.0, np.inf])
    assert weight.dims == ("g", "cutoff")
    assert weight["cutoff"].values.tolist() == [0.25, 1.0, np.inf]
    assert weight.attrs["units"] == "tc e^2 a^2/hbar^2"
    for limit in (0.25, 1.0):
        assert float(weight.sel(cutoff=limit, g=0.2)) == pytest.approx(
            3 * integrate.quad(smooth, 0, limit)[0], rel=2e-4
        )  # step^2 sigma' / 12
    assert (
        float(weight.isel(cutoff=-1, g=0))
        == float(xg.spectral_weight(SIGMA))
        == pytest.approx(float(SIGMA.integrate("frequency")))
    )
    per_point = xr.DataArray([0.25, 1.0], dims="g", coords={"g": [0.1, 0.2]})
    zipped = xg.spectral_weight(both, cutoff=per_point)
    assert zipped.dims == ("g",)
    np.testing.assert_allclose(
        zipped, [weight.sel(cutoff=0.25, g=0.1), weight.sel(cutoff=1.0, g=0.2)], rtol=1e-14
    )
    assert xg.spectral_weight(SIGMA.assign_attrs(units="e^2/hbar")).attrs["units"] == "tc e^2/hbar^2"


# peaks


def test_peak_is_the_vertex_of_a_parabola():
    w = np.sort(np.random.default_rng(1).uniform(0, 1, 30))
    assert float(xg.peak_frequency(spectrum(2.0 - (w - 0.4321) ** 2, w))) == pytest.approx(0.4321, abs=1e-12)


def test_the_highest_peak_away_from_zero():
    w = np.linspace(0.0, 2.0, 2001)
    two = (
        5 * np.exp(-((w / 0.05) ** 2))
        + np.exp(-(((w - 0.5) / 0.1) ** 2))
        + 0.8 * np.exp(-(((w - 1.2) / 0.1) ** 2))
    )
    sigma = spectrum(two, w)
    assert float(xg.peak_frequency(sigma)) == pytest.approx(0.5, abs=1e-4)
    assert float(xg.peak_frequency(sigma, window=(0.8, 2.0))) == pytest.approx(1.2, abs=1e-4)
    assert np.isnan(xg.peak_frequency(sigma, window=(0.6, 0.9)))
    assert np.isnan(xg.peak_frequency(spectrum(1 / (1 + w**2), w)))
    assert np.isnan(xg.peak_frequency(spectrum(w, w)))  # the end of the grid is no maximum
    step = spectrum(np.array([0.0, 1.0, 1.0, 2.0, 2.0, 2.0, 0.0]), np.arange(7.0))
    assert float(xg.peak_frequency(step)) == 4.0  # the middle of the plateau; the stair below it is none
    length = xg.localization_length(sigma.assign_coords(t=0.7))
    assert float(length) == pytest.approx(np.sqrt(2 * 0.7 / 0.5), rel=1e-3)
    assert length.attrs["units"] == "a"


def test_sum_rule_counts_every_term():
    given = xr.Dataset({"total_weight": ("T", [2.0, 0.0]), "kinetic_energy": ("T", [-1.0, 0.0])})
    np.testing.assert_allclose(xg.sum_rule(given), [1 - np.pi / 4, np.nan])
    with_stiffness = given.assign(stiffness=("T", [2.0 - np.pi / 2, 0.0]))
    np.testing.assert_allclose(xg.sum_rule(with_stiffness), [0.0, np.nan], atol=1e-15)


# steps that are too long


def lines(step, broadening=0.1, momentum="all"):
    """A ring whose lines stand where they stand, on a grid of its own."""
    model = xg.electron_tls(xg.lattice.chain(6), g=1.0, omega0=0.1)
    w = np.arange(0.0, 9.0, step)
    result = xg.exact(model, T=1.0, frequency=w, broadening=broadening, momentum=momentum)
    return result[["optical_conductivity", "total_weight"]].compute()


@pytest.mark.parametrize(("steps", "error"), [(3.0, 0.0262), (5.0, 0.1454)])
def test_a_grid_coarser_than_its_filter_is_said(steps, error):
    """The error of a spectrum, and what the warning says of a line and of many."""
    solved = lines(0.1 * steps, momentum=[0.3, 0.9, 1.5, 2.1, 2.7])
    line = 2 * np.exp(-2 * (np.pi / steps) ** 2)
    with pytest.warns(UserWarning, match=rf"spectral_weight: .* {steps:g} broadenings apart.*") as caught:
        weight = xg.spectral_weight(solved["optical_conductivity"])
    assert f"up to {100 * line:.2g} %" in str(caught[0].message)
    assert (len(caught), caught[0].filename) == (1, __file__)
    found = float(weight / solved["total_weight"] - 1)
    assert found == pytest.approx(error, abs=2e-4)
    assert 0.05 * line < found < line


def test_a_single_line_counts_wrong_by_what_is_said():
    """At a point of the grid and between two of them: Poisson's sum."""
    h, d = 0.3, 0.1
    w = h * np.arange(40)
    line = 2 * np.exp(-2 * (np.pi * d / h) ** 2)
    for x, sign in ((3.0, 1), (3.15, -1)):
        sigma = spectrum(np.exp(-0.5 * ((w - x) / d) ** 2) / np.sqrt(2 * np.pi) / d, w, broadening=d)
        with pytest.warns(UserWarning, match=f"up to {100 * line:.2g} %"):
            assert float(xg.spectral_weight(sigma)) - 1 == pytest.approx(sign * line, rel=0.01)


def test_a_fine_grid_is_right_and_nothing_is_said():
    solved = lines(0.15, momentum=[0.3, 0.9, 1.5, 2.1, 2.7])
    assert float(
        xg.spectral_weight(solved["optical_conductivity"]) / solved["total_weight"]
    ) == pytest.approx(1.0, abs=2e-4)
    bins = solved["optical_conductivity"].drop_vars("broadening")[::3]
    xg.spectral_weight(bins)  # weights per bin have no filter, and their sum is exact


PARTS = {
    "spectral_weight": xg.spectral_weight,
    "peak_frequency": xg.peak_frequency,
    "localization_length": xg.localization_length,
    "relaxation_time_approximation": lambda x: xg.relaxation_time_approximation(x, rate=1.0),
    "transient_localization_length": lambda x: xg.transient_localization_length(x, rate=1.0),
    "diffusivity": lambda x: xg.diffusivity(x, time=1.0),
    "mean_square_displacement": lambda x: xg.mean_square_displacement(x, time=1.0),
    "relaxation_rate": lambda x: xg.fits.relaxation_rate(xg.dc_conductivity(x), x),
}


@pytest.mark.parametrize("name", PARTS)
def test_whatever_reads_between_the_points_says_so(name):
    """Once, at the line that calls, whatever the widths; sooner for the narrowest of several."""
    w = np.linspace(0.0, 6.0, 31)
    sigma = spectrum(smooth(w), w, t=1.0)
    several = sigma.expand_dims(broadening=[0.1, 0.5])
    for coarse in (sigma.assign_coords(broadening=0.1), several):
        with pytest.warns(UserWarning, match=f"{name}: the frequencies of sigma stand 2 broad") as caught:
            PARTS[name](coarse)
        assert (len(caught), caught[0].filename) == (1, __file__)
    PARTS[name](sigma.assign_coords(broadening=0.125))
    PARTS[name](sigma)


def test_only_steps_below_the_cutoff_count():
    w = np.concatenate([np.linspace(0.0, 1.0, 11), [2.0, 3.0]])
    sigma = spectrum(smooth(w), w, broadening=0.1)
    xg.spectral_weight(sigma, cutoff=[0.5, 1.0])
    with pytest.warns(UserWarning, match="10 broadenings apart"):
        xg.spectral_weight(sigma, cutoff=1.5)


def test_a_peak_is_found_as_well_as_is_said():
    """As narrow as the filter, anywhere between the points."""
    for ratio in (1.6, 2.0, 3.0, 5.0):
        offsets = np.linspace(-0.5, 0.5, 101)[:-1]
        w = np.arange(-2.0, 3.0)
        values = np.exp(-0.5 * (ratio * (w - offsets[:, None])) ** 2)
        sigma = xr.DataArray(values, dims=("offset", "frequency"), coords={"frequency": w + 10.0})
        error = np.abs(xg.peak_frequency(sigma).values - 10.0 - offsets)
        assert 0.05 * ratio < np.nanmax(error) < min(0.1 * ratio, 0.5), ratio


@pytest.mark.parametrize("bins", [1, 2, 4])
def test_bins_wider_than_the_rate_are_said(bins):
    """The alloy at T = t: what the warning says of the static limit is right within a factor of two."""
    tls = xg.electron_tls(xg.lattice.chain(8), g=1.0, omega0=0.0)
    frozen = {"T": 1.0, "broadening": None, "sites": 200, "realization": 10, "seed": 1}
    rate, dc, lengths = 0.1, [], []
    for step in (0.01, bins * rate):
        w = np.arange(0.0, 8.0, step)
        sigma = xg.static_disorder(tls, frequency=w, **frozen)["optical_conductivity"].compute()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            result = xg.relaxation_time_approximation(sigma, rate=[rate, 0.0, 5.0], correlation="symmetrised")
            dc.append(float(xg.dc_conductivity(result)[..., 0]))
            lengths.append(float(xg.transient_localization_length(sigma, rate=rate)))
        assert len(caught) == (0 if step == 0.01 else 2)
    said = [float(re.search(r"by about (\S+) %", str(one.message))[1]) / 100 for one in caught]
    assert said[0] == pytest.approx(0.04 * bins**2 / (1 + bins / 3), rel=0.05)
    assert said[1] == pytest.approx(said[0] / 2, rel=0.06)
    for found, what in ((dc[1] / dc[0] - 1, said[0]), (lengths[1] / lengths[0] - 1, said[1])):
        assert 0.5 * what < abs(found) < 2.0 * what


def test_no_rate_has_no_bins():
    w = np.linspace(0.0, 6.0, 31)
    xg.relaxation_time_approximation(spectrum(smooth(w), w), rate=0.0)
    xg.relaxation_time_approximation(spectrum(smooth(w), w), rate=[0.0, 0.4])


# relaxation


@pytest.mark.filterwarnings("ignore:.*times the rate apart:UserWarning")
@pytest.mark.parametrize("rate", [0.0, 1e-4, 0.02, 0.5])
@pytest.mark.parametrize("correlation", ["conductivity", "symmetrised"])
def test_relaxation_conserves_weight_to_infinity(correlation, rate):
    """Sum over all bins of either sign: on the grid, and beyond it in closed form."""
    w = np.linspace(0.0, 6.0, 601)
    sigma = spectrum(np.random.default_rng(2).uniform(size=w.size), w)
    result = xg.relaxation_time_approximation(sigma, rate=rate, correlation=correlation)
    x = w / (2 * 0.7)
    factor = (
        np.where(x > 0, x / np.tanh(np.where(x > 0, x, 1.0)), 1.0)
        if correlation == "symmetrised"
        else np.ones(w.size)
    )
    before, after = sigma.values * factor, result.values * factor
    edge = w[-1] + 0.005  # of the last bin
    beyond = (
        1 - (np.arctan2(edge - w, rate) + np.arctan2(edge + w, rate)) / np.pi
    )  # of the weight at w and its mirror image
    mass = 2 * before.sum() - before[0]
    tail = 2 * (before * beyond).sum() - before[0] * beyond[0]
    assert 2 * after.sum() - after[0] + tail == pytest.approx(mass, rel=1e-12)
    if rate == 0.0:
        np.testing.assert_allclose(result, sigma, rtol=0, atol=1e-14)


@pytest.mark.filterwarnings("ignore:.*times the rate apart:UserWarning")
@pytest.mark.parametrize("at", [0, 1, 7, 60])
def test_relaxation_is_equation_3(at):
    """Quadrature of the printed equation over the bins, each with a constant correlation function."""
    rate, T, d = 0.03, 0.4, 0.05
    w = d * np.arange(101)
    sigma = spectrum(smooth(w), w, T=T)
    ours = float(xg.relaxation_time_approximation(sigma, rate=rate, correlation="symmetrised")[at])
    S = np.array([smooth(x) * (x / np.tanh(x / (2 * T)) if x else 2 * T) for x in w])
    integral = 0.0
    for j in range(-100, 101):
        pole = [w[at]] if abs(j * d - w[at]) < d else None
        value, _ = integrate.quad(
            lambda x: rate / ((w[at] - x) ** 2 + rate**2),
            (j - 0.5) * d,
            (j + 0.5) * d,
            points=pole,
            epsabs=1e-15,
            epsrel=1e-13,
        )
        integral += S[abs(j)] * value
    prefactor = np.tanh(w[at] / (2 * T)) / w[at] / np.pi if at else 1 / (2 * T) / np.pi
    assert ours == pytest.approx(prefactor * integral, rel=1e-12)


@pytest.mark.parametrize("rate", [0.02, 0.3])
@pytest.mark.parametrize("w0", [0.0, 1.5])
@pytest.mark.parametrize("correlation", ["conductivity", "symmetrised"])
def test_relaxation_of_a_smooth_spectrum(correlation, w0, rate):
    """Eqs.

    (3) and (4) of the function itself: what is left is of the second order in the step, and falls to a
    quarter with half of it.
    """
    T = 0.7
    thermal = (
        (lambda x: 2 * T * (x / (2 * T) / np.tanh(x / (2 * T)) if x else 1.0))
        if correlation == "symmetrised"
        else (lambda x: 1.0)
    )
    kernel = lambda x: rate / ((x - w0) ** 2 + rate**2) + rate / ((x + w0) ** 2 + rate**2)  # noqa: E731
    parts = [(0.0, 0.1), (0.1, 1.4), (1.4, 1.6), (1.6, 30.0)]
    total = sum(
        integrate.quad(lambda x: smooth(x) * thermal(x) * kernel(x), *part, limit=400, epsrel=1e-11)[0]
        for part in parts
    )
    expected = total / np.pi / thermal(w0)
    errors = []
    for step in (0.01, 0.005):
        w = step * np.arange(round(30 / step) + 1)
        result = xg.relaxation_time_approximation(spectrum(smooth(w), w), rate=rate, correlation=correlation)
        errors.append(float(result[round(w0 / step)]) / expected - 1)
    assert abs(errors[1]) < 3e-4
    assert abs(errors[1]) < 0.3 * abs(errors[0]) + 1e-7


def test_rates_broadcast():
    sigma = xr.concat(
        [SIGMA.drop_vars("T"), 2 * SIGMA.drop_vars("T")], xr.DataArray([0.5, 1.0], dims="T", name="T")
    )
    model = xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=[0.02, 0.1, 0.2])
    result = xg.relaxation_time_approximation(sigma, rate=model["omega0"], correlation="symmetrised")
    assert result.dims == ("T", "omega0", "frequency")
    assert result["rate"].dims == ("omega0",)
    assert result.attrs["units"] == UNIT
    one = xg.relaxation_time_approximation(
        sigma.sel(T=1.0, drop=True), rate=0.1, correlation="symmetrised", T=1.0
    )
    np.testing.assert_array_equal(one, result.sel(T=1.0, omega0=0.1))
    swept = xg.relaxation_time_approximation(sigma.sel(T=1.0), rate=[0.1, 0.3])
    assert swept.dims == ("rate", "frequency")


# motion


def ring(N, g, omega0):
    """H, J of the electron and N two-level systems, from Kronecker products."""
    sx, sz = np.array([[0.0, 1.0], [1.0, 0.0]]), np.diag([-1.0, 1.0])

    def spin(matrix, j):
        result = np.eye(1)
        for k in range(N):
            result = np.kron(result, matrix if k == j else np.eye(2))
        return result

    hop = np.roll(np.eye(N), 1, axis=0)
    H = np.kron(-(hop + hop.T), np.eye(2**N)) + np.kron(
        np.eye(N), sum(0.5 * omega0 * spin(sz, j) for j in range(N))
    )
    H = H - sum(g * np.kron(np.diag(np.eye(N)[j]), spin(sx, j)) for j in range(N))
    return H, 1j * np.kron(hop - hop.T, np.eye(2**N))


@pytest.mark.parametrize("N", [4, 5])
def test_motion_is_that_of_dense_time_evolution(N):
    """D(t) = int_0^t Re C, x^2 = 2 int_0^t D with C(t) = <J(t) J(0)>, step by step;
    sigma with a narrow filter, which costs (width t)^2 / 2.
    """
    T, width = 0.6, 0.004
    H, J = ring(N, 1.0, 0.3)
    E, U = np.linalg.eigh(H)
    boltzmann = U @ np.diag(np.exp(-(E - E[0]) / T)) @ U.T
    dt, steps = 0.02, 200
    forward = U @ np.diag(np.exp(-1j * E * dt)) @ U.T
    left, right, C = boltzmann, J, []
    for _ in range(steps + 1):  # Tr[rho e^{iHt} J e^{-iHt} J]
        C.append(np.real(np.sum(left.T * (J @ right))) / np.trace(boltzmann))
        left, right = left @ forward.conj().T, forward @ right
    C = np.array(C)
    time = dt * np.arange(steps + 1)
    D = integrate.cumulative_simpson(C, dx=dt, initial=0)
    x2 = 2 * integrate.cumulative_simpson(D, dx=dt, initial=0)
    model = xg.electron_tls(xg.lattice.chain(N), g=1.0, omega0=0.3)
    w = np.linspace(0.0, 8.0 + N * 0.3, 8001)
    sigma = xg.exact(model, T=T, frequency=w, broadening=width, chunks=None)["optical_conductivity"]
    some = [25, 50, 100, 200]
    np.testing.assert_allclose(xg.diffusivity(sigma, time=time[some]), D[some], rtol=0, atol=4e-4 * D.max())
    np.testing.assert_allclose(xg.mean_square_displacement(sigma, time=time[some]), x2[some], rtol=4e-4)
    early = xg.mean_square_displacement(sigma, time=1e-3)
    assert float(early) == pytest.approx(C[0] * 1e-6, rel=1e-4)  # ballistic
    assert float(xg.mean_square_displacement(sigma, time=0.0)) == 0.0


def test_a_free_electron_is_ballistic():
    """<v^2> t^2 from the sticks at zero frequency, which all stand in the first bin."""
    N, T, step = 8, 0.8, 1e-4
    model = xg.electron_tls(xg.lattice.chain(4), g=0.0, omega0=0.5)
    result = xg.static_disorder(
        model, T=T, frequency=[0.0, step], broadening=None, sites=N, realization=1, seed=1, chunks=None
    )
    K = 2 * np.pi * np.arange(N) / N
    weight = np.exp(2 * np.cos(K) / T)
    v2 = (4 * np.sin(K) ** 2 * weight).sum() / weight.sum()
    time = np.array([0.5, 3.0, 40.0])
    np.testing.assert_allclose(
        xg.mean_square_displacement(result["optical_conductivity"], time=time), v2 * time**2, rtol=1e-6
    )
    np.testing.assert_allclose(
        xg.diffusivity(result["optical_conductivity"], time=time), v2 * time, rtol=1e-6
    )
    assert float(result["optical_conductivity"][0]) * step / 2 == pytest.approx(
        float(result["total_weight"]), rel=1e-12
    )
    assert float(result["total_weight"]) == pytest.approx(0.5 * np.pi * v2 / T, rel=1e-12)


def test_motion_of_a_drude_peak():
    """sigma = s / (1 + w^2): D = T s (1 - e^{-t}), x^2 = 2 T s (t - 1 + e^{-t}),
    and Einstein's relation at late times.
    """
    T, s = 1e4, 0.3
    w = np.linspace(0.0, 400.0, 80001)
    drude = spectrum(s / (1 + w**2), w, T=T)
    t = np.array([0.1, 1.0, 10.0, 100.0, 600.0])  # the last at step t = 3: nearly as far as the grid goes
    tail = s * T * 2 / np.pi / 400  # of sin wt / w above the grid, at most
    np.testing.assert_allclose(xg.diffusivity(drude, time=t), T * s * (1 - np.exp(-t)), rtol=0, atol=tail)
    np.testing.assert_allclose(
        xg.mean_square_displacement(drude, time=t), 2 * T * s * (t - 1 + np.exp(-t)), rtol=2e-2
    )
    late = xg.diffusivity(drude, time=100.0)
    assert float(late) == pytest.approx(T * float(xg.dc_conductivity(drude)), rel=1e-4)
    assert late.attrs["units"] == "tc a^2/hbar"


@pytest.mark.parametrize("t", [0.5, 20.0, 200.0])
def test_motion_by_quadrature(t):
    T = 0.7
    coth = lambda x: smooth(x) / np.tanh(x / (2 * T))  # noqa: E731
    near = integrate.quad(lambda x: coth(x) * np.sin(x * t), 0, 0.5, limit=2000, epsabs=1e-10)[0]
    far = integrate.quad(coth, 0.5, 30, weight="sin", wvar=t, limit=2000, epsabs=1e-10)[0]
    error = 1e-4  # step^2 / 24 times the curvature of sigma w coth, which is up to 90
    assert float(xg.diffusivity(SIGMA, time=t)) == pytest.approx((near + far) / np.pi, rel=0, abs=error)
    growth = [float(xg.mean_square_displacement(SIGMA, time=t + h)) for h in (-1e-3, 1e-3)]
    assert (growth[1] - growth[0]) / 4e-3 == pytest.approx(float(xg.diffusivity(SIGMA, time=t)), rel=1e-4)


@pytest.mark.parametrize("rate", [0.05, 0.4])
def test_transient_length_is_the_laplace_transform(rate):
    root = np.linspace(0.0, np.sqrt(40.0 / rate), 2001)  # dense at short times
    x2 = xg.mean_square_displacement(SIGMA.isel(frequency=slice(0, 2001)), time=root**2)
    expected = rate * integrate.simpson(2 * root * np.exp(-rate * root**2) * x2.values, x=root)
    L = xg.transient_localization_length(SIGMA.isel(frequency=slice(0, 2001)), rate=rate)
    assert float(L) ** 2 == pytest.approx(expected, rel=1e-5)
    dc = xg.dc_conductivity(
        xg.relaxation_time_approximation(
            SIGMA.isel(frequency=slice(0, 2001)), rate=rate, correlation="symmetrised"
        )
    )
    assert rate * float(L) ** 2 / (2 * 0.7) == pytest.approx(float(dc), rel=1e-12)  # Eq. (4)


# refusals


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: xg.dc_conductivity(SIGMA[1:]),
            ValueError,
            r"frequency runs from 0.005 to 30 and 0 is not among its values",
        ),
        (
            lambda: xg.dc_conductivity(SIGMA.to_dataset()),
            TypeError,
            r"must be a DataArray .* pick one variable",
        ),
        (lambda: xg.dc_conductivity(SIGMA.isel(frequency=0)), ValueError, r"needs 'frequency'"),
        (lambda: xg.dc_conductivity(SIGMA.chunk(frequency=100)), ValueError, r"split in chunks"),
        (lambda: xg.resistivity(SIGMA.drop_vars("frequency")), ValueError, r"no coordinate 'frequency'"),
        (
            lambda: xg.spectral_weight(SIGMA, cutoff=31.0),
            ValueError,
            r"cutoff 31 lies above the last frequency 30",
        ),
        (lambda: xg.spectral_weight(SIGMA, cutoff=-1.0), ValueError, r"cutoff must be > 0 or 0"),
        (
            lambda: xg.spectral_weight(SIGMA[1:]),
            ValueError,
            r"frequency begins at 0.005; compute sigma on a grid from 0",
        ),
        (lambda: xg.spectral_weight(SIGMA[::-1]), ValueError, r"frequency must rise"),
        (
            lambda: xg.peak_frequency(SIGMA, window=(1.0, 1.0)),
            ValueError,
            r"window must be \(lowest, highest\)",
        ),
        (lambda: xg.localization_length(SIGMA.drop_vars("t")), KeyError, r"no coordinate 't'"),
        (lambda: xg.sum_rule(SIGMA), TypeError, r"sum_rule: give the Dataset of a .*run, not DataArray"),
        (lambda: xg.sum_rule(SIGMA.to_dataset()), KeyError, r"no 'total_weight'; .*pass the whole Dataset"),
        (lambda: xg.relaxation_time_approximation(SIGMA, rate=-1.0), ValueError, r"rate must be > 0 or 0"),
        (
            lambda: xg.relaxation_time_approximation(SIGMA, rate=1.0, correlation="S"),
            ValueError,
            r"correlation must be 'conductivity' or",
        ),
        (
            lambda: xg.relaxation_time_approximation(SIGMA[[0, 1, 5]], rate=1.0),
            ValueError,
            r"must rise in equal steps from 0",
        ),
        (
            lambda: xg.relaxation_time_approximation(
                SIGMA.drop_vars("T"), rate=1.0, correlation="symmetrised"
            ),
            ValueError,
            r"no coordinate 'T'; pass the temperature as T=",
        ),
        (
            lambda: xg.diffusivity(SIGMA.expand_dims(T=[0.7]), time=1.0, T=0.3),
            ValueError,
            r"this one has dimension 'T', select by",
        ),
        (lambda: xg.diffusivity(SIGMA, time=-1.0), ValueError, r"time must be > 0 or 0"),
        (
            lambda: xg.diffusivity(SIGMA.assign_attrs(units="e^2/hbar"), time=1.0),
            ValueError,
            r"must be a conductivity per particle",
        ),
        (lambda: xg.transient_localization_length(SIGMA, rate=0.0), ValueError, r"rate must be > 0"),
    ],
)
def test_refusals(call, error, message):
    with pytest.raises(error, match=message):
        call()

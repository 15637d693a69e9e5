"""The relaxation-time approximation of frozen two-level systems, and the fits that go with it (Rammal,
Ciuchi and Fratini, section IV).
"""

import numpy as np
import pytest
import xarray as xr
from scipy import integrate, stats

import xglass as xg

STEP = 0.01


@pytest.fixture(scope="module")
def static():
    """The reference at g = t = 1: 16 configurations of 300 sites,
    on a grid that leaves room for Lorentzian tails.
    """
    model = xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=0.0)
    return xg.static_disorder(
        model,
        T=[0.5, 1.0],
        frequency=STEP * np.arange(4001),
        broadening=None,
        sites=300,
        realization=16,
        seed=3,
        chunks=None,
    )


def toy(T, peak=0.375, amplitude=2.0, step=2e-4, end=60.0):
    """Static spectrum above Eq. (5)."""
    w = step * np.arange(round(end / step) + 1)
    y = 0.5 * np.pi * amplitude * w / (1 + (w / peak) ** 2)
    return xr.DataArray(y, dims="frequency", coords={"frequency": w, "T": T}, name="optical_conductivity")


def test_what_the_approximation_conserves(static):
    """Symmetrised: the integral of S; of sigma it loses what the physics page says,
    and it has a tail 1/w^3.
    """
    sigma = static["optical_conductivity"]
    rate = xr.DataArray([0.02, 0.05, 0.1, 0.5], dims="rate")
    result = xg.relaxation_time_approximation(sigma, rate=rate, correlation="symmetrised")
    w, T = sigma["frequency"], sigma["T"]
    thermal = xr.where(w > 0, w / np.tanh(np.maximum(w, 1e-9) / (2 * T)), 2 * T)
    before, after = ((thermal * x).integrate("frequency") for x in (sigma, result))
    # the Lorentzian tail of either sign above the end of the grid, to the second order in 6 / end
    beyond = 2 / np.pi * np.arctan(rate / (float(w[-1]) + STEP / 2))
    np.testing.assert_allclose(
        (after / before - 1).transpose("T", "rate"), -beyond.values[None] * np.ones((2, 1)), rtol=5e-3
    )
    tail = (
        beyond * before * np.pi / 4 / float(w[-1]) * 2 / np.pi
    )  # int of p / (pi w^2) / w from the end, doubled for both signs
    lost = ((result.integrate("frequency") + tail) / sigma.integrate("frequency") - 1).sel(T=1.0)
    print("lost of int sigma:", lost.values)
    np.testing.assert_allclose(lost, [-0.004, -0.010, -0.020, -0.094], rtol=0.1, atol=5e-4)
    high = 1 - xg.spectral_weight(result, cutoff=4.0) / result.integrate("frequency")
    print(
        "weight above 4:",
        high.sel(T=1.0).values,
        "of the reference:",
        float(1 - xg.spectral_weight(sigma, cutoff=4.0).sel(T=1.0) / sigma.sel(T=1.0).integrate("frequency")),
    )
    at = [float(result.sel(T=1.0, rate=0.1).sel(frequency=x, method="nearest")) * x**3 for x in (15.0, 30.0)]
    assert at[1] / at[0] == pytest.approx(1.0, abs=0.06)
    plain = xg.relaxation_time_approximation(sigma, rate=rate)
    lost = plain.integrate("frequency") / sigma.integrate("frequency") - 1
    np.testing.assert_allclose(lost.transpose("T", "rate"), -beyond.values[None] * np.ones((2, 1)), rtol=5e-3)


@pytest.mark.filterwarnings("ignore:.*times the rate apart:UserWarning")
def test_slow_two_level_systems_delocalize(static):
    """dc at p = omega0: zero for frozen ones, about omega0 log(omega_L / omega0); a displaced peak at 0.55 t,
    and L below 2 sites.
    """
    tls = xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=[0.005, 0.02, 0.05, 0.1])
    sigma = static["optical_conductivity"].sel(T=1.0)
    result = xg.relaxation_time_approximation(sigma, rate=tls["omega0"], correlation="symmetrised")
    dc = xg.dc_conductivity(result)
    assert (dc.diff("omega0") > 0).all()
    assert float(dc.sel(omega0=0.05)) == pytest.approx(
        0.494, abs=0.03
    )  # physics page; 16 configurations: error 0.008
    np.testing.assert_allclose(xg.peak_frequency(result).sel(omega0=[0.02, 0.05, 0.1]), 0.55, atol=0.04)
    np.testing.assert_allclose(xg.localization_length(result).sel(omega0=[0.02, 0.05, 0.1]), 1.9, atol=0.1)
    length = xg.transient_localization_length(sigma, rate=tls["omega0"])
    np.testing.assert_allclose(tls["omega0"] * length**2 / 2, dc, rtol=1e-12)  # Eq. (4) is p L^2 / 2T
    assert (length.diff("omega0") < 0).all()


# the analytic form


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.3, 0.375, 0.9])
def test_equation_5_is_equation_4_at_high_temperature(rate):
    """For all p, also where numerator and denominator vanish: quadrature of Eq.

    (4) for the form, with T far above the peak.
    """
    peak = 0.375
    integrand = lambda x: x / (x**2 + rate**2) / (1 + (x / peak) ** 2)  # coth(x / 2T) = 2T / x  # noqa: E731
    quadrature = rate * sum(
        integrate.quad(integrand, *part, epsrel=1e-11)[0] for part in ((0, 0.4), (0.4, 10), (10, np.inf))
    )
    ours = xg.fits.displaced_drude_conductivity(xr.DataArray(1.0), xr.DataArray(peak), rate=rate)
    assert float(ours) == pytest.approx(quadrature, rel=1e-9)
    near = xg.fits.displaced_drude_conductivity(
        xr.DataArray(1.0), xr.DataArray(peak), rate=[peak, peak * (1 + 1e-9), 0.0]
    )
    np.testing.assert_allclose(near, [peak / 2, peak / 2 * (1 + 1e-9 / 2), 0.0], rtol=1e-9)


@pytest.mark.parametrize(("rate", "above"), [(0.02, 0.04), (0.1, 0.09)])
def test_equation_5_at_low_temperature(rate, above):
    """The physics page: at T = 0.5 Eq. (4) lies 4 to 9 % above Eq. (5); the whole way through the library."""
    drude = xg.fits.displaced_drude_conductivity(xr.DataArray(2.0), xr.DataArray(0.375), rate=rate)
    full = xg.dc_conductivity(
        xg.relaxation_time_approximation(toy(0.5), rate=rate, correlation="symmetrised")
    )
    print(rate, float(full / drude) - 1)
    assert float(full / drude) - 1 == pytest.approx(above, abs=0.01)
    hot = xg.dc_conductivity(
        xg.relaxation_time_approximation(toy(100.0), rate=rate, correlation="symmetrised")
    )
    assert float(hot / drude) == pytest.approx(1.0, abs=2e-3)


def test_the_form_is_fitted(static):
    """The planted form comes back exactly and, with noise, within its errors;
    the reference has its peak where the page says.
    """
    w = np.linspace(0.0, 1.0, 101)
    form = toy(1.0, step=0.01, end=1.0)
    fit = xg.fits.displaced_drude(form)
    assert float(fit["amplitude"]) == pytest.approx(2.0, rel=1e-9)
    assert float(fit["peak_frequency"]) == pytest.approx(0.375, rel=1e-9)
    error = xr.DataArray(0.01 + 0.02 * w, dims="frequency", coords={"frequency": w})
    noise = xr.DataArray(np.random.default_rng(7).normal(size=(100, w.size)), dims=("sample", "frequency"))
    drawn = xg.fits.displaced_drude(form + error * noise, window=(0.0, 0.6), stderr=error)
    low, high = stats.chi2.ppf([5e-6, 1 - 5e-6], 100)
    for name, planted in (("amplitude", 2.0), ("peak_frequency", 0.375)):
        squares = float((((drawn[name] - planted) / drawn[f"{name}_stderr"]) ** 2).sum())
        assert low < squares < high, name
    assert not xg.fits.displaced_drude(0.0 * form)["success"]
    ours = xg.fits.displaced_drude(static["optical_conductivity"].sel(T=1.0))
    print("A, peak at T = 1:", float(ours["amplitude"]), float(ours["peak_frequency"]))
    assert 0.35 < float(ours["peak_frequency"]) < 0.55
    analytic = xg.fits.displaced_drude_conductivity(
        ours["amplitude"], ours["peak_frequency"], rate=[0.02, 0.05, 0.1]
    )
    full = xg.relaxation_time_approximation(
        static["optical_conductivity"].sel(T=1.0), rate=[0.02, 0.05, 0.1], correlation="symmetrised"
    )
    np.testing.assert_allclose(
        analytic / xg.dc_conductivity(full), 1.0, atol=0.08
    )  # "essentially indistinguishable"


@pytest.mark.filterwarnings("ignore:.*times the rate apart:UserWarning")
@pytest.mark.parametrize("correlation", ["conductivity", "symmetrised"])
def test_the_rate_is_found(static, correlation):
    reference = static["optical_conductivity"].isel(frequency=slice(0, 501))
    rate = xr.DataArray([0.01, 0.08, 0.6], dims="case")
    given = xg.relaxation_time_approximation(reference, rate=rate, correlation=correlation)
    fit = xg.fits.relaxation_rate(given, reference, correlation=correlation)
    assert fit["success"].all()
    np.testing.assert_allclose(fit["rate"].transpose("T", "case"), rate.expand_dims(T=2), rtol=1e-8)
    part = xg.fits.relaxation_rate(
        given.isel(frequency=slice(0, 301, 3)), reference, correlation=correlation, window=(0.1, 2.0)
    )
    np.testing.assert_allclose(part["rate"].transpose("T", "case"), rate.expand_dims(T=2), rtol=1e-8)
    dc = xg.fits.relaxation_rate(
        xg.dc_conductivity(given).isel(case=[0, 1]), reference, correlation=correlation
    )
    np.testing.assert_allclose(dc["rate"].transpose("T", "case"), rate[:2].expand_dims(T=2), rtol=1e-10)


def test_errors_of_the_rate(static):
    """Independent noise: pulls of 100 samples, chi^2 within its two-sided 1 - 1e-5 interval."""
    reference = static["optical_conductivity"].sel(T=1.0).isel(frequency=slice(0, 401))
    given = xg.relaxation_time_approximation(reference, rate=0.07, correlation="symmetrised").isel(
        frequency=slice(0, 401, 8)
    )
    noise = np.random.default_rng(9).normal(size=(100, given.size))
    error = 0.02 * (1 + given["frequency"])
    drawn = given + error * xr.DataArray(noise, dims=("sample", "frequency"))
    low, high = stats.chi2.ppf([5e-6, 1 - 5e-6], 100)
    fit = xg.fits.relaxation_rate(drawn, reference, stderr=error)
    assert fit["success"].all()
    assert low < float((((fit["rate"] - 0.07) / fit["rate_stderr"]) ** 2).sum()) < high
    assert stats.kstest(stats.chi2.cdf(fit["chi2"], given.size - 1), "uniform").pvalue > 1e-5
    small = xr.DataArray(0.003, attrs={"units": "e^2 a^2/hbar"})
    static_values = xg.dc_conductivity(given) + small * xr.DataArray(noise[:, 0], dims="sample")
    dc = xg.fits.relaxation_rate(static_values, reference, stderr=small)
    assert low < float((((dc["rate"] - 0.07) / dc["rate_stderr"]) ** 2).sum()) < high


def test_no_rate_is_an_answer(static):
    reference = static["optical_conductivity"].sel(T=1.0).isel(frequency=slice(0, 401))
    flat = xr.zeros_like(reference)
    assert not xg.fits.relaxation_rate(flat - 1.0, reference)["success"]
    for value in (100.0, np.nan, 0.0):
        fit = xg.fits.relaxation_rate(xr.DataArray(value), reference)
        assert not fit["success"]
        assert np.isnan(fit["rate"])


def test_rates_refuse(static):
    reference = static["optical_conductivity"]
    one = reference.sel(T=1.0)
    with pytest.raises(
        ValueError, match=r"sigma is at T = 1.0 and static at T = \[0.5, 1.0\]; select the same"
    ):
        xg.fits.relaxation_rate(one, reference)
    with pytest.raises(ValueError, match=r"frequency 0.011 of sigma is not on the grid of static"):
        xg.fits.relaxation_rate(one.assign_coords(frequency=one["frequency"] * 1.1), one)
    with pytest.raises(ValueError, match=r"has a dimension 'rate'.*rename"):
        xg.fits.relaxation_rate(one.expand_dims(rate=[0.1]), one)
    with pytest.raises(ValueError, match=r"window=.* selects frequencies, and sigma has none"):
        xg.fits.relaxation_rate(xg.dc_conductivity(one), one, window=(0, 1))


# hopping laws


T = np.geomspace(0.02, 0.3, 12)


def resistivity(s, T0=0.8):
    return xr.DataArray(
        2.0 * np.exp((T0 / T) ** s),
        dims="T",
        coords={"T": ("T", T, {"units": "tc"})},
        attrs={"units": "hbar/e^2"},
    )


@pytest.mark.parametrize("s", [1.0, 0.5, 0.25])
def test_hopping_laws_come_back_and_are_told_apart(s):
    laws = [1.0, 0.5, 1 / 3, 0.25]
    exact = xg.fits.variable_range_hopping(resistivity(s), exponent=laws).sel(exponent=s)
    assert float(exact["hopping_temperature"]) == pytest.approx(0.8, rel=1e-9)
    assert float(exact["prefactor"]) == pytest.approx(2.0, rel=1e-9)
    assert (exact["hopping_temperature"].attrs["units"], exact["prefactor"].attrs["units"]) == (
        "tc",
        "hbar/e^2",
    )
    noise = xr.DataArray(np.random.default_rng(4).normal(size=(200, T.size)), dims=("sample", "T"))
    error = 0.02 * resistivity(s)
    fit = xg.fits.variable_range_hopping(resistivity(s) + error * noise, exponent=laws, stderr=error)
    assert (fit["aic"].idxmin("exponent") == s).mean() > 0.7
    np.testing.assert_allclose(fit["aic"], fit["chi2"] + 4, rtol=1e-14)
    low, high = stats.chi2.ppf([5e-6, 1 - 5e-6], 200)
    chosen = fit.sel(exponent=s)
    for name, planted in (("hopping_temperature", 0.8), ("prefactor", 2.0)):
        logarithmic = np.log(chosen[name] / planted) * chosen[name] / chosen[f"{name}_stderr"]
        assert low / 1.1 < float((logarithmic**2).sum()) < high * 1.1, (
            name
        )  # 1.1: the logarithm is linear only in small noise


def test_hopping_beside_arrhenius():
    """Exponent 1 is the activated law; without errors the criterion is n ln(chi2 / n) + 4."""
    rho = resistivity(0.5)
    one, law = xg.fits.variable_range_hopping(rho, exponent=1.0), xg.fits.arrhenius(rho)
    assert float(one["hopping_temperature"]) == pytest.approx(float(law["barrier"]), rel=1e-12)
    for ours, theirs in (
        ("hopping_temperature_stderr", "barrier_stderr"),
        ("prefactor_stderr", "prefactor_stderr"),
        ("chi2", "chi2"),
    ):
        assert float(one[ours]) == pytest.approx(float(law[theirs]), rel=1e-9)
    assert float(one["aic"]) == pytest.approx(12 * np.log(float(law["chi2"]) / 12) + 4, rel=1e-9)


def test_a_metal_does_not_hop():
    fit = xg.fits.variable_range_hopping(1 / resistivity(0.5), exponent=[0.5, 1.0])
    assert not fit["success"].any()
    assert fit["hopping_temperature"].isnull().all()
    assert fit["chi2"].notnull().all()
    assert not xg.fits.variable_range_hopping(resistivity(0.5)[:2])["success"]
    with pytest.raises(ValueError, match="exponent must be > 0"):
        xg.fits.variable_range_hopping(resistivity(0.5), exponent=[0.5, 0.0])

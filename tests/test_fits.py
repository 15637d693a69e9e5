"""fits: planted parameters come back within their errors, and what cannot be fitted says so."""

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

from xglass import fits

bounded = settings(max_examples=15, deadline=None, derandomize=True, database=None)
LAG = np.concatenate([[0], np.unique(np.round(np.geomspace(1, 250, 45)))])
T = np.linspace(0.03, 0.1, 9)


def kww(tau, exponent, amplitude=0.22, offset=0.0, lag=LAG, **coords):
    """Stretched exponential; array arguments over ``sample``."""
    tau, exponent = (xr.DataArray(v, dims="sample" if np.ndim(v) else ()) for v in (tau, exponent))
    t = xr.DataArray(lag, dims="lag", coords={"lag": ("lag", lag, {"units": "sweep"})})
    return (amplitude * np.exp(-((t / tau) ** exponent)) + offset).assign_coords(coords).transpose(..., "lag")


def noisy(curve, sigma, seed, samples=200):
    noise = np.random.default_rng(seed).normal(size=(samples, *curve.shape))
    return (curve + sigma * xr.DataArray(noise, dims=("sample", *curve.dims))).transpose("sample", ...)


def thermal(values):
    return xr.DataArray(
        values, dims="T", coords={"T": ("T", T, {"units": "tc"})}, attrs={"units": "sweep"}, name="tau"
    )


def refuse(*_, **__):
    raise AssertionError("something was computed while the chain was built")


def assert_pulls(fit, planted, show):
    """Pulls (fit - planted) / error of independent samples: chi^2 inside its two-sided 1 - 1e-4 interval."""
    for name, value in planted.items():
        pull = ((fit[name] - value) / fit[f"{name}_stderr"]).values
        low, high = stats.chi2.ppf([5e-5, 1 - 5e-5], pull.size)
        print(
            f"{show} {name}: chi2 of {pull.size} pulls {np.sum(pull**2):.1f} in [{low:.1f}, "
            f"{high:.1f}], mean {pull.mean():+.3f}"
        )
        assert low < np.sum(pull**2) < high, name
        assert abs(pull.mean()) < 4 / np.sqrt(pull.size), name


# stretched exponential


@pytest.mark.parametrize("lag", [LAG, np.arange(0.0, 251.0), np.arange(1.0, 60.0)])
@pytest.mark.parametrize("exponent", [0.15, 0.3, 0.5, 0.8, 1.0])
def test_noise_free_parameters_come_back(lag, exponent):
    """From times far below the first lag to times far beyond the last."""
    tau = np.array([0.3, 1.0, 3.0, 10.0, 60.0, 250.0, 2500.0, 1e5])
    fit = fits.stretched_exponential(kww(tau, exponent, lag=lag))
    assert fit["success"].all()
    np.testing.assert_allclose(fit["tau"], tau, rtol=1e-6)
    np.testing.assert_allclose(fit["exponent"], exponent, rtol=1e-6)
    np.testing.assert_allclose(fit["amplitude"], 0.22, rtol=1e-6)


def test_lag_zero_is_no_point_of_the_curve():
    """What is lost within the first sweep lowers the amplitude and the 1/e time, not the fit."""
    C = kww(20.0, 0.6)
    fast = C.where(C["lag"] > 0, 0.25)
    fit, without = fits.stretched_exponential(fast), fits.stretched_exponential(C)
    for name in ("tau", "exponent", "amplitude"):
        np.testing.assert_allclose(fit[name], without[name], rtol=1e-9)
    assert fit["relaxation_time_1e"] < without["relaxation_time_1e"]


def test_noise_free_offset_comes_back():
    tau = np.array([3.0, 10.0, 30.0])
    for exponent in (0.5, 0.7, 1.0):
        fit = fits.stretched_exponential(kww(tau, exponent, offset=0.03), offset=True)
        assert fit["success"].all()
        np.testing.assert_allclose(fit["tau"], tau, rtol=1e-6)
        np.testing.assert_allclose(fit["offset"], 0.03, rtol=1e-6)


def test_unordered_lags_and_any_scale_change_nothing():
    C = noisy(kww(12.0, 0.6), 0.004, 3, samples=5)
    fit = fits.stretched_exponential(C)
    shuffled = C.isel(lag=np.random.default_rng(0).permutation(LAG.size))
    xr.testing.assert_allclose(fits.stretched_exponential(shuffled), fit, rtol=1e-7)
    scaled = fits.stretched_exponential((1e-9 * C).assign_coords(lag=1e4 * C["lag"]))
    np.testing.assert_allclose(scaled["tau"], 1e4 * fit["tau"], rtol=1e-6)
    np.testing.assert_allclose(scaled["tau_stderr"], 1e4 * fit["tau_stderr"], rtol=1e-5)
    np.testing.assert_allclose(scaled["relaxation_time_1e"], 1e4 * fit["relaxation_time_1e"], rtol=1e-9)


def test_rounding_stays_rounding():
    """Another order of summation before the fit must not show behind it: 1e-16 in, 1e-11 out."""
    rng = np.random.default_rng(31)
    C = noisy(kww(20.0, 0.6), 0.004, 30)
    tau = noisy(thermal(3 * np.exp(0.1 / (T - 0.012))), thermal(0.02 * np.exp(0.1 / (T - 0.012))), 30)
    for function, y in ((fits.stretched_exponential, C), (fits.vogel_fulcher, tau)):
        rounded = y * (1 + 2e-16 * rng.choice([-1, 0, 1], size=y.shape))
        assert (rounded != y).any()
        xr.testing.assert_allclose(function(rounded), function(y), rtol=1e-11, atol=1e-11)


@pytest.mark.parametrize("weighted", [True, False])
@pytest.mark.parametrize("offset", [True, False])
def test_pulls_of_stretched_exponential(weighted, offset):
    """Independent noise (the case the covariance is made for),
    small enough for the curve to be linear within its errors.
    """
    planted = {"tau": 20.0, "exponent": 0.6, "amplitude": 0.22} | ({"offset": 0.05} if offset else {})
    curve = kww(20.0, 0.6, offset=planted.get("offset", 0.0))
    # Not weighted: equal errors, which the fit finds from the scatter. Weighted: errors growing along the
    # lags.
    sigma = 2e-4 * (1 + 2 * curve["lag"] / 250 if weighted else xr.ones_like(curve["lag"]))
    fit = fits.stretched_exponential(
        noisy(curve, sigma, seed=11), stderr=sigma if weighted else None, offset=offset, amplitude="free"
    )
    assert fit["success"].all()
    assert_pulls(fit, planted, f"stretched weighted={weighted}")
    if weighted:
        dof = 200 * (LAG.size - 1 - len(planted))
        assert abs(float(fit["chi2"].sum()) - dof) < 4 * np.sqrt(2 * dof)


def test_noise_beyond_exponent_one_ends_at_one():
    """A simple exponential: half of the samples want alpha > 1, none may get it,
    and the bounded solver agrees.
    """
    C = noisy(kww(10.0, 1.0), 0.004, seed=5, samples=60)
    fit = fits.stretched_exponential(C, amplitude="free")
    at_one = int((fit["exponent"] == 1).sum())
    print("samples with exponent 1:", at_one, "of 60")
    assert fit["success"].all()
    assert (fit["exponent"] <= 1).all()
    assert 15 <= at_one <= 45  # 30 +- 4 standard deviations
    t = LAG[1:]
    for i in range(60):
        y = C.values[i, 1:]
        other = optimize.least_squares(
            lambda p, y=y: p[2] * np.exp(-((t / np.exp(p[0])) ** p[1])) - y,
            [np.log(10.0), 0.9, 0.22],
            bounds=([-9, 0.01, -9], [9, 1, 9]),
            xtol=1e-12,
            ftol=1e-12,
        )
        assert float(fit["chi2"][i]) <= 2 * other.cost * (1 + 1e-6)


def test_time_1e_by_hand():
    lag = np.array([0.0, 1.0, 2.0, 4.0])
    C = xr.DataArray([1.0, 0.6, 0.5, 0.2], dims="lag", coords={"lag": lag})
    error = xr.DataArray([0.0, 0.01, 0.02, 0.03], dims="lag", coords={"lag": lag})
    pad = xr.DataArray([0.1, 0.05, 0.02], dims="lag", coords={"lag": [8.0, 16.0, 32.0]})
    both = xr.concat([C, pad], dim="lag"), xr.concat([error, 0 * pad + 0.01], dim="lag")
    fit = fits.stretched_exponential(both[0], stderr=both[1])

    def crossing(c1, c2):
        return 2 + 2 * (np.log(c1) + 1) / (np.log(c1) - np.log(c2))

    assert fit["relaxation_time_1e"].item() == pytest.approx(crossing(0.5, 0.2), rel=1e-12)
    h = 1e-6
    d1 = (crossing(0.5 + h, 0.2) - crossing(0.5 - h, 0.2)) / (2 * h)
    d2 = (crossing(0.5, 0.2 + h) - crossing(0.5, 0.2 - h)) / (2 * h)
    assert fit["relaxation_time_1e_stderr"].item() == pytest.approx(np.hypot(0.02 * d1, 0.03 * d2), rel=1e-7)
    assert np.isnan(fits.stretched_exponential(both[0])["relaxation_time_1e_stderr"])


def test_time_1e_at_the_edges():
    exact = kww(20.0, 0.6)
    first = fits.stretched_exponential(exact.where(exact["lag"] != 40))  # a hole does not matter
    assert first["relaxation_time_1e"].item() == pytest.approx(20.0, rel=2e-3)  # interpolation, not the model
    unreached = fits.stretched_exponential(kww(2500.0, 0.6))
    assert unreached["success"]
    assert np.isnan(unreached["relaxation_time_1e"])
    no_zero = fits.stretched_exponential(exact.isel(lag=slice(1, None)))
    assert no_zero["relaxation_time_1e"].item() == pytest.approx(20.0, rel=2e-3)  # from the fitted amplitude
    reentrant = exact.copy()
    reentrant[{"lag": -1}] = 0.2  # only the first fall counts
    assert fits.stretched_exponential(reentrant)["relaxation_time_1e"] == first["relaxation_time_1e"]
    through_zero = kww(5.0, 1.0, amplitude=1.0, lag=np.arange(40.0))
    through_zero[{"lag": 5}] = -0.01  # no logarithm: a straight line in C
    expected = 4 + (np.exp(-0.8) - np.exp(-1)) / (np.exp(-0.8) + 0.01)
    assert fits.stretched_exponential(through_zero)["relaxation_time_1e"].item() == pytest.approx(
        expected, rel=1e-12
    )


t = LAG
UNFITTABLE = {
    "flat": np.full(t.size, 0.25),
    "flat noise": 0.25 + 1e-3 * np.random.default_rng(2).normal(size=t.size),
    "noise about zero": 1e-2 * np.random.default_rng(3).normal(size=t.size),
    "rising": 0.1 + 4e-4 * t,
    "rising to a plateau": 0.25 - 0.1 * np.exp(-t / 20),
    "all NaN": np.full(t.size, np.nan),
    "infinite": np.full(t.size, np.inf),
    "three points": np.where((t > 0) & (t < 4), np.exp(-t / 5), np.nan),
    "gone at once": np.where(t < 1, 0.25, 0.0),
}


@pytest.mark.parametrize("case", UNFITTABLE)
@pytest.mark.parametrize("offset", [True, False])
def test_what_cannot_be_fitted_is_no_success(case, offset):
    """No exception, no warning (warnings are errors here), all NaN;
    a good neighbour in the same call is unharmed.
    """
    C = xr.DataArray(
        [UNFITTABLE[case], 0.2 * np.exp(-np.sqrt(t / 9))], dims=("sample", "lag"), coords={"lag": t}
    )
    fit = fits.stretched_exponential(C, offset=offset)
    assert fit["success"].values.tolist() == [False, True]
    assert fit["success"].dtype == bool
    measured = (
        {"relaxation_time_1e"} if case == "noise about zero" else set()
    )  # white noise: forgotten within the first lag
    said = {"success", "degrees_of_freedom", "at_bound"}
    assert not fit["at_bound"][0]
    for name in set(fit.data_vars) - said - measured:
        assert np.isnan(fit[name][0]), name
    for name in measured:
        assert 0 < fit[name][0] < 1
    assert np.isfinite(fit["tau"][1])


def test_points_without_value_or_error_are_left_out():
    C = noisy(kww(20.0, 0.6), 0.002, 1, samples=1).isel(sample=0)
    error = xr.full_like(C, 0.002)
    holes = [3, 10, 11]
    expected = fits.stretched_exponential(C.drop_isel(lag=holes), stderr=error.drop_isel(lag=holes))
    marked = C.copy()
    marked[{"lag": holes}] = [np.nan, np.inf, -np.inf]
    xr.testing.assert_allclose(fits.stretched_exponential(marked, stderr=error), expected, rtol=1e-9)
    without = error.copy()
    without[{"lag": holes}] = [np.nan, 0.0, np.inf]
    fit = fits.stretched_exponential(C, stderr=without)
    for name in ("tau", "tau_stderr", "exponent", "chi2"):
        np.testing.assert_allclose(fit[name], expected[name], rtol=1e-9)


# fits of logarithms


LAWS = {
    "arrhenius": (fits.arrhenius, lambda T: 3 * np.exp(0.15 / T), {"barrier": 0.15, "prefactor": 3.0}),
    "vogel_fulcher": (
        fits.vogel_fulcher,
        lambda T: 3 * np.exp(0.1 / (T - 0.012)),
        {"barrier": 0.1, "prefactor": 3.0, "vogel_temperature": 0.012},
    ),
    "power_law": (
        lambda y, **k: fits.power_law(y, dim="T", **k),
        lambda T: 0.5 * T**-1.7,
        {"amplitude": 0.5, "exponent": -1.7},
    ),
}


@pytest.mark.parametrize("law", LAWS)
def test_noise_free_laws_come_back(law):
    function, curve, planted = LAWS[law]
    fit = function(thermal(curve(T)))
    assert fit["success"]
    said = {"chi2", "points", "degrees_of_freedom", "p_value", "success"}
    assert set(fit.data_vars) == {*planted, *(f"{p}_stderr" for p in planted), *said}
    assert (fit["points"], fit["degrees_of_freedom"]) == (T.size, T.size - len(planted))
    for name, value in planted.items():
        assert fit[name].item() == pytest.approx(value, rel=1e-6), name


@pytest.mark.parametrize("law", LAWS)
@pytest.mark.parametrize("weighted", [True, False])
def test_pulls_of_laws(law, weighted):
    """Weighted: the pulls are normal.

    Not weighted: Student's t with n - p degrees of freedom, turned into normal ones.
    """
    function, curve, planted = LAWS[law]
    relative = 2e-3 * (np.linspace(1, 3, T.size) if weighted else np.ones(T.size))
    tau = noisy(thermal(curve(T)), thermal(curve(T) * relative), seed=21)
    fit = function(tau, stderr=thermal(curve(T) * relative) if weighted else None)
    assert fit["success"].all()
    if not weighted:
        dof = T.size - len(planted)
        for name, value in planted.items():
            pull = (fit[name] - value) / fit[f"{name}_stderr"]
            fit[name] = value + fit[f"{name}_stderr"] * stats.norm.ppf(stats.t.cdf(pull, dof))
    assert_pulls(fit, planted, f"{law} weighted={weighted}")


@pytest.mark.parametrize("law", LAWS)
def test_p_of_chi2_is_uniform(law):
    """With the right errors; Kolmogorov and Smirnov at 1e-4. Without errors there is none."""
    function, curve, planted = LAWS[law]
    relative = 2e-3 * np.ones(T.size)
    tau = noisy(thermal(curve(T)), thermal(curve(T) * relative), seed=22)
    fit = function(tau, stderr=thermal(curve(T) * relative))
    assert stats.kstest(fit["p_value"], "uniform").pvalue > 1e-4
    assert np.isnan(function(tau)["p_value"]).all()


@pytest.mark.parametrize("law", LAWS)
def test_fewer_points_than_parameters_are_refused(law):
    function, curve, planted = LAWS[law]
    few = thermal(curve(T)).isel(T=slice(0, len(planted) - 1))
    message = rf"{law}: the length of dim='T' is {len(planted) - 1}, less than the {len(planted)} parameters"
    with pytest.raises(ValueError, match=message):
        function(few)


def trap(samples=200):
    """Mean curves of 30 walkers of 36 sites that flip at rates of their own: C(0) is exact."""
    rng = np.random.default_rng(8)
    rate = rng.lognormal(-1.0, 1.0, size=(samples, 30, 36, 1))
    flips = np.cumsum(rng.poisson(0.5 * rate, size=(samples, 30, 36, 40)), axis=-1)
    values = np.concatenate([np.ones((samples, 30, 36, 1)), (-1.0) ** flips], axis=-1).mean(axis=(1, 2)) / 4
    return xr.DataArray(values, dims=("sample", "lag"), coords={"lag": np.arange(41.0)})


@pytest.mark.parametrize("offset", [False, True])
def test_amplitude_is_at_most_the_value_at_lag_zero(offset):
    C = trap()
    fit = fits.stretched_exponential(C, offset=offset).where(lambda fit: fit["success"], drop=True)
    first = fit["amplitude"] + (fit["offset"] if offset else 0.0)
    assert fit.sizes["sample"] > 100
    assert float(np.maximum(first, fit["amplitude"]).max()) <= 0.25 * (1 + 1e-8)
    on = fit["at_bound"].astype(bool)
    print("on a bound:", int(on.sum()), "tau from", float(fit["tau"].min()))
    assert on.any()
    pinned = fit["exponent"] == 1.0
    for name in ("tau", "exponent", "amplitude"):
        assert np.isnan(fit[f"{name}_stderr"].where(pinned, drop=True)).all()
    if not offset:  # with one the sum may be what is held, and both have the same error
        assert np.isnan(fit["amplitude_stderr"].where(on, drop=True)).all()
    assert np.isfinite(fit["tau_stderr"].where(~pinned, drop=True)).all()


def test_amplitude_that_is_given_stays():
    C = trap(20)
    fit = fits.stretched_exponential(C, amplitude=0.25)
    assert (fit["amplitude"] == 0.25).all()
    assert np.isnan(fit["amplitude_stderr"]).all()
    assert (fit["degrees_of_freedom"] == 38).all()
    free = fits.stretched_exponential(C, amplitude="free")
    assert (free["degrees_of_freedom"] == 37).all()
    assert (free["chi2"] <= fit["chi2"] * (1 + 1e-9)).all()
    for wrong in ("loose", 0.0, np.nan, True, None):
        with pytest.raises(ValueError, match="amplitude must be 'bounded'"):
            fits.stretched_exponential(C, amplitude=wrong)


def test_line_is_that_of_scipy():
    tau = noisy(thermal(3 * np.exp(0.15 / T)), 0.5, seed=4, samples=1).isel(sample=0)
    ours, theirs = fits.arrhenius(tau), stats.linregress(1 / T, np.log(tau))
    assert ours["barrier"].item() == pytest.approx(theirs.slope, rel=1e-12)
    assert ours["barrier_stderr"].item() == pytest.approx(theirs.stderr, rel=1e-9)
    assert ours["prefactor_stderr"].item() == pytest.approx(
        np.exp(theirs.intercept) * theirs.intercept_stderr, rel=1e-9
    )


def test_vogel_temperature_stays_in_its_range():
    arrhenius = fits.vogel_fulcher(
        noisy(thermal(3 * np.exp(0.15 / T)), thermal(0.02 * np.exp(0.15 / T)), seed=6, samples=60)
    )
    at_zero = int((arrhenius["vogel_temperature"] == 0).sum())
    print("samples with vogel_temperature 0:", at_zero, "of 60")
    assert 15 <= at_zero <= 45
    assert (arrhenius["vogel_temperature"] >= 0).all()
    assert (arrhenius["vogel_temperature"] < T.min()).all()
    close = fits.vogel_fulcher(thermal(3 * np.exp(0.01 / (T - 0.0295))))
    assert close["vogel_temperature"].item() == pytest.approx(0.0295, rel=1e-6)


@pytest.mark.parametrize("law", LAWS)
def test_left_out_points_and_too_few(law):
    function, curve, planted = LAWS[law]
    tau = thermal(curve(T))
    error = 0.01 * tau
    tau[:3], error[3:5] = [np.nan, 0.0, -1.0], [0.0, np.nan]
    fit = function(tau, stderr=error)  # four points are left: enough for each
    for name, value in planted.items():
        assert fit[name].item() == pytest.approx(value, rel=1e-5), name
    few = function(tau.isel(T=slice(0, 3 + len(planted))))
    assert not few["success"]
    assert np.isnan(few["chi2"])
    assert not function(tau, x=xr.full_like(tau, 0.05))["success"]  # one temperature has no slope


def test_other_abscissa_may_have_more_dims():
    tau = thermal(3 * np.exp(0.15 / T))
    scale = xr.DataArray([1.0, 2.0], dims="scale_of_T")
    x = (xr.DataArray(T, dims="T", coords={"T": T}) * scale).assign_attrs(units="meV")
    fit = fits.arrhenius(tau, x=x)
    assert fit["barrier"].dims == ("scale_of_T",)
    np.testing.assert_allclose(fit["barrier"], [0.15, 0.3], rtol=1e-10)
    assert fit["barrier"].attrs["units"] == "meV"
    holes = fits.arrhenius(tau, x=x.where(x > 0.05))
    np.testing.assert_allclose(holes["barrier"], [0.15, 0.3], rtol=1e-10)
    no_coordinate = fits.arrhenius(tau.drop_vars("T"), x=x.drop_vars("T"))
    np.testing.assert_allclose(no_coordinate["barrier"], fit["barrier"])


def test_temperatures_may_come_in_chunks():
    """Runs are cut along their parameters, and their relaxation times still are."""
    tau = noisy(thermal(3 * np.exp(0.15 / T)), 0.05, 9, samples=7)
    eager = fits.arrhenius(tau, stderr=0.01 * tau)
    with dask.config.set(scheduler=refuse):
        lazy = fits.arrhenius(tau.chunk(T=2), stderr=0.01 * tau.chunk(T=1))
    xr.testing.assert_identical(lazy.compute(scheduler="synchronous"), eager)


# the common form


def test_attributes_are_declared():
    C = noisy(kww(20.0, 0.6), 0.002, 1, samples=2).assign_attrs(units="1", left="over")
    C = C.expand_dims(T=1).assign_coords(T=("T", [0.1], {"units": "tc"}))
    fit = fits.stretched_exponential(C, offset=True)
    units = {name: v.attrs["units"] for name, v in fit.data_vars.items()}
    assert {n: u for n, u in units.items() if u != "1"} == dict.fromkeys(
        ["tau", "tau_stderr", "relaxation_time_1e", "relaxation_time_1e_stderr"], "sweep"
    )
    assert all("left" not in v.attrs and v.attrs["long_name"] for v in fit.data_vars.values())
    assert fit["T"].attrs["units"] == "tc"
    assert fits.stretched_exponential(C.drop_attrs())["tau"].attrs["units"] == "sweep"
    assert fits.stretched_exponential(C.assign_attrs(units="tc"))["chi2"].attrs["units"] == "(tc)**2"
    barrier = fits.arrhenius(thermal(np.exp(0.1 / T)))
    assert [barrier[n].attrs["units"] for n in ("barrier", "prefactor", "chi2")] == ["tc", "sweep", "1"]
    assert fits.arrhenius(thermal(np.exp(0.1 / T)).drop_attrs())["barrier"].attrs["units"] == "Vc"
    vogel = fits.vogel_fulcher(thermal(np.exp(0.1 / T)).assign_attrs(units="s"))
    assert [vogel[n].attrs["units"] for n in ("vogel_temperature", "prefactor_stderr")] == ["tc", "s"]
    power = fits.power_law(thermal(T**2).assign_attrs(units="Vc"), dim="T")
    assert [power[n].attrs["units"] for n in ("amplitude", "exponent")] == ["Vc", "1"]


@bounded
@given(cuts=st.sets(st.integers(1, 6), max_size=4), weighted=st.sampled_from(["no", "eager", "lazy"]))
def test_lazy_and_the_same_in_any_chunks(cuts, weighted):
    chunks = tuple(np.diff([0, *sorted(cuts), 7]).tolist())
    C = noisy(kww(20.0, 0.6), 0.002, 8, samples=7)
    tau = noisy(thermal(3 * np.exp(0.15 / T)), 0.05, 9, samples=7)
    for function, y in ((fits.stretched_exponential, C), (fits.arrhenius, tau), (fits.vogel_fulcher, tau)):
        error = None if weighted == "no" else 0.01 * xr.ones_like(y)
        eager = function(y, stderr=error)
        with dask.config.set(scheduler=refuse):
            lazy = function(
                y.chunk(sample=chunks), stderr=error.chunk(sample=3) if weighted == "lazy" else error
            )
        assert all(dask.is_dask_collection(v.data) for v in lazy.data_vars.values())
        xr.testing.assert_allclose(lazy.compute(scheduler="synchronous"), eager, rtol=1e-12, atol=1e-12)


def test_threads_give_the_same_bits():
    """MINPACK calls back into Python; the threads of dask must not meet there."""
    C = noisy(kww(20.0, 0.6), 0.002, 8, samples=120)
    together = fits.stretched_exponential(C.chunk(sample=10)).compute(scheduler="threads", num_workers=4)
    xr.testing.assert_identical(together, fits.stretched_exponential(C))


C = kww([5.0, 10.0], 0.6)


@pytest.mark.parametrize(
    ("y", "change", "error", "message"),
    [
        (C.to_dataset(name="C"), {}, TypeError, r"C must be a DataArray, got Dataset; pick one variable"),
        (C.values, {}, TypeError, r"C must be a DataArray, got ndarray; give it dims"),
        (C * 1j, {}, TypeError, r"C must hold real numbers, got complex128"),
        (C, {"dim": "sweep"}, ValueError, r"C has dimensions \('sample', 'lag'\) and needs dim='sweep'"),
        (
            C.drop_vars("lag"),
            {},
            ValueError,
            r"C has no coordinate 'lag' to fit against; write \.assign_coords\(lag=",
        ),
        (
            C.assign_coords(lag=[f"{v}" for v in LAG]),
            {},
            TypeError,
            r"the coordinate 'lag' must hold real numbers",
        ),
        (C.chunk(lag=5), {}, ValueError, r"'lag' is split in chunks .*write \.chunk\(lag=-1\)"),
        (C, {"stderr": 0.1}, TypeError, r"stderr must be a DataArray, got float"),
        (C, {"stderr": C.chunk(lag=5)}, ValueError, r"'lag' is split in chunks"),
        (
            C,
            {"stderr": C.expand_dims(q=2)},
            ValueError,
            r"stderr has dimensions \('q', 'sample', 'lag'\), more than",
        ),
        (C, {"stderr": C.assign_coords(lag=LAG + 1)}, ValueError, r"stderr and C carry different labels"),
    ],
)
def test_stretched_exponential_refuses(y, change, error, message):
    with pytest.raises(error, match=message):
        fits.stretched_exponential(y, **change)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"x": T}, TypeError, r"arrhenius: x must be a DataArray, got ndarray"),
        (
            {"x": xr.DataArray(T, dims="t")},
            ValueError,
            r"arrhenius: x has dimensions \('t',\) and needs dim='T'",
        ),
        (
            {"x": thermal(T).assign_coords(T=T + 1)},
            ValueError,
            r"arrhenius: x and tau carry different labels",
        ),
        ({"dim": "eta"}, ValueError, r"arrhenius: tau has dimensions \('T',\) and needs dim='eta'"),
    ],
)
def test_arrhenius_refuses(change, error, message):
    with pytest.raises(error, match=message):
        fits.arrhenius(thermal(np.exp(0.1 / T)), **change)


def test_error_without_the_dimension_is_the_same_at_every_point():
    constant = fits.stretched_exponential(C, stderr=xr.DataArray([0.01, 0.02], dims="sample"))
    full = fits.stretched_exponential(C, stderr=xr.DataArray([0.01, 0.02], dims="sample") * xr.ones_like(C))
    xr.testing.assert_allclose(constant, full, rtol=1e-12)

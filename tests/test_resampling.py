"""resampling: identities that hold exactly, and errors that cover what they say."""

import functools
import time

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import xglass as xg
from xglass import fits
from xglass.resampling import bootstrap, jackknife

bounded = settings(max_examples=20, deadline=None, derandomize=True, database=None)


def sample(size=24, seed=0):
    values = np.random.default_rng(seed).normal(size=(3, size, 4))
    return xr.DataArray(
        values,
        dims=("T", "walker", "site"),
        coords={"T": ("T", [0.1, 0.2, 0.3], {"units": "Vc"}), "walker": np.arange(size)},
        name="overlap",
        attrs={"units": "Vc", "long_name": "overlap", "symbol": "Q"},
    )


def mean(x):
    return x.mean("walker")


def refuse(*_, **__):
    raise AssertionError("something was computed while the chain was built")


# identities


def test_leave_one_out_of_a_mean_is_the_standard_error():
    x = sample()
    result = jackknife(mean, x, dim="walker", blocks=24)
    xr.testing.assert_identical(result["overlap"], mean(x))
    np.testing.assert_allclose(result["overlap_stderr"], x.std("walker", ddof=1) / np.sqrt(24), rtol=1e-12)


def test_groups_of_a_mean_are_those_of_block_means():
    x = sample()
    result = jackknife(mean, x, dim="walker", blocks=6)
    means = x.coarsen(walker=4).mean()
    np.testing.assert_allclose(result["overlap_stderr"], means.std("walker", ddof=1) / np.sqrt(6), rtol=1e-12)


def test_fewer_entries_than_blocks_leave_one_out():
    x = sample(7)
    xr.testing.assert_identical(jackknife(mean, x, dim="walker"), jackknife(mean, x, dim="walker", blocks=7))
    np.testing.assert_allclose(
        jackknife(mean, x, dim="walker")["overlap_stderr"], x.std("walker", ddof=1) / np.sqrt(7), rtol=1e-12
    )


def test_groups_are_contiguous_and_nearly_equal():
    left = []

    def spy(x):
        left.append(set(x["walker"].values.tolist()))
        return mean(x)

    jackknife(spy, sample(23).drop_attrs(), dim="walker", blocks=5)
    everything, *rest = left
    groups = [sorted(everything - kept) for kept in rest]
    assert sum(groups, []) == list(range(23))
    assert sorted(map(len, groups)) == [4, 4, 5, 5, 5]


def test_unequal_groups_bias_little():
    """30 entries in 20 groups, over 3000 independent sets:
    the variance of the mean within its error and one percent.
    """
    x = xr.DataArray(np.random.default_rng(4).normal(size=(3000, 30)), dims=("set", "walker"))
    ratio = (jackknife(mean, x, dim="walker")["result_stderr"] ** 2).mean().item() * 30
    print(f"variance of the mean, jackknife / true: {ratio:.4f}")
    assert abs(ratio - 1) < 0.013 + 4 * np.sqrt(2 / 19 / 3000)


def test_bootstrap_of_a_mean_is_near_the_standard_error():
    """Against the standard error, which is the limit of many resamples; 4 standard deviations."""
    x = sample(50)
    result = bootstrap(mean, x, dim="walker", resamples=800, seed=3)
    xr.testing.assert_identical(result["overlap"], mean(x))
    ratio = (result["overlap_stderr"] / (x.std("walker", ddof=1) / np.sqrt(50))).values
    print("bootstrap / exact, range", ratio.min(), ratio.max())
    np.testing.assert_allclose(ratio, 1, atol=4.5 / np.sqrt(2 * 800))
    assert np.ptp(ratio) > 0


def test_bootstrap_is_a_function_of_its_seed():
    x = sample(10)
    one, same, other = (
        bootstrap(mean, x, dim="walker", resamples=20, seed=s) for s in (5, np.int64(5), 2**63 + 1)
    )
    xr.testing.assert_identical(one, same)
    assert (one["overlap_stderr"] != other["overlap_stderr"]).all()
    draws = []
    x = x.drop_attrs()
    bootstrap(lambda x: draws.append(x["walker"].values) or mean(x), x, dim="walker", resamples=20, seed=5)
    again = np.random.Generator(np.random.Philox(key=5)).integers(0, 10, size=(20, 10))
    np.testing.assert_array_equal(np.array(draws[1:]), np.sort(again, axis=1))


# coverage


SETS, WALKERS, BLOCKS = 200, 60, 20


def assert_covered(value, error, planted, show):
    """A 68.3 % interval covers in 68.3 % of the sets, within 4.5 standard errors of that count."""
    nominal = stats.norm.cdf(1) - stats.norm.cdf(-1)
    inside = abs(value - planted) < error * stats.t.ppf((1 + nominal) / 2, BLOCKS - 1)
    observed = float(inside.mean())
    print(
        f"{show}: coverage {observed:.3f}, nominal {nominal:.3f} +- "
        f"{np.sqrt(nominal * (1 - nominal) / SETS):.3f}"
    )
    assert value.size == SETS
    assert abs(observed - nominal) < 4.5 * np.sqrt(nominal * (1 - nominal) / SETS)


def correlated_walkers():
    """Stretched exponentials; walkers independent,
    the lags of one share an amplitude and an AR(1) fluctuation.
    """
    rng = np.random.default_rng(17)
    lag = np.arange(41.0)
    curve = 0.25 * np.exp(-((lag / 9.0) ** 0.7))
    steps = rng.normal(size=(SETS, WALKERS, lag.size))
    walk = np.empty_like(steps)
    walk[..., 0] = steps[..., 0]
    for i in range(1, lag.size):
        walk[..., i] = 0.95 * walk[..., i - 1] + np.sqrt(1 - 0.95**2) * steps[..., i]
    shared = 1 + 0.1 * rng.normal(size=(SETS, WALKERS, 1))
    values = curve * shared + 0.02 * walk
    return xr.DataArray(values, dims=("set", "walker", "lag"), coords={"lag": lag}, name="autocorrelation")


def test_coverage_of_relaxation_times():
    """The jackknife is honest where the errors of the fit itself are far too small."""
    C = correlated_walkers()

    def chain(C):
        return fits.stretched_exponential(C.mean("walker"))

    result = jackknife(chain, C, dim="walker", blocks=BLOCKS)
    assert result["success"].all()
    lag = C["lag"].values
    curve = 0.25 * np.exp(-((lag / 9.0) ** 0.7))
    # What the data converge to: the crossing of the interpolated exact curve.
    exact = fits.stretched_exponential(xr.DataArray(curve, dims="lag", coords={"lag": lag}))
    assert_covered(result["tau"], result["tau_stderr"], 9.0, "tau")
    assert_covered(result["exponent"], result["exponent_stderr"], 0.7, "exponent")
    time_1e = exact["relaxation_time_1e"].item()
    assert_covered(
        result["relaxation_time_1e"], result["relaxation_time_1e_stderr"], time_1e, "relaxation_time_1e"
    )
    naive = chain(C)
    covered = float((abs(naive["tau"] - 9.0) < naive["tau_stderr"]).mean())
    print(f"tau with the error of the fit itself: coverage {covered:.3f}")
    assert covered < 0.5


def test_coverage_of_a_barrier():
    """Temperatures that share their random numbers: correlated points of an Arrhenius plot."""
    rng = np.random.default_rng(23)
    T = np.linspace(0.03, 0.1, 8)
    shared = rng.normal(size=(SETS, WALKERS, 1)) * np.linspace(0.3, 0.1, T.size)
    values = 2.0 * np.exp(0.12 / T) * (1 + shared + 0.05 * rng.normal(size=(SETS, WALKERS, T.size)))
    tau = xr.DataArray(values, dims=("set", "walker", "T"), coords={"T": T}, name="tau")
    result = jackknife(lambda tau: fits.arrhenius(tau.mean("walker")), tau, dim="walker", blocks=BLOCKS)
    assert_covered(result["barrier"], result["barrier_stderr"], 0.12, "barrier")
    assert_covered(result["prefactor"], result["prefactor_stderr"], 2.0, "prefactor")


def test_coverage_of_a_first_passage():
    """Model-free times of real trajectories: the bootstrap covers, from 300 sets of 30 walkers.

    4 standard errors of the count about the nominal shares (false alarms below 1e-4 each), and .03 below
    .95, for the skewness of so few walkers; what holds in less than .89 fails in any case.
    """
    glass = xg.charge_glass(xg.lattice.triangular(6), t_p=0.12, eta=-1.0)
    run = xg.metropolis(glass, T=0.06, walker=9000, sweep=80, weight="classical", seed=5, chunks=None)
    C = xg.autocorrelation(run, waiting_time=[20]).isel(waiting_time=0)
    times = first_passages(C.mean("walker").values[None])[0]
    sets = C.coarsen(walker=30).construct(walker=("set", "walker"))

    def chain(C):
        mean = C.mean("walker").transpose("set", "lag")
        return xr.DataArray(first_passages(mean.values), dims="set", name="time")

    result = bootstrap(chain, sets, dim="walker", seed=1)
    pull = abs(result["time"] - times) / result["time_stderr"]
    one, two = float((pull < 1).mean()), float((pull < 1.96).mean())
    print(f"coverage {one:.3f} and {two:.3f} of .683 and .950")
    assert abs(one - 0.683) < 4 * np.sqrt(0.683 * 0.317 / 300)
    assert -0.03 - 4 * np.sqrt(0.95 * 0.05 / 300) < two - 0.95 < 4 * np.sqrt(0.95 * 0.05 / 300)
    assert two > 0.89


def first_passages(C):
    """(set) times at which curves (set, lag) first fall to 1/e, linear in ln C."""
    relative = C / C[:, :1]
    after = np.argmax(relative <= np.exp(-1), axis=1)
    high, low = (np.log(np.maximum(relative[np.arange(len(C)), i], 1e-9)) for i in (after - 1, after))
    return after - 1 + (high + 1) / (high - low)


# the form of results


def test_names_and_attributes():
    x = sample()

    def several(x):
        value = mean(x)
        return xr.Dataset(
            {
                "tau": value.assign_attrs(units="sweep", long_name="relaxation time", symbol=r"\tau"),
                "tau_stderr": xr.full_like(value, 1e9),
                "chi2": value,
                "success": value > 0,
                "count": xr.zeros_like(value, dtype=int),
                "phase": value * 1j,
            }
        )

    result = jackknife(several, x, dim="walker")
    assert list(result.data_vars) == (
        ["tau", "tau_stderr", "chi2", "success", "count", "count_stderr", "phase", "phase_stderr"]
        + ["failed_replicates"]
    )
    assert (result["tau_stderr"] < 1).all()
    assert result["tau_stderr"].attrs == {
        "units": "sweep",
        "long_name": "standard error of the relaxation time",
        "symbol": r"\delta \tau",
    }
    assert result["T"].attrs == {"units": "Vc"}
    nameless = jackknife(lambda x: mean(x).rename(None), x, dim="walker")
    assert list(nameless.data_vars) == ["result", "result_stderr", "failed_replicates"]
    whole = jackknife(lambda x: x.mean("walker"), x.to_dataset(), dim="walker")
    xr.testing.assert_allclose(whole, jackknife(mean, x, dim="walker"), rtol=1e-12)


@pytest.mark.parametrize(("method", "options"), [(jackknife, {}), (bootstrap, {"seed": 0, "resamples": 30})])
@pytest.mark.parametrize("chunks", [None, {"walker": 7}])
def test_errors_of_complex_numbers_are_those_of_both_parts(method, options, chunks):
    x = sample()
    x = x + 1j * x**2 if chunks is None else (x + 1j * x**2).chunk(chunks)
    both = method(lambda x: mean(x).rename("z"), x, dim="walker", **options)
    parts = method(
        lambda x: xr.Dataset({"a": mean(x).real, "b": mean(x).imag, "z": mean(x)}), x, dim="walker", **options
    )
    assert both["z_stderr"].dtype == np.complex128
    assert (both["z_stderr"].imag > 0.0).all()
    np.testing.assert_array_equal(both["z_stderr"].real, parts["a_stderr"])
    np.testing.assert_array_equal(both["z_stderr"].imag, parts["b_stderr"])
    np.testing.assert_array_equal(parts["z_stderr"], both["z_stderr"])
    lost = method(lambda x: mean(x) * complex(1.0, np.inf), x, dim="walker", **options)
    assert np.isnan(lost["overlap_stderr"].real).all()
    assert np.isnan(lost["overlap_stderr"].imag).all()


@pytest.mark.parametrize(("method", "options"), [(jackknife, {}), (bootstrap, {"seed": 0, "resamples": 30})])
@pytest.mark.parametrize("kind", [np.int64, np.int8, np.uint16])
def test_errors_of_whole_numbers_are_those_of_the_same_real_ones(method, options, kind):
    x = (10 * sample()).round().astype(kind)

    def largest(x):
        return x.max("walker").rename("largest")

    whole = method(largest, x, dim="walker", **options)
    real = method(lambda x: largest(x).astype(float), x, dim="walker", **options)
    assert whole["largest"].dtype == kind
    assert (whole["largest_stderr"] > 0.0).any()
    xr.testing.assert_equal(whole["largest_stderr"], real["largest_stderr"])


@pytest.mark.parametrize(("method", "options"), [(jackknife, {}), (bootstrap, {"seed": 0, "resamples": 3})])
def test_flags_have_no_error(method, options):
    x = sample()
    with pytest.raises(TypeError, match=rf"{method.__name__}: function must return a number .* got .*bool"):
        method(lambda x: (mean(x) > 0).rename("positive"), x, dim="walker", **options)
    with pytest.raises(TypeError, match=r"got 'success' of type bool, 'chi2' of type float64; for the share"):
        method(lambda x: xr.Dataset({"success": mean(x) > 0, "chi2": mean(x)}), x, dim="walker", **options)
    share = method(lambda x: (x > 0).mean("walker").rename("share"), x, dim="walker", **options)
    assert (share["share_stderr"] > 0.0).any()


def test_a_failing_replicate_gives_no_error():
    x = sample(10).isel(T=0, site=0, drop=True)

    def needs_first(x):
        return mean(x).where((x["walker"] == 0).any("walker")).rename("overlap")

    for result in (
        jackknife(needs_first, x, dim="walker"),
        bootstrap(needs_first, x, dim="walker", resamples=50, seed=0),
        jackknife(
            lambda x: mean(x) if 0 in x["walker"] else mean(x) * np.inf, x, dim="walker"
        ),  # infinity is no number either
    ):
        assert np.isfinite(result["overlap"])
        assert np.isnan(result["overlap_stderr"])
    lost = jackknife(lambda x: mean(x).where(x.sizes["walker"] < 10), x, dim="walker")
    assert np.isnan(lost["overlap"])
    assert np.isnan(lost["overlap_stderr"])


@pytest.mark.parametrize("lost", [0, 1, 10, 11])
def test_up_to_a_twentieth_of_the_replicates_may_fail(lost):
    """Of 200: the error is that of the others, and their number is said."""
    x = sample(20).isel(T=0, site=0, drop=True)
    calls = iter(range(1000))

    def fails(x):
        return mean(x) * (np.nan if 0 < next(calls) <= lost else 1.0)

    result = bootstrap(fails, x, dim="walker", seed=2)
    whole = bootstrap(mean, x, dim="walker", seed=2)
    assert result["failed_replicates"] == lost
    if lost > 10:
        assert np.isnan(result["overlap_stderr"])
    else:
        assert abs(result["overlap_stderr"] / whole["overlap_stderr"] - 1) < 0.05
    calls = iter(range(1000))
    lost_group = jackknife(fails, x, dim="walker")
    assert np.isfinite(lost_group["overlap_stderr"]) == (lost <= 1)


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize("amplitude", ["bounded", "free"])
def test_what_lies_on_a_bound_has_no_error(whole, amplitude):
    """Faster than exponential: every fit has the exponent 1, and says nothing of how far it could be."""
    lag = np.arange(12.0)
    noise = 0.003 * np.random.default_rng(6).normal(size=(30, lag.size))
    noise[:, 0] = 0.0
    C = xr.DataArray(
        0.25 * np.exp(-((lag / 4.0) ** 1.3)) + noise, dims=("walker", "lag"), coords={"lag": lag}
    )

    def chain(C):
        fit = fits.stretched_exponential(C.mean("walker"), amplitude=amplitude)
        return fit if whole else fit["exponent"]

    for result in (
        jackknife(chain, C, dim="walker"),
        bootstrap(chain, C, dim="walker", seed=1, resamples=30),
    ):
        assert result["exponent"] == 1.0
        assert np.isnan(result["exponent_stderr"])
        if whole:
            assert result["at_bound"]
            assert np.isnan(result["tau_stderr"])
            assert result["relaxation_time_1e_stderr"] > 0.0


def test_a_result_says_what_it_was_resampled_over():
    x = sample()
    assert jackknife(mean, x, dim="walker", blocks=6).attrs == {
        "resampling": "jackknife",
        "stderr_over": "walker",
        "entries": 24,
        "blocks": 6,
    }
    assert bootstrap(mean, x, dim="walker", resamples=9, seed=2**63).attrs == {
        "resampling": "bootstrap",
        "stderr_over": "walker",
        "entries": 24,
        "resamples": 9,
        "seed": str(2**63),
    }


# laziness


@bounded
@given(data=st.data(), method=st.sampled_from(["jackknife", "bootstrap"]))
def test_lazy_and_the_same_in_any_chunks(data, method):
    x = sample()
    chunks = {
        dim: tuple(
            np.diff([0, *sorted(data.draw(st.sets(st.integers(1, size - 1), max_size=4))), size]).tolist()
        )
        for dim, size in x.sizes.items()
    }

    def run(x):
        if method == "jackknife":
            return jackknife(mean, x, dim="walker", blocks=7)
        return bootstrap(mean, x, dim="walker", resamples=9, seed=1)

    with dask.config.set(scheduler=refuse):
        lazy = run(x.chunk(chunks))
    assert all(dask.is_dask_collection(v.data) for v in lazy.data_vars.values())
    xr.testing.assert_allclose(lazy.compute(scheduler="synchronous"), run(x), rtol=1e-12, atol=1e-12)


def test_graph_of_a_fit_is_built_quickly():
    lag = np.arange(40.0)
    C = xr.DataArray(0.25 * np.exp(-np.sqrt(lag / 9)), dims="lag", coords={"lag": lag})
    C = (C * xr.DataArray(np.linspace(0.9, 1.1, 100), dims="walker")).expand_dims(T=6).chunk(T=1, walker=20)
    assert C.data.npartitions == 30
    with dask.config.set(scheduler=refuse):
        started = time.perf_counter()
        result = jackknife(lambda C: fits.stretched_exponential(C.mean("walker")), C, dim="walker")
        took = time.perf_counter() - started
    tasks = len(result.__dask_graph__())
    print(f"graph of {tasks} tasks in {took:.2f} s")
    assert tasks < 12_000
    assert took < 10  # a second on a quiet machine
    np.testing.assert_allclose(result["tau"].isel(T=0).compute(scheduler="synchronous"), 9.0, rtol=1e-9)


# refusals


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"function": 3}, TypeError, r"function must be callable, got int"),
        ({"data": np.zeros(3)}, TypeError, r"data must be a DataArray or Dataset, got ndarray"),
        ({"dim": "q"}, ValueError, r"dim='q' is not there; data has dimensions \('T', 'walker', 'site'\)"),
        ({"data": sample(1)}, ValueError, r"dim='walker' has 1 entry"),
        (
            {"function": lambda x: x.mean("site")},
            ValueError,
            r"the result of function still has dim='walker'; consume it inside",
        ),
        ({"function": lambda x: 3.0}, TypeError, r"function must return a DataArray or Dataset, got float"),
    ],
)
@pytest.mark.parametrize(("method", "options"), [(jackknife, {}), (bootstrap, {"seed": 0, "resamples": 3})])
def test_both_refuse(method, options, change, error, message):
    arguments = {"function": mean, "data": sample(), "dim": "walker"} | change
    with pytest.raises(error, match=f"{method.__name__}: {message}"):
        method(arguments.pop("function"), arguments.pop("data"), **arguments, **options)


@pytest.mark.parametrize(
    ("method", "options", "error", "message"),
    [
        (jackknife, {"blocks": 1}, ValueError, r"jackknife: blocks must be a whole number >= 2, got 1"),
        (jackknife, {"blocks": 2.5}, ValueError, r"jackknife: blocks must be a whole number >= 2, got 2.5"),
        (
            bootstrap,
            {"seed": 0, "resamples": 1},
            ValueError,
            r"bootstrap: resamples must be a whole number >= 2, got 1",
        ),
        (
            bootstrap,
            {"seed": -1},
            ValueError,
            r"bootstrap: seed must be a whole number >= 0 and < 18446744073709551616, got -1",
        ),
        (bootstrap, {"seed": None}, TypeError, r"bootstrap: seed must be a whole number >= 0"),
        (bootstrap, {}, TypeError, r"missing 1 required keyword-only argument: 'seed'"),
    ],
)
def test_numbers_are_refused(method, options, error, message):
    with pytest.raises(error, match=message):
        method(mean, sample(), dim="walker", **options)


# -- labels ------------------------------------------------------------------------------------------


def order():
    run = xg.testing.tiny_run(chunks=None)
    return xg.stripe_order(run).isel(sweep=-1, orientation=0, drop=True)


def binder(x):
    return 1.0 - (x**4).mean("walker") / (3.0 * (x**2).mean("walker") ** 2)


RESAMPLED = {
    "jackknife": functools.partial(xg.jackknife, dim="walker"),
    "bootstrap": functools.partial(xg.bootstrap, dim="walker", resamples=5, seed=1),
}
AVERAGES = {
    "mean": lambda x: x.mean("walker"),
    "mean of some": lambda x: x.isel(T=-1).mean("walker"),
    "weighted": lambda x: x.weighted(xr.ones_like(x["walker"])).mean("walker", keep_attrs=True),
}
OTHERS = {
    "Binder cumulant": binder,
    "variance": lambda x: x.var("walker", keep_attrs=True),
    "largest": lambda x: x.max("walker", keep_attrs=True),
    "square": lambda x: x.mean("walker") ** 2,
}


@pytest.mark.parametrize("resample", RESAMPLED.values(), ids=RESAMPLED)
@pytest.mark.parametrize("lazy", [False, True])
def test_averages_keep_their_label_and_unit(resample, lazy):
    data = order().chunk(walker=1) if lazy else order()
    for function in AVERAGES.values():
        with xg.testing.forbid_compute():
            result = resample(function, data)
        assert result["stripe_order"].attrs == data.attrs
        assert result["stripe_order_stderr"].attrs["long_name"] == f"standard error of the {data.long_name}"


@pytest.mark.parametrize("resample", RESAMPLED.values(), ids=RESAMPLED)
@pytest.mark.parametrize("function", OTHERS.values(), ids=OTHERS)
def test_what_is_no_average_is_not_called_one(resample, function):
    """xarray leaves name and attributes on a Binder cumulant; they are of the order parameter."""
    data = order()
    with xr.set_options(keep_attrs=True):
        result = resample(function, data)
        named = resample(lambda x: function(x).assign_attrs(long_name="cumulant", units="1"), data)
        energy = xg.testing.tiny_run(chunks=None)[["electrostatic_energy", "acceptance"]].isel(sweep=-1)
        both = resample(lambda x: x.mean("walker").assign(acceptance=function(x)["acceptance"]), energy)
    assert result["stripe_order"].attrs == {"long_name": f"function of the {data.long_name}"}
    assert "units" not in result["stripe_order_stderr"].attrs
    assert named["stripe_order"].attrs["long_name"] == "cumulant"
    assert both["electrostatic_energy"].attrs == energy["electrostatic_energy"].attrs
    assert both["acceptance"].attrs == {"long_name": f"function of the {energy['acceptance'].long_name}"}

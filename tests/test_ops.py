"""ops: against numpy and plain loops, in any chunking, without computing anything early."""

import dask
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from xglass import ops

bounded = settings(max_examples=25, deadline=None, derandomize=True, database=None)


def sample(seed=0, shape=(3, 5, 24)):
    values = np.random.default_rng(seed).normal(2.0, 1.5, shape)
    return xr.DataArray(
        values,
        dims=("T", "walker", "sweep"),
        coords={
            "T": ("T", 0.1 * np.arange(1, shape[0] + 1), {"units": "tc"}),
            "sweep": 10 * np.arange(shape[2]),
        },
        name="electrostatic_energy",
        attrs={"units": "tc", "left": "over"},
    )


@st.composite
def chunkings(draw, sizes, whole=()):
    """Any way to cut dimensions of these sizes; those in ``whole`` stay uncut."""
    chunks = {}
    for dim, size in sizes.items():
        cuts = [] if dim in whole else sorted(draw(st.sets(st.integers(1, size - 1), max_size=4)))
        chunks[dim] = tuple(np.diff([0, *cuts, size]).tolist())
    return chunks


def refuse(*_, **__):
    raise AssertionError("something was computed while the chain was built")


def lazily(function, array, chunks):
    """Build under a scheduler that raises, then compute."""
    with dask.config.set(scheduler=refuse):
        result = function(array.chunk(chunks))
        assert dask.is_dask_collection(result)
    return result.compute(scheduler="synchronous")


# histogram


@pytest.mark.parametrize("dim", ["sweep", ["sweep", "walker"], ("T", "walker", "sweep")])
@pytest.mark.parametrize(
    ("bins", "limits"), [(7, (-1.0, 4.0)), (np.array([-2.0, 0.0, 0.1, 3.0]), None), ([-1.0, 0.0, 5.0], None)]
)
def test_histogram_is_that_of_numpy(dim, bins, limits):
    x = sample()
    x = x.where(x < 4.5)  # some NaN
    x[0, 0, :3] = [np.inf, -np.inf, 4.0 if limits else bins[-1]]  # the closed last edge
    for density in (False, True):
        ours = ops.histogram(x, bins=bins, range=limits, dim=dim, density=density)
        dims = [dim] if isinstance(dim, str) else list(dim)
        kept = [d for d in x.dims if d not in dims]
        rows = x.transpose(*kept, *dims).values.reshape(*[x.sizes[d] for d in kept], -1)
        theirs = np.apply_along_axis(
            lambda v, d: np.histogram(v, bins, limits, density=d)[0], -1, rows, density
        )
        assert ours.dims == (*kept, "bin")
        np.testing.assert_array_max_ulp(
            ours.values, theirs.astype(ours.dtype), maxulp=0 if not density else 4
        )
    edges = np.histogram_bin_edges(np.zeros(1), bins, limits)
    np.testing.assert_array_equal(ours["bin_left"], edges[:-1])
    np.testing.assert_array_equal(ours["bin_right"], edges[1:])
    np.testing.assert_array_equal(ours["bin"], (edges[1:] + edges[:-1]) / 2)


def test_histogram_of_integers_and_of_nothing():
    n = xr.DataArray(np.array([[0, 1, 1, 5]], dtype=np.int8), dims=("walker", "site"))
    counts = ops.histogram(n, bins=[0, 1, 2], dim="site")
    assert counts.dtype == np.int64
    assert counts.values.tolist() == [[1, 2]]
    nothing = ops.histogram(n + 100, bins=[0, 1, 2], dim="site", density=True)
    assert np.isnan(nothing).all()
    assert ops.histogram(n.isel(walker=slice(0, 0)), bins=2, range=(0, 1), dim="site").shape == (0, 2)


def test_histogram_attributes():
    counts = ops.histogram(sample(), bins=4, range=(0, 4), dim="sweep")
    density = ops.histogram(sample(), bins=4, range=(0, 4), dim="sweep", density=True)
    assert (counts.name, counts.attrs["units"]) == ("histogram", "1")
    assert (density.name, density.attrs["units"]) == ("density", "1/tc")
    assert density["bin_left"].attrs["units"] == density["bin"].attrs["units"] == "tc"
    assert density["T"].attrs["units"] == "tc"
    assert "left" not in counts.attrs
    bare = sample().drop_attrs()
    assert ops.histogram(bare, bins=4, range=(0, 4), dim="sweep", density=True).attrs["units"] == "1"
    bare.attrs["units"] = "e^2/hbar"
    assert (
        ops.histogram(bare, bins=4, range=(0, 4), dim="sweep", density=True).attrs["units"] == "1/(e^2/hbar)"
    )


@bounded
@given(chunks=chunkings({"T": 3, "walker": 5, "sweep": 24}), density=st.booleans())
def test_histogram_in_any_chunks(chunks, density):
    def function(x):
        return ops.histogram(x, bins=9, range=(-2, 6), dim=["walker", "sweep"], density=density)

    xr.testing.assert_identical(lazily(function, sample(), chunks), function(sample()))


def test_histogram_holds_counts_and_not_data():
    """Every chunk is turned into counts by itself: no task sees more than one chunk of data."""
    import dask.array as da

    seen = []
    x = xr.DataArray(da.random.default_rng(0).random((40, 1000), chunks=(10, 100)), dims=("walker", "site"))
    original = ops._block_counts
    try:
        ops._block_counts = lambda block, *a, **k: seen.append(block.size) or original(block, *a, **k)
        total = (
            ops.histogram(x, bins=3, range=(0, 1), dim=["walker", "site"])
            .sum()
            .compute(scheduler="synchronous")
        )
    finally:
        ops._block_counts = original
    assert total == 40_000
    assert seen == [1000] * 40


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"range": None}, ValueError, r"bins=4 needs range="),
        ({"range": (1, 1)}, ValueError, r"range must be \(lowest, highest\)"),
        ({"range": (0, np.inf)}, ValueError, r"range must be \(lowest, highest\)"),
        ({"bins": 0}, ValueError, r"histogram: bins must be a whole number >= 1, got 0"),
        ({"bins": "auto"}, TypeError, r"histogram: bins must be a whole number >= 1, got 'auto'"),
        ({"bins": [0.0, 1.0]}, ValueError, r"range=\(0, 4\) belongs to a number of bins"),
        ({"bins": [0.0, 2.0, 1.0], "range": None}, ValueError, r"increasing edges"),
        ({"bins": [0.0], "range": None}, ValueError, r"at least two"),
        ({"dim": "site"}, ValueError, r"dim='site' is not there; electrostatic_energy has dimensions"),
        ({"dim": []}, ValueError, r"dim=\[\] is not there"),
        ({"x": sample().to_dataset()}, TypeError, r"x must be a DataArray, got Dataset"),
        ({"x": sample() * 1j}, TypeError, r"x must hold real numbers, got complex128"),
    ],
)
def test_histogram_refuses(change, error, message):
    arguments = {"x": sample(), "bins": 4, "range": (0, 4), "dim": "sweep"} | change
    with pytest.raises(error, match=message):
        ops.histogram(arguments.pop("x"), **arguments)


# moments


def test_moments_by_definition():
    x = sample() + 1e6  # a large mean: one-pass formulas would lose all digits of the fourth moment
    ours = ops.moments(x, dim=["walker", "sweep"], order=4)
    rows = x.values.reshape(3, -1)
    centred = rows - rows.mean(axis=1, keepdims=True)
    theirs = np.stack([rows.mean(axis=1)] + [(centred**k).mean(axis=1) for k in (2, 3, 4)], axis=1)
    assert ours.dims == ("T", "moment")
    assert ours["moment"].values.tolist() == [1, 2, 3, 4]
    np.testing.assert_allclose(ours, theirs, rtol=1e-12, atol=1e-12)
    assert ours.sel(moment=4)[0] > 1  # not all lost


def test_moments_of_integers_skip_nothing_and_carry_no_wrong_unit():
    n = xr.DataArray(np.array([0, 1, 1, 0], dtype=np.int8), dims="site")
    result = ops.moments(n, dim="site", order=2)
    assert result.values.tolist() == [0.5, 0.25]
    assert result.attrs["units"] == "1"
    assert "units" not in ops.moments(sample(), dim="sweep").attrs
    assert ops.moments(n, dim="site", order=1).dims == ("moment",)
    assert ops.moments(sample().where(sample() > 2), dim="sweep").notnull().all()


@bounded
@given(chunks=chunkings({"T": 3, "walker": 5, "sweep": 24}))
def test_moments_in_any_chunks(chunks):
    def function(x):
        return ops.moments(x, dim=["walker", "sweep"])

    xr.testing.assert_allclose(lazily(function, sample(), chunks), function(sample()), rtol=1e-12, atol=1e-12)


def test_moments_refuse():
    with pytest.raises(ValueError, match="order must be a whole number >= 1, got 0"):
        ops.moments(sample(), dim="sweep", order=0)
    with pytest.raises(ValueError, match="dim='q' is not there"):
        ops.moments(sample(), dim="q")
    with pytest.raises(TypeError, match="x must be a DataArray, got ndarray"):
        ops.moments(sample().values, dim="q")


# correlation


def slow_correlation(a, b, centred):
    """Double loop over lags and origins."""
    if centred:
        a, b = a - a.mean(), b - b.mean()
    n = len(a)
    return [sum(a[s] * b[s + t] for s in range(n - t)) / (n - t) for t in range(n)]


@pytest.mark.parametrize("centred", [True, False])
@pytest.mark.parametrize("crossed", [True, False])
def test_correlation_is_the_double_loop(centred, crossed):
    a, b = sample(1), sample(2)
    ours = ops.correlation(a, b if crossed else None, dim="sweep", centred=centred)
    assert ours.dims == ("T", "walker", "lag")
    assert ours["lag"].values.tolist() == list(range(0, 240, 10))
    for i in range(3):
        for j in range(5):
            slow = slow_correlation(a.values[i, j], (b if crossed else a).values[i, j], centred)
            np.testing.assert_allclose(ours.values[i, j], slow, rtol=0, atol=1e-12)


def test_correlation_selects_lags():
    x = sample()
    full = ops.correlation(x, dim="sweep")
    xr.testing.assert_allclose(
        ops.correlation(x, dim="sweep", lag=[0, 50, 20]), full.sel(lag=[0, 50, 20]), rtol=1e-13
    )
    one = ops.correlation(x, dim="sweep", lag=30)
    assert one.dims == ("T", "walker")
    assert one["lag"] == 30
    index = ops.correlation(x.drop_vars("sweep"), dim="sweep", lag=[0, 3])
    np.testing.assert_allclose(index, full.sel(lag=[0, 30]), rtol=1e-13)
    times = x.assign_coords(sweep=np.linspace(0, 0.1, 24))
    assert ops.correlation(times, dim="sweep", lag=0.1)["lag"] == pytest.approx(0.1)
    assert ops.correlation(x.isel(sweep=[3]), dim="sweep")["lag"].values.tolist() == [0]


def test_correlation_attributes_and_broadcasting():
    x = sample()
    product = ops.correlation(x, x.isel(T=0, drop=True).assign_attrs(units="Vc"), dim="sweep")
    assert product.dims == ("T", "walker", "lag")
    assert (product.name, product.attrs["units"], product["lag"].attrs["units"]) == (
        "correlation",
        "(tc)*(Vc)",
        "sweep",
    )
    assert ops.correlation(x, dim="sweep").attrs["units"] == "(tc)**2"
    assert ops.correlation(x.drop_attrs(), dim="sweep").attrs["units"] == "1"
    assert ops.correlation(x, dim="T")["lag"].attrs["units"] == "tc"


@bounded
@given(chunks=chunkings({"T": 3, "walker": 5, "sweep": 24}, whole=("sweep",)))
def test_correlation_in_any_chunks(chunks):
    def function(x):
        return ops.correlation(x, sample(5), dim="sweep", lag=[0, 20])

    xr.testing.assert_allclose(lazily(function, sample(), chunks), function(sample()), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"lag": -10}, KeyError, r"lag \[-10.0\] is not there; write multiples of 10 from 0 to 230"),
        ({"lag": [0, 240]}, KeyError, r"lag \[240.0\] is not there"),
        ({"lag": [5, 10]}, KeyError, r"lag \[5.0\] is not there"),
        ({"lag": np.nan}, KeyError, r"lag \[nan\] is not there"),
        ({"lag": []}, ValueError, r"lag must be a number or a sequence"),
        ({"dim": "q"}, ValueError, r"dim='q' is not there"),
        ({"a": sample().chunk(sweep=5)}, ValueError, r"'sweep' is split in chunks .*\.chunk\(sweep=-1\)"),
        ({"b": sample().chunk(sweep=5)}, ValueError, r"'sweep' is split in chunks"),
        ({"b": sample().assign_coords(sweep=np.arange(24))}, ValueError, r"a and b carry different labels"),
        ({"b": 3.0}, TypeError, r"b must be a DataArray, got float"),
        ({"a": sample().isel(sweep=[0, 1, 3])}, ValueError, r"does not rise in equal steps"),
        ({"a": sample().isel(sweep=slice(None, None, -1))}, ValueError, r"does not rise in equal steps"),
        ({"a": sample().assign_coords(sweep=[f"{i}" for i in range(24)])}, ValueError, r"not numbers"),
        ({"a": sample().assign_coords(lag=3)}, ValueError, r"a already has a 'lag'"),
        ({"a": sample() * 1j}, TypeError, r"a must hold real numbers, got complex128"),
    ],
)
def test_correlation_refuses(change, error, message):
    arguments = {"a": sample(), "b": None, "dim": "sweep"} | change
    with pytest.raises(error, match=message):
        ops.correlation(arguments.pop("a"), arguments.pop("b"), **arguments)

"""Change points: exact on steps, few on white noise, the same in any chunks."""

import math

import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

import xglass as xg

bounded = settings(max_examples=60, deadline=None, derandomize=True, database=None)


def series(values, **attrs):
    values = np.asarray(values, dtype=float)
    return xr.DataArray(values, dims=("walker", "sweep")[-values.ndim :], attrs=attrs)


def levels(values, lengths):
    return np.repeat(values, lengths)


def by_definition(x, window, threshold, noise=None):
    """The rule, point by point."""
    n = len(x)
    if noise is None:
        noise = np.median(abs(np.diff(x))) / (math.sqrt(2) * 0.6744897501960817)
    step = {k: sum(x[k : k + window]) / window - sum(x[k - window : k]) / window
            for k in range(window, n - window + 1)}  # fmt: skip
    result = np.zeros(n)
    for k, s in step.items():
        before = [abs(step[j]) for j in range(k - window + 1, k) if j in step]
        after = [abs(step[j]) for j in range(k + 1, k + window) if j in step]
        if abs(s) > threshold * noise * math.sqrt(2 / window) and all(abs(s) > b for b in before):
            result[k] = s if all(abs(s) >= a for a in after) else 0.0
    return result


@bounded
@given(
    st.lists(st.integers(-3, 3), min_size=1, max_size=6),
    st.integers(1, 5),
    st.data(),
)
def test_levels_that_last_are_found_with_their_exact_steps(values, window, data):
    """For 2 w - 1 points, at the ends for w. Means of whole numbers are exact; equal levels are no step."""
    lengths = [data.draw(st.integers(2 * window - 1, 4 * window)) for _ in values]
    lengths[0] = lengths[-1] = data.draw(st.integers(window, 2 * window))
    x = levels(values, lengths)
    if len(x) < 2 * window:
        x = np.r_[x, np.full(2 * window, x[-1])]
    found = xg.ops.jumps(series(x), dim="sweep", window=window, threshold=3.0, noise=0.0).values
    expected = np.zeros(len(x))
    expected[1:] = np.diff(x)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)


@bounded
@given(
    st.lists(st.integers(-4, 4), min_size=10, max_size=40), st.integers(1, 5),
    st.sampled_from([0.5, 1.0, 2.0]), st.sampled_from([None, 0.0, 0.7]),
)  # fmt: skip
def test_any_series_is_judged_by_the_definition(values, window, threshold, noise):
    """On multiples of the product of all windows, where every mean and every tie is exact."""
    x = 60.0 * np.array(values)
    noise = None if noise is None else 60.0 * noise
    found = xg.ops.jumps(series(x), dim="sweep", window=window, threshold=threshold, noise=noise)
    np.testing.assert_allclose(found, by_definition(x, window, threshold, noise), rtol=0, atol=1e-9)


def test_white_noise_raises_few_false_alarms():
    """Threshold 4: erfc(4 / 2^(1/2)) = 6.3e-5 of all points at most, 126 of two millions. The count of 2000
    independent series is far from twice that: below 1e-15 by Poisson's law, were all of them alarms.
    """
    rng = np.random.default_rng(5)
    x = series(3.0 + 0.2 * rng.normal(size=(2000, 1000)))
    for window in (1, 4):
        alarms = int((abs(xg.ops.jumps(x, dim="sweep", window=window, threshold=4.0)) > 0).sum())
        assert 0 < alarms < 2 * 2e6 * math.erfc(4 / math.sqrt(2))
    assert int((abs(xg.ops.jumps(x, dim="sweep", window=4, threshold=7.0)) > 0).sum()) == 0


def test_the_noise_is_the_standard_deviation_of_white_noise():
    """The median of 10^5 differences has a standard error of 0.4 %; few steps do not change it."""
    rng = np.random.default_rng(6)
    x = 0.3 * rng.normal(size=100_000) + 10.0 * (np.arange(100_000) // 10_000 % 2)
    from xglass.engine.core.curves import noise_of_differences

    assert float(noise_of_differences(x)) == pytest.approx(0.3, rel=0.02)


def test_steps_in_noise_are_found_where_they_are():
    """Ten steps of 2 and noise of 0.1: none is missed, none is misplaced, none is added."""
    rng = np.random.default_rng(7)
    clean = levels(2.0 * (np.arange(11) % 2), [30] * 11)
    x = series(clean + 0.1 * rng.normal(size=(20, clean.size)), units="Vc")
    found = xg.ops.jumps(x, dim="sweep", window=5, threshold=8.0)
    places = np.flatnonzero(np.diff(clean)) + 1
    for row in found.values:
        np.testing.assert_array_equal(np.flatnonzero(row), places)
        np.testing.assert_allclose(row[places], np.diff(clean)[places - 1], atol=0.4)  # 6 errors of 0.063
    assert found.attrs["units"] == "Vc"


def test_series_keep_their_labels_and_their_order():
    x = series(np.zeros((3, 12)), units="Vc").assign_coords(sweep=10 * np.arange(12), T=0.1)
    x[1, 6:] = 1.0
    noise = xr.DataArray([0.1, 0.1, 0.1], dims="walker")
    for data in (x, x.T):
        found = xg.ops.jumps(data, dim="sweep", window=3, threshold=3.0, noise=noise)
        assert found.dims == data.dims
        assert {*found.coords} == {"sweep", "T"}
        assert float(found.sel(sweep=60)[1]) == 1.0
        assert int((abs(found) > 0).sum()) == 1
    noise[1] = 1.0  # too much of it
    assert not xg.ops.jumps(x, dim="sweep", window=3, threshold=3.0, noise=noise).any()


def test_a_nan_spoils_its_series_only():
    x = series(np.zeros((2, 9)))
    x[:, 4:] = 1.0
    x[0, 8] = np.nan
    found = xg.ops.jumps(x, dim="sweep", window=2, threshold=2.0, noise=0.1)
    assert found[0].isnull().all()
    assert found[1].values.tolist() == [0, 0, 0, 0, 1, 0, 0, 0, 0]


def test_bits_do_not_depend_on_chunks():
    x = series(np.random.default_rng(8).normal(size=(7, 40)))
    whole = xg.ops.jumps(x, dim="sweep", window=3, threshold=1.0)
    for cut in ({}, {"walker": 1}, {"walker": 3}):
        lazy = xg.ops.jumps(x.chunk(cut), dim="sweep", window=3, threshold=1.0)
        assert lazy.chunks is not None
        xr.testing.assert_identical(lazy.compute(scheduler="sync"), whole)


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"window": 0}, ValueError, "window must be a whole number >= 1"),
        ({"window": 6}, ValueError, "11 points along 'sweep' hold no two windows of 6"),
        ({"threshold": 0.0}, ValueError, "threshold must be > 0"),
        ({"threshold": np.nan}, ValueError, "threshold must be > 0"),
        ({"noise": -0.1}, ValueError, r"noise must be >= 0 and finite, got -0.1"),
        ({"noise": np.nan}, ValueError, "noise must be >= 0"),
        ({"noise": xr.DataArray(np.ones(11), dims="sweep")}, ValueError, "noise has dimension 'sweep'"),
        ({"noise": xr.DataArray(np.ones(3), dims="walker")}, ValueError, "must have the same labels"),
        ({"dim": "time"}, ValueError, "dim='time' is not there"),
        ({"x": np.zeros(11)}, TypeError, "x must be a DataArray"),
        ({"x": series(np.zeros((2, 11))).chunk(sweep=4)}, ValueError, "'sweep' is split in chunks"),
    ],
)
def test_refusals(changes, error, message):
    arguments = {"x": series(np.zeros((2, 11))), "dim": "sweep", "window": 2, "threshold": 3.0} | changes
    with pytest.raises(error, match=message):
        xg.ops.jumps(arguments.pop("x"), **arguments)

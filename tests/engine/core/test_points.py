"""Loops over parameter points: what a function sees at each, and where its results go."""

import numpy as np
import pytest

from xglass.engine.core.points import over_points, points


def test_points_broadcast_and_core_dimensions_stay():
    sigma, T, rate = np.arange(24.0).reshape(2, 1, 12), np.arange(3.0), 2.0
    shape, views = points((sigma, T, rate), (1, 0, 0))
    assert shape == (2, 3)
    assert [view.shape for view in views] == [(2, 3, 12), (2, 3), (2, 3)]
    for p in np.ndindex(shape):
        np.testing.assert_array_equal(views[0][p], sigma[p[0], 0])
        assert (views[1][p], views[2][p]) == (T[p[1]], rate)


def test_one_number_of_core_dimensions_holds_for_all():
    shape, (t, g) = points((np.ones((4, 6)), np.ones(6)), 1)
    assert shape == (4,)
    assert t.shape == g.shape == (4, 6)


def test_views_are_read_only_also_where_nothing_is_broadcast():
    """Otherwise kernels were compiled again for arrays that happen to be broadcast."""
    _, views = points((np.ones(3), np.ones(3), np.ones((3, 2))), (0, 0, 1))
    assert not any(view.flags.writeable for view in views)


def test_points_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="broadcast"):
        points((np.ones((2, 5)), np.ones(3)), (1, 0))
    with pytest.raises(ValueError, match="shorter"):
        points((np.ones(3), np.ones(3)), (0,))


def test_a_function_gets_numbers_and_arrays_in_order():
    seen = []

    def function(number, row, label):
        seen.append((number, row.tolist(), label))
        assert type(number) is float
        assert type(label) is int
        return number

    result = over_points(function, ([[1.0], [2.0]], np.eye(3)[:2], 7), (0, 1, 0), float)
    assert result.tolist() == [[1.0, 1.0], [2.0, 2.0]]
    first, second = [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]
    assert seen == [(1.0, first, 7), (1.0, second, 7), (2.0, first, 7), (2.0, second, 7)]


def test_results_have_their_types_and_shapes():
    def function(x):
        return x, [x, -x], 1j * x, x > 1.0

    results = over_points(function, ([1.0, 2.0, 3.0],), 0, [float, (float, (2,)), complex, bool])
    assert [(result.dtype.kind, result.shape) for result in results] == [
        ("f", (3,)),
        ("f", (3, 2)),
        ("c", (3,)),
        ("b", (3,)),
    ]
    assert results[1].tolist() == [[1.0, -1.0], [2.0, -2.0], [3.0, -3.0]]
    assert results[3].tolist() == [False, True, True]


def test_a_single_point_and_no_point():
    assert over_points(lambda x: 2.0 * x, (1.5,), 0, float).shape == ()
    assert over_points(lambda x: 2.0 * x, (1.5,), 0, float) == 3.0
    assert over_points(lambda row: row, (np.ones((0, 4)),), 1, (float, (4,))).shape == (0, 4)


def test_a_list_of_one_result_is_one_of_several():
    (result,) = over_points(lambda x: (x,), ([1.0, 2.0],), 0, [float])
    assert result.tolist() == [1.0, 2.0]


def test_too_few_results_are_noticed():
    with pytest.raises(ValueError, match="shorter"):
        over_points(lambda x: (x,), ([1.0],), 0, [float, float])

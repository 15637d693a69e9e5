"""How the work of a solver is cut into tasks, and that no number depends on it."""

import math

import dask
import numpy as np
import pytest
import xarray as xr

from xglass.solvers import tasks


def array(**sizes):
    """Numbers that differ from entry to entry, with labels."""
    values = np.arange(math.prod(sizes.values()), dtype=float).reshape(tuple(sizes.values()))
    return xr.DataArray(values, {dim: np.arange(size) for dim, size in sizes.items()}, tuple(sizes))


def size(plan):
    """Points of the largest task."""
    return math.prod(plan.values())


def count(plan, sizes):
    """Number of tasks."""
    return math.prod(math.ceil(length / plan[dim]) for dim, length in sizes.items())


# -- loops -------------------------------------------------------------------------------------------


def test_loops_are_the_dimensions_that_are_not_core_in_the_order_in_which_they_come():
    energies, hopping = array(T=2, site=5), array(g=3, T=2, bond=4)
    assert list(tasks.loops([(energies, ["site"]), (hopping, ["bond"])]).items()) == [("T", 2), ("g", 3)]
    assert list(tasks.loops([(hopping, ["bond"]), (energies, ["site"])]).items()) == [("g", 3), ("T", 2)]
    assert tasks.loops([(array(site=5), ["site"]), (xr.DataArray(1.0), [])]) == {}


def test_what_is_core_of_one_input_only_is_a_loop_of_the_other():
    assert tasks.loops([(array(T=2), ["T"]), (array(T=2), [])]) == {"T": 2}


# -- plans -------------------------------------------------------------------------------------------

SIZES = {"g": 3, "T": 10, "walker": 100}


def test_without_chunks_there_is_no_plan():
    assert tasks.planned(None, SIZES, seconds=1e-3, hidden=["walker"], least=4, whole=True) is None


def test_by_default_every_point_is_a_task():
    assert tasks.planned("auto", SIZES) == {"g": 1, "T": 1, "walker": 1}
    assert tasks.planned("auto", {}) == {}
    assert tasks.planned("auto", {}, seconds=1e-3, nbytes=1e9, least=4) == {}


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (1e-6, {"g": 3, "T": 10, "walker": 100}),  # all of it takes 3 ms
        (1.0 / 3001, {"g": 3, "T": 10, "walker": 100}),  # just below a second
        (1.0 / 1000, {"g": 1, "T": 10, "walker": 100}),
        (1.0 / 500, {"g": 1, "T": 5, "walker": 100}),
        (1.0 / 120, {"g": 1, "T": 1, "walker": 100}),
        (1.0 / 50, {"g": 1, "T": 1, "walker": 50}),
        (1.0 / 60, {"g": 1, "T": 1, "walker": 50}),  # two equal blocks, not 60 and 40
        (20.0, {"g": 1, "T": 1, "walker": 1}),
    ],
)
def test_a_task_is_about_a_second_and_the_last_loops_are_gathered_first(seconds, expected):
    assert tasks.planned("auto", SIZES, seconds=seconds) == expected


@pytest.mark.parametrize("seconds", 10.0 ** np.arange(-6, 2))
@pytest.mark.parametrize("nbytes", [0.0, 1e3, 1e5, 1e7])
@pytest.mark.parametrize("sizes", [SIZES, {"T": 17, "g": 13}, {"walker": 997}])
def test_a_task_is_at_most_a_second_and_64_megabytes_and_not_much_less(seconds, nbytes, sizes):
    plan = tasks.planned("auto", sizes, seconds=seconds, nbytes=nbytes)
    assert list(plan) == list(reversed(sizes))
    assert all(1 <= plan[dim] <= length for dim, length in sizes.items())
    limit = min(1.0 / seconds, 64e6 / nbytes if nbytes else math.inf)
    assert size(plan) <= max(1.0, limit * (1 + 1e-12))
    # a longer block along the loop that is cut last of all would break the limit, or be more than there is
    for dim, length in sizes.items():
        if plan[dim] < length:
            fewer = math.ceil(length / (math.ceil(length / plan[dim]) - 1))
            assert size(plan | {dim: fewer}) > min(limit, math.prod(sizes.values()))


def test_blocks_are_as_equal_as_whole_numbers_are():
    plan = tasks.planned("auto", {"T": 100}, seconds=1.0 / 99)
    assert plan == {"T": 50}
    assert tasks.planned("auto", {"T": 10}, seconds=1.0 / 7) == {"T": 5}


def test_memory_cuts_what_takes_no_time():
    assert tasks.planned("auto", {"T": 8, "walker": 100}, seconds=1e-9, nbytes=64e6 / 200) == {
        "T": 2,
        "walker": 100,
    }
    assert tasks.planned("auto", {"T": 8}, seconds=1e-9, nbytes=1e9) == {"T": 1}
    assert tasks.planned("auto", {"T": 8}, seconds=1e-9, nbytes=0.0) == {"T": 8}


def test_work_of_more_than_a_second_is_shared_and_less_is_not():
    assert tasks.planned("auto", {"walker": 100}, seconds=1e-2, least=4) == {"walker": 100}
    assert tasks.planned("auto", {"walker": 120}, seconds=1e-2, least=4) == {"walker": 30}
    assert tasks.planned("auto", {"walker": 120}, seconds=1e-2) == {"walker": 60}
    assert tasks.planned("auto", {"walker": 1000}, seconds=1e-2, least=4) == {"walker": 100}
    assert tasks.planned("auto", {"walker": 2}, seconds=100.0, least=8) == {"walker": 1}


def test_there_are_ten_thousand_tasks_at_most_where_work_is_known():
    sizes = {"T": 1000, "walker": 1000}
    plan = tasks.planned("auto", sizes, seconds=10.0)
    assert plan == {"T": 1, "walker": 100}
    assert count(plan, sizes) == 10_000
    assert tasks.planned("auto", sizes, seconds=1e-9, nbytes=1e9) == {"T": 1, "walker": 100}
    assert (
        count(tasks.planned("auto", sizes), sizes) == 1_000_000
    )  # points that are tasks by themselves stay so


def test_a_dict_cuts_what_it_names_and_auto_the_rest():
    automatic = tasks.planned("auto", SIZES, seconds=1.0 / 50)
    assert tasks.planned({"T": 5}, SIZES, seconds=1.0 / 50) == automatic | {"T": 5}
    assert tasks.planned({}, SIZES, seconds=1.0 / 50) == automatic
    assert tasks.planned({"T": np.int64(5)}, SIZES)["T"] == 5


def test_with_whole_a_dict_leaves_the_rest_in_one_block_but_for_what_users_do_not_see():
    sizes = SIZES | {"vector": 3}
    arguments = {"seconds": 1.0, "hidden": ["vector"], "whole": True}
    assert tasks.planned({"T": 5}, sizes, **arguments) == {"g": 3, "T": 5, "walker": 100, "vector": 1}
    assert tasks.planned("auto", sizes, **arguments) == dict.fromkeys(sizes, 1)
    assert tasks.planned({"T": 5}, sizes, seconds=1.0, hidden=["vector"]) == {
        "g": 1,
        "T": 5,
        "walker": 1,
        "vector": 1,
    }


def test_equal_cuts_are_equal_plans_however_they_are_written():
    for everything in (-1, 10, 11, 10**6):
        assert tasks.planned({"T": everything}, SIZES)["T"] == 10


@pytest.mark.parametrize("chunks", ["Auto", "none", 5, 2.5, [5], (("T", 5),), True, b"auto"])
def test_chunks_of_another_kind_are_refused(chunks):
    with pytest.raises(ValueError, match=r"^chunks must be 'auto', a dict \{dimension: size\} or None, got "):
        tasks.planned(chunks, SIZES)


@pytest.mark.parametrize("dim", ["site", "vector", 3])
def test_a_dict_names_loops_that_users_see(dim):
    with pytest.raises(ValueError, match="cannot be chunked; dimensions to chunk are") as refused:
        tasks.planned({"T": 1, dim: 1}, SIZES | {"vector": 8}, hidden=["vector"])
    assert str(refused.value) == (
        f"chunks: {dim!r} cannot be chunked; dimensions to chunk are ['T', 'g', 'walker']"
    )


@pytest.mark.parametrize("number", [0, -2, 1.5, "2", None, True])
def test_sizes_are_whole_numbers_or_minus_one(number):
    with pytest.raises((TypeError, ValueError), match=r"^chunks\['T'\] must be a whole number >= 1, got "):
        tasks.planned({"T": number}, SIZES)


# -- cuts --------------------------------------------------------------------------------------------


def test_a_cut_has_no_labels_and_no_name_and_keeps_the_core_whole():
    labelled = array(T=4, site=6).assign_coords(kind=("site", list("ababab")), eta=-1.0).rename("energy")
    blocks = tasks.cut(labelled, ["site"], {"T": 3, "site": 2, "walker": 5})
    assert not blocks.coords
    assert blocks.name is None
    assert blocks.chunks == ((3, 1), (6,))
    np.testing.assert_array_equal(blocks.values, labelled.values)


def test_a_loop_without_a_plan_stays_whole():
    assert tasks.cut(array(T=4, g=3), [], {"T": 2}).chunks == ((2, 2), (3,))


def test_lazy_input_is_cut_anew_and_stays_lazy(no_compute):
    with no_compute:
        blocks = tasks.cut(array(T=4, site=6).chunk(T=1, site=2), ["site"], {"T": 2})
    assert blocks.chunks == ((2, 2), (6,))


def test_without_a_plan_numbers_come_at_once():
    bare = tasks.cut(array(T=4, site=6).chunk(T=1), ["site"], None)
    assert isinstance(bare.data, np.ndarray)
    assert not bare.coords
    np.testing.assert_array_equal(bare.values, array(T=4, site=6).values)


def test_a_number_has_nothing_to_cut():
    blocks = tasks.cut(xr.DataArray(2.5, {"eta": -1.0}), [], {"T": 2})
    assert (blocks.dims, dict(blocks.coords)) == ((), {})
    assert float(blocks) == 2.5
    assert isinstance(tasks.cut(xr.DataArray(2.5), [], None).data, np.ndarray)


# -- applied -----------------------------------------------------------------------------------------


def weighted(energy, T, *, power):
    """Sums over sites, and what each temperature makes of the energies: numbers that round."""
    ratio = np.abs(energy / T[..., None]) ** power
    return ratio.sum(axis=-1), np.exp(-ratio).astype(np.float32)


ENERGY = array(g=3, site=7) / 3.0 + 0.1
TEMPERATURE = array(T=5) / 7.0 + 0.3
INPUTS = {"energy": (ENERGY, ["site"]), "T": (TEMPERATURE, [])}
OUTPUTS = {"total": ([], np.float64), "weight": (["site"], np.float32)}


def both(plan, inputs=INPUTS):
    return tasks.applied(weighted, inputs, OUTPUTS, plan, settings={"power": 1.3})


def directly():
    """The same without labels, dask or any cut."""
    energy, T = np.broadcast_arrays(ENERGY.values[:, None, :], TEMPERATURE.values[None, :, None])
    return weighted(energy, T[..., 0], power=1.3)


@pytest.mark.parametrize(
    "plan",
    [
        None,
        {"g": 3, "T": 5},
        {"g": 1, "T": 1},
        {"g": 2, "T": 5},
        {"g": 3, "T": 2},
        {"g": 2, "T": 3},
        {"T": 2},
    ],
)
def test_no_bit_depends_on_the_cut(plan):
    results = both(plan)
    assert list(results) == list(OUTPUTS)
    for found, expected, (core, dtype) in zip(results.values(), directly(), OUTPUTS.values(), strict=True):
        assert found.dims == ("g", "T", *core)
        assert found.dtype == dtype
        assert not found.coords
        values = found.values
        assert values.dtype == dtype
        np.testing.assert_array_equal(values, expected)


def test_no_bit_depends_on_how_inputs_came():
    given = {
        "energy": (ENERGY.chunk(g=2, site=3), ["site"]),
        "T": (TEMPERATURE.chunk(T=4), []),
    }
    for plan in (None, {"g": 1, "T": 2}):
        for found, expected in zip(both(plan, given).values(), directly(), strict=True):
            np.testing.assert_array_equal(found.values, expected)


@pytest.mark.parametrize("plan", [{"g": 1, "T": 5}, {"g": 2, "T": 2}])
def test_names_of_tasks_are_those_of_numbers_not_of_labels_or_attributes(plan):
    """A store knows its chain by these names: a description that changes must not change them."""
    named = {
        "energy": (ENERGY.assign_attrs(units="Vc").assign_coords(g=[5, 6, 7]).rename("other"), ["site"]),
        "T": (TEMPERATURE.assign_attrs(units="K").drop_vars("T"), []),
    }
    for bare, other in zip(both(plan).values(), both(plan, named).values(), strict=True):
        assert other.data.name == bare.data.name
        assert not other.coords
    more = {"energy": (ENERGY + 1e-15, ["site"]), "T": INPUTS["T"]}
    assert both(plan, more)["total"].data.name != both(plan)["total"].data.name


@pytest.mark.parametrize(("plan", "blocks"), [({"g": 1, "T": 2}, (3, 3)), ({"g": 3, "T": 5}, (1, 1))])
def test_blocks_are_those_of_the_plan_and_one_task_computes_one_of_them(plan, blocks, no_compute):
    calls = []

    def counted(energy, T, *, power):
        if energy.size and T.size:  # dask looks at the shapes of results with empty arrays
            calls.append((energy.shape, T.shape))
        return weighted(energy, T, power=power)

    with no_compute:
        results = tasks.applied(counted, INPUTS, OUTPUTS, plan, settings={"power": 1.3})
    calls.clear()
    assert results["total"].data.numblocks == blocks
    assert results["weight"].data.numblocks == (*blocks, 1)  # core dimensions are whole
    dask.compute(*results.values(), scheduler="synchronous")
    assert len(calls) == math.prod(blocks)
    assert all(energy[-1] == 7 for energy, _ in calls)


def test_without_a_plan_results_are_there_and_the_engine_is_called_once():
    calls = []

    def counted(energy, T, *, power):
        calls.append(energy.shape)
        return weighted(energy, T, power=power)

    results = tasks.applied(counted, INPUTS, OUTPUTS, None, settings={"power": 1.3})
    assert len(calls) == 1
    assert all(isinstance(result.data, np.ndarray) for result in results.values())


def norm(energy):
    return np.sqrt((energy**2).sum(axis=-1))


def test_a_single_result_is_one_array_and_not_its_rows():
    """A result with as many rows as there are outputs would be unpacked without a word."""
    one = ENERGY.isel(g=[1])
    for plan in (None, {"g": 1}):
        results = tasks.applied(norm, {"energy": (one, ["site"])}, {"norm": ([], np.float64)}, plan)
        assert results["norm"].dims == ("g",)
        np.testing.assert_array_equal(results["norm"].values, norm(one.values))


def powers(energy, *, most):
    return energy[..., None] ** np.arange(most)


def test_sizes_of_dimensions_that_only_results_have_are_said():
    inputs = {"energy": (ENERGY, [])}
    outputs = {"power": (["power"], np.float64)}
    for plan in (None, {"g": 2, "site": 3}):
        results = tasks.applied(
            powers, inputs, outputs, plan, settings={"most": 4}, sizes={"power": 4} if plan else None
        )
        assert results["power"].sizes == {"g": 3, "site": 7, "power": 4}
        np.testing.assert_array_equal(results["power"].values, ENERGY.values[..., None] ** np.arange(4))


@pytest.mark.parametrize("core_first", [False, True])
def test_a_point_without_loops_is_one_lazy_task(core_first, no_compute):
    """xarray alone would compute at once where no input has a dimension of dask's."""
    number, site = (xr.DataArray(0.7), []), (array(site=7) + 0.1, ["site"])
    if core_first:
        inputs, function = {"site": site}, norm
    else:
        inputs, function = {"number": number}, np.sqrt
    with no_compute:
        (result,) = tasks.applied(function, inputs, {"result": ([], np.float64)}, {}).values()
    assert result.chunks == ()
    assert result.dims == ()
    assert len(result.data.__dask_keys__()) >= 1
    np.testing.assert_array_equal(result.values, function(next(iter(inputs.values()))[0].values))


@pytest.mark.filterwarnings("error")
def test_no_warning_of_many_blocks_where_inputs_have_one_loop_each():
    """dask warns where the result has far more blocks than any input."""
    many = {"a": (array(a=40), []), "b": (array(b=40), [])}
    (result,) = tasks.applied(np.add, many, {"sum": ([], np.float64)}, {"a": 1, "b": 1}).values()
    assert result.data.npartitions == 1600
    np.testing.assert_array_equal(
        result.isel(a=slice(2)).values, np.arange(2.0)[:, None] + np.arange(40.0)[None, :]
    )

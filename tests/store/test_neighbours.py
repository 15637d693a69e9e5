"""What stands around a store: neighbours with similar names, links, inputs that move,
growth that was given up.
"""

import shutil

import dask.array as da
import numpy as np
import pytest
import xarray as xr

import xglass as xg


def numbers(size=4, name="x"):
    return xr.Dataset({name: ("p", da.arange(size, chunks=1).astype(float))}, coords={"p": np.arange(size)})


def evaluate(data, path, **options):
    return xg.store.evaluate(data, path, progress=False, **options)


def run(**arguments):
    model = xg.testing.tiny_glass(eta=-0.5)
    return xg.testing.tiny_run(
        model, **({"weight": "classical", "chunks": {"T": 1, "walker": 1}, "sweep": 2} | arguments)
    )


class Broken(Exception):
    pass


@pytest.fixture
def broken(monkeypatch):
    """From now on every simulation fails."""
    from xglass.engine.charge import metropolis

    def refuse(*_, **__):
        raise Broken("no more")

    return lambda: monkeypatch.setattr(metropolis, "simulate", refuse)


@pytest.mark.parametrize(("mine", "other"), [("eta-1", "eta-1.5"), ("run", "run.zarr"), ("a[1]", "a1")])
def test_a_neighbour_that_is_being_made_is_left_alone(tmp_path, mine, other):
    making = tmp_path / f".{other}.{'0' * 32}.partial"
    making.mkdir()
    (making / "zarr.json").write_text("{}")
    evaluate(numbers(), tmp_path / mine)
    assert (making / "zarr.json").exists()


@pytest.mark.parametrize("name", ["a.partial", "growth-1", "regions", "zarr.json", "a\\b", ".hidden", "done"])
def test_names_that_the_folder_needs_are_refused(tmp_path, name):
    with pytest.raises(ValueError, match="cannot be the name of a stored variable"):
        evaluate(numbers(name=name), tmp_path / "s.zarr")
    assert not (tmp_path / "s.zarr").exists()


def test_a_note_beside_the_numbers_does_no_harm(tmp_path):
    stored = evaluate(numbers(), tmp_path / "s.zarr")
    (tmp_path / "s.zarr" / "growth-notes.txt").write_text("grew well")
    assert xg.store.load(tmp_path / "s.zarr").identical(stored)


@pytest.mark.parametrize("state", ["empty", "dangling", "store"])
def test_a_link_to_a_folder_is_that_folder(tmp_path, state):
    target, link = tmp_path / "scratch", tmp_path / "link.zarr"
    if state == "empty":
        target.mkdir()
    elif state == "store":
        evaluate(numbers(), target)
    link.symlink_to(target)
    xr.testing.assert_identical(evaluate(numbers(), link).compute(), numbers().compute())
    assert (target / "zarr.json").exists()


def test_a_link_into_another_store_is_refused(tmp_path):
    evaluate(numbers(), tmp_path / "s.zarr")
    (tmp_path / "link").symlink_to(tmp_path / "s.zarr" / "x")
    with pytest.raises(ValueError, match="inside another store"):
        evaluate(numbers(), tmp_path / "link" / "new.zarr")


def test_a_store_that_was_moved_says_so_to_those_who_read_it(tmp_path):
    stored = evaluate(numbers(), tmp_path / "old.zarr")
    square = stored**2
    shutil.move(tmp_path / "old.zarr", tmp_path / "new.zarr")
    with pytest.raises(
        ValueError, match=r"old\.zarr' is gone, moved or deleted; load it from where it is now"
    ):
        stored.compute()
    with pytest.raises(xg.store.EvaluationError, match=r"old\.zarr' is gone"):
        evaluate(square, tmp_path / "square.zarr")
    shutil.move(tmp_path / "new.zarr", tmp_path / "old.zarr")
    xr.testing.assert_equal(evaluate(square, tmp_path / "square.zarr").compute(), numbers().compute() ** 2)


def test_growth_that_was_given_up_leaves_the_rest_usable(tmp_path, broken):
    path, small = tmp_path / "run.zarr", run(T=[0.1], walker=2)
    want = small.compute()
    evaluate(small, path)
    broken()
    with pytest.raises(xg.store.EvaluationError, match="2 of 4 regions .* failed"):
        evaluate(run(T=[0.1, 0.2], walker=2), path)
    xr.testing.assert_identical(
        evaluate(run(T=[0.1], walker=2), path).compute(), want
    )  # computes nothing: it would fail
    with pytest.raises(ValueError, match="unfinished: 2 of 4 .* delete the folders growth-1 and up"):
        xg.store.load(path)
    shutil.rmtree(path / "growth-1")
    xr.testing.assert_identical(xg.store.load(path).compute(), want)


def test_what_is_asked_for_is_computed_and_no_more(tmp_path):
    path = tmp_path / "run.zarr"
    evaluate(run(T=[0.1, 0.2], walker=2), path, shard="1/4")
    part = evaluate(run(T=[0.2], walker=[1]), path)
    xr.testing.assert_identical(part.compute(), run(T=[0.2], walker=[1]).compute())
    assert xg.store.progress(path).done == 2


def test_data_of_an_unfinished_store_are_no_results(tmp_path):
    part = evaluate(run(T=[0.1, 0.2], walker=2), tmp_path / "run.zarr", shard="1/2")
    C = xg.autocorrelation(part, waiting_time=1)
    for data in (C, C.drop_vars("done"), part.drop_vars("done")):
        with pytest.raises(ValueError, match="from a store that is not finished; evaluate that one first"):
            evaluate(data, tmp_path / "C.zarr")
    assert not (tmp_path / "C.zarr").exists()


def test_labels_that_repeat_are_known_again_and_cannot_grow(tmp_path):
    data = numbers().assign_coords(p=[0, 0, 1, 1])
    stored = evaluate(data, tmp_path / "s.zarr")
    assert evaluate(data, tmp_path / "s.zarr").identical(stored)
    assert evaluate(stored, tmp_path / "s.zarr").identical(stored)
    with pytest.raises(ValueError, match="holds something else"):
        evaluate(data.isel(p=slice(0, 2)), tmp_path / "s.zarr")


def test_a_run_that_goes_on_from_another_is_told_that_it_cannot_grow(tmp_path):
    first = run().compute()
    evaluate(run(start=first), tmp_path / "s.zarr")
    with pytest.raises(ValueError, match="a run grows when it comes straight from its solver"):
        evaluate(run(start=first, sweep=4), tmp_path / "s.zarr")

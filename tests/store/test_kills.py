"""Killed at random moments, a store goes on: the short form of tests/benchmarks/store_kills.py."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "benchmarks" / "store_kills.py"
ROWS = 4


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("store_kills", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def unbroken(script, tmp_path_factory):
    return script.unbroken(tmp_path_factory.mktemp("unbroken") / "store.zarr", ROWS)


def test_the_mock_is_cut_in_the_regions_that_it_says(script, unbroken):
    state = script.xg.store.progress(unbroken)
    assert state.done == state.total == ROWS * script.COLUMNS
    data = script.xg.store.load(unbroken)
    assert {name: variable.dtype for name, variable in data.data_vars.items()} == {
        "n": np.int8,
        "e": np.float64,
    }
    assert data["n"].values.any()
    assert np.ptp(data["e"].values) > 0


@pytest.mark.parametrize(("shards", "kills"), [(1, 5), (2, 4)])
def test_what_was_done_survives_every_kill_and_the_end_is_that_of_an_unbroken_run(
    script, unbroken, tmp_path, shards, kills
):
    figures = script.torture(tmp_path, unbroken, kills=kills, rows=ROWS, shards=shards)
    assert figures["kills"] == kills
    assert figures["extra"] <= script.THREADS * kills
    assert figures["starts"] >= figures["stores"] * ROWS * script.COLUMNS * script.BLOCKS

"""Killed at random moments, a store goes on: the short form of tests/benchmarks/store_kills.py."""

import importlib
import multiprocessing
import subprocess
from pathlib import Path

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"
ROWS = 4


class Child:
    """A process like those of the script, forked from one that has imported everything and done nothing.

    It is killed as any other; what is saved is a second of imports for each of them.
    """

    def __init__(self, context, work, *arguments):
        self.process = context.Process(target=work, args=arguments)
        self.process.start()

    def poll(self):
        return self.process.exitcode

    def wait(self, timeout=None):
        self.process.join(timeout)
        if self.process.exitcode is None:
            raise subprocess.TimeoutExpired("work", timeout)
        return self.process.exitcode

    def kill(self):
        self.process.kill()


@pytest.fixture(scope="module")
def script():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        module = importlib.import_module("store_kills")
        context = multiprocessing.get_context("forkserver")
        context.set_forkserver_preload(["store_kills", "xglass.store.evaluation", "zarr"])
        patch.setattr(module, "child", lambda *arguments: Child(context, module.work, *arguments))
        yield module


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

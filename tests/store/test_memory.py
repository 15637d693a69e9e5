"""Memory of evaluation and reductions does not grow with the run:
the short form of tests/benchmarks/store.py, in a child process.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="peaks of single steps are read from /proc"
)

BENCHMARK = Path(__file__).resolve().parents[1] / "benchmarks" / "store.py"
CHUNK, WARM, SMALL, LARGE = 8, 4, 6, 60  # MB and regions
LIMIT = 320  # MB for a child that has a run of 480 MB of occupations
STEPS = (
    "evaluate imitation",
    "autocorrelation",
    "thinned structure_factor",
    "histogram",
    "thinned histogram of recomputed energies",
    # those over all walkers hold every energy between their two passes, as ops.moments says
    "moments of every walker",
    "jackknife of 5 groups",
)
CONTROL = f"{LARGE}:everything at once"


@pytest.fixture(scope="module")
def figures(tmp_path_factory):
    """{"regions:step": [peak in MB, seconds]} of one child under a limit, the small run first.

    A run of four regions goes before both: the threads of zarr and of dask come into being one by one, and
    malloc lets each of them keep a chunk or two. That is a number of chunks for every thread, not for every
    region, and is not what grows.
    """
    steps = [f"{regions}:{step}" for regions in (WARM, SMALL, LARGE) for step in STEPS]
    path = tmp_path_factory.mktemp("memory")
    done = subprocess.run(
        [sys.executable, str(BENCHMARK), "--child", str(CHUNK), str(path), str(LIMIT), *steps, CONTROL],
        capture_output=True,
        text=True,
        env=os.environ | {"DASK_NUM_WORKERS": "2"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_run_larger_than_the_memory_is_evaluated_and_reduced(figures):
    assert figures[CONTROL][0] == "MemoryError"  # the limit holds: the run as a whole does not fit
    assert [step for step, (peak, _) in figures.items() if peak == "MemoryError"] == [CONTROL]


@pytest.mark.parametrize("step", STEPS)
def test_ten_times_the_regions_take_three_chunks_more_at_most(figures, step):
    # Besides chunks there are the tasks, keys and labels of every region: about 0.4 MB of them in a jackknife
    # of 20 groups (tracemalloc finds 0.24 MB in its 100 tasks), so 0.15 MB in one of 5.
    objects = 0.15 * (LARGE - SMALL)
    assert figures[f"{LARGE}:{step}"][0] - figures[f"{SMALL}:{step}"][0] <= 3 * CHUNK + objects

"""Threads, hypothesis profiles and the guards against hidden computation.

Loaded before anything imports numpy.
"""

import os

for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")
os.environ["MPLBACKEND"] = "Agg"

import contextlib
import sys
from collections.abc import Callable, Iterator

import dask
import hypothesis
import pytest

collect_ignore = ["benchmarks"]  # scripts: importing one sets threads and needs its neighbours on the path

# deadline=None: the first call of a kernel compiles it. Anything slower than that is the test's own business.
hypothesis.settings.register_profile(
    "dev",
    max_examples=25,
    deadline=None,
    print_blob=True,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
_dev = hypothesis.settings.get_profile("dev")
hypothesis.settings.register_profile("ci", parent=_dev, derandomize=True, database=None)
hypothesis.settings.register_profile("deep", parent=_dev, max_examples=1000)
hypothesis.settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE", "ci" if os.environ.get("CI") else "dev")
)


#: What takes longest, with which pytest-xdist begins: files, and the folder that is one group. A worker that
#: comes upon these last would be the only one that still works.
LONGEST = (
    "test_recipes",
    "store",
    "test_exact_chain",
    "test_exact_glass",
    "test_tls_dmft",
    "test_tls_typicality",
    "test_tls_ftlm",
    "test_lazy",
    "test_compile",
    "test_invariance",
    "test_labels",
)


def pytest_configure(config: pytest.Config) -> None:
    """Keep the order below: xdist's own begins with the groups of most tests, and ends with single ones."""
    if hasattr(config.option, "loadscopereorder"):
        config.option.loadscopereorder = False


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """For pytest-xdist, ``--dist loadgroup``: what may run in different workers, and in which order.

    The tests of a file share its fixtures and run in one worker. So do all tests of the store, whose
    processes would take each other's processors. Recipes and house rules have nothing to share; the latter
    are many, short, and fill what is left at the end.
    """

    def place(item: pytest.Item) -> int:
        name = "store" if item.path.parent.name == "store" else item.path.stem
        after = len(LONGEST) + (name == "test_house")
        return LONGEST.index(name) if name in LONGEST else after

    for item in items:
        if item.path.stem not in ("test_recipes", "test_house"):
            group = "store" if item.path.parent.name == "store" else str(item.path)
            item.add_marker(pytest.mark.xdist_group(group))
    if hasattr(config, "workerinput"):
        items.sort(key=place)


@pytest.fixture(scope="session", autouse=True)
def _agg() -> Iterator[None]:
    """Figures go to memory, never to a window (MPLBACKEND above),
    also if something imported matplotlib before us.
    """
    if "matplotlib" in sys.modules:
        sys.modules["matplotlib"].use("Agg", force=True)
    yield
    if "matplotlib.pyplot" in sys.modules:
        sys.modules["matplotlib.pyplot"].close("all")


@pytest.fixture
def no_compute() -> contextlib.AbstractContextManager[object]:
    """``with no_compute:`` any dask computation inside raises.

    A context, so that the test may compute after it.
    """
    from xglass.testing import forbid_compute

    return forbid_compute()


@pytest.fixture
def max_computes() -> Callable[[int], contextlib.AbstractContextManager[list[int]]]:
    """``with max_computes(1) as count:`` at most one whole-graph computation;
    ``count[0]`` is how many there were.
    """

    @contextlib.contextmanager
    def guard(limit: int) -> Iterator[list[int]]:
        count = [0]

        def scheduler(graph: object, keys: object, **options: object) -> object:
            count[0] += 1
            assert count[0] <= limit, f"computed {count[0]} times, at most {limit} allowed"
            return dask.get(graph, keys, **options)

        with dask.config.set(scheduler=scheduler):
            yield count

    return guard

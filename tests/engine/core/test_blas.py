"""One BLAS thread while anything of ours computes, and the user's own number afterwards."""

import threading

import numpy as np
import pytest
import scipy.linalg.cython_lapack  # noqa: F401  the second BLAS of the process
from threadpoolctl import threadpool_info, threadpool_limits

from xglass.engine.core.blas import single_thread


def threads():
    return [library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]


@pytest.fixture
def two_threads():
    with single_thread():  # whatever it was made with, the limiter knows its libraries now
        pass
    with threadpool_limits(2, user_api="blas"):
        yield
        assert set(threads()) == {2}


def test_limit_and_restore(two_threads):
    with single_thread():
        assert set(threads()) == {1}
        with single_thread():
            assert set(threads()) == {1}
        assert set(threads()) == {1}


def test_restored_after_an_error(two_threads):
    with pytest.raises(RuntimeError), single_thread():
        raise RuntimeError
    assert set(threads()) == {2}


def test_threads_that_enter_and_leave_in_turn(two_threads):
    """First in, first out: limits nested by two threads on their own would leave one of them behind."""
    first_in, second_in, first_out = threading.Event(), threading.Event(), threading.Event()
    seen = []

    def first():
        with single_thread():
            first_in.set()
            second_in.wait(10)
        first_out.set()

    def second():
        first_in.wait(10)
        with single_thread():
            second_in.set()
            first_out.wait(10)
            seen.extend(threads())  # the other has left, the limit must stand
            np.linalg.eigvalsh(np.eye(3))

    workers = [threading.Thread(target=f) for f in (first, second)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert set(seen) == {1}
    assert set(threads()) == {2}


def test_another_thread_than_the_one_that_limited_before(two_threads):
    """The main thread holds a limit of its own (the fixture);
    a worker of dask must be limited all the same.
    """
    seen = []

    def work():
        with single_thread():
            seen.extend(threads())

    worker = threading.Thread(target=work)
    worker.start()
    worker.join()
    assert set(seen) == {1}
    assert set(threads()) == {2}

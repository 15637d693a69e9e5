"""Who computes may come late, or die: every region is stored or named, and the call ends."""

import _thread
import concurrent.futures
import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
import time
import types

import cloudpickle
import dask
import dask.array as da
import numpy as np
import pytest
import xarray as xr

import xglass as xg
from xglass.store import pools, workers

distributed = pytest.importorskip("distributed")


def evaluate(data, path, **options):
    return xg.store.evaluate(data, path, progress=False, **options)


def regions(number, function):
    """Lazy data of so many regions; ``function`` is given the number of each, and sent by value."""
    blocks = da.arange(number, chunks=1).map_blocks(
        lambda x: np.array([float(function(int(x[0])))]), dtype=float
    )
    return xr.DataArray(blocks, dims="k", name="x", coords={"k": range(number)})


def slow(seconds):
    def compute(k):
        import time

        time.sleep(seconds)
        return k

    return compute


@contextlib.contextmanager
def when(condition, action):
    """Do something in another thread as soon as something is true."""
    over = threading.Event()

    def watch():
        while not over.wait(0.02):
            with contextlib.suppress(FileNotFoundError, ValueError):
                if condition():
                    action()
                    return

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def stored(path):
    return xg.store.progress(path).done


def stored_says(error):
    return int(re.search(r"; (\d+) of \d+ regions of .* are stored", str(error.value))[1])


# -- a cluster of processes, each on its own ---------------------------------------------------------


def program(name, *arguments):
    environment = {k: v for k, v in os.environ.items() if not k.endswith("_NUM_THREADS")}
    return subprocess.Popen(
        [sys.executable, "-m", f"distributed.cli.dask_{name}", "--no-dashboard", *arguments],
        env=environment | {"DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES": "0"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


class Machines:
    """A scheduler and workers without nannies, each a process; all end with the context."""

    def __init__(self, folder):
        self.file = str(folder / "scheduler.json")
        self.running = []

    def __enter__(self):
        self.scheduler = program(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", self.file
        )
        self.running.append(self.scheduler)
        return self

    def worker(self):
        options = ["--no-nanny", "--nthreads", "1", "--host", "127.0.0.1", "--scheduler-file", self.file]
        self.running.append(program("worker", *options))

    def client(self):
        while not os.path.exists(self.file):
            time.sleep(0.05)
        return distributed.Client(scheduler_file=self.file, timeout=30)

    def __exit__(self, *_):
        for process in self.running:
            process.kill()
            process.wait()


def test_the_scheduler_dies(tmp_path):
    data, path, killed = regions(60, slow(0.1)), tmp_path / "data.zarr", []
    with Machines(tmp_path) as machines:
        machines.worker()
        client = machines.client()

        def kill():
            machines.scheduler.kill()
            killed.append(time.monotonic())

        with (
            when(lambda: stored(path) >= 3, kill),
            pytest.raises(xg.store.EvaluationError, match="scheduler tcp://.* is gone or cannot") as caught,
        ):
            evaluate(data, path)
        assert time.monotonic() - killed[0] < 60
        client.close(timeout=1)
    assert 3 <= stored_says(caught) <= stored(path) < 60
    assert xg.store.failures(path) == []
    assert evaluate(data, path).values.tolist() == [*range(60)]


def test_blas_has_one_thread_and_what_ends_a_worker_is_told_from_its_neighbours(tmp_path):
    """Workers without a nanny; the cluster gives a region up after one worker."""

    def compute(k):
        import os
        import pathlib

        import threadpoolctl

        if k == 7 or (k == 3 and not pathlib.Path(flag).exists()):
            pathlib.Path(flag).touch()
            os._exit(1)
        libraries = threadpoolctl.ThreadpoolController().info()
        return max(library["num_threads"] for library in libraries if library["user_api"] == "blas")

    flag, path = str(tmp_path / "flag"), tmp_path / "data.zarr"
    with Machines(tmp_path) as machines:
        for _ in range(4):  # three of them will end
            machines.worker()
        with machines.client() as client:
            client.wait_for_workers(4)
            with pytest.raises(xg.store.EvaluationError, match=r"1 of 10 regions .*\n.*'k': 7.*KilledWorker"):
                evaluate(regions(10, compute), path)
    assert [record["parameters"] for record in xg.store.failures(path)] == [{"k": 7}]
    found = xg.store.load(path, partial=True)
    assert found.sel(k=found["done"].values).values.tolist() == [1.0] * 9


# -- a cluster in this process -----------------------------------------------------------------------


HERE = {
    "n_workers": 1,
    "threads_per_worker": 1,
    "processes": False,
    "protocol": "tcp://",
    "host": "127.0.0.1",
    "dashboard_address": ":0",
}


@pytest.fixture(scope="module")
def cluster():
    with distributed.LocalCluster(**HERE) as cluster:
        yield cluster


def test_the_client_is_closed(cluster, tmp_path):
    data, path = regions(200, slow(0.05)), tmp_path / "data.zarr"
    client = distributed.Client(cluster)
    with (
        when(lambda: stored(path) >= 3, client.close),
        pytest.raises(xg.store.EvaluationError, match="the client of the scheduler .* was closed") as caught,
    ):
        evaluate(data, path)
    assert 3 <= stored_says(caught) < 200
    assert xg.store.failures(path) == []


def test_regions_that_the_cluster_takes_back_are_given_to_it_again(cluster, tmp_path):
    data, path = regions(20, slow(0.02)), tmp_path / "data.zarr"
    with distributed.Client(cluster) as client:
        with when(
            lambda: stored(path) >= 3, lambda: client.cancel([*map(distributed.Future, client.futures)])
        ):
            evaluate(data, path)
    assert stored(path) == 20


def test_stopping_leaves_nothing_behind(cluster, tmp_path):
    path = tmp_path / "data.zarr"
    with distributed.Client(cluster) as client:
        with (
            when(lambda: stored(path) >= 3, _thread.interrupt_main),
            pytest.raises(KeyboardInterrupt, match=r"\d+ of 200 regions are stored; call evaluate again"),
        ):
            evaluate(regions(200, slow(0.1)), path)
        done = stored(path)
        assert done < 200
        time.sleep(0.3)
        assert stored(path) == done
        assert not client.futures


def test_an_evaluation_is_a_task_itself(cluster, tmp_path):
    """It does not wait for the place that it takes."""
    path = str(tmp_path / "data.zarr")
    with distributed.Client(cluster) as client:
        assert client.submit(lambda: evaluate(regions(3, slow(0)), path).sizes["k"]).result(timeout=60) == 3
    assert stored(path) == 3


def test_workers_that_come_late_are_used(cluster, tmp_path):
    def compute(k):
        import time

        begin = time.time()
        time.sleep(0.2)
        return begin

    path = tmp_path / "data.zarr"
    with distributed.Client(cluster), when(lambda: stored(path) >= 1, lambda: cluster.scale(6)):
        begin = evaluate(regions(60, compute), path).values
    beside = (abs(begin[:, None] - begin) < 0.2).sum(axis=0)
    assert beside.max() >= 5


class Silent:
    """A client of a scheduler that answers at times only."""

    status = "running"

    def __init__(self, *answers):
        self.answers, self.asked = iter(answers), 0
        self.scheduler = types.SimpleNamespace(address="tcp://here")

    def nthreads(self, callback_timeout):
        self.asked += 1
        answer = next(self.answers)
        if answer is None:
            time.sleep(callback_timeout)
            raise TimeoutError
        return answer


def test_a_scheduler_is_lost_that_is_silent_for_long(monkeypatch, recwarn):
    monkeypatch.setattr(pools, "LOOK", 0.0)
    monkeypatch.setattr(pools, "WITHOUT_WORKERS", 0.0)
    monkeypatch.setattr(pools, "ANSWER", 0.05)
    one, none = {"tcp://a": 3}, {}
    client = Silent(one, None, one, {"tcp://a": 3, "tcp://b": 40}, none, none, none, None, None)
    cluster = pools._Cluster(client, None)
    rooms = []
    for _ in range(7):
        cluster.look()
        rooms.append(cluster.room())
    assert rooms == [64, 64, 172, 64, 64, 64, 64]
    assert [str(warning.message) for warning in recwarn] == [
        "the scheduler tcp://here has no workers; regions wait for the first that comes"
    ]
    with pytest.raises(pools.Lost, match="tcp://here is gone or cannot be reached"):
        cluster.look()
    assert client.asked == 9


# -- what is in flight -------------------------------------------------------------------------------


class Recorded(pools.Pool):
    """Sends nothing: packed regions lie here until somebody looks, and then the first is computed."""

    elsewhere, patience = True, 0.0

    def __init__(self):
        super().__init__(1, dask.get)
        self.waiting, self.sizes, self.most, self.most_bytes, self.rooms = [], [], [], [], iter([])

    def room(self):
        return next(self.rooms, 1000)

    def submit(self, function, content):
        self.waiting.append((future := concurrent.futures.Future(), function, content))
        self.sizes.append(len(content))
        self.most.append(len(self.waiting))
        self.most_bytes.append(sum(len(content) for *_, content in self.waiting))
        return future

    def look(self):
        if self.waiting:
            future, function, content = self.waiting.pop(0)
            try:
                future.set_result(function(content))
            except Exception as error:
                future.set_exception(error)


@pytest.fixture
def pool(monkeypatch):
    pool = Recorded()
    monkeypatch.setattr(pools, "current", lambda: contextlib.nullcontext(pool))
    return pool


def test_regions_of_a_run_are_sent_by_name(pool, tmp_path):
    """8.5 MB each before, which was the interaction."""
    glass = xg.charge_glass(xg.lattice.triangular(32))
    run = xg.metropolis(
        glass, T=[0.1, 0.2], walker=2, sweep=1, weight="classical", seed=1, chunks={"walker": 1}
    )
    found = evaluate(run, tmp_path / "run.zarr")
    assert len(pool.sizes) == 2
    assert max(pool.sizes) < 10_000
    xr.testing.assert_identical(found.compute(), run.compute())
    # what is made of a stored run knows it by name, too
    evaluate(found["occupation"].mean("site"), tmp_path / "mean.zarr")
    assert max(pool.sizes) < 10_000


def run(**options):
    glass = xg.charge_glass(
        xg.lattice.triangular(4),
        t_p=0.12,
        eta=[-1.0, -0.2],
        site_energy=options.pop("site_energy", None),
        self_image="include",
    )
    return xg.metropolis(
        glass,
        **{"T": [0.1, 0.2, 0.3], "walker": 5, "sweep": 4, "every": 2, "seed": 3}
        | {"chunks": {"T": 1, "walker": 2}}
        | options,
    )


RUNS = {
    "random": {},
    "ordered": {"start": "ordered", "weight": "classical"},
    "exchange": {"moves": "exchange", "weight": "free_energy"},
    "ramp": {"ramp": xr.DataArray([1.0, 2.0, 1.5, 1.2, 1.0], dims="sweep")},
    "single": {"T": 0.1, "walker": [4], "chunks": {}},
    "disorder": {
        "site_energy": xr.DataArray(np.linspace(-1.0, 1.0, 48).reshape(3, 16), dims=("realization", "site")),
        "chunks": {"realization": 2},
    },
}


@pytest.mark.parametrize(
    ("name", "together"),
    [("random", 1), ("random", 4), ("ordered", 256), ("exchange", 4), ("ramp", 1), ("single", 256)]
    + [("disorder", 1), ("disorder", 256)],
)
def test_regions_that_are_made_again_are_the_same(name, together, pool, tmp_path, monkeypatch):
    """Alone, with a few neighbours, or with all."""
    monkeypatch.setattr("xglass.store.workers.TOGETHER", together)
    found = evaluate(run(**RUNS[name]), tmp_path / "run.zarr").compute()
    assert max(pool.sizes) < 10_000
    xr.testing.assert_identical(found, run(**RUNS[name]).compute())


def test_a_worker_with_another_revision_of_a_solver_is_refused(pool, tmp_path, monkeypatch):
    submit, revisions = pool.submit, workers.provenance.revisions

    def elsewhere(data):
        return {name: revision + 1 for name, revision in revisions(data).items()}

    def submit_there(function, *arguments):
        monkeypatch.setattr(workers.provenance, "revisions", elsewhere)
        return submit(function, *arguments)

    monkeypatch.setattr(pool, "submit", submit_there)
    with pytest.raises(xg.store.EvaluationError, match=r"revision 1 there, 2 in this xglass"):
        evaluate(run(walker=2), tmp_path / "run.zarr")
    assert stored(tmp_path / "run.zarr") == 0


def test_regions_of_a_run_that_grew_and_began_from_given_states_are_the_same(pool, tmp_path):
    start = run(seed=8)["occupation"].isel(sweep=-1, drop=True).compute()
    options = {"start": start, "every": 1}
    evaluate(run(sweep=2, walker=3, **options), tmp_path / "run.zarr")
    found = evaluate(run(sweep=5, **options), tmp_path / "run.zarr").compute()
    assert max(pool.sizes) < 10_000
    xr.testing.assert_identical(found, run(sweep=5, **options).compute())


def test_what_is_in_flight_is_bounded_in_bytes_and_asked_for_anew(pool, tmp_path):
    large = np.zeros(12_500_000, dtype=np.int8)
    evaluate(regions(12, lambda k: k + large[k]), tmp_path / "large.zarr")
    assert max(pool.most_bytes) <= pools.MOST_BYTES
    assert max(pool.most) == 5
    pool.rooms, pool.most = iter([1, 1, 1, 4, 4, 4, 4]), []
    evaluate(regions(12, lambda k: k), tmp_path / "small.zarr")
    assert pool.most[:3] == [1, 1, 1]
    assert 4 in pool.most
    # one that is larger than all together may be is sent alone
    huge = np.zeros(pools.MOST_BYTES + 1, dtype=np.int8)
    pool.most = []
    evaluate(regions(2, lambda k: k + huge[k]), tmp_path / "huge.zarr")
    assert max(pool.most) == 1


def test_a_region_that_is_taken_back_again_and_again_fails(pool, tmp_path, monkeypatch):
    def taken_back(future):
        raise pools.Gone("the cluster took it back", suspect=False)

    monkeypatch.setattr(pool, "result", taken_back)
    with pytest.raises(xg.store.EvaluationError, match="1 of 1 .*\n.*the cluster took it back"):
        evaluate(regions(1, float), tmp_path / "data.zarr")
    assert len(pool.sizes) == 4


def test_a_store_that_is_not_where_regions_are_computed_is_missed_by_name(tmp_path):
    evaluate(run(), tmp_path / "run.zarr")
    content = cloudpickle.dumps(xg.store.load(tmp_path / "run.zarr"))
    (tmp_path / "run.zarr").rename(tmp_path / "elsewhere.zarr")
    read = "import sys, cloudpickle\ntry:\n    cloudpickle.load(sys.stdin.buffer)\n"
    read += "except OSError as error:\n    print(error.strerror)\n"
    done = subprocess.run([sys.executable, "-c", read], input=content, capture_output=True, timeout=60)
    assert b"it is not there on" in done.stdout
    assert b"all workers must see the folder" in done.stdout


# -- processes of this machine -----------------------------------------------------------------------


def test_a_process_that_ends_takes_no_neighbour_with_it(tmp_path):
    def compute(k):
        import os
        import signal
        import time

        if k == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.5)
        return k

    with (
        dask.config.set(scheduler="processes", num_workers=2),
        pytest.raises(xg.store.EvaluationError, match=r"1 of 4 regions .*\n.*'k': 1}: its process ended"),
    ):
        evaluate(regions(4, compute), tmp_path / "data.zarr")
    assert [record["parameters"] for record in xg.store.failures(tmp_path / "data.zarr")] == [{"k": 1}]
    assert stored(tmp_path / "data.zarr") == 3


FORK = """
import multiprocessing, sys
import xglass as xg

def work(path):
    for call in (lambda: xg.store.evaluate(run, path, progress=False), lambda: xg.store.verify(path)):
        try:
            call()
        except RuntimeError as error:
            print(error)
        else:
            print("computed")

run = xg.testing.tiny_run(weight="classical", chunks={"T": 1})
steps = {
    "nothing": lambda: None,
    "stored": lambda: xg.store.evaluate(run, sys.argv[1], progress=False),
    "computed": run.compute,
}
for name, step in steps.items():
    step()
    process = multiprocessing.get_context("fork").Process(target=work, args=[sys.argv[1] + name])
    process.start()
    process.join(20)
    print("ended" if process.exitcode == 0 else process.kill())
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there are no forks here")
def test_a_fork_of_a_process_that_has_computed_is_refused(tmp_path):
    arguments = [sys.executable, "-W", "ignore", "-c", FORK, str(tmp_path / "run")]
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=90)
    lines = done.stdout.splitlines()
    assert lines[:3] == ["computed", "computed", "ended"], done.stderr
    assert lines[5::3] == ["ended", "ended"]
    for line, name in zip(lines[3:5] + lines[6:8], ["evaluate", "verify"] * 2, strict=True):
        assert re.match(rf"{name}: this process is a fork .* start processes by .*'spawn'", line)


# -- signals and dates -------------------------------------------------------------------------------


@pytest.mark.parametrize("date", [2**32, 0], ids=["the future", "1970"])
def test_a_mark_with_an_impossible_date_is_no_guess_at_the_time_left(date, tmp_path):
    evaluate(regions(6, slow(0)), tmp_path / "data.zarr", shard="1/2")
    mark = next((tmp_path / "data.zarr" / "regions" / "done").glob("c.*"))
    os.utime(mark, (date, date))
    state = xg.store.progress(tmp_path / "data.zarr")
    assert state.done == 3
    assert not state.seconds_left > 60
    assert "left" not in str(state)


TERMINATED = """
import sys
import xglass as xg
from xglass.store import disk
write = disk.Part.write
disk.Part.write = lambda self, index, blocks: (write(self, index, blocks), print("region", flush=True))
run = xg.testing.tiny_run(weight="classical", walker=60, sweep=2000, chunks={"T": 1, "walker": 1})
xg.store.evaluate(run, sys.argv[1], progress=False)
"""


def test_a_process_that_is_terminated_loses_no_more_than_the_regions_in_work(tmp_path):
    path = tmp_path / "run.zarr"
    with subprocess.Popen(
        [sys.executable, "-c", TERMINATED, str(path)], stdout=subprocess.PIPE, text=True
    ) as process:
        process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        process.stdout.read()
    assert process.returncode == -signal.SIGTERM
    assert 1 <= stored(path) < 120
    assert xg.store.failures(path) == []
    assert xg.store.verify(path, fraction=0.01) >= 1

"""Evaluate and load: what comes back is what was asked for, bit for bit,
whoever computes it and however often it is asked for.
"""

import os
import subprocess
import sys

import dask
import dask.array as da
import dask.base
import numpy as np
import pytest
import xarray as xr

import xglass as xg
from xglass.engine.charge import metropolis, metropolis_kernels
from xglass.store import disk
from xglass.store.__main__ import main


def run(**arguments):
    return xg.testing.tiny_run(**({"weight": "classical", "chunks": {"T": 1}} | arguments))


def evaluate(data, path, **options):
    return xg.store.evaluate(data, path, progress=False, **options)


def same(found, expected):
    """Equal names, labels, attributes, dimensions in order, types and bytes."""
    found, expected = (data.compute(scheduler="sync") for data in (found, expected))
    xr.testing.assert_identical(found, expected)
    if isinstance(expected, xr.DataArray):
        assert (found.name, found.dims) == (expected.name, expected.dims)
        found, expected = (data.to_dataset(name="value") for data in (found, expected))
    for name, variable in expected.variables.items():
        assert found[name].dtype == variable.dtype, name
        assert found[name].dims == variable.dims, name
        assert (
            np.ascontiguousarray(found[name].values).tobytes()
            == np.ascontiguousarray(variable.values).tobytes()
        ), name


@pytest.fixture
def kernels(monkeypatch):
    """A 1 for every call of the solver's kernel."""
    calls, table = [], metropolis.neighbour_table
    monkeypatch.setattr(
        metropolis, "neighbour_table", lambda *arguments: calls.append(1) or table(*arguments)
    )
    return calls


# -- round trips -------------------------------------------------------------------------------------

FLOATS = [np.nan, np.inf, -np.inf, -0.0, 0.0, 5e-324, 1.0, -2.5]
NUMBERS = {
    **{t: np.array(FLOATS, dtype=t) for t in ("float16", "float32", "float64")},
    **{
        t: np.array([complex(a, b) for a, b in zip(FLOATS, FLOATS[::-1], strict=True)], dtype=t)
        for t in ("complex64", "complex128")
    },
    **{
        t: np.array([np.iinfo(t).min, np.iinfo(t).max, 0, 1, 2, 3, 4, 5], dtype=t)
        for t in ("int8", "int16", "int64", "uint8", "uint64")
    },
    "bool": np.array([True, False] * 4),
    "all_missing": np.full(8, np.nan),
    "all_lowest": np.full(8, -128, dtype=np.int8),
    "all_false": np.zeros(8, dtype=bool),
}
COORDS = {
    "x": ("x", np.linspace(0.0, 0.7, 8), {"unit": "Vc", "long_name": "place"}),
    "kind": ("x", np.array(["a", "bc", "é", "", "long name", "z", "α", "0"])),
    "flag": ("x", np.array([True, False] * 4)),
    "number": ("x", np.arange(8, dtype=np.int16)),
    "missing": ("x", np.array(FLOATS)),
    "phase": ("x", NUMBERS["complex128"]),
    "table": (("x", "axis"), np.arange(16.0).reshape(8, 2)),
    "axis": ["first", "second"],
    "scalar": 0.1,
    "word": "triangular",
    "switch": True,
}
ATTRS = {
    "text": "as it was",
    "whole": 3,
    "real": 0.1,
    "list": [1, 2],
    "yes": True,
    "units": "days since 2000-01-01",
}


def test_every_type_of_number_comes_back_bit_for_bit(tmp_path):
    data = xr.Dataset(
        {name: ("x", da.from_array(values, chunks=2), {"unit": "e"}) for name, values in NUMBERS.items()},
        coords=COORDS,
    )
    assert not np.array_equal(data["float64"].values, np.zeros(8))
    found = evaluate(data, tmp_path / "data.zarr")
    assert all(found[name].chunks == ((2,) * 4,) for name in NUMBERS)
    assert all(found[name].chunks is None for name in COORDS)
    same(found, data)
    same(evaluate(found, tmp_path / "again.zarr"), data)  # a store of a store


@pytest.mark.parametrize("key", ATTRS)
def test_attributes_come_back(key, tmp_path):
    data = xr.DataArray(
        da.ones((4, 2), chunks=2),
        dims=["x", "y"],
        coords={"x": range(4)},
        name="energy",
        attrs={key: ATTRS[key]},
    )
    same(evaluate(data, tmp_path / "array.zarr"), data)
    dataset = xr.Dataset({"energy": data}, attrs={key: ATTRS[key]})
    same(evaluate(dataset, tmp_path / "data.zarr"), dataset)
    same(evaluate(dataset, tmp_path / "data.zarr"), dataset)


@pytest.mark.parametrize("name", ["energy", None, "x", "T", "result", "y", "two words"])
def test_arrays_keep_their_name(name, tmp_path):
    data = xr.DataArray(
        da.ones((4, 2), chunks=2), dims=["x", "y"], coords={"x": range(4), "T": 0.1}, name=name
    )
    same(evaluate(data, tmp_path / "data.zarr"), data)
    same(xg.store.load(tmp_path / "data.zarr"), data)
    same(evaluate(data, tmp_path / "data.zarr"), data)


def test_an_array_is_not_the_dataset_that_holds_it(tmp_path):
    """Nor an array of another name: what is asked for comes back, or is refused with what differs."""
    data = xr.DataArray(da.ones(4, chunks=2), dims="x")
    evaluate(data, tmp_path / "data.zarr")
    for other in (data.to_dataset(name="result"), data.rename("result")):
        with pytest.raises(ValueError, match="kind: |name: "):
            evaluate(other, tmp_path / "data.zarr")


def test_labels_that_are_objects_come_back_as_strings(tmp_path):
    data = xr.DataArray(da.ones(2, chunks=1), dims="x", coords={"x": np.array(["a", "bc"], dtype=object)})
    found = evaluate(data, tmp_path / "data.zarr")
    assert found["x"].values.tolist() == ["a", "bc"]
    evaluate(data, tmp_path / "data.zarr")


RESULTS = {
    "run": lambda run: run,
    "autocorrelation": lambda run: xg.autocorrelation(run, waiting_time=[0, 1]),
    "chi4": lambda run: xg.chi4(run, waiting_time=0),
    "stripe_crossings": xg.stripe_crossings,
    "jumps": lambda run: xg.ops.jumps(
        run["electrostatic_energy"].chunk(sweep=-1), dim="sweep", window=1, threshold=1.0
    ),
    "structure_factor": xg.structure_factor,
    "local_density": xg.local_density,
    "moments": lambda run: xg.ops.moments(run["electrostatic_energy"], dim="sweep"),
    "histogram": lambda run: xg.ops.histogram(
        xg.local_density(run), bins=4, range=(0, 1), dim=["site", "sweep"]
    ),
    "fits": lambda run: xg.jackknife(
        lambda C: xg.fits.stretched_exponential(C.mean("walker")),
        xg.autocorrelation(run, waiting_time=0),
        dim="walker",
    ),
    "a number": lambda run: run["acceptance"].mean(),
    "numbers": lambda run: run.mean(),
    "a run with numbers in memory": lambda run: run.assign(
        bias=("walker", [0.5, np.nan, -0.0]),
        strength=3,
        ok=("T", [True, False]),
        note=xr.DataArray([1 + 2j], dims="z"),
    ),
}


@pytest.mark.parametrize("name", RESULTS)
def test_results_come_back_and_are_computed_once(name, tmp_path, kernels):
    data, path = RESULTS[name](run()), tmp_path / "data.zarr"
    found = evaluate(data, path)
    assert len(kernels) == 2
    before = {f: (f.read_bytes(), f.stat().st_mtime_ns) for f in path.rglob("*") if f.is_file()}
    with xg.testing.forbid_compute():
        again = evaluate(RESULTS[name](run()), path)
        assert evaluate(again, path).identical(again) if name != "numbers" else True
    assert len(kernels) == 2
    assert {f: (f.read_bytes(), f.stat().st_mtime_ns) for f in path.rglob("*") if f.is_file()} == before
    same(found, data)
    same(again, data)


@pytest.mark.parametrize(
    "part",
    [
        lambda x: x.isel(sweep=-1),
        lambda x: x.sel(T=0.1, walker=[2, 0]),
        lambda x: x.isel(site=3, walker=0, sweep=slice(1, None, 2)),
        lambda x: x.isel(site=slice(None, None, -1)),
        lambda x: x[..., [5, 1, 1]],
        lambda x: x.where(x["T"] > 0.07, drop=True),
        lambda x: x.transpose().isel(site=0).mean("walker"),
    ],
)
def test_stored_data_are_selected_from_as_any(part, tmp_path_factory):
    path = tmp_path_factory.getbasetemp() / "selected.zarr"
    stored = evaluate(run(), path)["occupation"]
    same(part(stored), part(run()["occupation"]))


def test_a_stored_run_goes_through_the_library(tmp_path):
    """Observables, continued runs and selections of what was loaded are those of the run."""
    evaluate(run(), tmp_path / "run.zarr")
    stored = xg.store.load(tmp_path / "run.zarr")
    same(xg.autocorrelation(stored, waiting_time=1), xg.autocorrelation(run(), waiting_time=1))
    same(xg.kinetic_energy(stored.isel(sweep=-1)), xg.kinetic_energy(run().isel(sweep=-1)))
    same(run(start=stored, sweep=2), run(start=run(), sweep=2))
    same(
        run(start=stored["occupation"].isel(sweep=-1, drop=True), seed=8),
        run(start=run()["occupation"].isel(sweep=-1, drop=True), seed=8),
    )


SCRIPT = """
import contextlib, sys
import xarray as xr
import xglass as xg

def broaden(x, width):
    return x * width

def main():
    path, first = sys.argv[1], sys.argv[2] == "first"
    run = xg.testing.tiny_run(weight="classical", chunks={"T": 1} if first else {"walker": 1})
    same = xg.testing.tiny_run(weight="classical", chunks={"T": 1})
    C = xg.autocorrelation(same, waiting_time=0)
    tau = xg.jackknife(lambda C: xg.fits.stretched_exponential(C.mean("walker")), C, dim="walker")
    options = {"kwargs": {"width": 0.1}, "dask": "parallelized", "output_dtypes": [float]}
    broad = xr.apply_ufunc(broaden, same["acceptance"], **options)
    with contextlib.nullcontext() if first else xg.testing.forbid_compute():
        xg.store.evaluate(run, path + "/run.zarr", progress=False)
        xg.store.evaluate(tau, path + "/tau.zarr", progress=False)
        xg.store.evaluate(broad, path + "/broad.zarr", progress=False)

if __name__ == "__main__":
    main()
"""


def test_a_script_that_is_run_again_computes_nothing(tmp_path):
    """Other processes, with hashes of their own, know what is there: also fits by functions of the user,
    and runs in other chunks.
    """
    (tmp_path / "script.py").write_text(SCRIPT)
    for seed, which in enumerate(("first", "again")):
        subprocess.run(
            [sys.executable, tmp_path / "script.py", tmp_path, which],
            check=True,
            timeout=120,
            env=os.environ | {"PYTHONHASHSEED": str(seed)},
        )
    assert xg.store.progress(tmp_path / "tau.zarr").fraction == 1.0


# -- something else ----------------------------------------------------------------------------------


def broaden(x, *, broadening=1.0, kernel="lorentz"):
    return x * broadening


def broadened(data, **options):
    return xr.apply_ufunc(broaden, data, kwargs=options, dask="parallelized", output_dtypes=[float])


X = xr.DataArray(da.arange(4.0, chunks=2), dims="x", name="spectrum", coords={"x": range(4), "T": 0.1})
E = run()["electrostatic_energy"]
CHANGED = {
    "keyword": (
        broadened(X, broadening=0.1),
        broadened(X, broadening=0.2),
        "broadening: the store has 0.1, you ask for 0.2",
    ),
    "word": (
        broadened(X, kernel="gauss"),
        broadened(X, kernel="box"),
        "kernel: the store has 'gauss', you ask for 'box'",
    ),
    "operand": (X * 2.0, X * 3.0, "the store has 2.0, you ask for 3.0|something without a name"),
    "seed of the run": (
        run()["acceptance"],
        run(seed=8)["acceptance"],
        "seed: the store has 7, you ask for 8",
    ),
    "parameter": (X, X.assign_coords(T=0.2), "T: the store has 0.1, you ask for 0.2"),
    "attribute": (
        X.to_dataset().assign_attrs(a=1),
        X.to_dataset().assign_attrs(a=2),
        "a: the store has 1, you ask for 2",
    ),
    "name": (X, X.rename("other"), "name: the store has 'spectrum', you ask for 'other'"),
    "type": (X, X.astype(np.float32), 'spectrum: the store has "?float64'),
    "step": (X, X.cumsum("x"), "cumsum: the store has 0 of it"),
    "values": (
        X.copy(data=da.from_array(np.zeros(4), chunks=2)),
        X.copy(data=da.from_array(np.ones(4), chunks=2)),
        "values of an input array",
    ),
    "in memory": (
        X.to_dataset().assign(y=1.0),
        X.to_dataset().assign(y=2.0),
        "y: the store has 1.0, you ask for 2.0",
    ),
    "chunks": (X, X.chunk(x=1), "chunk"),
}


@pytest.mark.parametrize("name", CHANGED)
def test_a_changed_chain_is_refused_with_what_changed(name, tmp_path):
    first, second, message = CHANGED[name]
    evaluate(first, tmp_path / "data.zarr")
    before = {f: f.read_bytes() for f in tmp_path.rglob("*") if f.is_file()}
    with pytest.raises(
        ValueError, match=rf"(?s)holds something else and was not touched.*differs:\n.*({message})"
    ):
        evaluate(second, tmp_path / "data.zarr")
    assert {f: f.read_bytes() for f in tmp_path.rglob("*") if f.is_file()} == before


def test_nan_is_no_difference(tmp_path):
    data = X.assign_coords(note=np.nan, table=("x", [1.0, np.nan, 2.0, 3.0])).assign_attrs(width=np.nan)
    evaluate(broadened(data, broadening=0.1), tmp_path / "data.zarr")
    same(evaluate(broadened(data, broadening=0.1), tmp_path / "data.zarr"), broadened(data, broadening=0.1))
    with pytest.raises(ValueError, match="broadening: the store has 0.1, you ask for 0.2") as caught:
        evaluate(broadened(data, broadening=0.2), tmp_path / "data.zarr")
    assert "nan" not in str(caught.value).partition("differs:")[2]


@pytest.mark.parametrize("value", [(1, 2), [1.0, 2.0], np.nan, np.array([1, 2])], ids=str)
def test_an_attribute_of_a_run_is_known_again(value, tmp_path):
    """Tuples come back as lists and NaN differs from itself, but the run is the same."""
    data = run().assign_attrs(note=value)
    evaluate(data, tmp_path / "run.zarr")
    found = evaluate(run(walker=4).assign_attrs(note=value), tmp_path / "run.zarr")
    assert found.sizes["walker"] == 4


def fail(block):
    raise RuntimeError("the machine is on fire")


def test_any_label_can_be_named_in_a_failure(tmp_path):
    broken = da.ones(2, chunks=1).map_blocks(fail, dtype=float, meta=np.empty(0))
    data = xr.DataArray(broken, dims="z", coords={"z": [0.0, 0.1j]})
    with pytest.raises(xg.store.EvaluationError, match="2 of 2 regions .* failed"):
        evaluate(data, tmp_path / "data.zarr")
    assert [record["region"] for record in xg.store.failures(tmp_path / "data.zarr")] == [[0], [1]]


# -- unfinished --------------------------------------------------------------------------------------


@pytest.fixture
def unfinished(tmp_path, monkeypatch):
    """A store of run() whose regions at T = 0.1 have failed."""
    advance = metropolis_kernels.trajectories

    def broken(seed, stream, first_sweep, continued, every, temperature, *rest):
        if temperature[0] == 0.1:
            raise RuntimeError("the machine is on fire")
        return advance(seed, stream, first_sweep, continued, every, temperature, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(metropolis_kernels, "trajectories", broken)
        with pytest.raises(xg.store.EvaluationError, match=r"T': 0.1.*RuntimeError: the machine"):
            evaluate(run(), tmp_path / "run.zarr")
    return tmp_path / "run.zarr"


def test_unfinished_data_are_refused_or_marked(unfinished):
    with pytest.raises(
        ValueError, match=r"unfinished: 1 of 2 regions are missing \(1 failed\); call evaluate again, or load"
    ):
        xg.store.load(unfinished)
    partial = xg.store.load(unfinished, partial=True)
    assert partial["done"].dims == ("T",)
    assert partial["done"].values.tolist() == [True, False]
    there, lacking = (partial.drop_vars("done").compute().sel(T=T) for T in (0.05, 0.1))
    same(there, run().sel(T=0.05))
    assert lacking["electrostatic_energy"].isnull().all()
    assert (lacking["occupation"] == -128).all()
    (failure,) = xg.store.failures(unfinished)
    assert failure == {
        "region": [0, 1, 0, 0, 0],
        "parameters": {"T": 0.1},
        "error": "RuntimeError: the machine is on fire",
    }
    assert str(xg.store.progress(unfinished)).startswith("1 of 2 regions done (50 %), 1 failed")
    same(evaluate(run(), unfinished), run())
    assert xg.store.failures(unfinished) == []
    same(xg.store.load(unfinished, partial=True).drop_vars("done"), run())


OBSERVABLES = {
    "autocorrelation": lambda run: xg.autocorrelation(run, waiting_time=1),
    "chi4": lambda run: xg.chi4(run, waiting_time=1),
    "occupied_neighbours": xg.occupied_neighbours,
    "defect_density": xg.defect_density,
    "local_stripe_order": xg.local_stripe_order,
    "stripe_crossings": xg.stripe_crossings,
    "jumps": lambda run: xg.ops.jumps(
        run["electrostatic_energy"].chunk(sweep=-1), dim="sweep", window=1, threshold=1.0
    ),
    "structure_factor": xg.structure_factor,
    "order_parameter": lambda run: xg.order_parameter(run, q=[np.pi, 0.0]),
    "stripe_order": xg.stripe_order,
    "local_density": xg.local_density,
    "kinetic_energy": xg.kinetic_energy,
    "electrostatic_energy": xg.electrostatic_energy,
    "electrostatic_potential": xg.electrostatic_potential,
    "overlap": lambda run: xg.overlap(run, run),
    "moments": lambda run: xg.ops.moments(run["electrostatic_energy"], dim="sweep"),
}


def test_observables_of_partial_runs_are_missing_where_the_run_is(unfinished):
    partial = xg.store.load(unfinished, partial=True)
    for name, observable in OBSERVABLES.items():
        found, expected = (
            observable(partial).compute(scheduler="sync"),
            observable(run()).compute(scheduler="sync"),
        )
        arrays = found.data_vars.values() if isinstance(found, xr.Dataset) else [found]
        missing = [
            bool(array.sel(T=0.1).isnull().all())
            for array in arrays
            if "T" in array.dims and array.dtype.kind == "f"
        ]
        assert missing, name
        assert all(missing), name
        xr.testing.assert_equal(
            found.sel(T=[0.05]).drop_vars("done", errors="ignore"), expected.sel(T=[0.05])
        )


def test_partial_data_are_not_taken_for_finished_ones(unfinished):
    """What load(partial=True) gave is refused, with and without its mark, and not returned as it is."""
    partial = xg.store.load(unfinished, partial=True)
    for data in (partial, partial.drop_vars("done")):
        with pytest.raises(ValueError, match="the data come from a store that is not finished"):
            evaluate(data, unfinished)
    assert xg.store.progress(unfinished).done == 1


def test_shares_in_turn_make_the_whole(tmp_path, kernels):
    data, path = run(chunks={"T": 1, "walker": 1}), tmp_path / "run.zarr"
    for k in (1, 2, 3):
        found = evaluate(data, path, shard=f"{k}/3")
        assert len(kernels) == 2 * k
        assert xg.store.progress(path)[:3] == (2 * k, 6, 0)
        assert xg.store.progress(path).fraction == pytest.approx(k / 3)
        assert ("done" in found.coords) == (k < 3)
        if k < 3:
            assert int(found["done"].sum()) == 2 * k
            with pytest.raises(ValueError, match=f"{6 - 2 * k} of 6 regions are missing"):
                xg.store.load(path)
    assert evaluate(data, path, shard="0/3").identical(found)
    same(found, data)


def test_the_command_line(tmp_path, capsys):
    data, path = run(chunks={"T": 1}), str(tmp_path / "run.zarr")
    assert main(["progress", path]) == 2
    assert "there is no store" in capsys.readouterr().err
    evaluate(data, path, shard="1/2")
    assert main(["progress", path]) == 1
    assert f"{path}: 1 of 2 regions done (50 %)" in capsys.readouterr().out
    evaluate(data, path)
    assert main(["progress", path]) == main(["verify", path, "--fraction", "1"]) == 0
    assert "2 regions computed again, all agree" in capsys.readouterr().out
    done = subprocess.run(
        [sys.executable, "-m", "xglass.store", "progress", path], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, f"{path}: 2 of 2 regions done (100 %)\n")
    assert done.stderr == ""


# -- who computes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "config",
    [
        {"scheduler": "threads"},
        {"scheduler": "threads", "num_workers": 8},
        {"scheduler": "synchronous"},
        {"scheduler": "single-threaded"},
        {"scheduler": "processes", "num_workers": 1},
        {"scheduler": dask.get},
    ],
    ids=["threads", "eight threads", "synchronous", "single-threaded", "processes", "a function"],
)
def test_every_scheduler_of_dask(config, tmp_path):
    data = run(chunks={"T": 1, "walker": 2})
    with dask.config.set(config):
        found = evaluate(
            xr.Dataset({"C": xg.autocorrelation(data, waiting_time=1), "n": data["occupation"]}),
            tmp_path / "run.zarr",
        )
    same(found, xr.Dataset({"C": xg.autocorrelation(data, waiting_time=1), "n": data["occupation"]}))


def test_a_cluster(tmp_path):
    from distributed import Client, LocalCluster

    data = run(chunks={"T": 1})
    with (
        LocalCluster(
            n_workers=1, threads_per_worker=2, processes=True, dashboard_address=":0", host="127.0.0.1"
        ) as cluster,
        Client(cluster),
    ):
        evaluate(data, tmp_path / "run.zarr")
        grown = evaluate(run(chunks={"T": 1}, T=[0.05, 0.1, 0.2], sweep=6), tmp_path / "run.zarr").compute()
    same(grown, run(T=[0.05, 0.1, 0.2], sweep=6))
    same(xg.store.load(tmp_path / "run.zarr"), run(T=[0.05, 0.1, 0.2], sweep=6))


def test_looking_computes_and_reads_nothing(tmp_path, monkeypatch):
    evaluate(run(), tmp_path / "run.zarr", shard="1/2")
    monkeypatch.setattr(disk.StoredArray, "__getitem__", lambda *_: pytest.fail("numbers were read"))
    with xg.testing.forbid_compute():
        loaded = xg.store.load(tmp_path / "run.zarr", partial=True)
        repr(loaded), loaded._repr_html_()
        assert xg.store.progress(tmp_path / "run.zarr").done == 1
        assert xg.store.failures(tmp_path / "run.zarr") == []
    assert all(loaded[name].chunks is not None for name in loaded.data_vars)
    assert all(coord.chunks is None for coord in loaded.coords.values())


def test_tokens_follow_the_content(tmp_path):
    """The same content is the same graph, so that what is made of it is known again;
    other content is another.
    """
    path, data = tmp_path / "run.zarr", run()
    tokens = []
    for shard in ("1/2", "1/2", "2/2", None):
        evaluate(data, path, shard=shard)
        loaded = xg.store.load(path, partial=True)
        tokens.append(dask.base.tokenize(loaded))
        assert tokens[-1] == dask.base.tokenize(xg.store.load(path, partial=True))
    assert tokens[0] == tokens[1] != tokens[2] == tokens[3]
    C = evaluate(xg.autocorrelation(xg.store.load(path), waiting_time=0), tmp_path / "C.zarr")
    with xg.testing.forbid_compute():
        evaluate(xg.autocorrelation(xg.store.load(path), waiting_time=0), tmp_path / "C.zarr")
    same(C, xg.autocorrelation(data, waiting_time=0))
    same(evaluate(run(walker=4), path), run(walker=4))
    assert dask.base.tokenize(xg.store.load(path)) != tokens[-1]


def test_the_bar(tmp_path, capfd):
    evaluate(run(), tmp_path / "quiet.zarr")
    assert capfd.readouterr() == ("", "")
    xg.store.evaluate(run(), tmp_path / "shown.zarr", shard="1/2")
    xg.store.evaluate(run(), tmp_path / "shown.zarr")
    out, err = capfd.readouterr()
    assert out == ""
    assert "shown.zarr: 1 of 1 regions done (100 %)\n" in err
    assert "shown.zarr: 2 of 2 regions done (100 %)\n" in err
    xg.store.evaluate(run(), tmp_path / "shown.zarr")  # nothing to do, nothing to show
    assert capfd.readouterr() == ("", "")

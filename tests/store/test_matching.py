"""By what a store knows its data: names and revisions of operations, never the place of their code."""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import dask
import numpy as np
import pytest
import xarray as xr

import xglass as xg
from xglass.engine.charge import configurations, metropolis
from xglass.engine.core import operations
from xglass.store import matching, provenance

ROOT = Path(__file__).resolve().parents[2]
BEFORE = Path(__file__).parent / "before"


def evaluate(data, path, **options):
    return xg.store.evaluate(data, path, progress=False, **options)


def files(path):
    """Content of every file."""
    return {file.relative_to(path): file.read_bytes() for file in path.rglob("*") if file.is_file()}


# -- stores made before operations were named --------------------------------------------------------


def made_before():
    """The script that made the archive: its chains, asked of the library as it is now."""
    spec = importlib.util.spec_from_file_location("made_before", BEFORE / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MADE = made_before()


@pytest.fixture
def before(tmp_path):
    """A copy of the stores."""
    with zipfile.ZipFile(BEFORE / "stores.zip") as archive:
        archive.extractall(tmp_path)
    return tmp_path


def digests():
    with zipfile.ZipFile(BEFORE / "stores.zip") as archive:
        return json.loads(archive.read("digests.json"))


@pytest.mark.parametrize("name", digests())
def test_stores_made_before_are_read_bit_for_bit(name, before):
    loaded = xg.store.load(before / f"{name}.zarr")
    assert MADE.digests(loaded) == digests()[name]
    assert xg.store.progress(before / f"{name}.zarr").fraction == 1.0


def close(found, expected):
    """Equal labels and whole numbers; floats as on another processor."""
    found, expected = (data.compute(scheduler="sync") for data in (found, expected))
    for name, variable in expected.variables.items():
        exact = variable.dtype.kind not in "fc"
        compare = np.testing.assert_array_equal if exact else np.testing.assert_allclose
        compare(found[name].values, variable.values, **({} if exact else {"rtol": 1e-10, "atol": 1e-12}))


@pytest.mark.filterwarnings("ignore:store .* was begun elsewhere")
def test_runs_made_before_are_finished_and_grow(before):
    path = before / "half.zarr"
    assert 0 < xg.store.progress(path).done < xg.store.progress(path).total
    close(evaluate(MADE.run(), path), MADE.run())
    close(evaluate(MADE.run(walker=3, sweep=3), path), MADE.run(walker=3, sweep=3))
    assert xg.store.verify(path, 1.0) == xg.store.progress(path).total
    path = before / "grown.zarr"  # which grew then, and grows once more
    larger = {"T": [0.05, 0.1, 0.2], "sweep": 4, "walker": 3}
    close(evaluate(MADE.run(**larger), path), MADE.run(**larger))


def test_runs_made_before_are_not_simulated_again(before, monkeypatch):
    monkeypatch.setattr(metropolis, "neighbour_table", lambda *_: pytest.fail("simulated"))
    evaluate(MADE.run(T=[0.05, 0.1, 0.2], sweep=3), before / "grown.zarr")


def recorded(path, **changes):
    """What a store knows of its data, after some of it was changed on disk."""
    file = path / "zarr.json"
    meta = json.loads(file.read_text())
    known = json.loads(meta["attributes"]["xglass_provenance"]) | changes
    meta["attributes"] |= {
        "xglass_provenance": json.dumps(known),
        "xglass_fingerprint": known["fingerprint"],
        **({"xglass_identity_version": known["identity_version"]} if "identity_version" in known else {}),
    }
    file.write_text(json.dumps(meta))
    return known


def mean(folder):
    """A chain without an operation of ours, and the store in which its first half was put before."""
    return MADE.OBSERVED["mean"](xg.store.load(folder / "grown.zarr")), folder / "half_mean.zarr"


def fingerprint(data):
    """By the rule of the time before there was one."""
    return provenance.fingerprint(matching.storable(data), None)


def test_what_holds_no_operation_of_ours_has_the_fingerprint_that_it_had(before):
    """Unless a package that makes fingerprints is another one now."""
    data, path = mean(before)
    held, now = recorded(path), provenance.environment()["versions"]
    other = [name for name in ("dask", "xarray", "numpy") if held["versions"][name] != now[name]]
    assert other or held["fingerprint"] == fingerprint(data)


@pytest.mark.filterwarnings("ignore:store .* was begun elsewhere")
def test_what_holds_no_operation_of_ours_goes_on_where_its_fingerprint_is_the_same(before):
    data, path = mean(before)
    recorded(path, fingerprint=fingerprint(data))  # as it was, if the versions are those of that time
    half = files(path)
    assert 0.0 < xg.store.progress(path).fraction < 1.0
    close(evaluate(data, path).to_dataset(), data.to_dataset())
    assert xg.store.progress(path).fraction == 1.0
    chunks = [name for name in half if "electrostatic_energy/c/" in name.as_posix()]
    assert chunks
    assert all(files(path)[name] == half[name] for name in chunks)  # and was not begun anew


def test_what_holds_no_operation_of_ours_is_refused_where_other_versions_gave_another_fingerprint(before):
    data, path = mean(before)
    versions = recorded(path)["versions"]
    recorded(path, fingerprint="0" * 32, versions=versions | {"dask": "2025.1.0"})
    half = files(path)
    with pytest.raises(
        ValueError, match=r"was made before operations were named, .*\(load still reads this one\)"
    ):
        evaluate(data, path)
    assert files(path) == half
    partial = xg.store.load(path, partial=True)
    done = partial["done"].transpose(*partial.dims).values
    assert 0 < done.sum() < done.size
    np.testing.assert_array_equal(np.isfinite(partial.values), done)


@pytest.mark.parametrize("name", [*MADE.SPECTRA, "autocorrelation"])
def test_what_cannot_be_proved_is_refused_in_one_sentence(name, before):
    path = before / f"{name}.zarr"
    same = MADE.SPECTRA.get(name) or (lambda: MADE.OBSERVED[name](xg.store.load(before / "grown.zarr")))
    held = files(path)
    with pytest.raises(ValueError, match="load still reads this one") as refused:
        evaluate(same(), path)
    # numbers that are others now are the better reason
    sentence = (
        r"store '\S+' was made before operations were named, so that nothing proves it to hold these very "
        r"data; evaluate to another path \(load still reads this one\)"
        if operations.REVISIONS.get(name, 1) == 1
        else r"store '\S+' holds numbers that are computed otherwise now "
        r"\([\w.]+: revision 1 there, \d[^)]* in this xglass\), and the two are not to be mixed; "
        r"evaluate to another path \(load still reads this one\)"
    )
    assert re.fullmatch(sentence, str(refused.value))
    with pytest.raises(ValueError, match=sentence):
        xg.store.verify(path, data=same())
    assert files(path) == held


def test_what_differs_is_said_of_stores_made_before_too(before):
    other = xg.ftlm(MADE.chain(omega0=[0.2, 0.4]), **MADE.GRID, **MADE.VECTORS | {"seed": 6})
    with pytest.raises(ValueError, match="seed: the store has '5', you ask for '6'") as refused:
        evaluate(other, before / "ftlm.zarr")
    assert "_numerators" not in str(refused.value)  # the old name of what did not change
    with pytest.raises(ValueError, match="seed: the store has '7', you ask for '8'"):
        evaluate(MADE.run(seed=8), before / "grown.zarr")


# -- files and functions may move --------------------------------------------------------------------

#: Modules, and functions in them, that get other names in a copy of the package.
MOVED = {
    "engine.tls.static_disorder": (
        "engine.tls.frozen_chain",
        {"frozen_spectra": "lines", "annealed": "over_disorder"},
    ),
    "engine.charge.configurations": ("engine.charge.states", {"overlap": "resemblance"}),
    "engine.charge.metropolis": ("engine.charge.walks", {"simulate": "walked"}),
    "fits.relaxation": ("fits.decay", {"_stretched": "_kohlrausch"}),
}

#: What stands in the place of a module that moved: a path to it, so that its users need not be rewritten.
SIGNPOST = """
import sys
import xglass.{new} as moved
vars(moved).update({{old: vars(moved)[new] for old, new in {names}.items()}})
sys.modules[__name__] = moved
"""

CHAINS = """
import contextlib, importlib, sys
import xglass as xg

folder, again = sys.argv[1], sys.argv[2] == "again"
tls = xg.electron_tls(xg.lattice.chain(3), g=[0.5, 1.0], omega0=0.0)
run = xg.testing.tiny_run(weight="classical", chunks={"T": 1})
C = xg.autocorrelation(run, waiting_time=[0, 1])
grid = {"T": [0.5, 1.0], "frequency": [0.0, 1.0], "broadening": 0.2}
chains = {
    "spectra": xg.static_disorder(tls, sites=6, realization=3, seed=3, **grid),
    "run": run,
    "observable": C,
    "fit": xg.jackknife(lambda C: xg.fits.stretched_exponential(C.mean("walker")), C, dim="walker"),
}
with xg.testing.forbid_compute() if again else contextlib.nullcontext():
    for name, chain in chains.items():
        xg.store.evaluate(chain, f"{folder}/{name}.zarr", progress=False)
    stored = xg.autocorrelation(xg.store.load(folder + "/run.zarr"), waiting_time=1)
    xg.store.evaluate(stored, folder + "/of_stored.zarr", progress=False)
for place in sys.argv[3:]:
    module, name = place.split(":")
    function = getattr(importlib.import_module(module), name)
    print(function.__module__, function.__qualname__)
"""


def renamed(target):
    """A copy of the package in which files and functions bear other names."""
    package = target / "xglass"
    shutil.copytree(ROOT / "xglass", package, ignore=shutil.ignore_patterns("__pycache__"))
    for old, (new, names) in MOVED.items():
        file = package / f"{old.replace('.', '/')}.py"
        text = file.read_text()
        for name, other in names.items():
            assert text.count(f"def {name}(") == 1
            text = text.replace(f"def {name}(", f"def {other}(")
        (package / f"{new.replace('.', '/')}.py").write_text(text)
        file.write_text(SIGNPOST.format(new=new, names=names))
    return target


def test_files_and_functions_that_are_renamed_leave_all_stores_resumable(tmp_path):
    """Spectra, runs, observables and fits: code that stands elsewhere computes nothing again."""
    places = [f"xglass.{old}:{name}" for old, (_, names) in MOVED.items() for name in names]
    found = []
    for root, which in ((ROOT, "first"), (renamed(tmp_path / "copy"), "again")):
        child = subprocess.run(
            [sys.executable, "-c", CHAINS, tmp_path, which, *places],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(root)},
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert child.returncode == 0, child.stderr[-2000:]
        found.append(child.stdout.split())
    assert found[0] == [word for place in places for word in place.split(":")]
    assert found[1] == [
        word for new, names in MOVED.values() for other in names.values() for word in (f"xglass.{new}", other)
    ]


# -- revisions ---------------------------------------------------------------------------------------


def run(**arguments):
    return xg.testing.tiny_run(**{"weight": "classical", "chunks": {"T": 1}} | arguments)


def correlated(data):
    return xg.autocorrelation(data, waiting_time=[0, 1])


@pytest.fixture
def raised(monkeypatch):
    """Raise the revision of an operation."""

    def to(function, revision):
        name, _ = operations.known(function)
        old = vars(function)["__dask_tokenize__"]
        monkeypatch.setitem(operations.REVISIONS, name, revision)
        monkeypatch.setattr(function, "__dask_tokenize__", lambda: (old()[0], name, revision))

    return to


def test_a_store_carries_the_revisions_of_its_chain(tmp_path):
    evaluate(run(), tmp_path / "run.zarr")
    evaluate(correlated(run()), tmp_path / "simulated.zarr")
    evaluate(correlated(xg.store.load(tmp_path / "run.zarr")), tmp_path / "stored.zarr")
    found = {
        path.stem: json.loads((path / "zarr.json").read_text())["attributes"] for path in tmp_path.iterdir()
    }
    assert {attrs["xglass_identity_version"] for attrs in found.values()} == {2}
    recorded = {name: json.loads(attrs["xglass_provenance"])["revisions"] for name, attrs in found.items()}
    assert recorded == {
        "run": {"metropolis": 1},
        "simulated": {"metropolis": 1, "overlap": 1},
        "stored": {"overlap": 1},  # what the stored run was made with stands in its own store
    }


def test_only_what_an_operation_computed_is_refused_when_it_changes(tmp_path, raised):
    evaluate(run(), tmp_path / "run.zarr")
    stored = xg.store.load(tmp_path / "run.zarr")
    evaluate(correlated(stored), tmp_path / "C.zarr")
    before = {path: files(path) for path in tmp_path.iterdir()}
    raised(configurations.overlap, 2)
    evaluate(run(), tmp_path / "run.zarr")
    for function in (evaluate, lambda data, path: xg.store.verify(path, data=data)):
        with pytest.raises(
            ValueError,
            match=r"C.zarr' holds numbers that are computed otherwise now \(overlap: revision 1 there, 2 ",
        ):
            function(correlated(stored), tmp_path / "C.zarr")
    evaluate(run(walker=4), tmp_path / "run.zarr")  # grows all the same
    raised(configurations.overlap, 1)
    raised(metropolis.simulate, 3)
    for function in (lambda path: evaluate(run(), path), xg.store.verify):
        with pytest.raises(
            ValueError, match=r"\(metropolis: revision 1 there, 3 in this xglass\), and the two"
        ):
            function(tmp_path / "run.zarr")
    assert files(tmp_path / "C.zarr") == before[tmp_path / "C.zarr"]
    assert xg.store.load(tmp_path / "run.zarr").sizes["walker"] == 4
    evaluate(run(), tmp_path / "new.zarr")
    assert xg.store.verify(tmp_path / "new.zarr", 1.0) == 2


def test_stores_made_before_hold_revision_one(before, raised):
    """Also of the run: that is what its numbers are known to be."""
    raised(metropolis.simulate, 2)
    with pytest.raises(ValueError, match="metropolis: revision 1 there, 2 in this xglass"):
        evaluate(MADE.run(), before / "half.zarr")
    raised(metropolis.simulate, 1)
    raised(configurations.overlap, 2)
    with pytest.raises(ValueError, match="overlap: revision 1 there, 2 in this xglass"):
        evaluate(correlated(xg.store.load(before / "grown.zarr")), before / "autocorrelation.zarr")


def test_fingerprints_by_another_rule_prove_nothing(tmp_path, damage):
    evaluate(correlated(run()), tmp_path / "C.zarr")
    damage.unseal(tmp_path / "C.zarr")
    recorded(tmp_path / "C.zarr", identity_version=1, fingerprint="0" * 32)
    with pytest.raises(
        ValueError, match="knows operations by rule 1, not 2, so that nothing proves it to hold"
    ):
        evaluate(correlated(run()), tmp_path / "C.zarr")


def test_what_axes_are_called_is_no_part_of_a_fingerprint(tmp_path):
    """Titles and labels may be put better; a unit says what the numbers are."""
    data = correlated(run())
    evaluate(data, tmp_path / "C.zarr")
    lag = dict(data["lag"].attrs)
    renamed = data.assign_coords(lag=data["lag"].assign_attrs(long_name="time", symbol="s"))
    renamed = renamed.assign_coords(eta=data["eta"].assign_attrs(units="1"))
    renamed.attrs |= {"long_name": "likeness"}
    evaluate(renamed, tmp_path / "C.zarr")
    assert data["lag"].attrs == lag
    with pytest.raises(ValueError, match="holds something else"):
        evaluate(renamed.assign_coords(lag=data["lag"].assign_attrs(units="s")), tmp_path / "C.zarr")
    with pytest.raises(ValueError, match="holds something else"):
        evaluate(renamed.assign_attrs(units="meV"), tmp_path / "C.zarr")


def test_another_rule_of_streams_is_another_run(tmp_path):
    evaluate(run(), tmp_path / "run.zarr")
    with pytest.raises(ValueError, match="rule_version: the store has 1, you ask for 2"):
        evaluate(run().assign_attrs(rule_version=2), tmp_path / "run.zarr")


# -- names in what is said ---------------------------------------------------------------------------


def test_refusals_name_operations_by_their_public_names(tmp_path):
    tls = xg.electron_tls(xg.lattice.chain(3), g=1.0, omega0=0.5)
    grid = {"T": 1.0, "frequency": [0.0, 1.0], "random_vectors": 2, "seed": 1}
    chains = [xg.ftlm(tls, broadening=0.2, **grid), xg.typicality(tls, broadening=0.2, **grid)]
    evaluate(chains[0]["kinetic_energy"].drop_attrs(), tmp_path / "data.zarr")
    with pytest.raises(ValueError, match="holds something else") as refused:
        evaluate(chains[1]["kinetic_energy"].drop_attrs(), tmp_path / "data.zarr")
    lines = str(refused.value).splitlines()[1:]
    assert "  ftlm: the store has 1 of it, you ask for 0" in lines
    assert "  typicality: the store has 0 of it, you ask for 1" in lines
    assert not any(line.strip().startswith("_") for line in lines)
    named = {name for name, _ in provenance.operations(chains[0])}
    assert {"ftlm", "random_vectors.averages"} <= named


def test_operations_are_found_in_what_dask_has_fused():
    data = correlated(run()).to_dataset()
    (fused,) = dask.optimize(data)
    assert provenance.revisions(fused) == provenance.revisions(data) == {"metropolis": 1, "overlap": 1}
    assert provenance.revisions(xr.Dataset({"x": ("i", np.arange(3))})) == {}

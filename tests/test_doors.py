"""The doors of the package and of the tree: what there is, versions, the log of choices, how to cite."""

import importlib.metadata
import inspect
import io
import logging
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import xglass as xg
from xglass.__main__ import main

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def test_what_there_is_names_every_public_name_once(capsys):
    assert main([]) == 0
    said = capsys.readouterr().out
    for name in xg.__all__:
        item = getattr(xg, name)
        shown = f"xg.{name}" if inspect.ismodule(item) else name
        assert len(re.findall(rf"^  {re.escape(shown)} ", said, re.M)) == 1, name
    assert ":func:" not in said
    assert max(map(len, said.splitlines())) <= 110


def test_every_command_that_it_names_exists(capsys):
    main([])
    modules = set(re.findall(r"python -m (xglass[\w.]*)", capsys.readouterr().out))
    assert "xglass.compile" in modules
    for module in modules - {"xglass.compile"}:  # which takes no arguments (tests/test_compile.py)
        asked = subprocess.run([sys.executable, "-m", module, "--help"], capture_output=True, text=True)
        assert asked.returncode == 0, asked.stderr
        assert module in asked.stdout


def test_versions_of_all_that_results_depend_on(capsys):
    assert main(["versions"]) == 0
    said = capsys.readouterr().out
    entries = dict(line.split(None, 1) for line in said.splitlines() if len(line.split(None, 1)) == 2)
    assert entries["xglass"] == PROJECT["version"]
    for requirement in PROJECT["dependencies"]:
        package = re.split(r"[^\w.-]", requirement)[0]
        assert entries[package] == importlib.metadata.version(package)
    assert {"python", "system", "processor", "cores", "kernels", "BLAS", "matplotlib"} <= {*entries}
    assert "sphinx" not in entries
    xg.show_versions(file=(file := io.StringIO()))
    assert file.getvalue() == said


def test_versions_without_an_extra(capsys, monkeypatch):
    def version(package):
        if package == "matplotlib":
            raise importlib.metadata.PackageNotFoundError(package)
        return "1"

    monkeypatch.setattr(importlib.metadata, "version", version)
    xg.show_versions()
    assert re.search(r"^matplotlib +not installed$", capsys.readouterr().out, re.M)


def test_the_log_tells_what_was_chosen(caplog, tmp_path):
    tls = xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=[0.2, 0.5])
    grid = {"T": [0.5, 1.0], "frequency": [0.0, 0.5], "broadening": 0.1, "random_vectors": 2, "seed": 1}
    with caplog.at_level(logging.INFO, logger="xglass"):
        lanczos = xg.ftlm(tls, **grid)
        xg.typicality(tls, **grid)
        run = xg.testing.tiny_run()
        xg.store.evaluate(run, tmp_path / "run.zarr", progress=False)
    said = [record.getMessage() for record in caplog.records]
    assert all(record.name.startswith("xglass.") for record in caplog.records)
    taken = lanczos.attrs["lanczos_steps_taken"]
    assert f"ftlm: {taken} Lanczos steps at most, by the resolution rule" in said
    assert any(re.match(r"typicality: \d+ applications of H to a random vector", line) for line in said)
    blocks = len(xg.testing.tiny_run()["occupation"].data.__dask_keys__())
    (cut,) = [line for line in said if line.startswith("metropolis: chunks='auto' makes")]
    assert int(cut.split("makes ")[1].split()[0]) >= blocks
    assert any(line.startswith("regions are computed by ") for line in said)
    assert any(re.search(r"run\.zarr: \d+ of \d+ regions to compute", line) for line in said)


def test_chunks_of_the_log_are_those_of_the_result(caplog):
    glass = xg.charge_glass(xg.lattice.triangular(6), t_p=0.12, eta=[-1.0, -0.5])
    with caplog.at_level(logging.INFO, logger="xglass"):
        run = xg.metropolis(glass, T=[0.05, 0.1, 0.2], walker=100, sweep=200, seed=1)
    (said,) = [record.getMessage() for record in caplog.records]
    sizes = {dim: int(size) for size, dim in re.findall(r"(\d+) of \d+ (\w+)", said)}
    blocks = run["occupation"].chunksizes
    assert {dim: blocks[dim][0] for dim in sizes} == sizes
    tasks = 1
    for dim in sizes:
        tasks *= len(blocks[dim])
    assert f"makes {tasks} tasks" in said


def test_nothing_is_logged_where_nothing_was_chosen(caplog):
    with caplog.at_level(logging.INFO, logger="xglass"):
        xg.testing.tiny_run(chunks={"walker": 1})
        tls = xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=0.5)
        grid = {"T": 1.0, "frequency": [0.0], "broadening": 0.5, "random_vectors": 2, "seed": 1}
        given = xg.ftlm(tls, lanczos_steps=40, chunks={}, **grid)
    assert not [record for record in caplog.records if record.name != "xglass.engine.core.jit"]
    assert given.attrs["lanczos_steps"] == 40
    assert given.attrs["lanczos_steps_taken"] == 32  # twice the dimension of the space is all there is


def test_a_finer_filter_takes_more_steps():
    tls = xg.electron_tls(xg.lattice.chain(8), g=1.0, omega0=0.5)
    grid = {"T": 1.0, "frequency": [0.0], "random_vectors": 2, "seed": 1}
    wide, narrow = (xg.ftlm(tls, broadening=width, **grid).attrs for width in (0.2, 0.1))
    assert wide["lanczos_steps"] == narrow["lanczos_steps"] == "rule"
    assert wide["lanczos_steps_taken"] < narrow["lanczos_steps_taken"]


# -- the top of the tree -----------------------------------------------------------------------------


def test_the_top_of_the_tree_has_two_guests():
    """LICENSE and CITATION.cff; everything else that a reader may look for stands in docs."""
    if not (ROOT / ".git").exists():
        pytest.skip("a source archive holds what tools put into it")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    top = {name.partition("/")[0] for name in files if not name.startswith(".")}
    assert top == {
        "CITATION.cff", "LICENSE", "README.md", "pyproject.toml", "docs", "recipes", "tests", "xglass",
    }  # fmt: skip
    assert {"docs/CONTRIBUTING.md", "docs/SECURITY.md"} <= {*files}


def valid(path: Path) -> subprocess.CompletedProcess:
    """What the schema of the Citation File Format says of a file; the schema comes with the package."""
    command = ["-m", "check_jsonschema", "--builtin-schema", "vendor.citation-file-format", str(path)]
    return subprocess.run([sys.executable, *command], capture_output=True, text=True)


def test_citation_file_is_valid():
    asked = valid(ROOT / "CITATION.cff")
    assert asked.returncode == 0, asked.stdout + asked.stderr


def test_a_citation_file_can_be_invalid(tmp_path):
    text = (ROOT / "CITATION.cff").read_text()
    wrong = Path(shutil.copy(ROOT / "CITATION.cff", tmp_path / "CITATION.cff"))
    wrong.write_text(text.replace("cff-version: 1.2.0", "cff-version: 1.1.0"))
    assert "'1.1.0' does not match" in valid(wrong).stdout
    wrong.write_text(text.replace("authors:\n  - name: xglass developers\n", "", 1))
    assert valid(wrong).returncode == 1


def test_citation_file_cites_this_version():
    text = (ROOT / "CITATION.cff").read_text()
    assert re.search(r"^version: (.+)$", text, re.M)[1] == PROJECT["version"]
    assert re.search(r"^license: (.+)$", text, re.M)[1] == PROJECT["license"]
    cited = {line.rpartition("doi.org/")[2] for line in PROJECT["urls"].values()}
    assert cited == set(re.findall(r"^ +doi: (.+)$", text, re.M))

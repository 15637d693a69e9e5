"""Every recipe, and the example of the README, runs as its reader would run it.

A recipe that ``recipes/_execute.py`` has run from the present sources is looked at in the folder that
``XGLASS_RECIPES`` names; any other is run here. Either way it is run again, on what the first run has left.
"""

import importlib.util
import json
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
spec = importlib.util.spec_from_file_location("_execute", ROOT / "recipes" / "_execute.py")
execute = importlib.util.module_from_spec(spec)
spec.loader.exec_module(execute)
spec = importlib.util.spec_from_file_location("picture", ROOT / "docs" / "tools" / "picture.py")
picture = importlib.util.module_from_spec(spec)
spec.loader.exec_module(picture)
RECIPES = execute.RECIPES


def run(arguments: list[str], folder: Path) -> subprocess.CompletedProcess:
    result = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=600
    )
    assert result.returncode == 0, f"{result.stdout[-2000:]}\n{result.stderr[-4000:]}"
    return result


def first_run(path: Path, folder: Path) -> str:
    """Leave in ``folder/output`` what the recipe makes; what it printed is returned."""
    notebook = execute.finished(path)
    if notebook is None:
        return run([str(path), "--out", "output"], folder).stdout
    shutil.copytree(notebook.parent / "output", folder / "output")  # with the times of all files
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    printed = [out for cell in cells for out in cell.get("outputs", []) if out.get("name") == "stdout"]
    return "".join("".join(out["text"]) for out in printed)


def test_there_are_recipes():
    assert RECIPES


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_writes_its_figure_and_table(path, tmp_path):
    printed = first_run(path, tmp_path)
    written = {file.suffix: file for file in (tmp_path / "output").iterdir() if file.is_file()}
    assert written[".png"].read_bytes().startswith(b"\x89PNG")
    assert "<svg" in written[".svg"].read_text()
    head, *rows = written[".csv"].read_text().splitlines()
    assert "[" in head, "the head of the table names units"
    assert rows
    assert printed.strip(), "a recipe prints what it found"
    declared = json.loads(written[".json"].read_text())
    assert written[".json"].name == f"{path.stem}_statements.json"
    assert (declared["recipe"], declared["form"]) == (path.stem, "quick")
    verdicts = [row["verdict"] for row in declared["statements"]]
    assert 2 * sum(verdict != "not decidable" for verdict in verdicts) >= len(verdicts) > 0

    def stored():
        stores = (tmp_path / "output").glob("*.zarr/**/*")
        return {file: (file.stat().st_mtime_ns, file.stat().st_size) for file in stores if file.is_file()}

    before = stored()
    assert before, "a recipe keeps its runs in a store"
    again = run([str(path), "--out", "output"], tmp_path)
    assert stored() == before, "nothing is simulated twice"
    assert again.stdout == printed
    if path.stem == picture.RECIPE:
        assert not picture.differences(tmp_path / "output"), picture.HOW


def test_a_picture_that_is_no_longer_the_figure_is_found(tmp_path, monkeypatch):
    """Other numbers, another drawing, another size; of another matplotlib only the numbers count."""
    rng = np.random.default_rng(0)
    drawn = rng.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    monkeypatch.setattr(picture, "PICTURE", tmp_path / "readme.png")

    def leave(table: str = "T,tau\n0.05,1.00001\n0.1,\n", points: np.ndarray = drawn) -> list[str]:
        for name in picture.TABLES:
            (tmp_path / f"{name}.csv").write_text(table)
        Image.fromarray(points).save(tmp_path / f"{picture.RECIPE}.png")
        return picture.differences(tmp_path) if picture.PICTURE.exists() else []

    leave()
    picture.renew(tmp_path)
    numbers = [f"the numbers of {name}" for name in picture.TABLES]
    assert leave() == leave(table="T,tau\n0.05,1.00002\n0.1,\n") == []
    for other in (
        "T,tau\n0.05,1.001\n0.1,\n",
        "T,tau\n0.05,1.00001\n0.1,3\n",
        "T,tau\n0.05,1.00001\n",
        "T,x\n",
    ):
        assert leave(table=other) == numbers
    assert leave(points=drawn[::-1])[0].endswith("% of its points")
    assert leave(points=drawn[:-1]) == ["the size"]
    monkeypatch.setattr(picture.matplotlib, "__version__", "0")
    assert leave(points=drawn[::-1]) == []


def test_recipes_that_were_run_are_those_of_the_present_sources(tmp_path, monkeypatch):
    """A folder that is not named, that is empty, or whose sources have changed is not looked at."""
    recipe = RECIPES[0]
    monkeypatch.delenv("XGLASS_RECIPES", raising=False)
    assert execute.finished(recipe) is None
    monkeypatch.setenv("XGLASS_RECIPES", str(tmp_path))
    assert execute.finished(recipe) is None
    mark = tmp_path / recipe.stem / "sources.sha256"
    mark.parent.mkdir()
    mark.write_text(execute.digest(recipe))
    assert execute.finished(recipe) == mark.parent / f"{recipe.stem}.ipynb"
    monkeypatch.setattr(execute, "digest", lambda recipe: "other sources")
    assert execute.finished(recipe) is None


def test_every_source_that_a_recipe_uses_is_in_its_digest(tmp_path, monkeypatch):
    """The library, what recipes share, what papers say and the recipe itself; another recipe is not."""
    used = (
        "xglass/engine/tls/a.py",
        "recipes/_common.py",
        "recipes/_statements.py",
        "recipes/rammal.toml",
        "recipes/one.py",
    )
    for name in (*used, "recipes/two.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("1\n")
    monkeypatch.setattr(execute, "ROOT", tmp_path)

    def digest() -> str:
        return execute.digest.__wrapped__(tmp_path / "recipes" / "one.py")

    before = digest()
    for name in used:
        (tmp_path / name).write_text("2\n")
        assert digest() != before, name
        (tmp_path / name).write_text("1\n")
    (tmp_path / "recipes" / "two.py").write_text("2\n")
    assert digest() == before


@pytest.mark.parametrize("broken", [True, False])
def test_of_recipes_that_are_run_side_by_side_none_fails_unseen(broken, tmp_path, monkeypatch):
    for variable in (
        "PYTHONPATH",
        "MPLBACKEND",
        "PYDEVD_DISABLE_FILE_VALIDATION",
        "XGLASS_PROGRESS",
    ):  # main changes them
        monkeypatch.setenv(variable, "")
    run_one, ran = execute.command, []

    def command(recipe: Path, folder: Path) -> str | None:
        ran.append(recipe)
        return run_one(Path("no_such_recipe.py"), folder) if broken and recipe is RECIPES[1] else None

    monkeypatch.setattr(execute, "command", command)
    monkeypatch.setattr(sys, "argv", ["_execute.py", str(tmp_path), "--jobs", "2"])
    with pytest.raises(SystemExit) as ended:
        execute.main()
    assert sorted(ran) == RECIPES
    assert "no recipe is called no_such_recipe" in ended.value.code if broken else ended.value.code == 0


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_the_figure_of_a_page_has_its_paragraph_as_alternative_text(path):
    """Under each paragraph on a figure stands the cell that draws it; formulas are read as letters."""
    kinds = re.split(r"^# %%(.*)$", path.read_text(), flags=re.M)[1:]
    cells = []
    for kind, source in zip(kinds[::2], kinds[1::2], strict=True):
        markdown = "[markdown]" in kind
        text = re.sub(r"^# ?", "", source, flags=re.M).strip() if markdown else source.strip()
        drawn = [{"data": {"image/png": ""}}] if "\nsave(" in source else [{"text": "no picture"}]
        cells.append(
            types.SimpleNamespace(
                cell_type="markdown" if markdown else "code", source=text, outputs=drawn, metadata={}
            )
        )
    execute.describe(types.SimpleNamespace(cells=cells))
    words = [cell.metadata["mystnb"]["image"]["alt"] for cell in cells if cell.metadata]
    assert len(words) == sum("\nsave(" in cell.source for cell in cells if cell.cell_type == "code") == 1
    assert len(words[0]) > 40
    assert not set(words[0]) & set("\\${}\n")


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_has_the_form_of_a_page(path):
    text = path.read_text()
    assert text.startswith("# %% [markdown]\n# # "), "the first cell is markdown and begins with the title"
    assert re.search(r"^claims\.close\(options\.out\)$", text, re.M), "it declares what the paper says"
    assert "--full" in text, "the cost of the paper's size is stated"
    used = set(re.findall(r"^(?:from|import) ([\w.]+)", text, re.M))
    assert not {name for name in used if name.startswith("xglass.")}, "only the public API"


def test_readme_example_runs(tmp_path):
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert blocks, "the README has a runnable example"
    (tmp_path / "example.py").write_text(blocks[0])
    first = run(["example.py"], tmp_path)
    second = run(["example.py"], tmp_path)
    assert "region" in first.stderr, "a long computation shows its progress"
    assert "region" not in second.stderr, "what is stored is not computed again"
    assert second.stdout == first.stdout
    said = re.search(r"It prints `(barrier = \d+\(\d+\) meV)`", (ROOT / "README.md").read_text())
    assert first.stdout.strip() == said[1], "what the README says that it prints"

"""Every recipe, and the example of the README, runs as its reader would run it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RECIPES = sorted(path for path in (ROOT / "recipes").glob("*.py") if not path.name.startswith("_"))


def run(arguments: list[str], folder: Path) -> subprocess.CompletedProcess:
    result = subprocess.run(
        [sys.executable, *arguments], cwd=folder, capture_output=True, text=True, timeout=600
    )
    assert result.returncode == 0, f"{result.stdout[-2000:]}\n{result.stderr[-4000:]}"
    return result


def test_there_are_recipes():
    assert RECIPES


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_writes_its_figure_and_table(path, tmp_path):
    result = run([str(path), "--out", "results"], tmp_path)
    written = {file.suffix: file for file in (tmp_path / "results").iterdir() if file.is_file()}
    assert written[".png"].read_bytes().startswith(b"\x89PNG")
    assert "<svg" in written[".svg"].read_text()
    head, *rows = written[".csv"].read_text().splitlines()
    assert "[" in head, "the head of the table names units"
    assert rows
    assert result.stdout.strip(), "a recipe prints what it found"

    def stored():
        stores = (tmp_path / "results").glob("*.zarr/**/*")
        return {file: (file.stat().st_mtime_ns, file.stat().st_size) for file in stores if file.is_file()}

    before = stored()
    assert before, "a recipe keeps its runs in a store"
    again = run([str(path), "--out", "results"], tmp_path)
    assert stored() == before, "nothing is simulated twice"
    assert again.stdout == result.stdout


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_recipe_has_the_form_of_a_page(path):
    text = path.read_text()
    assert text.startswith("# %% [markdown]\n# # "), "the first cell is markdown and begins with the title"
    assert re.search(r"^\s*assert ", text, re.M), "a recipe ends in assertions about the physics"
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
    assert sorted(second.stdout.splitlines()) == sorted(
        first.stdout.splitlines()
    )  # xarray prints coordinates in the order of a set

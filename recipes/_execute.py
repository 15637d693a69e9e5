"""Run every recipe once, in its quick form, and keep all that it makes: ``python recipes/_execute.py FOLDER
[NAME ...] [--jobs N]``.

``FOLDER/NAME`` then holds the executed notebook ``NAME.ipynb`` and, in ``output``, figure, table and stores.
The documentation shows these notebooks and the tests look at these files where the environment variable
``XGLASS_RECIPES`` names the folder, as long as no source has changed since; otherwise both run the recipes
themselves.
"""

from __future__ import annotations

import argparse
import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
RECIPES = sorted(path for path in (ROOT / "recipes").glob("*.py") if not path.name.startswith("_"))


@functools.cache
def digest(recipe: Path) -> str:
    """Of the sources that the result of a recipe depends on: the library, what recipes share, the recipe."""
    shared = [*(ROOT / "xglass").rglob("*.py"), *(ROOT / "recipes").glob("_*.py")]
    shared += (ROOT / "recipes").glob("*.toml")
    total = hashlib.sha256()
    for path in [*sorted(shared), recipe]:
        total.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def finished(recipe: Path) -> Path | None:
    """The executed notebook of a recipe, if there is one and it is that of the present sources."""
    folder = os.environ.get("XGLASS_RECIPES")
    if not folder:
        return None
    notebook = Path(folder).resolve() / recipe.stem / f"{recipe.stem}.ipynb"
    mark = notebook.parent / "sources.sha256"
    return notebook if mark.is_file() and mark.read_text().strip() == digest(recipe) else None


def describe(notebook: Any) -> None:
    """Give each figure the paragraph above it that begins with "The figure." as its alternative text."""
    words = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            found = re.search(r"\*\*The figure\.\*\*(.+?)(\n\n|\Z)", cell.source, re.S)
            plain = re.sub(r"\\[,;!]", " ", found[1]) if found else ""
            words = " ".join(re.sub(r"\\(mathrm|langle|rangle)|[\\${}]", "", plain).split())
        elif words and any("image/png" in output.get("data", {}) for output in cell.outputs):
            cell.metadata["mystnb"] = {"image": {"alt": words}}


def execute(recipe: Path, folder: Path) -> None:
    """Run one recipe from nothing; the digest of the sources, as they were at the start, is written last."""
    import jupytext
    import nbclient
    import nbformat

    sources = digest(recipe)
    place = folder / recipe.stem
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(parents=True)
    notebook = jupytext.read(recipe, fmt="py:percent")
    nbclient.NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(place)}}
    ).execute()
    describe(notebook)
    nbformat.write(notebook, place / f"{recipe.stem}.ipynb")
    (place / "sources.sha256").write_text(sources + "\n")


def command(recipe: Path, folder: Path) -> str | None:
    """Run one recipe in a process of its own; what went wrong, if anything did."""
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, __file__, str(folder), recipe.stem], capture_output=True, text=True
    )
    print(f"{recipe.stem}: {time.monotonic() - begun:.0f} s", flush=True)
    return None if done.returncode == 0 else f"{recipe.stem}: {done.stderr[-4000:]}"


def main() -> None:
    """Run the recipes that are named, all of them by default."""
    parser = argparse.ArgumentParser(description="run recipes once, for the documentation and the tests")
    parser.add_argument("folder", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help="all recipes by default")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="recipes at a time (%(default)s)")
    arguments = parser.parse_args()
    unknown = set(arguments.names) - {path.stem for path in RECIPES}
    if unknown:
        parser.error(f"no recipe is called {', '.join(sorted(unknown))}")
    folder = arguments.folder.resolve()
    chosen = [path for path in RECIPES if not arguments.names or path.stem in arguments.names]
    # Inherited by the kernel: the recipes' shared helper and this tree on the path, figures in the notebook,
    # and no progress bars.
    path = [str(ROOT), str(ROOT / "recipes"), os.environ.get("PYTHONPATH", "")]
    os.environ["PYTHONPATH"] = os.pathsep.join(path).rstrip(os.pathsep)
    os.environ.pop("MPLBACKEND", None)
    os.environ["XGLASS_PROGRESS"] = "off"
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    if arguments.jobs > 1:
        with ThreadPoolExecutor(arguments.jobs) as pool:
            failed = [text for text in pool.map(lambda recipe: command(recipe, folder), chosen) if text]
        sys.exit("\n".join(failed) or 0)
    for recipe in chosen:
        begun = time.monotonic()
        execute(recipe, folder)
        print(f"{recipe.stem}: {time.monotonic() - begun:.0f} s", flush=True)


if __name__ == "__main__":
    main()

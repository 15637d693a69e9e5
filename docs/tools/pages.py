"""Pages that are written when the documentation is built: public names, variables, recipes and the statements
of papers that they check, the picture of the house."""

from __future__ import annotations

import os
import re
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import names
import statements
from house import draw

if TYPE_CHECKING:
    from sphinx.application import Sphinx
    from sphinx.config import Config

DOCS = Path(__file__).resolve().parents[1]
ROOT = DOCS.parent
GENERATED = DOCS / "_generated"

KINDS = {
    "dimension": "Dimensions",
    "parameter": "Parameters",
    "geometry": "Lattices and models",
    "simulated": "What solvers return",
    "observable": "Observables",
    "fit": "Fits",
}


def variables_page() -> str:
    """The registry as tables, one for each kind of variable."""
    from xglass.variables import REGISTRY

    def cell(text: str) -> str:
        return text.replace("|", r"\|")

    lines = [
        "# Variables",
        "",
        "Every dimension and variable of the library, from its registry (`xglass/variables`). *Dims* are",
        "the trailing ones: the dimensions of the parameters come before them. *E* is the energy unit of the",
        "model, `Vc` or `tc`; the standard error of `x` is `x_stderr`, in the unit of `x`.",
        "",
    ]
    kinds = list(dict.fromkeys([*KINDS, *(entry.kind for entry in REGISTRY.values())]))
    for kind in kinds:
        rows = [entry for entry in REGISTRY.values() if entry.kind == kind]
        if not rows:
            continue
        lines += [
            f"## {KINDS.get(kind, kind.capitalize())}",
            "",
            "| name | symbol | dims | unit | definition |",
            "|---|---|---|---|---|",
        ]
        for entry in rows:
            dims = ", ".join(f"`{dim}`" for dim in entry.dims) or "-"
            unit = entry.unit.format(E="E")
            lines.append(
                f"| `{entry.name}` | ${cell(entry.symbol)}$ | {dims} | {unit} | {cell(entry.definition)} |"
            )
        lines.append("")
    return "\n".join(lines)


def names_page() -> str:
    """A table of functions for each group; autosummary makes a page of each function."""
    lines = [
        "Public names",
        "============",
        "",
        "``import xglass as xg`` makes all of these available and loads none of them: a module is imported",
        "when one of its names is first used. Arguments after the data are keyword-only, and the examples",
        "are executed by the tests.",
        "",
    ]
    for title, group in names.grouped().items():
        lines += [title, "-" * len(title), ""]
        for module in names.modules(title):  # what it says about all of its functions
            lines += [f".. automodule:: xglass.{module}", "   :no-index:", ""]
        lines += [
            ".. currentmodule:: xglass",
            "",
            ".. autosummary::",
            "   :toctree: api",
            "   :nosignatures:",
        ]
        lines += ["", *(f"   {name}" for name in group), ""]
    return "\n".join(lines)


def executed() -> dict[Path, Path]:
    """Recipe -> its executed notebook in the folder that ``XGLASS_RECIPES`` names; what is missing there or
    older than its sources is executed now."""
    sys.path.insert(0, str(ROOT / "recipes"))
    from _execute import RECIPES, execute, finished

    for recipe in RECIPES:
        if finished(recipe) is None:
            execute(recipe, Path(os.environ["XGLASS_RECIPES"]).resolve())
    return {recipe: finished(recipe) for recipe in RECIPES}


def thumbnail(picture: Path, target: Path) -> None:
    """Write a small copy of a figure, unless it is there and as new."""
    if target.exists() and target.stat().st_mtime >= picture.stat().st_mtime:
        return
    from PIL import Image  # of matplotlib

    target.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(picture) as image:
        image.thumbnail((480, 360))
        image.convert("RGB").save(target)


def card(recipe: Path) -> str:
    """A recipe in the list: its figure, its title, and the first sentence of what is asked."""
    title, asked = re.search(
        r"^# # (.+?)$.*?\*\*What is asked\.\*\*(.+?[.?])\s", recipe.read_text(encoding="utf-8"), re.S | re.M
    ).groups()
    asked = " ".join(asked.replace("\n#", "\n").split())
    return f""":::{{grid-item-card}} {title}
:link: /_generated/recipes/{recipe.stem}
:link-type: doc
:img-top: /_generated/thumbnails/{recipe.stem}.png
:img-alt: "Figure of the recipe: {title}"

{asked}
:::
"""


def recipe_list(recipes: Iterable[Path]) -> str:
    """All recipes as cards."""
    cards = "\n".join(card(recipe) for recipe in recipes)
    return f"""::::{{grid}} 1 1 2 2
:gutter: 3
:class-container: recipes

{cards}::::
"""


def generate(app: Sphinx, config: Config) -> None:
    """Write docs/_generated anew, leaving files alone that did not change (so that they are not read
    again)."""
    files = names.pages()
    config.autosummary_filename_map = {f"xglass.{name}": file for name, file in files.items()}
    notebooks = executed()
    pages = {
        "variables.md": variables_page(),
        "names.rst": names_page(),
        "recipes.md": recipe_list(notebooks),
    }
    pages["statements.md"] = statements.page(
        path.parent / "output" / f"{recipe.stem}_statements.json" for recipe, path in notebooks.items()
    )
    pages |= {f"recipes/{path.name}": path.read_text(encoding="utf-8") for path in notebooks.values()}
    picture = GENERATED / "house.svg"
    thumbnails = {GENERATED / "thumbnails" / f"{recipe.stem}.png": path for recipe, path in notebooks.items()}
    keep = {picture, *thumbnails, *(GENERATED / name for name in pages)}
    api = {GENERATED / "api" / f"{file}.rst" for file in files.values()}
    for path in GENERATED.rglob("*") if GENERATED.exists() else []:
        if path.is_file() and path not in keep | api:
            path.unlink()
    for name, text in pages.items():
        target = GENERATED / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_text(encoding="utf-8") != text:
            target.write_text(text, encoding="utf-8")
    for target, path in thumbnails.items():
        thumbnail(path.parent / "output" / target.name, target)
    shutil.rmtree(DOCS / "jupyter_execute", ignore_errors=True)
    draw(picture)

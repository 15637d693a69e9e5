"""Sphinx configuration. Three pages are written at build time: the variables, the public names, and every
recipe.

Recipes (in their quick form) and the user guide are executed by every build, and an error in a cell is an
error of the build.
"""

from __future__ import annotations

import importlib
import os
import re
import shutil
import sys
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sphinx.application import Sphinx

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
GENERATED = DOCS / "_generated"

sys.path.insert(0, str(ROOT))
# Inherited by the kernels that execute pages: one BLAS thread, and the recipes' shared helper on the path.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(ROOT), str(ROOT / "recipes"), os.environ.get("PYTHONPATH", "")]
).rstrip(os.pathsep)
os.environ.pop("MPLBACKEND", None)  # pages show their figures
os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")

project = "xglass"
author = "xglass developers"
copyright = "xglass developers"  # noqa: A001
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx.ext.viewcode"]
exclude_patterns = ["_build", "conf.py", "_generated/*.inc.md", "**/.ipynb_checkpoints", "jupyter_execute"]
root_doc = "index"

html_theme = "furo"
html_title = "xglass"

myst_enable_extensions = ["colon_fence", "dollarmath", "deflist"]
myst_heading_anchors = 3

nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "force"  # a cache would be keyed on the cells alone, and miss a change of the library
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 600  # for one cell
nb_merge_streams = True
nb_render_markdown_format = "myst"

autodoc_typehints = "none"  # the docstrings give shapes and units, which say more
autodoc_member_order = "bysource"
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_preprocess_types = False

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
        "Every dimension and variable of the library, from its registry (`xglass/variables.py`). "
        "*Dims* are the trailing ones:",
        "the dimensions of the parameters come before them. *E* stands for the energy unit of the "
        "model, `Vc` or `tc`;",
        "the standard error of `x` is `x_stderr`, in the unit of `x`.",
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


def api_page() -> str:
    """One autodoc entry for every public name, grouped by the module that defines it."""
    import xglass

    groups: dict[str, list[str]] = {}
    modules: list[str] = []
    for name in xglass.__all__:
        member: Any = getattr(xglass, name)
        if isinstance(member, ModuleType):
            modules.append(name)
        elif callable(member):
            groups.setdefault(member.__module__.split(".")[1], []).append(name)
    order = ["models", "lattice", "ops", "solvers", "observables", "fits", "resampling", "store", "plot"]
    titles = {
        "models": "Models",
        "lattice": "Pair interactions",
        "ops": "Labelled maths",
        "solvers": "Solvers",
    }
    lines: list[str] = []
    for group in sorted(groups, key=lambda key: order.index(key) if key in order else len(order)):
        lines += [f"## {titles.get(group, group.capitalize())}", "", "```{eval-rst}"]
        lines += [f".. autofunction:: xglass.{name}" for name in groups[group]]
        lines += ["```", ""]
    for name in modules:
        if name == "variables":  # has a page of its own
            continue
        module = importlib.import_module(f"xglass.{name}")
        lines += [
            f"## `xglass.{name}`",
            "",
            "```{eval-rst}",
            f".. automodule:: xglass.{name}",
            "   :no-index:",
            "",
        ]
        for inner in module.__all__:
            if callable(getattr(module, inner)):
                directive = "autoclass" if isinstance(getattr(module, inner), type) else "autofunction"
                lines += [f".. {directive}:: xglass.{name}.{inner}"]
        lines += ["```", ""]
    return "\n".join(lines)


def generate(app: Sphinx) -> None:
    """Write docs/_generated anew; a file that did not change is left alone, so that it is not read again."""
    pages = {"variables.md": variables_page(), "api.inc.md": api_page()}
    recipes = [path for path in sorted((ROOT / "recipes").glob("*.py")) if not path.name.startswith("_")]
    pages |= {f"recipes/{path.name}": path.read_text() for path in recipes}
    if GENERATED.exists():
        for path in GENERATED.rglob("*"):
            if path.is_file() and path.relative_to(GENERATED).as_posix() not in pages:
                path.unlink()
    for name, text in pages.items():
        target = GENERATED / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists() or target.read_text() != text:
            target.write_text(text)
    shutil.rmtree(DOCS / "jupyter_execute", ignore_errors=True)


def plain_formulas(app: Sphinx, what: str, name: str, obj: object, options: object, lines: list[str]) -> None:
    """Let docstrings write |x| in plain text: reStructuredText would take the bars for a substitution."""
    block = None  # indentation of a math or code directive that we are in
    for number, line in enumerate(lines):
        indent = len(line) - len(line.lstrip())
        if line.strip() and block is not None and indent <= block:
            block = None
        if re.match(r"\s*\.\. (math|code-block)::", line):
            block = indent
        if block is None and not line.lstrip().startswith(">>>"):
            parts = re.split(r"(``.*?``|`[^`]*`)", line)
            lines[number] = "".join(
                part if part.startswith("`") else part.replace("|", r"\|") for part in parts
            )


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", generate)
    app.connect("autodoc-process-docstring", plain_formulas, priority=400)  # before napoleon

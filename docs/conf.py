"""Sphinx configuration. Pages that are written at build time are made by docs/tools.

Front page, tutorials and user guide are executed by every build. So are recipes (in their quick form) whose
sources have changed since ``recipes/_execute.py`` left them in the folder that ``XGLASS_RECIPES`` names, by
default one beside the built pages. An error in a cell is an error of the build.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sphinx.util import logging

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path[:0] = [str(ROOT), str(ROOT / "recipes"), str(DOCS / "tools")]

from links import broken, twins, wordless  # noqa: E402
from pages import generate  # noqa: E402

if TYPE_CHECKING:
    from sphinx.application import Sphinx

logger = logging.getLogger(__name__)

# Inherited by the kernels that execute pages: one BLAS thread, and the recipes' shared helper on the path.
for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")
os.environ["PYTHONPATH"] = os.pathsep.join(
    [str(ROOT), str(ROOT / "recipes"), os.environ.get("PYTHONPATH", "")]
).rstrip(os.pathsep)
os.environ.pop("MPLBACKEND", None)  # pages show their figures
os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
os.environ["XGLASS_PROGRESS"] = "off"  # no progress bars in pages
os.environ.setdefault("XGLASS_RECIPES", str(DOCS / "_build" / "recipes"))

project = "xglass"
author = "xglass developers"
copyright = "xglass developers"  # noqa: A001
extensions = [
    "myst_nb",
    "numpydoc",
    "sphinx-mathjax-offline",  # formulas without a network
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.viewcode",
    "sphinx_copybutton",
    "sphinx_design",
]
exclude_patterns = ["_build", "conf.py", "tools", "**/.ipynb_checkpoints", "jupyter_execute"]
templates_path = ["_templates"]
root_doc = "index"
nitpicky = True  # a reference to a name that is not documented is an error

html_theme = "furo"
html_title = "xglass"
html_static_path = ["_static"]
html_css_files = ["xglass.css"]
html_favicon = "_static/xglass.svg"

myst_enable_extensions = ["colon_fence", "dollarmath", "deflist"]
myst_heading_anchors = 3

nb_execution_mode = "force"  # a cache would be keyed on the cells alone, and miss a change of the library
nb_execution_excludepatterns = ["_generated/recipes/*.ipynb"]  # executed by recipes/_execute.py
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 600  # for one cell
nb_ipywidgets_js: dict[str, dict[str, str]] = {}  # pages have no widgets, and load nothing from a network
nb_merge_streams = True
nb_output_stderr = "remove-warn"  # a page shows what is found; what it warns of is an error of the build
nb_render_markdown_format = "myst"

autodoc_typehints = "none"  # the docstrings give shapes and units, which say more
autodoc_member_order = "bysource"
autosummary_generate = True
numpydoc_show_class_members = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True


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


def check_links(app: Sphinx, error: Exception | None) -> None:
    """No page that was built has a link into nothing or a picture without words, needs a network to be read,
    or writes over another."""
    if error is None and app.builder.name == "html":
        for check in (broken, twins, wordless):
            for sentence in check(Path(app.outdir)):
                logger.warning(sentence, type="xglass", subtype="link")


def setup(app: Sphinx) -> None:
    app.connect("config-inited", generate)  # before sphinx looks for files
    app.connect("autodoc-process-docstring", plain_formulas, priority=400)  # before numpydoc
    app.connect("build-finished", check_links, priority=900)  # after everything that still copies files

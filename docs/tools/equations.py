"""The index of equations, docs/equations.md, and the docstrings: neither knows what the other does not."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

from names import functions, resolve

PAGE = Path(__file__).resolve().parents[1] / "equations.md"

#: An equation of a paper, as docstrings cite it: "Eq. (3)", "Eqs. (A14) to (A17)".
CITED = re.compile(r"Eqs?\.\s+\(?(A?\d+)\)?")


def listed(page: str) -> list[str]:
    """Functions that the index names, without their ``xglass.``."""
    return re.findall(r"\{func\}`~?xglass\.([\w.]+)`", page)


def unknown(page: str | None = None) -> list[str]:
    """Functions in the index that are not public."""

    def exists(name: str) -> bool:
        try:
            return callable(resolve(name))
        except AttributeError:
            return False

    return [name for name in listed(page or PAGE.read_text(encoding="utf-8")) if not exists(name)]


def missing(page: str | None = None) -> list[tuple[str, list[str]]]:
    """Public functions that cite equations and are not named in the index; with what they cite."""
    there = {id(resolve(name)) for name in listed(page or PAGE.read_text(encoding="utf-8"))}
    cited = {name: CITED.findall(inspect.getdoc(item) or "") for name, item in functions().items()}
    return [(name, found) for name, found in cited.items() if found and id(resolve(name)) not in there]

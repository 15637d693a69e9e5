"""What the papers say: the statements that recipes have left as JSON, one table for each paper."""

from __future__ import annotations

import collections
import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from _statements import PAPERS, VERDICTS, claimed_text, found_text

HEAD = """# What the papers say

Every sentence of a paper that a recipe can decide is declared there, with the interval in which a number
must lie if the sentence holds. The verdict is computed: *met* where three standard errors about the number
that was found lie inside that interval, *contradicted* where they lie outside, *not decidable* else. A claim
about a whole curve is decided by its least favourable point, which is named. What is shown was found by the
quick forms of the recipes, as this page was built; each recipe holds its verdicts to those that are
expected, and fails otherwise.
"""


def escaped(text: str) -> str:
    """Plain text as Markdown within a table."""
    return re.sub(r"([|*$\[\]<`])", r"\\\1", text.replace("+-", "±"))


def place(row: dict[str, Any]) -> list[tuple[int, str]]:
    """Order of the paper's figures, equations and sections: numbers as numbers."""
    return [(int(part), "") if part.isdigit() else (0, part) for part in re.split(r"(\d+)", row["where"])]


def counts(rows: list[dict[str, Any]]) -> str:
    """How many statements there are, and how many of each verdict."""
    number = collections.Counter(row["verdict"] for row in rows)
    noun = "statement" if len(rows) == 1 else "statements"
    return f"{len(rows)} {noun}: " + ", ".join(f"{number[verdict]} {verdict}" for verdict in VERDICTS)


def table(rows: list[dict[str, Any]]) -> list[str]:
    """One line for each statement, in the order of the paper."""
    lines = ["| where | the paper says | verdict | claimed | found | recipe |", "|---|---|---|---|---|---|"]
    for row in sorted(rows, key=place):
        verdict = f"**{row['verdict']}**: {escaped(row['reason'])}"
        texts = [escaped(text) for text in (row["where"], row["claim"], claimed_text(row), found_text(row))]
        cells = [*texts[:2], verdict, *texts[2:], f"{{doc}}`/_generated/recipes/{row['recipe']}`"]
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def page(files: Iterable[Path]) -> str:
    """The page of the statements in these files, as :class:`_statements.Statements` writes them."""
    papers: dict[str, list[dict[str, Any]]] = {paper: [] for paper in PAPERS}
    for file in files:
        written = json.loads(file.read_text(encoding="utf-8"))
        papers[written["paper"]] += [row | {"recipe": written["recipe"]} for row in written["statements"]]
    lines = [HEAD]
    for paper, rows in papers.items():
        authors, title = paper.split(": ", 1)
        lines += [f"## {authors}", "", f"*{title}*", "", f"{counts(rows)}.", "", *table(rows), ""]
    return "\n".join(lines)

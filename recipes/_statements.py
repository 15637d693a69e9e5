"""What a paper says and what a recipe finds, as data: declared, decided, printed and written as JSON.

What a paper says stands in a file of its own, such as ``rammal.toml``; a recipe finds the numbers. The
verdict is computed, never typed. A statement is an interval in which a number must lie; three standard errors
of the number that was found decide.
"""

from __future__ import annotations

import argparse
import json
import math
import textwrap
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

#: The papers; the authors before the colon, the title after it.
RAMMAL = (
    "Rammal, Ciuchi and Fratini: Inelastic scattering and transient localization from coupling to "
    "two-level systems"
)
FRATINI = (
    "Fratini, Driscoll, Ciuchi and Ralko: A quantum theory of the nearly frozen charge glass, "
    "SciPost Phys. 14, 124 (2023)"
)
MUELLER = (
    "Müller, Strack and Sachdev: Quantum charge glasses of itinerant fermions with cavity-mediated "
    "long-range interactions, Phys. Rev. A 86, 023604 (2012)"
)
PAPERS = (FRATINI, RAMMAL, MUELLER)
#: Where their statements are declared: a table ``[recipe.name]`` with the entries of a ``Statement``.
FOLDER = Path(__file__).resolve().parent
DECLARED = {FRATINI: "fratini.toml", RAMMAL: "rammal.toml", MUELLER: "mueller.toml"}

MET, CONTRADICTED, UNDECIDED = VERDICTS = ("met", "contradicted", "not decidable")
#: Standard errors that decide.
STANDARD_ERRORS = 3.0
#: Columns of what is printed, which a page shows without scrolling.
WIDTH = 100


@dataclass(frozen=True)
class Measured:
    """Numbers with standard errors, which quotients and differences take as independent of each other.

    Where two of them share random vectors, and rise and fall together, that errs on the safe side.
    """

    value: float | xr.DataArray
    error: float | xr.DataArray = 0.0

    @classmethod
    def of(cls, data: xr.Dataset, name: str) -> Measured:
        """A variable of a Dataset and its ``_stderr``."""
        return cls(data[name], data[f"{name}_stderr"])

    def sel(self, **labels: Any) -> Measured:
        """Entries by their labels, as of an array."""
        return Measured(self.value.sel(labels), self.error.sel(labels))

    def columns(self, name: str) -> dict[str, float | xr.DataArray]:
        """Variables of a table: ``name`` and ``name_stderr``."""
        return {name: self.value, f"{name}_stderr": self.error}

    def growth(self, dim: str) -> Measured:
        """Each entry along ``dim`` over the one before it, with the label of the later one."""
        before = Measured(self.value.shift({dim: 1}), self.error.shift({dim: 1}))
        ratio, later = self / before, {dim: slice(1, None)}
        return Measured(ratio.value.isel(later), ratio.error.isel(later))

    def __sub__(self, other: Measured | float | xr.DataArray) -> Measured:
        other = other if isinstance(other, Measured) else Measured(other)
        return Measured(self.value - other.value, np.hypot(self.error, other.error))

    def __truediv__(self, other: Measured | float | xr.DataArray) -> Measured:
        other = other if isinstance(other, Measured) else Measured(other)
        ratio = self.value / other.value
        return Measured(ratio, np.hypot(self.error, ratio * other.error) / abs(other.value))


@dataclass(frozen=True)
class Statement:
    """A sentence of a paper, as its file declares it.

    ``where``: figure, equation or section; ``claim``: what the paper says, in our words. ``claimed``: the
    interval in which the number of the recipe must lie (closed; ``inf`` leaves an end open), or a number that
    holds ``within`` a tolerance. ``expected``: the verdict that we hold to be true; a statement that
    ``needs_full`` may be undecided in the quick form. ``reason``: what decides, or why it is contradicted or
    cannot be decided.
    """

    where: str
    claim: str
    claimed: float | list[float]
    reason: str
    within: float | None = None
    unit: str = ""
    expected: str = MET
    needs_full: bool = False


def declared(paper: str) -> dict[str, dict[str, Any]]:
    """What the file of a paper declares: recipe -> name -> statement."""
    return tomllib.loads((FOLDER / DECLARED[paper]).read_text(encoding="utf-8"))


class Statements:
    """The statements of one paper that one recipe checks.

    ``decide`` each one that the paper's file declares for this recipe, then ``close``. A malformed statement
    raises ValueError with the recipe's name; a verdict other than the expected one, a declared statement that
    is left out, or fewer than half of the statements decided, AssertionError.
    """

    def __init__(self, recipe: str, paper: str, options: argparse.Namespace) -> None:
        if paper not in PAPERS:
            raise ValueError(
                f"{recipe}: paper {paper!r} is unknown; write RAMMAL, FRATINI or MUELLER of _common"
            )
        self.recipe, self.paper, self.full = recipe, paper, bool(options.full)
        self.rows: list[dict[str, Any]] = []
        self.declared: dict[str, dict[str, Any]] = declared(paper).get(recipe, {})
        self.left = dict.fromkeys(self.declared)

    def decide(
        self,
        name: str,
        found: float | xr.DataArray | Measured,
        error: float | xr.DataArray | None = None,
        **words: Any,
    ) -> str:
        """Decide the statement of this name, as the paper's file declares it, and return its verdict.

        ``found`` and its standard ``error`` (0.0 for results without a statistical error; none beside a
        :class:`Measured`) are numbers, or arrays where the claim is about every point: then the least
        favourable one decides. ``words`` fill the places in braces that the texts of the statement have.
        """
        if name not in self.declared:
            known = ", ".join(self.declared) or "none"
            raise ValueError(f"{self.recipe}: no statement {name!r} in {DECLARED[self.paper]}, but {known}")
        try:
            said = Statement(**self.declared[name])
        except TypeError as wrong:
            raise self._malformed(name, str(wrong).removeprefix("Statement.__init__() ")) from None
        where, claim, reason = (self._text(name, key, words) for key in ("where", "claim", "reason"))
        if any((row["where"], row["claim"]) == (where, claim) for row in self.rows):
            raise self._malformed(name, "is decided twice")
        if said.expected not in VERDICTS:
            raise self._malformed(name, f"expected={said.expected!r} is no verdict; write one of {VERDICTS}")
        if said.needs_full and said.expected == UNDECIDED:
            raise self._malformed(name, f"needs_full = true cannot be expected to be {UNDECIDED!r}")
        low, high = self._interval(name, said.claimed, said.within)
        if isinstance(found, Measured) is (error is not None):
            raise self._malformed(name, "error is given once: error=, 0.0 if there is none, or a Measured")
        if isinstance(found, Measured):
            found, error = found.value, found.error
        value, spread, at = self._least_favourable(name, low, high, found, error)
        verdict = _verdict(low, high, value, spread)
        self.left.pop(name, None)
        self.rows.append(
            {
                "where": where,
                "claim": claim,
                "claimed": [_plain(low), _plain(high)],
                "found": _plain(value),
                "error": _plain(spread),
                "unit": said.unit,
                "at": at,
                "verdict": verdict,
                "expected": said.expected,
                "needs_full": said.needs_full,
                "reason": reason,
            }
        )
        return verdict

    def close(self, folder: Path) -> None:
        """Print all verdicts, hold them to the expected ones, and write ``RECIPE_statements.json``."""
        if not self.rows:
            raise ValueError(f"{self.recipe}: no statement was decided")
        decided = sum(row["verdict"] != UNDECIDED for row in self.rows)
        print(report(self.rows, self.full))
        assert not self.left, (
            f"{self.recipe}: declared in {DECLARED[self.paper]}, but not decided: {', '.join(self.left)}"
        )
        wrong = [row for row in self.rows if not self._as_expected(row)]
        assert not wrong, "\n".join(
            f"{self.recipe}: {row['where']}: {row['claim']!r} is {row['verdict']}, expected "
            f"{row['expected']} (claimed {claimed_text(row)}, found {found_text(row)})"
            for row in wrong
        )
        assert 2 * decided >= len(self.rows), (
            f"{self.recipe}: only {decided} of {len(self.rows)} statements are decided, fewer than half"
        )
        content = {
            "recipe": self.recipe,
            "paper": self.paper,
            "form": "full" if self.full else "quick",
            "statements": self.rows,
        }
        path = folder / f"{self.recipe}_statements.json"
        path.write_text(json.dumps(content, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        print(f"wrote {path}")

    def _as_expected(self, row: Mapping[str, Any]) -> bool:
        waits = row["needs_full"] and not self.full and row["verdict"] == UNDECIDED
        return bool(waits or row["verdict"] == row["expected"])

    def _malformed(self, name: str, what: str) -> ValueError:
        return ValueError(f"{self.recipe}: {name!r} in {DECLARED[self.paper]}: {what}")

    def _text(self, name: str, key: str, words: Mapping[str, Any]) -> str:
        text = self.declared[name][key]
        if not isinstance(text, str) or not text.strip():
            raise self._malformed(name, f"{key}={text!r}; write a text")
        try:
            return text.format(**words)
        except KeyError as missing:
            raise self._malformed(name, f"{missing} is missing") from None

    def _interval(self, name: str, claimed: float | list[float], within: float | None) -> tuple[float, float]:
        try:
            if within is None:
                low, high = (float(end) for end in claimed)  # type: ignore[union-attr]
            else:
                low, high = float(claimed) - within, float(claimed) + within  # type: ignore[arg-type]
        except (TypeError, ValueError):
            hint = "write claimed = [low, high], or a number with within = its tolerance"
            raise self._malformed(name, f"claimed={claimed!r}, within={within!r}; {hint}") from None
        if not low < high:
            raise self._malformed(name, f"the interval from {low:g} to {high:g} is empty")
        if math.isinf(low) and math.isinf(high):
            raise self._malformed(name, "the interval holds every number, which claims nothing")
        return low, high

    def _least_favourable(
        self, name: str, low: float, high: float, found: float | xr.DataArray, error: float | xr.DataArray
    ) -> tuple[float, float, dict[str, Any]]:
        """Value, error and labels of the point that is fewest standard errors within the interval (or most
        of them outside), so that every point meets the claim if it does. A point without a value counts as
        undecided.
        """
        value, spread = (xr.DataArray(part) for part in (found, error))
        if any(part.dtype.kind not in "iuf" for part in (value, spread)):
            raise self._malformed(name, "found and error are numbers, not truth values or texts")
        try:
            value, spread = xr.broadcast(*xr.align(value, spread, join="exact"))
        except ValueError as mismatch:
            raise self._malformed(name, f"error does not have the labels of found: {mismatch}") from None
        values, errors = (np.asarray(part, dtype=float).ravel() for part in (value, spread))
        if not values.size:
            raise self._malformed(name, "found holds no point at all")
        unknown = ~(errors >= 0) & ~(np.isnan(values) & np.isnan(errors))
        if unknown.any():
            raise self._malformed(name, f"error={errors[unknown][0]:g}; an error is not negative and known")
        with np.errstate(divide="ignore", invalid="ignore"):
            margin = np.minimum(values - low, high - values)
            inside = np.where(errors > 0, margin / errors, np.where(margin >= 0, np.inf, -np.inf))
        inside = np.where(np.isfinite(values), inside, 0.0)
        least = int(np.lexsort((margin, inside))[0])
        place = np.unravel_index(least, value.shape)
        at = {
            str(dim): value[dim].values.tolist()[k] if dim in value.coords else int(k)
            for dim, k in zip(value.dims, place, strict=True)
        }
        return float(values[least]), float(errors[least]), at


def _verdict(low: float, high: float, found: float, error: float) -> str:
    if not math.isfinite(found):
        return UNDECIDED
    least, most = found - STANDARD_ERRORS * error, found + STANDARD_ERRORS * error
    if low <= least and most <= high:
        return MET
    return CONTRADICTED if most < low or least > high else UNDECIDED


def _plain(value: float) -> float | None:
    """Six significant digits, as the tables have; JSON knows neither infinity nor NaN."""
    return float(f"{value:.6g}") if math.isfinite(value) else None


def claimed_text(row: Mapping[str, Any]) -> str:
    """The interval of a statement: "> 1", "< 3" or "0.35 to 0.65"."""
    low, high = row["claimed"]
    text = f"< {high:g}" if low is None else f"> {low:g}" if high is None else f"{low:g} to {high:g}"
    return f"{text} {row['unit']}".strip()


def found_text(row: Mapping[str, Any]) -> str:
    """What was found, with its standard error and the point that decides."""
    found, error = row["found"], row["error"]
    if found is None:
        text = "no value"
    elif error:  # two digits of the error, and as many places of the value
        places = max(0, 1 - math.floor(math.log10(error)))
        text = f"{found:.{places}f} +- {error:.{places}f} {row['unit']}".strip()
    else:
        text = f"{found:.4g}{' +- unknown' if error is None else ''} {row['unit']}".strip()
    labels = ", ".join(
        f"{dim} = {label:g}" if isinstance(label, float) else f"{dim} = {label}"
        for dim, label in row["at"].items()
    )
    return f"{text} at {labels}" if labels else text


def report(rows: list[dict[str, Any]], full: bool) -> str:
    """The statements, what is behind those that are not met, and how many are decided."""
    verdict, where = (max(len(row[name]) for row in rows) for name in ("verdict", "where"))
    margin = " " * (verdict + where + 4)
    lines = []
    for row in rows:
        texts = [row["claim"], f"claimed {claimed_text(row)}, found {found_text(row)}"]
        texts += [row["reason"]] if row["verdict"] != MET else []
        first, *rest = [part for text in texts for part in textwrap.wrap(text, WIDTH - len(margin))]
        lines.append(f"{row['verdict']:{verdict}}  {row['where']:{where}}  {first}")
        lines += [margin + part for part in rest]
    decided = sum(row["verdict"] != UNDECIDED for row in rows)
    lines.append(f"{decided} of {len(rows)} statements decided at three standard errors")
    undecided = [row for row in rows if row["needs_full"] and row["verdict"] == UNDECIDED]
    if undecided and not full:
        waiting = "; ".join(f"{row['where']}, {row['claim']}" for row in undecided)
        lines += textwrap.wrap(f"these need --full: {waiting}", WIDTH)
    return "\n".join(lines)

"""The picture of the README, which is the figure of a recipe: renew it, or see whether it still is.

    python recipes/charge_glass_relaxation.py --out output && python docs/tools/picture.py output

copies the figure, and into it the tables of the numbers that it draws, so that a test can compare both.
"""

from __future__ import annotations

import csv
import io
import itertools
import sys
from pathlib import Path

import matplotlib
import numpy as np
from PIL import Image, PngImagePlugin

RECIPE = "charge_glass_relaxation"
TABLES = ("charge_glass_relaxation", "charge_glass_barriers")
PICTURE = Path(__file__).resolve().parents[1] / "_static" / f"{RECIPE}.png"
HOW = f"renew it: python recipes/{RECIPE}.py --out output && python docs/tools/picture.py output"


def renew(folder: Path) -> None:
    """Make the figure in ``folder`` the picture of the README."""
    notes = PngImagePlugin.PngInfo()
    notes.add_text("matplotlib", matplotlib.__version__)
    for name in TABLES:
        notes.add_text(name, (folder / f"{name}.csv").read_text())
    Image.open(folder / f"{RECIPE}.png").convert("RGB").save(PICTURE, pnginfo=notes, optimize=True)


def differences(folder: Path) -> list[str]:
    """Say in what the picture is not the figure in ``folder``: in its numbers, or in how they are drawn."""
    picture, figure = Image.open(PICTURE), Image.open(folder / f"{RECIPE}.png").convert("RGB")
    found = [
        f"the numbers of {name}"
        for name in TABLES
        if not _same(picture.text.get(name, ""), (folder / f"{name}.csv").read_text())
    ]
    if picture.size != figure.size:
        return [*found, "the size"]
    # another version of matplotlib draws letters a little differently
    if picture.text.get("matplotlib") == matplotlib.__version__:
        apart = np.asarray(picture.convert("RGB"), float) - np.asarray(figure, float)
        if (share := (np.abs(apart).max(axis=-1) > 64).mean()) > 1e-3:
            found.append(f"{share:.1%} of its points")
    return found


def _same(table: str, other: str) -> bool:
    """Whether two tables have the same words, and the same numbers to four digits."""
    rows, others = (list(csv.reader(io.StringIO(text))) for text in (table, other))
    if [len(row) for row in rows] != [len(row) for row in others]:
        return False
    return all(map(_equal, itertools.chain(*rows), itertools.chain(*others)))


def _equal(cell: str, other: str) -> bool:
    try:
        return bool(np.isclose(float(cell or "nan"), float(other or "nan"), rtol=1e-4, equal_nan=True))
    except ValueError:
        return cell == other


if __name__ == "__main__":
    renew(Path(sys.argv[1]))
    print(f"wrote {PICTURE}")

"""What the recipes share: arguments, statements of papers, the look of figures, and the files they leave.

A recipe is a py:percent script: its first cell is markdown and begins with the title. The same file is run
from the command line, tested in its quick form, and executed as a page of the documentation (there it takes
no arguments).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import matplotlib

IN_NOTEBOOK = "ipykernel" in sys.modules
if not IN_NOTEBOOK:  # a script only writes files: no window, no display needed
    matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
import numpy as np  # noqa: E402
import xarray as xr  # noqa: E402
from _statements import FRATINI as FRATINI  # noqa: E402
from _statements import MUELLER as MUELLER  # noqa: E402
from _statements import RAMMAL as RAMMAL  # noqa: E402
from _statements import Measured as Measured  # noqa: E402
from _statements import Statements as Statements  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402
from matplotlib.colors import Colormap  # noqa: E402
from matplotlib.figure import Figure  # noqa: E402

import xglass as xg  # noqa: E402

#: Width of one journal column and of a page, in inches.
COLUMN, PAGE = 3.4, 7.0

xg.plot.style()


def parse_args(description: str = "", arguments: list[str] | None = None) -> argparse.Namespace:
    """``full`` (the paper's size) and ``out`` (a folder that exists afterwards)."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--full", action="store_true", help="the size of the paper; see the first paragraph for its cost"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("output"),
        metavar="FOLDER",
        help="where figure and table go (%(default)s)",
    )
    if arguments is None and IN_NOTEBOOK:
        arguments = []
    parsed = parser.parse_args(arguments)
    parsed.out.mkdir(parents=True, exist_ok=True)
    return parsed


def solved(options: argparse.Namespace, name: str, solution: xr.Dataset) -> xr.Dataset:
    """A solution from its store, ``name_quick.zarr`` or ``name_full.zarr``; computed if not there yet."""
    store = options.out / f"{name}_{'full' if options.full else 'quick'}.zarr"
    return xg.store.evaluate(solution, store).compute()


def sequential(
    values: np.ndarray | xr.DataArray, name: str = "viridis"
) -> list[tuple[float, float, float, float]]:
    """One colour for each value of an ordered parameter, dark to light in the order of the values."""
    colours: Colormap = matplotlib.colormaps[name]
    values = np.asarray(values, dtype=float)
    span = float(np.ptp(values)) or 1.0
    return [tuple(colours(0.9 * (value - values.min()) / span)) for value in values]


def letters(axes: Iterable[Axes]) -> None:
    """The paper's panel letters, above the upper left of each of the axes."""
    for letter, ax in zip("abcdefgh", axes, strict=False):
        ax.set_title(f"({letter})", loc="left")


Data = TypeVar("Data", xr.Dataset, xr.DataArray)


def joined(
    parts: Iterable[Data],
    dim: str | xr.DataArray | xr.Variable,
    variables: Iterable[str] | None = None,
    join: str = "exact",
) -> Data:
    """Solutions, or some variables of them, side by side: sorted along ``dim``, or with the labels it has.

    With ``join="outer"`` a solution has NaN where it lacks a label of another one.
    """
    chosen = [part if variables is None else part[list(variables)] for part in parts]
    if isinstance(dim, str):
        chosen = [part if dim in part.dims else part.expand_dims(dim) for part in chosen]
    together = xr.concat(
        chosen, dim, coords="minimal", compat="override", join=join, combine_attrs="override"
    )
    return together.sortby(dim) if isinstance(dim, str) else together


def read(sigma: xr.DataArray, error: xr.DataArray, frequency: xr.DataArray | float) -> Measured:
    """Conductivity, with its standard error, at one frequency of each curve."""
    where = {"frequency": frequency, "method": "nearest"}
    return Measured(*(part.sel(**where).drop_vars("frequency") for part in (sigma, error)))


def lowest(sigma: xr.DataArray, peak: xr.DataArray) -> xr.DataArray:
    """Frequency of the dip: the lowest point between zero frequency and the peak."""
    return sigma.where(sigma["frequency"] <= peak).idxmin("frequency")


def position(sigma: xr.DataArray, error: xr.DataArray, peak: xr.DataArray) -> Measured:
    """Where a peak is whose top is flat: the middle of all frequencies beyond the dip that come within three
    standard errors of its height. Their half range counts as three errors of the position.
    """
    height, frequency = read(sigma, error, peak), sigma["frequency"]
    near = (sigma >= height.value - 3 * height.error) & (frequency >= lowest(sigma, peak))
    near &= frequency <= 2 * peak  # noise far above it is no part of its top
    first, last = (getattr(frequency.where(near), end)("frequency") for end in ("min", "max"))
    return Measured((first + last) / 2, (last - first + float(frequency[1] - frequency[0])) / 6)


def save(figure: Figure, folder: Path, name: str) -> None:
    """Write ``name.png`` (200 dots per inch) and ``name.svg``."""
    figure.savefig(folder / f"{name}.png", dpi=200)
    figure.savefig(folder / f"{name}.svg", metadata={"Date": None})
    if not IN_NOTEBOOK:
        plt.close(figure)
    print(f"wrote {folder / name}.png and .svg")


def save_table(data: xr.Dataset, folder: Path, name: str, keep: Iterable[str] | None = None) -> None:
    """Write a Dataset, or what is to ``keep`` of it with the errors of that, to ``name.csv``, units in its
    head; print it with errors in brackets.
    """
    if keep is not None:
        data = data[[column for kept in keep for column in (kept, f"{kept}_stderr") if column in data]]
    data = data.reset_coords(
        [str(key) for key, coord in data.coords.items() if key not in data.dims], drop=True
    )
    frame = data.to_dataframe().reset_index()[[*map(str, data.dims), *map(str, data.data_vars)]]
    units = {
        column: "" if data[column].dtype.kind in "OUTb" else f"[{data[column].attrs.get('units', '1')}]"
        for column in frame.columns
    }
    written = frame.rename(columns=lambda column: f"{column} {units[column]}".strip())
    written.to_csv(folder / f"{name}.csv", index=False, float_format="%.6g")
    for column in [column for column in data.data_vars if f"{column}_stderr" in data]:
        pair = data[[column, error := f"{column}_stderr"]].drop_attrs().broadcast_like(data)
        lines = xg.units.text(pair.transpose(*data.dims), column).splitlines()
        numbers = [line.rpartition(": ")[2].removesuffix("(0)") for line in lines]
        frame[column] = [number.replace("nan(nan)", "NaN") for number in numbers]
        frame = frame.drop(columns=error)
    frame.columns = [frame.columns, [units[column] for column in frame.columns]]
    print(frame.to_string(index=False, float_format=lambda value: f"{value:.4g}"))
    print(f"wrote {folder / name}.csv")

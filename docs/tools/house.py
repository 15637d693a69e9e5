"""The picture of the house: rooms and their files as they are in the tree, and who imports whom."""

from __future__ import annotations

import ast
import textwrap
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.axes import Axes  # noqa: E402

PACKAGE = Path(__file__).resolve().parents[2] / "xglass"

#: Colour of what computes, and of everything around it.
ENGINE, ROOM, INK = "#E6F0F7", "#FBF7EF", "#33475B"


def rooms() -> dict[str, dict[str, list[Path]]]:
    """Room -> wing ("" where there are none) -> files. A module that is alone is a room of one file."""
    found: dict[str, dict[str, list[Path]]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        *folders, name = path.relative_to(PACKAGE).parts
        if name == "__init__.py":
            continue
        room = folders[0] if folders else path.stem
        found.setdefault(room, {}).setdefault("/".join(folders[1:]), []).append(path)
    return found


def imported(path: Path) -> set[str]:
    """Rooms of xglass that a file imports anything from."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names += [f"{node.module}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
    parts = [name.split(".") for name in names]
    return {part[1] for part in parts if part[0] == "xglass" and len(part) > 1}


def floors() -> list[str]:
    """Rooms from the ground up, in the order of imports that tests/test_house.py enforces; doors on top."""
    house = PACKAGE.parent / "tests" / "test_house.py"
    values = {
        node.targets[0].id: node.value
        for node in ast.parse(house.read_text(encoding="utf-8")).body
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)
    }
    order = [*ast.literal_eval(values["ROOMS"]), *sorted(ast.literal_eval(values["DOORS"]))]
    return [room for room in order if (PACKAGE / room).is_dir() or (PACKAGE / f"{room}.py").is_file()]


def lines(paths: list[Path]) -> int:
    """Lines of all files together."""
    return sum(len(path.read_text(encoding="utf-8").splitlines()) for path in paths)


def box(
    ax: Axes, x: float, y: float, width: float, height: float, title: str, text: str, colour: str
) -> None:
    """A room or a wing: its title and what is in it."""
    ax.add_patch(plt.Rectangle((x, y), width, height, facecolor=colour, edgecolor=INK, linewidth=0.8))
    ax.text(x + 0.1, y + height - 0.1, title, fontsize=7.5, fontweight="bold", color=INK, va="top")
    ax.text(x + 0.1, y + height - 0.42, text, fontsize=6.5, color=INK, va="top", linespacing=1.25)


def draw(target: Path) -> None:
    """Write the picture as SVG."""
    plan = rooms()
    uses = {
        room: set().union(*map(imported, sum(wings.values(), []))) & set(plan) for room, wings in plan.items()
    }
    order = floors()
    width, step, bottom = 9.0, 0.34, 0.0
    centre: dict[str, float] = {}
    figure, ax = plt.subplots(figsize=(10.5, 11))
    for room in order:
        wings = plan[room]
        share = width / len(wings)
        texts = {
            wing: textwrap.wrap("  ".join(path.stem for path in paths), int(10 * share))
            for wing, paths in wings.items()
        }
        alone = [len(paths) == 1 and paths[0].stem == room for paths in wings.values()] == [True]
        height = 0.42 if alone else 0.5 + 0.21 * max(map(len, texts.values()))
        for number, (wing, paths) in enumerate(wings.items()):
            title = f"{room}/{wing}" if wing else room
            text = "" if alone else "\n".join(texts[wing])
            colour = ENGINE if room == "engine" else ROOM
            label = f"{title}   {lines(paths)} lines"
            box(ax, number * share, bottom, share, height, label, text, colour)
        centre[room] = bottom + height / 2
        bottom += height + 0.06
    for column, used in enumerate(order):
        x = width + 0.5 + step * column
        for room in order:
            if used in uses[room] and used != room:
                ax.plot([x, x], [centre[used], centre[room]], color=INK, linewidth=0.4, alpha=0.35, zorder=0)
                ax.plot(x, centre[room], "o", color=INK, markersize=3.5)
        ax.plot(x, centre[used], "s", color="#D55E00", markersize=4)
        ax.text(x, bottom + 0.1, used, rotation=90, fontsize=6.5, ha="center", va="bottom", color=INK)
    ax.set_xlim(-0.1, width + 0.6 + step * len(order))
    ax.set_ylim(-0.1, bottom + 1.4)
    ax.set_axis_off()
    target.parent.mkdir(parents=True, exist_ok=True)
    with plt.rc_context({"svg.hashsalt": "xglass", "svg.fonttype": "none"}):
        figure.savefig(target, bbox_inches="tight", metadata={"Date": None})
    plt.close(figure)

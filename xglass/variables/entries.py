"""What an entry of the registry says."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Variable:
    """One entry of the registry.

    Attributes
    ----------
    name : the key in a Dataset, or the name of a dimension.
    dims : trailing dimensions; parameter dimensions (``...`` in the docs) come before them.
    unit : unit string; ``{E}`` stands for the energy unit of the model, "1" for a pure number.
    symbol : LaTeX, without dollar signs.
    definition : one line, also the ``long_name`` of plots up to the first colon.
    kind : "dimension", "parameter", "geometry", "simulated", "observable" or "fit".
    """

    name: str
    dims: tuple[str, ...]
    unit: str
    symbol: str
    definition: str
    kind: str


def entries(kind: str, *rows: tuple[str, str, str, str, str]) -> list[Variable]:
    """Return entries of one kind from rows of name, dims, unit, symbol and definition."""
    return [
        Variable(name, tuple(dims.split()), unit, symbol, text, kind)
        for name, dims, unit, symbol, text in rows
    ]

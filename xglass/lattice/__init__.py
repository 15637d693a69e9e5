"""Geometry of periodic lattices, and pair interactions on them.

A lattice is a Dataset of coordinates over ``site`` and ``bond``; lengths are in the lattice spacing ``a``.
Every lattice is a torus. Sites are numbered with the basis fastest, then the first period, then the second,
then the third.
"""

from typing import TYPE_CHECKING

from xglass.lattice.cells import chain, cubic, from_cell, square, triangular
from xglass.lattice.interactions import coulomb, power_law, yukawa
from xglass.messages import elsewhere

__all__ = ["chain", "coulomb", "cubic", "from_cell", "power_law", "square", "triangular", "yukawa"]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # a checker of types knows which names there are
    __getattr__ = elsewhere(__name__)

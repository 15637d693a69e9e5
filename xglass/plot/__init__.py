"""Labelled arrays in, matplotlib axes out.

Labels and units come from attributes; nothing is computed but the drawn curve of a fit.
"""

from typing import TYPE_CHECKING

from xglass.messages import elsewhere
from xglass.plot.lines import arrhenius, curves, relaxation
from xglass.plot.maps import charge_map, lattice
from xglass.plot.styles import label, style

__all__ = ["arrhenius", "charge_map", "curves", "label", "lattice", "relaxation", "style"]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # a checker of types knows which names there are
    __getattr__ = elsewhere(__name__)

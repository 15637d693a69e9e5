"""Labelled arrays in, matplotlib axes out.

Labels and units come from attributes, errors from what stands beside a variable of a Dataset. Nothing is
computed but the drawn curve of a fit and the counts of a histogram.
"""

from typing import TYPE_CHECKING

from xglass.messages import elsewhere
from xglass.plot.histograms import histogram
from xglass.plot.labels import label
from xglass.plot.lines import arrhenius, curves, relaxation
from xglass.plot.maps import charge_map, lattice
from xglass.plot.styles import style

__all__ = ["arrhenius", "charge_map", "curves", "histogram", "label", "lattice", "relaxation", "style"]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # a checker of types knows which names there are
    __getattr__ = elsewhere(__name__)

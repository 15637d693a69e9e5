"""The registry: every dimension and variable of xglass, declared once.

Three readers share it: the checks of arguments (``checks.py``), the attributes of results
(:func:`stamp`) and the generated documentation page. Nothing else in the package
spells a unit, a symbol or a long name.

Conventions: hbar = k_B = e = a = 1 and energies are in the unit of the model, ``Vc``
for the Coulomb glass and ``tc`` for models whose scale is a hopping integral.
"""

from typing import TYPE_CHECKING

from xglass.messages import elsewhere
from xglass.variables.entries import Variable
from xglass.variables.registry import REGISTRY, attributes, energy_unit, stamp

__all__ = [
    "REGISTRY",
    "Variable",
    "attributes",
    "energy_unit",
    "stamp",
]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # a checker of types knows which names there are
    __getattr__ = elsewhere(__name__)

"""Units at the edges: Quantities in, physical units out.

Inside xglass arrays are plain numbers in the unit of the model, with the unit's name in ``attrs["units"]``.
``registry`` is our own pint registry: the energy units ``Vc`` and ``tc``, the lattice spacing ``a`` and the
Monte Carlo ``sweep`` are base dimensions of their own.
"""

from typing import TYPE_CHECKING, Any

from xglass.messages import NoSuchNameError
from xglass.units.parameters import parameter, scale_coordinate, scale_of
from xglass.units.physical import to_physical
from xglass.units.quantities import canonical, coulomb_energy, unit_registry
from xglass.units.quoting import text

__all__ = [
    "canonical",
    "coulomb_energy",
    "parameter",
    "registry",
    "scale_coordinate",
    "scale_of",
    "text",
    "to_physical",
]


def __dir__() -> list[str]:
    return __all__


if TYPE_CHECKING:
    registry: Any
else:

    def __getattr__(name: str) -> Any:
        """Take the registry where it is asked for by name."""
        if name == "registry":
            return unit_registry()
        raise NoSuchNameError(__name__, name)

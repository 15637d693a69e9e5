"""Fits along one dimension: DataArray -> Dataset of parameters with errors.

All fits share the same form. Points that are NaN or infinite are left out; a fit that cannot be made (too few
points, no decay, no convergence) is an answer, not an exception: ``success`` is False and every parameter
NaN. The errors beside the parameters come from the covariance matrix of the fit, which takes the points as
independent. **Lags of one trajectory are correlated, and so are temperatures that share random numbers: such
errors are honest only through** :func:`xglass.jackknife` **or** :func:`xglass.bootstrap` over independent
walkers, which replace them.
"""

from typing import TYPE_CHECKING

from xglass.fits.laws import arrhenius, power_law, variable_range_hopping, vogel_fulcher
from xglass.fits.relaxation import stretched_exponential
from xglass.fits.transitions import zero_temperature
from xglass.fits.transport import displaced_drude, displaced_drude_conductivity, relaxation_rate
from xglass.messages import elsewhere

__all__ = [
    "arrhenius",
    "displaced_drude",
    "displaced_drude_conductivity",
    "power_law",
    "relaxation_rate",
    "stretched_exponential",
    "variable_range_hopping",
    "vogel_fulcher",
    "zero_temperature",
]


def __dir__() -> list[str]:
    return __all__


if not TYPE_CHECKING:  # a checker of types knows which names there are
    __getattr__ = elsewhere(__name__)

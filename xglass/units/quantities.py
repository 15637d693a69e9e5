"""The registry, and Quantities as numbers in the unit of a model. The only module that touches pint.

The registry is our own (pint's global one is untouched): the energy units ``Vc`` and ``tc``, the lattice
spacing ``a`` and the Monte Carlo ``sweep`` are base dimensions of their own, so that nothing mixes a model
energy with a milli-electronvolt by accident.
"""

from __future__ import annotations

import functools
import math
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from xglass.messages import public

if TYPE_CHECKING:
    import pint

__all__ = ["as_length", "as_quantity", "canonical", "in_model_unit", "ratio", "shortened", "unit_registry"]


def __dir__() -> list[str]:
    return __all__


_one_builds = threading.Lock()


def unit_registry() -> pint.UnitRegistry:
    """Return the one registry, built on first use: pint costs more to import than xglass."""
    with _one_builds:  # two threads at once would build two registries, whose Quantities do not mix
        return _built_registry()


@functools.cache
def _built_registry() -> pint.UnitRegistry:
    import pint

    ureg: pint.UnitRegistry = pint.UnitRegistry(on_redefinition="ignore")
    ureg.define("coulomb_energy_unit = [coulomb_energy] = Vc")
    ureg.define("hopping_energy_unit = [hopping_energy] = tc")
    ureg.define("lattice_spacing = [lattice_length] = a")
    ureg.define("sweep = [monte_carlo_time]")
    return ureg


def as_quantity(name: str, value: object) -> pint.Quantity | None:
    """``value`` as a Quantity of our registry, or None if it is a plain number or array."""
    import pint

    if isinstance(value, str):
        try:
            return unit_registry().Quantity(value)
        except Exception as error:
            raise ValueError(
                f"{name}: {value!r} is not a number with a unit; write for example '30 K' or '0.35 eV'"
            ) from error
    if isinstance(value, pint.Quantity):  # a Quantity of any registry, ours included
        magnitude = value.magnitude
        if (
            getattr(magnitude, "dtype", None) == np.float32
        ):  # through the shortest decimal form, before any factor
            magnitude = canonical(magnitude)
        return unit_registry().Quantity(magnitude, unit_registry().UnitsContainer(dict(value.unit_items())))
    return None


def in_model_unit(name: str, quantity: pint.Quantity, unit: str, scale: float | None) -> Any:
    """Magnitude of ``quantity`` in the model unit ``unit``;
    ``scale`` is the energy unit of the model in meV.
    """
    ureg = unit_registry()
    wanted = ureg.Unit("" if unit == "1" else unit)
    if quantity.is_compatible_with(wanted):
        return quantity.to(wanted).magnitude
    energies = ("Vc", "tc")
    if unit in energies:
        if quantity.is_compatible_with("meV") or quantity.is_compatible_with("kelvin"):
            if scale is None:
                raise ValueError(
                    f"{name} came as {quantity:~}, but the model has no energy scale; pass "
                    "scale='0.35 eV' (say) to the model, "
                    f"or a plain number in {unit}"
                )
            if quantity.is_compatible_with("kelvin"):
                quantity = quantity.to("kelvin")  # so that degrees Celsius count from absolute zero
            with ureg.context("boltzmann"):
                return quantity.to("meV").magnitude / scale
        advice = f"an energy or a temperature ('2 meV', '30 K'), or a plain number in {unit}"
    elif unit == "a":
        advice = "a plain number in lattice spacings"
    else:
        advice = "a plain number"
    raise ValueError(f"{name} came as {quantity:~} of dimension {quantity.dimensionality}; pass {advice}")


def as_length(name: str, value: object | None) -> pint.Quantity | None:
    """A positive length as a Quantity, or None."""
    if value is None:
        return None
    length = as_quantity(name, value)
    if (
        length is None
        or not length.is_compatible_with("nm")
        or np.ndim(length.magnitude)
        or not 0 < length.magnitude < math.inf
    ):
        raise ValueError(
            f"{name} must be a positive length with its unit, such as '10 angstrom', got {shortened(value)}"
        )
    return length


def ratio(unit: str, other: str) -> float | None:
    """How many of ``other`` make one ``unit`` (temperatures are energies); None if they do not compare."""
    if unit == other:
        return 1.0
    import pint

    try:
        with unit_registry().context("boltzmann"):
            return float(unit_registry().Quantity(1.0, unit).to(other).magnitude)
    except (pint.PintError, ValueError, TypeError):
        return None


def shortened(value: object) -> str:
    """What came, on one line of a message."""
    text = " ".join(repr(value).split())
    return text if len(text) < 80 else text[:77] + "..."


@public
def canonical(values: object) -> np.ndarray:
    """Round to 12 significant digits: the value that is the coordinate, the physics and the random key.

    Single precision goes through its shortest decimal form, so float32(0.1) means 0.1. Negative zero becomes
    zero.
    """
    array = np.asarray(values)
    texts = (
        (str(x) for x in array.ravel())
        if array.dtype == np.float32
        else (f"{float(x):.12g}" for x in array.ravel())
    )
    return np.array([float(f"{float(text):.12g}") + 0.0 for text in texts], dtype=np.float64).reshape(
        array.shape
    )

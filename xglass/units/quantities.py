"""The registry, and Quantities as numbers in the unit of a model. The only module that touches pint.

The registry is our own (pint's global one is untouched): the energy units ``Vc`` and ``tc``, the lattice
spacing ``a`` and the Monte Carlo ``sweep`` are base dimensions of their own, so that nothing mixes a model
energy with a milli-electronvolt by accident.
"""

from __future__ import annotations

import difflib
import functools
import math
import re
import threading
from typing import TYPE_CHECKING, Any

import numpy as np

from xglass.messages import public
from xglass.variables.registry import ENERGIES

if TYPE_CHECKING:
    import pint

__all__ = [
    "as_energy",
    "as_length",
    "as_quantity",
    "as_unit",
    "canonical",
    "coulomb_energy",
    "in_model_unit",
    "number_of",
    "ratio",
    "refuse_another_zero",
    "shortened",
    "unit_registry",
]


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


#: A number at the beginning of a text, as Python writes it; what follows is a unit. Nothing else is read:
#: pint would take "1,5 K" for 15 K and "2*pi*5 kHz" for 31 kHz.
_NUMBER = re.compile(
    r"\s*([+-]?(?:(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?|nan|inf(?:inity)?\b))\s*\*?\s*(.*)", re.I
)

#: Units that a word which is none may have meant, and words between units.
_USUAL = (
    "K mK uK nK eV keV meV ueV J kJ mol cm Hz kHz MHz GHz THz nm um angstrom Vc tc kelvin hartree".split()
)
_BETWEEN = ("per", "square", "cubic", "squared", "cubed")

#: What to write instead, of values and of attributes.
_EXAMPLES = "write for example '30 K' or '0.35 eV'"
_ATTRIBUTE = "set its attrs['units'] to one"


def as_quantity(name: str, value: object) -> pint.Quantity | None:
    """``value`` as a Quantity of our registry, or None if it is a plain number or array."""
    import pint

    if isinstance(value, str):
        found = _NUMBER.fullmatch(value)
        if found is None:
            raise ValueError(f"{name}: {shortened(value)} is not a number with a unit; {_EXAMPLES}")
        number, unit = found.groups()
        own = as_unit(name, unit, what=f"{shortened(value)} is not a number with a unit", advice=_EXAMPLES)
        quantity = unit_registry().Quantity(int(number) if number.isdecimal() else float(number), own)
    elif isinstance(value, pint.Quantity):  # a Quantity of any registry, ours included
        magnitude = value.magnitude
        if (
            getattr(magnitude, "dtype", None) == np.float32
        ):  # through the shortest decimal form, before any factor
            magnitude = canonical(magnitude)
        quantity = unit_registry().Quantity(
            magnitude, unit_registry().UnitsContainer(dict(value.unit_items()))
        )
    else:
        return None
    refuse_another_zero(name, quantity, what=shortened(value))
    return quantity


def as_unit(name: str, text: str, *, what: str, advice: str = _ATTRIBUTE) -> pint.Unit:
    """A text as a unit of our registry. Raises ValueError that says ``what`` came and names the part that is
    no unit.
    """
    text = "1" * text.startswith("/") + text
    try:
        return unit_registry().Unit(text)
    except Exception as error:
        unknown = [word for word in re.findall(r"[^\W\d]\w*", text) if not _is_unit(word)]
        parts = " and ".join(f"{word!r}{_meant(word)}" for word in unknown) or repr(text)
        is_none = "are no units" if len(unknown) > 1 else "is no unit"
        raise ValueError(f"{name}: {what}: {parts} {is_none}; {advice}") from error


def _is_unit(word: str) -> bool:
    try:
        unit_registry().Unit(word)
    except Exception:
        return word in _BETWEEN
    return True


def _meant(word: str) -> str:
    """Return a hint at a unit that is written nearly so."""
    usual = {unit.casefold(): unit for unit in _USUAL}
    close = difflib.get_close_matches(word.casefold(), usual, n=1, cutoff=0.75)
    return f" ('{usual[close[0]]}'?)" if close else ""


def refuse_another_zero(name: str, quantity: pint.Quantity, *, what: str) -> None:
    """Refuse degrees Celsius and the like: as an energy 30 degC would be 303.15 K, as a difference 30 K."""
    if any(not one.startswith("delta_") and _at_zero(one) for one, _ in quantity.unit_items()):
        one = quantity.is_compatible_with("kelvin") and np.ndim(quantity.magnitude) == 0
        advice = f"'{quantity.to('kelvin').magnitude:.12g} K'" if one else "it in K or meV"
        raise ValueError(f"{name}: {what} does not count from absolute zero; write {advice}")


@functools.cache
def _at_zero(unit: str) -> float:
    """Return what 0 of a unit is in base units: nothing, but for degrees Celsius or a decibel."""
    return float(unit_registry().Quantity(0.0, unit).to_base_units().magnitude)


def as_energy(quantity: pint.Quantity) -> Any:
    """Magnitude in meV of an energy E, or of what stands for one: a temperature (E/k_B), a wave number
    (E/hc), a frequency (E/h, an angular one E/hbar) or an energy per mole (E N_A); None of anything else.
    """
    ureg = unit_registry()
    angular = "radian" in dict(ureg.Quantity(1.0, quantity.units).to_root_units().unit_items())
    equivalents = {
        "meV": "",
        "kelvin": "boltzmann_constant",
        "1/m": "planck_constant * speed_of_light",
        "Hz": "dirac_constant" if angular else "planck_constant",
        "J/mol": "1/avogadro_constant",
    }
    for unit, constant in equivalents.items():
        if quantity.is_compatible_with(unit):
            return (quantity * ureg.Quantity(1.0, constant)).to("meV").magnitude
    return None


def in_model_unit(name: str, quantity: pint.Quantity, unit: str, scale: float | None) -> Any:
    """Magnitude of ``quantity`` in the model unit ``unit``;
    ``scale`` is the energy unit of the model in meV.
    """
    ureg = unit_registry()
    wanted = ureg.Unit("" if unit == "1" else unit)
    if quantity.is_compatible_with(wanted):
        return quantity.to(wanted).magnitude
    number, power = _in_mev(quantity, unit)
    if number is not None:
        if scale is None:
            raise ValueError(
                f"{name} came as {quantity:~}, but the model has no energy scale; pass "
                f"scale='0.35 eV' (say) to the model, or a plain number in {unit}"
            )
        return number / scale**power
    if unit in ENERGIES:
        advice = f"an energy or a temperature ('2 meV', '30 K'), or a plain number in {unit}"
    elif unit == "a":
        advice = "a plain number in lattice spacings"
    else:
        advice = "a plain number" if unit == "1" else f"a plain number in {unit}"
    raise ValueError(f"{name} came as {quantity:~} of dimension {quantity.dimensionality}; pass {advice}")


def _in_mev(quantity: pint.Quantity, unit: str) -> tuple[Any, Any]:
    """The quantity in ``unit`` with meV in place of the model's energy, and the power of that; None if it is
    of another dimension.
    """
    if unit in ENERGIES:
        return as_energy(quantity), 1
    ureg = unit_registry()
    one = ureg.Quantity(1.0, "" if unit == "1" else unit)
    for symbol in ENERGIES:  # a time, in hbar/tc
        (dimension,) = ureg.Quantity(1.0, symbol).dimensionality
        power = one.dimensionality.get(dimension, 0)
        physical = one * ureg.Quantity(1.0, f"meV/{symbol}") ** power
        if power and quantity.is_compatible_with(physical):
            return (quantity / physical).to("").magnitude, power
    return None, 0


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


@public
def coulomb_energy(*, spacing: object, permittivity: float = 1.0) -> pint.Quantity:
    """Coulomb energy of two charges a lattice spacing apart: what Vc is in a material.

    V = e^2 / (4 pi epsilon_0 epsilon_r a), for ``scale=`` of :func:`xglass.charge_glass`.

    Parameters
    ----------
    spacing : str or Quantity
        The lattice spacing a, such as "0.5 nm".
    permittivity : float
        Relative permittivity epsilon_r of what surrounds the charges, > 0.

    Returns
    -------
    Quantity
        The energy in meV.

    Raises
    ------
    ValueError
        For what is no positive length, or a permittivity that is not positive.

    Examples
    --------
    >>> import xglass as xg
    >>> V = xg.units.coulomb_energy(spacing="0.5 nm", permittivity=8.0)
    >>> f"{V:.1f~P}"
    '360.0 meV'
    """
    length = as_length("spacing", spacing)
    if length is None:
        raise ValueError("spacing must be a positive length with its unit, such as '0.5 nm', got None")
    number = isinstance(permittivity, (int, float, np.integer, np.floating)) and not isinstance(
        permittivity, bool
    )
    if not number or not 0.0 < permittivity < math.inf:
        raise ValueError(f"permittivity must be a positive number, got {shortened(permittivity)}")
    charges = unit_registry().Quantity(0.25 / math.pi, "elementary_charge^2 / vacuum_permittivity")
    return (charges / (permittivity * length)).to("meV")


def ratio(unit: str, other: str) -> float | None:
    """How many of ``other`` make one ``unit`` (temperatures are energies); None if they do not compare."""
    if unit == other:
        return 1.0
    try:
        return number_of(other, unit_registry().Quantity(1.0, unit))
    except Exception:  # what is no unit compares with nothing
        return None


def number_of(unit: str, quantity: pint.Quantity) -> float | None:
    """How many of a unit make the quantity (temperatures are energies); None if they do not compare."""
    one = unit_registry().Quantity(1.0, unit)
    if quantity.is_compatible_with(one):
        return float(quantity.to(unit).magnitude)
    energies = as_energy(quantity), as_energy(one)
    return None if None in energies else float(energies[0] / energies[1])


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

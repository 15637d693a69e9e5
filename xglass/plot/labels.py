"""What a figure says in letters: symbols, units and values, set as mathematics from attributes."""

from __future__ import annotations

import re
from typing import Any

import xarray as xr

from xglass.messages import public

__all__ = ["label", "quantity", "unit_symbol"]


def __dir__() -> list[str]:
    return __all__


@public
def label(array: xr.DataArray) -> str:
    r"""Label an axis for an array: its symbol (or long name) and unit, from its attributes.

    Parameters
    ----------
    array : DataArray
        Any DataArray of xglass.

    Returns
    -------
    str
        Text with LaTeX, for matplotlib.

    Raises
    ------
    AttributeError
        If it has no attributes.

    Examples
    --------
    >>> import xglass as xg
    >>> xg.plot.label(xg.electron_tls(xg.lattice.chain(4), g=1.0, omega0=0.2)["omega0"])
    '$\\omega_0$ ($t$)'
    """
    symbol, unit = array.attrs.get("symbol"), unit_symbol(array.attrs.get("units", ""))
    text = f"${symbol}$" if symbol else str(array.attrs.get("long_name", array.name or ""))
    return f"{text} ({unit})" if unit else text


def quantity(value: xr.DataArray) -> str:
    r"""One value of a coordinate as a legend says it: $T = 0.05\,V$; what is no number, as it stands."""
    if value.dtype.kind not in "iuf":
        return str(value.item())
    unit, symbol = unit_symbol(value.attrs.get("units", "")), value.attrs.get("symbol")
    number = _number(value.item())
    text = f"${symbol} = {number}$" if symbol else f"{value.name} = ${number}$"
    if unit.startswith("$"):
        return rf"{text[:-1]}\,{unit[1:]}"
    return f"{text} {unit}" if unit else text


def _number(value: float) -> str:
    """A number as it is set: 1e-05 is 10^{-5}, and whole ones have all their digits."""
    if isinstance(value, int):
        return str(value)
    mantissa, _, power = f"{value:g}".partition("e")
    if not power:
        return mantissa
    return ("" if mantissa == "1" else rf"{mantissa} \times ") + f"10^{{{int(power)}}}"


#: Units of models in formulas. Others are physical and upright.
SYMBOLS = {"Vc": "V", "tc": "t", "a": "a", "e": "e", "hbar": r"\hbar"}

#: Physical units whose sign is not their name.
SIGNS = {"microohm": r"\mu\Omega", "ohm": r"\Omega", "angstrom": r"\AA", "percent": r"\%"}

#: What units are written of: words, powers, numbers and signs.
TOKEN = re.compile(
    r"(?P<word>[^\W\d_]+)|(?:\^|\*\*) ?(?P<power>-?[\d.]+)|(?P<number>[\d.]+)|(?P<sign>[/()])|[ *]"
)


def unit_symbol(unit: Any) -> str:
    """A unit as a label sets it: a formula, or its bare name; "" for a pure number."""
    unit = re.sub(r"\(([^\W\d_]+)\)", r"\1", str(unit))
    if unit in ("", "1"):
        return ""
    if unit.startswith("1/") and unit[2:].isalpha() and unit[2:] not in SYMBOLS:
        unit = f"{unit[2:]}^-1"
    if unit.isalpha() and unit not in SYMBOLS | SIGNS:
        return unit
    tokens = list(TOKEN.finditer(unit))
    if "".join(token.group() for token in tokens) != unit:
        return unit
    return "$" + _product(tokens) + "$"


def _product(tokens: list[re.Match[str]]) -> str:
    """The factors of a unit: letters of models close together, upright words apart."""
    text, before = "", ""  # what is set, and whether a factor stands before: of letters, or upright
    for token in tokens:
        word, power, sign = token["word"], token["power"], token["sign"]
        if power:
            text += f"^{power}" if len(power) == 1 else f"^{{{power}}}"
        elif word or token["number"] or sign == "(":
            kind = "letter" if word in SYMBOLS else "upright"
            part = SYMBOLS.get(word) or rf"\mathrm{{{SIGNS.get(word, word)}}}" if word else token.group()
            if before and not (kind == before == "letter"):
                text += r"\,"
            elif re.search(r"\\[a-z]+$", text) and part[0].isalpha():
                text += " "
            text, before = text + part, "" if sign == "(" else kind
        elif sign:
            text, before = text + sign, "" if sign == "/" else "upright"
    return text

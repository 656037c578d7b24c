"""Numbers as they are read in static pages, pictures and text; the Lab view writes them the same way."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

THIN = "\u202f"
MINUS = "\u2212"
UNDEFINED = "\u2013"

_DAY = 86_400


def _fixed(value: float, decimals: int, signed: bool = False) -> str:
    """Write a number with a fixed count of decimals, grouped by thin spaces; a rounded zero has no sign."""
    digits = f"{abs(value):,.{decimals}f}".replace(",", THIN)
    if not any(digit in "123456789" for digit in digits):
        return digits
    return (MINUS if value < 0 else "+" if signed else "") + digits


def _price_decimals(value: float) -> int:
    """Return 2 from 1 upwards, five significant digits below."""
    size = abs(value)
    if size >= 1 or size == 0:
        return 2
    return min(8, 4 - math.floor(math.log10(size)))


def _quantity(value: float) -> str:
    """Write a quantity with the decimals that it has."""
    if float(value).is_integer():
        return _fixed(value, 0)
    digits = f"{abs(value):,.8f}".rstrip("0").rstrip(".").replace(",", THIN)
    return (MINUS if value < 0 else "") + digits


def duration(seconds: float) -> str:
    """Write a time span in the unit that suits its size: ``0.04 s``, ``12 min``, ``3.5 d``."""
    size = abs(seconds)
    if size < 10:
        return f"{seconds:.2g}{THIN}s"
    if size < 90:
        return f"{seconds:.0f}{THIN}s"
    if size < 90 * 60:
        return f"{seconds / 60:.0f}{THIN}min"
    if size < 2 * _DAY:
        return f"{_fixed(seconds / 3600, 1)}{THIN}h"
    return f"{_fixed(seconds / _DAY, 1)}{THIN}d"


def stamp(seconds: float) -> str:
    """Write a time in seconds since 1970 as an ISO date, with the time of day where there is one."""
    moment = dt.datetime(1970, 1, 1) + dt.timedelta(seconds=seconds)
    if seconds % _DAY == 0:
        return moment.strftime("%Y-%m-%d")
    return moment.strftime("%Y-%m-%d %H:%M" if seconds % 60 == 0 else "%Y-%m-%d %H:%M:%S")


def text(value: Any, kind: str, *, signed: bool = False) -> str:
    """Write a value by its kind; undefined ones are a dash.

    Args:
        value: Number, text, flag or ``None``.
        kind: ``percent``, ``ratio``, ``integer``, ``money``, ``price``, ``quantity``, ``duration``,
            ``time`` or ``text``.
        signed: Whether positive numbers carry a plus sign.
    """
    if value is None or value == "":
        return UNDEFINED
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return value
    if not math.isfinite(value):
        return UNDEFINED
    if kind == "percent":
        return f"{_fixed(value * 100, 1, signed)}{THIN}%"
    if kind == "money":
        return _fixed(value, 0 if abs(value) >= 1000 else 2, signed)
    if kind == "price":
        return _fixed(value, _price_decimals(value), signed)
    if kind in ("ratio", "integer"):
        return _fixed(value, 2 if kind == "ratio" else 0, signed)
    if kind == "duration":
        return duration(value)
    if kind == "time":
        return stamp(value)
    return _quantity(value)

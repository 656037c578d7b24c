"""Reading the arguments of a strategy's verbs, each with an error that names it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

#: Made once: putting the union together took longer than looking.
_NUMBERS = (int, float, np.number)


def order_error(message: str, hint: str | None = None) -> Exception:
    """The SDK's error, imported here alone: an import statement in each verb cost more than the verb."""
    from alphintra.errors import OrderError

    return OrderError(message, hint=hint)


def is_number(value: Any) -> bool:
    """Whether it is a finite number, and no bool."""
    kind = value.__class__
    if kind is not float and kind is not int and (kind is bool or not isinstance(value, _NUMBERS)):
        return False
    return math.isfinite(value)


def amount_of(name: str, amount: Any) -> float:
    """A size: finite, not negative."""
    if not is_number(amount):
        raise order_error(f"{name} must be a finite number, got {amount!r}")
    if amount < 0:
        raise order_error(f"{name}={amount!r} is negative", hint="use sell() to sell")
    return float(amount)


def price_of(name: str, price: Any, what: str = "a price") -> float:
    """A price or a distance above 0; NaN where it is not given."""
    if price is None:
        return math.nan
    if not is_number(price) or price <= 0:
        raise order_error(f"{name} must be {what} above 0, got {price!r}")
    return float(price)


def fraction_of(name: str, value: Any) -> float:
    """A fraction between 0 and 1; NaN where it is not given."""
    if value is None:
        return math.nan
    if not is_number(value) or not 0 < value < 1:
        raise order_error(f"{name} is a fraction between 0 and 1 (0.05 = 5 %), got {value!r}")
    return float(value)


def whole_of(name: str, value: Any, least: int) -> int:
    """A whole number of at least ``least``."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not least <= value < 2**31:
        raise order_error(f"{name} must be a whole number from {least} on, got {value!r}")
    return int(value)


def session_of(name: str, value: Any) -> int:
    """A date as days since 1970; a time of the day is refused."""
    from alphintra.data.bounds import parse_bound
    from alphintra.errors import DataError

    try:
        bound = parse_bound(value, name)
    except DataError as error:
        raise order_error(f"{name}={value!r} is not a date", hint="for example '2024-03-01'") from error
    if bound is None or bound.instant is not None:
        raise order_error(f"{name}={value!r} has a time of day", hint="it is the date of a session")
    return int(bound.session)

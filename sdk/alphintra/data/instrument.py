"""What can be bought and sold: its smallest quantity, its price step, its currency, its life."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import date
from difflib import get_close_matches
from numbers import Real
from typing import Any

from alphintra.errors import DataError

ASSET_CLASSES = ("STOCKS", "INDEX", "COMMODITY", "CRYPTO", "FOREX", "FUTURES", "BONDS", "FUNDS")
_CRYPTO_LOT = 1e-8


@dataclass(frozen=True)
class Instrument:
    """One instrument; what is left out comes from the data or from rule F7.

    Attributes:
        lot: Smallest quantity, above 0. ``None``: the dataset's, else 1e-8 for crypto and 1 for the rest.
        tick: Smallest price step, above 0, or ``None`` where prices have none.
        multiplier: Money per unit held and 1.0 of price: 50 for a future that pays 50 a point.
        currency: Currency of its prices, three letters. ``None``: the dataset's, a currency pair's
            last three letters (``EURUSD``), else the account's.
        asset_class: ``STOCKS``, ``INDEX``, ``COMMODITY``, ``CRYPTO``, ``FOREX``, ``FUTURES``, ``BONDS``
            or ``FUNDS``. ``None``: the dataset's.
        margin: For futures and what settles like them, the initial margin of one unit, in
            ``currency``. ``None``: the full value is paid.
        start: First session on which it trades; earlier bars only feed indicators. Dates outside
            the data are fine.
        end: Last session on which it trades: it is delisted after that.

    Raises:
        DataError: A value is no positive number, not a date, or ``start`` is after ``end``.
    """

    lot: float | None = None
    tick: float | None = None
    multiplier: float = 1.0
    currency: str | None = None
    asset_class: str | None = None
    margin: float | None = None
    start: date | str | None = None
    end: date | str | None = None

    def __post_init__(self) -> None:
        for name in ("lot", "tick", "margin"):
            if getattr(self, name) is not None:
                self._set(name, _positive(getattr(self, name), name))
        self._set("multiplier", _positive(self.multiplier, "multiplier"))
        if self.currency is not None:
            check_currency(self.currency, "currency", code="BAD_INSTRUMENT")
        if self.asset_class is not None and self.asset_class not in ASSET_CLASSES:
            raise DataError(
                f"asset_class={self.asset_class!r} is not known",
                code="BAD_INSTRUMENT",
                hint=did_you_mean(str(self.asset_class), ASSET_CLASSES) + f"It is one of {', '.join(ASSET_CLASSES)}.",
            )
        for name in ("start", "end"):
            self._set(name, _as_date(getattr(self, name), name))
        first, last = self.first_session, self.last_session
        if first is not None and last is not None and first > last:
            raise DataError(f"start ({self.start}) is after end ({self.end})", code="BAD_INSTRUMENT")

    @property
    def first_session(self) -> int | None:
        """``start`` as days since 1970-01-01."""
        return _days(self.start)

    @property
    def last_session(self) -> int | None:
        """``end`` as days since 1970-01-01."""
        return _days(self.end)

    def _set(self, name: str, value: Any) -> None:
        object.__setattr__(self, name, value)


INSTRUMENT_FIELDS = tuple(field.name for field in fields(Instrument))


def default_lot(asset_class: str) -> float:
    """Return the smallest quantity where none is declared (rule F7)."""
    return _CRYPTO_LOT if asset_class == "CRYPTO" else 1.0


def pair_currency(symbol: str) -> str | None:
    """Return the currency in which a currency pair is quoted: ``USD`` of ``EURUSD`` or ``EUR/USD``."""
    letters = "".join(character for character in symbol if character not in "/-_. ").upper()
    return letters[3:] if len(letters) == 6 and letters.isascii() and letters.isalpha() else None


def check_currency(value: Any, argument: str, *, code: str = "BAD_CURRENCY") -> str:
    """Return a currency's three letters, or say what is wrong with them."""
    if isinstance(value, str) and len(value) == 3 and value.isascii() and value.isalpha():
        if value.isupper():
            return value
        raise DataError(f"{argument}={value!r} is not upper case", code=code, hint=f"Write '{value.upper()}'.")
    raise DataError(f"{argument}={value!r} is not a currency", code=code, hint="Write three letters, such as 'USD'.")


def did_you_mean(wrong: str, known: Collection[str]) -> str:
    """Return ``Did you mean 'x'? `` for the nearest known name, else nothing."""
    folded = {entry.casefold(): entry for entry in known}
    near = get_close_matches(wrong.casefold(), folded, n=1, cutoff=0.5)
    return f"Did you mean '{folded[near[0]]}'? " if near else ""


def _positive(value: Any, name: str) -> float:
    ok = isinstance(value, Real) and not isinstance(value, bool)
    if not ok or not math.isfinite(float(value)) or float(value) <= 0:
        raise DataError(f"{name}={value!r} is not a number above 0", code="BAD_INSTRUMENT", where="Instrument")
    return float(value)


def _as_date(value: Any, name: str) -> date | None:
    from alphintra.data.bounds import parse_bound  # which reads market data, which holds instruments

    bound = parse_bound(value, name)
    if bound is None:
        return None
    if bound.instant is not None:
        raise DataError(f"{name}={value!r} has a time", code="BAD_INSTRUMENT", hint="It is the date of a session.")
    return date.fromordinal(date(1970, 1, 1).toordinal() + bound.session)


def _days(value: Any) -> int | None:
    return None if value is None else value.toordinal() - date(1970, 1, 1).toordinal()

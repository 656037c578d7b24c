"""Column types that mean the same on SQLite and PostgreSQL."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Context, Decimal
from typing import Any

from sqlalchemy import DateTime, Dialect, String
from sqlalchemy.types import TypeDecorator


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. Kept as naive UTC, because SQLite keeps no offset; read back as aware UTC."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Refuse a naive value: nobody could tell which zone it was meant in."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"naive time {value!r} cannot be stored")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Give the stored UTC time its zone back."""
        return None if value is None else value.replace(tzinfo=UTC)


_LENGTH = 64
_EXACT = Context(prec=2 * _LENGTH)


class ExactDecimal(TypeDecorator[Decimal]):
    """A decimal kept as its text: SQLite would turn a NUMERIC into a binary float.

    Places for which there is no room are rounded away. A number below 10 has room for 60, so that nothing is lost of a
    float's 17 digits from 1e-43 on.
    """

    impl = String(_LENGTH)
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        """Write plain notation; refuse what has none of this length."""
        if value is None:
            return None
        if not value.is_finite() or value.adjusted() > _LENGTH - 4:
            raise ValueError("a number too large to be stored")
        # A sign, a point, and a digit that rounding may add; a number below 1 has a 0 before its point.
        places = _LENGTH - 3 - max(value.adjusted() + 1, 1)
        exponent = value.as_tuple().exponent
        if isinstance(exponent, int) and -exponent > places:
            value = value.quantize(Decimal(1).scaleb(-places), context=_EXACT)
        return format(value, "f")

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Read the text back."""
        return None if value is None else Decimal(value)


clock_error = timedelta()
"""What this process's wall clock is off by. Only tests change it: a clock jumps under a server that runs."""


def utc_now() -> datetime:
    """Read the clock: aware, to the microsecond."""
    return datetime.now(UTC) + clock_error

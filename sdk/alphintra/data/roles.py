"""Which column is what: names in any case, one column for each role."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from alphintra.errors import DataError

TIME_NAMES = ("time", "date", "datetime", "timestamp")
PRICES = ("open", "high", "low", "close")
NUMBERS = (*PRICES, "volume", "adj_close")
_ADJUSTED = ("adj close", "adj_close", "adjclose", "adj. close", "adjusted close", "adjusted_close")
_SYMBOLS = ("symbol", "ticker")


def match_columns(names: Sequence[str], source: str, time_index: int | None = None) -> dict[str, int]:
    """Return the position of ``time``, ``open``, ``high``, ``low``, ``close`` and, where present, the rest.

    The time is a DatetimeIndex (``time_index``), else a column named time, date, datetime or
    timestamp, else the first column if it has no name (a file's index written by pandas).

    Raises:
        DataError: A needed column is missing, or two columns could be the same one.
    """
    plain = [folded(name) for name in names]
    found: dict[str, int] = {}
    for role in (*PRICES, "volume"):
        _take(found, role, [i for i, name in enumerate(plain) if name == role], names, source)
    _take(found, "adj_close", [i for i, name in enumerate(plain) if name in _ADJUSTED], names, source)
    if time_index is not None:
        found["time"] = time_index
    else:
        _take(found, "time", [i for i, name in enumerate(plain) if name in TIME_NAMES], names, source)
        unnamed = [i for i, name in enumerate(plain) if name == ""]
        if "time" not in found and unnamed and (unnamed[0] == 0 or len(unnamed) == 1):
            found["time"] = unnamed[0]
    missing = [role for role in ("time", *PRICES) if role not in found]
    if missing:
        raise _missing(missing, names, plain, source)
    return found


def folded(name: str) -> str:
    """Return a column's name as it is compared: without case and outer spaces; empty for what pandas has named."""
    plain = unicodedata.normalize("NFC", name).strip().casefold()
    # pandas' name for a column without one, kept where a frame was read and passed on
    return "" if plain.startswith("unnamed:") else plain


def _take(found: dict[str, int], role: str, places: list[int], names: Sequence[str], source: str) -> None:
    if len(places) > 1:
        both = " and ".join(f"'{names[place]}'" for place in places)
        raise DataError(
            f"several columns could be the {role.replace('_', ' ')}: {both}",
            code="DUPLICATE_COLUMN",
            where=source,
            hint="Keep one of them.",
        )
    if places:
        found[role] = places[0]


def _missing(missing: list[str], names: Sequence[str], plain: list[str], source: str) -> DataError:
    shown = ", ".join(f"'{name}'" for name in names[:20]) or "none"
    if len(names) > 20:
        shown += f" and {len(names) - 20} more"
    hint = f"It has {shown}."
    if "time" in missing:
        hint += " The time is a DatetimeIndex or a column named " + ", ".join(TIME_NAMES) + "."
    if any(name in _SYMBOLS for name in plain):
        hint += " For several symbols give a dict of frames, one for each symbol."
    what = "column" if len(missing) == 1 else "columns"
    return DataError(f"missing {what} {', '.join(missing)}", code="MISSING_COLUMN", where=source, hint=hint)

"""JSON that nobody has checked yet, read with bounds: what a worker or another machine has written."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from alphintra.errors import DataError

MOST_DEPTH = 16
MOST_TEXT = 65_536
WHOLE = 2**63 - 1


class Part:
    """One object of a document, and where it stands in it."""

    def __init__(self, value: Any, where: str, keys: Collection[str]) -> None:
        if not isinstance(value, dict):
            refuse("no object", where)
        unknown = next((key for key in value if key not in keys), None)
        if unknown is not None:
            refuse("there is no such entry", f"{where}.{unknown[:80]}")
        missing = next((key for key in keys if key not in value), None)
        if missing is not None:
            refuse("the entry is missing", f"{where}.{missing}")
        self._value = value
        self.where = where

    def at(self, key: str) -> str:
        """Return where an entry stands."""
        return f"{self.where}.{key}"

    def text(self, key: str, most: int, pattern: str | None = None) -> str:
        """Return a text of 1 to ``most`` characters."""
        return checked_text(self._value[key], self.at(key), most, pattern)

    def maybe(self, key: str, most: int, pattern: str | None = None) -> str | None:
        """Return a text, or ``None`` for null."""
        return None if self._value[key] is None else self.text(key, most, pattern)

    def whole(self, key: str, least: int = 0, most: int = WHOLE) -> int:
        """Return a whole number."""
        value = self._value[key]
        if type(value) is not int or not least <= value <= most:
            refuse(f"no whole number from {least:,} to {most:,}", self.at(key))
        return value

    def yes(self, key: str) -> bool:
        """Return a truth value."""
        value = self._value[key]
        if not isinstance(value, bool):
            refuse("neither true nor false", self.at(key))
        return value

    def items(self, key: str, least: int, most: int) -> list[Any]:
        """Return a list of so many entries."""
        value = self._value[key]
        if not isinstance(value, list) or not least <= len(value) <= most:
            refuse(f"no list of {least:,} to {most:,} entries", self.at(key))
        return value

    def numbers(self, key: str, count: int, least: int = -WHOLE, most: int = WHOLE) -> npt.NDArray[np.int64]:
        """Return a list of ``count`` whole numbers as int64."""
        value = self.items(key, count, count)
        if not count:
            return np.empty(0, dtype=np.int64)
        if any(type(item) is not int for item in value):
            refuse("not all are whole numbers", self.at(key))
        if min(value) < least or max(value) > most:
            refuse(f"not all are from {least:,} to {most:,}", self.at(key))
        return np.array(value, dtype=np.int64)

    def part(self, key: str, keys: Collection[str]) -> Part:
        """Return an object with exactly these entries."""
        return Part(self._value[key], self.at(key), keys)

    def free(self, key: str, most_items: int) -> Any:
        """Return any JSON of bounded depth and number of values, its numbers finite."""
        check_free(self._value[key], self.at(key), most_items)
        return self._value[key]


def parse(raw: bytes, most_bytes: int, what: str) -> Any:
    """Read JSON in UTF-8, at most ``most_bytes`` of it, without NaN and infinities.

    Raises:
        DataError: It is too large, or no JSON.
    """
    if len(raw) > most_bytes:
        refuse(f"{len(raw):,} bytes, and at most {most_bytes:,} are read", what)
    try:
        return json.loads(raw.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise DataError("no JSON", code="BAD_MANIFEST", where=what) from error


def checked_text(value: Any, where: str, most: int, pattern: str | None = None) -> str:
    """Return a text of 1 to ``most`` characters that can be written as UTF-8."""
    if not isinstance(value, str) or not 1 <= len(value) <= most:
        refuse(f"no text of 1 to {most:,} characters", where)
    if pattern is not None and not re.fullmatch(pattern, value):
        refuse(f"{value[:80]!r} is not of the form {pattern}", where)
    try:
        value.encode()
    except UnicodeEncodeError:
        refuse("half a character", where)
    return value


def check_free(value: Any, where: str, most_items: int) -> None:
    """Check any JSON: depth, number of values, texts, and that all numbers are finite."""
    left = most_items
    level = [value]
    for _ in range(MOST_DEPTH):
        below: list[Any] = []
        left -= len(level)
        if left < 0:
            refuse(f"more than {most_items:,} values", where)
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
                below.extend(item)
            elif isinstance(item, list):
                below.extend(item)
            elif isinstance(item, str):
                if len(item) > MOST_TEXT:
                    refuse(f"a text of {len(item):,} characters", where)
            elif isinstance(item, float):
                if not math.isfinite(item):
                    refuse("a number without end", where)
            elif isinstance(item, int) and not -WHOLE - 1 <= item <= WHOLE:
                refuse("a number of more than 64 bits", where)
        if not below:
            return
        level = below
    refuse(f"more than {MOST_DEPTH} levels", where)


def canonical(value: Any) -> bytes:
    """Return JSON in one form: sorted keys, no spaces, UTF-8."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def refuse(what: str, where: str) -> NoReturn:
    """Raise the error for a document that cannot be."""
    raise DataError(what, code="BAD_MANIFEST", where=where, hint="It is damaged, or was not written by this store.")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)

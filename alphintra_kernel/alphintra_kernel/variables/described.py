"""What the list says of an object beside its name and class."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

from alphintra_backtest.formats import text

from alphintra_kernel.variables.reading import array, plain, shortened

#: Names or values that are listed in a line.
LISTED = 6


class Described(NamedTuple):
    """Attributes: see below.

    Attributes:
        size: Such as ``3 270 bars``; empty where it has none.
        bytes: Memory of its data, where that is known.
        summary: What it is, in a line.
    """

    size: str = ""
    bytes: int | None = None
    summary: str = ""


def counted(number: int, noun: str) -> str:
    """Return ``1 trade``, ``12 trades``."""
    return f"{text(number, 'integer')} {noun}{'' if number == 1 else 's'}"


def extent(*lengths: int) -> str:
    """Return ``3 270 × 6``."""
    return " × ".join(text(length, "integer") for length in lengths)


def bytes_of(values: Iterable[Any]) -> int:
    """Memory of those that are arrays."""
    return sum(found.nbytes for found in map(array, values) if found is not None)


def listed(values: Iterable[Any]) -> str:
    """The first plain ones, and that there are more."""
    shown: list[str] = []
    for value in values:
        if len(shown) == LISTED:
            shown.append("…")
            break
        shown.append(plain(value) or "…")
    return ", ".join(shown)


def named(values: Iterable[tuple[Any, Any]]) -> str:
    """``fast=20, slow=50``: those that are plain, and that there are more."""
    shown: list[str] = []
    for name, value in values:
        said = plain(value)
        if said is None or type(name) is not str:
            continue
        if len(shown) == LISTED:
            shown.append("…")
            break
        shown.append(f"{shortened(name)}={said}")
    return ", ".join(shown)


def joined(*parts: str, by: str = "; ") -> str:
    """Those that say something."""
    return by.join(part for part in parts if part)

"""Rows as text, whole columns at a time: CSV and JSON lines. Numbers come back from it as they were.

A float is written with as few digits as tell it from every other float, and never as a whole number is: so its
column is read as floats again, and -0.0 stays what it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from alphintra.data.arrow import whole
from alphintra.store.columns import raw_values, texts

SLICE_ROWS = 16_384
"""Rows of which text is made at once."""
_SECOND = 1_000_000
_FORMULA = "^[=+\\-@\\t\\r]"
_QUOTED = '[",\\n\\r]|^$|^ | $'


def whole_seconds(column: Any) -> bool:
    """Tell whether every time of a column lies on a second."""
    return all(not (raw_values(chunk.drop_null()) % _SECOND).any() for chunk in column.chunks)


def times(column: Any, *, seconds: bool) -> Any:
    """Return times in UTC as ISO 8601 with their zone: to the second, or to the microsecond."""
    import pyarrow as pa
    import pyarrow.compute as pc

    unit = pa.timestamp("s" if seconds else "us")
    text = pc.cast(pc.cast(pc.cast(column, pa.timestamp("us")), unit), pa.string())
    return joined(pc.replace_substring(text, " ", "T", max_replacements=1), "Z")


def floats(column: Any) -> Any:
    """Return floats as text that no integer has: ``1.0``, ``-0.0``, ``1e+300``, ``nan``, ``inf``."""
    import pyarrow as pa
    import pyarrow.compute as pc

    text = pc.cast(column, pa.string())
    return pc.if_else(pc.match_substring_regex(text, "[.eni]"), text, joined(text, ".0"))


def plain(column: Any) -> Any:
    """Return integers, truth values, dates or texts as text."""
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.cast(column, pa.string())


def mapped(column: Any, change: Callable[[Any], Any]) -> Any:
    """Change texts, each different one once."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = whole(column)
    if not pa.types.is_dictionary(found.type):
        found = pc.dictionary_encode(found)
    return pc.take(change(found.dictionary), found.indices)


def lines(parts: list[Any]) -> memoryview:
    """Join columns and the texts between them into lines, and return their bytes."""
    whole = joined(*parts)
    if not len(whole):
        return memoryview(b"")
    _, offsets, data = whole.buffers()
    edges = np.frombuffer(offsets, dtype=np.int32, count=len(whole) + 1, offset=whole.offset * 4)
    return memoryview(data)[int(edges[0]) : int(edges[-1])]


@lru_cache(maxsize=4_096)
def word(text: str) -> Any:
    """Return a text as an Arrow scalar. Not ``pyarrow.scalar``: it imports pandas."""
    return texts([text])[0]


class CsvLines:
    """Makes lines of CSV (RFC 4180, the lines ended by a newline alone, as every reader takes them).

    Args:
        kinds: Type of each column.
        escape: Whether texts that a spreadsheet takes for formulas get an apostrophe.
        seconds: Of each column of times whether it lies on seconds.
    """

    def __init__(self, kinds: dict[str, str], *, escape: bool, seconds: dict[str, bool]) -> None:
        self._kinds, self._escape, self._seconds = kinds, escape, seconds

    def head(self) -> bytes:
        """Return the line of names."""
        return (",".join(self._name(name) for name in self._kinds) + "\n").encode()

    def rows(self, table: Any) -> memoryview:
        """Return rows."""
        parts: list[Any] = []
        for name, kind in self._kinds.items():
            parts += ["," if parts else None, self._cells(table[name], name, kind)]
        return lines([*parts[1:], "\n"])

    def _cells(self, column: Any, name: str, kind: str) -> Any:
        import pyarrow.compute as pc

        if kind in ("symbol", "string"):
            text = mapped(column, self._texts)
        elif kind.startswith("timestamp"):
            text = times(column, seconds=self._seconds[name])
        else:
            text = floats(column) if kind == "double" else plain(column)
        return pc.fill_null(text, word(""))

    def _texts(self, values: Any) -> Any:
        import pyarrow.compute as pc

        if self._escape:
            values = pc.if_else(pc.match_substring_regex(values, _FORMULA), joined("'", values), values)
        quoted = joined('"', pc.replace_substring(values, '"', '""'), '"')
        return pc.if_else(pc.match_substring_regex(values, _QUOTED), quoted, values)

    def _name(self, name: str) -> str:
        if self._escape and name[0] in "=+-@\t\r":
            name = f"'{name}"
        return '"' + name.replace('"', '""') + '"' if any(c in name for c in '",\n\r') or name.strip() != name else name


class JsonLines:
    """Makes a JSON object a line. What is missing is ``null``, NaN too; beyond all numbers is ``1e999``.

    Args:
        kinds: Type of each column.
        seconds: Of each column of times whether it lies on seconds.
    """

    def __init__(self, kinds: dict[str, str], seconds: dict[str, bool]) -> None:
        self._kinds, self._seconds = kinds, seconds

    def head(self) -> bytes:
        """Return nothing: each line has the names."""
        return b""

    def rows(self, table: Any) -> memoryview:
        """Return rows."""
        parts: list[Any] = ["{"]
        for name, kind in self._kinds.items():
            parts += [f"{',' if len(parts) > 1 else ''}{json.dumps(name)}:", self._cells(table[name], name, kind)]
        return lines([*parts, "}\n"])

    def _cells(self, column: Any, name: str, kind: str) -> Any:
        import pyarrow.compute as pc

        if kind in ("symbol", "string"):
            text = mapped(column, _quoted)
        elif kind.startswith("timestamp"):
            text = joined('"', times(column, seconds=self._seconds[name]), '"')
        elif kind == "date32":
            text = joined('"', plain(column), '"')
        elif kind == "double":
            text = floats(column)
            for found, said in (("nan", "null"), ("inf", "1e999"), ("-inf", "-1e999")):
                text = pc.if_else(pc.equal(text, word(found)), word(said), text)
        else:
            text = plain(column)
        return pc.fill_null(text, word("null"))


def _quoted(values: Any) -> Any:
    return texts(json.dumps(value, ensure_ascii=False) for value in values.to_pylist())


def joined(*parts: Any) -> Any:
    """Join texts; what is missing stays missing."""
    import pyarrow.compute as pc

    return pc.binary_join_element_wise(*_flat(list(parts)), word(""))


def _flat(parts: list[Any]) -> list[Any]:
    """Return arrays in one piece, and texts as scalars."""
    found = [word(part) if isinstance(part, str) else part for part in parts]
    return [whole(part) for part in found]

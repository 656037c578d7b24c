"""From a row for each time to one for each time and instrument, where instruments have columns of their own.

The long rows of a table are numbered through: all instruments of its first row, then of its second. So each tells by
its number of which row of the file it is, and whose.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from collections.abc import Mapping as Dictionary
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from alphintra.ingest.mapping import Column, Mapping

LONG_ROWS = 65_536
NUMBER = "NUMBER"


@dataclass(frozen=True, eq=False)
class Melt:
    """How wide rows become long ones.

    Attributes:
        long: The mapping of the long rows: of each name one column, at its own place.
        symbols: The instruments, in the file's order.
        places: Of each column of ``long``, the column of the file: of all instruments one, else of each in the order of
            ``symbols`` its own, or ``None`` where an instrument has none.
    """

    long: Mapping
    symbols: tuple[str, ...]
    places: tuple[int | tuple[int | None, ...], ...]

    @property
    def used(self) -> list[int]:
        """The columns of the file that are read."""
        own = (place if isinstance(place, tuple) else (place,) for place in self.places)
        return sorted(place for several in own for place in several if place is not None)

    def kinds(self, kinds: Dictionary[int, str]) -> dict[int, str]:
        """Return the types of the long columns by those of the file's: numbers only where all of a name are."""
        found = {}
        for at, place in enumerate(self.places):
            own = {kinds[one] for one in (place if isinstance(place, tuple) else (place,)) if one is not None}
            found[at] = own.pop() if len(own) == 1 else "VARCHAR"
        return found

    def chunks(self, chunks: Iterable[Any], kinds: Dictionary[int, str]) -> Iterator[Any]:
        """Yield long record batches, ``c0`` and so on, of wide ones, whose columns are called by their places.

        Args:
            chunks: Record batches.
            kinds: Of the long columns.
        """
        step = max(1, LONG_ROWS // len(self.symbols))
        for chunk in chunks:
            for start in range(0, chunk.num_rows, step):
                yield self._long(chunk.slice(start, step), kinds)

    def _long(self, chunk: Any, kinds: Dictionary[int, str]) -> Any:
        rows, count = chunk.num_rows, len(self.symbols)
        by_row = pa.array(np.arange(rows * count).reshape(count, rows).T.ravel())
        repeated = pa.array(np.repeat(np.arange(rows), count))
        arrays, names = [], []
        for at, place in enumerate(self.places):
            if isinstance(place, int):
                arrays.append(chunk.column(f"c{place}").take(repeated))
            else:
                kind = pa.float64() if kinds[at] == NUMBER else pa.string()
                nothing = pa.nulls(rows, kind)
                parts = [nothing if own is None else _as(chunk.column(f"c{own}"), kind) for own in place]
                arrays.append(pa.concat_arrays(parts).take(by_row))
            names.append(f"c{at}")
        if "flag" in chunk.schema.names:
            arrays.append(chunk.column("flag").take(repeated))
            names.append("flag")
        return pa.RecordBatch.from_arrays(arrays, names=names)


def melt_of(mapping: Mapping) -> Melt | None:
    """Return how the rows of a mapping are melted; ``None`` where instruments have no columns of their own."""
    if not mapping.by_instrument:
        return None
    symbols = mapping.instruments
    whose = {symbol: at for at, symbol in enumerate(symbols)}
    of_name: dict[str, list[Column]] = {}
    for cell in mapping.cells:
        of_name.setdefault(cell.name, []).append(cell)
    columns: list[Column] = []
    places: list[int | tuple[int | None, ...]] = []
    for column in (*mapping.of("time", "date", "clock"), *mapping.values):
        columns.append(replace(column, position=len(columns), symbol=""))
        if not column.symbol:
            places.append(column.position)
            continue
        own: list[int | None] = [None] * len(symbols)
        for cell in of_name[column.name]:
            own[whose[cell.symbol]] = cell.position
        places.append(tuple(own))
    return Melt(replace(mapping, columns=tuple(columns), symbol_from="name"), symbols, tuple(places))


def _as(column: Any, kind: Any) -> Any:
    """Return a column as text or as doubles; a number as a text that is read back exactly."""
    if column.type == kind:
        return column
    if pa.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    return column.cast(kind)

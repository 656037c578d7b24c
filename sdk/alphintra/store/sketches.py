"""What statistics and sample of a version were counted from, kept in a file beside the rows.

Rows that are added are counted on top of it, without reading those before; a sealed version, whose manifest tells
nothing of its values, has its statistics here, under its key.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from alphintra.data.arrow import whole
from alphintra.errors import DataError
from alphintra.store.checked_json import canonical
from alphintra.store.columns import Column, raw_values, time_column
from alphintra.store.coverage import Coverage
from alphintra.store.finding import find
from alphintra.store.reading import Version, by_columns, side_file
from alphintra.store.sampling import Sample
from alphintra.store.statistics import SHOWN, ColumnStatistics

_SAMPLE = ""  # no column has this name
_WIDE = 200
_AT_ONCE = 16
"""Columns of a row group that are in memory at once."""


class Sketches:
    """Statistics of each column, and the sample.

    Args:
        columns: The columns, the symbol left out.
    """

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = tuple(columns)
        self._statistics = {column.name: ColumnStatistics(column) for column in columns}
        self.sample = Sample(columns)
        self._time = time_column(self._columns)
        self._coverage = Coverage(self._time.type)

    def add(self, symbol: str, table: Any) -> None:
        """Take the next rows of a symbol."""
        for name, statistics in self._statistics.items():
            statistics.add(whole(table[name]))
        self._coverage.add(raw_values(table[self._time.name]))
        self.sample.add(symbol, table)

    def statistics(self) -> dict[str, Any]:
        """Return the statistics as they stand in a manifest; columns by the hundred have shorter histograms.

        The time has its ``coverage`` as well: rows by day.
        """
        bins = SHOWN if len(self._columns) <= _WIDE else SHOWN // 4
        found = {name: statistics.to_json(bins) for name, statistics in self._statistics.items()}
        found[self._time.name]["coverage"] = self._coverage.to_json()
        return found

    def to_table(self) -> Any:
        """Return the whole state as an Arrow table."""
        import pyarrow as pa

        states: dict[str, Any] = {_SAMPLE: [self.sample.state(), self._coverage.state()]}
        states |= {name: statistics.state() for name, statistics in self._statistics.items()}
        return pa.table({"name": list(states), "state": [canonical(state) for state in states.values()]})

    def restore(self, states: dict[str, Any]) -> None:
        """Go on where another left off."""
        sample, coverage = states[_SAMPLE]
        self.sample.restore(sample)
        self._coverage.restore(coverage)
        for name, statistics in self._statistics.items():
            statistics.restore(states[name])


def statistics_of_symbol(version: Version, symbol: str) -> dict[str, dict[str, Any]]:
    """Count the statistics of one symbol from its rows, as :meth:`Sketches.statistics` has them of all.

    What is in memory at once is a row group of a few columns, however many rows and columns there are.

    Raises:
        UnknownDataset: There is no such symbol.
        DataError: ``DAMAGED_FILE``; ``SEALED`` without its keys.
    """
    wanted = find(version.manifest, [symbol])
    columns, time = wanted.columns, version.manifest.time
    bins = SHOWN if len(columns) <= _WIDE else SHOWN // 4
    coverage = Coverage(time.type)
    found: dict[str, dict[str, Any]] = {}
    for some, tables in by_columns(version, wanted, _AT_ONCE):
        own = {column.name: ColumnStatistics(column) for column in some}
        for table in tables:
            for name, statistics in own.items():
                statistics.add(whole(table[name]))
            if time.name in own:
                coverage.add(raw_values(table[time.name]))
        found |= {name: statistics.to_json(bins) for name, statistics in own.items()}
    found[time.name]["coverage"] = coverage.to_json()
    return found


def sketches_of(version: Version) -> Sketches:
    """Read the sketches of a version.

    Raises:
        DataError: ``DAMAGED_FILE``; ``SEALED`` without its keys.
    """
    with side_file(version, "sketches") as file:
        table = file.read()
    found = Sketches(version.manifest.columns)
    try:
        rows = zip(table["name"].to_pylist(), table["state"].to_pylist(), strict=True)
        found.restore({name: json.loads(state) for name, state in rows})
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise DataError("the sketches of a version cannot be read", code="DAMAGED_FILE",
                        where=version.manifest.sketches.sha256) from error  # fmt: skip
    return found

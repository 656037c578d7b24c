"""Rows that the file has in another order than time."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from alphintra.rules.batch import Batch
from alphintra.rules.check import Check, Values
from alphintra.rules.facts import Facts
from alphintra.rules.rule import Rule
from alphintra.store.columns import raw_values

UNSORTED = Rule(
    "TS_UNSORTED",
    "warning",
    "A row stands in the file before the row of its symbol that it follows in time.",
    "A file that is sorted by time and has many symbols. What is stored is sorted, so only the file tells.",
    seen_in="file",
)


class Unsorted(Check):
    """Looks at the numbers that rows have in their file, where they are not in its order."""

    rules = (UNSORTED,)

    @classmethod
    def why_not(cls, facts: Facts, values: Values) -> Mapping[str, str | None]:
        """Stored rows are sorted."""
        return {UNSORTED.id: None if facts.staged else "stored rows are sorted: only the file tells"}

    def begin(self, symbol: str) -> None:
        """Forget the row before."""
        self._row, self._file = -1, -1

    def see(self, batch: Batch) -> None:
        """Look."""
        if not self.facts.numbered:
            return
        row = raw_values(batch.table["_row"])
        before = np.append(self._row, row[:-1])
        back = row < before
        if "_file" in batch.table.column_names:
            file = raw_values(batch.table["_file"]).astype(np.int64)
            back &= file == np.append(self._file, file[:-1])
            self._file = int(file[-1])
        self._row = int(row[-1])
        self.found.rows(UNSORTED.id, batch, np.flatnonzero(back), "it stands before a row of an earlier time")

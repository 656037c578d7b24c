"""Rows of one symbol at one time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from alphintra.rules.batch import Batch
from alphintra.rules.check import Check, Values
from alphintra.rules.facts import Facts
from alphintra.rules.rule import Rule
from alphintra.store.columns import equal

EXACT = Rule(
    "TS_DUP_EXACT",
    "warning",
    "A row has the symbol, the time and all values of the row before it. A run takes it once, and warns.",
    "Ticks, and rows that a column with the role `sequence` tells apart: many may share a time.",
)
CONFLICT = Rule(
    "TS_DUP_CONFLICT",
    "error",
    "A row has the symbol and the time of the row before it, and other values. Nobody knows which of them counts: a "
    "run is refused, also where the error is accepted.",
    "As of TS_DUP_EXACT.",
)


class Duplicates(Check):
    """Compares rows with those before them where the time stands still."""

    rules = (EXACT, CONFLICT)

    @classmethod
    def why_not(cls, facts: Facts, values: Values) -> Mapping[str, str | None]:
        """Ticks may share a time."""
        reason = "several ticks may share a time" if facts.kind == "ticks" else None
        if facts.name("sequence") is not None:
            reason = "a sequence tells rows of one time apart"
        return {EXACT.id: reason, CONFLICT.id: reason}

    def prepare(self) -> None:
        """Name the columns that are compared."""
        self._names = [column.name for column in self.facts.columns if column.role != "time"]

    def begin(self, symbol: str) -> None:
        """Forget the row before."""
        self._row: Any = None

    def see(self, batch: Batch) -> None:
        """Look."""
        steps = batch.steps
        rows = steps.odd[steps.step[steps.odd] == 0]
        if len(rows):
            self._compare(batch, rows)
        self._row = batch.table.slice(len(batch) - 1)

    def _compare(self, batch: Batch, rows: npt.NDArray[np.int64]) -> None:
        import pyarrow as pa

        first = bool(rows[0] == 0)
        same = np.ones(len(rows), dtype=np.bool_)
        for name in self._names:
            column = batch.table[name]
            after = column.take(pa.array(rows)).combine_chunks()
            before = column.take(pa.array(rows[1:] - 1 if first else rows - 1))
            if first:
                before = pa.chunked_array([*self._row[name].chunks, *before.chunks], type=column.type)
            same &= equal(after, before.combine_chunks())
        twice = "the row is there twice: a run takes it once; a recipe with the step 'deduplicate' leaves one"
        self.found.rows(EXACT.id, batch, rows[same], twice)
        self.found.rows(CONFLICT.id, batch, rows[~same], "the row before has the same time and other values")

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
from alphintra.store.columns import raw_values, validity

EXACT = Rule(
    "TS_DUP_EXACT",
    "warning",
    "A row has the symbol, the time and all values of the row before it.",
    "Ticks, and rows that a column with the role `sequence` tells apart: many may share a time.",
)
CONFLICT = Rule(
    "TS_DUP_CONFLICT",
    "error",
    "A row has the symbol and the time of the row before it, and other values.",
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
        twice = "the row is there twice: nothing runs on it before a recipe with the step 'deduplicate' leaves one"
        self.found.rows(EXACT.id, batch, rows[same], twice)
        self.found.rows(CONFLICT.id, batch, rows[~same], "the row before has the same time and other values")


def equal(left: Any, right: Any) -> npt.NDArray[np.bool_]:
    """Tell which values of two Arrow arrays are equal: NaN and null are, to each other as well."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_string(left.type) or pa.types.is_dictionary(left.type) or pa.types.is_boolean(left.type):
        found = pc.fill_null(pc.equal(left, right), False)
        return np.asarray(pc.or_(found, pc.and_(pc.is_null(left), pc.is_null(right))))
    a, b = raw_values(left), raw_values(right)
    same = a == b
    if a.dtype == np.float64:
        gone_a, gone_b = np.isnan(a), np.isnan(b)
    else:
        gone_a, gone_b = np.zeros(len(a), dtype=bool), np.zeros(len(b), dtype=bool)
    valid_a, valid_b = validity(left), validity(right)
    gone_a = gone_a if valid_a is None else gone_a | ~valid_a
    gone_b = gone_b if valid_b is None else gone_b | ~valid_b
    out: npt.NDArray[np.bool_] = np.where(gone_a | gone_b, gone_a & gone_b, same)
    return out

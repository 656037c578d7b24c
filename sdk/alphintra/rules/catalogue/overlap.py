"""Rows that are added, and rows that are there already."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from alphintra.rules.batch import Batch
from alphintra.rules.check import Check, Values
from alphintra.rules.facts import Facts
from alphintra.rules.rule import Rule
from alphintra.store.columns import equal, raw_values

OVERLAP = Rule(
    "OVERLAP_CONFLICT",
    "error",
    "A row that is added has the symbol and the time of a stored one and other values, or comes before the last stored "
    "one and was not there.",
    "Corrections: they are a version written anew. Not checked where rows are not added to a version.",
)


class Overlap(Check):
    """Reads the stored rows of the times that come again."""

    rules = (OVERLAP,)

    @classmethod
    def why_not(cls, facts: Facts, values: Values) -> Mapping[str, str | None]:
        """It needs a version to which rows are added."""
        reason = None if facts.parent is not None else "rows are not added to a version"
        return {OVERLAP.id: "several ticks may share a time" if reason is None and facts.kind == "ticks" else reason}

    def prepare(self) -> None:
        """Find out when each stored symbol ends."""
        assert self.facts.parent is not None
        manifest = self.facts.parent.manifest
        _, _, symbol, _, _, last = manifest.groups
        ends = np.full(len(manifest.symbols), np.iinfo(np.int64).min)
        np.maximum.at(ends, symbol, last)
        self._ends = dict(zip(manifest.symbols, ends.tolist(), strict=True))
        self._names = [c.name for c in manifest.columns if c.role != "time" and c in self.facts.columns]

    def see(self, batch: Batch) -> None:
        """Compare the rows that are not later than all stored ones."""
        from alphintra.store.reading import batches

        end = self._ends.get(batch.symbol)
        raw = batch.raw_times
        if end is None or raw[0] > end:
            return
        assert self.facts.parent is not None
        stop = int(np.searchsorted(raw, end, side="right"))
        name = self.facts.time.name
        times = batch.table[name]
        first, last = times[0].as_py(), times[stop - 1].as_py()
        import pyarrow as pa

        there = np.zeros(stop, dtype=bool)
        for _, stored in batches(self.facts.parent, [batch.symbol], None, first, last):
            own = raw_values(stored[self.facts.parent.manifest.time.name])
            at = np.searchsorted(own, raw[:stop])
            rows = np.flatnonzero((at < len(own)) & (own[np.minimum(at, len(own) - 1)] == raw[:stop]))
            there[rows] = True
            same = np.ones(len(rows), dtype=bool)
            for column in self._names:
                left = batch.table[column].take(pa.array(rows)).combine_chunks()
                right = stored[column].take(pa.array(at[rows])).combine_chunks()
                same &= equal(left.cast(right.type), right)
            self.found.rows(OVERLAP.id, batch, rows[~same], "the stored row of this time has other values")
        self.found.rows(OVERLAP.id, batch, np.flatnonzero(~there), "the stored version has no row at this time")

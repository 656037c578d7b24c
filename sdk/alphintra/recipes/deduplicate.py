"""Leave one of several equal rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from alphintra.recipes import parameters
from alphintra.recipes.rows import BOOL, KNOWN, Rows, Shape
from alphintra.recipes.step import Context, Numbers, Outcome, Step, looks_ahead


@dataclass(frozen=True, kw_only=True)
class Deduplicate(Step):
    """Leave one of the rows of a symbol that have the same time, or the same values.

    Rows of equal time are told apart by the column with the role `sequence`, where there is one. Where rows have times
    of knowledge of their own, the first is the one that was known first.
    """

    kind: ClassVar[str] = "deduplicate"
    refuses: ClassVar[str] = "`keep` other than `first` where rows have times of knowledge of their own"
    any_order: ClassVar[bool] = True

    by: str = parameters.choice("What makes rows equal: their time, or all of their values.", ("time", "row"), "time")
    keep: str = parameters.choice("Which of them is left.", ("first", "last", "none"), "first")

    def plan(self, shape: Shape, context: Context) -> Shape:
        """See :class:`Step`."""
        if self.by == "time" and self.keep != "first" and shape.role(KNOWN) is not None:
            looks_ahead(
                f"keep={self.keep!r} leaves out a row because of one that became known later",
                "Use keep='first', or leave revisions as they are: a join takes what was known.",
            )
        return shape

    def run(self, rows: Rows, shape: Shape, context: Context, fitted: Numbers) -> Outcome:
        """See :class:`Step`."""
        keys = [shape.time.name]
        sequence = shape.role("sequence")
        if sequence is not None:
            keys.append(sequence.name)
        if self.by == "row":
            keys = list(shape.names)
        if keys == [shape.time.name] and shape.role(KNOWN) is None and not (rows.times[1:] < rows.times[:-1]).any():
            kept = np.flatnonzero(self._lone(rows))
            return Outcome(rows.taken(kept), kept)
        # As objects: whole numbers of which one is missing would become floats, which do not tell large ones apart.
        frame = rows.table().select(keys).to_pandas(integer_object_nulls=True)
        order = np.arange(len(rows))
        if shape.role(KNOWN) is not None:
            order = np.argsort(rows.known, kind="stable")
            frame = frame.iloc[order]
        twice = frame.duplicated(keep=self.keep if self.keep != "none" else False).to_numpy()
        kept = np.sort(order[~twice])
        return Outcome(rows.taken(kept), kept)

    def _lone(self, rows: Rows) -> BOOL:
        """Tell which rows, sorted by time, are left."""
        ends = np.flatnonzero(rows.times[1:] != rows.times[:-1])
        first, last = np.ones(len(rows), dtype=bool), np.ones(len(rows), dtype=bool)
        first[1:], last[:-1] = False, False
        first[ends + 1], last[ends] = True, True
        return first & last if self.keep == "none" else last if self.keep == "last" else first

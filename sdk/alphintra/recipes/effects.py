"""What a step changed, counted."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from alphintra.recipes.rows import BOOL, Rows, missing
from alphintra.recipes.step import Outcome
from alphintra.store.columns import numbers, raw_values
from alphintra.store.comparing import Place

MOST_PLACES = 20
_MOST_NOTES = 20


@dataclass
class Effect:
    """What one step did to all symbols that it was run on.

    Attributes:
        step: Number of the step, from 1.
        kind: Its kind.
        rows_in: Rows before it.
        rows_out: Rows after it.
        rows_added: Rows that are new.
        rows_removed: Rows that are no more; of coarser bars all are new.
        cells_changed: By column, in rows and columns that are before and after it.
        columns_added: Columns that are new.
        columns_removed: Columns that are no more.
        places: The first 20 changes.
        notes: What has to be known, at most 20.
    """

    step: int
    kind: str
    rows_in: int = 0
    rows_out: int = 0
    rows_added: int = 0
    rows_removed: int = 0
    cells_changed: dict[str, int] = field(default_factory=dict)
    columns_added: list[str] = field(default_factory=list)
    columns_removed: list[str] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def totals(self) -> dict[str, Any]:
        """Return the counts as JSON's values, without places."""
        return {
            "step": self.step,
            "kind": self.kind,
            "rows_in": self.rows_in,
            "rows_out": self.rows_out,
            "rows_added": self.rows_added,
            "rows_removed": self.rows_removed,
            "cells_changed": dict(self.cells_changed),
            "columns_added": list(self.columns_added),
            "columns_removed": list(self.columns_removed),
            "notes": list(self.notes),
        }

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON's values."""
        return self.totals() | {"places": [vars(place) for place in self.places]}

    def add(self, before: Rows, after: Rows, outcome: Outcome) -> None:
        """Count what a step did to the rows of a symbol."""
        self.rows_in += len(before)
        self.rows_out += len(after)
        if outcome.note is not None and len(self.notes) < _MOST_NOTES:
            self.notes.append(outcome.note)
        names = set(before.shape.names), set(after.shape.names)
        self.columns_added = [name for name in after.shape.names if name not in names[0]]
        self.columns_removed = [name for name in before.shape.names if name not in names[1]]
        if outcome.origin is None:
            self._cells(before, after, np.arange(len(after)), np.arange(len(after)))
            return
        kept = np.flatnonzero(outcome.origin >= 0)
        gone = np.ones(len(before), dtype=bool)
        gone[outcome.origin[kept]] = False
        self.rows_added += len(after) - len(kept)
        self.rows_removed += int(gone.sum())
        self._rows(before, np.flatnonzero(gone), "removed")
        self._rows(after, np.flatnonzero(outcome.origin < 0), "added")
        self._cells(before, after, outcome.origin[kept], kept)

    def _rows(self, rows: Rows, places: Any, change: str) -> None:
        for row in places[: MOST_PLACES - len(self.places)].tolist():
            self.places.append(Place(rows.symbol, rows.text_of(row), None, None, None, change))

    def _cells(self, before: Rows, after: Rows, left: Any, right: Any) -> None:
        for name in after.shape.names:
            if name not in before.arrays:
                continue
            old, new = before.arrays[name], after.arrays[name]
            if old is new or not len(right):
                continue
            if old.type != new.type:
                if str(new.type) != "double" or str(old.type) not in ("int64", "bool"):
                    continue
                old = numbers(before.numbers(name))
            whole = len(left) == len(old) and len(right) == len(new)
            changed = np.flatnonzero(differing(old if whole else old.take(left), new if whole else new.take(right)))
            if not len(changed):
                continue
            self.cells_changed[name] = self.cells_changed.get(name, 0) + len(changed)
            for row in changed[: MOST_PLACES - len(self.places)].tolist():
                cells = (_cell(old[int(left[row])]), _cell(new[int(right[row])]))
                time = after.text_of(int(right[row]))
                self.places.append(Place(after.symbol, time, name, *cells, "changed"))


def differing(old: Any, new: Any) -> BOOL:
    """Tell where two Arrow arrays of one type differ; missing equals missing."""
    gone = missing(old), missing(new)
    if str(old.type) == "string":
        import pyarrow.compute as pc

        equal = pc.fill_null(pc.equal(old, new), False).to_numpy(zero_copy_only=False)
    else:
        equal = raw_values(old) == raw_values(new)
    return np.asarray((gone[0] != gone[1]) | ~(equal | gone[0] | gone[1]))


def _cell(value: Any) -> Any:
    from alphintra.store.statistics import shown

    found = value.as_py()
    if found is None or found != found:
        return None
    return found if isinstance(found, bool | int | float) else shown(str(found))

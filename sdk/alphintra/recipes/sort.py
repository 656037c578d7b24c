"""Put rows into the order of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from alphintra.recipes import parameters
from alphintra.recipes.rows import Rows, Shape
from alphintra.recipes.step import Context, Numbers, Outcome, Step
from alphintra.store.columns import raw_values


@dataclass(frozen=True, kw_only=True)
class Sort(Step):
    """Put the rows of a symbol into the order of time; those of equal time stay in their order.

    Rows of equal time go by the column with the role `sequence`, where there is one, then by the columns named.
    """

    kind: ClassVar[str] = "sort"
    any_order: ClassVar[bool] = True

    columns: tuple[str, ...] = parameters.columns("Columns that order rows of equal time.")

    def plan(self, shape: Shape, context: Context) -> Shape:
        """See :class:`Step`."""
        for name in self.columns:
            shape.column(name)
        return shape

    def run(self, rows: Rows, shape: Shape, context: Context, fitted: Numbers) -> Outcome:
        """See :class:`Step`."""
        import pyarrow.compute as pc

        sequence = shape.role("sequence")
        more = [sequence.name] if sequence is not None else []
        keys: list[Any] = [(name, "ascending") for name in dict.fromkeys([shape.time.name, *more, *self.columns])]
        order = raw_values(pc.sort_indices(rows.table(), sort_keys=keys)).astype(np.int64)
        if np.array_equal(order, np.arange(len(order))):
            return Outcome(rows.arrays)
        return Outcome(rows.taken(order), order)

"""Texts that are too long, or that a spreadsheet would run."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from alphintra.data.arrow import whole
from alphintra.ingest.findings import shown
from alphintra.ingest.limits import DEFAULT
from alphintra.rules.batch import Batch
from alphintra.rules.check import Check, Values
from alphintra.rules.facts import Facts
from alphintra.rules.places import Parts
from alphintra.rules.rule import Rule

CELL = Rule(
    "CELL_LIMIT",
    "error",
    f"A cell has more than {DEFAULT.cell:,} bytes; reading leaves its row out.",
    seen_in="both",
)
FORMULA = Rule(
    "FORMULA_TEXT",
    "info",
    "A text begins with =, +, −, @, a tab or a carriage return: a spreadsheet would run it. It is kept as it is, and "
    "written so that it is not run.",
    "Numbers such as −1.5 are not text.",
    seen_in="both",
)
_FORMULA = r"^[=+\-@\t\r]"


class Texts(Check):
    """Looks at columns of text, where reading has not done so."""

    rules = (CELL, FORMULA)

    @classmethod
    def why_not(cls, facts: Facts, values: Values) -> Mapping[str, str | None]:
        """It needs text, or a reader's findings."""
        none = not facts.staged and not _texts(facts)
        return {rule.id: "there is no text" if none else None for rule in cls.rules}

    def prepare(self) -> None:
        """Name the columns; those of a file were looked at when it was read."""
        self._names = () if self.facts.staged else _texts(self.facts)

    def see(self, batch: Batch) -> None:
        """Look."""
        import pyarrow.compute as pc

        long: Parts = []
        formulas: Parts = []
        for name in self._names:
            column = whole(batch.table[name])
            rows = np.asarray(pc.fill_null(pc.greater(pc.binary_length(column), DEFAULT.cell), False))
            long.append((np.flatnonzero(rows), "the cell is too long", name))
            rows = np.asarray(pc.fill_null(pc.match_substring_regex(column, _FORMULA), False))
            formula = np.flatnonzero(rows)
            kept = formula[: max(0, self.found.room(FORMULA.id))].tolist()
            told = [f"'{shown(column[row].as_py())}'" for row in kept]
            formulas.append((formula, told.__getitem__, name))
        self.found.cells(CELL.id, batch, long)
        self.found.cells(FORMULA.id, batch, formulas)


def _texts(facts: Facts) -> tuple[str, ...]:
    return tuple(column.name for column in facts.columns if column.type == "string")

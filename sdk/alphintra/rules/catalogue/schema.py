"""Columns that have to be there, names that are one, and how much there is."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

from alphintra.rules.batch import Batch
from alphintra.rules.check import Check, Values
from alphintra.rules.facts import Facts
from alphintra.rules.places import Place
from alphintra.rules.rule import Parameter, Rule
from alphintra.store.columns import MOST_COLUMNS

REQUIRED = Rule(
    "SCHEMA_REQUIRED",
    "error",
    "No column has a role that this kind of data needs: bars a close (with an open also high and low), ticks a price "
    "or bid and ask; or a row has no symbol.",
    "Closes alone; ticks without volume; features.",
    seen_in="both",
)
DUP_COLUMN = Rule(
    "SCHEMA_DUP_COLUMN",
    "error",
    "Two columns have one name, apart from case and from how its signs are composed; or an object of JSON has a name "
    "twice.",
    seen_in="both",
)
COLUMN_LIMIT = Rule(
    "COLUMN_LIMIT",
    "error",
    "There are more columns than that.",
    parameters=(Parameter("columns", MOST_COLUMNS, 1, MOST_COLUMNS, "columns beside the symbol", whole=True),),
)
ROW_LIMIT = Rule(
    "ROW_LIMIT", "error", "There are more rows than the quota allows.", "It is not checked where there is no quota."
)
_BAR = ("open", "high", "low")


class Schema(Check):
    """Looks at the columns, and counts the rows."""

    rules = (REQUIRED, DUP_COLUMN, COLUMN_LIMIT, ROW_LIMIT)

    @classmethod
    def why_not(cls, facts: Facts, values: Values) -> Mapping[str, str | None]:
        """Without a quota there is none to go beyond."""
        return {ROW_LIMIT.id: "there is no quota" if facts.most_rows is None else None}

    def prepare(self) -> None:
        """Look at the columns."""
        self._rows = 0
        missing = [role for role in self._required() if self.facts.name(role) is None]
        self.found.add(REQUIRED.id, [Place(message=f"no column is the {role}") for role in missing])
        seen: dict[str, str] = {}
        for column in self.facts.columns:
            folded = unicodedata.normalize("NFC", column.name).casefold()
            if folded in seen:
                message = f"the same name as '{seen[folded]}'"
                self.found.add(DUP_COLUMN.id, [Place(column=column.name, message=message)])
            seen.setdefault(folded, column.name)
        most = int(self.value(COLUMN_LIMIT, "columns"))
        if len(self.facts.columns) > most:
            message = f"{len(self.facts.columns):,} columns, and at most {most:,} may be"
            self.found.add(COLUMN_LIMIT.id, [Place(message=message)])

    def _required(self) -> tuple[str, ...]:
        if self.facts.kind in ("features", "reference"):
            return ()
        if self.facts.kind == "ticks":
            return () if self.facts.without("bid", "ask") is None else ("price",)
        return ("close", *_BAR) if any(self.facts.name(role) for role in _BAR) else ("close",)

    def see(self, batch: Batch) -> None:
        """Count."""
        most = self.facts.most_rows
        if most is not None and self._rows <= most < self._rows + len(batch):
            message = f"here the rows are more than the {most:,} of the quota"
            self.found.rows(ROW_LIMIT.id, batch, [most - self._rows], message)
        self._rows += len(batch)

"""Columns that say nothing: one value, or another text in every row."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from alphintra.rules.batch import Batch
from alphintra.rules.check import Check, Values
from alphintra.rules.facts import Facts
from alphintra.rules.places import Place
from alphintra.rules.rule import Parameter, Rule

_LEAST = Parameter("rows", 20, 2, 1e9, "rows that it takes", whole=True)
CONSTANT = Rule("CONST_COLUMN", "info", "A column has one value in all rows.", "Few rows.", (_LEAST,))
CARDINALITY = Rule(
    "CARDINALITY",
    "info",
    "A column of text has another text in every row; decided by the first 100,000 rows, or fewer where there are more "
    "than ten such columns.",
    "Few rows.",
    (_LEAST,),
)
_MOST, _MOST_OF_ALL = 100_000, 1_000_000


class Constant(Check):
    """Compares values until one differs, and texts until one repeats."""

    rules = (CONSTANT, CARDINALITY)

    @classmethod
    def why_not(cls, facts: Facts, values: Values) -> Mapping[str, str | None]:
        """Which types there are."""
        others = [column for column in facts.columns if column.role != "time"]
        texts = [column for column in facts.columns if column.type == "string"]
        return {
            CONSTANT.id: None if others else "there is no column beside the time",
            CARDINALITY.id: None if texts else "there is no text",
        }

    def prepare(self) -> None:
        """Every column may still be constant, every text unique."""
        self._rows = 0
        self._first_values: dict[str, Any] = {c.name: None for c in self.facts.columns if c.role != "time"}
        # Of each text its hash: texts may be long.
        self._seen: dict[str, set[int]] = {c.name: set() for c in self.facts.columns if c.type == "string"}
        self._most = min(_MOST, _MOST_OF_ALL // max(1, len(self._seen)))

    def see(self, batch: Batch) -> None:
        """Compare."""
        import pyarrow.compute as pc

        self._rows += len(batch)
        for name, known in list(self._first_values.items()):
            column = batch.table[name]
            first = column[0].as_py() if known is None else known
            if first is None or first != first:
                del self._first_values[name]  # a value that is missing is another rule's
                continue
            if isinstance(first, float):
                values = batch.numbers(name)
                same = bool((values == first).all()) if values[-1] == first else False
            else:
                same = not column.null_count and bool(pc.all(pc.equal(column, first)).as_py())
            if same:
                self._first_values[name] = first
            else:
                del self._first_values[name]
        for name, seen in list(self._seen.items()):
            if len(seen) >= self._most:
                continue
            texts = batch.table[name].drop_null().slice(0, self._most - len(seen)).to_pylist()
            before = len(seen)
            seen.update(map(hash, texts))
            if len(seen) < before + len(texts):
                del self._seen[name]

    def finish(self) -> None:
        """Decide."""
        if self._rows >= self._least(CONSTANT):
            for name, value in self._first_values.items():
                shown = str(value) if len(str(value)) <= 40 else f"{str(value)[:39]}…"
                shown = "".join(sign if sign.isprintable() else "�" for sign in shown)
                self.found.add(CONSTANT.id, [Place(column=name, message=f"all rows have {shown}")])
        for name, seen in self._seen.items():
            if len(seen) >= self._least(CARDINALITY):
                message = f"{len(seen):,} different texts in as many rows"
                self.found.add(CARDINALITY.id, [Place(column=name, message=message)])

    def _least(self, rule: Rule) -> float:
        return self.value(rule, "rows") if self.found.wants(rule.id) else np.inf

"""What checks rules: it sees the rows of each symbol once, in order, and keeps only what later rows need."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from alphintra.rules.batch import Batch
from alphintra.rules.facts import Facts
from alphintra.rules.places import Found
from alphintra.rules.rule import Rule

Values = Mapping[str, Mapping[str, float]]


class Check:
    """Checks one rule, or some that need the same look at the rows.

    What it finds depends on the rows alone, not on how they come in batches.

    Args:
        facts: What is stated of the rows.
        values: Parameters of each rule.
        found: Takes what is found.
    """

    rules: ClassVar[tuple[Rule, ...]]

    def __init__(self, facts: Facts, values: Values, found: Found) -> None:
        self.facts, self.found, self._values = facts, found, values
        self.prepare()

    @classmethod
    def why_not(cls, facts: Facts, values: Values) -> Mapping[str, str | None]:
        """Return by rule why it cannot be checked; those that are left out or ``None`` can be."""
        return {}

    def value(self, rule: Rule, name: str) -> float:
        """Return a parameter."""
        return self._values[rule.id][name]

    def prepare(self) -> None:
        """Get ready for the first row of all."""

    def begin(self, symbol: str) -> None:
        """Get ready for the first row of a symbol."""

    def see(self, batch: Batch) -> None:
        """Look at the next rows of the symbol."""

    def end(self, symbol: str) -> None:
        """Decide what needed all rows of a symbol."""

    def finish(self) -> None:
        """Decide what needed all rows."""

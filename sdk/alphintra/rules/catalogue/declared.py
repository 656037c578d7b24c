"""What nobody has said of the data, and should have."""

from __future__ import annotations

from collections.abc import Mapping

from alphintra.rules.check import Check, Values
from alphintra.rules.facts import Facts
from alphintra.rules.places import Place
from alphintra.rules.rule import Rule

ZONE = Rule(
    "TS_TZ_MISSING",
    "warning",
    "Times finer than a day name no zone, and nobody said which one it is.",
    "Dates have no zone.",
)
ADJUSTMENT = Rule("ADJ_UNKNOWN", "info", "Nobody said whether prices are raw or adjusted.", "Data without prices.")


class Declared(Check):
    """Looks at what is stated, not at the rows."""

    rules = (ZONE, ADJUSTMENT)

    @classmethod
    def why_not(cls, facts: Facts, values: Values) -> Mapping[str, str | None]:
        """Dates have no zone, features no adjustment."""
        return {
            ZONE.id: "times are dates" if facts.time.type == "date32" else None,
            ADJUSTMENT.id: "there are no prices" if facts.kind == "features" else None,
        }

    def prepare(self) -> None:
        """Look."""
        if not self.facts.zone_known:
            self.found.add(ZONE.id, [Place(column=self.facts.time.name, message="the time zone is not known")])
        if self.facts.adjustment == "unknown":
            self.found.add(ADJUSTMENT.id, [Place(message="the adjustment is not known")])

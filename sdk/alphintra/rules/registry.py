"""All rules, and which of them are checked with which numbers."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from alphintra.data.instrument import did_you_mean
from alphintra.errors import RuleError
from alphintra.rules.catalogue import (
    adjusted,
    bars,
    clocks,
    constant,
    crossed,
    day_series,
    declared,
    duplicates,
    frequency,
    gap_24x7,
    gap_intraday,
    gap_session,
    known_at,
    lookahead,
    missing,
    off_session,
    outlier,
    overlap,
    reading,
    schema,
    stale,
    stamps,
    symbols,
    texts,
    tick_grid,
    time_range,
    unsorted,
)
from alphintra.rules.check import Check
from alphintra.rules.rule import Parameter, Rule

GROUPS: Mapping[str, tuple[type[Check], ...]] = {
    "file": (reading.Reading,),
    "columns": (schema.Schema, texts.Texts),
    "times": (
        declared.Declared,
        time_range.Range,
        duplicates.Duplicates,
        unsorted.Unsorted,
        stamps.Stamps,
        clocks.Clocks,
        frequency.Frequency,
    ),
    "sessions": (gap_session.GapSession, gap_intraday.GapIntraday, gap_24x7.Gap24x7, off_session.OffSession),
    "prices and volume": (
        bars.Bars,
        tick_grid.TickGrid,
        stale.Stale,
        outlier.Outlier,
        day_series.DaySeries,
        adjusted.Adjusted,
    ),
    "symbols": (symbols.Symbols,),
    "knowledge": (lookahead.Lookahead, known_at.KnownAt),
    "values": (missing.Missing, constant.Constant),
    "quotes": (overlap.Overlap, crossed.Crossed),
}
"""What checks the rules, by what they look at, in the order in which reports have them."""

CHECKS: tuple[type[Check], ...] = tuple(check for checks in GROUPS.values() for check in checks)
"""All of them."""


@cache
def rules() -> Mapping[str, Rule]:
    """Return all rules by their ids."""
    return {rule.id: rule for check in CHECKS for rule in check.rules}


@cache
def groups() -> Mapping[str, str]:
    """Return what each rule looks at, by its id."""
    return {rule.id: group for group, checks in GROUPS.items() for check in checks for rule in check.rules}


@dataclass(frozen=True)
class Choice:
    """Which rules are checked, and with which numbers.

    Attributes:
        left_out: Ids of rules that are not checked.
        parameters: By rule, by name, what differs from the default.
    """

    left_out: frozenset[str] = frozenset()
    parameters: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Check names and bounds.

        Raises:
            RuleError: There is no such rule or parameter, or a value is out of its bounds.
        """
        for rule in (*sorted(self.left_out), *self.parameters):
            if rule not in rules():
                hint = did_you_mean(rule, list(rules()))
                raise RuleError(f"there is no validation rule {rule[:40]!r}", code="UNKNOWN_RULE", hint=hint or None)
        for rule, given in self.parameters.items():
            known = {parameter.name: parameter for parameter in rules()[rule].parameters}
            for name, value in given.items():
                if name not in known:
                    hint = "It has " + (", ".join(known) or "none") + "."
                    raise RuleError(f"there is no parameter {name[:40]!r}", code="BAD_RULE", where=rule, hint=hint)
                _check(rule, known[name], value)

    def values(self) -> dict[str, dict[str, float]]:
        """Return the parameters of all rules that are checked."""
        return {
            rule.id: {p.name: self.parameters.get(rule.id, {}).get(p.name, p.default) for p in rule.parameters}
            for rule in self.checked()
        }

    def checked(self) -> Iterator[Rule]:
        """Iterate over the rules that are checked."""
        return (rule for rule in rules().values() if rule.id not in self.left_out)

    def to_json(self) -> str:
        """Return canonical JSON, to be remembered."""
        own = {"left_out": sorted(self.left_out), "parameters": {k: dict(v) for k, v in self.parameters.items()}}
        return json.dumps(own, sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Choice:
        """Read what :meth:`to_json` wrote, or a user sent.

        Raises:
            RuleError: It is no JSON of that form, or names what there is not.
        """
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RuleError("the choice of rules is not JSON", code="BAD_RULE") from error
        if not isinstance(found, dict) or not set(found) <= {"left_out", "parameters"}:
            raise RuleError("the choice of rules has 'left_out' and 'parameters'", code="BAD_RULE")
        left_out, parameters = found.get("left_out", []), found.get("parameters", {})
        if not isinstance(left_out, list) or not all(isinstance(rule, str) for rule in left_out):
            raise RuleError("'left_out' is a list of rules", code="BAD_RULE")
        if not isinstance(parameters, dict) or not all(isinstance(own, dict) for own in parameters.values()):
            raise RuleError("'parameters' has an object for each rule", code="BAD_RULE")
        return cls(frozenset(left_out), parameters)


def _check(rule: str, parameter: Parameter, value: Any) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not number or not parameter.least <= value <= parameter.most or (parameter.whole and value != int(value)):
        kind = "a whole number" if parameter.whole else "a number"
        raise RuleError(
            f"{parameter.name} is {kind} from {parameter.least:g} to {parameter.most:g}, not {value!r:.40}",
            code="BAD_RULE",
            where=rule,
        )

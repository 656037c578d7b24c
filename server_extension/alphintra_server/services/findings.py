"""What the rules found on a version, in the words in which the catalogue says it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from alphintra.rules.places import Place
from alphintra.rules.registry import rules
from alphintra.rules.report import Report

from ..jobs.protocol import clean


@dataclass(frozen=True)
class Verdict:
    """What a report means for a version.

    Attributes:
        ran: Whether every rule there is was looked at, and none left out by choice.
        errors: A line for each rule of which there are errors: ``RULE: what (how many, where)``.
    """

    ran: bool
    errors: tuple[str, ...]


def verdict(report: Report) -> Verdict:
    """Read a report."""
    looked_at = {result.rule for result in report.results if result.status != "left_out"}
    lines = []
    for result in report.errors:
        first = result.places[0] if result.places else Place()
        count = "1 place" if result.count == 1 else f"{result.count:,} places, the first"
        place = where(first)
        rule = rules().get(result.rule)
        what = first.message or ("an error" if rule is None else rule.definition)
        at = f": {place}" if place else ""
        lines.append(f"{result.rule}: {clean(what)[:300]} ({count}{at})")
    return Verdict(set(rules()) <= looked_at, tuple(lines))


def rule_of(line: str) -> str:
    """Return the rule that a line of errors is about."""
    return line.partition(":")[0]


def together(before: Iterable[str], after: Iterable[str]) -> tuple[str, ...]:
    """Return the errors of a version that goes on from another: a rule stands once, with the errors of the new rows."""
    found = {rule_of(line): line for line in before} | {rule_of(line): line for line in after}
    return tuple(line for _, line in sorted(found.items()))


def where(place: Place) -> str:
    """Return the place as a trader reads it: file, row, line and column, or symbol and time, as far as known."""
    if place.file is None:
        parts = [place.symbol, place.time, None if place.column is None else f"column '{place.column}'"]
        return clean(", ".join(part for part in parts if part))[:300]
    text = place.file
    if place.row is not None:
        text += f", row {place.row}" + (f" (line {place.line})" if place.line is not None else "")
    elif place.line is not None:
        text += f", line {place.line}"
    return clean(text + (f", column '{place.column}'" if place.column else ""))[:300]

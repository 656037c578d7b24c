"""What the rules found on a version, in the words in which the catalogue says it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from alphintra.rules.places import Place
from alphintra.rules.registry import rules
from alphintra.rules.report import Report

from ..jobs.protocol import clean

EARLIER = "; in the rows before"
"""What a line of errors says behind this is of the version that rows were added to."""
COUNTS = "error_counts"
"""Where a version's row keeps how often each error was found."""


@dataclass(frozen=True)
class Verdict:
    """What a report means for a version.

    Attributes:
        ran: Whether every rule there is was looked at, and none left out by choice.
        errors: A line for each rule of which there are errors: ``RULE: what (how many, where)``.
        counts: In how many places each of them was found.
        looked_at: The rules that were looked at: those that were left out say nothing.
    """

    ran: bool
    errors: tuple[str, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    looked_at: frozenset[str] = frozenset()


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
    counts = {result.rule: result.count for result in report.errors}
    return Verdict(set(rules()) <= looked_at, tuple(lines), counts, frozenset(looked_at))


def rule_of(line: str) -> str:
    """Return the rule that a line of errors is about."""
    return line.partition(":")[0]


def together(before: Iterable[str], after: Iterable[str], counts: Mapping[str, int]) -> tuple[str, ...]:
    """Return the errors of a version that goes on from another: a rule stands once, with the errors of all its rows.

    Args:
        before: The open errors of the other.
        after: Those of the rows that are added.
        counts: In how many places each of the former is, as far as that was kept.
    """
    found = {rule_of(line): line for line in before}
    for line in after:
        rule = rule_of(line)
        found[rule] = _with_earlier(line, found[rule], counts.get(rule)) if rule in found else line
    return tuple(line for _, line in sorted(found.items()))


def _with_earlier(line: str, before: str, count: int | None) -> str:
    """Add to a line what another tells of the rows before; however often rows are added, it is told of the first."""
    newer, added, oldest = before.partition(EARLIER)
    if not added:
        return f"{line}{EARLIER}: {newer.partition(': ')[2]}"
    many = "" if count is None else f" ({count:,} places in all)"
    return f"{line}{EARLIER}{many}: {oldest.partition(': ')[2]}"


def counted(about: Mapping[str, Any]) -> dict[str, int]:
    """Return in how many places of a version each error is, accepted or not, as far as that was kept."""
    return dict(about.get(COUNTS, {}))


def added_up(before: Mapping[str, int], after: Mapping[str, int]) -> dict[str, int]:
    """Return the counts of a version that goes on from another."""
    return {rule: before.get(rule, 0) + after.get(rule, 0) for rule in sorted({*before, *after})}


@dataclass(frozen=True)
class Standing:
    """How a version stands after a look at its rows.

    Attributes:
        errors: The open errors.
        acknowledgements: What was accepted and still counts.
        counts: In how many places each error is, accepted or not.
    """

    errors: list[str]
    acknowledgements: list[dict[str, Any]]
    counts: dict[str, int]


def looked_again(
    errors: Sequence[str], acknowledgements: Sequence[dict[str, Any]], about: Mapping[str, Any], found: Verdict
) -> Standing:
    """Return how a version stands once it was checked again.

    What this look says nothing of stays as it was: leaving a rule out accepts none of its errors, and of a version that
    rows were added to the report has the last file alone. An error that was accepted stays so, unless it is in more
    places now than then.
    """
    open_still, counts = _untold(errors, about, found)
    newest = {own["rule"]: own.get("count") for own in acknowledgements}
    accepted = {
        rule
        for rule, count in newest.items()
        if count is None or rule in counts or found.counts.get(rule, 0) <= count
    }
    return Standing(_sorted(open_still, found, accepted), list(acknowledgements), {**found.counts, **counts})


def handed_on(
    errors: Sequence[str], acknowledgements: Sequence[dict[str, Any]], about: Mapping[str, Any], found: Verdict
) -> Standing:
    """Return how a version stands that a recipe made of another.

    Of what only the file told nothing has changed, and what was left out nobody has looked at; what the rows show is
    looked at anew.
    """
    open_still, counts = _untold(errors, about, found)
    kept = [own for own in acknowledgements if _says_nothing(own["rule"], found)]
    accepted = {own["rule"] for own in kept}
    return Standing(_sorted(open_still, found, accepted), kept, {**found.counts, **counts})


def _untold(errors: Iterable[str], about: Mapping[str, Any], found: Verdict) -> tuple[list[str], dict[str, int]]:
    """Return the open errors, and the counts, of which a look at the rows says nothing."""
    counts = {rule: count for rule, count in counted(about).items() if _says_nothing(rule, found)}
    return [line for line in errors if _says_nothing(rule_of(line), found)], counts


def _sorted(open_still: list[str], found: Verdict, accepted: set[str]) -> list[str]:
    known = accepted | {rule_of(line) for line in open_still}
    return sorted([*open_still, *(line for line in found.errors if rule_of(line) not in known)], key=rule_of)


def _says_nothing(rule: str, found: Verdict) -> bool:
    """Tell whether a look at stored rows says nothing of a rule: only the file does, or it was left out."""
    known = rules().get(rule)
    return rule not in found.looked_at or (known is not None and known.seen_in == "file")


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

"""What all rules found on one version, what was not checked and why, and what somebody has accepted."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Literal

from alphintra.errors import DataError
from alphintra.ingest.findings import Severity
from alphintra.rules.places import MOST_PLACES, MOST_TEXT, Place
from alphintra.store.checked_json import Part, canonical, parse, refuse

FORMAT = "alphintra-report/1"
MOST_BYTES = 4 << 20
"""Bytes of the largest report; of one that would be larger, fewer places are kept."""
MOST_VALUES = 300_000
Status = Literal["checked", "not_checked", "left_out"]
_SEVERITIES = "error|warning|info"
_NUMBERS = ("row", "line")
_STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


@dataclass(frozen=True)
class Result:
    """What one rule found.

    Attributes:
        rule: Its id.
        severity: That of the rule, or of the gravest that it found.
        status: ``checked``; ``not_checked``, which is no pass; or ``left_out`` by choice.
        reason: Why it was not checked.
        count: How often it fired.
        places: The first places.
        parameters: The numbers it was checked with.
    """

    rule: str
    severity: Severity
    status: Status = "checked"
    reason: str | None = None
    count: int = 0
    places: tuple[Place, ...] = ()
    parameters: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Acknowledgement:
    """An error that somebody accepts.

    Attributes:
        rule: The rule.
        who: Who accepts it.
        when: When, RFC 3339 in UTC.
        why: The reason.
    """

    rule: str
    who: str
    when: str
    why: str


@dataclass(frozen=True)
class Report:
    """What all rules found.

    Attributes:
        rows: Rows that were checked.
        symbols: Their symbols.
        checked: When, RFC 3339 in UTC.
        results: One a rule.
        acknowledged: Errors that were accepted; their results stay.
    """

    rows: int
    symbols: int
    checked: str
    results: tuple[Result, ...]
    acknowledged: tuple[Acknowledgement, ...] = ()

    def __getitem__(self, rule: str) -> Result:
        """Return the result of a rule."""
        for result in self.results:
            if result.rule == rule:
                return result
        raise KeyError(rule)

    @property
    def fired(self) -> tuple[Result, ...]:
        """Results of rules that fired."""
        return tuple(result for result in self.results if result.count)

    @property
    def errors(self) -> tuple[Result, ...]:
        """Results that are errors, accepted or not."""
        return tuple(result for result in self.fired if result.severity == "error")

    @property
    def open_errors(self) -> tuple[Result, ...]:
        """Errors that nobody has accepted: they block use."""
        accepted = {own.rule for own in self.acknowledged}
        return tuple(result for result in self.errors if result.rule not in accepted)

    @property
    def is_validated(self) -> bool:
        """Whether every rule there is has a result, none was left out, and no error is open."""
        from alphintra.rules.registry import rules

        ran = {result.rule for result in self.results if result.status != "left_out"}
        return set(rules()) <= ran and not self.open_errors

    def to_json(self) -> bytes:
        """Return canonical JSON of bounded size."""
        most = MOST_PLACES
        while True:
            raw = canonical(self._value(most))
            values = sum(min(most, len(result.places)) for result in self.results) * (len(fields(Place)) + 1)
            if len(raw) <= MOST_BYTES and values <= MOST_VALUES:
                return raw
            most //= 2

    def _value(self, most: int) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "rows": self.rows,
            "symbols": self.symbols,
            "checked": self.checked,
            "results": [
                {**vars(result), "places": _places(result.places[:most]), "parameters": dict(result.parameters or {})}
                for result in self.results
            ],
            "acknowledged": [vars(own) for own in self.acknowledged],
        }


def from_json(raw: bytes) -> Report:
    """Read a report that nobody has checked yet.

    Raises:
        DataError: ``BAD_REPORT``, with the entry that cannot be.
    """
    try:
        return _report(parse(raw, MOST_BYTES, "report"))
    except DataError as error:
        raise DataError(error.message, code="BAD_REPORT", where=error.where) from error


def acknowledge(report: Report, rules: Iterable[str], who: str, when: str, why: str) -> Report:
    """Return the report with open errors accepted.

    Args:
        report: The report.
        rules: Ids of the rules.
        who: Who accepts them.
        when: When, RFC 3339 in UTC, to the second.
        why: The reason.

    Raises:
        DataError: A rule has no open error; the reason is empty.
    """
    why, wanted = why.strip(), list(dict.fromkeys(rules))
    if not why or len(why) > 2_000 or not wanted:
        raise DataError(
            "an error is accepted with a reason of 1 to 2,000 characters", code="BAD_ACKNOWLEDGEMENT", where="why"
        )
    if not who or len(who) > 200 or not re.fullmatch(_STAMP, when):
        raise DataError("who accepts an error and when has to be said", code="BAD_ACKNOWLEDGEMENT", where="who")
    still = {result.rule for result in report.open_errors}
    for rule in wanted:
        if rule not in still:
            raise DataError(
                f"{rule[:40]} has no open error",
                code="NO_OPEN_ERROR",
                where=rule[:40],
                hint="Open are " + (", ".join(sorted(still)) or "none") + ".",
            )
    return replace(report, acknowledged=(*report.acknowledged, *(Acknowledgement(r, who, when, why) for r in wanted)))


def keep_acknowledged(report: Report, before: Report) -> Report:
    """Return a report with what was accepted before, of the same version, and is as it was then.

    As it was is what has the same count and the same columns, symbols and times; only a file tells rows and lines.
    """
    kept = []
    for own in before.acknowledged:
        old, new = before[own.rule], next((r for r in report.open_errors if r.rule == own.rule), None)
        if new is not None and (new.count, _where(new)) == (old.count, _where(old)):
            kept.append(own)
    return replace(report, acknowledged=(*report.acknowledged, *kept))


def without_places(report: Report) -> Report:
    """Return the counts alone, as a manifest that anybody may read has them of a sealed version."""
    return replace(report, results=tuple(replace(result, places=()) for result in report.results))


def _where(result: Result) -> list[tuple[str | None, str | None, str | None]]:
    return [(place.column, place.symbol, place.time) for place in result.places]


def _places(places: tuple[Place, ...]) -> dict[str, Any]:
    """Return places by column, those without any value left out."""
    out: dict[str, Any] = {"count": len(places)}
    for own in fields(Place):
        values = [getattr(place, own.name) for place in places]
        if any(value is not None for value in values):
            out[own.name] = values
    return out


def _report(value: Any) -> Report:
    if not isinstance(value, dict) or value.get("format") != FORMAT:
        refuse(f"no report of {FORMAT}", "report")
    top = Part(value, "report", ("format", "rows", "symbols", "checked", "results", "acknowledged"))
    results = tuple(_result(own, f"report.results[{i}]") for i, own in enumerate(top.items("results", 0, 500)))
    if len({result.rule for result in results}) != len(results):
        refuse("a rule stands twice", "report.results")
    found = Report(
        rows=top.whole("rows"),
        symbols=top.whole("symbols"),
        checked=top.text("checked", 20, _STAMP),
        results=results,
        acknowledged=tuple(
            _acknowledgement(own, f"report.acknowledged[{i}]")
            for i, own in enumerate(top.items("acknowledged", 0, 500))
        ),
    )
    errors = [result.rule for result in found.errors]
    accepted = [own.rule for own in found.acknowledged]
    if len(set(accepted)) != len(accepted) or not set(accepted) <= set(errors):
        refuse("what is accepted is no error, or stands twice", "report.acknowledged")
    return found


def _result(value: Any, where: str) -> Result:
    part = Part(value, where, [own.name for own in fields(Result)])
    status: Any = part.text("status", 20, "checked|not_checked|left_out")
    severity: Any = part.text("severity", 10, _SEVERITIES)
    count = part.whole("count")
    places = _read_places(part.free("places", MOST_VALUES), f"{where}.places")
    reason = part.maybe("reason", 300)
    if len(places) > count or (count and status != "checked") or (reason is None) != (status == "checked"):
        refuse("status, reason, count and places do not fit together", where)
    parameters = part.free("parameters", 100)
    if not isinstance(parameters, dict) or not all(
        isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number)
        for number in parameters.values()
    ):
        refuse("no numbers by name", f"{where}.parameters")
    return Result(part.text("rule", 40, "[A-Z][A-Z0-9_]*"), severity, status, reason, count, places, parameters)


def _read_places(value: Any, where: str) -> tuple[Place, ...]:
    if not isinstance(value, dict):
        refuse("no object", where)
    known = {own.name for own in fields(Place)}
    part = Part(value, where, ["count", *(name for name in value if name in known)])
    count = part.whole("count", 0, MOST_PLACES)
    columns: dict[str, list[Any]] = {}
    for name in value:
        if name == "count":
            continue
        columns[name] = part.items(name, count, count)
        for item in columns[name]:
            if item is None:
                continue
            if name in _NUMBERS:
                if type(item) is not int or not 0 <= item < 2**63:
                    refuse("no whole number", f"{where}.{name}")
            elif not isinstance(item, str) or len(item) > MOST_TEXT[name]:
                refuse("no short text", f"{where}.{name}")
    return tuple(Place(**{name: items[i] for name, items in columns.items()}) for i in range(count))


def _acknowledgement(value: Any, where: str) -> Acknowledgement:
    part = Part(value, where, [own.name for own in fields(Acknowledgement)])
    return Acknowledgement(
        part.text("rule", 40, "[A-Z][A-Z0-9_]*"), part.text("who", 200), part.text("when", 20, _STAMP),
        part.text("why", 2_000),
    )  # fmt: skip

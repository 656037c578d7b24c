"""What was found in a file: a rule, how grave it is, and the place."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

Severity = Literal["error", "warning", "info"]

SEVERITIES: dict[str, Severity] = {
    "SCHEMA_REQUIRED": "error",
    "SCHEMA_TYPE": "error",
    "SCHEMA_DUP_COLUMN": "error",
    "ROW_SHAPE": "error",
    "ENCODING": "error",
    "TRUNCATED_FILE": "error",
    "TS_PARSE": "error",
    "TS_AMBIGUOUS": "error",
    "TS_UNIT": "error",
    "TS_DST_GAP": "warning",
    "TS_DST_FOLD": "warning",
    "TS_PRECISION": "warning",
    "NUMBER_PRECISION": "warning",
    "SYMBOL_COERCED": "warning",
    "CELL_LIMIT": "error",
    "FORMULA_TEXT": "info",
    "MEMBER_SKIPPED": "info",
    "SYMBOL_FOLDERS": "error",
    "SHEET_SKIPPED": "info",
    "EVENT_ROW": "error",
}
"""Rules that reading itself checks; those about values are checked later."""
CUT = "the time has nanoseconds, which are cut to microseconds"
"""What is said of a time that is finer than what is kept."""


@dataclass(frozen=True)
class Finding:
    """One place at which a rule fired.

    Attributes:
        rule: Name of the rule.
        severity: ``error`` blocks use until it is acknowledged.
        message: What is wrong, in one sentence.
        file: File, or member of an archive.
        row: Row of data, from 1 below the header.
        line: Line of the file, from 1, where it has lines.
        column: Name of the column in the file.
        symbol: Symbol of the row.
        time: Time of the row as written, or in ISO 8601.
    """

    rule: str
    severity: Severity
    message: str
    file: str
    row: int | None = None
    line: int | None = None
    column: str | None = None
    symbol: str | None = None
    time: str | None = None

    @property
    def where(self) -> str:
        """The place as a trader reads it: ``prices.csv, row 3 (line 4), column 'Close'``."""
        text = self.file
        if self.row is not None:
            text += f", row {self.row}" + (f" (line {self.line})" if self.line is not None else "")
        elif self.line is not None:
            text += f", line {self.line}"
        return text + (f", column '{shown(self.column)}'" if self.column else "")

    def to_json(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return asdict(self)


class Findings:
    """Findings in the order in which they were made: all are counted, the first of each rule are kept."""

    def __init__(self, places: int) -> None:
        self._places = places
        self._kept: list[Finding] = []
        self.counts: Counter[str] = Counter()

    def add(self, rule: str, message: str, file: str, severity: Severity | None = None, **place: Any) -> None:
        """Count a finding, and keep it if there is room."""
        self.counts[rule] += 1
        if self.counts[rule] <= self._places:
            self._kept.append(Finding(rule, severity or SEVERITIES[rule], message, file, **place))

    def count(self, rule: str, more: int) -> None:
        """Count places that are not kept."""
        if more > 0:
            self.counts[rule] += more

    def __iter__(self) -> Iterator[Finding]:
        """Iterate over the findings that are kept."""
        return iter(self._kept)


def shown(text: str | None, length: int = 40) -> str:
    """Return text from a file as a message may hold it: short, and without control characters."""
    clean = "".join(sign if sign.isprintable() else "�" for sign in (text or "")[: length + 1])
    return clean if len(clean) <= length else clean[: length - 1] + "…"

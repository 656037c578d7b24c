"""All rules over the rows of a version, in one pass, as they stream into it or as they are stored."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra.errors import DataError
from alphintra.rules.batch import Batch
from alphintra.rules.check import Check
from alphintra.rules.facts import Facts, of_version
from alphintra.rules.places import Found, Place
from alphintra.rules.registry import CHECKS, Choice
from alphintra.rules.report import Report, Result, from_json
from alphintra.store.checked_json import canonical
from alphintra.store.columns import arrow_type

if TYPE_CHECKING:
    from alphintra.ingest.reading import Staged
    from alphintra.store.reading import Version

_MOST_CELLS = 8_388_608
"""Of wider tables fewer rows are looked at at once."""
EVENTS = "these are events, not prices or features"
_OF_EVENTS = ("SYMBOL_CASE", "COLUMN_LIMIT", "ROW_LIMIT")
ONLY_FILE = "only the file tells, and it is not read here"


class Validation:
    """Checks rows as they come; memory is that of a batch, and of a few numbers for each day of one symbol.

    Args:
        facts: What is stated of them.
        choice: Which rules, with which numbers; all of them if left out.
    """

    def __init__(self, facts: Facts, choice: Choice | None = None) -> None:
        self._facts, self._choice = facts, choice or Choice()
        self._why: dict[str, str] = {}
        values = self._choice.values()
        for kind in CHECKS:
            self._why |= {rule: why[:300] for rule, why in kind.why_not(facts, values).items() if why}
        wanted = {rule.id: rule for rule in self._choice.checked()}
        if facts.kind == "reference":
            theirs = (rule for kind in CHECKS for rule in kind.rules if rule.seen_in == "rows")
            self._why |= {rule.id: EVENTS for rule in theirs if rule.id not in _OF_EVENTS}
        if not facts.staged:
            self._why |= {rule.id: ONLY_FILE for kind in CHECKS for rule in kind.rules if rule.seen_in == "file"}
        self._run = {rule: own for rule, own in wanted.items() if rule not in self._why}
        self._found = Found(list(self._run.values()))
        self._checks: list[Check] = [
            kind(facts, values, self._found) for kind in CHECKS if any(rule.id in self._run for rule in kind.rules)
        ]
        self._symbol: str | None = None
        self._last: int | None = None
        self._symbols = self._rows = self._start = 0
        self._sources = facts.sources

    def read(self, staged: Staged) -> None:
        """Take what reading the file has found, before its rows or after them."""
        self._sources = staged.sources
        kept: dict[str, list[Place]] = defaultdict(list)
        counts = Counter(staged.counts)
        grave: dict[str, Any] = {}
        for own in staged.findings:
            kept[own.rule].append(Place(own.file, own.row, own.line, own.column, own.symbol, own.time, own.message))
            if own.severity == "error" or own.rule not in grave:
                grave[own.rule] = own.severity
        for rule, count in counts.items():
            self._found.add(rule, kept[rule], count, grave.get(rule), first=True)

    def see(self, symbol: str, table: Any) -> None:
        """Take the next rows of a symbol: an Arrow table, sorted by time, as a writer of versions takes it.

        Rows of a symbol follow each other. Nothing is found out from how they are cut into tables.

        Raises:
            DataError: A column is missing, or of another type than stated.
        """
        if not len(table):
            return
        table = self._typed(table)
        with np.errstate(all="ignore"):  # infinities and prices of 0 are what is looked for
            self._see(symbol, table)

    def _see(self, symbol: str, table: Any) -> None:
        if symbol != self._symbol:
            self._end()
            self._symbol, self._start, self._last = symbol, 0, None
            self._symbols += 1
            for check in self._checks:
                check.begin(symbol)
        most = max(1, _MOST_CELLS // len(self._facts.columns))
        for start in range(0, len(table), most):
            batch = Batch(self._facts, symbol, table.slice(start, most), self._start, self._rows, self._last)
            for check in self._checks:
                check.see(batch)
            self._last = batch.end_time
            self._start += len(batch)
            self._rows += len(batch)

    def _typed(self, table: Any) -> Any:
        """Return the rows with the types in which they are stored."""
        import pyarrow as pa

        if isinstance(table, pa.RecordBatch):
            table = pa.Table.from_batches([table])
        for column in self._facts.columns:
            at, wanted = table.schema.get_field_index(column.name), arrow_type(column.type)
            if at < 0:
                raise DataError("the rows lack a column", code="BAD_COLUMN", where=column.name)
            if table.schema.field(at).type != wanted:
                try:
                    table = table.set_column(at, column.name, table.column(at).cast(wanted))
                except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
                    raise DataError(
                        f"the column cannot be read as {column.type}", code="BAD_COLUMN", where=column.name
                    ) from error
        return table

    def _end(self) -> None:
        if self._symbol is not None:
            for check in self._checks:
                check.end(self._symbol)

    def finish(self, before: Report | None = None) -> Report:
        """Return the report.

        Args:
            before: Where the rows are stored ones, their report as they were read: what only the file tells is taken
                over.
        """
        with np.errstate(all="ignore"):
            self._end()
            self._symbol = None
            for check in self._checks:
                check.finish()
        self._found.locate(self._sources)
        known = {} if before is None else {result.rule: result for result in before.results}
        values = self._choice.values()
        results = []
        for kind in CHECKS:
            for rule in kind.rules:
                if rule.id in self._choice.left_out:
                    results.append(Result(rule.id, rule.severity, "left_out", "left out by choice", parameters={}))
                elif rule.id in self._run:
                    count, places, severity = self._found.of(rule.id)
                    own = Result(rule.id, severity, count=count, places=places, parameters=values[rule.id])
                    # What rows show of such a rule does not change; what the file had beside it is not in the rows.
                    more = known.get(rule.id, own) if rule.seen_in == "both" else own
                    results.append(more if more.count > own.count else own)
                elif rule.seen_in == "file" and rule.id in known:
                    results.append(known[rule.id])
                else:
                    why = self._why[rule.id]
                    results.append(Result(rule.id, rule.severity, "not_checked", why, parameters=values[rule.id]))
        when = datetime.fromtimestamp(self._facts.now / 1e6, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return Report(self._rows, self._symbols, when, tuple(results))


def check_version(
    version: Version, choice: Choice | None = None, before: Report | None = None, **facts: object
) -> Report:
    """Check a stored version, a row group at a time.

    Args:
        version: The version.
        choice: Which rules, with which numbers.
        before: Its report from when it was read, or a later one; that in its manifest if left out. What only the file
            tells is taken over.
        facts: What is known beside the manifest, such as ``events``.

    Raises:
        DataError: A file is missing or damaged; ``BAD_REPORT``.
    """
    from alphintra.store.reading import batches

    own = version.manifest.provenance.report
    if before is None and own is not None:
        before = from_json(canonical(own))
    run = Validation(of_version(version, **facts), choice)
    for symbol, table in batches(version):
        run.see(symbol, table)
    return run.finish(before)

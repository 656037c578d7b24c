"""A file and its mapping in, sorted staging and findings out."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import duckdb

from alphintra.errors import DataError
from alphintra.ingest.archives import symbol_in
from alphintra.ingest.assembling import Assembler
from alphintra.ingest.containers import Part, parts
from alphintra.ingest.engine import connect
from alphintra.ingest.findings import Finding, Findings, shown
from alphintra.ingest.habits import symbol_of
from alphintra.ingest.limits import DEFAULT, WIDE_COLUMNS, Limits, too_wide
from alphintra.ingest.mapping import Mapping, check_symbol
from alphintra.ingest.opening import open_table
from alphintra.ingest.runs import Runs
from alphintra.ingest.sorting import Numbering, Source, blocks_of
from alphintra.ingest.staging import Block, Sink, Writer, schema_of
from alphintra.ingest.tables import Opened
from alphintra.ingest.zones import Localizer


@dataclass(frozen=True, eq=False)
class Staged:
    """What was read.

    Attributes:
        files: Parquet files: sorted by symbol, time and order in the source; a row group holds one symbol. None where
            a sink took the rows.
        rows: Rows in them.
        symbols: How many symbols.
        sources: The tables that they came from.
        numbered: Whether each row has its ``_row`` (and, of several sources, ``_file``); else they are in the source's
            order, and none is missing unless a sink took them.
        in_order: Whether the source was in the order of staging already.
        findings: Places of findings, at most a number for each rule.
        counts: How many findings each rule made.
    """

    files: tuple[Path, ...]
    rows: int
    symbols: int
    sources: tuple[Source, ...]
    numbered: bool
    in_order: bool
    findings: tuple[Finding, ...]
    counts: dict[str, int]


def read(
    source: Path,
    mapping: Mapping,
    staging: Path,
    limits: Limits = DEFAULT,
    *,
    name: str | None = None,
    progress: Callable[[int], None] = lambda rows: None,
    sink: Sink | None = None,
) -> Staged:
    """Read a file as its mapping says.

    Args:
        source: The file.
        mapping: What each of its columns is.
        staging: An empty folder, or one to be made; empty again after an error.
        limits: What reading may cost.
        name: What findings call the file; its own name if left out. Never used as a path.
        progress: Told now and then how many rows are written; what it raises ends the reading.
        sink: Takes the rows as long as they come in the order of staging, so that they need not be written and read
            again. Where the order ends it gives up: its files go into staging, which has all rows then.

    Raises:
        DataError: The file cannot be read at all, or goes beyond the limits; names the place as far as it is known.
    """
    mapping.check()
    most = limits.instrument_columns if mapping.by_instrument else limits.columns
    if len(mapping.columns) > most or len(mapping.values) > limits.columns:
        raise too_wide(len(mapping.columns), limits, name or source.name)
    if mapping.by_instrument and len(mapping.columns) > WIDE_COLUMNS:
        # DuckDB holds two thousand rows of text at once, in each thread.
        limits = replace(limits, threads=1, memory=2 * limits.memory)
    if staging.exists() and any(staging.iterdir()):
        raise ValueError(f"the staging folder is not empty: {staging}")
    spool = staging / "spool"
    try:
        with connect(limits, [source], spool) as connection:
            run = _Run(connection, name or source.name, mapping, staging, limits, progress, sink)
            for part in parts(source, run.name, spool, limits, run.findings, members=mapping.members):
                run.add(part)
        return run.finish()  # without DuckDB, whose memory is free for sorting then
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(spool, ignore_errors=True)


class _Run:
    """One file on its way."""

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        name: str,
        mapping: Mapping,
        staging: Path,
        limits: Limits,
        progress: Callable[[int], None],
        sink: Sink | None,
    ) -> None:
        self.name = name
        self.findings = Findings(limits.places)
        self._connection, self._mapping, self._staging = connection, mapping, staging
        self._limits, self._progress = limits, progress
        self._schema = schema_of(mapping)
        self._writer = Writer(staging / "rows", self._schema, sink)
        self._sink = sink
        self._runs: Runs | None = None
        self._sources: list[Source] = []
        self._symbols: set[str] = set()
        self._folders: dict[str, str] = {}
        self._rows = 0

    def add(self, part: Part) -> None:
        """Read one table."""
        mapping = self._mapping
        try:
            table = open_table(self._connection, part, mapping, self._staging / "spool", self._limits, self.findings)
            symbol = self._symbol(part)
        except DataError as error:
            if error.code != "MAPPING_MISMATCH" or part.name == self.name:
                raise
            self.findings.add("MEMBER_SKIPPED", f"the member is left out: {error.message}", part.name, "error")
            return
        localizer = self._localizer(table)
        assembler = Assembler(mapping, part.name, symbol, localizer, self._limits, self.findings, table.doubles)
        before = self._rows
        for batch in table.batches:
            self._take(assembler.block(batch))
        missing, first_line = assembler.finish(table.rejected(assembler.streamed), table.first_line)
        source = Source(part.name, self._rows - before, missing, first_line, assembler.ends(missing))
        self._sources.append(source)

    def _take(self, block: Block) -> None:
        """Keep rows: in staging while they are in its order, in runs from the first one on that is not."""
        self._rows += len(block.codes)
        self._symbols.update(block.symbols if len(block.codes) else ())
        if self._rows > self._limits.rows:
            raise DataError(f"there are more than {self._limits.rows:,} rows", code="ROW_LIMIT", where=self.name)
        if len(self._symbols) > self._limits.symbols:
            message = f"there are more than {self._limits.symbols:,} symbols"
            raise DataError(message, code="TOO_LARGE", where=self.name, hint="Check which column is the symbol.")
        if self._runs is None and not self._writer.write(block):
            self._runs = Runs(self._staging / "spool" / "runs", self._schema)
            self._sink, files = None, self._writer.give_up()
            for earlier, _ in blocks_of(files):
                self._runs.add(earlier)
            for path in files:
                path.unlink()
        if self._runs is not None:
            self._runs.add(block)
        self._progress(self._rows)

    def _symbol(self, part: Part) -> str | None:
        mapping = self._mapping
        if mapping.symbol_from in ("column", "columns"):
            return None
        symbol = mapping.symbol if mapping.symbol_from == "fixed" else symbol_of(part.stem)
        if mapping.symbol_from == "name" and mapping.symbol_pattern:
            found = symbol_in(mapping.symbol_pattern, part.base)
            if found is None:
                raise DataError(
                    f"the file's name is not like {mapping.symbol_pattern}", code="MAPPING_MISMATCH", where=part.name,
                    hint="The rule says where the symbol is in the names of files: write another.",
                )  # fmt: skip
            symbol = found
        check_symbol(symbol, part.name)
        if mapping.symbol_from == "name" and (first := self._folders.setdefault(symbol, part.folder)) != part.folder:
            text = f"files of the folder {shown(first, 60) or '/'} give the symbol {shown(symbol)} as well"
            self.findings.add("SYMBOL_FOLDERS", text, part.name, symbol=symbol)
        return symbol

    def _localizer(self, table: Opened) -> Localizer | None:
        mapping = self._mapping
        if mapping.resolution == "date" or table.zoned:
            return None
        if mapping.zone is None:
            raise DataError(
                "the times name no time zone",
                code="TS_TZ_MISSING",
                where=self.name,
                hint="Choose the zone on whose clocks they were written, UTC for example.",
            )
        return None if mapping.zone == "UTC" else Localizer(mapping.zone, repeats=mapping.kind != "bars")

    def finish(self) -> Staged:
        """Sort what has to be sorted, and say what there is."""
        self._writer.close()
        if not self._rows:
            raise self._nothing()
        missing = self._sink is None and any(own.has_gaps for own in self._sources)
        if self._runs is not None or missing:
            self._number()
        return Staged(
            files=() if self._sink is not None else tuple(sorted((self._staging / "rows").iterdir())),
            rows=self._rows,
            symbols=len(self._symbols),
            sources=tuple(self._sources),
            numbered=self._runs is not None or missing,
            in_order=self._runs is None,
            findings=tuple(self.findings),
            counts=dict(self.findings.counts),
        )

    def _number(self) -> None:
        """Write staging with the number of each row, from the runs or from what is in order already."""
        numbering = Numbering(self._schema, self._sources)
        if self._runs is None:
            names = [path.name for path in self._writer.give_up()]
            (self._staging / "rows").rename(self._staging / "spool" / "rows")
            blocks = blocks_of([self._staging / "spool" / "rows" / name for name in names])
        else:
            blocks = self._runs.blocks()
        writer = Writer(self._staging / "rows", numbering.schema)
        for block, places in blocks:
            if not writer.write(numbering.numbered(block, places)):
                raise AssertionError("a run is not sorted")
            self._progress(self._rows)
        writer.close()
        if self._runs is not None:
            self._runs.close()

    def _nothing(self) -> DataError:
        """Return the error for a file of which nothing is left, with the first reason."""
        first = next((own for own in self.findings if own.severity == "error"), None)
        if first is None:
            where = self._sources[0].name if self._sources else None
            return DataError("there are no rows", code="NO_ROWS", where=where, hint="Save it again with its rows.")
        return DataError(
            f"no row could be read: {first.message}",
            code=first.rule,
            where=first.where,
            hint="Check what each column is.",
        )

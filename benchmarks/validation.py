"""Validation rules: what all of them take for rows on their way to a version, beside what writing these takes.

``python benchmarks/validation.py [ROWS]`` prints CPU time for minutes of ten symbols at the sessions of New York and on
24/7, and for days of many symbols; both sides see the same tables in memory. CPU time is that of all threads. First it
checks: every bar that was made wrong is found, and batches of another size give the same report.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from alphintra.rules import Facts, Report, Validation
from alphintra.rules.hours import hours_of
from alphintra.store import About, Column, VersionWriter
from stored_datasets import COLUMNS, as_arrow, minutes

ROWS = 14_000_000
SYMBOLS = 10
SESSIONS = 2_520
"""Days of each symbol in the set of many: ten years."""
_BATCH = 122_880
_ROUNDS = 3
_MINUTE, _DAY = 60_000_000, 86_400_000_000


@dataclass(frozen=True)
class Measured:
    """CPU seconds, the best of some rounds.

    Attributes:
        name: What the rows are.
        rows: How many there are.
        rules: What all rules take.
        writer: What writing them takes, with statistics and hash.
        fired: Findings: one for each symbol.
        problem: What was not as it should be, or ``None``.
    """

    name: str
    rows: int
    rules: float
    writer: float
    fired: int
    problem: str | None


def session_minutes(calendar: str, rows: int) -> Any:
    """Return the opens (µs) of so many minutes of a calendar, from 2010 on."""
    start = int(np.datetime64("2010-01-04", "us").astype(np.int64))
    if calendar == "24/7":
        return start + _MINUTE * np.arange(rows)
    hours = hours_of(calendar, None)
    first = int(np.searchsorted(hours.open, start))
    bars = (hours.close - hours.open)[first:] // _MINUTE
    needed = int(np.searchsorted(np.cumsum(bars), rows)) + 1
    opens = np.repeat(hours.open[first : first + needed], bars[:needed])
    within = np.concatenate([np.arange(count) for count in bars[:needed].tolist()])
    return (opens + within * _MINUTE)[:rows]


def _tables(calendar: str, rows: int, symbols: int) -> dict[str, pa.Table]:
    """Return bars by symbol: minutes, or days where there are many symbols; one bar of each is wrong."""
    out = {}
    hours = hours_of("XNYS", None)
    days = hours.session[hours.session >= 14_613][: rows // symbols]  # from 2010 on
    for i in range(symbols):
        values = minutes(i % SYMBOLS, rows // symbols)
        values["time"] = session_minutes(calendar, rows // symbols) if symbols == SYMBOLS else days * _DAY
        values["low"] = np.where(values["low"] > values["high"], values["high"], values["low"])
        values["high"][len(values["high"]) // 2] = 0.01
        out[f"S{i:05}"] = as_arrow(values)
    return out


def _rows(tables: dict[str, pa.Table], size: int) -> Iterator[tuple[str, pa.Table]]:
    for symbol, table in tables.items():
        for start in range(0, len(table), size):
            yield symbol, table.slice(start, size)


def _check(tables: dict[str, pa.Table], facts: Facts, size: int = _BATCH) -> Report:
    run = Validation(facts)
    for symbol, table in _rows(tables, size):
        run.see(symbol, table)
    return run.finish()


def _write(tables: dict[str, pa.Table], columns: tuple[Column, ...], about: About) -> None:
    with (
        tempfile.TemporaryDirectory(prefix="rules-bench-") as name,
        VersionWriter(Path(name) / "v", "v1", columns, about) as writer,
    ):
        for symbol, table in _rows(tables, _BATCH):
            writer.add(symbol, table)
        writer.finish()


def _cpu(work: Callable[[], object]) -> float:
    spent = []
    for _ in range(_ROUNDS):
        began = time.process_time()
        work()
        spent.append(time.process_time() - began)
    return min(spent)


def measure(name: str, calendar: str, rows: int, symbols: int) -> Measured:
    """Check, then measure both sides on the same tables."""
    tables = _tables(calendar, rows, symbols)
    timeframe = "1min" if symbols == SYMBOLS else "1d"
    asset = "CRYPTO" if calendar == "24/7" else "STOCKS"
    about = About(timeframe=timeframe, calendar=calendar, asset_class=asset, adjustment="raw", time_zone="UTC")
    facts = Facts(
        COLUMNS, "bars", timeframe, calendar, asset, label="open", adjustment="raw", now=1_795_000_000_000_000
    )
    report = _check(tables, facts)
    found = {result.rule: result.count for result in report.fired}
    problem = None
    if found.get("OHLC_ORDER") != symbols:
        problem = f"of {symbols} bars that are wrong, {found.get('OHLC_ORDER', 0)} were found"
    elif _check(tables, facts, 77_777) != report:
        problem = "batches of another size give another report"
    count = sum(map(len, tables.values()))
    rules = _cpu(lambda: _check(tables, facts))
    return Measured(name, count, rules, _cpu(lambda: _write(tables, COLUMNS, about)), sum(found.values()), problem)


def run(rows: int = ROWS) -> list[Measured]:
    """Measure three shapes."""
    many = max(2, rows // 10 // SESSIONS)
    return [
        measure("minutes, New York", "XNYS", rows, SYMBOLS),
        measure("minutes, 24/7", "24/7", rows, SYMBOLS),
        measure(f"days of {many:,} symbols", "XNYS", many * min(SESSIONS, rows // 10 // many), many),
    ]


def main() -> int:
    """Print the figures."""
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else ROWS
    print(f"{'rows':<28}{'':>12}{'rules ns':>10}{'writer ns':>11}{'share':>8}   CPU time a row")
    for own in run(rows):
        if own.problem:
            print(f"NOT RIGHT: {own.name}: {own.problem}")
            return 1
        ns = 1e9 / own.rows
        share = own.rules / own.writer
        print(f"{own.name:<28}{own.rows:>12,}{own.rules * ns:>10.1f}{own.writer * ns:>11.1f}{share:>8.0%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A page of ``GET /api/datasets`` out of 10,000 datasets, for each filter, on SQLite and on PostgreSQL.

Run alone it prints the milliseconds: ``python benchmarks/dataset_list.py [COUNT]``.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from job_list import databases
from table import Table

COUNT = 10_000
#: Milliseconds that a page may take.
ALLOWED = 100.0
_LIMIT = 50
_ROUNDS = 5
_SYMBOLS = 20
FILTERS: dict[str, dict[str, Any]] = {
    "all": {},
    "of the platform": {"source": "PLATFORM"},
    "a text that many have": {"search": "minute"},
    "a text that one has": {"search": "number 7777"},
    "a text that none has": {"search": "no such text"},
    "a symbol by its text": {"search": "s00777"},
    "a symbol that many have": {"symbol": "AAPL"},
    "a tag": {"tags": "tag 5"},
    "asset class, frame and dates": {
        "asset_class": "CRYPTO", "timeframe": "1min", "start": "2020-01-01", "end": "2020-06-30",
    },
}  # fmt: skip


@dataclass(frozen=True)
class Timed:
    """What one filter took.

    Attributes:
        name: Of the filter.
        first: Milliseconds of the first page, the median.
        last: Of the last page.
        total: How many datasets it lets through.
    """

    name: str
    first: float
    last: float
    total: int

    @property
    def longest(self) -> float:
        """Milliseconds of the slower of the two."""
        return max(self.first, self.last)


def rows(count: int) -> Iterator[dict[str, Any]]:
    """Datasets of three users: half one's own, a quarter shared with them, a quarter nothing to them."""
    from alphintra_server.db.tables import unique_name

    begun = datetime(2010, 1, 1, tzinfo=UTC)
    for number in range(count):
        user = ("local", "local", "friend", "stranger")[number % 4]
        name, kind = f"dataset-{number:06}", ("minute", "daily")[number % 2]
        symbols = ["AAPL", *(f"S{(number * 7 + i) % 20_000:05}" for i in range(_SYMBOLS - 1))]
        tags = [f"tag {number % 10}", f"tag {number % 7}"]
        text = f"Number {number} of the {kind} bars, " + "as they came from somewhere " * 10
        yield {
            "id": f"{number * 2654435761 % 2**32:032x}",
            "user_id": user,
            "name": name,
            "unique_name": unique_name(user, name),
            "description": text,
            "source": "USER_UPLOAD",
            "asset_class": ("CRYPTO", "STOCKS", "FOREX")[number % 3],
            "symbols": symbols,
            "symbol_count": _SYMBOLS,
            "timeframe": {"minute": "1min", "daily": "1d"}[kind],
            "start_date": begun + timedelta(days=number % 3000),
            "end_date": begun + timedelta(days=number % 3000 + 900),
            "columns": ["time", "open", "high", "low", "close", "volume"],
            "column_count": 6,
            "row_count": 1_000_000,
            "file_size": 30_000_000,
            "is_validated": True,
            "validation_errors": [],
            "content_hash": f"sha256:{number:064x}",
            "manifest": {},
            "about": {"currency": "USD", "tradable": True, "notes": []},
            "tags": tags,
            "tags_folded": "|" + "|".join(tags) + "|",
            "name_folded": name,
            "searched": "\n".join([name, text, *tags, *symbols]).casefold(),
            "state": "ACTIVE",
            "withdrawn": False,
            "created_at": begun,
            "updated_at": begun,
        }


def fill(url: str, count: int) -> Any:
    """Make a database with that many datasets beside those that ship."""
    from alphintra_server.db import Database
    from alphintra_server.db.dataset_tables import DatasetGrantRow, DatasetSymbolRow
    from alphintra_server.db.migrate import upgrade
    from alphintra_server.db.tables import DatasetRow
    from alphintra_server.services.shipped_datasets import bring_up
    from sqlalchemy import insert, text

    database = Database(url)
    upgrade(database.write_engine)
    bring_up(database)
    every = list(rows(count))
    symbols = [
        {
            "dataset_id": row["id"], "symbol": symbol, "folded": symbol.casefold(), "rows": 50_000,
            "first": row["start_date"], "last": row["end_date"],
        }
        for row in every
        for symbol in set(row["symbols"])
    ]  # fmt: skip
    grants = [
        {
            "dataset_id": row["id"], "user_id": "local", "level": "USE", "granted_by": "friend",
            "created_at": row["created_at"],
        }
        for row in every
        if row["user_id"] == "friend"
    ]  # fmt: skip
    for table, made in ((DatasetRow, every), (DatasetSymbolRow, symbols), (DatasetGrantRow, grants)):
        for begin in range(0, len(made), 5000):
            statement, part = insert(table), made[begin : begin + 5000]
            database.write_now(lambda session, s=statement, p=part: session.execute(s, p) and None)
    if not database.is_sqlite:
        # What PostgreSQL does by itself after a while.
        with database.write_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE"))
    return database


async def time_filter(database: Any, name: str, given: dict[str, Any]) -> Timed:
    """Ask for the first page and for the last."""
    from alphintra_server.auth import Caller
    from alphintra_server.limits import Limits
    from alphintra_server.models.datasets import DatasetQuery
    from alphintra_server.services.datasets import Datasets

    datasets, who = Datasets(database, Any, Limits(), Any), Caller("local", ("admin",))

    async def ask(offset: int) -> tuple[float, int]:
        began = time.perf_counter()
        page = await datasets.search(who, DatasetQuery.model_validate({**given, "limit": _LIMIT, "offset": offset}))
        for item in page.items:
            item.model_dump_json(by_alias=True)
        return (time.perf_counter() - began) * 1000, page.total

    async def median(offset: int) -> tuple[float, int]:
        return sorted([await ask(offset) for _ in range(_ROUNDS)])[_ROUNDS // 2]

    first, total = await median(0)
    last, _ = await median(max(0, (total - 1) // _LIMIT * _LIMIT))
    return Timed(name, first, last, total)


def measure(count: int = COUNT) -> dict[str, list[Timed]]:
    """Time every filter on every database."""

    async def each(database: Any) -> list[Timed]:
        return [await time_filter(database, name, given) for name, given in FILTERS.items()]

    with databases(count, fill) as filled:
        return {kind: asyncio.run(each(database)) for kind, database in filled}


def show(found: dict[str, list[Timed]], table: Table) -> None:
    """Print the lines of the table of ``make bench``."""
    for database, timed in found.items():
        slowest = max(timed, key=lambda each: each.longest)
        seconds, allowed = slowest.longest / 1e3, ALLOWED / 1e3
        table.seconds(f"page of {COUNT:,} datasets, {database}", seconds, f"≤ {allowed:g} s", seconds <= allowed)
        print(f"  the slowest of {len(timed)} filters: {slowest.name}", flush=True)


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    worst = 0.0
    for kind, found in measure(wanted).items():
        print(f"{kind}, a page of {_LIMIT} out of {wanted:,} datasets: first page, last page")
        for timed in found:
            print(f"  {timed.name:30} {timed.total:6,} datasets {timed.first:8.1f} ms {timed.last:8.1f} ms")
            worst = max(worst, timed.longest)
    print(f"slowest: {worst:.1f} ms, {'within' if worst <= ALLOWED else 'NOT WITHIN'} {ALLOWED:g} ms")

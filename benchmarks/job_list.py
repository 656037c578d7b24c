"""A page of ``GET /api/jobs`` out of 100,000 jobs, for each filter of the panel, on SQLite and on PostgreSQL.

Run alone it prints the milliseconds: ``python benchmarks/job_list.py [COUNT]``.
"""

from __future__ import annotations

import asyncio
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

COUNT = 100_000
#: Milliseconds that a page may take.
ALLOWED = 100.0
_LIMIT = 50
_ROUNDS = 5
FILTERS: dict[str, dict[str, Any]] = {
    "all": {},
    "running and waiting": {"status": "PENDING,RUNNING"},
    "ended": {"status": "COMPLETED,FAILED,CANCELLED"},
    "failed": {"status": "FAILED"},
    "checks": {"kind": "check"},
    "failed checks": {"kind": "check", "status": "FAILED"},
    "a kind that there is not": {"kind": "ingest"},
    "named": {"q": "average 77"},
    "named, failed": {"q": "average 77", "status": "FAILED"},
    "named, ended": {"q": "average 77", "status": "COMPLETED,FAILED,CANCELLED"},
    "named checks": {"q": "average 77", "kind": "check"},
    "a name that most have": {"q": "MOVING"},
    "a name of the oldest": {"q": "early average"},
    "a name that there is not": {"q": "no such name"},
}


@dataclass(frozen=True)
class Timed:
    """What one filter took.

    Attributes:
        name: Of the filter.
        first: Milliseconds of the first page, the median.
        later: Of a page far down; NaN where there is none.
        total: How many jobs it lets through.
    """

    name: str
    first: float
    later: float
    total: int

    @property
    def longest(self) -> float:
        """Milliseconds of the slower of the two."""
        return max(self.first, 0.0 if math.isnan(self.later) else self.later)


def rows(count: int) -> Iterator[dict[str, Any]]:
    """Jobs of one user, one in twenty of somebody else."""
    from alphintra_server.db.types import utc_now

    start = utc_now() - timedelta(days=30)
    for number in range(count):
        status = "FAILED" if number % 97 == 0 else "CANCELLED" if number % 89 == 0 else "COMPLETED"
        # The newest are at work, as many as may be.
        if number >= count - 100:
            status = "PENDING"
        elif number >= count - 104:
            status = "RUNNING"
        made = start + timedelta(seconds=number)
        first = "Early" if number < count // 100 else "Moving"
        yield {
            "id": f"{number * 2654435761 % 2**32:032x}",
            "user_id": "somebody else" if number % 20 == 7 else "local",
            "kind": "check" if number % 3 == 0 else "backtest",
            "resource_id": f"{number:032x}",
            "name": f"{first} average {number % 1000} on us-equities-daily/AAPL",
            "priority": 10 if number % 3 == 0 else 0,
            "status": status,
            "phase": {"PENDING": "queued", "RUNNING": "running"}.get(status, "finished"),
            "attempt": 1,
            "error": {"code": "STRATEGY_ERROR", "message": "x" * 500} if status == "FAILED" else None,
            "progress": {"fraction": 1.0, "phase": "finished", "bar_time": None, "eta_seconds": 0.0},
            "sandbox_level": "full",
            "created_at": made,
            "queued_at": made,
            "updated_at": made,
        }


def fill(url: str, count: int) -> Any:
    """Make a database with that many jobs."""
    from alphintra_server.db import Database
    from alphintra_server.db.migrate import upgrade
    from alphintra_server.db.tables import JobRow
    from sqlalchemy import insert, text

    database = Database(url)
    upgrade(database.write_engine)
    every = list(rows(count))
    for begin in range(0, count, 5000):
        part = every[begin : begin + 5000]
        database.write_now(lambda session, part=part: session.execute(insert(JobRow), part) and None)
    if not database.is_sqlite:
        # What PostgreSQL does by itself after a while.
        with database.write_engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("VACUUM ANALYZE jobs"))
    return database


async def time_filter(database: Any, name: str, given: dict[str, Any]) -> Timed:
    """Ask for a first page and for one far down."""
    from alphintra_server.auth import Caller
    from alphintra_server.models.jobs import JobQuery
    from alphintra_server.services.jobs import Jobs

    jobs, who = Jobs(database, lambda: None), Caller("local", ("admin",))

    async def ask(**more: Any) -> tuple[float, Any]:
        began = time.perf_counter()
        page = await jobs.search(who, JobQuery.model_validate({**given, "limit": _LIMIT, **more}), "/api/jobs")
        page.model_dump_json(by_alias=True)
        return (time.perf_counter() - began) * 1000, page

    took = sorted([await ask() for _ in range(_ROUNDS)], key=lambda pair: pair[0])
    first, page = took[_ROUNDS // 2]
    later = float("nan")
    if page.pagination.total > 4 * _LIMIT:
        oldest = min(item.created_at for item in page.items)
        span = timedelta(days=30) - (page.items[0].created_at - oldest)
        moment = int((oldest - span * 0.02).timestamp() * 1_000_000)
        later = sorted([(await ask(cursor=f"{moment}-0"))[0] for _ in range(_ROUNDS)])[_ROUNDS // 2]
    return Timed(name, first, later, page.pagination.total)


@contextmanager
def databases(count: int, fill: Callable[[str, int], Any] = fill) -> Iterator[Iterator[tuple[str, Any]]]:
    """Fill a database of each kind that there is here: with jobs, or with something else."""

    def each() -> Iterator[tuple[str, Any]]:
        with tempfile.TemporaryDirectory(prefix="alphintra-jobs-") as folder:
            database = fill(f"sqlite:///{Path(folder) / 'jobs.sqlite'}", count)
            yield "SQLite", database
            database.close()
        from tests.postgres import PostgresServer, PostgresUnavailableError

        try:
            server = PostgresServer()
        except PostgresUnavailableError as error:
            print(f"PostgreSQL: not measured, {error}")
            return
        try:
            database = fill(server.create_database(), count)
            yield "PostgreSQL", database
            database.close()
        finally:
            server.close()

    yield each()


def measure(count: int = COUNT) -> dict[str, list[Timed]]:
    """Time every filter on every database."""

    async def each(database: Any) -> list[Timed]:
        return [await time_filter(database, name, given) for name, given in FILTERS.items()]

    with databases(count) as filled:
        return {kind: asyncio.run(each(database)) for kind, database in filled}


if __name__ == "__main__":
    wanted = int(sys.argv[1]) if len(sys.argv) > 1 else COUNT
    worst = 0.0
    for kind, found in measure(wanted).items():
        print(f"{kind}, a page of {_LIMIT} out of {wanted:,} jobs: first page, a page far down")
        for timed in found:
            later = "" if math.isnan(timed.later) else f"{timed.later:8.1f} ms"
            print(f"  {timed.name:28} {timed.total:7,} jobs {timed.first:8.1f} ms{later}")
            worst = max(worst, timed.longest)
    print(f"slowest: {worst:.1f} ms, {'within' if worst <= ALLOWED else 'NOT WITHIN'} {ALLOWED:g} ms")

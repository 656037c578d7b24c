"""A database that is away for half a minute, under a whole server: REST says so, nothing is lost, it recovers."""

import asyncio
import sqlite3
import time
from contextlib import asynccontextmanager, closing

import pytest

from .conftest import STRATEGY

AWAY_SECONDS = 30
DATA = "us-equities-daily/AAPL"


class Outage:
    """What each database does when it is away."""

    @pytest.fixture
    def settings(self):
        return {"max_jobs": 2, "max_jobs_per_user": 2, "lease_seconds": 6.0, "heartbeat_seconds": 2.0}

    @pytest.mark.slow
    async def test_nothing_is_lost_in_half_a_minute(self, api, finished, make_strategy, away):
        strategy = await make_strategy(STRATEGY)
        path = f"/api/strategies/code/{strategy['id']}/execute"

        async def start(act, seconds):
            body = {"dataset_id": DATA, "parameters": {"act": act, "seconds": seconds}}
            reply = await api("POST", path, body, headers={"Idempotency-Key": f"{act}-{seconds:g}"})
            assert reply.status == 202, reply.json
            return reply.json["backtest_id"]

        # One ends while the database is away, one runs until it is back, one waits meanwhile.
        made = [await start("slow", seconds) for seconds in (5.0, AWAY_SECONDS + 10.0, 1.0)]
        until = time.monotonic() + 60
        while (await api("GET", "/api/system")).json["jobs"]["running"] < 2:
            assert time.monotonic() < until
            await asyncio.sleep(0.1)
        async with away():
            gone = time.monotonic()
            refusals = []
            while time.monotonic() - gone < AWAY_SECONDS:
                reply = await api("POST", path, {"dataset_id": DATA}, headers={"Idempotency-Key": "meanwhile"})
                refusals.append((reply.status, reply.json["code"], reply.headers.get("Retry-After")))
                assert (await api("GET", "/health")).status == 200
                await asyncio.sleep(1)
        assert set(refusals) == {(503, "DATABASE_UNAVAILABLE", "5")}
        until = time.monotonic() + 60
        while (await api("GET", "/ready")).status != 200:
            assert time.monotonic() < until
            await asyncio.sleep(0.2)
        # Asked once more under its key, what was refused is done once.
        again = await api("POST", path, {"dataset_id": DATA}, headers={"Idempotency-Key": "meanwhile"})
        assert again.status == 202, again.json
        made.append(again.json["backtest_id"])
        ends = [await finished(backtest_id, seconds=240) for backtest_id in made]
        assert [(job["status"], job["attempt"]) for job in ends] == [("COMPLETED", 1)] * 4
        listed = (await api("GET", "/api/jobs")).json
        assert listed["_pagination"]["total"] == 4


class TestLockedFile(Outage):
    """Somebody else writes to the SQLite file, and does not come to an end."""

    @pytest.fixture
    def away(self, data_dir):
        @asynccontextmanager
        async def hold():
            with closing(sqlite3.connect(data_dir / "alphintra.sqlite", isolation_level=None, timeout=20)) as other:
                other.execute("BEGIN IMMEDIATE")
                yield
                other.execute("ROLLBACK")

        return hold


class TestStoppedServer(Outage):
    """PostgreSQL is stopped, as for an update."""

    @pytest.fixture
    def settings(self, own_postgres):
        return {
            "database_url": own_postgres.create_database(), "max_jobs": 2, "max_jobs_per_user": 2,
            "lease_seconds": 6.0, "heartbeat_seconds": 2.0,
        }  # fmt: skip

    @pytest.fixture
    def away(self, own_postgres):
        @asynccontextmanager
        async def stopped():
            await asyncio.to_thread(own_postgres.stop)
            try:
                yield
            finally:
                await asyncio.to_thread(own_postgres.start)

        return stopped

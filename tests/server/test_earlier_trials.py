"""What was tried before a run, on two servers of one PostgreSQL: decided once, when the attempt begins."""

from datetime import timedelta

import pytest
from alphintra_server.db import Database
from alphintra_server.db.tables import BacktestResultRow
from alphintra_server.db.types import utc_now
from alphintra_server.jobs import backtest, fair_queue, store
from alphintra_server.jobs.backtest import BacktestKind
from alphintra_server.jobs.protocol import OutputFile
from alphintra_server.limits import Limits, UserLimits

KIND = BacktestKind(None)  # nothing here reads a stored version
LIMITS = Limits(UserLimits(jobs=1000))


@pytest.fixture
def settings(postgres_url):
    return {"database_url": postgres_url}


class Server:
    """A server with connections and a clock of its own."""

    def __init__(self, url, name, monkeypatch):
        self.database = Database(url)
        self.name = name
        self.offset = timedelta()
        self._patch = monkeypatch

    def begin(self, job_id):
        """Claim a job before anybody else can, and load it."""

        def work(session):
            fair_queue.queue(session, job_id, max_queued=1000)
            return fair_queue.claim(session, self.name, limits=LIMITS)

        held = self.database.write_now(work)
        assert held.job_id == job_id
        return held, self.database.read_now(lambda session: KIND.load(session, held))

    def finish(self, held, job, folder, files):
        """Write its end, by the clock of this server."""
        self._patch.setattr(backtest, "utc_now", lambda: utc_now() + self.offset, raising=False)
        found = job.collect(folder, files)

        def work(session):
            store.complete(session, held, log=[])
            KIND.save(session, held, found)

        self.database.write_now(work)

    def earlier(self, backtest_id):
        return self.database.read_now(lambda session: session.get_one(BacktestResultRow, backtest_id).earlier_trials)


async def test_it_is_the_same_at_the_end_as_at_the_start_whatever_the_clocks_say(
    api, services, finished, make_strategy, postgres_url, data_dir, monkeypatch
):
    strategy = await make_strategy()
    body = {"dataset_id": "us-equities-daily/AAPL"}
    asked = await api("POST", f"/api/strategies/code/{strategy['id']}/execute", body)
    done = await finished(asked.json["backtest_id"])
    body["strategy_id"] = strategy["id"]
    folder = data_dir / "jobs" / done["job_id"] / "1" / "out"
    stored = services.database.read_now(lambda session: session.get_one(BacktestResultRow, done["id"]).files)
    files = [OutputFile(name=name, **known) for name, known in stored.items()]
    made = [(await api("POST", "/api/backtests", body)).json for _ in range(4)]
    slow, ahead = (Server(postgres_url, name, monkeypatch) for name in ("slow", "ahead"))
    slow.offset, ahead.offset = timedelta(hours=-1), timedelta(hours=1)
    try:
        first, second, third, fourth = ((item["id"], item["job_id"]) for item in made)
        one, two = slow.begin(first[1]), ahead.begin(second[1])
        told = [job.message["trials"] for _, job in (one, two)]
        assert [[entry["count"] for entry in entries] for entries in told] == [[1], [1]]
        # Ended while the second one runs, and by its own clock an hour before that began.
        slow.finish(*one, folder, files)
        ahead.finish(*two, folder, files)
        assert (slow.earlier(first[0]), ahead.earlier(second[0])) == (1, 1)
        # Both have ended, the second one by its own clock in an hour: whoever begins now counts them.
        for server, (backtest_id, job_id), before in ((ahead, third, 3), (slow, fourth, 4)):
            held, job = server.begin(job_id)
            assert sum(entry["count"] for entry in job.message["trials"]) == before
            server.finish(held, job, folder, files)
            assert server.earlier(backtest_id) == before
    finally:
        slow.database.close()
        ahead.database.close()

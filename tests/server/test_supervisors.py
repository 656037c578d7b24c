"""Supervisors on a database of their own: several of them, a database that goes away, clocks that jump."""

import asyncio
import logging
import os
import signal
import sqlite3
import sys
import time
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path

import pytest
from alphintra_kernel.sandbox import Sandbox
from alphintra_server.db import Database, engine, types
from alphintra_server.db.engine import database_now
from alphintra_server.db.tables import JobRow, OutboxRow, TemplateUseRow
from alphintra_server.db.types import utc_now
from alphintra_server.jobs import fair_queue, lost, store, supervisor
from alphintra_server.jobs.attempt import JobInput
from alphintra_server.jobs.kind import JobKind
from alphintra_server.jobs.launcher import JobLimits, Launcher
from alphintra_server.jobs.leases import LEASE, Leases
from alphintra_server.jobs.lost import LostJobs
from alphintra_server.jobs.supervisor import Supervisor
from alphintra_server.jobs.worker_home import record
from alphintra_server.limits import Limits, UserLimits
from prometheus_client import REGISTRY
from sqlalchemy import select, update
from sqlalchemy.exc import DBAPIError

from .databases import migrated

WORKER = (sys.executable, "-P", "-c", Path(__file__).with_name("protocol_worker.py").read_text())
HEARTBEAT = 0.2
#: How long jobs are at work; the next ones, where a busy machine let those end before anybody looked.
SECONDS = (1, 5, 25)


class Probe(JobKind):
    """A kind of job whose effect is a row that can be written once."""

    def load(self, session, held):
        act, _, seconds = held.resource_id.partition(":")
        message = {
            "id": held.job_id, "kind": "backtest", "parameters": {"act": act, "seconds": seconds},
            "source": {"file": "s.py"}, "methodology": None, "data": {"name": "x"},
        }  # fmt: skip
        return JobInput({}, message)

    def save(self, session, held, output):
        session.add(TemplateUseRow(template_id=held.job_id, count=held.attempt))
        session.flush()


class House:
    """A database and the supervisors on it."""

    def __init__(self, url, folder, lease=LEASE):
        self.leases = Leases(lease, HEARTBEAT)
        self.url = url
        self.folder = folder
        self.database = migrated(url)
        self.databases = [self.database]
        self.supervisors = []

    async def server(self, max_jobs=2):
        # A server of its own has connections of its own; a SQLite file admits one.
        database = self.database
        if self.supervisors and not database.is_sqlite:
            database = Database(self.url)
            self.databases.append(database)
        made = Supervisor(
            database,
            Launcher(Sandbox(allow_unsandboxed=True), JobLimits(), WORKER),
            self.folder / "jobs",
            {"probe": Probe()},
            max_jobs,
            lambda: None,
            logging.getLogger("test"),
            Limits(UserLimits(jobs=1000)),
            self.leases,
        )
        await made.start()
        self.supervisors.append(made)
        return made

    async def close(self):
        for made in self.supervisors:
            await made.stop()
        for database in self.databases:
            database.close()

    def add(self, act="finish", user="u"):
        def work(session):
            row = store.create(session, user_id=user, kind="probe", resource_id=act, name=act)
            return fair_queue.queue(session, row.id, max_queued=1000).id

        return self.database.write_now(work)

    def row(self, job_id):
        return self.database.read_now(lambda session: session.get_one(JobRow, job_id))

    def effects(self):
        query = select(TemplateUseRow.template_id, TemplateUseRow.count)
        return dict(tuple(row) for row in self.database.read_now(lambda session: session.execute(query).all()))

    async def until(self, check, seconds=180):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            with suppress(DBAPIError):
                if check():
                    return
            await asyncio.sleep(0.03)
        raise AssertionError("it did not come to pass")

    async def ended(self, *jobs, seconds=180):
        await self.until(lambda: all(self.row(job).status in store.FINISHED for job in jobs), seconds)

    async def at_work(self, *jobs):
        """Wait until all are at work; whether none has ended before."""
        found = {}

        def settled():
            found.update((job, self.row(job)) for job in jobs)
            at_work = all(row.phase == "running" for row in found.values())
            return at_work or any(row.status in store.FINISHED for row in found.values())

        await self.until(settled)
        return all(row.phase == "running" for row in found.values())


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(supervisor, "_IDLE_SECONDS", 0.1)


@pytest.fixture
def house(request, tmp_path, jp_asyncio_loop):
    on_postgresql = request.param == "postgresql"
    url = request.getfixturevalue("migrated_postgres_url") if on_postgresql else f"sqlite:///{tmp_path / 'a'}"
    made = House(url, tmp_path)
    yield made
    jp_asyncio_loop.run_until_complete(made.close())


both = pytest.mark.parametrize("house", ["sqlite", "postgresql"], indirect=True)
postgresql = pytest.mark.parametrize("house", ["postgresql"], indirect=True)


@postgresql
async def test_two_supervisors_share_a_table(house):
    jobs = [house.add(user=f"user {number % 3}") for number in range(12)]
    first, second = await asyncio.gather(house.server(), house.server())
    await house.ended(*jobs, seconds=180)
    assert {house.row(job).status for job in jobs} == {"COMPLETED"}
    assert house.effects() == dict.fromkeys(jobs, 1)
    assert {house.row(job).owner for job in jobs} == {first.boot_id, second.boot_id}
    # Each folder that is left stands behind a result.
    assert {path.name for path in (house.folder / "jobs").iterdir()} == set(jobs)


@postgresql
async def test_a_second_server_leaves_what_the_first_has_at_work(house):
    """It looks for leftovers when it starts: a running attempt's folder is none, a lost one's is."""
    job = house.add("slow:1.5")
    await house.server()
    await house.until(lambda: house.row(job).phase == "running")
    lost = house.folder / "jobs" / ("f" * 32) / "1" / "out"
    lost.mkdir(parents=True)
    await house.server()
    assert not lost.exists()
    await house.ended(job)
    assert (house.row(job).status, house.row(job).attempt) == ("COMPLETED", 1)


@both
async def test_a_lease_that_ran_out_in_a_jump_of_the_clock_is_no_lost_job(house):
    """The next heartbeat extends it; whoever looked in between had only a suspicion."""
    job = house.add("slow:1.5")
    first = await house.server()
    await house.until(lambda: house.row(job).phase == "running")
    if not house.database.is_sqlite:
        await house.server()

    def jump(session):
        past = database_now(session) - timedelta(hours=2)
        session.execute(update(JobRow).where(JobRow.id == job).values(lease_until=past))

    for _ in range(5):
        house.database.write_now(jump)
        await asyncio.sleep(0.1)
    await house.ended(job)
    row = house.row(job)
    assert (row.status, row.attempt, row.owner) == ("COMPLETED", 1, first.boot_id)
    assert house.effects() == {job: 1}


@both
async def test_a_wall_clock_that_jumps_by_hours_changes_nothing(house, monkeypatch):
    """On SQLite it is the database's clock as well; on PostgreSQL another server looks on."""
    running, waiting = house.add("slow:3"), house.add("slow:3", user="v")
    await house.server(max_jobs=1)
    await house.until(lambda: house.row(running).phase == "running")
    if not house.database.is_sqlite:
        await house.server(max_jobs=1)
    before = house.row(running).heartbeat_at
    for hours in (1, -1, 3, 0):
        monkeypatch.setattr(types, "clock_error", timedelta(hours=hours))
        # Long enough for heartbeats by the new time, and for whoever suspects by it.
        await asyncio.sleep(3 * HEARTBEAT)
        assert house.row(running).status != "PENDING"
    assert house.row(running).heartbeat_at != before
    await house.ended(running, waiting)
    for job in (running, waiting):
        assert (house.row(job).status, house.row(job).attempt) == ("COMPLETED", 1)
        assert house.row(job).queue_seconds >= 0
    assert house.effects() == {running: 1, waiting: 1}


@both
async def test_a_job_without_a_server_is_taken_over(house):
    job = house.add()

    def claimed_by_the_dead(session):
        held = fair_queue.claim(session, "dead", limits=Limits())
        past = database_now(session) - timedelta(seconds=1)
        session.execute(update(JobRow).where(JobRow.id == held.job_id).values(lease_until=past))

    house.database.write_now(claimed_by_the_dead)
    await house.server()
    await house.ended(job)
    row = house.row(job)
    assert (row.status, row.attempt) == ("COMPLETED", 2)
    assert house.effects() == {job: 2}
    told = house.database.read_now(
        lambda session: [item.payload for item in session.scalars(select(OutboxRow).order_by(OutboxRow.sequence))]
    )
    assert [event["message"] for event in told if event["status"] == "PENDING"] == [
        "created", "queued", "queued again: its server was lost",
    ]  # fmt: skip


@both
async def test_a_lost_job_that_cannot_be_settled_keeps_no_other_waiting(house, monkeypatch, caplog):
    bad, good = jobs = [house.add(), house.add()]
    for _ in jobs:
        house.database.write_now(lambda session: fair_queue.claim(session, "gone", limits=Limits()))

    def broken(folder):
        if folder.parent.name == bad:
            raise ValueError("what is that?")
        return 0

    monkeypatch.setattr(lost, "sweep", broken)
    settler = LostJobs(house.database, house.folder / "jobs", "other", logging.getLogger("test"))
    assert await settler._settle([house.row(job) for job in jobs]) == 1
    assert (house.row(bad).status, house.row(good).status) == ("RUNNING", "PENDING")
    assert f"Job {bad} was lost and could not be settled" in caplog.text
    monkeypatch.undo()
    assert await settler._settle([house.row(bad)]) == 1
    assert house.row(bad).status == "PENDING"


@both
async def test_a_server_that_comes_back_in_the_last_moment_keeps_its_worker(house):
    """Whoever suspected it kills nothing: the worker's death would be the end of a job that is still its server's."""
    job = house.add()
    held = house.database.write_now(lambda session: fair_queue.claim(session, "frozen", limits=Limits()))
    folder = house.folder / "jobs" / job / "1"
    folder.mkdir(parents=True)
    record(folder, "feedbeefcafe.7")
    environment = {**os.environ, "ALPHINTRA_WORKER": "feedbeefcafe.7"}
    worker = await asyncio.create_subprocess_exec("sleep", "60", env=environment)
    settler = LostJobs(house.database, house.folder / "jobs", "other", logging.getLogger("test"))
    try:
        lost = [house.row(job)]
        house.database.write_now(lambda session: store.heartbeat(session, [held]))
        assert await settler._settle(lost) == 0
        assert (worker.returncode, house.row(job).owner, folder.is_dir()) == (None, "frozen", True)
        assert await settler._settle([house.row(job)]) == 1
        assert await asyncio.wait_for(worker.wait(), 60) == -signal.SIGKILL
        assert (house.row(job).status, house.row(job).phase, folder.exists()) == ("PENDING", "queued", False)
    finally:
        with suppress(ProcessLookupError):
            worker.kill()


@both
async def test_what_take_over_ends_is_counted(house):
    def counted(status):
        return REGISTRY.get_sample_value("alphintra_jobs_total", {"kind": "probe", "status": status}) or 0

    settler = LostJobs(house.database, house.folder / "jobs", "other", logging.getLogger("test"))
    ends = {"FAILED": {"losses": 2}, "CANCELLED": {"cancel_requested_at": utc_now()}, "PENDING": {}}
    for status, values in ends.items():
        before = counted(status)
        job = house.add()
        house.database.write_now(lambda session: fair_queue.claim(session, "dead", limits=Limits()))
        change = update(JobRow).where(JobRow.id == job).values(updated_at=utc_now(), **values)
        house.database.write_now(lambda session, change=change: session.execute(change))
        await settler._settle([house.row(job)])
        assert house.row(job).status == status
        assert counted(status) - before == (status != "PENDING")


@both
async def test_cancel_against_completion_leaves_one_end(house):
    await house.server()
    jobs = [house.add("slow:0.2") for _ in range(4)]
    for number, job in enumerate(jobs):
        await house.until(lambda job=job: house.row(job).status != "PENDING")
        await asyncio.sleep(0.05 * number)
        with suppress(store.Conflict):
            house.database.write_now(lambda session, job=job: store.request_cancel(session, job))
        house.supervisors[0].wake()
    await house.ended(*jobs)
    states = {job: house.row(job).status for job in jobs}
    assert set(states.values()) <= {"COMPLETED", "CANCELLED"}
    completed = {job for job, status in states.items() if status == "COMPLETED"}
    assert set(house.effects()) == completed
    # Cleared away once its end is written.
    await house.until(lambda: {path.name for path in (house.folder / "jobs").iterdir()} == completed)


async def test_a_database_that_was_away_has_lost_and_doubled_nothing(own_postgres, tmp_path, monkeypatch, caplog):
    """Every lease runs out meanwhile, one job ends meanwhile, one goes on; then all is as if nothing had been."""
    house = House(own_postgres.create_database(), tmp_path, timedelta(seconds=0.8))
    try:
        await asyncio.gather(house.server(), house.server())
        for seconds in SECONDS:
            ends, goes_on = house.add(f"slow:{2 * seconds}"), house.add(f"slow:{5 * seconds}")
            if await house.at_work(ends, goes_on):
                break
        owners = {job: house.row(job).owner for job in (ends, goes_on)}
        own_postgres.stop()
        await asyncio.sleep(2 * seconds + 0.5)
        assert sum(each.running for each in house.supervisors) == 2
        own_postgres.start()
        await house.ended(ends, goes_on)
        for job in (ends, goes_on):
            row = house.row(job)
            assert (row.status, row.attempt, row.owner) == ("COMPLETED", 1, owners[job])
        assert {job: house.effects()[job] for job in owners} == {ends: 1, goes_on: 1}
        later = house.add()
        await house.ended(later)
        assert house.row(later).status == "COMPLETED"
    finally:
        await house.close()
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    # Once away and once back for each part of each server, however often it tried.
    assert any("cannot be used" in text for text in told)
    assert any("back to normal after" in text for text in told)
    assert len(told) <= 16
    assert not [record for record in caplog.records if record.exc_info]


async def test_a_locked_file_holds_up_the_end_of_a_job_and_loses_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(engine, "SQLITE_WAIT_MILLISECONDS", 100)
    house = House(f"sqlite:///{tmp_path / 'a'}", tmp_path, timedelta(seconds=0.8))
    try:
        await house.server()
        with closing(sqlite3.connect(tmp_path / "a", isolation_level=None, timeout=60)) as other:
            for seconds in SECONDS:
                job = house.add(f"slow:{seconds}")
                await house.at_work(job)
                other.execute("BEGIN IMMEDIATE")
                if house.row(job).phase == "running":
                    break
                other.execute("ROLLBACK")  # it has ended before nothing could be written
            await asyncio.sleep(seconds + 0.5)
            assert house.row(job).status == "RUNNING"
            other.execute("ROLLBACK")
        await house.ended(job)
        assert (house.row(job).status, house.row(job).attempt) == ("COMPLETED", 1)
        assert house.effects()[job] == 1
    finally:
        await house.close()


@both
async def test_an_end_whose_answer_got_lost_is_known_as_ones_own(house, monkeypatch):
    """The connection breaks between commit and answer: the second try finds the job ended, by this very claim."""
    lost = []
    real = Database.write_now

    def write_now(self, work):
        found = real(self, work)
        if getattr(found, "status", None) == "COMPLETED" and not lost:
            lost.append(found.id)
            raise engine.OperationalError("COMMIT", None, ConnectionError("server closed the connection"))
        return found

    monkeypatch.setattr(Database, "write_now", write_now)
    await house.server()
    job = house.add()
    await house.ended(job)
    await house.until(lambda: house.supervisors[0].running == 0)
    assert lost == [job]
    assert house.effects() == {job: 1}
    # Its output is not taken for a loser's.
    assert (house.folder / "jobs" / job / "1" / "out" / "result.json").is_file()


class TestRest:
    @pytest.fixture
    def settings(self, own_postgres):
        return {"database_url": own_postgres.create_database()}

    async def test_while_it_is_away_answers_are_503_and_then_as_before(self, api, own_postgres, make_strategy):
        strategy = await make_strategy()
        own_postgres.stop()
        path = f"/api/strategies/code/{strategy['id']}/execute"
        body = {"dataset_id": "us-equities-daily/AAPL"}
        for verb, address, given in (("GET", "/api/jobs", None), ("POST", path, body), ("GET", "/api/stream", None)):
            reply = await api(verb, address, given, headers={"Idempotency-Key": "k"})
            assert (reply.status, reply.json["code"]) == (503, "DATABASE_UNAVAILABLE")
            assert reply.headers["Retry-After"] == "5"
        assert (await api("GET", "/health")).status == 200
        ready = await api("GET", "/ready")
        assert (ready.status, ready.json["checks"]["database"]) == (503, False)
        own_postgres.start()
        assert (await api("GET", "/api/jobs")).json["items"] == []
        assert (await api("POST", path, body, headers={"Idempotency-Key": "k"})).status == 202

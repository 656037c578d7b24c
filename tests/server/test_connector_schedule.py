"""When connectors are due: to the second, over changes of clocks, and once however many times were missed."""

import asyncio
import logging
import sqlite3
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from alphintra.rules.report import Report
from alphintra_server.auth import Caller
from alphintra_server.db.connector_tables import ConnectorRow, ConnectorRunRow
from alphintra_server.db.dataset_tables import DatasetSymbolRow, UploadRow
from alphintra_server.db.ingest_tables import IngestRow
from alphintra_server.db.tables import DatasetRow, JobRow
from alphintra_server.errors import TooMany
from alphintra_server.jobs import store
from alphintra_server.jobs.fetch import Brought, FetchBounds, FetchKind, SaidDocument, furthest_behind
from alphintra_server.jobs.ingest import IngestKind
from alphintra_server.jobs.ingest_output import Written
from alphintra_server.jobs.output import BadOutputError
from alphintra_server.limits import Limits, UserLimits
from alphintra_server.models.connectors import ConnectorChange
from alphintra_server.services import connector_runs, connector_triggers, upload_rows
from alphintra_server.services.connector_schedule import next_due, pause_after, since
from alphintra_server.services.connector_secrets import ConnectorSecrets
from alphintra_server.services.connector_triggers import ConnectorTriggers
from alphintra_server.services.connectors import Connectors
from alphintra_server.services.cron import Cron
from alphintra_server.services.dataset_storage import DatasetStorage
from alphintra_server.services.ingests import enqueue_ingest
from sqlalchemy import event, func, select

from .counted import Counted
from .databases import migrated
from .stored import store_version
from .stored_jobs import claim, expire, take_over_lost

YORK = "America/New_York"
#: What a row of the catalogue has to have, beside what a test is about.
REQUIRED = {
    **dict.fromkeys(("description", "content_hash", "tags_folded", "name_folded", "searched"), ""),
    **dict.fromkeys(("symbols", "columns", "validation_errors", "tags"), ()), "manifest": {}, "about": {},
    **dict.fromkeys(("symbol_count", "column_count", "row_count", "file_size"), 0), "is_validated": True,
    "unique_name": "d", "source": "EXTERNAL", "asset_class": "STOCKS", "timeframe": "1d",
}  # fmt: skip


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def dues(schedule, start, count):
    found, now = [], at(start)
    for _ in range(count):
        now = next_due(schedule, now)
        found.append(now.strftime("%Y-%m-%dT%H:%M"))
    return found


def cron(text, zone=YORK):
    return {"cron": text, "time_zone": zone}


def test_a_time_of_the_wall_stays_that_over_changes_of_clocks():
    # 2024-03-10 and 2024-11-03 are New York's: 17:30 there is another time of UTC's from then on.
    assert dues(cron("30 17 * * mon-fri"), "2024-03-08T00:00", 2) == ["2024-03-08T22:30", "2024-03-11T21:30"]
    assert dues(cron("30 17 * * mon-fri"), "2024-11-01T00:00", 2) == ["2024-11-01T21:30", "2024-11-04T22:30"]
    # 02:30 does not exist on the 10th: as much later. 01:30 comes twice on November 3rd: the first.
    assert dues(cron("30 2 * * *"), "2024-03-09T08:00", 2) == ["2024-03-10T07:30", "2024-03-11T06:30"]
    assert dues(cron("30 1 * * *"), "2024-11-02T12:00", 2) == ["2024-11-03T05:30", "2024-11-04T06:30"]
    # By the hour, real time counts: none is left out, none comes twice.
    assert dues(cron("0 * * * *"), "2024-03-10T06:30", 2) == ["2024-03-10T07:00", "2024-03-10T08:00"]
    assert dues(cron("0 * * * *"), "2024-11-03T05:30", 2) == ["2024-11-03T06:00", "2024-11-03T07:00"]


def test_fields_are_read_as_cron_reads_them():
    assert dues(cron("*/20 9-10 * * *", "UTC"), "2024-01-01T09:20", 5) == [
        "2024-01-01T09:40", "2024-01-01T10:00", "2024-01-01T10:20", "2024-01-01T10:40", "2024-01-02T09:00",
    ]  # fmt: skip
    assert dues(cron("0 0 29 feb *", "UTC"), "2024-03-01T00:00", 1) == ["2028-02-29T00:00"]
    assert dues(cron("0 0 13 * fri", "UTC"), "2024-09-01T00:00", 3) == [
        "2024-09-06T00:00", "2024-09-13T00:00", "2024-09-20T00:00",
    ]  # fmt: skip
    assert dues(cron("5 4 * * 7", "UTC"), "2024-01-01T00:00", 1) == ["2024-01-07T04:05"]
    for bad, told in {
        "* * * *": "five fields", "60 * * * *": "0 to 59", "* * 30 2 *": "no such day", "5-1 * * * *": "ends before",
        "*/0 * * * *": "no step", "x * * * *": "'x'", "1,, * * * *": "''", "² * * * *": "'²'", "* * * * 8": "or a name",
    }.items():  # fmt: skip
        with pytest.raises(ValueError, match=told):
            Cron.parse(bad)


def test_after_a_session_holidays_and_early_closes_count():
    # 2024-11-28 was Thanksgiving; the 29th closed at 13:00. The clocks are New York's: 21:00 UTC in winter.
    schedule = {"cron": None, "after_close": "XNYS", "minutes": 30}
    assert dues(schedule, "2024-11-27T00:00", 3) == ["2024-11-27T21:30", "2024-11-29T18:30", "2024-12-02T21:30"]
    assert dues(schedule, "2024-03-08T12:00", 2) == ["2024-03-08T21:30", "2024-03-11T20:30"]
    assert dues(schedule, "2024-03-08T21:29", 1) == ["2024-03-08T21:30"]
    always = {"cron": None, "after_close": "24/7", "minutes": 5}
    assert dues(always, "2024-03-08T00:04", 2) == ["2024-03-08T00:05", "2024-03-09T00:05"]
    weekdays = {"cron": None, "after_close": "weekdays", "minutes": 5}
    assert dues(weekdays, "2024-03-08T12:00", 2) == ["2024-03-09T00:05", "2024-03-12T00:05"]
    with pytest.raises(ValueError, match="ends before"):
        next_due(schedule, at("2150-01-01T00:00"))
    assert next_due(None, at("2024-01-01T00:00")) is None


def test_pauses_grow_to_an_hour_and_are_drawn():
    assert [pause_after(n, 0.0).total_seconds() for n in (1, 2, 3, 6, 7, 60)] == [60, 120, 240, 1920, 3600, 3600]
    assert pause_after(3, 1.0) == timedelta(seconds=120)


def test_the_overlap_is_counted_in_bars():
    last = at("2024-03-11T13:30")
    assert since(last, "1min", 5) == at("2024-03-11T13:25")
    assert since(last, "4h", 2) == at("2024-03-11T05:30")
    assert since(last, "1d", 3) == at("2024-03-08T13:30")
    assert since(last, "irregular", 3) == last
    for longest in ("12mo", "99999mo"):
        assert since(last, longest, 10_000) == datetime.min.replace(tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def databases(request, tmp_path):
    """What one server has, or two of one database: for SQLite both have the same."""
    if request.param == "sqlite":
        made = [migrated(f"sqlite:///{tmp_path / 'a'}")] * 2
    else:
        url = request.getfixturevalue("migrated_postgres_url")
        made = [migrated(url), migrated(url)]
    yield made
    for database in set(made):
        database.close()


def test_a_source_is_asked_from_the_symbol_on_that_is_furthest_behind(databases):
    """Of one that is weeks late nothing is missed; what ended long ago is not read again by each run."""
    ends = {"A": at("2024-03-29"), "LATE": at("2024-03-11"), "EDGE": at("2024-02-28"), "GONE": at("2020-01-02")}
    times = {"created_at": at("2024-04-01"), "updated_at": at("2024-04-01")}

    def work(session):
        days = {"start_date": at("2020-01-02"), "end_date": at("2024-03-29")}
        row = DatasetRow(id="d" * 32, user_id="alice", name="d", **REQUIRED, **days, **times)
        session.add(row)
        session.flush()
        assert furthest_behind(session, row) == at("2024-03-29"), "of what has no symbols listed"
        for name, last in ends.items():
            session.add(
                DatasetSymbolRow(dataset_id=row.id, symbol=name, folded=name, rows=1, first=last, last=last)
            )
        session.flush()
        assert furthest_behind(session, row) == at("2024-02-28")
        session.delete(session.get_one(DatasetSymbolRow, (row.id, "EDGE")))
        session.flush()
        assert furthest_behind(session, row) == at("2024-03-11")

    databases[0].write_now(work)


async def test_one_run_makes_up_for_all_that_were_missed_and_failures_are_tried_again_a_few_times(databases):
    now = [at("2024-03-08T22:31")]
    first, second = (
        ConnectorTriggers(database, Limits(), lambda: None, logging.getLogger(), clock=lambda _session: now[0])
        for database in databases
    )
    database = databases[0]
    row = ConnectorRow(
        id="c", user_id="alice", name="C", kind="http", source={"kind": "http", "url": "http://x/y"}, secret_names=[],
        dataset_name="d", about={}, description="", tags=[], overlap_bars=1, schedule=cron("30 17 * * mon-fri"),
        paused=False, due_at=at("2024-03-08T22:30"), failures=0, created_at=now[0], updated_at=now[0],
    )  # fmt: skip
    database.write_now(lambda session: session.add(row))

    def shown():
        return database.read_now(lambda session: session.get_one(ConnectorRow, "c"))

    def count(table):
        return database.read_now(lambda session: session.scalar(select(func.count()).select_from(table)))

    def put(name, value):
        database.write_now(lambda session: setattr(session.get_one(ConnectorRow, "c"), name, value))

    def end(code):
        def work(session):
            row = session.get_one(ConnectorRow, "c")
            job = session.get_one(JobRow, session.get_one(ConnectorRunRow, row.run_id).fetch_job_id)
            job.status, job.error = "FAILED", {"code": code, "message": "m"}
            connector_runs.job_ended(session, job)

        database.write_now(work)

    # Two servers look at the same time; a run that is under way is not joined by another.
    assert sorted(await _both(first, second)) == [0, 1]
    assert (shown().due_at, count(ConnectorRunRow), count(JobRow)) == (at("2024-03-11T21:30"), 1, 1)
    now[0] = at("2024-03-11T21:30")
    assert sorted(await _both(first, second)) == [0, 0]

    # The source is busy: again after a pause, a few times, then only when it is due.
    before = datetime.now(UTC)
    for failures in range(1, 6):
        end("SOURCE_BUSY")
        found = shown()
        assert (found.run_id, found.failures, found.last_error["code"]) == (None, failures, "SOURCE_BUSY")
        least, most = pause_after(failures, 1.0), pause_after(failures, 0.0)
        assert before + least <= found.retry_at <= datetime.now(UTC) + most
        if failures == 1:
            # The time that came meanwhile goes before: it is the same to fetch.
            assert sorted(await _both(first, second)) == [0, 1]
            assert (shown().due_at, shown().retry_at, shown().failures) == (at("2024-03-12T21:30"), None, 0)
            end("SOURCE_BUSY")
        now[0] = shown().retry_at
        put("due_at", now[0] + timedelta(days=9))
        assert sorted(await _both(first, second)) == [0, 1]
    end("SOURCE_BUSY")
    assert (shown().failures, shown().retry_at) == (6, None)
    triggers = database.read_now(lambda session: list(session.scalars(select(ConnectorRunRow.trigger))))
    assert sorted(triggers) == ["RETRY"] * 5 + ["SCHEDULE"] * 2

    # A server that was away for weeks makes one run; what cannot pass is not tried again.
    now[0] += timedelta(days=60)
    assert sorted(await _both(first, second)) == [0, 1]
    assert shown().due_at == Cron.parse("30 17 * * mon-fri").next_after(now[0], ZoneInfo(YORK))
    end("SOURCE_REFUSED")
    assert (shown().failures, shown().retry_at) == (1, None)
    assert sorted(await _both(first, second)) == [0, 0]
    # A file waits for its mapping: another one does not take its place, until it is over or somebody has said it.
    def left(kept, mapping):
        def work(session):
            run = session.scalars(select(ConnectorRunRow).order_by(ConnectorRunRow.created_at.desc())).first()
            run.upload_id = "u"
            session.merge(UploadRow(
                id="u", user_id="alice", length=1, received=1, filename="y.csv", dataset_name="d", state="RECEIVED",
                kept=kept, created_at=now[0], updated_at=now[0], expires_at=now[0] + timedelta(days=90),
            ))  # fmt: skip
            session.get_one(ConnectorRow, "c").mapping = mapping

        database.write_now(work)

    runs = count(ConnectorRunRow)
    for kept, mapping, began in ((True, None, 0), (True, {"format": "csv"}, 1), (False, None, 1)):
        left(kept, mapping)
        now[0] = shown().due_at
        assert sorted(await _both(first, second)) == [0, began]
        assert shown().due_at > now[0]
        if began:
            end("SOURCE_REFUSED")
        runs += began
        assert count(ConnectorRunRow) == runs
    # A pause is a pause.
    put("paused", True)
    now[0] += timedelta(days=60)
    assert sorted(await _both(first, second)) == [0, 0]
    assert database.read_now(lambda session: {job.priority for job in session.scalars(select(JobRow))}) == {store.LOW}


async def test_a_calendar_is_loaded_while_nobody_waits_for_the_database(tmp_path, monkeypatch):
    """It takes more than a second, the first time; a SQLite file has one writer."""
    now, free = datetime.now(UTC), []
    database = migrated(f"sqlite:///{tmp_path / 'a'}")
    schedule = {"cron": None, "after_close": "XNYS", "minutes": 5}
    connector = ConnectorRow(
        id="c", user_id="alice", name="C", kind="http", source={"kind": "http", "url": "http://x/y"}, secret_names=[],
        dataset_name="d", about={}, description="", tags=[], overlap_bars=1, schedule=schedule, paused=False,
        due_at=now - timedelta(days=1), failures=0, created_at=now, updated_at=now,
    )  # fmt: skip
    database.write_now(lambda session: session.add(connector))

    def loading(*_):
        other = sqlite3.connect(tmp_path / "a", timeout=0, isolation_level=None)
        try:
            other.execute("BEGIN IMMEDIATE")
            free.append(True)
        except sqlite3.OperationalError:
            free.append(False)
        finally:
            other.close()
        return now + timedelta(days=1)

    monkeypatch.setattr(connector_triggers, "next_due", loading)
    assert await ConnectorTriggers(database, Limits(), lambda: None, logging.getLogger()).look() == 1
    assert free == [True, False]
    database.close()


async def test_each_run_is_counted_once_whoever_ends_it(tmp_path):
    database = migrated(f"sqlite:///{tmp_path / 'a'}")
    now = datetime.now(UTC)
    connector = ConnectorRow(
        id="c", user_id="alice", name="C", kind="http", source={"kind": "http", "url": "http://x/y"}, secret_names=[],
        dataset_name="d", about={}, description="", tags=[], overlap_bars=1, paused=False, failures=0, created_at=now,
        updated_at=now,
    )  # fmt: skip
    database.write_now(lambda session: session.add(connector))

    def begin():
        def work(session):
            row = session.get_one(ConnectorRow, "c")
            return connector_runs.begin(session, row, connector_runs.HAND, Limits()).fetch_job_id

        return database.write_now(work)

    counted, waiting = Counted(), begin()

    def in_vain(session):
        store.request_cancel(session, waiting)
        with session.begin_nested():
            session.execute(select(1))
        raise ValueError("it comes to nothing")

    with pytest.raises(ValueError, match="to nothing"):
        database.write_now(in_vain)
    assert counted.since("connector_") == {}
    database.write_now(lambda session: store.request_cancel(session, waiting))
    assert counted.since("connector_") == {"connector_runs_total http CANCELLED": 1.0}
    lost, counted = begin(), Counted()
    for status in ("PENDING", "PENDING", "FAILED"):
        assert claim(database).job_id == lost
        expire(database, lost)
        assert take_over_lost(database) == [status]
    assert counted.since("connector_") == {
        "connector_runs_total http FAILED": 1.0, "connector_failures_total http LOST": 1.0,
    }  # fmt: skip
    database.close()


async def test_what_waits_for_room_of_one_user_keeps_nothing_of_others_from_its_time(databases, monkeypatch):
    """More is due of Alice's than is looked at at once, and her queue is full."""
    monkeypatch.setattr(connector_triggers, "_BATCH", 2)
    database, now = databases[0], datetime.now(UTC)

    def work(session):
        for number, user in enumerate(("alice", "alice", "alice", "alice", "bob")):
            session.add(connector_of(user, f"c{number}", now - timedelta(minutes=9 - number)))

    database.write_now(work)
    limits = Limits(UserLimits(queued=1))
    triggers = ConnectorTriggers(database, limits, lambda: None, logging.getLogger())
    assert [await triggers.look() for _ in range(3)] == [2, 0, 0]
    begun = database.read_now(lambda session: set(session.scalars(select(ConnectorRunRow.user_id))))
    assert begun == {"alice", "bob"}


async def test_whoever_goes_on_with_a_connector_leaves_its_schedule_as_it_is(tmp_path, monkeypatch):
    """Another request changes it meanwhile: that change is not lost, and it is due by the new one."""
    database, now = migrated(f"sqlite:///{tmp_path / 'a'}"), at("2024-03-08T12:00")
    early, late = ({**cron(f"0 {hour} * * *", "UTC"), "after_close": None} for hour in (1, 5))
    paused = connector_of("alice", "c", None, schedule=early, paused=True)
    database.write_now(lambda session: session.add(paused))
    service = Connectors(
        database, ConnectorSecrets(tmp_path / "s"), Limits(), lambda: None, clock=lambda _session: now
    )
    reckon = service._due

    async def another_between(schedule):
        found = await reckon(schedule)
        database.write_now(lambda session: setattr(session.get_one(ConnectorRow, "c"), "schedule", late))
        return found

    monkeypatch.setattr(service, "_due", another_between)
    changed = await service.change(Caller("alice", ()), "c", ConnectorChange(paused=False))
    assert (changed.schedule["cron"], changed.next_run_at) == ("0 5 * * *", at("2024-03-09T05:00"))
    database.close()


def test_what_a_connector_brings_does_not_count_as_on_its_way(tmp_path):
    """However many uploads its owner has begun: it is here already."""
    database, now = migrated(f"sqlite:///{tmp_path / 'a'}"), datetime.now(UTC)

    def work(session):
        connector = connector_of("alice", "c", None)
        session.add(connector)
        for number in range(upload_rows.MOST_OPEN):
            session.add(UploadRow(
                id=str(number), user_id="alice", length=1, received=0, filename="y", dataset_name="y", kept=True,
                state="RECEIVING", created_at=now, updated_at=now, expires_at=now,
            ))  # fmt: skip
        session.flush()
        begun = connector_runs.begin(session, connector, connector_runs.HAND, Limits())
        held = SimpleNamespace(job_id=begun.fetch_job_id, resource_id=begun.id)
        said = SaidDocument(state="fetched", name="a.csv")
        brought = Brought(said, None, "http://x/y", "0" * 64, 9)
        FetchKind(None, None, Limits(), FetchBounds()).save(session, held, brought)
        assert begun.state == "NEEDS_MAPPING"
        with pytest.raises(TooMany):
            upload_rows.refuse_too_many(session, "alice")

    database.write_now(work)
    database.close()


async def test_however_many_secrets_nobody_has_are_swept(tmp_path, monkeypatch):
    """A query takes some ten thousand values: more of them, and none was ever removed."""
    database, removed, asked = migrated(f"sqlite:///{tmp_path / 'a'}"), [], []
    secrets = SimpleNamespace(old=lambda: [f"s{number}" for number in range(2_500)], remove=removed.append)
    database.write_now(lambda session: session.add(connector_of("alice", "c", None, secret_id="s2499")))
    event.listen(database.read_engine, "before_cursor_execute", lambda *given: asked.append(len(given[3])))
    # Each is removed in a thread, which takes longer than what this is about.
    monkeypatch.setattr(asyncio, "to_thread", lambda work, *given: asyncio.sleep(0, work(*given)))
    service = Connectors(database, secrets, Limits(), lambda: None)
    assert (await service.sweep(), len(removed), "s2499" in removed) == (2_499, 2_499, False)
    assert max(asked) <= 1_000
    database.close()


def test_a_first_run_takes_the_place_of_no_dataset_that_was_made_meanwhile(tmp_path):
    """It was there when what the run had fetched was to become a version: that replaced all of its rows."""
    database, storage = migrated(f"sqlite:///{tmp_path / 'a'}"), DatasetStorage(tmp_path)
    store_version(database, storage, tmp_path / "made", name="c")
    _, manifest = store_version(database, storage, tmp_path / "made", name="other")

    def work(session):
        connector = connector_of("alice", "c", None)
        session.add(connector)
        session.flush()
        run = connector_runs.begin(session, connector, connector_runs.SCHEDULE, Limits())
        upload = upload_rows.reserve(
            session, "alice", length=9, filename="y", dataset="c", metadata=None, quota=1 << 40, hours=1
        )
        ingest = IngestRow(
            id="i", user_id="alice", owner_id="alice", upload_id=upload.id, dataset_name="c", parent_id=None,
            overlap=False, source="EXTERNAL", mapping={}, about={}, description="", tags=[], remember=False,
            created_at=upload.created_at,
        )  # fmt: skip
        job = enqueue_ingest(session, upload, ingest, Limits())
        run.ingest_job_id, run.state = job.id, "INGESTING"
        session.flush()
        made = Written(replace(manifest, version="f" * 32), Report(300, 1, "2026-11-28T09:00:00Z", {}), ())
        with pytest.raises(BadOutputError) as refused:
            IngestKind(database, storage, Limits(), None).save(session, SimpleNamespace(job_id=job.id), made)
        assert refused.value.code == "PARENT_CHANGED"  # and the next run adds to it
        assert refused.value.code in connector_runs.PASSING

    database.write_now(work)
    database.close()


@pytest.mark.parametrize("stopped", [{"paused": True}, {"schedule": None}])
def test_what_was_paused_while_it_ran_is_not_tried_again(tmp_path, stopped):
    database = migrated(f"sqlite:///{tmp_path / 'a'}")

    def work(session):
        connector = connector_of("alice", "c", None)
        session.add(connector)
        session.flush()
        for more, again in (({}, True), (stopped, False)):
            run = connector_runs.begin(session, connector, connector_runs.SCHEDULE, Limits())
            for name, value in more.items():
                setattr(connector, name, value)
            session.flush()
            job = session.get_one(JobRow, run.fetch_job_id)
            job.status, job.error = "FAILED", {"code": "SOURCE_BUSY", "message": "m"}
            connector_runs.job_ended(session, job)
            assert (connector.last_error["code"], connector.retry_at is not None) == ("SOURCE_BUSY", again)

    database.write_now(work)
    database.close()


def connector_of(user, name, due, **more):
    now = datetime.now(UTC)
    usual = {"schedule": cron("30 17 * * mon-fri"), "paused": False}
    return ConnectorRow(
        id=name, user_id=user, name=name, kind="http", source={"kind": "http", "url": "http://x/y"}, secret_names=[],
        dataset_name=name, about={}, description="", tags=[], overlap_bars=1, due_at=due, failures=0, created_at=now,
        updated_at=now, **usual | more,
    )  # fmt: skip


async def _both(first, second):
    return await asyncio.gather(first.look(), second.look())

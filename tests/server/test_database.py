"""Engines and transactions: the recipe of SQLite, its lock, the database's clock, and patience."""

import threading
import time

import pytest
from alphintra_server.db import Database, DatabaseInUseError
from alphintra_server.db.engine import database_now
from alphintra_server.db.outage import DatabaseAwayError
from alphintra_server.db.tables import JobRow
from alphintra_server.jobs import store
from alphintra_server.services.ingests import account
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import IntegrityError

from .databases import migrated
from .stored_jobs import queued

only_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


@only_sqlite
def test_the_sqlite_recipe(database):
    writer = database.write_now(
        lambda session: [
            session.execute(text(f"PRAGMA {name}")).scalar()
            for name in ("journal_mode", "foreign_keys", "busy_timeout")
        ]
    )
    assert writer == ["wal", 1, 10000]
    with pytest.raises(Exception, match=r"readonly|read-only"):
        database.read_now(lambda session: session.execute(update(JobRow).values(phase="x")))


@only_sqlite
def test_a_second_server_on_the_file_is_refused(database):
    with pytest.raises(DatabaseInUseError, match="is in use by another server"):
        Database(str(database.url))


def test_closing_leaves_one_file(tmp_path):
    database = migrated(f"sqlite:///{tmp_path / 'x.sqlite'}")
    queued(database)
    assert database.read_now(database_now)
    database.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.sqlite", "x.sqlite.lock"]


def test_database_now_is_the_databases_clock(database):
    from datetime import UTC, datetime, timedelta

    before = datetime.now(UTC)
    found = database.read_now(database_now)
    # Of some databases it has milliseconds only.
    assert before - timedelta(milliseconds=1) <= found <= datetime.now(UTC)


@only_sqlite
async def test_whoever_waits_for_an_answer_waits_so_long_and_not_longer(database):
    release = threading.Event()

    def slow(session):
        release.wait(20)
        return "done"

    def new(session):
        store.create(session, user_id="u", kind="x", resource_id="r")

    def late(session):
        raise TimeoutError("of its own")

    try:
        with pytest.raises(DatabaseAwayError, match=r"no answer within 0\.2 seconds"):
            await database.write(slow, patience=0.2)
        # What waits behind it and is given up is never done.
        with pytest.raises(DatabaseAwayError):
            await database.write(new, patience=0.1)
    finally:
        release.set()
    with pytest.raises(TimeoutError, match="of its own"):
        await database.write(late)
    assert await database.read(lambda session: session.scalar(select(func.count()).select_from(JobRow))) == 0


def test_two_who_are_the_first_to_write_a_row_at_once_both_get_it(database):
    """A user's first two requests, on two threads or two servers: neither has seen the other's row."""
    begun, found = threading.Event(), []

    def second():
        begun.wait(60)
        found.append(database.write_now(lambda session: account(session, "alice").folder))

    other = threading.Thread(target=second)
    other.start()

    def first(session):
        folder = account(session, "alice").folder
        begun.set()
        waits = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        until = time.monotonic() + 60
        while not database.is_sqlite and not session.scalar(waits):
            assert time.monotonic() < until, "nobody waits for this row"
            time.sleep(0.01)
        return folder

    folder = database.write_now(first)
    other.join(60)
    assert found == [folder]


def test_a_row_that_is_there_twice_is_an_error_all_the_same(database):
    def work(session):
        session.add_all(JobRow(**own) for own in (row, row))

    row = database.write_now(lambda session: store.create(session, user_id="u", kind="x", resource_id="r"))
    row = {column.name: getattr(row, column.name) for column in JobRow.__table__.columns} | {"id": "twice"}
    with pytest.raises(IntegrityError):
        database.write_now(work)

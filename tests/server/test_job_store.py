"""The job table: fencing, leases, take-over, and races between threads."""

import threading
from datetime import timedelta

import pytest
from alphintra_server.db import Database, DatabaseInUseError
from alphintra_server.db.engine import database_now
from alphintra_server.db.migrate import upgrade
from alphintra_server.db.tables import JobLogRow, JobRow, OutboxRow
from alphintra_server.errors import Conflict, TooMany
from alphintra_server.jobs import fair_queue, store
from alphintra_server.jobs.store import FencedOutError, Report
from alphintra_server.limits import Limits, UserLimits
from sqlalchemy import func, select, text, update

LIMITS = Limits(UserLimits(jobs=1000))


@pytest.fixture
def database(tmp_path):
    made = Database(f"sqlite:///{tmp_path / 'a b?#.sqlite'}")
    upgrade(made.write_engine)
    yield made
    made.close()


def queued(database, user="u"):
    def work(session):
        row = store.create(session, user_id=user, kind="backtest", resource_id="r")
        return fair_queue.queue(session, row.id, max_queued=1000).id

    return database.write_now(work)


def claim(database, owner="boot"):
    return database.write_now(lambda session: fair_queue.claim(session, owner, limits=LIMITS))


def state(database, job_id):
    row = database.read_now(lambda session: session.get_one(JobRow, job_id))
    return row.status, row.phase, row.attempt


def expire(database, job_id):
    def work(session):
        past = database_now(session) - timedelta(seconds=1)
        session.execute(update(JobRow).where(JobRow.id == job_id).values(lease_until=past))

    database.write_now(work)


def take_over_lost(database, **given):
    def work(session):
        taken = []
        for row in store.find_lost(session, **given):
            assert store.take_over(session, row)
            taken.append(row.status)
        return taken

    return database.write_now(work)


def test_only_queued_jobs_are_claimed_and_each_once(database):
    created = database.write_now(
        lambda session: store.create(session, user_id="u", kind="backtest", resource_id="r")
    )
    assert claim(database) is None
    job = queued(database)
    held = claim(database)
    assert (held.job_id, held.attempt, held.owner) == (job, 1, "boot")
    assert claim(database) is None
    assert state(database, job) == ("RUNNING", "starting", 1)
    assert state(database, created.id) == ("PENDING", "created", 0)


def test_users_take_turns_and_each_ones_jobs_keep_their_order(database):
    jobs = [queued(database, user) for user in ("a", "a", "a", "b", "c")]
    claimed = [claim(database).job_id for _ in range(5)]
    assert claimed == [jobs[0], jobs[3], jobs[4], jobs[1], jobs[2]]


def low(database, user="u"):
    def work(session):
        row = store.create(session, user_id=user, kind="check", resource_id="r", priority=store.LOW)
        return fair_queue.queue(session, row.id, max_queued=1000).id

    return database.write_now(work)


def test_a_job_of_low_priority_waits_for_everybodys_others(database):
    first = [low(database, "a"), low(database, "b")]
    others = [queued(database, user) for user in ("c", "a")]
    held = [claim(database) for _ in range(4)]
    assert [h.job_id for h in held] == [*others, *first]
    assert [h.priority for h in held] == [store.NORMAL, store.NORMAL, store.LOW, store.LOW]


def test_what_somebody_runs_at_low_priority_does_not_put_their_backtests_back(database):
    low(database, "a")
    assert claim(database).priority == store.LOW
    jobs = [queued(database, "a"), queued(database, "b")]
    assert [claim(database).job_id for _ in range(2)] == jobs


def test_low_priority_is_left_where_there_is_no_room_for_it(database):
    waits = low(database)
    take = lambda **given: database.write_now(  # noqa: E731
        lambda session: fair_queue.claim(session, "boot", limits=LIMITS, **given)
    )
    assert take(low=False) is None
    job = queued(database)
    assert take(low=False).job_id == job
    assert take().job_id == waits


def test_each_priority_has_its_own_bound_in_the_queue(database):
    low(database)
    row = database.write_now(
        lambda session: store.create(session, user_id="u", kind="backtest", resource_id="r")
    )
    database.write_now(lambda session: fair_queue.queue(session, row.id, max_queued=1))
    more = database.write_now(
        lambda session: store.create(session, user_id="u", kind="check", resource_id="r", priority=store.LOW)
    )
    with pytest.raises(TooMany):
        database.write_now(lambda session: fair_queue.queue(session, more.id, max_queued=1))


def test_queue_refuses_twice_and_too_many(database):
    job = queued(database)
    with pytest.raises(Conflict, match="It is queued already"):
        database.write_now(lambda session: fair_queue.queue(session, job, max_queued=10))
    other = database.write_now(
        lambda session: store.create(session, user_id="u", kind="backtest", resource_id="r")
    )
    with pytest.raises(TooMany):
        database.write_now(lambda session: fair_queue.queue(session, other.id, max_queued=1))
    assert state(database, other.id) == ("PENDING", "created", 0)


def test_every_write_of_a_fenced_out_claim_is_refused(database):
    job = queued(database)
    old = claim(database, "first")
    expire(database, job)
    assert take_over_lost(database) == ["PENDING"]
    new = claim(database, "second")
    assert (new.job_id, new.attempt) == (job, 2)
    report = {"fraction": 0.5, "phase": "running", "bar_time": None, "eta_seconds": None}
    writes = [
        lambda session: store.complete(session, old, log=[]),
        lambda session: store.fail(session, old, {"code": "X", "message": "x"}),
        lambda session: store.cancelled(session, old),
        lambda session: store.release(session, old),
    ]
    for write in writes:
        with pytest.raises(FencedOutError):
            database.write_now(write)
    # These are about several jobs, so that they say which are lost instead of giving up.
    assert database.write_now(lambda session: store.heartbeat(session, [old])) == ({job}, set())
    assert database.write_now(lambda session: store.progress(session, [(old, Report(report, ["x"]))])) == {job}
    assert state(database, job) == ("RUNNING", "starting", 2)
    assert database.read_now(lambda session: session.get(JobLogRow, job)) is None
    # The same attempt under another boot id, and another attempt under the same, are strangers too.
    for stranger in (
        store.Claim(job, 2, "first", "backtest", "u", "r"),
        store.Claim(job, 1, "second", "backtest", "u", "r"),
    ):
        with pytest.raises(FencedOutError):
            database.write_now(lambda session, held=stranger: store.complete(session, held, log=[]))
    database.write_now(lambda session: store.complete(session, new, log=["done"]))
    assert state(database, job) == ("COMPLETED", "finished", 2)


def test_a_refused_write_takes_its_whole_transaction_back(database):
    job = queued(database)
    held = claim(database)
    database.write_now(lambda session: store.cancelled(session, held))
    before = database.read_now(lambda session: session.scalar(select(func.count(OutboxRow.event_id))))

    def work(session):
        session.add(store.JobRow(**{**vars_of(session, job), "id": "x" * 32}))
        session.flush()
        store.complete(session, held, log=[])

    with pytest.raises(FencedOutError):
        database.write_now(work)
    assert database.read_now(lambda session: session.get(JobRow, "x" * 32)) is None
    after = database.read_now(lambda session: session.scalar(select(func.count(OutboxRow.event_id))))
    assert before == after


def vars_of(session, job_id):
    row = session.get_one(JobRow, job_id)
    return {column.key: getattr(row, column.key) for column in JobRow.__table__.columns}


def test_a_lease_lasts_until_its_end_and_a_heartbeat_extends_it(database):
    job = queued(database)
    held = claim(database)
    assert take_over_lost(database) == []
    expire(database, job)
    assert database.write_now(lambda session: store.heartbeat(session, [held])) == (set(), set())
    assert take_over_lost(database) == []
    expire(database, job)
    assert take_over_lost(database) == ["PENDING"]


def test_three_attempts_then_lost(database):
    job = queued(database)
    for attempt in (1, 2, 3):
        assert claim(database, f"boot {attempt}").attempt == attempt
        expire(database, job)
        assert take_over_lost(database) == ["PENDING" if attempt < 3 else "FAILED"]
    row = database.read_now(lambda session: session.get_one(JobRow, job))
    assert (row.status, row.error_code) == ("FAILED", "LOST")
    assert row.error["message"] == "Its server was lost during each of 3 attempts."
    assert claim(database) is None


def test_at_start_every_other_boots_job_is_lost(database):
    queued(database), queued(database)
    claim(database, "old")
    mine = claim(database, "new")
    assert take_over_lost(database, not_owner="new") == ["PENDING"]
    assert state(database, mine.job_id)[0] == "RUNNING"


def test_a_lost_job_that_was_to_be_cancelled_is_cancelled(database):
    job = queued(database)
    held = claim(database)
    row = database.write_now(lambda session: store.request_cancel(session, job))
    assert (row.status, row.phase) == ("RUNNING", "cancelling")
    assert database.write_now(lambda session: store.heartbeat(session, [held])) == (set(), {job})
    expire(database, job)
    assert take_over_lost(database) == ["CANCELLED"]


def test_cancel_against_completion_one_of_them_decides(database):
    for cancel_first in (True, False):
        job = queued(database)
        held = claim(database)
        complete = lambda session, held=held: store.complete(session, held, log=[])  # noqa: E731
        cancel = lambda session, held=held: store.cancelled(session, held)  # noqa: E731
        first, second = (cancel, complete) if cancel_first else (complete, cancel)
        database.write_now(first)
        with pytest.raises(FencedOutError):
            database.write_now(second)
        assert state(database, job)[0] == ("CANCELLED" if cancel_first else "COMPLETED")
        with pytest.raises(Conflict):
            database.write_now(lambda session, job=job: store.request_cancel(session, job))


def test_threads_racing_for_claims_get_each_job_once(database):
    jobs = {queued(database, f"user {number % 5}") for number in range(60)}
    claimed, failures = [], []

    def work(owner):
        try:
            while (held := claim(database, owner)) is not None:
                claimed.append(held.job_id)
        except Exception as error:  # noqa: BLE001  shown by the assertion
            failures.append(error)

    threads = [threading.Thread(target=work, args=(f"boot {number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert sorted(claimed) == sorted(jobs)


def test_events_tell_the_whole_life_in_order_without_gaps(database):
    job = queued(database)
    held = claim(database)
    report = {"fraction": 0.5, "phase": "running", "bar_time": None, "eta_seconds": 1.0}
    database.write_now(lambda session: store.progress(session, [(held, Report(report))]))
    database.write_now(lambda session: store.fail(session, held, {"code": "X", "message": "bad"}))
    rows = database.read_now(lambda session: list(session.scalars(select(OutboxRow))))
    assert [row.event_id for row in rows] == [1, 2, 3, 4, 5]
    told = [(row.payload["status"], row.payload["phase"], row.payload["message"]) for row in rows]
    assert told == [
        ("PENDING", "created", "created"),
        ("PENDING", "queued", "queued"),
        ("RUNNING", "starting", "started"),
        ("RUNNING", "running", ""),
        ("FAILED", "failed", "bad"),
    ]
    assert {row.payload["job_id"] for row in rows} == {job}


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


def test_a_second_server_on_the_file_is_refused(database):
    with pytest.raises(DatabaseInUseError, match="is in use by another server"):
        Database(str(database.url))


def test_closing_leaves_one_file(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'x.sqlite'}")
    upgrade(database.write_engine)
    queued(database)
    assert database.read_now(database_now)
    database.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.sqlite", "x.sqlite.lock"]


def test_database_now_is_the_databases_clock(database):
    from datetime import UTC, datetime

    found = database.read_now(database_now)
    assert abs((found - datetime.now(UTC)).total_seconds()) < 1

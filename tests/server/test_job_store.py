"""The job table: fencing, leases, take-over, cancelling."""

import threading
from datetime import timedelta

import pytest
from alphintra_kernel.usage import Usage
from alphintra_server.db.engine import database_now
from alphintra_server.db.tables import JobLogRow, JobRow, OutboxRow
from alphintra_server.errors import Conflict
from alphintra_server.jobs import lost_rows, store
from alphintra_server.jobs.store import FencedOutError, Report
from sqlalchemy import event, func, select

from .stored_jobs import REPORT, claim, expire, queued, state, take_over_lost


def test_every_write_of_a_fenced_out_claim_is_refused(database):
    job = queued(database)
    old = claim(database, "first")
    expire(database, job)
    assert take_over_lost(database) == ["PENDING"]
    new = claim(database, "second")
    assert (new.job_id, new.attempt) == (job, 2)
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
    assert database.write_now(lambda session: store.progress(session, [(old, Report(REPORT, ["x"]))])) == {job}
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


def test_three_losses_then_it_is_given_up(database):
    job = queued(database)
    for attempt in (1, 2, 3):
        assert claim(database, f"boot {attempt}").attempt == attempt
        expire(database, job)
        assert take_over_lost(database) == ["PENDING" if attempt < 3 else "FAILED"]
    row = database.read_now(lambda session: session.get_one(JobRow, job))
    assert (row.status, row.error_code) == ("FAILED", "LOST")
    told = "Its server was lost 3 times while it ran: the server's log says why, then run it again."
    assert row.error["message"] == told
    assert claim(database) is None


def test_a_server_that_is_stopped_in_order_loses_no_job(database):
    job = queued(database)
    for _ in range(3):
        held = claim(database)
        database.write_now(lambda session, held=held: store.release(session, held))
    for losses in (1, 2, 3):
        assert claim(database).attempt == 3 + losses
        expire(database, job)
        assert take_over_lost(database) == ["PENDING" if losses < 3 else "FAILED"]
    row = database.read_now(lambda session: session.get_one(JobRow, job))
    assert (row.error_code, row.attempt, row.losses) == ("LOST", 6, 3)


def test_what_an_earlier_attempt_printed_is_not_the_later_ones(database):
    job = queued(database)
    held = claim(database)
    database.write_now(lambda session: store.progress(session, [(held, Report(REPORT, ["first"]))]))
    database.write_now(lambda session: store.release(session, held))
    assert database.read_now(lambda session: session.get_one(JobLogRow, job)).lines == ["first"]
    held = claim(database)
    assert database.read_now(lambda session: session.get(JobLogRow, job)) is None
    database.write_now(lambda session: store.complete(session, held, log=["second"]))
    assert database.read_now(lambda session: session.get_one(JobLogRow, job)).lines == ["second"]


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


def test_a_job_that_is_cancelled_after_it_was_seized_is_cancelled(database):
    job = queued(database)
    claim(database)
    expire(database, job)
    (seen,) = database.read_now(lost_rows.find_lost)
    mine = database.write_now(lambda session: lost_rows.seize(session, seen, "settler"))
    database.write_now(lambda session: store.request_cancel(session, job))
    assert database.write_now(lambda session: lost_rows.take_over(session, mine)).status == "CANCELLED"


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_a_cancel_is_not_lost_by_a_job_that_goes_back_into_the_queue_meanwhile(database):
    """Its server stops right after the cancel's first statement about it."""
    job = queued(database)
    held = claim(database)
    other = threading.Thread(target=lambda: database.write_now(lambda session: store.release(session, held)))

    def between(connection, cursor, statement, *rest):
        if "jobs" in statement and threading.current_thread() is canceller and not other.ident:
            other.start()
            other.join(0.5)

    failures = []

    def cancel():
        try:
            database.write_now(lambda session: store.request_cancel(session, job))
        except Conflict as error:
            failures.append(error)

    canceller = threading.Thread(target=cancel)
    event.listen(database.write_engine, "after_cursor_execute", between)
    canceller.start()
    canceller.join()
    other.join()
    assert failures == []
    row = database.read_now(lambda session: session.get_one(JobRow, job))
    assert row.cancel_requested_at is not None


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


def test_a_job_tells_how_long_it_waited_by_the_databases_clock(database):
    job = queued(database)

    def earlier(session):
        row = session.get_one(JobRow, job)
        row.queued_at = database_now(session) - timedelta(seconds=90)

    database.write_now(earlier)
    held = claim(database)
    row = database.read_now(lambda session: session.get_one(JobRow, job))
    assert 90 <= row.queue_seconds < 100
    assert row.deadline - row.started_at == timedelta(seconds=600)
    usage = Usage(1.5, 300 << 20, 4096)
    database.write_now(lambda session: store.progress(session, [(held, Report(REPORT, ["a"], "full", 2.0, usage))]))
    row = database.read_now(lambda session: session.get_one(JobRow, job))
    assert (row.run_seconds, row.cpu_seconds, row.peak_memory, row.bytes_written) == (2.0, 1.5, 300 << 20, 4096)
    told = database.read_now(lambda session: list(session.scalars(select(OutboxRow))))[-1].payload
    assert told["queue_seconds"] == row.queue_seconds
    assert [told[name] for name in ("run_seconds", "cpu_seconds", "peak_memory_bytes", "bytes_written")] == [
        2.0, 1.5, 300 << 20, 4096,
    ]  # fmt: skip
    more = Usage(2.5, 400 << 20, 8192)
    database.write_now(
        lambda session: store.complete(session, held, log=["a", "b"], run_seconds=3.0, usage=more, output_bytes=7)
    )
    row = database.read_now(lambda session: session.get_one(JobRow, job))
    assert (row.run_seconds, row.cpu_seconds, row.peak_memory, row.output_bytes) == (3.0, 2.5, 400 << 20, 7)
    assert database.read_now(lambda session: session.get_one(JobLogRow, job).lines) == ["a", "b"]


def test_what_a_lost_attempt_took_is_not_the_next_ones(database):
    job = queued(database)
    held = claim(database)
    database.write_now(
        lambda session: store.progress(session, [(held, Report(REPORT, None, "full", 2.0, Usage(1.0, 1, 1)))])
    )
    expire(database, job)
    take_over_lost(database)
    claim(database, "other")
    row = database.read_now(lambda session: session.get_one(JobRow, job))
    assert (row.attempt, row.run_seconds, row.cpu_seconds, row.peak_memory, row.bytes_written) == (
        2, None, None, None, None,
    )  # fmt: skip


def test_a_heartbeat_between_look_and_take_over_keeps_the_job(database):
    job = queued(database)
    held = claim(database)
    expire(database, job)
    (seen,) = database.read_now(lost_rows.find_lost)
    database.write_now(lambda session: store.heartbeat(session, [held]))
    assert database.write_now(lambda session: lost_rows.seize(session, seen, "b")) is None
    assert database.write_now(lambda session: lost_rows.take_over(session, seen)) is None
    assert state(database, job) == ("RUNNING", "starting", 1)
    # Of two servers that saw the same lost job, one takes it over.
    expire(database, job)
    (seen,) = database.read_now(lost_rows.find_lost)
    (also,) = database.read_now(lost_rows.find_lost)
    mine, others = [
        database.write_now(lambda session, row=row, owner=owner: lost_rows.seize(session, row, owner))
        for row, owner in ((seen, "b"), (also, "c"))
    ]
    assert (mine.owner, others) == ("b", None)
    # From here on its server can write nothing, whatever is killed of it.
    with pytest.raises(FencedOutError):
        database.write_now(lambda session: store.fail(session, held, {"code": "WORKER_DIED", "message": "x"}))
    assert database.write_now(lambda session: lost_rows.take_over(session, mine))
    assert state(database, job) == ("PENDING", "queued", 1)


def test_progress_does_not_hide_that_a_job_is_being_cancelled(database):
    job = queued(database)
    held = claim(database)
    database.write_now(lambda session: store.request_cancel(session, job))
    database.write_now(lambda session: store.progress(session, [(held, Report(REPORT))]))
    assert state(database, job) == ("RUNNING", "cancelling", 1)

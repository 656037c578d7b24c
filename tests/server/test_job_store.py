"""The job table: fencing, leases, take-over, and races between threads."""

import contextlib
import threading
from datetime import timedelta

import pytest
from alphintra_kernel.usage import Usage
from alphintra_server import outbox
from alphintra_server.db import Database, DatabaseInUseError
from alphintra_server.db.engine import database_now
from alphintra_server.db.outage import DatabaseAwayError
from alphintra_server.db.tables import JobLogRow, JobRow, OutboxRow
from alphintra_server.errors import Conflict, TooMany
from alphintra_server.jobs import fair_queue, store
from alphintra_server.jobs.store import FencedOutError, Report
from alphintra_server.limits import Limits, UserLimits
from sqlalchemy import event, func, select, text, update

from .databases import migrated

REPORT = {"fraction": 0.5, "phase": "running", "bar_time": None, "eta_seconds": None}
LIMITS = Limits(UserLimits(jobs=1000))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path):
    postgresql = request.param == "postgresql"
    made = migrated(request.getfixturevalue("migrated_postgres_url") if postgresql else sqlite(tmp_path))
    yield made
    made.close()


def sqlite(folder):
    return f"sqlite:///{folder / 'a b?#.sqlite'}"


only_sqlite = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


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
    assert row.error["message"] == "Its server was lost 3 times while it ran."
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
    (seen,) = database.read_now(store.find_lost)
    mine = database.write_now(lambda session: store.seize(session, seen, "settler"))
    database.write_now(lambda session: store.request_cancel(session, job))
    assert database.write_now(lambda session: store.take_over(session, mine)).status == "CANCELLED"


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


def test_threads_racing_for_claims_get_each_job_once(database):
    jobs = {queued(database, f"user {number % 5}") for number in range(60)}
    claimed, failures = [], []

    def work(owner):
        try:
            while (held := claim(database, owner)) is not None:
                claimed.append(held.job_id)
        except Exception as error:  # noqa: BLE001  shown by the assertion
            failures.append(error)

    together(*(lambda owner=f"boot {number}": work(owner) for number in range(4)))
    assert failures == []
    assert sorted(claimed) == sorted(jobs)


def together(*works):
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_no_user_gets_more_than_their_share_however_many_servers_claim(database):
    """Whoever counts the running jobs while another claims would see too few."""
    limits = Limits(UserLimits(jobs=2), {"big": UserLimits(jobs=3)})
    for user in ("a", "b", "big"):
        for _ in range(6):
            queued(database, user)
    claimed = []

    def work(owner):
        while True:
            held = database.write_now(lambda session: fair_queue.claim(session, owner, limits=limits))
            if held is None:
                return
            claimed.append(held)

    together(*(lambda owner=f"boot {number}": work(owner) for number in range(4)))
    counts = {user: sum(held.user_id == user for held in claimed) for user in ("a", "b", "big")}
    assert counts == {"a": 2, "b": 2, "big": 3}
    # Whoever has room again is served again.
    database.write_now(lambda session: store.complete(session, claimed[0], log=[]))
    again = database.write_now(lambda session: fair_queue.claim(session, "x", limits=limits))
    assert again.user_id == claimed[0].user_id


def test_a_bound_of_the_queue_holds_however_many_ask(database):
    made = [
        database.write_now(
            lambda session: store.create(session, user_id="u", kind="backtest", resource_id="r").id
        )
        for _ in range(12)
    ]
    refused = []

    def ask(job_id):
        try:
            database.write_now(lambda session: fair_queue.queue(session, job_id, max_queued=5))
        except TooMany as error:
            refused.append((error.code, error.headers["Retry-After"]))

    together(*(lambda job_id=job_id: ask(job_id) for job_id in made))
    assert refused == [("QUEUE_FULL", "30")] * 7
    waiting = [state(database, job_id)[1] for job_id in made]
    assert waiting.count("queued") == 5


def test_a_costly_job_gives_the_turn_to_others(database):
    """Who runs a sweep on all cores has had more than who runs two plain backtests."""

    def add(user, cost):
        def work(session):
            row = store.create(session, user_id=user, kind="backtest", resource_id="r", cost=cost)
            return fair_queue.queue(session, row.id, max_queued=100).id

        return database.write_now(work)

    sweep, plain = add("a", 4), [add("a", 1), add("b", 1), add("b", 1), add("b", 1)]
    assert [claim(database).job_id for _ in range(5)] == [sweep, plain[1], plain[2], plain[3], plain[0]]


def test_places_in_the_queue_follow_the_turns(database):
    jobs = [queued(database, user) for user in ("a", "a", "b", "c", "b")]
    last = low(database, "d")

    def work(session):
        rows = [session.get_one(JobRow, job_id) for job_id in (*jobs, last)]
        return fair_queue.positions(session, rows)

    places = database.read_now(work)
    assert [places[job_id] for job_id in jobs] == [1, 4, 2, 3, 5]
    assert places[last] == 6
    assert [claim(database).job_id for _ in range(3)] == [jobs[0], jobs[2], jobs[3]]


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
    (seen,) = database.read_now(store.find_lost)
    database.write_now(lambda session: store.heartbeat(session, [held]))
    assert database.write_now(lambda session: store.seize(session, seen, "b")) is None
    assert database.write_now(lambda session: store.take_over(session, seen)) is None
    assert state(database, job) == ("RUNNING", "starting", 1)
    # Of two servers that saw the same lost job, one takes it over.
    expire(database, job)
    (seen,) = database.read_now(store.find_lost)
    (also,) = database.read_now(store.find_lost)
    mine, others = [
        database.write_now(lambda session, row=row, owner=owner: store.seize(session, row, owner))
        for row, owner in ((seen, "b"), (also, "c"))
    ]
    assert (mine.owner, others) == ("b", None)
    # From here on its server can write nothing, whatever is killed of it.
    with pytest.raises(FencedOutError):
        database.write_now(lambda session: store.fail(session, held, {"code": "WORKER_DIED", "message": "x"}))
    assert database.write_now(lambda session: store.take_over(session, mine))
    assert state(database, job) == ("PENDING", "queued", 1)


def test_progress_does_not_hide_that_a_job_is_being_cancelled(database):
    job = queued(database)
    held = claim(database)
    database.write_now(lambda session: store.request_cancel(session, job))
    database.write_now(lambda session: store.progress(session, [(held, Report(REPORT))]))
    assert state(database, job) == ("RUNNING", "cancelling", 1)


def test_each_users_events_are_numbered_without_gaps_whoever_writes_them(database):
    """Several servers write events of the same users at once, and every third transaction is rolled back."""

    def write(number):
        def work(session):
            outbox.append(session, f"user {number % 2}", "job", {"number": number})
            if number % 3 == 0:
                raise RuntimeError("rolled back")

        with contextlib.suppress(RuntimeError):
            database.write_now(work)

    together(*(lambda first=first: [write(number) for number in range(first, 60, 4)] for first in range(4)))
    for user in ("user 0", "user 1"):
        query = select(OutboxRow.sequence).where(OutboxRow.user_id == user).order_by(OutboxRow.event_id)
        found = database.read_now(lambda session, query=query: list(session.scalars(query)))
        assert found == list(range(1, 21))


def test_reports_of_many_jobs_by_two_servers_do_not_wait_for_each_other(database):
    """Each transaction locks many jobs of the same users, in one order."""
    for number in range(12):
        queued(database, f"user {number % 2}")
    held = [claim(database, "one" if number % 2 else "two") for number in range(12)]
    failures = []

    def report(claims):
        try:
            for _ in range(5):
                reports = [(claim, Report(REPORT, ["x"])) for claim in claims]
                assert database.write_now(lambda session, reports=reports: store.progress(session, reports)) == set()
        except Exception as error:  # noqa: BLE001  shown by the assertion
            failures.append(error)

    mixed = [held[::2] + held[1::2], held[::-1], held]
    together(*(lambda claims=claims: report(claims) for claims in mixed))
    assert failures == []


def test_events_tell_the_whole_life_in_order_without_gaps(database):
    job = queued(database)
    held = claim(database)
    report = {"fraction": 0.5, "phase": "running", "bar_time": None, "eta_seconds": 1.0}
    database.write_now(lambda session: store.progress(session, [(held, Report(report))]))
    database.write_now(lambda session: store.fail(session, held, {"code": "X", "message": "bad"}))
    rows = database.read_now(lambda session: list(session.scalars(select(OutboxRow).order_by(OutboxRow.event_id))))
    assert [row.sequence for row in rows] == [1, 2, 3, 4, 5]
    told = [(row.payload["status"], row.payload["phase"], row.payload["message"]) for row in rows]
    assert told == [
        ("PENDING", "created", "created"),
        ("PENDING", "queued", "queued"),
        ("RUNNING", "starting", "started"),
        ("RUNNING", "running", ""),
        ("FAILED", "failed", "bad"),
    ]
    assert {row.payload["job_id"] for row in rows} == {job}


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
    from datetime import UTC, datetime

    found = database.read_now(database_now)
    assert abs((found - datetime.now(UTC)).total_seconds()) < 1


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

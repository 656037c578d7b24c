"""What the job table tells: events numbered per user, whoever writes them."""

import contextlib

from alphintra_server import outbox
from alphintra_server.db.tables import OutboxRow
from alphintra_server.jobs import store
from alphintra_server.jobs.store import Report
from sqlalchemy import select

from .stored_jobs import REPORT, claim, queued, together


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

"""Jobs in a database, without a server: made, claimed, lost."""

import threading
from datetime import timedelta

from alphintra_server.db.engine import database_now
from alphintra_server.db.tables import JobRow
from alphintra_server.jobs import fair_queue, lost_rows, store
from alphintra_server.limits import Limits, UserLimits
from sqlalchemy import update

REPORT = {"fraction": 0.5, "phase": "running", "bar_time": None, "eta_seconds": None}
LIMITS = Limits(UserLimits(jobs=1000))


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
        for row in lost_rows.find_lost(session, **given):
            assert lost_rows.take_over(session, row)
            taken.append(row.status)
        return taken

    return database.write_now(work)


def together(*works):
    threads = [threading.Thread(target=work) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

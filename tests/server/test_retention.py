"""What is kept of jobs that have ended: by age, by size, never what is read; and what a reader is told afterwards."""

import logging
import uuid
from datetime import timedelta

import pytest
from alphintra_server.db.engine import database_now
from alphintra_server.db.tables import IdempotencyRow, JobLogRow, JobRow
from alphintra_server.db.types import utc_now
from alphintra_server.jobs.lost import LostJobs
from alphintra_server.jobs.retention import Kept, Retention
from sqlalchemy import select, update

from .databases import migrated

DATA = "us-equities-daily/AAPL"
DAY = timedelta(days=1)


class Attic:
    """A table of jobs with their folders."""

    def __init__(self, url, folder):
        self.database = migrated(url)
        self.folder = folder / "jobs"
        self.folder.mkdir()

    def add(self, age, *, user="u", size=0, used=None, status="COMPLETED"):
        job_id = uuid.uuid4().hex
        ended = utc_now() - age
        used_at = None if used is None else utc_now() - used

        def work(session):
            row = JobRow(id=job_id, user_id=user, kind="backtest", resource_id="r", status=status, phase="finished")
            row.attempt, row.output_bytes, row.used_at = 1, size, used_at
            row.created_at = row.finished_at = row.updated_at = ended
            session.add(row)
            session.flush()
            session.add(JobLogRow(job_id=job_id, lines=["x"]))

        self.database.write_now(work)
        out = self.folder / job_id / "1" / "out"
        out.mkdir(parents=True)
        (out / "result.json").write_text("{}")
        return job_id

    async def prune(self, **kept):
        return await Retention(self.database, self.folder, Kept(**kept), logging.getLogger("test")).look()

    def left(self):
        query = select(JobRow.id).where(JobRow.pruned_at.is_(None))
        kept = self.database.read_now(lambda session: set(session.scalars(query)))
        folders = {path.name for path in self.folder.iterdir()}
        return kept, folders

    def logs(self):
        return self.database.read_now(lambda session: set(session.scalars(select(JobLogRow.job_id))))


@pytest.fixture(params=["sqlite", "postgresql"])
def attic(request, tmp_path):
    on_postgresql = request.param == "postgresql"
    url = request.getfixturevalue("migrated_postgres_url") if on_postgresql else f"sqlite:///{tmp_path / 'a'}"
    made = Attic(url, tmp_path)
    yield made
    made.database.close()


async def test_old_output_goes_unless_it_was_read_lately(attic):
    old, young = attic.add(91 * DAY), attic.add(89 * DAY)
    read, read_long_ago = attic.add(400 * DAY, used=10 * DAY), attic.add(400 * DAY, used=91 * DAY)
    assert await attic.prune(days=90) == 2
    kept, folders = attic.left()
    assert kept == folders == attic.logs() == {young, read}
    assert {old, read_long_ago} & kept == set()
    assert await attic.prune(days=90) == 0


async def test_too_much_output_of_one_user_goes_least_read_first(attic):
    mine = [attic.add(number * DAY, size=100) for number in (9, 7, 5, 3)]
    favourite = attic.add(30 * DAY, size=100, used=2 * DAY)
    others = attic.add(60 * DAY, user="other", size=250)
    assert await attic.prune(user_bytes=250) == 3
    # The two that were read or made last have room; the other user has room of their own.
    assert attic.left()[0] == {favourite, mine[3], others}


async def test_what_was_read_within_a_day_stays_however_much_it_is(attic):
    fresh = [attic.add(timedelta(hours=number), size=1000) for number in (1, 5, 20)]
    read = attic.add(80 * DAY, size=1000, used=timedelta(hours=3))
    old = attic.add(2 * DAY, size=1000)
    assert await attic.prune(user_bytes=1) == 1
    assert attic.left()[0] == {*fresh, read}
    assert old not in attic.left()[1]


async def test_somebody_who_begins_to_read_in_the_last_moment_keeps_it(attic):
    job = attic.add(91 * DAY)
    retention = Retention(attic.database, attic.folder, Kept(), logging.getLogger("test"))
    assert attic.database.read_now(retention._due) == [job]
    attic.database.write_now(
        lambda session: session.execute(update(JobRow).values(used_at=database_now(session))) and None
    )
    assert await retention._prune(job) is False
    assert attic.left() == ({job}, {job})


async def test_logs_of_failed_jobs_and_old_answers_go_too(attic):
    failed, fresh = attic.add(91 * DAY, status="FAILED"), attic.add(DAY, status="FAILED")

    def answers(session):
        for key, age in (("old", 25), ("new", 23)):
            row = IdempotencyRow(user_id="u", route="r", key=key, request_hash="h", status=201, headers={}, body="{}")
            row.created_at = utc_now() - timedelta(hours=age)
            session.add(row)

    attic.database.write_now(answers)
    assert await attic.prune() == 0
    assert attic.logs() == {fresh}
    assert attic.database.read_now(lambda session: list(session.scalars(select(IdempotencyRow.key)))) == ["new"]
    assert failed in attic.left()[0]


def test_a_server_that_died_between_mark_and_removal_leaves_nothing_for_good(attic):
    job, other = attic.add(DAY), attic.add(DAY)
    attic.database.write_now(
        lambda session: session.execute(update(JobRow).where(JobRow.id == job).values(pruned_at=utc_now())) and None
    )
    LostJobs(attic.database, attic.folder, "boot", logging.getLogger("test")).remove_leftovers()
    assert attic.left() == ({other}, {other})


async def test_pruned_results_are_410_and_the_rest_stays(api, services, make_strategy, finished):
    made = []
    for _ in range(2):
        strategy = await make_strategy()
        path = f"/api/strategies/code/{strategy['id']}/execute"
        made.append((await api("POST", path, {"dataset_id": DATA})).json)
    for item in made:
        assert (await finished(item["backtest_id"]))["pruned_at"] is None
    first, second = (f"/api/backtests/{item['backtest_id']}" for item in made)
    ids = [item["backtest_id"] for item in made]

    def used(job_id):
        return services.database.read_now(lambda session: session.get_one(JobRow, job_id).used_at)

    def age(session):
        past = utc_now() - 100 * DAY
        session.execute(update(JobRow).values(finished_at=past, used_at=None))

    # Results, report and a comparison each keep what they read; a list does not.
    for ask in (
        lambda: api("GET", f"{first}/results"),
        lambda: api("GET", f"{first}/report"),
        lambda: api("POST", "/api/backtests/compare", {"ids": ids}),
    ):
        await services.database.write(age)
        assert (await api("GET", "/api/backtests")).status == 200
        assert used(made[0]["job_id"]) is None
        assert (await ask()).status == 200
        assert used(made[0]["job_id"]) is not None
    assert used(made[1]["job_id"]) is not None
    await services.database.write(
        lambda session: session.execute(
            update(JobRow).where(JobRow.id == made[0]["job_id"]).values(used_at=utc_now() - 95 * DAY)
        ) and None
    )  # fmt: skip
    assert await services.retention.look() == 1
    for path in ("/results", "/results?view=true", "/trades", "/report"):
        address, _, query = path.partition("?")
        reply = await api("GET", f"{first}{address}", params=dict([query.split("=")]) if query else None)
        assert (reply.status, reply.json["code"]) == (410, "RESULTS_PRUNED"), path
    reply = await api("POST", "/api/backtests/compare", {"ids": ids})
    assert (reply.status, reply.json["code"]) == (410, "RESULTS_PRUNED")
    for path in ("/results", "/trades", "/report"):
        assert (await api("GET", f"{second}{path}")).status == 200
    job = (await api("GET", first)).json
    assert job["status"] == "COMPLETED"
    assert job["metrics"]["total_return"] == 0.25
    assert job["pruned_at"] is not None
    assert job["log"] == []
    assert (await api("GET", f"/api/jobs/{made[0]['job_id']}")).json["pruned_at"] == job["pruned_at"]

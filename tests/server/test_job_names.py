"""Looking for jobs by their names: alike on both databases, whatever the letters, and by an index alone."""

import importlib

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alphintra_server.auth import Caller
from alphintra_server.jobs import store
from alphintra_server.models.jobs import JobQuery
from alphintra_server.services.jobs import Jobs
from sqlalchemy import text

NAMES = ("Überflieger auf AAPL", "STRASSE", "50 % of it", "a_b", "İstanbul", "other")
MIGRATION = importlib.import_module("alphintra_server.db.migrations.versions.0006_job_names")
WHO = Caller("u", ("trader",))


@pytest.fixture
def named(database):
    def work(session):
        for name in NAMES:
            store.create(session, user_id="u", kind="backtest", resource_id="r", name=name)
        store.create(session, user_id="somebody else", kind="backtest", resource_id="r", name=NAMES[0])

    database.write_now(work)
    return database


@pytest.mark.parametrize(
    ("part", "found"),
    [
        ("ÜBERFL", {NAMES[0]}),
        ("straße", {NAMES[1]}),
        ("50 %", {NAMES[2]}),
        ("a%b", set()),
        ("A_B", {NAMES[3]}),
        ("a b", set()),
        ("istanbul", set()),
        ("i\u0307stanbul", {NAMES[4]}),
        ("t", {NAMES[1], NAMES[2], NAMES[4], NAMES[5]}),
        ("nobody", set()),
    ],
)
async def test_a_part_of_a_name_is_found_in_any_case(named, part, found):
    jobs = Jobs(named, lambda: None)
    pages = [await jobs.search(WHO, JobQuery(q=part, limit=limit), "/api/jobs") for limit in (50, 1)]
    assert {job.name for job in pages[0].items} == found
    assert [page.pagination.total for page in pages] == [len(found)] * 2
    assert len(pages[1].items) == min(len(found), 1)


async def test_what_was_there_before_is_found_too(named):
    with named.write_engine.begin() as connection, Operations.context(MigrationContext.configure(connection)):
        MIGRATION.downgrade()
        MIGRATION.upgrade()
    page = await Jobs(named, lambda: None).search(WHO, JobQuery(q="ÜBER"), "/api/jobs")
    assert [job.name for job in page.items] == [NAMES[0]]


def test_a_count_reads_an_index_and_nothing_else(named):
    """On PostgreSQL the planner decides by the size of the table: a small one is told not to read it whole."""
    place = "instr" if named.is_sqlite else "strpos"
    query = f"SELECT count(*) FROM jobs WHERE user_id = 'u' AND status IN ('a', 'b') AND {place}(name_folded, 'x') > 0"
    if named.is_sqlite:
        plan = named.read_now(lambda session: session.execute(text(f"EXPLAIN QUERY PLAN {query}")).all())
        assert "USING COVERING INDEX ix_jobs_user_id_status_kind_name_folded" in str(plan)
        return

    def work(session):
        session.execute(text("SET LOCAL enable_seqscan = off"))
        session.execute(text("SET LOCAL enable_bitmapscan = off"))
        return session.execute(text(f"EXPLAIN {query}")).all()

    assert "Index Only Scan using ix_jobs_user_id_status_kind_name_folded" in str(named.read_now(work))

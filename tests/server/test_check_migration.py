"""The migration of checks: jobs of before are of normal priority, and it can be undone."""

import importlib
import io
import sqlite3
from contextlib import closing

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alphintra_server.db import Database
from alphintra_server.db.migrate import upgrade
from sqlalchemy import inspect, text

LATER = [
    importlib.import_module(f"alphintra_server.db.migrations.versions.{name}")
    for name in ("0015_check_inputs", "0009_version_requests", "0007_datasets", "0006_job_names", "0005_jobs")
]
MIGRATION = importlib.import_module("alphintra_server.db.migrations.versions.0004_checks")


def test_jobs_of_before_are_of_normal_priority_and_the_way_back_is_open(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'old.sqlite'}")
    upgrade(database.write_engine, MIGRATION.down_revision)
    with closing(sqlite3.connect(tmp_path / "old.sqlite")) as plain, plain:
        columns = [row[1] for row in plain.execute("PRAGMA table_info(jobs)")]
        assert "priority" not in columns
        values = dict.fromkeys(columns, "0") | {"id": "old", "kind": "backtest"}
        names = ", ".join(f":{name}" for name in columns)
        plain.execute(f"INSERT INTO jobs ({', '.join(columns)}) VALUES ({names})", values)
    upgrade(database.write_engine)
    with database.write_engine.begin() as connection:
        assert connection.execute(text("SELECT id, priority FROM jobs")).all() == [("old", 0)]
        with Operations.context(MigrationContext.configure(connection)):
            for later in LATER:
                later.downgrade()
            MIGRATION.downgrade()
        assert connection.execute(text("SELECT id FROM jobs")).all() == [("old",)]
        assert not {"check_plans", "check_runs"} & set(inspect(connection).get_table_names())
    database.close()


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_it_is_plain_sql_for_both_databases(dialect):
    written = io.StringIO()
    context = MigrationContext.configure(
        dialect_name=dialect, opts={"as_sql": True, "output_buffer": written}
    )
    with Operations.context(context):
        MIGRATION.upgrade()
        MIGRATION.downgrade()
    heads = [" ".join(line.split()[:3]) for line in written.getvalue().split(";") if line.strip()]
    assert heads == [
        "ALTER TABLE jobs",
        "CREATE TABLE check_plans",
        "CREATE INDEX ix_check_plans_due_at",
        "CREATE TABLE check_runs",
        "CREATE INDEX ix_check_runs_strategy_id_created_at",
        "DROP TABLE check_runs",
        "DROP TABLE check_plans",
        "DELETE FROM jobs",
        "ALTER TABLE jobs",
    ]

"""The migration of datasets: those that shipped, and what was run on them, stay; and it can be undone."""

import importlib

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alphintra_server.db import Database
from alphintra_server.db.migrate import upgrade
from alphintra_server.db.tables import DatasetRow
from sqlalchemy import inspect, text

LATER = [
    importlib.import_module(f"alphintra_server.db.migrations.versions.{name}")
    for name in ("0015_check_inputs", "0009_version_requests")
]
MIGRATION = importlib.import_module("alphintra_server.db.migrations.versions.0007_datasets")
DAY = "2020-01-02 00:00:00"
OLD = {
    "id": "d1", "name": "us-Équities", "description": "", "source": "PLATFORM", "asset_class": "STOCKS",
    "symbols": '["AAPL", "MSFT"]', "timeframe": "1d", "start_date": DAY, "end_date": DAY, "columns": '["close"]',
    "row_count": 3, "file_size": 4, "is_validated": True, "validation_errors": "[]", "content_hash": "sha256:1",
    "manifest": '{"currency": "USD", "closes_only": true, "notes": [{"text": "few"}]}', "withdrawn": False,
    "created_at": DAY, "updated_at": DAY,
}  # fmt: skip


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_what_ships_and_what_was_run_on_it_stay_and_the_way_back_is_open(dialect, tmp_path, request):
    url = f"sqlite:///{tmp_path / 'old.sqlite'}" if dialect == "sqlite" else request.getfixturevalue("postgres_url")
    database = Database(url)
    upgrade(database.write_engine, MIGRATION.down_revision)
    with database.write_engine.begin() as connection:
        connection.execute(text(f"INSERT INTO datasets ({', '.join(OLD)}) VALUES (:{', :'.join(OLD)})"), OLD)
        strategy = {"id": "s1", "at": DAY}
        connection.execute(
            text(
                "INSERT INTO strategies (id, user_id, name, description, language, sdk_version, status, tags, version,"
                " created_at, updated_at) VALUES (:id, 'u', 'n', '', 'python', '1', 'DRAFT', '[]', 1, :at, :at)"
            ),
            strategy,
        )
        connection.execute(
            text(
                "INSERT INTO check_plans (strategy_id, user_id, dataset_id, symbols, settings, on_save, on_dataset,"
                " at, weekday, version_seen, dataset_seen, revision, created_at, updated_at) VALUES"
                " (:id, 'u', 'd1', '[]', '{}', :no, :no, '', '', 1, '', 1, :at, :at)"
            ),
            strategy | {"no": False},
        )
    upgrade(database.write_engine)
    row = database.read_now(lambda session: session.get_one(DatasetRow, "d1"))
    assert (row.name, row.unique_name, row.name_folded) == ("us-Équities", "us-Équities", "us-équities")
    assert (row.symbol_count, row.column_count, row.state, row.tags) == (2, 1, "ACTIVE", [])
    assert row.about == {
        "prices": None, "currency": "USD", "calendar": None, "license": None, "tradable": False, "notes": ["few"],
    }  # fmt: skip
    with database.write_engine.begin() as connection:
        connection.execute(
            text("UPDATE datasets SET user_id = 'u', name = 'mine', unique_name = 'abc' WHERE id = 'd1'")
        )
        with Operations.context(MigrationContext.configure(connection)):
            for later in LATER:
                later.downgrade()
            MIGRATION.downgrade()
        assert connection.execute(text("SELECT name, withdrawn FROM datasets")).all() == [("abc", 1)]
        assert connection.execute(text("SELECT dataset_id FROM check_plans")).all() == [("d1",)]
        gone = {"uploads", "dataset_versions", "storage_accounts", "version_requests"}
        assert not gone & set(inspect(connection).get_table_names())
    database.close()

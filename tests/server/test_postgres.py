"""The same server on PostgreSQL, by its address alone."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from alphintra_server.db import Database
from alphintra_server.db.check_tables import CheckPlanRow
from alphintra_server.db.migrate import upgrade
from alphintra_server.db.tables import Base, DatasetRow
from alphintra_server.services.shipped_datasets import bring_up
from sqlalchemy import func, inspect, select, text

ROOT = Path(__file__).resolve().parents[2]
DATA = "us-equities-daily/AAPL"


@pytest.fixture
def database(postgres_url):
    made = Database(postgres_url)
    yield made
    made.close()


def test_the_migrations_give_the_tables(database):
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    upgrade(database.write_engine)
    upgrade(database.write_engine)
    found = inspect(database.read_engine).get_table_names()
    assert CheckPlanRow.__tablename__ in found
    with database.read_engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []


def test_servers_that_start_at_once_on_a_new_database_make_it_together(postgres_url):
    databases = [Database(postgres_url) for _ in range(3)]
    ready, failures = threading.Barrier(len(databases)), []

    def start(database):
        try:
            ready.wait()
            upgrade(database.write_engine)
            ready.wait()
            bring_up(database)
        except Exception as error:  # noqa: BLE001  shown by the assertion
            ready.abort()
            failures.append(error)

    threads = [threading.Thread(target=start, args=(database,)) for database in databases]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert databases[0].read_now(lambda session: session.scalar(select(func.count()).select_from(DatasetRow))) > 0
    # What waits for a lock later waits as usual.
    with databases[0].write_engine.connect() as connection:
        assert connection.execute(text("SHOW lock_timeout")).scalar_one() == "10s"
    for database in databases:
        database.close()


class TestRest:
    @pytest.fixture
    def settings(self, postgres_url):
        return {"database_url": postgres_url}

    @pytest.fixture
    def worker_argv(self):
        return None

    async def test_a_backtest_from_code_to_trades(self, api, finished, make_strategy, data_dir):
        code = (
            "import alphintra as al\n\n\nclass Turn(al.Strategy):\n    def on_bar(self):\n"
            "        if self.bar_index % 20 == 0:\n            self.buy(quantity=10)\n"
            "        elif self.bar_index % 20 == 10:\n            self.close()\n"
        )
        strategy = await make_strategy(code)
        path = f"/api/strategies/code/{strategy['id']}/execute"
        reply = await api("POST", path, {"dataset_id": DATA, "start_date": "2012-01-03"})
        assert reply.status == 202, reply.json
        job = await finished(reply.json["backtest_id"], seconds=180)
        assert job["status"] == "COMPLETED", job["error"]
        trades = (await api("GET", f"/api/backtests/{job['id']}/trades", params={"limit": 200})).json
        closed = [item for item in trades["items"] if item["exit_time"] is not None]
        assert len(closed) == job["metrics"]["total_trades"] > 10
        assert (await api("GET", f"/api/backtests/{job['id']}/results")).json["metrics"]["total_trades"] > 10
        assert [item["id"] for item in (await api("GET", "/api/backtests")).json["items"]] == [job["id"]]
        assert (await api("GET", "/ready")).status == 200
        # Nothing of it went into a file of ours.
        assert not list(data_dir.glob("*.sqlite*"))


def test_a_killed_test_run_leaves_no_server():
    code = (
        "import time; from tests.postgres import PostgresServer\n"
        "server = PostgresServer(); print(server.folder, flush=True); time.sleep(600)"
    )
    run = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    line = run.stdout.readline().strip()
    if not line:
        pytest.skip("NO POSTGRESQL HERE: the server did not start")
    folder = Path(line)
    postmaster = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    until = time.monotonic() + 120
    while folder.exists() and time.monotonic() < until:
        time.sleep(0.05)
    assert not folder.exists()
    assert not Path(f"/proc/{postmaster}").exists()

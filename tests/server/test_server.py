"""The server itself: health under load, problems, OpenAPI, metrics, migrations, settings."""

import asyncio
import importlib
import io
import json
import re
import signal
import sqlite3
import threading
from contextlib import closing
from pathlib import Path

import alphintra as al
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alphintra_kernel.levels import LEVELS
from alphintra_server.auth import SCOPES
from alphintra_server.db import Database
from alphintra_server.db.migrate import upgrade
from alphintra_server.db.tables import Base
from alphintra_server.openapi import document
from alphintra_server.routes import ROUTES
from alphintra_server.services.workspace import refusal
from sqlalchemy import text

from alphintra_kernel import kernel_home

from .attempts import until


async def test_health_answers_during_a_slow_query(api, services):
    begun, answered = threading.Event(), threading.Event()

    def wait() -> int:
        begun.set()
        return answered.wait(120)

    def work(session):
        session.connection().connection.driver_connection.create_function("wait", 0, wait)
        return session.execute(text("SELECT wait()")).scalar()

    slow = asyncio.ensure_future(services.database.read(work))
    assert await asyncio.to_thread(begun.wait, 120)
    reply = await api("GET", "/health")
    assert (reply.status, reply.json) == (200, {"status": "ok"})
    # In the loop of the server it would have had its answer first.
    assert not slow.done()
    answered.set()
    assert await slow == 1


async def test_health_answers_while_a_large_text_is_parsed(api, services):
    assert (await api("POST", "/api/code/validate", {"code": "x = 1"})).status == 200
    # It takes as long as the parsers stand still.
    stopped = [*services.parser._all]
    for child in stopped:
        child._process.signal(signal.SIGSTOP)
    slow = asyncio.ensure_future(api("POST", "/api/code/validate", {"code": "x = 1\n" * 30_000}))
    try:
        await until(lambda: not services.parser._idle)
        assert (await api("GET", "/health")).status == 200
        # In this process it would have been parsed by now.
        assert not slow.done()
    finally:  # who stands still ends at no signal but one
        for child in stopped:
            child._process.signal(signal.SIGCONT)
    assert (await slow).status == 200


async def test_ready_says_no_when_the_supervisor_is_down(api, services):
    assert (await api("GET", "/ready")).status == 200
    await services.supervisor.stop()
    reply = await api("GET", "/ready")
    assert (reply.status, reply.json["checks"]) == (503, {"database": True, "jobs": False})


async def test_problems_have_one_shape(api):
    reply = await api("GET", "/api/backtests/unknown")
    assert reply.kind == "application/problem+json"
    assert reply.json == {
        "type": "https://alphintra.dev/problems/not-found",
        "title": "Not Found",
        "status": 404,
        "detail": "There is no backtest unknown.",
        "code": "NOT_FOUND",
        "errors": [],
        "instance": "/a%40b/api/backtests/unknown",
    }


@pytest.mark.parametrize(
    ("raw", "status", "code"),
    [
        ("{", 400, "NOT_JSON"),
        ('{"name": NaN}', 400, "NOT_JSON"),
        ("\xff", 400, "NOT_JSON"),
        ("[" * 100_000, 400, "NOT_JSON"),
        ("[]", 422, "SCHEMA"),
        ("3", 422, "SCHEMA"),
        ('{"parameters": ' + '{"a":' * 40 + "1" + "}" * 40 + "}", 422, "SCHEMA"),
        ('{"name": "\\ud800", "code": "x"}', 422, "SCHEMA"),
        ('{"name": "' + "x" * (8 << 20) + '"}', 413, "TOO_LARGE"),
    ],
)
async def test_bodies_that_are_not_what_they_should_be(api, raw, status, code):
    data = raw.encode("latin-1") if raw == "\xff" else raw.encode()
    reply = await api("POST", "/api/strategies/code/create", raw=data)
    assert (reply.status, reply.json["code"]) == (status, code)
    assert (await api("GET", "/api/strategies/code")).json["_pagination"]["total"] == 0


async def test_a_mistake_of_the_server_shows_no_traceback(api, services, monkeypatch):
    async def broken(who, query):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(services.datasets, "search", broken)
    reply = await api("GET", "/api/datasets")
    assert (reply.status, reply.json["code"]) == (500, "INTERNAL")
    assert "secret" not in json.dumps(reply.json)
    assert "Traceback" not in json.dumps(reply.json)


async def test_system(api, data_dir, workspace):
    reply = await api("GET", "/api/system")
    found = reply.json
    assert found["owner"] == "local"
    assert found["roles"] == ["admin"]
    assert found["scopes"] == sorted(SCOPES)
    assert found["sandbox"]["level"] in LEVELS
    assert found["sandbox"]["jobs_allowed"] is True
    assert found["sandbox"]["kernel_level"] in LEVELS
    assert found["data_dir"] == str(data_dir)
    assert found["workspace"] == {"usable": True, "refusal": None, "path": str(workspace)}
    assert found["limits"]["max_jobs"] == 2
    assert found["limits"]["job_seconds"] == 600.0
    assert found["limits"]["job_memory"] == 2 << 30
    assert found["defaults"] == {
        "dataset_id": "us-equities-daily/AAPL",
        "initial_capital": "100000",
        "commission": "0",
        "slippage": "0",
    }
    assert {"alphintra", "python", "jupyter_server"} <= set(found["versions"])


async def test_the_network_of_notebooks_is_told_as_its_trader_switched_it(api, data_dir):
    assert (await api("GET", "/api/system")).json["sandbox"]["network"] is True
    home = kernel_home.prepare(data_dir, None)
    kernel_home.switch_network(False, home)
    assert (await api("GET", "/api/system")).json["sandbox"]["network"] is False


async def test_openapi_describes_every_route(api):
    reply = await api("GET", "/api/openapi.json")
    assert reply.json["servers"] == [{"url": "/a%40b"}]
    paths = reply.json["paths"]
    assert set(paths) == {route.path for route in ROUTES} | {"/health", "/ready"}
    for route in ROUTES:
        for verb, described in route.endpoints.items():
            operation = paths[route.path][verb]
            assert operation["security"] == [{"token": [described.scope]}]
            assert str(described.status) in operation["responses"]
            takes = described.body is not None or described.takes is not None
            assert ("requestBody" in operation) == takes
    create = paths["/api/strategies/code/create"]["post"]["requestBody"]
    assert create["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/StrategyCreate"}
    names = {item["name"] for item in paths["/api/backtests"]["get"]["parameters"]}
    assert names == {"limit", "offset", "status", "strategy_id", "dataset_id", "sort"}


def test_openapi_has_no_dangling_reference_and_unique_operations():
    built = document()
    referred = set(re.findall(r'"#/components/schemas/([^"]+)"', json.dumps(built)))
    assert referred <= set(built["components"]["schemas"])
    ids = [op["operationId"] for item in built["paths"].values() for op in item.values()]
    assert len(ids) == len(set(ids))


async def test_metrics_are_in_jupyters_registry(api, jp_fetch):
    await api("GET", "/api/datasets")
    reply = await jp_fetch("metrics")
    text_ = reply.body.decode()
    assert re.search(
        r'http_requests_total\{handler="DatasetsHandler",method="GET",status="200"\} [1-9]', text_
    )
    assert re.search(
        r'http_request_duration_seconds_count\{handler="alphintra_server[^}]*DatasetsHandler"', text_
    )
    assert "alphintra_jobs_running" in text_


def test_migrations_make_exactly_the_tables(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'm.sqlite'}")
    upgrade(database.write_engine)
    upgrade(database.write_engine)
    with database.write_engine.begin() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, Base.metadata) == []
    database.close()


def test_backtests_of_before_costs_had_terms_stay_fractions(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'old.sqlite'}")
    upgrade(database.write_engine, "0001_spine")
    with closing(sqlite3.connect(tmp_path / "old.sqlite")) as plain, plain:  # which asks for no strategy and no job
        columns = [row[1] for row in plain.execute("PRAGMA table_info(backtests)")]
        values = dict.fromkeys(columns, "0") | {"id": "old", "commission": "0.001"}
        names = ", ".join(f":{name}" for name in columns)
        plain.execute(f"INSERT INTO backtests ({', '.join(columns)}) VALUES ({names})", values)
    upgrade(database.write_engine)
    with database.write_engine.begin() as connection:
        asked = text("SELECT commission, commission_terms, slippage_terms FROM backtests")
        assert connection.execute(asked).all() == [("0.001", None, None)]
    database.close()


def test_backtests_of_before_methods_are_plain_runs(tmp_path):
    database = Database(f"sqlite:///{tmp_path / 'old.sqlite'}")
    upgrade(database.write_engine, "0002_costs")
    with closing(sqlite3.connect(tmp_path / "old.sqlite")) as plain, plain:
        for table, key in (("backtests", "id"), ("backtest_results", "backtest_id")):
            columns = [row[1] for row in plain.execute(f"PRAGMA table_info({table})")]
            values = dict.fromkeys(columns, "0") | {key: "old"}
            names = ", ".join(f":{name}" for name in columns)
            plain.execute(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({names})", values)
    upgrade(database.write_engine)
    with database.write_engine.begin() as connection:
        assert connection.execute(text("SELECT profile, method FROM backtests")).all() == [("default", None)]
        counted = "SELECT trials, trial_spread, earlier_trials, earlier_trials_since FROM backtest_results"
        assert connection.execute(text(counted)).all() == [(1, None, 0, None)]
    database.close()


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_the_migration_of_methods_is_plain_sql(dialect):
    module = importlib.import_module("alphintra_server.db.migrations.versions.0003_methods")
    written = io.StringIO()
    context = MigrationContext.configure(
        dialect_name=dialect, opts={"as_sql": True, "output_buffer": written}
    )
    with Operations.context(context):
        module.upgrade()
        module.downgrade()
    statements = [line for line in written.getvalue().split(";") if line.strip()]
    assert len(statements) == 12
    added, dropped = statements[:6], statements[6:]
    first = " ".join(added[0].split())
    assert first == "ALTER TABLE backtests ADD COLUMN profile VARCHAR(40) DEFAULT 'default' NOT NULL"
    assert all("ADD COLUMN" in statement for statement in added)
    assert all("DROP COLUMN" in statement for statement in dropped)


def test_openapi_says_what_each_methodology_takes():
    schemas = document()["components"]["schemas"]
    method = json.dumps(schemas["StrategyExecute"]["properties"]["method"])
    for name in ("SweepMethod", "WalkForwardMethod", "MonteCarloMethod"):
        assert f"#/components/schemas/{name}" in method
    assert set(schemas["BacktestMethodology"]["enum"]) == {"STANDARD", "SWEEP", "WALK_FORWARD", "MONTE_CARLO"}


def test_openapi_says_what_a_cost_may_be():
    schemas = document()["components"]["schemas"]
    for cost, sdk in (("commission", al.Commission), ("slippage", al.Slippage)):
        for body, form in (("StrategyExecute", "Input"), ("BacktestJob", "Output")):
            terms = f"{sdk.__name__}Terms-{form}"
            assert f'"#/components/schemas/{terms}"' in json.dumps(schemas[body]["properties"][cost])
            assert set(schemas[terms]["properties"]) == set(sdk.__dataclass_fields__)


def test_openapi_says_what_the_form_of_a_connector_is_made_of():
    schemas = document()["components"]["schemas"]
    sources = {part["$ref"].rpartition("/")[2] for part in schemas["ConnectorCreate"]["properties"]["source"]["oneOf"]}
    kinds = {schemas[name]["properties"]["kind"]["const"] for name in sources}
    assert kinds == {"http", "exchange", "postgresql"}
    secrets = {name: part["x-kinds"] for name, part in schemas["Secret"]["properties"].items()}
    assert secrets == {"headers": ["http"], "token": ["http"], "password": ["postgresql"]}
    assert set(schemas["Schedule"]["properties"]) == {"cron", "time_zone", "after_close", "minutes"}


class TestFirstStart:
    @pytest.fixture
    def from_nothing(self):
        return True

    async def test_it_makes_its_database(self, data_dir, api):
        assert (data_dir / "alphintra.sqlite").is_file()
        names = {item["name"] for item in (await api("GET", "/api/datasets")).json["items"]}
        assert "us-equities-daily" in names
        assert (await api("GET", "/api/backtests")).json["items"] == []


class TestSecondServer:
    @pytest.fixture
    def held(self, data_dir):
        data_dir.mkdir(exist_ok=True)
        database = Database(f"sqlite:///{data_dir / 'alphintra.sqlite'}")
        yield database
        database.close()

    async def test_says_that_the_data_is_in_use(self, held, api):
        reply = await api("GET", "/api/datasets")
        assert (reply.status, reply.json["code"]) == (503, "UNAVAILABLE")
        assert "is in use by another server (process" in reply.json["detail"]
        assert (await api("GET", "/health")).status == 200
        assert (await api("GET", "/ready")).status == 503


class TestNoSandbox:
    @pytest.fixture
    def settings(self, monkeypatch):
        from alphintra_kernel import levels

        monkeypatch.setattr(levels, "probe_report", lambda: levels.Probe("none", "no namespaces here"))
        return {"allow_unsandboxed_jobs": False}

    async def test_jobs_are_refused_and_it_is_said(self, api, make_strategy):
        strategy = await make_strategy()
        reply = await api("POST", f"/api/strategies/code/{strategy['id']}/execute", {})
        assert (reply.status, reply.json["code"]) == (503, "NO_SANDBOX")
        sandbox = (await api("GET", "/api/system")).json["sandbox"]
        assert (sandbox["level"], sandbox["jobs_allowed"]) == ("none", False)
        assert "no namespaces here" in sandbox["description"]


class TestUnsandboxed:
    @pytest.fixture
    def settings(self, monkeypatch):
        from alphintra_kernel import levels

        monkeypatch.setattr(levels, "probe_report", lambda: levels.Probe("none", "no namespaces here"))
        return {"allow_unsandboxed_jobs": True}

    async def test_jobs_run_and_say_so(self, api, make_strategy, finished):
        strategy = await make_strategy()
        reply = await api("POST", f"/api/strategies/code/{strategy['id']}/execute", {})
        job = await finished(reply.json["backtest_id"])
        assert (job["status"], job["sandbox_level"]) == ("COMPLETED", "none"), job["error"]


class TestRefusedWorkspace:
    @pytest.fixture
    def settings(self, data_dir):
        return {"workspace": str(data_dir)}

    async def test_what_needs_it_says_why_and_the_rest_works(self, api):
        for path, body in [
            ("/api/strategies/code/inspect", {"path": "a.py"}),
            ("/api/strategies/code/from-file", {"path": "a.py"}),
        ]:
            reply = await api("POST", path, body)
            assert (reply.status, reply.json["code"]) == (409, "WORKSPACE_REFUSED")
            assert "because it holds Alphintra's data" in reply.json["detail"]
        assert (await api("GET", "/api/snippets")).status == 200
        assert (await api("GET", "/api/datasets")).status == 200


def test_workspaces_that_are_refused(tmp_path):
    import sys

    good = tmp_path / "w"
    good.mkdir()
    data = tmp_path / "data"
    assert refusal(good, data) is None
    (tmp_path / "link").symlink_to(good)
    assert refusal(tmp_path / "link", data) is None
    server = Path(__file__).resolve().parents[2] / "server_extension" / "alphintra_server"
    for folder, why in [
        (Path.home(), "your home folder"),
        (Path("/"), "your home folder"),
        (Path(sys.prefix), "the Python environment"),
        (Path(sys.prefix) / "lib", "lies inside the Python environment"),
        (server, "Alphintra's own code"),
        (server / "db", "lies inside Alphintra's own code"),
        (tmp_path, "Alphintra's data"),
        (tmp_path / ".git" / "hooks", "lies inside .git"),
    ]:
        assert why in (refusal(folder, data) or ""), folder

"""Connectors over REST: set up, run, gone on with, and what a source may not do."""

import asyncio
import json
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from alphintra.ingest.inspecting import inspect
from prometheus_client import REGISTRY

from . import databases
from .conftest import TestIdentities
from .counted import Counted
from .exchange_server import MINUTE, speak_binance
from .postgres_door import PASSWORD, postgres_door  # noqa: F401  a fixture
from .source_server import source  # noqa: F401  a fixture
from .uploaded import ALICE, as_csv, prices

SECRET = "Bearer s3cret-token"


@pytest.fixture
def worker_argv():
    return (sys.executable, "-P", "-c", Path(__file__).with_name("ingest_worker.py").read_text())


@pytest.fixture
def identities():
    return TestIdentities


@pytest.fixture(params=databases.BOTH)
def settings(request, source):  # noqa: F811
    where = {"connector_networks": ["127.0.0.0/8"], "exchange_urls": {"binance": source.url}}
    return databases.setting(request) | where


def guess(content):
    """How a file is read, as a look at it proposes."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "prices.csv").write_bytes(content)
        return inspect(Path(folder, "prices.csv"), Path(folder)).guess.mapping.to_json()


def counted():
    """Runs by web address that made a version, found nothing new, asked how to read, were refused by the source."""
    runs = [("runs", {"state": state}) for state in ("DONE", "NOTHING_NEW", "NEEDS_MAPPING")]
    return [
        REGISTRY.get_sample_value(f"alphintra_connector_{name}_total", {"kind": "http", **labels}) or 0.0
        for name, labels in [*runs, ("failures", {"reason": "SOURCE_REFUSED"})]
    ]


@pytest.fixture
def run(api):
    """Run a connector by hand; the run as it ended."""

    async def go(connector_id):
        begun = await api("POST", f"/api/connectors/{connector_id}/run", user=ALICE)
        assert begun.status == 202, begun.json
        for _ in range(3_000):
            listed = (await api("GET", f"/api/connectors/{connector_id}/runs", user=ALICE)).json["items"]
            (found,) = [item for item in listed if item["id"] == begun.json["id"]]
            if found["ended_at"] is not None:
                return found
            await asyncio.sleep(0.2)
        raise AssertionError(found)

    return go


async def test_a_file_at_an_address_becomes_a_dataset_and_stays_fresh(
    api, source, run, data_dir, caplog  # noqa: F811
):
    before, rows = counted(), Counted()
    frame = prices(["AAPL", "MSFT"])
    first, later = frame.iloc[:60], frame.iloc[50:].copy()
    source.files["/prices.csv"], source.etags["/prices.csv"] = as_csv(first), '"m1"'

    def guarded(handler):
        if handler.headers.get("Authorization") == SECRET:
            source.give(handler)
        else:
            source.say(handler, 401, (handler.headers.get("Authorization") or "").encode())

    source.answers["/prices.csv"] = guarded
    body = {
        "name": "Prices", "dataset": "fetched", "source": {"kind": "http", "url": source.url + "/prices.csv"},
        "secret": {"headers": {"Authorization": "Bearer wrong-token"}}, "overlap_bars": 3, "tags": ["web"],
        "about": {"asset_class": "STOCKS", "calendar": "weekdays"},
    }  # fmt: skip
    made = await api("POST", "/api/connectors", body, user=ALICE)
    assert made.status == 201, made.json
    address = f"/api/connectors/{made.json['id']}"
    again = await api("POST", "/api/connectors", body, user=ALICE)
    assert (again.status, again.json["code"]) == (409, "CONNECTOR_EXISTS")

    ended = await run(made.json["id"])
    assert (ended["state"], ended["error"]["code"]) == ("FAILED", "SOURCE_REFUSED")
    assert "wrong-token" not in json.dumps(ended)
    shown = (await api("GET", address, user=ALICE)).json
    assert (shown["last_error"]["code"], shown["failures"], shown["running"]) == ("SOURCE_REFUSED", 1, None)
    changed = await api("PATCH", address, {"secret": {"headers": {"Authorization": SECRET}}}, user=ALICE)
    assert (changed.status, changed.json["secrets"]) == (200, ["headers.Authorization"])

    # Nobody has said how it is read: the run leaves an upload, which is looked at as any other.
    ended = await run(made.json["id"])
    assert (ended["state"], ended["error"]["code"]) == ("NEEDS_MAPPING", "NEEDS_MAPPING")
    look = (await api("GET", f"/api/datasets/upload/{ended['upload_id']}/inspection", user=ALICE)).json
    assert (look["dataset_name"], look["filename"], look["state"]) == ("fetched", "prices.csv", "INSPECTING")
    assert (await api("POST", f"/api/jobs/{look['job_id']}/cancel", user=ALICE)).status == 202
    bad = await api("PATCH", address, {"mapping": {"format": "csv", "columns": []}}, user=ALICE)
    assert bad.status == 422
    mapping = json.loads(await asyncio.to_thread(guess, as_csv(first)))
    assert (await api("PATCH", address, {"mapping": mapping}, user=ALICE)).status == 200

    ended = await run(made.json["id"])
    assert (ended["state"], ended["error"]) == ("DONE", None)
    dataset = (await api("GET", "/api/datasets/fetched", user=ALICE)).json
    assert (dataset["source"], dataset["row_count"], dataset["version"]) == ("EXTERNAL", 60, 1)
    state = dataset["source_state"]
    assert (state["connector_id"], state["kind"], state["last_error"]) == (made.json["id"], "http", None)
    assert (state["last_row"], state["next_run_at"], state["running"]) == (dataset["end_date"], None, False)
    assert state["last_success_at"] is not None

    # The source says that it is the same; then that it has more, with the last rows once more, one of them corrected.
    ended = await run(made.json["id"])
    assert (ended["state"], ended["upload_id"]) == ("NOTHING_NEW", None)
    assert source.asked[-1][1]["If-None-Match"] == '"m1"'
    later.loc[59, "Close"] += 0.25
    source.files["/prices.csv"], source.etags["/prices.csv"] = as_csv(later), '"m2"'
    ended = await run(made.json["id"])
    assert (ended["state"], ended["error"]) == ("DONE", None)
    # Nothing is overwritten, and the error blocks use as that of an upload does.
    dataset = (await api("GET", "/api/datasets/fetched", user=ALICE)).json
    assert (dataset["row_count"], dataset["version"], dataset["is_validated"]) == (80, 2, False)
    (error,) = dataset["validation_errors"]
    assert error.startswith("OVERLAP_CONFLICT: the stored row of this time has other values (1 place: prices.csv, row")
    listed = (await api("GET", "/api/datasets", user=ALICE, params={"source": "EXTERNAL"})).json["items"]
    assert [(item["name"], item["source_state"]["last_row"]) for item in listed] == [("fetched", dataset["end_date"])]

    # Each run is counted after its end was written.
    for _ in range(600):
        counts = [now - then for now, then in zip(counted(), before, strict=True)]
        if counts == [2.0, 1.0, 1.0, 1.0]:
            break
        await asyncio.sleep(0.2)
    assert counts == [2.0, 1.0, 1.0, 1.0]
    assert rows.since("connector_rows") == {"connector_rows_total http": 80.0}

    # The secret is in a file of the server's, and nowhere else: no answer, no job, no log, no table.
    job = (await api("GET", f"/api/jobs/{ended['fetch_job_id']}", user=ALICE)).json
    everything = json.dumps([shown, changed.json, ended, job, (await api("GET", address, user=ALICE)).json])
    assert "s3cret" not in everything + caplog.text
    assert b"s3cret" not in b"".join(path.read_bytes() for path in data_dir.glob("alphintra.sqlite*"))
    (kept,) = (data_dir / "secrets").iterdir()
    assert "s3cret" in kept.read_text()
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    # Where the source is moved, the secret does not go along by itself.
    moved = await api("PATCH", address, {"source": {"kind": "http", "url": "https://elsewhere.example/x"}}, user=ALICE)
    assert (moved.status, moved.json["errors"][0]["field"]) == (422, "secret")

    # What was deleted does not come back by itself.
    assert (await api("DELETE", f"/api/datasets/{dataset['id']}", user=ALICE)).status == 202
    ended = await run(made.json["id"])
    assert (ended["state"], ended["error"]["code"]) == ("FAILED", "DATASET_DELETED")
    assert (await api("GET", address, user=ALICE)).json["paused"] is True
    assert (await api("DELETE", address, user=ALICE)).status == 204
    assert (await api("GET", address, user=ALICE)).status == 404
    assert list((data_dir / "secrets").iterdir()) == []
    assert list((data_dir / "jobs").glob("*/*/out/fetched")) == []


@pytest.mark.slow  # the real clients are tested without a sandbox as well, in tests/kernel
async def test_an_exchange_and_a_database_are_read_by_their_own_clients(
    api, source, run, postgres_door, data_dir  # noqa: F811
):
    first = int((datetime.now(UTC) - timedelta(days=2)).timestamp()) // 86_400 * 86_400_000
    speak_binance(source, {"BTCUSDT": [first + n * MINUTE for n in range(40)]})
    body = {
        "name": "Coins", "dataset": "coins", "since": datetime.fromtimestamp(first / 1000, UTC).isoformat(),
        "source": {"kind": "exchange", "exchange": "binance", "symbols": ["BTC/USDT"], "timeframe": "1m"},
        "schedule": {"cron": "*/5 * * * *"}, "paused": True,
    }  # fmt: skip
    made = await api("POST", "/api/connectors", body, user=ALICE)
    assert (made.status, made.json["next_run_at"]) == (201, None), made.json
    address = f"/api/connectors/{made.json['id']}"
    resumed = (await api("PATCH", address, {"paused": False, "schedule": {"after_close": "24/7"}}, user=ALICE)).json
    assert datetime.fromisoformat(resumed["next_run_at"]).strftime("%H:%M") == "00:15"
    ended = await run(made.json["id"])
    assert (ended["state"], ended["error"]) == ("DONE", None)
    dataset = (await api("GET", "/api/datasets/coins", user=ALICE)).json
    assert (dataset["symbols"], dataset["row_count"], dataset["timeframe"]) == (["BTC/USDT"], 40, "1min")
    assert (dataset["asset_class"], dataset["calendar"], dataset["label"]) == ("CRYPTO", "24/7", "open")
    assert (dataset["source"], dataset["adjustment"]) == ("EXTERNAL", "raw")
    assert dataset["source_state"]["next_run_at"] == resumed["next_run_at"]

    postgres_door.owner.execute("CREATE TABLE bars (at timestamptz, symbol text, close float8)")
    postgres_door.owner.execute("INSERT INTO bars VALUES ('2024-01-02 21:00+00', 'A', 1.5)")
    postgres_door.owner.execute("GRANT SELECT ON bars TO fetcher")
    body = {
        "name": "Table", "dataset": "table", "since": "2024-01-01", "secret": {"password": PASSWORD},
        "source": {
            "kind": "postgresql", "host": "localhost", "port": postgres_door.port, "database": postgres_door.database,
            "user": "fetcher", "sslmode": "prefer", "query": "SELECT * FROM bars WHERE at >= %(since)s",
        },
    }  # fmt: skip
    made = await api("POST", "/api/connectors", body, user=ALICE)
    assert (made.status, made.json["secrets"]) == (201, ["password"]), made.json
    ended = await run(made.json["id"])
    assert ended["state"] == "NEEDS_MAPPING", ended
    fetched = (data_dir / "uploads" / ended["upload_id"]).read_text()
    assert fetched == "at,symbol,close\n2024-01-02T21:00:00.000000Z,A,1.5\n"


async def test_what_does_not_go_together_is_refused_with_its_field(api):
    http = {"kind": "http", "url": "https://example.com/x.csv"}
    exchange = {"kind": "exchange", "exchange": "binance", "symbols": ["BTC/USDT"], "timeframe": "1h"}
    postgres = {
        "kind": "postgresql", "host": "db.example.com", "database": "d", "user": "u", "query": "SELECT %(since)s"
    }  # fmt: skip
    for changes, field in (
        ({"source": http | {"url": "ftp://example.com/x"}}, "source.http.url"),
        ({"source": http | {"url": "https://u:p@example.com/x"}}, "source.http.url"),
        ({"source": http | {"url": "https://{token}.example.com/x"}}, "source.http.url"),
        ({"source": http | {"url": "https://example.com/{token}"}}, "secret.token"),
        ({"source": http | {"url": "https://example.com/{start}"}}, "since"),
        ({"source": http | {"proxies": {}}}, "source.http.proxies"),
        ({"source": http, "secret": {"password": "x"}}, "secret"),
        ({"source": http, "secret": {"headers": {"Host": "x"}}}, "secret.headers"),
        ({"source": http, "secret": {"headers": {"X": "a\r\nY: b"}}}, "secret.headers"),
        ({"source": http, "schedule": {"cron": "61 * * * *"}}, "schedule.cron"),
        ({"source": http, "schedule": {"after_close": "XNOWHERE"}}, "schedule.after_close"),
        ({"source": http, "schedule": {"cron": "* * * * *", "after_close": "XNYS"}}, "schedule"),
        ({"source": http, "schedule": {"cron": "* * * * *", "time_zone": "Mars"}}, "schedule.time_zone"),
        ({"source": http, "dataset": "us-equities-daily"}, "dataset"),
        ({"source": exchange}, "since"),
        ({"source": exchange | {"urls": {}}, "since": "2024-01-01"}, "source.exchange.urls"),
        ({"source": postgres}, "since"),
        ({"source": postgres | {"host": "/var/run"}, "since": "2024-01-01"}, "source.postgresql.host"),
        ({"source": postgres | {"host": "a,b"}, "since": "2024-01-01"}, "source.postgresql.host"),
    ):
        reply = await api("POST", "/api/connectors", {"name": "N", "dataset": "d", **changes}, user=ALICE)
        assert (reply.status, reply.json["errors"][0]["field"]) == (422, field), (changes, reply.json)
    assert (await api("GET", "/api/connectors", user=ALICE)).json["items"] == []

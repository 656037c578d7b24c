"""From an uploaded file to a version that a notebook reads and a backtest trades, with the engine's own worker."""

import asyncio
import hashlib
import uuid
from datetime import timedelta

import alphintra as al
import numpy as np
import pandas as pd
import pytest
from alphintra_server.db.dataset_tables import DatasetVersionRow, UploadRow
from alphintra_server.db.tables import DatasetRow
from alphintra_server.db.types import utc_now
from sqlalchemy import func, select

from .conftest import TestIdentities

HOLD = """\
import alphintra as al

class Hold(al.Strategy):
    def on_bar(self):
        if self.data.close[-1] > self.data.open[-1]:
            self.order_target_percent(0.9)
        else:
            self.close()
"""


@pytest.fixture
def worker_argv():
    return None


@pytest.fixture
def identities():
    return TestIdentities


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request):
    """On both databases."""
    if request.param == "sqlite":
        return {}
    return {"database_url": request.getfixturevalue("migrated_postgres_url")}


ALICE = "alice:researcher"


def prices(symbols, days=40, first="2020-01-02"):
    """Made-up daily bars of some symbols, by date and symbol as a download has them."""
    dice = np.random.default_rng(7)
    dates = pd.bdate_range(first, periods=days)
    frames = []
    for number, symbol in enumerate(symbols):
        close = 100 + 10 * number + np.cumsum(dice.normal(0, 1, days)).round(2)
        opened = (close + dice.normal(0, 0.5, days)).round(2)
        frames.append(
            pd.DataFrame(
                {
                    "Date": dates, "Symbol": symbol, "Open": opened, "High": np.maximum(opened, close) + 0.5,
                    "Low": np.minimum(opened, close) - 0.5, "Close": close, "Volume": 1000.0 + np.arange(days),
                }
            )
        )  # fmt: skip
    return pd.concat(frames).sort_values(["Date", "Symbol"], ignore_index=True)


def as_csv(frame):
    return frame.to_csv(index=False, date_format="%Y-%m-%d").encode()


@pytest.fixture
def put(services):
    """Put a file where an upload leaves it, with its row; its id."""

    def upload(content, filename="prices.csv", dataset="prices", user="alice", **more):
        upload_id, now = uuid.uuid4().hex, utc_now()
        path = services.storage.upload(upload_id)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        row = UploadRow(
            id=upload_id, user_id=user, filename=filename, dataset_name=dataset, length=len(content),
            received=len(content), sha256=hashlib.sha256(content).hexdigest(), state="RECEIVED", kept=True,
            expires_at=now + timedelta(days=1), created_at=now, updated_at=now,
        )  # fmt: skip
        for name, value in more.items():
            setattr(row, name, value)
        services.database.write_now(lambda session: session.add(row))
        return upload_id

    return upload


@pytest.fixture
def ended(api):
    async def wait(job_id, user=ALICE):
        for _ in range(2400):
            job = (await api("GET", f"/api/jobs/{job_id}", user=user)).json
            if job["status"] in {"COMPLETED", "FAILED", "CANCELLED"}:
                return job
            await asyncio.sleep(0.05)
        raise AssertionError(job)

    return wait


@pytest.fixture
def look(api, ended):
    """Look at an upload; what was found."""

    async def go(upload_id):
        asked = await api("POST", f"/api/datasets/upload/{upload_id}/inspect", user=ALICE)
        assert asked.status == 202, asked.json
        await ended(asked.json["job_id"])
        return (await api("GET", f"/api/datasets/upload/{upload_id}/inspection", user=ALICE)).json

    return go


@pytest.fixture
def make(api, ended):
    """Make a version of an upload; the job's end."""

    async def go(upload_id, mapping, **more):
        body = {"mapping": mapping, **more}
        asked = await api("POST", f"/api/datasets/upload/{upload_id}/ingest", body, user=ALICE)
        assert asked.status == 202, asked.json
        return await ended(asked.json["job_id"])

    return go


async def test_a_file_becomes_a_version_that_is_read_and_traded(
    api, services, put, look, make, opened, finished, monkeypatch
):
    frame = prices(["AAPL", "MSFT"])
    upload_id = put(as_csv(frame))
    found = await look(upload_id)
    assert (found["state"], found["error"]) == ("INSPECTED", None)
    assert found["inspection"]["questions"] == []
    assert found["inspection"]["rows"][0][:2] == ["2020-01-02", "AAPL"]
    about = {"asset_class": "STOCKS", "currency": "USD", "calendar": "weekdays"}
    job = await make(upload_id, found["inspection"]["mapping"], about=about, tags=["test"])
    assert job["status"] == "COMPLETED", job["error"]
    assert job["sandbox_level"] in {"sandboxed", "none"} or job["sandbox_level"]

    listed = (await api("GET", "/api/datasets/prices", user=ALICE)).json
    assert (listed["symbols"], listed["row_count"], listed["timeframe"]) == (["AAPL", "MSFT"], 80, "1d")
    assert (listed["asset_class"], listed["source"], listed["start_date"][:10]) == ("STOCKS", "USER_UPLOAD", "2020-01-02")

    # As a notebook reads it, through its door.
    door = await opened("alice")
    monkeypatch.setenv("ALPHINTRA_DOOR", str(door.socket))
    monkeypatch.setenv("ALPHINTRA_DOOR_TOKEN", door.token)
    read = await asyncio.to_thread(lambda: al.data.load("prices@1").to_pandas())
    expected = frame.sort_values(["Symbol", "Date"], ignore_index=True)
    assert read.reset_index(drop=True)["close"].tolist() == expected["Close"].tolist()
    assert read.reset_index(drop=True)["volume"].tolist() == expected["Volume"].tolist()
    hash_here = await asyncio.to_thread(lambda: al.data.load("prices").content_hash)
    assert hash_here == listed["content_hash"]

    # A backtest of it over REST is the one on the frame.
    made = await api("POST", "/api/strategies/code/create", {"name": "Hold", "code": HOLD}, user=ALICE)
    body = {"dataset_id": "prices@1/MSFT", "benchmark": "prices/AAPL", "commission": "0.001"}
    asked = await api("POST", f"/api/strategies/code/{made.json['id']}/execute", body, user=ALICE)
    assert asked.status == 202, asked.json
    run = await finished(asked.json["backtest_id"], user=ALICE)
    assert run["status"] == "COMPLETED", run["error"]
    assert (run["dataset_name"], run["benchmark"]) == ("prices@1/MSFT", "prices@1/AAPL")
    results = (await api("GET", f"/api/backtests/{run['id']}/results", user=ALICE)).json
    space = {}
    exec(HOLD, space)
    own = frame[frame.Symbol == "MSFT"].drop(columns="Symbol").set_index("Date").rename(columns=str.lower)
    here = await asyncio.to_thread(
        lambda: al.backtest(
            space["Hold"], data=al.data.with_calendar({"MSFT": own}, calendar="weekdays"), commission=0.001,
            benchmark=frame[frame.Symbol == "AAPL"].drop(columns="Symbol").set_index("Date").rename(columns=str.lower),
        )
    )  # fmt: skip
    assert results["metrics"]["total_trades"] > 3
    assert results["metrics"]["final_equity"] == here.to_dict()["metrics"]["final_equity"]
    one = await asyncio.to_thread(lambda: al.data.load("prices@1/MSFT").content_hash)
    assert results["run"]["dataset_hash"] == one
    assert results["run"]["catalogue_hash"] == listed["content_hash"]


def counts(services, *tables):
    return [services.database.read_now(lambda session, t=t: session.scalar(select(func.count()).select_from(t))) for t in tables]


def files_below(folder):
    """What lies in a folder, without the locks of the store."""
    return sorted(p.name for p in folder.rglob("*") if p.is_file() and not p.name.endswith(".lock"))


async def test_rows_are_added_errors_block_and_nothing_is_left_of_what_cannot_be(
    api, services, put, look, make, data_dir, ended
):
    frame = prices(["AAPL", "MSFT"])
    early, late = frame[frame.Date < "2020-02-03"], frame[frame.Date >= "2020-02-03"]
    found = await look(put(as_csv(early)))
    mapping = found["inspection"]["mapping"]
    job = await make(found["upload_id"], mapping)
    assert job["status"] == "COMPLETED", job["error"]
    again = await look(put(as_csv(late)))
    assert again["inspection"]["remembered"] == mapping
    job = await make(again["upload_id"], mapping, append=True)
    assert job["status"] == "COMPLETED", job["error"]
    listed = (await api("GET", "/api/datasets/prices", user=ALICE)).json
    assert listed["row_count"] == len(frame)
    whole = files_below(data_dir / "datasets")

    # The same rows once more: refused, and nothing of it is anywhere.
    upload_id = put(as_csv(late))
    job = await make(upload_id, mapping, append=True)
    assert (job["status"], job["error"]["code"]) == ("FAILED", "OVERLAP")
    shown = (await api("GET", f"/api/datasets/upload/{upload_id}/inspection", user=ALICE)).json
    assert (shown["state"], shown["error"]["code"], shown["version_id"]) == ("INSPECTED", "OVERLAP", None)
    assert files_below(data_dir / "datasets") == whole
    assert files_below(data_dir / "jobs") == []
    assert counts(services, DatasetVersionRow, DatasetRow)[0] == 2

    # A row that cannot be read: the version is there, says so, and is not traded.
    bad = as_csv(frame).replace(b"2020-01-06,AAPL,", b"2020-01-06,AAPL,oops", 1)
    job = await make(put(bad, "bad.csv", "bad"), mapping)
    assert job["status"] == "COMPLETED", job["error"]
    shown = (await api("GET", "/api/datasets/bad", user=ALICE)).json
    assert (shown["is_validated"], shown["row_count"]) == (False, len(frame) - 1)
    (error,) = shown["validation_errors"]
    assert error.startswith("SCHEMA_TYPE: ")
    assert "bad.csv, row 5 (line 6), column 'Open'" in error
    made = await api("POST", "/api/strategies/code/create", {"name": "Hold", "code": HOLD}, user=ALICE)
    path = f"/api/strategies/code/{made.json['id']}/execute"
    refused = await api("POST", path, {"dataset_id": "bad/AAPL"}, user=ALICE)
    assert (refused.status, refused.json["code"]) == (422, "DATASET_HAS_ERRORS")
    assert "row 5" in refused.json["detail"]

    # What cannot be read at all.
    upload_id = put(b"PK\x03\x04" + bytes(200), "evil.xlsx", "evil")
    shown = await look(upload_id)
    assert (shown["state"], shown["error"]["code"]) == ("FAILED", "DAMAGED_FILE")
    assert "evil.xlsx" in shown["error"]["message"]
    gone = await api("POST", f"/api/datasets/upload/{upload_id}/inspect", user=ALICE)
    assert (gone.status, gone.json["code"]) == (410, "UPLOAD_FAILED")
    assert files_below(data_dir / "jobs") == []

    for body, field in (
        ({"mapping": {}}, "mapping"),
        ({"mapping": mapping | {"zone": "Nowhere"}}, "mapping"),
        ({"mapping": mapping, "dataset": "us-equities-daily"}, "dataset"),
        ({"mapping": mapping, "dataset": "a/b"}, "dataset"),
        ({"mapping": mapping, "dataset": "new", "append": True}, "append"),
        ({"mapping": mapping, "about": {"calendar": "XXXX"}}, "about.calendar"),
    ):
        refused = await api("POST", f"/api/datasets/upload/{put(bad)}/ingest", body, user=ALICE)
        assert (refused.status, refused.json["errors"][0]["field"]) == (422, field), refused.json
    theirs = put(bad, user="bob")
    for verb, rest in (("POST", "inspect"), ("GET", "inspection"), ("POST", "ingest")):
        body = {"mapping": mapping} if rest == "ingest" else None
        reply = await api(verb, f"/api/datasets/upload/{theirs}/{rest}", body, user=ALICE)
        assert reply.status == 404, rest

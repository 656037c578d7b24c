"""From an uploaded file to a version that a notebook reads and a backtest trades, with the engine's own worker."""

import asyncio
import hashlib
import io
import os
import uuid
from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from alphintra_server.db.dataset_tables import BlobReferenceRow, DatasetVersionRow, UploadRow
from alphintra_server.db.tables import DatasetRow
from alphintra_server.db.types import utc_now
from sqlalchemy import func, select

import alphintra as al

from .conftest import TestIdentities

HOLD = """\
import alphintra as al

class Hold(al.Strategy):
    def on_bar(self):
        if self.data.close[0] > self.data.open[0]:
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

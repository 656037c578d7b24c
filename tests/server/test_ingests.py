"""From an uploaded file to a version that a notebook reads and a backtest trades, with the engine's own worker."""

import asyncio

import alphintra as al
import pytest

from . import databases
from .conftest import TestIdentities
from .uploaded import ALICE, HOLD, as_csv, prices

FORM = {"Content-Type": "multipart/form-data; boundary=b"}
FILE = b'--b\r\nContent-Disposition: form-data; name="file"; filename="prices.csv"\r\n\r\n%b\r\n--b--\r\n'


@pytest.fixture
def worker_argv():
    return None


@pytest.fixture
def identities():
    return TestIdentities


@pytest.fixture(params=databases.BOTH)
def settings(request):
    return databases.setting(request)


async def test_a_file_becomes_a_version_that_is_read_and_traded(
    api, services, data_dir, looked_at, make_version, opened, finished, monkeypatch
):
    frame = prices(["AAPL", "MSFT"])
    twice = frame.iloc[[*range(12), 11, *range(12, 80)]]  # a row of MSFT's, equal in all its values
    sent = await api("POST", "/api/datasets/upload", user=ALICE, headers=FORM, raw=FILE % as_csv(twice))
    assert (sent.status, sent.json["dataset_name"]) == (201, "prices"), sent.json
    upload_id = sent.json["id"]
    assert (data_dir / "uploads" / upload_id).exists()
    found = await looked_at(upload_id)
    assert (found["state"], found["error"]) == ("INSPECTED", None)
    assert found["inspection"]["questions"] == []
    assert found["inspection"]["rows"][0][:2] == ["2020-01-02", "AAPL"]
    about = {"asset_class": "STOCKS", "currency": "USD", "calendar": "weekdays"}
    job = await make_version(upload_id, found["inspection"]["mapping"], about=about, tags=["test"])
    assert job["status"] == "COMPLETED", job["error"]
    for _ in range(2400):  # it goes after the job's end was told
        if not (data_dir / "uploads" / upload_id).exists():
            break
        await asyncio.sleep(0.05)
    assert not (data_dir / "uploads" / upload_id).exists()
    usage = await api("GET", "/api/datasets/upload", user=ALICE)
    assert [(item["state"], item["received"]) for item in usage.json["items"]] == [("DONE", len(as_csv(twice)))]

    listed = (await api("GET", "/api/datasets/prices", user=ALICE)).json
    assert (listed["symbols"], listed["row_count"], listed["timeframe"]) == (["AAPL", "MSFT"], 81, "1d")
    assert (listed["asset_class"], listed["source"]) == ("STOCKS", "USER_UPLOAD")
    assert listed["start_date"] == "2020-01-02T00:00:00Z"
    # Nothing that is uploaded is left out: the report counts what is there twice, and it blocks nothing.
    assert listed["is_validated"] is True
    report = (await api("GET", "/api/datasets/prices/versions/1/validation", user=ALICE)).json["report"]
    assert {own["rule"]: own["count"] for own in report["results"]}["TS_DUP_EXACT"] == 1

    # As a notebook reads it, through its door.
    door = await opened("alice")
    monkeypatch.setenv("ALPHINTRA_DOOR", str(door.socket))
    monkeypatch.setenv("ALPHINTRA_DOOR_TOKEN", door.token)
    read = await asyncio.to_thread(lambda: al.data.load("prices@1").to_pandas())
    expected = twice.sort_values(["Symbol", "Date"], ignore_index=True)
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
    told = "1 row is there twice with equal values, and taken once (the first: MSFT, 2020-01-09)"
    assert told in run["warnings"]
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


EACH = """\
import alphintra as al

class Each(al.Strategy):
    def on_bar(self):
        for symbol in ("AAPL", "MSFT"):
            rises = self.data[symbol].close[-1] > self.data[symbol].open[-1]
            self.order_target_percent(0.4 if rises else 0, symbol=symbol)
"""


@pytest.mark.parametrize("settings", databases.BOTH[:1], indirect=True)
async def test_columns_of_each_instrument_are_traded_as_rows_of_it_are(
    api, put_upload, look_at, make_version, finished
):
    frame = prices(["AAPL", "MSFT"])
    wide = frame.pivot_table(index="Date", columns="Symbol").rename_axis(columns=["Price", "Ticker"])
    upload = put_upload(wide.to_csv().encode(), "wide.csv", "wide")
    found = (await look_at(upload))["inspection"]
    assert (found["questions"], found["owners"][1]) == ([], ["AAPL", "Close"])
    assert (found["mapping"]["symbol_from"], found["mapping"]["adjustment"]) == ("columns", "splits_and_dividends")
    about = {"asset_class": "STOCKS", "currency": "USD", "calendar": "weekdays"}
    job = await make_version(upload, found["mapping"] | {"adjustment": "raw"}, dataset="wide", about=about)
    assert job["status"] == "COMPLETED", job["error"]
    made = (await api("GET", "/api/datasets/wide", user=ALICE)).json
    assert (made["symbols"], made["row_count"]) == (["AAPL", "MSFT"], len(frame))

    strategy = (await api("POST", "/api/strategies/code/create", {"name": "Each", "code": EACH}, user=ALICE)).json["id"]
    body = {"dataset_id": "wide@1", "commission": "0.001"}
    asked = await api("POST", f"/api/strategies/code/{strategy}/execute", body, user=ALICE)
    assert asked.status == 202, asked.json
    run = await finished(asked.json["backtest_id"], user=ALICE)
    assert run["status"] == "COMPLETED", run["error"]
    metrics = (await api("GET", f"/api/backtests/{run['id']}/results", user=ALICE)).json["metrics"]
    space = {}
    exec(EACH, space)
    rows = {
        symbol: own.drop(columns="Symbol").set_index("Date").rename(columns=str.lower)
        for symbol, own in frame.groupby("Symbol")
    }
    data = al.data.with_calendar(rows, calendar="weekdays")
    here = await asyncio.to_thread(lambda: al.backtest(space["Each"], data=data, commission=0.001))
    assert metrics["total_trades"] > 3
    assert metrics["final_equity"] == here.to_dict()["metrics"]["final_equity"]

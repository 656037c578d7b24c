"""Candles and downloads of users' datasets: read by processes in the sandbox, for whom may, as long as they may."""

import asyncio
import csv
import io
import json
import logging
import os
import signal
import sys
from pathlib import Path

import alphintra as al
import pandas as pd
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from alphintra.store.layout import blob_path
from alphintra_kernel.sandbox import Sandbox
from alphintra_server.errors import Gone, TooMany, Unavailable
from alphintra_server.handlers import dataset_reading
from alphintra_server.jobs.launcher import JobLimits, Launcher
from alphintra_server.readers.pool import Bounds, Readers, Source
from alphintra_server.readers.process import Patience
from alphintra_server.services import stored_previews
from tornado.httpclient import HTTPError

from ..sdk.store.made import bars
from . import databases
from .conftest import TestIdentities
from .counted import Counted
from .stored import store_version

ALICE, BOB = "alice:researcher", "bob:researcher"
ROWS = 25_000
TABLE = bars(ROWS, 3)
FRAME = TABLE.to_pandas()
PRICES = ("open", "high", "low", "close")


@pytest.fixture
def identities():
    return TestIdentities


@pytest.fixture(params=databases.BOTH)
def settings(request):
    return databases.setting(request) | {"reader_idle_seconds": 600.0}


async def until(true, seconds=120):
    """Wait for a state."""
    async with asyncio.timeout(seconds):
        while not true():  # noqa: ASYNC110
            await asyncio.sleep(0.05)


def by_pandas(first, stop, each):
    part = FRAME.iloc[first:stop]
    return part.groupby(part.index // each).agg(
        time=("time", "first"), open=("open", "first"), high=("high", "max"), low=("low", "min"),
        close=("close", "last"), volume=("volume", "sum"), rows=("close", "size"),
    )  # fmt: skip


def check(found, first, stop, each):
    want = by_pandas(first, stop, each)
    assert (found["rows_each"], found["first_row"], found["total_rows"]) == (each, first, ROWS)
    assert found["time"] == [at.timestamp() for at in want["time"]]
    for part in (*PRICES, "volume", "rows"):
        assert found[part] == want[part].tolist(), part


def readers_of(services):
    return [kept.reader for kept in services.readers._kept]


async def test_what_is_seen_of_rows_and_by_whom(api, services, tmp_path, monkeypatch):
    before = Counted()
    store = services.database, services.storage, tmp_path / "made", "alice", "prices.1"
    lines = [bars(30, seed).select(["time", "close"]).append_column("x", pa.nulls(30, pa.float64())) for seed in (4, 5)]
    tables = dict(zip("AC", lines, strict=True))
    version, manifest = store_version(*store, tables={"B": TABLE})
    closes, _ = store_version(*store[:-1], "closes", tables=tables)
    home = f"/api/datasets/{(await api('GET', '/api/datasets/prices.1', user=ALICE)).json['id']}"

    async def ask(path="/candles", user=ALICE, **params):
        return await api("GET", home + path, user=user, params=params)

    # The whole, a range of time, rows by number; each the same as pandas makes of the same rows.
    check((await ask(points=1_000)).json, 0, ROWS, 32)
    (reader,) = readers_of(services)
    check((await ask(points=100, start="2020-01-02", end="2020-01-03T00:59")).json, 1_440, 2_940, 16)
    check((await ask(symbol="B", first_row=9_990, stop_row=10_011)).json, 9_990, 10_011, 1)
    check((await ask(points=50, first_row=1_003, stop_row=24_999)).json, 1_003, 24_999, 512)
    line = (await ask(column="volume", points=4_000)).json
    assert (line["bars"], line["volume"], line["high"][0]) == (False, None, FRAME["volume"][:8].max())
    empty = (await ask(start="2031-01-01")).json
    assert (empty["time"], empty["rows"], empty["total_rows"]) == ([], [], ROWS)
    assert readers_of(services) == [reader]  # one process answered all of it
    alone = (await api("GET", "/api/datasets/closes/candles", user=ALICE)).json
    assert (alone["symbol"], alone["bars"], alone["volume"], alone["rows_each"]) == ("A", False, None, 1)
    asked = {"symbol": "MSFT", "points": 10}
    ships = (await api("GET", "/api/datasets/us-equities-daily/candles", params=asked, user=ALICE)).json
    whole = al.data.load("us-equities-daily/MSFT").to_pandas()
    assert (ships["rows_each"], ships["high"][0]) == (512, whole["high"][:512].max())

    # What is wrong is said.
    for params, code in (
        ({"symbol": "C"}, "UNKNOWN_SYMBOL"), ({"column": "y"}, "UNKNOWN_COLUMN"), ({"start": "soon"}, "BAD_DATE"),
        ({"start": "2021-01-01", "end": "2020-01-01"}, "BAD_RANGE"), ({"points": 4_001}, "SCHEMA"),
        ({"first_row": 1}, "INVALID"), ({"first_row": 2, "stop_row": 1}, "BAD_RANGE"),
        ({"first_row": 1, "stop_row": 2, "end": "2020-01-01"}, "INVALID"),
    ):  # fmt: skip
        reply = await ask(**params)
        assert (reply.status, reply.json["code"]) == (422, code), reply.json
        assert reply.json["errors"][0]["field"] in (*params, "start", "stop_row"), reply.json
    assert (await ask(version=7)).json["code"] == "UNKNOWN_VERSION"

    # Statistics of a symbol are counted from its rows; of the only one of a version they are kept.
    for symbol, table in tables.items():
        told = (await api("GET", "/api/datasets/closes/statistics", params={"symbol": symbol}, user=ALICE)).json
        close, x = told["columns"]["close"], told["columns"]["x"]
        values = table["close"].to_numpy()
        assert (told["row_count"], told["symbol_count"], list(told["symbols"])) == (30, 1, [symbol])
        assert [close[part] for part in ("count", "min", "max")] == [30, values.min(), values.max()]
        assert (close["mean"], x["nulls"], sum(close["histogram"]["counts"])) == (pytest.approx(values.mean()), 30, 30)
        assert told["columns"]["time"]["coverage"]["counts"] == [30]
    wrong = await api("GET", "/api/datasets/closes/statistics", params={"symbol": "Z"}, user=ALICE)
    assert (wrong.status, wrong.json["code"]) == (422, "UNKNOWN_SYMBOL")
    with monkeypatch.context() as few:
        few.setattr(stored_previews, "MOST_COUNTED", 89)  # the rows of a symbol have 90
        many = await api("GET", "/api/datasets/closes/statistics", params={"symbol": "A"}, user=ALICE)
        assert (many.status, many.json["code"]) == (422, "TOO_MANY_ROWS")
    assert (await api("GET", f"{home}/statistics", params={"symbol": "B"}, user=ALICE)).json == (
        await api("GET", f"{home}/statistics", user=ALICE)
    ).json

    # As a file.
    got = await ask("/download", format="csv", columns="close", start="2020-01-01 00:01", end="2020-01-01 00:02")
    assert got.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert got.headers["Content-Disposition"] == 'attachment; filename="prices.1-v1.csv"'
    assert list(csv.reader(io.StringIO(got.json.decode()))) == [
        ["symbol", "time", "close"],
        *(["B", f"2020-01-01T00:0{i}:00Z", str(FRAME["close"][i])] for i in (1, 2)),
    ]
    got = pq.read_table(io.BytesIO((await ask("/download", format="parquet", symbols='["B"]')).json))
    assert got.drop_columns("symbol").equals(TABLE.cast(got.drop_columns("symbol").schema))
    empty = await ask("/download", format="jsonl", start="2031-01-01")
    assert (empty.status, empty.json, empty.headers["Content-Type"]) == (200, b"", "application/x-ndjson")
    plan = (await ask("/download/plan", format="xlsx")).json
    assert (plan["rows"], plan["file_name"]) == (ROWS, "prices.1-v1.xlsx")
    got = await api("GET", "/api/datasets/vix-daily/download", params={"format": "csv"}, user=ALICE)
    vix = al.data.load("vix-daily").to_pandas()
    assert pd.read_csv(io.BytesIO(got.json))["close"].tolist() == vix["close"].tolist()
    for params, code in (
        ({"format": "pdf"}, "SCHEMA"), ({"format": "csv", "symbols": "B,Z"}, "UNKNOWN_SYMBOL"),
        ({"format": "csv", "columns": '["close"'}, "INVALID"), ({"format": "csv", "columns": "no"}, "UNKNOWN_COLUMN"),
    ):  # fmt: skip
        reply = await ask("/download", **params)
        assert (reply.status, reply.json["code"]) == (422, code), reply.json
        assert reply.json["errors"][0]["field"] in params, reply.json
    assert len(readers_of(services)) == 3  # each of whom a picture was asked for, and what ships
    counted = before.since("reader", "download", text=(await api("GET", "/metrics", user=ALICE)).json.decode())
    ends = {name: count for name, count in counted.items() if name.startswith("downloads")}
    assert ends == {f"downloads_total WHOLE {kind}": 2 if kind == "csv" else 1 for kind in ("csv", "jsonl", "parquet")}
    assert (counted["readers"], counted["reader_start_seconds_count"]) == (3.0, 3.0)
    assert "download_bytes_total jsonl" not in counted  # it was empty
    assert counted["download_bytes_total csv"] > len(got.json)
    assert counted["download_seconds_count csv"] == 2.0
    assert not any(name.startswith("reader_failures") for name in counted)

    # A reader that is killed is told of, and the next request has another.
    (mine,) = [kept for kept in services.readers._kept if kept.source.version_id == version]
    pids = [own.pid for own in psutil.Process(mine.reader._process.pid).children(recursive=True)]
    assert pids
    os.kill(pids[-1], signal.SIGKILL)
    await asyncio.to_thread(mine.reader._process.wait, 60)
    reply = await ask()
    assert (reply.status, reply.json["code"]) == (503, "READER_FAILED")
    check((await ask(points=1_000)).json, 0, ROWS, 32)

    # For whom may, and no longer than they may.
    assert (await ask(user=BOB)).status == 404
    for level in ("READ", None):
        grant = await api("PUT", f"{home}/grants", {"user_id": "bob", "level": level}, user=ALICE)
        assert grant.status == 200
        if level is not None:
            check((await ask(user=BOB, points=1_000)).json, 0, ROWS, 32)
            assert len(readers_of(services)) == 4
    assert (await ask(user=BOB)).status == 404
    assert (await ask("/download", user=BOB, format="csv")).status == 404
    assert (await api("GET", "/api/datasets/closes/statistics", params={"symbol": "A"}, user=BOB)).status == 404
    alone = (await api("GET", "/api/datasets/closes", user=ALICE)).json["id"]
    assert (await api("GET", f"/api/datasets/{alone}/statistics", params={"symbol": "A"}, user=BOB)).status == 404
    await until(lambda: len(readers_of(services)) == 3)
    assert {kept.source.user_id for kept in services.readers._kept} == {"alice"}

    # Whatever goes wrong after the first byte breaks the connection: the file must not look whole.
    before = Counted()

    async def away(*_):
        raise RuntimeError("whoever knows the users is away")

    with monkeypatch.context() as patched:
        patched.setattr(dataset_reading, "RECHECK_SECONDS", 0.0)
        patched.setattr(dataset_reading.DownloadHandler, "still_admitted", away)
        with pytest.raises(HTTPError, match=r"599|closed"):
            await ask("/download", format="csv")
    await until(lambda: before.since("downloads") == {"downloads_total FAILED csv": 1.0})

    # A file that breaks in its midst breaks the connection.
    owner = next(services.storage.root.glob("*/manifests")).parent.name
    path = services.storage.root / blob_path(owner, manifest.files[-1].sha256)
    meta = pq.ParquetFile(path).metadata
    volume = meta.row_group(meta.num_row_groups - 1).column(meta.num_columns - 1)
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(volume.data_page_offset)
        file.write(bytes(64))
    before = Counted()
    with pytest.raises(HTTPError, match=r"599|closed"):
        await ask("/download", format="csv")
    await until(lambda: before.since("downloads") == {"downloads_total FAILED csv": 1.0})
    assert before.since("reader_failures", "download_seconds") == {"reader_failures_total DATA": 1.0}

    # Deletion ends what reads.
    assert (await api("DELETE", home, user=ALICE)).status == 202
    assert (await ask()).json["code"] == "DATASET_DELETED"
    await until(lambda: {kept.source.version_id for kept in services.readers._kept} == {closes, None})
    folders = Path(services.storage.root.parent / "workers")
    await until(lambda: len(list(folders.glob("*/[0-9]*"))) == 2)


HEAR = "import sys, os, json; r=os.fdopen(int(sys.argv[1]),'rb'); w=os.fdopen(int(sys.argv[2]),'wb',0); "
SAY = HEAR + "w.write(b'{\"type\":\"ready\"}\\n'); r.readline(); "


def says(line, rest=""):
    """Code that says a line instead of an answer."""
    return f"{SAY}w.write({json.dumps(line).encode()!r} + b'\\n' + b{rest!r}); r.readline()"


BAD = {
    "hangs": (SAY + "import time; time.sleep(600)", "no answer within"),
    "never ready": (HEAR + "r.readline()", "no answer within"),
    "dies": (SAY + "os._exit(3)", "exit code 3"),
    "floods": (SAY + "\nwhile True: w.write(b'x' * 65536)", "said what no reader says"),
    "claims more": (says({"type": "candles", "points": 9, "bytes": 1_048_577}), "no reader says"),
    "counts wrong": (says({"type": "candles", "points": 9, "bytes": 8}, "x" * 8), "no reader says"),
    "stops midway": (says({"type": "candles", "points": 1, "bytes": 48}, "x" * 8), "stopped for"),
    "is damaged": (says({"type": "error", "code": "DAMAGED_FILE", "message": "a\x1b[2Jb"}), "^Ab$"),
}


class Shelf:
    """Everybody may, except whom it is told of."""

    def __init__(self):
        self.refused = set()

    async def allowed(self, sources):
        return {source for source in sources if source.user_id not in self.refused}

    async def links(self, _source):
        return {}

    async def keys(self, _source):
        return None


def made(tmp_path, code, bounds=None, start=60.0, answer=60.0):
    launcher = Launcher(Sandbox("none", allow_unsandboxed=True), JobLimits(), workers_dir=tmp_path / "workers")
    readers = Readers(
        launcher, logging.getLogger("readers"), bounds or Bounds(), Patience(start, answer),
        (sys.executable, "-S", "-c", code),
    )  # fmt: skip
    readers.serve(Shelf())
    return launcher, readers


@pytest.mark.parametrize("how", BAD)
async def test_a_reader_that_is_not_as_it_should_be(how, tmp_path):
    code, words = BAD[how]
    slow = how in ("hangs", "never ready", "stops midway")
    launcher, readers = made(tmp_path, code, start=1.0 if how == "never ready" else 60.0, answer=1.0 if slow else 60.0)
    before = Counted()
    with pytest.raises(Unavailable, match=words):
        await readers.picture(Source("alice", "d", "v"), {"type": "candles"})
    reason = "NO_ANSWER" if slow else {"dies": "ENDED", "is damaged": "DATA"}.get(how, "NONSENSE")
    assert before.since("reader_failures") == {f"reader_failures_total {reason}": 1.0}
    if how != "is damaged":  # that one told what is wrong, and may be asked on
        assert readers.running == 0
    await readers.stop()
    assert [path.name for path in (launcher.home.root / launcher.home.boot).iterdir()] == ["lock"]
    launcher.home.close()


ECHO = SAY.replace("r.readline(); ", "") + """
while line := r.readline():
    wait = json.loads(line).get("wait")
    if wait:
        while not os.path.exists(wait): __import__("time").sleep(0.02)
    w.write(b'{"type":"counted","rows":5}\\n{"type":"end"}\\n' if json.loads(line)["type"] == "export"
            else b'{"type":"candles","bytes":0}\\n')
"""


async def test_as_many_as_may_be_and_no_longer(tmp_path):
    bounds = Bounds(most=3, of_a_user=2, downloads=1, waiting=2, idle_seconds=600.0)
    launcher, readers = made(tmp_path, ECHO, bounds)
    first, second, third = (Source("alice", "d", name) for name in "abc")
    busy = {"type": "candles", "wait": str(tmp_path / "go")}
    counted = Counted()

    async def sources():
        return [kept.source for kept in readers._kept]

    await readers.picture(first, {"type": "candles"})
    await readers.picture(second, {"type": "candles"})
    await readers.picture(third, {"type": "candles"})
    assert await sources() == [second, third]  # whoever was asked longest ago has left
    waiting = [asyncio.create_task(readers.picture(own, busy)) for own in (second, third, third)]
    await until(lambda: sum(kept.users for kept in readers._kept) == 3)
    with pytest.raises(TooMany) as caught:
        await readers.picture(first, {"type": "candles"})
    assert caught.value.code == "TOO_MANY_READERS"
    with pytest.raises(TooMany, match="more at once"):
        await readers.picture(third, busy)
    async with readers.download(Source("bob", "d", "a"), {"type": "export"}) as (rows, reader):
        assert rows == 5
        with pytest.raises(TooMany, match="download 1 datasets already"):
            async with readers.download(Source("bob", "d", "b"), {"type": "export"}):
                pass
        with pytest.raises(TooMany, match="Too many datasets"):
            await readers.picture(Source("eve", "d", "a"), busy)
        assert [part async for part in reader.parts()] == []
    assert readers.running == 3
    with pytest.raises(ValueError, match="left"):
        async with readers.download(Source("bob", "d", "a"), {"type": "export"}):
            raise ValueError("left in its midst")
    assert readers.running == 2
    (tmp_path / "go").touch()
    assert len(await asyncio.gather(*waiting)) == 3
    # Whoever leaves in the midst of an answer leaves none behind for the next.
    leaver = asyncio.create_task(readers.picture(second, {"type": "candles", "wait": str(tmp_path / "never")}))
    await until(lambda: any(kept.users for kept in readers._kept))
    leaver.cancel()
    await asyncio.wait({leaver})
    assert await sources() == [third]
    await readers.picture(second, {"type": "candles"})
    # Whoever may no longer loses it, in the midst of an answer as well.
    late = asyncio.create_task(readers.picture(third, {"type": "candles", "wait": str(tmp_path / "never")}))
    await until(lambda: any(kept.users for kept in readers._kept))
    readers._shelf.refused.add("alice")
    await readers._look()
    with pytest.raises(Gone, match="no longer shared"):
        await late
    assert readers.running == 0
    assert counted.since("readers", "reader_failures") == {}  # who is ended by us has not failed
    readers._shelf.refused.clear()
    await readers.picture(second, {"type": "candles"})
    readers._kept[0].used -= 601
    await readers._look()
    assert readers.running == 0
    starting = asyncio.create_task(readers.picture(second, {"type": "candles"}))
    await until(lambda: readers.running == 1)
    await readers.stop()
    with pytest.raises(Unavailable):
        await starting
    with pytest.raises(Unavailable, match="stopping"):
        await readers.picture(second, {"type": "candles"})
    assert [path.name for path in (launcher.home.root / launcher.home.boot).iterdir()] == ["lock"]
    with pytest.raises(Unavailable, match="runs no processes"):
        await Readers(None, logging.getLogger("readers"), bounds).picture(second, {"type": "candles"})
    launcher.home.close()


async def test_who_waits_for_another_to_leave_does_not_share_what_is_theirs(tmp_path):
    """Two downloads of one version at once: while the first made room, the second took its reader and waited for it."""
    launcher, readers = made(tmp_path, ECHO, Bounds(most=2, of_a_user=2, downloads=2))
    first, second, third = (Source("alice", "d", name) for name in "abc")
    await readers.picture(first, {"type": "candles"})
    await readers.picture(second, {"type": "candles"})
    both = asyncio.Barrier(2)

    async def download():
        async with readers.download(third, {"type": "export"}) as (_, reader):
            await asyncio.wait_for(both.wait(), 60)
            return [part async for part in reader.parts()]

    assert await asyncio.gather(download(), download()) == [[], []]
    await readers.stop()
    launcher.home.close()

"""The catalogue over REST, seeded from the manifests that ship."""

import asyncio
import functools
import subprocess
import sys
import threading
from datetime import UTC, datetime
from itertools import groupby
from types import SimpleNamespace

import alphintra as al
import numpy as np
import pytest
from alphintra.rules.registry import rules
from alphintra_server.auth import Caller
from alphintra_server.db.dataset_tables import DatasetVersionRow, UploadRow
from alphintra_server.db.tables import DatasetRow
from alphintra_server.errors import Gone, Invalid
from alphintra_server.jobs.output import BadOutputError
from alphintra_server.jobs.version_keeping import refuse_too_much
from alphintra_server.limits import Limits, UserLimits
from alphintra_server.models.connectors import ConnectorChange, ConnectorCreate
from alphintra_server.models.datasets import DatasetChange, DatasetQuery
from alphintra_server.models.ingests import IngestRequest
from alphintra_server.models.recipes import ProcessRequest
from alphintra_server.models.validations import Acknowledgement
from alphintra_server.routes import ROUTES
from alphintra_server.services import connectors, ingests, stored_previews
from alphintra_server.services.dataset_names import check_name
from alphintra_server.services.dataset_rows import fold
from alphintra_server.services.dataset_storage import DatasetStorage
from alphintra_server.services.datasets import Datasets
from alphintra_server.services.shipped_datasets import bring_up
from alphintra_server.services.validations import Validations
from pydantic import ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session

from . import databases
from .stored import store_version
from .test_connector_schedule import REQUIRED

NAMES = [
    "simulated-crypto-hourly",
    "simulated-equities-minute",
    "simulated-fx-hourly",
    "us-closes-daily",
    "us-equities-daily",
    "us-factors-monthly",
    "us-indices-daily",
    "vix-daily",
    "wti-daily",
]


async def test_list_has_the_platform_datasets_by_name(api):
    reply = await api("GET", "/api/datasets")
    assert reply.status == 200
    assert [item["name"] for item in reply.json["items"]] == NAMES
    assert reply.json["_pagination"] == {"limit": 50, "offset": 0, "total": 9, "next": None}
    equities = reply.json["items"][4]
    assert equities["source"] == "PLATFORM"
    assert equities["asset_class"] == "STOCKS"
    assert equities["symbols"] == ["AAPL", "FB", "GOOG", "IBM", "MSFT"]
    assert equities["symbol_count"] == 5
    assert equities["timeframe"] == "1d"
    assert equities["start_date"] == "2000-03-01T00:00:00Z"
    assert equities["end_date"] == "2013-03-01T00:00:00Z"
    assert equities["row_count"] == 12154
    assert equities["is_validated"] is True
    assert equities["validation_errors"] == []
    assert equities["content_hash"] == (
        "sha256:7ef095ccee89eb8d70d19ff8e4827611049b61d616e17b1711fe9e1eab673a70"
    )
    assert equities["tradable"] is True
    assert equities["notes"][0].startswith("survivors:")
    assert reply.json["items"][3]["tradable"] is False
    assert [item["simulated"] for item in reply.json["items"]] == [True] * 3 + [False] * 6
    assert reply.json["items"][0]["notes"][0].startswith("simulated prices:")


async def test_search_filter_and_page(api):
    names = lambda reply: [item["name"] for item in reply.json["items"]]  # noqa: E731
    assert names(await api("GET", "/api/datasets", params={"search": "goog"})) == ["us-equities-daily"]
    assert names(await api("GET", "/api/datasets", params={"asset_class": "stocks"})) == [NAMES[1], *NAMES[3:5]]
    assert names(await api("GET", "/api/datasets", params={"limit": 2, "offset": 4})) == NAMES[4:6]
    first = await api("GET", "/api/datasets", params={"limit": 4})
    assert first.json["_pagination"]["next"] == "/a%40b/api/datasets?limit=4&offset=4"


async def test_simulated_sets_begin_and_end_with_their_first_and_last_bars(api, services):
    def before(session):
        for row in session.scalars(select(DatasetRow).where(DatasetRow.name.in_(NAMES[:3]))):
            row.end_date = row.end_date.replace(hour=0, minute=0)

    services.database.write_now(before)  # as a catalogue of an earlier version has it
    bring_up(services.database)
    for name in NAMES[:3]:
        told = (await api("GET", f"/api/datasets/{name}")).json
        span = [np.datetime64(told[part].removesuffix("Z"), "us").astype(int) for part in ("start_date", "end_date")]
        for bars in al.data.resolve(name).bars.values():
            assert [bars.open_time[0], bars.open_time[-1]] == span, name
    listed = await api("GET", "/api/datasets", params={"start": "2024-12-31T23:00:00Z"})
    assert [item["name"] for item in listed.json["items"]] == NAMES[:1]


async def test_simulated_bars_have_times_within_the_day(api):
    where = "/api/datasets/simulated-equities-minute"
    shown = (await api("GET", f"{where}/preview", params={"symbol": "SIMB", "max_points": 300})).json
    chart = shown["chart_data"]
    assert (chart["bars"], chart["time"][0]) == (49_380, 1_719_840_600)  # 2024-07-01 13:30 UTC
    assert len(set(chart["time"])) == len(chart["time"]) > 250
    assert chart["candles"]["time"][1] - chart["candles"]["time"][0] == 60 * chart["candles"]["bars_each"]
    asked = {"symbol": "SIMB", "start": "2024-07-03 16:50", "end": "2024-07-03 20:00", "points": 100}
    candles = (await api("GET", f"{where}/candles", params=asked)).json
    assert (candles["rows_each"], len(candles["time"])) == (1, 10)  # a half day: the exchange closes at 17:00 UTC
    assert candles["time"][-1] == 1_720_025_940
    bars = al.data.resolve("simulated-equities-minute/SIMB").bars["SIMB"]
    row = int((bars.open_time == 1_720_025_940_000_000).argmax())
    assert [candles[part][-1] for part in ("open", "high", "low", "close", "volume")] == [
        bars.open[row], bars.high[row], bars.low[row], bars.close[row], bars.volume[row]
    ]  # fmt: skip


async def test_get_by_id_and_by_name(api):
    by_name = await api("GET", "/api/datasets/us-closes-daily")
    assert by_name.json["symbol_count"] == 20
    assert (await api("GET", f"/api/datasets/{by_name.json['id']}")).json == by_name.json
    missing = await api("GET", "/api/datasets/nothing")
    assert (missing.status, missing.json["code"]) == (404, "UNKNOWN_DATASET")
    # As an SDK names a version.
    pinned = await api("GET", "/api/datasets/prices@2/preview")
    assert (pinned.status, pinned.json["code"]) == (404, "UNKNOWN_DATASET")
    assert "prices/versions/2, or named by version=" in pinned.json["detail"]


async def test_preview(api):
    reply = await api("GET", "/api/datasets/us-equities-daily/preview", params={"rows": 2, "max_points": 100})
    preview = reply.json
    assert preview["sample_data"][0] == {
        "symbol": "AAPL",
        "session": "2000-03-01",
        "open_time": "2000-03-01T14:30:00Z",
        "close_time": "2000-03-01T21:00:00Z",
        "open": 118.56,
        "high": 132.06,
        "low": 118.5,
        "close": 130.31,
        "volume": 9616100.0,
        "adj_close": 4.186662803811,
    }
    assert len(preview["sample_data"]) == 2
    assert preview["missing_values"]["close"] == 0
    assert preview["data_types"]["close"] == "double"
    chart = preview["chart_data"]
    assert (chart["symbol"], chart["series"], chart["bars"], chart["thinned"]) == (
        "AAPL",
        "close",
        3270,
        True,
    )
    assert len(chart["time"]) == len(chart["values"]) <= 100
    assert chart["time"][0] == 951868800
    assert chart["values"][0] == 130.31
    # Thinned by extremes: the highest close of the whole history is in it.
    assert max(chart["values"]) == 702.1
    candles = chart["candles"]
    assert candles["bars_each"] == 33
    assert len(candles["time"]) == 100
    assert (candles["time"][0], candles["open"][0]) == (951868800, 118.56)
    # Each is of all its bars: lowest low and highest high of the whole history are in them, and all that was traded.
    whole = al.data.load("us-equities-daily/AAPL").to_pandas()
    assert (min(candles["low"]), max(candles["high"])) == (whole["low"].min(), whole["high"].max())
    assert candles["close"] == [*whole["close"].iloc[32::33], whole["close"].iloc[-1]]
    assert sum(candles["volume"]) == whole["volume"].sum()
    other = await api("GET", "/api/datasets/us-equities-daily/preview", params={"symbol": "FB"})
    assert other.json["chart_data"]["bars"] == 196
    assert other.json["chart_data"]["thinned"] is False


async def test_statistics_over_all_and_of_one_symbol(api):
    reply = await api("GET", "/api/datasets/us-equities-daily/statistics")
    assert reply.json["row_count"] == 12154
    assert reply.json["columns"]["close"]["count"] == 12154
    assert reply.json["columns"]["close"]["max"] == 806.85
    assert reply.json["symbols"]["FB"]["rows"] == 196
    days = reply.json["columns"]["session"]["coverage"]
    assert (days["first"], days["days"], sum(days["counts"])) == ("2000-03-01", 1, 12154)
    assert days["counts"][:5] == [3, 3, 3, 0, 0]  # Wednesday; two of the five came later
    one = await api("GET", "/api/datasets/us-equities-daily/statistics", params={"symbol": "FB"})
    assert one.json["row_count"] == 196
    assert one.json["columns"]["close"]["count"] == 196
    assert one.json["columns"]["close"]["min"] == 17.729
    assert one.json["columns"]["close"]["max"] == 38.2318
    assert one.json["columns"].keys() == reply.json["columns"].keys()
    assert sum(one.json["columns"]["close"]["histogram"]["counts"]) == 196
    days = one.json["columns"]["session"]["coverage"]
    assert (days["first"], sum(days["counts"])) == (one.json["symbols"]["FB"]["first"], 196)


async def test_what_there_is_not_is_said_as_every_other_problem(api, jp_serverapp, monkeypatch):
    wrong = await api("PUT", "/api/datasets/prices", {})
    assert (wrong.status, wrong.json["code"], wrong.headers["Allow"]) == (
        405, "METHOD_NOT_ALLOWED", "GET, DELETE, PATCH, OPTIONS",
    )  # fmt: skip
    assert wrong.json["detail"] == "PUT is not for this address, which takes GET, DELETE, PATCH."
    head = await api("HEAD", "/api/datasets")
    assert (head.status, head.headers["Allow"]) == (405, "GET, OPTIONS")
    for path in ("/api/datasets/prices/nothing", "/api/datasets/prices/versions/x", "/api/backtests/a/b/c"):
        for verb in ("GET", "DELETE"):
            missing = await api(verb, path)
            assert (missing.status, missing.kind, missing.json["code"]) == (
                404, "application/problem+json", "UNKNOWN_ADDRESS",
            ), path  # fmt: skip
    # A page of another origin learns what it may send and read, as far as it may ask.
    asked = await api("OPTIONS", "/api/datasets/prices", headers={"Origin": "https://front.example"})
    assert (asked.status, asked.headers["Allow"]) == (200, "GET, DELETE, PATCH, OPTIONS")
    assert {"if-match", "idempotency-key", "tus-resumable"} <= {
        name.strip() for name in asked.headers["Access-Control-Allow-Headers"].split(",")
    }
    assert "ETag" in asked.headers["Access-Control-Expose-Headers"]
    own = {"Access-Control-Expose-Headers": "X-Own"}  # as whoever runs the server has it
    monkeypatch.setitem(jp_serverapp.web_app.settings, "headers", own)
    asked = await api("GET", "/api/datasets", headers={"Origin": "https://front.example"})
    assert asked.headers.get_list("Access-Control-Expose-Headers") == ["X-Own"]


@pytest.mark.parametrize(
    ("path", "params", "status", "field"),
    [
        ("/api/datasets", {"limit": 0}, 422, "limit"),
        ("/api/datasets", {"limit": 201}, 422, "limit"),
        ("/api/datasets", {"limit": "x"}, 422, "limit"),
        ("/api/datasets", {"offset": -1}, 422, "offset"),
        ("/api/datasets", {"sort": "name"}, 422, "sort"),
        ("/api/datasets/us-equities-daily/preview", {"symbol": "TSLA"}, 422, "symbol"),
        ("/api/datasets/us-equities-daily/preview", {"rows": 201}, 422, "rows"),
        ("/api/datasets/us-equities-daily/statistics", {"symbol": "TSLA"}, 422, "symbol"),
        ("/api/datasets/none/preview", {}, 404, None),
        ("/api/datasets/none/statistics", {}, 404, None),
    ],
)
async def test_bad_queries(api, path, params, status, field):
    reply = await api("GET", path, params=params)
    assert reply.status == status
    if field:
        assert reply.json["errors"][0]["field"] == field


async def test_ones_own_over_rest(api, services, tmp_path):
    await asyncio.to_thread(
        store_version, services.database, services.storage, tmp_path / "data" / "made", "local", "prices"
    )
    changed = await api("PATCH", "/api/datasets/prices", {"tags": [" a ", "b"], "description": "mine"})
    assert (changed.status, changed.json["tags"], changed.json["access"]) == (200, ["a", "b"], "OWNER")
    for body in ({"tags": ["a|b"]}, {"tags": [""]}, {"tags": ["x"] * 21}, {"name": "other"}):
        assert (await api("PATCH", "/api/datasets/prices", body)).status == 422, body
    # Who read it before somebody else changed it does not write over that.
    read = (await api("GET", "/api/datasets/prices")).headers["ETag"]
    for tag, status in (('"old"', 412), (f'"old", {read}', 200), (read, 412), ("*", 200)):
        again = await api("PATCH", "/api/datasets/prices", {"description": "mine, again"}, headers={"If-Match": tag})
        assert again.status == status, tag
        assert status == 200 or again.json["code"] == "CHANGED_MEANWHILE"
    for params in ({"search": "a\0"}, {"tags": "\0"}, {"symbol": "\0"}):  # PostgreSQL has no text with it
        refused = await api("GET", "/api/datasets", params=params)
        assert (refused.status, refused.json["errors"][0]["field"]) == (422, next(iter(params)))
    refused = await api("PATCH", "/api/datasets/prices", {"tags": ["a", "b"], "description": "a\0b"})
    assert (refused.status, refused.json["errors"][0]["field"]) == (422, "description")
    refused = await api("POST", "/api/datasets/prices/process", {"recipe": [{"kind": "sort", "x": "\0"}]})
    assert (refused.status, refused.json["errors"][0]["field"]) == (422, "recipe.0.x")
    listed = (await api("GET", "/api/datasets", params={"tags": "B", "start": "2019-01-01"})).json
    assert [item["name"] for item in listed["items"]] == ["prices"]
    turned = await api("GET", "/api/datasets", params={"start": "2020-01-02T12:00", "end": "2020-01-02T11:00"})
    assert (turned.status, turned.json["code"]) == (422, "BAD_RANGE")
    assert turned.json["detail"] == "start: 2020-01-02T12:00:00Z is after end, 2020-01-02T11:00:00Z"
    assert (await api("GET", "/api/datasets", params={"start": "2020-01-02", "end": "2020-01-02"})).status == 200
    versions = (await api("GET", "/api/datasets/prices/versions")).json
    assert [item["number"] for item in versions["items"]] == [1]
    assert (await api("GET", "/api/datasets/prices/versions/1")).json == versions["items"][0]
    assert (await api("GET", "/api/datasets/prices/preview", params={"version": 2})).status == 404
    huge = "9" * 20  # larger than a number of the database
    for path in (f"/api/datasets/prices/versions/{huge}", f"/api/datasets/prices/versions/{huge}/validation"):
        missing = await api("GET", path)
        assert (missing.status, missing.json["code"]) == (404, "UNKNOWN_VERSION"), path
    for path, name in (("preview", "version"), ("statistics", "version"), ("compare", "from"), ("download", "version")):
        params = {name: huge} | ({"to": 1} if path == "compare" else {})
        assert (await api("GET", f"/api/datasets/prices/{path}", params=params)).status == 422, path
    wrong = await api("POST", "/api/datasets/prices/validate", {"parameters": {"NO_RULE": {"x": 1}}})
    assert (wrong.status, wrong.json["code"], wrong.json["errors"][0]["field"]) == (422, "UNKNOWN_RULE", "parameters")
    usage = (await api("GET", "/api/datasets/usage")).json
    assert usage["used"] == usage["datasets"] > 0
    path = f"/api/datasets/{changed.json['id']}"
    # There is nobody here to share with, and it says so.
    alone = await api("PUT", f"{path}/grants", {"user_id": "bob@x", "level": "USE"})
    assert (alone.status, alone.json["code"]) == (409, "ONE_USER")
    assert (await api("GET", f"{path}/grants")).json == {"dataset_id": changed.json["id"], "grants": [], "alone": True}
    assert (await api("PUT", f"{path}/grants", {"user_id": "bob", "level": "OWNER"})).status == 422
    refused = await api("POST", "/api/datasets/us-equities-daily/validate", {})
    assert (refused.status, refused.json["code"]) == (409, "NOTHING_TO_VALIDATE")
    queued = await api("POST", f"{path}/validate", {})
    assert (queued.status, queued.headers["Location"]) == (202, f"/a%40b/api/jobs/{queued.json['job_id']}")
    deleted = await api("DELETE", "/api/datasets/prices")
    assert (deleted.status, deleted.json["datasets"]) == (202, [changed.json["id"]])
    gone = await api("GET", path)
    assert (gone.status, gone.json["code"], gone.json["content_hash"]) == (
        410, "DATASET_DELETED", changed.json["content_hash"],
    )  # fmt: skip


async def test_the_rules_are_listed_by_group_with_their_numbers(api):
    listed = (await api("GET", "/api/datasets/rules")).json["rules"]
    assert [rule["id"] for rule in listed] == list(rules())
    groups = list(dict.fromkeys(rule["group"] for rule in listed))
    # Each group once: the order of the reports keeps them together.
    assert groups == [
        "file", "columns", "times", "sessions", "prices and volume", "symbols", "knowledge", "values", "quotes",
    ]  # fmt: skip
    assert [group for group, _ in groupby(rule["group"] for rule in listed)] == groups
    stale = next(rule for rule in listed if rule["id"] == "STALE_RUN")
    assert (stale["group"], stale["severity"], stale["seen_in"]) == ("prices and volume", "warning", "rows")
    assert [(own["name"], own["default"], own["least"], own["whole"]) for own in stale["parameters"]] == [
        ("traded", 10, 2, True),
        ("rows", 30, 2, True),
    ]


def test_no_dataset_is_called_as_an_address_is():
    """It could not be asked for by its name."""
    paths = [route.path.removeprefix("/api/datasets/") for route in ROUTES if "/api/datasets/" in route.path]
    for name in {path.partition("/")[0] for path in paths} - {"{id}"}:
        with pytest.raises(Invalid, match="means something else"):
            check_name(name)


def test_a_tag_is_the_same_wherever_it_is_given():
    """Else one that came with a file could neither be looked for, nor be sent back with a change."""
    for model, more in ((IngestRequest, {"mapping": {}}), (ProcessRequest, {"recipe": []}), (DatasetChange, {})):
        assert model(tags=[" oil "], **more).tags == ["oil"]
        for bad in ("oil,gas", "oil|gas", "oil\ngas", "", "x" * 41):
            with pytest.raises(ValidationError):
                model(tags=[bad], **more)


def test_a_look_at_thousands_of_columns_has_fewer_rows():
    """An answer is written in one piece, while nobody else is answered."""

    def look(columns, rows):
        names = ["symbol", "time", *(f"c{number}" for number in range(columns))]
        values = ["A", "2020-01-01", *(float(number) for number in range(columns))]
        manifest = {
            "symbols": ["A", "B"], "sample": {"columns": names, "rows": [["B", *values[1:]]] + [values] * 300},
            "statistics": {},
            "columns": [{"name": name, "role": None, "type": "double"} for name in names[2:]]
            + [{"name": "time", "role": "time", "type": "date32"}],
            "files": [{"symbol": [0], "rows": [300], "first": [0], "last": [9]}],
        }  # fmt: skip
        return stored_previews.preview("d", manifest, "A", rows, 100)

    assert len(look(3, 200).sample_data) == 200
    found = look(1_998, 200)
    assert (len(found.sample_data), len(found.sample_data[0])) == (25, 2_000)
    assert {row["symbol"] for row in found.sample_data} == {"A"}
    assert found.chart_data["values"] == [0.0] * 100
    assert len(look(1_998, 3).sample_data) == 3


async def test_two_changes_at_once_are_both_looked_for(database):
    """What a search looks through is made of all that is said of a dataset, also by somebody else just now."""
    now = datetime.now(UTC)
    times = dict.fromkeys(("created_at", "updated_at", "start_date", "end_date"), now)
    row = DatasetRow(id="d" * 32, user_id="alice", name="d", **REQUIRED, **times)
    database.write_now(lambda session: session.add(row))
    service = Datasets(database, None, None, None)
    change = functools.partial(service.change, Caller("alice", ()), row.id)
    with Session(database.write_engine) as session, session.begin():
        other = session.get_one(DatasetRow, row.id, with_for_update=True)
        waiting = asyncio.create_task(change(DatasetChange(tags=["mercury"])))
        await asyncio.sleep(0.3)
        other.description = "cinnabar"
        fold(other)
    assert {"mercury"} == set((await waiting).tags)
    for text in ("cinnabar", "mercury"):
        assert (await service.search(Caller("alice", ()), DatasetQuery(search=text))).total == 1, text
    with Session(database.write_engine) as session, session.begin():
        other = session.get_one(DatasetRow, row.id, with_for_update=True)
        waiting = asyncio.create_task(change(DatasetChange(description="late")))
        await asyncio.sleep(0.3)
        other.state = "DELETING"
    with pytest.raises(Gone):
        await waiting


async def test_errors_accepted_of_a_version_are_not_those_of_the_next_one(database, tmp_path):
    """The next one is recorded at the very time: the catalogue says of it what was found in it."""
    storage = DatasetStorage(tmp_path)
    one, _ = store_version(database, storage, tmp_path / "made", name="d", errors=("OHLC_ORDER: a",))
    two, _ = store_version(database, storage, tmp_path / "made", name="d", errors=("OHLC_ORDER: b",))

    def first_again(session):
        row = session.scalars(select(DatasetRow).where(DatasetRow.name == "d")).one()
        row.current_version_id, row.validation_errors = one, ["OHLC_ORDER: a"]
        version = session.get_one(DatasetVersionRow, one)
        version.about = version.about | {"all_rules_ran": True}
        return row.id

    dataset = database.write_now(first_again)
    service = Validations(SimpleNamespace(database=database), None)
    with Session(database.write_engine) as session, session.begin():
        row = session.get_one(DatasetRow, dataset, with_for_update=True)
        body = Acknowledgement(rules=["OHLC_ORDER"], why="known")
        waiting = asyncio.create_task(service.acknowledge(Caller("alice", ()), dataset, 1, body))
        await asyncio.sleep(0.3)
        row.current_version_id, row.validation_errors = two, ["OHLC_ORDER: b"]
    assert (await waiting).is_validated
    row = database.read_now(lambda session: session.get_one(DatasetRow, dataset))
    assert (row.is_validated, row.validation_errors) == (False, ["OHLC_ORDER: b"])


async def test_a_long_mapping_is_checked_while_others_are_answered(monkeypatch):
    """One of thousands of columns takes a fifth of a second."""
    seen = []

    def check(mapping):
        seen.append(threading.current_thread() is threading.main_thread())
        raise Invalid.field("mapping", "no")

    monkeypatch.setattr(ingests, "checked_mapping", check)
    monkeypatch.setattr(connectors, "checked_mapping", check)
    who, url = Caller("alice", ()), {"kind": "http", "url": "http://x/y"}
    connector = ConnectorCreate(name="c", dataset="c", source=url, mapping={})
    for asked in (
        lambda: ingests.Ingests(None, Limits(), None).ingest(who, "u", IngestRequest(mapping={})),
        lambda: connectors.Connectors(None, None, Limits(), None).create(who, connector),
        lambda: connectors.Connectors(None, None, Limits(), None).change(who, "c", ConnectorChange(mapping={})),
    ):
        with pytest.raises(Invalid):
            await asked()
    assert seen == [False] * 3


def test_what_an_owner_stores_is_told_to_them_alone(tmp_path):
    database, now = databases.migrated(f"sqlite:///{tmp_path / 'a'}"), datetime.now(UTC)
    limits = Limits(UserLimits(storage=5))

    def work(session):
        session.add(UploadRow(
            id="u", user_id="alice", length=4_711, received=0, filename="y", dataset_name="y", state="RECEIVED",
            kept=True, created_at=now, updated_at=now, expires_at=now,
        ))  # fmt: skip
        for maker, told in (("alice", True), ("bob", False)):
            with pytest.raises(BadOutputError) as refused:
                refuse_too_much(session, limits, "alice", maker)
            assert (refused.value.code, "4,711" in str(refused.value)) == ("QUOTA_EXCEEDED", told)

    database.write_now(work)
    database.close()


def test_what_uploads_and_ingests_are_made_of_is_imported_in_any_order():
    """One imported the other, which had it half made where it came first: tests of the browser could not begin."""
    code = """
import importlib, sys
for name in ("jobs.ingest", "services.ingests", "services.recipes", "services.uploads"):
    # Counters are registered once a process.
    for module in [own for own in sys.modules if own.startswith("alphintra_server.") and not own.endswith(".metrics")]:
        del sys.modules[module]
    importlib.import_module(f"alphintra_server.{name}")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr

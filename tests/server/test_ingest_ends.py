"""What comes of uploads that do not simply become a version: added rows, errors, lies of a worker, cancelling."""

import asyncio
import sys
from pathlib import Path

import alphintra as al
import pytest
from alphintra.data.sources import FolderSource
from alphintra.errors import DataError, UnknownDataset
from alphintra.store.reading import read
from alphintra_server.auth import Caller
from alphintra_server.db.dataset_tables import BlobReferenceRow, DatasetLeaseRow, DatasetVersionRow
from alphintra_server.db.tables import DatasetRow, JobRow
from alphintra_server.errors import Gone
from alphintra_server.jobs.worker_home import lay_out
from alphintra_server.services.dataset_inputs import inputs
from alphintra_server.services.selections import Selection, select_for_run
from sqlalchemy import delete, func, select

from . import databases
from .conftest import TestIdentities
from .counted import Counted
from .doors import ask
from .uploaded import ALICE, HOLD, as_csv, counts, files_below, prices


@pytest.fixture
def worker_argv():
    return (sys.executable, "-P", "-c", Path(__file__).with_name("ingest_worker.py").read_text())


@pytest.fixture
def identities():
    return TestIdentities


@pytest.fixture
def settings(request):
    """On SQLite, or where a test says so on PostgreSQL."""
    return databases.setting(request)


async def metrics(api):
    return (await api("GET", "/metrics", user=ALICE)).json.decode()


async def test_events_read_out_of_prices_are_not_how_the_next_such_file_is_read(
    api, put_upload, look_at, make_version
):
    wide = b"Date,Open,High,Low,Close,Stock Splits\n2020-08-28,4,4,4,4,0\n2020-08-31,1,1,1,1,4:1\n"
    found = await look_at(put_upload(wide, "AAPL.csv"))
    mapping = found["inspection"]["mapping"]
    assert mapping["kind"] == "bars"
    roles = {"Date": "time", "Stock Splits": "split"}
    columns = [
        own | {"role": roles.get(own["source"], "ignore"), "name": "split" if own["source"] == "Stock Splits" else ""}
        for own in mapping["columns"]
    ]
    events = mapping | {"kind": "reference", "columns": columns, "known_from": "ex_date"}
    job = await make_version(found["upload_id"], events, dataset="splits")
    assert job["status"] == "COMPLETED", job["error"]
    made = (await api("GET", "/api/datasets/splits", user=ALICE)).json
    assert (made["row_count"], made["symbols"]) == (1, ["AAPL"])
    again = await look_at(put_upload(wide, "AAPL.csv"))
    assert (again["inspection"]["mapping"]["kind"], again["inspection"]["remembered"]) == ("bars", None)


@pytest.mark.parametrize("settings", databases.BOTH, indirect=True)
async def test_rows_are_added_errors_block_and_nothing_is_left_of_what_cannot_be(
    api, services, put_upload, look_at, make_version, data_dir, job_end
):
    before = Counted(await metrics(api))
    frame = prices(["AAPL", "MSFT"])
    early, late = frame[frame.Date < "2020-02-03"], frame[frame.Date >= "2020-02-03"]
    found = await look_at(put_upload(as_csv(early)))
    mapping = found["inspection"]["mapping"]
    job = await make_version(found["upload_id"], mapping)
    assert job["status"] == "COMPLETED", job["error"]
    again = await look_at(put_upload(as_csv(late)))
    assert again["inspection"]["remembered"] == mapping
    job = await make_version(again["upload_id"], mapping, append=True)
    assert job["status"] == "COMPLETED", job["error"]
    listed = (await api("GET", "/api/datasets/prices", user=ALICE)).json
    assert listed["row_count"] == len(frame)
    whole = files_below(data_dir / "datasets")

    # The same rows once more: refused, and nothing of it is anywhere.
    upload_id = put_upload(as_csv(late))
    job = await make_version(upload_id, mapping, append=True)
    assert (job["status"], job["error"]["code"]) == ("FAILED", "OVERLAP")
    shown = (await api("GET", f"/api/datasets/upload/{upload_id}/inspection", user=ALICE)).json
    assert (shown["state"], shown["error"]["code"], shown["version_id"]) == ("RECEIVED", "OVERLAP", None)
    assert files_below(data_dir / "datasets") == whole
    assert files_below(data_dir / "jobs") == []
    assert counts(services, DatasetVersionRow, DatasetRow)[0] == 2
    counted = before.since("ingest", text=await metrics(api))
    assert counted["ingest_failures_total ingest OVERLAP"] == 1.0
    assert [counted[f"ingest_seconds_count {kind}"] for kind in ("inspect", "ingest")] == [2.0, 2.0]
    assert counted["ingested_rows_total"] == len(early) + len(frame)
    worked = select(JobRow.kind, func.sum(JobRow.run_seconds)).where(JobRow.status == "COMPLETED").group_by(JobRow.kind)
    for kind, seconds in services.database.read_now(lambda session: session.execute(worked).all()):
        assert counted[f"ingest_seconds_sum {kind}"] == pytest.approx(seconds), kind

    # A row that cannot be read: the version is there, says so, and is not traded.
    bad = as_csv(frame).replace(b"2020-01-06,AAPL,", b"2020-01-06,AAPL,oops", 1)
    job = await make_version(put_upload(bad, "bad.csv", "bad"), mapping)
    assert job["status"] == "COMPLETED", job["error"]
    shown = (await api("GET", "/api/datasets/bad", user=ALICE)).json
    assert (shown["is_validated"], shown["row_count"]) == (False, len(frame) - 1)
    (error,) = shown["validation_errors"]
    assert error.startswith("SCHEMA_TYPE: "), error
    assert "bad.csv, row 5 (line 6), column 'Open'" in error
    (told,) = (await services.version_reading.versions(Caller("alice", ()), "bad")).versions
    assert told.validation_errors == [error]  # what a notebook warns of
    made = await api("POST", "/api/strategies/code/create", {"name": "Hold", "code": HOLD}, user=ALICE)
    path = f"/api/strategies/code/{made.json['id']}/execute"
    refused = await api("POST", path, {"dataset_id": "bad/AAPL"}, user=ALICE)
    assert (refused.status, refused.json["code"]) == (422, "DATASET_HAS_ERRORS")
    assert "row 5" in refused.json["detail"]

    # Somebody says why it does not matter.
    one = "/api/datasets/bad/versions/1"
    report = (await api("GET", f"{one}/validation", user=ALICE)).json
    by_rule = {result["rule"]: result for result in report["report"]["results"]}
    assert (by_rule["SCHEMA_TYPE"]["count"], by_rule["OHLC_ORDER"]["status"]) == (1, "checked")
    unknown = await api("POST", f"{one}/acknowledge", {"rules": ["OHLC_ORDER"], "why": "x"}, user=ALICE)
    assert (unknown.status, unknown.json["code"]) == (422, "NO_OPEN_ERROR")
    why, key = {"rules": ["SCHEMA_TYPE"], "why": " one row "}, {"Idempotency-Key": "k-1"}
    accepted = await api("POST", f"{one}/acknowledge", why, user=ALICE, headers=key)
    again = await api("POST", f"{one}/acknowledge", why, user=ALICE, headers=key)
    assert (again.status, again.json, again.headers["Idempotent-Replayed"]) == (200, accepted.json, "true")
    assert (accepted.status, accepted.json["is_validated"], accepted.json["validation_errors"]) == (200, True, [])
    (own,) = accepted.json["acknowledgements"]
    assert (own["rule"], own["who"], own["why"]) == ("SCHEMA_TYPE", "alice", "one row")
    assert (await api("POST", path, {"dataset_id": "bad/AAPL"}, user=ALICE)).status == 202

    # Checked again without a rule: what was accepted stays so, and not all rules ran.
    wrong = await api("POST", f"{one}/validation", {"left_out": ["OHLC_ODER"]}, user=ALICE)
    assert (wrong.status, wrong.json["code"]) == (422, "UNKNOWN_RULE")
    asked = await api("POST", f"{one}/validation", {"left_out": ["OHLC_ORDER"]}, user=ALICE)
    job = await job_end(asked.json["job_id"])
    assert job["status"] == "COMPLETED", job["error"]
    report = (await api("GET", f"{one}/validation", user=ALICE)).json
    by_rule = {result["rule"]: result for result in report["report"]["results"]}
    assert (by_rule["SCHEMA_TYPE"]["count"], by_rule["OHLC_ORDER"]["status"]) == (1, "left_out")
    assert (report["is_validated"], report["validation_errors"]) == (False, [])

    # What cannot be read at all.
    upload_id = put_upload(b"PK\x03\x04" + bytes(200), "evil.xlsx", "evil")
    shown = await look_at(upload_id)
    assert (shown["state"], shown["error"]["code"]) == ("FAILED", "DAMAGED_FILE")
    assert "evil.xlsx" in shown["error"]["message"]
    failures = before.since("ingest_failures", text=await metrics(api))
    assert failures == {"ingest_failures_total ingest OVERLAP": 1.0, "ingest_failures_total inspect DAMAGED_FILE": 1.0}
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
        refused = await api("POST", f"/api/datasets/upload/{put_upload(bad)}/ingest", body, user=ALICE)
        assert (refused.status, refused.json["errors"][0]["field"]) == (422, field), refused.json
    theirs = put_upload(bad, user="bob")
    for verb, rest in (("POST", "inspect"), ("GET", "inspection"), ("POST", "ingest")):
        body = {"mapping": mapping} if rest == "ingest" else None
        reply = await api(verb, f"/api/datasets/upload/{theirs}/{rest}", body, user=ALICE)
        assert reply.status == 404, rest


LIES = {
    "bytes": "it has another hash",
    "path": "manifest",
}
MORE_LIES = {
    "link": "it cannot be opened",
    "source": "made of something else",
    "missing": "it was not written, nor is it in the store",
    "version": "the manifest is of version ffff",
    "times": "years 1 to 9999",
    "report": "report",
    "parquet": "announces nothing else",
}


@pytest.mark.parametrize("lies", [LIES, pytest.param(MORE_LIES, marks=pytest.mark.slow)], ids=["some", "more"])
async def test_nothing_that_a_worker_says_is_believed(
    lies, api, services, put_upload, make_version, look_at, data_dir
):
    content = as_csv(prices(["AAPL"]))
    mapping = (await look_at(put_upload(content)))["inspection"]["mapping"]
    for lie, said in lies.items():
        upload_id = put_upload(content, f"lie-{lie}.csv", "lies")
        job = await make_version(upload_id, mapping)
        assert (job["status"], job["error"]["code"]) == ("FAILED", "BAD_OUTPUT"), lie
        assert said in job["error"]["message"], job["error"]
    assert counts(services, DatasetVersionRow, BlobReferenceRow) == [0, 0]
    assert files_below(data_dir / "datasets") == []
    assert files_below(data_dir / "jobs") == []


async def test_a_job_that_is_cancelled_leaves_the_upload_as_it_was(api, put_upload, look_at, job_end, data_dir):
    before = Counted(await metrics(api))
    upload_id = put_upload(as_csv(prices(["AAPL"])), "wait.csv")
    found = await look_at(upload_id)
    path = f"/api/datasets/upload/{upload_id}"
    asked = await api("POST", f"{path}/ingest", {"mapping": found["inspection"]["mapping"]}, user=ALICE)
    busy = await api("POST", f"{path}/inspect", user=ALICE)
    assert (busy.status, busy.json["code"], busy.json["job_id"]) == (409, "UPLOAD_BUSY", asked.json["job_id"])
    await api("POST", f"/api/jobs/{asked.json['job_id']}/cancel", user=ALICE)
    assert (await job_end(asked.json["job_id"]))["status"] == "CANCELLED"
    shown = (await api("GET", f"{path}/inspection", user=ALICE)).json
    assert (shown["state"], shown["version_id"]) == ("INSPECTED", None)
    # It took its time, and neither made anything nor failed. Each end is counted after it was written.
    ends = {"ingest_seconds_count inspect": 1, "jobs_total inspect COMPLETED": 1, "jobs_total ingest CANCELLED": 1}
    for _ in range(600):
        found = before.since("ingest", "jobs_total", text=await metrics(api))
        if found.keys() >= ends.keys():
            break
        await asyncio.sleep(0.1)
    assert found.pop("ingest_seconds_sum inspect") > 0
    assert found == ends
    assert files_below(data_dir / "datasets") == []
    assert files_below(data_dir / "jobs") == []


@pytest.mark.parametrize("settings", ["sqlite", "postgresql"], indirect=True)
async def test_a_dataset_that_is_deleted_stays_for_those_who_read_it(
    api, services, put_upload, look_at, make_version, opened, data_dir, tmp_path, monkeypatch
):
    frame = prices(["AAPL", "MSFT"])
    found = await look_at(put_upload(as_csv(frame)))
    job = await make_version(found["upload_id"], found["inspection"]["mapping"])
    assert job["status"] == "COMPLETED", job["error"]
    closes = frame.sort_values(["Symbol", "Date"])["Close"].tolist()
    assert (await ask(await opened("bob"), "GET", "/v1/versions?name=prices")).status == 404

    # A notebook has opened it, and a job has got its files.
    door = await opened("alice")
    monkeypatch.setenv("ALPHINTRA_DOOR", str(door.socket))
    monkeypatch.setenv("ALPHINTRA_DOOR_TOKEN", door.token)
    begun = await asyncio.to_thread(al.data.load, "prices@1")

    def of_a_job(session):
        return inputs(session, services.storage, [select_for_run(session, Caller("alice", ()), "prices")])

    given = services.database.read_now(of_a_job)
    lay_out(tmp_path, given.texts, given.links)

    gone = await api("DELETE", "/api/datasets/prices", user=ALICE)
    assert gone.status in (200, 202), gone.json
    assert (await asyncio.to_thread(begun.to_arrow))["close"].to_pylist() == closes
    version = begun._version.manifest
    part = f"/v1/versions/{version.version}/files/{version.files[0].sha256}?start=0&bytes=4"
    other = await opened("alice", subject="k2")
    assert (await ask(other, "GET", part)).status == 410
    assert (await ask(other, "GET", f"/v1/versions/{version.version}/manifest")).status == 410
    with pytest.raises(UnknownDataset):
        await asyncio.to_thread(al.data.load, "prices@1")
    with pytest.raises(Gone):
        services.database.read_now(lambda session: inputs(session, services.storage, [Selection(
            session.scalars(select(DatasetRow).where(DatasetRow.name == "prices")).one(), (),
            session.get(DatasetVersionRow, version.version))]))  # fmt: skip

    # The last reader is done: its files go, and the job still has its own.
    services.database.write_now(lambda session: session.execute(delete(DatasetLeaseRow)))
    await services.dataset_deletion.look()
    assert files_below(data_dir / "datasets") == []
    held = FolderSource(tmp_path / "in" / "datasets").open("prices", "1")
    assert read(held)["close"].to_pylist() == closes
    with pytest.raises(DataError, match="deleted"):
        await asyncio.to_thread(begun.to_arrow)

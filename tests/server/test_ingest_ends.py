"""What comes of uploads that do not simply become a version: added rows, errors, lies of a worker, cancelling."""

import sys
from pathlib import Path

import pytest
from alphintra_server.db.dataset_tables import BlobReferenceRow, DatasetVersionRow
from alphintra_server.db.tables import DatasetRow

from .conftest import TestIdentities
from .uploaded import ALICE, HOLD, as_csv, counts, files_below, prices


@pytest.fixture
def worker_argv():
    return (sys.executable, "-P", "-c", Path(__file__).with_name("ingest_worker.py").read_text())


@pytest.fixture
def identities():
    return TestIdentities


async def test_rows_are_added_errors_block_and_nothing_is_left_of_what_cannot_be(
    api, services, put_upload, look_at, make_version, data_dir, job_end
):
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
    assert (shown["state"], shown["error"]["code"], shown["version_id"]) == ("INSPECTED", "OVERLAP", None)
    assert files_below(data_dir / "datasets") == whole
    assert files_below(data_dir / "jobs") == []
    assert counts(services, DatasetVersionRow, DatasetRow)[0] == 2

    # A row that cannot be read: the version is there, says so, and is not traded.
    bad = as_csv(frame).replace(b"2020-01-06,AAPL,", b"2020-01-06,AAPL,oops", 1)
    job = await make_version(put_upload(bad, "bad.csv", "bad"), mapping)
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
    upload_id = put_upload(b"PK\x03\x04" + bytes(200), "evil.xlsx", "evil")
    shown = await look_at(upload_id)
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
        refused = await api("POST", f"/api/datasets/upload/{put_upload(bad)}/ingest", body, user=ALICE)
        assert (refused.status, refused.json["errors"][0]["field"]) == (422, field), refused.json
    theirs = put_upload(bad, user="bob")
    for verb, rest in (("POST", "inspect"), ("GET", "inspection"), ("POST", "ingest")):
        body = {"mapping": mapping} if rest == "ingest" else None
        reply = await api(verb, f"/api/datasets/upload/{theirs}/{rest}", body, user=ALICE)
        assert reply.status == 404, rest


LIES = {
    "bytes": "it has another hash",
    "missing": "it was not written, nor is it in the store",
    "link": "it cannot be opened",
    "version": "the manifest is of version ffff",
    "path": "manifest",
    "source": "made of something else",
    "times": "years 1 to 9999",
    "report": "report",
    "parquet": "announces nothing else",
}


async def test_nothing_that_a_worker_says_is_believed(api, services, put_upload, make_version, look_at, data_dir):
    content = as_csv(prices(["AAPL"]))
    mapping = (await look_at(put_upload(content)))["inspection"]["mapping"]
    for lie, said in LIES.items():
        upload_id = put_upload(content, f"lie-{lie}.csv", "lies")
        job = await make_version(upload_id, mapping)
        assert (job["status"], job["error"]["code"]) == ("FAILED", "BAD_OUTPUT"), lie
        assert said in job["error"]["message"], job["error"]
    assert counts(services, DatasetVersionRow, BlobReferenceRow) == [0, 0]
    assert files_below(data_dir / "datasets") == []
    assert files_below(data_dir / "jobs") == []


async def test_a_job_that_is_cancelled_leaves_the_upload_as_it_was(api, put_upload, look_at, job_end, data_dir):
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
    assert files_below(data_dir / "datasets") == []
    assert files_below(data_dir / "jobs") == []

"""Uploads over HTTP: the tus protocol to its letter, forms, and everything that can go wrong on the way."""

import asyncio
import base64
import hashlib
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from email.utils import parsedate_to_datetime

import pytest
from alphintra_server.db.connector_tables import ConnectorRow, ConnectorRunRow
from alphintra_server.db.dataset_tables import UploadRow
from alphintra_server.db.tables import JobRow
from alphintra_server.db.types import utc_now
from alphintra_server.jobs import ingest
from alphintra_server.limits import Limits
from alphintra_server.services.ingests import enqueue_inspection
from alphintra_server.services.upload_rows import MOST_OPEN
from alphintra_server.uploads.receiving import Receiver
from prometheus_client import REGISTRY
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from .conftest import TestIdentities
from .counted import Counted
from .databases import migrated

HOME = "/api/datasets/upload"
ALICE, MALLORY = "alice:researcher", "mallory:researcher"
TUS = {"Tus-Resumable": "1.0.0"}
CHUNK = TUS | {"Content-Type": "application/offset+octet-stream"}
QUOTA = 40 << 20
#: What an upload that is here may be: its look into the file has begun or not, and ends only with the server.
HERE = {"RECEIVED", "INSPECTING"}


@pytest.fixture
def worker_argv():
    """A worker that is never ready: one that failed would take the file with it, at any moment of a test."""
    return (sys.executable, "-c", "import time; time.sleep(600)")


@pytest.fixture
def identities():
    return TestIdentities


@pytest.fixture
def kind():
    """Which database; override by a parameter for those tests whose queries differ."""
    return "sqlite"


@pytest.fixture
def settings(request, kind):
    found = {"max_storage": QUOTA, "max_upload": QUOTA + 1, "keep_free": 0}
    if kind == "postgresql":
        found["database_url"] = request.getfixturevalue("migrated_postgres_url")
    return found


both = pytest.mark.parametrize("kind", ["sqlite", "postgresql"])


def metadata(**values):
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in values.items())


def checksum(data, algorithm="sha256"):
    return f"{algorithm} {base64.b64encode(hashlib.new(algorithm, data).digest()).decode()}"


@pytest.fixture
def begin(api):
    async def work(length=10, user=ALICE, **about):
        head = TUS | {"Upload-Length": str(length), "Upload-Metadata": metadata(**({"filename": "p.csv"} | about))}
        return await api("POST", HOME, user=user, headers=head)

    return work


@pytest.fixture
def send(api):
    async def work(path, offset, data, user=ALICE, **headers):
        head = CHUNK | {"Upload-Offset": str(offset)} | headers
        return await api("PATCH", path, user=user, headers=head, raw=data)

    return work


def place(reply):
    return reply.headers["Location"].removeprefix("/a%40b")


def rows(services):
    return services.database.read_now(lambda session: list(session.scalars(select(UploadRow))))


def methods():
    samples = (sample for family in REGISTRY.collect() for sample in family.samples)
    return {sample.labels["method"] for sample in samples if sample.name == "http_requests_total"}


async def metrics(api):
    return (await api("GET", "/metrics", user=ALICE)).json.decode()


@both
async def test_a_file_comes_in_pieces_and_is_kept_under_its_id(api, begin, send, services, data_dir):
    before = Counted(await metrics(api))
    made = await begin(10, filename="../../etc/pri ces\u202e.csv.gz")
    assert (made.status, made.headers["Tus-Resumable"]) == (201, "1.0.0")
    assert (made.json["filename"], made.json["dataset_name"]) == ("pri ces.csv.gz", "pri-ces")
    assert (made.json["state"], made.json["received"], made.json["sha256"]) == ("RECEIVING", 0, None)
    path = place(made)
    assert path == f"{HOME}/{made.json['id']}"
    first = await send(path, 0, b"01234", **{"Upload-Checksum": checksum(b"01234")})
    assert (first.status, first.headers["Upload-Offset"], first.json) == (204, "5", b"")
    ends = [parsedate_to_datetime(reply.headers["Upload-Expires"]) for reply in (made, first)]
    assert ends == sorted(ends)
    head = await api("HEAD", path, user=ALICE, headers=TUS)
    assert (head.status, head.headers["Upload-Offset"], head.headers["Upload-Length"]) == (200, "5", "10")
    assert (head.headers["Cache-Control"], head.headers["Tus-Resumable"]) == ("no-store", "1.0.0")
    assert head.headers["Upload-Metadata"] == metadata(filename="../../etc/pri ces\u202e.csv.gz")
    last = await send(path, 5, b"56789", **{"Upload-Checksum": checksum(b"56789", "sha1")})
    assert (last.status, last.headers["Upload-Offset"]) == (204, "10")
    shown = (await api("GET", path, user=ALICE)).json
    assert shown["state"] in HERE
    assert shown["received"] == 10
    assert shown["sha256"] == hashlib.sha256(b"0123456789").hexdigest()
    assert [item.name for item in (data_dir / "uploads").iterdir()] == [shown["id"]]
    assert (data_dir / "uploads" / shown["id"]).read_bytes() == b"0123456789"
    again = await send(path, 10, b"x")
    assert (again.status, again.json["code"]) == (409, "UPLOAD_COMPLETE")
    for state, found in (("RECEIVING", []), (None, [shown["id"]])):
        listed = (await api("GET", HOME, user=ALICE, params={"state": state} if state else {})).json
        assert [item["id"] for item in listed["items"]] == found
    assert (await api("GET", HOME, user=MALLORY)).json["items"] == []
    assert before.since("upload", text=await metrics(api)) == {
        "uploads_total": 1.0, "upload_bytes_total": 10.0, "upload_failures_total UPLOAD_COMPLETE": 1.0,
    }  # fmt: skip
    # A file that is called like a set of the platform proposes another name.
    ours = await begin(10, filename="vix-daily.csv")
    assert (ours.status, ours.json["dataset_name"]) == (201, "my-vix-daily")
    await api("DELETE", place(ours), user=ALICE, headers=TUS)
    # One that is broken off has sent its bytes, and is neither whole nor refused.
    before = Counted(await metrics(api))
    path = place(await begin(10))
    await send(path, 0, b"0123")
    assert (await api("DELETE", path, user=ALICE, headers=TUS)).status == 204
    assert before.since("upload", text=await metrics(api)) == {"upload_bytes_total": 4.0}


async def test_what_the_protocol_refuses(api, begin, send, services):
    before = Counted(await metrics(api))
    path = place(await begin(10))
    await send(path, 0, b"012")
    wrong = await send(path, 0, b"012")
    assert (wrong.status, wrong.json["code"], wrong.json["offset"]) == (409, "UPLOAD_OFFSET", 3)
    bad = await send(path, 3, b"345", **{"Upload-Checksum": checksum(b"999")})
    assert (bad.status, bad.json["code"]) == (460, "CHECKSUM_MISMATCH")
    long = await send(path, 3, b"34567890")
    assert (long.status, long.json["code"]) == (413, "UPLOAD_TOO_LONG")
    reasons = ("UPLOAD_OFFSET", "CHECKSUM_MISMATCH", "UPLOAD_TOO_LONG")
    assert before.since("upload", text=await metrics(api)) == {
        "upload_bytes_total": 3.0, **{f"upload_failures_total {reason}": 1.0 for reason in reasons},
    }  # fmt: skip
    for headers, status, code in (
        ({"Tus-Resumable": "0.2.2"}, 412, "TUS_VERSION"),
        ({"Content-Type": "text/csv"}, 415, "WRONG_TYPE"),
        ({"Upload-Offset": "-3"}, 400, "BAD_HEADER"),
        ({"Upload-Checksum": "crc32 AAAA"}, 400, "CHECKSUM_ALGORITHM"),
        ({"Upload-Checksum": "sha256 AAAA"}, 400, "BAD_HEADER"),
    ):
        reply = await send(path, 3, b"345", **headers)
        assert (reply.status, reply.json["code"]) == (status, code), headers
    missing = await api("PATCH", path, user=ALICE, headers=CHUNK, raw=b"345")
    assert (missing.status, missing.json["code"]) == (400, "HEADER_MISSING")
    (row,) = rows(services)
    assert (row.received, row.state) == (3, "RECEIVING")
    # Nothing of what was refused is in the file that came.
    await send(path, 3, b"3456789")
    assert (await api("GET", path, user=ALICE)).json["sha256"] == hashlib.sha256(b"0123456789").hexdigest()
    told = await api("OPTIONS", HOME)
    assert told.status == 204
    assert told.headers["Tus-Extension"] == "creation,checksum,expiration,termination"
    assert told.headers["Tus-Checksum-Algorithm"] == "sha256,sha1"
    assert told.headers["Tus-Max-Size"] == str(QUOTA + 1)


async def test_what_cannot_begin_leaves_nothing(api, services, data_dir):
    for headers, status, code in (
        ({}, 400, "HEADER_MISSING"),
        ({"Upload-Length": "0"}, 400, "EMPTY_FILE"),
        ({"Upload-Length": str(QUOTA + 2)}, 413, "UPLOAD_TOO_LARGE"),
        ({"Upload-Length": str(QUOTA + 1)}, 413, "QUOTA_EXCEEDED"),
        ({"Upload-Length": "5", "Upload-Metadata": "filename ???"}, 400, "BAD_HEADER"),
        ({"Upload-Length": "5", "Upload-Metadata": metadata(dataset="a/b")}, 422, "BAD_NAME"),
        ({"Upload-Length": "5", "Upload-Metadata": metadata(dataset="upload")}, 422, "BAD_NAME"),
        ({"Upload-Length": "5", "Upload-Metadata": metadata(dataset="vix-daily")}, 422, "NAME_TAKEN"),
        ({"Upload-Length": "5", "Upload-Defer-Length": "1"}, 400, "BAD_HEADER"),
        ({"Upload-Length": "5", "Tus-Resumable": "2.0.0"}, 412, "TUS_VERSION"),
    ):
        reply = await api("POST", HOME, user=ALICE, headers=TUS | headers)
        assert (reply.status, reply.json["code"]) == (status, code), headers
    body = await api("POST", HOME, user=ALICE, headers=TUS | {"Upload-Length": "5"}, raw=b"12345")
    assert (body.status, body.json["code"]) == (400, "UNEXPECTED_BODY")
    assert rows(services) == []
    assert list((data_dir / "uploads").iterdir()) == []


@both
async def test_room_is_reserved_and_given_back(api, begin, services):
    path = place(await begin(QUOTA - 5))
    over = await begin(6)
    assert (over.status, over.json["code"], over.json["used"]) == (413, "QUOTA_EXCEEDED", QUOTA - 5)
    assert (await begin(6, user=MALLORY)).status == 201
    assert (await api("DELETE", path, user=ALICE, headers=TUS)).status == 204
    assert (await begin(6)).status == 201
    for _ in range(MOST_OPEN - 1):
        assert (await begin(1)).status == 201
    many = await begin(1)
    assert (many.status, many.json["code"]) == (429, "TOO_MANY_UPLOADS")


async def test_a_full_disk_is_said_and_leaves_nothing(begin, services, data_dir):
    services.uploads._files._keep_free = 1 << 60
    full = await begin(5)
    assert (full.status, full.json["code"]) == (507, "DISK_FULL")
    (row,) = rows(services)
    assert (row.state, row.kept) == ("ABORTED", False)
    assert list((data_dir / "uploads").iterdir()) == []


@both
async def test_it_is_its_senders_alone_and_ends_by_their_will_or_by_time(api, begin, send, services, data_dir):
    path = place(await begin(10))
    for method, headers in (("HEAD", TUS), ("GET", {}), ("DELETE", TUS)):
        assert (await api(method, path, user=MALLORY, headers=headers)).status == 404, method
    stolen = await send(path, 0, b"0123456789", user=MALLORY)
    absent = await send(f"{HOME}/{'0' * 32}", 0, b"0123456789", user=MALLORY)
    assert (stolen.status, stolen.json["code"]) == (absent.status, absent.json["code"]) == (404, "UNKNOWN_UPLOAD")
    assert (await send(path, 0, b"0", user="alice:viewer")).status == 403
    assert (await api("DELETE", path, user=ALICE, headers=TUS)).status == 204
    ended = await send(path, 0, b"0")
    assert (ended.status, ended.json["code"]) == (410, "UPLOAD_ABORTED")

    old, fresh = place(await begin(10)), place(await begin(10))
    await send(old, 0, b"01")

    def age(session):
        row = session.get_one(UploadRow, old.rpartition("/")[2])
        row.expires_at -= timedelta(hours=25)
        row.inspection = {"rows": [["1234.5"]]}

    services.database.write_now(age)
    late = await send(old, 2, b"2")
    assert (late.status, late.json["code"]) == (410, "UPLOAD_EXPIRED")
    assert (await api("HEAD", old, user=ALICE, headers=TUS)).status == 410
    stray, new = data_dir / "uploads" / "stray", data_dir / "uploads" / "new"
    stray.write_bytes(b"x")
    new.write_bytes(b"x")
    os.utime(stray, (0, 0))
    await services.uploads.sweep()
    assert {item.name for item in (data_dir / "uploads").iterdir()} == {fresh.rpartition("/")[2], "new"}
    # Nothing that a first look showed of it stays either.
    shown = services.database.read_now(lambda session: session.get_one(UploadRow, old.rpartition("/")[2]).inspection)
    assert shown is None


@both
async def test_what_came_to_nothing_is_told_until_it_is_dismissed(api, begin, send, services, put_upload):
    async def told(user=ALICE):
        found = (await api("GET", HOME, user=user, params={"open": "true"})).json
        assert found["_pagination"]["total"] == len(found["items"])
        return {item["filename"]: item for item in found["items"]}

    failed, fetched = put_upload(b"x", "failed.csv"), put_upload(b"x", "fetched.csv")
    waiting, done = put_upload(b"x", "waiting.csv"), put_upload(b"x", "done.csv")
    late, ended = place(await begin(10, filename="late.csv")), place(await begin(10, filename="ended.csv"))
    await api("DELETE", ended, user=ALICE, headers=TUS)
    why = {"code": "NO_ROWS", "message": "There are no rows.", "hint": "Look into it."}

    def stand(session):
        for upload, state in ((failed, "FAILED"), (fetched, "FAILED"), (waiting, "INSPECTED"), (done, "DONE")):
            row = session.get_one(UploadRow, upload)
            row.state, row.error, row.kept = state, why, state == "INSPECTED"
        session.get_one(UploadRow, late.rpartition("/")[2]).expires_at -= timedelta(hours=25)
        now = utc_now()
        about = {"secret_names": [], "source": {}, "about": {}, "description": "", "tags": [], "overlap_bars": 1}
        more = {"user_id": "alice", "created_at": now}
        session.add(ConnectorRow(
            id="c", name="C", kind="http", dataset_name="c", paused=False, updated_at=now, failures=0, **about, **more
        ))  # fmt: skip
        session.flush()
        session.add(ConnectorRunRow(
            id="r", connector_id="c", trigger="HAND", state="FAILED", fetch_job_id="j", upload_id=fetched, **more
        ))  # fmt: skip

    services.database.write_now(stand)
    await services.uploads.sweep()
    # What a connector fetched is told there.
    shown = await told()
    assert set(shown) == {"failed.csv", "waiting.csv", "late.csv"}
    assert (shown["failed.csv"]["error"], shown["failed.csv"]["dismissed"]) == (why, False)
    assert (shown["late.csv"]["state"], shown["late.csv"]["error"]["code"]) == ("EXPIRED", "UPLOAD_EXPIRED")
    assert "for 24 hours" in shown["late.csv"]["error"]["message"]
    assert await told(MALLORY) == {}
    assert (await api("DELETE", f"{HOME}/{failed}", user=MALLORY, headers=TUS)).status == 404
    assert (await api("DELETE", f"{HOME}/{failed}", user="alice:viewer", headers=TUS)).status == 403
    for path in (f"{HOME}/{failed}", late):
        for _ in range(2):  # as often as one likes
            assert (await api("DELETE", path, user=ALICE, headers=TUS)).status == 204
        kept = (await api("GET", path, user=ALICE)).json
        assert (kept["dismissed"], kept["state"] in ("FAILED", "EXPIRED")) == (True, True)
    assert set(await told()) == {"waiting.csv"}
    assert (await api("DELETE", ended, user=ALICE, headers=TUS)).status == 410

    # Nothing is told of for ever.
    def age(session):
        session.get_one(UploadRow, fetched).updated_at -= timedelta(days=31)

    services.database.write_now(age)
    await services.uploads.sweep()
    assert fetched not in {row.id for row in rows(services)}


async def test_two_uploads_of_one_name_do_not_meet(begin, send, services, data_dir):
    one, two = place(await begin(3, dataset="prices")), place(await begin(3, dataset="prices"))
    await send(one, 0, b"one")
    await send(two, 0, b"two")
    found = {row.dataset_name: (data_dir / "uploads" / row.id).read_bytes() for row in rows(services)}
    assert [row.dataset_name for row in rows(services)] == ["prices", "prices"]
    assert len(rows(services)) == 2
    assert found["prices"] in (b"one", b"two")
    assert one != two


async def test_a_client_without_patch_says_what_it_means(api, begin):
    path = place(await begin(3))
    head = CHUNK | {"Upload-Offset": "0", "X-HTTP-Method-Override": "PATCH"}
    assert (await api("POST", path, user="alice:viewer", headers=head, raw=b"abc")).status == 403
    assert (await api("POST", path, user=ALICE, headers=head, raw=b"abc")).status == 204
    assert (await api("GET", path, user=ALICE)).json["state"] in HERE


def form(*parts, boundary="x-y"):
    lines = []
    for head, body in parts:
        lines += [f"--{boundary}".encode(), f"Content-Disposition: form-data; {head}".encode(), b"", body]
    return b"\r\n".join([*lines, f"--{boundary}--".encode(), b""])


async def test_a_form_with_one_file(api, services, data_dir, monkeypatch):
    kind = {"Content-Type": "multipart/form-data; boundary=x-y"}
    # The limit of the form's parts is in the file as well, all but its end.
    data = b"\r\n--x-\r\n--x" * 30_000
    body = form(('name="dataset"', b"prices"), ('name="file"; filename="a/\xfc.csv"', data))
    reply = await api("POST", HOME, user=ALICE, headers=kind, raw=body)
    assert reply.status == 201, reply.json
    assert (reply.json["filename"], reply.json["dataset_name"]) == ("\xfc.csv", "prices")
    assert reply.json["state"] in HERE
    assert reply.json["length"] == len(data)
    assert reply.json["sha256"] == hashlib.sha256(data).hexdigest()
    assert (data_dir / "uploads" / reply.json["id"]).read_bytes() == data
    file = 'name="file"; filename="a.csv"'
    for raw, headers, status, code in (
        (form((file, b"")), kind, 400, "EMPTY_FILE"),
        (form((file, b"1"), (file, b"2")), kind, 400, "TWO_FILES"),
        (form(('name="dataset"', b"x")), kind, 400, "BROKEN_FORM"),
        (form((file, b"1"))[:-8], kind, 400, "BROKEN_FORM"),
        (form((file, b"1"), ('name="dataset"', b"a b")), kind, 422, "BAD_NAME"),
        (form((file, b"1"), ('name="dataset"', b"vix-daily")), kind, 422, "NAME_TAKEN"),
        (form(('name="dataset"', b"vix-daily"), (file, data)), kind, 422, "NAME_TAKEN"),
        (form((file, b"1"), ('name="more"', b"x" * 5000)), kind, 413, "TOO_LARGE"),
        (form((file, b"1"), ('name="datset"', b"prices")), kind, 422, "SCHEMA"),
        (b"1,2", {"Content-Type": "text/csv"}, 400, "NOT_A_FORM"),
    ):
        refused = await api("POST", HOME, user=ALICE, headers=headers, raw=raw)
        assert (refused.status, refused.json["code"]) == (status, code), raw[:80]

    async def away(filename, dataset):
        if dataset is not None:
            raise OperationalError("SELECT", None, ConnectionError("it is gone"))
        return filename

    with monkeypatch.context() as patched:  # while its name is looked up, in the midst of the body
        patched.setattr(services.uploads, "named", away)
        gone = await api("POST", HOME, user=ALICE, headers=kind, raw=form(('name="dataset"', b"x"), (file, data)))
    assert (gone.status, gone.json["code"]) == (503, "DATABASE_UNAVAILABLE")
    for _ in range(600):  # what a refused one left goes after its answer
        left = [item.name for item in (data_dir / "uploads").iterdir()]
        if len(left) == 1:
            break
        await asyncio.sleep(0.05)
    assert left == [reply.json["id"]]
    assert (await api("POST", HOME, user="alice:viewer", headers=kind, raw=body)).status == 403


@pytest.mark.parametrize("kept", [True, False])
async def test_a_body_that_is_settled_while_a_piece_of_it_is_taken(tmp_path, kept):
    """One that came too late: its pieces stay in order, and nothing is written behind a file that is closed."""
    path, pieces, gate, places = tmp_path / "file", (bytes(1 << 20), os.urandom(1 << 20)), threading.Event(), []
    with ThreadPoolExecutor(4) as threads:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
        receiver = Receiver("u", descriptor, 0, 4 << 20, 4 << 20, None, hashlib.sha256(), threads)
        put = receiver._put

        def slow(piece, place):
            if not place:
                gate.wait(60)
            places.append(place)
            put(piece, place)

        receiver._put = slow
        await receiver.take(pieces[0])
        taking = asyncio.create_task(receiver.take(pieces[1]))
        await asyncio.sleep(0)
        settling = asyncio.create_task(receiver.put_down() if kept else receiver.close())
        await asyncio.sleep(0)
        threading.Timer(0.05, gate.set).start()
        await asyncio.gather(taking, settling)
        await receiver.close()
    if kept:
        assert (places, receiver.whole.hexdigest()) == ([0, 1 << 20], hashlib.sha256(b"".join(pieces)).hexdigest())
        assert path.read_bytes() == b"".join(pieces)
    else:
        assert (places, receiver._writing) == ([0], None)


def test_what_is_looked_at_stays_as_long_as_what_was_just_sent(tmp_path):
    """A look that ends when the file would have gone leaves the time to say how it is read."""
    database, now = migrated(f"sqlite:///{tmp_path / 'a'}"), utc_now()
    sent = now - timedelta(hours=23)
    row = UploadRow(
        id="u", user_id="alice", filename="a.csv", dataset_name="a", length=1, received=1, state="RECEIVED", kept=True,
        expires_at=sent + timedelta(hours=24), created_at=sent, updated_at=sent,
    )  # fmt: skip

    def left(work):
        def of(session):
            work(session)
            session.flush()
            upload = session.get_one(UploadRow, "u")
            return upload.expires_at - upload.updated_at, upload.updated_at

        return database.write_now(of)

    def fail(session):
        job = session.get_one(JobRow, session.get_one(UploadRow, "u").job_id)
        job.status, job.error_code, job.error = "FAILED", "WORKER_DIED", {"code": "WORKER_DIED"}
        ingest.ended(session, job)

    for work in (lambda session: (session.add(row), enqueue_inspection(session, row, Limits())), fail):
        assert left(work)[0] == timedelta(hours=24)
        assert left(lambda session: None)[1] >= now
    database.close()


async def test_heads_that_trip_up_what_reads_them(api, services, jp_http_port, jp_base_url):
    """Each is answered, and none with a mistake of the server's."""
    before = Counted()

    async def ask(what, *head, body=b""):
        reader, writer = await asyncio.open_connection("127.0.0.1", jp_http_port)
        method, path = what.split()
        first = f"{method} {jp_base_url.rstrip('/')}{path} HTTP/1.1"
        lines = (first, f"Host: 127.0.0.1:{jp_http_port}", f"X-User: {ALICE}", *head, "", "")
        writer.write("\r\n".join(lines).encode("latin-1") + body)
        async with asyncio.timeout(60):
            answer = await reader.read(100_000)
        writer.close()
        return int(answer.split()[1]), answer

    async def form(head, kind="multipart/form-data; boundary=b"):
        body = b"--b\r\n" + head + b"\r\n\r\nx,y\r\n--b--\r\n"
        length = f"Content-Length: {len(body)}"
        return (await ask(f"POST {HOME}", f"Content-Type: {kind}", length, "Connection: close", body=body))[0]

    endless = "Content-Length: " + "9" * 5_000
    assert (await ask("GET /api/datasets", endless))[0] == 413
    assert (await ask(f"POST {HOME}", endless, "Content-Type: multipart/form-data; boundary=b"))[0] == 413
    head = [f"{name}: {value}" for name, value in CHUNK.items()] + ["Upload-Offset: 0", "Content-Length: 1"]
    status, answer = await ask(
        f"PATCH {HOME}/x", *head, "Connection: close", "Upload-Checksum: sha256 \xe4", body=b"x"
    )
    assert (status, b"BAD_HEADER" in answer) == (400, True)
    deep = b"(" * 7_000
    assert await form(b"Content-Disposition: form-data; name=" + deep) == 400
    assert await form(b"Content-Disposition: form-data", f"multipart/form-data; boundary={deep.decode()}") == 400
    async with asyncio.timeout(60):  # what came of them is settled once they are answered
        while {row.state for row in rows(services)} - {"ABORTED"}:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    # Whoever makes up methods makes no numbers of their own.
    assert (await ask("MADEUP /api/datasets", "Connection: close"))[0] == 405
    assert ("OTHER" in methods(), "MADEUP" in methods()) == (True, False)
    assert before.since("upload_failures")["upload_failures_total BROKEN_FORM"] == 1.0

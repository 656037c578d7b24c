"""What user code can send through its door, in raw bytes: each attack, its exact refusal, and an answer to the next."""

import asyncio
import json
import logging
import os
import subprocess
import sys
import time

import pytest
from alphintra_kernel.doors import opener
from alphintra_kernel.socket_folder import hold
from alphintra_server.door import doors, listener

from .attempts import until
from .conftest import STRATEGY
from .doors import answer, ask, exchange, request, submission

PROBLEM = "application/problem+json"


async def works(door):
    return (await ask(door, "GET", "/v1/me")).status == 200


# Who is asking ---------------------------------------------------------------------------------


async def test_a_token_opens_its_own_door_only(opened):
    mine, other = await opened("alice", subject="k1"), await opened("bob", subject="k2")
    assert mine.token != other.token
    wrong = [other.token, "", mine.token[:-1], mine.token + "x", mine.token.swapcase(), "x" * 4000, "\xff" * 40]
    for token in wrong:
        reply = await ask(mine, "GET", "/v1/me", token=token)
        assert (reply.status, reply.kind, reply.json["code"]) == (401, PROBLEM, "UNAUTHORIZED"), token
        assert reply.headers["www-authenticate"] == "Bearer"
    for header in (f"Authorization: {mine.token}", f"Authorization: token {mine.token}", f"X-Token: {mine.token}"):
        assert answer(await exchange(mine, request("GET", "/v1/me", headers=[header]))).status == 401
    assert answer(await exchange(mine, request("GET", f"/v1/me?token={mine.token}"))).status == 401
    # Without the token nobody learns what is there.
    assert answer(await exchange(mine, request("GET", "/nothing"))).status == 401
    assert await works(mine)
    assert (await ask(other, "GET", "/v1/me")).json["user_id"] == "bob"


async def test_a_door_ends_with_its_tenant(opened):
    door = await opened()
    reader, writer = await asyncio.open_unix_connection(str(door.socket))
    writer.write(request("POST", "/v1/backtests", token=door.token, headers=["Content-Length: 10"]))
    await asyncio.sleep(0.1)
    await opener().close(door)
    assert await reader.read() == b""  # the connection that was open is cut
    writer.close()
    assert not door.socket.parent.exists()
    with pytest.raises(FileNotFoundError):
        await asyncio.open_unix_connection(str(door.socket))
    again = await opened()
    assert again.socket != door.socket
    assert (await ask(again, "GET", "/v1/me", token=door.token)).status == 401
    await opener().close(door)  # ended already: nothing happens
    assert await works(again)


async def test_a_request_that_came_before_the_end_and_finishes_after_it_is_refused(opened):
    door = await opened()
    tenant, _ = opener()._open[door.socket]
    body = json.dumps(submission()).encode()

    async def rest(writer):
        await asyncio.sleep(0.1)
        tenant.ended = True
        writer.write(body)

    head = request("POST", "/v1/backtests", token=door.token, headers=[f"Content-Length: {len(body)}"])
    reply = answer(await exchange(door, head, then=rest))
    assert (reply.status, reply.json["code"]) == (401, "DOOR_CLOSED")


# What is there ---------------------------------------------------------------------------------

ABSENT = [
    "/", "/v1", "/v1/", "/v1/me/", "//v1/me", "/v1//me", "/V1/ME", "/v1/%6de", "/v1/me%00", "/v1/me%2f",
    "/v1/../v1/me", "/v1/./me", "/v1/jobs/..%2f..%2fme", "/%2e%2e/v1/me", "/v1/me;x=1", "/v1/me%0d%0aX:y",
    "http://door/v1/me", "http://127.0.0.1:8888/api/kernels", "door/v1/me", "*", "v1/me",
    "/api/terminals", "/api/kernels", "/api/contents", "/api/sessions", "/api/kernelspecs", "/api/backtests",
    "/a%40b/api/terminals", "/api/events/subscribe", "/metrics", "/health", "/lab", "/static/favicon.ico",
    "/v1/jobs/" + "0" * 31, "/v1/jobs/" + "0" * 33, "/v1/jobs/" + "G" * 32, "/v1/jobs/" + "0" * 32 + "/x",
    "/v1/backtests/" + "0" * 32, "/v1/" + "x" * 4000,
]  # fmt: skip


async def test_nothing_else_is_there(opened):
    door = await opened()
    for path in ABSENT:
        for method in ("GET", "POST"):
            reply = answer(await exchange(door, request(method, path, token=door.token)))
            assert (reply.status, reply.kind) == (404, PROBLEM), (method, path)
            assert reply.json["code"] == "NOT_FOUND", path
    assert await works(door)


async def test_verbs_are_strict(opened):
    door = await opened()
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS", "HEAD", "POST", "FOO", "get", "TRACE", "CONNECT"):
        said = await exchange(door, request(method, "/v1/me", token=door.token))
        assert b" 405 " in said.split(b"\r\n")[0], (method, said)
    reply = await ask(door, "GET", "/v1/backtests")
    assert (reply.status, reply.headers["allow"], reply.json["code"]) == (405, "POST", "METHOD_NOT_ALLOWED")
    for method in ("POST", "PUT"):  # a job's results are the server's: nobody hands them in
        said = await exchange(door, request(method, f"/v1/jobs/{'0' * 32}/results", token=door.token))
        assert b" 405 " in said.split(b"\r\n")[0]
    assert await works(door)


# How it is asked -------------------------------------------------------------------------------

SECRET = "GET /v1/me HTTP/1.1\r\nHost: door\r\nAuthorization: Bearer {token}\r\n\r\n"
SMUGGLING = [
    (["Content-Length: 5", "Transfer-Encoding: chunked"], 400),
    (["Transfer-Encoding: chunked", "Content-Length: 5"], 400),
    (["Content-Length: 5", "Transfer-Encoding: identity"], 400),
    (["Content-Length: 5", "Transfer-Encoding:\tchunked"], 400),
    (["Content-Length: 0", "Content-Length: 5"], 400),
    (["Content-Length: 5", "Content-Length: 5"], 400),
    (["Content-Length: 0, 5"], 400),
    (["Content-Length: +5"], 400),
    (["Content-Length: -1"], 400),
    (["Content-Length: 0x5"], 400),
    (["Content-Length: 5 5"], 400),
    (["Content-Length: \u0665"], 400),
    (["Content-Length: " + "9" * 400], 400),
    (["Transfer-Encoding: chunked"], 411),
    (["Transfer-Encoding: xchunked"], 411),
    (["Transfer-Encoding: chunked, identity"], 411),
    (["Transfer-Encoding : chunked"], 400),
    (["X: y", " Transfer-Encoding: chunked"], 400),
]


async def test_nothing_is_smuggled(opened):
    door = await opened()
    hidden = SECRET.format(token=door.token).encode()
    for headers, status in SMUGGLING:
        data = request("POST", "/v1/backtests", token=door.token, headers=headers) + b"0\r\n\r\n" + hidden
        said = await exchange(door, data)
        assert said.startswith(f"HTTP/1.1 {status} ".encode()), (headers, said)
        assert said.count(b"HTTP/1.1") == 1, headers
        assert b"alice" not in said, headers
    assert await works(door)


async def test_a_second_request_on_a_connection_is_never_read(opened):
    door = await opened()
    one = request("GET", "/v1/me", token=door.token, headers=["Connection: keep-alive"])
    said = await exchange(door, one * 5)
    assert said.count(b"HTTP/1.1 200") == 1
    assert answer(said).headers["connection"] == "close"


async def test_bodies_have_a_limit_that_is_told_before_they_are_sent(opened):
    door = await opened()
    post = await ask(door, "POST", "/v1/backtests", headers=[f"Content-Length: {(8 << 20) + 1}"])
    assert (post.status, post.kind, post.json["code"]) == (413, PROBLEM, "TOO_LARGE")
    get = await ask(door, "GET", "/v1/me", headers=["Content-Length: 1"])
    assert (get.status, get.json["code"]) == (413, "TOO_LARGE")
    cancel = await ask(door, "POST", f"/v1/jobs/{'0' * 32}/cancel", b"{}")
    assert (cancel.status, cancel.json["code"]) == (413, "TOO_LARGE")
    # The largest is read, and refused for what it is.
    large = json.dumps({"code": "x" * ((8 << 20) - 12)}).encode()
    assert len(large) == 8 << 20
    reply = await ask(door, "POST", "/v1/backtests", large)
    assert (reply.status, reply.json["code"]) == (422, "SCHEMA")
    # Two of them fit at once, a third does not.
    waiting = [await asyncio.open_unix_connection(str(door.socket)) for _ in range(2)]
    for _, writer in waiting:
        writer.write(request("POST", "/v1/backtests", token=door.token, headers=[f"Content-Length: {8 << 20}"]))
    await asyncio.sleep(0.2)
    third = await ask(door, "POST", "/v1/backtests", headers=["Content-Length: 1"])
    assert (third.status, third.json["code"], third.headers["retry-after"]) == (429, "TOO_MANY", "1")
    for _, writer in waiting:
        writer.close()
    await asyncio.sleep(0.2)
    assert (await ask(door, "POST", "/v1/backtests", b"{}")).status == 422


BODIES = [
    (b"[]", 422, "SCHEMA"),
    (b"null", 422, "SCHEMA"),
    (b"nonsense", 400, "NOT_JSON"),
    (b'{"code": NaN}', 400, "NOT_JSON"),
    (b'{"seed": 1e999}', 400, "NOT_JSON"),
    (b'{"seed": ' + b"9" * 5000 + b"}", 400, "NOT_JSON"),
    (b"\xff\xfe{}", 400, "NOT_JSON"),
    (b'{"code": "\\ud800"}', 422, "SCHEMA"),
    (b'{"a":' * 31 + b"1" + b"}" * 31, 422, "SCHEMA"),
    (b'{"a":' * 40 + b"1" + b"}" * 40, 422, "SCHEMA"),
    (b"[" * (7 << 20), 400, "NOT_JSON"),
    (b'{"a":' * (1 << 20), 400, "NOT_JSON"),
    (json.dumps(submission(user_id="bob")).encode(), 422, "SCHEMA"),
    (json.dumps(submission(modules={"../x.py": "1"})).encode(), 422, "SCHEMA"),
    (json.dumps(submission(modules={"/etc/x.py": "1"})).encode(), 422, "SCHEMA"),
    (json.dumps(submission(modules={"a/../../x.py": "1"})).encode(), 422, "SCHEMA"),
    (json.dumps(submission(modules={"x.so": "1"})).encode(), 422, "SCHEMA"),
    (json.dumps(submission(modules={f"m{i}.py": "" for i in range(65)})).encode(), 422, "SCHEMA"),
    (json.dumps(submission(source_path="../../x")).encode(), 422, "SCHEMA"),
    (json.dumps(submission(source_path="a\nb")).encode(), 422, "SCHEMA"),
    (json.dumps(submission(code="x" * ((1 << 20) + 1))).encode(), 422, "SCHEMA"),
    (json.dumps(submission(code="x = 1\0")).encode(), 422, "SCHEMA"),
    (json.dumps(submission(code="(" * (1 << 20))).encode(), 422, "SYNTAX_ERROR"),
    (json.dumps(submission(code="print(y)\n" + STRATEGY)).encode(), 422, "UNDEFINED_NAME"),
    (json.dumps(submission(class_name="Other")).encode(), 422, "UNKNOWN_CLASS"),
    (json.dumps(submission(dataset_id="nothing/AAPL")).encode(), 422, "UNKNOWN_DATASET"),
    (json.dumps(submission(parameters={"fast": 1000})).encode(), 422, "BAD_PARAMETER"),
]  # fmt: skip


async def test_bodies_that_are_refused_leave_nothing(opened, services):
    door = await opened()
    for body, status, code in BODIES:
        reply = await ask(door, "POST", "/v1/backtests", body)
        assert (reply.status, reply.kind, reply.json["code"]) == (status, PROBLEM, code), (body[:80], reply.json)
    assert (await ask(door, "GET", "/v1/jobs")).json["items"] == []
    found = await services.database.read(lambda session: session.connection().exec_driver_sql(
        "select (select count(*) from strategies), (select count(*) from backtests)").fetchone())  # fmt: skip
    assert tuple(found) == (0, 0)


async def test_headers_have_a_limit(opened):
    door = await opened()
    said = await exchange(door, request("GET", "/v1/me", token=door.token, headers=["X: " + "y" * 9000]))
    assert said == b""  # closed: whatever is longer is no request of ours
    assert await works(door)
    for line in ("X\0: y", "X: \0", ": y", "X y", "X: y\rZ: w", "(): y"):
        said = await exchange(door, request("GET", "/v1/me", token=door.token, headers=[line]))
        assert said.startswith(b"HTTP/1.1 400"), (line, said)
    for start in (b"GET /v1/me", b"GET /v1/me HTTP/9.9", b"\x16\x03\x01", b"PRI * HTTP/2.0"):
        said = await exchange(door, start + b"\r\n\r\n")
        assert said.startswith(b"HTTP/1.1 400"), (start, said)
    assert await works(door)


# How long and how often ------------------------------------------------------------------------


async def test_slow_headers_and_bodies_are_cut(opened, monkeypatch):
    monkeypatch.setattr(listener, "HEADER_SECONDS", 0.3)
    monkeypatch.setattr(listener, "BODY_SECONDS", 0.3)
    door = await opened()

    async def slowly(writer):
        for _ in range(40):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    for start in (b"", b"GET /v1/me HTTP/1.1\r\nX: "):
        assert await exchange(door, start, then=slowly) == b""
    head = request("POST", "/v1/backtests", token=door.token, headers=["Content-Length: 1000"])
    assert await exchange(door, head, then=slowly) == b""
    assert await exchange(door, b"") == b""  # says nothing at all
    assert await works(door)
    await until(lambda: opener()._open[door.socket][1].connections == 0)


async def test_who_does_not_read_the_answer_is_cut(opened, monkeypatch):
    monkeypatch.setattr(listener, "CONNECTION_SECONDS", 0.5)
    door = await opened()
    _, writer = await asyncio.open_unix_connection(str(door.socket))
    writer.write(request("GET", "/v1/datasets?limit=200", token=door.token))
    serving = opener()._open[door.socket][1]
    await asyncio.sleep(0.1)
    writer.transport.pause_reading()
    await until(lambda: serving.connections == 0)
    writer.close()


FLOOD = """
import socket, sys, time
held = []
for number in range(10_000):
    connection = socket.socket(socket.AF_UNIX)
    connection.setblocking(False)
    try:
        connection.connect(sys.argv[1])
        held.append(connection)
    except BlockingIOError:
        connection.close()
print(len(held), flush=True)
sys.stdin.readline()
"""


async def test_ten_thousand_connections_cost_the_server_a_few(opened, api):
    door, other = await opened("alice"), await opened("bob")
    serving = opener()._open[door.socket][1]
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    flood = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FLOOD, str(door.socket), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    try:
        most = 0
        until = time.monotonic() + 120
        line = asyncio.ensure_future(flood.stdout.readline())
        while not line.done() and time.monotonic() < until:
            most = max(most, len(os.listdir("/proc/self/fd")) - before)  # noqa: PTH208
            assert (await ask(other, "GET", "/v1/me")).json["user_id"] == "bob"
            await asyncio.sleep(0.02)
        held = int(await line)
        assert serving.connections <= listener.MOST_CONNECTIONS
        assert held <= listener.MOST_CONNECTIONS + listener.BACKLOG + 5
        assert most <= listener.MOST_CONNECTIONS + 20  # the flood's pipes and this test's own among them
        assert (await api("GET", "/health")).status == 200
    finally:
        flood.kill()
        await flood.wait()
    assert await works(door)  # in its turn, after what the flood has left in the queue


async def test_connections_that_come_too_often_wait(opened, monkeypatch):
    monkeypatch.setattr(listener, "CONNECTIONS_A_SECOND", 20.0)
    monkeypatch.setattr(listener, "BURST", 5.0)
    door, other = await opened("alice"), await opened("bob")
    began = time.monotonic()
    for _ in range(15):
        assert await works(door)
    assert time.monotonic() - began > 0.4  # ten beyond the burst, at twenty a second
    assert await works(other)


async def test_work_is_handed_over_at_a_bounded_rate_of_the_user(opened, monkeypatch):
    monkeypatch.setattr(doors, "SUBMITS_AT_ONCE", 3.0)
    monkeypatch.setattr(doors, "SUBMITS_A_SECOND", 0.01)
    one, two, other = await opened("carol"), await opened("carol"), await opened("dave")
    replies = [await ask(door, "POST", "/v1/backtests", b"{}") for door in (one, two, one)]
    assert [(each.status, each.headers["ratelimit-remaining"]) for each in replies] == [
        (422, "2"), (422, "1"), (422, "0"),
    ]  # fmt: skip
    refused = await ask(two, "POST", "/v1/backtests", b"{}")
    assert (refused.status, refused.json["code"]) == (429, "TOO_MANY")
    assert 1 <= int(refused.headers["retry-after"]) <= 101
    assert (await ask(other, "POST", "/v1/backtests", b"{}")).status == 422
    assert await works(one)


# What is said of it ----------------------------------------------------------------------------


async def test_the_log_says_who_and_cannot_be_forged_or_filled(opened, caplog):
    caplog.set_level(logging.DEBUG)
    door = await opened("alice", "kernel", "k7")
    await ask(door, "GET", "/v1/x%0a[E]%1b[31mforged")
    assert (await exchange(door, request("GET", "/\x1b[31mforged", token=door.token))).startswith(b"HTTP/1.1 400")
    lines = [record.getMessage() for record in caplog.records if "forged" in record.getMessage()]
    assert lines
    for line in lines:
        assert "\x1b" not in line
        assert "\n" not in line
    assert any("kernel k7 for user alice" in line and "404" in line for line in lines)
    caplog.clear()
    for _ in range(80):
        assert (await ask(door, "GET", "/nothing")).status == 404
    said = [record for record in caplog.records if "Door of" in record.getMessage()]
    assert 20 <= len(said) < 80
    caplog.clear()
    for _ in range(60):
        assert (await exchange(door, b"nonsense\r\n\r\n")).startswith(b"HTTP/1.1 400")
    assert 5 <= len([record for record in caplog.records if "Malformed" in record.getMessage()]) < 40


async def test_errors_of_ours_say_nothing_but_a_number(opened, services, monkeypatch, caplog):
    async def broken(*_):
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(services.system), "describe", broken)
    door = await opened()
    reply = await ask(door, "GET", "/v1/system")
    assert (reply.status, reply.kind, reply.json["code"]) == (500, PROBLEM, "INTERNAL")
    assert "secret" not in json.dumps(reply.json)
    assert await works(door)


async def test_a_server_that_is_stopping_says_so(opened, extension):
    door = await opened()
    services, extension.services = extension.services, None
    try:
        reply = await ask(door, "GET", "/v1/system")
        assert (reply.status, reply.json["code"]) == (503, "UNAVAILABLE")
    finally:
        extension.services = services


async def test_what_a_killed_server_left_is_removed_at_the_next_start(opened, tmp_path, monkeypatch):
    tmp_path = tmp_path / "tmp"
    tmp_path.mkdir()
    monkeypatch.setattr(doors, "_PARENT", tmp_path)
    left = tmp_path / "alp-doors-abc"
    (left / "d1").mkdir(parents=True)
    (left / "d1" / "door.sock").touch()
    recent = tmp_path / "alp-doors-new"
    recent.mkdir()
    link = tmp_path / "alp-doors-link"
    target = tmp_path / "precious"
    target.mkdir()
    link.symlink_to(target)
    old = time.time() - 3600
    os.utime(left, (old, old))
    os.utime(target, (old, old))
    held = tmp_path / "alp-doors-held"
    held.mkdir()
    os.utime(held, (old, old))
    lock = hold(held)
    opener().sweep()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "alp-doors-held", "alp-doors-link", "alp-doors-new", "precious",
    ]  # fmt: skip
    os.close(lock)

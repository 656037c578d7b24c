"""Who leaves before the answer is no error of the server: it is not written to its log as one."""

from __future__ import annotations

import asyncio

import pytest
from alphintra_server.handlers.jobs import JobsHandler
from alphintra_server.handlers.stream import StreamHandler


@pytest.mark.parametrize("path", ["jobs", "stream"])
async def test_who_leaves_before_the_answer_leaves_no_traceback(
    services, monkeypatch, caplog, jp_fetch, jp_http_port, jp_base_url, jp_auth_header, path
):
    """The server listens where something asks for ``jp_fetch``."""
    asked, go_on, answered = asyncio.Event(), asyncio.Event(), asyncio.Event()
    where, name = (services.jobs, "search") if path == "jobs" else (services.events, "subscribe")
    handler = JobsHandler if path == "jobs" else StreamHandler
    usual, usual_end = getattr(where, name), handler.on_finish

    async def slow(*args):
        asked.set()
        await go_on.wait()
        return await usual(*args)

    def on_finish(self):
        usual_end(self)
        answered.set()

    monkeypatch.setattr(where, name, slow)
    monkeypatch.setattr(handler, "on_finish", on_finish)
    _, writer = await asyncio.open_connection("127.0.0.1", jp_http_port)
    headers = "".join(f"{key}: {value}\r\n" for key, value in jp_auth_header.items())
    writer.write(f"GET {jp_base_url}api/{path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode())
    async with asyncio.timeout(120):
        await asked.wait()
        writer.transport.abort()
        await asyncio.sleep(0.2)
        go_on.set()
        await answered.wait()
        await asyncio.sleep(0.1)
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []

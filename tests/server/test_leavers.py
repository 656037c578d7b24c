"""Who leaves before the answer is no error of the server: it is not written to its log as one."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest
from alphintra_server.handlers.jobs import JobsHandler
from alphintra_server.handlers.stream import StreamHandler
from alphintra_server.models.dataset_reading import DownloadPlan
from alphintra_server.services.dataset_reading import Begun

from .counted import Counted


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


async def test_a_download_that_is_left_is_counted_as_that(
    services, monkeypatch, jp_fetch, jp_http_port, jp_base_url, jp_auth_header
):
    @asynccontextmanager
    async def endless(*_):
        async def parts():
            while True:
                yield b"x" * 100_000

        plan = DownloadPlan(dataset_id="d", version=1, rows=1, file_name="d.csv", media_type="text/csv")
        yield Begun(plan, parts())

    monkeypatch.setattr(services.dataset_reading, "download", endless)
    before = Counted()
    reader, writer = await asyncio.open_connection("127.0.0.1", jp_http_port)
    headers = "".join(f"{key}: {value}\r\n" for key, value in jp_auth_header.items())
    address = f"{jp_base_url}api/datasets/d/download?format=csv"
    writer.write(f"GET {address} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode())
    async with asyncio.timeout(120):
        assert (await reader.readline()).startswith(b"HTTP/1.1 200")
        writer.transport.abort()
        while not (ends := before.since("downloads")):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert ends == {"downloads_total LEFT csv": 1.0}
    sent = before.since("download_")
    assert set(sent) == {"download_bytes_total csv"}
    assert sent["download_bytes_total csv"] % 100_000 == 0

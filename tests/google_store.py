"""An object store that speaks Google's JSON interface, on this machine, and before it a line that can be broken."""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import socket
import threading
import uuid
from functools import partial
from http.server import ThreadingHTTPServer
from types import SimpleNamespace

import pytest

from .object_store import Line


@pytest.fixture(scope="module")
def gs_line():
    """The server; yields the line to it, its address, and what it holds."""
    from gcp_storage_emulator.server import RequestHandler
    from gcp_storage_emulator.storage import Storage

    class Whole(RequestHandler):
        """Takes no request of which a part is missing, as Google's does not, and refuses all where a test says so."""

        def parse_request(self):
            good = super().parse_request()
            if good and storage.refused:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                self.send_error(storage.refused)
            return good and not storage.refused

        def do_POST(self):
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            if len(body) == length:
                self.rfile = io.BytesIO(body)
                super().do_POST()

    logging.getLogger("gcp_storage_emulator").setLevel(logging.CRITICAL)
    storage = Storage(use_memory_fs=True)
    storage.refused = None
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Whole, storage))
    server.handle_error = lambda *_: None  # connections that are broken on purpose
    threading.Thread(target=server.serve_forever, daemon=True).start()
    line = Line(server.server_address)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=line.serve, args=(listening,), daemon=True).start()
        yield line, f"http://127.0.0.1:{listening.getsockname()[1]}", storage
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
    server.shutdown()
    server.server_close()


class GoogleBucket:
    """A bucket of a test's own; attributes and methods as of ``object_store.Bucket``."""

    def __init__(self, line, storage):
        self.line, self.name, self._storage = line, f"b-{uuid.uuid4().hex}", storage
        self.address = f"gs://{self.name}/data"
        storage.create_bucket(self.name, {"name": self.name})

    def held(self):
        """Return what lies there, below the store's own place."""
        found, _ = self._storage.get_file_list(self.name)[:2]
        return sorted(item["name"].removeprefix("data/") for item in found)

    def refuse(self, status):
        """Answer every request with a status; ``None``: as usual."""
        self._storage.refused = status

    def put(self, key, content):
        """Put something there as somebody else does."""
        about = self._storage.get_file_obj(self.name, f"data/{key}") | {"size": str(len(content))}
        self._storage.create_file(self.name, f"data/{key}", content, about)


@pytest.fixture
def google_bucket(gs_line, monkeypatch):
    """An empty bucket, which this process's client of Google's storage reaches."""
    line, url, storage = gs_line
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    wait = asyncio.sleep
    # It waits for seconds before it tries again.
    monkeypatch.setattr("gcsfs.retry.asyncio", SimpleNamespace(sleep=lambda _: wait(0.01)))
    line.mend()
    yield GoogleBucket(line, storage)
    line.mend()

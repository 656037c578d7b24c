"""An object store that speaks S3, on this machine: moto's server, and before it a line that can be broken."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import uuid
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest

SECRET = "not-for-a-kernel"


@dataclass
class Line:
    """What goes between a client and the server, and how much of it still does.

    Attributes:
        up: Bytes that the client may still send; ``None`` for all.
        down: Bytes that the server may.
        breaks: How many connections were broken off.
        heals: After so many of them everything goes through again; 0 for never.
    """

    server: tuple[str, int]
    up: int | None = None
    down: int | None = None
    breaks: int = 0
    heals: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def cut(self, *, up=None, down=None, heals=0):
        """Break each connection off after so many bytes, the first one as all that follow."""
        with self._lock:
            self.up, self.down, self.breaks, self.heals = up, down, 0, heals

    def mend(self):
        """Let everything through."""
        self.cut()

    def serve(self, listening):
        """Take connections until the socket is closed."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = listening.accept()
                server = socket.create_connection(self.server)
                for source, target, way in ((client, server, "up"), (server, client, "down")):
                    threading.Thread(target=self._carry, args=(source, target, way), daemon=True).start()

    def _carry(self, source, target, way):
        with contextlib.suppress(OSError):
            while part := source.recv(1 << 16):
                whole = self._may(way, len(part))
                target.sendall(part[:whole])
                if whole < len(part):
                    break
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _may(self, way, count):
        with self._lock:
            left = getattr(self, way)
            if left is None:
                return count
            setattr(self, way, max(left - count, 0))
            if left < count:
                self.breaks += 1
                if self.breaks == self.heals:
                    self.up = self.down = None
            return min(left, count)


@pytest.fixture(scope="module")
def s3_line():
    """The server; yields the line to it and its address."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    line = Line(server.get_host_and_port())
    with socket.create_server(("127.0.0.1", 0)) as listening:
        threading.Thread(target=line.serve, args=(listening,), daemon=True).start()
        yield line, f"http://127.0.0.1:{listening.getsockname()[1]}"
        with contextlib.suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
    server.stop()


class Bucket:
    """A bucket of a test's own.

    Attributes:
        line: What goes to it.
        address: As the store is named.
    """

    def __init__(self, line):
        import boto3

        self.line, self.name = line, f"b-{uuid.uuid4().hex}"
        self.address = f"s3://{self.name}/data"
        host, port = line.server
        # Not over the line: what the tests look at does not break.
        self._client = boto3.client("s3", endpoint_url=f"http://{host}:{port}", region_name="us-east-1")
        self.create(self.name)

    def create(self, name):
        """Make a bucket."""
        self._client.create_bucket(Bucket=name)

    def held(self):
        """Return what lies there, below the store's own place."""
        found = self._client.list_objects_v2(Bucket=self.name).get("Contents", [])
        return sorted(item["Key"].removeprefix("data/") for item in found)

    def get(self, key):
        """Return the bytes of what lies there."""
        return self._client.get_object(Bucket=self.name, Key=f"data/{key}")["Body"].read()

    def put(self, key, content):
        """Put something there as somebody else does."""
        self._client.put_object(Bucket=self.name, Key=f"data/{key}", Body=content)


@pytest.fixture
def bucket(s3_line, monkeypatch):
    """An empty bucket, which this process's S3 client reaches."""
    line, url = s3_line
    for name, value in {
        "AWS_ENDPOINT_URL": url, "AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": "/dev/null",
        "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "NO_PROXY": "127.0.0.1",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    assert urlsplit(url).port != line.server[1]
    line.mend()
    yield Bucket(line)
    line.mend()

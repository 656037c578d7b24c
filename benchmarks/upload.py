"""A file by tus over loopback: bytes a second, what the server's memory grows by, and ``GET /health`` meanwhile.

Run alone it prints the figures: ``python benchmarks/upload.py [MEGABYTES]``.
"""

from __future__ import annotations

import base64
import hashlib
import http.client
import os
import random
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from rest_run import Server, serving
from table import Table

MEGABYTES = 1024
#: Megabytes a second that there have to be, megabytes that the server may grow by, milliseconds of ``/health``.
WANTED, GROWTH, ALLOWED = 200.0, 64.0, 50.0
CHUNK = 16 << 20


@dataclass(frozen=True)
class Uploaded:
    """What one upload took.

    Attributes:
        rate: Megabytes a second, every chunk with its SHA-256, every answer after the bytes were on the disk.
        disk: Megabytes a second at which a file of the same chunks is written and put on the disk, with nothing else.
        growth: Megabytes that the server's memory was above what it was before, at most.
        health: Milliseconds of the slowest of nineteen in twenty answers of ``/health`` meanwhile.
        longest: Of the slowest.
        probes: How many there were.
    """

    rate: float
    disk: float
    growth: float
    health: float
    longest: float
    probes: int


def measure(megabytes: int = MEGABYTES) -> Uploaded:
    """Upload a file that does not compress to a server of its own."""
    with tempfile.TemporaryDirectory(prefix="alphintra-upload-") as name:
        folder = Path(name)
        flags = ("--AlphintraServer.pool_size=0", "--AlphintraServer.keep_free=0")
        with serving(folder, *flags) as server:
            chunk = random.Random(8).randbytes(CHUNK)
            disk = _disk(folder / "plain", chunk, megabytes)
            _upload(server, chunk, 32)  # what is loaded at the first upload is no growth
            return _measured(server, chunk, megabytes, disk)


def _measured(server: Server, chunk: bytes, megabytes: int, disk: float) -> Uploaded:
    pid = _pid(server)
    before, ended = _resident(pid), threading.Event()
    most, probes = [before], []

    def watch() -> None:
        connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=60)
        while not ended.wait(0.005):
            begun = time.perf_counter()
            connection.request("GET", "/health")
            connection.getresponse().read()
            probes.append(1000 * (time.perf_counter() - begun))
            most.append(_resident(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    seconds = _upload(server, chunk, megabytes)
    ended.set()
    watcher.join()
    probes.sort()
    return Uploaded(
        rate=megabytes * (1 << 20) / 1e6 / seconds,
        disk=disk,
        growth=(max(most) - before) / 1e6,
        health=probes[int(0.95 * (len(probes) - 1))],
        longest=probes[-1],
        probes=len(probes),
    )


def _upload(server: Server, chunk: bytes, megabytes: int) -> float:
    """Upload, end the upload, and return the seconds that its chunks took."""
    connection = http.client.HTTPConnection(urlsplit(server.address).netloc, timeout=120)
    head = {"Authorization": f"token {server.token}", "Tus-Resumable": "1.0.0"}
    length = megabytes << 20
    connection.request("POST", "/api/datasets/upload", b"", head | {"Upload-Length": str(length)})
    made = connection.getresponse()
    made.read()
    path = made.headers["Location"]
    digest = base64.b64encode(hashlib.sha256(chunk).digest()).decode()
    last = chunk[: length % CHUNK]
    begun = time.perf_counter()
    for offset in range(0, length, CHUNK):
        part = chunk if offset + CHUNK <= length else last
        said = digest if part is chunk else base64.b64encode(hashlib.sha256(part).digest()).decode()
        more = {
            "Content-Type": "application/offset+octet-stream",
            "Upload-Offset": str(offset),
            "Upload-Checksum": f"sha256 {said}",
        }
        connection.request("PATCH", path, part, head | more)
        reply = connection.getresponse()
        reply.read()
        if reply.status != 204:
            raise RuntimeError(f"a chunk was answered {reply.status}")
    seconds = time.perf_counter() - begun
    connection.request("DELETE", path, headers=head)
    connection.getresponse().read()
    return seconds


def _disk(path: Path, chunk: bytes, megabytes: int) -> float:
    begun = time.perf_counter()
    with path.open("wb", buffering=0) as file:
        for _ in range(max(1, (megabytes << 20) // CHUNK)):
            file.write(chunk)
            os.fsync(file.fileno())
    seconds = time.perf_counter() - begun
    path.unlink()
    return max(CHUNK, (megabytes << 20) // CHUNK * CHUNK) / 1e6 / seconds


def _pid(server: Server) -> int:
    """Return the process that listens: a child of this one."""
    port = str(urlsplit(server.address).port)
    for child in Path(f"/proc/{os.getpid()}/task/{os.getpid()}/children").read_text().split():
        if f"--port={port}" in Path(f"/proc/{child}/cmdline").read_text():
            return int(child)
    raise RuntimeError("the server is no child of this process")


def _resident(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def show(found: Uploaded, table: Table) -> None:
    """Print the lines of the table of ``make bench``."""
    seconds = MEGABYTES * (1 << 20) / 1e6 / WANTED
    took = MEGABYTES * (1 << 20) / 1e6 / found.rate
    work = f"upload of {MEGABYTES:,} MiB over loopback"
    table.seconds(work, took, f"≤ {seconds:.2g} s", took <= seconds)
    table.bytes("  what the server grows by", int(found.growth * 1e6), int(GROWTH * 1e6))
    table.seconds("  /health meanwhile (95 %)", found.health / 1e3, f"≤ {ALLOWED / 1e3:g} s", found.health <= ALLOWED)
    table.note(f"Upload: {found.rate:.0f} MB/s; the same chunks put on the disk alone: {found.disk:.0f} MB/s.")


if __name__ == "__main__":
    found = measure(int(sys.argv[1]) if len(sys.argv) > 1 else MEGABYTES)
    print(f"{found.rate:8.0f} MB/s      (wanted {WANTED:g}; the disk alone {found.disk:.0f})")
    print(f"{found.growth:8.1f} MB growth (allowed {GROWTH:g})")
    print(f"{found.health:8.1f} ms /health (allowed {ALLOWED:g}; the longest of {found.probes} {found.longest:.1f})")

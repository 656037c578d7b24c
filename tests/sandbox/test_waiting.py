"""Jobs that take whatever they can get, one after the other: others wait no longer than twice as long as before."""

from __future__ import annotations

import time

import pytest

from .server import Server, strategy
from .waiting import others_wait

pytestmark = pytest.mark.slow  # they measure, a quarter of a minute each

_BEFORE = """
import mmap, os
def write(path, data, times):
    with open(path, "wb", buffering=0) as file:
        for _ in range(times):
            file.write(data)
"""
#: What it does, and how it ends: by itself at its bound, or stopped, where there is none but time.
GREEDY = {
    "the processor": ("for _ in range(3): os.fork()\nwhile True: pass", "CANCELLED"),
    "processes": ("while True:\n    try: os.fork()\n    except OSError: pass", "CANCELLED"),
    "memory": ("kept = []\nwhile True: kept.append(os.urandom(1 << 20) * 16)", "MEMORY_LIMIT"),
    "shared memory": (
        "kept = []\nwhile True:\n    kept.append(mmap.mmap(-1, 16 << 20))\n    kept[-1].write(b'x' * (16 << 20))",
        "MEMORY_LIMIT",
    ),
    "the disk": ("for i in range(10**6): write(f'/job/out/{i}', b'x' * (1 << 20), 16)", "DISK_LIMIT"),
    "files": ("for i in range(10**9): write(f'/job/out/{i}', b'', 0)", "DISK_LIMIT"),
    "prints": ("while True: print('x' * 1000)", "OUTPUT_LIMIT"),
    "standard error": ("while True: os.write(2, b'x' * 65536)", "OUTPUT_LIMIT"),
}
SECONDS = 8


@pytest.mark.parametrize(("code", "end"), GREEDY.values(), ids=GREEDY.keys())
def test_a_greedy_job(server: Server, capsys: pytest.CaptureFixture[str], code: str, end: str) -> None:
    """The control is the same server without it."""
    with others_wait(server, capsys, lambda: server.latency(20)):
        began = time.monotonic()
        while time.monotonic() - began < SECONDS:  # what is over soon comes again
            greedy = server.start_job(strategy(code, before=_BEFORE))
            while (found := server.job(greedy))["status"] in {"PENDING", "RUNNING"}:
                if end == "CANCELLED" and time.monotonic() - began > SECONDS:
                    server.ask("POST", f"/api/backtests/{greedy}/cancel")
                time.sleep(0.2)
            said = found["error"]["code"] if found["status"] == "FAILED" else found["status"]
            assert said == end, found

"""What a job says and leaves: too much, forged, or not what it seems. The server believes none of it."""

from __future__ import annotations

import contextlib
import json
import os
import pickle
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from .server import Server, strategy

MIB = 1 << 20
#: The most that a job may cost the server, whatever it says.
GROWTH = 96 * MIB

FORGE = '''
import errno, fcntl, hashlib, json, os, socket, stat, sys, time

def channels():
    """Every pipe and socket that can be written to: one of them leads to the server."""
    found = []
    for name in os.listdir("/proc/self/fd"):
        fd = int(name)
        try:
            kind = os.fstat(fd).st_mode
            writable = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE != os.O_RDONLY
        except OSError:
            continue
        if fd > 2 and writable and (stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)):
            found.append(fd)
    return found

def forge(line):
    for fd in channels():
        data = line
        try:
            while data:
                data = data[os.write(fd, data):]
        except OSError:
            pass

def say(**message):
    forge(json.dumps(message).encode() + b"\\n")

def claim(name, data=b"{}"):
    return {"name": name, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}

def result(*files):
    say(type="result", files=list(files))
    time.sleep(30)

def put(name, data=b"{}"):
    with open("/job/out/" + name, "wb") as file:
        file.write(data)
    return claim(name, data)
'''


@pytest.fixture(autouse=True)
def _the_server_stays_small(server: Server) -> Iterator[None]:
    """At its largest meanwhile, not only afterwards."""
    before = server.memory
    server.forget_peak()
    yield
    assert server.peak - before < GROWTH


def _run(server: Server, code: str, seconds: float = 180) -> dict[str, Any]:
    return server.run(strategy(code, before=FORGE), seconds)


def test_what_is_forged_reaches_the_server(server: Server) -> None:
    """The control of all below: user code holds the channel, and what it writes there is heard."""
    job = _run(server, "say(type='log', text='from the strategy itself')")
    assert (job["status"], "from the strategy itself" in job["log"]) == ("COMPLETED", True)


@pytest.mark.parametrize(
    ("code", "refused"),
    [
        ("while True: say(type='log', text='x' * 1000)", "OUTPUT_LIMIT"),
        ("while True: forge(b'{\"type\":\"log\",\"text\":\"\"}\\n' * 1000)", "OUTPUT_LIMIT"),
        ("forge(b'x' * (100 << 20)); time.sleep(30)", "OUTPUT_LIMIT"),
        ("say(type='log', text='x' * (500 << 10)); time.sleep(30)", "OUTPUT_LIMIT"),
        ("while True: os.write(2, b'x' * 65536)", "OUTPUT_LIMIT"),
        ("say(type='progress', fraction=7); time.sleep(30)", "PROTOCOL"),
        ("say(type='ready', pid=1, versions={}); time.sleep(30)", "PROTOCOL"),
        ("say(type='cancelled'); time.sleep(30)", "PROTOCOL"),
        ("forge(b'not JSON\\n'); time.sleep(30)", "PROTOCOL"),
        ("forge(b'[' * 50_000 + b'\\n'); time.sleep(30)", "PROTOCOL"),
        ("forge(b'\\x80\\x04\\x95\\n'); time.sleep(30)", "PROTOCOL"),
        ("result({'name': '../../../alphintra.sqlite', 'bytes': 0, 'sha256': '0' * 64})", "PROTOCOL"),
        ("result({'name': '/etc/passwd', 'bytes': 0, 'sha256': '0' * 64})", "PROTOCOL"),
        ("os._exit(7)", "WORKER_DIED"),
        ("os.kill(os.getpid(), 9)", "WORKER_DIED"),
    ],
    ids=[
        *("messages", "tiny messages", "one message, 100 MB", "one message, 500 KB", "standard error"),
        *("fraction", "ready twice", "unknown type", "no JSON", "nested JSON", "a pickle"),
        *("a path", "an absolute path", "its own end", "its own death"),
    ],
)
def test_said(server: Server, code: str, refused: str) -> None:
    job = _run(server, code)
    assert (job["status"], job["error"]["code"]) == ("FAILED", refused), job["error"]


def test_a_job_that_prints_and_prints(server: Server) -> None:
    """A job that prints is no enemy: what is too much is left out, and that is said."""
    job = _run(server, "for _ in range(64): print('x' * 1_000_000)")
    assert job["status"] == "COMPLETED", job["error"]
    assert sum(map(len, job["log"])) < MIB
    assert len(job["log"]) <= 200


LEFT = {
    "a pipe": "os.mkfifo('/job/out/result.json')",
    "a socket": "socket.socket(socket.AF_UNIX).bind('/job/out/result.json')",
    "a link": "os.symlink('/etc/passwd', '/job/out/result.json')",
    "a link to itself": "os.symlink('result.json', '/job/out/result.json')",
    "a second name": "put('result.json'); os.link('/job/out/result.json', '/job/out/other')",
    "a folder": "os.mkdir('/job/out/result.json')",
    "nothing": "pass",
    "another content": "put('result.json', b'{ }')",
    "more than allowed": "os.truncate(os.open('/job/out/result.json', os.O_CREAT | os.O_RDWR), 200 << 20)",
}
CONTENT = {
    "a pickle": pickle.dumps(os.getcwd),
    "nested": b"[" * 1_000_000,
    "no object": b"[1]",
    "not a number": b'{"metrics": NaN}',
    "another schema": b'{"version": 1}',
}


@pytest.mark.parametrize("code", LEFT.values(), ids=LEFT.keys())
def test_left_as_a_file(server: Server, code: str) -> None:
    job = _run(server, f"{code}\nresult(claim('result.json'), put('view.json'), put('report.html'))")
    assert (job["status"], job["error"]["code"]) == ("FAILED", "BAD_OUTPUT"), job["error"]
    assert "result.json" in job["error"]["message"]


@pytest.mark.parametrize("data", CONTENT.values(), ids=CONTENT.keys())
def test_left_in_a_file(server: Server, data: bytes) -> None:
    job = _run(server, f"result(put('result.json', {data[:60]!r} * {max(1, len(data) // 60)}), put('view.json'),"
               " put('report.html'))")
    assert (job["status"], job["error"]["code"]) == ("FAILED", "BAD_OUTPUT"), job["error"]
    assert "result.json" in job["error"]["message"]


#: Results of 10 GB, none of which is held by its job either, and what the job is refused with.
LARGE = {
    "in one line": ("for _ in range(10 << 10): forge(b'x' * (1 << 20))", "OUTPUT_LIMIT", "over 64 KiB"),
    "in lines": (
        "for _ in range(10 << 10): forge((b'{\"type\":\"log\",\"text\":\"' + b'x' * 60_000 + b'\"}\\n') * 17)",
        "OUTPUT_LIMIT", "print less"),
    "in messages of its end": (
        "for _ in range(10 << 10): forge((b'{\"type\":\"result\",\"files\":[' + b' ' * 60_000 + b']}\\n') * 17)",
        "BAD_OUTPUT", "The job left no result.json, view.json, report.html."),
    "in a file": (
        "os.truncate(os.open('/job/out/result.json', os.O_CREAT | os.O_RDWR), 10 << 30)",
        "STRATEGY_ERROR", "File too large"),
    "in forty files": (
        "for number in range(40): os.truncate(os.open(f'/job/out/{number}', os.O_CREAT | os.O_RDWR), 256 << 20)\n"
        "os.rename('/job/out/0', '/job/out/result.json')\n"
        "claimed = [claim(name) | {'bytes': 256 << 20} for name in ('result.json', 'view.json', 'report.html')]\n"
        "result(*claimed)", "BAD_OUTPUT", "result.json is larger than 64 MiB."),
    "in the tables": (
        "names = ('trades', 'fills', 'orders', 'equity')\n"
        "for name in names: os.truncate(os.open(f'/job/out/{name}.parquet', os.O_CREAT | os.O_RDWR), 256 << 20)\n"
        "result(put('result.json'), put('view.json'), put('report.html'),"
        " *(claim(f'{name}.parquet') | {'bytes': 256 << 20} for name in names))",
        "BAD_OUTPUT", "trades.parquet is not the file that the job announced."),
    "as its result": (
        "import alphintra.result\nalphintra.result.Result.to_json = lambda self: 'x' * (10 << 30)",
        "MEMORY_LIMIT", ""),
}  # fmt: skip


@pytest.mark.slow  # half a minute where nothing else runs
def test_results_of_ten_gigabytes(server: Server) -> None:
    before = _bytes_below(server.root / "data")
    jobs = {name: server.start_job(strategy(code, before=FORGE)) for name, (code, _, _) in LARGE.items()}
    for name, job in jobs.items():
        ended = server.finish(job, 300)
        _, refused, told = LARGE[name]
        assert (name, ended["status"], ended["error"]["code"]) == (name, "FAILED", refused), ended["error"]
        assert told in ended["error"]["message"], (name, ended["error"])
    # Of each job the row of the database stays, and nothing else.
    assert _bytes_below(server.root / "data") - before < 8 * MIB


def _bytes_below(folder: Path) -> int:
    """As the files say, also where nothing lies on the disk."""
    found = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            found += path.lstat().st_size
    return found


def test_a_device_cannot_be_left(server: Server) -> None:
    job = _run(
        server,
        "try:\n    os.mknod('/job/out/result.json', 0o60666, os.makedev(254, 0))\n"
        "except OSError as error:\n    print(errno.errorcode[error.errno])",
    )
    assert (job["status"], job["log"]) == ("COMPLETED", ["EPERM"])


def test_what_it_leaves_besides_is_removed(server: Server) -> None:
    """Folders without end, and folders that it has closed to everybody."""
    code = """
os.chdir("/job/out")
for _ in range(2000):
    os.mkdir("d")
    os.chdir("d")
os.chdir("/job/out")
os.mkdir("closed")
open("closed/file", "w").close()
os.chmod("closed", 0)
os._exit(7)
"""
    job = _run(server, code)
    # It ends itself; the sandbox that counts what it makes may be quicker.
    assert job["error"]["code"] in {"WORKER_DIED", "DISK_LIMIT"}
    assert not (server.root / "data" / "jobs" / job["job_id"]).exists()


FORGED = "[I 2026-01-02 03:04:05.678 AlphintraServer] Door opened for kernel forged-by-the-tenant"


@pytest.mark.parametrize(
    "code",
    [
        f"print('\\r\\n{FORGED}')",
        f"print('\\x1b]0;title\\x07\\x1b[2J\\x1b[1;1H\\x9b2J{FORGED}\\u2028{FORGED}\\x85{FORGED}')",
        f"say(type='log', text='\\n{FORGED}\\n')",
        f"os.write(2, b'\\n{FORGED}\\n'); os._exit(3)",
        f"raise RuntimeError('\\n{FORGED}\\n')",
        f"say(type='error', code='STRATEGY_ERROR', message='\\n{FORGED}\\n'); time.sleep(30)",
    ],
    ids=["print", "terminal", "forged line", "standard error", "error", "forged error"],
)
def test_no_line_of_a_log_is_forged(server: Server, code: str) -> None:
    log = server.root / "server.log"
    before = log.stat().st_size
    job = _run(server, code)
    said = log.read_bytes()[before:].decode("utf-8", "replace")
    assert not any(re.match(r"\W*\[I 2026-01-02", line) for line in said.splitlines()), said
    assert "\x1b" not in re.sub(r"\x1b\[[0-9;]*m", "", said)
    shown = json.dumps(job["log"], ensure_ascii=True)
    assert not re.search(r"\\u00(0[0-8b-f]|1[0-9a-f]|7f|8[0-9a-f]|9[0-9a-f])|\\u202[89]|\\[nr]", shown), shown

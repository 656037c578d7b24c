"""Acts that use up what all share, each a little more than its bound: harmless outside, and refused inside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from alphintra_kernel.limits import MIB, Limits
from alphintra_kernel.profile import Mount
from alphintra_kernel.sandbox import Sandbox
from alphintra_kernel.supervise import SandboxProcess

SMALL = Limits(
    wall_seconds=20,
    memory_bytes=64 * MIB,
    processes=32,
    open_files=64,
    file_bytes=8 * MIB,
    tmp_bytes=256 * MIB,
    disk_bytes=16 * MIB,
    disk_files=500,
)

PRELUDE = """
import errno, json, mmap, os, signal, sys, threading, time
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
out = sys.argv[2]
MIB = b"x" * (1 << 20)
def say(value):
    os.write(int(sys.argv[1]), json.dumps(value).encode() + b"\\n")
def attempt(action):
    try:
        action()
        return "done"
    except OSError as error:
        return errno.errorcode[error.errno]
    except Exception as error:
        return type(error).__name__
def fill(path, mebibytes):
    with open(path, "wb", buffering=0) as file:
        for _ in range(mebibytes):
            written = 0
            while written < len(MIB):
                written += file.write(MIB[written:])
def files(folder, number):
    for i in range(number):
        open(f"{folder}/small-{i}", "w").close()
def linger():
    time.sleep(float(sys.argv[3]))  # what somebody watches has time to be noticed
"""


@dataclass(frozen=True)
class Act:
    """One act.

    Attributes:
        name: What it uses up.
        code: Defines ``act()``.
        said: What it says inside; ``None`` where it is ended before.
        outcome: How its sandbox ends.
        limits: Its bounds.
        control: What it says outside; ``None`` where it never ends.
    """

    name: str
    code: str
    said: str | None
    outcome: str = "exited"
    limits: Limits = SMALL
    control: str | None = "done"


_FORK = """
pids = []
def act():
    try:
        for _ in range(60):
            pid = os.fork()
            if pid == 0:
                time.sleep(60)
                os._exit(0)
            pids.append(pid)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
"""
_THREADS = """
def act():
    end = threading.Event()
    threading.stack_size(256 << 10)  # so that their number is the bound, not the memory of their stacks
    try:
        for _ in range(60):
            threading.Thread(target=end.wait).start()
    finally:
        end.set()
"""
_SHARED = """
def act():
    block = mmap.mmap(-1, 100 << 20)
    for _ in range(100):
        block.write(MIB)
    linger()
"""
_MEMFD = """
def act():
    fds = [os.memfd_create("hidden") for _ in range(20)]
    for fd in fds:
        for _ in range(5):
            os.write(fd, MIB)
    linger()
"""
_OPEN = """
def act():
    fds = []
    try:
        for _ in range(100):
            fds.append(os.open("/dev/null", os.O_RDONLY))
    finally:
        for fd in fds:
            os.close(fd)
"""
_UNLINKED = """
def act():
    held = []
    for i in range(5):
        fill(f"{out}/hidden", 7)
        held.append(os.open(f"{out}/hidden", os.O_RDONLY))
        os.unlink(f"{out}/hidden")
    linger()
"""
_CLOSED = """
def act():
    for i in range(20):
        folder = f"{out}/closed-{i}"
        os.mkdir(folder)
        files(folder, 50)
        os.chmod(folder, 0)
    linger()
    for i in range(20):
        os.chmod(f"{out}/closed-{i}", 0o700)
"""
_SPIN = """
def act():
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT):
        signal.signal(name, signal.SIG_IGN)
    say("begun")
    while True:
        pass
"""
_SLEEP = """
def act():
    say("begun")
    signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
    while True:
        time.sleep(1000)
"""
_STOP = """
def act():
    say("begun")
    os.kill(os.getpid(), signal.SIGSTOP)
"""
_BOMB = """
def act():
    say("begun")
    while True:
        try:
            os.fork()
        except OSError:
            pass
"""
_SHORT = Limits(**(SMALL.__dict__ | {"wall_seconds": 1.5}))
#: Room for all processes that are allowed: what ends a crowd is its time.
_ROOMY = Limits(**(_SHORT.__dict__ | {"memory_bytes": 512 * MIB}))

ACTS = (
    Act("processes", _FORK, "EAGAIN"),
    Act("threads", _THREADS, "RuntimeError"),
    Act("memory", "def act():\n    block = bytearray(100 << 20)", "MemoryError"),
    Act("shared memory", _SHARED, None, "memory"),
    Act("/tmp", "def act():\n    for i in range(20): fill(f'/tmp/{os.getpid()}-{i}', 5)\n    linger()", None, "memory",
        control=None),
    Act("/dev/shm", "def act():\n    for i in range(20): fill(f'/dev/shm/{os.getpid()}-{i}', 5)\n    linger()", None,
        "memory", control=None),
    Act("a file", "def act():\n    fill(f'{out}/huge', 20)", "EFBIG"),
    Act("a file with a hole", "def act():\n    os.truncate(os.open(f'{out}/hole', os.O_CREAT | os.O_RDWR), 1 << 40)",
        "EFBIG"),
    Act("files, large", "def act():\n    for i in range(10): fill(f'{out}/{i}', 5)\n    linger()", None, "disk"),
    Act("files, small", "def act():\n    files(out, 2000)\n    linger()", None, "disk"),
    Act("files, small, in /tmp", "def act():\n    files('/tmp', 2000)\n    linger()", None, "disk", control=None),
    Act("files, small, in closed folders", _CLOSED, None, "disk"),
    Act("files that nobody sees", _UNLINKED, None, "disk"),
    Act("descriptors", _OPEN, "EMFILE"),
    Act("the processor, deaf", _SPIN, "begun", "wall_clock", _SHORT, control=None),
    Act("time, asleep", _SLEEP, "begun", "wall_clock", _SHORT, control=None),
    Act("time, stopped", _STOP, "begun", "wall_clock", _SHORT, control=None),
    Act("processes without end", _BOMB, "begun", "wall_clock", _ROOMY, control=None),
)
#: By level: the operating system counts its pages, or nobody does and there is none.
MEMFD = {
    "full": Act("memory without a name", _MEMFD, None, "memory"),
    "no-cgroup": Act("memory without a name", _MEMFD, "ENOSYS"),
}


def _source(code: str) -> str:
    return f"{PRELUDE}\n{code}\nsay(attempt(act))\n"


def outside(code: str, out: Path) -> list[Any]:
    """Run an act as the test's own user."""
    read, write = os.pipe()
    command = [sys.executable, "-I", "-c", _source(code), str(write), str(out), "0"]
    with subprocess.Popen(command, pass_fds=[write], stderr=subprocess.PIPE):
        os.close(write)
        return _lines(read)


def start(sandbox: Sandbox, code: str, out: Path, limits: Limits) -> tuple[SandboxProcess, int]:
    """Run an act inside: the sandbox, and where it speaks."""
    read, write = os.pipe()
    try:
        process = sandbox.spawn(
            [sys.executable, "-I", "-c", _source(code), str(write), "/job/out", "3"],
            mounts=[Mount(out, "/job/out", writable=True)],
            limits=limits,
            fds=[write],
        )
    finally:
        os.close(write)
    return process, read


def inside(sandbox: Sandbox, code: str, out: Path, limits: Limits) -> tuple[SandboxProcess, list[Any]]:
    """Run an act inside to its end."""
    process, read = start(sandbox, code, out, limits)
    said = _lines(read)
    process.wait(limits.wall_seconds + 20)
    return process, said


def _lines(read: int) -> list[Any]:
    with os.fdopen(read, "rb") as stream:
        return [json.loads(line) for line in stream]

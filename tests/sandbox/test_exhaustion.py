"""What is bounded ends at its bound, and nobody else notices."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from alphintra_kernel.limits import Limits
from alphintra_kernel.sandbox import Sandbox

from .exhaustion import ACTS, MEMFD, SMALL, Act, inside, outside, start
from .server import Server

# A server stands by and is asked after each.
pytestmark = pytest.mark.usefixtures("server")


@pytest.fixture(scope="module")
def sandbox() -> Sandbox:
    return Sandbox()


@pytest.fixture
def out(machine: Path) -> Iterator[Path]:
    folder = machine / "out"
    folder.mkdir()
    yield folder
    for path, folders, _files in os.walk(folder):
        for name in folders:
            Path(path, name).chmod(0o700)
    shutil.rmtree(folder)


def _check(sandbox: Sandbox, act: Act, out: Path) -> None:
    process, said = inside(sandbox, act.code, out, act.limits)
    expected = (act.outcome, [] if act.said is None else [act.said])
    assert (process.outcome, said) == expected, process.stderr_tail()


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.name)
def test_inside(sandbox: Sandbox, act: Act, out: Path) -> None:
    _check(sandbox, act, out)


def test_inside_memory_without_a_name(sandbox: Sandbox, out: Path) -> None:
    _check(sandbox, MEMFD[sandbox.level], out)


@pytest.mark.parametrize(
    "act", [act for act in (*ACTS, MEMFD["full"]) if act.control is not None], ids=lambda act: act.name
)
def test_outside_it_can_be_done(act: Act, out: Path) -> None:
    assert outside(act.code, out) == [act.control]


@pytest.mark.parametrize("folder", ["/tmp", "/dev/shm"])
def test_memory_file_systems_have_a_size(sandbox: Sandbox, out: Path, folder: str) -> None:
    limits = Limits(**(SMALL.__dict__ | {"tmp_bytes": 4 << 20}))
    process, said = inside(sandbox, f"def act():\n    fill({folder + '/a'!r}, 6)", out, limits)
    assert (process.outcome, said) == ("exited", ["ENOSPC"])


def test_no_core_file(sandbox: Sandbox, out: Path) -> None:
    """A core file may hold another's data, is large, and some hosts hand it to a program that runs as root."""
    process, said = inside(sandbox, "def act():\n    os.chdir(out)\n    os.abort()", out, SMALL)
    assert (said, process.poll()) == ([], 128 + signal.SIGABRT)
    assert list(out.iterdir()) == []


def _marked(marker: str) -> list[int]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if marker.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
    return found


_LEAVE = """
def act():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            for name in (signal.SIGTERM, signal.SIGHUP):
                signal.signal(name, signal.SIG_IGN)
            os.closerange(3, 4096)
            os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", "import time; time.sleep(30)  # {marker}"])
        os._exit(0)
    time.sleep(0.5)
"""


def test_nothing_outlives_its_sandbox(sandbox: Sandbox, out: Path) -> None:
    marker = f"alphintra-survivor-{os.getpid()}"
    code = _LEAVE.replace("{marker}", marker)
    process, said = inside(sandbox, code, out, SMALL)
    assert (process.outcome, said) == ("exited", ["done"])
    assert _marked(marker) == []
    # Outside the same child lives on.
    assert outside(code, out) == ["done"]
    until = time.monotonic() + 60
    while not (left := _marked(marker)) and time.monotonic() < until:
        time.sleep(0.1)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    assert len(left) == 1


_KILL_ALL = """
def act():
    pid = os.fork()
    if pid == 0:
        time.sleep(60)
    os.kill(-1, signal.SIGKILL)
    say(signal.Signals(os.waitpid(pid, 0)[1]).name)
"""


def test_a_signal_to_everybody_ends_the_sender_alone(sandbox: Sandbox, out: Path, server: Server) -> None:
    places = ["/job/out/go", str(out / "go")]
    waits = f"def act():\n    say('begun')\n    while not any(map(os.path.exists, {places})): time.sleep(0.02)"
    other, read = start(sandbox, waits, out, SMALL)
    with os.fdopen(read, "rb") as stream:
        assert stream.readline() == b'"begun"\n'
        process, said = inside(sandbox, _KILL_ALL, out, SMALL)
        assert (process.outcome, said) == ("exited", ["SIGKILL", "done"])  # its own child; it is not sent to its sender
        assert server.healthy()
        assert other.poll() is None
        (out / "go").touch()
        assert stream.read() == b'"done"\n'
    assert other.wait(60) == 0

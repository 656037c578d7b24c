"""A notebook's kernel in the sandbox: what it reaches, what it keeps, and that all of Jupyter still works."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

import pytest
from alphintra_kernel.isolation import kernel_level
from alphintra_kernel.sandbox import SandboxError
from jupyter_client.manager import KernelManager
from traitlets.config import Config

from alphintra_kernel import doors, kernel_home, levels, socket_folder

from . import kernels

pytestmark = pytest.mark.skipif(
    kernel_level() not in levels.OWN_FILES, reason=f"no sandbox here: {levels.probe_report().reason}"
)

LOOK = """
import errno, os
def look(path):
    try:
        open(path, "rb").read(1)
    except OSError as error:
        return errno.errorcode[error.errno]
    return "read"
"""


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("provisioner")
    (folder / "work").mkdir()
    return folder


@pytest.fixture(scope="module")
def kernel(root):
    os.environ["ALPHINTRA_TEST_TOKEN"] = "s3cret-value"
    (root / "work" / "given.txt").write_text("from Jupyter")
    with kernels.kernel(root / "specs", cwd=root / "work", data_dir=root / "data", network=True) as started:
        yield started
    del os.environ["ALPHINTRA_TEST_TOKEN"]


def seen(kernel, expression):
    """The value of an expression that is a list of text and numbers."""
    return json.loads(kernel.printed(f"import json; print(json.dumps({expression}))"))


def test_what_a_kernel_is(kernel, root):
    work = str((root / "work").resolve())
    assert seen(kernel, "[__import__('os').getcwd(), __import__('os').environ['HOME']]") == [work, "/home/trader"]
    assert kernel.value("__import__('os').getuid() != 0") == "True"
    privileges = kernel.printed("!grep -E 'NoNewPrivs|CapEff|Seccomp:' /proc/self/status").split()
    assert privileges == ["CapEff:", "0" * 16, "NoNewPrivs:", "1", "Seccomp:", "2"]
    kernel.run("""
import os
def holds_secret(pid):
    try:
        return b"s3cret" in open(f"/proc/{pid}/environ", "rb").read()
    except PermissionError:
        return False
""")
    assert os.environ["ALPHINTRA_TEST_TOKEN"] == "s3cret-value"  # Jupyter has it
    assert kernel.value("[holds_secret(1), holds_secret('self')]") == "[False, False]"
    assert kernel.value("os.environ.get('ALPHINTRA_TEST_TOKEN'), os.environ.get('JPY_PARENT_PID')") == "(None, None)"


def test_what_it_does_not_see(kernel, root):
    (root / "data" / "alphintra.sqlite").write_text("rows")
    files = [kernel.manager.connection_file, str(root / "data" / "alphintra.sqlite"), "/etc/shadow", __file__]
    files += ["/sys/kernel/uevent_seqnum", str(root / "specs" / "alphintra" / "kernel.json"), "/etc/hostname"]
    files = [name for name in files if os.access(name, os.R_OK)]
    assert len(files) >= 4
    kernel.run(LOOK)
    assert seen(kernel, f"[look(name) for name in {files!r}]") == ["ENOENT"] * len(files)
    listing = "{f: os.listdir(f) if os.path.isdir(f) else None for f in ('/run', '/sys', '/var', '/home', '/mnt')}"
    listed = {"/run": None, "/sys": None, "/var": None, "/home": ["trader"], "/mnt": None}
    assert seen(kernel, listing) == listed


def test_what_is_written_on_either_side_can_be_written_on_the_other(kernel, root):
    work = root / "work"
    kernel.run("import os; os.mkdir('sub'); open('made.txt', 'w').write('a'); open('given.txt', 'a').write('!')")
    assert (work / "given.txt").read_text() == "from Jupyter!"
    with (work / "made.txt").open("a") as file:
        file.write("b")
    # As Jupyter saves: a new file beside it takes its place.
    (work / "new.tmp").write_text("c")
    (work / "new.tmp").replace(work / "made.txt")
    (work / "sub" / "upload.csv").write_text("d")
    kernel.run("[open(name, 'a').write('!') for name in ('made.txt', 'sub/upload.csv')]")
    assert [(work / name).read_text() for name in ("made.txt", "sub/upload.csv")] == ["c!", "d!"]
    if os.geteuid() == 0:
        assert (work / "new.tmp").exists() is False
        owner = work.stat().st_uid
        assert owner == int(kernel.value("os.getuid()")) != 0


def test_what_is_written_outside_is_refused(kernel):
    kernel.run("""
import errno, os
def write(path):
    try:
        open(path, "w")
    except OSError as error:
        return errno.errorcode[error.errno]
    os.unlink(path)
    return "written"
""")
    places = ["/x", "/usr/x", f"{sys.prefix}/x", "/dev/x", "/etc/x", "/home/x", "/tmp/x", "/home/trader/x"]
    assert seen(kernel, f"[write(place) for place in {places!r}]") == ["EROFS"] * 6 + ["written"] * 2


def wheel(folder: Path, name: str, code: str) -> Path:
    """A wheel of one module."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", code)
        about = f"{name}-1.0.dist-info"
        archive.writestr(f"{about}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{about}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{about}/RECORD", "")
    return path


def test_pip_installs_and_it_stays(kernel, root):
    wheel(root / "work", "mine_alone", "ANSWER = 42")
    wheel(root / "work", "numpy", "SHADOW = True")
    for name in ("mine_alone", "numpy"):
        said = kernel.printed(f"%pip install --no-index --no-deps ./{name}-1.0-py3-none-any.whl")
        assert f"Successfully installed {name.replace('_', '-')}-1.0" in said.replace("mine_alone", "mine-alone"), said
    assert kernel.value("import mine_alone; mine_alone.ANSWER") == "42"
    assert (root / "data" / kernel_home.NAME / "site-packages" / "mine_alone.py").exists()
    kernel.manager.restart_kernel(now=True)
    kernel.client.wait_for_ready(timeout=180)
    assert kernel.value("import mine_alone; mine_alone.ANSWER") == "42"
    assert kernel.value("import sys; sys.path[-1]") == "'/home/trader/site-packages'"
    assert kernel.value("import numpy; hasattr(numpy, 'SHADOW')") == "False"


def test_history_and_the_trial_log_stay(kernel, root):
    kernel.run("an_unforgettable_name = 1")
    code = """
import alphintra as al, numpy as np, pandas as pd
class Hold(al.Strategy):
    def on_bar(self):
        if self.bar_index == 3:
            self.buy(1)
result = al.backtest(Hold, "us-equities-daily/AAPL", cash=1000)
"""
    reply, _ = kernel.run(code)
    assert reply["status"] == "ok", reply
    home = root / "data" / kernel_home.NAME
    assert (home / ".local/share/alphintra/trials.jsonl").read_text().count("\n") == 1
    kernel.manager.restart_kernel(now=False)
    kernel.client.wait_for_ready(timeout=180)
    assert "an_unforgettable_name" in kernel.printed("%history -g an_unforgettable_name")


LONG_RUN = """
import alphintra as al, numpy as np, pandas as pd
class Once(al.Strategy):
    def on_bar(self):
        if self.bar_index == 100:
            self.buy(1)
p = 100 + np.sin(np.arange(25_000) / 100)
times = pd.date_range("2024-01-01", periods=25_000, freq="min", tz="UTC")
bars = pd.DataFrame(dict(open=p, high=p, low=p, close=p, volume=1e6), index=times)
result = al.backtest(Once, bars)
"""


def test_the_engine_is_not_compiled_anew(kernel, root):
    """A long run takes the compiled engine from the copy in the kernel's home."""
    # Fills the host's cache when it is cold; the environment target did so already.
    subprocess.run([sys.executable, "-P", "-c", LONG_RUN], check=True, capture_output=True)
    shutil.rmtree(root / "data" / kernel_home.NAME / kernel_home.CACHE, ignore_errors=True)
    kernel.manager.restart_kernel(now=True)
    kernel.client.wait_for_ready(timeout=180)
    reply, _ = kernel.run(LONG_RUN + "from alphintra_backtest import compiled\nstats = compiled.stepped.stats")
    assert reply["status"] == "ok", reply
    assert seen(kernel, "[sum(stats.cache_hits.values()), sum(stats.cache_misses.values())]") == [1, 0]
    assert kernel.value("str(compiled.cache_dir()).startswith('/home/trader/.cache/alphintra/numba/')") == "True"


CONNECT = """
import errno, socket
def reach(host, port):
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError as error:
        return errno.errorcode.get(error.errno, str(error))
    return "connected"
"""


def test_the_network_can_be_switched_off(kernel):
    with socket.create_server(("127.0.0.1", 0)) as server:
        reach = f"reach('127.0.0.1', {server.getsockname()[1]})"
        kernel.run(CONNECT)
        assert kernel.value(reach) == "'connected'"
        assert kernel.printed("%network") == "Network: on.\n"
        assert kernel.printed("%network off") == "Network: on; off once the kernel is restarted.\n"
        kernel.manager.restart_kernel(now=True)
        kernel.client.wait_for_ready(timeout=180)
        kernel.run(CONNECT)
        assert kernel.value(reach) == f"'{errno.errorcode[errno.ECONNREFUSED]}'"
        assert kernel.value("reach('198.51.100.1', 80)") == f"'{errno.errorcode[errno.ENETUNREACH]}'"
        assert kernel.banner.splitlines()[0].endswith("network off")
        assert kernel.printed("%network on") == "Network: off; on once the kernel is restarted.\n"
        kernel.manager.restart_kernel(now=True)
        kernel.client.wait_for_ready(timeout=180)
        kernel.run(CONNECT)
        assert kernel.value(reach) == "'connected'"
    reply, _ = kernel.run("%network sideways")
    assert (reply["status"], reply["ename"]) == ("error", "UsageError")


def test_a_signal_reaches_the_kernel(kernel):
    msg_id = kernel.client.execute("import time\nprint('begun', flush=True)\nfor i in range(6000): time.sleep(0.1)")
    while kernel.client.get_iopub_msg(timeout=180)["msg_type"] != "stream":
        pass
    kernel.manager.signal_kernel(signal.SIGINT)
    while (reply := kernel.client.get_shell_msg(timeout=180))["parent_header"].get("msg_id") != msg_id:
        pass
    assert reply["content"]["ename"] == "KeyboardInterrupt"
    assert kernel.value("6 * 7") == "42"


def ask_debugger(kernel, command, arguments):
    client = kernel.client
    body = {"type": "request", "seq": 1, "command": command, "arguments": arguments}
    message = client.session.msg("debug_request", body)
    client.control_channel.send(message)
    while (reply := client.get_control_msg(timeout=180))["parent_header"].get("msg_id") != message["header"]["msg_id"]:
        pass
    assert reply["content"].get("success"), reply["content"]
    return reply["content"].get("body") or {}


def test_the_debugger_stops_at_a_breakpoint(kernel):
    client = kernel.client
    ask_debugger(kernel, "initialize", {"clientID": "t", "adapterID": "", "linesStartAt1": True, "pathFormat": "path"})
    ask_debugger(kernel, "attach", {})
    code = "def double(x):\n    y = 2 * x\n    return y\nanswer = double(21)"
    source = ask_debugger(kernel, "dumpCell", {"code": code})["sourcePath"]
    points = {"source": {"path": source}, "breakpoints": [{"line": 3}], "sourceModified": False}
    assert ask_debugger(kernel, "setBreakpoints", points)["breakpoints"][0]["verified"] is True
    ask_debugger(kernel, "configurationDone", {})
    msg_id = client.execute(code)
    while True:
        message = client.get_iopub_msg(timeout=180)
        if message["msg_type"] == "debug_event" and message["content"]["event"] == "stopped":
            break
    thread = message["content"]["body"]["threadId"]
    frames = ask_debugger(kernel, "stackTrace", {"threadId": thread})["stackFrames"]
    assert (frames[0]["name"], frames[0]["line"]) == ("double", 3)
    ask_debugger(kernel, "continue", {"threadId": thread})
    while client.get_shell_msg(timeout=180)["parent_header"].get("msg_id") != msg_id:
        pass
    ask_debugger(kernel, "disconnect", {"restart": False, "terminateDebuggee": False})
    assert kernel.value("answer") == "42"


def test_too_much_memory_ends_the_kernel_alone(root, caplog):
    (root / "greedy").mkdir()
    with kernels.kernel(
        root / "specs", cwd=root / "greedy", data_dir=root / "data", memory_bytes=1 << 30, tmp_bytes=2 << 30
    ) as kernel:
        reply, _ = kernel.run("x = bytearray(3 << 30)")
        assert (reply["status"], reply["ename"]) == ("error", "MemoryError")
        shared = "import mmap, time\nm = mmap.mmap(-1, 2 << 30)\nfor i in range(0, 2 << 30, 4096): m[i] = 1"
        kernel.client.execute(shared + "\ntime.sleep(60)")  # which no limit of a process counts
        until = time.monotonic() + 240
        while kernel.manager.is_alive() and time.monotonic() < until:
            time.sleep(0.1)
        assert kernel.manager.provisioner.sandboxed.outcome == "memory"


def test_nothing_is_left_behind(root):
    (root / "short").mkdir()
    with kernels.kernel(root / "specs", cwd=root / "short", data_dir=root / "data") as kernel:
        sockets = Path(kernel.manager.ip).parent
        assert (sockets.exists(), sockets.stat().st_mode & 0o777) == (True, 0o700)
        assert len(f"{kernel.manager.ip}-{kernel.manager.hb_port}") < 107
        kernel.run("import subprocess; subprocess.Popen(['sleep', '4242'], start_new_session=True)")
        assert "sleep 4242" in running()
        pid = kernel.manager.provisioner.pid
    assert not sockets.exists()
    assert "sleep 4242" not in running()
    assert not Path(f"/proc/{pid}").exists()


class BrokenDoors:
    """Opens doors whose socket is not there."""

    def __init__(self, socket):
        self.door = doors.Door(socket, "token")
        self.opened = self.closed = 0

    async def open(self, *, user_id, tenant, subject):
        self.opened += 1
        return self.door

    async def close(self, door):
        assert door is self.door
        self.closed += 1


def test_a_start_that_fails_leaves_nothing(root, short_folder, monkeypatch):
    """And the same manager can start the kernel afterwards."""
    monkeypatch.setattr(socket_folder, "_PARENT", short_folder)  # in which no other test has kernels
    (root / "later").mkdir()
    kernels.register()
    config = Config({"SandboxProvisioner": {"data_dir": str(root / "data"), "user_id": "somebody"}})
    manager = KernelManager(kernel_name="alphintra", kernel_spec_manager=kernels.specs(root / "specs"), config=config)
    nowhere = BrokenDoors(root / "no such folder" / "door.sock")
    doors.register(nowhere)
    try:
        with pytest.raises((SandboxError, FileNotFoundError)):
            manager.start_kernel(cwd=str(root / "later"), env=dict(os.environ))
    finally:
        doors.register(None)
    assert (list(short_folder.iterdir()), nowhere.opened, nowhere.closed) == ([], 1, 1)
    assert not Path(manager.connection_file).exists()
    manager.start_kernel(cwd=str(root / "later"), env=dict(os.environ))
    started = kernels.Client(manager)
    try:
        started.connect()
        assert started.value("6 * 7") == "42"
        assert len(list(short_folder.iterdir())) == 1
    finally:
        started.client.stop_channels()
        manager.shutdown_kernel(now=True)
    assert list(short_folder.iterdir()) == []


@pytest.fixture
def short_folder():
    """A folder whose path leaves room for that of a socket, and that every user may pass through."""
    with tempfile.TemporaryDirectory(prefix="alp-", dir="/tmp") as name:
        Path(name).chmod(0o711)
        yield Path(name)


def test_a_kernel_cannot_keep_itself_from_being_started_again_nor_removed(root):
    (root / "hostile").mkdir()
    with kernels.kernel(root / "specs", cwd=root / "hostile", data_dir=root / "data") as kernel:
        folder = kernel.manager.provisioner._sockets.path
        assert kernel.value(f"""
import os
file = next(e.path for e in os.scandir({str(folder)!r}) if e.name.endswith(".json"))
os.unlink(file); os.mkdir(file); open(file + "/x", "w").close()
os.mkdir({str(folder / "deep")!r}); at = os.open({str(folder / "deep")!r}, os.O_RDONLY)
for _ in range(1300):
    os.mkdir("d", dir_fd=at); below = os.open("d", os.O_RDONLY, dir_fd=at); os.close(at); at = below
os.close(at); os.chmod({str(folder)!r}, 0o300)
os.path.isdir(file)""") == "True"
        kernel.manager.restart_kernel(now=True)
        kernel.client.wait_for_ready(timeout=180)
        assert kernel.value("6 * 7") == "42"
    assert not folder.parent.exists()


def test_what_killed_servers_left_is_removed(tmp_path, monkeypatch):
    monkeypatch.setattr(socket_folder, "_PARENT", tmp_path)
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").write_text("x")
    held, left, new = socket_folder.SocketFolder(), tmp_path / "alp-kernel-left", tmp_path / "alp-kernel-new"
    (left / "s" / "sub").mkdir(parents=True)
    (left / "s" / "sub" / "link").symlink_to(tmp_path / "precious")
    (tmp_path / "alp-kernel-link").symlink_to(tmp_path / "precious")
    new.mkdir()
    long_ago = time.time() - 3600
    for folder in (held.path.parent, left, tmp_path / "precious"):
        os.utime(folder, (long_ago, long_ago))
    socket_folder.sweep()
    names = {"precious", "alp-kernel-link", new.name, held.path.parent.name}
    assert {path.name for path in tmp_path.iterdir()} == names
    assert (tmp_path / "precious" / "file").exists()
    held.remove()
    assert not held.path.parent.exists()


def running():
    return subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout

"""A real Jupyter server with our extension in folders of its own, as a process, and what the tests ask of it."""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import alphintra_kernel

if TYPE_CHECKING:
    from collections.abc import Iterator

TOKEN = "attack-token-3c19f0"
DATA = "us-equities-daily/AAPL"
_START_SECONDS = 240
_DONE = {"COMPLETED", "FAILED", "CANCELLED"}


@dataclass(frozen=True)
class Reply:
    """What came back."""

    status: int
    json: Any


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        url: Where it listens, on loopback.
        root: Holds its folders: ``workspace``, ``data``, ``runtime``, ``config``, ``home``.
        process: It.
    """

    url: str
    root: Path
    process: subprocess.Popen[bytes]

    @property
    def workspace(self) -> Path:
        """The folder that Jupyter shows."""
        return self.root / "workspace"

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(urllib.parse.urlsplit(self.url).port or 0)

    @property
    def memory(self) -> int:
        """Bytes of memory that the server's process holds."""
        return self._status("VmRSS")

    @property
    def peak(self) -> int:
        """The most that it has held, since that was last forgotten."""
        return self._status("VmHWM")

    def forget_peak(self) -> None:
        """Measure anew from now on."""
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")

    def _status(self, name: str) -> int:
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) << 10
        raise AssertionError("the server has ended")

    def ask(self, method: str, path: str, body: Any = None, *, token: str = TOKEN, seconds: float = 30) -> Reply:
        """Ask over HTTP; a refusal is an answer."""
        request = urllib.request.Request(
            self.url.rstrip("/") + path,
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=seconds) as reply:
                return Reply(reply.status, _content(reply.read()))
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, _content(error.read()))

    def healthy(self) -> bool:
        """Ask whether it lives, without a token."""
        return self.ask("GET", "/health", token="none", seconds=10).status == 200

    def check_answers(self) -> None:
        """Whatever was tried on it: it lives, and answers whoever may ask."""
        assert self.healthy()
        assert self.ask("GET", "/api/backtests?limit=1").status == 200

    def latency(self, calls: int = 30) -> float:
        """Seconds of the middle one of many answers to somebody who lists backtests."""
        taken = []
        for _ in range(calls):
            began = time.perf_counter()
            assert self.ask("GET", "/api/backtests?limit=5").status == 200
            taken.append(time.perf_counter() - began)
        return statistics.median(taken)

    def start_job(self, code: str) -> str:
        """Have a strategy run as a job; the backtest's id."""
        made = self.ask("POST", "/api/strategies/code/create", {"name": "attack", "code": code})
        assert made.status == 201, made.json
        run = self.ask("POST", f"/api/strategies/code/{made.json['id']}/execute", {"dataset_id": DATA})
        assert run.status == 202, run.json
        return str(run.json["backtest_id"])

    def job(self, backtest: str) -> dict[str, Any]:
        """How it stands."""
        reply = self.ask("GET", f"/api/backtests/{backtest}")
        assert reply.status == 200, reply.json
        return dict(reply.json)

    def finish(self, backtest: str, seconds: float = 180) -> dict[str, Any]:
        """Wait for a job's end."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = self.job(backtest)
            if found["status"] in _DONE:
                return found
            time.sleep(0.05)
        raise AssertionError(f"still {found['status']}/{found['phase']} after {seconds} s")

    def run(self, code: str, seconds: float = 180) -> dict[str, Any]:
        """Run a strategy as a job, to its end."""
        return self.finish(self.start_job(code), seconds)


def _content(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return body.decode("utf-8", "replace")


def strategy(body: str, *, before: str = "") -> str:
    """A strategy that does something when it starts."""
    lines = "\n".join(f"        {line}" for line in body.strip("\n").splitlines())
    return f"""import alphintra as al
{before}

class Attack(al.Strategy):
    def on_start(self):
{lines}

    def on_bar(self):
        pass
"""


def _entry_point(root: Path) -> list[str]:
    """The provisioner's entry point, for a checkout that was installed before it had one."""
    group, name = "jupyter_client.kernel_provisioners", "alphintra-sandbox"
    if name in entry_points(group=group).names:
        return []
    folder = root / "entry-points" / "alphintra_attack-0.dist-info"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: alphintra-attack\nVersion: 0\n")
    (folder / "entry_points.txt").write_text(f"[{group}]\n{name} = alphintra_kernel.provisioner:SandboxProvisioner\n")
    return [str(folder.parent)]


def environment(root: Path, cache: Path | None = None) -> dict[str, str]:
    """Make a server's folders, and the whole environment that points it to them."""
    folders = {name: root / name for name in ("workspace", "data", "runtime", "config", "home", "jupyter")}
    for folder in (root, *folders.values()):
        folder.mkdir(exist_ok=True)
    specs = folders["jupyter"] / "kernels" / "alphintra"
    if not specs.exists():
        shutil.copytree(Path(alphintra_kernel.__file__).with_name("resources"), specs)
    kept = ("LANG", "COVERAGE_PROCESS_START")
    values = {name: os.environ[name] for name in kept if name in os.environ} | {
        "PYTHONPATH": os.pathsep.join([*_entry_point(root), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]),
        "HOME": str(folders["home"]),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "JUPYTER_CONFIG_DIR": str(folders["config"]),
        "JUPYTER_RUNTIME_DIR": str(folders["runtime"]),
        "JUPYTER_PATH": str(folders["jupyter"]),
        "JUPYTER_TOKEN": TOKEN,
        "ALPHINTRA_DATA_DIR": str(folders["data"]),
    }
    return values if cache is None else values | {"ALPHINTRA_CACHE_DIR": str(cache)}


@contextmanager
def serving(root: Path, *options: str, cache: Path | None = None) -> Iterator[Server]:
    """Start a server below ``root`` and end it afterwards."""
    variables = environment(root, cache)
    log = root / "server.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            [
                *(sys.executable, "-P", "-m", "jupyter_server", "--no-browser", "--allow-root"),
                *("--ip=127.0.0.1", "--port=0", f"--ServerApp.root_dir={root / 'workspace'}"),
                "--ServerApp.jpserver_extensions=alphintra_server=True",
                f"--AlphintraServer.data_dir={root / 'data'}",
                *options,
            ],
            cwd=root,
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Server(_address(root / "runtime", process, log), root, process)
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _address(runtime: Path, process: subprocess.Popen[bytes], log: Path) -> str:
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise AssertionError(f"the server ended at once:\n{log.read_text()[-4000:]}")
        try:
            url = str(json.loads((runtime / f"jpserver-{process.pid}.json").read_text())["url"])
            with urllib.request.urlopen(f"{url}health", timeout=5):
                return url
        except (OSError, ValueError):  # not written to the end yet, or not listening yet
            time.sleep(0.1)
    raise AssertionError(f"the server did not start:\n{log.read_text()[-4000:]}")

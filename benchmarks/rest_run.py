"""A year of daily bars over REST: from ``POST …/run`` to COMPLETED with its report, in a server of its own.

Run alone it prints the seconds: ``python benchmarks/rest_run.py``.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DATA, START, END = "us-equities-daily/AAPL", "2012-03-01", "2013-02-28"
CASH, COMMISSION, FAST, SLOW = 100_000, 0.001, 10, 30
STRATEGY = f'''
import alphintra as al

class SmaCross(al.Strategy):
    """Long while the fast average is above the slow one."""
    def on_start(self):
        self.fast_ma = self.indicator(al.ta.SMA, self.data.close, {FAST})
        self.slow_ma = self.indicator(al.ta.SMA, self.data.close, {SLOW})

    def on_bar(self):
        if al.crossed_above(self.fast_ma, self.slow_ma):
            self.order_target_percent(0.95)
        elif al.crossed_below(self.fast_ma, self.slow_ma):
            self.close()
'''
#: Seconds that the plan allows.
ALLOWED = 30.0
#: Longest that the server may take to start, or a run to end.
PATIENCE = 180.0


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        address: Where it listens.
        token: Jupyter's.
    """

    address: str
    token: str

    def ask(self, method: str, path: str, body: Any = None) -> bytes:
        """Send a request and return the body of the answer.

        Raises:
            RuntimeError: It was refused; with what the server said.
        """
        request = urllib.request.Request(
            f"{self.address}/{path}",
            method=method,
            data=b"" if body is None and method == "POST" else None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                found: bytes = answer.read()
                return found
        except urllib.error.HTTPError as error:
            raise RuntimeError(f"{method} {path}: {error.code} {error.read().decode()}") from None

    def json(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request and return the JSON of the answer."""
        return json.loads(self.ask(method, path, body))


@contextmanager
def serving(folder: Path, *flags: str) -> Iterator[Server]:
    """Start a server with folders of its own, and end it.

    Args:
        folder: Where its data and workspace lie.
        flags: More of its command line.

    Raises:
        RuntimeError: It did not start.
    """
    workspace = folder / "workspace"
    workspace.mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Server(f"http://127.0.0.1:{port}", secrets.token_hex(16))
    command = [
        sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={port}",
        f"--IdentityProvider.token={server.token}", f"--ServerApp.root_dir={workspace}",
        "--ServerApp.jpserver_extensions=alphintra_server=True", "--ServerApp.port_retries=0",
        f"--AlphintraServer.data_dir={folder / 'data'}", f"--AlphintraServer.workspace={workspace}",
        "--AlphintraServer.allow_unsandboxed_jobs=True", *flags,
    ]  # fmt: skip
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, stdout=log, stderr=log, env=dict(os.environ))
        try:
            until = time.monotonic() + PATIENCE
            while not _is_ready(server):
                if process.poll() is not None or time.monotonic() > until:
                    raise RuntimeError(f"the server did not start:\n{(folder / 'server.log').read_text()[-2000:]}")
                time.sleep(0.1)
            yield server
        finally:
            process.terminate()
            process.wait(30)


def _is_ready(server: Server) -> bool:
    try:
        return bool(server.json("GET", "ready")["status"] == "ready")
    except (OSError, RuntimeError):
        return False


def run(server: Server) -> tuple[float, float]:
    """Run a backtest; returns the seconds from ``POST …/run`` to COMPLETED with its report, and its final equity.

    Raises:
        RuntimeError: The backtest failed, or took too long.
    """
    strategy = server.json("POST", "api/strategies/code/create", {"name": "SmaCross", "code": STRATEGY})
    asked = {
        "strategy_id": strategy["id"], "dataset_id": DATA, "start_date": START, "end_date": END,
        "initial_capital": CASH, "commission": COMMISSION,
    }  # fmt: skip
    path = f"api/backtests/{server.json('POST', 'api/backtests', asked)['id']}"
    began = time.perf_counter()
    server.ask("POST", f"{path}/run")
    while (job := server.json("GET", path))["status"] in ("PENDING", "RUNNING"):
        if time.perf_counter() - began > PATIENCE:
            raise RuntimeError(f"still {job['status']} after {PATIENCE:g} s")
        time.sleep(0.02)
    if job["status"] != "COMPLETED":
        raise RuntimeError(f"the backtest ended as {job['status']}: {job['error']}")
    if not server.ask("GET", f"{path}/report").lower().startswith(b"<!doctype html"):
        raise RuntimeError("there is no report")
    took = time.perf_counter() - began
    return took, float(server.json("GET", f"{path}/results")["final_equity"])


def here() -> float:
    """Final equity of the same run in this process."""
    import alphintra as al

    names: dict[str, Any] = {}
    exec(STRATEGY, names)
    result = al.backtest(names["SmaCross"], DATA, start=START, end=END, cash=CASH, commission=COMMISSION)
    return float(result.metrics["final_equity"])


def measure(repeats: int = 3) -> tuple[float, list[float]]:
    """Seconds of the best of some runs, and the final equity of each."""
    with tempfile.TemporaryDirectory(prefix="alphintra-rest-") as name, serving(Path(name)) as server:
        runs = [run(server) for _ in range(repeats)]
    return min(took for took, _ in runs), [equity for _, equity in runs]


if __name__ == "__main__":
    best, equities = measure()
    if set(equities) != {here()}:
        sys.exit(f"NOT EQUAL: final equity over REST {equities}, in this process {here()}")
    print(f"{START} to {END} of {DATA} over REST, with its check for look-ahead and its report: {best:.2f} s")

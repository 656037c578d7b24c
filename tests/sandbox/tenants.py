"""Where probes are asked: a job of the server, a kernel of the server, and plain Python outside."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from jupyter_client.blocking.client import BlockingKernelClient

from .probe import Probe
from .server import Server, strategy

PROBER = Path(__file__).with_name("prober.py").read_text()
JOB_SECONDS = 900
"""How long a job may take, which has a tenth of a machine that other tests keep busy."""
_MARK = "answer "


def _asking(probes: Iterable[Probe], given: dict[str, Any]) -> str:
    """Source that runs the probes and prints a line for each."""
    asked = json.dumps([(probe.name, probe.code) for probe in probes])
    return (
        f"for found in answers(json.loads({asked!r}), json.loads({json.dumps(given)!r})):\n"
        f"    print({_MARK!r} + json.dumps(found))\n"
    )


def _heard(lines: Iterable[str]) -> dict[str, Any]:
    return dict(json.loads(line.removeprefix(_MARK)) for line in lines if line.startswith(_MARK))


def ask_outside(probes: Iterable[Probe], given: dict[str, Any]) -> dict[str, Any]:
    """Run the probes as the test's own user, with the environment that a server's child would have: the control."""
    source = f"{PROBER}\n{_asking(probes, given)}"
    done = subprocess.run(
        [sys.executable, "-P", "-"],
        input=source,
        env=os.environ | {"JUPYTER_TOKEN": str(given["token"])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return _heard(done.stdout.splitlines())


def ask_job(server: Server, probes: Iterable[Probe], given: dict[str, Any]) -> dict[str, Any]:
    """Run the probes in a strategy, as a job."""
    job = server.run(strategy(_asking(probes, given), before=PROBER), seconds=JOB_SECONDS)
    assert job["status"] == "COMPLETED", job["error"]
    return _heard(job["log"])


class Kernel:
    """A notebook's kernel, started by the server, and a client as the server has one."""

    def __init__(self, server: Server) -> None:
        self.server = server
        made = server.ask("POST", "/api/kernels", {"name": "alphintra"})
        assert made.status == 201, made.json
        self.id = str(made.json["id"])
        self.connection = server.root / "runtime" / f"kernel-{self.id}.json"
        self.client = BlockingKernelClient(connection_file=str(self.connection))
        self.client.load_connection_file()
        self.client.start_channels()
        self._wait()

    def _wait(self) -> None:
        """Until it answers: a client without a manager takes one that is slow to start for dead."""
        until = time.monotonic() + 180
        while True:
            try:
                return self.client.wait_for_ready(timeout=180)
            except RuntimeError:
                if time.monotonic() > until:
                    raise

    def run(self, code: str, seconds: float = 180) -> tuple[dict[str, Any], str]:
        """Run a cell: the reply, and what it printed."""
        printed: list[str] = []

        def hear(message: dict[str, Any]) -> None:
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])

        reply = self.client.execute_interactive(code, timeout=seconds, allow_stdin=False, output_hook=hear)
        return reply["content"], "".join(printed)

    def ask(self, probes: Iterable[Probe], given: dict[str, Any]) -> dict[str, Any]:
        """Run the probes in a cell."""
        reply, printed = self.run(f"{PROBER}\n{_asking(probes, given)}", seconds=120)
        assert reply["status"] == "ok", reply
        return _heard(printed.splitlines())

    @property
    def banner(self) -> str:
        """The first line of what the kernel says about itself."""
        return str(self.client.kernel_info(reply=True, timeout=180)["content"]["banner"].splitlines()[0])

    def close(self) -> None:
        """End it."""
        self.client.stop_channels()
        self.server.ask("DELETE", f"/api/kernels/{self.id}")
        until = time.monotonic() + 60
        while self.connection.exists() and time.monotonic() < until:
            time.sleep(0.05)

"""A real JupyterLab on a temporary workspace, and Chromium to look at it."""

from __future__ import annotations

import json
import os
import subprocess
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CHROMIUM = Path("/usr/bin/chromium")
SCREENSHOTS = Path(__file__).parent / "screenshots"
START_SECONDS = 60
# Where an extension lies that was built without being installed: a folder with @alphintra/lab in it.
BUILT = [
    f"--LabApp.extra_labextensions_path={folder}"
    for folder in filter(None, [os.environ.get("ALPHINTRA_LABEXTENSIONS")])
]


@dataclass(frozen=True)
class Lab:
    """A running server: its address, its token and its workspace."""

    url: str
    token: str
    workspace: Path

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the REST interface, as a client outside of the browser does."""
        request = urllib.request.Request(
            f"{self.url}api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as reply:
            return json.loads(reply.read() or b"null")


def _address(runtime: Path, process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"JupyterLab ended at once:\n{log.read_text()[-4000:]}")
        for found in runtime.glob("jpserver-*.json"):
            try:
                url = str(json.loads(found.read_text())["url"])
                with urllib.request.urlopen(f"{url}health", timeout=5):
                    return url
            except (OSError, ValueError):
                # Not written to the end yet, or not listening yet.
                continue
        time.sleep(0.2)
    raise AssertionError(f"JupyterLab did not start:\n{log.read_text()[-4000:]}")

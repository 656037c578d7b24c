"""A real JupyterLab on a temporary workspace, and Chromium to look at it."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import psutil

CHROMIUM = Path("/usr/bin/chromium")
SCREENSHOTS = Path(__file__).parent / "screenshots"
START_SECONDS = 240
#: JupyterLab's module, as ``-m`` runs it, but for one thing: jobs have as much of a busy machine as notebooks have, not
#: a tenth of it. Beside other tests, which keep the machine busy, whoever looks at jobs would wait for them alone.
LAB = """
import runpy
from alphintra_kernel import priority
priority.BACKGROUND = priority.NORMAL
runpy.run_module("jupyterlab", run_name="__main__", alter_sys=True)
"""
# Where an extension lies that was built without being installed: a folder with @alphintra/lab in it.
BUILT = [
    f"--LabApp.extra_labextensions_path={folder}"
    for folder in filter(None, [os.environ.get("ALPHINTRA_LABEXTENSIONS")])
]


@dataclass(frozen=True)
class Lab:
    """A running server: its address, its token, its workspace, where it keeps the settings and finds its own."""

    url: str
    token: str
    workspace: Path
    settings: Path
    config: Path

    def forget_theme(self) -> None:
        """Have the next page begin in the light theme."""
        (self.settings / "@jupyterlab/apputils-extension/themes.jupyterlab-settings").unlink(missing_ok=True)

    def have_language_servers(self, wanted: bool) -> None:
        """Have the next page start one for what is opened in it, as a trader's does, or none."""
        page = self.config / "labconfig" / "page_config.json"
        page.parent.mkdir(exist_ok=True)
        page.write_text(json.dumps({"disabledExtensions": {"@jupyter-lsp/jupyterlab-lsp": not wanted}}))

    def end_kernels(self) -> None:
        """End all that runs code, so that the next test finds none."""
        for kind in ("sessions", "kernels"):
            for found in self.request("GET", kind):
                try:
                    self.request("DELETE", f"{kind}/{found['id']}")
                except HTTPError as error:
                    if error.code != 404:  # it has come to its end by itself
                        raise

    def kill_kernels(self) -> None:
        """Kill all that runs code, as a machine without memory does."""
        names = [f"kernel-{found['id']}.json" for found in self.request("GET", "kernels")]
        assert names, "no kernel runs"
        killed = 0
        for process in psutil.process_iter(["cmdline"]):
            line = process.info["cmdline"] or ()
            if any(name in argument for argument in line for name in names):
                with contextlib.suppress(psutil.NoSuchProcess):  # it ended with the one around it
                    process.kill()
                    killed += 1
        assert killed >= len(names)

    def request(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """Ask the REST interface, as a client outside of the browser does."""
        request = urllib.request.Request(
            f"{self.url}api/{path}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {self.token}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=120) as reply:
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


@contextmanager
def running(root: Path, *options: str) -> Iterator[Lab]:
    """Start a lab with every folder of its own below ``root``, and end it afterwards.

    What lies in one of them already stays: datasets that were stored before, for example.
    """
    workspace = root / "workspace"
    folders = {name: root / name for name in ("config", "runtime", "settings", "workspaces", "data")}
    for folder in (workspace, *folders.values()):
        folder.mkdir(exist_ok=True)
    news = folders["settings"] / "@jupyterlab/apputils-extension/notification.jupyterlab-settings"
    news.parent.mkdir(parents=True)
    news.write_text('{"fetchNews": "false", "checkForUpdates": false}')
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(folders["config"]),
        "JUPYTER_RUNTIME_DIR": str(folders["runtime"]),
        "JUPYTERLAB_SETTINGS_DIR": str(folders["settings"]),
        "JUPYTERLAB_WORKSPACES_DIR": str(folders["workspaces"]),
        # Kernels are started as "python": the one of this environment.
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
    }
    token = "spine"
    log = root / "lab.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [
                sys.executable,
                "-P",
                "-c",
                LAB,
                "--no-browser",
                "--allow-root",
                "--port=0",
                f"--IdentityProvider.token={token}",
                f"--ServerApp.root_dir={workspace}",
                f"--AlphintraServer.data_dir={folders['data']}",
                "--LabApp.extension_manager=readonly",
                # The tests see what Lab has executed.
                "--LabApp.expose_app_in_browser=True",
                *BUILT,
                *options,
            ],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            address = _address(folders["runtime"], process, log)
            yield Lab(address, token, workspace, folders["settings"], folders["config"])
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

"""``make lab``: nothing that a notebook left in the workspace is run by the server."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from . import kernels

CLONE = Path(__file__).parents[2]
POISON = "import pathlib\npathlib.Path({marker!r}).open('a').write(__name__ + ' ')\n"
#: Modules that the server imports or may try to, and files of settings under every name that Jupyter knows.
MODULES = ("sitecustomize", "usercustomize", "random", "jupyterlab", "tornado", "jupyter_lab_config")
MODULES += ("jupyter_config", "jupyter_server_config", "jupyter_jupyterlab_config", "jupyter_alphintra_server_config")


@pytest.fixture
def clone(tmp_path):
    root = tmp_path / "clone"
    work = root / "workspace"
    poison = POISON.format(marker=str(tmp_path / "marker"))
    for name in MODULES:
        (work / f"{name}.py").parent.mkdir(parents=True, exist_ok=True)
        (work / f"{name}.py").write_text(poison)
    for name in (".jupyter/jupyter_config.py", ".ipython/profile_default/startup/00.py", ".git/hooks/pre-commit"):
        (work / name).parent.mkdir(parents=True)
        (work / name).write_text(poison)
        (work / name).chmod(0o755)
    for folder in ("share/jupyter/kernels/evil", "kernels/evil", ".local/share/jupyter/kernels/evil"):
        (work / folder).mkdir(parents=True)
        (work / folder / "kernel.json").write_text(json.dumps({"argv": ["true"], "display_name": "evil"}))
    return root


@pytest.fixture
def lab(clone, monkeypatch):
    spec = importlib.util.spec_from_file_location("lab_script", CLONE / "scripts" / "lab.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", clone)
    return module


def test_the_positive_control(clone, tmp_path):
    """Started in the workspace, as `python -m`, what lies there is the server."""
    subprocess.run([sys.executable, "-m", "jupyterlab"], cwd=clone / "workspace", capture_output=True, check=False)
    assert (tmp_path / "marker").read_text().split()[0] == "__main__"


def test_the_workspace_is_not_run(lab, clone, tmp_path, monkeypatch):
    environment = kernels.installed(tmp_path / "installed") | {"HOME": str(tmp_path / "home")}
    environment |= {"JUPYTER_CONFIG_DIR": str(tmp_path / "settings"), "JUPYTERLAB_WORKSPACES_DIR": str(tmp_path / "w")}
    ran = []
    monkeypatch.setattr(os, "execv", lambda program, argv: ran.append(argv))
    monkeypatch.setattr(os, "chdir", lambda folder: ran.append(folder))
    monkeypatch.setattr(sys, "argv", ["lab", "--no-browser", "--port=0", "--IdentityProvider.token=t"])
    monkeypatch.setenv("JP_LSP_VIRTUAL_DIR", "")
    lab.main()
    folder, argv = ran
    assert Path(folder) == clone
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(argv, cwd=folder, env=environment, stdout=log, stderr=subprocess.STDOUT)
    try:
        runtime = tmp_path / "installed" / "runtime"
        specs = json.loads(fetch(runtime, "api/kernelspecs", process))["kernelspecs"]
        assert ("alphintra" in specs, "evil" in specs) == (True, False), (tmp_path / "log").read_text()
        names = {item["name"] for item in json.loads(fetch(runtime, "api/contents", process))["content"]}
        assert {"random.py", "share"} <= names
    finally:
        process.terminate()
        process.wait(120)
    assert not (tmp_path / "marker").exists(), (tmp_path / "marker").read_text()


def fetch(runtime: Path, path: str, process: subprocess.Popen[bytes]) -> bytes:
    """Ask the server, as soon as it is there."""
    until = time.monotonic() + 240
    while time.monotonic() < until and process.poll() is None:
        for file in runtime.glob("jpserver-*.json"):
            # Not written to the end yet, or not listening yet.
            with contextlib.suppress(ValueError, urllib.error.URLError):
                address = json.loads(file.read_text())["url"]
                request = urllib.request.Request(f"{address}{path}", headers={"Authorization": "token t"})
                with urllib.request.urlopen(request, timeout=120) as reply:
                    return reply.read()
        time.sleep(0.1)
    raise AssertionError(f"no server ({process.poll()})")

"""The distribution: what it imports, what its lock files say, and what its wheel does where there is no Node."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import time
import tomllib
import urllib.request
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = (
    "alphintra",
    "alphintra_backtest",
    "alphintra_hub",
    "alphintra_kernel",
    "alphintra_lab",
    "alphintra_papertrade",
    "alphintra_server",
)


def python(code: str, cwd: Path, executable: str = sys.executable) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [executable, "-P", "-c", code], cwd=cwd, capture_output=True, text=True, check=False, timeout=120
    )


@pytest.mark.parametrize("name", PACKAGES)
def test_packages_import(name, tmp_path):
    assert python(f"import {name}", tmp_path).returncode == 0


@pytest.mark.parametrize("name", ["sdk", "hub", "backtest", "tests", "server_extension"])
def test_source_folders_are_no_packages(name, tmp_path):
    assert "ModuleNotFoundError" in python(f"import {name}", tmp_path).stderr


def test_import_is_light(tmp_path):
    heavy = "numba pandas talib plotly matplotlib pyarrow ipywidgets alphintra_backtest alphintra_server tornado"
    done = python(f"import alphintra, sys; print([m for m in '{heavy}'.split() if m in sys.modules])", tmp_path)
    assert done.stdout.strip() == "[]"


def test_lock_files_name_no_address():
    files = [*ROOT.glob("requirements/*"), ROOT / "labextension/yarn.lock", *ROOT.glob("benchmarks/*.txt")]
    assert len(files) >= 7
    for path in files:
        assert not re.search(r"https?://", path.read_text()), path
    for name in ("dev", "uv", "data"):
        text = (ROOT / f"requirements/{name}.txt").read_text()
        pinned = re.findall(r"^[A-Za-z0-9_.\[\]-]+==", text, re.M)
        assert len(pinned) >= 1 and text.count("--hash=sha256:") >= len(pinned)


def test_locked_requirements_are_the_distributions_own():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    lines = (ROOT / "requirements/runtime.in").read_text().splitlines()
    assert [line for line in lines if line and not line.startswith("#")] == declared


def test_every_dependency_has_both_bounds():
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    unbounded = [d for d in declared if not (">=" in d and "<" in d)]
    assert unbounded == ["pip"]


def test_every_extra_is_bounded_and_locked_for_the_tests():
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    assert set(extras) == {"backtrader", "calendars", "ccxt", "dask", "gs", "polars", "postgres", "s3"}
    locked = dict(re.findall(r"^([A-Za-z0-9_.-]+)==(\S+)", (ROOT / "requirements/dev.txt").read_text(), re.M))
    for needed in (Requirement(line) for lines in extras.values() for line in lines):
        assert {s.operator for s in needed.specifier} == {">=", "<"}
        assert needed.specifier.contains(locked[needed.name]), needed


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    tree = tmp_path_factory.mktemp("tree") / "alphintra"
    tree.mkdir()
    archive = subprocess.run(["git", "archive", "HEAD"], cwd=ROOT, capture_output=True, check=True).stdout
    subprocess.run(["tar", "-x", "-C", str(tree)], input=archive, check=True)
    uv = Path(sys.executable).parent / "uv"
    subprocess.run([uv, "build", "--quiet", "--wheel", "--out-dir", out, str(tree)], check=True, timeout=600)
    return next(out.glob("*.whl"))


@pytest.mark.slow  # `make wheel` has it
@pytest.mark.wheel
def test_wheel_starts_lab_where_there_is_no_node(wheel, tmp_path):
    names = zipfile.ZipFile(wheel).namelist()
    data = "alphintra-0.1.0.data/data/"
    assert f"{data}etc/jupyter/jupyter_server_config.d/alphintra_server.json" in names
    assert f"{data}share/jupyter/kernels/alphintra/kernel.json" in names
    assert f"{data}share/jupyter/labextensions/@alphintra/lab/package.json" in names
    assert f"{data}share/jupyter/alphintra/templates/sma-cross.ipynb" in names
    assert "alphintra_kernel/assets/replay.js" in names
    assert not [n for n in names if n.startswith(("tests/", "ui-tests/")) or "node_modules" in n]

    env = tmp_path / "env"
    uv = Path(sys.executable).parent / "uv"
    subprocess.run([uv, "venv", "--quiet", "--python", sys.executable, env], check=True)
    locked = ROOT / "requirements/dev.txt"
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--python", env / "bin/python", "-c", locked, wheel], check=True, timeout=600
    )
    runtime = tmp_path / "runtime"
    environment = {"JUPYTER_RUNTIME_DIR": str(runtime)}
    environment |= {"PATH": f"{env}/bin", "HOME": str(tmp_path), "LANG": "C.UTF-8", "TMPDIR": str(tmp_path)}
    assert shutil.which("node", path=environment["PATH"]) is None
    (tmp_path / "work").mkdir()
    server = subprocess.Popen(
        [
            f"{env}/bin/python", "-m", "jupyterlab", "--no-browser", "--allow-root", "--port=0",
            f"--ServerApp.root_dir={tmp_path / 'work'}", "--IdentityProvider.token=secret",
            f"--AlphintraServer.data_dir={tmp_path / 'data'}",
        ],
        env=environment, cwd=tmp_path, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        lab = _address(runtime / f"jpserver-{server.pid}.json")
        assert '"status": "ok"' in _fetch(f"{lab}health")
        page = _fetch(f"{lab}lab?token=secret")
        assert "@alphintra/lab" in page
        assert "us-equities-daily" in _fetch(f"{lab}api/datasets?token=secret")
        assert "SMA" in _fetch(f"{lab}api/strategies/templates?token=secret")
    finally:
        server.terminate()
        server.wait(120)


def _address(file: Path) -> str:
    """Where the server listens, once it has written that down."""
    until = time.monotonic() + 240
    while True:
        try:
            return str(json.loads(file.read_text())["url"])
        except (OSError, ValueError):
            assert time.monotonic() < until, "no server"
            time.sleep(0.3)


def _fetch(url: str) -> str:
    until = time.monotonic() + 120
    while True:
        try:
            with urllib.request.urlopen(url, timeout=60) as answer:
                return answer.read().decode()
        except OSError:
            if time.monotonic() > until:
                raise
            time.sleep(0.3)

"""Fixtures of the browser tests: one JupyterLab and one Chromium for all."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from lab_page import SECOND, Page
from lab_server import BUILT, CHROMIUM, Lab, _address


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Start the installed product as a trader has it, with every folder of its own."""
    root = tmp_path_factory.mktemp("lab")
    workspace = root / "workspace"
    folders = {name: root / name for name in ("config", "runtime", "settings", "workspaces", "data")}
    for folder in (workspace, *folders.values()):
        folder.mkdir()
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
                "-m",
                "jupyterlab",
                "--no-browser",
                "--allow-root",
                "--port=0",
                f"--IdentityProvider.token={token}",
                f"--ServerApp.root_dir={workspace}",
                f"--AlphintraServer.data_dir={folders['data']}",
                "--LabApp.extension_manager=readonly",
                *BUILT,
            ],
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            yield Lab(_address(folders["runtime"], process, log), token, workspace)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Debian's Chromium; without it nothing here can be tested, and that is said."""
    if not CHROMIUM.exists():
        pytest.skip(f"THE BROWSER TEST DID NOT RUN: {CHROMIUM} is missing (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Keep what the page showed when a test failed."""
    report = yield
    shown = getattr(item, "funcargs", {}).get("view")
    if report.when == "call" and report.failed and isinstance(shown, Page):
        shown.shot(f"failed-{item.name.partition('[')[0]}")
    return report


@pytest.fixture(params=["light", "dark"])
def view(request: pytest.FixtureRequest, browser: Any, lab: Lab) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1500, "height": 1150}, reduced_motion="reduce")
    shown = Page(context.new_page(), lab, request.param)
    shown.page.set_default_timeout(30 * SECOND)
    yield shown
    if shown.theme == "dark":
        # The theme is a setting of the server; the next test begins with the light one.
        shown.show_theme("Light")
    context.close()
    assert shown.errors == []

"""Fixtures of the browser tests: one JupyterLab and one Chromium for all."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import pytest
from lab_page import Page
from lab_server import CHROMIUM, Lab, running


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Start the installed product as a trader has it, with every folder of its own."""
    with running(tmp_path_factory.mktemp("lab")) as started:
        yield started


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
    yield shown
    if shown.theme == "dark":
        # The theme is a setting of the server; the next test begins with the light one.
        shown.show_theme("Light")
    context.close()
    assert shown.errors == []

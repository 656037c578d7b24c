"""Fixtures of the browser tests: one JupyterLab and one Chromium for all."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import Any

import pytest
from lab_page import Page, Pages
from lab_server import CHROMIUM, Lab, running


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Start the installed product as a trader has it, with every folder of its own."""
    with running(tmp_path_factory.mktemp("lab")) as started:
        yield started


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Playwright with Debian's Chromium; without it nothing here can be tested, and that is said."""
    if not CHROMIUM.exists():
        pytest.skip(f"THE BROWSER TEST DID NOT RUN: {CHROMIUM} is missing (apt-get install chromium)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    """Keep what the page showed when a test failed."""
    report = yield
    if report.when == "call" and report.failed:
        for shown in getattr(item, "funcargs", {}).values():
            if isinstance(shown, Page):
                shown.is_broken = True
                shown.shot_as_it_is(f"failed-{item.name}")
    return report


@pytest.fixture(scope="session")
def lab_pages(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pages]:
    pages = Pages(chromium, tmp_path_factory.mktemp("profiles"))
    yield pages
    pages.close()


@pytest.fixture
def language_servers() -> bool:
    """Whether Lab starts one for each notebook, which takes seconds of a processor; override with True to have them."""
    return False


@pytest.fixture
def view(lab_pages: Pages, lab: Lab, language_servers: bool) -> Iterator[Page]:
    """A page on the lab in the light theme; ``shot`` goes to the other one."""
    with lab_pages.on(lab, language_servers=language_servers) as shown:
        yield shown
    assert shown.errors == []

"""A dataset between two people, each with a page of their own: shared, looked at, used, changed, taken back."""

from __future__ import annotations

import dataclasses
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from alphintra_server.db import Database
from alphintra_server.services.dataset_storage import DatasetStorage
from lab_page import Page, Pages
from lab_server import Lab, running
from playwright.sync_api import expect
from test_recipes import ended
from two_users import USERS

from tests.server import databases
from tests.server.stored import store_version

# A second Lab and two pages: `make flows` has it.
pytestmark = [pytest.mark.browser, pytest.mark.slow]

PANEL = "#alphintra-datasets"
PAGE = ".alphintra-DatasetView:visible"
STRATEGY = """import alphintra as al

class Hold(al.Strategy):
    def on_bar(self):
        if self.bar_index == 0:
            self.buy(quantity=1, symbol="AAPL")
"""


@pytest.fixture(scope="module")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Start a server that knows alice, who has a dataset, and bob."""
    root: Path = tmp_path_factory.mktemp("shared")
    databases.put(root / "data" / "alphintra.sqlite")
    database = Database(f"sqlite:///{root / 'data' / 'alphintra.sqlite'}")
    store_version(database, DatasetStorage(root / "data"), root / "made")
    database.close()
    provider = "--ServerApp.identity_provider_class=two_users.TwoUsers"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(Path(__file__).parent), prepend=os.pathsep)
        with running(root, provider, "--AlphintraServer.single_user=False") as lab:
            yield lab


@pytest.fixture
def both(chromium: Any, shared_lab: Lab, tmp_path: Path) -> Iterator[dict[str, Page]]:
    """A page of each user, in a browser of its own."""
    labs = {name: dataclasses.replace(shared_lab, token=token) for token, name in USERS.items()}
    pages = {name: Pages(chromium, tmp_path / name) for name in labs}
    with pages["alice"].on(labs["alice"]) as alice, pages["bob"].on(labs["bob"]) as bob:
        yield {"alice": alice, "bob": bob}
    for own in pages.values():
        own.close()
    assert (alice.errors, bob.errors) == ([], [])


def row(page: Any) -> Any:
    return page.locator(f"{PANEL} .alphintra-Dataset[data-name='prices']")


def tabs(page: Any) -> list[str]:
    found = page.locator(f"{PAGE} [role=tab]").all_inner_texts()
    return [re.sub(r"\s*\d+$", "", text) for text in found]


def refreshed(page: Any) -> None:
    page.get_by_role("button", name="Refresh the list").click()


def refused(lab: Lab, method: str, path: str, body: dict[str, Any] | None = None) -> int:
    with pytest.raises(HTTPError) as error:
        lab.request(method, path, body)
    return error.value.code


def test_a_dataset_is_shared_used_changed_and_taken_back(both: dict[str, Page]) -> None:
    alice, bob = both["alice"], both["bob"]
    bob.open()
    bob.command("Show Datasets")
    expect(bob.page.locator(f"{PANEL} .alphintra-Dataset").first).to_be_visible()
    expect(row(bob.page)).to_have_count(0)

    # A slip of the hand is refused at the field, with the name that was meant, and one's own as well.
    alice.open()
    alice.command("Show Datasets")
    expect(row(alice.page)).to_contain_text("uploaded")
    row(alice.page).click()
    own = alice.page.locator(PAGE)
    own.get_by_role("tab", name="Sharing").click()
    name = own.get_by_label("User to share it with")
    name.fill("alice")
    name.press("Enter")
    expect(own.get_by_role("alert")).to_contain_text("it is yours already")
    name.fill("bobb")
    own.get_by_label("What they may do", exact=True).select_option("READ")
    name.press("Enter")
    expect(own.get_by_role("alert")).to_contain_text("Nobody called bobb has been here.")
    alice.shot("84-sharing-unknown")
    with_whom = own.locator(".alphintra-Sharing-list li")
    expect(with_whom).to_have_count(0)
    name.fill("Bob")
    name.press("Enter")
    expect(own.get_by_role("alert")).to_contain_text("Did you mean bob?")
    own.get_by_role("button", name="Take bob").click()
    expect(name).to_be_focused()
    name.press("Enter")
    expect(with_whom).to_have_count(1)
    expect(own.get_by_role("alert")).to_have_count(0)
    alice.shot("85-sharing")

    # Who may look at it finds it under its owner's name, with a chart, and no button that would be refused.
    refreshed(bob.page)
    expect(row(bob.page)).to_contain_text("of alice")
    row(bob.page).click()
    seen = bob.page.locator(PAGE)
    expect(seen.locator(".alphintra-Header")).to_contain_text("of alice: you may look at it")
    expect(seen.locator(".alphintra-Dataset-chart-note")).to_have_text("300 bars")
    assert tabs(bob.page) == ["Report", "Sample", "Statistics", "Versions"]
    expect(seen.get_by_role("toolbar").get_by_role("button")).to_have_text(["Copy code"])
    bob.shot("86-shared-to-look-at")
    seen.get_by_role("button", name="Download").click()
    with bob.page.expect_download() as download:
        seen.locator(".alphintra-Download-form").get_by_role("button", name="Download").click()
    assert len(Path(download.value.path()).read_text().splitlines()) == 341
    dataset = seen.get_attribute("data-dataset")
    strategy = bob.lab.request("POST", "strategies/code/create", {"name": "Hold", "code": STRATEGY})["id"]
    run = ("POST", f"strategies/code/{strategy}/execute", {"dataset_id": f"{dataset}@1"})
    assert refused(bob.lab, *run) == 403

    # Who may run on it can, and makes datasets of their own of it; the open page has the tab for it.
    level = own.get_by_label("What bob may do")
    level.select_option("USE")
    expect(level).to_be_enabled()
    refreshed(bob.page)
    expect(seen.locator(".alphintra-Header")).to_contain_text("of alice: you may look at it and run on it")
    assert tabs(bob.page) == ["Report", "Sample", "Statistics", "Versions", "Process\u2026"]
    backtest = bob.lab.request(*run)["backtest_id"]
    ended(bob.lab, bob.lab.request("GET", f"backtests/{backtest}")["job_id"])
    seen.get_by_role("tab", name="Process").click()
    assert "of alice" not in seen.locator(".alphintra-Process").inner_text()
    bob.shot("87-shared-to-use")

    # Who may change it edits what is said of it, and makes its next version; its sharing stays its owner's.
    level.select_option("EDIT")
    expect(level).to_be_enabled()
    refreshed(bob.page)
    seen.get_by_role("button", name="Edit", exact=True).click()
    seen.get_by_label("Description", exact=True).fill("Minutes of two symbols.")
    seen.get_by_label("Tags, with commas between").press("Enter")
    expect(seen).to_contain_text("Minutes of two symbols.")
    assert "Sharing" not in tabs(bob.page)
    expect(seen.get_by_role("button", name="Delete")).to_have_count(0)
    made = bob.lab.request("POST", f"datasets/{dataset}/process", {"recipe": [{"kind": "sort"}]})
    ended(bob.lab, made["job_id"])
    refreshed(alice.page)
    expect(own).to_contain_text("Minutes of two symbols.")
    expect(own.locator("h2")).to_have_text("prices@2")
    refreshed(bob.page)
    expect(seen.locator("h2")).to_have_text("prices@2")
    bob.shot("88-shared-to-change")

    # Less again, while a form is open: the refusal says why, and the page has what may be done by now.
    level.select_option("USE")
    expect(level).to_be_enabled()
    seen.get_by_role("button", name="Edit", exact=True).click()
    seen.get_by_label("Description", exact=True).fill("Not mine to change.")
    seen.get_by_label("Tags, with commas between").press("Enter")
    expect(seen.get_by_role("button", name="Edit", exact=True)).to_have_count(0)
    expect(seen).to_contain_text("Minutes of two symbols.")

    # Taken back: the open page says so, and what was made with it stays.
    own.get_by_role("button", name="Share no more with bob").click()
    expect(with_whom).to_have_count(0)
    refreshed(bob.page)
    expect(row(bob.page)).to_have_count(0)
    gone = bob.page.locator(".alphintra-TakenBack")
    expect(gone).to_contain_text("prices is no longer shared with you.")
    expect(gone).to_contain_text("ask alice")
    bob.shot("89-taken-back")
    assert refused(bob.lab, "GET", f"datasets/{dataset}") == 404
    assert bob.lab.request("GET", f"backtests/{backtest}")["status"] == "COMPLETED"
    gone.get_by_role("button", name="Close").click()
    expect(gone).to_have_count(0)

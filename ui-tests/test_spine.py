"""What a trader does first, in a real browser: launcher, template, result, backtest, panel."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from lab_page import Page
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

STRATEGY = '''import alphintra as al


class Fast(al.Strategy):
    """Long above the ten-day average."""

    length = al.Param(10, low=2, high=50)

    def on_start(self):
        self.average = self.indicator(al.ta.SMA, self.data.close, self.length)

    def on_bar(self):
        if al.crossed_above(self.data.close, self.average):
            self.order_target_percent(0.9)
        elif al.crossed_below(self.data.close, self.average):
            self.close()


class Slow(Fast):
    """Long above the forty-day average."""

    length = al.Param(40, low=2, high=50)
'''
#: Whether the file in front holds the snippet twice; whether the completer offers it.
TWICE = "document.querySelector('.jp-FileEditor .cm-content').innerText.split('of the house').length === 3"
OFFERED = "[...document.querySelectorAll('.jp-Completer-item')].some(item => item.innerText.includes('houserule'))"


def total_return(page: Any, scope: str) -> str:
    figure = page.locator(f"{scope} .alphintra-Figure").filter(has_text="Total return").first
    return str(figure.locator(".alphintra-Figure-value").inner_text())


@pytest.fixture
def language_servers() -> bool:
    return True  # as a trader has them: here a notebook, a file and its completion are tried beside them


def test_from_the_launcher_to_a_result(view: Page) -> None:
    page, lab = view.page, view.lab
    view.open()
    page.wait_for_selector(".jp-Launcher")
    section = page.locator(".jp-Launcher-section").filter(has_text="Alphintra").first
    expect(section.locator(".jp-LauncherCard-label")).to_have_text(["New strategy", "Templates"])
    assert page.locator(".Toastify__toast, .jp-Dialog").count() == 0
    view.shot("1-launcher")

    section.locator(".jp-LauncherCard").filter(has_text="Templates").click()
    page.wait_for_selector(".alphintra-Card[data-template]")
    card = page.locator(".alphintra-Card[data-template]").filter(has_text="SMA").first
    text = card.inner_text()
    for word in ("us-equities-daily", "fast", "slow"):
        assert word in text
    view.shot("2-gallery")

    card.get_by_role("button").click()
    page.wait_for_selector(".jp-NotebookPanel:visible")
    kernel = page.locator(".jp-NotebookPanel:visible .jp-KernelName").first
    kernel.filter(has_text="Alphintra").wait_for()
    page.wait_for_selector(".jp-NotebookPanel:visible .jp-Notebook-ExecutionIndicator[data-status='idle']")

    view.command("Run All Cells")
    result = ".jp-NotebookPanel:visible .alphintra-Result"
    page.wait_for_selector(f"{result} .alphintra-Chart canvas")
    # The data's own chart, in the cell before, is there earlier.
    page.locator(f"{result} .alphintra-Figure").nth(9).wait_for()
    first_trade = page.locator(f"{result} .alphintra-Table tbody tr[data-at='0']").first
    assert re.search(r"\d{4}-\d\d-\d\d\s+\d{4}-\d\d-\d\d", first_trade.inner_text())
    assert "costs" in page.locator(f"{result} .alphintra-Warnings").first.inner_text()
    in_cell = total_return(page, result)
    assert re.fullmatch(r"[+\u2212]?[\d\u202f]+?(\.\d)?\u202f%", in_cell), in_cell
    page.locator(f"{result}").first.evaluate("node => node.scrollIntoView()")
    view.shot("3-result")

    # What still runs would add to the notebook while it is saved.
    page.wait_for_selector(".jp-NotebookPanel:visible .jp-Notebook-ExecutionIndicator[data-status='idle']")
    page.keyboard.press("Control+S")
    path = page.locator(".jp-NotebookPanel:visible").evaluate("() => location.pathname.split('/tree/')[1]")
    page.wait_for_function("() => !document.querySelector('.jp-mod-dirty.lm-mod-current')")
    stored = json.loads((lab.workspace / path).read_text())
    outputs = [output for cell in stored["cells"] for output in cell.get("outputs", [])]
    kinds = {kind for output in outputs for kind in output.get("data", {})}
    assert {"application/vnd.alphintra.result.v1+json", "text/html", "image/png"} <= kinds

    view.open(path)
    page.wait_for_selector(f"{result} .alphintra-Chart canvas")
    assert total_return(page, result) == in_cell


def test_a_new_strategy_runs_as_a_job_and_the_panel_follows(view: Page) -> None:
    page, lab = view.page, view.lab
    view.open()
    page.locator(".jp-LauncherCard").filter(has_text="New strategy").click()
    page.wait_for_selector(".jp-NotebookPanel:visible")
    page.locator(".jp-NotebookPanel:visible .jp-KernelName").first.filter(has_text="Alphintra").wait_for()
    assert "import alphintra as al" in page.locator(".jp-NotebookPanel:visible .jp-Cell").first.inner_text()

    before = {item["id"] for item in lab.request("GET", "backtests?limit=100")["items"]}
    view.toolbar("BacktestButton")
    page.get_by_role("button", name="Run backtest").click()
    toast = page.locator(".Toastify__toast").filter(has_text="finished: total return")
    toast.wait_for()
    listed = lab.request("GET", "backtests?limit=100")["items"]
    started = [item for item in listed if item["id"] not in before]
    assert len(started) == 1
    row = view.row(started[0]["id"])
    page.wait_for_selector(f".alphintra-Run[data-run='{started[0]['id']}'][data-status='COMPLETED']")
    view.shot("4-finished")

    row.click()
    opened = ".jp-MainAreaWidget:visible .alphintra-ResultWidget"
    page.wait_for_selector(f"{opened} .alphintra-Chart canvas")
    shown = total_return(page, opened)
    row.filter(has_text=shown).wait_for()
    view.shot("5-opened-run")

    again = lab.request(
        "POST",
        "backtests",
        {"strategy_id": started[0]["strategy_id"], "dataset_id": "us-equities-daily/MSFT"},
    )
    lab.request("POST", f"backtests/{again['id']}/run")
    done = f".alphintra-Run[data-run='{again['id']}'][data-status='COMPLETED']"
    page.wait_for_selector(done)
    first = page.locator(".alphintra-Run[data-run]").first.get_attribute("data-run")
    assert first == again["id"]


def test_a_python_file_with_two_strategies_asks_which(view: Page) -> None:
    page, lab = view.page, view.lab
    (lab.workspace / "pair.py").write_text(STRATEGY)
    view.open("pair.py")
    page.wait_for_selector(".jp-FileEditor:visible")
    view.toolbar("BacktestButton")
    choice = page.locator(".alphintra-Field[data-field='class'] select")
    choice.wait_for()
    assert choice.locator("option").all_inner_texts() == ["Fast", "Slow"]
    choice.select_option("Slow")
    expect(page.locator("[data-field='parameters.length'] input")).to_have_value("40")
    page.locator("[data-field='commission'] input").fill("2")
    page.get_by_role("button", name="Run backtest").click()
    assert "fraction" in page.locator("[data-field='commission'] .alphintra-Field-complaint").inner_text()
    page.locator("[data-field='commission'] input").fill("0.001")
    page.locator("[data-field='commission'] .alphintra-Field-complaint").wait_for(state="detached")
    view.shot("6-dialog")
    before = {item["id"] for item in lab.request("GET", "backtests?limit=100")["items"]}
    page.get_by_role("button", name="Run backtest").click()
    page.wait_for_selector(".jp-Dialog", state="detached")
    (run,) = [item for item in lab.request("GET", "backtests?limit=100")["items"] if item["id"] not in before]
    view.row(run["id"]).filter(has_text="Slow").wait_for()
    page.wait_for_selector(f".alphintra-Run[data-run='{run['id']}'][data-status='COMPLETED']")
    expect(page.locator("#alphintra-backtests .alphintra-Run").first).to_have_attribute("data-run", run["id"])


def test_a_missing_name_is_shown_with_its_line(view: Page) -> None:
    page, lab = view.page, view.lab
    (lab.workspace / "broken.py").write_text(STRATEGY.replace("self.order_target_percent(0.9)", "nonsense()"))
    view.open("broken.py")
    page.wait_for_selector(".jp-FileEditor:visible")
    view.toolbar("BacktestButton")
    page.wait_for_selector(".alphintra-Diagnostics, .alphintra-Form")
    if page.locator(".alphintra-Form").count():
        page.get_by_role("button", name="Run backtest").click()
    finding = page.locator(".alphintra-Diagnostic").filter(has_text="nonsense")
    finding.wait_for()
    assert "line 14" in finding.inner_text()
    view.shot("7-diagnostics")
    finding.click()
    page.wait_for_selector(".jp-Dialog", state="detached")
    expect(page.locator(".jp-LineCol-item, .jp-StatusBar-Right").first).to_contain_text("Ln 14")


def test_snippets_are_inserted_from_menu_and_completion(view: Page) -> None:
    page, lab = view.page, view.lab
    (lab.workspace / "snippets").mkdir(exist_ok=True)
    (lab.workspace / "snippets/house_rule.py").write_text(
        "# title: House rule\n# description: Mine.\n# prefix: houserule\nassert True  # of the house\n"
    )
    (lab.workspace / "empty.py").write_text("")
    view.open("empty.py")
    page.wait_for_selector(".jp-FileEditor:visible .cm-content")
    view.toolbar("SnippetsButton")
    menu = page.locator(".alphintra-SnippetMenu")
    menu.wait_for()
    labels = menu.locator(".lm-Menu-itemLabel").all_inner_texts()
    assert len([label for label in labels if label]) >= 13
    view.shot("8-snippets")
    menu.locator(".lm-Menu-item").filter(has_text="House rule").click()
    editor = page.locator(".jp-FileEditor:visible .cm-content")
    editor.filter(has_text="of the house").wait_for()

    editor.click()
    page.keyboard.press("Control+End")
    page.keyboard.press("Enter")
    page.keyboard.type("houserule")
    # Before, Tab would indent the line.
    page.wait_for_selector(".jp-FileEditor:visible .jp-mod-completer-enabled")
    page.keyboard.press("Tab")
    # The only one that fits is taken at once, of several one is chosen.
    page.wait_for_function(f"() => {TWICE} || {OFFERED}")
    if not page.evaluate(f"() => {TWICE}"):
        page.locator(".jp-Completer-item").filter(has_text="houserule").first.click()
    page.wait_for_function(f"() => {TWICE}")

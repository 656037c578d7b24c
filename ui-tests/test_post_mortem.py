"""From an error, a trade and a failed job to the replay at its bar, in a real browser."""

from __future__ import annotations

import re
import time
from typing import Any

import nbformat
import pytest
from lab_page import VIEWPORT, Page
from lab_server import SCREENSHOTS, Lab

pytestmark = pytest.mark.browser

FAILS = '''import alphintra as al


class Fails(al.Strategy):
    """Divides by nothing at its hundredth bar."""

    scale = al.Param(100, low=1, high=500)

    def on_bar(self):
        self.left = self.scale - self.bar_index
        self.ratio = 1 / self.left'''
CROSS = '''class Cross(al.Strategy):
    def on_start(self):
        self.fast = self.indicator(al.ta.SMA, self.data.close, 20)
        self.slow = self.indicator(al.ta.SMA, self.data.close, 50)

    def on_bar(self):
        if al.crossed_above(self.fast, self.slow):
            self.order_target_percent(0.95)
        elif al.crossed_below(self.fast, self.slow):
            self.close()'''
#: The same as a file, which takes a part from a module beside it.
FILE = FAILS.replace("self.scale - self.bar_index", "left(self.scale, self.bar_index)").replace(
    "as al", "as al\nfrom tools import left", 1
)
MODULE = "def left(scale, index):\n    return scale - index\n"
RUN_FAILS = 'al.backtest(Fails, "us-equities-daily/AAPL")'
RUN_CROSS = 'al.backtest(Cross, "us-equities-daily/AAPL", commission=0.001)'
#: The bar that raises, and the one before it.
FAILED, BEFORE = "2000-07-24", "2000-07-21"

#: What the report of the failed job says to run.
CELL = """import alphintra as al

al.replay(
    Fails,
    data='us-equities-daily/AAPL',
    at='2000-07-24 20:00',
    cash=100000.0,
    commission=0.0,
    params={'scale': 100},
)"""

NOTEBOOK = ".jp-NotebookPanel:visible"
TOAST = ".Toastify__toast"


def cells(page: Any) -> Any:
    return page.locator(f"{NOTEBOOK} .jp-CodeCell")


def source(cell: Any) -> str:
    return str(cell.locator(".cm-content").inner_text()).strip()


def ran(cell: Any) -> None:
    cell.locator(".jp-InputPrompt").filter(has_text=re.compile(r"\[\d+\]")).wait_for()


def stands_at(cell: Any, day: str) -> None:
    """The replay that a cell shows, as a widget or as text, stands at a day."""
    cell.locator(".jp-OutputArea-output").filter(has_text=day).first.wait_for()


def failed_job(lab: Lab) -> str:
    (lab.workspace / "fails.py").write_text(FILE)
    (lab.workspace / "tools.py").write_text(MODULE)
    made = lab.request("POST", "strategies/code/from-file", {"path": "fails.py"})
    (lab.workspace / "tools.py").write_text("raise RuntimeError('what was stored is meant')\n")
    body = {"strategy_id": made["id"], "dataset_id": "us-equities-daily/AAPL", "parameters": {"scale": 100}}
    run = lab.request("POST", "backtests", body)
    lab.request("POST", f"backtests/{run['id']}/run", {})
    deadline = time.monotonic() + 240
    while (found := lab.request("GET", f"backtests/{run['id']}"))["status"] in ("PENDING", "RUNNING"):
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    return str(run["id"])


def test_the_report_of_a_failed_job_names_one_place_and_the_way_to_stand_there(view: Page) -> None:
    page, lab = view.page, view.lab
    job = failed_job(lab)
    SCREENSHOTS.mkdir(exist_ok=True)
    page.goto(f"{lab.url}api/backtests/{job}/report?token={lab.token}")
    assert page.locator("h1").inner_text() == "Fails"
    line = len(FILE.splitlines())
    assert page.get_by_role("alert").inner_text().splitlines() == [
        f"Fails raised ZeroDivisionError: division by zero (fails.py, line {line}, bar {FAILED}T20:00:00Z)",
        f"fails.py, line {line}, at the bar of {FAILED} 20:00 UTC",
    ]
    assert page.locator("mark").inner_text().split() == [str(line), "self.ratio", "=", "1", "/", "self.left"]
    assert page.locator("h2").all_inner_texts() == ["Where", "Debug at this bar", "What ran"]
    again = page.locator("h2:text-is('Debug at this bar') ~ pre").first
    assert again.inner_text() == CELL
    # Everything that can be unfolded, and nothing that has another name for the file.
    page.locator("summary").first.click()
    assert f'File "fails.py", line {line}, in on_bar' in page.locator("details pre").first.inner_text()
    assert page.locator("summary").all_inner_texts() == ["Traceback", "The strategy as it ran", "tools.py"]
    assert "strategy.py" not in page.content()
    ground = "getComputedStyle(document.body).backgroundColor"
    for theme, colour in (("light", "rgb(255, 255, 255)"), ("dark", "rgb(21, 24, 28)")):
        page.emulate_media(color_scheme=theme)
        assert page.evaluate(ground) == colour
        page.screenshot(path=SCREENSHOTS / f"66-failed-report-{theme}.png", full_page=True)
        page.set_viewport_size({"width": 400, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") == 400
        page.screenshot(path=SCREENSHOTS / f"67-failed-report-narrow-{theme}.png", full_page=True)
        page.set_viewport_size(VIEWPORT)
    page.emulate_media(color_scheme=None)


def test_an_error_a_trade_and_a_failed_job_lead_to_their_bars(view: Page) -> None:
    page, lab = view.page, view.lab
    written = [nbformat.v4.new_code_cell(text) for text in (FAILS, RUN_FAILS, CROSS, RUN_CROSS)]
    written[1].metadata["tags"] = ["raises-exception"]
    kernelspec = {"name": "alphintra", "display_name": "Alphintra", "language": "python"}
    notebook = nbformat.v4.new_notebook(cells=written, metadata={"kernelspec": kernelspec})
    nbformat.write(notebook, lab.workspace / "why.ipynb")
    job = failed_job(lab)
    view.open("why.ipynb")
    page.locator(f"{NOTEBOOK} .jp-KernelName").first.filter(has_text="Alphintra").wait_for()
    page.wait_for_selector(f"{NOTEBOOK} .jp-Notebook-ExecutionIndicator[data-status='idle']")
    view.command("Run All Cells")
    result = page.locator(f"{NOTEBOOK} .alphintra-Result")
    result.locator(".alphintra-Chart canvas").first.wait_for()

    # Below the traceback, which stays.
    failure = page.locator(f"{NOTEBOOK} .alphintra-Failure")
    failure.evaluate("node => node.scrollIntoView({ block: 'center' })")
    assert "ZeroDivisionError" in cells(page).nth(1).locator(".jp-RenderedText").first.inner_text()
    assert f"Cell In[1], line 11, at the bar of {FAILED} 20:00 UTC" in failure.inner_text()
    assert failure.locator(".alphintra-mod-failed").inner_text().endswith("self.ratio = 1 / self.left")
    view.shot("60-failure")
    failure.get_by_role("button", name="Debug at this bar").focus()
    page.keyboard.press("Enter")
    debugged = cells(page).nth(2)
    ran(debugged.filter(has_text="al.post_mortem()"))
    assert source(debugged) == "al.post_mortem()"
    stands_at(debugged, BEFORE)
    assert cells(page).count() == 5
    view.shot_as_it_is("61-post-mortem")

    # Why a trade: by its row, by keyboard.
    row = result.locator(".alphintra-Table tbody tr[data-at='0']")
    row.evaluate("node => node.scrollIntoView({ block: 'center' })")
    why = result.locator(".alphintra-Table-tools [data-why='entry']")
    assert why.get_attribute("aria-disabled") == "true"
    assert why.get_attribute("title") == "Choose a row: the replay opens at its bar"
    row.focus()
    page.keyboard.press("Enter")
    entered, left = row.locator("td").all_inner_texts()[1:3]
    result.locator(".alphintra-Table-tools [data-why='entry']:not([aria-disabled])").wait_for()
    view.shot("62-why")
    result.locator(".alphintra-Table-tools [data-why='exit']").click()
    asked = cells(page).nth(5)
    ran(asked)
    call = 'al.replay(Cross, data="us-equities-daily/AAPL", commission=0.001, at="{}")'
    assert source(asked) == call.format(left)
    stands_at(asked, left)
    # The command palette has what was chosen last; the row's key is the same.
    view.command("Why: Replay at the Chosen")
    ran(cells(page).nth(5).filter(has_text=entered))
    assert source(cells(page).nth(5)) == call.format(entered)
    result.get_by_role("tab", name="Fills").click()
    result.locator(".alphintra-Table-tools [data-why='fill']").wait_for()
    first = result.locator(".alphintra-Table tbody tr[data-at='0']")
    first.focus()
    page.keyboard.press("w")
    ran(cells(page).nth(7))
    assert source(cells(page).nth(5)) == call.format(first.locator("td").first.inner_text())

    # The job that failed: its stored source in a new notebook.
    view.show_panel()
    button = view.row(job).get_by_role("button", name="Debug at this bar")
    button.wait_for()
    view.shot("63-failed-job")
    view.row(job).click()
    page.locator(".jp-MainAreaWidget:visible .alphintra-Running .alphintra-DebugButton").wait_for()
    view.shot_as_it_is("64-failed-run")
    button.click()
    page.locator(".lm-TabBar-tab.jp-mod-current").filter(has_text="Fails replay.ipynb").wait_for()
    ran(cells(page).nth(1))
    assert source(cells(page).nth(0)).split() == FILE.split()
    assert (lab.workspace / "Fails replay" / "tools.py").read_text() == MODULE
    stands_at(cells(page).nth(1), BEFORE)
    view.shot("65-replayed-job")

    # What cannot be done is said, and nothing is put into the notebook.
    page.evaluate("id => window.jupyterapp.commands.execute('alphintra:replay-run', { id })", "f" * 32)
    page.locator(TOAST).filter(has_text="This run could not be read.").wait_for()
    page.evaluate("() => window.jupyterapp.commands.execute('kernelmenu:shutdown')")
    page.locator(f"{NOTEBOOK} .jp-KernelName").first.filter(has_text="No Kernel").wait_for()
    view.command("Debug at the Bar That Failed")
    page.locator(TOAST).filter(has_text="This notebook has no kernel.").wait_for()
    assert cells(page).count() == 2

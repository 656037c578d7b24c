"""The debugger that travels in market time, in the real JupyterLab: a condition, the next bar, back, to a date."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from lab_page import SECOND, Page
from playwright.sync_api import TimeoutError

pytestmark = pytest.mark.browser

STRATEGY = '''import alphintra as al


class Rising(al.Strategy):
    """Buys what rises above its average."""

    length = al.Param(10, low=2, high=50)

    def on_start(self):
        self.seen = []
        self.average = self.indicator(al.ta.SMA, self.data.close, self.length)

    def on_bar(self):
        self.seen.append(self.bar_index)
        if al.crossed_above(self.data.close, self.average):
            self.buy(100)
        price = self.data.close[-1]
'''
FIRST, TEST, LAST = 14, 15, 17
RUN = 'al.replay(Rising, "us-equities-daily/AAPL", start="2012-01-03", end="2012-12-31", debug=True)'
CONDITION = "self.data.close[-1] > 600"
#: The first close above 600 dollars.
ABOVE = 3031


def notebook(view: Page) -> str:
    name = f"debug-{view.theme}.ipynb"
    cells = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "source": text, "outputs": [], "execution_count": None}
        for n, text in enumerate((STRATEGY.rstrip("\n"), RUN))
    ]
    kernel = {"name": "alphintra", "display_name": "Alphintra", "language": "python"}
    content = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (view.lab.workspace / name).write_text(json.dumps(content))
    return name


class Debugged:
    """A notebook that is being debugged."""

    def __init__(self, view: Page) -> None:
        self.view, self.page = view, view.page

    def switch_on(self) -> None:
        """Press the bug until the lines have a place for breakpoints: a kernel that has just come takes no press."""
        for left in reversed(range(5)):
            self.page.locator(".jp-NotebookPanel:visible .jp-DebuggerBugButton").first.click()
            try:
                self.cell(0).locator(".cm-gutter.cm-breakpoint-gutter").wait_for(timeout=20 * SECOND)
            except TimeoutError:
                if left == 0:
                    raise
                continue
            return

    def cell(self, n: int) -> Any:
        return self.page.locator(".jp-NotebookPanel:visible .jp-CodeCell").nth(n)

    def run(self, n: int) -> None:
        self.cell(n).locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")

    def wait_at(self, line: int) -> None:
        """Wait until the run stands at a line of the strategy."""
        self.page.wait_for_function(
            """([line]) => {
                const lines = [...document.querySelectorAll('.jp-NotebookPanel .jp-CodeCell')][0]
                    .querySelectorAll('.cm-line');
                return lines[line - 1]?.classList.contains('jp-DebuggerEditor-highlight');
            }""",
            arg=[line],
            timeout=90 * SECOND,
        )

    def button(self, command: str) -> Any:
        return self.page.locator(f"#jp-debugger-sidebar jp-button[data-command='{command}']:visible").first

    def press(self, command: str) -> None:
        button = self.button(command)
        button.and_(self.page.locator("[aria-disabled='false'], :not([disabled])")).wait_for()
        button.click()

    def left(self) -> None:
        """Wait until the run has gone on from where it stood."""
        self.page.wait_for_function("() => !document.querySelector('.jp-DebuggerEditor-highlight')")

    def value(self, name: str) -> str:
        """A variable of the innermost frame, as the tree shows it."""
        row = self.page.locator("#jp-debugger-sidebar .jp-DebuggerVariables-body li").filter(
            has=self.page.locator(f".jp-DebuggerVariables-name:text-is('{name}')")
        )
        return str(row.first.locator(".jp-DebuggerVariables-detail").inner_text())

    def dialog(self, text: str) -> None:
        self.page.locator(".jp-Dialog input").fill(text)
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self.page.wait_for_selector(".jp-Dialog", state="detached")


def test_a_strategy_is_debugged_in_market_time(view: Page) -> None:
    page = view.page
    view.open(notebook(view))
    debugged = Debugged(view)
    page.wait_for_selector(
        ".jp-NotebookPanel:visible .jp-Notebook-ExecutionIndicator[data-status='idle']", timeout=120 * SECOND
    )
    debugged.switch_on()
    debugged.run(0)
    if not page.locator("#jp-debugger-sidebar").is_visible():  # switching on shows it, as a rule
        page.locator(".jp-SideBar .lm-TabBar-tab[data-id='jp-debugger-sidebar']").click()
    gutter = debugged.cell(0).locator(".cm-gutter.cm-breakpoint-gutter .cm-gutterElement")
    gutter.nth(FIRST).click()  # the first element is a spacer
    row = page.locator("#jp-debugger-sidebar .jp-DebuggerBreakpoint")
    row.wait_for()
    assert row.locator(".jp-DebuggerBreakpoint-line").inner_text() == str(FIRST)

    row.click(button="right")
    page.locator(".lm-Menu-item").filter(has_text="Condition…").click()
    debugged.dialog(CONDITION)
    page.locator(".Toastify__toast").filter(has_text=CONDITION).wait_for()

    debugged.run(1)
    debugged.wait_at(FIRST)
    assert debugged.button("alphintra:debug-back-one-bar").is_enabled()
    view.shot("debug-1-condition")

    for line in (TEST, LAST, FIRST):  # Step Over at the end of on_bar comes to the next bar
        debugged.press("debugger:next")
        debugged.wait_at(line)
    view.shot("debug-2-next-bar")

    for _ in range(2):
        debugged.press("alphintra:debug-back-one-bar")
        debugged.left()
        debugged.wait_at(FIRST)
    debugged.press("debugger:next")
    debugged.wait_at(TEST)
    view.shot("debug-3-back")

    debugged.press("alphintra:debug-run-to-date")
    debugged.dialog("2012-08-01")
    debugged.left()
    debugged.wait_at(FIRST)
    view.shot("debug-4-date")
    said = page.evaluate("() => document.querySelector('#jp-debugger-sidebar').innerText")
    assert re.search(r"Rising", said)

    debugged.press("alphintra:debug-end-replay")
    debugged.left()
    debugged.cell(1).locator(".jp-OutputArea-output").filter(has_text="2012-08-01").wait_for(timeout=60 * SECOND)
    view.shot("debug-5-end")

"""The Variables panel: what a notebook has at hand, while a long cell runs, and the view of each."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from lab_page import STEP, Page
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
'''
OBJECTS = """data = al.data.load("us-equities-daily/AAPL")
result = al.backtest(Fast, data, commission=0.001)
frame = data.to_pandas()
walk = al.replay(Fast, data, at="2008-09-15")
position = walk.strategy.position()
swept = al.sweep(Fast, data, {"length": [5, 10, 20, 40]}, progress=None)"""
LONG = """import time
tried = {}
for run in range(1_000):
    tried[f"run {run}"] = al.backtest(Fast, data, params={"length": 2 + run % 49})
    time.sleep(0.5)
"""
PANEL = "#alphintra-variables"
VIEW = ".alphintra-VariableView[data-state='done']:visible"
BUSY = f"{PANEL} .alphintra-Variables-live.alphintra-mod-busy"


def opened(view: Page, kernel: str, *cells: str) -> None:
    """Write a notebook and open it, with the file browser out of the way."""
    name = f"variables-{kernel}.ipynb"
    content = {
        "cells": [
            {"cell_type": "code", "id": f"c{n}", "metadata": {}, "source": text, "outputs": [], "execution_count": None}
            for n, text in enumerate(cells)
        ],
        "metadata": {"kernelspec": {"name": kernel, "display_name": kernel, "language": "python"}},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    (view.lab.workspace / name).write_text(json.dumps(content))
    view.open(name)
    view.page.wait_for_selector(".jp-NotebookPanel:visible .jp-Notebook-ExecutionIndicator[data-status='idle']")


def run(view: Page, number: int) -> None:
    """Run a cell that has not run; keys do nothing before the notebook is ready for them."""
    cell = view.page.locator(".jp-NotebookPanel:visible .jp-CodeCell").nth(number)
    for left in reversed(range(6)):
        cell.locator(".cm-content").click()
        view.page.keyboard.press("Control+Enter")
        try:
            expect(cell.locator(".jp-InputPrompt")).not_to_have_text("[ ]:", timeout=STEP)
        except AssertionError:
            if left == 0:
                raise
            continue
        return


def row(page: Any, name: str) -> Any:
    return page.locator(f"{PANEL} .alphintra-Variable[data-variable='{name}']")


def test_objects_are_listed_and_opened_while_a_cell_runs(view: Page) -> None:
    page = view.page
    opened(view, "alphintra", STRATEGY.strip(), OBJECTS, LONG)
    view.command("Show Variables")
    said = page.locator(f"{PANEL} .alphintra-Panel-message").first
    expect(said).to_contain_text("No trading objects yet")
    expect(said).to_contain_text("The debugger need not be on")
    view.shot("60-variables-none")

    run(view, 0)
    run(view, 1)
    expect(row(page, "result").locator(".alphintra-Variable-size")).to_contain_text("3\u202f262 bars")
    groups = ["Results", "Sweeps and studies", "Replays, positions, orders", "Strategies", "Market data"]
    expect(page.locator(f"{PANEL} h3")).to_have_text(groups)
    run(view, 2)
    page.wait_for_selector(BUSY)
    # Several lists come while the one cell runs.
    size = row(page, "tried").locator(".alphintra-Variable-size")
    size.wait_for()
    seen = {size.inner_text()}
    for _ in range(2):
        expect(size).not_to_have_text(size.inner_text())
        seen.add(size.inner_text())
    assert len(seen) == 3
    expect(row(page, "tried")).to_have_class(re.compile("alphintra-mod-moved"))
    assert page.locator(BUSY).count() == 1

    row(page, "result").click()
    page.locator(f"{VIEW} .alphintra-Result .alphintra-Chart canvas").first.wait_for()
    assert page.locator(BUSY).count() == 1
    expect(row(page, "result")).to_have_class(re.compile("alphintra-mod-current"))
    view.shot("61-variables-running")

    # By keyboard: names are filtered, arrows go from group to group, Enter opens.
    page.get_by_label("Filter the objects by name").fill("A")
    expect(page.locator(f"{PANEL} .alphintra-Variable")).to_have_count(4)
    row(page, "walk").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.wait_for_function("() => document.activeElement.dataset.variable === 'data'")
    page.keyboard.press("Enter")
    page.locator(f"{VIEW} svg[aria-label^='Close']").wait_for()
    page.get_by_label("Filter the objects by name").fill("")
    row(page, "Fast").click()
    expect(page.locator(f"{VIEW} .alphintra-VariableView-body")).to_contain_text("Long above the ten-day average.")
    view.shot("62-variables-strategy")

    # Nothing of it is in the notebook: the long cell has printed nothing, and nothing was added.
    (session,) = view.lab.request("GET", "sessions")
    view.lab.request("POST", f"kernels/{session['kernel']['id']}/interrupt")
    page.wait_for_selector(BUSY, state="detached")
    # A kernel's matplotlib says so when it looks for fonts, whatever cell runs.
    outputs = page.locator(".jp-NotebookPanel .jp-CodeCell .jp-OutputArea-output").filter(has_not_text="Fontconfig")
    expect(outputs).to_have_count(1)
    expect(outputs).to_contain_text("KeyboardInterrupt")
    assert page.locator(".jp-NotebookPanel .jp-CodeCell").count() == 3

    view.lab.request("DELETE", f"sessions/{session['id']}")
    expect(said).to_contain_text("kernel")
    view.shot("63-variables-gone")


def test_another_kernel_is_left_alone(view: Page) -> None:
    opened(view, "python3", "1")
    view.command("Show Variables")
    expect(view.page.locator(f"{PANEL} .alphintra-Panel-message")).to_contain_text("runs on another kernel")

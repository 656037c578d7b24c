"""The Variables panel: what a notebook has at hand, while a long cell runs, and the view of each."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from lab_page import SETTLED, STEP, Page
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
#: What is drawn beyond the edge of the panel, or has to be scrolled to from side to side.
BEYOND = """panel => {
  const { left, right } = panel.getBoundingClientRect();
  const out = [...panel.querySelectorAll('*')].filter(node => {
    const box = node.getBoundingClientRect();
    const shown = node.checkVisibility() && box.width > 0 && !node.closest('.alphintra-visually-hidden');
    const clipped = node.parentElement.closest('.alphintra-Variable-summary');
    return shown && !clipped && (box.left < left - 1 || box.right > right + 1);
  });
  return [...out.map(node => node.className), ...(panel.scrollWidth > panel.clientWidth ? ['scrolls'] : [])];
}"""
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


def narrow(page: Any) -> None:
    """Make the panel 280 pixels wide, as by hand: by the edge between it and the documents."""
    for _ in range(3):  # the edge is taken where it is grasped, a pixel beside its middle
        box = page.locator(PANEL).bounding_box()
        if round(box["width"]) == 280:
            return
        on_the_left = box["x"] < page.viewport_size["width"] / 2
        edge = box["x"] + box["width"] + 2 if on_the_left else box["x"] - 2
        page.mouse.move(edge, 600)
        page.mouse.down()
        page.mouse.move(edge + (280 - box["width"]) * (1 if on_the_left else -1), 600, steps=4)
        page.mouse.up()
        page.evaluate(SETTLED)
    expect(page.locator(PANEL)).to_have_js_property("offsetWidth", 280)


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
    page.locator(f"{VIEW} canvas").first.wait_for()
    page.get_by_label("Filter the objects by name").fill("")
    row(page, "Fast").click()
    expect(page.locator(f"{VIEW} .alphintra-VariableView-body")).to_contain_text("Long above the ten-day average.")
    view.shot("62-variables-strategy")

    # As narrow as a panel may be asked to be: names, sizes and summaries stay within it.
    narrow(page)
    beyond = page.locator(PANEL).evaluate(BEYOND)
    assert beyond == []
    view.shot("64-variables-narrow")

    # Nothing of it is in the notebook: the long cell has printed nothing, and nothing was added.
    (session,) = view.lab.request("GET", "sessions")
    view.lab.request("POST", f"kernels/{session['kernel']['id']}/interrupt")
    page.wait_for_selector(BUSY, state="detached")
    # A kernel's matplotlib says so when it looks for fonts, whatever cell runs.
    outputs = page.locator(".jp-NotebookPanel .jp-CodeCell .jp-OutputArea-output").filter(has_not_text="Fontconfig")
    expect(outputs).to_have_count(1)
    expect(outputs).to_contain_text("KeyboardInterrupt")
    assert page.locator(".jp-NotebookPanel .jp-CodeCell").count() == 3

    # The kernel is killed: what it had is gone from the list, and what to do is said; Lab's own dialog says less.
    listed = page.locator(f"{PANEL} .alphintra-Variable").count()
    view.lab.kill_kernels()
    page.locator(".jp-Dialog").get_by_role("button", name="Ok").click()
    expect(said).to_have_attribute("role", "alert")
    expect(said.locator("p")).to_have_text(
        re.compile(rf"The kernel ended by itself at \d\d:\d\d:\d\d and was started anew: the {listed} objects listed")
    )
    assert page.locator(f"{PANEL} .alphintra-Variable").count() == 0
    view.shot("63-variables-killed")
    # All but the long one, which is in front.
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:delete-cell')")
    expect(page.locator(".jp-NotebookPanel:visible .jp-CodeCell")).to_have_count(2)
    said.get_by_role("button", name="Run all cells").click()
    expect(row(page, "result").locator(".alphintra-Variable-size")).to_contain_text("3\u202f262 bars")
    expect(page.locator(f"{PANEL} h3")).to_have_text(groups)

    for session in view.lab.request("GET", "sessions"):
        view.lab.request("DELETE", f"sessions/{session['id']}")
    expect(said).to_contain_text("The notebook has no kernel")
    view.shot("65-variables-no-kernel")


def test_another_kernel_is_left_alone(view: Page) -> None:
    opened(view, "python3", "1")
    view.command("Show Variables")
    expect(view.page.locator(f"{PANEL} .alphintra-Panel-message")).to_contain_text("runs on another kernel")

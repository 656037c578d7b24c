"""The debugger that travels in market time, in the real JupyterLab: conditions, to and fro by bars, a file."""

from __future__ import annotations

import json
import re
from pathlib import Path
from textwrap import indent
from typing import Any

import pytest
from lab_page import PATIENCE, SECOND, Page
from lab_server import SCREENSHOTS
from playwright.sync_api import TimeoutError, expect

pytestmark = pytest.mark.browser

STRATEGY = '''import alphintra as al


class Rising(al.Strategy):
    length = al.Param(10, low=2, high=50)

    def on_start(self):
        self.seen = []
        self.average = self.indicator(al.ta.SMA, self.data.close, self.length)

    def on_bar(self):
        """Buys what rises above its average."""
        self.seen.append(self.bar_index)
        if al.crossed_above(self.data.close, self.average):
            self.buy(100)
        price = self.data.close[-1]
'''
DOCS = Path(__file__).parents[1] / "docs" / "debugging.md"
DOC, FIRST, TEST, LAST = 12, 13, 14, 16
SPAN = '"us-equities-daily/AAPL", start="2012-01-03", end="2012-12-31", debug=True'
RUN = f"al.replay(Rising, {SPAN})"
FILE = "momentum.py"
RUN_FILE = f"from momentum import Momentum\nal.replay(Momentum, {SPAN})"
CONDITION = "self.data.close[-1] > 600"
RAISED = (
    "the condition 'self.nothing > 3' raised AttributeError: 'Rising' object has no attribute 'nothing' "
    "(line 13, bar 3126, 2012-08-02 20:00) – Rising has average, length, seen, and what each strategy has, such as "
    "equity and data"
)
#: What it holds in a bar: a series, a position, an order that works, and the strategy itself.
HOLDS = '''import alphintra as al


class Holds(al.Strategy):
    def on_start(self):
        self.average = self.indicator(al.ta.SMA, self.data.close, 10)
        self.ticket = None

    def on_bar(self):
        if not self.position():
            self.buy(100)
        elif self.ticket is None:
            self.ticket = self.sell(100, limit=900.0, tif="GTC")
        closes, held, order, orders = self.data.close, self.position(), self.ticket, self.orders
        self.last = closes[-1]
'''
HELD = len(HOLDS.splitlines())
#: The first close above 600 dollars was in bar 3031; the run begins in bar 2979.
ABOVE, DAY = "bar 3\u202f031 of 3\u202f228", "2012-03-19"


def notebook(view: Page) -> str:
    name = "debug.ipynb"
    cells = [
        {"cell_type": "code", "id": f"c{n}", "metadata": {}, "source": text, "outputs": [], "execution_count": None}
        for n, text in enumerate((STRATEGY.rstrip("\n"), RUN, RUN_FILE))
    ]
    kernel = {"name": "alphintra", "display_name": "Alphintra", "language": "python"}
    content = {"cells": cells, "metadata": {"kernelspec": kernel}, "nbformat": 4, "nbformat_minor": 5}
    (view.lab.workspace / name).write_text(json.dumps(content))
    (view.lab.workspace / FILE).write_text(STRATEGY.replace("Rising", "Momentum"))
    return name


class Debugged:
    """A notebook that is being debugged, and a file beside it."""

    def __init__(self, view: Page, page: Any = None) -> None:
        self.view, self.page = view, page or view.page
        self.panel = self.page.locator("#jp-debugger-sidebar")
        self.standing = self.panel.locator(".alphintra-Standing")

    def switch_on(self) -> None:
        """Press the bug until the lines have a place for breakpoints: a kernel that has just come takes no press."""
        bug = self.page.locator(".jp-NotebookPanel:visible .jp-DebuggerBugButton").first
        for left in reversed(range(5)):
            if bug.get_attribute("aria-pressed") != "true":  # pressed once more, it would be off
                bug.click()
            try:
                self.gutter(self.cell(0)).first.wait_for(state="attached", timeout=20 * SECOND)
            except TimeoutError:
                if left == 0:
                    raise
                continue
            return

    def cell(self, n: int) -> Any:
        return self.page.locator(".jp-NotebookPanel:visible .jp-CodeCell").nth(n)

    @property
    def file(self) -> Any:
        return self.page.locator(".jp-FileEditor:visible")

    def gutter(self, editor: Any) -> Any:
        """Where its lines take breakpoints; the first element is a spacer."""
        return editor.locator(".cm-gutter.cm-breakpoint-gutter .cm-gutterElement")

    def run(self, n: int) -> None:
        self.cell(n).locator(".cm-content").click()
        self.page.keyboard.press("Control+Enter")

    def stands(self, line: int, bar: str, editor: Any = None) -> None:
        """Wait until the run stands at a line of the strategy, in a bar."""
        expect(self.standing).to_contain_text(bar)
        lines = (editor or self.cell(0)).locator(".cm-line")
        expect(lines.nth(line - 1)).to_have_class("cm-line jp-DebuggerEditor-highlight")

    def press(self, command: str) -> None:
        self.panel.locator(f"jp-button[data-command='{command}']:not([disabled])").click()

    def variable(self, name: str) -> Any:
        """A variable of the innermost frame in the tree, or what is listed within one."""
        row = f"jp-tree-item:has(> .jp-DebuggerVariables-name:text-is('{name}'))"
        return self.panel.locator(f".jp-DebuggerVariables-body {row}").first

    def value(self, name: str) -> Any:
        return self.variable(name).locator("> .jp-DebuggerVariables-detail")

    def render(self, name: str) -> None:
        """Press *Render variable* of a variable of the tree."""
        row = self.variable(name)
        row.locator("> .jp-DebuggerVariables-name").hover()
        row.get_by_title(f"Render variable: {name}", exact=True).click()

    def ask_for(self, text: str) -> None:
        self.page.locator(".jp-Dialog input").fill(text)
        self.page.locator(".jp-Dialog .jp-mod-accept").click()
        self.page.wait_for_selector(".jp-Dialog", state="detached")

    def condition(self, text: str) -> None:
        """Edit the only breakpoint's condition by its context menu."""
        self.panel.locator(".jp-DebuggerBreakpoint").click(button="right")
        self.page.locator(".lm-Menu-item").filter(has_text="Condition…").click()
        self.ask_for(text)

    def said(self, text: str) -> None:
        """Wait for a notification."""
        self.page.locator(".Toastify__toast").filter(has_text=text).first.wait_for()


def test_trading_objects_are_a_line_in_the_tree_and_a_view_when_rendered(view: Page) -> None:
    page = view.page
    view.open_cells("holds.ipynb", HOLDS.rstrip("\n"), RUN.replace("Rising", "Holds"))
    debugged = Debugged(view)
    debugged.switch_on()
    view.run_cell(0)
    debugged.panel.wait_for()
    debugged.gutter(debugged.cell(0)).nth(HELD).click()
    debugged.condition("self.bar_index == 3050")
    debugged.run(1)
    debugged.stands(HELD, "bar 3\u202f050 ")
    for name, line in (
        ("self", r"<Holds at 2012-04-16 20:00: equity [\d,.]+, 100 AAPL>"),
        ("closes", r"<series data.close: [\d.]+>"),
        ("held", r"<position AAPL: 100 at [\d.]+, P&L [+−-][\d.]+ \([+−-][\d.]+%\)>"),
        ("order", r"<order 1: SELL 100 AAPL LIMIT limit 900, WORKING>"),
    ):
        expect(debugged.value(name)).to_have_text(re.compile(line))

    # What the strategy holds is listed within it, each in its line.
    debugged.variable("self").locator("> .jp-DebuggerVariables-name").click()
    expect(debugged.value("average")).to_contain_text("<series SMA")
    expect(debugged.value("ticket")).to_contain_text("<order 1: SELL 100")
    view.shot("debug-8-tree")
    # The row that was clicked has the focus, and Lab takes its button away when the mouse is pressed on that: by key.
    page.keyboard.press("Enter")
    rich = page.locator(".jp-VariableRendererPanel")
    captions = ["Holds", "Positions", "Working orders", "Attributes"]
    expect(rich.locator("caption")).to_have_text(captions)
    for name, shown in (
        ("closes", "data.close"),
        ("held", "Position in AAPL"),
        ("order", "Order 1"),
        ("ticket", "Order 1"),
        ("average", "SMA(10)"),
    ):
        debugged.render(name)
        captions.append(shown)
        expect(rich.locator("caption")).to_have_count(len(captions))
        assert sorted(rich.locator("caption").all_inner_texts()) == sorted(captions)
    # What lies within another variable has its whole name above it; a series is drawn.
    assert sorted(rich.locator("code").all_inner_texts()) == ["self.average", "self.ticket"]
    expect(rich.locator("svg")).to_have_count(2)
    view.shot("debug-9-rendered")

    # The kernel is killed while it stands there: where it stood is said no more, and Lab says what happened.
    view.lab.kill_kernels()
    dialog = page.locator(".jp-Dialog")
    expect(dialog).to_contain_text("appears to have died")
    dialog.get_by_role("button", name="Ok").click()
    debugged.standing.wait_for(state="hidden")
    view.shot("debug-10-killed")


def test_a_strategy_is_debugged_in_market_time(view: Page) -> None:
    page = view.page
    told = DOCS.read_text(encoding="utf-8")
    assert all(indent(code, "   ") in told for code in (STRATEGY, RUN)), "docs/debugging.md tells of something else"
    view.open(notebook(view))
    debugged = Debugged(view)
    page.wait_for_selector(
        ".jp-NotebookPanel:visible .jp-Notebook-ExecutionIndicator[data-status='idle']", timeout=120 * SECOND
    )
    debugged.switch_on()
    debugged.run(0)
    expect(debugged.cell(0).locator(".jp-InputPrompt").first).to_have_text("[1]:")
    debugged.panel.wait_for()

    debugged.gutter(debugged.cell(0)).nth(DOC).click()
    row = debugged.panel.locator(".jp-DebuggerBreakpoint")
    expect(row.locator(".jp-DebuggerBreakpoint-line")).to_have_text(str(FIRST))
    debugged.said(f"line {DOC} has no code to stop at: moved to line {FIRST}")
    debugged.condition(CONDITION)
    debugged.said(CONDITION)
    expect(row).to_have_attribute("data-alphintra-condition", CONDITION)

    debugged.run(1)
    debugged.stands(FIRST, ABOVE)
    expect(debugged.standing).to_contain_text(DAY)
    view.shot("debug-1-condition")

    for line, bar in ((TEST, "3\u202f031"), (LAST, "3\u202f031"), (FIRST, "3\u202f032")):
        debugged.press("debugger:next")  # Step Over at the end of on_bar comes to the next bar
        debugged.stands(line, f"bar {bar} ")
    view.shot("debug-2-next-bar")

    debugged.press("alphintra:debug-back-one-bar")
    debugged.stands(FIRST, "bar 3\u202f031 ")
    page.keyboard.press("Shift+F10")
    debugged.stands(FIRST, "bar 3\u202f030 ")
    expect(debugged.value("self")).to_contain_text("<Rising at 2012-03-16 20:00: equity")
    view.shot("debug-3-back")

    # Another browser on the notebook sees where the run stands, and may move it as well.
    beside = view.context.new_page()
    beside.set_default_timeout(PATIENCE)
    try:
        beside.goto(f"{view.lab.url}lab/workspaces/second/tree/debug.ipynb?token={view.lab.token}&reset")
        other = Debugged(view, beside)
        beside.wait_for_function("() => window.jupyterapp?.commands.hasCommand('debugger:show-panel')")
        beside.evaluate("() => window.jupyterapp.commands.execute('debugger:show-panel')")
        other.standing.wait_for()
        expect(other.standing).to_contain_text("bar 3\u202f030 ")
        other.press("alphintra:debug-back-one-bar")
        debugged.stands(FIRST, "bar 3\u202f029 ")
        expect(other.standing).to_contain_text("bar 3\u202f029 ")
        debugged.press("alphintra:debug-back-one-bar")
        debugged.stands(FIRST, "bar 3\u202f028 ")
        expect(other.standing).to_contain_text("bar 3\u202f028 ")
        beside.screenshot(path=SCREENSHOTS / "debug-7-two-browsers.png")
    finally:
        beside.close()
    debugged.stands(FIRST, "bar 3\u202f028 ")

    debugged.press("alphintra:debug-run-to-date")
    debugged.ask_for("2013-02-01")
    debugged.said("2013-02-01 is outside the data – the run goes from 2012-01-03 (bar 2979) to 2012-12-31 (bar 3228)")
    page.keyboard.press("Control+F10")
    debugged.ask_for("2012-08-01")
    debugged.stands(FIRST, "bar 3\u202f125 ")
    # The tree of the bar before goes when this comes.
    expect(debugged.value("self")).to_contain_text("<Rising at 2012-08-01 20:00")
    debugged.render("self")
    rich = page.locator(".jp-VariableRendererPanel:visible")
    expect(rich.locator("caption").first).to_have_text("Rising")
    view.shot("debug-4-date")
    page.locator(".lm-TabBar-tab.lm-mod-current .lm-TabBar-tabCloseIcon:visible").last.click()

    debugged.condition("self.nothing > 3")
    debugged.said("self.nothing > 3")
    debugged.press("debugger:continue")
    debugged.said(RAISED[:100])  # Lab cuts what is long
    debugged.stands(FIRST, "bar 3\u202f126 ")
    told = debugged.standing.locator(".alphintra-Standing-error")
    expect(told).to_have_text(RAISED)
    assert told.evaluate("node => node.scrollHeight <= node.clientHeight"), "what to write is out of sight"
    view.shot("debug-5-raised")
    debugged.press("alphintra:debug-end-replay")
    debugged.standing.wait_for(state="hidden")
    debugged.cell(1).locator(".jp-OutputArea-output").filter(has_text="2012-08-02").wait_for()

    # a strategy of a file: its editor takes a breakpoint, and comes to the front when the run stops there
    debugged.gutter(debugged.cell(0)).nth(FIRST).click()
    expect(row).to_have_count(0)
    page.evaluate("path => window.jupyterapp.commands.execute('docmanager:open', { path })", FILE)
    debugged.gutter(debugged.file).nth(TEST).click()
    expect(row.locator(".jp-DebuggerBreakpoint-line")).to_have_text(str(TEST))
    page.evaluate("path => window.jupyterapp.commands.execute('docmanager:open', { path })", "debug.ipynb")
    debugged.run(2)
    debugged.stands(TEST, "bar 2\u202f979 ", debugged.file)
    debugged.press("debugger:continue")
    debugged.stands(TEST, "bar 2\u202f980 ", debugged.file)
    debugged.press("alphintra:debug-back-one-bar")
    debugged.stands(FIRST, "bar 2\u202f979 ", debugged.file)
    view.shot("debug-6-file")
    debugged.press("alphintra:debug-end-replay")
    debugged.standing.wait_for(state="hidden")

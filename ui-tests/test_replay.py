"""A replay in a notebook: by buttons and keys, at play, after a change by hand, on two pages, without its kernel."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from lab_page import PATIENCE, VIEWPORT, Page
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

STRATEGY = '''import alphintra as al


class SmaCross(al.Strategy):
    """Long while the fast average is above the slow one, with a stop below."""

    fast = al.Param(20, low=2, high=100)

    def on_start(self):
        self.fast_ma = self.indicator(al.ta.SMA, self.data.close, self.fast)
        self.slow_ma = self.indicator(al.ta.SMA, self.data.close, 50)
        self.rsi = self.indicator(al.ta.RSI, self.data.close, 14, overlay=False)
        self.bars_in_trade = 0
        self.stake = 0.6

    def on_bar(self):
        self.bars_in_trade = self.bars_in_trade + 1 if self.position() else 0
        if al.crossed_above(self.fast_ma, self.slow_ma):
            self.order_target_percent(self.stake)
        elif al.crossed_below(self.fast_ma, self.slow_ma):
            self.cancel()
            self.close()
        elif self.bars_in_trade == 3:
            self.sell(quantity=self.position().size, stop=self.data.close[-1] * 0.92, tif="GTC")'''
DATA = "us-equities-daily/AAPL"
REPLAY = f'replay = al.replay(SmaCross, data="{DATA}", at="2010-04-20")\nreplay'
CHANGE = "replay.strategy.stake = 0.3"
FILE = '''import alphintra as al


class Draws(al.Strategy):
    """Holds what cannot be copied."""

    def on_start(self):
        self.draws = (n * n for n in range(10**6))

    def on_bar(self):
        if not self.position() and not self.orders:
            self.buy(quantity=10)
'''
UNCOPIED = f'from draws import Draws\n\nal.replay(Draws, data="{DATA}", at="2010-06-21")'

VIEW = ".jp-NotebookPanel .alphintra-Replay"
#: The days of the data after that at which the replay is opened.
DAYS = ["2010-04-20", "2010-04-21", "2010-04-22"]
#: Whether the picture that the notebook in front keeps of its replay is of a day.
KEPT = """day => window.jupyterapp.shell.currentWidget.content.model.toJSON().cells[1].outputs
    .some(output => String(output.data?.['text/html']).includes(day))"""

#: Whether the chart is narrow by now, with the future at the right of it.
NARROWED = """([view, wide]) => {
  const chart = document.querySelector(`${view} .alphintra-Replay-chart`);
  const future = chart.querySelector('.alphintra-Replay-future');
  return chart.clientWidth < 0.6 * wide && future.offsetWidth > 0 && future.offsetWidth < 0.35 * chart.clientWidth;
}"""


def opened(view: Page, name: str) -> Any:
    """A notebook with a strategy, its replay, a change to it, and one of a file; the first two cells are run."""
    (view.lab.workspace / "draws.py").write_text(FILE)
    view.open_cells(name, STRATEGY, REPLAY, CHANGE, UNCOPIED)
    view.run_cell(0)
    view.run_cell(1)
    page = view.page
    page.wait_for_selector(f"{VIEW} canvas")
    page.locator(VIEW).evaluate("node => node.scrollIntoView()")
    return page


def stands_at(page: Any, day: str) -> None:
    page.locator(f"{VIEW} .alphintra-Chip").filter(has_text=day).wait_for()


def day(page: Any) -> str:
    return str(page.locator(f"{VIEW} .alphintra-Chip b").first.inner_text())


def press(page: Any, command: str) -> None:
    page.locator(f"{VIEW} [data-command='{command}']").click()


def settled(page: Any, than: str) -> str:
    """The day that the replay goes to from ``than``."""
    page.wait_for_function(f"than => document.querySelector('{VIEW} .alphintra-Chip b').innerText !== than", arg=than)
    return day(page)


def go_to(page: Any, day: str) -> None:
    page.locator(VIEW).focus()
    page.keyboard.press("d")
    page.locator(f"{VIEW} input[type=date]").fill(day)
    page.keyboard.press("Enter")
    stands_at(page, day)


def variable(page: Any, name: str) -> str:
    row = page.locator(f"{VIEW} .alphintra-Replay-variables tr").filter(has_text=name)
    return str(row.locator("td").first.inner_text())


def last_event(page: Any) -> str:
    return str(page.locator(f"{VIEW} .alphintra-Replay-log tbody tr").first.inner_text())


def test_a_trader_walks_plays_and_branches(view: Page) -> None:
    page = opened(view, "walk.ipynb")
    stands_at(page, DAYS[0])
    assert page.locator(f"{VIEW} h2").inner_text() == "Replay \u00b7 SmaCross"
    assert "bar 2\u202f549 of 3\u202f270" in page.locator(f"{VIEW} .alphintra-Chip").first.inner_text()
    took, held = page.locator(f"{VIEW} .alphintra-Replay-costs").inner_text().split(". ")
    assert re.fullmatch(r"The run took [\d.]+\u202fs", took)
    assert re.fullmatch(r"Copies of it to go back to take [\d.]+\u202f[kM]B of at most 268\u202fMB\.", held)
    view.shot("40-replay")

    # In half the width it shows the same bars: the room for those to come takes its part of it.
    wide = page.locator(f"{VIEW} .alphintra-Replay-chart").evaluate("node => node.clientWidth")
    page.set_viewport_size({"width": 640, "height": VIEWPORT["height"]})
    page.wait_for_function(NARROWED, arg=[VIEW, wide])
    page.set_viewport_size(VIEWPORT)

    before = variable(page, "bars_in_trade")
    press(page, "step")
    stands_at(page, DAYS[1])
    assert int(variable(page, "bars_in_trade")) == int(before) + 1
    page.locator(VIEW).focus()
    page.keyboard.press("ArrowRight")
    stands_at(page, DAYS[2])
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    stands_at(page, DAYS[0])
    assert variable(page, "bars_in_trade") == before

    # To the next order, its fill, and the end of a trade; then to a date.
    page.keyboard.press("n")
    ordered = settled(page, DAYS[0])
    page.keyboard.press("f")
    filled = settled(page, ordered)
    when, event = last_event(page).split("\t")[:2]
    assert when == filled
    assert re.match(r"filled: (buy|sell) [\d.]+ at ", event), event
    page.keyboard.press("t")
    closed = settled(page, filled)
    assert DAYS[0] < ordered < filled < closed
    go_to(page, "2011-03-15")
    # The keys went nowhere else: the notebook has its cells.
    assert page.locator(".jp-NotebookPanel:visible .jp-Cell").count() == 4

    # Until an expression is true; one that fails; one that never ends.
    expression = page.locator(f"{VIEW} .alphintra-Replay-expression")
    expression.fill("self.bars_in_trade == 5")
    expression.press("Enter")
    there = settled(page, "2011-03-15")
    assert variable(page, "bars_in_trade") == "5"
    expression.fill("self.nothing > 1")
    expression.press("Enter")
    problem = page.locator(f"{VIEW} .alphintra-Problem")
    problem.wait_for()
    said = problem.inner_text()
    assert "the expression 'self.nothing > 1' raised AttributeError: 'SmaCross' object has no attribute" in said
    assert "SmaCross has bars_in_trade, fast, fast_ma, rsi, slow_ma, stake, and what each strategy has" in said
    view.shot("41-replay-problem")
    problem.get_by_role("button", name="Close").click()
    problem.wait_for(state="hidden")
    expression.fill("any(False for _ in iter(int, 1))")
    expression.press("Enter")
    page.locator(VIEW).get_by_role("button", name="Stop").click()
    page.locator(f"{VIEW} .alphintra-Replay-busy").wait_for(state="hidden")
    assert problem.is_hidden()
    expression.fill("self.equity < 400_000")
    stopped = day(page)
    press(page, "back")
    assert there <= settled(page, stopped)

    # A press on the track goes to its bar.
    track = page.locator(f"{VIEW} .alphintra-Replay-track")
    box = track.bounding_box()
    there = day(page)
    track.click(position={"x": box["width"] * 0.5, "y": box["height"] / 2})
    settled(page, there)
    first = int(track.get_attribute("aria-valuenow"))
    assert abs(first - 3270 / 2) < 5

    # Play goes on until it is paused.
    page.locator(f"{VIEW} [aria-label=Speed]").select_option("30")
    page.locator(VIEW).focus()
    page.keyboard.press(" ")
    played = f"first => Number(document.querySelector('{VIEW} .alphintra-Replay-track').ariaValueNow) > first + 20"
    page.wait_for_function(played, arg=first)
    page.locator(f"{VIEW} [data-command='play']").filter(has_text="Pause").wait_for()
    view.shot("42-replay-at-play")
    page.keyboard.press(" ")
    page.locator(f"{VIEW} [data-command='play']").filter(has_text="Play").wait_for()
    page.wait_for_timeout(300)
    paused = track.get_attribute("aria-valuenow")
    page.wait_for_timeout(500)
    assert track.get_attribute("aria-valuenow") == paused
    assert problem.is_hidden()

    # The log leads to the line that asked for an order.
    line = page.locator(f"{VIEW} .alphintra-Replay-log .alphintra-Replay-line").first
    number = line.inner_text().removeprefix("line ")
    assert line.get_attribute("title") == STRATEGY.splitlines()[int(number) - 1].strip()
    line.click()
    page.locator("#jp-main-statusbar").get_by_text(f"Ln {number}, Col 1").wait_for()
    page.locator(VIEW).evaluate("node => node.scrollIntoView()")

    # What a cell changes is marked, becomes a branch, and is compared.
    go_to(page, DAYS[0])
    assert page.get_by_role("button", name="Compare with the run").is_hidden()
    view.run_cell(2)
    page.locator(f"{VIEW} .alphintra-Replay-variables tr").filter(has_text="0.3").wait_for()
    press(page, "step")
    chip = page.locator(f"{VIEW} .alphintra-Replay-branch")
    chip.wait_for()
    assert chip.inner_text() == f"branch: stake 0.6 \u2192 0.3 at {DAYS[0]}"
    page.locator(VIEW).focus()
    page.keyboard.press("f")
    filled = settled(page, DAYS[1])
    page.keyboard.press("f")
    settled(page, filled)
    page.locator(VIEW).evaluate("node => node.scrollIntoView()")
    view.shot("43-replay-branch")
    page.get_by_role("button", name="Compare with the run").click()
    comparison = page.locator(f"{VIEW} .alphintra-Replay-comparison")
    comparison.get_by_text("the run").first.wait_for()
    comparison.evaluate("node => node.scrollIntoView()")
    view.shot("44-replay-comparison")
    comparison.get_by_role("button", name="Close").click()
    # Before the change there is no branch.
    go_to(page, "2010-04-15")
    chip.wait_for(state="hidden")

    # A strategy that cannot be copied says what going back costs.
    view.run_cell(3)
    other = page.locator(VIEW).nth(1)
    notice = other.locator(".alphintra-Replay-notices")
    notice.filter(has_text="Going back runs again from the start").wait_for()
    assert re.search(r"self\.draws \(generator\).* The whole run took [\d.]+ s\.", notice.inner_text())
    other.evaluate("node => node.scrollIntoView()")
    view.shot("46-replay-uncopied")
    # It is written in a file, which its log leads to.
    other.locator(".alphintra-Replay-line").first.click()
    page.locator(".lm-TabBar-tab.jp-mod-current").filter(has_text="draws.py").wait_for()
    page.locator("#jp-main-statusbar").get_by_text(f"Ln {len(FILE.splitlines())}, Col 1").wait_for()


def test_two_pages_see_one_replay_and_the_notebook_keeps_its_last_picture(view: Page) -> None:
    page = opened(view, "pages.ipynb")
    page.keyboard.press("Control+S")
    page.wait_for_function("() => !document.querySelector('.jp-mod-dirty.lm-mod-current')")
    other = view.context.new_page()
    other.set_default_timeout(PATIENCE)
    try:
        other.goto(f"{view.lab.url}lab/workspaces/second/tree/pages.ipynb?token={view.lab.token}&reset")
        other.wait_for_selector(f"{VIEW} canvas")
        press(page, "step")
        stands_at(page, DAYS[1])
        stands_at(other, DAYS[1])
        press(other, "step")
        stands_at(page, DAYS[2])
    finally:
        other.close()

    # What the notebook keeps is where the replay came to rest.
    page.wait_for_function(KEPT, arg=DAYS[2])
    page.locator(".jp-NotebookPanel:visible .jp-CodeCell").nth(0).click()
    page.keyboard.press("Control+S")
    page.wait_for_function("() => !document.querySelector('.jp-mod-dirty.lm-mod-current')")
    stored = json.loads((view.lab.workspace / "pages.ipynb").read_text())
    (output,) = stored["cells"][1]["outputs"]
    assert DAYS[2] in "".join(output["data"]["text/html"])
    assert len(json.dumps(output)) < 40_000

    # The kernel is killed: the view says so, and stays where it stood; its buttons do nothing any more.
    view.lab.kill_kernels()
    page.locator(".jp-Dialog").get_by_role("button", name="Ok").click()
    problem = page.locator(f"{VIEW} .alphintra-Problem")
    expect(problem).to_contain_text("The kernel has ended")
    expect(problem).to_contain_text("Run the cell again to go on.")
    expect(page.locator(f"{VIEW} [data-command='step']")).to_be_disabled()
    assert day(page) == DAYS[2]
    view.shot("47-replay-killed")

    # Another kernel, another day: the picture is what there is.
    for session in view.lab.request("GET", "sessions"):
        view.lab.request("DELETE", f"sessions/{session['id']}")
    view.open("pages.ipynb")
    still = page.locator(".jp-NotebookPanel:visible .alphintra-ReplayOutput .jp-RenderedHTML")
    still.wait_for()
    assert DAYS[2] in still.inner_text()
    assert still.locator("svg path").count() > 3
    assert page.get_by_text("Error displaying widget").is_hidden()
    view.shot("45-replay-without-kernel")

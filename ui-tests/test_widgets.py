"""The views of ``al.widgets`` in a notebook: a slider runs a backtest, results and datasets are chosen from lists."""

from __future__ import annotations

from typing import Any

import pytest
from lab_page import Page
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

STRATEGY = '''import alphintra as al


class SmaCross(al.Strategy):
    fast = al.Param(20, low=2, high=100, description="Length of the fast average, in bars.")
    slow = al.Param(50, low=5, high=300)
    stake = al.Param(0.95, low=0.05, high=1.0, step=0.05)
    side = al.Param("long", choices=("long", "flat"))

    def on_start(self):
        if self.fast >= self.slow:
            raise ValueError("fast is not below slow")
        self.fast_ma = self.indicator(al.ta.SMA, self.data.close, self.fast)
        self.slow_ma = self.indicator(al.ta.SMA, self.data.close, self.slow)

    def on_bar(self):
        if self.side == "long" and al.crossed_above(self.fast_ma, self.slow_ma):
            self.order_target_percent(self.stake)
        elif al.crossed_below(self.fast_ma, self.slow_ma):
            self.close()


view = al.widgets.parameters(SmaCross, "us-equities-daily/AAPL", commission=0.001)
view'''
RESULTS = '''runs = {f"fast {n}": al.backtest(SmaCross, view.result.market, params={"fast": n}) for n in (10, 20, 30)}
al.widgets.results(runs)'''
DATASETS = "al.widgets.datasets()"


def shown(view: Page, number: int) -> Any:
    """Run a cell; where its output comes."""
    output = view.run_cell(number).locator(".jp-Cell-outputArea")
    output.locator(".alphintra-Screen").wait_for()
    return output


def at_top(output: Any) -> None:
    output.evaluate("node => node.scrollIntoView()")


def test_parameters_results_and_datasets_are_chosen_by_hand(view: Page) -> None:
    view.open_cells("choose.ipynb", STRATEGY, RESULTS, DATASETS)
    output = shown(view, 0)
    chips = output.locator(".alphintra-Header .alphintra-Chip")
    expect(chips.filter(has_text="fast")).to_contain_text("20")
    output.locator("canvas").first.wait_for()
    at_top(output)
    view.shot("47-widgets-parameters")
    # By keyboard: a slider of ours is Jupyter's.
    slider = output.locator(".jupyter-widgets").filter(has_text="fast").locator(".noUi-handle").first
    slider.press("ArrowRight")
    expect(chips.filter(has_text="fast")).to_contain_text("21")
    # Beyond what the strategy takes: its error, and the result from before.
    readout = output.locator(".jupyter-widgets.widget-slider").filter(has_text="fast").locator(".widget-readout")
    readout.fill("60")
    readout.press("Enter")
    problem = output.locator(".alphintra-Problem")
    expect(problem).to_contain_text("fast is not below slow")
    expect(problem).to_contain_text("from before")
    expect(chips.filter(has_text="fast")).to_contain_text("21")
    at_top(output)
    view.shot("48-widgets-problem")
    output.get_by_role("button", name="First values").click()
    expect(chips.filter(has_text="fast")).to_contain_text("20")
    expect(problem).to_have_count(0)

    output = shown(view, 1)
    output.locator(".alphintra-Header").wait_for()
    output.locator("select").select_option(["fast 10", "fast 30"])
    output.locator(".alphintra-Study").wait_for()
    expect(output.locator(".alphintra-Study")).to_contain_text("fast 30")
    at_top(output)
    view.shot("49-widgets-results")

    output = shown(view, 2)
    output.locator("select").nth(0).select_option("Five US shares, daily (us-equities-daily)")
    named = output.locator("code")
    expect(named).to_have_text("us-equities-daily")
    output.locator("select").nth(1).select_option("MSFT")
    expect(named).to_have_text("us-equities-daily/MSFT")
    at_top(output)
    view.shot("4a-widgets-datasets")

"""Methods from the run dialog, in a real browser: a sweep and its heat map, a comparison, checks and their history."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from lab_page import Page
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

STRATEGY = '''import alphintra as al


class Cross(al.Strategy):
    """Long while the fast average is above the slow one."""

    fast = al.Param(20, low=5, high=50)
    slow = al.Param(60, low=20, high=200)

    def on_start(self):
        self.short = self.indicator(al.ta.SMA, self.data.close, self.fast)
        self.long = self.indicator(al.ta.SMA, self.data.close, self.slow)

    def on_bar(self):
        if al.crossed_above(self.short, self.long):
            self.order_target_percent(0.9)
        elif al.crossed_below(self.short, self.long):
            self.close()
'''
NAP = "\n        time.sleep(0.05)"
FORM = ".alphintra-RunDialog .alphintra-Form"
DOCUMENT = ".jp-MainAreaWidget:visible .alphintra-ResultWidget"


def asked(view: Page, name: str) -> Any:
    """Open the run dialog on the strategy in a file."""
    (view.lab.workspace / name).write_text(STRATEGY)
    view.open(name)
    view.page.wait_for_selector(".jp-FileEditor:visible")
    view.toolbar("BacktestButton")
    view.page.wait_for_selector(FORM)
    return view.page


def choose(page: Any, method: str) -> None:
    page.locator(f"{FORM} [data-field='methodology'] input[value='{method}']").check()


def fill(page: Any, field: str, text: str) -> None:
    page.locator(f"{FORM} [data-field='{field}'] input").fill(text)


def complaint(page: Any, field: str) -> str:
    shown = page.locator(f"{FORM} [data-field='{field}']").locator(
        "xpath=descendant-or-self::*[contains(@class, 'alphintra-Field-complaint')]"
    )
    shown.wait_for()
    return str(shown.inner_text())


def run(page: Any) -> None:
    page.get_by_role("button", name="Run backtest").click()


def stored(view: Page, name: str, source: str = STRATEGY) -> str:
    """Store the strategy as the dialog does, and return its id."""
    (view.lab.workspace / name).write_text(source)
    made = view.lab.request("POST", "strategies/code/from-file", {"path": name, "class_name": "Cross"})
    return str(made["id"])


def completed(view: Page, strategy: str, **settings: Any) -> str:
    """Run a strategy over REST to its end."""
    accepted = view.lab.request(
        "POST", f"strategies/code/{strategy}/execute", {"dataset_id": "us-equities-daily/AAPL"} | settings
    )
    backtest = str(accepted["backtest_id"])
    deadline = time.monotonic() + 240
    while time.monotonic() < deadline:
        found = view.lab.request("GET", f"backtests/{backtest}")
        if found["status"] in {"COMPLETED", "FAILED", "CANCELLED"}:
            break
        time.sleep(0.3)
    assert found["status"] == "COMPLETED", found
    return backtest


def test_a_sweep_is_started_from_the_form_and_shows_its_heat_map(view: Page) -> None:
    page = asked(view, "cross.py")
    view.shot("30-form-backtest")
    box = page.locator(".alphintra-RunDialog .jp-Dialog-content").bounding_box()
    for method, name in (("MONTE_CARLO", "monte-carlo"), ("WALK_FORWARD", "walk-forward"), ("SWEEP", "sweep")):
        choose(page, method)
        view.shot(f"31-form-{name}")
        # Another method moves nothing: the dialog keeps its place and size.
        assert page.locator(".alphintra-RunDialog .jp-Dialog-content").bounding_box() == box

    # In a narrow window the halves stand below each other, and nothing is cut off at the side.
    wide = page.viewport_size
    page.set_viewport_size({"width": 640, "height": 800})
    view.shot("31-form-narrow")
    assert page.locator(FORM).evaluate("node => node.scrollWidth <= node.clientWidth")
    page.set_viewport_size(wide)

    count = page.locator(f"{FORM} p[data-field='method.grid']")
    # 5:50:5 has 10 values, 20:200:20 has 10.
    count.filter(has_text="100 combinations").wait_for()
    expect(page.locator("[data-field='method.constraint'] input")).to_have_value("fast < slow")
    fill(page, "method.grid.fast", "10")
    fill(page, "method.grid.slow", "50")
    # Each is taken before the next is filled in, as when somebody writes.
    count.filter(has_text="1 combination before").wait_for()
    run(page)
    assert "Nothing varies" in complaint(page, "method.grid")
    fill(page, "method.grid.fast", "10, 20, 30")
    fill(page, "method.grid.slow", "40:100:20")
    count.filter(has_text="12 combinations").wait_for()

    # What only the server knows stands at its field, in the dialog that stays as it is.
    fill(page, "method.constraint", "fast > slow")
    run(page)
    assert "excludes all 12 combinations" in complaint(page, "method.constraint")
    view.shot("32-form-refused")
    fill(page, "method.constraint", "fast < slow")
    page.locator(f"{FORM} .alphintra-Field-complaint").wait_for(state="detached")
    page.locator(f"{FORM} .alphintra-Form-costs summary").click()
    fill(page, "commission.per_share", "0.005")
    fill(page, "commission.minimum", "1")
    view.shot("33-form-costs")
    run(page)
    page.wait_for_selector(".jp-Dialog", state="detached")
    row = page.locator("#alphintra-backtests .alphintra-Run").first
    row.filter(has_text="Sweep").wait_for()
    toast = page.locator(".Toastify__toast").filter(has_text="Sweep of Cross finished")
    toast.wait_for()
    job = view.lab.request("GET", f"backtests/{row.get_attribute('data-run')}")
    assert job["method"]["grid"] == {"fast": [10, 20, 30], "slow": {"low": 40, "high": 100, "step": 20}}
    assert float(job["commission"]["per_share"]) == 0.005

    row.click()
    page.wait_for_selector(f"{DOCUMENT} .alphintra-HeatMap canvas")
    assert page.locator(f"{DOCUMENT} .alphintra-Trials-count").inner_text() == "12 trials"
    view.shot("34-sweep")
    page.get_by_role("tab", name="Best variant").click()
    page.wait_for_selector(f"{DOCUMENT} .alphintra-Chart canvas")
    view.shot("35-best-variant")
    page.keyboard.press("ArrowLeft")
    page.wait_for_selector(f"{DOCUMENT} .alphintra-HeatMap canvas")


def test_chosen_runs_are_compared_by_mouse_and_keyboard(view: Page) -> None:
    page = view.page
    strategy = stored(view, "cross.py")
    first = completed(view, strategy)
    second = completed(view, strategy, parameters={"fast": 10, "slow": 100})
    view.open()
    view.show_panel()
    view.row(first).wait_for()
    compare = page.locator(".alphintra-Panel-foot").get_by_role("button", name="Compare")
    assert compare.is_disabled()
    view.row(first).focus()
    page.keyboard.press("Space")
    view.row(second).click(modifiers=["Control"])
    page.locator(".alphintra-Panel-foot [role=status]").get_by_text("2 chosen", exact=True).wait_for()
    assert page.locator(DOCUMENT).count() == 0
    view.shot("36-chosen")
    compare.click()
    page.wait_for_selector(f"{DOCUMENT} .alphintra-Study[data-kind='comparison']")
    page.wait_for_selector(f"{DOCUMENT} .js-plotly-plot")
    view.shot("37-comparison")

    # The same runs are the same document.
    compare.click()
    assert page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab").filter(has_text="Compare 2 runs").count() == 1


def test_a_comparison_that_could_not_be_had_can_be_tried_again(view: Page) -> None:
    page = view.page
    strategy = stored(view, "cross.py")
    first = completed(view, strategy)
    second = completed(view, strategy, parameters={"fast": 10, "slow": 100})
    view.open()
    view.show_panel()
    for backtest in (first, second):
        view.row(backtest).hover()
        view.row(backtest).get_by_role("checkbox").click()
    # The server cannot, and says when to ask again; what it is asked then waits until the page was looked at.
    problem = {"title": "Service Unavailable", "detail": "The database cannot be used just now."}
    asked: list[Any] = []

    def refuse(route: Any) -> None:
        asked.append(route)
        if len(asked) == 1:
            route.fulfill(status=503, headers={"Retry-After": "1"}, json=problem)

    page.route("**/api/backtests/compare", refuse)
    page.locator(".alphintra-Panel-foot").get_by_role("button", name="Compare").click()
    waiting = page.locator(f"{DOCUMENT} [aria-busy] [role=status]")
    waiting.filter(has_text="The database cannot be used just now. It is asked again in 1 s.").wait_for()
    deadline = time.monotonic() + 120
    while len(asked) < 2 and time.monotonic() < deadline:
        page.wait_for_timeout(100)
    assert len(asked) == 2
    asked[1].fulfill(status=503, json=problem)
    refused = page.locator(f"{DOCUMENT} [role=alert]")
    refused.filter(has_text="The database cannot be used just now.").wait_for()
    assert len(asked) == 2
    assert "It is not because of the runs" in refused.inner_text()
    assert refused.locator("li", has_text="us-equities-daily/AAPL").count() == 2
    view.shot("38-comparison-refused")
    page.unroute("**/api/backtests/compare")

    # Compared, but what draws it does not come.
    scripts = "**/extensions/@alphintra/lab/static/**"
    page.route(scripts, lambda route: route.abort())
    again = page.locator(DOCUMENT).get_by_role("button", name="Try again")
    again.click()
    page.locator(f"{DOCUMENT} [role=alert]").filter(
        has_text="could not be loaded. The server does not answer."
    ).wait_for()
    view.shot("38-comparison-not-drawn")
    page.unroute(scripts)
    again.click()
    page.wait_for_selector(f"{DOCUMENT} .alphintra-Study[data-kind='comparison']")


def test_runs_that_cannot_be_compared_say_why(view: Page) -> None:
    page = view.page
    strategy = stored(view, "cross.py")
    early = completed(view, strategy, start_date="2001-01-01T00:00:00Z", end_date="2002-12-31T00:00:00Z")
    late = completed(view, strategy, start_date="2005-01-01T00:00:00Z", end_date="2006-12-31T00:00:00Z")
    view.open()
    view.show_panel()
    view.row(early).wait_for()
    view.row(early).hover()
    view.row(early).get_by_role("checkbox").click()
    view.row(late).get_by_role("checkbox").click()
    page.locator(".alphintra-Panel-foot").get_by_role("button", name="Compare").click()
    said = page.locator(f"{DOCUMENT} .alphintra-Problem")
    said.wait_for()
    assert re.search(r"common|share", said.inner_text()), said.inner_text()
    view.shot("38-not-comparable")


def test_checks_are_set_run_and_remembered(view: Page) -> None:
    page = view.page
    strategy = stored(view, "checked.py")
    completed(view, strategy, commission="0.001")
    view.open()
    view.show_panel()
    page.locator(".alphintra-Checks-section > summary").click()
    item = page.locator(f".alphintra-CheckItem[data-strategy='{strategy}']")
    item.filter(has_text="no checks").wait_for()
    item.get_by_role("button").first.click()
    checks = ".jp-MainAreaWidget:visible .alphintra-Checks"
    editor = page.locator(f"{checks} textarea")
    editor.wait_for()
    assert "commission 0.001" in page.locator(f"{checks} .alphintra-Checks-settings").inner_text()
    view.shot("39-checks-new")

    editor.fill("sharp_ratio >= 0.1")
    page.get_by_role("button", name="Save checks").click()
    page.locator(f"{checks} .alphintra-Field-complaint").filter(has_text="sharpe_ratio").wait_for()
    editor.fill("sharpe_ratio >= 0.1\nmax_drawdown > -5 %\nsame fills")
    page.get_by_role("button", name="Save checks").click()
    start = page.locator(checks).get_by_role("button", name="Run checks")
    page.locator(f"{checks} [role=status]").filter(has_text="saved").wait_for()
    start.click()
    page.locator(f"{checks} details[data-state='failed']").first.wait_for()
    assert "max_drawdown is" in page.locator(f"{checks} li[data-passed='false']").inner_text()

    # Dearer code: the next run passes what is left, and says which fill was the first to differ.
    editor.fill("sharpe_ratio >= 0.1")
    page.get_by_role("button", name="Save checks").click()
    page.locator(f"{checks} [role=status]").filter(has_text="saved").wait_for()
    path = view.lab.workspace / "checked.py"
    path.write_text(STRATEGY.replace("0.9", "0.8"))
    view.lab.request("POST", "strategies/code/from-file", {"path": path.name, "class_name": "Cross"})
    passed = page.locator(f"{checks} details[data-state='passed']").first
    passed.wait_for()
    expect(passed.locator("summary")).to_contain_text("after a save")
    if passed.get_attribute("open") is None:
        passed.locator("summary").click()
    expect(passed).to_contain_text("First differing fill")
    item.filter(has_text="passed").wait_for()
    view.shot("40-checks-history")
    # What is to be stopped must not come to its end before.
    slow = STRATEGY.replace("import", "import time\n\nimport", 1)
    path.write_text(slow.replace("def on_bar(self):", "def on_bar(self):\n        time.sleep(0.02)"))
    view.lab.request("POST", "strategies/code/from-file", {"path": path.name, "class_name": "Cross"})
    page.locator(checks).get_by_role("button", name="Stop").click()
    page.locator(f"{checks} details[data-state='stopped']").first.wait_for()


GRID = {"fast": [10, 20], "slow": [40, 80]}


@pytest.mark.parametrize(
    ("methodology", "method", "kind", "page_of_run"),
    [
        ("WALK_FORWARD", {"grid": GRID, "train": "2Y", "test": "1Y", "min_trades": 0}, "walk_forward", "Out-of-sample"),
        ("MONTE_CARLO", {"resample": "returns", "paths": 200}, "monte_carlo", "The run"),
    ],
)
def test_a_method_opens_with_its_study_before_the_run(
    view: Page, methodology: str, method: dict[str, Any], kind: str, page_of_run: str
) -> None:
    page = view.page
    backtest = completed(view, stored(view, "cross.py"), methodology=methodology, method=method)
    view.open()
    view.show_panel()
    view.row(backtest).click()
    study = page.locator(f"{DOCUMENT} .alphintra-Study")
    study.wait_for()
    expect(study).to_have_attribute("data-kind", kind)
    page.wait_for_selector(f"{DOCUMENT} .js-plotly-plot")
    view.shot(f"41-{kind}")
    page.get_by_role("tab", name=page_of_run).click()
    page.wait_for_selector(f"{DOCUMENT} .alphintra-Chart canvas")
    assert page.locator(f"{DOCUMENT} ~ a, .alphintra-Pages a").first.get_attribute("href").endswith("/report")


def test_a_running_sweep_says_where_it_is_and_can_be_stopped(view: Page) -> None:
    page, lab = view.page, view.lab
    # Four thousand naps: not done before the page has shown a part of it, on any machine.
    strategy = stored(view, "slow.py", "import time\n" + STRATEGY.replace("on_start(self):", f"on_start(self):{NAP}"))
    view.open()
    view.show_panel()
    accepted = lab.request(
        "POST",
        f"strategies/code/{strategy}/execute",
        {
            "dataset_id": "us-equities-daily/AAPL",
            "methodology": "SWEEP",
            "method": {"grid": {"fast": {"low": 5, "high": 50}, "slow": {"low": 51, "high": 150}}},
        },
    )
    row = view.row(accepted["backtest_id"])
    # 46 × 100 variants.
    row.filter(has_text=re.compile(r"\d+ of 4\u202f600 variants")).wait_for()
    view.shot("42-running")
    row.get_by_role("button", name="Stop").click()
    page.wait_for_selector(f".alphintra-Run[data-run='{accepted['backtest_id']}'][data-status='CANCELLED']")

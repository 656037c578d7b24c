"""Jobs as a trader sees them, in a real browser: Running panel, status bar, the document of all jobs, notifications."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from typing import Any
from urllib.error import HTTPError

import pytest
from lab_page import Page
from lab_server import Lab
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

CODE = '''import time

import alphintra as al


class {name}(al.Strategy):
    def on_start(self):
        print("started")

    def on_bar(self):
        {body}
'''
ACTIVE = "jobs?status=PENDING,RUNNING&limit=200"


def strategy(lab: Lab, name: str, body: str) -> str:
    made = lab.request("POST", "strategies/code/create", {"name": name, "code": CODE.format(name=name, body=body)})
    return str(made["id"])


def start(lab: Lab, strategy_id: str, symbol: str = "AAPL") -> dict[str, Any]:
    """Run a backtest as another client does; gives the backtest with its job's id."""
    body = {"strategy_id": strategy_id, "dataset_id": f"us-equities-daily/{symbol}"}
    made: dict[str, Any] = lab.request("POST", "backtests", body)
    lab.request("POST", f"backtests/{made['id']}/run", {})
    return made


@pytest.fixture
def slow(lab: Lab) -> Iterator[str]:
    """A strategy that takes more than a minute; what it runs is stopped afterwards."""
    yield strategy(lab, "Slow", "time.sleep(0.02)")
    while running := lab.request("GET", ACTIVE)["items"]:
        for job in running:
            with contextlib.suppress(HTTPError):  # it came to its end meanwhile
                lab.request("POST", f"jobs/{job['id']}/cancel", {})
        time.sleep(0.2)


def status(page: Any, text: str) -> Any:
    found = page.locator("#alphintra-status-jobs").filter(has_text=text)
    found.wait_for()
    return found


def test_a_slow_backtest_is_followed_and_stopped(view: Page, slow: str) -> None:
    page, lab = view.page, view.lab
    view.open()
    status(page, "no jobs")
    made = start(lab, slow)
    status(page, "1 running").click()
    item = page.locator(".alphintra-RunningJob").filter(has_text="Slow \u00b7 AAPL")
    item.filter(has_text="left").wait_for()
    assert "\u202f%" in item.inner_text()
    view.shot("jobs-1-running")

    view.show_panel()
    row = view.row(made["id"])
    page.wait_for_function(
        "run => Number(document.querySelector(`.alphintra-Run[data-run='${run}'] [role=progressbar]`)"
        "?.getAttribute('aria-valuenow')) > 0",
        arg=made["id"],
    )
    row.click()
    document = page.locator(".jp-MainAreaWidget:visible .alphintra-Running")
    document.locator(".alphintra-Progress-left").wait_for()
    ran = document.locator("[data-meter=run_seconds] dd")
    ran.filter(has_text="s").wait_for()
    document.locator("[data-meter]").nth(4).wait_for()
    view.shot("jobs-2-run")

    view.command("Show Running Jobs")
    item.locator(".jp-RunningSessions-itemShutdown").click()
    item.wait_for(state="detached")
    status(page, "no jobs")
    assert lab.request("GET", f"jobs/{made['job_id']}")["status"] == "CANCELLED"
    page.locator(".jp-MainAreaWidget:visible .alphintra-Problem").filter(has_text="stopped").wait_for()

    view.command("Show Jobs")
    jobs = page.locator(".alphintra-Jobs:visible")
    entry = jobs.locator(f"tr[data-job='{made['job_id']}']")
    entry.filter(has_text="stopped").wait_for()
    entry.click()
    details = jobs.locator(".alphintra-JobDetails")
    details.locator(".alphintra-Traceback").filter(has_text="started").wait_for()
    level = lab.request("GET", "system")["sandbox"]["level"]
    expect(details.locator("[data-meter=sandbox_level] dd")).to_have_text(level)
    view.shot("jobs-3-document")

    page.locator("#alphintra-status-sandbox button").click()
    explained = page.get_by_role("dialog", name="Sandbox")
    explained.filter(has_text=level).wait_for()
    view.shot("jobs-4-sandbox")
    page.keyboard.press("Escape")
    explained.wait_for(state="detached")


def test_jobs_wait_in_their_turn_and_are_stopped_together(view: Page, slow: str) -> None:
    page, lab = view.page, view.lab
    view.open()
    made = [start(lab, slow, symbol) for symbol in ("AAPL", "MSFT", "IBM", "GOOG")]
    status(page, "2 running, 2 waiting")
    view.show_panel()
    view.row(made[2]["id"]).filter(has_text="next in the queue").wait_for()
    view.row(made[3]["id"]).filter(has_text="1 job ahead").wait_for()

    view.command("Show Jobs")
    jobs = page.locator(".alphintra-Jobs:visible")
    jobs.locator(f"tr[data-job='{made[2]['job_id']}']").filter(has_text="next in the queue").wait_for()
    view.shot("jobs-5-queue")
    jobs.get_by_label("State").select_option("PENDING")
    page.wait_for_function("() => document.querySelectorAll('.alphintra-Jobs tr[data-job]').length === 2")
    jobs.get_by_label("Filter the jobs by name").fill("IBM")
    page.wait_for_function("() => document.querySelectorAll('.alphintra-Jobs tr[data-job]').length === 1")
    jobs.get_by_label("Filter the jobs by name").fill("nothing is called so")
    jobs.get_by_role("button", name="Show all jobs").click()
    jobs.locator(f"tr[data-job='{made[0]['job_id']}']").wait_for()
    expect(jobs.get_by_label("Filter the jobs by name")).to_have_value("")

    # By keyboard alone: to the first row, down, its details, stop.
    jobs.locator("tr[data-at='0']").focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_function("() => document.activeElement.dataset.at === '1'")
    page.keyboard.press(" ")
    jobs.locator(f".alphintra-JobDetails[data-job='{made[2]['job_id']}']").wait_for()
    page.keyboard.press("Delete")
    jobs.locator(f"tr[data-job='{made[2]['job_id']}'][data-status='CANCELLED']").wait_for()
    jobs.locator(f"tr[data-job='{made[3]['job_id']}']").filter(has_text="next in the queue").wait_for()

    view.command("Stop All Jobs")
    page.locator(".jp-Dialog").get_by_role("button", name="Stop all").click()
    status(page, "no jobs")
    assert lab.request("GET", ACTIVE)["items"] == []


def test_an_end_is_told_once_and_a_failure_says_why(view: Page) -> None:
    page, lab = view.page, view.lab
    view.open()
    status(page, "no jobs")
    start(lab, strategy(lab, "Bad", "1 / 0"))
    failed = page.locator(".Toastify__toast").filter(has_text="ZeroDivisionError")
    failed.wait_for()
    assert failed.count() == 1
    good = start(lab, strategy(lab, "Quick", "pass"))
    toast = page.locator(".Toastify__toast").filter(has_text="Quick on us-equities-daily/AAPL finished in")
    # Good news goes by itself after a while, but not while it is pointed at.
    toast.hover()
    assert toast.count() == 1
    view.shot("jobs-6-notifications")
    toast.get_by_role("button", name="Open").click()
    page.wait_for_selector(".jp-MainAreaWidget:visible .alphintra-ResultWidget .alphintra-Chart canvas")
    footer = page.locator(".jp-MainAreaWidget:visible .alphintra-JobFooter")
    footer.locator("[data-meter=run_seconds] dd").filter(has_text="s").wait_for()
    job = lab.request("GET", f"jobs/{good['job_id']}")
    expect(footer.locator("[data-meter=sandbox_level] dd")).to_have_text(job["sandbox_level"])


def test_a_lost_connection_is_shown_and_nothing_is_lost(view: Page, slow: str) -> None:
    page, lab = view.page, view.lab
    view.open()
    made = start(lab, slow)
    view.command("Show Jobs")
    row = page.locator(f".alphintra-Jobs tr[data-job='{made['job_id']}']")
    row.filter(has_text="left").wait_for()

    page.context.set_offline(True)
    status(page, "server does not answer")
    page.locator(".alphintra-Jobs .alphintra-Problem").filter(has_text="It is asked again").wait_for()
    # What was known stays; meanwhile it is stopped by somebody else.
    assert "left" in row.inner_text()
    view.shot_as_it_is("jobs-7-away")
    lab.request("POST", f"jobs/{made['job_id']}/cancel", {})

    page.context.set_offline(False)
    status(page, "no jobs")
    page.locator(f".alphintra-Jobs tr[data-job='{made['job_id']}'][data-status='CANCELLED']").wait_for()
    page.locator(".alphintra-Jobs .alphintra-Problem").wait_for(state="detached")

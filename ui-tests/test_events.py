"""Splits and dividends from a file to a run: read, looked at, and traded through on raw prices."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from lab_page import Page
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PANEL = "#alphintra-datasets"
FORM = "form.alphintra-Mapping:visible"
PAGE = ".alphintra-DatasetView:visible"
AXIS = f"{PAGE} .alphintra-Events-axis"
RUN = ".alphintra-RunDialog .alphintra-Form"
DAYS = [day for n in range(60) if (day := date(2020, 6, 1) + timedelta(n)).weekday() < 5 and day != date(2020, 7, 3)]
SPLIT, PAID = DAYS[20], DAYS[30]
EVENTS = f"""\
symbol,action,ex_date,ratio
ACME,split,{SPLIT},4:1
ACME,dividend,{PAID},0.25
OTHER,split,2014-06-09,7-for-1
OTHER,split,2020-08-31,1/10
BAD,split,2020-01-02,4:0
"""
HOLD = """\
import alphintra as al


class Hold(al.Strategy):
    def on_bar(self):
        if self.bar_index == 0:
            self.buy(quantity=100)
"""


def prices() -> str:
    """Write raw prices as Yahoo does: each share becomes four of a quarter, and one pays a dividend."""
    lines = ["Date,Open,High,Low,Close,Volume,Dividends,Stock Splits"]
    for n, day in enumerate(DAYS):
        price = (400 + n) / (4 if day >= SPLIT else 1)
        happened = f"{0.25 if day == PAID else 0.0},{4.0 if day == SPLIT else 0.0}"
        lines.append(f"{day},{price},{price + 1},{price - 1},{price},{100_000 + n},{happened}")
    return "\n".join(lines) + "\n"


def dropped(page: Any, name: str, text: str) -> None:
    """Upload a file by the panel's button, and wait until it was looked at."""
    file = {"name": name, "mimeType": "text/csv", "buffer": text.encode()}
    page.locator(f"{PANEL} input[type=file]").set_input_files(file)
    page.locator(FORM).wait_for()


def roles(page: Any) -> list[str]:
    chosen = page.locator(f"{FORM} th select")
    return [chosen.nth(place).input_value() for place in range(chosen.count())]


def final_equity(view: Page, dataset: str, reference: str) -> float:
    """Run the strategy of the file in front by its form, on raw prices and a dataset of events."""
    page, lab = view.page, view.lab
    view.toolbar("BacktestButton")
    page.locator(RUN).wait_for()
    page.locator(f"{RUN} [data-field='dataset'] input").fill(dataset)
    page.locator(f"{RUN} [data-field='reference'] input").fill(reference)
    before = {item["id"] for item in lab.request("GET", "backtests?limit=100")["items"]}
    page.get_by_role("button", name="Run backtest").click()
    page.wait_for_selector(".jp-Dialog", state="detached")
    (run,) = [item for item in lab.request("GET", "backtests?limit=100")["items"] if item["id"] not in before]
    page.wait_for_selector(f".alphintra-Run[data-run='{run['id']}'][data-status='COMPLETED']")
    return float(lab.request("GET", f"backtests/{run['id']}/results")["metrics"]["final_equity"])


def test_a_file_of_splits_is_read_looked_at_and_traded_through(view: Page) -> None:
    page = view.page
    view.open()
    view.command("Show Datasets")

    # Prices with what happened beside them: that is no price, and what it is stands there, to be read on its own.
    dropped(page, "ACME.csv", prices())
    bars = ["time", "open", "high", "low", "close", "volume", "ignore", "ignore"]
    assert roles(page) == bars
    note = page.locator(f"{FORM} .alphintra-Mapping-note")
    expect(note).to_contain_text("Dividends, Stock Splits")
    view.shot_as_it_is("95-prices-with-events")
    note.get_by_role("button", name="Read splits and dividends").click()
    assert roles(page) == ["time", *["ignore"] * 5, "dividend", "split"]
    expect(page.locator(f"{FORM} [data-field='adjustment']")).to_have_count(0)
    expect(page.locator(f"{FORM} [data-field='dataset'] input")).to_have_value("ACME-events")
    note.get_by_role("button", name="Read the prices").click()
    assert roles(page) == bars
    page.locator(f"{FORM} [data-field='adjustment'] select").select_option("raw")
    page.locator(f"{FORM} [data-field='dataset'] input").fill("acme")
    page.locator(FORM).get_by_role("button", name="Import").click()
    expect(page.locator(f"{PAGE} h2")).to_have_text("acme@1")

    # A file of events: nothing is asked of it that has no meaning for events.
    dropped(page, "actions.csv", EVENTS)
    assert roles(page) == ["symbol", "event", "time", "value"]
    for field in ("label", "adjustment", "zone", "timeframe", "calendar", "currency", "asset_class"):
        expect(page.locator(f"{FORM} [data-field='{field}']")).to_have_count(0)
    expect(page.locator(f"{FORM} [data-field='value']")).to_contain_text("4:1 is 4 new shares for 1 old")
    page.locator(f"{FORM} [data-question='known_from']").get_by_role("button", name="ex_date").click()
    page.locator(f"{FORM} [data-field='dataset'] input").fill("actions")
    view.shot_as_it_is("97-events-form")
    page.locator(FORM).get_by_role("button", name="Import").click()
    expect(page.locator(f"{PAGE} h2")).to_have_text("actions@1")

    # One row cannot be; the others are on a time axis by kind, and in a table.
    expect(page.locator(f"{PAGE} .alphintra-Report > li.alphintra-mod-open")).to_contain_text("'4:0' is no ratio")
    marks = page.locator(f"{AXIS} g")
    expect(marks).to_have_count(2)
    rows = page.locator(f"{PAGE} .alphintra-Events .alphintra-Table tbody tr[data-at]")
    expect(rows).to_have_count(4)
    expect(rows.first).to_contain_text("1:10")
    expect(rows.last).to_contain_text("7:1")
    view.shot("98-events")
    page.locator(AXIS).focus()
    page.keyboard.press("End")
    expect(rows.first).to_have_attribute("aria-selected", "true")
    expect(page.locator(f"{PAGE} .alphintra-Dataset-values")).to_have_text("2020-08-31  OTHER  split  1:10")
    page.get_by_label("Symbol", exact=True).select_option("ACME")
    expect(rows).to_have_count(2)
    page.locator(f"{PAGE} .alphintra-Events-kinds").get_by_role("button", name="dividend").click()
    expect(rows).to_have_count(1)
    line = page.locator(f"{PAGE} .alphintra-Report > li.alphintra-mod-open")
    line.get_by_role("button", name="Accept").click()
    page.keyboard.type("no such company")
    page.keyboard.press("Enter")
    expect(line).to_have_count(0)

    # What is held goes through the split and is paid the dividend: raw prices alone would have 100 shares at the end.
    (view.lab.workspace / "hold.py").write_text(HOLD)
    view.open("hold.py")
    page.wait_for_selector(".jp-FileEditor:visible")
    paid, last = 100 * 401, (400 + len(DAYS) - 1) / 4
    assert final_equity(view, "acme", "actions") == pytest.approx(100_000 - paid + 400 * last + 400 * 0.25, abs=1e-6)

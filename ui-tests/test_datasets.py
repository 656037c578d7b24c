"""The Datasets panel: a file goes up, is corrected, checked, looked at, loaded in a cell and traded."""

from __future__ import annotations

import math
import re
import time
from typing import Any

import pytest
from lab_page import Page
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PANEL = "#alphintra-datasets"
FORM = "form.alphintra-Mapping:visible"
PAGE = ".alphintra-DatasetView:visible"
HOURS = 240
LOAD = """import alphintra as al

class Momentum(al.Strategy):
    def on_bar(self):
        if self.data.close[-1] > self.data.open[-1]:
            self.order_target_percent(0.9)
        else:
            self.close()

data = {load}
result = al.backtest(Momentum, data, commission=0.001)
frame = data.to_pandas()
print(len(frame), "bars, the last close", frame["close"].iloc[-1])"""
DROP = """([node, name, text]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([text], name));
  for (const type of ['dragenter', 'dragover', 'drop']) {
    node.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
  }
}"""


def hourly(*, spoiled: bool) -> str:
    """Write bars of an exchange that never closes, as a download has them: nothing says whose, or on which clocks.

    A spoiled file has a high below its low in row 7.
    """
    lines = ["Datetime,Open,High,Low,Close,Volume"]
    close = 100.0
    for hour in range(HOURS):
        opened, close = close, round(100 + 8 * math.sin(hour / 9) + hour / 20, 2)
        high, low = max(opened, close) + 0.4, min(opened, close) - 0.4
        if spoiled and hour == 6:
            high = low - 1
        stamp = f"2024-03-{4 + hour // 24:02d} {hour % 24:02d}:00:00"
        lines.append(f"{stamp},{opened:.2f},{high:.2f},{low:.2f},{close:.2f},{1000 + hour}")
    return "\n".join(lines) + "\n"


def row(page: Any, name: str) -> Any:
    return page.locator(f"{PANEL} .alphintra-Dataset[data-name='{name}']")


def answered(page: Any, *, symbol: str, zone: str) -> None:
    """Answer what the file does not tell, and import it."""
    page.locator(f"{FORM} [data-question='symbol'] input").fill(symbol)
    page.locator(f"{FORM} [data-question='zone']").get_by_role("button", name=zone, exact=True).click()
    page.locator(f"{FORM} [data-question='label']").get_by_role("button", name="open", exact=True).click()


def test_a_file_becomes_a_dataset_that_is_traded(view: Page) -> None:
    page = view.page
    view.open()
    view.command("Show Datasets")
    expect(row(page, "us-equities-daily")).to_contain_text("platform")
    view.shot("70-datasets")
    page.get_by_label("Search the datasets").fill("no such thing")
    expect(page.locator(f"{PANEL} .alphintra-Panel-message")).to_contain_text("No dataset is like this.")
    page.get_by_role("button", name="Show all datasets").click()
    # By days: what ships of these shares ends in 2013.
    page.locator(PANEL).get_by_label("from", exact=True).fill("2020-01-02")
    expect(row(page, "us-equities-daily")).to_have_count(0)
    expect(row(page, "simulated-equities-minute")).to_have_count(1)
    page.locator(PANEL).get_by_label("from", exact=True).fill("")

    # By keyboard: the list is one stop of the Tab key, Home and End go to its ends, Enter opens.
    listed = page.locator(f"{PANEL} .alphintra-Dataset")
    expect(page.locator(f"{PANEL} [data-row][tabindex='0']")).to_have_count(1)
    row(page, "us-equities-daily").focus()
    page.keyboard.press("End")
    expect(listed.last).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(listed.nth(listed.count() - 2)).to_be_focused()
    page.keyboard.press("Home")
    expect(listed.first).to_be_focused()
    expect(listed.first).to_have_attribute("tabindex", "0")
    row(page, "us-equities-daily").focus()
    page.keyboard.press("Enter")
    page.locator(f"{PAGE} .alphintra-Chart canvas").first.wait_for()
    expect(page.locator(f"{PAGE} .alphintra-Dataset-values")).to_contain_text(re.compile(r"O [\d.]+ {2}H"))
    view.shot("71-dataset-platform")

    # While the connection is gone an upload waits, and can be cancelled.
    gone = "**/api/datasets/upload/*"
    page.route(gone, lambda route: route.abort() if route.request.method == "PATCH" else route.continue_())
    files = page.locator(f"{PANEL} input[type=file]")
    files.set_input_files({"name": "unwanted.csv", "mimeType": "text/csv", "buffer": b"Date,Close\n2024-01-02,1\n"})
    unwanted = page.locator(f"{PANEL} .alphintra-Upload")
    expect(unwanted).to_contain_text("waits for the connection")
    view.shot_as_it_is("71-upload-waits")
    unwanted.get_by_role("button", name="Cancel the upload of unwanted.csv").click()
    expect(unwanted).to_have_count(0)
    page.unroute(gone)
    until = time.monotonic() + 60
    while (kept := view.lab.request("GET", "datasets/upload")["items"][0])["state"] == "RECEIVING":
        assert time.monotonic() < until, kept
        time.sleep(0.1)
    assert (kept["filename"], kept["state"], kept["received"]) == ("unwanted.csv", "ABORTED", 0)

    # By the button, over a connection that breaks once: the guess is shown on the sample, and nothing is imported
    # before its questions are answered.
    page.route(gone, lambda route: route.abort(), times=1)
    file = {"name": "download.csv", "mimeType": "text/csv", "buffer": hourly(spoiled=True).encode()}
    files.set_input_files(file)
    page.locator(FORM).wait_for()
    start = page.locator(FORM).get_by_role("button", name="Import")
    expect(start).to_be_disabled()
    expect(page.locator(f"{FORM} [data-open='true']")).to_have_count(3)
    expect(page.get_by_label("What Close is")).to_have_value("close")
    view.shot("72-mapping")
    answered(page, symbol="COIN", zone="UTC")
    page.locator(f"{FORM} [data-field='dataset'] input").fill("coin-hourly")
    page.locator(f"{FORM} [data-field='calendar'] input").fill("24/7")
    page.locator(f"{FORM} [data-field='asset_class'] input").fill("CRYPTO")
    view.shot("73-mapping-answered")
    start.click()

    # The report has the row that cannot be; it blocks the use until somebody says why it does not matter.
    line = page.locator(f"{PAGE} .alphintra-Report > li.alphintra-mod-open")
    expect(line).to_have_count(1)
    expect(line).to_contain_text("row 7, line 8")
    expect(row(page, "coin-hourly")).to_have_attribute("data-state", "errors")
    view.shot("74-report")
    rule = line.get_attribute("data-rule")
    # By keyboard from what was found to its bar.
    line.locator(".alphintra-Report-place").first.press("Enter")
    expect(page.locator(f"{PAGE} .alphintra-Dataset-canvas")).to_be_focused()
    expect(page.locator(f"{PAGE} .alphintra-Dataset-values")).to_contain_text("2024-03-04 06:00")
    line.get_by_role("button", name="Accept").click()
    page.keyboard.type("a known outage of the feed")
    page.keyboard.press("Enter")
    expect(row(page, "coin-hourly")).to_have_attribute("data-state", "valid")
    accepted = page.locator(f"{PAGE} .alphintra-Report > li[data-rule='{rule}']")
    expect(accepted).to_contain_text("a known outage of the feed")
    expect(line).to_have_count(0)

    # The mended file, let fall on the panel, is the next version: its mapping is remembered.
    page.locator(f"{PANEL} .alphintra-Datasets").evaluate(
        f"(node, [name, text]) => ({DROP})([node, name, text])", ["download.csv", hourly(spoiled=False)]
    )
    page.locator(FORM).wait_for()
    expect(page.locator(f"{FORM} [data-open='true']")).to_have_count(1)
    page.locator(f"{FORM} [data-question='symbol'] input").fill("COIN")
    page.locator(f"{FORM} [data-field='dataset'] input").fill("coin-hourly")
    page.locator(f"{FORM} [data-field='calendar'] input").fill("24/7")
    page.locator(f"{FORM} [data-field='asset_class'] input").fill("CRYPTO")
    page.get_by_label("Sealed: its files are encrypted").check()
    start.click()
    expect(page.locator(f"{PAGE} h2")).to_have_text("coin-hourly@2")
    expect(page.locator(f"{PAGE} .alphintra-Warnings")).to_contain_text("Sealed: its files are encrypted")
    expect(row(page, "coin-hourly")).to_have_attribute("data-state", "valid")
    expect(line).to_have_count(0)
    page.locator(PAGE).get_by_role("tab", name="Versions").click()
    states = page.locator(f"{PAGE} .alphintra-Versions-state")
    expect(states).to_have_text(["\u2713 checked", "\u2713 checked"])
    view.shot("75-versions")
    for tab in ("Sample", "Statistics"):  # a column's cells have as many decimals as it is quoted in
        page.locator(PAGE).get_by_role("tab", name=tab).click()
        cells = page.locator(f"{PAGE} .alphintra-Dataset-table tr").evaluate_all(
            "rows => rows.map(row => [...row.children].map(cell => cell.innerText))"
        )
        by_name = dict(zip(cells[0], zip(*cells[1:], strict=True), strict=True))
        if tab == "Sample":
            assert all(re.fullmatch(r"\d+\.\d\d", text) for text in by_name["close"]), by_name["close"]
        else:
            assert by_name["min"][by_name["column"].index("volume")] == "1\u202f000"
            assert re.fullmatch(r"\d+\.\d\d", by_name["min"][by_name["column"].index("high")])
    code = page.locator(f"{PAGE} .alphintra-Dataset-code").inner_text()
    assert code == 'al.data.load("coin-hourly@2")'

    view.open_cells("coin.ipynb", LOAD.format(load=code), "result", "data.chart(start='2024-03-06', end='2024-03-08')")
    expect(view.run_cell(0)).to_contain_text("240 bars,")
    shown = view.run_cell(1)
    expect(shown.locator(".alphintra-Result h2")).to_contain_text("Momentum")
    shown.locator(".alphintra-Chart canvas").first.wait_for()
    view.shot("76-dataset-traded")

    # A dataset's chart in a cell is that of its page: of the part that was asked for, with all other rows beside it.
    cell = view.run_cell(2)
    chart = cell.locator(".alphintra-DatasetRenderer .alphintra-Dataset-canvas")
    chart.locator("canvas").first.wait_for()
    expect(chart).to_have_attribute("aria-busy", "false")
    expect(cell.locator(".alphintra-Dataset-chart-note")).to_have_text("240 bars")
    values = cell.locator(".alphintra-Dataset-values")
    expect(values).to_contain_text("2024-03-08 23:00  O ")
    expect(cell.locator(".alphintra-StaticChart")).to_be_hidden()
    chart.focus()
    page.keyboard.press("ArrowRight")
    expect(values).to_contain_text("2024-03-09 00:00  O ")
    view.shot("77-dataset-in-a-cell")


def test_a_connector_is_set_up_run_changed_and_deleted(view: Page) -> None:
    page = view.page
    view.open()
    view.command("Show Connectors")
    page.get_by_role("button", name="Set up a connector").click()
    form = page.locator("form.alphintra-Connector-form:visible")

    def field(path: str) -> Any:
        return form.locator(f"[data-field='{path}'] :is(input, select, textarea)")

    # What is missing is told at its field before anything is sent; what the server refuses, where it belongs.
    form.get_by_role("button", name="Set it up").click()
    expect(field("source.url")).to_have_attribute("aria-invalid", "true")
    expect(field("name")).to_be_focused()
    field("source.url").fill("http://169.254.169.254/prices.csv")
    field("secret.headers").fill("Authorization: Bearer hush-hush")
    field("name").fill("Vendor")
    field("dataset").fill("vendor-prices")
    field("timing").select_option("clock")
    field("schedule.cron").fill("99 17 * * mon-fri")
    field("schedule.time_zone").fill("America/New_York")
    form.get_by_role("button", name="Set it up").click()
    told = form.locator("[data-field='schedule.cron'] .alphintra-Field-complaint")
    expect(told).to_contain_text("is not a number from 0 to 59. ")
    expect(told).to_contain_text("30 17 * * mon-fri")  # what would be right
    view.shot("90-connector-form")
    field("schedule.cron").fill("30 17 * * mon-fri")
    form.get_by_role("button", name="Set it up").click()

    # It runs, its error stands in the list and on its page, and its secret nowhere.
    listed = page.locator(f"{PANEL} .alphintra-Connector")
    expect(listed).to_contain_text("30 17 * * mon-fri, clock of America/New_York")
    expect(listed).to_contain_text("next in")
    listed.get_by_role("button", name="Run Vendor now").click()
    expect(listed).to_have_attribute("data-state", "failed")
    expect(page.locator(".alphintra-ConnectorView [data-run='FAILED']")).to_contain_text("by hand")
    (kept,) = view.lab.request("GET", "connectors")["items"]
    assert kept["last_error"]["code"] == "SOURCE_ADDRESS"
    assert "hush" not in page.content()
    view.shot("91-connector")
    page.locator(".alphintra-ConnectorView [data-run='FAILED'] button").click()
    expect(page.locator(".alphintra-Jobs:visible")).to_contain_text("Fetch Vendor")
    listed.press("Enter")

    # Paused by its row, whose buttons the Tab key goes to; changed on its page, gone with its secret.
    listed.focus()
    page.keyboard.press("Tab")
    expect(listed.get_by_role("button", name="Run Vendor now")).to_be_focused()
    page.keyboard.press("Escape")
    expect(listed).to_be_focused()
    listed.get_by_role("button", name="Pause Vendor").click()
    expect(listed.get_by_role("button", name="Resume Vendor")).to_be_visible()
    page.get_by_role("button", name="Change\u2026").click()
    form.get_by_role("button", name="Cancel").press("Enter")
    expect(page.locator(".alphintra-ResultWidget:visible")).to_be_focused()
    page.get_by_role("button", name="Change\u2026").click()
    expect(form).to_contain_text("Set: headers.Authorization")
    field("timing").select_option("close")
    field("schedule.after_close").fill("XNYS")
    form.get_by_role("button", name="Save").click()
    expect(listed).to_contain_text("15 min after the close of XNYS")
    kept = view.lab.request("GET", f"connectors/{kept['id']}")
    assert (kept["paused"], kept["secrets"], kept["next_run_at"]) == (True, ["headers.Authorization"], None)
    page.get_by_role("button", name="Delete\u2026").click()
    page.locator(".jp-Dialog").get_by_role("button", name="Delete").click()
    expect(page.locator(PANEL)).to_contain_text("A connector keeps a dataset fresh")
    assert view.lab.request("GET", "connectors")["items"] == []

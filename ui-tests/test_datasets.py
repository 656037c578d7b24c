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
    start.click()
    expect(page.locator(f"{PAGE} h2")).to_have_text("coin-hourly@2")
    expect(row(page, "coin-hourly")).to_have_attribute("data-state", "valid")
    expect(line).to_have_count(0)
    page.locator(PAGE).get_by_role("tab", name="Versions").click()
    states = page.locator(f"{PAGE} .alphintra-Versions-state")
    expect(states).to_have_text(["\u2713 checked", "\u2713 checked"])
    view.shot("75-versions")
    code = page.locator(f"{PAGE} .alphintra-Dataset-code").inner_text()
    assert code == 'al.data.load("coin-hourly@2")'

    view.open_cells("coin.ipynb", LOAD.format(load=code), "result")
    expect(view.run_cell(0)).to_contain_text("240 bars,")
    shown = view.run_cell(1)
    expect(shown.locator(".alphintra-Result h2")).to_contain_text("Momentum")
    shown.locator(".alphintra-Chart canvas").first.wait_for()
    view.shot("76-dataset-traded")

"""A long series on its page: zoomed and panned through, and taken home as a file."""

from __future__ import annotations

import io
import re
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from lab_page import PATIENCE, Page
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

FORM = "form.alphintra-Mapping:visible"
PAGE = ".alphintra-DatasetView:visible"
CHART = f"{PAGE} .alphintra-Dataset-canvas"
ROWS = 60_000


def minutes() -> bytes:
    """Write minute bars of an exchange that never closes."""
    dice = np.random.default_rng(8)
    close = np.round(100 * np.exp(np.cumsum(dice.normal(0, 4e-4, ROWS))), 2)
    opened = np.concatenate([[100.0], close[:-1]])
    times = 1_577_836_800_000_000 + 60_000_000 * np.arange(ROWS)
    table = pa.table(
        {
            "symbol": ["COIN"] * ROWS,
            "time": pa.array(times).cast(pa.timestamp("us", "UTC")),
            "open": opened,
            "high": np.maximum(opened, close) + 0.01,
            "low": np.minimum(opened, close) - 0.01,
            "close": close,
            "volume": dice.integers(1, 900, ROWS).astype(float),
        }
    )
    out = io.BytesIO()
    pq.write_table(table, out)
    return out.getvalue()


def test_a_long_series_is_looked_through_and_downloaded(view: Page) -> None:
    page = view.page
    view.open()
    view.command("Show Datasets")
    raw = minutes()
    files = page.locator("#alphintra-datasets input[type=file]")
    files.set_input_files({"name": "coins.parquet", "mimeType": "application/octet-stream", "buffer": raw})
    page.locator(FORM).wait_for()
    page.locator(f"{FORM} [data-question='label']").get_by_role("button", name="open", exact=True).click()
    page.locator(f"{FORM} [data-field='dataset'] input").fill("coin-minutes")
    page.locator(f"{FORM} [data-field='calendar'] input").fill("24/7")
    expect(page.locator(f"{FORM} [data-field='zone'] input")).to_be_disabled()  # the file's times name their zone
    page.get_by_role("button", name="Import").click()

    asked: list[Any] = []
    page.on("response", lambda answer: asked.append(answer) if "/candles?" in answer.url else None)
    page.locator(PAGE).wait_for(timeout=5 * PATIENCE)  # a job reads and checks every row
    chart = page.locator(CHART)
    note = page.locator(f"{PAGE} .alphintra-Dataset-chart-note")
    expect(note).to_have_text(re.compile(r"^60.000 bars, each candle stands for 128 of them$"))
    chart.locator("canvas").first.wait_for()
    expect(chart).to_have_attribute("aria-busy", "false")
    view.shot("77-chart-whole")

    # In to single bars, by the wheel and by the keyboard.
    box = chart.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 100)
    for _ in range(12):
        page.mouse.wheel(0, -600)
    chart.focus()
    for _ in range(20):
        expect(chart).to_have_attribute("aria-busy", "false")
        if chart.get_attribute("data-each") == "1":
            break
        page.keyboard.press("+")
        page.wait_for_timeout(100)  # what is asked for is asked for soon, not at once
    expect(note).to_have_text(re.compile(r"^60.000 bars$"))
    values = page.locator(f"{PAGE} .alphintra-Dataset-values")
    expect(values).to_contain_text(re.compile(r"2020-\d\d-\d\d \d\d:\d\d {2}O [\d.]+ {2}H"))

    # Along, by the pointer: there is always more.
    before = values.inner_text()
    for _ in range(4):
        page.mouse.move(box["x"] + 100, box["y"] + 100)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] - 150, box["y"] + 100, steps=6)
        page.mouse.up()
        page.wait_for_timeout(100)
        expect(chart).to_have_attribute("aria-busy", "false")
    assert values.inner_text()[:16] < before[:16]
    view.shot("78-chart-bars")

    # By the keyboard: on from bar to bar, out, and the whole again.
    chart.focus()
    page.keyboard.press("Shift+ArrowLeft")
    page.keyboard.press("-")
    page.keyboard.press("0")
    expect(chart).to_have_attribute("data-each", "128")
    for answer in asked:
        found = answer.json()
        assert len(found["time"]) <= 4_000
        assert found["total_rows"] == ROWS
    assert len(asked) >= 4

    # On which days there are rows, and how the values of each column are distributed.
    page.locator(PAGE).get_by_role("tab", name="Statistics").click()
    days = page.locator(f"{PAGE} .alphintra-Coverage")
    expect(days).to_contain_text(re.compile(r"1.440 rows on a usual day . no day without rows between them"))
    places = days.locator("svg").bounding_box()
    assert places is not None
    scale = places["width"] / 766
    for day, rows in ((1, r"2020-01-02: 1.440 rows"), (41, r"2020-02-11: 960 rows")):
        page.mouse.move(places["x"] + (34 + 2 * day + 1) * scale, places["y"] + 20 * scale)
        expect(days.locator("output")).to_have_text(re.compile(rows))
    expect(page.locator(f"{PAGE} .alphintra-Histogram")).to_have_count(5)
    expect(page.locator(f"{PAGE} tbody tr").filter(has_text="volume")).to_contain_text("double")
    view.shot("79-statistics")

    # As a file, of a part, and as a workbook that a sheet has no room for: said, and nothing else.
    page.get_by_role("button", name="Download", exact=True).click()
    form = page.locator(f"{PAGE} .alphintra-Download-form")
    form.get_by_label("From", exact=True).fill("2020-01-02")
    form.get_by_label("To", exact=True).fill("2020-01-03")
    view.shot("79-download")
    with page.expect_download() as coming:
        form.get_by_role("button", name="Download").click()
    assert coming.value.suggested_filename == "coin-minutes-v1.csv"
    frame = pd.read_csv(coming.value.path())
    whole = pq.read_table(io.BytesIO(raw)).to_pandas()
    assert frame["close"].tolist() == whole["close"][1_440:4_320].tolist()
    expect(form.get_by_role("status")).to_contain_text(re.compile(r"^2.880 rows are on their way"))
    form.get_by_label("From", exact=True).fill("2024-01-02")
    form.get_by_role("button", name="Download").click()
    expect(form.get_by_role("alert")).to_contain_text("is after end")
    page.keyboard.press("Escape")
    expect(form).to_have_count(0)

    # Drawn while another tab is in front: the whole of it once it is seen, not a few pixels of it.
    page.keyboard.press("Escape")
    view.command("Close Tab")
    held: list[Any] = []
    page.route("**/candles?*", lambda route: held.append(route))
    with page.expect_request("**/candles?*"):
        page.locator("#alphintra-datasets .alphintra-Dataset[data-name='coin-minutes']").click()
    view.command("New Launcher")
    for route in held:
        route.continue_()
    page.unroute("**/candles?*")
    hidden = page.locator(".alphintra-DatasetView .alphintra-Dataset-canvas")
    hidden.locator("canvas").first.wait_for(state="attached")
    page.locator("#jp-main-dock-panel .lm-TabBar-tab").filter(has_text="coin-minutes").click()
    view.shot_as_it_is("80-chart-drawn-behind")
    expect(chart).to_have_attribute("aria-busy", "false")
    expect(note).to_have_text(re.compile(r"^60.000 bars, each candle stands for 128 of them$"))

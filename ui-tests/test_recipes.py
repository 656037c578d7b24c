"""A dataset's page: a recipe is written, tried and run, versions are compared, all of it is deleted."""

from __future__ import annotations

import json
import time
import urllib.request
from datetime import date, timedelta
from typing import Any

import pytest
from lab_page import PATIENCE, SECOND, VIEWPORT, Page
from lab_server import Lab
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

PANEL = "#alphintra-datasets"
PAGE = ".alphintra-DatasetView:visible"
DAYS = 60
#: How long a job may take that begins with compiling the rules, on a machine that does ten other things.
JOB = 3 * PATIENCE
#: Days whose volume is missing.
MISSING = (11, 30, 31)
FORMULA = "log(close / lag(close, {back}))"
ABOUT = {"asset_class": "STOCKS", "currency": "USD", "calendar": "weekdays", "simulated": False, "timeframe": None}


def daily() -> bytes:
    """Write days of two symbols as a download has them, with three volumes missing of the first one."""
    day, lines = date(2024, 1, 1), ["Date,Symbol,Open,High,Low,Close,Volume"]
    for number in range(DAYS):
        for symbol, base in (("AAA", 100), ("BBB", 50)):
            opened, close = base + number % 7 / 4, base + (number + 3) % 7 / 4
            volume = "" if symbol == "AAA" and number in MISSING else 1000 + number
            high, low = max(opened, close) + 0.5, min(opened, close) - 0.5
            lines.append(f"{day},{symbol},{opened},{high},{low},{close},{volume}")
        day += timedelta(days=3 if day.weekday() == 4 else 1)
    return "\n".join(lines).encode()


def until(read: Any, right: Any) -> Any:
    """Wait for a state."""
    end = time.monotonic() + JOB / SECOND
    while not right(found := read()):
        assert time.monotonic() < end, found
        time.sleep(0.1)
    return found


def ended(lab: Lab, job_id: str) -> None:
    over = ("COMPLETED", "FAILED", "CANCELLED")
    job = until(lambda: lab.request("GET", f"jobs/{job_id}"), lambda job: job["status"] in over)
    assert job["status"] == "COMPLETED", job["error"]


def sent(lab: Lab, name: str, filename: str, data: bytes) -> str:
    """Upload a file, as a script does it; returns where it is asked for."""
    body = (
        b'--b\r\nContent-Disposition: form-data; name="dataset"\r\n\r\n' + name.encode() + b"\r\n--b\r\n"
        b'Content-Disposition: form-data; name="file"; filename="' + filename.encode() + b'"\r\n\r\n' + data
    )
    headers = {"Authorization": f"token {lab.token}", "Content-Type": "multipart/form-data; boundary=b"}
    request = urllib.request.Request(
        f"{lab.url}api/datasets/upload", method="POST", data=body + b"\r\n--b--\r\n", headers=headers
    )
    with urllib.request.urlopen(request, timeout=120) as reply:
        return f"datasets/upload/{json.loads(reply.read())['id']}"


def stored(lab: Lab, name: str) -> str:
    """Have a file become a dataset, as a script does it; returns its id."""
    upload = sent(lab, name, "daily.csv", daily())
    found = until(lambda: lab.request("GET", f"{upload}/inspection"), lambda found: found["state"] == "INSPECTED")
    assert found["inspection"]["questions"] == []
    mapping = found["inspection"]["mapping"]
    asked = {"mapping": mapping, "dataset": name, "append": False, "about": ABOUT, "description": ""}
    ended(lab, lab.request("POST", f"{upload}/ingest", asked)["job_id"])
    return str(lab.request("GET", f"datasets/{name}")["id"])


def added(page: Any, kind: str) -> Any:
    """Add a step to the recipe; returns it."""
    steps = page.locator(f"{PAGE} .alphintra-Step")
    before = steps.count()
    page.locator(PAGE).get_by_label("Add a step").select_option(kind)
    expect(steps).to_have_count(before + 1)
    return steps.nth(before)


def test_a_recipe_makes_a_version_that_is_compared_undone_and_deleted(view: Page) -> None:
    page, lab = view.page, view.lab
    failing = sent(lab, "letter", "letter.csv", b"%PDF-1.7\n")
    dataset = stored(lab, "recipe-prices")
    until(lambda: lab.request("GET", failing), lambda found: found["state"] == "FAILED")
    view.open()
    view.command("Show Datasets")

    # A page that has seen nothing of it tells of an upload that failed, and why, until it is dismissed.
    failed = page.locator(f"{PANEL} .alphintra-Upload[data-state='FAILED']")
    expect(failed.locator("b")).to_have_text("letter.csv")
    expect(failed).to_contain_text("is a PDF")
    expect(failed.get_by_role("button", name="letter.csv: choose the file again")).to_be_visible()
    view.shot("76-upload-failed")
    failed.get_by_role("button", name="letter.csv: dismiss").click()
    expect(failed).to_have_count(0)
    until(lambda: lab.request("GET", failing), lambda found: found["dismissed"])
    assert lab.request("GET", "datasets/upload?open=true")["items"] == []
    row = page.locator(f"{PANEL} .alphintra-Dataset[data-name='recipe-prices']")
    row.click()
    shown = page.locator(PAGE)
    shown.get_by_role("tab", name="Process").click()

    # A step that looks ahead is refused at the step, before anything runs; a number out of its bounds at its field.
    fill = added(page, "fill")
    fill.get_by_role("button", name="volume", exact=True).click()
    fill.get_by_label("method").select_option("value")
    fill.get_by_label("value").fill("0")
    fill.get_by_label("limit").fill("0")
    derive = added(page, "derive")
    derive.get_by_label("name").fill("ret")
    derive.get_by_label("formula").fill(FORMULA.format(back=-1))
    shown.get_by_role("button", name="Preview", exact=True).click()
    expect(fill.locator("[data-field=limit] .alphintra-Field-complaint")).to_have_text(
        "From 1 to 1\u202f000\u202f000. Most rows that are filled one after the other. In rows."
    )
    fill.get_by_label("limit").fill("5")
    shown.get_by_role("button", name="Preview", exact=True).click()
    expect(shown.locator(".alphintra-Step.alphintra-mod-bad")).to_have_attribute("data-step", "2")
    expect(derive).to_contain_text("add a step 'label'")
    view.shot("77-recipe-refused")

    # Who moves a step by keyboard, or removes one, keeps their place.
    added(page, "sort")
    shown.get_by_role("button", name="Move 3 Sort up").press("Enter")
    page.keyboard.press("Enter")
    expect(shown.get_by_role("button", name="Move 1 Sort up")).to_be_focused()
    shown.get_by_role("button", name="Remove 1 Sort").press("Enter")
    expect(shown.get_by_role("button", name="Remove 1 Fill")).to_be_focused()

    # What only the columns tell is found by the preview: at the step as well, also when it was moved.
    derive.get_by_label("formula").fill(FORMULA.format(back=1).replace("close,", "closed,"))
    shown.get_by_role("button", name="Preview", exact=True).click()
    expect(derive.locator("[role=alert], .alphintra-Field-complaint").first).to_contain_text("closed", timeout=JOB)
    derive.get_by_label("formula").fill(FORMULA.format(back=1))
    shown.get_by_role("button", name="Preview", exact=True).click()
    effects = shown.locator(".alphintra-Preview .alphintra-Effects > li")
    expect(effects).to_have_count(2, timeout=JOB)
    expect(effects.nth(0)).to_contain_text("3 cells changed in volume")
    expect(effects.nth(1)).to_contain_text("new: ret")
    expect(shown.get_by_role("table", name="Rows after").locator("th").last).to_have_text("ret")
    expect(shown.locator(".alphintra-Step.alphintra-mod-bad")).to_have_count(0)
    view.shot("78-recipe-preview")

    # It makes the next version; that is compared with the one before.
    shown.get_by_role("button", name="Run", exact=True).click()
    made = shown.get_by_role("button", name="Show recipe-prices@2 and its report")
    made.wait_for(timeout=JOB)
    view.shot("79-recipe-run")
    made.click()
    expect(shown.locator("h2")).to_have_text("recipe-prices@2")
    shown.get_by_role("tab", name="Versions").click()
    first, second = (shown.locator(f"tr[data-version='{number}']") for number in (1, 2))
    expect(first.locator(".alphintra-Versions-made")).to_have_text("file daily.csv")
    steps = "Fill: columns volume, method value, value 0, limit 5; Derive: name ret, formula log(close / lag(close, 1))"
    expect(second.locator(".alphintra-Versions-made")).to_have_text(steps)
    expect(second).to_contain_text("current")
    first.get_by_role("button", name="Compare with").click()
    compared = shown.locator(".alphintra-Comparison")
    expect(compared.locator(".alphintra-Comparison-known")).to_contain_text("New columns")
    expect(compared.locator(".alphintra-Comparison-sum")).to_have_text(
        "0 rows added \u00b7 0 rows removed \u00b7 3 cells changed", timeout=JOB
    )
    by_column = compared.get_by_role("table", name="Cells changed, by column").locator("tbody tr")
    expect(by_column).to_have_text(["volume3"])
    by_symbol = compared.get_by_role("table", name="Differences by symbol").locator("tbody tr")
    expect(by_symbol).to_have_text(["AAA\u2013\u20133"])
    expect(compared.get_by_role("table", name="The first differences").locator("tbody tr")).to_have_count(3)
    view.shot("80-versions-compared")
    first.get_by_role("button", name="Go back to this version").click()
    expect(first).to_contain_text("current")
    expect(shown.locator("h2")).to_have_text("recipe-prices@1")
    expect(first.get_by_role("button", name="@1", exact=True)).to_be_focused()
    assert lab.request("GET", "datasets/recipe-prices")["version"] == 1

    # Checked again without a rule, and with another number.
    shown.get_by_role("button", name="Check again").click()
    dialog = page.locator(".alphintra-RulesDialog")
    dialog.locator("[data-rule=STALE_RUN]").get_by_label("STALE_RUN: rows with volume").fill("1")
    dialog.get_by_role("button", name="Check", exact=True).click()
    expect(dialog.locator("[data-rule=STALE_RUN] [role=alert]")).to_have_text("From 2 to 1\u202f000\u202f000\u202f000.")
    dialog.locator("[data-rule=STALE_RUN]").get_by_label("STALE_RUN: rows with volume").fill("20")
    dialog.locator("[data-rule=ADJ_UNKNOWN]").get_by_role("checkbox").uncheck()
    view.shot("81-rules")
    dialog.get_by_role("button", name="Check", exact=True).click()
    expect(dialog).to_have_count(0)
    expect(shown.locator(".alphintra-Warning")).to_contain_text(["not all rules checked"], timeout=JOB)
    kept = lab.request("GET", f"datasets/{dataset}/versions/1/validation")["parameters"]
    assert kept == {"left_out": ["ADJ_UNKNOWN"], "parameters": {"STALE_RUN": {"traded": 20}}}

    # What is said of it. Where there is one user alone, it says so in place of a form that could help nobody.
    shown.get_by_role("button", name="Edit", exact=True).click()
    page.get_by_label("Description", exact=True).fill("Two made-up shares.")
    page.get_by_label("Tags, with commas between").fill("test, made up")
    page.get_by_label("Tags, with commas between").press("Enter")
    expect(shown.locator(".alphintra-Dataset-tags li")).to_have_text(["test", "made up"])
    expect(shown.get_by_role("button", name="Edit", exact=True)).to_be_focused()
    # A short tab after a long one that was scrolled to: the tabs stay below the pointer, and the chart as wide.
    page.set_viewport_size({"width": VIEWPORT["width"], "height": 700})
    long = shown.get_by_role("tab", name="Sample")
    long.click()
    long.evaluate("node => node.scrollIntoView()")
    still = (shown.get_by_role("tablist"), shown.locator(".alphintra-Dataset-canvas"))
    places = [node.bounding_box() for node in still]
    shown.get_by_role("tab", name="Sharing").click()
    expect(shown.locator(".alphintra-Sharing")).to_contain_text("You are the only user of this installation")
    assert [node.bounding_box() for node in still] == places
    page.set_viewport_size(VIEWPORT)
    expect(page.get_by_label("User to share it with")).to_have_count(0)
    view.shot("82-sharing-alone")

    # It is deleted when it was said what becomes of what was made of it.
    asked = {"recipe": [{"kind": "sort"}], "dataset": "recipe-sorted"}
    ended(lab, lab.request("POST", f"datasets/{dataset}/process", asked)["job_id"])
    shown.get_by_role("button", name="Delete").click()
    dialog = page.locator(".jp-Dialog")
    dialog.get_by_role("button", name="Delete", exact=True).click()
    derived = dialog.get_by_role("radiogroup", name="recipe-sorted")
    expect(derived).to_be_visible()  # the server has named it: now it is asked for
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(derived.get_by_role("alert")).to_have_text("Choose one.")
    derived.get_by_label("stays").check()
    view.shot("83-delete")
    dialog.get_by_role("button", name="Delete", exact=True).click()
    expect(page.locator(PAGE)).to_have_count(0)
    expect(row).to_have_count(0)
    expect(page.locator(f"{PANEL} .alphintra-Dataset[data-name='recipe-sorted']")).to_have_count(1)
    expect(page.locator(f"{PANEL} [role=meter]")).to_have_attribute("aria-valuenow", "0")
    # Nothing is left for the next test.
    left = lab.request("GET", "datasets/recipe-sorted")["id"]
    assert lab.request("DELETE", f"datasets/{left}") == {"datasets": [left], "kept": []}

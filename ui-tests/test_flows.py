"""The whole way of real files: uploaded, read, checked, looked at, cleaned, traded; compared with pandas."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from lab_page import PATIENCE, Page
from playwright.sync_api import expect
from shapes import SHAPES, Shape

pytestmark = pytest.mark.browser

PANEL = "#alphintra-datasets"
FORM = "form.alphintra-Mapping:visible"
PAGE = ".alphintra-DatasetView:visible"
#: How long a job may take that begins with compiling the rules, on a machine that does ten other things.
JOB = 3 * PATIENCE
#: A file as a package ships it is in every run; `make flows` has all.
IN_EVERY_RUN = ("yahoo",)

STRATEGY = """
import alphintra as al

class Momentum(al.Strategy):
    def on_bar(self):
        if self.data.close[-1] > self.data.open[-1]:
            self.order_target_percent(0.9)
        else:
            self.close()
"""
#: What is compared: every figure and every trade, and of the rows whatever a recipe has added.
TOLD = """
def told(result, frame):
    found = result.to_dict()
    trades = [{key: own[key] for key in ("entry_time", "entry_price", "exit_price", "quantity", "pnl")}
              for own in found["trades"]]
    columns = {name: frame[name].dropna().tolist() for name in ("close", "volume", "ret") if name in frame}
    return {"metrics": found["metrics"], "trades": trades, **columns}
"""
LOADED = """{strategy}{told}
import json
data = {load}
result = al.backtest(Momentum, data, commission=0.001)
with open("{dataset}.json", "w") as file:
    json.dump(told(result, data.to_pandas()), file)
print("told")
"""


def filled(page: Any, name: str, text: str) -> None:
    """Write a field of the form, or answer its question."""
    page.locator(f"{FORM} [data-field='{name}'] input").last.fill(text)


def corrected(page: Any, shape: Shape, name: str) -> None:
    """See how the file is read as it is guessed, then say what it does not tell."""
    page.locator(FORM).wait_for(timeout=JOB)
    roles = page.get_by_role("table", name="Columns of the file").locator("th select")
    assert [roles.nth(place).input_value() for place in range(roles.count())] == shape.roles.split()
    opened = page.locator(f"{FORM} [data-open='true']")
    expect(opened).to_have_count(len(shape.asked))
    start = page.locator(FORM).get_by_role("button", name="Import")
    for question, choice in shape.asked.items():
        expect(start).to_be_disabled()
        answers = page.locator(f"{FORM} [data-question='{question}']")
        answers.get_by_role("button", name=choice, exact=True).click()
    stated = dict(shape.stated)
    if symbol := stated.pop("symbol", ""):
        page.locator(f"{FORM} [data-field='symbol_from'] select").select_option("fixed")
        filled(page, "symbol", symbol)
    for field, text in {**stated, "dataset": name}.items():
        filled(page, field, text)
    start.click()


def cleaned(page: Any, shape: Shape, name: str) -> None:
    """Try a step, run it, and go to the version that it makes."""
    shown = page.locator(PAGE)
    shown.get_by_role("tab", name="Process").click()
    kind, texts = shape.step
    shown.get_by_label("Add a step").select_option(kind)
    step = page.locator(f"{PAGE} .alphintra-Step")
    for parameter, text in texts.items():
        step.locator(f"[data-field='{parameter}'] input").first.fill(text)
    shown.get_by_role("button", name="Preview", exact=True).click()
    expect(shown.locator(".alphintra-Preview .alphintra-Effects > li")).to_have_count(1, timeout=JOB)
    expect(shown.locator(".alphintra-Step.alphintra-mod-bad")).to_have_count(0)
    shown.get_by_role("button", name="Run", exact=True).click()
    shown.get_by_role("button", name=f"Show {name}@2 and its report").click(timeout=JOB)
    expect(shown.locator("h2")).to_have_text(f"{name}@2")


def as_here(shape: Shape) -> dict[str, Any]:
    """Run the same strategy here, on what pandas reads and cleans, without a dataset."""
    import alphintra as al

    names: dict[str, Any] = {}
    exec(STRATEGY + TOLD, names)
    frame = shape.cleaned(shape.frame())
    instrument = al.Instrument(asset_class=shape.stated["asset_class"], currency="USD")
    result = al.backtest(names["Momentum"], {shape.symbol: frame}, commission=0.001, instruments=instrument)
    return json.loads(json.dumps(names["told"](result, frame)))


@pytest.mark.parametrize(
    "name", [pytest.param(own, marks=() if own in IN_EVERY_RUN else pytest.mark.slow) for own in SHAPES]
)
def test_a_real_file_goes_all_the_way(name: str, view: Page) -> None:
    page, shape, dataset = view.page, SHAPES[name], f"flow-{name.replace(' ', '-')}"
    view.open()
    view.command("Show Datasets")
    file = {"name": shape.filename, "mimeType": "application/octet-stream", "buffer": shape.write()}
    page.locator(f"{PANEL} input[type=file]").set_input_files(file)
    corrected(page, shape, dataset)

    # What the rules say of it, and the candles.
    expect(page.locator(f"{PAGE} h2")).to_have_text(f"{dataset}@1", timeout=JOB)
    page.locator(PAGE).get_by_role("tab", name="Report").click()
    fired = page.locator(f"{PAGE} .alphintra-Report > li")
    expect(fired).to_have_count(len(shape.fired))
    assert {fired.nth(place).get_attribute("data-rule") for place in range(fired.count())} == set(shape.fired)
    # An error is accepted with a reason, or nothing would run on it.
    line = page.locator(f"{PAGE} .alphintra-Report > li.alphintra-mod-open")
    expect(line).to_have_count(len(shape.errors))
    for rule in shape.errors:
        page.locator(f"{PAGE} .alphintra-Report > li[data-rule='{rule}']").get_by_role("button", name="Accept").click()
        page.keyboard.type("no prices are in that row")
        page.keyboard.press("Enter")
    expect(line).to_have_count(0)
    expect(page.locator(f"{PANEL} .alphintra-Dataset[data-name='{dataset}']")).to_have_attribute("data-state", "valid")
    chosen = page.locator(f"{PAGE} .alphintra-Dataset-chart-head select")
    if chosen.count() > 0:
        chosen.select_option(shape.symbol)
    bars = f"{shape.bars:,}".replace(",", "\u202f")
    expect(page.locator(f"{PAGE} .alphintra-Dataset-chart-note")).to_have_text(re.compile(f"^{bars} bars"))
    page.locator(f"{PAGE} .alphintra-Dataset-canvas canvas").first.wait_for()
    expect(page.locator(f"{PAGE} .alphintra-Dataset-values")).to_contain_text(re.compile(r"O [\d.\u202f]+ {2}H"))
    view.shot_as_it_is(f"85-flow-{name.replace(' ', '-')}")

    # Cleaned and traded in a cell, with the figures of a run on what pandas makes of the file.
    cleaned(page, shape, dataset)
    code = page.locator(f"{PAGE} .alphintra-Dataset-code").inner_text()
    assert code == f'al.data.load("{dataset}@2")'
    load = code.replace("@2", f"@2/{shape.symbol}")
    cell = LOADED.format(strategy=STRATEGY, told=TOLD, load=load, dataset=dataset)
    view.open_cells("flow.ipynb", cell)
    expect(view.run_cell(0)).to_contain_text("told")
    there, here = json.loads((view.lab.workspace / f"{dataset}.json").read_text()), as_here(shape)
    assert len(here["trades"]) > 10
    for part, own in here.items():
        assert there[part] == own, part

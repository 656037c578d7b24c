"""Studies in a notebook: figures, trials with one selection, and what cannot be drawn."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import nbformat
import pytest
import studies
from alphintra_backtest.study import Study
from lab_page import SETTLED, Page
from playwright.sync_api import expect

pytestmark = pytest.mark.browser

TRIALS = ".alphintra-Trials"
#: Bytes of the extension's files that a page has loaded and that are as large as Plotly.
PLOTLY = """() => performance.getEntriesByType('resource')
    .filter(entry => entry.name.includes('@alphintra/lab') && entry.decodedBodySize > 3e6).length"""


def opened(view: Page, name: str, *payloads: Mapping[str, Any]) -> Any:
    """Write a notebook and open it with the file browser out of the way."""
    nbformat.write(studies.notebook(*payloads), view.lab.workspace / name)
    view.open(name)
    view.page.wait_for_selector(".jp-NotebookPanel:visible")
    view.page.locator(".lm-TabBar-tab[data-id='filebrowser'].lm-mod-current").click()
    return view.page


def test_trials_have_one_selection_in_map_lines_and_table(view: Page) -> None:
    page = opened(view, "sweep.ipynb", studies.sweep().payload())
    heat = page.locator(f"{TRIALS} .alphintra-HeatMap canvas")
    heat.wait_for()
    count = page.locator(f"{TRIALS} .alphintra-Trials-count")
    rows = page.locator(f"{TRIALS} tbody tr[data-at]")
    shown = page.locator(f"{TRIALS} .alphintra-Table-tools [role=status]")
    expect(count).to_have_text("990 trials")
    # The best stands first, and is marked.
    assert rows.first.inner_text().startswith("\u2605")
    assert page.evaluate(PLOTLY) == 0
    page.locator(TRIALS).evaluate("node => node.scrollIntoView()")
    view.shot("20-trials")

    box = heat.bounding_box()
    middle = {"x": box["width"] * 0.4, "y": box["height"] * 0.4}
    heat.hover(position=middle)
    shows = page.locator(f"{TRIALS} .alphintra-Trials-readout").first
    expect(shows).to_contain_text(re.compile(r"trial \d+"))
    readout = shows.inner_text()
    number = re.search(r"trial (\d+)", readout)
    assert number, readout
    heat.click(position=middle)
    expect(count).to_have_text("1 of 990 selected")
    expect(shown).to_have_text("1 of 990 rows")
    expect(rows).to_have_count(1)
    assert re.split(r"\s+", rows.first.inner_text())[0] == number[1]
    assert rows.first.get_attribute("aria-selected") == "true"
    assert page.get_by_role("button", name="Copy parameters").is_enabled()

    # Dragging over cells takes them all; the same in the table.
    page.mouse.move(box["x"] + middle["x"], box["y"] + middle["y"])
    page.mouse.down()
    page.mouse.move(box["x"] + middle["x"] + 60, box["y"] + middle["y"] + 40, steps=5)
    page.mouse.up()
    page.evaluate(SETTLED)
    dragged = int(count.inner_text().split()[0])
    assert dragged > 4
    expect(shown).to_have_text(f"{dragged} of 990 rows")
    view.shot("21-trials-cells")

    # A stretch of the second axis takes the place of the cells.
    lines = page.locator(f"{TRIALS} .alphintra-Parallel-canvas canvas").nth(1)
    slow = page.locator(f"{TRIALS} .alphintra-Parallel-names span").nth(1).bounding_box()
    across = slow["x"] + slow["width"] / 2
    top = lines.bounding_box()["y"]
    page.mouse.move(across, top + 60)
    page.mouse.down()
    page.mouse.move(across, top + 120, steps=5)
    page.mouse.up()
    page.wait_for_function(f"() => document.querySelector('{TRIALS}-count').innerText !== '{dragged} of 990 selected'")
    page.evaluate(SETTLED)
    brushed = int(count.inner_text().split()[0])
    expect(shown).to_have_text(f"{brushed} of 990 rows")
    view.shot("22-trials-stretch")

    height = page.locator(TRIALS).bounding_box()["height"]
    view.switch_theme()
    expect(count).to_have_text(f"{brushed} of 990 selected")
    page.evaluate(SETTLED)
    assert page.locator(TRIALS).bounding_box()["height"] == height
    view.shot("23-trials-other-theme")

    page.get_by_role("button", name="Clear selection").click()
    expect(count).to_have_text("990 trials")
    # By keyboard, in the table and in the map.
    rows.first.focus()
    page.keyboard.press("ArrowDown")
    page.wait_for_function("() => document.activeElement.dataset.at === '1'")
    page.keyboard.press("Enter")
    expect(count).to_have_text("1 of 990 selected")
    rows.nth(1).wait_for()
    heat.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Enter")
    expect(count).to_have_text("2 of 990 selected")
    page.keyboard.press("Escape")
    expect(count).to_have_text("990 trials")
    # While the map has the focus, keys are its own.
    heat.blur()


def test_more_parameters_than_two_are_chosen_from(view: Page) -> None:
    page = opened(view, "wide.ipynb", studies.wide_sweep().payload())
    page.locator(f"{TRIALS} .alphintra-HeatMap canvas").wait_for()
    over = page.locator(f"{TRIALS} .alphintra-Trials-legend").filter(has_text="Each cell shows its best trial")
    expect(over).to_have_text("Each cell shows its best trial by Sharpe over leave by.")
    page.get_by_label("Up", exact=True).select_option(label="leave by")
    expect(over).to_have_text("Each cell shows its best trial by Sharpe over slow.")
    # The same parameter twice: the two change places.
    page.get_by_label("Across", exact=True).select_option(label="leave by")
    expect(page.get_by_label("Up", exact=True).locator("option:checked")).to_have_text("fast")
    view.shot("24-trials-three")


def test_figures_are_drawn_follow_the_theme_and_have_their_numbers(view: Page) -> None:
    page = opened(view, "figures.ipynb", studies.monte_carlo().payload())
    first = page.locator(".alphintra-StudyFigure").first
    first.locator("[data-drawn='true'] .main-svg").first.wait_for()
    assert page.evaluate(PLOTLY) == 1
    image = first.get_by_role("img").first
    assert "The median ends near 122 000" in image.get_attribute("aria-label")
    page.locator(".alphintra-StudyFigure-box").nth(1).scroll_into_view_if_needed()
    page.locator("[data-drawn='true'] .main-svg").nth(2).wait_for()
    first.evaluate("node => node.scrollIntoView()")
    study = page.locator(".alphintra-Study")
    median = first.locator(".scatterlayer .trace path.js-line").last
    before, height = median.get_attribute("style"), study.bounding_box()["height"]
    view.shot("25-fan")
    expect(median).not_to_have_attribute("style", before)
    assert study.bounding_box()["height"] == height
    view.shot_as_it_is("26-fan-other-theme")
    view.switch_theme()
    expect(median).to_have_attribute("style", before)

    first.get_by_role("button", name="Data").click()
    # Six lines of 500 sessions.
    expect(first.locator(".alphintra-Table-tools [role=status]")).to_have_text("3\u202f000 rows")

    page.set_viewport_size({"width": 470, "height": 1150})
    page.wait_for_function(
        "() => { const box = document.querySelector('.alphintra-StudyFigure-box');"
        " return box.querySelector('.main-svg').getBoundingClientRect().width <= box.clientWidth; }"
    )
    view.shot("27-fan-narrow")


def test_sections_are_gone_to_and_their_figures_are_drawn_when_they_come_near(view: Page) -> None:
    page = opened(view, "walk.ipynb", studies.walk_forward().payload())
    links = page.locator(".alphintra-Study-nav button")
    links.first.wait_for()
    assert links.all_inner_texts() == ["Windows", "Months", "Prices", "Notes"]
    links.nth(2).click()
    page.wait_for_function("() => document.activeElement.innerText === 'Prices'")
    page.locator("[data-drawn='true'] .boxlayer .trace path").first.wait_for(state="attached")
    links.nth(1).click()
    page.locator("[data-drawn='true'] .heatmaplayer image").first.wait_for(state="attached")
    view.shot("29-walk-forward")


def test_tables_of_a_comparison_sort_and_say_what_a_column_is(view: Page) -> None:
    page = opened(view, "comparison.ipynb", studies.comparison().payload())
    table = page.locator(".alphintra-StudyTable").first
    sharpe = table.get_by_role("button", name="Sharpe")
    sharpe.wait_for()
    assert "deviation" in sharpe.get_attribute("title")
    sharpe.click()
    page.evaluate(SETTLED)
    firsts = [text.split("\t")[0] for text in table.locator("tbody tr[data-at]").all_inner_texts()]
    assert firsts == ["SmaCross 10/30", "SmaCross 20/50", "Buy and hold"]
    view.shot("30-comparison")


def test_what_cannot_be_drawn_says_so_and_the_rest_is_drawn(view: Page) -> None:
    payloads = [studies.odd(), {"version": 9}, {"version": 1, "title": 3}, Study("sweep", "Nothing yet").payload()]
    page = opened(view, "odd.ipynb", *payloads)
    study = page.locator(".alphintra-Study").first
    study.wait_for()
    page.locator(".alphintra-Study").nth(1).wait_for()
    text = study.inner_text()
    for part in ("Read.", "hologram", "damaged"):
        assert part in text
    expect(page.locator(".alphintra-Problem")).to_have_count(2)
    problems = page.locator(".alphintra-Problem").all_inner_texts()
    assert ["newer" in problem for problem in problems] == [True, False]
    assert "nothing to show yet" in page.locator(".alphintra-Study").last.inner_text()
    view.shot("28-odd")

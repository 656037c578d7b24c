"""Report and comparison as files: opened from disk, offline, in both themes, on paper, and with hostile names."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lab_page import PATIENCE, SETTLED
from lab_server import CHROMIUM, SCREENSHOTS
from reports import EVIL, write

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reports")
    with pytest.MonkeyPatch.context() as patch:
        # No trial of another test is counted.
        patch.setenv("ALPHINTRA_DATA_DIR", str(folder / "data"))
        write(folder)
    return folder


class Opened:
    """A file opened in the browser, with what it asked for and what went wrong."""

    def __init__(self, page: Any) -> None:
        self.page, self.theme = page, "light"
        self.errors: list[str] = []
        self.requests: list[str] = []
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("console", lambda said: self.errors.append(said.text) if said.type == "error" else None)
        page.on("request", lambda request: self.requests.append(request.url))

    def begin(self, theme: str) -> None:
        """Be as a new page is, for a reader who prefers a theme."""
        self.theme = theme
        self.page.set_viewport_size({"width": 1400, "height": 1000})
        self.page.emulate_media(media="screen", color_scheme=theme)
        self.page.mouse.move(0, 0)
        self.errors.clear()
        self.requests.clear()

    def open(self, path: Path) -> None:
        self.page.goto(path.as_uri())

    def draw_all(self) -> int:
        """Scroll to each chart, which draws it; the number of charts."""
        plots = self.page.locator(".plot")
        for i in range(plots.count()):
            plots.nth(i).evaluate("plot => plot.scrollIntoView({behavior: 'instant', block: 'center'})")
            self.page.locator(".plot").nth(i).locator("svg.main-svg").first.wait_for()
        self.page.evaluate("window.scrollTo({top: 0, behavior: 'instant'})")
        return int(plots.count())

    def shot(self, name: str) -> None:
        SCREENSHOTS.mkdir(exist_ok=True)
        self.page.evaluate(SETTLED)
        self.page.screenshot(path=str(SCREENSHOTS / f"{name}-{self.theme}.png"), full_page=True)


@pytest.fixture(scope="module")
def offline(chromium: Any) -> Iterator[Opened]:
    """One page, which each test loads anew: in another one, Plotly would be compiled for each."""
    browser = chromium.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"], timeout=PATIENCE)
    context = browser.new_context(reduced_motion="reduce", offline=True)
    context.set_default_timeout(PATIENCE)
    yield Opened(context.new_page())
    browser.close()


@pytest.fixture(params=["light", "dark"])
def opened(request: pytest.FixtureRequest, offline: Opened) -> Iterator[Opened]:
    offline.begin(request.param)
    yield offline
    assert offline.errors == []
    assert [url for url in offline.requests if not url.startswith("file:")] == []
    assert len(offline.requests) == 1  # the file itself


def test_the_report(opened: Opened, pages: Path) -> None:
    opened.open(pages / "report.html")
    page = opened.page
    # What is to be read is there before a chart is drawn, each chart as a drawing.
    assert page.locator("h1").inner_text() == "SmaCross"
    assert page.locator(".fact").count() > 20
    assert page.locator(".plot svg").count() >= page.locator(".plot").count()
    assert opened.draw_all() >= 11
    sections = page.locator("h2").all_inner_texts()
    for title in ("Summary", "Months and years", "Trades", "Costs", "Overfitting", "Orders", "Assumptions"):
        assert title in sections
    labels = page.locator(".plot.drawn").evaluate_all("all => all.map(one => one.getAttribute('aria-label'))")
    assert all(label and len(label) > 10 for label in labels)
    assert page.evaluate("document.documentElement.scrollWidth") <= 1400
    opened.shot("report")


@pytest.mark.parametrize("opened", ["light"], indirect=True)
def test_the_theme_is_changed_by_keyboard_and_charts_follow(opened: Opened, pages: Path) -> None:
    opened.open(pages / "report.html")
    opened.draw_all()
    page = opened.page
    ground = "getComputedStyle(document.body).backgroundColor"
    ink = "getComputedStyle(document.querySelector('.plot .xtick text')).fill"
    before = page.evaluate(ground), page.evaluate(ink)
    page.locator("#theme").focus()
    page.keyboard.press("Enter")
    page.wait_for_function(f"before => {ink} !== before", arg=before[1])
    after = page.evaluate(ground), page.evaluate(ink)
    assert {before[0], after[0]} == {"rgb(255, 255, 255)", "rgb(21, 24, 28)"}
    assert {before[1], after[1]} == {"rgb(27, 31, 36)", "rgb(230, 232, 234)"}


@pytest.mark.parametrize("opened", ["light"], indirect=True)
def test_a_table_is_sorted_by_keyboard(opened: Opened, pages: Path) -> None:
    opened.open(pages / "report.html")
    table = opened.page.locator("table", has=opened.page.locator("caption", has_text="All trades"))
    head = table.locator("th", has_text="P&L")

    def column() -> list[float]:
        at = head.evaluate("one => one.cellIndex") + 1
        words = table.locator(f"tbody td:nth-child({at})").all_inner_texts()
        return [float(word.replace("\u202f", "").replace("\u2212", "-")) for word in words if word != "\u2013"]

    before = column()
    head.focus()
    opened.page.keyboard.press("Enter")
    assert column() == sorted(before, reverse=True) != before
    opened.page.keyboard.press("Enter")
    assert column() == sorted(before)
    assert head.get_attribute("aria-sort") == "ascending"


@pytest.mark.parametrize("opened", ["light"], indirect=True)
def test_a_narrow_page_does_not_scroll_sideways(opened: Opened, pages: Path) -> None:
    opened.page.set_viewport_size({"width": 400, "height": 800})
    opened.open(pages / "report.html")
    opened.draw_all()
    assert opened.page.evaluate("document.documentElement.scrollWidth") == 400
    opened.shot("report-narrow")


@pytest.mark.parametrize("opened", ["dark"], indirect=True)
def test_on_paper_it_is_light_with_every_list_open_and_no_chart_cut(opened: Opened, pages: Path) -> None:
    opened.open(pages / "report.html")
    page = opened.page
    opened.draw_all()
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.querySelector('.plot .xtick text')).fill") == "rgb(27, 31, 36)"
    widths = page.locator(".plot .main-svg").evaluate_all("all => all.map(one => one.getBoundingClientRect().width)")
    assert max(widths) <= 690
    assert page.locator("details:not([open])").count() == 0
    page.evaluate("window.dispatchEvent(new Event('afterprint'))")
    written = page.pdf(format="A4", print_background=True)
    assert written[:5] == b"%PDF-" and written.count(b"/Type /Page\n") > 4


def test_the_comparison(opened: Opened, pages: Path) -> None:
    opened.open(pages / "comparison.html")
    assert opened.draw_all() == 2
    assert "against" in opened.page.locator("h1").inner_text()
    assert "interval" in opened.page.locator(".lead").inner_text()
    opened.shot("comparison")


@pytest.mark.parametrize("opened", ["light"], indirect=True)
@pytest.mark.parametrize("name", ["evil", "evil-comparison"])
def test_hostile_names_are_shown_and_nothing_else(opened: Opened, pages: Path, name: str) -> None:
    opened.open(pages / f"{name}.html")
    page = opened.page
    assert opened.draw_all() >= 2
    page.locator(".plot").first.hover()
    assert page.evaluate("window.hacked") is None
    assert page.locator("img, svg[onload], iframe, object").count() == 0
    assert EVIL in page.locator("body").inner_text()

"""The report as a page: complete, small, sealed, and safe against names."""

from __future__ import annotations

import base64
import gzip
import json
import re
from html import unescape
from typing import Any

import pytest
from alphintra.result import Result
from alphintra_backtest import report
from alphintra_backtest.study import Study

from tests.backtest.study.pages import EVIL, Tags, study
from tests.sdk.result.conftest import build

THIN = "\u202f"


def evil_result() -> Result:
    """A run in which every text that a trader or a dataset can choose is hostile."""
    result = build(120, symbols=(EVIL, "B"), strategy=EVIL)
    result.run["dataset"] = EVIL
    result.run["parameters"] = {EVIL: EVIL}
    result.assumptions.append({"code": EVIL, "text": EVIL, "level": "error", "rule": EVIL, "items": [EVIL]})
    result.logs.append((0, EVIL))
    result.indicators[0].name = EVIL
    result.columns["orders"]["tag"] = [EVIL] * len(result.columns["orders"]["id"])
    result.columns["recorded"][EVIL] = result.columns["recorded"].pop("spread")
    return result


def drawn(page: str) -> Any:
    """Return what the page's script draws."""
    packed = re.search(r'id="study">([^<]*)<', page)
    assert packed
    return json.loads(gzip.decompress(base64.b64decode(packed[1])))


def test_every_subject_has_its_section() -> None:
    titles = [section.title for section in report.study(build(300)).sections]
    assert titles == [
        "Summary", "Equity and drawdown", "Months and years", "Trades", "Distribution of returns", "Rolling metrics",
        "Exposure", "Costs", "Ambiguous bars", "Overfitting", "Orders", "Recorded series", "Log", "Metrics",
        "Assumptions", "How it was made",
    ]  # fmt: skip


def test_what_is_to_be_read_is_there_without_scripts() -> None:
    words = " ".join(Tags(report.page(build(300))).texts)
    for expected in ("SmaCross", "costs: none", "survivors", "Sharpe", "√N · mean(r − rf)", "hello", "F1.open",
                     "sha256:" + "ab" * 32, "al.backtest(SmaCross"):  # fmt: skip
        assert expected in words


def test_ten_years_of_daily_bars_take_less_than_three_megabytes() -> None:
    page = report.page(build(2_520))
    assert len(page.encode()) < 3_000_000
    candles = next(f for f in drawn(page)["figures"] if f["data"][0].get("type") == "candlestick")
    assert len(candles["data"][0]["x"]) == 2_520  # none left out


def test_many_symbols_and_bars_still_fit() -> None:
    page = report.page(build(6_000, symbols=tuple(f"S{i}" for i in range(9)), every=10))
    assert len(page.encode()) < 3_000_000
    assert "Each candle spans up to 5 bars." in page  # 8,000 candles over six symbols: 1,333 of 6,000 bars
    assert "candles of 3 of 9 symbols" in page


def test_nothing_comes_from_outside() -> None:
    page = report.page(build(60))
    parsed = Tags(page)
    assert not {"link", "img", "iframe", "object", "embed", "form"} & set(parsed.tags)
    assert not [a for a in parsed.attributes if a[0] in ("src", "action", "srcset", "formaction")]
    assert all(value and value.startswith("#") for name, value in parsed.attributes if name == "href")
    assert "default-src 'none'" in page
    # What is not Plotly's own code names no address at all.
    ours = re.sub(r'<script type="text/plain".*?</script>', "", page, flags=re.DOTALL)
    assert not re.search(r"https?:|//[a-z]", ours)


def test_hostile_names_are_only_text() -> None:
    plain = Tags(report.page(build(120, symbols=("A", "B"))))
    page = report.page(evil_result())
    parsed = Tags(page)
    assert "img" not in parsed.tags
    assert parsed.tags.count("script") == plain.tags.count("script")
    assert not [a for a in parsed.attributes if a[0].startswith("on")]
    assert EVIL in parsed.texts
    assert "<img" not in page
    figures = json.dumps(drawn(page)["figures"], ensure_ascii=False)
    # Plotly reads names as HTML: they are escaped there too.
    assert "&lt;img src=x" in figures and '"name": "</script>' not in figures


def test_the_red_warning_leads() -> None:
    page = report.page(build(60))
    assert '<span class="error">costs: none</span>' in page


def test_every_figure_and_table_has_words() -> None:
    page = report.page(build(300))
    tags = Tags(page)
    assert tags.tags.count("caption") == tags.tags.count("table")
    labels = [value for name, value in tags.attributes if name == "aria-label"]
    assert len(labels) > 15 and all(labels)
    for figure in drawn(page)["figures"]:
        assert figure["alt"] in unescape(page)


def test_left_out_trades_are_said() -> None:
    page = report.page(build(10_000, every=2))
    assert f"All trades: 2{THIN}500 trades, open ones included" in page
    assert "The latest 1000 of 2500 trades are shown." in page


@pytest.mark.parametrize("bars", [6, 25])
def test_short_runs_have_a_report(bars: int) -> None:
    page = report.page(build(bars, every=1_000))
    assert "The strategy made no trade." in page
    assert "Nothing was traded, so nothing was paid." in page


def test_other_studies_become_part_of_it() -> None:
    class Sweep:
        def study(self) -> Study:
            return study()

    titles = [section.title for section in report.study(build(60), sweep=Sweep()).sections]
    assert "Sweep: SmaCross" in titles

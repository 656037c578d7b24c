"""A study in a notebook: HTML without scripts, text, and a payload that stays small."""

from __future__ import annotations

import json
import re
from typing import Any

from alphintra_backtest import study_bounds, study_bundle, study_html, study_svg, study_trials
from alphintra_backtest.study import MIME_TYPE, Column, Trials

from tests.backtest.study.pages import EVIL, Tags, study

THIN = "\u202f"


def test_a_fragment_has_every_block_and_no_script() -> None:
    page = study_html.fragment(study().payload())
    parsed = Tags(page)
    assert not {"script", "style", "link", "img", "iframe", "text"} & set(parsed.tags)
    assert parsed.tags.count("svg") == 4  # the fifth figure has words only
    assert parsed.tags.count("table") == 2
    assert parsed.tags.count("caption") == 2
    assert f"+2.0{THIN}%" in parsed.texts
    assert not [a for a in parsed.attributes if a[0] in ("src", "href", "action", "class")]


def test_a_hostile_name_is_only_text() -> None:
    page = study_html.fragment(study(EVIL).payload())
    parsed = Tags(page)
    assert not {"script", "img"} & set(parsed.tags)
    assert not [a for a in parsed.attributes if a[0].startswith("on")]
    assert "<img" not in page
    assert EVIL in parsed.texts


def test_a_line_goes_from_the_lower_left_to_the_upper_right() -> None:
    figure = {"type": "figure", "name": "f", "title": "f", "alt": "rises", "height": 100, "note": "", "layout": {}}
    data = [{"type": "scatter", "x": ["2024-01-01", "2024-01-02", "2024-01-03"], "y": [1.0, 2.0, 3.0]}]
    drawing, drawn = study_svg.svg({**figure, "data": data})
    # 900 by 100 pixels; the middle of both spans is at 450, 50
    assert 'd="M0.0,100.0L450.0,50.0L900.0,0.0"' in drawing
    assert 'aria-label="rises"' in drawing
    assert drawn.reach == "2024-01-01 to 2024-01-03 · 1 to 3"


def test_a_gap_breaks_the_line() -> None:
    figure = {"alt": "", "height": 100, "layout": {}, "data": [{"x": [0, 1, 2, 3], "y": [1.0, None, 2.0, 3.0]}]}
    assert study_svg.svg(figure)[0].count("M") == 2


def test_a_scale_is_mixed_between_its_colours() -> None:
    # half of black (0) and #204060 (32, 64, 96) is (16, 32, 48)
    assert study_svg.between([[0, "#000000"], [1, "#204060"]], 0.5) == "#102030"


def test_cells_of_a_heat_table_are_shaded_by_the_largest() -> None:
    page = study_html.fragment(study(rows=3).payload())
    # 0, 1 % and 2 %: strengths 0, 0.5 and 1 of 0.45, blue being (31, 111, 208)
    shades = re.findall(r"background:rgba\((\d+,\d+,\d+),([\d.]+)\)", page)
    assert shades == [("217,115,13", "0.00"), ("31,111,208", "0.23"), ("31,111,208", "0.45")]


def test_the_payload_of_a_notebook_is_at_most_one_megabyte() -> None:
    large = study(rows=40_000, points=60_000)
    assert study_bounds.size(large.payload()) > 2_000_000
    bundle = study_bundle.bundle(large)
    assert set(bundle) == {MIME_TYPE, "text/html", "text/plain"}
    content = bundle[MIME_TYPE]
    assert len(json.dumps(content, ensure_ascii=False).encode()) <= 1_100_000
    assert study_bounds.size(content) <= 1_000_000
    blocks = content["sections"][0]["blocks"]
    figure, table, trials = blocks[1], blocks[6], blocks[7]
    assert "extremes are kept" in figure["note"]
    assert max(figure["data"][0]["y"]) == 6.0 and len(figure["data"][0]["x"]) == len(figure["data"][0]["y"])
    assert table["total"] == 40_000 > len(table["rows"])
    assert trials["rows"][-1][0] == trials["best"] == 39_999


def test_what_cannot_be_thinned_gives_way_to_its_words() -> None:
    payload = study(rows=2).payload()
    payload["sections"][0]["blocks"][4]["data"][0]["z"] = [[0.123456789] * 1000 for _ in range(500)]
    content = study_bounds.bounded(payload)
    assert study_bounds.size(content) <= 1_000_000
    assert content["sections"][0]["blocks"][4]["lines"] == ["SmaCross: SmaCross (too large to be kept here)."]


def test_candles_are_joined() -> None:
    trace = {"type": "candlestick", "x": ["a", "b", "c"], "open": [1, 2, 3], "high": [5, 9, 4], "low": [1, 0, 2],
             "close": [2, 3, 4]}  # fmt: skip
    assert study_bounds.join_candles(trace, 2) == {
        "type": "candlestick", "x": ["a", "c"], "open": [1, 3], "high": [9, 4], "low": [0, 2], "close": [3, 4],
    }  # fmt: skip


def test_text_has_title_warnings_sentences_and_figures() -> None:
    lines = study_bundle.bundle(study("Smith"))["text/plain"].splitlines()
    assert lines[:3] == ["Smith", "Smith", "[error] Smith"]
    assert lines[-1].split() == ["Smith", "3", "Smith"]


def test_trials_are_drawn_as_heat_map_and_lines() -> None:
    columns = [Column("fast", "fast"), Column("slow", "slow"), Column("kind", "kind")]
    rows: list[list[Any]] = [
        [0, 5, 20, "a", 1.0], [1, 5, 20, "b", 3.0], [2, 10, 20, "a", None], [3, 10, 50, "a", -2.0],
    ]  # fmt: skip
    block = Trials("t", "Trials", columns, [Column("sharpe", "Sharpe", "ratio")], rows, best=1).payload()
    heat, lines = study_trials.figures(block)
    # the better of the two kinds at (5, 20); nothing at (5, 50); undefined at (10, 20)
    assert heat["data"][0]["x"] == ["5", "10"] and heat["data"][0]["y"] == ["20", "50"]
    assert heat["data"][0]["z"] == [[3.0, None], [None, -2.0]]
    assert "The best over all other parameters." in heat["note"]
    assert [trace["line"]["width"] for trace in lines["data"]] == [1.0, 1.0, 3.0]
    # of the least: fast 10 and slow 50 are the largest, kind "a" the first, Sharpe the smallest
    assert lines["data"][0]["y"] == [1.0, 1.0, 0.0, 0.0]


def test_one_parameter_has_no_heat_map() -> None:
    block = Trials("t", "T", [Column("n", "n")], [Column("s", "S", "ratio")], [[0, 1, 1.0], [1, 2, 2.0]], best=1)
    assert study_trials.figures(block.payload()) == []

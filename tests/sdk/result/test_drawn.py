"""Static forms of a result: escaped, without script where it must be, and complete."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from alphintra.result import Result
from alphintra_backtest import formats, plain_text, png, static_html, svg

from tests.backtest.study.pages import EVIL, Tags

Make = Callable[..., Result]
THIN = "\u202f"


def evil_result(make: Make) -> Result:
    result = make(120, symbols=(EVIL, "B"), strategy=EVIL)
    result.run["dataset"] = EVIL
    result.run["parameters"] = {EVIL: EVIL}
    result.assumptions.append({"code": EVIL, "text": EVIL, "level": "error", "rule": EVIL, "items": [EVIL]})
    result.logs.append((0, EVIL))
    result.indicators[0].name = EVIL
    result.columns["orders"]["tag"] = [EVIL] * len(result.columns["orders"]["id"])
    return result


class TestStatic:
    def test_no_script_no_style_sheet(self, make_result: Make) -> None:
        parsed = Tags(static_html.fragment(make_result(120).view))
        assert not {"script", "style", "link", "img", "iframe", "text"} & set(parsed.tags)
        assert parsed.tags.count("svg") == 2
        assert parsed.tags.count("tr") == 4

    def test_a_hostile_name_is_only_text(self, make_result: Make) -> None:
        page = static_html.fragment(evil_result(make_result).view)
        parsed = Tags(page)
        assert not {"script", "img"} & set(parsed.tags)
        assert not [a for a in parsed.attributes if a[0].startswith("on")]
        assert EVIL in parsed.texts

    def test_long_trade_lists_are_cut_and_it_says_so(self, make_result: Make) -> None:
        page = static_html.fragment(make_result(600, every=5).view)
        assert "60 trades, the latest 20 shown" in page

    def test_without_trades(self, make_result: Make) -> None:
        result = make_result(40, every=1000)
        assert "No trades." in static_html.fragment(result.view)

    def test_drawing_breaks_where_values_are_missing(self) -> None:
        drawing = svg.equity([0, 1, 2, 3], [1.0, None, 2.0, 3.0], None, "x")
        assert drawing.count("M") == 2
        assert svg.equity([], [], None, "x") == ""
        assert svg.drawdown([0], [None], "x") == ""


class TestPicture:
    def test_png(self, make_result: Make) -> None:
        picture = png.draw(make_result(120).view)
        assert picture[:8] == b"\x89PNG\r\n\x1a\n"
        # Width and height in the IHDR chunk.
        assert int.from_bytes(picture[16:20], "big") == 900
        assert int.from_bytes(picture[20:24], "big") == 620

    def test_a_name_that_looks_like_a_formula(self, make_result: Make) -> None:
        assert png.draw(make_result(60, strategy=r"$\frac{$ " + "x" * 200).view)

    def test_pyplot_is_not_touched(self, make_result: Make) -> None:
        import subprocess
        import sys

        code = (
            "import sys; sys.path.insert(0, 'tests/sdk/result'); from conftest import build; "
            "from alphintra_backtest import png; png.draw(build(60).view); "
            "print('matplotlib.pyplot' in sys.modules)"
        )
        found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
        assert (found.returncode, found.stdout.strip()) == (0, "False"), found.stderr


class TestText:
    def test_summary(self, make_result: Make) -> None:
        lines = plain_text.summary(make_result(60, every=1000).view).splitlines()
        assert lines[0] == "SmaCross(fast=20, slow=50) on us-equities-daily/AAPL"
        assert "[error] costs: none" in lines
        assert "Sharpe                     –" in "\n".join(lines)
        assert any(line.endswith("session returns do not vary") for line in lines)

    @pytest.mark.parametrize(
        ("value", "kind", "signed", "written"),
        [
            (0.79, "percent", True, f"+79.0{THIN}%"),
            (-0.2894, "percent", True, f"−28.9{THIN}%"),
            (-0.00001, "percent", True, f"0.0{THIN}%"),
            (0.833, "ratio", False, "0.83"),
            (79194.4, "money", True, f"+79{THIN}194"),
            (-2.5, "money", True, "−2.50"),
            (97.674, "price", False, "97.67"),
            (0.0123456, "price", False, "0.012346"),
            (909.0, "quantity", False, "909"),
            (0.00012, "quantity", False, "0.00012"),
            (1728000.0, "duration", False, f"20.0{THIN}d"),
            (7200.0, "duration", False, f"2.0{THIN}h"),
            (600.0, "duration", False, f"10{THIN}min"),
            (42.0, "duration", False, f"42{THIN}s"),
            (0.04, "duration", False, f"0.04{THIN}s"),
            (1_036_800_000, "time", False, "2002-11-09"),
            (1_036_852_200, "time", False, "2002-11-09 14:30"),
            (1_036_852_201, "time", False, "2002-11-09 14:30:01"),
            (None, "ratio", False, "–"),
            (float("inf"), "ratio", False, "–"),
            (True, "text", False, "yes"),
            ("signal", "text", False, "signal"),
            (9, "integer", False, "9"),
        ],
    )
    def test_numbers(self, value: object, kind: str, signed: bool, written: str) -> None:
        assert formats.text(value, kind, signed=signed) == written

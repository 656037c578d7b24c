import base64
import re
import xml.etree.ElementTree as ET

import alphintra.data as data
import numpy as np
import pandas as pd
import pytest
from alphintra.data.chart import Chart, Line, chart_of, svg, thinned
from alphintra.data.live import MIME, STATIC
from alphintra.data.pictures import calendar, days_of, histogram


def test_the_list_shows_all_datasets():
    shown = data.list()
    assert len(shown) == 9
    assert [name.startswith("simulated-") for name in shown.names] == [False] * 6 + [True] * 3
    assert shown.names[1] == "us-equities-daily"
    assert shown[1].symbols == ("AAPL", "FB", "GOOG", "IBM", "MSFT")
    assert [item.name for item in shown[:2]] == shown.names[:2]
    lines = repr(shown).splitlines()
    assert lines[0].split() == ["Name", "What", "Class", "Bars", "Symbols", "From", "To", "Rows"]
    assert re.search(
        r"^us-equities-daily +Five US shares, daily +STOCKS +1d +5 +2000-03-01 +2013-03-01 +12,154$", lines[2]
    )
    bundle = shown._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html"}
    assert bundle["text/html"].count("<tr") == 10
    frame = shown.to_pandas()
    assert frame.loc["us-closes-daily", "rows"] == 166_260
    assert frame.loc["vix-daily", "first"] == pd.Timestamp("2014-01-03")


@pytest.mark.parametrize("name", [*data.list().names, "us-equities-daily/AAPL"])
def test_a_dataset_shows_chart_and_summary(name):
    bundle = data.load(name)._repr_mimebundle_()
    assert set(bundle) == {"text/plain", "text/html", "image/png", MIME}
    whose, _, symbol = name.partition("/")
    assert (bundle[MIME]["dataset"], bundle[MIME]["version"], bundle[MIME]["version_id"]) == (whose, None, None)
    assert not symbol or bundle[MIME]["symbols"] == [symbol]
    assert base64.b64decode(bundle["image/png"]).startswith(b"\x89PNG")
    html = bundle["text/html"]
    assert len(html) < 100_000
    assert not re.search(r"<script|<style|https?://(?!www\.w3\.org/2000/svg)|on\w+=", html)
    ET.fromstring(html)  # well formed
    # What JupyterLab's own chart takes the place of; a picture that compares symbols stays.
    assert html.count(f'class="{STATIC}"') == (1 if len(bundle[MIME]["symbols"]) == 1 else 0)


def test_the_summary_of_apple():
    html = data.load("us-equities-daily/AAPL")._repr_mimebundle_(include=["text/html"])["text/html"]
    # adjusted close from 32.104 to 430.47
    for cell in ("Apple", "2000-03-01", "2013-03-01", "3,270", "430.47", "+1,240.9%"):
        assert f">{cell}</td>" in html
    assert "survivors: these shares were chosen afterwards" in html
    assert "Public domain" in html
    assert "FB" not in re.findall(r">([A-Z]+)</td>", html)


def test_rows_by_day_show_what_is_missing():
    days = np.datetime64("2004-12-30").astype(int) + np.array([0, 1, 4, 5, 6, 10])
    coverage = days_of([np.repeat(days, [390, 390, 390, 210, 390, 780])])
    assert coverage == {
        "first": "2004-12-30", "days": 1, "counts": [390, 390, 0, 0, 390, 210, 390, 0, 0, 0, 780]
    }  # fmt: skip
    html = calendar(coverage)
    assert "390 rows on a usual day; at most 3 days without rows, from 2005-01-06" in html
    # By line and place: two days at the end of 2004, which had 366, then the 3rd and the 5th; the 4th; the 9th.
    paths = re.findall(r'<path d="([^"]+)" stroke="([^"]+)"', html)
    assert [path for path, _ in paths] == ["M40 14h2", "M762 4h4M38 14h2m2 0h2", "M50 14h2"]
    assert len({color for _, color in paths}) == 3
    assert re.findall(r">(\d{4})</text>", html) == ["2004", "2005"]
    one = calendar({"first": "2020-02-29", "days": 30, "counts": [7]})
    assert "7 rows in 30 usual days; no day without rows between them" in one
    gap = data.load("us-indices-daily")._repr_mimebundle_(include=["text/html"])["text/html"]
    assert "at most 6 days without rows, from 2001-09-11" in gap
    longer = data.load("us-closes-daily")._repr_mimebundle_(include=["text/html"])["text/html"]
    assert "20 rows on a usual day" in longer, "a day is a day, of 33 years as well"


def test_a_lonely_value_is_seen_beside_thousands():
    html = histogram({"edges": [0, 1, 2, 3], "counts": [9_000, 0, 1]})
    assert re.findall(r"M([\d.]+),([\d.]+)", html) == [("0.0", "0.0"), ("64.0", "15.0")]
    assert histogram({"edges": list(range(1_025)), "counts": [1] * 1_024}).count("M") <= 48


def test_factors_show_their_moments():
    html = data.load("us-factors-monthly")._repr_mimebundle_(exclude=["image/png"])["text/html"]
    assert ">0.6599%</td>" in html  # mean of Mkt-RF in the source: 0.659946 percent
    assert "Growth of 1" in html


def test_a_chart_says_which_part_lab_draws():
    last = pd.Timestamp("2006-01-02 15:30")
    chart = data.load("us-equities-daily").chart("MSFT", "2005-03-01", last, column="volume")
    bundle = chart._repr_mimebundle_()
    assert bundle[MIME] == {
        "dataset": "us-equities-daily", "version": None, "version_id": None, "symbols": ["MSFT"],
        "start": "2005-03-01", "end": "2006-01-02T15:30:00+00:00", "column": "volume",
    }  # fmt: skip
    assert f'class="{STATIC}"' in bundle["text/html"], "an exported notebook has the picture"
    assert set(chart._repr_mimebundle_(include=["text/plain"])) == {"text/plain"}
    nothing = data.load("vix-daily").chart(start="2030-01-01")._repr_mimebundle_()
    assert MIME not in nothing


def test_one_line_of_text():
    assert repr(data.load("us-equities-daily/FB,AAPL")) == (
        "Dataset us-equities-daily/FB,AAPL: FB, AAPL; 1d, 2000-03-01 to 2013-03-01, 3,466 rows"
    )
    assert "CVX, GE, …" in repr(data.load("us-closes-daily"))


def test_data_given_directly_is_shown_and_escaped(tmp_path):
    path = tmp_path / "<b>x&y.csv"
    path.write_text("date,open,high,low,close,volume\n2024-01-02,10,12,9,11,1\n2024-01-03,10,12,9,11,1\n")
    loaded = data.load(path)
    assert (loaded.name, loaded.manifest, loaded.symbols) == ("<b>x&y", {}, ("<b>x&y",))
    bundle = loaded._repr_mimebundle_()
    assert MIME not in bundle, "no server has it"
    assert MIME not in loaded.chart()._repr_mimebundle_()
    html = bundle["text/html"]
    assert "<b>x" not in html
    assert "&lt;b&gt;x&amp;y" in html
    assert "time zone: assumed UTC" in html
    ET.fromstring(html)
    assert list(loaded.to_pandas()["close"]) == [11, 11]
    assert loaded.to_pandas().index.name == "date"
    assert loaded.events().empty
    assert data.load(loaded) is loaded
    assert data.resolve(loaded).dataset_hash == data.resolve(path).dataset_hash


def test_intraday_frames_come_back_with_times():
    index = pd.date_range("2024-01-02 14:30", periods=3, freq="min", tz="UTC")
    given = pd.DataFrame(dict.fromkeys(("open", "high", "low", "close"), 10.0), index=index)
    loaded = data.load({"A": given, "B": given})
    back = loaded.to_pandas()
    assert list(back.loc["A"].index) == list(index)
    assert "volume" not in back.columns
    assert repr(loaded) == "Dataset DATA: A, B; 1min, 2024-01-02 to 2024-01-02, 6 rows"


def test_shipped_frames_are_the_stored_columns():
    one = data.load("us-equities-daily/AAPL").to_pandas()
    assert list(one.columns) == ["open", "high", "low", "close", "volume", "adj_close"]
    assert one.loc["2005-02-25", "close"] == 88.99
    many = data.load("us-equities-daily").to_pandas()
    assert list(many.index.names) == ["symbol", "date"]
    assert len(many) == 12_154


def test_many_lines_are_cut_and_said():
    chart = chart_of(data.load("us-closes-daily"))
    assert (len(chart.lines), chart.omitted, chart.log) == (8, 12, True)
    assert "(12 more not drawn)" in data.load("us-closes-daily")._repr_mimebundle_(["text/html"])["text/html"]


def test_thinning_keeps_extremes_and_ends():
    values = np.full(10_000, 5.0)
    values[[1_234, 7_777]] = 1.0, 9.0
    line = thinned(Line("x", np.arange(10_000, dtype=np.int32), values), 100)
    assert len(line.values) <= 110
    assert {1_234, 7_777, 0, 9_999} <= set(line.session.tolist())
    assert (np.diff(line.session) > 0).all()


def test_a_flat_or_single_point_can_be_drawn():
    for n in (1, 2):
        line = Line("x", np.arange(n, dtype=np.int32), np.full(n, 3.0))
        ET.fromstring(svg(Chart("flat", (line,), 0, False)))


def test_labels_at_the_right_do_not_cover_each_other():
    lines = tuple(Line(f"L{i}", np.arange(3, dtype=np.int32), np.array([1.0, 2.0, 1.0])) for i in range(8))
    root = ET.fromstring(svg(Chart("same", lines, 0, False)))
    places = sorted(
        float(text.get("y")) for text in root.iter() if text.tag.endswith("text") and text.get("font-weight")
    )
    assert len(places) == 8
    assert np.diff(places).min() >= 12.9

"""What each step makes of rows: numbers by hand, or by Polars and NumPy, which the steps do not use for it."""

import alphintra.recipes as r
import numpy as np
import polars as pl
import pyarrow as pa
import pytest
from alphintra.recipes import Context
from alphintra.recipes.formula import Formula
from alphintra.store.manifest import About

from tests.sdk.recipes.made import DAILY, FEATURES, rows, run, stored, table
from tests.sdk.store.made import ABOUT, bars

N = None


def near(found, expected):
    """Equal up to rounding, missing where it is missing."""
    left = np.array([np.nan if v is None else v for v in found], dtype=float)
    np.testing.assert_allclose(left, np.asarray(expected, dtype=float), rtol=1e-9, atol=1e-12)


def minutes(*clocks):
    return [f"2020-01-01T00:{clock}" for clock in clocks]


def test_sort_and_deduplicate():
    given = {"time": minutes("02", "00", "01", "00", "02"), "x": [5.0, 2.0, 3.0, 1.0, 5.0], "s": list("edcba")}
    found = run(given, r.Sort(columns=["x"]))
    assert found["x"] == [1.0, 2.0, 3.0, 5.0, 5.0] and found["s"] == ["b", "d", "c", "e", "a"]
    assert run(given, r.Sort())["s"] == ["d", "b", "c", "e", "a"]
    by = {keep: run(given, r.Sort(), r.Deduplicate(keep=keep))["s"] for keep in ("first", "last", "none")}
    assert by == {"first": ["d", "c", "e"], "last": ["b", "c", "a"], "none": ["c"]}
    same = {"time": minutes("00", "00", "00"), "x": [1.0, np.nan, np.nan]}
    assert run(same, r.Deduplicate(by="row"))["x"] == [1.0, N]
    ticks = {"time": minutes("00", "00"), "sequence": [1, 2], "price": [1.0, 2.0]}
    assert run(ticks, r.Deduplicate(), about=FEATURES)["price"] == [1.0, 2.0]
    revised = {"time": minutes("00", "00"), "known_at": minutes("09", "05"), "x": [2.0, 1.0]}
    assert run(revised, r.Deduplicate(), about=FEATURES)["x"] == [1.0]


def test_fill():
    given = {
        "time": minutes("00", "01", "05", "06"), "open": [1.0, 2.0, 3.0, 4.0], "high": [1.5, 2.5, 3.5, 4.5],
        "low": [0.5, 1.5, 2.5, 3.5], "close": [1.2, 2.2, 3.2, 4.2], "volume": [9.0, np.nan, 8.0, 7.0],
        "word": ["a", N, N, "b"], "count": [N, 1, N, N],
    }  # fmt: skip
    found = run(given, r.Fill(rows=True, limit=2))
    assert [t[-5:] for t in found["time"]] == ["00:00", "01:00", "02:00", "03:00", "05:00", "06:00"]
    assert found["open"] == [1.0, 2.0, 2.2, 2.2, 3.0, 4.0] and found["low"] == [0.5, 1.5, 2.2, 2.2, 2.5, 3.5]
    assert found["close"] == [1.2, 2.2, 2.2, 2.2, 3.2, 4.2] and found["volume"] == [9.0, N, 0.0, 0.0, 8.0, 7.0]
    assert found["word"] == ["a", "a", "a", N, N, "b"] and found["count"] == [N, 1, 1, 1, N, N]
    found = run(given, r.Fill(columns=["count", "volume"], method="value", value=0, rows=True))
    assert found["count"] == [0, 1, 0, 0, 0, 0, 0] and found["volume"] == [9.0, 0.0, 0.0, 0.0, 0.0, 8.0, 7.0]
    assert found["close"] == [1.2, 2.2, N, N, N, 3.2, 4.2]
    # 4 July 2003 is no session of New York, the 5th and 6th are a weekend.
    days = {"date": ["2003-07-02", "2003-07-08"], "close": [1.0, 2.0]}
    assert run(days, r.Fill(rows=True), about=DAILY)["date"] == ["2003-07-02", "2003-07-03", "2003-07-07", "2003-07-08"]
    # The session of 3 July 2003 ended at 13:00 New York, 17:00 UTC.
    hours = {"time": ["2003-07-03T15:30", "2003-07-07T13:30"], "close": [1.0, 2.0]}
    nyse = About(timeframe="30min", calendar="XNYS")
    expected = ["2003-07-03 15:30:00", "2003-07-03 16:00:00", "2003-07-03 16:30:00", "2003-07-07 13:30:00"]
    assert run(hours, r.Fill(rows=True), about=nyse)["time"] == expected
    ends = {"time": ["2003-07-03T16:30", "2003-07-07T14:00"], "close": [1.0, 2.0]}
    closes = About(timeframe="30min", calendar="XNYS", label="close")
    assert run(ends, r.Fill(rows=True), about=closes)["time"] == [
        "2003-07-03 16:30:00", "2003-07-03 17:00:00", "2003-07-07 14:00:00"
    ]  # fmt: skip
    ends = {"date": ["2020-01-31", "2020-04-30"], "x": [1.0, 2.0]}
    monthly = About(timeframe="1mo", label="close")
    expected = ["2020-01-31", "2020-02-29", "2020-03-31", "2020-04-30"]
    assert run(ends, r.Fill(rows=True), about=monthly)["date"] == expected


def test_drop():
    given = {"time": minutes("00", "01", "02", "03"), "x": [1.0, np.nan, -1.0, 2.0], "y": [1.0, np.nan, 3.0, np.nan]}
    assert run(given, r.Drop())["x"] == [1.0, -1.0]
    assert run(given, r.Drop(how="all"))["x"] == [1.0, -1.0, 2.0]
    assert run(given, r.Drop(columns=["x"]))["y"] == [1.0, 3.0, N]
    assert run(given, r.Drop(where="x < 0 or y == 1"))["x"] == [N, 2.0]


def test_resample():
    given = bars(1_000, 4)
    found = run(given, r.Resample(timeframe="10min"))
    frame = pl.from_arrow(given)
    expected = frame.group_by_dynamic("time", every="10m").agg(
        pl.col("open").first(), pl.col("high").max(), pl.col("low").min(), pl.col("close").last(),
        pl.col("volume").sum(),
    )  # fmt: skip
    for name in ("open", "high", "low", "close", "volume"):
        near(found[name], expected[name].to_numpy())
    assert [t[11:16] for t in found["time"]] == [f"{t:%H:%M}" for t in expected["time"]]
    # Where bars do not fill a day, the last one ends with it.
    night = bars(1_450, 4).slice(1_430)
    found = {label: run(night, r.Resample(timeframe="7min", label=label))["time"] for label in ("open", "close")}
    assert [t[11:16] for t in found["open"]] == ["23:48", "23:55", "00:00", "00:07"]
    assert [t[11:16] for t in found["close"]] == ["23:55", "00:00", "00:07", "00:14"]
    # Two daily bars of New York: what is before the open and after the close is left out. Its session is a date.
    clocks = ["2003-07-02T13:29", "2003-07-02T13:30", "2003-07-02T19:59", "2003-07-02T20:00", "2003-07-03T16:59"]
    nyse = About(timeframe="1min", calendar="XNYS")
    given = {"time": clocks, "close": [1.0, 2.0, 3.0, 4.0, 5.0], "volume": [1, 2, 3, 4, 5], "x": [1.0, N, 7.0, 4.0, N]}
    found = run(given, r.Resample(timeframe="1d", aggregate={"x": "mean"}), about=nyse)
    assert found == {"time": ["2003-07-02", "2003-07-03"], "close": [3.0, 5.0], "volume": [5.0, 5.0], "x": [7.0, N]}
    # A bar that goes on beyond the close is known at the close: what is traded later is not in it.
    late = run(given, r.Resample(timeframe="1h", origin="midnight"), about=nyse)
    assert late["time"][:2] == ["2003-07-02 13:00:00", "2003-07-02 19:00:00"] and late["close"] == [2.0, 3.0, 5.0]
    # Hours are counted from the open at 9:30, 13:30 UTC, and the last one of a half day ends at 17:00.
    times = {"time": [f"2003-07-03T{clock}" for clock in ("13:30", "14:29", "14:30", "16:59")], "close": [1.0] * 4}
    expected = {"open": ["13:30", "14:30", "16:30"], "close": ["14:30", "15:30", "17:00"]}
    for label, ends in expected.items():
        found = run(times, r.Resample(timeframe="1h", label=label), about=nyse)["time"]
        assert [t[11:16] for t in found] == ends
    days = {"date": ["2020-01-31", "2020-02-03", "2020-02-07", "2020-02-10"], "close": [1.0, 2.0, 3.0, 4.0]}
    assert run(days, r.Resample(timeframe="1w"), about=DAILY) == {
        "date": ["2020-01-27", "2020-02-03", "2020-02-10"], "close": [1.0, 3.0, 4.0]
    }  # fmt: skip
    assert run(days, r.Resample(timeframe="1mo", label="close"), about=DAILY) == {
        "date": ["2020-01-31", "2020-02-29"], "close": [1.0, 4.0]
    }  # fmt: skip
    # A trade at the full minute opens the next bar; one stamped close is in the bar that it ends.
    ticks = {"time": minutes("00:30", "01:00", "01:59", "02:00"), "price": [5.0, 7.0, 6.0, 8.0]}
    ticks["sequence"] = [1, 2, 3, 4]
    found = run(ticks, r.Resample(timeframe="1min"), about=FEATURES)
    assert (found["open"], found["high"], found["low"], found["close"]) == (
        [5.0, 7.0, 8.0], [5.0, 7.0, 8.0], [5.0, 6.0, 8.0], [5.0, 6.0, 8.0]
    )  # fmt: skip
    ends = {"time": minutes("01", "02", "03"), "close": [1.0, 2.0, 3.0]}
    found = run(ends, r.Resample(timeframe="2min"), about=About(timeframe="1min", label="close"))
    assert found == {"time": ["2020-01-01 00:02:00", "2020-01-01 00:04:00"], "close": [2.0, 3.0]}
    # A feature is stamped with the end of what it is taken from: it is known then.
    found = run({"time": minutes("00", "01"), "x": [1.0, 2.0]}, r.Resample(timeframe="2min"), about=FEATURES)
    assert found == {"time": ["2020-01-01 00:02:00"], "x": [2.0]}


def test_adjust():
    days = ["2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07"]
    given = {"date": days, "close": [100.0, 102.0, 50.0, 51.0], "volume": [10, 10, 20, 20]}
    events = [
        {"symbol": "DATA", "kind": "split", "ex_date": "2020-01-06", "value": 2.0},
        {"symbol": "DATA", "kind": "dividend", "ex_date": "2020-01-07", "value": 0.5},
        {"symbol": "DATA", "kind": "split", "ex_date": "2020-01-02", "value": 3.0},
        {"symbol": "OTHER", "kind": "split", "ex_date": "2020-01-03", "value": 7.0},
    ]
    found = run(given, r.Adjust(events=events), about=DAILY)
    # Two for one: each new share is half an old one. 50 / (50 - 0.5) for the dividend.
    assert found["close"] == [100.0, 102.0, 100.0, round(51 * 2 * 50 / 49.5, 12)]
    assert found["volume"] == [10.0, 10.0, 10.0, 10.0]
    assert run(given, r.Adjust(events=events, dividends=False), about=DAILY)["close"] == [100.0, 102.0, 100.0, 102.0]
    back = run(given, r.Adjust(events=events, direction="backward", as_of="2020-01-06"), about=DAILY)
    assert back["close"] == [50.0, 51.0, 50.0, round(51 * 50 / 49.5, 12)]
    assert back["volume"] == [20.0, 20.0, 20.0, 20.0]
    late = [events[0] | {"known_from": "2020-01-06"}]  # known when the day is over: with the close of the 7th
    assert run(given, r.Adjust(events=late), about=DAILY)["close"] == [100.0, 102.0, 50.0, 102.0]
    # Before the open and after the close of New York: 12:00 UTC of the ex-date is without, 23:00 UTC before is with.
    clocks = {"time": ["2020-01-03T23:00", "2020-01-06T12:00", "2020-01-06T15:00"], "close": [102.0, 51.0, 51.0]}
    about = About(timeframe="1min", calendar="XNYS", adjustment="raw")
    assert run(clocks, r.Adjust(events=events[:1]), about=about)["close"] == [102.0, 102.0, 102.0]
    found = r.preview(table(given), r.Adjust(events=events), about=DAILY)
    assert found.about.adjustment == "adjusted" and found.effects[0].cells_changed == {"close": 2, "volume": 2}


def test_adjust_by_what_was_known_corrected_and_withdrawn():
    """A daily row is known at its close, and a date at its end: a correction of the 6th counts from the 7th on."""
    given = {"date": ["2020-01-02", "2020-01-03", "2020-01-06", "2020-01-07"], "close": [100.0, 100.0, 50.0, 50.0]}
    split = {"symbol": "DATA", "kind": "split", "ex_date": "2020-01-03", "value": 2.0, "known_from": "2020-01-01"}

    def closes(*events, **more):
        return run(given, r.Adjust(events=list(events), **more), about=DAILY)["close"]

    assert closes(split) == [100.0, 200.0, 100.0, 100.0]
    corrected = split | {"value": 3.0, "known_from": "2020-01-06"}
    for order in ((split, corrected), (corrected, split)):
        assert closes(*order) == [100.0, 200.0, 100.0, 150.0]  # not six times as much
    withdrawn = split | {"known_to": "2020-01-06T00:00:00Z"}
    assert closes(withdrawn) == [100.0, 200.0, 50.0, 50.0]
    assert closes(split | {"known_to": None}) == closes(split)
    assert closes(split, corrected, direction="backward", as_of="2020-01-07") == [
        pytest.approx(price / 3) for price in (100, 300, 150, 150)
    ]  # fmt: skip
    # Up to as_of all rows go by what was known then; after it each goes by what was known when it was.
    assert closes(split, corrected, direction="backward", as_of="2020-01-03") == [50.0, 100.0, 50.0, 75.0]
    assert closes(withdrawn, direction="backward", as_of="2020-01-06") == [100.0, 100.0, 50.0, 50.0]
    paid = {"symbol": "DATA", "kind": "dividend", "ex_date": "2020-01-06", "value": 20.0, "known_from": "2020-01-01"}
    twice = [*(paid for _ in range(2)), split]  # regular and special: known from the same time, they add up
    assert closes(*twice) == pytest.approx([100.0, 200.0, 100 / 0.6, 100 / 0.6])
    more = paid | {"value": 50.0, "known_from": "2020-01-03"}
    assert closes(paid, more) == pytest.approx([100.0, 100.0, 100.0, 100.0])  # half of the price was paid
    kept = r.recipe_of([r.Adjust(events=[withdrawn])])
    assert r.recipe_of(kept.to_json()) == kept


def test_join(tmp_path):
    utc = pa.timestamp("us", "UTC")
    figures = pa.table({
        "time": pa.array(np.array(["2019-12-01", "2020-01-01", "2020-01-01"], "M8[us]")).cast(utc),
        "known_at": pa.array(np.array(["2020-01-20", "2020-01-10", "2020-01-15"], "M8[us]")).cast(utc),
        "gdp": [1.0, 2.0, 2.5],
        "word": ["old", "first", "revised"],
    })  # fmt: skip
    version = stored(tmp_path, {"US": figures}, about=FEATURES, roles={"known_at": "known_at"})
    context = Context(lambda name: version)
    # Known when the session closes, at 21:00 UTC: the 9th does not know of the 10th, 0:00.
    days = {"date": ["2020-01-08", "2020-01-09", "2020-01-10", "2020-01-15", "2020-01-21"], "close": [1.0] * 5}
    found = run(days, r.Join(dataset="macro@1", symbol="US"), about=DAILY, context=context)
    # What is known late of an earlier month takes no newer month's place.
    assert found["gdp"] == [N, N, 2.0, 2.5, 2.5] and found["word"] == [N, N, "first", "revised", "revised"]
    step = r.Join(dataset="macro@1", symbol="US", columns=["gdp"], prefix="us_", oldest="4d")
    assert run(days, step, about=DAILY, context=context)["us_gdp"] == [N, N, 2.0, 2.5, N]
    shown = r.preview(table(days), r.Join(dataset="macro@1"), about=DAILY, context=context)
    assert shown.effects[0].notes == ["DATA is not in macro@1: its columns are missing"]
    assert shown.to_pandas()["gdp"].isna().all()


def test_indicators_are_those_of_the_sdk():
    import talib

    given = bars(300, 6)
    close, high, low = (np.array(given[name]) for name in ("close", "high", "low"))
    found = run(given, r.Indicator(function="BBANDS", name="bb", settings={"timeperiod": 10}))
    for name, expected in zip(("upper", "middle", "lower"), talib.BBANDS(close, 10), strict=True):
        near(found[f"bb_{name}band"], expected)
    near(run(given, r.Indicator(function="ATR"))["atr"], talib.ATR(high, low, close))
    holes = close.copy()
    holes[[0, 50, 51]] = np.nan
    given = given.set_column(4, "close", pa.array(holes))
    found = run(given, r.Indicator(function="EMA", inputs=["close"], settings={"timeperiod": 5}))["ema"]
    there = ~np.isnan(holes)
    assert [found[i] for i in (0, 50, 51)] == [N, N, N]
    near(np.array(found, dtype=object)[there].tolist(), talib.EMA(close[there], 5))


def test_winsorise_and_normalise():
    random = np.random.default_rng(5)
    values = random.normal(size=200)
    clocks = [f"2020-01-{1 + i // 100:02}T{i % 100 // 60:02}:{i % 100 % 60:02}" for i in range(200)]
    given = {"time": clocks, "x": values}
    found = run(given, r.Winsorise(columns=["x"], window=50, least=20, lower=0.1, upper=0.9))
    expected = [
        v if i < 19 else np.clip(v, *np.quantile(values[max(0, i - 49) : i + 1], (0.1, 0.9)))
        for i, v in enumerate(values)
    ]
    near(found["x"], expected)
    train = values[:100]
    near(run(given, r.Winsorise(fit_until="2020-01-01"))["x"], np.clip(values, *np.quantile(train, (0.01, 0.99))))
    near(run(given, r.Winsorise(low=-1))["x"], np.maximum(values, -1))
    series = pl.Series(values)
    middle, spread = series.rolling_mean(30, min_samples=20), series.rolling_std(30, min_samples=20)
    near(run(given, r.Normalise(window=30))["x_norm"], ((series - middle) / spread).to_numpy())
    low, high = series.rolling_min(30, min_samples=20), series.rolling_max(30, min_samples=20)
    near(run(given, r.Normalise(window=30, method="minmax"))["x_norm"], ((series - low) / (high - low)).to_numpy())
    found = run(given, r.Normalise(fit_until="2020-01-01", suffix=""))
    near(found["x"], (values - train.mean()) / train.std(ddof=1))
    low, middle, high = np.quantile(train, (0.25, 0.5, 0.75))
    found = run(given, r.Normalise(fit_until="2020-01-01", method="robust"))
    near(found["x_norm"], (values - middle) / (high - low))
    shown = r.preview(table(given), r.Normalise(fit_until="2019-01-01"))
    assert shown.effects[0].notes == ["DATA has too few numbers until 2019-01-01, missing: x"]
    flat = {"time": given["time"], "x": np.ones(200)}
    assert set(run(flat, r.Normalise(window=30))["x_norm"]) == {N}


def test_labels():
    prices = [100.0, 101.0, 99.0, 103.0, 102.0, 110.0]
    given = {"time": minutes(*(f"0{i}" for i in range(6))), "open": [p - 0.5 for p in prices], "close": prices}
    assert run(given, r.Label(horizon=2))["label"] == [
        round(b / a - 1, 12) for a, b in zip(prices, prices[2:], strict=False)
    ] + [N, N]  # fmt: skip
    found = run(given, r.Label(horizon=1, entry="next_open", name="y"))["y"]
    assert found == [round(p / (p - 0.5) - 1, 12) for p in prices[1:]] + [N]
    step = r.Label(method="triple_barrier", up=0.015, down=0.005, horizon=2)
    # 100 falls to 99; 101 falls to 99; 99 rises to 103; 103 falls to 102; 102 rises; the last is not decided.
    assert run(given, step)["label"] == [-1.0, -1.0, 1.0, -1.0, 1.0, N]
    step = r.Label(method="triple_barrier", up=0.02, down=0.02, horizon=2)
    assert run(given, step)["label"] == [0.0, 0.0, 1.0, 1.0, 1.0, N]
    both = given | {"high": [p + 5 for p in prices], "low": [p - 5 for p in prices]}
    assert run(both, step)["label"] == [-1.0, -1.0, 1.0, -1.0, 1.0, N]
    scaled = given | {"vol": [1.0, 1.0, 100.0, 1.0, np.nan, 1.0]}
    step = r.Label(method="triple_barrier", up=0.02, down=0.02, horizon=2, scale="vol")
    assert run(scaled, step)["label"][2:] == [0.0, 1.0, N, N]
    shown = r.preview(table(given), [r.Label(horizon=2), r.Derive(name="big", formula="label > 0.01")])
    assert {column.name: column.role for column in shown.columns if column.role == "label"} == {
        "label": "label", "big": "label"
    }  # fmt: skip


FORMULAS = {
    "a + 2 * b - a / b % 3": lambda a, b: a + 2 * b - (a / b) % 3,
    "-a ** 2": lambda a, b: -(a**2),
    "a < b and not b < 1 or a > 2.5": lambda a, b: ((a < b) & ~(b < 1)) | (a > 2.5),
    "0 < a <= 2": lambda a, b: (a > 0) & (a <= 2),
    "where(a > b, a, b) - max(a, b)": lambda a, b: 0 * a,
    "log(-1) + a": lambda a, b: a * np.nan,
    "1 / (a - a)": lambda a, b: a * np.nan,
    "coalesce(lag(a, 2), 7)": lambda a, b: np.append([7, 7], a[:-2]),
    "diff(a, 1)": lambda a, b: np.append([np.nan], np.diff(a)),
    "change(a, 1) * sign(b) + abs(-1) + floor(0.5) + sqrt(4) + exp(0) + min(a, 9) - a":
        lambda a, b: np.append([np.nan], a[1:] / a[:-1] - 1) * np.sign(b) + 4,
    "missing(lag(a, 1))": lambda a, b: np.append([1], np.zeros(len(a) - 1)),
    'sum(col("a b"), 3) - mean(a, 3) * 3': lambda a, b: np.append([np.nan] * 2, np.zeros(len(a) - 2)),
    "std(a, 4)": lambda a, b: pl.Series(a).rolling_std(4).to_numpy(),
    "median(a, 3)": lambda a, b: pl.Series(a).rolling_median(3).to_numpy(),
    "highest(a, 3) - lowest(b, 2)": lambda a, b: (
        pl.Series(a).rolling_max(3) - pl.Series(b).rolling_min(2)
    ).to_numpy(),
    "ema(a, 3)": lambda a, b: pl.Series(a).ewm_mean(span=3, adjust=False, min_samples=3).to_numpy(),
    "mean(1, 2)": lambda a, b: np.append([np.nan], np.ones(len(a) - 1)),
}  # fmt: skip


@pytest.mark.parametrize("text", FORMULAS)
def test_formulas(text):
    random = np.random.default_rng(8)
    a, b = random.uniform(0.5, 3, 40), random.uniform(0.5, 3, 40)
    given = {"time": minutes(*(f"{i:02}" for i in range(40))), "a": a, "b": b, "a b": a}
    with np.errstate(all="ignore"):
        near(Formula(text, "formula").value(rows(table(given), ABOUT)).tolist(), FORMULAS[text](a, b))


@pytest.mark.parametrize(
    ("timeframe", "calendar", "rows", "whole"),
    [
        ("1d", "XNYS", 210, True),  # half a day, to its early close
        ("1d", "XNYS", 209, False),
        ("1h", "XNYS", 205, False),
        ("1w", "XNYS", 210, True),  # a Friday: no session of the week is left
        ("1w", "XNYS", 209, False),
        ("1mo", "XNYS", 210, True),
        ("1d", "24/7", 210, False),
        ("30min", None, 210, True),
        ("30min", None, 200, False),
        ("1d", None, 210, True),  # nobody knows when the day is over
    ],
)
def test_a_last_bar_that_its_rows_do_not_fill_is_told(timeframe, calendar, rows, whole):
    start = np.datetime64("2024-11-29T14:30", "us")
    times = pa.array(start + np.arange(rows) * np.timedelta64(1, "m")).cast(pa.timestamp("us", "UTC"))
    given = pa.table({"time": times, "close": np.arange(rows) + 1.0})
    about = About(timeframe="1min", label="open", calendar=calendar)
    (effect,) = r.preview(given, r.Resample(timeframe=timeframe), about=about).effects
    assert [("is not whole" in note) for note in effect.notes] == ([] if whole else [True])


def test_an_infinity_is_no_part_of_what_is_fitted():
    """Nor of what a window takes its figures of: one of them made all of a column missing."""
    feature = np.append(np.arange(39.0), np.inf)
    times = [f"2020-01-01T00:{minute:02}" for minute in range(40)]
    given = table({"time": times, "x": feature.tolist()})
    scaled = r.Normalise(columns=["x"], fit_until="2020-01-01T00:39")
    near(run(given, scaled, about=FEATURES)["x_norm"][:39], (feature[:39] - 19) / np.std(feature[:39], ddof=1))
    for way in ({"fit_until": "2020-01-01T00:39"}, {"window": 40}):
        bounded = run(given, r.Winsorise(columns=["x"], lower=0.0, upper=1.0, **way), about=FEATURES)["x"]
        assert bounded == [*range(39), 38.0]

"""What steps make of rows that are rare: breaks, late news, whole numbers that no float holds."""

import datetime as dt

import alphintra.recipes as r
import numpy as np
import pyarrow as pa
import pytest
from alphintra.errors import DataError, ParameterError
from alphintra.recipes import Context
from alphintra.store.manifest import About

from tests.sdk.recipes.made import DAILY, FEATURES, rows, run, stored, table

LARGE = 2**53
WEEK = [f"2020-01-{day:02}" for day in (1, 2, 3, 6, 7)]


def test_a_date_of_knowledge_counts_from_its_end(tmp_path):
    """A day's figure that was published on another date was joined to the day itself, weeks too early."""
    dates = pa.array([dt.date(2020, 1, 2), dt.date(2020, 1, 3)])
    figures = {"date": WEEK[:2], "figure": [7.0, 8.0], "known_at": pa.array([dt.date(2020, 1, 6)] * 2)}
    roles = {"date": "time", "known_at": "known_at"}
    assert rows(table(figures), FEATURES, roles).known.astype("M8[us]").astype(str).tolist() == [
        "2020-01-07T00:00:00.000000"
    ] * 2  # fmt: skip
    other = stored(tmp_path, {"M": table(figures)}, about=FEATURES, roles=roles)
    given = {"date": WEEK, "close": [1.0, 2.0, 3.0, 4.0, 5.0]}
    step = r.Join(dataset="figures@1", symbol="M", columns=["figure"])
    assert run(given, step, about=DAILY, context=Context(lambda _: other))["figure"] == [None] * 4 + [8.0]
    with pytest.raises(DataError, match="says when rows were known holds string") as error:
        rows(pa.table({"date": dates, "x": [1.0, 2.0], "known_at": ["2020-01-06", "2020-01-06"]}), FEATURES)
    assert error.value.where == "known_at"


def test_a_row_that_is_filled_in_is_known_when_the_next_one_is():
    """Until then its own may still be published: that it is missing was told by what came later."""
    given = {"date": ["2020-01-01", "2020-01-04", "2020-01-05", "2020-01-07"], "x": [1.0, 2.0, 3.0, 4.0],
             "known_at": ["2020-01-20T12:00", "2020-01-21T12:00", "2020-01-22T12:00", "2020-01-23T12:00"]}  # fmt: skip
    about, expected = About(timeframe="1d"), ["20 12"] + ["21 12"] * 3 + ["22 12"] + ["23 12"] * 2
    found = run(given, r.Fill(rows=True), about=about)
    assert found["x"] == [1.0, 1.0, 1.0, 2.0, 3.0, 3.0, 4.0]
    assert [t[8:13] for t in found["known_at"]] == expected
    found = run(given, r.Fill(rows=True, method="value", value=0), about=about)
    assert found["x"][1:3] == [0.0, 0.0] and [t[8:13] for t in found["known_at"]] == expected
    days = given | {"known_at": pa.array([dt.date(2020, 1, day) for day in (20, 21, 22, 23)])}
    found = run(days, r.Fill(rows=True), about=about)
    assert found["known_at"][:4] == ["2020-01-20", "2020-01-21", "2020-01-21", "2020-01-21"]
    # Most rows are published late, some after their own time would be filled.
    rng = np.random.default_rng(4)
    times = np.unique(rng.integers(0, 300, 150)) * np.timedelta64(1, "m") + np.datetime64("2020-01-01")
    known = np.maximum.accumulate(times + rng.integers(1, 90, len(times)) * np.timedelta64(1, "m"))
    x = rng.normal(0, 1, len(times))
    late = {"time": times.astype(str).tolist(), "known_at": known.astype(str).tolist(), "x": x}
    for more in ({}, {"limit": 1}, {"method": "value", "value": 0}):
        run(late, r.Fill(rows=True, **more), about=About(timeframe="1min"))  # which fails if it looks ahead


@pytest.mark.parametrize(("label", "first"), [("open", "00:00"), ("close", "00:05")])
def test_no_row_is_expected_in_a_break(label, first):
    """Tokyo trades from 9:00 to 11:30 and from 12:30 to 15:00, 0:00 to 2:30 and 3:30 to 6:00 UTC."""
    step = np.timedelta64(5, "m")
    parts = [np.datetime64(f"2024-01-10T{clock}") + step * np.arange(30) for clock in ("00:00", "03:30")]
    times = np.concatenate(parts) + (step if label == "close" else np.timedelta64(0, "m"))
    given = {"time": times.astype(str).tolist(), "close": np.arange(60.0)}
    kept = [row for row in range(60) if row not in (7, 30)]  # one missing inside, one right after the break
    lacking = {name: [values[row] for row in kept] for name, values in given.items()}
    found = run(lacking, r.Fill(rows=True), about=About(timeframe="5min", calendar="XTKS", label=label))
    assert found["time"] == [str(time).replace("T", " ") for time in times.astype("M8[s]")]
    assert found["time"][0].endswith(f"{first}:00") and found["close"][30] == 29.0
    # Bars of hours that Resample counts from the open reach out of the break, and stay.
    hours = run(given, r.Resample(timeframe="1h"), r.Fill(rows=True),
                about=About(timeframe="5min", calendar="XTKS", label=label))  # fmt: skip
    assert len(hours["time"]) == 6


def test_backward_goes_by_what_was_known_at_the_end_of_the_training_part():
    """A split that became known days late left the rows between in old shares, and their prices at half."""
    given = {"date": WEEK, "close": [100.0, 50.0, 50.0, 50.0, 50.0], "volume": [10, 20, 20, 20, 20]}
    late = [{"symbol": "DATA", "kind": "split", "ex_date": "2020-01-02", "value": 2.0, "known_from": "2020-01-05"}]
    found = run(given, r.Adjust(events=late, direction="backward", as_of="2020-01-31"), about=DAILY)
    assert found["close"] == [50.0] * 5 and found["volume"] == [20.0] * 5
    assert run(given, r.Adjust(events=late), about=DAILY)["close"] == [100.0, 50.0, 50.0, 100.0, 100.0]


def test_whole_numbers_that_no_float_holds():
    given = {"time": ["2020-01-01T00:00"] * 3, "id": [LARGE, LARGE + 1, None], "x": [1.0, 1.0, 1.0]}
    assert run(given, r.Deduplicate(by="row"), about=FEATURES)["id"] == [LARGE, LARGE + 1, None]
    # Counting what a step changed refused them, and so did a training part with nothing in it.
    late = r.Winsorise(columns=["id"], fit_until="2019-01-01")
    assert run(given, late, about=FEATURES)["id"] == [float(LARGE), float(LARGE), None]
    assert run(given, r.Winsorise(columns=["id"], low=0, high=5), about=FEATURES)["id"] == [5.0, 5.0, None]


@pytest.mark.parametrize("timeframe", ["25h", "48h", "1441min"])
def test_a_bar_of_hours_is_no_longer_than_a_day(timeframe):
    with pytest.raises(ParameterError, match="longer than a day"):
        r.Resample(timeframe=timeframe)
    assert r.Resample(timeframe="24h").timeframe == "24h"


def test_bars_of_several_days_neither_add_up_nor_are_expected():
    about = About(timeframe="3d", adjustment="raw")
    given = {"date": ["2020-01-01", "2020-01-04", "2020-01-10"], "close": [1.0, 2.0, 3.0]}
    split = [{"symbol": "DATA", "kind": "split", "ex_date": "2020-01-05", "value": 2.0}]
    for step, says in (
        (r.Resample(timeframe="1d"), "bars of 3d do not add up"), (r.Fill(rows=True), "no calendar says"),
        (r.Adjust(events=split), "before and after an event"),
    ):  # fmt: skip
        with pytest.raises((DataError, ParameterError), match=says):
            run(given, step, about=about)


def test_a_number_fills_what_holds_it():
    given = {"time": [f"2020-01-01T00:0{minute}" for minute in range(4)], "yes": [True, None, False, None],
             "count": [1, None, 3, 4]}  # fmt: skip
    found = run(given, r.Fill(columns=["yes"], method="value", value=1), about=FEATURES)
    assert found["yes"] == [True, True, False, True]
    wrong = (("yes", 2, "neither 0 nor 1"), ("count", 1e19, "of 64 bits"), ("count", 0.5, "no whole"))
    for column, value, says in wrong:
        with pytest.raises(ParameterError, match=says):
            run(given, r.Fill(columns=[column], method="value", value=value), about=FEATURES)

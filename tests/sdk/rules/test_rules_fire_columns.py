"""Rules about what columns and symbols say fire on what is wrong in their way, and no other error with it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
from alphintra.rules import Choice
from alphintra.store.opening import open_folder

from tests.sdk.rules.made import (
    CRYPTO,
    DAY,
    MINUTE,
    NYSE_DAYS,
    START,
    check,
    days,
    facts,
    fired,
    minutes,
    places,
    put,
    session_dates,
    session_days,
    walk,
)
from tests.sdk.store.made import write_frames


def test_what_nobody_said() -> None:
    report = check({"A": minutes()}, **CRYPTO | {"adjustment": "unknown", "zone_known": False, "most_rows": 599})
    assert fired(report) == {
        "TS_TZ_MISSING": ("warning", 1), "ADJ_UNKNOWN": ("info", 1), "ROW_LIMIT": ("error", 1)
    }  # fmt: skip
    assert places(report, "ROW_LIMIT") == [("A", "2024-01-02T09:59:00Z")]
    assert not report.is_validated


def test_columns() -> None:
    table = minutes().append_column("Close", pa.array(np.arange(600.0)))
    report = check({"A": table}, Choice(parameters={"COLUMN_LIMIT": {"columns": 6}}), **CRYPTO)
    assert fired(report) == {"SCHEMA_DUP_COLUMN": ("error", 1), "COLUMN_LIMIT": ("error", 1)}
    stated = facts(minutes())
    no_low = replace(stated, columns=tuple(c for c in stated.columns if c.role not in ("low", "close")))
    from alphintra.rules import Validation

    run = Validation(no_low)
    run.see("A", minutes().select(["time", "open", "high", "volume"]))
    assert [p.message for p in run.finish()["SCHEMA_REQUIRED"].places] == [
        "no column is the close", "no column is the low"
    ]  # fmt: skip


def test_symbols() -> None:
    table = minutes(30)
    names = ["AAPL", "aapl", "nan"]
    report = check({name: walk(START + MINUTE * np.arange(30), i) for i, name in enumerate(names)}, **CRYPTO)
    assert fired(report) == {"SYMBOL_CASE": ("error", 1), "SYMBOL_COERCED": ("error", 1)}
    assert (places(report, "SYMBOL_CASE"), places(report, "SYMBOL_COERCED")) == ([("aapl", None)], [("nan", None)])
    report = check({"1": table, "600000": minutes(30, 1)}, **CRYPTO)
    assert places(report, "SYMBOL_COERCED") == [("1", None)]
    assert fired(check({"000001": table, "600000": minutes(30, 1), "NA": table, "TRUE": table}, **CRYPTO)) == {}


def test_a_universe_of_survivors() -> None:
    dates = session_dates("2015-01-02", "2021-12-31")[::40]
    many = {f"S{i:02}": days(dates, i) for i in range(20)}
    left_out = Choice(frozenset({"GAP_SESSION", "FREQ_MISDECLARED"}))
    assert fired(check(many, left_out, **NYSE_DAYS)) == {"SURVIVORSHIP": ("info", 1)}
    many["S07"] = many["S07"].slice(0, len(dates) - 3)
    assert fired(check(many, left_out, **NYSE_DAYS)) == {}


def test_columns_that_know_the_future() -> None:
    table = minutes(1_000)
    close = table["close"].to_numpy()
    rng = np.random.default_rng(3)
    returns = np.append(np.diff(close) / close[:-1], 0)
    features = {
        "momentum": np.append(0, returns[:-1]),
        "leak": returns + rng.normal(0, returns.std(), 1_000),
        "ahead": np.append(close[3:], [np.nan] * 3),
        "next_value": rng.normal(size=1_000),
        "nextel": rng.normal(size=1_000),
        "noise": rng.normal(size=1_000),
    }
    for name, values in features.items():
        table = table.append_column(name, pa.array(values))
    report = check({"A": table}, **CRYPTO)
    assert fired(report) == {"LOOKAHEAD_COLUMN": ("warning", 3)}
    assert [(p.column, p.message) for p in report["LOOKAHEAD_COLUMN"].places] == [
        ("next_value", "its name says 'next': give it the role label, or leave it out"),
        ("ahead", "equals 'close' of 3 rows later in all 997 rows"),
        ("leak", "its correlation with the next return is 0.71, with that of its own row -0.03"),
    ]


def test_times_of_knowledge() -> None:
    times = START + DAY * np.arange(10)
    known = times + 2 * DAY
    known[3] = times[3] - 1  # before its own time, and before the row before was known
    known[6] -= 2 * DAY  # not before its own time, but before an earlier row
    table = pa.table({
        "time": pa.array(times).cast(pa.timestamp("us", "UTC")),
        "earnings": np.arange(10.0),
        "known_at": pa.array(known).cast(pa.timestamp("us", "UTC")),
    })  # fmt: skip
    report = check({"A": table})
    assert fired(report) == {"KNOWN_AT_ORDER": ("error", 2)}
    # A day begins in Auckland before it does in UTC.
    dates = table.set_column(0, "date", table["time"].cast(pa.timestamp("us")).cast(pa.date32()))
    assert [p.time for p in check({"A": dates})["KNOWN_AT_ORDER"].places] == ["2024-01-05", "2024-01-08"]
    assert [p.message for p in check({"A": dates})["KNOWN_AT_ORDER"].places] == ["known before an earlier row"] * 2
    days_known = dates.set_column(2, "known_at", table["known_at"].cast(pa.timestamp("us")).cast(pa.date32()))
    assert places(check({"A": days_known}), "KNOWN_AT_ORDER") == [("A", "2024-01-05"), ("A", "2024-01-08")]
    assert [(p.time, p.message) for p in report["KNOWN_AT_ORDER"].places] == [
        ("2024-01-05T00:00:00Z", "known before its own time"), ("2024-01-08T00:00:00Z", "known before an earlier row")
    ]  # fmt: skip


def test_missing_values() -> None:
    table = minutes(1_000)
    warm = np.append(np.full(200, np.nan), np.arange(800.0))
    holes = warm.copy()
    holes[300:341] = np.nan  # 41 of the 800 that came after the first one
    table = table.append_column("warm", pa.array(warm)).append_column("holes", pa.array(holes))
    report = check({"A": table}, **CRYPTO)
    assert [(p.symbol, p.column, p.message) for p in report["NAN_PATTERN"].places] == [
        ("A", "holes", "5.1% of its values are missing after the first one")
    ]
    daily = session_days("2024-01-02", "2024-12-31")
    for row in range(100, 103):
        daily = put(daily, row, open=None, high=None, low=None, close=None, volume=None)
    report = check({"A": daily}, **NYSE_DAYS)
    assert [(p.time, p.message) for p in report["NAN_PATTERN"].places] == [
        (daily["date"][100].as_py().isoformat(), "3 days without any value")
    ]
    assert fired(report) == {"NAN_PATTERN": ("warning", 1)}


def test_columns_that_say_nothing_and_texts() -> None:
    table = minutes(40).append_column("same", pa.array(np.full(40, 7.0)))
    table = table.append_column("id", pa.array([f"row {i}" for i in range(40)]))
    table = table.append_column("note", pa.array(["=1+1", *["x"] * 38, "y" * 70_000]))
    report = check({"A": table}, **CRYPTO)
    assert fired(report) == {
        "CELL_LIMIT": ("error", 1), "FORMULA_TEXT": ("info", 1), "CONST_COLUMN": ("info", 1), "CARDINALITY": ("info", 1)
    }  # fmt: skip
    assert [(r, report[r].places[0].column) for r in ("CELL_LIMIT", "FORMULA_TEXT", "CONST_COLUMN", "CARDINALITY")] == [
        ("CELL_LIMIT", "note"), ("FORMULA_TEXT", "note"), ("CONST_COLUMN", "same"), ("CARDINALITY", "id")
    ]  # fmt: skip


def test_rows_that_are_there_already(tmp_path: Any) -> None:
    table = minutes(200)
    write_frames(tmp_path / "v", "v1", {"A": table.slice(0, 100)}, roles={n: n for n in table.column_names})
    parent = open_folder(tmp_path / "v")
    stated = {"columns": parent.manifest.columns, "parent": parent, "label": "unknown"}
    assert fired(check({"A": table.slice(50), "B": table}, **CRYPTO | stated)) == {}
    changed = put(table, 60, volume=123_456.0).slice(50)
    report = check({"A": changed, "B": table}, **CRYPTO | stated)
    assert fired(report) == {"OVERLAP_CONFLICT": ("error", 1)}
    assert places(report, "OVERLAP_CONFLICT") == [("A", "2024-01-02T01:00:00Z")]


def test_quotes_that_cross() -> None:
    bid = np.full(10, 99.0) + np.arange(10)
    ask, price = bid + 1, bid + 0.5
    bid[3] = ask[3]
    price[5] = 120.0
    table = pa.table({
        "time": pa.array(START + np.arange(10)).cast(pa.timestamp("us", "UTC")), "bid": bid, "ask": ask, "price": price
    })  # fmt: skip
    report = check({"A": table}, Choice(frozenset({"CONST_COLUMN"})))
    assert fired(report) == {"TICK_CROSSED": ("warning", 2)}
    assert [p.message for p in report["TICK_CROSSED"].places] == [
        "bid 103 is not below ask 103", "the trade at 120 is outside 104 to 105"
    ]  # fmt: skip

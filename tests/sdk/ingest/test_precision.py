"""What is finer than microseconds, or longer than 15 digits: kept as it is, or said with its place."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from alphintra.ingest.mapping import Column

from tests.sdk.ingest.conftest import Desk, rows

START = 1_577_960_000_000_000_000
FINE = [START, START + 1_001, START + 2_000, START + 2_999]
TEXTS = [f"2020-01-02 10:13:20.{own - START:09d}" for own in FINE]
IDS = [(1 << 60) + place for place in range(4)]


def typed(columns: dict[str, Any], kind: str = "parquet") -> bytes:
    sink = io.BytesIO()
    if kind == "feather":
        pyarrow.feather.write_feather(pa.table(columns), sink)
    else:
        pq.write_table(pa.table(columns), sink)
    return sink.getvalue()


def instants(nanoseconds: list[Any]) -> Any:
    return pa.array(nanoseconds, pa.timestamp("ns", "UTC"))


def csv(header: str, *columns: list[Any]) -> str:
    return "\n".join([header, *(",".join(map(str, row)) for row in zip(*columns, strict=True)), ""])


def lines(**columns: list[Any]) -> str:
    found = (dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True))
    return "".join(f"{json.dumps(own)}\n" for own in found)


PRICES = [1.5, 1.25, 1.75, 1.5]
TIMES: dict[str, tuple[str, Callable[[], Any]]] = {
    "Parquet": ("X.parquet", lambda: typed({"ts": instants(FINE), "price": PRICES})),
    "Feather": ("X.feather", lambda: typed({"ts": pa.array(FINE, pa.timestamp("ns")), "price": PRICES}, "feather")),
    "numbers in Parquet": ("X.parquet", lambda: typed({"ts": FINE, "price": PRICES})),
    "numbers in text": ("X.csv", lambda: csv("ts,price", FINE, PRICES)),
    "text": ("X.csv", lambda: csv("ts,price", TEXTS, PRICES)),
    "JSON": ("X.jsonl", lambda: lines(ts=TEXTS, price=PRICES)),
    "two instruments": ("x.csv", lambda: csv("ts,AB_bid,CD_bid,AB_ask,CD_ask", TEXTS, *[PRICES] * 4)),
}  # fmt: skip


@pytest.mark.parametrize("way", TIMES)
def test_nanoseconds_are_cut_and_said(way: str, desk: Desk) -> None:
    name, written = TIMES[way]
    path = desk.write(name, written())
    staged = desk.read(path, zone="UTC")
    assert [(own.rule, own.row, own.column, own.severity) for own in staged.findings] == [
        ("TS_PRECISION", 2, "ts", "warning"), ("TS_PRECISION", 4, "ts", "warning"),
    ]  # fmt: skip
    assert staged.counts == {"TS_PRECISION": 2}
    assert [row["time"].microsecond for row in rows(staged)[:4]] == [0, 1, 2, 2]


def test_nanoseconds_that_are_noughts_are_nothing_to_say(desk: Desk) -> None:
    whole = [START + place * 1_000 for place in range(4)]
    for name, data in (
        ("a.parquet", typed({"ts": instants([*whole[:3], None]), "price": PRICES})),
        ("b.csv", csv("ts,price", whole, PRICES)),
        ("c.csv", csv("ts,price", [f"2020-01-02 10:13:20.{own - START:09d}" for own in whole], PRICES)),
    ):  # fmt: skip
        assert "TS_PRECISION" not in desk.read(desk.write(name, data), zone="UTC").counts


def test_when_values_were_known_is_cut_and_said(desk: Desk) -> None:
    days = pa.array([18_000, 18_001, 18_002, 18_003], pa.int32()).cast(pa.date32())
    columns = {"date": days, "known_at": instants(FINE), "gdp": PRICES}
    staged = desk.read(desk.write("GDP.parquet", typed(columns)))
    assert [(own.row, own.column) for own in staged.findings] == [(2, "known_at"), (4, "known_at")]


DAYS = [f"2020-01-0{place}" for place in (2, 3, 6, 7)]
NUMBERS: dict[str, tuple[str, Callable[[], Any]]] = {
    "text": ("X.csv", lambda: csv("date,close,flow", DAYS, PRICES, IDS)),
    "German text": ("X.csv", lambda: csv("date;close;flow", DAYS, PRICES, IDS).replace(",", ";").replace(".", ",")),
    "JSON": ("X.jsonl", lambda: lines(date=DAYS, close=PRICES, flow=IDS)),
    "Parquet": ("X.parquet", lambda: typed({"date": DAYS, "close": PRICES, "flow": IDS})),
    "Feather": (
        "X.feather", lambda: typed({"date": DAYS, "close": PRICES, "flow": pa.array(IDS, "uint64")}, "feather"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("way", NUMBERS)
def test_whole_numbers_beyond_a_double_are_said(way: str, desk: Desk) -> None:
    name, written = NUMBERS[way]
    path = desk.write(name, written())
    mapping = desk.inspect(path).guess.mapping
    assert mapping.columns[2].role == "feature"
    staged = desk.read_as(path, mapping)
    assert [(own.rule, own.row, own.column) for own in staged.findings] == [
        ("NUMBER_PRECISION", row, "flow") for row in (1, 2, 3, 4)
    ]
    assert {row["flow"] for row in rows(staged)} == {float(1 << 60)}
    columns = (*mapping.columns[:2], Column(2, "flow", "text", "flow"))
    staged = desk.read_as(path, replace(mapping, columns=columns))
    assert ([int(row["flow"]) for row in rows(staged)], staged.counts) == (IDS, {})


@pytest.mark.parametrize("way", NUMBERS)
def test_what_is_called_an_identifier_is_kept_to_the_last_digit(way: str, desk: Desk) -> None:
    name, written = NUMBERS[way]
    data = written()
    staged = desk.read(desk.write(name, (data.encode() if isinstance(data, str) else data).replace(b"flow", b"t_id")))
    assert [int(row["t_id"]) for row in rows(staged)] == IDS
    assert staged.counts == {}


def test_each_instruments_number_is_said_by_its_column_and_that_of_all_once(desk: Desk) -> None:
    text = csv("date,AB_open,CD_open,AB_close,CD_close,AB_volume,CD_volume,flow",
               DAYS, *[PRICES] * 4, [1] * 4, [1, 1, 1 << 62, 1], [1, 1, 1, 1 << 62])  # fmt: skip
    staged = desk.read(desk.write("x.csv", text))
    assert [(own.row, own.line, own.column) for own in staged.findings] == [(3, 4, "CD_volume"), (4, 5, "flow")]


def test_numbers_that_are_doubles_are_nothing_to_say(desk: Desk) -> None:
    large = [float(1 << 60), -1e300, float("nan"), float("inf")]
    columns = {"date": DAYS, "close": PRICES, "flow": large}
    assert desk.read(desk.write("X.parquet", typed(columns))).counts == {}
    just = [(1 << 53) - 1, -(1 << 53) + 1, 0, ""]
    assert desk.read(desk.write("X.csv", csv("date,close,flow", DAYS, PRICES, just))).counts == {}

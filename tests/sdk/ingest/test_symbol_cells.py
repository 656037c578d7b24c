"""Cells of the column of symbols: spaces around a symbol are none of it, and a cell of spaces holds none."""

from __future__ import annotations

import itertools
import random

import duckdb
import pyarrow as pa
import pytest
from alphintra.data.arrow import whole
from alphintra.ingest.coding import _all_alike, numbered

from tests.sdk.ingest.conftest import Desk, rows

SPACES = (*" \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000",)
#: What looks like a space and is none, and texts that begin alike.
CELLS = ("A", "AA", "AAA", "aa", "ÄÄ", "日本", "B", "\t", "\u200b", "\ufeffA", "A B", "")


def cells(rng: random.Random) -> pa.Array:
    some = rng.sample(CELLS, rng.randint(1, 4))
    spaced = [rng.choice(["", *SPACES]) + own + rng.choice(["", " ", *SPACES]) for own in some for _ in range(2)]
    found = rng.choices([*some, *spaced] if rng.random() < 0.7 else some[:1], k=rng.randint(1, 40))
    if rng.random() < 0.3:
        found[rng.randrange(len(found))] = None
    array = pa.array([*found, "before and after"], pa.string())
    start = rng.randrange(len(found))
    return array.slice(start, rng.randint(1, len(found) - start))


def test_symbols_are_trimmed_as_duckdb_trims() -> None:
    """Whatever the cells: of one text, of several with one beginning, with nulls, in the middle of a buffer."""
    columns = [cells(random.Random(seed)) for seed in range(300)]
    held = pa.table({"c": pa.chunked_array(columns)})
    every = duckdb.connect().from_arrow(held).project("nullif(trim(c), '') AS c").fetchall()
    trimmed = iter([own for (own,) in every])
    alike = 0
    for seed, column in enumerate(columns):
        wanted = list(itertools.islice(trimmed, len(column)))
        is_one = len(set(column.to_pylist())) == 1 and column[0].as_py() not in (None, "")
        assert _all_alike(column) == is_one, seed
        alike += is_one
        names, codes = numbered(column)
        assert [None if code < 0 else names[code] for code in codes.tolist()] == wanted, seed
        assert names == list(dict.fromkeys(own for own in wanted if own)), "in the order in which they came"
    assert 60 < alike < 240


@pytest.mark.parametrize("is_sorted", [True, False])
def test_spaces_around_symbols(desk: Desk, is_sorted: bool) -> None:
    """A symbol is one however it is spaced; rows without any are left out, and told with their place."""
    given = ["A", " A", "A\u3000", "\u2003A ", "B", " B", "  ", "\u00a0", ""]
    if not is_sorted:
        given = given[::-1]
    lines = [f"{symbol},2020-01-{day:02},{day}" for day, symbol in enumerate(given, 1)]
    found = desk.read(desk.write("rows.csv", "\n".join(["symbol,date,close", *lines, ""])))
    wanted = sorted((own.strip(), float(day)) for day, own in enumerate(given, 1) if own.strip())
    assert [(row["symbol"], row["close"]) for row in rows(found)] == wanted
    assert (found.rows, found.symbols, found.counts) == (6, 2, {"SCHEMA_REQUIRED": 3})
    missing = [day for day, own in enumerate(given, 1) if not own.strip()]
    assert [(own.rule, own.row, own.line) for own in found.findings] == [
        ("SCHEMA_REQUIRED", row, row + 1) for row in missing
    ]


def test_findings_of_bad_symbols_come_in_the_order_of_the_file(desk: Desk) -> None:
    """However many there are, the first ones are those that are kept."""
    given = ["Z\x01", " Z\x01", "OK", "A\x01", " A\x01", "OK "]
    lines = [f"{symbol},2020-01-{day:02},{day}" for day, symbol in enumerate(given, 1)]
    found = desk.read(desk.write("rows.csv", "\n".join(["symbol,date,close", *lines, ""])))
    assert [(own.rule, own.row) for own in found.findings] == [("SCHEMA_TYPE", row) for row in (1, 2, 4, 5)]
    assert [row["close"] for row in rows(found)] == [3.0, 6.0]


def test_a_column_in_one_piece_is_not_copied() -> None:
    array = pa.array([1.0, 2.0, 3.0])
    part = pa.chunked_array([array]).slice(1)
    assert whole(part).equals(array.slice(1))
    assert whole(part).buffers()[1].address == whole(array).buffers()[1].address == array.buffers()[1].address
    assert whole(pa.chunked_array([array, array])).to_pylist() == [1.0, 2.0, 3.0] * 2
    assert whole(pa.chunked_array([], pa.float64())).to_pylist() == []

"""Staging is sorted whatever the file is, its row groups hold one symbol, and each row knows where it came from."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from alphintra.errors import DataError
from alphintra.ingest.limits import DEFAULT
from alphintra.ingest.reading import Staged, read
from alphintra.ingest.runs import Runs
from alphintra.ingest.staging import FILE_GROUPS, GROUP_ROWS, MOST_CELLS, Block, Writer

from tests.sdk.ingest.conftest import Desk, rows


def groups(staged: Staged) -> list[tuple[str, int]]:
    """Symbol and rows of each row group."""
    found = []
    for path in staged.files:
        file = pq.ParquetFile(path)
        for place in range(file.num_row_groups):
            symbols = set(file.read_row_group(place, columns=["symbol"])["symbol"].to_pylist())
            assert len(symbols) == 1
            found.append((symbols.pop(), file.metadata.row_group(place).num_rows))
    return found


def text(bars: list[tuple[str, int, float]]) -> str:
    lines = [f"{symbol},{1_600_000_000 + 60 * at},{close}\n" for symbol, at, close in bars]
    return "symbol,time,close\n" + "".join(lines)


def test_a_row_group_ends_with_its_symbol_and_at_its_size(desk: Desk) -> None:
    bars = [("A", n, 1.0) for n in range(GROUP_ROWS + 5)] + [("B", n, 2.0) for n in range(7)]
    staged = desk.read(desk.write("a.csv", text(bars)))
    assert groups(staged) == [("A", GROUP_ROWS), ("A", 5), ("B", 7)]
    assert (staged.in_order, staged.numbered) == (True, False)


def test_a_row_group_of_many_columns_has_fewer_rows(tmp_path: Path) -> None:
    """What a sink copies and holds two of is bounded by its cells."""

    class Sink:
        def __init__(self) -> None:
            self.rows: list[int] = []

        def write(self, batches: list[Any]) -> None:
            self.rows.append(sum(batch.num_rows for batch in batches))

        def close(self) -> None:
            pass

        def give_up(self) -> list[Path]:
            return []

    values = [pa.array(np.ones(10_000))] * 399  # one column's bytes for all
    names = [pa.field(f"f{place}", pa.float64()) for place in range(len(values))]
    symbol = pa.field("symbol", pa.dictionary(pa.int32(), pa.string()))
    schema = pa.schema([symbol, pa.field("time", pa.timestamp("us", "UTC")), *names])
    sink = Sink()
    writer = Writer(tmp_path / "rows", schema, sink)
    for start in range(0, 50_000, 10_000):
        assert writer.write(Block(["A"], np.zeros(10_000, np.int64), np.arange(start, start + 10_000), values))
    writer.close()
    assert sink.rows == [MOST_CELLS // 400] * 2 + [50_000 - 2 * (MOST_CELLS // 400)]


@pytest.mark.parametrize("order", ["by time", "newest first", "shuffled", "one step back"])
def test_rows_in_any_order_are_sorted_and_keep_their_row(order: str, desk: Desk) -> None:
    names = ["Z", "a", "é", "AB", "A"]
    bars = [(symbol, at, float(place)) for place, symbol in enumerate(names) for at in range(300)]
    bars += [("A", 7, 70.0), ("A", 7, 71.0)]  # three rows of one time keep their order
    if order == "by time":
        bars.sort(key=lambda own: own[1])
    elif order == "newest first":
        bars.sort(key=lambda own: (own[0].encode(), -own[1]))
    elif order == "shuffled":
        random.Random(7).shuffle(bars)
    else:
        bars.sort(key=lambda own: (own[0].encode(), own[1]))
        bars[-1], bars[-2] = bars[-2], bars[-1]
    staged = desk.read(desk.write("a.csv", text(bars)))
    wanted = sorted(range(len(bars)), key=lambda n: (bars[n][0].encode(), bars[n][1], n))
    found = rows(staged)
    assert [(row["symbol"], row["close"], row["_row"]) for row in found] == [
        (bars[n][0], bars[n][2], n + 1) for n in wanted
    ]
    assert [name for name, _ in groups(staged)] == sorted(names, key=str.encode)
    assert (staged.in_order, staged.numbered) == (False, True)


def test_small_symbols_share_a_file_up_to_a_number_of_groups(desk: Desk) -> None:
    bars = [(f"S{n:04}", at, 1.0) for n in range(FILE_GROUPS + 3) for at in range(2)]
    staged = desk.read(desk.write("a.csv", text(bars)))
    assert [pq.ParquetFile(path).num_row_groups for path in staged.files] == [FILE_GROUPS, 3]
    assert staged.symbols == FILE_GROUPS + 3


def test_rows_that_are_left_out_do_not_shift_the_others(desk: Desk) -> None:
    """Refused by the reader (a word), by its shape, and by what follows (no symbol): all count as rows."""
    lines = [f"A,{1_600_000_000 + 60 * n},{n}.5" for n in range(20)]
    lines[3], lines[4], lines[9], lines[15] = "A,1600000180,x", "A,1600000240", ",1600000540,1", "A,1600000900,1,2"
    lines.insert(0, "symbol,time,close")
    staged = desk.read(desk.write("a.csv", "\n".join(lines) + "\n"))
    left = [n for n in range(20) if n not in (3, 4, 9, 15)]
    assert [(row["_row"], row["close"]) for row in rows(staged)] == [(n + 1, n + 0.5) for n in left]
    assert sorted((own.row, own.line, own.rule) for own in staged.findings) == [
        (4, 5, "SCHEMA_TYPE"), (5, 6, "ROW_SHAPE"), (10, 11, "SCHEMA_REQUIRED"), (16, 17, "ROW_SHAPE"),
    ]  # fmt: skip
    (source,) = staged.sources
    assert (source.missing.tolist(), source.rows, source.first_line) == ([4, 5, 10, 16], 16, 2)


@pytest.mark.parametrize("times", [1, 2, 40, 5_000], ids="{} times".format)
def test_runs_are_put_together_in_pieces_that_fit(times: int, tmp_path: Path) -> None:
    """Runs of a few hundred rows, of which many or all share a time: order by symbol, time, and arrival."""
    rng = np.random.default_rng(times)
    schema = pa.schema([("symbol", pa.string()), ("time", pa.int64()), ("close", pa.float64()), ("note", pa.string())])
    runs = Runs(tmp_path / "runs", schema, size=20_000)
    names, rows_in = ["Z", "a", "é"], []
    for _ in range(12):
        codes, stamps = rng.integers(0, 3, 500), rng.integers(0, times, 500)
        start = len(rows_in)
        notes = [f"n{start + place}" for place in range(500)]
        values = [pa.array(rng.random(500)), pa.array(notes)]
        runs.add(Block(names, codes, stamps, values))
        rows_in += zip([names[code] for code in codes], stamps.tolist(), notes, strict=True)
    found, largest = [], 0
    for block, places in runs.blocks():
        largest = max(largest, len(places))
        own = [block.symbols[code] for code in block.codes]
        found += zip(own, block.times.tolist(), block.values[1].to_pylist(), places.tolist(), strict=True)
    wanted = sorted(range(len(rows_in)), key=lambda n: (rows_in[n][0].encode(), rows_in[n][1], n))
    assert found == [(*rows_in[n], n) for n in wanted]
    assert largest < 600, "twenty kilobytes hold no more"
    assert not list((tmp_path / "runs").iterdir()), "runs have no names once they are written"


@pytest.mark.parametrize("limit,code", [({"rows": 9}, "ROW_LIMIT"), ({"symbols": 1}, "TOO_LARGE")])
def test_rows_and_symbols_are_bounded(limit: dict[str, int], code: str, desk: Desk) -> None:
    path = desk.write("a.csv", text([(symbol, n, 1.0) for symbol in "AB" for n in range(5)]))
    with pytest.raises(DataError) as caught:
        desk.read(path, replace(DEFAULT, **limit))
    assert caught.value.code == code


def test_progress_is_told_in_rows(desk: Desk) -> None:
    path = desk.write("a.csv", text([("A", n, 1.0) for n in range(10)]))
    told: list[Any] = []
    read(path, desk.inspect(path).guess.mapping, desk.folder / "s", progress=told.append)
    assert told[-1] == 10

"""The same four rows in every format that is read end as the same staging."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
import zstandard

from tests.sdk.ingest import workbooks
from tests.sdk.ingest.conftest import Desk, rows

NAMES = ["Date", "Symbol", "Open", "High", "Low", "Close", "Volume"]
CELLS = [
    [dt.date(2020, 1, 2), "AAPL", 1.5, 2.0, 1.25, 1.75, 100.0],
    [dt.date(2020, 1, 3), "AAPL", 1.75, 2.5, 1.5, 2.25, None],
    [dt.date(2020, 1, 2), "TRUE", 10.0, 10.5, 0.1, 0.30000000000000004, 7.0],
    [dt.date(2020, 1, 3), "TRUE", 11.0, 11.5, 10.5, 11.25, 8.0],
]
WANTED = [
    {"symbol": row[1], "date": row[0], "open": row[2], "high": row[3], "low": row[4], "close": row[5], "volume": row[6]}
    for row in CELLS
]


def text(delimiter: str = ",", decimal: str = ".") -> str:
    lines = [delimiter.join(NAMES)]
    for row in CELLS:
        cells = ["" if cell is None else str(cell) for cell in row]
        lines.append(delimiter.join(cell.replace(".", decimal) for cell in cells))
    return "\n".join(lines) + "\n"


def objects() -> list[dict[str, Any]]:
    return [dict(zip(NAMES, [row[0].isoformat(), *row[1:]], strict=True)) for row in CELLS]


def table() -> Any:
    return pa.table({name: [row[place] for row in CELLS] for place, name in enumerate(NAMES)})


def parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(table(), sink)
    return sink.getvalue()


def feather(compression: str) -> bytes:
    sink = io.BytesIO()
    pyarrow.feather.write_feather(table(), sink, compression=compression)
    return sink.getvalue()


def zipped(members: dict[str, bytes]) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return sink.getvalue()


FILES: dict[str, bytes] = {
    "prices.csv": text().encode(),
    "prices.tsv": text("\t").encode(),
    "prices.txt": text("|").encode(),
    "deutsch.csv": text(";", ",").encode(),
    "windows.csv": text().replace("\n", "\r\n").encode(),
    "old-mac.csv": text().replace("\n", "\r").encode(),
    "mixed-ends.csv": text().replace("\n", "\r\n", 2).encode(),
    "no-last-end.csv": text().rstrip("\n").encode(),
    "mark.csv": b"\xef\xbb\xbf" + text().encode(),
    "utf16.csv": text().encode("utf-16"),
    "trailing.csv": text().replace("\n", ",\n").encode(),
    "quoted.csv": text().replace("TRUE", '"TRUE"').encode(),
    "prices.csv.gz": gzip.compress(text().encode()),
    "prices.csv.zst": zstandard.compress(text().encode()),
    "prices.zip": zipped({"data/prices.csv": text().encode(), "__MACOSX/prices.csv": b"junk"}),
    "array.json": json.dumps(objects(), indent=1).encode(),
    "inside.json": json.dumps({"status": "ok", "data": objects()}).encode(),
    "lines.jsonl": "\n".join(json.dumps(own) for own in objects()).encode(),
    "lines.json.gz": gzip.compress("\n".join(json.dumps(own) for own in objects()).encode()),
    "prices.parquet": parquet(),
    "parquet.csv": parquet(),
    "prices.feather": feather("zstd"),
    "lz4.feather": feather("lz4"),
    "prices.xlsx": workbooks.xlsx([NAMES, *CELLS]),
    "epoch1904.xlsx": workbooks.xlsx([NAMES, *CELLS], date1904=True),
    "prices.ods": workbooks.ods([NAMES, *CELLS]),
    "prices.xls": workbooks.xls([NAMES, *CELLS]),
}


def test_names_of_json_may_hold_any_sign(desk: Desk) -> None:
    keys = ["a/b", "a~1b", 'q"q', "back\\slash", "dollar.$[0]", "ümläut", " x "]
    line = {"date": "2020-01-02", **{key: place + 0.5 for place, key in enumerate(keys)}}
    for name, data in (("x.jsonl", json.dumps(line) + "\n" + json.dumps(line)), ("x.json", json.dumps([line]))):
        (first, *_) = rows(desk.read(desk.write(name, data)))
        assert [first[key.strip()] for key in keys] == [place + 0.5 for place in range(len(keys))]


def test_whole_numbers_beside_decimal_commas_have_points_for_thousands(desk: Desk) -> None:
    lines = ["Datum;Schluss;Stücke", "02.01.2020;10,5;1.000", "03.01.2020;11,25;1.234.567", "06.01.2020;11;999"]
    staged = desk.read(desk.write("kurse.csv", "\n".join(lines)), symbol_from="fixed", symbol="X")
    assert [(row["close"], row["volume"]) for row in rows(staged)] == [(10.5, 1000), (11.25, 1234567), (11, 999)]


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_any_format_is_read_to_the_last_bit(name: str, desk: Desk) -> None:
    path = desk.write(name, FILES[name])
    found = desk.inspect(path)
    assert not [own for own in found.guess.questions if own.field not in ("symbol",)], found.guess.questions
    staged = desk.read_as(path, found.guess.mapping)
    assert rows(staged) == WANTED
    assert (staged.rows, staged.symbols, staged.in_order, staged.numbered) == (4, 2, True, False)
    assert not [own for own in staged.findings if own.severity != "info"]
    groups = [own.metadata.num_row_groups for own in map(pq.ParquetFile, staged.files)]
    assert groups == [2], "a row group holds one symbol"
    assert sorted(own.name for own in Path(staged.files[0]).parent.parent.iterdir()) == ["rows"]

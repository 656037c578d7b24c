"""Rows written as each format, read back by others and by our own reader of files."""

import csv
import io
import json
import os
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import UTC, date, datetime

import alphintra as al
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
import pytest
from alphintra.errors import DataError
from alphintra.ingest.inspecting import inspect
from alphintra.ingest.reading import read
from alphintra.store.columns import columns_of
from alphintra.store.exporting import FORMATS, Rows, count, rows_of, write
from alphintra.store.opening import open_folder
from alphintra.store.spreadsheet import MOST_ROWS

from .made import ROLES, bars
from .made import write as write_version

ODD = ["", None, 'say "hi", twice', "two\nlines", "a\r\nb", "Äpfel 東京 🍏", "=1+1", "-x", "@a", "\tt", " padded ",
       "NA", "null", "<b>&amp;</b>", "_x0041_", "\x01\x7f", "comma,", "'"]  # fmt: skip
ROWS = 40


def odd():
    """A table with what gets lost easily."""
    table = bars(ROWS, 5)
    inf = float("inf")
    nasty = [0.1 + 0.2, -0.0, float("nan"), inf, -inf, 5e-324, 1.7976931348623157e308, 1e22, 100.0, None]
    days = [date(2020, 2, 29), None, date(1899, 12, 31), date(1900, 3, 1), date(2100, 1, 1)]
    huge = [2**63 - 1, -(2**63), 2**53 + 1, 0, None]
    stamps = [datetime(2020, 1, 1, 12, 0, 0, 123456, tzinfo=UTC), None, datetime(1969, 12, 31, 23, 59, 59, tzinfo=UTC)]
    more = {
        "nasty": pa.array((nasty * ROWS)[:ROWS], pa.float64()),
        "huge": pa.array((huge * ROWS)[:ROWS], pa.int64()),
        "day": pa.array((days * ROWS)[:ROWS], pa.date32()),
        "seen at": pa.array((stamps * ROWS)[:ROWS], pa.timestamp("us", "UTC")),
        "flag": pa.array([True, False, None, True] * (ROWS // 4), pa.bool_()),
        'no"te, =x': pa.array((ODD * ROWS)[:ROWS], pa.string()),
    }
    for name, values in more.items():
        table = table.append_column(name, values)
    return table


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    folder = tmp_path_factory.mktemp("version")
    write_version(folder, {"東京,1": odd(), "=CMD": odd().slice(3, 20), "NA": odd().slice(0, 2)}, roles=ROLES)
    return open_folder(folder)


@pytest.fixture(scope="module")
def table(version):
    """What the version holds, by the way that notebooks read it."""
    from alphintra.store.reading import read

    found = read(version)
    return found.set_column(0, "symbol", found["symbol"].cast(pa.string()))


class Pipe(io.RawIOBase):
    """Takes bytes and cannot go back."""

    def __init__(self):
        self.parts = []

    def writable(self):
        return True

    def write(self, data):
        self.parts.append(bytes(data))
        return len(data)


def exported(rows, name, **how):
    out = Pipe()
    write(rows, FORMATS[name], out, count(rows, FORMATS[name]), **how)
    return b"".join(out.parts)


def bits(column):
    """Values that tell -0.0 from 0.0 and NaN from nothing."""
    return [None if v is None else v.hex() if isinstance(v, float) else v for v in column.to_pylist()]


def same(found, want):
    assert found.column_names == want.column_names
    for name in want.column_names:
        assert bits(found[name]) == bits(want[name]), name


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_read_back_is_what_was_stored(version, table, name):
    raw = exported(rows_of(version), name)
    types = {field.name: field.type for field in table.schema}
    if name == "parquet":
        same(pq.read_table(io.BytesIO(raw)).cast(table.schema), table)
        assert pq.ParquetFile(io.BytesIO(raw)).schema_arrow.field("time").type == pa.timestamp("us", "UTC")
    elif name == "feather":
        same(pa.ipc.open_file(raw).read_all(), table)
        assert pd.read_feather(io.BytesIO(raw))["close"].tolist() == table["close"].to_pylist()
    elif name == "csv":
        how = pa.csv.ConvertOptions(column_types=types, strings_can_be_null=True, quoted_strings_can_be_null=False,
                                    null_values=[""])  # fmt: skip
        lines = pa.csv.ParseOptions(newlines_in_values=True)
        same(pa.csv.read_csv(io.BytesIO(raw), parse_options=lines, convert_options=how), table)
        frame = pd.read_csv(io.BytesIO(raw), parse_dates=["time"], keep_default_na=False)
        assert frame["close"].tolist() == table["close"].to_pylist()
        assert frame["volume"].dtype == np.float64
        assert frame["time"].dt.tz is not None
        assert frame["symbol"].tolist() == table["symbol"].to_pylist()
    elif name == "jsonl":
        got = [json.loads(line) for line in raw.decode().splitlines()]
        for column in table.column_names:
            want = table[column].to_pylist()
            if column in ("time", "seen at", "day"):
                parse = date.fromisoformat if column == "day" else datetime.fromisoformat
                assert [row[column] and parse(row[column]) for row in got] == want
            else:
                want = [None if v != v else v for v in want]  # there is no NaN in JSON
                assert [repr(row[column]) for row in got] == [repr(v) for v in want], column
    else:
        frame = pd.read_excel(io.BytesIO(raw), engine="calamine", keep_default_na=False)
        assert list(frame.columns) == table.column_names
        assert frame["close"].tolist() == table["close"].to_pylist()
        assert [datetime.fromisoformat(text) for text in frame["time"]] == table["time"].to_pylist()
        texts = [value or "" for value in table['no"te, =x'].to_pylist()]
        assert frame['no"te, =x'].tolist() == texts
        numbers = [value if value == "" else int(value) for value in frame["huge"]]
        assert numbers == ["" if value is None else value for value in table["huge"].to_pylist()]
        nasty = ["" if v == "" else float(v).hex() for v in frame["nasty"]]
        # Excel has no -0.
        assert nasty == ["" if v is None or v != v else (v + 0.0).hex() for v in table["nasty"].to_pylist()]
        days = [value and (value if value < date(1900, 3, 1) else datetime(*value.timetuple()[:3]))
                for value in table["day"].to_pylist()]  # fmt: skip
        assert frame["day"].tolist() == ["" if v is None else v.isoformat() if type(v) is date else v for v in days]
        assert zipfile.ZipFile(io.BytesIO(raw)).testzip() is None


@pytest.mark.parametrize("name", FORMATS)
def test_our_own_reader_takes_it(version, table, name, tmp_path):
    path = tmp_path / f"prices{FORMATS[name].suffixes[0]}"
    path.write_bytes(exported(rows_of(version, ["NA", "東京,1"], ["open", "high", "low", "close", "volume"]), name))
    mapping = inspect(path, tmp_path / "spool").guess.mapping
    # Symbols like these are no symbols to who has to guess.
    first = replace(mapping.columns[0], role="symbol", name="")
    mapping = replace(mapping, columns=(first, *mapping.columns[1:]), symbol_from="column", null_values=())
    staged = read(path, mapping, tmp_path / "staging")
    got = pa.concat_tables([pq.read_table(file) for file in staged.files]).to_pylist()
    want = [row for row in table.to_pylist() if row["symbol"] != "=CMD"]
    columns = ("symbol", "time", "open", "high", "low", "close", "volume")
    assert [tuple(row[c] for c in columns) for row in got] == [tuple(row[c] for c in columns) for row in want]
    assert staged.findings == ()


ALONE = """\
import io, sys
from pathlib import Path
from alphintra_kernel.dataset_reader import Opened
from alphintra_kernel.protocol import Channel
opened, out = Opened(Path(sys.argv[1]), None, None), io.BytesIO()
rows = {"symbols": None, "columns": None, "start": None, "end": None, "escape": True}
drawn = {"symbol": "NA", "column": None, "start": None, "end": None, "first_row": None, "stop_row": None, "points": 9}
asked = [{"type": "candles", **drawn}, {"type": "sketches"}, {"type": "open"}]
for request in [*asked, *({"type": "export", "format": name, **rows} for name in sys.argv[2:])]:
    opened.answer(request, Channel(io.BytesIO(), out), out)
assert out.getvalue().count(b'{"type":"end"}') == 7
print(sorted({"pandas", "numba", "duckdb", "polars", "scipy", "matplotlib"} & set(sys.modules)))
"""


def test_whoever_reads_for_the_server_loads_no_more_than_it_takes(version):
    """Somebody waits for its start."""
    command = [sys.executable, "-P", "-c", ALONE, str(version.files.folder), *FORMATS]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("[]\n", "")


def test_a_part_and_formulas(version, table):
    some = rows_of(version, ["東京,1", "=CMD"], ['no"te, =x'], "2020-01-01 00:06", "2020-01-01 00:08:30")
    text = exported(some, "csv", escape=True).decode()
    got = list(csv.reader(io.StringIO(text, newline="")))
    assert got[0] == ["symbol", "time", 'no"te, =x']
    assert [row[:2] for row in got[1:]] == [
        [symbol, f"2020-01-01T00:0{minute}:00Z"] for symbol in ("東京,1", "'=CMD") for minute in (6, 7, 8)
    ]
    assert [row[2] for row in got[1:4]] == ["'=1+1", "'-x", "'@a"]
    assert "-0.0" not in text
    plain = exported(some, "csv").decode()
    assert "=1+1" in plain
    assert "'" not in plain


def test_what_does_not_fit_excel_is_said_before_a_byte(version):
    times = pa.table({"time": pa.nulls(MOST_ROWS, pa.timestamp("us"))})
    many = Rows(version.manifest.columns[:1], lambda _names: iter([times]))
    with pytest.raises(DataError, match="1,048,576 rows do not fit") as caught:
        count(many, FORMATS["xlsx"])
    assert caught.value.code == "TOO_MANY_ROWS"
    long = pa.table({"symbol": ["A"], "time": bars(1)["time"], "note": ["x" * 32_768]})
    with pytest.raises(DataError, match="does not fit a cell"):
        exported(Rows(columns_of(long.schema), lambda _names: iter([long])), "xlsx")


def test_download_of_what_ships_and_what_is_given(tmp_path):
    data = al.data.load("us-equities-daily/AAPL,MSFT")
    made = data.download(tmp_path / "two.csv")
    frame = pd.read_csv(made)
    assert frame["close"].tolist() == data.to_arrow()["close"].to_pylist()
    assert frame["open_time"][0] == "2000-03-01T14:30:00Z"
    one = frame[frame["symbol"] == "MSFT"].rename(columns={"session": "date"})
    given = al.data.load(one.drop(columns=["open_time", "close_time", "adj_close"]))
    assert pq.read_table(given.download(tmp_path / "given.PARQUET"))["volume"].to_pylist() == one["volume"].tolist()
    vix = al.data.load("vix-daily").download(os.fspath(tmp_path / "v"), "jsonl")
    assert vix.read_text().startswith('{"symbol":"VIX"')
    for path, name in (("x.txt", None), ("x.csv", "pdf")):
        with pytest.raises(DataError) as caught:
            data.download(tmp_path / path, name)
        assert caught.value.code == "UNKNOWN_FORMAT"
    made.chmod(0o600)
    with pytest.raises(OSError, match="nowhere"):
        data.download(tmp_path / "nowhere" / "x.csv")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["given.PARQUET", "two.csv", "v"]

"""What is wrong with a file is said with file, row and column; nothing that it claims is believed; nothing is left."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from alphintra.errors import DataError
from alphintra.ingest import json_reader
from alphintra.ingest.engine import connect
from alphintra.ingest.limits import DEFAULT
from alphintra.ingest.mapping import Mapping
from alphintra.ingest.reading import read

from tests.sdk.ingest import workbooks
from tests.sdk.ingest.conftest import Desk, places, rows

HEAD = "Date,Open,High,Low,Close,Volume\n"
GOOD = "2020-01-02,1,2,0.5,1.5,100\n2020-01-03,1,2,0.5,1.5,100\n"


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return sink.getvalue()


def parquet(table: Any, **options: Any) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, **options)
    return sink.getvalue()


def sheet(cells: str, before: str = "") -> str:
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<?xml version="1.0"?><worksheet xmlns="{main}">{before}<sheetData>{cells}</sheetData></worksheet>'


REFUSED: dict[str, tuple[bytes, str, str]] = {
    # name: bytes, code, what the error says
    "empty.csv": (b"", "EMPTY_FILE", "the file is empty (empty.csv)"),
    "blank.csv": (b"\n\n  \n", "EMPTY_FILE", "the file is empty (blank.csv)"),
    "header.csv": (HEAD.encode(), "NO_ROWS", "there are no rows below the header (header.csv)"),
    "nul.csv": ((HEAD + GOOD).encode() + b"2020-01-06,1,2\x00,0.5,1.5,100\n", "ENCODING", "nul.csv, line 4"),
    "line.csv": (HEAD.encode() + b"2020-01-02," + b"1" * 1_100_000 + b"\n", "CELL_LIMIT", "line.csv, line 2"),
    "wide.csv": ((",".join(f"c{n}" for n in range(10_000)) + "\n" + ",".join("1" * 10_000) + "\n").encode(),
                 "COLUMN_LIMIT", "there are 10,000 columns, more than 2,000"),
    "cut.csv.gz": (gzip.compress((HEAD + GOOD * 5000).encode())[:-20], "TRUNCATED_FILE", "its end is missing (cut."),
    "crc.csv.gz": (gzip.compress(HEAD.encode())[:-8] + bytes(8), "DAMAGED_FILE", "the packed file is damaged"),
    "cut.csv.zst": (zstandard.compress((HEAD + GOOD * 5000).encode())[:-20], "TRUNCATED_FILE", "cut.csv.zst"),
    "cut.zip": (zipped({"a.csv": GOOD.encode()})[:-30], "DAMAGED_FILE", "the zip archive is damaged"),
    "bomb.gz": (gzip.compress(bytes(50 << 20)), "TOO_LARGE", "more than 100 bytes come out for each one"),
    "bomb.zst": (zstandard.compress(bytes(50 << 20)), "TOO_LARGE", "more than 100 bytes come out for each one"),
    "bomb.zip": (zipped({"a.csv": bytes(50 << 20)}), "TOO_LARGE", "more than 100 bytes come out for each one"),
    "many.zip": (zipped({f"{n}.csv": b"" for n in range(4_097)}), "TOO_LARGE", "4,097 entries, more than 4,096"),
    "twice.zip": (zipped({"a.csv.gz": gzip.compress(GOOD.encode())}), "UNKNOWN_FILE_TYPE", "packed twice"),
    "lzma.zip": (zipped({"a.csv": GOOD.encode()}, zipfile.ZIP_LZMA), "UNKNOWN_FILE_TYPE", "other than deflate"),
    "directory.zip": (zipped({"a.csv": GOOD.encode()})[:-10] + struct.pack("<IIH", 1 << 30, 0, 0), "TOO_LARGE",
                      "the archive's directory is longer than 4,096 entries need"),
    "nothing.zip": (zipped({"README.md": b"hello", "d/": b""}), "EMPTY_FILE", "the archive holds no data"),
    "archive.tar": (bytes(257) + b"ustar" + bytes(250), "UNKNOWN_FILE_TYPE", "a tar archive"),
    "chart.csv": (b"\x89PNG\r\n\x1a\n" + bytes(300), "UNKNOWN_FILE_TYPE", "the file is a picture"),
    "blocked.csv": (b"\n<!DOCTYPE html><title>403 Forbidden</title>", "UNKNOWN_FILE_TYPE", "it may say why"),
    "broker.xls": (b"\xef\xbb\xbf<HTML><table><tr><td>Date</td></tr></table>", "UNKNOWN_FILE_TYPE", "a web page"),
    "old.feather": (b"FEA1" + bytes(20), "UNKNOWN_FILE_TYPE", "a Feather file of the first version"),
    "locked.parquet": (b"PARE" + bytes(20), "UNKNOWN_FILE_TYPE", "encrypted footer"),
    "model.pkl": (b"\x80\x04\x95" + bytes(20), "UNKNOWN_FILE_TYPE", "a pickle"),
    "cut.parquet": (parquet(pa.table({"a": [1.0]}))[:-10], "DAMAGED_FILE", "cut.parquet"),
    "garbage.parquet": (b"PAR1" + b"\xff" * 100 + struct.pack("<I", 90) + b"PAR1", "DAMAGED_FILE", "garbage.parquet"),
    "cut.feather": (b"ARROW1\0\0" + bytes(50), "DAMAGED_FILE", "cut.feather"),
    "cut.xlsx": (workbooks.xlsx([["Date"]])[:-40], "DAMAGED_FILE", "cut.xlsx"),
    # 1.4 kB that let calamine ask for 549 GB.
    "corner.xlsx": (workbooks.xlsx([], sheet=sheet('<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576">'
                    '<c r="XFD1048576"><v>1</v></c></row>')), "TOO_LARGE", "span 17,179,869,184 cells"),
    "prefixed.xlsx": (workbooks.xlsx([], sheet=sheet("").replace("<sheetData>", "<sheetData>"
                      '<x:row xmlns:x="http://schemas.openxmlformats.org/spreadsheetml/2006/main" r="1"><x:c r="A1"/>'
                      '<x:c r="XFD1048576"><x:v>1</x:v></x:c></x:row>')), "TOO_LARGE", "span 17,179,869,184 cells"),
    "dimension.xlsx": (workbooks.xlsx([], sheet=sheet('<row r="1"><c r="A1"><v>1</v></c></row>',
                       '<dimension ref="A1:XFD1048576"/>')), "TOO_LARGE", "span 17,179,869,184 cells"),
    "entities.xlsx": (workbooks.xlsx([], sheet='<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>'),
                      "DAMAGED_FILE", "declares entities"),
    "bomb.xlsx": (workbooks.xlsx([], sheet=sheet(" " * (60 << 20))), "TOO_LARGE", "more than 100 bytes come out"),
    "binary.xlsx": (zipped({"[Content_Types].xml": b"<x/>", "xl/workbook.bin": b"1"}), "UNKNOWN_FILE_TYPE", "xlsb"),
    "corner.xls": (workbooks.xls([], cells=workbooks.record(0x0203, struct.pack("<HHHd", 0, 0, 15, 1)) * 1
                   + workbooks.record(0x0203, struct.pack("<HHHd", 65_535, 255, 15, 1))), "TOO_LARGE",
                   "span 16,777,216 cells"),
    "secret.xlsx": (workbooks.compound(bytes(5_000), "EncryptedPackage"), "DAMAGED_FILE", "the workbook is encrypted"),
    "cut.xls": (workbooks.xls([["Date"]])[:700], "DAMAGED_FILE", "cut.xls"),
    "repeat.ods": (workbooks.ods([], content='<table:table-row table:number-rows-repeated="1048576"><table:table-cell '
                   'table:number-columns-repeated="16384" office:value-type="float" office:value="1"/>'
                   "</table:table-row>"),
                   "TOO_LARGE", "span 17,179,869,184 cells"),
    "deep.json": (b"[" * 100_000, "BAD_JSON", "there are more than 16 levels"),
    "cut.json": (b'[{"Date": "2020-01-02", "Close": 1}, {"Date": "2020-', "TRUNCATED_FILE", "cut.json, row 2"),
    "value.json": (b'[{"Date": "' + b"x" * 1_000_000 + b'"}]', "CELL_LIMIT", "value.json, row 1"),
    "twice.json": (b'[{"Date": "2020-01-02", "Close": 1, "Close": 2}]', "SCHEMA_DUP_COLUMN", "twice.json, row 1"),
    "nan.json": (b'[{"Date": "2020-01-02", "Close": NaN}]', "BAD_JSON", "nan.json, row 1"),
    "mixed.json": (b'[{"Date": "2020-01-02"}, [1, 2, 3], 4]', "BAD_JSON", "mixed.json, row 3"),
    "pandas.json": (b'{"Close": {"0": 1}}', "BAD_JSON", "orient='records'"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_read_is_refused_by_name(name: str, desk: Desk) -> None:
    data, code, said = REFUSED[name]
    path = desk.write(name, data)
    with pytest.raises(DataError) as caught:
        desk.read(path)
    assert caught.value.code == code
    assert said in str(caught.value)
    assert caught.value.hint, "it says what to do"
    assert [own.name for own in desk.folder.iterdir()] == [name], "nothing is left behind"


DAYS = [[dt.date(2020, 1, day), float(day)] for day in range(1, 31)]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("note.xlsx", workbooks.xlsx([["Date", "Close"], *DAYS, ["delayed", None]]), "is neither a day nor a time"),
        ("epoch.csv", b"Date,Close\n1577923200000,1\ndelayed,4\n", "is not a number of milliseconds since 1970"),
        ("days.csv", b"Date,Close\n2020-01-02,1\ndelayed,4\n", "is not a time like %Y-%m-%d"),
    ],
)
def test_what_is_no_time_is_said_in_words(name: str, data: bytes, said: str, desk: Desk) -> None:
    whole = desk.inspect(desk.write(name, data.replace(b"delayed,4\n", b""))).guess.mapping
    (found,) = desk.read_as(desk.write(name, data), whole).findings
    assert (found.rule, found.message, found.column) == ("TS_PARSE", f"'delayed' {said}", "Date")


FOUND: dict[str, tuple[str, list[tuple[str, str]], int]] = {
    # name: text, rule and place of each finding, rows that are left
    "short.csv": (HEAD + GOOD + "2020-01-06,1,2\n2020-01-07,1,2,0.5,1.5,1\n",
                  [("ROW_SHAPE", "short.csv, row 3 (line 4)")], 3),
    "long.csv": (HEAD + "2020-01-01,1,2,0.5,1.5,1,9,9\n" + GOOD, [("ROW_SHAPE", "long.csv, row 1 (line 2)")], 2),
    "end.csv": (HEAD + GOOD + "2020-01-06,1,2,0", [("TRUNCATED_FILE", "end.csv, row 3 (line 4)")], 2),
    "word.csv": (HEAD + GOOD + "\n\n2020-01-06,1,2,0.5,halted,1\n",
                 [("SCHEMA_TYPE", "word.csv, row 3 (line 6), column 'Close'")], 2),
    "gaps.csv": (HEAD + GOOD + "\n,1,2,0.5,1.5,1\n", [("TS_PARSE", "gaps.csv, row 3, column 'Date'")], 2),
    "quote.csv": (HEAD + GOOD + '2020-01-06,1,2,0.5,"1.5"x,1\n' + "2020-01-07,1,2,0.5,1.5,1\n",
                  [("ROW_SHAPE", "quote.csv, row 3 (line 4)")], 3),
    "formats.csv": (HEAD + GOOD + "06/01/2020,1,2,0.5,1.5,1\n",
                    [("TS_PARSE", "formats.csv, row 3 (line 4), column 'Date'")], 2),
    "february.csv": (HEAD + "2020-02-28,1,2,0.5,1.5,1\n2021-02-29,1,2,0.5,1.5,1\n2020-03-02,1,2,0.5,1.5,1\n",
                     [("TS_PARSE", "february.csv, row 2 (line 3), column 'Date'")], 2),
    "timeless.csv": (HEAD + GOOD + ",1,2,0.5,1.5,1\n",
                     [("TS_PARSE", "timeless.csv, row 3 (line 4), column 'Date'")], 2),
    "either.csv": (HEAD + "01/02/2020,1,2,0.5,1.5,1\n03/04/2020,1,2,0.5,1.5,1\n",
                   [("TS_AMBIGUOUS", "either.csv, column 'Date'")], 2),
    "comma.csv": (HEAD.replace(",", ";") + "2020-01-02;1;2;0,5;1,5;100\n2020-01-03;1;2;0.7x;1,5;100\n",
                  [("SCHEMA_TYPE", "comma.csv, row 2 (line 3), column 'Low'")], 1),
    "lost.csv": (HEAD.replace("\n", ",Note\n") + "2020-01-02,1,2,0.5,1.5,100,caf\ufffd\n",
                 [("ENCODING", "lost.csv, line 2")], 1),
    "formula.csv": (HEAD.replace("\n", ",Note\n") + "2020-01-02,1,2,0.5,1.5,100,=HYPERLINK(A1)\n"
                    "2020-01-03,1,2,0.5,1.5,-100,-1 day\n",
                    [("FORMULA_TEXT", "formula.csv, row 1 (line 2), column 'Note'"),
                     ("FORMULA_TEXT", "formula.csv, row 2 (line 3), column 'Note'")], 2),
    "ticker.csv": (f"Date,Symbol,Close\n2020-01-02,AAPL,1\n2020-01-02,,2\n2020-01-02,NA,3\n2020-01-02,000001,3\n"
                   f"2020-01-02,{'X' * 65},4\n2020-01-02,A\tB,5\n",
                   [("SCHEMA_REQUIRED", "ticker.csv, row 2 (line 3), column 'Symbol'"),
                    ("SCHEMA_TYPE", "ticker.csv, row 5 (line 6), column 'Symbol'"),
                    ("SCHEMA_TYPE", "ticker.csv, row 6 (line 7), column 'Symbol'")], 3),
    "first.jsonl": ('{"Date":"2020-01-02","Clo\n{"Date":"2020-01-03","Close":1}\n',
                    [("SCHEMA_TYPE", "first.jsonl, row 1 (line 1)")], 1),
    "spaced.jsonl": ('{"Date":"2020-01-02","Close":1}\n\n{"Date":"2020-01-03","Close":"x"}\n',
                     [("SCHEMA_TYPE", "spaced.jsonl, row 2, column 'Close'")], 1),
    "lines.jsonl": ('{"Date":"2020-01-02","Close":1}\n{"Date":"2020-01-03","Close":\n[1]\n'
                    '{"Date":"2020-01-06","Close":"x"}\n{"Date":"2020-01-07","Close":1,"Close":2}\n'
                    '{"Date":"2020-01-08","Close":{"a":1}}\n{"Date":"2020-01-09","Close":3}\n',
                    [("SCHEMA_TYPE", "lines.jsonl, row 2 (line 2)"), ("SCHEMA_TYPE", "lines.jsonl, row 3 (line 3)"),
                     ("SCHEMA_TYPE", "lines.jsonl, row 4 (line 4), column 'Close'"),
                     ("SCHEMA_DUP_COLUMN", "lines.jsonl, row 5 (line 5)"),
                     ("SCHEMA_TYPE", "lines.jsonl, row 6 (line 6), column 'Close'")], 2),
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND)
def test_a_row_that_cannot_be_read_is_a_finding_with_its_place(name: str, desk: Desk) -> None:
    data, wanted, left = FOUND[name]
    staged = desk.read(desk.write(name, data))
    assert places(staged) == wanted
    assert staged.rows == left
    assert sum(staged.counts.values()) == len(wanted)


def test_a_quote_that_is_not_closed_says_how_much_it_takes(desk: Desk) -> None:
    path = desk.write("open.csv", HEAD + GOOD + '2020-01-06,1,2,0.5,"1.5,1\n' + GOOD * 3)
    staged = desk.read(path)
    assert [(own.where, own.message) for own in staged.findings] == [
        ("open.csv, row 3 (line 4)", "a quote is not closed: up to 6 lines after it are not read"),
    ]  # fmt: skip
    assert staged.rows == 2


def test_findings_beyond_the_first_are_counted(desk: Desk) -> None:
    path = desk.write("many.csv", HEAD + GOOD + "2020-01-06,1,2,0.5,x,1\n" * 50 + "2020-01-07,1,2,0.5,1.5,1\n")
    staged = desk.read(path, replace(DEFAULT, places=3))
    assert staged.counts == {"SCHEMA_TYPE": 50}
    assert [own.row for own in staged.findings] == [3, 4, 5]
    assert [row["_row"] for row in rows(staged)] == [1, 2, 53]


def test_a_file_of_which_most_is_refused_is_refused(desk: Desk) -> None:
    path = desk.write("wrong.csv", HEAD + GOOD + "2020-01-06,1,2,0.5,x,1\n" * 50)
    with pytest.raises(DataError, match="more than 20 rows or cells cannot be read") as caught:
        desk.read(path, replace(DEFAULT, rejects=20))
    assert caught.value.where == "wrong.csv, row 3 (line 4), column 'Close'"


def test_a_file_whose_name_looks_like_a_pattern_is_that_file(desk: Desk) -> None:
    folder = desk.folder / "[ab]*"
    folder.mkdir()
    (folder / "x?.csv").write_text(HEAD + GOOD)
    (folder / "xy.csv").write_text("other\n")
    assert desk.read(folder / "x?.csv", symbol_from="fixed", symbol="X").rows == 2


def test_no_row_is_left_out_in_silence_when_many_are_too_short(desk: Desk) -> None:
    """A row of one cell is as many errors to the reader as cells are missing, and it notes a number of errors."""
    names = ",".join(f"x{n}" for n in range(100))
    good = ",".join(["2020-01-02,1", *["0"] * 100]) + "\n"
    text = f"Date,Close,{names}\n" + good * 5 + "2020-01-03\n" * 200 + good
    mapping = desk.inspect(desk.write("whole.csv", f"Date,Close,{names}\n" + good)).guess.mapping
    path = desk.write("short.csv", text)
    staged = desk.read_as(path, mapping, replace(DEFAULT, rejects=2_000))
    assert (staged.rows, staged.counts) == (6, {"ROW_SHAPE": 200})
    with pytest.raises(DataError, match="more than 1,000 rows or cells cannot be read"):
        desk.read_as(path, mapping, replace(DEFAULT, rejects=1_000))


def test_names_of_members_are_never_paths(desk: Desk) -> None:
    names = ["../../evil.csv", "/etc/evil.csv", "C:\\evil.csv", "a/b/c.csv"]
    path = desk.write("paths.zip", zipped({name: (HEAD + GOOD).encode() for name in names}))
    staged = desk.read(path, symbol_from="fixed", symbol="X")
    assert [own.name for own in staged.sources] == [f"paths.zip/{name}" for name in sorted(names)]
    assert sorted(own.name for own in desk.folder.iterdir()) == ["paths.zip", "staging2"]
    assert not (desk.folder.parent / "evil.csv").exists()


def test_an_archive_that_lies_about_its_size_is_counted_while_it_is_unpacked(desk: Desk) -> None:
    raw = bytearray(zipped({"a.csv": bytes(5 << 20)}))
    for signature, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        struct.pack_into("<I", raw, raw.index(signature) + at, 100)
    with pytest.raises(DataError) as caught:
        desk.read(desk.write("lie.zip", bytes(raw)))
    assert caught.value.code in ("DAMAGED_FILE", "TOO_LARGE")


def test_a_parquet_file_of_kilobytes_does_not_become_gigabytes(desk: Desk) -> None:
    count = 12_000_000
    zeros = pa.DictionaryArray.from_arrays(pa.repeat(pa.scalar(0, pa.int8()), count), pa.array([0.0]))
    times = pa.repeat(pa.scalar(0, pa.timestamp("us")), count)
    path = desk.write("tall.parquet", parquet(pa.table({"time": times, "Close": zeros})))
    assert path.stat().st_size < 110_000
    with pytest.raises(DataError, match=r"the file holds 12,000,000 rows or more.*tall\.parquet"):
        desk.read(path)


@pytest.mark.parametrize("kind", ["nested", "binary"])
def test_columns_that_are_not_flat_are_left_out_or_refused_by_name(kind: str, desk: Desk) -> None:
    column = pa.array([[1]] if kind == "nested" else [b"x"])
    table = pa.table({"Date": ["2020-01-02"], "Close": [1.5], "Odd": column})
    path = desk.write("odd.parquet", parquet(table))
    assert rows(desk.read(path)) == [{"symbol": "odd", "date": dt.date(2020, 1, 2), "close": 1.5}]
    mapping = desk.inspect(path).guess.mapping
    used = tuple(replace(own, role="feature", name="odd") if own.source == "Odd" else own for own in mapping.columns)
    with pytest.raises(DataError, match=f"the column is {kind}: .*column 'Odd'"):
        desk.read_as(path, replace(mapping, columns=used))


def test_two_columns_of_one_name(desk: Desk) -> None:
    path = desk.write("twice.csv", "Date,Close,close,X,x\n2020-01-02,1,2,3,4\n")
    found = desk.inspect(path)
    twice = "SCHEMA_DUP_COLUMN"
    assert [(own.rule, own.column) for own in found.findings] == [(twice, "close"), (twice, "x")]
    assert [own.role for own in found.guess.mapping.columns] == ["time", "close", "feature", "feature", "ignore"]
    both = tuple(replace(own, role="feature", name="Close") if own.source == "close" else own
                 for own in found.guess.mapping.columns)  # fmt: skip
    with pytest.raises(DataError, match="two columns are called 'Close'"):
        desk.read_as(path, replace(found.guess.mapping, columns=both))


def test_a_mapping_is_checked_without_loading_a_parser() -> None:
    program = (
        "import sys; from alphintra.ingest.mapping import Mapping, fingerprint; import alphintra.ingest\n"
        "print(sorted({'duckdb', 'pyarrow', 'numpy', 'ijson', 'python_calamine', 'zstandard'} & set(sys.modules)))\n"
        "print(alphintra.ingest.fingerprint is fingerprint, {*dir(alphintra.ingest)} == {*alphintra.ingest._WHERE})\n"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120, check=True)
    assert found.stdout.split() == ["[]", "True", "True"]


def test_the_reader_has_no_network_no_other_file_and_no_settings(tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("1\n")
    (tmp_path / "other.csv").write_text("2\n")
    with connect(DEFAULT, [tmp_path / "mine.csv"], tmp_path / "spool") as connection:
        assert connection.sql(f"SELECT * FROM read_csv('{tmp_path}/mine.csv', header=false)").fetchall() == [(1,)]
        for statement in (
            f"SELECT * FROM read_csv('{tmp_path}/other.csv')",
            "SELECT * FROM read_csv('http://127.0.0.1:9/x.csv')",
            f"COPY (SELECT 1) TO '{tmp_path}/out.csv'",
            "INSTALL httpfs",
            "SET threads = 8",
            "SET enable_external_access = true",
        ):
            with pytest.raises(duckdb.Error):
                connection.execute(statement)
    assert not (tmp_path / "out.csv").exists()


def test_memory_is_bounded_whatever_the_file(desk: Desk) -> None:
    """What 600,000 rows take beyond ten, in a process of their own."""
    line = "2020-01-02 09:30:00,AAPL,1.5,2.5,0.5,1.75,100\n"
    head = "time,symbol,open,high,low,close,volume\n"
    files = [desk.write("small.csv", head + line * 10), desk.write("large.csv", head + line * 600_000)]
    program = """
import sys
from dataclasses import replace
from pathlib import Path
from alphintra.ingest.inspecting import inspect
from alphintra.ingest.reading import read
for name in sys.argv[1:]:
    path = Path(name)
    mapping = replace(inspect(path, path.with_suffix(".spool")).guess.mapping, zone="UTC")
    rows = read(path, mapping, path.with_suffix(".staging")).rows
    print(rows, int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) // 1024)
"""
    found = subprocess.run([sys.executable, "-c", program, *files], capture_output=True, text=True, timeout=300)
    assert found.returncode == 0, found.stderr
    (few, before), (many, after) = (map(int, own.split()) for own in found.stdout.splitlines())
    assert (few, many) == (10, 600_000)
    assert after - before < 200


def test_a_file_that_is_refused_half_way_leaves_nothing(desk: Desk) -> None:
    def stop(count: int) -> None:
        raise KeyboardInterrupt

    path = desk.write("prices.csv", HEAD + GOOD)
    mapping = desk.inspect(path).guess.mapping
    with pytest.raises(KeyboardInterrupt):
        read(path, mapping, desk.folder / "half", progress=stop)
    assert [own.name for own in desk.folder.iterdir()] == ["prices.csv"]


def test_a_mapping_for_other_columns_is_refused(desk: Desk) -> None:
    mapping = desk.inspect(desk.write("a.csv", HEAD + GOOD)).guess.mapping
    moved = desk.write("b.csv", "Date,Open,Low,High,Close,Volume\n" + GOOD)
    with pytest.raises(DataError, match=r"column 3 is 'Low', not 'High' \(b\.csv\)"):
        desk.read_as(moved, mapping)
    with pytest.raises(DataError, match="the file is parquet, not csv"):
        desk.read_as(desk.write("c.parquet", parquet(pa.table({"a": [1]}))), mapping)


BROKEN: list[tuple[Callable[[dict[str, Any]], object], str]] = [
    (lambda own: own.update(format="exe"), "mapping.format must be one of csv"),
    (lambda own: own.update(columns=1), "mapping.columns must be a list"),
    (lambda own: own.update(surprise=1), "without the field 'surprise'"),
    (lambda own: own["columns"][0].pop("role"), r"mapping.columns\[0\] lacks a field"),
    (lambda own: own["columns"][0].update(format="'; DROP"), "is not a format of times"),
    (lambda own: own["columns"][0].update(format="%Y\n"), "is not a format of times"),
    (lambda own: own["columns"][1].update(name="_row"), "the name '_row' is taken"),
    (lambda own: own["columns"][1].update(divisor=0), "nothing can be divided by 0"),
    (lambda own: own["columns"][1].update(divisor=True), r"divisor must be a number"),
    (lambda own: own["columns"][1].update(role="close"), "several columns are the close"),
    (lambda own: own["columns"][0].update(role="ignore"), "exactly one of these must be there"),
    (lambda own: own["dialect"].update(delimiter="\n"), "cannot stand between cells"),
    (lambda own: own["dialect"].update(delimiter=",,"), "not one character"),
    (lambda own: own.update(zone="Mars/Olympus"), "there is no time zone 'Mars/Olympus'"),
    (lambda own: own.update(symbol_from="fixed", symbol="A\n"), "is not a symbol"),
]


@pytest.mark.parametrize("change,said", BROKEN)
def test_a_mapping_that_comes_back_is_not_trusted(change: Any, said: str, desk: Desk) -> None:
    mapping = desk.inspect(desk.write("a.csv", HEAD + GOOD)).guess.mapping
    assert Mapping.from_json(mapping.to_json()) == mapping
    own = json.loads(mapping.to_json())
    change(own)
    with pytest.raises(DataError, match=said):
        Mapping.from_json(json.dumps(own))


@pytest.mark.parametrize("name", ["x.jsonl", "x.json"])
def test_a_first_look_at_wide_objects_takes_few_of_them(name: str, desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand objects of thousands of names each, all different, would be a gigabyte."""
    monkeypatch.setattr(json_reader, "SAMPLE_CELLS", 40)
    found = [{"time": f"2020-01-02 00:00:{place:02}", "close": 1, "note": "x" * 64} for place in range(50)]
    data = "\n".join(map(json.dumps, found)) if name.endswith("l") else json.dumps(found)
    look = desk.inspect(desk.write(name, data))
    assert len(look.rows) == 5
    assert desk.read_as(desk.folder / name, replace(look.guess.mapping, zone="UTC", label="open")).rows == 50

"""Files damaged at random: each ends as staging with findings, or in an error that names the file; nothing is lost in
silence, nothing is left on disk, and no other exception comes out. 60 seeds here, 1,000 in ``make fuzz``."""

from __future__ import annotations

import datetime as dt
import gzip
import io
import json
import random
import re
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
import zstandard
from alphintra.errors import DataError
from alphintra.ingest.mapping import Mapping

from tests.sdk.ingest import workbooks
from tests.sdk.ingest.conftest import Desk, rows

NAMES = ["Date", "Symbol", "Open", "High", "Low", "Close", "Volume", "Note"]
ROWS = [
    [dt.date(2020, 1, 1) + dt.timedelta(days=n), symbol, 10.5 + n, 11.5 + n, 9.5 + n, 10.25 + n, 100.0 * n, f"n{n}"]
    for symbol in ("AAA", "BBB")
    for n in range(40)
]


def lines() -> list[str]:
    return [",".join(NAMES), *(",".join(map(str, row)) for row in ROWS)]


def table() -> Any:
    return pa.table({name: [row[place] for row in ROWS] for place, name in enumerate(NAMES)})


def parquet() -> bytes:
    sink = io.BytesIO()
    pq.write_table(table(), sink)
    return sink.getvalue()


def feather() -> bytes:
    sink = io.BytesIO()
    pyarrow.feather.write_feather(table(), sink)
    return sink.getvalue()


def records() -> list[str]:
    return [json.dumps(dict(zip(NAMES, [str(row[0]), *row[1:]], strict=True))) for row in ROWS]


def zipped(name: str, data: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return sink.getvalue()


def wide(*, joined: bool) -> list[str]:
    """The same bars, a row for each day: what each column is, and whose, in two rows or in one."""
    pairs = [(field, symbol) for field in NAMES[2:7] for symbol in ("AAA", "BBB")]
    head = [["Price", *(field for field, _ in pairs)], ["Ticker", *(symbol for _, symbol in pairs)], ["Date"]]
    head[2] += [""] * len(pairs)
    if joined:
        head = [["Date", *(f"{symbol}.{field}" for field, symbol in pairs)]]
    own = {(row[0], row[1]): row for row in ROWS}
    days = sorted({row[0] for row in ROWS})
    body = [[day, *(own[day, symbol][NAMES.index(field)] for field, symbol in pairs)] for day in days]
    return [",".join(map(str, row)) for row in [*head, *body]]


CLEAN: dict[str, bytes] = {
    "csv": "\n".join([*lines(), ""]).encode(),
    "jsonl": "\n".join([*records(), ""]).encode(),
    "json": ("[" + ",\n".join(records()) + "]").encode(),
    "parquet": parquet(),
    "feather": feather(),
    "xlsx": workbooks.xlsx([NAMES, *ROWS]),
    "ods": workbooks.ods([NAMES, *ROWS]),
    "xls": workbooks.xls([NAMES, *ROWS]),
    "wide": "\n".join([*wide(joined=False), ""]).encode(),
    "joined": "\n".join([*wide(joined=True), ""]).encode(),
}
#: A damage to one line of text; the rest must survive it.
LINE: list[Callable[[random.Random, str], str]] = [
    lambda rng, line: line.replace(",", "", 1),
    lambda rng, line: line + "," * rng.randint(1, 5),
    lambda rng, line: line.replace(",", '","', 1),
    lambda rng, line: '"' + line,
    lambda rng, line: line.replace("2020-", "2020/"),
    lambda rng, line: line.replace(".", ","),
    lambda rng, line: line.replace("0", "O"),
    lambda rng, line: line[: rng.randint(0, len(line))],
    lambda rng, line: line + "\r",
    lambda rng, line: "\n\n" + line,
    lambda rng, line: line.replace("n", "=cmd|' /C calc'!A"),
    lambda rng, line: line.replace(",", ", "),
    lambda rng, line: line.replace("20", "99999"),
    lambda rng, line: line.replace("n", "\u202e\ufffd"),
    lambda rng, line: "",
    lambda rng, line: line + "\n" + line,
    lambda rng, line: "".join(rng.sample(line, len(line))),
    lambda rng, line: line.replace("n", "x" * rng.choice([100, 70_000])),
    lambda rng, line: "[" * rng.choice([3, 50, 5_000]) + line,
    lambda rng, line: line.replace(":", "::"),
]


def _flip(rng: random.Random, data: bytes) -> bytes:
    own = bytearray(data)
    for _ in range(rng.choice([1, 4, 64])):
        own[rng.randrange(len(own))] = rng.randrange(256)
    return bytes(own)


def _insert(rng: random.Random, data: bytes, piece: bytes) -> bytes:
    place = rng.randrange(len(data) + 1)
    return data[:place] + piece + data[place:]


#: A damage to all of a file.
WHOLE: list[Callable[[random.Random, bytes], bytes]] = [
    lambda rng, data: data[: rng.randrange(len(data))],
    lambda rng, data: data[rng.randrange(len(data)) :],
    _flip,
    _flip,
    _flip,
    lambda rng, data: _insert(rng, data, b"\0" * rng.randint(1, 4_000)),
    lambda rng, data: _insert(rng, data, bytes(rng.randrange(128, 256) for _ in range(8))),
    lambda rng, data: _insert(rng, data, b"1" * 1_200_000),
    lambda rng, data: data.split(b"\n")[0],
    lambda rng, data: b"",
    lambda rng, data: data * 2,
    lambda rng, data: data.replace(b",", b";"),
    lambda rng, data: data.replace(b"Close", b"Open"),
    lambda rng, data: b",".join(b"c%d" % n for n in range(10_000)) + b"\n" + data,
    lambda rng, data: b"\xff\xfe" + data,
    lambda rng, data: data.decode("latin-1").encode("utf-16"),
    lambda rng, data: b"\xef\xbb\xbf" * 2 + data,
    lambda rng, data: data.replace(b"\n", b"\r"),
]
PACKINGS: list[Callable[[random.Random, bytes], bytes]] = [
    lambda rng, data: gzip.compress(data),
    lambda rng, data: zstandard.compress(data),
    lambda rng, data: zipped(rng.choice(["../../x.csv", "/x", "a\\b.json", "\u202e.exe", "x" * 300, "."]), data),
    lambda rng, data: gzip.compress(data + bytes(rng.choice([0, 5_000_000]))),
    lambda rng, data: gzip.compress(data)[: -rng.randint(1, 20)],
    lambda rng, data: zipped("x.csv", zipped("y.csv", data)),
    lambda rng, data: _flip(rng, zipped("x.csv", data)),
    lambda rng, data: _flip(rng, zstandard.compress(data)),
]


@cache
def _mapping(kind: str) -> Mapping:
    """The mapping of a file that is not damaged."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(folder))
        return desk.inspect(desk.write("clean", CLEAN[kind])).guess.mapping


def _damaged(rng: random.Random) -> tuple[str, bytes, tuple[int, int] | None]:
    """A kind of file, its bytes, and how many lines were damaged and how many made blank, if that is known."""
    kind = rng.choice(["csv", "csv", "csv", "jsonl", "wide", *CLEAN])
    data = CLEAN[kind]
    touched: tuple[int, int] | None = None
    if kind in ("csv", "jsonl") and rng.random() < 0.6:
        first = 1 if kind == "csv" else 0
        own = data.decode().split("\n")[:-1]
        if rng.random() < 0.3:
            own[first:] = rng.sample(own[first:], len(own) - first)
        damaged = rng.sample(range(first, len(own)), rng.randint(1, 3))
        for place in damaged:
            own[place] = rng.choice(LINE)(rng, own[place])
        touched = len(damaged), sum(not own[place].strip() for place in damaged)
        data = "\n".join([*own, ""]).encode()
    elif kind in ("wide", "joined") and rng.random() < 0.6:
        own = data.decode().split("\n")
        for place in rng.sample(range(len(own)), rng.randint(1, 3)):
            own[place] = rng.choice(LINE)(rng, own[place])
        data = "\n".join(own).encode()
    else:
        data = rng.choice(WHOLE)(rng, data)
    if rng.random() < 0.3:
        data = rng.choice(PACKINGS)(rng, data)
    return kind, data, touched


def _check(seed: int, desk: Desk) -> None:
    rng = random.Random(seed)
    kind, data, touched = _damaged(rng)
    # The name says nothing, or something wrong.
    path = desk.write(f"damaged.{rng.choice(['csv', 'parquet', 'xlsx', kind])}", data)
    remembered = _mapping(kind)
    try:
        found = desk.inspect(path)
        json.dumps(found.to_json())
        mapping = remembered if touched is not None or rng.random() < 0.5 else found.guess.mapping
        staged = desk.read_as(path, mapping)
    except DataError as error:
        # A guess with open questions has no file to name.
        assert path.name in (error.where or "") or error.code in ("SCHEMA_REQUIRED", "BAD_MAPPING"), error
        assert [own.name for own in desk.folder.iterdir()] == [path.name]
        return
    left = rows(staged)
    assert staged.rows == len(left) > 0
    key = "time" if "time" in left[0] else "date"
    keys = [(row["symbol"].encode(), row[key], row.get("_file", 0), row.get("_row", 0)) for row in left]
    assert [own[:2] for own in keys] == sorted(own[:2] for own in keys)
    for own in staged.findings:
        assert own.file.startswith(path.name) and own.message
        assert own.message.isprintable()
    if touched is None:
        return
    wanted = {tuple(map(str, row)) for row in ROWS}
    names = ("date", "symbol", "open", "high", "low", "close", "volume", "Note")
    read = {tuple(str(row[name]) for name in names) for row in left}
    errors = sum(own.severity == "error" for own in staged.findings)
    for own in staged.findings:
        swallowed = re.search(r"up to (\d+) lines after it are not read", own.message)
        errors += int(swallowed.group(1)) if swallowed else 0
    damaged, blank = touched
    # A row that is not there is another one now, or is said.
    assert len(wanted - read) <= len(read - wanted) + blank + errors, "rows are lost without a word"
    # A line that was doubled or torn may make one more row than it was.
    assert len(read - wanted) <= 2 * damaged, "rows were made up"


@pytest.mark.parametrize("block", range(6))
def test_a_damaged_file_ends_in_a_finding_or_an_error(block: int, tmp_path: Any) -> None:
    for seed in range(block * 10, block * 10 + 10):
        folder = tmp_path / str(seed)
        folder.mkdir()
        _check(seed, Desk(folder))


@pytest.mark.slow
@pytest.mark.parametrize("block", range(47))
def test_a_thousand_damaged_files(block: int, tmp_path: Any) -> None:
    for seed in range(60 + block * 20, 80 + block * 20):
        folder = tmp_path / str(seed)
        folder.mkdir()
        _check(seed, Desk(folder))

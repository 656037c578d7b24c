"""Rows are stored and read back: equal, pruned, cut, in every library."""

import contextlib
import datetime as dt
import io
import subprocess
import sys
import textwrap
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from alphintra.data.content_hash import content_hash, hash_of_blocks
from alphintra.errors import DataError, UnknownDataset
from alphintra.store import Column, VersionWriter, converting, finding, reading
from alphintra.store.columns import columns_of
from alphintra.store.hashing import stored_hash
from alphintra.store.open_file import Rules
from alphintra.store.opening import open_folder
from alphintra.store.staging import rows_by_symbol, staged_rows

from tests.sdk.store.made import write_frames

from .made import MINUTE, ROLES, SMALL, START, arrays, bars, expected_hash, write

TABLES = {"MSFT": bars(5_300, 1), "AAPL": bars(70_000, 2), "BTC/USDT": bars(10, 3), "Ä": bars(1_000, 4)}


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    folder = tmp_path_factory.mktemp("version")
    write(folder, TABLES)
    return open_folder(folder)


def test_what_is_read_is_what_was_written_and_has_the_same_hash(version):
    manifest = version.manifest
    assert manifest.symbols == ("AAPL", "BTC/USDT", "MSFT", "Ä")  # in the order of their bytes
    assert manifest.symbol_rows.tolist() == [70_000, 10, 5_300, 1_000]
    assert manifest.content_hash == expected_hash(TABLES)
    read = converting.to_numpy(reading.read(version))
    assert list(read) == list(manifest.symbols)
    for symbol, columns in arrays(TABLES).items():
        assert list(read[symbol]) == ["time", "open", "high", "low", "close", "volume"]
        for name, values in columns.items():
            assert np.array_equal(read[symbol][name], values), (symbol, name)
    assert content_hash(read) == manifest.content_hash
    assert stored_hash(manifest, reading.batches(version))[0] == manifest.content_hash
    blocks = reading.block_digests(version)
    assert len(blocks) == 6 * (2 + 1 + 1 + 1)  # AAPL has more than 65,536 rows
    assert hash_of_blocks(blocks) == manifest.content_hash


def test_a_row_group_holds_one_symbol_and_a_file_a_bounded_number_of_them(version):
    groups = [len(file.rows) for file in version.manifest.files]
    assert groups == [4] * 19 + [2]  # 70 + 1 + 6 + 1 groups, small symbols in one file
    for number, file in enumerate(version.manifest.files):
        with version.files.open(file) as path:
            parquet = pq.ParquetFile(path)
            assert path.stat().st_size == file.bytes
            for group in range(parquet.num_row_groups):
                table = parquet.read_row_group(group)
                assert table["symbol"].unique().to_pylist() == [version.manifest.symbols[file.symbol[group]]], number
                times = table["time"].cast(pa.int64()).to_numpy()
                assert (len(times), times[0], times[-1]) == (file.rows[group], file.first[group], file.last[group])
                assert len(table) <= 1_000
            with duckdb.connect() as connection:
                query = f"select count(*), min(close), max(time) from '{path}'"
                (other,) = connection.execute(query).fetchall()
            whole = pl.read_parquet(path)
            assert other == (len(whole), whole["close"].min(), whole["time"].max())  # as others read it


def test_files_are_cut_by_bytes_and_large_symbols_have_their_own(tmp_path):
    tables = {"A": bars(9_000, 1), "B": bars(300, 2), "C": bars(300, 3)}
    rules = Rules(group_rows=1_000, groups=512, file_bytes=50_000, shared_bytes=10_000)
    manifest = write(tmp_path, tables, rules=rules)
    held = [sorted({manifest.symbols[s] for s in file.symbol}) for file in manifest.files]
    assert held[-1] == ["B", "C"]  # small ones share
    assert held[:-1] == [["A"]] * (len(held) - 1)
    assert len(held) > 2  # the large one is cut by time
    assert all(file.bytes < 100_000 for file in manifest.files)
    assert manifest.content_hash == expected_hash(tables)  # files are not part of it


def test_the_hash_and_statistics_depend_on_values_alone(tmp_path):
    tables = {"A": bars(3_000, 1)}
    whole = write(tmp_path / "a", tables, rules=Rules())
    cut = write(tmp_path / "b", tables, rules=Rules(group_rows=700, codec="zstd"))
    with VersionWriter(tmp_path / "c", "v1", whole.columns) as writer:
        for start in range(0, 3_000, 311):  # as batches that fit nothing
            for batch in tables["A"].slice(start, 311).to_batches():
                writer.add("A", batch)
        batched = writer.finish()
    assert whole.content_hash == cut.content_hash == batched.content_hash == expected_hash(tables)
    assert whole.sample == cut.sample == batched.sample
    assert whole.statistics == cut.statistics == batched.statistics
    assert [file.rows.tolist() for file in cut.files] == [[700, 700, 700, 700, 200]]


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        (None, None, 0, 69_999),
        ("2020-01-02", "2020-01-02", 1_440, 2_879),  # the whole day
        ("2020-01-02 10:00", "2020-01-02 10:02", 2_040, 2_042),
        (dt.datetime(2020, 1, 1, 16, 39, 30, tzinfo=dt.UTC), "2020-01-01 16:40", 1_000, 1_000),  # a group's first row
        (None, "2019-12-31 23:59:59", 0, -1),
        ("2020-02-18 14:39", None, 69_999, 69_999),
        ("2020-02-18 14:40", None, 0, -1),
    ],
)
def test_a_range_of_time(version, start, end, first, last):
    got = reading.read(version, "AAPL", ["close"], start, end)
    assert got.column_names == ["symbol", "time", "close"]
    want = arrays(TABLES)["AAPL"]
    assert np.array_equal(got["close"].to_numpy(), want["close"][first : last + 1])
    assert np.array_equal(got["time"].cast(pa.int64()).to_numpy(), want["time"][first : last + 1])
    assert set(got["symbol"].to_pylist()) == ({"AAPL"} if last >= first else set())
    parts = [table for _, table in reading.batches(version, "AAPL", ["close"], start, end)]
    assert sum(map(len, parts)) == last - first + 1


def test_only_row_groups_that_overlap_are_read(version):
    found = finding.find(version.manifest, ["MSFT"], ["close"], "2020-01-01 16:40", "2020-01-01 16:41")
    assert found.rows == 1_000
    assert [column.name for column in found.columns] == ["time", "close"]
    assert finding.find(version.manifest, ["BTC/USDT", "Ä"]).rows == 1_010


def test_symbols_come_in_the_order_they_are_asked_for(version):
    got = reading.read(version, ["Ä", "BTC/USDT"], "volume", end="2020-01-01 00:01")
    assert got["symbol"].to_pylist() == ["Ä", "Ä", "BTC/USDT", "BTC/USDT"]
    assert list(converting.to_numpy(got)) == ["Ä", "BTC/USDT"]


def test_symbols_in_an_order_that_goes_to_and_fro_between_files(tmp_path):
    tables = {f"S{i}": bars(1_500 + i, i) for i in range(8)}  # two groups each, two symbols a file
    write(tmp_path, tables)
    version = open_folder(tmp_path)
    opened = []

    class Counting:
        def open(self, file):
            opened.append(file.sha256)
            return version.files.open(file)

    order = ["S7", "S0", "S5", "S1", "S6"]
    counted = reading.Version(version.manifest, Counting())
    got = reading.read(counted, order, ["close"], end="2020-01-02")
    assert len(opened) == len(set(opened)) == 3
    want = pa.concat_tables([tables[symbol] for symbol in order])["close"].to_pylist()
    assert got["close"].to_pylist() == want
    runs = [symbol for symbol in order for _ in range(len(tables[symbol]))]
    assert got["symbol"].to_pylist() == runs
    assert [symbol for symbol, _ in reading.batches(version, order)] == [s for s in order for _ in range(2)]


def test_a_version_over_a_wire_is_read_in_ranges(version):
    class Wire(io.BytesIO):
        bytes_read = 0

        def read(self, size=-1):
            found = super().read(size)
            Wire.bytes_read += len(found)
            return found

    class Files:
        @contextlib.contextmanager
        def open(self, file):
            with version.files.open(file) as path:
                yield Wire(path.read_bytes())

    remote = reading.Version(version.manifest, Files())
    got = reading.read(remote, "AAPL", ["close"], "2020-01-10", "2020-01-10")
    assert got.equals(reading.read(version, "AAPL", ["close"], "2020-01-10", "2020-01-10"))
    assert len(got) == 1_440
    assert 0 < Wire.bytes_read < sum(file.bytes for file in version.manifest.files) / 4


def test_rows_that_another_tool_staged(tmp_path):
    tables = {"A": bars(3_000, 1), "B": bars(50, 2), "C": bars(4_000, 3)}
    parts = [t.append_column("symbol", pa.array([s] * len(t))) for s, t in tables.items()]
    staged = pa.concat_tables(parts)
    staged = staged.append_column("_row", pa.array(range(len(staged))))
    connection = duckdb.connect()
    whole = connection.sql("select * from staged order by symbol, time")
    whole.write_parquet(str(tmp_path / "1.parquet"), row_group_size=2_048)  # whose groups hold several symbols
    for way, rows in (
        ("files", staged_rows([tmp_path / "1.parquet"])),
        ("stream", rows_by_symbol(whole.to_arrow_reader(2_048))),  # nothing is written in between
        ("tables", rows_by_symbol(parts)),
    ):
        pieces = list(rows)
        cut = ["A", "B", "C"] if way == "tables" else ["A", "A", "B", "C", "C", "C"]
        assert [symbol for symbol, _ in pieces] == cut
        with VersionWriter(tmp_path / way, "v1", columns_of(bars(1).schema, ROLES)) as writer:
            for symbol, table in pieces:
                assert ("_row" in table.column_names) == (way != "tables")
                writer.add(symbol, table)
            assert writer.finish().content_hash == expected_hash(tables)


def test_memory_is_that_of_a_few_row_groups(tmp_path):
    program = textwrap.dedent(
        f"""
        import sys
        sys.path.insert(0, {str(Path(__file__).parents[3])!r})
        from pathlib import Path
        import numpy as np
        import pyarrow as pa
        from alphintra.store import VersionWriter, reading
        from alphintra.store.columns import Column
        from alphintra.store.opening import open_folder
        folder = Path({str(tmp_path)!r})
        columns = (Column("time", "timestamp[us, UTC]", "time"), Column("x", "double"), Column("y", "double"))
        rows, pool = 131_072, pa.default_memory_pool()
        with VersionWriter(folder, "v1", columns) as writer:
            for n in range(24):
                time = pa.array(np.arange(n * rows, (n + 1) * rows), pa.timestamp("us", "UTC"))
                values = np.random.default_rng(n).normal(size=rows)
                parts = [pa.array(values[:1_000]), pa.array(values[1_000:])]  # joined, they are Arrow's own memory
                writer.add("A", pa.table([time, *[pa.concat_arrays(parts)] * 2], names=["time", "x", "y"]))
            writer.finish()
        wrote = pool.max_memory()
        assert sum(len(table) for _, table in reading.batches(open_folder(folder))) == 24 * rows
        print(wrote / 2**20, pool.max_memory() / 2**20)
        """
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=300)
    written, read = map(float, ran.stdout.split())
    assert 3 < written < 60  # MiB; 72 were written, 3 are one row group
    assert written <= read < 60


def test_pandas_and_polars(version):
    table = reading.read(version, "BTC/USDT", ["close", "volume"])
    frame = converting.to_pandas(table, version.manifest, one=True)
    want = TABLES["BTC/USDT"].to_pandas().set_index("time")[["close", "volume"]]
    pd.testing.assert_frame_equal(frame, want)
    both = converting.to_pandas(reading.read(version, ["BTC/USDT", "Ä"]), version.manifest, one=False)
    assert both.index.names == ["symbol", "time"]
    pd.testing.assert_frame_equal(both.loc["BTC/USDT"][["close", "volume"]], want)
    polars = converting.to_polars(table)
    assert polars.columns == ["symbol", "time", "close", "volume"]
    assert polars["close"].to_list() == want["close"].tolist()
    assert polars["time"].dtype == pl.Datetime("us", "UTC")


def test_every_type_with_what_is_missing(tmp_path):
    table = pa.table(
        {
            "date": pa.array([dt.date(2020, 1, day) for day in (1, 2, 3, 6)]),
            "score": pa.array([1.5, None, float("nan"), -0.0]),
            "count": pa.array([1, None, 3, 2**62], pa.int64()),
            "flag": pa.array([True, None, False, True]),
            "text": pa.array(["é", None, "", "日本"]),
            "known_at": pa.array([1, None, 3, 4], pa.timestamp("us", "UTC")),
            "small": pa.array([1, 2, 3, 4], pa.int16()),
            "kind": pa.array(["a", "b", "a", "b"]).dictionary_encode(),
        }
    )
    manifest = write(tmp_path, {"X": table}, roles={"date": "time"})
    assert [c.type for c in manifest.columns] == [
        "date32", "double", "int64", "bool", "string", "timestamp[us, UTC]", "int64", "string",
    ]  # fmt: skip
    version = open_folder(tmp_path)
    read = reading.read(version)
    for name in ("date", "count", "flag", "text", "known_at", "small"):
        assert read[name].to_pylist() == table[name].to_pylist(), name
    assert read["kind"].to_pylist() == ["a", "b", "a", "b"]
    assert str(read["score"].to_pylist()) == "[1.5, nan, nan, -0.0]"  # a number that is missing is NaN
    assert stored_hash(manifest, reading.batches(version))[0] == manifest.content_hash
    with pytest.raises(DataError, match="cannot say so") as caught:
        converting.to_numpy(read)
    assert (caught.value.code, caught.value.where) == ("EMPTY_CELL", "X, count")
    assert converting.to_numpy(reading.read(version, columns=["score", "small"]))["X"]["date"].dtype == np.int32
    days = reading.read(version, start="2020-01-02 00:00:01", end="2020-01-05")  # a date begins at 00:00
    assert days["date"].to_pylist() == [dt.date(2020, 1, 3)]


def test_whole_numbers_that_no_float_holds_stay_whole_in_pandas(tmp_path):
    """With one missing pandas made floats of them, and the numbers of trades those of others."""
    times = pa.array([1, 2, 3], pa.timestamp("us", "UTC"))
    ids, few = [2**60 + 1, None, -(2**60) - 1], [1, None, 2**53 - 1]
    table = pa.table({"time": times, "id": pa.array(ids, pa.int64()), "few": pa.array(few, pa.int64())})
    manifest = write(tmp_path / "v", {"A": table}, roles={"time": "time"})
    frame = converting.to_pandas(reading.read(open_folder(tmp_path / "v")), manifest, one=True)
    assert str(frame["id"].dtype) == "Int64" and [int(frame["id"].iloc[row]) for row in (0, 2)] == [ids[0], ids[2]]
    assert frame["id"].isna().tolist() == frame["few"].isna().tolist() == [False, True, False]
    assert frame["few"].dtype == float and frame["few"].iloc[2] == 2**53 - 1


def test_missing_texts_and_numbers_have_their_own_hash(tmp_path):
    def hashed(values, kind, name):
        table = pa.table({"date": pa.array([1, 2], pa.int32()).cast(pa.date32()), "x": pa.array(values, kind)})
        return write(tmp_path / name, {"X": table}, roles={"date": "time"}).content_hash

    empty, missing = hashed(["a", ""], pa.string(), "1"), hashed(["a", None], pa.string(), "2")
    zero, none = hashed([1, 0], pa.int64(), "3"), hashed([1, None], pa.int64(), "4")
    assert len({empty, missing, zero, none}) == 4
    dates = np.array([1, 2], np.int32)
    assert empty == content_hash({"X": {"date": dates, "x": np.array(["a", ""], object)}})
    assert zero == content_hash({"X": {"date": dates, "x": np.array([1, 0])}})
    assert hashed([True, False], pa.bool_(), "5") == content_hash({"X": {"date": dates, "x": np.array([True, False])}})
    nan = content_hash({"X": {"date": dates, "x": np.array([0.0, np.nan])}})
    assert hashed([-0.0, None], pa.float64(), "6") == hashed([0.0, float("nan")], pa.float64(), "7") == nan


def test_ticks_of_one_time_keep_their_order(tmp_path):
    time = pa.array([START, START, START, START + 1], pa.timestamp("us", "UTC"))
    table = pa.table({"time": time, "price": [3.0, 1.0, 2.0, 4.0]})
    write(tmp_path, {"T": table}, rules=Rules(group_rows=2), roles={"time": "time"})
    read = reading.read(open_folder(tmp_path), start="2020-01-01", end="2020-01-01 00:00")
    assert read["price"].to_pylist() == [3.0, 1.0, 2.0]  # across two row groups


def test_frames_of_pandas_and_polars_are_written(tmp_path):
    table = bars(50)
    pandas = table.to_pandas().set_index("time")
    polars = pl.from_arrow(table)
    hashes = {
        write_frames(tmp_path / "1", "v1", {"A": pandas}).content_hash,
        write_frames(tmp_path / "2", "v1", {"A": polars}).content_hash,
        expected_hash({"A": table}),
    }
    assert len(hashes) == 1


COLUMNS = (Column("time", "timestamp[us, UTC]", "time"), Column("x", "double"))


def rows(*times, **columns):
    return pa.table({"time": pa.array(times, pa.timestamp("us", "UTC")), "x": [1.0] * len(times)} | columns)


@pytest.mark.parametrize(
    ("add", "code", "says"),
    [
        ([("B", rows(1)), ("A", rows(1))], "NOT_SORTED", "comes after 'B'"),
        ([("A", rows(1)), ("B", rows(1)), ("A", rows(2))], "NOT_SORTED", "comes after 'B'"),
        ([("A", rows(2, 1))], "NOT_SORTED", "times go back"),
        ([("A", rows(1, 2)), ("A", rows(1))], "NOT_SORTED", "A, time"),
        ([("A", rows(1, None))], "NOT_SORTED", "a time is missing"),
        ([("A", rows(1).drop_columns("x"))], "BAD_COLUMN", "A, x"),
        ([("A", rows(1, x=pa.array(["one"])))], "BAD_COLUMN", "cannot be stored as double"),
        ([("", rows(1))], "BAD_SYMBOL", "''"),
        ([(" A", rows(1))], "BAD_SYMBOL", "' A'"),
        ([("A\n", rows(1))], "BAD_SYMBOL", "printable"),
        ([("A" * 129, rows(1))], "BAD_SYMBOL", "printable"),
        ([], "NO_ROWS", "no rows"),
        ([("A", rows())], "NO_ROWS", "no rows"),
    ],
)
def test_rows_that_cannot_be_stored(tmp_path, add, code, says):
    with pytest.raises(DataError, match=says) as caught, VersionWriter(tmp_path, "v1", COLUMNS, rules=SMALL) as writer:
        for symbol, table in add:
            writer.add(symbol, table)
        writer.finish()
    assert caught.value.code == code
    assert not (tmp_path / "manifest.json").exists()


@pytest.mark.parametrize(
    ("columns", "says"),
    [
        ((COLUMNS[1],), "one column has to be the time"),
        ((COLUMNS[0], COLUMNS[0]), "two columns have this name"),
        ((COLUMNS[0], Column("symbol", "string")), "two columns have this name"),
        ((COLUMNS[0], Column("y", "float16")), "there is no type 'float16'"),
        ((Column("time", "double", "time"),), "one column has to be the time"),
        ((COLUMNS[0], Column("a\x00b", "double")), "not printable"),
        ((COLUMNS[0], *(Column(f"c{i}", "double") for i in range(2_000))), "2,001 columns"),
    ],
)
def test_columns_that_cannot_be_stored(tmp_path, columns, says):
    with pytest.raises(DataError, match=says) as caught:
        VersionWriter(tmp_path, "v1", columns)
    assert caught.value.code == "BAD_COLUMN"


def test_a_type_that_is_not_stored_is_named(tmp_path):
    nested = pa.table({"time": pa.array([1], pa.timestamp("us", "UTC")), "x": [[1, 2]]})
    with pytest.raises(DataError, match="list") as caught:
        write_frames(tmp_path, "v1", {"A": nested})
    assert (caught.value.code, caught.value.where) == ("BAD_COLUMN", "x")
    naive = pa.table({"time": pa.array([1], pa.timestamp("us"))})
    with pytest.raises(DataError, match="times with a zone"):
        write_frames(tmp_path, "v1", {"A": naive})


@pytest.mark.parametrize(
    ("wanted", "kind", "code", "says"),
    [
        ({"symbols": ["APPL"]}, UnknownDataset, "UNKNOWN_SYMBOL", "Did you mean 'AAPL'?"),
        ({"symbols": ["AAPL", "AAPL"]}, UnknownDataset, "UNKNOWN_SYMBOL", "twice"),
        ({"symbols": []}, UnknownDataset, "UNKNOWN_SYMBOL", "no symbol"),
        ({"columns": ["clse"]}, DataError, "UNKNOWN_COLUMN", "Did you mean 'close'?"),
        ({"start": "2020-01-02", "end": "2020-01-01"}, DataError, "BAD_RANGE", "is after end"),
        ({"start": "soon"}, DataError, "BAD_DATE", "soon"),
    ],
)
def test_what_cannot_be_found(version, wanted, kind, code, says):
    with pytest.raises(kind, match=says) as caught:
        finding.find(version.manifest, **wanted)
    assert caught.value.code == code


def test_between_two_times_of_a_day_there_is_no_date():
    day = "2020-01-02"
    first, last = finding.bounds("date32", f"{day} 12:00", f"{day} 18:00")
    assert first == last + 1
    assert finding.bounds("date32", day, f"{day} 18:00") == (last, last)
    with pytest.raises(DataError, match=r"start \(2020-01-02 18:00\) is after end \(2020-01-02 12:00\)"):
        finding.bounds("date32", f"{day} 18:00", f"{day} 12:00")


def test_a_damaged_file_is_named(tmp_path):
    manifest = write(tmp_path, {"A": bars(2_000), "B": bars(10, 1)})
    path = tmp_path / f"{manifest.files[0].sha256}.parquet"
    whole = path.read_bytes()
    other = bars(10, 1).append_column("symbol", pa.array(["B"] * 10))
    pq.write_table(other, tmp_path / "other.parquet")
    for raw, says in (
        (whole[:-10], "no readable Parquet"),
        (b"", "no readable Parquet"),
        ((tmp_path / "other.parquet").read_bytes(), "other row groups"),
    ):
        path.write_bytes(raw)
        with pytest.raises(DataError, match=says) as caught:
            reading.read(open_folder(tmp_path))
        assert (caught.value.code, caught.value.where) == ("DAMAGED_FILE", manifest.files[0].sha256)
    path.unlink()
    with pytest.raises(DataError) as caught:
        reading.read(open_folder(tmp_path))
    assert caught.value.code == "MISSING_FILE"


def test_wide_rows_are_cut_into_smaller_groups_and_samples(tmp_path):
    columns = {f"c{i:04}": np.zeros(9_000) for i in range(999)}
    time = pa.array(START + MINUTE * np.arange(9_000)).cast(pa.timestamp("us", "UTC"))
    table = pa.table({"time": time} | columns)
    manifest = write(tmp_path, {"A": table, "B": table.slice(0, 5)}, rules=Rules(), roles={"time": "time"})
    assert manifest.files[0].rows.tolist() == [8_388, 612, 5]  # 8,388,608 cells at most
    assert len(manifest.sample["rows"]) == 49  # 50,000 cells at most
    # So many columns are hashed one by one from what was written; the hash is the same.
    assert stored_hash(manifest, reading.batches(open_folder(tmp_path)))[0] == manifest.content_hash

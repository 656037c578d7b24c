import hashlib
import subprocess
import sys
import time

import alphintra.data as data
import numpy as np
import pytest
from alphintra.data import catalogue
from alphintra.data.content_hash import block_hashes, content_hash
from alphintra.errors import DataError, UnknownDataset

# name: (symbols, rows, first, last)
SHIPPED = {
    "simulated-crypto-hourly": (2, 35_088, "2023-01-01", "2024-12-31"),
    "simulated-equities-minute": (3, 148_140, "2024-07-01", "2024-12-31"),
    "simulated-fx-hourly": (3, 37_368, "2023-01-02", "2024-12-31"),
    "us-closes-daily": (20, 166_260, "1990-01-02", "2022-12-28"),
    "us-equities-daily": (5, 12_154, "2000-03-01", "2013-03-01"),
    "us-factors-monthly": (1, 1_109, "1926-07-31", "2018-11-30"),
    "us-indices-daily": (2, 10_062, "1999-01-04", "2018-12-31"),
    "vix-daily": (1, 1_259, "2014-01-03", "2019-01-03"),
    "wti-daily": (1, 8_321, "1986-01-02", "2019-01-03"),
}


def test_the_platform_datasets():
    found = {
        name: (len(m["symbols"]), m["rows"], m["first"], m["last"])
        for name in catalogue.names()
        for m in [catalogue.manifest(name)]
    }
    assert found == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_files_hold_what_the_manifest_says(name):
    m = catalogue.manifest(name)
    for file in m["files"]:
        raw = (catalogue.ROOT / name / file["path"]).read_bytes()
        assert (len(raw), hashlib.sha256(raw).hexdigest()) == (file["bytes"], file["sha256"])
    columns = catalogue.read_columns(m, [entry["name"] for entry in m["symbols"]])
    assert content_hash(columns) == m["content_hash"]
    for entry in m["symbols"]:
        own = columns[entry["name"]]
        assert len(own["session"]) == entry["rows"]
        assert str(own["session"][0].astype("M8[D]")) == entry["first"]
        assert str(own["session"][-1].astype("M8[D]")) == entry["last"]
        for column, blocks in m["blocks"][entry["name"]].items():
            assert [b.hex() for b in block_hashes(entry["name"], column, own[column])] == blocks
    assert (catalogue.ROOT / m["licence"]["file"]).stat().st_size > 1000
    assert len(m["sample"]["rows"]) <= 1000
    assert m["sample"]["columns"] == [column["name"] for column in m["columns"]]


def test_statistics_of_a_column():
    close = next(c for c in catalogue.manifest("vix-daily")["columns"] if c["name"] == "close")
    assert (close["role"], close["type"], close["unit"]) == ("close", "double", "volatility points")
    assert close["statistics"]["min"] == 9.14  # the record low close of 2017-11-03
    assert close["statistics"]["max"] == 40.74  # 2015-08-24
    assert close["statistics"]["nulls"] == 0
    assert sum(close["statistics"]["histogram"]["counts"]) == 1_259


def test_one_symbol_and_several():
    one = data.resolve("us-equities-daily/AAPL")
    assert (one.name, one.symbols, len(one.bars["AAPL"])) == ("us-equities-daily/AAPL", ("AAPL",), 3_270)
    two = data.resolve("us-equities-daily/MSFT, AAPL")
    assert (two.name, two.symbols) == ("us-equities-daily/MSFT,AAPL", ("MSFT", "AAPL"))
    whole = data.resolve("us-equities-daily")
    assert whole.symbols == ("AAPL", "FB", "GOOG", "IBM", "MSFT")
    assert whole.dataset_hash == catalogue.manifest("us-equities-daily")["content_hash"]
    assert len({one.dataset_hash, two.dataset_hash, whole.dataset_hash}) == 3
    assert one.dataset_hash == data.resolve("us-equities-daily/AAPL").dataset_hash


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("us-equity-daily", "UNKNOWN_DATASET", "Did you mean 'us-equities-daily'?"),
        ("us-equity-daily/AAPL", "UNKNOWN_DATASET", "Did you mean 'us-equities-daily'?"),
        ("nothing-like-it", "UNKNOWN_DATASET", "vix-daily, wti-daily"),
        ("", "UNKNOWN_DATASET", "there is no dataset or file ''"),
        ("us-equities-daily/APPL", "UNKNOWN_SYMBOL", "Did you mean 'AAPL'?"),
        ("us-equities-daily/aapl", "UNKNOWN_SYMBOL", "Did you mean 'AAPL'?"),
        ("us-equities-daily/", "UNKNOWN_SYMBOL", "It has AAPL, FB, GOOG, IBM, MSFT."),
        ("us-equities-daily/AAPL,AAPL", "UNKNOWN_SYMBOL", "twice"),
        ("missing.csv", "UNKNOWN_DATASET", "'missing.csv'"),
        ("x\x00y", "UNKNOWN_DATASET", "no dataset or file"),
    ],
)
def test_unknown_names(name, code, says):
    with pytest.raises(UnknownDataset) as caught:
        data.resolve(name)
    assert caught.value.code == code
    assert says in str(caught.value)
    with pytest.raises(UnknownDataset):
        data.load(name)


def test_an_unknown_manifest_names_the_nearest():
    with pytest.raises(UnknownDataset, match="vix-daily"):
        catalogue.manifest("vix-dayly")


def test_factors_are_not_traded():
    with pytest.raises(DataError, match="monthly factor returns, not prices") as caught:
        data.resolve("us-factors-monthly")
    assert caught.value.code == "NOT_TRADABLE"


def test_a_run_on_shipped_data_imports_no_pandas_and_no_calendar_library():
    program = (
        "import sys, alphintra.data as d\n"
        "for n in ('us-equities-daily/AAPL', 'us-closes-daily', 'wti-daily'): d.resolve(n)\n"
        "print([m for m in ('pandas', 'exchange_calendars', 'matplotlib', 'numba') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=180)
    assert done.stdout.strip() == "[]", done.stderr


def test_a_symbol_resolves_in_well_under_50_ms():
    data.resolve("us-equities-daily/AAPL")
    spent = []
    for _ in range(5):
        start = time.perf_counter()
        data.resolve("us-equities-daily/AAPL")
        spent.append(time.perf_counter() - start)
    assert min(spent) < 0.05


def test_content_hash_against_the_encoding_written_out():
    import struct

    def text(value):
        return struct.pack("<q", len(value)) + value

    def block(symbol, column, kind, rows, payload):
        head = b"alphintra.content.v1" + text(symbol) + text(column) + text(kind)
        return hashlib.sha256(head + struct.pack("<qq", 0, rows) + payload + b"\x01" * rows).digest()

    close = block(b"A", b"close", b"double", 2, struct.pack("<dd", 1.5, 0.0))
    when = block(b"A", b"time", b"int64", 2, struct.pack("<qq", 7, 9))
    expected = hashlib.sha256(b"alphintra.content.v1" + close + when).hexdigest()
    columns = {"time": np.array([7, 9]), "close": np.array([1.5, -0.0])}  # −0 counts as 0
    assert content_hash({"A": columns}) == f"sha256:{expected}"


def test_content_hash_sees_every_value_and_no_order_of_keys():
    big = np.arange(70_000, dtype=np.float64)  # two blocks
    changed = big.copy()
    changed[-1] += 1e-9
    kind = np.array(["split", "dividend"])
    base = content_hash({"A": {"x": big, "k": kind}, "B": {"x": big}})
    assert content_hash({"B": {"x": big}, "A": {"k": kind, "x": big}}) == base
    assert content_hash({"A": {"x": changed, "k": kind}, "B": {"x": big}}) != base
    assert len(list(block_hashes("A", "x", big))) == 2
    first, second = block_hashes("A", "x", big), block_hashes("A", "x", changed)
    assert next(first) == next(second)
    assert next(first) != next(second)
    odd = np.array([0x7FF8000000000001], dtype=np.int64).view(np.float64)  # another NaN, the same value
    assert content_hash({"A": {"x": odd}}) == content_hash({"A": {"x": np.array([np.nan])}})
    with pytest.raises(TypeError, match="complex"):
        content_hash({"A": {"x": np.array([1j])}})

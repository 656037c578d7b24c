"""``al.data.load`` and ``al.backtest`` on a dataset of one's own, out of a folder that was given to the process."""

import dataclasses
import json
import secrets
import subprocess
import sys

import alphintra as al
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from alphintra.data.content_hash import content_hash
from alphintra.data.live import MIME
from alphintra.data.sources import FOLDER_VARIABLE, FolderSource, Found
from alphintra.data.stored import StoredDataset
from alphintra.errors import DataError, UnknownDataset
from alphintra.store import About, reading
from alphintra.store.blobs import Folder
from alphintra.store.committing import commit
from alphintra.store.opening import open_folder
from alphintra.store.reading import digests_by_symbol
from alphintra.store.sweeping import lease

from .made import ABOUT, ROLES, arrays, bars, expected_hash, write

OLD = {"AAPL": bars(3_000, 1), "BTC/USDT": bars(2_000, 2)}
NEW = OLD | {"AAPL": bars(3_100, 1)}
DAYS = pd.DataFrame(
    {"open": 10.0, "high": 12.0, "low": 9.0, "close": [10.0, 11.0, 12.0], "volume": 5.0},
    index=pd.DatetimeIndex(["2020-01-02", "2020-01-03", "2020-01-06"], name="date"),
)


class Buy(al.Strategy):
    """Buys once and holds."""

    def on_bar(self):
        if self.bar_index == 0:
            self.buy(quantity=1, symbol="AAPL")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("datasets")
    blobs = Folder(root)
    days = pa.Table.from_pandas(DAYS.reset_index(), preserve_index=False)
    days = days.set_column(0, "date", days["date"].cast(pa.date32()))
    daily = About("STOCKS", "1d", calendar="XNYS", currency="EUR", adjustment="adjusted", simulated=True)
    for version, tables, about, roles in (
        ("v1", OLD, ABOUT, ROLES),
        ("v2", NEW, ABOUT, ROLES),
        ("v3", {"SAP": days}, daily, {"date": "time"} | ROLES),
        ("v4", {"X": bars(5).select(["time", "volume"])}, About(), ROLES),
        ("v5", {"X": bars(50).select(["time", "close"])}, ABOUT, ROLES),
        ("v6", {symbol: bars(5) for symbol in "ABC"}, ABOUT, ROLES),
    ):
        with lease(root, "me") as folder:
            write(folder, tables, version, about=about, roles=roles)
            with commit(blobs, "me", folder, version):
                pass
    index = {
        "format": "alphintra-datasets/1",
        "datasets": {
            "my/prices": {"owner": "me", "versions": [["1", "v1"], ["2", "v2"]]},
            "days": {"owner": "me", "versions": [["1", "v3"]]},
            "features": {"owner": "me", "versions": [["1", "v4"]]},
            "closes": {"owner": "me", "versions": [["1", "v5"]]},
            "three": {"owner": "me", "versions": [["1", "v6"]]},
            "vix-daily": {"owner": "me", "versions": [["1", "v4"]]},
        },
    }
    (root / "index.json").write_text(json.dumps(index))
    return root


@pytest.fixture(autouse=True)
def given(root, monkeypatch):
    monkeypatch.setenv(FOLDER_VARIABLE, str(root))


def test_a_version_by_name_in_every_library():
    data = al.data.load("my/prices@1")
    assert (data.name, data.symbols, data.version) == ("my/prices@1", ("AAPL", "BTC/USDT"), "1")
    assert content_hash(data.to_numpy()) == data.content_hash == expected_hash(OLD)
    assert data.to_polars().shape == (5_000, 7)
    assert data.to_arrow().num_rows == 5_000
    frame = data.to_pandas()
    want = OLD["BTC/USDT"].to_pandas().set_index("time")
    pd.testing.assert_frame_equal(frame.loc["BTC/USDT"], want)
    assert sum(len(table) for _, table in data.batches()) == 5_000
    assert len(data.events()) == 0
    assert list(data.stored()) == ["AAPL", "BTC/USDT"]


def test_datasets_that_ship_and_frames_go_to_the_same_libraries():
    shipped = al.data.load("us-equities-daily/AAPL,MSFT")
    frame, arrow = shipped.to_polars(), shipped.to_arrow()
    assert frame.columns == arrow.column_names == ["symbol", *shipped.stored()["AAPL"]]
    assert frame["symbol"].unique(maintain_order=True).to_list() == ["AAPL", "MSFT"]
    assert arrow["close"].to_pylist() == shipped.to_pandas()["close"].tolist()
    assert (str(arrow.schema.field("session").type), str(arrow["session"][0])) == ("date32[day]", "2000-03-01")
    assert shipped.to_numpy()["MSFT"]["close"].tolist() == shipped.to_pandas().loc["MSFT", "close"].tolist()
    given = al.data.load(OLD["AAPL"].to_pandas().set_index("time"))
    assert given.to_polars()["close"].to_list() == OLD["AAPL"]["close"].to_pylist()


@pytest.mark.parametrize("name", ["us-equities-daily", "us-closes-daily", "vix-daily"])
def test_what_ships_has_the_same_hash_as_a_version(name, tmp_path):
    shipped = al.data.load(name)
    table = shipped.to_arrow()
    tables = {symbol: table.filter(pc.equal(table["symbol"], symbol)) for symbol in shipped.symbols}
    stored = write(tmp_path, tables, roles={"session": "time"})
    assert stored.content_hash == shipped.manifest["content_hash"]
    blocks = digests_by_symbol(open_folder(tmp_path))
    for symbol, columns in shipped.manifest["blocks"].items():
        assert [b.hex() for b in blocks[symbol]] == [b for column in sorted(columns) for b in columns[column]]
    close = next(c["statistics"] for c in shipped.manifest["columns"] if c["name"] == "close")
    for key in ("count", "nulls", "min", "max", "mean", "std"):
        assert stored.statistics["close"][key] == pytest.approx(close[key], rel=1e-9), key


def test_the_newest_version_a_symbol_and_a_part():
    newest = al.data.load("my/prices")
    assert (newest.name, newest.about.version) == ("my/prices@2", "v2")
    pair = al.data.load("my/prices@1/BTC/USDT", columns=["close"], start="2020-01-02 01:00", end="2020-01-02 01:04")
    frame = pair.to_pandas()
    assert (pair.name, list(frame.columns), len(frame)) == ("my/prices@1/BTC/USDT", ["close"], 5)
    assert frame["close"].tolist() == OLD["BTC/USDT"]["close"][1_500:1_505].to_pylist()
    assert [note.code for note in pair.market().notes] == ["whole_dataset"]  # a run has its own start and end
    assert al.data.load("my/prices/AAPL").to_pandas().shape == (3_100, 5)
    both = al.data.load("my/prices@1/BTC/USDT,AAPL")
    assert both.symbols == ("BTC/USDT", "AAPL")
    assert al.data.load("vix-daily").manifest["name"] == "vix-daily"  # what ships has its name first


def test_the_hash_of_some_symbols_is_that_of_their_values():
    own = arrays(OLD)
    assert al.data.load("my/prices@1/AAPL").content_hash == content_hash({"AAPL": own["AAPL"]})
    assert al.data.load("my/prices@1/BTC/USDT,AAPL").content_hash == expected_hash(OLD)


def test_how_it_looks_reads_no_row(root, monkeypatch):
    data = al.data.load("my/prices@1/AAPL")
    monkeypatch.setattr("alphintra.store.reading.read", None)
    assert repr(data) == "Dataset my/prices@1/AAPL: AAPL; 1min, 2020-01-01 to 2020-01-03, 3,000 rows"
    html = data._repr_mimebundle_()["text/html"]
    # Each column of numbers with how its values are spread, and the days that have rows.
    assert html.count("</svg></td>") == sum("histogram" in own for own in data.about.statistics.values()) > 0
    assert "Rows by day: " in html
    assert "timestamp[us, UTC]" in html
    assert "CRYPTO · 1min · calendar 24/7 · USD · prices: raw" in html


def test_statistics_of_a_symbol_are_those_of_its_rows(monkeypatch):
    data, alone = al.data.load("my/prices@1"), al.data.load("my/prices@1/AAPL")
    told = data.statistics("AAPL")
    assert told == alone.statistics()
    close = np.asarray(OLD["AAPL"]["close"])
    assert [told["close"][part] for part in ("count", "min", "max")] == [3_000, close.min(), close.max()]
    assert told["close"]["mean"] == pytest.approx(close.mean(), rel=1e-9)
    assert sum(told["time"]["coverage"]["counts"]) == 3_000
    monkeypatch.setattr("alphintra.store.sketches._AT_ONCE", 2)
    opened, parquet = [], reading._parquet
    monkeypatch.setattr(reading, "_parquet", lambda *given: opened.append(given[2]) or parquet(*given))
    assert data.statistics("AAPL") == told  # however few columns are read at once
    assert len(opened) == len(set(opened))  # what a wide file says of itself takes longer than its rows
    assert data.statistics() == data.about.statistics
    days = al.data.load("days")
    assert days.statistics("SAP") == days.about.statistics
    for name, symbol, code in (("my/prices@1", "APPL", "UNKNOWN_SYMBOL"), ("three/A,B", None, "BAD_RANGE")):
        with pytest.raises(DataError) as caught:
            al.data.load(name).statistics(symbol)
        assert caught.value.code == code
    assert "Figures of all 2 symbols" in alone._repr_mimebundle_()["text/html"]
    assert "Figures of all" not in data._repr_mimebundle_()["text/html"]


def test_what_a_server_has_lab_draws_itself(monkeypatch):
    part = {"start": "2020-01-02 01:00", "end": "2020-01-03"}
    assert MIME not in al.data.load("my/prices@1")._repr_mimebundle_(), "this process has a folder, and no server"
    monkeypatch.setattr("alphintra.data.stored.from_server", lambda: True)
    shown = al.data.load("my/prices@1/BTC/USDT", **part)._repr_mimebundle_()[MIME]
    assert shown == {
        "dataset": "my/prices", "version": 1, "version_id": "v1", "symbols": ["BTC/USDT"],
        "start": "2020-01-02T01:00:00+00:00", "end": "2020-01-03", "column": None,
    }  # fmt: skip
    whole = al.data.load("my/prices@1")
    assert whole._repr_mimebundle_()[MIME]["symbols"] == list(whole.symbols)
    chart = al.data.load("my/prices@1", **part).chart("AAPL", end="2020-01-02")._repr_mimebundle_()[MIME]
    assert (chart["symbols"], chart["start"], chart["end"]) == (["AAPL"], shown["start"], "2020-01-02")
    # What was known at a time is not what the server's chart shows.
    known = al.data.load("my/prices@1", as_of="2020-01-02")
    assert MIME not in known._repr_mimebundle_()
    assert MIME not in known.chart("AAPL")._repr_mimebundle_()


def test_a_run_on_a_version_is_a_run_on_its_rows():
    frames = {symbol: table.to_pandas().set_index("time") for symbol, table in OLD.items()}
    direct = al.backtest(Buy, data=al.data.with_calendar(frames, "24/7"))
    stored = al.backtest(Buy, data="my/prices@1")
    assert stored.fills.to_dict() == direct.fills.to_dict()
    assert stored.equity.iloc[-1] == direct.equity.iloc[-1]
    market = al.data.resolve("my/prices@1")
    assert (market.dataset_hash, market.asset_class, market.timeframe) == (expected_hash(OLD), "CRYPTO", "1min")
    # F7: a coin trades in hundred-millionths, whatever a frame that states nothing would trade in.
    assert {own.lot for own in market.instruments.values()} == {1e-8}
    assert market.notes == ()
    assert al.data.resolve(al.data.load("my/prices@1"), end="2020-01-01").bars["AAPL"].close.size == 1_440


def test_a_version_with_open_errors_is_looked_at_and_not_run_on():
    """As on a server. Whoever runs on its bars all the same is told with the result."""
    loaded = al.data.load("days")
    version = dataclasses.replace(loaded._version, open_errors=("OHLC_ORDER: high 1 is below 2 (1 place)",))
    stored = StoredDataset(loaded._found, version)
    for run in (
        lambda: al.backtest(Buy, data=stored, currency="EUR"),
        lambda: al.backtest(Buy, data=al.data.load("my/prices@1"), features={"x": stored}),
    ):
        with pytest.raises(DataError) as caught:
            run()
        assert caught.value.code == "DATASET_HAS_ERRORS"
        assert "OHLC_ORDER: high 1 is below 2 (1 place)" in str(caught.value)
        assert "accept the errors with a reason" in str(caught.value)
    assert len(stored.to_pandas()) == len(loaded.to_pandas())
    assert stored._repr_mimebundle_()["text/html"]
    told = next(note for note in stored.market().notes if note.code == "open_error")
    assert told.level == "warning"
    assert told.text == "an error of the data that nobody has accepted: OHLC_ORDER: high 1 is below 2 (1 place)"


def test_rows_that_are_there_twice_are_traded_once(tmp_path):
    """Which of two equal rows is taken makes no difference; which of two others does, and is nobody's guess."""
    rows = bars(1_200, 1)
    again = sorted([*range(1_200), 40, 40, 997, 997, 1_199])  # over the edge of a row group, and the last one
    twice = rows.take(again)

    def stored(name, table):
        write(tmp_path / name, {"AAPL": table}, about=ABOUT, roles=ROLES)
        return StoredDataset(Found("twice", "1", None), open_folder(tmp_path / name))

    once = al.backtest(Buy, data=stored("once", rows))
    loaded = stored("twice", twice)
    found = al.backtest(Buy, data=loaded)
    assert found.equity.to_dict() == once.equity.to_dict()
    assert found.fills.to_dict() == once.fills.to_dict()
    assert found.run["dataset_hash"] == loaded.content_hash != once.run["dataset_hash"]
    says = "5 rows are there twice with equal values, and taken once (the first: AAPL, 2020-01-01T00:40:00)"
    (told,) = loaded.market().notes
    assert (told.code, told.level, told.text) == ("repeated_rows", "warning", says)
    assert says in found.report()
    # What the run does not read does not count.
    other = stored("other", twice.append_column("note", pa.array(map(str, range(len(twice))))))
    assert al.backtest(Buy, data=other).equity.to_dict() == once.equity.to_dict()
    for row in (40, 41, 42):
        volume = twice["volume"].to_numpy().copy()
        volume[row] += 1
        with pytest.raises(DataError) as caught:
            al.backtest(Buy, data=stored(f"differs {row}", twice.set_column(5, "volume", pa.array(volume))))
        assert caught.value.code == "DUPLICATE_TIME"
        assert "2020-01-01T00:40:00 occurs twice (twice@1, AAPL, row " in str(caught.value)
    days = pa.Table.from_pandas(DAYS.iloc[[0, 1, 1, 2]].reset_index(), preserve_index=False)
    days = days.set_column(0, "date", days["date"].cast(pa.date32()))
    write(tmp_path / "days", {"X": days}, about=About("STOCKS", "1d"), roles={"date": "time"} | ROLES)
    market = StoredDataset(Found("days", "1", None), open_folder(tmp_path / "days")).market()
    assert (market.timeframe, len(market.bars["X"])) == ("1d", 3)
    assert "1 row is there twice with equal values, and taken once (the first: X, 2020-01-03)" in market.notes[0].text


def test_daily_dates_with_what_the_version_states_of_them():
    market = al.data.resolve("days", currency="EUR")
    bars_ = market.bars["SAP"]
    assert (market.calendar, market.quoted_in, market.currency, market.timeframe) == ("XNYS", "EUR", "EUR", "1d")
    assert market.prices == "adjusted, dividends reinvested"
    assert [note.code for note in market.notes] == ["simulated"]
    assert str(bars_.open_time[0].astype("M8[us]")) == "2020-01-02T14:30:00.000000"
    assert np.array_equal(bars_.close, [10.0, 11.0, 12.0])
    with pytest.raises(DataError) as caught:
        al.data.resolve("days", prices="raw", currency="EUR")
    assert caught.value.code == "NO_RAW_PRICES"
    with pytest.raises(DataError) as caught:
        al.data.resolve("features")
    assert caught.value.code == "NOT_TRADABLE"
    frame = al.data.load("days").to_pandas()
    assert frame.index[-1] == pd.Timestamp("2020-01-06")


def test_closes_alone_are_traded_as_such():
    market = al.data.resolve("closes")
    assert market.closes_only
    assert np.isnan(market.bars["X"].high).all()
    assert market.bars["X"].close.tolist() == bars(50)["close"].to_pylist()
    with pytest.raises(DataError, match="closing prices only") as caught:
        al.backtest(Buy, data="closes")
    assert caught.value.code == "NOT_TRADABLE"


@pytest.mark.parametrize(
    ("name", "code", "says"),
    [
        ("my/prices@3", "UNKNOWN_VERSION", "It has 1, 2."),
        ("my/prices@", "UNKNOWN_DATASET", "Did you mean 'my/prices'?"),
        ("my/prics@1", "UNKNOWN_DATASET", "Did you mean 'my/prices'?"),
        ("my/prices@1/AAP", "UNKNOWN_SYMBOL", "Did you mean 'AAPL'?"),
        ("my/prices/", "UNKNOWN_SYMBOL", "It has AAPL, BTC/USDT."),
        ("x/" * 5_000, "UNKNOWN_DATASET", "Datasets: closes, days, features"),
    ],
)
def test_names_that_nothing_has(name, code, says):
    for ask in (al.data.load, al.data.resolve):
        with pytest.raises(UnknownDataset) as caught:
            ask(name)
        assert caught.value.code == code
        assert says in str(caught.value)


def test_a_part_is_of_ones_own_datasets_alone(monkeypatch):
    with pytest.raises(DataError) as caught:
        al.data.load("us-equities-daily", start="2010-01-01")
    assert caught.value.code == "BAD_RANGE"
    with pytest.raises(DataError) as caught:
        al.data.load("my/prices", columns=["clse"])
    assert caught.value.code == "UNKNOWN_COLUMN"
    monkeypatch.delenv(FOLDER_VARIABLE)
    with pytest.raises(UnknownDataset, match="given no datasets of yours"):
        al.data.load("my/prices@1")


def test_a_run_on_a_version_imports_neither_pandas_nor_an_object_store():
    program = (
        "import sys, alphintra.data as d\n"
        "x = d.load('my/prices@1'); x.to_numpy(); list(x.batches()); d.resolve('my/prices@1/AAPL'); repr(x)\n"
        "print([m for m in ('pandas', 'polars', 'fsspec', 'numba', 'exchange_calendars') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.stdout.strip() == "[]", done.stderr


@pytest.mark.parametrize(
    "raw",
    ["[]", "{", '{"format": "x", "datasets": {}}', '{"format": "alphintra-datasets/1", "datasets": []}',
     '{"format": "alphintra-datasets/1", "datasets": {"a": {"owner": "me", "versions": [["1"]]}}}',
     '{"format": "alphintra-datasets/1", "datasets": {"a": {"owner": "me"}}}'],
)  # fmt: skip
def test_a_damaged_index(tmp_path, raw):
    (tmp_path / "index.json").write_text(raw)
    with pytest.raises(DataError) as caught:
        FolderSource(tmp_path).names()
    assert caught.value.code == "BAD_MANIFEST"
    assert FolderSource(tmp_path / "nothing").names() == []


def test_a_symbol_that_is_seldom_traded_has_the_time_frame_of_its_dataset(tmp_path):
    """Its steps are longer than its bars: a universe with one was refused, and alone its bars were too long."""
    whole, rng = bars(2_000, 1), np.random.default_rng(3)
    thin = whole.take(pa.array(np.sort(rng.choice(2_000, 250, replace=False))))
    hours = whole.take(pa.array([3, 100, 1_500]))  # three trades, none beside another
    every_two = whole.take(pa.array(np.arange(0, 2_000, 2)))

    def market(tables, timeframe="1min"):
        folder = tmp_path / secrets.token_hex(4)
        write(folder, tables, about=dataclasses.replace(ABOUT, timeframe=timeframe))
        return StoredDataset(Found("thin", "1", None), open_folder(folder)).market()

    found = market({"A": whole, "H": hours, "T": thin})
    assert found.timeframe == "1min"
    for own in found.bars.values():
        assert (own.close_time - own.open_time == 60_000_000).all()
    assert market({"T": thin}).timeframe == "1min"
    assert market({"H": hours}).timeframe != "1min"  # nothing shows that its bars are so short
    with pytest.raises(DataError, match="different time frames"):  # regular steps are bars of their own
        market({"A": whole, "B": every_two})
    assert market({"A": whole}, timeframe="1d").timeframe == "1min"
    days = whole.slice(0, 4).set_column(0, "time", pa.array([0, 3, 6, 9], pa.int32()).cast(pa.date32()))
    with pytest.raises(DataError, match="the bars are of 3d"):  # too few to tell, and stated
        market({"A": days}, timeframe="3d")
    assert market({"A": whole}, timeframe=None).timeframe == "1min"

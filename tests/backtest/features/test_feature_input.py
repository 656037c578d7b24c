"""What features may be, and what is refused with a name, a place and what to do."""

import alphintra as al
import numpy as np
import pandas as pd
import pytest
from alphintra.errors import AlphintraError

from tests.backtest.features.made import bars, days

DAYS = days("2024-01-02", 10)
DATA = bars(DAYS)
ROWS = pd.DataFrame({"v": np.arange(10.0)}, index=DAYS)
KNOWN = ROWS.assign(known_at=DAYS)


def feature(given, data=DATA):
    return al.data.resolve(data, features={"f": given}).features["f"]


def test_files_frames_datasets_and_market_data(tmp_path):
    KNOWN.rename_axis("date").to_csv(tmp_path / "news.csv", sep=";")
    KNOWN.rename_axis("date").to_parquet(tmp_path / "news.parquet")
    wanted = feature(KNOWN)
    for path in (str(tmp_path / "news.csv"), tmp_path / "news.csv", str(tmp_path / "news.parquet")):
        found = feature(path)
        assert (found.dataset, found.content_hash) == ("news", wanted.content_hash)
    # A date in known_at counts from its end, an instant as it is.
    day = 86_400_000_000
    rows = wanted.of("DATA")
    assert (rows.known - rows.time).tolist() == [day] * 10
    zoned = KNOWN.assign(known_at=DAYS.tz_localize("UTC"))
    assert (feature(zoned).of("DATA").known == rows.time).all()
    # Bars of any frequency are known at their ends; times told to be closes, then; quotes with a clock at once.
    hours = pd.date_range("2024-01-02 10:00", periods=3, freq="h")
    closes = pd.DataFrame({"close": [1.0, 2.0, 3.0]}, index=hours)
    rows = feature(closes).of("DATA")
    assert (rows.known - rows.time).tolist() == [3_600_000_000] * 3
    told = feature(al.data.with_calendar(bars(hours), "24/7", label="close"))
    assert told.columns == ("open", "high", "low", "close", "volume")
    assert told.of("DATA").known.tolist() == hours.as_unit("us").astype("int64").tolist()
    rows = feature(closes.rename(columns={"close": "price"})).of("DATA")
    assert (rows.known == rows.time).all()
    shipped = feature("us-equities-daily/AAPL")
    assert (shipped.shared, shipped.dataset) == (True, "us-equities-daily/AAPL")
    assert shipped.content_hash == al.data.resolve("us-equities-daily/AAPL").dataset_hash
    own = feature(al.data.load("us-equities-daily"), "us-equities-daily/MSFT")
    assert list(own.series) == ["MSFT"]
    # Numbers, truth values and texts; what is missing.
    mixed = KNOWN.assign(b=[True, False] * 5, n=range(10), t=["x", None] * 5)
    values = feature(mixed).of("DATA").values
    assert {name: own.dtype.char for name, own in values.items()} == {"v": "d", "b": "d", "n": "d", "t": "O"}
    assert values["t"].tolist()[:2] == ["x", None]
    # A frame as a dataset of several symbols gives it.
    levels = pd.concat({"A": KNOWN, "B": KNOWN}, names=["symbol", "time"])
    assert set(feature(levels, {"A": DATA, "B": DATA}).series) == {"A", "B"}


def test_what_is_refused():
    two = {"A": DATA, "B": DATA}
    named = KNOWN.reset_index(names="time")
    cases = [
        ([], "BAD_FEATURES", "features is a list", "features"),
        ({1: KNOWN}, "BAD_FEATURES", "1 is no name of a feature", "features"),
        ({" ": KNOWN}, "BAD_FEATURES", "' ' is no name of a feature", "features"),
        ({f"n{i}": KNOWN for i in range(65)}, "BAD_FEATURES", "65 feature sets", "features"),
        ({"f": "nws@3"}, "UNKNOWN_DATASET", "there is no dataset 'nws@3'", "features['f']"),
        ({"f": "nothing.csv"}, "UNKNOWN_DATASET", "nothing.csv", "features['f']"),
        ({"f": 3}, "BAD_DATA_TYPE", "it is a int", "features['f']"),
        ({"f": {}}, "NO_ROWS", "the dict of DataFrames is empty", "features['f']"),
        ({"f": {"A": 3}}, "BAD_DATA_TYPE", "'A' is a int", "features['f']"),
        ({"f": pd.DataFrame({"v": [1.0]})}, "MISSING_COLUMN", "there is no time column", "features['f'], DataFrame"),
        ({"f": KNOWN[["known_at"]]}, "MISSING_COLUMN", "no column beside the time", "features['f'], DataFrame"),
        ({"f": KNOWN.iloc[:0]}, "NO_ROWS", "there are no rows", "features['f'], DataFrame"),
        ({"f": ROWS}, "NO_KNOWLEDGE", "nothing says when its rows were known", "features['f'], DataFrame"),
        ({"f": KNOWN.assign(known_at=None)}, "NO_KNOWLEDGE", "no cell of 'known_at'", "features['f'], DataFrame"),
        ({"f": KNOWN.assign(known_at=DAYS - pd.Timedelta("2D"))}, "KNOWN_BEFORE_TIME", "known before its time",
         "features['f'], DataFrame, row 1, column 'known_at'"),
        ({"f": named.assign(time="soon")}, "BAD_TIME", "soon", None),
        ({"f": named.assign(date=DAYS)}, "DUPLICATE_COLUMN", "several columns could be the time", None),
        ({"f": named.assign(symbol=["A", None] * 5)}, "EMPTY_CELL", "the symbol is missing", None),
        ({"f": pd.DataFrame({"close": [1.0, 2.0]}, index=DAYS[[1, 0]])}, "UNSORTED_TIMES", "earlier than that", None),
        ({"f": {"A": KNOWN, "C": KNOWN}}, "FEATURE_SYMBOL", "there is no series of 'B'", "features['f']"),
        ({"f": {"C": KNOWN, "D": KNOWN}}, "FEATURE_SYMBOL", "there is no series of 'A'", "features['f']"),
        ({"f": {"A": KNOWN}}, "FEATURE_SYMBOL", "there is no series of 'B'", "features['f']"),
        ({"f": {"A": KNOWN, "B": KNOWN.rename(columns={"v": "w"})}}, "MISSING_COLUMN", "there is no column 'w'", None),
    ]  # fmt: skip
    for given, code, says, where in cases:
        with pytest.raises(AlphintraError, match=None) as caught:
            al.data.resolve(two, features=given)
        assert (caught.value.code, says in str(caught.value)) == (code, True), str(caught.value)
        assert where is None or caught.value.where == where
        assert caught.value.hint, code
    market = al.data.resolve(DATA, features={"f": KNOWN})
    with pytest.raises(AlphintraError, match=r"the data has a feature 'f' already.*Choose another name"):
        al.data.resolve(market, features={"f": KNOWN})
    assert list(al.data.resolve(market, features={"g": KNOWN}).features) == ["f", "g"]

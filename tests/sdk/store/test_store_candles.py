"""Candles of a range against pandas on the same rows."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from alphintra.errors import DataError, UnknownDataset
from alphintra.store.candles import ArraySeries, StoredSeries, candles, parts_of
from alphintra.store.opening import open_folder

from .made import START, bars, write

TABLE = bars(10_500, 1)
FRAME = TABLE.to_pandas()


@pytest.fixture(scope="module")
def version(tmp_path_factory):
    folder = tmp_path_factory.mktemp("version")
    write(folder, {"A": bars(700, 2), "B": TABLE, "C": bars(5, 3)})
    return open_folder(folder)


def by_pandas(first, last, each):
    """Group the same rows by their number in the symbol."""
    part = FRAME.iloc[first : last + 1]
    groups = part.groupby(part.index // each)
    return groups.agg(
        time=("time", "first"), open=("open", "first"), high=("high", "max"), low=("low", "min"),
        close=("close", "last"), volume=("volume", "sum"), rows=("close", "size"),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("start", "end", "most", "first", "last", "each"),
    [
        (None, None, 20_000, 0, 10_499, 1),
        (None, None, 10_500, 0, 10_499, 1),
        (None, None, 10_499, 0, 10_499, 2),
        (None, None, 4_000, 0, 10_499, 4),
        (None, None, 2, 0, 10_499, 16_384),
        ("2020-01-02", "2020-01-05", 100, 1_440, 7_199, 64),
        ("2020-01-02 00:01", "2020-01-05 00:03", 100, 1_441, 5_763, 64),  # neither end where a candle ends
        ("2020-01-02 10:00", "2020-01-02 10:02", 4_000, 2_040, 2_042, 1),
    ],
)
def test_a_range(version, start, end, most, first, last, each):
    found = candles(version, "B", start, end, most=most)
    want = by_pandas(first, last, each)
    assert found.rows_each == each
    assert len(found.time) == len(want) <= most
    assert np.array_equal(found.time, want["time"].dt.as_unit("us").astype("int64"))
    for name in ("open", "high", "low", "close", "rows"):
        assert np.array_equal(getattr(found, name), want[name]), name
    assert np.allclose(found.volume, want["volume"], rtol=1e-12)


def test_who_pans_sees_the_same_candles(version):
    left = candles(version, "B", "2020-01-02 01:01", "2020-01-04 01:01", most=200)
    right = candles(version, "B", "2020-01-02 07:07", "2020-01-04 07:07", most=200)
    both = np.intersect1d(left.time, right.time)
    assert len(both) > 150
    for name in ("open", "high", "low", "close", "volume"):
        # all but those at the ends of a range, which are cut
        a = pd.Series(getattr(left, name), left.time)[both[1:-1]]
        assert np.array_equal(a, pd.Series(getattr(right, name), right.time)[both[1:-1]]), name


def test_missing_values_and_other_columns(tmp_path):
    x = np.array([np.nan, 2.0, 1.0, np.nan, np.nan, np.nan, np.nan, np.nan, 7.0, 3.0])
    time = pa.array(START + np.arange(10), pa.timestamp("us", "UTC"))
    write(tmp_path, {"A": pa.table({"time": time, "x": x, "n": pa.array(range(10))})}, roles={"time": "time"})
    version = open_folder(tmp_path)
    found = candles(version, "A", column="x", most=5)
    assert found.rows_each == 4
    for got, want in (
        (found.open, [np.nan, np.nan, 7.0]), (found.high, [2.0, np.nan, 7.0]),
        (found.low, [1.0, np.nan, 3.0]), (found.close, [np.nan, np.nan, 3.0]),
    ):  # fmt: skip
        assert np.array_equal(got, want, equal_nan=True)
    assert found.volume is None
    assert found.rows.tolist() == [4, 4, 2]
    empty = candles(version, "A", "2030-01-01", column="x")
    assert (len(empty.time), empty.volume) == (0, None)
    for how, code in (({}, "NOT_TRADABLE"), ({"column": "y"}, "UNKNOWN_COLUMN"), ({"column": "n"}, "UNKNOWN_COLUMN"),
                      ({"column": "x", "most": 1}, "BAD_RANGE")):  # fmt: skip
        with pytest.raises(DataError) as caught:
            candles(version, "A", **how)
        assert caught.value.code == code
    with pytest.raises(UnknownDataset):
        candles(version, "B", column="x")


@pytest.mark.parametrize(("kept", "lowest"), [(1 << 20, 8), (80_000, 8), (10_000, 64), (1, 16_777_216)])
def test_what_is_kept_makes_the_same_candles_and_is_bounded(version, kept, lowest):
    series = StoredSeries(version, "B", kept_bytes=kept)
    dice = np.random.default_rng(kept)
    for _ in range(60):
        first, stop = sorted(dice.integers(0, len(FRAME) + 1, 2).tolist())
        most = int(dice.choice([2, 3, 50, 400, 4_000]))
        found = series.rows(first, stop, most)
        want = by_pandas(first, stop - 1, found.rows_each)
        assert len(found.time) == len(want) <= most
        assert (found.first_row, found.rows_of_all) == (first, len(FRAME))
        for name in ("open", "high", "low", "close", "rows"):
            assert np.array_equal(getattr(found, name), want[name]), name
        assert np.allclose(found.volume, want["volume"], rtol=1e-12)
    raw = 4 * 1_000 * 6 * 8  # the row groups that were looked at last
    assert series.kept <= raw + (kept if lowest < 1_000 else 11 * 9 * 8) * 1.2
    whole = np.arange(len(FRAME))
    arrays = {name: FRAME[name].to_numpy() for name in ("open", "high", "low", "close", "volume")}
    plain = ArraySeries(whole, arrays, parts_of(version.manifest.columns))
    assert np.array_equal(plain.rows(5, 9_000, 100).high, series.rows(5, 9_000, 100).high)
    assert plain.span("1970-01-03", "1970-01-05") == (2, 5)


def test_a_view_reads_no_row_group_twice_that_it_has_seen_whole(version, monkeypatch):
    series = StoredSeries(version, "B")
    read = []
    real = series._read
    monkeypatch.setattr(series, "_read", lambda groups: read.extend(groups) or real(groups))
    series.rows(0, series.count, 1_000)
    assert read == list(range(11))
    series.rows(2_000, 10_000, 500)
    series.rows(0, series.count, 10)
    assert read == list(range(11))
    series.rows(2_500, 4_200, 100)  # cut at both ends, by no candle that is kept
    assert read[11:] == [2, 4]
    series.rows(2_600, 2_900, 4_000)
    assert read[11:] == [2, 4]

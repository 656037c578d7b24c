"""Statistics against NumPy and pandas on the same values."""

import json

import numpy as np
import pyarrow as pa
import pytest
from alphintra.store import Column, manifest
from alphintra.store.coverage import Coverage
from alphintra.store.sampling import Sample
from alphintra.store.statistics import QUANTILES, ColumnStatistics, NumberStatistics

from .made import bars, write

RNG = np.random.default_rng(5)
SHAPES = {
    "prices": np.round(1.08 + RNG.normal(0, 0.002, 50_000).cumsum() / 50, 5),
    "volumes": RNG.lognormal(8, 3, 50_000).round(),
    "returns": RNG.standard_t(3, 50_000) * 1e-3,
    "one value": np.full(100, 7.25),
    "zeros": np.zeros(10),
    "wide": RNG.uniform(-1, 1, 20_000) * 10.0 ** RNG.uniform(-300, 300, 20_000),
    "extremes": np.array([-1.7976931348623157e308, -1.0, 5e-324, 1.0, 1.7976931348623157e308]),
    "tiny": np.array([5e-324, 1e-310, 2e-310]),
    "negative": -RNG.lognormal(0, 1, 10_000),
    "apart": np.concatenate([np.full(5_000, 1e15), 1e15 + np.arange(5_000)]),
}


@pytest.mark.parametrize("name", SHAPES)
def test_numbers_against_numpy(name):
    values = SHAPES[name]
    statistics = NumberStatistics()
    for part in np.array_split(values, 7):
        statistics.add(part)
    found = json.loads(json.dumps(statistics.to_json(), allow_nan=False))
    assert (found["count"], found["nulls"]) == (len(values), 0)
    assert (found["min"], found["max"]) == (values.min(), values.max())
    if name not in ("wide", "extremes"):  # whose squares have no double
        assert found["mean"] == pytest.approx(values.mean(), rel=1e-9, abs=1e-300)
        assert found["std"] == pytest.approx(values.std(ddof=1), rel=1e-6, abs=1e-300)
    half_range = values.max() / 2 - values.min() / 2
    for q in QUANTILES:
        got = found["quantiles"][str(q)]
        low, high = np.quantile(values, q, method="lower"), np.quantile(values, q, method="higher")
        error = max(low - got, got - high, 0.0)
        # Half of a bin: a 1,024th of the range at most, and 1/64 of the value at most, whichever is less.
        assert error <= min(half_range / 1_024, max(abs(low), abs(high)) / 64) + 1e-9 * abs(got) + 1e-308, (q, got)
    edges, counts = found["histogram"]["edges"], found["histogram"]["counts"]
    assert len(edges) == len(counts) + 1 <= 65
    assert sum(counts) == len(values)
    want = np.histogram(values, bins=np.array(edges))[0] if len(set(edges)) > 1 else [len(values)]
    assert counts == list(want)


@pytest.mark.parametrize("value", [498_468_015_126.0, -0.030362334500783624])
def test_a_quantile_lies_between_the_extremes(value):
    """It is rounded to ten digits, they are not."""
    statistics = NumberStatistics()
    statistics.add(np.full(5, value))
    assert set(statistics.to_json()["quantiles"].values()) == {value}


def test_equal_values_give_equal_statistics_in_any_order_and_pieces():
    for name in ("prices", "volumes", "returns", "wide"):
        values = SHAPES[name]
        found = []
        for order, parts in ((values, 1), (values, 13), (np.sort(values), 5), (RNG.permutation(values), 100)):
            statistics = NumberStatistics()
            for part in np.array_split(order, parts):
                statistics.add(part)
            found.append({k: v for k, v in statistics.to_json().items() if k not in ("mean", "std")})
        assert found[0] == found[1] == found[2] == found[3], name


def test_missing_and_infinite_numbers_are_counted_apart():
    column = ColumnStatistics(Column("x", "double"))
    column.add(pa.array([1.0, None, float("nan"), float("inf"), 3.0]))
    found = column.to_json()
    assert (found["count"], found["nulls"], found["infinite"]) == (5, 2, 1)
    assert (found["min"], found["max"], found["mean"]) == (1.0, 3.0, 2.0)
    empty = ColumnStatistics(Column("x", "double"))
    empty.add(pa.array([None, None], pa.float64()))
    assert (empty.to_json()["nulls"], empty.to_json()["min"], empty.to_json()["histogram"]) == (2, None, None)


def test_other_types():
    def found(kind, *arrays):
        column = ColumnStatistics(Column("x", kind))
        for array in arrays:
            column.add(array)
        return column.to_json()

    text = found("string", pa.array(["b", "a", None]), pa.array(["b", "x" * 300]))
    assert text == {"count": 5, "nulls": 1, "distinct": 3, "top": [["b", 2], ["a", 1], ["x" * 199 + "…", 1]]}
    many = found("string", *(pa.array([f"{i}{j}x" for j in range(100)]) for i in range(1_000, 1_011)))
    assert (many["count"], many["distinct"], many["top"]) == (1_100, None, None)
    assert found("bool", pa.array([True, True, None, False]))["top"] == [[True, 2], [False, 1]]
    whole = found("int64", pa.array([2**62 + 1, None, -5]))
    assert (whole["min"], whole["max"], whole["nulls"]) == (-5, 2**62 + 1, 1)  # not as doubles
    date = found("date32", pa.array([0, None, 18_262], pa.int32()).cast(pa.date32()))
    assert date == {"count": 3, "nulls": 1, "min": "1970-01-01", "max": "2020-01-01"}
    time = found("timestamp[us, UTC]", pa.array([1, 1_500_000], pa.timestamp("us", "UTC")))
    assert (time["min"], time["max"]) == ("1970-01-01T00:00:00.000001Z", "1970-01-01T00:00:01.500000Z")


def test_a_calendar_of_rows_is_bounded():
    daily = Coverage("date32")
    daily.add(np.arange(0, 30_000, dtype=np.int32))  # 82 years
    daily.add(np.array([5, 29_999], dtype=np.int32))
    found = daily.to_json()
    assert (found["first"], found["days"], len(found["counts"])) == ("1970-01-01", 1, 30_000)
    assert (found["counts"][4:7], found["counts"][-1], sum(found["counts"])) == ([1, 2, 1], 2, 30_002)
    # Longer than a century: by weeks, so that each count is of the same days of the week.
    weekdays = Coverage("date32")
    days = np.arange(0, 70_000, dtype=np.int32)
    weekdays.add(days[(days + 3) % 7 < 5])  # 1970 began on a Thursday
    found = weekdays.to_json()
    assert (found["days"], len(found["counts"]), set(found["counts"])) == (7, 10_000, {5})
    before = Coverage("timestamp[us, UTC]")
    before.add(np.array([-1, 0, 86_400_000_000]))
    assert before.to_json() == {"first": "1969-12-31", "days": 1, "counts": [1, 1, 1]}
    before.add(np.array([0, 2**62]))  # a mistake has no calendar, and no memory
    assert before.to_json() is None
    assert Coverage("date32").to_json() is None


def test_a_sample_is_of_all_rows_and_the_same_for_the_same_data():
    columns = (Column("time", "timestamp[us, UTC]", "time"), Column("close", "double"))
    table = bars(60_000).select(["time", "close"])
    samples = []
    for step in (60_000, 777, 16_384):
        sample = Sample(columns)
        for start in range(0, len(table), step):
            sample.add("A", table.slice(start, step))
        samples.append(sample.to_json())
    assert samples[0] == samples[1] == samples[2]
    rows = samples[0]["rows"]
    assert len(rows) == 1_000
    held = {str(t)[:19].replace(" ", "T") + "Z": c for t, c in zip(*table.to_pydict().values(), strict=True)}
    assert all(held[time] == close for _, time, close in rows)
    times = [time for _, time, _ in rows]
    assert times == sorted(times)
    # The mean place of 1,000 uniform rows is half way, give or take 4 × 0.9 % of the whole.
    places = np.searchsorted(np.array(sorted(held)), times)
    assert abs(places.mean() / len(table) - 0.5) < 0.036


def test_what_a_preview_shows_is_in_the_manifest(tmp_path):
    write(tmp_path, {"A": bars(3_000), "B": bars(20, 1)})
    read = manifest.from_json((tmp_path / "manifest.json").read_bytes())
    closes = np.concatenate([bars(3_000)["close"].to_numpy(), bars(20, 1)["close"].to_numpy()])
    assert read.statistics["close"]["max"] == closes.max()
    assert read.statistics["close"]["mean"] == pytest.approx(closes.mean(), rel=1e-9)
    assert sum(read.statistics["close"]["histogram"]["counts"]) == 3_020
    assert read.statistics["time"]["min"] == "2020-01-01T00:00:00Z"
    assert read.statistics["time"]["coverage"] == {"first": "2020-01-01", "days": 1, "counts": [1_460, 1_440, 120]}
    assert read.sample["columns"] == ["symbol", "time", "open", "high", "low", "close", "volume"]
    assert len(read.sample["rows"]) == 1_000
    assert {row[0] for row in read.sample["rows"]} == {"A", "B"}

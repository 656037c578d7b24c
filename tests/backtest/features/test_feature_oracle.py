"""What a strategy reads of features is what was known: against plain Python, and against ``as_of``."""

import math
from datetime import UTC, datetime, timedelta

import alphintra as al
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from alphintra.data.sources import FOLDER_VARIABLE
from alphintra.errors import DataError
from alphintra.store.manifest import About
from alphintra_backtest.options import options
from alphintra_backtest.session import Session

from tests.backtest.features.made import bars, stamps, store

ZONES = ("UTC", "America/New_York", "Asia/Kolkata")
START = pd.Timestamp("2024-03-08 14:00", tz="UTC")  # clocks go forward in New York two days later


def config():
    return options(cash=1e5, commission=0, slippage=0, profile="default", risk_free_rate=0.0, seed=0, rules={})


def minutes(rng, count):
    """Minutes after the start, increasing, with gaps."""
    steps = np.where(np.arange(count) < 0.6 * count, 1, rng.integers(1, 9, size=count))
    return np.concatenate([[0], np.cumsum(rng.permutation(steps[1:]))])


def rows_of(rng, zone):
    """Some rows in any order, with revisions, late ones, and rows that become known at the end of a bar."""
    count = int(rng.integers(1, 14))
    time = rng.integers(-30, 50, size=count) * 60 + rng.integers(0, 2, size=count) * 30
    known = time + rng.choice([0, 0, 60, 90, 600, 1800], size=count)
    stamp = [START + pd.Timedelta(seconds=int(t)) for t in time]
    late = [(START + pd.Timedelta(seconds=int(k))).tz_convert(zone) for k in known]
    frame = pd.DataFrame({"time": stamp, "known_at": late, "v": rng.normal(size=count).round(3)})
    frame.loc[rng.random(count) < 0.1, "v"] = np.nan
    frame["text"] = [None if rng.random() < 0.1 else f"t{n}" for n in range(count)]
    return frame


def learned(frame):
    """The rows in the order in which they became known; of those at once the later row is the last word."""
    return sorted(frame.to_dict("records"), key=lambda row: row["known_at"])


def expected(rows, now):
    """Rows known at a time, each in its last revision, by time: what the strategy has to see."""
    newest = {row["time"]: row for row in rows if row["known_at"] <= now}
    return [newest[time] for time in sorted(newest)]


def text_of(row):
    """A text; pandas has NaN where one is missing."""
    return row["text"] if isinstance(row["text"], str) else None


def same(found, wanted):
    return len(found) == len(wanted) and all(
        a == b or (a is None and b is None) or (a != a and b != b) for a, b in zip(found, wanted, strict=True)
    )


@pytest.mark.parametrize("case", range(4))
def test_fifty_random_sets_are_what_plain_python_makes_of_them(case):
    revised = 0
    for seed in range(case * 50, case * 50 + 50):
        rng = np.random.default_rng(seed)
        symbols = ["AA", "BB", "CC"][: int(rng.integers(1, 4))]
        data = {s: bars([START + pd.Timedelta(minutes=int(m)) for m in minutes(rng, 10)], seed) for s in symbols}
        shared = bool(rng.integers(0, 2))
        frames = {s: rows_of(rng, rng.choice(ZONES)) for s in (["X"] if shared else symbols)}
        given = frames["X"] if shared else pd.concat([own.assign(symbol=s) for s, own in frames.items()])
        market = al.data.resolve(data, features={"f": given})
        by_symbol = {s: learned(own) for s, own in frames.items()}
        session = Session(market, config())
        times = session.grid.time
        whole = session.whole_features["f"]
        # Forward, then anywhere: as a replay does.
        walk = [*range(len(times)), *rng.integers(0, len(times), size=4).tolist()]
        for i in walk:
            session.cursor.i = i
            now = pd.Timestamp(int(times[i]), unit="us", tz="UTC")
            for s, symbol in enumerate(symbols):
                feature = session.features["f"][symbol]
                rows = expected(by_symbol["X" if shared else symbol], now)
                values, texts = [r["v"] for r in rows], [text_of(r) for r in rows]
                assert same(feature.v[-20:].tolist(), values), (seed, i)
                assert same(feature.text[-20:].tolist(), texts), (seed, i)
                assert len(feature) == len(rows)
                for back in (1, 2, 5):
                    assert same([feature.v[-back]], [values[-back] if back <= len(rows) else math.nan]), (seed, i, back)
                    assert feature.text[-back] == (texts[-back] if back <= len(rows) else None)
                last = rows[-1] if rows else None
                assert feature.time == (last and last["time"].to_pydatetime())
                assert feature.known_at == (last and last["known_at"].to_pydatetime())
                assert feature.age == (now - last["time"] if last else timedelta.max)
                value = last["v"] if last else math.nan
                assert same([feature.per_bar.v[-1]], [value])
                column = whole.v if len(symbols) == 1 else whole.v[:, s]
                assert same([column[i], whole[symbol].v[i]], [value, value])
                assert whole[symbol].text[i] == (last and text_of(last))
        revised += any(rows.revised for rows in market.features["f"].series.values())
    assert 10 < revised < 50  # both ways of reading were taken


def test_a_stored_set_at_each_bar_is_what_as_of_loads(tmp_path, monkeypatch):
    """Labels, calendars, dates, revisions with a sequence: the rule of knowledge is that of the store."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    day = [datetime(2024, 3, d, tzinfo=UTC) for d in (4, 5, 6, 7, 8, 11, 12, 13)]
    dates = pa.array([d.date() for d in day], pa.date32())
    value = pa.array(np.arange(8.0))
    hours = stamps([d + timedelta(hours=13, minutes=30 if d.day < 11 else -30) for d in day])
    gdp = pa.table({
        "time": stamps(["2024-01-31", "2024-01-31", "2024-01-31", "2024-02-29", "2024-02-29"]),
        "seq": pa.array([0, 0, 1, 0, 1]), "v": pa.array([1.0, 2.0, None, 4.0, 5.0]),
        "known_at": stamps(["2024-03-04 20:00", "2024-03-12 20:30", "2024-03-06", "2024-03-07", "2024-03-05 21:00"]),
        "y": pa.array([9.0] * 5),
    })  # fmt: skip
    known = pa.table({"time": dates, "v": value, "known_at": pa.array([d.date() + timedelta(1) for d in day])})
    sets = {
        "gdp": (gdp, {"seq": "sequence", "known_at": "known_at", "y": "label", "v": "feature"}, About()),
        "daily": (pa.table({"time": dates, "v": value}), {"v": "close"}, About(timeframe="1d", calendar="XNYS")),
        "utc": (pa.table({"time": dates, "v": value}), {"v": "close"}, About(timeframe="1d")),
        "close": (pa.table({"time": hours, "v": value}), {"v": "close"}, About(timeframe="1h", label="close")),
        "open": (pa.table({"time": hours, "v": value}), {"v": "close"}, About(timeframe="1h", calendar="XNYS")),
        "weeks": (pa.table({"time": dates.take([0, 5]), "v": value[:2]}), {"v": "close"}, About(timeframe="1w")),
        "ticks": (pa.table({"time": hours, "v": value}), {"v": "price"}, About()),
        "dates": (known, {"known_at": "known_at", "v": "feature"}, About()),
    }
    for name, (table, roles, about) in sets.items():
        store(tmp_path, name, {name.upper(): table}, roles, about)
    seen = dict.fromkeys(sets, 0)

    class Reads(al.Strategy):
        def on_bar(self):
            if f"{self.now:%H:%M}" not in ("14:30", "20:00", "20:30", "21:00", "00:00"):
                return
            for name in self.features:
                feature = self.features[name]
                known = al.data.load(f"{name}@1", as_of=self.now).to_arrow()
                assert same(feature.v[-99:].tolist(), known["v"].to_pandas().tolist()), (name, self.now)
                seen[name] += len(known)

    opens = pd.date_range("2024-03-04 00:00", "2024-03-14", freq="30min")
    result = al.backtest(Reads, bars(opens), features={name: f"{name}@1" for name in sets})
    assert all(seen.values())
    told = {name: {"dataset": f"{name}@1", "content_hash": al.data.load(name).content_hash} for name in sets}
    assert result.run["features"] == told
    feature = al.data.resolve(bars(opens), features={"g": "gdp"}).features["g"]
    assert (feature.columns, feature.labels) == (("v",), ("y",))
    # What is chosen of a version counts: columns, times and knowledge.
    part = al.data.load("gdp@1", end="2024-02-01", as_of="2024-03-04")
    assert al.data.resolve(bars(opens), features={"g": part}).features["g"].of("DATA").values["v"].tolist() == [1.0]
    with pytest.raises(DataError, match="the column 'y' is a label") as caught:
        al.data.resolve(bars(opens), features={"g": al.data.load("gdp", columns=["y"])})
    assert (caught.value.code, caught.value.where) == ("FEATURE_LABEL", "features['g'], gdp@1")
    # The identity of the run is that of the data and of the features, and of what was chosen of them.
    both = {"g": "gdp", "d": "daily"}
    every = ({}, {"g": "gdp"}, {"h": "gdp"}, {"g": part}, both, dict(reversed(both.items())))
    hashes = [al.data.resolve(bars(opens), features=given).dataset_hash for given in every]
    assert len(set(hashes)) == 5
    assert hashes[0] == al.data.resolve(bars(opens)).dataset_hash
    assert hashes[4] == hashes[5]

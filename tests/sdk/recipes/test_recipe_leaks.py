"""No step tells of later rows before they are known; one that does is caught, and named."""

from dataclasses import dataclass
from typing import ClassVar

import alphintra.recipes as r
import numpy as np
import pyarrow as pa
import pytest
from alphintra.errors import LookAheadError
from alphintra.recipes.indicator import about, names
from alphintra.recipes.leaking import find_leaks
from alphintra.recipes.recipe import Recipe
from alphintra.recipes.rows import LABEL
from alphintra.recipes.step import Context, Outcome, Step
from alphintra.store.columns import Column, numbers
from alphintra.store.manifest import About

from tests.sdk.recipes.made import DAILY, FEATURES, after, planned, rows, stored
from tests.sdk.store.made import ABOUT, MINUTE, START, bars

EVENTS = [
    {"symbol": "DATA", "kind": "split", "ex_date": "2020-02-03", "value": 2.0},
    {"symbol": "DATA", "kind": "dividend", "ex_date": "2020-03-02", "value": 0.7, "known_from": "2020-03-04"},
]


def minutes(count=600, seed=1, gaps=True):
    """Minute bars with gaps, repeated times, missing numbers, a text and a whole number."""
    random = np.random.default_rng(seed)
    found = bars(count, seed)
    if gaps:
        keep = np.sort(random.choice(count, count * 3 // 4, replace=False))
        found = found.take(pa.array(np.sort(np.concatenate([keep, keep[::7]]))))
    size = len(found)
    feature = np.where(random.random(size) < 0.2, np.nan, random.normal(size=size))
    found = found.append_column("feature", pa.array(feature))
    found = found.append_column("word", pa.array(random.choice(["a", "b", None], size).tolist(), pa.string()))
    return found.append_column("whole", pa.array(random.integers(0, 9, size)))


def days(count=120, seed=2):
    """Daily bars on the sessions of New York."""
    import pandas as pd

    dates = pd.bdate_range("2020-01-22", periods=count).date
    found = bars(count, seed).drop_columns(["time"])
    from alphintra.data.sessions import exchange

    sessions = exchange("XNYS").session
    first = np.searchsorted(sessions, np.datetime64(dates[0], "D").astype(int))
    return found.add_column(0, "date", pa.array(sessions[first : first + count]).cast(pa.date32()))


def revised(count=200, seed=3, late=None):
    """A daily figure that is published late, maybe always so many days, and revised later."""
    random = np.random.default_rng(seed)
    time = np.repeat(START + 1_440 * MINUTE * np.arange(count // 2), 2)
    known = time + MINUTE * 1_440 * random.integers(1, 40, count)
    if late is not None:
        known[::2] = time[::2] + MINUTE * 1_440 * late
        known[1::2] += MINUTE * 1_440 * late
    figure = np.where(random.random(count) < 0.2, np.nan, random.normal(size=count))
    utc = pa.timestamp("us", "UTC")
    return pa.table({
        "time": pa.array(time).cast(utc), "known_at": pa.array(known).cast(utc), "figure": figure,
    })  # fmt: skip


MINUTES, DAYS, REVISED = (minutes(), ABOUT), (days(), DAILY), (revised(), FEATURES)
FEATURED = revised().drop_columns(["known_at"])
FIRST = (revised(late=20), FEATURES)
SESSIONS = (minutes(6_000), About(timeframe="1min", calendar="XNYS", adjustment="raw"))
CASES = [
    (MINUTES, [r.Sort()]),
    (REVISED, [r.Sort(columns=["known_at"])]),
    (MINUTES, [r.Deduplicate()]),
    (MINUTES, [r.Deduplicate(keep="last")]),
    (MINUTES, [r.Deduplicate(keep="none")]),
    (MINUTES, [r.Deduplicate(by="row")]),
    (REVISED, [r.Deduplicate()]),
    (REVISED, [r.Deduplicate(by="row", keep="last")]),
    (MINUTES, [r.Fill()]),
    (MINUTES, [r.Fill(limit=1)]),
    (MINUTES, [r.Fill(method="value", value=0)]),
    (MINUTES, [r.Deduplicate(), r.Fill(rows=True)]),
    (MINUTES, [r.Deduplicate(), r.Fill(rows=True, limit=2)]),
    (FIRST, [r.Deduplicate(), r.Fill(), r.Derive(name="x", formula="diff(figure, 3)"), r.Normalise(window=20)]),
    (MINUTES, [r.Drop()]),
    (MINUTES, [r.Drop(where="feature > 0 and volume > mean(volume, 5)")]),
    (MINUTES, [r.Resample(timeframe="5min")]),
    (MINUTES, [r.Resample(timeframe="7min", label="close", aggregate={"feature": "mean", "whole": "sum"})]),
    (MINUTES, [r.Resample(timeframe="1h", aggregate={"feature": "count", "whole": "max"})]),
    ((minutes(4_000), ABOUT), [r.Resample(timeframe="1d")]),
    (SESSIONS, [r.Resample(timeframe="45min")]),
    (SESSIONS, [r.Resample(timeframe="45min", origin="midnight", label="close")]),
    (SESSIONS, [r.Resample(timeframe="45min", origin="midnight")]),
    (SESSIONS, [r.Resample(timeframe="1d")]),
    (SESSIONS, [r.Adjust(events=[EVENTS[0] | {"ex_date": "2020-01-03"}])]),
    (DAYS, [r.Resample(timeframe="1w")]),
    (DAYS, [r.Resample(timeframe="1mo", label="close")]),
    ((FEATURED, FEATURES), [r.Resample(timeframe="1w", aggregate={"figure": "mean"})]),
    (DAYS, [r.Adjust(events=EVENTS)]),
    (DAYS, [r.Adjust(events=EVENTS, direction="backward", as_of="2020-03-20")]),
    (DAYS, [r.Join(dataset="other@1", symbol="M", columns=["figure"])]),
    (DAYS, [r.Join(dataset="other@1", symbol="M", prefix="m_", oldest="3d")]),
    (MINUTES, [r.Derive(name="x", formula="where(feature > 0, log(close / lag(close, 3)), ema(volume, 9)) ** 2")]),
    (MINUTES, [r.Derive(name="x", formula="std(close, 10) + median(close, 4) - highest(high, 7) % 3")]),
    (MINUTES, [r.Indicator(function="MACD"), r.Indicator(function="ATR", settings={"timeperiod": 5})]),
    (MINUTES, [r.Winsorise(columns=["feature", "whole"], window=40)]),
    (MINUTES, [r.Winsorise(columns=["feature"], fit_until="2020-01-01 04:00")]),
    (MINUTES, [r.Winsorise(low=-1, high=1)]),
    (MINUTES, [r.Normalise(columns=["close"], window=30, method="robust")]),
    (MINUTES, [r.Normalise(columns=["feature"], window=30, method="minmax", suffix="")]),
    (MINUTES, [r.Normalise(columns=["close", "feature"], fit_until="2020-01-01 04:00")]),
    (MINUTES, [r.Label(horizon=5), r.Derive(name="y", formula="label * 2")]),
    (MINUTES, [r.Label(method="triple_barrier", up=0.001, down=0.001, horizon=9, entry="next_open")]),
]


def test_nothing_known_before_depends_on_what_comes_later(tmp_path):
    other = stored(tmp_path, {"M": revised(seed=9)}, about=FEATURES, roles={"time": "time", "known_at": "known_at"})
    context = Context(lambda name: other)
    assert {step.kind for _, steps in CASES for step in steps} == set(r.STEPS)
    for (data, stated), steps in CASES:
        given = rows(data, stated)
        recipe = planned(given, steps, context)
        for seed, cuts in enumerate(np.linspace(0.1, 0.97, 6).reshape(2, 3)):
            assert find_leaks(*recipe, seed, cuts) == [], steps


def test_no_indicator_looks_ahead():
    given = rows(minutes(160, gaps=False).append_column("periods", pa.array(np.full(160, 5.0))), ABOUT)
    there = {"open", "high", "low", "close", "volume", "periods"}
    found = {}
    for name in names():
        inputs = [wanted if wanted in there else "close" for wanted in about(name)[0]]
        step = r.Indicator(function=name, inputs=inputs if len(set(inputs)) == len(inputs) else ["high", "low"])
        found[name] = find_leaks(*planned(given, [step]), cuts=(0.6,))
    assert len(found) > 150 and not any(found.values())


@pytest.mark.parametrize(
    "step",
    [r.Fill(), r.Derive(name="x", formula="lag(figure, 1)"), r.Drop(where="diff(figure, 1) > 0"),
     r.Normalise(window=20), r.Winsorise(window=20), r.Indicator(function="SMA", inputs=["figure"])],
)  # fmt: skip
def test_what_was_published_out_of_order_is_not_mixed(step):
    given = rows(revised(), FEATURES)
    with pytest.raises(LookAheadError, match="Put 'deduplicate' before it") as caught:
        after(given, [r.Sort(), step])
    assert caught.value.where == f"step 2 ({step.kind}), DATA, time 2020-01-01T00:00:00Z"


@dataclass(frozen=True, kw_only=True)
class _Bad(Step):
    """A column by a way that nobody should take."""

    kind: ClassVar[str] = "bad"
    way: ClassVar[str] = ""

    def plan(self, shape, context):
        """Plan."""
        return shape.having(Column("x", "double", "feature"))

    def run(self, rows, shape, context, fitted):
        """Run."""
        return Outcome({**rows.arrays, "x": numbers(np.ascontiguousarray(self.value(rows.numbers("close"))))})


class _Whole(_Bad):
    def value(self, close):
        return (close - close.mean()) / close.std()


class _Next(_Bad):
    def value(self, close):
        return np.append(close[1:], np.nan)


class _Centred(_Bad):
    def value(self, close):
        return np.convolve(close, np.ones(5) / 5, mode="same")


class _Backward(_Bad):
    def value(self, close):
        import pandas as pd

        return pd.Series(np.where(np.arange(len(close)) % 5 == 0, close, np.nan)).bfill().to_numpy()


class _Count(_Bad):
    def value(self, close):
        return np.full(len(close), float(len(close)))


class _Choosing(_Bad):
    def plan(self, shape, context):
        """Plan."""
        return shape

    def run(self, rows, shape, context, fitted):
        """Leave out rows before a fall."""
        close = rows.numbers("close")
        kept = np.flatnonzero(np.append(close[1:] >= close[:-1], True))
        return Outcome(rows.taken(kept), kept)


class _Opening(_Bad):
    """Say that coarser bars are known when they open."""

    def plan(self, shape, context):
        """Plan."""
        return r.Resample(timeframe="1h").plan(shape, context)

    def run(self, rows, shape, context, fitted):
        """Stamp with the open what is said to be known at its time."""
        return r.Resample(timeframe="1h", label="open").run(rows, shape, context, fitted)


@pytest.mark.parametrize("kind", [_Whole, _Next, _Centred, _Backward, _Count, _Choosing])
def test_a_step_that_looks_ahead_is_caught_and_named(kind):
    given = rows(minutes(gaps=False), ABOUT)
    found = find_leaks(*planned(given, Recipe((r.Sort(), kind(), r.Winsorise(low=-1, high=1)))))
    assert {leak.step for leak in found} == {2}
    assert found[0].kind == "bad" and found[0].symbol == "DATA"
    # Whether a row is there is told at the cut alone.
    assert (len(found), found[0].column) == ((1, None) if kind is _Choosing else (3, "x"))


def test_a_bar_that_says_it_is_known_at_its_open_is_caught():
    given = rows(minutes(gaps=False), ABOUT)
    steps, shapes, *rest = planned(given, Recipe((_Opening(),)))
    assert find_leaks(steps, shapes, *rest) == []
    from dataclasses import replace

    lying = replace(shapes[1], about=replace(shapes[1].about, timeframe=None))
    found = find_leaks(steps, [shapes[0], lying], *rest)
    assert [leak.kind for leak in found] == ["bad"] * 3


def test_labels_are_not_looked_at_and_nothing_else_is_left_out():
    given = rows(minutes(gaps=False), ABOUT)
    steps, shapes, *rest = planned(given, [r.Label(horizon=5)])
    assert shapes[1].column("label").role == LABEL
    assert find_leaks(steps, shapes, *rest) == []
    from dataclasses import replace

    shown = shapes[1].having(replace(shapes[1].column("label"), role="feature"))
    assert {leak.column for leak in find_leaks(steps, [shapes[0], shown], *rest)} == {"label"}

"""Crossings of arrays say what crossings of series say; what a result makes late is what it made early."""

from __future__ import annotations

import pickle
from typing import Any

import alphintra as al
import numpy as np
import pytest
from alphintra.errors import SignalsError
from alphintra_backtest import core, lazy, runner
from alphintra_backtest.options import options

from .cases import force, random_data, random_frame, random_options, random_strategy

NAN = np.nan


@pytest.fixture(params=[False, True], ids=["plain", "compiled"])
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    force(monkeypatch, compiled=request.param)


@pytest.mark.usefixtures("form")
def test_a_crossing_by_hand() -> None:
    a = np.array([1.0, 3.0, 2.0, 3.0, NAN, 4.0, 1.0])
    b = np.array([2.0, 2.0, 2.0, 2.0, 2.0, 2.0, 2.0])
    above = [False, True, False, True, False, False, False]
    assert al.crossed_above(a, b).tolist() == above
    assert al.crossed_above(a, 2).tolist() == above
    assert al.crossed_below(a, b).tolist() == [False, False, False, False, False, False, True]
    assert al.crossed_above(np.column_stack([a, b]), np.column_stack([b, a])).T.tolist() == [
        above, [False, False, False, False, False, False, True],
    ]  # fmt: skip
    assert al.crossed_below(a[:0], b[:0]).tolist() == []


@pytest.mark.usefixtures("form")
def test_crossings_of_arrays_equal_those_of_series() -> None:
    frame = random_frame(np.random.default_rng(3), 300, 0.0).round(0)
    seen: dict[str, list[bool]] = {"above": [], "below": []}

    class Series(al.Strategy):
        def on_start(self) -> None:
            self.a = self.indicator(al.ta.SMA, self.data.close, 3)

        def on_bar(self) -> None:
            seen["above"].append(al.crossed_above(self.a, self.data.open))
            seen["below"].append(al.crossed_below(self.a, self.data.open))

    al.backtest(Series, frame)
    a, b = al.ta.SMA(frame["close"].to_numpy(), 3), frame["open"].to_numpy()
    assert al.crossed_above(a, b)[2:].tolist() == seen["above"]
    assert al.crossed_below(a, b)[2:].tolist() == seen["below"]
    assert sum(seen["above"]) > 20


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("changes", ["nothing", "the mask", "the average"])
def test_both_crossings_of_one_pair_are_what_each_is_alone(changes: str) -> None:
    """In ``signals`` the second comes with the first: nothing that a strategy writes to may show in it."""
    frame = random_frame(np.random.default_rng(4), 400, 0.0)
    close = frame["close"].to_numpy()
    seen: list[Any] = []

    class Crossing(al.Strategy):
        def signals(self, data: Any) -> Any:
            fast, slow = al.ta.SMA(data.close, 3), al.ta.SMA(data.close, 9)
            if changes == "the average":
                fast = fast.copy()
            above = al.crossed_above(fast, slow)
            seen.append(above.copy())
            if changes == "the mask":
                above[:] = True
            if changes == "the average":
                fast[:] = 0.0
            seen.append(al.crossed_below(fast, slow))
            seen.append(al.crossed_above(slow, fast))
            return al.Signals(above, seen[1])

    al.backtest(Crossing, frame)
    fast, slow = (np.convolve(close, np.full(n, 1 / n), "valid") for n in (3, 9))
    fast = np.concatenate((np.full(2, NAN), fast))
    slow = np.concatenate((np.full(8, NAN), slow))
    up = np.append(False, (fast[1:] > slow[1:]) & (fast[:-1] <= slow[:-1]))
    down = np.append(False, (fast[1:] < slow[1:]) & (fast[:-1] >= slow[:-1]))
    assert up.sum() > 20
    assert seen[0].tolist() == up.tolist()
    if changes == "the average":
        down[:] = False
    assert seen[1].tolist() == seen[2].tolist() == down.tolist()


def test_bad_arrays_are_told() -> None:
    with pytest.raises(SignalsError, match=r"one shape, \(T,\) or \(T, S\), got \(3,\) and \(4,\)"):
        al.crossed_above(np.zeros(3), np.zeros(4))
    with pytest.raises(SignalsError, match="b of a crossing holds bool"):
        al.crossed_above(np.zeros(3), np.zeros(3, dtype=bool))
    with pytest.raises(TypeError, match=r"crossed_below\(a, b\): a is a series or an array"):
        al.crossed_below([1.0], 2.0)


@pytest.mark.usefixtures("form")
@pytest.mark.parametrize("seed", range(12))
def test_curves_are_those_of_the_core(seed: int) -> None:
    """The short way for one symbol against ``core.value``, exactly."""
    given: dict[str, Any] = random_options(seed)
    rules, start = given.pop("rules"), given.pop("start")
    result = al.backtest(random_strategy(seed), random_data(seed), start=start, **given, **rules)
    config = options(profile="default", risk_free_rate=0.0, seed=0, rules=rules, **given)
    session, first, end = runner._simulate(
        random_strategy(seed), {}, al.data.resolve(random_data(seed)), config, start, None
    )
    t = len(session.grid.time)
    curves = [np.empty(t), np.empty(t), np.empty(t), np.empty(t, dtype=np.bool_)]
    core.value(session.grid.m, session.books.tuple, config.cash, *curves, np.zeros(1, dtype=np.int64))
    window = slice(max(first - 1, 0), end)
    for name, expected in zip(("equity", "cash", "exposure", "in_market"), curves, strict=True):
        np.testing.assert_array_equal(getattr(result.curves, name), expected[window])


def test_a_result_survives_pickling_with_all_its_tables() -> None:
    result = al.backtest(random_strategy(3), random_data(3))
    again = pickle.loads(pickle.dumps(result))
    assert dict(again.columns).keys() == {
        *("orders", "fills", "events", "positions", "recorded", "trades", "cash_flows")
    }
    np.testing.assert_array_equal(again.curves.benchmark, result.curves.benchmark)
    assert again.to_json() == result.to_json()


def test_curves_of_a_result_that_is_kept_are_not_written_over() -> None:
    frame = random_frame(np.random.default_rng(1), 500, 0.0)
    market = al.data.resolve(frame)
    kept = [al.backtest(random_strategy(seed), market) for seed in range(4)]
    before = [r.curves.equity.copy() for r in kept]
    for seed in range(4, 12):
        al.backtest(random_strategy(seed), market)
    for result, equity in zip(kept, before, strict=True):
        np.testing.assert_array_equal(result.curves.equity, equity)


def test_buffers_are_used_again_once_they_are_free() -> None:
    pool = lazy.Buffers(2)
    a = pool.take(10, np.float64)
    view = a[2:]
    b = pool.take(10, np.float64)
    assert b is not a
    address = a.ctypes.data
    del a
    c = pool.take(10, np.float64)
    assert c.ctypes.data != address
    del view, c
    assert address in {pool.take(10, np.float64).ctypes.data}
    assert len(pool._arrays) <= 2


def test_one_market_has_one_grid_for_each_cap_and_lot() -> None:
    from alphintra_backtest.grid import grid_of

    market = al.data.resolve(random_frame(np.random.default_rng(1), 30, 0.0))
    assert grid_of(market, None, False) is grid_of(market, None, False)
    assert grid_of(market, 0.1, False) is not grid_of(market, None, False)
    assert grid_of(market, None, True).lots.tolist() == [1e-8]

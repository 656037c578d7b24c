"""What a strategy reads while it runs: views, crossings, position, cash, trades, its own records."""

from __future__ import annotations

from typing import Any

import alphintra as al
import numpy as np
import pandas as pd
import pytest


def closes(*values: float, first: str = "2024-01-02") -> pd.DataFrame:
    """Bars that open, trade and close at one price."""
    index = pd.bdate_range(first, periods=len(values))
    return pd.DataFrame(
        {"open": values, "high": values, "low": values, "close": values, "volume": 1e6},
        index=index,
        dtype=float,
    )


def watch(data: Any, look: Any, *, start: Any = None, act: Any = None, **options: Any) -> list[Any]:
    """What ``look`` returns at each bar; ``act`` trades first."""
    seen: list[Any] = []

    class Watcher(al.Strategy):
        def on_start(self) -> None:
            if start is not None:
                start(self)

        def on_bar(self) -> None:
            if act is not None:
                act(self)
            seen.append(look(self))

    al.backtest(Watcher, data, **options)
    return seen


def test_views_end_at_the_current_bar() -> None:
    seen = watch(closes(1, 2, 3), lambda s: (s.data.close[-1], s.data.close[-2:].tolist(), len(s.data)))
    assert seen == [(1.0, [1.0], 1), (2.0, [1.0, 2.0], 2), (3.0, [2.0, 3.0], 3)]


def test_a_symbol_that_misses_a_bar_shows_its_own_latest() -> None:
    b = closes(10, 20, 30).drop(pd.Timestamp("2024-01-03"))
    data = {"A": closes(1, 2, 3), "B": b}
    assert watch(data, lambda s: s.data["B"].close[-1]) == [10.0, 10.0, 30.0]
    assert watch(data, lambda s: s.data["B"].close[-2:].tolist()) == [[10.0], [10.0], [10.0, 30.0]]
    assert watch(data, lambda s: s.data.panel("close")[-1].tolist()) == [[1, 10], [2, 10], [3, 30]]


def test_a_panel_is_nan_before_a_symbols_first_bar() -> None:
    data = {"A": closes(1, 2), "B": closes(5, first="2024-01-03")}
    seen = watch(data, lambda s: s.data.panel("close")[-2:].tolist())
    assert np.isnan(seen[0][0][1])
    assert seen[1][1] == [2.0, 5.0]


@pytest.mark.parametrize(
    ("values", "above", "below"),
    [
        ((1, 3, 3, 1), [False, True, False, False], [False, False, False, True]),
        ((2, 3, 2, 1), [False, True, False, False], [False, False, False, True]),  # from equality
        ((1, 2, 3, 2), [False, False, True, False], [False, False, False, False]),  # equality is no crossing
    ],
)
def test_crossing_a_level_of_2(values: tuple[float, ...], above: list[bool], below: list[bool]) -> None:
    assert watch(closes(*values), lambda s: bool(al.crossed_above(s.data.close, 2))) == above
    assert watch(closes(*values), lambda s: bool(al.crossed_below(s.data.close, 2))) == below


def test_crossing_is_false_where_a_value_is_missing() -> None:
    def start(s: Any) -> None:
        s.late = s.indicator(lambda c: np.where(np.arange(len(c)) < 1, np.nan, c), s.data.close)

    # The first defined value, 3, has no value before it: no crossing there, although 3 > 2.
    seen = watch(closes(1, 3, 1, 3), lambda s: bool(al.crossed_above(s.late, 2)), start=start)
    assert seen == [False, False, True]


def test_series_of_two_symbols_cross_on_the_runs_time() -> None:
    # B misses the second day and stays 2 there; A rises from 1 to 3 above it that day.
    b = closes(2, 2, 2).drop(pd.Timestamp("2024-01-03"))
    seen = watch({"A": closes(1, 3, 3), "B": b}, lambda s: bool(al.crossed_above(s.data["A"].close, s.data["B"].close)))
    assert seen[2] is False


def test_position_cash_and_equity() -> None:
    # 10 at 100 with 1 %: fee 10. Close 110: P&L 100 − 10 = 90, of a basis of 1,000 9 %. Cash 2,000 − 1,010.
    def act(s: Any) -> None:
        if s.bar_index == 0:
            s.buy(10)

    def look(s: Any) -> Any:
        p = s.position()
        return p.size, p.pnl, p.pnl_pct, p.bars_held, s.cash, s.equity, list(s.positions), bool(p)

    data = closes(100, 100, 110)
    seen = watch(data, look, act=act, cash=2000, commission=0.01)
    assert seen[0] == (0, 0, pytest.approx(float("nan"), nan_ok=True), 0, 2000, 2000, [], False)
    assert seen[2] == (10, 90, pytest.approx(0.09), 1, 990, 2090, ["DATA"], True)


def test_average_price_follows_what_is_still_open() -> None:
    # 10 at 100 and 10 at 120: 110. After selling 10, FIFO leaves those at 120.
    script = {0: lambda s: s.buy(10), 1: lambda s: s.buy(10), 2: lambda s: s.sell(10)}
    seen = watch(
        closes(100, 100, 120, 120),
        lambda s: s.position().avg_price,
        act=lambda s: script.get(s.bar_index, bool)(s) if s.bar_index in script else None,
    )
    assert seen[1:] == [100, 110, 120]


def test_trades_and_working_orders() -> None:
    def act(s: Any) -> None:
        if s.bar_index == 0:
            s.buy(10, take_profit=105, tag="in")
        if s.bar_index == 1:
            s.buy(1, limit=50)

    def look(s: Any) -> Any:
        return [(o.type, o.state, o.tag) for o in s.orders], [(t.pnl, t.exit_reason) for t in s.trades]

    seen = watch(closes(100, 100, 106), look, act=act)
    assert seen[0] == ([("MARKET", "WORKING", "in"), ("LIMIT", "WAITING", "")], [])
    assert seen[1] == ([("LIMIT", "WORKING", ""), ("LIMIT", "WORKING", "")], [])
    assert seen[2] == ([("LIMIT", "WORKING", "")], [(60.0, "TAKE_PROFIT")])


def test_closing_without_a_position_is_no_order() -> None:
    assert watch(closes(100, 100), lambda s: s.close()) == [None, None]


def test_cancel_counts() -> None:
    def look(s: Any) -> int:
        if s.bar_index == 0:
            s.buy(1, limit=50)
            s.buy(1, limit=60)
            return 0
        return int(s.cancel())

    assert watch(closes(100, 100, 100), look) == [0, 2, 0]


def test_records_and_logs() -> None:
    class Notes(al.Strategy):
        def on_bar(self) -> None:
            self.record(x=self.bar_index)
            if self.bar_index == 1:
                self.record(y=5, x=7)
                self.log("half way")

    r = al.backtest(Notes, closes(1, 2, 3))
    assert r.columns["recorded"]["x"].tolist() == [0, 7, 2]
    assert np.isnan(r.columns["recorded"]["y"][[0, 2]]).all()
    assert [text for _, text in r.logs] == ["half way"]


def test_a_seed_repeats_a_run_and_another_does_not() -> None:
    class Dice(al.Strategy):
        def on_bar(self) -> None:
            self.record(x=self.rng.random())

    runs = [al.backtest(Dice, closes(1, 2, 3), seed=seed) for seed in (1, 1, 2)]
    one, two, three = (r.columns["recorded"]["x"].tolist() for r in runs)
    assert one == two != three
    assert runs[0].run["strategy_hash"] == runs[1].run["strategy_hash"]


def test_an_order_of_on_start_carries_the_first_time_of_the_data() -> None:
    # B has no bar on the first day; A opens then.
    class Early(al.Strategy):
        def on_start(self) -> None:
            self.buy(1, symbol="A")

    r = al.backtest(Early, {"A": closes(1, 2), "B": closes(5, first="2024-01-03")})
    assert r.orders["submitted"][0].year == 2024
    assert r.fills["price"].tolist() == [1.0]
    assert r.orders["state"].tolist() == ["FILLED"]


def test_import_is_light() -> None:
    import subprocess
    import sys

    code = (
        "import sys, alphintra; "
        "heavy = {'numba', 'pandas', 'talib', 'plotly', 'matplotlib', 'alphintra_backtest'}; "
        "sys.exit(repr(heavy & set(sys.modules)) if heavy & set(sys.modules) else 0)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0

"""F8: what a strategy sees of raw prices with splits and dividends, against numbers worked out by hand.

The share splits 2:1 on 4 January and 3:2 on the 8th. Raw closes 100, 102 | 51, 54 | 36, 600 shares a day.
"""

from __future__ import annotations

from typing import Any

import alphintra as al
import numpy as np
import pytest
from alphintra.errors import StrategyError
from alphintra_backtest import asof

from .markets import flat, raw, watch

CLOSES = (100, 102, 51, 54, 36)
SPLITS = (("2024-01-04", 2.0, 0.0), ("2024-01-08", 1.5, 0.0))


def share() -> Any:
    return raw(flat(*CLOSES), {"DATA": SPLITS})


def test_history_is_in_todays_shares() -> None:
    seen = watch(share(), lambda s: s.data.close[:].tolist())
    assert seen[0] == [100]
    assert seen[1] == [100, 102]
    assert seen[2] == [50, 51, 51]
    assert seen[3] == [50, 51, 51, 54]
    assert seen[4] == pytest.approx([100 / 3, 34, 34, 36, 36], rel=1e-15)


def test_the_current_segment_is_the_raw_price_to_the_bit() -> None:
    rng = np.random.default_rng(1)
    prices = rng.uniform(1, 1000, 8)
    market = raw(flat(*prices), {"DATA": (("2024-01-04", 7.0, 0.0), ("2024-01-08", 1 / 3, 0.0))})
    seen = watch(market, lambda s: (s.data.close[-1], s.data.open[-1], s.data.volume[-1], s.data.panel("close")[-1][0]))
    assert [seen[i] for i in range(8)] == [(p, p, 600.0, p) for p in prices]


def test_volume_grows_with_the_shares() -> None:
    seen = watch(share(), lambda s: (s.data.volume[-5:].tolist(), s.data.panel("volume")[-5:].ravel().tolist()))
    assert seen[1] == ([600, 600], [600, 600])
    assert seen[4] == ([1800, 1800, 900, 900, 600],) * 2


def test_single_values_of_before() -> None:
    seen = watch(share(), lambda s: (s.data.close[-2], s.data.high[-3]) if s.bar_index > 1 else None)
    assert seen[2] == (51, 50)
    assert seen[4] == (36, 34)


def test_an_average_is_made_of_todays_shares() -> None:
    # Bar 2: (50 + 51 + 51) / 3. Bar 3: (51 + 51 + 54) / 3. Bar 4: (34 + 36 + 36) / 3, and its bar 3 (34 + 34 + 36) / 3.
    def start(s: Any) -> None:
        s.average = s.indicator(al.ta.SMA, s.data.close, 3)

    seen = watch(share(), lambda s: s.average[-2:].tolist(), start)
    assert list(seen) == [2, 3, 4]
    assert seen[2][1:] == pytest.approx([152 / 3])
    assert seen[3] == pytest.approx([152 / 3, 52])
    assert seen[4] == pytest.approx([104 / 3, 106 / 3])


def test_an_indicator_of_an_indicator() -> None:
    # Average of two of the average of two. Bar 3: (51 + 51) / 2, (51 + 54) / 2. Bar 4: (34 + 36) / 2, (36 + 36) / 2.
    def start(s: Any) -> None:
        inner = s.indicator(al.ta.SMA, s.data.close, 2)
        s.outer = s.indicator(al.ta.SMA, inner, 2)

    seen = watch(share(), lambda s: s.outer[-1], start)
    assert seen == pytest.approx({2: (50.5 + 51) / 2, 3: (51 + 52.5) / 2, 4: (35 + 36) / 2})


def test_several_outputs_and_every_field() -> None:
    def both(high: Any, volume: Any) -> Any:
        return np.maximum.accumulate(high), np.cumsum(volume)

    def start(s: Any) -> None:
        s.top, s.total = s.indicator(both, s.data.high, s.data.volume)

    seen = watch(share(), lambda s: (s.top[-1], s.total[-1]), start)
    assert seen == {0: (100, 600), 1: (102, 1200), 2: (51, 3000), 3: (54, 3600), 4: (36, 6000)}


def test_a_relative_index_does_not_see_the_splits() -> None:
    # RSI knows ratios of changes alone: raw with splits and adjusted prices give the same.
    rng = np.random.default_rng(3)
    adjusted = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, 60)))
    shares = np.ones(60)
    shares[:20], shares[20:40] = 3.0, 1.5
    events = (("2024-01-30", 2.0, 0.0), ("2024-02-27", 1.5, 0.0))  # the 21st and the 41st weekday from 2 January

    def start(s: Any) -> None:
        s.rsi = s.indicator(al.ta.RSI, s.data.close, 5)

    split = watch(raw(flat(*(adjusted * shares)), {"DATA": events}), lambda s: s.rsi[-1], start)
    assert split == pytest.approx(watch(flat(*adjusted), lambda s: s.rsi[-1], start), rel=1e-9)
    unsplit = watch(flat(*(adjusted * shares)), lambda s: s.rsi[-1], start)
    assert unsplit[20] < split[20] - 10  # without the events the split is a crash


def test_a_crossing_compares_yesterday_in_todays_shares() -> None:
    # 102 to 51 is no fall through 60: yesterday was 51 of today's shares. 51 to 54 rises through 52.
    def look(s: Any) -> tuple[bool, bool]:
        return al.crossed_below(s.data.close, 60), al.crossed_above(s.data.close, 52)

    assert watch(share(), look) == {
        0: (False, False), 1: (False, False), 2: (False, False), 3: (False, True), 4: (False, False)
    }  # fmt: skip
    assert watch(flat(*CLOSES), look)[2] == (True, False)


def test_more_levels_than_are_kept_are_compared_the_same_way() -> None:
    def look(s: Any) -> tuple[bool, bool]:
        for level in range(20):
            al.crossed_above(s.data.close, 1000 + level), al.crossed_below(s.data.close, 1000 + level)
        return al.crossed_below(s.data.close, 60.5), al.crossed_above(s.data.close, 52.5)

    assert list(watch(share(), look).values()) == [(False, False)] * 3 + [(False, True), (False, False)]


def test_a_crossing_of_two_series() -> None:
    # In today's shares: close 50, 51, 51, 54, average of two –, 50.5, 51, 52.5: above on bar 1, equal on 2.
    def start(s: Any) -> None:
        s.average = s.indicator(al.ta.SMA, s.data.close, 2)

    seen = watch(share(), lambda s: al.crossed_above(s.data.close, s.average), start)
    assert seen == {1: False, 2: False, 3: True, 4: False}


def test_the_chart_shows_what_was_seen() -> None:
    class Average(al.Strategy):
        def on_start(self) -> None:
            self.indicator(al.ta.SMA, self.data.close, 2)

    (line,) = al.backtest(Average, share(), prices="raw").indicators
    assert line.values[1:] == pytest.approx([101, 51, 52.5, 36])


def test_warm_up_is_judged_on_each_bars_own_basis() -> None:
    # Defined below 60: never before the split, although bar 1 is 51 in the shares of bar 2.
    def start(s: Any) -> None:
        s.low = s.indicator(lambda c: np.where(c < 60, c, np.nan), s.data.close)

    assert list(watch(share(), lambda s: 0, start)) == [2, 3, 4]


def test_a_run_that_starts_after_a_split_is_on_its_basis() -> None:
    seen = watch(share(), lambda s: s.data.close[-3:].tolist(), start=None)
    assert watch_from("2024-01-05") == {3: seen[3], 4: seen[4]}


def watch_from(date: str) -> Any:
    seen: dict[int, Any] = {}

    class Late(al.Strategy):
        def on_bar(self) -> None:
            seen[self.bar_index] = self.data.close[-3:].tolist()

    al.backtest(Late, share(), start=date, prices="raw")
    return seen


def test_total_return_puts_the_dividend_back() -> None:
    # 2 % of 102 on the day of the split: 100 and 102 become × 0.98 / 2 = 49 and 49.98.
    market = raw(flat(*CLOSES), {"DATA": (("2024-01-04", 2.0, 2.04), ("2024-01-08", 1.5, 0.0))})
    seen = watch(market, lambda s: (s.data.total_return[:].tolist(), s.data.close[-1], s.data.close[:].tolist()))
    assert seen[1][0] == [100, 102]
    assert seen[2][0] == pytest.approx([49, 49.98, 51])
    assert seen[4][0] == pytest.approx([98 / 3, 33.32, 34, 36, 36])
    assert seen[2][2] == [50, 51, 51]
    assert all(total[-1] == close for total, close, _ in seen.values())


def test_total_return_read_first_in_the_middle_of_a_run() -> None:
    market = raw(flat(100, 100, 95, 95), {"DATA": (("2024-01-04", 1.0, 5.0),)})
    seen = watch(market, lambda s: s.data.total_return[:].tolist() if s.bar_index == 3 else None)
    assert seen[3] == pytest.approx([95, 95, 95, 95])


def test_an_indicator_of_total_return_and_a_dividend_after_a_gap() -> None:
    # No bar on the 4th, when the share splits 2:1; the dividend of 1 on the 5th is of 50 a share, so × 0.98.
    frame = flat(100, 100, 1, 49, 49).drop(index=flat(1, 1, 1).index[2])
    market = raw(frame, {"DATA": (("2024-01-04", 2.0, 0.0), ("2024-01-05", 1.0, 1.0))})

    def start(s: Any) -> None:
        s.average = s.indicator(al.ta.SMA, s.data.total_return, 2)

    seen = watch(market, lambda s: (s.average[-1], s.data.total_return[:].tolist()), start)
    assert seen[1] == (100, [100, 100])
    assert [seen[2][0], *seen[2][1]] == pytest.approx([49, 49, 49, 49])


def test_without_actions_total_return_is_the_close() -> None:
    seen = watch(flat(1, 2), lambda s: s.data.total_return is s.data.close)
    assert seen == {0: True, 1: True}
    assert watch(flat(1, 2), lambda s: s.data.panel("total_return")[-1].tolist())[1] == [2]


def test_a_dividend_of_the_whole_price_has_no_total_return() -> None:
    market = raw(flat(100, 100, 1), {"DATA": (("2024-01-04", 1.0, 100.0),)})
    assert watch(market, lambda s: s.data.close[-1])[2] == 1  # who does not ask is not refused
    with pytest.raises(StrategyError, match="dividend of 100 on 2024-01-04 is not less than the close before it"):
        watch(market, lambda s: s.data.total_return[-1])


def test_actions_outside_the_data_change_nothing() -> None:
    events = (("2023-12-01", 2.0, 1.0), ("2024-01-02", 3.0, 1.0), ("2024-02-01", 2.0, 0.0))
    seen = watch(raw(flat(1, 2, 3), {"DATA": events}), lambda s: (s.data.close[:].tolist(), s._run.asof))
    assert seen[2] == ([1, 2, 3], None)


def two() -> Any:
    """A splits 2:1 on the 4th, when B has no bar; B splits 1:10 on the 5th."""
    b = flat(5, 5, 5, 50).drop(index=flat(1, 1, 1).index[2])
    return raw({"A": flat(100, 100, 50, 50), "B": b}, {"A": (SPLITS[0],), "B": (("2024-01-05", 0.1, 0.0),)})


def test_two_symbols_split_on_different_days() -> None:
    seen = watch(two(), lambda s: (s.data["A"].close[:].tolist(), s.data["B"].close[:].tolist()))
    assert seen[1] == ([100, 100], [5, 5])
    assert seen[2] == ([50, 50, 50], [5, 5])
    assert seen[3] == ([50, 50, 50, 50], [50, 50, 50])


def test_panels_are_in_todays_shares() -> None:
    seen = watch(
        two(), lambda s: (s.data.panel("close")[-3:].tolist(), s.data.panel("close")[-2].tolist()) if s.bar_index else 0
    )
    assert seen[1] == ([[100, 5], [100, 5]], [100, 5])
    assert seen[2] == ([[50, 5]] * 3, [50, 5])
    assert seen[3] == ([[50, 50]] * 3, [50, 50])


def test_a_spread_of_two_symbols_takes_both_bases() -> None:
    def start(s: Any) -> None:
        s.ratio = s.indicator(lambda a, b: a / b, s.data["A"].close, s.data["B"].close)

    seen = watch(two(), lambda s: s.ratio[:].tolist(), start)
    assert seen == {0: [20], 1: [20, 20], 2: [10, 10], 3: [1, 1, 1]}


def test_crossings_of_two_symbols_with_splits_of_their_own() -> None:
    # B's ten for one on the 5th is no rise through A.
    seen = watch(two(), lambda s: al.crossed_above(s.data["B"].close, s.data["A"].close))
    assert seen == {0: False, 1: False, 2: False, 3: False}


def test_a_split_without_a_bar_is_taken_with_the_next_one() -> None:
    # B splits 2:1 on the 4th and has no bar: its last price and what is held are of old shares until the 5th.
    b = flat(10, 10, 1, 5).drop(index=flat(1, 1, 1).index[2])
    market = raw({"A": flat(1, 1, 1, 1), "B": b}, {"B": (SPLITS[0],)})
    seen = watch(market, lambda s: (s.data["B"].close[-1], s.data.panel("close")[-1].tolist()))
    assert watch(market, lambda s: s.data["B"].close[:].tolist())[3] == [5, 5, 5]
    assert [seen[i] for i in range(4)] == [(10, [1, 10])] * 3 + [(5, [1, 5])]


def test_views_go_to_any_timestamp_and_back() -> None:
    def look(s: Any) -> Any:
        views, found = s._run.asof, []
        assert views.boundaries.tolist() == [2, 4]
        for t in (4, 0, 3, 4):
            views.seek(t)
            found.append(s.data.close[-4])
        return found

    assert watch(share(), lambda s: look(s) if s.bar_index == 4 else None)[4] == [34, 102, 51, 34]


def test_what_is_not_kept_is_made_again(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(s: Any) -> None:
        s.average = s.indicator(al.ta.SMA, s.indicator(al.ta.SMA, s.data.close, 2), 2)

    def look(s: Any) -> Any:
        return s.average[:].tolist(), al.crossed_above(s.average, 51), s.data.low[:].tolist()

    kept = watch(share(), look, start)
    monkeypatch.setattr(asof, "KEPT_BYTES", 1)
    assert repr(watch(share(), look, start)) == repr(kept)


def test_a_slice_carries_no_future() -> None:
    def look(s: Any) -> Any:
        return s.data.close[-2:].base, s.data.panel("close")[-2:].base, s.data.panel("close")[-1].base

    assert watch(share(), look)[1] == (None, None, None)
    with pytest.raises(StrategyError, match="read-only"):
        watch(share(), lambda s: s.data.panel("close")[-1].__setitem__(0, 1.0))


def test_a_view_offers_no_name_that_leads_to_the_future() -> None:
    def start(s: Any) -> None:
        s.average = s.indicator(al.ta.SMA, s.data.close, 2)

    names = watch(share(), lambda s: {n for n in dir(s.average) if not n.startswith("_")}, start)
    assert names[1] == {"name", "timeline"}


def test_what_is_held_and_what_is_seen_are_of_the_same_shares() -> None:
    # 10 bought at 102 on the 3rd are 20 of 51 on the 4th and 30 of 36 on the 8th. 98,980 is left in cash.
    class Holder(al.Strategy):
        def on_bar(self) -> None:
            if self.bar_index == 0:
                self.buy(10)
            self.record(size=self.position().size, close=self.data.close[-1], equity=self.equity)

    seen = al.backtest(Holder, share(), prices="raw").columns["recorded"]
    assert seen["size"].tolist() == [0, 10, 20, 20, 30]
    assert seen["close"].tolist() == list(CLOSES)
    assert seen["equity"].tolist() == pytest.approx([100_000, 100_000, 100_000, 100_060, 100_060])

"""How a check goes about its runs: where it cuts, how far it says it is, and when it must stop."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import alphintra as al
import numpy as np
import pytest
from alphintra_backtest.check import SHARE, cut
from alphintra_backtest.runner import run

from .bars import CLOSES, frame

BARS = frame(CLOSES)
DAYS = list(BARS.index.date)


class Scripted(al.Strategy):
    """Buys at the decisions of bars 10 and 20, and sells at that of bar 40."""

    def on_bar(self) -> None:
        if self.bar_index in (10, 20):
            self.buy(5)
        elif self.bar_index == 40:
            self.close()


def points(check: al.Check) -> dict[int, str]:
    return {DAYS.index(p.time.date()): p.why for p in check.points}


def test_points_lie_around_the_first_the_median_and_the_last_fill() -> None:
    found = points(al.check(Scripted, BARS))
    named = {bar: why for bar, why in found.items() if why != "random"}
    # Market orders fill at the next open: fills at bars 11, 21 and 41.
    assert named == {
        10: "first decision", 11: "first fill",
        20: "median decision", 21: "median fill",
        40: "last decision", 41: "last fill",
    }  # fmt: skip
    assert len(found) == 8 and all(0 <= bar <= 58 for bar in found)
    assert points(al.check(Scripted, BARS)) == found
    assert points(al.check(Scripted, BARS, seed=1)) != found


def test_few_points_are_the_decisions() -> None:
    assert points(al.check(Scripted, BARS, points=3)) == {
        10: "first decision",
        20: "median decision",
        40: "last decision",
    }


def test_points_are_not_taken_twice_and_not_beyond_the_data() -> None:
    class Last(al.Strategy):
        def on_bar(self) -> None:
            if self.bar_index == 58:
                self.buy(1)

    found = points(al.check(Last, BARS, points=60))
    assert sorted(found) == list(range(59))  # bar 59 is the last: nothing is cut there
    assert found[58] == "first decision"


def test_a_cut_keeps_the_symbols_and_what_was_known() -> None:
    market = al.data.resolve({"A": frame(CLOSES), "B": frame(CLOSES[:30], first=str(DAYS[30]))})
    at = int(market.bars["A"].close_time[9])
    part = cut(market, at)
    assert part.symbols == ("A", "B")
    assert (len(part.bars["A"]), len(part.bars["B"])) == (10, 0)
    assert part.bars["A"].close.tolist() == CLOSES[:10]
    assert (part.sessions is market.sessions, part.dataset_hash) == (True, market.dataset_hash)
    assert len(cut(market, at - 1).bars["A"]) == 9


def test_progress_goes_from_nothing_to_all() -> None:
    told: list[float] = []
    run(Scripted, BARS, check=8, progress=lambda fraction, _: told.append(fraction))
    assert told == sorted(told)
    assert told[0] <= 0.05 and told[-1] == pytest.approx(1.0)
    assert any(f < SHARE for f in told) and sum(f > SHARE for f in told) > 100


def test_a_check_without_time_says_so() -> None:
    result = run(Scripted, BARS, check=8, check_seconds=0)
    assert not result.check.passed and result.check.deterministic
    assert result.check.notes == ("The time for checking was over after 0 of 8 points.",)
    (entry,) = [a for a in result.assumptions if a["code"] == "look_ahead"]
    assert (entry["level"], entry["text"]) == ("warning", "look-ahead: not checked")


def test_a_check_stops_in_the_middle_of_a_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """60 bars of 2 ms: a run takes 0.12 s, so four fit into half a second, and the fifth is not finished."""
    clock = SimpleNamespace(now=0.0, perf_counter=lambda: clock.now)

    class Slow(al.Strategy):
        def on_bar(self) -> None:
            clock.now += 0.002

    for name in ("runner", "check"):
        monkeypatch.setattr(f"alphintra_backtest.{name}.clock", clock)
    result = run(Slow, BARS, check=1_000, check_seconds=0.5)
    assert 0.5 < clock.now < 0.52
    assert 0 < len(result.check.points) < 59
    assert result.check.passed
    assert result.check.notes[0].startswith(f"The time for checking was over after {len(result.check.points)} of 59")


def test_a_check_without_memory_says_so() -> None:
    class Grows(al.Strategy):
        runs: list[int] = []  # noqa: RUF012

        def on_start(self) -> None:
            self.runs.append(1)
            if len(self.runs) > 4:
                raise MemoryError

        def on_bar(self) -> None:
            pass

    result = run(Grows, BARS, check=8)
    assert len(result.check.points) == 2 and result.check.passed
    assert result.check.notes == ("The memory for checking was used up after 2 of 8 points.",)


def test_a_plain_run_is_not_watched() -> None:
    result = run(Scripted, BARS)
    assert result.check is None
    assert np.isfinite(result.metrics["final_equity"])


def test_the_same_everything_whatever_it_cost(monkeypatch: pytest.MonkeyPatch) -> None:
    """The result of a checked run is that of the plain one."""
    plain, checked = run(Scripted, BARS), run(Scripted, BARS, check=8)

    def table(result: Any, name: str) -> Any:
        return {k: list(v) for k, v in result.columns[name].items() if k != "backtest_id"}

    for name in ("orders", "fills", "trades"):
        assert repr(table(plain, name)) == repr(table(checked, name))

"""What differs from run to run by itself is not taken for look-ahead."""

from __future__ import annotations

import alphintra as al
import numpy as np
import pytest
from alphintra.errors import LookAheadError

from .indicators import BARS, DAYS


def test_chance_is_not_taken_for_look_ahead() -> None:
    class Dice(al.Strategy):
        def on_bar(self) -> None:
            if np.random.random() < 0.5:
                self.order_target_percent(float(np.random.random()))

    check = al.check(Dice, BARS)
    assert (check.passed, check.deterministic, check.points) == (False, False, ())
    (found,) = check.differences
    assert (found.kind, found.cut) == ("repeat", None)
    assert "not deterministic" in found.text and "self.rng" in found.hint
    with pytest.raises(LookAheadError, match="not deterministic") as raised:
        check.raise_if_failed()
    assert raised.value.code == "NOT_DETERMINISTIC"

    class Seeded(al.Strategy):
        def on_bar(self) -> None:
            if self.rng.random() < 0.5:
                self.order_target_percent(float(self.rng.random()))

    assert al.check(Seeded, BARS, points=60).passed


def test_what_is_kept_from_run_to_run_is_not_taken_for_look_ahead() -> None:
    class Counts(al.Strategy):
        runs: list[int] = []  # noqa: RUF012 - that is the point

        def on_bar(self) -> None:
            if self.bar_index == 3:
                self.runs.append(1)
                self.buy(len(self.runs))

    check = al.check(Counts, BARS)
    assert not check.deterministic
    assert (check.differences[0].what, check.differences[0].time.date()) == ("order 0", DAYS[3])
    assert check.differences[0].whole == f"BUY 1 DATA MARKET, decided {DAYS[3]} 21:00"
    assert check.differences[0].part == f"BUY 2 DATA MARKET, decided {DAYS[3]} 21:00"


def test_a_failure_of_the_repeated_run_is_chance_as_well() -> None:
    class Once(al.Strategy):
        ran: list[int] = []  # noqa: RUF012

        def on_bar(self) -> None:
            if self.bar_index == 5:
                assert not self.ran, "a second time"
                self.ran.append(1)

    (found,) = al.check(Once, BARS).differences
    assert (found.kind, found.time.date()) == ("repeat", DAYS[5])
    assert "a second time" in found.text

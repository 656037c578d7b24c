"""Random scripts, 400 in each test run and 2,000 in all: on from a snapshot or from bytes it is the batch run."""

from __future__ import annotations

import alphintra as al
import numpy as np
import pytest
from alphintra_backtest.drive import Drive
from alphintra_backtest.session import Session

from ..fuzz import one_in
from . import play
from .make import Case, cases, market, run_options, script

pytestmark = pytest.mark.no_cover


@pytest.mark.parametrize("batch", one_in(5, range(40, 80)))
def test_a_run_from_a_snapshot_is_the_batch_run(batch: int) -> None:
    for case in cases(batch, markets=5, each=10):
        rng = np.random.default_rng([case.seed, 4])
        whole = play.state(*play.batch(case))
        play.assert_same(whole, play.state(*play.rewound(case, rng)), f"{case}, rewound")
        play.assert_same(whole, play.state(*play.unpacked(case, rng)), f"{case}, unpacked")


def _case(seed: int = 1) -> Case:
    made = market(seed)
    return Case(seed, made, run_options(seed), script(seed, 40, len(made.symbols)))


def test_a_snapshot_inside_a_callback_is_refused() -> None:
    case = _case()

    class Inside(al.Strategy):
        def on_bar(self) -> None:
            self.order_target_quantity(1, self._run.symbols[0])
            self._run.snapshot()

    session = Session(case.market, case.options)
    instance = Inside()
    instance._run, instance.data = session, session.data
    with pytest.raises(RuntimeError, match="between two timestamps"):
        Drive(session, instance, 0).advance()


def test_a_packed_run_of_other_data_is_refused() -> None:
    case = _case()
    drive = play.start(case)
    drive.advance_to(5)
    arrays, rest = drive.session.pack()
    other = Session(case.market, case.options)
    with pytest.raises(ValueError, match="a session of X at bar 4 is not one of"):
        other.load((arrays, {**rest, "symbols": ["X"]}))
    with pytest.raises(ValueError, match="at bar 9999"):
        other.load((arrays, {**rest, "bar": 9999}))


def test_random_numbers_stand_where_they_stood_also_before_the_first_was_drawn() -> None:
    drawn: list[float] = []

    class Draws(al.Strategy):
        def on_bar(self) -> None:
            self.kept = self.rng  # a generator in the strategy's hand is the same one after going back
            drawn.append(float(self.kept.random()))

    case = _case()
    session = Session(case.market, case.options)
    instance = Draws()
    instance._run, instance.data = session, session.data
    drive = Drive(session, instance, 0)
    fresh = drive.snapshot()
    drive.advance_to(3)
    later = drive.snapshot()
    drive.advance_to(6)
    drive.restore(later)
    drive.advance_to(6)
    drive.restore(fresh)
    assert drive.next == 0
    drive.advance_to(6)
    assert drawn == [*drawn[:6], *drawn[3:6], *drawn[:6]]
    assert len(set(drawn)) == 6
    assert not drive.done
    assert Session.unpack(case.market, case.options, session.pack()).rng().random() == instance.kept.random()

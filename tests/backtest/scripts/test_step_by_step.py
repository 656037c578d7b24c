"""Random scripts, 2,000 of them: one bar at a time, and without skipping a bar, is what a batch run does.

The runs' invariants are checked on the way.
"""

from __future__ import annotations

from collections import Counter

import pytest
from alphintra_backtest import codes

from . import invariants, play
from .make import cases

pytestmark = pytest.mark.no_cover


@pytest.mark.parametrize("batch", range(40))
def test_a_run_step_by_step_is_the_batch_run(batch: int) -> None:
    for case in cases(batch, markets=5, each=10):
        session, end = play.batch(case)
        whole = play.state(session, end)
        play.assert_same(whole, play.state(*play.stepped(case)), f"{case}, step by step")
        with play.each_bar():
            every = play.state(*play.batch(case))
        play.assert_same(whole, every, f"{case}, every bar", but=play.NOTES)
        try:
            invariants.check(case, session, end)
        except AssertionError as error:
            raise AssertionError(f"{case}: {error}") from error


def test_finer_bars_decide_in_the_scripts() -> None:
    """Of the markets about a third have finer bars; what they decide, and what they leave open, both happen."""
    found: Counter[str] = Counter()
    for case in (case for batch in range(6) for case in cases(batch, markets=5, each=10)):
        if case.market.detail is not None:
            books = play.batch(case)[0].books
            n = int(books.reg[codes.S_FILLS])
            found["decided"] += int((books.fi[:n, codes.L_RULE] == codes.RULE_NAMES.index("F3.detail")).sum())
            found["open"] += int(books.reg[codes.S_AMBIGUOUS])
            found["cases"] += 1
    assert found["cases"] > 100
    assert found["decided"] > 15
    assert found["open"] > 5

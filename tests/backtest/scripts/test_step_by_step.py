"""Random scripts, 2,000 of them: one bar at a time, and without skipping a bar, is what a batch run does.

The runs' invariants are checked on the way.
"""

from __future__ import annotations

import pytest

from . import invariants, play
from .make import cases


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

"""However a replay is walked, it is the backtest; wherever it stands, it is a run that was stopped there."""

from __future__ import annotations

import numpy as np
import pytest
from alphintra_backtest.replay import replay as replay_module
from alphintra_backtest.replay import track

from tests.backtest.scripts import play
from tests.backtest.scripts.make import cases

from . import walks


@pytest.mark.parametrize("batch", range(300, 304))
def test_an_untouched_replay_ends_as_the_backtest(batch: int, monkeypatch: pytest.MonkeyPatch) -> None:
    # Several copies in these short runs, whatever the clock says.
    monkeypatch.setattr(track, "advance", lambda drive, stop, _: drive.advance_to(min(stop, drive.next + 6)))
    for case in cases(batch, markets=2, each=4):
        # To a bar by the copy before it, or bar by bar over the last ones.
        monkeypatch.setattr(replay_module, "CURVES", 0.0 if case.seed % 4 else 9.0)
        strategy = walks.keeper(case.rows)
        rng = np.random.default_rng([case.seed, 5])
        whole = walks.run(case, strategy)
        replay = walks.replay(case, strategy)
        play.assert_same(whole, play.state(*replay._final), f"{case}, made")
        for _ in range(3):
            walks.walk(replay, rng, 5)
            there = walks.fresh(case, strategy, replay.bar)
            stopped = play.state(there.session.frozen(), replay.bar + 1)
            play.assert_same(stopped, walks.said(replay), f"{case} at {replay.bar}")
            assert walks.remembered(replay.strategy) == walks.remembered(there.instance), case
        assert replay.branches == [], case
        play.assert_same(whole, walks.ended(replay), f"{case}, walked")

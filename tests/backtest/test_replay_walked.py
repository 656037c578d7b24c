"""The result of a replay that was walked under a debugger is that of what was walked."""

import alphintra as al
from alphintra_backtest.replay import Replay

DATA = "us-equities-daily/AAPL"
YEAR = {"start": "2012-01-03", "end": "2012-12-31"}


class Holds(al.Strategy):
    share = 0.5

    def on_bar(self):
        self.order_target_percent(type(self).share)


def test_a_run_that_was_changed_by_hand_has_a_result_of_its_own(monkeypatch):
    replay = Replay(Holds, DATA, **YEAR)
    replay.walk_on(replay.count - 1, lambda: False)
    original = replay.original.metrics["final_equity"]
    assert replay.result().metrics["final_equity"] == original
    replay.back(100)
    # As a debugger changes what the replay does not look at.
    monkeypatch.setattr(Holds, "share", 0.9)
    replay.walk_on(replay.count - 1, lambda: False)
    changed = replay.result().metrics["final_equity"]
    assert changed != original
    assert changed == replay.state()["account"]["equity"]
    assert replay.original.metrics["final_equity"] == original

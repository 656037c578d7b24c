"""How many copies of a run are kept, and how much they take."""

from __future__ import annotations

from typing import Any

import alphintra as al
import pytest
from alphintra_backtest.replay import Replay, track, walking

from .conftest import Switch, bars, fills


class Heavy(Switch):
    def on_start(self) -> None:
        super().on_start()
        self.notes = bytearray(20_000)

    def on_bar(self) -> None:
        super().on_bar()
        self.notes[self.bar_index % 20_000] ^= 1


@pytest.fixture(scope="module")
def long() -> Any:
    return bars(600)


@pytest.fixture(autouse=True)
def _often(monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy after each two bars, whatever the clock says."""
    monkeypatch.setattr(track, "advance", lambda drive, stop, _: drive.advance_to(min(stop, drive.next + 2)))


def test_copies_stay_within_their_limit(long: Any) -> None:
    free, bound = Replay(Heavy, long), Replay(Heavy, long, snapshot_limit=500_000)
    assert free.snapshot_bytes > 5_000_000
    assert bound.snapshot_bytes <= 500_000
    for replay in (free, bound):
        for bar in (599, 0, 300, 299, 298, 450, 10):
            replay.to(bar)
            assert (replay.bar, len(replay.strategy.seen)) == (bar, bar + 1)
        assert replay.branches == []
    assert bound.snapshot_bytes <= 500_000
    bound.strategy.size = 3
    bound.to(599)
    assert bound.snapshot_bytes <= 500_000
    assert [row[2] for row in fills(bound.result())][:4] == [10.0, 10.0, 3.0, 3.0]


def test_copies_are_kept_from_the_first_bar_to_the_last(long: Any) -> None:
    replay = Replay(Heavy, long)
    assert [one.bar for one in replay._track.root.spaced] == [*range(-1, 599, 2), 599]


def test_nothing_is_kept_of_a_run_that_is_short(frame: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(track, "advance", walking.advance)
    monkeypatch.setattr(track, "SPACING", 600.0)
    replay = Replay(Switch, frame, at=30)
    assert [one.bar for one in replay._track.root.spaced] == [-1, 39]
    assert fills(replay.original) == fills(al.backtest(Switch, frame))

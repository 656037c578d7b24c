"""The results of a replay: of its backtest, and of each run that was changed on the way."""

from __future__ import annotations

import time as clock
from typing import TYPE_CHECKING

from alphintra_backtest.runner import entry_rules

from .branches import Branch, marked
from .walking import muted

if TYPE_CHECKING:
    from alphintra.result import Result

    from alphintra_backtest.session import Session

    from .replay import Replay


class Results:
    """Makes each result once, when somebody asks for it. It holds no replay: that would be a circle of large arrays.

    Args:
        final: The session of the backtest at its end and how many timestamps that reached; ``None`` where it raised.
    """

    def __init__(self, final: tuple[Session, int] | None) -> None:
        self._final = final
        self._original: Result | None = None
        self._of_branches: dict[int, Result] = {}

    def original(self, replay: Replay) -> Result:
        """See ``Replay.original``."""
        if self._original is None:
            if self._final is None:
                assert replay.error is not None
                raise replay.error
            session, end = self._final
            setup = replay.setup
            with muted():
                entries = entry_rules(session, end, setup.form, setup.values, setup.start)
            began = clock.perf_counter() - replay.run_seconds
            self._original = setup.result(session, replay.first, end, began, entries)
        return self._original

    def of_branch(self, replay: Replay, branch: Branch, began: float) -> Result:
        """The result of the run that was changed there, in which the replay stands."""
        if id(branch) not in self._of_branches:
            here = replay.bar
            self._of_branches[id(branch)] = marked(_at_the_end(replay, began), branch)
            _back(replay, here)
        return self._of_branches[id(branch)]

    def walked(self, replay: Replay, began: float) -> Result:
        """The result of a run that was walked under a debugger, where each bar may have been changed by hand."""
        here = replay.bar
        made = _at_the_end(replay, began)
        _back(replay, here)
        return made


def _at_the_end(replay: Replay, began: float) -> Result:
    """Go on to the end from where the replay stands."""
    replay._track.walk(replay.count)
    session, end = replay._track.finish()
    return replay.setup.result(session, replay.first, end, began, {})


def _back(replay: Replay, here: int) -> None:
    if replay.copyable:
        replay._track.go(here)

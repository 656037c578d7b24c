"""Lines of the trader's source: where ``on_bar`` begins, and which line asked for an order."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from alphintra_backtest.blame import ours

if TYPE_CHECKING:
    from alphintra_backtest.session import Session

#: Frames between the trader's line and the verb.
DEPTH = 12


def first_line(strategy: type) -> tuple[str, int] | None:
    """File and line of the first statement of ``on_bar``; ``None`` where the trader has written none."""
    code = getattr(getattr(strategy, "on_bar", None), "__code__", None)
    if code is None or code.co_filename.startswith(ours()):
        return None
    lines = sorted({line for _, _, line in code.co_lines() if line and line > code.co_firstlineno})
    return code.co_filename, lines[0] if lines else code.co_firstlineno


class OrderLines:
    """Notes for each order the line that asked for it; ``of`` gives file and line by the order's number."""

    def __init__(self) -> None:
        self.of: dict[int, tuple[str, int]] = {}

    def attach(self, session: Session) -> None:
        """Listen to a session's verbs."""
        verbs: Any = session
        for name in ("order", "target", "close"):
            setattr(verbs, name, self._noted(getattr(session, name)))

    def _noted(self, verb: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            made = verb(*args, **kwargs)
            line = _caller()
            if made is not None and line is not None:
                self.of[made.id] = line
            return made

        return call


def _caller() -> tuple[str, int] | None:
    """The line outside of the engine and the SDK that called."""
    frame = sys._getframe(2)
    for _ in range(DEPTH):
        if not frame.f_code.co_filename.startswith(ours()):
            return frame.f_code.co_filename, frame.f_lineno
        if frame.f_back is None:
            return None
        frame = frame.f_back
    return None

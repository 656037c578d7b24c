"""Where debugpy behaves otherwise than we want it to; it runs in this process once a debugger is attached."""

from __future__ import annotations

import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

from alphintra_backtest.replay import debugging
from alphintra_backtest.replay.failing_expression import failing


def adjust(raised: Callable[[str], None]) -> None:
    """Change what is to be changed.

    Args:
        raised: Is told, on the thread that stops, why a condition could not be evaluated.
    """
    from _pydevd_bundle.pydevd_constants import get_global_debugger  # type: ignore[import-not-found]

    debugger = get_global_debugger()
    if debugger is None:
        return
    # It writes each answer in two pieces, and TCP would keep the second one back for 40 ms.
    connection = getattr(getattr(debugger, "writer", None), "sock", None)
    if isinstance(connection, socket.socket):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    debugger.handle_breakpoint_condition = judge(raised)


def judge(raised: Callable[[str], None]) -> Callable[[Any, Any, FrameType], bool]:
    """What tells whether a breakpoint with a condition stops the run.

    Debugpy's own would go on where a condition raises, or stop and give its traceback; this one stops, and says what
    was raised, where, and what to write.
    """

    def stops(_info: Any, breakpoint_: Any, frame: FrameType) -> bool:
        if breakpoint_.handle_hit_condition(frame):
            return True
        if not breakpoint_.condition:
            return False
        try:
            # The trader's own expression, in their own process.
            return bool(eval(breakpoint_.condition, frame.f_globals, frame.f_locals))
        except Exception as error:  # noqa: BLE001 - whatever it is, it is shown
            names = {**frame.f_globals, **frame.f_locals}
            raised(str(failing("the condition", breakpoint_.condition, error, names, _where(frame))))
            return True

    return stops


def _where(frame: FrameType) -> str:
    """Line and bar."""
    run = debugging.current
    line = f"line {frame.f_lineno}"
    if run is None or not run.running:
        return line
    return f"{line}, bar {run.replay.in_progress}, {run.replay.strategy.now:%Y-%m-%d %H:%M}"

"""A backtest to walk through: forward, back, to a date, to the next fill; look at everything, change it, branch off.

``Replay`` is the whole of it; what a front end adds, it registers here.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .branches import Branch
from .replay import Replay

__all__ = ["Branch", "Replay", "debug_hook", "view_hook"]

#: Shows a replay: takes it and returns what the cell shows. The kernel sets it where it can show widgets.
view_hook: Callable[[Replay], Any] | None = None
#: Walks a replay under the notebook's debugger: takes it and whether that was asked for (``None``: where breakpoints
#: say so), and returns what the cell shows, or ``None`` where it is not to be debugged. The kernel sets it.
debug_hook: Callable[[Replay, bool | None], Any] | None = None

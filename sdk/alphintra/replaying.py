"""``al.replay``: a backtest to walk through bar by bar, in both directions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._engine import engine
from .backtesting import named_and_rules
from .errors import ReplayError

if TYPE_CHECKING:
    from .strategy import Strategy


def replay(
    strategy: type[Strategy],
    data: Any,
    *,
    at: Any = None,
    debug: bool | None = None,
    **options: Any,
) -> Any:
    """Run a backtest and stand in it at any bar: look at everything, change it, step forward and back.

    Args:
        strategy: The class (not an instance).
        data: As for :func:`alphintra.backtest`.
        at: Where to stand: a date, a time, or a bar's index; before the first ``on_bar`` where None.
        debug: True asks for a walk under a debugger that offers one (``alphintra_backtest.replay.debug_hook``), so
            that it stops inside ``on_bar``; False never does. None leaves it to the debugger.
        options: All other arguments of :func:`alphintra.backtest`, rules included, but ``check`` and ``compiled``: a
            strategy that has ``signals`` alone is walked by the ``on_bar`` that they mean.

    Returns:
        An ``alphintra_backtest.replay.Replay``, or what ``alphintra_backtest.replay.view_hook`` makes of it.

    Raises:
        ReplayError: ``at`` is outside the data, or there is no debugger to walk it under.
        AlphintraError: As :func:`alphintra.backtest` does; a strategy that raises in the run makes no error here: the
            replay stands at the bar before.
    """
    named, rules = named_and_rules(options)
    for name in ("engine", "analyzers", "check", "compiled"):
        given = named.pop(name, None)
        if given not in (None, False, (), "default") and name != "compiled":
            raise ReplayError(f"a replay takes no {name}=", code="BAD_ARGUMENT", where=name)
    package = engine("replay")
    with engine("replay.debugging").undisturbed():
        made = package.Replay(strategy, data, at=at, rules=rules, **named)
    if debug is not False:
        shown = None if package.debug_hook is None else package.debug_hook(made, debug)
        if shown is not None:
            return shown
        if debug:
            raise ReplayError(
                "there is no debugger to walk the replay under", code="NO_DEBUGGER",
                hint="leave debug out, and walk with step(), back(), to() and until()",
            )  # fmt: skip
    return made if package.view_hook is None else package.view_hook(made)

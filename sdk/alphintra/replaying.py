"""``al.replay`` and ``al.post_mortem``: a backtest to walk through bar by bar, in both directions."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from ._engine import engine
from .backtesting import named_and_rules
from .errors import ReplayError, StrategyError
from .repeating import Asked, last_failed, remember

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
            replay stands at the bar before, also where ``at`` is that bar. A later one raises it.
    """
    asked = Asked(strategy, data, options)
    return _shown(_made(asked, at), debug)


def post_mortem(debug: bool | None = None) -> Any:
    """Stand at the bar before the error of the last run of this process whose strategy raised.

    A replay of that run: the class, the data and the options are those that it had, also where the notebook has others
    by now. They are kept by reference, so data that was changed since is replayed as it is.

    Args:
        debug: As for :func:`replay`; True stops inside the callback that raised.

    Returns:
        As :func:`replay`.

    Raises:
        ReplayError: ``NO_FAILED_RUN``: no strategy has raised here; ``BEFORE_FIRST_BAR``: it raised before its first
            bar, so there is none to stand at.
    """
    failed = last_failed()
    if failed is None:
        raise ReplayError(
            "no strategy has raised in this kernel, so there is no bar to stand at", code="NO_FAILED_RUN",
            hint="run the backtest that fails again: what raised is forgotten when the kernel is restarted",
        )  # fmt: skip
    name = failed.asked.strategy.__name__
    if failed.bar < 0:
        raise ReplayError(
            f"{name} raised before its first bar, so there is none to stand at", code="BEFORE_FIRST_BAR",
            hint="%debug opens the frame that raised",
        )  # fmt: skip
    made = _made(failed.asked, None)
    if made.error is None or made.error.bar != failed.bar:
        warnings.warn(
            f"{name} raised at bar {failed.bar} the first time and "
            + ("not at all now" if made.error is None else f"at bar {made.error.bar} now")
            + ": it keeps something outside itself, or the data was changed",
            stacklevel=2,
        )
        if made.error is None:
            made.to(max(made.first - 1, failed.bar - 1))
    return _shown(made, debug)


def _made(asked: Asked, at: Any) -> Any:
    """The replay of a run; one that raises is remembered."""
    named, rules = named_and_rules(asked.options)
    for name in ("engine", "analyzers", "check", "compiled"):
        given = named.pop(name, None)
        if given not in (None, False, (), "default") and name != "compiled":
            raise ReplayError(f"a replay takes no {name}=", code="BAD_ARGUMENT", where=name)
    try:
        with engine("replay.debugging").undisturbed():
            made = engine("replay").Replay(asked.strategy, asked.data, at=at, rules=rules, **named)
    except StrategyError as error:
        remember(error, asked)
        raise
    if made.error is not None:
        remember(made.error, asked)
    return made


def _shown(made: Any, debug: bool | None) -> Any:
    """What the front end makes of a replay."""
    package = engine("replay")
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

"""What a trader's expression that raised is told with: what it was, where, and what to write in its place.

One text for all that is asked at each bar: ``until`` of a replay, the condition of a breakpoint.
"""

from __future__ import annotations

import builtins
import contextlib
import difflib
from collections.abc import Iterable, Mapping
from types import FunctionType, MethodType
from typing import TYPE_CHECKING, Any

from alphintra_backtest.blame import text_of

from .strategy_state import OF_THE_RUN

if TYPE_CHECKING:
    from alphintra.errors import ReplayError

#: Letters that are shown of an expression and of what it raised; names that are listed.
_EXPRESSION, _TEXT, _NAMES = 120, 300, 8


def failing(what: str, expression: str, error: Exception, names: Mapping[str, Any], where: str) -> ReplayError:
    """The error that a trader sees of an expression.

    Args:
        what: What it is, such as ``the expression``.
        expression: As it was written.
        error: That it raised.
        names: What it could see, by name.
        where: The bar.
    """
    from alphintra.errors import ReplayError

    text = _short(" ".join(text_of(error).split()), _TEXT)
    return ReplayError(
        f"{what} {_short(expression, _EXPRESSION)!r} raised {type(error).__name__}{text and f': {text}'}",
        code="EXPRESSION_FAILED",
        where=where,
        hint=remedy(error, names),
    )


def remedy(error: Exception, names: Mapping[str, Any]) -> str | None:
    """What to write in place of what raised; None where the error says so itself."""
    from alphintra.errors import AlphintraError

    if isinstance(error, AlphintraError):
        return None
    if isinstance(error, AttributeError) and error.name is not None:
        return _of_object(error.obj, error.name)
    if isinstance(error, NameError) and error.name is not None:
        return _of_scope(error.name, names)
    text = text_of(error)
    if isinstance(error, TypeError) and "method'" in text:
        return "a method is called with brackets, such as self.position()"
    if isinstance(error, TypeError) and "'NoneType'" in text:
        return "a value is None at this bar: ask first, as in 'self.entry is not None and self.entry > 3'"
    if isinstance(error, TypeError) and "series" in text.lower():
        return "a series has a value for each bar: [-1] is the current one, as in 'self.data.close[-1] > 3'"
    return "it is asked at each bar and needs an answer at each: ask first, as in 'self.bar_index > 50 and …'"


def _of_object(thing: Any, name: str) -> str:
    from alphintra.strategy import Strategy

    if thing is None:
        return "what it is asked of is None at this bar: ask first, as in 'self.entry is not None and …'"
    if isinstance(thing, MethodType | FunctionType):
        return f"{thing.__name__} is a method, which is called with brackets: {thing.__name__}()"
    kind = type(thing).__name__
    known = _attributes(thing)
    near = difflib.get_close_matches(name, known, 1)
    if near:
        return f"did you mean {near[0]!r}?"
    if not isinstance(thing, Strategy):
        return f"{kind} has {_listed(known)}" if known else f"{kind} has no attributes"
    own = [one for one in known if one not in OF_THE_RUN and one not in _attributes(Strategy)]
    listed = _listed(own) if own else "none of its own"
    return f"{kind} has {listed}, and what each strategy has, such as equity and data"


def _of_scope(name: str, names: Mapping[str, Any]) -> str:
    if name in _attributes(names.get("self")):
        return f"write self.{name}"
    near = difflib.get_close_matches(name, [one for one in names if not one.startswith("_")] + dir(builtins), 1)
    if near:
        return f"did you mean {near[0]!r}?"
    return "it sees self, and the names of the cell or file in which the strategy is written"


def _attributes(thing: Any) -> list[str]:
    """Public names, without asking the object itself, which may be the trader's own; its instance's come first."""
    mro: Iterable[type] = thing.__mro__ if isinstance(thing, type) else type(thing).__mro__
    held: Mapping[str, Any] = {}
    if not isinstance(thing, type):
        with contextlib.suppress(AttributeError):  # it has slots
            held = object.__getattribute__(thing, "__dict__")
    found = dict.fromkeys([*sorted(held), *sorted({name for one in mro for name in vars(one)})])
    return [name for name in found if not name.startswith("_")]


def _listed(names: list[str]) -> str:
    more = len(names) - _NAMES
    return ", ".join(names[:_NAMES]) + (f" and {more} more" if more > 0 else "")


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"

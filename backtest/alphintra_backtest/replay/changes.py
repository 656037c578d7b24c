"""What a trader has changed by hand since a replay stood somewhere."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alphintra_backtest.handles import Order

from . import strategy_state
from .asked import asked
from .branches import Change, plain
from .strategy_state import State

if TYPE_CHECKING:
    from alphintra_backtest.session import Session

    from .track import Track


@dataclass(frozen=True, eq=False)
class Left:
    """A strategy and its session as a movement left them.

    Attributes:
        bar: Where that was.
        state: The strategy's attributes; ``None`` where they cannot be copied.
        parts: Each of them for itself, where they cannot be copied together.
        marks: What of the session can be changed by hand: random numbers, log, records.
    """

    bar: int
    state: State | None
    parts: dict[str, Any]
    marks: tuple[Any, ...]

    @classmethod
    def of(cls, track: Track, state: State | None) -> Left:
        """As they are now; ``state`` is the copy that was made of the strategy."""
        parts = {} if state is not None else strategy_state.parts(track.drive.instance)
        return cls(track.bar, state, parts, _marks(track.session))

    def moved(self, instance: Any) -> set[str]:
        """Names of the attributes that are not what they were; none where they cannot be copied."""
        if self.state is None:
            return set()
        return {name for name, _, _ in strategy_state.differences(self.state.attributes(), vars(instance), instance)}

    def changes(self, track: Track) -> list[Change]:
        """What is no longer as it was."""
        session, instance = track.session, track.drive.instance
        found = _attributes(self, instance)
        changes = [(name, plain(old), plain(new)) for name, old, new in found]
        orders = sorted({o for o in (*session.pending, *session.touched) if o >= 0})
        if orders:
            changes.append(("orders", None, plain("; ".join(_said(Order(session, o)) for o in orders))))
        rng, logs, recorded = _marks(session)
        if rng != (_undrawn(session) if self.marks[0] is None and rng is not None else self.marks[0]):
            changes.append(("rng", None, "drawn"))
        if logs != self.marks[1]:
            changes.append(("log", None, plain(session.logs[-1][1] if logs > self.marks[1] else "shortened")))
        if recorded != self.marks[2]:
            changes.append(("recorded", None, plain(", ".join(sorted(recorded)))))
        return changes


def _attributes(left: Left, instance: Any) -> list[tuple[str, Any, Any]]:
    if left.state is not None:
        with contextlib.suppress(strategy_state.UncopiableError):
            if strategy_state.copied(instance).same(left.state):
                return []
        return strategy_state.differences(left.state.attributes(), vars(instance), instance)
    parts = strategy_state.parts(instance)
    found: list[tuple[str, Any, Any]] = []
    for name in {**left.parts, **parts}:
        old, new = left.parts.get(name), parts.get(name)
        if isinstance(old, State) and isinstance(new, State):
            if not old.same(new):
                found.append((name, old.attributes(), vars(instance)[name]))
        elif old is not new:
            found.append((name, None if isinstance(old, State) else old, vars(instance).get(name)))
    return found


def _said(order: Order) -> str:
    """An order in a line: what it asks for, and its state where it no longer works."""
    text = f"{order.symbol} {asked(order)}"
    return text if order.is_working else f"{text}: {order.state.lower()}"


def _undrawn(session: Session) -> Any:
    """State of random numbers that were looked at and not drawn."""
    return np.random.default_rng(session.config.seed).bit_generator.state


def _marks(session: Session) -> tuple[Any, ...]:
    last = {name: (len(bars), values[-1]) for name, (bars, values) in session.recorded.items()}
    rng = None if session._rng is None else session._rng.bit_generator.state
    return rng, len(session.logs), last

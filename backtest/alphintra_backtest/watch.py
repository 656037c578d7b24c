"""What a check sees of a run (F12): the books, indicators and recorded values as they were right after a bar."""

from __future__ import annotations

import sys
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from . import codes

if TYPE_CHECKING:
    from .session import Session

F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

#: A run that is not watched has its next mark here.
NEVER = sys.maxsize


@dataclass(frozen=True, eq=False)
class Line:
    """An output of an indicator, or of ``signals``, up to a bar.

    Attributes:
        name: What it is called.
        symbol: The symbol whose bars it follows, ``None`` where it joins several.
        values: (n,) its values.
        bars: (n,) the run's timestamps of the values.
    """

    name: str
    symbol: str | None
    values: F64
    bars: I64


@dataclass(frozen=True, eq=False)
class State:
    """What a run had come to right after bar ``bar``: copies, so that the run can go on.

    Attributes:
        bar: The timestamp's index.
        oi: (orders, columns) the integer half of the order table.
        of: (orders, columns) its other half.
        ev: (events, columns) the event log.
        fi: (fills, columns) the integer half of the fill log.
        ff: (fills, columns) its other half.
        tags: Texts that orders carry.
        indicators: In the order of their declaration.
        recorded: Name → the bars at which it was recorded, and the values.
    """

    bar: int
    oi: I64
    of: F64
    ev: I64
    fi: I64
    ff: F64
    tags: Mapping[int, str]
    indicators: tuple[Line, ...]
    recorded: Mapping[str, tuple[list[int], list[float]]]

    def upto(self, bar: int) -> State:
        """What is known of an earlier bar from here: the rows up to it, as they are now."""
        events = self.ev[:, codes.E_BAR] <= bar
        events &= self.ev[:, codes.E_STATE] != codes.UNFILLED
        orders, fills = self.oi[:, codes.I_BAR] <= bar, self.fi[:, codes.L_BAR] <= bar
        lines = []
        for line in self.indicators:
            count = int(np.searchsorted(line.bars, bar, side="right"))
            lines.append(replace(line, values=line.values[:count], bars=line.bars[:count]))
        return State(
            bar,
            self.oi[orders],
            self.of[orders],
            self.ev[events],
            self.fi[fills],
            self.ff[fills],
            self.tags,
            tuple(lines),
            {name: _until(at, values, bar) for name, (at, values) in self.recorded.items()},
        )


class Watch:
    """Looks at one run of a check.

    Args:
        marks: Timestamps (indices, increasing) after which the books are copied.
        whole: The watch of the run on all data, for a run on shortened data.
    """

    def __init__(self, marks: tuple[int, ...] = (), whole: Watch | None = None) -> None:
        self.session: Session
        self.states: dict[int, State] = {}
        self.last: State | None = None
        #: One for each call of ``self.indicator``: what it returned.
        self.declared: list[Any] = []
        #: Indicators (by number of the call) that fail on the shortened data though they are defined there.
        self.failed: list[tuple[int, str]] = []
        self._marks = list(reversed(marks))
        self._whole = whole

    @property
    def mark(self) -> int:
        """The next timestamp after which to look."""
        return self._marks[-1] if self._marks else NEVER

    def attach(self, session: Session) -> None:
        """Follow a run that begins."""
        self.session = session
        # Set on the object: only a watched run declares its indicators through here.
        session.__dict__["indicator"] = _Declare(self, session.indicator)
        if self._whole is not None:
            # Whether volume is known at all is a fact about the dataset (F5), not something of its future.
            caps = session.grid.m[5]
            caps[:] = self._whole.session.grid.m[5][: len(caps)]

    def look(self) -> int:
        """Keep the state after the mark that is due; returns the next one."""
        bar = self._marks.pop()
        self.states[bar] = _state(self.session, bar)
        return self.mark

    def closed(self, bar: int) -> None:
        """Keep the state after the last bar, before anything is done because the run ends."""
        self.last = self.states[bar] = _state(self.session, bar)

    def lines_at(self, bar: int) -> tuple[Line, ...]:
        """The indicators up to ``bar``, also of a run that never got there."""
        asof = getattr(self.session, "asof", None)
        if asof is not None:
            asof.seek(int(self.session.grid.time[bar]))
        return _lines(self.session, bar)

    def expected(self, call: int) -> tuple[Any, ...] | None:
        """What the run on all data got from a call of ``self.indicator``; ``None`` where it made no such call."""
        if self._whole is None or call >= len(self._whole.declared):
            return None
        known = self._whole.declared[call]
        return known if isinstance(known, tuple) else (known,)

    def is_tuple(self, call: int) -> bool:
        """Whether that call returned a tuple."""
        assert self._whole is not None
        return isinstance(self._whole.declared[call], tuple)


@dataclass(frozen=True, eq=False)
class _Declare:
    """``self.indicator`` of a watched run.

    A symbol whose first bar comes after the cut has no bars, and one that has only just begun has few: a function
    that cannot take so short an array says nothing about the future where the whole data leaves it undefined too.
    """

    watch: Watch
    declare: Callable[..., Any]

    def __call__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        name: str | None,
        overlay: bool | None,
    ) -> Any:
        call = len(self.watch.declared)
        known = self.watch.expected(call)
        if known is None:
            found = self.declare(function, args, kwargs, name, overlay)
        else:
            found = self._on_shortened(call, known, function, args, kwargs, name, overlay)
        self.watch.declared.append(found)
        return found

    def _on_shortened(
        self,
        call: int,
        known: tuple[Any, ...],
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
        name: str | None,
        overlay: bool | None,
    ) -> Any:
        from .dataview import _label

        count = len(self.watch.session.grid.time)
        heads = [view._array[: int(np.searchsorted(view.timeline.positions, count))] for view in known]
        as_tuple = self.watch.is_tuple(call)

        def of_all_data(*_: Any, **__: Any) -> Any:
            # A bar without a value on all data has none here either; the lengths are those of the shortened bars.
            return tuple(np.array(h) for h in heads) if as_tuple else np.array(heads[0])

        label = name or _label(function, args, kwargs)
        if not len(heads[0]):
            return self.declare(of_all_data, args, {}, label, overlay)
        try:
            return self.declare(function, args, kwargs, name, overlay)
        except Exception as error:  # noqa: BLE001 - a trader's function may raise anything
            if not all(np.isnan(head).all() for head in heads):
                self.watch.failed.append((call, f"{label}: {error}"))
            return self.declare(of_all_data, args, {}, label, overlay)


def _state(session: Session, bar: int) -> State:
    books, reg = session.books, session.books.reg
    orders, fills, events = (int(reg[c]) for c in (codes.S_ORDERS, codes.S_FILLS, codes.S_EVENTS))
    return State(
        bar,
        books.oi[:orders].copy(),
        books.of[:orders].copy(),
        books.ev[:events].copy(),
        books.fi[:fills].copy(),
        books.ff[:fills].copy(),
        dict(session.tags),
        _lines(session, bar),
        {name: _until(at, values, bar) for name, (at, values) in session.recorded.items()},
    )


def _until(at: list[int], values: list[float], bar: int) -> tuple[list[int], list[float]]:
    count = bisect_right(at, bar)
    return at[:count], values[:count]


def _lines(session: Session, bar: int) -> tuple[Line, ...]:
    # Views that are put onto the basis of each bar (F8) change their values; others are what they are.
    moving = getattr(session, "asof", None) is not None
    out = []
    for item in session.indicators:
        bars = item.series.timeline.positions
        count = int(np.searchsorted(bars, bar, side="right"))
        values = item.series._array[:count]
        symbol = None if item.symbol is None else session.symbols[item.symbol]
        out.append(Line(item.name, symbol, values.copy() if moving else values, bars[:count]))
    return tuple(out)

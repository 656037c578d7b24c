"""``al.check``: the runs on shortened data, what differs, and what to say about it (F12)."""

from __future__ import annotations

import contextlib
import io
import time as clock
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from . import codes
from .assumptions import by_level
from .check_compare import Found, compare, lines
from .handles import stamp
from .outside import data_outside
from .watch import State, Watch

if TYPE_CHECKING:
    from alphintra.checking import Check, CheckPoint, Difference
    from alphintra.data.market import MarketData
    from alphintra.result import Result

Progress = Callable[[float, int], None]
Again = Callable[["MarketData", Watch, Progress], None]

#: Part of the progress of a run with its check that is the run itself: about what it costs.
SHARE = 0.2

_KINDS = ("repeat", "indicator", "recorded", "order", "event", "error")
_DO = {
    "indicator": "Value i of an indicator may use values up to i only: look for shift(-n), a centred window, or a "
    "mean, deviation, maximum or rank of the whole series.",
    "recorded": "What was recorded rests on something that later bars change: an indicator named here, or data from "
    "outside self.data.",
    "order": "The decision rests on something that later bars change: an indicator named here, or data from outside "
    "self.data.",
    "event": "The orders were the same and ended differently: look for cancel() or on_order and on_fill that rest on "
    "something that later bars change.",
    "error": "Something beyond the current bar is read: look for data from outside self.data.",
    "repeat": "Take random numbers from self.rng, and keep nothing in globals or class attributes from run to run.",
}


class OutOfTimeError(BaseException):
    """The time for checking is over; not an Exception, so that no strategy is blamed for it."""


class _Silent(io.TextIOBase):
    """Swallows what a strategy prints again."""

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        return len(text)


def share(progress: Progress | None, start: float, end: float) -> Progress | None:
    """Tell a part's progress as that of the whole."""
    if progress is None:
        return None
    tell = progress
    return lambda fraction, time: tell(start + (end - start) * fraction, time)


def first_run(progress: Progress | None) -> tuple[Watch, Progress | None]:
    """What the run on all data needs so that it can be examined afterwards."""
    return Watch(), share(progress, 0.0, SHARE)


def examine(
    result: Result,
    strategy: type,
    again: Again,
    watch: Watch,
    first: int,
    points: int,
    until: float | None,
    progress: Progress | None,
) -> None:
    """Check a finished run for look-ahead; the outcome becomes ``result.check`` and one of its assumptions.

    Args:
        result: Of the run on all data.
        strategy: Its class.
        again: Runs the strategy on given data under a watch; ``progress`` as everywhere.
        watch: Of the run on all data.
        first: Index of the timestamp of the first ``on_bar``.
        points: How many points to check.
        until: Time of ``time.perf_counter`` after which no more is checked; what was by then counts. ``None`` is
            no limit.
        progress: Told from ``SHARE`` to 1.
    """
    found = _Examination(result, strategy, again, watch, points, until, progress).run(first)
    result.check = found
    kept = [entry for entry in result.assumptions if entry["code"] != "look_ahead"]
    result.assumptions = by_level([*kept, _entry(found)])


def _entry(check: Check) -> dict[str, Any]:
    done = bool(check.points)
    level = "error" if check.differences else "warning" if check.notes or not done else "info"
    items = [f"{d.text} {d.hint}" for d in check.differences] + list(check.notes)
    return {"code": "look_ahead", "text": check.summary, "level": level, "rule": "F12", "items": items}


class _Examination:
    """The runs of one check."""

    def __init__(
        self,
        result: Result,
        strategy: type,
        again: Again,
        whole: Watch,
        points: int,
        until: float | None,
        progress: Progress | None,
    ) -> None:
        self.result = result
        self.strategy = strategy
        self.again = again
        self.whole = whole
        self.points = points
        self.progress = progress
        self.until = until
        self.notes: list[str] = []
        self.grid = whole.session.grid
        self.daily = result.market.timeframe.endswith(("d", "w", "mo"))

    def run(self, first: int) -> Check:
        from alphintra.checking import Check

        assert self.whole.last is not None
        cuts = choose(self.whole.last, first, len(self.grid.time), self.points, int(self.result.run["seed"]))
        marks = tuple(sorted(cuts))
        if not marks:
            self.notes.append("on_bar was called at the last bar only: there is no earlier time to cut the data at.")
        work = float(len(self.grid.time) + sum(bar + 1 for bar in marks))
        done, twin = 0.0, Watch(marks)
        differences: list[Difference] = []
        points: list[CheckPoint] = []
        with contextlib.redirect_stdout(_Silent()), contextlib.redirect_stderr(_Silent()):
            try:
                differences = self._repeat(twin, self._part(done, len(self.grid.time), work))
                done += len(self.grid.time)
                if not differences:
                    for bar in marks:
                        found = self._point(bar, twin, self._part(done, bar + 1, work))
                        done += bar + 1
                        differences += found
                        points.append(self._checked(bar, cuts[bar], not found))
            except OutOfTimeError:
                self.notes.append(f"The time for checking was over after {len(points)} of {len(marks)} points.")
            except MemoryError:
                self.notes.append(f"The memory for checking was used up after {len(points)} of {len(marks)} points.")
        self.notes += data_outside(self.strategy)
        kept = _first_of_each(differences)
        return Check(
            strategy=self.strategy.__name__,
            data=str(self.result.run["dataset"]),
            passed=bool(points) and not kept,
            deterministic=not any(d.kind == "repeat" for d in kept),
            points=tuple(points),
            differences=kept,
            notes=tuple(self.notes),
        )

    def _part(self, done: float, size: float, work: float) -> Progress:
        """Progress of the next run of ``size`` bars; it also looks at the clock."""
        rest = 1 - SHARE
        told = share(self.progress, SHARE + rest * done / work, SHARE + rest * (done + size) / work)

        def tell(fraction: float, time: int) -> None:
            if self.until is not None and clock.perf_counter() > self.until:
                raise OutOfTimeError
            if told is not None:
                told(fraction, time)

        tell(0.0, int(self.grid.time[0]))
        return tell

    def _checked(self, bar: int, why: str, ok: bool) -> CheckPoint:
        from alphintra.checking import CheckPoint

        return CheckPoint(stamp(int(self.grid.time[bar])), why, ok)

    def _repeat(self, twin: Watch, progress: Progress) -> list[Difference]:
        """Run on all data again: what differs now is chance, not look-ahead."""
        from alphintra.errors import AlphintraError

        try:
            self.again(self.result.market, twin, progress)
        except AlphintraError as error:
            _raise_memory(error)
            return [self._failed(error, len(self.grid.time) - 1, "repeat")]
        assert self.whole.last is not None and twin.last is not None
        found = compare(self.whole.last, twin.last, self.whole.session)
        return [self._difference(f, None) for f in found][:1]

    def _point(self, bar: int, twin: Watch, progress: Progress) -> list[Difference]:
        """Run on the data up to a bar and compare with what the whole run had come to there."""
        from alphintra.errors import AlphintraError, WarmUpError

        part = Watch(whole=twin)
        error: AlphintraError | None = None
        try:
            self.again(cut(self.result.market, int(self.grid.time[bar])), part, progress)
        except AlphintraError as failure:
            _raise_memory(failure)
            error = failure
        out = [self._lost(part, call, text, bar) for call, text in part.failed]
        named = {d.what for d in out}
        if error is not None or part.last is None:
            whole = twin.lines_at(bar)
            mine = part.lines_at(min(bar, len(part.session.grid.time) - 1))
            out += [self._difference(f, bar) for f in lines(whole, mine, "indicator") if not _known(f, named)]
            # Never ready because an indicator has changed is the indicator's difference.
            if error is not None and not (isinstance(error, WarmUpError) and out):
                out.append(self._failed(error, bar, "error"))
            return out
        if bar in twin.states:
            found = compare(twin.states[bar], part.last, self.whole.session)
        else:  # a run in one compiled pass has no states between
            assert twin.last is not None
            found = compare(twin.last.upto(bar), part.last.upto(bar), self.whole.session, settled=True)
        return out + [self._difference(f, bar) for f in found if not _known(f, named)]

    # -- in words
    # ----------------------------------------------------------------------------------------------

    def _when(self, bar: int) -> str:
        bar = max(bar, 0)
        if self.daily:
            return str(np.datetime64(int(self.grid.session[bar]), "D"))
        return stamp(int(self.grid.time[bar])).isoformat().replace("+00:00", "Z")

    def _difference(self, found: Found, bar: int | None) -> Difference:
        from alphintra.checking import Difference

        at = "in on_start" if found.bar < 0 else f"at {self._when(found.bar)}"
        several = len(self.whole.session.symbols) > 1
        kind = "repeat" if bar is None else found.kind
        of = f" of {found.symbol}" if found.symbol is not None and several else ""
        what = found.what.removesuffix("()")
        subject = {
            "indicator": f"the indicator {what}{of} {at}",
            "recorded": f"the recorded value {what} {at}",
            "order": f"{what} {at}",
            "event": f"what became of {what} {at}",
        }[found.kind]
        if bar is None:
            text = f"{subject} changed when the run was repeated on the same data: the strategy is not deterministic."
        else:
            means = "it reads the future" if found.kind == "indicator" else "it depends on the future"
            text = f"{subject} changed when later bars were removed: {means}."
        return Difference(
            kind=kind,
            what=what,
            symbol=found.symbol,
            time=stamp(int(self.grid.time[max(found.bar, 0)])),
            cut=None if bar is None else stamp(int(self.grid.time[bar])),
            whole=found.whole,
            part=found.part,
            text=text,
            hint=_DO[kind],
        )

    def _failed(self, error: Any, bar: int, kind: str) -> Difference:
        from alphintra.checking import Difference

        message = " ".join(str(error.message).split())
        reached, at = getattr(error, "bar_time", None), bar
        if reached is not None:
            time = np.datetime64(reached.rstrip("Z"), "us").astype(np.int64)
            at = min(int(np.searchsorted(self.grid.time, time)), bar)
        if kind == "repeat":
            when, what = "when the run was repeated on the same data", "it is not deterministic"
        else:
            when, what = "when later bars were removed", "it reads the future"
        return Difference(
            kind=kind,
            what=error.code,
            symbol=None,
            time=stamp(int(self.grid.time[at])),
            cut=None if kind == "repeat" else stamp(int(self.grid.time[bar])),
            whole=None,
            part=message,
            text=f"the run failed at {self._when(at)} {when} ({message}): {what}.",
            hint=_DO[kind],
        )

    def _lost(self, part: Watch, call: int, message: str, bar: int) -> Difference:
        """An indicator that is defined on all data, and fails without the later bars."""
        from alphintra.checking import Difference

        found = part.declared[call]
        view = found[0] if isinstance(found, tuple) else found
        defined = np.flatnonzero(~np.isnan(view._array))
        at = int(view.timeline.positions[defined[0]]) if len(defined) else bar
        symbol = next((c.symbol for c in part.session.indicators if c.series is view), None)
        name = (view.name.removesuffix("[0]") if isinstance(found, tuple) else view.name).removesuffix("()")
        return Difference(
            kind="indicator",
            what=name,
            symbol=None if symbol is None else part.session.symbols[symbol],
            time=stamp(int(self.grid.time[at])),
            cut=stamp(int(self.grid.time[bar])),
            whole=float(view._array[defined[0]]) if len(defined) else None,
            part=" ".join(message.split()),
            text=f"the indicator {name} cannot be computed on the data up to {self._when(bar)}, where it has values "
            f"with all data ({' '.join(message.split())}): it needs later bars.",
            hint=_DO["indicator"],
        )


def _known(found: Found, named: set[str]) -> bool:
    """Whether an indicator has been named already: one output of it, or the whole."""
    return found.kind == "indicator" and (found.what.removesuffix("()") in named or found.what.split("[")[0] in named)


def _raise_memory(error: Any) -> None:
    if error.code == "MEMORY_LIMIT":
        raise MemoryError(error.message) from error


def _first_of_each(differences: Iterable[Difference]) -> tuple[Difference, ...]:
    """The earliest difference of each name (orders, events and errors: of all), what causes the others first."""
    first: dict[tuple[str, str], Difference] = {}
    for found in differences:
        key = (found.kind, found.what if found.kind in ("indicator", "recorded") else "")
        if key not in first or found.time < first[key].time:
            first[key] = found
    return tuple(sorted(first.values(), key=lambda d: (_KINDS.index(d.kind), d.time)))


def choose(last: State, first: int, count: int, points: int, seed: int) -> dict[int, str]:
    """Where to cut: bar → why. Around the first, median and last fill, then random bars.

    Args:
        last: The state of the whole run at its last bar.
        first: The first ``on_bar``: no cut lies before it.
        count: Timestamps of the data; the last one leaves nothing to cut.
        points: How many.
        seed: Of the random ones.
    """
    stop = min(count - 1, last.bar)
    chosen: dict[int, str] = {}

    def take(bar: int, why: str) -> None:
        if first <= bar < stop and bar not in chosen and len(chosen) < points:
            chosen[bar] = why

    fills = last.fi
    named = {"first": 0, "median": len(fills) // 2, "last": len(fills) - 1} if len(fills) else {}
    for word, row in named.items():
        take(int(last.oi[fills[row, codes.L_ORDER], codes.I_BAR]), f"{word} decision")
    for word, row in named.items():
        take(int(fills[row, codes.L_BAR]), f"{word} fill")
    free = np.setdiff1d(np.arange(first, max(stop, first)), list(chosen))
    more = np.random.default_rng(seed).permutation(free)[: points - len(chosen)]
    for bar in more.tolist():
        take(bar, "random")
    return chosen


def cut(market: MarketData, time: int) -> MarketData:
    """The data as it was at a time: the bars that had closed by then, and what else was known.

    The universe keeps its symbols, also those that have no bar yet, so that a strategy finds what it names. The
    calendar is known in advance and stays.

    Args:
        market: All data.
        time: Microseconds since 1970-01-01 UTC.
    """
    bars = {s: b.head(int(np.searchsorted(b.close_time, time, side="right"))) for s, b in market.bars.items()}
    changes: dict[str, Any] = {"bars": bars}
    given: Mapping[str, Any] = getattr(market, "actions", None) or {}
    if given:
        changes["actions"] = {s: _rows(a, a.known <= time) for s, a in given.items()}
    rates: Mapping[str, Any] = getattr(market, "rates", None) or {}
    if rates:
        changes["rates"] = {c: _rows(r, r.time <= time) for c, r in rates.items()}
    detail = getattr(market, "detail", None)
    if detail is not None:
        changes["detail"] = cut(detail, time)
    if market.features:
        from alphintra.data.features import known_until

        changes["features"] = known_until(market.features, time)
    return replace(market, **changes)


def _rows(columns: Any, kept: Any) -> Any:
    """Rows of a dataclass of arrays."""
    return replace(columns, **{name: values[kept] for name, values in vars(columns).items()})

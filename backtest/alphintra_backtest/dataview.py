"""``self.data``: the symbols' series as views, and the computing of indicators over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from .asof import Kept

if TYPE_CHECKING:
    from .session import Session

FIELDS = ("open", "high", "low", "close", "volume")
PANELS = (*FIELDS, "total_return")


class SymbolData:
    """The series of one symbol: ``open``, ``high``, ``low``, ``close``, ``volume``; see also ``total_return``.

    Where splits are in force (F8) they are as of the current bar: ``[-1]`` is the raw price that can be traded, what
    is before it is in today's shares.
    """

    __slots__ = ("_session", "close", "high", "low", "open", "symbol", "symbols", "volume")

    open: Any
    high: Any
    low: Any
    close: Any
    volume: Any

    def __init__(self, session: Session, symbol: str) -> None:
        from alphintra.views import series

        s = session.index[symbol]
        bars = session.market.bars[symbol]
        timeline = session.grid.timeline(s)
        asof = session.asof
        ladder = asof.splits(symbol) if asof else None
        self._session = session
        self.symbol = symbol
        self.symbols = session.symbols
        prefix = "data" if len(session.symbols) == 1 else f"data[{symbol!r}]"
        for name in FIELDS:
            values = getattr(bars, name)
            if values is None:
                values = np.full(len(bars.close), np.nan)
            label = f"{prefix}.{name}"
            if asof is None or ladder is None:
                setattr(self, name, series(values, session.cursor, timeline, label))
            else:
                bases = asof.bases(ladder, values, volume=name == "volume")
                setattr(self, name, based(session, bases, timeline, label))

    @property
    def total_return(self) -> Any:
        """The close with splits and dividends put back into the share, as of the current bar: ``[-1]`` is the close.

        Where prices are adjusted already, or nothing was paid, it is ``close`` itself.

        Raises:
            DataError: A dividend is not less than the close before it.
        """
        session = self._session
        key = ("total_return", self.symbol)
        if key not in session._cache:
            asof = session.asof
            ladder = asof.total(self.symbol) if asof else None
            close = self.close
            if asof is not None and ladder is not None:
                bases = asof.bases(ladder, session.market.bars[self.symbol].close)
                close = based(session, bases, close.timeline, close.name.replace(".close", ".total_return"))
            session._cache[key] = close
        return session._cache[key]

    def resample(self, step: str) -> Any:
        """Closed bars of a higher time frame (F19), declared in ``on_start``.

        Args:
            step: ``"5min"``, ``"1h"``, ``"1d"``, ``"1w"``, ``"1mo"``, …; bars of less than a day are counted from the
                session's open and cut at its close, weeks and months end with the last session of the calendar.

        Returns:
            An object with ``open``, ``high``, ``low``, ``close``, ``volume`` and ``total_return``, whose ``[-1]`` is
            the latest bar that has closed.

        Raises:
            DataError: The step is finer than the data, does not divide, or is not declared in ``on_start``.
        """
        from .resample import resample

        return resample(self._session, self, step)

    def __getitem__(self, symbol: str) -> SymbolData:
        return _pick(self._session, symbol)

    def panel(self, field: str) -> Any:
        """One field over all symbols; see :class:`alphintra.views.Panel`."""
        return _panel(self._session, field)

    def __len__(self) -> int:
        return len(self.close)

    def __repr__(self) -> str:
        return f"<data {self.symbol}: {len(self)} bars so far>"


class UniverseData:
    """Several symbols: ``data["MSFT"].close``, ``data.panel("close")[-1]``, ``data.symbols``."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.symbols = session.symbols

    def __getitem__(self, symbol: str) -> SymbolData:
        return _pick(self._session, symbol)

    def panel(self, field: str) -> Any:
        """One field over all symbols; see :class:`alphintra.views.Panel`."""
        return _panel(self._session, field)

    def __getattr__(self, name: str) -> Any:
        if name in PANELS or name == "resample":
            from alphintra.errors import OrderError

            panel = f", or self.data.panel({name!r})" if name in PANELS else ""
            raise OrderError(
                f"self.data.{name} of which symbol? The run has {len(self.symbols)}",
                hint=f"self.data[{self.symbols[0]!r}].{name}{panel}",
            )
        raise AttributeError(name)

    def __repr__(self) -> str:
        return f"<data of {len(self.symbols)} symbols: {', '.join(self.symbols[:8])}>"


def data_view(session: Session) -> Any:
    """``self.data`` for a run of one or of several symbols."""
    return SymbolData(session, session.symbols[0]) if len(session.symbols) == 1 else UniverseData(session)


def _pick(session: Session, symbol: str) -> SymbolData:
    key = ("data", symbol)
    if key not in session._cache:
        session._symbol(symbol)
        only = session.data if len(session.symbols) == 1 else SymbolData(session, symbol)
        session._cache[key] = only
    found: SymbolData = session._cache[key]
    return found


def _panel(session: Session, field: str) -> Any:
    from alphintra.errors import DataError
    from alphintra.views import Panel

    if field not in PANELS:
        raise DataError(f"there is no field {field!r}", hint=f"fields are: {', '.join(PANELS)}")
    key = ("panel", field)
    if key not in session._cache:
        from .grid import _filled

        out = np.full(session.grid.shape, np.nan)
        for s, symbol in enumerate(session.symbols):
            values = getattr(session.market.bars[symbol], "close" if field == "total_return" else field)
            if values is not None:
                out[session.grid.positions[s], s] = values
        levels = _levels(session, total=field == "total_return")
        session._cache[key] = Panel(np.array(_filled(out)), session.cursor, field, levels, inverse=field == "volume")
    return session._cache[key]


def _levels(session: Session, *, total: bool) -> tuple[Any, Any] | None:
    """(T, S) level of the bar that a panel shows at each timestamp, and of the timestamp itself."""
    from .grid import _filled

    if session.asof is None:
        return None
    ladders = [session.asof.total(s) if total else session.asof.splits(s) for s in session.symbols]
    if not any(ladders):
        return None
    of_bar, now = np.full(session.grid.shape, np.nan), np.ones(session.grid.shape)
    for s, ladder in enumerate(ladders):
        of_bar[session.grid.positions[s], s] = 1.0 if ladder is None else ladder.own
        if ladder is not None:
            now[:, s] = ladder.at_timestamps(len(now))
    return np.array(_filled(of_bar)), now


def based(session: Session, bases: Any, timeline: Any, name: str) -> Any:
    """A series that the run keeps on the basis of now."""
    from alphintra.views import series

    assert session.asof is not None, "only splits and dividends make bases"
    return session.asof.follow(series(bases.array(0), session.cursor, timeline, name, bases))


def derived(session: Session, source: Any, make: Callable[[Any], Any], timeline: Any, name: str) -> Any:
    """A series made of another one, on each of its bases."""
    from alphintra.views import Bases, series

    of = source._bases
    if of is None:
        return series(make(source._array), session.cursor, timeline, name)
    assert session.asof is not None, "only splits and dividends make bases"
    key, kept = object(), session.asof.kept
    bases = Bases(of.starts, lambda b: kept.get((key, b), lambda: (make(of.array(b)),))[0])
    return based(session, bases, timeline, name)


@dataclass
class Computed:
    """One output of an indicator: for warm-up (F13) and the chart."""

    name: str
    symbol: int | None
    first: int
    series: Any
    overlay: bool
    needs: int


def compute(
    session: Session,
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    name: str | None,
    overlay: bool | None,
) -> Any:
    """Run an indicator over whole series and wrap what it returns."""
    from alphintra.errors import DataError
    from alphintra.views import Bases, Series, series

    label = name or _label(function, args, kwargs)
    inputs = [a for a in args if isinstance(a, Series)]
    if session.cursor.i >= 0:
        raise DataError(f"{label}: indicators are declared in on_start")
    if not inputs:
        raise DataError(
            f"{label}: an indicator needs at least one series", hint="for example self.data.close"
        )
    for a in inputs:
        if a._underivable:
            raise DataError(f"{label}: {a.name} {a._underivable}", hint="Use the feature's per_bar, one value a bar.")
    timeline = _joined(session, inputs)
    whole = timeline.positions
    # Of two bars of a higher time frame that became visible at once the later one counts.
    picks = [
        np.searchsorted(a.timeline.positions, whole, side="right") - 1
        if isinstance(a, Series) and a.timeline.positions is not whole
        else slice(None)
        for a in args
    ]
    several = False

    def outputs(timestamp: int) -> tuple[Any, ...]:
        """What the function makes of the series as they are seen from a timestamp."""
        nonlocal several
        arrays = [
            np.array(a._on(timestamp)[pick]) if isinstance(a, Series) else a
            for a, pick in zip(args, picks, strict=True)
        ]
        found, several = _called(function, arrays, kwargs, label, len(whole))
        return found

    split = [v._bases.starts for v in inputs if v._bases is not None]
    starts = np.unique(np.concatenate(split)) if split else np.zeros(1, dtype=np.int64)
    key, plain = object(), outputs(0) if not split else ()
    kept = session.asof.kept if session.asof else Kept()

    def on(basis: int) -> tuple[Any, ...]:
        return kept.get((key, basis), lambda: outputs(int(starts[basis])))

    views = []
    for n in range(len(plain or on(0))):
        title = label if not several else f"{label}[{n}]"
        if split:
            view = based(session, Bases(starts, partial(_nth, on, n)), timeline, title)
        else:
            view = series(plain[n], session.cursor, timeline, title)
        seen = view._as_seen()
        defined = ~np.isnan(seen)
        at = int(defined.argmax()) if defined.any() else len(seen)
        first = int(whole[at]) if at < len(seen) else len(session.grid.time)
        drawn = _on_price(inputs[0], seen, overlay)
        session.indicators.append(Computed(title, timeline.owner, first, view, drawn, at + 1))
        views.append(view)
    return tuple(views) if several else views[0]


def _nth(on: Callable[[int], tuple[Any, ...]], n: int, basis: int) -> Any:
    return on(basis)[n]


def _joined(session: Session, inputs: list[Any]) -> Any:
    """The timestamps that all series have, and the symbol they belong to if it is one alone."""
    from alphintra.views import Timeline

    first = inputs[0].timeline
    if all(v.timeline.positions is first.positions for v in inputs):
        return first
    common = first.positions
    for v in inputs[1:]:
        common = np.intersect1d(common, v.timeline.positions)
    owners = {v.timeline.owner for v in inputs}
    return Timeline(common, len(session.grid.time), owners.pop() if len(owners) == 1 else None)


def _called(
    function: Callable[..., Any], arrays: list[Any], kwargs: Mapping[str, Any], label: str, count: int
) -> tuple[tuple[Any, ...], bool]:
    """The function's outputs as arrays of ``count`` values, and whether it returned a tuple."""
    from alphintra.errors import DataError

    try:
        result = function(*arrays, **kwargs)
    except Exception as error:
        raise DataError(f"indicator {label} failed: {type(error).__name__}: {error}") from error
    several = isinstance(result, tuple)
    outputs = tuple(np.asarray(values, dtype=np.float64) for values in (result if several else (result,)))
    for values in outputs:
        if values.shape != (count,):
            raise DataError(
                f"indicator {label} returned shape {values.shape}, expected ({count},)",
                hint="return one value per bar, NaN where undefined",
            )
    return outputs, several


def _label(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    from alphintra.views import Series

    plain = [str(a) for a in args if not isinstance(a, Series)] + [f"{k}={v}" for k, v in kwargs.items()]
    base = getattr(function, "__name__", type(function).__name__)
    return f"{base}({', '.join(plain)})"


def _on_price(source: Any, values: Any, overlay: bool | None) -> bool:
    """Guess whether an indicator belongs on the price chart: its level is that of its source."""
    if overlay is not None:
        return overlay
    if not source.name.endswith((".open", ".high", ".low", ".close")):
        return False
    step = max(1, len(values) // 4096)  # a guess about a level needs no million values
    values, source_values = values[::step], source._as_seen()[-len(values) :][::step]
    have = ~np.isnan(values)
    if not have.any():
        return False
    level = np.nanmedian(np.abs(source_values[have]))
    return bool(0.5 * level <= np.median(np.abs(values[have])) <= 2 * level)

"""``self.data``: the symbols' series as views, and the computing of indicators over them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from .session import Session

FIELDS = ("open", "high", "low", "close", "volume")


class SymbolData:
    """The series of one symbol: ``open``, ``high``, ``low``, ``close``, ``volume``."""

    __slots__ = ("_session", "close", "high", "low", "open", "symbol", "symbols", "volume")

    open: Any
    high: Any
    low: Any
    close: Any
    volume: Any

    def __init__(self, session: Session, symbol: str) -> None:
        from alphintra.views import Timeline, series

        s = session.index[symbol]
        bars = session.market.bars[symbol]
        timeline = Timeline(session.grid.positions[s], len(session.grid.time))
        self._session = session
        self.symbol = symbol
        self.symbols = session.symbols
        prefix = "data" if len(session.symbols) == 1 else f"data[{symbol!r}]"
        for name in FIELDS:
            values = getattr(bars, name)
            if values is None:
                values = np.full(len(bars.close), np.nan)
            setattr(self, name, series(values, session.cursor, timeline, f"{prefix}.{name}"))

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
        if name in FIELDS:
            from alphintra.errors import OrderError

            raise OrderError(
                f"self.data.{name} of which symbol? The run has {len(self.symbols)}",
                hint=f"self.data[{self.symbols[0]!r}].{name}, or self.data.panel({name!r})",
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

    if field not in FIELDS:
        raise DataError(f"there is no field {field!r}", hint=f"fields are: {', '.join(FIELDS)}")
    key = ("panel", field)
    if key not in session._cache:
        from .grid import _filled

        out = np.full(session.grid.shape, np.nan)
        for s, symbol in enumerate(session.symbols):
            values = getattr(session.market.bars[symbol], field)
            if values is not None:
                out[session.grid.positions[s], s] = values
        session._cache[key] = Panel(np.array(_filled(out)), session.cursor, field)
    return session._cache[key]


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
    from alphintra.views import Series, Timeline, series

    label = name or _label(function, args, kwargs)
    inputs = [a for a in args if isinstance(a, Series)]
    if session.cursor.i >= 0:
        raise DataError(f"{label}: indicators are declared in on_start")
    if not inputs:
        raise DataError(
            f"{label}: an indicator needs at least one series", hint="for example self.data.close"
        )
    timeline = inputs[0].timeline
    if any(v.timeline.positions is not timeline.positions for v in inputs):
        common = inputs[0].timeline.positions
        for v in inputs[1:]:
            common = np.intersect1d(common, v.timeline.positions, assume_unique=True)
        timeline = Timeline(common, len(session.grid.time))
    arrays = []
    for a in args:
        if isinstance(a, Series):
            if a.timeline is timeline:
                arrays.append(a._array.copy())
            else:
                arrays.append(a._array[np.searchsorted(a.timeline.positions, timeline.positions)])
        else:
            arrays.append(a)
    try:
        result = function(*arrays, **kwargs)
    except Exception as error:
        raise DataError(f"indicator {label} failed: {type(error).__name__}: {error}") from error
    outputs = result if isinstance(result, tuple) else (result,)
    views = []
    for n, values in enumerate(outputs):
        values = np.asarray(values, dtype=np.float64)
        if values.shape != (len(timeline.positions),):
            raise DataError(
                f"indicator {label} returned shape {values.shape}, expected ({len(timeline.positions)},)",
                hint="return one value per bar, NaN where undefined",
            )
        title = label if len(outputs) == 1 else f"{label}[{n}]"
        view = series(values, session.cursor, timeline, title)
        defined = np.flatnonzero(~np.isnan(values))
        first = int(timeline.positions[defined[0]]) if len(defined) else len(session.grid.time)
        needs = int(defined[0]) + 1 if len(defined) else len(values) + 1
        session.indicators.append(
            Computed(
                title, _owner(session, inputs), first, view, _on_price(inputs[0], values, overlay), needs
            )
        )
        views.append(view)
    return tuple(views) if isinstance(result, tuple) else views[0]


def _label(function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    from alphintra.views import Series

    plain = [str(a) for a in args if not isinstance(a, Series)] + [f"{k}={v}" for k, v in kwargs.items()]
    base = getattr(function, "__name__", type(function).__name__)
    return f"{base}({', '.join(plain)})"


def _owner(session: Session, inputs: list[Any]) -> int | None:
    """The symbol whose bars an indicator follows; ``None`` where it joins several."""
    positions = {id(v.timeline.positions) for v in inputs}
    if len(positions) != 1:
        return None
    for s, p in enumerate(session.grid.positions):
        if id(p) in positions:
            return s
    return None


def _on_price(source: Any, values: Any, overlay: bool | None) -> bool:
    """Guess whether an indicator belongs on the price chart: its level is that of its source."""
    if overlay is not None:
        return overlay
    if not source.name.endswith((".open", ".high", ".low", ".close")):
        return False
    step = max(1, len(values) // 4096)  # a guess about a level needs no million values
    values, source_values = values[::step], source._array[-len(values) :][::step]
    have = ~np.isnan(values)
    if not have.any():
        return False
    level = np.nanmedian(np.abs(source_values[have]))
    return bool(0.5 * level <= np.median(np.abs(values[have])) <= 2 * level)

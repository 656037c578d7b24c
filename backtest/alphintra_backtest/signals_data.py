"""What ``signals(self, data)`` gets: whole arrays, and indicators over them that are computed once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .codes import D_ACTION, D_ACTION_TERMS

if TYPE_CHECKING:
    from alphintra.signals import Signals

    from .grid import Grid
    from .session import Session

FIELDS = ("open", "high", "low", "close")
#: Bytes of indicators that are kept; what comes after them is computed each time.
MOST_KEPT = 256 * 2**20


class WholeData:
    """Arrays over all timestamps: (T,) for one symbol, (T, S) for several; read-only, NaN where there is no bar.

    Attributes:
        open: Opens, float64; ``high``, ``low``, ``close`` likewise. Where splits are in force they are in shares of
            each symbol's first bar: raw prices times the splits so far, which tells nothing of later ones.
        volume: Volume, NaN where it is not known.
        time: (T,) close times, datetime64[µs] in UTC.
        symbols: Symbols in universe order.
    """

    open: Any
    high: Any
    low: Any
    close: Any
    volume: Any

    def __init__(self, market: Any, grid: Grid, symbols: tuple[str, ...]) -> None:
        self.symbols = symbols
        self.time = _sealed(grid.time.view("datetime64[us]"))
        self._market, self._grid = market, grid
        self._became = shares_became(grid)
        for name, array in zip(FIELDS, grid.m, strict=False):
            values = array if self._became is None else array * self._became
            setattr(self, name, _sealed(self._shaped(values)))

    def _shaped(self, array: Any) -> Any:
        return array.reshape(-1) if len(self.symbols) == 1 else array

    def __getattr__(self, name: str) -> Any:
        if name != "volume":
            raise AttributeError(f"data has no {name!r}; it has: {', '.join((*FIELDS, 'volume', 'time', 'symbols'))}")
        out = np.full(self._grid.shape, np.nan)
        for s, symbol in enumerate(self.symbols):
            values = self._market.bars[symbol].volume
            if values is not None:
                out[self._grid.positions[s], s] = values
        if self._became is not None:
            out /= self._became
        self.volume = _sealed(self._shaped(out))
        return self.volume

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of each array."""
        return self.close.shape  # type: ignore[no-any-return]

    def __len__(self) -> int:
        return len(self.time)

    def __repr__(self) -> str:
        return f"<data of {len(self)} timestamps: {', '.join(self.symbols[:8])}>"


def shares_became(grid: Grid) -> Any:
    """Shares at each timestamp that one share of the first bar has become by splits, (T, S); None without a split."""
    rows, terms = grid.m[D_ACTION], grid.m[D_ACTION_TERMS]
    if not len(rows) or (terms[:, 0] == 1.0).all():
        return None
    out = np.ones(grid.shape)
    for (t, s), (ratio, _) in zip(rows.tolist(), terms.tolist(), strict=True):
        out[t:, s] *= ratio
    return out


def _sealed(array: Any) -> Any:
    view = array.view()
    view.flags.writeable = False
    return view


class Kept:
    """Results of functions over arrays that stay: the data's own, and what was computed from them.

    Arrays are known by identity, and every one of them is held here, so an identity means one array.
    """

    def __init__(self, data: WholeData) -> None:
        arrays = [getattr(data, name) for name in FIELDS]
        self._known: dict[int, Any] = {id(a): a for a in arrays}
        self._results: dict[Any, Any] = {}
        self._bytes = 0

    def know(self, array: Any) -> None:
        """Count an array among those that stay."""
        self._known[id(array)] = array

    def keep_crossing(self, a: Any, b: Any, up: bool, crossing: Any) -> None:
        """Keep one crossing for this thread, until it is asked for or another one is kept.

        Only of two arrays that stay, which nobody writes to.
        """
        if id(a) in self._known and id(b) in self._known:
            _now.crossing = a, b, up, crossing

    def other_crossing(self, a: Any, b: Any, up: bool) -> Any:
        """The crossing of these two that is kept, given away: whoever gets it may write to it. None if it is not."""
        found = _now.crossing
        if found is None or found[0] is not a or found[1] is not b or found[2] is not up:
            return None
        _now.crossing = None
        return found[3]

    def call(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Any:
        """``function(*args, **kwargs)``, or what it was before; read-only where it is kept."""
        key: Any = [function]
        for a in args:
            if isinstance(a, np.ndarray):
                if id(a) not in self._known:
                    return function(*args, **kwargs)
                key.append(id(a))
            else:
                key.append((type(a), a))
        try:
            key = (*key, *((n, type(v), v) for n, v in kwargs.items())) if kwargs else tuple(key)
            known = self._results.get(key)
        except TypeError:  # an argument that cannot be hashed
            return function(*args, **kwargs)
        if known is None:
            known = function(*args, **kwargs)
            outputs = known if isinstance(known, tuple) else (known,)
            if any(not isinstance(a, np.ndarray) for a in outputs):
                return known
            for a in outputs:
                a.flags.writeable = False
            size = sum(a.nbytes for a in outputs)
            if self._bytes + size <= MOST_KEPT:
                self._bytes += size
                self._known.update({id(a): a for a in outputs})
                self._results[key] = known
        return known


class Asking:
    """What a strategy can reach while ``signals`` runs, in place of a run: no orders, no state of an account."""

    __slots__ = ("_rng", "_session")

    def __init__(self, session: Session) -> None:
        self._session = session
        self._rng: np.random.Generator | None = None

    def rng(self) -> np.random.Generator:
        """See ``Strategy.rng``: the same numbers for every strategy that is asked."""
        if self._rng is None:
            self._rng = np.random.default_rng(self._session.config.seed)
        return self._rng

    def log(self, text: str) -> None:
        """See ``Strategy.log``."""
        self._session.log(text)

    @property
    def features(self) -> Any:
        """See ``Strategy.features``: whole arrays, which are the same for every strategy that is asked."""
        return self._session.whole_features

    def __getattr__(self, name: str) -> Any:
        from alphintra.errors import SignalsError

        raise SignalsError(
            f"{name}: signals(data) has whole arrays and no account: it neither orders nor sees positions",
            hint="return al.Signals(…), or write on_bar",
        )


_now = threading.local()


def kept() -> Kept | None:
    """Where this thread keeps indicators at the moment: only while ``signals`` runs."""
    return getattr(_now, "kept", None)


def call(instance: Any, run: Asking, data: WholeData, keep: Kept) -> Signals:
    """What the strategy's ``signals`` returns, checked against the data.

    Raises:
        SignalsError: It is no ``al.Signals``, or does not fit the data.
    """
    from alphintra.errors import SignalsError
    from alphintra.signals import Signals

    instance._run, instance.data = run, data
    before = kept()
    _now.kept, _now.crossing = keep, None
    try:
        asked = instance.signals(data)
    finally:
        _now.kept, _now.crossing = before, None
    if not isinstance(asked, Signals):
        raise SignalsError(
            f"signals(data) of {type(instance).__name__} returned {type(asked).__name__}, expected al.Signals"
        )
    asked.fit((len(data), len(data.symbols)))
    return asked


def ask(instance: Any, session: Session) -> Signals:
    """Signals of a strategy within a session, which the instance belongs to again afterwards."""
    data = WholeData(session.market, session.grid, session.symbols)
    run, views = instance._run, vars(instance).get("data")
    try:
        return call(instance, Asking(session), data, Kept(data))
    finally:
        instance._run, instance.data = run, views

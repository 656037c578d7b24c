"""Many parameter sets of one ``signals`` strategy over one market: threads, an indicator cache, books used again.

Python makes the signals of a batch of variants, then one compiled call, which needs no interpreter, runs them
all: the threads hand the interpreter over once a batch, not at every step of a run.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from . import codes, signals_data, signals_run
from .books import FRESH, Books
from .calls import Arguments
from .core_signals import AT_CLOSE, N_D, ONE, TRAILS
from .core_sums import (
    BLOCK,
    N_OUT,
    OUT_APART,
    OUT_DRAWDOWN,
    OUT_EQUITY,
    OUT_FILLS,
    OUT_GAINED,
    OUT_HELD,
    OUT_LOSSES,
    OUT_LOST,
    OUT_ORDERS,
    OUT_TRADES,
    OUT_WINS,
)
from .signals_plan import Plan, plan

if TYPE_CHECKING:
    import numpy.typing as npt
    from alphintra.data.market import MarketData

    from .options import Options

    F64 = npt.NDArray[np.float64]
    I64 = npt.NDArray[np.int64]

#: Variants of one compiled call, and the bytes of signals that it may take.
MOST_VARIANTS, MOST_BYTES = 32, 8 * 2**20
#: Variants of the first call: the threads begin one after the other, as Python makes the signals of one at a time.
FEW_VARIANTS = 4


@dataclass(frozen=True, eq=False)
class Swept:
    """What came of each variant, in the order of the grid.

    Attributes:
        equity: (V,) equity at the last bar that was reached.
        fills: (V,) number of fills.
        orders: (V,) number of orders, the protective ones included.
        apart: (V,) bool; what follows is not known: the run ended early, or a position had several entry or exit
            orders, which :class:`~alphintra_backtest.trades.TradeBook` tells apart.
        returns: (V, n) session returns, as ``Result.returns`` has them.
        session: (n,) their sessions, int32 days since 1970-01-01.
        drawdown: (V,) max drawdown over every bar, ≤ 0.
        in_market: (V,) bars with a position at their close, of ``bars``.
        trades: (V,) closed trades; ``wins`` and ``losses`` of them.
        gained: (V,) money gained in winning trades; ``lost`` in losing ones, ≥ 0.
        bars: Bars from where metrics begin.
    """

    equity: F64
    fills: I64
    orders: I64
    apart: npt.NDArray[np.bool_]
    returns: F64
    session: npt.NDArray[np.int32]
    drawdown: F64
    in_market: I64
    trades: I64
    wins: I64
    losses: I64
    gained: F64
    lost: F64
    bars: int

    def __len__(self) -> int:
        return len(self.equity)


def sweep_signals(
    strategy: type,
    market: MarketData,
    grid_of_params: Sequence[Mapping[str, Any]],
    config: Options,
    *,
    start: Any = None,
    threads: int | None = None,
) -> Swept:
    """Run every variant; each has the equity and the fills that ``backtest`` gives with the same parameters.

    Args:
        strategy: A class that defines ``signals``.
        market: The bars.
        grid_of_params: Parameter values of each variant; what is left out has its default.
        config: Costs and rules of all variants.
        start: First day or time of a decision.
        threads: Number of threads; that of the machine's cores where None.

    Raises:
        ParameterError: A parameter does not exist or is out of bounds.
        SignalsError: The class defines no signals, or they do not fit the data.
        StrategyError: Its code raised.
    """
    return _Sweep(strategy, market, grid_of_params, config, start).run(threads or os.cpu_count() or 1)


class _Sweep:
    def __init__(
        self, strategy: type, market: MarketData, variants: Sequence[Mapping[str, Any]], config: Options, start: Any
    ) -> None:
        from alphintra.errors import RuleError, SignalsError
        from alphintra.params import bind_all

        from .beginning import first_bar
        from .options import in_phases
        from .session import Session

        if not signals_run.defines_signals(strategy):
            raise SignalsError(f"{strategy.__name__} defines no signals(self, data)")
        signals_run.check_events(strategy)
        if not in_phases(config):
            raise RuleError(
                f"signals are swept with bar_order='reductions', not {config.rules['bar_order']!r}",
                where="bar_order",
                hint="profile='default'",
            )
        self.strategy, self.market, self.config, self.start = strategy, market, config, start
        self.values = bind_all(strategy, variants)
        self.session = Session(market, config)
        self.first = first_bar(self.session, strategy, start)
        self.grid = self.session.grid
        self.data = signals_data.WholeData(market, self.grid, market.symbols)
        self.kept = signals_data.Kept(self.data)
        count = self.grid.shape[0]
        self.begin = max(self.first - 1, 0)  # metrics begin one bar before the first decision (F13)
        days = self.grid.session[self.begin + 1 :]
        #: Timestamps of the sessions' ends.
        self.ends = self.begin + 1 + np.flatnonzero(np.append(days[1:] != days[:-1], [True] * (len(days) > 0)))
        self.out = np.zeros((len(self.values), N_OUT))
        self.sampled = np.full((len(self.values), len(self.ends)), np.nan)
        size = count * self.grid.shape[1]
        self.batch = max(1, min(MOST_VARIANTS, MOST_BYTES // size))
        self.module = signals_run.driver(count * len(self.values), len(market.symbols))
        self._next = 0
        self.workers = 1
        self._lock = threading.Lock()

    def run(self, threads: int) -> Swept:
        """All batches, each by the thread that is free."""
        self.workers = workers = max(1, min(threads, -(-len(self.values) // self.batch)))
        if workers == 1:
            self._work()
        else:
            with ThreadPoolExecutor(workers) as pool:
                for done in [pool.submit(self._work) for _ in range(workers)]:
                    done.result()
        return self._swept()

    def _swept(self) -> Swept:
        out, counted = self.out, self.out.astype(np.int64)
        before = np.hstack([np.full((len(out), 1), float(self.config.cash)), self.sampled[:, :-1]])
        with np.errstate(divide="ignore", invalid="ignore"):
            returns = self.sampled / before - 1.0
        return Swept(
            equity=out[:, OUT_EQUITY].copy(),
            fills=counted[:, OUT_FILLS],
            orders=counted[:, OUT_ORDERS],
            apart=out[:, OUT_APART] != 0.0,
            returns=returns[:, : len(self.ends)],
            session=self.grid.session[self.ends],
            drawdown=out[:, OUT_DRAWDOWN].copy(),
            in_market=counted[:, OUT_HELD],
            trades=counted[:, OUT_TRADES],
            wins=counted[:, OUT_WINS],
            losses=counted[:, OUT_LOSSES],
            gained=out[:, OUT_GAINED].copy(),
            lost=out[:, OUT_LOST].copy(),
            bars=self.grid.shape[0] - self.begin,
        )

    def _work(self) -> None:
        books = Books(len(self.market.symbols), self.config.cash)
        given = Arguments(self.module, self.grid, books)
        symbols = len(self.market.symbols)
        scratch = (
            np.empty((3, self.grid.shape[0])),
            np.empty(self.grid.shape[0], dtype=np.bool_),
            np.empty((symbols, 3), dtype=np.int64),
            np.empty((symbols, 3)),
            *np.empty((2, -(-self.grid.shape[0] // BLOCK))),
        )
        while True:
            with self._lock:
                first, last = self._take()
            if first == last:
                return
            try:
                self._run_batch(books, given, scratch, first, last)
            except BaseException:
                self._next = len(self.values)  # the other threads stop after their batch
                raise

    def _take(self) -> tuple[int, int]:
        """The next variants: few at first and in the end, so that no thread waits long for another."""
        first, rest = self._next, len(self.values) - self._next
        count = self.batch
        if self.workers > 1:
            count = min(count, first + FEW_VARIANTS, max(rest // (2 * self.workers), FEW_VARIANTS))
        self._next = min(first + count, len(self.values))
        return first, self._next

    def _run_batch(self, books: Books, given: Arguments, scratch: tuple[Any, ...], first: int, last: int) -> None:
        if self.config.rules["close_at_end"] != "no":
            self._by_session(first, last)
            return
        from .blame import blame

        code = np.empty((last - first, self.grid.shape[0] * self.grid.shape[1]), dtype=np.uint8)
        with blame(self.strategy, self.session):
            plans = [self._plan(v, row) for v, row in zip(range(first, last), code, strict=True)]
        amount, loss, gain = (_rows([getattr(p, name) for p in plans]) for name in ("amount", "loss", "gain"))
        newest = np.empty(2 * len(self.market.symbols), dtype=np.int64)
        state = np.full(N_D, -1, dtype=np.int64)
        out = self.out[first:last]
        mode = (AT_CLOSE if self.session.config.rules["fill_at"] == "close" else 0) | (TRAILS if plans[0].trails else 0)
        if len(self.market.symbols) == 1 and self.session.simple_money:
            mode |= ONE
        if any(p.trails != plans[0].trails for p in plans):  # a class that chooses its stop by a parameter
            self._by_session(first, last)
            return
        at = 0
        while at < len(code):
            at = self.module.drive_many(
                given.m, given.b, self.session.k, mode, *FRESH, code, amount, loss, gain, newest, state,
                self.first, self.config.cash, at, self.ends, *scratch, self.sampled[first:last], out,
            )  # fmt: skip
            if at < len(code):
                signals_run.grow(books)

    def _plan(self, v: int, row: Any) -> Plan:
        """The signals of one variant, whose code goes into a row of the batch."""
        instance: Any = self.strategy.__new__(self.strategy)  # type: ignore[call-overload]
        vars(instance).update(self.values[v])
        instance._run = run = signals_data.Asking(self.session)
        instance.__init__()
        asked = signals_data.call(instance, run, self.data, self.kept)
        return plan(asked, self.first, self.grid.shape, row)

    def _by_session(self, first: int, last: int) -> None:
        """Variants whose positions are closed at the end, which a session does."""
        from . import runner

        for v in range(first, last):
            session, _, end = runner._simulate(
                self.strategy, self.values[v], self.market, self.config, self.start, None
            )
            reg = session.books.reg
            row = self.out[v]
            row[OUT_EQUITY] = runner._final_equity(session, end)
            row[OUT_FILLS], row[OUT_ORDERS], row[OUT_APART] = reg[codes.S_FILLS], reg[codes.S_ORDERS], 1.0


def _rows(arrays: list[Any]) -> Any:
    """(V, 1) where all are one number, else (V, n)."""
    width = max(len(a) for a in arrays)
    if width == 1:
        return np.concatenate(arrays).reshape(-1, 1)
    return np.ascontiguousarray(np.stack([np.broadcast_to(a, width) for a in arrays]))

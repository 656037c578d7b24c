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
from .core_signals import AT_CLOSE, N_D, TRAILS
from .signals_plan import Plan, plan

if TYPE_CHECKING:
    import numpy.typing as npt
    from alphintra.data.market import MarketData

    from .options import Options

#: Variants of one compiled call, and the bytes of signals that it may take.
MOST_VARIANTS, MOST_BYTES = 32, 8 * 2**20


@dataclass(frozen=True, eq=False)
class Swept:
    """What came of each variant, in the order of the grid; all arrays (V,).

    Attributes:
        equity: Equity at the last bar that was reached.
        fills: Number of fills.
        orders: Number of orders, the protective ones included.
    """

    equity: npt.NDArray[np.float64]
    fills: npt.NDArray[np.int64]
    orders: npt.NDArray[np.int64]

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

        from .options import in_phases
        from .runner import first_bar
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
        self.out = np.empty((len(self.values), 3))
        count = self.grid.shape[0]
        size = count * self.grid.shape[1]
        self.batch = max(1, min(MOST_VARIANTS, MOST_BYTES // size))
        self.module = signals_run.driver(count * len(self.values), len(market.symbols))
        self._next = 0
        self._lock = threading.Lock()

    def run(self, threads: int) -> Swept:
        """All batches, each by the thread that is free."""
        workers = max(1, min(threads, -(-len(self.values) // self.batch)))
        if workers == 1:
            self._work()
        else:
            with ThreadPoolExecutor(workers) as pool:
                for done in [pool.submit(self._work) for _ in range(workers)]:
                    done.result()
        return Swept(self.out[:, 0].copy(), self.out[:, 1].astype(np.int64), self.out[:, 2].astype(np.int64))

    def _work(self) -> None:
        books = Books(len(self.market.symbols), self.config.cash)
        given = Arguments(self.module, self.grid, books)
        while True:
            with self._lock:
                first = self._next
                self._next = last = min(first + self.batch, len(self.values))
            if first == last:
                return
            try:
                self._run_batch(books, given, first, last)
            except BaseException:
                self._next = len(self.values)  # the other threads stop after their batch
                raise

    def _run_batch(self, books: Books, given: Arguments, first: int, last: int) -> None:
        if self.config.rules["close_at_end"] != "no":
            self._by_session(first, last)
            return
        from .runner import blame

        code = np.empty((last - first, self.grid.shape[0] * self.grid.shape[1]), dtype=np.uint8)
        with blame(self.strategy, self.session):
            plans = [self._plan(v, row) for v, row in zip(range(first, last), code, strict=True)]
        amount, loss, gain = (_rows([getattr(p, name) for p in plans]) for name in ("amount", "loss", "gain"))
        newest = np.empty(2 * len(self.market.symbols), dtype=np.int64)
        state = np.full(N_D, -1, dtype=np.int64)
        out = self.out[first:last]
        mode = (AT_CLOSE if self.session.config.rules["fill_at"] == "close" else 0) | (TRAILS if plans[0].trails else 0)
        if any(p.trails != plans[0].trails for p in plans):  # a class that chooses its stop by a parameter
            self._by_session(first, last)
            return
        at = 0
        while at < len(code):
            at = self.module.drive_many(
                given.m, given.b, self.session.k, mode, *FRESH, code, amount, loss, gain, newest, state,
                self.first, self.config.cash, at, out,
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
            self.out[v] = runner._final_equity(session, end), reg[codes.S_FILLS], reg[codes.S_ORDERS]


def _rows(arrays: list[Any]) -> Any:
    """(V, 1) where all are one number, else (V, n)."""
    width = max(len(a) for a in arrays)
    if width == 1:
        return np.concatenate(arrays).reshape(-1, 1)
    return np.ascontiguousarray(np.stack([np.broadcast_to(a, width) for a in arrays]))

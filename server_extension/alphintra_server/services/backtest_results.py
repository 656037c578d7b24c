"""Results of backtests: figures, trades, report, and the files that a run has left."""

from __future__ import annotations

import asyncio
import json
import os
import stat
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.engine import Database
from ..db.tables import BacktestResultRow, BacktestRow, TradeRow
from ..errors import NotFound
from ..jobs.retention import note_use
from ..models.backtests import BacktestResult, Trade, TradesQuery
from . import failure_report
from .backtest_rows import completed, count, find, trade_model
from .paging import Slice

_DECIMAL_FIGURES = ("total_return", "annualized_return", "max_drawdown", "final_equity")
_FIGURES = (
    "sharpe_ratio", "sortino_ratio", "win_rate", "profit_factor", "avg_trade_duration",
    "correlation_to_benchmark", "volatility", "calmar_ratio",
)  # fmt: skip
_COUNTS = ("total_trades", "longest_winning_streak", "longest_losing_streak")


class BacktestResults:
    """What completed backtests have found.

    Args:
        database: Where they are.
        jobs_dir: Where the attempts' output is.
    """

    def __init__(self, database: Database, jobs_dir: Path) -> None:
        self._database = database
        self._jobs_dir = jobs_dir

    async def figures(self, who: Caller, backtest_id: str, *, view: bool) -> BacktestResult:
        """Read the figures of a completed backtest, with what the view draws if asked for."""
        row, result = await self._open(who, backtest_id)
        payload = study = None
        if view:
            payload = await asyncio.to_thread(self._json, row, result, "view.json")
            if "study.json" in result.files:
                study = await asyncio.to_thread(self._json, row, result, "study.json")
        metrics = result.metrics
        figures: dict[str, Any] = {name: metrics.get(name) for name in _FIGURES}
        figures |= {name: _decimal(metrics.get(name)) for name in _DECIMAL_FIGURES}
        figures |= {name: count(metrics.get(name)) for name in _COUNTS}
        return BacktestResult(
            backtest_id=row.id,
            metrics=metrics,
            undefined=result.undefined,
            assumptions=result.assumptions,
            run=result.run,
            trials=result.trials,
            earlier_trials=result.earlier_trials,
            earlier_trials_since=result.earlier_trials_since,
            view=payload,
            study=study,
            **figures,
        )

    async def report(self, who: Caller, backtest_id: str) -> bytes:
        """Read the HTML report of a completed backtest, or of one that failed."""
        failed = await self._database.read(
            lambda session: failure_report.failed(session, find(session, who, backtest_id))
        )
        if failed is not None:
            return failure_report.page(failed).encode("utf-8", "replace")
        row, result = await self._open(who, backtest_id)
        return await asyncio.to_thread(self.read_file, row, result, "report.html")

    async def trades(self, who: Caller, backtest_id: str, query: TradesQuery) -> Slice[Trade]:
        """Read a page of the trade log."""

        def work(session: Session) -> Slice[Trade]:
            row, _, _ = completed(session, who, backtest_id)
            wanted: Select[Any] = select(TradeRow).where(TradeRow.backtest_id == row.id)
            if query.symbol is not None:
                wanted = wanted.where(TradeRow.symbol == query.symbol)
            total = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
            column = {
                "entry_time": TradeRow.entry_time,
                "exit_time": TradeRow.exit_time,
                "pnl": TradeRow.pnl_number,
            }[query.sort]
            ordered = column.desc() if query.order == "desc" else column.asc()
            # Open trades have neither an exit nor a result: they come last in either direction.
            wanted = wanted.order_by(column.is_(None), ordered, TradeRow.number)
            rows = session.scalars(wanted.limit(query.limit).offset(query.offset))
            return Slice([trade_model(item) for item in rows], total)

        return await self._database.read(work)

    async def _open(self, who: Caller, backtest_id: str) -> tuple[BacktestRow, BacktestResultRow]:
        """Load results to read: while they are read they are kept."""
        row, result, job = await self._database.read(lambda session: completed(session, who, backtest_id))
        await note_use(self._database, [job])
        return row, result

    def _json(self, row: BacktestRow, result: BacktestResultRow, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.read_file(row, result, name))
        return found

    def read_file(self, row: BacktestRow, result: BacktestResultRow, name: str) -> bytes:
        """Read a file of a backtest's output, if it is what was stored."""
        described = result.files.get(name)
        if described is None:
            raise NotFound(f"This backtest has no {name}.")
        path = self._jobs_dir / row.job_id / str(result.attempt) / "out" / name
        try:
            file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            raise NotFound(f"The {name} of this backtest is no longer stored.") from None
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or found.st_size != described["bytes"]:
            os.close(file)
            raise NotFound(f"The {name} of this backtest is no longer what it was.")
        with os.fdopen(file, "rb") as opened:
            return opened.read(described["bytes"])


def _decimal(value: float | None) -> Decimal | None:
    # ``repr`` is the shortest text that reads back as the same number; Decimal(float) would show its bits.
    return None if value is None else Decimal(repr(value))

"""Comparing stored backtests: reading what each left behind, never unpickled, and putting them side by side."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import ValidationError
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.engine import Database
from ..db.tables import BacktestResultRow, BacktestRow, DatasetRow, JobRow
from ..errors import Conflict, Invalid, NotFound
from ..jobs.output import RunDocument, SessionsDocument
from ..jobs.retention import note_use
from ..models.comparison import BacktestComparison, BacktestsCompare
from ..models.costs import CommissionTerms, SlippageTerms, for_engine, joined
from . import feature_sets
from .backtest_rows import completed

if TYPE_CHECKING:
    from alphintra_backtest.comparison import Run

SECONDS = 20.0
"""Processor time of a comparison's arithmetic; one that takes more is given up."""

ReadFile = Callable[[BacktestRow, BacktestResultRow, str], bytes]


@dataclass
class _Stored:
    """One backtest as it is kept."""

    row: BacktestRow
    result: BacktestResultRow
    dataset: DatasetRow
    job: JobRow


class Allowance:
    """Processor time that a thread's arithmetic may take, counted from its first step.

    What comes before, such as loading a library for the first time, is no work of the comparison's, nor is waiting for
    a processor that others use: what can be compared on an idle machine can be compared on a busy one.

    Args:
        seconds: How much it may take.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until: float | None = None

    def __call__(self, fraction: float, text: str) -> None:
        """Note a step.

        Raises:
            Invalid: ``TOO_LONG``: the arithmetic has taken all of it.
        """
        now = time.thread_time()
        if self._until is None:
            self._until = now + self._seconds
        elif now > self._until:
            raise Invalid.field(
                "ids",
                f"Comparing these takes more than {self._seconds:g} seconds of a processor ({fraction:.0%} was done): "
                "choose fewer or shorter backtests.",
                code="TOO_LONG",
            )


class Comparisons:
    """Compares a user's backtests.

    Args:
        database: Where they are.
        read_file: Reads a file of a backtest's output.
    """

    def __init__(self, database: Database, read_file: ReadFile) -> None:
        self._database = database
        self._read_file = read_file
        # One at a time: it is arithmetic, and this process has other things to do.
        self._turn = asyncio.Semaphore(1)

    async def compare(self, who: Caller, body: BacktestsCompare) -> BacktestComparison:
        """Compare completed backtests of the caller."""
        if body.names is not None and len(body.names) != len(body.ids):
            raise Invalid.field("names", f"{len(body.names)} names for {len(body.ids)} backtests")

        def load(session: Session) -> list[_Stored]:
            return [_completed(session, who, backtest_id) for backtest_id in body.ids]

        stored = await self._database.read(load)
        await note_use(self._database, [item.job for item in stored])
        async with self._turn:
            return await asyncio.to_thread(self._compare, stored, body)

    def _compare(self, stored: list[_Stored], body: BacktestsCompare) -> BacktestComparison:
        from alphintra import comparing
        from alphintra.errors import DataError
        from alphintra_backtest.study_bounds import bounded

        runs = [self._run(item) for item in stored]
        own = [item.row.name for item in stored]
        names = body.names or (own if len(set(own)) == len(own) else None)
        try:
            found = comparing.of_runs(runs, names, seed=body.seed)
            found.progress = Allowance(SECONDS)
            content = found.to_dict()
            study = bounded(found.study().payload())
        except DataError as error:
            hint = f"; {error.hint}" if error.hint else ""
            raise Invalid.field("ids", f"{error.message}{hint}", code=error.code) from None
        except (ArithmeticError, ValueError):
            # An account that was at zero on the first common session, or numbers that no engine wrote.
            raise Conflict(
                "The accounts of these backtests cannot be set against each other on their common sessions.",
                code="NOT_COMPARABLE",
            ) from None
        return BacktestComparison(
            ids=body.ids, study=study, dropped_sessions=content.pop("dropped"), **content
        )

    def _run(self, stored: _Stored) -> Run:
        """Read a backtest; what its worker wrote is checked, what the server knows is the server's."""
        import numpy as np
        from alphintra_backtest.comparison import Run

        row, result = stored.row, stored.result
        if "sessions.json" not in result.files:
            raise Conflict(
                f"{row.name!r} was run before backtests could be compared: run it again.",
                code="NOT_COMPARABLE",
                extra={"id": row.id},
            )
        try:
            curve = SessionsDocument.model_validate(json.loads(self._read_file(row, result, "sessions.json")))
            run = RunDocument.model_validate(result.run)
        except (NotFound, ValueError, ValidationError):
            raise Conflict(
                f"What {row.name!r} left behind cannot be read any more: run it again.",
                code="NOT_COMPARABLE",
                extra={"id": row.id},
            ) from None
        commission = joined(row.commission, row.commission_terms, CommissionTerms)
        slippage = joined(row.slippage, row.slippage_terms, SlippageTerms)
        known = {
            "strategy": row.class_name or run.strategy,
            "strategy_hash": result.run.get("source_hash"),
            "dataset": run.dataset,
            "dataset_hash": row.dataset_hash,
            "timeframe": stored.dataset.timeframe,
            "seed": row.seed,
            "engine_version": run.engine_version,
            "parameters": run.parameters,
            "periods_per_year": run.periods_per_year,
            "configuration": {
                "start": row.start_date.date().isoformat() if row.start_given else None,
                "end": row.end_date.date().isoformat() if row.end_given else None,
                "cash": float(row.initial_capital),
                "commission": for_engine(commission),
                "slippage": for_engine(slippage),
                "profile": row.profile,
                "methodology": row.methodology,
                "benchmark": row.benchmark,
                "features": feature_sets.names(row.features),
                "reference": None if row.reference is None else row.reference["dataset"],
                "risk_free_rate": row.risk_free_rate,
                "rules": row.rules,
            },
        }
        assumptions = [
            {"code": str(item.get("code")), "text": str(item.get("text"))} for item in result.assumptions
        ]
        return Run(
            known, assumptions, result.metrics, np.array(curve.day, dtype=np.int64), np.array(curve.value, dtype=float)
        )


def _completed(session: Session, who: Caller, backtest_id: str) -> _Stored:
    row, result, job = completed(session, who, backtest_id)
    return _Stored(row, result, session.get_one(DatasetRow, row.dataset_id), job)

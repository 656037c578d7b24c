"""The backtest kind of job: what its worker gets, and what its output means."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from sqlalchemy.orm import Session

from ..db.engine import database_now
from ..db.tables import (
    BacktestResultRow,
    BacktestRow,
    StrategyRow,
    StrategyVersionRow,
    TradeRow,
)
from ..models.costs import CommissionTerms, SlippageTerms, for_engine, joined
from ..services import feature_sets
from ..services.dataset_inputs import inputs, readable
from ..services.dataset_storage import DatasetStorage
from ..services.selections import selected
from .attempt import JobInput
from .earlier_trials import Earlier, earlier
from .kind import JobKind
from .output import Output, TradeDocument, collect
from .protocol import OutputFile
from .store import Claim


def configuration(row: BacktestRow) -> dict[str, Any]:
    """Keyword arguments of ``al.backtest`` that a stored run was asked with; rules by themselves."""
    beside: dict[str, Any] = {"features": feature_sets.names(row.features)} if row.features else {}
    if row.reference is not None:
        beside["reference"] = row.reference["dataset"]
    return beside | {
        "start": row.start_date.date().isoformat() if row.start_given else None,
        "end": row.end_date.date().isoformat() if row.end_given else None,
        "cash": float(row.initial_capital),
        "commission": for_engine(joined(row.commission, row.commission_terms, CommissionTerms)),
        "slippage": for_engine(joined(row.slippage, row.slippage_terms, SlippageTerms)),
        "profile": row.profile,
        "benchmark": row.benchmark,
        "seed": row.seed,
        "risk_free_rate": row.risk_free_rate,
        "rules": row.rules,
    }


def file_name(modules: dict[str, str]) -> str:
    """Name the file of the code so that none of the trader's modules is hidden by it."""
    name = "strategy.py"
    while name in modules or f"{name.removesuffix('.py')}/__init__.py" in modules:
        name = f"{name.removesuffix('.py')}_.py"
    return name


def known_as(path: str | None, line_map: list[list[int]] | None) -> str | None:
    """How the trader knows the file of the code: a notebook only where it is known which of its lines these are."""
    return None if line_map is None and path is not None and path.endswith(".ipynb") else path


@dataclass(frozen=True)
class Found:
    """What a run left, and what had been tried before it as its worker was told: whatever others finish meanwhile."""

    output: Output
    before: Earlier


class BacktestKind(JobKind):
    """Implements ``JobKind``.

    Args:
        storage: Where users' datasets lie.
    """

    def __init__(self, storage: DatasetStorage) -> None:
        self._storage = storage

    def load(self, session: Session, held: Claim) -> JobInput:
        """Read the stored version and the configuration."""
        row = session.get_one(BacktestRow, held.resource_id)
        version = session.get_one(StrategyVersionRow, (row.strategy_id, row.strategy_version))
        strategy = session.get_one(StrategyRow, row.strategy_id)
        selection = selected(session, row)
        others = row.benchmark, feature_sets.references(row.features, row.reference)
        reads = readable(session, held.user_id, selection, *others)
        read = inputs(session, self._storage, reads)
        # By the name that the worker's index has, which of another's dataset is not the id that was asked for.
        benchmark = {} if row.benchmark is None else {"benchmark": reads[1].name}
        file = file_name(version.modules)
        files = {f"source/{file}": version.code}
        files |= {f"source/{path}": text for path, text in version.modules.items()}
        before = earlier(session, row)
        message = {
            "id": held.job_id,
            "kind": held.kind,
            "source": {
                "file": file,
                "class_name": row.class_name,
                "modules": sorted(version.modules),
            },
            "data": {"name": selection.name},
            "parameters": row.parameters,
            "configuration": configuration(row) | benchmark,
            "methodology": row.methodology,
            "method": row.method,
            "strategy_id": row.strategy_id,
            "trials": before.entries,
        }
        known = known_as(strategy.source_path, version.line_map)
        collects = partial(_collect, before=before)
        return JobInput(
            files | read.texts, message, known, version.line_map, collects, read.links, sealed=read.sealed
        )

    def save(self, session: Session, held: Claim, output: Found) -> None:
        """Write figures and trades."""
        row = session.get_one(BacktestRow, held.resource_id)
        found, before = output.output, output.before
        document = found.document
        version = session.get_one(StrategyVersionRow, (row.strategy_id, row.strategy_version))
        # What the server knows for itself is not taken from the worker, which runs the user's code.
        trusted: dict[str, Any] = {
            "strategy_id": row.strategy_id,
            "strategy_version": row.strategy_version,
            "source_hash": version.source_hash,
            "catalogue_hash": row.dataset_hash,
            "catalogue_features": {name: kept["content_hash"] for name, kept in (row.features or {}).items()},
            "seed": row.seed,
        }
        if row.reference is not None:
            trusted["catalogue_reference"] = row.reference["content_hash"]
        session.add(
            BacktestResultRow(
                backtest_id=row.id,
                attempt=held.attempt,
                run=document.run | trusted,
                metrics=document.metrics,
                undefined=document.undefined,
                assumptions=[item.model_dump() for item in document.assumptions],
                sparkline=found.sparkline,
                files=found.files,
                trade_count=len(document.trades),
                # Whatever a worker says, one thing was tried.
                trials=max(found.trials.count, 1),
                trial_spread=found.trials.model_dump(mode="json", include={"sample", "spread"}),
                earlier_trials=before.count,
                earlier_trials_since=before.since,
                created_at=database_now(session),
            )
        )
        session.flush()
        if document.trades:
            trades = [_trade(row.id, number, item) for number, item in enumerate(document.trades)]
            session.execute(insert(TradeRow), trades)


def _collect(folder: Path, files: list[OutputFile], before: Earlier) -> Found:
    return Found(collect(folder, files), before)


def _trade(backtest_id: str, number: int, trade: TradeDocument) -> dict[str, Any]:
    return {
        "backtest_id": backtest_id,
        "number": number,
        "id": trade.id,
        "symbol": trade.symbol,
        "side": trade.side,
        "quantity": trade.quantity,
        "entry_price": trade.entry_price,
        "exit_price": trade.exit_price,
        "entry_time": trade.entry_time,
        "exit_time": trade.exit_time,
        "pnl": trade.pnl,
        "pnl_number": None if trade.pnl is None else float(trade.pnl),
        "commission": trade.commission,
        "exit_reason": trade.exit_reason,
        "more": {
            "return": trade.return_,
            "bars": trade.bars,
            "mae": trade.mae,
            "mfe": trade.mfe,
            "open": trade.open,
        },
    }

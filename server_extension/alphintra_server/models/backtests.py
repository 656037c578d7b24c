"""Backtests: what to run, its state, its result."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

from pydantic import Field

from .base import Body, Exact, Money, PageQuery, Reply
from .costs import CommissionGiven, SlippageGiven
from .jobs import JobError, JobStatus, Progress
from .methods import BacktestMethodology, Method
from .strategies import RunSettings


class TradeSide(StrEnum):
    """BUY for a long trade, SELL for a short one."""

    BUY = "BUY"
    SELL = "SELL"


class BacktestCreate(RunSettings):
    """A backtest to be run later."""

    strategy_id: str = Field(min_length=1, max_length=64)
    dataset_id: str = Field(
        min_length=1, max_length=400, description="Id or name, `name/SYMBOL` for one symbol."
    )
    strategy_version: int | None = Field(None, ge=1, lt=2**31, description="Default: the current one.")


class KeyMetrics(Reply):
    """The figures that a list shows."""

    total_return: float | None
    sharpe_ratio: float | None
    max_drawdown: float | None
    total_trades: int | None


class BacktestJob(Reply):
    """A backtest and its state."""

    id: str
    user_id: str
    strategy_id: str
    dataset_id: str
    name: str
    start_date: datetime
    end_date: datetime
    initial_capital: Money
    commission: CommissionGiven
    slippage: SlippageGiven
    methodology: BacktestMethodology
    method: Method | None
    profile: str
    status: JobStatus
    created_at: datetime
    completed_at: datetime | None
    strategy_name: str
    strategy_version: int
    class_name: str | None
    dataset_name: str
    symbols: list[str]
    parameters: dict[str, Any]
    rules: dict[str, Any]
    benchmark: str | None
    features: dict[str, str] = Field(
        description="What the strategy reads beside its own, by name: versions as they can be asked for again."
    )
    reference: str | None = Field(description="Splits and dividends that the prices went through: a version.")
    seed: int
    risk_free_rate: float
    job_id: str
    phase: str
    attempt: int
    started_at: datetime | None
    progress: Progress | None
    metrics: KeyMetrics | None
    sparkline: list[float] | None
    error: JobError | None
    warnings: list[str]
    log: list[str] = Field(description="The last lines that the strategy logged.")
    sandbox_level: str | None
    has_study: bool = Field(description="Whether the results have a `study`: what the methodology found.")
    pruned_at: datetime | None = Field(
        None, description="Since when results, trades and report are no longer kept (410)."
    )


class BacktestQuery(PageQuery):
    """Filters of the list of backtests."""

    status: JobStatus | None = None
    strategy_id: str | None = Field(None, max_length=64)
    dataset_id: str | None = Field(None, max_length=64)
    sort: Literal["created_at", "name"] = "created_at"


class ResultsQuery(Body):
    """What to send with the results."""

    view: bool = Field(False, description="Add the payloads that the result view draws: `view` and `study`.")


class BacktestResult(Reply):
    """What a completed backtest found. Undefined figures are null; ``undefined`` says why."""

    backtest_id: str
    total_return: Exact | None
    annualized_return: Exact | None
    max_drawdown: Exact | None
    sharpe_ratio: float | None
    sortino_ratio: float | None
    win_rate: float | None
    profit_factor: float | None
    total_trades: int | None
    avg_trade_duration: float | None
    longest_winning_streak: int | None
    longest_losing_streak: int | None
    correlation_to_benchmark: float | None
    volatility: float | None
    calmar_ratio: float | None
    final_equity: Exact | None
    metrics: dict[str, float | None]
    undefined: dict[str, str]
    assumptions: list[dict[str, Any]]
    run: dict[str, Any]
    trials: int = Field(description="Trials that this result adds: its variants; 1 for a plain run.")
    earlier_trials: int = Field(description="Trials of the same strategy on the same data before it.")
    earlier_trials_since: datetime | None = None
    view: dict[str, Any] | None = None
    study: dict[str, Any] | None = None


class Trade(Reply):
    """A round trip, closed or open."""

    id: str
    backtest_id: str
    symbol: str
    side: TradeSide
    quantity: Exact
    entry_price: Exact
    exit_price: Exact | None
    entry_time: datetime
    exit_time: datetime | None
    pnl: Exact | None
    commission: Exact
    exit_reason: str
    return_: float | None = Field(None, alias="return")
    bars: int | None = None
    mae: float | None = None
    mfe: float | None = None
    open: bool = False


class TradesQuery(PageQuery):
    """Filters of the trade log."""

    symbol: str | None = Field(None, max_length=64)
    sort: Literal["entry_time", "exit_time", "pnl"] = "entry_time"
    order: Literal["asc", "desc"] = "asc"

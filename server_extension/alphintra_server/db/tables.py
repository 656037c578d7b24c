"""The tables. Migrations in ``migrations/versions`` bring a database to this shape."""

from __future__ import annotations

import hashlib
from datetime import datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from .types import ExactDecimal, UtcDateTime

# SQLite gives a row id of its own only to INTEGER; PostgreSQL should count in 64 bits.
SequenceNumber = BigInteger().with_variant(Integer, "sqlite")


class Base(DeclarativeBase):
    """All tables, with constraint names that migrations can refer to."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UserRow(Base):
    """Somebody who has been here: others can share with them. A local installation has no rows."""

    __tablename__ = "users"

    # What the identity provider calls them.
    user_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    first_seen_at: Mapped[datetime] = mapped_column(UtcDateTime)


class StrategyRow(Base):
    """A strategy as its owner sees it now; every saved change is also a version."""

    __tablename__ = "strategies"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text)
    language: Mapped[str] = mapped_column(String(20))
    sdk_version: Mapped[str] = mapped_column(String(40))
    status: Mapped[str] = mapped_column(String(20))
    # What ``restore`` gives back: archiving must not forget that a strategy was active.
    status_before_archive: Mapped[str | None] = mapped_column(String(20))
    tags: Mapped[list[str]] = mapped_column(JSON)
    version: Mapped[int] = mapped_column(Integer)
    class_name: Mapped[str | None] = mapped_column(String(200))
    source_path: Mapped[str | None] = mapped_column(String(1024))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index(None, "user_id", "status", "updated_at"),
        Index(None, "user_id", "source_path", "class_name"),
    )


class StrategyVersionRow(Base):
    """One saved state of a strategy, never changed."""

    __tablename__ = "strategy_versions"

    strategy_id: Mapped[str] = mapped_column(ForeignKey("strategies.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text)
    code: Mapped[str] = mapped_column(Text)
    # The workspace modules beside the file that the code imports: path → source.
    modules: Mapped[dict[str, str]] = mapped_column(JSON)
    source_hash: Mapped[str] = mapped_column(String(80))
    # For code taken from a notebook: the cell and the line in it of each line of the code.
    line_map: Mapped[list[list[int]] | None] = mapped_column(JSON)
    class_name: Mapped[str | None] = mapped_column(String(200))
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    tags: Mapped[list[str]] = mapped_column(JSON)
    sdk_version: Mapped[str] = mapped_column(String(40))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TemplateUseRow(Base):
    """How often each template was cloned."""

    __tablename__ = "template_uses"

    template_id: Mapped[str] = mapped_column(String(100), primary_key=True)
    count: Mapped[int] = mapped_column(Integer)


class DatasetRow(Base):
    """The catalogue. Platform datasets belong to nobody and are seeded from their manifests.

    Of a dataset with versions, what is said here is said of the current one.
    """

    __tablename__ = "datasets"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[str | None] = mapped_column(String(255))
    name: Mapped[str] = mapped_column(String(200))
    # No two that are there have the same: see ``unique_name``.
    unique_name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String(20))
    asset_class: Mapped[str] = mapped_column(String(20))
    # All of those that ship; of others the first twenty, and the rest in ``dataset_symbols``.
    symbols: Mapped[list[str]] = mapped_column(JSON)
    symbol_count: Mapped[int] = mapped_column(Integer)
    timeframe: Mapped[str] = mapped_column(String(20))
    start_date: Mapped[datetime] = mapped_column(UtcDateTime)
    end_date: Mapped[datetime] = mapped_column(UtcDateTime)
    columns: Mapped[list[str]] = mapped_column(JSON)
    column_count: Mapped[int] = mapped_column(Integer)
    row_count: Mapped[int] = mapped_column(BigInteger)
    file_size: Mapped[int] = mapped_column(BigInteger)
    is_validated: Mapped[bool] = mapped_column(Boolean)
    validation_errors: Mapped[list[str]] = mapped_column(JSON)
    content_hash: Mapped[str] = mapped_column(String(80))
    # Of those that ship; empty for others, whose manifests lie in the store.
    manifest: Mapped[dict[str, Any]] = mapped_column(JSON)
    # What a list shows of the values: prices, currency, calendar, license, tradable, notes, …
    about: Mapped[dict[str, Any]] = mapped_column(JSON)
    tags: Mapped[list[str]] = mapped_column(JSON)
    # The same as they are looked for: ``|one|two|``, and name, description, tags and symbols in one case.
    tags_folded: Mapped[str] = mapped_column(Text)
    name_folded: Mapped[str] = mapped_column(String(600))
    searched: Mapped[str] = mapped_column(Text)
    # ACTIVE, DELETING (nobody new may read it), DELETED: a tombstone.
    state: Mapped[str] = mapped_column(String(20), default="ACTIVE", server_default="ACTIVE")
    current_version_id: Mapped[str | None] = mapped_column(String(32))
    # NULL for those that ship: they have no versions.
    version_number: Mapped[int | None] = mapped_column(Integer)
    deleted_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    # A dataset that no longer ships stays for the runs that used it, but leaves the lists.
    withdrawn: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        UniqueConstraint("unique_name", name="uq_datasets_name"),
        # A list in order, with what most filters ask for: no row is read but those of the page.
        Index(
            "ix_datasets_listed",
            *("state", "name_folded", "id", "user_id", "withdrawn", "source", "asset_class", "timeframe"),
            *("start_date", "end_date"),
        ),
    )


def unique_name(user_id: str | None, name: str) -> str:
    """Make what only one living dataset has: the platform's their names, of a user's a hash of both."""
    return name if user_id is None else hashlib.sha256(f"{user_id}\0{name}".encode()).hexdigest()


class BacktestRow(Base):
    """What one backtest is to run; its state is the job's."""

    __tablename__ = "backtests"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(255))
    strategy_id: Mapped[str] = mapped_column(String(32))
    strategy_version: Mapped[int] = mapped_column(Integer)
    class_name: Mapped[str | None] = mapped_column(String(200))
    dataset_id: Mapped[str] = mapped_column(ForeignKey("datasets.id"))
    # NULL for what ships: it has no versions.
    dataset_version_id: Mapped[str | None] = mapped_column(String(32))
    dataset_hash: Mapped[str] = mapped_column(String(80))
    # Empty: every symbol of the dataset.
    symbols: Mapped[list[str]] = mapped_column(JSON)
    name: Mapped[str] = mapped_column(String(200))
    start_date: Mapped[datetime] = mapped_column(UtcDateTime)
    end_date: Mapped[datetime] = mapped_column(UtcDateTime)
    # Whether a date was asked for: an absent one means the dataset's own edge.
    start_given: Mapped[bool] = mapped_column(Boolean)
    end_given: Mapped[bool] = mapped_column(Boolean)
    initial_capital: Mapped[Decimal] = mapped_column(ExactDecimal)
    commission: Mapped[Decimal] = mapped_column(ExactDecimal)
    slippage: Mapped[Decimal] = mapped_column(ExactDecimal)
    # Costs that are more than a fraction, as the API takes them; NULL where they are not.
    commission_terms: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    slippage_terms: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    methodology: Mapped[str] = mapped_column(String(20))
    # As the API takes it; NULL for STANDARD.
    method: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    profile: Mapped[str] = mapped_column(String(40), server_default="default")
    parameters: Mapped[dict[str, Any]] = mapped_column(JSON)
    rules: Mapped[dict[str, Any]] = mapped_column(JSON)
    benchmark: Mapped[str | None] = mapped_column(String(200))
    # By the name that the strategy reads them by ``reference``, ``dataset`` and ``content_hash``; NULL for none.
    features: Mapped[dict[str, dict[str, str]] | None] = mapped_column(JSON(none_as_null=True))
    # Splits and dividends: ``reference``, ``dataset`` and ``content_hash``; NULL for none.
    reference: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))
    seed: Mapped[int] = mapped_column(BigInteger)
    risk_free_rate: Mapped[float] = mapped_column(Float)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        ForeignKeyConstraint(
            ["strategy_id", "strategy_version"],
            ["strategy_versions.strategy_id", "strategy_versions.number"],
        ),
        Index(None, "user_id", "created_at"),
        Index(None, "strategy_id"),
    )


def _folded(context: Any) -> str:
    return str(context.get_current_parameters().get("name", "")).casefold()


class JobRow(Base):
    """One unit of work and who holds it. See ``jobs/store.py`` for the transitions."""

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    user_id: Mapped[str] = mapped_column(String(255))
    kind: Mapped[str] = mapped_column(String(20))
    resource_id: Mapped[str] = mapped_column(String(32))
    # What people know it by; a list of jobs reads no other table.
    name: Mapped[str] = mapped_column(String(200), default="", server_default="")
    # The same as it is looked for; a letter may become three.
    name_folded: Mapped[str] = mapped_column(String(600), default=_folded, server_default="")
    priority: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    # What it weighs among its user's running jobs when users take turns.
    cost: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    status: Mapped[str] = mapped_column(String(20))
    phase: Mapped[str] = mapped_column(String(20))
    attempt: Mapped[int] = mapped_column(Integer)
    # Attempts whose server was lost; one that was stopped in order loses nothing.
    losses: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    owner: Mapped[str | None] = mapped_column(String(32))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    heartbeat_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancel_requested_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    deadline: Mapped[datetime | None] = mapped_column(UtcDateTime)
    progress: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    error_code: Mapped[str | None] = mapped_column(String(60))
    error: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    sandbox_level: Mapped[str | None] = mapped_column(String(20))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    queued_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime)
    # What the last attempt took; while it runs, so far.
    queue_seconds: Mapped[float | None] = mapped_column(Float)
    run_seconds: Mapped[float | None] = mapped_column(Float)
    cpu_seconds: Mapped[float | None] = mapped_column(Float)
    peak_memory: Mapped[int | None] = mapped_column(BigInteger)
    bytes_written: Mapped[int | None] = mapped_column(BigInteger)
    # Of the files that a completed attempt left; when somebody last read them; when they were pruned.
    output_bytes: Mapped[int | None] = mapped_column(BigInteger)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    pruned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        # The queue, and who has how much running.
        Index(None, "status", "phase", "priority", "user_id", "queued_at"),
        # Counts with any filter: few names, often repeated, so that PostgreSQL keeps it small.
        Index(None, "user_id", "status", "kind", "name_folded"),
        # Lists, newest first, for each filter of theirs; a name is looked for in the index alone.
        Index(None, "user_id", "created_at", "id", "name_folded"),
        Index(None, "user_id", "status", "created_at", "id", "name_folded"),
        Index(None, "user_id", "kind", "status", "created_at", "id", "name_folded"),
        Index(None, "kind", "resource_id"),
        Index(None, "finished_at"),
    )


class JobLogRow(Base):
    """The last 200 of a job's first 2,000 lines (1 MiB): apart, so that nothing else of it reads or rewrites them."""

    __tablename__ = "job_logs"

    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True)
    lines: Mapped[list[str]] = mapped_column(JSON)


class IdempotencyRow(Base):
    """What a request under an ``Idempotency-Key`` was answered; written in the transaction of its effect."""

    __tablename__ = "idempotency_keys"

    user_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    route: Mapped[str] = mapped_column(String(100), primary_key=True)
    key: Mapped[str] = mapped_column(String(255), primary_key=True)
    # SHA-256 of path, query and body.
    request_hash: Mapped[str] = mapped_column(String(64))
    status: Mapped[int] = mapped_column(Integer)
    headers: Mapped[dict[str, str]] = mapped_column(JSON)
    body: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (Index(None, "created_at"),)


class BacktestResultRow(Base):
    """What a completed backtest found; written in the transaction that completes its job."""

    __tablename__ = "backtest_results"

    backtest_id: Mapped[str] = mapped_column(ForeignKey("backtests.id"), primary_key=True)
    attempt: Mapped[int] = mapped_column(Integer)
    run: Mapped[dict[str, Any]] = mapped_column(JSON)
    metrics: Mapped[dict[str, float | None]] = mapped_column(JSON)
    undefined: Mapped[dict[str, str]] = mapped_column(JSON)
    assumptions: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    sparkline: Mapped[list[float]] = mapped_column(JSON)
    # name → {bytes, sha256} of the files in the attempt's output folder.
    files: Mapped[dict[str, dict[str, Any]]] = mapped_column(JSON)
    trade_count: Mapped[int] = mapped_column(Integer)
    # What later results of the same strategy on the same data count (rule M6): how many trials this one adds, their
    # sessions and the spread of their Sharpe ratios, as the trial log has them; and what had been tried before it.
    trials: Mapped[int] = mapped_column(Integer, server_default="1")
    trial_spread: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    earlier_trials: Mapped[int] = mapped_column(Integer, server_default="0")
    earlier_trials_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TradeRow(Base):
    """One round trip of a completed backtest, closed or still open at its end."""

    __tablename__ = "trades"

    backtest_id: Mapped[str] = mapped_column(ForeignKey("backtests.id"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    id: Mapped[str] = mapped_column(String(64))
    symbol: Mapped[str] = mapped_column(String(64))
    side: Mapped[str] = mapped_column(String(8))
    quantity: Mapped[Decimal] = mapped_column(ExactDecimal)
    entry_price: Mapped[Decimal] = mapped_column(ExactDecimal)
    exit_price: Mapped[Decimal | None] = mapped_column(ExactDecimal)
    entry_time: Mapped[datetime] = mapped_column(UtcDateTime)
    exit_time: Mapped[datetime | None] = mapped_column(UtcDateTime)
    pnl: Mapped[Decimal | None] = mapped_column(ExactDecimal)
    # The same as a number: the text of a decimal does not sort.
    pnl_number: Mapped[float | None] = mapped_column(Float)
    commission: Mapped[Decimal] = mapped_column(ExactDecimal)
    exit_reason: Mapped[str] = mapped_column(String(40))
    # The plan's model ends here; these are M10's additions, numbers and a flag.
    more: Mapped[dict[str, Any]] = mapped_column(JSON)


class OutboxRow(Base):
    """What happened, in order; written in the transaction that made it happen."""

    __tablename__ = "outbox"

    event_id: Mapped[int] = mapped_column(SequenceNumber, primary_key=True, autoincrement=True)
    user_id: Mapped[str] = mapped_column(String(255))
    # Its place among the user's events: what readers know it by.
    sequence: Mapped[int] = mapped_column(BigInteger)
    topic: Mapped[str] = mapped_column(String(60))
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    delivered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index(None, "delivered_at", "event_id"),
        Index(None, "user_id", "sequence", unique=True),
        Index(None, "created_at"),
        {"sqlite_autoincrement": True},
    )


class EventCounterRow(Base):
    """How many events a user has had. Whoever counts one up holds it until commit, so numbers have no gaps."""

    __tablename__ = "event_counters"

    user_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    last: Mapped[int] = mapped_column(BigInteger)

"""What was tried before of a stored strategy on the same data: the server's own trial log (rule M6).

Every completed backtest counts: a plain run once, a sweep with its variants. Edits of the strategy count too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from ..db.tables import BacktestResultRow, BacktestRow, DatasetRow

MOST_ENTRIES = 500
"""Results that a worker is told one by one; what is older is one line, without its Sharpe ratios."""


@dataclass
class Earlier:
    """What was tried.

    Attributes:
        count: Trials.
        since: When the first of them was finished.
        entries: What the SDK's trial log has of them, oldest first.
    """

    count: int = 0
    since: datetime | None = None
    entries: list[dict[str, Any]] = field(default_factory=list)


def earlier(session: Session, row: BacktestRow) -> Earlier:
    """Count what the owner's backtests of the same stored strategy on the same data have tried.

    What is committed counts, whatever the clocks of the servers say; what another server is about to commit does not.
    Ask once for each attempt, when it begins: later there may be more.
    """
    name = session.get_one(DatasetRow, row.dataset_id).name
    found = session.execute(
        select(
            BacktestResultRow.trials, BacktestResultRow.trial_spread, BacktestResultRow.created_at, BacktestRow.symbols
        )
        .join(BacktestRow, BacktestRow.id == BacktestResultRow.backtest_id)
        # By its name: a later version of a dataset is the same data, as in the SDK's own log.
        .join(DatasetRow, DatasetRow.id == BacktestRow.dataset_id)
        .where(
            BacktestRow.user_id == row.user_id,
            BacktestRow.strategy_id == row.strategy_id,
            DatasetRow.name == name,
            BacktestRow.id != row.id,
        )
        .order_by(BacktestResultRow.created_at)
    ).all()
    # JSON columns have no equality that all databases know.
    same = [item for item in found if item.symbols == row.symbols]
    if not same:
        return Earlier()
    entries = [_entry(item.trials, item.created_at, item.trial_spread) for item in same[-MOST_ENTRIES:]]
    older = sum(item.trials for item in same[:-MOST_ENTRIES])
    if older:
        entries.insert(0, _entry(older, same[0].created_at, None))
    return Earlier(sum(item.trials for item in same), same[0].created_at, entries)


def _entry(count: int, when: datetime, spread: dict[str, Any] | None) -> dict[str, Any]:
    known = spread or {"sample": None, "spread": [0, 0.0, 0.0]}
    return {"count": count, "created_at": when.isoformat(timespec="seconds").replace("+00:00", "Z"), **known}

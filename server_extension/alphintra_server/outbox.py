"""Writing down what happened: in the transaction that made it happen, numbered per user without gaps."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Insert, literal_column
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from .db.tables import EventCounterRow, OutboxRow
from .db.types import utc_now


def append(session: Session, user_id: str, topic: str, payload: dict[str, Any]) -> None:
    """Add an event to a user's sequence.

    The user's counter stays locked until the transaction ends: numbers are given in the order of the commits, and one
    that is rolled back takes its number back. So whoever has read up to a number has missed nothing before it. Take
    locks on jobs first, this one last.
    """
    session.flush()
    session.add(
        OutboxRow(
            user_id=user_id,
            sequence=_next(session, user_id),
            topic=topic,
            payload=payload,
            created_at=utc_now(),
        )
    )
    session.flush()


def _next(session: Session, user_id: str) -> int:
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(EventCounterRow).values(user_id=user_id, last=1)
    counted: Insert = statement.on_conflict_do_update(
        index_elements=["user_id"], set_={"last": literal_column("event_counters.last + 1")}
    )
    return int(session.scalars(counted.returning(EventCounterRow.last)).one())

"""Who reads a version now. What is being deleted admits nobody new, and stays for those who read it.

A job has its files by links of its own, which need no lease.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from ..db.dataset_tables import DatasetLeaseRow, DatasetVersionRow
from ..db.engine import database_now

LEASE = timedelta(minutes=10)
"""How long a reader who says nothing more is taken to read."""


def _id(version_id: str, holder: str) -> str:
    return hashlib.sha256(f"{version_id}\0{holder}".encode()).hexdigest()[:32]


def take(session: Session, version_id: str, holder: str) -> None:
    """Note that somebody reads a version; a second time, that they still do. The caller has checked that they may."""
    until = database_now(session) + LEASE
    lease = session.get(DatasetLeaseRow, _id(version_id, holder), with_for_update=True)
    if lease is None:
        # At most as long as the column is.
        shown = holder if len(holder) <= 80 else hashlib.sha256(holder.encode()).hexdigest()
        session.add(
            DatasetLeaseRow(id=_id(version_id, holder), version_id=version_id, holder=shown, until=until)
        )
    else:
        lease.until = until


def holds(session: Session, version_id: str, holder: str) -> bool:
    """Tell whether somebody reads a version."""
    lease = session.get(DatasetLeaseRow, _id(version_id, holder))
    return lease is not None and lease.until > database_now(session)


def is_read(session: Session, dataset_id: str) -> bool:
    """Tell whether anybody reads any version of a dataset."""
    query = select(
        exists().where(
            DatasetVersionRow.dataset_id == dataset_id,
            DatasetLeaseRow.version_id == DatasetVersionRow.id,
            DatasetLeaseRow.until > database_now(session),
        )
    )
    return bool(session.scalar(query))


def forget_ended(session: Session) -> None:
    """Drop the leases of those who read no more."""
    session.execute(
        delete(DatasetLeaseRow).where(DatasetLeaseRow.until <= database_now(session)),
        execution_options={"synchronize_session": False},
    )

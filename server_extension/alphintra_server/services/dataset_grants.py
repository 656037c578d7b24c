"""Sharing: what others may do with a dataset of one's own."""

from __future__ import annotations

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.dataset_tables import DatasetGrantRow
from ..db.engine import Database
from ..db.tables import DatasetRow
from ..db.types import utc_now
from ..errors import Conflict, Invalid
from ..models.datasets import DatasetAccess, Grant, GrantChange, Grants
from .dataset_rows import owned
from .users import Users

MOST = 200
"""Users with whom one dataset is shared."""


class DatasetGrants:
    """Who may have what; its owner alone reads and changes it.

    Args:
        database: Where it is.
        users: Whom this installation knows.
    """

    def __init__(self, database: Database, users: Users) -> None:
        self._database = database
        self._users = users

    async def get(self, who: Caller, dataset_id: str) -> Grants:
        """List with whom a dataset is shared."""
        return await self._database.read(lambda session: self._shown(session, owned(session, who, dataset_id)))

    async def change(self, who: Caller, dataset_id: str, body: GrantChange) -> Grants:
        """Share a dataset with a user, otherwise than before, or no more.

        Raises:
            Invalid: It is the owner, or nobody of that name has been here.
            TooMany: Too many names were tried that nobody has.
            Conflict: It is shared with as many as may be, or there is nobody else here.
        """

        def work(session: Session) -> Grants:
            row = owned(session, who, dataset_id)
            if body.user_id == row.user_id:
                raise Invalid.field("user_id", "it is yours already")
            grant = session.get(DatasetGrantRow, (row.id, body.user_id))
            if body.level is None:
                if grant is not None:
                    session.delete(grant)
            elif grant is not None:
                grant.level = body.level
            else:
                count = select(func.count()).where(DatasetGrantRow.dataset_id == row.id)
                if (session.scalar(count) or 0) >= MOST:
                    raise Conflict(f"{row.name} is shared with {MOST} users already.", code="TOO_MANY_GRANTS")
                self._users.refuse_unknown(session, who, body.user_id)
                session.add(
                    DatasetGrantRow(
                        dataset_id=row.id,
                        user_id=body.user_id,
                        level=body.level,
                        granted_by=who.user_id,
                        created_at=utc_now(),
                    )
                )
            session.flush()
            return self._shown(session, row)

        return await self._database.write(work)

    def _shown(self, session: Session, row: DatasetRow) -> Grants:
        query = select(DatasetGrantRow).where(DatasetGrantRow.dataset_id == row.id).order_by(DatasetGrantRow.user_id)
        rows = list(session.scalars(query))
        known = self._users.known_of(session, (grant.user_id for grant in rows))
        grants = [
            Grant(
                user_id=grant.user_id,
                level=DatasetAccess(grant.level),
                granted_by=grant.granted_by,
                created_at=grant.created_at,
                seen=grant.user_id in known,
            )
            for grant in rows
        ]
        return Grants(dataset_id=row.id, grants=grants, alone=self._users.alone)

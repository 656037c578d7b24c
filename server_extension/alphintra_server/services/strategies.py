"""Strategies: a row per strategy, a version per saved change."""

from __future__ import annotations

import json
import posixpath
import uuid
from collections.abc import Mapping
from typing import Any

from sqlalchemy import Select, String, cast, func, or_, select
from sqlalchemy.orm import Session

from ..auth import Caller
from ..db.engine import Database
from ..db.tables import StrategyRow, StrategyVersionRow
from ..db.types import utc_now
from ..errors import Conflict, Invalid, NotFound, PreconditionFailed
from ..idempotency import remember
from ..models.strategies import (
    FromFile,
    SavedStrategy,
    Strategy,
    StrategyCreate,
    StrategyQuery,
    StrategyStatus,
    StrategyUpdate,
    StrategyVersion,
)
from .paging import Slice
from .sources import Source, Sources, choose_class, refuse_blocking, source_hash


class Strategies:
    """What a user's strategies can do, except run."""

    def __init__(self, database: Database, sources: Sources, sdk_version: str) -> None:
        self._database = database
        self._sources = sources
        self._sdk_version = sdk_version

    async def create(self, who: Caller, body: StrategyCreate) -> Strategy:
        """Store new code. It may be unfinished: code that does not parse can be saved, not run."""

        def work(session: Session) -> Strategy:
            made = self._insert(
                session,
                who,
                name=body.name,
                description=body.description,
                class_name=body.class_name,
                parameters=body.parameters,
                tags=body.tags,
                source=Source(body.code),
                source_path=None,
            )
            return remember(session, made)

        return await self._database.write(work)

    async def update(
        self, who: Caller, strategy_id: str, body: StrategyUpdate, if_match: str | None = None
    ) -> Strategy:
        """Change what the body names; a change of content is a new version."""
        changes = body.model_dump(exclude_unset=True)
        for name in ("name", "description", "code", "language", "parameters", "tags", "status"):
            if name in changes and changes[name] is None:
                raise Invalid.field(name, "may be absent, but not null")
        changes.pop("language", None)

        def work(session: Session) -> Strategy:
            row = find(session, who, strategy_id, lock=True)
            if if_match is not None and if_match.strip() not in {"*", etag(row.version)}:
                raise PreconditionFailed(
                    f"The strategy is at version {row.version} by now.", extra={"version": row.version}
                )
            if row.status == StrategyStatus.ARCHIVED:
                raise _archived()
            current = version_of(session, row)
            if "status" in changes:
                row.status = StrategyStatus(changes.pop("status")).value
                row.updated_at = utc_now()
            self._save(session, row, current, changes)
            return to_model(row, version_of(session, row))

        return await self._database.write(work)

    async def from_file(self, who: Caller, body: FromFile) -> tuple[SavedStrategy, int]:
        """Save the strategy of a workspace file: a new row, or a version of the row of this file and class.

        Returns:
            The strategy, and the status: 201 for a new row, 200 for one that was there.
        """
        _, source = await self._sources.from_file(body.path)
        refuse_blocking(source, "path")
        chosen = choose_class(source, body.class_name)
        path = posixpath.normpath(body.path).lstrip("/")  # one file has one row, however it is written

        def work(session: Session) -> tuple[SavedStrategy, int]:
            saved, is_new = self.keep(session, who, source, chosen, path)
            status = 201 if is_new else 200
            return remember(session, saved, status=status), status

        return await self._database.write(work)

    def keep(
        self, session: Session, who: Caller, source: Source, chosen: Mapping[str, Any], path: str
    ) -> tuple[SavedStrategy, bool]:
        """Save source that was checked: a new row, or a version of the row of this file and class.

        Args:
            session: The transaction.
            who: Whose it is.
            source: Code and modules.
            chosen: The class, one of ``source.classes``.
            path: Where it came from: a file of the workspace, or whatever else is the same for the same strategy.
        """
        query = select(StrategyRow).where(
            StrategyRow.user_id == who.user_id,
            StrategyRow.source_path == path,
            StrategyRow.class_name == chosen["name"],
        )
        row = session.scalars(query.order_by(StrategyRow.created_at).limit(1).with_for_update()).first()
        if row is None:
            made = self._insert(
                session,
                who,
                name=chosen["name"],
                description=chosen["doc"][:20_000],
                class_name=chosen["name"],
                parameters={},
                tags=[],
                source=source,
                source_path=path,
            )
            return SavedStrategy(**made.model_dump(), created_version=True), True
        if row.status == StrategyStatus.ARCHIVED:
            raise _archived()
        changed = self._save(
            session,
            row,
            version_of(session, row),
            {"code": source.code, "modules": source.modules, "line_map": source.line_map},
        )
        strategy = to_model(row, version_of(session, row))
        return SavedStrategy(**strategy.model_dump(), created_version=changed), False

    async def get(self, who: Caller, strategy_id: str) -> Strategy:
        """Read one."""

        def work(session: Session) -> Strategy:
            row = find(session, who, strategy_id)
            return to_model(row, version_of(session, row))

        return await self._database.read(work)

    async def search(self, who: Caller, query: StrategyQuery) -> Slice[Strategy]:
        """List the caller's, newest change first; archived ones only when asked for."""
        wanted: Select[Any] = select(StrategyRow).where(StrategyRow.user_id == who.user_id)
        if query.status is None:
            wanted = wanted.where(StrategyRow.status != StrategyStatus.ARCHIVED.value)
        else:
            wanted = wanted.where(StrategyRow.status == query.status.value)
        if query.tag is not None:
            # JSON arrays have no common operator; the quoted text of a tag occurs exactly where the tag is.
            quoted = json.dumps(query.tag)
            wanted = wanted.where(cast(StrategyRow.tags, String).contains(quoted, autoescape=True))
        if query.search:
            text = query.search
            wanted = wanted.where(
                or_(
                    StrategyRow.name.icontains(text, autoescape=True),
                    StrategyRow.description.icontains(text, autoescape=True),
                )
            )
        column = getattr(StrategyRow, query.sort)
        order = column.asc() if query.sort == "name" else column.desc()

        def work(session: Session) -> Slice[Strategy]:
            total = session.scalar(select(func.count()).select_from(wanted.subquery())) or 0
            rows = session.scalars(
                wanted.order_by(order, StrategyRow.id).limit(query.limit).offset(query.offset)
            ).all()
            return Slice([to_model(row, version_of(session, row)) for row in rows], total)

        return await self._database.read(work)

    async def versions(
        self, who: Caller, strategy_id: str, limit: int, offset: int
    ) -> Slice[StrategyVersion]:
        """List the saved states, newest first."""

        def work(session: Session) -> Slice[StrategyVersion]:
            row = find(session, who, strategy_id)
            query = select(StrategyVersionRow).where(StrategyVersionRow.strategy_id == row.id)
            rows = session.scalars(
                query.order_by(StrategyVersionRow.number.desc()).limit(limit).offset(offset)
            )
            return Slice([_version_model(item) for item in rows], row.version)

        return await self._database.read(work)

    async def version(self, who: Caller, strategy_id: str, number: int) -> StrategyVersion:
        """Read one saved state."""

        def work(session: Session) -> StrategyVersion:
            row = find(session, who, strategy_id)
            found = session.get(StrategyVersionRow, (row.id, number))
            if found is None:
                raise NotFound(f"The strategy has no version {number}; the newest is {row.version}.")
            return _version_model(found)

        return await self._database.read(work)

    async def archive(self, who: Caller, strategy_id: str) -> Strategy:
        """Take it off the lists and out of use."""

        def work(session: Session) -> Strategy:
            row = find(session, who, strategy_id, lock=True)
            if row.status == StrategyStatus.ARCHIVED:
                raise Conflict("The strategy is archived already.", code="ALREADY_ARCHIVED")
            row.status_before_archive, row.status = row.status, StrategyStatus.ARCHIVED.value
            row.updated_at = utc_now()
            return to_model(row, version_of(session, row))

        return await self._database.write(work)

    async def restore(self, who: Caller, strategy_id: str) -> Strategy:
        """Bring it back in the state it had."""

        def work(session: Session) -> Strategy:
            row = find(session, who, strategy_id, lock=True)
            if row.status != StrategyStatus.ARCHIVED:
                raise Conflict("The strategy is not archived.", code="NOT_ARCHIVED")
            row.status, row.status_before_archive = row.status_before_archive or "DRAFT", None
            row.updated_at = utc_now()
            return to_model(row, version_of(session, row))

        return await self._database.write(work)

    def _insert(
        self,
        session: Session,
        who: Caller,
        *,
        name: str,
        description: str,
        class_name: str | None,
        parameters: dict[str, Any],
        tags: list[str],
        source: Source,
        source_path: str | None,
    ) -> Strategy:
        now = utc_now()
        row = StrategyRow(
            id=uuid.uuid4().hex,
            user_id=who.user_id,
            name=name,
            description=description,
            language="python",
            sdk_version=self._sdk_version,
            status=StrategyStatus.DRAFT.value,
            tags=tags,
            version=1,
            class_name=class_name,
            source_path=source_path,
            created_at=now,
            updated_at=now,
        )
        version = StrategyVersionRow(
            strategy_id=row.id,
            number=1,
            name=name,
            description=description,
            code=source.code,
            modules=source.modules,
            source_hash=source.hash,
            line_map=source.line_map,
            class_name=class_name,
            parameters=parameters,
            tags=tags,
            sdk_version=self._sdk_version,
            created_at=now,
        )
        session.add(row)
        session.flush()
        session.add(version)
        session.flush()
        return to_model(row, version)

    def _save(
        self, session: Session, row: StrategyRow, current: StrategyVersionRow, changes: dict[str, Any]
    ) -> bool:
        """Store a new version if ``changes`` change anything; tell whether they did."""
        fields = (
            "name", "description", "code", "modules", "line_map", "class_name", "parameters", "tags",
        )  # fmt: skip
        state = {name: getattr(current, name) for name in fields}
        if "code" in changes and "modules" not in changes and changes["code"] != state["code"]:
            # Code that was edited here no longer has the lines of the notebook it came from.
            state["line_map"] = None
        content = state | changes
        before = {name: getattr(current, name) for name in fields}
        # Where a line stood in the notebook is not content: moving a cell is no new version.
        if {k: v for k, v in content.items() if k != "line_map"} == {
            k: v for k, v in before.items() if k != "line_map"
        }:
            current.line_map = content["line_map"]
            return False
        now = utc_now()
        row.version += 1
        row.updated_at = now
        row.sdk_version = self._sdk_version
        for name in ("name", "description", "class_name", "tags"):
            setattr(row, name, content[name])
        session.add(
            StrategyVersionRow(
                strategy_id=row.id,
                number=row.version,
                source_hash=source_hash(content["code"], content["modules"]),
                sdk_version=self._sdk_version,
                created_at=now,
                **content,
            )
        )
        session.flush()
        return True


def find(session: Session, who: Caller, strategy_id: str, *, lock: bool = False) -> StrategyRow:
    """Load a strategy of the caller; another's is as absent as none."""
    query = select(StrategyRow).where(StrategyRow.id == strategy_id, StrategyRow.user_id == who.user_id)
    row = session.scalars(query.with_for_update() if lock else query).first()
    if row is None:
        raise NotFound(f"There is no strategy {strategy_id}.")
    return row


def find_runnable(session: Session, who: Caller, strategy_id: str) -> StrategyRow:
    """Load a strategy that may run."""
    row = find(session, who, strategy_id)
    if row.status == StrategyStatus.ARCHIVED:
        raise _archived()
    return row


def version_of(session: Session, row: StrategyRow, number: int | None = None) -> StrategyVersionRow:
    """Load a version, the current one by default."""
    found = session.get(StrategyVersionRow, (row.id, number or row.version))
    if found is None:
        raise Invalid.field("strategy_version", f"there is no version {number}; the newest is {row.version}")
    return found


def etag(version: int) -> str:
    """Write the entity tag of a strategy's version."""
    return f'"{version}"'


def to_model(row: StrategyRow, version: StrategyVersionRow) -> Strategy:
    """Show a row with its current version."""
    return Strategy(
        id=row.id,
        user_id=row.user_id,
        name=row.name,
        description=row.description,
        code=version.code,
        language=row.language,
        sdk_version=row.sdk_version,
        parameters=version.parameters,
        status=StrategyStatus(row.status),
        created_at=row.created_at,
        updated_at=row.updated_at,
        tags=row.tags,
        version=row.version,
        class_name=row.class_name,
        source_path=row.source_path,
        source_hash=version.source_hash,
        modules=sorted(version.modules),
    )


def _version_model(row: StrategyVersionRow) -> StrategyVersion:
    return StrategyVersion(
        strategy_id=row.strategy_id,
        version=row.number,
        name=row.name,
        description=row.description,
        code=row.code,
        class_name=row.class_name,
        parameters=row.parameters,
        tags=row.tags,
        modules=row.modules,
        source_hash=row.source_hash,
        sdk_version=row.sdk_version,
        created_at=row.created_at,
    )


def _archived() -> Conflict:
    return Conflict("The strategy is archived; restore it first.", code="ARCHIVED")

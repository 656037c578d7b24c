"""Requests that can be repeated without being done twice: ``Idempotency-Key``.

What the first request under a key was answered is written in the transaction of what it did. So there is an answer if
and only if something was done, also where the server dies between the commit and the answer: whoever asks again within
a day gets the same status, headers and body, and nothing happens. Refusals are not kept: they did nothing, and asking
again may succeed.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from pydantic import BaseModel
from sqlalchemy import delete
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from .db.engine import Database, database_now
from .db.tables import IdempotencyRow
from .errors import BadRequest, Conflict, Invalid, ServiceError

HEADER = "Idempotency-Key"
KEEP = timedelta(hours=24)
_KEY = re.compile(r"[\x21-\x7e]{1,255}")

Answer = TypeVar("Answer", bound=BaseModel)


@dataclass(frozen=True)
class Stored:
    """An answer: status, headers and the text of the body."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(eq=False)
class Keyed:
    """A request under a key.

    Attributes:
        user_id: Who asks.
        route: Verb and handler: one key may be used on several routes.
        key: The header's value.
        request_hash: What identifies the request beside its key.
        present: Makes status and headers of an answer.
    """

    user_id: str
    route: str
    key: str
    request_hash: str
    present: Callable[[BaseModel, int | None], tuple[int, dict[str, str]]]

    def write(self, session: Session, answer: BaseModel, status: int | None) -> None:
        """Record the answer, unless somebody else has.

        Raises:
            Conflict: Another request under the key was faster; what this one did is taken back with its transaction.
        """
        now = database_now(session)
        mine = (
            IdempotencyRow.user_id == self.user_id,
            IdempotencyRow.route == self.route,
            IdempotencyRow.key == self.key,
        )
        session.execute(
            delete(IdempotencyRow).where(*mine, IdempotencyRow.created_at <= now - KEEP),
            execution_options={"synchronize_session": False},
        )
        chosen, headers = self.present(answer, status)
        dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
        values = {
            "user_id": self.user_id,
            "route": self.route,
            "key": self.key,
            "request_hash": self.request_hash,
            "status": chosen,
            "headers": headers,
            "body": answer.model_dump_json(by_alias=True),
            "created_at": now,
        }
        written = dialect.insert(IdempotencyRow).values(values).on_conflict_do_nothing()
        if session.scalars(written.returning(IdempotencyRow.key)).first() is None:
            raise _in_progress()


_current: ContextVar[Keyed | None] = ContextVar("alphintra_idempotency", default=None)


def remember(session: Session, answer: Answer, *, status: int | None = None) -> Answer:
    """Record what a request is answered, where it came under a key: last in the transaction of what it does.

    Args:
        session: The transaction.
        answer: What the service returns.
        status: Where it is not the route's usual one.
    """
    keyed = _current.get()
    if keyed is not None:
        keyed.write(session, answer, status)
    return answer


class Idempotency:
    """Looks answers up and keeps two requests under one key apart.

    Args:
        database: Where the answers are.
    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._at_work: set[tuple[str, str, str]] = set()

    async def find(self, keyed: Keyed) -> Stored | None:
        """Read what the request was answered before.

        Raises:
            Invalid: The key belongs to another request.
        """

        def work(session: Session) -> IdempotencyRow | None:
            row = session.get(IdempotencyRow, (keyed.user_id, keyed.route, keyed.key))
            return None if row is None or row.created_at <= database_now(session) - KEEP else row

        row = await self._database.read(work)
        if row is None:
            return None
        if row.request_hash != keyed.request_hash:
            raise Invalid(
                f"This {HEADER} belongs to another request: a new request needs a new key.",
                code="IDEMPOTENCY_MISMATCH",
            )
        return Stored(row.status, row.headers, row.body)

    async def once(self, keyed: Keyed, do: Callable[[], Awaitable[Any]]) -> Any:
        """Answer as before, else do it.

        Another server may do the same request at this very moment: then what it has changed refuses this one, and its
        answer is there by now.
        """
        stored = await self.find(keyed)
        if stored is not None:
            return stored
        try:
            return await do()
        except ServiceError:
            stored = await self.find(keyed)
            if stored is None:
                raise
            return stored

    @contextmanager
    def at_work(self, keyed: Keyed) -> Iterator[None]:
        """Do a request; whoever comes under its key meanwhile is refused.

        Raises:
            Conflict: Another one is being done.
        """
        place = (keyed.user_id, keyed.route, keyed.key)
        if place in self._at_work:
            raise _in_progress()
        self._at_work.add(place)
        token = _current.set(keyed)
        try:
            yield
        finally:
            _current.reset(token)
            self._at_work.discard(place)


def read_key(given: str) -> str:
    """Check a key.

    Raises:
        BadRequest: It is none.
    """
    if not _KEY.fullmatch(given):
        raise BadRequest(f"{HEADER} has 1 to 255 visible ASCII characters.", code="BAD_IDEMPOTENCY_KEY")
    return given


def hash_of(path: str, query: str, body: Any) -> str:
    """Identify a request: a repeated one has the same."""
    text = json.dumps([path, query, body], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _in_progress() -> Conflict:
    return Conflict(
        f"A request under this {HEADER} is being done; ask again for its answer.",
        code="IDEMPOTENCY_IN_PROGRESS",
        headers={"Retry-After": "1"},
    )

"""From the outbox to whoever listens: Jupyter's event stream and SSE clients.

A change and its event are written in one transaction; the relay sends what is committed, in order, and
marks it as delivered afterwards. So an event may come twice and is never lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from .crash_points import reached
from .db.engine import Database
from .db.tables import OutboxRow
from .db.types import utc_now

SCHEMAS = {
    "job": ("https://events.alphintra.dev/job/v1", "job.v1.yaml"),
    "checks": ("https://events.alphintra.dev/checks/v1", "checks.v1.yaml"),
}
"""The topics of the outbox: each one's schema, and the file of it."""
KEEP = timedelta(hours=24)
KEEP_AT_LEAST = 1000
_BATCH = 200
_QUEUE = 1000


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        event_id: Its place in the order of all events of the server.
        topic: What sort of thing: a key of :data:`SCHEMAS`.
        payload: What is told of it.
    """

    event_id: int
    topic: str
    payload: dict[str, Any]

    @property
    def data(self) -> dict[str, Any]:
        """What its schema describes."""
        return {"event_id": self.event_id, **self.payload}



@dataclass(eq=False)
class Subscription:
    """One SSE client: events of one user, in a queue that a slow reader lets overflow."""

    user_id: str
    queue: asyncio.Queue[Event | None] = field(default_factory=lambda: asyncio.Queue(_QUEUE))

    def put(self, event: Event) -> bool:
        """Hand over an event; False when the reader is too slow."""
        try:
            self.queue.put_nowait(event)
        except asyncio.QueueFull:
            return False
        return True


class EventRelay:
    """Delivers the outbox.

    Args:
        database: Where the outbox is.
        emit: Takes each event for Jupyter's stream; None where several users share the server, since that
            stream has no owner.
        log: Where failures go.
    """

    def __init__(self, database: Database, emit: Callable[[Event], None] | None, log: logging.Logger) -> None:
        self._database = database
        self._emit = emit
        self._log = log
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._subscriptions: set[Subscription] = set()
        self._next_prune = 0.0

    def start(self) -> None:
        """Begin to deliver, what an earlier run left over first."""
        self._task = asyncio.create_task(self._run(), name="alphintra-events")

    async def stop(self) -> None:
        """End all streams."""
        for subscription in self._subscriptions:
            with suppress(asyncio.QueueFull):
                subscription.queue.put_nowait(None)
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def wake(self) -> None:
        """Say that something was committed."""
        self._wake.set()

    def subscribe(self, user_id: str) -> Subscription:
        """Begin to receive a user's events."""
        subscription = Subscription(user_id)
        self._subscriptions.add(subscription)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """End it."""
        self._subscriptions.discard(subscription)

    async def since(self, user_id: str, event_id: int) -> list[Event] | None:
        """Read a user's events after one it knows; None if some of them are gone."""

        def work(session: Session) -> list[Event] | None:
            first = session.scalar(select(func.min(OutboxRow.event_id)))
            newest = session.scalar(select(func.max(OutboxRow.event_id))) or 0
            # Newer than the newest is an id of a database that is no more.
            if (first is not None and event_id + 1 < first) or event_id > newest:
                return None
            query = select(OutboxRow).where(OutboxRow.user_id == user_id, OutboxRow.event_id > event_id)
            return [_event(row) for row in session.scalars(query.order_by(OutboxRow.event_id).limit(_QUEUE))]

        return await self._database.read(work)

    async def _run(self) -> None:
        while True:
            try:
                self._wake.clear()
                while await self._deliver():
                    pass
                await self._prune()
            except asyncio.CancelledError:
                raise
            except Exception:  # noqa: BLE001  the stream must outlive a bad moment of the database
                self._log.exception("Events could not be delivered; trying again")
                await asyncio.sleep(1)
            # Not wait_for: on Python 3.11 it swallows a cancellation that meets the wake-up, and stop() waits for ever.
            with suppress(TimeoutError):
                async with asyncio.timeout(2):
                    await self._wake.wait()

    async def _deliver(self) -> bool:
        def pending(session: Session) -> list[tuple[str, Event]]:
            query = select(OutboxRow).where(OutboxRow.delivered_at.is_(None))
            rows = session.scalars(query.order_by(OutboxRow.event_id).limit(_BATCH))
            return [(row.user_id, _event(row)) for row in rows]

        events = await self._database.read(pending)
        if not events:
            return False
        for user_id, event in events:
            if self._emit is not None:
                self._emit(event)
            for subscription in [item for item in self._subscriptions if item.user_id == user_id]:
                if not subscription.put(event):
                    self._log.warning("A reader of the event stream was too slow and is cut off")
                    self._cut_off(subscription)
        reached("in_relay")
        ids = [event.event_id for _, event in events]

        def mark(session: Session) -> None:
            session.execute(
                update(OutboxRow).where(OutboxRow.event_id.in_(ids)).values(delivered_at=utc_now())
            )

        await self._database.write(mark)
        return len(events) == _BATCH

    def _cut_off(self, subscription: Subscription) -> None:
        self._subscriptions.discard(subscription)
        # Room for the end mark: the reader comes back with its last id and reads the rest then.
        subscription.queue.get_nowait()
        subscription.queue.put_nowait(None)

    async def _prune(self) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._next_prune:
            return
        self._next_prune = now + 600

        def work(session: Session) -> None:
            newest = session.scalar(select(func.max(OutboxRow.event_id))) or 0
            session.execute(
                delete(OutboxRow).where(
                    OutboxRow.delivered_at.is_not(None),
                    OutboxRow.created_at < utc_now() - KEEP,
                    OutboxRow.event_id <= newest - KEEP_AT_LEAST,
                )
            )

        await self._database.write(work)


def _event(row: OutboxRow) -> Event:
    return Event(row.event_id, row.topic, row.payload)

"""From the outbox to whoever listens: Jupyter's event stream and SSE clients.

A change and its event are written in one transaction. A user's events are numbered without gaps in the order of their
commits, so each reader's place is a number: this server reads what comes after it, whichever server wrote it. What
goes to Jupyter's stream is marked as delivered afterwards: it may come twice and is never lost.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import and_, delete, or_, select, update
from sqlalchemy.orm import Session

from .crash_points import reached
from .db.engine import Database
from .db.outage import Outage
from .db.tables import EventCounterRow, OutboxRow
from .db.types import utc_now

SCHEMAS = {
    "job": ("https://events.alphintra.dev/job/v1", "job.v1.yaml"),
    "checks": ("https://events.alphintra.dev/checks/v1", "checks.v1.yaml"),
}
"""The topics of the outbox: each one's schema, and the file of it."""
KEEP_AT_LEAST = 1000
"""Of each user's newest events, however old."""
_BATCH = 200
_QUEUE = 1000
_POLL_SECONDS = 2.0
_PRUNE_SECONDS = 600.0


@dataclass(frozen=True)
class Event:
    """Something that happened.

    Attributes:
        event_id: Its place in the order of its user's events.
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
        keep: How long events are kept for readers who come back; of each user the newest thousand stay.
    """

    def __init__(
        self,
        database: Database,
        emit: Callable[[Event], None] | None,
        log: logging.Logger,
        keep: timedelta = timedelta(hours=24),
    ) -> None:
        self._keep = keep
        self._database = database
        self._emit = emit
        self._log = log
        self._outage = Outage(log, "The stream of events")
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._subscriptions: set[Subscription] = set()
        # The last event that each user with a reader here was sent.
        self._sent: dict[str, int] = {}
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

    async def subscribe(self, user_id: str) -> Subscription:
        """Begin to receive a user's events, those from now on."""
        subscription = Subscription(user_id)
        self._subscriptions.add(subscription)
        if user_id not in self._sent:
            try:
                newest = await self._database.read(lambda session: _newest(session, user_id))
            except BaseException:
                self.unsubscribe(subscription)
                raise
            self._sent.setdefault(user_id, newest)
        return subscription

    def unsubscribe(self, subscription: Subscription) -> None:
        """End it."""
        self._subscriptions.discard(subscription)
        if all(other.user_id != subscription.user_id for other in self._subscriptions):
            self._sent.pop(subscription.user_id, None)

    async def since(self, user_id: str, event_id: int) -> list[Event] | None:
        """Read a user's next events after one it knows, at most 1,000; None if some of them are gone."""

        def work(session: Session) -> list[Event] | None:
            newest = _newest(session, user_id)
            query = select(OutboxRow).where(OutboxRow.user_id == user_id, OutboxRow.sequence > event_id)
            found = [_event(row) for row in session.scalars(query.order_by(OutboxRow.sequence).limit(_QUEUE))]
            # Newer than the newest is an id of a database that is no more.
            if event_id > newest or (newest > event_id and (not found or found[0].event_id != event_id + 1)):
                return None
            return found

        return await self._database.read(work)

    async def _run(self) -> None:
        while True:
            try:
                self._wake.clear()
                while await self._deliver():
                    pass
                await self._prune()
                self._outage.over()
            except asyncio.CancelledError:
                raise
            except Exception as error:  # noqa: BLE001  the stream must outlive a bad moment of the database
                self._outage.seen(error)
                await asyncio.sleep(1)
            # Not wait_for: on Python 3.11 it swallows a cancellation that meets the wake-up, and stop() waits for ever.
            with suppress(TimeoutError):
                async with asyncio.timeout(_POLL_SECONDS):
                    await self._wake.wait()

    async def _deliver(self) -> bool:
        """Send what is new; tell whether there may be more."""
        more = await self._send_to_readers() if self._sent else False
        if self._emit is not None:
            more |= await self._send_to_jupyter(self._emit)
        return more

    async def _send_to_readers(self) -> bool:
        sent = dict(self._sent)

        def work(session: Session) -> list[tuple[str, Event]]:
            counters = select(EventCounterRow).where(EventCounterRow.user_id.in_(list(sent)))
            behind = [row.user_id for row in session.scalars(counters) if row.last > sent[row.user_id]]
            if not behind:
                return []
            wanted = or_(*(and_(OutboxRow.user_id == user, OutboxRow.sequence > sent[user]) for user in behind))
            query = select(OutboxRow).where(wanted).order_by(OutboxRow.user_id, OutboxRow.sequence)
            return [(row.user_id, _event(row)) for row in session.scalars(query.limit(_BATCH))]

        found = await self._database.read(work)
        for user_id, event in found:
            # Somebody who came or left meanwhile has another place.
            if self._sent.get(user_id, event.event_id) >= event.event_id:
                continue
            self._sent[user_id] = event.event_id
            for subscription in [item for item in self._subscriptions if item.user_id == user_id]:
                if not subscription.put(event):
                    self._log.warning("A reader of the event stream was too slow and is cut off")
                    self._cut_off(subscription)
        if found:
            reached("in_relay")
        return len(found) == _BATCH

    async def _send_to_jupyter(self, emit: Callable[[Event], None]) -> bool:
        def pending(session: Session) -> list[tuple[int, Event]]:
            query = select(OutboxRow).where(OutboxRow.delivered_at.is_(None))
            rows = session.scalars(query.order_by(OutboxRow.event_id).limit(_BATCH))
            return [(row.event_id, _event(row)) for row in rows]

        found = await self._database.read(pending)
        if not found:
            return False
        for _, event in found:
            emit(event)
        reached("in_relay")
        ids = [event_id for event_id, _ in found]

        def mark(session: Session) -> None:
            session.execute(update(OutboxRow).where(OutboxRow.event_id.in_(ids)).values(delivered_at=utc_now()))

        await self._database.write(mark)
        return len(found) == _BATCH

    def _cut_off(self, subscription: Subscription) -> None:
        self.unsubscribe(subscription)
        # Nothing of what waits is sent, so that nothing is left out: the reader comes back with the last id it got.
        while not subscription.queue.empty():
            subscription.queue.get_nowait()
        subscription.queue.put_nowait(None)

    async def _prune(self) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._next_prune:
            return
        self._next_prune = now + _PRUNE_SECONDS
        old = [OutboxRow.created_at < utc_now() - self._keep]
        if self._emit is not None:
            old.append(OutboxRow.delivered_at.is_not(None))

        def work(session: Session) -> None:
            last = select(EventCounterRow.last).where(EventCounterRow.user_id == OutboxRow.user_id).scalar_subquery()
            session.execute(
                delete(OutboxRow).where(*old, OutboxRow.sequence <= last - KEEP_AT_LEAST),
                execution_options={"synchronize_session": False},
            )

        await self._database.write(work)


def _newest(session: Session, user_id: str) -> int:
    return session.scalar(select(EventCounterRow.last).where(EventCounterRow.user_id == user_id)) or 0


def _event(row: OutboxRow) -> Event:
    return Event(row.sequence, row.topic, row.payload)

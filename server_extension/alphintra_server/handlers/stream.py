"""Events as server-sent events: one stream per client."""

from __future__ import annotations

import asyncio
import json

from pydantic import Field
from tornado.httputil import HTTPServerRequest
from tornado.iostream import StreamClosedError

from ..auth import Caller
from ..errors import BadRequest, Gone
from ..events import Event
from ..models.base import Body
from .base import AlphintraHandler, endpoint

KEEPALIVE_SECONDS = 8.0
RECHECK_SECONDS = 60.0


class StreamQuery(Body):
    """Where to begin."""

    last_event_id: int | None = Field(None, ge=0, lt=2**63, description="As the header Last-Event-ID.")


class StreamHandler(AlphintraHandler):
    """The stream of a user's events."""

    # An open tab is not a person at work: else an idle server would never be culled.
    _track_activity = False

    @endpoint("events:read", query=StreamQuery, media_type="text/event-stream", problems=(410,))
    async def get(self, who: Caller, *, query: StreamQuery) -> None:
        """Follow your jobs and checks. Resumes after Last-Event-ID; 410 if those events are gone."""
        relay = self.services.events
        last = last_event_id(self.request, query)
        subscription = await relay.subscribe(who.user_id)
        try:
            missed = [] if last is None else await relay.since(who.user_id, last)
            if missed is None:
                raise Gone("Those events are no longer kept: read the lists anew.", code="EVENTS_GONE")
            self.begin_stream()
            await self.flush()
            known = last or 0
            while missed:
                for event in missed:
                    known = event.event_id
                    await self._send(event)
                missed = await relay.since(who.user_id, known)
            if missed is not None:
                await self._follow(subscription.queue, known)
        except StreamClosedError:
            # The reader has left; that is how a stream ends.
            pass
        finally:
            relay.unsubscribe(subscription)

    async def _follow(self, queue: asyncio.Queue[Event | None], known: int) -> None:
        loop = asyncio.get_running_loop()
        check_at = loop.time() + RECHECK_SECONDS
        while True:
            try:
                async with asyncio.timeout(KEEPALIVE_SECONDS):
                    event = await queue.get()
            except TimeoutError:
                self.write(": keepalive\n\n")
                await self.flush()
            else:
                if event is None:
                    break
                if event.event_id > known:
                    known = event.event_id
                    await self._send(event)
            if loop.time() >= check_at:
                check_at = loop.time() + RECHECK_SECONDS
                if not await self.still_admitted("events:read"):
                    break
        await self.finish()

    async def _send(self, event: Event) -> None:
        self.write(f"id: {event.event_id}\nevent: {event.topic}\ndata: {json.dumps(event.data)}\n\n")
        await self.flush()


def last_event_id(request: HTTPServerRequest, query: StreamQuery) -> int | None:
    """Number of the last event that a reader knows: of the header Last-Event-ID, else of the query."""
    given = request.headers.get("Last-Event-ID")
    if given is None or not given.strip():
        return query.last_event_id
    if not given.strip().isdigit() or len(given) > 18:
        raise BadRequest("Last-Event-ID is a number.")
    return int(given)

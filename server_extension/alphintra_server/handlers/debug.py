"""Debug sessions over HTTP."""

from __future__ import annotations

import asyncio

from tornado.iostream import StreamClosedError

from ..auth import Caller
from ..debug.feed import Feed, Told
from ..debug.live import LiveSession
from ..errors import Gone
from ..models.base import Page
from ..models.debug import (
    BreakpointsBody,
    DebugCreate,
    DebugEvaluate,
    DebugQuery,
    DebugRunTo,
    DebugSession,
    DebugStep,
    DebugValue,
    DebugVariables,
    VariablesQuery,
    Waiting,
)
from ..services.paging import page
from .base import AlphintraHandler, endpoint
from .stream import KEEPALIVE_SECONDS, RECHECK_SECONDS, StreamQuery, last_event_id

_MOVES = (404, 409)


class DebugHandler(AlphintraHandler):
    """The debug sessions of a strategy."""

    @endpoint("strategies:read", query=DebugQuery, response=Page[DebugSession], problems=(404,))
    async def get(self, who: Caller, strategy_id: str, *, query: DebugQuery) -> Page[DebugSession]:
        """List your debug sessions of a strategy, newest first; those that have ended last a while."""
        return page(await self.services.debug.search(who, strategy_id, query), query, self.request.path)

    @endpoint(
        "strategies:execute",
        body=DebugCreate,
        response=DebugSession,
        status=201,
        problems=(404, 409, 429),
        location=lambda made, strategy_id: f"/api/strategies/code/{strategy_id}/debug/{made.id}",
    )
    async def post(self, who: Caller, strategy_id: str, *, body: DebugCreate) -> DebugSession:
        """Start a debug session of the stored code on a dataset; it stands at the first breakpoint that is hit."""
        return (await self.services.debug.create(who, strategy_id, body)).to_model()


class _OneSession(AlphintraHandler):
    """What those below share."""

    def live(self, who: Caller, strategy_id: str, session_id: str) -> LiveSession:
        """The session, if it is the caller's."""
        return self.services.debug.find(who, strategy_id, session_id)


class DebugSessionHandler(_OneSession):
    """One session."""

    # A tab that looks is not a person at work: else an idle server would never be culled.
    _track_activity = False

    @endpoint("strategies:read", response=DebugSession, problems=(404,))
    async def get(self, who: Caller, strategy_id: str, session_id: str) -> DebugSession:
        """Read where a session stands. Looking does not keep it alive."""
        return self.live(who, strategy_id, session_id).to_model()

    @endpoint("strategies:execute", response=DebugSession, problems=(404,))
    async def delete(self, who: Caller, strategy_id: str, session_id: str) -> DebugSession:
        """End a session and forget it; answers how it was."""
        return await self.services.debug.remove(who, strategy_id, session_id)


class DebugStepHandler(_OneSession):
    """Steps."""

    @endpoint("strategies:execute", body=DebugStep, response=DebugSession, problems=_MOVES)
    async def post(self, who: Caller, strategy_id: str, session_id: str, *, body: DebugStep) -> DebugSession:
        """Step to the next line, or to the next bar."""
        session = self.live(who, strategy_id, session_id)
        await session.step(body.unit)
        return await _stood(session, body)


class DebugStepBackHandler(_OneSession):
    """Steps back."""

    @endpoint("strategies:execute", body=Waiting, response=DebugSession, problems=_MOVES)
    async def post(self, who: Caller, strategy_id: str, session_id: str, *, body: Waiting) -> DebugSession:
        """Go back to the beginning of the bar before, with all that the strategy and the account were then."""
        session = self.live(who, strategy_id, session_id)
        await session.step_back()
        return await _stood(session, body)


class DebugContinueHandler(_OneSession):
    """Running on."""

    @endpoint("strategies:execute", body=Waiting, response=DebugSession, problems=_MOVES)
    async def post(self, who: Caller, strategy_id: str, session_id: str, *, body: Waiting) -> DebugSession:
        """Run to the next breakpoint that is hit, or to the end."""
        session = self.live(who, strategy_id, session_id)
        await session.go_on()
        return await _stood(session, body)


class DebugRunToHandler(_OneSession):
    """Running to a time."""

    @endpoint("strategies:execute", body=DebugRunTo, response=DebugSession, problems=_MOVES)
    async def post(self, who: Caller, strategy_id: str, session_id: str, *, body: DebugRunTo) -> DebugSession:
        """Run to a timestamp or bar, forwards or backwards, and stand at the beginning of its `on_bar`."""
        session = self.live(who, strategy_id, session_id)
        await session.run_to(body.timestamp, body.bar)
        return await _stood(session, body)


class DebugEvaluateHandler(_OneSession):
    """Expressions."""

    @endpoint("strategies:execute", body=DebugEvaluate, response=DebugValue, problems=_MOVES)
    async def post(self, who: Caller, strategy_id: str, session_id: str, *, body: DebugEvaluate) -> DebugValue:
        """Evaluate an expression where the session stands; one that does not end is interrupted."""
        return await self.live(who, strategy_id, session_id).evaluate(body.expression, body.frame)


class DebugVariablesHandler(_OneSession):
    """Variables."""

    @endpoint("strategies:read", query=VariablesQuery, response=DebugVariables, problems=_MOVES)
    async def get(self, who: Caller, strategy_id: str, session_id: str, *, query: VariablesQuery) -> DebugVariables:
        """List the variables where the session stands, or what is in one of them."""
        return await self.live(who, strategy_id, session_id).variables(query.frame, query.reference)


class DebugBreakpointsHandler(_OneSession):
    """Breakpoints."""

    @endpoint("strategies:execute", body=BreakpointsBody, response=DebugSession, problems=_MOVES)
    async def put(self, who: Caller, strategy_id: str, session_id: str, *, body: BreakpointsBody) -> DebugSession:
        """Set the breakpoints anew, all of them; one on a line without code moves, and says so."""
        session = self.live(who, strategy_id, session_id)
        await session.set_breakpoints(body.breakpoints)
        return session.to_model()


class DebugStopHandler(_OneSession):
    """The end."""

    @endpoint("strategies:execute", response=DebugSession, problems=(404,))
    async def post(self, who: Caller, strategy_id: str, session_id: str) -> DebugSession:
        """End a session, whatever it does; it can still be read."""
        session = self.live(who, strategy_id, session_id)
        session.end("stopped")
        await session.closed()
        return session.to_model()


class DebugEventsHandler(_OneSession):
    """The events of a session."""

    _track_activity = False

    @endpoint(
        "strategies:read", query=StreamQuery, media_type="text/event-stream", problems=(404, 410)
    )
    async def get(self, who: Caller, strategy_id: str, session_id: str, *, query: StreamQuery) -> None:
        """Follow a session: `session` at each change, `progress` while it runs, `log`. It ends with the session."""
        feed = self.live(who, strategy_id, session_id).feed
        given = last_event_id(self.request, query)
        known = feed.last if given is None else given
        if feed.after(known) is None:
            raise Gone("Those events are no longer kept: read the session anew.", code="EVENTS_GONE")
        loop = asyncio.get_running_loop()
        check_at = loop.time() + RECHECK_SECONDS
        try:
            self.begin_stream()
            await self.flush()
            # A reader who is so slow that there are gaps is cut off, and comes back with the last number that it got.
            while (missed := feed.after(known)) is not None:
                for told in missed:
                    await self._send(told)
                    known = told.number
                if not missed:
                    if feed.closed:
                        break
                    await self._wait(feed)
                if loop.time() >= check_at:
                    check_at = loop.time() + RECHECK_SECONDS
                    if not await self.still_admitted("strategies:read"):
                        break
            await self.finish()
        except StreamClosedError:
            # The reader has left; that is how a stream ends.
            pass

    async def _wait(self, feed: Feed) -> None:
        try:
            async with asyncio.timeout(KEEPALIVE_SECONDS):
                await feed.news()
        except TimeoutError:
            self.write(": keepalive\n\n")
            await self.flush()

    async def _send(self, told: Told) -> None:
        self.write(f"id: {told.number}\nevent: {told.topic}\ndata: {told.data}\n\n")
        await self.flush()


async def _stood(session: LiveSession, body: Waiting) -> DebugSession:
    await session.stood(body.wait_seconds)
    return session.to_model()

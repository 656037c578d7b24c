"""What every request through a door goes through, before any of its body is read."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from tornado.iostream import StreamClosedError
from tornado.web import stream_request_body

from .. import errors
from ..auth import Caller
from ..handlers.answering import AnsweringMixin
from ..handlers.base import Endpoint
from ..metrics import REQUESTS
from .tenant import Tenant

if TYPE_CHECKING:
    from ..app import AlphintraServer
    from ..assembly import Services

VERBS = ("GET", "POST")
BYTES = "application/octet-stream"
"""Content type of what is no JSON."""
_SMALL = 64 << 10


class _Unauthorized(errors.ServiceError):
    """The token is not this door's."""

    status = 401
    default_code = "UNAUTHORIZED"


class _NoSuchVerb(errors.ServiceError):
    """The path has no such verb."""

    status = 405
    default_code = "METHOD_NOT_ALLOWED"


class _NoLength(errors.ServiceError):
    """A body whose length is not told."""

    status = 411
    default_code = "LENGTH_REQUIRED"


@stream_request_body
class DoorHandler(AnsweringMixin):
    """Base of what is behind a door."""

    base_url = ""
    """Where its addresses begin: a door has nothing else."""
    most_bytes = _SMALL
    """Longest body."""
    rate: str | None = None
    """Name of the rate that its POST is counted under."""

    def initialize(self, *, tenant: Tenant, extension: AlphintraServer, log: logging.Logger) -> None:  # type: ignore[override]
        """Take what the door gives to each request."""
        super().initialize()
        self.tenant = tenant
        self.log = log
        self._extension = extension
        self._reserved = 0

    @property
    def services(self) -> Services:
        """The services, or a 503 that says why there are none."""
        if self._extension.services is None:
            raise errors.Unavailable(self._extension.unavailable)
        return self._extension.services

    @property
    def server_url(self) -> str:
        """Where the addresses of the server begin that a browser knows, without a slash at the end."""
        assert self._extension.serverapp is not None
        return str(self._extension.serverapp.base_url).rstrip("/")

    def set_default_headers(self) -> None:
        """Say as little of the server as possible."""
        self.clear_header("Server")
        self.set_header("Content-Type", "application/json")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Content-Type-Options", "nosniff")

    async def prepare(self) -> None:
        """Refuse what can be refused by its headers alone."""
        try:
            self._check()
        except errors.ServiceError as error:
            self.write_problem(error)

    async def admit(self, scope: str) -> Caller:
        """Tell who is asking: the door's user, whatever the request says."""
        if self.tenant.ended:  # while the body came in
            raise _Unauthorized("This door is closed.", code="DOOR_CLOSED")
        self.tenant.caller.require(scope)
        return self.tenant.caller

    def route(self, verb: str) -> str:
        """What a key stands for beside the path's parts."""
        return f"{verb} door.{type(self).__name__}"

    def write_document(self, text: str, kind: str) -> None:
        """Answer with a text of a content type."""
        self.set_header("Content-Type", kind)
        self.finish(text)

    @property
    def reader(self) -> str:
        """Who reads, as what is being deleted knows them: a kernel or job of a user, whom no other door can be."""
        return f"{self.tenant.kind} {self.tenant.subject} of {self.tenant.caller.user_id}"

    async def write_bytes(self, content: bytes) -> None:
        """Answer with bytes. Who asked may have left."""
        self.set_header("Content-Type", BYTES)
        with suppress(StreamClosedError):
            await self.finish(content)

    def on_finish(self) -> None:
        """Count the request, and say who did what: changes and refusals; what only reads, at debug."""
        self._give_back()
        method = self.request.method if self.request.method in VERBS else "OTHER"
        status = self.get_status()
        REQUESTS.labels(method, type(self).__name__, status).inc()
        said = logging.WARNING if status >= 400 else logging.INFO if method == "POST" else logging.DEBUG
        if not self.log.isEnabledFor(said) or not self.tenant.may_log():
            return
        more = f" ({self.tenant.unlogged} lines not kept)" if self.tenant.unlogged else ""
        self.tenant.unlogged = 0
        self.log.log(
            said,
            "Door of %s %s for user %s: %s %.100r %d%s",
            self.tenant.kind,
            self.tenant.subject,
            self.tenant.caller.user_id,
            method,
            self.request.path,
            status,
            more,
        )

    def on_connection_close(self) -> None:
        """Forget a body that never came."""
        self._give_back()
        super().on_connection_close()

    def _check(self) -> None:
        if not self.tenant.knows(self.request.headers.get("Authorization", "")):
            raise _Unauthorized("This is not the token of this door.", headers={"WWW-Authenticate": "Bearer"})
        described = self._endpoint()
        length = self._length()
        most = self.most_bytes if described.body is not None else 0
        if length > most:
            raise errors.TooLarge(f"At most {most} bytes here, these are {length}.")
        if not self.tenant.reserve(length):
            raise errors.TooMany("Too many bytes at once.", headers={"Retry-After": "1"})
        self._reserved = length
        bucket = self.tenant.rates.get(self.rate or "") if self.request.method == "POST" else None
        if bucket is not None:
            wait = bucket.take()
            # The draft's three: a caller can slow down before it is told to.
            self.set_header("RateLimit-Limit", str(int(bucket.burst)))
            self.set_header("RateLimit-Remaining", str(int(bucket.held)))
            self.set_header("RateLimit-Reset", str(int((bucket.burst - bucket.held) / bucket.rate) + 1))
            if wait:
                raise errors.TooMany("Too often; slower, please.", headers={"Retry-After": str(int(wait) + 1)})

    def _endpoint(self) -> Endpoint:
        """Find the verb; none of another spelling, and none that Tornado would add."""
        found = getattr(getattr(self, str(self.request.method).lower(), None), "endpoint", None)
        if self.request.method not in VERBS or found is None:
            have = ", ".join(verb for verb in VERBS if hasattr(getattr(self, verb.lower()), "endpoint"))
            raise _NoSuchVerb(f"Only {have} here.", headers={"Allow": have})
        return cast(Endpoint, found)

    def _length(self) -> int:
        """Read how long the body is; a length that could be read in two ways is refused."""
        headers = self.request.headers
        given = headers.get_list("Content-Length")
        if "Transfer-Encoding" in headers:
            if given:
                raise errors.BadRequest("A body has one length.", code="TWO_LENGTHS")
            raise _NoLength("Say Content-Length.")
        if not given:
            return 0
        if len(given) != 1 or not (given[0].isascii() and given[0].isdigit()) or len(given[0]) > 12:
            raise errors.BadRequest("Content-Length is one number.", code="TWO_LENGTHS")
        return int(given[0])

    def _give_back(self) -> None:
        self.tenant.release(self._reserved)
        self._reserved = 0


class AbsentHandler(DoorHandler):
    """Everything that is not in the table."""

    def _endpoint(self) -> Endpoint:
        raise errors.NotFound("There is nothing here.")


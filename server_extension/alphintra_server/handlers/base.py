"""What every handler shares: admission, reading the request, writing the answer, problems."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar, cast

from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.base.handlers import APIHandler
from pydantic import BaseModel
from tornado.iostream import StreamClosedError
from tornado.web import stream_request_body

from .. import errors
from ..auth import Caller, caller
from ..db.outage import is_away, why_away
from ..idempotency import Stored
from ..metrics import REQUESTS
from .answering import AnsweringMixin
from .reading import MAX_BODY, announced

if TYPE_CHECKING:
    from ..assembly import Services

#: What a page of another origin, as far as there is one that may ask, can send and read beside the usual headers.
_SENT = (
    "accept", "content-type", "authorization", "x-xsrftoken", "if-match", "if-none-match", "idempotency-key",
    "last-event-id", "tus-resumable", "upload-length", "upload-metadata", "upload-offset", "upload-checksum",
    "x-http-method-override",
)  # fmt: skip
_TOLD = (
    "ETag", "Location", "Content-Disposition", "Retry-After", "Idempotent-Replayed", "X-Request-Id", "Tus-Resumable",
    "Upload-Offset", "Upload-Length", "Upload-Expires",
)  # fmt: skip
#: How long a body may take: some 1 Mbit/s for the longest.
BODY_SECONDS = 60.0


def database_away(error: Exception) -> errors.Unavailable:
    """Say that the database cannot be used just now, and why."""
    return errors.Unavailable(why_away(error), code="DATABASE_UNAVAILABLE", headers={"Retry-After": "5"})


Verb = TypeVar("Verb", bound=Callable[..., Awaitable[Any]])


@dataclass(frozen=True)
class Endpoint:
    """What OpenAPI and the tests know about a verb."""

    scope: str
    summary: str
    body: type[BaseModel] | None = None
    query: type[BaseModel] | None = None
    response: Any = None
    status: int = 200
    problems: tuple[int, ...] = ()
    media_type: str = "application/json"
    location: Callable[..., str] | None = None
    etag: Callable[[Any], str] | None = None
    idempotent: bool = False
    takes: Mapping[str, Any] | None = None
    reads: Mapping[str, str] = field(default_factory=dict)
    tells: tuple[str, ...] = ()

    def present(
        self, base_url: str, path: tuple[str, ...], answer: Any, status: int | None
    ) -> tuple[int, dict[str, str]]:
        """Make status and headers of an answer."""
        headers = {}
        if self.location is not None:
            headers["Location"] = base_url.rstrip("/") + self.location(answer, *path)
        if self.etag is not None:
            headers["ETag"] = self.etag(answer)
        return status or self.status, headers


def endpoint(
    scope: str,
    *,
    body: type[BaseModel] | None = None,
    query: type[BaseModel] | None = None,
    response: Any = None,
    status: int = 200,
    problems: tuple[int, ...] = (),
    media_type: str = "application/json",
    location: Callable[..., str] | None = None,
    etag: Callable[[Any], str] | None = None,
    idempotent: bool = False,
    takes: Mapping[str, Any] | None = None,
    reads: Mapping[str, str] | None = None,
    tells: tuple[str, ...] = (),
) -> Callable[[Verb], Verb]:
    """Make a verb: check who asks, read and check the request, write what the method returns.

    The method gets the caller, the path's parts and, where declared, ``body`` and ``query``. It returns a model, or a
    model and a status other than the usual one. Jupyter's ``@authorized`` is not used because it keeps the resource of
    the first class that it served.

    Args:
        scope: The permission that it needs.
        body: Model of the body.
        query: Model of the query.
        response: Model of the answer.
        status: Of a good answer.
        problems: Other statuses that the verb may answer.
        media_type: Of the answer.
        location: Makes the address of what the answer is about, from the answer and the path's parts.
        etag: Makes the ETag of the answer.
        idempotent: Whether it takes an ``Idempotency-Key``; the service then records the answer with ``remember``.
        takes: Of a body that is no JSON: its content type → its schema. The handler reads it itself.
        reads: Header of the request → what it says.
        tells: Headers of the answer beside the usual ones.
    """

    def decorate(method: Verb) -> Verb:
        described = Endpoint(
            scope,
            (method.__doc__ or "").strip(),
            body,
            query,
            response,
            status,
            problems,
            media_type,
            location,
            etag,
            idempotent,
            takes,
            reads or {},
            tells,
        )

        verb_name = method.__name__.upper()

        @functools.wraps(method)
        async def verb(self: AlphintraHandler, *path: str) -> None:
            try:
                who = await self.admit(scope)
                given: dict[str, Any] = {}
                if query is not None:
                    given["query"] = self.read_query(query)
                if body is not None:
                    given["body"] = self.read_body(body)
                keyed = self.read_key(described, who, verb_name, path, given.get("body")) if idempotent else None
                if keyed is None:
                    answer = await method(self, who, *path, **given)
                else:
                    with self.services.idempotency.at_work(keyed):
                        answer = await self.services.idempotency.once(
                            keyed, functools.partial(method, self, who, *path, **given)
                        )
            except errors.ServiceError as error:
                self.write_problem(error)
                return
            except Exception as error:
                if not is_away(error):
                    raise
                self.write_problem(database_away(error))
                return
            if answer is None:
                return
            anew = not isinstance(answer, Stored)
            if anew:
                model, chosen = answer if isinstance(answer, tuple) else (answer, None)
                code, headers = described.present(self.base_url, path, model, chosen)
                answer = Stored(code, headers, model.model_dump_json(by_alias=True))
            # Who asked may have left: what was done is done all the same.
            with suppress(StreamClosedError):
                await self.write_stored(answer, anew=anew)

        verb.endpoint = described  # type: ignore[attr-defined]
        return cast(Verb, verb)

    return decorate


@stream_request_body
class AlphintraHandler(AnsweringMixin, APIHandler):
    """Base of Alphintra's endpoints."""

    #: Bytes and seconds of a body.
    most_body = MAX_BODY
    body_seconds = BODY_SECONDS

    @property
    def services(self) -> Services:
        """The services, or a 503 that says why there are none."""
        extension = self.settings["alphintra"]
        if extension.services is None:
            raise errors.Unavailable(extension.unavailable)
        return cast("Services", extension.services)

    async def admit(self, scope: str) -> Caller:
        """Ask Jupyter's authorizer and our own table."""
        resource, _, action = scope.partition(":")
        user = self.current_user
        if user is None:
            raise errors.Forbidden("Log in first.")
        allowed = await ensure_async(
            self.authorizer.is_authorized(self, user, action, f"alphintra:{resource}")
        )
        if not allowed:
            raise errors.Forbidden(f"You may not {action} {resource}.")
        who = caller(self)
        who.require(scope)
        await self.services.users.seen(who)
        return who

    async def still_admitted(self, scope: str) -> bool:
        """Tell whether who asked long ago, and still reads, may do so yet."""
        self.current_user = await ensure_async(self.identity_provider.get_user(self))
        with suppress(errors.Forbidden):
            await self.admit(scope)
            return True
        return False

    def begin_stream(self) -> None:
        """Write the head of a stream of server-sent events."""
        self.set_header("Content-Type", "text/event-stream; charset=UTF-8")
        self.set_header("Cache-Control", "no-cache")
        self.set_header("X-Accel-Buffering", "no")
        self.write("retry: 2000\n\n")

    async def prepare(self) -> None:
        """Refuse what can be refused by its head alone: a body is read from who is known, and in a bounded time."""
        connection: Any = self.request.connection
        connection.set_body_timeout(self.body_seconds)
        if "Transfer-Encoding" in self.request.headers:
            connection.set_max_body_size(self.most_body)
        await super().prepare()
        if (announced(self.request) or 0) > self.most_body and not self._finished:
            self.write_problem(errors.TooLarge(f"A request has at most {self.most_body >> 20} MiB."))

    def set_default_headers(self) -> None:
        """Let a page of another origin read ours, where one may ask at all."""
        super().set_default_headers()
        if "Origin" in self.request.headers and "Access-Control-Expose-Headers" not in self.settings.get("headers", {}):
            self.set_header("Access-Control-Expose-Headers", ", ".join(_TOLD))

    @allow_unauthenticated
    def options(self, *_path: str) -> None:
        """Tell what may be asked here: nothing that depends on who asks."""
        super().options()
        if "Access-Control-Allow-Headers" not in self.settings.get("headers", {}):
            self.set_header("Access-Control-Allow-Headers", ", ".join(_SENT))
        self.set_header("Allow", ", ".join([*self._verbs(), "OPTIONS"]))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer what went wrong outside a verb; a verb that there is not is told with those that there are."""
        verbs = self._verbs()
        if status_code != 405 or not verbs:
            super().write_error(status_code, **kwargs)
            return
        self.set_header("Allow", ", ".join([*verbs, "OPTIONS"]))
        text = f"{str(self.request.method)[:20]} is not for this address, which takes {', '.join(verbs)}."
        self._write_problem(status_code, text, code="METHOD_NOT_ALLOWED")

    def _verbs(self) -> list[str]:
        methods = ((verb, getattr(self, verb.lower(), None)) for verb in self.SUPPORTED_METHODS)
        return [verb for verb, method in methods if hasattr(method, "endpoint")]

    def where(self) -> str | None:
        """The path, which a problem names."""
        return self.request.path

    def route(self, verb: str) -> str:
        """What a key stands for beside the path's parts."""
        return f"{verb} {type(self).__name__}"

    def write_document(self, text: str, kind: str) -> None:
        """Answer with a text of a content type."""
        self.finish(text, set_content_type=kind)

    def on_finish(self) -> None:
        """Count the request; whoever makes up methods makes no series of numbers each."""
        super().on_finish()
        method = self.request.method if self.request.method in self.SUPPORTED_METHODS else "OTHER"
        REQUESTS.labels(method, type(self).__name__, self.get_status()).inc()



class UnknownHandler(AlphintraHandler):
    """An address below ours that there is not: a problem as any other, and no page."""

    async def prepare(self) -> None:
        """Say so, to whom is known."""
        await super().prepare()
        if self._finished:
            return
        if self.current_user is None:
            self.write_problem(errors.Forbidden("Log in first."))
            return
        text = f"There is no address {self.request.path[:200]}; GET /api/openapi.json lists those that there are."
        self.write_problem(errors.NotFound(text, code="UNKNOWN_ADDRESS"))

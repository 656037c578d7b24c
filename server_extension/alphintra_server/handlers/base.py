"""What every handler shares: admission, reading the request, writing the answer, problems."""

from __future__ import annotations

import functools
import json
import uuid
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar, cast

from jupyter_core.utils import ensure_async
from jupyter_server.base.handlers import APIHandler
from pydantic import BaseModel
from tornado import web
from tornado.iostream import StreamClosedError

from .. import errors
from ..auth import Caller, caller
from ..db.outage import is_away
from ..idempotency import Keyed, Stored
from ..metrics import REQUESTS
from .reading import body_as, key_of, query_as

if TYPE_CHECKING:
    from ..app import Services

DATABASE_AWAY = errors.Unavailable(
    "The database cannot be used just now; try again soon.",
    code="DATABASE_UNAVAILABLE",
    headers={"Retry-After": "5"},
)

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
                self.write_problem(DATABASE_AWAY)
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


class AlphintraHandler(APIHandler):
    """Base of Alphintra's endpoints."""

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

    def read_query(self, model: type[BaseModel]) -> BaseModel:
        """Read the query string into a model."""
        return query_as(model, self.request.query_arguments)

    def read_body(self, model: type[BaseModel]) -> BaseModel:
        """Read a JSON object into a model; no body is an empty object."""
        return body_as(model, self.request.body)

    def read_key(
        self, described: Endpoint, who: Caller, verb: str, path: tuple[str, ...], body: BaseModel | None
    ) -> Keyed | None:
        """Read the ``Idempotency-Key`` of a request, if it has one."""
        present = functools.partial(described.present, self.base_url, path)
        return key_of(self.request, who, f"{verb} {type(self).__name__}", path, body, present)

    async def write_stored(self, answer: Stored, *, anew: bool = False) -> None:
        """Answer well; say so where it was done before."""
        self.set_status(answer.status)
        for name, value in answer.headers.items():
            self.set_header(name, value)
        if not anew:
            self.set_header("Idempotent-Replayed", "true")
        await self.finish(answer.body)

    def write_problem(self, error: errors.ServiceError) -> None:
        """Answer with a problem document."""
        self.set_status(error.status)
        for name, value in error.headers.items():
            self.set_header(name, value)
        document = errors.problem(
            error.status,
            error.detail,
            code=error.code,
            instance=self.request.path,
            errors=error.errors,
            **error.extra,
        )
        self.finish(json.dumps(document), set_content_type="application/problem+json")

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer what went wrong outside a verb, and what nobody foresaw: never with a traceback."""
        raised = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(raised, web.HTTPError):
            detail = raised.log_message or raised.reason or ""
            document = errors.problem(
                status_code, detail or "Not possible.", code=f"HTTP_{status_code}", instance=self.request.path
            )
        else:
            number = uuid.uuid4().hex[:12]
            self.log.error("Internal error %s in %s %s", number, self.request.method, self.request.path)
            detail = f"The server made a mistake; its log has it under {number}."
            document = errors.problem(status_code, detail, code="INTERNAL", instance=self.request.path)
        self.finish(json.dumps(document), set_content_type="application/problem+json")

    def on_finish(self) -> None:
        """Count the request."""
        super().on_finish()
        REQUESTS.labels(self.request.method, type(self).__name__, self.get_status()).inc()


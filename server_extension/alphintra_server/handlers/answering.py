"""Reading a request and writing its answer, behind REST and behind a door alike."""

from __future__ import annotations

import functools
import json
import uuid
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel
from tornado import web

from .. import errors
from ..auth import Caller
from ..idempotency import Keyed, Stored
from .reading import body_as, key_of, query_as

if TYPE_CHECKING:
    from .base import Endpoint

PROBLEM = "application/problem+json"
Model = TypeVar("Model", bound=BaseModel)


class AnsweringMixin(web.RequestHandler):
    """What a handler has beside its verbs. It gets the body in pieces, after its head was let in."""

    base_url: str
    log: Any
    _body: bytearray

    def initialize(self, **_given: Any) -> None:
        """Begin with an empty body."""
        self._body = bytearray()

    def data_received(self, chunk: bytes) -> None:
        """Take a piece of the body."""
        self._body += chunk

    def where(self) -> str | None:
        """Path that a problem names; ``None`` for none."""
        return None

    def route(self, verb: str) -> str:
        """What a key stands for beside the path's parts."""
        raise NotImplementedError

    def write_document(self, text: str, kind: str) -> None:
        """Answer with a text of a content type."""
        raise NotImplementedError

    def read_query(self, model: type[Model]) -> Model:
        """Read the query string into a model."""
        return query_as(model, self.request.query_arguments)

    def read_body(self, model: type[Model]) -> Model:
        """Read a JSON object into a model; no body is an empty object."""
        return body_as(model, bytes(self._body))

    def read_key(
        self, described: Endpoint, who: Caller, verb: str, path: tuple[str, ...], body: BaseModel | None
    ) -> Keyed | None:
        """Read the ``Idempotency-Key`` of a request, if it has one."""
        present = functools.partial(described.present, self.base_url, path)
        return key_of(self.request, who, self.route(verb), path, body, present)

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
        self._write_problem(error.status, error.detail, code=error.code, errors=error.errors, **error.extra)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer what went wrong outside a verb, and what nobody foresaw: never with a traceback."""
        raised = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(raised, web.HTTPError):
            said = raised.log_message or raised.reason or "Not possible."
            self._write_problem(status_code, said, code=f"HTTP_{status_code}")
            return
        number = uuid.uuid4().hex[:12]
        self.log.error("Internal error %s in %s of %s", number, self.request.method, type(self).__name__)
        self._write_problem(
            status_code, f"The server made a mistake; its log has it under {number}.", code="INTERNAL"
        )

    def _write_problem(self, status: int, detail: str, **more: Any) -> None:
        if (where := self.where()) is not None:
            more["instance"] = where
        self.write_document(json.dumps(errors.problem(status, detail, **more)), PROBLEM)

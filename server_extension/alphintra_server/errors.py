"""The errors a service raises, and the one place that maps them to HTTP problems."""

# ruff: noqa: N818 (these are named after what happened, as in RFC 9110, not after being errors)

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http.client import responses
from typing import Any

from pydantic import ValidationError


class ServiceError(Exception):
    """Something the caller did or asked for that cannot be.

    Args:
        detail: What is wrong and what to do, in a sentence.
        code: A stable upper-case code.
        errors: The places: each with ``field`` and ``message``, and more where known.
        extra: Further members of the problem document.
        headers: Response headers, such as ``Retry-After``.
    """

    status = 400
    default_code = "BAD_REQUEST"

    def __init__(
        self,
        detail: str,
        *,
        code: str | None = None,
        errors: Iterable[Mapping[str, Any]] = (),
        extra: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.code = code or self.default_code
        self.errors = [dict(error) for error in errors]
        self.extra = dict(extra or {})
        self.headers = dict(headers or {})


class BadRequest(ServiceError):
    """The request cannot be read."""


class Forbidden(ServiceError):
    """The caller's roles do not allow this."""

    status = 403
    default_code = "FORBIDDEN"


class NotFound(ServiceError):
    """It does not exist, or it is not the caller's: the answer is the same."""

    status = 404
    default_code = "NOT_FOUND"


class Conflict(ServiceError):
    """Its state does not allow this now."""

    status = 409
    default_code = "CONFLICT"


class Gone(ServiceError):
    """There was such a thing; it is no longer kept."""

    status = 410
    default_code = "GONE"


class PreconditionFailed(ServiceError):
    """Somebody else was faster."""

    status = 412
    default_code = "CHANGED_MEANWHILE"


class TooLarge(ServiceError):
    """More bytes than this takes."""

    status = 413
    default_code = "TOO_LARGE"


class WrongType(ServiceError):
    """Of a content type that this does not take."""

    status = 415
    default_code = "WRONG_TYPE"


class Locked(ServiceError):
    """Somebody else is at it."""

    status = 423
    default_code = "LOCKED"


class ChecksumMismatch(ServiceError):
    """What came is not what was sent (tus: 460)."""

    status = 460
    default_code = "CHECKSUM_MISMATCH"


class NoRoom(ServiceError):
    """The server's disk is full."""

    status = 507
    default_code = "NO_ROOM"


class Invalid(ServiceError):
    """Well-formed, but not what the schema or the rules say."""

    status = 422
    default_code = "INVALID"

    @classmethod
    def field(cls, name: str, message: str, **more: Any) -> Invalid:
        """One wrong field."""
        return cls(f"{name}: {message}", errors=[{"field": name, "message": message}], **more)


class TooMany(ServiceError):
    """A queue or a rate is full."""

    status = 429
    default_code = "TOO_MANY"


class Unavailable(ServiceError):
    """The server cannot do this now, or not in this installation."""

    status = 503
    default_code = "UNAVAILABLE"


def from_validation(error: ValidationError, *, where: str = "") -> Invalid:
    """Turn pydantic's report into a 422 that names each field."""
    places = []
    for item in error.errors(include_url=False, include_context=False, include_input=False):
        # A part in angle brackets is no field: it tells which of several forms was given.
        path = ".".join(part for part in map(str, item["loc"]) if not part.startswith("<")) or where or "body"
        message = item["msg"].removeprefix("Value error, ")
        if item["type"] == "extra_forbidden":
            message = "there is no such field"
        places.append({"field": path, "message": message})
    first = places[0]
    rest = f" (and {len(places) - 1} more)" if len(places) > 1 else ""
    return Invalid(f"{first['field']}: {first['message']}{rest}", code="SCHEMA", errors=places)


def problem(
    status: int, detail: str, *, code: str, instance: str | None = None, **more: Any
) -> dict[str, Any]:
    """Build an ``application/problem+json`` document (RFC 9457)."""
    document: dict[str, Any] = {
        "type": f"https://alphintra.dev/problems/{code.lower().replace('_', '-')}",
        "title": responses.get(status, "Error"),
        "status": status,
        "detail": detail,
        "code": code,
        "errors": [],
    }
    if instance:
        document["instance"] = instance
    document.update(more)
    return document

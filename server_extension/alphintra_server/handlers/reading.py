"""Reading a request: query string and JSON body into models, and its key; each way to fail is one of our problems."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from tornado.httputil import HTTPServerRequest

from .. import errors
from ..auth import Caller
from ..idempotency import HEADER, Keyed, hash_of, read_key

MAX_BODY = 8 << 20
MAX_DEPTH = 32

Model = TypeVar("Model", bound=BaseModel)


def query_as(model: type[Model], arguments: Mapping[str, Sequence[bytes]]) -> Model:
    """Read a query string's arguments; of a name that is given twice, the last."""
    given = {
        name: values[-1].decode("utf-8", "replace")
        for name, values in arguments.items()
        # Jupyter's own: the token, and the mark of a request that is no activity.
        if name not in {"token", "no_track_activity"}
        # Lab's: the time, as a name without a value, to get past caches.
        and not name.isdecimal()
    }
    for name, value in given.items():
        if "\x00" in value:  # no text of PostgreSQL's can hold it
            raise errors.Invalid.field(name[:40], "has a NUL character", code="SCHEMA")
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise errors.from_validation(error) from None


def body_as(model: type[Model], raw: bytes) -> Model:
    """Read a JSON object; no body is an empty object."""
    if len(raw) > MAX_BODY:
        raise errors.TooLarge(f"A request has at most {MAX_BODY >> 20} MiB.")
    try:
        data = json.loads(raw.decode("utf-8"), parse_constant=_refuse, parse_float=_finite) if raw.strip() else {}
    except (ValueError, RecursionError) as error:
        raise errors.BadRequest(f"The body is not JSON: {error}", code="NOT_JSON") from None
    if not isinstance(data, dict):
        raise errors.Invalid.field("body", "must be a JSON object", code="SCHEMA")
    if _depth(data) > MAX_DEPTH:
        raise errors.Invalid.field("body", f"is nested deeper than {MAX_DEPTH}", code="SCHEMA")
    if b"\\u0000" in raw and (place := _nul_in(data)) is not None:
        raise errors.Invalid.field(place[:200] or "body", "has a NUL character", code="SCHEMA")
    if _has_surrogate(raw, data):
        raise errors.Invalid.field("body", "has text with lone surrogates", code="SCHEMA")
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise errors.from_validation(error) from None


def number_of(text: str) -> int:
    """Read the number of a version in a path.

    Raises:
        NotFound: No version has so large a number, and no database a column for it.
    """
    if len(text) > 9:
        raise errors.NotFound(f"There is no version {text[:40]}.", code="UNKNOWN_VERSION")
    return int(text)


def announced(request: HTTPServerRequest) -> int | None:
    """Read how many bytes of a body the head says; ``None`` where it says no number.

    Of one with thousands of digits Python makes no number: the first ones tell that it is too many.
    """
    given = request.headers.get("Content-Length", "")
    if not given.isascii() or not given.isdecimal():
        return None
    return int(given.lstrip("0")[:18] or "0")


def key_of(
    request: HTTPServerRequest,
    who: Caller,
    route: str,
    path: tuple[str, ...],
    body: BaseModel | None,
    present: Callable[[BaseModel, int | None], tuple[int, dict[str, str]]],
) -> Keyed | None:
    """Read the ``Idempotency-Key`` of a request, if it has one.

    Args:
        request: The request.
        who: Who asks.
        route: Verb and handler.
        path: The path's parts.
        body: What the body says.
        present: Makes status and headers of an answer.
    """
    given = request.headers.get(HEADER)
    if given is None:
        return None
    # No warnings: what the methodology decides about a method, a dump of its own does not know.
    content = None if body is None else body.model_dump(mode="json", exclude_unset=True, warnings=False)
    return Keyed(who.user_id, route, read_key(given), hash_of("/".join(path), request.query, content), present)


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:40]} is larger than a number can be")
    return value


def _depth(data: Any) -> int:
    depth, level = 0, [data]
    while level:
        depth += 1
        if depth > MAX_DEPTH:
            break
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below += item.values()
            elif isinstance(item, list):
                below += item
        level = below
    return depth


def _nul_in(data: Any, place: str = "") -> str | None:
    """Return where a body has a NUL character: a raw one is no JSON, and no text of PostgreSQL's can hold one."""
    if isinstance(data, str):
        return place if "\x00" in data else None
    if isinstance(data, dict):
        if any("\x00" in name for name in data):
            return place
        parts: Any = data.items()
    else:
        parts = enumerate(data) if isinstance(data, list) else ()
    found = (_nul_in(part, f"{place}.{name}" if place else str(name)) for name, part in parts)
    return next((own for own in found if own is not None), None)


def _has_surrogate(raw: bytes, data: Any) -> bool:
    # Only an escape can make one: UTF-8 itself cannot.
    if b"\\ud" not in raw.lower():
        return False
    try:
        json.dumps(data, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False

"""The door of this process to its server: how it is found, and asking through it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from typing import Any

from .errors import NoServerError, ServerError

SOCKET_VARIABLE = "ALPHINTRA_DOOR"
"""Path of the UNIX socket."""
TOKEN_VARIABLE = "ALPHINTRA_DOOR_TOKEN"
"""What each request carries."""
MAX_BODY = 8 << 20
BYTES = "application/octet-stream"
"""Content type of what is no JSON."""
SECONDS = 60.0
#: Longest that a request is held back because it came too soon after others.
PATIENCE = 30.0
_BREATH = 0.2
#: What is only for now: too many requests, and the same one still being done, no room just now.
_LATER = ("TOO_MANY", "IDEMPOTENCY_IN_PROGRESS", "DATABASE_UNAVAILABLE", "SEALED_BUSY")
_INSTEAD = (
    "run this in a notebook of JupyterLab with the Alphintra extension and its kernel (make lab), "
    "or run it right here with al.backtest"
)


def ask(
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Send one request through the door and return the JSON of the answer.

    A request that came too soon after others waits as long as the server says, up to half a minute. One whose answer
    was lost is sent once more where that does nothing twice: it only reads, or carries an ``Idempotency-Key``. So
    is one under a key that was not answered in time: it may have been done.

    Raises:
        NoServerError: There is no door, or nobody behind it any more.
        ServerError: The request was refused; carries the server's code and sentence.
    """
    answer = _sent(method, path, body, headers)
    return answer if isinstance(answer, dict) else {}


def fetch(path: str) -> bytes:
    """Read bytes through the door: part of a stored file, or a manifest.

    Raises:
        NoServerError: As of :func:`ask`.
        ServerError: As of :func:`ask`.
    """
    answer = _sent("GET", path)
    if not isinstance(answer, bytes):
        raise ServerError("the server sent something else than a file's bytes", code="SERVER_REFUSED")
    return answer


def is_there() -> bool:
    """Tell whether this process has a door."""
    return bool(os.environ.get(SOCKET_VARIABLE) and os.environ.get(TOKEN_VARIABLE))


def _sent(
    method: str,
    path: str,
    body: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> dict[str, Any] | bytes:
    """Send one request, again where that does nothing twice, and return what was answered."""
    socket_path, token = os.environ.get(SOCKET_VARIABLE), os.environ.get(TOKEN_VARIABLE)
    if not socket_path or not token:
        raise NoServerError("this process has no Alphintra server to hand work to", hint=_INSTEAD)
    data = None if body is None else json.dumps(body, allow_nan=False).encode()
    if data is not None and len(data) > MAX_BODY:
        raise ServerError(
            f"this is {len(data):,} bytes, and the server takes {MAX_BODY:,}",
            code="TOO_LARGE",
            hint="keep data out of the code: a job reads datasets by name",
        )
    given = {"Authorization": f"Bearer {token}", **(headers or {})}
    if data is not None:
        given["Content-Type"] = "application/json"
    until = time.monotonic() + PATIENCE
    keyed = "Idempotency-Key" in given
    again = keyed or method == "GET"
    while True:
        try:
            status, answer, retry = _exchange(socket_path, method, path, data, given)
        except NoServerError:
            if not again or not os.path.exists(socket_path):  # noqa: PTH110  no pathlib for one look
                raise
            again = False
            time.sleep(_BREATH)
            continue
        except ServerError:
            if not again or not keyed:
                raise
            again, until = False, time.monotonic() + PATIENCE
            continue
        if status < 400:
            return answer
        answer = answer if isinstance(answer, dict) else {}
        if answer.get("code") in _LATER and time.monotonic() + retry < until:
            time.sleep(retry)
            continue
        raise _refusal(status, answer)


def _exchange(
    socket_path: str, method: str, path: str, data: bytes | None, headers: Mapping[str, str]
) -> tuple[int, dict[str, Any] | bytes, float]:
    """One request on a connection of its own: the status, the JSON or the bytes, and when to come again."""
    import http.client
    import socket

    class Connection(http.client.HTTPConnection):
        """HTTP over the UNIX socket."""

        def connect(self) -> None:
            self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.sock.settimeout(SECONDS)
            self.sock.connect(socket_path)

    connection = Connection("door")
    try:
        connection.request(method, path, data, dict(headers))
        reply = connection.getresponse()
        found = reply.read()
        if reply.status < 400 and reply.headers.get_content_type() == BYTES:
            return reply.status, found, 1.0
        answer = json.loads(found)
        retry = reply.headers.get("Retry-After", "1")
        return reply.status, answer if isinstance(answer, dict) else {}, float(retry) if retry.isdigit() else 1.0
    except TimeoutError as error:
        raise ServerError(
            f"the server did not answer within {SECONDS:g} s", code="TIMEOUT", hint="try again in a moment"
        ) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoServerError(
            f"the server behind this process cannot be reached ({error or type(error).__name__})",
            hint="it may have been restarted: restart this kernel too",
        ) from error
    finally:
        connection.close()


def _refusal(status: int, answer: Mapping[str, Any]) -> ServerError:
    detail = str(answer.get("detail") or f"the server answered {status}")
    places = answer.get("errors")
    errors = [item for item in places if isinstance(item, dict)] if isinstance(places, list) else []
    return ServerError(detail, code=str(answer.get("code") or "SERVER_REFUSED"), status=status, errors=errors)

"""A form with one file (``multipart/form-data``, RFC 7578), read as it comes in."""

from __future__ import annotations

from collections.abc import Iterator
from email import policy
from email.message import EmailMessage
from email.parser import HeaderParser

from ..errors import BadRequest, TooLarge

_MOST_HEAD = 16 << 10
_MOST_FIELD = 4 << 10
_MOST_PARTS = 16


class FormWithFile:
    """Takes a form in pieces; gives the bytes of its file, and at the end its fields.

    Args:
        content_type: The request's.

    Raises:
        BadRequest: It is no form.
    """

    def __init__(self, content_type: str | None) -> None:
        kind, boundary = _kind(content_type or "")
        if kind != "multipart/form-data" or not boundary or len(boundary) > 200:
            raise BadRequest(
                "Send the file as multipart/form-data, or by tus (with Tus-Resumable).", code="NOT_A_FORM"
            )
        self.fields: dict[str, str] = {}
        self.filename: str | None = None
        self.complete = False
        self._limit = b"\r\n--" + boundary.encode("latin-1", "replace")
        # The first limit has no line before it.
        self._buffer = bytearray(b"\r\n")
        self._reading = self._parts()
        next(self._reading)

    def feed(self, piece: bytes) -> bytes:
        """Take a piece of the form; return the bytes of the file that are in it.

        Raises:
            BadRequest: It is not as a form is.
            TooLarge: A field or a head is.
        """
        self._buffer += piece
        found = bytearray()
        while (part := next(self._reading)) is not None:
            found += part
        return bytes(found)

    def _parts(self) -> Iterator[bytes | None]:
        """Read the form; ``None`` asks for more of it."""
        yield None
        for part in self._until(self._limit):
            if part is None:
                yield None
        for _ in range(_MOST_PARTS):
            while len(self._buffer) < 2:
                yield None
            if self._buffer[:2] == b"--":
                self.complete = True
                break
            if self._buffer[:2] != b"\r\n":
                raise _broken()
            name, filename = "", None
            # With the line's end before them, so that no headers at all are found as well.
            head = bytearray()
            for part in self._until(b"\r\n\r\n"):
                if part is None:
                    yield None
                else:
                    head += part
                    if len(head) > _MOST_HEAD:
                        raise TooLarge("The head of a part of the form is too long.")
            name, filename = _named(bytes(head))
            if filename is not None:
                if self.filename is not None:
                    raise BadRequest("The form has two files: send one at a time.", code="TWO_FILES")
                self.filename = filename
                yield from self._until(self._limit)
                continue
            value = bytearray()
            for part in self._until(self._limit):
                if part is None:
                    yield None
                else:
                    value += part
                    if len(value) > _MOST_FIELD:
                        raise TooLarge(f"A field of the form has at most {_MOST_FIELD:,} bytes.")
            self.fields[name] = value.decode("utf-8", "replace")
        else:
            raise _broken()
        while True:  # what stands after the end means nothing
            self._buffer.clear()
            yield None

    def _until(self, mark: bytes) -> Iterator[bytes | None]:
        """Give what stands before a mark, and take the mark; ``None`` asks for more."""
        while (place := self._buffer.find(mark)) < 0:
            safe = len(self._buffer) - len(mark) + 1
            if safe > 0:
                part = bytes(self._buffer[:safe])
                del self._buffer[:safe]
                yield part
            yield None
        part = bytes(self._buffer[:place])
        del self._buffer[: place + len(mark)]
        yield part


def _kind(content_type: str) -> tuple[str, str | None]:
    """Read what the head of a form says: its content type and its boundary."""
    head = EmailMessage(policy=policy.HTTP)
    try:
        head["Content-Type"] = content_type
        return head.get_content_type(), head.get_boundary()
    except Exception:  # noqa: BLE001  brackets in brackets, and what else Python's reader of headers trips over
        return "", None


def _named(head: bytes) -> tuple[str, str | None]:
    text = head.decode("utf-8", "replace").lstrip("\r\n") + "\r\n\r\n"
    try:
        about = HeaderParser(policy=policy.HTTP).parsestr(text)
        name, filename = about.get_param("name", None, "content-disposition"), about.get_filename()
    except Exception:  # noqa: BLE001  as above
        raise _broken() from None
    if not isinstance(name, str):
        raise _broken()
    return name, filename


def _broken() -> BadRequest:
    return BadRequest("The form is not as multipart/form-data is.", code="BROKEN_FORM")

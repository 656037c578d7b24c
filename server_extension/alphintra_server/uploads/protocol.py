"""The headers of tus 1.0.0 (https://tus.io/protocols/resumable-upload): reading them, and what this server offers."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from ..errors import BadRequest, PreconditionFailed, TooLarge, WrongType

VERSION = "1.0.0"
EXTENSIONS = ("creation", "checksum", "expiration", "termination")
ALGORITHMS: dict[str, Callable[[], Any]] = {
    "sha256": hashlib.sha256,
    # The one that every server of the protocol has to know. It guards against accidents, not against anybody.
    "sha1": lambda: hashlib.sha1(usedforsecurity=False),
}
CONTENT_TYPE = "application/offset+octet-stream"
MOST_CHUNK = 16 << 20
"""Bytes of one PATCH."""
_MOST_METADATA = 4096
_MOST_DIGITS = 16
_KEY = re.compile(r"[!-+\--~]+")


@dataclass(frozen=True)
class Checksum:
    """What the bytes of a request have to hash to."""

    algorithm: str
    digest: bytes


def check_version(given: str | None) -> None:
    """Refuse a client of another version.

    Raises:
        PreconditionFailed: It is of another one, or says none.
    """
    if given != VERSION:
        said = "names none" if given is None else f"is of {given[:20]}"
        raise PreconditionFailed(
            f"This server speaks tus {VERSION}; the request {said} (Tus-Resumable).",
            code="TUS_VERSION",
            headers={"Tus-Version": VERSION},
        )


def check_type(given: str | None) -> None:
    """Refuse a chunk that says it is something else.

    Raises:
        WrongType: It does.
    """
    if (given or "").partition(";")[0].strip().lower() != CONTENT_TYPE:
        raise WrongType(f"The Content-Type of a chunk is {CONTENT_TYPE}.")


def read_number(name: str, given: str | None) -> int:
    """Read a header that counts bytes.

    Raises:
        BadRequest: It is missing, or no whole number.
    """
    if given is None:
        raise BadRequest(f"The header {name} is missing.", code="HEADER_MISSING")
    if not given.isascii() or not given.isdecimal() or len(given) > _MOST_DIGITS:
        raise BadRequest(f"{name} is {given[:40]!r}, not a number of bytes.", code="BAD_HEADER")
    return int(given)


def read_metadata(given: str | None) -> dict[str, str]:
    """Read ``Upload-Metadata``: pairs of a key and its value in Base64, with commas in between.

    Raises:
        BadRequest: It is not of this form, or a value is no UTF-8.
        TooLarge: It is longer than 4 KiB.
    """
    found: dict[str, str] = {}
    if given is None or not given.strip():
        return found
    if len(given) > _MOST_METADATA:
        raise TooLarge(f"Upload-Metadata has at most {_MOST_METADATA:,} characters.")
    for pair in given.split(","):
        key, _, value = pair.strip().partition(" ")
        if not _KEY.fullmatch(key) or key in found:
            raise BadRequest(f"Upload-Metadata: {key[:40]!r} is no key, or stands twice.", code="BAD_HEADER")
        try:
            found[key] = base64.b64decode(value, validate=True).decode("utf-8")
        except ValueError:
            raise BadRequest(f"Upload-Metadata: {key[:40]} is no Base64 of UTF-8.", code="BAD_HEADER") from None
    return found


def read_checksum(given: str | None) -> Checksum | None:
    """Read ``Upload-Checksum``: an algorithm and the digest in Base64.

    Raises:
        BadRequest: The algorithm is unknown, or it is no digest of it.
    """
    if given is None:
        return None
    name, _, value = given.strip().partition(" ")
    if name not in ALGORITHMS:
        raise BadRequest(
            f"Upload-Checksum: {name[:20]!r} is not known; {', '.join(ALGORITHMS)} are.", code="CHECKSUM_ALGORITHM"
        )
    try:
        digest = base64.b64decode(value, validate=True)
    except ValueError:  # binascii's is one; of letters that Base64 has not, it is a plain one
        digest = b""
    if len(digest) != ALGORITHMS[name]().digest_size:
        raise BadRequest(f"Upload-Checksum is no Base64 of a {name} digest.", code="BAD_HEADER")
    return Checksum(name, digest)


def expires(moment: datetime) -> str:
    """Write an instant as HTTP does."""
    return format_datetime(moment.replace(microsecond=0), usegmt=True)

"""What is asked of a source, and what came of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from .addresses import Allowed


@dataclass(frozen=True)
class Asked:
    """One fetch.

    Attributes:
        source: What the connector says of its source.
        secret: What only this process knows: ``headers``, ``token``, ``password``.
        since: From when on; ``None`` where nobody has said so.
        since_of: The same by symbol, where the symbols differ.
        until: To when: the time of the fetch.
        conditions: ``etag`` and ``modified`` of what was fetched before, if it is to come only where it has changed.
        allowed: The addresses that may be reached.
        most_bytes: Bytes of what may be fetched.
        folder: For files that are needed meanwhile.
        tell: Called with a text about how far it is.
        enough_at: By ``time.monotonic``: what comes piece by piece may end here, and goes on the next time.
    """

    source: Mapping[str, Any]
    secret: Mapping[str, Any]
    since: datetime | None
    until: datetime
    allowed: Allowed
    most_bytes: int
    folder: Path
    since_of: Mapping[str, datetime] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)
    tell: Callable[[str], None] = lambda _text: None
    enough_at: float = math.inf


@dataclass(frozen=True)
class Fetched:
    """What came of it.

    Attributes:
        state: ``fetched``; ``unchanged`` where the source says so; ``empty`` where it had nothing.
        name: What the file may be called.
        etag: The source's mark of this content.
        modified: When the source says it was changed.
    """

    state: str
    name: str = "fetched"
    etag: str | None = None
    modified: str | None = None


def without(text: str, secrets: Iterable[str]) -> str:
    """Return a text in which no secret stands, such as a message of a server that repeats what it was sent."""
    for secret in sorted(secrets, key=len, reverse=True):
        if len(secret) > 2:
            text = text.replace(secret, "•••")
    return text


def words(secret: Any) -> list[str]:
    """List all texts within a secret, the parts of those of several words, and each as an address has it."""
    if isinstance(secret, Mapping):
        return [word for value in secret.values() for word in words(value)]
    if not isinstance(secret, str):
        return []
    found = [secret, *(part for part in secret.split() if len(part) > 5)]
    return [*found, *(written for text in found if (written := quote(text, safe="")) != text)]

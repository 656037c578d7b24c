"""What a kernel sends to those who watch it, kept within what its server takes: told, instead of a broken connection.

Text is sent in pieces and then cut; of anything else that is too large only its size is told.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from typing import Any

VARIABLE = "ALPHINTRA_MAX_MESSAGE"
_DELIMITER = b"<IDS|MSG>"
#: Pieces of one printed text, each of at most a quarter of a message.
_PIECES = 8


def bound(iopub: Any, session: Any, most: int) -> None:
    """Bound the messages of a kernel's thread for output.

    Args:
        iopub: ipykernel's ``IOPubThread``.
        session: Signs what is sent instead.
        most: Bytes of a message.
    """
    send = iopub.send_multipart

    def bounded(parts: Sequence[Any], *args: Any, **kwargs: Any) -> None:
        size = sum(map(len, parts))
        if size <= most:
            send(parts, *args, **kwargs)
            return
        for text, name, parent in _instead([bytes(part) for part in parts], size, most):
            content = {"name": name, "text": text}
            session.send(_Sender(send), "stream", content, parent=parent, ident=b"stream." + name.encode())

    iopub.send_multipart = bounded


def most() -> int | None:
    """Return how large a message may be; ``None`` where nobody said."""
    given = os.environ.get(VARIABLE, "")
    return int(given) if given.isdecimal() and int(given) > 0 else None


class _Sender:
    """What a session sends to."""

    def __init__(self, send: Callable[..., None]) -> None:
        self.send_multipart = send


def _instead(parts: list[bytes], size: int, most: int) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """What is sent instead of a message: texts, each with its stream and the request that it belongs to."""
    at = parts.index(_DELIMITER) + 2  # the signature comes between
    header, parent = json.loads(parts[at]), json.loads(parts[at + 1])
    if header.get("msg_type") == "stream":
        content = json.loads(parts[at + 3])
        text, length = str(content["text"]), max(most // 24, 1)  # six bytes a letter, where all is escaped
        for start in range(0, min(len(text), _PIECES * length), length):
            yield text[start : start + length], str(content["name"]), parent
        if len(text) <= _PIECES * length:
            return
        what = f"the rest of {len(text):,} letters"
    else:
        what = f"an output of {size / 1e6:.1f} MB ({header.get('msg_type')})"
    yield (
        f"\n🔴 Not shown: {what}. At most {most / 1e6:.1f} MB are sent at a time "
        "(SandboxProvisioner.max_message_bytes); write it to a file.\n",
        "stderr",
        parent,
    )

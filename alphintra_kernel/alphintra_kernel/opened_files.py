"""Files of sealed datasets that a job reads: they come over its pipe, opened, and lie in its memory until it ends.

In ``in`` there are links to them: the server has laid them out, and knows no more of this process's files than their
numbers. A sandbox's ``/tmp`` is memory: nothing of them comes to the disk.
"""

from __future__ import annotations

from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from alphintra_kernel.protocol import Channel

FOLDER = "/tmp/alphintra-opened"
_PART = 1 << 20


def take(channel: Channel, reader: IO[bytes]) -> dict[str, Any] | None:
    """Take the files that come, and return the message behind them; ``None`` when the other side is gone.

    Raises:
        OSError: There is no room for them.
        ProtocolError: As of :meth:`Channel.receive`.
    """
    request = channel.receive()
    while request is not None and request["type"] == "file":
        folder = Path(FOLDER)
        folder.mkdir(mode=0o700, exist_ok=True)
        left = int(request["bytes"])
        with (folder / str(int(request["number"]))).open("xb") as file:
            while left:
                part = reader.read(min(left, _PART))
                if not part:
                    return None
                file.write(part)
                left -= len(part)
        request = channel.receive()
    return request

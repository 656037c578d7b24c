"""The relay between a kernel's sockets and its server, as the server starts and ends it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from alphintra_kernel import relay

#: Bytes of a message beside its largest part: the other parts of Jupyter's messages, and those of its envelope.
SPARE = 1 << 20
_BACKLOG = 64
_END_SECONDS = 5.0


class RelayProcess:
    """Listens for the server in one folder, and connects to the sockets of the same names in the kernel's.

    Args:
        outside: The server's folder.
        inside: The kernel's folder.
        names: Of the sockets.
        most: Bytes of one part of a message.
    """

    def __init__(self, outside: Path, inside: Path, names: Iterable[str], most: int) -> None:
        with contextlib.ExitStack() as ours:
            ways = []
            for name in names:
                (outside / name).unlink(missing_ok=True)  # that of a relay before, which has ended
                listener = ours.enter_context(socket.socket(socket.AF_UNIX))
                listener.bind(str(outside / name))
                listener.listen(_BACKLOG)
                ways.append((listener.fileno(), name))
            self._process = subprocess.Popen(
                [
                    *(sys.executable, "-I", "-S", relay.__file__, str(most + SPARE), str(inside)),
                    *(f"{descriptor}:{name}" for descriptor, name in ways),
                ],
                env={},
                stdin=subprocess.PIPE,  # its end is the relay's, also where the server is killed
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[descriptor for descriptor, _ in ways],
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        """Whether it is there."""
        return self._process.poll() is None

    def end(self) -> None:
        """End it."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

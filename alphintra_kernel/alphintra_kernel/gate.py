"""A tenant of a sandbox waits until its limits hold, before its first instruction."""

from __future__ import annotations

import contextlib
import json
import os
import select


class Gate:
    """Two pipes: the tenant's process id comes out of one, and it waits for a byte from the other."""

    def __init__(self, stack: contextlib.ExitStack) -> None:
        self._stack = stack.enter_context(contextlib.ExitStack())
        self.info_read, self.info = os.pipe()
        self.block, self.block_write = os.pipe()
        stack.callback(os.close, self.info_read)
        stack.callback(os.close, self.block_write)
        for fd in (self.info, self.block):
            self._stack.callback(os.close, fd)

    def first_process(self, seconds: float) -> int | None:
        """Return the host's id of the sandbox's first process; ``None`` when it failed or took longer."""
        self._stack.close()  # ours: when the other side ends, the pipe does
        said = b""
        poller = select.poll()
        poller.register(self.info_read, select.POLLIN)
        while b"}" not in said:
            if not poller.poll(seconds * 1000):
                return None
            chunk = os.read(self.info_read, 4096)
            if not chunk:
                return None
            said += chunk
        return int(json.loads(said)["child-pid"])

    def open(self) -> None:
        """Let it go on."""
        with contextlib.suppress(BrokenPipeError):
            os.write(self.block_write, b"1")

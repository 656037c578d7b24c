"""The connection of a page to a kernel, with a bound on what the kernel makes the server and the page hold.

Jupyter bounds the rate of printed text, not of charts, tables and what else is displayed, nor of messages about a
kernel's state; and what a page does not read waits in the server without end. Output that is too much is left out.
What steers the page has a bound of its own, and past that is told later: without it a cell would be shown as running
for ever.
"""

from __future__ import annotations

import time
from asyncio import Future
from collections import deque
from collections.abc import Callable
from typing import Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from tornado.ioloop import IOLoop

from .door.rates import Bucket

#: Bytes of one page's that wait in the server for the network or for the page.
MOST_UNREAD = 64 << 20
#: Bytes of output, at once and a second in the long run, whatever kind it is of.
BYTES_AT_ONCE, BYTES_A_SECOND = float(64 << 20), float(8 << 20)
#: Messages, at once and a second in the long run. Jupyter's own bound of outputs is half of it.
MESSAGES_AT_ONCE, MESSAGES_A_SECOND = 10_000.0, 2_000.0
#: So small that only their number counts.
_SMALL = 4 << 10
#: What a page must hear to know how a cell stands, each up to this size: larger ones are output like any other.
_STEERING = frozenset({"status", "execute_input", "execute_result", "error"})
MOST_STEERING = 64 << 10
#: Its bytes, at once, a second, and beyond what else waits for the page. A state has about one thousand.
STEERING_AT_ONCE, STEERING_A_SECOND, STEERING_UNREAD = float(8 << 20), float(1 << 20), 16 << 20
#: Of what steers and is too much, the last: that is how the kernel stands.
KEPT, _LATER_SECONDS = 64, 0.5
_TELL_SECONDS = 5.0
_HEADER, _PARENT = 1, 2  # among the parts of a message after its identities: signature, header, parent


class BoundedConnection(ZMQChannelsWebsocketConnection):
    """What is too much is left out, and the notebook is told."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.unread = 0
        self._bytes = Bucket(BYTES_A_SECOND, BYTES_AT_ONCE)
        self._messages = Bucket(MESSAGES_A_SECOND, MESSAGES_AT_ONCE)
        self._steering = Bucket(STEERING_A_SECOND, STEERING_AT_ONCE)
        self._kept: deque[tuple[Any, list[Any]]] = deque(maxlen=KEPT)
        self._later: object | None = None
        self._nonsense = Bucket(1 / _TELL_SECONDS, 3)  # lines of the log about it
        self._told_at = -_TELL_SECONDS

    @property
    def write_message(self) -> Callable[..., Future[None]]:
        """Write to the page; bytes that it has not read yet are counted."""
        return self._write

    def handle_outgoing_message(self, stream: Any, outgoing_msg: list[Any]) -> None:
        """Pass a kernel's message on to the page."""
        channel = stream if isinstance(stream, str) else getattr(stream, "channel", None)
        try:
            _, parts = self.session.feed_identities(outgoing_msg)
            if channel == "iopub":
                size = sum(map(len, outgoing_msg))
                if size <= MOST_STEERING and self.session.unpack(parts[_HEADER])["msg_type"] in _STEERING:
                    if self._kept or self._is_too_much_steering(size):
                        self._keep(stream, outgoing_msg)
                        return
                elif self._is_too_much(size):
                    self._tell(parts)
                    return
            super().handle_outgoing_message(stream, outgoing_msg)
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
            # The kernel's user code holds its sockets, and can send what is no message at all.
            if not self._nonsense.take():
                self.log.warning("Kernel %s sent what is no message: %s", self.kernel_id, type(error).__name__)

    def _is_too_much(self, size: int) -> bool:
        if self._messages.take() or self.unread > MOST_UNREAD:
            return True
        return size > _SMALL and bool(self._bytes.take(size))

    def _is_too_much_steering(self, size: int) -> bool:
        return self.unread > MOST_UNREAD + STEERING_UNREAD or bool(self._steering.take(size))

    def _limit_rate(self, channel: Any, msg: Any, msg_list: list[Any]) -> bool:
        """Jupyter's own bound, which is for output; it would leave out a cell's result or error behind it."""
        if channel == "iopub":
            msg["header"] = self.get_part("header", msg["header"], msg_list)  # type: ignore[no-untyped-call]
            if msg["header"]["msg_type"] in {"execute_result", "error"} and sum(map(len, msg_list)) <= MOST_STEERING:
                return False
        return bool(super()._limit_rate(channel, msg, msg_list))  # type: ignore[no-untyped-call]

    def _keep(self, stream: Any, outgoing_msg: list[Any]) -> None:
        self._kept.append((stream, outgoing_msg))
        if self._later is None:
            self._later = IOLoop.current().call_later(_LATER_SECONDS, self._tell_kept)

    def _tell_kept(self) -> None:
        """Pass on what was kept, as far as there is room again, and the rest later."""
        self._later = None
        kept, self._kept = self._kept, deque(maxlen=KEPT)
        if self.websocket_handler.ws_connection is None or not self.channels:
            return  # the page has left
        for stream, message in kept:
            self.handle_outgoing_message(stream, message)

    def _tell(self, parts: list[Any]) -> None:
        """Say that something is left out, in the cell that it comes from; not for each."""
        now = time.monotonic()
        if now < self._told_at + _TELL_SECONDS or self.unread > 2 * MOST_UNREAD:
            return
        self._told_at = now
        parent = self.session.unpack(parts[_PARENT])
        self.write_stderr(  # type: ignore[no-untyped-call]
            f"🔴 Some output is not shown: there was more than {BYTES_A_SECOND / 1e6:.0f} MB or "
            f"{MESSAGES_A_SECOND:,.0f} messages a second, or this page was too slow. Write it to a file.",
            parent,
        )

    def _write(self, message: str | bytes, binary: bool = False) -> Future[None]:
        size = len(message)
        written: Future[None] = self.websocket_handler.write_message(message, binary)
        self.unread += size

        def done(future: Future[None]) -> None:
            self.unread -= size
            if not future.cancelled():
                future.exception()  # the page has left: that is seen elsewhere

        written.add_done_callback(done)
        return written

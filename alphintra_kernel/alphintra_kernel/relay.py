"""Passes on what a kernel and its server say to each other, and no message that is too large.

ZeroMQ bounds each part of a message, not how many there are: whoever holds the other end of a socket can send a
message that never ends, and all of it lies in the memory of the process that receives it before that process knows of
it. A kernel's code holds the other end. So its server connects to this process, one for each kernel, which connects to
the kernel, counts what comes from there, and cuts the connection at the bound.

A program of its own, so that counting keeps nobody waiting in the server: ``python -I -S relay.py MOST FOLDER
FD:NAME…`` ends with its standard input. Only the standard library is at hand here.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import sys

#: Parts of one message: some ten, and what a widget sends as its data.
MOST_PARTS = 1_000
_CHUNK = 256 << 10
#: How often a kernel that does not listen yet is asked again.
_AGAIN_SECONDS = 0.02
_GREETING, _SHORT, _LONG = 64, 2, 9
_MORE, _LARGE, _COMMAND = 1, 2, 4
_PLAIN = b"NULL".ljust(20, b"\0")


class TooLargeError(Exception):
    """A message has more bytes or parts than allowed, or this is not what ZeroMQ speaks."""


class Framing:
    """Follows one direction of a connection of ZMTP 3 (rfc.zeromq.org/spec/23), whatever its messages say.

    Args:
        most: Bytes of one message, all its parts together.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._head = bytearray()
        self._wanted = _GREETING
        self._left = self._bytes = self._parts = 0
        self._greeted = False

    def check(self, data: bytes) -> None:
        """Look at the next bytes, before they are passed on.

        Raises:
            TooLargeError: They must not be.
        """
        at, end = 0, len(data)
        while at < end:
            if self._left:
                step = min(self._left, end - at)
                self._left -= step
                at += step
                continue
            step = min(self._wanted - len(self._head), end - at)
            self._head += data[at : at + step]
            at += step
            if not self._greeted:
                self._check_greeting()
            elif len(self._head) == self._wanted:
                self._check_frame()

    def _check_greeting(self) -> None:
        # Piece by piece, as both sides say it; whoever speaks an older version is framed in another way.
        head = self._head
        if (
            head[:1] != b"\xff"
            or (len(head) > 9 and not head[9] & 1)
            or (len(head) > 10 and head[10] != 3)
            # What is encrypted cannot be counted.
            or not _PLAIN.startswith(head[12:32])
        ):
            raise TooLargeError
        if len(head) == _GREETING:
            self._greeted = True
            self._next()

    def _check_frame(self) -> None:
        flags = self._head[0]
        if flags & _LARGE and self._wanted == _SHORT:
            self._wanted = _LONG
            return
        size = int.from_bytes(self._head[1:], "big")
        self._bytes += size
        self._parts += 1
        more = bool(flags & _MORE)
        if flags > 7 or (more and flags & _COMMAND) or self._bytes > self._most or self._parts > MOST_PARTS:
            raise TooLargeError
        self._left = size
        if not more:
            self._bytes = self._parts = 0
        self._next()

    def _next(self) -> None:
        self._head.clear()
        self._wanted = _SHORT


class _End:
    """One end of a connection: what it still has to be told, and who gets what it says."""

    def __init__(self, connection: socket.socket, framing: Framing | None = None) -> None:
        self.connection = connection
        self.framing = framing
        self.unsent = memoryview(b"")
        self.other: _End

    def wanted(self) -> int:
        """Nothing more is read from it than the other end takes."""
        reads = 0 if self.other.unsent else selectors.EVENT_READ
        return reads | (selectors.EVENT_WRITE if self.unsent else 0)

    def read(self) -> bool:
        """Pass on what it says; whether it is still there and within its bound."""
        try:
            data = self.connection.recv(_CHUNK)
            if data and self.framing is not None:
                self.framing.check(data)
        except BlockingIOError:
            return True
        except (OSError, TooLargeError):
            return False
        self.other.unsent = memoryview(data)
        return bool(data) and self.other.write()

    def write(self) -> bool:
        """Tell it what it can take now; whether it is still there."""
        try:
            self.unsent = self.unsent[self.connection.send(self.unsent) :]
        except BlockingIOError:
            return True
        except OSError:
            return False
        return True


class Relay:
    """All connections of one kernel.

    Args:
        most: Bytes of one message of the kernel's.
        folder: Where the kernel's sockets are, open.
        listeners: What the server connects to, each with the name of the kernel's socket.
    """

    def __init__(self, most: int, folder: int, listeners: dict[socket.socket, str]) -> None:
        self._most = most
        self._folder = folder
        self._listeners = listeners
        self._waiting: list[tuple[socket.socket, str]] = []
        self._selector = selectors.DefaultSelector()

    def run(self, until: int) -> None:
        """Pass on until a descriptor ends."""
        self._selector.register(until, selectors.EVENT_READ)
        for listener in self._listeners:
            listener.setblocking(False)
            self._selector.register(listener, selectors.EVENT_READ)
        while True:
            for key, events in self._selector.select(_AGAIN_SECONDS if self._waiting else None):
                if key.fd == until:
                    return
                if isinstance(key.data, _End):
                    self._serve(key.data, events)
                else:
                    self._accept(key.fileobj)  # type: ignore[arg-type]
            self._waiting = [each for each in self._waiting if not self._connect(*each)]

    def _accept(self, listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection, _ = listener.accept()
            connection.setblocking(False)
            self._waiting.append((connection, self._listeners[listener]))

    def _connect(self, server: socket.socket, name: str) -> bool:
        """Connect to the kernel; whether there is nothing left to wait for."""
        with contextlib.suppress(BlockingIOError):
            if not server.recv(1, socket.MSG_PEEK):
                server.close()  # it has left
                return True
        try:
            # What lies there is the kernel's choice: a link of its making is not followed.
            place = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=self._folder)
        except OSError:
            return False
        kernel = socket.socket(socket.AF_UNIX)
        kernel.setblocking(False)
        try:
            kernel.connect(f"/proc/self/fd/{place}")
        except OSError:
            kernel.close()
            return False
        finally:
            os.close(place)
        ours, theirs = _End(server), _End(kernel, Framing(self._most))
        ours.other, theirs.other = theirs, ours
        for end in (ours, theirs):
            self._selector.register(end.connection, end.wanted(), end)
        return True

    def _serve(self, end: _End, events: int) -> None:
        if end.connection.fileno() < 0:
            return  # its other end has just ended it
        alive = not events & selectors.EVENT_WRITE or end.write()
        if alive and events & selectors.EVENT_READ and not end.other.unsent:
            alive = end.read()
        for each in (end, end.other):
            if not alive:
                with contextlib.suppress(KeyError):
                    self._selector.unregister(each.connection)
                each.connection.close()
            elif each.wanted():
                self._watch(each)
            else:
                with contextlib.suppress(KeyError):
                    self._selector.unregister(each.connection)

    def _watch(self, end: _End) -> None:
        try:
            self._selector.modify(end.connection, end.wanted(), end)
        except KeyError:
            self._selector.register(end.connection, end.wanted(), end)


def main(arguments: list[str]) -> None:
    """Run until standard input ends."""
    most, folder, *ways = arguments
    listeners = {}
    for way in ways:
        descriptor, _, name = way.partition(":")
        listeners[socket.socket(fileno=int(descriptor))] = name
    Relay(int(most), os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC), listeners).run(0)


if __name__ == "__main__":
    main(sys.argv[1:])

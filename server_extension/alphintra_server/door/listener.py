"""One door's socket: bounded connections, each for one request and for a limited time."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.httputil import HTTPServerConnectionDelegate
from tornado.ioloop import IOLoop
from tornado.iostream import IOStream
from tornado.web import Application

from ..handlers.reading import MAX_BODY
from .rates import Bucket

MOST_CONNECTIONS = 16
"""Connections of one door that are open at once; the others wait unaccepted, and cost the server nothing."""
BACKLOG = 16
MAX_HEADERS = 8 << 10
HEADER_SECONDS, BODY_SECONDS, CONNECTION_SECONDS = 5.0, 10.0, 60.0
"""How long a client may take for its headers, for its body, and for all of it with reading the answer."""
CONNECTIONS_A_SECOND, BURST = 100.0, 200.0
_CHUNK = 64 << 10
_AT_ONCE = 4  # what other sockets of the server have to wait for


class _Http(HTTPServer):
    """Tells when a connection is over."""

    over: Callable[[Any], None]

    def on_close(self, server_conn: HTTPServerConnectionDelegate | object) -> None:
        super().on_close(server_conn)
        self.over(server_conn)


class Listener:
    """Serves an application on a UNIX socket.

    One connection is one request: what a request hides behind its end is never read, so there is nothing to
    smuggle. Accepting stops, rather than refusing, while a door has its connections or came too often.

    Args:
        path: Where the socket is made; nothing is there yet.
        application: What answers.
    """

    def __init__(self, path: Path, application: Application) -> None:
        self._http = _Http(
            application,
            no_keep_alive=True,
            max_header_size=MAX_HEADERS,
            max_body_size=MAX_BODY,
            idle_connection_timeout=HEADER_SECONDS,
            body_timeout=BODY_SECONDS,
        )
        self._http.over = self._closed
        self._loop = IOLoop.current()
        self._rate = Bucket(CONNECTIONS_A_SECOND, BURST)
        self._streams: set[IOStream] = set()
        self._listening = False
        self._stopped = False
        self._resume: object | None = None
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._socket.setblocking(False)
            self._socket.bind(str(path))
            os.chmod(path, 0o600)  # noqa: PTH101  the path is the socket's, whatever its folder
            self._socket.listen(BACKLOG)
        except OSError:
            self._socket.close()
            raise
        self._listen()

    @property
    def connections(self) -> int:
        """How many are open."""
        return len(self._streams)

    async def stop(self) -> None:
        """Stop listening and cut every connection."""
        self._stopped = True
        self._pause()
        if self._resume is not None:
            self._loop.remove_timeout(self._resume)
        self._socket.close()
        for stream in [*self._streams]:
            stream.close()
        await self._http.close_all_connections()

    def _listen(self) -> None:
        self._resume = None
        if not (self._listening or self._stopped):
            self._listening = True
            self._loop.add_handler(self._socket.fileno(), self._accept, IOLoop.READ)

    def _pause(self) -> None:
        if self._listening:
            self._listening = False
            self._loop.remove_handler(self._socket.fileno())

    def _accept(self, _fd: int, _events: int) -> None:
        for _ in range(_AT_ONCE):
            if self.connections >= MOST_CONNECTIONS:
                self._pause()
                return
            wait = self._rate.take()
            if wait:
                self._pause()
                self._resume = self._loop.call_later(wait, self._listen)
                return
            try:
                connection, _ = self._socket.accept()
            except OSError:  # nobody waits, or the server has no descriptor left: later
                return
            self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        stream = IOStream(connection, max_buffer_size=MAX_BODY + MAX_HEADERS + _CHUNK, read_chunk_size=_CHUNK)
        self._streams.add(stream)
        self._loop.call_later(CONNECTION_SECONDS, stream.close)
        self._http.handle_stream(stream, "")  # type: ignore[arg-type]

    def _closed(self, connection: Any) -> None:
        self._streams.discard(connection.stream)
        connection.stream.close()
        if self._resume is None:
            self._listen()

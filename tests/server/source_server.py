"""A web server of the tests' own that answers as sources do: well, late, broken off, with too much, from elsewhere."""

import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


class Source:
    """What the server has, and what it was asked.

    Attributes:
        files: Path → content.
        etags: Path → ETag.
        answers: Path → a function that answers, given the handler.
        asked: Method, path and headers of each request.
    """

    def __init__(self):
        self.files, self.etags, self.answers, self.asked = {}, {}, {}, []
        source = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                source.asked.append((self.path, dict(self.headers)))
                answer = source.answers.get(self.path.partition("?")[0])
                if answer is not None:
                    answer(self)
                    return
                source.give(self)

            def log_message(self, *_):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def give(self, handler, *, most=None):
        """Answer with a file, or the part of it that is asked for; break off after ``most`` bytes."""
        path = handler.path
        content = self.files.get(path)
        if content is None:
            self.say(handler, 404)
            return
        etag = self.etags.get(path)
        if etag is not None and handler.headers.get("If-None-Match") == etag:
            self.say(handler, 304)
            return
        first = 0
        asked = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        if asked and handler.headers.get("If-Range") == etag:
            first = int(asked[1])
            handler.send_response(206)
            handler.send_header("Content-Range", f"bytes {first}-{len(content) - 1}/{len(content)}")
        else:
            handler.send_response(200)
        if etag is not None:
            handler.send_header("ETag", etag)
        part = content[first:]
        handler.send_header("Content-Length", str(len(part)))
        handler.end_headers()
        handler.wfile.write(part[:most])
        if most is not None and most < len(part):
            handler.close_connection = True

    def say(self, handler, status, content=b"", **headers):
        """Answer with a status."""
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    def dribble(self, handler):
        """Say that there is much, and send a byte now and then."""
        handler.send_response(200)
        handler.send_header("Content-Length", "100000")
        handler.end_headers()
        for _ in range(200):
            try:
                handler.wfile.write(b"x")
            except OSError:
                return
            time.sleep(0.05)

    def close(self):
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def source():
    made = Source()
    yield made
    made.close()

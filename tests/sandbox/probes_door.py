"""The door of a kernel to its server, asked in raw bytes: what a client library would not send."""

from __future__ import annotations

from .probe import Probe

#: Before each probe: ``ask`` sends a request and gives the status and the body of the one answer.
PRELUDE = """
def send(data, half=0):
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(8)
        client.connect(os.environ["ALPHINTRA_DOOR"])
        try:
            client.sendall(data)
        except OSError:
            pass   # it may have answered and gone before all was sent
        said = b""
        while True:
            try:
                chunk = client.recv(65536)
            except ConnectionError:
                break
            if not chunk:
                break
            said += chunk
        return said
def ask(method="GET", path="/v1/me", token=None, body=None, *headers):
    token = os.environ["ALPHINTRA_DOOR_TOKEN"] if token is None else token
    lines = [f"{method} {path} HTTP/1.1", "Host: door", f"Authorization: Bearer {token}", *headers]
    if body is not None and not any(line.lower().startswith("content-length") for line in headers):
        lines.append(f"Content-Length: {len(body)}")
    return send("\\r\\n".join([*lines, "", ""]).encode() + (body or b""))
def status(said):
    return int(said.split(b" ")[1]) if said else "closed"
"""


def _status(name: str, call: str, refused: object) -> Probe:
    return Probe(name, f"{PRELUDE}\nreturn status(ask({call}))", refused, tenants=("kernel",))


_PATHS = (
    *("/api/terminals", "/api/kernels", "/api/contents/", "/api/system", "/lab", "/", "/files/x"),
    *("/metrics", "/health"),
    *("/v1/../api/kernels", "/v1/%2e%2e/api/kernels", "//api/kernels", "/V1/ME", "/v1/me/", "/v1/me%00", "/v1//me"),
    *("http://127.0.0.1/api/kernels", "/v1/jobs/../../etc/passwd", "/v1/jobs/%2e%2e", "/v1/jobs/1"),
    f"/v1/jobs/{'0' * 32}",
    f"/v1/jobs/{'0' * 32}/results",
)

DOOR = (
    Probe(
        "its own name",
        f"{PRELUDE}\n"
        "reply = json.loads(ask().split(b'\\r\\n\\r\\n', 1)[1])\n"
        "return [reply['tenant'], reply['user_id']]",
        ["kernel", "local"],
        tenants=("kernel",),
    ),
    *(_status(f"path {path}", f"path={path!r}", 404) for path in _PATHS),
    _status("no token", "token=''", 401),
    _status("the server's token", "token=given['token']", 401),
    _status("another kernel's token", "token=given['other_token']", 401),
    _status("its token with a space", "token=' ' + os.environ['ALPHINTRA_DOOR_TOKEN']", 401),
    _status("part of its token", "token=os.environ['ALPHINTRA_DOOR_TOKEN'][:-1]", 401),
    _status("a name in a header", "'GET', '/v1/me', None, None, 'X-User: root', 'X-Forwarded-User: root'", 200),
    *(_status(f"verb {verb}", f"{verb!r}", 405) for verb in ("POST", "PUT", "DELETE", "PATCH", "OPTIONS", "get", "X")),
    _status("a result for a job", f"'POST', '/v1/jobs/{'0' * 32}/results', None, b'{{}}'", 405),
    _status("a body too long", "'POST', '/v1/backtests', None, b'', 'Content-Length: 9000000'", 413),
    _status("a body where none is", "'GET', '/v1/me', None, b'x' * 100_000", 413),
    _status("a body without end", "'POST', '/v1/backtests', None, None, 'Transfer-Encoding: chunked'", 411),
    _status(
        "two lengths", "'POST', '/v1/backtests', None, b'{}', 'Content-Length: 2', 'Content-Length: 3'", 400
    ),
    _status(
        "a length and pieces",
        "'POST', '/v1/backtests', None, b'0\\r\\n\\r\\n', 'Content-Length: 5', 'Transfer-Encoding: chunked'",
        400,
    ),
    _status("a negative length", "'POST', '/v1/backtests', None, b'', 'Content-Length: -1'", 400),
    _status("a pickle", r"'POST', '/v1/backtests', None, b'\x80\x04\x95\x00\x00\x00\x00\x00\x00\x00\x00.'", 400),
    _status("nested JSON", "'POST', '/v1/backtests', None, b'[' * 100_000", 400),
    Probe(
        "a second request behind the first",
        f"{PRELUDE}\n"
        "second = b'GET /v1/system HTTP/1.1\\r\\nHost: x\\r\\nAuthorization: Bearer '"
        " + os.environ['ALPHINTRA_DOOR_TOKEN'].encode() + b'\\r\\n\\r\\n'\n"
        "said = ask('GET', '/v1/me', None, second, 'Content-Length: 0')\n"
        "return said.count(b'HTTP/1.1 ')",
        1,
        tenants=("kernel",),
    ),
    Probe(
        "headers without end",
        f"{PRELUDE}\n"
        "said = send(b'GET /v1/me HTTP/1.1\\r\\n' + b'X: ' + b'y' * 100_000)\n"
        "return status(said)",
        "closed",
        tenants=("kernel",),
    ),
    Probe("other doors", "return os.listdir('/run/alphintra')", ["door.sock"], tenants=("kernel",)),
    Probe("its door taken away", "os.unlink(os.environ['ALPHINTRA_DOOR'])", "EROFS", tenants=("kernel",)),
    Probe(
        "doors of others by their place on the host",
        "return read(os.path.dirname(given['other_door']))",
        "ENOENT",
        tenants=("kernel",),
    ),
)
#: Jobs have none.
NO_DOOR = (
    Probe("a job's door", "return os.listdir('/run/alphintra')", "ENOENT", tenants=("job",)),
    Probe("a job's token", "return [name for name in os.environ if 'DOOR' in name]", [], tenants=("job",)),
)

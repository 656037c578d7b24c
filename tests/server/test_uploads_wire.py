"""Uploads over real sockets, to a server of their own: broken connections, two writers, a kill, and tuspy."""

import hashlib
import http.client
import json
import os
import random
import signal
import socket
import subprocess
import sys
import time

import pytest
from tusclient.client import TusClient

from .test_uploads import HERE, checksum

TOKEN = "t" * 32
HOME = "/api/datasets/upload"
MIB = 1 << 20
DATA = random.Random(8).randbytes(5 * MIB + 17)
PATIENCE = 120.0


class Running:
    """A server in a process of its own, which can be killed and started again."""

    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.start()

    def start(self):
        command = [
            sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root", "--ip=127.0.0.1",
            f"--port={self.port}", "--ServerApp.port_retries=0", f"--IdentityProvider.token={TOKEN}",
            f"--ServerApp.root_dir={self.folder}", "--ServerApp.jpserver_extensions=alphintra_server=True",
            f"--AlphintraServer.data_dir={self.folder / 'data'}", "--AlphintraServer.allow_unsandboxed_jobs=True",
            "--AlphintraServer.pool_size=0", "--AlphintraServer.keep_free=0",
        ]  # fmt: skip
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self.folder, stdout=log, stderr=log, env=os.environ | {"JUPYTER_NO_CONFIG": "1"}
            )
        self.until(self.is_ready)

    def is_ready(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
        try:
            return self.ask("GET", "/ready").status == 200
        except OSError:
            return False

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def ask(self, method, path, body=None, **headers):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        head = {"Authorization": f"token {TOKEN}", "Tus-Resumable": "1.0.0"}
        head |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, head)
        reply = connection.getresponse()
        reply.data = reply.read()
        connection.close()
        return reply

    def begin(self):
        made = self.ask("POST", HOME, Upload_Length=str(len(DATA)))
        assert made.status == 201, made.data
        return made.headers["Location"]

    def send(self, path, offset, data, **headers):
        return self.ask(
            "PATCH", path, data, Content_Type="application/offset+octet-stream", Upload_Offset=str(offset), **headers
        )

    def open(self, path, offset, announced, data, *more, token=TOKEN):
        """Begin a request that announces more than it sends."""
        head = ["Tus-Resumable: 1.0.0", "Content-Type: application/offset+octet-stream", f"Upload-Offset: {offset}"]
        return self.raw(f"PATCH {path}", token, announced, data, *head, *more)

    def raw(self, what, token, announced, data, *head):
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
        lines = [
            f"{what} HTTP/1.1", f"Host: 127.0.0.1:{self.port}", f"Authorization: token {token}",
            f"Content-Length: {announced}", *head, "", "",
        ]  # fmt: skip
        connection.sendall("\r\n".join(lines).encode() + data)
        return connection

    def arrived(self, path, end):
        """Tell whether a request that is on its way has brought as much: then it is the one that writes."""
        with (self.folder / "data" / "uploads" / path.rpartition("/")[2]).open("rb") as file:
            return file.read(end) == DATA[:end]

    def files(self):
        return {item.name for item in (self.folder / "data" / "uploads").iterdir()}

    def offset(self, path):
        return int(self.ask("HEAD", path).headers["Upload-Offset"])

    def until(self, asked):
        end = time.monotonic() + PATIENCE
        while not asked():
            assert time.monotonic() < end, "it did not come to that"
            time.sleep(0.05)

    def written(self, path):
        shown = json.loads(self.ask("GET", path).data)
        assert shown["state"] in HERE, shown
        assert shown["sha256"] == hashlib.sha256(DATA).hexdigest()
        return (self.folder / "data" / "uploads" / shown["id"]).read_bytes()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    made = Running(tmp_path_factory.mktemp("uploads"))
    yield made
    made.kill()


def uploader(server, tmp_path, **more):
    (tmp_path / "prices.csv").write_bytes(DATA)
    client = TusClient(f"http://127.0.0.1:{server.port}{HOME}", headers={"Authorization": f"token {TOKEN}"})
    return client.uploader(str(tmp_path / "prices.csv"), chunk_size=2 * MIB, **more)


def test_tuspy_uploads_with_checksums(server, tmp_path):
    sent = uploader(server, tmp_path, upload_checksum=True, metadata={"filename": "prices.csv"})
    sent.upload()
    assert server.written("/" + sent.url.split("/", 3)[3]) == DATA


def test_a_broken_connection_keeps_what_came_unless_it_cannot_be_checked(server):
    path = server.begin()
    server.open(path, 0, 4 * MIB, DATA[: 3 * MIB]).close()
    server.until(lambda: server.offset(path) == 3 * MIB)
    half = [f"Upload-Checksum: {checksum(DATA[3 * MIB :])}"]
    server.open(path, 3 * MIB, len(DATA) - 3 * MIB, DATA[3 * MIB : 4 * MIB], *half).close()
    server.until(lambda: server.arrived(path, 4 * MIB))
    # It lets go of the file, and the upload is where it was.
    server.until(lambda: server.send(path, 3 * MIB, b"x", Upload_Checksum=checksum(b"y")).status == 460)
    assert server.offset(path) == 3 * MIB
    assert server.send(path, 3 * MIB, DATA[3 * MIB :]).status == 204
    assert server.written(path) == DATA


def test_a_second_writer_waits(server):
    path = server.begin()
    first = server.open(path, 0, len(DATA), DATA[:MIB])
    server.until(lambda: server.arrived(path, MIB))
    second = server.send(path, 0, DATA)
    assert (second.status, json.loads(second.data)["code"]) == (423, "UPLOAD_LOCKED")
    first.sendall(DATA[MIB:])
    assert first.recv(1000).startswith(b"HTTP/1.1 204")
    first.close()
    assert server.written(path) == DATA


def test_who_is_not_known_or_goes_wrong_is_answered_before_the_body(server):
    path = server.begin()
    expect = "Expect: 100-continue"
    for token, offset, more, status in (("wrong", 0, (), b"403"), (TOKEN, 5, (expect,), b"409")):
        connection = server.open(path, offset, len(DATA), b"", *more, token=token)
        assert connection.recv(1000).startswith(b"HTTP/1.1 " + status)
        connection.close()
    assert server.offset(path) == 0


def test_a_page_of_another_site_cannot_send(server):
    """A browser sends its cookie along; without the token of the page, and from another origin, that is not enough."""
    login = server.ask("GET", f"/api/status?token={TOKEN}", Authorization="")
    cookies = "; ".join(value.partition(";")[0] for value in login.headers.get_all("Set-Cookie"))
    assert cookies
    head = {"Authorization": "", "Cookie": cookies, "Upload_Length": "5"}
    assert server.ask("GET", HOME, Authorization="", Cookie=cookies).status == 200
    assert server.ask("POST", HOME, **head).status == 403
    assert server.ask("POST", HOME, X_HTTP_Method_Override="DELETE", **head).status == 403
    page = head | {"Cookie": f"{cookies}; _xsrf={'ab' * 16}", "X_XSRFToken": "ab" * 16}
    assert server.ask("POST", HOME, **page).status == 201
    assert server.ask("POST", HOME, Origin="http://evil.example", **page).status == 404


def test_a_form_is_bounded_and_leaves_nothing_of_a_half(server):
    kind, before = "Content-Type: multipart/form-data; boundary=b", server.files()
    large = server.raw(f"POST {HOME}", TOKEN, 65 * MIB, b"", kind)
    assert large.recv(1000).startswith(b"HTTP/1.1 413")
    large.close()
    head = b'--b\r\nContent-Disposition: form-data; name="f"; filename="a.csv"\r\n\r\n'
    half = server.raw(f"POST {HOME}", TOKEN, len(DATA), head + DATA[:MIB], kind)
    server.until(lambda: server.files() != before)
    half.close()
    server.until(lambda: server.files() == before)


def test_a_killed_server_goes_on_where_bytes_were_acknowledged(server, tmp_path):
    sent = uploader(server, tmp_path)
    sent.upload_chunk()
    path = "/" + sent.url.split("/", 3)[3]
    hanging = server.open(path, 2 * MIB, 2 * MIB, DATA[2 * MIB : 3 * MIB])
    server.until(lambda: server.arrived(path, 3 * MIB))
    server.kill()
    hanging.close()
    server.start()
    assert server.offset(path) == 2 * MIB
    again = uploader(server, tmp_path, url=sent.url)
    assert again.offset == 2 * MIB
    again.upload()
    assert server.written(path) == DATA

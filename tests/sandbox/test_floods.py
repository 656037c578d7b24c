"""A kernel that sends without measure: to its server, to the page that shows it, to its door. Others go on working."""

from __future__ import annotations

import http.client
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator

import pytest
import websocket
from alphintra_server.kernel_connection import BYTES_A_SECOND, BYTES_AT_ONCE

from .probes_door import DOOR
from .probes_door import PRELUDE as ASK_DOOR
from .server import TOKEN, Server
from .tenants import Kernel
from .waiting import GROWTH, MIB, others_wait

#: Sends on the kernel's own socket for output, past everything that bounds it inside.
PAST_BOUNDS = """
import json, threading, time, zmq
from ipykernel.kernelapp import IPKernelApp
app = IPKernelApp.instance()
def send_all(many):
    done = threading.Event()
    def send():
        for parts in many:
            app.iopub_thread._really_send(parts)
        done.set()
    app.iopub_thread.schedule(send)
    done.wait(240)
    return done.is_set()
def message(kind, content):
    made = app.session.msg(kind, content=content, parent=app.kernel.get_parent("shell"))
    return [b"x", *app.session.serialize(made)]
"""


class Page:
    """A page that shows a kernel, as a browser has it: reads all, or nothing.

    Attributes:
        said: The texts that it was told.
        bytes: Bytes that came.
        states: How often the kernel said how it is.
    """

    def __init__(self, server: Server, kernel: Kernel, *, reads: bool) -> None:
        address = f"ws://127.0.0.1:{server.port}/api/kernels/{kernel.id}/channels?session_id={uuid.uuid4().hex}"
        header = [f"Authorization: token {TOKEN}"]
        # Checking the encoding takes this library a second for each megabyte.
        self._socket = websocket.create_connection(address, header=header, timeout=240, skip_utf8_validation=True)
        self.said: list[str] = []
        self.bytes = self.states = 0
        self._answers: set[str] = set()
        if reads:
            threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        while True:
            try:
                data = self._socket.recv()
            except (OSError, websocket.WebSocketException):
                return
            if not data:
                return
            self.bytes += len(data)
            heard = json.loads(data if isinstance(data, str) else data[data.index(b"{") : data.rindex(b"}") + 1])
            if heard["msg_type"] == "stream":
                self.said.append(heard["content"]["text"])
            elif heard["msg_type"] == "status":
                self.states += 1
            elif heard["msg_type"] == "execute_reply":
                self._answers.add(heard["parent_header"]["msg_id"])

    def run(self, code: str, seconds: float = 240) -> None:
        """Run a cell to its end."""
        number = self.start(code)
        until = time.monotonic() + seconds
        while number not in self._answers:
            assert time.monotonic() < until, f"no answer after {seconds} s"
            time.sleep(0.05)

    def start(self, code: str) -> str:
        """Run a cell."""
        number = uuid.uuid4().hex
        header = {"msg_id": number, "msg_type": "execute_request", "session": "x", "username": "", "version": "5.3"}
        content = {"code": code, "silent": False, "store_history": False, "user_expressions": {}, "allow_stdin": False}
        rest = {"parent_header": {}, "metadata": {}, "buffers": []}
        self._socket.send(json.dumps({"channel": "shell", "header": header, "content": content, **rest}))
        return number

    def close(self) -> None:
        """Leave."""
        self._socket.close()


@pytest.fixture(scope="module")
def flooding(server: Server) -> Iterator[Kernel]:
    """A kernel of its own."""
    found = Kernel(server)
    found.client.stop_channels()  # the page is who listens
    yield found
    server.ask("DELETE", f"/api/kernels/{found.id}")


@pytest.fixture
def page(server: Server, flooding: Kernel) -> Iterator[Page]:
    found = Page(server, flooding, reads=True)
    found.run(PAST_BOUNDS)
    yield found
    found.close()


def printing(server: Server, page: Page) -> Callable[[], float]:
    """The control: the same kernel prints as fast as Jupyter shows it."""

    def control() -> float:
        number = page.start("import time\nfor i in range(1500):\n    print(i, flush=True); time.sleep(0.001)")
        found = server.latency(20)
        until = time.monotonic() + 120
        while number not in page._answers and time.monotonic() < until:
            time.sleep(0.05)
        return found

    return control


FLOODS = {
    "one display of 500 MB": (
        "display({'text/plain': 'x' * 500_000_000}, raw=True)", "Not shown: an output of 500.0 MB"),
    "500 displays of 1 MB": (
        "for _ in range(500): display({'text/plain': 'x' * 1_000_000}, raw=True)", ""),
    "one message of 500 MB, past its bound": (
        "send_all([message('display_data', {'data': {'text/plain': 'x' * 500_000_000}, 'metadata': {}})])", ""),
    "a million small messages": (
        "small = message('display_data', {'data': {'text/plain': 'x'}, 'metadata': {}})\n"
        "send_all(small for _ in range(1_000_000))", ""),
    "a million states": (
        "small = message('status', {'execution_state': 'busy'})\nsend_all(small for _ in range(1_000_000))", ""),
    "a million small parts in one message": ("send_all([[b'x'] * 1_000_000])", ""),
    "500 MB in parts of 1 MB": ("send_all([[b'x' * 1_000_000] * 500])", ""),
    "100,000 messages that are none": ("send_all([b'x', b'y'] for _ in range(100_000))", ""),
}  # fmt: skip


@pytest.mark.slow  # half a minute each
@pytest.mark.parametrize(("code", "told"), FLOODS.values(), ids=FLOODS.keys())
def test_a_flood_of_output(
    server: Server, page: Page, capsys: pytest.CaptureFixture[str], code: str, told: str
) -> None:
    log = (server.root / "server.log").stat().st_size
    with others_wait(server, capsys, printing(server, page)):
        before, began = page.bytes, time.monotonic()
        page.run(code)
        time.sleep(2)  # what was on its way
        received = page.bytes - before
        allowed = BYTES_AT_ONCE + BYTES_A_SECOND * (time.monotonic() - began) + 4 * MIB
    assert received < allowed
    assert any(told in said for said in page.said)
    assert (server.root / "server.log").stat().st_size - log < 64 << 10
    page.run("print(6 * 7)")  # it goes on
    until = time.monotonic() + 20
    while not any("42\n" in said for said in page.said) and time.monotonic() < until:
        time.sleep(0.1)
    assert any("42\n" in said for said in page.said)


@pytest.mark.slow
def test_a_page_that_does_not_read(server: Server, flooding: Kernel, page: Page) -> None:
    """The control is the page beside it: it reads, and gets more than the server would keep for the other."""
    deaf = Page(server, flooding, reads=False)
    before, read = server.memory, page.bytes
    for _ in range(8):
        page.run("for _ in range(60): display({'text/plain': 'x' * 1_000_000}, raw=True)")
        time.sleep(5)
    assert page.bytes - read > 96 * MIB
    assert server.memory - before < GROWTH
    assert server.healthy()
    deaf.close()


_CONNECTIONS = """
import os, resource, socket, sys, time
def flood(number):
    held = []
    for _ in range(2500):
        client = socket.socket(socket.AF_UNIX)
        client.setblocking(False)
        try:
            client.connect(os.environ["ALPHINTRA_DOOR"])
            client.send(b"POST /v1/backtests HTTP/1.1\\r\\nContent-Length: 8000000\\r\\n")
        except OSError:
            pass
        held.append(client)
    return held
children = []
for number in range(4):
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        held = flood(number)
        os.write(theirs, str(len(held)).encode())
        time.sleep(600)
    os.close(theirs)
    children.append((pid, int(os.read(ours, 9))))
print(sum(count for _, count in children))
"""
_END_THEM = "import signal\nfor pid, _ in children:\n    os.kill(pid, signal.SIGKILL); os.waitpid(pid, 0)"
#: As many as a door serves at once, each sending its body by the byte.
_SLOWLY = f"""
{ASK_DOOR}
import os, socket, time
head = ("POST /v1/backtests HTTP/1.1\\r\\nHost: door\\r\\nAuthorization: Bearer " + os.environ["ALPHINTRA_DOOR_TOKEN"]
        + "\\r\\nContent-Length: 8000000\\r\\n\\r\\n").encode()
held, cut = [], 0
for _ in range(16):
    client = socket.socket(socket.AF_UNIX)
    client.connect(os.environ["ALPHINTRA_DOOR"])
    client.send(head)
    held.append(client)
began = time.monotonic()
while held and time.monotonic() < began + 60:
    for client in list(held):
        try:
            client.send(b"x")
        except OSError:
            held.remove(client)
            cut += 1
    time.sleep(0.2)
print(cut, time.monotonic() - began < 40)
"""


@pytest.mark.slow
def test_ten_thousand_connections(
    server: Server, kernel: Kernel, other_kernel: Kernel, capsys: pytest.CaptureFixture[str]
) -> None:
    """The control is the other kernel's door, which is the same and answers."""
    with others_wait(server, capsys, lambda: server.latency(20)):
        reply, printed = kernel.run(_CONNECTIONS)
        assert (reply["status"], printed.strip()) == ("ok", "10000"), reply
        assert other_kernel.ask(DOOR[:1], {}) == {DOOR[0].name: DOOR[0].refused}
    kernel.run(_END_THEM)
    until = time.monotonic() + 30
    while kernel.ask(DOOR[:1], {}) != {DOOR[0].name: DOOR[0].refused}:
        assert time.monotonic() < until, "its own door does not come back"


@pytest.mark.slow
def test_bodies_that_take_for_ever_at_the_door(
    server: Server, kernel: Kernel, other_kernel: Kernel, capsys: pytest.CaptureFixture[str]
) -> None:
    with others_wait(server, capsys, lambda: server.latency(20)):
        kernel.client.execute(_SLOWLY)
        assert other_kernel.ask(DOOR[:1], {}) == {DOOR[0].name: DOOR[0].refused}
        reply, printed = kernel.run("print(cut, time.monotonic() - began < 60)")
    assert (reply["status"], printed.strip()) == ("ok", "16 True"), (reply, printed)
    assert kernel.ask(DOOR[:1], {}) == {DOOR[0].name: DOOR[0].refused}


@pytest.mark.slow  # a minute: that is the bound
def test_bodies_that_take_for_ever_at_rest(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    held = []
    with others_wait(server, capsys, lambda: server.latency(20)):
        for _ in range(100):
            asking = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
            asking.putrequest("POST", "/api/strategies/code/create")
            for name, value in (("Authorization", f"token {TOKEN}"), ("Content-Length", str(8 * MIB))):
                asking.putheader(name, value)
            asking.endheaders(b'{"name": "')
            held.append(asking)
        until = time.monotonic() + 90
        cut = 0
        while held and time.monotonic() < until:
            for asking in list(held):
                try:
                    asking.sock.send(b"x")
                    asking.sock.setblocking(False)
                    assert asking.sock.recv(1) == b""
                except BlockingIOError:
                    continue
                except OSError:
                    pass
                held.remove(asking)
                cut += 1
            time.sleep(0.5)
    assert cut == 100


def test_a_body_is_read_from_who_is_known_and_as_long_as_allowed(server: Server) -> None:
    """Refused by the head: a body that is announced and does not come is not waited for."""

    def asked(token: str, length: int) -> int:
        asking = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        asking.putrequest("POST", "/api/strategies/code/create")
        for name, value in (("Authorization", f"token {token}"), ("Content-Length", str(length))):
            asking.putheader(name, value)
        asking.endheaders()
        try:
            return asking.getresponse().status
        except TimeoutError:
            return 0
        finally:
            asking.close()

    assert asked(TOKEN, 8 * MIB + 1) == 413
    assert asked("none", 400 * MIB) == 403

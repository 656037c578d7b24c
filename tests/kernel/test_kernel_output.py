"""Output without end or measure: what it does to the process that should read it, and what the notebook is told."""

from __future__ import annotations

import threading
import time

import psutil
import pytest
import zmq
from alphintra_kernel.isolation import kernel_level
from ipykernel.iostream import IOPubThread
from jupyter_client.manager import KernelManager

from alphintra_kernel import levels, output_wait, server_sockets

from . import kernels

pytestmark = pytest.mark.skipif(kernel_level() not in levels.OWN_FILES, reason="no sandbox here")
MIB = 1 << 20


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    root = tmp_path_factory.mktemp("output")
    (root / "work").mkdir()
    with kernels.kernel(root / "specs", cwd=root / "work", data_dir=root / "data") as started:
        yield started


def texts(shown):
    return [m["content"]["text"] for m in shown if m["msg_type"] == "stream"]


def test_a_large_output_is_told_not_sent(kernel):
    reply, shown = kernel.run("display({'text/plain': 'x' * 200_000_000}, raw=True)")
    assert reply["status"] == "ok", reply
    (said,) = texts(shown)
    assert "🔴 Not shown: an output of 200.0 MB (display_data). At most 4.2 MB" in said
    reply, shown = kernel.run("display({'text/plain': 'x' * 4_000_000}, raw=True)")
    assert [len(m["content"]["data"]["text/plain"]) for m in shown if m["msg_type"] == "display_data"] == [4_000_000]


def test_a_long_text_comes_in_pieces_and_is_cut(kernel):
    # In one piece, as a program that prints faster than it is flushed.
    _, shown = kernel.run("import sys; sys.stdout.write('abc' * 2_000_000); sys.stdout.flush()")
    *pieces, said = texts(shown)
    assert "".join(pieces) == ("abc" * 2_000_000)[: len("".join(pieces))]
    assert len("".join(pieces)) == 8 * (server_sockets.MAX_MESSAGE // 24)
    assert "Not shown: the rest of 6,000,000 letters" in said


class Reader:
    """A socket as a server has it, and how a cell is sent to the same kernel."""

    def __init__(self, kernel):
        kernel.client.stop_channels()  # which would read all of it
        self.session = kernel.manager.session
        self.heard = kernel.manager.connect_iopub()
        self.shell = kernel.manager.connect_shell()

    def __enter__(self):
        # Once more where the kernel did not know yet who listens.
        while not self.heard.poll(100):
            self.start("pass")
            assert self.shell.poll(60_000)
            self.shell.recv_multipart()
        self.read()
        return self

    def __exit__(self, *why):
        self.heard.close(0)
        self.shell.close(0)

    def start(self, code):
        content = {"code": code, "silent": False, "store_history": False, "allow_stdin": False, "user_expressions": {}}
        return self.session.send(self.shell, "execute_request", content)["header"]["msg_id"]

    def read(self, until=None):
        """What comes to its end, or up to the word that a cell is done; how many displays."""
        shown = 0
        while self.heard.poll(1000 if until is None else 60_000):
            _, parts = self.session.feed_identities(self.heard.recv_multipart())
            kind, parent = self.session.unpack(parts[1])["msg_type"], self.session.unpack(parts[2])
            shown += kind == "display_data"
            ends = kind == "status" and self.session.unpack(parts[4])["execution_state"] == "idle"
            if ends and until is not None and parent.get("msg_id") == until:
                return shown
        assert until is None, "the word that the cell is done has not come"
        return shown


MANY = "for _ in range(4_000): display({'text/plain': 'word' * 1_000}, raw=True)"
LARGE = """
import resource
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for _ in range(40): display({'text/plain': 'x' * 2_000_000}, raw=True)
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
"""
OPTION = """
import zmq
from ipykernel.kernelapp import IPKernelApp
thread = IPKernelApp.instance().iopub_thread
thread.schedule(lambda: thread.socket.setsockopt({}))
"""


def test_who_prints_faster_than_the_server_reads_waits(kernel):
    with Reader(kernel) as reader:
        number = reader.start(MANY)
        assert not reader.shell.poll(2000)  # nobody reads
        assert reader.read(until=number) == 4_000
        assert reader.shell.poll(60_000)
        reader.shell.recv_multipart()
        number = reader.start(LARGE)
        assert reader.read(until=number) == 40
    kernel.connect()
    assert int(kernel.value("grown")) < 40 << 10  # KiB, of 80 MB


def test_it_does_not_wait_for_ever(kernel):
    kernel.run(OPTION.format("zmq.SNDTIMEO, 500"))
    with Reader(kernel) as reader:
        reader.start(MANY)
        assert reader.shell.poll(60_000)  # nobody reads, and it goes on
        # The control of the test above: what did not fit is not there, and the word of the end with it.
        assert reader.read() < 4_000
    kernel.connect()
    assert kernel.value("6 * 7") == "42"


def test_who_reads_keeps_up_while_another_is_not_waited_for(monkeypatch):
    """The last message comes; without a pace, most of the last thousand would not."""
    monkeypatch.setattr(output_wait, "PATIENCE_SECONDS", 0.2)
    with zmq.Context() as context, context.socket(zmq.XPUB) as out:
        for reader in (out, still := context.socket(zmq.SUB), reads := context.socket(zmq.SUB)):
            reader.linger = 0
            reader.set_hwm(300)
        port = out.bind_to_random_port("tcp://127.0.0.1")
        thread = IOPubThread(out)
        output_wait.wait(thread)
        thread.start()
        with still, reads:
            for reader in (still, reads):
                reader.subscribe(b"")
                reader.connect(f"tcp://127.0.0.1:{port}")
            while not (still.poll(50) and reads.poll(50)):
                thread.send_multipart([b"begin"])
            threading.Thread(target=send_all, args=(thread,)).start()
            heard = 0
            while reads.poll(30_000) and (message := reads.recv()) != b"end":
                heard += message == b"word" * 10_000
                time.sleep(0.001)
            assert message == b"end"
            assert 0 < heard <= 1_500
        thread.stop()


def send_all(thread):
    for _ in range(1_500):
        thread.send_multipart([b"word" * 10_000])
    thread.send_multipart([b"end"])


# What the kernel's own bound does not see, sent past it on the socket itself.
FLOOD = """
import threading, zmq
from ipykernel.kernelapp import IPKernelApp
thread = IPKernelApp.instance().iopub_thread
def flood(count, size):
    part = b"x" * size
    done = threading.Event()
    def send():
        thread.socket.setsockopt(zmq.XPUB_NODROP, 0)
        for _ in range(count):
            thread.socket.send_multipart([b"t", part])
        thread.socket.setsockopt(zmq.XPUB_NODROP, 1)
        done.set()
    thread.schedule(send)
    done.wait(60)
"""


def grown(kernel, code: str, *, seconds: float = 4, enough: int = 1 << 40) -> int:
    """How much this process grows while it does not read what a kernel sends it, in MiB."""
    kernel.client.stop_channels()  # which would read all of it
    time.sleep(0.5)  # until the kernel knows who listens
    before = psutil.Process().memory_info().rss
    content = {"code": code, "silent": True, "store_history": False, "allow_stdin": False, "user_expressions": {}}
    with kernel.manager.connect_shell() as shell:
        kernel.manager.session.send(shell, "execute_request", content)
        assert shell.poll(60_000), "no answer"
    most = 0
    until = time.monotonic() + seconds
    while time.monotonic() < until and most < enough:
        most = max(most, (psutil.Process().memory_info().rss - before) // MIB)
        time.sleep(0.1)
    return most


def test_what_nobody_reads_does_not_grow_the_server(kernel):
    kernel.run(FLOOD)
    bounded = kernel.manager.connect_iopub()
    with bounded:
        assert (bounded.getsockopt(zmq.MAXMSGSIZE), bounded.getsockopt(zmq.RCVHWM)) == (4 * MIB, 64)
        assert grown(kernel, f"flood(1, {300 * MIB})") < 100
    with kernel.manager.connect_iopub():
        assert grown(kernel, f"flood(600, {MIB // 2})") < 150
    kernel.connect()
    assert kernel.value("6 * 7") == "42"


def test_an_unbounded_socket_would(kernel):
    """The positive control."""
    kernel.run(FLOOD)
    with zmq.Context() as context, context.socket(zmq.SUB) as plain:
        plain.linger = 0
        plain.subscribe(b"")
        # Past the relay, which would cut it.
        plain.connect(f"ipc://{kernel.manager.provisioner._sockets.path}/k-{kernel.manager.iopub_port}")
        # Once more where the kernel did not know yet who listens.
        assert any(grown(kernel, f"flood(1, {300 * MIB})", seconds=20, enough=250) >= 250 for _ in range(3))
    kernel.connect()


def test_other_kernels_keep_their_bounds(tmp_path):
    """A server's context is that of all its kernels."""
    with zmq.Context() as shared:
        manager = KernelManager(context=shared, connection_file=str(tmp_path / "c.json"))
        server_sockets.bound(manager)
        with manager.context.socket(zmq.SUB) as ours, shared.socket(zmq.SUB) as other:
            assert (ours.getsockopt(zmq.MAXMSGSIZE), other.getsockopt(zmq.MAXMSGSIZE)) == (4 * MIB, -1)
            assert (ours.getsockopt(zmq.RCVHWM), other.getsockopt(zmq.RCVHWM)) == (64, 1000)

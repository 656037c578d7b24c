"""Output without end or measure: what it does to the process that should read it, and what the notebook is told."""

from __future__ import annotations

import time

import psutil
import pytest
import zmq
from alphintra_kernel.isolation import kernel_level
from jupyter_client.manager import KernelManager

from alphintra_kernel import levels, server_sockets

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


# What the kernel's own bound does not see, sent past it on the socket itself.
FLOOD = """
import threading, zmq
from ipykernel.kernelapp import IPKernelApp
thread = IPKernelApp.instance().iopub_thread
def flood(count, size):
    part = b"x" * size
    done = threading.Event()
    def send():
        for _ in range(count):
            thread._really_send([b"t", part])
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

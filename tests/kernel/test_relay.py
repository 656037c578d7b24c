"""What stands between a kernel's sockets and its server: all messages pass, none without end does."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
import time
from pathlib import Path

import psutil
import pytest
import zmq
from alphintra_kernel.relay import MOST_PARTS, Framing, TooLargeError
from alphintra_kernel.relay_process import RelayProcess
from alphintra_kernel.socket_folder import SocketFolder

MIB = 1 << 20
GREETING = b"\xff" + b"\0" * 8 + b"\x7f\3\0" + b"NULL".ljust(20, b"\0") + b"\0" + b"\0" * 31
READY = b"\4\x19\5READY\x0bSocket-Type\0\0\0\3PUB"


def frame(body: bytes, flags: int = 0) -> bytes:
    if len(body) < 256:
        return bytes([flags, len(body)]) + body
    return bytes([flags | 2]) + struct.pack(">Q", len(body)) + body


PING = frame(b"\x04PING\0\0", 4)
MESSAGES = READY + frame(b"topic", 1) + frame(b"x" * 700, 1) + frame(b"") + PING + frame(b"y" * 1000)


@pytest.mark.parametrize("step", [1, 2, 3, 7, 64, 10_000])
def test_messages_pass_however_they_are_cut(step):
    framing = Framing(1000)
    data = (GREETING + MESSAGES) + 5 * (frame(b"z" * 999, 1) + frame(b"z"))
    for at in range(0, len(data), step):
        framing.check(data[at : at + step])


@pytest.mark.parametrize(
    "said",
    [
        frame(b"x" * 1001),
        frame(b"x" * 600, 1) + frame(b"x" * 401, 1),
        b"\2" + b"\xff" * 8,
        frame(b"", 1) * (MOST_PARTS + 1),
        frame(b"x", 5),
        frame(b"x", 8),
    ],
    ids=["one part", "two parts", "a length of 16 EiB", "parts", "parts of a command", "an unknown flag"],
)
@pytest.mark.parametrize("step", [1, 1 << 20])
def test_what_is_too_large_does_not(said, step):
    framing = Framing(1000)
    framing.check(GREETING + MESSAGES)
    with pytest.raises(TooLargeError):
        for at in range(0, len(said), step):
            framing.check(said[at : at + step])


@pytest.mark.parametrize(
    ("at", "byte"), [(0, b"\1"), (9, b"\0"), (10, b"\0"), (10, b"\1"), (12, b"C")],
    ids=["ZMTP 1", "ZMTP 1, second sign", "ZMTP 2.0", "ZMTP 2.1", "encrypted"],
)
def test_other_ways_to_speak_are_refused_before_the_server_hears_of_them(at, byte):
    with pytest.raises(TooLargeError):
        Framing(1000).check(GREETING[:at] + byte)


@pytest.fixture
def folder():
    made = SocketFolder()
    yield made
    made.remove()


@pytest.fixture
def relay(folder):
    made = RelayProcess(folder.outside, folder.path, ["k-1"], 4 * MIB)
    yield made
    made.end()
    assert not made.running


def hear(place: Path) -> zmq.Socket:
    """A socket as a server has it."""
    heard = zmq.Context.instance().socket(zmq.SUB)
    heard.setsockopt(zmq.MAXMSGSIZE, 4 * MIB)
    heard.setsockopt(zmq.RCVHWM, 64)
    heard.setsockopt(zmq.LINGER, 0)
    heard.subscribe(b"")
    heard.connect(f"ipc://{place / 'k-1'}")
    return heard


def test_both_directions_and_a_kernel_that_starts_again(folder, relay):
    context = zmq.Context.instance()
    with context.socket(zmq.DEALER) as server:
        server.linger = 0
        gone = server.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        server.connect(f"ipc://{folder.outside / 'k-1'}")
        server.send_multipart([b"early", b"x" * (3 * MIB)])  # before the kernel listens
        for _ in range(2):
            with context.socket(zmq.ROUTER) as kernel:
                kernel.linger = 0
                kernel.bind(f"ipc://{folder.path / 'k-1'}")
                assert kernel.poll(60_000)
                who, *parts = kernel.recv_multipart()
                assert [len(part) for part in parts] == [5, 3 * MIB]
                for number in range(200):
                    kernel.send_multipart([who, b"%d" % number, b"y" * 10_000])
                heard = [server.recv_multipart() for _ in range(200) if server.poll(60_000)]
                assert heard == [[b"%d" % number, b"y" * 10_000] for number in range(200)]
                while gone.poll(0):  # what it saw before the kernel was there
                    gone.recv_multipart()
            # What is sent before the end is seen goes with the connection.
            assert gone.poll(60_000)
            server.send_multipart([b"again", b"x" * (3 * MIB)])
        server.disable_monitor()


def endless(place: Path, piece: bytes, most: int) -> tuple[threading.Thread, list[int]]:
    """A kernel of an attacker: one message of part after part; how many bytes each connection took."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(place))
    listener.listen()
    taken: list[int] = []

    def speak() -> None:
        with listener:
            while len(taken) < 3 and max(taken, default=0) < most:
                with listener.accept()[0] as connection:
                    taken.append(0)
                    with contextlib.suppress(OSError):  # cut; ZeroMQ connects anew
                        connection.sendall(GREETING)
                        connection.recv(4096)
                        connection.sendall(READY)
                        while taken[-1] < most:
                            connection.sendall(piece)
                            taken[-1] += len(piece)
                        time.sleep(1)

    thread = threading.Thread(target=speak, daemon=True)
    thread.start()
    return thread, taken


PIECES = {"large": frame(b"x" * MIB, 1), "small": frame(b"x", 1) * 10_000}


@pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES.keys())
def test_a_message_without_end_is_cut(folder, relay, piece):
    thread, taken = endless(folder.path / "k-1", piece, 300 * MIB)
    before = psutil.Process().memory_info().rss
    with hear(folder.outside) as heard:
        thread.join(120)
        grown = psutil.Process().memory_info().rss - before
        assert (len(taken), max(taken) < 16 * MIB) == (3, True)
        assert grown < 40 * MIB
        assert relay.running
        (folder.path / "k-1").unlink()
        with zmq.Context.instance().socket(zmq.PUB) as kernel:  # it is there for who keeps to the bound
            kernel.linger = 0
            kernel.bind(f"ipc://{folder.path / 'k-1'}")
            until = time.monotonic() + 240
            while not heard.poll(50) and time.monotonic() < until:
                kernel.send_multipart([b"t", b"hello"])
            assert heard.recv_multipart() == [b"t", b"hello"]


def test_without_it_the_message_grows_the_server(folder):
    """The positive control: ZeroMQ's own bounds are set here too."""
    thread, taken = endless(folder.path / "k-1", PIECES["large"], 300 * MIB)
    before = psutil.Process().memory_info().rss
    with hear(folder.path):
        thread.join(120)
        assert max(taken) == 300 * (MIB + 9)
        assert psutil.Process().memory_info().rss - before > 100 * MIB


def test_a_link_in_the_place_of_a_socket_is_not_followed(folder, relay, tmp_path):
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(tmp_path / "other"))
        other.listen()
        other.settimeout(0.5)
        (folder.path / "k-1").symlink_to(tmp_path / "other")
        with hear(folder.outside):
            with pytest.raises(TimeoutError):
                other.accept()
            (folder.path / "k-1").unlink()
            os.link(tmp_path / "other", folder.path / "k-1")  # the control: it does try
            other.settimeout(60)
            other.accept()[0].close()

"""A kernel that prints faster than its server reads waits for it.

ZeroMQ leaves out what does not fit in its queues, whatever it says: a chart, or that the cell is done, without which a
page shows it as running for ever. It counts messages, and not how large they are: what is large is handed over one by
one, so that a thousand charts do not lie in the kernel's memory.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import Any

import zmq

#: Bytes from which on a message is waited for until it is out; of smaller ones a thousand may wait in each queue.
LARGE = 64 << 10
#: Who has read nothing for so long, as a console that is held, is not waited for; until that is tried again.
PATIENCE_SECONDS, AGAIN_SECONDS = 10.0, 60.0
#: Between two messages while somebody is not waited for: then nobody is, and those who do read must keep up.
PACE_SECONDS = 0.002
#: Small messages that a cell may be ahead of the thread that sends them.
AHEAD = 1_000


def wait(iopub: Any) -> None:
    """Have a kernel's thread for output wait for all who read it, but not for ever.

    Args:
        iopub: ipykernel's ``IOPubThread``.
    """
    _hand_over(iopub)
    send, socket = iopub._really_send, iopub.socket
    again = 0.0  # when who did not read is waited for again

    def wait_until(then: float) -> None:
        nonlocal again
        again = then
        socket.setsockopt(zmq.XPUB_NODROP, int(not then))

    def patient(parts: Sequence[Any], *args: Any, **kwargs: Any) -> None:
        if again and time.monotonic() > again:
            wait_until(0.0)
        sent, trackers = _tracked(parts)
        try:
            send(sent, *args, **kwargs)
            del sent  # which holds it as well
            if not again:
                for tracker in trackers:
                    tracker.wait(PATIENCE_SECONDS)
        except zmq.Again:
            wait_until(time.monotonic() + AGAIN_SECONDS)
            send(parts, *args, **kwargs)
        except zmq.NotDone:
            wait_until(time.monotonic() + AGAIN_SECONDS)
        if again:
            time.sleep(PACE_SECONDS)

    def begin() -> None:
        socket.setsockopt(zmq.SNDTIMEO, round(PATIENCE_SECONDS * 1000))
        socket.setsockopt(zmq.XPUB_NODROP, 1)

    iopub.schedule(begin)  # a socket is its thread's
    iopub._really_send = patient


def _hand_over(iopub: Any) -> None:
    """Have whoever sends something large, or very much, wait until the thread has sent it."""
    send = iopub.send_multipart
    ahead = 0

    def handed(parts: Sequence[Any], *args: Any, **kwargs: Any) -> None:
        nonlocal ahead
        send(parts, *args, **kwargs)
        if threading.current_thread() is iopub.thread:
            return
        ahead += 1
        if sum(map(len, parts)) > LARGE or ahead > AHEAD:
            ahead = 0
            done = threading.Event()
            iopub.schedule(done.set)
            while not done.wait(1.0) and iopub.thread.is_alive():
                pass

    iopub.send_multipart = handed


def _tracked(parts: Sequence[Any]) -> tuple[list[Any], list[Any]]:
    """The parts of a message, and what tells of the large ones when they are out."""
    sent, trackers = list(parts), []
    for at, part in enumerate(parts):
        if len(part) > LARGE:
            frame = zmq.Frame(bytes(part), track=True, copy=False)
            sent[at] = frame
            trackers.append(frame.tracker)
    return sent, trackers

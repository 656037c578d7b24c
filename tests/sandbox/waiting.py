"""How long others wait for the server while it is attacked."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from .server import Server

MIB = 1 << 20
#: The most that an attack may cost the server while it lasts: 64 MiB that wait for a page, and 64 messages in each of
#: ZeroMQ's sockets.
GROWTH = 320 * MIB


@contextmanager
def others_wait(server: Server, capsys: pytest.CaptureFixture[str], control: Callable[[], float]) -> Iterator[None]:
    """Within it somebody else asks the server all the time: answered, within twice what an honest load makes them wait.

    Args:
        server: Who is asked.
        capsys: To show the figures.
        control: What the middle one of their requests takes under an honest load.
    """
    honest = control()
    over = threading.Event()  # the control is measured once more then: a machine has other things to do
    taken: list[float] = []
    before = most = server.memory
    refused: list[Exception] = []

    def ask() -> None:
        nonlocal most
        try:
            while not over.is_set():
                taken.append(server.latency(5))
                most = max(most, server.memory)
        except Exception as error:  # noqa: BLE001 - whatever it is, somebody was not answered
            refused.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    try:
        yield
    finally:
        over.set()
        asking.join()
    assert refused == []
    most -= before
    honest = max(honest, control())
    attacked = sorted(taken)[len(taken) // 2]
    with capsys.disabled():
        sys.stdout.write(
            f"\nmedian of others' requests in ms: honest load {honest * 1e3:.1f}, under attack {attacked * 1e3:.1f};"
            f" the server grew by {most // MIB} MiB\n"
        )
    server.check_answers()
    assert most < GROWTH
    assert attacked <= 2 * honest + 0.05

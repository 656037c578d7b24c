"""The log of a job: when its lines go out, how many at a time, and where it ends."""

from __future__ import annotations

import errno
import io
import json
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from alphintra_kernel.outputs import no_room_is_said
from alphintra_kernel.protocol import Channel, Log
from alphintra_kernel.user_source import JobError

from alphintra_kernel import protocol

from . import jobs
from .test_worker import minimal, run


class Pipe(io.BytesIO):
    """Keeps what was written; each write is one message here."""

    def said(self) -> list[dict[str, Any]]:
        """The messages."""
        return [json.loads(line) for line in self.getvalue().splitlines()]


def a_log(**options: Any) -> tuple[Log, Pipe]:
    pipe = Pipe()
    return Log(Channel(io.BytesIO(), pipe), **options), pipe


def test_what_is_printed_now_and_then_goes_out_at_once() -> None:
    log, pipe = a_log()
    log.write("one\n")
    assert jobs.log_of(pipe.said()) == ["one"]


def test_what_is_printed_fast_goes_out_together_and_soon() -> None:
    """Also where nothing is printed after it: a strategy may be silent for minutes."""
    log, pipe = a_log()
    for number in range(50):
        log.write(f"{number}\n")
    end = time.monotonic() + 240
    while len(jobs.log_of(pipe.said())) < 50 and time.monotonic() < end:
        time.sleep(0.01)
    assert jobs.log_of(pipe.said()) == [str(number) for number in range(50)]
    assert len(pipe.said()) < 10


def test_a_flush_sends_what_waits() -> None:
    log, pipe = a_log()
    print("one", file=log)
    print("two", file=log, flush=True)
    print("without an end", end="", file=log)
    assert jobs.log_of(pipe.said()) == ["one", "two"]
    log.finish()
    assert jobs.log_of(pipe.said()) == ["one", "two", "without an end"]


def test_a_message_of_the_log_is_small() -> None:
    log, pipe = a_log()
    log.write("".join(f"{'x' * 500}\n" for _ in range(100)))
    log.finish()
    assert len(jobs.log_of(pipe.said())) == 100
    assert max(map(len, pipe.getvalue().splitlines())) < 4096  # what a pipe takes in one piece


def test_printing_without_end_is_told_once_it_is_excessive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(protocol, "PRINTED_CHARS", 10_000)
    told: list[None] = []
    log, _ = a_log(on_excess=lambda: told.append(None))
    for _ in range(100):
        log.write("x" * 100)
    assert told == []
    log.write("x")
    assert told == [None]


class SlowPipe(io.RawIOBase):
    """Takes its time for the first message."""

    def __init__(self) -> None:
        super().__init__()
        self.entered = threading.Event()

    def writable(self) -> bool:
        return True

    def write(self, line: Any) -> int:
        if not self.entered.is_set():
            self.entered.set()
            time.sleep(0.5)
        return len(line)


def test_a_process_forked_while_another_thread_sends_prints_as_well() -> None:
    """The lock that the thread holds would never be released in it."""
    pipe = SlowPipe()
    log = Log(Channel(io.BytesIO(), pipe))
    threading.Thread(target=log._channel.send, args=({"type": "progress"},)).start()
    assert pipe.entered.wait(60)
    child = os.fork()
    if child == 0:
        log.write("printed\n")
        os._exit(0)
    end = time.monotonic() + 60
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0) and time.monotonic() < end:
        time.sleep(0.01)
    if ended == (0, 0):
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    assert ended == (child, 0)


def test_a_forked_process_does_not_send_what_its_parent_will() -> None:
    log, pipe = a_log()
    read, write = os.pipe()
    log.write("first\n")
    log.write("waits\n")
    child = os.fork()
    if child == 0:  # its copy of the pipe's content tells what it sent
        before = len(pipe.said())
        log.write("of the child\n")
        log.flush()
        os.write(write, json.dumps(jobs.log_of(pipe.said()[before:])).encode())
        os._exit(0)
    os.waitpid(child, 0)
    log.finish()
    assert json.loads(os.read(read, 1000)) == ["of the child"]
    assert jobs.log_of(pipe.said()) == ["first", "waits"]
    os.close(read)
    os.close(write)


def test_a_message_that_a_pipe_takes_in_parts_arrives_whole() -> None:
    class Slow(io.RawIOBase):
        taken = b""

        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            self.taken += bytes(data[:7])
            return min(7, len(data))

    slow = Slow()
    Channel(io.BytesIO(), slow).send({"type": "log", "text": "x" * 100})  # type: ignore[arg-type]
    assert json.loads(slow.taken)["text"] == "x" * 100


def test_a_channel_that_does_not_wait_is_no_endless_loop() -> None:
    read, write = os.pipe()
    os.set_blocking(write, False)
    with os.fdopen(read, "rb"), os.fdopen(write, "wb", buffering=0) as writer:
        channel = Channel(io.BytesIO(), writer)
        with pytest.raises(BlockingIOError) as raised:
            for _ in range(100):
                channel.send({"type": "log", "text": "x" * 10_000})
    assert raised.value.errno == errno.EAGAIN


def test_an_interrupt_ends_the_strategy_and_is_told(tmp_path: Path) -> None:
    """As Ctrl-C does; before the job and after it, it does nothing."""
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        body = "signal.raise_signal(signal.SIGINT)"
        code, said = run(jobs.folder(tmp_path, minimal(body, "import signal")), jobs.job("Minimal"))
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)
    assert (code, said[-1]["type"], said[-1]["message"]) == (1, "error", "KeyboardInterrupt")
    assert (said[-1]["file"], said[-1]["line"]) == ("strategy.py", 9)


def test_threads_may_print_at_the_same_time() -> None:
    log, pipe = a_log()

    def work(name: str) -> None:
        for number in range(100):
            log.write(f"{name} {number}\n")

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    log.finish()
    lines = jobs.log_of(pipe.said())
    for name in "ab":
        assert [line for line in lines if line[0] == name] == [f"{name} {number}" for number in range(100)]


@pytest.mark.parametrize(
    ("number", "code"), [(errno.EFBIG, "OUTPUT_TOO_LARGE"), (errno.ENOSPC, "DISK_FULL"), (errno.EDQUOT, "DISK_FULL")]
)
def test_a_result_that_does_not_fit_says_so(number: int, code: str) -> None:
    with pytest.raises(JobError) as raised, no_room_is_said():
        raise OSError(number, os.strerror(number))
    assert raised.value.code == code
    with pytest.raises(PermissionError), no_room_is_said():
        raise PermissionError(errno.EACCES, "something else is itself")

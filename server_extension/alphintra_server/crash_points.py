"""Named places at which the kill test ends the server.

A server that was told nothing passes them without doing anything. One that was started with
``ALPHINTRA_CRASH_AT=after_claim:2`` in its environment dies by SIGKILL when it comes to ``after_claim`` for the second
time: nothing is tidied up, as when the machine fails at that very moment.
"""

from __future__ import annotations

import os
import signal
import threading

VARIABLE = "ALPHINTRA_CRASH_AT"
POINTS = {
    "after_claim": "A job was taken from the queue; nothing was started for it yet.",
    "after_start": "Its worker is at work.",
    "after_result_write": "Its results were written, in a transaction that has not been committed.",
    "after_commit_before_relay": "Its end was committed; nobody was told.",
    "in_commit": "A file of a dataset's version was put into the store; what else it needs was not.",
    "after_manifest": "All of a dataset's version is in the store; no row tells of it yet.",
    "in_relay": "Readers were told; that they were is not written yet.",
    "in_cancel": "Cancelling was asked for; nothing was stopped yet.",
    "in_sweep": "What a lost server left was ended; its job is not in the queue again yet.",
}
"""Name → what is done and what is not when the server gets there."""

_lock = threading.Lock()
_passed = 0


def forget() -> None:
    """Count anew, where the environment was changed."""
    global _passed
    _passed = 0


def reached(name: str) -> None:
    """End this process where its environment names this place."""
    wanted = os.environ.get(VARIABLE)
    if not wanted:
        return
    point, _, time = wanted.partition(":")
    if point != name:
        return
    global _passed
    with _lock:
        _passed += 1
        if _passed == int(time or 1):
            os.kill(os.getpid(), signal.SIGKILL)

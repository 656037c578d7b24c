"""A process that runs variants: it reads tasks from its standard input and writes what came of them to its output."""

from __future__ import annotations

import os
import pickle
import signal
import sys
import traceback
from pathlib import Path
from typing import BinaryIO


def serve(job_file: Path, tasks: BinaryIO, answers: BinaryIO) -> None:
    """Run each list of tasks that comes, until there are no more.

    Answers are pairs of a word and a thing: ``variant`` as each is finished, ``done`` after the last of a list,
    ``error`` with an exception, ``failed`` with a traceback where the exception cannot be sent.
    """
    from alphintra_backtest.sweep.work import run_chunk, unpacked

    def answer(word: str, thing: object = None) -> None:
        answers.write(pickle.dumps((word, thing)))
        answers.flush()

    try:
        job = unpacked(job_file.read_bytes())
        while (chunk := _next(tasks)) is not None:
            for variant in run_chunk(job, chunk):
                answer("variant", variant)
            answer("done")
    except BrokenPipeError:
        return  # who asked is gone
    except Exception as error:  # noqa: BLE001 - whatever it is belongs to who asked
        from alphintra.errors import AlphintraError

        if isinstance(error, AlphintraError):
            answer("error", error)
        else:
            answer("failed", traceback.format_exc())


def _next(tasks: BinaryIO) -> list[tuple[int, dict[str, object]]] | None:
    try:
        chunk: list[tuple[int, dict[str, object]]] = pickle.load(tasks)
    except EOFError:
        return None
    return chunk


def main() -> None:
    """Serve whoever started this process; what the strategy prints goes to standard error."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # who started us decides what an interrupt means
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    serve(Path(sys.argv[1]), sys.stdin.buffer, answers)


if __name__ == "__main__":
    main()

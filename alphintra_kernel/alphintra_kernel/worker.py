"""The process that runs one job inside the sandbox.

Started as ``python -P -m alphintra_kernel.worker READ_FD WRITE_FD``; ``in`` and ``out`` lie below the folder
that ``ALPHINTRA_JOB_ROOT`` names, ``/job`` by default. It says ``ready``, loads what a job needs while none comes,
gets one ``run``, does it, and ends. What the job has to read lies in ``in`` by then; files of sealed datasets come
before it over the same pipe, and lie in memory alone.
"""

from __future__ import annotations

import contextlib
import os
import platform
import select
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from alphintra.data.sources import FOLDER_VARIABLE

from alphintra_kernel import check_job, fetch_job, first_run, ingest_job, numba_cache, opened_files, outputs
from alphintra_kernel.earlier_trials import trial_log
from alphintra_kernel.limits import workers_within
from alphintra_kernel.protocol import PRINTED_CHARS, Channel, Log, Progress, ProtocolError
from alphintra_kernel.user_source import describe, load_class, on_path

if TYPE_CHECKING:
    from alphintra_backtest.methods import Done

ROOT_VARIABLE = "ALPHINTRA_JOB_ROOT"
#: The folder below ``in`` with the versions of datasets that a job may read, and no others.
DATASETS = "datasets"
#: Exit code of a worker that could not answer any more: user code has closed its descriptors.
CHANNEL_LOST = 3
_SUMMARY = ("total_return", "sharpe_ratio", "max_drawdown", "total_trades", "final_equity")


def main(argv: list[str] | None = None) -> int:
    """Run one job over the two descriptors given."""
    arguments = sys.argv[1:] if argv is None else argv
    if len(arguments) != 2 or not all(argument.isdigit() for argument in arguments):
        sys.stderr.write("usage: python -P -m alphintra_kernel.worker READ_FD WRITE_FD\n")
        return 2
    read_fd, write_fd = map(int, arguments)
    # A process that user code starts must not hold the conversation open, or join it.
    os.set_inheritable(read_fd, False)
    os.set_inheritable(write_fd, False)
    numba_cache.adopt()
    root = Path(os.environ.get(ROOT_VARIABLE, "/job"))
    reader, writer = os.fdopen(read_fd, "rb"), os.fdopen(write_fd, "wb", buffering=0)
    try:
        return serve(reader, writer, root, _until_readable(read_fd, first_run.warm_up()), _give_up)
    except (OSError, ValueError) as error:
        sys.stderr.write(f"the channel is gone: {error}\n")
        return CHANNEL_LOST
    finally:
        for end in (reader, writer):
            with contextlib.suppress(OSError):  # user code may have closed it
                end.close()


def serve(
    reader: IO[bytes],
    writer: IO[bytes],
    root: Path,
    warm_up: Iterable[bool] = (),
    give_up: Callable[[], None] | None = None,
) -> int:
    """Hold the conversation of one job.

    Args:
        reader: The supervisor's lines.
        writer: Our lines.
        root: Holds ``in`` and ``out``.
        warm_up: Loads what a job needs, as long as none comes; last it says whether all was loaded.
        give_up: Ends the process at once, where user code prints without end.

    Returns:
        0 when the job was answered with a result, 1 when with an error, 2 when there was none.
    """
    channel = Channel(reader, writer)
    channel.send({"type": "ready", "pid": os.getpid(), "versions": _preload()})
    if any(warm_up):
        channel.send({"type": "warm"})
    try:
        request = opened_files.take(channel, reader)
    except ProtocolError as error:
        channel.send(_refusal(str(error)))
        return 2
    except OSError as error:
        message = f"what the job reads of sealed datasets does not fit into its /tmp: {error.strerror}"
        channel.send({"type": "error", "code": "SEALED_TOO_LARGE", "message": message})
        return 1
    if request is None:
        return 2
    job = request.get("job")
    if request["type"] != "run" or not isinstance(job, dict):
        channel.send(_refusal("expected a run message with a job"))
        return 2

    def too_much() -> None:
        text = f"the strategy printed more than {PRINTED_CHARS >> 20} million characters; print less"
        channel.send({"type": "error", "code": "OUTPUT_LIMIT", "message": text})
        if give_up is not None:
            give_up()

    log = Log(channel, too_much)
    with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
        with _interruptible():
            answer = run_job(job, root, Progress(channel))
        log.finish()
    try:
        channel.send(answer)
    except ProtocolError:  # text of four bytes a character, or all escapes: what matters is where it happened
        channel.send(answer | {"message": answer["message"][:500], "traceback": answer["traceback"][-2000:]})
    return 0 if answer["type"] == "result" else 1


def _until_readable(fd: int, steps: Iterator[None]) -> Iterator[bool]:
    """Go through the steps until somebody says something; last, say whether all were gone through."""
    for _ in steps:
        if select.select([fd], [], [], 0)[0]:
            return
        yield False
    yield True


@contextlib.contextmanager
def _interruptible() -> Iterator[None]:
    """Within it, SIGINT raises ``KeyboardInterrupt``; before and after, a worker ignores it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        # Nothing of the answer must be lost to an interrupt that comes too late, or to a handler of user code.
        signal.signal(signal.SIGINT, before)


def _give_up() -> None:
    os._exit(1)


def run_job(job: dict[str, Any], root: Path, progress: Progress) -> dict[str, Any]:
    """Run one job and write its files.

    Returns:
        The ``result`` or ``error`` message. Nothing that user code does is raised.
    """
    if job.get("kind") in ingest_job.KINDS:
        return ingest_job.run(job, root, progress)
    if job.get("kind") == fetch_job.KIND:
        return fetch_job.run(job, root, progress)
    if (root / "in" / DATASETS).is_dir():
        os.environ[FOLDER_VARIABLE] = str(root / "in" / DATASETS)
    if job.get("kind") == check_job.KIND:
        return check_job.run(job, root, progress)
    if job.get("kind") != "backtest":
        return _refusal(f"this worker has no jobs of kind {job.get('kind')!r}")
    source = root / "in" / "source"
    try:
        progress.phase("loading", 0.0)
        with on_path(source):
            wanted = job["source"]
            strategy = load_class(source, str(wanted["file"]), str(wanted["class_name"]))
            with trial_log(root / "out", job) as trials:
                done = _run(strategy, job, progress)
                progress.phase("writing", 1.0)
                with outputs.no_room_is_said():
                    files = outputs.write(done, trials.made(), root / "out")
                metrics = done.result.to_dict()["metrics"]
                summary = {name: metrics.get(name) for name in _SUMMARY}
    except BaseException as error:  # noqa: BLE001 - user code may raise anything, sys.exit() included
        return describe(error, source)
    return {"type": "result", "files": files, "summary": summary}


def _run(strategy: type[Any], job: dict[str, Any], progress: Progress) -> Done:
    from alphintra_backtest import methods

    def tell(fraction: float, phase: str, text: str | None, time_us: int | None) -> None:
        if time_us is not None:
            progress.bar(fraction, time_us, phase)
        else:
            progress.study(fraction, phase, text or "")

    options = {key: value for key, value in job.get("configuration", {}).items() if value is not None}
    rules = options.pop("rules", {})
    seconds = job.get("seconds")
    return methods.run(
        methods.Asked(
            strategy,
            job["data"]["name"],
            methodology=job.get("methodology") or "STANDARD",
            method=job.get("method") or {},
            params=job.get("parameters") or {},
            options=options | rules,
            strategy_id=job.get("strategy_id"),
            check=check_job.CHECK_POINTS,
            check_until=None if seconds is None else time.perf_counter() + check_job.CHECK_TIME * float(seconds),
            workers=workers_within(),
        ),
        tell,
    )


def _preload() -> dict[str, str]:
    """Import what every job needs before it says ready, and tell the versions."""
    import alphintra
    import alphintra_backtest.methods  # noqa: F401
    import numpy

    return {
        "alphintra": alphintra.__version__,
        "python": platform.python_version(),
        "numpy": numpy.__version__,
    }


def _refusal(message: str) -> dict[str, Any]:
    return {"type": "error", "code": "PROTOCOL", "message": message}


if __name__ == "__main__":
    # An interrupt is for the job of one worker, never for those that wait.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.exit(main())

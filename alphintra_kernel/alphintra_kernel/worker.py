"""The process that runs one job inside the sandbox.

Started as ``python -P -m alphintra_kernel.worker READ_FD WRITE_FD``; ``in`` and ``out`` lie below the folder
that ``ALPHINTRA_JOB_ROOT`` names, ``/job`` by default. It says ``ready``, gets one ``run``, does it, and
ends.
"""

from __future__ import annotations

import contextlib
import os
import platform
import sys
import time
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from alphintra_kernel import check_job, numba_cache, outputs
from alphintra_kernel.earlier_trials import trial_log
from alphintra_kernel.limits import workers_within
from alphintra_kernel.protocol import Channel, Log, Progress, ProtocolError
from alphintra_kernel.user_source import describe, load_class, on_path

if TYPE_CHECKING:
    from alphintra_backtest.methods import Done

ROOT_VARIABLE = "ALPHINTRA_JOB_ROOT"
#: Points at which look-ahead is looked for (F12), and the part of a job's time that run and check may take together.
_CHECK_POINTS = 8
_CHECK_TIME = 0.75
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
    with os.fdopen(read_fd, "rb") as reader, os.fdopen(write_fd, "wb") as writer:
        return serve(reader, writer, Path(os.environ.get(ROOT_VARIABLE, "/job")))


def serve(reader: IO[bytes], writer: IO[bytes], root: Path) -> int:
    """Hold the conversation of one job.

    Args:
        reader: The supervisor's lines.
        writer: Our lines.
        root: Holds ``in`` and ``out``.

    Returns:
        0 when the job was answered with a result, 1 when with an error, 2 when there was none.
    """
    channel = Channel(reader, writer)
    channel.send({"type": "ready", "pid": os.getpid(), "versions": _preload()})
    try:
        request = channel.receive()
    except ProtocolError as error:
        channel.send(_refusal(str(error)))
        return 2
    if request is None:
        return 2
    job = request.get("job")
    if request["type"] != "run" or not isinstance(job, dict):
        channel.send(_refusal("expected a run message with a job"))
        return 2
    log = Log(channel)
    with contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
        answer = run_job(job, root, Progress(channel))
        log.finish()
    try:
        channel.send(answer)
    except ProtocolError:  # text of four bytes a character, or all escapes: what matters is where it happened
        channel.send(answer | {"message": answer["message"][:500], "traceback": answer["traceback"][-2000:]})
    return 0 if answer["type"] == "result" else 1


def run_job(job: dict[str, Any], root: Path, progress: Progress) -> dict[str, Any]:
    """Run one job and write its files.

    Returns:
        The ``result`` or ``error`` message. Nothing that user code does is raised.
    """
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
                done = _run(strategy, job, root, progress)
                progress.phase("writing", 1.0)
                files = outputs.write(done, trials.made(), root / "out")
    except BaseException as error:  # noqa: BLE001 - user code may raise anything, sys.exit() included
        return describe(error, source)
    metrics = done.result.to_dict()["metrics"]
    return {"type": "result", "files": files, "summary": {name: metrics.get(name) for name in _SUMMARY}}


def _run(strategy: type[Any], job: dict[str, Any], root: Path, progress: Progress) -> Done:
    from alphintra_backtest import methods

    def tell(fraction: float, phase: str, text: str | None, time_us: int | None) -> None:
        if time_us is not None:
            progress.bar(fraction, time_us, phase)
        else:
            progress.study(fraction, phase, text or "")

    data = job["data"]
    options = {key: value for key, value in job.get("configuration", {}).items() if value is not None}
    rules = options.pop("rules", {})
    seconds = job.get("seconds")
    return methods.run(
        methods.Asked(
            strategy,
            str(root / "in" / "data" / data["file"]) if data.get("file") else data.get("path") or data["name"],
            methodology=job.get("methodology") or "STANDARD",
            method=job.get("method") or {},
            params=job.get("parameters") or {},
            options=options | rules,
            strategy_id=job.get("strategy_id"),
            check=_CHECK_POINTS,
            check_until=None if seconds is None else time.perf_counter() + _CHECK_TIME * float(seconds),
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
    sys.exit(main())

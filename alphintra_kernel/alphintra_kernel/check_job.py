"""The check kind of job: one backtest, the strategy's checks against it, and what the next run is compared with.

It leaves ``checks.json`` (the outcome) and ``record.json`` (what the next run gets as ``in/previous.json``).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alphintra_kernel.outputs import described, make_room, no_room_is_said
from alphintra_kernel.user_source import describe, load_class, load_only_class, on_path

if TYPE_CHECKING:
    from alphintra_backtest.checks.record import KeptRun

    from alphintra_kernel.protocol import Progress

KIND = "check"
PREVIOUS = "previous.json"
#: Points at which look-ahead is looked for (F12), and the part of a job's time that run and check may take together.
CHECK_POINTS = 8
CHECK_TIME = 0.75


def run(job: dict[str, Any], root: Path, progress: Progress) -> dict[str, Any]:
    """Run one job and write its files.

    Returns:
        The ``result`` or ``error`` message. Nothing that user code does is raised.
    """
    source = root / "in" / "source"
    try:
        progress.phase("loading", 0.0)
        with on_path(source):
            wanted = job["source"]
            file, name = str(wanted["file"]), wanted["class_name"]
            strategy = load_only_class(source, file) if name is None else load_class(source, file, str(name))
            passed = _judge(strategy, job, root, progress)
    except BaseException as error:  # noqa: BLE001 - user code may raise anything, sys.exit() included
        return describe(error, source)
    files = [described(root / "out" / name) for name in ("checks.json", "record.json")]
    return {"type": "result", "files": files, "summary": {"passed": passed}}


def _judge(strategy: type[Any], job: dict[str, Any], root: Path, progress: Progress) -> bool:
    from alphintra_backtest import runner
    from alphintra_backtest.check import SHARE
    from alphintra_backtest.checks import record
    from alphintra_backtest.checks.run import carried, judge, looks_ahead

    checks = carried(strategy, job["checks"])
    points = CHECK_POINTS if looks_ahead(checks) else 0

    def tell(fraction: float, time_us: int) -> None:
        progress.bar(fraction, time_us, "checking" if points and fraction >= SHARE else "running")

    result = runner.run(
        strategy,
        job["data"]["name"],
        params=job.get("parameters") or None,
        progress=tell,
        check=points,
        check_seconds=None if job.get("seconds") is None else CHECK_TIME * float(job["seconds"]),
        **{key: value for key, value in job["configuration"].items() if value is not None},
    )
    # By the job's id the server knows which run a later one was compared with. The code is all that was stored with it:
    # a module that it imports may be what changed.
    result.run |= {"id": job["id"], "strategy_hash": job["source"]["hash"]}
    progress.phase("writing", 1.0)
    found = judge(result, checks, _previous(root / "in" / PREVIOUS))
    with no_room_is_said():
        make_room(root / "out")
        _write(root / "out" / "checks.json", found.to_dict())
        _write(root / "out" / "record.json", record.write(result, found.passed))
    return found.passed


def _previous(path: Path) -> KeptRun | None:
    from alphintra_backtest.checks.record import read

    return read(json.loads(path.read_text(encoding="utf-8"))) if path.exists() else None


def _write(path: Path, content: dict[str, Any]) -> None:
    text = json.dumps(content, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    path.write_text(text, encoding="utf-8")

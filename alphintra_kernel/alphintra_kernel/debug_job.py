"""What a debug session's kernel runs: the stored strategy, bar by bar, under the debugger.

The server sends one line of code that calls :func:`run`; what is to be run lies beside the source. The answer is JSON,
as the expression that the server has evaluated after it.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from alphintra.data.sources import FOLDER_VARIABLE

from alphintra_kernel.user_source import describe, load_class, on_path

ROOT_VARIABLE = "ALPHINTRA_JOB_ROOT"
"""Environment variable that tells where ``in`` and ``out`` are."""
FILE = "debug.json"
"""What is to be run, in ``in``."""
DATASETS = "datasets"
"""The users' datasets that it reads, in ``in``."""
_SUMMARY = ("total_return", "sharpe_ratio", "max_drawdown", "total_trades", "final_equity")


class Outcome:
    """How it ended, as JSON for whoever asks the kernel for it.

    Args:
        content: ``result`` or ``error`` as in the protocol of workers.
    """

    def __init__(self, content: dict[str, Any]) -> None:
        self.content = content

    def _repr_json_(self) -> dict[str, Any]:
        return self.content


def run() -> Outcome:
    """Run the strategy to its end; nothing that user code does is raised."""
    root = Path(os.environ.get(ROOT_VARIABLE, "/job"))
    source = root / "in" / "source"
    job = json.loads((root / "in" / FILE).read_text(encoding="utf-8"))
    if (root / "in" / DATASETS).is_dir():
        os.environ[FOLDER_VARIABLE] = str(root / "in" / DATASETS)
    try:
        with on_path(source):
            wanted = job["source"]
            strategy = load_class(source, str(wanted["file"]), str(wanted["class_name"]))
            result = _debug(strategy, job)
            metrics = result.to_dict()["metrics"]
    except BaseException as error:  # noqa: BLE001 - user code may raise anything, sys.exit() included
        return Outcome(describe(error, source))
    return Outcome({"type": "result", "summary": {name: metrics.get(name) for name in _SUMMARY}})


def _debug(strategy: type[Any], job: dict[str, Any]) -> Any:
    """Run it under the debugger; what is done before it is shown stops nowhere."""
    from alphintra_backtest.replay import Replay, debugging

    options = {key: value for key, value in job["configuration"].items() if value is not None}
    rules = options.pop("rules", {})
    with debugging.undisturbed():
        replay = Replay(
            strategy, job["data"]["name"], params=job["parameters"] or None, rules=rules, **options
        )
        if replay.error is not None and job["breakpoints"] and replay.bar >= replay.first:
            # It stands before the bar that fails, but breakpoints may be hit on the way there.
            replay.back(replay.count)
    debugging.debug(replay, True)
    with debugging.undisturbed():
        return replay.result()

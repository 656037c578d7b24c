"""The trial log of one job: what the server knows of earlier trials goes in, what the job tried comes out (M6).

A job cannot reach the log of the user's own notebooks, nor write where it stays. So its log is a file of its own.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

FOLDER = ".trials"
"""Where the log is while the job runs, in the folder of its output."""
_VARIABLE = "ALPHINTRA_DATA_DIR"


class Trials:
    """The log of a running job.

    Args:
        file: Where it is.
        known: How many lines it began with.
    """

    def __init__(self, file: Path, known: int) -> None:
        self._file = file
        self._known = known

    def made(self) -> dict[str, Any]:
        """Return what the job has tried: how many trials, their sessions, and the spread of their Sharpe ratios.

        ``{"count", "sample", "spread"}`` as a line of the log has them; nothing was recorded where ``count`` is 0.
        """
        from alphintra import trials

        with contextlib.suppress(OSError, ValueError):
            lines = self._file.read_text(encoding="utf-8").splitlines()[self._known :]
            entry = json.loads(lines[-1]) if lines else {"count": 0}
            sharpe = entry.get("sharpe")
            alone = trials.Spread.of([] if sharpe is None else [sharpe])
            return {
                "count": int(entry.get("count", 1)),
                "sample": entry.get("sample"),
                "spread": entry.get("spread", [alone.count, alone.mean, alone.squares]),
            }
        return {"count": 0, "sample": None, "spread": None}


@contextlib.contextmanager
def trial_log(folder: Path, job: Mapping[str, Any]) -> Iterator[Trials]:
    """Within it, the SDK's trial log is this job's own, and begins with what the server knows.

    Args:
        folder: Writable; nothing is left there.
        job: With ``strategy_id`` and ``trials``, a list of ``{count, created_at, sample, spread}``, oldest first.
    """
    from alphintra.trials import FILE

    before = os.environ.get(_VARIABLE)
    own = folder / FOLDER
    own.mkdir()
    earlier = [] if job.get("strategy_id") is None else job.get("trials") or []
    same = {"strategy_id": job.get("strategy_id"), "dataset": job["data"].get("name")}
    text = "".join(json.dumps({**entry, **same}) + "\n" for entry in earlier)
    (own / FILE).write_text(text, encoding="utf-8")
    os.environ[_VARIABLE] = str(own)
    try:
        yield Trials(own / FILE, len(earlier))
    finally:
        if before is None:
            del os.environ[_VARIABLE]
        else:
            os.environ[_VARIABLE] = before
        shutil.rmtree(own, ignore_errors=True)

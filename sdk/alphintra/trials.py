"""The trial log: one line per run in ``trials.jsonl``, which counts how often a strategy was tried (M6).

It is advisory: a line that cannot be written is a logged warning, never an error of the run.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE = "trials.jsonl"
_KEYS = (
    "id",
    "created_at",
    "strategy",
    "strategy_file",
    "dataset",
    "dataset_hash",
    "strategy_hash",
    "parameters",
    "seed",
    "engine_version",
    "configuration",
)
_log = logging.getLogger(__name__)


def data_folder() -> Path:
    """Return the SDK's data folder: ``ALPHINTRA_DATA_DIR``, else the platform's place for user data."""
    chosen = os.environ.get("ALPHINTRA_DATA_DIR")
    if chosen:
        return Path(chosen)
    import platformdirs

    return Path(platformdirs.user_data_dir("alphintra", appauthor=False))


def append(run: Mapping[str, Any], sharpe_ratio: float | None = None) -> Path | None:
    """Append one run to the trial log.

    Args:
        run: ``Result.run``.
        sharpe_ratio: The run's Sharpe ratio, ``None`` or NaN where undefined.

    Returns:
        The file, or ``None`` where it could not be written.
    """
    entry: dict[str, Any] = {key: run[key] for key in _KEYS if key in run}
    entry["sharpe_ratio"] = None if sharpe_ratio is None or sharpe_ratio != sharpe_ratio else sharpe_ratio
    try:
        line = json.dumps(entry, default=str, ensure_ascii=False) + "\n"
        folder = data_folder()
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / FILE
        # One write to a file opened for appending: runs that end together do not mix their lines.
        handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            os.write(handle, line.encode())
        finally:
            os.close(handle)
    except (OSError, TypeError, ValueError) as error:
        _log.warning("The trial log was not written: %s", error)
        return None
    return path

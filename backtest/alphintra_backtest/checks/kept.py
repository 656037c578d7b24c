"""The last run of each strategy, dataset and parameter set, as kept in the SDK's data folder by ``al.test``."""

from __future__ import annotations

import gzip
import hashlib
import json
import logging
import os
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from alphintra_backtest.checks.record import KeptRun, read

FOLDER = "checks"
MOST_KEPT = 500
"""Strategies, datasets and parameter sets whose last run is kept; beyond them the oldest goes."""
_log = logging.getLogger(__name__)


def place(strategy: type, run: Mapping[str, Any]) -> Path:
    """Where the last run of a strategy on a dataset's symbols with its parameters is kept.

    A strategy is its class's name and the file or notebook that defines it, whatever was edited in between; a dataset
    is its name, whatever it holds by now.
    """
    from alphintra import trials

    home = trials.strategy_file(strategy) or strategy.__module__
    parts = [home, strategy.__qualname__, run["dataset"], run["symbols"], run["parameters"]]
    key = json.dumps(parts, default=str, sort_keys=True)
    return trials.data_folder() / FOLDER / f"{hashlib.sha256(key.encode()).hexdigest()[:32]}.json.gz"


def load(path: Path) -> KeptRun | None:
    """Read what was kept; ``None`` where there is nothing, or nothing that can be read (which is logged)."""
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            kept = read(json.load(file))
    except FileNotFoundError:
        return None
    except (OSError, EOFError, ValueError, RecursionError) as error:
        _log.warning("The run before could not be read from %s: %s", path, error)
        return None
    if kept is None:
        _log.warning("The run before in %s is of another version", path)
    return kept


def save(path: Path, record: Mapping[str, Any]) -> None:
    """Keep a run in place of the last one: another process sees either, never a part.

    Raises:
        OSError: The folder cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".new")
    try:
        with os.fdopen(handle, "wb") as raw, gzip.open(raw, "wt", encoding="utf-8", compresslevel=6) as file:
            json.dump(record, file, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _forget_oldest(path.parent)


def _forget_oldest(folder: Path) -> None:
    kept = list(folder.glob("*.json.gz"))
    if len(kept) <= MOST_KEPT:
        return
    with suppress(OSError):  # another process may be at the same
        for path in sorted(kept, key=lambda file: file.stat().st_mtime_ns)[:-MOST_KEPT]:
            path.unlink()

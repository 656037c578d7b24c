"""The trial log: one line per run or study in ``trials.jsonl``, which counts how often a strategy was tried (M6).

It is advisory: a line that cannot be written or read is a logged warning or left out, never an error of the run.
What runs again for a look from another side (a check for look-ahead, the other entry rules, a Monte Carlo path) is
no trial and is not recorded; nor is a run that failed.
"""

from __future__ import annotations

import json
import logging
import math
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = "trials.jsonl"
MOST_BYTES = 64 * 2**20
"""What is read of the log, from its end: some 100,000 runs."""
WARM_UP = 0.1
"""Share of its sessions by which a run may begin later than another on the same sample."""
_KEYS = (
    "id",
    "created_at",
    "strategy",
    "strategy_id",
    "strategy_file",
    "dataset",
    "dataset_hash",
    "strategy_hash",
    "parameters",
    "seed",
    "engine_version",
    "configuration",
)
#: Name of a DataFrame's data (``alphintra.data.given.UNNAMED``, whose module is too heavy to be read here).
_UNNAMED = "DATA"
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Sample:
    """The sessions of a run: Sharpe ratios can be compared on the same ones only.

    Attributes:
        first: First session with a return, days since 1970-01-01.
        last: Last session.
        sessions: Number of session returns.
    """

    first: int
    last: int
    sessions: int

    def is_like(self, other: Sample) -> bool:
        """Whether both are the same sessions but for their warm-up, of at most :data:`WARM_UP` of the longer one.

        Variants of one strategy rarely begin on the same day, since their indicators need different histories.
        """
        longer = max(self.sessions, other.sessions)
        return self.last == other.last and abs(self.sessions - other.sessions) <= WARM_UP * longer


@dataclass(frozen=True)
class Spread:
    """Sharpe ratios per session of many trials, as far as their variance needs them.

    Attributes:
        count: How many there are.
        mean: Their mean.
        squares: Sum of their squared distances from the mean.
    """

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0

    @classmethod
    def of(cls, values: Iterable[float]) -> Spread:
        """Those of ``values`` that are finite numbers."""
        known = [float(v) for v in values if math.isfinite(v)]
        mean = math.fsum(known) / len(known) if known else 0.0
        return cls(len(known), mean, math.fsum((v - mean) ** 2 for v in known))

    def __add__(self, other: Spread) -> Spread:
        """Both together (Chan, Golub and LeVeque 1979)."""
        count = self.count + other.count
        if not count:
            return self
        away = other.mean - self.mean
        return Spread(
            count,
            self.mean + away * other.count / count,
            self.squares + other.squares + away * away * self.count * other.count / count,
        )

    @property
    def variance(self) -> float:
        """V of rule M6, ddof 1; NaN below two."""
        return self.squares / (self.count - 1) if self.count > 1 else math.nan


@dataclass(frozen=True)
class Earlier:
    """What was tried before.

    Attributes:
        count: Runs, and variants of sweeps and studies.
        since: When the first of them was recorded, ISO 8601; ``None`` where there is none.
        spread: Sharpe ratios per session of those that ran on the same sessions, but for their warm-up.
    """

    count: int = 0
    since: str | None = None
    spread: Spread = Spread()


def data_folder() -> Path:
    """Return the SDK's data folder: ``ALPHINTRA_DATA_DIR``, else the platform's place for user data."""
    chosen = os.environ.get("ALPHINTRA_DATA_DIR")
    if chosen:
        return Path(chosen)
    import platformdirs

    return Path(platformdirs.user_data_dir("alphintra", appauthor=False))


def strategy_file(strategy: type) -> str | None:
    """Return the file or notebook that defines a class, ``None`` where there is none (a plain interpreter).

    A cell's class belongs to its notebook, as Jupyter (``JPY_SESSION_NAME``) or VS Code name it to the kernel.
    """
    module = sys.modules.get(strategy.__module__)
    file = getattr(module, "__file__", None)
    if file:
        return str(Path(file).resolve())
    notebook = os.environ.get("JPY_SESSION_NAME") or getattr(module, "__vsc_ipynb_file__", None)
    return str(Path(notebook).resolve()) if notebook and strategy.__module__ == "__main__" else None


def append(run: Mapping[str, Any], sharpe: float | None = None, sample: Sample | None = None) -> Path | None:
    """Append one run to the trial log.

    Args:
        run: ``Result.run``, with ``strategy_file`` where the strategy has one.
        sharpe: The run's Sharpe ratio *per session*, ``None`` or NaN where undefined.
        sample: Its sessions; without them its Sharpe ratio is compared with no other.

    Returns:
        The file, or ``None`` where it could not be written.
    """
    return _write(run, {"sharpe": _number(sharpe), "sample": _plain(sample)})


def append_study(
    run: Mapping[str, Any],
    count: int,
    *,
    kind: str = "sweep",
    sharpes: Iterable[float] = (),
    sample: Sample | None = None,
) -> Path | None:
    """Append a sweep or another study to the trial log: one line for all of its variants.

    Args:
        run: What ``Result.run`` has of ``strategy``, ``strategy_file``, ``strategy_hash``, ``dataset``,
            ``dataset_hash``, ``id`` and ``created_at``, as far as the study has it.
        count: Variants that were tried; 0 writes nothing.
        kind: ``sweep``, ``walk_forward``, ….
        sharpes: Their Sharpe ratios *per session* on ``sample``; those that are not finite are left out.
        sample: The sessions on which all of them ran.

    Returns:
        The file, or ``None`` where nothing was written.
    """
    if count < 1:
        return None
    spread = Spread.of(sharpes)
    more = {"kind": kind, "count": int(count), "sample": _plain(sample)}
    return _write(run, more | {"spread": [spread.count, spread.mean, spread.squares]})


def earlier(run: Mapping[str, Any], sample: Sample | None = None) -> Earlier:
    """Count what was recorded before ``run`` of the same strategy on the same data.

    The same strategy is the same stored strategy (``strategy_id``), or the same class name in the same file or
    notebook, whatever was edited in between; a class without a file is the same while its code is. The same data has
    the same content, or the same name (a later version of a dataset); frames without a name need the same content.
    Lines after the run's own are not earlier. Only the newest :data:`MOST_BYTES` of the log are read; torn and
    foreign lines are left out.

    Args:
        run: ``Result.run``, or what it will have.
        sample: Sessions on which Sharpe ratios are compared; without them ``spread`` is empty.
    """
    count, since, spread, alone = 0, None, Spread(), []
    for entry in _entries(run):
        if entry.get("id") == run.get("id") and entry.get("id") is not None:
            break
        tried = entry.get("count", 1)
        if not _is_count(tried) or not (_same_strategy(entry, run) and _same_data(entry, run)):
            continue
        count += tried
        when = entry.get("created_at")
        since = since or (when if isinstance(when, str) else None)
        where = _sample(entry)
        if sample is None or where is None or not where.is_like(sample):
            continue
        if "spread" in entry:
            spread += _spread(entry["spread"])
        elif isinstance(entry.get("sharpe"), float):
            alone.append(entry["sharpe"])
    return Earlier(count, since, spread + Spread.of(alone))


def _write(run: Mapping[str, Any], more: Mapping[str, Any]) -> Path | None:
    entry = {key: run[key] for key in _KEYS if key in run} | dict(more)
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


def _entries(run: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Lines of the log's end that name the strategy's class, oldest first."""
    name = str(run.get("strategy_id") or run.get("strategy") or "")
    needle = json.dumps(name, ensure_ascii=False).encode()
    try:
        with (data_folder() / FILE).open("rb") as log:
            size = log.seek(0, os.SEEK_END)
            log.seek(max(0, size - MOST_BYTES))
            text = log.read(MOST_BYTES)
    except FileNotFoundError:
        return
    except OSError as error:
        _log.warning("The trial log was not read: %s", error)
        return
    at = text.find(needle)
    while at >= 0:  # only lines that name it are parsed: the log is that of all strategies
        begin, end = text.rfind(b"\n", 0, at) + 1, text.find(b"\n", at)
        end = len(text) if end < 0 else end
        try:
            entry = json.loads(text[begin:end].decode())
        except (ValueError, RecursionError):
            entry = None
        if isinstance(entry, dict):
            yield entry
        at = text.find(needle, end)


def _same_strategy(entry: Mapping[str, Any], run: Mapping[str, Any]) -> bool:
    if entry.get("strategy_id") or run.get("strategy_id"):
        return entry.get("strategy_id") == run.get("strategy_id")
    if entry.get("strategy") != run.get("strategy"):
        return False
    if entry.get("strategy_file") or run.get("strategy_file"):
        return entry.get("strategy_file") == run.get("strategy_file")
    return entry.get("strategy_hash") == run.get("strategy_hash")


def _same_data(entry: Mapping[str, Any], run: Mapping[str, Any]) -> bool:
    if entry.get("dataset_hash") == run.get("dataset_hash"):
        return True
    name = entry.get("dataset")
    return isinstance(name, str) and name == run.get("dataset") and name.split("/")[0] != _UNNAMED


def _spread(found: Any) -> Spread:
    """The Sharpe ratios of a study's line; none where it carries something else."""
    if not (isinstance(found, list) and len(found) == 3 and all(_is_number(v) for v in found)):
        return Spread()
    count, mean, squares = found
    return Spread(count, mean, squares) if _is_count(count) and squares >= 0 else Spread()


def _sample(entry: Mapping[str, Any]) -> Sample | None:
    found = entry.get("sample")
    if isinstance(found, list) and len(found) == 3 and all(_is_number(v) for v in found):
        return Sample(*found)
    return None


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < 2**53


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _number(value: float | None) -> float | None:
    return None if value is None or not math.isfinite(value) else float(value)


def _plain(sample: Sample | None) -> list[int] | None:
    return None if sample is None else [sample.first, sample.last, sample.sessions]

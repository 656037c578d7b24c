"""Files as people send them, and what becomes of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from alphintra.ingest.inspecting import Inspection, inspect
from alphintra.ingest.limits import DEFAULT, Limits
from alphintra.ingest.reading import Staged, read

UTC = dt.UTC


class Desk:
    """A folder to send files to."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._count = 0

    def write(self, name: str, data: str | bytes) -> Path:
        path = self.folder / name
        path.write_bytes(data.encode() if isinstance(data, str) else data)
        return path

    def inspect(self, path: Path, limits: Limits = DEFAULT) -> Inspection:
        found = inspect(path, self._fresh("spool"), limits)
        assert not list(self.folder.glob("spool*")), "a look leaves nothing behind"
        return found

    def read(self, path: Path, limits: Limits = DEFAULT, **changes: Any) -> Staged:
        """Read a file by the mapping that is guessed, with some fields corrected."""
        mapping = replace(self.inspect(path, limits).guess.mapping, **changes)
        return self.read_as(path, mapping, limits)

    def read_as(self, path: Path, mapping: Any, limits: Limits = DEFAULT) -> Staged:
        return read(path, mapping, self._fresh("staging"), limits)

    def _fresh(self, name: str) -> Path:
        self._count += 1
        return self.folder / f"{name}{self._count}"


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def rows(staged: Staged) -> list[dict[str, Any]]:
    """All rows of staging; times as naive UTC."""
    found = [row for path in staged.files for row in pq.read_table(path).to_pylist()]
    for row in found:
        if "time" in row:
            row["time"] = row["time"].astimezone(UTC).replace(tzinfo=None)
    return found


def places(staged: Staged) -> list[tuple[str, str]]:
    return [(own.rule, own.where) for own in staged.findings]

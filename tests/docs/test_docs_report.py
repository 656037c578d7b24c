"""The page on reports and comparisons runs as it stands: its numbers are asserted in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .pages import blocks


def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPHINTRA_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "report"}
    for block in blocks("report.md"):
        if block.language == "python":
            exec(block.text, names)
    assert (tmp_path / "report.html").exists() and (tmp_path / "comparison.html").exists()
    assert "the difference may be chance" in names["both"].sentences[0]
    assert "by 6.2\u202fpercentage points" in names["both"].sentences[1]

"""The walk-forward page is run as it stands; its numbers are asserted in it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .pages import blocks


def test_the_page_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPHINTRA_DATA_DIR", str(tmp_path))
    names: dict[str, Any] = {"__name__": "walk_forward"}
    ran = [block for block in blocks("walk-forward.md") if block.language == "python"]
    for block in ran:
        exec(block.text, names)
    assert len(ran) == 4

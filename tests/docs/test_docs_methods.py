"""The pages on sweeps, Monte Carlo, overfitting and replays print what they say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from .pages import blocks


@pytest.mark.parametrize("page", ["monte-carlo.md", "overfitting.md", "replay.md", "sweep.md", "widgets.md"])
def test_examples_print_what_stands_below_them(
    page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ALPHINTRA_DATA_DIR", str(tmp_path))
    names: dict[str, Any] = {"__name__": "page"}
    printed = 0
    for block in blocks(page):
        if block.language == "python":
            exec(block.text, names)
        elif block.language == "text":
            assert capsys.readouterr().out.rstrip() == block.text
            printed += 1
    assert printed

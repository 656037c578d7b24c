"""Each run writes its trial into a data folder of the test's own."""

from __future__ import annotations

from pathlib import Path

import pytest
from alphintra_backtest import books


@pytest.fixture(autouse=True)
def _own_data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPHINTRA_DATA_DIR", str(tmp_path / "alphintra-data"))


@pytest.fixture(params=["plain", "compiled"])
def either_core(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs a test in the plain core, which short runs use, and in its compiled twin, which long runs use."""
    below = 10**12 if request.param == "plain" else 0
    monkeypatch.setattr(books, "PLAIN_BELOW", below)
    monkeypatch.setattr(books, "PLAIN_BARS_BELOW", below)

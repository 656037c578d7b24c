"""The page on metrics: what its examples print is what it states, and its list of differences is true."""

from __future__ import annotations

import contextlib
import io
from pathlib import Path
from typing import Any

import empyrical
import numpy as np
import pytest
from alphintra_backtest import metrics

from .pages import blocks


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPHINTRA_DATA_DIR", str(tmp_path / "data"))


def test_examples_print_what_stands_below_them() -> None:
    page = blocks("metrics.md")
    names: dict[str, Any] = {"__name__": "metrics_page"}
    assert [block.language for block in page] == ["python", "text"] * 3
    for source, stated in zip(page[::2], page[1::2], strict=True):
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(source.text, names)
        assert printed.getvalue().rstrip("\n") == stated.text


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_differences_that_the_page_lists() -> None:
    # Those of rolling forms with labels, columns and windows are in tests/backtest/metrics/test_rolling.py.
    values = np.random.default_rng(1).normal(0, 0.01, 50)
    with pytest.raises(TypeError):
        empyrical.stats.roll_cagr(values, 10)
    assert metrics.roll_cagr(values, 10)[0] == pytest.approx(empyrical.cagr(values[:10]))
    assert np.isfinite(empyrical.alpha_beta(values, values[:-1])).all()
    with pytest.raises(ValueError, match="50 returns cannot be paired with 49"):
        metrics.alpha_beta(values, values[:-1])
    with pytest.raises(ValueError, match="50 returns cannot be paired with 49"):
        metrics.beta_fragility_heuristic(values, values[:-1])
    matrix = np.column_stack([values, values[::-1]])
    assert empyrical.roll_sharpe_ratio(matrix, 10).shape == (10, 41)
    assert metrics.roll_sharpe_ratio(matrix, 10).shape == (41, 2)
    constant = np.full(20, 0.001)
    constant[0] = 0.5
    assert metrics.roll_annual_volatility(constant, 10)[-1] < 1e-15

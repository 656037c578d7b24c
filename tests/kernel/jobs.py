"""Strategies and jobs for the worker's tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SMA_CROSS = """\
import alphintra as al
from shares import SHARE


class SmaCross(al.Strategy):
    fast = al.Param(20, low=2, high=100)
    slow = al.Param(50, low=5, high=300)

    def on_start(self):
        self.fast_ma = self.indicator(al.ta.SMA, self.data.close, self.fast)
        self.slow_ma = self.indicator(al.ta.SMA, self.data.close, self.slow)

    def on_bar(self):
        if al.crossed_above(self.fast_ma, self.slow_ma):
            self.order_target_percent(SHARE)
        elif al.crossed_below(self.fast_ma, self.slow_ma):
            self.close()
"""
SHARES = "SHARE = 0.95\n"

MINIMAL = """\
import alphintra as al
{imports}

class Minimal(al.Strategy):
    def on_start(self):
        self.ma = self.indicator(al.ta.SMA, self.data.close, 10)

    def on_bar(self):
        {body}
"""


def folder(root: Path, files: dict[str, str]) -> Path:
    """Lay out a job's folder."""
    (root / "in" / "source").mkdir(parents=True)
    (root / "out").mkdir()
    for name, text in files.items():
        (root / "in" / "source" / name).write_text(text)
    return root


def job(class_name: str = "SmaCross", **changes: Any) -> dict[str, Any]:
    """A job on Apple's daily bars."""
    return {
        "id": "job-1",
        "kind": "backtest",
        "source": {"file": "strategy.py", "class_name": class_name, "modules": []},
        "data": {"name": "us-equities-daily/AAPL"},
        "parameters": {},
        "configuration": {"start": None, "end": None, "cash": 100_000, "commission": 0.001, "rules": {}},
    } | changes


def log_of(said: list[dict[str, Any]]) -> list[str]:
    """The lines that a job printed; a message may hold several."""
    return [line for message in said if message["type"] == "log" for line in message["text"].split("\n")]

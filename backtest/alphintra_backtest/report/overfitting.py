"""How likely the result is luck: the statistics of the run itself, or of the sweep that it comes from."""

from __future__ import annotations

from typing import Any

from alphintra_backtest.report.account import Account
from alphintra_backtest.study import Section, Text


def section(account: Account) -> Section | None:
    """Return what is known of luck; ``None`` where nothing is."""
    judgement: Any = getattr(account.result, "overfitting", None)
    if judgement is None:
        return None
    blocks = list(judgement.blocks())
    return Section("overfitting", "Overfitting", blocks or [Text(["Too few returns to judge."])])

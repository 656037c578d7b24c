"""How much of the result may be luck, with every trial that is known."""

from __future__ import annotations

from alphintra_backtest.report.account import Account
from alphintra_backtest.study import Section


def section(account: Account) -> Section:
    """Return the judgement of the run: PSR, and DSR with its trials; a sweep's own section adds PBO."""
    return Section("overfitting", "Overfitting", account.result.overfitting.blocks())

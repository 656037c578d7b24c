"""What a run takes where nothing is said."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True)
class RunDefaults:
    """Set by the server's traits; shown by ``/api/system``."""

    dataset: str
    initial_capital: Decimal
    commission: Decimal
    slippage: Decimal

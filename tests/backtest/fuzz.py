"""Random cases by the thousand: ``make test`` runs every so many of them, ``make fuzz`` all."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def one_in(n: int, batches: Iterable[int]) -> list[Any]:
    """Batches as parameters of a test, of which one in ``n`` is not ``slow``, beginning with the first."""
    return [
        pytest.param(batch, marks=() if place % n == 0 else pytest.mark.slow) for place, batch in enumerate(batches)
    ]

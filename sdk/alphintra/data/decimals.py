"""In how many decimals numbers are shown, so that a price has those that it is quoted in and a column's cells agree.

The rules are those of the charts and tables in JupyterLab (``result/format.ts``).
"""

from __future__ import annotations

import math
from collections.abc import Iterable

MOST = 8
_TELLING = 200
_LEAST_TICK = 256
"""Prices in halves to 256ths of one, as bonds are quoted in, are shown whole."""


def quoted_decimals(prices: Iterable[float | None]) -> int:
    """Return the decimals that a market's prices are quoted in: EURUSD in five, USDJPY in three, shares in two.

    Prices with more than six significant digits were calculated (adjusted for dividends, say): their size tells. From
    two to eight.
    """
    sizes = [abs(price) for price in prices if price is not None and math.isfinite(price) and price != 0]
    if not sizes:
        return 2
    most = max(2, min(MOST, 5 - math.floor(math.log10(max(sizes)))))
    told = sizes[:: math.ceil(len(sizes) / _TELLING)]
    needed = max(written_decimals(size) for size in told)
    if needed <= most or (needed <= MOST and all((size * _LEAST_TICK).is_integer() for size in told)):
        return max(2, needed)
    return size_decimals(min(sizes))


def size_decimals(value: float) -> int:
    """Return the decimals that a calculated number needs by its size: two from 1 upwards, five digits below."""
    size = abs(value)
    return 2 if size >= 1 or size == 0 else min(MOST, 4 - math.floor(math.log10(size)))


def written_decimals(value: float) -> int:
    """Return the decimals that a number is written with; sums of binary fractions count as what they stand for."""
    digits, _, exponent = f"{value:.11e}".partition("e")
    return max(0, len(digits.lstrip("-").rstrip("0").rstrip(".").replace(".", "")) - 1 - int(exponent))


def column_decimals(values: Iterable[float | None]) -> int:
    """Return the decimals for all values of a column: none where they are whole numbers alone."""
    told = [value for value in values if value is not None and math.isfinite(value)]
    return 0 if all(value == int(value) for value in told) else quoted_decimals(told)


def axis_text(value: float, decimals: int, most: int = 9) -> str:
    """Return a number for an axis, in at most about so many signs."""
    for places in range(decimals, -1, -1):
        text = f"{value:,.{places}f}"
        if len(text) <= most:
            return text
    for size, sign in ((1e12, "T"), (1e9, "B"), (1e6, "M")):
        if size <= abs(value) < 1e15:
            return f"{value / size:,.2f}{sign}"
    return f"{value:.3g}"

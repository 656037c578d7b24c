"""The basis of prices (rule F8): raw with splits and dividends as events, adjusted, or as given."""

from __future__ import annotations

from typing import Any

from alphintra.data.instrument import did_you_mean
from alphintra.errors import DataError, RuleError

ADJUSTED = "adjusted, dividends reinvested"
RAW = "raw, splits and dividends as events"
RAW_ALONE = "raw, splits and dividends not known"
AS_GIVEN = "as given"

BASES = ("auto", "adjusted", "raw")
DEFAULT_PRICES = "auto"
"""What ``prices=`` is when it is left out."""


def check_prices(prices: Any) -> str:
    """Return the value of ``prices=``, the default for ``None``.

    Raises:
        RuleError: It is none of ``auto``, ``adjusted``, ``raw``.
    """
    if prices is None:
        return DEFAULT_PRICES
    if prices in BASES:
        return str(prices)
    raise RuleError(
        f"prices={prices!r} is not a price basis",
        hint=did_you_mean(str(prices), BASES) + f"It is one of {', '.join(BASES)}.",
    )


def basis(prices: str, *, events: bool, adj_close: bool, source: str = AS_GIVEN) -> str:
    """Choose the basis on which data is traded.

    Args:
        prices: ``auto``, ``adjusted`` or ``raw``.
        events: Whether splits and dividends are known.
        adj_close: Whether there is an adjusted close.
        source: What the prices are without either.

    Returns:
        ``ADJUSTED``, ``RAW``, ``RAW_ALONE``, or ``source``.

    Raises:
        DataError: Raw prices are wanted of data that has only adjusted ones.
    """
    if prices == "adjusted":
        return ADJUSTED if adj_close else source
    if events:
        return RAW
    if prices == "auto":
        return ADJUSTED if adj_close else source
    if source == ADJUSTED:
        raise no_raw_prices("the source has adjusted prices only")
    return RAW_ALONE if adj_close else source


def no_raw_prices(why: str) -> DataError:
    """Return the error for raw prices that there are none of."""
    return DataError(f"there are no raw prices: {why}", code="NO_RAW_PRICES", hint='Use prices="adjusted" or "auto".')

"""Market data: the shipped datasets, and data given directly as files or frames."""

from alphintra.data.market import MarketData, Note, SymbolBars
from alphintra.data.resolve import resolve

__all__ = ["MarketData", "Note", "SymbolBars", "resolve"]

"""Market data: the shipped datasets, and data given directly as files or frames."""

from alphintra.data.dataset import Dataset, DatasetList, load
from alphintra.data.dataset import list_datasets as list
from alphintra.data.market import MarketData, Note, SymbolBars
from alphintra.data.resolve import resolve

__all__ = ["Dataset", "DatasetList", "MarketData", "Note", "SymbolBars", "list", "load", "resolve"]

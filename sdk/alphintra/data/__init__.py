"""Market data: the shipped datasets, and data given directly as files or frames."""

from alphintra.data.dataset import Dataset, DatasetList, load
from alphintra.data.dataset import list_datasets as list
from alphintra.data.detail import detail_rows
from alphintra.data.events import with_events
from alphintra.data.instrument import Instrument
from alphintra.data.labelled import with_calendar
from alphintra.data.market import Actions, MarketData, Note, Rates, SymbolBars
from alphintra.data.referring import add_reference
from alphintra.data.resolve import resolve

__all__ = [
    "Actions",
    "Dataset",
    "DatasetList",
    "Instrument",
    "MarketData",
    "Note",
    "Rates",
    "SymbolBars",
    "add_reference",
    "detail_rows",
    "list",
    "load",
    "resolve",
    "with_calendar",
    "with_events",
]

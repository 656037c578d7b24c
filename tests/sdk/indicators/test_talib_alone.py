"""TA-Lib is loaded without Polars, and knows its Series and tables all the same."""

from __future__ import annotations

import subprocess
import sys

ALONE = """
import sys, threading

import alphintra._talib
import alphintra as al
import numpy as np
import talib
from talib import abstract

assert al.ta.SMA(np.arange(4.0), 2).tolist()[1:] == [0.5, 1.5, 2.5]
print("polars" in sys.modules)

found = []

def elsewhere():
    import polars.io
    from polars import col, DataFrame

    found.append((polars.io.__name__, col.__class__.__name__, isinstance(polars.DataFrame(), DataFrame)))

with alphintra._talib._polars_aside():
    from polars import Series as later

    other = threading.Thread(target=elsewhere)
    other.start()
    other.join()
print(found)

import polars as pl

assert sys.modules["polars"] is pl and hasattr(pl, "scan_csv")
close = pl.Series(np.arange(4.0))
assert isinstance(close, later) and isinstance(later([1.0]), pl.Series) and not isinstance([1.0], later)
for function in (talib.SMA, al.ta.SMA):
    average = function(close, 2)
    print(type(average).__name__, average.to_list()[1:])
table = pl.DataFrame({"close": np.arange(9.0)})
bands = abstract.BBANDS(table, 2)
print(type(abstract.SMA(table, 2)).__name__, isinstance(bands, pl.DataFrame), bands.shape)
print(talib.stream.SMA(close, 2).value)
"""


def test_polars_waits_until_somebody_has_a_table_of_it() -> None:
    """Another thread that imports it meanwhile gets the whole of it."""
    done = subprocess.run([sys.executable, "-c", ALONE], capture_output=True, text=True, check=False)
    expected = """False
[('polars.io', 'Col', True)]
Series [0.5, 1.5, 2.5]
Series [0.5, 1.5, 2.5]
Series True (9, 3)
2.5
"""
    assert (done.stdout, done.stderr[-2000:]) == (expected, "")

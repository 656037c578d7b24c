"""Prices are shown in the decimals that they are quoted in, in tables, in cells and at axes."""

import re
from types import SimpleNamespace

import alphintra as al
import pandas as pd
import pyarrow as pa
import pytest
from alphintra.data import stored_display
from alphintra.data.decimals import axis_text, column_decimals, quoted_decimals

from ..store.made import write


@pytest.mark.parametrize(
    ("prices", "decimals"),
    [
        ([1.0716, 1.07219], 5),
        ([112.345, 112.3], 3),
        ([27.52, None, float("nan")], 2),
        ([100.0], 2),
        ([101.125], 3),
        ([112.03125, 98.5], 5),  # a bond, in thirty-seconds
        ([43_123.45], 2),
        ([2208.050049, 4.186662803811], 2),  # adjusted: calculated
        ([0.1 + 0.2, 0.7 + 0.1], 2),
        ([0.00001234], 8),
        ([1e-9], 8),
        ([], 2),
    ],
)
def test_how_many_decimals_a_market_is_quoted_in(prices, decimals):
    assert quoted_decimals(prices) == decimals


def test_whole_numbers_have_none_and_an_axis_has_room():
    assert (column_decimals([1_000.0, 12.0, None]), column_decimals([1_000.0, 12.5])) == (0, 2)
    told = [(1.08345, 5), (43_123.45, 2), (1_234_567.89, 2), (12_345_678.0, 0), (-0.00001234, 8), (2e17, 0)]
    assert [axis_text(*own) for own in told] == ["1.08345", "43,123.45", "1,234,568", "12.35M", "-0.000012", "2e+17"]


def test_cells_and_pictures_show_them(tmp_path):
    """The bars of an exchange rate, given as a frame and out of a store, with a volume of whole numbers."""
    close = [1.08345, 1.08, 1.0921, 1.0835]
    index = pd.date_range("2024-01-02", periods=4, tz="UTC")
    frame = pd.DataFrame(
        {"open": 1.0835, "high": 1.0925, "low": 1.0799, "close": close, "volume": [1e3, 2e3, 3e3, 4e3]}, index=index
    )
    shown = al.data.load(frame)
    html = shown._repr_mimebundle_(include=["text/html"])["text/html"]
    assert ">1.08350</td>" in html
    axis = re.findall(r'text-anchor="end" opacity=".75">([^<]*)<', shown.chart().svg())
    assert axis[:3] == ["1.07990", "1.08620", "1.09250"]
    axis = re.findall(r'text-anchor="end" opacity=".75">([^<]*)<', shown.chart(column="volume").svg())
    assert axis[:3] == ["1,000", "2,500", "4,000"]
    # A version in a store: the least and the most may be written in fewer decimals than the rest.
    rows = pa.Table.from_pandas(frame.rename_axis("time").reset_index(), preserve_index=False)
    rows = rows.set_column(0, "time", rows["time"].cast(pa.timestamp("us", "UTC")))
    manifest = write(tmp_path, {"EURUSD": rows})
    html = stored_display.html(SimpleNamespace(about=manifest, name="rates@1", symbols=manifest.symbols))
    cells = [re.findall(r"<td[^>]*>([^<]*)</td>", row) for row in re.findall(r"<tr.*?</tr>", html)[1:]]
    told = {row[0]: row[4:] for row in cells}
    assert told["close"] == ["1.08000", "1.08476", "1.09210"]
    assert told["volume"] == ["1,000", "2,500.00", "4,000"]

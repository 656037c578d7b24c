"""The page on charts and downloads: its examples run, its numbers and formats are those of the code."""

import json
import re
from pathlib import Path

import alphintra as al
import pandas as pd
import pyarrow.parquet as pq
import pytest
from alphintra.data.sources import FOLDER_VARIABLE
from alphintra.errors import DataError, UnknownDataset
from alphintra.store import sweeping
from alphintra.store.blobs import Folder
from alphintra.store.candles import MOST_POINTS
from alphintra.store.committing import commit
from alphintra.store.exporting import FORMATS
from alphintra.store.spreadsheet import MOST_ROWS
from alphintra_server.readers.pool import Bounds
from alphintra_server.settings import Settings

from tests.sdk.store.made import bars, write

PAGE = (Path(__file__).parents[2] / "docs" / "downloading.md").read_text()


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs, table = Folder(tmp_path), bars(5_000, 1)
    with sweeping.lease(tmp_path, "me") as folder:
        write(folder, {"AAPL": table, "MSFT": bars(300, 2)}, "v2")
        with commit(blobs, "me", folder, "v2"):
            pass
    datasets = {"prices": {"owner": "me", "versions": [["2", "v2"]]}}
    (tmp_path / "index.json").write_text(json.dumps({"format": "alphintra-datasets/1", "datasets": datasets}))
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(block, {"al": al})
    assert pd.read_csv("aapl.csv")["high"].tolist() == table["high"].to_pylist()
    assert pq.read_table("shares.parquet").num_rows == 12_154

    # What a cell shows is bounded, and says what it is of.
    data = al.data.load("prices@2/AAPL", start="2020-01-01", end="2020-01-03")
    chart = data.chart(points=400)
    assert repr(chart) == (
        "prices@2/AAPL: 4,320 of 5,000 rows in 270 candles of 16, the first of 2020-01-01 00:00 UTC, the last of "
        "2020-01-03 23:44 UTC"
    )
    assert chart.candles.high[1] == max(table["high"].to_pylist()[16:32])
    svg = chart.html()
    assert svg.count("V") == 270  # wicks
    assert len(re.findall(r"h-[\d.]+z", svg)) == 2 * 270  # bodies and volumes
    line = al.data.load("prices@2").chart("MSFT", column="volume")
    assert line.html().count("polyline") == 1
    told = "prices@2, MSFT, volume: 300 of 300 rows, 2020-01-01 00:00 UTC to 2020-01-01 04:59 UTC"
    assert repr(line) == told
    assert repr(data.chart(start="2030-01-01", end="2030-01-02")) == "prices@2/AAPL: nothing to draw"
    assert al.data.load("prices@2/AAPL", as_of="2020-01-01 12:00").chart().candles.rows.sum() == 720
    ships = "vix-daily: 1,259 of 1,259 rows in 315 candles of 4, the first of 2014-01-03, the last of 2018-12-31"
    assert repr(al.data.load("vix-daily").chart()) == ships
    for how, error in (({"points": 4_001}, DataError), ({"symbol": "X"}, UnknownDataset)):
        with pytest.raises(error):
            data.chart(**how)


def test_its_numbers_are_those_of_the_code() -> None:
    bounds = Bounds()
    assert (bounds.of_a_user, bounds.downloads, bounds.idle_seconds) == (4, 2, 60.0)
    assert Settings.class_traits()["max_readers"].default_value == bounds.most == 8
    assert Settings.class_traits()["reader_idle_seconds"].default_value == bounds.idle_seconds
    for said in (
        ", ".join(f"`{name}`" for name in ("csv", "jsonl", "parquet", "feather", "xlsx")),
        f"(up to {MOST_POINTS:,}) candles",
        f"{MOST_ROWS - 1:,} rows and a line of names",
        "at most four readers at once, of which two write files",
        f"`max_readers` ({bounds.most})",
    ):
        assert said in PAGE, said
    assert set(FORMATS) == {"csv", "jsonl", "parquet", "feather", "xlsx"}

"""The examples of the page on stored datasets run, and its numbers are those of the code."""

import json
import re
from pathlib import Path

import alphintra as al
import pytest
from alphintra.data.content_hash import BLOCK_ROWS
from alphintra.data.sources import FOLDER_VARIABLE
from alphintra.store import cache, manifest, sampling, statistics, sweeping
from alphintra.store.blobs import Folder
from alphintra.store.committing import commit
from alphintra.store.open_file import Rules
from alphintra.store.opening import open_version

from tests.sdk.store.made import bars, expected_hash, write

PAGE = (Path(__file__).parents[2] / "docs" / "stored-datasets.md").read_text()


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blobs = Folder(tmp_path)
    for version, rows in (("v1", 2_990), ("v2", 3_000)):
        with sweeping.lease(tmp_path, "me") as folder:
            write(folder, {"AAPL": bars(3_100, 1).slice(0, rows), "MSFT": bars(3_000, 2)}, version)
            with commit(blobs, "me", folder, version):
                pass
    datasets = {"prices": {"owner": "me", "versions": [["1", "v1"], ["2", "v2"]]}}
    (tmp_path / "index.json").write_text(json.dumps({"format": "alphintra-datasets/1", "datasets": datasets}))
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    table = bars(3_100, 1)
    names = {"folder": tmp_path / "v3", "later": table.slice(3_000)}
    names |= {"al": al, "old": open_version(blobs, "me", "v1"), "new": open_version(blobs, "me", "v2")}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(block, names)
    assert f"data  # {names['data']!r}\n" in PAGE
    assert len(names["one"].to_arrow()) == 721
    assert (names["found"].rows_added, names["found"].places[0].time) == (10, "2020-01-03T01:50:00Z")
    assert (names["shown"].rows_each, len(names["shown"].time)) == (8, 375)
    whole = {"AAPL": table, "MSFT": bars(3_000, 2)}
    assert names["manifest"].content_hash == expected_hash(whole)
    assert len(al.data.load("prices@2/AAPL", as_of="2020-01-01 12:00").to_arrow()) == 720
    assert al.data.load("prices@2/AAPL", reference="actions@1").events()["value"].tolist() == [4.0]
    assert names["held"].run["reference"]["dataset"] == "actions@1"
    held = names["held"]  # bought in several parts on the day before the split
    assert held.positions["quantity"].iloc[-1] == pytest.approx(4 * held.fills["quantity"].sum())
    market = al.data.resolve("prices@2/AAPL")
    assert market.dataset_hash == al.data.load("prices@2/AAPL").content_hash


def test_the_numbers() -> None:
    rules = Rules()
    for text in (
        f"at most\n{rules.group_rows:,} rows",
        f"at most {rules.groups} row groups",
        f"closed at {rules.file_bytes >> 20} MB",
        f"up to {rules.shared_bytes >> 20} MB",
        f"blocks of {BLOCK_ROWS:,} rows",
        f"up to {sampling.MOST_ROWS:,} rows",
        f"more than {8_388_608 // rules.group_rows} columns",
    ):
        assert text in PAGE, text
    assert (rules.group_rows, rules.groups) == (manifest.GROUP_ROWS, manifest.MOST_GROUPS)
    assert (sweeping.UNUSED_SECONDS, len(statistics.QUANTILES)) == (86_400.0, 9)  # "after a day"
    assert cache.MOST_BYTES == 20 << 30

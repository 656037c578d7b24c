"""The examples of the data page run, and its numbers are those of the data."""

import re
from pathlib import Path

import alphintra as al
import numpy as np
import pandas as pd

PAGE = (Path(__file__).parents[2] / "docs" / "data.md").read_text()


def test_the_examples_run() -> None:
    names = {"al": al, "pd": pd}
    found = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    assert len(found) == 7
    markets = []
    for code in found:
        exec(code, names)
        markets.append(names.get("market"))
    simulated = markets.pop(0)
    assert f"# '{simulated.notes[0].text}'\n" in PAGE
    assert f"{len(simulated.bars['SIMA']) * 3:,} minutes" in PAGE
    assert markets[0].prices == "raw, splits and dividends as events"
    assert list(markets[1].actions["AAPL"].split) == [4.0, 1.0]
    assert not [note for note in markets[1].notes if note.level == "warning"]
    first, last = al.data.detail_rows(markets[4])["DATA"]
    assert (list(first), list(last)) == ([0, 7, 7, 7], [7, 7, 7, 7])
    assert markets[5].calendar == "XLON"


def test_all_that_ships_is_named() -> None:
    listed = re.findall(r"`([a-z]+-[a-z-]+)`", PAGE.split("## Raw")[0])
    assert sorted(listed) == sorted(al.data.list().names)


def test_the_number_of_events() -> None:
    actions = al.data.resolve("us-equities-daily", prices="auto").actions.values()
    assert sum(int((own.split != 1).sum()) for own in actions) == 3
    dividends = np.concatenate([own.dividend[own.dividend > 0] for own in actions])
    assert f"{len(dividends)} dividends" in PAGE

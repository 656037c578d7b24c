"""The examples of the page on features run, and say what the page says."""

import re
from pathlib import Path

import alphintra as al
import numpy as np
import pandas as pd
from alphintra.data import features

PAGE = (Path(__file__).parents[2] / "docs" / "features.md").read_text()


def test_the_examples_run() -> None:
    names = {"al": al, "np": np, "pd": pd}
    for block in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL):
        exec(block, names)
    assert names["result"].run["features"]["vix"]["dataset"] == "vix-daily"
    assert len(names["result"].fills) > 20
    # The same decisions from the day on that both are asked.
    begin = pd.Timestamp("2014-07-01", tz="UTC")
    times = [set(run.fills.time[run.fills.time > begin][2:]) for run in (names["result"], names["whole"])]
    assert len(times[1]) > 20
    assert times[1] <= times[0]
    told = dict(re.findall(r'seen\["(\S+)"\]  # (.*)', PAGE))
    assert len(told) == 3
    assert {day: repr(names["seen"][day]) for day in told} == told
    assert f"up to {features.MOST_NAME} characters; at most {features.MOST_SETS} sets" in PAGE

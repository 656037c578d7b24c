"""``alphintra walk-forward``: the same as ``al.walk_forward``, as text, JSON and a page."""

from __future__ import annotations

import json
from pathlib import Path

import alphintra as al
import pytest
from alphintra import cli

SOURCE = '''
import alphintra as al


class Cross(al.Strategy):
    length = al.Param(20, low=2, high=200)
    size = al.Param(0.9, low=0.1, high=1.0)

    def on_start(self):
        self.average = self.indicator(al.ta.SMA, self.data.close, self.length)

    def on_bar(self):
        if al.crossed_above(self.data.close, self.average):
            self.order_target_percent(self.size)
        elif al.crossed_below(self.data.close, self.average):
            self.close()
'''
COMMAND = (
    "--data us-equities-daily/IBM --grid length=20,50 --param size=0.5 --train 4Y --test 800 --purge 3 --flatten "
    "--min-trades 5 --commission 0.001 --executor serial"
)


@pytest.fixture
def file(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("ALPHINTRA_DATA_DIR", str(tmp_path / "data"))
    (tmp_path / "crossing.py").write_text(SOURCE)
    return tmp_path / "crossing.py"


def test_it_walks_as_the_function_does(file, capsys, tmp_path):
    page = tmp_path / "walk.html"
    argv = ["walk-forward", f"{file}:Cross", *COMMAND.split(), "--json", "--report", str(page)]
    assert cli.main(argv) == 0
    document = json.loads(capsys.readouterr().out)
    names: dict = {}
    exec(SOURCE, names)
    walk = al.walk_forward(
        names["Cross"], "us-equities-daily/IBM", {"length": [20, 50], "size": 0.5}, train="4Y", test=800, purge=3,
        flatten=True, min_trades=5, commission=0.001, executor="serial",
    )  # fmt: skip
    assert [w["params"] for w in document["windows"]] == walk.windows["params"].tolist()
    assert document["windows"][0]["purged_end"] == walk.windows["purged_end"][1].isoformat().replace("+00:00", "Z")
    assert document["metrics"]["final_equity"] == walk.result.metrics["final_equity"]
    assert document["efficiency"] == walk.to_dict()["efficiency"]
    assert document["run"]["method"] == "WALK_FORWARD"
    assert page.read_text(encoding="utf-8").lower().startswith("<!doctype html>")


def test_it_prints_the_page_and_the_windows(file, capsys):
    assert cli.main(["walk-forward", f"{file}:Cross", *COMMAND.split()]) == 0
    out = capsys.readouterr().out
    assert out.startswith("Cross: walk-forward of 3 windows\n")
    assert len(out.split("\n\n")[-1].strip().splitlines()) == 5  # two lines of heading, three windows


def test_bad_windows_are_told(file, capsys):
    argv = COMMAND.replace("--test 800", "--test fortnight").split()
    assert cli.main(["walk-forward", f"{file}:Cross", *argv]) == 2
    assert "test='fortnight' is no length of a window" in capsys.readouterr().err

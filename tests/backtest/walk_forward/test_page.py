"""The page of a walk-forward: plain JSON, the figures of the windows, and sentences that say what they mean."""

from __future__ import annotations

import json

import alphintra as al
import pytest
from alphintra_backtest.study import MIME_TYPE

from .market import Cross, noise


@pytest.fixture(scope="module")
def walk(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALPHINTRA_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        yield al.walk_forward(
            Cross, noise(500, 5), {"length": [5, 10, 20], "stop": [0.02, 0.2]}, train=150, test=100, purge=2,
            min_trades=3, commission=0.001, executor="serial",
        )  # fmt: skip


def blocks(payload, kind):
    return {b["name"]: b for s in payload["sections"] for b in s["blocks"] if b["type"] == kind and "name" in b}


def test_a_page_has_the_windows_the_account_and_the_judgement(walk):
    payload = walk.study().payload()
    json.dumps(payload, allow_nan=False)
    assert payload["kind"] == "walk_forward"
    assert payload["title"] == "Cross: walk-forward of 4 windows"
    assert [s["name"] for s in payload["sections"]] == ["account", "selection", "stability", "overfitting"]
    assert ["purge", "2 bars"] in payload["chips"]
    assert ["train", "150 sessions"] in payload["chips"]
    figures = blocks(payload, "figure")
    assert {"account", "train_test", "scatter", "chosen_length", "chosen_stop"} <= set(figures)
    assert all(f["alt"] for f in figures.values())
    assert len(figures["account"]["layout"]["shapes"]) == 2  # every second of four windows
    test_bars, training = figures["train_test"]["data"]
    assert test_bars["y"] == walk.windows["test_metric"].tolist()
    assert training["y"] == walk.windows["train_metric"].tolist()
    rows = blocks(payload, "table")["windows"]["rows"]
    assert [row[3:5] for row in rows] == [[p["length"], p["stop"]] for p in walk.windows["params"]]
    assert rows[0][1:3] == ["2015-01-01 to 2015-07-29", "2015-07-30 to 2015-12-16"]
    assert figures["chosen_length"]["data"][0]["y"] == [str(v) for v in walk.parameters["length"]]


def test_sentences_say_what_the_numbers_mean(walk):
    first, second, *rest = walk.study().sentences
    ratio = walk.efficiency["annualized_return"]
    assert first.startswith("Out of sample the account made ")
    assert (f"(efficiency {ratio:.2f})" in first) == (ratio == ratio and ratio >= 0)
    above = sum(v > 0 for v in walk.windows["test_metric"])
    assert second.startswith(f"Sharpe was above 0 in {above} of 4 test windows")
    changes = int(walk.stability.loc["length", "changes"])
    told = {0: "never", 1: "once", 2: "twice", 3: "3 times"}[changes]
    assert rest[0].startswith(f"length changed {told} in 4 windows; ")
    assert any("variants tried" in line for line in rest)


def test_one_parameter_is_drawn_over_its_landscape():
    found = al.walk_forward(
        Cross, noise(400, 5), {"length": [5, 10, 20]}, train=150, test=100, min_trades=3, executor="serial"
    )
    heat, line = blocks(found.study().payload(), "figure")["landscape"]["data"]
    assert heat["y"] == ["5", "10", "20"]
    assert [row[0] for row in heat["z"]] == found.trials.query("window == 1")["sharpe_ratio"].tolist()
    assert line["y"] == [str(v) for v in found.parameters["length"]]


def test_a_walk_that_traded_nothing_has_a_page_too():
    found = al.walk_forward(
        Cross, noise(300, 5), {"length": [5]}, train=100, test=100, min_trades=999, executor="serial"
    )
    study = found.study()
    json.dumps(study.payload(), allow_nan=False)
    assert study.sentences[0] == "Nothing was traded: in none of 2 windows did a variant qualify."
    assert {w["code"] for w in study.warnings} >= {"SINGLE_TRIAL", "FEW_WINDOWS", "idle_windows"}


def test_a_notebook_shows_it(walk):
    bundle = walk._repr_mimebundle_()
    assert set(bundle) == {MIME_TYPE, "text/html", "text/plain"}
    assert "walk-forward of 4 windows" in bundle["text/html"]
    assert "Efficiency" in bundle["text/plain"]

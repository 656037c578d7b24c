"""The benchmark's comparison can fail, names where, and its bars are the same every time."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    import importlib

    return importlib.import_module("run")


ANSWER = {
    "fills": [[60_000_000, "BUY", 100.0, 101.5, 2.03], [120_000_000, "SELL", 100.0, 102.0, 2.04]],
    "equity": 1_000_045.93,
}


def test_equal_answers_differ_nowhere(bench: Any) -> None:
    assert bench.difference("peer", ANSWER, copy.deepcopy(ANSWER)) is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda a: a["fills"][1].__setitem__(0, 180_000_000), "fill 1: "),
        (lambda a: a["fills"][0].__setitem__(1, "SELL"), "fill 0: "),
        (lambda a: a["fills"][0].__setitem__(2, 101.0), "fill 0: "),
        (lambda a: a["fills"][1].__setitem__(3, 102.00001), "fill 1: "),
        (lambda a: a["fills"][1].__setitem__(4, 0.0), "fill 1: "),
        (lambda a: a["fills"].pop(), "we have 2 fills, peer has 1"),
        (lambda a: a.__setitem__("equity", 1_000_046.93), "final equity: "),
    ],
)
def test_each_difference_is_found(bench: Any, change: Any, said: str) -> None:
    theirs = copy.deepcopy(ANSWER)
    change(theirs)
    assert bench.difference("peer", ANSWER, theirs).startswith(said)


def test_sweeps_are_compared_variant_by_variant(bench: Any) -> None:
    ours = {"equities": [1_000_000.0, 999_000.5]}
    assert bench.apart(ours, copy.deepcopy(ours)) is None
    assert bench.apart(ours, {"equities": [1_000_000.0, 999_000.6]}).startswith("variant 1: our final equity is")
    assert bench.apart(ours, {"equities": [1_000_000.0]}) == "we have 2 variants, the peer has 1"


def test_the_bars_are_seeded_and_well_formed(bench: Any) -> None:
    a, b = bench.bars.random_walk(500), bench.bars.random_walk(500)
    assert np.array_equal(a["close"], b["close"])
    assert (a["low"] <= np.minimum(a["open"], a["close"])).all()
    assert (a["high"] >= np.maximum(a["open"], a["close"])).all()
    assert set(np.diff(a["time"])) == {60_000_000}


def test_our_engine_trades_each_crossing_at_the_next_open(bench: Any, tmp_path: Path) -> None:
    """Against a reference of a few lines: averages by cumulative sums, fills at the open after a crossing."""
    bars = bench.bars.random_walk(3_000)
    np.savez(tmp_path / "bars.npz", **bars)
    env = {**os.environ, "ALPHINTRA_DATA_DIR": str(tmp_path)}
    command = [
        sys.executable, str(BENCHMARKS / "engine_alphintra.py"), str(tmp_path / "bars.npz"),
        str(tmp_path / "answer.json"), "1",
    ]  # fmt: skip
    subprocess.run(command, env=env, check=True)
    answer = json.loads((tmp_path / "answer.json").read_text())
    averages = {}
    for n in (50, 200):
        total = np.concatenate(([0.0], np.cumsum(bars["close"])))
        averages[n] = np.full(3_000, np.nan)
        averages[n][n - 1 :] = (total[n:] - total[:-n]) / n
    above = averages[50] > averages[200]
    expected, held = [], False
    for i in range(200, 2_999):
        if above[i] and not above[i - 1]:
            expected.append((int(bars["time"][i + 1]), "BUY", bars["open"][i + 1]))
            held = True
        elif not above[i] and above[i - 1] and held:
            expected.append((int(bars["time"][i + 1]), "SELL", bars["open"][i + 1]))
            held = False
    assert len(expected) > 10
    assert [(t, side, p) for t, side, _, p, _ in answer["fills"]] == expected
    signs = {"BUY": -1, "SELL": 1}
    cash = 1_000_000 + sum(100 * p * (signs[s] - 0.0002) for _, s, p in expected)
    assert answer["equity"] == pytest.approx(cash + 100 * held * bars["close"][-1], rel=1e-12)

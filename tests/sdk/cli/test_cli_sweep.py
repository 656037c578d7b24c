"""``alphintra sweep``: grids as they are typed, what it prints, and what it says of wrong input."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from alphintra import cli, cli_text
from alphintra.errors import ParameterError

SOURCE = """
import alphintra as al

class Cross(al.Strategy):
    fast = al.Param(10, low=2, high=60)
    slow = al.Param(50, low=5, high=250)
    part = al.Param(0.9, low=0.0, high=1.0)

    def on_start(self):
        self.a = self.indicator(al.ta.SMA, self.data.close, self.fast)
        self.b = self.indicator(al.ta.SMA, self.data.close, self.slow)

    def on_bar(self):
        if al.crossed_above(self.a, self.b):
            self.order_target_percent(self.part)
        elif al.crossed_below(self.a, self.b):
            self.close()
"""


@pytest.fixture(autouse=True)
def _private_data_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ALPHINTRA_DATA_DIR", str(tmp_path / "data"))


@pytest.fixture
def target(tmp_path) -> str:
    (tmp_path / "cross_swept.py").write_text(SOURCE)
    return f"{tmp_path / 'cross_swept.py'}:Cross"


def run(capsys, *argv: str) -> tuple[int, str, str]:
    status = cli.main(["sweep", *argv])
    captured = capsys.readouterr()
    return status, captured.out, captured.err


DATA = ("--data", "us-equities-daily/AAPL", "--start", "2009-01-02", "--commission", "0.001", "--quiet")


def test_a_sweep_prints_its_sentences_and_the_best(target, capsys):
    import alphintra as al

    grid = ("--grid", "fast=5:15:5", "--grid", "slow=10,50", "--constraint", "fast < slow")
    status, out, _ = run(capsys, target, *DATA, *grid, "--top", "2")
    assert status == 0
    lines = out.splitlines()
    assert lines[0] == "Cross: sweep of 4 variants"
    sharpe = {}
    strategy = cli_text.load_strategy(target)
    for fast, slow in ((5, 10), (5, 50), (10, 50), (15, 50)):
        params = {"fast": fast, "slow": slow}
        result = al.backtest(strategy, DATA[1], start="2009-01-02", commission=0.001, params=params)
        sharpe[fast, slow] = result.metrics["sharpe_ratio"]
    order = sorted(sharpe, key=sharpe.get, reverse=True)
    rows = [line.split() for line in lines[-2:]]
    assert [(int(r[1]), int(r[2])) for r in rows] == order[:2]
    assert float(rows[0][3]) == pytest.approx(sharpe[order[0]], abs=1e-6)
    assert f"fast={order[0][0]}, slow={order[0][1]} has the highest Sharpe" in out


def test_json_csv_and_report(target, capsys, tmp_path):
    table, page = tmp_path / "t.csv", tmp_path / "t.html"
    status, out, err = run(
        capsys, target, *DATA, "--grid", "fast=5,8", "--param", "slow=40", "--json", "--csv", str(table), "--report",
        str(page), "--metric", "max_drawdown",
    )  # fmt: skip
    content = json.loads(out)
    assert status == 0
    assert [v["parameters"] for v in content["variants"]] == [
        {"fast": 5, "slow": 40, "part": 0.9}, {"fast": 8, "slow": 40, "part": 0.9},
    ]  # fmt: skip
    rows = list(csv.DictReader(table.open()))
    assert [float(r["final_equity"]) for r in rows] == [v["metrics"]["final_equity"] for v in content["variants"]]
    assert content["metric"] == "max_drawdown"
    assert page.read_text().lstrip().lower().startswith("<!doctype html")
    assert err == f"report: {page}\ntable: {table}\n"


def test_random_with_an_interval(target, capsys):
    argv = (*DATA, "--grid", "fast=5:15", "--grid", "part=0.5", "--method", "random", "--trials", "3", "--json")
    status, out, _ = run(capsys, target, *argv)
    variants = json.loads(out)["variants"]
    assert status == 0 and len(variants) == 3
    assert all(5 <= v["parameters"]["fast"] <= 15 and v["parameters"]["part"] == 0.5 for v in variants)
    assert json.loads(run(capsys, target, *argv)[1])["variants"] == variants


def test_grids_as_they_are_typed():
    typed = ["a=5:15:5", "b=20,50, 100", "c=0.1:0.5:0.2", "d=up,down", "e=true", 'f=["x:y", "z"]', "g=2:4"]
    assert cli_text.grid_from_text(typed, drawn=False) == {
        "a": range(5, 16, 5), "b": [20, 50, 100], "c": [0.1, 0.3, 0.5], "d": ["up", "down"], "e": [True],
        "f": ["x:y", "z"], "g": range(2, 5),
    }  # fmt: skip
    assert cli_text.grid_from_text(["a=5:15", "b=0.5:1", "c=5:15:5"], drawn=True) == {
        "a": (5, 15), "b": (0.5, 1.0), "c": range(5, 16, 5),
    }  # fmt: skip
    for wrong in ("a", "a=", "=5", "a=1:2:3:4", "a=1:x", "a=1:5:0", "a=1:5:-1", "a=nan:5:1", "a=0:1:1e-9"):
        with pytest.raises(ParameterError, match="--grid"):
            cli_text.grid_from_text([wrong], drawn=False)


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        ((), "EMPTY_GRID: the grid is empty"),
        (("--grid", "fast=5:9", "--constraint", "fast > slow"), "NOTHING_ALLOWED: the constraint excludes all 5"),
        (("--grid", "fast=5:9", "--constraint", "open('x') < fast"), "BAD_PARAMETER: the constraint"),
        (("--grid", "fast=0:9"), "BAD_PARAMETER: fast=0 is below its low of 2"),
        (("--grid", "fast=5:9", "--executor", "dask://nowhere"), "UNKNOWN_EXECUTOR"),
        (("--grid", "fast=5:9", "--metric", "sharp"), "there is no metric 'sharp'"),
    ],
)
def test_wrong_input_says_what_to_do(target, capsys, argv, said):
    status, out, err = run(capsys, target, *DATA, *argv)
    assert (status, out) == (2, "")
    assert said in err


def test_an_interrupt_says_how_to_go_on(target, capsys, monkeypatch, tmp_path: Path):
    from alphintra_backtest.sweep import executors, variant

    ran = []

    def interrupted(job, tasks):
        for number, params in tasks:
            if len(ran) == 2:
                raise KeyboardInterrupt
            ran.append(number)
            yield variant.run_variant(job.strategy, job.market, number, params, job.options)

    argv = (target, *DATA, "--grid", "fast=5:8", "--executor", "serial", "--resume", str(tmp_path / "kept.jsonl"))
    with monkeypatch.context() as patch:
        patch.setattr(executors, "run_chunk", interrupted)
        status, _, err = run(capsys, *argv)
    assert status == 130
    assert err.splitlines() == [
        "alphintra: interrupted",
        f"alphintra: 2 of 4 variants are finished and kept: go on with resume='{tmp_path / 'kept.jsonl'}'",
    ]
    status, out, _ = run(capsys, *argv, "--json")
    assert status == 0 and len(json.loads(out)["variants"]) == 4

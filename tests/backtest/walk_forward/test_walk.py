"""Selection against loops of plain runs, the windows' figures against pandas, and what is refused."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import threading

import alphintra as al
import numpy as np
import pandas as pd
import pytest
from alphintra.errors import Cancelled, DataError, ExecutorError, ParameterError, RuleError, StrategyError
from alphintra_backtest.sweep.variant import Variant
from alphintra_backtest.walk_forward.selection import Rule, choose

from .market import Cross, CrossSignals, noise, ramp

GRID = {"length": [5, 10, 20], "stop": [0.02, 0.2]}


def by_loops(strategy, bars, points, train_first, purged_stop, metric, min_trades, **options):
    """The parameters a training window speaks for: a loop of plain runs, the first of the best."""
    best, top = None, -math.inf
    for point in points:
        start = bars.index[train_first].date()
        result = al.backtest(strategy, bars.iloc[:purged_stop], start=start, params=point, **options)
        value = result.metrics[metric]
        if result.metrics["total_trades"] >= min_trades and value > top:
            best, top = point, value
    return best, top


@pytest.mark.parametrize(
    ("anchored", "purge", "metric", "strategy"),
    [(False, 0, "sharpe_ratio", Cross), (True, 5, "total_return", Cross), (False, 3, "sortino_ratio", CrossSignals)],
)
def test_each_window_is_chosen_as_a_loop_of_plain_runs_does(anchored, purge, metric, strategy):
    bars = noise(400, 21)
    grid = GRID if strategy is Cross else {"length": [5, 10, 20]}
    found = al.walk_forward(
        strategy, bars, grid, train=150, test=100, anchored=anchored, purge=purge, metric=metric, min_trades=3,
        commission=0.0005, executor="serial",
    )  # fmt: skip
    stops = grid.get("stop", [None])
    points = [
        {"length": n} if s is None else {"length": n, "stop": s} for n in grid["length"] for s in stops
    ]
    assert len(found.windows) == 3
    for n, (_, row) in enumerate(found.windows.iterrows()):
        test = 150 + 100 * n
        first = 0 if anchored else test - 150
        best, top = by_loops(strategy, bars, points, first, test - purge, metric, 3, commission=0.0005)
        assert row["params"] == best
        assert row["train_metric"] == pytest.approx(top, rel=1e-12)
        assert (row["train_start"], row["train_end"]) == (bars.index[first], bars.index[test - 1])
        last = row["purged_end"].tz_localize(None) - pd.Timedelta(microseconds=1)  # a bar closes at midnight
        assert last.normalize() == bars.index[test - purge - 1]
        assert (row["test_start"], row["test_end"]) == (bars.index[test], bars.index[min(test + 99, 399)])


def test_figures_of_each_window_are_those_of_the_account_there():
    bars = noise(400, 5)
    found = al.walk_forward(
        Cross, bars, GRID, train=150, test=100, min_trades=3, risk_free_rate=0.02, executor="serial"
    )
    equity = found.result.equity.to_numpy()  # its first value is that of bar 149
    rate = 1.02 ** (1 / 252) - 1
    for n, (_, row) in enumerate(found.windows.iterrows()):
        own = pd.Series(equity[100 * n : 100 * n + 101]).pct_change().dropna()
        excess = own - rate
        assert row["test_metric"] == pytest.approx(math.sqrt(252) * excess.mean() / excess.std(ddof=1), rel=1e-9)
        assert row["test_return"] == pytest.approx((1 + own).prod() ** (252 / len(own)) - 1, rel=1e-9)
        if row["train_return"] > 0 and n < 2:  # the third window has 50 sessions of 100
            assert row["efficiency"] == pytest.approx(row["test_return"] / row["train_return"])
        else:
            assert math.isnan(row["efficiency"])
    closed = found.result.trades[~found.result.trades["open"]]
    assert found.windows["trades"].sum() == len(closed)
    edges = found.result.equity.index[[100 * n for n in range(len(found.windows))]]
    for n, (_, row) in enumerate(found.windows.iterrows()):
        until = edges[n + 1] if n + 1 < len(edges) else found.result.equity.index[-1]
        assert row["trades"] == ((closed["exit_time"] > edges[n]) & (closed["exit_time"] <= until)).sum()
    overall = found.result.metrics["annualized_return"] / np.mean(found.windows["train_return"])
    assert found.efficiency["annualized_return"] == pytest.approx(overall)
    ratio = found.result.metrics["sharpe_ratio"] / np.mean(found.windows["train_metric"])
    assert found.efficiency["sharpe_ratio"] == pytest.approx(ratio)


def variants(*rows: tuple[float, int]) -> list[Variant]:
    return [
        Variant(n, {"x": n}, {"sharpe_ratio": value, "total_trades": trades}, np.empty(0))
        for n, (value, trades) in enumerate(rows)
    ]


def test_the_best_metric_with_enough_trades_wins_and_the_first_of_equals():
    nan = math.nan
    rule = Rule("sharpe_ratio", None, 10)
    assert choose(variants((0.5, 20), (0.9, 9), (0.7, 10), (0.7, 50), (nan, 99)), rule).chosen == 2
    assert choose(variants((-0.5, 20), (-0.9, 20)), rule).chosen == 0
    assert choose(variants((0.5, 20), (0.3, 20), (0.3, 20)), Rule("sharpe_ratio", False, 10)).chosen == 1
    few = choose(variants((0.5, 3), (0.9, 7)), rule)
    assert few.chosen is None
    assert few.note == "no trading: no variant closed 10 trades in training, the most were 7"
    undefined = choose(variants((nan, 12), (0.9, 7)), rule)
    assert undefined.note == "no trading: sharpe_ratio of every variant with 10 trades or more is undefined in training"


def test_a_walk_without_a_choice_trades_nothing_and_says_so():
    found = al.walk_forward(Cross, noise(300, 2), GRID, train=100, test=100, min_trades=1000, executor="serial")
    assert found.windows["params"].tolist() == [None, None]
    assert found.windows["note"].str.startswith("no trading: no variant closed 1000 trades").all()
    assert len(found.result.orders) == 0
    assert (found.result.equity == 100_000).all()
    assert math.isnan(found.efficiency["annualized_return"])
    assert found.stability.loc["length"].tolist()[:2] == [0, 0]
    told = next(a for a in found.result.assumptions if a["code"] == "idle_windows")
    assert told["text"] == "2 of 2 windows without trading"


def test_variants_that_cannot_start_are_passed_over():
    # a training window of 60 bars at the data's beginning: an average of 80 is not defined in it
    found = al.walk_forward(
        Cross, noise(200, 4), {"length": [80, 5]}, train=60, test=100, min_trades=1, executor="serial"
    )
    assert found.windows["params"][1]["length"] == 5
    assert found.windows["note"][1].startswith("1 of 2 variants failed: Cross was never called")
    assert found.trials["error"].str.contains("never called").tolist() == [True, False, False, False]


def test_stability_by_hand():
    from alphintra.walking import WalkForward

    chosen = [10, 30, 30, None, 10, 50]
    columns = {"window": [1, 2, 3, 4, 5, 6], "params": [None if v is None else {"n": v} for v in chosen]}
    walk = WalkForward(None, {"grid": {"n": [10, 20, 30, 40, 50]}, "metric": "sharpe_ratio"}, columns, {}, ())
    row = walk.stability.loc["n"]
    # chosen in five windows: 10 and 30 twice each, 10 is first in the grid; steps in places: 2, 0, 2, 4
    assert row[["windows", "values", "most", "share", "changes"]].tolist() == [5, 3, 10, 0.4, 3]
    assert row["mean_step"] == 2.0
    assert walk.parameters["n"].tolist() == chosen


def test_trials_and_landscape_hold_every_run():
    found = al.walk_forward(
        Cross, noise(400, 5), GRID, train=150, test=100, min_trades=3, executor="serial",
        constraint=lambda p: p.length < 20 or p.stop > 0.1,
    )  # fmt: skip
    points = [(5, 0.02), (5, 0.2), (10, 0.02), (10, 0.2), (20, 0.2)]  # the last parameter varies fastest
    assert found.settings["variants"] == 5
    assert found.result.run["code"].endswith("# with its constraint, a function")
    assert found.settings["trials"] == 15
    assert list(found.trials[["length", "stop"]].itertuples(index=False, name=None)) == points * 3
    assert found.landscape.shape == (3, 5)
    assert found.landscape.columns.tolist() == points
    best = found.trials[found.trials["chosen"]]
    assert best["sharpe_ratio"].tolist() == found.windows["train_metric"].tolist()
    asked = {"train": 150, "test": 150, "min_trades": 0, "executor": "serial"}
    one = al.walk_forward(Cross, noise(300, 5), {"length": [5, 9]}, **asked)
    assert one.landscape.columns.tolist() == [5, 9]


def test_every_variant_is_held_through_the_test_windows_for_the_judgement():
    bars = noise(400, 5)
    found = al.walk_forward(Cross, bars, GRID, train=150, test=100, min_trades=3, executor="serial")
    from alphintra_backtest.walk_forward.judged import returns

    matrix, days = returns(found)
    assert np.array_equal(days, found.result.curves.session[1:])
    assert matrix.shape == (250, 7)
    for k, (length, stop) in enumerate([(n, s) for n in (5, 10, 20) for s in (0.02, 0.2)]):
        alone = al.backtest(Cross, bars, start=bars.index[150].date(), params={"length": length, "stop": stop})
        np.testing.assert_allclose(matrix[:, k], alone.returns, rtol=1e-12)
    np.testing.assert_allclose(matrix[:, 6], found.result.returns, rtol=1e-12)
    assert found.judgement.trials == 7
    assert 0 < found.judgement.psr < 1


def test_the_record_says_how_it_was_made_and_repeats_it():
    bars = noise(300, 5)
    found = al.walk_forward(
        Cross, bars, {"length": range(5, 20, 5), "stop": 0.1}, train=100, test=50, step=80, anchored=True, purge=2,
        min_trades=1, flatten=True, commission=0.001, start="2015-01-15", executor="serial",
    )  # fmt: skip
    run = found.result.run
    assert run["method"] == "WALK_FORWARD"
    assert run["walk_forward"]["train"] == 100
    assert run["walk_forward"]["grid"] == {"length": [5, 10, 15], "stop": [0.1]}
    assert run["parameters"]["stop"] == "0.1 in every window"
    assert " → " in run["parameters"]["length"] or run["parameters"]["length"].endswith("in every window")
    assert run["code"] == (
        "al.walk_forward(Cross, 'DATA', {\"length\": [5, 10, 15], \"stop\": [0.1]}, train=100, test=50, step=80, "
        "anchored=True, purge=2, min_trades=1, flatten=True, commission=0.001, start='2015-01-15')"
    )
    assert found.result.view["header"]["code"] == run["code"]
    json.dumps(found.result.to_dict(), allow_nan=False)
    assert found.windows["train_start"].iloc[0] == pd.Timestamp("2015-01-15")
    assert repr(found).startswith("WalkForward(Cross on DATA: 3 windows, 3 variants, sharpe_ratio ")
    again = al.walk_forward(
        Cross, bars, {"length": [5, 10, 15], "stop": [0.1]}, train=100, test=50, step=80, anchored=True, purge=2,
        min_trades=1, flatten=True, commission=0.001, start="2015-01-15", executor="threads",
    )  # fmt: skip
    pd.testing.assert_frame_equal(found.result.fills, again.result.fills)
    pd.testing.assert_frame_equal(found.trials, again.trials)


def test_end_cuts_the_walk_and_every_training_window_begins_with_the_data():
    bars = noise(400, 5)
    found = al.walk_forward(
        Cross, bars, {"length": [5, 20]}, train=100, test=100, min_trades=1, end=bars.index[299].date(),
        executor="serial",
    )  # fmt: skip
    shorter = al.walk_forward(
        Cross, bars.iloc[:300], {"length": [5, 20]}, train=100, test=100, min_trades=1, executor="serial"
    )
    pd.testing.assert_frame_equal(found.result.fills, shorter.result.fills)
    pd.testing.assert_frame_equal(found.windows, shorter.windows)


def test_progress_runs_to_one_and_a_walk_can_be_cancelled():
    told: list[tuple[float, str]] = []
    bars = noise(300, 5)
    al.walk_forward(
        Cross, bars, {"length": [5, 20]}, train=100, test=100, min_trades=1, executor="serial",
        progress=lambda fraction, text: told.append((fraction, text)),
    )  # fmt: skip
    fractions = [f for f, _ in told]
    assert fractions == sorted(fractions)
    assert told[-1] == (1.0, "done")
    assert any(text.startswith("window 2: ") for _, text in told)
    switch = threading.Event()
    switch.set()
    with pytest.raises(Cancelled):
        al.walk_forward(
            Cross, bars, {"length": [5, 20]}, train=100, test=100, executor="serial", cancel=switch
        )


def test_an_error_in_the_strategy_is_its_error():
    class Broken(al.Strategy):
        n = al.Param(1, low=1, high=9)

        def on_bar(self) -> None:
            raise ZeroDivisionError("no")

    with pytest.raises(StrategyError, match=r"Broken raised ZeroDivisionError: no .*every variant failed"):
        al.walk_forward(Broken, ramp(30), {"n": [1, 2]}, train=10, test=10, executor="serial")


@pytest.mark.parametrize(
    ("changes", "kind", "says"),
    [
        ({"train": 300}, ParameterError, "train=300 sessions is longer than the data leaves: 300 sessions from 2015"),
        ({"test": 301}, ParameterError, "test=301 sessions is longer than the data"),
        ({"step": 10}, ParameterError, "would overlap"),
        ({"grid": {}}, ParameterError, "grid"),
        ({"grid": {"length": []}}, ParameterError, "grid|empty|values"),
        ({"grid": {"lenght": [5]}}, ParameterError, "did you mean 'length'"),
        ({"grid": {"length": [1]}}, ParameterError, "below its low"),
        ({"constraint": lambda p: False}, ParameterError, "constraint"),
        ({"metric": "sharp_ratio"}, ParameterError, "did you mean 'sharpe_ratio'"),
        ({"min_trades": -1}, ParameterError, "no number of trades"),
        ({"flatten": "yes"}, ParameterError, "true or false"),
        ({"engine": "backtrader"}, RuleError, "engine is no option"),
        ({"analyzers": ["x"]}, RuleError, "analyzers"),
        ({"check": True}, RuleError, "check is no option"),
        ({"maximize": "yes"}, ParameterError, "true or false"),
        ({"executor": "dusk"}, ExecutorError, "no executor 'dusk'"),
        ({"grid": {"length": range(10**7)}}, ParameterError, "combinations"),
        ({"max_shares": 1}, RuleError, "did you mean 'max_share'"),
        ({"start": "2030-01-01"}, DataError, "no bar at or after start"),
        ({"strategy": 3}, ParameterError, "not a Strategy class"),
    ],
)
def test_what_makes_no_sense_is_refused(changes, kind, says):
    given = {"strategy": Cross, "grid": {"length": [5]}, "train": 100, "test": 100, "executor": "serial"} | changes
    with pytest.raises(kind, match=says):
        al.walk_forward(given.pop("strategy"), noise(300, 1), given.pop("grid"), **given)


def test_one_line_of_the_trial_log_and_nothing_heavy_on_import(tmp_path, monkeypatch):
    monkeypatch.setenv("ALPHINTRA_DATA_DIR", str(tmp_path))
    al.walk_forward(Cross, noise(300, 5), {"length": [5, 20]}, train=100, test=100, min_trades=1, executor="serial")
    (line,) = (tmp_path / "trials.jsonl").read_text().splitlines()
    entry = json.loads(line)
    # two variants and the account itself
    assert (entry["strategy"], entry["kind"], entry["count"]) == ("Cross", "walk_forward", 3)
    code = "import sys, alphintra as al; al.walk_forward; print({'numpy', 'pandas'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "set()"

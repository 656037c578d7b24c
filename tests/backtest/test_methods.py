"""Methods by name: what a job runs is what a notebook calls; grids in plain form are read as they say."""

from __future__ import annotations

from typing import Any

import alphintra as al
import pytest
from alphintra.errors import ParameterError
from alphintra_backtest import methods

DATA = "us-equities-daily/AAPL"
PERIOD = {"start": "2009-01-02", "end": "2010-12-31", "commission": 0.001}


class Cross(al.Strategy):
    fast = al.Param(10, low=2, high=100)
    slow = al.Param(30, low=5, high=300)

    def on_start(self) -> None:
        self.fast_ma = self.indicator(al.ta.SMA, self.data.close, self.fast)
        self.slow_ma = self.indicator(al.ta.SMA, self.data.close, self.slow)

    def on_bar(self) -> None:
        if al.crossed_above(self.fast_ma, self.slow_ma):
            self.order_target_percent(0.95)
        elif al.crossed_below(self.fast_ma, self.slow_ma):
            self.close()


class Idle(al.Strategy):
    wait = al.Param(1)

    def on_bar(self) -> None:
        pass


class Learner(al.Strategy):
    wait = al.Param(1)

    def fit(self, history: Any) -> None:
        self.mean = history["close"].mean()

    def on_bar(self) -> None:
        if self.data.close[-1] > self.mean:
            self.order_target_percent(0.5)
        else:
            self.close()


@pytest.fixture(autouse=True)
def _own_log(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPHINTRA_DATA_DIR", str(tmp_path))


def run(strategy: type, methodology: str, method: dict[str, Any] | None = None, **more: Any) -> Any:
    told: list[tuple[float, str, str | None, int | None]] = []
    asked = methods.Asked(
        strategy, DATA, methodology, method or {}, options={**PERIOD, **more.pop("options", {})}, check=1, **more
    )
    done = methods.run(asked, lambda *said: told.append(said))
    fractions = [fraction for fraction, *_ in told]
    assert fractions == sorted(fractions)
    assert fractions[0] >= 0.0
    assert fractions[-1] <= 1.0
    return done, told


@pytest.mark.parametrize(
    ("given", "drawn", "values"),
    [
        ([3, 1, 2], False, [3, 1, 2]),
        ({"low": 5, "high": 20, "step": 5}, False, [5, 10, 15, 20]),
        ({"low": 5, "high": 8, "step": None}, False, [5, 6, 7, 8]),
        ({"low": 5, "high": 19, "step": 5}, False, [5, 10, 15]),
        # In binary fractions 0.1 + 2 × 0.1 is above 0.3.
        ({"low": 0.1, "high": 0.3, "step": 0.1}, False, [0.1, 0.2, 0.3]),
        ({"low": 1, "high": 2, "step": 0.5}, False, [1.0, 1.5, 2.0]),
        ({"low": -2, "high": 2, "step": 2}, True, [-2, 0, 2]),
        ({"low": 0.5, "high": 2.5}, True, (0.5, 2.5)),
    ],
)
def test_a_range_is_read_with_both_ends(given: Any, drawn: bool, values: Any) -> None:
    found = methods.values_of("x", given, drawn=drawn)
    assert found == values
    assert [type(v) for v in found] == [type(v) for v in values]


@pytest.mark.parametrize(
    ("given", "code"),
    [({"low": 3, "high": 2}, "EMPTY_GRID"), ({"low": 1, "high": 10_000_000}, "GRID_TOO_LARGE")],
)
def test_a_range_of_nothing_or_of_ten_million(given: Any, code: str) -> None:
    with pytest.raises(ParameterError) as raised:
        methods.values_of("x", given, drawn=False)
    assert raised.value.code == code


def test_a_methodology_that_does_not_exist_names_those_there_are() -> None:
    with pytest.raises(ParameterError, match="WALK_FORWARD"):
        methods.run(methods.Asked(Cross, DATA, "SWEEPS"), lambda *_: None)


def test_a_plain_run_is_a_backtest_and_a_trial() -> None:
    done, told = run(Cross, "STANDARD", params={"fast": 5}, options={"max_share": None})
    expected = al.backtest(Cross, DATA, params={"fast": 5}, max_share=None, **PERIOD)
    assert done.result.metrics == expected.metrics
    assert (done.study, done.payload(), done.sections) == (None, None, {})
    assert {phase for _, phase, *_ in told} == {"running", "checking"}
    assert expected.overfitting.earlier == 1


def test_the_figures_of_a_sweep_are_its_best_variants() -> None:
    method = {"grid": {"fast": {"low": 5, "high": 15, "step": 5}}, "constraint": "fast < slow", "seed": 2}
    done, told = run(Cross, "SWEEP", method, params={"slow": 40}, strategy_id="s")
    here = al.sweep(
        Cross, DATA, {"fast": [5, 10, 15], "slow": [40]}, constraint="fast < slow", seed=2, progress=False, **PERIOD
    )
    assert done.result.run["parameters"] == here.best
    assert done.result.metrics == here.best_result().metrics
    assert (done.result.run["seed"], done.result.run["strategy_id"]) == (2, "s")
    assert list(done.sections) == ["sweep"]
    payload = done.payload()
    assert payload["kind"] == "sweep"
    texts = [text for _, phase, text, _ in told if phase == "sweeping"]
    assert texts[-1] == "3 of 3 variants"
    (checked,) = [a["text"] for a in done.result.assumptions if a["code"] == "look_ahead"]
    assert checked.endswith(f"(checked: the best variant's run (fast={here.best['fast']}, slow=40))")


def test_a_sweep_whose_metric_is_undefined_for_all_shows_the_first() -> None:
    done, _ = run(Idle, "SWEEP", {"grid": {"wait": [3, 1, 2]}})
    assert done.study.best is None
    assert done.result.run["parameters"] == {"wait": 3}


def test_a_walk_forward_says_which_run_was_checked() -> None:
    done, told = run(
        Cross, "WALK_FORWARD", {"grid": {"fast": [5, 10]}, "train": 200, "test": 100, "min_trades": 0},
        params={"slow": 20},
    )  # fmt: skip
    here = al.walk_forward(
        Cross, DATA, {"fast": [5, 10], "slow": [20]}, train=200, test=100, min_trades=0, progress=False, **PERIOD
    )
    assert done.result.metrics["total_return"] == here.result.metrics["total_return"]
    window = len(here.windows)
    (checked,) = [a["text"] for a in done.result.assumptions if a["code"] == "look_ahead"]
    assert f"window {window} chose (fast={here.windows['params'].iloc[-1]['fast']}, slow=20)" in checked
    assert done.result.check is not None
    assert any(text and text.startswith("window 1: ") for *_, text, _ in told)


def test_a_strategy_that_learns_walks_unchecked() -> None:
    done, _ = run(Learner, "WALK_FORWARD", {"grid": {"wait": [1]}, "train": 200, "test": 100, "min_trades": 0})
    assert done.result.check is None
    (said,) = [a["text"] for a in done.result.assumptions if a["code"] == "look_ahead"]
    assert said == "look-ahead: not checked"


@pytest.mark.parametrize("resample", ["returns", "order", "prices"])
def test_a_monte_carlo_study_is_about_the_run(resample: str) -> None:
    done, told = run(Cross, "MONTE_CARLO", {"resample": resample, "paths": 5, "seed": 4, "executor": "auto"})
    plain = al.backtest(Cross, DATA, **PERIOD)
    there = al.monte_carlo(plain, resample, paths=5, seed=4, strategy=Cross)
    assert done.result.metrics == plain.metrics
    assert done.study.study().payload()["sentences"] == there.study().payload()["sentences"]
    assert told[-1][1] == "resampling"


def test_what_telling_raises_ends_the_work() -> None:
    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        methods.run(methods.Asked(Cross, DATA, "SWEEP", {"grid": {"fast": [5, 10]}}, options=PERIOD), stop)

"""``al.compare``: joined sessions, differences with their intervals, and what was set differently."""

from __future__ import annotations

import math
from typing import Any

import alphintra as al
import numpy as np
import pandas as pd
import pytest
from alphintra.comparing import of_runs
from alphintra.errors import AlphintraError, DataError, ParameterError
from alphintra_backtest.comparison import COMPARED, Run, differences, named, settings
from alphintra_backtest.study import MIME_TYPE
from alphintra_backtest.study_html import page

from tests.backtest.study.pages import EVIL, Tags
from tests.sdk.result.conftest import build


def run_of(days: list[str], values: list[float], name: str = "A", **run: Any) -> Run:
    """A stored run with one bar a day: the first is the one before the strategy was first called."""
    document = {
        "run": {
            "strategy": name, "dataset": "d/X", "parameters": {}, "periods_per_year": 252,
            "configuration": {"cash": values[0], "rules": {}}, **run,
        },
        "assumptions": [], "metrics": {},
    }  # fmt: skip
    session = np.array(days, dtype="datetime64[D]").astype(np.int32)
    return Run.stored(document, session, np.array(values))


def weekdays(count: int, start: str = "2020-01-01") -> list[str]:
    return [str(day.date()) for day in pd.bdate_range(start, periods=count)]


def paths(*returns: np.ndarray) -> list[Run]:
    days = weekdays(len(returns[0]) + 1)
    return [
        run_of(days, [100.0, *(100.0 * np.cumprod(1.0 + each)).tolist()], name)
        for name, each in zip("ABCDE", returns, strict=False)
    ]


def test_runs_are_joined_on_the_sessions_of_both_and_returns_span_the_gaps() -> None:
    first = run_of(["2024-01-01", "2024-01-02", "2024-01-03", "2024-01-04"], [100.0, 110.0, 120.0, 90.0])
    second = run_of(["2024-01-02", "2024-01-04", "2024-01-05"], [50.0, 100.0, 200.0], "B")
    both = of_runs([first, second])
    # common: 2 and 4 January. A from 110 to 90, B from its 50 in cash to 100
    assert [str(day.date()) for day in both.equity.index] == ["2024-01-02", "2024-01-04"]
    assert both.returns.to_numpy() == pytest.approx(np.array([[90 / 110 - 1, 1.0]]))
    assert both.equity["A"].tolist() == pytest.approx([1.0, 90 / 110])
    assert both.dropped == {"A": 2, "B": 1}
    assert both.metrics.loc["total_return"].tolist() == pytest.approx([90 / 110 - 1, 1.0])
    assert both.metrics.loc["max_drawdown"].tolist() == pytest.approx([90 / 110 - 1, 0.0])


def test_bars_within_a_session_leave_one_value_a_day() -> None:
    run = run_of(["2024-01-02"] * 3 + ["2024-01-03"] * 2, [100.0, 101.0, 102.0, 103.0, 104.0])
    assert run.value.tolist() == [100.0, 102.0, 104.0]
    assert [str(np.datetime64(int(day), "D")) for day in run.day] == ["2024-01-01", "2024-01-02", "2024-01-03"]


def test_a_constant_difference_is_certain() -> None:
    returns = np.random.default_rng(3).normal(0.0, 0.01, 500)
    found, block = differences(
        np.column_stack((returns, returns + 0.001)), periods=252.0, risk_free=[0.0, 0.0], resamples=200
    )
    by = {item.metric: item for item in found}
    assert list(by) == list(COMPARED) and block >= 1
    # A constant moves no deviation, in any resample; and the Sharpe ratio by √252 · 0.001 / s, always upwards.
    assert by["volatility"].low == pytest.approx(0.0, abs=1e-12) == by["volatility"].high
    spread = returns.std(ddof=1)
    assert by["sharpe_ratio"].value == pytest.approx(math.sqrt(252) * 0.001 / spread)
    assert 0 < by["sharpe_ratio"].low < by["sharpe_ratio"].value < by["sharpe_ratio"].high
    assert by["sharpe_ratio"].chance is False


def test_the_same_runs_differ_by_nothing() -> None:
    returns = np.random.default_rng(3).normal(0.0, 0.01, 100)
    both = of_runs(paths(returns, returns), resamples=100)
    assert both.differences[["difference", "low", "high"]].to_numpy() == pytest.approx(0.0, abs=1e-9)
    assert both.correlation.to_numpy() == pytest.approx(1.0)


def test_noise_against_noise_may_be_chance_and_the_seed_repeats_it() -> None:
    draw = np.random.default_rng(8)
    runs = paths(draw.normal(0.0, 0.01, 400), draw.normal(0.0, 0.01, 400))
    both, again = of_runs(runs, resamples=300, seed=4), of_runs(runs, resamples=300, seed=4)
    assert both.differences.equals(again.differences)
    sharpe = both.differences.iloc[0]
    assert sharpe["low"] < 0 < sharpe["high"] and sharpe["chance"]
    # the interval of a difference of two independent Sharpe ratios: about ± 1.96 · √(2 · 252 / 400)
    assert (sharpe["high"] - sharpe["low"]) / 2 == pytest.approx(1.96 * math.sqrt(2 * 252 / 400), rel=0.2)
    assert both.sentences[0].startswith("B's Sharpe is ")
    assert "the difference may be chance (95\u202f% interval " in both.sentences[0]


def test_few_common_returns_have_no_interval_and_it_says_why() -> None:
    both = of_runs(paths(np.zeros(5), np.array([0.01, -0.02, 0.01, 0.0, 0.03])))
    assert both.differences["low"].isna().all()
    assert both.block_length == 0
    assert "no interval: needs 20 common returns, there are 5." in both.sentences[1]
    assert both.sentences[0] == "B's Sharpe cannot be set against A's: undefined for one of the two."


def test_no_common_dates_names_both_spans() -> None:
    early = run_of(["2020-01-01", "2020-01-02", "2020-01-03"], [1.0, 1.0, 1.0], "Early")
    late = run_of(["2021-01-04", "2021-01-05"], [1.0, 1.0], "Late")
    with pytest.raises(DataError) as caught:
        of_runs([early, late])
    assert caught.value.code == "NO_COMMON_DATES"
    assert "'Early' (2020-01-01 to 2020-01-03) and 'Late' (2021-01-04 to 2021-01-05)" in caught.value.message


def test_three_runs_that_overlap_only_in_pairs() -> None:
    days = weekdays(9)
    pieces = [days[:6], days[3:], [*days[:3], *days[6:]]]
    runs = [run_of(part, [1.0] * len(part), name) for part, name in zip(pieces, "ABC", strict=True)]
    with pytest.raises(DataError, match="the runs have no two sessions in common"):
        of_runs(runs)


@pytest.mark.parametrize(
    ("given", "more", "said"),
    [
        ([], {}, "takes 2 to 20 runs, got 0"),
        (["one"], {}, "str is no Result"),
        ([build(30)], {}, "takes 2 to 20 runs, got 1"),
        ([build(30)] * 21, {}, "got 21"),
        ([build(30)] * 2, {"names": ["a"]}, "1 names for 2 runs"),
        ([build(30)] * 2, {"names": ["a", "a"]}, "'a' stands for two runs"),
        ([build(30)] * 2, {"confidence": 1.0}, "between 0 and 1"),
        ([build(30)] * 2, {"resamples": 10}, "100 to 100,000"),
    ],
)
def test_bad_arguments(given: list[Any], more: dict[str, Any], said: str) -> None:
    with pytest.raises(ParameterError, match=said):
        al.compare(given, **more)


def test_what_was_set_differently() -> None:
    first, second = build(60), build(60, commission=0.0)
    second.run["parameters"] = {"fast": 10, "slow": 50, "band": 0.1}
    second.run["configuration"]["rules"] = {"fill_at": "close"}
    second.assumptions[0] = {**second.assumptions[0], "text": "costs: commission none"}
    both = al.compare({"A": first, "B": second})
    table = both.settings
    assert table.loc["parameter fast"].tolist() == [20, 10]
    assert table.loc["parameter band"].tolist() == [None, 0.1]
    assert table.loc["rule fill_at"].tolist() == [None, "close"]
    assert table.loc["commission"].tolist() == [0.001, 0.0]
    assert "parameter slow" not in table.index and "cash" not in table.index
    assert both.assumptions.loc["costs_none"].tolist() == ["costs: none", "costs: commission none"]
    assert settings([first.run, first.run]) == {}


def test_names_are_what_tells_runs_apart() -> None:
    base = {"strategy": "S", "dataset": "d/A", "parameters": {"n": 1, "m": 2}, "configuration": {}}
    assert named([base, {**base, "strategy": "T"}]) == ["S", "T"]
    assert named([base, {**base, "parameters": {"n": 3, "m": 2}}]) == ["S n=1", "S n=3"]
    assert named([base, {**base, "dataset": "d/B"}]) == ["S on A", "S on B"]
    other = {**base, "configuration": {"engine": "backtrader"}}
    assert named([base, other]) == ["S (default)", "S (backtrader)"]
    assert named([base, base]) == ["S", "S #2"]


def test_metrics_of_each_own_span_stay_those_of_the_run() -> None:
    long, short = build(400), build(200)
    both = al.compare([long, short], names=["long", "short"], resamples=100)
    assert both.own_metrics.loc["sharpe_ratio", "long"] == long.metrics["sharpe_ratio"]
    # the shorter one is common to both: there its metrics are its own
    assert both.metrics.loc["sharpe_ratio", "short"] == pytest.approx(short.metrics["sharpe_ratio"])
    assert both.metrics.loc["sharpe_ratio", "long"] != pytest.approx(long.metrics["sharpe_ratio"])
    assert both.dropped == {"long": 200, "short": 0}


def test_it_shows_itself() -> None:
    both = al.compare([build(120), build(120, every=30)], names=["A", EVIL], resamples=100)
    assert repr(both) == f"<Comparison of A, {EVIL}: 119 common sessions, 2002-11-09 to 2003-03-08>"
    bundle = both._repr_mimebundle_()
    assert bundle[MIME_TYPE]["kind"] == "comparison"
    assert "script" not in Tags(bundle["text/html"]).tags
    html = page(both.study().payload())
    assert "img" not in Tags(html).tags and EVIL in Tags(html).texts
    assert html == both.report()
    assert [section["name"] for section in bundle[MIME_TYPE]["sections"]] == [
        "metrics", "curves", "correlation", "own", "settings", "method",
    ]  # fmt: skip
    plain = both.to_dict()
    assert plain["names"] == ["A", EVIL] and plain["sessions"] == 119


def test_real_runs_of_two_datasets() -> None:
    class Hold(al.Strategy):
        def on_bar(self) -> None:
            if not self.position().size:
                self.buy(percent=0.9)

    results = [
        al.backtest(Hold, data=f"us-equities-daily/{name}", start="2012-01-03", commission=0.001)
        for name in ("AAPL", "MSFT")
    ]
    both = al.compare(results, resamples=100)
    assert both.names == ["Hold on AAPL", "Hold on MSFT"]
    # the same sessions: what is common is all, and pandas' correlation is of the results' own returns
    assert both.dropped == {"Hold on AAPL": 0, "Hold on MSFT": 0}
    expected = results[0].returns.corr(results[1].returns)
    assert both.correlation.iloc[0, 1] == pytest.approx(expected)
    for i, name in enumerate(both.names):
        assert both.metrics.loc["sharpe_ratio", name] == pytest.approx(results[i].metrics["sharpe_ratio"])


def test_progress_can_stop_the_bootstrap() -> None:
    both = of_runs(paths(*np.random.default_rng(1).normal(0, 0.01, (2, 100))), resamples=500)

    def stop(fraction: float, text: str) -> None:
        if fraction > 0.5:
            raise AlphintraError("stopped")

    both.progress = stop
    with pytest.raises(AlphintraError, match="stopped"):
        _ = both.differences

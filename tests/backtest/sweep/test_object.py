"""What a sweep says of itself: ranking, table, charts, sentences, warnings, and its line in the trial log."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import alphintra as al
import numpy as np
import pytest
from alphintra.errors import ParameterError
from alphintra_backtest.sweep import figures, ranking, surroundings
from alphintra_backtest.sweep.space import Axis
from alphintra_backtest.sweep.variant import Variant

from .strategies import Cross

GRID = {"fast": [3, 5, 9], "slow": [10, 20, 40]}


def made(values: dict[tuple[int, int], float], metric: str = "sharpe_ratio") -> list[Variant]:
    """Variants with one metric, by (fast, slow)."""
    return [
        Variant(i, {"fast": f, "slow": s}, {metric: v}, np.empty(0)) for i, ((f, s), v) in enumerate(values.items())
    ]


@pytest.fixture(scope="module")
def sweep(frame: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ALPHINTRA_DATA_DIR", str(tmp_path_factory.mktemp("data")))
        return al.sweep(Cross, frame, GRID, executor="serial", progress=False, start="2020-03-02", commission=0.001)


def test_undefined_ranks_last_and_equals_in_grid_order() -> None:
    values = np.array([1.0, math.nan, 2.0, 1.0, math.nan, 2.0, -1.0])
    assert ranking.order(values, True).tolist() == [2, 5, 0, 3, 6, 1, 4]
    assert ranking.order(values, False).tolist() == [6, 0, 3, 2, 5, 1, 4]


def test_the_sense_of_a_metric_unless_it_is_said(frame: Any) -> None:
    less = al.sweep(Cross, frame, {"fast": [3, 9, 15]}, metric="volatility", executor="serial", progress=False)
    values = less.table["volatility"].tolist()
    assert less.ranking[0] == values.index(min(values)) and not less.maximize
    more = al.sweep(
        Cross, frame, {"fast": [3, 9, 15]}, metric="volatility", maximize=True, executor="serial", progress=False
    )
    assert more.ranking[0] == values.index(max(values))
    # drawdowns are ≤ 0: the largest is the smallest loss
    assert al.sweep(Cross, frame, {"fast": [3]}, metric="max_drawdown", executor="serial", progress=False).maximize


def test_table_and_a_parameter_that_is_called_like_a_metric(sweep: Any, frame: Any) -> None:
    assert list(sweep.table.columns[:2]) == ["fast", "slow"] and sweep.table.columns[-1] == "error"
    assert sweep.table.index.name == "trial"

    class Named(Cross):
        volatility = al.Param(1, low=1, high=3)

    named = al.sweep(Named, frame, {"volatility": [1, 2]}, executor="serial", progress=False)
    assert named.table["volatility"].tolist() == [1, 2]
    assert named.table["volatility_metric"].tolist() == [v.metrics["volatility"] for v in named.variants]


def test_returns_of_variants_that_begin_on_different_days(frame: Any) -> None:
    late = al.sweep(Cross, frame, {"slow": [20, 40]}, executor="serial", progress=False)
    returns = late.returns
    # SMA(20) is defined at the 20th bar (index 19), so the first return is of that session: 150 - 19 = 131
    assert returns.notna().sum().tolist() == [131, 111]
    assert returns.shape == (131, 2)
    assert returns.index[0] == frame.index[19] and returns.index[-1] == frame.index[-1]
    (warning,) = [w for w in late.study().warnings if w["code"] == "DIFFERENT_STARTS"]
    assert f'start="{frame.index[39].date()}"' in warning["text"]
    same = al.sweep(
        Cross, frame, {"slow": [20, 40]}, executor="serial", progress=False, start=str(frame.index[39].date())
    )
    assert same.returns.notna().sum().tolist() == [111, 111]
    assert not [w for w in same.study().warnings if w["code"] == "DIFFERENT_STARTS"]


def test_common_sessions_of_variants_by_hand() -> None:
    days = np.arange(100, 110, dtype=np.int32)
    whole = Variant(0, {}, {}, np.arange(1.0, 9.0), None, 102)  # 102 to 109
    late_and_bankrupt = Variant(1, {}, {}, np.array([0.5, -1.0]), None, 104)  # 104 and 105, then gone
    failed = Variant(2, {}, {}, np.empty(0), {"code": "X", "message": "x"})
    found, sessions = ranking.common([whole, late_and_bankrupt, failed], days)
    assert sessions.tolist() == [104, 105, 106, 107, 108, 109]
    assert found[:, 0].tolist() == [3, 4, 5, 6, 7, 8]
    assert found[:, 1].tolist() == [0.5, -1, 0, 0, 0, 0]
    assert np.isnan(found[:, 2]).all()


def test_neighbours_and_edges_by_hand() -> None:
    axes = [Axis("fast", (1, 2, 3)), Axis("slow", (10, 20))]
    variants = made({(1, 10): 1, (1, 20): 2, (2, 10): 9, (2, 20): math.nan, (3, 10): 4, (3, 20): 6})
    near = surroundings.neighbours(variants, axes, 2, "sharpe_ratio", True)
    assert near == surroundings.Neighbours(4, (1 + 2 + 4 + 6) / 4, 1.0)
    assert surroundings.neighbours(variants, axes, 2, "sharpe_ratio", False).worst == 6
    at_corner = surroundings.neighbours(variants, axes, 5, "sharpe_ratio", True)
    assert at_corner == surroundings.Neighbours(2, (9 + 4) / 2, 4.0)  # (2, 20) is undefined
    assert surroundings.edges(variants, axes, 2) == []  # slow has two values only: both are edges
    assert surroundings.edges(variants, axes, 5) == [("fast", "largest")]
    assert surroundings.edges(variants, axes, 0) == [("fast", "smallest")]
    assert surroundings.neighbours(variants, [Axis("fast", low=1, high=3)], 2, "sharpe_ratio", True) is None
    assert surroundings.neighbours(variants[:1], axes, 0, "sharpe_ratio", True) is None


def test_heat_map_takes_the_best_over_the_rest(frame: Any) -> None:
    class Three(Cross):
        extra = al.Param(1, low=1, high=9)

        def on_bar(self) -> None:
            if self.bar_index % self.extra == 0:
                super().on_bar()

    sweep = al.sweep(Three, frame, {"fast": [3, 5], "slow": [10, 20], "extra": [1, 2]}, progress=False)
    figure = sweep.heatmap("slow", "fast")
    best = sweep.table.groupby(["fast", "slow"])["sharpe_ratio"].max().unstack()
    assert np.array_equal(np.array(figure.data[0].z, dtype=float), best.to_numpy())
    assert list(figure.data[0].x) == [10, 20] and list(figure.data[0].y) == [3, 5]
    assert figure.layout.title.text == "Sharpe, best over extra"
    least = np.array(sweep.heatmap("slow", "fast", metric="volatility").data[0].z, dtype=float)
    lowest = sweep.table.groupby(["fast", "slow"])["volatility"].min().unstack().to_numpy()
    assert np.array_equal(least, lowest)
    with pytest.raises(ParameterError, match=r"'size' was not varied .* these were: fast, slow, extra"):
        sweep.heatmap("size")
    with pytest.raises(ParameterError, match="x and y are both 'fast'"):
        sweep.heatmap("fast", "fast")
    with pytest.raises(ParameterError, match="did you mean 'sharpe_ratio'"):
        sweep.heatmap(metric="sharpe")


def test_one_parameter_is_a_line_and_draws_are_points(frame: Any) -> None:
    one = al.sweep(Cross, frame, {"fast": [9, 3]}, executor="serial", progress=False).heatmap()
    assert one.data[0].type == "scatter" and list(one.data[0].x) == [3, 9]
    drawn = al.sweep(Cross, frame, {}, method="random", trials=12, executor="serial", progress=False)
    points = drawn.heatmap().data[0]
    known = drawn.table[drawn.table["sharpe_ratio"].notna()]  # some never trade
    assert points.mode == "markers" and len(points.x) == len(known) > 3
    assert set(zip(points.x, points.y, strict=True)) == set(zip(known["fast"], known["slow"], strict=True))


def test_parallel_coordinates(sweep: Any) -> None:
    figure = sweep.parallel(["sharpe_ratio", "max_drawdown"])
    (trace,) = figure.data
    assert [d.label for d in trace.dimensions] == ["fast", "slow", "Sharpe", "Max drawdown"]
    assert list(trace.dimensions[1]["values"]) == [10, 20, 40] * 3
    assert list(trace.line.color) == sweep.table["sharpe_ratio"].tolist()
    named = figures._dimension("entry", ["up", "any", "up"])
    assert (named["values"], named["ticktext"]) == ([1, 0, 1], ["any", "up"])


def test_the_study_says_it_in_words(sweep: Any) -> None:
    study = sweep.study()
    assert study.title == "Cross: sweep of 9 variants"
    values = sweep.table["sharpe_ratio"]
    best = sweep.table.loc[values.idxmax()]
    # sentence by sentence, with numbers worked out by pandas
    assert study.sentences[0].startswith(f"Of 9 variants, fast={int(best['fast'])}, slow={int(best['slow'])} has the")
    middle = f"{values.median():.2f}".replace("-", "\N{MINUS SIGN}")
    assert study.sentences[0].endswith(f"the median is {middle}.")
    default = values[(sweep.table["fast"] == 5) & (sweep.table["slow"] == 20)].item()
    worse = f"{(values < default).mean() * 100:.1f}"
    assert "The default, fast=5, slow=20, has" in study.sentences[1] and f"better than {worse}" in study.sentences[1]
    assert study.sentences[3:] == list(sweep.judgement.sentences)
    trials = study.sections[0].blocks[1].payload()
    assert trials["type"] == "trials" and trials["best"] == sweep.ranking[0] and trials["total"] == 9
    assert trials["rows"][4][:4] == [4, 5, 20, values[4]]
    assert sweep.judgement.trials == 9
    assert [s.name for s in study.sections] == ["variants", "overfitting"]
    assert {"text/html", "text/plain"} <= set(sweep._repr_mimebundle_())
    json.dumps(study.payload(), allow_nan=False)


def test_code_repeats_the_sweep(sweep: Any, frame: Any) -> None:
    assert sweep.study().code == (
        "al.sweep(Cross, 'DATA', {\"fast\": [3, 5, 9], \"slow\": [10, 20, 40]}, metric='sharpe_ratio', "
        "start='2020-03-02', commission=0.001)"
    )
    drawn = al.sweep(
        Cross, frame, {"fast": range(4, 20, 2)}, constraint="fast < slow", method="random", trials=4, progress=False,
        executor="serial", seed=3,
    )  # fmt: skip
    assert drawn.study().code == (
        "al.sweep(Cross, 'DATA', {\"fast\": range(4, 19, 2), \"slow\": (2, 90)}, constraint='fast < slow', "
        "metric='sharpe_ratio', method='random', trials=4, seed=3)"
    )


def test_one_trial_and_an_undefined_metric(frame: Any) -> None:
    one = al.sweep(Cross, frame, {"fast": [3]}, executor="serial", progress=False, profile="default")
    assert {w["code"] for w in one.study().warnings} == {"SINGLE_TRIAL", "NO_COSTS"}
    assert one.study().sentences[0].startswith("The only variant, fast=3, has a Sharpe of")
    assert repr(one).startswith("Sweep(Cross on DATA, 1 variant, best sharpe_ratio")

    class Idle(al.Strategy):
        days = al.Param(3, low=1, high=9)

    idle = al.sweep(Idle, frame, {"days": [1, 2, 3]}, executor="serial", progress=False)
    assert idle.best is None and idle.ranking == [0, 1, 2]
    assert idle.study().sentences == ["Sharpe is undefined for all 3 variants: none can be called the best."]
    assert "UNDEFINED_METRIC" in {w["code"] for w in idle.study().warnings}
    assert repr(idle) == "Sweep(Idle on DATA, 3 variants, sharpe_ratio undefined for all)"
    with pytest.raises(ParameterError, match="undefined for all variants"):
        idle.best_result()
    with pytest.raises(ParameterError, match="there is no variant 3 – they are numbered from 0 to 2"):
        idle.result(3)


def test_a_sweep_is_one_line_of_the_trial_log_and_a_later_one_counts_it(frame: Any, data_folder: Path) -> None:
    first = al.sweep(Cross, frame, GRID, executor="serial", progress=False)
    (line,) = [json.loads(t) for t in (data_folder / "trials.jsonl").read_text().splitlines()]
    assert (line["kind"], line["count"], line["strategy"]) == ("sweep", 9, "Cross")
    assert first.judgement.trials == 9
    later = first.returns.loc[first.returns.dropna().index[0] :]  # on the sessions that all have
    sharpes = (later.mean() / later.std()).dropna()
    assert line["sample"][2] == len(later)
    assert line["spread"][:2] == [len(sharpes), pytest.approx(sharpes.mean(), rel=1e-12)]
    assert line["spread"][2] == pytest.approx(((sharpes - sharpes.mean()) ** 2).sum(), rel=1e-9)
    al.backtest(Cross, frame)
    second = al.sweep(Cross, frame, GRID, executor="serial", progress=False)
    assert second.judgement.trials == 9 + 1 + 9
    second.best_result()
    assert len((data_folder / "trials.jsonl").read_text().splitlines()) == 3


def test_report_and_dictionary(sweep: Any, tmp_path: Path) -> None:
    target = sweep.report(tmp_path / "sweep.html")
    assert target.read_text().lstrip().lower().startswith("<!doctype html")
    content = sweep.to_dict()
    assert content["ranking"] == sweep.ranking and len(content["variants"]) == 9
    assert content["variants"][3]["parameters"] == {"fast": 5, "slow": 10}
    json.dumps(content, allow_nan=False)


def test_a_large_sweep_shows_its_best_and_a_part_of_the_rest(sweep: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from alphintra_backtest.sweep import view

    monkeypatch.setattr(view, "MOST_ROWS", 4)
    monkeypatch.setattr(view, "BEST_ROWS", 2)
    numbers = view._shown_numbers(sweep)
    assert set(sweep.ranking[:2]) <= set(numbers) and len(numbers) <= 4 and numbers == sorted(numbers)
    trials = view.study(sweep).sections[0].blocks[1]
    assert trials.total == 9 and len(trials.rows) == len(numbers) and "best" in trials.note

"""``al.test`` on five bars whose fills and metrics are known by hand, and against the run before."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime

import alphintra as al
import pandas as pd
import pytest
from alphintra.errors import CheckFailedError, ParameterError, RuleError
from alphintra_backtest.checks import kept, record

DAYS = ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08"]
OPENS = [10.0, 10.0, 11.0, 12.0, 12.0]


def bars(opens=OPENS):
    """Bars that stay at their open, so that equity is known by hand."""
    return pd.DataFrame(
        {"open": opens, "high": opens, "low": opens, "close": opens, "volume": 1e6}, index=pd.to_datetime(DAYS)
    )


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ALPHINTRA_DATA_DIR", str(tmp_path))
    return tmp_path / "checks"


class Trader(al.Strategy):
    """Buys ``size`` at the second bar's open of 10, sells at the fourth's of 12."""

    size = al.Param(100)
    checks = ("total_return > 0.1 %", "max_drawdown > -20 %", "no look-ahead", "same fills")
    later = 0

    def on_bar(self):
        if self.bar_index == self.later:
            self.buy(self.size)
        elif self.bar_index == 2:
            self.close()


class Later(Trader):
    """Buys one bar later, at 11."""

    later = 1


def test_each_check_with_its_value_and_reason():
    # 100 × (12 − 10) = 200 on 100,000: 0.2 %; equity never falls.
    run = al.test(Trader, bars())
    assert run.passed
    assert [(o.text, o.passed, o.value) for o in run.outcomes] == [
        ("total_return > 0.1 %", True, pytest.approx(0.002)),
        ("max_drawdown > -20 %", True, 0.0),
        ("no look-ahead", True, None),
        ("same fills", True, None),
    ]
    assert run.outcomes[2].reason.startswith("none found at ")
    assert run.outcomes[3].reason == "there is no run before; the next is compared with this one"
    assert run.before is None and run.metrics == () and run.first_fill is None
    assert repr(run) == "<CheckRun Trader on DATA: all 4 checks passed>"
    assert run.raise_if_failed() is run
    assert run.table.loc["total_return > 0.1 %", "value"] == pytest.approx(0.002)


def test_a_failure_says_by_how_much_and_raises():
    run = al.test(Trader, bars(), checks=["total_trades == 2", "total_return > 0.20000001 %", "sharpe_ratio >= 0.8"])
    count, edge, _ = run.outcomes
    assert (count.passed, count.value, count.reason) == (False, 1.0, "total_trades is 1, not == 2")
    # Rounded both look alike, so the value is given in full.
    assert edge.reason.startswith("total_return is 0.2\u202f% (0.00") and edge.reason.endswith("not > 0.2\u202f%")
    assert [o.text for o in run.failed] == ["total_trades == 2", "total_return > 0.20000001 %"]
    assert run.summary == "2 of 3 checks FAILED: total_trades == 2, total_return > 0.20000001 %"
    with pytest.raises(CheckFailedError, match="total_trades == 2: total_trades is 1, not == 2"):
        run.raise_if_failed()


def test_an_undefined_metric_fails_with_its_reason():
    class Idle(al.Strategy):
        checks = ("win_rate > 0.5",)

        def on_bar(self):
            pass

    (found,) = al.test(Idle, bars()).outcomes
    assert (found.passed, found.value) == (False, None)
    assert found.reason.startswith("win_rate is undefined: ")


def test_look_ahead_is_found():
    class Peeks(al.Strategy):
        checks = ("no look-ahead",)

        def on_start(self):
            self.top = self.indicator(lambda close: close / close.max(), self.data.close)

        def on_bar(self):
            if self.top[-1] < 1:
                self.buy(1)

    run = al.test(Peeks, bars())
    assert not run.passed
    assert "lambda" in run.outcomes[0].reason


def test_the_same_again_changes_nothing():
    first = al.test(Trader, bars())
    run = al.test(Trader, bars())
    assert run.before.id == first.result.run["id"] and run.before.passed
    assert (run.inputs, run.metrics, run.first_fill, run.equal_fills) == ((), (), None, 2)
    assert run.outcomes[3].reason == "all 2 fills are what they were"


def test_a_changed_strategy_is_said_and_its_first_fill_shown_on_both_sides():
    al.test(Trader, bars())
    Trader.later = 1
    try:
        run = al.test(Trader, bars(), commission=0.01)
    finally:
        Trader.later = 0
    assert [o.text for o in run.failed] == ["total_return > 0.1 %", "same fills"]
    first = run.first_fill
    at = lambda day: datetime.fromisoformat(DAYS[day]).replace(hour=14, minute=30, tzinfo=UTC)  # noqa: E731
    assert first.number == 1
    assert (first.before.fill["time"], first.before.fill["price"]) == (at(1), 10.0)
    assert (first.now.fill["time"], first.now.fill["price"]) == (at(2), 11.0)
    assert first.before.fill_bar.open == first.before.decision_bar.close == 10.0
    assert first.now.decision_bar.close == 10.0 and first.now.fill_bar.open == 11.0
    assert first.before.order["type"] == first.now.order["type"] == "MARKET"
    assert len(first.before.history) == len(first.now.history) > 1
    assert first.text.startswith("The run before: BUY 100 DATA at 10 on 2024-01-03 14:30 by F1.open")
    assert "This run: BUY 100 DATA at 11 on 2024-01-04 14:30, commission 11 by F1.open" in first.text
    assert [c.what for c in run.inputs] == ["settings"]
    assert run.inputs[0].text == "settings: commission 0.0 → 0.01"
    # Before: 100 × (12 − 10) = 200. Now: 100 × (12 − 11) − 1 % of 1,100 and of 1,200 = 100 − 23 = 77.
    changed = {c.name: c for c in run.metrics}
    equity = changed["final_equity"]
    assert (equity.before, equity.after) == (100_200.0, pytest.approx(100_077.0))
    assert equity.difference == pytest.approx(-123.0)
    assert changed["total_fees"].difference == pytest.approx(23.0)
    assert "total_trades" not in changed


def test_changed_data_explains_a_difference_with_the_bars_of_then():
    al.test(Trader, bars())
    run = al.test(Trader, bars([10.0, 10.5, 11.0, 12.0, 12.0]))
    assert [c.what for c in run.inputs] == ["data"]
    first = run.first_fill
    assert (first.before.fill_bar.open, first.now.fill_bar.open) == (10.0, 10.5)
    assert (first.before.fill["price"], first.now.fill["price"]) == (10.0, 10.5)
    assert run.before.dataset_hash != run.result.run["dataset_hash"]


def test_another_version_of_the_benchmark_is_told():
    al.test(Trader, bars(), benchmark=bars())
    assert al.test(Trader, bars(), benchmark=bars()).inputs == ()
    run = al.test(Trader, bars(), benchmark=bars([10.0, 10.5, 11.0, 12.0, 12.0]))
    assert [(c.what, c.text) for c in run.inputs] == [("data", "the benchmark's data changed")]
    assert run.result.run["dataset_hash"] == run.before.dataset_hash != run.result.run["benchmark_hash"]
    without = al.test(Trader, bars())
    assert [c.what for c in without.inputs] == ["settings"]


def test_a_difference_without_a_cause_is_said_to_be_one():
    al.test(Trader, bars())
    Trader.later = 1  # not in the code's text: as a file or the time would do
    try:
        run = al.test(Trader, bars())
    finally:
        Trader.later = 0
    assert run.inputs == ()
    assert "the strategy depends on something else" in run.outcomes[3].reason


def test_a_fill_too_many_and_one_too_few():
    al.test(Trader, bars())
    Trader.later = 9
    try:
        none = al.test(Trader, bars())
    finally:
        Trader.later = 0
    assert (none.first_fill.number, none.first_fill.now.fill, none.equal_fills) == (1, None, 0)
    assert "This run has no such order" in none.first_fill.text
    again = al.test(Trader, bars())
    assert again.first_fill.before.fill is None
    assert again.first_fill.now.fill["price"] == 10.0


def test_other_parameters_and_data_names_are_other_tests():
    al.test(Trader, bars())
    assert al.test(Trader, bars(), params={"size": 50}).before is None
    assert al.test(Later, bars()).before is None
    assert al.test(Trader, {"OTHER": bars()}).before is None


def test_keep_false_leaves_the_run_before_as_it_is(folder):
    first = al.test(Trader, bars())
    al.test(Trader, bars(), cash=50_000, keep=False)
    assert al.test(Trader, bars()).before.id == first.result.run["id"]
    assert len(list(folder.iterdir())) == 1


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"torn", id="torn"),
        *(pytest.param(gzip.compress(text, mtime=0), id=text.decode()) for text in (b"{", b'{"version": 99}', b"[]")),
    ],
)
def test_a_record_that_cannot_be_read_is_none_and_is_replaced(folder, content, caplog):
    al.test(Trader, bars())
    (file,) = folder.iterdir()
    file.write_bytes(content)
    assert al.test(Trader, bars()).before is None
    assert "The run before" in caplog.text
    assert al.test(Trader, bars()).before is not None


def test_a_folder_that_cannot_be_written_costs_the_comparison_only(folder, caplog):
    folder.write_text("a file in its place")
    assert al.test(Trader, bars()).passed
    assert "cannot be compared" in caplog.text


def test_a_run_with_more_fills_than_are_kept(monkeypatch):
    monkeypatch.setattr(record, "MOST_ROWS", 1)
    monkeypatch.setattr("alphintra_backtest.checks.since.MOST_ROWS", 1)
    al.test(Trader, bars())
    run = al.test(Trader, bars())
    assert run.outcomes[3].reason == "the first 1 fills are what they were; no more are kept"
    assert al.test(Trader, bars(), commission=0.01).first_fill.number == 1


def test_plain_json_and_the_notebook():
    al.test(Trader, bars())
    run = al.test(Trader, bars(), commission=0.01)
    said = json.loads(json.dumps(run.to_dict(), allow_nan=False))
    assert said["passed"] is False
    assert [set(r) for r in said["results"]] == [{"text", "passed", "value", "reason"}] * 4
    first = said["differences"]["first_fill"]
    assert (first["number"], first["before"]["fill"]["time"]) == (1, "2024-01-03T14:30:00Z")
    assert first["now"]["fill"]["commission"] == 10.0  # 1 % of 100 × 10
    assert said["compared_with"]["id"] == run.before.id
    bundle = run._repr_mimebundle_()
    assert bundle["text/plain"].startswith("Trader: 1 of 4 checks FAILED: same fills\nDATA, 5 bars")
    assert "Fill 1 is the first that differs." in bundle["text/html"]
    study = bundle["application/vnd.alphintra.study.v1+json"]
    assert study["kind"] == "checks"
    (table,) = [b for s in study["sections"] for b in s["blocks"] if b["type"] == "table" and b["name"] == "metrics"]
    rows = {row[0]: row[1:] for row in table["rows"]}
    # 100 × 2 on 100,000 is 0.2 %; 1 % of 1,000 and of 1,200 are 22, so 178 are left: 0.178 %.
    assert rows["Total return"] == ["0.200\u202f%", "0.178\u202f%", "\u22120.022\u202f%"]
    assert rows["Final equity"] == ["100\u202f200.00", "100\u202f178.00", "\u221222.00"]


def test_bad_checks_are_refused_before_anything_runs():
    class Bad(al.Strategy):
        checks = ("sharp_ratio > 1",)

        def on_bar(self):
            raise AssertionError

    with pytest.raises(ParameterError, match=r"there is no metric 'sharp_ratio' \(Bad.checks\[0\]\)"):
        al.test(Bad, bars())
    with pytest.raises(ParameterError, match=r"there are no checks \(Plain.checks\)"):
        al.test(type("Plain", (al.Strategy,), {}), bars())
    with pytest.raises(ParameterError, match="is not a Strategy class"):
        al.test(Trader(), bars())
    with pytest.raises(ParameterError, match="this engine alone"):
        al.test(Trader, bars(), engine="backtrader")
    with pytest.raises(RuleError):
        al.test(Trader, bars(), no_such_rule=1)


def test_it_is_no_trial(folder):
    al.test(Trader, bars())
    assert not (folder.parent / "trials.jsonl").exists()


def test_the_oldest_kept_runs_go(folder, monkeypatch):
    monkeypatch.setattr(kept, "MOST_KEPT", 2)
    for size in (10, 20, 30):
        al.test(Trader, bars(), params={"size": size})
    assert len(list(folder.iterdir())) == 2
    assert al.test(Trader, bars(), params={"size": 30}, keep=False).before is not None
    assert al.test(Trader, bars(), params={"size": 10}, keep=False).before is None


def test_a_test_runner_does_not_take_it_for_a_test():
    assert al.test.__test__ is False

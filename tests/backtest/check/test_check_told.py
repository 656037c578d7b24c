"""What a check says: in the result of a backtest, shown in a notebook, and where it cannot be made."""

from __future__ import annotations

from typing import Any

import alphintra as al
import pytest
from alphintra.errors import LookAheadError, ParameterError, RuleError, StrategyError

from .indicators import BARS, DAYS, OnIndicator, strategy, zscore


def look_ahead(result: Any) -> dict[str, Any]:
    (entry,) = [a for a in result.assumptions if a["code"] == "look_ahead"]
    return dict(entry)


def test_a_backtest_says_what_was_checked(capsys: pytest.CaptureFixture[str]) -> None:
    class Prints(OnIndicator):
        def declare(self) -> Any:
            print("declared")  # noqa: T201
            return self.indicator(al.ta.SMA, self.data.close, 5)

    plain = al.backtest(Prints, BARS)
    assert plain.check is None
    assert look_ahead(plain)["text"] == "look-ahead: not checked"
    capsys.readouterr()
    result = al.backtest(Prints, BARS, check=True)
    assert capsys.readouterr().out == "declared\n"  # the other runs print nothing
    assert (look_ahead(result)["level"], look_ahead(result)["text"]) == ("info", "look-ahead: none found at 8 points")
    assert result.metrics == plain.metrics

    failed = al.backtest(strategy(zscore), BARS, check=True)
    entry = look_ahead(failed)
    assert (entry["level"], entry["rule"]) == ("error", "F12")
    assert entry["text"] == (
        f"look-ahead: the indicator zscore at {DAYS[0]} changed when later bars were removed: it reads the future"
    )
    assert entry["items"][0].startswith(entry["text"].removeprefix("look-ahead: "))
    levels = [a["level"] for a in failed.assumptions]
    assert levels == sorted(levels, key=["error", "warning", "info"].index)
    assert entry["text"] in failed._repr_mimebundle_()["text/html"]


def test_a_check_is_no_trial(tmp_path: Any) -> None:
    al.check(strategy(al.ta.SMA, 5), BARS)
    assert not (tmp_path / "alphintra-data" / "trials.jsonl").exists()
    al.backtest(strategy(al.ta.SMA, 5), BARS, check=True)
    assert len((tmp_path / "alphintra-data" / "trials.jsonl").read_text().splitlines()) == 1


def test_it_shows_itself() -> None:
    class Marked(OnIndicator):
        def declare(self) -> Any:
            return self.indicator(zscore, self.data.close, name="<b>z</b>")

    check = al.check(Marked, BARS)
    assert repr(check).startswith("<Check Marked on DATA: FAILED, look-ahead: the indicator <b>z</b> at 2024-01-02 ")
    assert f"all data: {check.differences[0].whole:.10g}; data up to" in repr(check)
    html = check._repr_html_()
    assert "&lt;b&gt;z&lt;/b&gt;" in html and "<b>z</b>" not in html
    assert html.count("<tr>") == 9 and "different" in html
    with pytest.raises(LookAheadError, match="Marked on DATA: the indicator <b>z</b> at 2024-01-02") as raised:
        check.raise_if_failed()
    assert raised.value.code == "LOOK_AHEAD" and "shift(-n)" in str(raised.value.hint)
    passed = al.check(strategy(al.ta.SMA, 5), BARS)
    assert repr(passed) == "<Check Own on DATA: passed, look-ahead: none found at 8 points>"
    assert ">passed</span>" in passed._repr_html_()


# -- odd input


@pytest.mark.parametrize("points", [0, -1, 1_001, True, 8.0, "8", None])
def test_points_are_a_whole_number(points: Any) -> None:
    with pytest.raises(ParameterError, match="points must be a whole number from 1 to 1000"):
        al.check(strategy(al.ta.SMA, 5), BARS, points=points)


def test_what_a_backtest_refuses_is_refused() -> None:
    with pytest.raises(RuleError, match="limit_fill"):
        al.check(strategy(al.ta.SMA, 5), BARS, limit_fil="touch")
    with pytest.raises(ParameterError, match="not a Strategy class"):
        al.check(object, BARS)  # type: ignore[arg-type]

    class Fails(al.Strategy):
        def on_bar(self) -> None:
            raise ZeroDivisionError

    with pytest.raises(StrategyError):
        al.check(Fails, BARS)


def test_no_bar_to_cut_at_is_no_pass() -> None:
    check = al.check(strategy(al.ta.SMA, 60), BARS)
    assert (check.passed, check.points, check.differences) == (False, (), ())
    assert check.notes == ("on_bar was called at the last bar only: there is no earlier time to cut the data at.",)
    assert ">not checked</span>" in check._repr_html_()
    with pytest.raises(LookAheadError, match="look-ahead: not checked"):
        check.raise_if_failed()
    assert look_ahead(al.backtest(strategy(al.ta.SMA, 60), BARS, check=True))["level"] == "warning"


def test_start_and_end_bound_the_points() -> None:
    check = al.check(strategy(al.ta.SMA, 5), BARS, start=str(DAYS[20]), end=str(DAYS[30]), points=60)
    assert check.passed
    assert [p.time.date() for p in check.points] == DAYS[20:30]

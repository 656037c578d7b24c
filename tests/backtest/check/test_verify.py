"""``al.verify`` on bars where it is known by hand at which fill two engines part, and why."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import alphintra as al
import pandas as pd
import pytest
from alphintra.errors import RuleError, StrategyError

DAYS = ["2024-01-02", "2024-01-03", "2024-01-04", "2024-01-05", "2024-01-08"]
#: The low of the second bar touches 10 and does not pass it; that of the third does.
ROWS = [
    (10.0, 10.6, 9.8, 10.4),
    (10.5, 10.8, 10.0, 10.1),
    (10.0, 10.4, 9.5, 10.2),
    (11.0, 11.5, 10.7, 11.2),
    (12.0, 12.2, 11.5, 12.0),
]
BARS = pd.DataFrame(ROWS, columns=["open", "high", "low", "close"], index=pd.to_datetime(DAYS))
BARS["volume"] = [1e6, 2e6, 3e6, 4e6, 5e6]


def at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime.fromisoformat(DAYS[day]).replace(hour=hour, minute=minute, tzinfo=UTC)


class Limit(al.Strategy):
    """Buys at the limit 10 from the first bar on, sells at the decision of the fourth."""

    def on_bar(self) -> None:
        if self.bar_index == 0:
            self.buy(10, limit=10.0)
        elif self.bar_index == 3:
            self.close()


def only(verification: al.Verification) -> Any:
    (found,) = verification.comparisons
    return found


def test_a_touched_limit() -> None:
    verification = al.verify(Limit, BARS, ["default", ("touch", {"limit_fill": "touch"})])
    found = only(verification)
    assert (verification.engine, verification.equal, verification.strategy) == ("default", False, "Limit")
    assert (found.engine, found.equal, found.equal_fills, found.fills) == ("touch", False, 0, 2)
    strict, touch = found.first, found.second
    assert (strict.engine, touch.engine) == ("default", "touch")
    # Strict: the third bar's low of 9.5 passes 10, and its open of 10 does not better it: filled inside, at 10.
    assert (strict.fill["time"], strict.fill["price"], strict.fill["rule"]) == (at(2, 21), 10.0, "F4.limit")
    assert (touch.fill["time"], touch.fill["price"], touch.fill["rule"]) == (at(1, 21), 10.0, "F4.limit")

    def prices(bar: Any) -> tuple[float, ...]:
        return (bar.open, bar.high, bar.low, bar.close)

    assert prices(strict.decision_bar) == prices(touch.decision_bar) == ROWS[0]
    assert (prices(strict.fill_bar), strict.fill_bar.volume) == (ROWS[2], 3e6)
    assert (prices(touch.fill_bar), touch.fill_bar.volume) == (ROWS[1], 2e6)
    assert (touch.fill_bar.open_time, touch.fill_bar.close_time) == (at(1, 14, 30), at(1, 21))
    for side, day in ((strict, 2), (touch, 1)):
        assert (side.order["id"], side.order["type"], side.order["limit"]) == (0, "LIMIT", 10.0)
        assert side.order["submitted"] == at(0, 21)
        assert [(e["time"], e["state"]) for e in side.history] == [(at(0, 21), "WORKING"), (at(day, 21), "FILLED")]
    assert "default: BUY 10 DATA at 10 on 2024-01-04 21:00 by F4.limit" in found.explanation
    assert "touch: BUY 10 DATA at 10 on 2024-01-03 21:00 by F4.limit" in found.explanation
    assert found.explanation.endswith("They differ in limit_fill 'strict' against 'touch'.")
    assert found.final_equity == pytest.approx(100_000 + 10 * (12 - 10))


def test_the_close_of_the_decision() -> None:
    found = only(al.verify(Limit, BARS, ["default", ("close", {"fill_at": "close"})]))
    # The limit order is filled alike; the sale at the next open of 12, or at the decision's own close of 11.2.
    assert found.equal_fills == 1
    assert (found.first.fill["time"], found.first.fill["price"]) == (at(4, 14, 30), 12.0)
    assert (found.second.fill["time"], found.second.fill["price"]) == (at(3, 21), 11.2)
    assert (found.first.fill["rule"], found.second.fill["rule"]) == ("F1.open", "F1.close")
    assert found.first.decision_bar.close_time == found.second.fill_bar.close_time == at(3, 21)
    assert found.first.fill_bar.open == 12.0
    assert found.final_equity == pytest.approx(100_000 + 10 * (11.2 - 10))


def test_costs_alone() -> None:
    found = only(al.verify(Limit, BARS, ["default", ("fee", {"commission": 0.01})]))
    assert (found.equal_fills, found.second.fill["commission"]) == (0, pytest.approx(1.0))
    assert found.explanation.endswith("They differ in commission 0 against 0.01.")


def test_a_fill_that_one_side_never_has() -> None:
    class Never(al.Strategy):
        def on_bar(self) -> None:
            if self.bar_index == 1:
                self.buy(10, limit=9.5, tif="DAY")

    found = only(al.verify(Never, BARS, ["default", ("touch", {"limit_fill": "touch"})]))
    assert (found.equal_fills, found.fills) == (0, 1)
    assert (found.first.fill, found.first.order["state"]) == (None, "EXPIRED")
    assert [e["state"] for e in found.first.history] == ["WORKING", "EXPIRED"]
    assert found.first.fill_bar.low == found.second.fill_bar.low == 9.5  # the bar on which the other one fills
    assert "default never fills its order 0 (EXPIRED, END_OF_DAY)." in found.explanation
    other = only(al.verify(Never, BARS, [("touch", {"limit_fill": "touch"}), "default"]))
    assert (other.first.fill["price"], other.second.fill, other.fills) == (9.5, None, 0)


def test_an_order_of_on_start_has_no_decision_bar() -> None:
    class Early(al.Strategy):
        def on_start(self) -> None:
            self.buy(10)

        def on_bar(self) -> None:
            pass

    found = only(al.verify(Early, BARS, ["default", ("slip", {"slippage": 0.01})]))
    assert (found.first.decision_bar, found.first.fill_bar.open, found.first.fill["price"]) == (None, 10.0, 10.0)
    assert found.second.fill["price"] == pytest.approx(10.1)
    assert found.first.fill_bar.close_time == at(0, 21)


def test_of_several_symbols_the_order_within_a_time_does_not_matter() -> None:
    class Two(al.Strategy):
        def on_bar(self) -> None:
            if self.bar_index == 0:
                for symbol in self.data.symbols:
                    self.buy(10, symbol=symbol, tag=symbol)
            if self.bar_index == 2:
                self.sell(10, symbol="A", limit=11.5)

    data = {"A": BARS, "B": BARS * 2}
    found = only(al.verify(Two, data, ["default", ("touch", {"limit_fill": "touch"})]))
    # 11.5 is the high of A's fourth bar: touched there, and passed at the fifth's open of 12.
    assert (found.equal_fills, found.second.fill["symbol"], found.second.fill["price"]) == (2, "A", 11.5)
    assert (found.first.fill["price"], found.first.fill["rule"]) == (12.0, "F4.open")


def test_equal_engines() -> None:
    verification = al.verify(Limit, BARS, ["default", ("same", {"profile": "default"}), ("cap", {"max_share": None})])
    assert verification.equal
    assert [c.explanation for c in verification.comparisons] == [
        "all 2 fills are equal; final equity 100,020.00 and 100,020.00"
    ] * 2
    assert set(verification.results) == {"default", "same", "cap"}
    assert repr(verification).splitlines() == [
        "<Verification Limit on DATA: equal>",
        "- same = default: all 2 fills are equal; final equity 100,020.00 and 100,020.00",
        "- cap = default: all 2 fills are equal; final equity 100,020.00 and 100,020.00",
    ]

    class Idle(al.Strategy):
        def on_bar(self) -> None:
            pass

    assert only(al.verify(Idle, BARS, ["default", ("x", {})])).explanation.startswith("neither has a fill;")


def test_options_are_for_all_and_an_engine_s_own_go_before() -> None:
    verification = al.verify(Limit, BARS, ["default", ("poor", {"cash": 1_000})], cash=5_000, commission=0.001)
    assert verification.results["default"].run["configuration"]["cash"] == 5_000
    assert verification.results["poor"].run["configuration"]["cash"] == 1_000
    assert only(verification).equal
    assert only(verification).final_equity == pytest.approx(1_000 + 20 - 0.1 - 0.12)


def test_a_verification_is_no_trial(tmp_path: Any) -> None:
    al.verify(Limit, BARS, ["default", ("x", {})])
    assert not (tmp_path / "alphintra-data" / "trials.jsonl").exists()


def test_as_a_table() -> None:
    engines = ["default", ("touch", {"limit_fill": "touch"}), ("same", {})]
    table = al.verify(Limit, BARS, engines).to_pandas()
    assert list(table.index) == ["default", "touch", "same"] and table.index.name == "engine"
    assert list(table.columns) == [
        *("fills", "equal_fills", "equal", "final_equity"),
        *("time", "symbol", "price", "quantity", "rule", "explanation"),
    ]
    assert table["fills"].tolist() == [2, 2, 2] and table["equal_fills"].tolist() == [2, 0, 2]
    assert table["equal"].tolist() == [True, False, True]
    assert table.loc["touch", "time"] == pd.Timestamp(at(1, 21)) and pd.isna(table.loc["same", "time"])
    assert table.loc["touch", "price"] == 10.0 and table["price"].dtype == "float64"


def test_it_shows_itself() -> None:
    verification = al.verify(Limit, BARS, ["default", ("<b>touch</b>", {"limit_fill": "touch"})])
    text = repr(verification).splitlines()
    assert text[:2] == [
        "<Verification Limit on DATA: different>",
        "- <b>touch</b> ≠ default from fill 1 on (0 equal before)",
    ]
    bar = "fill bar     2024-01-03 14:30 UTC to 2024-01-03 21:00 UTC: O 10.5 H 10.8 L 10 C 10.1 V 2000000"
    assert f"    {bar}" in text
    assert any(line.startswith("    order id 0, symbol DATA, side BUY, type LIMIT,") for line in text)
    html = verification._repr_html_()
    assert "<b>touch</b>" not in html and "&lt;b&gt;touch&lt;/b&gt;" in html
    assert bar.split("     ")[1] in html and html.count("<table") == 4
    assert "equal</span>" in al.verify(Limit, BARS, ["default", ("x", {})])._repr_html_()


@pytest.mark.parametrize(
    ("engines", "message"),
    [
        (["default", "defualt"], r"there is no engine or profile 'defualt'.*did you mean 'default'"),
        (["default", "zipline"], r"there is no engine or profile 'zipline'.*there is: default"),
        (["default", "limit_fill"], r'a rule goes into a pair: \("limit_fill", \{"limit_fill": …\}\)'),
        (["default", ("x", {"limit_fil": "touch"})], r"engine 'x': there is no rule 'limit_fil'.*'limit_fill'"),
        (["default", ("x", {"limit_fill": "tuch"})], r"engine 'x': limit_fill='tuch' is not one of"),
        (["default", ("x", {"profile": "lena"})], r"engine 'x': unknown profile 'lena'"),
        (["default", ("x", {"cash": -1})], r"engine 'x': cash=-1 is outside"),
        (["default", ("x", {"data": "AAPL"})], r"engine 'x' cannot have its own data"),
        (["default", "default"], r"there are two engines 'default'"),
        (["default", ("default", {})], r"there are two engines 'default'"),
        (["default"], r"there is nothing to compare: engines has 1"),
        ([], r"engines has 0"),
        ("default", r"engines is a list of profiles"),
        ({"default": {}}, r"engines is a list of profiles"),
        (None, r"engines is a list of profiles, .* got None"),
        (["default", 3], r"an engine is a profile's name or a pair .* got 3"),
        (["default", ("x", "touch")], r"an engine is a profile's name or a pair"),
    ],
)
def test_engines_that_do_not_exist(engines: Any, message: str) -> None:
    with pytest.raises(RuleError, match=message):
        al.verify(Limit, BARS, engines)


def test_a_failing_run_names_its_engine() -> None:
    class Fails(al.Strategy):
        def on_fill(self, fill: Any) -> None:
            assert fill.commission == 0

        def on_bar(self) -> None:
            self.buy(1)

    with pytest.raises(StrategyError) as raised:
        al.verify(Fails, BARS, ["default", ("fee", {"commission": 0.01})])
    assert raised.value.__notes__ == ["while al.verify ran the engine 'fee'"]

"""``%backtest`` in a shell of the test's own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from alphintra.errors import RuleError
from alphintra_kernel.magics import assignments
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell

STRATEGY = """
import alphintra as al

class Hold(al.Strategy):
    size = al.Param(10, low=1, high=100)

    def on_start(self):
        self.ma = self.indicator(al.ta.SMA, self.data.close, 2)

    def on_bar(self):
        if self.bar_index == 3:
            self.buy(self.size)
"""


@pytest.fixture
def shell():
    shell = InteractiveShell()
    shell.run_line_magic("load_ext", "alphintra_kernel.magics")
    shell.run_cell(STRATEGY)
    price = np.arange(100.0, 120.0)
    shell.user_ns["bars"] = pd.DataFrame(
        {"open": price, "high": price + 1, "low": price - 1, "close": price, "volume": 1e6},
        index=pd.date_range("2024-01-01", periods=20, freq="D"),
    )
    return shell


def test_a_variable_is_the_data(shell):
    result = shell.run_line_magic(
        "backtest", "Hold --data bars --cash 5000 --param size=20 --rule max_share=None --commission 0.01"
    )
    assert result.run["parameters"] == {"size": 20}
    assert result.run["configuration"]["cash"] == 5000
    # Bought at the fifth bar's open, 104, with 1 % commission; the last close is 119.
    assert list(result.fills["price"]) == [104.0]
    assert result.metrics["final_equity"] == pytest.approx(5000 + 20 * (119 - 104) - 20 * 104 * 0.01)


def test_costs_are_a_fraction_or_parts(shell):
    costs = "--commission per_share=0.05,minimum=3 --slippage fixed=1"
    result = shell.run_line_magic("backtest", f"Hold --data bars --cash 5000 --param size=20 {costs}")
    # Bought at 104 + 1; 20 × 0.05 is less than 3.
    assert (list(result.fills["price"]), list(result.fills["commission"])) == ([105.0], [3.0])
    with pytest.raises(RuleError, match="commission has no part 'share'"):
        shell.run_line_magic("backtest", "Hold --data bars --commission share=1")


def test_dates_cut_the_run(shell):
    result = shell.run_line_magic("backtest", "Hold --data bars --end 2024-01-10")
    assert str(result.equity.index[-1].date()) <= "2024-01-11"
    assert len(result.equity) < 12


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("Nothing --data bars", "Nothing is not a class"),
        ("bars --data bars", "bars is not a class"),
        ("Hold", "--data"),
        ("Hold --data bars --param size", "NAME=VALUE"),
        ("Hold --data bars --cash lots", "--cash"),
        ("Hold --data bars --leverage 2", "--leverage"),
    ],
)
def test_bad_lines_are_usage_errors(shell, line, message):
    with pytest.raises(UsageError, match=message):
        shell.run_line_magic("backtest", line)


def test_an_unknown_parameter_is_named(shell):
    import alphintra as al

    with pytest.raises(al.AlphintraError, match="quick"):
        shell.run_line_magic("backtest", "Hold --data bars --param quick=3")


def test_a_file_with_a_space(shell, tmp_path):
    shell.user_ns["bars"].rename_axis("date").to_csv(tmp_path / "my bars.csv")
    result = shell.run_line_magic("backtest", f'Hold --data "{tmp_path}/my bars.csv" --param size=1')
    assert len(result.fills) == 1


def test_values_are_literals_or_text():
    texts = ["a=1", "b=0.5", "c=None", "d=fast", "e='x y'", "f=a=b", "'g=2'"]
    assert assignments(texts, "--param") == {
        "a": 1,
        "b": 0.5,
        "c": None,
        "d": "fast",
        "e": "x y",
        "f": "a=b",
        "g": 2,
    }

"""What ``engine="backtrader"`` refuses, and how the strategy's own errors are told."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

import alphintra as al
import backtrader as bt
import pytest
from alphintra.errors import (
    AlphintraError,
    DataError,
    OrderError,
    ParameterError,
    RuleError,
    StrategyError,
    WarmUpError,
)

from .small import FLAT, Once, run


def fails(kind: type[AlphintraError], *args: Any, **kwargs: Any) -> AlphintraError:
    with pytest.raises(kind) as caught:
        run(*args, **kwargs)
    return caught.value


def test_an_error_in_next_names_file_line_and_bar() -> None:
    class Broken(bt.Strategy):
        def next(self) -> None:
            if len(self) == 3:
                raise KeyError("lost")  # here

    error = fails(StrategyError, Broken)
    assert isinstance(error, StrategyError)
    line = next(i for i, text in enumerate(Path(__file__).read_text().splitlines(), 1) if text.endswith("# here"))
    assert (error.file, error.line, error.bar_time) == (__file__, line, "2024-01-04T21:00:00Z")
    assert "Broken raised KeyError" in error.message


def test_an_error_in_init_has_no_bar() -> None:
    class Broken(bt.Strategy):
        def __init__(self) -> None:
            self.sma = bt.ind.SMA(self.data.typo)

    error = fails(StrategyError, Broken)
    assert isinstance(error, StrategyError)
    assert error.file == __file__ and error.bar_time is None


def test_a_size_of_nothing_is_no_order() -> None:
    class Broken(bt.Strategy):
        def next(self) -> None:
            self.buy(size=float("nan"))

    assert fails(StrategyError, Broken).code == OrderError.default_code


def test_never_called() -> None:
    class Patient(bt.Strategy):
        def __init__(self) -> None:
            self.sma = bt.ind.SMA(period=50)

    error = fails(WarmUpError, Patient)
    assert "50 bars" in error.message and "DATA: 5" in str(error.hint)

    class Skips(bt.Strategy):
        def __init__(self) -> None:
            raise bt.errors.StrategySkipError

    assert "StrategySkipError" in fails(WarmUpError, Skips).message


def test_no_window_and_no_network() -> None:
    class Plots(bt.Strategy):
        def next(self) -> None:
            self.cerebro.plot()

    class Calls(bt.Strategy):
        def __init__(self) -> None:
            self.cerebro.addstore(object())

    assert "plot" in fails(StrategyError, Plots).message
    assert "network" in fails(StrategyError, Calls).message


def test_parameters() -> None:
    error = fails(ParameterError, Once, params={"sise": 3})
    assert error.hint == "did you mean 'size'?"
    assert fails(ParameterError, Once, params=[1]).where == "params"


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({"max_share": None}, "max_share"),
        ({"fill_at": "close"}, "fill_at"),
        ({"cheat_on_opem": True}, "cheat_on_opem"),
        ({"cheat_on_open": 1}, "cheat_on_open"),
        ({"seed": 3}, "seed"),
        ({"profile": "backtrader"}, "profile"),
        ({"sizer": 5}, "sizer"),
        ({"analyzers": [Once]}, "analyzers"),
        ({"analyzers": [(bt.analyzers.SQN, 3)]}, "analyzers"),
        ({"commission": al.Commission(percent=0.001, minimum=1)}, "commission"),
        ({"commission": al.Commission(percent=0.001, maximum=9)}, "commission"),
        ({"commission": al.Commission(fixed=1)}, "commission"),
        ({"slippage": -1}, "slippage"),
        ({"slippage": al.Slippage(percent=0.001, fixed=0.1)}, "slippage"),
        ({"slippage": al.Slippage(volume_share=0.1)}, "slippage"),
        ({"prices": "raw"}, "prices"),
        ({"instruments": al.Instrument(lot=2.0)}, "instruments"),
        ({"detail": FLAT}, "detail"),
        ({"rates": {"EUR": 1.1}}, "rates"),
        ({"check": True}, "check"),
        ({"cash": 0}, "cash"),
    ],
)
def test_refused_by_name(given: dict[str, Any], where: str) -> None:
    error = fails(RuleError, Once, **given)
    assert error.where == where
    assert error.hint or where in ("slippage", "cash", "cheat_on_open")


def test_hints_of_refused_rules() -> None:
    assert "engine='default'" in str(fails(RuleError, Once, max_share=None).hint)
    assert fails(RuleError, Once, cheat_on_opem=True).hint == "did you mean 'cheat_on_open'?"


def test_closes_only_data_cannot_be_traded() -> None:
    assert fails(DataError, Once, "us-closes-daily/AAPL").code == "NOT_TRADABLE"


class Native(al.Strategy):
    def on_bar(self) -> None:
        pass


def test_each_engine_has_its_strategies() -> None:
    with pytest.raises(ParameterError) as caught:
        al.backtest(Once, FLAT)
    assert caught.value.hint == 'pass engine="backtrader"'
    assert "engine" in str(fails(ParameterError, Native).hint)
    assert "class itself" in str(fails(ParameterError, 5).hint)  # type: ignore[arg-type]
    with pytest.raises(RuleError) as unknown:
        al.backtest(Native, FLAT, engine="backtradr")
    assert unknown.value.hint == "did you mean 'backtrader'?"
    with pytest.raises(RuleError):
        al.backtest(Native, FLAT, engine=None)  # type: ignore[arg-type]
    with pytest.raises(RuleError) as other:
        al.backtest(Native, FLAT, analyzers=[bt.analyzers.SQN])
    assert other.value.where == "analyzers"


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """The module is hidden: the error names the extra, and the native engine needs none of it."""
    name = "alphintra_backtest.adapters.backtrader"
    monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "backtrader", None)
    error = fails(RuleError, Once)
    assert error.code == "MISSING_EXTRA" and "alphintra[backtrader]" in str(error.hint)
    assert al.backtest(Native, FLAT) is not None
    monkeypatch.undo()
    importlib.import_module(name)


def test_another_missing_module_is_not_taken_for_the_extra(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A broken installation keeps its own error."""
    name = "alphintra_backtest.adapters.backtrader"
    (tmp_path / "backtrader.py").write_text("import a_module_that_is_not_there\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, name, raising=False)
    for module in [m for m in sys.modules if m.partition(".")[0] == "backtrader"]:
        monkeypatch.delitem(sys.modules, module)
    with pytest.raises(ModuleNotFoundError, match="a_module_that_is_not_there"):
        importlib.import_module(name)

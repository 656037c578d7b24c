"""The strategies of the page about other engines, in the other engine and here: equal trades and equity."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import alphintra as al
import numpy as np
import pandas as pd
import pytest

from .pages import blocks

PAGE = blocks("coming-from.md")


@pytest.fixture(autouse=True)
def _own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPHINTRA_DATA_DIR", str(tmp_path / "data"))


@pytest.mark.filterwarnings("ignore")
def test_the_translation_from_backtesting_py_trades_as_it_does() -> None:
    names: dict[str, Any] = {"__name__": "coming_from"}
    for block in PAGE:
        if block.heading == "backtesting.py" and block.language == "python":
            exec(block.text, names)
    frame = al.data.load("us-equities-daily/AAPL").market("adjusted").bars["AAPL"]
    columns = {name.capitalize(): getattr(frame, name) for name in ("open", "high", "low", "close")}
    index = np.asarray(frame.close_time).astype("datetime64[us]")
    stats = names["peer"](pd.DataFrame(columns, index=pd.DatetimeIndex(index)))
    theirs = stats["_trades"].sort_values(["EntryBar", "ExitBar"])
    ours = names["result"].trades
    assert len(theirs) > 40
    assert ours["quantity"].tolist() == theirs["Size"].abs().tolist()
    assert ours["entry_price"].tolist() == pytest.approx(theirs["EntryPrice"].tolist(), rel=1e-9)
    assert ours["exit_price"].tolist() == pytest.approx(theirs["ExitPrice"].tolist(), rel=1e-9)
    assert names["result"].metrics["final_equity"] == pytest.approx(stats["Equity Final [$]"], rel=1e-9)


@pytest.mark.filterwarnings("ignore")
def test_the_translation_from_backtrader_trades_as_it_does() -> None:
    names: dict[str, Any] = {"__name__": __name__}
    for block in PAGE:
        if block.heading == "backtrader" and block.language == "python":
            exec(block.text, names)
    bars = al.data.load("us-equities-daily/AAPL").market("adjusted").bars["AAPL"]
    columns = {name: getattr(bars, name) for name in ("open", "high", "low", "close", "volume")}
    index = pd.DatetimeIndex(np.asarray(bars.session).astype("datetime64[D]"))
    theirs = names["peer"](pd.DataFrame(columns, index=index))
    trades = theirs.analyzers.trades.get_analysis()
    ours = names["result"]
    assert trades["total"]["closed"] == ours.metrics["total_trades"] > 20
    closed = ours.trades[~ours.trades["open"]]
    assert float(closed["pnl"].sum()) == pytest.approx(trades["pnl"]["net"]["total"], rel=1e-9)
    assert ours.metrics["final_equity"] == pytest.approx(theirs.broker.getvalue(), rel=1e-9)


def test_the_strategy_from_lean_runs_with_its_fees() -> None:
    names: dict[str, Any] = {"__name__": __name__}
    for block in PAGE:
        if block.heading == "LEAN" and block.language == "python":
            exec(block.text, names)
    fills = names["result"].fills
    assert set(fills["rule"]) == {"F1.open"}
    assert names["result"].metrics["total_trades"] > 20
    # 0.005 a share, at least 1; at 100,000 and prices above 1 the cap of 0.5 % is far above it.
    assert fills["commission"].tolist() == pytest.approx([max(1.0, 0.005 * q) for q in fills["quantity"]], abs=1e-9)


def test_the_strategy_from_vectorbt_trades_at_the_closes_of_its_crossings() -> None:
    names: dict[str, Any] = {"__name__": __name__}
    for block in PAGE:
        if block.heading == "vectorbt" and block.language == "python":
            exec(block.text, names)
    assert set(names["result"].fills["rule"]) == {"F1.close"}
    # The same strategy as a loop over adjusted closes: all cash in, all units out, 0.1 % of each.
    bars = al.data.load("us-equities-daily/AAPL").market("adjusted").bars["AAPL"]
    close = pd.Series(np.asarray(bars.close))
    apart = np.sign((close.rolling(20).mean() - close.rolling(80).mean()).to_numpy())
    assert not (apart == 0).any()
    cash, held, fills = 100_000.0, 0.0, []
    for n in range(80, len(close)):
        if apart[n] == -apart[n - 1]:
            price = close[n]
            if apart[n] > 0:
                held, cash = cash / (price * 1.001), 0.0
                fills.append((n, held, price))
            elif held:
                fills.append((n, held, price))
                held, cash = 0.0, held * price * 0.999
    result = al.backtest(
        names["Cross"], "us-equities-daily/AAPL", profile="vectorbt-close", cash=100_000, commission=0.001,
        prices="adjusted",
    )  # fmt: skip
    ours = result.fills
    assert len(fills) > 40
    assert (
        ours["time"].tolist() == pd.to_datetime([bars.close_time[n] for n, _, _ in fills], unit="us", utc=True).tolist()
    )
    assert ours["quantity"].tolist() == pytest.approx([quantity for _, quantity, _ in fills], rel=1e-9)
    assert ours["price"].tolist() == pytest.approx([price for _, _, price in fills], rel=1e-12)
    assert result.metrics["final_equity"] == pytest.approx(cash + held * close.iloc[-1], rel=1e-9)

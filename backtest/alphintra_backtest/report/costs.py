"""What trading cost, and how much cost the result would bear."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from alphintra_backtest.formats import text
from alphintra_backtest.metrics.round_trips import numbers
from alphintra_backtest.report.account import Account
from alphintra_backtest.report.series import kept, line, moments
from alphintra_backtest.study import Column, Fact, Facts, Figure, Section, Table, Text


def section(account: Account) -> Section:
    """Return what was paid, its share of the gross P&L, the cost that breaks even, and costs by symbol."""
    title, result = "Costs", account.result
    bill = Bill(account)
    if not bill.fills:
        return Section("costs", title, [Text(["Nothing was traded, so nothing was paid."])])
    share = bill.costs / bill.gross if bill.gross > 0 else math.nan
    items = [
        Fact("fees", "Fees", bill.fees, "money", definition="Commissions of all fills."),
        Fact("slippage", "Slippage", bill.slippage, "money", definition="What slippage cost over all fills."),
        Fact("borrow", "Borrow", bill.borrow, "money", definition="Borrow cost of short positions."),
        Fact("interest", "Interest", bill.interest, "money", definition="Margin interest paid."),
        Fact("costs", "All costs", bill.costs, "money", definition="Fees, slippage, borrow and interest."),
        Fact(
            "gross", "Gross P&L", bill.gross, "money", True,
            "Final equity minus starting cash plus all costs. A run without costs may have traded other sizes.",
        ),
        Fact("net", "Net P&L", bill.net, "money", True, "Final equity minus starting cash."),
        Fact(
            "share", "Costs of gross", share, "percent", False, "All costs divided by gross P&L.",
            "" if bill.gross > 0 else "gross P&L is not positive",
        ),
        Fact("traded", "Traded", bill.traded, "money", definition="Money traded by all fills."),
        Fact("paid", "Paid of traded", _fine(bill.costs, bill.traded), "text", definition="All costs / money traded."),
        Fact(
            "break_even", "Break-even of traded", _fine(bill.gross, bill.traded), "text", False,
            "Gross P&L divided by the money traded: at this cost the profit is gone.",
        ),
    ]  # fmt: skip
    blocks: list[Any] = [Text(_sentences(bill), "warning" if bill.free else "info"), Facts(items)]
    if not bill.free:
        blocks.append(_figure(account, bill))
    if len(result.run["symbols"]) > 1:
        blocks.append(_by_symbol(account))
    return Section("costs", title, blocks)


class Bill:
    """What a run paid.

    Attributes:
        fills: How many there were.
        traded: Money traded by all fills.
        costs: Fees, slippage, borrow and interest.
        net: Final equity minus starting cash.
        gross: Net plus costs.
    """

    def __init__(self, account: Account) -> None:
        metrics = account.result.metrics
        fills, flows = account.result.columns.get("fills", {}), account.result.columns.get("cash_flows", {})
        kinds = zip(flows.get("kind", ()), flows.get("amount", ()), strict=True)
        none = np.empty(0)
        self.fills = len(fills.get("time", ()))
        self.traded = float(np.abs(numbers(fills.get("value", none))).sum())
        self.fees, self.slippage = metrics["total_fees"], metrics["total_slippage"]
        self.borrow = metrics["total_borrow"]
        self.interest = -sum(float(amount) for kind, amount in kinds if kind == "INTEREST")
        self.costs = self.fees + self.slippage + self.borrow + self.interest
        self.net = metrics["final_equity"] - account.cash
        self.gross = self.net + self.costs

    @property
    def free(self) -> bool:
        """Whether every fill was free."""
        return self.fees == 0 and self.slippage == 0


def _fine(amount: float, traded: float) -> str | None:
    """Write a small share of the money traded with more digits than a percentage has."""
    return f"{amount / traded * 100:.3f}\u202f%".replace("-", "\u2212") if traded else None


def _sentences(bill: Bill) -> list[str]:
    if bill.free:
        said = ["Commission and slippage are zero: every fill was free, and the result is too good."]
    else:
        said = [f"Trading cost {text(bill.costs, 'money')} on {text(bill.traded, 'money')} traded."]
    if bill.gross <= 0:
        return [*said, "The strategy lost before costs: no lower cost makes it earn."]
    if bill.traded:
        limit = _fine(bill.gross, bill.traded)
        said.append(f"It would stop earning at costs of {limit} of the money traded, if it traded the same.")
    return said


def _figure(account: Account, bill: Bill) -> Figure:
    """Return the costs that added up, fill by fill."""
    fills = account.result.columns["fills"]
    names = account.axis.names[np.asarray(fills["bar"], dtype=np.int64)]
    fees, slippage = (np.cumsum(numbers(fills[name])) for name in ("commission", "slippage"))
    keep = kept([fees, slippage], 1_000)
    x = moments(names[keep])
    data = [
        line(x, (fees + slippage)[keep], "Fees and slippage", "@loss", width=1.4, line={"shape": "hv"}),
        line(x, fees[keep], "Fees", "@series2", width=1.2, line={"shape": "hv"}),
    ]
    alt = f"Costs add up to {text(bill.fees + bill.slippage, 'money')} over {bill.fills} fills."
    layout = {"yaxis": {"rangemode": "tozero", "tickformat": ",.6~f"}}
    return Figure("cost_curve", "Costs, added up", alt, data, layout, 220)


def _by_symbol(account: Account) -> Table:
    fills = account.result.columns["fills"]
    symbols = np.asarray(fills["symbol"], dtype=object)
    rows: list[list[Any]] = []
    for symbol in dict.fromkeys(symbols.tolist()):
        own = symbols == symbol
        traded = float(np.abs(numbers(fills["value"])[own]).sum())
        fees, slippage = (float(numbers(fills[name])[own].sum()) for name in ("commission", "slippage"))
        rows.append([symbol, int(own.sum()), traded, fees, slippage])
    rows.sort(key=lambda row: -(row[3] + row[4]))
    columns = [
        Column("symbol", "Symbol", "text"), Column("fills", "Fills", "integer"), Column("traded", "Traded", "money"),
        Column("fees", "Fees", "money"), Column("slippage", "Slippage", "money"),
    ]  # fmt: skip
    return Table("costs_by_symbol", "Costs by symbol", columns, rows[:50], len(rows))

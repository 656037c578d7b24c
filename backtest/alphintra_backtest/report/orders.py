"""The order log with the reason of every state, and what each reason means."""

from __future__ import annotations

from collections import Counter
from typing import Any

from alphintra_backtest import codes, view_tables
from alphintra_backtest.report.account import Account
from alphintra_backtest.report.tables import from_view
from alphintra_backtest.report.trades import left_out
from alphintra_backtest.study import Column, Section, Table, Text

ROWS = 1_000


def section(account: Account) -> Section:
    """Return how orders ended, what the codes mean, and the orders."""
    columns = account.result.columns.get("orders", {})
    if not len(columns.get("id", ())):
        return Section("orders", "Orders", [Text(["The strategy placed no order."])])
    orders = view_tables.run_table(account.result, account.axis, "orders", ROWS)
    return Section(
        "orders",
        "Orders",
        [
            _ends([str(state) for state in columns["state"]], [str(reason or "") for reason in columns["reason"]]),
            _rules(account),
            from_view(
                orders, "order_log", "Order log", without=left_out(account),
                note="Times are those of the decision and of the last change.",
            ),
        ],
    )


def _ends(states: list[str], reasons: list[str]) -> Table:
    """Return how many orders ended in which state and why, with the reason in words."""
    meaning = dict(codes.REASONS)
    rows: list[list[Any]] = [
        [view_tables.words(state), view_tables.words(reason), count, meaning.get(reason, "")]
        for (state, reason), count in Counter(zip(states, reasons, strict=True)).most_common()
    ]
    columns = [
        Column("state", "State", "text"), Column("reason", "Reason", "text"), Column("count", "Orders", "integer"),
        Column("meaning", "What it means", "text"),
    ]  # fmt: skip
    return Table("order_ends", "How orders ended", columns, rows)


def _rules(account: Account) -> Table:
    """Return how many fills each rule made."""
    meaning = {name: (said, source) for name, said, source in codes.RULES}
    counts = Counter(str(rule) for rule in account.result.columns.get("fills", {}).get("rule", ()))
    rows: list[list[Any]] = [[rule, count, *meaning.get(rule, ("", ""))] for rule, count in counts.most_common()]
    columns = [
        Column("rule", "Rule", "text"), Column("count", "Fills", "integer"), Column("meaning", "What it says", "text"),
        Column("source", "Price from", "text"),
    ]  # fmt: skip
    return Table("fill_rules", "Rules that filled", columns, rows)

"""How far the result rests on bars that leave open what came first inside them."""

from __future__ import annotations

from typing import Any

from alphintra_backtest import view_tables
from alphintra_backtest.formats import text
from alphintra_backtest.report.account import Account
from alphintra_backtest.report.tables import from_view
from alphintra_backtest.study import Column, Fact, Facts, Section, Table, Text

_KINDS = (
    ("ambiguous", "Stop and target in one bar", "The stop was taken before the target (F3)."),
    ("ambiguous_entry", "Bracket on its entry's bar", "An entry whose bar also held a bracket price (F15)."),
    ("resolved", "Decided by finer bars", "Finer bars told which price came first (F3)."),
)


def section(account: Account) -> Section:
    """Return how many there were, final equity under each rule, and the trades that were marked."""
    title, counts = "Ambiguous bars", account.result.counts
    items = [Fact(name, label, counts.get(name, 0), "integer", definition=said) for name, label, said in _KINDS]
    doubtful = counts.get("ambiguous", 0) + counts.get("ambiguous_entry", 0)
    if not doubtful:
        none = "No bar left open which price came first: the result does not rest on such a choice."
        return Section("ambiguity", title, [Facts(items), Text([none])])
    blocks: list[Any] = [Facts(items), *_rules(account)]
    marked = account.result.columns.get("trades", {}).get("ambiguous", ())
    rows = [i for i, flag in enumerate(marked) if flag]
    if rows:
        table = view_tables.run_table(account.result, account.axis, "trades", len(marked))
        kept = [table["rows"][i] for i in rows]
        at = [column["name"] for column in table["columns"]].index("pnl")
        stake = sum(row[at] or 0.0 for row in kept)
        blocks.append(
            from_view(
                {**table, "rows": kept[: view_tables.MAX_TRADES], "total": len(kept)}, "ambiguous_trades",
                "Trades on ambiguous bars", ends=False,
                note=f"Together they made {text(stake, 'money', signed=True)} as simulated.",
            )
        )  # fmt: skip
    return Section("ambiguity", title, blocks)


def _rules(account: Account) -> list[Any]:
    """Return what each ``entry_bar`` would have led to, as the run found out by running again."""
    said = next((entry for entry in account.result.assumptions if entry["code"] == "ambiguous_entry"), None)
    items = [str(item) for item in (said or {}).get("items") or ()]
    if not items:
        return [Text(["Stops come before targets: the less favourable choice. Finer bars (detail=) can decide it."])]
    rows: list[tuple[str, float | None, str]] = []
    for item in items:
        rule, _, outcome = item.partition(": ")
        rows.append((rule, _number(outcome), "" if _number(outcome) is not None else outcome))
    used = str(account.result.run["configuration"].get("rules", {}).get("entry_bar", "certain"))
    base = next((row[1] for row in rows if row[0] == f"entry_bar={used}"), None)
    full: list[list[Any]] = [
        [row[0], row[1], None if row[1] is None or base is None else row[1] - base, row[2]] for row in rows
    ]
    columns = [
        Column("rule", "Rule", "text"), Column("equity", "Final equity", "money"),
        Column("difference", "Difference", "money", True, "To the rule of this run."), Column("said", "Failed", "text"),
    ]  # fmt: skip
    if not any(row[3] for row in full):
        columns, full = columns[:3], [row[:3] for row in full]
    note = f"The run used entry_bar={used}. The spread is what the choice is worth."
    return [Table("entry_rules", "Final equity under each entry rule", columns, full, note=note)]


def _number(outcome: str) -> float | None:
    """Read the amount of ``final equity 1,234.00``."""
    word = outcome.removeprefix("final equity ").replace(",", "")
    try:
        return float(word)
    except ValueError:
        return None

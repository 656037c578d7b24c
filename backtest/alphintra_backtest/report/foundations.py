"""What the numbers rest on, what the strategy logged and recorded, and what repeats the run."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np

from alphintra_backtest import view_tables
from alphintra_backtest.formats import text
from alphintra_backtest.notices import notices
from alphintra_backtest.plain_json import plain
from alphintra_backtest.report.account import Account
from alphintra_backtest.report.series import line, moments
from alphintra_backtest.report.tables import from_view
from alphintra_backtest.study import Column, Figure, Section, Table
from alphintra_backtest.view_series import recorded

LINES = 500
_POINTS = 2_000


def assumptions(account: Account) -> Section:
    """Return every assumption with its rule."""
    table = view_tables.assumptions_table(notices(account.result))
    return Section("assumptions", "Assumptions", [from_view(table, "assumptions", "What the numbers rest on")])


def log(account: Account) -> Section | None:
    """Return what the strategy logged; ``None`` where it did not."""
    if not account.result.logs:
        return None
    table = view_tables.log_table(account.result, account.axis, LINES)
    return Section("log", "Log", [from_view(table, "log", "What the strategy logged")])


def series(account: Account) -> Section | None:
    """Return what the strategy recorded, a figure each; ``None`` where it did not."""
    omitted: list[str] = []
    figures = []
    for item in recorded(account.result, account.axis, _POINTS, omitted):
        known = [value for value in item["values"] if value is not None]
        ends = [text(float(f"{value:.6g}"), "quantity") for value in (min(known), max(known))] if known else []
        reach = f"between {' and '.join(ends)}" if ends else "never defined"
        values = np.array([np.nan if value is None else value for value in item["values"]], dtype=np.float64)
        data = [line(moments(item["time"]), values, item["name"], "@series1", width=1.2)]
        figures.append(
            Figure(f"recorded_{item['name']}", item["name"], f"{item['name']}, {reach}.", data, {}, 180)
        )
    return Section("recorded", "Recorded series", figures) if figures else None


def _beside(run: Mapping[str, Any]) -> list[tuple[str, Mapping[str, str]]]:
    """What a run read beside its data, by how the page calls it."""
    found = [("Splits and dividends", run["reference"])] if run.get("reference") else []
    return found + [(f"Feature {name}", own) for name, own in (run.get("features") or {}).items()]


def repeat(account: Account) -> Section:
    """Return what identifies the run: the same of each gives the same numbers."""
    run = account.result.run
    rows: list[list[Any]] = [
        ["Run", run["id"]],
        ["Dataset", run["dataset"]],
        ["Dataset hash", run["dataset_hash"]],
        *([name, " ".join(own.values())] for name, own in _beside(run)),
        ["Strategy", run["strategy"]],
        ["Strategy hash", run["strategy_hash"]],
        ["Parameters", json.dumps(plain(run["parameters"]), ensure_ascii=False)],
        ["Configuration", json.dumps(plain(run["configuration"]), ensure_ascii=False)],
        ["Seed", str(run["seed"])],
        ["Engine version", run["engine_version"]],
        ["Run at", run["created_at"]],
    ]
    columns = [Column("what", "What", "text"), Column("value", "Value", "text")]
    rows = [[name, view_tables.clipped(value)] for name, value in rows]
    return Section("repeat", "How it was made", [Table("identity", "What identifies the run", columns, rows)])

"""The page of fill assumptions is run: its bars, its strategies, and each line of what it says comes out."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import alphintra as al
import pandas as pd
import pytest

from .pages import Block, blocks

PAGE = blocks("fill-assumptions.md")
EXAMPLES = [tuple(PAGE[i : i + 3]) for i in range(0, len(PAGE), 3)]
COUNTS = ("ambiguous", "ambiguous_entry", "resolved", "capped", "liquidated", "stale_marks")


def told(result: Any) -> list[str]:
    """A result as the page writes it."""
    out = []
    for fill in result.fills.itertuples():
        fee = f" fee {fill.commission:.10g}" if fill.commission else ""
        out.append(
            f"{fill.time:%Y-%m-%d %H:%M} {fill.side} {fill.quantity:g} @ {fill.price:.10g} {fill.rule}{fee}"
        )
    for flow in result.cash_flows.itertuples():
        what = f"{flow.quantity:+g} shares" if flow.kind == "SPLIT" else f"{flow.amount:+.10g}"
        out.append(f"{flow.time:%Y-%m-%d %H:%M} {flow.kind} {what}")
    for order in result.orders.itertuples():
        if order.state != "FILLED":
            out.append(f"order {order.id} {order.side} {order.type} {order.state} {order.reason}".rstrip())
    out += [f"{name} {result.counts[name]}" for name in COUNTS if result.counts.get(name)]
    return [*out, f"final equity {result.metrics['final_equity']:,.2f}"]


@pytest.fixture(autouse=True)
def _own_data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALPHINTRA_DATA_DIR", str(tmp_path))


@pytest.mark.parametrize(("bars", "code", "expected"), EXAMPLES, ids=[e[0].heading for e in EXAMPLES])
def test_example(bars: Block, code: Block, expected: Block) -> None:
    assert (bars.language, code.language, expected.language) == ("csv", "python", "text")
    frame: Any = pd.read_csv(io.StringIO(bars.text), parse_dates=["time"], index_col="time")
    if "symbol" in frame:
        frame = {str(s): part.drop(columns="symbol") for s, part in frame.groupby("symbol", sort=False)}
    names: dict[str, Any] = {"al": al, "bars": frame}
    exec(code.text, names)
    assert told(names["result"]) == expected.text.splitlines()


def test_every_rule_of_this_version_has_an_example() -> None:
    rules = {block.heading.split(":")[0] for block in PAGE}
    assert rules == {f"F{n}" for n in range(20)}

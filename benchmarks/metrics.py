"""All metrics of one run, ours beside vectorbt's ``stats()``, each from the finished run on.

What a run makes when it is first asked (our tables of fills and trades, vectorbt's records) is part of the time.
"""

from __future__ import annotations

from typing import Any

import equality
from table import Table, warm

COMPARED = ("total return", "Sharpe ratio of bar returns", "max drawdown")
#: For all metrics of a million bars.
SECONDS = 0.05


def difference(bench: Any) -> str | None:
    """Where the compared metrics of both engines differ, or None."""
    ours, theirs = (bench.run(engine, "equal", 1) for engine in ("alphintra_metrics", "vectorbt_metrics"))
    return equality.figures("vectorbt", *({m: answer["metrics"][m] for m in COMPARED} for answer in (ours, theirs)))


def show(bench: Any, table: Table) -> None:
    """Measure and print both."""
    ours, theirs = bench.run("alphintra_metrics", "large", 6), bench.run("vectorbt_metrics", "large", 3)
    speed = table.wall(f"all {ours['count']} metrics, {ours['trades']:,} trades", warm(ours), SECONDS)
    table.peer(f"vectorbt: {theirs['count']} in stats()", warm(theirs), speed)

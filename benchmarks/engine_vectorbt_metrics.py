"""vectorbt: ``stats()`` of the same run, which is made aside."""

from __future__ import annotations

from typing import Any

from engine_vectorbt import portfolio
from job import Aside, serve
from metrics import COMPARED


def run(bars: Any) -> Any:
    """Backtest aside, then compute the statistics."""
    with Aside() as aside:
        naive = bars.tz_localize(None)
        book = portfolio(naive["close"], naive["open"])
    stats = book.stats()

    def tell() -> dict[str, Any]:
        values = (stats["Total Return [%]"] / 100, stats["Sharpe Ratio"], -stats["Max Drawdown [%]"] / 100)
        return {
            "metrics": dict(zip(COMPARED, map(float, values), strict=True)),
            "count": len(stats),
            "trades": int(stats["Total Closed Trades"]),
        }

    return aside.spent, tell


if __name__ == "__main__":
    serve(run)

"""PyBroker, with the crossing written out; its orders fill at the next open, prices and results unrounded."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pybroker
from job import CASH, COMMISSION, FAST, QUANTITY, SLOW, Aside, serve
from pybroker import ExecContext, FeeMode, PriceType, Strategy, StrategyConfig

pybroker.disable_logging()
pybroker.disable_progress_bar()


def average(count: int) -> Any:
    """Return the simple moving average as an indicator of PyBroker's."""
    return pybroker.indicator(
        f"average_{count}", lambda bars: pd.Series(bars.close).rolling(count).mean().to_numpy()
    )


FAST_MA, SLOW_MA = average(FAST), average(SLOW)


def trade(ctx: ExecContext) -> None:
    """Trade the crossing."""
    if ctx.bars <= SLOW:
        return
    a, b = ctx.indicator(FAST_MA.name), ctx.indicator(SLOW_MA.name)
    if a[-1] > b[-1] and a[-2] <= b[-2]:
        ctx.buy_shares, ctx.buy_fill_price = QUANTITY, PriceType.OPEN
    elif a[-1] < b[-1] and a[-2] >= b[-2] and ctx.long_pos():
        ctx.sell_shares, ctx.sell_fill_price = QUANTITY, PriceType.OPEN


def run(bars: Any) -> Any:
    """Backtest; the index becomes the columns that it wants aside."""
    with Aside() as aside:
        frame = bars.tz_localize(None).rename_axis("date").reset_index()
        frame["symbol"] = "DATA"
    config = StrategyConfig(
        initial_cash=CASH, fee_mode=FeeMode.ORDER_PERCENT, fee_amount=100 * COMMISSION, round_fill_price=False,
        round_test_result=False, bars_per_year=365 * 24 * 60,
    )  # fmt: skip
    strategy = Strategy(frame, frame["date"].iloc[0], frame["date"].iloc[-1], config)
    strategy.add_execution(trade, ["DATA"], indicators=[FAST_MA, SLOW_MA])
    result = strategy.backtest(calc_bootstrap=False)

    def tell() -> dict[str, Any]:
        orders = result.orders
        fills = [
            [int(t), str(side).upper(), float(q), float(p), float(fee)]
            for t, side, q, p, fee in zip(
                orders["date"].astype("datetime64[us]").astype("int64"), orders["type"], orders["shares"],
                orders["fill_price"], orders["fees"], strict=True,
            )
        ]  # fmt: skip
        return {"fills": fills, "equity": float(result.portfolio["equity"].iloc[-1])}

    return aside.spent, tell


if __name__ == "__main__":
    serve(run)

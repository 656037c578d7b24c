# title: Backtest
# description: Run a strategy on a dataset with costs
# prefix: albacktest
# context: after_strategy
result = al.backtest(
    MyStrategy,
    data="us-equities-daily/AAPL",
    cash=100_000,
    commission=0.001,
    slippage=0.0005,
    params={"length": 100},
)
result

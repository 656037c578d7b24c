# title: Check for look-ahead
# description: Run on shortened data and name what reads the future
# prefix: alcheck
# context: after_strategy
check = al.check(MyStrategy, data="us-equities-daily/AAPL", commission=0.001)
check

# title: Record a value
# description: Keep a value of each bar: a chart panel and a column of result.recorded
# prefix: alrecord
# context: on_bar
self.record(exposure=1 - self.cash / self.equity)

# title: Stop-limit order
# description: Buy above the last high, but not above a limit
# prefix: alstoplimit
# context: on_bar
self.buy(quantity=100, stop=self.data.high[-1] * 1.01, limit=self.data.high[-1] * 1.02)

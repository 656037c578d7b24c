# title: Limit order
# description: Buy 2 % below the close, today only
# prefix: allimit
# context: on_bar
self.buy(quantity=100, limit=self.data.close[-1] * 0.98, tif="DAY")

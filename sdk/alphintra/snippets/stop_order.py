# title: Stop order
# description: Buy when the price rises above the last high
# prefix: alstop
# context: on_bar
self.buy(quantity=100, stop=self.data.high[-1] * 1.01)

# title: Market order
# description: Buy at the next open
# prefix: almarket
# context: on_bar
self.buy(quantity=100)

# title: Cancel working orders
# description: Take back what has not filled
# prefix: alcancel
# context: on_bar
for order in self.orders:
    self.cancel(order)

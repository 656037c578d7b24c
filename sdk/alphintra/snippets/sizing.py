# title: Sizing by risk
# description: Risk 1 % of equity between entry and stop
# prefix: alsizing
# context: on_bar
entry, stop = self.data.close[-1], self.data.close[-1] * 0.95
quantity = int(0.01 * self.equity / (entry - stop))
self.buy(quantity=quantity, stop_loss=stop)

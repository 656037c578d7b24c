# title: Bracket order
# description: Enter with a protective stop and a target
# prefix: albracket
# context: on_bar
self.buy(percent=0.5, stop_loss_percent=0.05, take_profit_percent=0.10, tag="entry")

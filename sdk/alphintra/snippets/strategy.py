# title: Strategy
# description: A strategy with two parameters and an indicator
# prefix: alstrategy
import alphintra as al


class MyStrategy(al.Strategy):
    """Long while the close is above its average."""

    length = al.Param(50, low=5, high=300, description="Bars of the average")
    share = al.Param(0.95, low=0.0, high=1.0, description="Part of equity to hold")

    def on_start(self):
        self.average = self.indicator(al.ta.SMA, self.data.close, self.length)

    def on_bar(self):
        if al.crossed_above(self.data.close, self.average):
            self.order_target_percent(self.share)
        elif al.crossed_below(self.data.close, self.average):
            self.close()

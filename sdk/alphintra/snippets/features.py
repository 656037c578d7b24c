# title: Strategy with a further series
# description: Read another dataset, joined by when its rows were known
# prefix: alfeatures
class Calm(al.Strategy):
    def on_start(self):
        self.usual = self.indicator(al.ta.SMA, self.features["vix"].close, 50)

    def on_bar(self):
        vix = self.features["vix"].close
        self.order_target_percent(0.95 if vix[-1] < self.usual[-1] else 0.0)


result = al.backtest(Calm, data="us-indices-daily/SP500", features={"vix": "vix-daily"}, max_share=None)
result

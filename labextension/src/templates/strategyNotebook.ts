/** The notebook that New strategy starts with. */

const SKELETON = `class MyStrategy(al.Strategy):
    """Long while the fast average is above the slow one."""

    fast = al.Param(20, low=2, high=100)
    slow = al.Param(50, low=5, high=300)

    def on_start(self):
        self.fast_ma = self.indicator(al.ta.SMA, self.data.close, self.fast)
        self.slow_ma = self.indicator(al.ta.SMA, self.data.close, self.slow)

    def on_bar(self):
        if al.crossed_above(self.fast_ma, self.slow_ma):
            self.order_target_percent(0.95)
        elif al.crossed_below(self.fast_ma, self.slow_ma):
            self.close()`;

function runCell(dataset: string, cash: number, commission: number): string {
  return `result = al.backtest(
    MyStrategy,
    data=${JSON.stringify(dataset)},
    cash=${cash},
    commission=${commission},
)
result`;
}

/** The notebook's document; its first line imports the SDK, as completion and checks need it. */
export function strategyNotebook(
  dataset: string,
  cash: number,
  commission: number,
  newId: () => string
): object {
  const code = (source: string): object => ({
    cell_type: 'code',
    id: newId(),
    metadata: {},
    execution_count: null,
    outputs: [],
    source
  });
  return {
    nbformat: 4,
    nbformat_minor: 5,
    metadata: {
      kernelspec: {
        name: 'alphintra',
        display_name: 'Alphintra',
        language: 'python'
      },
      language_info: { name: 'python' }
    },
    cells: [
      code('import alphintra as al'),
      code(SKELETON),
      code(runCell(dataset, cash, commission))
    ]
  };
}

/** Heights of the chart's panes, known before the chart library is loaded. */

import type { ICharts } from './payload.js';

/** In pixels; the chart's container has their sum from the start. */
export const PANE_HEIGHTS = {
  price: 300,
  indicator: 110,
  equity: 130,
  drawdown: 90,
  recorded: 110,
  axis: 28
} as const;

/** The height that the charts take for a symbol. */
export function chartHeight(
  charts: ICharts,
  symbolName: string,
  showRecorded: boolean
): number {
  const h = PANE_HEIGHTS;
  const symbol = charts.symbols.find(item => item.symbol === symbolName);
  const apart = symbol?.indicators.some(item => !item.overlay) ?? false;
  const recorded = showRecorded && charts.recorded.length > 0;
  return (
    h.equity +
    h.drawdown +
    h.axis +
    (symbol ? h.price : 0) +
    (apart ? h.indicator : 0) +
    (recorded ? h.recorded : 0)
  );
}

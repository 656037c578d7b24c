/** Fills and round trips placed on the candles of one symbol. */

import type { SeriesMarker, Time } from 'lightweight-charts';

import type { IPalette } from './palette.js';
import type { IMarker, IShares, ISymbolSeries } from './payload.js';
import { snap } from './timeline.js';
import type { IPath } from './tradePaths.js';
import type { ITrade } from './trades.js';

/** A price of that time in the shares that the chart is drawn in. */
export function inDrawnShares(
  price: number,
  time: number,
  shares: IShares | null | undefined
): number {
  return (shares?.splits ?? [])
    .filter(split => split.time > time)
    .reduce((drawn, split) => drawn / split.ratio, price);
}

/** The lines from entry to exit; an open trade ends at the last close. */
export function pathsOf(trades: readonly ITrade[], symbol: ISymbolSeries): IPath[] {
  const last = symbol.time.length - 1;
  if (last < 0) {
    return [];
  }
  const lastClose = symbol.close[last]!;
  return trades
    .filter(trade => trade.symbol === symbol.symbol)
    .map(trade => {
      const at = trade.exitTime === null ? last : snap(symbol.time, trade.exitTime);
      // Both prices of a trade are in shares of its end.
      const end = trade.exitTime ?? Infinity;
      const drawn = (value: number): number =>
        inDrawnShares(value, end, symbol.shares);
      const entry = drawn(trade.entryPrice);
      const price = trade.exitPrice === null ? lastClose : drawn(trade.exitPrice);
      const rise = price >= entry;
      return {
        id: trade.id,
        from: {
          time: symbol.time[snap(symbol.time, trade.entryTime)]!,
          price: entry
        },
        to: { time: symbol.time[at]!, price },
        gain: trade.pnl !== null ? trade.pnl >= 0 : rise === (trade.side !== 'SELL')
      };
    });
}

/** An arrow for each fill: below the bar and up for a purchase, above and down for a sale. */
export function arrowsOf(
  markers: readonly IMarker[],
  symbol: ISymbolSeries,
  palette: IPalette
): SeriesMarker<Time>[] {
  if (symbol.time.length === 0) {
    return [];
  }
  return markers
    .filter(marker => marker.symbol === symbol.symbol)
    .sort((a, b) => a.time - b.time)
    .map(marker => {
      const buy = marker.side === 'BUY';
      const trade = marker.trade_ids[0];
      return {
        time: symbol.time[snap(symbol.time, marker.time)]! as Time,
        position: buy ? 'belowBar' : 'aboveBar',
        shape: buy ? 'arrowUp' : 'arrowDown',
        color: buy ? palette.up : palette.down,
        ...(trade === undefined ? {} : { id: `trade-${trade}` })
      };
    });
}

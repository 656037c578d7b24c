/** Fills and round trips placed on the candles of one symbol. */

import type { SeriesMarker, Time } from 'lightweight-charts';

import type { IPalette } from './palette.js';
import type { IMarker, ISymbolSeries } from './payload.js';
import { snap } from './timeline.js';
import type { IPath } from './tradePaths.js';
import type { ITrade } from './trades.js';

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
      const price = trade.exitPrice ?? lastClose;
      const at = trade.exitTime === null ? last : snap(symbol.time, trade.exitTime);
      const rise = price >= trade.entryPrice;
      return {
        id: trade.id,
        from: {
          time: symbol.time[snap(symbol.time, trade.entryTime)]!,
          price: trade.entryPrice
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

/** Which part of a long series a chart holds while another part of it is looked at. No DOM. */

import type { IDatasetCandles, IDatasetChart } from '../api/datasets.js';
import { barAt } from './report.js';

/** Rows of a symbol: the first, and one past the last. They need not be whole, or be there. */
export interface IRows {
  from: number;
  to: number;
}

/** What is asked for. */
export interface IPart {
  first_row: number;
  stop_row: number;
  points: number;
}

/** Candles that a chart has, lists of one length. */
export interface IDrawn {
  symbol: string;
  /** Seconds since the epoch, rising. */
  time: readonly number[];
  /** Open, high, low and close; of a line the last alone. */
  open: readonly (number | null)[] | null;
  high: readonly (number | null)[] | null;
  low: readonly (number | null)[] | null;
  close: readonly (number | null)[];
  volume: readonly (number | null)[] | null;
  /** Rows of a candle. */
  each: number;
  /** Which candle of the symbol the first one is. */
  start: number;
  /** Rows of the symbol. */
  total: number;
  /** Whether these are some rows of it, drawn at random: there are no others to ask for. */
  isSample: boolean;
}

/** Times that rise: of two trades in one instant the second is drawn a microsecond later. */
export function rising(times: readonly number[]): number[] {
  const out: number[] = [];
  for (const time of times) {
    const before = out.at(-1);
    out.push(before !== undefined && time <= before ? before + 1e-6 : time);
  }
  return out;
}

export function drawnOf(found: IDatasetCandles): IDrawn {
  const { bars } = found;
  return {
    symbol: found.symbol,
    time: rising(found.time),
    open: bars ? found.open : null,
    high: bars ? found.high : null,
    low: bars ? found.low : null,
    close: found.close,
    volume: found.volume,
    each: found.rows_each,
    start: Math.floor(found.first_row / found.rows_each),
    total: found.total_rows,
    isSample: false
  };
}

/** What a preview has for a chart: all there is to show where no candles come. */
export function drawnOfPreview(found: IDatasetChart): IDrawn {
  const { candles } = found;
  return {
    symbol: found.symbol,
    time: rising(candles?.time ?? found.time),
    open: candles?.open ?? null,
    high: candles?.high ?? null,
    low: candles?.low ?? null,
    close: candles?.close ?? found.values,
    volume: candles?.volume ?? null,
    each: candles?.bars_each ?? 1,
    start: 0,
    total: found.bars,
    isSample: true
  };
}

/** The column to draw of what has no prices: it would be refused as candles. `null` leaves it to the server. */
export function columnOf({ candles, series }: Pick<IDatasetChart, 'candles' | 'series'>): string | null {
  return candles || series === 'close' ? null : series;
}

/** Rows of a candle so that no more than `most` show so many rows: 1, 2, 4, 8, … */
export function eachFor(rows: number, most: number): number {
  let each = 1;
  while (rows / each > most) {
    each *= 2;
  }
  return each;
}

/** Where a row lies among the candles that are drawn: half a candle before the first is −0.5. */
export function placeOf(drawn: IDrawn, row: number): number {
  return row / drawn.each - drawn.start - 0.5;
}

/** Which row lies at a place; as `placeOf`. */
export function rowAt(drawn: IDrawn, place: number): number {
  return (place + 0.5 + drawn.start) * drawn.each;
}

/** Rows that are shown around one that is gone to. */
const AROUND = 60;

/**
 * Where the bar of a time is among the candles that are drawn, and the rows to show around it: of candles of many rows
 * those of two, of which a finer part tells more. `null` where another part has it.
 */
export function around(drawn: IDrawn, time: number): { at: number; rows: IRows } | null {
  const at = barAt(drawn.time, time);
  const isAll = drawn.isSample || (drawn.start + drawn.time.length) * drawn.each >= drawn.total;
  if (drawn.time.length === 0 || (at < 0 && drawn.start > 0) || (at === drawn.time.length - 1 && !isAll)) {
    return null;
  }
  const place = Math.max(0, at);
  const half = Math.max(drawn.each, Math.min(AROUND, drawn.total) / 2);
  const middle = rowAt(drawn, place);
  return { at: place, rows: { from: middle - half, to: middle + half } };
}

/** How many candles of the size that is drawn the whole series has. */
export function countOf({ isSample, time, total, each }: IDrawn): number {
  return isSample ? time.length : Math.max(time.length, Math.ceil(total / each));
}

/** What a chart has to hold to show rows in at most `most` candles: with as many beside them on either side. */
export function partFor(rows: IRows, total: number, most: number): IPart {
  const each = eachFor(rows.to - rows.from, most);
  const margin = rows.to - rows.from;
  const first = Math.max(0, Math.floor((rows.from - margin) / each) * each);
  const stop = Math.min(total, Math.ceil((rows.to + margin) / each) * each);
  return { first_row: Math.min(first, total), stop_row: stop, points: Math.max(2, Math.ceil((stop - first) / each) + 2) };
}

/**
 * Whether what is drawn shows rows well: in candles of the right size, or of half of it so that who zooms to and fro does
 * not see them change each time; and with some beside them to pan to.
 */
export function suffices(drawn: IDrawn, rows: IRows, most: number): boolean {
  if (drawn.isSample) {
    return true;
  }
  const width = rows.to - rows.from;
  const first = drawn.start * drawn.each;
  const stop = Math.min(drawn.total, (drawn.start + drawn.time.length) * drawn.each);
  const left = Math.max(0, Math.min(rows.from - width / 3, drawn.total));
  const right = Math.min(drawn.total, Math.max(rows.to + width / 3, 0));
  const each = eachFor(width, most);
  return [each, each / 2].includes(drawn.each) && (left >= first || first === 0) && (right <= stop || stop === drawn.total);
}

/**
 * The one time axis that candles, equity and drawdown share.
 *
 * The axis is the candles' own times, and the curve's times outside of them; the curve is
 * mapped onto it. Without this, a symbol that trades on other days than the portfolio, or
 * candles that were aggregated, would leave holes between the candles.
 */

import type { ICurve } from './payload.js';

export interface IAlignedCurve {
  time: number[];
  equity: (number | null)[];
  benchmark: (number | null)[] | null;
  drawdown: (number | null)[];
}

/** Index of the last time that is not after `time`, or -1. */
export function lastAtOrBefore(times: readonly number[], time: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! <= time) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low - 1;
}

/** The index at which a fill is drawn: the candle that covers its time, or the nearest end. */
export function snap(times: readonly number[], time: number): number {
  return Math.max(0, lastAtOrBefore(times, time));
}

/**
 * Map the curve onto the candles. A candle covers its own time up to the next candle's; of
 * that span the last equity and the deepest drawdown are drawn, so no extreme is lost.
 */
export function alignCurve(
  curve: ICurve,
  candles: readonly number[]
): IAlignedCurve {
  if (candles.length === 0 || curve.time.length === 0) {
    return { ...curve };
  }
  const first = candles[0]!;
  const last = candles[candles.length - 1]!;
  const axis = [
    ...curve.time.filter(time => time < first),
    ...candles,
    ...curve.time.filter(time => time > last)
  ];
  const result: IAlignedCurve = {
    time: [],
    equity: [],
    benchmark: curve.benchmark ? [] : null,
    drawdown: []
  };
  let next = 0;
  axis.forEach((time, i) => {
    const end = axis[i + 1] ?? Infinity;
    let deepest: number | null = null;
    while (next < curve.time.length && curve.time[next]! < end) {
      const value = curve.drawdown[next] ?? null;
      if (value !== null && (deepest === null || value < deepest)) {
        deepest = value;
      }
      next += 1;
    }
    if (next === 0) {
      return;
    }
    result.time.push(time);
    result.equity.push(curve.equity[next - 1] ?? null);
    result.benchmark?.push(curve.benchmark![next - 1] ?? null);
    result.drawdown.push(deepest ?? curve.drawdown[next - 1] ?? null);
  });
  return result;
}

/** A label of a time axis, in pixels. */
export const LABEL_WIDTH = 52;

/**
 * The places to show for all that is drawn: so far in from the edges that the first and the last label of the axis are
 * whole, where they are centred on it. Where the series begins the chart itself moves the first one in.
 */
export function wholeRange(
  { start, time }: { start: number; time: { readonly length: number } },
  width: number,
  label: number
): { from: number; to: number } | null {
  const edges = start === 0 ? 1 : 2;
  const free = width - (edges * label) / 2;
  if (free <= 0 || time.length === 0) {
    return null;
  }
  const space = (label / 2 / free) * time.length;
  return { from: start === 0 ? -0.5 : -space, to: time.length - (start === 0 ? 0.5 : 0) + space };
}

/** Beyond the whole, so much of its width may be empty. */
const BEYOND = 1.05;
/** A candle is never narrower, in pixels. */
export const LEAST_SPACING = 0.02;

/** How narrow a candle may become, in pixels: so that no more is seen than the whole of a series and a little beside it. */
export function leastSpacing(count: number, width: number, label: number): number {
  const whole = wholeRange({ start: 1, time: { length: count } }, width, label);
  return whole === null ? LEAST_SPACING : Math.max(LEAST_SPACING, width / ((whole.to - whole.from) * BEYOND));
}

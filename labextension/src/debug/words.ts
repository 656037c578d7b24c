/** What is said of the bar that the debugger holds. */

import { fixed, formatValue, isoTime, THIN } from '../result/format.js';
import type { IMarket } from './market.js';

/** Positions that are named. */
const NAMED = 3;

/** When and where the run stands, what it holds, and what makes it slow or inexact; nothing where no replay is paused. */
export function standing(market: IMarket): string[] {
  if (market.status !== 'paused' || !market.time) {
    return [];
  }
  const { state } = market;
  const lines = [
    isoTime(Date.parse(market.time) / 1000, state?.intraday !== true),
    `bar ${fixed(market.bar ?? 0, 0)} of ${fixed((market.count ?? 1) - 1, 0)}`
  ];
  if (state) {
    const held = state.positions
      .slice(0, NAMED)
      .map(one => `${formatValue(one.size, 'quantity')}${THIN}${one.symbol}`);
    const more = state.positions.length - NAMED;
    if (more > 0) {
      held.push(`${more} more`);
    }
    lines.push(`equity ${fixed(state.account.equity, 2)}, ${held.join(', ') || 'flat'}`);
    lines.push(...(state.notices ?? []));
  }
  return lines;
}

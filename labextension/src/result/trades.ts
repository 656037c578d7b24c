/** Round trips as the chart needs them, read from the trades table. */

import type { Cell, ITable } from './payload.js';

export interface ITrade {
  id: number;
  /** Index of its row in the trades table. */
  row: number;
  symbol: string;
  side: string;
  quantity: number | null;
  entryTime: number;
  entryPrice: number;
  exitTime: number | null;
  exitPrice: number | null;
  pnl: number | null;
  return: number | null;
  reason: string | null;
}

function number(value: Cell | undefined): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

/** The trades of a table; rows without an entry are left out. */
export function tradesOf(table: ITable | undefined): ITrade[] {
  if (!table) {
    return [];
  }
  const column = new Map(table.columns.map((item, index) => [item.name, index]));
  const trades: ITrade[] = [];
  table.rows.forEach((cells, row) => {
    const at = (name: string): Cell | undefined => {
      const index = column.get(name);
      return index === undefined ? undefined : cells[index];
    };
    const entryTime = number(at('entry_time'));
    const entryPrice = number(at('entry_price'));
    if (entryTime === null || entryPrice === null) {
      return;
    }
    const reason = at('exit_reason');
    trades.push({
      id: number(at('id')) ?? row,
      row,
      symbol: String(at('symbol') ?? ''),
      side: String(at('side') ?? ''),
      quantity: number(at('quantity')),
      entryTime,
      entryPrice,
      exitTime: number(at('exit_time')),
      exitPrice: number(at('exit_price')),
      pnl: number(at('pnl')),
      return: number(at('return')),
      reason: typeof reason === 'string' ? reason : null
    });
  });
  return trades;
}

/** A comparison counted by symbol. No DOM. */

import type { IPlace, IVersionDifference } from '../api/recipes.js';

export interface ISymbolChange {
  symbol: string;
  /** Rows before and after, where they are another number. */
  rows: { from: number; to: number } | null;
  /** Places among those that are told. */
  places: number;
}

/** What changed, by symbol: those with the most places first. */
export function changedBySymbol(
  places: readonly Pick<IPlace, 'symbol'>[],
  rows: IVersionDifference['rows_differ']
): ISymbolChange[] {
  const found = new Map<string, ISymbolChange>();
  for (const { symbol, rows_from: from, rows_to: to } of rows) {
    found.set(symbol, { symbol, rows: { from, to }, places: 0 });
  }
  for (const { symbol } of places) {
    const own = found.get(symbol) ?? { symbol, rows: null, places: 0 };
    found.set(symbol, { ...own, places: own.places + 1 });
  }
  return [...found.values()].sort((a, b) => b.places - a.places || a.symbol.localeCompare(b.symbol));
}

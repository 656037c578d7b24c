/** Sorting, filtering and export of a table, without a DOM. */

import { datesOnly, formatValue } from './format.js';
import type { Cell, IColumn, ITable } from './payload.js';

export interface ISort {
  column: number;
  descending: boolean;
}

export interface ITableState {
  sort: ISort | null;
  filter: string;
}

function compare(a: Cell, b: Cell): number {
  if (typeof a === 'number' && typeof b === 'number') {
    return a - b;
  }
  return String(a).localeCompare(String(b), 'en', { numeric: true });
}

function isUndefined(value: Cell | undefined): boolean {
  return value === null || value === undefined || Number.isNaN(value);
}

/** For each column, whether its times are all dates; found once for a table. */
export function dateColumns(table: ITable): boolean[] {
  return table.columns.map(
    (column, index) =>
      column.format === 'time' &&
      datesOnly(table.rows.map(row => row[index] ?? null))
  );
}

/** One cell as text, the same in the table, in the filter and in a text alternative. */
export function cellText(
  value: Cell | undefined,
  column: IColumn,
  dateOnly: boolean
): string {
  return formatValue(value, column.format, {
    signed: column.signed ?? false,
    dateOnly
  });
}

/** Indices of the rows to show: every word of the filter occurs in the row; sorting is stable
 * and undefined values come last in both directions. */
export function visibleRows(table: ITable, state: ITableState): number[] {
  const dates = dateColumns(table);
  const words = state.filter.toLowerCase().split(/\s+/).filter(Boolean);
  let rows = table.rows.map((_, index) => index);
  if (words.length > 0) {
    rows = rows.filter(index => {
      const row = table.rows[index]!;
      const text = table.columns
        .map((column, i) => cellText(row[i], column, dates[i]!))
        .join(' ')
        .toLowerCase();
      return words.every(word => text.includes(word));
    });
  }
  const sort = state.sort;
  if (sort) {
    const sign = sort.descending ? -1 : 1;
    rows.sort((left, right) => {
      const a = table.rows[left]![sort.column] ?? null;
      const b = table.rows[right]![sort.column] ?? null;
      if (isUndefined(a) || isUndefined(b)) {
        return Number(isUndefined(a)) - Number(isUndefined(b)) || left - right;
      }
      return sign * compare(a, b) || left - right;
    });
  }
  return rows;
}

/** The next order of a column: rising, falling, as it came. */
export function nextSort(current: ISort | null, column: number): ISort | null {
  if (current?.column !== column) {
    return { column, descending: false };
  }
  return current.descending ? null : { column, descending: true };
}

/** A written-out number: sign, digits in groups, perhaps an exponent or a percent sign. */
const NUMERIC = /^[+-]?[\d\s.]+(e[+-]?\d+)?\s*%?$/i;

function csvField(text: string): string {
  // A leading formula sign would run in a spreadsheet; plain numbers and percents keep theirs.
  const formula = /^[=+\-@\t\r]/.test(text) && !NUMERIC.test(text);
  const safe = formula ? `'${text}` : text;
  return /[",\n\r]/.test(safe) ? `"${safe.replace(/"/g, '""')}"` : safe;
}

/** The rows as CSV with full precision: names as header, ISO times, empty for undefined. */
export function toCsv(table: ITable, rows: readonly number[]): string {
  const lines = [table.columns.map(column => csvField(column.name)).join(',')];
  for (const index of rows) {
    const row = table.rows[index]!;
    lines.push(
      table.columns
        .map((column, i) => {
          const value = row[i];
          if (value === null || value === undefined) {
            return '';
          }
          return column.format === 'time' && typeof value === 'number'
            ? new Date(value * 1000).toISOString().replace('.000Z', 'Z')
            : csvField(String(value));
        })
        .join(',')
    );
  }
  return lines.join('\n') + '\n';
}

import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { ITable } from '../result/payload.js';
import { nextSort, toCsv, visibleRows } from '../result/tableModel.js';

const table: ITable = {
  columns: [
    { name: 'entry_time', label: 'Entered', format: 'time' },
    { name: 'symbol', label: 'Symbol', format: 'text' },
    { name: 'pnl', label: 'P&L', format: 'money', signed: true }
  ],
  rows: [
    [1267488000, 'AAPL', 20],
    [1267574400, 'MSFT', null],
    [1267660800, 'AAPL', -3],
    [1267747200, 'IBM', 20]
  ],
  total: 4,
  omitted: null
};

test('sorting is stable and undefined values come last both ways', () => {
  const rising = { sort: { column: 2, descending: false }, filter: '' };
  const falling = { sort: { column: 2, descending: true }, filter: '' };
  assert.deepEqual(visibleRows(table, rising), [2, 0, 3, 1]);
  assert.deepEqual(visibleRows(table, falling), [0, 3, 2, 1]);
});

test('every word of the filter has to occur, in what is shown', () => {
  const find = (filter: string): number[] =>
    visibleRows(table, { sort: null, filter });
  assert.deepEqual(find('aapl'), [0, 2]);
  assert.deepEqual(find('aapl 2010-03-04'), [2]);
  assert.deepEqual(find('\u22123.00'), [2]);
  assert.deepEqual(find('nothing'), []);
});

test('a column goes through rising, falling, as it came', () => {
  const rising = nextSort(null, 1);
  const falling = nextSort(rising, 1);
  assert.deepEqual(rising, { column: 1, descending: false });
  assert.deepEqual(falling, { column: 1, descending: true });
  assert.equal(nextSort(falling, 1), null);
  assert.deepEqual(nextSort(falling, 0), { column: 0, descending: false });
});

test('CSV has names, ISO times, empty for undefined, and no formulas', () => {
  assert.equal(
    toCsv(table, [1, 2]),
    'entry_time,symbol,pnl\n2010-03-03T00:00:00Z,MSFT,\n2010-03-04T00:00:00Z,AAPL,-3\n'
  );
  const texts: ITable = {
    columns: [{ name: 'text', label: 'Text', format: 'text' }],
    rows: [['=HYPERLINK("x")'], ['a,b'], ['-5'], ['+1\u202f624\u202f%'], ['+1+cmd|x']],
    total: 5,
    omitted: null
  };
  assert.equal(
    toCsv(texts, [0, 1, 2, 3, 4]),
    'text\n"\'=HYPERLINK(""x"")"\n"a,b"\n-5\n+1\u202f624\u202f%\n\'+1+cmd|x\n'
  );
});

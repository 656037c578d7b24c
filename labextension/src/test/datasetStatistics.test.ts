import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import { renderToStaticMarkup } from 'react-dom/server';

import { calendarOf, isCoverage, rowsAt } from '../datasets/coverage.js';
import type { IDatasetPreview, IDatasetStatistics } from '../api/datasets.js';
import { histogramPath, isHistogram } from '../datasets/histogram.js';
import { StatisticsTab } from '../datasets/tabs.js';
import { clockText } from '../datasets/words.js';

test('days stand in their years, and what is missing is found', () => {
  // From Thursday, December 30th 2004: a weekend, half a day on Tuesday, a gap of three days, a day of twice as much.
  const counts = [390, 390, 0, 0, 390, 210, 390, 0, 0, 0, 780];
  const coverage = { first: '2004-12-30', days: 1, counts };
  assert.deepEqual(calendarOf(coverage), {
    usual: 390,
    gap: { first: '2005-01-06', days: 3 },
    years: [
      // 2004 has 366 days.
      { year: 2004, runs: [{ day: 364, days: 2, level: 2 }] },
      {
        year: 2005,
        runs: [
          { day: 2, days: 1, level: 2 },
          { day: 3, days: 1, level: 1 },
          { day: 4, days: 1, level: 2 },
          { day: 8, days: 1, level: 3 }
        ]
      }
    ]
  });
  assert.deepEqual(rowsAt(coverage, 2005, 3), { from: '2005-01-04', rows: 210 });
  assert.deepEqual(rowsAt(coverage, 2005, 0), { from: '2005-01-01', rows: 0 });
  assert.equal(rowsAt(coverage, 2004, 366), null);
  assert.equal(rowsAt(coverage, 2005, 30), null);
});

test('years without a row have a line, and a count may be of several days', () => {
  const found = calendarOf({ first: '2000-12-31', days: 400, counts: [5, 0, 5] });
  assert.deepEqual(
    found.years.map(({ year, runs }) => [year, runs.map(run => run.days)]),
    [
      [2000, [1]],
      [2001, [365]],
      [2002, [34]],
      [2003, [296]],
      [2004, [104]]
    ]
  );
  assert.deepEqual(found.gap, { first: '2002-02-04', days: 400 });
  const years = calendarOf({ first: '2000-06-01', days: 1, counts: [1, ...Array<number>(900).fill(0), 1] }).years;
  assert.deepEqual(
    years.map(({ year, runs }) => [year, runs.length]),
    [
      [2000, 1],
      [2001, 0],
      [2002, 1]
    ]
  );
});

test('one day, and what is no coverage', () => {
  assert.deepEqual(calendarOf({ first: '2020-02-29', days: 1, counts: [7] }), {
    usual: 7,
    gap: null,
    years: [{ year: 2020, runs: [{ day: 59, days: 1, level: 2 }] }]
  });
  for (const none of [undefined, null, {}, { first: '2020-01-01', days: 1, counts: [] }]) {
    assert.equal(isCoverage(none), false);
  }
});

test('a lonely value is seen beside thousands, and an empty bin is empty', () => {
  const path = histogramPath({ edges: [0, 1, 2, 3], counts: [9_000, 0, 1] });
  assert.deepEqual(
    [...path.matchAll(/M([\d.]+),([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]),
    [
      [0, 0],
      [64, 17]
    ]
  );
  const many = histogramPath({ edges: Array.from({ length: 1_025 }, (_, i) => i), counts: Array<number>(1_024).fill(1) });
  assert.ok(many.split('M').length - 1 <= 48);
  assert.equal(isHistogram({ edges: [0], counts: [] }), false);
  assert.equal(isHistogram(null), false);
  assert.equal(isHistogram({ edges: [1, 2], counts: [3] }), true);
});

test('on whose clocks times are is said where there are times', () => {
  const trans = { __: (text: string, ...args: unknown[]) => text.replace('%1', String(args[0])) } as unknown as TranslationBundle;
  assert.equal(clockText('1d', 'Europe/Athens', trans), null);
  assert.equal(clockText('1h', null, trans), 'times in UTC');
  assert.equal(clockText('irregular', 'UTC', trans), 'times in UTC');
  assert.equal(clockText('15min', 'Europe/Athens', trans), 'times in UTC (in the file: Europe/Athens)');
});

test('columns are told of in the order of their file, and one row is not rows', () => {
  const fill = (text: string, args: unknown[]): string => args.reduce<string>((all, own, i) => all.replace(`%${i + 1}`, String(own)), text);
  const trans = {
    __: (text: string, ...args: unknown[]) => fill(text, args),
    _n: (one: string, many: string, count: number, ...args: unknown[]) => fill(count === 1 ? one : many, [count, ...args])
  } as unknown as TranslationBundle;
  const coverage = { first: '2024-01-01', days: 1, counts: [1, 1, 0, 1] };
  const columns = { close: { count: 3 }, date: { count: 3, coverage }, open: { count: 3 }, volume: { count: 3 } };
  const preview = { sample_data: [{ date: '2024-01-01', open: 1, close: 2 }], data_types: {} };
  const shown = renderToStaticMarkup(
    React.createElement(StatisticsTab, {
      statistics: { columns } as unknown as IDatasetStatistics,
      preview: preview as unknown as IDatasetPreview,
      symbols: [],
      readStatistics: () => Promise.reject(new Error('there is one symbol')),
      trans
    })
  );
  assert.deepEqual(
    [...shown.matchAll(/<tr><td[^>]*>(\w+)<\/td>/g)].map(([, name]) => name),
    ['date', 'open', 'close', 'volume']
  );
  assert.match(shown, />1 row on a usual day \u00b7 at most 1 day without rows, from 2024-01-03</);
});

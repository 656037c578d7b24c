import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';
import { renderToStaticMarkup } from 'react-dom/server';

import type { IDataset, IValidationReport } from '../api/datasets.js';
import { ReportTab } from '../datasets/reportTab.js';

const trans = {
  __: (text: string, ...args: unknown[]) => text.replace(/%(\d)/g, (_, n) => String(args[Number(n) - 1])),
  _n: (one: string, many: string, n: number) => (n === 1 ? one : many)
} as unknown as TranslationBundle;

/** The places that lead to the chart, of a report with one of a symbol, of none, of another, and without a time. */
function led(symbols: readonly string[], hasChart = true): string[] {
  const found = (symbol: (string | null)[], time: (string | null)[]): unknown => ({
    rule: symbol.join(), severity: 'warning', status: 'checked', reason: null, count: 2, places: { count: 2, symbol, time }
  });
  const report = {
    validation_errors: [],
    acknowledgements: [],
    counts: {},
    report: { checked: '', results: [found(['A', 'A'], ['2024-01-02T00:00:00Z', null]), found(['Z', null], ['2024-01-04', '2024-01-03'])] }
  };
  const shown = renderToStaticMarkup(
    React.createElement(ReportTab, {
      dataset: { symbols } as unknown as IDataset,
      report: report as unknown as IValidationReport,
      trans,
      onAccept: null,
      onPlace: hasChart ? () => undefined : null
    })
  );
  return [...shown.matchAll(/<button[^>]*alphintra-Report-place[^>]*>([^<]*)</g)].map(([, text]) => text!);
}

test('a place leads to the chart where the chart has it', () => {
  assert.deepEqual(led(['A', 'B']), ['A, 2024-01-02']);
  assert.deepEqual(led(['A']), ['A, 2024-01-02', '2024-01-03']);
  assert.deepEqual(led(['A'], false), []);
});

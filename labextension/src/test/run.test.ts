import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { TranslationBundle } from '@jupyterlab/translation';

import { problemFrom } from '../api/problem.js';
import type { IStrategyClass } from '../api/types.js';
import { datasetOptions, initialFields, readFields } from '../run/form.js';
import { DEFAULTS, readSettings } from '../settings/values.js';
import { strategyNotebook } from '../templates/strategyNotebook.js';

const trans = {
  __: (text: string, ...values: unknown[]) => text.replace(/%(\d)/g, (_, n: string) => String(values[Number(n) - 1]))
} as unknown as TranslationBundle;
const PLATFORM = { id: 'p', owner: null, access: 'USE' } as const;

const sma: IStrategyClass = {
  name: 'SmaCross',
  line: 1,
  cell: 2,
  doc: null,
  parameters: { fast: { default: 20, low: 2, high: 100 } }
};
const other: IStrategyClass = { ...sma, name: 'Other', parameters: {} };

test('the dialog opens with the settings, then with the last fields of the file', () => {
  const fresh = initialFields([sma, other], DEFAULTS, null);
  assert.equal(fresh.className, 'SmaCross');
  assert.equal(fresh.dataset, 'us-equities-daily/AAPL');
  assert.equal(fresh.cash, '100000');
  assert.equal(fresh.methodology, 'STANDARD');
  assert.deepEqual(fresh.parameters, { fast: '20' });
  const again = initialFields([sma, other], DEFAULTS, {
    ...fresh,
    className: 'Other',
    commission: '0.001',
    methodology: 'MONTE_CARLO'
  });
  assert.equal(again.className, 'Other');
  assert.equal(again.commission, '0.001');
  assert.equal(again.methodology, 'MONTE_CARLO');
  // Texts of a parameter stay with its class.
  const kept = initialFields([sma], DEFAULTS, {
    ...fresh,
    parameters: { fast: '30' },
    grid: { fast: '10, 20' }
  });
  assert.deepEqual(kept.parameters, { fast: '30' });
  assert.deepEqual(kept.grid, { fast: '10, 20' });
});

test('bad fields are named, good ones are numbers, defaults are left to the class', () => {
  const fields = initialFields([sma], DEFAULTS, null);
  const good = readFields({ ...fields, commission: '0.001' }, [sma]);
  assert.deepEqual(good.complaints, []);
  assert.equal(good.choice.commission, 0.001);
  assert.deepEqual(good.choice.parameters, {});
  const dated = (start: string, end: string): string[] =>
    readFields({ ...fields, start, end }, [sma]).complaints.map(item => item.field);
  assert.deepEqual([dated('2024-03-04', '2024-03-04'), dated('2024-03-05', '2024-03-04')], [[], ['end']]);
  const bad = readFields(
    {
      ...fields,
      dataset: ' ',
      cash: '-1',
      commission: '1',
      slippage: '',
      parameters: { fast: '101' }
    },
    [sma]
  );
  assert.deepEqual(
    bad.complaints.map(item => [item.field, item.kind]),
    [
      ['cash', 'positive'],
      ['dataset', 'missing'],
      ['parameters.fast', 'high'],
      ['commission', 'fraction'],
      ['slippage', 'fraction']
    ]
  );
});

test('only data that can be traded is offered, with its single symbols', () => {
  assert.deepEqual(
    datasetOptions(
      [
        { ...PLATFORM, name: 'us-equities-daily', symbols: ['AAPL', 'IBM'], tradable: true },
        { ...PLATFORM, name: 'us-closes-daily', symbols: ['A', 'B'], tradable: false },
        { ...PLATFORM, name: 'wti-daily', symbols: ['WTI'] }
      ],
      trans
    ).map(option => option.value),
    ['us-equities-daily', 'us-equities-daily/AAPL', 'us-equities-daily/IBM', 'wti-daily']
  );
});

test('what others share is offered by its id, with whose it is, and only where it may be run on', () => {
  const of = { owner: 'alice', symbols: ['A', 'B'] };
  assert.deepEqual(
    datasetOptions(
      [
        { ...of, id: 'f00', name: 'prices', access: 'USE' as const },
        { ...of, id: 'f01', name: 'secret', access: 'READ' as const },
        { ...of, id: 'f02', name: 'mine', access: 'OWNER' as const, symbols: [] }
      ],
      trans
    ),
    [
      { value: 'f00', label: 'prices of alice' },
      { value: 'f00/A', label: 'prices/A of alice' },
      { value: 'f00/B', label: 'prices/B of alice' },
      { value: 'mine' }
    ]
  );
});

test('settings of a wrong kind fall back to their default', () => {
  assert.deepEqual(
    readSettings({ defaultDataset: '  ', cash: 'much', commission: 0.002, colors: 'green-red' }),
    { ...DEFAULTS, commission: 0.002, colors: 'green-red' }
  );
});

test('a problem document is read, and what is none gives its status line', () => {
  assert.deepEqual(problemFrom(502, 'Bad Gateway', null), {
    status: 502,
    title: 'Bad Gateway'
  });
  const problem = problemFrom(422, '', {
    title: 'Unprocessable',
    detail: 'name x is missing',
    errors: [{ field: 'code', message: 'm' }, 'noise'],
    diagnostics: [{ cell: 2, line: 3, column: 1, severity: 'error', code: 'c', message: 'm' }]
  });
  assert.equal(problem.detail, 'name x is missing');
  assert.deepEqual(problem.errors, [{ field: 'code', message: 'm' }]);
  assert.equal(problem.diagnostics![0]!.cell, 2);
});

test('a new strategy starts with the import and runs on the default data', () => {
  let next = 0;
  const notebook = strategyNotebook('vix-daily', 5000, 0.001, () => `c${next++}`) as {
    cells: { source: string; id: string }[];
    metadata: { kernelspec: { name: string } };
  };
  assert.equal(notebook.cells[0]!.source, 'import alphintra as al');
  assert.equal(notebook.metadata.kernelspec.name, 'alphintra');
  assert.match(notebook.cells[2]!.source, /data="vix-daily",\n {4}cash=5000,\n {4}commission=0.001,/);
  assert.deepEqual(notebook.cells.map(cell => cell.id), ['c0', 'c1', 'c2']);
});

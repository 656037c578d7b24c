import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { TranslationBundle } from '@jupyterlab/translation';

import type { IBacktest } from '../api/types.js';
import { failedRun, whichRun, whyNotReplayed } from '../backtests/replayed.js';
import { barText, codeAt, replayCall, replayNotebook } from '../postMortem/code.js';
import { failureOf } from '../postMortem/payload.js';
import { literal } from '../pythonLiteral.js';
import type { IHeader, ITable } from '../result/payload.js';
import { placeOf, reasonAgainst } from '../result/why.js';

/** English as it is written; Lab's own bundle needs a bundler to be loaded. */
const trans = { __: (text: string) => text } as unknown as TranslationBundle;

function header(replay: IHeader['replay']): IHeader {
  return { replay } as IHeader;
}

test('values are written as Python, and texts stay texts', () => {
  assert.equal(
    literal({ a: [1, 0.5, null], b: true, 'c"': 'x\n"); import os #' }),
    '{"a": [1, 0.5, None], "b": True, "c\\"": "x\\n\\"); import os #"}'
  );
});

test('the call of a result stands at the bar', () => {
  const named = header({
    strategy: 'SmaCross',
    data: 'us-equities-daily/AAPL',
    options: { commission: 0.001, params: { fast: 20 }, allow_short: true }
  });
  assert.equal(
    codeAt(named, '2008-09-15'),
    'al.replay(SmaCross, data="us-equities-daily/AAPL", commission=0.001, ' +
      'params={"fast": 20}, allow_short=True, at="2008-09-15")'
  );
  assert.equal(
    codeAt(header({ result: '0a1b2c3d' }), '2008-09-15 20:00'),
    'al.find_result("0a1b2c3d").replay(at="2008-09-15 20:00")'
  );
});

test('a result of a foreign notebook has nothing of its own run', () => {
  for (const replay of [
    { strategy: 'S); evil(', data: 'd', options: {} },
    { strategy: 'S', data: 'd', options: { 'x=1); evil(y': 1 } },
    { result: '"); evil("' },
    { data: 'd' }
  ]) {
    assert.equal(codeAt(header(replay), '2008-09-15'), null);
  }
  const text = header({ strategy: 'S', data: '"); evil("', options: {} });
  assert.equal(codeAt(text, '"); x("'), 'al.replay(S, data="\\"); evil(\\"", at="\\"); x(\\"")');
});

test('a row says where it leads, or why nowhere', () => {
  const table = {
    at: { entry: ['2008-09-15', '2008-09-16'], exit: ['2008-09-18', null] }
  } as unknown as ITable;
  const good = header({ strategy: 'S', data: 'd', options: {} });
  assert.equal(placeOf(table, 'exit', 0), '2008-09-18');
  assert.equal(reasonAgainst(good, table, 'exit', 0, trans), null);
  assert.match(reasonAgainst(good, table, 'exit', 1, trans)!, /still open/);
  assert.match(reasonAgainst(good, table, 'entry', null, trans)!, /Choose a row/);
  assert.match(reasonAgainst(header(undefined), table, 'entry', 0, trans)!, /earlier Alphintra/);
  assert.equal(reasonAgainst(header({ why_not: 'So.' }), table, 'entry', 0, trans), 'So.');
});

const RUN = {
  id: '1',
  class_name: 'SmaCross',
  dataset_name: 'us-equities-daily/AAPL',
  start_date: '2000-03-01T00:00:00Z',
  end_date: '2013-02-28T00:00:00Z',
  initial_capital: '100000',
  commission: { percent: '0', per_share: '0.005', minimum: '1', maximum: null, tiers: [] },
  slippage: '0.0005',
  profile: 'default',
  parameters: { fast: 20 },
  rules: { max_share: null },
  benchmark: null,
  features: { vix: 'vix@1' },
  reference: 'actions@1',
  seed: 0,
  risk_free_rate: 0
} as unknown as IBacktest;

test('the notebook of a job has its source, and the run as it was asked for', () => {
  const call = replayCall(RUN, barText('2008-09-15T20:00:00Z'));
  assert.equal(
    call,
    [
      'replay = al.replay(',
      '    SmaCross,',
      '    data="us-equities-daily/AAPL",',
      '    at="2008-09-15 20:00",',
      '    start="2000-03-01",',
      '    end="2013-02-28",',
      '    cash=100000,',
      '    commission={"per_share": 0.005, "minimum": 1},',
      '    slippage=0.0005,',
      '    features={"vix": "vix@1"},',
      '    reference="actions@1",',
      '    params={"fast": 20},',
      '    max_share=None,',
      ')',
      'replay'
    ].join('\n')
  );
  let count = 0;
  const made = replayNotebook('code', call, 'alphintra', () => `c${count++}`) as {
    metadata: { kernelspec: { name: string } };
    cells: { source: string }[];
  };
  assert.equal(made.metadata.kernelspec.name, 'alphintra');
  assert.deepEqual(
    made.cells.map(cell => cell.source),
    ['code', `import alphintra as al\n\n${call}`]
  );
  assert.match(replayCall(RUN, '2008-09-15', { fast: 7 }), /params=\{"fast": 7\},/);
  assert.equal(barText('2008-09-15T20:00:30Z'), '2008-09-15 20:00:30');
});

test('of many runs the record does not say which failed', () => {
  assert.equal(whyNotReplayed(RUN, trans), null);
  assert.match(whyNotReplayed({ ...RUN, methodology: 'SWEEP' }, trans)!, /many runs/);
});

test('of many runs the one that failed is told, and replayed by itself', () => {
  const one = { parameters: { fast: 7 }, window: null, part: null, start: null, end: null };
  const error = { code: 'STRATEGY_ERROR', message: 'm', file: null, line: null, cell: null, bar_time: null };
  const swept = { ...RUN, methodology: 'SWEEP', error: { ...error, run: one } };
  assert.equal(whyNotReplayed(swept, trans), null);
  assert.deepEqual(failedRun(swept).parameters, { ...RUN.parameters, fast: 7 });
  assert.equal(failedRun(swept).start_date, RUN.start_date);
  assert.equal(whichRun(one, trans), 'in the run of %1');
  const days = { start: '2005-01-03', end: '2008-12-31' };
  const walked = { ...one, window: 2, part: 'training' as const, ...days };
  const call = replayCall(failedRun({ ...swept, error: { ...error, run: walked } }), '2008-09-15');
  assert.match(call, /start="2005-01-03",\n {4}end="2008-12-31",/);
  assert.match(call, /params=\{"fast": 7\},/);
  assert.match(whichRun(walked, trans)!, /^in the training of window/);
  assert.equal(whichRun(null, trans), null);
});

test('only a failure that can be drawn is one', () => {
  const good = {
    version: 1,
    message: 'm',
    place: 'Cell In[3]',
    line: 4,
    source: [[4, 'x']],
    bar: 5,
    bar_time: null,
    stands: true
  };
  assert.equal(failureOf(good)?.line, 4);
  for (const bad of [null, 'x', {}, { ...good, version: 2 }, { ...good, source: ['x'] }]) {
    assert.equal(failureOf(bad), null);
  }
});

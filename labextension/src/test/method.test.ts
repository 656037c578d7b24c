import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { IStrategyClass } from '../api/types.js';
import type { IComplaint } from '../run/complaints.js';
import { readCost, readTiers } from '../run/costs.js';
import {
  IFields,
  initialFields,
  readFields,
  serverComplaints,
  stillWrong
} from '../run/form.js';
import { combinations, countOf, proposedValues, readValues } from '../run/grid.js';
import { DEFAULTS } from '../settings/values.js';

const sma: IStrategyClass = {
  name: 'SmaCross',
  line: 1,
  cell: null,
  doc: null,
  parameters: {
    fast: { default: 20, low: 2, high: 100 },
    slow: { default: 50, low: 5, high: 400 },
    longOnly: { default: true }
  }
};
const usual = initialFields([sma], DEFAULTS, null);

function read(change: Partial<IFields>): { method: unknown; parameters: unknown; wrong: string[] } {
  const { choice, complaints } = readFields({ ...usual, ...change }, [sma]);
  return {
    method: choice.method,
    parameters: choice.parameters,
    wrong: complaints.map(item => `${item.field} ${item.kind}`)
  };
}

test('values are a range, a list, or one', () => {
  const number = { default: 20 };
  assert.deepEqual(readValues('10:50:10', number), { values: { low: 10, high: 50, step: 10 } });
  assert.deepEqual(readValues(' 10, 20 ,20', number), { values: [10, 20] });
  assert.deepEqual(readValues('0.5:1', number), { values: { low: 0.5, high: 1, step: null } });
  assert.deepEqual(readValues('true, false', { default: true }), { values: [true, false] });
  assert.deepEqual(readValues('a:b, c', { default: 'a' }), { values: ['a:b', 'c'] });
  assert.deepEqual(
    ['', '10:x', '1:2:3:4', '50:10', '10:50:0', '10, x'].map(text => readValues(text, number)),
    ['empty', 'number', 'number', 'order', 'step', 'number'].map(problem => ({ problem }))
  );
});

test('a grid is counted with both of its ends, whatever the fractions', () => {
  // 10 20 30 40 50; 10 25 40; 0.1 0.2 0.3, where 0.3 - 0.1 is a little less than 0.2.
  assert.equal(countOf({ low: 10, high: 50, step: 10 }), 5);
  assert.equal(countOf({ low: 10, high: 50, step: 15 }), 3);
  assert.equal(countOf({ low: 0.1, high: 0.3, step: 0.1 }), 3);
  assert.equal(countOf({ low: 2, high: 4, step: null }), 3);
  assert.equal(combinations({ a: [1, 2], b: { low: 0, high: 1, step: 0.25 } }), 10);
});

test('a grid is proposed between the bounds with round steps, about a hundred in all', () => {
  // Two of them, ten points each: (100 - 2) / 9 = 10.9 → 10; (400 - 5) / 9 = 43.9 → 50.
  assert.deepEqual(proposedValues(sma.parameters, { longOnly: 'true' }), {
    fast: '2:100:10',
    slow: '5:400:50',
    longOnly: 'true'
  });
  // Without bounds: half to one and a half of the default; 0.02 / 9 = 0.0022 → 0.002.
  assert.deepEqual(proposedValues({ risk: { default: 0.02 } }, {}), { risk: '0.01:0.03:0.002' });
  assert.deepEqual(proposedValues({ kind: { default: 'a' } }, { kind: 'a' }), { kind: 'a' });
});

test('a sweep runs with one click and says what it varies', () => {
  const sweep = read({ methodology: 'SWEEP' });
  assert.deepEqual(sweep.wrong, []);
  assert.deepEqual(sweep.parameters, {});
  assert.deepEqual(sweep.method, {
    grid: {
      fast: { low: 2, high: 100, step: 10 },
      slow: { low: 5, high: 400, step: 50 }
    },
    constraint: 'fast < slow',
    metric: 'sharpe_ratio',
    search: 'grid',
    trials: null,
    seed: 0
  });
  // What has one value is a parameter of the run; its default is left to the class.
  const fixed = read({
    methodology: 'SWEEP',
    grid: { fast: '10, 20', slow: '60', longOnly: 'true' },
    method: { ...usual.method, constraint: ' ' }
  });
  assert.deepEqual(fixed.parameters, { slow: 60 });
  assert.deepEqual((fixed.method as { grid: unknown }).grid, { fast: [10, 20] });
  assert.equal((fixed.method as { constraint: unknown }).constraint, null);
});

test('a grid of nothing, of too much or out of bounds is refused before it is sent', () => {
  const grid = (fast: string, slow: string, method: Partial<IFields['method']> = {}): string[] =>
    read({
      methodology: 'SWEEP',
      grid: { fast, slow, longOnly: 'true' },
      method: { ...usual.method, ...method }
    }).wrong;
  assert.deepEqual(grid('20', '50'), ['method.grid nothingVaried']);
  assert.deepEqual(grid('1:50:10', '5:500:5'), ['method.grid.fast low', 'method.grid.slow high']);
  // 99 × 396 = 39,204: the constraint may leave fewer, without it there are too many.
  assert.deepEqual(grid('2:100:1', '5:400:1'), []);
  assert.deepEqual(grid('2:100:1', '5:400:1', { constraint: '' }), ['method.grid tooMany']);
  // 981 × 3,951 with steps of a tenth: too many to look at.
  assert.deepEqual(grid('2:100:0.1', '5:400:0.1'), ['method.grid tooMany']);
  assert.deepEqual(grid('2.5:9', '50'), ['method.grid.fast needsStep']);
  assert.deepEqual(grid('2.5:9', '50', { search: 'random' }), []);
  assert.deepEqual(grid('2:9', '50', { search: 'optuna', trials: '0' }), ['method.trials whole']);
  assert.deepEqual(grid('2:9', '50', { search: 'random', trials: '5001' }), ['method.trials high']);
});

test('a period is two ISO dates in their order, or where the data begins and ends', () => {
  const period = (start: string, end: string): string[] => read({ start, end }).wrong;
  assert.deepEqual(period('', ''), []);
  assert.deepEqual(period('2010-01-01', '2012-02-29'), []);
  assert.deepEqual(period('1.1.2010', '2011-02-29'), ['start date', 'end date']);
  assert.deepEqual([period('2012-01-01', '2012-01-01'), period('2012-01-02', '2012-01-01')], [[], ['end after']]);
  const { choice } = readFields({ ...usual, start: ' 2010-01-04 ', benchmark: ' ', reference: ' actions@1' }, [sma]);
  assert.deepEqual([choice.start, choice.end, choice.benchmark, choice.reference], ['2010-01-04', null, null, 'actions@1']);
});

test('windows are sessions or durations', () => {
  const walk = read({
    methodology: 'WALK_FORWARD',
    method: { ...usual.method, train: '504', test: '6m', anchored: true }
  });
  assert.deepEqual(walk.wrong, []);
  const { train, test: window, step, anchored, purge, min_trades } = walk.method as Record<
    string,
    unknown
  >;
  assert.deepEqual([train, window, step, anchored, purge, min_trades], [504, '6M', null, true, 0, 10]);
  assert.deepEqual(
    read({
      methodology: 'WALK_FORWARD',
      method: { ...usual.method, train: 'two years', test: '0', step: '-1', purge: '1.5', min_trades: '' }
    }).wrong,
    [
      'method.train length',
      'method.test length',
      'method.step length',
      'method.purge whole',
      'method.min_trades whole'
    ]
  );
});

test('Monte Carlo takes the parameters of the run, and as many paths as are usual', () => {
  const some = read({ methodology: 'MONTE_CARLO', parameters: { ...usual.parameters, fast: '30' } });
  assert.deepEqual(some, {
    method: { resample: 'returns', paths: null, seed: 0 },
    parameters: { fast: 30 },
    wrong: []
  });
  const paths = (resample: 'returns' | 'prices', text: string): string[] =>
    read({ methodology: 'MONTE_CARLO', method: { ...usual.method, resample, paths: text } }).wrong;
  assert.deepEqual(paths('returns', '1001'), []);
  assert.deepEqual(paths('prices', '1001'), ['method.paths high']);
  assert.deepEqual(paths('returns', '1'), ['method.paths whole']);
});

test('costs are a fraction, or the terms that were filled in', () => {
  const complaints: IComplaint[] = [];
  assert.equal(readCost('commission', '0.001', { minimum: ' ' }, complaints), 0.001);
  assert.deepEqual(
    readCost(
      'commission',
      '0',
      { per_share: '0.005', minimum: '1', tiers: '10000: 0.001, 0.0005' },
      complaints
    ),
    { percent: 0, per_share: 0.005, minimum: 1, tiers: [[10000, 0.001], [null, 0.0005]] }
  );
  assert.deepEqual(readCost('slippage', '0.0001', { spread: '0.02' }, complaints), {
    percent: 0.0001,
    spread: 0.02
  });
  assert.equal(complaints.length, 0);
  readCost('commission', '1', { minimum: '-1', maker: '2', tiers: '5' }, complaints);
  readCost('slippage', '', { spread: 'x' }, complaints);
  assert.deepEqual(
    complaints.map(item => `${item.field} ${item.kind}`),
    [
      'commission fraction',
      'commission.minimum amount',
      'commission.maker fraction',
      'commission.tiers tiers',
      'slippage fraction',
      'slippage.spread amount'
    ]
  );
  for (const bad of ['', '10: 0.1, 5: 0.2', '0.1, 5: 0.2', '5: 1', '1:2:3']) {
    assert.equal(readTiers(bad), null, bad);
  }
});

test('what the server refuses stands at the field that it names, until that is changed', () => {
  const sweep: IFields = { ...usual, methodology: 'SWEEP' };
  const { complaints, others } = serverComplaints(
    [
      { field: 'method.grid.fast.0', message: 'below 2' },
      { field: 'method.constraint', message: 'excludes all' },
      { field: 'dataset_id', message: 'unknown' },
      { field: 'commission.tiers.1', message: 'rising' },
      { field: 'parameters.slow', message: 'above 400' },
      { field: 'method.grid', message: 'too large' },
      { field: 'rules', message: 'no such rule' },
      { field: '', message: 'strange' }
    ],
    sweep
  );
  assert.deepEqual(
    complaints.map(item => item.field),
    [
      'method.grid.fast',
      'method.constraint',
      'dataset',
      'commission.tiers',
      'method.grid.slow',
      'method.grid'
    ]
  );
  assert.deepEqual(others, ['rules: no such rule', 'strange']);
  const better = { ...sweep, grid: { ...sweep.grid, fast: '3:9:3' } };
  assert.deepEqual(
    stillWrong(complaints, sweep, better, [sma]).map(item => item.field),
    ['method.constraint', 'dataset', 'commission.tiers', 'method.grid.slow']
  );
});

import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Cell } from '../result/payload.js';
import { SHADES, scaleRange, shadeOf, shadesOf } from '../study/colorScale.js';
import type { ITrialsBlock } from '../study/payload.js';
import { NOTHING, axisKey, select } from '../study/selection.js';
import { Trials, callArguments, pivot, stepsOf } from '../study/trialsModel.js';

function block(rows: Cell[][], best: number | null): ITrialsBlock {
  return {
    type: 'trials',
    name: 'trials',
    title: '',
    parameters: [
      { name: 'fast', label: 'fast', format: 'integer' },
      { name: 'slow', label: 'slow', format: 'integer' },
      { name: 'exit', label: 'exit', format: 'text' }
    ],
    metrics: [
      { name: 'sharpe', label: 'Sharpe', format: 'ratio' },
      { name: 'volatility', label: 'Volatility', format: 'percent' }
    ],
    rows,
    best,
    total: rows.length,
    note: ''
  };
}

/*
 *               exit stop        exit trail
 * slow 50    10: 0.5  20: –     10: 0.9  20: –
 * slow 9     10: 0.2  20: 0.7   10: 0.2  20: 0.7
 */
const ROWS: Cell[][] = [
  [1, 10, 9, 'stop', 0.2, 0.11],
  [2, 20, 9, 'stop', 0.7, 0.12],
  [3, 10, 50, 'stop', 0.5, 0.13],
  [4, 20, 50, 'stop', null, null],
  [5, 10, 9, 'trail', 0.2, 0.21],
  [6, 20, 9, 'trail', 0.7, 0.22],
  [7, 10, 50, 'trail', 0.9, 0.23],
  [8, 20, 50, 'trail', null, null]
];

test('cells hold the best trial over the other parameters', () => {
  const trials = new Trials(block(ROWS, 7));
  const [fast, slow] = trials.parameters;
  const map = pivot(trials, fast!, slow!, trials.metrics[0]!);
  assert.deepEqual(map.x.labels, ['10', '20']);
  // By number, not by word: 9 stands before 50.
  assert.deepEqual(map.y!.labels, ['9', '50']);
  const at = (column: number, row: number): [number, number, number[]] => {
    const cell = map.at(column, row)!;
    return [trials.number(cell.trial), cell.value, cell.trials];
  };
  assert.deepEqual(at(0, 1), [7, 0.9, [2, 6]]);
  // A tie goes to the earlier trial.
  assert.deepEqual(at(0, 0), [1, 0.2, [0, 4]]);
  assert.deepEqual(at(1, 0), [2, 0.7, [1, 5]]);
  assert.deepEqual(at(1, 1), [4, NaN, [3, 7]]);
  assert.equal(map.over, true);
  assert.deepEqual([map.low, map.high], [0.2, 0.9]);
});

test('another metric is that of the same trials', () => {
  const trials = new Trials(block(ROWS, 7));
  const [fast, slow] = trials.parameters;
  const map = pivot(trials, fast!, slow!, trials.metrics[1]!);
  assert.equal(map.at(0, 1)!.value, 0.23);
  assert.equal(map.at(0, 0)!.value, 0.11);
});

test('among equals the study’s own choice stands', () => {
  const trials = new Trials(block(ROWS.slice(0, 6), 6));
  const [fast, slow] = trials.parameters;
  const map = pivot(trials, fast!, slow!, trials.metrics[0]!);
  assert.equal(trials.number(map.at(1, 0)!.trial), 6);
});

test('where the best trial is the lowest, low is good', () => {
  const trials = new Trials(block(ROWS, 1));
  const [fast, slow] = trials.parameters;
  const map = pivot(trials, fast!, slow!, trials.metrics[0]!);
  assert.equal(trials.lowIsGood, true);
  assert.equal(trials.number(map.at(0, 1)!.trial), 3);
  // An undefined trial is never better than a defined one.
  assert.equal(trials.better(3, 0), false);
  assert.equal(trials.better(0, 3), true);
});

test('one parameter makes a strip, words keep an order, and no trial makes no cell', () => {
  const trials = new Trials(block(ROWS.slice(0, 3), null));
  assert.deepEqual(trials.varied.map(axis => axis.column.name), ['fast', 'slow']);
  assert.equal(trials.best, -1);
  const [fast, slow, exit] = trials.parameters;
  const strip = pivot(trials, fast!, null, trials.metrics[0]!);
  assert.equal(strip.y, null);
  assert.deepEqual(strip.cells.map(cell => cell.value), [0.5, 0.7]);
  assert.equal(pivot(trials, fast!, slow!, trials.metrics[0]!).at(1, 1), null);
  assert.deepEqual(exit!.words, ['stop']);
  // As the table writes them.
  const flags = block([[1, 1, 1, true, 0, 0], [2, 1, 1, false, 0, 0], [3, 1, 1, null, 0, 0]], null);
  const flag = new Trials(flags).parameters[2]!;
  assert.deepEqual(flag.words, ['no', 'yes']);
  assert.deepEqual([...flag.places], [1, 0, NaN]);
});

test('values that are too many are gathered, and undefined ones stand last', () => {
  const many = Array.from({ length: 401 }, (_, i): Cell[] => [i, i === 400 ? null : i, 1, 'a', i, 0]);
  const steps = stepsOf(new Trials(block(many, null)).parameters[0]!);
  assert.equal(steps.binned, true);
  // 40 bins from 0 to 399, and one for the undefined.
  assert.equal(steps.labels.length, 41);
  assert.deepEqual([steps.of[0], steps.of[399], steps.of[400]], [0, 39, 40]);
  assert.equal(steps.labels[40], '\u2013');
  const few = stepsOf(new Trials(block(many.slice(0, 60), null)).parameters[0]!);
  assert.equal(few.binned, false);
  assert.equal(few.labels.length, 60);
});

test('one selection: cells, stretches and rows follow each other', () => {
  const trials = new Trials(block(ROWS, 7));
  const axes = [...trials.parameters, ...trials.metrics];
  const fast = axisKey(trials.parameters[0]!);
  const sharpe = axisKey(trials.metrics[0]!);
  const chosen = (state: typeof NOTHING): number[] => [...state.trials].sort((a, b) => a - b);

  let state = select(NOTHING, { type: 'cells', trials: [2, 6], add: false });
  assert.deepEqual(chosen(state), [2, 6]);
  assert.equal(state.only, true);
  state = select(state, { type: 'cells', trials: [1, 5], add: true });
  assert.deepEqual(chosen(state), [1, 2, 5, 6]);
  state = select(state, { type: 'cells', trials: [2, 6], add: true });
  assert.deepEqual(chosen(state), [1, 5]);
  // The same cell again releases it.
  assert.equal(select(state, { type: 'cells', trials: [1, 5], add: false }), NOTHING);

  state = select(state, { type: 'brush', axis: fast, range: [15, 25], axes });
  assert.deepEqual(chosen(state), [1, 3, 5, 7]);
  state = select(state, { type: 'brush', axis: sharpe, range: [0.7, 1], axes });
  // Both stretches hold, and an undefined value lies in none.
  assert.deepEqual(chosen(state), [1, 5]);
  assert.equal(state.brushes.size, 2);

  const row = select(state, { type: 'row', trial: 6 });
  assert.deepEqual(chosen(row), [1, 5, 6]);
  assert.equal(row.brushes.size, 0);
  assert.equal(row.only, true);
  const alone = select(NOTHING, { type: 'row', trial: 6 });
  assert.equal(alone.only, false);
  assert.equal(select(alone, { type: 'row', trial: 6 }), NOTHING);

  state = select(state, { type: 'brush', axis: fast, range: null, axes });
  assert.deepEqual(chosen(state), [1, 5, 6]);
  assert.equal(select(state, { type: 'brush', axis: sharpe, range: null, axes }), NOTHING);
  assert.equal(select(state, { type: 'clear' }), NOTHING);
});

test('a scale lies around zero where values lie on both sides of it', () => {
  assert.deepEqual(scaleRange(-1, 3), { low: -3, high: 3, diverging: true });
  assert.deepEqual(scaleRange(1, 3), { low: 1, high: 3, diverging: false });
  const range = scaleRange(0, 1);
  assert.equal(shadeOf(NaN, range), -1);
  assert.equal(shadeOf(0, range), 0);
  assert.equal(shadeOf(9, range), SHADES - 1);
  // All alike: the far end, not a division by zero.
  assert.equal(shadeOf(2, scaleRange(2, 2)), SHADES - 1);
});

test('shades run from the first colour of a scale to its last', () => {
  const shades = shadesOf([[0, '#ff0000'], [0.5, '#ffffff'], [1, 'rgb(0, 0, 255)']], 'grey');
  assert.equal(shades.length, SHADES);
  assert.equal(shades[0], 'rgb(255, 0, 0)');
  assert.equal(shades[SHADES - 1], 'rgb(0, 0, 255)');
  // Shade 12 of 0…23 is at 12/23 = 0.5217, a 0.0435th part of the way from white to blue: 255 × 0.9565 = 244.
  assert.equal(shades[12], 'rgb(244, 244, 255)');
  assert.deepEqual(shadesOf('@unheard', 'grey')[3], 'grey');
});

test('parameters are copied as Python writes them', () => {
  const trials = new Trials(block([[1, 10, null, 'a "b"', 1, 1], [2, 0.5, true, 'c', 1, 1]], 1));
  assert.equal(callArguments(trials, 0), 'fast=10, slow=None, exit="a \\"b\\""');
  assert.equal(callArguments(trials, 1), 'fast=0.5, slow=True, exit="c"');
});

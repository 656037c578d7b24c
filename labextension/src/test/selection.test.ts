import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { IBacktest } from '../api/types.js';
import { RunSelection } from '../backtests/selection.js';

const run = (id: string, status = 'COMPLETED'): IBacktest =>
  ({ id, status, created_at: '' }) as IBacktest;
const listed = [run('a'), run('b', 'FAILED'), run('c'), run('d'), run('e')];
const [a, b, c, d, e] = listed as [IBacktest, IBacktest, IBacktest, IBacktest, IBacktest];

test('runs are chosen in the order of choosing, and only completed ones', () => {
  const selection = new RunSelection();
  selection.toggle(c);
  selection.toggle(a);
  selection.toggle(b);
  assert.deepEqual(selection.ids, ['c', 'a']);
  assert.equal(selection.isEnough, true);
  selection.toggle(c);
  assert.deepEqual(selection.ids, ['a']);
  assert.equal(selection.isEnough, false);
});

test('a range goes from the last touched run, in either direction, and keeps what was chosen', () => {
  const selection = new RunSelection();
  selection.toggle(d);
  selection.extend(a, listed);
  assert.deepEqual(selection.ids, ['d', 'a', 'c']);
  selection.extend(e, listed);
  assert.deepEqual(selection.ids, ['d', 'a', 'c', 'e']);
  // Without a run to start from it is that run alone; one that is filtered out starts nothing.
  selection.clear();
  selection.extend(c, listed);
  assert.deepEqual(selection.ids, ['c']);
  selection.clear();
  selection.toggle(a);
  selection.extend(e, [d, e]);
  assert.deepEqual(selection.ids, ['a', 'e']);
});

test('runs that are gone are given up, and more than the server takes is too much', () => {
  const selection = new RunSelection();
  const many = Array.from({ length: 21 }, (_, i) => run(String(i)));
  selection.toggle(many[0]!);
  selection.extend(many[20]!, many);
  assert.equal(selection.ids.length, 21);
  assert.equal(selection.isEnough, false);
  let told = 0;
  selection.changed.connect(() => (told += 1));
  selection.keep(many.slice(0, 2));
  selection.keep(many.slice(0, 2));
  assert.deepEqual(selection.ids, ['0', '1']);
  assert.equal(told, 1);
});

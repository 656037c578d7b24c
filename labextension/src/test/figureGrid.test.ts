import assert from 'node:assert/strict';
import { test } from 'node:test';

import { columnsOf, endsOf } from '../result/figureGrid.js';

test('key figures stand in columns that leave no row nearly empty, and what is said of one stays inside', () => {
  assert.deepEqual([columnsOf(10, 'wide'), columnsOf(10, 'middle'), columnsOf(10, 'narrow')], [10, 5, 2]);
  assert.deepEqual([columnsOf(6, 'middle'), columnsOf(1, 'narrow')], [3, 1]);
  // The fifth of ten is in the middle of one row, and the last of the first of two.
  assert.deepEqual(endsOf(4, 10), ['middle']);
  assert.deepEqual(endsOf(0, 10), []);
  assert.deepEqual(endsOf(9, 10), ['wide', 'middle', 'narrow']);
  assert.deepEqual(endsOf(0, 1), []);
});

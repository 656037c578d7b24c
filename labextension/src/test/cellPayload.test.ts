import assert from 'node:assert/strict';
import { test } from 'node:test';

import { payloadOf } from '../datasets/cellPayload.js';

const PAYLOAD = {
  dataset: 'prices', version: 2, version_id: 'v2', symbols: ['AAPL', 'MSFT'], start: '2020-01-01', end: null, column: null
};

test('what a cell says of a dataset is read, and nothing else of it', () => {
  assert.deepEqual(payloadOf({ ...PAYLOAD, more: 1 }), PAYLOAD);
  assert.deepEqual(payloadOf({ ...PAYLOAD, version: null, version_id: null })?.version, null);
});

test('a notebook that holds something else draws no chart of it', () => {
  const wrong: readonly unknown[] = [
    null, 'prices', [], {}, { ...PAYLOAD, dataset: '' }, { ...PAYLOAD, dataset: 'x'.repeat(301) },
    { ...PAYLOAD, version: 0 }, { ...PAYLOAD, version: 1.5 }, { ...PAYLOAD, version: '2' }, { ...PAYLOAD, version_id: 1 },
    { ...PAYLOAD, symbols: [] }, { ...PAYLOAD, symbols: [1] }, { ...PAYLOAD, symbols: 'AAPL' },
    { ...PAYLOAD, start: 5 }, { ...PAYLOAD, end: undefined }, { ...PAYLOAD, column: {} }
  ];
  for (const value of wrong) {
    assert.equal(payloadOf(value), null, JSON.stringify(value));
  }
});

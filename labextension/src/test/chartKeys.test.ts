import assert from 'node:assert/strict';
import { test } from 'node:test';

import { chartAction } from '../result/chartKeys.js';

test('keys walk, zoom and show all of a chart, and are left to whatever else has the focus', () => {
  const host = new EventTarget();
  const standing = { host, at: 50, last: 99, span: 40 };
  const action = (key: string, more: Partial<KeyboardEvent> = {}): unknown =>
    chartAction(
      { key, target: host, shiftKey: false, ctrlKey: false, metaKey: false, altKey: false, ...more },
      standing
    );
  assert.deepEqual([action('ArrowLeft'), action('ArrowRight')], [{ walk: 49 }, { walk: 51 }]);
  // With Shift by a tenth of what is in view.
  assert.deepEqual(action('ArrowRight', { shiftKey: true }), { walk: 54 });
  assert.deepEqual([action('Home'), action('End')], [{ walk: 0 }, { walk: 99 }]);
  assert.deepEqual([action('='), action('+'), action('-')], [{ zoom: 0.7 }, { zoom: 0.7 }, { zoom: 1 / 0.7 }]);
  assert.deepEqual(action('0'), { reset: true });
  assert.deepEqual([action('a'), action('Home', { ctrlKey: true }), action('Home', { target: null })], [null, null, null]);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Sight } from '../result/sight.js';

/** What the browser calls when the size changes. */
let resized: () => void = () => undefined;
let isWatched = false;

class Observer {
  constructor(private readonly _told: () => void) {}

  observe(): void {
    isWatched = true;
    resized = this._told;
  }

  disconnect(): void {
    isWatched = false;
  }
}

class Host extends EventTarget {
  clientWidth = 0;
}

/** A chart's host that is not seen yet, and what was done on it. */
function hidden(): { host: Host; done: string[]; sight: Sight } {
  Object.assign(globalThis, { ResizeObserver: Observer });
  const host = new Host();
  const done: string[] = [];
  return { host, done, sight: new Sight(host as unknown as HTMLElement, () => done.push('whole')) };
}

test('what a chart is to show waits until it is seen, and is the last that was to be shown', () => {
  const { host, done, sight } = hidden();
  sight.showWhole();
  sight.whenSeen(() => done.push('part'));
  resized();
  assert.deepEqual([done, sight.isSettled], [[], false]);

  host.clientWidth = 900;
  // Seen, but the browser has not said so yet: what moves meanwhile is not what was to be shown.
  assert.equal(sight.isSettled, false);
  resized();
  assert.deepEqual([done, sight.isSettled], [['part'], true]);
  sight.whenSeen(() => done.push('another'));
  assert.deepEqual(done, ['part', 'another']);

  host.clientWidth = 0;
  sight.whenSeen(() => done.push('too late'));
  sight.dispose();
  host.clientWidth = 900;
  resized();
  assert.deepEqual([done.length, isWatched, sight.isDisposed], [2, false, true]);
});

test('the whole stays the whole in another width, until somebody looks at a part', () => {
  const { host, done, sight } = hidden();
  host.clientWidth = 900;
  resized();
  assert.deepEqual(done, []);
  sight.showWhole();
  host.clientWidth = 300;
  resized();
  assert.deepEqual(done, ['whole', 'whole']);

  for (const type of ['wheel', 'pointerdown', 'keydown']) {
    sight.showWhole();
    const before: number = done.length;
    host.dispatchEvent(new Event(type));
    resized();
    assert.equal(done.length, before, type);
  }
  // A tab that goes behind another has no width; what it showed is there again.
  sight.showWhole();
  const before: number = done.length;
  host.clientWidth = 0;
  resized();
  assert.deepEqual([done.length, sight.isSettled], [before, false]);
});

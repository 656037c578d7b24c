import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Drafts, IMemory, MOST_DRAFTS, MOST_LENGTH, draftOf } from '../datasets/drafts.js';

/** A browser's storage with room for so many characters. */
class Memory implements IMemory {
  constructor(public room = Infinity) {}

  texts = new Map<string, string>();

  getItem(key: string): string | null {
    return this.texts.get(key) ?? null;
  }

  setItem(key: string, value: string): void {
    if (value.length > this.room) {
      throw new Error('QuotaExceededError');
    }
    this.texts.set(key, value);
  }

  removeItem(key: string): void {
    this.texts.delete(key);
  }
}

const DAY = 86_400_000;

test('a draft is kept until it is used, by the server and user that it is of', () => {
  const memory = new Memory();
  const draft = draftOf(new Drafts(memory, '/user/ann/'), 'recipe:a');
  draft.write([{ kind: 'fill' }]);
  assert.deepEqual(draftOf(new Drafts(memory, '/user/ann/'), 'recipe:a').read(), [{ kind: 'fill' }]);
  assert.equal(new Drafts(memory, '/user/bob/').read('recipe:a'), undefined);
  draft.drop();
  assert.equal(draft.read(), undefined);
  assert.equal(memory.texts.size, 0, 'nothing is left behind');
});

test('few are kept, small ones, and none for ever', () => {
  const memory = new Memory();
  let now = 0;
  const drafts = new Drafts(memory, '/', () => now);
  for (let i = 0; i < MOST_DRAFTS + 2; i++) {
    now += 1;
    drafts.write(`d${i}`, i);
    drafts.write('d0', 'again');
  }
  assert.deepEqual(
    ['d0', 'd1', 'd2', 'd3', `d${MOST_DRAFTS + 1}`].map(name => drafts.read(name)),
    ['again', undefined, undefined, 3, MOST_DRAFTS + 1]
  );
  drafts.write('d0', 'x'.repeat(MOST_LENGTH));
  assert.equal(drafts.read('d0'), undefined, 'rather none than one from before');
  now += 30 * DAY;
  assert.equal(drafts.read('d5'), undefined);
});

test('where the browser has no room, or something else in their place, the newest are kept, or none', () => {
  const memory = new Memory(200);
  const drafts = new Drafts(memory, '/');
  for (let i = 0; i < 6; i++) {
    drafts.write(`d${i}`, 'x'.repeat(40));
  }
  assert.equal(drafts.read('d5'), 'x'.repeat(40));
  assert.equal(drafts.read('d0'), undefined);
  for (const text of ['{', '7', '{"a": 1}', '[null]', '[["d", null]]']) {
    memory.texts.set('alphintra:drafts:/', text);
    assert.equal(drafts.read('d'), undefined, text);
    drafts.write('d', 1);
    assert.equal(drafts.read('d'), 1, text);
  }
  const none = new Memory(0);
  const warn = console.warn;
  console.warn = () => undefined;
  new Drafts(none, '/').write('d', 1);
  console.warn = warn;
  assert.equal(none.texts.size, 0);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { IPage, ISnippet } from '../api/types.js';
import { SnippetsModel } from '../snippets/model.js';
import { indented, insertion, matching, mayComplete, wordBefore } from '../snippets/text.js';

const snippet = (id: string, prefix: string): ISnippet => ({
  id,
  title: id,
  description: '',
  prefix,
  code: 'pass\n',
  source: 'builtin'
});

test('completion is offered for a word that begins a line', () => {
  assert.equal(wordBefore('x = 1\n    brack', 15), 'brack');
  assert.equal(mayComplete('x = 1\n    brack', 15), true);
  assert.equal(mayComplete('self.brack', 10), false);
  assert.equal(mayComplete('# brack', 7), false);
  assert.equal(mayComplete('    ', 4), false);
});

test('a snippet matches by its prefix from the first letter, by its id from three', () => {
  const all = [snippet('bracket_order', 'bo'), snippet('limit_order', 'lo')];
  assert.deepEqual(matching(all, 'b').map(item => item.id), ['bracket_order']);
  assert.deepEqual(matching(all, 'lim').map(item => item.id), ['limit_order']);
  assert.deepEqual(matching(all, 'li'), []);
});

test('code takes the indentation of its line; a line with code is not broken', () => {
  assert.equal(indented('a:\n    b\n\nc\n', '  '), 'a:\n      b\n\n  c');
  assert.equal(insertion('a\nb\n', '    ', ''), 'a\n    b');
  assert.equal(insertion('a\n', '    x = 1', ''), '\n    a');
});

test('the list is read again when it is old, and kept while the server is away', async () => {
  let now = 0;
  let calls = 0;
  let broken = false;
  const model = new SnippetsModel(
    {
      snippets: async (): Promise<IPage<ISnippet>> => {
        calls += 1;
        if (broken) {
          throw new Error('away');
        }
        return { items: [snippet('a', 'a')] };
      }
    },
    () => now
  );
  await model.read();
  await model.read();
  assert.equal(calls, 1);
  now = 11_000;
  broken = true;
  const items = await model.read();
  assert.equal(calls, 2);
  assert.equal(items.length, 1);
  assert.equal((model.error as Error).message, 'away');
});

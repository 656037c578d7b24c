import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Kernel } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { IAsked } from '../variables/kernel.js';
import {
  BUSY_INTERVAL,
  IClock,
  IDLE_INTERVAL,
  ITarget,
  PATIENCE,
  VariablesModel
} from '../variables/model.js';
import { IVariable, listingOf, viewOf } from '../variables/payload.js';
import { bytesText, clockText, inGroups, leftOut, lossText, sizeText } from '../variables/words.js';

const filled = (text: string, args: unknown[]): string =>
  text.replace(/%(\d)/g, (_, n) => String(args[Number(n) - 1]));
const trans = {
  __: (text: string, ...args: unknown[]) => filled(text, args),
  // As Lab's: the count itself is the first.
  _n: (one: string, many: string, n: number, ...args: unknown[]) =>
    filled(n === 1 ? one : many, [n, ...args])
} as unknown as TranslationBundle;

const variable = (name: string, more: Partial<IVariable> = {}): IVariable => ({
  name,
  group: 'data',
  type: 'DataFrame',
  size: '3\u202f270 \u00d7 6',
  bytes: 157_000,
  summary: 'open, high, low, close',
  id: '7f00',
  ...more
});
const body = (variables: IVariable[], seconds = 0): Record<string, unknown> => ({
  variables,
  total: variables.length,
  others: 0,
  seconds
});

/** A clock whose time passes when the test says so. */
class Clock implements IClock {
  time = 0;
  private waiting: { at: number; action: () => void }[] = [];
  now(): number {
    return this.time;
  }
  after(milliseconds: number, action: () => void): () => void {
    const entry = { at: this.time + milliseconds, action };
    this.waiting.push(entry);
    return () => {
      this.waiting = this.waiting.filter(other => other !== entry);
    };
  }
  async pass(milliseconds: number): Promise<void> {
    const end = this.time + milliseconds;
    for (;;) {
      await settled();
      const next = this.waiting.filter(one => one.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) {
        break;
      }
      this.time = next.at;
      this.waiting = this.waiting.filter(one => one !== next);
      next.action();
    }
    this.time = end;
    await settled();
  }
}

async function settled(): Promise<void> {
  for (let i = 0; i < 10; i += 1) {
    await Promise.resolve();
  }
}

/** The wire to a kernel: what was asked, and what is answered when the test says so. */
class Wire implements IAsked {
  readonly isOurs: boolean = true;
  status: Kernel.Status = 'idle';
  asked: Record<string, unknown>[] = [];
  answer: (() => Promise<unknown>) | null = null;
  constructor(readonly id = 'k1') {}
  ask(_command: string, args: Record<string, unknown>): Promise<unknown> {
    this.asked.push(args);
    return this.answer ? this.answer() : new Promise(() => undefined);
  }
}

const on = (kernel: IAsked | null, isStarting = false): ITarget => ({ path: 'a/b.ipynb', kernel, isStarting });

test('bytes and sizes are written in few characters', () => {
  assert.deepEqual(
    [0, 999, 1000, 157_000, 999_499, 999_600, 1_234_567, 45_600_000, 2.5e9].map(bytesText),
    ['0 B', '999 B', '1.0 kB', '157 kB', '999 kB', '1.0 MB', '1.2 MB', '46 MB', '2.5 GB'].map(text =>
      text.replace(' ', '\u202f')
    )
  );
  assert.equal(sizeText(variable('a')), '3\u202f270 \u00d7 6 \u00b7 157\u202fkB');
  assert.equal(sizeText(variable('a', { bytes: null })), '3\u202f270 \u00d7 6');
  assert.equal(sizeText(variable('a', { bytes: null, size: '' })), '');
});

test('a list is cut into its groups, and what it leaves out is said', () => {
  const listed = [variable('r', { group: 'result' }), variable('a'), variable('b')];
  assert.deepEqual(
    inGroups(listed).map(({ group, variables }) => [group, variables.map(one => one.name)]),
    [['result', ['r']], ['data', ['a', 'b']]]
  );
  const whole = { variables: listed, total: 3, others: 0, seconds: 0 };
  assert.equal(leftOut(whole, trans), '');
  assert.equal(
    leftOut({ ...whole, total: 10_000, others: 23 }, trans),
    'The first 3 of 10\u202f000; filter to see others. 23 other variables (numbers, texts, functions) are not listed.'
  );
});

test('an answer that is none is not taken for one', () => {
  const good = body([variable('a')]);
  assert.deepEqual(listingOf(good), good);
  assert.equal(listingOf({ state: 'working' }), 'working');
  for (const bad of [
    null,
    [],
    {},
    { ...good, total: '1' },
    { ...good, variables: [variable('a', { group: 'other' as never })] },
    { ...good, variables: [variable('a', { summary: 1 as never })] },
    { ...good, variables: [{ ...variable('a'), bytes: undefined }] }
  ]) {
    assert.equal(listingOf(bad), null);
  }
  assert.deepEqual(viewOf({ ticket: '1', state: 'working' }), { ticket: '1', state: 'working' });
  assert.deepEqual(viewOf({ ticket: '1', state: 'failed' }), { ticket: '1', state: 'failed', message: '' });
  assert.equal(viewOf({ ticket: '1', state: 'done', data: [] }), null);
  assert.equal(viewOf({ state: 'working' }), null);
});

test('what is to be shown follows notebook and kernel', () => {
  const model = new VariablesModel(new Clock());
  assert.equal(model.state, 'no-notebook');
  model.turnTo(on(null, true));
  assert.equal(model.state, 'loading');
  model.turnTo(on(null));
  assert.equal(model.state, 'no-kernel');
  model.turnTo(on(Object.assign(new Wire(), { isOurs: false })));
  assert.equal(model.state, 'other-kernel');
  const kernel = new Wire();
  model.turnTo(on(kernel));
  assert.equal(model.state, 'loading');
  kernel.status = 'dead';
  model.statusChanged();
  assert.equal(model.state, 'dead');
  assert.deepEqual(kernel.asked, []);
});

test('a kernel is asked while somebody looks, often while a cell runs, and never twice at once', async () => {
  const clock = new Clock();
  const model = new VariablesModel(clock);
  const kernel = new Wire();
  kernel.answer = async () => body([variable('a')]);
  model.turnTo(on(kernel));
  await clock.pass(60_000);
  assert.equal(kernel.asked.length, 0);
  model.isWatched = true;
  await clock.pass(0);
  assert.equal(model.state, 'ready');
  await clock.pass(2 * IDLE_INTERVAL);
  assert.equal(kernel.asked.length, 3);
  kernel.status = 'busy';
  model.statusChanged();
  await clock.pass(3 * BUSY_INTERVAL);
  assert.equal(kernel.asked.length, 7);
  // A list that takes the kernel long is asked for rarely.
  kernel.answer = async () => body([variable('a')], 0.5);
  await clock.pass(BUSY_INTERVAL);
  assert.equal(kernel.asked.length, 8);
  await clock.pass(9_999);
  assert.equal(kernel.asked.length, 8);
  await clock.pass(1);
  assert.equal(kernel.asked.length, 9);
  // It is at it still, and is asked again soon.
  kernel.status = 'idle';
  kernel.answer = async () => ({ state: 'working' });
  model.refresh();
  await clock.pass(0);
  assert.deepEqual([model.state, kernel.asked.length], ['ready', 10]);
  kernel.answer = async () => body([variable('a')]);
  await clock.pass(10_000);
  assert.equal(kernel.asked.length, 12);
  // It does not answer: nothing is sent behind that, and it is said.
  let reply: (value: unknown) => void = () => undefined;
  kernel.answer = () => new Promise(resolve => (reply = resolve));
  model.refresh();
  model.refresh();
  await clock.pass(PATIENCE - 1);
  assert.equal(model.isLate, false);
  await clock.pass(60_000);
  assert.equal(kernel.asked.length, 13);
  assert.deepEqual([model.isLate, model.state], [true, 'ready']);
  reply(body([]));
  await clock.pass(0);
  assert.equal(model.isLate, false);
  assert.equal(kernel.asked.length, 14); // the second of the two
  reply(body([]));
  model.isWatched = false;
  await clock.pass(60_000);
  assert.equal(kernel.asked.length, 14);
});

test('what has moved since the list before is known', async () => {
  const clock = new Clock();
  const model = new VariablesModel(clock);
  const kernel = new Wire();
  const moved = async (...variables: IVariable[]): Promise<string[]> => {
    kernel.answer = async () => body(variables);
    model.refresh();
    await clock.pass(0);
    return [...model.moved];
  };
  kernel.answer = async () => body([variable('a'), variable('b')]);
  model.isWatched = true;
  model.turnTo(on(kernel));
  await clock.pass(0);
  assert.deepEqual([...model.moved], []);
  assert.deepEqual(await moved(variable('a'), variable('b', { id: '7f01' }), variable('c')), ['b', 'c']);
  assert.deepEqual(await moved(variable('a', { size: '1' }), variable('c', { summary: 'x' })), ['a', 'c']);
  assert.deepEqual(await moved(variable('a', { size: '1' })), []);
  // Another filter: those that it lets in were there before.
  kernel.answer = async () => body([variable('c')]);
  model.filter = 'c';
  await clock.pass(0);
  assert.deepEqual([...model.moved], []);
  assert.deepEqual(kernel.asked.at(-1), { filter: 'c' });
});

test('a restarted or another kernel has none of the objects of the one before, nor its late answers', async () => {
  const clock = new Clock();
  const model = new VariablesModel(clock);
  model.isWatched = true;
  const first = new Wire('k1');
  let reply: (value: unknown) => void = () => undefined;
  first.answer = () => new Promise(resolve => (reply = resolve));
  model.turnTo(on(first));
  await clock.pass(0);
  const second = new Wire('k2');
  second.answer = async () => body([variable('mine')]);
  model.turnTo(on(second));
  await clock.pass(0);
  reply(body([variable('theirs')]));
  await clock.pass(0);
  assert.deepEqual(model.listing?.variables.map(one => one.name), ['mine']);
  second.status = 'restarting';
  model.statusChanged();
  await clock.pass(60_000);
  assert.equal(model.state, 'loading');
  const asked = second.asked.length;
  second.status = 'idle';
  second.answer = async () => Promise.reject(new Error('the kernel is too busy'));
  model.statusChanged();
  await clock.pass(0);
  assert.deepEqual([model.state, String(model.error)], ['error', 'Error: the kernel is too busy']);
  second.answer = async () => ({ other: 'kernel' });
  await clock.pass(IDLE_INTERVAL);
  assert.match(String(model.error), /does not answer as expected/);
  second.answer = async () => body([]);
  await clock.pass(IDLE_INTERVAL);
  assert.equal(model.state, 'ready');
  assert.equal(second.asked.length, asked + 3);
});

test('that a kernel has ended by itself is said, until something is there again', async () => {
  const clock = new Clock();
  const model = new VariablesModel(clock);
  const kernel = new Wire();
  kernel.answer = async () => body([]);
  const turned = async (status: Kernel.Status, ...variables: IVariable[]): Promise<string> => {
    kernel.answer = async () => body(variables);
    kernel.status = status;
    model.statusChanged();
    await clock.pass(0);
    return model.state;
  };
  /** As Lab tells of a kernel that the server starts anew. */
  const died = async (): Promise<string> => {
    kernel.status = 'restarting';
    model.statusChanged();
    return turned('autorestarting');
  };
  model.turnTo(on(kernel));
  model.isWatched = true;
  assert.equal(await turned('idle'), 'ready');
  assert.equal(await died(), 'loading'); // it had nothing
  model.filter = 'a';
  assert.equal(await turned('idle', variable('a'), variable('b')), 'ready');
  await clock.pass(1_000);
  assert.equal(await died(), 'lost');
  assert.deepEqual([model.loss, model.listing, model.filter], [{ at: clock.now(), objects: 2 }, null, '']);
  assert.equal(await turned('starting'), 'lost');
  assert.equal(await turned('idle'), 'lost'); // asked, and it has nothing yet
  assert.deepEqual(kernel.asked.at(-1), { filter: '' });
  assert.equal(await died(), 'lost'); // once more
  assert.equal(model.loss?.objects, 2);
  assert.equal(await turned('busy', variable('a')), 'ready');
  assert.equal(await died(), 'lost');
  assert.equal(await turned('dead'), 'dead'); // it could not be started anew
  assert.equal(await turned('restarting'), 'loading'); // by hand
  assert.equal(await turned('idle'), 'ready');
  assert.equal(await turned('idle', variable('a')), 'ready');
  assert.equal(await died(), 'lost');
  model.turnTo(on(new Wire('k2')));
  assert.equal(model.state, 'loading');

  const at = new Date(2026, 10, 27, 15, 4, 9).getTime();
  assert.equal(clockText(at), '15:04:09');
  assert.match(lossText({ at, objects: 1 }, trans), /ended by itself at 15:04:09 .* the object listed here went/);
  assert.match(lossText({ at, objects: 6 }, trans), /the 6 objects listed here went with it.* to have them back\.$/);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { commandOf } from '../replay/keys.js';
import type { Candle, IFacts, IMove, IScene } from '../replay/payload.js';
import { Pace } from '../replay/player.js';
import type { IModel } from '../replay/session.js';
import { Session } from '../replay/session.js';
import { Change, MOST_CANDLES, Store, moved } from '../replay/store.js';

function candle(at: number): Candle {
  return [at * 60, at, at + 2, at - 2, at + 1, null];
}

function scene(bars: number): IScene {
  const candles = Array.from({ length: bars }, (_, at) => candle(at));
  return {
    seq: 7,
    candles,
    lines: [
      { name: 'SMA(2)', overlay: true, pane: 0, values: candles.map(c => c[1] / 2) },
      { name: 'RSI(2)', overlay: false, pane: 1, values: candles.map(() => null) }
    ],
    facts: { bar: bars - 1, branch: null, fills: [], orders: [] } as unknown as IFacts
  };
}

function move(more: Partial<IMove>): IMove {
  return { seq: 8, until: null, candles: [], values: [[], []], fills: [], facts: {}, ...more };
}

test('a step adds its candle and its values and changes no more than it says', () => {
  const before = scene(3);
  const after = moved(
    before,
    move({ candles: [candle(3)], values: [[1.5], [null]], facts: { bar: 3 } })
  )!;
  assert.equal(after.change, 'candles');
  assert.equal(after.scene.seq, 8);
  assert.deepEqual(after.scene.candles, [0, 1, 2, 3].map(candle));
  assert.deepEqual(
    after.scene.lines.map(line => line.values),
    [[0, 0.5, 1, 1.5], [null, null, null, null]]
  );
  assert.equal(after.scene.facts.bar, 3);
  assert.equal(after.scene.facts.fills, before.facts.fills);
  assert.equal(before.candles.length, 3);
});

test('a step back takes candles away', () => {
  const after = moved(scene(4), move({ until: 60, facts: { bar: 1 } }))!;
  assert.equal(after.change, 'all');
  assert.deepEqual(after.scene.candles, [candle(0), candle(1)]);
  assert.deepEqual(after.scene.lines[0]!.values, [0, 0.5]);
});

test('the fills of new candles are added, and go with theirs', () => {
  const first = moved(
    scene(2),
    move({ candles: [candle(2)], fills: [{ time: 120, side: 'BUY' }] })
  )!.scene;
  const second = moved(
    first,
    move({ seq: 9, candles: [candle(3)], fills: [{ time: 180, side: 'SELL' }] })
  )!.scene;
  assert.deepEqual(second.facts.fills, [
    { time: 120, side: 'BUY' },
    { time: 180, side: 'SELL' }
  ]);
  const back = moved(second, move({ seq: 10, until: 120 }))!.scene;
  assert.deepEqual(back.facts.fills, [{ time: 120, side: 'BUY' }]);
});

test('facts alone leave the candles as they are', () => {
  const before = scene(2);
  const after = moved(before, move({ facts: { branch: { bar: 0, time: null, text: 'fast 20 → 18' } } }))!;
  assert.equal(after.change, 'facts');
  assert.equal(after.scene.candles, before.candles);
  assert.equal(after.scene.facts.branch!.text, 'fast 20 → 18');
});

test('of too many candles the older half goes, with its values', () => {
  const after = moved(
    scene(MOST_CANDLES),
    move({ candles: [candle(MOST_CANDLES)], values: [[1], [2]] })
  )!;
  assert.equal(after.change, 'all');
  assert.equal(after.scene.candles.length, MOST_CANDLES / 2);
  assert.deepEqual(after.scene.candles.at(-1), candle(MOST_CANDLES));
  assert.deepEqual(
    after.scene.lines.map(line => line.values.length),
    [MOST_CANDLES / 2, MOST_CANDLES / 2]
  );
  assert.equal(after.scene.lines[1]!.values.at(-1), 2);
});

test('a movement that does not follow the picture asks for it anew, once; an old one is left out', () => {
  let missed = 0;
  const changes: Change[] = [];
  const over = new AbortController();
  const store = new Store(scene(2), () => (missed += 1));
  store.listen(change => changes.push(change), over.signal);
  store.apply(move({ seq: 7 }));
  assert.equal(missed, 0);
  store.apply(move({ seq: 10 }));
  assert.equal(missed, 1);
  assert.equal(store.scene.candles.length, 2);
  store.replace({ ...scene(5), seq: 11 });
  store.replace({ ...scene(9), seq: 6 });
  assert.equal(store.scene.candles.length, 5);
  store.apply(move({ seq: 12, facts: { bar: 4 } }));
  assert.deepEqual(changes, ['all', 'facts']);
  over.abort();
  store.apply(move({ seq: 13, facts: { bar: 5 } }));
  assert.deepEqual(changes, ['all', 'facts']);
  assert.equal(store.scene.facts.bar, 5);
});

/** Frames of 60 a second for a second; the kernel answers each request after `takes` milliseconds. */
function played(rate: number, takes: number): { bars: number; requests: number } {
  const pace = new Pace(rate, 0);
  let bars = 0;
  let requests = 0;
  let answer = Infinity;
  for (let frame = 0; frame <= 60; frame += 1) {
    const now = (frame * 1000) / 60;
    if (now >= answer) {
      pace.answered();
      answer = Infinity;
    }
    const asked = pace.ask(now);
    if (asked > 0) {
      bars += asked;
      requests += 1;
      answer = now + takes;
    }
  }
  return { bars, requests };
}

test('play keeps its speed, by more bars at once where frames do not suffice', () => {
  // The first bar comes at once, so each has one more than its rate; 480 come in the frames that there are.
  assert.deepEqual(played(1, 5), { bars: 2, requests: 2 });
  assert.deepEqual(played(8, 5), { bars: 9, requests: 9 });
  assert.deepEqual(played(30, 5), { bars: 31, requests: 31 });
  assert.deepEqual(played(480, 5), { bars: 481, requests: 61 });
});

test('a kernel that is slow is asked again only after its answer, and owes nothing', () => {
  // The first bar, and after each answer what a quarter of a second may owe.
  assert.deepEqual(played(30, 500), { bars: 1 + 7 + 7, requests: 3 });
});

test('keys are commands, except in a field and with a modifier', () => {
  const key = (name: string, more: object = {}) => ({
    key: name,
    ctrlKey: false,
    metaKey: false,
    altKey: false,
    ...more
  });
  const all = ['ArrowLeft', 'ArrowRight', ' ', 'n', 'f', 't', 'd', 'x'];
  assert.deepEqual(
    all.map(name => commandOf(key(name), false)),
    ['back', 'step', 'play', 'order', 'fill', 'trade', 'date', null]
  );
  assert.equal(commandOf(key('n'), true), null);
  assert.equal(commandOf(key('f', { ctrlKey: true }), false), null);
  assert.equal(commandOf(key('ArrowRight', { metaKey: true }), false), null);
});

test('since when a stop waits is known, whatever else is asked', () => {
  Object.assign(globalThis, { cancelAnimationFrame: () => undefined });
  const sent: { action: string; id: string }[] = [];
  const heard = new Map<string, (message: unknown) => void>();
  const model: IModel = {
    get: name => ({ _scene: scene(3), _move: {}, _status: { play: null, busy: null, problem: null } })[name],
    send: content => void sent.push(content as { action: string; id: string }),
    on: (event, callback) => void heard.set(event, callback),
    off: () => undefined,
    comm_live: true
  };
  const session = new Session(model);
  session.ask({ action: 'until', what: 'any(iter(int, 1))' });
  assert.equal(session.stoppingSince, null);
  session.ask({ action: 'stop' });
  const since = session.stoppingSince;
  assert.equal(typeof since, 'number');
  session.ask({ action: 'stop' });
  session.ask({ action: 'still' });
  assert.equal(session.stoppingSince, since);
  for (const { id } of sent) {
    heard.get('msg:custom')!({ kind: 'done', of: id });
  }
  assert.equal(session.stoppingSince, null);
  assert.deepEqual(
    sent.map(({ action }) => action),
    ['until', 'stop', 'stop', 'still']
  );
});

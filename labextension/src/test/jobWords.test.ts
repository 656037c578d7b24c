import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { TranslationBundle } from '@jupyterlab/translation';

import type { IJob } from '../api/types.js';
import { Announcer, IAnnouncement } from '../jobs/announcer.js';
import {
  adviceFor,
  bytesText,
  doingParts,
  etaText,
  leftText,
  meters,
  percentText,
  placeText
} from '../jobs/words.js';

/** English as it is written; Lab's own bundle needs a bundler to be loaded. */
const fill = (text: string, values: unknown[]): string =>
  text.replace(/%(\d)/g, (_, place: string) => String(values[Number(place) - 1]));
const trans = {
  __: (text: string, ...values: unknown[]) => fill(text, values),
  _n: (one: string, many: string, count: number, ...values: unknown[]) =>
    fill(count === 1 ? one : many, values)
} as unknown as TranslationBundle;
const T = '\u202f';

test('an estimate is said as one would', () => {
  const said = [0.4, 3, 12, 41, 58, 130, 3500, 7300, 200_000].map(seconds => etaText(seconds, trans));
  assert.deepEqual(said, [
    'almost done',
    'a few seconds left',
    'about 15 s left',
    'about 50 s left',
    'about 1 min left',
    'about 2 min left',
    'about 1 h left',
    'about 2 h left',
    'about 2 d left'
  ]);
});

test('the place in the queue is what stands before it', () => {
  assert.equal(placeText(1, trans), 'next in the queue');
  assert.equal(placeText(2, trans), '1 job ahead');
  assert.equal(placeText(14, trans), '13 jobs ahead');
  assert.equal(placeText(null, trans), null);
});

test('what a job does is said by its state', () => {
  const progress = { fraction: 0.639, phase: 'running', bar_time: '2015-03-02T00:00:00Z', eta_seconds: 95 };
  const running = { status: 'RUNNING', phase: 'running', progress };
  assert.deepEqual(doingParts(running, trans), ['running', `63${T}%`, '2015-03-02']);
  assert.equal(leftText(running, trans), 'about 2 min left');
  const sweep = { ...running, progress: { ...progress, bar_time: null, text: '6,120 of 9,900 variants' } };
  assert.deepEqual(doingParts(sweep, trans), [`6${T}120 of 9${T}900 variants`]);
  const loading = { ...running, progress: { ...progress, phase: 'loading', fraction: 0, bar_time: null } };
  assert.deepEqual(doingParts(loading, trans), ['loading code and data']);
  const checking = { ...running, progress: { ...progress, phase: 'checking' } };
  assert.deepEqual(doingParts(checking, trans), ['checking for look-ahead', `63${T}%`, '2015-03-02']);
  const waiting = { status: 'PENDING', phase: 'queued', progress: null, position: 3 };
  assert.deepEqual(doingParts(waiting, trans), ['waiting', '2 jobs ahead']);
  assert.equal(leftText(waiting, trans), null);
  const stopping = { ...running, phase: 'cancelling' };
  assert.deepEqual(doingParts(stopping, trans), ['stopping']);
  assert.equal(leftText(stopping, trans), null);
  assert.equal(percentText(1), `99${T}%`);
});

test('bytes have three digits and their unit', () => {
  assert.deepEqual(
    [0, 999, 1000, 12_340, 412_400, 999_600, 1_207_000_000].map(bytes => bytesText(bytes)),
    [`0${T}B`, `999${T}B`, `1.00${T}kB`, `12.3${T}kB`, `412${T}kB`, `1.00${T}MB`, `1.21${T}GB`]
  );
  assert.equal(bytesText(null), '\u2013');
});

test('metering has a unit and a definition for each figure, and a dash for what is not known', () => {
  const found = meters(
    {
      queue_seconds: 0.2,
      run_seconds: 75,
      cpu_seconds: 74.1,
      peak_memory_bytes: 214_000_000,
      bytes_written: null
    },
    trans
  );
  assert.deepEqual(
    found.map(meter => `${meter.label} ${meter.text}`),
    [`Queued 0.2${T}s`, `Ran 75${T}s`, `CPU 74${T}s`, `Peak memory 214${T}MB`, 'Written \u2013']
  );
  assert.ok(found.every(meter => meter.definition.endsWith('.')));
});

test('an end that was a limit says what to do; one that was the code says all by itself', () => {
  assert.match(adviceFor('MEMORY_LIMIT', trans)!, /job_memory/);
  assert.equal(adviceFor('ZeroDivisionError', trans), null);
});

function job(id: string, more: Partial<IJob> = {}): IJob {
  return {
    id,
    kind: 'backtest',
    resource_id: `run-${id}`,
    name: 'SmaCross',
    status: 'COMPLETED',
    phase: 'finished',
    attempt: 1,
    priority: 0,
    sandbox_level: 'full',
    progress: null,
    queue_seconds: 0,
    run_seconds: 3.2,
    cpu_seconds: 3,
    peak_memory_bytes: 1,
    bytes_written: 1,
    created_at: '2026-01-01T00:00:00Z',
    queued_at: null,
    started_at: null,
    finished_at: null,
    error: null,
    position: null,
    ...more
  };
}

function announcer(): { said: IAnnouncement[]; model: Announcer; clock: { now: number } } {
  const said: IAnnouncement[] = [];
  const clock = { now: 0 };
  const model = new Announcer({
    trans,
    now: () => clock.now,
    show: what => String(said.push(what) - 1),
    replace: (id, what) => {
      said[Number(id)] = what;
      return true;
    }
  });
  return { said, model, clock };
}

test('a finished job is told with its time, a failed one with the reason, a stopped one not', () => {
  const { said, model } = announcer();
  model.ended(job('a'));
  model.ended(
    job('b', { status: 'FAILED', phase: 'failed', error: { code: 'X', message: 'There are no bars.' } })
  );
  model.ended(job('c', { status: 'CANCELLED', phase: 'cancelled' }));
  assert.deepEqual(
    said.map(what => [what.type, what.message, what.autoClose, what.opens?.id]),
    [
      ['success', `SmaCross finished in 3.2${T}s`, 8000, 'a'],
      ['error', 'SmaCross failed. There are no bars.', false, 'b']
    ]
  );
});

test('a short job that was started here is not told, one from elsewhere is', () => {
  const { said, model } = announcer();
  model.startedHere('run-a');
  model.startedHere('run-b');
  model.ended(job('a', { run_seconds: 0.3 }));
  model.ended(job('b', { run_seconds: 1.2 }));
  model.ended(job('c', { run_seconds: 0.3 }));
  assert.deepEqual(
    said.map(what => what.opens?.id),
    ['b', 'c']
  );
});

test('of what works while nobody waits only failures are told, and a fetch is followed by what tells more', () => {
  const { said, model } = announcer();
  const failed = { status: 'FAILED', phase: 'failed', error: { code: 'X', message: 'no' } };
  model.quiet('run-a');
  model.ended(job('a'));
  model.ended(job('a', failed));
  model.ended(job('b', { kind: 'fetch' }));
  model.ended(job('c', { kind: 'fetch', ...failed }));
  assert.deepEqual(
    said.map(what => [what.opens?.id, what.type]),
    [['a', 'error'], ['c', 'error']]
  );
});

test('what somebody else tells of is told here when they are gone', () => {
  const { said, model } = announcer();
  model.leave('run-a');
  model.leave('b'); // by its own id
  model.leave('c');
  model.takeBack('c');
  ['a', 'b', 'c'].forEach(id => model.ended(job(id)));
  assert.deepEqual(
    said.map(what => what.opens?.id),
    ['c']
  );
});

test('an end that comes before its start was answered waits for it', () => {
  const { said, model } = announcer();
  const release = model.hold();
  model.ended(job('a'));
  model.ended(job('b'));
  assert.equal(said.length, 0);
  model.leave('run-a');
  release();
  release();
  assert.deepEqual(
    said.map(what => what.opens?.id),
    ['b']
  );
});

test('many ends at once become one message, until there was a pause', () => {
  const { said, model, clock } = announcer();
  for (let i = 0; i < 100; i += 1) {
    clock.now += 20;
    model.ended(job(`j${i}`, i === 50 ? { status: 'FAILED', phase: 'failed' } : {}));
  }
  assert.equal(said.length, 4);
  assert.equal(said[3]!.message, '99 jobs have finished, 1 has failed');
  assert.equal(said[3]!.opens, null);
  clock.now += 60_000;
  model.ended(job('late'));
  assert.equal(said[4]!.opens!.id, 'late');
});

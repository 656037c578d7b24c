import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { IDebugger } from '@jupyterlab/debugger';
import { Signal } from '@lumino/signaling';

import { Market } from '../debug/market.js';
import { inKernel } from '../debug/places.js';
import { standing } from '../debug/words.js';

const T = '\u202f';
const PAUSED = { status: 'paused', bar: 3031, first: 2979, count: 3229, time: '2012-03-20T20:00:00Z' } as const;
const HELD = { intraday: false, account: { equity: 101234.5 }, positions: [{ symbol: 'AAPL', size: 100 }] };

test('a paused replay says when and where it stands, and what it holds', () => {
  assert.deepEqual(standing({ ...PAUSED, state: HELD }), [
    '2012-03-20',
    `bar 3${T}031 of 3${T}228`,
    `equity 101${T}234.50, 100${T}AAPL`
  ]);
  const many = ['A', 'B', 'C', 'D', 'E'].map((symbol, size) => ({ symbol, size: size + 0.5 }));
  assert.deepEqual(standing({ ...PAUSED, state: { ...HELD, intraday: true, positions: many } }), [
    '2012-03-20 20:00',
    `bar 3${T}031 of 3${T}228`,
    `equity 101${T}234.50, 0.5${T}A, 1.5${T}B, 2.5${T}C, 2 more`
  ]);
  const flat = standing({ ...PAUSED, state: { ...HELD, positions: [], notices: ['It is slow.'] } });
  assert.deepEqual(flat.slice(2), [`equity 101${T}234.50, flat`, 'It is slow.']);
});

test('nothing is said where none is paused', () => {
  assert.deepEqual(standing({ status: 'none' }), []);
  assert.deepEqual(standing({ ...PAUSED, status: 'done', state: HELD }), []);
});

test('a file of the workspace lies beside the notebook for its kernel', () => {
  const folder = '/srv/work/research';
  assert.equal(inKernel(folder, 'research/a.ipynb', 'research/lib/x.py'), `${folder}/lib/x.py`);
  assert.equal(inKernel(folder, 'research/a.ipynb', 'shared/x.py'), '/srv/work/shared/x.py');
  assert.equal(inKernel('/srv/work', 'a.ipynb', 'x.py'), '/srv/work/x.py');
});

test('an answer that comes after the run has gone on is not shown', async () => {
  const session = { isStarted: true, sendRequest: (): Promise<unknown> => Promise.resolve() };
  const service = {
    session,
    hasStoppedThreads: () => true,
    model: { breakpoints: {} as Record<string, unknown> }
  } as Record<string, any>;
  const events = new Signal<object, { event: string }>(service);
  Object.assign(service, { eventMessage: events, sessionChanged: new Signal(service) });
  service.model.breakpoints.restored = new Signal(service);
  const market = new Market(service as unknown as IDebugger);
  const answers: ((answer: unknown) => void)[] = [];
  session.sendRequest = () => new Promise(resolve => answers.push(resolve));
  const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

  events.emit({ event: 'stopped' });
  events.emit({ event: 'continued' });
  answers[0]!({ success: true, body: PAUSED });
  await settled();
  assert.equal(market.paused, false);
  events.emit({ event: 'stopped' });
  answers[1]!({ success: true, body: PAUSED });
  await settled();
  assert.equal(market.paused, true);
});

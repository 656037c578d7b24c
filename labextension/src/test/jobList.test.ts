import assert from 'node:assert/strict';
import { test } from 'node:test';

import { JobList, nextJobSort, sorted } from '../jobs/list.js';
import { DONE, Later, RUNNING, Server, event, held, job, settled } from './jobServer.js';

test('the list has pages, keeps older ones, and is filtered by the server', async () => {
  const rows = Array.from({ length: 250 }, (_, i) =>
    job(`r${i}`, { created_at: `2026-01-01T00:${String(i).padStart(4, '0')}`, kind: i % 2 ? 'check' : 'backtest' })
  );
  const server = new Server(rows);
  const list = new JobList(server, new Later().call);
  assert.equal(list.state, 'loading');
  await list.refresh();
  assert.deepEqual([list.items.length, list.total, list.hasMore], [200, 250, true]);
  await list.more();
  assert.deepEqual([list.items.length, list.hasMore], [250, false]);
  await list.refresh();
  assert.deepEqual([list.items.length, list.hasMore], [250, false]);
  await list.choose({ kind: 'check', words: 'Strategy r24' });
  assert.equal(list.isFiltered, true);
  assert.deepEqual(
    list.items.map(item => item.id),
    ['r249', 'r247', 'r245', 'r243', 'r241']
  );
});

test('the list takes the last answer, whichever comes first', async () => {
  const server = new Server([job('a', DONE), job('b', RUNNING)]);
  const list = new JobList(server, new Later().call);
  const answer = server.jobs.bind(server);
  const waiting: (() => void)[] = [];
  server.jobs = async query => {
    await new Promise<void>(resolve => waiting.push(resolve));
    return answer(query);
  };
  const first = list.choose({ status: 'COMPLETED' });
  const second = list.choose({ status: 'RUNNING' });
  waiting[1]!();
  await second;
  waiting[0]!();
  await first;
  assert.deepEqual(
    list.items.map(item => item.id),
    ['b']
  );
});

test('a list that cannot be read says so, and keeps what it had', async () => {
  const server = new Server([job('a', DONE)]);
  server.broken = true;
  const list = new JobList(server, new Later().call);
  await list.refresh();
  assert.equal(list.state, 'error');
  server.broken = false;
  await list.refresh();
  server.broken = true;
  await list.refresh();
  assert.equal(list.state, 'ready');
  assert.equal((list.error as Error).message, 'away');
  assert.equal(list.items.length, 1);
});

test('an event moves a row, and a new job is read within a second', async () => {
  const server = new Server([job('a', RUNNING)]);
  const later = new Later();
  const list = new JobList(server, later.call);
  await list.refresh();
  list.apply(event(job('a'), { ...RUNNING, cpu_seconds: 2 }));
  assert.equal(list.find('a')!.cpu_seconds, 2);
  assert.equal(later.pauses.length, 0);
  server.rows = [...server.rows, job('bb', RUNNING)];
  list.apply(event(job('bb'), RUNNING));
  list.apply(event(job('bb'), RUNNING));
  assert.equal(later.pauses.length, 1);
  await later.pass();
  assert.equal(list.items.length, 2);
});

test('rows are sorted by any column, what is not known last, the newest first among equals', () => {
  const rows = [
    job('a', { ...DONE, cpu_seconds: 1 }),
    job('bb', { ...RUNNING, cpu_seconds: null }),
    job('ccc', { ...DONE, cpu_seconds: 9 }),
    job('dddd', { status: 'FAILED', phase: 'failed', cpu_seconds: 1 })
  ];
  const ids = (key: Parameters<typeof nextJobSort>[1], descending: boolean): string =>
    sorted(rows, { key, descending })
      .map(item => item.id)
      .join(' ');
  assert.equal(ids('cpu_seconds', true), 'ccc dddd a bb');
  assert.equal(ids('cpu_seconds', false), 'dddd a ccc bb');
  assert.equal(ids('state', true), 'bb dddd ccc a');
  assert.equal(
    sorted(rows, null)
      .map(item => item.id)
      .join(' '),
    'dddd ccc bb a'
  );
  const once = nextJobSort(null, 'name');
  assert.deepEqual(once, { key: 'name', descending: true });
  assert.deepEqual(nextJobSort(once, 'name'), { key: 'name', descending: false });
  assert.equal(nextJobSort({ key: 'name', descending: false }, 'name'), null);
});

test('a list that was on its way leaves what has come to its end meanwhile', async () => {
  const server = new Server([job('a', RUNNING)]);
  const list = new JobList(server, new Later().call);
  await list.refresh();
  const { ask, go } = held(server.jobs.bind(server));
  server.jobs = ask;
  const read = list.refresh();
  await settled();
  list.apply(event(job('a'), DONE));
  go();
  await read;
  assert.equal(list.find('a')!.status, 'COMPLETED');
  list.put(job('a', RUNNING));
  assert.equal(list.find('a')!.status, 'COMPLETED');
  list.put(job('a', { ...DONE, cpu_seconds: 2 }));
  assert.equal(list.find('a')!.cpu_seconds, 2);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { IJob } from '../api/types.js';
import { ActiveJobs } from '../jobs/active.js';
import { Connection } from '../jobs/connection.js';
import { JOB_EVENT_SCHEMA, JobFeed } from '../jobs/feed.js';
import { stateOf, withEvent } from '../jobs/state.js';
import { DONE, Later, RUNNING, Server, event, held, job, settled } from './jobServer.js';

function active(server: Server): { model: ActiveJobs; later: Later; ended: IJob[] } {
  const later = new Later();
  const model = new ActiveJobs({ source: server, later: later.call });
  const ended: IJob[] = [];
  model.ended.connect((_, item) => ended.push(item));
  return { model, later, ended };
}

test('a state is told from status and phase', () => {
  assert.equal(stateOf({ status: 'PENDING', phase: 'created' }), 'created');
  assert.equal(stateOf({ status: 'PENDING', phase: 'queued' }), 'waiting');
  assert.equal(stateOf({ status: 'RUNNING', phase: 'starting' }), 'starting');
  assert.equal(stateOf({ status: 'RUNNING', phase: 'evaluating' }), 'running');
  assert.equal(stateOf({ status: 'RUNNING', phase: 'cancelling' }), 'stopping');
  assert.equal(stateOf({ status: 'CANCELLED', phase: 'cancelled' }), 'stopped');
});

test('an event moves a job and keeps the figures that it does not carry', () => {
  const before = job('a', { ...RUNNING, cpu_seconds: 3, peak_memory_bytes: 5, started_at: 'then' });
  const after = withEvent(before, event(before, { cpu_seconds: 4 }));
  assert.equal(after.cpu_seconds, 4);
  assert.equal(after.peak_memory_bytes, 5);
  assert.equal(after.started_at, 'then');
  const failed = withEvent(after, event(after, { status: 'FAILED', phase: 'failed', message: 'no bars' }));
  assert.equal(failed.error!.message, 'no bars');
  assert.equal(failed.finished_at, '2026-01-01T01:00:00Z');
});

test('what was only made is not listed; what runs stands before what waits, that in its order', async () => {
  const server = new Server([
    job('a', { position: 2 }),
    job('bb', RUNNING),
    job('ccc', { position: 1 }),
    job('d', { phase: 'created' }),
    job('e', DONE)
  ]);
  const { model } = active(server);
  await model.refresh();
  assert.deepEqual(
    model.items.map(item => item.id),
    ['bb', 'ccc', 'a']
  );
  assert.deepEqual([model.running, model.waiting], [1, 2]);
});

test('a job that was started elsewhere comes with one reading, however many events tell of it', async () => {
  const server = new Server([]);
  const { model, later } = active(server);
  await model.refresh();
  const many = Array.from({ length: 30 }, (_, i) => job(`j${i}`, RUNNING));
  server.rows = many;
  server.asked = [];
  many.forEach(item => model.apply(event(item, {})));
  await later.pass();
  assert.equal(model.running, 30);
  assert.deepEqual(server.asked, ['PENDING', 'RUNNING']);
});

test('progress needs no reading, and an end is told once with its figures', async () => {
  const first = job('a', RUNNING);
  const server = new Server([first]);
  const { model, ended } = active(server);
  await model.refresh();
  server.asked = [];
  const progress = { fraction: 0.5, phase: 'running', bar_time: null, eta_seconds: 7 };
  model.apply(event(first, { progress, cpu_seconds: 1.5 }));
  assert.equal(model.find('a')!.progress!.fraction, 0.5);
  model.apply(event(first, { ...DONE, run_seconds: 9 }));
  model.apply(event(first, { ...DONE, run_seconds: 9 }));
  model.apply(event(first, RUNNING));
  assert.deepEqual(server.asked, []);
  assert.equal(model.items.length, 0);
  assert.deepEqual(
    ended.map(item => [item.id, item.run_seconds, item.cpu_seconds]),
    [['a', 9, 1.5]]
  );
});

test('the level of the sandbox is read once it is known: events do not carry it', async () => {
  const server = new Server([job('a', { status: 'RUNNING', phase: 'starting' })]);
  const { model, later } = active(server);
  await model.refresh();
  server.change('a', { ...RUNNING, sandbox_level: 'full' });
  model.apply(event(job('a'), RUNNING));
  model.apply(event(job('a'), RUNNING));
  assert.equal(later.pauses.length, 1);
  await later.pass();
  assert.equal(model.find('a')!.sandbox_level, 'full');
  model.apply(event(job('a'), { ...RUNNING, name: 'Renamed' }));
  assert.deepEqual([model.find('a')!.name, later.pauses.length], ['Renamed', 1]);
});

test('a job that ended before it was known is read once and told', async () => {
  const quick = job('q', { ...DONE, run_seconds: 0.2 });
  const server = new Server([quick]);
  const { model, ended } = active(server);
  model.apply(event(quick, DONE));
  await settled();
  assert.deepEqual(
    ended.map(item => item.run_seconds),
    [0.2]
  );
});

test('places are read anew when something leaves the queue, once for many', async () => {
  const server = new Server([job('a', RUNNING), job('b', RUNNING), job('cc', { position: 3 })]);
  const { model, later } = active(server);
  await model.refresh();
  server.asked = [];
  server.change('a', DONE);
  server.change('b', DONE);
  server.change('cc', { position: 1 });
  model.apply(event(job('a'), DONE));
  model.apply(event(job('b'), DONE));
  assert.equal(later.pauses.length, 1);
  await later.pass();
  assert.equal(model.find('cc')!.position, 1);
  assert.deepEqual(server.asked, ['PENDING', 'RUNNING']);
});

test('a server that is away changes nothing; what ended meanwhile is told after it', async () => {
  const server = new Server([job('a', RUNNING)]);
  const failures: unknown[] = [];
  const model = new ActiveJobs({ source: server, onFailure: error => failures.push(error) });
  const ended: string[] = [];
  model.ended.connect((_, item) => ended.push(item.status));
  await model.refresh();
  server.broken = true;
  await model.refresh();
  assert.equal(failures.length, 1);
  assert.equal(model.items.length, 1);
  server.broken = false;
  server.change('a', { status: 'FAILED', phase: 'failed' });
  await model.refresh();
  await model.refresh();
  assert.deepEqual(ended, ['FAILED']);
  assert.equal(model.items.length, 0);
});

test('a job that is stopped says so at once; one that ended meanwhile is no error', async () => {
  const server = new Server([job('a', RUNNING), job('b', RUNNING)]);
  const { model, ended } = active(server);
  await model.refresh();
  const stopping = model.cancel('a');
  assert.equal(stateOf(model.find('a')!), 'stopping');
  await stopping;
  server.change('b', DONE);
  await model.cancel('b');
  assert.deepEqual(ended.map(item => item.id).sort(), ['a', 'b']);
});

test('all are stopped, those that wait first, and what could not be is told', async () => {
  const server = new Server([job('a', RUNNING), job('bb', { position: 1 })]);
  const { model } = active(server);
  await model.refresh();
  server.asked = [];
  assert.deepEqual(await model.cancelAll(), []);
  assert.deepEqual(
    server.asked.filter(what => what.length <= 2),
    ['bb', 'a']
  );
  server.rows = [job('c', RUNNING)];
  await model.refresh();
  server.cancelJob = () => Promise.reject(new Error('403'));
  const failures = await model.cancelAll();
  assert.deepEqual(
    failures.map(failure => (failure as Error).message),
    ['403']
  );
});

test('events are taken once, and a gap asks for a reading', () => {
  let now = 0;
  const feed = new JobFeed(() => now);
  const got: number[] = [];
  let missed = 0;
  feed.received.connect((_, item) => got.push(item.event_id));
  feed.missed.connect(() => {
    missed += 1;
  });
  const say = (id: number, schema = JOB_EVENT_SCHEMA): void =>
    feed.receive({ schema_id: schema, event_id: id });
  now = 500;
  assert.equal(feed.silence, 500);
  [7, 8, 8].forEach(id => say(id));
  assert.equal(feed.silence, 0);
  say(9, 'https://events.alphintra.dev/checks/v1');
  say(10);
  assert.deepEqual([got, missed], [[7, 8, 10], 0]);
  say(12, 'https://events.jupyter.org/jupyter_server/kernel_actions/v1');
  say(12);
  assert.deepEqual([got, missed], [[7, 8, 10, 12], 1]);
  // Another database begins anew.
  feed.reset();
  say(1);
  assert.deepEqual([got, missed], [[7, 8, 10, 12, 1], 1]);
});

test('a server that does not answer is asked ever more rarely until it does', async () => {
  const later = new Later();
  let up = false;
  const said: boolean[] = [];
  const connection = new Connection({
    probe: () => (up ? Promise.resolve() : Promise.reject(new Error('away'))),
    later: later.call
  });
  connection.changed.connect((_, isUp) => said.push(isUp));
  await connection.suspect();
  for (let i = 0; i < 5; i += 1) {
    await later.pass();
  }
  assert.deepEqual(later.pauses, [1000, 2000, 4000, 8000, 10000, 10000]);
  assert.equal(connection.isUp, false);
  up = true;
  await later.pass();
  await later.pass();
  assert.deepEqual(said, [false, true]);
});

test('jobs that were on their way take back nothing that was told meanwhile', async () => {
  const server = new Server([job('a', { position: 1 }), job('b', RUNNING)]);
  const { model } = active(server);
  await model.refresh();
  const { ask, go } = held(server.jobs.bind(server));
  server.jobs = ask;
  const read = model.refresh();
  await settled();
  model.apply(event(job('a'), RUNNING));
  const stopped = model.cancel('b');
  go(); // what waits, as it was before
  await settled();
  go();
  await Promise.all([read, stopped]);
  assert.equal(stateOf(model.find('a')!), 'running');
});

test('a job that is being stopped is not shown as running by an answer from before', async () => {
  const server = new Server([job('b', RUNNING)]);
  const { model } = active(server);
  await model.refresh();
  const { ask, go } = held(server.jobs.bind(server));
  server.jobs = ask;
  const read = model.refresh();
  await settled();
  go(); // what waits
  await settled();
  server.cancelJob = () => Promise.resolve({});
  await model.cancel('b');
  go(); // what runs, asked for before
  await read;
  assert.equal(stateOf(model.find('b')!), 'stopping');
});

test('an answer that a job runs does not bring it back after its end', async () => {
  const server = new Server([job('a', RUNNING)]);
  const { model, ended } = active(server);
  await model.refresh();
  server.rows = [];
  const one = held(() => Promise.resolve(job('a', RUNNING)));
  server.job = one.ask;
  const read = model.refresh(); // it is listed no more: it is asked for by itself
  await settled();
  server.job = () => Promise.resolve(job('a', DONE));
  model.apply(event(job('a'), DONE));
  await settled();
  one.go();
  await read;
  assert.deepEqual([model.items.length, ended.length], [0, 1]);
});

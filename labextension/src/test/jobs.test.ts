import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { IJobQuery } from '../api/client.js';
import type { IJob, IJobEvent, IPage } from '../api/types.js';
import { ActiveJobs } from '../jobs/active.js';
import { Connection } from '../jobs/connection.js';
import { JOB_EVENT_SCHEMA, JobFeed } from '../jobs/feed.js';
import { JobList, nextJobSort, sorted } from '../jobs/list.js';
import { isFinished, stateOf, withEvent } from '../jobs/state.js';

function job(id: string, more: Partial<IJob> = {}): IJob {
  return {
    id,
    kind: 'backtest',
    resource_id: `run-${id}`,
    name: `Strategy ${id}`,
    status: 'PENDING',
    phase: 'queued',
    attempt: 0,
    priority: 0,
    sandbox_level: null,
    progress: null,
    queue_seconds: null,
    run_seconds: null,
    cpu_seconds: null,
    peak_memory_bytes: null,
    bytes_written: null,
    created_at: `2026-01-01T00:00:0${id.length}Z`,
    queued_at: null,
    started_at: null,
    finished_at: null,
    error: null,
    position: null,
    ...more
  };
}

let number = 0;
function event(of: IJob, more: Partial<IJobEvent>): IJobEvent {
  number += 1;
  return {
    event_id: number,
    job_id: of.id,
    kind: of.kind,
    resource_id: of.resource_id,
    status: of.status,
    phase: of.phase,
    progress: null,
    message: '',
    updated_at: '2026-01-01T01:00:00Z',
    ...more
  };
}

const RUNNING = { status: 'RUNNING', phase: 'running' };
const DONE = { status: 'COMPLETED', phase: 'finished' };

/** A server of jobs: what the models ask of it is real, only the transport is missing. */
class Server {
  constructor(jobs: IJob[]) {
    this.rows = jobs;
  }

  rows: IJob[];
  broken = false;
  asked: string[] = [];

  async jobs(query: IJobQuery): Promise<IPage<IJob>> {
    this.asked.push(query.status ?? 'all');
    if (this.broken) {
      throw new Error('away');
    }
    const found = this.rows
      .filter(row => !query.status || row.status === query.status)
      .filter(row => !query.kind || row.kind === query.kind)
      .filter(row => !query.q || row.name!.includes(query.q))
      .sort((a, b) => b.created_at.localeCompare(a.created_at));
    const from = Number(query.cursor ?? 0);
    const to = from + query.limit;
    return {
      items: found.slice(from, to),
      _pagination: {
        limit: query.limit,
        total: found.length,
        next: to < found.length ? `/api/jobs?limit=${query.limit}&cursor=${to}` : null
      }
    };
  }

  async job(id: string): Promise<IJob> {
    this.asked.push(id);
    const found = this.rows.find(row => row.id === id);
    if (!found) {
      throw new Error('404');
    }
    return found;
  }

  async cancelJob(id: string): Promise<unknown> {
    const row = await this.job(id);
    if (isFinished(row)) {
      throw new Error('409');
    }
    this.change(id, { status: 'CANCELLED', phase: 'cancelled' });
    return {};
  }

  change(id: string, change: Partial<IJob>): void {
    this.rows = this.rows.map(row => (row.id === id ? { ...row, ...change } : row));
  }
}

/** Callbacks that run when the test says so. */
class Later {
  private _due: (() => void)[] = [];
  pauses: number[] = [];

  call = (callback: () => void, milliseconds: number): void => {
    this._due.push(callback);
    this.pauses.push(milliseconds);
  };

  async pass(): Promise<void> {
    const due = this._due;
    this._due = [];
    due.forEach(callback => callback());
    await settled();
  }
}

/** All that was begun without a timer has come to its end. */
function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}

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

/** Hold back what a server has answered until the test lets it go. */
function held<T>(answer: (...args: any[]) => Promise<T>): { ask: (...args: any[]) => Promise<T>; go: () => void } {
  const waiting: (() => void)[] = [];
  return {
    ask: async (...args) => {
      const found = await answer(...args);
      await new Promise<void>(resolve => waiting.push(resolve));
      return found;
    },
    go: () => waiting.splice(0).forEach(one => one())
  };
}

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

import assert from 'node:assert/strict';
import { test } from 'node:test';

import type {
  IBacktest,
  ICheckRun,
  IChecks,
  IChecksUpdate,
  IJobEvent,
  IPage
} from '../api/types.js';
import { fieldsOf, settingsOf, updateOf } from '../checks/form.js';
import { ChecksModel, IChecksSource } from '../checks/model.js';
import { isFinished } from '../jobs/state.js';
import { ChecksOverview } from '../checks/overview.js';
import { stateOf } from '../checks/state.js';

function run(id: string, status: string, passed: boolean | null): ICheckRun {
  return {
    id,
    created_at: '2026-01-01T00:00:00Z',
    trigger: 'MANUAL',
    status,
    passed,
    results: [],
    compared_with: null,
    differences: null,
    strategy_version: 1
  };
}

const none: IChecks = {
  configured: false,
  checks: null,
  dataset_id: 'us-equities-daily/AAPL',
  settings: {},
  on_save: false,
  on_dataset: false,
  schedule: null,
  at: '00:00',
  weekday: 'monday',
  last_run: null
};

function event(resource: string, status: string, kind = 'check'): IJobEvent {
  return {
    event_id: 1,
    job_id: 'j',
    kind,
    resource_id: resource,
    status,
    phase: null,
    progress: null,
    message: null,
    updated_at: ''
  };
}

/** A server with one set of checks for each strategy: only the transport is missing. */
class Server implements IChecksSource {
  stored = new Map<string, IChecks>();
  history: ICheckRun[] = [];
  asked: string[] = [];
  broken = false;

  async checks(strategy: string): Promise<IChecks> {
    this.asked.push(strategy);
    if (this.broken) {
      throw new Error('away');
    }
    return { ...(this.stored.get(strategy) ?? none), last_run: this.history[0] ?? null };
  }

  async setChecks(strategy: string, body: IChecksUpdate): Promise<IChecks> {
    this.stored.set(strategy, { ...none, ...body, configured: true });
    return this.stored.get(strategy)!;
  }

  async runChecks(): Promise<{ run_id: string }> {
    const id = `r${this.history.length}`;
    this.history = [run(id, 'PENDING', null), ...this.history];
    return { run_id: id };
  }

  async cancelChecks(_: string, id: string): Promise<void> {
    this.history = this.history.map(item =>
      item.id === id ? { ...item, status: 'CANCELLED' } : item
    );
  }

  async checkRuns(_: string, limit: number, offset: number): Promise<IPage<ICheckRun>> {
    return {
      items: this.history.slice(offset, offset + limit),
      _pagination: { limit, offset, total: this.history.length }
    };
  }
}

test('the state is that of the last run, else whether checks were set', () => {
  assert.equal(stateOf(none), 'unset');
  assert.equal(stateOf({ ...none, configured: true }), 'new');
  const states = [
    run('a', 'PENDING', null),
    run('b', 'COMPLETED', true),
    run('c', 'COMPLETED', false),
    run('d', 'FAILED', false),
    run('e', 'CANCELLED', null)
  ].map(last_run => stateOf({ ...none, configured: true, last_run }));
  assert.deepEqual(states, ['running', 'passed', 'failed', 'failed', 'stopped']);
});

test('new checks start from the data and the settings of the latest run', () => {
  const latest = {
    id: 'b',
    dataset_name: 'wti-daily',
    parameters: { fast: 10 },
    commission: '0.001',
    benchmark: null,
    status: 'COMPLETED'
  } as unknown as IBacktest;
  const fields = fieldsOf(none, latest);
  assert.equal(fields.dataset, 'wti-daily');
  assert.equal(fields.onSave, true);
  assert.match(fields.checks, /^sharpe_ratio >= 0.5\n/);
  assert.deepEqual(settingsOf(none, latest), { parameters: { fast: 10 }, commission: '0.001' });
  const set: IChecks = { ...none, configured: true, settings: { seed: 3 }, schedule: 'daily' };
  assert.deepEqual(settingsOf(set, latest), { seed: 3 });
  assert.equal(fieldsOf(set, latest).dataset, 'us-equities-daily/AAPL');
  assert.equal(fieldsOf(set, latest).checks, '');
});

test('checks are sent one a line, and none are those of the class', () => {
  const fields = fieldsOf({ ...none, configured: true }, null);
  const update = updateOf(
    { ...fields, checks: ' same fills \n\nsharpe_ratio >= 1\n', schedule: 'weekly' },
    { seed: 1 }
  );
  assert.deepEqual(update.checks, ['same fills', 'sharpe_ratio >= 1']);
  assert.equal(update.schedule, 'weekly');
  assert.deepEqual(update.settings, { seed: 1 });
  const empty = updateOf({ ...fields, checks: ' \n' }, {});
  assert.equal(empty.checks, null);
  assert.equal(empty.schedule, null);
});

test('a run is followed to its end by events, and other events ask for nothing', async () => {
  const server = new Server();
  const model = new ChecksModel(server, 's');
  await model.refresh();
  assert.equal(model.state, 'ready');
  await model.save(updateOf(fieldsOf(none, null), {}));
  await model.run();
  assert.equal(model.items.some(item => !isFinished(item)), true);
  const before = server.asked.length;
  await model.apply(event('r0', 'PENDING'));
  await model.apply(event('r0', 'COMPLETED', 'backtest'));
  assert.equal(server.asked.length, before);
  server.history = [run('r0', 'COMPLETED', true)];
  await model.apply(event('r0', 'COMPLETED'));
  assert.equal(model.items.every(isFinished), true);
  assert.equal(model.items[0]!.passed, true);
  // A late event of an ended run asks for nothing; what is shown stays when the server is away.
  server.broken = true;
  await model.apply(event('r0', 'RUNNING'));
  assert.equal(model.error, null);
  await model.refresh();
  assert.equal(model.state, 'ready');
  assert.notEqual(model.error, null);
});

test('what runs can be stopped, and what ended stays as it was', async () => {
  const server = new Server();
  server.history = [run('b', 'RUNNING', null), run('a', 'COMPLETED', true)];
  const model = new ChecksModel(server, 's');
  await model.refresh();
  await model.cancel();
  assert.deepEqual(
    model.items.map(item => item.status),
    ['CANCELLED', 'COMPLETED']
  );
});

test('older runs are added once', async () => {
  const server = new Server();
  server.history = Array.from({ length: 40 }, (_, i) => run(`r${i}`, 'COMPLETED', true));
  const model = new ChecksModel(server, 's');
  await model.refresh();
  assert.equal(model.items.length, 25);
  server.history = [run('new', 'COMPLETED', false), ...server.history];
  await model.more();
  assert.equal(new Set(model.items.map(item => item.id)).size, model.items.length);
  assert.equal(model.items.at(-1)!.id, 'r39');
});

test('the overview asks for the strategies of the runs while it is looked at', async () => {
  const server = new Server();
  const overview = new ChecksOverview(server);
  const of = (id: string, strategy: string): IBacktest =>
    ({ id, strategy_id: strategy, strategy_name: strategy.toUpperCase() }) as IBacktest;
  overview.follow([of('1', 'a'), of('2', 'b'), of('3', 'a')]);
  assert.deepEqual(server.asked, []);
  assert.deepEqual(
    overview.items.map(item => [item.strategy, item.name]),
    [['a', 'A'], ['b', 'B']]
  );
  overview.shown = true;
  await new Promise(resolve => setImmediate(resolve));
  assert.deepEqual(server.asked, ['a', 'b']);
  overview.follow([of('4', 'c'), of('1', 'a')]);
  await new Promise(resolve => setImmediate(resolve));
  assert.deepEqual(server.asked, ['a', 'b', 'c']);
  assert.equal(overview.items[1]!.checks?.configured, false);
});

/** Answers that wait until the test lets them go, by number. */
class Slow extends Server {
  readonly waiting: (() => void)[] = [];

  override async checks(strategy: string): Promise<IChecks> {
    const found = await super.checks(strategy);
    await new Promise<void>(resolve => this.waiting.push(resolve));
    return found;
  }
}

function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}

test('what was on its way takes back neither an end nor what was saved meanwhile', async () => {
  const server = new Slow();
  server.history = [run('r0', 'RUNNING', null)];
  const model = new ChecksModel(server, 's');
  const first = model.refresh();
  await settled();
  server.history = [run('r0', 'COMPLETED', true)];
  const second = model.apply(event('r0', 'COMPLETED'));
  await settled();
  // Whichever answer could be first, the last of them is the newest.
  server.waiting.splice(0).reverse().forEach(go => go());
  await settled();
  server.waiting.splice(0).forEach(go => go());
  await Promise.all([first, second]);
  assert.equal(model.items[0]!.status, 'COMPLETED');

  const third = model.refresh();
  await settled();
  await model.save(updateOf(fieldsOf(none, null), {}));
  server.waiting.splice(0).forEach(go => go());
  await settled();
  assert.equal(model.checks!.configured, true);
  server.waiting.splice(0).forEach(go => go());
  await third;
  assert.equal(model.checks!.configured, true);
});

test('the overview takes the answer to its last question, whichever comes first', async () => {
  const server = new Slow();
  const overview = new ChecksOverview(server);
  overview.follow([{ id: '1', strategy_id: 'a', strategy_name: 'A' } as IBacktest]);
  server.history = [run('r0', 'RUNNING', null)];
  overview.shown = true;
  await settled();
  server.history = [run('r0', 'COMPLETED', true)];
  const second = overview.refresh();
  await settled();
  const [early, late] = server.waiting;
  late!();
  await second;
  early!();
  await settled();
  assert.equal(overview.items[0]!.checks!.last_run!.status, 'COMPLETED');
});

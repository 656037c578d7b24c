import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { IBacktest, IJobEvent, IPage } from '../api/types.js';
import {
  BacktestsModel,
  IBacktestSource
} from '../backtests/model.js';
import { fractionOf } from '../jobs/state.js';

function run(id: string, created: string, status = 'COMPLETED'): IBacktest {
  return {
    id,
    strategy_id: 's',
    strategy_name: `Strategy ${id}`,
    dataset_name: 'us-equities-daily/AAPL',
    status,
    phase: null,
    progress: null,
    metrics: null,
    sparkline: null,
    error: null,
    created_at: created
  };
}

function event(id: number, resource: string, status: string): IJobEvent {
  return {
    event_id: id,
    job_id: 'j',
    kind: 'backtest',
    resource_id: resource,
    status,
    phase: status.toLowerCase(),
    progress: {
      fraction: id / 10,
      phase: 'running',
      bar_time: null,
      eta_seconds: null
    },
    message: null,
    updated_at: '2026-01-01T00:00:00Z'
  };
}

/** A server of rows: what the model asks of it is real, only the transport is missing. */
class Rows implements IBacktestSource {
  constructor(rows: IBacktest[]) {
    this.rows = rows;
  }

  rows: IBacktest[];
  broken = false;

  async backtests(limit: number, offset: number): Promise<IPage<IBacktest>> {
    if (this.broken) {
      throw new Error('away');
    }
    const sorted = [...this.rows].sort((a, b) =>
      b.created_at.localeCompare(a.created_at)
    );
    return {
      items: sorted.slice(offset, offset + limit),
      _pagination: { limit, offset, total: sorted.length }
    };
  }

  async backtest(id: string): Promise<IBacktest> {
    const found = this.rows.find(item => item.id === id);
    if (!found) {
      throw new Error('404');
    }
    return found;
  }

  async cancel(id: string): Promise<unknown> {
    this.rows = this.rows.map(item =>
      item.id === id ? { ...item, status: 'CANCELLED' } : item
    );
    return {};
  }
}

test('runs are listed newest first', async () => {
  const model = new BacktestsModel(
    new Rows([run('a', '2026-01-01'), run('b', '2026-01-03'), run('c', '2026-01-02')])
  );
  assert.equal(model.state, 'loading');
  await model.refresh();
  assert.equal(model.state, 'ready');
  assert.deepEqual(
    model.items.map(item => item.id),
    ['b', 'c', 'a']
  );
});

test('a run started elsewhere appears by its event, without a fetch of the list', async () => {
  const source = new Rows([run('a', '2026-01-01')]);
  const model = new BacktestsModel(source);
  await model.refresh();
  source.rows.push(run('b', '2026-01-02', 'PENDING'));
  await model.apply(event(1, 'b', 'PENDING'));
  assert.deepEqual(
    model.items.map(item => item.id),
    ['b', 'a']
  );
});

test('a list that was on its way takes nothing back that was told meanwhile', async () => {
  const source = new Rows([run('a', '2026-01-01', 'RUNNING'), run('c', '2025-01-01', 'PENDING')]);
  const model = new BacktestsModel(source);
  const finished: IBacktest[] = [];
  model.finished.connect((_, item) => finished.push(item));
  await model.refresh();
  const list = source.backtests.bind(source);
  let answer = (): void => undefined;
  source.backtests = async (limit, offset) => {
    const page = await list(limit, offset);
    await new Promise<void>(resolve => (answer = resolve));
    return page;
  };
  const refreshed = model.refresh();
  await new Promise(resolve => setImmediate(resolve));
  source.rows = [run('a', '2026-01-01'), run('b', '2026-01-02')];
  await model.apply(event(1, 'a', 'COMPLETED'));
  await model.apply(event(2, 'b', 'COMPLETED'));
  await model.apply(event(3, 'c', 'RUNNING'));
  answer();
  await refreshed;
  assert.equal(model.find('c')!.status, 'RUNNING');
  assert.equal(model.find('a')!.status, 'COMPLETED');
  assert.equal(model.find('b')!.status, 'COMPLETED');
  assert.deepEqual(
    finished.map(item => item.id),
    ['a', 'b']
  );

  // What is no longer listed is gone all the same.
  source.backtests = list;
  source.rows = [];
  await model.refresh();
  assert.deepEqual(model.items, []);
});

test('events move a run, late ones do not, and its end is said once with its figures', async () => {
  const source = new Rows([run('a', '2026-01-01', 'PENDING')]);
  const model = new BacktestsModel(source);
  const finished: IBacktest[] = [];
  model.finished.connect((_, item) => finished.push(item));
  await model.refresh();
  await model.apply(event(5, 'a', 'RUNNING'));
  assert.equal(model.find('a')!.status, 'RUNNING');
  assert.equal(fractionOf(model.find('a')!.progress), 0.5);
  await model.apply(event(3, 'a', 'PENDING'));
  assert.equal(model.find('a')!.status, 'RUNNING');

  source.rows = [
    { ...run('a', '2026-01-01'), metrics: { total_return: 0.79 } }
  ];
  await model.apply(event(9, 'a', 'COMPLETED'));
  await model.apply(event(9, 'a', 'COMPLETED'));
  await model.refresh();
  assert.equal(finished.length, 1);
  assert.equal(finished[0]!.metrics!.total_return, 0.79);
  await model.apply(event(10, 'a', 'RUNNING'));
  assert.equal(model.find('a')!.status, 'COMPLETED');
});

test('an end that only the list tells is said too', async () => {
  const source = new Rows([run('a', '2026-01-01', 'RUNNING')]);
  const model = new BacktestsModel(source);
  const finished: string[] = [];
  model.finished.connect((_, item) => finished.push(item.status));
  await model.refresh();
  source.rows = [run('a', '2026-01-01', 'FAILED')];
  await model.refresh();
  assert.deepEqual(finished, ['FAILED']);
});

test('a server that goes away leaves the list and says so; at first it is the error state', async () => {
  const source = new Rows([run('a', '2026-01-01')]);
  source.broken = true;
  const model = new BacktestsModel(source);
  await model.refresh();
  assert.equal(model.state, 'error');
  source.broken = false;
  await model.refresh();
  assert.equal(model.state, 'ready');
  source.broken = true;
  await model.refresh();
  assert.equal(model.state, 'ready');
  assert.equal((model.error as Error).message, 'away');
  assert.equal(model.items.length, 1);
});

test('older pages are kept by a refresh, and what was deleted goes', async () => {
  const rows = Array.from({ length: 60 }, (_, i) =>
    run(`r${i}`, `2026-01-01T00:${String(i).padStart(2, '0')}`)
  );
  const source = new Rows(rows);
  const model = new BacktestsModel(source);
  await model.refresh();
  assert.equal(model.items.length, 50);
  assert.equal(model.total, 60);
  await model.more();
  assert.equal(model.items.length, 60);
  source.rows = rows.filter(item => item.id !== 'r59');
  await model.refresh();
  assert.equal(model.items.length, 59);
  assert.equal(model.find('r59'), undefined);
  assert.notEqual(model.find('r0'), undefined);
});

test('older runs that cannot be read leave the list as it is, and it says so', async () => {
  const source = new Rows(Array.from({ length: 60 }, (_, i) => run(`r${i}`, `2026-01-01T00:${String(i).padStart(2, '0')}`)));
  const model = new BacktestsModel(source);
  await model.refresh();
  source.broken = true;
  await model.more();
  assert.deepEqual([model.items.length, (model.moreError as Error).message, model.hasMore], [50, 'away', true]);
  source.broken = false;
  await model.more();
  assert.deepEqual([model.items.length, model.moreError, model.hasMore], [60, null, false]);
});

test('the filter finds by strategy, dataset and status; cancel shows at once', async () => {
  const model = new BacktestsModel(
    new Rows([run('a', '2026-01-01', 'RUNNING'), run('b', '2026-01-02')])
  );
  await model.refresh();
  model.filter = 'aapl running';
  assert.deepEqual(
    model.visible.map(item => item.id),
    ['a']
  );
  await model.cancel('a');
  assert.deepEqual(model.visible, []);
  assert.equal(model.find('a')!.status, 'CANCELLED');
});

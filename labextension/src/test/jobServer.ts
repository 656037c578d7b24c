import type { IJobQuery } from '../api/client.js';
import type { IJob, IJobEvent, IPage } from '../api/types.js';
import { isFinished } from '../jobs/state.js';

export function job(id: string, more: Partial<IJob> = {}): IJob {
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
export function event(of: IJob, more: Partial<IJobEvent>): IJobEvent {
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

export const RUNNING = { status: 'RUNNING', phase: 'running' };
export const DONE = { status: 'COMPLETED', phase: 'finished' };

/** A server of jobs: what the models ask of it is real, only the transport is missing. */
export class Server {
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
export class Later {
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
export function settled(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}

/** Hold back what a server has answered until the test lets it go. */
export function held<T>(answer: (...args: any[]) => Promise<T>): { ask: (...args: any[]) => Promise<T>; go: () => void } {
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

/**
 * This user's jobs that wait or run, kept current by events; and the end of each, told once.
 *
 * What cannot be known from an event is read from the server, at most once a second: jobs that were started
 * elsewhere, and places in the queue, which change with every job that leaves it.
 */

import { ISignal, Signal } from '@lumino/signaling';

import type { IJobQuery } from '../api/client.js';
import type { IJob, IJobEvent, IPage } from '../api/types.js';
import { byTurn, isActive, isFinished, stateOf, withEvent } from './state.js';

/** What the model needs of the server. */
export interface IJobSource {
  jobs(query: IJobQuery): Promise<IPage<IJob>>;
  job(id: string): Promise<IJob>;
  cancelJob(id: string): Promise<unknown>;
}

/** As many of each state as are kept; more are counted. */
const MOST = 200;
/** The list is read at most this often, in milliseconds. */
const READ_MS = 1_000;
/** As many ends are remembered, so that none is told twice. */
const REMEMBERED = 2_000;

export interface IActiveJobsOptions {
  source: IJobSource;
  /** Called where the server did not answer. */
  onFailure?: (error: unknown) => void;
  later?: (callback: () => void, milliseconds: number) => void;
}

export class ActiveJobs {
  constructor(options: IActiveJobsOptions) {
    this._source = options.source;
    this._onFailure = options.onFailure ?? (() => undefined);
    this._later = options.later ?? ((callback, ms) => void setTimeout(callback, ms));
  }

  /** Emits after anything that is shown changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Emits a job when it has come to its end, once. */
  get ended(): ISignal<this, IJob> {
    return this._ended;
  }

  /** Whether the jobs were read at least once. */
  get isReady(): boolean {
    return this._isReady;
  }

  /** What runs, then what waits in the order of the queue. */
  get items(): readonly IJob[] {
    return this._items;
  }

  get running(): number {
    return this._items.filter(job => stateOf(job) !== 'waiting').length + this._moreRunning;
  }

  get waiting(): number {
    return this._items.filter(job => stateOf(job) === 'waiting').length + this._moreWaiting;
  }

  find(id: string | null | undefined): IJob | undefined {
    return id ? this._items.find(job => job.id === id) : undefined;
  }

  /** The job that works on something. */
  findFor(resource: string): IJob | undefined {
    return this._items.find(job => job.resource_id === resource);
  }

  /** Take in an event of the server's stream. */
  apply(event: IJobEvent): void {
    const known = this.find(event.job_id);
    if (isFinished(event)) {
      if (known) {
        this._remove(known.id);
        this._changed.emit();
        this._tell(withEvent(known, event));
        this._places();
      } else {
        void this._readEnd(event.job_id);
      }
      return;
    }
    if (this._told.has(event.job_id) || !isActive(event)) {
      return;
    }
    if (!known) {
      this.readSoon();
      return;
    }
    this._heard.add(event.job_id);
    const next = withEvent(known, event);
    this._set(this._items.map(job => (job.id === next.id ? next : job)));
    if (stateOf(next) !== stateOf(known)) {
      this._places();
      if (stateOf(next) === 'running' && next.sandbox_level === null) {
        // Events do not carry it, and only now it is known.
        this.readSoon();
      }
    }
  }

  /** Read what waits and runs. Calls while that is under way are answered by one more reading. */
  async refresh(): Promise<void> {
    if (this._reading) {
      this._again = true;
      return this._reading;
    }
    this._reading = this._read();
    try {
      await this._reading;
    } finally {
      this._reading = null;
    }
  }

  /** Read them within a second, together with whatever else asks for it until then. */
  readSoon(): void {
    if (!this._isDue) {
      this._isDue = true;
      this._later(() => {
        this._isDue = false;
        void this.refresh();
      }, this._isReady ? Math.max(50, this._readAt + READ_MS - Date.now()) : 0);
    }
  }

  /** Stop a job; it shows as stopping at once. */
  async cancel(id: string): Promise<void> {
    const before = this.find(id);
    if (before) {
      this._heard.add(id);
      this._put({ ...before, phase: 'cancelling' });
    }
    try {
      await this._source.cancelJob(id);
    } catch (error) {
      // It may have come to its end meanwhile, or still be what it was.
      await this.refresh();
      if (this.find(id)) {
        throw error;
      }
    }
  }

  /** Stop all; tells what could not be stopped. */
  async cancelAll(): Promise<unknown[]> {
    // What waits first: else its turn comes while those before it end.
    const all = [...this._items].reverse();
    const outcomes = await Promise.allSettled(all.map(job => this.cancel(job.id)));
    return outcomes.flatMap(outcome => (outcome.status === 'rejected' ? [outcome.reason] : []));
  }

  private async _read(): Promise<void> {
    do {
      this._again = false;
      this._heard.clear();
      this._readAt = Date.now();
      try {
        const page = (status: string): Promise<IPage<IJob>> =>
          this._source.jobs({ status, limit: MOST });
        // First what waits: a job that is started meanwhile is then in both, not in neither.
        const waiting = await page('PENDING');
        const running = await page('RUNNING');
        await this._take(waiting, running);
      } catch (error) {
        this._onFailure(error);
        return;
      }
    } while (this._again);
  }

  private async _take(waiting: IPage<IJob>, running: IPage<IJob>): Promise<void> {
    const found = new Map<string, IJob>();
    for (const job of [...waiting.items, ...running.items]) {
      if (isActive(job) && !this._told.has(job.id)) {
        // What an event has told meanwhile is newer than what was on its way.
        const held = this._heard.has(job.id) ? this.find(job.id) : undefined;
        found.set(job.id, held ? { ...job, ...held, sandbox_level: job.sandbox_level ?? held.sandbox_level } : job);
      }
    }
    const more = (page: IPage<IJob>): number =>
      Math.max(0, (page._pagination?.total ?? 0) - page.items.length);
    this._moreWaiting = more(waiting);
    this._moreRunning = more(running);
    const whole = this._moreWaiting + this._moreRunning === 0;
    const gone = whole ? this._items.filter(job => !found.has(job.id)) : [];
    this._isReady = true;
    this._set([...found.values()]);
    await Promise.all(gone.map(job => this._readEnd(job.id)));
  }

  /** Read a job that has ended without our knowing more of it. */
  private async _readEnd(id: string): Promise<void> {
    if (this._told.has(id)) {
      return;
    }
    try {
      const job = await this._source.job(id);
      if (isFinished(job)) {
        this._tell(job);
      } else if (isActive(job) && !this._told.has(id) && !this.find(id)) {
        this._put(job);
      }
    } catch (error) {
      this._onFailure(error);
    }
  }

  private _tell(job: IJob): void {
    if (this._told.has(job.id)) {
      return;
    }
    this._told.add(job.id);
    if (this._told.size > REMEMBERED) {
      this._told.delete(this._told.values().next().value!);
    }
    this._remove(job.id);
    this._changed.emit();
    this._ended.emit(job);
  }

  /** Places in the queue have changed where something waits. */
  private _places(): void {
    if (this._items.some(job => stateOf(job) === 'waiting')) {
      this.readSoon();
    }
  }

  private _put(job: IJob): void {
    this._set([...this._items.filter(item => item.id !== job.id), job]);
  }

  private _remove(id: string): void {
    this._items = this._items.filter(job => job.id !== id);
  }

  private _set(items: readonly IJob[]): void {
    this._items = [...items].sort(byTurn);
    this._changed.emit();
  }

  private readonly _source: IJobSource;
  private readonly _onFailure: (error: unknown) => void;
  private readonly _later: (callback: () => void, milliseconds: number) => void;
  private _items: readonly IJob[] = [];
  private _moreWaiting = 0;
  private _moreRunning = 0;
  private _isReady = false;
  private _isDue = false;
  private _readAt = 0;
  private _again = false;
  private _reading: Promise<void> | null = null;
  private _told = new Set<string>();
  /** Jobs that something was heard of since they were asked for last. */
  private _heard = new Set<string>();
  private _changed = new Signal<this, void>(this);
  private _ended = new Signal<this, IJob>(this);
}

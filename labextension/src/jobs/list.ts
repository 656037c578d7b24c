/** The list of all jobs of this user: filtered by the server, a page at a time, kept current by events. */

import { ISignal, Signal } from '@lumino/signaling';

import type { IJob, IJobEvent, IPage } from '../api/types.js';
import type { IJobSource } from './active.js';
import { JobState, byAge, isFinished, stateOf, withEvent } from './state.js';

export const PAGE = 200;

/** The list is read anew at most this often, in milliseconds. */
const READ_MS = 1_000;

/** What is chosen of all jobs. */
export interface IJobFilter {
  /** A state of the server, or empty for all. */
  status: string;
  /** A kind, or empty for all. */
  kind: string;
  /** Part of the name, or an id. */
  words: string;
}

export const ALL: IJobFilter = { status: '', kind: '', words: '' };

export type SortKey =
  | 'state'
  | 'name'
  | 'kind'
  | 'started'
  | 'queue_seconds'
  | 'run_seconds'
  | 'cpu_seconds'
  | 'peak_memory_bytes'
  | 'bytes_written'
  | 'attempt'
  | 'sandbox_level';

export interface IJobSort {
  key: SortKey;
  descending: boolean;
}

/** The next order of a column: falling first, as the large and the late are looked for; then rising; then as it came. */
export function nextJobSort(current: IJobSort | null, key: SortKey): IJobSort | null {
  if (current?.key !== key) {
    return { key, descending: true };
  }
  return current.descending ? { key, descending: false } : null;
}

const STATES: readonly JobState[] = [
  'running',
  'starting',
  'stopping',
  'waiting',
  'created',
  'failed',
  'stopped',
  'finished'
];

function sortValue(job: IJob, key: SortKey): number | string | null {
  switch (key) {
    case 'state':
      return -STATES.indexOf(stateOf(job));
    case 'started':
      return job.started_at ?? job.created_at;
    default:
      return job[key];
  }
}

/** Jobs in an order; what has no value comes last either way, and equals stay newest first. */
export function sorted(jobs: readonly IJob[], sort: IJobSort | null): IJob[] {
  const rows = [...jobs].sort(byAge);
  if (sort === null) {
    return rows;
  }
  const sign = sort.descending ? -1 : 1;
  return rows.sort((left, right) => {
    const a = sortValue(left, sort.key);
    const b = sortValue(right, sort.key);
    if (a === null || b === null) {
      return Number(a === null) - Number(b === null);
    }
    return typeof a === 'number' && typeof b === 'number'
      ? sign * (a - b)
      : sign * String(a).localeCompare(String(b), 'en', { numeric: true });
  });
}

/** Where the list goes on after a page; `null` after the last. */
function cursorOf(page: IPage<IJob>): string | null {
  const query = page._pagination?.next?.split('?')[1];
  return query === undefined ? null : new URLSearchParams(query).get('cursor');
}

export class JobList {
  constructor(
    source: Pick<IJobSource, 'jobs'>,
    later?: (callback: () => void, milliseconds: number) => void
  ) {
    this._source = source;
    this._later = later ?? ((callback, ms) => void setTimeout(callback, ms));
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get state(): 'loading' | 'ready' | 'error' {
    return this._state;
  }

  get error(): unknown {
    return this._error;
  }

  /** Whether it is being read, first or again. */
  get isReading(): boolean {
    return this._isReading;
  }

  get items(): readonly IJob[] {
    return this._items;
  }

  /** How many there are on the server; `null` where it does not say. */
  get total(): number | null {
    return this._total;
  }

  get hasMore(): boolean {
    return this._next !== null;
  }

  get filter(): IJobFilter {
    return this._filter;
  }

  get isFiltered(): boolean {
    const { status, kind, words } = this._filter;
    return status !== '' || kind !== '' || words.trim() !== '';
  }

  get sort(): IJobSort | null {
    return this._sort;
  }

  set sort(sort: IJobSort | null) {
    this._sort = sort;
    this._changed.emit();
  }

  /** The rows in their order. */
  get rows(): IJob[] {
    return sorted(this._items, this._sort);
  }

  find(id: string | null): IJob | undefined {
    return this._items.find(job => job.id === id);
  }

  /** Choose others; what is shown stays until they have come. */
  async choose(change: Partial<IJobFilter>): Promise<void> {
    this._filter = { ...this._filter, ...change };
    await this.refresh();
  }

  async refresh(): Promise<void> {
    const turn = ++this._turn;
    this._isReading = true;
    this._readAt = Date.now();
    this._changed.emit();
    try {
      const page = await this._page(null);
      if (turn === this._turn) {
        const oldest = page.items.at(-1)?.created_at ?? '';
        const fetched = new Set(page.items.map(job => job.id));
        // Older pages stay, but not those of another choice.
        const kept =
          this._shown === this._filter && oldest !== ''
            ? this._items.filter(job => !fetched.has(job.id) && job.created_at < oldest)
            : [];
        this._items = [...page.items.map(job => this._newest(job)), ...kept];
        this._shown = this._filter;
        this._total = page._pagination?.total ?? null;
        if (kept.length === 0) {
          this._next = cursorOf(page);
        }
        this._state = 'ready';
        this._error = null;
      }
    } catch (error) {
      if (turn === this._turn) {
        this._error = error;
        this._state = this._state === 'ready' ? 'ready' : 'error';
      }
    }
    if (turn === this._turn) {
      this._isReading = false;
      this._changed.emit();
    }
  }

  /** Read older ones than those that are shown. */
  async more(): Promise<void> {
    const { _filter: filter, _next: next } = this;
    if (next === null) {
      return;
    }
    const page = await this._page(next);
    if (filter !== this._filter || next !== this._next) {
      return;
    }
    const known = new Set(this._items.map(job => job.id));
    this._items = [...this._items, ...page.items.filter(job => !known.has(job.id))];
    this._total = page._pagination?.total ?? null;
    this._next = cursorOf(page);
    this._changed.emit();
  }

  /** Take in an event of the server's stream. */
  apply(event: IJobEvent): void {
    const known = this.find(event.job_id);
    if (known && !isFinished(known)) {
      this._items = this._items.map(job => (job === known ? withEvent(job, event) : job));
      this._changed.emit();
    }
    // A new one, or one whose last figures only the record has.
    if (!known || (isFinished(event) && !isFinished(known))) {
      this.readSoon();
    }
  }

  /** Take what another reading of a job has found. */
  put(job: IJob): void {
    if (this.find(job.id)) {
      this._items = this._items.map(item => (item.id === job.id ? this._newest(job) : item));
      this._changed.emit();
    }
  }

  /** Of a job as it was read and as it is held, the newer: nothing leaves its end. */
  private _newest(read: IJob): IJob {
    const held = this.find(read.id);
    return held && isFinished(held) && !isFinished(read) ? held : read;
  }

  readSoon(): void {
    if (!this._isDue) {
      this._isDue = true;
      this._later(() => {
        this._isDue = false;
        void this.refresh();
      }, Math.max(100, this._readAt + READ_MS - Date.now()));
    }
  }

  private _page(cursor: string | null): Promise<IPage<IJob>> {
    const { status, kind, words } = this._filter;
    return this._source.jobs({
      status: status || undefined,
      kind: kind || undefined,
      q: words.trim() || undefined,
      limit: PAGE,
      cursor: cursor ?? undefined
    });
  }

  private readonly _source: Pick<IJobSource, 'jobs'>;
  private readonly _later: (callback: () => void, milliseconds: number) => void;
  private _items: readonly IJob[] = [];
  private _filter: IJobFilter = ALL;
  /** The choice that the items are of. */
  private _shown: IJobFilter = ALL;
  private _sort: IJobSort | null = null;
  private _state: 'loading' | 'ready' | 'error' = 'loading';
  private _error: unknown = null;
  private _isReading = false;
  private _isDue = false;
  private _readAt = 0;
  private _turn = 0;
  private _total: number | null = null;
  private _next: string | null = null;
  private _changed = new Signal<this, void>(this);
}

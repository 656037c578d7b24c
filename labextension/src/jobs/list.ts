/** The list of all jobs of this user: filtered by the server, a page at a time, kept current by events. */

import type { IJob, IJobEvent, IPage } from '../api/types.js';
import type { IJobSource } from './active.js';
import type { IPart } from '../lists/model.js';
import { NewestFirst, byAge } from '../lists/newestFirst.js';
import { JobState, isFinished, stateOf, withEvent } from './state.js';

const PAGE = 200;

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

export class JobList extends NewestFirst<IJob> {
  constructor(
    private readonly _source: Pick<IJobSource, 'jobs'>,
    private readonly _later: (callback: () => void, milliseconds: number) => void = (callback, ms) =>
      void setTimeout(callback, ms)
  ) {
    super();
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
    this.show(this.items);
  }

  /** The rows in their order. */
  get rows(): IJob[] {
    return sorted(this.items, this._sort);
  }

  /** Choose others; what is shown stays until they have come. */
  async choose(change: Partial<IJobFilter>): Promise<void> {
    this._filter = { ...this._filter, ...change };
    await this.restart();
  }

  /** Take in an event of the server's stream. */
  apply(event: IJobEvent): void {
    const known = this.find(event.job_id);
    if (known && !isFinished(known)) {
      this.put(withEvent(known, event));
    }
    // A new one, or one whose last figures only the record has.
    if (!known || (isFinished(event) && !isFinished(known))) {
      this.readSoon();
    }
  }

  /** Take what another reading of a job has found. */
  override put(job: IJob): void {
    if (this.find(job.id)) {
      super.put(job);
    }
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

  protected override asking(): void {
    super.asking();
    this._readAt = Date.now();
  }

  protected override async read(_offset: number, cursor: string | null): Promise<IPart<IJob>> {
    const { status, kind, words } = this._filter;
    const page = await this._source.jobs({
      status: status || undefined,
      kind: kind || undefined,
      q: words.trim() || undefined,
      limit: PAGE,
      cursor: cursor ?? undefined
    });
    return { items: page.items, total: page._pagination?.total ?? null, next: cursorOf(page) };
  }

  private _filter: IJobFilter = ALL;
  private _sort: IJobSort | null = null;
  private _isDue = false;
  private _readAt = 0;
}

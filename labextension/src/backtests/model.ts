/**
 * This user's runs, newest first, kept current by the server's events.
 *
 * The model has no DOM. The list is fetched; events change single rows; a finished run is
 * fetched once more for its figures. Events may come late or twice: each row keeps the
 * number of the last event that it has seen.
 */

import { IDisposable } from '@lumino/disposable';
import { ISignal, Signal } from '@lumino/signaling';

import type { IBacktest, IJobEvent, IPage } from '../api/types.js';
import { isFinished } from '../jobs/state.js';

/** What the model needs of the server. */
export interface IBacktestSource {
  backtests(limit: number, offset: number): Promise<IPage<IBacktest>>;
  backtest(id: string): Promise<IBacktest>;
  cancel(id: string): Promise<unknown>;
}

export type LoadState = 'loading' | 'ready' | 'error';

const PAGE = 50;

export class BacktestsModel implements IDisposable {
  constructor(source: IBacktestSource) {
    this._source = source;
  }

  /** Emits after anything that is shown changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  /** Emits a run when it has come to its end, once, with its figures. */
  get finished(): ISignal<this, IBacktest> {
    return this._finished;
  }

  /** Emits a run whose progress or status changed. */
  get progressed(): ISignal<this, IBacktest> {
    return this._progressed;
  }

  get state(): LoadState {
    return this._state;
  }

  get error(): unknown {
    return this._error;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  /** All runs that are known, newest first. */
  get items(): readonly IBacktest[] {
    return this._items;
  }

  /** How many runs there are on the server. */
  get total(): number {
    return Math.max(this._total, this._items.length);
  }

  get filter(): string {
    return this._filter;
  }

  set filter(text: string) {
    if (text !== this._filter) {
      this._filter = text;
      this._changed.emit();
    }
  }

  /** The runs that match the filter: every word occurs in strategy, dataset, name, method or status. */
  get visible(): IBacktest[] {
    const words = this._filter.toLowerCase().split(/\s+/).filter(Boolean);
    return this._items.filter(run => {
      const text = [
        run.strategy_name,
        run.dataset_name,
        run.name,
        run.methodology?.replaceAll('_', '-'),
        run.status,
        run.id
      ]
        .join(' ')
        .toLowerCase();
      return words.every(word => text.includes(word));
    });
  }

  find(id: string): IBacktest | undefined {
    return this._items.find(run => run.id === id);
  }

  dispose(): void {
    if (!this._isDisposed) {
      this._isDisposed = true;
      Signal.clearData(this);
    }
  }

  /** Fetch the newest runs; calls while one is under way are answered by one more fetch. */
  async refresh(): Promise<void> {
    if (this._fetching) {
      this._again = true;
      return this._fetching;
    }
    this._fetching = this._fetchAll();
    try {
      await this._fetching;
    } finally {
      this._fetching = null;
    }
  }

  /** Fetch older runs than those shown. */
  async more(): Promise<void> {
    const page = await this._source.backtests(PAGE, this._items.length);
    this._merge(page.items);
    this._total = page._pagination?.total ?? this._total;
    this._changed.emit();
  }

  async cancel(id: string): Promise<void> {
    await this._source.cancel(id);
    await this._reload(id);
  }

  /** Take in an event of the server's stream. */
  async apply(event: IJobEvent): Promise<void> {
    if (event.kind !== 'backtest' || this._isDisposed) {
      return;
    }
    const seen = this._seen.get(event.resource_id) ?? 0;
    if (event.event_id <= seen) {
      return;
    }
    this._seen.set(event.resource_id, event.event_id);
    const run = this.find(event.resource_id);
    if (!run || isFinished(event)) {
      await this._reload(event.resource_id);
      return;
    }
    if (isFinished(run)) {
      return;
    }
    this._put({
      ...run,
      status: event.status,
      phase: event.phase,
      progress: event.progress ?? run.progress,
      updated_at: event.updated_at
    });
  }

  /** Fetch one run anew. */
  private async _reload(id: string): Promise<void> {
    try {
      this._put(await this._source.backtest(id));
    } catch (error) {
      // The row is gone or the server is away; the list says which.
      console.warn(`Run ${id} could not be read.`, error);
      await this.refresh();
    }
  }

  private async _fetchAll(): Promise<void> {
    do {
      this._again = false;
      this._told.clear();
      try {
        const page = await this._source.backtests(PAGE, 0);
        this._error = null;
        this._state = 'ready';
        this._total = page._pagination?.total ?? page.items.length;
        const fetched = new Set(page.items.map(run => run.id));
        const oldest = page.items.at(-1)?.created_at ?? '';
        // Older pages that were asked for stay, and what was told of meanwhile; what else vanished is gone.
        const kept = this._items.filter(
          run =>
            !fetched.has(run.id) &&
            (this._told.has(run.id) || (oldest !== '' && run.created_at < oldest))
        );
        const newest = page.items.map(run =>
          this._told.has(run.id) && !isFinished(run) ? (this.find(run.id) ?? run) : run
        );
        this._replace([...newest, ...kept]);
      } catch (error) {
        this._error = error;
        if (this._state !== 'ready') {
          this._state = 'error';
        }
        this._changed.emit();
      }
    } while (this._again && !this._isDisposed);
  }

  private _replace(items: IBacktest[]): void {
    const before = new Map(this._items.map(run => [run.id, run]));
    const listed = new Set(items.map(run => run.id));
    this._items = this._items.filter(run => listed.has(run.id));
    this._merge(items);
    this._changed.emit();
    for (const run of this._items) {
      const old = before.get(run.id);
      if (old && !isFinished(old) && isFinished(run)) {
        this._finished.emit(run);
      }
    }
  }

  private _put(run: IBacktest): void {
    const old = this.find(run.id);
    this._told.add(run.id);
    if (!old) {
      this._total += 1;
    }
    this._merge([run]);
    this._changed.emit();
    this._progressed.emit(run);
    if (isFinished(run) && !(old && isFinished(old))) {
      this._finished.emit(run);
    }
  }

  private _merge(items: readonly IBacktest[]): void {
    const byId = new Map(this._items.map(run => [run.id, run]));
    for (const run of items) {
      const held = byId.get(run.id);
      // Nothing leaves its end: an answer that says otherwise was on its way while the end was told.
      if (!held || isFinished(run) || !isFinished(held)) {
        byId.set(run.id, run);
      }
    }
    this._items = [...byId.values()].sort(
      (a, b) =>
        b.created_at.localeCompare(a.created_at) || b.id.localeCompare(a.id)
    );
  }

  private _source: IBacktestSource;
  private _items: IBacktest[] = [];
  private _seen = new Map<string, number>();
  /** What was told of since the list was asked for last. */
  private _told = new Set<string>();
  private _state: LoadState = 'loading';
  private _error: unknown = null;
  private _total = 0;
  private _filter = '';
  private _fetching: Promise<void> | null = null;
  private _again = false;
  private _isDisposed = false;
  private _changed = new Signal<this, void>(this);
  private _finished = new Signal<this, IBacktest>(this);
  private _progressed = new Signal<this, IBacktest>(this);
}

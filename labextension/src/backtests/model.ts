/**
 * This user's runs, newest first, kept current by the server's events.
 *
 * The model has no DOM. The list is fetched; events change single rows; a finished run is
 * fetched once more for its figures. Events may come late or twice: each row keeps the
 * number of the last event that it has seen.
 */

import { ISignal, Signal } from '@lumino/signaling';

import type { IBacktest, IJobEvent, IPage } from '../api/types.js';
import { isFinished } from '../jobs/state.js';
import type { IPart } from '../lists/model.js';
import { partOf } from '../lists/model.js';
import { NewestFirst } from '../lists/newestFirst.js';

/** What the model needs of the server. */
export interface IBacktestSource {
  backtests(limit: number, offset: number): Promise<IPage<IBacktest>>;
  backtest(id: string): Promise<IBacktest>;
  cancel(id: string): Promise<unknown>;
}

const PAGE = 50;

export class BacktestsModel extends NewestFirst<IBacktest> {
  constructor(private readonly _source: IBacktestSource) {
    super();
  }

  /** Emits a run when it has come to its end, once, with its figures. */
  get finished(): ISignal<this, IBacktest> {
    return this._finished;
  }

  /** Emits a run whose progress or status changed. */
  get progressed(): ISignal<this, IBacktest> {
    return this._progressed;
  }

  get filter(): string {
    return this._filter;
  }

  set filter(text: string) {
    if (text !== this._filter) {
      this._filter = text;
      this.show(this.items);
    }
  }

  /** The runs that match the filter: every word occurs in strategy, dataset, name, method or status. */
  get visible(): IBacktest[] {
    const words = this._filter.toLowerCase().split(/\s+/).filter(Boolean);
    return this.items.filter(run => {
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

  async cancel(id: string): Promise<void> {
    await this._source.cancel(id);
    await this._reload(id);
  }

  /** Take in an event of the server's stream. */
  async apply(event: IJobEvent): Promise<void> {
    if (event.kind !== 'backtest' || this.isDisposed) {
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
    this._tell({
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
      this._tell(await this._source.backtest(id));
    } catch (error) {
      // The row is gone or the server is away; the list says which.
      console.warn(`Run ${id} could not be read.`, error);
      await this.refresh();
    }
  }

  protected override async read(offset: number): Promise<IPart<IBacktest>> {
    return partOf(await this._source.backtests(PAGE, offset));
  }

  /** An end that only the list tells is said as well. */
  protected override shown(before: readonly IBacktest[]): void {
    const ran = new Set(before.filter(run => !isFinished(run)).map(run => run.id));
    for (const run of this.items) {
      if (ran.has(run.id) && isFinished(run)) {
        this._finished.emit(run);
      }
    }
  }

  private _tell(run: IBacktest): void {
    const old = this.find(run.id);
    this.put(run);
    this._progressed.emit(run);
    if (isFinished(run) && !(old && isFinished(old))) {
      this._finished.emit(run);
    }
  }

  private _seen = new Map<string, number>();
  private _filter = '';
  private _finished = new Signal<this, IBacktest>(this);
  private _progressed = new Signal<this, IBacktest>(this);
}

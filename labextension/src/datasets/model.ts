/** The catalogue as the panel lists it: searched and filtered by the server, a page at a time. No DOM. */

import { ISignal, Signal } from '@lumino/signaling';

import type { IDataset, IDatasetQuery } from '../api/datasets.js';
import type { IPage } from '../api/types.js';

/** What the model needs of the server. */
export interface IDatasetSource {
  datasets(query: IDatasetQuery): Promise<IPage<IDataset>>;
}

/** What is chosen of all datasets; empty texts choose all. */
export interface IDatasetFilter {
  search: string;
  source: string;
  asset_class: string;
  timeframe: string;
  /** Those with rows on this day or later, and on that day or before: `2020-01-31`. */
  start: string;
  end: string;
}

export const ALL: IDatasetFilter = { search: '', source: '', asset_class: '', timeframe: '', start: '', end: '' };
export const PAGE = 50;

export class DatasetsModel {
  constructor(private readonly _source: IDatasetSource) {}

  /** Emits after anything that is shown changed. */
  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get state(): 'loading' | 'ready' | 'error' {
    return this._state;
  }

  /** Why the list could not be read; with state `ready` it is as it was before. */
  get error(): unknown {
    return this._error;
  }

  get items(): readonly IDataset[] {
    return this._items;
  }

  /** How many the server has of what is chosen. */
  get total(): number {
    return Math.max(this._total, this._items.length);
  }

  get filter(): Readonly<IDatasetFilter> {
    return this._filter;
  }

  get isFiltered(): boolean {
    return Object.values(this._filter).some(value => value !== '');
  }

  /** Asset classes and time frames that were seen, for the filters; sorted. */
  seen(field: 'asset_class' | 'timeframe'): string[] {
    return [...this._seen[field]].sort();
  }

  /** Choose others. */
  async choose(filter: Partial<IDatasetFilter>): Promise<void> {
    const next = { ...this._filter, ...filter };
    if ((Object.keys(next) as (keyof IDatasetFilter)[]).some(key => next[key] !== this._filter[key])) {
      this._filter = next;
      this._changed.emit();
      await this.refresh();
    }
  }

  /** Read the list anew, as far as it is shown. Of several answers the one to the last call counts. */
  refresh(): Promise<void> {
    return this._read(0, Math.min(200, Math.max(PAGE, this._items.length)));
  }

  /** Read on behind what is shown. */
  more(): Promise<void> {
    return this._read(this._items.length, PAGE);
  }

  private async _read(offset: number, limit: number): Promise<void> {
    const call = ++this._call;
    const chosen = Object.fromEntries(Object.entries(this._filter).filter(([, value]) => value.trim() !== ''));
    try {
      const page = await this._source.datasets({ ...chosen, limit, offset });
      if (call !== this._call) {
        return;
      }
      const known = offset === 0 ? [] : this._items;
      const ids = new Set(known.map(item => item.id));
      this._items = [...known, ...page.items.filter(item => !ids.has(item.id))];
      this._total = page._pagination?.total ?? this._items.length;
      this._error = null;
      this._state = 'ready';
      for (const item of page.items) {
        this._seen.asset_class.add(item.asset_class);
        this._seen.timeframe.add(item.timeframe);
      }
    } catch (error) {
      if (call !== this._call) {
        return;
      }
      this._error = error;
      this._state = this._state === 'ready' ? 'ready' : 'error';
    }
    this._changed.emit();
  }

  private _items: readonly IDataset[] = [];
  private _total = 0;
  private _filter: IDatasetFilter = ALL;
  private _state: 'loading' | 'ready' | 'error' = 'loading';
  private _error: unknown = null;
  private _call = 0;
  private _seen = { asset_class: new Set<string>(), timeframe: new Set<string>() };
  private _changed = new Signal<this, void>(this);
}

/** The catalogue as the panel lists it: searched and filtered by the server, a page at a time. No DOM. */

import type { IDataset, IDatasetQuery } from '../api/datasets.js';
import type { IPage } from '../api/types.js';
import type { IPart } from '../lists/model.js';
import { ListModel, partFrom } from '../lists/model.js';

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
const PAGE = 50;

export class DatasetsModel extends ListModel<IDataset> {
  constructor(private readonly _source: IDatasetSource) {
    super();
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
      await this.restart();
    }
  }

  /** From the beginning it is read as far as it is shown. */
  protected override read(offset: number): Promise<IPart<IDataset>> {
    const chosen = Object.fromEntries(Object.entries(this._filter).filter(([, value]) => value.trim() !== ''));
    return partFrom(
      (limit, from) => this._source.datasets({ ...chosen, limit, offset: from }),
      offset,
      offset === 0 ? Math.max(PAGE, this.items.length) : PAGE
    );
  }

  protected override took(part: IPart<IDataset>): void {
    for (const item of part.items) {
      this._seen.asset_class.add(item.asset_class);
      this._seen.timeframe.add(item.timeframe);
    }
  }

  private _filter: IDatasetFilter = ALL;
  private _seen = { asset_class: new Set<string>(), timeframe: new Set<string>() };
}

/** This user's connectors as the panel lists them. No DOM. */

import { ISignal, Signal } from '@lumino/signaling';

import type { IConnector, IConnectorRun } from '../api/connectors.js';
import type { IJob, IPage } from '../api/types.js';

/** What the model needs of the server. */
export interface IConnectorSource {
  connectors(): Promise<IPage<IConnector>>;
  connectorRuns(id: string, limit: number): Promise<IPage<IConnectorRun>>;
}

/** Kinds of jobs that a run is made of. */
export const RUN_KINDS: readonly string[] = ['fetch', 'inspect', 'ingest'];

export class ConnectorsModel {
  constructor(private readonly _source: IConnectorSource) {}

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

  get items(): readonly IConnector[] {
    return this._items;
  }

  find(id: string): IConnector | undefined {
    return this._items.find(item => item.id === id);
  }

  /** How many want something of their owner. */
  get failing(): number {
    return this._items.filter(item => item.last_error !== null && item.running === null).length;
  }

  /** The last run of one that runs, or asks how its file is read. */
  lastRun(id: string): IConnectorRun | undefined {
    return this._runs.get(id);
  }

  /** Files of the runs that are known. */
  get uploads(): string[] {
    return [...this._runs.values()].flatMap(run => run.upload_id ?? []);
  }

  /** Whose file an upload is. */
  ofUpload(upload: string | null): IConnector | undefined {
    const found = [...this._runs].find(([, run]) => upload !== null && run.upload_id === upload);
    return found && this.find(found[0]);
  }

  /** Read the list anew; of several answers the one to the last call counts. */
  async refresh(): Promise<void> {
    const call = ++this._call;
    try {
      const { items } = await this._source.connectors();
      const open = items.filter(item => item.running !== null || item.last_error?.code === 'NEEDS_MAPPING');
      const runs = await Promise.all(open.map(item => this._source.connectorRuns(item.id, 1)));
      if (call !== this._call) {
        return;
      }
      this._items = items;
      this._runs = new Map(runs.flatMap((page, i) => page.items.slice(0, 1).map(run => [open[i]!.id, run] as const)));
      this._error = null;
      this._state = 'ready';
    } catch (error) {
      if (call !== this._call) {
        return;
      }
      this._error = error;
      this._state = this._state === 'ready' ? 'ready' : 'error';
    }
    this._changed.emit();
  }

  /** Read it anew where jobs that runs are made of have begun, whoever began them. */
  follow(jobs: readonly Pick<IJob, 'id' | 'kind'>[]): void {
    const own = jobs.filter(job => RUN_KINDS.includes(job.kind)).map(job => job.id);
    const isNew = own.some(id => !this._seen.has(id));
    this._seen = new Set(own);
    if (isNew && this._state === 'ready') {
      void this.refresh();
    }
  }

  private _items: readonly IConnector[] = [];
  private _runs: ReadonlyMap<string, IConnectorRun> = new Map();
  private _state: 'loading' | 'ready' | 'error' = 'loading';
  private _error: unknown = null;
  private _call = 0;
  private _seen: ReadonlySet<string> = new Set();
  private _changed = new Signal<this, void>(this);
}

/** This user's connectors as the panel lists them. No DOM. */

import type { IConnector, IConnectorRun } from '../api/connectors.js';
import type { IJob, IPage } from '../api/types.js';
import type { IPart } from '../lists/model.js';
import { ListModel, partOf } from '../lists/model.js';

/** What the model needs of the server. */
export interface IConnectorSource {
  connectors(): Promise<IPage<IConnector>>;
  connectorRuns(id: string, limit: number): Promise<IPage<IConnectorRun>>;
}

/** Kinds of jobs that a run is made of. */
export const RUN_KINDS: readonly string[] = ['fetch', 'inspect', 'ingest'];

/** Connectors with the last runs of those that run or ask, by their ids. */
interface IConnectors extends IPart<IConnector> {
  runs: ReadonlyMap<string, IConnectorRun>;
}

export class ConnectorsModel extends ListModel<IConnector, IConnectors> {
  constructor(private readonly _source: IConnectorSource) {
    super();
  }

  /** How many want something of their owner. */
  get failing(): number {
    return this.items.filter(item => item.last_error !== null && item.running === null).length;
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

  /** Read it anew where jobs that runs are made of have begun, whoever began them. */
  follow(jobs: readonly Pick<IJob, 'id' | 'kind'>[]): void {
    const own = jobs.filter(job => RUN_KINDS.includes(job.kind)).map(job => job.id);
    const isNew = own.some(id => !this._seen.has(id));
    this._seen = new Set(own);
    if (isNew && this.state === 'ready') {
      void this.refresh();
    }
  }

  protected override async read(): Promise<IConnectors> {
    const page = await this._source.connectors();
    const open = page.items.filter(item => item.running !== null || item.last_error?.code === 'NEEDS_MAPPING');
    const runs = await Promise.all(open.map(item => this._source.connectorRuns(item.id, 1)));
    return {
      ...partOf(page),
      // They are few, and read at once.
      next: null,
      runs: new Map(runs.flatMap((own, i) => own.items.slice(0, 1).map(run => [open[i]!.id, run] as const)))
    };
  }

  protected override took(part: IConnectors): void {
    this._runs = part.runs;
  }

  private _runs: ReadonlyMap<string, IConnectorRun> = new Map();
  private _seen: ReadonlySet<string> = new Set();
}

/** One strategy's checks with the history of their runs, kept current by the server's events; no DOM. */

import { ISignal, Signal } from '@lumino/signaling';

import type {
  ICheckRun,
  IChecks,
  IChecksUpdate,
  IJobEvent,
  IPage
} from '../api/types.js';
import type { LoadState } from '../backtests/model.js';
import { isFinished } from '../jobs/state.js';

/** What the models need of the server. */
export interface IChecksSource {
  checks(strategy: string): Promise<IChecks>;
  setChecks(strategy: string, body: IChecksUpdate): Promise<IChecks>;
  runChecks(strategy: string): Promise<{ run_id: string }>;
  cancelChecks(strategy: string, run: string): Promise<unknown>;
  checkRuns(strategy: string, limit: number, offset: number): Promise<IPage<ICheckRun>>;
}

const PAGE = 25;

export class ChecksModel {
  constructor(
    source: IChecksSource,
    readonly strategy: string
  ) {
    this._source = source;
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get state(): LoadState {
    return this._state;
  }

  get error(): unknown {
    return this._error;
  }

  get checks(): IChecks | null {
    return this._checks;
  }

  /** Newest first. */
  get runs(): readonly ICheckRun[] {
    return this._runs;
  }

  get total(): number {
    return this._total;
  }

  /** Read them; calls while that is under way are answered by one more reading, so that the last answer is the newest. */
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

  async more(): Promise<void> {
    const page = await this._source.checkRuns(this.strategy, PAGE, this._runs.length);
    const known = new Set(this._runs.map(run => run.id));
    this._runs = [...this._runs, ...page.items.filter(run => !known.has(run.id))];
    this._changed.emit();
  }

  async save(body: IChecksUpdate): Promise<void> {
    this._checks = await this._source.setChecks(this.strategy, body);
    // What is being read may be from before.
    this._saves += 1;
    this._changed.emit();
  }

  /** Run them now; gives the id of the run. */
  async run(): Promise<string> {
    const { run_id: run } = await this._source.runChecks(this.strategy);
    await this.refresh();
    return run;
  }

  /** Stop what waits or runs. */
  async cancel(): Promise<void> {
    const active = this._runs.filter(run => !isFinished(run));
    await Promise.all(active.map(run => this._source.cancelChecks(this.strategy, run.id)));
    await this.refresh();
  }

  /** Take in an event of the server's stream; a run that is not known yet may be one of these. */
  async apply(event: IJobEvent): Promise<void> {
    const known = this._runs.find(run => run.id === event.resource_id);
    if (
      event.kind === 'check' &&
      !(known && isFinished(known)) &&
      known?.status !== event.status
    ) {
      await this.refresh();
    }
  }

  private async _read(): Promise<void> {
    do {
      this._again = false;
      const saves = this._saves;
      const limit = Math.max(PAGE, this._runs.length);
      try {
        const [checks, page] = await Promise.all([
          this._source.checks(this.strategy),
          this._source.checkRuns(this.strategy, limit, 0)
        ]);
        if (saves !== this._saves || limit < this._runs.length) {
          // Saved, or asked for older runs, meanwhile.
          this._again = true;
          continue;
        }
        this._checks = checks;
        this._runs = page.items;
        this._total = page._pagination?.total ?? page.items.length;
        this._state = 'ready';
        this._error = null;
      } catch (error) {
        this._error = error;
        if (this._state !== 'ready') {
          this._state = 'error';
        }
      }
      this._changed.emit();
    } while (this._again);
  }

  private _source: IChecksSource;
  private _reading: Promise<void> | null = null;
  private _again = false;
  private _saves = 0;
  private _state: LoadState = 'loading';
  private _error: unknown = null;
  private _checks: IChecks | null = null;
  private _runs: readonly ICheckRun[] = [];
  private _total = 0;
  private _changed = new Signal<this, void>(this);
}

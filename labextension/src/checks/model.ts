/** One strategy's checks with the history of their runs, kept current by the server's events; no DOM. */

import type {
  ICheckRun,
  IChecks,
  IChecksUpdate,
  IJobEvent,
  IPage
} from '../api/types.js';
import { isFinished } from '../jobs/state.js';
import type { IPart } from '../lists/model.js';
import { ListModel, partFrom } from '../lists/model.js';

/** What the models need of the server. */
export interface IChecksSource {
  checks(strategy: string): Promise<IChecks>;
  setChecks(strategy: string, body: IChecksUpdate): Promise<IChecks>;
  runChecks(strategy: string): Promise<{ run_id: string }>;
  cancelChecks(strategy: string, run: string): Promise<unknown>;
  checkRuns(strategy: string, limit: number, offset: number): Promise<IPage<ICheckRun>>;
}

const PAGE = 25;

/** Runs, the newest first, with the checks as they are set. */
interface IRuns extends IPart<ICheckRun> {
  /** `null` with older runs, which do not say. */
  checks: IChecks | null;
}

export class ChecksModel extends ListModel<ICheckRun, IRuns> {
  constructor(
    private readonly _source: IChecksSource,
    readonly strategy: string
  ) {
    super();
  }

  get checks(): IChecks | null {
    return this._checks;
  }

  async save(body: IChecksUpdate): Promise<void> {
    this._checks = await this._source.setChecks(this.strategy, body);
    if (this.isReading) {
      // What is being read may be from before.
      void this.restart();
    } else {
      this.show(this.items);
    }
  }

  /** Run them now; gives the id of the run. */
  async run(): Promise<string> {
    const { run_id: run } = await this._source.runChecks(this.strategy);
    await this.refresh();
    return run;
  }

  /** Stop what waits or runs. */
  async cancel(): Promise<void> {
    const active = this.items.filter(run => !isFinished(run));
    await Promise.all(active.map(run => this._source.cancelChecks(this.strategy, run.id)));
    await this.refresh();
  }

  /** Take in an event of the server's stream; a run that is not known yet may be one of these. */
  async apply(event: IJobEvent): Promise<void> {
    const known = this.items.find(run => run.id === event.resource_id);
    if (
      event.kind === 'check' &&
      !(known && isFinished(known)) &&
      known?.status !== event.status
    ) {
      await this.refresh();
    }
  }

  /** From the beginning it is read as far as it is shown. */
  protected override async read(offset: number): Promise<IRuns> {
    const wanted = offset === 0 ? Math.max(PAGE, this.items.length) : PAGE;
    const [checks, part] = await Promise.all([
      offset === 0 ? this._source.checks(this.strategy) : null,
      partFrom((limit, from) => this._source.checkRuns(this.strategy, limit, from), offset, wanted)
    ]);
    return { ...part, checks };
  }

  protected override took({ checks }: IRuns): void {
    this._checks = checks ?? this._checks;
  }

  private _checks: IChecks | null = null;
}

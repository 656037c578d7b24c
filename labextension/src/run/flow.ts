/** From a document to a running backtest: save, look into it, choose, store, run, follow. */

import { Notification } from '@jupyterlab/apputils';
import type { DocumentRegistry, IDocumentWidget } from '@jupyterlab/docregistry';
import { UUID } from '@lumino/coreutils';
import type { Widget } from '@lumino/widgets';

import type { IExecuteBody } from '../api/client.js';
import { ApiError, describe } from '../api/problem.js';
import type { IBacktest, IDiagnostic, IExecution, IInspection } from '../api/types.js';
import { fractionOf, isFinished } from '../jobs/state.js';
import { formatValue } from '../result/format.js';
import type { IAlphintra, IBacktests, IJobs } from '../tokens.js';
import { askForRun, showDiagnostics } from './dialogs.js';
import type { IOption } from './field.js';
import { IChoice, IFields, datasetOptions, initialFields } from './form.js';
import { methodologyLabel } from './methodology.js';
import { goTo } from './source.js';

type Document = IDocumentWidget<Widget, DocumentRegistry.IModel>;

export class RunFlow {
  constructor(alphintra: IAlphintra, backtests: IBacktests, jobs: IJobs) {
    this._alphintra = alphintra;
    this._backtests = backtests;
    this._jobs = jobs;
    backtests.model.progressed.connect((_, run) => this._follow(run));
    backtests.model.finished.connect((_, run) => this._finish(run));
  }

  /** Run the strategy of a document; `again` takes the choices of its last run. */
  async run(widget: Document, again: boolean): Promise<void> {
    const { client } = this._alphintra;
    const context = widget.context;
    const path = context.path;
    if (this._busy.has(path)) {
      return;
    }
    this._busy.add(path);
    try {
      if (context.model.dirty) {
        await context.save();
      }
      const inspection = await client.inspect(path);
      if (inspection.classes.length === 0) {
        await this._explain(widget, inspection);
        return;
      }
      const last = this._last.get(path);
      const known = inspection.classes.some(item => item.name === last?.choice.className);
      if (again && last && known) {
        await this._send(path, last.choice, last.fields);
      } else {
        await this._ask(path, inspection);
      }
    } catch (error) {
      await this._fail(widget, error);
    } finally {
      this._busy.delete(path);
    }
  }

  private async _ask(path: string, inspection: IInspection): Promise<void> {
    const { client, settings, trans } = this._alphintra;
    const { classes } = inspection;
    let datasets: IOption[] = [];
    try {
      datasets = datasetOptions((await client.datasets()).items, trans);
    } catch (error) {
      // The names are only suggestions; the run itself says if the dataset is unknown.
      console.warn('Alphintra could not list the datasets.', error);
    }
    const fields = initialFields(classes, settings, this._last.get(path)?.fields ?? null);
    await askForRun({ classes, datasets, fields, trans }, (choice, given) =>
      this._send(path, choice, given)
    );
  }

  /** Store the code, run it, and follow the run. */
  private async _send(path: string, choice: IChoice, fields: IFields): Promise<void> {
    const { client } = this._alphintra;
    const { announcer } = this._jobs;
    const strategy = await client.fromFile(path, choice.className);
    // This run's own notification tells its end.
    const release = announcer.hold();
    const body: IExecuteBody = {
      dataset_id: choice.dataset,
      start_date: choice.start,
      end_date: choice.end,
      benchmark: choice.benchmark,
      reference: choice.reference,
      parameters: choice.parameters,
      initial_capital: choice.cash,
      commission: choice.commission,
      slippage: choice.slippage,
      profile: choice.profile,
      methodology: choice.methodology,
      method: choice.method
    };
    let accepted: IExecution;
    try {
      accepted = await client.execute(strategy.id, body, this._keyFor(strategy.id, body));
      announcer.leave(accepted.backtest_id);
      this._unanswered = null;
    } catch (error) {
      if (!(error instanceof ApiError && error.unreachable)) {
        this._unanswered = null;
      }
      throw error;
    } finally {
      release();
    }
    this._last.set(path, { choice, fields });
    this._notify(accepted.backtest_id, choice);
    this._backtests.reveal();
    await this._backtests.model.refresh();
  }

  /** A key for the request; the same one again if the last was this and had no answer: it may have arrived. */
  private _keyFor(strategy: string, body: IExecuteBody): string {
    const request = JSON.stringify([strategy, body]);
    if (this._unanswered?.request !== request) {
      this._unanswered = { request, key: UUID.uuid4() };
    }
    return this._unanswered.key;
  }

  private async _explain(
    widget: Document,
    inspection: IInspection
  ): Promise<void> {
    const { trans } = this._alphintra;
    const errors = inspection.diagnostics.filter(
      item => item.severity === 'error'
    );
    if (errors.length > 0) {
      await this._show(widget, errors);
      return;
    }
    Notification.warning(
      trans.__(
        'There is no strategy in %1. Define a class that derives from al.Strategy; the snippet Strategy is a start.',
        inspection.path
      ),
      { autoClose: 8000 }
    );
  }

  private async _show(
    widget: Document,
    diagnostics: readonly IDiagnostic[]
  ): Promise<void> {
    const { trans } = this._alphintra;
    const chosen = await showDiagnostics(
      trans.__('The strategy cannot run yet'),
      trans.__('In %1:', widget.context.path),
      diagnostics,
      trans
    );
    if (chosen) {
      await goTo(widget, { cell: chosen.cell ?? null, line: chosen.line });
    }
  }

  private async _fail(widget: Document, error: unknown): Promise<void> {
    const { trans } = this._alphintra;
    const diagnostics =
      error instanceof ApiError ? (error.problem.diagnostics ?? []) : [];
    if (diagnostics.length > 0) {
      await this._show(widget, diagnostics);
      return;
    }
    const { text, details } = describe(error);
    Notification.error(
      [trans.__('The backtest did not start. %1', text), ...details.slice(0, 3)].join('\n'),
      { autoClose: false }
    );
  }

  private _notify(id: string, choice: IChoice): void {
    const { trans } = this._alphintra;
    const notification = Notification.emit(
      trans.__(
        '%1 of %2 on %3',
        methodologyLabel(choice.methodology, trans),
        choice.className,
        choice.dataset
      ),
      'in-progress',
      {
        autoClose: false,
        progress: 0,
        actions: [
          {
            label: trans.__('Stop'),
            callback: () => {
              this._backtests.model.cancel(id).catch((reason: unknown) => {
                Notification.error(describe(reason).text);
              });
            }
          }
        ]
      }
    );
    this._mine.set(id, notification);
    // A fast run may have ended before its answer came back.
    const run = this._backtests.model.find(id);
    if (run && isFinished(run)) {
      this._finish(run);
    }
  }

  private _follow(run: IBacktest): void {
    const notification = this._mine.get(run.id);
    const fraction = fractionOf(run.progress);
    if (notification && fraction !== null && !isFinished(run)) {
      Notification.update({ id: notification, progress: fraction });
    }
  }

  private _finish(run: IBacktest): void {
    const notification = this._mine.get(run.id);
    if (!notification) {
      return;
    }
    this._mine.delete(run.id);
    const { trans } = this._alphintra;
    const method = run.methodology ?? 'STANDARD';
    const strategy = run.strategy_name ?? trans.__('Backtest');
    const name =
      method === 'STANDARD'
        ? strategy
        : trans.__('%1 of %2', methodologyLabel(method, trans), strategy);
    const open = {
      label: trans.__('Open'),
      callback: () => this._backtests.open(run.id)
    };
    const status = run.status.toUpperCase();
    if (status === 'COMPLETED') {
      Notification.update({
        id: notification,
        type: 'success',
        message: trans.__(
          '%1 finished: total return %2',
          name,
          formatValue(run.metrics?.total_return, 'percent', { signed: true })
        ),
        autoClose: 8000,
        progress: 1,
        actions: [open]
      });
    } else if (status === 'FAILED') {
      Notification.update({
        id: notification,
        type: 'error',
        message: trans.__('%1 failed: %2', name, run.error?.message ?? ''),
        autoClose: false,
        actions: [open]
      });
    } else {
      Notification.update({
        id: notification,
        type: 'info',
        message: trans.__('%1 was stopped', name),
        autoClose: 4000,
        actions: []
      });
    }
  }

  private _alphintra: IAlphintra;
  private _backtests: IBacktests;
  private _jobs: IJobs;
  private _unanswered: { request: string; key: string } | null = null;
  private _busy = new Set<string>();
  private _last = new Map<string, { choice: IChoice; fields: IFields }>();
  private _mine = new Map<string, string>();
}

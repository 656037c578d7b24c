/** The dialogs of a backtest from the toolbar. */

import { Dialog, Notification, ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import { ApiError, describe } from '../api/problem.js';
import type { IDiagnostic, IStrategyClass } from '../api/types.js';
import type { IComplaint } from './complaints.js';
import type { IOption } from './field.js';
import {
  IChoice,
  IFields,
  readFields,
  serverComplaints,
  stillWrong
} from './form.js';
import { RunForm } from './runForm.js';

interface IOptions {
  classes: readonly IStrategyClass[];
  datasets: readonly IOption[];
  fields: IFields;
  trans: TranslationBundle;
}

/** The form with what it holds now and what is wrong with it. */
class RunFormWidget extends ReactWidget implements Dialog.IBodyWidget<IFields> {
  constructor(options: IOptions) {
    super();
    this._options = options;
    this._fields = options.fields;
    this.addClass('alphintra-RunDialog-body');
  }

  getValue(): IFields {
    return this._fields;
  }

  /** The checked choice, or `null` and the complaints are shown. */
  read(): IChoice | null {
    const { choice, complaints } = readFields(this._fields, this._options.classes);
    this._show(complaints, null);
    return complaints.length === 0 ? choice : null;
  }

  /** Show what the server refused. */
  refuse(error: unknown): void {
    const errors = error instanceof ApiError ? (error.problem.errors ?? []) : [];
    const { complaints, others } = serverComplaints(errors, this._fields);
    const said = complaints.length > 0 ? others : [describe(error).text, ...others];
    this._show(complaints, said.length > 0 ? said.join(' ') : null);
  }

  set busy(busy: boolean) {
    this._busy = busy;
    this.update();
  }

  protected override render(): JSX.Element {
    return (
      <RunForm
        {...this._options}
        fields={this._fields}
        complaints={this._complaints}
        problem={this._problem}
        attempt={this._attempt}
        busy={this._busy}
        onChange={fields => {
          // A field that has been put right is no longer complained of; new complaints wait for the button.
          this._complaints = stillWrong(
            this._complaints,
            this._fields,
            fields,
            this._options.classes
          );
          this._problem = null;
          this._fields = fields;
          this.update();
        }}
      />
    );
  }

  private _show(complaints: IComplaint[], problem: string | null): void {
    this._complaints = complaints;
    this._problem = problem;
    this._attempt += 1;
    this.update();
  }

  private _options: IOptions;
  private _fields: IFields;
  private _complaints: IComplaint[] = [];
  private _problem: string | null = null;
  private _attempt = 0;
  private _busy = false;
}

/** A dialog that stays until its run was accepted, or the trader leaves. */
class RunDialog extends Dialog<IFields> {
  constructor(
    options: IOptions,
    send: (choice: IChoice, fields: IFields) => Promise<void>
  ) {
    const { classes, trans } = options;
    const form = new RunFormWidget(options);
    super({
      title:
        classes.length === 1
          ? trans.__('Backtest %1', classes[0]!.name)
          : trans.__('Backtest'),
      body: form,
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        Dialog.okButton({ label: trans.__('Run backtest') })
      ]
    });
    this._form = form;
    this._send = send;
    this.addClass('alphintra-RunDialog');
  }

  override resolve(index?: number): void {
    if (index === CANCEL) {
      super.resolve(index);
    } else if (!this._sending) {
      void this._accept();
    }
  }

  private async _accept(): Promise<void> {
    const choice = this._form.read();
    if (choice === null) {
      return;
    }
    this._sending = true;
    this._form.busy = true;
    try {
      await this._send(choice, this._form.getValue());
      super.resolve(ACCEPT);
    } catch (error) {
      const findings = error instanceof ApiError ? (error.problem.diagnostics ?? []) : [];
      if (this.isDisposed) {
        // The trader has left; that nothing runs is still worth a word.
        Notification.error(describe(error).text);
      } else if (findings.length > 0) {
        this._failure = error;
        super.resolve(ACCEPT);
      } else {
        this._form.refuse(error);
      }
    } finally {
      this._sending = false;
      if (!this._form.isDisposed) {
        this._form.busy = false;
      }
    }
  }

  /** What keeps the code itself from running: nothing that a field of the dialog could mend. */
  get failure(): unknown {
    return this._failure;
  }

  private _form: RunFormWidget;
  private _send: (choice: IChoice, fields: IFields) => Promise<void>;
  private _sending = false;
  private _failure: unknown = null;
}

/** The places of the dialog's buttons. */
const CANCEL = 0;
const ACCEPT = 1;

/**
 * Ask for strategy, data, costs and method, and send the run; what the server refuses is shown at its field.
 *
 * Throws what `send` threw where no field can mend it: findings in the code.
 */
export async function askForRun(
  options: IOptions,
  send: (choice: IChoice, fields: IFields) => Promise<void>
): Promise<void> {
  const dialog = new RunDialog(options, send);
  await dialog.launch();
  if (dialog.failure !== null) {
    throw dialog.failure;
  }
}

/** Where a finding is, in words. */
export function placeText(item: IDiagnostic, trans: TranslationBundle): string {
  const cell = item.cell ?? null;
  if (item.line === null) {
    return cell === null ? '' : trans.__('cell %1', cell);
  }
  return cell === null
    ? trans.__('line %1', item.line)
    : trans.__('cell %1, line %2', cell, item.line);
}

/** Show what keeps the code from running; resolves with a finding to go to, or `null`. */
export async function showDiagnostics(
  title: string,
  intro: string,
  diagnostics: readonly IDiagnostic[],
  trans: TranslationBundle
): Promise<IDiagnostic | null> {
  let chosen: IDiagnostic | null = null;
  const body = ReactWidget.create(
    <div className="alphintra-Diagnostics">
      <p>{intro}</p>
      <ul>
        {diagnostics.map((item, i) => (
          <li key={i}>
            <button
              type="button"
              className="alphintra-Diagnostic"
              title={trans.__('Go to this line')}
              onClick={() => {
                chosen = item;
                dialog.resolve(0);
              }}
            >
              <b>{placeText(item, trans)}</b>
              <span>{item.message}</span>
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
  const dialog: Dialog<unknown> = new Dialog({
    title,
    body,
    buttons: [Dialog.okButton({ label: trans.__('Close') })]
  });
  await dialog.launch();
  return chosen;
}

/** The dialogs of a backtest from the toolbar. */

import { Dialog, ReactWidget } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IDiagnostic, IStrategyClass } from '../api/types.js';
import {
  IChoice,
  IComplaint,
  IFields,
  parameterFields,
  readFields
} from './form.js';

interface IFormProps {
  classes: readonly IStrategyClass[];
  datasets: readonly string[];
  fields: IFields;
  trans: TranslationBundle;
  onChange: (fields: IFields) => void;
  complaints: IComplaint[];
}

function complaintText(item: IComplaint, trans: TranslationBundle): string {
  switch (item.kind) {
    case 'missing':
      return trans.__('Name a dataset.');
    case 'number':
      return trans.__('This is not a number.');
    case 'positive':
      return trans.__('This must be a number above 0.');
    case 'fraction':
      return trans.__('This must be a fraction from 0 to below 1: 0.001 is 0.1 %.');
    case 'low':
      return trans.__('At least %1.', String(item.limit));
    case 'high':
      return trans.__('At most %1.', String(item.limit));
  }
}

function Field(props: {
  name: string;
  label: string;
  hint?: string | null;
  complaint: string | null;
  children: (id: string, describedBy: string) => React.ReactNode;
}): JSX.Element {
  const id = React.useId();
  return (
    <div className="alphintra-Field" data-field={props.name}>
      <label htmlFor={id}>{props.label}</label>
      {props.children(id, `${id}-hint`)}
      <span
        id={`${id}-hint`}
        className={props.complaint ? 'alphintra-Field-complaint' : 'alphintra-muted'}
      >
        {props.complaint ?? props.hint ?? ''}
      </span>
    </div>
  );
}

function RunForm(props: IFormProps): JSX.Element {
  const { classes, trans, onChange } = props;
  const [fields, setFields] = React.useState(props.fields);
  const listId = React.useId();
  const strategy = classes.find(item => item.name === fields.className);
  const change = (next: Partial<IFields>): void => {
    const merged = { ...fields, ...next };
    setFields(merged);
    onChange(merged);
  };
  const complaint = (field: string): string | null => {
    const found = props.complaints.find(item => item.field === field);
    return found ? complaintText(found, trans) : null;
  };
  const input = (
    name: 'cash' | 'commission' | 'slippage',
    label: string,
    hint: string
  ): JSX.Element => (
    <Field name={name} label={label} hint={hint} complaint={complaint(name)}>
      {(id, hintId) => (
        <input
          id={id}
          className="jp-mod-styled"
          inputMode="decimal"
          aria-describedby={hintId}
          aria-invalid={complaint(name) !== null}
          value={fields[name]}
          onChange={event => change({ [name]: event.target.value })}
        />
      )}
    </Field>
  );
  return (
    <div className="alphintra-Form">
      {classes.length > 1 ? (
        <Field
          name="class"
          label={trans.__('Strategy')}
          hint={strategy?.doc?.split('\n')[0] ?? null}
          complaint={null}
        >
          {(id, hintId) => (
            <select
              id={id}
              className="jp-mod-styled"
              aria-describedby={hintId}
              value={fields.className}
              onChange={event => {
                const chosen = classes.find(
                  item => item.name === event.target.value
                )!;
                change({
                  className: chosen.name,
                  parameters: parameterFields(chosen, {})
                });
              }}
            >
              {classes.map(item => (
                <option key={item.name} value={item.name}>
                  {item.name}
                </option>
              ))}
            </select>
          )}
        </Field>
      ) : null}
      <Field
        name="dataset"
        label={trans.__('Dataset')}
        hint={trans.__('a name, or name/SYMBOL for one symbol')}
        complaint={complaint('dataset')}
      >
        {(id, hintId) => (
          <>
            <input
              id={id}
              className="jp-mod-styled"
              list={listId}
              aria-describedby={hintId}
              aria-invalid={complaint('dataset') !== null}
              value={fields.dataset}
              onChange={event => change({ dataset: event.target.value })}
            />
            <datalist id={listId}>
              {props.datasets.map(name => (
                <option key={name} value={name} />
              ))}
            </datalist>
          </>
        )}
      </Field>
      {input('cash', trans.__('Cash'), trans.__('capital at the start'))}
      {input(
        'commission',
        trans.__('Commission'),
        trans.__('fraction of the traded value')
      )}
      {input('slippage', trans.__('Slippage'), trans.__('fraction of the price'))}
      {Object.entries(strategy?.parameters ?? {}).map(([name, parameter]) => (
        <Field
          key={`${fields.className}.${name}`}
          name={`parameters.${name}`}
          label={name}
          hint={
            parameter.description ||
            (typeof parameter.low === 'number' && typeof parameter.high === 'number'
              ? trans.__('%1 to %2', parameter.low, parameter.high)
              : trans.__('parameter of the strategy'))
          }
          complaint={complaint(`parameters.${name}`)}
        >
          {(id, hintId) => (
            <input
              id={id}
              className="jp-mod-styled"
              aria-describedby={hintId}
              aria-invalid={complaint(`parameters.${name}`) !== null}
              value={fields.parameters[name] ?? ''}
              onChange={event =>
                change({
                  parameters: { ...fields.parameters, [name]: event.target.value }
                })
              }
            />
          )}
        </Field>
      ))}
    </div>
  );
}

class RunFormWidget
  extends ReactWidget
  implements Dialog.IBodyWidget<IFields>
{
  constructor(options: Omit<IFormProps, 'onChange' | 'complaints'>, complaints: IComplaint[]) {
    super();
    this._options = options;
    this._fields = options.fields;
    this._complaints = complaints;
  }

  getValue(): IFields {
    return this._fields;
  }

  protected override render(): JSX.Element {
    return (
      <RunForm
        {...this._options}
        complaints={this._complaints}
        onChange={fields => {
          this._fields = fields;
          this._forgive();
        }}
      />
    );
  }

  /** A field that has been put right is no longer complained of; new complaints wait for the button. */
  private _forgive(): void {
    if (this._complaints.length > 0) {
      const left = readFields(this._fields, this._options.classes).complaints;
      const wrong = new Set(left.map(item => item.field));
      this._complaints = this._complaints.filter(item => wrong.has(item.field));
      this.update();
    }
  }

  private _options: Omit<IFormProps, 'onChange' | 'complaints'>;
  private _fields: IFields;
  private _complaints: IComplaint[];
}

/** Ask for strategy, data and costs; `null` when the trader leaves. */
export async function askForRun(
  classes: readonly IStrategyClass[],
  datasets: readonly string[],
  initial: IFields,
  trans: TranslationBundle
): Promise<IChoice | null> {
  let fields = initial;
  let complaints: IComplaint[] = [];
  for (;;) {
    const body = new RunFormWidget({ classes, datasets, fields, trans }, complaints);
    const dialog = new Dialog<IFields>({
      title:
        classes.length === 1
          ? trans.__('Backtest %1', classes[0]!.name)
          : trans.__('Backtest'),
      body,
      buttons: [
        Dialog.cancelButton({ label: trans.__('Cancel') }),
        Dialog.okButton({ label: trans.__('Run backtest') })
      ]
    });
    dialog.addClass('alphintra-RunDialog');
    const result = await dialog.launch();
    if (!result.button.accept || !result.value) {
      return null;
    }
    const read = readFields(result.value, classes);
    if (read.complaints.length === 0) {
      return read.choice;
    }
    fields = result.value;
    complaints = read.complaints;
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

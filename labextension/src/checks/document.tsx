/** A strategy's checks in the main area: what must hold, when that is tested, and the history. */

import { Notification } from '@jupyterlab/apputils';
import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';

import { ApiError, describe } from '../api/problem.js';
import type { IBacktest } from '../api/types.js';
import { JobProgress } from '../jobs/progress.js';
import { isFinished } from '../jobs/state.js';
import { useSignals } from '../lists/redraw.js';
import { ListStates, More } from '../lists/states.js';
import { parameterText } from '../result/parameter.js';
import { CheckField, Field, SelectField, TextField } from '../run/field.js';
import type { IAlphintra, IJobs } from '../tokens.js';
import { IChecksFields, WEEKDAYS, fieldsOf, settingsOf, updateOf } from './form.js';
import { History } from './history.js';
import type { ChecksModel } from './model.js';
import { STATE_MARKS, stateOf, stateText } from './state.js';

interface IProps {
  model: ChecksModel;
  name: string;
  jobs: IJobs;
  alphintra: IAlphintra;
  /** The newest completed run of the strategy: checks that are new start from its settings. */
  latest: () => IBacktest | null;
}

function Skeleton({ label }: { label: string }): JSX.Element {
  return (
    <div aria-busy="true" aria-label={label} className="alphintra-Checks-columns">
      <div className="alphintra-Skeleton" style={{ height: 320 }} />
      <div className="alphintra-Skeleton" style={{ height: 320 }} />
    </div>
  );
}

/** The fields that the server's problems name, as ours. */
const NAMES: Record<string, string> = { dataset_id: 'dataset' };

/** A value of the settings, short: terms by those that are charged. */
function settingText(value: unknown): string {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return Object.entries(value)
      .filter(([, item]) => item !== null && Number(item) !== 0)
      .map(([name, item]) => `${name} ${parameterText(item)}`)
      .join(', ');
  }
  return parameterText(value);
}

function Editor(props: IProps): JSX.Element {
  const { model, alphintra } = props;
  const { trans } = alphintra;
  const checks = model.checks!;
  const latest = props.latest();
  const stored = fieldsOf(checks, latest);
  const settings = settingsOf(checks, latest);
  const [fields, setFields] = React.useState(stored);
  const [errors, setErrors] = React.useState<Record<string, string>>({});
  const [problem, setProblem] = React.useState<string | null>(null);
  const [busy, setBusy] = React.useState(false);
  const changed = !checks.configured || JSON.stringify(fields) !== JSON.stringify(stored);
  const set = (next: Partial<IChecksFields>): void => {
    setFields({ ...fields, ...next });
    setErrors({});
    setProblem(null);
  };
  const save = async (): Promise<void> => {
    setBusy(true);
    try {
      await model.save(updateOf(fields, settings));
      setErrors({});
      setProblem(null);
      setFields(fieldsOf(model.checks!, null));
    } catch (error) {
      const found: Record<string, string> = {};
      const others: string[] = [];
      for (const item of (error instanceof ApiError && error.problem.errors) || []) {
        const first = (item.field ?? '').split('.')[0]!;
        const field = NAMES[first] ?? first;
        if (['checks', 'dataset', 'at', 'schedule', 'weekday'].includes(field)) {
          found[field] ??= item.message;
        } else {
          others.push(item.field ? `${item.field}: ${item.message}` : item.message);
        }
      }
      const none = Object.keys(found).length === 0;
      setErrors(found);
      setProblem(others.join(' ') || (none ? describe(error).text : null));
    } finally {
      setBusy(false);
    }
  };
  const given = Object.entries(settings)
    .filter(([, value]) => settingText(value) !== '')
    .filter(([name]) => ['parameters', 'commission', 'slippage', 'profile'].includes(name));
  return (
    <form
      className="alphintra-Checks-form"
      data-lm-suppress-shortcuts="true"
      onSubmit={event => {
        event.preventDefault();
        void save();
      }}
    >
      <h3>{trans.__('What must hold')}</h3>
      {problem !== null ? (
        <p className="alphintra-Problem" role="alert">
          {problem}
        </p>
      ) : null}
      <Field
        name="checks"
        label={trans.__('Checks')}
        hint={trans.__('one a line; empty: those that the class carries')}
        complaint={errors.checks ?? null}
      >
        {attributes => (
          <textarea
            {...attributes}
            rows={6}
            spellCheck={false}
            value={fields.checks}
            onChange={event => set({ checks: event.target.value })}
          />
        )}
      </Field>
      <TextField
        name="dataset"
        label={trans.__('Dataset')}
        hint={trans.__('a name, or name/SYMBOL for one symbol')}
        complaint={errors.dataset ?? null}
        value={fields.dataset}
        onChange={dataset => set({ dataset })}
      />
      {given.length > 0 ? (
        <p className="alphintra-Checks-settings alphintra-muted">
          {trans.__('With %1', given.map(([name, value]) => `${name} ${settingText(value)}`).join(' \u00b7 '))}
        </p>
      ) : null}
      <h3>{trans.__('When they run by themselves')}</h3>
      <CheckField
        name="on_save"
        label={trans.__('After a saved change of the code')}
        checked={fields.onSave}
        onChange={onSave => set({ onSave })}
      />
      <CheckField
        name="on_dataset"
        label={trans.__('After a new version of the data')}
        checked={fields.onDataset}
        onChange={onDataset => set({ onDataset })}
      />
      <div className="alphintra-Checks-schedule">
        <SelectField
          name="schedule"
          label={trans.__('Schedule')}
          complaint={errors.schedule ?? null}
          value={fields.schedule}
          options={[
            ['never', trans.__('Never')],
            ['daily', trans.__('Daily')],
            ['weekly', trans.__('Weekly')]
          ]}
          onChange={schedule => set({ schedule })}
        />
        <SelectField
          name="weekday"
          label={trans.__('Day')}
          complaint={errors.weekday ?? null}
          value={fields.weekday}
          disabled={fields.schedule !== 'weekly'}
          options={WEEKDAYS.map(
            day => [day, day.charAt(0).toUpperCase() + day.slice(1)] as const
          )}
          onChange={weekday => set({ weekday })}
        />
        <TextField
          name="at"
          label={trans.__('Time, UTC')}
          complaint={errors.at ?? null}
          value={fields.at}
          disabled={fields.schedule === 'never'}
          onChange={at => set({ at })}
        />
      </div>
      <div className="alphintra-Checks-save">
        <button
          type="submit"
          className={`alphintra-Button${changed ? ' alphintra-mod-primary' : ''}`}
          disabled={!changed || busy}
        >
          {trans.__('Save checks')}
        </button>
        <span className="alphintra-muted" role="status">
          {checks.configured && !changed
            ? checks.next_due
              ? trans.__('saved; next run %1 UTC', checks.next_due.slice(0, 16).replace('T', ' '))
              : trans.__('saved')
            : ''}
        </span>
      </div>
    </form>
  );
}

function Document(props: IProps): JSX.Element {
  const { model, name, jobs, alphintra } = props;
  const { trans } = alphintra;
  useSignals(model.changed, jobs.active.changed, jobs.connection.changed);
  const [busy, setBusy] = React.useState(false);
  React.useEffect(() => void model.refresh(), [model]);
  const { checks } = model;
  const state = checks === null ? null : stateOf(checks);
  const act = async (what: () => Promise<void>, failed: string): Promise<void> => {
    setBusy(true);
    try {
      await what();
    } catch (error) {
      Notification.error(`${failed} ${describe(error).text}`);
    } finally {
      setBusy(false);
    }
  };
  const start = async (): Promise<void> => {
    const release = jobs.announcer.hold();
    try {
      jobs.announcer.startedHere(await model.run());
    } finally {
      release();
    }
  };
  // The oldest: another waits behind it.
  const running = model.items.filter(run => !isFinished(run)).at(-1);
  return (
    <article
      className="alphintra-Result alphintra-Checks"
      aria-label={trans.__('Checks of %1', name)}
    >
      <header className="alphintra-Header">
        <div className="alphintra-Header-facts">
          <h2>{trans.__('Checks of %1', name)}</h2>
          {state !== null ? (
            <span className="alphintra-Chip" data-state={state} role="status">
              <span className={`alphintra-CheckMark alphintra-mod-${state}`}>
                {STATE_MARKS[state]}
              </span>{' '}
              {stateText(state, checks!.last_run, trans)}
            </span>
          ) : null}
        </div>
        <div className="alphintra-Header-actions">
          {running ? (
            <JobProgress
              job={
                jobs.active.findFor(running.id) ?? {
                  ...running,
                  phase: running.phase ?? null,
                  progress: null
                }
              }
              name={trans.__('the checks of %1', name)}
              trans={trans}
              stale={!jobs.connection.isUp}
              onStop={() =>
                void act(() => model.cancel(), trans.__('The checks could not be stopped.'))
              }
            />
          ) : (
            <button
              type="button"
              className="alphintra-Button"
              disabled={busy || !checks?.configured}
              title={
                checks?.configured === false
                  ? trans.__('Save the checks first')
                  : trans.__('Run the checks now')
              }
              onClick={() => void act(start, trans.__('The checks did not start.'))}
            >
              {trans.__('Run checks')}
            </button>
          )}
        </div>
      </header>
      {model.state === 'ready' && model.error !== null ? (
        <p className="alphintra-Problem" role="alert">
          {trans.__('The server does not answer; this may be old. %1', describe(model.error).text)}
        </p>
      ) : null}
      <ListStates
        model={model}
        trans={trans}
        skeleton={<Skeleton label={trans.__('Loading the checks')} />}
        failed={trans.__('The checks could not be read.')}
      >
        <div className="alphintra-Checks-columns">
          <Editor {...props} />
          <section aria-label={trans.__('History')}>
            <h3>{trans.__('History')}</h3>
            {model.items.length > 0 ? (
              <History runs={model.items} trans={trans} />
            ) : (
              <p className="alphintra-muted">
                {checks?.configured
                  ? trans.__(
                      'The checks have not run yet. Press Run checks, or save the strategy: each run is kept here and compared with the one before.'
                    )
                  : trans.__(
                      'Checks say what must hold for the strategy to be the one that you decided on. Save them on the left; each run is then kept here, with what passed and what changed.'
                    )}
              </p>
            )}
            <More model={model} trans={trans} label={trans.__('Show older runs')} />
          </section>
        </div>
      </ListStates>
    </article>
  );
}

export class ChecksDocument extends ReactWidget {
  constructor(options: IProps) {
    super();
    this._options = options;
    this.addClass('alphintra-ResultWidget');
    this.node.tabIndex = 0;
  }

  get model(): ChecksModel {
    return this._options.model;
  }

  get strategyName(): string {
    return this._options.name;
  }

  protected override render(): JSX.Element {
    return <Document {...this._options} />;
  }

  private _options: IProps;
}

/** The recipe of a dataset: its steps, what they do to some rows, and the version that they make. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IDataset, IDatasetVersion } from '../api/datasets.js';
import type { IProcessOutcome } from '../api/recipes.js';
import { nameInCode, rightsOf } from '../datasets/words.js';
import { Failure } from '../failure.js';
import type { IOutcome, Outcome } from '../jobs/outcome.js';
import { JobProgress } from '../jobs/progress.js';
import { useKeptFocus } from '../keptFocus.js';
import { useSignals } from '../lists/redraw.js';
import { CopyButton } from '../result/header.js';
import type { IOption } from '../run/field.js';
import type { IJobs } from '../tokens.js';
import { MOST_STEPS, RecipeModel } from './model.js';
import { Effects, PreviewView } from './previewView.js';
import { StepForm } from './stepForm.js';
import { kindText, leakText, recipeJson, recipePython } from './words.js';

interface IProps {
  dataset: IDataset;
  version: IDatasetVersion;
  model: RecipeModel;
  jobs: IJobs;
  /** Columns that a step can change: all but that of the time. */
  columns: readonly string[];
  /** Datasets that can be joined, as `name@3`. */
  datasets: readonly IOption[];
  trans: TranslationBundle;
  /** Show the version that was made. */
  onOpen: (dataset: string, number: number) => void;
}

/** A job that the form has started, while it goes on. */
export function Following(props: {
  outcome: Outcome<IOutcome>;
  name: string;
  jobs: IJobs;
  trans: TranslationBundle;
}): JSX.Element | null {
  const { outcome, jobs } = props;
  if (!outcome.isBusy) {
    return null;
  }
  const job = jobs.active.find(outcome.jobId);
  return (
    <JobProgress
      job={job ?? { status: 'PENDING', phase: null, progress: null }}
      name={props.name}
      trans={props.trans}
      stale={!jobs.connection.isUp}
      onStop={() => outcome.jobId && jobs.stop(outcome.jobId)}
    />
  );
}

function Steps({ model, columns, datasets, trans }: IProps): JSX.Element {
  const list = React.useRef<HTMLOListElement>(null);
  const [added, setAdded] = React.useState<number | null>(null);
  React.useEffect(() => {
    // Who adds a step by keyboard goes on in its first field.
    const fields = '.alphintra-Step:last-child .alphintra-Step-fields :is(input, select, textarea)';
    list.current?.querySelector<HTMLElement>(fields)?.focus();
  }, [added]);
  const [removed, setRemoved] = React.useState<{ at: number } | null>(null);
  const adding = React.useRef<HTMLSelectElement>(null);
  React.useEffect(() => {
    if (removed !== null) {
      // The button that was pressed is gone with its step: on at that of the next one, of the last, or at what adds one.
      const buttons = list.current?.querySelectorAll<HTMLElement>('.alphintra-Step-remove') ?? [];
      (buttons[Math.min(removed.at, buttons.length - 1)] ?? adding.current)?.focus();
    }
  }, [removed]);
  const leaks = model.isPreviewOld ? [] : (model.shownPreview?.leaks ?? []);
  return (
    <>
      {model.steps.length === 0 ? (
        <p className="alphintra-muted">
          {trans.__('A recipe makes a new version in steps. None of them may look ahead. Add the first one:')}
        </p>
      ) : (
        <ol ref={list} className="alphintra-Steps" aria-label={trans.__('Steps of the recipe')}>
          {model.steps.map((step, i) => (
            <StepForm
              key={step.key}
              step={step}
              kind={model.kindOf(step)!}
              number={i + 1}
              isLast={i === model.steps.length - 1}
              model={model}
              columns={[...columns, ...model.columnsBefore(step.key)]}
              datasets={datasets}
              onRemove={() => {
                model.remove(step.key);
                setRemoved({ at: i });
              }}
              leak={leakText(leaks.filter(leak => leak.step === i + 1), trans)}
              trans={trans}
            />
          ))}
        </ol>
      )}
      <select
        ref={adding}
        className="alphintra-Input alphintra-Steps-add"
        aria-label={trans.__('Add a step')}
        value=""
        disabled={model.steps.length >= MOST_STEPS}
        onChange={event => setAdded(model.add(event.target.value))}
      >
        <option value="">{trans.__('Add a step\u2026')}</option>
        {model.kinds!.map(({ kind, description }) => (
          <option key={kind} value={kind} title={description}>
            {kindText(kind, trans)}
          </option>
        ))}
      </select>
    </>
  );
}

function Made(props: {
  outcome: IProcessOutcome;
  trans: TranslationBundle;
  onOpen: IProps['onOpen'];
}): JSX.Element | null {
  const { outcome, trans } = props;
  if (outcome.dataset_id === null || outcome.number === null) {
    return null;
  }
  const made = `${outcome.dataset}@${outcome.number}`;
  return (
    <section className="alphintra-Made" role="status">
      <div>
        <span aria-hidden="true">{'\u2713'}</span> {trans.__('Made and checked by all rules:')}{' '}
        <button
          type="button"
          className="alphintra-Button"
          onClick={() => props.onOpen(outcome.dataset_id!, outcome.number!)}
        >
          {trans.__('Show %1 and its report', made)}
        </button>
      </div>
      <Effects effects={outcome.effects} leaks={[]} trans={trans} />
    </section>
  );
}

/** Where the new version goes, and the buttons. */
function Running(props: IProps): JSX.Element {
  const { dataset, version, model, trans } = props;
  const mayContinue = rightsOf(dataset).change;
  const [isNew, setNew] = React.useState(!mayContinue);
  const [name, setName] = React.useState('');
  const busy = model.preview.isBusy || model.run.isBusy;
  useKeptFocus(busy);
  const isEmpty = model.steps.length === 0;
  const steps = model.json();
  const choice = (value: boolean, text: string): JSX.Element => (
    <label
      className="alphintra-Check"
      title={value || mayContinue ? undefined : trans.__('Who may not change %1 makes a dataset of their own.', dataset.name)}
    >
      <input
        type="radio"
        name={`target-${dataset.id}`}
        checked={isNew === value}
        disabled={!value && !mayContinue}
        onChange={() => setNew(value)}
      />
      {text}
    </label>
  );
  return (
    <div className="alphintra-Process-foot">
      <div className="alphintra-Process-target" role="radiogroup" aria-label={trans.__('What it makes')}>
        {choice(false, trans.__('the next version of %1', dataset.name))}
        {choice(true, trans.__('a dataset of its own:'))}
        <input
          className="alphintra-Input"
          placeholder={trans.__('Name')}
          aria-label={trans.__('Name of the new dataset')}
          maxLength={100}
          spellCheck={false}
          disabled={!isNew}
          value={name}
          onChange={event => setName(event.target.value)}
        />
      </div>
      <div className="alphintra-Process-actions">
        <button
          type="button"
          className="alphintra-Button"
          disabled={busy || isEmpty}
          onClick={() => void model.tryOut(version.number)}
        >
          {trans.__('Preview')}
        </button>
        <button
          type="button"
          className="alphintra-Button alphintra-mod-primary"
          disabled={busy || isEmpty || (isNew && name.trim() === '')}
          onClick={() => void model.process(version.number, isNew ? name.trim() : null)}
        >
          {trans.__('Run')}
        </button>
        <CopyButton
          text={recipeJson(steps)}
          title={trans.__('Copy the recipe as JSON')}
          label={trans.__('Copy JSON')}
          done={trans.__('Copied')}
          disabled={isEmpty}
        />
        <CopyButton
          text={recipePython(nameInCode(dataset), version.number, steps)}
          title={trans.__('Copy the code that does the same in a cell')}
          label={trans.__('Copy Python')}
          done={trans.__('Copied')}
          disabled={isEmpty}
        />
      </div>
    </div>
  );
}

export function ProcessTab(props: IProps): JSX.Element {
  const { model, jobs, trans } = props;
  useSignals(model.changed, jobs.active.changed, jobs.connection.changed);
  React.useEffect(() => {
    if (model.kinds === null) {
      void model.load();
    }
  }, [model]);
  if (model.kinds === null) {
    return model.error === null ? (
      <div className="alphintra-Process" aria-busy="true" aria-label={trans.__('Loading')}>
        {['30%', '55%', '12%'].map(width => (
          <div key={width} className="alphintra-Skeleton" style={{ width, height: 19 }} />
        ))}
      </div>
    ) : (
      <Failure
        error={model.error}
        title={trans.__('The steps could not be read.')}
        trans={trans}
        onRetry={() => void model.load()}
      />
    );
  }
  return <Recipe {...props} />;
}

function Recipe(props: IProps): JSX.Element {
  const { model, jobs, version, trans } = props;
  const node = React.useRef<HTMLDivElement>(null);
  const isBusy = model.preview.isBusy || model.run.isBusy;
  React.useEffect(() => {
    // How far it is stands below the buttons: it is seen where these are at the lower edge.
    node.current?.querySelector('.alphintra-Progress')?.scrollIntoView({ block: 'nearest' });
  }, [isBusy]);
  const others = model.complaints.filter(own => own.step === null);
  return (
    <div ref={node} className="alphintra-Process" data-lm-suppress-shortcuts="true">
      <p
        className="alphintra-muted">{trans.__('It starts from %1, the version that is shown.', `${props.dataset.name}@${version.number}`)}</p
      >
      <Steps {...props} />
      {others.map(({ text }) => (
        <p key={text} className="alphintra-Problem" role="alert">
          {text}
        </p>
      ))}
      <Running {...props} />
      <Following outcome={model.preview} name={trans.__('Preview')} jobs={jobs} trans={trans} />
      <Following outcome={model.run} name={trans.__('Recipe')} jobs={jobs} trans={trans} />
      {model.isStopped ? <p role="status">{trans.__('Stopped. Nothing was made.')}</p> : null}
      {model.run.answer?.status === 'COMPLETED' ? (
        <Made outcome={model.run.answer} trans={trans} onOpen={props.onOpen} />
      ) : null}
      {model.shownPreview ? (
        <PreviewView key={version.number} preview={model.shownPreview} isOld={model.isPreviewOld} trans={trans} />
      ) : null}
    </div>
  );
}

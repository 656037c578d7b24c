/** One job: what it is, what it does or how it ended, what it has used, what it printed. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { closeIcon } from '@jupyterlab/ui-components';
import React from 'react';

import type { IJob, IJobError, IJobLog } from '../api/types.js';
import { whichRun } from '../backtests/replayed.js';
import { DebugButton } from '../postMortem/failureView.js';
import { JobLog } from './log.js';
import { Metering } from './metering.js';
import { JobProgress } from './progress.js';
import { isFinished, stateOf } from './state.js';
import { moment } from './table.js';
import { STATE_MARKS, adviceFor, kindText, nameOf, stateText } from './words.js';

interface IProps {
  job: IJob;
  stale: boolean;
  trans: TranslationBundle;
  levelDescription: string | null;
  readLog: (id: string) => Promise<IJobLog>;
  onOpen: (() => void) | null;
  /** Opens the replay at the bar of its error; `null` where it has none. */
  onDebug: (() => void) | null;
  onStop: () => void;
  onClose: () => void;
}

/** Where in the code and when in the market; `null` where neither is known. */
function placeOf(error: IJobError, trans: TranslationBundle): string | null {
  const parts = [
    error.file,
    error.cell ? trans.__('cell %1', error.cell) : null,
    error.line ? trans.__('line %1', error.line) : null,
    error.bar_time ? trans.__('at the bar of %1', error.bar_time) : null,
    whichRun(error.run, trans)
  ].filter(Boolean);
  return parts.length > 0 ? parts.join(', ') : null;
}

/** What, where and what to do. */
export function JobProblem(props: {
  error: IJobError;
  trans: TranslationBundle;
  /** Opens the replay at the bar of the error; absent where nothing can. */
  onDebug?: () => void;
}): JSX.Element {
  const { error, trans } = props;
  const advice = adviceFor(error.code, trans);
  const place = placeOf(error, trans);
  return (
    <div className="alphintra-Problem" role="alert">
      <p>{error.message}</p>
      {place ? <p>{place}</p> : null}
      {advice ? <p>{advice}</p> : null}
      {error.bar_time && props.onDebug ? (
        <p>
          <DebugButton trans={trans} onClick={props.onDebug} />
        </p>
      ) : null}
      {error.code ? (
        <details>
          <summary>{trans.__('Details')}</summary>
          <p>{error.code}</p>
          {error.traceback ? <pre className="alphintra-Traceback">{error.traceback}</pre> : null}
        </details>
      ) : null}
    </div>
  );
}

function Times({ job, trans }: { job: IJob; trans: TranslationBundle }): JSX.Element {
  const times: [string, string | null][] = [
    [trans.__('made'), job.created_at],
    [trans.__('queued'), job.queued_at],
    [trans.__('started'), job.started_at],
    [trans.__('ended'), job.finished_at]
  ];
  return (
    <p className="alphintra-muted">
      {times
        .filter(([, time]) => time !== null)
        .map(([what, time]) => `${what} ${moment(time)}`)
        .join(' \u00b7 ')}{' '}
      UTC {'\u00b7'} {job.id}
    </p>
  );
}

export function JobDetails(props: IProps): JSX.Element {
  const { job, trans } = props;
  const state = stateOf(job);
  const name = nameOf(job, trans);
  return (
    <section className="alphintra-JobDetails" data-job={job.id} aria-label={trans.__('Job %1', name)}>
      <header>
        <h2>{name}</h2>
        <span className="alphintra-Chip">{kindText(job.kind, trans)}</span>
        <span className="alphintra-JobState">
          <span className={`alphintra-JobMark alphintra-mod-${state}`} aria-hidden="true">
            {STATE_MARKS[state]}
          </span>{' '}
          {stateText(state, trans)}
        </span>
        {props.onOpen ? (
          <button type="button" className="alphintra-Button" onClick={props.onOpen}>
            {trans.__('Open')}
          </button>
        ) : null}
        <button
          type="button"
          className="alphintra-IconButton"
          title={trans.__('Close the details')}
          onClick={props.onClose}
        >
          <closeIcon.react tag="span" elementSize="normal" />
        </button>
      </header>
      {isFinished(job) ? null : (
        <JobProgress job={job} name={name} trans={trans} stale={props.stale} onStop={props.onStop} />
      )}
      {job.error && state === 'failed' ? <JobProblem
          error={job.error}
          trans={trans}
          {...(props.onDebug ? { onDebug: props.onDebug } : {})}
        /> : null}
      <Metering
        usage={job}
        attempt={job.attempt}
        level={job.sandbox_level}
        levelDescription={props.levelDescription}
        trans={trans}
      />
      <Times job={job} trans={trans} />
      <JobLog key={job.id} job={job} read={props.readLog} trans={trans} />
    </section>
  );
}

/** The document of all jobs: what runs, waits and ended, what each has used, and the details of one. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, refreshIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { describe } from '../api/problem.js';
import type { IJob, IJobLog } from '../api/types.js';
import { fixed } from '../result/format.js';
import { Failure } from '../failure.js';
import type { ActiveJobs } from './active.js';
import type { Connection } from './connection.js';
import { JobDetails } from './details.js';
import type { JobList } from './list.js';
import { isFinished, stateOf } from './state.js';
import type { SystemModel } from './system.js';
import { JobsTable } from './table.js';
import { kindText } from './words.js';

export interface IJobsDocumentOptions {
  list: JobList;
  active: ActiveJobs;
  system: SystemModel;
  connection: Connection;
  trans: TranslationBundle;
  readLog: (id: string) => Promise<IJobLog>;
  readJob: (id: string) => Promise<IJob>;
  /** What opens a job's own document; `null` where it has none. */
  opener: (job: IJob) => (() => void) | null;
  /** What opens the replay at the bar of a job's error; `null` where nothing can. */
  debugger: (job: IJob) => (() => void) | null;
  onStop: (job: IJob) => void;
  onStopAll: () => void;
  onBrowse: () => void;
}

/** Typing waits this long, in milliseconds, before the server is asked. */
const TYPING_MS = 250;

/** The kinds that can be chosen, with those that are shown. */
function kinds(jobs: readonly IJob[], chosen: string): string[] {
  return [...new Set(['backtest', 'check', ...jobs.map(job => job.kind), chosen])].filter(Boolean);
}

function Skeleton({ label }: { label: string }): JSX.Element {
  return (
    <div className="alphintra-Jobs-skeleton" aria-busy="true" aria-label={label}>
      {Array.from({ length: 8 }, (_, i) => (
        <div key={i} className="alphintra-Skeleton" />
      ))}
    </div>
  );
}

function Tools(props: IJobsDocumentOptions): JSX.Element {
  const { list, connection, trans } = props;
  const stale = !connection.isUp;
  const [words, setWords] = React.useState(list.filter.words);
  const timer = React.useRef(0);
  // What was asked for; another choice than that was made elsewhere, and shows in the field.
  const asked = React.useRef(list.filter.words);
  if (list.filter.words !== asked.current) {
    asked.current = list.filter.words;
    setWords(list.filter.words);
  }
  const shown = fixed(list.items.length, 0);
  const count =
    list.total !== null && list.items.length < list.total
      ? trans.__('%1 of %2 jobs', shown, fixed(list.total, 0))
      : trans._n('%2 job', '%2 jobs', list.items.length, shown);
  return (
    <div className="alphintra-Jobs-tools" data-lm-suppress-shortcuts="true">
      <input
        type="search"
        className="alphintra-Input"
        placeholder={trans.__('Filter by name')}
        aria-label={trans.__('Filter the jobs by name')}
        value={words}
        onChange={event => {
          const next = event.target.value;
          setWords(next);
          window.clearTimeout(timer.current);
          timer.current = window.setTimeout(() => {
            asked.current = next;
            void list.choose({ words: next });
          }, TYPING_MS);
        }}
      />
      <select
        className="alphintra-Input"
        aria-label={trans.__('State')}
        value={list.filter.status}
        onChange={event => void list.choose({ status: event.target.value })}
      >
        <option value="">{trans.__('All states')}</option>
        <option value="PENDING">{trans.__('Waiting')}</option>
        <option value="RUNNING">{trans.__('Running')}</option>
        <option value="COMPLETED">{trans.__('Finished')}</option>
        <option value="FAILED">{trans.__('Failed')}</option>
        <option value="CANCELLED">{trans.__('Stopped')}</option>
      </select>
      <select
        className="alphintra-Input"
        aria-label={trans.__('Kind')}
        value={list.filter.kind}
        onChange={event => void list.choose({ kind: event.target.value })}
      >
        <option value="">{trans.__('All kinds')}</option>
        {kinds(list.items, list.filter.kind).map(kind => (
          <option key={kind} value={kind}>
            {kindText(kind, trans)}
          </option>
        ))}
      </select>
      <span className="alphintra-muted" role="status">
        {list.state === 'ready' ? count : ''}
      </span>
      {stale || (list.state === 'ready' && list.error !== null) ? (
        <span className="alphintra-Problem" role="alert">
          {stale
            ? trans.__('The server does not answer. It is asked again; until then this list is as it was.')
            : trans.__('The list could not be read anew. %1', describe(list.error).text)}
        </span>
      ) : null}
    </div>
  );
}

function Empty({ list, trans, onBrowse }: IJobsDocumentOptions): JSX.Element {
  return list.isFiltered ? (
    <div className="alphintra-Panel-message">
      <p>{trans.__('No job is like this.')}</p>
      <button
        type="button"
        className="alphintra-Button"
        onClick={() => void list.choose({ status: '', kind: '', words: '' })}
      >
        {trans.__('Show all jobs')}
      </button>
    </div>
  ) : (
    <div className="alphintra-Panel-message">
      <p>
        {trans.__(
          'Here is everything that the server runs for you: backtests, checks, and what each has used. Nothing has run yet.'
        )}
      </p>
      <button type="button" className="alphintra-Button alphintra-mod-primary" onClick={onBrowse}>
        {trans.__('Browse templates')}
      </button>
    </div>
  );
}

function Full(props: IJobsDocumentOptions & { selected: string | null; onSelect: (id: string | null) => void }): JSX.Element {
  const { list, active, trans, connection, selected, onSelect } = props;
  // What is active is known better elsewhere: places in the queue above all.
  const live = new Map(active.items.map(job => [job.id, job]));
  const [more, setMore] = React.useState<'idle' | 'busy' | string>('idle');
  const readMore = async (): Promise<void> => {
    setMore('busy');
    try {
      await list.more();
      setMore('idle');
    } catch (error) {
      setMore(describe(error).text);
    }
  };
  return (
    <>
      <JobsTable
        jobs={list.rows.map(row => (isFinished(row) ? row : (live.get(row.id) ?? row)))}
        sort={list.sort}
        selected={selected}
        stale={!connection.isUp}
        trans={trans}
        onSort={sort => {
          list.sort = sort;
        }}
        onSelect={job => onSelect(job.id === selected ? null : job.id)}
        onOpen={job => props.opener(job)?.()}
        onStop={props.onStop}
      />
      {list.hasMore ? (
        <div className="alphintra-Jobs-more">
          <button
            type="button"
            className="alphintra-Button"
            disabled={more === 'busy'}
            onClick={() => void readMore()}
          >
            {trans.__('Show older jobs')}
          </button>
          <span className="alphintra-muted" role="status">
            {more === 'busy' || more === 'idle'
              ? list.sort === null
                ? ''
                : trans.__('sorted are those that are shown')
              : trans.__('They could not be read. %1', more)}
          </span>
        </div>
      ) : null}
    </>
  );
}

function Document(props: IJobsDocumentOptions & { selected: string | null; onSelect: (id: string | null) => void }): JSX.Element {
  const { list, active, system, connection, trans, selected } = props;
  const [, redraw] = React.useReducer((count: number) => count + 1, 0);
  const [lone, setLone] = React.useState<IJob | null>(null);
  React.useEffect(() => {
    for (const model of [list, active, system, connection]) {
      (model.changed as unknown as { connect(slot: () => void): void }).connect(redraw);
    }
    void list.refresh();
    return () => {
      for (const model of [list, active, system, connection]) {
        (model.changed as unknown as { disconnect(slot: () => void): void }).disconnect(redraw);
      }
    };
  }, [list]);
  const listed = list.find(selected);
  const failed = listed !== undefined && stateOf(listed) === 'failed';
  const wanted = failed || (listed === undefined && list.state === 'ready');
  // A job that was asked for by its id may not be on the pages that are shown; and lists do not tell where and why one
  // failed.
  React.useEffect(() => {
    let gone = false;
    if (selected !== null && wanted) {
      props.readJob(selected).then(
        job => {
          if (!gone) {
            setLone(job);
          }
        },
        (reason: unknown) => console.warn(`Job ${selected} could not be read.`, reason)
      );
    }
    return () => {
      gone = true;
    };
  }, [selected, wanted]);
  const record = lone !== null && lone.id === selected ? lone : undefined;
  const job = active.find(selected) ?? (failed ? record : undefined) ?? listed ?? record;
  const stale = !connection.isUp;
  return (
    <article className="alphintra-Jobs" aria-label={trans.__('Jobs')}>
      <header className="alphintra-Jobs-head">
        <h2>{trans.__('Jobs')}</h2>
        <button
          type="button"
          className="alphintra-Button"
          disabled={active.items.length === 0}
          onClick={props.onStopAll}
        >
          {trans.__('Stop all')}
        </button>
        <button
          type="button"
          className="alphintra-IconButton"
          title={trans.__('Refresh the list')}
          onClick={() => void list.refresh()}
        >
          <refreshIcon.react tag="span" elementSize="normal" />
        </button>
      </header>
      <Tools {...props} />
      <div className="alphintra-Jobs-body" aria-busy={list.isReading}>
        {list.state === 'loading' ? (
          <Skeleton label={trans.__('Loading the jobs')} />
        ) : list.state === 'error' ? (
          <Failure
            error={list.error}
            title={trans.__('The jobs could not be read.')}
            trans={trans}
            onRetry={() => void list.refresh()}
          />
        ) : list.items.length === 0 ? (
          <Empty {...props} />
        ) : (
          <Full {...props} />
        )}
      </div>
      {job ? (
        <JobDetails
          job={job}
          stale={stale}
          trans={trans}
          levelDescription={system.levelDescription(job.sandbox_level)}
          readLog={props.readLog}
          onOpen={props.opener(job)}
          onDebug={props.debugger(job)}
          onStop={() => props.onStop(job)}
          onClose={() => props.onSelect(null)}
        />
      ) : null}
    </article>
  );
}

export class JobsDocument extends ReactWidget {
  constructor(private readonly _options: IJobsDocumentOptions) {
    super();
    this.addClass('alphintra-JobsWidget');
    this.node.tabIndex = 0;
  }

  get selected(): string | null {
    return this._selected;
  }

  /** Show the details of a job, or of none. */
  set selected(id: string | null) {
    this._selected = id;
    this.update();
  }

  protected override render(): JSX.Element {
    return (
      <Document
        {...this._options}
        selected={this._selected}
        onSelect={id => {
          this.selected = id;
        }}
      />
    );
  }

  private _selected: string | null = null;
}

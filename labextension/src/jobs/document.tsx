/** The document of all jobs: what runs, waits and ended, what each has used, and the details of one. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { ReactWidget, refreshIcon } from '@jupyterlab/ui-components';
import React from 'react';

import type { IJob, IJobLog } from '../api/types.js';
import { useSignals } from '../lists/redraw.js';
import { IconButton } from '../lists/rows.js';
import { Choice, SearchField } from '../lists/search.js';
import { Lateness, ListStates, More, Told } from '../lists/states.js';
import { fixed } from '../result/format.js';
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
  const shown = fixed(list.items.length, 0);
  const count =
    list.items.length < list.total
      ? trans.__('%1 of %2 jobs', shown, fixed(list.total, 0))
      : trans._n('%2 job', '%2 jobs', list.items.length, shown);
  return (
    <div className="alphintra-Jobs-tools" data-lm-suppress-shortcuts="true">
      <SearchField
        placeholder={trans.__('Filter by name')}
        label={trans.__('Filter the jobs by name')}
        value={list.filter.words}
        onSearch={words => void list.choose({ words })}
      />
      <Choice
        label={trans.__('State')}
        all={trans.__('All states')}
        value={list.filter.status}
        options={[
          ['PENDING', trans.__('Waiting')],
          ['RUNNING', trans.__('Running')],
          ['COMPLETED', trans.__('Finished')],
          ['FAILED', trans.__('Failed')],
          ['CANCELLED', trans.__('Stopped')]
        ]}
        onChoose={status => void list.choose({ status })}
      />
      <Choice
        label={trans.__('Kind')}
        all={trans.__('All kinds')}
        value={list.filter.kind}
        options={kinds(list.items, list.filter.kind).map(kind => [kind, kindText(kind, trans)] as const)}
        onChoose={kind => void list.choose({ kind })}
      />
      <span className="alphintra-muted" role="status">
        {list.state === 'ready' ? count : ''}
      </span>
      <Lateness model={list} isAway={!connection.isUp} trans={trans} />
    </div>
  );
}

function Empty({ list, trans, onBrowse }: IJobsDocumentOptions): JSX.Element {
  return list.isFiltered ? (
    <Told
      text={trans.__('No job is like this.')}
      label={trans.__('Show all jobs')}
      onPress={() => void list.choose({ status: '', kind: '', words: '' })}
    />
  ) : (
    <Told
      text={trans.__(
        'Here is everything that the server runs for you: backtests, checks, and what each has used. Nothing has run yet.'
      )}
      label={trans.__('Browse templates')}
      isPrimary
      onPress={onBrowse}
    />
  );
}

function Full(props: IJobsDocumentOptions & { selected: string | null; onSelect: (id: string | null) => void }): JSX.Element {
  const { list, active, trans, connection, selected, onSelect } = props;
  // What is active is known better elsewhere: places in the queue above all.
  const live = new Map(active.items.map(job => [job.id, job]));
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
      <More
        model={list}
        trans={trans}
        label={trans.__('Show older jobs')}
        note={list.sort === null ? '' : trans.__('sorted are those that are shown')}
      />
    </>
  );
}

function Document(props: IJobsDocumentOptions & { selected: string | null; onSelect: (id: string | null) => void }): JSX.Element {
  const { list, active, system, connection, trans, selected } = props;
  useSignals(list.changed, active.changed, system.changed, connection.changed);
  const [lone, setLone] = React.useState<IJob | null>(null);
  React.useEffect(() => void list.refresh(), [list]);
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
        <IconButton label={trans.__('Refresh the list')} icon={refreshIcon} onPress={() => void list.refresh()} />
      </header>
      <Tools {...props} />
      <div className="alphintra-Jobs-body" aria-busy={list.isReading}>
        <ListStates
          model={list}
          trans={trans}
          skeleton={<Skeleton label={trans.__('Loading the jobs')} />}
          failed={trans.__('The jobs could not be read.')}
        >
          {list.items.length === 0 ? <Empty {...props} /> : <Full {...props} />}
        </ListStates>
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

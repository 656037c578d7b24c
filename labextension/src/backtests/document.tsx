/** A run opened in the main area: its progress while it runs, then its result. */

import { Notification } from '@jupyterlab/apputils';
import { ReactWidget, launchIcon } from '@jupyterlab/ui-components';
import React from 'react';

import type { Client } from '../api/client.js';
import { ApiError, describe } from '../api/problem.js';
import type { IBacktest, IJob, IResults } from '../api/types.js';
import { Failure } from '../failure.js';
import { JobLog } from '../jobs/log.js';
import { JobProgress } from '../jobs/progress.js';
import { isFinished } from '../jobs/state.js';
import { adviceFor } from '../jobs/words.js';
import { LinkButton } from '../result/header.js';
import { parameterText } from '../result/parameter.js';
import { PayloadView } from '../result/view.js';
import { methodologyLabel } from '../run/methodology.js';
import { DebugButton } from '../postMortem/failureView.js';
import type { IStand } from '../result/why.js';
import type { IAlphintra, IJobs, IReplays } from '../tokens.js';
import { whichRun, whyNotReplayed } from './replayed.js';
import { MethodResult } from './methodResult.js';
import type { BacktestsModel } from './model.js';
import { JobFigures, useJob } from './job.js';

interface IProps {
  id: string;
  client: Client;
  model: BacktestsModel;
  jobs: IJobs;
  alphintra: IAlphintra;
  replays: IReplays | null;
  onTitle: (title: string) => void;
}

/** The outline of figures and charts, in the final layout. */
function Outline(): JSX.Element {
  return (
    <>
      <div className="alphintra-Skeleton" style={{ height: 70, margin: '12px 0' }} />
      <div className="alphintra-Skeleton" style={{ height: 548 }} />
    </>
  );
}

/** The outline of a result while it is fetched. */
function ResultSkeleton({ label }: { label: string }): JSX.Element {
  return (
    <div className="alphintra-Result" aria-busy="true" aria-label={label}>
      <div className="alphintra-Skeleton" style={{ width: '45%', height: 26 }} />
      <div
        className="alphintra-Skeleton"
        style={{ width: '35%', height: 24, marginTop: 10 }}
      />
      <Outline />
    </div>
  );
}

function Head({ run, children }: { run: IBacktest; children?: React.ReactNode }): JSX.Element {
  return (
    <header className="alphintra-Header">
      <div className="alphintra-Header-facts">
        <h2>{run.strategy_name ?? run.id}</h2>
        <span className="alphintra-Chip">{run.dataset_name}</span>
        {Object.entries(run.parameters ?? {}).map(([name, value]) => (
          <span key={name} className="alphintra-Chip">
            {name} <b>{parameterText(value)}</b>
          </span>
        ))}
      </div>
      {children ? <div className="alphintra-Header-actions">{children}</div> : null}
    </header>
  );
}

/** A run on its way: its head and how far it is, above the outline of what will come. */
function Running(props: { run: IBacktest; job: IJob | null } & IProps): JSX.Element {
  const { run, job, jobs, model, alphintra } = props;
  const { trans } = alphintra;
  const stale = !jobs.connection.isUp;
  const stop = (): void => {
    model.cancel(run.id).catch((reason: unknown) => {
      Notification.error(trans.__('The run could not be stopped. %1', describe(reason).text));
    });
  };
  return (
    <article
      className="alphintra-Result alphintra-Running"
      aria-label={trans.__('Run of %1', run.strategy_name ?? run.id)}
    >
      <Head run={run} />
      <JobProgress
        job={{ ...run, position: job?.position ?? null }}
        name={run.strategy_name ?? run.id}
        trans={trans}
        stale={stale}
        onStop={stop}
      />
      <p className="alphintra-Running-note" role="status">
        {stale
          ? trans.__('The server does not answer. It is asked again; the run goes on without this page.')
          : '\u00a0'}
      </p>
      <JobFigures job={job} jobs={jobs} trans={trans} />
      <div className="alphintra-Running-outline" aria-hidden="true">
        <Outline />
      </div>
    </article>
  );
}

function Unsuccessful(props: { run: IBacktest; job: IJob | null } & IProps): JSX.Element {
  const { run, job, jobs, client, alphintra, replays } = props;
  const { trans } = alphintra;
  const error = run.error;
  const place = error
    ? [
        error.file,
        error.cell === null || error.cell === undefined
          ? null
          : trans.__('cell %1', error.cell),
        error.line === null ? null : trans.__('line %1', error.line),
        error.bar_time === null
          ? null
          : trans.__('at the bar of %1', error.bar_time),
        whichRun(error.run, trans)
      ].filter(Boolean)
    : [];
  const advice = error ? adviceFor(error.code, trans) : null;
  return (
    <article className="alphintra-Result alphintra-Running">
      <Head run={run}>
        {error ? (
          <LinkButton href={client.reportUrl(run.id)} label={trans.__('Report')} icon={launchIcon} />
        ) : null}
      </Head>
      <div className="alphintra-Problem" role="alert">
        <p>
          {error
            ? error.message
            : trans.__('This run was stopped before it finished; it has no result.')}
        </p>
        {advice ? <p>{advice}</p> : null}
      </div>
      {place.length > 0 ? <p>{place.join(', ')}</p> : null}
      {error?.bar_time && replays ? (
        <p>
          <DebugButton
            trans={trans}
            reason={whyNotReplayed(run, trans)}
            onClick={() => void replays.openRun(run.id, null)}
          />
        </p>
      ) : null}
      {error ? (
        <details>
          <summary>{trans.__('Details')}</summary>
          <p>
            {error.code} {'\u00b7'} {run.id}
          </p>
          {error.traceback ? (
            <pre className="alphintra-Traceback">{error.traceback}</pre>
          ) : null}
        </details>
      ) : null}
      <JobFigures job={job} jobs={jobs} trans={trans} />
      {job ? <JobLog key={job.id} job={job} read={id => client.jobLog(id)} trans={trans} /> : null}
    </article>
  );
}

function Document(props: IProps): JSX.Element {
  const { id, client, model, jobs, alphintra, replays, onTitle } = props;
  const { trans } = alphintra;
  const [run, setRun] = React.useState<IBacktest | null>(model.find(id) ?? null);
  const [results, setResults] = React.useState<IResults | null>(null);
  const [error, setError] = React.useState<unknown>(null);
  const [attempt, setAttempt] = React.useState(0);

  React.useEffect(() => {
    const update = (): void => {
      const latest = model.find(id);
      if (latest) {
        setRun(latest);
      }
    };
    model.changed.connect(update);
    return () => {
      model.changed.disconnect(update);
    };
  }, [model, id]);

  const done = run !== null && isFinished(run);
  const job = useJob(client, jobs, run);
  const completed = done && run.status.toUpperCase() === 'COMPLETED';
  React.useEffect(() => {
    let gone = false;
    const read = async (): Promise<void> => {
      try {
        const latest = run ?? (await client.backtest(id));
        if (gone) {
          return;
        }
        // What the model has told meanwhile is newer.
        setRun(held => held ?? latest);
        if (latest.status.toUpperCase() === 'COMPLETED') {
          const found = await client.results(id);
          if (!gone) {
            setResults(found);
            setError(null);
          }
        }
      } catch (reason) {
        if (!gone) {
          setError(reason);
        }
      }
    };
    void read();
    return () => {
      gone = true;
    };
  }, [id, completed, attempt]);

  React.useEffect(() => {
    if (run) {
      const name = run.strategy_name ?? trans.__('Backtest');
      const method =
        run.methodology && run.methodology !== 'STANDARD'
          ? methodologyLabel(run.methodology, trans)
          : null;
      onTitle([name, method, run.dataset_name].filter(Boolean).join(' \u00b7 '));
    }
  }, [run?.strategy_name, run?.dataset_name]);

  // In a new notebook, with the source that the server has stored.
  const stand = React.useMemo<IStand | undefined>(
    () =>
      replays
        ? {
            go: (header, at) => void replays.openRun(id, at, header.parameters),
            choose: go => {
              replays.choice = go && { go };
            }
          }
        : undefined,
    [replays, id]
  );

  if (error !== null) {
    const unknown = error instanceof ApiError && error.problem.status === 404;
    return (
      <Failure
        error={error}
        title={
          unknown
            ? trans.__('There is no run with this id.')
            : trans.__('The result could not be read.')
        }
        trans={trans}
        onRetry={() => {
          setError(null);
          setAttempt(attempt + 1);
        }}
      />
    );
  }
  const waiting = <ResultSkeleton label={trans.__('Loading the result')} />;
  if (results !== null) {
    const view = results.view ?? {};
    const shown = results.study ? (
      <MethodResult
        methodology={run?.methodology ?? ''}
        study={results.study}
        view={view}
        alphintra={alphintra}
        stand={stand}
        reportUrl={client.reportUrl(id)}
        waiting={waiting}
      />
    ) : (
      <PayloadView
        payload={view}
        environment={alphintra}
        reportUrl={client.reportUrl(id)}
        {...(stand ? { stand } : {})}
      />
    );
    return (
      <>
        {shown}
        <footer className="alphintra-Result alphintra-JobFooter">
          <JobFigures job={job} jobs={jobs} trans={trans} />
        </footer>
      </>
    );
  }
  if (run !== null && !done) {
    return <Running {...props} run={run} job={job} />;
  }
  if (run !== null && done && !completed) {
    return <Unsuccessful {...props} run={run} job={job} />;
  }
  return waiting;
}

export class RunDocument extends ReactWidget {
  constructor(options: IProps) {
    super();
    this._options = options;
    this.addClass('alphintra-ResultWidget');
    this.node.tabIndex = 0;
  }

  get runId(): string {
    return this._options.id;
  }

  protected override render(): JSX.Element {
    return <Document {...this._options} />;
  }

  private _options: IProps;
}

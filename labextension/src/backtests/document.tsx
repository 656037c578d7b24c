/** A run opened in the main area: its progress while it runs, then its result. */

import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';

import type { Client } from '../api/client.js';
import type { IBacktest, IResults } from '../api/types.js';
import { ApiError } from '../api/problem.js';
import { duration, formatValue, grouped } from '../result/format.js';
import { PayloadView } from '../result/view.js';
import { methodologyLabel } from '../run/methodology.js';
import type { IAlphintra } from '../tokens.js';
import { MethodResult } from './methodResult.js';
import { BacktestsModel, isFinished, progressOf } from './model.js';
import { Failure } from './panel.js';
import { statusText } from './row.js';

interface IProps {
  id: string;
  client: Client;
  model: BacktestsModel;
  alphintra: IAlphintra;
  onTitle: (title: string) => void;
}

/** The outline of a result, in the final layout, while it is fetched. */
function ResultSkeleton({ label }: { label: string }): JSX.Element {
  return (
    <div className="alphintra-Result" aria-busy="true" aria-label={label}>
      <div className="alphintra-Skeleton" style={{ width: '45%', height: 26 }} />
      <div
        className="alphintra-Skeleton"
        style={{ width: '35%', height: 24, marginTop: 10 }}
      />
      <div
        className="alphintra-Skeleton"
        style={{ height: 70, margin: '12px 0' }}
      />
      <div className="alphintra-Skeleton" style={{ height: 548 }} />
    </div>
  );
}

function Running(props: { run: IBacktest } & IProps): JSX.Element {
  const { run, model, alphintra } = props;
  const { trans } = alphintra;
  const progress = progressOf(run);
  return (
    <div className="alphintra-Result alphintra-Running">
      <h2>{run.strategy_name ?? run.id}</h2>
      <p className="alphintra-muted">{run.dataset_name}</p>
      <p role="status">
        {[
          statusText(run, trans),
          progress.bar_time
            ? trans.__('at %1', progress.bar_time.slice(0, 10))
            : null,
          progress.text ? grouped(progress.text) : null,
          progress.fraction === null
            ? null
            : formatValue(progress.fraction, 'percent'),
          progress.eta_seconds === null
            ? null
            : trans.__('%1 left', duration(Math.ceil(progress.eta_seconds)))
        ]
          .filter(Boolean)
          .join(' \u00b7 ')}
      </p>
      <div className="alphintra-Bar">
        <i style={{ width: `${(progress.fraction ?? 0) * 100}%` }} />
      </div>
      <button
        type="button"
        className="alphintra-Button"
        onClick={() => void model.cancel(run.id)}
      >
        {trans.__('Stop')}
      </button>
    </div>
  );
}

function Unsuccessful(props: { run: IBacktest } & IProps): JSX.Element {
  const { run, alphintra } = props;
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
          : trans.__('at the bar of %1', error.bar_time)
      ].filter(Boolean)
    : [];
  return (
    <div className="alphintra-Result alphintra-Running">
      <h2>{run.strategy_name ?? run.id}</h2>
      <p className="alphintra-muted">{run.dataset_name}</p>
      <p className="alphintra-Problem" role="alert">
        {error
          ? error.message
          : trans.__('This run was stopped before it finished; it has no result.')}
      </p>
      {place.length > 0 ? <p>{place.join(', ')}</p> : null}
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
    </div>
  );
}

function Document(props: IProps): JSX.Element {
  const { id, client, model, alphintra, onTitle } = props;
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
  const completed = done && run.status.toUpperCase() === 'COMPLETED';
  React.useEffect(() => {
    let gone = false;
    const read = async (): Promise<void> => {
      try {
        const latest = run ?? (await client.backtest(id));
        if (gone) {
          return;
        }
        setRun(latest);
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
    return results.study ? (
      <MethodResult
        methodology={run?.methodology ?? ''}
        study={results.study}
        view={view}
        alphintra={alphintra}
        reportUrl={client.reportUrl(id)}
        waiting={waiting}
      />
    ) : (
      <PayloadView
        payload={view}
        environment={alphintra}
        reportUrl={client.reportUrl(id)}
      />
    );
  }
  if (run !== null && !done) {
    return <Running {...props} run={run} />;
  }
  if (run !== null && done && !completed) {
    return <Unsuccessful {...props} run={run} />;
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

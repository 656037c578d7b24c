/** Completed runs side by side, in the main area. */

import { ReactWidget } from '@jupyterlab/ui-components';
import React from 'react';

import { ApiError, describe } from '../api/problem.js';
import type { IAlphintra } from '../tokens.js';
import { compared, isAboutRuns } from './comparing.js';
import type { BacktestsModel } from './model.js';
import { LazyStudy } from './study.js';

interface IProps {
  ids: readonly string[];
  model: BacktestsModel;
  alphintra: IAlphintra;
}

/** The outline of a comparison; the line in it says what is being waited for. */
function Skeleton({ label, text }: { label: string; text: string }): JSX.Element {
  return (
    <div className="alphintra-Result" aria-busy="true" aria-label={label}>
      <div className="alphintra-Skeleton" style={{ width: '40%', height: 26 }} />
      <p className="alphintra-muted" role="status">
        {text}
      </p>
      <div
        className="alphintra-Skeleton"
        style={{ width: '60%', height: 40, margin: '14px 0' }}
      />
      <div className="alphintra-Skeleton" style={{ height: 360 }} />
      <div className="alphintra-Skeleton" style={{ height: 200, marginTop: 14 }} />
    </div>
  );
}

/** What cannot be compared, and with which runs it may be tried instead. */
function Refused(props: IProps & { error: unknown; onRetry: () => void }): JSX.Element {
  const { ids, model, error } = props;
  const { trans } = props.alphintra;
  const { text: detail, details } = describe(error);
  const said = error instanceof ApiError ? (error.problem.errors ?? []) : [];
  const text = said.length > 0 ? said.map(item => item.message).join('; ') : detail;
  return (
    <div className="alphintra-Result alphintra-Running" role="alert">
      <h2>{trans.__('Comparison')}</h2>
      <p className="alphintra-Problem">
        {trans.__('These runs could not be compared.')} {text}
      </p>
      <p>
        {isAboutRuns(error)
          ? trans.__(
              'Runs can be compared when all have finished and share sessions. Choose others in the Backtests panel, or try again when they have finished:'
            )
          : trans.__(
              'It is not because of the runs, and nothing of them is lost. Try again; where that does not help, the log of the server says more:'
            )}
      </p>
      <ul>
        {ids.map(id => {
          const run = model.find(id);
          return (
            <li key={id}>
              {run
                ? [run.strategy_name ?? id, run.dataset_name, run.status.toLowerCase()]
                    .filter(Boolean)
                    .join(' \u00b7 ')
                : id}
            </li>
          );
        })}
      </ul>
      {details.length > 0 ? (
        <details>
          <summary>{trans.__('Details')}</summary>
          <ul>
            {details.map((item, i) => (
              <li key={i}>{item}</li>
            ))}
          </ul>
        </details>
      ) : null}
      <button type="button" className="alphintra-Button" onClick={props.onRetry}>
        {trans.__('Try again')}
      </button>
    </div>
  );
}

function Comparison(props: IProps): JSX.Element {
  const { ids, alphintra } = props;
  const { client, trans } = alphintra;
  const [study, setStudy] = React.useState<unknown>(null);
  const [error, setError] = React.useState<unknown>(null);
  const [wait, setWait] = React.useState('');
  const [attempt, setAttempt] = React.useState(0);
  React.useEffect(() => {
    let gone = false;
    compared(
      client,
      ids,
      () => !gone,
      (seconds, reason) => {
        if (!gone) {
          setWait(
            trans.__('%1 It is asked again in %2 s.', describe(reason).text, seconds)
          );
        }
      }
    ).then(
      found => {
        if (!gone) {
          setStudy(found.study);
        }
      },
      (reason: unknown) => {
        if (!gone) {
          setError(reason);
        }
      }
    );
    return () => {
      gone = true;
    };
  }, [attempt]);
  const retry = (): void => {
    setError(null);
    setWait('');
    setAttempt(attempt + 1);
  };
  if (error !== null) {
    return <Refused {...props} error={error} onRetry={retry} />;
  }
  const waiting = (
    <Skeleton
      label={trans.__('Comparing')}
      text={
        wait ||
        trans.__(
          'Comparing %1 runs. The first comparison after a start of the server takes longer.',
          ids.length
        )
      }
    />
  );
  return study === null ? (
    waiting
  ) : (
    <LazyStudy payload={study} environment={alphintra} waiting={waiting} />
  );
}

export class ComparisonDocument extends ReactWidget {
  constructor(options: IProps) {
    super();
    this._options = options;
    this.addClass('alphintra-ResultWidget');
    this.addClass('alphintra-StudyWidget');
    this.node.tabIndex = 0;
  }

  get ids(): readonly string[] {
    return this._options.ids;
  }

  protected override render(): JSX.Element {
    return <Comparison {...this._options} />;
  }

  private _options: IProps;
}

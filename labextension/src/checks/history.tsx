/** The runs of a strategy's checks: what passed, what changed, and the first fill that differs. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { ICheckRun, IMetricChange } from '../api/types.js';
import { fixed, formatValue } from '../result/format.js';
import { STATE_MARKS, stateOfRun, stateText, triggerText } from './state.js';

interface IProps {
  runs: readonly ICheckRun[];
  trans: TranslationBundle;
}

/** As many runs as the strip shows. */
const STRIP = 30;
/** Metrics that are listed before the rest is counted. */
const LISTED = 8;

function when(text: string): string {
  return text.slice(0, 16).replace('T', ' ');
}

/** Metrics that are fractions; the history names metrics without their kind. */
const FRACTIONS = new Set([
  'total_return',
  'annualized_return',
  'max_drawdown',
  'volatility',
  'win_rate'
]);

/** A fraction in percent, money whole, anything else with four significant digits. */
function amount(name: string, value: number | null, signed = false): string {
  if (value === null) {
    return '\u2013';
  }
  if (FRACTIONS.has(name)) {
    return formatValue(value, 'percent', { signed });
  }
  const size = Math.abs(value);
  const decimals =
    size === 0 || Number.isInteger(value)
      ? 0
      : Math.min(8, Math.max(0, 3 - Math.floor(Math.log10(size))));
  return fixed(value, decimals, signed);
}

/** Pass and fail of the last runs, oldest first. */
function Strip({ runs, trans }: IProps): JSX.Element {
  const shown = runs.slice(0, STRIP).reverse();
  return (
    <ol className="alphintra-CheckStrip" aria-label={trans.__('Last runs, oldest first')}>
      {shown.map(run => {
        const state = stateOfRun(run);
        const text = `${when(run.created_at)} \u00b7 ${stateText(state, run, trans)}`;
        return (
          <li
            key={run.id}
            className={`alphintra-CheckMark alphintra-mod-${state}`}
            title={text}
            aria-label={text}
          >
            {STATE_MARKS[state]}
          </li>
        );
      })}
    </ol>
  );
}

function Metrics(props: {
  changes: readonly IMetricChange[];
  trans: TranslationBundle;
}): JSX.Element {
  const { changes, trans } = props;
  const rest = changes.length - LISTED;
  return (
    <table className="alphintra-CheckMetrics">
      <thead>
        <tr>
          <th scope="col">{trans.__('Metric')}</th>
          <th scope="col">{trans.__('before')}</th>
          <th scope="col">{trans.__('now')}</th>
          <th scope="col">{trans.__('difference')}</th>
        </tr>
      </thead>
      <tbody>
        {changes.slice(0, LISTED).map(change => (
          <tr key={change.name}>
            <th scope="row">{change.name}</th>
            <td>{amount(change.name, change.before)}</td>
            <td>{amount(change.name, change.after)}</td>
            <td>{amount(change.name, change.difference, true)}</td>
          </tr>
        ))}
        {rest > 0 ? (
          <tr>
            <td colSpan={4} className="alphintra-muted">
              {trans._n('and %1 more', 'and %1 more', rest, rest)}
            </td>
          </tr>
        ) : null}
      </tbody>
    </table>
  );
}

function Difference({ run, trans }: { run: ICheckRun; trans: TranslationBundle }): JSX.Element {
  const { differences, compared_with: before } = run;
  if (before === null || differences === null) {
    return (
      <p className="alphintra-muted">
        {trans.__('There was no run on the same data to compare with.')}
      </p>
    );
  }
  const same = differences.metrics.length === 0 && differences.first_fill === null;
  return (
    <>
      <h4>{trans.__('Since the run of %1', when(before.created_at))}</h4>
      {(run.inputs ?? []).map((input, i) => (
        <p key={i}>{input.text}</p>
      ))}
      {same ? <p>{trans.__('The same fills and the same metrics.')}</p> : null}
      {differences.first_fill ? (
        <p className="alphintra-CheckFill">
          <b>{trans.__('First differing fill')}</b> {differences.first_fill.text}
        </p>
      ) : null}
      {differences.metrics.length > 0 ? (
        <Metrics changes={differences.metrics} trans={trans} />
      ) : null}
    </>
  );
}

function Run(props: { run: ICheckRun; open: boolean; trans: TranslationBundle }): JSX.Element {
  const { run, trans } = props;
  const state = stateOfRun(run);
  const changed = (run.differences?.metrics.length ?? 0) > 0;
  const facts = [
    when(run.created_at),
    triggerText(run.trigger, trans),
    trans.__('version %1', run.strategy_version),
    run.differences === null
      ? null
      : run.differences.first_fill
        ? trans.__('fills differ')
        : changed
          ? trans.__('metrics differ')
          : trans.__('as before')
  ];
  return (
    <li>
      <details data-run={run.id} data-state={state} open={props.open}>
        <summary>
          <span className={`alphintra-CheckMark alphintra-mod-${state}`} aria-hidden="true">
            {STATE_MARKS[state]}
          </span>
          <b>{stateText(state, run, trans)}</b>
          <span className="alphintra-muted">{facts.filter(Boolean).join(' \u00b7 ')}</span>
        </summary>
        <div className="alphintra-CheckRun">
          {run.error ? (
            <p className="alphintra-Problem" role="alert">
              {[
                run.error.message,
                run.error.line === null ? null : trans.__('line %1', run.error.line)
              ]
                .filter(Boolean)
                .join(', ')}
            </p>
          ) : null}
          <ul className="alphintra-CheckResults">
            {run.results.map((result, i) => (
              <li key={i} data-passed={result.passed}>
                <span
                  className={`alphintra-CheckMark alphintra-mod-${result.passed ? 'passed' : 'failed'}`}
                  role="img"
                  aria-label={result.passed ? trans.__('passed') : trans.__('failed')}
                >
                  {STATE_MARKS[result.passed ? 'passed' : 'failed']}
                </span>
                <code>{result.text}</code>
                <span className="alphintra-muted">{result.reason}</span>
              </li>
            ))}
          </ul>
          {run.results.length > 0 ? <Difference run={run} trans={trans} /> : null}
        </div>
      </details>
    </li>
  );
}

export function History(props: IProps): JSX.Element {
  const { runs, trans } = props;
  return (
    <>
      <Strip {...props} />
      <ol className="alphintra-CheckRuns" aria-label={trans.__('Runs, newest first')}>
        {runs.map((run, i) => (
          <Run key={run.id} run={run} open={i === 0} trans={trans} />
        ))}
      </ol>
    </>
  );
}

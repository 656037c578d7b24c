/** One run in the panel. */

import type { TranslationBundle } from '@jupyterlab/translation';
import React from 'react';

import type { IBacktest } from '../api/types.js';
import { JobProgress } from '../jobs/progress.js';
import { isFinished, stateOf } from '../jobs/state.js';
import { stateText } from '../jobs/words.js';
import { Row, RowButton } from '../lists/rows.js';
import { direction, formatValue } from '../result/format.js';
import { DebugButton } from '../postMortem/failureView.js';
import { methodologyLabel } from '../run/methodology.js';
import { whichRun, whyNotReplayed } from './replayed.js';
import { canCompare } from './selection.js';
import { Sparkline } from './sparkline.js';

interface IProps {
  run: IBacktest;
  current: boolean;
  /** Whether it is chosen for a comparison. */
  chosen: boolean;
  now: number;
  /** Its place in the queue, where it waits. */
  position: number | null;
  /** Whether the server is away. */
  stale: boolean;
  trans: TranslationBundle;
  onOpen: () => void;
  /** Choose it for a comparison or give it up; `extend` takes all rows since the last. */
  onChoose: (extend: boolean) => void;
  onCancel: () => void;
  onShowLine: () => void;
  /** Opens the replay at the bar of the error; absent where nothing can. */
  onDebug?: () => void;
}

/** When a run was started, as one says it: minutes, hours, then the date. */
export function ago(
  created: string,
  now: number,
  trans: TranslationBundle
): string {
  const seconds = (now - Date.parse(created)) / 1000;
  if (Number.isNaN(seconds)) {
    return '';
  }
  if (seconds < 60) {
    return trans.__('just now');
  }
  if (seconds < 3600) {
    return trans.__('%1 min ago', Math.floor(seconds / 60));
  }
  if (seconds < 86_400) {
    return trans.__('%1 h ago', Math.floor(seconds / 3600));
  }
  return created.slice(0, 10);
}

/** The symbol of `name/SYMBOL`: in a narrow panel it says more than the set. */
function shortDataset(name: string | null): string | null {
  return name === null ? null : (name.split('/').at(-1) ?? name);
}

function parametersText(run: IBacktest): string {
  return Object.values(run.parameters ?? {})
    .map(value => String(value))
    .join('/');
}

function Metrics({ run, trans }: { run: IBacktest; trans: TranslationBundle }): JSX.Element {
  const metrics = run.metrics ?? {};
  const total = metrics.total_return ?? null;
  return (
    <div className="alphintra-Run-metrics">
      <span className={`alphintra-mod-${direction(total)}`}>
        {formatValue(total, 'percent', { signed: true })}
      </span>
      <span>
        <i>{trans.__('Sharpe')}</i> {formatValue(metrics.sharpe_ratio, 'ratio')}
      </span>
      <span>
        <i title={trans.__('Maximum drawdown')}>{trans.__('DD')}</i>{' '}
        {formatValue(metrics.max_drawdown, 'percent')}
      </span>
      <span>
        <i>{trans.__('Trades')}</i> {formatValue(metrics.total_trades, 'integer')}
      </span>
    </div>
  );
}

function Failure(props: IProps): JSX.Element {
  const { run, trans } = props;
  const error = run.error;
  const at = error?.bar_time ? error.bar_time.slice(0, 10) : null;
  const place =
    error?.line === null || error?.line === undefined
      ? null
      : error.cell !== null && error.cell !== undefined
        ? trans.__('cell %1, line %2', error.cell, error.line)
        : trans.__('line %1', error.line);
  const which = whichRun(error?.run, trans);
  return (
    <>
      <div className="alphintra-Item-error">
        {at ? trans.__('failed at %1', at) : trans.__('failed')}
        {error ? `: ${error.message}` : ''}
      </div>
      {which ? <div className="alphintra-muted">{which}</div> : null}
      {place ? (
        <div className="alphintra-Item-line">
          <span className="alphintra-muted">{place}</span>
          <RowButton className="alphintra-Chip" onPress={props.onShowLine}>
            {trans.__('show')}
          </RowButton>
        </div>
      ) : null}
      {error?.bar_time && props.onDebug ? (
        <div className="alphintra-Item-line">
          <DebugButton trans={trans} reason={whyNotReplayed(run, trans)} onClick={props.onDebug} />
        </div>
      ) : null}
    </>
  );
}

export function RunRow(props: IProps): JSX.Element {
  const { run, trans } = props;
  const status = run.status.toUpperCase();
  const told = [parametersText(run), ago(run.created_at, props.now, trans)];
  const facts = [shortDataset(run.dataset_name), ...told].filter(Boolean);
  const allFacts = [run.dataset_name, ...told].filter(Boolean);
  const gain = (run.metrics?.total_return ?? 0) >= 0;
  const name = run.strategy_name ?? run.id;
  const method =
    run.methodology && run.methodology !== 'STANDARD'
      ? methodologyLabel(run.methodology, trans)
      : null;
  const comparable = canCompare(run);
  return (
    <Row
      id={run.id}
      label={[
        name,
        method,
        run.dataset_name,
        stateText(stateOf(run), trans),
        props.chosen ? trans.__('chosen for comparison') : null
      ]
        .filter(Boolean)
        .join(', ')}
      className={`alphintra-Run ${props.chosen ? 'alphintra-mod-chosen' : ''}`}
      current={props.current}
      aria-selected={comparable ? props.chosen : undefined}
      data-run={run.id}
      data-status={status}
      onMouseDown={event => {
        if (event.shiftKey) {
          event.preventDefault(); // no text is selected on the way
        }
      }}
      onClick={event => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) {
          props.onChoose(event.shiftKey);
        } else {
          props.onOpen();
        }
      }}
      onOpen={props.onOpen}
      onKey={event => {
        if (event.key === ' ') {
          event.preventDefault();
          props.onChoose(event.shiftKey);
        }
      }}
    >
      <div className="alphintra-Item-line">
        <b>{name}</b>
        {run.sparkline && run.sparkline.length > 1 ? (
          <Sparkline
            values={run.sparkline}
            gain={gain}
            label={trans.__('Equity of the run')}
          />
        ) : null}
      </div>
      <div className="alphintra-Item-facts alphintra-muted">
        {method ? <span className="alphintra-Run-method">{method}</span> : null}
        <span title={allFacts.join(' \u00b7 ')}>{facts.join(' \u00b7 ')}</span>
        {comparable ? (
          <input
            type="checkbox"
            className="alphintra-Run-choice"
            tabIndex={-1}
            checked={props.chosen}
            title={trans.__('Choose for a comparison (Space; Ctrl or Shift with a click)')}
            aria-label={trans.__('Choose %1 for a comparison', name)}
            onClick={event => {
              event.stopPropagation();
              props.onChoose(event.shiftKey);
            }}
            onChange={() => undefined}
          />
        ) : null}
      </div>
      {!isFinished(run) ? (
        <JobProgress
          job={{ ...run, position: props.position }}
          name={name}
          trans={trans}
          stale={props.stale}
          narrow
          onStop={props.onCancel}
        />
      ) : status === 'COMPLETED' ? (
        <Metrics run={run} trans={trans} />
      ) : status === 'FAILED' ? (
        <Failure {...props} />
      ) : (
        <div className="alphintra-muted">{stateText(stateOf(run), trans)}</div>
      )}
    </Row>
  );
}

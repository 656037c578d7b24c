/** The checks in the Backtests panel: each strategy's last state; a click opens them. */

import type { TranslationBundle } from '@jupyterlab/translation';
import { runIcon } from '@jupyterlab/ui-components';
import React from 'react';

import type { ICheckRun } from '../api/types.js';
import type { ChecksOverview, IOverviewItem } from './overview.js';
import { STATE_MARKS, stateOf, stateText } from './state.js';

interface IProps {
  overview: ChecksOverview;
  trans: TranslationBundle;
  /** How far a run is, if it runs. */
  doing: (run: ICheckRun) => string | null;
  onOpen: (item: IOverviewItem) => void;
  onRun: (item: IOverviewItem) => void;
}

function Item(props: IProps & { item: IOverviewItem }): JSX.Element {
  const { item, trans } = props;
  const state = item.checks === null ? null : stateOf(item.checks);
  const last = item.checks?.last_run ?? null;
  const doing = state === 'running' && last !== null ? props.doing(last) : null;
  const text =
    state !== null
      ? (doing ?? stateText(state, item.checks!.last_run, trans))
      : item.error === null
        ? trans.__('loading')
        : trans.__('could not be read');
  return (
    <li className="alphintra-CheckItem" data-strategy={item.strategy} data-state={state ?? ''}>
      <button type="button" className="alphintra-CheckItem-open" onClick={() => props.onOpen(item)}>
        <span className={`alphintra-CheckMark alphintra-mod-${state ?? 'unset'}`} aria-hidden="true">
          {STATE_MARKS[state ?? 'unset']}
        </span>
        <b>{item.name}</b>
        <span className={state === 'failed' ? 'alphintra-CheckItem-failed' : 'alphintra-muted'}>
          {text}
        </span>
      </button>
      {item.checks?.configured ? (
        <button
          type="button"
          className="alphintra-IconButton"
          title={trans.__('Run the checks of %1', item.name)}
          disabled={state === 'running'}
          onClick={() => props.onRun(item)}
        >
          <runIcon.react tag="span" elementSize="normal" />
        </button>
      ) : null}
    </li>
  );
}

export function ChecksSection(props: IProps): JSX.Element | null {
  const { overview, trans } = props;
  const [, redraw] = React.useReducer((count: number) => count + 1, 0);
  React.useEffect(() => {
    overview.changed.connect(redraw);
    return () => {
      overview.changed.disconnect(redraw);
    };
  }, [overview]);
  if (overview.items.length === 0) {
    return null;
  }
  const failed = overview.items.filter(
    item => item.checks !== null && stateOf(item.checks) === 'failed'
  ).length;
  return (
    <details
      className="alphintra-Checks-section"
      open={overview.shown}
      onToggle={event => {
        if (event.currentTarget.open !== overview.shown) {
          overview.shown = event.currentTarget.open;
        }
      }}
    >
      <summary>
        <span>{trans.__('Checks')}</span>
        {failed > 0 ? (
          <span className="alphintra-CheckItem-failed">
            {trans._n('%1 strategy fails', '%1 strategies fail', failed, failed)}
          </span>
        ) : null}
      </summary>
      <ul aria-label={trans.__('Checks by strategy')}>
        {overview.items.map(item => (
          <Item key={item.strategy} {...props} item={item} />
        ))}
      </ul>
    </details>
  );
}
